//! What is fuzzed, one module a target.
//!
//! Why the checks stand in a library: a target is a few lines that only libFuzzer can start. Each module has `begin`,
//! which makes the seeds with the program itself and puts them into the target's corpus, and `check`, which panics where
//! the program does what it must not.

pub mod campaign_files;
pub mod channel;
pub mod draw_files;
pub mod records;
pub mod requests;
pub mod snapshots;

mod corpus;
mod history;
#[path = "../../crates/draw/tests/it/oracle.rs"]
mod oracle;
mod panics;
mod second;
mod wire;
