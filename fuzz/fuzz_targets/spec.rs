//! Any bytes as a spec. Bytes that begin with NUL, which no text does, are edits of a real spec instead, so that
//! one run reaches both what is no YAML at all and what is almost right.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    match data.split_first() {
        Some((0, edits)) => lockgate_fuzz::holds_for_spec(&lockgate_fuzz::edited(edits)),
        _ => lockgate_fuzz::holds_for_spec(&String::from_utf8_lossy(data)),
    }
});
