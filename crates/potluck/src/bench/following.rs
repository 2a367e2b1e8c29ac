//! The views' projector beside the engine, as `potluck serve` runs it.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use engine::{EngineHandle, RecordReader};
use tokio::sync::watch;
use views::{JournalId, Projector};

use server::chain;

/// About how many bytes of journal are taken into the views at once.
const BATCH_BYTES: usize = 1024 * 1024;
/// How often it looks whether it is to end.
const LOOK: Duration = Duration::from_millis(100);

/// A projector that follows the engine's journal on threads of its own.
pub(crate) struct Following {
    applied: watch::Receiver<u64>,
    engine: EngineHandle,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<(), String>>>,
}

impl Following {
    /// Begins with empty views in this directory.
    pub(crate) fn start(engine: &EngineHandle, dir: &Path) -> Result<Following, String> {
        let reader = engine.reader_blocking(0).map_err(|error| chain(&error))?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .thread_name("bench-views")
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        let journal = JournalId {
            first_batch: None,
            head_seq: *engine.committed().borrow(),
        };
        let place = views::Place::from(dir.join("views.db").as_path());
        let projector = runtime
            .block_on(Projector::open(&place, &journal))
            .map_err(|error| chain(&error))?;
        let applied = projector.progress();
        let stop = Arc::new(AtomicBool::new(false));
        let (following, told) = (engine.clone(), stop.clone());
        let thread = std::thread::Builder::new()
            .name("bench-views".to_owned())
            .spawn(move || runtime.block_on(follow(following, projector, reader, &told)))
            .map_err(|error| error.to_string())?;
        Ok(Following {
            applied,
            engine: engine.clone(),
            stop,
            thread: Some(thread),
        })
    }

    /// The last record that the views hold.
    pub(crate) fn applied(&self) -> u64 {
        *self.applied.borrow()
    }

    /// Records that are durable and not in the views.
    pub(crate) fn lag_records(&self) -> u64 {
        self.engine
            .committed()
            .borrow()
            .saturating_sub(*self.applied.borrow())
    }

    /// Waits until the views hold what is durable now; returns how long that took.
    pub(crate) fn catch_up(&self) -> Result<Duration, String> {
        let began = Instant::now();
        while 0 < self.lag_records() {
            if self.thread.as_ref().is_none_or(JoinHandle::is_finished) {
                return Err("the views stand still".to_owned());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(began.elapsed())
    }

    /// Ends it where it stands.
    pub(crate) fn close(mut self) -> Result<(), String> {
        self.stop.store(true, Ordering::Relaxed);
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(ended)) => ended,
            Some(Err(_)) => Err("the views' thread panicked".to_owned()),
            None => Ok(()),
        }
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

async fn follow(
    engine: EngineHandle,
    mut projector: Projector,
    mut reader: RecordReader,
    stop: &AtomicBool,
) -> Result<(), String> {
    let mut committed = engine.committed();
    committed.mark_changed();
    while !stop.load(Ordering::Relaxed) {
        // Reading is disk and decoding: not for the runtime's own threads.
        let read = tokio::task::spawn_blocking(move || {
            let records = reader.read(BATCH_BYTES);
            (reader, records)
        });
        let (back, records) = read.await.map_err(|error| error.to_string())?;
        reader = back;
        let records = records.map_err(|error| chain(&error))?;
        if records.is_empty() {
            // The time is for the look at `stop`; the sender lives as long as the engine.
            let _ = tokio::time::timeout(LOOK, committed.changed()).await;
            continue;
        }
        let records: Vec<_> = records
            .into_iter()
            .map(|stored| (stored.seq, stored.record))
            .collect();
        let head = *committed.borrow();
        projector
            .take_towards(head, &records)
            .await
            .map_err(|error| chain(&error))?;
    }
    projector.close().await;
    Ok(())
}
