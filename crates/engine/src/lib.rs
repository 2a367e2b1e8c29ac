//! The single writer: everything is decided by one thread, in memory, in the order of the journal.
//!
//! Why: with one writer there are no row locks, no lost updates and no half-finished money movements. What makes it
//! safe is one rule: nothing leaves the engine, neither an answer nor a refusal nor what a question shows, before
//! everything it rests on is durable. What makes it quick is that many commands share one wait for the disk, and
//! that the next batch is executed while the last one is written.
//!
//! [`Engine::start`] reads the journal back and gives an [`EngineHandle`], the way in. [`Step`] is the same writer
//! without threads. [`RecordReader`] and [`WorldFollower`] read what is durable, beside the writer or without one.

pub use append::RECORD_VERSION;
pub use clock::{Clock, ManualClock, SystemClock};
pub use engine::{Engine, EngineConfig, EngineThreads};
pub use error::{Fault, FollowError, SnapshotNowError, StartError, Stop, SubmitError};
pub use follow::{RecordReader, StoredRecord, WorldFollower, replay};
pub use handle::{EngineHandle, ReaderError, Reply};
pub use metrics::Metrics;
pub use outbox::Outbox;
pub use recovery::{Progress, Recovered};
pub use snapshots::{SnapshotPolicy, SnapshotTaken};
pub use step::Step;

mod append;
mod clock;
mod engine;
mod error;
mod executor;
mod follow;
mod handle;
mod message;
mod metrics;
pub mod outbox;
mod recovery;
mod shared;
mod snapshots;
mod step;
mod writer;

/// Most commands of one request.
pub const MAX_COMMANDS_PER_REQUEST: usize = 4096;
/// Usual number of commands accepted and not yet answered, settlements apart.
pub const QUEUE_COMMANDS: usize = 65_536;
/// Usual number of settlements accepted and not yet answered.
pub const QUEUE_SETTLEMENTS: usize = 1024;
/// About how many bytes of records usually make a batch full.
pub const BATCH_BYTES: usize = 1024 * 1024;
/// Bytes of journal read at once when it is followed.
pub const READ_BYTES: usize = 4 * 1024 * 1024;
/// Longest time the writer sleeps without a look at the clock, which may have been set.
pub const IDLE_LOOK: std::time::Duration = std::time::Duration::from_secs(1);
