#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| moqt_fuzz::run("catalog", data));
