//! Makes a file system call of a program fail, by strace.
//!
//! Why strace: it fails the real call of the real program, whichever library makes it. strace counts the calls of each
//! thread by itself; so "the third write" fails once in every thread that writes that file three times.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// Files of a data directory; of snapshots stands the name with the greatest sequence that a short run reaches.
const FILES: [&str; 18] = [
    "",
    "journal.db",
    "journal.db-wal",
    "journal.db-shm",
    "journal.db-journal",
    "journal.lock",
    "views.db",
    "views.db-wal",
    "views.db-shm",
    "views.db-journal",
    "directory.db",
    "directory.db-wal",
    "directory.db-shm",
    "directory.db-journal",
    "sandbox.db",
    "sandbox.db-wal",
    "beacon.key",
    "snapshots",
];
/// Snapshots of a short run stand before this record.
const MOST_RECORDS: u32 = 100;
/// What their names stand for here.
const SNAPSHOT: &str = "snapshots/N.snap";
const UNFINISHED: &str = "snapshots/N.snap.tmp";

/// What may fail: every call that names a file or works on one.
const TRACED: &str = "trace=%file,%desc";

/// A call that is to fail.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fault {
    pub(crate) call: String,
    /// Below the data directory.
    pub(crate) file: String,
    /// The how manieth of each thread.
    pub(crate) nth: u32,
    pub(crate) error: &'static str,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Fault {
            call,
            file,
            nth,
            error,
        } = self;
        write!(out, "{call} of {file:?} number {nth} fails with {error}")
    }
}

/// Whether strace may trace here; says loudly why not.
pub(crate) fn is_there() -> bool {
    let tried = Command::new("strace")
        .args(["-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "true"])
        .output();
    let why = match tried {
        Ok(output) if output.status.success() => return true,
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => error.to_string(),
    };
    eprintln!(
        "SKIPPED: no file system call was made to fail, for strace does not work here: {why}"
    );
    assert!(
        std::env::var_os("POTLUCK_MUST_STRACE").is_none(),
        "POTLUCK_MUST_STRACE is set, but strace does not work: {why}"
    );
    false
}

/// Counts the calls on the files of this directory into a log.
pub(crate) fn counting(data: &Path, log: &Path) -> Vec<String> {
    let mut words = begin(data, log, |_| true);
    words.extend(["-e", TRACED].map(str::to_owned));
    words
}

/// Lets one call fail.
pub(crate) fn failing(data: &Path, log: &Path, fault: &Fault) -> Vec<String> {
    let Fault {
        call, nth, error, ..
    } = fault;
    let mut words = begin(data, log, |file| file == fault.file);
    words.push("-e".to_owned());
    words.push(format!("trace={call}"));
    words.push("-e".to_owned());
    words.push(format!("inject={call}:error={error}:when={nth}"));
    words
}

/// Lets all calls of a kind on one file fail from the `nth` of each thread on, as on a disk that has died.
pub(crate) fn failing_from(data: &Path, log: &Path, fault: &Fault) -> Vec<String> {
    let mut words = failing(data, log, fault);
    let last = words.last_mut().unwrap();
    last.push('+');
    words
}

fn begin(data: &Path, log: &Path, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let mut words: Vec<String> = ["strace", "-f", "-q", "-y", "--seccomp-bpf", "-s", "0"]
        .map(str::to_owned)
        .into();
    words.push("-e".to_owned());
    words.push("signal=none".to_owned());
    words.push("-o".to_owned());
    words.push(log.display().to_string());
    let mut path = |file: &str| {
        words.push("-P".to_owned());
        words.push(if file.is_empty() {
            data.display().to_string()
        } else {
            data.join(file).display().to_string()
        });
    };
    FILES
        .iter()
        .filter(|file| wanted(file))
        .for_each(|file| path(file));
    for (name, end) in [(SNAPSHOT, ""), (UNFINISHED, ".tmp")] {
        if wanted(name) {
            (1..MOST_RECORDS).for_each(|seq| path(&format!("snapshots/{seq:020}.snap{end}")));
        }
    }
    words
}

/// How often each call was made on each file, by the thread that made it most often.
pub(crate) fn calls(data: &Path, log: &str) -> BTreeMap<(String, String), u32> {
    let mut counts: BTreeMap<(String, String, &str), u32> = BTreeMap::new();
    for line in log.lines() {
        let Some((thread, rest)) = line.split_once(' ') else {
            continue;
        };
        let Some((call, arguments)) = rest.trim_start().split_once('(') else {
            continue;
        };
        if call.contains(' ') {
            continue;
        }
        if let Some(file) = file_of(data, arguments) {
            *counts.entry((call.to_owned(), file, thread)).or_default() += 1;
        }
    }
    let mut most = BTreeMap::new();
    for ((call, file, _), count) in counts {
        let known = most.entry((call, file)).or_insert(0);
        *known = count.max(*known);
    }
    most
}

/// The file that a call names first.
fn file_of(data: &Path, arguments: &str) -> Option<String> {
    let data = data.display().to_string();
    let at = arguments.find(&data)? + data.len();
    let name = arguments[at..].split(['>', '"']).next()?;
    let name = name.trim_start_matches('/');
    if name.ends_with(".snap") {
        return Some(SNAPSHOT.to_owned());
    }
    if name.ends_with(".snap.tmp") {
        return Some(UNFINISHED.to_owned());
    }
    Some(name.to_owned())
}

/// How many calls were made to fail.
pub(crate) fn injected(log: &Path) -> usize {
    let log = std::fs::read_to_string(log).unwrap_or_default();
    log.matches("(INJECTED)").count()
}

/// Each call that was counted, failed once; writes by a full disk, too.
pub(crate) fn faults(counts: &BTreeMap<(String, String), u32>) -> Vec<Fault> {
    let mut faults = Vec::new();
    for ((call, file), most) in counts {
        // The standard library takes a failing closedir for a mistake in the program; no system has one.
        if call == "close" && ["", "snapshots"].contains(&&**file) {
            continue;
        }
        let fills = ["write", "pwrite64", "ftruncate", "fallocate", "mkdir"].contains(&&**call);
        let errors = if fills {
            &["EIO", "ENOSPC"][..]
        } else {
            &["EIO"]
        };
        for nth in 1..=*most {
            faults.extend(errors.iter().map(|error| Fault {
                call: call.clone(),
                file: file.clone(),
                nth,
                error,
            }));
        }
    }
    faults
}
