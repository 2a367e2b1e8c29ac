//! Merchants' statements.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Amount, At};

/// A statement in a list. `amount` is `payable` less `set_off`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StatementLine {
    pub(crate) id: String,
    pub(crate) merchant: String,
    /// Which of his, from 1.
    pub(crate) number: u32,
    /// `draft`, `confirmed`, `paid` or `withdrawn`. Where nothing is to be paid, it ends with `confirmed`.
    pub(crate) state: &'static str,
    /// When the one before was drawn up; none for the first.
    pub(crate) from: Option<At>,
    /// When this one was.
    pub(crate) until: At,
    /// All that was payable to him.
    pub(crate) payable: Amount,
    /// What of it was set off against what he owed.
    pub(crate) set_off: Amount,
    /// What he is to be paid.
    pub(crate) amount: Amount,
    /// What he owes still.
    pub(crate) carried: Amount,
    pub(crate) confirmed_at: Option<At>,
    pub(crate) paid: Option<TransferLine>,
}

/// A bank transfer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TransferLine {
    /// What the bank calls it.
    pub(crate) reference: String,
    /// Its day, such as `2026-12-01`.
    pub(crate) on: String,
    /// When it was noted.
    pub(crate) at: At,
}

/// One statement with what it adds up to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StatementPage {
    #[serde(flatten)]
    pub(crate) line: StatementLine,
    /// Each of the merchant's accounts. What he is owed, and in `merchant-owes` what he owes, is above zero.
    pub(crate) accounts: Vec<StatementAccount>,
}

/// One account in a statement: `closing` is `opening` with all the lines.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StatementAccount {
    /// `merchant-vesting`, `merchant-payable`, `merchant-owes` or `merchant-stated`.
    pub(crate) account: &'static str,
    pub(crate) opening: Amount,
    pub(crate) lines: Vec<StatementSumLine>,
    pub(crate) closing: Amount,
}

/// What the lines of one kind add up to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StatementSumLine {
    /// By which event.
    pub(crate) event: &'static str,
    /// How many lines.
    pub(crate) count: u64,
    pub(crate) amount: Amount,
}

/// Says that a statement was paid by bank transfer.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TransferWanted {
    /// What the bank calls it: 1 to 64 letters, digits or any of `-_./`.
    pub(crate) reference: String,
    /// Its day of Asia/Shanghai, from the statement's to today: `2026-12-01`.
    pub(crate) on: String,
    /// Why, for the other operators: 1 to 400 bytes.
    pub(crate) reason: String,
}

/// Says that a merchant has paid something of what he owes, by bank transfer.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MerchantTransferWanted {
    /// How much: at most what he owes.
    pub(crate) amount: Amount,
    /// What the bank calls it: 1 to 64 letters, digits or any of `-_./`. The same transfer again changes nothing.
    pub(crate) reference: String,
    /// Its day of Asia/Shanghai, at most 366 days ago: `2026-12-01`.
    pub(crate) on: String,
    /// Why, for the other operators: 1 to 400 bytes.
    pub(crate) reason: String,
}
