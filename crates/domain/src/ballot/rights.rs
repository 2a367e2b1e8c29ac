//! Who may buy in a drawn ballot, and until when (rules 4).
//!
//! Why the whole order of the draw is kept: it is decided once, with everything else of the draw, so that whoever is next when
//! a right is not used was known before anybody let one lapse.

use std::collections::{BTreeMap, BTreeSet};

use minicbor::{Decode, Encode};

use super::{BallotEvent, BallotRefusal, MAX_RIGHTS_PASS};
use crate::{
    Bounce, Campaign, Due, Duration, Event, GroupId, Kind, MemberId, Millis, PaymentId, Refusal,
    SeatState, World,
    drawing::Drawn,
    group::{Full, Group},
};

/// The draw of a ballot, and to whom it gives rights.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct BallotDrawn {
    /// The group.
    #[n(0)]
    pub group: GroupId,
    /// The beacon's signature of the group's round.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub signature: [u8; 48],
    /// The draw's seed.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub seed: [u8; 32],
    /// Seat numbers of all that can win, in the draw's order: the winners, then those to whom unused rights pass.
    #[n(3)]
    pub order: Vec<u32>,
    /// The winners: the first of that order.
    #[n(4)]
    pub given: Vec<Right>,
    /// From this moment on it is too late for them to buy.
    #[n(5)]
    pub until: Millis,
}

/// One seat's right to buy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Right {
    /// The seat's number in the draw.
    #[n(0)]
    pub seat: u32,
    /// The reservation it grew from, which is paid with it.
    #[n(1)]
    pub index: u32,
    /// Whose.
    #[n(2)]
    pub member: MemberId,
}

/// Where a right stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RightState {
    /// It can be used until then.
    Open(Millis),
    /// It was used.
    Bought,
    /// It was not used in time.
    Lapsed,
}

/// All drawn ballots that are not settled; empty until one is drawn.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Ballots {
    #[n(0)]
    drawn: BTreeMap<GroupId, Rights>,
}

/// One drawn ballot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
struct Rights {
    /// As in [`BallotDrawn::order`].
    #[n(0)]
    order: Vec<u32>,
    /// How many of that order have, or had, a right.
    #[n(1)]
    given: u32,
    /// Until when, by seat number.
    #[n(2)]
    open: BTreeMap<u32, Millis>,
    #[n(3)]
    bought: BTreeSet<u32>,
    #[n(4)]
    unused: BTreeSet<u32>,
    /// No right lasts beyond this moment, so none is given that would.
    #[n(5)]
    ends: Millis,
}

impl Rights {
    fn given(&self) -> usize {
        usize::try_from(self.given).unwrap_or(usize::MAX)
    }

    /// Those of these seats, in the draw's order.
    fn in_order(&self, wanted: impl Fn(u32) -> bool) -> Vec<u32> {
        let had = self.order.iter().take(self.given());
        had.copied().filter(|&seat| wanted(seat)).collect()
    }

    fn give(&mut self, given: &[Right], until: Millis) {
        let count = u32::try_from(given.len()).unwrap_or(u32::MAX);
        self.given = self.given.saturating_add(count);
        self.open
            .extend(given.iter().map(|right| (right.seat, until)));
    }

    fn first_due(&self) -> Option<Millis> {
        self.open.values().min().copied()
    }
}

/// What is left of a ballot when nobody can buy in it any more.
struct Over {
    bought: Vec<u32>,
    unused: Vec<u32>,
}

/// Reads.
impl World {
    /// Whether a ballot is drawn, and not settled yet.
    pub(crate) fn is_ballot_drawn(&self, group: GroupId) -> bool {
        !self.ballots.drawn.is_empty() && self.ballots.drawn.contains_key(&group)
    }

    /// A seat's right to buy in a drawn ballot that is not settled yet, if it has or had one.
    pub fn right(&self, payment: PaymentId) -> Option<RightState> {
        let rights = self.ballots.drawn.get(&payment.group)?;
        let seat = seat_number(self.live(payment.group)?, payment.index)?;
        if let Some(&until) = rights.open.get(&seat) {
            return Some(RightState::Open(until));
        }
        if rights.bought.contains(&seat) {
            return Some(RightState::Bought);
        }
        rights.unused.contains(&seat).then_some(RightState::Lapsed)
    }

    /// Rights that can be used, over all ballots: how many of each group.
    pub fn open_rights(&self) -> Vec<(GroupId, usize)> {
        let drawn = self.ballots.drawn.iter();
        drawn
            .map(|(&group, rights)| (group, rights.open.len()))
            .collect()
    }

    /// The reservations that have a right that can be used.
    pub(crate) fn places_with_right(&self, group: GroupId) -> BTreeSet<u32> {
        let known = self.ballots.drawn.get(&group).zip(self.live(group));
        let Some((rights, group)) = known else {
            return BTreeSet::new();
        };
        let seats: Vec<u32> = rights.open.keys().copied().collect();
        let rights = rights_of(group, &seats).into_iter();
        rights.map(|right| right.index).collect()
    }

    /// When the first right of a drawn ballot lapses.
    pub(crate) fn ballot_due_at(&self, group: GroupId) -> Option<Millis> {
        self.ballots.drawn.get(&group)?.first_due()
    }

    /// Why money for this place of a ballot goes back, if it is the price; none: it uses a right.
    pub(crate) fn why_no_right(&self, payment: PaymentId, seat: SeatState) -> Option<Bounce> {
        match (seat, self.right(payment)) {
            (SeatState::Paid, _) | (_, Some(RightState::Bought)) => Some(Bounce::SecondPayment),
            (_, Some(RightState::Open(_))) => None,
            (_, Some(RightState::Lapsed)) => Some(Bounce::RightLapsed),
            (_, None) => Some(Bounce::NothingToPay),
        }
    }
}

/// A place's number in the draw.
fn seat_number(group: &Group, index: u32) -> Option<u32> {
    let at = group.paid.iter().position(|&paid| paid == index)?;
    u32::try_from(at).ok()
}

/// The rights of these seats.
fn rights_of(group: &Group, seats: &[u32]) -> Vec<Right> {
    let right = |&seat: &u32| {
        let index = *group.paid.get(usize::try_from(seat).ok()?)?;
        let member = group.seat(index)?.member;
        Some(Right {
            seat,
            index,
            member,
        })
    };
    seats.iter().filter_map(right).collect()
}

/// What is decided.
impl World {
    /// The draw: as many as have won may buy. Where nobody has, that is all.
    pub(crate) fn decide_ballot_drawn(
        &self,
        id: GroupId,
        outcome: &draw::Outcome,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        if self.is_ballot_drawn(id) {
            return Err(BallotRefusal::IsDrawn(id).into());
        }
        let group = self.live(id).ok_or(Refusal::UnknownGroup(id))?;
        let window = self
            .require_campaign(group.campaign)?
            .terms
            .group
            .payment_window;
        let drawn = BallotDrawn {
            group: id,
            signature: *outcome.signature(),
            seed: outcome.seed().0,
            order: outcome.order().to_vec(),
            given: rights_of(group, outcome.winners()),
            until: now.after(window),
        };
        let nobody = drawn.given.is_empty();
        events.push(Event::Ballot(BallotEvent::Drawn(Box::new(drawn))));
        if nobody {
            let over = Over {
                bought: Vec::new(),
                unused: Vec::new(),
            };
            self.decide_ballot_over(id, over, now, events)?;
        }
        Ok(())
    }

    /// Unused rights are over at their deadline, and pass to whoever is next. With the last of them the group is settled.
    pub(crate) fn due_rights(&self, id: GroupId, now: Millis, events: &mut Vec<Event>) {
        let Some(rights) = self.ballots.drawn.get(&id) else {
            return;
        };
        if rights.first_due().is_none_or(|due| now < due) {
            return;
        }
        let Some((group, campaign)) = self
            .live(id)
            .and_then(|group| Some((group, self.campaign(group.campaign)?)))
        else {
            return;
        };
        let is_over = |seat: u32| rights.open.get(&seat).is_some_and(|&until| until <= now);
        let lapsed = rights.in_order(is_over);
        let until = now.after(campaign.terms.group.payment_window);
        let may_pass = if until <= rights.ends {
            lapsed.len()
        } else {
            0
        };
        let next = rights.order.iter().skip(rights.given());
        let given: Vec<u32> = next.take(may_pass).copied().collect();
        let stay = rights.open.len().saturating_sub(lapsed.len());
        let at = events.len();
        events.push(Event::Ballot(BallotEvent::RightsPassed {
            group: id,
            lapsed: rights_of(group, &lapsed),
            given: rights_of(group, &given),
            until,
        }));
        if stay == 0 && given.is_empty() {
            let mut unused = rights.unused.clone();
            unused.extend(lapsed);
            let over = Over {
                bought: rights.in_order(|seat| rights.bought.contains(&seat)),
                unused: unused.into_iter().collect(),
            };
            // The amounts were bounded when the group opened, so this cannot be refused; a part of it is never kept.
            if self.decide_ballot_over(id, over, now, events).is_err() {
                events.truncate(at);
            }
        }
    }

    /// The payment that `events` end with has used a right: with the last of them the group is settled.
    pub(crate) fn decide_right_used(
        &self,
        payment: PaymentId,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let id = payment.group;
        let (Some(rights), Some(group)) = (self.ballots.drawn.get(&id), self.live(id)) else {
            return Ok(());
        };
        let used = seat_number(group, payment.index);
        if rights.open.keys().any(|&seat| Some(seat) != used) {
            return Ok(());
        }
        let over = Over {
            bought: rights.in_order(|seat| rights.bought.contains(&seat) || Some(seat) == used),
            unused: rights.unused.iter().copied().collect(),
        };
        self.decide_ballot_over(id, over, now, events)
    }

    fn decide_ballot_over(
        &self,
        id: GroupId,
        over: Over,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let group = self.live(id).ok_or(Refusal::UnknownGroup(id))?;
        let full: &Full = group.full.as_ref().ok_or(Refusal::GroupNotFull(id))?;
        let terms: &Campaign = &self.require_campaign(group.campaign)?.terms;
        let seats = group.filled_seats(full);
        let drawn = Drawn::ballot(over.bought, over.unused);
        let settled = self.settlement(id, terms, &seats, drawn)?;
        self.push_settled((group.campaign, &seats), settled, now, events)
    }
}

/// What changes.
impl World {
    pub(crate) fn apply_ballot_drawn(&mut self, drawn: &BallotDrawn) {
        if let Some(round_time) = self.round_time(drawn.group) {
            self.awaiting.remove(&(round_time, drawn.group));
        }
        let campaign = self.campaign_of(drawn.group);
        let window = campaign.map_or(Duration(0), |known| known.terms.group.payment_window);
        let drawn_at = Millis(drawn.until.0.saturating_sub(window.0));
        let mut rights = Rights {
            order: drawn.order.clone(),
            ends: drawn_at.after(MAX_RIGHTS_PASS),
            ..Rights::default()
        };
        rights.give(&drawn.given, drawn.until);
        self.ballots.drawn.insert(drawn.group, rights);
        self.set_pay_by(drawn.group, &drawn.given, drawn.until);
        self.push_timer(drawn.until, Due::Group(drawn.group));
    }

    pub(crate) fn apply_rights_passed(
        &mut self,
        group: GroupId,
        (lapsed, given): (&[Right], &[Right]),
        until: Millis,
    ) {
        let Some(rights) = self.ballots.drawn.get_mut(&group) else {
            self.corrupt("rights pass in a group that is not drawn");
            return;
        };
        for right in lapsed {
            rights.open.remove(&right.seat);
            rights.unused.insert(right.seat);
        }
        rights.give(given, until);
        self.set_pay_by(group, given, until);
        if !given.is_empty() {
            self.push_timer(until, Due::Group(group));
        }
    }

    fn set_pay_by(&mut self, group: GroupId, given: &[Right], until: Millis) {
        let Some(group) = self.live_mut(group) else {
            return;
        };
        for right in given {
            if let Some(seat) = group.seat_mut(right.index) {
                seat.pay_by = until;
            }
        }
    }

    /// A seat of a drawn ballot is paid.
    pub(crate) fn note_right_used(&mut self, payment: PaymentId) {
        let group = self.live(payment.group);
        let seat = group.and_then(|group| seat_number(group, payment.index));
        let rights = self.ballots.drawn.get_mut(&payment.group);
        let Some((rights, seat)) = rights.zip(seat) else {
            self.corrupt("a seat of a full group is paid that has no right");
            return;
        };
        rights.open.remove(&seat);
        rights.bought.insert(seat);
    }

    pub(crate) fn note_ballot_over(&mut self, group: GroupId) {
        if !self.ballots.drawn.is_empty() {
            self.ballots.drawn.remove(&group);
        }
    }

    /// After a snapshot was read.
    pub(crate) fn rebuild_ballots(&mut self) {
        let drawn = self.ballots.drawn.iter();
        let due: BTreeSet<(Millis, GroupId)> = drawn
            .flat_map(|(&group, rights)| rights.open.values().map(move |&until| (until, group)))
            .collect();
        for (until, group) in due {
            self.push_timer(until, Due::Group(group));
            if let Some(round_time) = self.round_time(group) {
                self.awaiting.remove(&(round_time, group));
            }
        }
    }
}

/// What the invariants say of rights (see [`World::check`]).
impl World {
    pub(crate) fn check_ballots(&self, found: &mut Vec<String>) {
        for (&id, rights) in &self.ballots.drawn {
            let group = self.live(id);
            let terms = group.and_then(|group| self.campaign(group.campaign));
            let most = terms
                .filter(|campaign| campaign.terms.kind == Kind::Ballot)
                .map_or(0, |campaign| campaign.terms.group.winners);
            let counted = [&rights.bought, &rights.unused];
            let ended: usize = counted.iter().map(|seats| seats.len()).sum();
            if rights.given() != ended.saturating_add(rights.open.len()) {
                found.push(format!(
                    "group {id} has given other rights than it knows of"
                ));
            }
            let held = rights.bought.len().saturating_add(rights.open.len());
            if usize::try_from(most).is_ok_and(|most| most < held) {
                found.push(format!(
                    "group {id} has {held} rights at once, its rules allow {most}"
                ));
            }
            if rights.open.is_empty() {
                found.push(format!("group {id} has no right open and is not settled"));
            }
        }
    }
}
