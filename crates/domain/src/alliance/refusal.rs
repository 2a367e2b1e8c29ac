//! Why the alliance turned a command down.

use super::{CounterId, StatementId};
use crate::{MemberId, MerchantId, Money, Refusal, StoreId};

/// Why the alliance turned a command down.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AllianceRefusal {
    /// No such merchant.
    #[error("merchant {0} is not known")]
    UnknownMerchant(MerchantId),
    /// No such store.
    #[error("store {0} is not known")]
    UnknownStore(StoreId),
    /// He may begin nothing new.
    #[error("merchant {0} is suspended")]
    MerchantSuspended(MerchantId),
    /// A contract's term is out of its range.
    #[error("{field} {must}")]
    InvalidContract {
        /// Which term.
        field: &'static str,
        /// What it must be.
        must: &'static str,
    },
    /// A merchant's campaign is published for nobody, or the platform's own for a merchant.
    #[error("a campaign with [merchant] is published for its merchant, and no other is")]
    MerchantMissing,
    /// The campaign's commission is not the contract's.
    #[error("the campaign's commission is not that of the contract of merchant {0}")]
    CommissionDiffers(MerchantId),
    /// The merchant's contract has no settlement rate.
    #[error("store {0} takes no payments at its counter")]
    CounterClosed(StoreId),
    /// Nobody has shown this code, or its minute is over.
    #[error("this code is not known, or its time is over")]
    CounterCodeUnknown,
    /// A code is good for one payment.
    #[error("this code has been used")]
    CounterCodeUsed,
    /// A bill's amount is out of its range.
    #[error("{field} {must}")]
    InvalidBill {
        /// Which amount.
        field: &'static str,
        /// What it must be.
        must: &'static str,
    },
    /// No such payment at this store or merchant, or it cannot be taken back any more.
    #[error("payment {0} at a counter is not known, or cannot be taken back any more")]
    UnknownCounter(CounterId),
    /// It was taken back before.
    #[error("payment {0} at a counter was taken back already")]
    CounterReversed(CounterId),
    /// A cashier voids on the day of the payment only, and before a statement tells of it.
    #[error(
        "payment {0} at a counter is of another day, or a statement tells of it: the merchant can refund it"
    )]
    CounterVoidLate(CounterId),
    /// He has one, or had one: it is the first in his life.
    #[error("member {0} has a home store, or had one")]
    HomeBound(MemberId),
    /// Its merchant's contract binds nobody.
    #[error("store {0} becomes nobody's home store")]
    HomeClosed(StoreId),
    /// His stores have taken cash of which the platform has not got its part yet, or what he would give back the platform would pay.
    #[error("the merchant may owe the platform only {most} more")]
    CounterOwesTooMuch {
        /// How much more it may be.
        most: Money,
    },
    /// No such statement.
    #[error("statement {0} is not known")]
    UnknownStatement(StatementId),
    /// It is not as far as that, or further.
    #[error("statement {0} is not in the state in which this can be done")]
    StatementState(StatementId),
    /// Nothing has happened since the last.
    #[error("merchant {0} is due nothing, and owes nothing new")]
    StatementEmpty(MerchantId),
    /// More than he owes: what is payable to him is set off in his statements.
    #[error("the merchant owes {left}, and not more")]
    MerchantOwesLess {
        /// What he owes.
        left: Money,
    },
    /// The bank's name of a transfer was noted with another merchant, amount or day.
    #[error("a transfer of this reference was noted already, and otherwise")]
    TransferKnown,
    /// What is said of a transfer is out of its range.
    #[error("{field} {must}")]
    InvalidTransfer {
        /// What of it.
        field: &'static str,
        /// What it must be.
        must: &'static str,
    },
}

impl AllianceRefusal {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            AllianceRefusal::UnknownMerchant(_) => "merchant_unknown",
            AllianceRefusal::UnknownStore(_) => "store_unknown",
            AllianceRefusal::MerchantSuspended(_) => "merchant_suspended",
            AllianceRefusal::InvalidContract { .. } => "contract_invalid",
            AllianceRefusal::MerchantMissing => "merchant_missing",
            AllianceRefusal::CommissionDiffers(_) => "commission_differs",
            AllianceRefusal::CounterClosed(_) => "counter_closed",
            AllianceRefusal::CounterCodeUnknown => "counter_code_unknown",
            AllianceRefusal::CounterCodeUsed => "counter_code_used",
            AllianceRefusal::InvalidBill { .. } => "bill_invalid",
            AllianceRefusal::UnknownCounter(_) => "counter_payment_unknown",
            AllianceRefusal::CounterReversed(_) => "counter_payment_reversed",
            AllianceRefusal::CounterVoidLate(_) => "counter_void_late",
            AllianceRefusal::HomeBound(_) => "home_store_bound",
            AllianceRefusal::HomeClosed(_) => "home_store_closed",
            AllianceRefusal::CounterOwesTooMuch { .. } => "counter_owes_too_much",
            AllianceRefusal::UnknownStatement(_) => "statement_unknown",
            AllianceRefusal::StatementState(_) => "statement_state",
            AllianceRefusal::StatementEmpty(_) => "statement_empty",
            AllianceRefusal::MerchantOwesLess { .. } => "merchant_owes_less",
            AllianceRefusal::TransferKnown => "transfer_known",
            AllianceRefusal::InvalidTransfer { .. } => "transfer_invalid",
        }
    }
}

impl From<AllianceRefusal> for Refusal {
    fn from(refusal: AllianceRefusal) -> Refusal {
        Refusal::Alliance(refusal)
    }
}
