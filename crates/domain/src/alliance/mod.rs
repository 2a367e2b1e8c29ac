//! The alliance (rules 10): merchants with their contracts and stores, and what is sold for them.
//!
//! Why its commands, events and accounts are gathered under one name each: most installations start without a merchant, and
//! nothing of this runs for a join. What others have to know of it is one line wherever they list all kinds of things.

mod account;
mod command;
mod counter;
mod counter_cash;
mod debt;
mod event;
mod home;
mod merchant;
mod refusal;
mod sale;
mod statement;

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};

pub use account::{AllianceAccount, MerchantAccount};
pub use command::AllianceCommand;
pub use counter::{
    Bill, CLAIM_LASTS, COUNTER_REFUNDS, Claim, CounterId, CounterPaid, CounterPayment,
    CounterReversed, HomeBack, HomeShare, MAX_COUNTER_OWED, Reversal, most_coins,
};
pub(crate) use counter_cash::CounterCash;
pub use counter_cash::{COUNTER_WINDOW, CashBack, CashTaken, CounterAwaited};
pub use debt::{MAX_TRANSFER_AGE_DAYS, MerchantPaid};
pub use event::AllianceEvent;
pub(crate) use home::Homes;
pub use home::{
    CounterShare, CounterSharesVested, Home, MAX_LOCK_DAYS, MAX_SHARES_VESTED, OriginAmount,
    OriginPart, OriginReversed, OriginShared, OriginVested, PurchaseShared,
};
pub use merchant::{CashTaker, Contract, MAX_CONTRACTS, MerchantView};
pub use refusal::AllianceRefusal;
pub use sale::{GroupSold, SaleReversed};
pub(crate) use statement::Statements;
pub use statement::{
    MAX_DRAFTED, MAX_REFERENCE_CHARS, Statement, StatementDrafted, StatementId, StatementPaid,
    StatementState, Transfer,
};

use crate::{
    Account, Answer, CampaignId, Event, GroupId, MerchantId, Millis, Overflow, Refusal, World,
};
use counter::Counters;
use debt::Received;
use merchant::Merchant;
use sale::Sale;

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
    /// What merchants have paid of what they owe.
    #[cbor(n(6), default, skip_if = "Received::is_empty")]
    received: Received,
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
                self.decide_draft(*merchant, now, events)
            }
            AllianceCommand::ConfirmStatement { statement } => {
                self.decide_confirm_statement(*statement, events)
            }
            AllianceCommand::PayStatement {
                statement,
                transfer,
            } => self.decide_pay_statement(*statement, transfer, now, events),
            AllianceCommand::NoteMerchantPaid {
                merchant,
                amount,
                transfer,
            } => self.decide_merchant_paid(*merchant, (*amount, transfer), now, events),
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
            AllianceEvent::MerchantPaid(paid) => self.apply_merchant_paid(paid),
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
        AllianceEvent::MerchantPaid(paid) => paid.lines(move_money),
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
