//! What is looked at before a start makes or opens anything: a start that is refused leaves the directory as it was.

use std::fs::TryLockError;
use std::path::Path;

use journal::{JournalReader, OpenError, SqliteJournal};
use payments::sandbox::payments_in;

/// Tells in plain words of a directory that takes no files, which the databases in it would not, and of another server
/// in it, before a book of the sandbox is waited for that the other one never lets go of.
pub(crate) fn free_and_writable(data: &Path) -> Result<(), String> {
    let mut options = std::fs::OpenOptions::new();
    // The lock's file, for it holds nothing and is made anyway.
    let opened = options
        .append(true)
        .create(true)
        .open(data.join("journal.lock"));
    let lock = opened.map_err(|error| {
        format!(
            "cannot write in the data directory {}: {error}",
            data.display()
        )
    })?;
    match lock.try_lock() {
        Err(TryLockError::WouldBlock) => {
            let place = data.display().to_string();
            Err(OpenError::Locked { place }.to_string())
        }
        // Let go of again: the journal takes it for good, and says what is wrong with it.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
    }
}

/// Refuses the book of a sandbox whose journal is gone: it would be taken for that of the shop that begins anew.
pub(crate) fn book_and_journal(data: &Path) -> Result<(), String> {
    let (book, journal) = (data.join("sandbox.db"), data.join("journal.db"));
    // A book that cannot be read says so when it is opened.
    let payments = payments_in(&book).unwrap_or(0);
    if payments == 0 || !holds_nothing(data) {
        return Ok(());
    }
    let (journal, book) = (journal.display(), book.display());
    Err(format!(
        "{journal} is missing or empty, but {book} has {payments} payments for it: part of this directory was lost; \
         restore the journal from a copy, or, to begin with an empty one, move {book} away"
    ))
}

/// Whether there is no journal, or one without any record. What is wrong with it is said when it is opened.
fn holds_nothing(data: &Path) -> bool {
    match SqliteJournal::open_read_only(data) {
        Ok(mut reader) => reader.head().is_ok_and(|head| head.last_seq() == 0),
        Err(error) => matches!(error, OpenError::Absent { .. }),
    }
}
