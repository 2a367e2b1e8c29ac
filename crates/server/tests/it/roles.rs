//! Who may do what: a cookie never counts for a gateway, a key never for a member, a member never for an operator.

use reqwest::Method;
use serde_json::json;

use crate::files::small;
use crate::site::{Caller, Site};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::too_many_lines, reason = "one story, told in order")]
async fn roles_do_not_mix() {
    let site = Site::open().await;
    let campaign = site.publish(small(3)).await;
    let (member, operator, gateway) = (
        site.member(1, None).await,
        site.operator().await,
        site.gateway().await,
    );
    let of_members = [
        (Method::GET, "/me".to_owned()),
        (Method::GET, "/me/groups".to_owned()),
        (Method::GET, "/me/orders".to_owned()),
        (Method::GET, "/me/refunds".to_owned()),
        (Method::GET, "/me/wallet/lines?account=coins".to_owned()),
        (Method::GET, "/payments/0-0".to_owned()),
        (Method::POST, format!("/campaigns/{campaign}/groups")),
        (Method::POST, "/groups/0/seats".to_owned()),
        (Method::POST, "/groups/0/leave".to_owned()),
        (Method::POST, "/orders/0/receive".to_owned()),
        (Method::POST, "/me/region".to_owned()),
        (Method::GET, "/me/delivery".to_owned()),
        (Method::POST, "/me/delivery".to_owned()),
        (Method::POST, "/me/delivery/remove".to_owned()),
        (Method::GET, "/dividends".to_owned()),
        (Method::GET, "/me/dividends".to_owned()),
        (Method::GET, "/me/withdrawals".to_owned()),
        (Method::POST, "/me/withdrawals".to_owned()),
        (Method::GET, "/me/withdrawals/0/confirmation".to_owned()),
        (Method::GET, "/me/payout-account".to_owned()),
        (Method::POST, "/me/payout-account".to_owned()),
        (Method::GET, "/me/limits".to_owned()),
        (Method::POST, "/me/limits".to_owned()),
        (Method::GET, "/me/notices".to_owned()),
        (Method::POST, "/me/notices/read".to_owned()),
        (Method::GET, "/me/notices/connectors".to_owned()),
        (Method::POST, "/me/notices/connectors".to_owned()),
        (Method::POST, "/me/self-exclusion".to_owned()),
        (Method::POST, "/skus/0/buy".to_owned()),
        (Method::GET, "/purchases/0".to_owned()),
        (Method::GET, "/me/purchases".to_owned()),
        (Method::POST, "/purchases/0/cancel".to_owned()),
        (Method::POST, "/purchases/0/receive".to_owned()),
        (Method::POST, "/purchases/0/return".to_owned()),
        (Method::POST, "/purchases/0/delivery".to_owned()),
        (Method::POST, "/orders/0/delivery".to_owned()),
        (Method::GET, "/purchases/0/code".to_owned()),
        (Method::GET, "/orders/0/code".to_owned()),
        (Method::GET, "/me/recharges".to_owned()),
        (Method::POST, "/recharges/0/refund".to_owned()),
    ];
    let of_operators = [
        (Method::GET, "/operator/me".to_owned()),
        (Method::GET, "/books".to_owned()),
        (Method::GET, "/ledger".to_owned()),
        (Method::GET, "/console/groups".to_owned()),
        (Method::GET, "/console/orders".to_owned()),
        (Method::GET, "/console/members".to_owned()),
        (Method::POST, "/capital".to_owned()),
        (Method::POST, "/campaigns".to_owned()),
        (Method::POST, "/campaigns/check".to_owned()),
        (Method::POST, "/groups/0/cancel".to_owned()),
        (Method::POST, "/orders/0/ship".to_owned()),
        (Method::GET, "/console/agents".to_owned()),
        (Method::GET, "/console/plans".to_owned()),
        (Method::GET, "/console/dividends".to_owned()),
        (Method::GET, "/console/dividends/7/payments".to_owned()),
        (Method::GET, "/console/decisions".to_owned()),
        (Method::GET, "/console/operators".to_owned()),
        (Method::POST, "/console/operators/boss/remove".to_owned()),
        (Method::GET, "/console/refusals".to_owned()),
        (Method::POST, "/console/members/0/freeze".to_owned()),
        (Method::POST, "/console/members/0/unfreeze".to_owned()),
        (Method::POST, "/console/members/0/rank".to_owned()),
        (Method::POST, "/console/agents".to_owned()),
        (Method::POST, "/console/agents/330106/dismiss".to_owned()),
        (Method::POST, "/console/plans".to_owned()),
        (Method::GET, "/console/withdrawals".to_owned()),
        (
            Method::GET,
            "/withdrawals.csv?from=2026-01-01&to=2026-02-01".to_owned(),
        ),
        (
            Method::GET,
            "/tax.csv?from=2026-01-01&to=2026-02-01".to_owned(),
        ),
        (Method::GET, "/console/coins".to_owned()),
        (Method::GET, "/coins.csv".to_owned()),
        (Method::POST, "/console/tax".to_owned()),
        (Method::POST, "/console/suppliers".to_owned()),
        (Method::POST, "/console/merchants/0/paid".to_owned()),
        (Method::GET, "/console/payments".to_owned()),
        (Method::GET, "/console/tables".to_owned()),
        (Method::GET, "/console/members/0/payout-account".to_owned()),
        (
            Method::POST,
            "/console/members/0/payout-account/verify".to_owned(),
        ),
        (Method::POST, "/console/withdrawals/0/approve".to_owned()),
        (Method::POST, "/console/withdrawals/0/reject".to_owned()),
        (Method::POST, "/console/members/0/clawback".to_owned()),
        (Method::POST, "/console/categories".to_owned()),
        (Method::POST, "/console/pictures".to_owned()),
        (Method::POST, "/console/products".to_owned()),
        (Method::POST, "/console/products/1".to_owned()),
        (Method::POST, "/console/products/1/skus".to_owned()),
        (Method::GET, "/console/skus".to_owned()),
        (Method::POST, "/console/skus/0".to_owned()),
        (Method::POST, "/console/skus/0/close".to_owned()),
        (Method::POST, "/console/skus/0/reopen".to_owned()),
        (Method::POST, "/console/skus/0/stock".to_owned()),
        (Method::POST, "/console/skus/0/returns".to_owned()),
        (Method::GET, "/console/returned-units".to_owned()),
        (Method::GET, "/console/purchases".to_owned()),
        (Method::POST, "/console/purchases/0/ship".to_owned()),
        (Method::POST, "/console/purchases/0/take-back".to_owned()),
        (Method::POST, "/console/purchases/0/give-up".to_owned()),
        (Method::POST, "/orders/0/give-up".to_owned()),
        (
            Method::POST,
            "/console/counter-payments/0/refund".to_owned(),
        ),
        (Method::GET, "/console/purchases/0/delivery".to_owned()),
        (Method::GET, "/console/orders/0/delivery".to_owned()),
    ];
    let of_gateways = [
        (Method::POST, "/joins".to_owned()),
        (Method::POST, "/gateway/members".to_owned()),
    ];
    // An operator's cookie under a member's name and the other way round are no sessions either.
    let swapped = |caller: &Caller, from: &str, to: &str| Caller {
        cookie: caller
            .cookie
            .as_ref()
            .map(|cookie| cookie.replace(from, to)),
        ..caller.clone()
    };
    let as_member = swapped(&operator, "potluck_operator", "potluck_session");
    let as_operator = swapped(&member, "potluck_session", "potluck_operator");
    let nobody = Caller {
        bearer: Some("pk_0".to_owned()),
        ..site.anyone()
    };
    refused(
        &of_members,
        &[&site.anyone(), &operator, &gateway, &as_member],
        "not_signed_in",
    )
    .await;
    refused(
        &of_operators,
        &[&site.anyone(), &member, &gateway, &as_operator],
        "not_signed_in",
    )
    .await;
    refused(
        &of_gateways,
        &[&site.anyone(), &member, &operator, &nobody],
        "api_key_unknown",
    )
    .await;
    for path in [
        "/books",
        "/ledger?account=channel",
        "/console/groups?state=open",
        "/console/orders",
        "/console/members",
        "/operator/me",
    ] {
        assert_eq!(operator.get(path).await.status, 200, "{path}");
    }
    operator
        .get("/ledger?holder=1")
        .await
        .is_problem(400, "query_invalid");
    let members = operator.get("/console/members").await.json();
    assert_eq!(members["items"][0]["phone_masked"], "138****0001");
    let origin = member
        .request(Method::POST, "/groups/0/leave")
        .header("origin", "https://evil.example");
    let got = crate::site::Got::of(
        origin
            .header("idempotency-key", "k")
            .json(&json!({}))
            .send()
            .await
            .unwrap(),
    )
    .await;
    got.is_problem(403, "origin_foreign");
    assert_eq!(
        operator.post("/operator/sign-out", json!({})).await.status,
        204
    );
    operator
        .get("/operator/me")
        .await
        .is_problem(401, "not_signed_in");
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_password_ends_an_operators_sessions() {
    const NEW: &str = "another battery";
    let site = Site::open().await;
    let (dir, now) = (&site.config.data_dir, engine::Clock::now(&site.clock));
    server::operator_add(dir, "deputy", "battery of the deputy", now)
        .await
        .unwrap();
    let boss = site.operator().await;
    let deputy = site
        .sign_in_operator("deputy", "battery of the deputy")
        .await
        .unwrap();
    server::operator_password(dir, "boss", NEW, now)
        .await
        .unwrap();
    boss.get("/operator/me")
        .await
        .is_problem(401, "not_signed_in");
    assert_eq!(
        deputy.get("/operator/me").await.status,
        200,
        "another's session"
    );
    let old = site.sign_in_operator("boss", "correct horse battery").await;
    assert!(old.is_none(), "the old password is void");
    let boss = site.sign_in_operator("boss", NEW).await.unwrap();
    assert_eq!(boss.get("/operator/me").await.json()["name"], "boss");

    let refused = server::operator_password(dir, "nobody", NEW, now).await;
    assert!(
        matches!(refused, Err(server::StaffError::Unknown(_))),
        "{refused:?}"
    );
    let refused = server::operator_password(dir, "boss", "short", now).await;
    assert!(
        matches!(refused, Err(server::StaffError::Password)),
        "{refused:?}"
    );
    let elsewhere = dir.join("mistyped");
    let refused = server::operator_password(&elsewhere, "boss", NEW, now).await;
    assert!(refused.is_err() && !elsewhere.exists());
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_of_strangers_are_counted_and_those_of_members_are_noted() {
    let site = Site::open().await;
    for _ in 0..20 {
        let notice = site.anyone().post("/channels/notify", json!({})).await;
        notice.is_problem(401, "signature_invalid");
    }
    let sign_in = site.sign_in_operator("boss", "wrong horse battery").await;
    assert!(sign_in.is_none());
    let campaign = site.publish(small(3)).await;
    let member = site.member(1, None).await;
    let (group, _) = site.member(2, None).await.open_group(&campaign).await;
    let path = format!("/groups/{group}/seats");
    // The leader has not paid yet.
    let joined = member.post(&path, json!({})).await;
    assert_eq!(joined.status, 409, "{joined:?}");

    let directory = site.directory().await;
    let noted = site
        .until("the refusal is noted", async || {
            let noted = directory
                .refusals(
                    &views::RefusalFilter::default(),
                    views::Page::new(None, 100),
                )
                .await;
            Some(noted.unwrap().items).filter(|items| !items.is_empty())
        })
        .await;
    let who = domain::Actor::Member(domain::MemberId(member.id.parse().unwrap()));
    assert!(noted.iter().all(|note| note.who == Some(who)), "{noted:?}");
    directory.close().await;
    let metrics = site.http().get(site.url("/metrics")).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    assert!(
        metrics.contains("refusals_of_strangers_total{code=\"signature_invalid\"}"),
        "{metrics}"
    );
    site.close().await;
}

async fn refused(routes: &[(Method, String)], callers: &[&Caller], code: &str) {
    for (method, path) in routes {
        for caller in callers {
            let got = match *method {
                Method::GET => caller.get(path).await,
                _ => caller.post(path, json!({})).await,
            };
            got.is_problem(401, code);
        }
    }
}
