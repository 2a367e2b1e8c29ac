//! Payments at counters: what coins may take off a bill, what each is left of it, and that it is taken back as it was paid
//! (rules 10.4), counted again from the contracts, the profile and every lot of coins.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    AllianceEvent, CashTaker, Coins, CounterId, CounterPaid, CounterReversed, Event, HomeBack,
    MemberId, MerchantAccount, MerchantId, Millis, Money, Reversal, World,
};

use super::counter_cash::{Cash, Expected};
use super::{At, Trail};
use crate::audit::Findings;

/// How long after it a payment can be taken back.
const REFUNDS_MS: i64 = 30 * 86_400_000;
/// The most that a merchant owes after a bill whose cash his store took.
const MOST_OWED: i64 = 10_000_000;

/// What is known of counters, and of what merchants are due and owe.
#[derive(Debug, Default)]
pub(super) struct Book {
    payments: BTreeMap<CounterId, Paid>,
    next: u64,
    tokens: BTreeSet<[u8; 16]>,
    /// No payment before this number can be taken back any more.
    oldest: u64,
    /// Payable and owed, by merchant.
    money: BTreeMap<MerchantId, (i64, i64)>,
    pub(super) cash: Cash,
}

#[derive(Debug)]
pub(super) struct Paid {
    pub(super) paid: CounterPaid,
    at: Millis,
    reversed: bool,
}

impl Book {
    pub(super) fn known(&self, counter: CounterId) -> Option<&Paid> {
        self.payments.get(&counter)
    }

    pub(super) fn payable(&self, merchant: MerchantId) -> i64 {
        self.money.get(&merchant).map_or(0, |money| money.0)
    }

    pub(super) fn owes(&self, merchant: MerchantId) -> i64 {
        self.money.get(&merchant).map_or(0, |money| money.1)
    }

    /// Those that can be taken back no more from now on, when another is paid.
    pub(super) fn over_by(&mut self, now: Millis) -> Vec<CounterId> {
        let mut over = Vec::new();
        for (&counter, known) in self.payments.range(CounterId(self.oldest)..) {
            if now.0 - known.at.0 < REFUNDS_MS {
                break;
            }
            over.push(counter);
            self.oldest = counter.0.saturating_add(1);
        }
        over
    }

    pub(super) fn count(&self) -> u64 {
        self.next
    }

    /// All who were ever due or owed something.
    pub(super) fn merchants(&self) -> Vec<MerchantId> {
        self.money.keys().copied().collect()
    }

    fn follow(&mut self, event: &Event) {
        // An amount that does not fit is found by the second book.
        let _ = domain::lines(event, &mut |line| {
            let domain::Account::Merchant(account, merchant) = line.account else {
                return;
            };
            let money = self.money.entry(merchant).or_default();
            match account {
                MerchantAccount::Payable => money.0 -= line.amount,
                MerchantAccount::Owes => money.1 += line.amount,
                MerchantAccount::Vesting | MerchantAccount::Stated => {}
            }
        });
    }
}

/// Parts per million of an amount, rounded down.
pub(super) fn part(amount: i64, ppm: u32) -> i64 {
    let part = i128::from(amount) * i128::from(ppm) / 1_000_000;
    i64::try_from(part).unwrap_or(i64::MAX)
}

impl Trail {
    /// Before anything takes note of the event: what the member's coins were is still known.
    pub(super) fn counter_event(&mut self, at: At, event: &Event, findings: &mut Findings) {
        self.withdrawn_follows(at, event, findings);
        let expected = self.counters.cash.expected.take();
        let follows = match (expected, event) {
            (None, _) => true,
            (Some(Expected::Taken(of, ..)), Event::Alliance(AllianceEvent::CashTaken(cash))) => {
                cash.counter == of
            }
            (Some(Expected::Back(of)), Event::Alliance(AllianceEvent::CashBack(back))) => {
                back.counter == of
            }
            (Some(_), _) => false,
        };
        findings.unless(follows, at.0, || {
            "a payment at a counter is told of without its cash".to_owned()
        });
        let Event::Alliance(about) = event else {
            return;
        };
        if let AllianceEvent::CounterAwaited(waits) = about {
            self.counter_awaited(at, waits, findings);
        }
        if let AllianceEvent::CounterLapsed { counter } = about {
            self.counter_lapsed(at, *counter, findings);
        }
        if let AllianceEvent::CounterPaid(paid) = about {
            self.counter_paid(at, paid, findings);
        }
        if let AllianceEvent::CashTaken(cash) = about {
            self.cash_taken(at, cash, expected, findings);
        }
        if let AllianceEvent::CounterReversed(reversed) = about {
            self.counter_reversed(at, reversed, findings);
        }
        if let AllianceEvent::CashBack(back) = about {
            self.cash_back(at, back, expected, findings);
        }
        self.statement_event(at, about, findings);
        self.counters.follow(event);
    }

    fn counter_paid(&mut self, at: At, paid: &CounterPaid, findings: &mut Findings) {
        match paid.cash {
            CashTaker::Store => self.counter_entered(at, paid, findings),
            CashTaker::Platform => self.awaited_paid(at, paid, findings),
        }
        self.expect_bought_at(at, paid, findings);
        let (counter, home) = (paid.counter, self.counter_home(paid, at.1));
        findings.unless(paid.home == home, at.0, || {
            format!("payment {counter} at a counter gives a home store another share than its contract says")
        });
        let right = self.homes.waits_rightly(paid);
        findings.unless(right, at.0, || {
            format!("payment {counter} at a counter brings a home store its share at once, or lets it wait for nothing")
        });
        let owes = self.counters.owes(paid.merchant) + paid.kept.0 - paid.coins.0;
        let too_much = paid.cash == CashTaker::Store && MOST_OWED < owes;
        findings.unless(!too_much, at.0, || {
            let merchant = paid.merchant;
            format!(
                "merchant {merchant} owes more after payment {counter} at a counter than he may"
            )
        });
        if let Some(home) = paid.home.filter(|_| paid.home_waits) {
            let ahead = match paid.cash {
                CashTaker::Store => owes + self.statements.setting_off(paid.merchant),
                CashTaker::Platform => 0,
            };
            let until = Millis(at.1.0 + REFUNDS_MS);
            self.homes
                .waits(counter, home, (paid.merchant, ahead, until));
        }
        let known = Paid {
            paid: *paid,
            at: at.1,
            reversed: false,
        };
        self.counters.payments.insert(paid.counter, known);
    }

    /// A bill is entered, whoever takes the cash.
    pub(super) fn counter_entered(&mut self, at: At, paid: &CounterPaid, findings: &mut Findings) {
        let counter = paid.counter;
        let next = self.counters.next == counter.0;
        self.counters.next = self.counters.next.max(counter.0.saturating_add(1));
        let new = self.counters.tokens.insert(paid.token);
        findings.unless(next && new, at.0, || {
            format!("payment {counter} at a counter is not the next number, or its code was used")
        });
        let settlement = self.settlement_of(paid);
        findings.unless(settlement.is_some(), at.0, || {
            format!("payment {counter} at a counter is of no open counter of its merchant")
        });
        let frozen = self.person(paid.member).is_none() || self.is_frozen(paid.member);
        findings.unless(!frozen && paid.bill.is_positive(), at.0, || {
            format!("payment {counter} at a counter is of nothing, or of nobody who may pay")
        });
        let bill = paid.bill.0;
        let kept = part(bill, settlement.unwrap_or(0));
        let most = part(bill, self.profile.terms().coin_offset.0).min(kept);
        let most = most.min(self.good_coins(paid.member, at.1) + self.bought_by(paid.member));
        let right = paid.kept.0 == kept && Coins::ZERO <= paid.coins && paid.coins.0 <= most;
        findings.unless(right, at.0, || {
            format!("payment {counter} at a counter is not divided as its merchant's contract says")
        });
    }

    /// ρ of the contract that stands, if the store is that merchant's and he may take payments.
    fn settlement_of(&self, paid: &CounterPaid) -> Option<u32> {
        let contract = self.open_contract(paid.store, paid.merchant)?;
        let settlement = contract.settlement?;
        (contract.cash == paid.cash).then_some(settlement.0)
    }

    /// Coins of a member that have not ended.
    pub(super) fn good_coins(&self, member: MemberId, now: Millis) -> i64 {
        let lots = self.lots.range((member, Millis(now.0.saturating_add(1)))..);
        let own = lots.take_while(|((whose, _), _)| *whose == member);
        own.map(|(_, coins)| *coins).sum()
    }

    fn counter_reversed(&mut self, at: At, reversed: &CounterReversed, findings: &mut Findings) {
        let counter = reversed.counter;
        let bought = self.bought_of_bill(at, counter, findings);
        let expected = self.counters.known(counter).and_then(|known| {
            let late = match reversed.why {
                Reversal::Voided => {
                    known.at.shanghai_day() != at.1.shanghai_day() || self.is_stated(&known.paid)
                }
                Reversal::Refunded => REFUNDS_MS <= at.1.0 - known.at.0,
            };
            (!known.reversed && !late).then(|| CounterReversed {
                bought,
                ..self.counters.reversal(&known.paid, reversed.why)
            })
        });
        findings.unless(expected.as_ref() == Some(reversed), at.0, || {
            format!(
                "payment {counter} at a counter is taken back otherwise than it was paid, twice or too late"
            )
        });
        let less = (-reversed.owes.0).max(0);
        self.homes.forget_counter(counter);
        self.homes.owes_less(reversed.merchant, less, Some(counter));
        if let Some(known) = self.counters.payments.get_mut(&counter) {
            known.reversed = true;
            if known.paid.cash == CashTaker::Platform {
                self.counters.cash.expected = Some(Expected::Back(counter));
            }
        }
    }

    /// Whether a statement of its merchant tells of a payment.
    fn is_stated(&self, paid: &CounterPaid) -> bool {
        match self.counters.cash.taken(paid.counter) {
            Some(taken) => taken.statement != self.statements.newest(paid.merchant),
            None => self.statements.tells_of(paid.counter, paid.merchant),
        }
    }

    /// Against the replayed world.
    pub(super) fn compare_counters(&self, world: &World, findings: &mut Findings) {
        if self.counters.next != world.counter_payments() {
            findings.add("other payments at counters after the replay than by the events");
        }
        self.compare_counter_cash(world, findings);
        for known in self.counters.payments.values() {
            let counter = known.paid.counter;
            let Some(replayed) = world.counter_payment(counter) else {
                continue;
            };
            let same = replayed.paid == known.paid
                && replayed.at == known.at
                && replayed.reversed.is_some() == known.reversed;
            if !same {
                findings.add(format!(
                    "payment {counter} at a counter is another after the replay than by the events"
                ));
            }
        }
        for (merchant, (payable, owes)) in &self.counters.money {
            let (is_payable, _, does_owe) = world.merchant_money(*merchant);
            if (is_payable.0, does_owe.0) != (*payable, *owes) {
                findings.add(format!(
                    "merchant {merchant} is due or owes something else after the replay than by the events"
                ));
            }
        }
    }
}

impl Book {
    /// What the store still owed of it is owed no longer; what was settled with him meanwhile is due to him again. Of cash that
    /// the platform took his part is due no longer; what was settled with him meanwhile he owes.
    fn reversal(&self, paid: &CounterPaid, why: Reversal) -> CounterReversed {
        let take = paid.kept.0 - paid.coins.0;
        let (payable, owes) = match paid.cash {
            CashTaker::Store => {
                let owed = take.min(self.owes(paid.merchant));
                (take - owed, -owed)
            }
            CashTaker::Platform => {
                let due = paid.bill.0 - paid.kept.0;
                let given = due.min(self.payable(paid.merchant));
                (-given, due - given)
            }
        };
        let home = paid.home.map(|home| {
            if paid.home_waits {
                return HomeBack {
                    merchant: home.merchant,
                    from_payable: Money(0),
                    owed: Money(0),
                    from_waiting: home.amount,
                };
            }
            let gone = if home.merchant == paid.merchant {
                payable.min(0)
            } else {
                0
            };
            let there = home.amount.0.min(self.payable(home.merchant) + gone);
            HomeBack {
                merchant: home.merchant,
                from_payable: Money(there),
                owed: Money(home.amount.0 - there),
                from_waiting: Money(0),
            }
        });
        CounterReversed {
            counter: paid.counter,
            why,
            member: paid.member,
            merchant: paid.merchant,
            coins: paid.coins,
            take: Money(take),
            payable: Money(payable),
            owes: Money(owes),
            home,
            bought: Coins::ZERO,
        }
    }
}
