//! Asks for seats as fast as they are answered: one thread, several batches under way.
//!
//! Why it keeps account of the groups itself: whoever sends joins for others knows which of his groups still have
//! seats. A group whose last seat was asked for gives its place to one of a small stock of groups that were opened
//! before, so that there are always as many open groups to choose from.

use std::{
    sync::Arc,
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use domain::{
    Actor, Answer, Command, GroupId, IdempotencyKey, MemberId, PaymentAnswer, PaymentId, Refusal,
    Request,
};
use engine::{EngineHandle, Reply};
use tokio::task::JoinSet;

use super::common::Latencies;
use super::shop::{Door, Offer, OpenGroup, PaymentNames, Rng, tag, unanswered};

/// How a join reaches the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Path {
    /// The member reserves with an idempotency key; then the payment is accepted
    Member,
    /// A gateway's member has paid already: the whole join is one command
    Gateway,
}

impl Path {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Path::Member => "member",
            Path::Gateway => "gateway",
        }
    }
}

/// How much is asked, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) path: Path,
    /// Payments to be accepted.
    pub(crate) joins: u64,
    /// Commands in a batch.
    pub(crate) batch: usize,
    /// Batches under way at once.
    pub(crate) in_flight: usize,
}

impl Plan {
    /// Batches as large as a busy gateway's.
    pub(crate) const USUAL: Plan = Plan {
        path: Path::Gateway,
        joins: 1,
        batch: 2_000,
        in_flight: 8,
    };

    /// Opened groups that stand ready, so that no batch waits for one: as many as can fill while one is opened.
    pub(crate) fn stock(&self, seats: u32) -> usize {
        let seats = usize::try_from(seats).unwrap_or(usize::MAX);
        self.batch
            .saturating_mul(self.in_flight)
            .saturating_mul(3)
            .div_ceil(seats)
            .saturating_add(2)
    }
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// Payments accepted, those of leaders included.
    pub(crate) joins: u64,
    /// Joins turned down by the rules: the member had a seat in that group.
    pub(crate) refused: u64,
    /// Of each batch, from handing it over to its answer.
    pub(crate) batches: Latencies,
    /// When half of the joins had been answered, and how many that were.
    pub(crate) half: Option<(Instant, u64)>,
}

/// Told while it runs, for those who act at a certain point.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    joins: AtomicU64,
}

impl Progress {
    pub(crate) fn joins(&self) -> u64 {
        self.joins.load(Ordering::Relaxed)
    }
}

/// What one command of a batch was for.
enum Asked {
    Open(MemberId),
    LeaderPayment(GroupId),
    Seat { group: GroupId, tag: [u8; 32] },
    Payment,
    JoinPaid(GroupId),
}

/// A reservation whose payment is to be sent.
struct Owed {
    payment: PaymentId,
    tag: [u8; 32],
    leader: bool,
}

/// Batches and what they were for, until they are answered.
type Answered = (
    Vec<Asked>,
    Instant,
    Result<Vec<Result<Reply, Refusal>>, engine::SubmitError>,
);

/// Who asks.
pub(crate) struct Load {
    plan: Plan,
    offer: Offer,
    engine: EngineHandle,
    rng: Rng,
    names: PaymentNames,
    /// Groups that are joined now.
    groups: Vec<OpenGroup>,
    /// How many there are to be.
    open_groups: usize,
    /// Opened groups that nobody but their leader has joined, and groups that lack somebody who was refused.
    stock: Vec<OpenGroup>,
    stock_wanted: usize,
    opening: usize,
    owed: Vec<Owed>,
    /// Joins asked for and not yet seated or refused.
    under_way: u64,
    next_key: u64,
    outcome: Outcome,
    progress: Arc<Progress>,
}

impl Load {
    /// `groups` are open, their leaders have paid; the first `open_groups` are joined, the others are the stock.
    pub(crate) fn new(
        plan: Plan,
        Door { engine, offer }: Door,
        (mut groups, open_groups): (Vec<OpenGroup>, usize),
    ) -> Load {
        let stock = groups.split_off(open_groups.min(groups.len()));
        Load {
            plan,
            engine,
            rng: Rng::new(u64::MAX),
            names: PaymentNames::new(1),
            groups,
            open_groups,
            stock,
            stock_wanted: plan.stock(offer.seats),
            offer,
            opening: 0,
            owed: Vec::new(),
            under_way: 0,
            next_key: 0,
            outcome: Outcome::default(),
            progress: Arc::default(),
        }
    }

    /// How far it has come.
    pub(crate) fn progress(&self) -> Arc<Progress> {
        self.progress.clone()
    }

    /// Runs on this thread until all joins are answered.
    pub(crate) fn run(self) -> Result<Outcome, String> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .map_err(|error| error.to_string())?;
        runtime.block_on(self.until_done())
    }

    async fn until_done(mut self) -> Result<Outcome, String> {
        let mut under_way: JoinSet<Answered> = JoinSet::new();
        loop {
            while under_way.len() < self.plan.in_flight {
                let (requests, asked) = self.batch()?;
                if requests.is_empty() {
                    break;
                }
                let engine = self.engine.clone();
                under_way.spawn(async move {
                    let sent = Instant::now();
                    let answers = engine.submit_many(requests).await;
                    (asked, sent, answers)
                });
                // So that it is handed over before the next one is made.
                tokio::task::yield_now().await;
            }
            let Some(answered) = under_way.join_next().await else {
                return Ok(self.outcome);
            };
            self.answered(answered.map_err(|error| error.to_string())?)?;
        }
    }

    /// The next commands: payments that are owed, groups to open, seats.
    fn batch(&mut self) -> Result<(Vec<Request>, Vec<Asked>), String> {
        let most = self.plan.batch;
        let mut requests = Vec::with_capacity(most);
        let mut asked = Vec::with_capacity(most);
        let now = self.owed.len().min(most);
        for owed in self.owed.drain(..now) {
            let Owed {
                payment,
                tag,
                leader,
            } = owed;
            requests.push(self.offer.accept(payment, self.names.next(), tag));
            asked.push(if leader {
                Asked::LeaderPayment(payment.group)
            } else {
                Asked::Payment
            });
        }
        while requests.len() < most && self.outcome.joins + self.under_way < self.plan.joins {
            if self.stock.len() + self.opening < self.stock_wanted {
                let leader = self.offer.member(&mut self.rng);
                requests.push(self.offer.open(leader));
                asked.push(Asked::Open(leader));
                self.opening += 1;
            } else if let Some((request, purpose)) = self.seat() {
                requests.push(request);
                asked.push(purpose);
            } else {
                break;
            }
            self.under_way += 1;
        }
        Ok((requests, asked))
    }

    /// A seat in one of the open groups, for one of the members; none while all groups are spoken for.
    fn seat(&mut self) -> Option<(Request, Asked)> {
        while self.groups.len() < self.open_groups {
            self.groups.push(self.stock.pop()?);
        }
        let at = usize::try_from(self.rng.below(self.groups.len() as u64)).ok()?;
        let member = self.offer.member(&mut self.rng);
        let group = self.groups.get_mut(at)?;
        let id = group.id;
        let asked = match self.plan.path {
            Path::Member => {
                self.next_key += 1;
                let request = reserve(id, member, u128::from(self.next_key));
                let tag = tag(member, &group.ident);
                (request, Asked::Seat { group: id, tag })
            }
            Path::Gateway => {
                let txn = self.names.next();
                let request = self.offer.join_paid(group, member, None, txn);
                (request, Asked::JoinPaid(id))
            }
        };
        group.left = group.left.saturating_sub(1);
        if group.left == 0 {
            match self.stock.pop() {
                Some(next) => *group = next,
                None => {
                    self.groups.swap_remove(at);
                }
            }
        }
        Some(asked)
    }

    fn answered(&mut self, (asked, sent, answers): Answered) -> Result<(), String> {
        let answers = answers.map_err(|error| unanswered(&self.engine, &error))?;
        self.outcome.batches.add(sent.elapsed());
        for (asked, answer) in asked.into_iter().zip(answers) {
            self.one_answered(asked, answer)?;
        }
        self.progress
            .joins
            .store(self.outcome.joins, Ordering::Relaxed);
        if self.outcome.half.is_none() && self.plan.joins <= 2 * self.outcome.joins {
            self.outcome.half = Some((Instant::now(), self.outcome.joins));
        }
        Ok(())
    }

    fn one_answered(&mut self, asked: Asked, answer: Result<Reply, Refusal>) -> Result<(), String> {
        match (asked, answer.map(|reply| reply.answer)) {
            (Asked::Open(leader), Ok(Answer::Reserved { payment, .. })) => {
                let group = self.offer.group(payment.group, 0)?;
                let tag = tag(leader, &group.ident);
                self.owe(payment, tag, true);
            }
            (Asked::Seat { tag, .. }, Ok(Answer::Reserved { payment, .. })) => {
                self.owe(payment, tag, false);
            }
            (Asked::LeaderPayment(group), Ok(Answer::Payment(PaymentAnswer::Seated(_)))) => {
                let left = self.offer.seats - 1;
                self.stock.push(self.offer.group(group, left)?);
                self.opening -= 1;
                self.joined();
            }
            (
                Asked::Payment | Asked::JoinPaid(_),
                Ok(Answer::Payment(PaymentAnswer::Seated(_))),
            ) => self.joined(),
            (Asked::JoinPaid(group), Ok(Answer::Payment(PaymentAnswer::Bounced { .. })))
            | (Asked::Seat { group, .. }, Err(Refusal::SeatLimit { .. })) => {
                // Somebody else is to have that seat.
                self.stock.push(self.offer.group(group, 1)?);
                self.outcome.refused += 1;
                self.under_way -= 1;
            }
            (_, Ok(answer)) => return Err(format!("an answer that cannot be: {answer:?}")),
            (_, Err(refusal)) => return Err(format!("refused where it cannot be: {refusal}")),
        }
        Ok(())
    }

    fn owe(&mut self, payment: PaymentId, tag: [u8; 32], leader: bool) {
        self.owed.push(Owed {
            payment,
            tag,
            leader,
        });
    }

    fn joined(&mut self) {
        self.outcome.joins += 1;
        self.under_way -= 1;
    }
}

/// A reservation by the member himself, with his key.
pub(crate) fn reserve(group: GroupId, member: MemberId, key: u128) -> Request {
    let key = key.to_le_bytes();
    Request {
        actor: Actor::Member(member),
        key: Some(IdempotencyKey { key, content: key }),
        command: Command::JoinGroup {
            group,
            member,
            via: None,
        },
    }
}
