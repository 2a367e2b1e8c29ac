//! The sandbox's book beside a journal that holds nothing.

use std::path::Path;

use super::{Audit, files};

/// How many payments the book holds.
#[derive(Debug, Default)]
pub(super) struct Book {
    payments: u64,
}

impl Book {
    /// Reads it, if there is one.
    pub(super) fn open(data: &Path, audit: &mut Audit) -> Book {
        let path = data.join("sandbox.db");
        if std::fs::metadata(&path).map_or(true, |file| file.len() == 0) {
            return Book::default();
        }
        let payments = read(&path).unwrap_or_else(|error| {
            audit.not_read(&path, &error);
            0
        });
        Book { payments }
    }

    /// The journal is read to its end.
    pub(super) fn finish(self, audit: &mut Audit) {
        let payments = self.payments;
        if audit.last_seq == 0 && payments != 0 {
            audit.findings.add(format!(
                "sandbox.db has {payments} payments, but the journal is empty: it was lost"
            ));
        }
    }
}

fn read(path: &Path) -> Result<u64, rusqlite::Error> {
    let book = files::read_only(path)?;
    let payments: i64 =
        book.query_row("SELECT count(*) FROM transactions", [], |row| row.get(0))?;
    Ok(payments.cast_unsigned())
}
