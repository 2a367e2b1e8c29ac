//! What has happened in the alliance.

use minicbor::{Decode, Encode};

use super::{
    CashBack, CashTaken, Contract, CounterAwaited, CounterId, CounterPaid, CounterReversed,
    CounterSharesVested, GroupSold, MerchantPaid, OriginReversed, OriginShared, OriginVested,
    PurchaseShared, SaleReversed, StatementDrafted, StatementId, StatementPaid,
};
use crate::{Answer, CampaignId, GroupId, MemberId, MerchantId, Millis, Money, StoreId};

/// What has happened in the alliance. Stored for ever, like [`Event`](crate::Event): numbers are never reused.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum AllianceEvent {
    /// An application became a merchant; his contract follows.
    #[n(0)]
    MerchantAdmitted {
        /// His number.
        #[n(0)]
        merchant: MerchantId,
        /// The application's.
        #[cbor(n(1), with = "minicbor::bytes")]
        token: [u8; 16],
    },
    /// A contract is in force, and its entry fee is due.
    #[n(1)]
    ContractSigned {
        /// Whose.
        #[n(0)]
        merchant: MerchantId,
        /// Which of his contracts, from 1.
        #[n(1)]
        version: u32,
        /// What was agreed.
        #[n(2)]
        contract: Contract,
    },
    /// A merchant begins nothing new.
    #[n(2)]
    MerchantSuspended {
        /// Which.
        #[n(0)]
        merchant: MerchantId,
    },
    /// A suspended merchant is as others again.
    #[n(3)]
    MerchantReinstated {
        /// Which.
        #[n(0)]
        merchant: MerchantId,
    },
    /// A merchant has one more store.
    #[n(4)]
    StoreOpened {
        /// Its number.
        #[n(0)]
        store: StoreId,
        /// Whose.
        #[n(1)]
        merchant: MerchantId,
        /// The row's.
        #[cbor(n(2), with = "minicbor::bytes")]
        token: [u8; 16],
    },
    /// The campaign that was just published is a merchant's.
    #[n(5)]
    CampaignTied {
        /// Which.
        #[n(0)]
        campaign: CampaignId,
        /// Whose.
        #[n(1)]
        merchant: MerchantId,
    },
    /// What winners of a merchant's group paid is his, less commission, fees and the rewards paid (rules 10.3). It waits
    /// for their return windows.
    #[n(6)]
    GroupSold(#[n(0)] GroupSold),
    /// A product that was sold for a merchant has come back.
    #[n(7)]
    SaleReversed(#[n(0)] SaleReversed),
    /// All return windows of a merchant's group have closed: what is left of its sales is payable.
    #[n(8)]
    SaleVested {
        /// The group.
        #[n(0)]
        group: GroupId,
        /// Whose.
        #[n(1)]
        merchant: MerchantId,
        /// How much.
        #[n(2)]
        amount: Money,
    },
    /// A bill at a counter was paid (rules 10.4).
    #[n(9)]
    CounterPaid(#[n(0)] CounterPaid),
    /// It was taken back.
    #[n(10)]
    CounterReversed(#[n(0)] CounterReversed),
    /// What is payable to a merchant was drawn up.
    #[n(11)]
    StatementDrafted(#[n(0)] StatementDrafted),
    /// The statements of a period are drawn up, or a part of them.
    #[n(12)]
    PeriodClosed {
        /// With whom it goes on at once; none: these were all.
        #[n(0)]
        more: Option<MerchantId>,
    },
    /// A statement was confirmed.
    #[n(13)]
    StatementConfirmed {
        /// Which.
        #[n(0)]
        statement: StatementId,
        /// Whose.
        #[n(1)]
        merchant: MerchantId,
    },
    /// It was paid.
    #[n(14)]
    StatementPaid(#[n(0)] StatementPaid),
    /// A member has a home store.
    #[n(15)]
    HomeBound {
        /// Who.
        #[n(0)]
        member: MemberId,
        /// Which.
        #[n(1)]
        store: StoreId,
        /// From this moment on it gets nothing more.
        #[n(2)]
        until: Millis,
    },
    /// He has ended it.
    #[n(16)]
    HomeEnded {
        /// Who.
        #[n(0)]
        member: MemberId,
        /// Which it was.
        #[n(1)]
        store: StoreId,
    },
    /// Home stores of a group's buyers get their shares; they wait for the return windows.
    #[n(17)]
    OriginShared(#[n(0)] OriginShared),
    /// One of them goes back with its product.
    #[n(18)]
    OriginReversed(#[n(0)] OriginReversed),
    /// What is left of them is payable.
    #[n(19)]
    OriginVested(#[n(0)] OriginVested),
    /// The home store of somebody who has bought without a group gets its share.
    #[n(24)]
    PurchaseShared(#[n(0)] PurchaseShared),
    /// A bill waits at a counter whose cash the platform takes, and coins are held for it.
    #[n(20)]
    CounterAwaited(#[n(0)] Box<CounterAwaited>),
    /// It was not paid in time, or was given up: the coins are free again.
    #[n(21)]
    CounterLapsed {
        /// Which.
        #[n(0)]
        counter: CounterId,
    },
    /// The cash of a bill is in the channel.
    #[n(22)]
    CashTaken(#[n(0)] CashTaken),
    /// It goes back.
    #[n(23)]
    CashBack(#[n(0)] CashBack),
    /// A draft of a statement tells of a bill that is being taken back: it is over, and what it took is payable and owed again.
    #[n(57)]
    StatementWithdrawn(#[n(0)] StatementDrafted),
    /// Shares of bills are payable: nobody can take the bills back any more, and what stores that took the cash owed of them is
    /// settled.
    #[n(58)]
    CounterSharesVested(#[n(0)] CounterSharesVested),
    /// A merchant has paid something of what he owes.
    #[n(62)]
    MerchantPaid(#[n(0)] MerchantPaid),
}

impl AllianceEvent {
    /// All names, by the numbers of the kinds.
    pub const NAMES: [&'static str; 28] = [
        "merchant_admitted",
        "contract_signed",
        "merchant_suspended",
        "merchant_reinstated",
        "store_opened",
        "campaign_tied",
        "group_sold",
        "sale_reversed",
        "sale_vested",
        "counter_paid",
        "counter_reversed",
        "statement_drafted",
        "period_closed",
        "statement_confirmed",
        "statement_paid",
        "home_bound",
        "home_ended",
        "origin_shared",
        "origin_reversed",
        "origin_vested",
        "purchase_shared",
        "counter_awaited",
        "counter_lapsed",
        "counter_cash_taken",
        "counter_cash_back",
        "statement_withdrawn",
        "counter_shares_vested",
        "merchant_paid",
    ];

    /// Its name in SQL and JSON.
    pub fn name(&self) -> &'static str {
        match self {
            AllianceEvent::MerchantAdmitted { .. } => "merchant_admitted",
            AllianceEvent::ContractSigned { .. } => "contract_signed",
            AllianceEvent::MerchantSuspended { .. } => "merchant_suspended",
            AllianceEvent::MerchantReinstated { .. } => "merchant_reinstated",
            AllianceEvent::StoreOpened { .. } => "store_opened",
            AllianceEvent::CampaignTied { .. } => "campaign_tied",
            AllianceEvent::GroupSold(_) => "group_sold",
            AllianceEvent::SaleReversed(_) => "sale_reversed",
            AllianceEvent::SaleVested { .. } => "sale_vested",
            AllianceEvent::CounterPaid(_) => "counter_paid",
            AllianceEvent::CounterReversed(_) => "counter_reversed",
            AllianceEvent::StatementDrafted(_) => "statement_drafted",
            AllianceEvent::PeriodClosed { .. } => "period_closed",
            AllianceEvent::StatementConfirmed { .. } => "statement_confirmed",
            AllianceEvent::StatementPaid(_) => "statement_paid",
            AllianceEvent::HomeBound { .. } => "home_bound",
            AllianceEvent::HomeEnded { .. } => "home_ended",
            AllianceEvent::OriginShared(_) => "origin_shared",
            AllianceEvent::OriginReversed(_) => "origin_reversed",
            AllianceEvent::OriginVested(_) => "origin_vested",
            AllianceEvent::PurchaseShared(_) => "purchase_shared",
            AllianceEvent::CounterAwaited(_) => "counter_awaited",
            AllianceEvent::CounterLapsed { .. } => "counter_lapsed",
            AllianceEvent::CashTaken(_) => "counter_cash_taken",
            AllianceEvent::CashBack(_) => "counter_cash_back",
            AllianceEvent::StatementWithdrawn(_) => "statement_withdrawn",
            AllianceEvent::CounterSharesVested(_) => "counter_shares_vested",
            AllianceEvent::MerchantPaid(_) => "merchant_paid",
        }
    }

    /// Whether it can make something payable or owed.
    pub(super) fn is_for_a_statement(&self) -> bool {
        match self {
            AllianceEvent::ContractSigned { contract, .. } => contract.entry_fee.is_positive(),
            AllianceEvent::SaleReversed(_)
            | AllianceEvent::SaleVested { .. }
            | AllianceEvent::CounterPaid(_)
            | AllianceEvent::CounterReversed(_)
            | AllianceEvent::OriginVested(_)
            | AllianceEvent::StatementWithdrawn(_)
            | AllianceEvent::CounterSharesVested(_)
            | AllianceEvent::MerchantPaid(_)
            | AllianceEvent::PurchaseShared(_) => true,
            AllianceEvent::MerchantAdmitted { .. }
            | AllianceEvent::MerchantSuspended { .. }
            | AllianceEvent::MerchantReinstated { .. }
            | AllianceEvent::StoreOpened { .. }
            | AllianceEvent::CampaignTied { .. }
            | AllianceEvent::GroupSold(_)
            | AllianceEvent::StatementDrafted(_)
            | AllianceEvent::PeriodClosed { .. }
            | AllianceEvent::StatementConfirmed { .. }
            | AllianceEvent::StatementPaid(_)
            | AllianceEvent::HomeBound { .. }
            | AllianceEvent::HomeEnded { .. }
            | AllianceEvent::OriginShared(_)
            | AllianceEvent::OriginReversed(_)
            | AllianceEvent::CounterAwaited(_)
            | AllianceEvent::CounterLapsed { .. }
            | AllianceEvent::CashTaken(_)
            | AllianceEvent::CashBack(_) => false,
        }
    }

    /// What a command that ends with it answers; none: what it would answer without.
    pub(crate) fn answer(&self) -> Option<Answer> {
        match self {
            AllianceEvent::MerchantAdmitted { merchant, .. } => Some(Answer::Merchant(*merchant)),
            AllianceEvent::StoreOpened { store, .. } => Some(Answer::Store(*store)),
            AllianceEvent::CounterPaid(paid) => Some(Answer::Counter(paid.counter)),
            AllianceEvent::CounterAwaited(waits) => Some(Answer::Counter(waits.paid.counter)),
            AllianceEvent::CashTaken(cash) => Some(Answer::Counter(cash.counter)),
            AllianceEvent::ContractSigned { .. }
            | AllianceEvent::MerchantSuspended { .. }
            | AllianceEvent::MerchantReinstated { .. }
            | AllianceEvent::CampaignTied { .. }
            | AllianceEvent::GroupSold(_)
            | AllianceEvent::SaleReversed(_)
            | AllianceEvent::CounterReversed(_)
            | AllianceEvent::SaleVested { .. }
            | AllianceEvent::StatementDrafted(_)
            | AllianceEvent::PeriodClosed { .. }
            | AllianceEvent::StatementConfirmed { .. }
            | AllianceEvent::StatementPaid(_)
            | AllianceEvent::HomeBound { .. }
            | AllianceEvent::HomeEnded { .. }
            | AllianceEvent::OriginShared(_)
            | AllianceEvent::OriginReversed(_)
            | AllianceEvent::OriginVested(_)
            | AllianceEvent::PurchaseShared(_)
            | AllianceEvent::CounterLapsed { .. }
            | AllianceEvent::StatementWithdrawn(_)
            | AllianceEvent::CounterSharesVested(_)
            | AllianceEvent::MerchantPaid(_)
            | AllianceEvent::CashBack(_) => None,
        }
    }
}
