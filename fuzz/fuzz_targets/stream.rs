#![no_main]
//! See [`fuzz::stream`].

libfuzzer_sys::fuzz_target!(|input: fuzz::stream::Input| fuzz::stream::check(input));
