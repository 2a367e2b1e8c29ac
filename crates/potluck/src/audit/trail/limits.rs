//! Limits (rules 9.7), counted again by the events alone: exclusions are never shortened, what is loosened waits a day, and no place
//! is reserved under an exclusion or a pause, or beyond the entries or the money that hold for its member.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    AllianceEvent, BallotEvent, CampaignId, Event, GroupId, GroupSettled, LOOSENED_AFTER,
    LooserLimits, MemberId, MemberLimits, Millis, Money, Paused, PaymentId,
};

use super::{At, Place, Trail};
use crate::audit::Findings;

/// What is known of everybody's limits, and what they are held against.
#[derive(Debug, Default)]
pub(super) struct Book {
    own: BTreeMap<MemberId, Own>,
    excluded: BTreeMap<MemberId, Millis>,
    paused: BTreeMap<MemberId, Millis>,
    /// Groups lost in a row, of those who pause after some.
    losses: BTreeMap<MemberId, u32>,
    /// The day of Shanghai of the entries.
    day: i64,
    /// In all campaigns, or in one.
    entries: BTreeMap<(MemberId, Option<CampaignId>), u32>,
    /// What seats of live groups have paid.
    paid: BTreeMap<MemberId, i64>,
    /// What is reserved, of those whose money in groups is limited.
    reserved: BTreeMap<(MemberId, GroupId, u32), i64>,
    /// Pauses that must begin now.
    due: Vec<Paused>,
}

/// What a member has set.
#[derive(Clone, Copy, Debug, Default)]
struct Own {
    holds: MemberLimits,
    later: Option<LooserLimits>,
}

impl Own {
    fn at(self, now: Millis) -> MemberLimits {
        let over = self.later.filter(|later| later.from <= now);
        over.map_or(self.holds, |later| later.limits)
    }
}

impl Book {
    /// What a member has in groups, reserved places included.
    fn in_groups(&self, member: MemberId) -> i64 {
        let (first, last) = (
            (member, GroupId(0), 0),
            (member, GroupId(u64::MAX), u32::MAX),
        );
        let reserved = self.reserved.range(first..=last).map(|(_, price)| *price);
        let paid = self.paid.get(&member).copied().unwrap_or(0);
        reserved.fold(paid, i64::saturating_add)
    }

    fn pays(&mut self, member: MemberId, amount: i64) {
        let paid = self.paid.entry(member).or_default();
        *paid = paid.saturating_add(amount);
        if *paid == 0 {
            self.paid.remove(&member);
        }
    }
}

impl Trail {
    /// What a member does about his limits.
    pub(super) fn limits_event(&mut self, at: At, event: &Event, findings: &mut Findings) {
        if let Event::SelfExcluded { member, until } = event {
            let stood = self.limits.excluded.insert(*member, *until);
            let right = at.1 < *until && stood.is_none_or(|stood| stood < *until);
            findings.unless(right, at.0, || {
                format!("member {member} shortens his exclusion")
            });
        }
        if let Event::LimitsSet {
            member,
            holds,
            later,
        } = event
        {
            let own = self.limits.own.get(member).copied().unwrap_or_default();
            let held = own.at(at.1);
            let wanted = later.map_or(*holds, |later| later.limits);
            let waits = later.is_none_or(|later| later.from == at.1.after(LOOSENED_AFTER));
            findings.unless(*holds == held.and(wanted) && waits, at.0, || {
                format!("member {member} loosens a limit before a day has passed")
            });
            let own = Own {
                holds: *holds,
                later: *later,
            };
            self.limits.own.insert(*member, own);
        }
    }

    /// Holds any event against the limits, before anything else takes note of it.
    pub(super) fn limits_follow(&mut self, at: At, event: &Event, findings: &mut Findings) {
        self.pauses_follow(at, event, findings);
        if let Event::SeatReserved {
            payment, member, ..
        } = event
        {
            self.entry(at, *payment, *member, findings);
        }
        if let Event::SeatLapsed { payment } = event {
            self.not_reserved(*payment);
        }
        if let Event::PaymentAccepted {
            payment,
            member,
            amount,
            ..
        } = event
        {
            let lapsed = self.place(*payment).map(|(_, place)| place) == Some(Place::Lapsed);
            if lapsed {
                self.may_play(at, *payment, *member, findings);
            }
            self.not_reserved(*payment);
            self.limits.pays(*member, amount.0);
        }
        if let Event::Ballot(BallotEvent::Registered { payment, .. }) = event {
            self.not_reserved(*payment);
        }
        if let Event::SeatLeft {
            payment, amount, ..
        } = event
            && let Some((member, _)) = self.place(*payment)
        {
            self.limits.pays(member, amount.0.saturating_neg());
        }
        if let Event::GroupClosed {
            group,
            refund_each,
            refunds,
            ..
        } = event
        {
            for seat in refunds {
                self.limits
                    .pays(seat.member, refund_each.0.saturating_neg());
            }
            self.nothing_reserved(*group);
        }
        if let Event::GroupSettled(settled) = event {
            let paid = match settled.ballot {
                Some(_) => settled.buyers().into_iter().map(|(_, seat)| seat).collect(),
                None => settled.seats.clone(),
            };
            for seat in &paid {
                self.limits
                    .pays(seat.member, settled.price.0.saturating_neg());
            }
            self.nothing_reserved(settled.group);
            self.losses(at, settled);
        }
    }

    /// A pause that is due cannot be what is left over.
    pub(super) fn limits_finish(&self, findings: &mut Findings) {
        for paused in &self.limits.due {
            findings.add(format!(
                "member {} has lost so often that he pauses, and does not",
                paused.member
            ));
        }
    }

    /// Pauses begin with the settlement that is the last of the run; only what it divides stands between.
    fn pauses_follow(&mut self, at: At, event: &Event, findings: &mut Findings) {
        if matches!(event, Event::Alliance(AllianceEvent::GroupSold(_))) {
            return;
        }
        let due = std::mem::take(&mut self.limits.due);
        let mut begun: &[Paused] = &[];
        if let Event::PausesBegun { paused } = event {
            begun = paused;
        }
        findings.unless(due == begun, at.0, || {
            "those who pause after losses are not those who have lost so often, or for another time"
                .to_owned()
        });
        for paused in begun {
            self.limits.losses.remove(&paused.member);
            self.limits.paused.insert(paused.member, paused.until);
        }
    }

    fn holding(&self, member: MemberId, now: Millis) -> MemberLimits {
        let own = self.limits.own.get(&member).copied().unwrap_or_default();
        let terms = self.profile.terms();
        own.at(now).and(MemberLimits {
            entries_per_day: terms.entries_per_day,
            money_in_groups: terms.money_in_groups,
            loss_pause: terms.loss_pause,
        })
    }

    fn place(&self, payment: PaymentId) -> Option<(MemberId, Place)> {
        let seat = self.live.get(&payment.group)?.seat(payment)?;
        Some((seat.member, seat.state))
    }

    fn price(&self, group: GroupId) -> Money {
        self.campaign(group)
            .map_or(Money::ZERO, |campaign| campaign.terms.group.price)
    }

    /// A place is reserved: one more entry, whatever becomes of it.
    fn entry(&mut self, at: At, payment: PaymentId, member: MemberId, findings: &mut Findings) {
        self.may_play(at, payment, member, findings);
        let holding = self.holding(member, at.1);
        let group = usize::try_from(payment.group.0).ok();
        let campaign = group.and_then(|group| self.campaign_of.get(group));
        let campaign = campaign.map(|campaign| self.treats.offer_of(*campaign));
        let of_campaign = self
            .campaign(payment.group)
            .map(|campaign| campaign.terms.group.entries_per_day)
            .filter(|&most| most != 0);
        let price = self.price(payment.group);
        let holds_nothing = self.is_ballot(payment.group);
        let book = &mut self.limits;
        let today = at.1.shanghai_day();
        if book.day != today {
            book.day = today;
            book.entries.clear();
        }
        for (most, counted) in [(holding.entries_per_day, None), (of_campaign, campaign)] {
            let Some(most) = most else {
                continue;
            };
            let count = book.entries.entry((member, counted)).or_default();
            findings.unless(*count < most, at.0, || {
                format!("member {member} reserves place {payment} beyond {most} entries a day")
            });
            *count = count.saturating_add(1);
        }
        if holding.money_in_groups.is_some() && !holds_nothing {
            let key = (member, payment.group, payment.index);
            book.reserved.insert(key, price.0);
        }
    }

    /// Whether the member may take this place as far as exclusion, pauses and money go.
    fn may_play(&self, at: At, payment: PaymentId, member: MemberId, findings: &mut Findings) {
        let over = |until: Option<&Millis>| until.is_none_or(|until| *until <= at.1);
        findings.unless(over(self.limits.excluded.get(&member)), at.0, || {
            format!("member {member} takes place {payment}, and has excluded himself")
        });
        findings.unless(over(self.limits.paused.get(&member)), at.0, || {
            format!("member {member} takes place {payment}, and pauses after losses")
        });
        let holds_nothing = self.is_ballot(payment.group);
        let most = self.holding(member, at.1).money_in_groups;
        if let Some(most) = most.filter(|_| !holds_nothing) {
            let has = self.limits.in_groups(member);
            let with = has.saturating_add(self.price(payment.group).0);
            findings.unless(with <= most.0, at.0, || {
                format!("member {member} takes place {payment} and has more than {most} in groups")
            });
        }
    }

    /// A reserved place is paid, or has lapsed.
    fn not_reserved(&mut self, payment: PaymentId) {
        if let Some((member, _)) = self.place(payment) {
            let key = (member, payment.group, payment.index);
            self.limits.reserved.remove(&key);
        }
    }

    /// A group is over, with whatever is reserved in it.
    fn nothing_reserved(&mut self, group: GroupId) {
        if self.limits.reserved.is_empty() {
            return;
        }
        let seats = self.live.get(&group).map_or(0, |live| live.seats.len());
        for index in 0..u32::try_from(seats).unwrap_or(u32::MAX) {
            self.not_reserved(PaymentId { group, index });
        }
    }

    /// Runs of losses grow or end; who has lost so often must pause.
    fn losses(&mut self, at: At, settled: &GroupSettled) {
        if settled.everyone_buys {
            return;
        }
        let (won, lost) = settled.split();
        let lost = settled.consoled(lost);
        let won: BTreeSet<MemberId> = won.iter().map(|(_, seat)| seat.member).collect();
        let lost: BTreeSet<MemberId> = lost.iter().map(|(_, seat)| seat.member).collect();
        for member in &won {
            self.limits.losses.remove(member);
        }
        for &member in lost.difference(&won) {
            let Some(pause) = self.holding(member, at.1).loss_pause else {
                continue;
            };
            let run = self.limits.losses.entry(member).or_default();
            *run = run.saturating_add(1);
            if pause.losses <= *run {
                let until = at.1.after(pause.pause);
                self.limits.due.push(Paused { member, until });
            }
        }
    }
}
