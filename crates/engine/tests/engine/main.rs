//! What the engine promises: answers are durable, memory is rebuilt from the journal, nothing grows without bound.

mod answers;
mod common;
mod crash;
mod laws;
mod recovery;
mod snapshots;
mod timers;
