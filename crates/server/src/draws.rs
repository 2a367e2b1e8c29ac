//! Makes draws: when a round's time has come, finds its value and settles the groups that await it (draw 5, 6).
//!
//! The round's signature is verified before anything is computed from it, and only [`draw::draw`] makes what a
//! group is settled by. Late rounds are waited for; a group becomes void only after every source was asked past its
//! timeout.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::{Actor, AwaitedDraw, BeaconSource, Command, GroupId, Refusal, Request};
use draw::VerifiedRound;
use engine::{Outbox, SubmitError};
use futures_util::StreamExt;

use crate::app::App;

/// Groups of one round that are computed at once; each is a command of its own.
const AT_ONCE: usize = 4;
/// Most groups of one look.
const A_LOOK: usize = engine::outbox::MAX_PAGE;
/// Seconds after the round's time from which a group without a value becomes void (draw 2).
const TIMEOUT_S: u64 = 86_400;

/// Makes draws until the engine ends.
pub(crate) async fn run(app: Arc<App>) {
    let outbox = Outbox::new(app.engine.clone());
    loop {
        match outbox.next_draws(A_LOOK).await {
            Ok(awaited) => look(&app, &outbox, awaited).await,
            Err(SubmitError::Stopped) => return,
            Err(_) => {}
        }
        if !app.pause(app.config.pace.look).await {
            return;
        }
    }
}

async fn look(app: &Arc<App>, outbox: &Outbox, awaited: Vec<AwaitedDraw>) {
    let now_s = app.config.clock.now().unix_seconds();
    let mut rounds: BTreeMap<(u64, u64, [u8; 32]), Vec<AwaitedDraw>> = BTreeMap::new();
    for draw in awaited
        .into_iter()
        .filter(|draw| draw.round_time_s <= now_s)
    {
        let beacon = match draw.source {
            BeaconSource::DrandQuicknet => [0; 32],
            BeaconSource::Local { beacon, .. } => beacon,
        };
        rounds
            .entry((draw.round_time_s, draw.round, beacon))
            .or_default()
            .push(draw);
    }
    for ((round_time_s, round, _), draws) in rounds {
        let Some(source) = draws.first().map(|draw| draw.source) else {
            continue;
        };
        let found = app
            .beacons
            .find(&source, round, app.config.clock.now())
            .await;
        if found.is_none() {
            let late_s = now_s.saturating_sub(round_time_s);
            tracing::warn!(
                round,
                late_s,
                groups = draws.len(),
                "waiting for round {round}, {late_s} s late"
            );
        }
        futures_util::stream::iter(draws)
            .for_each_concurrent(AT_ONCE, |draw| {
                let (app, found) = (app.clone(), found.clone());
                async move {
                    match found {
                        Some(verified) => settle(&app, outbox, draw.group, verified).await,
                        None if round_time_s.saturating_add(TIMEOUT_S) <= now_s => {
                            void(&app, draw.group).await
                        }
                        None => {}
                    }
                }
            })
            .await;
    }
}

async fn settle(app: &App, outbox: &Outbox, group: GroupId, verified: VerifiedRound) {
    let files = match outbox.draw_files(group).await {
        Ok(Some(files)) => files,
        Ok(None) | Err(_) => return,
    };
    let computed = tokio::task::spawn_blocking(move || {
        draw::draw(&files.open, &files.seats, &files.freeze, &verified)
    })
    .await;
    match computed {
        Ok(Ok(outcome)) => {
            submit(
                app,
                group,
                Command::SettleGroup {
                    group,
                    outcome: Box::new(outcome),
                },
            )
            .await
        }
        Ok(Err(error)) => {
            tracing::error!(group = group.0, %error, "group {group} cannot be drawn: {error}")
        }
        Err(error) => {
            tracing::error!(group = group.0, %error, "the draw of group {group} broke off: {error}")
        }
    }
}

async fn void(app: &App, group: GroupId) {
    tracing::error!(
        group = group.0,
        "group {group} becomes void: no source knows its round"
    );
    submit(app, group, Command::VoidGroup { group }).await;
}

async fn submit(app: &App, group: GroupId, command: Command) {
    match app
        .engine
        .submit(Request {
            actor: Actor::System,
            key: None,
            command,
        })
        .await
    {
        Ok(_) => metrics::counter!("groups_drawn_total").increment(1),
        // Somebody was quicker, or it is tried again at the next look.
        Err(
            SubmitError::Refused(Refusal::GroupNotFull(_))
            | SubmitError::Busy
            | SubmitError::Stopped,
        ) => {}
        Err(error) => {
            tracing::error!(group = group.0, %error, "group {group} could not be settled: {error}")
        }
    }
}
