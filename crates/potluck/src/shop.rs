//! The demonstration shop: its operator, its capital, its campaigns, and what is said when it is open.
//!
//! It is filled through the public API like any shop, by the operator that the start has made.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use engine::{Clock, SystemClock};
use reqwest::{Client, StatusCode, header};
use serde_json::{Value, json};
use server::StaffError;
use views::DirectoryError;

use crate::shop_life::{GUEST, Life};

/// The demonstration's operator.
pub(crate) const OPERATOR: &str = "demo";
/// A phone number to sign in with.
pub(crate) const VISITOR_PHONE: &str = "13800000001";
/// What the shop's owner has put in, in yuan.
const CAPITAL: &str = "100000.00";
/// Other kinds and programs, then the worked examples of the rules, which so stand first on the page.
const EXAMPLES: [&str; 12] = [
    include_str!("../../../examples/chance.toml"),
    include_str!("../../../examples/winner-bonus.toml"),
    include_str!("../../../examples/differential.toml"),
    include_str!("../../../examples/ballot.toml"),
    include_str!("../../../examples/turns.toml"),
    include_str!("../../../examples/dividend.toml"),
    include_str!("../../../examples/region.toml"),
    include_str!("../../../examples/bonus-draw.toml"),
    include_str!("../../../examples/everyone-buys.toml"),
    include_str!("../../../examples/e0.toml"),
    include_str!("../../../examples/e1.toml"),
    include_str!("../../../examples/e2.toml"),
];

/// Makes the operator unless he is there; returns his password, which stays in a file that only the owner reads.
pub(crate) async fn demo_operator(data: &Path) -> Result<String, String> {
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
    match server::operator_add(data, OPERATOR, &password, Clock::now(&SystemClock)).await {
        Ok(_) | Err(StaffError::Directory(DirectoryError::NameTaken(_))) => Ok(password),
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

/// Deposits capital and publishes the examples, unless the shop has campaigns already; then what goes on in it.
pub(crate) async fn open(base_url: &str, password: &str) -> Result<Option<Life>, String> {
    let api = format!("{base_url}/api/v1");
    let client = Client::builder()
        .timeout(Duration::from_secs(30))
        .build()
        .map_err(|error| error.to_string())?;
    until_ready(&client, base_url).await?;
    let campaigns: Value = get(&client, &format!("{api}/campaigns")).await?;
    if campaigns["items"]
        .as_array()
        .is_some_and(|items| !items.is_empty())
    {
        return Ok(None);
    }
    let cookie = sign_in(&client, &api, password).await?;
    post(
        &client,
        &format!("{api}/capital"),
        &cookie,
        &json!({ "amount": CAPITAL, "reason": "a demonstration begins" }),
    )
    .await?;
    for example in EXAMPLES {
        let terms = toml_to_json(example)?;
        post(
            &client,
            &format!("{api}/campaigns?reason=an+example"),
            &cookie,
            &terms,
        )
        .await?;
    }
    crate::shop_merchant::open(client, api, cookie, password)
        .await
        .map(Some)
}

/// Longest wait for views that are being rebuilt.
const READY_WITHIN: Duration = Duration::from_secs(600);

/// Waits until the views stand where the journal stands: what is not shown yet may be there all the same.
async fn until_ready(client: &Client, base_url: &str) -> Result<(), String> {
    let began = Instant::now();
    while began.elapsed() < READY_WITHIN {
        let response = client
            .get(format!("{base_url}/readyz"))
            .send()
            .await
            .map_err(|error| error.to_string())?;
        if response.status().is_success() {
            let answer: Value = response.json().await.map_err(|error| error.to_string())?;
            if answer["head"] == answer["applied"] {
                return Ok(());
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err("the views are not ready after ten minutes".to_owned())
}

/// A campaign file in the JSON form that the API takes; the schema is the same.
fn toml_to_json(text: &str) -> Result<Value, String> {
    toml::from_str::<Value>(text).map_err(|error| error.to_string())
}

async fn sign_in(client: &Client, api: &str, password: &str) -> Result<String, String> {
    let body = json!({ "name": OPERATOR, "password": password });
    let (cookie, _) = session(client, &format!("{api}/operator/sign-in"), &body).await?;
    Ok(cookie)
}

/// Signs a member in with the code from the demonstration's inbox, invited by this code if he is new; his cookies and card.
pub(crate) async fn member(
    client: &Client,
    api: &str,
    phone: &str,
    invite: &Value,
) -> Result<(String, Value), String> {
    let body = json!({ "phone": phone });
    post(client, &format!("{api}/sign-in/codes"), "", &body).await?;
    let inbox = get(client, &format!("{api}/demo/inbox?phone={phone}")).await?;
    let mut body = json!({ "phone": phone, "code": inbox["items"][0]["code"] });
    if invite.is_string() {
        body["invite"] = invite.clone();
    }
    let (cookie, mut answer) = session(client, &format!("{api}/sign-in"), &body).await?;
    Ok((cookie, answer["member"].take()))
}

/// Signs somebody in; returns his cookies and the answer.
pub(crate) async fn session(
    client: &Client,
    url: &str,
    body: &Value,
) -> Result<(String, Value), String> {
    let request = client
        .post(url)
        .header("Idempotency-Key", random_hex(8)?)
        .json(body);
    let response = request.send().await.map_err(|error| error.to_string())?;
    if response.status() != StatusCode::OK {
        return Err(format!(
            "{url}: the demonstration's staff cannot sign in: {}",
            response.text().await.unwrap_or_default()
        ));
    }
    let cookies = response.headers().get_all(header::SET_COOKIE).iter();
    let pairs =
        cookies.filter_map(|cookie| cookie.to_str().ok()?.split(';').next().map(str::to_owned));
    let cookies = pairs.collect::<Vec<_>>().join("; ");
    let answer = response.json().await.map_err(|error| error.to_string())?;
    Ok((cookies, answer))
}

pub(crate) async fn get(client: &Client, url: &str) -> Result<Value, String> {
    get_as(client, url, "").await
}

pub(crate) async fn get_as(client: &Client, url: &str, cookie: &str) -> Result<Value, String> {
    let response = client
        .get(url)
        .header(header::COOKIE, cookie)
        .send()
        .await
        .map_err(|error| error.to_string())?;
    response.json().await.map_err(|error| error.to_string())
}

pub(crate) async fn post(
    client: &Client,
    url: &str,
    cookie: &str,
    body: &Value,
) -> Result<Value, String> {
    let request = client
        .post(url)
        .header(header::COOKIE, cookie)
        .header("Idempotency-Key", random_hex(8)?)
        .json(body);
    let response = request.send().await.map_err(|error| error.to_string())?;
    if !response.status().is_success() {
        return Err(format!(
            "{url}: {}",
            response.text().await.unwrap_or_default()
        ));
    }
    response.json().await.map_err(|error| error.to_string())
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
    println!(
        "  As merchant   name {}   or cashier   name {}   password {password}   over HTTP only: they have no pages yet",
        crate::shop_merchant::MERCHANT,
        crate::shop_merchant::CASHIER
    );
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
        let password = demo_operator(dir.path()).await.unwrap();
        assert_eq!(password.len(), 16);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), password);
        assert_eq!(demo_operator(dir.path()).await.unwrap(), password);
    }

    #[tokio::test]
    async fn a_lost_directory_is_not_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        let directory = dir.path().join("directory.db");
        demo_operator(dir.path()).await.unwrap();
        assert!(directory.exists());
        std::fs::write(dir.path().join("journal.db"), "").unwrap();
        std::fs::remove_file(&directory).unwrap();
        demo_operator(dir.path()).await.unwrap();
        assert!(!directory.exists());
    }
}
