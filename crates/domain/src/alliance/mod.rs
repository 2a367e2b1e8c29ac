//! The alliance (rules 10): merchants with their contracts and stores, and what is sold for them.
//!
//! Why its commands, events and accounts are gathered under one name each: most installations start without a merchant, and
//! nothing of this runs for a join. What others have to know of it is one line wherever they list all kinds of things.

mod account;
mod counter;
mod counter_cash;
mod home;
mod merchant;
mod sale;
mod statement;

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};

pub use account::{AllianceAccount, MerchantAccount};
pub use counter::{
    Bill, CLAIM_LASTS, COUNTER_REFUNDS, Claim, CounterId, CounterPaid, CounterPayment,
    CounterReversed, HomeBack, HomeShare, MAX_COUNTER_OWED, Reversal, most_coins,
};
pub(crate) use counter_cash::CounterCash;
pub use counter_cash::{COUNTER_WINDOW, CashBack, CashTaken, CounterAwaited};
pub(crate) use home::Homes;
pub use home::{
    CounterSharesVested, Home, MAX_LOCK_DAYS, OriginAmount, OriginPart, OriginReversed,
    OriginShared, OriginVested, PurchaseShared,
};
pub use merchant::{CashTaker, Contract, MAX_CONTRACTS, MerchantView};
pub use sale::{GroupSold, SaleReversed};
pub(crate) use statement::Statements;
pub use statement::{
    MAX_DRAFTED, MAX_REFERENCE_CHARS, Statement, StatementDrafted, StatementId, StatementPaid,
    StatementState, Transfer,
};

use crate::{
    Account, Answer, Campaign, CampaignId, Due, Event, GroupId, MemberId, MerchantId, Millis,
    Money, Overflow, Refusal, StoreId, Txn, World,
};
use counter::Counters;
use merchant::Merchant;
use sale::Sale;

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
            | AllianceCommand::PayStatement { .. } => None,
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
            | AllianceCommand::PayStatement { .. } => None,
        }
    }
}

/// What has happened in the alliance. Stored for ever, like [`Event`]: numbers are never reused.
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
    /// Shares of bills whose cash stores took are payable: what those stores owed of them is settled, and nobody can take the
    /// bills back any more.
    #[n(58)]
    CounterSharesVested(#[n(0)] CounterSharesVested),
}

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
    /// The store has taken cash of which the platform has not got its part yet.
    #[error("the merchant may owe only {most} more of bills whose cash his stores take")]
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
            AllianceRefusal::InvalidTransfer { .. } => "transfer_invalid",
        }
    }
}

impl From<AllianceRefusal> for Refusal {
    fn from(refusal: AllianceRefusal) -> Refusal {
        Refusal::Alliance(refusal)
    }
}

impl AllianceEvent {
    /// All names, by the numbers of the kinds.
    pub const NAMES: [&'static str; 27] = [
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
        }
    }

    /// Whether it can make something payable or owed.
    fn is_for_a_statement(&self) -> bool {
        match self {
            AllianceEvent::ContractSigned { contract, .. } => contract.entry_fee.is_positive(),
            AllianceEvent::SaleReversed(_)
            | AllianceEvent::SaleVested { .. }
            | AllianceEvent::CounterPaid(_)
            | AllianceEvent::CounterReversed(_)
            | AllianceEvent::OriginVested(_)
            | AllianceEvent::StatementWithdrawn(_)
            | AllianceEvent::CounterSharesVested(_)
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
            | AllianceEvent::CashBack(_) => None,
        }
    }
}

/// Everything of the alliance. All of it is empty until there is a merchant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Alliance {
    #[n(0)]
    merchants: Vec<Merchant>,
    #[n(1)]
    stores: Vec<Store>,
    /// Merchants' campaigns.
    #[n(2)]
    campaigns: BTreeMap<CampaignId, MerchantId>,
    /// What waits for return windows.
    #[n(3)]
    sales: BTreeMap<GroupId, Sale>,
    #[n(4)]
    books: account::OwnBooks,
    #[n(5)]
    counters: Counters,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
struct Store {
    #[n(0)]
    merchant: MerchantId,
    #[cbor(n(1), with = "minicbor::bytes")]
    token: [u8; 16],
}

impl World {
    pub(crate) fn decide_alliance(
        &self,
        command: &AllianceCommand,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<Option<Answer>, Refusal> {
        match command {
            AllianceCommand::AdmitMerchant { token, contract } => {
                self.decide_admit(*token, contract, events)
            }
            AllianceCommand::SignContract { merchant, contract } => {
                self.decide_contract(*merchant, contract, events)?;
                Ok(None)
            }
            AllianceCommand::SuspendMerchant { merchant } => {
                self.decide_suspend(*merchant, true, events)
            }
            AllianceCommand::ReinstateMerchant { merchant } => {
                self.decide_suspend(*merchant, false, events)
            }
            AllianceCommand::OpenStore { merchant, token } => {
                self.decide_store(*merchant, *token, events)
            }
            AllianceCommand::PublishFor { merchant, campaign } => {
                self.decide_publish_for(*merchant, campaign, now, events)?;
                Ok(None)
            }
            AllianceCommand::PayAtCounter { store, bill, claim } => {
                self.decide_counter(*store, *bill, *claim, now, events)?;
                Ok(None)
            }
            AllianceCommand::PayCounter {
                counter,
                txn,
                amount,
            } => self.decide_pay_counter(*counter, (*txn, *amount), now, events),
            AllianceCommand::BounceCounter {
                member,
                store,
                txn,
                amount,
            } => self.decide_bounce_counter((*member, *store), (*txn, *amount), events),
            AllianceCommand::RefundCounter { counter } => {
                self.decide_refund_counter(*counter, now, events)?;
                Ok(None)
            }
            AllianceCommand::ReverseCounter {
                counter,
                merchant,
                store,
            } => {
                self.decide_counter_back(*counter, (*merchant, *store), now, events)?;
                Ok(None)
            }
            AllianceCommand::BindHome { member, store } => {
                self.decide_bind_home(*member, *store, now, events)
            }
            AllianceCommand::EndHome { member } => self.decide_end_home(*member, now, events),
            AllianceCommand::DraftStatement { merchant } => {
                self.decide_draft(*merchant, now, events)?;
                Ok(None)
            }
            AllianceCommand::ConfirmStatement { statement } => {
                self.decide_confirm_statement(*statement, events)?;
                Ok(None)
            }
            AllianceCommand::PayStatement {
                statement,
                transfer,
            } => {
                self.decide_pay_statement(*statement, transfer, now, events)?;
                Ok(None)
            }
        }
    }

    pub(crate) fn apply_alliance(&mut self, event: &AllianceEvent) {
        match event {
            AllianceEvent::MerchantAdmitted { merchant, token } => {
                self.apply_admitted(*merchant, *token);
            }
            AllianceEvent::ContractSigned {
                merchant, contract, ..
            } => self.apply_contract(*merchant, contract),
            AllianceEvent::MerchantSuspended { merchant } => {
                self.apply_suspended(*merchant, true);
            }
            AllianceEvent::MerchantReinstated { merchant } => {
                self.apply_suspended(*merchant, false);
            }
            AllianceEvent::StoreOpened {
                store,
                merchant,
                token,
            } => {
                self.expect_next("store", u64::from(store.0), self.alliance.stores.len());
                self.alliance.stores.push(Store {
                    merchant: *merchant,
                    token: *token,
                });
            }
            AllianceEvent::CampaignTied { campaign, merchant } => {
                self.alliance.campaigns.insert(*campaign, *merchant);
            }
            AllianceEvent::GroupSold(sold) => self.apply_sold(sold),
            AllianceEvent::SaleReversed(reversed) => self.apply_reversed(reversed),
            AllianceEvent::SaleVested { group, .. } => {
                self.alliance.sales.remove(group);
            }
            AllianceEvent::CounterPaid(paid) => self.apply_counter_paid(paid),
            AllianceEvent::CounterReversed(reversed) => self.apply_counter_reversed(reversed),
            AllianceEvent::StatementDrafted(drafted) => self.apply_drafted(drafted),
            AllianceEvent::PeriodClosed { more } => self.apply_period_closed(*more),
            AllianceEvent::StatementConfirmed { statement, .. } => {
                self.apply_statement_confirmed(*statement);
            }
            AllianceEvent::StatementPaid(paid) => self.apply_statement_paid(paid.statement),
            AllianceEvent::StatementWithdrawn(draft) => self.apply_withdrawn(draft.statement),
            AllianceEvent::CounterSharesVested(vested) => self.apply_counter_shares(vested),
            AllianceEvent::HomeBound {
                member,
                store,
                until,
            } => {
                let (store, until) = (*store, *until);
                self.apply_home_bound(*member, Home { store, until });
            }
            AllianceEvent::HomeEnded { member, .. } => self.apply_home_ended(*member),
            AllianceEvent::OriginShared(shared) => self.apply_origin_shared(shared),
            AllianceEvent::OriginReversed(reversed) => self.apply_origin_reversed(reversed),
            AllianceEvent::OriginVested(vested) => self.apply_origin_vested(vested.group),
            // Its lines tell all of it.
            AllianceEvent::PurchaseShared(_) => {}
            AllianceEvent::CounterAwaited(waits) => self.apply_counter_awaited(waits),
            AllianceEvent::CounterLapsed { counter } => self.apply_counter_lapsed(*counter),
            AllianceEvent::CashTaken(cash) => self.apply_cash_taken(cash),
            AllianceEvent::CashBack(back) => self.apply_cash_back(back),
        }
        if event.is_for_a_statement() {
            self.await_statements();
        }
    }
}

/// The ledger lines of one event of the alliance.
pub(crate) fn alliance_lines(
    event: &AllianceEvent,
    move_money: &mut dyn FnMut(Account, Account, i64) -> Result<(), Overflow>,
) -> Result<(), Overflow> {
    match event {
        AllianceEvent::ContractSigned {
            merchant, contract, ..
        } => move_money(
            Account::Alliance(AllianceAccount::EntryFees),
            Account::Merchant(MerchantAccount::Owes, *merchant),
            contract.entry_fee.0,
        ),
        AllianceEvent::GroupSold(sold) => sold.lines(move_money),
        AllianceEvent::SaleReversed(reversed) => reversed.lines(move_money),
        AllianceEvent::CounterPaid(paid) => paid.lines(move_money),
        AllianceEvent::CounterReversed(reversed) => reversed.lines(move_money),
        AllianceEvent::StatementDrafted(drafted) => drafted.lines(move_money),
        AllianceEvent::StatementPaid(paid) => paid.lines(move_money),
        AllianceEvent::StatementWithdrawn(draft) => draft.lines_back(move_money),
        AllianceEvent::CounterSharesVested(vested) => vested.lines(move_money),
        AllianceEvent::OriginShared(shared) => shared.lines(move_money),
        AllianceEvent::OriginReversed(reversed) => reversed.lines(move_money),
        AllianceEvent::OriginVested(vested) => vested.lines(move_money),
        AllianceEvent::PurchaseShared(shared) => shared.lines(move_money),
        AllianceEvent::CashTaken(cash) => cash.lines(move_money),
        AllianceEvent::CashBack(back) => back.lines(move_money),
        AllianceEvent::SaleVested {
            merchant, amount, ..
        } => move_money(
            Account::Merchant(MerchantAccount::Payable, *merchant),
            Account::Merchant(MerchantAccount::Vesting, *merchant),
            amount.0,
        ),
        AllianceEvent::MerchantAdmitted { .. }
        | AllianceEvent::MerchantSuspended { .. }
        | AllianceEvent::MerchantReinstated { .. }
        | AllianceEvent::StoreOpened { .. }
        | AllianceEvent::CampaignTied { .. }
        | AllianceEvent::PeriodClosed { .. }
        | AllianceEvent::CounterAwaited(_)
        | AllianceEvent::CounterLapsed { .. }
        | AllianceEvent::StatementConfirmed { .. }
        | AllianceEvent::HomeBound { .. }
        | AllianceEvent::HomeEnded { .. } => Ok(()),
    }
}
