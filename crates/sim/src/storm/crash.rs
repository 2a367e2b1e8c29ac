//! Commits, the faults that strike them, and what is true afterwards.

use std::io::{Error, Write};

use domain::Request;
use engine::{Fault, Recovered, Step};
use journal::{AppendError, FailWhen, Journal, Mark, verify_all};

use super::{Earlier, Run};
use crate::error::SimError;

/// What goes wrong around one commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    /// The append fails with nothing stored.
    NothingStored,
    /// The append fails with everything stored: the answers are lost.
    AllStored,
    /// The append fails with the first records stored.
    SomeStored,
    /// The process dies between executing and committing.
    DiesBefore,
    /// The process dies after the commit, before any answer left.
    DiesAfter,
    /// Another writer takes the journal over.
    Overtaken,
}

impl Run {
    /// Makes the batch durable, or meets a fault; compares; sometimes writes a snapshot.
    pub(super) fn commit(&mut self) -> Result<(), SimError> {
        if self.rng.percent(self.shape.faults) {
            return self.commit_in_trouble();
        }
        self.commit_well()?;
        if self.rng.percent(self.shape.snapshots) {
            self.snapshot()?;
        }
        Ok(())
    }

    pub(super) fn commit_well(&mut self) -> Result<(), SimError> {
        match self.step.commit() {
            Ok(head) if head.last_seq() == self.step.seq() => {}
            Ok(head) => {
                return self.differs(vec![format!(
                    "the journal ends at {}, the engine stands at {}",
                    head.last_seq(),
                    self.step.seq()
                )]);
            }
            Err(fault) => return self.differs(vec![format!("a commit fails by itself: {fault}")]),
        }
        self.acknowledged = self.step.seq();
        self.batches += 1;
        self.coverage.batches += 1;
        for op in &self.batch {
            self.durable.execute(&op.request, op.clock, &op.hint);
        }
        self.answers_leave();
        self.check_batch()
    }

    fn commit_in_trouble(&mut self) -> Result<(), SimError> {
        const TROUBLES: [Trouble; 6] = [
            Trouble::NothingStored,
            Trouble::AllStored,
            Trouble::SomeStored,
            Trouble::DiesBefore,
            Trouble::DiesAfter,
            Trouble::Overtaken,
        ];
        let trouble = *self.rng.pick(&TROUBLES).unwrap_or(&Trouble::DiesBefore);
        let pending = u32::try_from(self.step.pending()).unwrap_or(u32::MAX);
        // Without a record there is no append, and nothing can fail.
        if pending == 0 && trouble != Trouble::Overtaken {
            return self.commit_well();
        }
        let name = match trouble {
            Trouble::NothingStored => {
                self.disk.fail_next(FailWhen::BeforeStoring);
                "append stores nothing"
            }
            Trouble::AllStored => {
                self.disk.fail_next(FailWhen::AfterStoring);
                "append stores all, answer lost"
            }
            Trouble::SomeStored if 2 <= pending => {
                let most = u64::from(pending - 1);
                let keep = u32::try_from(1 + self.rng.below(most)).unwrap_or(1);
                self.disk.keep_of_next(keep);
                "append stores a part"
            }
            Trouble::SomeStored | Trouble::DiesBefore => "dies before the commit",
            Trouble::DiesAfter => "dies after the commit",
            Trouble::Overtaken => return self.overtaken(),
        };
        self.coverage.note("fault", name);
        let dies_before = name == "dies before the commit";
        let committed = (!dies_before).then(|| self.step.commit());
        match (trouble, committed) {
            (Trouble::DiesAfter, Some(Ok(_))) | (_, Some(Err(_)) | None) => {}
            (_, Some(Ok(_))) => {
                return self.differs(vec![format!("{name}, but the commit succeeds")]);
            }
        }
        self.disk.heal();
        self.recover()
    }

    /// Memory is ahead of the disk, or gone: it is read back, in one of several ways.
    fn recover(&mut self) -> Result<(), SimError> {
        self.forget_step()?;
        let damaged = self.trouble_with_files()?;
        let recovered = self.start_again()?;
        let name = match recovered.snapshot_seq {
            None => "from the journal alone",
            Some(_) if damaged => "from an older snapshot",
            Some(_) => "from the latest snapshot",
        };
        self.coverage.note("start", name);
        self.disk.heal();
        let lost = self.go_back_to_what_is_durable()?;
        self.check_everything()?;
        self.answers_leave();
        self.ask_again(lost)?;
        // Who gets no receipt tells of a payment again.
        for _ in 0..self.rng.below(12) {
            self.report_again()?;
        }
        Ok(())
    }

    /// The process is gone, and its lock with it. A step cannot be empty, so an idle one takes its place.
    fn forget_step(&mut self) -> Result<(), SimError> {
        let idle = journal::MemoryStorage::new();
        let idle = journal::MemoryJournal::open(&idle).map_err(|error| error.to_string());
        let idle = idle.and_then(|journal| {
            Step::open(Box::new(journal), &mut |_| {}).map_err(|error| error.to_string())
        });
        match idle {
            Ok((idle, _)) => self.step = idle,
            Err(what) => return self.differs(vec![what]),
        }
        Ok(())
    }

    fn start_again(&mut self) -> Result<Recovered, SimError> {
        let journal = match self.disk.open() {
            Ok(journal) => journal,
            Err(error) => {
                return self.differs(vec![format!("the journal cannot be opened: {error}")]);
            }
        };
        match Step::open(journal, &mut |_| {}) {
            Ok((step, recovered)) => {
                self.step = step;
                Ok(recovered)
            }
            Err(error) => self.differs(vec![format!("the engine cannot start: {error}")]),
        }
    }

    /// What was durable says the journal's head alone. Returns the requests whose answers were lost, with what
    /// those were told that turn out to be durable.
    fn go_back_to_what_is_durable(&mut self) -> Result<Vec<(Request, Option<Earlier>)>, SimError> {
        let head = self.step.seq();
        if head < self.acknowledged {
            return self.differs(vec![format!(
                "record {} was acknowledged, the journal ends at {head}",
                self.acknowledged
            )]);
        }
        let batch = std::mem::take(&mut self.batch);
        let mut lost = Vec::with_capacity(batch.len());
        for op in batch {
            let is_durable = op.after <= head;
            if is_durable {
                self.durable.execute(&op.request, op.clock, &op.hint);
            } else if op.before < head {
                // Of its two records only the first is there: what was due.
                self.durable.due_first(&op.request.command, op.clock);
            }
            let told = (is_durable && op.before < op.after).then_some(Earlier {
                told: op.told,
                at: op.at,
            });
            lost.push((op.request, op.earlier.or(told)));
        }
        self.acknowledged = head;
        self.live = self.durable.clone();
        let what = self.trail.follow(&mut self.coverage);
        self.must_be_empty(what)?;
        Ok(lost)
    }

    /// Another writer opens the journal and goes on; the first is told to stop.
    fn overtaken(&mut self) -> Result<(), SimError> {
        let rival = match self.disk.take_over() {
            Ok(journal) => Step::open(journal, &mut |_| {}).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let rival = match rival {
            Ok((rival, _)) => rival,
            Err(what) => return self.differs(vec![what]),
        };
        let mut overtaken = std::mem::replace(&mut self.step, rival);
        let lost = self.go_back_to_what_is_durable()?;
        self.check_everything()?;
        self.answers_leave();
        self.send(Request {
            actor: domain::Actor::System,
            key: None,
            command: domain::Command::DepositCapital {
                amount: domain::Money(1),
            },
        })?;
        self.ask_again(lost)?;
        self.commit_well()?;
        if overtaken.pending() == 0 {
            return Ok(());
        }
        self.coverage.note("fault", "overtaken by another writer");
        match overtaken.commit() {
            Err(Fault::Append(AppendError::Fenced { .. })) => Ok(()),
            other => self.differs(vec![format!("an overtaken writer is told {other:?}")]),
        }
    }

    /// Before the engine starts again something may be wrong with the files. Returns whether the newest snapshot is
    /// damaged.
    fn trouble_with_files(&mut self) -> Result<bool, SimError> {
        match self.rng.below(10) {
            0..=2 => {
                self.coverage.note("fault", "snapshots are lost");
                self.disk.hide_snapshots();
                Ok(false)
            }
            3 | 4 => Ok(self.damage_newest_snapshot()),
            5 => {
                self.foreign_snapshot();
                Ok(false)
            }
            6 => self.damaged_journal().map(|()| false),
            _ => Ok(false),
        }
    }

    fn damage_newest_snapshot(&mut self) -> bool {
        let faults = self.disk.storage.faults();
        let newest = self.snapshots().into_iter().next_back();
        let Some(newest) = newest else { return false };
        let length = faults.snapshot_file(newest).map_or(0, |file| file.len());
        let position = usize::try_from(self.rng.below(length as u64)).unwrap_or(0);
        self.coverage.note("fault", "newest snapshot is damaged");
        faults.flip_snapshot_byte(newest, position)
    }

    /// A snapshot of another journal lies among ours.
    fn foreign_snapshot(&mut self) {
        let faults = self.disk.storage.faults();
        let Some(newest) = self.snapshots().into_iter().next_back() else {
            return;
        };
        let Some(file) = faults.snapshot_file(newest) else {
            return;
        };
        self.coverage
            .note("fault", "a snapshot under another's name");
        faults.place_snapshot_file(newest + 1 + self.rng.below(50), file);
    }

    /// Sequences at which there may be snapshots.
    fn snapshots(&self) -> Vec<u64> {
        let faults = self.disk.storage.faults();
        let known = self.snapshots_at.iter().copied();
        known
            .filter(|seq| faults.snapshot_file(*seq).is_some())
            .collect()
    }

    /// A byte of the journal flips, or its last batch is torn: no start may take it for whole. Then it is mended, as
    /// from a copy.
    fn damaged_journal(&mut self) -> Result<(), SimError> {
        let faults = self.disk.storage.faults();
        let batches = self
            .disk
            .storage
            .reader()
            .head()
            .map_or(0, |head| head.next_batch - 1);
        if batches == 0 {
            return Ok(());
        }
        let torn = self.rng.percent(50);
        let batch = if torn {
            batches
        } else {
            1 + self.rng.below(batches)
        };
        let mut copy = Vec::new();
        faults.alter_batch(batch, |stored| copy = stored.bytes.clone());
        let position = usize::try_from(self.rng.below(copy.len() as u64)).unwrap_or(0);
        if torn {
            self.coverage.note("fault", "last batch is torn");
            faults.tear_last_batch(position);
        } else {
            self.coverage
                .note("fault", "a byte of the journal is flipped");
            faults.flip_byte(batch, position);
        }
        self.disk.hide_snapshots();
        let starts = match self.disk.open() {
            Ok(journal) => Step::open(journal, &mut |_| {}).is_ok(),
            Err(_) => false,
        };
        let verifies = verify_all(self.disk.storage.reader().as_mut()).is_ok();
        self.disk.heal();
        faults.alter_batch(batch, |stored| stored.bytes = copy);
        if starts || verifies {
            return self.differs(vec![format!(
                "batch {batch} is damaged at byte {position}, and nobody notices"
            )]);
        }
        Ok(())
    }

    /// A snapshot as the engine's thread makes it: of a world that follows the journal. It may fail halfway.
    fn snapshot(&mut self) -> Result<(), SimError> {
        self.catch_up()?;
        let Some(at) = self.follower.mark() else {
            return Ok(());
        };
        let content = self.follower.world().to_snapshot();
        let fails = self.rng.percent(15);
        let faults = self.disk.storage.faults();
        let before = faults.snapshot_file(at.seq);
        let written = self.write_snapshot(at, &content, fails);
        let after = faults.snapshot_file(at.seq);
        if written == fails || after.is_none() != (fails && before.is_none()) {
            return self.differs(vec![format!(
                "a snapshot that fails: {fails}, written: {written}, there: {}",
                after.is_some()
            )]);
        }
        if fails && before != after {
            return self.differs(vec!["a snapshot that failed changed another".to_owned()]);
        }
        if fails {
            self.coverage.note("fault", "writing a snapshot fails");
        } else {
            self.coverage.note("start", "snapshot written");
            self.snapshots_at.insert(at.seq);
        }
        Ok(())
    }

    fn write_snapshot(&self, at: Mark, content: &[u8], fails: bool) -> bool {
        let mut fill = |out: &mut dyn Write| {
            let half = content.len() / 2;
            out.write_all(&content[..half])?;
            if fails {
                return Err(Error::other("injected fault in a snapshot"));
            }
            out.write_all(&content[half..])
        };
        let journal: &dyn Journal = self.step.journal();
        journal.write_snapshot(at, &mut fill).is_ok()
    }
}
