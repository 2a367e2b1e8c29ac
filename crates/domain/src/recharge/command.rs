//! What is asked about recharges.

use crate::{MemberId, PurchaseId};

/// What is asked about recharges.
#[derive(Clone, Copy, Debug)]
pub enum RechargeCommand {
    /// Pays back what is unused.
    Refund {
        /// Which.
        recharge: PurchaseId,
        /// Whose it is.
        member: MemberId,
    },
}
