//! The append thread: encodes a batch, makes it durable, and only then answers.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::time::Instant;

use domain::{Event, RecordRef, Records};
use journal::{BatchBuilder, Head, Journal, JournalReader, PushError, ReadError};
use tokio::sync::oneshot;

use crate::error::{Fault, Stop};
use crate::message::{Message, Waiting};
use crate::shared::Shared;

/// Version of the payload's format in the envelope of every record.
pub const RECORD_VERSION: u16 = 1;

/// Encodes records and hands them to the journal.
pub(crate) struct Appender {
    journal: Box<dyn Journal>,
    builder: BatchBuilder,
}

impl Appender {
    pub(crate) fn new(journal: Box<dyn Journal>) -> Appender {
        let builder = BatchBuilder::new(journal.head().next_seq);
        Appender { journal, builder }
    }

    pub(crate) fn journal(&self) -> &dyn Journal {
        self.journal.as_ref()
    }

    /// Makes the records durable, in one batch where they fit into one; returns the new head and the bytes written.
    /// After an error nothing more can be appended.
    pub(crate) fn append(&mut self, records: &Records) -> Result<(Head, u64), Fault> {
        let mut bytes = 0;
        self.builder.clear(self.journal.head().next_seq);
        for record in records.iter() {
            match self.push(record) {
                Ok(()) => {}
                Err(PushError::BatchFull { .. }) if !self.builder.is_empty() => {
                    bytes += self.flush()?;
                    self.push(record)
                        .map_err(|source| self.unstorable(source))?;
                }
                Err(source) => return Err(self.unstorable(source)),
            }
        }
        bytes += self.flush()?;
        Ok((self.journal.head(), bytes))
    }

    fn push(&mut self, record: RecordRef<'_>) -> Result<(), PushError> {
        self.builder
            .push(RECORD_VERSION, |buffer| {
                minicbor::encode(record, buffer).expect("a buffer in memory takes every byte");
            })
            .map(|_| ())
    }

    fn unstorable(&self, source: PushError) -> Fault {
        Fault::Record {
            seq: self.builder.next_seq(),
            source,
        }
    }

    fn flush(&mut self) -> Result<u64, Fault> {
        if self.builder.is_empty() {
            return Ok(0);
        }
        let bytes = self.builder.bytes_len() as u64;
        let head = self
            .journal
            .append(self.builder.first_seq(), &self.builder)?;
        self.builder.clear(head.next_seq);
        Ok(bytes)
    }
}

/// What the append thread is asked to do.
pub(crate) enum Work {
    /// Make this durable, then answer.
    Batch(Batch),
    /// Open a reader of the journal.
    Reader(oneshot::Sender<Result<Box<dyn JournalReader>, ReadError>>),
    /// Nothing more will come.
    Quit,
}

/// Records in order, and who waits for them.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) records: Records,
    pub(crate) waiting: Vec<Waiting>,
    /// Commands that `waiting` answers, by lane.
    pub(crate) answers: [usize; 2],
}

impl Batch {
    /// Tells everybody; the batch is empty afterwards and keeps its allocations.
    pub(crate) fn answer(&mut self, shared: &Shared) {
        shared.release(self.answers);
        self.answers = [0, 0];
        self.records.clear();
        for waiting in self.waiting.drain(..) {
            waiting.answer();
        }
    }
}

/// The append thread. One batch is in flight at a time: the writer waits for the empty one to come back.
pub(crate) struct AppendThread {
    pub(crate) appender: Appender,
    pub(crate) work: Receiver<Work>,
    pub(crate) done: Sender<Batch>,
    pub(crate) writer: Sender<Message>,
    pub(crate) shared: Arc<Shared>,
}

impl AppendThread {
    /// Runs until it is told to quit or an append fails.
    pub(crate) fn run(&mut self) {
        while let Ok(work) = self.work.recv() {
            match work {
                Work::Batch(mut batch) => {
                    if let Err(fault) = self.append(&batch.records) {
                        // The reason is set before the waiting callers, dropped with the batch, look for it.
                        self.shared.stop(Stop::Journal(Arc::new(fault)));
                        return;
                    }
                    batch.answer(&self.shared);
                    if self.done.send(batch).is_err() || self.writer.send(Message::Wake).is_err() {
                        return;
                    }
                }
                Work::Reader(to) => {
                    // A caller that does not wait any more needs no reader.
                    let _ = to.send(self.appender.journal().reader());
                }
                Work::Quit => return,
            }
        }
    }

    fn append(&mut self, records: &Records) -> Result<(), Fault> {
        if records.is_empty() {
            return Ok(());
        }
        let started = Instant::now();
        crash::point("engine.appending");
        let (head, bytes) = self.appender.append(records)?;
        crash::point("engine.appended");
        crash::point_if("engine.settlement_appended", || records.iter().any(settles));
        self.shared
            .counters
            .appended(records.len(), bytes, started.elapsed());
        if let Some(last) = records.last(1).next() {
            self.shared.counters.note_last_record(last.at);
        }
        self.shared.committed.send_replace(head.last_seq());
        Ok(())
    }
}

/// Whether a record settles a group.
fn settles(record: RecordRef<'_>) -> bool {
    let settled = |event: &Event| matches!(event, Event::GroupSettled(_));
    record.events.iter().any(settled)
}
