//! What winners get, until their return window has closed (rules 9.4). Returns themselves are not built yet.

use minicbor::{Decode, Encode};

use crate::{Due, Duration, Event, GroupId, MemberId, Millis, OrderId, Refusal, World};

/// After this long a shipped order counts as received.
pub const RECEIVED_AFTER: Duration = Duration::seconds(15 * 86_400);
/// How long a received order may be returned.
pub const RETURN_WINDOW: Duration = Duration::seconds(7 * 86_400);

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
}

/// How far an order is. After `Received` it is kept, and leaves memory.
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
}

impl World {
    pub(crate) fn decide_ship(
        &self,
        order: OrderId,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        match self.require_order(order)?.state {
            OrderState::Paid => {
                events.push(Event::OrderShipped {
                    order,
                    received_by: now.after(RECEIVED_AFTER),
                });
                Ok(())
            }
            OrderState::Shipped { .. } | OrderState::Received { .. } => {
                Err(Refusal::OrderState(order))
            }
        }
    }

    pub(crate) fn decide_receive(
        &self,
        order: OrderId,
        member: MemberId,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let known = self.require_order(order)?;
        if known.member != member {
            return Err(Refusal::NotYourOrder(order));
        }
        match known.state {
            OrderState::Shipped { .. } => {
                events.push(Event::OrderReceived {
                    order,
                    kept_at: now.after(RETURN_WINDOW),
                });
                Ok(())
            }
            OrderState::Paid | OrderState::Received { .. } => Err(Refusal::OrderState(order)),
        }
    }

    /// What time has made due in an order. The return window is counted from the moment the order counted as
    /// received, even if that is noticed later.
    pub(crate) fn due_in_order(&self, order: OrderId, now: Millis, events: &mut Vec<Event>) {
        let Some(known) = self.orders.get(&order) else {
            return;
        };
        let kept_at = match known.state {
            OrderState::Paid => return,
            OrderState::Shipped { received_by } if received_by <= now => {
                let kept_at = received_by.after(RETURN_WINDOW);
                events.push(Event::OrderReceived { order, kept_at });
                kept_at
            }
            OrderState::Shipped { .. } => return,
            OrderState::Received { kept_at } => kept_at,
        };
        if kept_at <= now {
            events.push(Event::OrderKept { order });
            self.decide_vesting(known.group, events);
        }
    }

    /// The group's last open order is being kept: its vesting rewards become available (rules 9.1).
    fn decide_vesting(&self, group: GroupId, events: &mut Vec<Event>) {
        if let Some(vesting) = self
            .vesting
            .get(&group)
            .filter(|vesting| vesting.open_orders == 1)
            && !vesting.amounts.is_empty()
        {
            events.push(Event::RewardsVested {
                group,
                amounts: vesting.amounts.clone(),
            });
        }
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
        }
    }

    pub(crate) fn apply_order_kept(&mut self, order: OrderId) {
        let Some(known) = self.orders.remove(&order) else {
            self.corrupt("an order that is not open was kept");
            return;
        };
        if let Some(vesting) = self.vesting.get_mut(&known.group) {
            vesting.open_orders = vesting.open_orders.saturating_sub(1);
            if vesting.open_orders == 0 && vesting.amounts.is_empty() {
                self.vesting.remove(&known.group);
            }
        }
    }

    fn require_order(&self, order: OrderId) -> Result<&Order, Refusal> {
        self.orders.get(&order).ok_or(Refusal::UnknownOrder(order))
    }
}
