//! Bought coins that pay a part of bills at counters (rules 10.4), by the events alone: as many as the member's other coins do not
//! suffice for, the oldest first, and back with the payment.

use std::collections::BTreeMap;

use domain::{
    AllianceEvent, BoughtPart, CashTaker, Coins, CounterId, CounterPaid, Event, MemberId,
    RechargeEvent,
};

use super::super::{At, Trail};
use super::sum;
use crate::audit::Findings;

/// What payments at counters were paid with, and what must be told next.
#[derive(Debug, Default)]
pub(super) struct Bills {
    /// Those that can be taken back.
    used: BTreeMap<CounterId, Vec<BoughtPart>>,
    /// A bill that was just paid, with so many bought coins.
    paid: Option<(CounterPaid, i64)>,
    /// A bill that must be taken back now, and how many of its coins are bought ones again.
    back: Option<(CounterId, i64)>,
}

impl Bills {
    pub(super) fn used(&self) -> impl Iterator<Item = &Vec<BoughtPart>> {
        self.used.values()
    }
}

impl Trail {
    /// Bought coins that a member has and has not used.
    pub(in crate::audit::trail) fn bought_by(&self, member: MemberId) -> i64 {
        let all = self.recharges.open.values();
        let his = all.filter(|known| known.member == member);
        his.map(|known| known.left.0).sum()
    }

    /// A bill is paid with all coins that expire, as far as it goes, and with bought ones for the rest.
    pub(in crate::audit::trail) fn expect_bought_at(
        &mut self,
        at: At,
        paid: &CounterPaid,
        findings: &mut Findings,
    ) {
        let counter = paid.counter;
        let rest = (paid.coins.0 - self.good_coins(paid.member, at.1)).max(0);
        let right = paid.bought.0 == rest && rest <= self.bought_by(paid.member);
        findings.unless(right, at.0, || {
            format!("payment {counter} at a counter uses other bought coins than are missing")
        });
        if 0 < paid.bought.0 {
            self.recharges.bills.paid = Some((*paid, paid.bought.0));
        }
        for over in self.counters.over_by(at.1) {
            if self.recharges.bills.used.remove(&over).is_some() {
                self.recharges.tidy();
            }
        }
    }

    /// Of the coins of a payment that is taken back those that have come back as bought ones.
    pub(in crate::audit::trail) fn bought_of_bill(
        &mut self,
        at: At,
        counter: CounterId,
        findings: &mut Findings,
    ) -> Coins {
        let back = self.recharges.bills.back.take();
        if let Some((_, coins)) = back.filter(|(of, _)| *of == counter) {
            return Coins(coins);
        }
        let used = self.recharges.bills.used.remove(&counter);
        let used = used.unwrap_or_default();
        let could = |part: &BoughtPart| self.recharges.open.contains_key(&part.recharge);
        findings.unless(!used.iter().any(could), at.0, || {
            format!("payment {counter} at a counter is taken back without its bought coins")
        });
        self.recharges.tidy();
        Coins::ZERO
    }

    /// What must follow at once follows.
    pub(super) fn bills_follow(&mut self, at: At, event: &Event, findings: &mut Findings) {
        if let Some((paid, coins)) = self.recharges.bills.paid.take() {
            let counter = paid.counter;
            let by_platform = paid.cash == CashTaker::Platform;
            let waits = matches!(
                event,
                Event::Alliance(AllianceEvent::CounterPaid(of)) if of.counter == counter
            ) || matches!(
                event,
                Event::Alliance(AllianceEvent::CashTaken(cash))
                    if by_platform && cash.counter == counter
            );
            let told = matches!(
                event,
                Event::Recharge(RechargeEvent::CounterUsed { counter: of, member, parts })
                    if *of == counter && *member == paid.member && sum(parts) == coins
            );
            findings.unless(told || waits, at.0, || {
                format!("payment {counter} at a counter was to be paid with {coins} bought hundredths, and was not")
            });
            if waits || told {
                self.recharges.bills.paid = Some((paid, coins));
            }
        }
        if let Some((counter, _)) = self.recharges.bills.back.take() {
            findings.unless(false, at.0, || {
                format!("bought coins of payment {counter} at a counter come back without it")
            });
        }
    }

    pub(super) fn bill_event(&mut self, at: At, event: &RechargeEvent, findings: &mut Findings) {
        if let RechargeEvent::CounterUsed { counter, parts, .. } = event {
            let expected = self.recharges.bills.paid.take();
            let taken = expected.map(|(paid, coins)| self.take_parts(paid.member, coins));
            findings.unless(taken.as_ref() == Some(parts), at.0, || {
                format!("payment {counter} at a counter uses other bought coins than the oldest")
            });
            let taken = taken.unwrap_or_default();
            self.recharges.bills.used.insert(*counter, taken);
        }
        if let RechargeEvent::CounterBack {
            counter,
            member,
            parts,
        } = event
        {
            let used = self.recharges.bills.used.remove(counter);
            let given = self.recharges.give(used.unwrap_or_default());
            let known = self.counters.known(*counter);
            let his = known.is_some_and(|known| known.paid.member == *member);
            findings.unless(his && given == *parts && !given.is_empty(), at.0, || {
                format!(
                    "other bought coins come back than payment {counter} at a counter was paid with"
                )
            });
            self.recharges.bills.back = Some((*counter, sum(&given)));
        }
    }
}
