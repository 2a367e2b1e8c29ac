//! Disks that are full, read-only, or lie about what they have written.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::server::{Ended, Server, potluck};
use crate::story::{Shop, Told, copy_dir};
use crate::strace::{self, Fault};

const PAGES: &str = include_str!("../../../../docs/operations.md");

/// What an operator reads when the journal took no more.
const STOPPED: &str = "the engine stopped because the journal failed: cannot write batch";

/// The server was there, told something, and ended by itself because its journal failed.
#[track_caller]
fn stopped(told: &Told, ended: &Ended) {
    assert_eq!(ended.status.code(), Some(1), "{}", ended.said);
    assert!(ended.last_line().contains(STOPPED), "{}", ended.said);
    assert!(!ended.said.contains("panicked"), "{}", ended.said);
    // What the system said ends the last line, and stands once in the log before it, whatever else failed with it.
    let cause = ended.last_line().rsplit(": ").next().unwrap();
    assert!(
        cause.contains("full") || cause.contains("I/O"),
        "{}",
        ended.said
    );
    // A question for readiness meanwhile is answered, and logged, without it.
    let lines: Vec<&str> = ended
        .said
        .lines()
        .filter(|line| line.contains("the engine stop") && line.contains(cause))
        .collect();
    assert_eq!(lines.len(), 2, "{}", ended.said);
    let first = lines[0].split("the engine stops: ").nth(1);
    assert!(
        first.is_some_and(|says| says.contains(cause)),
        "{}",
        ended.said
    );
    assert!(told.len() < Told::WHOLE, "{told:?}");
    assert!(PAGES.replace('\n', " ").contains(STOPPED));
}

/// With sound files everything goes on: what was told is so, and the audit passes.
async fn goes_on(shop: &Shop, wrapper: &[String], data: &Path, told: Told) {
    let server = match Server::start_under(wrapper, data).await {
        Ok(server) => server,
        Err(ended) => panic!("{}", ended.said),
    };
    shop.retell(server, told).await;
    let audited = potluck(wrapper, &["audit"], data);
    assert!(
        audited.said.contains("\nAUDIT PASSED\n"),
        "{}",
        audited.said
    );
}

/// From the `nth` such call on all fail.
async fn dying(
    shop: &Shop,
    call: &str,
    file: &str,
    nth: u32,
    error: &'static str,
) -> (TempDir, Told, Ended) {
    let (data, log) = (shop.copy(), tempfile::NamedTempFile::new().unwrap());
    let fault = Fault {
        call: call.to_owned(),
        file: file.to_owned(),
        nth,
        error,
    };
    let wrapper = strace::failing_from(data.path(), log.path(), &fault);
    let (told, ended) = match Server::start_under(&wrapper, data.path()).await {
        Ok(server) => shop.tell(server).await,
        Err(ended) => (Told::default(), ended),
    };
    assert!(0 < strace::injected(log.path()), "{fault} was not reached");
    (data, told, ended)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_takes_no_more_and_a_sync_that_fails_stop_the_platform() {
    if !strace::is_there() {
        return;
    }
    let shop = Shop::open().await;
    for (call, nth, error) in [
        ("pwrite64", 6, "ENOSPC"),
        ("pwrite64", 13, "ENOSPC"),
        ("pwrite64", 20, "EIO"),
        ("fsync", 4, "EIO"),
        ("fsync", 5, "ENOSPC"),
        ("fsync", 7, "EIO"),
    ] {
        let (data, told, ended) = dying(&shop, call, "journal.db-wal", nth, error).await;
        stopped(&told, &ended);
        goes_on(&shop, &[], data.path(), told).await;
    }
}

/// The views and the directory are not the truth: the platform goes on, says so, and catches up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn views_and_snapshots_that_cannot_be_written_stop_nothing() {
    if !strace::is_there() {
        return;
    }
    let shop = Shop::open().await;
    for (call, file, nth, says) in [
        (
            "pwrite64",
            "views.db-wal",
            60,
            "the views could not be written, trying again: ",
        ),
        (
            "write",
            "snapshots/N.snap.tmp",
            2,
            "a snapshot could not be written",
        ),
        (
            "fsync",
            "snapshots/N.snap.tmp",
            1,
            "a snapshot could not be written",
        ),
        (
            "rename",
            "snapshots/N.snap.tmp",
            1,
            "a snapshot could not be written",
        ),
    ] {
        let (data, told, ended) = dying(&shop, call, file, nth, "ENOSPC").await;
        assert!(ended.status.success(), "{file}: {}", ended.said);
        assert!(ended.said.contains(says), "{file}: {}", ended.said);
        assert!(PAGES.contains(says));
        assert!(Told::WHOLE - 2 <= told.len(), "{file}: {told:?}");
        goes_on(&shop, &[], data.path(), told).await;
    }
}

/// A small file system of its own, for whoever may make one: root, or anybody where users may have name spaces.
struct SmallDisk {
    holder: Child,
    dir: TempDir,
}

impl SmallDisk {
    const MOUNT: &str = r#"mount -t tmpfs -o size="$2" tmpfs "$1" && echo there && exec sleep 600"#;

    fn new(size: &str) -> Option<SmallDisk> {
        let dir = tempfile::tempdir().unwrap();
        let mut holder = Command::new("unshare")
            .args(["-rm", "sh", "-c", Self::MOUNT, "sh"])
            .arg(dir.path())
            .arg(size)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .ok()?;
        let mut line = String::new();
        let mut out = std::io::BufReader::new(holder.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut out, &mut line).unwrap();
        let disk = SmallDisk { holder, dir };
        (line.trim() == "there").then_some(disk)
    }

    /// Where it is seen from outside, by everything but SQLite, which looks behind the link.
    fn path(&self) -> PathBuf {
        let inside = self.dir.path().strip_prefix("/").unwrap();
        PathBuf::from(format!("/proc/{}/root", self.holder.id())).join(inside)
    }

    /// Runs a program where the disk is seen as [`SmallDisk::dir`].
    fn inside(&self) -> Vec<String> {
        let holder = self.holder.id().to_string();
        let words = [
            "nsenter",
            "-U",
            "-m",
            "--preserve-credentials",
            "-t",
            &holder,
        ];
        words.map(str::to_owned).into()
    }

    /// Makes room.
    fn grow(&self, size: &str) {
        let words = self.inside();
        let grown = Command::new(&words[0])
            .args(&words[1..])
            .args(["mount", "-o", &format!("remount,size={size}"), "tmpfs"])
            .arg(self.dir.path())
            .status();
        assert!(grown.unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// A disk that is really full, down to the last page.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_stops_the_platform_and_room_lets_it_go_on() {
    let Some(disk) = SmallDisk::new("64m") else {
        eprintln!(
            "SKIPPED: no small file system can be mounted here; the one of a limited file size still runs"
        );
        return;
    };
    let shop = Shop::open().await;
    copy_dir(shop.copy().path(), &disk.path());
    let (wrapper, data) = (disk.inside(), disk.dir.path());
    let server = Server::start_under(&wrapper, data).await.unwrap();
    // The platform is at work; somebody else fills the disk.
    let ballast = disk.path().join("ballast");
    let filled = std::fs::write(&ballast, vec![0; 80 << 20]);
    assert!(filled.is_err(), "the disk is not full");
    let (told, ended) = shop.tell(server).await;
    stopped(&told, &ended);
    // No start without room, and none that harms.
    if let Err(ended) = Server::start_under(&wrapper, data).await {
        assert_eq!(ended.status.code(), Some(1), "{}", ended.said);
        assert!(!ended.said.contains("panicked"), "{}", ended.said);
    }
    disk.grow("256m");
    goes_on(&shop, &wrapper, data, told).await;
}

/// For a machine without name spaces and strace: no file may become longer than some length.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limited_file_size_stops_the_platform() {
    let shop = Shop::open().await;
    let data = shop.copy();
    let wal = std::fs::metadata(data.path().join("journal.db-wal"))
        .unwrap()
        .len();
    // In blocks of 512 bytes; the log begins anew at the start and soon is as long as this.
    let blocks = (wal / 512).min(300);
    // A signal for each refused write is not wanted, only the error.
    let limit = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
    let wrapper = ["sh", "-c", &limit, "sh"].map(str::to_owned);
    let (told, ended) = match Server::start_under(&wrapper, data.path()).await {
        Ok(server) => shop.tell(server).await,
        Err(ended) => (Told::default(), ended),
    };
    assert!(!ended.said.contains("panicked"), "{}", ended.said);
    assert_eq!(ended.status.code(), Some(1), "{}", ended.said);
    assert!(told.len() < Told::WHOLE, "{told:?}");
    goes_on(&shop, &[], data.path(), told).await;
}

/// Nothing can be written at all: the start is refused, and the audit still reads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_directory_is_refused_and_can_be_audited() {
    let shop = Shop::open().await;
    let data = shop.copy();
    let server = Server::start(data.path()).await.unwrap();
    shop.retell(server, Told::default()).await;
    let here = data.path().display();
    let read_only =
        format!("mount --bind {here} {here} && mount -o remount,ro,bind {here} && exec \"$@\"");
    let wrapper = ["unshare", "-rm", "sh", "-c", &read_only, "sh"].map(str::to_owned);
    let may = Command::new("unshare").args(["-rm", "true"]).status();
    if !may.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: no directory can be made read-only here");
        return;
    }
    let ended = match Server::start_under(&wrapper, data.path()).await {
        Ok(server) => panic!("it starts: {}", server.log()),
        Err(ended) => ended,
    };
    assert_eq!(ended.status.code(), Some(1), "{}", ended.said);
    let line = ended.last_line();
    for words in [
        "cannot write in the data directory",
        "Read-only file system",
    ] {
        assert!(line.contains(words), "{line}");
        assert!(PAGES.contains(words), "{words}");
    }
    let audited = potluck(&wrapper, &["audit"], data.path());
    assert!(
        audited.said.contains("\nAUDIT PASSED\n"),
        "{}",
        audited.said
    );
}
