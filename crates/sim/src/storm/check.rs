//! Comparing: a little after every batch, everything now and then.

use domain::{Asset, World};
use engine::{WorldFollower, replay};

use super::Run;
use crate::error::SimError;

impl Run {
    /// After a commit: what was touched, the journal's records, and at times everything.
    pub(super) fn check_batch(&mut self) -> Result<(), SimError> {
        let mut what = self.live.touched_differences(self.step.world());
        what.extend(self.trail.follow(&mut self.coverage));
        self.must_be_empty(what)?;
        if self.batches.is_multiple_of(self.shape.full_every) {
            self.check_everything()?;
        }
        if self.batches.is_multiple_of(self.shape.full_every * 8) {
            self.check_replay()?;
        }
        Ok(())
    }

    /// The model, the world's own invariants, the trial balance, timers, and the world that only follows the journal.
    pub(super) fn check_everything(&mut self) -> Result<(), SimError> {
        self.coverage.full_comparisons += 1;
        let mut what = self.check_state();
        let timer = self.step.next_timer().map(|(at, _)| at.0);
        if timer != self.live.next_due() {
            what.push(format!(
                "the next timer is at {timer:?}, the rules say {:?}",
                self.live.next_due()
            ));
        }
        if self.step.pending() == 0 {
            self.catch_up()?;
            let bytes = self.step.world().to_snapshot();
            if self.follower.world().to_snapshot() != bytes {
                what.push("a world that follows the journal is another one".to_owned());
            }
            what.extend(reads_back(&bytes));
        }
        self.must_be_empty(what)
    }

    fn check_state(&self) -> Vec<String> {
        let world = self.step.world();
        let mut what = self.live.differences(world);
        what.extend(world.violations());
        let balance = world.trial_balance();
        for asset in [Asset::Cny, Asset::Coin] {
            let rows = balance.iter().filter(|row| row.asset == asset);
            let sum: i128 = rows.map(|row| i128::from(row.amount)).sum();
            if sum != 0 {
                what.push(format!("the trial balance in {asset:?} is {sum}"));
            }
        }
        what
    }

    /// The journal alone, from nothing, gives the world that answers.
    pub(super) fn check_replay(&mut self) -> Result<(), SimError> {
        self.coverage.replays += 1;
        match replay(self.disk.storage.reader(), |_, _, _| {}) {
            Ok(world) if world.to_snapshot() == self.step.world().to_snapshot() => Ok(()),
            Ok(_) => self.differs(vec!["a replay reaches another world".to_owned()]),
            Err(error) => self.differs(vec![format!("the journal cannot be replayed: {error}")]),
        }
    }

    /// The following world reads what has become durable.
    pub(super) fn catch_up(&mut self) -> Result<(), SimError> {
        loop {
            match self.follower.advance(1 << 20) {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(error) => {
                    self.follower = WorldFollower::from_nothing(self.disk.storage.reader());
                    return self.differs(vec![format!("the journal cannot be followed: {error}")]);
                }
            }
        }
    }
}

/// A snapshot reads back to the same bytes.
fn reads_back(bytes: &[u8]) -> Option<String> {
    match World::from_snapshot(bytes) {
        Ok(world) if world.to_snapshot() == bytes => None,
        Ok(_) => Some("a snapshot reads back to another world".to_owned()),
        Err(error) => Some(format!("a snapshot cannot be read: {error}")),
    }
}
