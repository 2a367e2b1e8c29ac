//! What of a member's coins may pay part of a bill (rules 10.1 and 10.2), and in which order they do.
//!
//! Why this is not his balance: coins whose time is over stay in it until the platform has taken them, which it does in turns.
//! A command that spends coins names [`crate::Due::Coins`] as what it touches, so that this turn comes first; who is in none
//! yet is counted without them here. Nor are coins free that a purchase or a bill holds until it is paid (rules 10.4 and 10.6).
//! What is held is a number of coins and not some of them: a bill is paid with given coins first, whatever holds them, and a
//! purchase leaves those to bills. As no more is held than there is, enough bought ones are there for the other.

use crate::{BoughtPart, Coins, MemberId, Millis, World};

impl World {
    /// Coins that a member may spend at this moment: those of lots that have not ended and bought ones, less what his unpaid
    /// purchases and bills hold.
    pub fn spendable_coins(&self, member: MemberId, now: Millis) -> Coins {
        let good = self.good_coins(member, now).0;
        let have = good.saturating_add(self.bought_coins(member).0);
        let held = self.coins_held(member).0;
        Coins(have.saturating_sub(held).max(0))
    }

    /// Those of them that were given and not bought, if bought ones are held last.
    pub fn spendable_given_coins(&self, member: MemberId, now: Millis) -> Coins {
        let good = self.good_coins(member, now).0;
        let held = self.coins_held(member).0;
        Coins(good.saturating_sub(held).max(0))
    }

    /// Which bought coins pay a bill beside all given ones that have not ended; none if he has fewer coins.
    pub(crate) fn bought_for_bill(
        &self,
        member: MemberId,
        coins: Coins,
        now: Millis,
    ) -> Option<Vec<BoughtPart>> {
        let given = self.good_coins(member, now).min(coins);
        let rest = coins.0.saturating_sub(given.0);
        self.parts_of(member, Coins(rest))
    }

    /// Coins of a member's lots that have not ended, also those that are held.
    pub(crate) fn good_coins(&self, member: MemberId, now: Millis) -> Coins {
        let lots = self.coin_lots(member).into_iter();
        let good = lots.filter(|lot| now < lot.expires);
        Coins(good.fold(0, |sum: i64, lot| sum.saturating_add(lot.coins.0)))
    }
}
