//! Starts and ends everything: journal, engine, views, directory, workers, listeners.
//!
//! Listeners answer from the first moment: while the journal is read back, health says alive and everything else
//! `starting`, so that nobody takes a long recovery for a dead process.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use domain::{BeaconSource, MemberId, Millis};
use engine::{Engine, EngineConfig, EngineHandle, EngineThreads, RecordReader, Stop};
use journal::{Journal, SqliteJournal};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use views::{Directory, JournalId, Place, Projector, Views};

use crate::app::{App, Identities};
use crate::audit::{Audit, AuditQueue};
use crate::auth::{CodePace, CounterCodes};
use crate::beacon::{BeaconSetupError, Beacons};
use crate::config::{ChannelKind, Config, Demo, DemoReach, DrawSource};
use crate::http::{Doors, Problem};
use crate::people::People;
use crate::{
    api, audit, draws, follower, lost_beacons, money, notices, ops, parts, people_money, web,
};

/// How long requests that have begun may take to end once the server is to stop.
const END_WITHIN: Duration = Duration::from_secs(10);

/// Why a server does not start, or stopped by itself.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Settings that must not be used together.
    #[error("{0}")]
    Settings(&'static str),
    /// The data directory cannot be made.
    #[error("cannot make the data directory {}", path.display())]
    DataDir {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The journal cannot be opened; another process may have it.
    #[error("cannot open the journal")]
    Journal(#[from] journal::OpenError),
    /// The journal cannot be read.
    #[error("cannot read the journal")]
    Read(#[from] journal::ReadError),
    /// The journal's last record cannot be read.
    #[error("cannot read the journal's last record")]
    LastRecord(#[from] engine::FollowError),
    /// The engine does not start.
    #[error("the engine does not start")]
    Engine(#[from] engine::StartError),
    /// The engine gives no reader.
    #[error("the views cannot follow the journal")]
    Reader(#[from] engine::ReaderError),
    /// The views cannot be opened.
    #[error("cannot open the views")]
    Views(#[from] views::StoreError),
    /// The directory cannot be opened.
    #[error("cannot open the directory")]
    Directory(#[from] views::DirectoryError),
    /// The beacons cannot be set up.
    #[error(transparent)]
    Beacon(#[from] BeaconSetupError),
    /// Groups wait for a beacon whose key is gone.
    #[error(
        "{} {state}, but {full} full and {open} open groups are to be drawn with beacon {beacon}: put its key back, \
         or, if it is lost for good, start with --give-up-beacon {beacon}: then the full groups become void 24 hours \
         after their round, nobody can join the open ones, and all who paid for them are refunded in the end",
        path.display()
    )]
    BeaconLost {
        /// Where the key should be.
        path: PathBuf,
        /// What is there instead.
        state: &'static str,
        /// The beacon's hash.
        beacon: draw::Hash,
        /// Groups that wait for their draw.
        full: u64,
        /// Groups that can still fill.
        open: u64,
    },
    /// Registrations that were begun before cannot be submitted again.
    #[error("registrations cannot be submitted again: {0}")]
    Resubmit(String),
    /// Directory and journal are not of the same moment.
    #[error(
        "the directory knows member {directory}, but the journal has only {journal} members (numbers from 0): \
         directory.db is newer than journal.db, as after restoring only one of them; put back both from one backup"
    )]
    DirectoryNewer {
        /// The highest member number in the directory.
        directory: MemberId,
        /// How many members the journal has.
        journal: u32,
    },
    /// The directory is gone while the journal is there.
    #[error(
        "{} is missing, but the journal is there: all phones, sign-ins, operators and secrets of draws were in it; \
         put it back, or, to go on without them, begin an empty one with `potluck operator add`",
        path.display()
    )]
    DirectoryLost {
        /// Where it should be.
        path: PathBuf,
    },
    /// The journal is gone while other parts know of it.
    #[error(
        "{} is missing or empty, but {} {knows}: part of this directory was lost; restore the journal from a copy, or, \
         to begin with an empty one, move {} away",
        journal.display(), witness.display(), witness.display()
    )]
    JournalLost {
        /// Where it should be.
        journal: PathBuf,
        /// What tells that there was one.
        witness: PathBuf,
        /// What it tells.
        knows: String,
    },
    /// The journal has lost records that its views have seen.
    #[error(
        "the journal ends at record {head}, but views.db has seen record {seen} of it: its end was lost, or an older \
         copy was put back; put back the whole directory, or, to give up what came after record {head}, move \
         views.db away and start again"
    )]
    EndLost {
        /// The last record that the views have seen.
        seen: u64,
        /// The last record that is there.
        head: u64,
    },
    /// The journal cannot be asked.
    #[error("the engine does not answer")]
    Ask(#[from] engine::SubmitError),
    /// The log of notices cannot be written.
    #[error("cannot write notices to {}", path.display())]
    NoticeLog {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// No HTTP client.
    #[error("cannot make the HTTP client for the webhook of notices")]
    Webhook(#[source] reqwest::Error),
    /// A listener broke.
    #[error("cannot serve")]
    Listen(#[source] std::io::Error),
    /// The engine stopped: what it has in memory is ahead of the disk, or it found a mistake in this program.
    #[error("the engine has stopped")]
    Stopped(#[source] Stop),
    /// A task of the server broke off.
    #[error("a task of the server broke off: {0}")]
    Task(String),
}

/// A server that runs.
pub struct Running {
    addr: SocketAddr,
    shutdown: watch::Sender<bool>,
    ready: watch::Receiver<bool>,
    task: JoinHandle<Result<(), ServeError>>,
}

impl Running {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Waits until it answers requests; false if it never will.
    pub async fn ready(&mut self) -> bool {
        self.ready.wait_for(|ready| *ready).await.is_ok()
    }

    /// Ends it in order and waits for that.
    pub async fn stop(self) -> Result<(), ServeError> {
        // Nobody listens where it has ended by itself; the task says why.
        let _ = self.shutdown.send(true);
        self.ended().await
    }

    /// Waits until it ends by itself.
    pub async fn ended(self) -> Result<(), ServeError> {
        self.task
            .await
            .unwrap_or_else(|error| Err(ServeError::Task(error.to_string())))
    }
}

/// Starts a server on a listener, in a task of its own.
pub fn start(config: Config, listener: TcpListener) -> Result<Running, ServeError> {
    let addr = listener.local_addr().map_err(ServeError::Listen)?;
    let (shutdown, mut asked) = watch::channel(false);
    let (to_ready, ready) = watch::channel(false);
    let stop = async move {
        let _ = asked.wait_for(|stop| *stop).await;
    };
    let task = tokio::spawn(run(config, vec![listener], stop, to_ready));
    Ok(Running {
        addr,
        shutdown,
        ready,
        task,
    })
}

/// Serves until `shutdown` is ready, or the engine stops, which is an error. `ready` becomes true when requests are
/// answered.
pub async fn serve(
    config: Config,
    listeners: Vec<TcpListener>,
    shutdown: impl Future<Output = ()> + Send + 'static,
    ready: watch::Sender<bool>,
) -> Result<(), ServeError> {
    run(config, listeners, shutdown, ready).await
}

async fn run(
    config: Config,
    listeners: Vec<TcpListener>,
    shutdown: impl Future<Output = ()> + Send + 'static,
    ready: watch::Sender<bool>,
) -> Result<(), ServeError> {
    check(&config, &listeners)?;
    let stop = watch::Sender::new(false);
    let doors = Arc::new(Doors::new(&config.limits, starting));
    let mut servers = JoinSet::new();
    for listener in listeners {
        servers.spawn(doors.clone().listen(listener, stop.subscribe()));
    }
    tokio::pin!(shutdown);
    let started = tokio::select! {
        started = open(config, stop.clone()) => started?,
        () = &mut shutdown => return Ok(()),
    };
    let Started {
        app,
        threads,
        mut workers,
    } = started;
    doors.open(router(app.clone()));
    ready.send_replace(true);
    tracing::info!(base_url = app.config.base_url, "the platform is open");
    let why = tokio::select! {
        why = app.engine.stopped() => Some(why),
        () = &mut shutdown => None,
        ended = servers.join_next() => {
            tracing::error!(?ended, "a listener has ended by itself");
            None
        }
    };
    stop.send_replace(true);
    let ending = async {
        while servers.join_next().await.is_some() {}
        while workers.join_next().await.is_some() {}
    };
    if tokio::time::timeout(END_WITHIN, ending).await.is_err() {
        tracing::warn!(
            "requests or workers were broken off after {} s",
            END_WITHIN.as_secs()
        );
    }
    end(app, threads, why).await
}

/// What a server runs with.
pub(crate) struct Started {
    pub(crate) app: Arc<App>,
    threads: EngineThreads,
    workers: JoinSet<()>,
}

/// Makes the data directory where it is absent, for its owner alone: phones and keys are in it.
pub fn make_data_dir(dir: &std::path::Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
}

/// Settings that must not be used together.
fn check(config: &Config, listeners: &[TcpListener]) -> Result<(), ServeError> {
    let Demo::On { reach, .. } = &config.demo else {
        return Ok(());
    };
    if config.channel_kind == ChannelKind::Real {
        return Err(ServeError::Settings(
            "a demonstration does not start beside a real payment channel",
        ));
    }
    let public = |listener: &TcpListener| {
        listener
            .local_addr()
            .map_or(true, |addr| !addr.ip().is_loopback())
    };
    if *reach == DemoReach::Loopback && listeners.iter().any(public) {
        let text =
            "a demonstration listens on this machine alone; to show it to others say --demo-public";
        return Err(ServeError::Settings(text));
    }
    Ok(())
}

/// Opens everything and starts the workers.
async fn open(config: Config, stop: watch::Sender<bool>) -> Result<Started, ServeError> {
    let dir = config.data_dir.clone();
    make_data_dir(&dir).map_err(|source| ServeError::DataDir { path: dir, source })?;
    parts::no_lost_journal(&config.data_dir, config.clock.now()).await?;
    let opened = open_journal(&config.data_dir).await?;
    if opened.1.head_seq == 0 {
        parts::nothing_knows_one(&config.data_dir, config.clock.now()).await?;
    }
    open_on(opened, config, stop).await
}

/// Opens everything else over a journal.
pub(crate) async fn open_on(
    (opened, journal): (Box<dyn Journal>, JournalId),
    config: Config,
    stop: watch::Sender<bool>,
) -> Result<Started, ServeError> {
    crate::tls::install();
    let dir = config.data_dir.clone();
    let key_file = dir.join("beacon.key");
    let mut beacons = Beacons::open(&key_file, &config.draw.relays)?;
    let now = config.clock.now();
    let place = Place::from(dir.join("views.db").as_path());
    parts::its_end_is_there(&place, &journal).await?;
    let path = dir.join("directory.db");
    parts::directory_is_there(&path, &journal)?;
    let directory = Directory::open(&Place::from(path.as_path()), now).await?;
    let (engine, threads) = start_engine(opened, &config).await?;
    parts::same_moment(&directory, &engine).await?;
    directory.unread_after(journal.head_seq).await?;
    let connectors = notices::Set::open(&config.connectors, &directory).await?;
    beacons.lost = lost_beacons::check(&beacons, &engine, &config, &key_file).await?;
    if matches!(config.draw.source, DrawSource::Local { .. }) {
        beacons.make_local(&key_file)?;
    }
    let projector = Projector::open(&place, &journal).await?;
    let views = Views::open(&place, projector.progress()).await?;
    let reader = engine.reader(projector.applied().saturating_add(1)).await?;
    let stopped_at = time_of(&engine, journal.head_seq).await?;
    let people = People::new(directory, &dir.join("directory.db"), config.demo.is_on());
    people
        .resubmit(&engine)
        .await
        .map_err(|problem| ServeError::Resubmit(problem.detail().to_owned()))?;
    let (audit, queue) = Audit::new();
    let app = Arc::new(App {
        installation: installation(&config, &beacons),
        limits: Identities::new(&config.limits),
        subscriptions: Arc::new(tokio::sync::Semaphore::new(config.limits.subscriptions)),
        passwords: tokio::sync::Semaphore::new(2),
        strays: tokio::sync::Mutex::new(()),
        approving: tokio::sync::Mutex::new(()),
        leaving: crate::api::Leaving::default(),
        turns: crate::once::Turns::new(),
        codes: CodePace::default(),
        counter_codes: CounterCodes::default(),
        news: follower::News::default(),
        pay_pages: money::PayPages::default(),
        reservations: money::Reservations::new(stopped_at),
        confirmer: money::Confirmer::new(config.channel.clone()),
        groups: crate::terms::Groups::default(),
        counted: crate::http::Counted::default(),
        metrics: ops::recorder(),
        audit,
        beacons,
        config,
        engine,
        people,
        views,
        stop,
    });
    people_money::warn(&app).await;
    let mut workers = workers(&app, projector, reader, queue);
    connectors.start(&app, &mut workers);
    Ok(Started {
        app,
        threads,
        workers,
    })
}

/// Opens the journal for writing, which blocks.
async fn open_journal(dir: &Path) -> Result<(Box<dyn Journal>, JournalId), ServeError> {
    let dir = dir.to_owned();
    let opening = tokio::task::spawn_blocking(move || {
        let journal = SqliteJournal::open(&dir)?;
        let id = journal_id(&journal)?;
        Ok((Box::new(journal) as Box<dyn Journal>, id))
    });
    opening
        .await
        .map_err(|error| ServeError::Task(error.to_string()))?
}

/// Reads the journal back, which may take minutes and blocks.
async fn start_engine(
    journal: Box<dyn Journal>,
    config: &Config,
) -> Result<(EngineHandle, EngineThreads), ServeError> {
    let (clock, snapshots) = (config.clock.clone(), config.pace.snapshots);
    let starting = tokio::task::spawn_blocking(move || {
        let mut engine = EngineConfig::new(journal);
        engine.clock = clock;
        engine.snapshots = Some(snapshots);
        Ok(Engine::start(engine)?)
    });
    starting
        .await
        .map_err(|error| ServeError::Task(error.to_string()))?
}

/// When a record was written; the beginning of time where there is none yet.
async fn time_of(engine: &EngineHandle, seq: u64) -> Result<Millis, ServeError> {
    let mut reader = engine.reader(seq.max(journal::FIRST_SEQ)).await?;
    let reading = tokio::task::spawn_blocking(move || reader.read(1));
    let records = reading
        .await
        .map_err(|error| ServeError::Task(error.to_string()))??;
    Ok(records.first().map_or(Millis(0), |stored| stored.record.at))
}

fn journal_id(journal: &dyn Journal) -> Result<JournalId, ServeError> {
    let batches = journal.reader()?.read(journal::FIRST_SEQ, 1)?;
    let first_batch = batches.first().map(|batch| batch.head().hash);
    Ok(JournalId {
        first_batch,
        head_seq: journal.head().last_seq(),
    })
}

/// What campaigns take from this installation.
fn installation(config: &Config, beacons: &Beacons) -> schema::Installation {
    let source = match config.draw.source {
        DrawSource::DrandQuicknet => BeaconSource::DrandQuicknet,
        DrawSource::Local { genesis, period } => {
            let beacon = beacons
                .local_file(genesis, period)
                .map(|file| file.hash().0)
                .unwrap_or_default();
            BeaconSource::Local {
                beacon,
                genesis,
                period,
            }
        }
    };
    schema::Installation {
        log: config.draw.log.clone(),
        source,
        delay_s: config.draw.source.delay_s(),
        own: None,
    }
}

fn workers(
    app: &Arc<App>,
    projector: Projector,
    reader: RecordReader,
    queue: AuditQueue,
) -> JoinSet<()> {
    let mut workers = JoinSet::new();
    workers.spawn(until_stop(
        app,
        follower::run(app.clone(), projector, reader),
    ));
    workers.spawn(until_stop(app, money::watch_reservations(app.clone())));
    for watched in [money::Watched::Purchases, money::Watched::Counters] {
        workers.spawn(until_stop(app, money::watch_direct(app.clone(), watched)));
    }
    workers.spawn(until_stop(app, money::run_refunds(app.clone())));
    workers.spawn(until_stop(app, money::run_payouts(app.clone())));
    workers.spawn(until_stop(app, money::watch_books(app.clone())));
    workers.spawn(until_stop(app, draws::run(app.clone())));
    workers.spawn(audit::run(app.clone(), queue));
    workers.spawn(ops::keep_house(app.clone()));
    workers
}

/// Breaks a worker off when the server is to stop. Each can be broken off anywhere: what it has not noted is done again
/// after the next start.
fn until_stop(
    app: &Arc<App>,
    work: impl Future<Output = ()> + Send + 'static,
) -> impl Future<Output = ()> + Send + 'static {
    let app = app.clone();
    async move {
        tokio::select! {
            () = work => {}
            () = app.stopping() => {}
        }
    }
}

/// Ends the engine, then closes what is left. The engine's own reason is louder than an orderly end.
async fn end(app: Arc<App>, threads: EngineThreads, why: Option<Stop>) -> Result<(), ServeError> {
    let ended = tokio::task::spawn_blocking(move || threads.shutdown()).await;
    app.views.close().await;
    app.people.directory().close().await;
    let ended = ended.map_err(|error| ServeError::Task(error.to_string()))?;
    match (why, ended) {
        (_, Err(why)) | (Some(why @ (Stop::Journal(_) | Stop::Panicked { .. })), Ok(())) => {
            // The engine has said why, and whoever runs the server says it once more at the end.
            Err(ServeError::Stopped(why))
        }
        (None | Some(Stop::Shutdown), Ok(())) => {
            tracing::info!("the platform is closed");
            Ok(())
        }
    }
}

/// What is answered while the journal is read back.
fn starting(request: &Request) -> Response {
    if request.uri().path() == "/healthz" {
        return ops::alive().into_response();
    }
    let detail = "the journal is being read back; come again in a moment";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "starting", detail)
        .retry_after(2)
        .into_response()
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    Problem::fault("a handler panicked", &"the message stands above").into_response()
}

fn router(app: Arc<App>) -> Router {
    let (api, _) = api::router();
    api.route("/healthz", get(ops::healthz))
        .route("/readyz", get(ops::readyz))
        .route("/metrics", get(ops::metrics_text))
        .route("/openapi.json", get(ops::openapi))
        .fallback(web::fallback)
        .method_not_allowed_fallback(|| async { web::method_unknown() })
        // One layer made of three, for each costs every request something. The first is outermost.
        .layer((
            CompressionLayer::new(),
            axum::middleware::from_fn_with_state(app.clone(), crate::http::around),
            CatchPanicLayer::custom(panicked),
        ))
        .with_state(app)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// While the journal is read back a client is told to come again, and a watchdog that the process lives.
    #[tokio::test]
    async fn what_is_answered_while_the_platform_starts() {
        let ask = |path: &str| {
            let request = Request::builder().uri(path).body(axum::body::Body::empty());
            starting(&request.unwrap())
        };
        assert_eq!(ask("/healthz").status(), StatusCode::OK);
        let answer = ask("/api/v1/campaigns");
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.headers()["retry-after"], "2");
        let body = axum::body::to_bytes(answer.into_body(), 10_000)
            .await
            .unwrap();
        let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem["code"], "starting");
    }
}
