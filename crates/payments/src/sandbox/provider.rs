//! Starting and stopping the provider.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::{Notify, oneshot, watch};
use tokio::task::JoinHandle;

use crate::http;
use crate::sandbox::api::{self, App};
use crate::sandbox::book::Book;
use crate::sandbox::callbacks;
use crate::sandbox::faults::FaultBox;
use crate::sign::{ApiSecret, CallbackKey};

/// Where the provider keeps its book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BookLocation {
    /// In this file, made if absent. One provider at a time.
    File(PathBuf),
    /// In memory, gone with the provider.
    Memory,
}

/// A merchant that the provider knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merchant {
    /// Its number; letters, digits, `-` and `_`, at most 32.
    pub id: String,
    /// What its requests must be signed with.
    pub api_secret: ApiSecret,
}

/// When a callback that was not answered with 2xx is repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Wait before the second attempt; doubled each time.
    pub first: Duration,
    /// Longest wait between two attempts.
    pub longest: Duration,
    /// No attempt is made when the first is longer ago than this.
    pub give_up_after: Duration,
    /// How long the merchant has for its answer.
    pub answer_within: Duration,
}

impl Default for Retry {
    /// As real providers do, though more eager at first: 1 s, 2 s, 4 s … 1 min, for a day.
    fn default() -> Retry {
        Retry {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(60),
            give_up_after: Duration::from_secs(86_400),
            answer_within: Duration::from_secs(5),
        }
    }
}

impl Retry {
    /// Wait after the given number of failed attempts, in milliseconds.
    pub(crate) fn wait_ms(&self, attempts: u32) -> i64 {
        let doubled = 2u32.saturating_pow(attempts.saturating_sub(1));
        let wait = self.first.saturating_mul(doubled).min(self.longest);
        i64::try_from(wait.as_millis()).unwrap_or(i64::MAX / 2)
    }
}

/// What a provider needs to start.
#[derive(Clone, Debug)]
pub struct ProviderConfig {
    /// Where its book is.
    pub book: BookLocation,
    /// Whom it takes payments for.
    pub merchants: Vec<Merchant>,
    /// What payers' browsers reach it by, e.g. `https://pay.example`; absent: the listener's address.
    pub public_url: Option<String>,
    /// How callbacks are repeated.
    pub retry: Retry,
}

/// Why a provider does not start or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// The book cannot be opened; another provider may have it.
    #[error("cannot open the provider's book")]
    Book(#[source] rusqlite::Error),
    /// The book's signing key cannot be used.
    #[error("the provider's book has a damaged signing key")]
    Key,
    /// The HTTP client for callbacks cannot be made.
    #[error("cannot make the HTTP client for callbacks")]
    Client(#[source] reqwest::Error),
    /// The thread, runtime or listener cannot be set up, or the listener broke.
    #[error("cannot serve")]
    Serve(#[source] std::io::Error),
}

/// A provider with its book open, not serving yet.
pub struct Provider {
    config: ProviderConfig,
    book: Book,
    client: reqwest::Client,
}

impl Provider {
    /// Opens the book, and makes it at the first start, signing key included. Blocks on the disk.
    pub fn open(config: ProviderConfig) -> Result<Provider, ProviderError> {
        let book = Book::open(&config.book)?;
        let client = http::any_client(config.retry.answer_within).map_err(ProviderError::Client)?;
        Ok(Provider {
            config,
            book,
            client,
        })
    }

    /// What merchants check callbacks with; stays the same for a book.
    #[must_use]
    pub fn callback_key(&self) -> CallbackKey {
        self.book.signer().key()
    }

    /// Serves until `shutdown` is ready, then finishes what it has begun. Callbacks still pending
    /// are sent after the next start.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ProviderError> {
        let address = listener.local_addr().map_err(ProviderError::Serve)?;
        let (stop, stopping) = watch::channel(false);
        let public_url = match &self.config.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("http://{address}"),
        };
        let merchants = self.config.merchants.iter();
        let app = Arc::new(App {
            book: self.book,
            merchants: merchants
                .map(|m| (m.id.clone(), m.api_secret.clone()))
                .collect::<HashMap<_, _>>(),
            faults: FaultBox::default(),
            callbacks_due: Notify::new(),
            public_url,
            retry: self.config.retry,
            client: self.client,
            stopping,
        });
        let stopped = async move {
            shutdown.await;
            // Fails only if nobody is left to be told.
            let _ = stop.send(true);
        };
        let serving = axum::serve(listener, api::router(Arc::clone(&app)))
            .with_graceful_shutdown(stopped)
            .into_future();
        let (served, ()) = tokio::join!(serving, callbacks::deliver(&app));
        served.map_err(ProviderError::Serve)
    }

    /// Serves on threads of its own until stopped or dropped.
    ///
    /// Dropping is like killing the process: connections are cut at once, and what was not yet in
    /// the book is lost.
    pub fn spawn(self, listener: TcpListener) -> Result<Running, ProviderError> {
        let address = listener.local_addr().map_err(ProviderError::Serve)?;
        let listener = listener.into_std().map_err(ProviderError::Serve)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("sandbox-provider")
            .enable_all()
            .build()
            .map_err(ProviderError::Serve)?;
        let (stop, stopped) = oneshot::channel::<()>();
        let callback_key = self.callback_key();
        let server = runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).map_err(ProviderError::Serve)?;
            // A sender that was dropped stops the provider, too.
            self.serve(listener, async move { drop(stopped.await) })
                .await
        });
        let (stop, server, runtime) = (Some(stop), Some(server), Some(runtime));
        Ok(Running {
            address,
            callback_key,
            stop,
            server,
            runtime,
        })
    }
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provider")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// A provider at work; see [`Provider::spawn`].
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    callback_key: CallbackKey,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<Result<(), ProviderError>>>,
    runtime: Option<Runtime>,
}

impl Running {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens, as the beginning of an address: `http://127.0.0.1:1234`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What merchants check callbacks with.
    #[must_use]
    pub fn callback_key(&self) -> CallbackKey {
        self.callback_key
    }

    /// Stops in good order: open requests are answered first.
    pub async fn stop(mut self) -> Result<(), ProviderError> {
        drop(self.stop.take());
        match self.server.take() {
            Some(server) => server
                .await
                .unwrap_or_else(|error| Err(ProviderError::Serve(std::io::Error::other(error)))),
            None => Ok(()),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            server.abort();
        }
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
