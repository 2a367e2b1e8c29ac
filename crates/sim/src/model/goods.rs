//! Rules 9: what winners get, and rewards that wait for their return windows.

use super::{DAY, Good, GoodStage, Mistake, Model, Outcome, Told, refused};

impl Model {
    /// A winner's order; numbers follow each other.
    pub(super) fn order(&mut self, group: u64, member: u32) {
        let number = u64::try_from(self.goods.len()).unwrap_or(u64::MAX);
        let good = Good {
            group,
            member,
            stage: GoodStage::Paid,
        };
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

    fn open_good(&mut self, number: u64) -> Option<&mut Good> {
        let good = self.goods.get_mut(&number)?;
        self.touched.goods.insert(number);
        (good.stage != GoodStage::Kept).then_some(good)
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
            changed = true;
            let group = good.group;
            self.index.moving_goods.remove(&number);
            self.pay_out_if_all_kept(group);
        }
        changed
    }

    /// When an order becomes due by itself.
    pub(super) fn good_due_at(&self, number: u64) -> Option<i64> {
        match self.goods.get(&number)?.stage {
            GoodStage::Shipped { received_by } => Some(received_by),
            GoodStage::Received { kept_at } => Some(kept_at),
            GoodStage::Paid | GoodStage::Kept => None,
        }
    }

    /// The return windows of all winners have closed: what waited for them is the members'.
    fn pay_out_if_all_kept(&mut self, group: u64) {
        let of_group = self.index.goods_of.get(&group).into_iter().flatten();
        let mut of_group = of_group.filter_map(|good| self.goods.get(good));
        let early = self.mistake == Some(Mistake::VestsAtFirstKept);
        if !early && of_group.any(|good| good.stage != GoodStage::Kept) {
            return;
        }
        for (member, purse) in self.waiting_rewards.remove(&group).unwrap_or_default() {
            let person = self.person(member);
            person.waits.remove(&group);
            person.ready.add(purse);
        }
    }
}
