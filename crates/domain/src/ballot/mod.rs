//! Ballots (rules 4): to register is free, and whoever is drawn may buy within a window. Nothing is held or refunded.
//!
//! Why a registration is a seat that nobody has paid: sealing, tags, limits and the draw are then those of every other group, and
//! only the payment is missing. What is different begins with the draw: [`rights`] says who may buy, and until when.

mod rights;

use minicbor::{Decode, Encode};

pub(crate) use rights::Ballots;
pub use rights::{BallotDrawn, Right, RightState};

use crate::{
    Answer, DAY_MS, Duration, Event, GroupId, Kind, MemberId, Millis, PaymentId, Refusal,
    SeatState, World, ids::MaybeTxn,
};

/// How long after its draw the last right of a ballot is over: who has bought first waits so long at most.
pub const MAX_RIGHTS_PASS: Duration = Duration(60 * DAY_MS);

/// What is asked of ballots.
#[derive(Clone, Debug)]
pub enum BallotCommand {
    /// Takes a reserved place for nothing.
    Register {
        /// The place.
        payment: PaymentId,
        /// Whose.
        member: MemberId,
        /// His tag in this group (draw 3); the caller makes it.
        tag: [u8; 32],
    },
}

impl BallotCommand {
    /// In whose name it is.
    pub fn member(&self) -> MemberId {
        match self {
            BallotCommand::Register { member, .. } => *member,
        }
    }

    /// The group that it touches.
    pub fn group(&self) -> GroupId {
        match self {
            BallotCommand::Register { payment, .. } => payment.group,
        }
    }
}

/// What has happened in ballots. Stored for ever, like [`Event`]: numbers are never reused.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum BallotEvent {
    /// The place is taken, for nothing.
    #[n(0)]
    Registered {
        /// The place.
        #[n(0)]
        payment: PaymentId,
        /// Whose.
        #[n(1)]
        member: MemberId,
        /// His tag in this group (draw 3).
        #[cbor(n(2), with = "minicbor::bytes")]
        tag: [u8; 32],
    },
    /// A member has left before the group was full; his place is free.
    #[n(1)]
    RegistrationLeft {
        /// The place.
        #[n(0)]
        payment: PaymentId,
        /// Whose.
        #[n(1)]
        member: MemberId,
    },
    /// The draw is made: the first of its order may buy.
    #[n(2)]
    Drawn(#[n(0)] Box<BallotDrawn>),
    /// Rights were not used in time, and passed to the next in the draw's order as far as there are any.
    #[n(3)]
    RightsPassed {
        /// The group.
        #[n(0)]
        group: GroupId,
        /// Whose rights are over, in the draw's order.
        #[n(1)]
        lapsed: Vec<Right>,
        /// Who has one now, in the draw's order.
        #[n(2)]
        given: Vec<Right>,
        /// From this moment on it is too late for those.
        #[n(3)]
        until: Millis,
    },
}

impl BallotEvent {
    /// All names, by the numbers of the kinds.
    pub const NAMES: [&'static str; 4] = [
        "ballot_registered",
        "ballot_left",
        "ballot_drawn",
        "ballot_rights_passed",
    ];

    /// Its name in SQL and JSON.
    pub fn name(&self) -> &'static str {
        match self {
            BallotEvent::Registered { .. } => "ballot_registered",
            BallotEvent::RegistrationLeft { .. } => "ballot_left",
            BallotEvent::Drawn(_) => "ballot_drawn",
            BallotEvent::RightsPassed { .. } => "ballot_rights_passed",
        }
    }

    /// The group it is about.
    pub fn group(&self) -> GroupId {
        match self {
            BallotEvent::Registered { payment, .. }
            | BallotEvent::RegistrationLeft { payment, .. } => payment.group,
            BallotEvent::Drawn(drawn) => drawn.group,
            BallotEvent::RightsPassed { group, .. } => *group,
        }
    }
}

/// Why a ballot turned a command down.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BallotRefusal {
    /// The group's places are paid.
    #[error("group {0} is not a ballot: its places are paid")]
    NotABallot(GroupId),
    /// There is no such place, it is another member's, or it was given up or not taken in time.
    #[error("place {0} does not wait for its member's registration")]
    NotReserved(PaymentId),
    /// The draw is made: there is no second, and it cannot be void.
    #[error("group {0} is drawn")]
    IsDrawn(GroupId),
}

impl BallotRefusal {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            BallotRefusal::NotABallot(_) => "ballot_none",
            BallotRefusal::NotReserved(_) => "ballot_not_reserved",
            BallotRefusal::IsDrawn(_) => "ballot_drawn",
        }
    }
}

impl From<BallotRefusal> for Refusal {
    fn from(refusal: BallotRefusal) -> Refusal {
        Refusal::Ballot(refusal)
    }
}

/// What is asked.
impl World {
    pub(crate) fn decide_ballot(
        &self,
        command: &BallotCommand,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<Option<Answer>, Refusal> {
        match command {
            BallotCommand::Register {
                payment,
                member,
                tag,
            } => self.decide_registration(*payment, (*member, *tag), now, events),
        }
    }

    /// Whoever holds a place may take it; with the last one the group is full and its seat list sealed.
    fn decide_registration(
        &self,
        payment: PaymentId,
        (member, tag): (MemberId, [u8; 32]),
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<Option<Answer>, Refusal> {
        let id = payment.group;
        let group = self.live(id).ok_or(Refusal::GroupNotOpen(id))?;
        let campaign = self.require_campaign(group.campaign)?;
        if campaign.terms.kind != Kind::Ballot {
            return Err(BallotRefusal::NotABallot(id).into());
        }
        let seat = group.seat(payment.index);
        let seat = seat.filter(|seat| seat.member == member);
        match seat.map(|seat| seat.state) {
            Some(SeatState::Registered | SeatState::Paid) => return Ok(Some(Answer::Done)),
            Some(SeatState::Reserved) => {}
            Some(SeatState::Lapsed | SeatState::Refunded) | None => {
                return Err(BallotRefusal::NotReserved(payment).into());
            }
        }
        if tag == [0; 32] {
            return Err(Refusal::TagMissing);
        }
        events.push(Event::Ballot(BallotEvent::Registered {
            payment,
            member,
            tag,
        }));
        if group.paid_count().saturating_add(1) == campaign.terms.group.seats {
            let (filled, round) = self.fill(group, payment, (member, tag), now, events)?;
            events.extend(round);
            events.push(filled);
        }
        Ok(None)
    }
}

/// What changes.
impl World {
    pub(crate) fn apply_ballot(&mut self, event: &BallotEvent) {
        match event {
            BallotEvent::Registered { payment, tag, .. } => {
                self.apply_registered_seat(*payment, *tag)
            }
            BallotEvent::RegistrationLeft { payment, .. } => {
                self.apply_seat_over(*payment, SeatState::Lapsed);
            }
            BallotEvent::Drawn(drawn) => self.apply_ballot_drawn(drawn),
            BallotEvent::RightsPassed {
                group,
                lapsed,
                given,
                until,
            } => self.apply_rights_passed(*group, (lapsed, given), *until),
        }
    }

    fn apply_registered_seat(&mut self, payment: PaymentId, tag: [u8; 32]) {
        let places = self.places(payment.group);
        let Some(group) = self.live_mut(payment.group) else {
            self.corrupt("somebody registers in a group that is over");
            return;
        };
        let Some(seat) = group.seat_mut(payment.index) else {
            return;
        };
        seat.state = SeatState::Registered;
        seat.txn = MaybeTxn::NONE;
        seat.tag = tag;
        crate::group::push_within(&mut group.paid, payment.index, places);
        group.drop_stale_reservations();
    }
}
