//! The world as bytes, so that a start need not replay the whole journal.
//!
//! Only what cannot be derived is stored; indexes and timers are rebuilt. The bytes of equal worlds are equal,
//! which is how tests and the audit compare a replay with a running world.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};

use crate::{
    Actor, Campaign, Due, GroupId, KeySlot, MemberId, Millis, Order, OrderId, OrderState,
    PaymentId, PendingRefund, PublishedCampaign, RefundId, World,
    group::{GroupSlot, TxnPlace},
    member::Member,
    world::{PlatformBooks, VestingGroup},
};

/// The format below; another one is refused, and the journal replayed instead.
const FORMAT: u32 = 1;

/// A snapshot cannot be used; the journal can be replayed without it.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The bytes are not a snapshot.
    #[error("the snapshot cannot be read: {0}")]
    Unreadable(#[from] minicbor::decode::Error),
    /// It was written by another version.
    #[error("the snapshot has format {0}, this program reads {FORMAT}")]
    OtherFormat(u32),
}

#[derive(Encode)]
struct Stored<'a> {
    #[n(0)]
    format: u32,
    #[n(1)]
    now: Millis,
    #[n(2)]
    members: &'a Vec<Member>,
    #[n(3)]
    campaigns: Vec<(&'a Campaign, Millis)>,
    #[n(4)]
    groups: &'a Vec<GroupSlot>,
    #[n(5)]
    refunds: &'a BTreeMap<RefundId, PendingRefund>,
    #[n(6)]
    next_refund: u64,
    #[n(7)]
    orders: &'a BTreeMap<OrderId, Order>,
    #[n(8)]
    next_order: u64,
    #[n(9)]
    vesting: &'a BTreeMap<GroupId, VestingGroup>,
    #[n(10)]
    books: PlatformBooks,
    #[n(11)]
    promised: i64,
    #[n(12)]
    staff_keys: BTreeMap<&'a Actor, &'a Vec<KeySlot>>,
}

#[derive(Decode)]
struct Loaded {
    #[n(1)]
    now: Millis,
    #[n(2)]
    members: Vec<Member>,
    #[n(3)]
    campaigns: Vec<(Campaign, Millis)>,
    #[n(4)]
    groups: Vec<GroupSlot>,
    #[n(5)]
    refunds: BTreeMap<RefundId, PendingRefund>,
    #[n(6)]
    next_refund: u64,
    #[n(7)]
    orders: BTreeMap<OrderId, Order>,
    #[n(8)]
    next_order: u64,
    #[n(9)]
    vesting: BTreeMap<GroupId, VestingGroup>,
    #[n(10)]
    books: PlatformBooks,
    #[n(11)]
    promised: i64,
    #[n(12)]
    staff_keys: BTreeMap<Actor, Vec<KeySlot>>,
}

impl World {
    /// The whole state as bytes.
    pub fn to_snapshot(&self) -> Vec<u8> {
        let stored = Stored {
            format: FORMAT,
            now: self.now,
            members: &self.members,
            campaigns: self
                .campaigns
                .iter()
                .map(|campaign| (&campaign.terms, campaign.published_at))
                .collect(),
            groups: &self.groups,
            refunds: &self.refunds,
            next_refund: self.next_refund,
            orders: &self.orders,
            next_order: self.next_order,
            vesting: &self.vesting,
            books: self.books,
            promised: self.promised,
            staff_keys: self
                .staff_keys
                .iter()
                .filter(|(_, slots)| !slots.is_empty())
                .collect(),
        };
        let mut bytes = Vec::new();
        match minicbor::encode(&stored, &mut bytes) {
            Ok(()) => bytes,
            // Writing to a vector cannot fail, and no encoder in here makes errors of its own.
            Err(_) => Vec::new(),
        }
    }

    /// Reads what [`World::to_snapshot`] wrote.
    pub fn from_snapshot(bytes: &[u8]) -> Result<World, SnapshotError> {
        let mut probe = minicbor::Decoder::new(bytes);
        probe.array()?;
        let format = probe.u32()?;
        if format != FORMAT {
            return Err(SnapshotError::OtherFormat(format));
        }
        let loaded: Loaded = minicbor::decode(bytes)?;
        let campaigns = loaded
            .campaigns
            .into_iter()
            .map(|(terms, at)| PublishedCampaign::new(terms, at));
        let mut world = World {
            now: loaded.now,
            members: loaded.members,
            campaigns: campaigns.collect(),
            groups: loaded.groups,
            refunds: loaded.refunds,
            next_refund: loaded.next_refund,
            orders: loaded.orders,
            next_order: loaded.next_order,
            vesting: loaded.vesting,
            books: loaded.books,
            promised: loaded.promised,
            staff_keys: loaded.staff_keys,
            ..World::default()
        };
        world.rebuild();
        Ok(world)
    }

    fn rebuild(&mut self) {
        self.tokens = (0u32..)
            .map(MemberId)
            .zip(&self.members)
            .map(|(id, member)| (member.token, id))
            .collect();
        self.returning = self
            .refunds
            .values()
            .map(|pending| (pending.txn.hash(), pending.refund))
            .collect();
        let mut live = Vec::new();
        for (id, slot) in (0u64..).map(GroupId).zip(&self.groups) {
            let GroupSlot::Live(group) = slot else {
                continue;
            };
            live.push(id);
            for (index, seat) in (0u32..).zip(&group.seats) {
                self.seat_of.insert((id, seat.member), index);
                if let Some(txn) = seat.txn {
                    let payment = PaymentId { group: id, index };
                    self.payments.insert(txn.hash(), TxnPlace::Seat(payment));
                }
            }
            for (at, txn) in group.returned.iter().enumerate() {
                self.payments
                    .insert(txn.hash(), TxnPlace::Returned { group: id, at });
            }
        }
        for id in live {
            if let Some(round_time) = self.round_time(id) {
                self.awaiting.insert((round_time, id));
            }
            self.schedule(id);
        }
        let orders: Vec<(OrderId, OrderState)> = self
            .orders
            .iter()
            .map(|(&id, order)| (id, order.state))
            .collect();
        for (id, state) in orders {
            match state {
                OrderState::Paid => {}
                OrderState::Shipped { received_by } => self.push_timer(received_by, Due::Order(id)),
                OrderState::Received { kept_at } => self.push_timer(kept_at, Due::Order(id)),
            }
        }
        self.rebuild_key_expiries();
    }
}
