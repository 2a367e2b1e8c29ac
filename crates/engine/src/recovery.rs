//! Rebuilds the world when the engine starts.

use domain::{Millis, World};
use journal::Journal;

use crate::READ_BYTES;
use crate::error::StartError;
use crate::follow::WorldFollower;

/// What was read back at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// Where the snapshot stood that it began with.
    pub snapshot_seq: Option<u64>,
    /// Records replayed after that.
    pub replayed: u64,
    /// Sequence of the last record; 0 when there is none.
    pub head: u64,
}

/// How far the journal has grown beyond its latest snapshot.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SinceSnapshot {
    /// Time of the last record in the snapshot; `None` if there is none.
    pub(crate) time: Option<Millis>,
    /// Bytes of journal after it.
    pub(crate) bytes: u64,
}

/// How far the recovery has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Sequence of the last record applied.
    pub seq: u64,
    /// Sequence it will end with.
    pub head: u64,
}

/// The latest snapshot that can be used, then the journal from there on; its hash chain is checked on the way.
pub(crate) fn recover(
    journal: &dyn Journal,
    progress: &mut dyn FnMut(Progress),
) -> Result<(World, Recovered, SinceSnapshot), StartError> {
    let head = journal.head().last_seq();
    let mut snapshots = journal.snapshots()?;
    let mut follower = WorldFollower::from_latest(snapshots.as_mut(), journal.reader()?)
        .map_err(StartError::Snapshots)?;
    let snapshot_seq = follower.mark().map(|mark| mark.seq);
    let snapshot_time = follower.mark().map(|_| follower.world().now());
    tracing::info!(snapshot_seq, head, "reading the journal back");
    let mut replayed = 0;
    progress(Progress {
        seq: follower.seq(),
        head,
    });
    follower.catch_up(READ_BYTES, &mut |seq, records| {
        replayed += records as u64;
        progress(Progress { seq, head });
    })?;
    if follower.seq() != head {
        return Err(StartError::HeadDiffers {
            read: follower.seq(),
            head,
        });
    }
    let recovered = Recovered {
        snapshot_seq,
        replayed,
        head,
    };
    tracing::info!(snapshot_seq, replayed, head, "the journal is read back");
    let since_snapshot = SinceSnapshot {
        time: snapshot_time,
        bytes: follower.bytes(),
    };
    Ok((follower.into_world(), recovered, since_snapshot))
}
