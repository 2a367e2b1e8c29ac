//! What the journal says by itself, read back record by record.
//!
//! Why beside the model: the model compares states, this follows every single payment and refund through the
//! records that are durable, and knows nothing of rules.

use std::collections::BTreeMap;

use domain::{
    AllianceEvent, Asset, Bounce, Event, GroupId, MemberId, Money, PaymentId, PurchaseId, Record,
    RefundId, SeatRef, ShopEvent, WithdrawalId,
};
use engine::RecordReader;

use super::coverage::Coverage;

/// Follows every payment and refund.
pub(crate) struct Trail {
    reader: RecordReader,
    last_at: i64,
    /// Payments by name: how much, and the refund that sends it back.
    payments: BTreeMap<String, (Money, Option<RefundId>)>,
    seats: BTreeMap<PaymentId, String>,
    /// Refunds by number: how much, and whether it was sent.
    refunds: BTreeMap<RefundId, (Money, bool)>,
    /// Withdrawals by number: whose, how much, and whether they have ended.
    withdrawals: BTreeMap<WithdrawalId, (MemberId, Money, bool)>,
    paid_out: i64,
    /// What purchases were paid with.
    bought: BTreeMap<PurchaseId, String>,
}

impl Trail {
    pub(crate) fn new(reader: RecordReader) -> Trail {
        Trail {
            reader,
            last_at: 0,
            payments: BTreeMap::new(),
            seats: BTreeMap::new(),
            refunds: BTreeMap::new(),
            withdrawals: BTreeMap::new(),
            paid_out: 0,
            bought: BTreeMap::new(),
        }
    }

    /// What withdrawals have paid.
    pub(crate) fn paid_out(&self) -> i64 {
        self.paid_out
    }

    /// Reads what has become durable; says what is wrong with it.
    pub(crate) fn follow(&mut self, coverage: &mut Coverage) -> Vec<String> {
        let mut wrong = Vec::new();
        loop {
            let records = match self.reader.read(1 << 20) {
                Ok(records) => records,
                Err(error) => return vec![format!("the journal cannot be read: {error}")],
            };
            if records.is_empty() {
                return wrong;
            }
            for stored in records {
                coverage.records += 1;
                let record = stored.record;
                if record.events.is_empty() || record.at.0 < self.last_at {
                    wrong.push(format!(
                        "record {} is empty or goes back in time",
                        stored.seq
                    ));
                }
                self.last_at = record.at.0;
                if let Err(what) = self.take(&record, coverage) {
                    wrong.push(format!("record {}: {what}", stored.seq));
                }
            }
        }
    }

    fn take(&mut self, record: &Record, coverage: &mut Coverage) -> Result<(), String> {
        for event in &record.events {
            note(event, coverage);
            balanced(event)?;
            self.take_event(event)?;
        }
        Ok(())
    }

    #[expect(
        clippy::too_many_lines,
        reason = "one arm for each kind of event, many of which owe nothing"
    )]
    fn take_event(&mut self, event: &Event) -> Result<(), String> {
        match event {
            Event::PaymentAccepted {
                payment,
                txn,
                amount,
                ..
            } => {
                self.arrive(txn.as_str(), *amount)?;
                self.seats.insert(*payment, txn.as_str().to_owned());
                Ok(())
            }
            Event::PaymentBounced {
                txn,
                amount,
                refund,
                ..
            } => {
                self.arrive(txn.as_str(), *amount)?;
                self.send_back(txn.as_str(), *refund, *amount)
            }
            Event::SeatLeft {
                payment,
                amount,
                refund,
                ..
            } => self.give_back(*payment, *refund, *amount),
            Event::GroupClosed {
                group,
                refund_each,
                first_refund,
                refunds,
                ..
            } => self.give_all_back(*group, *first_refund, refunds, *refund_each),
            Event::GroupSettled(settled) => {
                let refunded = settled.refunded();
                let seats: Vec<_> = refunded.into_iter().map(|(_, seat)| seat).collect();
                let first = settled.first_refund;
                self.give_all_back(settled.group, first, &seats, settled.price)
            }
            Event::RefundPaid { refund, amount, .. } => match self.refunds.get_mut(refund) {
                Some((owed, sent)) if !*sent && *owed == *amount => {
                    *sent = true;
                    Ok(())
                }
                found => Err(format!(
                    "refund {refund} of {amount} is sent, but it is {found:?}"
                )),
            },
            Event::Shop(event) => self.shop_event(event),
            Event::Alliance(AllianceEvent::CashTaken(cash)) => {
                self.arrive(cash.txn.as_str(), cash.amount)
            }
            Event::Alliance(AllianceEvent::CashBack(back)) => {
                self.send_back(back.txn.as_str(), back.refund, back.amount)
            }
            Event::Alliance(_) => Ok(()),
            Event::WithdrawalRequested {
                withdrawal,
                member,
                amount,
                ..
            } => {
                let asked = (*member, *amount, false);
                match self.withdrawals.insert(*withdrawal, asked) {
                    None => Ok(()),
                    Some(_) => Err(format!("withdrawal {withdrawal} is asked for twice")),
                }
            }
            Event::WithdrawalPaid {
                withdrawal,
                member,
                amount,
                fee,
            } => {
                self.paid_out += amount.0 - fee.0;
                self.end(*withdrawal, *member, *amount)
            }
            Event::WithdrawalRejected {
                withdrawal,
                member,
                amount,
            }
            | Event::WithdrawalFailed {
                withdrawal,
                member,
                amount,
                ..
            } => self.end(*withdrawal, *member, *amount),
            Event::MemberRegistered { .. }
            | Event::InviterBound { .. }
            | Event::CampaignPublished { .. }
            | Event::CapitalDeposited { .. }
            | Event::GroupOpened { .. }
            | Event::SeatReserved { .. }
            | Event::SeatLapsed { .. }
            | Event::GroupFilled { .. }
            | Event::OrderShipped { .. }
            | Event::OrderReceived { .. }
            | Event::OrderKept { .. }
            | Event::OrderReturning { .. }
            | Event::RewardsVested { .. } => Ok(()),
            Event::OrderReturned {
                payment,
                refund,
                amount,
                ..
            } => self.give_back(*payment, *refund, *amount),
            Event::PlanPublished { .. }
            | Event::RanksCounted { .. }
            | Event::RankSet { .. }
            | Event::RegionDeclared { .. }
            | Event::AgentAppointed { .. }
            | Event::AgentDismissed { .. }
            | Event::MemberFrozen { .. }
            | Event::MemberUnfrozen { .. }
            | Event::AccountDeleted { .. }
            | Event::ProfileAdopted { .. }
            | Event::DividendClosed { .. }
            | Event::LimitsSet { .. }
            | Event::SelfExcluded { .. }
            | Event::PausesBegun { .. }
            | Event::DividendsPaid { .. }
            | Event::WithdrawalApproved { .. }
            | Event::WithdrawalWaiting { .. }
            | Event::ClawedBack { .. }
            | Event::TaxPaid { .. }
            | Event::SuppliersPaid { .. }
            | Event::Circle(_)
            | Event::RoundFoundLate { .. }
            | Event::Identity(_)
            | Event::Delivery(_)
            | Event::Table(_)
            | Event::Ballot(_)
            | Event::Recharge(_)
            | Event::CoinsExpired { .. } => Ok(()),
        }
    }

    /// A purchase is paid once, and what was paid goes back once at most.
    fn shop_event(&mut self, event: &ShopEvent) -> Result<(), String> {
        if let ShopEvent::PurchasePaid {
            purchase,
            txn,
            amount,
            ..
        } = event
        {
            self.arrive(txn.as_str(), *amount)?;
            let before = self.bought.insert(*purchase, txn.as_str().to_owned());
            return before.map_or(Ok(()), |txn| {
                Err(format!("purchase {purchase} was paid by {txn} already"))
            });
        }
        if let ShopEvent::PurchaseReturned {
            purchase,
            refund,
            amount,
            ..
        } = event
        {
            let Some(txn) = self.bought.get(purchase).cloned() else {
                return Err(format!(
                    "purchase {purchase} comes back, but was never paid"
                ));
            };
            return self.send_back(&txn, *refund, *amount);
        }
        Ok(())
    }

    /// A withdrawal ends once, as it was asked for.
    fn end(&mut self, id: WithdrawalId, member: MemberId, amount: Money) -> Result<(), String> {
        match self.withdrawals.get_mut(&id) {
            Some((whose, asked, over)) if !*over && (*whose, *asked) == (member, amount) => {
                *over = true;
                Ok(())
            }
            found => Err(format!(
                "withdrawal {id} of {amount} by member {member} ends, but it is {found:?}"
            )),
        }
    }

    fn arrive(&mut self, txn: &str, amount: Money) -> Result<(), String> {
        let before = self.payments.insert(txn.to_owned(), (amount, None));
        match before {
            None => Ok(()),
            Some(_) => Err(format!("payment {txn} is dealt with a second time")),
        }
    }

    /// Refunds of one event are numbered one after the other.
    fn give_all_back(
        &mut self,
        group: GroupId,
        first: RefundId,
        seats: &[SeatRef],
        each: Money,
    ) -> Result<(), String> {
        for (refund, seat) in (first.0..).zip(seats) {
            let payment = PaymentId {
                group,
                index: seat.index,
            };
            self.give_back(payment, RefundId(refund), each)?;
        }
        Ok(())
    }

    fn give_back(
        &mut self,
        payment: PaymentId,
        refund: RefundId,
        amount: Money,
    ) -> Result<(), String> {
        match self.seats.get(&payment).cloned() {
            Some(txn) => self.send_back(&txn, refund, amount),
            None => Err(format!("seat {payment} is refunded and was never paid")),
        }
    }

    fn send_back(&mut self, txn: &str, refund: RefundId, amount: Money) -> Result<(), String> {
        let Some((paid, back)) = self.payments.get_mut(txn) else {
            return Err(format!("payment {txn} goes back and never came"));
        };
        if *paid != amount || back.is_some() {
            return Err(format!(
                "payment {txn} of {paid} goes back as {amount} by refund {refund}, earlier by {back:?}"
            ));
        }
        *back = Some(refund);
        match self.refunds.insert(refund, (amount, false)) {
            None => Ok(()),
            Some(_) => Err(format!("refund {refund} exists twice")),
        }
    }
}

/// The lines of an event add up to nothing in each asset.
fn balanced(event: &Event) -> Result<(), String> {
    let (mut cny, mut coin) = (0i128, 0i128);
    let mut post = |line: domain::Line| match line.account.asset() {
        Asset::Cny => cny += i128::from(line.amount),
        Asset::Coin => coin += i128::from(line.amount),
    };
    if domain::lines(event, &mut post).is_err() || (cny, coin) != (0, 0) {
        return Err(format!("the lines add up to {cny} and {coin}: {event:?}"));
    }
    Ok(())
}

fn note(event: &Event, coverage: &mut Coverage) {
    let name = match event {
        Event::MemberRegistered { .. } => "member-registered",
        Event::InviterBound { .. } => "inviter-bound",
        Event::CampaignPublished { .. } => "campaign-published",
        Event::CapitalDeposited { .. } => "capital-deposited",
        Event::GroupOpened { .. } => "group-opened",
        Event::SeatReserved { .. } => "seat-reserved",
        Event::SeatLapsed { .. } => "seat-lapsed",
        Event::PaymentAccepted { .. } => "payment-accepted",
        Event::PaymentBounced { reason, .. } => {
            let reason: Bounce = *reason;
            coverage.note("bounce", reason.name());
            "payment-bounced"
        }
        Event::SeatLeft { .. } => "seat-left",
        Event::GroupFilled { .. } => "group-filled",
        Event::GroupClosed { why, .. } => {
            coverage.note("closing", why.name());
            "group-closed"
        }
        Event::GroupSettled(settled) => {
            for reward in &settled.rewards {
                coverage.note("reward", reward.program.name());
            }
            "group-settled"
        }
        Event::RefundPaid { .. } => "refund-paid",
        Event::OrderShipped { .. } => "order-shipped",
        Event::OrderReceived { .. } => "order-received",
        Event::OrderKept { .. } => "order-kept",
        Event::RewardsVested { .. } => "rewards-vested",
        Event::OrderReturning { .. } => "order-returning",
        Event::OrderReturned { .. } => "order-returned",
        Event::PlanPublished { .. } => "plan-published",
        Event::RanksCounted { .. } => "ranks-counted",
        Event::RankSet { .. } => "rank-set",
        Event::RegionDeclared { .. } => "region-declared",
        Event::AgentAppointed { .. } => "agent-appointed",
        Event::AgentDismissed { .. } => "agent-dismissed",
        Event::MemberFrozen { .. } => "member-frozen",
        Event::MemberUnfrozen { .. } => "member-unfrozen",
        Event::AccountDeleted { .. } => "account-deleted",
        Event::DividendClosed { .. } => "dividend-closed",
        Event::LimitsSet { .. } => "limits-set",
        Event::SelfExcluded { .. } => "self-excluded",
        Event::PausesBegun { .. } => "pauses-begun",
        Event::DividendsPaid { .. } => "dividends-paid",
        Event::ProfileAdopted { .. } => "profile-adopted",
        Event::WithdrawalRequested { .. } => "withdrawal-requested",
        Event::WithdrawalApproved { .. } => "withdrawal-approved",
        Event::WithdrawalRejected { .. } => "withdrawal-rejected",
        Event::WithdrawalWaiting { .. } => "withdrawal-waiting",
        Event::WithdrawalPaid { .. } => "withdrawal-paid",
        Event::WithdrawalFailed { .. } => "withdrawal-failed",
        Event::ClawedBack { .. } => "clawed-back",
        Event::TaxPaid { .. } => "tax-paid",
        Event::SuppliersPaid { .. } => "suppliers-paid",
        Event::Alliance(event) => event.name(),
        Event::Shop(event) => event.name(),
        Event::Recharge(event) => event.name(),
        Event::Circle(event) => event.name(),
        Event::Identity(event) => event.name(),
        Event::Delivery(event) => event.name(),
        Event::RoundFoundLate { .. } => "round-found-late",
        Event::Table(event) => event.name(),
        Event::Ballot(event) => event.name(),
        Event::CoinsExpired { .. } => "coins-expired",
    };
    coverage.note("event", name);
}
