//! A start without a file that can be made from nothing else: it is refused and leaves nothing behind, or it says what
//! is lost.

use std::fs;
use std::path::Path;

use crate::files::{audit_passes, documented, refused};
use crate::server::Server;
use crate::story::{Shop, Told};

/// The start goes well and warns with these words, which the operators' pages know.
async fn starts_with_a_warning(data: &Path, arguments: &[&str], words: &[&str]) -> Server {
    let server = match Server::start_with(arguments, data).await {
        Ok(server) => server,
        Err(ended) => panic!("{}", ended.said),
    };
    for words in words {
        server.until_log(words).await;
        documented(words);
    }
    server
}

/// Without the key of their beacon, groups that wait for their draw can never be drawn. Nobody but its owner may give
/// it up, and who gives it up takes no money any more for a draw that cannot be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_beacon_key_is_not_replaced_unasked() {
    let shop = Shop::open().await;
    let data = shop.copy();
    let key = data.path().join("beacon.key");
    let whole = fs::read(&key).unwrap();
    fs::remove_file(&key).unwrap();
    let way_out = "--give-up-beacon";
    let words = ["beacon.key is missing, but", "put its key back", way_out];
    let line = refused(data.path(), &words).await;
    assert!(line.contains("1 full and 1 open"), "{line}");
    assert!(!key.exists(), "no other key is made in its place");

    fs::write(&key, [7; 32]).unwrap();
    let words = ["beacon.key is the key of another beacon, but", way_out];
    refused(data.path(), &words).await;

    // With the key all goes on, as if nothing had been.
    fs::write(&key, &whole).unwrap();
    let kept = shop.copy();
    let server = Server::start(kept.path()).await.unwrap();
    shop.retell(server, Told::default()).await;

    fs::remove_file(&key).unwrap();
    let at = line.rfind(way_out).unwrap() + way_out.len() + 1;
    let given_up = [way_out, &line[at..at + 64]];
    let warning = ["is given up", "cancel its open groups in the console"];
    let server = starts_with_a_warning(data.path(), &given_up, &warning).await;
    shop.nobody_opens_or_joins(&server, "beacon_lost").await;
    documented("`beacon_lost`");
    assert!(server.stop().await.status.success());
    assert!(key.exists(), "there is another one for what comes");
    // As long as groups wait it must be said again; the new key does not hide that the old one is lost.
    let words = ["beacon.key is the key of another beacon, but", way_out];
    refused(data.path(), &words).await;
    let server = starts_with_a_warning(data.path(), &given_up, &warning).await;
    assert!(server.stop().await.status.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_beacon_key_that_no_group_waits_for_is_told() {
    let shop = Shop::open().await;
    let data = shop.copy();
    let server = Server::start(data.path()).await.unwrap();
    shop.retell(server, Told::default()).await;
    fs::remove_file(data.path().join("beacon.key")).unwrap();
    let words = ["no group can be opened of its", "publish them anew"];
    let server = starts_with_a_warning(data.path(), &[], &words).await;
    shop.nobody_opens(&server, "beacon_lost").await;
    assert!(server.stop().await.status.success());
    let page = audit_passes(data.path());
    assert!(page.contains("2 settled"), "{page}");
}
