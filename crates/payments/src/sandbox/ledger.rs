//! The provider's rules on its book: orders, payments, refunds and sums.
//!
//! The sum law, per transaction and over all: `held = paid - refunded` and never below zero, where a
//! refund counts from the moment it is accepted, and no more once it has failed. Over all, payouts are taken off, too.

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::error::RefusalCode;
use crate::sandbox::book::{Stop, refused};
use crate::sandbox::faults::{CallbackFaults, PayFaults, RefundFaults};
use crate::sign::random_hex;
use crate::wire::{
    BookOrder, BookPage, BookRefund, Books, CreateOrder, CreateRefund, MAX_BOOK_PAGE, OrderStatus,
    RefundState, Transaction,
};

/// One order as the book has it.
#[derive(Clone, Debug)]
pub(crate) struct OrderRow {
    pub(crate) id: i64,
    pub(crate) merchant_id: String,
    pub(crate) order_no: String,
    pub(crate) amount_fen: i64,
    pub(crate) description: String,
    pub(crate) attach: String,
    pub(crate) expires_at_ms: i64,
    pub(crate) notify_url: Option<String>,
    pub(crate) return_url: Option<String>,
    pub(crate) token: String,
    created_at_ms: i64,
    closed_at_ms: Option<i64>,
    paid: bool,
}

impl OrderRow {
    const SELECT: &str = "SELECT id, merchant_id, order_no, amount_fen, description, attach, \
        expires_at_ms, notify_url, return_url, token, created_at_ms, closed_at_ms, \
        EXISTS (SELECT 1 FROM transactions t WHERE t.order_id = orders.id) FROM orders";

    fn read(row: &Row<'_>) -> rusqlite::Result<OrderRow> {
        Ok(OrderRow {
            id: row.get(0)?,
            merchant_id: row.get(1)?,
            order_no: row.get(2)?,
            amount_fen: row.get(3)?,
            description: row.get(4)?,
            attach: row.get(5)?,
            expires_at_ms: row.get(6)?,
            notify_url: row.get(7)?,
            return_url: row.get(8)?,
            token: row.get(9)?,
            created_at_ms: row.get(10)?,
            closed_at_ms: row.get(11)?,
            paid: row.get(12)?,
        })
    }

    /// At the moment of expiry it is too late.
    pub(crate) fn status(&self, now_ms: i64) -> OrderStatus {
        if self.paid {
            OrderStatus::Paid
        } else if self.closed_at_ms.is_some() {
            OrderStatus::Closed
        } else if self.expires_at_ms <= now_ms {
            OrderStatus::Expired
        } else {
            OrderStatus::Open
        }
    }

    fn has_content_of(&self, order: &CreateOrder) -> bool {
        self.amount_fen == order.amount_fen
            && self.description == order.description
            && self.attach == order.attach
            && self.expires_at_ms == order.expires_at_ms
    }
}

/// Creates an order, or finds it again by its number; returns its page's token.
///
/// The addresses are the merchant's set-up, not the order's content: a repetition may bring new
/// ones, and they hold from then on.
pub(crate) fn create_order(
    book: &Connection,
    merchant_id: &str,
    order: &CreateOrder,
    now_ms: i64,
) -> Result<String, Stop> {
    if let Some(known) = find_order(book, merchant_id, &order.order_no)? {
        if !known.has_content_of(order) {
            let message = format!("order {} exists with other content", order.order_no);
            return Err(refused(RefusalCode::Conflict, message));
        }
        if known.notify_url != order.notify_url || known.return_url != order.return_url {
            book.prepare_cached(
                "UPDATE orders SET notify_url = ?2, return_url = ?3 WHERE id = ?1",
            )?
            .execute(params![known.id, order.notify_url, order.return_url])?;
        }
        return Ok(known.token);
    }
    let token = random_hex();
    book.prepare_cached(
        "INSERT INTO orders (merchant_id, order_no, amount_fen, description, attach, expires_at_ms, \
         notify_url, return_url, token, created_at_ms) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)",
    )?
    .execute(params![
        merchant_id,
        order.order_no,
        order.amount_fen,
        order.description,
        order.attach,
        order.expires_at_ms,
        order.notify_url,
        order.return_url,
        token,
        now_ms
    ])?;
    Ok(token)
}

/// A merchant's order by its number.
pub(crate) fn find_order(
    book: &Connection,
    merchant_id: &str,
    order_no: &str,
) -> rusqlite::Result<Option<OrderRow>> {
    let sql = format!(
        "{} WHERE order_no = ?1 AND merchant_id = ?2",
        OrderRow::SELECT
    );
    let mut found = book.prepare_cached(&sql)?;
    found
        .query_row([order_no, merchant_id], OrderRow::read)
        .optional()
}

/// [`find_order`], or the refusal.
pub(crate) fn get_order(
    book: &Connection,
    merchant_id: &str,
    order_no: &str,
) -> Result<OrderRow, Stop> {
    find_order(book, merchant_id, order_no)?.ok_or_else(|| no_order(order_no))
}

/// An order by its number alone, if no two merchants use the same.
pub(crate) fn get_any_order(book: &Connection, order_no: &str) -> Result<OrderRow, Stop> {
    let sql = format!("{} WHERE order_no = ?1 LIMIT 2", OrderRow::SELECT);
    let mut statement = book.prepare_cached(&sql)?;
    let found: Vec<_> = statement
        .query_map([order_no], OrderRow::read)?
        .collect::<Result<_, _>>()?;
    match <[OrderRow; 1]>::try_from(found) {
        Ok([order]) => Ok(order),
        Err(found) if found.is_empty() => Err(no_order(order_no)),
        Err(_) => {
            let message = format!("several merchants have an order {order_no}: say merchant_id");
            Err(refused(RefusalCode::Invalid, message))
        }
    }
}

/// An order by its page's token.
pub(crate) fn get_order_of_page(book: &Connection, token: &str) -> Result<OrderRow, Stop> {
    let sql = format!("{} WHERE token = ?1", OrderRow::SELECT);
    let mut found = book.prepare_cached(&sql)?;
    let order = found.query_row([token], OrderRow::read).optional()?;
    order.ok_or_else(|| refused(RefusalCode::NotFound, "no such payment page"))
}

fn no_order(order_no: &str) -> Stop {
    refused(RefusalCode::NotFound, format!("no order {order_no}"))
}

/// Takes an order out of payment for ever.
pub(crate) fn close_order(
    book: &Connection,
    merchant_id: &str,
    order_no: &str,
    now_ms: i64,
) -> Result<(), Stop> {
    let order = get_order(book, merchant_id, order_no)?;
    match order.status(now_ms) {
        OrderStatus::Paid => Err(refused(
            RefusalCode::OrderPaid,
            format!("order {order_no} has been paid"),
        )),
        OrderStatus::Closed => Ok(()),
        OrderStatus::Open | OrderStatus::Expired => {
            book.prepare_cached("UPDATE orders SET closed_at_ms = ?2 WHERE id = ?1")?
                .execute(params![order.id, now_ms])?;
            Ok(())
        }
    }
}

/// How a payment goes: what it turns into and how it is announced.
#[derive(Clone, Debug, Default)]
pub(crate) struct PayTerms {
    pub(crate) pay: PayFaults,
    pub(crate) callback: CallbackFaults,
}

/// Pays an order and queues the callbacks. An order that has all its payments is left as it is, so
/// that a button pressed twice pays once.
pub(crate) fn pay(
    book: &Connection,
    order: &OrderRow,
    terms: &PayTerms,
    now_ms: i64,
) -> Result<Vec<Transaction>, Stop> {
    match order.status(now_ms) {
        OrderStatus::Open | OrderStatus::Paid => {}
        OrderStatus::Closed | OrderStatus::Expired if terms.pay.late => {}
        OrderStatus::Closed | OrderStatus::Expired => {
            let message = format!("order {} cannot be paid any more", order.order_no);
            return Err(refused(RefusalCode::OrderClosed, message));
        }
    }
    let made: u32 = book
        .prepare_cached("SELECT COUNT(*) FROM transactions WHERE order_id = ?1")?
        .query_row([order.id], |row| row.get(0))?;
    for _ in made..terms.pay.transactions {
        let txn = insert_transaction(book, order, &terms.pay, now_ms)?;
        if order.notify_url.is_some() {
            announce(book, txn, &terms.callback, now_ms)?;
        }
    }
    Ok(transactions_of(book, order.id, now_ms)?)
}

fn insert_transaction(
    book: &Connection,
    order: &OrderRow,
    faults: &PayFaults,
    now_ms: i64,
) -> rusqlite::Result<i64> {
    // Unique in this book by the running number, and among books by time and the book's tag.
    book.prepare_cached(
        "INSERT INTO transactions (id, txn_id, order_id, merchant_id, amount_fen, paid_at_ms) \
         SELECT next, '42' || printf('%013d', ?4) || tag || printf('%010d', next), ?1, ?2, ?3, ?4 \
         FROM (SELECT IFNULL(MAX(id), 0) + 1 AS next FROM transactions), \
              (SELECT CAST(value AS TEXT) AS tag FROM meta WHERE name = 'tag')",
    )?
    .execute(params![
        order.id,
        order.merchant_id,
        faults.amount_fen.unwrap_or(order.amount_fen),
        now_ms
    ])?;
    Ok(book.last_insert_rowid())
}

fn announce(
    book: &Connection,
    txn: i64,
    faults: &CallbackFaults,
    now_ms: i64,
) -> rusqlite::Result<()> {
    let state = if faults.never {
        "suppressed"
    } else if 1 < faults.gather {
        "held"
    } else {
        "pending"
    };
    for _ in 0..faults.copies {
        book.prepare_cached(
            "INSERT INTO callbacks (txn, state, created_at_ms, due_at_ms) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![
            txn,
            state,
            now_ms,
            now_ms.saturating_add(faults.delay_ms)
        ])?;
    }
    let held: u32 = book
        .prepare_cached("SELECT COUNT(*) FROM callbacks WHERE state = 'held'")?
        .query_row([], |row| row.get(0))?;
    if 1 < faults.gather && faults.gather <= held {
        release_held(book)
    } else {
        Ok(())
    }
}

/// Makes the withheld callbacks due, each after the one that was queued later.
pub(crate) fn release_held(book: &Connection) -> rusqlite::Result<()> {
    let mut statement =
        book.prepare_cached("SELECT id FROM callbacks WHERE state = 'held' ORDER BY id DESC")?;
    let held: Vec<i64> = statement
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut after = None;
    for id in held {
        book.prepare_cached("UPDATE callbacks SET state = 'pending', after = ?2 WHERE id = ?1")?
            .execute(params![id, after])?;
        after = Some(id);
    }
    Ok(())
}

/// The part of a transaction's amount that accepted refunds take; `:now` is the moment. Failed ones
/// count until they have failed.
const REFUNDED: &str = "(SELECT IFNULL(SUM(r.amount_fen), 0) FROM refunds r WHERE r.txn = t.id \
    AND (r.outcome = 'done' OR :now < r.ends_at_ms))";

fn select_transactions() -> String {
    format!(
        "SELECT t.txn_id, o.order_no, t.merchant_id, t.amount_fen, t.paid_at_ms, {REFUNDED}, \
         o.attach, t.id FROM transactions t JOIN orders o ON o.id = t.order_id"
    )
}

fn read_transaction(row: &Row<'_>) -> rusqlite::Result<Transaction> {
    Ok(Transaction {
        txn_id: row.get(0)?,
        order_no: row.get(1)?,
        merchant_id: row.get(2)?,
        amount_fen: row.get(3)?,
        paid_at_ms: row.get(4)?,
        refunded_fen: row.get(5)?,
        attach: row.get(6)?,
    })
}

/// An order's payments, oldest first.
pub(crate) fn transactions_of(
    book: &Connection,
    order_id: i64,
    now_ms: i64,
) -> rusqlite::Result<Vec<Transaction>> {
    let sql = format!(
        "{} WHERE t.order_id = :order ORDER BY t.id",
        select_transactions()
    );
    let mut statement = book.prepare_cached(&sql)?;
    let named = rusqlite::named_params! { ":order": order_id, ":now": now_ms };
    statement.query_map(named, read_transaction)?.collect()
}

/// A merchant's payment by its id, with its number in the book.
pub(crate) fn find_transaction(
    book: &Connection,
    merchant_id: &str,
    txn_id: &str,
    now_ms: i64,
) -> rusqlite::Result<Option<(i64, Transaction)>> {
    let sql = format!(
        "{} WHERE t.txn_id = :txn AND t.merchant_id = :merchant",
        select_transactions()
    );
    let named =
        rusqlite::named_params! { ":txn": txn_id, ":merchant": merchant_id, ":now": now_ms };
    let mut statement = book.prepare_cached(&sql)?;
    statement
        .query_row(named, |row| Ok((row.get(7)?, read_transaction(row)?)))
        .optional()
}

/// Accepts a refund, or finds it again by its number.
pub(crate) fn refund(
    book: &Connection,
    merchant_id: &str,
    refund: &CreateRefund,
    faults: &RefundFaults,
    now_ms: i64,
) -> Result<BookRefund, Stop> {
    if let Some(known) = find_refund(book, merchant_id, &refund.refund_no, now_ms)? {
        let same = known.txn_id == refund.txn_id
            && known.amount_fen == refund.amount_fen
            && known.reason == refund.reason;
        if same {
            return Ok(known);
        }
        let message = format!("refund {} exists with other content", refund.refund_no);
        return Err(refused(RefusalCode::Conflict, message));
    }
    let (txn, paid) =
        find_transaction(book, merchant_id, &refund.txn_id, now_ms)?.ok_or_else(|| {
            refused(
                RefusalCode::NotFound,
                format!("no payment {}", refund.txn_id),
            )
        })?;
    let left_fen = paid.amount_fen - paid.refunded_fen;
    if left_fen < refund.amount_fen {
        let message = format!("only {left_fen} fen are left of payment {}", refund.txn_id);
        return Err(refused(RefusalCode::RefundTooLarge, message));
    }
    book.prepare_cached(
        "INSERT INTO refunds (merchant_id, refund_no, txn, amount_fen, reason, accepted_at_ms, \
         ends_at_ms, outcome) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        merchant_id,
        refund.refund_no,
        txn,
        refund.amount_fen,
        refund.reason,
        now_ms,
        now_ms.saturating_add(faults.processing_ms),
        if faults.fails { "failed" } else { "done" }
    ])?;
    get_refund(book, merchant_id, &refund.refund_no, now_ms)
}

const SELECT_REFUNDS: &str = "SELECT r.refund_no, t.txn_id, r.amount_fen, r.reason, r.ends_at_ms, \
    r.outcome FROM refunds r JOIN transactions t ON t.id = r.txn";

fn read_refund(row: &Row<'_>, now_ms: i64) -> rusqlite::Result<BookRefund> {
    let (at_ms, outcome): (i64, String) = (row.get(4)?, row.get(5)?);
    let state = if now_ms < at_ms {
        RefundState::Processing
    } else if outcome == "done" {
        RefundState::Done { at_ms }
    } else {
        RefundState::Failed { at_ms }
    };
    Ok(BookRefund {
        refund_no: row.get(0)?,
        txn_id: row.get(1)?,
        amount_fen: row.get(2)?,
        reason: row.get(3)?,
        state,
    })
}

fn find_refund(
    book: &Connection,
    merchant_id: &str,
    refund_no: &str,
    now_ms: i64,
) -> rusqlite::Result<Option<BookRefund>> {
    let sql = format!("{SELECT_REFUNDS} WHERE r.refund_no = ?1 AND r.merchant_id = ?2");
    book.prepare_cached(&sql)?
        .query_row([refund_no, merchant_id], |row| read_refund(row, now_ms))
        .optional()
}

/// A merchant's refund by its number.
pub(crate) fn get_refund(
    book: &Connection,
    merchant_id: &str,
    refund_no: &str,
    now_ms: i64,
) -> Result<BookRefund, Stop> {
    find_refund(book, merchant_id, refund_no, now_ms)?
        .ok_or_else(|| refused(RefusalCode::NotFound, format!("no refund {refund_no}")))
}

/// The sums of a merchant's book.
pub(crate) fn books(book: &Connection, merchant_id: &str, now_ms: i64) -> rusqlite::Result<Books> {
    let sums = "SELECT \
        (SELECT IFNULL(SUM(amount_fen), 0) FROM transactions WHERE merchant_id = :m), \
        (SELECT IFNULL(SUM(amount_fen), 0) FROM refunds WHERE merchant_id = :m \
            AND (outcome = 'done' OR :now < ends_at_ms)), \
        (SELECT IFNULL(SUM(amount_fen), 0) FROM refunds WHERE merchant_id = :m \
            AND :now < ends_at_ms), \
        (SELECT COUNT(*) FROM orders WHERE merchant_id = :m), \
        (SELECT COUNT(*) FROM transactions WHERE merchant_id = :m), \
        (SELECT COUNT(*) FROM refunds WHERE merchant_id = :m), \
        (SELECT COUNT(*) FROM callbacks c JOIN transactions t ON t.id = c.txn \
            WHERE c.state IN ('pending', 'sending', 'held') AND t.merchant_id = :m)";
    let payouts = super::payouts::sums(book, merchant_id, now_ms)?;
    let named = rusqlite::named_params! { ":m": merchant_id, ":now": now_ms };
    book.prepare_cached(sums)?.query_row(named, |row| {
        let (paid_fen, refunded_fen): (i64, i64) = (row.get(0)?, row.get(1)?);
        Ok(Books {
            merchant_id: merchant_id.to_owned(),
            paid_fen,
            refunded_fen,
            processing_fen: row.get(2)?,
            paid_out_fen: payouts.paid_out_fen,
            payouts_pending_fen: payouts.pending_fen,
            payouts: payouts.count,
            held_fen: paid_fen - refunded_fen - payouts.paid_out_fen,
            orders: row.get(3)?,
            transactions: row.get(4)?,
            refunds: row.get(5)?,
            callbacks_pending: row.get(6)?,
        })
    })
}

/// Some of a merchant's orders with all their movements, from the one after `after` on.
pub(crate) fn book_page(
    book: &Connection,
    merchant_id: &str,
    after: i64,
    now_ms: i64,
) -> rusqlite::Result<BookPage> {
    let sql = format!(
        "{} WHERE merchant_id = ?1 AND ?2 < id ORDER BY id LIMIT ?3",
        OrderRow::SELECT
    );
    let mut statement = book.prepare_cached(&sql)?;
    let rows = statement.query_map(
        params![merchant_id, after, MAX_BOOK_PAGE as i64],
        OrderRow::read,
    )?;
    let rows: Vec<OrderRow> = rows.collect::<Result<_, _>>()?;
    let next = rows
        .last()
        .filter(|_| rows.len() == MAX_BOOK_PAGE)
        .map(|row| row.id);
    let orders = rows.into_iter().map(|row| book_order(book, row, now_ms));
    Ok(BookPage {
        orders: orders.collect::<Result<_, _>>()?,
        next,
    })
}

fn book_order(book: &Connection, row: OrderRow, now_ms: i64) -> rusqlite::Result<BookOrder> {
    let sql = format!("{SELECT_REFUNDS} WHERE t.order_id = ?1 ORDER BY r.id");
    let mut statement = book.prepare_cached(&sql)?;
    let refunds = statement.query_map([row.id], |refund| read_refund(refund, now_ms))?;
    Ok(BookOrder {
        status: row.status(now_ms),
        transactions: transactions_of(book, row.id, now_ms)?,
        refunds: refunds.collect::<Result<_, _>>()?,
        order_no: row.order_no,
        amount_fen: row.amount_fen,
        attach: row.attach,
        created_at_ms: row.created_at_ms,
    })
}
