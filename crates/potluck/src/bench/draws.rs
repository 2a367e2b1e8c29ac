//! Draws full groups and has them settled, as the server does: the round's signature is verified once, then for each
//! group the files are asked of the engine, the winners computed, and the outcome submitted.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};

use domain::{AwaitedDraw, Command, DrawFiles, GroupId};
use draw::{BeaconKey, VerifiedRound};
use tokio::task::JoinSet;

use super::shop::{Door, beacon, beacon_file, system, unanswered};

/// Full groups, and the verified rounds that decide them.
pub(crate) struct Draws {
    pub(crate) groups: Vec<AwaitedDraw>,
    rounds: Arc<BTreeMap<u64, VerifiedRound>>,
}

impl Draws {
    /// Asks which groups are full and verifies the signatures of their rounds, one pairing each.
    pub(crate) fn prepare(door: &Door) -> Result<Draws, String> {
        let (groups, _) = door
            .engine
            .query_blocking(|world| world.awaiting_draw(usize::MAX))
            .map_err(|error| unanswered(&door.engine, &error))?;
        let mut rounds = BTreeMap::new();
        for draw in &groups {
            if let Entry::Vacant(round) = rounds.entry(draw.round) {
                round.insert(verified(draw.round)?);
            }
        }
        Ok(Draws {
            groups,
            rounds: Arc::new(rounds),
        })
    }

    /// Takes the first groups off.
    pub(crate) fn take(&mut self, count: usize) -> Draws {
        let rest = self.groups.split_off(count.min(self.groups.len()));
        Draws {
            groups: std::mem::replace(&mut self.groups, rest),
            rounds: self.rounds.clone(),
        }
    }

    /// Settles all of them from this thread, `at_once` sets of `set` groups under way; returns when all are durable.
    pub(crate) fn settle(self, door: &Door, set: usize, at_once: usize) -> Result<u64, String> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .map_err(|error| error.to_string())?;
        runtime.block_on(async {
            let mut under_way = JoinSet::new();
            let mut settled = 0;
            for groups in self.groups.chunks(set.max(1)) {
                if under_way.len() == at_once.max(1)
                    && let Some(done) = under_way.join_next().await
                {
                    settled += done.map_err(|error| error.to_string())??;
                }
                under_way.spawn(one_set(door.clone(), groups.to_vec(), self.rounds.clone()));
            }
            while let Some(done) = under_way.join_next().await {
                settled += done.map_err(|error| error.to_string())??;
            }
            Ok(settled)
        })
    }
}

pub(crate) fn verified(round: u64) -> Result<VerifiedRound, String> {
    let key = BeaconKey::from_file(&beacon_file()?).map_err(|error| error.to_string())?;
    key.verify(round, &beacon()?.sign(round))
        .map_err(|error| error.to_string())
}

/// Draws one group from its files.
pub(crate) fn outcome(
    group: GroupId,
    files: &DrawFiles,
    round: &VerifiedRound,
) -> Result<Command, String> {
    let outcome = draw::draw(&files.open, &files.seats, &files.freeze, round);
    Ok(Command::SettleGroup {
        group,
        outcome: Box::new(outcome.map_err(|error| error.to_string())?),
    })
}

async fn one_set(
    door: Door,
    draws: Vec<AwaitedDraw>,
    rounds: Arc<BTreeMap<u64, VerifiedRound>>,
) -> Result<u64, String> {
    let groups: Vec<GroupId> = draws.iter().map(|draw| draw.group).collect();
    let files = door.engine.query(move |world| {
        let files = groups.into_iter().map(|group| world.draw_files(group));
        files.collect::<Option<Vec<DrawFiles>>>()
    });
    let (files, _) = files
        .await
        .map_err(|error| unanswered(&door.engine, &error))?;
    let files = files.ok_or("a full group has no files")?;
    let mut requests = Vec::with_capacity(draws.len());
    for (draw, files) in draws.iter().zip(&files) {
        let round = rounds.get(&draw.round).ok_or("a round is missing")?;
        requests.push(system(outcome(draw.group, files, round)?));
    }
    let answers = door.engine.submit_many(requests).await;
    let answers = answers.map_err(|error| unanswered(&door.engine, &error))?;
    match answers.iter().find_map(|answer| answer.as_ref().err()) {
        Some(refusal) => Err(format!("a settlement was refused: {refusal}")),
        None => Ok(answers.len() as u64),
    }
}
