//! Each file system call of a short run failed once: what a client was told is so afterwards, the audit passes, and the
//! same story ends with the same books. So for the first start on an empty directory, for `gateway add` and for the
//! audit itself, which may say that it cannot read, but never that all is well when it has not looked.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::server::{Ended, Server, audit, potluck};
use crate::story::{Shop, Told, copy_dir};
use crate::strace::{self, Fault};

/// Runs at once: they wait for draws most of the time.
const AT_ONCE: usize = 8;

/// How often each call was made on each file.
type Counts = BTreeMap<(String, String), u32>;

/// What one run came to.
struct Outcome {
    fault: Fault,
    injected: usize,
    /// What the client was told; none if the start was refused.
    told: Option<usize>,
    /// The last words of a program that ended with an error.
    last_words: Option<String>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_file_system_call_of_a_run_failed_once() {
    if !strace::is_there() {
        return;
    }
    let shop = Arc::new(Shop::open().await);
    let (counts, books) = undisturbed(&shop).await;
    sweep("run", 80, &counts, |fault| {
        let (shop, books) = (shop.clone(), books.clone());
        async move { one_run(&shop, &books, fault).await }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_file_system_call_of_a_first_start_failed_once() {
    if !strace::is_there() {
        return;
    }
    let (data, log) = place();
    let wrapper = strace::counting(data.path(), log.path());
    let server = Server::start_under(&wrapper, data.path()).await.unwrap();
    let ended = server.stop().await;
    assert!(ended.status.success(), "{}", ended.said);
    let counts = counted(&data, &log);
    sweep("first start", 40, &counts, one_first_start).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_file_system_call_of_an_audit_and_of_adding_a_gateway_failed_once() {
    if !strace::is_there() {
        return;
    }
    let shop = Shop::open().await;
    let data = Arc::new(shop.copy());
    let server = Server::start(data.path()).await.unwrap();
    shop.retell(server, Told::default()).await;
    let (passed, page) = audit(data.path());
    assert!(passed, "{page}");
    let log = tempfile::NamedTempFile::new().unwrap();
    let wrapper = strace::counting(data.path(), log.path());
    let audited = potluck(&wrapper, &["audit"], data.path());
    assert_eq!(audited.said, page);
    sweep("audit", 30, &counted(&data, &log), |fault| {
        let (data, page) = (data.clone(), page.clone());
        async move { one_audit(&data, &page, fault) }
    })
    .await;
    let log = tempfile::NamedTempFile::new().unwrap();
    let wrapper = strace::counting(data.path(), log.path());
    let added = potluck(&wrapper, &["gateway", "add", "other"], data.path());
    assert!(added.status.success(), "{}", added.said);
    sweep("gateway add", 20, &counted(&data, &log), |fault| {
        let data = data.clone();
        async move { one_gateway(&data, fault) }
    })
    .await;
}

/// Tells the story once with every call counted; answers with the books at its end, too.
async fn undisturbed(shop: &Shop) -> (Counts, Value) {
    let data = shop.copy();
    let log = tempfile::NamedTempFile::new().unwrap();
    let wrapper = strace::counting(data.path(), log.path());
    let server = Server::start_under(&wrapper, data.path()).await.unwrap();
    let (told, ended) = shop.tell(server).await;
    assert!(ended.status.success(), "{}", ended.said);
    assert_eq!(told.len(), Told::WHOLE, "{told:?}");
    let counts = counted(&data, &log);
    for needed in ["openat", "pread64", "pwrite64", "fsync", "rename", "unlink"] {
        assert!(
            counts.keys().any(|(call, _)| call == needed),
            "no {needed} in {counts:?}"
        );
    }
    let books = retell(shop, data.path(), told).await;
    (counts, books)
}

fn counted(data: &TempDir, log: &tempfile::NamedTempFile) -> Counts {
    strace::calls(data.path(), &std::fs::read_to_string(log.path()).unwrap())
}

fn place() -> (TempDir, tempfile::NamedTempFile) {
    (
        tempfile::tempdir().unwrap(),
        tempfile::NamedTempFile::new().unwrap(),
    )
}

/// Starts a server on sound files, tells the story again, and audits what is there then.
async fn retell(shop: &Shop, data: &Path, told: Told) -> Value {
    let server = match Server::start(data).await {
        Ok(server) => server,
        Err(ended) => panic!("does not start again: {}", ended.said),
    };
    let books = shop.retell(server, told).await;
    let (passed, page) = audit(data);
    assert!(passed, "{page}");
    books
}

/// The story with one call failed, then once more.
async fn one_run(shop: &Shop, books: &Value, fault: Fault) -> Outcome {
    let (data, log) = (shop.copy(), tempfile::NamedTempFile::new().unwrap());
    let wrapper = strace::failing(data.path(), log.path(), &fault);
    let (told, ended) = match Server::start_under(&wrapper, data.path()).await {
        Ok(server) => {
            let (told, ended) = shop.tell(server).await;
            (Some(told), ended)
        }
        Err(ended) => (None, ended),
    };
    let outcome = Outcome {
        injected: strace::injected(log.path()),
        told: told.as_ref().map(Told::len),
        last_words: last_words(&fault, &ended),
        fault,
    };
    let after = retell(shop, data.path(), told.unwrap_or_default()).await;
    assert_eq!(after, *books, "{}: {}", outcome.fault, ended.said);
    outcome
}

/// A start on an empty directory with one call failed: the next start is as if nothing had been.
async fn one_first_start(fault: Fault) -> Outcome {
    let (data, log) = place();
    let wrapper = strace::failing(data.path(), log.path(), &fault);
    let (told, ended) = match Server::start_under(&wrapper, data.path()).await {
        Ok(server) => (Some(0), server.stop().await),
        Err(ended) => (None, ended),
    };
    let outcome = Outcome {
        injected: strace::injected(log.path()),
        told,
        last_words: last_words(&fault, &ended),
        fault,
    };
    match Server::start(data.path()).await {
        Ok(server) => assert!(server.stop().await.status.success()),
        Err(after) => panic!("{}: {}\nthen {}", outcome.fault, ended.said, after.said),
    }
    let (passed, page) = audit(data.path());
    assert!(passed, "{}: {page}", outcome.fault);
    outcome
}

/// An audit of a sound directory with one call failed: it says the same, or what it cannot read.
fn one_audit(data: &TempDir, page: &str, fault: Fault) -> Outcome {
    let log = tempfile::NamedTempFile::new().unwrap();
    let wrapper = strace::failing(data.path(), log.path(), &fault);
    let ended = potluck(&wrapper, &["audit"], data.path());
    assert!(!ended.said.contains("panicked"), "{fault}: {}", ended.said);
    if ended.status.success() {
        // What the fault has hidden is named.
        let not_checked = ended.said.contains("\nNot checked\n");
        assert!(ended.said == page || not_checked, "{fault}: {}", ended.said);
    } else {
        let says = ["AUDIT FAILED", "potluck audit: "];
        assert!(
            says.iter().any(|says| ended.said.contains(says)),
            "{fault}: {}",
            ended.said
        );
    }
    Outcome {
        injected: strace::injected(log.path()),
        told: None,
        last_words: (!ended.status.success()).then(|| ended.last_line().to_owned()),
        fault,
    }
}

/// A gateway added with one call failed: if it was said to be there, it is.
fn one_gateway(data: &TempDir, fault: Fault) -> Outcome {
    let (copy, log) = place();
    copy_dir(data.path(), copy.path());
    let data = copy;
    let wrapper = strace::failing(data.path(), log.path(), &fault);
    let ended = potluck(&wrapper, &["gateway", "add", "third"], data.path());
    assert!(!ended.said.contains("panicked"), "{fault}: {}", ended.said);
    let again = potluck(&[], &["gateway", "add", "third"], data.path());
    if ended.status.success() {
        assert!(again.said.contains("is taken"), "{fault}: {}", again.said);
    }
    assert!(
        again.status.success() || again.said.contains("is taken"),
        "{fault}: {}",
        again.said
    );
    Outcome {
        injected: strace::injected(log.path()),
        told: None,
        last_words: (!ended.status.success()).then(|| ended.last_line().to_owned()),
        fault,
    }
}

/// What a server that ended with an error said last: one line with its name, and no panic.
fn last_words(fault: &Fault, ended: &Ended) -> Option<String> {
    assert!(!ended.said.contains("panicked"), "{fault}: {}", ended.said);
    if ended.status.success() {
        return None;
    }
    let words = ended.last_line();
    assert_eq!(ended.status.code(), Some(1), "{fault}: {}", ended.said);
    assert!(
        words.starts_with("potluck serve: "),
        "{fault}: {}",
        ended.said
    );
    Some(words.to_owned())
}

/// Makes a run for each fault chosen; says how they came out, and fails if any did not hold.
async fn sweep<F>(what: &str, sample: usize, counts: &Counts, one: impl Fn(Fault) -> F)
where
    F: Future<Output = Outcome> + Send + 'static,
{
    let all = strace::faults(counts);
    let chosen = choose(&all, sample);
    println!(
        "{what}: {} calls to fail, {} of them now",
        all.len(),
        chosen.len()
    );
    let (places, mut runs) = (Arc::new(Semaphore::new(AT_ONCE)), JoinSet::new());
    let mut names = HashMap::new();
    for fault in chosen {
        let name = fault.to_string();
        let (places, run) = (places.clone(), one(fault));
        let task = runs.spawn(async move {
            let _place = places.acquire().await.unwrap();
            run.await
        });
        names.insert(task.id(), name);
    }
    let (mut outcomes, mut failures) = (Vec::new(), Vec::new());
    while let Some(ended) = runs.join_next().await {
        match ended {
            Ok(outcome) => outcomes.push(outcome),
            Err(error) => {
                // Its panic was printed when it happened.
                println!("{what}: FAILED: {}", names[&error.id()]);
                failures.push(names.remove(&error.id()));
            }
        }
    }
    report(what, &outcomes);
    assert!(failures.is_empty(), "{what}: {failures:#?}");
}

/// All faults in a soak, those whose words hold `POTLUCK_FAULT`, or a sample that has every kind of call.
fn choose(all: &[Fault], sample: usize) -> Vec<Fault> {
    if let Ok(only) = std::env::var("POTLUCK_FAULT") {
        let named = all.iter().filter(|fault| fault.to_string().contains(&only));
        return named.cloned().collect();
    }
    if std::env::var_os("POTLUCK_SOAK").is_some() {
        return all.to_vec();
    }
    let seed = std::env::var("POTLUCK_SEED");
    let seed: u64 = seed.ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    println!("a sample by POTLUCK_SEED={seed}; POTLUCK_SOAK=1 runs all");
    let numbered = (0_u64..).zip(all);
    let mut order: Vec<(u64, &Fault)> = numbered
        .map(|(at, fault)| (mixed(seed.wrapping_mul(1 << 32) ^ at), fault))
        .collect();
    order.sort();
    // First every kind of call, then every file it is made on.
    let (mut kinds, mut files) = (BTreeSet::new(), BTreeSet::new());
    order.sort_by_cached_key(|(at, fault)| {
        let is_new = kinds.insert((&fault.call, fault.error));
        let is_new_there = files.insert((&fault.call, &fault.file));
        (!is_new, !is_new_there, *at)
    });
    let chosen = order.into_iter().take(sample);
    chosen.map(|(_, fault)| fault.clone()).collect()
}

/// Mixes the bits of a number (splitmix64).
fn mixed(number: u64) -> u64 {
    let mut bits = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

fn report(what: &str, outcomes: &[Outcome]) {
    let mut kinds: BTreeMap<&str, [usize; 4]> = BTreeMap::new();
    let mut words: BTreeMap<String, usize> = BTreeMap::new();
    for outcome in outcomes {
        let kind = kinds.entry(&outcome.fault.call).or_default();
        kind[0] += 1;
        kind[1] += usize::from(outcome.injected == 0);
        kind[2] += usize::from(1 < outcome.injected);
        kind[3] += usize::from(outcome.last_words.is_some());
        if let Some(last) = &outcome.last_words {
            let near = if outcome.told.is_some() {
                "at work"
            } else {
                "at the start"
            };
            let said = format!("{} {near}: {}", outcome.fault.file, plain(last));
            *words.entry(said).or_default() += 1;
        }
    }
    println!(
        "{what}: call [runs, of them not reached, failed in several threads, ended with an error]"
    );
    for (call, counts) in kinds {
        println!("{what}: {call} {counts:?}");
    }
    for (words, count) in words {
        println!("{what}: {count} x {words}");
    }
}

/// Without what differs from run to run.
fn plain(text: &str) -> String {
    let words = text.split(' ').map(|word| match word.find(".tmp") {
        Some(at) => word[at..]
            .find('/')
            .map_or("DIR", |slash| &word[at + slash..])
            .to_owned(),
        None => word.replace(|c: char| c.is_ascii_digit(), "N"),
    });
    words.collect::<Vec<_>>().join(" ")
}
