//! Counters whose cash the platform takes (rules 10.4): a bill waits as its contract says, is paid once, in time and in full by a
//! payment of its own, and what was paid goes back with the reversal.

use std::collections::BTreeMap;

use domain::{
    CashBack, CashTaken, CashTaker, ChannelTerms, Coins, CounterAwaited, CounterId, CounterPaid,
    Duration, MemberId, MerchantId, Money, Txn, World,
};

use super::{At, Due, Trail};
use crate::audit::Findings;

/// How long a bill waits.
const WINDOW: Duration = Duration::seconds(300);

/// Bills that wait, and what has paid others.
#[derive(Debug, Default)]
pub(super) struct Cash {
    waiting: BTreeMap<CounterId, CounterAwaited>,
    /// Those that stand.
    taken: BTreeMap<CounterId, Taken>,
    /// What the next event must tell of.
    pub(super) expected: Option<Expected>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Taken {
    txn: Txn,
    amount: Money,
    fee_back: Money,
    /// Its merchant's newest statement.
    pub(super) statement: u32,
}

/// What must follow at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// The cash of a bill that was just paid.
    Taken(CounterId, MerchantId, ChannelTerms),
    /// The way back of one that was just taken back.
    Back(CounterId),
}

impl Cash {
    pub(super) fn taken(&self, counter: CounterId) -> Option<&Taken> {
        self.taken.get(&counter)
    }

    /// Coins of a member that his waiting bills hold.
    pub(super) fn held(&self, member: MemberId) -> i64 {
        let waiting = self.waiting.values().map(|waits| &waits.paid);
        let his = waiting.filter(|paid| paid.member == member);
        his.map(|paid| paid.coins.0).sum()
    }
}

impl Trail {
    pub(super) fn counter_awaited(
        &mut self,
        at: At,
        waits: &CounterAwaited,
        findings: &mut Findings,
    ) {
        let paid = &waits.paid;
        let counter = paid.counter;
        self.counter_entered(at, paid, findings);
        let contract = self.open_contract(paid.store, paid.merchant);
        let channel = contract.and_then(|contract| contract.channel);
        let right = paid.cash == CashTaker::Platform
            && paid.home.is_none()
            && paid.bought == Coins::ZERO
            && paid.coins < Coins(paid.bill.0)
            && waits.pay_by == at.1.after(WINDOW)
            && waits.channel == channel.unwrap_or_default();
        findings.unless(right, at.0, || {
            format!("bill {counter} at a counter waits otherwise than its merchant's contract says")
        });
        self.counters.cash.waiting.insert(counter, *waits);
    }

    pub(super) fn counter_lapsed(&mut self, at: At, counter: CounterId, findings: &mut Findings) {
        let waited = self.counters.cash.waiting.remove(&counter);
        findings.unless(waited.is_some(), at.0, || {
            format!("bill {counter} at a counter lapses, but it does not wait")
        });
    }

    /// A bill that waited is paid as it was entered; what pays it follows.
    pub(super) fn awaited_paid(&mut self, at: At, paid: &CounterPaid, findings: &mut Findings) {
        let counter = paid.counter;
        let waited = self.counters.cash.waiting.remove(&counter);
        let fits = waited.is_some_and(|waits| {
            let entered = CounterPaid {
                home: None,
                bought: Coins::ZERO,
                home_waits: false,
                ..*paid
            };
            waits.paid == entered && at.1 < waits.pay_by
        });
        findings.unless(fits, at.0, || {
            format!("bill {counter} at a counter is paid otherwise than it waited")
        });
        let channel = waited.map(|waits| waits.channel).unwrap_or_default();
        self.counters.cash.expected = Some(Expected::Taken(counter, paid.merchant, channel));
    }

    pub(super) fn cash_taken(
        &mut self,
        at: At,
        cash: &CashTaken,
        expected: Option<Expected>,
        findings: &mut Findings,
    ) {
        let counter = cash.counter;
        self.book(at, cash.txn, findings);
        let known = self.counters.known(counter).map(|known| known.paid);
        let Some((merchant, channel)) = expected.and_then(|expected| match expected {
            Expected::Taken(of, merchant, channel) if of == counter => Some((merchant, channel)),
            Expected::Taken(..) | Expected::Back(_) => None,
        }) else {
            findings.unless(false, at.0, || {
                format!("cash comes for bill {counter} at a counter, which was not just paid")
            });
            return;
        };
        let fits = known.is_some_and(|paid| {
            paid.member == cash.member && paid.paid_in_cash() == Ok(cash.amount)
        }) && cash.amount.channel_fee(channel.fee) == Ok(cash.fee)
            && channel.kept_on_refund == cash.fee_kept;
        findings.unless(fits, at.0, || {
            format!("bill {counter} at a counter is paid with other cash than it asks for")
        });
        let taken = Taken {
            txn: cash.txn,
            amount: cash.amount,
            fee_back: if cash.fee_kept { Money::ZERO } else { cash.fee },
            statement: self.statements.newest(merchant),
        };
        self.counters.cash.taken.insert(counter, taken);
    }

    pub(super) fn cash_back(
        &mut self,
        at: At,
        back: &CashBack,
        expected: Option<Expected>,
        findings: &mut Findings,
    ) {
        let counter = back.counter;
        let taken = self.counters.cash.taken.remove(&counter);
        let known = self.counters.known(counter).map(|known| known.paid);
        let fits = expected == Some(Expected::Back(counter))
            && known.is_some_and(|paid| paid.member == back.member)
            && taken.is_some_and(|taken| (taken.txn, taken.amount) == (back.txn, back.amount));
        findings.unless(fits, at.0, || {
            format!("other cash goes back than has paid bill {counter} at a counter")
        });
        let due = Due {
            amount: back.amount,
            fee_back: taken.map_or(Money::ZERO, |taken| taken.fee_back),
        };
        self.owe(at, back.refund, due, findings);
    }

    pub(super) fn compare_counter_cash(&self, world: &World, findings: &mut Findings) {
        let cash = &self.counters.cash;
        if !world.counters_awaited().eq(cash.waiting.values()) {
            findings.add("bills that wait after the replay are not those of the events");
        }
        for (counter, taken) in &cash.taken {
            let known = world.counter_payment(*counter);
            if known.is_some() && world.counter_txn(*counter) != Some(taken.txn) {
                findings.add(format!(
                    "payment {counter} at a counter was paid with something else after the replay"
                ));
            }
        }
    }
}
