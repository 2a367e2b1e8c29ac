//! Subscriptions, metrics, health, and the web client's place.

use serde_json::{Value, json};

use crate::files::small;
use crate::site::Site;

/// Reads server-sent events until one says what is waited for.
async fn until_event(
    response: &mut reqwest::Response,
    buffer: &mut String,
    wanted: impl Fn(&Value) -> bool,
) -> Value {
    loop {
        while let Some(end) = buffer.find("\n\n") {
            let event: String = buffer.drain(..end + 2).collect();
            let data = event.lines().find_map(|line| line.strip_prefix("data: "));
            if let Some(data) = data {
                assert!(event.contains("event: group"), "{event}");
                let news: Value = serde_json::from_str(data).unwrap();
                if wanted(&news) {
                    return news;
                }
            }
        }
        let chunk =
            tokio::time::timeout(std::time::Duration::from_secs(20), response.chunk()).await;
        let chunk = chunk
            .expect("an event in time")
            .unwrap()
            .expect("the stream goes on");
        buffer.push_str(std::str::from_utf8(&chunk).unwrap());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_can_be_watched_from_its_first_seat_to_its_draw() {
    let site = Site::open_with(|config| config.limits.subscriptions = 1).await;
    let campaign = site.publish(small(2)).await;
    let (leader, other) = (site.member(1, None).await, site.member(2, None).await);
    let (group, payment) = leader.open_group(&campaign).await;
    let mut stream = site
        .anyone()
        .request(reqwest::Method::GET, &format!("/groups/{group}/events"))
        .send()
        .await
        .unwrap();
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let mut buffer = String::new();
    let first = until_event(&mut stream, &mut buffer, |_| true).await;
    assert_eq!(
        (&first["state"], &first["paid"], &first["reserved"]),
        (&json!("open"), &json!(0), &json!(1)),
        "at once"
    );
    let full = site.anyone().get(&format!("/groups/{group}/events")).await;
    full.is_problem(503, "busy");
    site.pay(&payment).await;
    until_event(&mut stream, &mut buffer, |news| news["paid"] == 1).await;
    let payment = other.join(&group).await;
    until_event(&mut stream, &mut buffer, |news| news["reserved"] == 1).await;
    site.pay(&payment).await;
    let news = until_event(&mut stream, &mut buffer, |news| news["state"] == "full").await;
    assert_eq!(news["paid"], 2);
    site.advance_s(10);
    until_event(&mut stream, &mut buffer, |news| news["state"] == "settled").await;
    drop(stream);
    let path = format!("/groups/{group}/events");
    site.until("the slot is free again", async || {
        let again = site
            .anyone()
            .request(reqwest::Method::GET, &path)
            .send()
            .await
            .unwrap();
        (again.status() == 200).then_some(())
    })
    .await;
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_metrics_and_pages() {
    let site = Site::open().await;
    let get = async |path: &str| site.http().get(site.url(path)).send().await.unwrap();
    assert_eq!(get("/healthz").await.status(), 200);
    assert_eq!(get("/readyz").await.status(), 200);
    site.anyone().get("/campaigns").await;
    for (number, path) in ["/healthz", "/api/v1/campaigns", "/api/v1/invented"]
        .iter()
        .enumerate()
    {
        let method = format!("INVENTED{number}").parse().unwrap();
        let url = site.url(path);
        let answer = site.http().request(method, url).send().await.unwrap();
        assert!(answer.status().is_client_error(), "{answer:?}");
    }
    get("/api/v1/nowhere").await;
    let metrics = get("/metrics").await.text().await.unwrap();
    assert!(!metrics.contains("INVENTED"), "{metrics}");
    assert!(metrics.contains("method=\"other\""), "{metrics}");
    assert!(!metrics.contains("nowhere"), "{metrics}");
    for name in [
        "engine_committed_seq",
        "view_lag_records",
        "own_money_fen",
        "http_requests_total",
        "http_request_seconds_bucket",
        "refunds_pending",
    ] {
        assert!(metrics.contains(name), "{name} is not in\n{metrics}");
    }
    assert!(metrics.contains("route=\"/api/v1/campaigns\""));
    let api = get("/openapi.json").await.text().await.unwrap();
    assert_eq!(api, server::openapi_json());
    let zipped = site
        .http()
        .get(site.url("/openapi.json"))
        .header("accept-encoding", "gzip")
        .send()
        .await
        .unwrap();
    assert_eq!(zipped.headers()["content-encoding"], "gzip");
    let page = get("/some/page").await;
    assert!(
        page.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/html")
    );
    let platform = site.anyone().get("/platform").await.json();
    assert_eq!(
        (&platform["demo"], &platform["source"]),
        (&json!(true), &json!("local"))
    );
    let demo = site.anyone().get("/demo").await.json();
    assert!(demo["banner"]["zh"].as_str().unwrap().contains("演示"));
    site.close().await;
}
