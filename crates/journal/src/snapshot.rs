//! Snapshots kept beside a journal: a world at the end of one batch, in opaque bytes.

use std::io::{self, Read, Write};

use crate::Mark;
use crate::error::{SkipReason, SnapshotError};

/// Longest chunk of a snapshot file.
pub const MAX_CHUNK_BYTES: usize = 64 * 1024 * 1024;

/// Writes the content of a snapshot piece by piece.
pub type Fill<'a> = dyn FnMut(&mut dyn Write) -> io::Result<()> + 'a;

/// Keeps the newest two snapshots of a journal.
pub trait SnapshotStore: Send {
    /// Writes a snapshot that stands at `at` and makes it durable; returns its size in bytes.
    ///
    /// `fill` writes the content piece by piece; it is called once. When it fails, or anything
    /// else does, no snapshot appears and the older ones stay. `at` must be the end of a durable
    /// batch of this journal. Afterwards all but the newest two are removed.
    fn write_snapshot(&mut self, at: Mark, fill: &mut Fill<'_>) -> Result<u64, SnapshotError>;

    /// Finds the newest snapshot that is whole and belongs to this journal; the ones passed over
    /// are reported with the reason. The content was read once to check it.
    fn latest_snapshot(&mut self) -> Result<LatestSnapshot, SnapshotError>;
}

/// What was found.
#[derive(Debug)]
pub struct LatestSnapshot {
    /// The snapshot to start from; `None` means to replay the whole journal.
    pub snapshot: Option<Snapshot>,
    /// Newer ones that cannot be used. An operator wants to know.
    pub skipped: Vec<SkippedSnapshot>,
}

/// A snapshot that cannot be used.
#[derive(Debug)]
pub struct SkippedSnapshot {
    /// Its file name.
    pub name: String,
    /// Why not.
    pub reason: SkipReason,
}

/// A whole snapshot of this journal; its content is read through [`Read`].
pub struct Snapshot {
    /// Where it stands: continue with the record after this.
    pub at: Mark,
    /// Length of its content.
    pub len_bytes: u64,
    content: Box<dyn Read + Send>,
}

impl Read for Snapshot {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.content.read(buffer)
    }
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot")
            .field("at", &self.at)
            .field("len_bytes", &self.len_bytes)
            .finish_non_exhaustive()
    }
}
