//! What is looked at before a start makes or opens anything: a start that is refused leaves the directory as it was.

use std::fs::TryLockError;
use std::path::Path;

use domain::Event;
use engine::RecordReader;
use journal::{JournalReader, OpenError, SqliteJournal, SqliteReader};
use payments::sandbox::payments_in;

/// Bytes of journal read at once.
const READ_BYTES: usize = 64 * 1024;

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

/// Whether a lost book of the sandbox may be begun anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LostBook {
    /// No: the start is refused.
    Refuse,
    /// Yes, and it is said what follows.
    BeginAnew,
}

/// Refuses the book of a sandbox whose journal is gone: it would be taken for that of the shop that begins anew. And a
/// journal whose book is gone: what was paid by that book cannot be sent back by another.
pub(crate) fn book_and_journal(data: &Path, lost: LostBook) -> Result<(), String> {
    let (book, journal) = (data.join("sandbox.db"), data.join("journal.db"));
    // What cannot be read says so when it is opened.
    let Ok(payments) = payments_in(&book) else {
        return Ok(());
    };
    let reader = match SqliteJournal::open_read_only(data) {
        Ok(reader) => Some(reader),
        Err(OpenError::Absent { .. }) => None,
        Err(_) => return Ok(()),
    };
    if payments == 0 {
        return if reader.is_some_and(has_a_payment) {
            without_book(&book, lost)
        } else {
            Ok(())
        };
    }
    let is_empty = reader.is_none_or(|mut reader| {
        let head = reader.head();
        head.is_ok_and(|head| head.last_seq() == 0)
    });
    if !is_empty {
        return Ok(());
    }
    let (journal, book) = (journal.display(), book.display());
    Err(format!(
        "{journal} is missing or empty, but {book} has {payments} payments for it: part of this directory was lost; \
         restore the journal from a copy, or, to begin with an empty one, move {book} away"
    ))
}

fn without_book(book: &Path, lost: LostBook) -> Result<(), String> {
    let state = if book.exists() {
        "has no payments"
    } else {
        "is missing"
    };
    let book = book.display();
    match lost {
        LostBook::Refuse => Err(format!(
            "{book} {state}, but the journal has booked payments: without the book they were made by none of them can \
             be refunded; put it back, or, if it is lost for good, start with --new-sandbox"
        )),
        LostBook::BeginAnew => {
            tracing::warn!(
                "{book} {state} and is begun anew: refunds of what was paid by the old book can never be made, and \
                 stay due; the comparison with the channel's books will differ by them"
            );
            Ok(())
        }
    }
}

/// Whether any payment was ever booked. Most journals have one near their beginning.
fn has_a_payment(reader: SqliteReader) -> bool {
    let mut records = RecordReader::new(Box::new(reader), journal::FIRST_SEQ);
    loop {
        match records.read(READ_BYTES) {
            Ok(some) if some.is_empty() => return false,
            Ok(some) => {
                let mut events = some.iter().flat_map(|stored| &stored.record.events);
                let paid = |event: &Event| {
                    matches!(
                        event,
                        Event::PaymentAccepted { .. } | Event::PaymentBounced { .. }
                    )
                };
                if events.any(paid) {
                    return true;
                }
            }
            // What is wrong with the journal is said when it is opened.
            Err(_) => return false,
        }
    }
}
