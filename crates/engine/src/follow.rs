//! Reads records back from the journal: for recovery, snapshots, views, the outbox and the auditor.

use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread;

use domain::{Event, Record, Records, World};
use journal::{
    FIRST_SEQ, Head, JournalReader, Mark, ReadError, RecordRef, SnapshotError, SnapshotStore,
};
use minicbor::Decoder;

use crate::append::RECORD_VERSION;
use crate::error::FollowError;

/// A durable record and its place in the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecord {
    /// Its sequence; the first is 1.
    pub seq: u64,
    /// What happened.
    pub record: Record,
}

/// Reads durable records in order.
pub struct RecordReader {
    reader: Box<dyn JournalReader>,
    next_seq: u64,
    /// End of the last batch read.
    mark: Option<Mark>,
    bytes: u64,
}

impl RecordReader {
    /// Reads from `from_seq` on (0 and 1 both mean the beginning). Before the first read nothing is checked.
    pub fn new(reader: Box<dyn JournalReader>, from_seq: u64) -> RecordReader {
        RecordReader {
            reader,
            next_seq: from_seq.max(FIRST_SEQ),
            mark: None,
            bytes: 0,
        }
    }

    /// Sequence of the record that comes next.
    pub fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Where the journal ends now.
    pub fn head(&mut self) -> Result<Head, ReadError> {
        self.reader.head()
    }

    /// The next records, of whole batches that together are about `max_bytes` long; empty when there are no more
    /// yet. After an error the place has not changed.
    pub fn read(&mut self, max_bytes: usize) -> Result<Vec<StoredRecord>, FollowError> {
        let batches = self.reader.read(self.next_seq, max_bytes)?;
        let mut records =
            Vec::with_capacity(batches.iter().map(|batch| batch.count as usize).sum());
        for batch in &batches {
            for record in batch.records_from(self.next_seq) {
                let record = record.map_err(ReadError::from)?;
                records.push(StoredRecord {
                    seq: record.seq,
                    record: decode(&record)?,
                });
            }
        }
        if let Some(last) = batches.last() {
            self.next_seq = last.next_seq();
            self.mark = Some(last.head().mark());
            self.bytes += batches
                .iter()
                .map(|batch| batch.bytes.len() as u64)
                .sum::<u64>();
        }
        Ok(records)
    }
}

impl RecordReader {
    /// As [`read`](Self::read), side by side into `part`, which is emptied first.
    fn read_part(&mut self, max_bytes: usize, part: &mut Part) -> Result<(), FollowError> {
        part.records.clear();
        part.first_seq = self.next_seq;
        let batches = self.reader.read(self.next_seq, max_bytes)?;
        for batch in &batches {
            for record in batch.records_from(self.next_seq) {
                let record = record.map_err(ReadError::from)?;
                check_version(&record)?;
                part.records
                    .decode(record.payload)
                    .map_err(|source| undecodable(&record, source))?;
            }
        }
        if let Some(last) = batches.last() {
            self.next_seq = last.next_seq();
            self.mark = Some(last.head().mark());
            self.bytes += batches
                .iter()
                .map(|batch| batch.bytes.len() as u64)
                .sum::<u64>();
        }
        part.end = self.mark;
        Ok(())
    }
}

/// Records of a part of the journal.
#[derive(Default)]
struct Part {
    first_seq: u64,
    records: Records,
    /// The end of the last batch read.
    end: Option<Mark>,
}

/// Parts that are read and not applied yet, while a whole journal is replayed.
const PARTS_AHEAD: usize = 2;

/// A world that follows the journal.
pub struct WorldFollower {
    applied: Applied,
    records: RecordReader,
    /// For reuse.
    part: Part,
}

/// A world and where it stands.
struct Applied {
    world: World,
    /// Where the world stands; `None` before the first record.
    at: Option<Mark>,
    /// A record that did not fit; the world is of no use since.
    broken: Option<u64>,
}

/// Shown each record, with its sequence and the world just after it.
type OnRecord<'a> = &'a mut dyn FnMut(u64, domain::RecordRef<'_>, &World);

impl WorldFollower {
    /// An empty world at the beginning of the journal.
    pub fn from_nothing(reader: Box<dyn JournalReader>) -> WorldFollower {
        let reader = RecordReader::new(reader, FIRST_SEQ);
        WorldFollower::new(World::default(), None, reader)
    }

    fn new(world: World, at: Option<Mark>, records: RecordReader) -> WorldFollower {
        WorldFollower {
            applied: Applied {
                world,
                at,
                broken: None,
            },
            records,
            part: Part::default(),
        }
    }

    /// The world of the newest snapshot that can be used, else an empty one. What had to be passed over is logged.
    pub fn from_latest(
        snapshots: &mut dyn SnapshotStore,
        reader: Box<dyn JournalReader>,
    ) -> Result<WorldFollower, SnapshotError> {
        let latest = snapshots.latest_snapshot()?;
        for skipped in &latest.skipped {
            let (name, reason) = (&skipped.name, &skipped.reason);
            let cause = std::error::Error::source(reason).map(ToString::to_string);
            tracing::warn!(%name, %reason, cause, "a snapshot cannot be used");
        }
        let Some(mut snapshot) = latest.snapshot else {
            return Ok(WorldFollower::from_nothing(reader));
        };
        let at = snapshot.at;
        let mut bytes = Vec::with_capacity(usize::try_from(snapshot.len_bytes).unwrap_or(0));
        let world = match snapshot.read_to_end(&mut bytes) {
            Ok(_) => World::from_snapshot(&bytes).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        match world {
            Ok(world) => {
                let reader = RecordReader::new(reader, at.seq + 1);
                Ok(WorldFollower::new(world, Some(at), reader))
            }
            Err(reason) => {
                tracing::warn!(seq = at.seq, %reason, "a snapshot cannot be used; the whole journal is replayed");
                Ok(WorldFollower::from_nothing(reader))
            }
        }
    }

    /// Applies the next records, of about `max_bytes` of journal; returns how many, none when there are no more yet.
    pub fn advance(&mut self, max_bytes: usize) -> Result<usize, FollowError> {
        self.advance_with(max_bytes, &mut |_, _, _| {})
    }

    /// Like [`advance`](Self::advance); shows each record with the world just after it.
    pub fn advance_with(
        &mut self,
        max_bytes: usize,
        on_record: OnRecord<'_>,
    ) -> Result<usize, FollowError> {
        self.records.read_part(max_bytes, &mut self.part)?;
        self.applied.apply(&self.part, on_record)
    }

    /// Applies all that there is, reading on another thread meanwhile. After each part `on_part` is told where the world
    /// stands and how many records the part had.
    pub(crate) fn catch_up(
        &mut self,
        max_bytes: usize,
        on_part: &mut dyn FnMut(u64, usize),
    ) -> Result<(), FollowError> {
        let WorldFollower {
            applied, records, ..
        } = self;
        thread::scope(|scope| {
            let (to_apply, read) = mpsc::sync_channel(PARTS_AHEAD);
            let (give_back, spare) = mpsc::channel::<Part>();
            scope.spawn(move || {
                loop {
                    let mut part = spare.try_recv().unwrap_or_default();
                    let read = records.read_part(max_bytes, &mut part);
                    let is_last = read.is_err() || part.records.is_empty();
                    if to_apply.send(read.map(|()| part)).is_err() || is_last {
                        return;
                    }
                }
            });
            while let Ok(part) = read.recv() {
                let part = part?;
                let count = applied.apply(&part, &mut |_, _, _| {})?;
                crash::point("engine.recovering");
                if count != 0 {
                    on_part(applied.at.map_or(0, |at| at.seq), count);
                }
                // The reader may have come to the end.
                let _ = give_back.send(part);
            }
            Ok(())
        })
    }

    /// The world as it stands.
    pub fn world(&self) -> &World {
        &self.applied.world
    }

    /// The world as it stands, to go on with.
    pub fn into_world(self) -> World {
        self.applied.world
    }

    /// Sequence of the last record applied; 0 before the first.
    pub fn seq(&self) -> u64 {
        self.mark().map_or(0, |at| at.seq)
    }

    /// The end of the last batch applied; `None` before the first.
    pub fn mark(&self) -> Option<Mark> {
        self.applied.at
    }

    /// Bytes of journal read so far.
    pub fn bytes(&self) -> u64 {
        self.records.bytes
    }
}

impl Applied {
    fn apply(&mut self, part: &Part, on_record: OnRecord<'_>) -> Result<usize, FollowError> {
        if let Some(seq) = self.broken {
            return Err(FollowError::DoesNotFit { seq });
        }
        for (seq, record) in (part.first_seq..).zip(part.records.iter()) {
            // The rules panic on a record that they cannot have written; here that is an answer about the journal.
            let world = &mut self.world;
            if catch_unwind(AssertUnwindSafe(|| world.apply_ref(record))).is_err() {
                self.broken = Some(seq);
                return Err(FollowError::DoesNotFit { seq });
            }
            on_record(seq, record, &self.world);
        }
        // Timers that have moved are thrown away when looked at; nobody else looks at those of this world.
        self.world.next_timer();
        self.at = part.end.or(self.at);
        Ok(part.records.len())
    }
}

/// Replays a journal from nothing to where it ends now, with the rules of today's `apply` and nothing else; shows
/// each record with the world just after it.
pub fn replay(
    reader: Box<dyn JournalReader>,
    mut on_record: impl FnMut(u64, domain::RecordRef<'_>, &World),
) -> Result<World, FollowError> {
    let mut follower = WorldFollower::from_nothing(reader);
    while follower.advance_with(crate::READ_BYTES, &mut on_record)? != 0 {}
    Ok(follower.into_world())
}

/// Reads one record's payload, all of it.
fn decode(stored: &RecordRef<'_>) -> Result<Record, FollowError> {
    check_version(stored)?;
    let mut decoder = Decoder::new(stored.payload);
    match decoder.decode::<Record>() {
        Ok(record) if decoder.position() == stored.payload.len() => Ok(record),
        Ok(_) => {
            let source = minicbor::decode::Error::message("something follows the record");
            Err(undecodable(stored, source))
        }
        Err(error) => Err(undecodable(stored, error)),
    }
}

fn check_version(stored: &RecordRef<'_>) -> Result<(), FollowError> {
    let RecordRef { seq, version, .. } = *stored;
    if version != RECORD_VERSION {
        return Err(FollowError::UnknownVersion { seq, version });
    }
    Ok(())
}

fn undecodable(stored: &RecordRef<'_>, source: minicbor::decode::Error) -> FollowError {
    let RecordRef {
        seq,
        version,
        payload,
    } = *stored;
    match unknown_kind(payload) {
        Some(kind) => FollowError::UnknownKind { seq, version, kind },
        None => FollowError::Undecodable {
            seq,
            version,
            source,
        },
    }
}

/// The kind of the first event that has a kind or a part that is not known here. Walks over the record by hand:
/// array of time, actor, key and events, each event an array that begins with its kind.
fn unknown_kind(payload: &[u8]) -> Option<u64> {
    let mut decoder = Decoder::new(payload);
    decoder.array().ok()?;
    for _ in 0..3 {
        decoder.skip().ok()?;
    }
    let events = decoder.array().ok()??;
    for _ in 0..events {
        let mut event = decoder.clone();
        if event
            .clone()
            .decode::<Event>()
            .is_err_and(|error| error.is_unknown_variant())
        {
            event.array().ok()?;
            return event.u64().ok();
        }
        decoder.skip().ok()?;
    }
    None
}
