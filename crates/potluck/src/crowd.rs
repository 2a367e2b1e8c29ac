//! Members that keep a demonstration alive: an external client of the public API, shown as 演示 everywhere.
//!
//! They know nothing that a visitor does not: they sign in with codes from the demonstration's inbox, open groups,
//! join, and press the button of the payment page. In the small groups they leave the last seat to a visitor for
//! a while, then one of them takes it, so that a draw can be seen every few minutes.

use std::{collections::HashMap, time::Duration};

use reqwest::{Client, Response, StatusCode, header};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

/// Demonstration members; enough for the largest example and some to spare.
const MEMBERS: u32 = 130;
/// Phones of external members begin with this; the server shows them as 演示.
const PHONE_PREFIX: &str = "1990000";
/// How long the last seat of a group is left to a visitor.
const LAST_SEAT_WAIT: Duration = Duration::from_secs(75);
/// Between two looks at the shop.
const PACE: Duration = Duration::from_millis(1_500);
/// Of so many seats one is filled at each look; in a smaller group one, too.
const LARGE_GROUP_SEATS: u64 = 25;
/// Where its members live, one after the other: of some there are agents, of some of their city or province alone, of some none.
const LIVING: [&str; 4] = ["330106", "330102", "330206", "310115"];

/// Why the crowd cannot go on with one step; it tries again at the next look.
#[derive(Debug, thiserror::Error)]
enum CrowdError {
    #[error("the platform could not be reached: {0}")]
    Http(#[from] reqwest::Error),
    #[error("{what}: {status} {body}")]
    Answer {
        what: &'static str,
        status: StatusCode,
        body: String,
    },
    #[error("{0} is missing in an answer")]
    Missing(&'static str),
}

/// One signed-in member.
struct Actor {
    id: String,
    cookie: String,
}

/// The crowd and what it remembers between two looks.
struct Crowd {
    client: Client,
    api: String,
    actors: Vec<Actor>,
    invite: Option<String>,
    /// By whom those are invited who invite the others.
    sponsor: Option<String>,
    next_actor: usize,
    next_key: u64,
    run: String,
    last_seat_since: HashMap<String, Instant>,
}

/// Keeps the shop at `base_url` alive until it is dropped; new members stand below whoever has this invite code. Errors are logged and
/// tried again.
pub(crate) async fn keep_alive(base_url: String, sponsor: Option<String>) {
    let client = match Client::builder()
        .timeout(Duration::from_secs(20))
        .redirect(reqwest::redirect::Policy::none())
        .build()
    {
        Ok(client) => client,
        Err(error) => {
            tracing::error!(%error, "the demonstration's members cannot be made");
            return;
        }
    };
    let run = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_millis());
    let mut crowd = Crowd {
        client,
        api: format!("{base_url}/api/v1"),
        actors: Vec::new(),
        invite: None,
        sponsor,
        next_actor: 0,
        next_key: 0,
        run: run.to_string(),
        last_seat_since: HashMap::new(),
    };
    loop {
        if let Err(error) = crowd.look().await {
            tracing::debug!(%error, "a demonstration member could not finish a step");
            sleep(PACE).await;
        }
        sleep(PACE).await;
    }
}

impl Crowd {
    async fn look(&mut self) -> Result<(), CrowdError> {
        if self.actors.len() < 8 {
            for _ in 0..8 {
                self.sign_in_next().await?;
            }
        }
        let campaigns = self.get("campaigns?limit=100").await?;
        for campaign in items(&campaigns) {
            self.attend(campaign).await?;
        }
        self.use_rights().await?;
        // New faces come slowly once the shop is going.
        if self.actors.len() < MEMBERS as usize {
            for _ in 0..4 {
                self.sign_in_next().await?;
            }
        }
        Ok(())
    }

    /// One campaign: at least one open group, filling.
    async fn attend(&mut self, campaign: &Value) -> Result<(), CrowdError> {
        let id = text(campaign, "id")?.to_owned();
        let groups = self
            .get(&format!("campaigns/{id}/groups?state=open&limit=20"))
            .await?;
        let groups: Vec<Value> = items(&groups).to_vec();
        if groups.is_empty() {
            let payment = self
                .write(&format!("campaigns/{id}/groups"), json!({}))
                .await?;
            return self.pay(&payment).await;
        }
        for group in groups {
            self.fill(&group).await?;
        }
        Ok(())
    }

    async fn fill(&mut self, group: &Value) -> Result<(), CrowdError> {
        let id = text(group, "id")?.to_owned();
        let seats = count(group, "seats")?;
        let taken = count(group, "paid")?.saturating_add(count(group, "reserved")?);
        let free = seats.saturating_sub(taken);
        let leave_last = free <= 1;
        if free == 0 || (leave_last && !self.waited_for_a_visitor(&id)) {
            return Ok(());
        }
        let most = (seats / LARGE_GROUP_SEATS).max(1);
        let steps = if leave_last {
            1
        } else {
            most.min(free.saturating_sub(1))
        };
        for _ in 0..steps {
            self.join(&id).await?;
        }
        Ok(())
    }

    /// The next member in turn buys what he may buy: he was drawn in a ballot.
    async fn use_rights(&mut self) -> Result<(), CrowdError> {
        let at = self.next_actor % self.actors.len().max(1);
        let Some(cookie) = self.actors.get(at).map(|actor| actor.cookie.clone()) else {
            return Ok(());
        };
        let mine = match self.get_as("me/groups?limit=20", Some(&cookie)).await {
            Err(CrowdError::Answer { status, .. }) if status == StatusCode::UNAUTHORIZED => {
                // The server was started anew: everybody signs in again.
                self.actors.clear();
                return Ok(());
            }
            mine => mine?,
        };
        for item in items(&mine) {
            let seat = item.get("seat").ok_or(CrowdError::Missing("seat"))?;
            if text(seat, "state")? == "may_buy" {
                let id = text(seat, "payment")?;
                let payment = self
                    .get_as(&format!("payments/{id}"), Some(&cookie))
                    .await?;
                self.pay(&json!({ "payment": payment })).await?;
            }
        }
        Ok(())
    }

    /// Whether the last seat has stood open long enough for a visitor to take it.
    fn waited_for_a_visitor(&mut self, group: &str) -> bool {
        if 1_000 < self.last_seat_since.len() {
            self.last_seat_since
                .retain(|_, since| since.elapsed() < LAST_SEAT_WAIT * 4);
        }
        let since = *self
            .last_seat_since
            .entry(group.to_owned())
            .or_insert_with(Instant::now);
        LAST_SEAT_WAIT <= since.elapsed()
    }

    /// The next member who may still join does.
    async fn join(&mut self, group: &str) -> Result<(), CrowdError> {
        for _ in 0..self.actors.len() {
            match self
                .write(&format!("groups/{group}/seats"), json!({}))
                .await
            {
                Ok(payment) => return self.pay(&payment).await,
                // This one has his seat already: the next.
                Err(CrowdError::Answer { body, .. }) if body.contains("seat_limit") => {}
                // A circle plays by itself.
                Err(CrowdError::Answer { body, .. }) if body.contains("circle_not_in") => {
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Opens the payment page and presses its button, unless a registration cost nothing.
    async fn pay(&self, answer: &Value) -> Result<(), CrowdError> {
        if answer.get("registered") == Some(&Value::Bool(true)) {
            return Ok(());
        }
        let payment = answer
            .get("payment")
            .ok_or(CrowdError::Missing("payment"))?;
        let url = text(payment, "pay_url")?;
        let response = self.client.post(url).send().await?;
        if response.status().is_success() || response.status().is_redirection() {
            return Ok(());
        }
        failed("payment page", response).await
    }

    /// Signs in one more member, new or known.
    async fn sign_in_next(&mut self) -> Result<(), CrowdError> {
        let number = self.actors.len();
        let phone = format!("{PHONE_PREFIX}{number:04}");
        let asked = self
            .send("sign-in/codes", &json!({ "phone": phone }), None)
            .await?;
        if !asked.status().is_success() {
            return failed("sign-in code", asked).await;
        }
        let inbox = self.get(&format!("demo/inbox?phone={phone}")).await?;
        let code = items(&inbox)
            .first()
            .map(|item| text(item, "code"))
            .transpose()?;
        let code = code.ok_or(CrowdError::Missing("code"))?;
        let mut body = json!({ "phone": phone, "code": code });
        // Some come through the invitation of one before them, so that uplines earn something too.
        let invites = number.is_multiple_of(3);
        let by = if invites { &self.sponsor } else { &self.invite };
        if let Some(invite) = by {
            body["invite"] = json!(invite);
        }
        let response = self.send("sign-in", &body, None).await?;
        if !response.status().is_success() {
            return failed("sign-in", response).await;
        }
        let cookies = response.headers().get_all(header::SET_COOKIE).iter();
        let pairs =
            cookies.filter_map(|cookie| cookie.to_str().ok()?.split(';').next().map(str::to_owned));
        let cookie = pairs.collect::<Vec<_>>().join("; ");
        let answer: Value = response.json().await?;
        let member = answer.get("member").ok_or(CrowdError::Missing("member"))?;
        if invites {
            self.invite = Some(text(member, "invite_code")?.to_owned());
        }
        let id = text(member, "id")?.to_owned();
        let lives = json!({ "region": LIVING[number % LIVING.len()] });
        let said = self.send("me/region", &lives, Some(&cookie)).await?;
        if !said.status().is_success() {
            return failed("region", said).await;
        }
        self.actors.push(Actor { id, cookie });
        Ok(())
    }

    /// A write by the next member in turn.
    async fn write(&mut self, path: &str, body: Value) -> Result<Value, CrowdError> {
        let at = self.next_actor % self.actors.len();
        self.next_actor += 1;
        let cookie = self.actors[at].cookie.clone();
        tracing::trace!(member = %self.actors[at].id, path, "a demonstration member acts");
        let response = self.send(path, &body, Some(&cookie)).await?;
        if response.status() == StatusCode::UNAUTHORIZED {
            // The server was started anew: everybody signs in again.
            self.actors.clear();
        }
        if !response.status().is_success() {
            return failed("write", response).await;
        }
        Ok(response.json().await?)
    }

    async fn send(
        &mut self,
        path: &str,
        body: &Value,
        cookie: Option<&str>,
    ) -> Result<Response, CrowdError> {
        self.next_key += 1;
        let key = format!("crowd-{}-{}", self.run, self.next_key);
        let mut request = self
            .client
            .post(format!("{}/{path}", self.api))
            .header("Idempotency-Key", key)
            .json(body);
        if let Some(cookie) = cookie {
            request = request.header(header::COOKIE, cookie);
        }
        Ok(request.send().await?)
    }

    async fn get(&self, path: &str) -> Result<Value, CrowdError> {
        self.get_as(path, None).await
    }

    async fn get_as(&self, path: &str, cookie: Option<&str>) -> Result<Value, CrowdError> {
        let mut request = self.client.get(format!("{}/{path}", self.api));
        if let Some(cookie) = cookie {
            request = request.header(header::COOKIE, cookie);
        }
        let response = request.send().await?;
        if !response.status().is_success() {
            return failed("read", response).await;
        }
        Ok(response.json().await?)
    }
}

async fn failed<T>(what: &'static str, response: Response) -> Result<T, CrowdError> {
    let status = response.status();
    let body = response.text().await.unwrap_or_default();
    Err(CrowdError::Answer { what, status, body })
}

fn items(list: &Value) -> &[Value] {
    list.get("items")
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, key: &'static str) -> Result<&'a str, CrowdError> {
    value
        .get(key)
        .and_then(Value::as_str)
        .ok_or(CrowdError::Missing(key))
}

/// A count, as a number or as a text.
fn count(value: &Value, key: &'static str) -> Result<u64, CrowdError> {
    let field = value.get(key).ok_or(CrowdError::Missing(key))?;
    field
        .as_u64()
        .or_else(|| field.as_str()?.parse().ok())
        .ok_or(CrowdError::Missing(key))
}
