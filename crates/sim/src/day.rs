//! A day of traffic, and what follows from it until nothing is left to happen.

mod act;
mod follow;

use std::collections::BTreeSet;

use domain::{Command, GroupId, Millis, Money, Request};
use engine::Step;

use crate::error::SimError;
use crate::model::{Hint, Model, Told};
use crate::plans::{Agenda, Plan};
use crate::provider::Provider;
use crate::rng::Rng;
use crate::shop;
use crate::stats::Stats;

/// Most plans of one batch.
const BATCH_PLANS: u64 = 200;
/// How often, in batches, the world's own invariants are checked; the model is compared every time.
const VIOLATIONS_EVERY: u64 = 16;

/// A day to simulate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    /// How many people sign up.
    pub members: u32,
    /// What everything follows from.
    pub seed: u64,
    /// How long people come by; what they began goes on until it has ended.
    pub hours: u32,
}

impl Day {
    /// Runs the whole day on an empty journal, and everything that follows, until nothing is left to happen.
    pub fn run(&self, step: &mut Step, stats: &mut Stats) -> Result<(), SimError> {
        let mut simulation = Simulation::new(self);
        while simulation.batch(step)? {}
        simulation.finish(step)?;
        *stats = simulation.stats();
        Ok(())
    }
}

/// A command and what it was answered; the answer leaves only when the batch is durable.
#[derive(Clone, Debug)]
struct Sent {
    request: Request,
    told: Told,
    /// Whether the person may still do something about it: not for repetitions.
    fresh: bool,
}

/// A population in the middle of its day.
pub struct Simulation {
    day: Day,
    rng: Rng,
    clock: i64,
    agenda: Agenda,
    provider: Provider,
    beacon: draw::LocalBeacon,
    key: draw::BeaconKey,
    model: Model,
    /// The model after the last batch that is known to be durable, and where the journal stood.
    durable: (Model, u64),
    sent: Vec<Sent>,
    /// Requests whose answer was lost in a crash; their senders ask again.
    unanswered: Vec<Request>,
    /// Payments that the history shows as dealt with.
    booked: BTreeSet<String>,
    awaited: BTreeSet<GroupId>,
    refunds_seen: u64,
    orders_seen: u64,
    stats: Stats,
}

impl Simulation {
    /// A population that has not begun.
    pub fn new(day: &Day) -> Simulation {
        let clock = (shop::BEACON_GENESIS_S.cast_signed() + 86_400) * 1000;
        let beacon = shop::beacon();
        let key = draw::BeaconKey::from_file(&shop::beacon_file()).expect("a key's own file");
        let mut simulation = Simulation {
            day: *day,
            rng: Rng::new(day.seed),
            clock,
            agenda: Agenda::default(),
            provider: Provider::default(),
            beacon,
            key,
            model: Model::default(),
            durable: (Model::default(), 0),
            sent: Vec::new(),
            unanswered: Vec::new(),
            booked: BTreeSet::new(),
            awaited: BTreeSet::new(),
            refunds_seen: 0,
            orders_seen: 0,
            stats: Stats::default(),
        };
        simulation.plan_the_day();
        simulation
    }

    /// What happened so far.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    fn plan_the_day(&mut self) {
        let length = i64::from(self.day.hours) * 3_600_000;
        for _ in 0..self.day.members {
            // Most sign up early, so that there is somebody to invite the others.
            let at = self
                .rng
                .between(0, length / 2)
                .min(self.rng.between(0, length / 2));
            self.agenda.add(self.clock + 1 + at, Plan::SignUp);
        }
        for (order, campaign) in shop::campaigns().into_iter().enumerate() {
            let late = order == 4;
            let at = if late { length / 3 } else { 0 };
            self.agenda
                .add(self.clock + at, Plan::Publish(Box::new(campaign)));
        }
        for _ in 0..self.day.hours {
            let at = self.rng.between(length / 4, length);
            self.agenda.add(self.clock + at, Plan::Gateway);
        }
        let capital = Command::DepositCapital {
            amount: Money(100_000_000),
        };
        self.unanswered.push(Request {
            actor: domain::Actor::System,
            key: None,
            command: capital,
        });
    }

    fn day_end(&self) -> i64 {
        let begin = (shop::BEACON_GENESIS_S.cast_signed() + 86_400) * 1000;
        begin + i64::from(self.day.hours) * 3_600_000
    }

    /// Executes one batch, makes it durable, and compares. Returns whether anything is left to happen.
    pub fn batch(&mut self, step: &mut Step) -> Result<bool, SimError> {
        self.look_at(step);
        let timer = step.next_timer().map(|(at, _)| at.0);
        let asked_again = (!self.unanswered.is_empty()).then_some(self.clock);
        let next = [self.agenda.next_at(), timer, asked_again]
            .into_iter()
            .flatten()
            .min();
        let Some(next) = next else {
            return Ok(false);
        };
        self.clock = self.clock.max(next);
        for request in std::mem::take(&mut self.unanswered) {
            self.send(step, request, Freshness::First)?;
        }
        let idle = self.agenda.next_at().is_none_or(|at| self.clock < at);
        if idle || self.rng.percent(50) {
            step.tick(Millis(self.clock), usize::MAX);
            self.model.tick(self.clock);
        }
        // Now a single request, now what has queued up while the disk was slow.
        let wide = if self.rng.percent(30) { 1_000 } else { 180_000 };
        let until = self.clock + self.rng.between(0, wide);
        let most = 1 + self.rng.below(BATCH_PLANS);
        for _ in 0..most {
            let Some((at, plan)) = self.agenda.take_by(until) else {
                break;
            };
            self.clock = self.clock.max(at);
            self.carry_out(step, plan)?;
        }
        step.commit()?;
        self.stats.batches += 1;
        self.durable = (self.model.clone(), step.seq());
        self.follow_up();
        self.compare(step)?;
        Ok(true)
    }

    /// The engine was started anew after a fault: was the last batch stored or not? Whoever got no answer asks again.
    pub fn recovered(&mut self, step: &Step) -> Result<(), SimError> {
        self.stats.crashes += 1;
        let (durable, seq) = &self.durable;
        if step.seq() == *seq {
            self.model = durable.clone();
        } else {
            self.durable = (self.model.clone(), step.seq());
        }
        let lost = self.sent.drain(..).filter(|sent| sent.fresh);
        self.unanswered = lost.map(|sent| sent.request).collect();
        self.compare(step)
    }

    /// Nothing is left to happen: every payment was kept for a winner or went back once.
    pub fn finish(&mut self, step: &Step) -> Result<(), SimError> {
        let sales = -step.world().balance(domain::Account::Sales);
        let kept = self.provider.kept();
        let mut what = step.world().violations();
        if kept != sales {
            what.push(format!(
                "the provider kept {kept} for the platform, winners paid {sales}"
            ));
        }
        if step.world().pending_refund_count() != 0 {
            what.push("refunds are left that nobody sends".to_owned());
        }
        self.differs(what)
    }

    fn compare(&mut self, step: &Step) -> Result<(), SimError> {
        let mut what = self.model.differences(step.world());
        if self.stats.batches.is_multiple_of(VIOLATIONS_EVERY) {
            what.extend(step.world().violations());
        }
        self.differs(what)
    }

    fn differs(&self, what: Vec<String>) -> Result<(), SimError> {
        if what.is_empty() {
            return Ok(());
        }
        Err(SimError::Differs {
            seed: self.day.seed,
            commands: self.stats.commands,
            what,
        })
    }

    /// Sends a command to the engine and asks the rules, too.
    fn send(
        &mut self,
        step: &mut Step,
        request: Request,
        freshness: Freshness,
    ) -> Result<Told, SimError> {
        // Clocks are set back now and then; a command's time never goes back.
        let back = if self.rng.percent(2) {
            self.rng.between(0, 5_000)
        } else {
            0
        };
        let clock = self.clock - back;
        let mut hint = Hint {
            fits_freeze: true,
            ..Hint::default()
        };
        if let Command::ConfirmRefund { refund } = &request.command {
            hint.refund_of = self.provider.txn_of(*refund);
        }
        let outcome = step
            .execute(&request, Millis(clock))
            .map(|reply| reply.answer);
        let world = Told::of(&outcome);
        let rules = self.model.execute(&request, clock, &hint);
        self.stats.commands += 1;
        if let Told::Refused(_) = world {
            self.stats.refused += 1;
        }
        if world != rules {
            let what = format!("{request:?}: the world answers {world:?}, the rules {rules:?}");
            self.differs(vec![what])?;
        }
        let fresh = freshness == Freshness::First;
        self.sent.push(Sent {
            request,
            told: world,
            fresh,
        });
        Ok(world)
    }
}

/// Whether a request is sent for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Freshness {
    First,
    Repeated,
}
