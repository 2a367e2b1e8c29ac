//! Bought coins as they are used and come back (rules 10.1): by purchases, and by bills at counters.
//!
//! Why the parts are kept: until a purchase or a payment at a counter is over for good, the coins that paid it may be bought ones
//! of those recharges again. As long as anything may come back, a recharge stays, though nothing is left of it.

use super::{BoughtPart, RechargeEvent, Recharges};
use crate::{Coins, CounterId, CounterPaid, Event, MemberId, Money, PurchaseId, World};

impl Recharges {
    /// Takes note of parts that may come back.
    pub(super) fn uses(&mut self, parts: &[BoughtPart]) {
        for part in parts {
            let uses = self.in_use.entry(part.recharge).or_default();
            *uses = uses.saturating_add(1);
        }
    }

    /// These come back no more.
    pub(super) fn uses_no_more(&mut self, parts: &[BoughtPart]) {
        for part in parts {
            let Some(uses) = self.in_use.get_mut(&part.recharge) else {
                continue;
            };
            *uses = uses.saturating_sub(1);
            if *uses == 0 {
                self.in_use.remove(&part.recharge);
            }
        }
    }

    pub(super) fn all_used(&self) -> impl Iterator<Item = &Vec<BoughtPart>> {
        self.used.values().chain(self.at_counters.values())
    }
}

impl World {
    /// How so many bought coins of a member are taken, the oldest first; none if he has fewer.
    pub(crate) fn parts_of(&self, member: MemberId, coins: Coins) -> Option<Vec<BoughtPart>> {
        let mut wanted = coins.0;
        let mut parts = Vec::new();
        for (recharge, known) in self.recharges(member) {
            let taken = wanted.min(known.left.0);
            if taken <= 0 {
                continue;
            }
            let rest = Coins(known.left.0.saturating_sub(taken));
            let money = known
                .worth(known.left)
                .0
                .saturating_sub(known.worth(rest).0);
            parts.push(BoughtPart {
                recharge,
                coins: Coins(taken),
                money: Money(money),
            });
            wanted = wanted.saturating_sub(taken);
        }
        (wanted == 0).then_some(parts)
    }

    /// The bought coins that come back with a purchase, and how many they are. Those of a recharge that has been paid back
    /// meanwhile come back as coins like any others, for a payment goes back once.
    pub(crate) fn bought_back(
        &self,
        purchase: PurchaseId,
        member: MemberId,
    ) -> (Coins, Option<Event>) {
        let (coins, parts) = self.parts_back(self.recharges.used.get(&purchase));
        let back = (!parts.is_empty()).then_some(Event::Recharge(RechargeEvent::BoughtBack {
            purchase,
            member,
            parts,
        }));
        (coins, back)
    }

    /// The same of a payment at a counter.
    pub(crate) fn bought_back_of_bill(&self, paid: &CounterPaid) -> (Coins, Option<Event>) {
        let (counter, member) = (paid.counter, paid.member);
        let (coins, parts) = self.parts_back(self.recharges.at_counters.get(&counter));
        let back = (!parts.is_empty()).then_some(Event::Recharge(RechargeEvent::CounterBack {
            counter,
            member,
            parts,
        }));
        (coins, back)
    }

    fn parts_back(&self, used: Option<&Vec<BoughtPart>>) -> (Coins, Vec<BoughtPart>) {
        let mut sum = 0i64;
        let mut parts = Vec::new();
        for part in used.into_iter().flatten() {
            let Some(known) = self.recharges.open.get(&part.recharge) else {
                continue;
            };
            // What it is worth is counted from what is unused now, so that custody is never a fen off.
            let rest = Coins(known.left.0.saturating_add(part.coins.0));
            let money = known
                .worth(rest)
                .0
                .saturating_sub(known.worth(known.left).0);
            sum = sum.saturating_add(part.coins.0);
            parts.push(BoughtPart {
                money: Money(money),
                ..*part
            });
        }
        (Coins(sum), parts)
    }
}

impl World {
    pub(super) fn change_recharge(&mut self, id: PurchaseId, how: impl FnOnce(i64) -> i64) {
        match self.recharges.open.get_mut(&id) {
            Some(known) => known.left = Coins(how(known.left.0)),
            None => self.corrupt("bought coins of no recharge moved"),
        }
    }

    /// What is used up, and cannot come back, leaves memory.
    pub(super) fn tidy_recharge(&mut self, id: PurchaseId) {
        let over = self.recharges.open.get(&id);
        let over = over.is_some_and(|known| !known.left.is_positive() && !known.gift_due);
        if over && !self.recharges.in_use.contains_key(&id) {
            self.recharges.forget(id);
        }
    }

    /// A purchase has ended for good: the bought coins it was paid with do not come back.
    pub(crate) fn bought_is_spent(&mut self, purchase: PurchaseId) {
        if self.recharges.used.is_empty() {
            return;
        }
        let parts = self.recharges.used.remove(&purchase).unwrap_or_default();
        self.parts_are_spent(&parts);
    }

    /// The same of a payment at a counter, which cannot be taken back any more.
    pub(crate) fn bought_is_spent_at(&mut self, counter: CounterId) {
        if self.recharges.at_counters.is_empty() {
            return;
        }
        let parts = self.recharges.at_counters.remove(&counter);
        self.parts_are_spent(&parts.unwrap_or_default());
    }

    fn parts_are_spent(&mut self, parts: &[BoughtPart]) {
        self.recharges.uses_no_more(parts);
        for part in parts {
            self.tidy_recharge(part.recharge);
        }
    }

    pub(super) fn check_used(&self, found: &mut Vec<String>) {
        for purchase in self.recharges.used.keys() {
            if self.purchase(*purchase).is_none() {
                found.push(format!(
                    "purchase {purchase} has ended, its bought coins wait"
                ));
            }
        }
        for (&counter, parts) in &self.recharges.at_counters {
            let known = self.counter_payment(counter);
            let stands = known.is_some_and(|known| {
                let bought = parts
                    .iter()
                    .fold(0i64, |sum, part| sum.saturating_add(part.coins.0));
                known.reversed.is_none() && known.paid.bought == Coins(bought)
            });
            if !stands {
                found.push(format!(
                    "bought coins wait for payment {counter} at a counter, which was paid with others"
                ));
            }
        }
        let standing = self.counters_standing();
        let with_bought = standing.filter(|paid| paid.bought.is_positive()).count();
        if with_bought != self.recharges.at_counters.len() {
            found.push("bought coins of payments at counters are not kept".to_owned());
        }
        let mut derived = Recharges::default();
        let used: Vec<BoughtPart> = self.recharges.all_used().flatten().copied().collect();
        derived.uses(&used);
        if derived.in_use != self.recharges.in_use {
            found.push("recharges in use are not those that were used".to_owned());
        }
    }
}
