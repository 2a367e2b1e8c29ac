//! What a package gives beside coins (rules 10.1): a thing of the shop, or a VIP level for some days.
//!
//! Why a unit is held from the reservation on: what was promised with the price can always be given. Why the thing is a purchase of
//! nothing: it is sent, fetched and kept like anything that was bought, by the same rules. It is not sent back; who wants his
//! money back keeps it, and pays the unused part of what it is worth.

use std::collections::{BTreeMap, BTreeSet};

use minicbor::{Decode, Encode};

use super::{Recharge, RechargeEvent};
use crate::{
    ChannelTerms, Coins, DAY_MS, Event, FetchTerms, Fulfilment, MemberId, Millis, Money, Purchase,
    PurchaseId, PurchaseState, Refusal, ShopRefusal, SkuId, SkuTerms, VipBasis, World,
};

/// The longest that a VIP level is given.
pub const MAX_GIFT_DAYS: u32 = 730;

/// One unit of a thing that a package gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct GiftUnit {
    /// Of what.
    #[n(0)]
    pub sku: SkuId,
    /// What it counts as, if what is unused goes back after it was given.
    #[n(1)]
    pub worth: Money,
}

/// A VIP level that a package gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct GiftVip {
    /// At least this one.
    #[n(0)]
    pub level: u32,
    /// For how long.
    #[n(1)]
    pub days: u32,
}

/// A VIP level that somebody has been given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub struct GivenLevel {
    /// At least this one.
    #[n(0)]
    pub level: u32,
    /// From this moment on no more.
    #[n(1)]
    pub until: Millis,
}

/// A unit that is held until it is given, under the terms of the moment in which it was promised.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct HeldUnit {
    /// Of what.
    #[n(0)]
    pub sku: SkuId,
    /// How many are paid for already: it, or none.
    #[n(1)]
    pub own: u32,
    /// What the supplier will be owed.
    #[n(2)]
    pub cost: Money,
    /// Where it can be fetched, unless it is sent.
    #[n(3)]
    pub fetch: Option<FetchTerms>,
}

/// VIP levels that were given, by the recharge they came with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(super) struct Levels {
    #[n(0)]
    given: BTreeMap<PurchaseId, (MemberId, GivenLevel)>,

    // Derived from the above; rebuilt when a snapshot is read.
    #[cbor(skip)]
    by_member: BTreeSet<(MemberId, PurchaseId)>,
    #[cbor(skip)]
    ends: BTreeSet<(Millis, PurchaseId)>,
}

impl Levels {
    pub(super) fn is_empty(&self) -> bool {
        self.given.is_empty()
    }

    /// Gives one, and forgets those that are over.
    pub(super) fn give(
        &mut self,
        recharge: PurchaseId,
        (member, given): (MemberId, GivenLevel),
        now: Millis,
    ) {
        while let Some(&(until, over)) = self.ends.first() {
            if now < until {
                break;
            }
            self.forget(over);
        }
        self.given.insert(recharge, (member, given));
        self.by_member.insert((member, recharge));
        self.ends.insert((given.until, recharge));
    }

    /// It ends at another moment.
    pub(super) fn end(&mut self, recharge: PurchaseId, until: Millis) {
        if let Some((member, given)) = self.forget(recharge) {
            let given = GivenLevel { until, ..given };
            self.given.insert(recharge, (member, given));
            self.by_member.insert((member, recharge));
            self.ends.insert((until, recharge));
        }
    }

    fn forget(&mut self, recharge: PurchaseId) -> Option<(MemberId, GivenLevel)> {
        let (member, given) = self.given.remove(&recharge)?;
        self.by_member.remove(&(member, recharge));
        self.ends.remove(&(given.until, recharge));
        Some((member, given))
    }

    pub(super) fn rebuild(&mut self) {
        let all = self.given.iter();
        self.by_member = all.map(|(&id, (member, _))| (*member, id)).collect();
        let all = self.given.iter();
        self.ends = all.map(|(&id, (_, given))| (given.until, id)).collect();
    }
}

impl Recharge {
    /// What the member pays of a thing that was given: its worth × unused / total, rounded down.
    pub(super) fn unit_to_pay(&self) -> Money {
        let unit = self.terms.unit.filter(|_| !self.gift_due);
        unit.map_or(Money::ZERO, |unit| {
            let part = self.part_unused(unit.worth.0);
            Money(part)
        })
    }

    /// Of an amount the part that is unused of the coins, rounded down.
    fn part_unused(&self, amount: i64) -> i64 {
        let product = i128::from(amount).saturating_mul(i128::from(self.left.0));
        let part = product.div_euclid(i128::from(self.terms.coins.0.max(1)));
        i64::try_from(part).unwrap_or(i64::MAX)
    }
}

/// Hot reads.
impl World {
    /// The highest VIP level that a member has been given for this moment, and how long it lasts.
    pub fn vip_given(&self, member: MemberId, now: Millis) -> Option<GivenLevel> {
        let levels = &self.recharges.levels;
        let own = (member, PurchaseId(0))..=(member, PurchaseId(u64::MAX));
        let own = levels.by_member.range(own);
        let own = own.filter_map(|(_, id)| levels.given.get(id));
        let lasting = own
            .map(|(_, given)| *given)
            .filter(|given| now < given.until);
        lasting.max()
    }

    /// All VIP levels that were given and are known still, by their recharges.
    pub fn given_levels(&self) -> impl Iterator<Item = (PurchaseId, MemberId, GivenLevel)> {
        let all = self.recharges.levels.given.iter();
        all.map(|(&id, &(member, given))| (id, member, given))
    }
}

impl SkuTerms {
    /// Whether one can be given with a package: it is a thing, and does not end by itself.
    fn can_be_given(&self) -> bool {
        self.package.is_none()
            && match self.fulfilment {
                Fulfilment::Ship | Fulfilment::PickUp => true,
                Fulfilment::Voucher | Fulfilment::AtTable => false,
            }
    }
}

impl World {
    /// What a package at this price may give beside coins.
    pub(crate) fn check_gifts_of(
        &self,
        price: Money,
        (unit, vip): (Option<GiftUnit>, Option<GiftVip>),
    ) -> Result<(), Refusal> {
        let invalid = |field, must| Err(ShopRefusal::InvalidSku { field, must }.into());
        if let Some(unit) = unit {
            let known = self.sku(unit.sku);
            let known = known.ok_or(ShopRefusal::UnknownSku(unit.sku))?;
            if !known.terms.can_be_given() {
                return invalid("package.unit.sku", "is sent or picked up, and no package");
            }
            if price < known.terms.cost {
                let cost = known.terms.cost;
                return Err(ShopRefusal::GiftTooDear { cost }.into());
            }
            if unit.worth < Money::ZERO || known.terms.price.min(price) < unit.worth {
                return invalid(
                    "package.unit.worth",
                    "must be between 0.00 and the price of what is given, and of the package",
                );
            }
        }
        let Some(vip) = vip else { return Ok(()) };
        let levels = self
            .plan(self.newest_plan())
            .map_or(0, |plan| plan.levels());
        if vip.level < 1 || levels < vip.level {
            return invalid("package.vip.level", "must be one of the newest plan's");
        }
        if vip.days < 1 || MAX_GIFT_DAYS < vip.days {
            return invalid("package.vip.days", "must be between 1 and 730");
        }
        if self.profile_terms().vip_by == VipBasis::KeptSales {
            return Err(Refusal::ProfileForbids {
                profile: self.profile.name(),
                limit: "vip_gift",
            });
        }
        Ok(())
    }

    /// The unit that is held for a package from its reservation on.
    pub(super) fn unit_to_hold(&self, gift: GiftUnit, price: Money) -> Result<HeldUnit, Refusal> {
        let known = self.sku(gift.sku);
        let known = known.ok_or(ShopRefusal::UnknownSku(gift.sku))?;
        if !known.terms.can_be_given() {
            return Err(ShopRefusal::NotOnSale(gift.sku).into());
        }
        if known.free < 1 {
            let (sku, free) = (gift.sku, known.free);
            return Err(ShopRefusal::OutOfStock { sku, free }.into());
        }
        let own = known.own.min(1);
        let cost = if own == 0 {
            known.terms.cost
        } else {
            Money::ZERO
        };
        // It may have become dearer since the package was listed.
        if price < cost {
            return Err(ShopRefusal::GiftTooDear { cost }.into());
        }
        Ok(HeldUnit {
            sku: gift.sku,
            own,
            cost,
            fetch: known.terms.fetch,
        })
    }

    /// All that a recharge gives, at one moment. Whatever has become of the member: he has paid for it.
    pub(super) fn give_all(
        &self,
        recharge: PurchaseId,
        known: &Recharge,
        now: Millis,
        events: &mut Vec<Event>,
    ) {
        let (member, coins) = (known.member, known.terms.gift);
        if coins.is_positive() {
            events.push(Event::Recharge(RechargeEvent::GiftGiven {
                recharge,
                member,
                coins,
            }));
        }
        if let Some(unit) = self.recharges.units.get(&recharge) {
            events.push(Event::Recharge(RechargeEvent::UnitGiven {
                recharge,
                purchase: PurchaseId(self.purchases()),
                of: Box::new(given_purchase(recharge, member, unit)),
            }));
        }
        if let Some(vip) = known.terms.vip {
            events.push(Event::Recharge(RechargeEvent::VipGiven {
                recharge,
                member,
                level: vip.level,
                until: Millis(now.0.saturating_add(lasts(vip))),
            }));
        }
    }

    /// When the VIP level of a recharge ends that is paid back now: earlier by the part of its days that is unused. None where it
    /// has given none, or that is over.
    pub(super) fn shortened_level(
        &self,
        recharge: PurchaseId,
        known: &Recharge,
        now: Millis,
    ) -> Option<Millis> {
        let (_, given) = self.recharges.levels.given.get(&recharge)?;
        let vip = known.terms.vip.filter(|_| now < given.until)?;
        let less = known.part_unused(lasts(vip));
        Some(Millis(given.until.0.saturating_sub(less)))
    }
}

/// How long a level is given, in milliseconds.
fn lasts(vip: GiftVip) -> i64 {
    i64::from(vip.days).saturating_mul(DAY_MS)
}

/// A purchase of nothing. Its identity is made of its recharge, and no request's: those are hashes.
fn given_purchase(recharge: PurchaseId, member: MemberId, unit: &HeldUnit) -> Purchase {
    let mut token = *b"gift of \0\0\0\0\0\0\0\0";
    if let Some(end) = token.get_mut(8..) {
        end.copy_from_slice(&recharge.0.to_be_bytes());
    }
    Purchase {
        member,
        token,
        sku: unit.sku,
        units: 1,
        own: unit.own,
        bill: Money::ZERO,
        coins: Coins::ZERO,
        cost: unit.cost,
        channel: ChannelTerms::default(),
        state: match unit.fetch {
            None => PurchaseState::Paid,
            Some(_) => PurchaseState::Waiting { until: None },
        },
        paid: None,
        fetch: unit.fetch.clone(),
        package: None,
        unit: None,
        gift_of: Some(recharge),
        lots: Vec::new(),
    }
}

impl World {
    pub(super) fn apply_gift(&mut self, event: &RechargeEvent) {
        match event {
            RechargeEvent::GiftGiven { recharge, .. } => {
                let ends = self.new_coins_end();
                if let Some(known) = self.recharges.open.get_mut(recharge) {
                    known.gift_ends = Some(ends);
                }
                self.apply_given(*recharge);
            }
            RechargeEvent::UnitGiven {
                recharge,
                purchase,
                of,
            } => {
                self.recharges.units.remove(recharge);
                self.apply_unit_given(*purchase, of);
                self.apply_given(*recharge);
            }
            RechargeEvent::VipGiven {
                recharge,
                member,
                level,
                until,
            } => {
                let (level, until, now) = (*level, *until, self.now);
                let given = (*member, GivenLevel { level, until });
                self.recharges.levels.give(*recharge, given, now);
                self.apply_given(*recharge);
            }
            RechargeEvent::Recharged { .. }
            | RechargeEvent::BoughtUsed { .. }
            | RechargeEvent::BoughtBack { .. }
            | RechargeEvent::CounterUsed { .. }
            | RechargeEvent::CounterBack { .. }
            | RechargeEvent::Refunded { .. } => {}
        }
    }

    /// Coins of gifts of a member's that have ended by now and are still in his lots: nobody has used them. The older
    /// recharge's first, where coins of several end together.
    pub(super) fn gifts_ending(&self, member: MemberId, now: Millis) -> Vec<(PurchaseId, Coins)> {
        let mut lots = self.coin_lots(member);
        lots.retain(|lot| lot.expires <= now);
        let mut ending = Vec::new();
        for (id, known) in self.recharges(member) {
            let lot = lots
                .iter_mut()
                .find(|lot| Some(lot.expires) == known.gift_ends);
            let Some(lot) = lot else { continue };
            let coins = known.terms.gift.min(lot.coins);
            lot.coins = Coins(lot.coins.0.saturating_sub(coins.0));
            ending.push((id, coins));
        }
        ending
    }

    /// A member loses the coins of his that have ended. His lots are as they were before.
    pub(crate) fn note_gifts_ended(&mut self, member: MemberId) {
        if self.recharges.open.is_empty() {
            return;
        }
        for (id, coins) in self.gifts_ending(member, self.now) {
            if let Some(known) = self.recharges.open.get_mut(&id) {
                known.gift_ended = Coins(known.gift_ended.0.saturating_add(coins.0));
            }
        }
    }

    fn apply_given(&mut self, recharge: PurchaseId) {
        if let Some(known) = self.recharges.open.get_mut(&recharge) {
            known.gift_due = false;
        }
        self.tidy_recharge(recharge);
    }

    /// Every invariant of gifts that the state does not keep.
    pub(super) fn check_gifts(&self, found: &mut Vec<String>) {
        let mut held = self.recharges.units.keys().copied();
        let open = self.recharges.open.iter();
        let due = open.filter(|(_, known)| known.gift_due && known.terms.unit.is_some());
        let due = due.map(|(&id, _)| id);
        if !held.by_ref().eq(due) {
            found.push("units are held for no recharge, or are not held".to_owned());
        }
        for unit in self.recharges.units.values() {
            if self.sku(unit.sku).is_none() || 1 < unit.own {
                found.push(format!("a unit of SKU {} is held that is none", unit.sku));
            }
        }
        let mut levels = self.recharges.levels.clone();
        levels.rebuild();
        if levels != self.recharges.levels {
            found.push("given VIP levels are not found by their members".to_owned());
        }
    }
}
