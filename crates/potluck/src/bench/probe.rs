//! One person at a time: what a single join takes while others load the engine.
//!
//! Why beside the batches: a batch of thousands is answered when its last command is durable, which nobody who joins
//! waits for. A probe joins, waits for the answer, and joins again; its times are what a person meets.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use domain::{Answer, MemberId, PaymentAnswer, Refusal};
use engine::{Reply, SubmitError};

use super::common::Latencies;
use super::load::{Path, reserve};
use super::shop::{Door, OpenGroup, PaymentNames, Rng, tag, unanswered};

/// Wait before a full queue is tried again.
const BUSY_PAUSE: Duration = Duration::from_millis(1);

/// Most probes at once.
pub(crate) const PROBES: u8 = 8;

/// What a probe met.
#[derive(Clone, Debug, Default)]
pub(crate) struct Probed {
    /// When each join began, and how long it took.
    samples: Vec<(Instant, Duration)>,
    /// Payments accepted, those of its groups' leaders included.
    pub(crate) joins: u64,
    /// Joins turned down by the rules; not among the samples.
    pub(crate) refused: u64,
}

impl Probed {
    /// Takes in what another one met.
    pub(crate) fn merge(&mut self, other: Probed) {
        self.samples.extend(other.samples);
        self.joins += other.joins;
        self.refused += other.refused;
    }

    /// The joins that began in this time.
    pub(crate) fn between(&self, from: Instant, until: Instant) -> Latencies {
        let mut latencies = Latencies::default();
        for (began, took) in &self.samples {
            if from <= *began && *began < until {
                latencies.add(*took);
            }
        }
        latencies
    }

    pub(crate) fn all(&self) -> Latencies {
        let mut latencies = Latencies::default();
        for (_, took) in &self.samples {
            latencies.add(*took);
        }
        latencies
    }
}

/// Joins one at a time in groups of its own.
pub(crate) struct Probe {
    door: Door,
    path: Path,
    rng: Rng,
    names: PaymentNames,
    group: Option<OpenGroup>,
    next_key: u128,
    probed: Probed,
}

impl Probe {
    /// The probe of this number, below [`PROBES`]; each has payments and keys of its own.
    pub(crate) fn new(door: Door, path: Path, number: u8) -> Probe {
        Probe {
            door,
            path,
            rng: Rng::new(u64::MAX - 1 - u64::from(number)),
            names: PaymentNames::new(2 + number),
            group: None,
            // Far from the keys of the load.
            next_key: (1 + u128::from(number)) << 100,
            probed: Probed::default(),
        }
    }

    /// Joins until it is told to stop, once at least.
    pub(crate) fn run(mut self, stop: &AtomicBool) -> Result<Probed, String> {
        loop {
            self.join_once()?;
            if stop.load(Ordering::Relaxed) && !self.probed.samples.is_empty() {
                return Ok(self.probed);
            }
        }
    }

    fn join_once(&mut self) -> Result<(), String> {
        let mut group = match self.group.take() {
            Some(group) => group,
            None => self.open()?,
        };
        let member = self.door.offer.member(&mut self.rng);
        let began = Instant::now();
        let seated = match self.path {
            Path::Member => self.by_member(&group, member)?,
            Path::Gateway => self.by_gateway(&group, member)?,
        };
        if seated {
            self.probed.samples.push((began, began.elapsed()));
            self.probed.joins += 1;
            group.left -= 1;
        } else {
            self.probed.refused += 1;
        }
        self.group = (0 < group.left).then_some(group);
        Ok(())
    }

    fn open(&mut self) -> Result<OpenGroup, String> {
        loop {
            let opened = self.door.open_groups(1, &mut self.rng, &mut self.names)?;
            if let Some(group) = opened.into_iter().next() {
                self.probed.joins += 1;
                return Ok(group);
            }
        }
    }

    /// Reserves, then has the payment accepted; false if the member has a seat already.
    fn by_member(&mut self, group: &OpenGroup, member: MemberId) -> Result<bool, String> {
        self.next_key += 1;
        let reserved = self.ask(&reserve(group.id, member, self.next_key))?;
        let Some(reply) = reserved else {
            return Ok(false);
        };
        let Answer::Reserved { payment, .. } = reply.answer else {
            return Err(super::shop::unexpected(&reply));
        };
        let (txn, tag) = (self.names.next(), tag(member, &group.ident));
        self.paid(&self.door.offer.accept(payment, txn, tag))
    }

    fn by_gateway(&mut self, group: &OpenGroup, member: MemberId) -> Result<bool, String> {
        let txn = self.names.next();
        let join = self.door.offer.join_paid(group, member, None, txn);
        self.paid(&join)
    }

    fn paid(&self, request: &domain::Request) -> Result<bool, String> {
        match self.ask(request)? {
            Some(reply) => match reply.answer {
                Answer::Payment(PaymentAnswer::Seated(_)) => Ok(true),
                Answer::Payment(PaymentAnswer::Bounced { .. }) => Ok(false),
                Answer::Payment(PaymentAnswer::Known)
                | Answer::Done
                | Answer::Member(_)
                | Answer::Campaign(_)
                | Answer::Reserved { .. }
                | Answer::Withdrawal(_)
                | Answer::Merchant(_)
                | Answer::Store(_)
                | Answer::Sku(_)
                | Answer::Purchase(_)
                | Answer::Counter(_)
                | Answer::Table(_) => Err(super::shop::unexpected(&reply)),
            },
            None => Ok(false),
        }
    }

    /// Asks again while the queue is full, which counts as waiting; none if the member has a seat already.
    fn ask(&self, request: &domain::Request) -> Result<Option<Reply>, String> {
        loop {
            match self.door.engine.submit_blocking(request.clone()) {
                Ok(reply) => return Ok(Some(reply)),
                Err(SubmitError::Refused(Refusal::SeatLimit { .. })) => return Ok(None),
                Err(SubmitError::Busy) => std::thread::sleep(BUSY_PAUSE),
                Err(error) => return Err(unanswered(&self.door.engine, &error)),
            }
        }
    }
}
