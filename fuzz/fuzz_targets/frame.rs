#![no_main]
//! See [`fuzz::frame`].

libfuzzer_sys::fuzz_target!(|input: fuzz::frame::Input| fuzz::frame::check(input));
