//! What recharges give beside coins (rules 10.1), by the events alone: all of it at one moment, after the seven days, once.

use std::collections::BTreeMap;

use domain::{
    Event, HeldUnit, MemberId, Millis, Money, Purchase, PurchaseId, PurchaseState, Recharge,
    RechargeEvent, Upline, VipBasis, World,
};

use super::super::{At, Trail, coins::end_of};
use crate::audit::Findings;

/// What is held, what is being given, and levels that were given.
#[derive(Debug, Default)]
pub(super) struct Gifts {
    units: BTreeMap<PurchaseId, HeldUnit>,
    /// What must follow: the recharge as it is, and what of it is still to be told.
    giving: Option<(PurchaseId, Recharge, Vec<Given>)>,
    levels: BTreeMap<MemberId, BTreeMap<PurchaseId, (u32, Millis)>>,
}

/// One of the things that a recharge gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Given {
    Coins,
    Unit,
    Vip,
}

impl Gifts {
    pub(super) fn hold(&mut self, recharge: PurchaseId, unit: HeldUnit) {
        self.units.insert(recharge, unit);
    }
}

/// Of which recharge an event gives what.
fn given_by(event: &RechargeEvent) -> Option<(PurchaseId, Given)> {
    match event {
        RechargeEvent::GiftGiven { recharge, .. } => Some((*recharge, Given::Coins)),
        RechargeEvent::UnitGiven { recharge, .. } => Some((*recharge, Given::Unit)),
        RechargeEvent::VipGiven { recharge, .. } => Some((*recharge, Given::Vip)),
        RechargeEvent::Recharged { .. }
        | RechargeEvent::BoughtUsed { .. }
        | RechargeEvent::BoughtBack { .. }
        | RechargeEvent::CounterUsed { .. }
        | RechargeEvent::CounterBack { .. }
        | RechargeEvent::Refunded { .. } => None,
    }
}

impl Trail {
    /// What a recharge gives is told together.
    pub(super) fn gifts_follow(&mut self, at: At, event: &Event, findings: &mut Findings) {
        let Some((recharge, _, left)) = &self.recharges.gifts.giving else {
            return;
        };
        let next = left.first().map(|given| (*recharge, *given));
        let told = matches!(event, Event::Recharge(event) if given_by(event) == next);
        findings.unless(told, at.0, || {
            format!("recharge {recharge} gives something, and not all that it promised")
        });
        if !told {
            self.recharges.gifts.giving = None;
        }
    }

    pub(super) fn gift_event(&mut self, at: At, event: &RechargeEvent, findings: &mut Findings) {
        let Some((recharge, what)) = given_by(event) else {
            return;
        };
        let begun = self.recharges.gifts.giving.take();
        let begun = begun.or_else(|| self.begin_giving(at, recharge));
        let fits = begun.as_ref().is_some_and(|(_, known, left)| {
            left.first() == Some(&what) && self.is_promised(at, event, (recharge, known))
        });
        findings.unless(fits, at.0, || {
            format!("recharge {recharge} gets a gift that it is not due")
        });
        if let RechargeEvent::GiftGiven { .. } = event {
            let ends = end_of(at.1, self.profile.terms().coin_months);
            if let Some(known) = self.recharges.open.get_mut(&recharge) {
                known.gift_ends = Some(ends);
            }
        }
        if let RechargeEvent::UnitGiven { purchase, of, .. } = event {
            self.recharges.gifts.units.remove(&recharge);
            self.unit_is_given(at, (*purchase, of), findings);
        }
        if let RechargeEvent::VipGiven {
            member,
            level,
            until,
            ..
        } = event
        {
            let his = self.recharges.gifts.levels.entry(*member).or_default();
            his.insert(recharge, (*level, *until));
        }
        let rest = begun.map(|(_, known, left)| (known, left.into_iter().skip(1).collect()));
        self.recharges.gifts.giving = rest
            .filter(|(_, left): &(Recharge, Vec<Given>)| !left.is_empty())
            .map(|(known, left)| (recharge, known, left));
        if self.recharges.gifts.giving.is_none() {
            self.recharges.tidy();
        }
    }

    /// The seven days of a recharge are over, and nothing of it was given yet.
    fn begin_giving(
        &mut self,
        at: At,
        recharge: PurchaseId,
    ) -> Option<(PurchaseId, Recharge, Vec<Given>)> {
        let known = self.recharges.open.get_mut(&recharge)?;
        let due = std::mem::replace(&mut known.gift_due, false);
        let all = [
            (known.terms.gift.is_positive(), Given::Coins),
            (known.terms.unit.is_some(), Given::Unit),
            (known.terms.vip.is_some(), Given::Vip),
        ];
        let left = all.into_iter().filter(|(is, _)| *is);
        let left = left.map(|(_, given)| given).collect();
        (due && known.in_full_until() <= at.1).then_some((recharge, *known, left))
    }

    fn is_promised(
        &self,
        at: At,
        event: &RechargeEvent,
        (recharge, known): (PurchaseId, &Recharge),
    ) -> bool {
        if let RechargeEvent::GiftGiven { member, coins, .. } = event {
            return (known.member, known.terms.gift) == (*member, *coins);
        }
        if let RechargeEvent::UnitGiven { of, .. } = event {
            let unit = self.recharges.gifts.units.get(&recharge);
            return unit.is_some_and(|unit| is_purchase_of(of, unit, (recharge, known.member)));
        }
        if let RechargeEvent::VipGiven {
            member,
            level,
            until,
            ..
        } = event
        {
            let vip = known.terms.vip;
            return vip.is_some_and(|vip| {
                let end = at.1.0 + i64::from(vip.days) * domain::DAY_MS;
                (known.member, vip.level, Millis(end)) == (*member, *level, *until)
            });
        }
        false
    }

    /// Coins of gifts of a member's that have ended and that nobody has used, the older recharge's first.
    fn gifts_over(&self, member: MemberId, now: Millis) -> BTreeMap<PurchaseId, i64> {
        let (mut taken, mut over) = (BTreeMap::<Millis, i64>::new(), BTreeMap::new());
        for (&id, known) in &self.recharges.open {
            let ended = known.gift_ends.filter(|ends| *ends <= now);
            if let Some(ends) = ended.filter(|_| known.member == member) {
                let before = taken.entry(ends).or_default();
                let left = (self.lot(member, ends) - *before).min(known.terms.gift.0);
                *before += left;
                over.insert(id, left);
            }
        }
        over
    }

    /// A member loses what has ended; his lots are as they were before.
    pub(in crate::audit::trail) fn gifts_end(&mut self, member: MemberId, now: Millis) {
        for (id, coins) in self.gifts_over(member, now) {
            if let Some(known) = self.recharges.open.get_mut(&id) {
                known.gift_ended.0 += coins;
            }
        }
    }

    /// What of a recharge's gift has ended unused.
    pub(super) fn gift_over(&self, recharge: PurchaseId, now: Millis) -> i64 {
        let Some(known) = self.recharges.open.get(&recharge) else {
            return 0;
        };
        let ending = self.gifts_over(known.member, now);
        known.gift_ended.0 + ending.get(&recharge).copied().unwrap_or(0)
    }

    /// A recharge is paid back: what is held for it is free, and its level ends earlier. Answers when, if it has not ended.
    pub(super) fn gifts_back(
        &mut self,
        at: At,
        recharge: PurchaseId,
        known: Option<&Recharge>,
        findings: &mut Findings,
    ) -> Option<Millis> {
        if let Some(unit) = self.recharges.gifts.units.remove(&recharge) {
            self.unit_is_free(at, &unit, findings);
        }
        let known = known?;
        let his = self.recharges.gifts.levels.get_mut(&known.member)?;
        let (_, until) = his.get_mut(&recharge)?;
        let vip = known.terms.vip.filter(|_| at.1 < *until)?;
        let all = i128::from(vip.days) * i128::from(domain::DAY_MS);
        let less = all * i128::from(known.left.0) / i128::from(known.terms.coins.0.max(1));
        *until = Millis(until.0 - i64::try_from(less).unwrap_or(i64::MAX));
        Some(*until)
    }

    /// As he counts for a group of this campaign that fills now.
    pub(in crate::audit::trail) fn with_given_level(
        &self,
        upline: Upline,
        campaign: &domain::PublishedCampaign,
        now: Millis,
    ) -> Upline {
        let by_sales = campaign.terms.profile.terms().vip_by == VipBasis::KeptSales;
        let his = self.recharges.gifts.levels.get(&upline.member);
        let lasting = his.into_iter().flat_map(BTreeMap::values);
        let lasting = lasting.filter(|(_, until)| now < *until && !by_sales);
        let given = lasting.map(|(level, _)| *level).max().unwrap_or(0);
        Upline {
            vip: upline.vip.max(given),
            ..upline
        }
    }

    /// Levels that last, and what is held, are those of the replay.
    pub(super) fn compare_gifts(&self, world: &World, findings: &mut Findings) {
        let now = world.now();
        let mut told: Vec<_> = self.recharges.gifts.levels.iter().collect();
        told.retain(|(_, his)| his.values().any(|(_, until)| now < *until));
        let same = told.iter().all(|(member, his)| {
            let lasting = his.values().filter(|(_, until)| now < *until).max();
            let replayed = world.vip_given(**member, now);
            replayed.map(|given| (given.level, given.until)) == lasting.copied()
        });
        let replayed = world.given_levels();
        let replayed = replayed.filter(|(_, _, given)| now < given.until).count();
        let all = told.iter().flat_map(|(_, his)| his.values());
        let all = all.filter(|(_, until)| now < *until).count();
        if !same || replayed != all {
            findings.add("VIP levels that were given are others after the replay".to_owned());
        }
    }
}

/// A purchase of nothing, of what was held.
fn is_purchase_of(
    of: &Purchase,
    unit: &HeldUnit,
    (recharge, member): (PurchaseId, MemberId),
) -> bool {
    let state = match unit.fetch {
        None => PurchaseState::Paid,
        Some(_) => PurchaseState::Waiting { until: None },
    };
    let what = (of.member, of.sku, of.units, of.own, &of.fetch);
    what == (member, unit.sku, 1, unit.own, &unit.fetch)
        && (of.bill, of.coins.0, of.cost) == (Money::ZERO, 0, unit.cost)
        && (of.gift_of, of.state) == (Some(recharge), state)
        && of.paid.is_none()
        && of.package.is_none()
        && of.unit.is_none()
}
