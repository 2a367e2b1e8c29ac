//! Payments at stores' counters (rules 10.4): a member shows a code that is good for a minute, the cashier enters the bill, coins
//! take their part off it, and the merchant leaves the platform ρ of it.
//!
//! Why the code is not here: it is short, so that a cashier can type it, and lives with the server that paces guesses. What
//! arrives is the claim behind it, whose token is long, random and good for one payment: of two cashiers who enter one code
//! the second is refused here, whatever happened outside.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};

use super::{AllianceAccount, AllianceEvent, AllianceRefusal, CashTaker, MerchantAccount};
use crate::{
    Account, BoughtPart, Coins, Duration, Event, MAX_AMOUNT_FEN, MemberId, MerchantId, Millis,
    Money, Overflow, Rate, RechargeEvent, Refusal, ShopRefusal, StoreId, World,
    ids::id,
    join::MAX_PROMISED,
    owed,
    recharge::{no_cash, no_coins},
};

pub(super) type Move<'a> = &'a mut dyn FnMut(Account, Account, i64) -> Result<(), Overflow>;

id!(
    /// One payment at a counter. Public decimal.
    CounterId(u64)
);

/// How long a code that a member shows is good.
pub const CLAIM_LASTS: Duration = Duration::seconds(60);
/// How long after it a payment at a counter can be refunded.
pub const COUNTER_REFUNDS: Duration = Duration::seconds(30 * 86_400);

/// The most that a merchant may owe by what his stores do: by bills whose cash they take, and by refunds that the platform would pay
/// for him.
pub const MAX_COUNTER_OWED: Money = Money(10_000_000);

/// What a member's code stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Random; good for one payment.
    pub token: [u8; 16],
    /// Who showed it.
    pub member: MemberId,
    /// From this moment on it is too late.
    pub expires: Millis,
}

/// A bill at a counter, as the cashier entered it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bill {
    /// All of it.
    pub amount: Money,
    /// How many coins the member wants to use at most; none: as many as may be.
    pub most_coins: Option<Coins>,
}

/// A bill that was paid. The member paid `bill` less `coins` in cash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct CounterPaid {
    /// Its number.
    #[n(0)]
    pub counter: CounterId,
    /// The claim's.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub token: [u8; 16],
    /// Who paid.
    #[n(2)]
    pub member: MemberId,
    /// Where.
    #[n(3)]
    pub store: StoreId,
    /// Whose store.
    #[n(4)]
    pub merchant: MerchantId,
    /// All of it.
    #[n(5)]
    pub bill: Money,
    /// What coins paid of it.
    #[n(6)]
    pub coins: Coins,
    /// ρ of it: what the merchant leaves to the platform, the coins included.
    #[n(7)]
    pub kept: Money,
    /// Who has taken the cash.
    #[n(8)]
    pub cash: CashTaker,
    /// What the member's home store gets of what the platform earns.
    #[n(9)]
    pub home: Option<HomeShare>,
    /// How many of the coins were bought ones; which is told by what follows.
    #[cbor(n(10), default, skip_if = "no_coins")]
    pub bought: Coins,
    /// The home store's share waits until nobody can take the payment back any more, and, where the store took the cash, what it owes
    /// of this is settled. Always so, but in payments of earlier versions.
    #[cbor(n(11), default, skip_if = "is_not")]
    pub home_waits: bool,
}

fn is_not(flag: &bool) -> bool {
    !flag
}

/// A home store's share of what the platform earns elsewhere (rules 10.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct HomeShare {
    /// Which store.
    #[n(0)]
    pub store: StoreId,
    /// Whose it is.
    #[n(1)]
    pub merchant: MerchantId,
    /// How much.
    #[n(2)]
    pub amount: Money,
}

/// All of a payment at a counter taken back. Where `payable` and `owes` are a merchant's, they say what he is due more and owes
/// more by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct CounterReversed {
    /// Which.
    #[n(0)]
    pub counter: CounterId,
    /// Why.
    #[n(1)]
    pub why: Reversal,
    /// Who had paid.
    #[n(2)]
    pub member: MemberId,
    /// Whose store it was.
    #[n(3)]
    pub merchant: MerchantId,
    /// Coins that are his again, as new ones unless they are bought ones.
    #[n(4)]
    pub coins: Coins,
    /// What the platform had earned.
    #[n(5)]
    pub take: Money,
    /// What the merchant is due more.
    #[n(6)]
    pub payable: Money,
    /// What he owes more.
    #[n(7)]
    pub owes: Money,
    /// What a home store's merchant gives back.
    #[n(8)]
    pub home: Option<HomeBack>,
    /// How many of the coins are bought ones again, and no new ones.
    #[cbor(n(9), default, skip_if = "no_coins")]
    pub bought: Coins,
}

/// What the merchant of a home store gives back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct HomeBack {
    /// Who.
    #[n(0)]
    pub merchant: MerchantId,
    /// From what he is due.
    #[n(1)]
    pub from_payable: Money,
    /// What that does not suffice for: he owes it.
    #[n(2)]
    pub owed: Money,
    /// From what had to wait still.
    #[cbor(n(3), default, skip_if = "no_cash")]
    pub from_waiting: Money,
}

/// Why a payment at a counter was taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Reversal {
    /// The cashier, on the same day.
    #[n(0)]
    Voided,
    /// The merchant, later.
    #[n(1)]
    Refunded,
}

impl Reversal {
    /// Its name in SQL and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Reversal::Voided => "voided",
            Reversal::Refunded => "refunded",
        }
    }
}

/// A payment at a counter that can still be taken back, or was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct CounterPayment {
    /// What was paid.
    #[n(0)]
    pub paid: CounterPaid,
    /// When.
    #[n(1)]
    pub at: Millis,
    /// Why it was taken back, if it was.
    #[n(2)]
    pub reversed: Option<Reversal>,
}

/// Payments at counters that can still be taken back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(super) struct Counters {
    #[n(0)]
    next: u64,
    #[n(1)]
    known: BTreeMap<CounterId, CounterPayment>,
    #[n(2)]
    tokens: BTreeMap<[u8; 16], CounterId>,
}

impl Counters {
    /// A payment has its number, and its code is used.
    pub(super) fn number(&mut self, paid: &CounterPaid) {
        self.next = self.next.max(paid.counter.0.saturating_add(1));
        self.tokens.insert(paid.token, paid.counter);
    }

    /// A bill is over that nobody paid.
    pub(super) fn release(&mut self, token: &[u8; 16]) {
        self.tokens.remove(token);
    }

    /// Payments that were not taken back, as far as they are in memory.
    pub(super) fn standing(&self) -> impl Iterator<Item = &CounterPaid> {
        let standing = self.known.values().filter(|known| known.reversed.is_none());
        standing.map(|known| &known.paid)
    }
}

impl CounterPaid {
    /// What the platform earns: ρ of the bill less what the coins were worth.
    pub fn take(&self) -> Result<Money, Overflow> {
        self.kept.minus(Money(self.coins.0))
    }

    /// What the member paid in cash.
    pub fn paid_in_cash(&self) -> Result<Money, Overflow> {
        self.bill.minus(Money(self.coins.0))
    }

    /// Which bought coins were among those that paid it.
    pub(super) fn bought_used(&self, parts: Vec<BoughtPart>) -> Option<Event> {
        (!parts.is_empty()).then_some(Event::Recharge(RechargeEvent::CounterUsed {
            counter: self.counter,
            member: self.member,
            parts,
        }))
    }

    pub(super) fn lines(&self, move_money: Move<'_>) -> Result<(), Overflow> {
        let take = self.take()?.0;
        let (earned, of) = (Account::Alliance(AllianceAccount::CounterTake), |account| {
            Account::Merchant(account, self.merchant)
        });
        match self.cash {
            CashTaker::Store => move_money(earned, of(MerchantAccount::Owes), take)?,
            CashTaker::Platform => {
                let due = self.bill.minus(self.kept)?.0;
                move_money(of(MerchantAccount::Payable), Account::Channel, due)?;
                move_money(earned, Account::Channel, take)?;
            }
        }
        let (coins, given) = (Account::Coins(self.member), self.coins.minus(self.bought)?);
        move_money(Account::CoinsIssued, coins, given.0)?;
        let Some(home) = self.home else { return Ok(()) };
        let account = if self.home_waits {
            MerchantAccount::Vesting
        } else {
            MerchantAccount::Payable
        };
        move_money(
            Account::Merchant(account, home.merchant),
            Account::Alliance(AllianceAccount::OriginShares),
            home.amount.0,
        )
    }
}

impl CounterReversed {
    pub(super) fn lines(&self, move_money: Move<'_>) -> Result<(), Overflow> {
        let of = |account| Account::Merchant(account, self.merchant);
        let earned = Account::Alliance(AllianceAccount::CounterTake);
        move_money(of(MerchantAccount::Payable), earned, self.payable.0)?;
        move_money(earned, of(MerchantAccount::Owes), self.owes.0)?;
        let (coins, new) = (Account::Coins(self.member), self.coins.minus(self.bought)?);
        move_money(coins, Account::CoinsIssued, new.0)?;
        let Some(home) = &self.home else {
            return Ok(());
        };
        let of = |account| Account::Merchant(account, home.merchant);
        let shares = Account::Alliance(AllianceAccount::OriginShares);
        move_money(shares, of(MerchantAccount::Payable), home.from_payable.0)?;
        move_money(shares, of(MerchantAccount::Vesting), home.from_waiting.0)?;
        move_money(shares, of(MerchantAccount::Owes), home.owed.0)
    }
}

/// The most coins that may pay part of a bill: θ of it (`offset`), and no more than the merchant leaves of it (ρ, `settlement`),
/// so that nothing is paid for them that nobody has (rules 10.4). The channel takes no payment of nothing.
pub fn most_coins(
    bill: Money,
    offset: Rate,
    settlement: Rate,
    cash: CashTaker,
) -> Result<Coins, Overflow> {
    let most = bill.share(offset)?.min(bill.share(settlement)?);
    let most = match cash {
        CashTaker::Platform => most.min(Money(bill.0.saturating_sub(1))),
        CashTaker::Store => most,
    };
    Ok(Coins(most.0))
}

/// Hot reads.
impl World {
    /// A payment at a counter, while it can be taken back.
    pub fn counter_payment(&self, id: CounterId) -> Option<&CounterPayment> {
        self.alliance.counters.known.get(&id)
    }

    /// Payments at counters that were not taken back, as far as they are in memory.
    pub(crate) fn counters_standing(&self) -> impl Iterator<Item = &CounterPaid> {
        self.alliance.counters.standing()
    }

    /// How many payments at counters there were; their numbers are below this.
    pub fn counter_payments(&self) -> u64 {
        self.alliance.counters.next
    }

    /// The most coins that may pay part of a bill at a store. None where the store takes no such payments.
    pub fn counter_offset(&self, store: StoreId, bill: Money) -> Result<Option<Coins>, Overflow> {
        let contract = self.store(store).and_then(|(merchant, _)| {
            let known = self.merchant(merchant)?;
            Some((known.contract.settlement?, known.contract.cash))
        });
        let Some((settlement, cash)) = contract else {
            return Ok(None);
        };
        let offset = self.profile_terms().coin_offset;
        Ok(Some(most_coins(bill, offset, settlement, cash)?))
    }
}

impl World {
    /// The claim is none where nobody knows the code: then this is a repetition of something answered long ago, or refused.
    pub(super) fn decide_counter(
        &self,
        store: StoreId,
        bill: Bill,
        claim: Option<Claim>,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let known = self.store(store);
        let (merchant, _) = known.ok_or(AllianceRefusal::UnknownStore(store))?;
        let contract = self.alliance.active_contract(merchant)?;
        let Some(settlement) = contract.settlement else {
            return Err(AllianceRefusal::CounterClosed(store).into());
        };
        let live = |claim: &Claim| now < claim.expires && claim.expires <= now.after(CLAIM_LASTS);
        let claim = claim.filter(live);
        let claim = claim.ok_or(AllianceRefusal::CounterCodeUnknown)?;
        let used = self.alliance.counters.tokens.contains_key(&claim.token);
        if used || self.counter_cash.is_over(&claim.token) {
            return Err(AllianceRefusal::CounterCodeUsed.into());
        }
        bill.check()?;
        if self.require_member(claim.member)?.frozen {
            return Err(Refusal::MemberFrozen(claim.member));
        }
        self.profile.check_day(now)?;
        if MAX_PROMISED < self.promised.saturating_add(bill.amount.0) {
            return Err(Refusal::Overflow);
        }
        let most = self.counter_offset(store, bill.amount)?;
        let coins = most
            .unwrap_or(Coins::ZERO)
            .min(self.spendable_coins(claim.member, now))
            .min(bill.most_coins.unwrap_or(Coins(i64::MAX)))
            .max(Coins::ZERO);
        let kept = bill.amount.share(settlement)?;
        let paid = CounterPaid {
            counter: CounterId(self.alliance.counters.next),
            token: claim.token,
            member: claim.member,
            store,
            merchant,
            bill: bill.amount,
            coins,
            kept,
            cash: contract.cash,
            home: None,
            bought: Coins::ZERO,
            home_waits: false,
        };
        match contract.cash {
            CashTaker::Platform => events.push(self.awaited(paid, now)?),
            CashTaker::Store => {
                let owes = self
                    .alliance
                    .merchant_balance(MerchantAccount::Owes, merchant);
                let most = MAX_COUNTER_OWED.minus(Money(owes))?.max(Money::ZERO);
                if most < paid.take()? {
                    return Err(AllianceRefusal::CounterOwesTooMuch { most }.into());
                }
                let free = self.spendable_coins(claim.member, now);
                let parts = self.bought_for_bill(claim.member, coins, now);
                let parts = parts.ok_or(ShopRefusal::CoinsShort { free })?;
                events.push(self.paid_now(paid, &parts, now)?);
                events.extend(paid.bought_used(parts));
            }
        }
        Ok(())
    }

    /// A bill is paid, with these bought coins beside given ones: the member's home store gets its share.
    pub(super) fn paid_now(
        &self,
        paid: CounterPaid,
        parts: &[BoughtPart],
        now: Millis,
    ) -> Result<Event, Overflow> {
        let mut bought = Coins::ZERO;
        for part in parts {
            bought = bought.plus(part.coins)?;
        }
        let home = self.counter_home((paid.store, paid.member), paid.take()?, now)?;
        let paid = CounterPaid {
            home,
            bought,
            home_waits: home.is_some(),
            ..paid
        };
        Ok(Event::Alliance(AllianceEvent::CounterPaid(paid)))
    }

    /// All of it, or nothing. What waits to be paid is given up. By the cashier only where it was paid, on the same day of Shanghai and before a statement tells of it; later by
    /// the merchant.
    pub(super) fn decide_counter_back(
        &self,
        counter: CounterId,
        by: (MerchantId, Option<StoreId>),
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        if self.decide_give_up(counter, by, events) {
            return Ok(());
        }
        let (merchant, store) = by;
        let known = self.counter_payment(counter).filter(|known| {
            let paid = &known.paid;
            paid.merchant == merchant && store.is_none_or(|store| paid.store == store)
        });
        let known = known.ok_or(AllianceRefusal::UnknownCounter(counter))?;
        if known.reversed.is_some() {
            return Err(AllianceRefusal::CounterReversed(counter).into());
        }
        let why = match store {
            Some(_) if known.at.shanghai_day() != now.shanghai_day() => {
                return Err(AllianceRefusal::CounterVoidLate(counter).into());
            }
            Some(_) if self.is_in_statement(counter, merchant) => {
                return Err(AllianceRefusal::CounterVoidLate(counter).into());
            }
            Some(_) => Reversal::Voided,
            None if known.at.after(COUNTER_REFUNDS) <= now => {
                return Err(AllianceRefusal::UnknownCounter(counter).into());
            }
            None => Reversal::Refunded,
        };
        let mut told = Vec::new();
        let more = self.take_bill_back(&known.paid, why, &mut told)?;
        if more.owes.is_positive() {
            // The platform would pay for him, and hold nothing of his.
            self.alliance.active_contract(merchant)?;
            let most = MAX_COUNTER_OWED.minus(more.owed)?.max(Money::ZERO);
            if most < more.owes {
                return Err(AllianceRefusal::CounterOwesTooMuch { most }.into());
            }
        }
        events.extend(told);
        Ok(())
    }

    /// By an operator, as long as it can be taken back at all: also of a merchant who is suspended, whose debt it may become.
    pub(super) fn decide_refund_counter(
        &self,
        counter: CounterId,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let known = self.counter_payment(counter);
        let known = known.filter(|known| now < known.at.after(COUNTER_REFUNDS));
        let known = known.ok_or(AllianceRefusal::UnknownCounter(counter))?;
        if known.reversed.is_some() {
            return Err(AllianceRefusal::CounterReversed(counter).into());
        }
        self.take_bill_back(&known.paid, Reversal::Refunded, events)?;
        Ok(())
    }

    /// Where drafts of statements tell of what the merchant gives back, they are drawn up again without it. Answers what he comes to
    /// owe.
    fn take_bill_back(
        &self,
        paid: &CounterPaid,
        why: Reversal,
        events: &mut Vec<Event>,
    ) -> Result<MoreOwed, Refusal> {
        let drafts = match paid.cash {
            CashTaker::Store => Vec::new(),
            CashTaker::Platform => self.drafts_for(paid.merchant, paid.bill.minus(paid.kept)?),
        };
        let balance = |account| self.alliance.merchant_balance(account, paid.merchant);
        let mut payable = owed(balance(MerchantAccount::Payable));
        let mut owes = Money(balance(MerchantAccount::Owes));
        for draft in &drafts {
            payable = payable.plus(draft.payable)?;
            owes = owes.plus(draft.set_off)?;
        }
        let (bought, back) = self.bought_back_of_bill(paid);
        let reversed = CounterReversed {
            bought,
            ..self.reversal(paid, why, (payable, owes))?
        };
        let more = MoreOwed {
            owed: owes,
            owes: reversed.owes,
        };
        let is_redrawn = !drafts.is_empty();
        let withdrawn = drafts.into_iter().map(AllianceEvent::StatementWithdrawn);
        events.extend(withdrawn.map(Event::Alliance));
        events.extend(back);
        events.push(Event::Alliance(AllianceEvent::CounterReversed(reversed)));
        events.extend(self.cash_back(paid));
        if is_redrawn {
            payable = payable.plus(reversed.payable)?;
            owes = owes.plus(reversed.owes)?;
            if let Some(home) = reversed.home.filter(|home| home.merchant == paid.merchant) {
                payable = payable.minus(home.from_payable)?;
                owes = owes.plus(home.owed)?;
            }
            events.extend(self.drawn_again(paid.merchant, (payable, owes))?);
        }
        Ok(more)
    }

    /// Whether a statement of its merchant tells of a payment.
    fn is_in_statement(&self, counter: CounterId, merchant: MerchantId) -> bool {
        match self.counter_cash.taken(counter) {
            // Its number is older than its payment.
            Some(taken) => taken.statements != self.statements_of(merchant),
            None => self.is_stated(counter, merchant),
        }
    }

    /// What the store owed is owed no longer, and what of it was settled before is due to it again. Of cash that the platform
    /// took the merchant's part is due no longer, and what of it was settled before he owes. With what is payable to him and
    /// what he owes, drafts included.
    fn reversal(
        &self,
        paid: &CounterPaid,
        why: Reversal,
        (his_payable, owes): (Money, Money),
    ) -> Result<CounterReversed, Overflow> {
        let take = paid.take()?;
        let (more_payable, more_owed) = match paid.cash {
            CashTaker::Store => {
                let forgiven = take.min(owes);
                (take.minus(forgiven)?, Money::ZERO.minus(forgiven)?)
            }
            CashTaker::Platform => {
                let due = paid.bill.minus(paid.kept)?;
                let given = due.min(his_payable);
                (Money::ZERO.minus(given)?, due.minus(given)?)
            }
        };
        let home = match paid.home {
            None => None,
            Some(home) if paid.home_waits => Some(HomeBack {
                merchant: home.merchant,
                from_payable: Money::ZERO,
                owed: Money::ZERO,
                from_waiting: home.amount,
            }),
            Some(home) => {
                let payable = if home.merchant == paid.merchant {
                    his_payable.plus(more_payable.min(Money::ZERO))?
                } else {
                    let account = MerchantAccount::Payable;
                    owed(self.alliance.merchant_balance(account, home.merchant))
                };
                let from_payable = home.amount.min(payable);
                Some(HomeBack {
                    merchant: home.merchant,
                    from_payable,
                    owed: home.amount.minus(from_payable)?,
                    from_waiting: Money::ZERO,
                })
            }
        };
        Ok(CounterReversed {
            counter: paid.counter,
            why,
            member: paid.member,
            merchant: paid.merchant,
            coins: paid.coins,
            take,
            payable: more_payable,
            owes: more_owed,
            home,
            bought: Coins::ZERO,
        })
    }

    pub(super) fn apply_counter_paid(&mut self, paid: &CounterPaid) {
        let now = self.now;
        let waited = self.stop_waiting(paid.counter);
        // What can no longer be taken back leaves memory.
        while let Some(first) = self.alliance.counters.known.first_entry() {
            if now < first.get().at.after(COUNTER_REFUNDS) {
                break;
            }
            let old = first.remove();
            self.alliance.counters.tokens.remove(&old.paid.token);
            self.counter_cash.forget(old.paid.counter);
            self.bought_is_spent_at(old.paid.counter);
        }
        let counters = &mut self.alliance.counters;
        counters.number(paid);
        let payment = CounterPayment {
            paid: *paid,
            at: now,
            reversed: None,
        };
        counters.known.insert(paid.counter, payment);
        self.home_waits_for(paid);
        if waited.is_none() {
            self.promised = self.promised.saturating_add(paid.bill.0);
        }
    }

    pub(super) fn apply_counter_reversed(&mut self, reversed: &CounterReversed) {
        let known = self.alliance.counters.known.get_mut(&reversed.counter);
        match known {
            Some(known) => known.reversed = Some(reversed.why),
            None => self.corrupt("a payment at a counter is taken back that is not there"),
        }
        self.bought_is_spent_at(reversed.counter);
        let less = Money::ZERO.0.saturating_sub(reversed.owes.0).max(0);
        self.homes.forget_counter(reversed.counter);
        let since = Some(reversed.counter);
        self.homes.owes_less(reversed.merchant, Money(less), since);
    }

    pub(super) fn check_counters(&self, found: &mut Vec<String>) {
        let counters = &self.alliance.counters;
        for (id, known) in &counters.known {
            let paid = &known.paid;
            let whose = self.store(paid.store).map(|(merchant, _)| merchant);
            let right = whose == Some(paid.merchant)
                && self.member_ref(paid.member).is_some()
                && counters.tokens.get(&paid.token) == Some(id)
                && id.0 < counters.next;
            if !right {
                found.push(format!("payment {id} at a counter is of nobody"));
            }
        }
        let waiting = self.counter_cash.waiting();
        if counters.tokens.len() != counters.known.len().saturating_add(waiting) {
            found.push("codes of counters are kept of no payment".to_owned());
        }
        self.check_counter_cash(found);
    }
}

/// What a merchant owed before he took a bill back, drafts included, and what he owes more by it.
struct MoreOwed {
    owed: Money,
    owes: Money,
}

impl Bill {
    fn check(&self) -> Result<(), AllianceRefusal> {
        let invalid = |field, must| Err(AllianceRefusal::InvalidBill { field, must });
        if self.amount.0 < 1 || MAX_AMOUNT_FEN < self.amount.0 {
            return invalid("bill", "must be between one fen and 100 million yuan");
        }
        if self.most_coins.is_some_and(|coins| coins < Coins::ZERO) {
            return invalid("coins", "must not be below zero");
        }
        Ok(())
    }
}
