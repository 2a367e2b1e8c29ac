//! `potluck bench recover`: how long a start takes that reads a long journal back.

use std::{fs, path::Path};

use domain::{Answer, Millis, Refusal, Request, Timer, World};
use engine::{Engine, EngineConfig, EngineHandle, EngineThreads, RecordReader, Recovered, Step};
use journal::{Journal, SqliteJournal};

use super::common::{
    Report, Scratch, Shared, Stopwatch, filesystem, per_second, rounded, rss_bytes,
};
use super::history::{Executes, History};
use super::settle::terms;
use super::shop::check_sizes;
use server::chain;

/// Near the end every group is made durable at once, so that the events do not go far beyond what was asked for.
const LAST_BATCH_EVENTS: u64 = 50_000;

/// Start-up from a journal
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct RecoverArgs {
    /// Events in the journal when the snapshot is made; one record may hold several
    #[arg(long, default_value_t = 10_000_000)]
    events: u64,
    /// Events after the snapshot
    #[arg(long, default_value_t = 100_000)]
    after_snapshot: u64,
    /// Members among them
    #[arg(long, default_value_t = 1_000_000)]
    members: u32,
    /// Seats of a group
    #[arg(long, default_value_t = 100)]
    seats: u32,
    #[command(flatten)]
    pub(crate) shared: Shared,
}

pub(crate) fn run(args: &RecoverArgs) -> Result<Report, String> {
    check_sizes(args.members, args.seats)?;
    if args.events < u64::from(args.members) {
        return Err(format!(
            "--events {}: the {} members alone are as many",
            args.events, args.members
        ));
    }
    let scratch = Scratch::new(&args.shared)?;
    let dir = scratch.path();
    let mut writer = Counting::open(dir)?;
    let mut history = History::begin(&mut writer, terms(args.seats)?)?;
    history.register_up_to(&mut writer, args.members)?;
    let events = write(writer, &mut history, args.events)?;
    let journal_bytes = journal_bytes(dir);
    let (alone, engine, threads) = start(dir)?;
    let snapshot = engine
        .snapshot_now_blocking()
        .map_err(|error| chain(&error))?;
    threads.shutdown().map_err(|why| chain(&why))?;
    let after = write(Counting::open(dir)?, &mut history, args.after_snapshot)?;
    let (again, _, threads) = start(dir)?;
    threads.shutdown().map_err(|why| chain(&why))?;
    let snapshot_bytes = snapshot.map_or(0, |snapshot| snapshot.bytes);
    Ok(Report::new("recover")
        .with("journal_seconds", rounded(alone.seconds, 3))
        .with("journal_events_per_s", per_second(events, alone.seconds))
        .with("snapshot_seconds", rounded(again.seconds, 3))
        .with("journal", "sqlite")
        .with("synchronous", "FULL")
        .with("events", events)
        .with("records", alone.recovered.replayed)
        .with("journal_mb", journal_bytes >> 20)
        .with("members", args.members)
        .with("seats", args.seats)
        .with("snapshot_mb", snapshot_bytes >> 20)
        .with("events_after_snapshot", after)
        .with("records_after_snapshot", again.recovered.replayed)
        .with("rss_mb", again.rss >> 20)
        .with("filesystem", filesystem(dir)))
}

/// What a start took.
struct Started {
    seconds: f64,
    recovered: Recovered,
    rss: u64,
}

/// Opens the journal and starts the engine, until it accepts commands.
fn start(dir: &Path) -> Result<(Started, EngineHandle, EngineThreads), String> {
    let watch = Stopwatch::start();
    let journal = SqliteJournal::open(dir).map_err(|error| chain(&error))?;
    let config = EngineConfig::new(Box::new(journal));
    let (engine, threads) = Engine::start(config).map_err(|error| chain(&error))?;
    let started = Started {
        seconds: watch.seconds(),
        recovered: engine.recovered(),
        rss: rss_bytes(),
    };
    Ok((started, engine, threads))
}

/// Groups live one after the other until so many events are durable; returns how many they are. Closes the journal.
fn write(mut writer: Counting, history: &mut History, events: u64) -> Result<u64, String> {
    writer.commit()?;
    while writer.events < events {
        history.live(&mut writer)?;
        if events <= writer.events + LAST_BATCH_EVENTS {
            writer.commit()?;
        }
    }
    Ok(writer.events)
}

fn journal_bytes(dir: &Path) -> u64 {
    let size = |name: &str| fs::metadata(dir.join(name)).map_or(0, |file| file.len());
    size("journal.db") + size("journal.db-wal")
}

/// The writer without threads; counts the events that have become durable by reading them back.
struct Counting {
    step: Step,
    reader: RecordReader,
    events: u64,
}

impl Counting {
    fn open(dir: &Path) -> Result<Counting, String> {
        let journal = SqliteJournal::open(dir).map_err(|error| chain(&error))?;
        let reader = journal.reader().map_err(|error| chain(&error))?;
        let next_seq = journal.head().next_seq;
        let (step, _) =
            Step::open(Box::new(journal), &mut |_| {}).map_err(|error| chain(&error))?;
        Ok(Counting {
            step,
            reader: RecordReader::new(reader, next_seq),
            events: 0,
        })
    }

    fn commit(&mut self) -> Result<(), String> {
        self.step.commit().map_err(|fault| chain(&fault))?;
        loop {
            let records = self.reader.read(engine::READ_BYTES);
            let records = records.map_err(|error| chain(&error))?;
            if records.is_empty() {
                return Ok(());
            }
            let events = records
                .iter()
                .map(|stored| stored.record.events.len() as u64);
            self.events += events.sum::<u64>();
        }
    }
}

impl Executes for Counting {
    fn execute(&mut self, request: &Request, clock: Millis) -> Result<Answer, Refusal> {
        Ok(self.step.execute(request, clock)?.answer)
    }

    fn world(&self) -> &World {
        self.step.world()
    }

    fn next_timer(&mut self) -> Option<Timer> {
        self.step.next_timer()
    }

    fn pause(&mut self) -> Result<(), String> {
        match self.step.is_full() {
            true => self.commit(),
            false => Ok(()),
        }
    }
}
