//! What the handle and the threads share.

use std::error::Error;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::watch;

use crate::error::{Stop, SubmitError};
use crate::message::Lane;
use crate::metrics::Counters;
use crate::recovery::Recovered;

pub(crate) struct Shared {
    lanes: [Quota; 2],
    /// Nothing more is accepted.
    closing: AtomicBool,
    stopped: watch::Sender<Option<Stop>>,
    /// Sequence of the last durable record.
    pub(crate) committed: watch::Sender<u64>,
    pub(crate) counters: Counters,
    pub(crate) recovered: Recovered,
}

impl Shared {
    pub(crate) fn new(commands: usize, settlements: usize, recovered: Recovered) -> Shared {
        Shared {
            lanes: [Quota::new(commands), Quota::new(settlements)],
            closing: AtomicBool::new(false),
            stopped: watch::Sender::new(None),
            committed: watch::Sender::new(recovered.head),
            counters: Counters::default(),
            recovered,
        }
    }

    /// Counts commands in, or refuses them all.
    pub(crate) fn admit(&self, lane: Lane, commands: usize) -> Result<(), SubmitError> {
        if self.closing.load(Ordering::Acquire) {
            return Err(SubmitError::Stopped);
        }
        let admitted = self.lanes[lane.index()].take(commands);
        if admitted == Err(SubmitError::Busy) {
            self.counters.busy();
        }
        admitted
    }

    /// Counts answered commands out.
    pub(crate) fn release(&self, answers: [usize; 2]) {
        for (quota, commands) in self.lanes.iter().zip(answers) {
            quota.give_back(commands);
        }
    }

    /// Commands accepted and not yet answered, and the most there may be.
    pub(crate) fn unanswered(&self, lane: Lane) -> (usize, usize) {
        let quota = &self.lanes[lane.index()];
        (quota.taken.load(Ordering::Relaxed), quota.most)
    }

    /// Accepts nothing more.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::Release);
    }

    /// Notes why the engine ends; the first reason stays.
    pub(crate) fn stop(&self, why: Stop) {
        self.close();
        self.stopped.send_if_modified(|stopped| {
            let first = stopped.is_none();
            if first {
                match &why {
                    Stop::Shutdown => {}
                    Stop::Journal(_) | Stop::Panicked { .. } => {
                        let source = why.source().map(ToString::to_string);
                        // What the system said stands in the line itself: it is what an operator looks for.
                        let causes = std::iter::successors(why.source(), |&cause| cause.source());
                        let cause = causes
                            .last()
                            .map_or_else(|| why.to_string(), ToString::to_string);
                        tracing::error!(reason = %why, source, "the engine stops: {cause}");
                    }
                }
                *stopped = Some(why);
            }
            first
        });
    }

    pub(crate) fn stopped(&self) -> watch::Receiver<Option<Stop>> {
        self.stopped.subscribe()
    }
}

/// Counts commands from acceptance to answer, so that what waits anywhere in the engine is bounded.
struct Quota {
    most: usize,
    taken: AtomicUsize,
}

impl Quota {
    fn new(most: usize) -> Quota {
        Quota {
            most,
            taken: AtomicUsize::new(0),
        }
    }

    fn take(&self, commands: usize) -> Result<(), SubmitError> {
        if self.most < commands {
            return Err(SubmitError::TooMany {
                commands,
                limit: self.most,
            });
        }
        let with = |taken: usize| taken.checked_add(commands).filter(|&sum| sum <= self.most);
        self.taken
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, with)
            .map(|_| ())
            .map_err(|_| SubmitError::Busy)
    }

    fn give_back(&self, commands: usize) {
        if 0 < commands {
            self.taken.fetch_sub(commands, Ordering::AcqRel);
        }
    }
}
