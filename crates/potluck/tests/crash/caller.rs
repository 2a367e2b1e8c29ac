//! Somebody who calls the platform, and knows that it may die of it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::platform::{PATIENCE, potluck};
use super::site::{PASSWORD, Site};

/// Keys of requests that are asked once.
static KEYS: AtomicU64 = AtomicU64::new(0);

/// Somebody with a cookie.
#[derive(Clone, Copy)]
pub(crate) struct Caller<'a> {
    pub(crate) site: &'a Site,
    pub(crate) cookie: &'a str,
}

impl Caller<'_> {
    pub(crate) async fn get(self, path: &str) -> Value {
        let url = format!("{}/api/v1{path}", self.site.base);
        let request = self.site.http.get(url).header("cookie", self.cookie);
        request.send().await.unwrap().json().await.unwrap()
    }

    /// Asks under this key; none if the platform did not answer, or not what it has done.
    pub(crate) async fn ask(self, path: &str, body: &Value, key: &str) -> Option<(u16, Value)> {
        let url = format!("{}/api/v1{path}", self.site.base);
        let request = self.site.http.post(url).header("cookie", self.cookie);
        let sent = request.header("idempotency-key", key).json(body).send();
        let answer = sent.await.ok()?;
        let status = answer.status().as_u16();
        let body = answer.json().await.ok()?;
        (status != 503).then_some((status, body))
    }

    /// Asks a platform that lives for what it must do.
    pub(crate) async fn must(self, path: &str, body: &Value) -> Value {
        let key = format!("once-{}", KEYS.fetch_add(1, Ordering::Relaxed));
        let answer = self.ask(path, body, &key).await;
        let (status, said) = answer.unwrap_or_else(|| panic!("{path}: no answer"));
        assert!((200..300).contains(&status), "{path}: {status} {said}");
        said
    }

    /// Waits until a page is as it should be; answers with it.
    pub(crate) async fn until(self, path: &str, is: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let page = self.get(path).await;
            if is(&page) {
                return page;
            }
            assert!(began.elapsed() < PATIENCE, "{path} stays {page}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// A text of an answer.
#[track_caller]
pub(crate) fn text(answer: &Value, field: &str) -> String {
    let text = answer[field].as_str();
    text.unwrap_or_else(|| panic!("{field} of {answer}"))
        .to_owned()
}

/// One more operator beside the first; answers with his cookie.
pub(crate) async fn second_operator(site: &Site) -> String {
    let add = ["operator", "add", "anne", "--password-stdin"];
    let (good, said) = potluck(&add, &site.data, PASSWORD);
    assert!(good, "{said}");
    site.sign_in_as("anne").await
}

/// Has a member admitted as a merchant whose stores take the cash, with somebody who acts for him; answers with his number
/// and that one's cookie.
pub(crate) async fn merchant(
    site: &Site,
    operator: Caller<'_>,
    member: &str,
    name: &str,
) -> (String, String) {
    let member = Caller {
        site,
        cookie: member,
    };
    let applied = json!({ "name": name, "contact": "13900000000" });
    let applied = member.must("/me/merchant-application", &applied).await;
    let contract = json!({ "commission": "10%", "settlement": "20%", "cash": "store" });
    let body = json!({ "contract": contract, "reason": "papers seen" });
    let admit = format!(
        "/console/merchant-applications/{}/admit",
        text(&applied, "id")
    );
    let id = text(&operator.must(&admit, &body).await, "merchant");
    let staff = json!({ "name": name, "password": PASSWORD });
    let path = format!("/console/merchants/{id}/staff");
    operator.must(&path, &staff).await;
    (id, site.sign_in_as(name).await)
}
