//! Coins expire when they should, and no others (rules 10.1).
//!
//! The platform keeps a member's newest lot as what his older ones leave of his balance. Here every lot is kept by itself, and
//! months are those of dates, so that a mistake in either is not made twice.

use std::collections::BTreeMap;

use domain::{Account, Coins, Event, LotPart, MemberId, Millis, Month, PurchaseId, ShopEvent};

use super::{At, Trail};
use crate::audit::Findings;

/// What was used of lots, and may come back to them.
#[derive(Debug, Default)]
pub(super) struct Used {
    purchases: BTreeMap<PurchaseId, Vec<(Millis, i64)>>,
    /// Journals of before lots were told give coins back as new ones; once they are told, they always are.
    told: bool,
}

impl Trail {
    /// Follows one event's lines on members' coins, the oldest being used first.
    pub(super) fn coins_event(&mut self, at: At, event: &Event, findings: &mut Findings) {
        if let Event::CoinsExpired { lost, more } = event {
            let over = self.lots.iter().filter(|((_, ends), _)| *ends <= at.1);
            let mut due: Vec<(MemberId, i64)> = Vec::new();
            for (&(member, _), &coins) in over {
                match due.last_mut() {
                    Some((last, sum)) if *last == member => *sum += coins,
                    Some(_) | None => due.push((member, coins)),
                }
            }
            let told = lost.iter().map(|lost| (lost.member, lost.coins.0));
            let right =
                due.iter().copied().take(lost.len()).eq(told) && *more == (lost.len() < due.len());
            findings.unless(right, at.0, || {
                "coins expire whose time has not come, or others do not".to_owned()
            });
            for lost in lost {
                self.gifts_end(lost.member, at.1);
            }
        }
        self.coins_come_back(at, event, findings);
        let mut back = told_back(event).iter();
        let mut used = Vec::new();
        let months = self.profile.terms().coin_months;
        // An amount that does not fit is found by the second book.
        let _ = domain::lines(event, &mut |line| {
            let Account::Coins(member) = line.account else {
                return;
            };
            if line.amount < 0 {
                let mut new = -line.amount;
                for part in back.by_ref() {
                    let ends = part.month.plus(1).begins();
                    *self.lots.entry((member, ends)).or_default() += part.coins.0;
                    new -= part.coins.0;
                }
                if new != 0 {
                    *self.lots.entry((member, end_of(at.1, months))).or_default() += new;
                }
            } else {
                self.use_lots(member, line.amount, &mut used);
            }
        });
        if let Event::Shop(ShopEvent::PurchasePaid { purchase, .. }) = event
            && !used.is_empty()
        {
            self.used.purchases.insert(*purchase, used);
        }
        if let Event::Shop(ShopEvent::PurchaseKept { purchase }) = event {
            self.used.purchases.remove(purchase);
        }
    }

    /// Coins come back to the lots they were taken from, or to the end of the month if those are over.
    fn coins_come_back(&mut self, at: At, event: &Event, findings: &mut Findings) {
        let Event::Shop(ShopEvent::PurchaseReturned { purchase, lots, .. }) = event else {
            return;
        };
        let used = self.used.purchases.remove(purchase).unwrap_or_default();
        let mut expected: BTreeMap<Millis, i64> = BTreeMap::new();
        for (ends, coins) in used {
            *expected.entry(ends.max(end_of(at.1, 0))).or_default() += coins;
        }
        let told = lots
            .iter()
            .map(|part| (part.month.plus(1).begins(), part.coins.0));
        let untold = lots.is_empty() && !self.used.told;
        self.used.told |= !lots.is_empty();
        findings.unless(untold || expected.into_iter().eq(told), at.0, || {
            format!(
                "coins of purchase {purchase} come back to other lots than they were taken from"
            )
        });
    }

    /// Which lots paid a part of a purchase.
    pub(super) fn lots_used(&self, purchase: PurchaseId) -> Vec<LotPart> {
        let used = self.used.purchases.get(&purchase).into_iter().flatten();
        let part = |&(ends, coins): &(Millis, i64)| LotPart {
            month: Millis(ends.0 - 1).month(),
            coins: Coins(coins),
        };
        used.map(part).collect()
    }

    /// A member's coins that end at one moment, as far as they are there.
    pub(super) fn lot(&self, member: MemberId, ends: Millis) -> i64 {
        self.lots.get(&(member, ends)).copied().unwrap_or(0)
    }

    /// What a member has of coins that expire.
    pub(super) fn lots_of(&self, member: MemberId) -> i64 {
        let all = (member, Millis(i64::MIN))..=(member, Millis(i64::MAX));
        self.lots.range(all).map(|(_, coins)| *coins).sum()
    }

    fn use_lots(&mut self, member: MemberId, mut amount: i64, all_used: &mut Vec<(Millis, i64)>) {
        while 0 < amount {
            let all = (member, Millis(i64::MIN))..=(member, Millis(i64::MAX));
            let Some((&lot, coins)) = self.lots.range_mut(all).next() else {
                // Below zero: found by the world's own rules.
                return;
            };
            let used = amount.min(*coins);
            *coins -= used;
            amount -= used;
            all_used.push((lot.1, used));
            if *coins == 0 {
                self.lots.remove(&lot);
            }
        }
    }
}

/// The lots that an event gives coins back to.
fn told_back(event: &Event) -> &[LotPart] {
    if let Event::Shop(ShopEvent::PurchaseReturned { lots, .. }) = event {
        lots
    } else {
        &[]
    }
}

/// The end of the month so many months after the one of `at`.
pub(super) fn end_of(at: Millis, months: u32) -> Millis {
    let later = u16::try_from(u32::from(at.month().0) + months + 1);
    later.map_or(Millis(i64::MAX), |month| Month(month).begins())
}
