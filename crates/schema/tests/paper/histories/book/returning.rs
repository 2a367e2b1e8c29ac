//! Orders are kept or come back, and rewards vest or are reversed (rules 9.1).

use std::collections::BTreeMap;
use std::rc::Rc;

use domain::{Event, PoolReturn, Vested};

use super::{Book, Follows, Offer, index, plan_index};
use crate::histories::life::Waiting;
use crate::oracle;

impl Book {
    /// The buyer keeps it for good.
    pub(super) fn kept(&mut self, order: u64) {
        let group = self.orders.remove(&order).unwrap();
        let life = self.lives.get_mut(&group).unwrap();
        let seat = life.open.remove(&order).unwrap();
        life.kept += 1;
        let (member, price) = (life.members[seat], life.offer.plan.price);
        let last = life.open.is_empty();
        self.town.keep(member, price);
        self.tally.add("kept", 1);
        if last {
            self.close(group);
        }
    }

    /// No return window of the group is open any more: what waits is everybody's own.
    pub(super) fn close(&mut self, group: u64) {
        let life = self.lives.get_mut(&group).unwrap();
        let waiting = std::mem::take(&mut life.waiting);
        let vested = sums(&waiting);
        if !vested.is_empty() {
            self.follows.push(Follows::Vested(group, vested.clone()));
        }
        if let Some(left) = life.sale.take() {
            let merchant = life.offer.merchant.unwrap();
            self.follows
                .push(Follows::SaleVested(group, merchant, left));
        }
        let origins = std::mem::take(&mut life.origins);
        if life.had_origins {
            let mut by_merchant: BTreeMap<usize, i128> = BTreeMap::new();
            for one in &origins {
                *by_merchant.entry(one.merchant).or_default() += one.cash;
            }
            let amounts = by_merchant.into_iter().collect();
            self.follows.push(Follows::OriginVested(group, amounts));
        }
        for (member, cash, coins, tax) in vested {
            let purse = &mut self.purses[member];
            purse.vesting -= cash;
            purse.available += cash - tax;
            purse.vesting_coins -= coins;
            purse.coins += coins;
            self.tax += tax;
        }
    }

    /// The product is back: what came from this seat is reversed, and with the last of them all, everything.
    pub(super) fn returned(&mut self, event: &Event) {
        let Event::OrderReturned {
            order,
            member,
            refund,
            amount,
            reversed,
            all,
            pool: told,
            ..
        } = event
        else {
            return;
        };
        let group = self.orders.remove(&order.0).unwrap();
        let life = self.lives.get_mut(&group).unwrap();
        let offer = Rc::clone(&life.offer);
        let plan = &offer.plan;
        let seat = life.open.remove(&order.0).unwrap();
        assert_eq!(
            (index(member.0), i128::from(amount.0)),
            (life.members[seat], plan.price)
        );
        life.back += 1;
        life.back_prizes += usize::from(life.winners.contains(&seat));
        let last = life.open.is_empty();
        let everything = last && life.kept == 0;
        assert_eq!(*all, everything);
        let (gone, stay) = std::mem::take(&mut life.waiting)
            .into_iter()
            .partition(|one: &Waiting| everything || one.seat == Some(seat));
        let gone: Vec<Waiting> = gone;
        life.coins -= gone.iter().map(|one| one.coins).sum::<i128>();
        life.waiting = stay;
        let shares: i128 = life
            .pooled
            .iter()
            .filter(|(from, _)| everything || **from == seat)
            .map(|(_, cash)| cash)
            .sum();
        life.pooled.remove(&seat);
        let ours: Vec<(usize, i128, i128)> = sums(&gone)
            .into_iter()
            .map(|(member, cash, coins, _)| (member, cash, coins))
            .collect();
        let theirs: Vec<(usize, i128, i128)> = reversed
            .iter()
            .map(|one| (index(one.member.0), one.amount.0.into(), one.coins.0.into()))
            .collect();
        assert_eq!(theirs, ours, "what is reversed in group {group}");
        let cash: i128 = ours.iter().map(|one| one.1).sum();
        let (taken, back) = self.pool_back(&offer, shares, cash, told.as_ref());
        for (member, cash, coins) in ours {
            self.purses[member].vesting -= cash;
            self.purses[member].vesting_coins -= coins;
        }
        self.lives.get_mut(&group).unwrap().short += shares - taken;
        self.refunds.insert(refund.0, group);
        self.sale_back(group, seat, back);
        self.tally.add("returned", 1);
        if last {
            self.close(group);
        }
    }

    /// What of it leaves the pool, and whether reversed rewards go into it: says what has left it, and what the owner has back in all.
    fn pool_back(
        &mut self,
        offer: &Offer,
        shares: i128,
        reversed: i128,
        told: Option<&PoolReturn>,
    ) -> (i128, i128) {
        let scale = &mut self.town.scales[plan_index(offer.terms.plan)];
        let Some(pool) = scale.pool.as_mut() else {
            assert_eq!(told, None);
            return (0, reversed);
        };
        let taken = shares.min(pool.money);
        let into = offer.plan.rest_to_pool && 0 < reversed;
        let theirs = told.map_or((0, false), |told| {
            assert_eq!(told.plan, offer.terms.plan);
            (i128::from(told.taken.0), told.reversed_in)
        });
        assert_eq!(theirs, (taken, into), "what a return does to the pool");
        pool.money -= taken;
        self.tally.add("taken out of a pool", u64::from(taken != 0));
        self.tally.add("reversed into a pool", u64::from(into));
        if into {
            pool.money += reversed;
            (taken, taken)
        } else {
            (taken, taken + reversed)
        }
    }

    /// The owner gives the price back and has the rewards again; so do home stores their share, and the channel its fee.
    fn sale_back(&mut self, group: u64, seat: usize, rewards: i128) {
        let life = self.lives.get_mut(&group).unwrap();
        let plan = &life.offer.plan;
        let each = (plan.price * plan.fee + 500_000).div_euclid(1_000_000);
        let fee = if plan.fee_kept { 0 } else { each };
        let at = life.origins.iter().position(|one| one.seat == seat);
        let origin = at.map_or(0, |at| life.origins.remove(at).cash);
        if origin != 0 {
            self.follows.push(Follows::OriginBack(group, seat, origin));
        }
        if let Some(sale) = &mut life.sale {
            let commission = oracle::commission(plan);
            let need = plan.price - commission - fee - rewards;
            let from_sales = need.min(*sale);
            *sale -= from_sales;
            let parts = [
                plan.price,
                commission,
                fee,
                rewards,
                from_sales,
                need - from_sales,
            ];
            self.follows.push(Follows::SaleBack(group, parts));
            life.owner -= need;
            life.platform += origin - commission;
        } else {
            let less = plan.price - fee - rewards - origin;
            life.owner -= less;
            life.platform -= less;
        }
    }

    pub(super) fn vested(&mut self, group: u64, amounts: &[Vested]) {
        let theirs = amounts.iter().map(|one| {
            let tax = one
                .withheld
                .map_or(0, |withheld| i128::from(withheld.tax.0));
            (
                index(one.member.0),
                one.amount.0.into(),
                one.coins.0.into(),
                tax,
            )
        });
        self.follow(&Follows::Vested(group, theirs.collect()));
        self.tally.add("vested", 1);
    }
}

/// By member: cash, coins and the tax on them.
fn sums(waiting: &[Waiting]) -> Vec<(usize, i128, i128, i128)> {
    let mut by_member: BTreeMap<usize, (i128, i128, i128)> = BTreeMap::new();
    for one in waiting {
        let sum = by_member.entry(one.member).or_default();
        *sum = (sum.0 + one.cash, sum.1 + one.coins, sum.2 + one.tax);
    }
    let each = |(member, (cash, coins, tax))| (member, cash, coins, tax);
    by_member.into_iter().map(each).collect()
}
