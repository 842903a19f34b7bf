//! Any bytes as a file that Lockgate did not write.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    lockgate_fuzz::holds_for_foreign(&String::from_utf8_lossy(data));
});
