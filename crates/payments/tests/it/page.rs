//! The payment page, without a browser.

use payments::{Order, OrderStatus};
use reqwest::Response;
use reqwest::header::{ACCEPT_LANGUAGE, CONTENT_SECURITY_POLICY, LOCATION};

use crate::setup::{Scene, order};

async fn get(scene: &Scene, url: &str, language: &str) -> Response {
    scene
        .http
        .get(url)
        .header(ACCEPT_LANGUAGE, language)
        .send()
        .await
        .unwrap()
}

#[tokio::test]
async fn the_page_shows_what_is_paid_in_both_languages_and_that_it_is_a_sandbox() {
    let scene = Scene::new().await;
    let page = scene.channel.create_order(&order("4711-3")).await.unwrap();
    let zh = get(&scene, &page.url, "zh-CN").await;
    let policy = zh.headers()[CONTENT_SECURITY_POLICY]
        .to_str()
        .unwrap()
        .to_owned();
    let zh = zh.text().await.unwrap();
    for text in ["沙盒", "99.00", "一箱苹果", "4711-3", "确认支付", "取消"] {
        assert!(zh.contains(text), "{text}");
    }
    let en = get(&scene, &format!("{}?lang=en", page.url), "zh-CN")
        .await
        .text()
        .await
        .unwrap();
    for text in ["Sandbox", "99.00", "一箱苹果", "Pay now", "Cancel"] {
        assert!(en.contains(text), "{text}");
    }
    // No resources, no scripts; the form may lead back to the shop.
    for text in [
        "default-src 'none'",
        "form-action 'self' https://shop.example;",
    ] {
        assert!(policy.contains(text), "{policy}");
    }
    assert!(!zh.contains("<script") && !zh.contains(" style="));
}

#[tokio::test]
async fn the_button_pays_once_and_leads_back_to_the_shop() {
    let mut scene = Scene::new().await;
    let page = scene.channel.create_order(&order("4711-3")).await.unwrap();
    for _ in 0..2 {
        let answer = scene.http.post(&page.url).send().await.unwrap();
        assert_eq!(answer.status(), 303);
        assert_eq!(
            answer.headers()[LOCATION],
            "https://shop.example/paid/4711-3"
        );
    }
    assert_eq!(scene.hear().await.order_no, "4711-3");
    assert_eq!(
        scene
            .channel
            .query("4711-3")
            .await
            .unwrap()
            .transactions
            .len(),
        1
    );
    let shown = get(&scene, &page.url, "zh").await.text().await.unwrap();
    assert!(
        shown.contains("支付成功") && !shown.contains("<form"),
        "{shown}"
    );
}

#[tokio::test]
async fn a_page_that_cannot_be_paid_says_why() {
    let scene = Scene::new().await;
    let closed = scene.channel.create_order(&order("1")).await.unwrap();
    scene.channel.close_order("1").await.unwrap();
    let answer = scene.http.post(&closed.url).send().await.unwrap();
    assert_eq!(answer.status(), 303);
    assert!(
        answer.headers()[LOCATION]
            .to_str()
            .unwrap()
            .starts_with("/pay/")
    );
    let shown = get(&scene, &closed.url, "en").await.text().await.unwrap();
    assert!(shown.contains("This order was closed") && !shown.contains("<form"));
    assert_eq!(scene.status("1").await, OrderStatus::Closed);

    let expired = Order {
        expires_at_ms: 1,
        ..order("2")
    };
    let expired = scene.channel.create_order(&expired).await.unwrap();
    let shown = get(&scene, &expired.url, "zh").await.text().await.unwrap();
    assert!(shown.contains("订单已过期") && !shown.contains("<form"));

    let nowhere = format!("{}/pay/00", scene.provider.url());
    assert_eq!(get(&scene, &nowhere, "zh").await.status(), 404);
}

#[tokio::test]
async fn a_description_cannot_bring_markup_into_the_page() {
    let scene = Scene::new().await;
    let order = Order {
        description: "<script>alert(1)</script>",
        ..order("1")
    };
    let page = scene.channel.create_order(&order).await.unwrap();
    let shown = get(&scene, &page.url, "zh").await.text().await.unwrap();
    assert!(shown.contains("&lt;script&gt;") && !shown.contains("<script"));
}
