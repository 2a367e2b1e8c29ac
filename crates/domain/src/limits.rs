//! What keeps a member from playing more than he or the installation wants (rules 9.7): entries a day, money in groups at once, a
//! pause after a run of losses, self-exclusion.
//!
//! Why nothing is counted until somebody limits something: a join of an installation without limits asks one flag. What is counted
//! lies in maps beside the members, and begins with the limit: entries before it are not looked up again.

use std::collections::{BTreeMap, BTreeSet};

use minicbor::{Decode, Encode};

use crate::{
    Answer, CampaignId, DAY_MS, Duration, Event, GroupId, GroupSettled, Kind, LossPause, MemberId,
    Millis, Money, PaymentId, Refusal, SeatState, World, group::Group,
};

/// How long a limit holds after its member has loosened it.
pub const LOOSENED_AFTER: Duration = Duration(DAY_MS);
/// For how many days a member can exclude himself, if not for ever.
pub const EXCLUSION_DAYS: [u32; 3] = [7, 30, 180];
/// The longest pause after a run of losses.
pub const MAX_PAUSE: Duration = Duration(30 * DAY_MS);
/// The highest number of entries or losses that a limit can name.
pub const MAX_LIMIT_COUNT: u32 = 10_000;

/// What a member allows himself; nothing is limited that is not named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct MemberLimits {
    /// Most places he can reserve in a day of Shanghai.
    #[n(0)]
    pub entries_per_day: Option<u32>,
    /// Most money that he can have in groups at once, with what he has reserved and not paid yet.
    #[n(1)]
    pub money_in_groups: Option<Money>,
    /// The pause after a run of lost groups.
    #[n(2)]
    pub loss_pause: Option<LossPause>,
}

/// A looser set of limits that is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct LooserLimits {
    /// What will hold.
    #[n(0)]
    pub limits: MemberLimits,
    /// From this moment on.
    #[n(1)]
    pub from: Millis,
}

/// One member's pause after a run of losses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Paused {
    /// Whose.
    #[n(0)]
    pub member: MemberId,
    /// From this moment on he can begin anew.
    #[n(1)]
    pub until: Millis,
}

/// A member's limits as he sees them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LimitsView {
    /// What he has set, and holds now.
    pub holds: MemberLimits,
    /// What he has loosened, and does not hold yet.
    pub later: Option<LooserLimits>,
    /// What holds for everybody here.
    pub installation: MemberLimits,
    /// Until when he has excluded himself; the end of time: for ever.
    pub excluded_until: Option<Millis>,
    /// Until when he pauses after losses.
    pub paused_until: Option<Millis>,
    /// Places he has reserved today, as far as they are counted.
    pub entries_today: u32,
}

/// Everything of limits; empty until somebody limits something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Limits {
    #[n(0)]
    own: BTreeMap<MemberId, Own>,
    #[n(1)]
    excluded: BTreeMap<MemberId, Millis>,
    /// The day of Shanghai whose entries are counted.
    #[n(2)]
    day: i64,
    /// Entries of that day: in all campaigns, or in one that limits them.
    #[n(3)]
    entries: BTreeMap<(MemberId, Option<CampaignId>), u32>,
    /// What is reserved and not paid, of those whose money in groups is limited.
    #[n(4)]
    reserved: BTreeMap<(MemberId, GroupId, u32), Money>,
    /// Groups lost in a row, of those who pause after some.
    #[n(5)]
    losses: BTreeMap<MemberId, u32>,
    #[n(6)]
    paused: BTreeMap<MemberId, Millis>,
    /// Whether anything limits anybody. Derived.
    #[cbor(skip)]
    active: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
struct Own {
    #[n(0)]
    holds: MemberLimits,
    #[n(1)]
    later: Option<LooserLimits>,
}

impl Own {
    fn at(self, now: Millis) -> MemberLimits {
        match self.later {
            Some(later) if later.from <= now => later.limits,
            Some(_) | None => self.holds,
        }
    }
}

impl MemberLimits {
    /// The stricter of each.
    pub fn and(self, other: MemberLimits) -> MemberLimits {
        MemberLimits {
            entries_per_day: least(self.entries_per_day, other.entries_per_day),
            money_in_groups: least(self.money_in_groups, other.money_in_groups),
            loss_pause: match (self.loss_pause, other.loss_pause) {
                (Some(one), Some(two)) => Some(LossPause {
                    losses: one.losses.min(two.losses),
                    pause: one.pause.max(two.pause),
                }),
                (one, two) => one.or(two),
            },
        }
    }

    fn check(self) -> Result<(), Refusal> {
        let entries = self
            .entries_per_day
            .is_none_or(|most| most <= MAX_LIMIT_COUNT);
        let money = self.money_in_groups.is_none_or(|most| Money::ZERO <= most);
        let pause = self.loss_pause.is_none_or(|pause| {
            (1..=MAX_LIMIT_COUNT).contains(&pause.losses)
                && Duration(0) < pause.pause
                && pause.pause <= MAX_PAUSE
        });
        if entries && money && pause {
            Ok(())
        } else {
            Err(Refusal::InvalidLimits)
        }
    }
}

fn least<T: Ord>(one: Option<T>, two: Option<T>) -> Option<T> {
    match (one, two) {
        (Some(one), Some(two)) => Some(one.min(two)),
        (one, two) => one.or(two),
    }
}

impl Limits {
    fn own(&self, member: MemberId, now: Millis) -> MemberLimits {
        let own = self.own.get(&member).copied().unwrap_or_default();
        own.at(now)
    }

    fn entries(&self, member: MemberId, campaign: Option<CampaignId>, now: Millis) -> u32 {
        let counted = self.entries.get(&(member, campaign)).copied();
        counted
            .filter(|_| self.day == now.shanghai_day())
            .unwrap_or(0)
    }

    fn reserved(&self, member: MemberId) -> Money {
        let first = (member, GroupId(0), 0);
        let last = (member, GroupId(u64::MAX), u32::MAX);
        let sums = self.reserved.range(first..=last);
        Money(sums.fold(0, |sum: i64, (_, price)| sum.saturating_add(price.0)))
    }
}

/// Hot reads.
impl World {
    /// A member's limits.
    pub fn limits(&self, member: MemberId, now: Millis) -> LimitsView {
        let own = self.limits.own.get(&member).copied().unwrap_or_default();
        let until = |known: Option<&Millis>| known.copied().filter(|&until| now < until);
        LimitsView {
            holds: own.at(now),
            later: own.later.filter(|later| now < later.from),
            installation: self.installation_limits(),
            excluded_until: until(self.limits.excluded.get(&member)),
            paused_until: until(self.limits.paused.get(&member)),
            entries_today: self.limits.entries(member, None, now),
        }
    }

    fn installation_limits(&self) -> MemberLimits {
        let terms = self.profile_terms();
        MemberLimits {
            entries_per_day: terms.entries_per_day,
            money_in_groups: terms.money_in_groups,
            loss_pause: terms.loss_pause,
        }
    }

    /// Whether a member has excluded himself, as things stood at the last record.
    pub(crate) fn is_excluded(&self, member: MemberId) -> bool {
        let until = self.limits.excluded.get(&member);
        until.is_some_and(|&until| self.now < until)
    }

    /// What holds for a member now: his own limits and everybody's, the stricter of each.
    fn holding(&self, member: MemberId, now: Millis) -> MemberLimits {
        self.limits.own(member, now).and(self.installation_limits())
    }
}

/// What limits refuse.
impl World {
    /// Refuses one more place for a member whose limits stand against it.
    pub(crate) fn require_within_limits(
        &self,
        member: MemberId,
        campaign: CampaignId,
        now: Millis,
    ) -> Result<(), Refusal> {
        if !self.limits.active {
            return Ok(());
        }
        self.require_may_play(member, campaign, now)?;
        let own = self.holding(member, now).entries_per_day;
        let of_campaign = self
            .campaign(campaign)
            .map_or(0, |campaign| campaign.terms.group.entries_per_day);
        let of_campaign = (of_campaign != 0).then_some(of_campaign);
        // A day's entries at a template's tables are counted together.
        let offer = self.offer_of(campaign);
        for (most, counted) in [(own, None), (of_campaign, Some(offer))] {
            if let Some(most) =
                most.filter(|&most| most <= self.limits.entries(member, counted, now))
            {
                return Err(Refusal::EntriesLimit { most });
            }
        }
        Ok(())
    }

    /// As [`World::require_within_limits`], for a place that was counted when it was reserved, and has lapsed since.
    pub(crate) fn require_may_play(
        &self,
        member: MemberId,
        campaign: CampaignId,
        now: Millis,
    ) -> Result<(), Refusal> {
        if !self.limits.active {
            return Ok(());
        }
        let until = |known: Option<&Millis>| known.copied().filter(|&until| now < until);
        if let Some(until) = until(self.limits.excluded.get(&member)) {
            return Err(Refusal::SelfExcluded { until });
        }
        self.require_may_enter(member, now)?;
        if let Some(until) = until(self.limits.paused.get(&member)) {
            return Err(Refusal::LossPause { until });
        }
        let campaign = self.campaign(campaign);
        if campaign.is_some_and(|campaign| campaign.terms.kind == Kind::Ballot) {
            return Ok(());
        }
        if let Some(most) = self.holding(member, now).money_in_groups {
            let has = self
                .member_ref(member)
                .map_or(Money::ZERO, |known| known.in_groups);
            let price = campaign.map_or(Money::ZERO, |campaign| campaign.terms.group.price);
            if most < has.plus(self.limits.reserved(member))?.plus(price)? {
                return Err(Refusal::MoneyLimit { most });
            }
        }
        Ok(())
    }

    /// Tighter limits hold at once, looser ones a day later (rules 9.7).
    pub(crate) fn decide_limits(
        &self,
        member: MemberId,
        limits: MemberLimits,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<Option<Answer>, Refusal> {
        self.require_member(member)?;
        limits.check()?;
        let own = self.limits.own.get(&member).copied().unwrap_or_default();
        let held = own.at(now);
        let holds = held.and(limits);
        let waited = own.later.filter(|later| now < later.from);
        if holds == held && waited.map_or(held, |later| later.limits) == limits {
            return Ok(Some(Answer::Done));
        }
        let later = (holds != limits).then(|| LooserLimits {
            limits,
            from: now.after(LOOSENED_AFTER),
        });
        events.push(Event::LimitsSet {
            member,
            holds,
            later,
        });
        Ok(None)
    }

    /// An exclusion can be made longer, never shorter.
    pub(crate) fn decide_exclusion(
        &self,
        member: MemberId,
        days: Option<u32>,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<Option<Answer>, Refusal> {
        self.require_member(member)?;
        let until = match days {
            None => Millis(i64::MAX),
            Some(days) if EXCLUSION_DAYS.contains(&days) => {
                now.after(Duration(DAY_MS.saturating_mul(i64::from(days))))
            }
            Some(_) => return Err(Refusal::InvalidLimits),
        };
        match self.limits.excluded.get(&member).copied() {
            Some(stands) if until < stands => Err(Refusal::ExclusionStands { until: stands }),
            Some(stands) if until == stands => Ok(Some(Answer::Done)),
            Some(_) | None => {
                events.push(Event::SelfExcluded { member, until });
                Ok(None)
            }
        }
    }

    /// Who pauses now: whoever has lost this group with all his seats, and so many before it in a row.
    pub(crate) fn decide_pauses(
        &self,
        settled: &GroupSettled,
        now: Millis,
        events: &mut Vec<Event>,
    ) {
        if !self.limits.active || settled.everyone_buys {
            return;
        }
        let mut paused = Vec::new();
        for member in lost_by(settled) {
            let Some(pause) = self.holding(member, now).loss_pause else {
                continue;
            };
            let before = self.limits.losses.get(&member).copied().unwrap_or(0);
            if pause.losses <= before.saturating_add(1) {
                // A pause that runs is not shortened by another loss.
                let running = self.limits.paused.get(&member).copied();
                let until = now.after(pause.pause).max(running.unwrap_or(now));
                paused.push(Paused { member, until });
            }
        }
        if !paused.is_empty() {
            events.push(Event::PausesBegun { paused });
        }
    }
}

/// Everybody who has a seat in the group and won with none.
fn lost_by(settled: &GroupSettled) -> BTreeSet<MemberId> {
    let (won, lost) = settled.split();
    let lost = settled.consoled(lost);
    let mut losers: BTreeSet<MemberId> = lost.iter().map(|(_, seat)| seat.member).collect();
    for (_, seat) in won {
        losers.remove(&seat.member);
    }
    losers
}

/// What is counted.
impl World {
    /// Looks again whether anything limits anybody.
    pub(crate) fn refresh_limits(&mut self) {
        let campaigns = self.campaigns.iter();
        let by_campaign = campaigns
            .clone()
            .any(|campaign| campaign.terms.group.entries_per_day != 0);
        self.limits.active = by_campaign
            || self.installation_limits() != MemberLimits::default()
            || self.profile_terms().asks_who()
            || !self.limits.own.is_empty()
            || !self.limits.excluded.is_empty()
            || !self.limits.paused.is_empty();
    }

    pub(crate) fn apply_limits(
        &mut self,
        member: MemberId,
        holds: MemberLimits,
        later: Option<LooserLimits>,
    ) {
        self.limits.own.insert(member, Own { holds, later });
        self.refresh_limits();
    }

    pub(crate) fn apply_exclusion(&mut self, member: MemberId, until: Millis) {
        self.limits.excluded.insert(member, until);
        self.refresh_limits();
    }

    pub(crate) fn apply_pauses(&mut self, paused: &[Paused]) {
        let now = self.now;
        self.limits.paused.retain(|_, until| now < *until);
        for paused in paused {
            self.limits.losses.remove(&paused.member);
            self.limits.paused.insert(paused.member, paused.until);
        }
    }

    /// A place is reserved: an entry, whatever becomes of it.
    pub(crate) fn note_entry(&mut self, payment: PaymentId, member: MemberId) {
        if !self.limits.active {
            return;
        }
        let Some((campaign, terms)) = self.live(payment.group).and_then(|group| {
            let terms = &self.campaign(group.campaign)?.terms;
            Some((group.campaign, terms))
        }) else {
            return;
        };
        let (price, limited) = (terms.group.price, terms.group.entries_per_day != 0);
        let holds_money = terms.kind != Kind::Ballot;
        let holding = self.holding(member, self.now);
        let today = self.now.shanghai_day();
        if self.limits.day != today {
            self.limits.day = today;
            self.limits.entries.clear();
        }
        let all = holding.entries_per_day.map(|_| None);
        let one = limited.then(|| Some(self.offer_of(campaign)));
        for counted in all.into_iter().chain(one) {
            let count = self.limits.entries.entry((member, counted)).or_default();
            *count = count.saturating_add(1);
        }
        if holds_money && holding.money_in_groups.is_some() {
            let key = (member, payment.group, payment.index);
            self.limits.reserved.insert(key, price);
        }
    }

    /// A reservation is paid, has lapsed, or is gone with its group.
    pub(crate) fn note_reservation_over(&mut self, payment: PaymentId) {
        if self.limits.reserved.is_empty() {
            return;
        }
        let group = self.live(payment.group);
        if let Some(seat) = group.and_then(|group| group.seat(payment.index)) {
            let key = (seat.member, payment.group, payment.index);
            self.limits.reserved.remove(&key);
        }
    }

    /// As [`World::note_reservation_over`], for all that a group leaves behind.
    pub(crate) fn note_group_over(&mut self, id: GroupId) {
        if self.limits.reserved.is_empty() {
            return;
        }
        let held = |group: &Group| -> Vec<u32> {
            let numbered = (0u32..).zip(&group.seats);
            let held = numbered.filter(|(_, seat)| seat.state == SeatState::Reserved);
            held.map(|(index, _)| index).collect()
        };
        for index in self.live(id).map(held).unwrap_or_default() {
            self.note_reservation_over(PaymentId { group: id, index });
        }
    }

    /// Runs of losses grow, or end with a win.
    pub(crate) fn note_losses(&mut self, settled: &GroupSettled) {
        if !self.limits.active || settled.everyone_buys {
            return;
        }
        for (_, seat) in settled.split().0 {
            self.limits.losses.remove(&seat.member);
        }
        for member in lost_by(settled) {
            if self.holding(member, self.now).loss_pause.is_some() {
                let run = self.limits.losses.entry(member).or_default();
                *run = run.saturating_add(1);
            }
        }
    }
}
