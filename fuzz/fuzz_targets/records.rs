#![no_main]
//! See the module of the same name in the library.

libfuzzer_sys::fuzz_target!(
    init: potluck_fuzz::records::begin(),
    |data: &[u8]| potluck_fuzz::records::check(data)
);
