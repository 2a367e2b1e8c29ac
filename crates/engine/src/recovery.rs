//! Rebuilds the world when the engine starts.

use domain::World;
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
) -> Result<(World, Recovered), StartError> {
    let head = journal.head().last_seq();
    let mut snapshots = journal.snapshots()?;
    let mut follower = WorldFollower::from_latest(snapshots.as_mut(), journal.reader()?)
        .map_err(StartError::Snapshots)?;
    let snapshot_seq = follower.mark().map(|mark| mark.seq);
    tracing::info!(snapshot_seq, head, "reading the journal back");
    let mut replayed = 0;
    progress(Progress {
        seq: follower.seq(),
        head,
    });
    loop {
        let records = follower.advance(READ_BYTES)?.len() as u64;
        crash::point("engine.recovering");
        if records == 0 {
            break;
        }
        replayed += records;
        progress(Progress {
            seq: follower.seq(),
            head,
        });
    }
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
    Ok((follower.into_world(), recovered))
}
