//! Coins: lots that expire, and spending the oldest first (rules 10.1).
//!
//! Why lots end with months: coins that came in one month last equally long, so a member has at most as many lots as coins
//! last months, and the platform's report has a line a month.
//!
//! Nearly everybody has one lot. Its month stands with the member, its coins are his balance; only older lots are kept apart,
//! so that settling a group touches nothing else. Everything here follows from the ledger's lines on members' coins alone:
//! what adds to them makes a lot, what takes from them takes the oldest.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};

use crate::{
    Coins, Due, Event, MemberId, Millis, Month, World, ledger,
    lots::Lots,
    vintages::{Turn, Vintages},
};

/// Most members whose expired coins one event tells; the others follow in the next.
pub const MAX_EXPIRED: usize = 100_000;

/// Coins of one member that expire together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoinLot {
    /// From this moment on they are gone.
    pub expires: Millis,
    /// How many.
    pub coins: Coins,
}

/// Coins that were used, of one lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct LotPart {
    /// The month they end with.
    #[n(0)]
    pub month: Month,
    /// How many.
    #[n(1)]
    pub coins: Coins,
}

/// Coins that one member has lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct CoinsLost {
    /// Who.
    #[n(0)]
    pub member: MemberId,
    /// How many.
    #[n(1)]
    pub coins: Coins,
}

/// What is known of coins beside the balances.
#[derive(Clone, Debug, Default, Encode, Decode)]
pub(crate) struct CoinLots {
    /// Lots that expire before their member's newest, in hundredths.
    #[n(0)]
    older: Lots,
    /// When expired coins are looked for next: at the beginning of a month, while there are any coins.
    #[n(1)]
    pub(crate) look_at: Option<Millis>,
    /// What has become of all of them.
    #[n(2)]
    pub(crate) vintages: Vintages,
    /// The current month and its end; derived.
    #[cbor(skip)]
    today: Option<(Month, Millis)>,
    /// What the next line that adds to a member's coins gives back of lots he had; derived, and empty between events.
    #[cbor(skip)]
    pub(crate) coming_back: Vec<LotPart>,
}

impl CoinLots {
    fn month(&mut self, now: Millis) -> (Month, Millis) {
        match self.today {
            Some(today) if now < today.1 => today,
            Some(_) | None => {
                let month = now.month();
                let today = (month, month.plus(1).begins());
                self.today = Some(today);
                today
            }
        }
    }
}

impl World {
    /// Adds a ledger line to a member's coins: a credit makes or grows a lot, a debit takes the oldest.
    pub(crate) fn post_coins(&mut self, id: MemberId, amount: i64, turn: Turn) {
        let (today, ends) = self.lots.month(self.now);
        if amount < 0 {
            let mut new = amount.saturating_neg();
            for part in std::mem::take(&mut self.lots.coming_back) {
                let coins = part.coins.0.min(new);
                self.add_lot(id, (part.month, today), turn, coins);
                new = new.saturating_sub(coins);
            }
            let month = today.plus(self.profile.terms().coin_months);
            self.add_lot(id, (month, today), turn, new);
            if self.lots.look_at.is_none() {
                self.lots.look_at = Some(ends);
                self.push_timer(ends, Due::Coins);
            }
        } else if let Some(member) = self.member_mut(id) {
            let newest = member.newest_lot;
            ledger::add(&mut member.coins, amount);
            let rest = self.take_oldest(id, amount, turn);
            self.lots.vintages.go(newest, turn, rest);
        }
    }

    /// The next line gives so many coins back, of these lots; the others are new.
    pub(crate) fn apply_coins_back(&mut self, coins: Coins, lots: &[LotPart]) {
        let told = lots
            .iter()
            .fold(0i64, |sum, part| sum.saturating_add(part.coins.0));
        if coins.0 < told {
            self.corrupt("fewer coins come back than lots get");
        }
        self.lots.coming_back = lots.to_vec();
    }

    /// Gives a member coins that end with this month.
    fn add_lot(&mut self, id: MemberId, (month, today): (Month, Month), turn: Turn, coins: i64) {
        if coins <= 0 {
            return;
        }
        let Some(member) = self.member_mut(id) else {
            return;
        };
        let (before, newest) = (member.coins, member.newest_lot);
        ledger::add(&mut member.coins, coins.saturating_neg());
        if before == 0 {
            member.newest_lot = month;
        } else if newest < month {
            member.newest_lot = month;
            self.keep_lot(id, newest, before.saturating_neg());
        } else if month < newest {
            // They come back, or coins last shorter now than when his newest came.
            self.lots.older.add(id, month, coins);
        }
        self.lots.vintages.come((month, today), turn, coins);
    }

    /// Which lots a member's next coins are taken from.
    pub(crate) fn lots_to_use(&self, id: MemberId, coins: Coins) -> Vec<LotPart> {
        let mut left = coins.0;
        let mut parts = Vec::new();
        for (month, have) in self.months_of_coins(id) {
            let used = have.min(left);
            left = left.saturating_sub(used);
            if 0 < used {
                let coins = Coins(used);
                parts.push(LotPart { month, coins });
            }
        }
        parts
    }

    /// Coins that were used come back with the ends they had; what would have ended meanwhile ends with this month (rules 10.1).
    pub(crate) fn lots_back(parts: &[LotPart], now: Millis) -> Vec<LotPart> {
        let today = now.month();
        let mut back: Vec<LotPart> = Vec::new();
        for part in parts {
            let month = part.month.max(today);
            match back.last_mut() {
                Some(last) if last.month == month => ledger::add(&mut last.coins.0, part.coins.0),
                Some(_) | None => back.push(LotPart { month, ..*part }),
            }
        }
        back
    }

    /// What was his newest lot is an older one: all his coins but those in older ones still.
    fn keep_lot(&mut self, member: MemberId, month: Month, all: i64) {
        let kept = self
            .lots
            .older
            .of(member)
            .fold(all, |rest, (_, coins)| rest.saturating_sub(coins));
        if 0 < kept {
            self.lots.older.add(member, month, kept);
        }
    }

    /// Takes from his older lots; what they have not is his newest's.
    fn take_oldest(&mut self, member: MemberId, amount: i64, turn: Turn) -> i64 {
        let mut left = amount;
        if self.lots.older.is_empty() {
            return left;
        }
        let lots: Vec<(Month, i64)> = self.lots.older.of(member).collect();
        for (month, coins) in lots {
            let taken = coins.min(left);
            self.lots.older.add(member, month, taken.saturating_neg());
            self.lots.vintages.go(month, turn, taken);
            left = left.saturating_sub(taken);
        }
        left
    }

    /// A member's coins by when they expire, the oldest first.
    pub fn coin_lots(&self, id: MemberId) -> Vec<CoinLot> {
        let lot = |(month, coins): (Month, i64)| CoinLot {
            expires: month.plus(1).begins(),
            coins: Coins(coins),
        };
        self.months_of_coins(id).into_iter().map(lot).collect()
    }

    /// The same by the months they end with.
    fn months_of_coins(&self, id: MemberId) -> Vec<(Month, i64)> {
        let Some(member) = self.member_ref(id) else {
            return Vec::new();
        };
        let mut newest = member.coins.saturating_neg();
        let mut lots: Vec<(Month, i64)> = self.lots.older.of(id).collect();
        for (_, coins) in &lots {
            newest = newest.saturating_sub(*coins);
        }
        if 0 < newest {
            lots.push((member.newest_lot, newest));
        }
        lots.sort_unstable();
        lots
    }

    /// When coins end that somebody gets now.
    pub(crate) fn new_coins_end(&self) -> Millis {
        let month = self.now.month().plus(self.profile.terms().coin_months);
        month.plus(1).begins()
    }

    /// All members' coins by when they expire, the oldest first. Costs a pass over all members.
    pub fn coin_vintages(&self) -> Vec<CoinLot> {
        let mut by_month: BTreeMap<Millis, i64> = BTreeMap::new();
        for id in (0..self.members()).map(MemberId) {
            for lot in self.coin_lots(id) {
                ledger::add(by_month.entry(lot.expires).or_default(), lot.coins.0);
            }
        }
        let lot = |(expires, coins)| CoinLot {
            expires,
            coins: Coins(coins),
        };
        by_month.into_iter().map(lot).collect()
    }

    /// What time has made due: expired coins are gone.
    pub(crate) fn due_coins(&self, now: Millis, events: &mut Vec<Event>) {
        if self.lots.look_at.is_none_or(|at| now < at) {
            return;
        }
        let today = now.month();
        let mut by_member: BTreeMap<MemberId, i64> = BTreeMap::new();
        for (member, month, coins) in self.lots.older.iter() {
            if month < today {
                ledger::add(by_member.entry(member).or_default(), coins);
            }
        }
        for (id, member) in (0u32..).map(MemberId).zip(&self.members) {
            if member.coins < 0 && member.newest_lot < today {
                // All his lots are over.
                by_member.insert(id, member.coins.saturating_neg());
            }
        }
        let more = MAX_EXPIRED < by_member.len();
        let lost = by_member.into_iter().take(MAX_EXPIRED);
        let lost = lost.map(|(member, coins)| CoinsLost {
            member,
            coins: Coins(coins),
        });
        events.push(Event::CoinsExpired {
            lost: lost.collect(),
            more,
        });
    }

    pub(crate) fn apply_coins_expired(&mut self, lost: &[CoinsLost], more: bool) {
        for lost in lost {
            self.note_gifts_ended(lost.member);
        }
        // What is lost leaves with the event's lines: whether anything is left is seen at the next look.
        let none_left = lost.is_empty() && self.members.iter().all(|member| member.coins == 0);
        self.lots.look_at = if more {
            Some(self.now)
        } else {
            let next = self.lots.month(self.now).1;
            (!none_left).then_some(next)
        };
        if let Some(at) = self.lots.look_at {
            self.push_timer(at, Due::Coins);
        }
    }

    pub(crate) fn check_lots(&self, found: &mut Vec<String>) {
        let mut older: BTreeMap<MemberId, i64> = BTreeMap::new();
        for (id, month, coins) in self.lots.older.iter() {
            ledger::add(older.entry(id).or_default(), coins);
            let newest = self.member_ref(id).map(|member| member.newest_lot);
            if newest.is_none_or(|newest| newest <= month) {
                found.push(format!("member {id} has an impossible lot of coins"));
            }
        }
        for (id, coins) in older {
            let have = self
                .member_ref(id)
                .map_or(0, |member| member.coins.saturating_neg());
            if have < coins {
                found.push(format!(
                    "member {id} has {have} coins and older lots of {coins}"
                ));
            }
        }
        if self.lots.look_at.is_none() && self.members.iter().any(|member| member.coins < 0) {
            found.push("nobody looks for expired coins".to_owned());
        }
        self.check_vintages(found);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Profile, member::Member};

    /// Every lot by itself, in the order of its end; months are counted on one by one.
    #[derive(Default)]
    struct Slow(Vec<(u16, i64)>);

    impl Slow {
        fn add(&mut self, month: u16, coins: i64) {
            self.0.push((month, coins));
            self.0.sort_unstable();
        }

        fn take(&mut self, coins: i64) {
            for _ in 0..coins {
                let lot = self.0.iter_mut().find(|(_, coins)| 0 < *coins).unwrap();
                lot.1 -= 1;
            }
        }

        fn by_month(&self) -> Vec<(u16, i64)> {
            let mut sums = BTreeMap::new();
            for &(month, coins) in self.0.iter().filter(|(_, coins)| 0 < *coins) {
                *sums.entry(month).or_default() += coins;
            }
            sums.into_iter().collect()
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Gain(usize, i64),
        Spend(usize, i64),
        /// So many months pass.
        Wait(u16),
        /// Coins last so many months from now on.
        Last(u32),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0..2usize, 1..50i64).prop_map(|(who, coins)| Step::Gain(who, coins)),
            3 => (0..2usize, 1..80i64).prop_map(|(who, coins)| Step::Spend(who, coins)),
            3 => (0..4u16).prop_map(Step::Wait),
            1 => (1..6u32).prop_map(Step::Last),
        ]
    }

    proptest! {
        #[test]
        fn lots_are_those_of_a_list_that_keeps_each(steps in proptest::collection::vec(step(), 1..60)) {
            let mut world = World {
                members: vec![Member::new(None); 2],
                ..World::default()
            };
            let mut own = crate::OwnProfile {
                name: String::new(),
                signed_by: String::new(),
                opinion: [1; 32],
                expires: Millis(i64::MAX),
                campaigns: Vec::new(),
                terms: Profile::Seed.terms().clone(),
            };
            let mut slow = [Slow::default(), Slow::default()];
            let mut month = 600;
            world.now = Month(month).begins();
            for step in steps {
                match step {
                    Step::Gain(who, coins) => {
                        world.post_coins(MemberId(u32::try_from(who).unwrap()), -coins, Turn::Plain);
                        slow[who].add(month + u16::try_from(own.terms.coin_months).unwrap(), coins);
                    }
                    Step::Spend(who, coins) => {
                        let have: i64 = slow[who].0.iter().map(|lot| lot.1).sum();
                        let coins = coins.min(have);
                        world.post_coins(MemberId(u32::try_from(who).unwrap()), coins, Turn::Plain);
                        slow[who].take(coins);
                    }
                    Step::Wait(months) => month += months,
                    Step::Last(months) => {
                        own.terms.coin_months = months;
                        world.profile = Profile::Own(Box::new(own.clone()));
                    }
                }
                world.now = Month(month).begins();
                let mut events = Vec::new();
                world.due_coins(world.now, &mut events);
                for event in events {
                    let Event::CoinsExpired { lost, more } = &event else { panic!("{event:?}") };
                    world.apply_coins_expired(lost, *more);
                    for lost in lost {
                        world.post_coins(lost.member, lost.coins.0, Turn::Expired);
                    }
                }
                for slow in &mut slow {
                    slow.0.retain(|&(ends, _)| month <= ends);
                }
                for (who, slow) in (0u32..).zip(&slow) {
                    let lots = world.coin_lots(MemberId(who));
                    let known: Vec<_> = lots.iter().map(|lot| (lot.expires.month().0 - 1, lot.coins.0)).collect();
                    prop_assert_eq!(known, slow.by_month());
                }
                let mut found = Vec::new();
                world.check_lots(&mut found);
                prop_assert_eq!(found, Vec::<String>::new());
            }
        }
    }
}
