//! Writes of which only the directory knows, once for each key (rules 2.4): the same key with the same content has the same answer
//! for a day, with other content it is refused, as the engine does with commands.
//!
//! Why the answer is kept and not only the key: an answer made anew would tell of what happened since. Between the write and its
//! answer the program may die; then the same request does it again, and finds what it finds.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::{Actor, IdempotencyKey, Refusal};
use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;
use views::KeptAnswer;

use crate::app::{App, store_problem};
use crate::auth::{hash_password, verify_password};
use crate::http::{Problem, Result};

/// Requests done at once; those of one key are of one place.
const PLACES: usize = 64;

/// Lets one request of a key through at a time.
pub(crate) struct Turns([Mutex<()>; PLACES]);

impl Turns {
    pub(crate) fn new() -> Turns {
        Turns(std::array::from_fn(|_| Mutex::new(())))
    }
}

/// Whether a body may be compared by its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holds {
    /// It may.
    NoSecret,
    /// A password is part of it: what is kept of it must be as hard to guess from as the password's own hash.
    APassword,
}

/// An answer as it was first given.
pub(crate) struct Answered(KeptAnswer);

impl IntoResponse for Answered {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::OK);
        let json = [(header::CONTENT_TYPE, "application/json")];
        (status, json, self.0.body).into_response()
    }
}

/// Does something unless it was done under this key, and gives the answer of the first time. What is refused is not kept: asked
/// again, it is looked at again.
pub(crate) async fn once<T: Serialize>(
    app: &App,
    (who, key): (Actor, IdempotencyKey),
    holds: Holds,
    doing: impl Future<Output = Result<(StatusCode, T)>>,
) -> Result<Answered> {
    let request = request_of(who, &key);
    let place = usize::from(request[0]) % PLACES;
    let turn = app.turns.0.get(place).ok_or_else(Problem::stopped)?;
    let _turn = turn.lock().await;
    let directory = app.people.directory();
    let now = app.config.clock.now();
    let kept = directory.kept_answer(&request, now).await;
    if let Some(kept) = kept.map_err(store_problem)? {
        if is_same(app, holds, &kept.content, &key).await? {
            return Ok(Answered(kept));
        }
        return Err(Refusal::KeyReused.into());
    }
    // A command of his may have had the key: the engine refuses it then, as it does any other.
    app.query(move |world| world.is_remembered(who, &key, now))
        .await??;
    let (status, answer) = doing.await?;
    let body = serde_json::to_string(&answer)
        .map_err(|error| Problem::fault("an answer cannot be kept", &error))?;
    let answer = KeptAnswer {
        content: content_of(app, holds, &key).await?,
        status: status.as_u16(),
        body,
    };
    let keeping = directory.keep_answer(&request, who, &answer, now).await;
    keeping.map_err(store_problem)?;
    Ok(Answered(answer))
}

fn request_of(who: Actor, key: &IdempotencyKey) -> [u8; 32] {
    let (kind, number) = match who {
        Actor::System => (0u8, 0),
        Actor::Member(member) => (1, member.0),
        Actor::Operator(operator) => (2, operator.0),
        Actor::Gateway(gateway) => (3, gateway.0),
    };
    let mut request = Sha256::new();
    request.update([kind]);
    request.update(number.to_be_bytes());
    request.update(key.key);
    request.finalize().into()
}

async fn content_of(app: &App, holds: Holds, key: &IdempotencyKey) -> Result<Vec<u8>> {
    match holds {
        Holds::NoSecret => Ok(key.content.to_vec()),
        Holds::APassword => {
            let content = draw::to_hex(&key.content);
            let hash = slowly(app, move || hash_password(&content)).await?;
            Ok(hash.ok_or_else(Problem::stopped)?.into_bytes())
        }
    }
}

async fn is_same(app: &App, holds: Holds, kept: &[u8], key: &IdempotencyKey) -> Result<bool> {
    match holds {
        // A password's hash is of another length: another endpoint's content is never the same.
        Holds::NoSecret => Ok(kept == key.content),
        Holds::APassword => {
            let content = draw::to_hex(&key.content);
            let kept = String::from_utf8(kept.to_vec()).unwrap_or_default();
            slowly(app, move || verify_password(&content, Some(&kept))).await
        }
    }
}

/// Hashes passwords, so many at once as there are slots.
pub(crate) async fn slowly<T: Send + 'static>(
    app: &App,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    let slot = app.passwords.acquire().await;
    let _slot = slot.map_err(|_| Problem::stopped())?;
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Problem::fault("hashing a password broke off", &error))
}
