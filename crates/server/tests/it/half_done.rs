//! What a crash between the journal and the directory has left half done is finished, and never undone (rules 10, 11).

use serde_json::json;

use crate::deletion::deletes;
use crate::merchants::{done, merchant, offer};
use crate::site::Site;

/// Keeps the directory as it is now.
async fn keep_directory(site: &mut Site) {
    site.stop_server().await;
    let [here, aside] = ["directory.db", "aside"].map(|name| site.data_dir().join(name));
    std::fs::copy(here, aside).unwrap();
    site.start_server().await;
}

/// Takes the directory back to what it was then: what a crash leaves between the journal and its notes.
async fn lose_notes(site: &mut Site) {
    site.stop_server().await;
    let [here, aside] = ["directory.db", "aside"].map(|name| site.data_dir().join(name));
    for suffix in ["-wal", "-shm"] {
        let file = site.data_dir().join(format!("directory.db{suffix}"));
        if file.exists() {
            std::fs::remove_file(file).unwrap();
        }
    }
    std::fs::copy(aside, here).unwrap();
    site.start_server().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draft_whose_campaign_stands_is_not_declined() {
    let mut site = Site::open().await;
    let boss = site.operator().await;
    let (_, tea) = merchant(&site, &boss, 1).await;
    let mut ids = Vec::new();
    for key in ["one", "two"] {
        let got = tea.post_keyed("/merchant/drafts", offer("10%"), key).await;
        ids.push(done(&got)["id"].as_str().unwrap().to_owned());
    }
    let path = |nth: usize, what: &str| format!("/console/drafts/{}{what}", ids[nth]);
    keep_directory(&mut site).await;
    let why = json!({ "reason": "texts and price seen" });
    let published = done(&boss.post(&path(0, "/publish"), why.clone()).await);
    lose_notes(&mut site).await;
    assert_eq!(done(&boss.get(&path(0, "")).await)["state"], "submitted");
    boss.post(&path(0, "/decline"), why.clone())
        .await
        .is_problem(409, "draft_decided");
    let page = done(&boss.get(&path(0, "")).await);
    assert_eq!(
        (&page["state"], &page["campaign"]),
        (&json!("published"), &published["id"])
    );
    // The same file handed in twice: of the other draft nothing was published.
    let page = done(&boss.post(&path(1, "/decline"), why).await);
    assert_eq!(page["state"], "declined");
    site.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_admitted_stays_so_whatever_the_directory_knows() {
    let mut site = Site::open().await;
    let boss = site.operator().await;
    let member = site.member(1, None).await;
    let mine = "/me/merchant-application";
    let named = |name: &str| json!({ "name": name, "contact": "13900000000" });
    done(&member.post(mine, named("茶馆")).await);
    keep_directory(&mut site).await;
    let admit = "/console/merchant-applications/0/admit";
    let wanted = |commission: &str| {
        let contract = json!({ "commission": commission, "cash": "store" });
        json!({ "contract": contract, "reason": "papers seen" })
    };
    let first = done(&boss.post_keyed(admit, wanted("10%"), "first").await);

    let name = async || {
        let page = done(&boss.get("/console/merchants/0").await);
        let commission = page["contracts"][0]["contract"]["commission"].clone();
        (page["name"].clone(), commission)
    };
    let stands = (json!("茶馆"), json!("10%"));
    lose_notes(&mut site).await;
    assert_eq!(name().await.0, "");
    let why = json!({ "reason": "papers missing" });
    boss.post("/console/merchant-applications/0/decline", why)
        .await
        .is_problem(409, "application_decided");
    assert_eq!(name().await, stands);

    lose_notes(&mut site).await;
    assert_eq!(
        done(&member.post(mine, named("银行")).await)["state"],
        "admitted"
    );
    assert_eq!(name().await, stands);

    // Another contract is another matter; the same request is the same.
    lose_notes(&mut site).await;
    boss.post(admit, wanted("20%"))
        .await
        .is_problem(409, "application_decided");
    let again = done(&boss.post_keyed(admit, wanted("10%"), "first").await);
    assert_eq!(again["merchant"], first["merchant"]);
    assert_eq!(name().await, stands);
    assert_eq!(
        done(&boss.get("/console/merchant-applications").await)["items"][0]["reason"],
        "papers seen"
    );

    lose_notes(&mut site).await;
    let got = deletes(&site, &member, "13800000001", "0.00").await;
    assert_eq!(got.status, 204, "{}", got.text());
    assert_eq!(name().await, stands, "what made him a merchant stays");
    site.close().await;
}
