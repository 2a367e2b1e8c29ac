//! The demonstration shop: it opens, and its data shows every capability of the platform, each to whoever may see it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// How long the demonstration has to show everything.
const PATIENCE: Duration = Duration::from_secs(180);

/// The demonstration in a process of its own; killed with the test.
struct Demo {
    child: Child,
    base: String,
    password: String,
    http: reqwest::Client,
    opened: Instant,
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
            opened: Instant::now(),
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
    async fn has(&self, cookie: &str, path: &str, wanted: usize, like: &str) -> Value {
        let page = self.sought(cookie, path, wanted, like).await;
        page.unwrap_or_else(|page| panic!("{path} has no {wanted} of {like}: {page}"))
    }

    /// The same; the list as it is in the end, if it has not.
    async fn sought(
        &self,
        cookie: &str,
        path: &str,
        wanted: usize,
        like: &str,
    ) -> Result<Value, Value> {
        loop {
            let page = self.get(cookie, path).await;
            let items = page["items"].as_array();
            let fits = |item: &&Value| like.split(' ').all(|field| is_like(item, field));
            let found = items.map_or(0, |items| items.iter().filter(fits).count());
            if wanted <= found {
                return Ok(page);
            }
            if PATIENCE < self.opened.elapsed() {
                return Err(page);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Whether an item has a field like `state=paid` or `why.program=region`; `any` has each.
fn is_like(item: &Value, like: &str) -> bool {
    let Some((field, value)) = like.split_once('=') else {
        return like == "any";
    };
    let has = field.split('.').fold(item, |within, part| &within[part]);
    let text = has.as_str().map_or_else(|| has.to_string(), str::to_owned);
    text == value
}

/// Who looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Operator,
    Second,
    Finance,
    TeaHouse,
    TeaTill,
    Bookshop,
    BookTill,
}

impl Who {
    const ALL: [(Who, &str); 7] = [
        (Who::Operator, "demo"),
        (Who::Second, "demo-second"),
        (Who::Finance, "demo-finance"),
        (Who::TeaHouse, "teahouse"),
        (Who::TeaTill, "teahouse-till"),
        (Who::Bookshop, "bookshop"),
        (Who::BookTill, "bookshop-till"),
    ];
}

/// One thing that is shown: to whom and where, how many at least, and what they are like.
type Shown = (Who, &'static str, usize, &'static str);

/// What the shop sells, and to whom.
fn shop() -> Vec<Shown> {
    let (boss, purchases) = (Who::Operator, "/console/purchases?limit=100");
    vec![
        (boss, "/campaigns?limit=100", 18, "any"),
        (boss, "/campaigns?limit=100", 1, "leader=buys"),
        (boss, "/campaigns?limit=100", 2, "kind=bonus-draw"),
        (boss, "/shop/products", 5, "any"),
        (boss, purchases, 2, "state=paid"),
        (boss, purchases, 1, "state=shipped"),
        (boss, purchases, 1, "state=lapsed"),
        (boss, purchases, 1, "sku=2 state=returned"),
        // Packages of coins, used as soon as they are paid, one of them paid back.
        (boss, purchases, 1, "sku=3 state=kept"),
        (boss, purchases, 1, "sku=6 state=kept"),
        (boss, purchases, 1, "sku=7 state=kept"),
        // A voucher, redeemed.
        (boss, purchases, 1, "sku=4 state=kept store=0"),
        // What is to be fetched.
        (boss, purchases, 1, "sku=5 state=paid"),
        (boss, purchases, 1, "coins=5.00 cash=93.00"),
    ]
}

/// Groups and what they have sold.
fn groups() -> Vec<Shown> {
    let (boss, orders) = (Who::Operator, "/console/orders?limit=100");
    let groups = "/console/groups?limit=100";
    vec![
        (boss, groups, 10, "state=settled"),
        (boss, groups, 1, "state=drawn"),
        (boss, groups, 1, "state=cancelled"),
        (boss, groups, 1, "state=expired"),
        // Ranks, agents, a pool, a prize for two of twenty, a leader who always buys, levels by what is kept.
        (boss, groups, 1, "state=settled campaign=5"),
        (boss, groups, 1, "state=settled campaign=8"),
        (boss, groups, 1, "state=settled campaign=9"),
        (boss, groups, 1, "state=settled campaign=10"),
        (boss, groups, 1, "state=settled campaign=19"),
        (boss, groups, 1, "state=settled campaign=20"),
        (boss, "/console/returned-units", 1, "campaign=0 units=1"),
        // A gateway's member beside the leader.
        (boss, groups, 1, "state=open campaign=13 paid=2"),
        (boss, orders, 2, "fulfilment=at-table state=kept"),
        (
            boss,
            orders,
            1,
            "fulfilment=ship state=shipped tracking=SF1000000002",
        ),
        (boss, orders, 1, "fulfilment=ship state=received"),
        (boss, orders, 1, "fulfilment=ship state=returned"),
        (boss, orders, 6, "fulfilment=voucher state=kept"),
        (Who::TeaHouse, "/merchant/orders", 1, "state=shipped"),
        (Who::TeaHouse, "/merchant/orders", 1, "state=paid"),
        (Who::TeaTill, "/counter/tables", 1, "state=open"),
        (Who::TeaTill, "/counter/tables", 3, "state=settled"),
        (Who::TeaTill, "/counter/tables", 1, "state=expired"),
        // The first one of a circle of treats, and the one at which it goes on.
        (
            Who::TeaTill,
            "/counter/tables",
            2,
            "template=17 state=settled",
        ),
    ]
}

/// Money, and who has decided about it.
fn money() -> Vec<Shown> {
    let (boss, finance) = (Who::Operator, Who::Finance);
    let (bills, withdrawals) = ("/counter/payments", "/console/withdrawals");
    let (statements, approvals) = ("/console/statements", "/console/approvals?limit=100");
    vec![
        (Who::TeaTill, bills, 1, "state=paid cash_to=store"),
        (Who::TeaTill, bills, 1, "state=voided"),
        (
            Who::BookTill,
            bills,
            1,
            "state=paid cash_to=platform coins=12.00",
        ),
        (Who::BookTill, bills, 1, "state=refunded cash_back=paid"),
        (Who::BookTill, bills, 1, "state=waiting"),
        // The tea house brought whoever paid at the bookshop.
        (boss, "/ledger?account=origin-shares", 2, "any"),
        (finance, withdrawals, 1, "state=paid"),
        (finance, withdrawals, 1, "state=rejected"),
        (finance, withdrawals, 1, "state=failed"),
        (finance, withdrawals, 1, "state=waiting"),
        (finance, withdrawals, 1, "state=requested"),
        (finance, statements, 1, "merchant=0 number=1 state=paid"),
        (boss, statements, 1, "merchant=0 number=2 state=draft"),
        // The entry fee is set off.
        (
            Who::Bookshop,
            "/merchant/statements",
            1,
            "set_off=90.00 carried=210.00",
        ),
        (finance, "/ledger?account=tax", 2, "any"),
        (Who::Second, approvals, 1, "what=capital state=approved"),
        (finance, approvals, 1, "what=capital state=declined"),
        (finance, approvals, 1, "what=capital state=open"),
        (Who::Second, approvals, 1, "what=contract state=open"),
        (boss, approvals, 2, "what=admit-merchant state=approved"),
        (boss, approvals, 2, "what=plan state=approved"),
        (boss, approvals, 1, "what=clawback state=approved"),
        (boss, approvals, 1, "what=suppliers state=approved"),
        (boss, approvals, 1, "what=tax state=approved"),
        (boss, approvals, 1, "what=statement-paid state=approved"),
    ]
}

/// People, and what was refused them.
fn people() -> Vec<Shown> {
    let (boss, members) = (Who::Operator, "/console/members?limit=100");
    let (refused, decided) = (
        "/console/refusals?limit=100",
        "/console/decisions?limit=100",
    );
    vec![
        // Of a county, of the city in which it lies, and of the province.
        (boss, "/console/agents", 1, "region.code=330106 member=0"),
        (boss, "/console/agents", 1, "region.code=330100 member=1"),
        (boss, "/console/agents", 1, "region.code=330000 member=2"),
        (
            boss,
            "/console/merchants",
            1,
            "name=南巷修理铺 suspended=true",
        ),
        (boss, "/console/merchants", 2, "suspended=false"),
        (boss, "/console/drafts", 1, "state=submitted"),
        (boss, "/console/merchant-applications", 1, "state=applied"),
        (boss, "/console/merchant-applications", 2, "state=admitted"),
        (boss, members, 1, "frozen=true"),
        (
            boss,
            "/console/plans",
            1,
            r#"plan=3 terms.vip_by_kept_sales=["50.00","1000.00"]"#,
        ),
        // By the newest plan, of which both are counted by what others have kept.
        (boss, members, 1, "verified_age=34 rank=1 vip=1"),
        (boss, decided, 1, "what=clawback"),
        (boss, decided, 1, "what=approve-clawback"),
        (boss, decided, 1, "what=verify-member"),
        (
            Who::Finance,
            refused,
            1,
            "rule=campaign_not_solvent who=staff",
        ),
        (Who::Finance, refused, 1, "rule=self_excluded who=member"),
        (Who::Finance, refused, 1, "rule=purchase_over"),
        (boss, "/console/payments", 1, "reason=purchase_over"),
        // Nobody has a phone of a gateway's member.
        (boss, members, 1, "phone_masked= inviter=0"),
        // Nor, any more, that of one who has deleted his account, which is the last thing to happen.
        (boss, members, 1, "phone_masked=null"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_part_of_the_shop_has_something_to_show() {
    let dir = tempfile::tempdir().unwrap();
    let mut demo = Demo::open(dir.path());
    let boss = demo.staff("demo").await;
    for merchant in ["0", "1"] {
        let path = format!("/console/merchants/{merchant}/staff");
        demo.has(&boss, &path, 2, "any").await;
    }
    let mut staff = BTreeMap::new();
    for (who, name) in Who::ALL {
        staff.insert(who, demo.staff(name).await);
    }
    let shown = [shop(), groups(), money(), people()];
    let mut missing = Vec::new();
    for (who, path, wanted, like) in shown.into_iter().flatten() {
        let sought = demo.sought(&staff[&who], path, wanted, like).await;
        if let Err(page) = sought {
            missing.push(format!("{path} has no {wanted} of {like}: {page}"));
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    let drafts = "merchant=0 number=2";
    let statements = demo.has(&boss, "/console/statements", 1, drafts).await;
    assert_ne!(statements["items"][0]["amount"], "0.00", "{statements}");
    demo.shows_pages(&staff[&Who::Finance]).await;
    demo.shows_turns_to_treat(&staff[&Who::TeaTill]).await;
    demo.shows_guests().await;
    let notices = std::fs::read_to_string(dir.path().join("notices.log")).unwrap();
    assert!(notices.contains("\"kind\":\"not_won\""), "{notices}");
    let pid = rustix::process::Pid::from_child(&demo.child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(demo.child.wait().unwrap().success());
    let audit = potluck(&["audit"], dir.path()).output().unwrap();
    let page = String::from_utf8_lossy(&audit.stdout);
    assert!(page.contains("\nAUDIT PASSED\n"), "{page}");
}

impl Demo {
    async fn text(&self, cookie: &str, path: &str) -> String {
        let url = format!("{}/api/v1{path}", self.base);
        let request = self.http.get(url).header("cookie", cookie);
        request.send().await.unwrap().text().await.unwrap()
    }

    /// What is no list.
    async fn shows_pages(&self, finance: &str) {
        let notice = self.get("", "/campaigns/0/notice").await;
        assert_eq!(notice["organiser"]["contact"], "demo@example.com");
        // A group is drawn for whoever follows the README.
        assert_eq!(self.get("", "/groups/2").await["state"], "settled");
        assert_eq!(self.get("", "/campaigns/0").await["terms"]["plan"], 2);
        let cautious = self.get("", "/campaigns/1").await;
        assert_eq!(cautious["profile"], "cn-default");
        let circle = self.get("", "/circles/4").await;
        assert_eq!(circle["groups"].as_array().unwrap().len(), 2, "{circle}");
        let rights = self.text("", "/groups/8/draw/rights").await;
        for right in ["bought", "open"] {
            assert!(rights.contains(right), "{rights}");
        }
        let pools = self.get(finance, "/console/dividends").await;
        let of_plans = pools["pools"].as_array().unwrap();
        let second = of_plans.iter().find(|pool| pool["plan"] == 2).unwrap();
        assert_eq!(second["shared"]["period"], "day");
        // Midnight may have come meanwhile.
        let is_shared = !pools["items"].as_array().unwrap().is_empty();
        assert!(second["current"] == "38.00" || is_shared, "{pools}");
        // What is left of the envelope goes to the third plan's; the first one's is shared at the end of the month.
        for plan in [1, 3] {
            let pool = of_plans.iter().find(|pool| pool["plan"] == plan).unwrap();
            assert!(pool["current"] != "0.00" || is_shared, "{pools}");
        }
        let products = self.get("", "/shop/products").await;
        for product in products["items"].as_array().unwrap() {
            let picture = product["pictures"][0].as_str().unwrap();
            let url = format!("{}/api/v1/shop/pictures/{picture}", self.base);
            let picture = self.http.get(url).send().await.unwrap();
            assert_eq!(picture.headers()["content-type"], "image/png");
        }
        let days = "from=2026-01-01&to=2099-01-01";
        for (report, line) in [("withdrawals", ",paid"), ("tax", "winner-bonus")] {
            let csv = self.text(finance, &format!("/{report}.csv?{days}")).await;
            assert!(csv.contains(line), "{csv}");
        }
    }

    /// The second table of a circle goes on with the first one's.
    async fn shows_turns_to_treat(&self, till: &str) {
        let tables = self.get(till, "/counter/tables").await;
        let mut items = tables["items"].as_array().unwrap().iter();
        let second = items.find(|table| table["circle"].is_string()).unwrap();
        let circle = second["circle"].as_str().unwrap();
        let page = self.get("", &format!("/circles/{circle}")).await;
        assert_eq!(page["members"], 3, "{page}");
        assert_eq!(page["groups"], json!([circle, second["group"]]), "{page}");
    }

    /// What guests see for themselves; a code can be sent to them again, for the last thing that has happened was a minute in coming.
    async fn shows_guests(&self) {
        let first = self.guest("19900009001").await;
        self.shows_teams(&first).await;
        let connectors = self.get(&first, "/me/notices/connectors").await;
        let kinds = connectors["connectors"][0]["kinds"].as_array().unwrap();
        assert!(10 < kinds.len(), "{connectors}");
        let third = self.guest("19900009003").await;
        let limits = self.get(&third, "/me/limits").await;
        assert_eq!(limits["holds"]["entries_per_day"], 20, "{limits}");
        let fourth = self.guest("19900009004").await;
        let delivery = self.get(&fourth, "/me/delivery").await;
        assert_eq!(delivery["delivery"]["region"], "330106", "{delivery}");
        let unit = self.has(&fourth, "/me/recharges", 1, "paid=500.00").await;
        assert_eq!(unit["items"][1]["unit"]["sku"], "2");
        let sixth = self.guest("19900009006").await;
        let home = self.get(&sixth, "/me/home-store").await;
        assert_eq!(home["home"]["name"], "湖滨店", "{home}");
        let bought = "state=paid coins=12.00";
        let bills = self.has(&sixth, "/me/counter-payments", 1, bought).await;
        assert_ne!(bills["items"][0]["bought"], "0.00", "{bills}");
        let vip = self.get(&sixth, "/me/recharges").await;
        assert_eq!(vip["items"][0]["vip"]["level"], 2, "{vip}");
        let seventh = self.guest("19900009007").await;
        assert_eq!(self.get(&seventh, "/me/limits").await["excluded"], true);
        let back = "kind=recharge_refunded";
        self.has(&seventh, "/me/notices", 1, back).await;
    }

    /// What the first guest gets for those below him and for the county of which he is the agent: some of it waits until nothing can
    /// be returned any more, some is available.
    async fn shows_teams(&self, first: &str) {
        let lines = "/me/wallet/lines?limit=100&account";
        for program in ["differential", "same-level", "region"] {
            let (waits, paid) = (
                format!("{lines}=vesting"),
                format!("why.kind=reward why.program={program}"),
            );
            self.has(first, &waits, 1, &paid).await;
        }
        let (now, vested) = (
            format!("{lines}=available"),
            "why.kind=vested why.campaign=20",
        );
        self.has(first, &now, 1, vested).await;
    }

    async fn guest(&self, phone: &str) -> String {
        let wanted = json!({ "phone": phone });
        let sent = self.post("/sign-in/codes", &wanted).await;
        assert_eq!(sent.status(), 202, "{}", sent.text().await.unwrap());
        let inbox = self.get("", &format!("/demo/inbox?phone={phone}")).await;
        let code = &inbox["items"][0]["code"];
        let signs_in = json!({ "phone": phone, "code": code });
        self.session("/sign-in", &signs_in).await
    }
}
