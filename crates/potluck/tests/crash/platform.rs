//! The program in a process of its own, started, killed and started again over one data directory.

use std::fs::File;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

/// Longest time anything is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
/// Between two looks at what is waited for.
const LOOK: Duration = Duration::from_millis(5);

/// Where, and how often there, the process is to kill itself.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) point: &'static str,
    pub(crate) pass: u64,
    /// Passes count while there is this file; absent: always.
    pub(crate) when: Option<PathBuf>,
}

/// How to start it.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    pub(crate) data: PathBuf,
    pub(crate) log: PathBuf,
    pub(crate) port: u16,
    pub(crate) provider_url: String,
    pub(crate) provider_key: String,
    pub(crate) secret: &'static str,
    pub(crate) snapshot_every_s: u32,
    /// Where notices go, if anywhere.
    pub(crate) notices: Option<Notices>,
    /// By how much it is ahead of the machine's clock.
    pub(crate) ahead_ms: i64,
    pub(crate) order: Option<Order>,
}

/// Where notices go.
#[derive(Clone, Debug)]
pub(crate) struct Notices {
    pub(crate) log: PathBuf,
    pub(crate) webhook: String,
    pub(crate) secret: &'static str,
}

/// A platform that was started; killed with the test.
pub(crate) struct Platform {
    child: Child,
    log: PathBuf,
    /// How long the log was before.
    logged: u64,
}

impl Platform {
    pub(crate) fn start(start: &Start) -> Platform {
        let mut log = File::options()
            .create(true)
            .append(true)
            .open(&start.log)
            .unwrap();
        writeln!(log, "--- {start:?}").unwrap();
        let logged = log.metadata().unwrap().len();
        let mut command = Command::new(env!("CARGO_BIN_EXE_potluck"));
        command
            .args(["serve", "--sandbox", "--behind-proxy", "--data"])
            .arg(&start.data)
            .args(["--listen", &format!("127.0.0.1:{}", start.port)])
            .args(["--sandbox-elsewhere", &start.provider_url])
            .args(["--sandbox-key", &start.provider_key])
            .args(["--snapshot-every", &start.snapshot_every_s.to_string()])
            .env("POTLUCK_SANDBOX_SECRET", start.secret)
            .env("POTLUCK_CLOCK_AHEAD_MS", start.ahead_ms.to_string())
            .env_remove("POTLUCK_CRASH_AT")
            .env_remove("POTLUCK_CRASH_WHEN")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        if let Some(notices) = &start.notices {
            command
                .arg("--notice-log")
                .arg(&notices.log)
                .args(["--notice-webhook", &notices.webhook])
                .env("POTLUCK_WEBHOOK_SECRET", notices.secret);
        }
        if let Some(Order { point, pass, when }) = &start.order {
            command.env("POTLUCK_CRASH_AT", format!("{point}:{pass}"));
            if let Some(file) = when {
                command.env("POTLUCK_CRASH_WHEN", file);
            }
        }
        Platform {
            child: command.spawn().unwrap(),
            log: start.log.clone(),
            logged,
        }
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        let status = self.child.wait().unwrap();
        assert_eq!(status.signal(), Some(9), "it had ended before: {status}");
    }

    /// How it ended, if it did.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Waits until it has killed itself at a point; how it did is checked.
    pub(crate) async fn died_at(mut self, order: &Order) {
        let began = Instant::now();
        let status = loop {
            if let Some(status) = self.ended() {
                break status;
            }
            assert!(
                began.elapsed() < PATIENCE,
                "{order:?} was not reached in {PATIENCE:?}"
            );
            tokio::time::sleep(LOOK).await;
        };
        assert_eq!(status.signal(), Some(9), "{order:?}: {status}");
        let said = format!("killed at {}, pass {}", order.point, order.pass);
        let log = self.said();
        assert!(log.contains(&said), "{order:?} in {log}");
    }

    /// What it has logged.
    pub(crate) fn said(&self) -> String {
        let log = std::fs::read(&self.log).unwrap();
        let from = usize::try_from(self.logged).unwrap();
        String::from_utf8_lossy(&log[from..]).into_owned()
    }

    /// Ends it in order.
    pub(crate) async fn stop(mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, Signal::TERM).unwrap();
        let began = Instant::now();
        let status = loop {
            if let Some(status) = self.ended() {
                break status;
            }
            assert!(began.elapsed() < PATIENCE, "it does not stop");
            tokio::time::sleep(LOOK).await;
        };
        assert!(status.success(), "{status}: {}", self.said());
    }

    /// Waits until it answers and its views are near the journal's end.
    pub(crate) async fn ready(&mut self, http: &reqwest::Client, base: &str) {
        let began = Instant::now();
        loop {
            let answer = http.get(format!("{base}/readyz")).send().await;
            if answer.is_ok_and(|answer| answer.status() == 200) {
                return;
            }
            let ended = self.ended();
            assert!(ended.is_none(), "it ended: {ended:?}: {}", self.said());
            assert!(
                began.elapsed() < PATIENCE,
                "it is not ready: {}",
                self.said()
            );
            tokio::time::sleep(LOOK).await;
        }
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs another command of the program to its end; answers whether it went well, and what it said.
pub(crate) fn potluck(arguments: &[&str], data: &Path, input: &str) -> (bool, String) {
    let mut child = spawn(arguments, data);
    // It may have ended before it read anything.
    let _ = writeln!(child.stdin.take().unwrap(), "{input}");
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

/// Starts another command of the program.
pub(crate) fn spawn(arguments: &[&str], data: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_potluck"))
        .args(arguments)
        .arg("--data")
        .arg(data)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// A port that nobody listens on. Below those that the system gives to outgoing connections, so that it is still free
/// when the platform has been away.
pub(crate) fn free_port(random: &mut super::random::Random) -> u16 {
    loop {
        let port = 12_000 + u16::try_from(random.below(18_000)).unwrap();
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
