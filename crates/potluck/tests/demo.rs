//! The demonstration shop: it opens, and its data shows what the README says is built.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Longest time anything is waited for.
const PATIENCE: Duration = Duration::from_secs(120);

/// The demonstration in a process of its own; killed with the test.
struct Demo {
    child: Child,
    base: String,
    password: String,
    http: reqwest::Client,
}

impl Drop for Demo {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn potluck(arguments: &[&str], data: &std::path::Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_potluck"));
    command.args(arguments).arg("--data").arg(data);
    command
}

impl Demo {
    /// Starts it, without the crowd, and waits for its greeting.
    fn open(data: &std::path::Path) -> Demo {
        let free = ["--listen", "127.0.0.1:0", "--sandbox-listen", "127.0.0.1:0"];
        let mut child = potluck(&["serve", "--demo", "--no-crowd"], data)
            .args(free)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut greeting = String::new();
        let mut lines = BufReader::new(child.stdout.as_mut().unwrap());
        while !greeting.contains("Stop with Ctrl-C") {
            let read = lines.read_line(&mut greeting).unwrap();
            assert!(0 < read, "it ended: {greeting}");
        }
        let after = |what: &str| {
            let rest = greeting.split_once(what);
            let rest = rest.unwrap_or_else(|| panic!("{what} in {greeting}"));
            rest.1.split_whitespace().next().unwrap().to_owned()
        };
        // Another test of this program may have done it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]);
        Demo {
            base: after("Open  "),
            password: after("password "),
            http: http.build().unwrap(),
            child,
        }
    }

    async fn staff(&self, name: &str) -> String {
        let body = json!({ "name": name, "password": self.password });
        self.session("/operator/sign-in", &body).await
    }

    async fn session(&self, path: &str, body: &Value) -> String {
        let answer = self.post(path, body).await;
        assert_eq!(answer.status(), 200);
        let cookie = answer.headers()["set-cookie"].to_str().unwrap();
        cookie.split(';').next().unwrap().to_owned()
    }

    async fn post(&self, path: &str, body: &Value) -> reqwest::Response {
        let url = format!("{}/api/v1{path}", self.base);
        let request = self.http.post(url).header("idempotency-key", "once");
        request.json(body).send().await.unwrap()
    }

    async fn get(&self, cookie: &str, path: &str) -> Value {
        let url = format!("{}/api/v1{path}", self.base);
        let request = self.http.get(url).header("cookie", cookie);
        request.send().await.unwrap().json().await.unwrap()
    }

    /// Waits until a list has somebody or something like this, as many as are wanted.
    async fn has(&self, cookie: &str, path: &str, wanted: usize, like: &Value) -> Value {
        let began = Instant::now();
        loop {
            let page = self.get(cookie, path).await;
            let items = page["items"].as_array();
            let fits = |item: &&Value| {
                let mut fields = like.as_object().unwrap().iter();
                fields.all(|(field, value)| item[field] == *value)
            };
            let found = items.map_or(0, |items| items.iter().filter(fits).count());
            if wanted <= found {
                return page;
            }
            assert!(began.elapsed() < PATIENCE, "{wanted} of {like} in {page}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// What an operator sees: where, how many at least, and what they are like.
fn shown() -> Vec<(&'static str, usize, Value)> {
    let any = json!({});
    vec![
        ("/campaigns?limit=100", 13, any.clone()),
        ("/shop/products", 5, any.clone()),
        ("/console/withdrawals?state=requested", 1, any.clone()),
        ("/console/agents", 1, any.clone()),
        (
            "/console/purchases?limit=100",
            2,
            json!({ "state": "paid" }),
        ),
        (
            "/console/purchases?limit=100",
            1,
            json!({ "state": "shipped" }),
        ),
        (
            "/console/purchases?limit=100",
            1,
            // The package of coins, used as soon as it is paid.
            json!({ "sku": "3", "state": "kept" }),
        ),
        (
            "/console/purchases?limit=100",
            1,
            // A voucher, redeemed.
            json!({ "sku": "4", "state": "kept", "store": "0" }),
        ),
        (
            "/console/purchases?limit=100",
            1,
            // What is to be fetched.
            json!({ "sku": "5", "state": "paid" }),
        ),
        (
            "/console/purchases?limit=100",
            1,
            json!({ "coins": "5.00", "cash": "93.00" }),
        ),
        ("/console/drafts", 1, json!({ "state": "submitted" })),
        ("/console/orders", 2, json!({ "state": "kept" })),
        ("/console/members?limit=100", 1, json!({ "frozen": true })),
        (
            "/console/decisions?limit=100",
            1,
            json!({ "what": "clawback" }),
        ),
        (
            "/console/decisions?limit=100",
            1,
            json!({ "what": "verify-member" }),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_part_of_the_shop_has_something_to_show() {
    let dir = tempfile::tempdir().unwrap();
    let demo = Demo::open(dir.path());
    let boss = demo.staff("demo").await;
    // What happens last of all: then everything has.
    let draft = json!({ "state": "draft", "number": 1 });
    let statements = demo.has(&boss, "/console/statements", 1, &draft).await;
    assert_ne!(statements["items"][0]["amount"], "0.00", "{statements}");
    for (path, wanted, like) in shown() {
        demo.has(&boss, path, wanted, &like).await;
    }
    let notice = demo.get("", "/campaigns/0/notice").await;
    assert_eq!(notice["organiser"]["contact"], "demo@example.com");
    let till = demo.staff("teahouse-till").await;
    let bills = "/counter/payments";
    demo.has(&till, bills, 1, &json!({ "state": "paid" })).await;
    demo.has(&till, bills, 1, &json!({ "state": "voided" }))
        .await;
    demo.has(&till, "/counter/tables", 1, &json!({ "state": "open" }))
        .await;
    demo.has(&till, "/counter/tables", 3, &json!({ "state": "settled" }))
        .await;
    // A group is drawn for whoever follows the README.
    assert_eq!(demo.get("", "/groups/2").await["state"], "settled");
    let pid = rustix::process::Pid::from_child(&demo.child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let mut demo = demo;
    assert!(demo.child.wait().unwrap().success());
    let audit = potluck(&["audit"], dir.path()).output().unwrap();
    let page = String::from_utf8_lossy(&audit.stdout);
    assert!(page.contains("\nAUDIT PASSED\n"), "{page}");
}
