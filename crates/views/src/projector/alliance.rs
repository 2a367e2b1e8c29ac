//! Merchants, contracts, stores, and the lines of merchants' accounts (rules 10). All rows are new or written whole.

use std::collections::BTreeMap;

use domain::{
    Account, AllianceEvent, Contract, CounterId, Event, GroupId, Line, MerchantId, Millis, OrderId,
};

use super::batch::{Batch, Done};
use super::counters::{self, Counters};
use super::statements::{self, Statements};
use super::tables::{new_rows, replaced};
use crate::code::{account_code, event_code};
use crate::db::{Table, Tx, Value};

const MERCHANT: Table = new_rows("merchant", &["id", "token", "admitted_at"]);
const SUSPENDED: Table = replaced("merchant_suspended", &["merchant", "suspended", "at"], 1);
const CONTRACT: Table = new_rows("contract", &["merchant", "version", "at", "terms"]);
const STORE: Table = new_rows("store", &["id", "merchant", "token", "at"]);
const CAMPAIGN: Table = new_rows("merchant_campaign", &["campaign", "merchant"]);
const LINE: Table = new_rows(
    "merchant_line",
    &[
        "merchant", "seq", "line_no", "at", "account", "amount", "event", "group_id", "order_id",
        "counter",
    ],
);

/// What a batch adds to them.
#[derive(Debug, Default)]
pub(super) struct Alliance {
    merchants: Vec<Value>,
    suspended: BTreeMap<MerchantId, (u32, Millis)>,
    contracts: Vec<Value>,
    stores: Vec<Value>,
    campaigns: Vec<Value>,
    lines: Vec<Value>,
    pub(super) counters: Counters,
    pub(super) statements: Statements,
}

impl Batch {
    pub(super) fn alliance_event(&mut self, event: &AllianceEvent) -> Done {
        let at = self.at;
        match event {
            AllianceEvent::MerchantAdmitted { merchant, token } => {
                let row = [merchant.0.into(), token.as_slice().into(), at.0.into()];
                self.rows.alliance.merchants.extend(row);
                Ok(())
            }
            AllianceEvent::ContractSigned {
                merchant,
                version,
                contract,
            } => self.contract_signed(*merchant, *version, contract),
            AllianceEvent::MerchantSuspended { merchant } => {
                self.rows.alliance.suspended.insert(*merchant, (1, at));
                Ok(())
            }
            AllianceEvent::MerchantReinstated { merchant } => {
                self.rows.alliance.suspended.insert(*merchant, (0, at));
                Ok(())
            }
            AllianceEvent::StoreOpened {
                store,
                merchant,
                token,
            } => {
                let token = token.as_slice().into();
                let row = [store.0.into(), merchant.0.into(), token, at.0.into()];
                self.rows.alliance.stores.extend(row);
                Ok(())
            }
            AllianceEvent::CampaignTied { campaign, merchant } => {
                let row = [campaign.0.into(), merchant.0.into()];
                self.rows.alliance.campaigns.extend(row);
                Ok(())
            }
            AllianceEvent::CounterPaid(_)
            | AllianceEvent::CounterReversed(_)
            | AllianceEvent::CounterAwaited(_)
            | AllianceEvent::CounterLapsed { .. }
            | AllianceEvent::CashTaken(_)
            | AllianceEvent::CashBack(_) => {
                self.counter_event(event);
                Ok(())
            }
            AllianceEvent::StatementDrafted(_)
            | AllianceEvent::StatementConfirmed { .. }
            | AllianceEvent::StatementPaid(_)
            | AllianceEvent::StatementWithdrawn(_)
            | AllianceEvent::PeriodClosed { .. } => {
                self.statement_event(event);
                Ok(())
            }
            // Their lines tell all of these.
            AllianceEvent::GroupSold(_)
            | AllianceEvent::SaleReversed(_)
            | AllianceEvent::SaleVested { .. }
            | AllianceEvent::OriginShared(_)
            | AllianceEvent::OriginReversed(_)
            | AllianceEvent::OriginVested(_)
            | AllianceEvent::CounterSharesVested(_)
            | AllianceEvent::MerchantPaid(_)
            | AllianceEvent::PurchaseShared(_) => Ok(()),
            // The world is asked for these.
            AllianceEvent::HomeBound { .. } | AllianceEvent::HomeEnded { .. } => Ok(()),
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "`alliance_event` lists them all"
    )]
    fn counter_event(&mut self, event: &AllianceEvent) {
        match event {
            AllianceEvent::CounterPaid(paid) => self.counter_paid(paid),
            AllianceEvent::CounterReversed(reversed) => self.counter_reversed(reversed),
            AllianceEvent::CounterAwaited(waits) => self.counter_awaited(waits),
            AllianceEvent::CounterLapsed { counter } => self.counter_lapsed(*counter),
            AllianceEvent::CashTaken(cash) => self.cash_taken(cash),
            AllianceEvent::CashBack(back) => self.cash_back(back),
            _ => {}
        }
    }

    fn contract_signed(&mut self, merchant: MerchantId, version: u32, terms: &Contract) -> Done {
        let encoded = minicbor::to_vec(terms).map_err(|_| {
            self.unfit(format!(
                "a contract of merchant {merchant} cannot be encoded"
            ))
        })?;
        let at = self.at.0.into();
        let row = [merchant.0.into(), version.into(), at, encoded.into()];
        self.rows.alliance.contracts.extend(row);
        Ok(())
    }

    /// A line of the ledger is of a merchant's account.
    pub(super) fn merchant_line(&mut self, line: &Line, event: &Event) {
        let (Account::Merchant(_, merchant), Event::Alliance(about)) = (&line.account, event)
        else {
            return;
        };
        let (group, order, counter) = subject(about);
        self.rows.alliance.lines.extend([
            Value::from(merchant.0),
            Value::from(self.seq),
            Value::from(self.ledger_line_no),
            Value::from(self.at.0),
            Value::from(account_code(&line.account)),
            Value::from(line.amount),
            Value::from(event_code(event)),
            Value::from(group.map(|group| group.0)),
            Value::from(order.map(|order| order.0)),
            Value::from(counter.map(|counter| counter.0)),
        ]);
    }
}

/// Which group, order and payment at a counter an event is about.
fn subject(event: &AllianceEvent) -> (Option<GroupId>, Option<OrderId>, Option<CounterId>) {
    match event {
        AllianceEvent::GroupSold(sold) => (Some(sold.group), None, None),
        AllianceEvent::SaleReversed(reversed) => (Some(reversed.group), Some(reversed.order), None),
        AllianceEvent::SaleVested { group, .. } => (Some(*group), None, None),
        AllianceEvent::OriginShared(shared) => (Some(shared.group), None, None),
        AllianceEvent::OriginReversed(back) => (Some(back.group), Some(back.order), None),
        AllianceEvent::OriginVested(vested) => (Some(vested.group), None, None),
        AllianceEvent::CounterPaid(paid) => (None, None, Some(paid.counter)),
        AllianceEvent::CounterReversed(reversed) => (None, None, Some(reversed.counter)),
        AllianceEvent::CounterAwaited(waits) => (None, None, Some(waits.paid.counter)),
        AllianceEvent::CounterLapsed { counter } => (None, None, Some(*counter)),
        AllianceEvent::CashTaken(cash) => (None, None, Some(cash.counter)),
        AllianceEvent::CashBack(back) => (None, None, Some(back.counter)),
        AllianceEvent::MerchantAdmitted { .. }
        | AllianceEvent::ContractSigned { .. }
        | AllianceEvent::MerchantSuspended { .. }
        | AllianceEvent::MerchantReinstated { .. }
        | AllianceEvent::StoreOpened { .. }
        | AllianceEvent::CampaignTied { .. }
        | AllianceEvent::StatementDrafted(_)
        | AllianceEvent::PeriodClosed { .. }
        | AllianceEvent::StatementConfirmed { .. }
        | AllianceEvent::StatementPaid(_)
        | AllianceEvent::HomeBound { .. }
        | AllianceEvent::HomeEnded { .. }
        | AllianceEvent::StatementWithdrawn(_)
        | AllianceEvent::CounterSharesVested(_)
        | AllianceEvent::MerchantPaid(_)
        | AllianceEvent::PurchaseShared(_) => (None, None, None),
    }
}

/// Writes what is new, and forgets it.
pub(super) async fn store(tx: &mut Tx, alliance: &mut Alliance) -> Result<(), sqlx::Error> {
    let alliance = std::mem::take(alliance);
    tx.write_rows(&MERCHANT, alliance.merchants).await?;
    let suspended = alliance.suspended.into_iter();
    let suspended = suspended.flat_map(|(merchant, (suspended, at))| -> [Value; 3] {
        [merchant.0.into(), suspended.into(), at.0.into()]
    });
    tx.write_rows(&SUSPENDED, suspended.collect()).await?;
    tx.write_rows(&CONTRACT, alliance.contracts).await?;
    tx.write_rows(&STORE, alliance.stores).await?;
    tx.write_rows(&CAMPAIGN, alliance.campaigns).await?;
    counters::store(tx, alliance.counters).await?;
    statements::store(tx, alliance.statements).await?;
    tx.write_rows(&LINE, alliance.lines).await
}
