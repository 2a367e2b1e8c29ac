//! What has something due, and when (rules 2.7).

use std::cmp::Reverse;

use crate::{Due, Millis, OrderState, Timer, World};

impl World {
    /// The earliest timer; submit [`Command::Tick`] for it when its time has come.
    pub fn next_timer(&mut self) -> Option<Timer> {
        self.due_timer(Millis(i64::MAX))
    }

    /// The earliest timer, if its time has come by `now`.
    pub fn due_timer(&mut self, now: Millis) -> Option<Timer> {
        while let Some(&Reverse((queued, due))) = self.timers.peek() {
            if now < queued {
                return None;
            }
            let actual = self.due_time(due);
            if actual == Some(queued) {
                return Some((queued, due));
            }
            self.timers.pop();
            if let Due::Group(id) = due
                && let Some(group) = self.live_mut(id)
            {
                group.has_deadline_timer &= queued != group.expires_at;
                if group.timer == Some(queued) {
                    group.timer = None;
                    self.schedule(id);
                }
            }
        }
        None
    }

    /// No timer is due before this moment; there may be none at it either. Costs nothing, as [`World::next_timer`] and
    /// [`World::due_timer`] do not: they look at the group or order that a queued timer is about.
    pub fn no_timer_before(&self) -> Option<Millis> {
        self.timers.peek().map(|&Reverse((queued, _))| queued)
    }

    fn due_time(&self, due: Due) -> Option<Millis> {
        match due {
            Due::Group(group) => {
                let due = self.live(group)?.due_at();
                due.or_else(|| self.ballot_due_at(group))
            }
            Due::Order(order) => match self.orders.get(&order)?.state {
                OrderState::Paid => self.fetch_by(order),
                OrderState::Shipped { received_by } => Some(received_by),
                OrderState::Received { kept_at } => Some(kept_at),
                OrderState::Returning { back_by } => Some(back_by),
            },
            Due::Day => self.people.count_at,
            Due::Dividends(plan) => self.dividends.due_at(plan),
            Due::Coins => self.lots.look_at,
            Due::Purchase(purchase) => self.purchase_due_at(purchase),
            Due::Sku(sku) => self.sku_due_at(sku),
            Due::Recharge(recharge) => self.recharge_due_at(recharge),
            Due::Statements => self.statements_due_at(),
            Due::Counter(counter) => self.counter_due_at(counter),
        }
    }

    pub(crate) fn push_timer(&mut self, at: Millis, due: Due) {
        self.timers.push(Reverse((at, due)));
    }
}
