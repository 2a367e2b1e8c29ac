//! The real program in a process of its own, perhaps under a wrapper that makes its files fail.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Longest time anything is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at something that happens in another process.
const LOOK: Duration = Duration::from_millis(10);

/// Tells its number, then becomes the program: so that the program is known under any wrapper.
const TELL: &str = r#"echo "pid $$"; exec "$@""#;

/// A server that answers.
pub(crate) struct Server {
    child: Child,
    pid: u32,
    /// Where it serves, such as `http://127.0.0.1:4321`.
    pub(crate) base: String,
    /// Where its sandbox takes payments.
    pub(crate) provider: String,
    log: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
}

/// How a process ended and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) said: String,
    /// Where it said that it serves; empty if it never did.
    pub(crate) base: String,
}

impl Ended {
    /// The last line of what it said, where the reason stands.
    pub(crate) fn last_line(&self) -> &str {
        self.said.lines().next_back().unwrap_or_default()
    }
}

impl Server {
    /// Starts the platform on this directory and waits until it is ready, or has ended.
    pub(crate) async fn start(data: &Path) -> Result<Server, Ended> {
        Server::start_under(&[], data).await
    }

    /// The same with more arguments.
    pub(crate) async fn start_with(arguments: &[&str], data: &Path) -> Result<Server, Ended> {
        Server::begin(&[], arguments, data).await
    }

    /// The same behind the words of another command, such as `strace -f`.
    pub(crate) async fn start_under(wrapper: &[String], data: &Path) -> Result<Server, Ended> {
        Server::begin(wrapper, &[], data).await
    }

    async fn begin(wrapper: &[String], arguments: &[&str], data: &Path) -> Result<Server, Ended> {
        loop {
            let began = Server::until_ready(Server::launch(wrapper, arguments, data)).await;
            match began {
                // Another test was given the address that was free a moment ago.
                Err(ended) if ended.said.contains("Address already in use") => {}
                began => return began,
            }
        }
    }

    async fn until_ready(mut server: Server) -> Result<Server, Ended> {
        let began = Instant::now();
        let ready = format!("{}/readyz", server.base);
        loop {
            if server.child.try_wait().unwrap().is_some() {
                return Err(server.ended().await);
            }
            let asked = http().get(&ready).timeout(PATIENCE).send().await;
            if asked.is_ok_and(|answer| answer.status() == 200) {
                return Ok(server);
            }
            assert!(began.elapsed() < PATIENCE, "not ready: {}", server.log());
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Starts it and waits until it says where it serves, which it does when it is ready, or has ended.
    fn launch(wrapper: &[String], arguments: &[&str], data: &Path) -> Server {
        let sandbox = free_address();
        let mut words = wrapper.to_vec();
        words.extend(["sh", "-c", TELL, "sh", env!("CARGO_BIN_EXE_potluck")].map(str::to_owned));
        // Every look of the snapshot thread finds one due: a short run has some.
        let serve = [
            "serve",
            "--sandbox",
            "--log-sign-in-codes",
            "--snapshot-every",
            "0",
        ];
        words.extend(serve.map(str::to_owned));
        let mut child = Command::new(&words[0])
            .args(&words[1..])
            .args(["--listen", "127.0.0.1:0", "--sandbox-listen", &sandbox])
            .args(arguments)
            .arg("--data")
            .arg(data)
            .env("NO_COLOR", "1")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let heard = log.clone();
        let mut readers = vec![std::thread::spawn(move || {
            let mut line = String::new();
            while 0 < stderr.read_line(&mut line).unwrap_or(0) {
                heard.lock().unwrap().push_str(&line);
                line.clear();
            }
        })];
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut word = |beginning: &str| {
            let mut line = String::new();
            stdout.read_line(&mut line).unwrap();
            line.trim()
                .strip_prefix(beginning)
                .unwrap_or_default()
                .to_owned()
        };
        let pid = word("pid ").parse().unwrap_or(0);
        let base = word("Potluck serves at ");
        readers.push(std::thread::spawn(move || {
            let _ = stdout.read_to_end(&mut Vec::new());
        }));
        Server {
            child,
            pid,
            base,
            provider: format!("http://{sandbox}"),
            log,
            readers,
        }
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits until it has logged this; answers with the log.
    pub(crate) async fn until_log(&self, text: &str) -> String {
        let began = Instant::now();
        loop {
            let log = self.log();
            if log.contains(text) {
                return log;
            }
            assert!(began.elapsed() < PATIENCE, "{text:?} is not logged: {log}");
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Whether it still runs.
    pub(crate) fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Asks it to stop and waits for the end.
    pub(crate) async fn stop(self) -> Ended {
        self.signal("TERM");
        self.ended().await
    }

    /// Kills it as a power cut would.
    pub(crate) async fn kill(self) {
        self.signal("KILL");
        self.ended().await;
    }

    fn signal(&self, name: &str) {
        // It may have ended already.
        let _ = Command::new("kill")
            .args(["-s", name, &self.pid.to_string()])
            .stderr(Stdio::null())
            .status();
    }

    /// Waits until it has ended by itself.
    pub(crate) async fn ended(mut self) -> Ended {
        let began = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(
                began.elapsed() < PATIENCE,
                "waited {PATIENCE:?} for the end: {}",
                self.log()
            );
            tokio::time::sleep(LOOK).await;
        };
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        Ended {
            status,
            said: self.log(),
            base: self.base.clone(),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.runs() {
            self.signal("KILL");
        }
        let _ = self.child.wait();
    }
}

/// A local address that nobody listens on.
fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// What all requests are sent with; keeps no connections, for servers come and go.
pub(crate) fn http() -> reqwest::Client {
    // Another test may have done it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .redirect(reqwest::redirect::Policy::none())
        .pool_max_idle_per_host(0)
        .timeout(PATIENCE)
        .build()
        .unwrap()
}

/// Runs another of the program's commands to its end.
pub(crate) fn potluck(wrapper: &[String], arguments: &[&str], data: &Path) -> Ended {
    let mut words = wrapper.to_vec();
    words.push(env!("CARGO_BIN_EXE_potluck").to_owned());
    let output = Command::new(&words[0])
        .args(&words[1..])
        .args(arguments)
        .arg("--data")
        .arg(data)
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    Ended {
        status: output.status,
        said: String::from_utf8(said).unwrap(),
        base: String::new(),
    }
}

/// The page of an audit, and whether it passed.
pub(crate) fn audit(data: &Path) -> (bool, String) {
    let ended = potluck(&[], &["audit"], data);
    let passed = ended.said.contains("\nAUDIT PASSED\n");
    assert_eq!(passed, ended.status.success(), "{}", ended.said);
    assert!(!ended.said.contains("panicked"), "{}", ended.said);
    (passed, ended.said)
}
