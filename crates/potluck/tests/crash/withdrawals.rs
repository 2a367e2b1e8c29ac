//! Deaths around withdrawals: a request, its rejection, its approval and what the channel says of it are each taken once, with the
//! record on its way into the journal and out of it.

use std::collections::BTreeMap;

use domain::Event;
use serde_json::{Value, json};

use super::caller::{Caller, text};
use super::payouts::{Asking, enter, rich};
use super::platform::{Order, Platform};
use super::random::Random;
use super::site::Site;

/// With whose record on its way where the platform dies: each with a member of its own.
const POINTS: [&str; 3] = ["engine.appending", "engine.appended", "views.projecting"];
/// Groups of two who have got something each.
const GROUPS: usize = 2;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_step_of_a_withdrawal_is_taken_once_wherever_the_platform_dies() {
    super::tell(story).await;
}

async fn story(random: &mut Random) {
    let site = Site::new(random).await;
    let mut platform = site.start(600, None);
    platform.ready(&site.http, &site.base).await;
    let (load, campaigns, operator) = site.open_shop().await;
    let mut asking = Vec::new();
    for group in 0..GROUPS {
        asking.extend(rich(&site, &load, &campaigns.small, group).await);
    }
    for (point, asking) in POINTS.into_iter().zip(&asking) {
        enter(&site, asking, &operator).await;
        let mut steps = Steps {
            operator: Caller {
                site: &site,
                cookie: &operator,
            },
            member: Caller {
                site: &site,
                cookie: &asking.cookie,
            },
            point,
            platform: Some(platform),
        };
        steps.rejected(asking).await;
        steps.failed(asking).await;
        steps.confirmed(asking).await;
        platform = steps.platform.take().unwrap();
    }
    let books = site.channel.books().await.unwrap();
    let paid = 100 * i64::try_from(POINTS.len()).unwrap();
    assert_eq!((books.paid_out_fen, books.payouts_pending_fen), (paid, 0));
    taken_once(&site);
    site.balance(&operator).await;
    platform.stop().await;
    site.audit();
}

/// One member's withdrawals, one after the other.
struct Steps<'a> {
    operator: Caller<'a>,
    member: Caller<'a>,
    point: &'static str,
    platform: Option<Platform>,
}

impl Steps<'_> {
    /// Dies with the request, and with the rejection.
    async fn rejected(&mut self, asking: &Asking) {
        let key = format!("first-{}", asking.id);
        let wanted = json!({ "amount": "1.00" });
        let asked = self.member.ask("/me/withdrawals", &wanted, &key);
        self.dies(1, asked).await;
        // The identity is the same, so it is the same withdrawal.
        let id = self.asked(&key).await;
        assert_eq!(self.asked(&key).await, id);
        let path = format!("/console/withdrawals/{id}/reject");
        let why = json!({ "reason": "a doubt" });
        let key = format!("reject-{id}");
        let rejected = self.operator.ask(&path, &why, &key);
        self.dies(1, rejected).await;
        self.decided(&path, &key).await;
        self.is("rejected").await;
    }

    /// Dies with the approval, and with the channel's word that it has failed.
    async fn failed(&mut self, asking: &Asking) {
        self.course(&json!({ "fails": true })).await;
        for (pass, key) in [(1, "second"), (2, "third")] {
            let id = self.asked(&format!("{key}-{}", asking.id)).await;
            self.approved(pass, &id).await;
            self.is("failed").await;
        }
    }

    /// Dies with the channel's word that it waits for the member, and with the word that he has confirmed.
    async fn confirmed(&mut self, asking: &Asking) {
        self.course(&json!({ "confirm_within_ms": 600_000 })).await;
        let id = self.asked(&format!("fourth-{}", asking.id)).await;
        self.approved(2, &id).await;
        self.is("waiting").await;
        let path = format!("/me/withdrawals/{id}/confirmation");
        let url = text(&self.member.get(&path).await, "url");
        let http = &self.member.site.http;
        let confirming = async {
            assert_eq!(http.post(url).send().await.unwrap().status(), 200);
            None
        };
        self.dies(1, confirming).await;
        self.is("paid").await;
    }

    async fn asked(&self, key: &str) -> String {
        let wanted = json!({ "amount": "1.00" });
        let answer = self.member.ask("/me/withdrawals", &wanted, key).await;
        let (status, said) = answer.unwrap();
        assert_eq!(status, 200, "{said}");
        text(&said, "id")
    }

    async fn approved(&mut self, pass: u64, id: &str) {
        let path = format!("/console/withdrawals/{id}/approve");
        let why = json!({ "reason": "looked at" });
        let key = format!("approve-{id}");
        let approving = self.operator.ask(&path, &why, &key);
        self.dies(pass, approving).await;
        self.decided(&path, &key).await;
    }

    /// Whatever was not answered is asked again: it is done, or was done.
    async fn decided(&self, path: &str, key: &str) {
        let why = json!({ "reason": "looked at" });
        let (status, said) = self.operator.ask(path, &why, key).await.unwrap();
        assert!(matches!(status, 200 | 404 | 409 | 422), "{status} {said}");
    }

    /// The newest withdrawal is like this.
    async fn is(&self, state: &str) {
        let newest = |page: &Value| page["items"][0]["state"] == state;
        self.member.until("/me/withdrawals", newest).await;
    }

    /// What becomes of payouts from now on.
    async fn course(&self, course: &Value) {
        let site = self.member.site;
        let body = json!({ "order_no": null, "faults": { "payout_course": course } });
        let url = format!("{}/sandbox/faults", site.provider_url());
        let got = site.http.post(url).json(&body).send().await.unwrap();
        assert_eq!(got.status(), 200);
    }

    /// Has the platform die at this pass while something is asked; goes on with one that lives.
    async fn dies(&mut self, pass: u64, asking: impl Future<Output = Option<(u16, Value)>>) {
        let site = self.member.site;
        self.platform.take().unwrap().stop().await;
        let order = Order {
            point: self.point,
            pass,
            when: Some(site.armed()),
        };
        let mut platform = site.start(600, Some(order.clone()));
        platform.ready(&site.http, &site.base).await;
        std::fs::write(site.armed(), "").unwrap();
        // It may die before it can answer.
        let _ = asking.await;
        platform.died_at(&order).await;
        let mut platform = site.start(600, None);
        platform.ready(&site.http, &site.base).await;
        self.platform = Some(platform);
    }
}

/// Of each withdrawal the journal has each step once, and one end.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test looks for a few kinds of event among all"
)]
fn taken_once(site: &Site) {
    let mut steps: BTreeMap<(u64, &str), u32> = BTreeMap::new();
    for (_, _, event) in site.events() {
        let (withdrawal, step) = match event {
            Event::WithdrawalRequested { withdrawal, .. } => (withdrawal, "requested"),
            Event::WithdrawalApproved { withdrawal } => (withdrawal, "approved"),
            Event::WithdrawalWaiting { withdrawal } => (withdrawal, "waiting"),
            Event::WithdrawalRejected { withdrawal, .. }
            | Event::WithdrawalPaid { withdrawal, .. }
            | Event::WithdrawalFailed { withdrawal, .. } => (withdrawal, "ended"),
            _ => continue,
        };
        *steps.entry((withdrawal.0, step)).or_default() += 1;
    }
    let twice: Vec<_> = steps.iter().filter(|(_, times)| **times != 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
    // Each of three has asked four times: rejected at once, failed twice, and paid.
    let count = |wanted: &str| steps.keys().filter(|(_, step)| *step == wanted).count();
    let found = ["requested", "approved", "waiting", "ended"].map(count);
    assert_eq!(found, [4, 3, 1, 4].map(|each| each * POINTS.len()));
}
