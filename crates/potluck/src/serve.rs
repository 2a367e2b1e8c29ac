//! `potluck serve`: the platform on one machine.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, sync::Arc};

use engine::{Clock, SnapshotPolicy};
use payments::{
    ApiSecret, CallbackKey, Channel, ChannelConfig,
    sandbox::{BookLocation, Merchant, Provider, ProviderConfig, Retry},
};
use server::{
    ChannelKind, ClientAddress, Config, Connectors, Demo, DemoAccount, DemoReach, DrawInstallation,
    DrawSource, Limits, Pace, Rate, SignInCodes, Webhook, WebhookSecret, chain,
};
use tokio::{net::TcpListener, sync::watch};

use crate::before::{self, LostBook};
use crate::{crowd, shop};

/// Our number at the sandbox.
pub(crate) const SANDBOX_MERCHANT: &str = "potluck";
/// Round 1 of a local beacon: 2023-11-14T22:13:20Z, before any installation.
const LOCAL_GENESIS_S: u64 = 1_700_000_000;
/// Seconds between a local beacon's rounds.
const LOCAL_PERIOD_S: u64 = 3;

/// Run the platform
#[derive(Debug, clap::Args)]
pub(crate) struct ServeArgs {
    /// Directory of the journal, views and directory; made if absent
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// What browsers reach the platform by; absent: the listening address
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// A demonstration: sandbox payments, example campaigns, a public inbox of sign-in codes, members made by a program
    #[arg(long)]
    demo: bool,
    /// Let a demonstration be reached from other machines
    #[arg(long, requires = "demo")]
    demo_public: bool,
    /// Without the members made by a program
    #[arg(long, requires = "demo")]
    no_crowd: bool,
    /// Take payments through the built-in sandbox (implied by --demo); no other channel is built yet
    #[arg(long)]
    sandbox: bool,
    /// Address the sandbox's payment pages listen on; absent: the port after the platform's
    #[arg(long, value_name = "ADDRESS")]
    sandbox_listen: Option<SocketAddr>,
    /// What browsers reach the sandbox by; absent: its listening address
    #[arg(long, value_name = "URL")]
    sandbox_url: Option<String>,
    /// Begin the sandbox's book anew where it is lost; what was paid by the old one can never be refunded
    #[arg(long)]
    new_sandbox: bool,
    /// For tests: the sandbox runs elsewhere, and POTLUCK_SANDBOX_SECRET is our secret there
    #[arg(long, hide = true, requires_all = ["sandbox", "sandbox_key"], value_name = "URL")]
    sandbox_elsewhere: Option<String>,
    /// The public key of its notices
    #[arg(long, hide = true, requires = "sandbox_elsewhere", value_name = "HEX")]
    sandbox_key: Option<String>,
    /// Most seconds of journal between two snapshots of the state in memory
    #[arg(long, default_value_t = 600, value_name = "SECONDS")]
    snapshot_every: u32,
    /// Source of campaigns that name none
    #[arg(long, value_enum, default_value_t = SourceArg::Local)]
    draw_source: SourceArg,
    /// Name of this installation's log of draws
    #[arg(long, default_value = "potluck.localhost/log", value_name = "NAME")]
    log_origin: String,
    /// A relay of drand, asked in the order given
    #[arg(long = "relay", value_name = "URL", default_values_t = ["https://api.drand.sh".to_owned(), "https://drand.cloudflare.com".to_owned()])]
    relays: Vec<String>,
    /// Start although groups wait for this local beacon, whose key is lost; they can never be drawn
    #[arg(long, value_name = "HASH")]
    give_up_beacon: Vec<draw::Hash>,
    /// Write members' sign-in codes to the log; for trials on one's own machine
    #[arg(long)]
    log_sign_in_codes: bool,
    /// Append a line to FILE for each notice that its member allows to go out by the log
    #[arg(long, value_name = "FILE")]
    notice_log: Option<PathBuf>,
    /// Post each notice that its member allows to go out by the webhook to URL, signed with POTLUCK_WEBHOOK_SECRET
    #[arg(long, value_name = "URL")]
    notice_webhook: Option<String>,
    /// Take the client's address from the last entry of X-Forwarded-For, which a proxy in front must set
    #[arg(long)]
    behind_proxy: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum SourceArg {
    /// The public beacon
    DrandQuicknet,
    /// The installation's own key; every draw is shown as level 0
    Local,
}

/// Runs until it is told to stop.
pub(crate) fn run(args: &ServeArgs) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("no runtime: {error}")),
    };
    match runtime.block_on(serve(args)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => fail(&message),
    }
}

async fn serve(args: &ServeArgs) -> Result<(), String> {
    if !args.demo && !args.sandbox {
        return Err("no payment channel: only the sandbox is built yet; add --sandbox, or --demo for a whole shop".to_owned());
    }
    server::make_data_dir(&args.data).map_err(|error| {
        format!(
            "cannot make the data directory {}: {error}",
            args.data.display()
        )
    })?;
    before::free_and_writable(&args.data)?;
    server::no_lost_journal(&args.data, engine::SystemClock.now())
        .await
        .map_err(|error| chain(&error))?;
    let listener = bind(args.listen).await?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let base_url = args
        .base_url
        .clone()
        .unwrap_or_else(|| format!("http://{address}"));
    let (provider, channel) = match &args.sandbox_elsewhere {
        Some(url) => (None, sandbox_elsewhere(args, url, address, &base_url)?),
        None => {
            let lost = if args.new_sandbox {
                LostBook::BeginAnew
            } else {
                LostBook::Refuse
            };
            before::book_and_journal(&args.data, lost)?;
            let (provider, channel) = start_sandbox(args, address, &base_url).await?;
            (Some(provider), channel)
        }
    };
    let password = if args.demo {
        Some(shop::demo_staff(&args.data).await?)
    } else {
        None
    };
    let config = config(args, &base_url, channel, password.as_deref())?;
    let (stop, stopping) = tokio::sync::oneshot::channel::<()>();
    // A dropped sender stops it, too.
    let shutdown = async move { drop(stopping.await) };
    let (is_ready, ready) = watch::channel(false);
    let mut platform = tokio::spawn(server::serve(config, vec![listener], shutdown, is_ready));
    let ended = tokio::select! {
        ended = &mut platform => return ended.map_err(|error| error.to_string())?.map_err(|error| chain(&error)),
        ended = run_shop(args, &base_url, password.as_deref(), ready) => ended,
    };
    drop(stop);
    let closed = platform
        .await
        .map_err(|error| error.to_string())?
        .map_err(|error| chain(&error));
    let provider_closed = match provider {
        Some(provider) => provider.stop().await.map_err(|error| chain(&error)),
        None => Ok(()),
    };
    ended.and(closed).and(provider_closed)
}

/// Opens the shop if there is one, once the platform is ready, and keeps it until somebody asks to stop.
async fn run_shop(
    args: &ServeArgs,
    base_url: &str,
    password: Option<&str>,
    mut ready: watch::Receiver<bool>,
) -> Result<(), String> {
    let stop = asked_to_stop();
    tokio::pin!(stop);
    let opening = async {
        if ready.wait_for(|ready| *ready).await.is_err() {
            // The platform has ended, and says why.
            std::future::pending::<()>().await;
        }
        open_shop(args, base_url, password).await
    };
    let crowd = tokio::select! {
        opened = opening => opened?,
        ended = &mut stop => return ended,
    };
    let ended = stop.await;
    if let Some(crowd) = crowd {
        crowd.abort();
    }
    ended
}

/// The demonstration's campaigns and members, and a word of welcome.
async fn open_shop(
    args: &ServeArgs,
    base_url: &str,
    password: Option<&str>,
) -> Result<Option<tokio::task::JoinHandle<()>>, String> {
    let Some(password) = password else {
        println!("Potluck serves at {base_url}");
        return Ok(None);
    };
    let life = shop::open(base_url, &args.data, password).await?;
    shop::greet(base_url, password);
    let (base_url, has_crowd) = (base_url.to_owned(), !args.no_crowd);
    Ok(Some(tokio::spawn(async move {
        let begun = match life {
            Some(life) => life.begin().await,
            None => None,
        };
        let sponsor = begun.as_ref().and_then(shop::Stage::sponsor);
        let history = async {
            if let Some(stage) = begun {
                stage.go_on().await;
            }
        };
        let crowd = async {
            if has_crowd {
                crowd::keep_alive(base_url, sponsor).await;
            }
        };
        tokio::join!(history, crowd);
    })))
}

async fn bind(address: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address)
        .await
        .map_err(|error| format!("cannot listen on {address}: {error}"))
}

async fn start_sandbox(
    args: &ServeArgs,
    address: SocketAddr,
    base_url: &str,
) -> Result<(payments::sandbox::Running, Channel), String> {
    let next = SocketAddr::new(address.ip(), address.port().checked_add(1).unwrap_or(0));
    let listener = bind(args.sandbox_listen.unwrap_or(next)).await?;
    let sandbox_address = listener.local_addr().map_err(|error| error.to_string())?;
    let secret = shop::random_hex(32)?;
    let provider = Provider::open(ProviderConfig {
        book: BookLocation::File(args.data.join("sandbox.db")),
        merchants: vec![Merchant {
            id: SANDBOX_MERCHANT.to_owned(),
            api_secret: ApiSecret::new(secret.clone()),
        }],
        public_url: args.sandbox_url.clone(),
        retry: Retry::default(),
    });
    let provider = provider.map_err(|error| {
        let says = chain(&error);
        if !says.contains("locked") {
            return says;
        }
        let data = args.data.display();
        format!("{says} (does another potluck run on {data}?)")
    })?;
    let callback_key = provider.callback_key();
    let running = provider.spawn(listener).map_err(|error| chain(&error))?;
    let provider_url = format!("http://{sandbox_address}");
    let channel = channel(provider_url, secret, callback_key, address, base_url)?;
    Ok((running, channel))
}

/// The channel to a sandbox that outlives this process.
fn sandbox_elsewhere(
    args: &ServeArgs,
    url: &str,
    address: SocketAddr,
    base_url: &str,
) -> Result<Channel, String> {
    let secret = std::env::var("POTLUCK_SANDBOX_SECRET")
        .map_err(|error| format!("POTLUCK_SANDBOX_SECRET: {error}"))?;
    let key = CallbackKey::from_hex(args.sandbox_key.as_deref().unwrap_or(""))
        .map_err(|error| format!("--sandbox-key: {error}"))?;
    channel(url.to_owned(), secret, key, address, base_url)
}

fn channel(
    provider_url: String,
    secret: String,
    callback_key: CallbackKey,
    address: SocketAddr,
    base_url: &str,
) -> Result<Channel, String> {
    let channel = Channel::new(ChannelConfig {
        provider_url,
        merchant_id: SANDBOX_MERCHANT.to_owned(),
        api_secret: ApiSecret::new(secret),
        callback_key,
        notify_url: format!("http://{address}/api/v1/channels/notify"),
        return_url: format!("{base_url}/pay/return?payment={{order_no}}"),
        timeout: ChannelConfig::DEFAULT_TIMEOUT,
    });
    channel.map_err(|error| chain(&error))
}

fn config(
    args: &ServeArgs,
    base_url: &str,
    channel: Channel,
    password: Option<&str>,
) -> Result<Config, String> {
    let log =
        draw::Origin::new(&args.log_origin).map_err(|error| format!("--log-origin: {error}"))?;
    let source = match args.draw_source {
        SourceArg::DrandQuicknet => DrawSource::DrandQuicknet,
        SourceArg::Local => DrawSource::Local {
            genesis: LOCAL_GENESIS_S,
            period: LOCAL_PERIOD_S,
        },
    };
    let demo = match password {
        None => Demo::Off,
        Some(password) => Demo::On {
            accounts: demo_accounts(password),
            reach: if args.demo_public {
                DemoReach::Public
            } else {
                DemoReach::Loopback
            },
        },
    };
    Ok(Config {
        data_dir: args.data.clone(),
        base_url: base_url.trim_end_matches('/').to_owned(),
        channel,
        channel_kind: ChannelKind::Sandbox,
        draw: DrawInstallation {
            log,
            source,
            relays: args.relays.clone(),
            given_up: args.give_up_beacon.clone(),
        },
        sign_in_codes: if args.log_sign_in_codes {
            SignInCodes::Log
        } else {
            SignInCodes::None
        },
        client_address: if args.behind_proxy {
            ClientAddress::Forwarded
        } else {
            ClientAddress::Peer
        },
        connectors: connectors(args)?,
        clock: Arc::new(engine::SystemClock),
        limits: limits(&demo),
        pace: Pace {
            snapshots: SnapshotPolicy {
                journal_time: domain::Duration::seconds(args.snapshot_every),
                ..SnapshotPolicy::default()
            },
            ..Pace::default()
        },
        demo,
    })
}

/// By what notices leave the platform.
fn connectors(args: &ServeArgs) -> Result<Connectors, String> {
    let webhook = args.notice_webhook.as_deref().map(webhook).transpose()?;
    // A demonstration has one that every member may allow: a file beside its other data.
    let own = args.demo.then(|| args.data.join("notices.log"));
    Ok(Connectors {
        log: args.notice_log.clone().or(own),
        webhook,
    })
}

fn webhook(url: &str) -> Result<Webhook, String> {
    let url = reqwest::Url::parse(url).map_err(|error| format!("--notice-webhook: {error}"))?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err("--notice-webhook: the address begins with https:// or http://".to_owned());
    }
    let secret = std::env::var("POTLUCK_WEBHOOK_SECRET")
        .map_err(|error| format!("POTLUCK_WEBHOOK_SECRET: {error}"))?;
    let secret =
        WebhookSecret::new(secret).map_err(|error| format!("POTLUCK_WEBHOOK_SECRET: {error}"))?;
    let within = Webhook::WITHIN;
    Ok(Webhook {
        url,
        secret,
        within,
    })
}

/// In a demonstration a hundred members come from this one machine.
fn limits(demo: &Demo) -> Limits {
    let limits = Limits::default();
    match demo {
        Demo::Off => limits,
        Demo::On { .. } => Limits {
            address: Rate {
                burst: 2_000,
                per_second: 500,
            },
            sign_in: Rate {
                burst: 200,
                per_second: 20,
            },
            ..limits
        },
    }
}

fn demo_accounts(password: &str) -> Vec<DemoAccount> {
    vec![
        DemoAccount {
            role: "member".to_owned(),
            name: shop::VISITOR_PHONE.to_owned(),
            note: "sign in with this phone, or any other, and the code from the inbox".to_owned(),
        },
        DemoAccount {
            role: "operator".to_owned(),
            name: shop::OPERATOR.to_owned(),
            note: format!(
                "console; the password was printed where the server was started ({} characters)",
                password.len()
            ),
        },
        DemoAccount {
            role: "operator".to_owned(),
            name: shop::SECOND.to_owned(),
            note: "approves what the first one asks for; the same password".to_owned(),
        },
        DemoAccount {
            role: "finance".to_owned(),
            name: shop::FINANCE.to_owned(),
            note: "reads the books and moves money; the same password, over HTTP".to_owned(),
        },
    ]
}

/// Waits for an interrupt or a request to terminate.
async fn asked_to_stop() -> Result<(), String> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| error.to_string())?;
    tokio::select! {
        _ = tokio::signal::ctrl_c() => Ok(()),
        _ = terminate.recv() => Ok(()),
    }
}

fn fail(message: &str) -> ExitCode {
    eprintln!("potluck serve: {message}");
    ExitCode::FAILURE
}
