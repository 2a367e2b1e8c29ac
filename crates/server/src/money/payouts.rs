//! Pays withdrawals: every one that is approved, until the channel has ended it.
//!
//! Why one key a withdrawal: what the channel has failed for good gives the money back to the member, who may ask again. So
//! there is never a second attempt under another key, and a crash at any point repeats or finishes the one there is. The
//! channel is asked before it is told. What it refuses, and what nobody knows, is tried again until a person has looked:
//! only its own word that a payout has failed or expired gives the money back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use domain::{Actor, Command, PayoutFailure, PayoutOutcome, PendingPayout, Refusal, Request};
use engine::{Outbox, SubmitError};
use payments::{ChannelError, Payout, PayoutState, RefusalCode};
use tokio::task::JoinSet;

use super::names::payout_no;
use super::refunds::wait;
use crate::app::App;
use crate::causes::chain;
use crate::config::Pace;

/// Calls to the channel at once.
const AT_ONCE: usize = 4;
/// What stands on the payee's statement.
const REASON: &str = "余额提现";

/// How one attempt ended.
enum Ended {
    /// The channel has said something that the world must know.
    Told(PayoutOutcome),
    /// It is on its way.
    OnItsWay,
    /// Nobody knows, or it was refused.
    Failed(String),
}

/// Payouts known to be pending, by their place, with when each is tried next.
#[derive(Default)]
struct Queue {
    pending: BTreeMap<u64, Try>,
    due: BTreeSet<(Instant, u64)>,
    /// The last place taken from the world.
    seen: Option<u64>,
}

struct Try {
    payout: PendingPayout,
    tries: u32,
    /// What the log has said of it.
    failing: Option<String>,
}

/// Pays withdrawals until the engine ends.
pub(crate) async fn run(app: Arc<App>) {
    let mut outbox = Outbox::new(app.engine.clone());
    let (mut queue, mut calls) = (Queue::default(), JoinSet::new());
    loop {
        if queue.fill(&outbox).await.is_err() {
            return;
        }
        while calls.len() < AT_ONCE {
            let Some(payout) = queue.take(Instant::now()) else {
                break;
            };
            calls.spawn(send(app.clone(), payout));
        }
        if calls.is_empty() {
            if outbox.wait(app.config.pace.look).await.is_err() {
                return;
            }
            continue;
        }
        tokio::select! {
            ended = calls.join_next() => {
                let Some(Ok((place, ended))) = ended else { continue };
                if settle(&app, &mut queue, place, ended).await.is_err() {
                    return;
                }
            }
            waited = outbox.wait(app.config.pace.look) => if waited.is_err() { return },
        }
    }
}

/// Notes the outcome of a call; errors when the engine has stopped.
async fn settle(app: &App, queue: &mut Queue, place: u64, ended: Ended) -> Result<(), ()> {
    let pace = &app.config.pace;
    let outcome = match ended {
        Ended::OnItsWay => {
            queue.again(place, pace);
            return Ok(());
        }
        Ended::Failed(why) => {
            metrics::counter!("payout_failures_total").increment(1);
            queue.failed(place, why);
            queue.again(place, pace);
            return Ok(());
        }
        Ended::Told(outcome) => outcome,
    };
    let Some(withdrawal) = queue.pending.get(&place).map(|known| known.payout.id) else {
        return Ok(());
    };
    crash::point("server.payout_sent");
    let command = Command::NotePayout {
        withdrawal,
        outcome,
    };
    let noted = app.engine.submit(Request {
        actor: Actor::System,
        key: None,
        command,
    });
    match (noted.await, outcome) {
        (Err(SubmitError::Stopped), _) => return Err(()),
        (Ok(_), PayoutOutcome::Waiting) => queue.again(place, pace),
        (Ok(_), PayoutOutcome::Paid | PayoutOutcome::Failed(_))
        | (Err(SubmitError::Refused(Refusal::UnknownWithdrawal(_))), _) => queue.done(place),
        (Err(error), _) => {
            tracing::error!(withdrawal = withdrawal.0, %error, "what became of withdrawal {withdrawal} was not noted: {error}");
            queue.again(place, pace);
        }
    }
    Ok(())
}

/// One attempt: the channel is asked, and told only where it knows nothing.
async fn send(app: Arc<App>, pending: PendingPayout) -> (u64, Ended) {
    let payout_no = payout_no(&pending.member_token, &pending.withdrawal);
    let channel = &app.config.channel;
    let state = match channel.query_payout(&payout_no).await {
        Err(error) if error.refusal() == Some(RefusalCode::NotFound) => {
            let account = pending.withdrawal.account;
            let account = match app.people.directory().payout_account(&account).await {
                Ok(Some(account)) => account,
                Ok(None) => {
                    let why = "its payout account was deleted: a person must look";
                    return (pending.place, Ended::Failed(why.to_owned()));
                }
                Err(error) => return (pending.place, Ended::Failed(chain(&error))),
            };
            let order = Payout {
                payout_no: &payout_no,
                account: &account.account,
                name: &account.name,
                amount_fen: pending.withdrawal.net().0,
                reason: REASON,
            };
            crash::point("server.payout_asking");
            channel.payout(&order).await
        }
        known => known,
    };
    (pending.place, ended(state))
}

fn ended(state: Result<PayoutState, ChannelError>) -> Ended {
    match state {
        Ok(PayoutState::Done { .. }) => Ended::Told(PayoutOutcome::Paid),
        Ok(PayoutState::Processing) => Ended::OnItsWay,
        Ok(PayoutState::Waiting { .. }) => Ended::Told(PayoutOutcome::Waiting),
        Ok(PayoutState::Failed { .. }) => Ended::Told(PayoutOutcome::Failed(PayoutFailure::Failed)),
        Ok(PayoutState::Expired { .. }) => {
            Ended::Told(PayoutOutcome::Failed(PayoutFailure::Expired))
        }
        Err(error @ (ChannelError::Refused(_) | ChannelError::Unknown(_))) => {
            Ended::Failed(error.to_string())
        }
    }
}

impl Queue {
    /// Takes what is new from the world, a page at a time; errors when the engine has stopped.
    async fn fill(&mut self, outbox: &Outbox) -> Result<(), ()> {
        loop {
            let page = match outbox
                .next_payouts(self.seen, engine::outbox::MAX_PAGE)
                .await
            {
                Ok(page) => page,
                Err(SubmitError::Stopped) => return Err(()),
                Err(_) => return Ok(()),
            };
            let Some(last) = page.last() else {
                return Ok(());
            };
            self.seen = Some(last.place);
            for payout in page {
                self.due.insert((Instant::now(), payout.place));
                let known = Try {
                    payout,
                    tries: 0,
                    failing: None,
                };
                self.pending.insert(payout.place, known);
            }
        }
    }

    fn take(&mut self, now: Instant) -> Option<PendingPayout> {
        let &(at, place) = self.due.first()?;
        if now < at {
            return None;
        }
        self.due.pop_first();
        self.pending.get(&place).map(|known| known.payout)
    }

    fn again(&mut self, place: u64, pace: &Pace) {
        if let Some(known) = self.pending.get_mut(&place) {
            known.tries = known.tries.saturating_add(1);
            self.due
                .insert((Instant::now() + wait(known.tries, pace), place));
        }
    }

    /// Says why, once for each reason.
    fn failed(&mut self, place: u64, why: String) {
        if let Some(known) = self.pending.get_mut(&place)
            && known.failing.as_ref() != Some(&why)
        {
            let withdrawal = known.payout.id;
            tracing::warn!(
                withdrawal = withdrawal.0,
                why,
                "withdrawal {withdrawal} was not paid: {why}"
            );
            known.failing = Some(why);
        }
    }

    fn done(&mut self, place: u64) {
        self.pending.remove(&place);
    }
}
