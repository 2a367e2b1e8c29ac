//! The way into the engine.

use std::sync::Arc;
use std::sync::mpsc::Sender;

use domain::{Answer, Refusal, Request, World};
use journal::{JournalReader, ReadError};
use tokio::sync::{oneshot, watch};

use crate::MAX_COMMANDS_PER_REQUEST;
use crate::append::Work;
use crate::error::{SnapshotNowError, Stop, SubmitError};
use crate::follow::RecordReader;
use crate::message::{Deliver, Lane, Message, Outcome};
use crate::metrics::Metrics;
use crate::recovery::Recovered;
use crate::shared::Shared;
use crate::snapshots::{Order, SnapshotTaken};

/// What an accepted command is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The answer.
    pub answer: Answer,
    /// A reader that has seen the record with this sequence has seen the effect. When the same key came again, or
    /// nothing was left to do, the effect is an earlier one and this is the last record at that time.
    pub seq: u64,
}

/// The way into the engine; clones lead into the same one.
///
/// An answer is given only when it and everything it rests on is durable. A caller who stops waiting does not undo
/// his command.
#[derive(Clone)]
pub struct EngineHandle {
    pub(crate) shared: Arc<Shared>,
    pub(crate) writer: Sender<Message>,
    pub(crate) append: Sender<Work>,
    pub(crate) snapshots: Option<Sender<Order>>,
}

impl EngineHandle {
    /// Executes one command; answers once it is durable.
    pub async fn submit(&self, request: Request) -> Result<Reply, SubmitError> {
        one(self.send_one(request)?.await)
    }

    /// Like [`submit`](Self::submit), for threads; panics when called from asynchronous code.
    pub fn submit_blocking(&self, request: Request) -> Result<Reply, SubmitError> {
        one(self.send_one(request)?.blocking_recv())
    }

    /// Executes commands in this order; answers once all are durable. Each is accepted or refused by itself: they
    /// are no transaction, and after a stop some may have taken effect.
    ///
    /// At most [`MAX_COMMANDS_PER_REQUEST`], or as many as the queue holds if that is less.
    pub async fn submit_many(
        &self,
        requests: Vec<Request>,
    ) -> Result<Vec<Result<Reply, Refusal>>, SubmitError> {
        self.send_many(requests)?
            .await
            .map_err(|_| SubmitError::Stopped)
    }

    /// Like [`submit_many`](Self::submit_many), for threads; panics when called from asynchronous code.
    pub fn submit_many_blocking(
        &self,
        requests: Vec<Request>,
    ) -> Result<Vec<Result<Reply, Refusal>>, SubmitError> {
        self.send_many(requests)?
            .blocking_recv()
            .map_err(|_| SubmitError::Stopped)
    }

    /// Asks the world; answers with the sequence it stood at, once all it shows is durable. Counts as one command.
    ///
    /// The question runs on the writer's thread: it must be short, bounded and must not panic.
    pub async fn query<R, Q>(&self, question: Q) -> Result<(R, u64), SubmitError>
    where
        R: Send + 'static,
        Q: FnOnce(&World) -> R + Send + 'static,
    {
        self.send_query(question)?
            .await
            .map_err(|_| SubmitError::Stopped)
    }

    /// Like [`query`](Self::query), for threads; panics when called from asynchronous code.
    pub fn query_blocking<R, Q>(&self, question: Q) -> Result<(R, u64), SubmitError>
    where
        R: Send + 'static,
        Q: FnOnce(&World) -> R + Send + 'static,
    {
        self.send_query(question)?
            .blocking_recv()
            .map_err(|_| SubmitError::Stopped)
    }

    /// Sequence of the last durable record, now and whenever it changes.
    pub fn committed(&self) -> watch::Receiver<u64> {
        self.shared.committed.subscribe()
    }

    /// A reader of durable records from `from_seq` on, for a follower of its own. Wait for more with
    /// [`committed`](Self::committed).
    pub async fn reader(&self, from_seq: u64) -> Result<RecordReader, ReaderError> {
        opened(self.send_reader()?.await, from_seq)
    }

    /// Like [`reader`](Self::reader), for threads; panics when called from asynchronous code.
    pub fn reader_blocking(&self, from_seq: u64) -> Result<RecordReader, ReaderError> {
        opened(self.send_reader()?.blocking_recv(), from_seq)
    }

    /// Writes a snapshot of everything durable now; `None` when the latest one stands there already.
    pub async fn snapshot_now(&self) -> Result<Option<SnapshotTaken>, SnapshotNowError> {
        let answer = self.send_snapshot_order()?;
        answer.await.map_err(|_| SnapshotNowError::NotRunning)?
    }

    /// Like [`snapshot_now`](Self::snapshot_now), for threads; panics when called from asynchronous code.
    pub fn snapshot_now_blocking(&self) -> Result<Option<SnapshotTaken>, SnapshotNowError> {
        let answer = self.send_snapshot_order()?;
        answer
            .blocking_recv()
            .map_err(|_| SnapshotNowError::NotRunning)?
    }

    /// Waits until the engine does not run any more; tells why.
    pub async fn stopped(&self) -> Stop {
        let mut stopped = self.shared.stopped();
        let why = stopped.wait_for(Option::is_some).await.ok();
        why.and_then(|why| why.clone()).unwrap_or(Stop::Shutdown)
    }

    /// Why the engine does not run any more; `None` while it does.
    pub fn stop_reason(&self) -> Option<Stop> {
        self.shared.stopped().borrow().clone()
    }

    /// What was read back when it started.
    pub fn recovered(&self) -> Recovered {
        self.shared.recovered
    }

    /// What it has done and what waits.
    pub fn metrics(&self) -> Metrics {
        let (queued_commands, queue_commands_limit) = self.shared.unanswered(Lane::Door);
        let (queued_settlements, queue_settlements_limit) =
            self.shared.unanswered(Lane::Settlements);
        Metrics {
            queued_commands,
            queue_commands_limit,
            queued_settlements,
            queue_settlements_limit,
            committed_seq: *self.shared.committed.borrow(),
            ..self.shared.counters.read()
        }
    }

    fn send_one(&self, request: Request) -> Result<oneshot::Receiver<Outcome>, SubmitError> {
        let lane = Lane::of(&request.command);
        self.shared.admit(lane, 1)?;
        let (to, answer) = oneshot::channel();
        self.send(Message::One(lane, request, to))?;
        Ok(answer)
    }

    fn send_many(
        &self,
        requests: Vec<Request>,
    ) -> Result<oneshot::Receiver<Vec<Outcome>>, SubmitError> {
        let commands = requests.len();
        if MAX_COMMANDS_PER_REQUEST < commands {
            return Err(SubmitError::TooMany {
                commands,
                limit: MAX_COMMANDS_PER_REQUEST,
            });
        }
        let lane = Lane::of_many(&requests);
        self.shared.admit(lane, commands)?;
        let (to, answer) = oneshot::channel();
        self.send(Message::Many(lane, requests, to))?;
        Ok(answer)
    }

    fn send_query<R, Q>(&self, question: Q) -> Result<oneshot::Receiver<(R, u64)>, SubmitError>
    where
        R: Send + 'static,
        Q: FnOnce(&World) -> R + Send + 'static,
    {
        self.shared.admit(Lane::Door, 1)?;
        let (to, answer) = oneshot::channel();
        self.send(Message::Query(Box::new(move |world, seq| {
            let result = question(world);
            let deliver: Deliver = Box::new(move || {
                let _ = to.send((result, seq));
            });
            deliver
        })))?;
        Ok(answer)
    }

    fn send(&self, message: Message) -> Result<(), SubmitError> {
        self.writer.send(message).map_err(|_| SubmitError::Stopped)
    }

    fn send_reader(&self) -> Result<oneshot::Receiver<OpenedReader>, ReaderError> {
        let (to, answer) = oneshot::channel();
        self.append
            .send(Work::Reader(to))
            .map_err(|_| ReaderError::Stopped)?;
        Ok(answer)
    }

    fn send_snapshot_order(&self) -> Result<oneshot::Receiver<SnapshotAnswer>, SnapshotNowError> {
        let orders = self
            .snapshots
            .as_ref()
            .ok_or(SnapshotNowError::NotRunning)?;
        let (to, answer) = oneshot::channel();
        orders
            .send(Order::Now(to))
            .map_err(|_| SnapshotNowError::NotRunning)?;
        Ok(answer)
    }
}

/// Why there is no reader.
#[derive(Debug, thiserror::Error)]
pub enum ReaderError {
    /// The engine has stopped.
    #[error("the engine has stopped")]
    Stopped,
    /// The journal cannot be opened for reading.
    #[error(transparent)]
    Open(#[from] ReadError),
}

type OpenedReader = Result<Box<dyn JournalReader>, ReadError>;
type SnapshotAnswer = Result<Option<SnapshotTaken>, SnapshotNowError>;

fn one(answer: Result<Outcome, oneshot::error::RecvError>) -> Result<Reply, SubmitError> {
    answer
        .map_err(|_| SubmitError::Stopped)?
        .map_err(SubmitError::Refused)
}

fn opened(
    answer: Result<OpenedReader, oneshot::error::RecvError>,
    from_seq: u64,
) -> Result<RecordReader, ReaderError> {
    let reader = answer.map_err(|_| ReaderError::Stopped)??;
    Ok(RecordReader::new(reader, from_seq))
}
