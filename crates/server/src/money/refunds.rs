//! Sends money back: every refund that the world says is pending, until the channel has done it.
//!
//! A refund's key at the channel is made from its payment's name there, so that a crash at any point repeats or finishes
//! it and never doubles it, nor does a history that is told again after its end was lost. The channel is asked before it
//! is told. Should a refund fail for good at the channel, its key is spent there; the next attempt has another.

use std::sync::Arc;
use std::time::Instant;

use domain::{Actor, Command, PendingRefund, RefundId, Refusal, Request};
use engine::{Outbox, SubmitError};
use payments::{Channel, ChannelError, Refund, RefundState, RefusalCode};
use tokio::task::JoinSet;

use super::names::refund_no;
use super::retries::Retries;
use crate::app::App;
use crate::money::failing::Failing;

/// Calls to the channel at once.
const AT_ONCE: usize = 16;
/// Most attempts under keys of their own when the channel fails a refund for good.
const MOST_KEYS: u32 = 20;
/// What stands on the payer's statement.
const REASON: &str = "拼团退款";

/// How one attempt ended.
enum Ended {
    /// The money is back.
    Sent,
    /// It is on its way.
    OnItsWay,
    /// Nobody knows, or it was refused.
    Failed(String),
}

/// Refunds known to be pending.
struct Queue {
    refunds: Retries<RefundId, PendingRefund>,
    failing: Failing,
}

/// Sends pending refunds until the engine ends.
pub(crate) async fn run(app: Arc<App>) {
    let mut outbox = Outbox::new(app.engine.clone());
    let mut queue = Queue {
        refunds: Retries::new(|refund| refund.refund),
        failing: Failing::default(),
    };
    let mut calls = JoinSet::new();
    loop {
        let next = |after| outbox.next_refunds(after, engine::outbox::MAX_PAGE);
        if queue.refunds.fill(next).await.is_err() {
            return;
        }
        while calls.len() < AT_ONCE {
            let Some(refund) = queue.refunds.take(Instant::now()) else {
                break;
            };
            calls.spawn(send(app.config.channel.clone(), refund));
        }
        metrics::gauge!("refunds_pending").set(queue.len_f64());
        if calls.is_empty() {
            if outbox.wait(app.config.pace.look).await.is_err() {
                return;
            }
            continue;
        }
        tokio::select! {
            ended = calls.join_next() => {
                let Some(Ok((refund, ended))) = ended else { continue };
                if settle(&app, &mut queue, refund, ended).await.is_err() {
                    return;
                }
            }
            waited = outbox.wait(app.config.pace.look) => if waited.is_err() { return },
        }
    }
}

/// Notes the outcome of a call; errors when the engine has stopped.
async fn settle(app: &App, queue: &mut Queue, refund: RefundId, ended: Ended) -> Result<(), ()> {
    let pace = &app.config.pace;
    match ended {
        Ended::OnItsWay => {
            queue.failing.sent(refund);
            queue.refunds.again(refund, pace);
        }
        Ended::Failed(why) => {
            metrics::counter!("refund_failures_total").increment(1);
            queue.failing.failed(refund, &why);
            queue.refunds.again(refund, pace);
        }
        Ended::Sent => {
            crash::point("server.refund_sent");
            let command = Command::ConfirmRefund { refund };
            match app
                .engine
                .submit(Request {
                    actor: Actor::System,
                    key: None,
                    command,
                })
                .await
            {
                Ok(_) | Err(SubmitError::Refused(Refusal::UnknownRefund(_))) => queue.done(refund),
                Err(SubmitError::Stopped) => return Err(()),
                Err(error) => {
                    tracing::error!(refund = refund.0, %error, "refund {refund} was sent but not noted: {error}");
                    queue.refunds.again(refund, pace);
                }
            }
        }
    }
    Ok(())
}

/// One attempt. The channel is asked first, so that a repeated attempt never depends on how it treats repeated calls.
/// At most one new key is used up, so that keys are not spent quicker than the waits between attempts.
async fn send(channel: Channel, refund: PendingRefund) -> (RefundId, Ended) {
    for attempt in 1..=MOST_KEYS {
        let refund_no = refund_no(&refund.txn, attempt);
        let state = match channel.query_refund(&refund_no).await {
            Ok(RefundState::Failed { .. }) => continue,
            Err(error) if error.refusal() == Some(RefusalCode::NotFound) => {
                let order = Refund {
                    refund_no: &refund_no,
                    txn_id: refund.txn.as_str(),
                    amount_fen: refund.amount.0,
                    reason: REASON,
                };
                crash::point("server.refund_asking");
                channel.refund(&order).await
            }
            known => known,
        };
        let ended = match state {
            Ok(RefundState::Done { .. }) => Ended::Sent,
            Ok(RefundState::Processing) => Ended::OnItsWay,
            Ok(RefundState::Failed { .. }) => {
                Ended::Failed(format!("the channel failed {refund_no}"))
            }
            Err(error @ (ChannelError::Refused(_) | ChannelError::Unknown(_))) => {
                Ended::Failed(error.to_string())
            }
        };
        return (refund.refund, ended);
    }
    let why = format!("the channel failed it under {MOST_KEYS} keys: a person must look");
    (refund.refund, Ended::Failed(why))
}

impl Queue {
    fn done(&mut self, refund: RefundId) {
        self.failing.sent(refund);
        self.refunds.done(refund);
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "a gauge; nobody counts past 2^53 refunds"
    )]
    fn len_f64(&self) -> f64 {
        self.refunds.len() as f64
    }
}
