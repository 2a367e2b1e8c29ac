//! Starts the engine and ends it.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;

use journal::{Journal, JournalReader, SnapshotStore};

use crate::append::{AppendThread, Appender, Batch, Work};
use crate::clock::{Clock, SystemClock};
use crate::error::{StartError, Stop};
use crate::executor::Executor;
use crate::handle::EngineHandle;
use crate::message::Message;
use crate::recovery::{Progress, SinceSnapshot, recover};
use crate::shared::Shared;
use crate::snapshots::{Order, SnapshotPolicy, SnapshotThread};
use crate::writer::Writer;
use crate::{BATCH_BYTES, QUEUE_COMMANDS, QUEUE_SETTLEMENTS};

/// What an engine runs with.
pub struct EngineConfig {
    /// Where it writes.
    pub journal: Box<dyn Journal>,
    /// What it takes the time from.
    pub clock: Arc<dyn Clock>,
    /// Most commands accepted and not yet answered, settlements apart.
    pub queue_commands: usize,
    /// Most settlements accepted and not yet answered.
    pub queue_settlements: usize,
    /// About how many bytes of records make a batch full.
    pub batch_bytes: usize,
    /// When snapshots are made; `None` for never.
    pub snapshots: Option<SnapshotPolicy>,
    /// Told how far reading the journal back has come.
    pub progress: Box<dyn FnMut(Progress) + Send>,
}

impl EngineConfig {
    /// The usual, with the machine's clock.
    pub fn new(journal: Box<dyn Journal>) -> EngineConfig {
        EngineConfig {
            journal,
            clock: Arc::new(SystemClock),
            queue_commands: QUEUE_COMMANDS,
            queue_settlements: QUEUE_SETTLEMENTS,
            batch_bytes: BATCH_BYTES,
            snapshots: Some(SnapshotPolicy::default()),
            progress: Box::new(|_| {}),
        }
    }
}

/// The single writer and its threads.
pub struct Engine;

impl Engine {
    /// Reads the journal back, which may take minutes, then accepts commands. Not for asynchronous code: use a
    /// thread that may block.
    pub fn start(mut config: EngineConfig) -> Result<(EngineHandle, EngineThreads), StartError> {
        let (world, recovered, since) = recover(config.journal.as_ref(), &mut config.progress)?;
        let shared = Arc::new(Shared::new(
            config.queue_commands,
            config.queue_settlements,
            recovered,
        ));
        shared.counters.note_last_record(world.now());
        let snapshots = match config.snapshots {
            Some(policy) => Some(Snapshots {
                policy,
                since,
                store: config.journal.snapshots()?,
                reader: config.journal.reader()?,
            }),
            None => None,
        };
        let (to_writer, inbox) = mpsc::channel();
        let (to_append, work) = mpsc::channel();
        let (to_done, done) = mpsc::channel();
        let writer = Writer {
            executor: Executor::new(world, recovered.head),
            clock: config.clock,
            shared: shared.clone(),
            inbox,
            append: to_append.clone(),
            done,
            batch_bytes: config.batch_bytes,
            batch: Batch::default(),
            spare: Some(Batch::default()),
            door: None,
            settlements: VecDeque::new(),
            settled: 0,
            door_of_late: false,
            closing: false,
        };
        let append = AppendThread {
            appender: Appender::new(config.journal),
            work,
            done: to_done,
            writer: to_writer.clone(),
            shared: shared.clone(),
        };
        let mut threads = EngineThreads {
            shared: shared.clone(),
            writer: to_writer.clone(),
            snapshots: None,
            threads: Vec::new(),
        };
        // The writer first: it is the one that ends the other when a thread cannot be had.
        threads.spawn("potluck-writer", move || run_writer(writer))?;
        threads.spawn("potluck-append", move || run_append(append))?;
        let orders = threads.spawn_snapshots(snapshots)?;
        let handle = EngineHandle {
            shared,
            writer: to_writer,
            append: to_append,
            snapshots: orders,
        };
        Ok((handle, threads))
    }
}

/// Keeps the engine's threads; dropping it shuts the engine down and waits for them.
pub struct EngineThreads {
    shared: Arc<Shared>,
    writer: mpsc::Sender<Message>,
    snapshots: Option<mpsc::Sender<Order>>,
    threads: Vec<JoinHandle<()>>,
}

impl EngineThreads {
    /// Accepts nothing more, answers everything accepted, and ends the threads. Errors with the reason if the engine
    /// had stopped for another one. Blocks.
    pub fn shutdown(mut self) -> Result<(), Stop> {
        self.end();
        match self.shared.stopped().borrow().clone() {
            None | Some(Stop::Shutdown) => Ok(()),
            Some(why @ (Stop::Journal(_) | Stop::Panicked { .. })) => Err(why),
        }
    }

    fn end(&mut self) {
        self.shared.close();
        // A thread that has ended already needs no telling.
        let _ = self.writer.send(Message::Shutdown);
        if let Some(orders) = &self.snapshots {
            let _ = orders.send(Order::Quit);
        }
        for thread in self.threads.drain(..) {
            // What a thread panicked with was noted and printed when it happened.
            let _ = thread.join();
        }
    }

    fn spawn(
        &mut self,
        name: &str,
        body: impl FnOnce() + Send + 'static,
    ) -> Result<(), StartError> {
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(body);
        self.threads.push(thread.map_err(StartError::Thread)?);
        Ok(())
    }

    fn spawn_snapshots(
        &mut self,
        snapshots: Option<Snapshots>,
    ) -> Result<Option<mpsc::Sender<Order>>, StartError> {
        let Some(Snapshots {
            policy,
            since,
            store,
            reader,
        }) = snapshots
        else {
            return Ok(None);
        };
        let (to_snapshots, orders) = mpsc::channel();
        let shared = self.shared.clone();
        self.spawn("potluck-snapshot", move || {
            SnapshotThread::new((store, reader), policy, since, orders, shared).run();
        })?;
        self.snapshots = Some(to_snapshots.clone());
        Ok(Some(to_snapshots))
    }
}

impl Drop for EngineThreads {
    fn drop(&mut self) {
        self.end();
    }
}

/// What the snapshot thread starts with.
struct Snapshots {
    policy: SnapshotPolicy,
    since: SinceSnapshot,
    store: Box<dyn SnapshotStore>,
    reader: Box<dyn JournalReader>,
}

/// Runs the writer; whatever ends it, the reason is set before the callers that still wait are told.
fn run_writer(mut writer: Writer) {
    let ended = catch_unwind(AssertUnwindSafe(|| writer.run()));
    match ended {
        Ok(Ok(())) => writer.shared.stop(Stop::Shutdown),
        // The append thread has set its reason before it ended.
        Ok(Err(_)) => {}
        Err(_) => writer.shared.stop(Stop::Panicked { thread: "writer" }),
    }
    let _ = writer.append.send(Work::Quit);
}

/// Runs the append thread; the writer, which may sleep, is woken when it ends.
fn run_append(mut append: AppendThread) {
    if catch_unwind(AssertUnwindSafe(|| append.run())).is_err() {
        append.shared.stop(Stop::Panicked { thread: "append" });
    }
    let writer = append.writer.clone();
    drop(append);
    let _ = writer.send(Message::Wake);
}
