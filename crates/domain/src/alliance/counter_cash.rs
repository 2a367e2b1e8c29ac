//! Counters whose cash the platform takes (rules 10.4): the cashier's bill waits while the member pays it on his phone.
//!
//! Why it waits and is not booked at once: until the channel has the money nobody is due anything. What the member's coins will
//! pay is held meanwhile, as for a direct purchase, and the payment is dealt with by the same rules: what cannot pay the bill goes
//! back at once.

use std::collections::{BTreeMap, BTreeSet};

use minicbor::{Decode, Encode};

use super::{
    AllianceAccount, AllianceEvent, AllianceRefusal, CLAIM_LASTS, CashTaker, CounterId,
    CounterPaid, counter::Move,
};
use crate::{
    Account, Answer, Bounce, ChannelTerms, Coins, Due, Duration, Event, MemberId, MerchantId,
    Millis, Money, Overflow, PaymentAnswer, PendingRefund, RefundId, Refusal, StoreId, Txn, World,
};

/// How long a bill waits for its payment.
pub const COUNTER_WINDOW: Duration = Duration::seconds(5 * 60);

/// A bill that waits until the member has paid it through the channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct CounterAwaited {
    /// What will be paid, if it is paid in time; nothing of a home store yet.
    #[n(0)]
    pub paid: CounterPaid,
    /// From this moment on it is too late.
    #[n(1)]
    pub pay_by: Millis,
    /// What the channel takes.
    #[n(2)]
    pub channel: ChannelTerms,
}

/// The cash of a bill has come through the channel. Follows the [`CounterPaid`] that it pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct CashTaken {
    /// Which.
    #[n(0)]
    pub counter: CounterId,
    /// Whose.
    #[n(1)]
    pub member: MemberId,
    /// The provider's name of the payment.
    #[n(2)]
    pub txn: Txn,
    /// What was paid.
    #[n(3)]
    pub amount: Money,
    /// What the channel took of it: the platform's expense.
    #[n(4)]
    pub fee: Money,
    /// Whether the channel keeps that fee.
    #[n(5)]
    pub fee_kept: bool,
}

/// It goes back the way it came. Follows the [`super::CounterReversed`] that takes the payment back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct CashBack {
    /// Which.
    #[n(0)]
    pub counter: CounterId,
    /// Whose.
    #[n(1)]
    pub member: MemberId,
    /// The provider's name of the payment.
    #[n(2)]
    pub txn: Txn,
    /// What goes back: all of it.
    #[n(3)]
    pub amount: Money,
    /// The refund.
    #[n(4)]
    pub refund: RefundId,
}

/// What bought something at a counter, while it can be taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct Taken {
    #[n(0)]
    txn: Txn,
    #[n(1)]
    amount: Money,
    /// The part of its fee that the channel gives back with it.
    #[n(2)]
    fee_back: Money,
    /// How many statements its merchant had then.
    #[n(3)]
    pub(super) statements: u32,
}

/// Bills that wait, and what has paid others. Empty until the platform takes the cash of a counter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct CounterCash {
    #[n(0)]
    waiting: BTreeMap<CounterId, CounterAwaited>,
    #[n(1)]
    taken: BTreeMap<CounterId, Taken>,
    /// Tokens of bills that were given up, as long as their codes might be shown.
    #[n(2)]
    over: BTreeSet<Over>,

    // Derived from the above; rebuilt when a snapshot is read.
    /// What waiting bills hold of each member's coins.
    #[cbor(skip)]
    held: BTreeMap<MemberId, i64>,
    #[cbor(skip)]
    txns: BTreeMap<Txn, CounterId>,
}

/// A code that is good for nothing until this moment; then it is over anyhow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
struct Over {
    #[n(0)]
    until: Millis,
    #[cbor(n(1), with = "minicbor::bytes")]
    token: [u8; 16],
}

impl CounterCash {
    pub(crate) fn is_empty(&self) -> bool {
        *self == CounterCash::default()
    }

    fn hold(&mut self, known: &CounterAwaited) {
        if !known.paid.coins.is_positive() {
            return;
        }
        let held = self.held.entry(known.paid.member).or_default();
        *held = held.saturating_add(known.paid.coins.0);
    }

    fn release(&mut self, known: &CounterAwaited) {
        let member = known.paid.member;
        if let Some(held) = self.held.get_mut(&member) {
            *held = held.saturating_sub(known.paid.coins.0);
            if *held == 0 {
                self.held.remove(&member);
            }
        }
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn taken(&self, counter: CounterId) -> Option<&Taken> {
        self.taken.get(&counter)
    }

    pub(super) fn is_over(&self, token: &[u8; 16]) -> bool {
        self.over.iter().any(|over| over.token == *token)
    }

    /// A payment at a counter cannot be taken back any more.
    pub(super) fn forget(&mut self, counter: CounterId) -> Option<Taken> {
        let known = self.taken.remove(&counter)?;
        self.txns.remove(&known.txn);
        Some(known)
    }
}

impl CashTaken {
    pub(super) fn lines(&self, move_money: Move<'_>) -> Result<(), Overflow> {
        move_money(Account::Channel, Account::ChannelFees, self.fee.0)
    }
}

impl CashBack {
    /// What the merchant gave back of it stands in the reversal.
    pub(super) fn lines(&self, move_money: Move<'_>) -> Result<(), Overflow> {
        let earned = Account::Alliance(AllianceAccount::CounterTake);
        move_money(Account::RefundsDue, earned, self.amount.0)
    }
}

/// Hot reads.
impl World {
    /// A bill at a counter that waits for its payment.
    pub fn counter_awaited(&self, id: CounterId) -> Option<&CounterAwaited> {
        self.counter_cash.waiting.get(&id)
    }

    /// Bills that wait for their payments, by number.
    pub fn counters_awaited(&self) -> impl Iterator<Item = &CounterAwaited> {
        self.counter_cash.waiting.values()
    }

    /// What has paid a bill through the channel, while it can be taken back.
    pub fn counter_txn(&self, id: CounterId) -> Option<Txn> {
        self.counter_cash.taken(id).map(|known| known.txn)
    }

    /// Coins of a member that his waiting bills hold.
    pub(crate) fn coins_held_at_counters(&self, member: MemberId) -> i64 {
        self.counter_cash.held.get(&member).copied().unwrap_or(0)
    }

    pub(crate) fn counter_of_txn(&self, txn: &Txn) -> Option<CounterId> {
        self.counter_cash.txns.get(txn).copied()
    }

    pub(crate) fn counter_due_at(&self, id: CounterId) -> Option<Millis> {
        Some(self.counter_cash.waiting.get(&id)?.pay_by)
    }

    /// What the channel takes of a bill at a store, by its merchant's contract.
    fn counter_channel(&self, store: StoreId) -> Result<ChannelTerms, Refusal> {
        let (merchant, _) = self
            .store(store)
            .ok_or(AllianceRefusal::UnknownStore(store))?;
        let known = self.merchant(merchant);
        let channel = known.and_then(|known| known.contract.channel);
        Ok(channel.unwrap_or_default())
    }
}

impl World {
    /// The bill waits; at least a fen of it is paid in cash.
    pub(super) fn awaited(&self, paid: CounterPaid, now: Millis) -> Result<Event, Refusal> {
        Ok(Event::Alliance(AllianceEvent::CounterAwaited(Box::new(
            CounterAwaited {
                channel: self.counter_channel(paid.store)?,
                pay_by: now.after(COUNTER_WINDOW),
                paid,
            },
        ))))
    }

    /// The cashier gives up a bill that waits.
    pub(super) fn decide_give_up(
        &self,
        counter: CounterId,
        by: (MerchantId, Option<StoreId>),
        events: &mut Vec<Event>,
    ) -> bool {
        let (merchant, store) = by;
        let known = self.counter_cash.waiting.get(&counter).filter(|known| {
            let paid = &known.paid;
            paid.merchant == merchant && store.is_none_or(|store| paid.store == store)
        });
        if known.is_some() {
            let lapsed = AllianceEvent::CounterLapsed { counter };
            events.push(Event::Alliance(lapsed));
        }
        known.is_some()
    }

    /// What cannot pay the bill goes back in full at once, like a purchase's. What is not in memory is refused: the caller looks
    /// into the history.
    pub(super) fn decide_pay_counter(
        &self,
        counter: CounterId,
        (txn, amount): (Txn, Money),
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<Option<Answer>, Refusal> {
        if self.is_known_money(&txn)? {
            return Ok(Some(Answer::Payment(PaymentAnswer::Known)));
        }
        let Some(known) = self.counter_cash.waiting.get(&counter) else {
            let known = self.counter_payment(counter);
            // What was taken back may have had this payment: the caller looks into the history.
            let known = known
                .filter(|known| known.paid.cash == CashTaker::Platform && known.reversed.is_none());
            let known = known.ok_or(AllianceRefusal::UnknownCounter(counter))?;
            let how = (
                self.counter_channel(known.paid.store)?,
                Bounce::SecondPayment,
            );
            self.bounce_money(known.paid.member, (txn, amount), how, events)?;
            return Ok(None);
        };
        let paid = &known.paid;
        let parts = self.bought_for_bill(paid.member, paid.coins, now);
        let parts = if amount != paid.paid_in_cash()? {
            Err(Bounce::AmountDiffers)
        } else {
            parts.ok_or(Bounce::CoinsGone)
        };
        let parts = match parts {
            Ok(parts) => parts,
            Err(reason) => {
                let how = (known.channel, reason);
                self.bounce_money(paid.member, (txn, amount), how, events)?;
                return Ok(None);
            }
        };
        events.push(self.paid_now(*paid, &parts, now)?);
        events.push(Event::Alliance(AllianceEvent::CashTaken(CashTaken {
            counter,
            member: paid.member,
            txn,
            amount,
            fee: amount.channel_fee(known.channel.fee)?,
            fee_kept: known.channel.kept_on_refund,
        })));
        events.extend(paid.bought_used(parts));
        Ok(None)
    }

    /// Money for a bill that is over goes back; the caller has made sure that it was not dealt with before.
    pub(super) fn decide_bounce_counter(
        &self,
        (member, store): (MemberId, StoreId),
        (txn, amount): (Txn, Money),
        events: &mut Vec<Event>,
    ) -> Result<Option<Answer>, Refusal> {
        if self.is_known_money(&txn)? {
            return Ok(Some(Answer::Payment(PaymentAnswer::Known)));
        }
        let how = (self.counter_channel(store)?, Bounce::PurchaseOver);
        self.bounce_money(member, (txn, amount), how, events)?;
        Ok(None)
    }

    /// The cash goes back the way it came, with the reversal that was just decided.
    pub(super) fn cash_back(&self, paid: &CounterPaid) -> Option<Event> {
        let known = self.counter_cash.taken(paid.counter)?;
        Some(Event::Alliance(AllianceEvent::CashBack(CashBack {
            counter: paid.counter,
            member: paid.member,
            txn: known.txn,
            amount: known.amount,
            refund: RefundId(self.next_refund),
        })))
    }

    /// What time has made due of a bill that waits: expired coins are gone before it is paid, and it lapses.
    pub(crate) fn due_in_counter(&self, counter: CounterId, now: Millis, events: &mut Vec<Event>) {
        let Some(known) = self.counter_cash.waiting.get(&counter) else {
            return;
        };
        self.due_coins(now, events);
        if known.pay_by <= now {
            let lapsed = AllianceEvent::CounterLapsed { counter };
            events.push(Event::Alliance(lapsed));
        }
    }
}

impl World {
    pub(super) fn apply_counter_awaited(&mut self, known: &CounterAwaited) {
        let now = self.now;
        let CounterAwaited { paid, pay_by, .. } = known;
        self.alliance.counters.number(paid);
        self.counter_cash.over.retain(|over| now < over.until);
        self.counter_cash.hold(known);
        self.counter_cash.waiting.insert(paid.counter, *known);
        self.promised = self.promised.saturating_add(paid.bill.0);
        self.push_timer(*pay_by, Due::Counter(paid.counter));
    }

    pub(super) fn apply_counter_lapsed(&mut self, counter: CounterId) {
        let until = self.now.after(CLAIM_LASTS);
        match self.stop_waiting(counter) {
            None => self.corrupt("a bill at a counter lapsed that did not wait"),
            Some(known) => {
                let token = known.paid.token;
                self.alliance.counters.release(&token);
                self.counter_cash.over.insert(Over { until, token });
                self.promised = self.promised.saturating_sub(known.paid.bill.0);
            }
        }
    }

    /// A bill waits no longer; none if it did not wait.
    pub(super) fn stop_waiting(&mut self, counter: CounterId) -> Option<CounterAwaited> {
        let known = self.counter_cash.waiting.remove(&counter)?;
        self.counter_cash.release(&known);
        Some(known)
    }

    pub(super) fn apply_cash_taken(&mut self, cash: &CashTaken) {
        let paid = self.counter_payment(cash.counter).map(|known| known.paid);
        let Some(paid) = paid else {
            self.corrupt("cash was taken for a bill that is not there");
            return;
        };
        let known = Taken {
            txn: cash.txn,
            amount: cash.amount,
            fee_back: if cash.fee_kept { Money::ZERO } else { cash.fee },
            statements: self.statements_of(paid.merchant),
        };
        self.counter_cash.txns.insert(cash.txn, cash.counter);
        self.counter_cash.taken.insert(cash.counter, known);
    }

    pub(super) fn apply_cash_back(&mut self, back: &CashBack) {
        let Some(known) = self.counter_cash.forget(back.counter) else {
            self.corrupt("cash of a counter goes back that never came");
            return;
        };
        self.apply_refund_due(PendingRefund {
            refund: back.refund,
            txn: known.txn,
            amount: back.amount,
            payment: None,
            fee_back: known.fee_back,
        });
    }

    /// Derives what a snapshot does not hold.
    pub(crate) fn rebuild_counter_cash(&mut self) {
        let waiting: Vec<CounterAwaited> = self.counter_cash.waiting.values().copied().collect();
        for known in waiting {
            self.counter_cash.hold(&known);
            self.push_timer(known.pay_by, Due::Counter(known.paid.counter));
        }
        let taken = self.counter_cash.taken.iter();
        self.counter_cash.txns = taken.map(|(&id, known)| (known.txn, id)).collect();
    }

    pub(super) fn check_counter_cash(&self, found: &mut Vec<String>) {
        let cash = &self.counter_cash;
        let mut derived = CounterCash::default();
        for (id, known) in &cash.waiting {
            derived.hold(known);
            let paid = &known.paid;
            let right = *id == paid.counter
                && paid.cash == CashTaker::Platform
                && paid.home.is_none()
                && paid.bought == Coins::ZERO
                && Coins::ZERO <= paid.coins
                && paid.coins.0 < paid.bill.0
                && self.counter_payment(*id).is_none();
            if !right {
                found.push(format!("bill {id} at a counter waits for nothing"));
            }
        }
        for (id, known) in &cash.taken {
            derived.txns.insert(known.txn, *id);
            let payment = self.counter_payment(*id);
            let right = payment.is_some_and(|payment| {
                payment.reversed.is_none() && payment.paid.paid_in_cash() == Ok(known.amount)
            });
            if !right {
                found.push(format!("cash was taken for no payment {id} at a counter"));
            }
        }
        let all = self.counters_standing();
        let paid = all.filter(|paid| paid.cash == CashTaker::Platform).count();
        if paid != cash.taken.len() {
            found.push("cash of payments at counters is missing".to_owned());
        }
        if derived.held != cash.held || derived.txns != cash.txns {
            found.push("what is held for bills at counters is not theirs".to_owned());
        }
    }
}
