//! Payments at counters.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use views::CounterRow;

use super::{Amount, At};

/// An operator's refund as it is asked for and kept until somebody approves.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CounterRefundAsked {
    /// The payment's whole number.
    pub(crate) counter: String,
    pub(crate) reason: String,
}

/// A code to show at a counter.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CounterCode {
    /// Eight digits, good for one payment; asking again makes another.
    #[schema(example = "04711815")]
    pub(crate) code: String,
    pub(crate) expires_at: At,
    /// Coins that can be used now, bought ones included.
    pub(crate) coins: Amount,
    /// The most of a bill that coins can pay, such as `10%`; a store may take fewer.
    pub(crate) offset: String,
}

/// A bill, as the cashier enters it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BillWanted {
    /// What the member shows.
    pub(crate) code: String,
    /// All of it.
    pub(crate) bill: Amount,
    /// The most coins that the member wants to use; without it as many as may be.
    #[serde(default)]
    pub(crate) coins: Option<Amount>,
}

/// A payment at a counter.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CounterLine {
    pub(crate) id: String,
    pub(crate) at: At,
    pub(crate) store: String,
    /// All of the bill.
    pub(crate) bill: Amount,
    /// What coins paid of it.
    pub(crate) coins: Amount,
    /// Those of them that the member had bought, once it is paid. For him only.
    pub(crate) bought: Option<Amount>,
    /// What the member paid in cash.
    pub(crate) cash: Amount,
    /// `paid`, `voided` or `refunded`; where the platform takes the cash also `waiting` for the member's payment, and `lapsed`
    /// unpaid or given up.
    pub(crate) state: &'static str,
    /// When it had lapsed or was taken back.
    pub(crate) ended_at: Option<At>,
    /// Who takes the cash: `platform` or `store`.
    pub(crate) cash_to: &'static str,
    /// Until when the member can pay it, where the platform takes the cash.
    pub(crate) pay_by: Option<At>,
    /// What of the cash goes back the way it came: `due` until the channel has confirmed it, then `paid`.
    pub(crate) cash_back: Option<&'static str>,
    /// What the merchant leaves to the platform of the bill, the coins included. For his staff only.
    pub(crate) kept: Option<Amount>,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CounterSide {
    Member,
    Merchant,
}

impl CounterLine {
    pub(crate) fn of(row: &CounterRow, side: CounterSide) -> CounterLine {
        let (bought, kept) = match side {
            CounterSide::Member => (Some(row.bought.into()), None),
            CounterSide::Merchant => (None, Some(row.kept.into())),
        };
        CounterLine {
            id: row.id.to_string(),
            at: row.at.into(),
            store: row.store.to_string(),
            bill: row.bill.into(),
            coins: row.coins.into(),
            bought,
            cash: row.paid_in_cash().into(),
            state: row.state(),
            ended_at: row.ended_at().map(At::from),
            cash_to: row.cash.name(),
            pay_by: row.pay_by.map(At::from),
            cash_back: row.refund.map(|_| match row.cash_back_at {
                Some(_) => "paid",
                None => "due",
            }),
            kept,
        }
    }
}

/// The cashier's store.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CounterPage {
    pub(crate) store: String,
    pub(crate) name: String,
    pub(crate) address: String,
    /// Whether bills can be paid here now.
    pub(crate) open: bool,
    /// The most of a bill that coins can pay here, such as `10%`.
    pub(crate) offset: Option<String>,
}

/// One payment, and where it is paid.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CounterState {
    #[serde(flatten)]
    pub(crate) payment: CounterLine,
    /// While it waits for the member's payment and the channel answers.
    pub(crate) pay_url: Option<String>,
}

/// What was paid or taken back.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CounterDone {
    #[serde(flatten)]
    pub(crate) payment: CounterLine,
    /// While it waits for the member's payment and the channel answers.
    pub(crate) pay_url: Option<String>,
    pub(crate) seq: String,
}
