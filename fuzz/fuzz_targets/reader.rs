#![no_main]
//! See [`fuzz::reader`].

libfuzzer_sys::fuzz_target!(|input: fuzz::reader::Input| fuzz::reader::check(input));
