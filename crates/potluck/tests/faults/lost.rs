//! A start without a file that can be made from nothing else: it is refused and leaves nothing behind, or it says what
//! is lost.

use std::fs;
use std::path::Path;

use crate::files::{audit_names, audit_passes, copy, documented, refused, sql, told};
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

/// The page names all parts, and reading them changes nothing.
#[track_caller]
fn all_is_checked(data: &Path) {
    let files = || {
        let names = fs::read_dir(data)
            .unwrap()
            .map(|file| file.unwrap().file_name());
        names.collect::<std::collections::BTreeSet<_>>()
    };
    let before = files();
    let page = audit_passes(data);
    let made: Vec<_> = files().difference(&before).cloned().collect();
    // The sandbox leaves its log behind, and a log is read by an index.
    assert!(made.iter().all(|name| name == "sandbox.db-shm"), "{made:?}");
    for line in [
        "  directory.db  8 of 8 members, with the secrets that gave 7 seats their tags\n",
        "  beacon.key    the key of the beacon of 1 campaigns\n",
        "  sandbox.db    7 payments, of the same amounts\n",
    ] {
        assert!(page.contains(line), "{line:?} is not in {page}");
    }
    assert!(!page.contains("Not checked"), "{page}");
}

/// What stands beside the journal and cannot be made from it is held against it, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_directory_key_or_book_is_found() {
    let whole = told().await.1;
    let other = told().await.1;
    all_is_checked(whole.path());
    let names = |words: &'static str, change: &dyn Fn(&Path)| {
        let data = copy(&whole);
        change(data.path());
        audit_names(data.path(), words);
    };
    let foreign = |file: &'static str| {
        let from = other.path().join(file);
        move |data: &Path| {
            for end in ["-wal", "-shm"] {
                let _ = fs::remove_file(data.join(format!("{file}{end}")));
            }
            fs::copy(&from, data.join(file)).map(drop).unwrap();
        }
    };
    let people =
        |statement: &'static str| move |data: &Path| sql(&data.join("directory.db"), statement);
    names(
        "directory.db: 2 of its rows are of other people than the journal's members",
        &foreign("directory.db"),
    );
    names(
        "the secrets of its members do not give the tags of 7 seats",
        &people("UPDATE person SET member_secret = randomblob(32)"),
    );
    names(
        "directory.db knows member 900, but the journal has only 8 members",
        &people("UPDATE person SET member = 900 WHERE member = 7"),
    );
    let no_key = "beacon.key is the key of another beacon than 1 full and 0 open groups are to be drawn with";
    names(no_key, &foreign("beacon.key"));
    names("beacon.key is not 32 bytes", &|data| {
        fs::write(data.join("beacon.key"), "x").unwrap();
    });
    names(
        "sandbox.db: 7 payments have another amount there than in the journal",
        &|data| {
            sql(
                &data.join("sandbox.db"),
                "UPDATE transactions SET amount_fen = 7",
            )
        },
    );

    // Somebody who was forgotten, and files that are kept elsewhere, are no findings.
    let data = copy(&whole);
    sql(
        &data.path().join("directory.db"),
        "DELETE FROM person WHERE member = 3",
    );
    fs::remove_file(data.path().join("beacon.key")).unwrap();
    let page = audit_passes(data.path());
    for line in [
        "  directory.db  7 of 8 members",
        "  beacon.key: there is none, and 1 full and 0 open groups are to be drawn with it\n",
    ] {
        assert!(page.contains(line), "{line:?} is not in {page}");
    }
    fs::remove_file(data.path().join("directory.db")).unwrap();
    let page = audit_passes(data.path());
    assert!(
        page.contains("  directory: there is no directory.db\n"),
        "{page}"
    );
}

/// What was paid by one book cannot be sent back by another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_book_of_the_sandbox_is_not_begun_anew_unasked() {
    let shop = Shop::open().await;
    let data = shop.copy();
    let book = data.path().join("sandbox.db");
    for end in ["-wal", "-shm"] {
        let _ = fs::remove_file(data.path().join(format!("sandbox.db{end}")));
    }
    fs::remove_file(&book).unwrap();
    let words = [
        "sandbox.db is missing, but the journal has booked payments",
        "none of them can be refunded",
        "--new-sandbox",
    ];
    refused(data.path(), &words).await;
    assert!(!book.exists(), "no empty one is made in its place");
    fs::write(&book, "").unwrap();
    refused(data.path(), &["has no payments, but", "--new-sandbox"]).await;

    // Given up: all refunds of the full group fail, and the log has one line for it.
    let warning = ["is begun anew", "was not sent"];
    let server = starts_with_a_warning(data.path(), &["--new-sandbox"], &warning).await;
    shop.failed_refunds(&server, 6).await;
    let ended = server.stop().await;
    assert!(ended.status.success(), "{}", ended.said);
    assert_eq!(ended.said.matches(" not sent").count(), 1, "{}", ended.said);
    audit_names(
        data.path(),
        "sandbox.db does not know the payments of 2 refunds that are due",
    );

    // With the book, the same directory pays them.
    let whole = shop.copy();
    for end in ["", "-wal"] {
        let file = format!("sandbox.db{end}");
        let _ = fs::remove_file(data.path().join(&file));
        if whole.path().join(&file).exists() {
            fs::copy(whole.path().join(&file), data.path().join(&file)).unwrap();
        }
    }
    let server = Server::start(data.path()).await.unwrap();
    shop.retell(server, Told::default()).await;
    audit_passes(data.path());
}
