//! Circles that take turns, told once more: who is in them, whose turn it is, and which draw came before.

use std::collections::{BTreeMap, BTreeSet};

use domain::{BeaconSource, CampaignId, CircleEvent, Event, GroupId, GroupSettled, MemberId};
use draw::{BeaconKind, Hash, Ident, ResultFile, SeatLine, Seats, Tiers, Void};

use super::{At, Trail};
use crate::audit::Findings;

/// All circles.
#[derive(Debug, Default)]
pub(super) struct Book {
    known: BTreeMap<GroupId, Circle>,
    /// The circle of each group that was ever a circle's.
    of: BTreeMap<GroupId, GroupId>,
    /// What was said of the group that the next event opens, fills or ends.
    said: Option<CircleEvent>,
}

#[derive(Debug, Default)]
struct Circle {
    name: Option<Ident>,
    members: BTreeSet<MemberId>,
    gone: BTreeSet<MemberId>,
    tiers: Tiers,
    last: Option<Hash>,
    round: Option<GroupId>,
}

impl Trail {
    /// What members' tags in a group are made of.
    pub(in crate::audit) fn tag_ident(&self, group: GroupId) -> Option<Ident> {
        match self.circles.of.get(&group) {
            Some(circle) => self.circles.known.get(circle)?.name.clone(),
            None => domain::group_ident(group, &self.published(group)?.hash).ok(),
        }
    }

    /// A circle's event comes right before the group's own, and the group's not without it.
    pub(super) fn circles_follow(&mut self, at: At, event: &Event, findings: &mut Findings) {
        let said = self.circles.said.take();
        let expected = self.said_before(at, event, said.as_ref());
        findings.unless(said == expected, at.0, || {
            let (told, gives) = (said.as_ref(), expected.as_ref());
            format!("of a circle's group it is said {told:?}, its history gives {gives:?}")
        });
        self.turn_over(event, expected);
        if let Event::Circle(event) = event {
            self.circle_event(at, event, findings);
        }
    }

    /// What must have been said just before this event. Of which circle a new group is can only be said: that it may be is
    /// checked where it is.
    fn said_before(
        &self,
        at: At,
        event: &Event,
        said: Option<&CircleEvent>,
    ) -> Option<CircleEvent> {
        if let Event::GroupOpened {
            group, campaign, ..
        } = event
        {
            let rotates = self.rotates(*campaign);
            let told = said.filter(|said| {
                matches!(said, CircleEvent::RoundOpened { group: of, campaign: named, .. }
                    if of == group && named == campaign)
            });
            let nothing = CircleEvent::Left {
                circle: *group,
                member: MemberId(u32::MAX),
            };
            return rotates.then(|| told.cloned().unwrap_or(nothing));
        }
        if let Event::GroupFilled { group, .. } = event {
            let (circle, known) = self.circle(*group)?;
            let lines = self.turn_lines(*group, None)?;
            return Some(CircleEvent::RoundFilled {
                circle,
                group: *group,
                name: known.name.as_ref()?.as_str().to_owned(),
                prev: known.last.map(|last| last.0),
                tiers: lines.0.iter().map(|line| line.tier).collect(),
            });
        }
        let (group, last, drawn) = self.ended(at, event)?;
        let (circle, _) = self.circle(group)?;
        Some(CircleEvent::RoundOver {
            circle,
            group,
            last: last.0,
            drawn,
        })
    }

    /// The group that this event ends, the hash of its result or void file, and who won.
    fn ended(&self, at: At, event: &Event) -> Option<(GroupId, Hash, Option<Vec<u32>>)> {
        if let Event::GroupSettled(settled) = event {
            let result = self.result_of(settled)?;
            return Some((settled.group, result, Some(settled.winners.clone())));
        }
        let Event::GroupClosed { group, why, .. } = event else {
            return None;
        };
        let (open, _) = self.open_of(*group)?;
        let full = self.live.get(group)?.full.as_ref();
        let files = full.and_then(|full| full.files.as_ref());
        let void = Void {
            of: files.map_or(open.hash(), |files| files.freeze.hash()),
            reason: why.void_reason(),
            at: at.1.unix_seconds(),
        };
        Some((*group, void.hash(), None))
    }

    fn rotates(&self, campaign: CampaignId) -> bool {
        let published = self.campaign_named(campaign);
        published.is_some_and(|published| published.terms.rotates())
    }

    fn circle(&self, group: GroupId) -> Option<(GroupId, &Circle)> {
        let circle = self.circles.of.get(&group)?;
        Some((*circle, self.circles.known.get(circle)?))
    }

    /// The `open` file of a group, and which draw came before.
    pub(super) fn open_of(&self, group: GroupId) -> Option<(draw::Open, Option<Hash>)> {
        let campaign = self.campaign(group)?;
        let circle = self.circle(group).map(|(_, known)| known);
        let name = circle.and_then(|known| known.name.clone());
        let open = domain::open_file_in(campaign, group, name).ok()?;
        Some((open, circle.and_then(|known| known.last)))
    }

    /// The seats of a group in their order, with their tiers by the draws before.
    pub(super) fn turn_lines(&self, group: GroupId, tiers: Option<&Tiers>) -> Option<Seats> {
        let live = self.live.get(&group)?;
        let held = live
            .paid
            .iter()
            .filter_map(|&index| live.seat(domain::PaymentId { group, index }));
        let mut lines: Vec<SeatLine> = held
            .map(|seat| SeatLine {
                tag: Hash(seat.tag),
                leader: seat.member == live.leader,
                tier: 0,
            })
            .collect();
        let known = self.circle(group).map(|(_, known)| &known.tiers);
        if let Some(tiers) = tiers.or(known) {
            let tags: Vec<Hash> = lines.iter().map(|line| line.tag).collect();
            for (line, tier) in lines.iter_mut().zip(tiers.for_list(&tags)) {
                line.tier = tier;
            }
        }
        Some(Seats(lines))
    }

    fn result_of(&self, settled: &GroupSettled) -> Option<Hash> {
        let campaign = self.campaign(settled.group)?;
        let full = self.live.get(&settled.group)?.full.as_ref()?;
        let source = match campaign.terms.draw.source {
            BeaconSource::DrandQuicknet => BeaconKind::DrandQuicknet,
            BeaconSource::Local { .. } => BeaconKind::Local,
        };
        let file = ResultFile {
            freeze: full.files.as_ref()?.freeze.hash(),
            source,
            signature: settled.signature,
            seed: Hash(settled.seed),
            winners: settled.winners.clone(),
        };
        Some(file.hash())
    }

    /// A group that ends changes whose turn it is; one that fills fixes the members.
    fn turn_over(&mut self, event: &Event, expected: Option<CircleEvent>) {
        if let Event::GroupFilled { group, seats, .. } = event
            && let Some(circle) = self.circles.of.get(group)
            && let Some(known) = self.circles.known.get_mut(circle)
        {
            let members = seats.iter().map(|seat| seat.member).collect();
            let before = std::mem::replace(&mut known.members, members);
            known.gone.extend(before);
            known.gone.retain(|member| !known.members.contains(member));
        }
        let Some(CircleEvent::RoundOver {
            circle,
            group,
            last,
            drawn,
        }) = expected
        else {
            return;
        };
        let lines = self.turn_lines(group, None);
        if let Some(known) = self.circles.known.get_mut(&circle) {
            known.last = Some(Hash(last));
            known.round = None;
            if let (Some(lines), Some(drawn)) = (lines, drawn) {
                // Winners that are no seats are found where the draw is made again.
                let _ = known.tiers.record(&lines, &drawn);
            }
        }
    }

    fn circle_event(&mut self, at: At, event: &CircleEvent, findings: &mut Findings) {
        match event {
            CircleEvent::RoundOpened {
                circle,
                group,
                campaign,
                name,
            } => {
                let right = self.may_open(*circle, *group, *campaign, name);
                findings.unless(right, at.0, || {
                    format!("group {group} is opened as circle {circle}'s next, and cannot be that")
                });
                self.circles.of.insert(*group, *circle);
                let known = self.circles.known.entry(*circle).or_default();
                known.name = Ident::new(name).ok();
                known.round = Some(*group);
                self.circles.said = Some(event.clone());
            }
            CircleEvent::RoundFilled { .. } | CircleEvent::RoundOver { .. } => {
                self.circles.said = Some(event.clone());
            }
            CircleEvent::Left { circle, member } => {
                let known = self.circles.known.get_mut(circle);
                let was_in = known.is_some_and(|known| {
                    known.gone.insert(*member);
                    known.members.remove(member)
                });
                findings.unless(was_in, at.0, || {
                    format!("member {member} leaves circle {circle}, which he was not in")
                });
            }
        }
    }

    fn may_open(&self, circle: GroupId, group: GroupId, campaign: CampaignId, name: &str) -> bool {
        if let Some(table) = campaign.table()
            && self.treats.circle_at(table).unwrap_or(group) != circle
        {
            return false;
        }
        if circle == group {
            let ident = self
                .campaign_named(campaign)
                .and_then(|known| domain::circle_ident(circle, &known.hash).ok());
            return ident.is_some_and(|ident| ident.as_str() == name);
        }
        let known = self.circles.known.get(&circle);
        known.is_some_and(|known| {
            known.round.is_none()
                && !known.members.is_empty()
                && known.name.as_ref().map(Ident::as_str) == Some(name)
        })
    }

    /// Whether a circle has begun and no group of it is open or waits for its draw.
    pub(super) fn circle_waits(&self, circle: GroupId) -> bool {
        let known = self.circles.known.get(&circle);
        known.is_some_and(|known| known.round.is_none() && !known.members.is_empty())
    }

    /// Whether a place in a circle's group may be a member's: not of somebody who is gone, nor of more others than places are
    /// free.
    pub(super) fn fits_circle(&self, group: GroupId, member: MemberId) -> bool {
        self.circle(group)
            .is_none_or(|(_, known)| !known.gone.contains(&member))
    }
}
