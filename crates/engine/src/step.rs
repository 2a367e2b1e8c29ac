//! The writer without threads, for simulators and tools.

use domain::{Answer, Millis, Records, Refusal, Request, Timer, World};
use journal::{Head, Journal};

use crate::append::Appender;
use crate::error::{Fault, StartError};
use crate::executor::Executor;
use crate::recovery::{Progress, Recovered, recover};
use crate::{BATCH_BYTES, Reply};

/// The single writer as a plain structure: the caller brings the clock and says when a batch ends.
///
/// The engine's threads use the same two halves, the one that executes and the one that appends.
pub struct Step {
    executor: Executor,
    appender: Appender,
}

impl Step {
    /// Reads the journal back and stands ready to continue it.
    pub fn open(
        journal: Box<dyn Journal>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(Step, Recovered), StartError> {
        let (world, recovered, _) = recover(journal.as_ref(), progress)?;
        let executor = Executor::new(world, recovered.head);
        Ok((
            Step {
                executor,
                appender: Appender::new(journal),
            },
            recovered,
        ))
    }

    /// Executes a command in memory. The reply must not leave before [`commit`](Self::commit) has succeeded; that
    /// holds for a refusal, too, which may rest on what is not durable yet.
    pub fn execute(&mut self, request: &Request, clock: Millis) -> Result<Reply, Refusal> {
        let answer: Answer = self.executor.execute(request, clock)?;
        Ok(Reply {
            answer,
            seq: self.executor.seq(),
        })
    }

    /// Executes timers whose time has come, at most `limit`; returns how many.
    pub fn tick(&mut self, clock: Millis, limit: usize) -> usize {
        (0..limit).map_while(|_| self.executor.tick(clock)).count()
    }

    /// The earliest timer.
    pub fn next_timer(&mut self) -> Option<Timer> {
        self.executor.next_timer()
    }

    /// Whether the batch is as long as one should become: commit now.
    pub fn is_full(&self) -> bool {
        BATCH_BYTES <= self.executor.bytes()
    }

    /// Records that wait for [`commit`](Self::commit).
    pub fn pending(&self) -> usize {
        self.executor.records().len()
    }

    /// Makes everything executed durable. After an error memory is ahead of the disk: drop this and open the
    /// journal anew.
    pub fn commit(&mut self) -> Result<Head, Fault> {
        let records = self.executor.take(Records::default());
        let (head, _) = self.appender.append(&records)?;
        self.executor.take(records);
        Ok(head)
    }

    /// The world, with what is not durable yet.
    pub fn world(&self) -> &World {
        self.executor.world()
    }

    /// Sequence of the last record executed, durable or not.
    pub fn seq(&self) -> u64 {
        self.executor.seq()
    }

    /// The journal, for its readers and snapshots.
    pub fn journal(&self) -> &dyn Journal {
        self.appender.journal()
    }
}
