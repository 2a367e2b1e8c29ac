//! What may happen to the files of a data directory while nothing runs. The words that an operator reads stand in
//! docs/operations.md, and what to do beside them.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::server::{Server, audit, potluck};
use crate::story::{Shop, Told};

/// What is written for operators.
const PAGES: &str = include_str!("../../../../docs/operations.md");

/// The words must stand in the operators' pages, where a stop begins with them.
#[track_caller]
pub(crate) fn documented(words: &str) {
    let pages = PAGES.replace("\n> ", " ").replace('\n', " ");
    assert!(
        pages.contains(words),
        "docs/operations.md does not say {words:?}"
    );
}

/// The start is refused in one line with these words, all of which the operators' pages know; answers with the line.
pub(crate) async fn refused(data: &Path, words: &[&str]) -> String {
    let ended = match Server::start(data).await {
        Ok(server) => panic!("it starts: {}", server.log()),
        Err(ended) => ended,
    };
    let line = ended.last_line().to_owned();
    assert_eq!(ended.status.code(), Some(1), "{}", ended.said);
    assert!(line.starts_with("potluck serve: "), "{}", ended.said);
    assert_eq!(ended.base, "", "it never served");
    assert!(!ended.said.contains("panicked"), "{}", ended.said);
    for words in words {
        assert!(line.contains(words), "{words:?} is not in {line:?}");
        documented(words);
    }
    line
}

/// It starts, with this warning in the log if any, tells what it was told, and the audit passes afterwards.
async fn recovers(shop: &Shop, data: &Path, told: &Told, warning: &str) {
    let server = match Server::start(data).await {
        Ok(server) => server,
        Err(ended) => panic!("{}", ended.said),
    };
    if !warning.is_empty() {
        server.until_log(warning).await;
        documented(warning);
    }
    shop.retell(server, told.clone()).await;
}

#[track_caller]
pub(crate) fn audit_passes(data: &Path) -> String {
    let (passed, page) = audit(data);
    assert!(passed, "{page}");
    page
}

/// The audit fails with these words.
#[track_caller]
pub(crate) fn audit_names(data: &Path, words: &str) {
    let (passed, page) = audit(data);
    assert!(
        !passed && page.contains(words),
        "{words:?} is not in {page}"
    );
}

/// A directory in which the story was told to its end, and what the client was told. It holds a snapshot.
pub(crate) async fn told() -> (Shop, TempDir, Told) {
    let shop = Shop::open().await;
    let data = shop.copy();
    let server = Server::start(data.path()).await.unwrap();
    let (told, ended) = shop.tell(server).await;
    assert!(ended.status.success(), "{}", ended.said);
    assert_eq!(told.len(), Told::WHOLE, "{told:?}");
    // One snapshot is enough to damage.
    let mut snapshots = snapshots(data.path());
    snapshots.pop().unwrap();
    snapshots
        .iter()
        .for_each(|older| fs::remove_file(older).unwrap());
    // All in one file, where bytes can be found.
    number(
        &data.path().join("journal.db"),
        "PRAGMA wal_checkpoint(TRUNCATE)",
    );
    (shop, data, told)
}

pub(crate) fn copy(data: &TempDir) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    crate::story::copy_dir(data.path(), copy.path());
    copy
}

pub(crate) fn sql(path: &Path, statements: &str) {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.execute_batch(statements).unwrap();
}

fn number(path: &Path, query: &str) -> i64 {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.query_row(query, [], |row| row.get(0)).unwrap()
}

fn snapshots(data: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(data.join("snapshots")) else {
        return Vec::new();
    };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn remove(data: &Path, name: &str) {
    for end in ["", "-wal", "-shm"] {
        // Not each of them has all.
        let _ = fs::remove_file(data.join(format!("{name}{end}")));
    }
    if name == "snapshots" {
        fs::remove_dir_all(data.join(name)).unwrap();
    }
}

/// The log of a killed server cut at every interesting byte: what is left is a number of whole batches. Nobody was
/// told of the last one if it is torn, and then all goes on; if it was durable once, the views tell.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_torn_log_is_cut_and_a_lost_end_is_refused() {
    let shop = Shop::open().await;
    let whole = shop.copy();
    let log = fs::read(whole.path().join("journal.db-wal")).unwrap();
    let views = whole.path().join("views.db");
    let seen = number(&views, "SELECT applied_seq FROM meta");
    let (mut gone_on, mut lost) = (0, 0);
    for kept in cuts(&log) {
        for with_views in [true, false] {
            let data = shop.copy();
            fs::write(data.path().join("journal.db-wal"), &log[..kept]).unwrap();
            if !with_views {
                remove(data.path(), "views.db");
            }
            // Nothing is believed that the journal does not hold.
            let page = audit(data.path()).1;
            assert!(!page.contains("damaged"), "{page}");
            match Server::start(data.path()).await {
                Ok(server) => {
                    assert!(server.stop().await.status.success());
                    audit_passes(data.path());
                    let head = number(
                        &data.path().join("journal.db"),
                        "SELECT max(first_seq + count - 1) FROM batch",
                    );
                    assert!(!with_views || seen <= head, "{kept} bytes: {head} < {seen}");
                    gone_on += 1;
                }
                Err(ended) => {
                    let line = ended.last_line();
                    let views_tell = line.contains("the journal ends at record ");
                    let directory_tells = line.contains("directory.db is newer than journal.db");
                    assert!(views_tell || directory_tells, "{}", ended.said);
                    assert!(!views_tell || with_views, "{}", ended.said);
                    lost += 1;
                }
            }
        }
    }
    documented("its end was lost, or an older copy was put back");
    assert!(
        2 < gone_on && 2 < lost,
        "{gone_on} went on, {lost} were refused"
    );
}

/// Lengths of a log around its header and the frames at its end, where a writer may have been interrupted.
fn cuts(log: &[u8]) -> Vec<usize> {
    const HEADER: usize = 32;
    const FRAME: usize = 24 + 16 * 1024;
    let frames = (log.len() - HEADER) / FRAME;
    let at = |frame: usize| HEADER + frame * FRAME;
    let mut cuts = vec![0, 1, HEADER - 1, HEADER, at(1) - 1, at(1), at(frames / 2)];
    for frame in frames.saturating_sub(2)..=frames {
        cuts.extend([
            at(frame),
            at(frame) + 1,
            at(frame) + 23,
            at(frame) + 24,
            at(frame) + 25,
        ]);
    }
    cuts.extend([log.len() - 1, log.len()]);
    cuts.retain(|cut| *cut <= log.len());
    cuts.sort_unstable();
    cuts.dedup();
    cuts
}

/// A byte flipped anywhere: the start or at the latest the audit names the damage, or it is a byte that says nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_byte_is_named() {
    let (shop, whole, told) = told().await;
    let path = whole.path().join("journal.db");
    let bytes = fs::read(&path).unwrap();
    let sound = audit_passes(whole.path());
    let mut named = 0;
    for (what, position) in positions(&path, &bytes) {
        let data = copy(&whole);
        let mut damaged = bytes.clone();
        damaged[position] ^= 0x10;
        fs::write(data.path().join("journal.db"), damaged).unwrap();
        let (passed, page) = audit(data.path());
        println!(
            "{what} at {position}: audit {}",
            if passed { "passed" } else { "failed" }
        );
        // A byte without a meaning changes nothing of what is read.
        let same = page.replace(&data.path().display().to_string(), "")
            == sound.replace(&whole.path().display().to_string(), "");
        assert_eq!(passed, same, "{what} at {position}: {page}");
        match Server::start(data.path()).await {
            Ok(server) if passed => {
                shop.retell(server, told.clone()).await;
            }
            // A start does not read what lies before the snapshot.
            Ok(server) => drop(server.stop().await),
            Err(ended) => {
                assert_eq!(ended.status.code(), Some(1), "{}", ended.said);
                assert!(!ended.said.contains("panicked"), "{}", ended.said);
                println!("  {}", ended.last_line());
            }
        }
        named += usize::from(!passed);
        let must = what.starts_with("batch");
        assert!(
            !must || !passed,
            "{what} at {position} is not found: {page}"
        );
    }
    assert!(8 < named, "{named}");
}

/// Bytes of every kind: SQLite's headers, and of batches at the beginning, in the middle and at the end their
/// envelope, payload and hash.
fn positions(path: &Path, bytes: &[u8]) -> Vec<(String, usize)> {
    let mut positions: Vec<(String, usize)> = [0, 16, 18, 24, 28, 44, 60, 68, 100, 103, 108]
        .map(|at| (format!("first page, byte {at}"), at))
        .into();
    for page in 1..bytes.len() / 16_384 {
        positions.push((format!("page {page}, header"), page * 16_384));
        positions.push((format!("page {page}, cells"), page * 16_384 + 9));
    }
    let connection = rusqlite::Connection::open(path).unwrap();
    let last: i64 = connection
        .query_row("SELECT max(number) FROM batch", [], |row| row.get(0))
        .unwrap();
    for batch in [1, last / 2, last] {
        let (content, hash): (Vec<u8>, Vec<u8>) = connection
            .query_row(
                "SELECT bytes, hash FROM batch WHERE number = ?1",
                [batch],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .unwrap();
        let find = |part: &[u8]| bytes.windows(part.len()).position(|window| window == part);
        let at = find(&content).unwrap();
        positions.push((format!("batch {batch}, length of the first record"), at));
        positions.push((
            format!("batch {batch}, checksum of the first record"),
            at + 5,
        ));
        positions.push((format!("batch {batch}, payload"), at + content.len() - 1));
        // The hash stands in the next batch, too; its own is before its content.
        let own = bytes[..at].windows(32).rposition(|window| window == hash);
        positions.push((format!("batch {batch}, hash"), own.unwrap() + 7));
    }
    positions
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_to_the_journal_stops_the_start_and_is_named() {
    let (shop, whole, told) = told().await;
    let journal = |data: &TempDir| data.path().join("journal.db");
    let damage = "the journal is damaged at batch ";

    let data = copy(&whole);
    sql(&journal(&data), "DELETE FROM batch WHERE number IN (5, 6)");
    let line = refused(data.path(), &[damage]).await;
    assert!(
        line.contains("batch 5, ") && line.contains("this batch is missing"),
        "{line}"
    );
    audit_names(data.path(), "batch 5, ");

    let data = copy(&whole);
    sql(
        &journal(&data),
        "UPDATE batch SET hash = zeroblob(32) WHERE number = (SELECT max(number) FROM batch)",
    );
    refused(data.path(), &[damage]).await;
    audit_names(data.path(), damage);

    let data = copy(&whole);
    sql(
        &journal(&data),
        "DELETE FROM batch WHERE number > (SELECT max(number) FROM batch) - 3",
    );
    refused(
        data.path(),
        &[
            "its end was lost, or an older copy was put back",
            "move views.db away",
        ],
    )
    .await;
    audit_names(data.path(), "but the journal ends at ");

    // With the views moved away an older copy is accepted, and says so.
    let data = copy(&whole);
    let seq = number(
        &journal(&data),
        "SELECT max(first_seq + count - 1) FROM batch",
    );
    sql(&journal(&data), "DELETE FROM batch WHERE first_seq > 13");
    remove(data.path(), "views.db");
    let server = Server::start(data.path()).await;
    // Members who signed up since are known to the directory only.
    let words = [
        "directory.db is newer than journal.db",
        "put back both from one backup",
    ];
    assert!(server.is_err_and(|ended| ended.said.contains(words[0])));
    words.iter().for_each(|words| documented(words));
    assert!(13 < seq);

    // The whole one is still good.
    recovers(&shop, whole.path(), &told, "").await;
    audit_passes(whole.path());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_file_or_none_is_not_taken_for_the_journal() {
    let (_, whole, _) = told().await;
    let journal = |data: &TempDir| data.path().join("journal.db");

    let data = copy(&whole);
    sql(
        &journal(&data),
        "UPDATE meta SET format = 'potluck-journal/v2'",
    );
    refused(data.path(), &["has journal format"]).await;
    audit_names(data.path(), "this program reads");

    let data = copy(&whole);
    fs::write(journal(&data), vec![b'x'; 50_000]).unwrap();
    refused(data.path(), &["is not a journal of this program"]).await;

    // Gone. Whatever is left tells, and no empty one is made in its place, not even where all else goes, too.
    for (left, knows, audited) in [
        ("snapshots", "is there", "it stands at sequence "),
        ("views.db", "has seen record ", "the views know record "),
        (
            "directory.db",
            "knows member ",
            "directory.db knows member ",
        ),
        ("sandbox.db", " payments for it", "sandbox.db has "),
    ] {
        let data = copy(&whole);
        remove(data.path(), "journal.db");
        for other in ["snapshots", "views.db", "directory.db", "sandbox.db"] {
            if other != left {
                remove(data.path(), other);
            }
        }
        let words = [
            "is missing or empty, but",
            knows,
            "part of this directory was lost",
        ];
        refused(data.path(), &words).await;
        assert!(
            !journal(&data).exists(),
            "an empty one is made beside {left}"
        );
        let ended = potluck(&[], &["audit"], data.path());
        assert!(
            ended.said.contains("there is no journal at "),
            "{}",
            ended.said
        );
        // An empty one, as an older version left it.
        let elsewhere = data.path().join("elsewhere");
        let _ = fs::rename(data.path().join("snapshots"), &elsewhere);
        drop(journal::SqliteJournal::open(data.path()).unwrap());
        let _ = fs::rename(&elsewhere, data.path().join("snapshots"));
        refused(data.path(), &words[..2]).await;
        audit_names(data.path(), audited);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn snapshots_that_cannot_be_used_are_passed_over() {
    let (shop, whole, told) = told().await;
    let [snapshot] = &snapshots(whole.path())[..] else {
        panic!("one snapshot was due")
    };
    let bytes = fs::read(snapshot).unwrap();
    let name = snapshot.file_name().unwrap();
    let put = |data: &TempDir, name: &Path, bytes: &[u8]| {
        fs::write(data.path().join("snapshots").join(name), bytes).unwrap();
    };
    let unusable = "a snapshot cannot be used";

    // An older snapshot: more is replayed.
    recovers(&shop, copy(&whole).path(), &told, "").await;

    for position in [3, 16, 20, 40, 60, bytes.len() / 2, bytes.len() - 1] {
        let data = copy(&whole);
        let mut damaged = bytes.clone();
        damaged[position] ^= 1;
        put(&data, Path::new(name), &damaged);
        let (passed, page) = audit(data.path());
        assert!(!passed || page.contains("Not checked"), "{page}");
        recovers(&shop, data.path(), &told, unusable).await;
    }

    let data = copy(&whole);
    put(&data, Path::new(name), &bytes[..bytes.len() / 2]);
    audit_names(data.path(), "it is damaged: ");
    recovers(&shop, data.path(), &told, unusable).await;

    // Of another shop, at the same place: what tells is the hash of the batch.
    let data = copy(&whole);
    let other = self::told().await.1;
    let mut foreign = bytes.clone();
    let others = fs::read(snapshots(other.path()).last().unwrap()).unwrap();
    foreign[26..58].copy_from_slice(&others[26..58]);
    put(&data, Path::new(name), &foreign);
    audit_names(data.path(), "it was made from another journal");
    recovers(&shop, data.path(), &told, "made from another journal").await;

    // Newer than the journal.
    let data = copy(&whole);
    let mut newer = bytes.clone();
    newer[18..26].copy_from_slice(&900_u64.to_le_bytes());
    put(&data, Path::new("00000000000000000900.snap"), &newer);
    audit_names(
        data.path(),
        "the journal lost its end, or was restored from an older copy",
    );
    recovers(
        &shop,
        data.path(),
        &told,
        "the journal lost its end, or was restored from an older copy",
    )
    .await;

    let data = copy(&whole);
    fs::remove_dir_all(data.path().join("snapshots")).unwrap();
    recovers(&shop, data.path(), &told, "").await;
    audit_passes(data.path());

    // Something else has taken their place.
    let data = copy(&whole);
    fs::remove_dir_all(data.path().join("snapshots")).unwrap();
    fs::write(data.path().join("snapshots"), "no directory").unwrap();
    recovers(&shop, data.path(), &told, "a snapshot cannot be used").await;
    audit_names(data.path(), "snapshot snapshots: it cannot be read");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn views_are_made_again() {
    let (shop, whole, told) = told().await;
    let other = self::told().await.1;

    let data = copy(&whole);
    remove(data.path(), "views.db");
    recovers(&shop, data.path(), &told, "").await;
    audit_passes(data.path());

    let data = copy(&whole);
    fs::write(data.path().join("views.db"), vec![b'x'; 50_000]).unwrap();
    recovers(
        &shop,
        data.path(),
        &told,
        "the views cannot be read and are made again",
    )
    .await;
    audit_passes(data.path());

    let data = copy(&whole);
    fs::copy(other.path().join("views.db"), data.path().join("views.db")).unwrap();
    recovers(
        &shop,
        data.path(),
        &told,
        "the views are made again from the journal",
    )
    .await;
    audit_passes(data.path());
}

/// Without the directory everybody is a stranger, but the journal is whole and its audit passes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_directory_loses_people_and_no_money() {
    let (_, whole, _) = told().await;
    remove(whole.path(), "directory.db");
    audit_passes(whole.path());
    let words = [
        "is missing, but the journal is there",
        "begin an empty one with `potluck operator add`",
    ];
    refused(whole.path(), &words).await;
    assert!(!whole.path().join("directory.db").exists());
    let added = potluck(&[], &["operator", "add", "alice"], whole.path());
    assert!(added.status.success(), "{}", added.said);
    let server = Server::start(whole.path()).await.unwrap();
    assert!(server.stop().await.status.success());
    audit_passes(whole.path());

    // Damaged: refused, for it can be made from nothing else.
    let (_, whole, _) = told().await;
    fs::write(whole.path().join("directory.db"), vec![b'x'; 50_000]).unwrap();
    refused(whole.path(), &["cannot open the directory"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_process_is_refused() {
    let shop = Shop::open().await;
    let data = shop.copy();
    let server = Server::start(data.path()).await.unwrap();
    let words = "open for writing; stop it before starting this one";
    refused(data.path(), &[words]).await;
    // Somebody has deleted the lock: the sandbox's book is left to say so.
    fs::remove_file(data.path().join("journal.lock")).unwrap();
    let words = "cannot open the provider's book: database is locked";
    refused(data.path(), &[words]).await;
    shop.retell(server, Told::default()).await;
    audit_passes(data.path());
}
