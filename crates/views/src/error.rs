//! What can go wrong here. All of these are faults of ours or of the machine; the domain has the refusals.

use std::time::Duration;

/// A read or write of a database failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing}")]
pub struct StoreError {
    /// What was being done.
    pub doing: &'static str,
    /// Why it failed.
    #[source]
    pub source: sqlx::Error,
}

impl StoreError {
    /// Whether it was too busy to be asked in time.
    pub fn is_busy(&self) -> bool {
        matches!(self.source, sqlx::Error::PoolTimedOut)
    }

    /// Whether the database itself is damaged or its tables are gone, so that trying again does not help.
    pub fn is_damage(&self) -> bool {
        is_unusable(&self.source)
    }
}

/// Whether the file is no database, a damaged one, or one without our tables; not whether it is busy.
pub(crate) fn is_unusable(error: &sqlx::Error) -> bool {
    const NO_TABLE: [&str; 2] = ["1", "42P01"];
    // The last three: the file ends where a page should be.
    const DAMAGED: [&str; 5] = ["11", "26", "522", "267", "779"];
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| NO_TABLE.contains(&&*code) || DAMAGED.contains(&&*code))
}

/// Names what was being done when a statement failed.
pub(crate) fn failed(doing: &'static str) -> impl FnOnce(sqlx::Error) -> StoreError {
    move |source| StoreError { doing, source }
}

/// Why records were not taken into the views. Nothing of them was.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Records were left out or come a second time.
    #[error("views expect record {expected}, got {found}")]
    WrongSequence {
        /// What comes next.
        expected: u64,
        /// What came.
        found: u64,
    },
    /// An event speaks of something the views have never seen, or cannot have happened.
    #[error("record {seq} does not fit what the views hold: {what}")]
    DoesNotFit {
        /// The record.
        seq: u64,
        /// What is wrong, in words.
        what: String,
    },
    /// The files of a draw, made again from the stored seats, are not those that were frozen. Loud: either
    /// the journal or this program is wrong, and members must not be shown these files.
    #[error(
        "record {seq}: the freeze of group {group} is {found} when made from the stored seats, the event says {frozen}"
    )]
    FreezeDiffers {
        /// The record.
        seq: u64,
        /// The group.
        group: domain::GroupId,
        /// Hash in the event.
        frozen: draw::Hash,
        /// Hash of the files made here.
        found: draw::Hash,
    },
}

/// The views did not reach the wanted sequence in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("views stand at {applied} after {waited:?}; {wanted} was asked for")]
pub struct Behind {
    /// What was asked for.
    pub wanted: u64,
    /// Where the views stand.
    pub applied: u64,
    /// How long was waited.
    pub waited: Duration,
}
