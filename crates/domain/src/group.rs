//! Groups and their seats in memory (rules 5).

use std::collections::VecDeque;

use minicbor::{Decode, Encode};

use crate::{
    Campaign, CampaignId, Closing, FilledSeat, GroupId, LeaderRule, MemberId, Millis, Money,
    PaymentId, PublishedCampaign, Refusal, Txn,
};

/// A group as long as its money is not settled, then one small record.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub(crate) enum GroupSlot {
    /// Open or full.
    #[n(0)]
    Live(#[n(0)] Box<Group>),
    /// Over.
    #[n(1)]
    Over {
        #[n(0)]
        campaign: CampaignId,
        #[n(1)]
        state: GroupState,
    },
}

/// An open or full group.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Group {
    #[n(0)]
    pub(crate) campaign: CampaignId,
    #[n(1)]
    pub(crate) leader: MemberId,
    #[n(2)]
    pub(crate) expires_at: Millis,
    /// Every reservation ever made in this group; a payment's index points here.
    #[n(3)]
    pub(crate) seats: Vec<Seat>,
    /// Reservations that wait for their payment, oldest first; entries whose seat has moved on are stale.
    #[n(4)]
    pub(crate) reserved: VecDeque<(Millis, u32)>,
    /// Paid seats in the order in which their payments were accepted.
    #[n(5)]
    pub(crate) paid: Vec<u32>,
    /// Places that are paid or reserved.
    #[n(6)]
    pub(crate) held: u32,
    /// Payments that came to this group and went back at once: recognised when they are reported again.
    #[n(7)]
    pub(crate) returned: Vec<Txn>,
    /// What the paid seats have paid, with the ledger's sign: below zero.
    #[n(8)]
    pub(crate) escrow: i64,
    /// Set when the group is full.
    #[n(9)]
    pub(crate) full: Option<Full>,
    /// The earliest timer that is queued; not part of the state.
    #[cbor(skip)]
    pub(crate) timer: Option<Millis>,
}

/// A sealed seat list that waits for its draw.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Full {
    #[n(0)]
    pub(crate) seats: Vec<FilledSeat>,
    #[n(1)]
    pub(crate) frozen_at: u64,
    #[n(2)]
    pub(crate) round: u64,
    #[cbor(n(3), with = "minicbor::bytes")]
    pub(crate) freeze: [u8; 32],
}

/// Where a payment is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TxnPlace {
    /// It holds, or held, this seat.
    Seat(PaymentId),
    /// It came to this group and went back: the entry at this position.
    Returned { group: GroupId, at: usize },
}

/// The index of a [`PaymentId`] that names a group but none of its reservations: money a gateway's member paid for a
/// group that had no seat for him.
pub const NO_RESERVATION: u32 = u32::MAX;

/// One reservation.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Seat {
    #[n(0)]
    pub(crate) member: MemberId,
    #[n(1)]
    pub(crate) via: Option<MemberId>,
    #[n(2)]
    pub(crate) state: SeatState,
    #[n(3)]
    pub(crate) pay_by: Millis,
    #[n(4)]
    pub(crate) txn: Option<Txn>,
    #[n(5)]
    pub(crate) fee: Money,
    #[cbor(n(6), with = "minicbor::bytes")]
    pub(crate) tag: [u8; 32],
    /// The member's earlier reservation in this group.
    #[n(7)]
    pub(crate) earlier: Option<u32>,
}

/// Where a reservation stands while its group is in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum SeatState {
    /// Held until its deadline.
    #[n(0)]
    Reserved,
    /// Not paid in time, or given up before payment.
    #[n(1)]
    Lapsed,
    /// Paid.
    #[n(2)]
    Paid,
    /// Paid and left.
    #[n(3)]
    Refunded,
}

/// Where a group stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum GroupState {
    /// Filling.
    #[n(0)]
    Open,
    /// Sealed, waiting for its draw.
    #[n(1)]
    Full,
    /// Drawn and settled.
    #[n(2)]
    Settled,
    /// Not full by its deadline.
    #[n(3)]
    Expired,
    /// Ended by an operator or because its leader was gone.
    #[n(4)]
    Cancelled,
    /// No beacon value by the timeout.
    #[n(5)]
    Void,
}

impl GroupState {
    /// Its name in SQL and JSON.
    pub fn name(self) -> &'static str {
        match self {
            GroupState::Open => "open",
            GroupState::Full => "full",
            GroupState::Settled => "settled",
            GroupState::Expired => "expired",
            GroupState::Cancelled => "cancelled",
            GroupState::Void => "void",
        }
    }
}

impl Closing {
    /// Its name in SQL and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Closing::Expired => "expired",
            Closing::LeaderGone => "leader_gone",
            Closing::Cancelled => "cancelled",
            Closing::Void => "void",
        }
    }

    /// The state a group is in afterwards.
    pub fn state(self) -> GroupState {
        match self {
            Closing::Expired => GroupState::Expired,
            Closing::LeaderGone | Closing::Cancelled => GroupState::Cancelled,
            Closing::Void => GroupState::Void,
        }
    }
}

/// What is known of a group, for screens and tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupView {
    /// Of which offer.
    pub campaign: CampaignId,
    /// Where it stands.
    pub state: GroupState,
    /// Who opened it; none once it is over (the views know).
    pub leader: Option<MemberId>,
    /// When it expires if it is not full; none once it is over.
    pub expires_at: Option<Millis>,
    /// Seats of a full group.
    pub seats: u32,
    /// Seats that are paid.
    pub paid: u32,
    /// Places that are paid or reserved.
    pub held: u32,
    /// The beacon round that decides, once full.
    pub round: Option<u64>,
    /// Unix seconds of the freeze, once full.
    pub frozen_at: Option<u64>,
}

/// One of a member's reservations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeatView {
    /// Its number.
    pub payment: PaymentId,
    /// Where it stands.
    pub state: SeatState,
    /// From this moment on it is too late to pay.
    pub pay_by: Millis,
}

/// A reservation that waits for its payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitingReservation {
    /// Its number.
    pub payment: PaymentId,
    /// Whose.
    pub member: MemberId,
    /// From this moment on it is too late.
    pub pay_by: Millis,
}

/// A full group's files, from which its draw is computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrawFiles {
    /// The rules.
    pub open: draw::Open,
    /// The sealed seats.
    pub seats: draw::Seats,
    /// The seal.
    pub freeze: draw::Freeze,
}

/// A full group that waits for its beacon round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AwaitedDraw {
    /// Which round.
    pub round: u64,
    /// When it is due, unix seconds.
    pub round_time_s: u64,
    /// Whose draw.
    pub group: GroupId,
    /// Of which beacon.
    pub source: crate::BeaconSource,
}

impl Group {
    pub(crate) fn seat(&self, index: u32) -> Option<&Seat> {
        self.seats.get(usize::try_from(index).ok()?)
    }

    pub(crate) fn seat_mut(&mut self, index: u32) -> Option<&mut Seat> {
        self.seats.get_mut(usize::try_from(index).ok()?)
    }

    pub(crate) fn paid_count(&self) -> u32 {
        u32::try_from(self.paid.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn leader_has_paid(&self) -> bool {
        !self.paid.is_empty()
    }

    pub(crate) fn has_place(&self, campaign: &Campaign) -> bool {
        self.full.is_none() && self.held < campaign.group.seats
    }

    /// The reservation that lapses first, if any waits.
    pub(crate) fn first_reserved(&self) -> Option<(Millis, u32)> {
        self.reserved
            .iter()
            .copied()
            .find(|&entry| self.is_waiting(entry))
    }

    pub(crate) fn is_waiting(&self, (pay_by, index): (Millis, u32)) -> bool {
        self.seat(index)
            .is_some_and(|seat| seat.state == SeatState::Reserved && seat.pay_by == pay_by)
    }

    /// Forgets reservations at the front that have moved on, so that the queue stays as long as what waits.
    pub(crate) fn drop_stale_reservations(&mut self) {
        while let Some(&front) = self.reserved.front() {
            if self.is_waiting(front) {
                return;
            }
            self.reserved.pop_front();
        }
    }

    /// When something becomes due in it.
    pub(crate) fn due_at(&self) -> Option<Millis> {
        if self.full.is_some() {
            return None;
        }
        let lapses = self.first_reserved().map(|(pay_by, _)| pay_by);
        Some(lapses.map_or(self.expires_at, |lapses| lapses.min(self.expires_at)))
    }

    /// Seats of the draw in order: `(reservation, seat)` by accepted payment; the leader is 0.
    pub(crate) fn draw_lines(&self, last: Option<(MemberId, [u8; 32])>) -> Vec<draw::SeatLine> {
        let held = self
            .paid
            .iter()
            .filter_map(|&index| self.seat(index))
            .map(|seat| (seat.member, seat.tag));
        let lines = held.chain(last).map(|(member, tag)| draw::SeatLine {
            tag: draw::Hash(tag),
            leader: member == self.leader,
            tier: 0,
        });
        lines.collect()
    }
}

/// The `open` file of a group: draw 2's table from a campaign to its lines.
pub fn open_file(campaign: &PublishedCampaign, group: GroupId) -> Result<draw::Open, Refusal> {
    let terms = &campaign.terms;
    Ok(draw::Open {
        log: terms.draw.log.clone(),
        group: crate::group_ident(group, &campaign.hash)?,
        circle: None,
        seats: draw::SeatRange {
            min: terms.group.seats,
            max: terms.group.seats,
        },
        mode: draw::Mode::Fixed {
            winners: terms.group.winners,
        },
        leader: match terms.group.leader {
            LeaderRule::Equal => draw::LeaderRule::In,
            LeaderRule::Exempt => draw::LeaderRule::Out,
        },
        rotation: draw::Rotation::Off,
        per_member: if terms.group.seats_per_member == 1 {
            draw::PerMember::One
        } else {
            draw::PerMember::Any
        },
        outcome: draw::OutcomeKind::Win,
        source: terms.draw.source.source(),
        delay_s: terms.draw.delay_s,
        timeout: draw::Timeout {
            seconds: DRAW_TIMEOUT_S,
            then: draw::TimeoutAction::Void,
        },
        chain: draw::Chain::None,
    })
}

/// Seconds after its round's time at which a draw without a beacon value becomes void (draw 2).
pub const DRAW_TIMEOUT_S: u64 = 86_400;
