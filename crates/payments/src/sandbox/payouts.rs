//! Payouts in the provider's book: money for payees, who may have to confirm it first.
//!
//! Why no payout is refused for want of money: what the merchant has deposited stands in no order, so the sandbox does not
//! know it. Its sums may go below zero by as much.

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::error::RefusalCode;
use crate::sandbox::book::{Stop, refused};
use crate::sandbox::faults::PayoutFaults;
use crate::sign::random_hex;
use crate::wire::{BookPayout, CreatePayout, MAX_BOOK_PAGE, PayoutPage, PayoutState};

/// In fen: what has left the merchant, and what of it has not arrived; failed and expired payouts are neither.
pub(crate) struct PayoutSums {
    pub(crate) paid_out_fen: i64,
    pub(crate) pending_fen: i64,
    pub(crate) count: i64,
}

const SELECT: &str = "SELECT payout_no, account, name, amount_fen, reason, token, accepted_at_ms, \
    takes_ms, outcome, confirm_until_ms, confirmed_at_ms, id FROM payouts";

/// Accepts a payout, or finds it again by its number.
pub(crate) fn create(
    book: &Connection,
    merchant_id: &str,
    payout: &CreatePayout,
    (faults, now_ms): (&PayoutFaults, i64),
    public_url: &str,
) -> Result<BookPayout, Stop> {
    if let Some(known) = find(book, merchant_id, &payout.payout_no, (now_ms, public_url))? {
        let same = known.account == payout.account
            && known.name == payout.name
            && known.amount_fen == payout.amount_fen
            && known.reason == payout.reason;
        if same {
            return Ok(known);
        }
        let message = format!("payout {} exists with other content", payout.payout_no);
        return Err(refused(RefusalCode::Conflict, message));
    }
    book.prepare_cached(
        "INSERT INTO payouts (merchant_id, payout_no, account, name, amount_fen, reason, token, \
         accepted_at_ms, takes_ms, outcome, confirm_until_ms) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)",
    )?
    .execute(params![
        merchant_id,
        payout.payout_no,
        payout.account,
        payout.name,
        payout.amount_fen,
        payout.reason,
        random_hex(),
        now_ms,
        faults.processing_ms,
        if faults.fails { "failed" } else { "done" },
        faults
            .confirm_within_ms
            .map(|within| now_ms.saturating_add(within)),
    ])?;
    get(book, merchant_id, &payout.payout_no, (now_ms, public_url))
}

/// A merchant's payout by its number.
pub(crate) fn get(
    book: &Connection,
    merchant_id: &str,
    payout_no: &str,
    at: (i64, &str),
) -> Result<BookPayout, Stop> {
    find(book, merchant_id, payout_no, at)?
        .ok_or_else(|| refused(RefusalCode::NotFound, format!("no payout {payout_no}")))
}

fn find(
    book: &Connection,
    merchant_id: &str,
    payout_no: &str,
    (now_ms, public_url): (i64, &str),
) -> rusqlite::Result<Option<BookPayout>> {
    let sql = format!("{SELECT} WHERE payout_no = ?1 AND merchant_id = ?2");
    book.prepare_cached(&sql)?
        .query_row([payout_no, merchant_id], |row| {
            read(row, now_ms, public_url)
        })
        .optional()
}

/// What the payee does: once more, or too late, changes nothing.
pub(crate) fn confirm(book: &Connection, token: &str, now_ms: i64) -> Result<(), Stop> {
    let known = book
        .prepare_cached("SELECT 1 FROM payouts WHERE token = ?1")?
        .query_row([token], |_| Ok(()))
        .optional()?;
    if known.is_none() {
        return Err(refused(RefusalCode::NotFound, "no such payout"));
    }
    book.prepare_cached(
        "UPDATE payouts SET confirmed_at_ms = ?2 WHERE token = ?1 AND confirmed_at_ms IS NULL \
         AND ?2 < confirm_until_ms",
    )?
    .execute(params![token, now_ms])?;
    Ok(())
}

/// The sums of a merchant's payouts, one after the other: a sandbox has few.
pub(crate) fn sums(
    book: &Connection,
    merchant_id: &str,
    now_ms: i64,
) -> rusqlite::Result<PayoutSums> {
    let sql = format!("{SELECT} WHERE merchant_id = ?1");
    let mut statement = book.prepare_cached(&sql)?;
    let mut rows = statement.query([merchant_id])?;
    let mut sums = PayoutSums {
        paid_out_fen: 0,
        pending_fen: 0,
        count: 0,
    };
    while let Some(row) = rows.next()? {
        let payout = read(row, now_ms, "")?;
        sums.count += 1;
        match payout.state {
            PayoutState::Done { .. } => sums.paid_out_fen += payout.amount_fen,
            PayoutState::Processing | PayoutState::Waiting { .. } => {
                sums.paid_out_fen += payout.amount_fen;
                sums.pending_fen += payout.amount_fen;
            }
            PayoutState::Failed { .. } | PayoutState::Expired { .. } => {}
        }
    }
    Ok(sums)
}

/// Some of a merchant's payouts, from the one after `after` on.
pub(crate) fn page(
    book: &Connection,
    merchant_id: &str,
    after: i64,
    (now_ms, public_url): (i64, &str),
) -> rusqlite::Result<PayoutPage> {
    let sql = format!("{SELECT} WHERE merchant_id = ?1 AND ?2 < id ORDER BY id LIMIT ?3");
    let mut statement = book.prepare_cached(&sql)?;
    let most = i64::try_from(MAX_BOOK_PAGE).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![merchant_id, after, most], |row| {
        Ok((row.get::<_, i64>(11)?, read(row, now_ms, public_url)?))
    })?;
    let rows: Vec<(i64, BookPayout)> = rows.collect::<Result<_, _>>()?;
    let next = rows
        .last()
        .filter(|_| rows.len() == MAX_BOOK_PAGE)
        .map(|(id, _)| *id);
    Ok(PayoutPage {
        payouts: rows.into_iter().map(|(_, payout)| payout).collect(),
        next,
    })
}

fn read(row: &Row<'_>, now_ms: i64, public_url: &str) -> rusqlite::Result<BookPayout> {
    let (accepted_at_ms, takes_ms): (i64, i64) = (row.get(6)?, row.get(7)?);
    let outcome: String = row.get(8)?;
    let (until_ms, confirmed_at_ms): (Option<i64>, Option<i64>) = (row.get(9)?, row.get(10)?);
    let begins_at_ms = match (until_ms, confirmed_at_ms) {
        (Some(_), confirmed) => confirmed,
        (None, _) => Some(accepted_at_ms),
    };
    let state = match (begins_at_ms, until_ms) {
        (None, until_ms) => {
            let until_ms = until_ms.unwrap_or(accepted_at_ms);
            if until_ms <= now_ms {
                PayoutState::Expired { at_ms: until_ms }
            } else {
                let token: String = row.get(5)?;
                PayoutState::Waiting {
                    confirm_url: format!("{public_url}/payouts/{token}"),
                    until_ms,
                }
            }
        }
        (Some(begins_at_ms), _) => {
            let at_ms = begins_at_ms.saturating_add(takes_ms);
            if now_ms < at_ms {
                PayoutState::Processing
            } else if outcome == "done" {
                PayoutState::Done { at_ms }
            } else {
                PayoutState::Failed { at_ms }
            }
        }
    };
    Ok(BookPayout {
        payout_no: row.get(0)?,
        account: row.get(1)?,
        name: row.get(2)?,
        amount_fen: row.get(3)?,
        reason: row.get(4)?,
        state,
    })
}
