//! Sends the callbacks that are due, and again until they are answered with 2xx.
//!
//! The queue is in the book, so a restarted provider goes on where it stopped. A callback may
//! therefore arrive twice, as from any provider.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};
use tokio::task::JoinSet;

use crate::http::now_ms;
use crate::sandbox::api::App;
use crate::sandbox::book::Stop;
use crate::sandbox::provider::Retry;
use crate::sign::{HEADER_NONCE, HEADER_SIGNATURE, HEADER_TIMESTAMP, random_hex};
use crate::wire::{EVENT_PAID, Notice};

/// Most attempts under way at once.
const MAX_SENDING: usize = 64;
/// Longest sleep; a wrong clock or a missed wake-up costs no more than this.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
/// How long a provider that stops waits for answers to the callbacks under way.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// One attempt to be made.
struct Attempt {
    id: i64,
    /// Attempts made before this one.
    attempts: u32,
    created_at_ms: i64,
    notify_url: String,
    notice: Notice,
}

/// What came of an attempt.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Answered,
    NotAnswered,
}

/// Sends callbacks until the provider stops.
pub(crate) async fn deliver(app: &Arc<App>) {
    let mut stopping = app.stopping.clone();
    let mut sending = JoinSet::new();
    loop {
        let room = MAX_SENDING.saturating_sub(sending.len()) as i64;
        let sleep = match app.book.run(move |book| claim(book, room, now_ms())).await {
            Ok((attempts, next_due_ms)) => {
                for attempt in attempts {
                    sending.spawn(send(Arc::clone(app), attempt));
                }
                sleep_until(next_due_ms)
            }
            Err(stop) => {
                tracing::error!(?stop, "cannot read which callbacks are due");
                Duration::from_secs(1)
            }
        };
        tokio::select! {
            _ = stopping.wait_for(|&stop| stop) => break,
            () = app.callbacks_due.notified(), if sending.len() < MAX_SENDING => {}
            () = tokio::time::sleep(sleep), if sending.len() < MAX_SENDING => {}
            Some(_) = sending.join_next() => {}
        }
    }
    // What is under way may still be answered; the rest is for the next start.
    let all_answered = async { while sending.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(LAST_ANSWERS, all_answered).await;
}

fn sleep_until(next_due_ms: Option<i64>) -> Duration {
    match next_due_ms {
        None => LONGEST_SLEEP,
        Some(due_ms) => {
            let wait_ms = due_ms.saturating_sub(now_ms()).max(1);
            Duration::from_millis(wait_ms.unsigned_abs()).min(LONGEST_SLEEP)
        }
    }
}

async fn send(app: Arc<App>, attempt: Attempt) {
    let outcome = post(&app, &attempt).await;
    let Attempt {
        id,
        attempts,
        created_at_ms,
        ..
    } = attempt;
    let next = next_attempt(&app.retry, attempts + 1, created_at_ms, now_ms());
    if let Err(stop) = app
        .book
        .run(move |book| settle(book, id, outcome, next))
        .await
    {
        tracing::error!(
            ?stop,
            callback = id,
            "cannot write down how a callback went"
        );
    }
}

async fn post(app: &App, attempt: &Attempt) -> Outcome {
    let body = match serde_json::to_vec(&attempt.notice) {
        Ok(body) => body,
        Err(error) => {
            tracing::error!(%error, callback = attempt.id, "cannot write a callback's body");
            return Outcome::NotAnswered;
        }
    };
    // Each attempt is signed anew, so that one that waited for hours is fresh when it arrives.
    let (timestamp, nonce) = ((now_ms() / 1000).to_string(), random_hex());
    let signature = app.book.signer().sign(&timestamp, &nonce, &body);
    let answer = app
        .client
        .post(&attempt.notify_url)
        .header(reqwest::header::CONTENT_TYPE, "application/json")
        .header(HEADER_TIMESTAMP, timestamp)
        .header(HEADER_NONCE, nonce)
        .header(HEADER_SIGNATURE, signature)
        .body(body)
        .send()
        .await;
    match answer {
        Ok(answer) if answer.status().is_success() => Outcome::Answered,
        Ok(answer) => {
            let status = answer.status().as_u16();
            tracing::debug!(status, callback = attempt.id, "a callback was not accepted");
            Outcome::NotAnswered
        }
        Err(error) => {
            tracing::debug!(%error, callback = attempt.id, "a callback was not answered");
            Outcome::NotAnswered
        }
    }
}

/// When to try again after `attempts` failures; `None`: never.
fn next_attempt(retry: &Retry, attempts: u32, created_at_ms: i64, now_ms: i64) -> Option<i64> {
    let next_ms = now_ms.saturating_add(retry.wait_ms(attempts));
    let limit_ms = i64::try_from(retry.give_up_after.as_millis()).unwrap_or(i64::MAX);
    (next_ms <= created_at_ms.saturating_add(limit_ms)).then_some(next_ms)
}

/// Takes up to `room` callbacks that are due, and says when the next one is.
fn claim(book: &Connection, room: i64, now_ms: i64) -> Result<(Vec<Attempt>, Option<i64>), Stop> {
    let mut statement = book.prepare_cached(
        "SELECT c.id, c.attempts, c.created_at_ms, o.notify_url, t.merchant_id, o.order_no, \
         t.txn_id, t.amount_fen, o.attach, t.paid_at_ms \
         FROM callbacks c JOIN transactions t ON t.id = c.txn JOIN orders o ON o.id = t.order_id \
         WHERE c.state = 'pending' AND c.due_at_ms <= ?1 AND (c.after IS NULL OR \
            EXISTS (SELECT 1 FROM callbacks a WHERE a.id = c.after AND 0 < a.attempts)) \
         ORDER BY c.due_at_ms, c.id LIMIT ?2",
    )?;
    let rows = statement.query_map(params![now_ms, room], |row| {
        Ok(Attempt {
            id: row.get(0)?,
            attempts: row.get(1)?,
            created_at_ms: row.get(2)?,
            notify_url: row.get::<_, Option<String>>(3)?.unwrap_or_default(),
            notice: Notice {
                event: EVENT_PAID.to_owned(),
                merchant_id: row.get(4)?,
                order_no: row.get(5)?,
                txn_id: row.get(6)?,
                amount_fen: row.get(7)?,
                attach: row.get(8)?,
                paid_at_ms: row.get(9)?,
            },
        })
    })?;
    let attempts: Vec<Attempt> = rows.collect::<Result<_, _>>()?;
    for attempt in &attempts {
        book.prepare_cached("UPDATE callbacks SET state = 'sending' WHERE id = ?1")?
            .execute([attempt.id])?;
    }
    // Those that wait for another one to be tried are looked at again when it was.
    let next_due_ms = book
        .prepare_cached(
            "SELECT due_at_ms FROM callbacks WHERE state = 'pending' AND ?1 < due_at_ms \
             ORDER BY due_at_ms LIMIT 1",
        )?
        .query_row([now_ms], |row| row.get(0))
        .optional()?;
    Ok((attempts, next_due_ms))
}

fn settle(book: &Connection, id: i64, outcome: Outcome, next: Option<i64>) -> Result<(), Stop> {
    let state = match (outcome, next) {
        (Outcome::Answered, _) => "answered",
        (Outcome::NotAnswered, Some(_)) => "pending",
        (Outcome::NotAnswered, None) => "given_up",
    };
    book.prepare_cached(
        "UPDATE callbacks SET state = ?2, due_at_ms = IFNULL(?3, due_at_ms), \
         attempts = attempts + 1 WHERE id = ?1",
    )?
    .execute(params![id, state, next])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callback_is_repeated_ever_more_slowly_and_not_for_ever() {
        let retry = Retry {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(5),
            give_up_after: Duration::from_secs(60),
            ..Retry::default()
        };
        let check = |attempts, now_ms, expected| {
            assert_eq!(
                next_attempt(&retry, attempts, 0, now_ms),
                expected,
                "{attempts}"
            );
        };
        //    attempts  now_ms  next
        check(1, 0, Some(1_000));
        check(2, 1_000, Some(3_000));
        check(3, 3_000, Some(7_000));
        check(4, 7_000, Some(12_000));
        check(u32::MAX, 12_000, Some(17_000));
        check(9, 55_000, Some(60_000));
        check(10, 55_001, None);
    }
}
