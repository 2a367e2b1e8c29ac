//! The audit trail of refusals: who was told no, and why. Written to the directory about once a second.
//!
//! Bounded: of callers that nobody knows the refusals are counted and not noted, for anybody could fill the disk with
//! them. What comes while the queue is full is counted and not noted. Plain mistakes of form (400, 404, 422 of a
//! body) and limits are no part of it.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::Response;
use domain::{Actor, Millis};
use tokio::sync::mpsc;
use views::RefusalNote;

use crate::app::App;
use crate::http::RefusedWith;

/// Most refusals that wait to be noted.
const QUEUE: usize = 4096;
/// Most refusals of one write.
const A_WRITE: usize = 1000;
const EACH: Duration = Duration::from_secs(1);

/// Takes refusals.
#[derive(Clone)]
pub(crate) struct Audit(mpsc::Sender<RefusalNote>);

/// Where refusals wait.
pub(crate) type AuditQueue = mpsc::Receiver<RefusalNote>;

impl Audit {
    pub(crate) fn new() -> (Audit, AuditQueue) {
        let (to, queue) = mpsc::channel(QUEUE);
        (Audit(to), queue)
    }

    /// Notes a response if it is a refusal worth noting.
    pub(crate) fn saw(&self, response: &Response, who: Option<Actor>, at: Millis) {
        let Some(refused) = response.extensions().get::<RefusedWith>() else {
            return;
        };
        if !is_noted(response.status(), refused.code) {
            return;
        }
        let Some(who) = who else {
            metrics::counter!("refusals_of_strangers_total", "code" => refused.code).increment(1);
            return;
        };
        let note = RefusalNote {
            at,
            who: Some(who),
            code: refused.code.to_owned(),
            detail: refused.detail.clone(),
        };
        if self.0.try_send(note).is_err() {
            metrics::counter!("refusals_not_noted_total").increment(1);
        }
    }
}

fn is_noted(status: StatusCode, code: &str) -> bool {
    match status {
        StatusCode::UNAUTHORIZED => code != "not_signed_in",
        StatusCode::FORBIDDEN | StatusCode::CONFLICT => true,
        StatusCode::UNPROCESSABLE_ENTITY => code != "body_invalid",
        _ => false,
    }
}

/// Writes what is noted until the engine ends, then the rest.
pub(crate) async fn run(app: Arc<App>, mut queue: AuditQueue) {
    let mut notes = Vec::with_capacity(A_WRITE);
    loop {
        let going_on = app.pause(EACH).await;
        while let Ok(note) = queue.try_recv() {
            notes.push(note);
            if A_WRITE <= notes.len() {
                app.people.note_refusals(&notes).await;
                notes.clear();
            }
        }
        if !notes.is_empty() {
            app.people.note_refusals(&notes).await;
            notes.clear();
        }
        if !going_on {
            return;
        }
    }
}
