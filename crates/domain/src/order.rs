//! What buyers get, until their return window has closed (rules 9.4).

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};

use crate::{
    Coins, Due, Duration, Event, Fulfilment, GroupId, MemberId, Millis, Money, OrderId, Overflow,
    PaymentId, PendingRefund, PoolReturn, Rate, RefundId, Refusal, ShopRefusal, Txn, Vested, World,
    world::{VestingGroup, WaitingReward},
};

/// After this long what a winner has neither been sent nor fetched can be given up by staff.
pub const GIVEN_UP_AFTER: Duration = Duration::seconds(90 * 86_400);
/// After this long a shipped order counts as received.
pub const RECEIVED_AFTER: Duration = Duration::seconds(15 * 86_400);
/// How long a received order may be returned.
pub const RETURN_WINDOW: Duration = Duration::seconds(7 * 86_400);
/// After this long a product that was sent back counts as back.
pub const BACK_AFTER: Duration = Duration::seconds(15 * 86_400);

/// An order whose return window is still open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Order {
    /// From which group.
    #[n(0)]
    pub group: GroupId,
    /// Whose.
    #[n(1)]
    pub member: MemberId,
    /// Which seat won.
    #[n(2)]
    pub seat: u32,
    /// How far it is.
    #[n(3)]
    pub state: OrderState,
    /// What it was paid with.
    #[n(4)]
    pub paid: OrderPayment,
    /// When its group was settled.
    #[n(5)]
    pub settled_at: Millis,
}

/// What an order was paid with: all that goes back if the product is returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct OrderPayment {
    /// The reservation it grew from.
    #[n(0)]
    pub index: u32,
    /// The provider's name of the payment.
    #[n(1)]
    pub txn: Txn,
    /// What was paid.
    #[n(2)]
    pub amount: Money,
    /// The part of its fee that the channel gives back with it.
    #[n(3)]
    pub fee_back: Money,
}

/// How far an order is. After `Received` it is kept, after `Returning` returned; then it leaves memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum OrderState {
    /// Paid, not on its way yet.
    #[n(0)]
    Paid,
    /// On its way.
    #[n(1)]
    Shipped {
        /// When it counts as received.
        #[n(0)]
        received_by: Millis,
    },
    /// The winner has it.
    #[n(2)]
    Received {
        /// When the return window closes.
        #[n(0)]
        kept_at: Millis,
    },
    /// It is on its way back.
    #[n(3)]
    Returning {
        /// When it counts as back.
        #[n(0)]
        back_by: Millis,
    },
}

impl World {
    pub(crate) fn decide_ship(
        &self,
        order: OrderId,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let known = self.require_order(order)?;
        if self.fulfilment_of(known) != Fulfilment::Ship {
            return Err(Refusal::OrderState(order));
        }
        match known.state {
            OrderState::Paid => {
                events.push(Event::OrderShipped {
                    order,
                    received_by: now.after(RECEIVED_AFTER),
                });
                Ok(())
            }
            OrderState::Shipped { .. }
            | OrderState::Received { .. }
            | OrderState::Returning { .. } => Err(Refusal::OrderState(order)),
        }
    }

    pub(crate) fn decide_receive(
        &self,
        order: OrderId,
        member: MemberId,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        match self.require_own_order(order, member)?.state {
            OrderState::Shipped { .. } => {
                events.push(Event::OrderReceived {
                    order,
                    kept_at: now.after(RETURN_WINDOW),
                });
                Ok(())
            }
            OrderState::Paid | OrderState::Received { .. } | OrderState::Returning { .. } => {
                Err(Refusal::OrderState(order))
            }
        }
    }

    /// Only what was received can be sent back, and only until the window closes: at its end it is too late (rules 2.7).
    pub(crate) fn decide_return(
        &self,
        order: OrderId,
        member: MemberId,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let known = self.require_own_order(order, member)?;
        match known.state {
            OrderState::Paid if self.fulfilment_of(known) != Fulfilment::Ship => {
                // Nobody has fetched it: there is nothing to send back.
                self.take_back(order, known, events)?;
                Ok(())
            }
            OrderState::Received { .. } => {
                events.push(Event::OrderReturning {
                    order,
                    back_by: now.after(BACK_AFTER),
                });
                Ok(())
            }
            OrderState::Paid | OrderState::Shipped { .. } | OrderState::Returning { .. } => {
                Err(Refusal::OrderState(order))
            }
        }
    }

    pub(crate) fn decide_take_back(
        &self,
        order: OrderId,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let known = self.require_order(order)?;
        match known.state {
            OrderState::Returning { .. } => {
                self.take_back(order, known, events)?;
                Ok(())
            }
            OrderState::Paid | OrderState::Shipped { .. } | OrderState::Received { .. } => {
                Err(Refusal::OrderState(order))
            }
        }
    }

    /// By an operator, who says why: nobody can be reached, or has fetched it. Not before ninety days have passed, for it was won.
    pub(crate) fn decide_give_up_order(
        &self,
        order: OrderId,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let known = self.require_order(order)?;
        match known.state {
            OrderState::Paid => {
                let from = known.settled_at.after(GIVEN_UP_AFTER);
                if now < from {
                    return Err(ShopRefusal::OrderWaits { order, from }.into());
                }
                self.take_back(order, known, events)?;
                Ok(())
            }
            OrderState::Shipped { .. }
            | OrderState::Received { .. }
            | OrderState::Returning { .. } => Err(Refusal::OrderState(order)),
        }
    }

    /// The price goes back, and what came from the seat is reversed. With the last order of the group the rest vests, or is
    /// reversed, too, if nobody has kept his (rules 9.1).
    fn take_back(
        &self,
        order: OrderId,
        known: &Order,
        events: &mut Vec<Event>,
    ) -> Result<(), Overflow> {
        let none = VestingGroup::default();
        let waiting = self.vesting.get(&known.group).unwrap_or(&none);
        let is_last = waiting.open_orders <= 1;
        let all_returned = is_last && !waiting.any_kept;
        let goes = |reward: &&WaitingReward| all_returned || reward.source_seat == Some(known.seat);
        let reversed = by_member(waiting.rewards.iter().filter(goes), Rate(0));
        let shares = waiting
            .pooled
            .iter()
            .filter(|share| all_returned || share.seat == known.seat);
        let shares = shares.map(|share| share.cash);
        let pool = self.decide_pool_return(known.group, shares, &reversed);
        let sale = self.decide_reversed((order, known), &reversed, pool.as_ref())?;
        events.push(Event::OrderReturned {
            order,
            payment: PaymentId {
                group: known.group,
                index: known.paid.index,
            },
            member: known.member,
            refund: RefundId(self.next_refund),
            amount: known.paid.amount,
            reversed,
            all: all_returned,
            pool,
        });
        events.extend(sale);
        events.extend(self.decide_origin_back((order, known)));
        let rest = waiting.rewards.iter().filter(|reward| !goes(reward));
        let rest = by_member(rest, self.tax_of(known.group));
        if is_last && !rest.is_empty() {
            events.push(Event::RewardsVested {
                group: known.group,
                amounts: rest,
            });
        }
        self.decide_sale_vested(known.group, events);
        Ok(())
    }

    /// What time has made due in an order. The return window is counted from the moment the order counted as
    /// received, even if that is noticed later.
    pub(crate) fn due_in_order(&self, order: OrderId, now: Millis, events: &mut Vec<Event>) {
        let Some(known) = self.orders.get(&order) else {
            return;
        };
        let kept_at = match known.state {
            OrderState::Paid => {
                if self.fetch_by(order).is_some_and(|until| until <= now) {
                    // A voucher that nobody has used: as if it had been returned.
                    let _ = self.take_back(order, known, events);
                }
                return;
            }
            OrderState::Shipped { received_by } if received_by <= now => {
                let kept_at = received_by.after(RETURN_WINDOW);
                events.push(Event::OrderReceived { order, kept_at });
                kept_at
            }
            OrderState::Shipped { .. } => return,
            OrderState::Received { kept_at } => kept_at,
            OrderState::Returning { back_by } => {
                if back_by <= now {
                    // Cannot fail: these are parts of amounts that were counted when the group was settled.
                    let _ = self.take_back(order, known, events);
                }
                return;
            }
        };
        if kept_at <= now {
            events.push(Event::OrderKept { order });
            self.decide_vesting(known.group, events);
        }
    }

    /// The group's last open order is being kept: its vesting rewards become available (rules 9.1).
    pub(crate) fn decide_vesting(&self, group: GroupId, events: &mut Vec<Event>) {
        if let Some(vesting) = self
            .vesting
            .get(&group)
            .filter(|vesting| vesting.open_orders == 1)
            && !vesting.rewards.is_empty()
        {
            events.push(Event::RewardsVested {
                group,
                amounts: by_member(vesting.rewards.iter(), self.tax_of(group)),
            });
        }
        self.decide_sale_vested(group, events);
    }

    pub(crate) fn apply_order_state(&mut self, order: OrderId, state: OrderState) {
        let Some(known) = self.orders.get_mut(&order) else {
            self.corrupt("an order that is not open changed its state");
            return;
        };
        known.state = state;
        match state {
            OrderState::Paid => {}
            OrderState::Shipped { received_by } => self.push_timer(received_by, Due::Order(order)),
            OrderState::Received { kept_at } => self.push_timer(kept_at, Due::Order(order)),
            OrderState::Returning { back_by } => self.push_timer(back_by, Due::Order(order)),
        }
    }

    pub(crate) fn apply_order_kept(&mut self, order: OrderId) {
        let Some(known) = self.orders.remove(&order) else {
            self.corrupt("an order that is not open was kept");
            return;
        };
        let price = self
            .campaign_of(known.group)
            .map_or(Money::ZERO, |campaign| campaign.terms.group.price);
        self.count_kept(known.member, price);
        self.weigh_sale(known.member, price);
        self.order_is_over(known.group, |vesting| vesting.any_kept = true);
    }

    pub(crate) fn apply_order_returned(
        &mut self,
        order: OrderId,
        (refund, amount): (RefundId, Money),
        (all, pool): (bool, Option<PoolReturn>),
    ) {
        let Some(known) = self.orders.remove(&order) else {
            self.corrupt("an order that is not open was returned");
            return;
        };
        self.is_fetched(order);
        self.apply_refund_due(PendingRefund {
            refund,
            txn: known.paid.txn,
            amount,
            payment: Some(PaymentId {
                group: known.group,
                index: known.paid.index,
            }),
            fee_back: known.paid.fee_back,
        });
        self.count_returned(known.group);
        self.order_is_over(known.group, |vesting| {
            vesting
                .rewards
                .retain(|reward| !all && reward.source_seat != Some(known.seat));
            vesting.pooled.retain(|share| share.seat != known.seat);
        });
        if let Some(pool) = pool.filter(|pool| pool.reversed_in) {
            self.fill_pool(pool.plan);
        }
    }

    /// One order fewer waits. Without any, and with nothing to vest, the group's record goes.
    fn order_is_over(&mut self, group: GroupId, how: impl FnOnce(&mut VestingGroup)) {
        if let Some(vesting) = self.vesting.get_mut(&group) {
            how(vesting);
            vesting.open_orders = vesting.open_orders.saturating_sub(1);
            if vesting.open_orders == 0 && vesting.rewards.is_empty() {
                self.vesting.remove(&group);
            }
        }
    }

    fn require_own_order(&self, order: OrderId, member: MemberId) -> Result<&Order, Refusal> {
        let known = self.require_order(order)?;
        if known.member == member {
            Ok(known)
        } else {
            Err(Refusal::NotYourOrder(order))
        }
    }

    fn require_order(&self, order: OrderId) -> Result<&Order, Refusal> {
        self.orders.get(&order).ok_or(Refusal::UnknownOrder(order))
    }
}

/// What rewards add up to for each member, in the order of their numbers, with this much withheld of those that are taxed.
pub(crate) fn by_member<'a>(
    rewards: impl Iterator<Item = &'a WaitingReward>,
    tax: Rate,
) -> Vec<Vested> {
    let mut sums: BTreeMap<MemberId, Vested> = BTreeMap::new();
    for reward in rewards {
        let sum = sums.entry(reward.member).or_insert(Vested {
            member: reward.member,
            amount: Money::ZERO,
            coins: Coins::ZERO,
            withheld: None,
        });
        sum.amount.0 = sum.amount.0.saturating_add(reward.cash.0);
        sum.coins.0 = sum.coins.0.saturating_add(reward.coins.0);
        if reward.taxed {
            // Cannot fail: it is less than the reward.
            let on_it = reward.cash.share(tax).unwrap_or(Money::ZERO);
            let withheld = sum.withheld.get_or_insert_default();
            withheld.of.0 = withheld.of.0.saturating_add(reward.cash.0);
            withheld.tax.0 = withheld.tax.0.saturating_add(on_it.0);
        }
    }
    sums.into_values().collect()
}
