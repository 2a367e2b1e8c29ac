//! What callers are told when there is no answer, and why the engine stops.

use std::sync::Arc;

use domain::Refusal;
use journal::{AppendError, PushError, ReadError};

/// Why there is no answer. Each tells the caller what to do next.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// Too much is waiting. Nothing happened: try again later.
    #[error("too much is waiting already; nothing was done, try again later")]
    Busy,
    /// The engine has stopped or is stopping. Whether the command took effect is unknown: ask again with the same
    /// key once it runs.
    #[error(
        "the engine has stopped; whether this took effect is unknown, ask again with the same key"
    )]
    Stopped,
    /// More commands in one request than are ever taken at once. Nothing happened: split them.
    #[error("{commands} commands in one request are more than the {limit} allowed")]
    TooMany {
        /// How many there were.
        commands: usize,
        /// The most there may be.
        limit: usize,
    },
    /// The rules turn it down. This is the answer; nothing was changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// Why records are not known to be durable. Memory is ahead of the disk then, so the engine stops.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The journal did not take the batch.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The journal does not take this record at all.
    #[error("record {seq} cannot be stored")]
    Record {
        /// Its sequence.
        seq: u64,
        /// Why not.
        #[source]
        source: PushError,
    },
}

/// Why the engine does not run any more.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Stop {
    /// It was asked to; everything accepted was answered.
    #[error("the engine was shut down")]
    Shutdown,
    /// A batch is not known to be durable.
    #[error("the engine stopped because the journal failed")]
    Journal(#[source] Arc<Fault>),
    /// A thread of the engine panicked: a mistake in this program.
    #[error("the engine stopped because its {thread} thread panicked; the message stands above")]
    Panicked {
        /// Which thread.
        thread: &'static str,
    },
}

/// Why records cannot be read back.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The journal cannot be read, or is not what was written.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A later version of this program wrote it.
    #[error(
        "record {seq} has format version {version}, this program reads {}: start the version that wrote it",
        crate::RECORD_VERSION
    )]
    UnknownVersion {
        /// The record.
        seq: u64,
        /// What it says.
        version: u16,
    },
    /// A later version of this program wrote it.
    #[error(
        "record {seq} (format version {version}) holds an event of kind {kind} in a form this program does not know: \
         start the version that wrote it"
    )]
    UnknownKind {
        /// The record.
        seq: u64,
        /// Its format version.
        version: u16,
        /// Number of the event's kind.
        kind: u64,
    },
    /// The bytes are whole, but are no record.
    #[error("record {seq} (format version {version}) is not a record of this platform")]
    Undecodable {
        /// The record.
        seq: u64,
        /// Its format version.
        version: u16,
        /// What the decoder said.
        #[source]
        source: minicbor::decode::Error,
    },
    /// The record contradicts the ones before it.
    #[error(
        "record {seq} does not fit what came before it: this journal was not written by this platform's rules"
    )]
    DoesNotFit {
        /// The record.
        seq: u64,
    },
}

/// Why the engine cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The journal cannot be read back.
    #[error(transparent)]
    Follow(#[from] FollowError),
    /// Snapshots cannot be looked for.
    #[error("cannot look for snapshots")]
    Snapshots(#[source] journal::SnapshotError),
    /// What was read back ends elsewhere than the journal.
    #[error("the journal was read up to sequence {read}, but its writer stands at {head}")]
    HeadDiffers {
        /// The last record read.
        read: u64,
        /// The last record according to the writer.
        head: u64,
    },
    /// The system gives no thread.
    #[error("cannot start a thread")]
    Thread(#[source] std::io::Error),
}

impl From<ReadError> for StartError {
    fn from(error: ReadError) -> StartError {
        StartError::Follow(FollowError::Read(error))
    }
}

/// Why no snapshot was written when one was asked for.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotNowError {
    /// The engine keeps no snapshots, or has stopped, or its snapshots have failed before.
    #[error("nothing makes snapshots here (any more)")]
    NotRunning,
    /// The journal cannot be followed.
    #[error(transparent)]
    Follow(#[from] FollowError),
    /// The snapshot cannot be written.
    #[error(transparent)]
    Write(#[from] journal::SnapshotError),
}
