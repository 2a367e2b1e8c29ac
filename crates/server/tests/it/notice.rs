//! What a campaign's public notice says (rules 8, 11).

use serde_json::{Value, json};

use crate::files::example;
use crate::site::Site;

/// The notice of a campaign that is published for it, and its sentences in one language.
async fn told(site: &Site, file: Value) -> (Value, String, String) {
    let campaign = site.publish(file).await;
    let path = format!("/campaigns/{campaign}/notice");
    let notice = site.anyone().get(&path).await.json();
    let texts = notice["text"].as_array().unwrap();
    let all = |language: &str| {
        let lines = texts.iter().map(|line| line[language].as_str().unwrap());
        lines.collect::<Vec<_>>().join("\n")
    };
    let (zh, en) = (all("zh"), all("en"));
    (notice, zh, en)
}

fn with_chance(mut file: Value, chance: Value) -> Value {
    let group = file["group"].as_object_mut().unwrap();
    group.remove("winners");
    group.insert("chance".to_owned(), chance);
    file
}

fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
}

/// Of a chance what is expected is counted, and the fewest and the most are told as bounds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_odds_of_a_chance_are_those_of_the_draw() {
    let site = Site::open().await;
    let (notice, zh, en) = told(&site, example("chance")).await;
    assert_eq!(notice["chance"], json!({ "p": "10%", "min": 1, "max": 5 }));
    assert_eq!(notice["odds"]["expected_winners"], "2.93");
    assert_eq!(notice["odds"]["average_rounds"], "10.23");
    assert_eq!(notice["odds"]["product_cost_average"], "56.78");
    says(
        &zh,
        &[
            "10% 的机会",
            "至少 1 个、至多 5 个（这是上下限）",
            "平均 2.93 个",
            "平均每 10.23 轮",
        ],
    );
    says(
        &en,
        &[
            "a chance of 10%",
            "at least 1 and at most 5 of them (these are bounds), 2.93 on average",
            "once in 10.23 rounds",
        ],
    );
    // A prize that hardly anybody ever wins.
    let mut rare = with_chance(
        example("bonus-draw"),
        json!({ "p": "0.1%", "min": 0, "max": 1 }),
    );
    rare["group"]["seats"] = json!(10);
    let (notice, zh, en) = told(&site, rare.clone()).await;
    assert_eq!(notice["winners"], json!([0, 1]));
    assert_eq!(notice["odds"]["expected_winners"], "0.009955");
    assert_eq!(notice["odds"]["average_rounds"], "1004.51");
    says(&zh, &["平均 0.009955 个", "平均每参加 1004.51 轮"]);
    says(&en, &["0.009955 on average", "once in 1004.51 rounds"]);
    // And one that nobody could.
    rare["group"]["chance"]["p"] = json!("0%");
    let operator = site.operator().await;
    let got = operator.post("/campaigns/check", rare).await.json();
    assert_eq!(got["problem"]["field"], "group.chance.p", "{got}");
    let mut buys = with_chance(example("ballot"), json!({ "p": "10%", "min": 0, "max": 5 }));
    buys["group"]["leader"] = json!("exempt");
    let (notice, zh, en) = told(&site, buys).await;
    assert_eq!(notice["odds"]["expected_winners"], "4.12");
    says(
        &zh,
        &[
            "每人各以 10% 的机会中签，至少 0 人、至多 5 人（这是上下限），平均 4.12 人",
            "他没有购买权",
        ],
    );
    says(
        &en,
        &[
            "each is drawn with a chance of 10%",
            "(at least 0 and at most 5: these are bounds; 4.12 on average)",
            "he gets no right to buy",
        ],
    );
    site.close().await;
}

/// Everybody buys and what the prize is; and what the leader's seat does where it is not like the others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notices_say_who_buys_what_the_prize_is_and_what_the_leader_does() {
    let site = Site::open().await;
    let mut bonus = example("bonus-draw");
    let (_, zh, en) = told(&site, bonus.clone()).await;
    says(
        &zh,
        &[
            "人人付款买下并得到商品“云南保山小粒咖啡豆",
            "奖品“手摇磨豆机",
            "抽出 2 个",
            "每轮都要买下商品",
        ],
    );
    says(
        &en,
        &[
            "everybody buys and gets the product (Baoshan",
            "a prize besides (Hand coffee grinder",
            "2 of them are drawn",
            "buys the product in each",
        ],
    );
    assert!(!zh.contains("团长") && !en.contains("leader"), "{zh} {en}");
    bonus["group"]["leader"] = json!("exempt");
    let (_, zh, en) = told(&site, bonus).await;
    says(
        &zh,
        &[
            "团长以外的 19 个名额中抽出 2 个",
            "照样付款得到商品，没有奖品",
        ],
    );
    says(
        &en,
        &[
            "of the 19 that are not the leader's 2 are drawn",
            "never gets the prize",
        ],
    );
    let (_, zh, en) = told(&site, example("leader-buys")).await;
    says(&zh, &["团长以外的", "他付款后必得商品"]);
    says(
        &en,
        &["not the leader's", "he pays and always gets the product"],
    );
    let (_, zh, en) = told(&site, example("winner-bonus")).await;
    says(&zh, &["他必不中奖，款项全额退回"]);
    says(&en, &["he never wins and has his money back in full"]);
    site.close().await;
}
