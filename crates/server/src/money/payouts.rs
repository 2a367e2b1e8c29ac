//! Pays withdrawals: every one that is approved, until the channel has ended it.
//!
//! Why one key a withdrawal: what the channel has failed for good gives the money back to the member, who may ask again. So
//! there is never a second attempt under another key, and a crash at any point repeats or finishes the one there is. The
//! channel is asked before it is told. What it refuses, and what nobody knows, is tried again until a person has looked:
//! only its own word that a payout has failed or expired gives the money back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use domain::{Actor, Command, PayoutFailure, PayoutOutcome, PendingPayout, Refusal, Request};
use engine::{Outbox, SubmitError};
use payments::{ChannelError, Payout, PayoutState, RefusalCode};
use tokio::task::JoinSet;

use super::names::payout_no;
use super::retries::Retries;
use crate::app::App;
use crate::causes::chain;

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

/// Payouts known to be pending, by their place.
struct Queue {
    payouts: Retries<u64, PendingPayout>,
    /// What the log has said of those that fail.
    said: BTreeMap<u64, String>,
}

/// Pays withdrawals until the engine ends.
pub(crate) async fn run(app: Arc<App>) {
    let mut outbox = Outbox::new(app.engine.clone());
    let mut queue = Queue {
        payouts: Retries::new(|payout| payout.place),
        said: BTreeMap::new(),
    };
    let mut calls = JoinSet::new();
    loop {
        let next = |after| outbox.next_payouts(after, engine::outbox::MAX_PAGE);
        if queue.payouts.fill(next).await.is_err() {
            return;
        }
        while calls.len() < AT_ONCE {
            let Some(payout) = queue.payouts.take(Instant::now()) else {
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
            queue.payouts.again(place, pace);
            return Ok(());
        }
        Ended::Failed(why) => {
            metrics::counter!("payout_failures_total").increment(1);
            queue.failed(place, why);
            queue.payouts.again(place, pace);
            return Ok(());
        }
        Ended::Told(outcome) => outcome,
    };
    let Some(withdrawal) = queue.payouts.get(place).map(|payout| payout.id) else {
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
        (Ok(_), PayoutOutcome::Waiting) => queue.payouts.again(place, pace),
        (Ok(_), PayoutOutcome::Paid | PayoutOutcome::Failed(_))
        | (Err(SubmitError::Refused(Refusal::UnknownWithdrawal(_))), _) => queue.done(place),
        (Err(error), _) => {
            tracing::error!(withdrawal = withdrawal.0, %error, "what became of withdrawal {withdrawal} was not noted: {error}");
            queue.payouts.again(place, pace);
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
    /// Says why, once for each reason.
    fn failed(&mut self, place: u64, why: String) {
        let Some(payout) = self.payouts.get(place) else {
            return;
        };
        if self.said.get(&place) != Some(&why) {
            let withdrawal = payout.id;
            tracing::warn!(
                withdrawal = withdrawal.0,
                why,
                "withdrawal {withdrawal} was not paid: {why}"
            );
            self.said.insert(place, why);
        }
    }

    fn done(&mut self, place: u64) {
        self.payouts.done(place);
        self.said.remove(&place);
    }
}
