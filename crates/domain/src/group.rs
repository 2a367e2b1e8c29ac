//! Groups and their seats in memory (rules 5).

use std::collections::VecDeque;

use minicbor::{Decode, Encode};

use hashbrown::HashTable;

use crate::{
    Agents, Campaign, CampaignId, Circle, Closing, FilledSeat, GroupId, Kind, LeaderRule, MemberId,
    Millis, Money, PaymentId, PublishedCampaign, Refusal, StoreId, Txn, Upline, ids::MaybeTxn,
    table::hash_of,
};

/// A group as long as its money is not settled, then one small record.
#[derive(Clone, Debug, Encode, Decode)]
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
#[derive(Clone, Debug, Encode, Decode)]
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
    /// Paid seats in the order in which their payments were accepted; in a ballot the registered ones in their order.
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
    pub(crate) full: Option<Box<Full>>,
    /// The earliest timer that is queued; not part of the state.
    #[cbor(skip)]
    pub(crate) timer: Option<Millis>,
    /// Whether a timer for its deadline is queued, which may be beside an earlier one; not part of the state.
    #[cbor(skip)]
    pub(crate) has_deadline_timer: bool,
    /// Each member's newest reservation, by the member; derived from the seats.
    #[cbor(skip)]
    pub(crate) newest: HashTable<u32>,
}

/// A sealed seat list that waits for its draw. Its seats are the paid ones in their order.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Full {
    #[n(0)]
    pub(crate) frozen_at: u64,
    #[n(1)]
    pub(crate) round: u64,
    #[cbor(n(2), with = "minicbor::bytes")]
    pub(crate) freeze: [u8; 32],
    /// All uplines of all seats, one seat's after the other's.
    #[n(3)]
    pub(crate) uplines: Vec<Upline>,
    /// Where each seat's uplines end. Empty if no seat has any.
    #[n(4)]
    pub(crate) upline_ends: Vec<u32>,
    /// What else each seat's rewards depend on. Empty if that is nothing.
    #[cbor(n(5), skip_if = "Vec::is_empty")]
    pub(crate) others: Vec<Others>,
}

/// What few campaigns' rewards depend on, read when the group filled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Others {
    #[n(0)]
    pub(crate) walk: Vec<Upline>,
    #[n(1)]
    pub(crate) agents: Agents,
    #[n(2)]
    pub(crate) home_store: Option<StoreId>,
}

/// The index of a [`PaymentId`] that names a group but none of its reservations: money a gateway's member paid for a
/// group that had no seat for him.
pub const NO_RESERVATION: u32 = u32::MAX;

/// One reservation. Kept small: most of memory is seats.
#[derive(Clone, Debug, Encode, Decode)]
pub(crate) struct Seat {
    #[n(0)]
    pub(crate) member: MemberId,
    #[n(1)]
    pub(crate) via: Slim,
    #[n(2)]
    pub(crate) state: SeatState,
    #[n(3)]
    pub(crate) pay_by: Millis,
    #[n(4)]
    pub(crate) txn: MaybeTxn,
    #[n(5)]
    pub(crate) fee: Money,
    #[cbor(n(6), with = "minicbor::bytes")]
    pub(crate) tag: [u8; 32],
    /// The member's earlier reservation in this group.
    #[n(7)]
    pub(crate) earlier: Slim,
}

/// Adds an entry to a list that grows to `most` and seldom beyond, leaving no room unused when it is full.
pub(crate) fn push_within<T>(list: &mut Vec<T>, entry: T, most: usize) {
    if list.len() == list.capacity() && list.len() < most {
        let left = most.saturating_sub(list.len());
        list.reserve_exact(list.len().max(4).min(left));
    }
    list.push(entry);
}

/// A number or none, in four bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slim(u32);

impl Slim {
    pub(crate) const NONE: Slim = Slim(u32::MAX);

    pub(crate) fn get(self) -> Option<u32> {
        (self != Slim::NONE).then_some(self.0)
    }
}

impl From<Option<u32>> for Slim {
    fn from(number: Option<u32>) -> Slim {
        number.map_or(Slim::NONE, Slim)
    }
}

impl<C> Encode<C> for Slim {
    fn encode<W: minicbor::encode::Write>(
        &self,
        out: &mut minicbor::Encoder<W>,
        context: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        self.get().encode(out, context)
    }
}

impl<'b, C> Decode<'b, C> for Slim {
    fn decode(
        input: &mut minicbor::Decoder<'b>,
        context: &mut C,
    ) -> Result<Slim, minicbor::decode::Error> {
        Option::decode(input, context).map(Slim::from)
    }
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
    /// Taken for nothing, in a ballot; paid once its right to buy is used.
    #[n(4)]
    Registered,
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
    /// A drawn ballot in which somebody may still buy.
    #[n(6)]
    Drawn,
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
            GroupState::Drawn => "drawn",
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

impl Full {
    /// Takes over what a filled group's seats carry beyond what the group knows already.
    pub(crate) fn new(
        seats: &[FilledSeat],
        frozen_at: u64,
        round: u64,
        freeze: [u8; 32],
    ) -> Box<Full> {
        let mut uplines = Vec::with_capacity(seats.iter().map(|seat| seat.uplines.len()).sum());
        let mut upline_ends = Vec::with_capacity(seats.len());
        for seat in seats {
            uplines.extend_from_slice(&seat.uplines);
            upline_ends.push(u32::try_from(uplines.len()).unwrap_or(u32::MAX));
        }
        if uplines.is_empty() {
            upline_ends = Vec::new();
        }
        let has_others = |seat: &FilledSeat| {
            !seat.walk.is_empty() || seat.agents != Agents::default() || seat.home_store.is_some()
        };
        let mut others = Vec::new();
        if seats.iter().any(has_others) {
            others.extend(seats.iter().map(|seat| Others {
                walk: seat.walk.clone(),
                agents: seat.agents,
                home_store: seat.home_store,
            }));
        }
        Box::new(Full {
            frozen_at,
            round,
            freeze,
            uplines,
            upline_ends,
            others,
        })
    }

    /// The uplines of the seats, in seat order.
    fn uplines_by_seat(&self) -> impl Iterator<Item = &[Upline]> {
        let ends = self
            .upline_ends
            .iter()
            .map(|&end| usize::try_from(end).unwrap_or(usize::MAX));
        let starts = std::iter::once(0).chain(ends.clone());
        starts
            .zip(ends)
            .map(|(start, end)| self.uplines.get(start..end).unwrap_or(&[]))
            .chain(std::iter::repeat(&[][..]))
    }
}

impl Group {
    /// The sealed seats of a full group, as they were when it filled.
    pub(crate) fn filled_seats(&self, full: &Full) -> Vec<FilledSeat> {
        let none = std::iter::repeat_with(Others::default);
        let others = full.others.iter().cloned().chain(none);
        let paid = self.paid.iter().zip(full.uplines_by_seat()).zip(others);
        let seats = paid.filter_map(|((&index, uplines), others)| {
            let seat = self.seat(index)?;
            Some(FilledSeat {
                index,
                member: seat.member,
                via: seat.via.get().map(MemberId),
                uplines: uplines.to_vec(),
                walk: others.walk,
                agents: others.agents,
                home_store: others.home_store,
            })
        });
        seats.collect()
    }

    /// The member's reservations in this group, newest first.
    pub(crate) fn seat_indexes(&self, member: MemberId) -> impl Iterator<Item = u32> {
        let newest = self.newest.find(hash_of(member.0), |&index| {
            self.seat(index).is_some_and(|seat| seat.member == member)
        });
        std::iter::successors(newest.copied(), |&index| {
            self.seat(index).and_then(|seat| seat.earlier.get())
        })
    }

    /// One more reservation, the member's newest.
    pub(crate) fn add_seat(
        &mut self,
        member: MemberId,
        via: Option<MemberId>,
        pay_by: Millis,
        places: usize,
    ) {
        let index = u32::try_from(self.seats.len()).unwrap_or(u32::MAX);
        let earlier = self.index_seat(index, member);
        let seat = Seat {
            member,
            via: Slim::from(via.map(|via| via.0)),
            state: SeatState::Reserved,
            pay_by,
            txn: MaybeTxn::NONE,
            fee: Money::ZERO,
            tag: [0; 32],
            earlier: Slim::from(earlier),
        };
        push_within(&mut self.seats, seat, places);
    }

    /// Makes a seat its member's newest; returns which was.
    fn index_seat(&mut self, index: u32, member: MemberId) -> Option<u32> {
        let seats = &self.seats;
        let member_of = |&index: &u32| {
            let seat = usize::try_from(index).ok().and_then(|at| seats.get(at));
            seat.map(|seat| seat.member)
        };
        let newest = self
            .newest
            .find_mut(hash_of(member.0), |index| member_of(index) == Some(member));
        if let Some(newest) = newest {
            return Some(std::mem::replace(newest, index));
        }
        // The seat that is being added is not in the list yet, and has the hash that is given.
        self.newest
            .insert_unique(hash_of(member.0), index, |index| {
                hash_of(member_of(index).unwrap_or(member).0)
            });
        None
    }

    /// After a snapshot was read.
    pub(crate) fn rebuild_index(&mut self) {
        let members: Vec<MemberId> = self.seats.iter().map(|seat| seat.member).collect();
        for (index, member) in (0u32..).zip(members) {
            self.index_seat(index, member);
        }
    }

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

    /// Forgets reservations at the front that have moved on, so that the queue stays as long as what waits. The last one
    /// stays where it is: it marks the place in memory that the next one will need.
    pub(crate) fn drop_stale_reservations(&mut self) {
        while 1 < self.reserved.len()
            && let Some(&front) = self.reserved.front()
            && !self.is_waiting(front)
        {
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

/// The `open` file of a group: draw 2's table from a campaign to its lines. Where the campaign rotates, of the first group of
/// a circle.
pub fn open_file(campaign: &PublishedCampaign, group: GroupId) -> Result<draw::Open, Refusal> {
    let circle = campaign.terms.rotates();
    let circle = circle.then(|| crate::circle_ident(group, &campaign.hash));
    open_file_in(campaign, group, circle.transpose()?)
}

/// As [`open_file`], of a circle by its name.
pub fn open_file_in(
    campaign: &PublishedCampaign,
    group: GroupId,
    circle: Option<draw::Ident>,
) -> Result<draw::Open, Refusal> {
    let terms = &campaign.terms;
    Ok(draw::Open {
        log: terms.draw.log.clone(),
        group: crate::group_ident(group, &campaign.hash)?,
        circle,
        seats: draw::SeatRange {
            min: terms.group.seats,
            max: terms.group.seats,
        },
        mode: mode(&terms.group),
        leader: match terms.group.leader {
            LeaderRule::Equal => draw::LeaderRule::In,
            LeaderRule::Exempt | LeaderRule::Buys => draw::LeaderRule::Out,
        },
        rotation: match terms.group.circle {
            Circle::Off => draw::Rotation::Off,
            Circle::Rotate => draw::Rotation::On,
        },
        per_member: if terms.group.seats_per_member == 1 {
            draw::PerMember::One
        } else {
            draw::PerMember::Any
        },
        outcome: match terms.kind {
            Kind::Treat => draw::OutcomeKind::Pay,
            Kind::Draw | Kind::EveryoneBuys | Kind::BonusDraw | Kind::Ballot => {
                draw::OutcomeKind::Win
            }
        },
        source: terms.draw.source.source(),
        delay_s: terms.draw.delay_s,
        timeout: draw::Timeout {
            seconds: DRAW_TIMEOUT_S,
            then: draw::TimeoutAction::Void,
        },
        chain: draw::Chain::None,
    })
}

/// Draw 2: the purchase of a leader who always buys is no part of the draw.
fn mode(group: &crate::GroupTerms) -> draw::Mode {
    if let Some(chance) = group.chance {
        return draw::Mode::Chance {
            num: chance.p.0,
            den: crate::RATE_ONE_PPM,
            kmin: chance.min,
            kmax: group.winners,
        };
    }
    let drawn = match group.leader {
        LeaderRule::Equal | LeaderRule::Exempt => group.winners,
        LeaderRule::Buys => group.winners.saturating_sub(1),
    };
    draw::Mode::Fixed { winners: drawn }
}

/// Seconds after its round's time at which a draw without a beacon value becomes void (draw 2).
pub const DRAW_TIMEOUT_S: u64 = 86_400;
