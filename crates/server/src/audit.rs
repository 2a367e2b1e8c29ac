//! The audit trail of refusals: who was told no, and by which rule. Written to the directory about once a second. Payments that go back,
//! and items of a gateway's batch, are part of it, though the request that brought them was answered with 200.
//!
//! Bounded: of callers that nobody knows the refusals are counted and not noted, for anybody could fill the disk with
//! them. What comes while the queue is full is noted in one line for each rule, with how many there were. Plain mistakes of form
//! (400, 404, 422 of a body) and limits are no part of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::Response;
use domain::{Actor, Event, Millis};
use tokio::sync::mpsc;
use views::RefusalNote;

use crate::app::App;
use crate::http::RefusedWith;

/// Most refusals that wait to be noted.
const QUEUE: usize = 4096;
/// Most refusals of one write.
const A_WRITE: usize = 1000;
const EACH: Duration = Duration::from_secs(1);
/// Most rules that are counted while the queue is full: more than there are.
const MOST_RULES: usize = 1024;

/// Takes refusals.
#[derive(Clone)]
pub(crate) struct Audit {
    queue: mpsc::Sender<RefusalNote>,
    /// How many came while the queue was full, by their rule.
    crowded: Arc<Mutex<BTreeMap<String, u64>>>,
}

/// Where refusals wait.
pub(crate) type AuditQueue = mpsc::Receiver<RefusalNote>;

impl Audit {
    pub(crate) fn new() -> (Audit, AuditQueue) {
        let (to, queue) = mpsc::channel(QUEUE);
        let crowded = Arc::default();
        (Audit { queue: to, crowded }, queue)
    }

    /// Notes a payment that could hold no place, with the rule that sent it back.
    pub(crate) fn went_back(&self, event: &Event, at: Millis) {
        let Event::PaymentBounced {
            payment,
            member,
            txn,
            amount,
            reason,
            ..
        } = event
        else {
            return;
        };
        let of = match payment {
            None => String::new(),
            Some(payment) if payment.index == domain::NO_RESERVATION => {
                format!(" for group {}", payment.group)
            }
            Some(payment) => format!(" for {payment}"),
        };
        self.note(RefusalNote {
            at,
            who: member.map(Actor::Member),
            code: reason.name().to_owned(),
            detail: format!("payment {txn} of {amount}{of} went back"),
        });
    }

    /// Notes an item of a batch that was refused.
    pub(crate) fn item(&self, who: Actor, (code, detail): (&str, &str), at: Millis) {
        self.note(RefusalNote {
            at,
            who: Some(who),
            code: code.to_owned(),
            detail: detail.to_owned(),
        });
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
        self.note(note);
    }

    fn note(&self, note: RefusalNote) {
        let Err(full) = self.queue.try_send(note) else {
            return;
        };
        metrics::counter!("refusals_not_noted_total").increment(1);
        let mut crowded = self.crowded.lock().unwrap_or_else(PoisonError::into_inner);
        if crowded.len() < MOST_RULES {
            let count = crowded.entry(full.into_inner().code).or_default();
            *count = count.saturating_add(1);
        }
    }

    /// What came while the queue was full, a line for each rule.
    fn crowded(&self, at: Millis) -> impl Iterator<Item = RefusalNote> {
        let mut crowded = self.crowded.lock().unwrap_or_else(PoisonError::into_inner);
        let each = std::mem::take(&mut *crowded).into_iter();
        each.map(move |(code, count)| RefusalNote {
            at,
            who: Some(Actor::System),
            code,
            detail: format!(
                "{count} more refusals of this kind came faster than they could be noted"
            ),
        })
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
        notes.extend(app.audit.crowded(app.config.clock.now()));
        if !notes.is_empty() {
            app.people.note_refusals(&notes).await;
            notes.clear();
        }
        if !going_on {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A queue that is full forgets who asked, but neither what was refused nor how often.
    #[tokio::test]
    async fn what_comes_too_fast_is_counted_by_its_rule() {
        let (audit, mut queue) = Audit::new();
        let who = Actor::Gateway(domain::GatewayId(3));
        for _ in 0..QUEUE {
            audit.item(who, ("group_unknown", "there is no such group"), Millis(1));
        }
        assert_eq!(audit.crowded(Millis(2)).count(), 0);
        for code in ["money_limit", "group_full", "money_limit"] {
            audit.item(who, (code, "too fast"), Millis(1));
        }
        let told: Vec<_> = audit.crowded(Millis(2)).collect();
        let line = |note: &RefusalNote| (note.code.clone(), note.detail.clone());
        let more = "more refusals of this kind came faster than they could be noted";
        assert_eq!(
            told.iter().map(line).collect::<Vec<_>>(),
            [
                ("group_full".to_owned(), format!("1 {more}")),
                ("money_limit".to_owned(), format!("2 {more}")),
            ]
        );
        assert_eq!(audit.crowded(Millis(3)).count(), 0, "told once");
        assert!(queue.try_recv().is_ok_and(|note| note.who == Some(who)));
    }
}
