//! Edits of a real spec, and nothing else.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    lockgate_fuzz::holds_for_spec(&lockgate_fuzz::edited(data));
});
