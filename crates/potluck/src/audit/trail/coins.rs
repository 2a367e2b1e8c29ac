//! Coins expire when they should, and no others (rules 10.1).
//!
//! The platform keeps a member's newest lot as what his older ones leave of his balance. Here every lot is kept by itself, and
//! months are those of dates, so that a mistake in either is not made twice.

use domain::{Account, Event, MemberId, Millis, Month};

use super::{At, Trail};
use crate::audit::Findings;

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
        let months = self.profile.terms().coin_months;
        // An amount that does not fit is found by the second book.
        let _ = domain::lines(event, &mut |line| {
            let Account::Coins(member) = line.account else {
                return;
            };
            if line.amount < 0 {
                let ends = end_of(at.1, months);
                *self.lots.entry((member, ends)).or_default() -= line.amount;
            } else {
                self.use_lots(member, line.amount);
            }
        });
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

    fn use_lots(&mut self, member: MemberId, mut amount: i64) {
        while 0 < amount {
            let all = (member, Millis(i64::MIN))..=(member, Millis(i64::MAX));
            let Some((&lot, coins)) = self.lots.range_mut(all).next() else {
                // Below zero: found by the world's own rules.
                return;
            };
            let used = amount.min(*coins);
            *coins -= used;
            amount -= used;
            if *coins == 0 {
                self.lots.remove(&lot);
            }
        }
    }
}

/// The end of the month so many months after the one of `at`.
pub(super) fn end_of(at: Millis, months: u32) -> Millis {
    let later = u16::try_from(u32::from(at.month().0) + months + 1);
    later.map_or(Millis(i64::MAX), |month| Month(month).begins())
}
