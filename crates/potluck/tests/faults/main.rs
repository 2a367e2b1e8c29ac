//! Files that fail, are damaged, or are gone, under the real program: it stops or recovers as docs/operations.md says.
#![expect(clippy::print_stdout, reason = "tests say what they have tried")]

mod disk;
mod files;
mod lost;
mod server;
mod story;
mod strace;
mod syscalls;
