//! The program itself: its platform ends loudly when its journal cannot be written, and operators are looked after
//! from the command line.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

/// Longest time anything is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// A platform in a process of its own; killed with the test.
struct Platform {
    child: Child,
    base: String,
}

impl Platform {
    fn start(data: &Path) -> Platform {
        let mut child = potluck(&["serve", "--sandbox", "--listen", "127.0.0.1:0"], data)
            .args(["--sandbox-listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let base = line
            .trim()
            .strip_prefix("Potluck serves at ")
            .unwrap_or_else(|| panic!("{line}"));
        Platform {
            base: base.to_owned(),
            child,
        }
    }

    /// Waits until the process has ended by itself; answers with what it said.
    fn ended(mut self) -> (ExitStatus, String) {
        let began = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(
                began.elapsed() < PATIENCE,
                "waited {PATIENCE:?} for the end"
            );
            std::thread::sleep(Duration::from_millis(20));
        };
        let mut said = String::new();
        let stderr = self.child.stderr.as_mut().unwrap();
        stderr.read_to_string(&mut said).unwrap();
        (status, said)
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn potluck(arguments: &[&str], data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_potluck"));
    command.args(arguments).arg("--data").arg(data);
    command
}

/// Runs `potluck operator …` with this password on standard input; answers whether it went well, and what it said.
fn operator(arguments: &[&str], data: &Path, password: &str) -> (bool, String) {
    let arguments = [&["operator"], arguments, &["--password-stdin"]].concat();
    let mut child = potluck(&arguments, data)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Who is refused before he is asked for a password may be gone already.
    let _ = writeln!(child.stdin.take().unwrap(), "{password}");
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

/// Signs in as this operator; none if the password is wrong, else his cookie.
async fn sign_in(http: &reqwest::Client, base: &str, password: &str) -> Option<String> {
    let request = http
        .post(format!("{base}/api/v1/operator/sign-in"))
        .header("idempotency-key", "sign-in")
        .json(&json!({ "name": "alice", "password": password }));
    let began = Instant::now();
    loop {
        let got = request.try_clone().unwrap().send().await.unwrap();
        if got.status() == 401 {
            return None;
        }
        if got.status() == 200 {
            let cookie = got.headers()["set-cookie"].to_str().unwrap();
            return cookie.split(';').next().map(str::to_owned);
        }
        // It says 503 while it reads its journal back.
        assert!(
            got.status() == 503 && began.elapsed() < PATIENCE,
            "{}",
            got.text().await.unwrap()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn client() -> reqwest::Client {
    // The other test may have done it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .build()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_gets_another_password() {
    let dir = tempfile::tempdir().unwrap();
    let (good, said) = operator(&["add", "alice", "--new"], dir.path(), "the first one");
    assert!(good, "{said}");
    let (platform, http) = (Platform::start(dir.path()), client());
    let cookie = sign_in(&http, &platform.base, "the first one")
        .await
        .unwrap();

    let (good, said) = operator(&["password", "alice"], dir.path(), "the second one");
    assert!(good, "{said}");
    assert!(!said.contains("the second one"), "{said}");
    let me = http.get(format!("{}/api/v1/operator/me", platform.base));
    let got = me.header("cookie", cookie).send().await.unwrap();
    assert_eq!(got.status(), 401, "sessions are over");
    assert_eq!(sign_in(&http, &platform.base, "the first one").await, None);
    assert!(
        sign_in(&http, &platform.base, "the second one")
            .await
            .is_some()
    );

    let (good, said) = operator(&["password", "bob"], dir.path(), "whatever it is");
    assert!(!good && said.contains("there is no operator bob"), "{said}");
    let made = potluck(&["operator", "password", "alice"], dir.path())
        .output()
        .unwrap();
    let said = String::from_utf8(made.stdout).unwrap();
    let removed = |name: &str| {
        let arguments = ["operator", "remove", name, "--reason", "has left"];
        let ran = potluck(&arguments, dir.path()).output().unwrap();
        let told = [ran.stdout, ran.stderr].concat();
        (ran.status.success(), String::from_utf8(told).unwrap())
    };
    let (good, told) = removed("alice");
    assert!(
        !good && told.contains("alice is the only operator"),
        "{told}"
    );
    let (good, told) = operator(&["add", "carl"], dir.path(), "a password of his");
    assert!(good, "{told}");
    let (good, told) = removed("carl");
    assert!(good && told.contains("carl is removed"), "{told}");
    let (good, told) = removed("carl");
    assert!(
        !good && told.contains("there is no operator carl"),
        "{told}"
    );
    let made = said.lines().find_map(|line| line.strip_prefix("password "));
    assert!(
        sign_in(&http, &platform.base, made.unwrap())
            .await
            .is_some()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_that_cannot_be_written_ends_the_platform() {
    let dir = tempfile::tempdir().unwrap();
    let (good, said) = operator(&["add", "alice", "--new"], dir.path(), "a password of hers");
    assert!(good, "{said}");
    drop(journal::SqliteJournal::open(dir.path()).unwrap());
    // Stands for a disk that takes no more: every write to the journal fails.
    rusqlite::Connection::open(dir.path().join("journal.db"))
        .unwrap()
        .execute_batch(
            "CREATE TRIGGER full_disk BEFORE INSERT ON batch \
             BEGIN INSERT INTO no_such_table VALUES (1); END",
        )
        .unwrap();
    let (platform, http) = (Platform::start(dir.path()), client());
    let cookie = sign_in(&http, &platform.base, "a password of hers")
        .await
        .unwrap();
    let got = http
        .post(format!("{}/api/v1/capital", platform.base))
        .header("cookie", cookie)
        .header("idempotency-key", "capital")
        .json(&json!({ "amount": "1.00", "reason": "from the bank" }))
        .send()
        .await;
    // The answer may be lost with the platform, but it is never a success.
    assert!(
        got.is_err() || !got.as_ref().unwrap().status().is_success(),
        "{got:?}"
    );
    let (status, said) = platform.ended();
    assert!(!status.success(), "{said}");
    assert!(
        said.contains("potluck serve: the engine has stopped"),
        "{said}"
    );
}

#[test]
fn a_mistyped_directory_is_refused_and_not_made() {
    let dir = tempfile::tempdir().unwrap();
    let typo = dir.path().join("potluk");
    let refused = |(good, said): (bool, String)| {
        assert!(!good && said.contains("there is no platform in "), "{said}");
        assert!(!typo.exists());
    };
    refused(operator(&["add", "alice"], &typo, "a password of hers"));
    let output = potluck(&["gateway", "add", "mall"], &typo)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    refused((output.status.success(), said));
    let (good, said) = operator(&["add", "alice", "--new"], &typo, "a password of hers");
    assert!(good, "{said}");
    // The directory is there now.
    let (good, said) = operator(&["add", "bob"], &typo, "a password of his");
    assert!(good, "{said}");
}

#[test]
fn several_may_add_gateways_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let made = potluck(&["gateway", "add", "first", "--new"], dir.path()).output();
    assert!(made.unwrap().status.success());
    std::thread::scope(|scope| {
        let adding: Vec<_> = (0..12)
            .map(|number| {
                let name = format!("mall {number}");
                scope.spawn(|| potluck(&["gateway", "add"], dir.path()).arg(name).output())
            })
            .collect();
        for added in adding {
            let added = added.join().unwrap().unwrap();
            let said = String::from_utf8(added.stderr).unwrap();
            assert!(added.status.success(), "{said}");
        }
    });
}
