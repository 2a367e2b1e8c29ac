//! What of a member's coins may pay part of a bill (rules 10.1 and 10.2).
//!
//! Why this is not his balance: coins whose time is over stay in it until the platform has taken them, which it does in turns.
//! A command that spends coins names [`crate::Due::Coins`] as what it touches, so that this turn comes first; who is in none
//! yet is counted without them here. Nor are coins free that a purchase or a bill holds until it is paid (rules 10.4 and 10.6).

use crate::{Coins, MemberId, Millis, Money, Overflow, World};

impl World {
    /// Coins that a member may spend at this moment: those of lots that have not ended, less what his unpaid purchases and bills
    /// hold.
    pub fn spendable_coins(&self, member: MemberId, now: Millis) -> Coins {
        let good = self.good_coins(member, now).0;
        let held = self.coins_held(member).0;
        Coins(good.saturating_sub(held).max(0))
    }

    /// Coins of a member's lots that have not ended, also those that are held.
    pub(crate) fn good_coins(&self, member: MemberId, now: Millis) -> Coins {
        let lots = self.coin_lots(member).into_iter();
        let good = lots.filter(|lot| now < lot.expires);
        Coins(good.fold(0, |sum: i64, lot| sum.saturating_add(lot.coins.0)))
    }

    /// The most coins that may pay part of a bill: θ of it by the installation's profile, rounded down (rules 10.2). One coin
    /// is one yuan, so a hundredth of a coin is a fen.
    pub fn coin_offset(&self, bill: Money) -> Result<Coins, Overflow> {
        let most = bill.share(self.profile.terms().coin_offset)?;
        Ok(Coins(most.0))
    }
}
