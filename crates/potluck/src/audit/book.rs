//! The sandbox's book against the journal: what the journal has booked must have been paid there, and what is to go
//! back must still be found there. A withdrawal that the journal has as paid was paid out there, and no other.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use domain::{Event, Millis, Txn, Withdrawal, WithdrawalId, WithdrawalState, World};

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
    /// Payouts by their key: how much, and whether it has left for good or still may.
    payouts: HashMap<String, (i64, Payout)>,
    /// Withdrawals that the journal has, and whether it has them as paid, or never to be paid.
    withdrawals: BTreeMap<WithdrawalId, (Withdrawal, Told)>,
}

/// How a payout stands in the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Payout {
    Done,
    OnItsWay,
    NotPaid,
}

/// How a withdrawal stands in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Undecided,
    Approved,
    Paid,
    NotPaid,
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
        let payouts = read_payouts(&path).map_err(|error| audit.not_read(&path, &error));
        Book {
            payments: payments.ok(),
            payouts: payouts.unwrap_or_default(),
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
        self.withdrawal_event(event);
    }

    fn withdrawal_event(&mut self, event: &Event) {
        if let Event::WithdrawalRequested {
            withdrawal,
            member,
            token,
            amount,
            fee,
            account,
        } = event
        {
            let asked = Withdrawal {
                member: *member,
                token: *token,
                amount: *amount,
                fee: *fee,
                account: *account,
                requested_at: Millis(0),
                state: WithdrawalState::Requested,
            };
            self.withdrawals
                .insert(*withdrawal, (asked, Told::Undecided));
        }
        if let Some((withdrawal, told)) = becomes(event)
            && let Some(known) = self.withdrawals.get_mut(&withdrawal)
        {
            known.1 = told;
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
        if let Some(world) = audit.world.as_deref() {
            let findings = self.payouts_differ(world);
            findings
                .into_iter()
                .for_each(|text| audit.findings.add(text));
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

    /// Each withdrawal that the journal has as paid was executed once and in its amount, and nothing else was.
    fn payouts_differ(&self, world: &World) -> Vec<String> {
        let mut differ = Vec::new();
        let mut keys = BTreeMap::new();
        for (id, (withdrawal, told)) in &self.withdrawals {
            let Some(token) = world.token(withdrawal.member) else {
                continue;
            };
            let key = server::payout_no(&token, withdrawal);
            let found = self.payouts.get(&key);
            let right = match (told, found) {
                (Told::Paid, found) => found
                    .is_some_and(|(fen, how)| *fen == withdrawal.net().0 && *how == Payout::Done),
                (Told::Undecided, found) => found.is_none(),
                (Told::Approved, _) => true,
                (Told::NotPaid, found) => found.is_none_or(|(_, how)| *how == Payout::NotPaid),
            };
            if !right {
                differ.push(format!(
                    "sandbox.db: withdrawal {id} is {told:?} in the journal, there it is {found:?}"
                ));
            }
            keys.insert(key, *id);
        }
        let strange = self.payouts.keys().filter(|key| !keys.contains_key(*key));
        let strange = strange.count();
        if strange != 0 {
            differ.push(format!(
                "sandbox.db has {strange} payouts of withdrawals that the journal does not know"
            ));
        }
        differ
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

/// The withdrawal that is decided or ends, and how.
fn becomes(event: &Event) -> Option<(WithdrawalId, Told)> {
    Some(if let Event::WithdrawalApproved { withdrawal } = event {
        (*withdrawal, Told::Approved)
    } else if let Event::WithdrawalPaid { withdrawal, .. } = event {
        (*withdrawal, Told::Paid)
    } else if let Event::WithdrawalRejected { withdrawal, .. }
    | Event::WithdrawalFailed { withdrawal, .. } = event
    {
        (*withdrawal, Told::NotPaid)
    } else {
        return None;
    })
}

/// By key. A book of before there were payouts has none.
fn read_payouts(path: &Path) -> Result<HashMap<String, (i64, Payout)>, rusqlite::Error> {
    let book = files::read_only(path)?;
    let table = "SELECT count(*) FROM sqlite_schema WHERE name = 'payouts'";
    let tables: i64 = book.query_row(table, [], |row| row.get(0))?;
    let mut payouts = HashMap::new();
    if tables == 0 {
        return Ok(payouts);
    }
    let now_ms = engine::Clock::now(&engine::SystemClock).0;
    let mut all = book.prepare(
        "SELECT payout_no, amount_fen, outcome, accepted_at_ms, takes_ms, confirm_until_ms, confirmed_at_ms FROM payouts",
    )?;
    let mut rows = all.query([])?;
    while let Some(row) = rows.next()? {
        let outcome: String = row.get(2)?;
        let (accepted, takes): (i64, i64) = (row.get(3)?, row.get(4)?);
        let (until, confirmed): (Option<i64>, Option<i64>) = (row.get(5)?, row.get(6)?);
        let begins = match (until, confirmed) {
            (None, _) => Some(accepted),
            (Some(_), confirmed) => confirmed,
        };
        let how = match (begins, until) {
            (None, Some(until)) if until <= now_ms => Payout::NotPaid,
            (None, _) => Payout::OnItsWay,
            (Some(begins), _) if now_ms < begins.saturating_add(takes) => Payout::OnItsWay,
            (Some(_), _) if outcome == "done" => Payout::Done,
            (Some(_), _) => Payout::NotPaid,
        };
        payouts.insert(row.get(0)?, (row.get(1)?, how));
    }
    Ok(payouts)
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
