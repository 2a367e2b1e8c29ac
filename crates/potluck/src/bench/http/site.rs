//! The platform that is measured: the real server with its router, sign-in and limits, over real HTTP on this machine.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use domain::{MemberId, Millis};
use engine::Clock;
use payments::{
    ApiSecret, CallbackKey, Channel, ChannelConfig,
    sandbox::{BookLocation, Merchant, Provider, ProviderConfig, Retry},
};
use serde_json::json;
use server::{
    ChannelKind, ClientAddress, Config, Demo, DrawInstallation, DrawSource, Limits, Pace,
    SignInCodes,
};
use tokio::runtime::Runtime;
use views::SessionOf;

use super::client::{Caller, Connection};
use super::standin;
use server::chain;

/// Our number at the provider.
pub(super) const MERCHANT: &str = "potluck";
/// What a seat costs, in fen.
pub(super) const PRICE_FEN: i64 = 1000;
/// Seats of each group.
pub(super) const SEATS: u32 = 10_000;
/// Seats of each group that are taken: none fills while it is measured.
pub(super) const TAKEN: u32 = 9_000;
/// Groups that one member opens: each costs him two writes, of sixty that he may make at once. Groups and members are
/// numbered from 0 in the order in which they are made, so a group's number over this is its leader's.
pub(super) const GROUPS_EACH: usize = 25;
const PASSWORD: &str = "bench bench bench";
const OPERATOR_SECRET: &str = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

/// Whom the platform asks about payments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum ProviderKind {
    /// One whose book is arithmetic
    StandIn,
    /// The sandbox, with its book in memory
    Sandbox,
}

/// How large it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) gateways: usize,
    /// Members of each gateway.
    pub(super) members: usize,
    /// How many of them have signed in.
    pub(super) sessions: usize,
    pub(super) groups: usize,
}

/// A gateway with its members.
#[derive(Debug)]
pub(super) struct Gateway {
    pub(super) caller: Caller,
    pub(super) members: Vec<u32>,
}

/// A platform that is open and ready to be measured.
pub(super) struct Site {
    pub(super) address: SocketAddr,
    /// Where the sandbox answers, if that is the provider.
    pub(super) sandbox: Option<SocketAddr>,
    pub(super) gateways: Vec<Gateway>,
    /// Members who have signed in.
    pub(super) members: Vec<Caller>,
    pub(super) groups: Vec<u64>,
    server: Option<server::Running>,
    runtime: Option<Runtime>,
    provider: Option<payments::sandbox::Running>,
}

impl Site {
    /// Opens a platform in a fresh directory.
    pub(super) async fn open(dir: &Path, kind: ProviderKind, size: Size) -> Result<Site, String> {
        let listener =
            std::net::TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
        listener
            .set_nonblocking(true)
            .map_err(|error| error.to_string())?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let (channel, provider) = channel(kind, address).await?;
        let now = engine::SystemClock.now();
        let operator = server::operator_add(dir, "bench", PASSWORD, now)
            .await
            .map_err(|error| chain(&error))?;
        let operator = [(SessionOf::Operator(operator), OPERATOR_SECRET.to_owned())];
        put_sessions(dir, &operator).await?;
        let mut keys = Vec::new();
        for number in 0..size.gateways {
            let added = server::gateway_add(dir, &format!("bench {number}"), now).await;
            keys.push(added.map_err(|error| chain(&error))?.1);
        }
        let (runtime, server) = serve(config(dir, address, channel)?, listener).await?;
        let mut site = Site {
            address,
            sandbox: provider.as_ref().map(|provider| provider.address()),
            gateways: Vec::new(),
            members: Vec::new(),
            groups: Vec::new(),
            server: Some(server),
            runtime: Some(runtime),
            provider,
        };
        let mut connection = Connection::open(address).await?;
        let campaign = publish(&mut connection).await?;
        let leaders = size.groups.div_ceil(GROUPS_EACH);
        for (number, key) in keys.iter().enumerate() {
            let caller = Caller::gateway(key, &format!("10.1.0.{}", number + 1));
            let members = register(&mut connection, &caller, leaders + size.members).await?;
            site.gateways.push(Gateway { caller, members });
        }
        site.sign_in(dir, leaders + size.sessions).await?;
        site.open_groups(&mut connection, &campaign, size.groups)
            .await?;
        // Who leads a group has his seat in it.
        site.members.drain(..leaders);
        for gateway in &mut site.gateways {
            gateway.members.drain(..leaders);
        }
        Ok(site)
    }

    /// Signs members in.
    async fn sign_in(&mut self, dir: &Path, count: usize) -> Result<(), String> {
        let of_all = self.gateways.iter().flat_map(|gateway| &gateway.members);
        let session = |member: u32| {
            let secret = format!("{:064x}", u128::from(member) + 1);
            (SessionOf::Member(MemberId(member)), secret)
        };
        let sessions: Vec<_> = of_all.take(count).map(|member| session(*member)).collect();
        put_sessions(dir, &sessions).await?;
        for (number, (_, secret)) in sessions.iter().enumerate() {
            let address = format!("10.2.{}.{}", number / 250, number % 250 + 1);
            self.members.push(Caller::member(secret, &address));
        }
        Ok(())
    }

    /// Opens groups whose leaders have paid.
    async fn open_groups(
        &mut self,
        connection: &mut Connection,
        campaign: &str,
        count: usize,
    ) -> Result<(), String> {
        let path = format!("/api/v1/campaigns/{campaign}/groups");
        let mut key = 0;
        for number in 0..count {
            let leader = self
                .members
                .get(number / GROUPS_EACH)
                .ok_or("too few members have signed in")?;
            key += 1;
            let opened = expect(201, connection.post(&path, leader, key, "{}").await?)?;
            let group = text(&opened["group"]).parse();
            self.groups.push(group.map_err(|_| "no group".to_owned())?);
            let payment = text(&opened["payment"]["id"]).to_owned();
            if let Some(sandbox) = self.sandbox {
                let mut provider = Connection::open(sandbox).await?;
                let page = path_of(text(&opened["payment"]["pay_url"]))?;
                let paid = provider.post(page, &Caller::nobody(), 0, "").await?;
                if paid.status != 303 {
                    return Err(format!("not paid: {paid}"));
                }
            }
            let path = format!("/api/v1/payments/{payment}?refresh=true");
            let page = expect(200, connection.get(&path, leader).await?)?;
            if page["state"] != "paid" {
                return Err(format!("a leader has not paid: {page}"));
            }
        }
        Ok(())
    }

    /// Ends it in order.
    pub(super) async fn close(mut self) -> Result<(), String> {
        if let Some(server) = self.server.take() {
            server.stop().await.map_err(|error| chain(&error))?;
        }
        match self.provider.take() {
            Some(provider) => provider.stop().await.map_err(|error| chain(&error)),
            None => Ok(()),
        }
    }
}

/// A runtime must not be waited for where others run.
impl Drop for Site {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Puts sessions into the directory, as sign-ins do.
async fn put_sessions(dir: &Path, sessions: &[(SessionOf, String)]) -> Result<(), String> {
    let now = engine::SystemClock.now();
    let place = views::Place::from(dir.join("directory.db").as_path());
    let directory = views::Directory::open(&place, now)
        .await
        .map_err(|error| chain(&error))?;
    for (of, secret) in sessions {
        let session = views::Session {
            of: *of,
            expires_at: Millis(i64::MAX),
        };
        directory
            .put_session(&draw::hash(secret.as_bytes()).0, &session, now)
            .await
            .map_err(|error| chain(&error))?;
    }
    directory.close().await;
    Ok(())
}

async fn serve(
    config: Config,
    listener: std::net::TcpListener,
) -> Result<(Runtime, server::Running), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_name("server")
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let starting = runtime.spawn(async move {
        let listener =
            tokio::net::TcpListener::from_std(listener).map_err(server::ServeError::Listen)?;
        let mut server = server::start(config, listener)?;
        if server.ready().await {
            return Ok(server);
        }
        server.ended().await?;
        Err(server::ServeError::Task("it has ended".to_owned()))
    });
    let started = starting.await.map_err(|error| error.to_string())?;
    Ok((runtime, started.map_err(|error| chain(&error))?))
}

async fn channel(
    kind: ProviderKind,
    platform: SocketAddr,
) -> Result<(Channel, Option<payments::sandbox::Running>), String> {
    let secret = ApiSecret::new("bench");
    let (url, callback_key, provider) = match kind {
        ProviderKind::StandIn => {
            let address = standin::spawn()?;
            (format!("http://{address}"), CallbackKey([0; 32]), None)
        }
        ProviderKind::Sandbox => {
            let provider = Provider::open(ProviderConfig {
                book: BookLocation::Memory,
                merchants: vec![Merchant {
                    id: MERCHANT.to_owned(),
                    api_secret: secret.clone(),
                }],
                public_url: None,
                retry: Retry::default(),
            });
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
                .await
                .map_err(|error| error.to_string())?;
            let provider = provider
                .and_then(|provider| provider.spawn(listener))
                .map_err(|error| chain(&error))?;
            (provider.url(), provider.callback_key(), Some(provider))
        }
    };
    let channel = Channel::new(ChannelConfig {
        provider_url: url,
        merchant_id: MERCHANT.to_owned(),
        api_secret: secret,
        callback_key,
        notify_url: format!("http://{platform}/api/v1/channels/notify"),
        return_url: format!("http://{platform}/pay/{{order_no}}"),
        timeout: ChannelConfig::DEFAULT_TIMEOUT,
    });
    Ok((channel.map_err(|error| chain(&error))?, provider))
}

/// As `potluck serve` sets it up behind a proxy, which is where the addresses of many members come from.
fn config(dir: &Path, address: SocketAddr, channel: Channel) -> Result<Config, String> {
    Ok(Config {
        data_dir: dir.to_owned(),
        base_url: format!("http://{address}"),
        channel,
        channel_kind: ChannelKind::Sandbox,
        draw: DrawInstallation {
            log: draw::Origin::new("potluck.localhost/log").map_err(|error| error.to_string())?,
            source: DrawSource::Local {
                genesis: 1_700_000_000,
                period: 3,
            },
            relays: Vec::new(),
            given_up: Vec::new(),
        },
        demo: Demo::Off,
        sign_in_codes: SignInCodes::None,
        client_address: ClientAddress::Forwarded,
        clock: Arc::new(engine::SystemClock),
        limits: Limits::default(),
        connectors: server::Connectors::default(),
        pace: Pace {
            // The channel is asked about a reservation only when it is due, not while others are measured.
            ask_before: Duration::from_secs(1),
            ..Pace::default()
        },
    })
}

/// Publishes the campaign that is joined; answers with its number.
async fn publish(connection: &mut Connection) -> Result<String, String> {
    let operator = Caller::operator(OPERATOR_SECRET);
    let capital = json!({ "amount": "1000000.00", "reason": "a run" }).to_string();
    let answer = connection.post("/api/v1/capital", &operator, 1, &capital);
    expect(200, answer.await?)?;
    let file = json!({
        "name": { "zh": "大团", "en": "Large group" },
        "kind": "draw",
        "profile": "seed",
        "product": { "title": { "zh": "茶", "en": "Tea" }, "cost": "2.00" },
        "group": {
            "price": "10.00", "seats": SEATS, "winners": 100, "fill_within": "24h", "payment_window": "30m",
        },
        "reward": [{ "program": "consolation", "cash": "0.00", "coins": "1.00" }],
    });
    let file = file.to_string();
    let answer = connection.post("/api/v1/campaigns?reason=a+run", &operator, 2, &file);
    Ok(text(&expect(201, answer.await?)?["id"]).to_owned())
}

/// Registers members of a gateway; answers with their numbers.
async fn register(
    connection: &mut Connection,
    gateway: &Caller,
    count: usize,
) -> Result<Vec<u32>, String> {
    let mut members = Vec::with_capacity(count);
    let tokens: Vec<usize> = (0..count).collect();
    for chunk in tokens.chunks(1000) {
        let items: Vec<_> = chunk
            .iter()
            .map(|number| json!({ "token": format!("{number:032x}") }))
            .collect();
        let body = json!({ "items": items }).to_string();
        let answer = connection.post("/api/v1/gateway/members", gateway, 0, &body);
        let answered = expect(200, answer.await?)?;
        for item in answered["items"].as_array().into_iter().flatten() {
            let member = text(&item["member"]).parse();
            members.push(member.map_err(|_| format!("not registered: {item}"))?);
        }
    }
    Ok(members)
}

pub(super) fn text(value: &serde_json::Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The part of an address behind the host.
pub(super) fn path_of(address: &str) -> Result<&str, String> {
    let behind = address.split_once("://").map(|(_, behind)| behind);
    let start = behind.and_then(|behind| Some(address.len() - behind.len() + behind.find('/')?));
    let path = start.and_then(|start| address.get(start..));
    path.ok_or_else(|| format!("no address: {address:?}"))
}

fn expect(status: u16, answer: super::client::Answer<'_>) -> Result<serde_json::Value, String> {
    if answer.status == status {
        answer.json()
    } else {
        Err(format!("{answer}"))
    }
}
