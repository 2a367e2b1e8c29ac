//! The views' files are deleted or cut while the server runs: it notices, and makes them again under its readers.

use std::path::Path;

use crate::files::small;
use crate::site::Site;

fn deleted(views: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = views.as_os_str().to_owned();
        name.push(suffix);
        std::fs::remove_file(name).unwrap();
    }
}

fn only_the_file_deleted(views: &Path) {
    std::fs::remove_file(views).unwrap();
}

fn emptied(views: &Path) {
    // What is in the log beside it does not help: most of the pages were never there.
    std::fs::write(views, "").unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn views_that_are_lost_are_made_again_while_the_server_runs() {
    let mut site = Site::open().await;
    let campaign = site.publish(small(5)).await;
    let mut members = Vec::new();
    for number in 1..=5 {
        members.push(site.member(number, None).await);
    }
    let (group, payment) = members[0].open_group(&campaign).await;
    site.pay(&payment).await;
    site.payment(&members[0], &payment, "paid").await;
    let first = members[0].lines("in_groups").await;
    let views = site.data_dir().join("views.db");
    let harms: [fn(&Path); 3] = [deleted, only_the_file_deleted, emptied];
    for (member, harm) in members[1..].iter().zip(harms) {
        harm(&views);
        // Joining never needed the views; what it has changed is seen in the new ones.
        let payment = member.join(&group).await;
        site.pay(&payment).await;
        site.payment(member, &payment, "paid").await;
        site.until("the views are made again", async || {
            let there = std::fs::metadata(&views).is_ok_and(|found| 4096 <= found.len());
            let page = format!("/groups/{group}");
            (there && site.anyone().get(&page).await.status == 200).then_some(())
        })
        .await;
        site.until("they say what the others said", async || {
            (members[0].lines("in_groups").await == first).then_some(())
        })
        .await;
    }
    site.restart().await;
    assert_eq!(members[0].lines("in_groups").await, first);
    let paid = site.anyone().get(&format!("/groups/{group}")).await.json()["paid"].clone();
    assert_eq!(paid, 4);
    site.close().await;
}
