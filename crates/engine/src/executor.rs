//! Decides in memory: the world, and the records that are not durable yet.

use domain::{
    Actor, Answer, Command, Event, GroupSettled, Millis, Record, Refusal, Request, Timer, World,
};

/// Executes commands and gathers what they recorded. Knows neither threads nor journal.
pub(crate) struct Executor {
    world: World,
    /// Sequence of the last record executed.
    seq: u64,
    /// Executed since the batch was last taken.
    records: Vec<Record>,
    /// About how long they are when encoded.
    bytes: usize,
    /// A timer whose tick did nothing and did not move it: a mistake in the rules that must not stop the rest.
    stuck: Option<Timer>,
}

impl Executor {
    /// Continues a world that stands at `seq`.
    pub(crate) fn new(world: World, seq: u64) -> Executor {
        Executor {
            world,
            seq,
            records: Vec::new(),
            bytes: 0,
            stuck: None,
        }
    }

    pub(crate) fn world(&self) -> &World {
        &self.world
    }

    /// Sequence of the last record executed, durable or not.
    pub(crate) fn seq(&self) -> u64 {
        self.seq
    }

    /// Records executed since the last [`take`](Self::take).
    pub(crate) fn records(&self) -> &[Record] {
        &self.records
    }

    /// About how many bytes they take.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Exchanges the gathered records for an empty buffer.
    pub(crate) fn take(&mut self, mut empty: Vec<Record>) -> Vec<Record> {
        empty.clear();
        self.bytes = 0;
        std::mem::replace(&mut self.records, empty)
    }

    /// Executes one command.
    pub(crate) fn execute(&mut self, request: &Request, clock: Millis) -> Result<Answer, Refusal> {
        let Executor {
            world,
            seq,
            records,
            bytes,
            ..
        } = self;
        world.execute(request, clock, &mut |record| {
            *seq += 1;
            *bytes += estimated_bytes(&record);
            records.push(record);
        })
    }

    /// The earliest timer that a tick can still move.
    pub(crate) fn next_timer(&mut self) -> Option<Timer> {
        self.world
            .next_timer()
            .filter(|timer| self.stuck != Some(*timer))
    }

    /// Executes the earliest timer if its time has come; `None` when there is none.
    pub(crate) fn tick(&mut self, clock: Millis) -> Option<()> {
        let now = clock.max(self.world.now());
        let timer = self.next_timer().filter(|(at, _)| *at <= now)?;
        let request = Request {
            actor: Actor::System,
            key: None,
            command: Command::Tick(timer.1),
        };
        let before = self.seq;
        let outcome = self.execute(&request, clock);
        if self.seq == before && self.world.next_timer() == Some(timer) {
            self.stuck = Some(timer);
            tracing::error!(at_ms = timer.0.0, due = ?timer.1, ?outcome, "a timer did nothing when its time had come");
        }
        Some(())
    }
}

/// About how long a record is when encoded. Bounds a batch before it is encoded, on another thread.
pub(crate) fn estimated_bytes(record: &Record) -> usize {
    let key = if record.key.is_some() { 36 } else { 0 };
    40 + key + record.events.iter().map(event_bytes).sum::<usize>()
}

fn event_bytes(event: &Event) -> usize {
    match event {
        Event::MemberRegistered { .. }
        | Event::InviterBound { .. }
        | Event::CapitalDeposited { .. }
        | Event::SeatLapsed { .. }
        | Event::SeatLeft { .. }
        | Event::RefundPaid { .. }
        | Event::OrderShipped { .. }
        | Event::OrderReceived { .. }
        | Event::OrderKept { .. }
        | Event::GroupOpened { .. }
        | Event::SeatReserved { .. } => 32,
        Event::PaymentAccepted { .. } | Event::PaymentBounced { .. } => 96,
        Event::CampaignPublished { .. } => 2048,
        Event::GroupFilled { seats, .. } => {
            96 + seats
                .iter()
                .map(|seat| 16 + 10 * seat.uplines.len())
                .sum::<usize>()
        }
        Event::GroupClosed { refunds, .. } => 48 + 10 * refunds.len(),
        Event::GroupSettled(settled) => settled_bytes(settled),
        Event::RewardsVested { amounts, .. } => 16 + 12 * amounts.len(),
    }
}

fn settled_bytes(settled: &GroupSettled) -> usize {
    160 + 4 * settled.winners.len() + 10 * settled.seats.len() + 32 * settled.rewards.len()
}
