#![no_main]
//! See [`fuzz::recovery`].

libfuzzer_sys::fuzz_target!(|input: fuzz::recovery::Input| fuzz::recovery::check(input));
