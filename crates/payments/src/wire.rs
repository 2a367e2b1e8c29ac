//! What stands in the bodies of requests and answers, and its limits.
//!
//! Fields may be added; a reader ignores those it does not know.

use serde::{Deserialize, Serialize};

/// Largest amount of one order, in fen (ten thousand million yuan).
pub const MAX_AMOUNT_FEN: i64 = 1_000_000_000_000;
/// Longest order number, in bytes; letters, digits, `-` and `_`.
pub const MAX_ORDER_NO_BYTES: usize = 32;
/// Longest refund number, in bytes; letters, digits, `-` and `_`.
pub const MAX_REFUND_NO_BYTES: usize = 64;
/// Longest transaction id, in bytes; printable ASCII.
pub const MAX_TXN_ID_BYTES: usize = 32;
/// Longest text that is echoed with an order's payments, in bytes.
pub const MAX_ATTACH_BYTES: usize = 128;
/// Longest product description, in bytes.
pub const MAX_DESCRIPTION_BYTES: usize = 400;
/// Longest reason of a refund, in bytes.
pub const MAX_REASON_BYTES: usize = 240;
/// Longest name or account of a payee, in bytes.
pub const MAX_PAYEE_BYTES: usize = 128;
/// Most transactions in one query.
pub const MAX_BATCH: usize = 1000;
/// Most orders on one page of the books.
pub const MAX_BOOK_PAGE: usize = 1000;
/// How far a signature's timestamp may be from the reader's clock, in milliseconds.
pub const MAX_SKEW_MS: i64 = 5 * 60 * 1000;

/// One payment that the provider has received.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// The provider's number, printable ASCII, at most 32 bytes, unique at this provider for ever.
    pub txn_id: String,
    /// The order that was paid.
    pub order_no: String,
    /// The merchant that holds the money.
    pub merchant_id: String,
    /// What was paid, in fen; usually, not always, the order's amount.
    pub amount_fen: i64,
    /// When it was paid.
    pub paid_at_ms: i64,
    /// The sum of accepted refunds, in fen, those on their way included, failed ones not.
    pub refunded_fen: i64,
    /// The order's attach.
    pub attach: String,
}

/// What the provider knows of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderState {
    /// Where the order stands.
    pub status: OrderStatus,
    /// Its payments, oldest first; more than one if it was paid twice.
    pub transactions: Vec<Transaction>,
}

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// Can be paid.
    Open,
    /// Has been paid at least once.
    Paid,
    /// Was closed before any payment; can never be paid.
    Closed,
    /// Its time passed before any payment; can never be paid.
    Expired,
}

/// Where a refund stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundState {
    /// The money is back with the payer.
    Done {
        /// Since when.
        at_ms: i64,
    },
    /// Accepted; the money is on its way. Ask again later.
    Processing,
    /// It could not be delivered; the merchant holds the money again. Final for this refund number:
    /// another attempt needs a new one.
    Failed {
        /// Since when.
        at_ms: i64,
    },
}

/// Where a payout stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum PayoutState {
    /// The payee has the money.
    Done {
        /// Since when.
        at_ms: i64,
    },
    /// Accepted; the money is on its way. Ask again later.
    Processing,
    /// The payee must confirm it first. Ask again later.
    Waiting {
        /// Where he does.
        confirm_url: String,
        /// From when on it is too late.
        until_ms: i64,
    },
    /// It could not be delivered; the merchant holds the money again. Final.
    Failed {
        /// Since when.
        at_ms: i64,
    },
    /// The payee did not confirm it in time; the merchant holds the money again. Final.
    Expired {
        /// Since when.
        at_ms: i64,
    },
}

/// One payout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookPayout {
    /// The merchant's number: its idempotency key.
    pub payout_no: String,
    /// The payee's account.
    pub account: String,
    /// The payee's name.
    pub name: String,
    /// How much, in fen.
    pub amount_fen: i64,
    /// Why, in the merchant's words.
    pub reason: String,
    /// Where it stands.
    #[serde(flatten)]
    pub state: PayoutState,
}

/// Some payouts of the books, in the order of their creation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayoutPage {
    /// At most [`MAX_BOOK_PAGE`].
    pub payouts: Vec<BookPayout>,
    /// Give this to get the next page; absent on the last one.
    pub next: Option<i64>,
}

/// The sums of one merchant's book at the provider, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Books {
    /// Whose book.
    pub merchant_id: String,
    /// Sum of all transactions, in fen.
    pub paid_fen: i64,
    /// Sum of accepted refunds, in fen, those on their way included, failed ones not.
    pub refunded_fen: i64,
    /// Part of `refunded_fen` that is still on its way, in fen.
    pub processing_fen: i64,
    /// Sum of accepted payouts, in fen, those on their way or waiting included, failed and expired ones not.
    #[serde(default)]
    pub paid_out_fen: i64,
    /// Part of `paid_out_fen` that is on its way or waits for a confirmation, in fen.
    #[serde(default)]
    pub payouts_pending_fen: i64,
    /// What the provider holds for the merchant, in fen: `paid_fen - refunded_fen - paid_out_fen`.
    pub held_fen: i64,
    /// Number of orders ever created.
    pub orders: i64,
    /// Number of transactions.
    pub transactions: i64,
    /// Number of refunds accepted, failed ones included.
    pub refunds: i64,
    /// Number of payouts accepted, failed and expired ones included.
    #[serde(default)]
    pub payouts: i64,
    /// Number of callbacks not answered with 2xx yet, withheld ones included.
    pub callbacks_pending: i64,
}

/// One order of the books with all that happened to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookOrder {
    /// The merchant's number.
    pub order_no: String,
    /// What the order asks, in fen.
    pub amount_fen: i64,
    /// Where it stands.
    pub status: OrderStatus,
    /// The merchant's text.
    pub attach: String,
    /// When it was created.
    pub created_at_ms: i64,
    /// Its payments, oldest first.
    pub transactions: Vec<Transaction>,
    /// Its refunds, oldest first.
    pub refunds: Vec<BookRefund>,
}

/// One refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookRefund {
    /// The merchant's number: its idempotency key.
    pub refund_no: String,
    /// The payment that it gives back.
    pub txn_id: String,
    /// How much, in fen.
    pub amount_fen: i64,
    /// Why, in the merchant's words.
    pub reason: String,
    /// Where it stands.
    pub state: RefundState,
}

/// Some orders of the books, in the order of their creation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookPage {
    /// At most [`MAX_BOOK_PAGE`].
    pub orders: Vec<BookOrder>,
    /// Give this to get the next page; absent on the last one.
    pub next: Option<i64>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CreateOrder {
    pub(crate) order_no: String,
    pub(crate) amount_fen: i64,
    pub(crate) description: String,
    pub(crate) attach: String,
    pub(crate) expires_at_ms: i64,
    /// Where payments are announced; absent: nowhere, the merchant asks.
    #[serde(default)]
    pub(crate) notify_url: Option<String>,
    /// Where the payer's browser goes afterwards.
    #[serde(default)]
    pub(crate) return_url: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Created {
    pub(crate) order_no: String,
    pub(crate) page_url: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct QueryTransactions {
    pub(crate) txn_ids: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Transactions {
    /// One entry for each id asked for, in the same order; null where there is none.
    pub(crate) transactions: Vec<Option<Transaction>>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CreateRefund {
    pub(crate) refund_no: String,
    pub(crate) txn_id: String,
    pub(crate) amount_fen: i64,
    pub(crate) reason: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CreatePayout {
    pub(crate) payout_no: String,
    pub(crate) account: String,
    pub(crate) name: String,
    pub(crate) amount_fen: i64,
    pub(crate) reason: String,
}

/// A payment notice, as signed by the provider.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Notice {
    pub(crate) event: String,
    pub(crate) merchant_id: String,
    pub(crate) order_no: String,
    pub(crate) txn_id: String,
    pub(crate) amount_fen: i64,
    pub(crate) attach: String,
    pub(crate) paid_at_ms: i64,
}

/// The only event there is.
pub(crate) const EVENT_PAID: &str = "transaction.success";

/// The body of every refusal.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ErrorBody {
    pub(crate) code: String,
    pub(crate) message: String,
}

/// How a refund stands on the wire: a state's name and its time.
#[derive(Serialize, Deserialize)]
struct RefundWire {
    refund_no: String,
    txn_id: String,
    amount_fen: i64,
    reason: String,
    state: String,
    #[serde(default)]
    at_ms: i64,
}

impl Serialize for BookRefund {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (state, at_ms) = match self.state {
            RefundState::Done { at_ms } => ("done", at_ms),
            RefundState::Processing => ("processing", 0),
            RefundState::Failed { at_ms } => ("failed", at_ms),
        };
        let wire = RefundWire {
            refund_no: self.refund_no.clone(),
            txn_id: self.txn_id.clone(),
            amount_fen: self.amount_fen,
            reason: self.reason.clone(),
            state: state.to_owned(),
            at_ms,
        };
        wire.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for BookRefund {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = RefundWire::deserialize(deserializer)?;
        let state = match wire.state.as_str() {
            "done" => RefundState::Done { at_ms: wire.at_ms },
            "processing" => RefundState::Processing,
            "failed" => RefundState::Failed { at_ms: wire.at_ms },
            other => {
                let known = &["done", "processing", "failed"];
                return Err(serde::de::Error::unknown_variant(other, known));
            }
        };
        Ok(BookRefund {
            refund_no: wire.refund_no,
            txn_id: wire.txn_id,
            amount_fen: wire.amount_fen,
            reason: wire.reason,
            state,
        })
    }
}

/// The part of a create, refund or query that can be wrong whoever looks at it; both sides check,
/// so that the merchant learns of a mistake without a call.
impl CreateOrder {
    pub(crate) fn check(&self) -> Result<(), String> {
        check_no("order_no", &self.order_no, MAX_ORDER_NO_BYTES)?;
        check_amount(self.amount_fen)?;
        check_text("description", &self.description, MAX_DESCRIPTION_BYTES)?;
        check_text("attach", &self.attach, MAX_ATTACH_BYTES)
    }
}

impl CreateRefund {
    pub(crate) fn check(&self) -> Result<(), String> {
        check_no("refund_no", &self.refund_no, MAX_REFUND_NO_BYTES)?;
        check_txn_id(&self.txn_id)?;
        check_amount(self.amount_fen)?;
        check_text("reason", &self.reason, MAX_REASON_BYTES)
    }
}

impl CreatePayout {
    pub(crate) fn check(&self) -> Result<(), String> {
        check_no("payout_no", &self.payout_no, MAX_REFUND_NO_BYTES)?;
        check_amount(self.amount_fen)?;
        check_payee("account", &self.account)?;
        check_payee("name", &self.name)?;
        check_text("reason", &self.reason, MAX_REASON_BYTES)
    }
}

impl QueryTransactions {
    pub(crate) fn check(&self) -> Result<(), String> {
        if MAX_BATCH < self.txn_ids.len() {
            return Err(format!("at most {MAX_BATCH} transactions in one query"));
        }
        self.txn_ids
            .iter()
            .try_for_each(|txn_id| check_txn_id(txn_id))
    }
}

pub(crate) fn check_no(field: &str, text: &str, most_bytes: usize) -> Result<(), String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if text.is_empty() || most_bytes < text.len() || !text.bytes().all(allowed) {
        return Err(format!(
            "{field} must have 1 to {most_bytes} letters, digits, - or _, not {text:?}"
        ));
    }
    Ok(())
}

pub(crate) fn check_txn_id(text: &str) -> Result<(), String> {
    let good = text.bytes().all(|byte| byte.is_ascii_graphic());
    if text.is_empty() || MAX_TXN_ID_BYTES < text.len() || !good {
        return Err(format!("{text:?} is not a transaction id"));
    }
    Ok(())
}

pub(crate) fn check_amount(amount_fen: i64) -> Result<(), String> {
    if !(1..=MAX_AMOUNT_FEN).contains(&amount_fen) {
        return Err(format!(
            "amount_fen must be from 1 to {MAX_AMOUNT_FEN}, not {amount_fen}"
        ));
    }
    Ok(())
}

fn check_payee(field: &str, text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err(format!("{field} is empty"));
    }
    check_text(field, text, MAX_PAYEE_BYTES)
}

fn check_text(field: &str, text: &str, most_bytes: usize) -> Result<(), String> {
    if most_bytes < text.len() {
        return Err(format!(
            "{field} has {} bytes, at most {most_bytes}",
            text.len()
        ));
    }
    Ok(())
}
