//! `potluck audit`: replays the journal from nothing and checks everything that can be checked from its facts.
//!
//! Why beside the world's own replay there is a second book ([`trail`], [`ledger`]): a journal that was rewritten by
//! somebody who knows this program replays without complaint. So nothing that a record says of itself is believed
//! here: who sat where, what the draw gave, what each amount had to be and what each account then holds is made
//! again from the records before it, and compared. Snapshots are never used to start from.

mod beside;
mod book;
mod claims;
mod draws;
mod files;
mod key;
mod ledger;
mod page;
mod people;
mod trail;
mod views_again;

use std::cell::Cell;
use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Once;

use domain::{Millis, Record, World};
use engine::{RecordReader, StoredRecord};
use journal::{Head, OpenError, SqliteJournal};

use beside::Beside;
use ledger::Ledger;
use trail::Trail;

use server::chain;

/// Most findings that are kept in words.
const MAX_FINDINGS: usize = 100;
/// Bytes of journal read at once: one batch at a time, so that a damage does not hide what lies before it.
const READ_BYTES: usize = 1;

/// What an audit came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// How many things differ.
    pub(crate) findings: usize,
}

impl Verdict {
    /// Whether nothing differs.
    pub(crate) fn passed(&self) -> bool {
        self.findings == 0
    }
}

/// Why there is no verdict.
#[derive(Debug)]
pub(crate) enum AuditError {
    /// There is no such directory.
    NoDirectory(PathBuf),
    /// There is no journal in it, or it may not be read.
    Journal(OpenError),
    /// The page cannot be written.
    Output(io::Error),
}

impl fmt::Display for AuditError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AuditError::NoDirectory(path) => write!(out, "{} is not a directory", path.display()),
            AuditError::Journal(_) => out.write_str("there is nothing to audit"),
            AuditError::Output(_) => out.write_str("cannot write the page"),
        }
    }
}

impl std::error::Error for AuditError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            AuditError::NoDirectory(_) => None,
            AuditError::Journal(error) => Some(error),
            AuditError::Output(error) => Some(error),
        }
    }
}

impl From<io::Error> for AuditError {
    fn from(error: io::Error) -> AuditError {
        AuditError::Output(error)
    }
}

/// What differs, in words.
#[derive(Debug, Default)]
struct Findings {
    texts: Vec<String>,
    count: usize,
}

impl Findings {
    fn add(&mut self, text: impl Into<String>) {
        self.count = self.count.saturating_add(1);
        if self.texts.len() < MAX_FINDINGS {
            self.texts.push(text.into());
        }
    }

    /// Notes a difference at a record unless this holds.
    fn unless(&mut self, holds: bool, seq: u64, text: impl FnOnce() -> String) {
        if !holds {
            self.add(format!("record {seq}: {}", text()));
        }
    }
}

/// Everything that is known while the journal is read.
#[derive(Default)]
struct Audit {
    findings: Findings,
    /// What could not be checked, and why.
    unchecked: Vec<String>,
    /// What was checked beside the journal, in words.
    same: Vec<(&'static str, String)>,
    ledger: Ledger,
    trail: Trail,
    /// None once a record did not fit: what follows is only checked against the other books.
    world: Option<Box<World>>,
    batches: u64,
    last_seq: u64,
    head: Option<Head>,
    first_at: Option<Millis>,
    last_at: Millis,
}

/// Audits the data directory of an installation and prints one page. Works beside a running server and on a copy;
/// changes nothing of the journal.
pub(crate) fn run(data: &Path, out: &mut dyn Write) -> Result<Verdict, AuditError> {
    if !data.is_dir() {
        return Err(AuditError::NoDirectory(data.to_owned()));
    }
    let mut audit = Audit {
        world: Some(Box::default()),
        trail: Trail::new(draws::Beacons::of(data)),
        ..Audit::default()
    };
    match SqliteJournal::open_read_only(data) {
        Ok(reader) => {
            let beside = Beside::open(data, &reader, &mut audit);
            audit.read(
                RecordReader::new(Box::new(reader), journal::FIRST_SEQ),
                beside,
            );
        }
        Err(error @ (OpenError::Absent { .. } | OpenError::Prepare { .. })) => {
            return Err(AuditError::Journal(error));
        }
        Err(
            error @ (OpenError::Locked { .. }
            | OpenError::Lock { .. }
            | OpenError::Lost { .. }
            | OpenError::NotAJournal { .. }
            | OpenError::UnknownFormat { .. }
            | OpenError::ReadOnly { .. }
            | OpenError::Store { .. }
            | OpenError::Read(_)),
        ) => audit.findings.add(chain(&error)),
    }
    page::write(data, &audit, out)?;
    Ok(Verdict {
        findings: audit.findings.count,
    })
}

impl Audit {
    /// Reads the journal to where it ended at the start.
    fn read(&mut self, records: RecordReader, mut beside: Beside) {
        let mut tape = Tape {
            records,
            queue: VecDeque::new(),
        };
        match tape.records.head() {
            Ok(head) => {
                if self.read_to(&mut tape, head.last_seq(), &mut beside) {
                    self.head = Some(head);
                    beside.finish(self);
                    self.check_end();
                }
            }
            Err(error) => self.findings.add(chain(&error)),
        }
    }

    /// Takes records up to and with `until`; false if the journal could not be read that far.
    fn read_to(&mut self, tape: &mut Tape, until: u64, beside: &mut Beside) -> bool {
        while self.last_seq < until {
            match tape.next() {
                Ok(Some((stored, begins_batch))) => {
                    self.batches = self.batches.saturating_add(u64::from(begins_batch));
                    beside.before(self);
                    beside.record(stored.seq, &stored.record, self);
                    self.record(stored.seq, &stored.record, beside);
                }
                Ok(None) => {
                    let text = format!(
                        "the journal ends at record {}, not at {until}",
                        self.last_seq
                    );
                    self.findings.add(text);
                    return false;
                }
                Err(error) => {
                    self.findings.add(chain(&error));
                    let last = self.last_seq;
                    self.unchecked.push(format!(
                        "everything after record {last}: the journal cannot be read further"
                    ));
                    return false;
                }
            }
        }
        beside.before(self);
        true
    }

    fn record(&mut self, seq: u64, record: &Record, beside: &mut Beside) {
        let findings = &mut self.findings;
        findings.unless(self.last_at <= record.at, seq, || {
            "its time lies before that of the record before".to_owned()
        });
        findings.unless(!record.events.is_empty(), seq, || {
            "it holds no event".to_owned()
        });
        self.first_at.get_or_insert(record.at);
        self.last_at = self.last_at.max(record.at);
        for event in &record.events {
            self.ledger.event(seq, event, findings);
            self.trail.event((seq, record.at), event, findings);
            beside.event(event, &self.trail);
        }
        self.last_seq = seq;
        if let Some(mut world) = self.world.take() {
            match quietly(|| world.apply(record)) {
                Ok(()) => self.world = Some(world),
                Err(says) => {
                    findings.add(format!(
                        "record {seq} does not fit what came before it: {says}"
                    ));
                    let what = "invariants of the state, views and snapshot: the replay stopped at a record that does not fit";
                    self.unchecked.push(what.to_owned());
                }
            }
        }
    }

    /// What must hold once everything is read.
    fn check_end(&mut self) {
        self.trail.finish(&mut self.findings);
        let Some(world) = self.world.as_deref() else {
            return;
        };
        for violation in world.violations() {
            self.findings.add(format!("at the end: {violation}"));
        }
        self.ledger.compare(world, &mut self.findings);
        self.trail.compare(world, &mut self.findings);
    }
}

/// The journal's records, one after the other.
struct Tape {
    records: RecordReader,
    queue: VecDeque<(StoredRecord, bool)>,
}

impl Tape {
    /// The next record, and whether a batch begins with it.
    fn next(&mut self) -> Result<Option<(StoredRecord, bool)>, engine::FollowError> {
        if self.queue.is_empty() {
            let records = self.records.read(READ_BYTES)?;
            let numbered = records.into_iter().enumerate();
            self.queue
                .extend(numbered.map(|(at, record)| (record, at == 0)));
        }
        Ok(self.queue.pop_front())
    }
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Calls the rules, which panic on a record that they cannot have written; here that is an answer about the journal.
fn quietly(work: impl FnOnce()) -> Result<(), String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                usual(info);
            }
        }));
    });
    QUIET.set(true);
    let outcome = catch_unwind(AssertUnwindSafe(work));
    QUIET.set(false);
    outcome.map_err(|payload| match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(_) => "the rules stop there".to_owned(),
    })
}
