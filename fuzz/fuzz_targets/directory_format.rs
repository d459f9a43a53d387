#![no_main]
//! See [`fuzz::directory_format`].

libfuzzer_sys::fuzz_target!(|input: fuzz::directory_format::Input| fuzz::directory_format::check(input));
