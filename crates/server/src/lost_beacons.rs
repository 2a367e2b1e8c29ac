//! Local beacons that campaigns of this journal name and whose key is not here: their draws can never be made.
//!
//! Why a start is refused while groups wait for one: the key may be on a backup, and after 24 hours of waiting
//! the groups would be void. Why nobody may open or join such a group any more: his money would only wait for the void.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;
use std::sync::Arc;

use domain::{BeaconSource, CampaignId, GroupId, GroupState, World};
use engine::EngineHandle;

use crate::app::App;
use crate::beacon::Beacons;
use crate::config::Config;
use crate::http::{Problem, Result};
use crate::server::ServeError;

/// Campaigns whose groups can never be drawn. None are added while the server runs: what it publishes names a key that
/// is here.
#[derive(Debug, Default)]
pub(crate) struct LostCampaigns {
    ids: BTreeSet<CampaignId>,
    /// As they name their groups in draws.
    hashes: HashSet<draw::Hash>,
}

impl LostCampaigns {
    /// Refuses what would only wait for a draw that cannot be.
    pub(crate) fn may_open(&self, campaign: CampaignId) -> Result<()> {
        self.unless(self.ids.contains(&campaign))
    }

    /// The same for a group that is open.
    pub(crate) async fn may_join(&self, app: &App, group: GroupId) -> Result<()> {
        if self.hashes.is_empty() {
            return Ok(());
        }
        let terms = app.groups.one(app, group).await?;
        self.unless(terms.is_some_and(|terms| self.hashes.contains(&terms.hash)))
    }

    fn unless(&self, lost: bool) -> Result<()> {
        if !lost {
            return Ok(());
        }
        let detail =
            "the key of this campaign's beacon is lost: its groups cannot be drawn any more";
        Err(Problem::conflict("beacon_lost", detail))
    }
}

/// What names one lost beacon.
#[derive(Debug, Default)]
struct Waiting {
    campaigns: u64,
    full: u64,
    open: u64,
}

/// Finds them; says what they mean for the groups, and refuses the start where groups wait for one that nobody has
/// given up.
pub(crate) async fn check(
    beacons: &Beacons,
    engine: &EngineHandle,
    config: &Config,
    key_file: &Path,
) -> std::result::Result<LostCampaigns, ServeError> {
    let named = engine.query(local_campaigns).await?.0;
    let lost: BTreeMap<CampaignId, [u8; 32]> = named
        .iter()
        .filter(|(_, source, _)| beacons.file_of(source).is_none())
        .filter_map(|(id, source, _)| Some((*id, beacon_of(source)?)))
        .collect();
    if lost.is_empty() {
        return Ok(LostCampaigns::default());
    }
    let hashes = named.into_iter().filter(|(id, ..)| lost.contains_key(id));
    let campaigns = LostCampaigns {
        hashes: hashes.map(|(.., hash)| hash).collect(),
        ids: lost.keys().copied().collect(),
    };
    let lost = Arc::new(lost);
    let waiting = engine.query(move |world| waiting(world, &lost)).await?.0;
    let state = if beacons.has_local() {
        "is the key of another beacon"
    } else {
        "is missing"
    };
    for (beacon, waiting) in waiting {
        judge(draw::Hash(beacon), &waiting, config, (key_file, state))?;
    }
    Ok(campaigns)
}

fn judge(
    beacon: draw::Hash,
    waiting: &Waiting,
    config: &Config,
    (path, state): (&Path, &'static str),
) -> std::result::Result<(), ServeError> {
    let Waiting {
        campaigns,
        full,
        open,
    } = *waiting;
    let file = path.display();
    if full == 0 && open == 0 {
        tracing::warn!(
            %beacon,
            campaigns,
            "{file} {state}: beacon {beacon} cannot be used, so no group can be opened of its {campaigns} campaigns; \
             put its key back, or publish them anew"
        );
        return Ok(());
    }
    if !config.draw.given_up.contains(&beacon) {
        return Err(ServeError::BeaconLost {
            path: path.to_owned(),
            state,
            beacon,
            full,
            open,
        });
    }
    tracing::warn!(
        %beacon,
        campaigns,
        full,
        open,
        "beacon {beacon} is given up: its {full} full groups become void 24 hours after their round, and nobody can \
         join its {open} open ones; cancel its open groups in the console, so that nobody waits for his money"
    );
    Ok(())
}

/// Campaigns with a local beacon, and what names their groups in draws.
fn local_campaigns(world: &World) -> Vec<(CampaignId, BeaconSource, draw::Hash)> {
    let all = (0..world.campaigns()).map(CampaignId);
    let published = all.filter_map(|id| Some((id, world.campaign(id)?)));
    let named = published.map(|(id, campaign)| (id, campaign.terms.draw.source, campaign.hash));
    named
        .filter(|(_, source, _)| beacon_of(source).is_some())
        .collect()
}

fn beacon_of(source: &BeaconSource) -> Option<[u8; 32]> {
    match source {
        BeaconSource::DrandQuicknet => None,
        BeaconSource::Local { beacon, .. } => Some(*beacon),
    }
}

/// What waits for each of them. Looks at every group there ever was, which happens only where a key is lost.
fn waiting(world: &World, lost: &BTreeMap<CampaignId, [u8; 32]>) -> BTreeMap<[u8; 32], Waiting> {
    let mut all: BTreeMap<[u8; 32], Waiting> = BTreeMap::new();
    for beacon in lost.values() {
        all.entry(*beacon).or_default().campaigns += 1;
    }
    for group in (0..world.groups()).filter_map(|id| world.group(GroupId(id))) {
        let Some(beacon) = lost.get(&world.offer_of(group.campaign)) else {
            continue;
        };
        let waiting = all.entry(*beacon).or_default();
        match group.state {
            GroupState::Open => waiting.open += 1,
            GroupState::Full => waiting.full += 1,
            GroupState::Drawn
            | GroupState::Settled
            | GroupState::Expired
            | GroupState::Cancelled
            | GroupState::Void => {}
        }
    }
    all
}
