//! Circles that rotate (rules 4): the same members play again and again, and whoever has won waits until all have.
//!
//! Why a circle is named after its first group: it needs no number of its own, and a group that never fills leaves nothing
//! behind. Why there is no way to put somebody out: whoever could do that could choose who wins next.

use std::collections::{BTreeMap, BTreeSet};

use minicbor::{Decode, Encode};

use crate::{
    Answer, Bounce, Campaign, CampaignId, Closing, Event, GroupId, MemberId, Millis, PaymentId,
    Refusal, SeatState, World, group::Group, open_file_in,
};

/// What is asked of circles.
#[derive(Clone, Debug)]
pub enum CircleCommand {
    /// Opens a circle's next group and reserves its seat 0.
    OpenRound {
        /// By its first group.
        circle: GroupId,
        /// One of its members, who will be the group's leader.
        member: MemberId,
    },
    /// Leaves a circle for good.
    Leave {
        /// Which.
        circle: GroupId,
        /// Who.
        member: MemberId,
    },
}

impl CircleCommand {
    /// In whose name it is.
    pub fn member(&self) -> MemberId {
        match self {
            CircleCommand::OpenRound { member, .. } | CircleCommand::Leave { member, .. } => {
                *member
            }
        }
    }

    /// Of which circle.
    pub fn circle(&self) -> GroupId {
        match self {
            CircleCommand::OpenRound { circle, .. } | CircleCommand::Leave { circle, .. } => {
                *circle
            }
        }
    }
}

/// What has happened in circles. Stored for ever, like [`Event`]: numbers are never reused.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum CircleEvent {
    /// The group that the next event opens is a circle's next; its first, if the two are the same.
    #[n(0)]
    RoundOpened {
        /// By its first group.
        #[n(0)]
        circle: GroupId,
        /// Which group.
        #[n(1)]
        group: GroupId,
        /// Of which offer.
        #[n(2)]
        campaign: CampaignId,
        /// The circle's name in the draw's files.
        #[n(3)]
        name: String,
    },
    /// The group that the next event fills: its seats are the circle's members from now on.
    #[n(1)]
    RoundFilled {
        /// By its first group.
        #[n(0)]
        circle: GroupId,
        /// Which group.
        #[n(1)]
        group: GroupId,
        /// The circle's name in the draw's files.
        #[n(2)]
        name: String,
        /// Hash of the result or void file of the circle's group before this one (draw 4).
        #[cbor(n(3), with = "minicbor::bytes")]
        prev: Option<[u8; 32]>,
        /// The tier of each seat, in seat order (draw 7).
        #[n(4)]
        tiers: Vec<u32>,
    },
    /// The circle's group ends with the next event.
    #[n(2)]
    RoundOver {
        /// By its first group.
        #[n(0)]
        circle: GroupId,
        /// Which group.
        #[n(1)]
        group: GroupId,
        /// Hash of its result or void file: what the next freeze names.
        #[cbor(n(2), with = "minicbor::bytes")]
        last: [u8; 32],
        /// The seats that have won; none where there was no draw, and nobody's tier changes.
        #[n(3)]
        drawn: Option<Vec<u32>>,
    },
    /// A member has left for good; his place is free.
    #[n(3)]
    Left {
        /// By its first group.
        #[n(0)]
        circle: GroupId,
        /// Who.
        #[n(1)]
        member: MemberId,
    },
}

impl CircleEvent {
    /// All names, by the numbers of the kinds.
    pub const NAMES: [&'static str; 4] = [
        "circle_round_opened",
        "circle_round_filled",
        "circle_round_over",
        "circle_left",
    ];

    /// Its name in SQL and JSON.
    pub fn name(&self) -> &'static str {
        match self {
            CircleEvent::RoundOpened { .. } => "circle_round_opened",
            CircleEvent::RoundFilled { .. } => "circle_round_filled",
            CircleEvent::RoundOver { .. } => "circle_round_over",
            CircleEvent::Left { .. } => "circle_left",
        }
    }

    /// The group it is about.
    pub fn group(&self) -> GroupId {
        match self {
            CircleEvent::RoundOpened { group, .. }
            | CircleEvent::RoundFilled { group, .. }
            | CircleEvent::RoundOver { group, .. } => *group,
            CircleEvent::Left { circle, .. } => *circle,
        }
    }
}

/// Why a circle turned a command down.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CircleRefusal {
    /// There is none, or its first group never filled.
    #[error("circle {0} is not known")]
    Unknown(GroupId),
    /// Only its members play, and others as far as places are free.
    #[error("member {member} is not in circle {circle}, and no place in it is free")]
    NotInCircle {
        /// Which.
        circle: GroupId,
        /// Who.
        member: MemberId,
    },
    /// Who has left does not come back: his turns would be counted anew.
    #[error("member {member} has left circle {circle}")]
    HasLeft {
        /// Which.
        circle: GroupId,
        /// Who.
        member: MemberId,
    },
    /// A circle plays one group at a time.
    #[error("group {group} of circle {circle} is not over yet")]
    RoundRunning {
        /// Which.
        circle: GroupId,
        /// The group.
        group: GroupId,
    },
}

impl CircleRefusal {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            CircleRefusal::Unknown(_) => "circle_unknown",
            CircleRefusal::NotInCircle { .. } => "circle_not_in",
            CircleRefusal::HasLeft { .. } => "circle_left",
            CircleRefusal::RoundRunning { .. } => "circle_round_running",
        }
    }
}

impl From<CircleRefusal> for Refusal {
    fn from(refusal: CircleRefusal) -> Refusal {
        Refusal::Circle(refusal)
    }
}

/// A circle as its members see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CircleView {
    /// Of which offer.
    pub campaign: CampaignId,
    /// How many are in it; 0 until its first group has filled.
    pub members: u32,
    /// The group that is open or waits for its draw.
    pub round: Option<GroupId>,
    /// Hash of the last group's result or void file.
    pub last: Option<[u8; 32]>,
}

/// All circles; empty until one begins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Circles {
    #[n(0)]
    known: BTreeMap<GroupId, Turns>,
    /// The circles of groups that were not their first.
    #[n(1)]
    later: BTreeMap<GroupId, GroupId>,
}

/// One circle.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
struct Turns {
    #[n(0)]
    campaign: CampaignId,
    /// Empty until its first group has filled.
    #[n(1)]
    members: BTreeSet<MemberId>,
    /// Who was in it and is not any more.
    #[n(2)]
    gone: BTreeSet<MemberId>,
    /// Everybody who was ever drawn in it, by tag.
    #[n(3)]
    tiers: Vec<KnownTier>,
    #[cbor(n(4), with = "minicbor::bytes")]
    last: Option<[u8; 32]>,
    #[n(5)]
    round: Option<GroupId>,
    /// Reservations of others in the running group, each with the absent member whose place it took.
    #[cbor(n(6), default, skip_if = "Vec::is_empty")]
    given: Vec<GivenPlace>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
struct GivenPlace {
    #[n(0)]
    index: u32,
    #[n(1)]
    from: MemberId,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
struct KnownTier {
    #[cbor(n(0), with = "minicbor::bytes")]
    tag: [u8; 32],
    #[n(1)]
    tier: u32,
}

impl Turns {
    /// Whether somebody else holds this member's place in the running group.
    fn is_given(&self, group: &Group, member: MemberId) -> bool {
        let mut taken = self.given.iter().filter(|given| given.from == member);
        taken.any(|given| {
            group
                .seat(given.index)
                .is_some_and(|seat| is_held(seat.state))
        })
    }

    fn tiers(&self) -> draw::Tiers {
        let known = self.tiers.iter();
        draw::Tiers::from_known(known.map(|known| (draw::Hash(known.tag), known.tier)))
    }
}

/// Reads.
impl World {
    /// A circle by its first group.
    pub fn circle(&self, circle: GroupId) -> Option<CircleView> {
        let turns = self.circles.known.get(&circle)?;
        Some(CircleView {
            campaign: turns.campaign,
            members: u32::try_from(turns.members.len()).unwrap_or(u32::MAX),
            round: turns.round,
            last: turns.last,
        })
    }

    /// Whether somebody is in a circle.
    pub fn is_in_circle(&self, circle: GroupId, member: MemberId) -> bool {
        let turns = self.circles.known.get(&circle);
        turns.is_some_and(|turns| turns.members.contains(&member))
    }

    /// The circle that a group belongs to, if its campaign rotates; also of groups that are over.
    pub fn circle_of(&self, group: GroupId) -> Option<GroupId> {
        let rotates = self.campaign_of(group)?.terms.rotates();
        rotates.then(|| self.circle_named(group))
    }

    fn circle_named(&self, group: GroupId) -> GroupId {
        self.circles.later.get(&group).copied().unwrap_or(group)
    }

    /// What members' tags in a group are made of (draw 3): the circle's name where there is one, else the group's.
    pub fn tag_ident(&self, group: GroupId) -> Option<Result<draw::Ident, Refusal>> {
        let campaign = self.campaign_of(group)?;
        Some(match self.circle_of(group) {
            Some(circle) => self.circle_ident(circle),
            None => crate::group_ident(group, &campaign.hash),
        })
    }

    /// A circle is named after its first group and that group's campaign.
    pub(crate) fn circle_ident(&self, circle: GroupId) -> Result<draw::Ident, Refusal> {
        let campaign = self
            .campaign_of(circle)
            .ok_or(Refusal::UnknownGroup(circle))?;
        circle_ident(circle, &campaign.hash)
    }

    /// The `open` file of a group.
    pub(crate) fn open_file_of(&self, group: GroupId) -> Result<draw::Open, Refusal> {
        let campaign = self
            .campaign_of(group)
            .ok_or(Refusal::UnknownGroup(group))?;
        let circle = self.circle_of(group);
        let circle = circle.map(|circle| self.circle_ident(circle)).transpose()?;
        open_file_in(campaign, group, circle)
    }

    /// Gives seats their tiers and says which draw came before (draw 7), where the group is a circle's.
    pub(crate) fn turn(
        &self,
        group: GroupId,
        campaign: &Campaign,
        lines: &mut [draw::SeatLine],
    ) -> Option<(GroupId, Option<draw::Hash>)> {
        if !campaign.rotates() {
            return None;
        }
        let circle = self.circle_named(group);
        let turns = self.circles.known.get(&circle)?;
        let tags: Vec<draw::Hash> = lines.iter().map(|line| line.tag).collect();
        for (line, tier) in lines.iter_mut().zip(turns.tiers().for_list(&tags)) {
            line.tier = tier;
        }
        Some((circle, turns.last.map(draw::Hash)))
    }
}

/// The name of a circle (draw 2): what its members' tags are made of.
pub fn circle_ident(circle: GroupId, published: &draw::Hash) -> Result<draw::Ident, Refusal> {
    let digest = published.to_string();
    let prefix = digest.get(..32).unwrap_or_default();
    draw::Ident::new(&format!("circle-{circle}-{prefix}")).map_err(|_| Refusal::Overflow)
}

impl Campaign {
    /// Whether its groups are circles that take turns.
    pub fn rotates(&self) -> bool {
        match self.group.circle {
            crate::Circle::Off => false,
            crate::Circle::Rotate => true,
        }
    }
}

/// What is asked.
impl World {
    pub(crate) fn decide_circle(
        &self,
        command: &CircleCommand,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<Option<Answer>, Refusal> {
        match command {
            CircleCommand::OpenRound { circle, member } => {
                self.decide_round(*circle, *member, now, events)?;
            }
            CircleCommand::Leave { circle, member } => {
                return self.decide_leave_circle(*circle, *member, events);
            }
        }
        Ok(None)
    }

    fn decide_round(
        &self,
        circle: GroupId,
        member: MemberId,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        self.require_member(member)?;
        let campaign = self.may_open_round(circle, member)?;
        self.require_no_treat(campaign)?;
        self.open_group(campaign, (member, None), Some(circle), now, events)
    }

    /// The campaign of a circle whose next group this member may open.
    pub(crate) fn may_open_round(
        &self,
        circle: GroupId,
        member: MemberId,
    ) -> Result<CampaignId, Refusal> {
        let turns = self.require_turns(circle, member)?;
        match turns.round {
            Some(group) => Err(CircleRefusal::RoundRunning { circle, group }.into()),
            None => Ok(turns.campaign),
        }
    }

    /// His seats in groups that are not over stay his; the circle goes on without him.
    fn decide_leave_circle(
        &self,
        circle: GroupId,
        member: MemberId,
        events: &mut Vec<Event>,
    ) -> Result<Option<Answer>, Refusal> {
        let known = self.circles.known.get(&circle);
        if known.is_some_and(|turns| turns.gone.contains(&member)) {
            return Ok(Some(Answer::Done));
        }
        let turns = self.require_turns(circle, member)?;
        if let Some(group) = turns.round
            && let Some(live) = self.live(group)
            && holds_place(live, member)
        {
            return Err(CircleRefusal::RoundRunning { circle, group }.into());
        }
        events.push(Event::Circle(CircleEvent::Left { circle, member }));
        Ok(None)
    }

    /// A circle that has begun, and its member.
    fn require_turns(&self, circle: GroupId, member: MemberId) -> Result<&Turns, Refusal> {
        let known = self.circles.known.get(&circle);
        let turns = known.filter(|turns| !turns.members.is_empty());
        let turns = turns.ok_or(CircleRefusal::Unknown(circle))?;
        if turns.gone.contains(&member) {
            return Err(CircleRefusal::HasLeft { circle, member }.into());
        }
        if !turns.members.contains(&member) {
            return Err(CircleRefusal::NotInCircle { circle, member }.into());
        }
        Ok(turns)
    }

    /// What is due in the circle's group comes before what is asked of the circle.
    pub(crate) fn round_of(&self, circle: GroupId) -> Option<GroupId> {
        self.circles.known.get(&circle)?.round
    }

    /// The rule that stands against one more place in a circle's group: it is the members', and others' as far as places are
    /// free. A place is free when its member has left, is frozen or has excluded himself, and has none in this group. Who comes
    /// back finds his own place taken and nobody else's.
    pub(crate) fn why_not_in_circle(
        &self,
        id: GroupId,
        group: &Group,
        member: MemberId,
    ) -> Option<Bounce> {
        let turns = self.circles.known.get(&self.circle_named(id))?;
        let is_given = |one| turns.is_given(group, one);
        if turns.members.is_empty() || (turns.members.contains(&member) && !is_given(member)) {
            return None;
        }
        if turns.gone.contains(&member) {
            return Some(Bounce::NotInCircle);
        }
        let stays = |&&one: &&MemberId| {
            holds_place(group, one)
                || !(is_given(one) || self.is_frozen(one) || self.is_excluded(one))
        };
        let stay = turns.members.iter().filter(stays).count();
        let held = group.seats.iter().filter(|seat| is_held(seat.state));
        let others = held.filter(|seat| !turns.members.contains(&seat.member));
        let places = self.places(id);
        (places <= stay.saturating_add(others.count())).then_some(Bounce::NotInCircle)
    }

    /// Why a join was turned down for the circle's sake.
    pub(crate) fn circle_refusal(&self, group: GroupId, member: MemberId) -> Refusal {
        let circle = self.circle_named(group);
        let known = self.circles.known.get(&circle);
        if known.is_some_and(|turns| turns.gone.contains(&member)) {
            return CircleRefusal::HasLeft { circle, member }.into();
        }
        CircleRefusal::NotInCircle { circle, member }.into()
    }

    /// Before the last seat's event: who the members are and what the draw depends on.
    pub(crate) fn round_filled(
        &self,
        group: GroupId,
        seats: &draw::Seats,
        turn: Option<(GroupId, Option<draw::Hash>)>,
    ) -> Result<Option<Event>, Refusal> {
        let Some((circle, prev)) = turn else {
            return Ok(None);
        };
        Ok(Some(Event::Circle(CircleEvent::RoundFilled {
            circle,
            group,
            name: self.circle_ident(circle)?.as_str().to_owned(),
            prev: prev.map(|prev| prev.0),
            tiers: seats.0.iter().map(|line| line.tier).collect(),
        })))
    }

    /// Before a group is opened whose campaign rotates: whose next it is.
    pub(crate) fn round_opened(
        &self,
        circle: Option<GroupId>,
        group: GroupId,
        campaign: CampaignId,
    ) -> Result<Option<Event>, Refusal> {
        let published = self.require_campaign(campaign)?;
        if !published.terms.rotates() {
            return Ok(None);
        }
        let name = match circle {
            Some(circle) => self.circle_ident(circle)?,
            None => circle_ident(group, &published.hash)?,
        };
        Ok(Some(Event::Circle(CircleEvent::RoundOpened {
            circle: circle.unwrap_or(group),
            group,
            campaign,
            name: name.as_str().to_owned(),
        })))
    }

    /// The event that a circle's group ends with, before the group's own.
    pub(crate) fn round_drawn(&self, group: GroupId, outcome: &draw::Outcome) -> Option<Event> {
        self.circle_of(group).map(|circle| {
            Event::Circle(CircleEvent::RoundOver {
                circle,
                group,
                last: outcome.result().hash().0,
                drawn: Some(outcome.winners().to_vec()),
            })
        })
    }

    /// As [`World::round_drawn`], without a draw: the void file counts (draw 8).
    pub(crate) fn round_void(
        &self,
        group: GroupId,
        why: Closing,
        now: Millis,
    ) -> Result<Option<Event>, Refusal> {
        let Some(circle) = self.circle_of(group) else {
            return Ok(None);
        };
        let full = self.live(group).and_then(|live| live.full.as_ref());
        let of = match full {
            Some(full) => draw::Hash(full.freeze),
            None => self.open_file_of(group)?.hash(),
        };
        let void = draw::Void {
            of,
            reason: why.void_reason(),
            at: now.unix_seconds(),
        };
        Ok(Some(Event::Circle(CircleEvent::RoundOver {
            circle,
            group,
            last: void.hash().0,
            drawn: None,
        })))
    }
}

impl Closing {
    /// What its void file says (draw 8).
    pub fn void_reason(self) -> draw::VoidReason {
        match self {
            Closing::Expired => draw::VoidReason::NotFull,
            Closing::LeaderGone | Closing::Cancelled => draw::VoidReason::Cancelled,
            Closing::Void => draw::VoidReason::Timeout,
        }
    }
}

fn is_held(state: SeatState) -> bool {
    matches!(
        state,
        SeatState::Reserved | SeatState::Paid | SeatState::Registered
    )
}

fn holds_place(group: &Group, member: MemberId) -> bool {
    let mut seats = group.seat_indexes(member);
    seats.any(|index| group.seat(index).is_some_and(|seat| is_held(seat.state)))
}

/// What has happened.
impl World {
    pub(crate) fn apply_circle(&mut self, event: &CircleEvent) {
        match event {
            CircleEvent::RoundOpened {
                circle,
                group,
                campaign,
                ..
            } => self.apply_round(*circle, *group, *campaign),
            CircleEvent::RoundFilled { circle, group, .. } => {
                self.apply_round_filled(*circle, *group);
            }
            CircleEvent::RoundOver {
                circle,
                group,
                last,
                drawn,
            } => self.apply_round_over(*circle, *group, (*last, drawn.as_deref())),
            CircleEvent::Left { circle, member } => {
                if let Some(turns) = self.circles.known.get_mut(circle) {
                    turns.members.remove(member);
                    turns.gone.insert(*member);
                }
                self.forget_empty_circle(*circle);
            }
        }
    }

    fn apply_round(&mut self, circle: GroupId, group: GroupId, campaign: CampaignId) {
        if circle != group {
            self.circles.later.insert(group, circle);
        }
        let turns = self.circles.known.entry(circle).or_insert_with(|| Turns {
            campaign,
            members: BTreeSet::new(),
            gone: BTreeSet::new(),
            tiers: Vec::new(),
            last: None,
            round: None,
            given: Vec::new(),
        });
        turns.round = Some(group);
        turns.given.clear();
    }

    /// A place is reserved. Where it is another's than a member's and no place stood empty, it is that of the first member who
    /// may not play now.
    pub(crate) fn note_place_given(&mut self, payment: PaymentId, member: MemberId) {
        if self.circles.known.is_empty() {
            return;
        }
        let circle = self.circle_named(payment.group);
        let (Some(turns), Some(group)) =
            (self.circles.known.get(&circle), self.live(payment.group))
        else {
            return;
        };
        if turns.members.is_empty() || turns.members.contains(&member) {
            return;
        }
        let held = group.seats.iter().filter(|seat| is_held(seat.state));
        let others = held.filter(|seat| !turns.members.contains(&seat.member));
        let given = turns
            .members
            .iter()
            .filter(|&&one| turns.is_given(group, one));
        let empty = self
            .places(payment.group)
            .saturating_sub(turns.members.len());
        if others.count() <= empty.saturating_add(given.count()) {
            return;
        }
        let absent = turns.members.iter().copied().find(|&one| {
            (self.is_frozen(one) || self.is_excluded(one))
                && !holds_place(group, one)
                && !turns.is_given(group, one)
        });
        let place = absent.map(|from| GivenPlace {
            index: payment.index,
            from,
        });
        if let Some(turns) = self.circles.known.get_mut(&circle) {
            turns.given.extend(place);
        }
    }

    /// Whoever was in it and has no seat in the sealed list has lost his place to somebody else.
    fn apply_round_filled(&mut self, circle: GroupId, group: GroupId) {
        let Some(live) = self.live(group) else {
            self.corrupt("a circle's group was filled that is over");
            return;
        };
        let paid = live.paid.iter().filter_map(|&index| live.seat(index));
        let members: BTreeSet<MemberId> = paid.map(|seat| seat.member).collect();
        if let Some(turns) = self.circles.known.get_mut(&circle) {
            let before = std::mem::replace(&mut turns.members, members);
            turns.gone.extend(before);
            turns.gone.retain(|member| !turns.members.contains(member));
        }
    }

    fn apply_round_over(
        &mut self,
        circle: GroupId,
        group: GroupId,
        (last, drawn): ([u8; 32], Option<&[u32]>),
    ) {
        let mut lines = self.live(group).map(|live| live.draw_lines(None));
        let terms = self.campaign_of(group).map(|known| &known.terms);
        if let (Some(lines), Some(terms)) = (lines.as_mut(), terms) {
            let _ = self.turn(group, terms, lines);
        }
        let Some(turns) = self.circles.known.get_mut(&circle) else {
            self.corrupt("a group ends of a circle that there is not");
            return;
        };
        turns.last = Some(last);
        turns.round = None;
        turns.given.clear();
        if let (Some(lines), Some(drawn)) = (lines, drawn) {
            let mut tiers = turns.tiers();
            if tiers.record(&draw::Seats(lines), drawn).is_err() {
                self.corrupt("a circle's winners are not among its seats");
                return;
            }
            let known = tiers.known();
            turns.tiers = known
                .map(|(tag, tier)| KnownTier { tag: tag.0, tier })
                .collect();
        }
        self.forget_empty_circle(circle);
    }

    /// A circle that has no members, and no group in which it could get some, is over.
    fn forget_empty_circle(&mut self, circle: GroupId) {
        let known = self.circles.known.get(&circle);
        if known.is_some_and(|turns| turns.members.is_empty() && turns.round.is_none()) {
            self.circles.known.remove(&circle);
        }
    }
}
