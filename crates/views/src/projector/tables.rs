//! The rows a batch holds in memory, and the columns they are written to.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::{
    Account, CampaignId, Closing, GroupId, GroupState, MemberId, Millis, Money, OrderId, PaymentId,
    PublishedCampaign, RefundId, Txn,
};
use draw::Hash;

use crate::db::{Table, Value};
use crate::names::{DrawStatus, OrderStatus, RefundReason, SeatStatus, Word};

pub(super) const MEMBER: Table = Table {
    name: "member",
    columns: &[
        "id",
        "inviter",
        "registered_at",
        "in_groups",
        "settled_seats",
        "won_seats",
    ],
    replaces_by: 1,
};
pub(super) const CAMPAIGN: Table = Table {
    name: "campaign",
    columns: &[
        "id",
        "name_zh",
        "name_en",
        "price",
        "seats",
        "winners",
        "published_at",
        "hash",
        "terms",
        "file",
    ],
    replaces_by: 0,
};
pub(super) const GROUP: Table = Table {
    name: "group_",
    columns: &[
        "id",
        "campaign",
        "leader",
        "state",
        "opened_at",
        "expires_at",
        "paid",
        "held",
        "filled_at",
        "ended_at",
        "closing",
    ],
    replaces_by: 1,
};
pub(super) const SEAT: Table = Table {
    name: "seat",
    columns: &[
        "group_id",
        "idx",
        "member",
        "via",
        "state",
        "seat_no",
        "reserved_at",
        "pay_by",
        "paid_at",
        "amount",
        "txn",
        "tag",
        "refund",
        "refunded_for",
        "order_id",
    ],
    replaces_by: 2,
};
pub(super) const PAYMENT: Table = Table {
    name: "payment",
    columns: &[
        "txn", "seq", "at", "group_id", "idx", "member", "amount", "fee", "state", "reason",
    ],
    replaces_by: 0,
};
pub(super) const REFUND: Table = Table {
    name: "refund",
    columns: &[
        "id",
        "txn",
        "group_id",
        "idx",
        "member",
        "amount",
        "reason",
        "state",
        "created_at",
        "paid_at",
        "fee_back",
    ],
    replaces_by: 1,
};
pub(super) const ORDER: Table = Table {
    name: "order_",
    columns: &[
        "id",
        "group_id",
        "idx",
        "seat_no",
        "member",
        "campaign",
        "price",
        "state",
        "at",
        "shipped_at",
        "received_by",
        "received_at",
        "return_until",
        "kept_at",
    ],
    replaces_by: 1,
};
pub(super) const WALLET_LINE: Table = Table {
    name: "wallet_line",
    columns: &[
        "member",
        "account",
        "seq",
        "line_no",
        "at",
        "amount",
        "balance",
        "kind",
        "program",
        "group_id",
        "idx",
        "campaign",
        "source_seat",
        "generation",
        "base",
        "rate",
        "rule",
        "refund",
    ],
    replaces_by: 0,
};
pub(super) const LEDGER_LINE: Table = Table {
    name: "ledger_line",
    columns: &[
        "seq", "line_no", "at", "account", "holder", "asset", "amount", "event",
    ],
    replaces_by: 0,
};
pub(super) const BALANCE: Table = Table {
    name: "balance",
    columns: &["account", "holder", "asset", "amount"],
    replaces_by: 2,
};
pub(super) const DRAW: Table = Table {
    name: "draw_",
    columns: &[
        "group_id",
        "state",
        "open_hash",
        "seats_hash",
        "freeze_hash",
        "result_hash",
        "void_hash",
        "frozen_at",
        "round",
        "round_time",
        "signature",
        "seed",
        "winners",
    ],
    replaces_by: 1,
};
pub(super) const DRAW_FILE: Table = Table {
    name: "draw_file",
    columns: &["group_id", "name", "bytes"],
    replaces_by: 0,
};

/// A member.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) inviter: Option<MemberId>,
    pub(super) registered_at: Millis,
    pub(super) in_groups: i64,
    pub(super) settled_seats: u64,
    pub(super) won_seats: u64,
}

/// A group.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) campaign: CampaignId,
    pub(super) leader: MemberId,
    pub(super) state: GroupState,
    pub(super) opened_at: Millis,
    pub(super) expires_at: Millis,
    pub(super) paid: u32,
    pub(super) held: u32,
    pub(super) filled_at: Option<Millis>,
    pub(super) ended_at: Option<Millis>,
    pub(super) closing: Option<Closing>,
}

/// A reservation.
#[derive(Clone, Debug)]
pub(super) struct Seat {
    pub(super) member: MemberId,
    pub(super) via: Option<MemberId>,
    pub(super) state: SeatStatus,
    pub(super) seat_no: Option<u32>,
    pub(super) reserved_at: Millis,
    pub(super) pay_by: Millis,
    pub(super) paid_at: Option<Millis>,
    pub(super) amount: Option<Money>,
    pub(super) txn: Option<Txn>,
    pub(super) tag: Option<[u8; 32]>,
    pub(super) refund: Option<RefundId>,
    pub(super) refunded_for: Option<RefundReason>,
    pub(super) order: Option<OrderId>,
}

/// A refund.
#[derive(Clone, Debug)]
pub(super) struct Refund {
    pub(super) txn: Txn,
    pub(super) group: Option<GroupId>,
    pub(super) payment: Option<PaymentId>,
    pub(super) member: Option<MemberId>,
    pub(super) amount: Money,
    pub(super) reason: RefundReason,
    pub(super) created_at: Millis,
    pub(super) paid_at: Option<Millis>,
    pub(super) fee_back: Option<Money>,
}

/// An order.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) payment: PaymentId,
    pub(super) seat_no: u32,
    pub(super) member: MemberId,
    pub(super) campaign: CampaignId,
    pub(super) price: Money,
    pub(super) state: OrderStatus,
    pub(super) at: Millis,
    pub(super) shipped_at: Option<Millis>,
    pub(super) received_by: Option<Millis>,
    pub(super) received_at: Option<Millis>,
    pub(super) return_until: Option<Millis>,
    pub(super) kept_at: Option<Millis>,
}

/// A draw.
#[derive(Clone, Debug)]
pub(super) struct Draw {
    pub(super) state: DrawStatus,
    pub(super) open: Hash,
    pub(super) seats: Option<Hash>,
    pub(super) freeze: Option<Hash>,
    pub(super) result: Option<Hash>,
    pub(super) void: Option<Hash>,
    pub(super) frozen_at: Option<u64>,
    pub(super) round: Option<u64>,
    pub(super) round_time: Option<u64>,
    pub(super) signature: Option<[u8; 48]>,
    pub(super) seed: Option<Hash>,
    pub(super) winners: Option<Vec<u32>>,
}

/// Rows of a batch. Maps hold rows that may exist already and are all written back; lists hold new rows, flat.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) campaigns: BTreeMap<CampaignId, Arc<PublishedCampaign>>,
    pub(super) members: BTreeMap<MemberId, Member>,
    pub(super) groups: BTreeMap<u64, Group>,
    pub(super) seats: BTreeMap<PaymentId, Seat>,
    pub(super) refunds: BTreeMap<RefundId, Refund>,
    pub(super) orders: BTreeMap<OrderId, Order>,
    pub(super) draws: BTreeMap<u64, Draw>,
    pub(super) balances: BTreeMap<Account, i64>,
    pub(super) new_campaigns: Vec<Value>,
    pub(super) new_payments: Vec<Value>,
    pub(super) new_wallet_lines: Vec<Value>,
    pub(super) new_ledger_lines: Vec<Value>,
    pub(super) new_draw_files: Vec<Value>,
}

impl Member {
    pub(super) fn values(&self, id: MemberId) -> [Value; 6] {
        [
            id.0.into(),
            self.inviter.map(|inviter| inviter.0).into(),
            self.registered_at.0.into(),
            self.in_groups.into(),
            self.settled_seats.into(),
            self.won_seats.into(),
        ]
    }
}

impl Group {
    pub(super) fn values(&self, id: u64) -> [Value; 11] {
        [
            id.into(),
            self.campaign.0.into(),
            self.leader.0.into(),
            self.state.word().into(),
            self.opened_at.0.into(),
            self.expires_at.0.into(),
            self.paid.into(),
            self.held.into(),
            self.filled_at.map(|at| at.0).into(),
            self.ended_at.map(|at| at.0).into(),
            self.closing.map(Word::word).into(),
        ]
    }
}

impl Seat {
    pub(super) fn values(&self, id: PaymentId) -> [Value; 15] {
        [
            id.group.0.into(),
            id.index.into(),
            self.member.0.into(),
            self.via.map(|via| via.0).into(),
            self.state.word().into(),
            self.seat_no.into(),
            self.reserved_at.0.into(),
            self.pay_by.0.into(),
            self.paid_at.map(|at| at.0).into(),
            self.amount.map(|amount| amount.0).into(),
            self.txn.as_ref().map(Txn::as_str).into(),
            self.tag.as_ref().map(<[u8; 32]>::as_slice).into(),
            self.refund.map(|refund| refund.0).into(),
            self.refunded_for.map(Word::word).into(),
            self.order.map(|order| order.0).into(),
        ]
    }
}

impl Refund {
    pub(super) fn values(&self, id: RefundId) -> [Value; 11] {
        let state = if self.paid_at.is_some() {
            "paid"
        } else {
            "due"
        };
        [
            id.0.into(),
            self.txn.as_str().into(),
            self.group.map(|group| group.0).into(),
            self.payment.map(|payment| payment.index).into(),
            self.member.map(|member| member.0).into(),
            self.amount.0.into(),
            self.reason.word().into(),
            state.into(),
            self.created_at.0.into(),
            self.paid_at.map(|at| at.0).into(),
            self.fee_back.map(|fee| fee.0).into(),
        ]
    }
}

impl Order {
    pub(super) fn values(&self, id: OrderId) -> [Value; 14] {
        [
            id.0.into(),
            self.payment.group.0.into(),
            self.payment.index.into(),
            self.seat_no.into(),
            self.member.0.into(),
            self.campaign.0.into(),
            self.price.0.into(),
            self.state.word().into(),
            self.at.0.into(),
            self.shipped_at.map(|at| at.0).into(),
            self.received_by.map(|at| at.0).into(),
            self.received_at.map(|at| at.0).into(),
            self.return_until.map(|at| at.0).into(),
            self.kept_at.map(|at| at.0).into(),
        ]
    }
}

impl Draw {
    pub(super) fn values(&self, group: u64) -> [Value; 13] {
        let hash = |hash: &Option<Hash>| Value::from(hash.as_ref().map(|hash| hash.0.as_slice()));
        let winners = self.winners.as_ref().map(|winners| {
            winners
                .iter()
                .map(u32::to_string)
                .collect::<Vec<_>>()
                .join(" ")
        });
        [
            group.into(),
            self.state.word().into(),
            self.open.0.as_slice().into(),
            hash(&self.seats),
            hash(&self.freeze),
            hash(&self.result),
            hash(&self.void),
            self.frozen_at.into(),
            self.round.into(),
            self.round_time.into(),
            self.signature.as_ref().map(<[u8; 48]>::as_slice).into(),
            hash(&self.seed),
            winners.into(),
        ]
    }
}
