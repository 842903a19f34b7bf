//! Any bytes, or edits of a real spec, in the usual looks.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    match data.split_first() {
        Some((0, edits)) => lockgate_fuzz::holds_for_format(&lockgate_fuzz::edited(edits)),
        _ => lockgate_fuzz::holds_for_format(&String::from_utf8_lossy(data)),
    }
});
