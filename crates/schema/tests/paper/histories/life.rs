//! What becomes of a group after its settlement: returns, and what its owner has of it in the end (rules 8, 9.1).

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use domain::{Returns, Solvency};

use super::book::Offer;
use crate::gate;

/// A reward that waits for the group's return windows.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub(crate) member: usize,
    pub(crate) seat: Option<usize>,
    pub(crate) cash: i128,
    pub(crate) coins: i128,
    /// What will be withheld of it.
    pub(crate) tax: i128,
}

/// What a buyer's home store gets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    pub(crate) seat: usize,
    pub(crate) store: usize,
    pub(crate) merchant: usize,
    pub(crate) cash: i128,
}

/// What the domain prints for so many winners.
#[derive(Clone, Debug)]
pub(crate) struct Printed {
    pub(crate) lines: Solvency,
    pub(crate) returns: Returns,
}

/// A settled group.
pub(crate) struct Life {
    pub(crate) offer: Rc<Offer>,
    /// What is printed for as many winners.
    pub(crate) printed: Rc<Printed>,
    /// By seat.
    pub(crate) members: Vec<usize>,
    pub(crate) winners: BTreeSet<usize>,
    pub(crate) buyers: usize,
    /// Orders whose return window is open, with their seats.
    pub(crate) open: BTreeMap<u64, usize>,
    pub(crate) kept: usize,
    pub(crate) back: usize,
    /// Of those the ones that came back with a prize, where there are prizes.
    pub(crate) back_prizes: usize,
    pub(crate) waiting: Vec<Waiting>,
    pub(crate) pooled: BTreeMap<usize, i128>,
    /// What of it came back too late: the pool had been shared, and the next one did not reach.
    pub(crate) short: i128,
    /// Coins that it has given and not taken back.
    pub(crate) coins: i128,
    pub(crate) origins: Vec<Origin>,
    pub(crate) had_origins: bool,
    /// What is left of a merchant's sales while return windows are open.
    pub(crate) sale: Option<i128>,
    /// What the owner and the platform have of it, as counted here.
    pub(crate) owner: i128,
    pub(crate) platform: i128,
    /// The same as the world's ledger lines say.
    pub(crate) told_platform: i128,
    pub(crate) told_merchant: i128,
}

impl Life {
    /// What is promised of a group whose return windows have all closed and whose refunds have all been paid.
    pub(crate) fn check(&self, group: u64) {
        let told_owner = match self.offer.merchant {
            Some(_) => self.told_merchant,
            None => self.told_platform,
        };
        let told = (told_owner, self.told_platform);
        let ours = (self.owner, self.platform);
        let context = || {
            format!(
                "group {group}, {} of {} returned, of\n{}\n{:#?}",
                self.back, self.buyers, self.offer.text, self.printed
            )
        };
        assert_eq!(
            told,
            ours,
            "what the owner and the platform have of {}",
            context()
        );
        let promised = self.promised();
        // Only the line of some returns counts what is back.
        let some = self.back != 0 && self.back != self.buyers;
        let left = self.owner + if some { self.in_stock() } else { 0 };
        assert!(
            promised <= left,
            "{left} is left of {promised} in {}",
            context()
        );
        let with_coins = self.owner + self.in_stock() - self.coins;
        assert!(
            i128::from(self.printed.returns.with_coins.0) <= with_coins,
            "{with_coins} is left with coins at face in {}",
            context()
        );
        if self.back == 0 {
            let platform = i128::from(self.printed.lines.platform.0);
            assert!(platform <= self.platform, "the platform's of {}", context());
        }
        if self.offer.merchant.is_some() {
            assert!(0 <= self.platform, "the platform's of {}", context());
        }
    }

    /// The line that holds for so many returns, of the domain's and the oracle's the higher. Where some return, and not all,
    /// it is the least of all numbers of returns.
    fn promised(&self) -> i128 {
        let (plan, lines) = (&self.offer.plan, &self.printed.lines);
        let winners = i128::try_from(self.winners.len()).unwrap();
        if self.back == 0 {
            let worst = gate::owners(plan, gate::worst_with(plan, winners));
            return worst.max(lines.worst.0.into());
        }
        let all = i128::from(lines.all_winners_return.0);
        if self.back == self.buyers {
            return all.max(gate::all_return(plan, winners));
        }
        let all = all + i128::from(lines.returned_stock.0);
        match &self.printed.returns.some {
            Some(some) => all.min((some.left.0 + some.stock.0).into()),
            None => all,
        }
    }

    /// What the units cost that are back.
    fn in_stock(&self) -> i128 {
        let plan = &self.offer.plan;
        if self.offer.merchant.is_some() {
            return 0;
        }
        let prizes = if plan.kind == "bonus-draw" {
            self.back_prizes
        } else {
            0
        };
        let products = plan.cost * i128::try_from(self.back).unwrap();
        products + plan.prize * i128::try_from(prizes).unwrap()
    }
}
