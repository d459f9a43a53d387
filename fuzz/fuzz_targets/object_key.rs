#![no_main]
//! See [`fuzz::object_key`].

libfuzzer_sys::fuzz_target!(|input: fuzz::object_key::Input| fuzz::object_key::check(input));
