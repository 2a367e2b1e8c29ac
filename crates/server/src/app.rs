//! What all handlers and workers share.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::{Actor, Command, GatewayId, IdempotencyKey, MemberId, OperatorId, Request};
use engine::{EngineHandle, Reply, SubmitError};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::{Mutex, Semaphore};
use views::Views;

use crate::audit::Audit;
use crate::auth::{CodePace, CounterCodes};
use crate::beacon::Beacons;
use crate::config::Config;
use crate::follower::News;
use crate::http::{Buckets, Counted, Problem, Result};
use crate::money::{Confirmer, PayPages, Reservations};
use crate::once::Turns;
use crate::people::People;
use crate::terms::Groups;

/// Most records that can be on their way into the journal.
const IN_FLIGHT: u64 = (engine::QUEUE_COMMANDS + engine::QUEUE_SETTLEMENTS) as u64;

/// What all handlers and workers share.
pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) engine: EngineHandle,
    pub(crate) views: Views,
    pub(crate) people: People,
    pub(crate) beacons: Beacons,
    /// What campaigns take from this installation when they are published.
    pub(crate) installation: schema::Installation,
    pub(crate) codes: CodePace,
    pub(crate) counter_codes: CounterCodes,
    pub(crate) audit: Audit,
    pub(crate) news: News,
    pub(crate) pay_pages: PayPages,
    pub(crate) reservations: Reservations,
    /// Questions about payments that gateways report.
    pub(crate) confirmer: Confirmer,
    pub(crate) groups: Groups,
    pub(crate) counted: Counted,
    pub(crate) limits: Identities,
    /// One stray payment at a time: see `money::arrivals`.
    pub(crate) strays: Mutex<()>,
    /// One approval at a time, from its reading to its end: who comes second finds it done.
    pub(crate) approving: Mutex<()>,
    /// Whose accounts are being deleted.
    pub(crate) leaving: crate::api::Leaving,
    /// One request of a key at a time, of what only the directory knows.
    pub(crate) turns: Turns,
    /// Slots for subscriptions to groups.
    pub(crate) subscriptions: Arc<Semaphore>,
    /// Passwords checked at once; each takes a core and 19 MiB for tens of milliseconds.
    pub(crate) passwords: Semaphore,
    pub(crate) metrics: PrometheusHandle,
    /// Set when the server is to stop.
    pub(crate) stop: tokio::sync::watch::Sender<bool>,
}

/// Buckets of every kind of identity.
pub(crate) struct Identities {
    pub(crate) address: Buckets<std::net::IpAddr>,
    pub(crate) sign_in: Buckets<std::net::IpAddr>,
    pub(crate) signature: Buckets<std::net::IpAddr>,
    pub(crate) member: Buckets<MemberId>,
    pub(crate) operator: Buckets<OperatorId>,
    pub(crate) gateway: Buckets<GatewayId>,
}

impl Identities {
    pub(crate) fn new(limits: &crate::config::Limits) -> Identities {
        Identities {
            address: Buckets::new(limits.address),
            sign_in: Buckets::new(limits.sign_in),
            signature: Buckets::new(limits.signature),
            member: Buckets::new(limits.member),
            operator: Buckets::new(limits.operator),
            gateway: Buckets::new(limits.gateway),
        }
    }
}

/// The state of every handler.
pub(crate) type Shared = State<Arc<App>>;

impl App {
    /// Submits one command of a client.
    pub(crate) async fn submit(
        &self,
        actor: Actor,
        key: IdempotencyKey,
        command: Command,
    ) -> Result<Reply> {
        crate::people_money::may_begin(self, &command).await?;
        self.engine
            .submit(Request {
                actor,
                key: Some(key),
                command,
            })
            .await
            .map_err(engine_problem)
    }

    /// Asks the world.
    pub(crate) async fn query<R: Send + 'static>(
        &self,
        question: impl FnOnce(&domain::World) -> R + Send + 'static,
    ) -> Result<R> {
        self.engine
            .query(question)
            .await
            .map(|(answer, _)| answer)
            .map_err(engine_problem)
    }

    /// Waits until the views hold `at_least`; 503 `view_behind` if that takes longer than 2 s, and 400
    /// `at_least_unknown` at once where nobody can have been told such a sequence.
    pub(crate) async fn reach(&self, at_least: Option<u64>) -> Result<()> {
        let Some(seq) = at_least else { return Ok(()) };
        let head = *self.engine.committed().borrow();
        if head.saturating_add(IN_FLIGHT) < seq {
            return Err(Problem::bad_request(
                "at_least_unknown",
                "the journal is far from this sequence; at_least is the seq of an answer",
            )
            .with("head", head.to_string()));
        }
        self.views
            .at_least(seq, views::AT_LEAST_WAIT)
            .await
            .map(|_| ())
            .map_err(|behind| {
                Problem::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "view_behind",
                    "the views are not that far yet; ask again",
                )
                .with("applied", behind.applied.to_string())
                .retry_after(1)
            })
    }

    /// Reads something that may have been made just now: where it is not there, once more when the views hold what is
    /// durable at this moment. So nobody is told that what he has just made does not exist.
    pub(crate) async fn find<T, F>(&self, read: impl Fn() -> F) -> Result<views::At<Option<T>>>
    where
        F: Future<Output = std::result::Result<views::At<Option<T>>, views::StoreError>>,
    {
        let found = read().await.map_err(store_problem)?;
        let head = *self.engine.committed().borrow();
        if found.value.is_some() || head <= found.seq {
            return Ok(found);
        }
        self.reach(Some(head)).await?;
        read().await.map_err(store_problem)
    }

    /// Waits; false if the server is to stop meanwhile, or the engine has.
    pub(crate) async fn pause(&self, length: Duration) -> bool {
        tokio::select! {
            () = self.stopping() => false,
            () = tokio::time::sleep(length) => true,
        }
    }

    /// Waits until the server is to stop, or the engine has.
    pub(crate) async fn stopping(&self) {
        let mut stopping = self.stop.subscribe();
        tokio::select! {
            _ = self.engine.stopped() => {}
            // The sender is here, so this ends only when it says so.
            _ = stopping.wait_for(|stop| *stop) => {}
        }
    }

    /// 429 when the identity has asked too much.
    pub(crate) fn limit<K: std::hash::Hash + Eq>(
        &self,
        buckets: &Buckets<K>,
        who: K,
        cost: u32,
    ) -> Result<()> {
        buckets
            .take(who, cost, Instant::now())
            .map_err(Problem::rate_limited)
    }
}

/// What clients are told when the engine gives no answer.
pub(crate) fn engine_problem(error: SubmitError) -> Problem {
    match error {
        SubmitError::Busy => Problem::busy(),
        SubmitError::Stopped => Problem::stopped(),
        SubmitError::TooMany { commands, limit } => Problem::unprocessable(
            "batch_too_large",
            format!("{commands} items are more than the {limit} taken at once"),
        ),
        SubmitError::Refused(refusal) => refusal.into(),
    }
}

/// What clients are told when a database fails.
pub(crate) fn store_problem(error: views::StoreError) -> Problem {
    if error.is_busy() {
        return Problem::busy();
    }
    Problem::fault("a database failed", &error)
}

/// An answer from the views, with the sequence it stands at in `Potluck-Sequence`.
pub(crate) struct Viewed<T>(pub(crate) u64, pub(crate) T);

impl<T: serde::Serialize> IntoResponse for Viewed<T> {
    fn into_response(self) -> Response {
        (
            [("potluck-sequence", self.0.to_string())],
            axum::Json(self.1),
        )
            .into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{GroupId, Refusal};

    #[test]
    fn each_answer_of_the_engine_has_its_status() {
        let too_many = SubmitError::TooMany {
            commands: 2,
            limit: 1,
        };
        for (error, status, code) in [
            (SubmitError::Busy, 503, "busy"),
            (SubmitError::Stopped, 503, "stopped"),
            (too_many, 422, "batch_too_large"),
            (
                SubmitError::Refused(Refusal::GroupFull(GroupId(1))),
                409,
                "group_full",
            ),
            (
                SubmitError::Refused(Refusal::KeyReused),
                422,
                "idempotency_key_reused",
            ),
        ] {
            let problem = engine_problem(error);
            assert_eq!(problem.code(), code);
            let response = problem.into_response();
            assert_eq!(response.status().as_u16(), status, "{code}");
            assert_eq!(
                response.headers().contains_key("retry-after"),
                status == 503,
                "{code}"
            );
        }
    }
}
