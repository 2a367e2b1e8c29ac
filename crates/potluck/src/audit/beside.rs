//! What stands beside the journal and must say the same: the latest snapshot, the views, the
//! directory, the beacon's key, the sandbox's book.
//!
//! Why each is compared while the journal passes the record it stands at: they may lie behind the journal, and a
//! world at an earlier record exists only then.

use std::io::Read;
use std::path::{Path, PathBuf};

use domain::{Event, Record, World};
use journal::{SkipReason, SqliteReader};
use rusqlite::ErrorCode;

use super::book::Book;
use super::people::People;
use super::trail::Trail;
use super::views_again::{Outcome, ViewsAgain};
use super::{Audit, chain, key};

/// What is still to be compared.
#[derive(Default)]
pub(super) struct Beside {
    snapshot: Option<Snapshot>,
    views: Option<ViewsAgain>,
    path: PathBuf,
    data: PathBuf,
    people: People,
    book: Book,
}

struct Snapshot {
    seq: u64,
    content: Vec<u8>,
}

impl Beside {
    /// Opens what there is. Before the journal's head is looked at: nothing here may know more than the journal.
    pub(super) fn open(data: &Path, reader: &SqliteReader, audit: &mut Audit) -> Beside {
        let snapshot = open_snapshot(reader, audit).unwrap_or_else(|says| {
            audit
                .findings
                .add(format!("the snapshots cannot be read: {says}"));
            None
        });
        let path = data.join("views.db");
        let mut views = None;
        if path.is_file() {
            match ViewsAgain::open(&path) {
                Ok(open) => views = Some(open),
                Err(says) => audit.unreadable(&path, &says),
            }
        } else {
            audit
                .unchecked
                .push("views: there is no views.db".to_owned());
        }
        Beside {
            snapshot,
            views,
            path,
            data: data.to_owned(),
            people: People::open(data, audit),
            book: Book::open(data, audit),
        }
    }

    /// Called before each record and at the end, where the world stands at `audit.last_seq`.
    pub(super) fn before(&mut self, audit: &mut Audit) {
        let world = audit.world.take();
        let at = audit.last_seq;
        if let Some(snapshot) = self.snapshot.take_if(|snapshot| snapshot.seq == at)
            && let Some(world) = &world
        {
            snapshot.compare(world, audit);
        }
        if let Some(views) = self.views.take_if(|views| views.stood == at) {
            match views.compare(world.as_deref()) {
                Ok(outcome) => audit.views(at, outcome),
                Err(says) => audit.unreadable(&self.path, &says),
            }
        }
        audit.world = world;
    }

    /// Takes the next record.
    pub(super) fn record(&mut self, seq: u64, record: &Record, audit: &mut Audit) {
        let Some(views) = &mut self.views else { return };
        if let Err(says) = views.record(seq, record) {
            self.views = None;
            audit
                .findings
                .add(format!("no views can be made of the journal: {says}"));
        }
    }

    /// Takes the next event, of which `trail` knows already.
    pub(super) fn event(&mut self, event: &Event, trail: &Trail) {
        self.people.event(event, trail);
        self.book.event(event);
    }

    /// The journal is read to its end: what is left does not belong to it.
    pub(super) fn finish(self, audit: &mut Audit) {
        if let Some(snapshot) = self.snapshot {
            let seq = snapshot.seq;
            audit.findings.add(format!(
                "the snapshot at record {seq} stands where the journal has not been"
            ));
        }
        if let Some(views) = self.views {
            let (stood, last) = (views.stood, audit.last_seq);
            audit.findings.add(format!(
                "the views know record {stood}, but the journal ends at {last}: \
                 its end was lost, or the views are of another journal"
            ));
        }
        self.people.finish(audit);
        key::check(&self.data, audit);
        self.book.finish(audit);
    }
}

fn open_snapshot(reader: &SqliteReader, audit: &mut Audit) -> Result<Option<Snapshot>, String> {
    let mut store = reader.snapshots().map_err(|error| chain(&error))?;
    let latest = store.latest_snapshot().map_err(|error| chain(&error))?;
    for skipped in latest.skipped {
        let text = format!("snapshot {}: {}", skipped.name, chain(&skipped.reason));
        if let SkipReason::UnknownFormat { .. } = skipped.reason {
            audit.unchecked.push(text);
        } else {
            audit.findings.add(text);
        }
    }
    let Some(mut snapshot) = latest.snapshot else {
        audit.unchecked.push("snapshot: there is none".to_owned());
        return Ok(None);
    };
    let mut content = Vec::new();
    snapshot
        .read_to_end(&mut content)
        .map_err(|error| chain(&error))?;
    let seq = snapshot.at.seq;
    Ok(Some(Snapshot { seq, content }))
}

impl Snapshot {
    fn compare(&self, world: &World, audit: &mut Audit) {
        let seq = self.seq;
        if world.to_snapshot() == self.content {
            let text = format!("the same as the replay at record {seq}");
            audit.same.push(("snapshot", text));
            return;
        }
        match World::from_snapshot(&self.content) {
            Err(domain::SnapshotError::OtherFormat(format)) => {
                audit.unchecked.push(format!(
                    "snapshot at record {seq}: it has format {format}, of another version"
                ));
            }
            Ok(_) | Err(domain::SnapshotError::Unreadable(_)) => audit.findings.add(format!(
                "the snapshot at record {seq} is not what the journal says there; \
                 stop the server and delete it, the journal is whole without it"
            )),
        }
    }
}

impl Audit {
    /// A database that gave no answer. One that may not be opened by whoever audits, or is held by a running server, is
    /// not damaged for all that.
    pub(super) fn not_read(&mut self, path: &Path, error: &rusqlite::Error) {
        let held = match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy) => "a running server has it",
            Some(ErrorCode::CannotOpen) => {
                "it cannot be opened here, or has a log that can only be read where files can be made"
            }
            Some(_) | None => return self.unreadable(path, &chain(error)),
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        self.unchecked.push(format!("{name}: {held}"));
    }

    fn unreadable(&mut self, path: &Path, says: &str) {
        self.findings
            .add(format!("{} cannot be read: {says}", path.display()));
    }

    fn views(&mut self, at: u64, outcome: Outcome) {
        match outcome {
            Outcome::Same => self.same.push((
                "views.db",
                format!("every row as made anew from the journal up to record {at}"),
            )),
            Outcome::OtherVersion => self
                .unchecked
                .push("views: they are of another version of this program".to_owned()),
            Outcome::Differ(differences) => {
                for difference in differences {
                    self.findings.add(format!("views.db: {difference}"));
                }
                let remedy = "views.db differs from the journal: stop the server and delete it, it is made again";
                self.findings.add(remedy);
            }
        }
    }
}
