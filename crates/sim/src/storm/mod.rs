//! Storms: random commands by random members, under a clock that jumps and a disk that fails.
//!
//! Why beside [`Day`](crate::Day): a day shows what people do, a storm what nobody would. It sends what is wrong as
//! often as what is right, breaks the disk in every way the journal knows, lets clients ask again, and after every
//! batch asks the rules told a second time ([`Model`]), the world's own invariants and the journal's records. What
//! was durable after a fault it learns from the journal's head alone. Everything follows from one seed.

mod acts;
mod check;
mod clients;
mod counters;
mod coverage;
mod crash;
mod disk;
mod end;
mod fleet;
mod market;
mod money;
mod payouts;
mod shape;
mod terms;
mod town;
mod trail;

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::{Millis, Request};
use engine::{RecordReader, Step, WorldFollower};
use journal::{Journal, MemoryJournal};

use crate::error::SimError;
use crate::model::{Hint, Mistake, Model, Told};
use crate::rng::Rng;
use crate::shop;

pub use coverage::Coverage;
pub use disk::Wrap;
pub use fleet::{Failure, Fleet};
pub use shape::Kind;

use disk::Disk;
use shape::Shape;
use town::Town;
use trail::Trail;

/// One world from its first command to its last.
#[derive(Clone)]
pub struct Storm {
    /// What everything follows from, the kind of world included.
    pub seed: u64,
    /// How many commands before the end is played out; by default what the kind of world says.
    pub commands: Option<u64>,
    mistake: Option<Mistake>,
    wrap: Arc<Wrap>,
}

impl Storm {
    /// The world that a seed makes.
    pub fn new(seed: u64) -> Storm {
        Storm {
            seed,
            commands: None,
            mistake: None,
            wrap: Arc::new(|journal: MemoryJournal| -> Box<dyn Journal> { Box::new(journal) }),
        }
    }

    /// The same with a rule told wrongly: it must be found.
    pub fn with_mistake(mut self, mistake: Mistake) -> Storm {
        self.mistake = Some(mistake);
        self
    }

    /// The same on a journal that does what it should not: it must be found.
    pub fn on(mut self, wrap: Arc<Wrap>) -> Storm {
        self.wrap = wrap;
        self
    }

    /// What kind of world it is.
    pub fn kind(&self) -> Kind {
        Shape::of(self.seed).kind
    }

    /// Runs it to its end; what it has met is in `coverage` also when something differs.
    pub fn run(&self, coverage: &mut Coverage) -> Result<(), SimError> {
        Run::start(self)?.run(coverage)
    }
}

/// A command that was executed and is not durable yet, as far as anybody knows.
#[derive(Clone, Debug)]
struct Op {
    request: Request,
    clock: i64,
    hint: Hint,
    told: Told,
    /// Sequence of the last record before and after it.
    before: u64,
    after: u64,
    /// Time of its last record.
    at: i64,
    earlier: Option<Earlier>,
}

/// What a command was told before a fault, when it was durable although its answer was lost.
#[derive(Clone, Copy, Debug)]
struct Earlier {
    told: Told,
    /// Time of its record.
    at: i64,
}

/// A storm that is going on.
struct Run {
    seed: u64,
    shape: Shape,
    rng: Rng,
    clock: i64,
    disk: Disk,
    step: Step,
    /// The rules as of the last command, and as of the last one that is durable.
    live: Model,
    durable: Model,
    /// Executed since the last commit.
    batch: Vec<Op>,
    /// Sequence up to which answers have left.
    acknowledged: u64,
    town: Town,
    trail: Trail,
    /// What the snapshot thread does: another world that follows the journal.
    follower: WorldFollower,
    /// Where snapshots were written.
    snapshots_at: BTreeSet<u64>,
    batches: u64,
    coverage: Coverage,
}

impl Run {
    fn start(storm: &Storm) -> Result<Run, SimError> {
        let shape = Shape::of(storm.seed);
        let shape = Shape {
            commands: storm.commands.unwrap_or(shape.commands),
            ..shape
        };
        let disk = Disk::new(storm.wrap.clone());
        let differs = |what: String| SimError::Differs {
            seed: storm.seed,
            commands: 0,
            what: vec![what],
        };
        let journal = disk.open().map_err(|error| differs(error.to_string()))?;
        let (step, _) =
            Step::open(journal, &mut |_| {}).map_err(|error| differs(error.to_string()))?;
        let model = Model::with_mistake(storm.mistake);
        Ok(Run {
            seed: storm.seed,
            shape,
            rng: Rng::new(storm.seed),
            clock: (shop::BEACON_GENESIS_S.cast_signed() + 86_400) * 1000,
            step,
            live: model.clone(),
            durable: model,
            batch: Vec::new(),
            acknowledged: 0,
            town: Town::default(),
            trail: Trail::new(RecordReader::new(disk.storage.reader(), 0)),
            follower: WorldFollower::from_nothing(disk.storage.reader()),
            snapshots_at: BTreeSet::new(),
            disk,
            batches: 0,
            coverage: Coverage::default(),
        })
    }

    fn run(mut self, coverage: &mut Coverage) -> Result<(), SimError> {
        let done = self.go_on();
        coverage.add(&self.coverage);
        done
    }

    fn go_on(&mut self) -> Result<(), SimError> {
        let kind = match self.shape.kind {
            Kind::Village => "village",
            Kind::Hall => "hall",
            Kind::Crowd => "crowd",
            Kind::Palace => "palace",
        };
        self.coverage.note("world", kind);
        self.settle_in()?;
        while self.coverage.commands < self.shape.commands {
            let most = self.shape.batch;
            for _ in 0..=self.rng.below(most) {
                self.advance_clock();
                self.act()?;
            }
            self.commit()?;
        }
        self.play_out()?;
        self.coverage.storms += 1;
        Ok(())
    }

    /// Time goes on, stands still, jumps, and now and then goes back.
    fn advance_clock(&mut self) {
        const SECOND: i64 = 1_000;
        const HOUR: i64 = 3_600 * SECOND;
        let (what, step) = match self.rng.below(1_000) {
            0..=599 => ("still", 0),
            600..=899 => ("on", self.rng.between(0, 2 * SECOND)),
            900..=959 => ("on", self.rng.between(0, 60 * SECOND)),
            960..=984 => ("jumps", self.rng.between(0, HOUR / 4)),
            985..=989 => ("jumps", self.rng.between(0, 6 * HOUR)),
            990 => ("jumps", self.rng.between(0, 30 * 24 * HOUR)),
            // At the very millisecond at which something becomes due, or just before.
            991..=995 => match self.live.next_due() {
                Some(due) => ("to a deadline", due - self.clock - self.rng.between(0, 1)),
                None => ("still", 0),
            },
            996..=998 => ("back", -self.rng.between(0, 5 * SECOND)),
            _ => ("back", -self.rng.between(0, 2 * HOUR)),
        };
        self.clock += step;
        self.coverage.note("clock", what);
    }

    /// Sends a command to the engine, and asks the rules, too.
    fn send(&mut self, request: Request) -> Result<Told, SimError> {
        self.send_again(request, None)
    }

    fn send_again(&mut self, request: Request, earlier: Option<Earlier>) -> Result<Told, SimError> {
        let hint = self.hint(&request);
        let before = self.step.seq();
        let outcome = self.step.execute(&request, Millis(self.clock));
        let told = Told::of(&outcome.map(|reply| reply.answer));
        self.took_place(request, hint, before, told, earlier)
    }

    /// Executes the earliest timer if its time has come.
    fn tick(&mut self) -> Result<bool, SimError> {
        let Some((at, due)) = self.step.next_timer() else {
            return Ok(false);
        };
        let before = self.step.seq();
        if self.step.tick(Millis(self.clock), 1) == 0 {
            return Ok(false);
        }
        if self.live.next_due() != Some(at.0) {
            return self.differs(vec![format!(
                "the world's next timer is {due:?} at {at:?}, the rules say {:?}",
                self.live.next_due()
            )]);
        }
        let request = Request {
            actor: domain::Actor::System,
            key: None,
            command: domain::Command::Tick(due),
        };
        self.took_place(request, Hint::default(), before, Told::Done, None)?;
        Ok(true)
    }

    fn took_place(
        &mut self,
        request: Request,
        hint: Hint,
        before: u64,
        told: Told,
        earlier: Option<Earlier>,
    ) -> Result<Told, SimError> {
        self.coverage.commands += 1;
        self.coverage
            .note("command", clients::name_of(&request.command));
        self.coverage.note("answer", clients::name_of_answer(told));
        if let Told::Refused(code) = told {
            self.coverage.note("refusal", code);
        }
        let rules = self.live.execute(&request, self.clock, &hint);
        if told != rules {
            let what = format!("{request:?}: the world answers {told:?}, the rules {rules:?}");
            return self.differs(vec![what]);
        }
        self.batch.push(Op {
            request,
            clock: self.clock,
            hint,
            told,
            before,
            after: self.step.seq(),
            at: self.live.now,
            earlier,
        });
        Ok(told)
    }

    /// What the rules cannot know by themselves: which payment a refund is of, and of which freeze a draw is.
    fn hint(&self, request: &Request) -> Hint {
        let world = self.step.world();
        let mut hint = Hint::default();
        if let domain::Command::ConfirmRefund { refund } = &request.command {
            let after = refund.0.checked_sub(1).map(domain::RefundId);
            let pending = world.pending_refunds(after, 1);
            let pending = pending.first().filter(|pending| pending.refund == *refund);
            hint.refund_of =
                pending.map_or(String::new(), |pending| pending.txn.as_str().to_owned());
        }
        if let domain::Command::SettleGroup { group, outcome } = &request.command {
            let files = world.draw_files(*group);
            hint.fits_freeze =
                files.is_some_and(|files| files.freeze.hash() == outcome.freeze_hash());
        }
        hint
    }

    fn differs<T>(&self, what: Vec<String>) -> Result<T, SimError> {
        Err(SimError::Differs {
            seed: self.seed,
            commands: self.coverage.commands,
            what,
        })
    }

    fn must_be_empty(&self, what: Vec<String>) -> Result<(), SimError> {
        if what.is_empty() {
            return Ok(());
        }
        self.differs(what)
    }
}
