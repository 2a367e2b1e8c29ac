//! The rows a batch holds in memory, and the columns they are written to.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use domain::{
    Account, CampaignId, Closing, GroupId, GroupState, MemberId, Millis, Money, OrderId, PaymentId,
    PublishedCampaign, RefundId, Txn,
};
use draw::Hash;

use super::alliance::Alliance;
use super::circles::Circles;
use super::dividends::Dividends;
use super::kept::Kept;
use super::notices::Notices;
use super::people::People;
use super::purchases::Purchases;
use super::treats::Treats;
use super::withdrawals::Withdrawals;
use crate::db::{Table, Value, Write};
use crate::names::{DrawStatus, OrderStatus, RefundReason, SeatStatus, Word};

/// Rows are only ever new.
pub(super) const fn new_rows(name: &'static str, columns: &'static [&'static str]) -> Table {
    Table {
        name,
        columns,
        write: Write::Insert,
    }
}

/// Rows take the place of those with the same key: the first so many columns.
pub(super) const fn replaced(
    name: &'static str,
    columns: &'static [&'static str],
    key: usize,
) -> Table {
    Table {
        name,
        columns,
        write: Write::Replace { key },
    }
}

/// The other columns of rows with that key are set.
pub(super) const fn changed(
    name: &'static str,
    columns: &'static [&'static str],
    key: usize,
) -> Table {
    Table {
        name,
        columns,
        write: Write::Update { key },
    }
}

const MEMBER_COLUMNS: &[&str] = &[
    "id",
    "inviter",
    "registered_at",
    "settled_seats",
    "won_seats",
];
pub(super) const MEMBER: Table = new_rows("member", MEMBER_COLUMNS);
pub(super) const MEMBER_AGAIN: Table = replaced("member", MEMBER_COLUMNS, 1);
pub(super) const CAMPAIGN: Table = new_rows(
    "campaign",
    &[
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
        "listed",
    ],
);
const GROUP_COLUMNS: &[&str] = &[
    "id",
    "campaign",
    "leader",
    "state",
    "opened_at",
    "expires_at",
    "paid",
    "held",
    "reservations",
    "filled_at",
    "ended_at",
    "closing",
];
pub(super) const GROUP: Table = new_rows("group_", GROUP_COLUMNS);
pub(super) const GROUP_AGAIN: Table = replaced("group_", GROUP_COLUMNS, 1);
/// What a payment changes of a group: nothing that an index holds.
pub(super) const GROUP_COUNTS: Table =
    changed("group_", &["id", "paid", "held", "reservations"], 1);
const SEAT_COLUMNS: &[&str] = &[
    "group_id",
    "idx",
    "member",
    "via",
    "state",
    "seat_no",
    "reserved_at",
    "pay_by",
    "paid_at",
    "paid_seq",
    "amount",
    "fee",
    "txn",
    "tag",
    "refund",
    "refunded_for",
    "order_id",
];
pub(super) const SEAT: Table = new_rows("seat", SEAT_COLUMNS);
pub(super) const SEAT_AGAIN: Table = replaced("seat", SEAT_COLUMNS, 2);
/// What a payment changes of a seat.
pub(super) const SEAT_PAID: Table = changed(
    "seat",
    &[
        "group_id", "idx", "state", "paid_at", "paid_seq", "amount", "fee", "txn", "tag",
    ],
    2,
);
/// What the seal of a full group changes of its seats.
pub(super) const SEAT_NUMBERED: Table = changed("seat", &["group_id", "idx", "seat_no"], 2);
/// What the end of a group changes of its seats.
pub(super) const SEAT_ENDED: Table = changed(
    "seat",
    &[
        "group_id",
        "idx",
        "state",
        "refund",
        "refunded_for",
        "order_id",
    ],
    2,
);
pub(super) const BOUNCED: Table = new_rows(
    "bounced",
    &[
        "txn", "seq", "at", "group_id", "idx", "member", "amount", "fee", "reason", "refund",
    ],
);
const REFUND_COLUMNS: &[&str] = &[
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
];
pub(super) const REFUND: Table = new_rows("refund", REFUND_COLUMNS);
pub(super) const REFUND_AGAIN: Table =
    changed("refund", &["id", "state", "paid_at", "fee_back"], 1);
const ORDER_COLUMNS: &[&str] = &[
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
    "back_by",
    "returned_at",
];
pub(super) const ORDER: Table = new_rows("order_", ORDER_COLUMNS);
pub(super) const ORDER_AGAIN: Table = replaced("order_", ORDER_COLUMNS, 1);
/// A line that tells of a seat's price; the columns of rewards are empty.
pub(super) const WALLET_LINE: Table = new_rows(
    "wallet_line",
    &[
        "member", "account", "seq", "line_no", "at", "amount", "balance", "kind", "group_id",
        "idx", "campaign", "refund",
    ],
);
/// A line that tells of a reward.
pub(super) const REWARD_LINE: Table = new_rows(
    "wallet_line",
    &[
        "member",
        "account",
        "seq",
        "line_no",
        "at",
        "amount",
        "balance",
        "kind",
        "group_id",
        "idx",
        "campaign",
        "refund",
        "program",
        "source_seat",
        "generation",
        "base",
        "rate",
        "rule",
    ],
);
pub(super) const LEDGER_LINE: Table = new_rows(
    "ledger_line",
    &[
        "account", "seq", "line_no", "at", "holder", "amount", "event",
    ],
);
pub(super) const BALANCE: Table = replaced("balance", &["account", "holder", "amount"], 2);
pub(super) const WORD: Table = new_rows("word", &["kind", "code", "word"]);
const DRAW_COLUMNS: &[&str] = &[
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
    "late_at",
];
pub(super) const DRAW: Table = new_rows("draw_", DRAW_COLUMNS);
pub(super) const DRAW_AGAIN: Table = replaced("draw_", DRAW_COLUMNS, 1);
pub(super) const DRAW_FILE: Table = new_rows("draw_file", &["group_id", "name", "bytes"]);

/// A member.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) inviter: Option<MemberId>,
    pub(super) registered_at: Millis,
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
    /// How many have been made; the next has this number.
    pub(super) reservations: u32,
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
    pub(super) paid_seq: Option<u64>,
    pub(super) amount: Option<Money>,
    pub(super) fee: Option<Money>,
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
    pub(super) back_by: Option<Millis>,
    pub(super) returned_at: Option<Millis>,
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
    pub(super) late_at: Option<Millis>,
}

/// Rows of a batch, and of those before it. Lists hold new rows, flat.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) campaigns: BTreeMap<CampaignId, Arc<PublishedCampaign>>,
    pub(super) members: Kept<MemberId, Member>,
    pub(super) groups: Kept<u64, Group>,
    pub(super) seats: Kept<PaymentId, Seat>,
    pub(super) refunds: Kept<RefundId, Refund>,
    pub(super) orders: Kept<OrderId, Order>,
    pub(super) draws: Kept<u64, Draw>,
    pub(super) balances: Kept<Account, i64>,
    pub(super) in_groups: InGroups,
    pub(super) people: People,
    pub(super) dividends: Dividends,
    pub(super) withdrawals: Withdrawals,
    pub(super) alliance: Alliance,
    pub(super) purchases: Purchases,
    pub(super) circles: Circles,
    pub(super) notices: Notices,
    pub(super) treats: Treats,
    pub(super) new_campaigns: Vec<Value>,
    pub(super) new_bounced: Vec<Value>,
    /// Tags of seats in groups that fill, where no more is known of them.
    pub(super) tags: HashMap<PaymentId, (MemberId, [u8; 32])>,
    /// Of [`SEAT_NUMBERED`].
    pub(super) new_numbers: Vec<Value>,
    pub(super) new_wallet_lines: Vec<(MemberId, [Value; 12])>,
    pub(super) new_reward_lines: Vec<(MemberId, [Value; 12], [Value; 6])>,
    pub(super) new_ledger_lines: Vec<(i64, [Value; 7])>,
    pub(super) new_draw_files: Vec<Value>,
}

/// Most rows of a kind that are kept for later batches.
const MAX_KEPT_ROWS: usize = 100_000;
/// Most campaigns kept.
const MAX_KEPT_CAMPAIGNS: usize = 1_000;

impl Rows {
    /// Forgets what later batches will hardly ask for. Not to be called before the rows are written.
    pub(super) fn tidy(&mut self) {
        let most = MAX_KEPT_ROWS;
        self.members.tidy(most, |_| false);
        self.groups.tidy(most, |group| group.ended_at.is_none());
        let waits = |seat: &Seat| seat.state == SeatStatus::Reserved;
        self.seats.tidy(most, waits);
        self.refunds.tidy(most, |refund| refund.paid_at.is_none());
        self.orders.tidy(most, |_| false);
        let open = |draw: &Draw| matches!(draw.state, DrawStatus::Open | DrawStatus::Waiting);
        self.draws.tidy(most, open);
        self.balances.tidy(most, |_| false);
        while MAX_KEPT_CAMPAIGNS < self.campaigns.len() {
            self.campaigns.pop_first();
        }
    }
}

/// What every member's seats in unfinished groups have cost: eight bytes a member, and no table but the last line of
/// his wallet's part.
#[derive(Debug, Default)]
pub(super) struct InGroups(Vec<i64>);

/// Not read yet.
const UNKNOWN: i64 = i64::MIN;

impl InGroups {
    pub(super) fn get(&self, member: MemberId) -> Option<i64> {
        let place = usize::try_from(member.0).ok()?;
        self.0.get(place).copied().filter(|known| *known != UNKNOWN)
    }

    pub(super) fn set(&mut self, member: MemberId, amount: i64) {
        let Ok(place) = usize::try_from(member.0) else {
            return;
        };
        if self.0.len() <= place {
            self.0.resize(place.saturating_add(1), UNKNOWN);
        }
        if let Some(known) = self.0.get_mut(place) {
            *known = amount;
        }
    }
}

impl Member {
    pub(super) fn values(&self, id: MemberId) -> [Value; 5] {
        [
            id.0.into(),
            self.inviter.map(|inviter| inviter.0).into(),
            self.registered_at.0.into(),
            self.settled_seats.into(),
            self.won_seats.into(),
        ]
    }
}

impl Group {
    pub(super) fn values(&self, id: u64) -> [Value; 12] {
        [
            id.into(),
            self.campaign.0.into(),
            self.leader.0.into(),
            self.state.word().into(),
            self.opened_at.0.into(),
            self.expires_at.0.into(),
            self.paid.into(),
            self.held.into(),
            self.reservations.into(),
            self.filled_at.map(|at| at.0).into(),
            self.ended_at.map(|at| at.0).into(),
            self.closing.map(Word::word).into(),
        ]
    }

    /// Of [`GROUP_COUNTS`].
    pub(super) fn counts(&self, id: u64) -> [Value; 4] {
        [
            id.into(),
            self.paid.into(),
            self.held.into(),
            self.reservations.into(),
        ]
    }
}

impl Seat {
    pub(super) fn values(&self, id: PaymentId) -> [Value; 17] {
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
            self.paid_seq.into(),
            self.amount.map(|amount| amount.0).into(),
            self.fee.map(|fee| fee.0).into(),
            self.txn.as_ref().map(Txn::as_str).into(),
            self.tag.as_ref().map(<[u8; 32]>::as_slice).into(),
            self.refund.map(|refund| refund.0).into(),
            self.refunded_for.map(Word::word).into(),
            self.order.map(|order| order.0).into(),
        ]
    }

    /// Of [`SEAT_PAID`].
    pub(super) fn paid(&self, id: PaymentId) -> [Value; 9] {
        [
            id.group.0.into(),
            id.index.into(),
            self.state.word().into(),
            self.paid_at.map(|at| at.0).into(),
            self.paid_seq.into(),
            self.amount.map(|amount| amount.0).into(),
            self.fee.map(|fee| fee.0).into(),
            self.txn.as_ref().map(Txn::as_str).into(),
            self.tag.as_ref().map(<[u8; 32]>::as_slice).into(),
        ]
    }

    /// Of [`SEAT_NUMBERED`].
    pub(super) fn numbered(&self, id: PaymentId) -> [Value; 3] {
        [id.group.0.into(), id.index.into(), self.seat_no.into()]
    }

    /// Of [`SEAT_ENDED`].
    pub(super) fn ended(&self, id: PaymentId) -> [Value; 6] {
        [
            id.group.0.into(),
            id.index.into(),
            self.state.word().into(),
            self.refund.map(|refund| refund.0).into(),
            self.refunded_for.map(Word::word).into(),
            self.order.map(|order| order.0).into(),
        ]
    }
}

impl Refund {
    pub(super) fn values(&self, id: RefundId) -> [Value; 11] {
        [
            id.0.into(),
            self.txn.as_str().into(),
            self.group.map(|group| group.0).into(),
            self.payment.map(|payment| payment.index).into(),
            self.member.map(|member| member.0).into(),
            self.amount.0.into(),
            self.reason.word().into(),
            self.state().into(),
            self.created_at.0.into(),
            self.paid_at.map(|at| at.0).into(),
            self.fee_back.map(|fee| fee.0).into(),
        ]
    }

    /// Of [`REFUND_AGAIN`].
    pub(super) fn sent(&self, id: RefundId) -> [Value; 4] {
        [
            id.0.into(),
            self.state().into(),
            self.paid_at.map(|at| at.0).into(),
            self.fee_back.map(|fee| fee.0).into(),
        ]
    }

    fn state(&self) -> &'static str {
        if self.paid_at.is_some() {
            "paid"
        } else {
            "due"
        }
    }
}

impl Order {
    pub(super) fn values(&self, id: OrderId) -> [Value; 16] {
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
            self.back_by.map(|at| at.0).into(),
            self.returned_at.map(|at| at.0).into(),
        ]
    }
}

impl Draw {
    pub(super) fn values(&self, group: u64) -> [Value; 14] {
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
            self.late_at.map(|at| at.0).into(),
        ]
    }
}
