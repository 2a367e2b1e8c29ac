//! Groups, seats, payments and draws as the API shows them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Amount, At, GroupCircle, Words};

/// Opens a group or takes a seat.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Join {
    /// Invite code of the member whose share link was used.
    pub(crate) via: Option<String>,
}

/// A group was opened and its leader's seat reserved.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Opened {
    pub(crate) group: String,
    pub(crate) payment: ToPay,
    /// A ballot: the place is taken, and there is nothing to pay unless it is drawn.
    pub(crate) registered: bool,
    pub(crate) seq: String,
}

/// A seat was reserved.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Joined {
    pub(crate) payment: ToPay,
    /// A ballot: the place is taken, and there is nothing to pay unless it is drawn.
    pub(crate) registered: bool,
    pub(crate) seq: String,
}

/// What to pay, where and until when.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ToPay {
    pub(crate) id: String,
    /// The channel's page; null while the channel does not answer: ask `GET /payments/{id}` again.
    pub(crate) pay_url: Option<String>,
    /// From this moment on it is too late.
    pub(crate) pay_by: At,
    /// Nothing where a ballot is registered for.
    pub(crate) amount: Amount,
}

/// A group in a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct GroupCard {
    pub(crate) id: String,
    pub(crate) campaign: String,
    pub(crate) name: Words,
    /// `open`, `full`, `drawn` (a ballot in which somebody may still buy), `settled`, `expired`, `cancelled` or `void`
    pub(crate) state: String,
    pub(crate) price: Amount,
    pub(crate) seats: u32,
    /// Seats that are paid; in a ballot those that are registered.
    pub(crate) paid: u32,
    /// Reserved and not paid yet.
    pub(crate) reserved: u32,
    pub(crate) winners: u32,
    pub(crate) leader_masked: String,
    pub(crate) opened_at: At,
    pub(crate) expires_at: At,
    pub(crate) filled_at: Option<At>,
    pub(crate) settled_at: Option<At>,
}

/// A group with its seats and draw.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GroupPage {
    #[serde(flatten)]
    pub(crate) card: GroupCard,
    /// Everybody's seats, others masked.
    pub(crate) seats_list: Vec<SeatRow>,
    /// The caller's own seats, if he is signed in.
    pub(crate) mine: Vec<MineRow>,
    pub(crate) draw: Option<DrawState>,
    /// Where members take turns.
    pub(crate) circle: Option<GroupCircle>,
}

/// Somebody's seat.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SeatRow {
    pub(crate) seat_no: Option<u32>,
    pub(crate) member_masked: String,
    pub(crate) leader: bool,
    /// `reserved`, `paid`, `refund_due`, `refunded`, `won`, `bought` or `lost`; in a ballot also `registered`, `may_buy` or
    /// `unused`
    pub(crate) state: &'static str,
    pub(crate) demo: bool,
    /// Whether it is the caller's own.
    pub(crate) mine: bool,
}

/// One of the caller's seats.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MineRow {
    pub(crate) payment: String,
    /// `reserved`, `paid`, `lapsed`, `refund_due`, `refunded`, `won`, `bought` or `lost`; in a ballot also `registered`,
    /// `may_buy` (until `pay_by`) or `unused`
    pub(crate) state: &'static str,
    /// As `GET /payments/{id}` says: `waiting`, `paid`, `lapsed`, `refund_due`, `refunded` once the payment channel
    /// has confirmed it, or `free` where there is nothing to pay
    pub(crate) payment_state: &'static str,
    pub(crate) seat_no: Option<u32>,
    pub(crate) pay_by: At,
    /// Where to pay, while it can be paid.
    pub(crate) pay_url: Option<String>,
}

/// Where a draw stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DrawState {
    /// `open`, `waiting`, `drawn`, `void` or `none`
    pub(crate) state: &'static str,
    pub(crate) round: Option<u64>,
    pub(crate) round_time: Option<At>,
    /// `drand-quicknet` or `local`
    pub(crate) source: &'static str,
    pub(crate) level: u8,
    /// Whole minutes since the round's time, while the draw still waits for it.
    pub(crate) late_minutes: Option<u64>,
}

/// What became of a payment.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PaymentPage {
    pub(crate) id: String,
    /// `waiting`, `paid`, `lapsed`, `refund_due`, `refunded`, or `free` where there is nothing to pay
    pub(crate) state: &'static str,
    pub(crate) amount: Amount,
    pub(crate) pay_url: Option<String>,
    pub(crate) pay_by: At,
    pub(crate) group: String,
    /// Why money went back: all of it, or a second or wrong payment while the seat stands as `state` says.
    pub(crate) reason: Option<String>,
}

/// Everything needed to check a draw.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DrawPage {
    /// `open`, `waiting`, `drawn`, `void` or `none`
    pub(crate) state: &'static str,
    pub(crate) level: u8,
    pub(crate) source: &'static str,
    pub(crate) round: Option<u64>,
    pub(crate) round_time: Option<At>,
    pub(crate) frozen_at: Option<At>,
    pub(crate) beacon: DrawBeacon,
    pub(crate) hashes: DrawHashes,
    pub(crate) seed: Option<String>,
    /// When the signature of the round was found although the group was void; the void stands.
    pub(crate) late_at: Option<At>,
    /// Drawn seat numbers in winning order, without a leader who always gets the product.
    pub(crate) winners: Option<Vec<u32>>,
    /// The caller's own entries: what proves that his tag is his.
    pub(crate) mine: Option<DrawMine>,
    /// SHA-256 of the published campaign.
    pub(crate) published_hash: String,
}

/// Where a draw's randomness comes from.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DrawBeacon {
    /// `drand-quicknet` or `local`
    pub(crate) kind: &'static str,
    pub(crate) round: Option<u64>,
    pub(crate) signature: Option<String>,
    /// The `beacon` file of a local source.
    pub(crate) beacon_file: Option<String>,
    /// Compressed point of G2, hex.
    pub(crate) public_key: String,
}

/// SHA-256 of the draw's files, once they exist.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DrawHashes {
    pub(crate) open: String,
    pub(crate) seats: Option<String>,
    pub(crate) freeze: Option<String>,
    pub(crate) result: Option<String>,
}

/// A member's own part of a draw.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DrawMine {
    pub(crate) indexes: Vec<u32>,
    pub(crate) member_id: String,
    pub(crate) salt: String,
    pub(crate) tag: String,
}

/// A beacon's signature, from anyone.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignatureSent {
    pub(crate) source: BeaconName,
    /// 96 lower-case hex digits.
    pub(crate) signature: String,
}

/// Which beacon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
pub(crate) enum BeaconName {
    /// The public network.
    #[serde(rename = "drand-quicknet")]
    DrandQuicknet,
    /// This installation's own.
    #[serde(rename = "local")]
    Local,
}

/// What a group's subscribers are told on each change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct GroupNews {
    pub(crate) seq: String,
    pub(crate) state: String,
    pub(crate) paid: u32,
    pub(crate) reserved: u32,
}
