//! What can go wrong, in words an operator understands.
//!
//! All of these are faults, not answers: none is caused by what a user asked for.

use std::io;
use std::path::PathBuf;

/// An error of a storage engine below, whichever that is.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a journal cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another writer holds the lock.
    #[error(
        "another process has the journal in {place} open for writing; \
         stop it before starting this one"
    )]
    Locked {
        /// The directory, or a name for a journal in memory.
        place: String,
    },
    /// There is a lock file, but it cannot be created or locked.
    #[error("cannot lock {path}")]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The directory or a file in it cannot be made.
    #[error("cannot prepare {path} for the journal")]
    Prepare {
        /// The directory or file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The journal file is gone while its companions are there.
    #[error(
        "{journal} is missing or empty, but {witness} is there: part of this directory was lost; \
         restore the journal from a copy, or move {witness} away to start an empty one"
    )]
    Lost {
        /// The journal file.
        journal: PathBuf,
        /// The file that shows that there was a journal.
        witness: PathBuf,
    },
    /// There is no journal to read.
    #[error("there is no journal at {path}")]
    Absent {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("{path} is not a journal of this program")]
    NotAJournal {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by a version this program does not know.
    #[error("{path} has journal format {found:?}, this program reads {known:?}")]
    UnknownFormat {
        /// The file.
        path: PathBuf,
        /// What the file says.
        found: String,
        /// What this program writes.
        known: &'static str,
    },
    /// The file can be read only.
    #[error(
        "the journal {path} cannot be written: its file system, the directory or the file is read-only, \
         or the first bytes of the file are damaged"
    )]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// The storage engine cannot open it.
    #[error("cannot open the journal {path}")]
    Store {
        /// The file.
        path: PathBuf,
        /// What the storage engine said.
        #[source]
        source: BoxError,
    },
    /// What is stored contradicts itself, or cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Why a batch is not known to be durable. Any of these stops the writer.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// A batch without records was given.
    #[error("a batch without records cannot be appended (at sequence {seq})")]
    Empty {
        /// Where it would have begun.
        seq: u64,
    },
    /// The caller and the journal disagree about where the journal ends.
    #[error("the journal ends before sequence {found}, the writer expected {expected}")]
    TailMoved {
        /// What the writer expected to write next.
        expected: u64,
        /// What comes next in the journal.
        found: u64,
    },
    /// The batch does not begin where the writer says it does.
    #[error("the batch begins at sequence {found}, the writer expected {expected}")]
    WrongStart {
        /// What the writer expected to write next.
        expected: u64,
        /// Where the batch begins.
        found: u64,
    },
    /// Another writer took the number of this batch.
    #[error("another writer has taken over at batch {batch}: stop")]
    Fenced {
        /// The number both wanted.
        batch: u64,
    },
    /// The storage engine failed; the batch may or may not be there after reopening.
    #[error("cannot write batch {batch}, which begins at sequence {first_seq}")]
    Write {
        /// Number of the batch.
        batch: u64,
        /// Its first sequence.
        first_seq: u64,
        /// What the storage engine said.
        #[source]
        source: BoxError,
    },
    /// An earlier append failed.
    #[error("an earlier append failed: open the journal anew before writing to it")]
    Poisoned,
}

/// Why batches cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// What is stored is not what was written.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// The caller knows more than the journal does.
    #[error(
        "sequence {asked} was asked for, but the journal ends before {next_seq}: \
         it is not the journal the reader followed, or its end was lost"
    )]
    BeyondEnd {
        /// What was asked for.
        asked: u64,
        /// What would be written next.
        next_seq: u64,
    },
    /// The storage engine failed.
    #[error("cannot read the journal {place}")]
    Store {
        /// The file, or a name for a journal in memory.
        place: String,
        /// What the storage engine said.
        #[source]
        source: BoxError,
    },
    /// The reader could not be opened.
    #[error("cannot open the journal {place} for reading")]
    Open {
        /// The file.
        place: String,
        /// What the storage engine said.
        #[source]
        source: BoxError,
    },
}

/// A place where the journal is not what was written, and what differs there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the journal is damaged at batch {batch}, sequence {seq}: {what}")]
pub struct Damage {
    /// Number of the batch.
    pub batch: u64,
    /// The record, where it is known; otherwise the sequence with which the batch begins.
    pub seq: u64,
    /// What differs.
    pub what: Difference,
}

/// What differs from what was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Difference {
    /// A number is missing.
    #[error("this batch is missing; the next one stored is {found}")]
    BatchMissing {
        /// Number of the batch found instead.
        found: u64,
    },
    /// A number or a hash cannot be one.
    #[error("its {column} is not one that was ever written")]
    Column {
        /// Which one.
        column: &'static str,
    },
    /// Sequences do not continue.
    #[error("it begins at sequence {found} instead")]
    FirstSeq {
        /// Where it begins.
        found: u64,
    },
    /// The epoch went back.
    #[error("it was written in epoch {found}, after a batch of the later epoch {before}")]
    Epoch {
        /// Epoch of the batch before.
        before: u64,
        /// Epoch of this one.
        found: u64,
    },
    /// The chain is broken.
    #[error(
        "it names {} as the hash of the batch before it, which has {}",
        hex(found),
        hex(expected)
    )]
    PrevHash {
        /// Hash of the batch before.
        expected: [u8; 32],
        /// What this one names.
        found: [u8; 32],
    },
    /// The content is not what was hashed.
    #[error(
        "its content has hash {}, but {} was written",
        hex(computed),
        hex(stored)
    )]
    Hash {
        /// The hash stored with it.
        stored: [u8; 32],
        /// The hash of what is there.
        computed: [u8; 32],
    },
    /// There are fewer or more records than counted.
    #[error("it holds {found} records, but {stored} were written")]
    Count {
        /// How many the batch says it holds.
        stored: u32,
        /// How many there are.
        found: u64,
    },
    /// A record does not fit into what is left of the batch.
    #[error("the record is cut short: it needs {needed} bytes, {left} are left")]
    RecordCut {
        /// Bytes it needs, with its header.
        needed: u64,
        /// Bytes left.
        left: u64,
    },
    /// A record's checksum does not match.
    #[error("the record has checksum {computed:08x}, but {stored:08x} was written")]
    RecordChecksum {
        /// The checksum stored with it.
        stored: u32,
        /// The checksum of what is there.
        computed: u32,
    },
    /// A record has another's sequence.
    #[error("the record there calls itself {found}")]
    RecordSeq {
        /// What it says.
        found: u64,
    },
}

/// Why a snapshot cannot be written, or none can be looked for.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The snapshot does not stand at the end of a durable batch of this journal.
    #[error("a snapshot at sequence {seq} does not stand at the end of a batch of this journal")]
    NotInJournal {
        /// Where the caller says it stands.
        seq: u64,
    },
    /// Files cannot be listed, written or renamed.
    #[error("cannot use the snapshot file {path}")]
    File {
        /// Which file or directory.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The journal beside it cannot be read.
    #[error(transparent)]
    Journal(#[from] ReadError),
}

/// Why a snapshot was passed over.
#[derive(Debug, thiserror::Error)]
pub enum SkipReason {
    /// It is not what was written.
    #[error("it is damaged: {what}")]
    Damaged {
        /// What differs.
        what: String,
    },
    /// A later version of this program wrote it.
    #[error("it has snapshot format {found}, this program reads {known}")]
    UnknownFormat {
        /// What the file says.
        found: u16,
        /// What this program writes.
        known: u16,
    },
    /// It stands where the journal has not been.
    #[error(
        "it stands at sequence {seq}, but the journal ends before {next_seq}: it was made from another journal, or \
         the journal lost its end, or was restored from an older copy"
    )]
    NewerThanJournal {
        /// Where it stands.
        seq: u64,
        /// What the journal writes next.
        next_seq: u64,
    },
    /// It was made from other batches.
    #[error("it was made from another journal: the batch that ends at sequence {seq} differs")]
    Foreign {
        /// Where it stands.
        seq: u64,
    },
    /// It cannot be read.
    #[error("it cannot be read")]
    Unreadable(#[source] io::Error),
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
