//! Seeds: real inputs that the fuzzer begins with, made when a target starts.
//!
//! Why made and not committed: most are binary, and all of them follow from the program; made anew they are never of
//! an older format than the code they try.

use std::path::PathBuf;

/// Names another folder for the seeds of the one target that is started.
const ELSEWHERE: &str = "POTLUCK_FUZZ_SEEDS";

/// Puts the seeds into `fuzz/corpus/<target>`, which is where cargo-fuzz keeps what it finds, or where
/// `POTLUCK_FUZZ_SEEDS` says. They are overwritten at every start.
pub(crate) fn plant(target: &str, seeds: impl IntoIterator<Item = Vec<u8>>) {
    let usual = || {
        PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("corpus")
            .join(target)
    };
    let folder = std::env::var_os(ELSEWHERE).map_or_else(usual, PathBuf::from);
    std::fs::create_dir_all(&folder).expect("the corpus's folder can be made");
    for (number, seed) in seeds.into_iter().enumerate() {
        let file = folder.join(format!("seed-{number:03}"));
        std::fs::write(file, seed).expect("a seed can be written");
    }
}
