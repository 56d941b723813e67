#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| moqt_fuzz::run("datagram", data));
