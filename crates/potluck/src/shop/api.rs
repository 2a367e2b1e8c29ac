//! The demonstration's way to its own shop: the public API, as anybody has it who knows the phones and passwords.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use reqwest::{Client, Response, StatusCode, header};
use serde_json::{Value, json};

/// Longest wait for anything: a draw takes its beacon's round.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longest wait for views that are being rebuilt.
const READY_WITHIN: Duration = Duration::from_secs(600);
/// How often a request is sent while the shop says that this person asks too much: a program is quicker than people.
const TRIES: u32 = 40;
const PAUSE: Duration = Duration::from_millis(500);

/// The shop's interface.
#[derive(Clone)]
pub(super) struct Api {
    client: Client,
    base_url: String,
    /// Where the sandbox is, known from the first of its payment pages.
    sandbox: Arc<OnceLock<String>>,
}

impl Api {
    pub(super) fn new(base_url: &str) -> Result<Api, String> {
        let client = Client::builder()
            .timeout(Duration::from_secs(30))
            .build()
            .map_err(|error| error.to_string())?;
        let base_url = base_url.to_owned();
        Ok(Api {
            client,
            base_url,
            sandbox: Arc::default(),
        })
    }

    /// Waits until the views stand where the journal stands: what is not shown yet may be there all the same.
    pub(super) async fn ready(&self) -> Result<(), String> {
        let began = Instant::now();
        while began.elapsed() < READY_WITHIN {
            let asked = self.client.get(format!("{}/readyz", self.base_url)).send();
            let response = asked.await.map_err(|error| error.to_string())?;
            if response.status().is_success() {
                let answer: Value = response.json().await.map_err(|error| error.to_string())?;
                if answer["head"] == answer["applied"] {
                    return Ok(());
                }
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err("the views are not ready after ten minutes".to_owned())
    }

    pub(super) async fn get(&self, cookie: &str, path: &str) -> Result<Value, String> {
        let request = self.client.get(self.url(path));
        let response = request.header(header::COOKIE, cookie).send().await;
        let response = response.map_err(|error| error.to_string())?;
        response.json().await.map_err(|error| error.to_string())
    }

    pub(super) async fn post(
        &self,
        cookie: &str,
        path: &str,
        body: &Value,
    ) -> Result<Value, String> {
        let kept = (header::COOKIE, cookie);
        let response = self.send(path, kept, body.to_string()).await?;
        answer_of(path, response).await
    }

    /// The same of many things, one after the other.
    pub(super) async fn post_all<'a>(
        &self,
        posts: impl IntoIterator<Item = (&'a str, String, Value)>,
    ) -> Result<(), String> {
        for (cookie, path, body) in posts {
            self.post(cookie, &path, &body).await?;
        }
        Ok(())
    }

    /// As a gateway, by its key.
    pub(super) async fn post_keyed(
        &self,
        key: &str,
        path: &str,
        body: &Value,
    ) -> Result<Value, String> {
        let bearer = format!("Bearer {key}");
        let kept = (header::AUTHORIZATION, bearer.as_str());
        let response = self.send(path, kept, body.to_string()).await?;
        answer_of(path, response).await
    }

    /// Asks for something that a rule is to refuse.
    pub(super) async fn refused(
        &self,
        cookie: &str,
        path: &str,
        body: &Value,
        rule: &str,
    ) -> Result<(), String> {
        let kept = (header::COOKIE, cookie);
        let response = self.send(path, kept, body.to_string()).await?;
        let answer: Value = response.json().await.map_err(|error| error.to_string())?;
        if answer["code"] == rule {
            return Ok(());
        }
        Err(format!("{path} is not refused by {rule}: {answer}"))
    }

    /// Sends a picture in; its name.
    pub(super) async fn picture(&self, cookie: &str, bytes: Vec<u8>) -> Result<String, String> {
        let path = "/console/pictures";
        let response = self.send(path, (header::COOKIE, cookie), bytes).await?;
        text(&answer_of(path, response).await?, "hash")
    }

    /// What an operator asks for, and another person approves as soon as it waits for him.
    pub(super) async fn decided(
        &self,
        [one, other]: [&str; 2],
        path: &str,
        body: &Value,
    ) -> Result<(), String> {
        let answer = self.post(one, path, body).await?;
        if answer["approval"].is_string() {
            let path = format!("/console/approvals/{}/approve", text(&answer, "approval")?);
            self.post(other, &path, &why()).await?;
        }
        Ok(())
    }

    async fn send(
        &self,
        path: &str,
        (name, value): (header::HeaderName, &str),
        body: impl Into<Vec<u8>>,
    ) -> Result<Response, String> {
        let (key, body) = (super::random_hex(8)?, body.into());
        for _ in 0..TRIES {
            let request = self
                .client
                .post(self.url(path))
                .header(&name, value)
                .header(header::CONTENT_TYPE, "application/json")
                .header("Idempotency-Key", &key)
                .body(body.clone());
            let response = request.send().await.map_err(|error| error.to_string())?;
            if response.status() != StatusCode::TOO_MANY_REQUESTS {
                return Ok(response);
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(format!("{path}: too many requests for too long"))
    }

    /// Signs a member in with the code from the demonstration's inbox, invited by this code if he is new; his cookies and card.
    pub(super) async fn member(
        &self,
        phone: &str,
        invite: &Value,
    ) -> Result<(String, Value), String> {
        let code = self.code(phone).await?;
        let mut body = json!({ "phone": phone, "code": code });
        if invite.is_string() {
            body["invite"] = invite.clone();
        }
        let (cookie, mut answer) = self.session("/sign-in", &body).await?;
        Ok((cookie, answer["member"].take()))
    }

    /// A code, as the demonstration's inbox shows it.
    pub(super) async fn code(&self, phone: &str) -> Result<Value, String> {
        let wanted = json!({ "phone": phone });
        self.post("", "/sign-in/codes", &wanted).await?;
        let path = format!("/demo/inbox?phone={phone}");
        Ok(self.get("", &path).await?["items"][0]["code"].clone())
    }

    /// Signs somebody of the staff in; his cookies.
    pub(super) async fn staff(&self, name: &str, password: &str) -> Result<String, String> {
        let body = json!({ "name": name, "password": password });
        Ok(self.session("/operator/sign-in", &body).await?.0)
    }

    async fn session(&self, path: &str, body: &Value) -> Result<(String, Value), String> {
        let nobody = (header::COOKIE, "");
        let response = self.send(path, nobody, body.to_string()).await?;
        let cookies = response.headers().get_all(header::SET_COOKIE).iter();
        let pairs =
            cookies.filter_map(|cookie| cookie.to_str().ok()?.split(';').next().map(str::to_owned));
        let cookies = pairs.collect::<Vec<_>>().join("; ");
        Ok((cookies, answer_of(path, response).await?))
    }

    /// Presses the button of a payment page, where there is something to pay.
    pub(super) async fn pay(&self, payment: &Value) -> Result<(), String> {
        let page = text(payment, "pay_url")?;
        if let Some((sandbox, _)) = page.split_once("/pay/") {
            self.sandbox.get_or_init(|| sandbox.to_owned());
        }
        let sent = self.client.post(page).send().await;
        let answer = sent.map_err(|error| error.to_string())?;
        let paid = answer.error_for_status();
        paid.map(|_| ()).map_err(|error| error.to_string())
    }

    /// Pays an order of somebody's own at the sandbox; the payment's number.
    pub(super) async fn pay_own(&self, order: Value) -> Result<String, String> {
        let body = json!({ "merchant_id": crate::serve::SANDBOX_MERCHANT, "orders": [order] });
        let paid = self.at_sandbox("payments", &body).await?;
        text(&paid["transactions"][0], "txn_id")
    }

    /// Has the sandbox take payouts as is said from now on; as ever, where nothing is.
    pub(super) async fn payouts_go(&self, course: Value) -> Result<(), String> {
        let body = json!({ "faults": { "payout_course": course } });
        self.at_sandbox("faults", &body).await.map(|_| ())
    }

    async fn at_sandbox(&self, path: &str, body: &Value) -> Result<Value, String> {
        let sandbox = self.sandbox.get();
        let sandbox = sandbox.ok_or("no payment page of the sandbox was seen yet")?;
        let request = self.client.post(format!("{sandbox}/sandbox/{path}"));
        let sent = request.json(body).send().await;
        let sent = sent.map_err(|error| error.to_string())?;
        answer_of(path, sent).await
    }

    /// Waits until a page is as it should be.
    pub(super) async fn until(
        &self,
        cookie: &str,
        path: &str,
        is: impl Fn(&Value) -> bool,
    ) -> Result<Value, String> {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let page = self.get(cookie, path).await?;
            if page["code"] == Value::Null && is(&page) {
                return Ok(page);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(format!("{path} does not become what it should be"))
    }

    /// Waits until a list has something like this; the first one of it.
    pub(super) async fn found(
        &self,
        cookie: &str,
        path: &str,
        like: impl Fn(&Value) -> bool,
    ) -> Result<Value, String> {
        let items = |page: &Value| page["items"].as_array().cloned().unwrap_or_default();
        let page = self.until(cookie, path, |page| items(page).iter().any(&like));
        let mut items = items(&page.await?).into_iter();
        let found = items.find(&like);
        found.ok_or_else(|| format!("{path} has nothing like it"))
    }

    fn url(&self, path: &str) -> String {
        format!("{}/api/v1{path}", self.base_url)
    }
}

async fn answer_of(path: &str, response: Response) -> Result<Value, String> {
    let status = response.status();
    let body = response.text().await.map_err(|error| error.to_string())?;
    if !status.is_success() {
        return Err(format!("{path}: {status} {body}"));
    }
    if body.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(&body).map_err(|error| error.to_string())
}

/// Why anything is decided here.
pub(super) fn why() -> Value {
    json!({ "reason": "demonstration" })
}

/// The same with what is decided.
pub(super) fn because(mut body: Value) -> Value {
    body["reason"] = json!("demonstration");
    body
}

/// A text of an answer.
pub(super) fn text(answer: &Value, field: &str) -> Result<String, String> {
    let found = answer[field].as_str().map(str::to_owned);
    found.ok_or_else(|| format!("an answer without {field}: {answer}"))
}
