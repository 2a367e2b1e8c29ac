//! Snapshots kept beside a journal: a world at the end of one batch, in opaque bytes.

use std::io::{self, Read, Write};

use crate::error::{ReadError, SkipReason, SnapshotError};
use crate::{JournalReader, Mark};

pub(crate) use format::{ChunkReader, ChunkWriter};

mod format;

/// Longest chunk of a snapshot file.
pub const MAX_CHUNK_BYTES: usize = 64 * 1024 * 1024;

/// How many snapshots are kept: one more than needed, in case the newest is damaged.
const KEPT: usize = 2;

/// Writes the content of a snapshot piece by piece.
pub type Fill<'a> = dyn FnMut(&mut dyn Write) -> io::Result<()> + 'a;

/// Keeps the newest two snapshots of a journal.
pub trait SnapshotStore: Send {
    /// Writes a snapshot that stands at `at` and makes it durable; returns its size in bytes.
    ///
    /// `fill` writes the content piece by piece; it is called once. When it fails, or the
    /// file cannot be written, no snapshot appears and the older ones stay. `at` must be the end of a durable
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

impl Snapshot {
    /// The snapshot with this content, which [`judge`] found whole.
    pub(crate) fn open(judged: Judged, file: impl Read + Send + 'static) -> io::Result<Self> {
        let Judged { at, len_bytes } = judged;
        let (content, again) = ChunkReader::start(file).map_err(io::Error::other)?;
        if again != at {
            return Err(io::Error::other(
                "the snapshot was exchanged while it was opened",
            ));
        }
        Ok(Snapshot {
            at,
            len_bytes,
            content: Box::new(content),
        })
    }
}

/// What is known of a snapshot that is whole and belongs to the journal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Judged {
    pub(crate) at: Mark,
    pub(crate) len_bytes: u64,
}

/// Reads a snapshot file once and says whether it can be used with this journal.
pub(crate) fn judge(
    file: impl Read,
    named_seq: u64,
    journal: &mut dyn JournalReader,
) -> Result<Result<Judged, SkipReason>, ReadError> {
    let (mut content, at) = match ChunkReader::start(file) {
        Ok(started) => started,
        Err(reason) => return Ok(Err(reason)),
    };
    if at.seq != named_seq {
        let what = format!("its name says sequence {named_seq}, its content {}", at.seq);
        return Ok(Err(SkipReason::Damaged { what }));
    }
    let next_seq = journal.head()?.next_seq;
    if next_seq <= at.seq {
        return Ok(Err(SkipReason::NewerThanJournal {
            seq: at.seq,
            next_seq,
        }));
    }
    if journal.hash_at(at.seq)? != Some(at.hash) {
        return Ok(Err(SkipReason::Foreign { seq: at.seq }));
    }
    match io::copy(&mut content, &mut io::sink()) {
        Ok(len_bytes) => Ok(Ok(Judged { at, len_bytes })),
        Err(error) => Ok(Err(error.into())),
    }
}

/// The file name of a snapshot: names sort as sequences do.
pub(crate) fn file_name(seq: u64) -> String {
    format!("{seq:020}.snap")
}

/// Which of the stored snapshots are no longer needed once one at `written` is durable.
///
/// Only older ones are: one that stands later is of another journal, or of an end that was lost,
/// and an operator has to decide about it. If it counted, it would push out the ones in use.
pub(crate) fn outdated(mut stored: Vec<u64>, written: u64) -> Vec<u64> {
    stored.retain(|seq| *seq <= written);
    stored.sort_unstable();
    stored.truncate(stored.len().saturating_sub(KEPT));
    stored
}

/// Refuses to write a snapshot that could not be used later.
pub(crate) fn check_mark(at: Mark, journal: &mut dyn JournalReader) -> Result<(), SnapshotError> {
    if journal.hash_at(at.seq)? != Some(at.hash) {
        return Err(SnapshotError::NotInJournal { seq: at.seq });
    }
    Ok(())
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
