//! The sandbox's book against the journal: what the journal has booked must have been paid there, and what is to go
//! back must still be found there.

use std::collections::HashMap;
use std::path::Path;

use domain::{Event, Txn, World};

use super::{Audit, files};

/// Refunds that are looked at together.
const A_PAGE: usize = 1_000;

/// What the book holds, and what it comes to.
#[derive(Debug, Default)]
pub(super) struct Book {
    /// None where there is no book, or it could not be read.
    payments: Option<HashMap<Txn, i64>>,
    right: u64,
    unknown: u64,
    /// Payments of another amount, and the first.
    other: (u64, Option<Txn>),
}

impl Book {
    /// Reads it, if there is one. Before the journal's head is looked at: what is paid now was not paid then.
    pub(super) fn open(data: &Path, audit: &mut Audit) -> Book {
        let path = data.join("sandbox.db");
        match std::fs::metadata(&path) {
            Ok(file) if file.len() != 0 => {}
            Ok(_) => return Book::default(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Book::default(),
            Err(error) => {
                audit
                    .unchecked
                    .push(format!("sandbox.db: cannot be looked at: {error}"));
                return Book::default();
            }
        }
        let payments = read(&path).map_err(|error| audit.not_read(&path, &error));
        Book {
            payments: payments.ok(),
            ..Book::default()
        }
    }

    /// Takes the next event.
    pub(super) fn event(&mut self, event: &Event) {
        let Some(payments) = &self.payments else {
            return;
        };
        if let Event::PaymentAccepted { txn, amount, .. }
        | Event::PaymentBounced { txn, amount, .. } = event
        {
            match payments.get(txn) {
                Some(paid) if *paid == amount.0 => self.right += 1,
                Some(_) => {
                    self.other.0 += 1;
                    self.other.1.get_or_insert(*txn);
                }
                None => self.unknown += 1,
            }
        }
    }

    /// The journal is read to its end.
    pub(super) fn finish(self, audit: &mut Audit) {
        let Some(payments) = &self.payments else {
            return;
        };
        let (count, unknown) = (payments.len(), self.unknown);
        if audit.last_seq == 0 && count != 0 {
            audit.findings.add(format!(
                "sandbox.db has {count} payments, but the journal is empty: it was lost"
            ));
        }
        if let (other, Some(first)) = self.other {
            audit.findings.add(format!(
                "sandbox.db: {other} payments have another amount there than in the journal, first {first}"
            ));
        }
        let stuck = audit.world.as_deref().map_or(0, |world| self.stuck(world));
        if stuck != 0 {
            audit.findings.add(format!(
                "sandbox.db does not know the payments of {stuck} refunds that are due: they cannot be made"
            ));
        }
        if unknown != 0 {
            audit.unchecked.push(format!(
                "{unknown} payments of the journal: sandbox.db does not know them"
            ));
        }
        if self.right != 0 {
            let text = format!("{} payments, of the same amounts", self.right);
            audit.same.push(("sandbox.db", text));
        }
    }

    /// Refunds of payments that the book does not know.
    fn stuck(&self, world: &World) -> usize {
        let (mut stuck, mut after) = (0, None);
        loop {
            let page = world.pending_refunds(after, A_PAGE);
            let Some(last) = page.last() else {
                return stuck;
            };
            after = Some(last.refund);
            let known = |txn: &Txn| {
                let payments = self.payments.as_ref();
                payments.is_some_and(|payments| payments.contains_key(txn))
            };
            stuck += page.iter().filter(|due| !known(&due.txn)).count();
        }
    }
}

fn read(path: &Path) -> Result<HashMap<Txn, i64>, rusqlite::Error> {
    let book = files::read_only(path)?;
    let mut paid = book.prepare("SELECT txn_id, amount_fen FROM transactions")?;
    let mut rows = paid.query([])?;
    let mut payments = HashMap::new();
    while let Some(row) = rows.next()? {
        let txn: String = row.get(0)?;
        // What is no number of a payment was never booked.
        if let Ok(txn) = Txn::new(&txn) {
            payments.insert(txn, row.get(1)?);
        }
    }
    Ok(payments)
}
