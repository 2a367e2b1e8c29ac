//! The demonstration shop: its staff, its capital, its campaigns, and what is said when it is open.
//!
//! It is filled through the public API like any shop, by the people that the start has made.

mod api;
mod goods;
mod groups;
mod life;
mod merchants;
mod money;
mod people;
mod picture;
mod teams;
mod treats;

use std::path::{Path, PathBuf};

use domain::OperatorId;
use engine::{Clock, SystemClock};
use serde_json::{Value, json};
use server::StaffError;
use views::DirectoryError;

use api::{Api, because, text};
use life::GUEST;
pub(crate) use life::Stage;
use merchants::{CASHIER, MERCHANT};

/// The demonstration's operator.
pub(crate) const OPERATOR: &str = "demo";
/// A second one, who approves what the first one asks for, and somebody of finance; with the same password.
pub(crate) const SECOND: &str = "demo-second";
pub(crate) const FINANCE: &str = "demo-finance";
/// A phone number to sign in with.
pub(crate) const VISITOR_PHONE: &str = "13800000001";
/// What the shop's owner has put in, in yuan.
const CAPITAL: &str = "100000.00";
/// What shows more of the platform than the examples do, and small enough to be over soon.
const OWN: [&str; 3] = [
    include_str!("../../demo/members-day.toml"),
    include_str!("../../demo/afternoon-tea.toml"),
    include_str!("../../demo/teapot-ballot.toml"),
];
/// Other kinds and programs, then the worked examples of the rules, which so stand first on the page.
const EXAMPLES: [&str; 12] = [
    include_str!("../../../../examples/chance.toml"),
    include_str!("../../../../examples/winner-bonus.toml"),
    include_str!("../../../../examples/differential.toml"),
    include_str!("../../../../examples/ballot.toml"),
    include_str!("../../../../examples/turns.toml"),
    include_str!("../../../../examples/dividend.toml"),
    include_str!("../../../../examples/region.toml"),
    include_str!("../../../../examples/bonus-draw.toml"),
    include_str!("../../../../examples/everyone-buys.toml"),
    include_str!("../../../../examples/e0.toml"),
    include_str!("../../../../examples/e1.toml"),
    include_str!("../../../../examples/e2.toml"),
];
/// Refused for what it could cost.
const INSOLVENT: &str = include_str!("../../../../examples/e2-fee.toml");

/// The shop as it was opened, with what its history needs.
pub(crate) struct Life {
    api: Api,
    /// Where a gateway is added, as an operator does on the machine.
    data: PathBuf,
    /// Of all accounts of the demonstration.
    password: String,
    /// Cookies.
    operator: String,
    second: String,
    /// Numbers of campaigns, in the order of [`OWN`] and [`EXAMPLES`].
    campaigns: Vec<String>,
}

impl Life {
    /// Who asks for what needs two, and who approves.
    fn operators(&self) -> [&str; 2] {
        [&self.operator, &self.second]
    }
}

/// Makes the operators and finance unless they are there; returns their password, which stays in a file that only the owner reads.
pub(crate) async fn demo_staff(data: &Path) -> Result<String, String> {
    let path = data.join("demo-operator-password");
    let password = match std::fs::read_to_string(&path) {
        Ok(password) if !password.trim().is_empty() => password.trim().to_owned(),
        Ok(_) | Err(_) => {
            let password = random_hex(8)?;
            write_private(&path, &password)
                .map_err(|error| format!("{}: {error}", path.display()))?;
            password
        }
    };
    // A directory that was lost must not be begun anew unasked: the start that follows refuses and says why.
    if data.join("journal.db").exists() && !data.join("directory.db").exists() {
        return Ok(password);
    }
    let now = Clock::now(&SystemClock);
    for name in [OPERATOR, SECOND] {
        is_there(server::operator_add(data, name, &password, now).await)?;
    }
    is_there(server::finance_add(data, FINANCE, &password, now).await)?;
    Ok(password)
}

fn is_there(added: Result<OperatorId, StaffError>) -> Result<(), String> {
    match added {
        Ok(_) | Err(StaffError::Directory(DirectoryError::NameTaken(_))) => Ok(()),
        Err(error) => Err(server::chain(&error)),
    }
}

/// Made whole under another name and then renamed, so that a crash leaves no half password.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let unfinished = path.with_extension("part");
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&unfinished)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(unfinished, path)
}

/// Random bytes as hex.
pub(crate) fn random_hex(bytes: usize) -> Result<String, String> {
    let mut random = vec![0; bytes];
    getrandom::fill(&mut random).map_err(|error| format!("no randomness: {error}"))?;
    Ok(draw::to_hex(&random))
}

/// Deposits capital and publishes the campaigns, unless the shop has some already; then what its history needs.
pub(crate) async fn open(
    base_url: &str,
    data: &Path,
    password: &str,
) -> Result<Option<Life>, String> {
    let api = Api::new(base_url)?;
    api.ready().await?;
    let campaigns = api.get("", "/campaigns").await?;
    if campaigns["items"]
        .as_array()
        .is_some_and(|items| !items.is_empty())
    {
        return Ok(None);
    }
    let mut life = Life {
        operator: api.staff(OPERATOR, password).await?,
        second: api.staff(SECOND, password).await?,
        api,
        data: data.to_owned(),
        password: password.to_owned(),
        campaigns: Vec::new(),
    };
    life.begin_business().await?;
    for file in OWN.into_iter().chain(EXAMPLES) {
        let published = life.published(file).await?;
        life.campaigns.push(published);
    }
    goods::open(&life.api, &life.operator).await?;
    Ok(Some(life))
}

impl Life {
    /// Publishes a campaign; its number.
    async fn published(&self, file: &str) -> Result<String, String> {
        let terms = toml_to_json(file)?;
        let path = "/campaigns?reason=an+example";
        text(&self.api.post(&self.operator, path, &terms).await?, "id")
    }

    /// Capital, who runs the shop, and the second plan of its members, which pays dividends every day by rank.
    async fn begin_business(&self) -> Result<(), String> {
        let capital = json!({ "amount": CAPITAL, "reason": "a demonstration begins" });
        let organiser = because(json!({
            "name": { "zh": "演示店，无人经营", "en": "A demonstration that nobody runs" },
            "contact": "demo@example.com",
        }));
        let rank =
            |invitees: u32, sales: &str| json!({ "invitees": invitees, "team_sales": sales });
        let plan = because(json!({
            "vip_by_invitees": [1, 2, 4],
            "ranks": [rank(1, "100.00"), rank(2, "1000.00"), rank(4, "10000.00")],
            "leader_rank": 1,
            "dividend": { "period": "day", "weights_by_rank": [1, 2, 4] },
        }));
        let operators = self.operators();
        self.api.decided(operators, "/capital", &capital).await?;
        let path = "/console/organiser";
        self.api.post(&self.operator, path, &organiser).await?;
        self.api.decided(operators, "/console/plans", &plan).await
    }
}

/// A campaign file in the JSON form that the API takes; the schema is the same.
fn toml_to_json(text: &str) -> Result<Value, String> {
    toml::from_str::<Value>(text).map_err(|error| error.to_string())
}

/// Says where to go and who to be: one address, and the accounts to use.
pub(crate) fn greet(base_url: &str, password: &str) {
    println!();
    println!(
        "  Potluck is open: a demonstration with sandbox payments. Nothing here moves real money."
    );
    println!();
    println!("  Open          {base_url}");
    println!(
        "  As a member   sign in with phone {VISITOR_PHONE} (or any other); the code stands in the page's inbox"
    );
    println!(
        "                phone {GUEST} has a wallet, orders and notices already; sign in after a minute"
    );
    println!("  As operator   {base_url}/console   name {OPERATOR}   password {password}");
    println!();
    println!("  With the same password, over HTTP only, for they have no pages yet:");
    println!(
        "                name {SECOND}, who approves what {OPERATOR} asks for; {FINANCE}, who moves money;"
    );
    println!("                {MERCHANT}, a merchant, and {CASHIER}, his cashier");
    println!(
        "  Members marked 演示 are a program. Groups of five leave their last seat to you for about a minute."
    );
    println!("  Stop with Ctrl-C; the shop goes on where it was at the next start.");
    println!();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_half_written_when_the_machine_stopped_is_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("demo-operator-password");
        std::fs::write(&path, "").unwrap();
        std::fs::write(path.with_extension("part"), "ha").unwrap();
        let password = demo_staff(dir.path()).await.unwrap();
        assert_eq!(password.len(), 16);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), password);
        assert_eq!(demo_staff(dir.path()).await.unwrap(), password);
    }

    #[tokio::test]
    async fn a_lost_directory_is_not_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        let directory = dir.path().join("directory.db");
        demo_staff(dir.path()).await.unwrap();
        assert!(directory.exists());
        std::fs::write(dir.path().join("journal.db"), "").unwrap();
        std::fs::remove_file(&directory).unwrap();
        demo_staff(dir.path()).await.unwrap();
        assert!(!directory.exists());
    }
}
