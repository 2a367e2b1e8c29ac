//! Bought coins (rules 10.1), told by the events alone: each is bought, used or paid back once, the money in custody is what the
//! unused are worth, and no gift comes for what went back.

mod bills;
mod gifts;

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    BoughtPart, Coins, Event, MemberId, Money, Purchase, PurchaseId, PurchaseState, Recharge,
    RechargeEvent, ShopEvent, World,
};

use super::{At, Due, Trail};
use crate::audit::Findings;

/// Everything of recharges.
#[derive(Debug, Default)]
pub(super) struct Recharges {
    open: BTreeMap<PurchaseId, Recharge>,
    used: BTreeMap<PurchaseId, Vec<BoughtPart>>,
    bills: bills::Bills,
    gifts: gifts::Gifts,
    /// What the next event must say was paid in bought coins.
    expected: Option<(PurchaseId, i64)>,
    /// What has just come back, before the purchase that it was paid for.
    back: Option<(PurchaseId, i64)>,
}

impl Trail {
    /// What must follow at once follows.
    pub(super) fn recharge_follows(&mut self, at: At, event: &Event, findings: &mut Findings) {
        let expected = self.recharges.expected.take();
        if let Some((purchase, coins)) = expected {
            let told = matches!(
                event,
                Event::Recharge(RechargeEvent::BoughtUsed { purchase: of, parts, .. })
                    if *of == purchase && sum(parts) == coins
            );
            findings.unless(told, at.0, || {
                format!(
                    "purchase {purchase} was to be paid with {coins} bought hundredths, and was not"
                )
            });
        }
        self.bills_follow(at, event, findings);
        self.gifts_follow(at, event, findings);
        if let Event::Recharge(event) = event {
            self.recharge_event(at, event, expected.is_some(), findings);
        }
    }

    /// A purchase is paid with so many coins that were not bought: the rest must be.
    pub(super) fn expect_bought(
        &mut self,
        at: At,
        (id, known): (PurchaseId, &Purchase),
        earned: Coins,
        findings: &mut Findings,
    ) {
        let bought = known.coins.0.saturating_sub(earned.0);
        let left = self.lots_of(known.member);
        let held = self.counters.cash.held(known.member);
        findings.unless(0 <= bought && (bought == 0 || left <= held), at.0, || {
            format!("purchase {id} uses bought coins while there are others")
        });
        if 0 < bought {
            self.recharges.expected = Some((id, bought));
        }
    }

    /// Of the coins of a purchase that comes back those that came back as bought ones.
    pub(super) fn bought_of(&mut self, purchase: PurchaseId) -> i64 {
        let back = self.recharges.back.take();
        back.filter(|(of, _)| *of == purchase)
            .map_or(0, |(_, coins)| coins)
    }

    /// A purchase is over: what it was paid with does not come back.
    pub(super) fn bought_is_spent(&mut self, purchase: PurchaseId) {
        self.recharges.used.remove(&purchase);
        self.recharges.tidy();
    }

    fn recharge_event(
        &mut self,
        at: At,
        event: &RechargeEvent,
        is_expected: bool,
        findings: &mut Findings,
    ) {
        match event {
            RechargeEvent::Recharged { .. } => self.recharged(at, event, findings),
            RechargeEvent::BoughtUsed {
                purchase,
                member,
                parts,
            } => {
                let taken = self.take_parts(*member, sum(parts));
                findings.unless(is_expected && taken == *parts, at.0, || {
                    format!("purchase {purchase} uses other bought coins than the oldest")
                });
                self.recharges.used.insert(*purchase, taken);
            }
            RechargeEvent::BoughtBack {
                purchase,
                member,
                parts,
            } => {
                let of = self.shop.open(*purchase);
                let comes = of.is_some_and(|of| {
                    of.member == *member
                        && matches!(
                            of.state,
                            PurchaseState::Returning { .. }
                                | PurchaseState::Waiting { .. }
                                | PurchaseState::Paid
                        )
                });
                let given = self.give_parts(*purchase);
                findings.unless(comes && given == *parts, at.0, || {
                    format!("other bought coins come back than purchase {purchase} was paid with")
                });
                self.recharges.back = Some((*purchase, sum(&given)));
            }
            RechargeEvent::GiftGiven { .. }
            | RechargeEvent::UnitGiven { .. }
            | RechargeEvent::VipGiven { .. } => self.gift_event(at, event, findings),
            RechargeEvent::Refunded { .. } => self.recharge_refunded(at, event, findings),
            RechargeEvent::CounterUsed { .. } | RechargeEvent::CounterBack { .. } => {
                self.bill_event(at, event, findings);
            }
        }
    }

    fn recharged(&mut self, at: At, event: &RechargeEvent, findings: &mut Findings) {
        let RechargeEvent::Recharged {
            recharge,
            member,
            txn,
            amount,
            fee,
            fee_kept,
            terms,
        } = event
        else {
            return;
        };
        self.book(at, *txn, findings);
        let of = self.shop.end(*recharge);
        if let Some(unit) = of.as_ref().and_then(|of| of.unit.clone()) {
            self.recharges.gifts.hold(*recharge, unit);
        }
        let fits = of.is_some_and(|of| {
            let in_time = matches!(of.state, PurchaseState::Reserved { pay_by } if at.1 < pay_by);
            in_time
                && of.member == *member
                && of.package == Some(**terms)
                && of.bill == *amount
                && of.coins == Coins::ZERO
                && amount.channel_fee(of.channel.fee) == Ok(*fee)
                && of.channel.kept_on_refund == *fee_kept
        });
        findings.unless(fits, at.0, || {
            format!("recharge {recharge} is paid otherwise than it was reserved")
        });
        let known = Recharge {
            member: *member,
            txn: *txn,
            price: *amount,
            terms: **terms,
            left: terms.coins,
            paid_at: at.1,
            fee_back: if *fee_kept { Money::ZERO } else { *fee },
            gift_due: terms.has_gift(),
            gift_ends: None,
            gift_ended: Coins::ZERO,
        };
        self.recharges.open.insert(*recharge, known);
    }

    fn recharge_refunded(&mut self, at: At, event: &RechargeEvent, findings: &mut Findings) {
        let RechargeEvent::Refunded {
            recharge,
            member,
            refund,
            amount,
            coins,
            fee_back,
            gift,
            kept,
            vip_until,
        } = event
        else {
            return;
        };
        let over = self.gift_over(*recharge, at.1);
        let known = self.recharges.open.remove(recharge);
        let until = self.gifts_back(at, *recharge, known.as_ref(), findings);
        findings.unless(until == *vip_until, at.0, || {
            format!("the level of recharge {recharge} ends at another moment than the part that is used says")
        });
        let fits = known.is_some_and(|known| {
            let (left, total) = (i128::from(known.left.0), i128::from(known.terms.coins.0));
            let of_gift = if known.gift_due {
                0
            } else {
                i128::from(known.terms.gift.0) * left / total.max(1)
            };
            let whole = i128::from(worth(&known, known.left.0));
            // What has ended unused counts as if it were there.
            let there = i128::from(gift.0) + i128::from(over);
            let there = there.min(of_gift);
            let part = i128::from(known.price.0) * (left + there)
                / (total + i128::from(known.terms.gift.0)).max(1);
            let back = if there == of_gift {
                whole
            } else {
                whole.min(part)
            };
            let unit = known.terms.unit.filter(|_| !known.gift_due);
            let unit = unit.map_or(0, |unit| i128::from(unit.worth.0) * left / total.max(1));
            let back = back - unit;
            let unused = known.left == known.terms.coins && there == of_gift && unit == 0;
            let fee = if unused { known.fee_back } else { Money::ZERO };
            (known.member, known.left, fee) == (*member, *coins, *fee_back)
                && back == i128::from(amount.0)
                && whole - back == i128::from(kept.0)
                && Coins::ZERO <= *gift
                && amount.is_positive()
        });
        findings.unless(fits, at.0, || {
            format!("recharge {recharge} gives back {amount}, which is not what its unused coins are worth")
        });
        let due = Due {
            amount: *amount,
            fee_back: *fee_back,
        };
        self.owe(at, *refund, due, findings);
    }

    /// Takes so many bought coins, the oldest first.
    fn take_parts(&mut self, member: MemberId, coins: i64) -> Vec<BoughtPart> {
        let (mut wanted, mut parts) = (coins, Vec::new());
        for (&recharge, known) in &mut self.recharges.open {
            let taken = known.left.0.min(wanted);
            if known.member != member || taken <= 0 {
                continue;
            }
            let before = worth(known, known.left.0);
            known.left.0 -= taken;
            wanted -= taken;
            parts.push(BoughtPart {
                recharge,
                coins: Coins(taken),
                money: Money(before - worth(known, known.left.0)),
            });
        }
        parts
    }

    /// Gives back what a purchase was paid with, of recharges that were not paid back meanwhile.
    fn give_parts(&mut self, purchase: PurchaseId) -> Vec<BoughtPart> {
        let used = self.recharges.used.remove(&purchase).unwrap_or_default();
        self.recharges.give(used)
    }

    pub(super) fn compare_recharges(&self, world: &World, findings: &mut Findings) {
        let told = self.recharges.open.iter().map(|(&id, known)| (id, known));
        if !world.open_recharges().eq(told) {
            findings.add("recharges after the replay are not those of the events".to_owned());
        }
        let custody = self.recharges.open.values();
        let custody: i64 = custody.map(|known| worth(known, known.left.0)).sum();
        self.compare_gifts(world, findings);
        if world.custody().0 != custody {
            findings.add(format!(
                "custody holds {} after the replay, by the events {}",
                world.custody(),
                Money(custody)
            ));
        }
    }
}

impl Recharges {
    /// Parts that come back, with what they are worth now.
    fn give(&mut self, used: Vec<BoughtPart>) -> Vec<BoughtPart> {
        let mut parts = Vec::new();
        for part in used {
            if let Some(known) = self.open.get_mut(&part.recharge) {
                let before = worth(known, known.left.0);
                known.left.0 += part.coins.0;
                let money = Money(worth(known, known.left.0) - before);
                parts.push(BoughtPart { money, ..part });
            }
        }
        parts
    }

    /// What is used up and cannot come back is not known any more.
    fn tidy(&mut self) {
        let used = self.used.values().chain(self.bills.used()).flatten();
        let used: BTreeSet<PurchaseId> = used.map(|part| part.recharge).collect();
        self.open
            .retain(|id, known| 0 < known.left.0 || known.gift_due || used.contains(id));
    }
}

/// price × unused / total, rounded down.
fn worth(known: &Recharge, coins: i64) -> i64 {
    let whole = i128::from(known.price.0) * i128::from(coins) / i128::from(known.terms.coins.0);
    i64::try_from(whole).unwrap_or(i64::MAX)
}

fn sum(parts: &[BoughtPart]) -> i64 {
    parts.iter().map(|part| part.coins.0).sum()
}

/// Whether an event of the shop ends a purchase whose bought coins are gone for good.
pub(super) fn ends(event: &ShopEvent) -> Option<PurchaseId> {
    if let ShopEvent::PurchaseKept { purchase }
    | ShopEvent::PurchaseReturned { purchase, .. }
    | ShopEvent::PurchaseRedeemed {
        purchase,
        kept_at: None,
        ..
    } = event
    {
        Some(*purchase)
    } else {
        None
    }
}
