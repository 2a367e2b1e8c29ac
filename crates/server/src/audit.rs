//! The audit trail of refusals: who was told no, and by which rule. Written to the directory about once a second. Items of a gateway's
//! batch are part of it, though the request that brought them was answered with 200; and payments that went back, which the follower
//! notes with the place in the journal up to which it has.
//!
//! Bounded: whoever is told the same more than a few times in a minute has one row more for that minute, which counts. Of callers that nobody knows the refusals are counted and not noted, for anybody could fill the disk with
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
/// How many refusals of one rule to one caller are noted one by one in a minute.
const ONE_BY_ONE: u32 = 5;
const MINUTE_MS: i64 = 60_000;
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

    /// Notes an item of a batch that was refused.
    pub(crate) fn item(&self, who: Actor, (code, detail): (&str, &str), at: Millis) {
        self.note(RefusalNote {
            at,
            who: Some(who),
            code: code.to_owned(),
            detail: detail.to_owned(),
            times: 1,
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
            times: 1,
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
            times: count,
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

/// A payment that could hold no place, with the rule that sent it back.
pub(crate) fn went_back(event: &Event, at: Millis) -> Option<RefusalNote> {
    let Event::PaymentBounced {
        payment,
        member,
        txn,
        amount,
        reason,
        ..
    } = event
    else {
        return None;
    };
    let of = match payment {
        None => String::new(),
        Some(payment) if payment.index == domain::NO_RESERVATION => {
            format!(" for group {}", payment.group)
        }
        Some(payment) => format!(" for {payment}"),
    };
    Some(RefusalNote {
        at,
        who: member.map(Actor::Member),
        code: reason.name().to_owned(),
        detail: format!("payment {txn} of {amount}{of} went back"),
        times: 1,
    })
}

/// What one write of the trail has: the first few of each rule, caller and minute one by one, the others as a crowd.
#[derive(Default)]
struct Trail {
    minute: i64,
    /// How many there were in this minute.
    seen: BTreeMap<(Option<Actor>, String), u32>,
    notes: Vec<RefusalNote>,
    /// By their minute.
    crowds: BTreeMap<(i64, Option<Actor>, String), RefusalNote>,
}

impl Trail {
    fn take(&mut self, note: RefusalNote) {
        let minute = note.at.0 / MINUTE_MS;
        if minute != self.minute {
            self.minute = minute;
            self.seen.clear();
        }
        let seen = self.seen.entry((note.who, note.code.clone())).or_default();
        *seen = seen.saturating_add(1);
        if *seen <= ONE_BY_ONE {
            self.notes.push(note);
            return;
        }
        let crowd = (minute, note.who, note.code.clone());
        let before = self.crowds.get(&crowd).map_or(0, |crowd| crowd.times);
        let times = before.saturating_add(note.times);
        self.crowds.insert(crowd, RefusalNote { times, ..note });
    }

    async fn write(&mut self, app: &App) {
        if self.notes.is_empty() && self.crowds.is_empty() {
            return;
        }
        let crowds: Vec<RefusalNote> = std::mem::take(&mut self.crowds).into_values().collect();
        app.people.note_refusals(&self.notes, &crowds).await;
        self.notes.clear();
    }
}

/// Writes what is noted until the engine ends, then the rest.
pub(crate) async fn run(app: Arc<App>, mut queue: AuditQueue) {
    let mut trail = Trail::default();
    loop {
        let going_on = app.pause(EACH).await;
        while let Ok(note) = queue.try_recv() {
            trail.take(note);
            if A_WRITE <= trail.notes.len() {
                trail.write(&app).await;
            }
        }
        let crowded = app.audit.crowded(app.config.clock.now());
        trail.notes.extend(crowded);
        trail.write(&app).await;
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

    /// The first few have rows, the others one row a minute that counts them; of every caller and rule by itself.
    #[test]
    fn a_flood_is_a_few_rows_and_a_count() {
        let one = Actor::Operator(domain::OperatorId(3));
        let other = Actor::Operator(domain::OperatorId(4));
        let note = |who, code: &str, at| RefusalNote {
            at: Millis(at),
            who: Some(who),
            code: code.to_owned(),
            detail: format!("at {at}"),
            times: 1,
        };
        let mut trail = Trail::default();
        for at in 0..100 {
            trail.take(note(one, "role_missing", at));
            trail.take(note(one, "group_full", at));
        }
        trail.take(note(other, "role_missing", 100));
        assert_eq!(trail.notes.len(), 11);
        let crowd = |trail: &Trail| {
            let whose = (0, Some(one), "role_missing".to_owned());
            let crowd = trail.crowds.get(&whose);
            crowd.map(|crowd| (crowd.times, crowd.detail.clone()))
        };
        assert_eq!(crowd(&trail), Some((95, "at 99".to_owned())));
        // Another minute begins anew, and loses nothing of the last.
        trail.take(note(one, "role_missing", MINUTE_MS));
        assert_eq!((trail.crowds.len(), trail.notes.len()), (2, 12));
        let all = trail.notes.iter().chain(trail.crowds.values());
        assert_eq!(all.map(|note| note.times).sum::<u64>(), 202);
    }
}
