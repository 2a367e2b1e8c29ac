//! What stands beside the journal and must say the same: the latest snapshot and the views.
//!
//! Why each is compared while the journal passes the record it stands at: they may lie behind the journal, and a
//! world at an earlier record exists only then. The views of a running server move on; they are tried again at the
//! end, a few times, by following the journal to where they stand.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use domain::World;
use journal::{SkipReason, SqliteReader};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use views::{Place, Views, compare};

use super::{Audit, Tape, chain};

/// How often views that move are tried.
const ATTEMPTS: u32 = 40;
/// How long to wait between two tries.
const PAUSE: Duration = Duration::from_millis(50);
/// Differences of the views that are told one by one.
const MAX_TOLD: usize = 20;

/// What is still to be compared.
#[derive(Default)]
pub(super) struct Beside {
    snapshot: Option<Snapshot>,
    views: Option<OpenViews>,
}

struct Snapshot {
    seq: u64,
    content: Vec<u8>,
}

struct OpenViews {
    runtime: Runtime,
    views: Views,
    /// Where they stood when they were last looked at; keeps the channel of `views` open, too.
    stood: u64,
    _applied: watch::Sender<u64>,
    path: PathBuf,
}

impl Beside {
    /// Opens what there is. Before the journal's head is looked at: nothing here may know more than the journal.
    pub(super) fn open(data: &Path, reader: &SqliteReader, audit: &mut Audit) -> Beside {
        let snapshot = match open_snapshot(reader, audit) {
            Ok(snapshot) => snapshot,
            Err(says) => {
                audit
                    .findings
                    .add(format!("the snapshots cannot be read: {says}"));
                None
            }
        };
        let path = data.join("views.db");
        let views = if path.is_file() {
            OpenViews::open(&path)
                .map_err(|says| {
                    audit
                        .findings
                        .add(format!("{} cannot be read: {says}", path.display()))
                })
                .ok()
        } else {
            audit
                .unchecked
                .push("views: there is no views.db".to_owned());
            None
        };
        Beside { snapshot, views }
    }

    /// Called where the world stands at `audit.last_seq`, before the next record.
    pub(super) fn before(&mut self, audit: &mut Audit) {
        let Some(world) = audit.world.take() else {
            return;
        };
        if let Some(snapshot) = self
            .snapshot
            .take_if(|snapshot| snapshot.seq == audit.last_seq)
        {
            snapshot.compare(&world, audit);
        }
        if let Some(views) = self.views.take_if(|views| views.stood == audit.last_seq)
            && let Some(moved) = views.compare(&world, audit)
        {
            self.views = Some(moved);
        }
        audit.world = Some(world);
    }

    /// The journal is read to its end: what is left lies further on, or is not of this journal.
    pub(super) fn finish(mut self, audit: &mut Audit, tape: &mut Tape) {
        if let Some(snapshot) = self.snapshot.take() {
            let text = format!(
                "the snapshot at record {} stands where no batch of the journal ends",
                snapshot.seq
            );
            if audit.world.is_some() {
                audit.findings.add(text);
            }
        }
        for _ in 0..ATTEMPTS {
            let Some(views) = &mut self.views else { return };
            if audit.world.is_none() {
                return;
            }
            match views.look() {
                Ok(stands) => views.stood = stands,
                Err(says) => {
                    audit
                        .findings
                        .add(format!("{} cannot be read: {says}", views.path.display()));
                    return;
                }
            }
            let (stood, head) = (views.stood, tape.records.head().map(|head| head.last_seq()));
            match head {
                Ok(head) if head < stood => {
                    let text = format!(
                        "the views know record {stood}, but the journal ends at {head}: its end was lost, or the views are of another journal"
                    );
                    audit.findings.add(text);
                    return;
                }
                Ok(_) => {}
                Err(error) => {
                    audit.findings.add(chain(&error));
                    return;
                }
            }
            if audit.last_seq <= stood {
                if !audit.read_to(tape, stood, &mut self) {
                    return;
                }
                audit.head = tape.records.head().ok();
            } else {
                std::thread::sleep(PAUSE);
            }
        }
        if self.views.is_some() {
            let text =
                "views: they moved on while they were compared; audit a copy, or stop the server";
            audit.unchecked.push(text.to_owned());
        }
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
        audit
            .unchecked
            .push("snapshot: there is none yet".to_owned());
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
            audit.same.push((
                "snapshot",
                format!("the same as the replay at record {seq}"),
            ));
            return;
        }
        match World::from_snapshot(&self.content) {
            Err(domain::SnapshotError::OtherFormat(format)) => {
                audit.unchecked.push(format!(
                    "snapshot at record {seq}: it has format {format}, of another version"
                ));
            }
            Ok(_) | Err(domain::SnapshotError::Unreadable(_)) => {
                audit.findings.add(format!("the snapshot at record {seq} is not what the journal says there; delete it, the journal is whole without it"));
            }
        }
    }
}

impl OpenViews {
    fn open(path: &Path) -> Result<OpenViews, String> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = runtime.map_err(|error| chain(&error))?;
        let (applied, receiver) = watch::channel(0);
        let views = runtime.block_on(Views::open(&Place::File(path.to_owned()), receiver));
        let views = views.map_err(|error| chain(&error))?;
        let path = path.to_owned();
        let mut open = OpenViews {
            runtime,
            views,
            stood: 0,
            _applied: applied,
            path,
        };
        open.stood = open.look()?;
        Ok(open)
    }

    /// The last record that they hold.
    fn look(&self) -> Result<u64, String> {
        let counts = self.runtime.block_on(self.views.counts());
        counts
            .map(|counts| counts.seq)
            .map_err(|error| chain(&error))
    }

    /// Compares with a world at the record where they stood; gives itself back if they have moved on meanwhile.
    fn compare(self, world: &World, audit: &mut Audit) -> Option<OpenViews> {
        let outcome = self
            .runtime
            .block_on(compare(&self.views, world))
            .map_err(|error| chain(&error));
        let now = self.look();
        let stood = self.stood;
        if now.as_ref().is_ok_and(|now| *now != stood) {
            return Some(self);
        }
        match outcome.and_then(|differences| now.map(|_| differences)) {
            Ok(differences) => {
                for difference in differences.iter().take(MAX_TOLD) {
                    audit.findings.add(format!("views: {difference}"));
                }
                for _ in differences.iter().skip(MAX_TOLD) {
                    audit.findings.count = audit.findings.count.saturating_add(1);
                }
                if differences.is_empty() {
                    audit.same.push((
                        "views.db",
                        format!("the same as the replay at record {stood}"),
                    ));
                } else {
                    let text = "views.db differs: stop the server, delete it, and it is made again from the journal";
                    audit.findings.texts.push(text.to_owned());
                }
            }
            Err(says) => audit
                .findings
                .add(format!("{} cannot be read: {says}", self.path.display())),
        }
        None
    }
}
