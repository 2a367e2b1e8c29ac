//! Bought coins: recharge packages, whose money is kept in custody until the coins are used (rules 10.1).
//!
//! Why a package is sold like anything else: it is reserved, paid through the channel and paid back when it comes too late by the
//! same rules as a purchase. What differs begins with the payment: nothing is earned by it. The money is the member's until he
//! uses the coins, part by part, and what is unused goes back when he asks.

mod command;
mod event;
mod gift;
mod refusal;
mod used;

use std::collections::{BTreeMap, BTreeSet};

use minicbor::{Decode, Encode};

pub use command::RechargeCommand;
pub use event::{BoughtPart, RechargeEvent};
pub(crate) use event::{no_cash, no_coins};
use gift::Levels;
pub use gift::{GiftUnit, GiftVip, GivenLevel, HeldUnit, MAX_GIFT_DAYS};
pub use refusal::RechargeRefusal;

use crate::{
    Account, Answer, Coins, CounterId, Due, Duration, Event, MemberId, Millis, Money, Overflow,
    PendingRefund, Purchase, PurchaseId, RefundId, Refusal, ShopRefusal, Txn, World, ledger, owed,
    owed_coins,
};

/// How long an unused recharge goes back in full; when it has passed the gift is given.
pub const COOL_OFF: Duration = Duration::seconds(7 * 86_400);

/// What is got for a package's price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct PackageTerms {
    /// Bought with the price; they never expire.
    #[n(0)]
    pub coins: Coins,
    /// On top, once the recharge cannot go back in full any more: coins like any others.
    #[n(1)]
    pub gift: Coins,
    /// At the same moment: one unit of a thing that is sold in the shop.
    #[n(2)]
    pub unit: Option<GiftUnit>,
    /// And from that moment on, for some days, a VIP level.
    #[n(3)]
    pub vip: Option<GiftVip>,
}

impl PackageTerms {
    /// The money in custody for so many of its coins, where it was bought for this price: price × unused / total, rounded down.
    pub fn worth(&self, price: Money, coins: Coins) -> Money {
        let product = i128::from(price.0).saturating_mul(i128::from(coins.0));
        let worth = product.div_euclid(i128::from(self.coins.0.max(1)));
        Money(i64::try_from(worth).unwrap_or(i64::MAX))
    }

    /// Whether anything is given later.
    pub fn has_gift(&self) -> bool {
        self.gift.is_positive() || self.unit.is_some() || self.vip.is_some()
    }
}

/// A recharge of which something is left, or whose gift is still to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Recharge {
    /// Whose.
    #[n(0)]
    pub member: MemberId,
    /// What it was paid with.
    #[n(1)]
    pub txn: Txn,
    /// What was paid.
    #[n(2)]
    pub price: Money,
    /// What was got for it.
    #[n(3)]
    pub terms: PackageTerms,
    /// The coins that are unused.
    #[n(4)]
    pub left: Coins,
    /// When it was paid.
    #[n(5)]
    pub paid_at: Millis,
    /// The part of its fee that the channel gives back if all of it goes back.
    #[n(6)]
    pub fee_back: Money,
    /// The gift is still to come.
    #[n(7)]
    pub gift_due: bool,
    /// When the coins of the gift end, once they were given.
    #[n(8)]
    pub gift_ends: Option<Millis>,
    /// Coins of the gift that have ended and that nobody had used.
    #[cbor(n(9), default, skip_if = "no_coins")]
    pub gift_ended: Coins,
}

impl Recharge {
    /// The money in custody for so many of its coins.
    pub fn worth(&self, coins: Coins) -> Money {
        self.terms.worth(self.price, coins)
    }

    /// How much of a gift that was given goes back with what is unused: gift × unused / total, rounded down, less what has ended
    /// before anybody used it.
    pub fn gift_to_return(&self) -> Coins {
        let part = self.gift_of_unused();
        Coins(part.0.saturating_sub(self.gift_ended.0).max(0))
    }

    /// gift × unused / total, rounded down.
    fn gift_of_unused(&self) -> Coins {
        if self.gift_due {
            return Coins::ZERO;
        }
        let product = i128::from(self.terms.gift.0).saturating_mul(i128::from(self.left.0));
        let part = product.div_euclid(i128::from(self.terms.coins.0.max(1)));
        Coins(i64::try_from(part).unwrap_or(i64::MAX))
    }

    /// What goes back with so much of the gift: price × unused / total, less the same part of what a thing is worth that was
    /// given.
    pub fn refundable(&self, gift: Coins) -> Money {
        let whole = self.refundable_with(gift);
        let unit = self.unit_to_pay();
        Money(whole.0.saturating_sub(unit.0).max(0))
    }

    /// Where some of the coins that were given are not there any more they were used in place of bought ones, and count among the
    /// total as much as among what is unused. What has ended unused nobody has had anything of: it counts as if it were there.
    fn refundable_with(&self, gift: Coins) -> Money {
        let worth = self.worth(self.left);
        if self.gift_to_return() <= gift {
            return worth;
        }
        let there = i128::from(gift.0).saturating_add(i128::from(self.gift_ended.0));
        let unused = i128::from(self.left.0).saturating_add(there);
        let total = i128::from(self.terms.coins.0).saturating_add(i128::from(self.terms.gift.0));
        let part = i128::from(self.price.0).saturating_mul(unused);
        let part = part.div_euclid(total.max(1));
        worth.min(Money(i64::try_from(part).unwrap_or(i64::MAX)))
    }

    /// Until when it goes back in full, if nothing of it is used.
    pub fn in_full_until(&self) -> Millis {
        self.paid_at.after(COOL_OFF)
    }
}

/// Everything of recharges. Empty until the first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Recharges {
    #[n(0)]
    open: BTreeMap<PurchaseId, Recharge>,
    /// What open purchases were paid with of them.
    #[n(1)]
    used: BTreeMap<PurchaseId, Vec<BoughtPart>>,
    /// Balances with the ledger's sign.
    #[n(2)]
    custody: i64,
    #[n(3)]
    coins: BTreeMap<MemberId, i64>,
    /// What payments at counters were paid with of them, as long as they can be taken back.
    #[cbor(n(4), default, skip_if = "BTreeMap::is_empty")]
    at_counters: BTreeMap<CounterId, Vec<BoughtPart>>,
    /// Units that are held until they are given.
    #[cbor(n(5), default, skip_if = "BTreeMap::is_empty")]
    units: BTreeMap<PurchaseId, HeldUnit>,
    /// VIP levels that were given.
    #[cbor(n(6), default, skip_if = "Levels::is_empty")]
    levels: Levels,

    // Derived from the above; rebuilt when a snapshot is read.
    /// The open ones of each member.
    #[cbor(skip)]
    by_member: BTreeSet<(MemberId, PurchaseId)>,
    /// How many of `used` and `at_counters` have a part of each.
    #[cbor(skip)]
    in_use: BTreeMap<PurchaseId, u32>,
}

impl Recharges {
    pub(crate) fn custody(&self) -> i64 {
        self.custody
    }

    pub(crate) fn custody_mut(&mut self) -> &mut i64 {
        &mut self.custody
    }

    pub(crate) fn coins(&self, member: MemberId) -> i64 {
        self.coins.get(&member).copied().unwrap_or(0)
    }

    pub(crate) fn all_coins(&self) -> i64 {
        let mut sum = 0;
        for coins in self.coins.values() {
            ledger::add(&mut sum, *coins);
        }
        sum
    }

    fn forget(&mut self, id: PurchaseId) -> Option<Recharge> {
        let known = self.open.remove(&id)?;
        self.by_member.remove(&(known.member, id));
        Some(known)
    }

    /// Adds a ledger line to a member's bought coins.
    pub(crate) fn post(&mut self, member: MemberId, amount: i64) {
        let balance = self.coins.entry(member).or_default();
        ledger::add(balance, amount);
        if *balance == 0 {
            self.coins.remove(&member);
        }
    }
}

/// Hot reads.
impl World {
    /// Recharges of a member of which something is left or to come, the oldest first.
    pub fn recharges(&self, member: MemberId) -> Vec<(PurchaseId, Recharge)> {
        let own = (member, PurchaseId(0))..=(member, PurchaseId(u64::MAX));
        let own = self.recharges.by_member.range(own);
        own.filter_map(|&(_, id)| Some((id, *self.recharges.open.get(&id)?)))
            .collect()
    }

    /// Every recharge of which something is left or to come.
    pub fn open_recharges(&self) -> impl Iterator<Item = (PurchaseId, &Recharge)> {
        self.recharges.open.iter().map(|(&id, known)| (id, known))
    }

    /// Coins that the member has bought and not used.
    pub fn bought_coins(&self, member: MemberId) -> Coins {
        owed_coins(self.recharges.coins(member))
    }

    /// Coins that anybody has bought and not used.
    pub fn all_bought_coins(&self) -> Coins {
        owed_coins(self.recharges.all_coins())
    }

    /// All money that members have paid for coins they have not used.
    pub fn custody(&self) -> Money {
        owed(self.recharges.custody)
    }

    pub(crate) fn recharge_due_at(&self, id: PurchaseId) -> Option<Millis> {
        let known = self.recharges.open.get(&id)?;
        known.gift_due.then(|| known.in_full_until())
    }

    /// Whether the member may buy this package now, if it is one, and the unit that is held for what it gives.
    pub(crate) fn require_package(
        &self,
        member: MemberId,
        asked: (u32, Money),
        package: Option<PackageTerms>,
        now: Millis,
    ) -> Result<Option<HeldUnit>, Refusal> {
        let Some(package) = package else {
            return Ok(None);
        };
        self.require_may_recharge(member, asked, now)?;
        let unit = package.unit.map(|gift| self.unit_to_hold(gift, asked.1));
        unit.transpose()
    }

    /// Whether the profile lets the member buy this package now; one at a time.
    fn require_may_recharge(
        &self,
        member: MemberId,
        (units, price): (u32, Money),
        now: Millis,
    ) -> Result<(), Refusal> {
        if units != 1 {
            return Err(ShopRefusal::Units.into());
        }
        self.profile.check_day(now)?;
        let Some(cap) = self.profile_terms().recharge_cap else {
            return Err(Refusal::ProfileForbids {
                profile: self.profile.name(),
                limit: "recharge",
            });
        };
        let mut paid = Money::ZERO;
        for (_, known) in self.recharges(member) {
            paid = paid.plus(known.worth(known.left))?;
        }
        for of in self.unpaid_purchases() {
            if of.member == member && of.package.is_some() {
                paid = paid.plus(of.bill)?;
            }
        }
        let left = cap.minus(paid)?.max(Money::ZERO);
        if left < price {
            return Err(RechargeRefusal::CapReached { left }.into());
        }
        Ok(())
    }

    /// How much of a gift goes back with what is unused: as much of it as he has.
    fn gift_back(&self, known: &Recharge, now: Millis) -> Coins {
        let owed = known.gift_to_return();
        owed.min(self.spendable_given_coins(known.member, now))
    }

    /// What would go back of all a member's recharges now, if he asked for the oldest first: coins that go back with one are
    /// not there any more for the next.
    pub(crate) fn refundable_of(&self, member: MemberId, now: Millis) -> Result<Money, Overflow> {
        let mut given = self.spendable_given_coins(member, now);
        let mut sum = Money::ZERO;
        for (id, known) in self.recharges(member) {
            let known = self.with_gift_ended(id, &known, now);
            let gift = known.gift_to_return().min(given);
            let amount = known.refundable(gift);
            // Of what is worth nothing nothing goes back, and its gift stays.
            if amount.is_positive() {
                given = Coins(given.0.saturating_sub(gift.0));
                sum = sum.plus(amount)?;
            }
        }
        Ok(sum)
    }

    pub(crate) fn decide_recharge(
        &self,
        command: &RechargeCommand,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<Option<Answer>, Refusal> {
        let RechargeCommand::Refund { recharge, member } = *command;
        let known = self.recharges.open.get(&recharge);
        let known = known.filter(|known| known.member == member && known.left.is_positive());
        let known = known.ok_or(RechargeRefusal::UnknownRecharge(recharge))?;
        let known = &self.with_gift_ended(recharge, known, now);
        let gift = self.gift_back(known, now);
        let amount = known.refundable(gift);
        if self.coins_held(member).is_positive() {
            let gone = Coins(known.left.0.saturating_add(gift.0));
            if self.spendable_coins(member, now) < gone {
                return Err(RechargeRefusal::Held(recharge).into());
            }
        }
        if !amount.is_positive() {
            return Err(RechargeRefusal::NothingLeft(recharge).into());
        }
        // The fee was for the whole payment: the channel gives it back with the whole alone.
        let fee_back = if amount == known.price {
            known.fee_back
        } else {
            Money::ZERO
        };
        events.push(Event::Recharge(RechargeEvent::Refunded {
            recharge,
            member,
            refund: RefundId(self.next_refund),
            amount,
            coins: known.left,
            fee_back,
            gift,
            kept: known.worth(known.left).minus(amount)?,
            vip_until: self.shortened_level(recharge, known, now),
        }));
        Ok(None)
    }

    /// A recharge as it will be when the coins that have ended by now are taken: there may be more of them than one turn takes.
    fn with_gift_ended(&self, id: PurchaseId, known: &Recharge, now: Millis) -> Recharge {
        let ending = self.gifts_ending(known.member, now);
        let ended = ending.iter().find(|(recharge, _)| *recharge == id);
        let more = ended.map_or(0, |(_, coins)| coins.0);
        Recharge {
            gift_ended: Coins(known.gift_ended.0.saturating_add(more)),
            ..*known
        }
    }

    /// A recharge that did not go back in full in time gets its gift. Coins that have ended are gone before.
    pub(crate) fn due_in_recharge(
        &self,
        recharge: PurchaseId,
        now: Millis,
        events: &mut Vec<Event>,
    ) {
        let Some(known) = self.recharges.open.get(&recharge) else {
            return;
        };
        self.due_coins(now, events);
        if known.gift_due && known.in_full_until() <= now {
            self.give_all(recharge, known, now, events);
        }
    }

    /// A package is paid.
    pub(crate) fn recharged(
        &self,
        recharge: PurchaseId,
        of: &Purchase,
        (txn, terms): (Txn, PackageTerms),
    ) -> Result<Event, Refusal> {
        Ok(Event::Recharge(RechargeEvent::Recharged {
            recharge,
            member: of.member,
            txn,
            amount: of.bill,
            fee: of.bill.channel_fee(of.channel.fee)?,
            fee_kept: of.channel.kept_on_refund,
            terms: Box::new(terms),
        }))
    }
}

impl World {
    pub(crate) fn apply_recharge(&mut self, event: &RechargeEvent) {
        match event {
            RechargeEvent::Recharged {
                recharge,
                member,
                txn,
                amount,
                fee,
                fee_kept,
                terms,
            } => {
                let known = Recharge {
                    member: *member,
                    txn: *txn,
                    price: *amount,
                    terms: **terms,
                    left: terms.coins,
                    paid_at: self.now,
                    fee_back: if *fee_kept { Money::ZERO } else { *fee },
                    gift_due: terms.has_gift(),
                    gift_ends: None,
                    gift_ended: Coins::ZERO,
                };
                self.apply_recharged(*recharge, known);
            }
            RechargeEvent::BoughtUsed {
                purchase, parts, ..
            } => {
                for part in parts {
                    self.change_recharge(part.recharge, |left| left.saturating_sub(part.coins.0));
                }
                self.recharges.uses(parts);
                self.recharges.used.insert(*purchase, parts.clone());
            }
            RechargeEvent::CounterUsed { counter, parts, .. } => {
                for part in parts {
                    self.change_recharge(part.recharge, |left| left.saturating_sub(part.coins.0));
                }
                self.recharges.uses(parts);
                self.recharges.at_counters.insert(*counter, parts.clone());
            }
            // What it is all over with follows.
            RechargeEvent::BoughtBack { parts, .. } | RechargeEvent::CounterBack { parts, .. } => {
                for part in parts {
                    self.change_recharge(part.recharge, |left| left.saturating_add(part.coins.0));
                }
            }
            RechargeEvent::GiftGiven { .. }
            | RechargeEvent::UnitGiven { .. }
            | RechargeEvent::VipGiven { .. } => self.apply_gift(event),
            RechargeEvent::Refunded {
                recharge,
                refund,
                amount,
                fee_back,
                vip_until,
                ..
            } => {
                let back = (*refund, *amount, *fee_back);
                self.apply_recharge_back(*recharge, back, *vip_until);
            }
        }
    }

    fn apply_recharge_back(
        &mut self,
        recharge: PurchaseId,
        (refund, amount, fee_back): (RefundId, Money, Money),
        vip_until: Option<Millis>,
    ) {
        let Some(known) = self.recharges.forget(recharge) else {
            self.corrupt("a recharge that there is not was paid back");
            return;
        };
        if let Some(unit) = self.recharges.units.remove(&recharge) {
            self.release_unit(&unit);
        }
        if let Some(until) = vip_until {
            self.recharges.levels.end(recharge, until);
        }
        self.apply_refund_due(PendingRefund {
            refund,
            txn: known.txn,
            amount,
            payment: None,
            fee_back,
        });
    }

    fn apply_recharged(&mut self, recharge: PurchaseId, known: Recharge) {
        let of = self.purchase(recharge);
        if let Some(unit) = of.and_then(|of| of.unit.clone()) {
            self.recharges.units.insert(recharge, unit);
        }
        self.apply_purchase_kept(recharge);
        if known.gift_due {
            self.push_timer(known.in_full_until(), Due::Recharge(recharge));
        }
        self.recharges.open.insert(recharge, known);
        self.recharges.by_member.insert((known.member, recharge));
    }

    pub(crate) fn rebuild_recharges(&mut self) {
        let all = self.recharges.open.iter();
        self.recharges.by_member = all.map(|(&id, known)| (known.member, id)).collect();
        let used: Vec<BoughtPart> = self.recharges.all_used().flatten().copied().collect();
        self.recharges.uses(&used);
        self.recharges.levels.rebuild();
        let all = self.recharges.open.keys();
        let due = all.filter_map(|&id| Some((id, self.recharge_due_at(id)?)));
        let due: Vec<(PurchaseId, Millis)> = due.collect();
        for (id, at) in due {
            self.push_timer(at, Due::Recharge(id));
        }
    }

    /// Every invariant of recharges that the state does not keep.
    pub(crate) fn check_recharges(&self, found: &mut Vec<String>) {
        let mut coins: BTreeMap<MemberId, i64> = BTreeMap::new();
        let mut custody = 0i64;
        for (id, known) in &self.recharges.open {
            if known.left < Coins::ZERO || known.terms.coins < known.left {
                found.push(format!("recharge {id} has an impossible rest"));
            }
            if known.left.is_positive() {
                ledger::add(
                    coins.entry(known.member).or_default(),
                    known.left.0.saturating_neg(),
                );
            }
            ledger::add(&mut custody, known.worth(known.left).0);
        }
        let all = self.recharges.open.iter();
        let by_member: BTreeSet<_> = all.map(|(&id, known)| (known.member, id)).collect();
        if by_member != self.recharges.by_member {
            found.push("recharges are not found by their members".to_owned());
        }
        if coins != self.recharges.coins {
            found.push("bought coins are not those of the recharges".to_owned());
        }
        if custody != owed(self.recharges.custody).0 {
            found.push(format!(
                "custody holds {}, the recharges say {custody}",
                self.recharges.custody
            ));
        }
        self.check_used(found);
        self.check_gifts(found);
    }
}

/// The ledger lines of one event of recharges.
pub(crate) fn recharge_lines(
    event: &RechargeEvent,
    move_money: &mut dyn FnMut(Account, Account, i64) -> Result<(), Overflow>,
) -> Result<(), Overflow> {
    match event {
        RechargeEvent::Recharged {
            member,
            amount,
            fee,
            terms,
            ..
        } => {
            move_money(Account::Custody, Account::Channel, amount.0)?;
            move_money(Account::Channel, Account::ChannelFees, fee.0)?;
            let bought = Account::BoughtCoins(*member);
            move_money(bought, Account::CoinsIssued, terms.coins.0)
        }
        RechargeEvent::BoughtUsed { member, parts, .. }
        | RechargeEvent::CounterUsed { member, parts, .. } => {
            for part in parts {
                let bought = Account::BoughtCoins(*member);
                move_money(Account::CoinsIssued, bought, part.coins.0)?;
                move_money(Account::Sales, Account::Custody, part.money.0)?;
            }
            Ok(())
        }
        RechargeEvent::BoughtBack { member, parts, .. }
        | RechargeEvent::CounterBack { member, parts, .. } => {
            for part in parts {
                let bought = Account::BoughtCoins(*member);
                move_money(bought, Account::CoinsIssued, part.coins.0)?;
                move_money(Account::Custody, Account::Sales, part.money.0)?;
            }
            Ok(())
        }
        RechargeEvent::GiftGiven { member, coins, .. } => {
            move_money(Account::Coins(*member), Account::CoinsIssued, coins.0)
        }
        RechargeEvent::UnitGiven { of, .. } => {
            move_money(Account::Suppliers, Account::CostOfGoods, of.cost.0)
        }
        RechargeEvent::VipGiven { .. } => Ok(()),
        RechargeEvent::Refunded {
            member,
            amount,
            coins,
            gift,
            kept,
            ..
        } => {
            move_money(Account::RefundsDue, Account::Custody, amount.0)?;
            move_money(Account::Sales, Account::Custody, kept.0)?;
            let bought = Account::BoughtCoins(*member);
            move_money(Account::CoinsIssued, bought, coins.0)?;
            move_money(Account::CoinsIssued, Account::Coins(*member), gift.0)
        }
    }
}
