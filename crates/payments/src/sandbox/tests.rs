//! Requests that no honest client makes: their signatures are tried at the provider itself.

use std::time::Duration;

use reqwest::Url;
use tokio::net::TcpListener;

use crate::http::{client, now_ms};
use crate::sandbox::{BookLocation, Merchant, Provider, ProviderConfig, Retry};
use crate::sign::{ApiSecret, Signed};
use crate::wire::MAX_SKEW_MS;

#[tokio::test]
async fn a_signature_holds_for_one_request_and_five_minutes() {
    let api_secret = ApiSecret::new("s");
    let config = ProviderConfig {
        book: BookLocation::Memory,
        merchants: vec![Merchant {
            id: "shop-1".to_owned(),
            api_secret: api_secret.clone(),
        }],
        public_url: None,
        retry: Retry::default(),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let provider = Provider::open(config).unwrap().spawn(listener).unwrap();
    let base = Url::parse(&provider.url()).unwrap();
    let http = client(&base, Duration::from_secs(60)).unwrap();

    let check = async |signed_target: &str, signed_body: &str, age_ms: i64, expected: u16| {
        let signed = Signed {
            method: "POST",
            target: signed_target,
            body: signed_body.as_bytes(),
        };
        let authorization = signed.authorization("shop-1", &api_secret, now_ms() - age_ms);
        let answer = http
            .post(base.join("/v1/transactions/query?x=1").unwrap())
            .header("authorization", authorization)
            .body("{\"txn_ids\":[]}")
            .send()
            .await
            .unwrap();
        assert_eq!(
            answer.status(),
            expected,
            "{signed_target} {signed_body} {age_ms}"
        );
    };
    let target = "/v1/transactions/query?x=1";
    let body = "{\"txn_ids\":[]}";
    //    signed target, body        age             status
    check(target, body, 0, 200).await;
    check(target, body, MAX_SKEW_MS - 60_000, 200).await;
    check(target, body, MAX_SKEW_MS + 60_000, 401).await;
    check(target, body, -MAX_SKEW_MS - 60_000, 401).await;
    check(target, "{\"txn_ids\":[1]}", 0, 401).await;
    check("/v1/transactions/query?x=2", body, 0, 401).await;
    check("/v1/refunds", body, 0, 401).await;
}
