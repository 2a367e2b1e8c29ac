//! Why a command about recharges was turned down.

use crate::{Money, PurchaseId, Refusal};

/// Why a command about recharges was turned down.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RechargeRefusal {
    /// The member would have paid more for coins he has not used than he may.
    #[error("at most {left} more may be paid for coins now")]
    CapReached {
        /// How much more.
        left: Money,
    },
    /// No such recharge of his, or nothing is left of it.
    #[error("recharge {0} is not known, or nothing is left of it")]
    UnknownRecharge(PurchaseId),
    /// What is left is worth less than a fen.
    #[error("nothing of recharge {0} can be paid back")]
    NothingLeft(PurchaseId),
    /// An unpaid purchase or bill holds coins that would go with it.
    #[error("coins of recharge {0} are held by what is not paid yet")]
    Held(PurchaseId),
}

impl RechargeRefusal {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            RechargeRefusal::CapReached { .. } => "recharge_cap",
            RechargeRefusal::UnknownRecharge(_) => "recharge_unknown",
            RechargeRefusal::NothingLeft(_) => "recharge_used",
            RechargeRefusal::Held(_) => "recharge_held",
        }
    }
}

impl From<RechargeRefusal> for Refusal {
    fn from(refusal: RechargeRefusal) -> Refusal {
        Refusal::Recharge(refusal)
    }
}
