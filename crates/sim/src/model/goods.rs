//! Rules 9: what winners get, and rewards that wait for their return windows.

use super::{DAY, Good, GoodStage, Mistake, Model, Outcome, Told, refused};

impl Model {
    /// A winner's order; numbers follow each other.
    pub(super) fn order(&mut self, good: Good) {
        let number = u64::try_from(self.goods.len()).unwrap_or(u64::MAX);
        let group = good.group;
        self.goods.insert(number, good);
        self.index.moving_goods.insert(number);
        self.index.goods_of.entry(group).or_default().push(number);
        self.touched.goods.insert(number);
    }

    pub(super) fn ship(&mut self, good: u64, now: i64) -> Outcome {
        let Some(good) = self.open_good(good) else {
            return refused("order_unknown");
        };
        if good.stage != GoodStage::Paid {
            return refused("order_state");
        }
        good.stage = GoodStage::Shipped {
            received_by: now + 15 * DAY,
        };
        Outcome::done(Told::Done)
    }

    pub(super) fn receive(&mut self, good: u64, member: u32, now: i64) -> Outcome {
        let Some(good) = self.open_good(good) else {
            return refused("order_unknown");
        };
        if good.member != member {
            return refused("order_not_yours");
        }
        if !matches!(good.stage, GoodStage::Shipped { .. }) {
            return refused("order_state");
        }
        good.stage = GoodStage::Received {
            kept_at: now + 7 * DAY,
        };
        Outcome::done(Told::Done)
    }

    /// The winner sends it back while the window is open.
    pub(super) fn send_home(&mut self, good: u64, member: u32, now: i64) -> Outcome {
        let Some(good) = self.open_good(good) else {
            return refused("order_unknown");
        };
        if good.member != member {
            return refused("order_not_yours");
        }
        if !matches!(good.stage, GoodStage::Received { .. }) {
            return refused("order_state");
        }
        good.stage = GoodStage::Returning {
            back_by: now + 15 * DAY,
        };
        Outcome::done(Told::Done)
    }

    pub(super) fn arrived_home(&mut self, number: u64) -> Outcome {
        let Some(good) = self.open_good(number) else {
            return refused("order_unknown");
        };
        if !matches!(good.stage, GoodStage::Returning { .. }) {
            return refused("order_state");
        }
        self.is_back(number);
        Outcome::done(Told::Done)
    }

    /// The price goes back; the seat's rewards are taken back, and the last winner's return takes all if nobody kept his.
    fn is_back(&mut self, number: u64) {
        let Some(good) = self.goods.get_mut(&number) else {
            return;
        };
        good.stage = GoodStage::Returned;
        let good = good.clone();
        self.index.moving_goods.remove(&number);
        self.money.sales -= good.price;
        self.money.least_gain -= good.price;
        self.unit_returned(good.group);
        self.owe_back(&good.txn, good.price, good.fee_back);
        let of_group = self.index.goods_of.get(&good.group).into_iter().flatten();
        let none_kept = of_group
            .filter_map(|other| self.goods.get(other))
            .all(|other| other.stage == GoodStage::Returned);
        let keeps = self.mistake == Some(Mistake::ReturnKeepsRewards);
        let waiting = self.waiting_rewards.remove(&good.group).unwrap_or_default();
        let mut rest = Vec::new();
        for one in waiting {
            if keeps || !(none_kept || one.seat == Some(good.seat)) {
                rest.push(one);
                continue;
            }
            self.money.rewards -= one.purse.cash;
            self.money.coins -= one.purse.coins;
            self.touched.people.insert(one.member);
        }
        self.waiting_rewards.insert(good.group, rest);
        self.pay_out_if_all_over(good.group);
    }

    fn open_good(&mut self, number: u64) -> Option<&mut Good> {
        let good = self.goods.get_mut(&number)?;
        self.touched.goods.insert(number);
        (!good.stage.is_over()).then_some(good)
    }

    pub(super) fn due_in_good(&mut self, number: u64, now: i64) -> bool {
        let Some(good) = self.open_good(number) else {
            return false;
        };
        let mut changed = false;
        if let GoodStage::Shipped { received_by } = good.stage
            && received_by <= now
        {
            good.stage = GoodStage::Received {
                kept_at: received_by + 7 * DAY,
            };
            changed = true;
        }
        if let GoodStage::Received { kept_at } = good.stage
            && kept_at <= now
        {
            good.stage = GoodStage::Kept;
            let group = good.group;
            self.index.moving_goods.remove(&number);
            self.ranks.any_kept = true;
            self.count_ranks();
            self.pay_out_if_all_over(group);
            return true;
        }
        if let GoodStage::Returning { back_by } = good.stage
            && back_by <= now
        {
            self.is_back(number);
            changed = true;
        }
        changed
    }

    /// When an order becomes due by itself.
    pub(super) fn good_due_at(&self, number: u64) -> Option<i64> {
        match self.goods.get(&number)?.stage {
            GoodStage::Shipped { received_by } => Some(received_by),
            GoodStage::Received { kept_at } => Some(kept_at),
            GoodStage::Returning { back_by } => Some(back_by),
            GoodStage::Paid | GoodStage::Kept | GoodStage::Returned => None,
        }
    }

    /// The return windows of all winners have closed, or their products are back: what still waits is the members'.
    fn pay_out_if_all_over(&mut self, group: u64) {
        let of_group = self.index.goods_of.get(&group).into_iter().flatten();
        let mut of_group = of_group.filter_map(|good| self.goods.get(good));
        let early = self.mistake == Some(Mistake::VestsAtFirstKept);
        if !early && of_group.any(|good| !good.stage.is_over()) {
            return;
        }
        for one in self.waiting_rewards.remove(&group).unwrap_or_default() {
            self.person(one.member).waits.remove(&group);
            self.ready(one.member, one.purse);
        }
    }
}
