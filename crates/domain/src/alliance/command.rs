//! What is asked of the alliance.

use super::{Bill, Claim, Contract, CounterId, StatementId, Transfer};
use crate::{Campaign, Due, MemberId, MerchantId, Money, StoreId, Txn};

/// What is asked of the alliance.
#[derive(Clone, Debug)]
pub enum AllianceCommand {
    /// Makes a merchant of an application that was reviewed. The same token again gives the same merchant.
    AdmitMerchant {
        /// Random, from the application's row in the directory.
        token: [u8; 16],
        /// What was agreed.
        contract: Contract,
    },
    /// Replaces a merchant's contract from now on.
    SignContract {
        /// Whose.
        merchant: MerchantId,
        /// What was agreed.
        contract: Contract,
    },
    /// Lets a merchant begin nothing new; what is open goes on.
    SuspendMerchant {
        /// Which.
        merchant: MerchantId,
    },
    /// Ends that.
    ReinstateMerchant {
        /// Which.
        merchant: MerchantId,
    },
    /// Opens a store of a merchant. The same token again gives the same store.
    OpenStore {
        /// Whose.
        merchant: MerchantId,
        /// Random, from the store's row in the directory.
        token: [u8; 16],
    },
    /// Opens a merchant's campaign for groups, for ever unchanged.
    PublishFor {
        /// Whose it is.
        merchant: MerchantId,
        /// Its terms.
        campaign: Box<Campaign>,
    },
    /// Has a bill at a store's counter paid by the member whose code was shown. The caller has seen that the cashier is the
    /// store's.
    PayAtCounter {
        /// Where.
        store: StoreId,
        /// The bill.
        bill: Bill,
        /// What the code stands for; none: nobody knows it.
        claim: Option<Claim>,
    },
    /// A payment for a bill that waits at a counter has arrived, as the channel itself confirmed.
    PayCounter {
        /// Which.
        counter: CounterId,
        /// What the provider calls the payment.
        txn: Txn,
        /// What was paid.
        amount: Money,
    },
    /// Sends back money that came for a bill no longer in memory. The caller has looked through the history up to now and has not
    /// found this payment there.
    BounceCounter {
        /// Who paid.
        member: MemberId,
        /// Where it was: its merchant's contract says what the payment has cost.
        store: StoreId,
        /// What the provider calls the payment.
        txn: Txn,
        /// What was paid.
        amount: Money,
    },
    /// Takes a payment at a counter back, all of it; a bill that waits is given up.
    ReverseCounter {
        /// Which.
        counter: CounterId,
        /// Whose store it was.
        merchant: MerchantId,
        /// The store, if its cashier asks: he may only on the same day.
        store: Option<StoreId>,
    },
    /// Refunds a payment at a counter, by an operator.
    RefundCounter {
        /// Which.
        counter: CounterId,
    },
    /// Makes a store a member's home store: the first whose link or code he has used.
    BindHome {
        /// Whose.
        member: MemberId,
        /// Which.
        store: StoreId,
    },
    /// Ends that, for good.
    EndHome {
        /// Whose.
        member: MemberId,
    },
    /// Draws up a merchant's statement now; without it that is done when the month is over.
    DraftStatement {
        /// Whose.
        merchant: MerchantId,
    },
    /// Confirms a statement that was drawn up.
    ConfirmStatement {
        /// Which.
        statement: StatementId,
    },
    /// Notes that a confirmed statement was paid.
    PayStatement {
        /// Which.
        statement: StatementId,
        /// How.
        transfer: Transfer,
    },
    /// Notes that a merchant has paid something of what he owes. The same transfer again changes nothing.
    NoteMerchantPaid {
        /// Who.
        merchant: MerchantId,
        /// How much.
        amount: Money,
        /// How.
        transfer: Transfer,
    },
}

impl AllianceCommand {
    /// What may have become due in what it touches.
    pub(crate) fn touched(&self) -> Option<Due> {
        match self {
            AllianceCommand::PayAtCounter { .. } => Some(Due::Coins),
            AllianceCommand::PayCounter { counter, .. }
            | AllianceCommand::RefundCounter { counter }
            | AllianceCommand::ReverseCounter { counter, .. } => Some(Due::Counter(*counter)),
            AllianceCommand::AdmitMerchant { .. }
            | AllianceCommand::SignContract { .. }
            | AllianceCommand::SuspendMerchant { .. }
            | AllianceCommand::ReinstateMerchant { .. }
            | AllianceCommand::OpenStore { .. }
            | AllianceCommand::PublishFor { .. }
            | AllianceCommand::BounceCounter { .. }
            | AllianceCommand::BindHome { .. }
            | AllianceCommand::EndHome { .. }
            | AllianceCommand::ConfirmStatement { .. }
            | AllianceCommand::PayStatement { .. }
            | AllianceCommand::NoteMerchantPaid { .. } => None,
            AllianceCommand::DraftStatement { .. } => Some(Due::Statements),
        }
    }
}

impl AllianceCommand {
    /// In whose name it acts, if in a member's.
    pub(crate) fn member(&self) -> Option<MemberId> {
        match self {
            AllianceCommand::BindHome { member, .. } | AllianceCommand::EndHome { member } => {
                Some(*member)
            }
            AllianceCommand::AdmitMerchant { .. }
            | AllianceCommand::SignContract { .. }
            | AllianceCommand::SuspendMerchant { .. }
            | AllianceCommand::ReinstateMerchant { .. }
            | AllianceCommand::OpenStore { .. }
            | AllianceCommand::PublishFor { .. }
            | AllianceCommand::PayAtCounter { .. }
            | AllianceCommand::PayCounter { .. }
            | AllianceCommand::BounceCounter { .. }
            | AllianceCommand::ReverseCounter { .. }
            | AllianceCommand::RefundCounter { .. }
            | AllianceCommand::DraftStatement { .. }
            | AllianceCommand::ConfirmStatement { .. }
            | AllianceCommand::PayStatement { .. }
            | AllianceCommand::NoteMerchantPaid { .. } => None,
        }
    }
}
