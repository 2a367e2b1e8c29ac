//! The value of a round that was found after its group had become void (rules 5, draw 8).
//!
//! Why it is kept at all: everybody has his money back and nothing is drawn again, but a round that was public in time makes
//! the void a breach of the draw's rules. The value is shown beside it, so that anybody can ask the beacon's other users when it
//! came.

use std::collections::BTreeMap;

use draw::{BeaconId, VerifiedRound};
use minicbor::{Decode, Encode};

use crate::{AwaitedDraw, BeaconSource, CampaignId, Event, GroupId, Refusal, World};

/// Void groups whose round is not known yet; few, and each leaves with its value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct LateRounds {
    #[n(0)]
    groups: BTreeMap<GroupId, LateRound>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
struct LateRound {
    #[n(0)]
    campaign: CampaignId,
    #[n(1)]
    round: u64,
}

impl LateRounds {
    pub(crate) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }
}

impl World {
    /// The round that a void group waited for, from its own beacon. It can be told once.
    pub(crate) fn decide_late_round(
        &self,
        group: GroupId,
        found: &VerifiedRound,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let awaited = self.late_round(group).filter(|awaited| {
            awaited.round == found.round() && beacon_id(&awaited.source) == found.beacon()
        });
        awaited.ok_or(Refusal::RoundNotAwaited(group))?;
        events.push(Event::RoundFoundLate {
            group,
            round: found.round(),
            signature: *found.signature(),
        });
        Ok(())
    }

    /// Void groups whose round nobody has found yet, by number.
    pub fn late_rounds(&self, limit: usize) -> Vec<AwaitedDraw> {
        let groups = self.late.groups.keys();
        groups
            .filter_map(|&group| self.late_round(group))
            .take(limit)
            .collect()
    }

    fn late_round(&self, group: GroupId) -> Option<AwaitedDraw> {
        let LateRound { campaign, round } = *self.late.groups.get(&group)?;
        let source = self.campaign(campaign)?.terms.draw.source;
        Some(AwaitedDraw {
            round,
            round_time_s: source.timing().round_time(round).ok()?,
            group,
            source,
        })
    }

    /// A full group becomes void; before it is taken out of memory.
    pub(crate) fn note_void(&mut self, group: GroupId) {
        let known = self.live(group);
        let Some((campaign, round)) =
            known.and_then(|known| Some((known.campaign, known.full.as_ref()?.round)))
        else {
            return;
        };
        self.late
            .groups
            .insert(group, LateRound { campaign, round });
    }

    pub(crate) fn apply_late_round(&mut self, group: GroupId) {
        if self.late.groups.remove(&group).is_none() {
            self.corrupt("a round is found late that no void group waits for");
        }
    }
}

fn beacon_id(source: &BeaconSource) -> BeaconId {
    match *source {
        BeaconSource::DrandQuicknet => BeaconId::DrandQuicknet,
        BeaconSource::Local { beacon, .. } => BeaconId::Local(draw::Hash(beacon)),
    }
}
