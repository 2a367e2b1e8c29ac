#![no_main]
//! See the module of the same name in the library.

libfuzzer_sys::fuzz_target!(
    init: potluck_fuzz::campaign_files::begin(),
    |data: &[u8]| potluck_fuzz::campaign_files::check(data)
);
