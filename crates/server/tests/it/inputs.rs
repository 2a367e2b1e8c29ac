//! Whatever comes in, an answer goes out in the one shape of errors, and never a 5xx.

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::files::small;
use crate::site::{Caller, Got, PUBLISH, Site};

/// Every write of the API with who may call it and a body that would do.
fn writes(group: &str, campaign: &str) -> Vec<(&'static str, String, Value)> {
    let file = small(3);
    [
        (
            "anyone",
            "/sign-in/codes".to_owned(),
            json!({ "phone": "13800009999" }),
        ),
        (
            "anyone",
            "/sign-in".to_owned(),
            json!({ "phone": "13800009999", "code": "000000" }),
        ),
        ("anyone", "/sign-out".to_owned(), json!({})),
        (
            "member",
            format!("/campaigns/{campaign}/groups"),
            json!({ "via": null }),
        ),
        ("member", format!("/groups/{group}/seats"), json!({})),
        ("member", format!("/groups/{group}/leave"), json!({})),
        ("member", "/orders/0/receive".to_owned(), json!({})),
        ("operator", "/campaigns/check".to_owned(), file.clone()),
        ("operator", PUBLISH.to_owned(), file),
        (
            "operator",
            format!("/groups/{group}/cancel"),
            json!({ "reason": "sold out" }),
        ),
        (
            "operator",
            "/capital".to_owned(),
            json!({ "amount": "1.00", "reason": "from our bank" }),
        ),
        (
            "operator",
            "/orders/0/ship".to_owned(),
            json!({ "carrier": "a", "number": "b" }),
        ),
        (
            "gateway",
            "/joins".to_owned(),
            json!({ "items": [{ "group": "0", "member": "0", "txn": "t" }] }),
        ),
        (
            "gateway",
            "/gateway/members".to_owned(),
            json!({ "items": [{ "token": "0".repeat(32) }] }),
        ),
        (
            "anyone",
            "/operator/sign-in".to_owned(),
            json!({ "name": "boss", "password": "wrong horse" }),
        ),
        ("anyone", "/operator/sign-out".to_owned(), json!({})),
        (
            "anyone",
            "/draws/1/signature".to_owned(),
            json!({ "source": "local", "signature": "00" }),
        ),
    ]
    .into()
}

/// What is wrong, the key, the body, the status and the code; no code: any of the client's.
type Mistake<'a> = (&'a str, Option<&'a str>, Vec<u8>, u16, &'a str);

struct Callers {
    anyone: Caller,
    member: Caller,
    operator: Caller,
    gateway: Caller,
}

impl Callers {
    fn of(&self, who: &str) -> &Caller {
        match who {
            "member" => &self.member,
            "operator" => &self.operator,
            "gateway" => &self.gateway,
            _ => &self.anyone,
        }
    }
}

async fn ready() -> (Site, Callers, String, String) {
    let site = Site::open().await;
    let campaign = site.publish(small(3)).await;
    let member = site.member(1, None).await;
    let (group, _) = member.open_group(&campaign).await;
    let callers = Callers {
        anyone: site.anyone(),
        member,
        operator: site.operator().await,
        gateway: site.gateway().await,
    };
    (site, callers, group, campaign)
}

async fn send(
    caller: &Caller,
    path: &str,
    key: Option<&str>,
    body: impl Into<reqwest::Body>,
) -> Got {
    let mut request = caller
        .request(Method::POST, path)
        .header("content-type", "application/json")
        .body(body);
    if let Some(key) = key {
        request = request.header("idempotency-key", key);
    }
    Got::of(request.send().await.unwrap()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::too_many_lines, reason = "one story, told in order")]
async fn bad_bodies_and_keys_of_every_write() {
    let (site, callers, group, campaign) = ready().await;
    let long = "k".repeat(65);
    for (who, path, good) in writes(&group, &campaign) {
        let caller = callers.of(who);
        let file = path.starts_with("/campaigns") && !path.ends_with("/groups");
        let table: Vec<Mistake<'_>> = vec![
            (
                "no key",
                None,
                good.to_string().into_bytes(),
                400,
                "idempotency_key_missing",
            ),
            (
                "empty key",
                Some(""),
                good.to_string().into_bytes(),
                400,
                "idempotency_key_invalid",
            ),
            (
                "long key",
                Some(long.as_str()),
                b"{}".to_vec(),
                400,
                "idempotency_key_invalid",
            ),
            ("torn", Some("k1"), b"{".to_vec(), 400, "json_malformed"),
            (
                "bad utf-8",
                Some("k2"),
                b"{\"\xff\": 1}".to_vec(),
                400,
                "body_not_utf8",
            ),
            ("two values", Some("k3"), b"{}{}".to_vec(), 400, ""),
            ("an array", Some("k4"), b"[]".to_vec(), 422, ""),
            ("a number", Some("k5"), b"1e999".to_vec(), 400, ""),
            ("deep", Some("k6"), "[".repeat(60_000).into_bytes(), 400, ""),
            (
                "10 MB",
                Some("k7"),
                vec![b' '; 10_000_000],
                413,
                "body_too_large",
            ),
        ];
        for (what, key, body, status, code) in table {
            let got = send(caller, &path, key, body).await;
            assert!(
                got.status.is_client_error() || (file && got.status == 200),
                "{what} to {path}: {got:?}"
            );
            if file && code.is_empty() {
                continue;
            }
            if code.is_empty() {
                assert!(
                    got.status == status || got.status == 400 || got.status == 422,
                    "{what} to {path}: {got:?}"
                );
            } else {
                got.is_problem(status, code);
            }
        }
        let mut unknown = good.clone();
        unknown["no_such_key"] = json!(1);
        let got = send(caller, &path, Some("k8"), unknown.to_string()).await;
        match path.as_str() {
            "/campaigns/check" => assert_eq!(got.json()["problem"]["code"], "unknown_key"),
            PUBLISH => got.is_problem(422, "campaign_file_invalid"),
            _ => got.is_problem(422, "body_invalid"),
        }
        for (name, _) in good.as_object().unwrap() {
            for wrong in [
                json!(-1),
                json!(1e300),
                json!(u64::MAX),
                json!([[]]),
                json!(true),
                json!({ "a": "b" }),
            ] {
                let mut body = good.clone();
                body[name] = wrong.clone();
                let got = send(caller, &path, Some("k9"), body.to_string()).await;
                assert!(
                    got.status.is_client_error() || got.status == 200,
                    "{name}={wrong} to {path}: {got:?}"
                );
            }
        }
        let text = caller
            .request(Method::POST, &path)
            .header("idempotency-key", "k")
            .body("{}");
        Got::of(text.send().await.unwrap())
            .await
            .is_problem(415, "content_type_unsupported");
    }
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::too_many_lines, reason = "one story, told in order")]
async fn unknown_routes_methods_ids_and_queries() {
    let (site, callers, group, campaign) = ready().await;
    let anyone = &callers.anyone;
    for (path, status, code) in [
        ("/nothing", 404, "route_unknown"),
        ("/groups", 404, "route_unknown"),
        ("/groups/x", 404, "group_unknown"),
        ("/groups/-1", 404, "group_unknown"),
        ("/groups/007", 404, "group_unknown"),
        ("/groups/99999999999999999999", 404, "group_unknown"),
        ("/groups/18446744073709551615", 404, "group_unknown"),
        ("/groups/%FF%FE", 404, "group_unknown"),
        ("/groups/9/draw", 404, "group_unknown"),
        ("/groups/9/events", 404, "group_unknown"),
        ("/groups/9/draw/open", 404, "draw_file_absent"),
        ("/campaigns/4294967296", 404, "campaign_unknown"),
        ("/campaigns/9", 404, "campaign_unknown"),
        ("/campaigns/9/published", 404, "campaign_unknown"),
        ("/campaigns/9/groups", 404, "campaign_unknown"),
        ("/campaigns?limit=0", 400, "query_invalid"),
        ("/campaigns?limit=101", 400, "query_invalid"),
        ("/campaigns?limit=-1", 400, "query_invalid"),
        ("/campaigns?limit=1&limit=2", 400, "query_invalid"),
        ("/campaigns?nothing=1", 400, "query_invalid"),
        ("/campaigns?cursor=zzz", 400, "cursor_invalid"),
        ("/campaigns?cursor=-1.5", 400, "cursor_invalid"),
        ("/campaigns?at_least=9999", 503, "view_behind"),
        ("/campaigns?at_least=9999999", 400, "at_least_unknown"),
        (
            "/campaigns?at_least=18446744073709551615",
            400,
            "at_least_unknown",
        ),
        ("/campaigns/0/groups?state=sleeping", 400, "query_invalid"),
        ("/beacon/public/0", 404, "round_unknown"),
        ("/beacon/public/9223372036854775807", 404, "round_unknown"),
        ("/beacon/public/18446744073709551615", 404, "round_unknown"),
        ("/me", 401, "not_signed_in"),
        ("/books", 401, "not_signed_in"),
        ("/demo/inbox", 400, "query_invalid"),
    ] {
        anyone.get(path).await.is_problem(status, code);
    }
    for (method, path) in [
        (Method::DELETE, "/campaigns"),
        (Method::PUT, "/me"),
        (Method::POST, "/platform"),
        (Method::GET, "/joins"),
    ] {
        Got::of(anyone.request(method, path).send().await.unwrap())
            .await
            .is_problem(405, "method_not_allowed");
    }
    for path in ["/api", "/api/v2/x", "/openapi.jsn", "/assets/none.js"] {
        let got = Got::of(site.http().get(site.url(path)).send().await.unwrap()).await;
        got.is_problem(404, "route_unknown");
    }
    let post = Got::of(site.http().post(site.url("/pay/x")).send().await.unwrap()).await;
    post.is_problem(405, "method_not_allowed");
    let page = Got::of(site.http().get(site.url("/groups/1")).send().await.unwrap()).await;
    assert_eq!(
        (
            page.status.as_u16(),
            page.headers["x-content-type-options"].to_str().unwrap()
        ),
        (200, "nosniff")
    );
    assert!(
        page.headers["content-security-policy"]
            .to_str()
            .unwrap()
            .contains("default-src 'self'")
    );

    // Somebody else's payment, and a stale or invented cookie.
    let other = site.member(2, None).await;
    other
        .get(&format!("/payments/{group}-0"))
        .await
        .is_problem(404, "payment_unknown");
    other
        .get("/payments/77-0")
        .await
        .is_problem(404, "payment_unknown");
    callers
        .member
        .get(&format!("/payments/{group}-9"))
        .await
        .is_problem(404, "payment_unknown");
    for cookie in [
        "potluck_session=abc".to_owned(),
        format!("potluck_session={}", "0".repeat(64)),
        "x".to_owned(),
    ] {
        let stale = Caller {
            cookie: Some(cookie),
            ..site.anyone()
        };
        stale.get("/me").await.is_problem(401, "not_signed_in");
        stale
            .post(&format!("/campaigns/{campaign}/groups"), json!({}))
            .await
            .is_problem(401, "not_signed_in");
        assert_eq!(
            stale.get(&format!("/groups/{group}")).await.status,
            200,
            "what anybody may see, a stale cookie may too"
        );
    }
    let gone = other.clone();
    assert_eq!(other.post("/sign-out", json!({})).await.status, 204);
    gone.get("/me").await.is_problem(401, "not_signed_in");
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_repeat_answers_and_refuse_other_content() {
    let (site, callers, group, campaign) = ready().await;
    let (path, member) = (format!("/campaigns/{campaign}/groups"), &callers.member);
    let first = member.post_keyed(&path, json!({}), "same").await;
    let again = member.post_keyed(&path, json!({}), "same").await;
    assert_eq!(
        (first.status.as_u16(), first.json()["group"].clone()),
        (201, again.json()["group"].clone())
    );
    assert_eq!(first.json()["payment"]["id"], again.json()["payment"]["id"]);
    let other = site.member(2, None).await;
    member
        .post_keyed(&path, json!({ "via": other.invite_code }), "same")
        .await
        .is_problem(422, "idempotency_key_reused");
    member
        .post_keyed(&format!("/groups/{group}/leave"), json!({}), "same")
        .await
        .is_problem(422, "idempotency_key_reused");
    let theirs = other.post_keyed(&path, json!({}), "same").await;
    assert_ne!(
        theirs.json()["group"],
        first.json()["group"],
        "keys are each actor's own"
    );
    member
        .post(&path, json!({ "via": "NOBODY" }))
        .await
        .is_problem(422, "invite_unknown");
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::too_many_lines, reason = "one story, told in order")]
async fn sign_in_is_strict_and_patient() {
    let site = Site::open().await;
    let anyone = site.anyone();
    for phone in [
        "",
        "12345678901",
        "138000000011",
        "+8613800000001",
        "1380000000a",
    ] {
        anyone
            .post("/sign-in/codes", json!({ "phone": phone }))
            .await
            .is_problem(422, "phone_invalid");
    }
    let phone = "13800000001";
    assert_eq!(
        anyone
            .post("/sign-in/codes", json!({ "phone": phone }))
            .await
            .status,
        202
    );
    let soon = anyone
        .post("/sign-in/codes", json!({ "phone": phone }))
        .await;
    soon.is_problem(429, "rate_limited");
    assert_eq!(soon.headers["retry-after"], "60");
    let code = anyone
        .get(&format!("/demo/inbox?phone={phone}"))
        .await
        .json()["items"][0]["code"]
        .as_str()
        .unwrap()
        .to_owned();
    for _ in 0..5 {
        anyone
            .post("/sign-in", json!({ "phone": phone, "code": "x" }))
            .await
            .is_problem(401, "code_wrong");
    }
    anyone
        .post("/sign-in", json!({ "phone": phone, "code": code }))
        .await
        .is_problem(401, "code_wrong");
    site.advance_s(60);
    assert_eq!(site.member(1, None).await.id, "0");
    site.advance_s(60);
    assert_eq!(
        site.member(1, None).await.id,
        "0",
        "the same phone is the same member"
    );

    let origin = anyone
        .request(Method::POST, "/sign-in/codes")
        .header("origin", "https://evil.example")
        .header("idempotency-key", "k");
    Got::of(
        origin
            .json(&json!({ "phone": phone }))
            .send()
            .await
            .unwrap(),
    )
    .await
    .is_problem(403, "origin_foreign");
    anyone
        .post(
            "/operator/sign-in",
            json!({ "name": "nobody", "password": "x" }),
        )
        .await
        .is_problem(401, "password_wrong");
    site.close().await;

    let quiet = Site::open_with(|config| config.demo = server::Demo::Off).await;
    quiet
        .anyone()
        .post("/sign-in/codes", json!({ "phone": phone }))
        .await
        .is_problem(503, "no_sms_connector");
    quiet
        .anyone()
        .get(&format!("/demo/inbox?phone={phone}"))
        .await
        .is_problem(404, "demo_absent");
    quiet
        .anyone()
        .get("/demo")
        .await
        .is_problem(404, "demo_absent");
    quiet.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_answer_with_429() {
    let site = Site::open_with(|config| {
        config.limits.member = server::Rate {
            burst: 2,
            per_second: 1,
        };
        config.limits.signature = server::Rate {
            burst: 1,
            per_second: 1,
        };
    })
    .await;
    let member = site.member(1, None).await;
    let mut codes = Vec::new();
    for _ in 0..3 {
        let got = member.post("/groups/9/seats", json!({})).await;
        codes.push(got.json()["code"].as_str().unwrap().to_owned());
    }
    assert_eq!(codes, ["group_unknown", "group_unknown", "rate_limited"]);
    let body = json!({ "source": "local", "signature": "ab".repeat(48) });
    site.anyone()
        .post("/draws/1/signature", body.clone())
        .await
        .is_problem(409, "round_not_awaited");
    site.anyone()
        .post("/draws/1/signature", body)
        .await
        .is_problem(429, "rate_limited");
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_gate_says_what_the_profile_reserves() {
    let site = Site::open().await;
    let operator = site.operator().await;
    let good = operator.post("/campaigns/check", crate::files::example("e2"));
    let good = good.await.json();
    let reserves = |answer: &Value| {
        let lines = &answer["solvency"];
        ["return_reserve", "coin_reserve", "left_when_covered"].map(|line| lines[line].clone())
    };
    assert_eq!(reserves(&good), ["0%", "0%", "147.60"].map(Value::from));
    // Under the cautious profile the prizes come back, and the coins of the eighteen others are carried in full.
    let mut cautious = crate::files::example("bonus-draw");
    cautious["profile"] = json!("cn-default");
    let cautious = operator.post("/campaigns/check", cautious).await.json();
    assert_eq!(reserves(&cautious)[..2], ["100%", "100%"].map(Value::from));
    let left = crate::site::fen(&reserves(&cautious)[2]);
    let worst = crate::site::fen(&cautious["solvency"]["platform_worst"]);
    assert!(left < worst, "{cautious}");
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_gate_explains_itself() {
    let (site, callers, ..) = ready().await;
    let operator = &callers.operator;
    let good = operator
        .post("/campaigns/check", crate::files::example("e2"))
        .await
        .json();
    assert_eq!(
        (&good["ok"], &good["solvency"]["platform_worst"]),
        (&json!(true), &json!("147.60")),
        "{good}"
    );
    let bad = operator
        .post("/campaigns/check", crate::files::example("e2-fee"))
        .await
        .json();
    assert_eq!(
        (&bad["ok"], &bad["problem"]["code"]),
        (&json!(false), &json!("campaign_not_solvent")),
        "{bad}"
    );
    assert_eq!(bad["solvency"]["platform_worst"], "-452.40");
    assert!(bad["shortfall"]["term"].is_string(), "{bad}");
    let refused = operator
        .post(PUBLISH, crate::files::example("e2-fee"))
        .await;
    refused.is_problem(422, "campaign_not_solvent");
    assert_eq!(refused.json()["shortfall"], bad["shortfall"]);
    let mut typo = small(3);
    typo["group"]["seatz"] = json!(3);
    let typo = operator.post("/campaigns/check", typo).await.json();
    assert_eq!(
        (&typo["problem"]["code"], &typo["problem"]["field"]),
        (&json!("unknown_key"), &json!("group.seatz")),
        "{typo}"
    );
    let mut rate = small(7);
    rate["group"].as_object_mut().unwrap().remove("winners");
    rate["group"]["win_rate"] = json!("3%");
    let checked = operator.post("/campaigns/check", rate.clone()).await.json();
    let got = operator.post(PUBLISH, rate).await;
    got.is_problem(422, "win_rate_not_whole");
    assert_eq!(
        (&checked["problem"]["code"], &checked["problem"]["field"]),
        (&json!("win_rate_not_whole"), &json!("group.win_rate"))
    );
    let nearest = json!([{ "seats": 7, "winners": 1 }, { "seats": 100, "winners": 3 }]);
    assert_eq!(checked["problem"]["nearest"], nearest, "{checked}");
    assert_eq!(got.json()["nearest"], nearest);
    operator
        .post("/capital", json!({ "amount": "0.00", "reason": "a try" }))
        .await
        .is_problem(422, "amount_not_positive");
    operator
        .post(
            "/capital",
            json!({ "amount": "92233720368547758.07", "reason": "a try" }),
        )
        .await;
    operator
        .post(
            "/capital",
            json!({ "amount": "92233720368547758.07", "reason": "a try" }),
        )
        .await
        .is_problem(422, "amount_too_large");
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_campaign_that_says_a_thing_twice_is_refused() {
    let site = Site::open().await;
    let operator = site.operator().await;
    let twice = small(3).to_string().replacen(
        "\"price\":\"10.00\"",
        "\"price\":\"1.00\",\"price\":\"10.00\"",
        1,
    );
    assert!(twice.contains("\"1.00\",\"price\""), "{twice}");
    let send = async |path: &str| {
        let request = operator
            .request(Method::POST, path)
            .header(
                "idempotency-key",
                format!("twice {}", path.len()).replace(' ', "-"),
            )
            .header("content-type", "application/json")
            .body(twice.clone());
        Got::of(request.send().await.unwrap()).await
    };
    let published = send(PUBLISH).await;
    published.is_problem(422, "campaign_file_invalid");
    let checked = send("/campaigns/check").await.json();
    assert_eq!(checked["ok"], false, "{checked}");
    assert_eq!(
        checked["problem"]["code"],
        published.json()["reason"],
        "{checked}"
    );
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_before_the_body_was_read_breaks_no_connection() {
    let site = Site::open().await;
    let body = json!({ "padding": "x".repeat(60_000) });
    for _ in 0..100 {
        let got = site.anyone().post("/groups/0/seats", body.clone()).await;
        assert_eq!(got.status, 401, "{got:?}");
    }
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_announces_a_body_and_does_not_send_it_is_told_that_the_connection_closes() {
    let site = Site::open().await;
    for expect in ["", "expect: 100-continue\r\n"] {
        let address = site.base.trim_start_matches("http://");
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST /api/v1/groups/0/seats HTTP/1.1\r\nhost: {address}\r\ncontent-length: 60000\r\n{expect}\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
        assert!(answer.contains("connection: close"), "{answer}");
    }
    site.close().await;
}
