//! What a server needs to know to start.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use payments::Channel;
use reqwest::Url;

use crate::http::Rate;
use crate::wire::DemoAccount;
use engine::Clock;

/// What a server needs to know to start.
#[derive(Clone)]
pub struct Config {
    /// Holds `journal.db`, `views.db`, `directory.db`, `beacon.key` and `snapshots/`; made if absent.
    pub data_dir: PathBuf,
    /// What browsers reach the platform by, without a trailing slash, e.g. `https://buy.example`.
    pub base_url: String,
    /// The payment channel.
    pub channel: Channel,
    /// Whether the channel is the sandbox's: `--demo` refuses to start beside a real one.
    pub channel_kind: ChannelKind,
    /// Where draws belong and take their randomness from.
    pub draw: DrawInstallation,
    /// Whether this is a demonstration.
    pub demo: Demo,
    /// How sign-in codes reach members.
    pub sign_in_codes: SignInCodes,
    /// Where a request's address comes from.
    pub client_address: ClientAddress,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// How much one identity may ask.
    pub limits: Limits,
    /// By what notices leave the platform.
    pub connectors: Connectors,
    /// How often workers look for something to do.
    pub pace: Pace,
}

/// Whose money moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelKind {
    /// Nobody's.
    Sandbox,
    /// People's.
    Real,
}

/// Where draws belong and take their randomness from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrawInstallation {
    /// Name of the log of this installation's draws (draw 9).
    pub log: draw::Origin,
    /// Source of campaigns that name none.
    pub source: DrawSource,
    /// Relays of drand, e.g. `https://api.drand.sh`; asked in this order.
    pub relays: Vec<String>,
    /// Local beacons whose key is lost for good, by the hash of their file: a start goes on although groups wait for
    /// them.
    pub given_up: Vec<draw::Hash>,
}

/// Source of randomness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DrawSource {
    /// The public beacon.
    DrandQuicknet,
    /// The key in `beacon.key`, made at the first start.
    Local {
        /// Unix seconds of its round 1.
        genesis: u64,
        /// Seconds between rounds, at least 1.
        period: u64,
    },
}

impl DrawSource {
    /// Seconds between a freeze and the earliest time of its round, of campaigns that name none (draw 2).
    pub(crate) fn delay_s(self) -> u64 {
        match self {
            DrawSource::DrandQuicknet => 60,
            DrawSource::Local { .. } => 3,
        }
    }
}

/// Whether this is a demonstration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Demo {
    /// No: there is no inbox and no list of accounts.
    Off,
    /// Yes: sign-in codes can be read by anybody who reaches this server.
    On {
        /// Accounts that visitors may use.
        accounts: Vec<DemoAccount>,
        /// Who may reach it.
        reach: DemoReach,
    },
}

impl Demo {
    /// Whether this is a demonstration.
    pub(crate) fn is_on(&self) -> bool {
        match self {
            Demo::Off => false,
            Demo::On { .. } => true,
        }
    }
}

/// Who may reach a demonstration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DemoReach {
    /// This machine alone: any other listening address is refused at the start.
    Loopback,
    /// Anybody (`--demo-public`).
    Public,
}

/// How sign-in codes reach members. There is no SMS connector yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInCodes {
    /// They do not, outside of a demonstration: asking for one answers 503 `no_sms_connector`.
    None,
    /// They stand in the log, where whoever runs the server finds them. For trials on one's own machine.
    Log,
}

/// Where a request's address comes from, for limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAddress {
    /// The connection's other end.
    Peer,
    /// The last entry of `X-Forwarded-For`, which a proxy in front must set.
    Forwarded,
}

/// By what notices leave the platform, where members allow it (rules 9.8).
#[derive(Clone, Debug, Default)]
pub struct Connectors {
    /// A file that gets a line for each.
    pub log: Option<PathBuf>,
    /// An address that gets a request for each.
    pub webhook: Option<Webhook>,
}

/// Who gets a signed request for each notice.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// Where.
    pub url: Url,
    /// What requests are signed with.
    pub secret: WebhookSecret,
    /// How long the receiver may take.
    pub within: Duration,
}

impl Webhook {
    /// How long a receiver may take: below what the server waits for its workers when it ends.
    pub const WITHIN: Duration = Duration::from_secs(8);
}

/// What requests of a webhook are signed with. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(String);

/// Fewest bytes of a webhook's secret.
pub const MIN_WEBHOOK_SECRET_BYTES: usize = 32;

/// A webhook's secret is too short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a webhook's secret has at least {MIN_WEBHOOK_SECRET_BYTES} bytes")]
pub struct ShortSecret;

impl WebhookSecret {
    /// Takes the secret that the receiver knows, too.
    pub fn new(secret: String) -> Result<WebhookSecret, ShortSecret> {
        if secret.len() < MIN_WEBHOOK_SECRET_BYTES {
            return Err(ShortSecret);
        }
        Ok(WebhookSecret(secret))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl std::fmt::Debug for WebhookSecret {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("WebhookSecret(…)")
    }
}

/// Whether an address is this machine's own.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host_str() {
        Some("localhost" | "[::1]") => true,
        Some(host) => {
            let address = host.parse::<std::net::Ipv4Addr>();
            address.is_ok_and(|address| address.is_loopback())
        }
        None => false,
    }
}

/// How much one identity may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests of one address.
    pub address: Rate,
    /// Writes of one member.
    pub member: Rate,
    /// Writes of one operator.
    pub operator: Rate,
    /// Items of one gateway.
    pub gateway: Rate,
    /// Sign-ins and codes of one address.
    pub sign_in: Rate,
    /// Beacon signatures of one address.
    pub signature: Rate,
    /// Most subscriptions to groups at once.
    pub subscriptions: usize,
    /// Most connections at once, as far as the system allows so many.
    pub connections: usize,
    /// Room for requests under way, in KiB: each takes 16 and its body, a gateway's batch 16 and ten times its body.
    pub room_kib: u32,
    /// How long a request's head may take to arrive, and how long a connection may be silent between two requests.
    pub head_within: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            address: Rate {
                burst: 400,
                per_second: 100,
            },
            member: Rate {
                burst: 60,
                per_second: 10,
            },
            operator: Rate {
                burst: 100,
                per_second: 20,
            },
            gateway: Rate {
                burst: 200_000,
                per_second: 100_000,
            },
            sign_in: Rate {
                burst: 20,
                per_second: 1,
            },
            signature: Rate {
                burst: 5,
                per_second: 1,
            },
            subscriptions: 10_000,
            connections: 12_000,
            room_kib: 64 * 1024,
            head_within: Duration::from_secs(30),
        }
    }
}

/// How often workers look for something to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Between two looks of the workers for refunds and draws.
    pub look: Duration,
    /// Before a refund that failed is tried again; doubled each time up to `retry_most`, with jitter.
    pub retry_first: Duration,
    /// Longest wait between two tries.
    pub retry_most: Duration,
    /// How long before a reservation lapses the channel is asked, for a callback that may never come.
    pub ask_before: Duration,
    /// When after the lapse it is asked again.
    pub ask_after: Duration,
    /// When the engine's state is written out, so that a start need not replay everything.
    pub snapshots: engine::SnapshotPolicy,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace {
            look: Duration::from_millis(250),
            retry_first: Duration::from_secs(1),
            retry_most: Duration::from_secs(300),
            ask_before: Duration::from_secs(10),
            ask_after: Duration::from_secs(300),
            snapshots: engine::SnapshotPolicy::default(),
        }
    }
}
