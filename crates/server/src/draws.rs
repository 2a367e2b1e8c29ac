//! Makes draws: when a round's time has come, finds its value and settles the groups that await it (draw 5, 6).
//!
//! The round's signature is verified before anything is computed from it, and only [`draw::draw`] makes what a
//! group is settled by. Late rounds are waited for; a group becomes void only after every source was asked past its
//! timeout.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::{Actor, AwaitedDraw, BallotRefusal, BeaconSource, Command, GroupId, Refusal, Request};
use draw::VerifiedRound;
use engine::{Outbox, SubmitError};
use futures_util::StreamExt;

use crate::app::App;

/// Groups of one round that are computed at once; each is a command of its own.
const AT_ONCE: usize = 4;
/// Most groups of one look.
const A_LOOK: usize = engine::outbox::MAX_PAGE;
/// Waits before a round that no source knew is asked about again.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// Waits before the round of a void group is asked about again.
const LONGEST_WAIT_OF_VOID: Duration = Duration::from_secs(3600);
/// Seconds after the round's time from which a group without a value becomes void (draw 2).
const TIMEOUT_S: u64 = 86_400;

/// A round of a beacon.
type RoundKey = (u64, u64, [u8; 32]);

/// Rounds that no source knew, with when they are asked about again. Waits double, so that relays in trouble are not
/// asked without pause; a signature that somebody sends in is used at once all the same.
#[derive(Default)]
struct Patience(HashMap<RoundKey, (Instant, Duration)>);

impl Patience {
    fn may_ask(&self, round: &RoundKey, now: Instant) -> bool {
        self.0.get(round).is_none_or(|(at, _)| *at <= now)
    }

    fn failed(&mut self, round: RoundKey, now: Instant, longest: Duration) {
        let wait = self
            .0
            .get(&round)
            .map_or(FIRST_WAIT, |(_, wait)| (*wait * 2).min(longest));
        self.0.insert(round, (now + wait, wait));
    }
}

/// Makes draws until the engine ends.
pub(crate) async fn run(app: Arc<App>) {
    let outbox = Outbox::new(app.engine.clone());
    let (mut patience, mut of_void) = (Patience::default(), Patience::default());
    loop {
        match outbox.next_draws(A_LOOK).await {
            Ok(awaited) => look(&app, &outbox, awaited, &mut patience).await,
            Err(SubmitError::Stopped) => return,
            Err(_) => {}
        }
        match outbox.late_rounds(A_LOOK).await {
            Ok(awaited) => look_late(&app, awaited, &mut of_void).await,
            Err(SubmitError::Stopped) => return,
            Err(_) => {}
        }
        if !app.pause(app.config.pace.look).await {
            return;
        }
    }
}

async fn look(app: &Arc<App>, outbox: &Outbox, awaited: Vec<AwaitedDraw>, patience: &mut Patience) {
    let now_s = app.config.clock.now().unix_seconds();
    let mut rounds: BTreeMap<RoundKey, Vec<AwaitedDraw>> = BTreeMap::new();
    for draw in awaited
        .into_iter()
        .filter(|draw| draw.round_time_s <= now_s)
    {
        rounds.entry(round_key(&draw)).or_default().push(draw);
    }
    patience.0.retain(|round, _| rounds.contains_key(round));
    for (key, draws) in rounds {
        let (round_time_s, round, _) = key;
        let Some(source) = draws.first().map(|draw| draw.source) else {
            continue;
        };
        if app.beacons.known(&source, round).is_none() && !patience.may_ask(&key, Instant::now()) {
            continue;
        }
        let found = app
            .beacons
            .find(&source, round, app.config.clock.now())
            .await;
        if found.is_none() {
            patience.failed(key, Instant::now(), LONGEST_WAIT);
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
                        // Every source has just been asked.
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

/// Rounds of void groups: found after all they are shown, and change nothing.
async fn look_late(app: &Arc<App>, awaited: Vec<AwaitedDraw>, patience: &mut Patience) {
    let asked: HashSet<RoundKey> = awaited.iter().map(round_key).collect();
    patience.0.retain(|round, _| asked.contains(round));
    for draw in awaited {
        let (key, source) = (round_key(&draw), draw.source);
        let known = app.beacons.known(&source, draw.round);
        if known.is_none() && !patience.may_ask(&key, Instant::now()) {
            continue;
        }
        let now = app.config.clock.now();
        let Some(round) = app.beacons.find(&source, draw.round, now).await else {
            patience.failed(key, Instant::now(), LONGEST_WAIT_OF_VOID);
            continue;
        };
        let group = draw.group;
        tracing::error!(
            group = group.0,
            round = draw.round,
            "the value of round {} was found, and group {group} is void: if it was public in time, the void is a breach",
            draw.round
        );
        let round = Box::new(round);
        submit(app, group, Command::NoteLateRound { group, round }).await;
    }
}

fn round_key(draw: &AwaitedDraw) -> RoundKey {
    let beacon = match draw.source {
        BeaconSource::DrandQuicknet => [0; 32],
        BeaconSource::Local { beacon, .. } => beacon,
    };
    (draw.round_time_s, draw.round, beacon)
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
    let is_late = matches!(command, Command::NoteLateRound { .. });
    match app
        .engine
        .submit(Request {
            actor: Actor::System,
            key: None,
            command,
        })
        .await
    {
        Ok(_) if is_late => {}
        Ok(_) => metrics::counter!("groups_drawn_total").increment(1),
        // Somebody was quicker, or it is tried again at the next look.
        Err(
            SubmitError::Refused(
                Refusal::GroupNotFull(_)
                | Refusal::RoundNotAwaited(_)
                | Refusal::Ballot(BallotRefusal::IsDrawn(_)),
            )
            | SubmitError::Busy
            | SubmitError::Stopped,
        ) => {}
        Err(error) => {
            tracing::error!(group = group.0, %error, "group {group} could not be settled: {error}")
        }
    }
}
