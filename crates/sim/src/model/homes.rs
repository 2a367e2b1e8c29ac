//! Rules 3.5 and 10.5: home stores, and what they get of bills elsewhere and of goods that are kept.

use std::collections::BTreeMap;

use domain::CashTaker;

use super::counters::share;
use super::{DAY, Model, Outcome, Told, refused};

/// Home stores.
#[derive(Clone, Debug, Default)]
pub(crate) struct Homes {
    /// The store of everybody who ever had one, and until when.
    pub(super) of: BTreeMap<u32, (u32, i64)>,
    /// Shares of bills that wait, by bill.
    pub(super) waiting: BTreeMap<u64, Waits>,
    /// What home stores got and have not given back.
    pub(super) given: i64,
}

/// A share of a bill that is not payable yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Waits {
    pub(super) trader: u32,
    pub(super) amount: i64,
    pub(super) debtor: u32,
    /// What the debtor must settle first.
    pub(super) ahead: i64,
    pub(super) until: i64,
}

impl Model {
    pub(super) fn come_home(&mut self, member: u32, store: u32, now: i64) -> Outcome {
        if !self.people.contains_key(&member) {
            return refused("member_unknown");
        }
        let Some(&(trader, _)) = self.alliance.stores.get(store as usize) else {
            return refused("store_unknown");
        };
        if let Some(&(home, until)) = self.homes.of.get(&member) {
            return if home == store && now < until {
                Outcome::nothing(Told::Done)
            } else {
                refused("home_store_bound")
            };
        }
        let contract = match self.active(trader) {
            Err(code) => return refused(code),
            Ok(contract) => contract,
        };
        let days = i64::from(contract.lock_days.unwrap_or(0));
        if days == 0 {
            return refused("home_store_closed");
        }
        self.homes.of.insert(member, (store, now + days * DAY));
        Outcome::done(Told::Done)
    }

    pub(super) fn leave_home(&mut self, member: u32, now: i64) -> Outcome {
        if !self.people.contains_key(&member) {
            return refused("member_unknown");
        }
        match self.homes.of.get_mut(&member) {
            Some((_, until)) if now < *until => {
                *until = now;
                Outcome::done(Told::Done)
            }
            _ => Outcome::nothing(Told::Done),
        }
    }

    /// Who gets how much of a take on a member, elsewhere than at this store.
    fn home_share(
        &self,
        member: u32,
        store: Option<u32>,
        take: i64,
        now: i64,
    ) -> Option<(u32, i64)> {
        let &(home, until) = self.homes.of.get(&member)?;
        if until <= now || store == Some(home) {
            return None;
        }
        let &(trader, _) = self.alliance.stores.get(home as usize)?;
        let rate = self.trader(trader)?.contract.origin_share?;
        let amount = share(take, i64::from(rate.0));
        (0 < amount).then_some((trader, amount))
    }

    /// A bill was just paid, and is not booked yet.
    pub(super) fn share_of_bill(&mut self, number: u64, now: i64) {
        let Some(tab) = self.tab(number).cloned() else {
            return;
        };
        let take = tab.take();
        let Some((trader, amount)) = self.home_share(tab.member, Some(tab.store), take, now) else {
            return;
        };
        let ahead = match tab.taker() {
            CashTaker::Platform => 0,
            CashTaker::Store => self.owed_by(tab.trader) + self.being_set_off(tab.trader) + take,
        };
        let waits = Waits {
            trader,
            amount,
            debtor: tab.trader,
            ahead,
            until: now + 30 * DAY,
        };
        self.homes.given += amount;
        self.homes.waiting.insert(number, waits);
    }

    /// A bill was taken back: its share with it.
    pub(super) fn share_goes_back(&mut self, number: u64) {
        if let Some(waits) = self.homes.waiting.remove(&number) {
            self.homes.given -= waits.amount;
        }
    }

    /// A merchant owes less: of what was before all of his bills, or before those after one.
    pub(super) fn owes_less(&mut self, trader: u32, less: i64, after: Option<u64>) {
        for (number, waits) in &mut self.homes.waiting {
            if waits.debtor == trader && after.is_none_or(|after| after < *number) {
                waits.ahead -= less;
            }
        }
    }

    /// What has become payable of a merchant's shares; nobody waits for himself.
    pub(super) fn shares_ripen(&mut self, trader: u32, now: i64) -> i64 {
        let ripe = self.homes.waiting.extract_if(.., |_, waits| {
            let settled = waits.ahead <= 0 || waits.debtor == trader;
            waits.trader == trader && settled && waits.until <= now
        });
        ripe.map(|(_, waits)| waits.amount).sum()
    }

    /// Goods are kept: the buyer's home store has its share at once of what they brought.
    pub(super) fn share_of_goods(&mut self, number: u64, now: i64) {
        let Some(of) = self.buying(number).cloned() else {
            return;
        };
        let ware = self.market.wares.get(of.ware as usize);
        let each = ware.map_or(0, |ware| ware.terms.cost.0);
        let take = of.cash() - of.cost - each * of.own;
        if let Some((trader, amount)) = self.home_share(of.member, None, take, now) {
            self.homes.given += amount;
            self.is_due(trader, amount);
        }
    }

    /// What waits for a merchant.
    pub(super) fn waits_for(&self, trader: u32) -> i64 {
        let waiting = self.homes.waiting.values();
        let his = waiting.filter(|waits| waits.trader == trader);
        his.map(|waits| waits.amount).sum()
    }
}
