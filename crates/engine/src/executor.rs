//! Decides in memory: the world, and the records that are not durable yet.

use domain::{
    Actor, AllianceEvent, Answer, BallotEvent, CircleEvent, Command, Event, GroupSettled, Millis,
    RechargeEvent, RecordRef, Records, Refusal, Request, ShopEvent, Timer, World,
};

/// Executes commands and gathers what they recorded. Knows neither threads nor journal.
pub(crate) struct Executor {
    world: World,
    /// Sequence of the last record executed.
    seq: u64,
    /// Executed since the batch was last taken.
    records: Records,
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
            records: Records::default(),
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
    pub(crate) fn records(&self) -> &Records {
        &self.records
    }

    /// About how many bytes they take.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Exchanges the gathered records for an empty buffer.
    pub(crate) fn take(&mut self, mut empty: Records) -> Records {
        empty.clear();
        self.bytes = 0;
        std::mem::replace(&mut self.records, empty)
    }

    /// Executes one command.
    pub(crate) fn execute(&mut self, request: &Request, clock: Millis) -> Result<Answer, Refusal> {
        let before = self.records.len();
        let answer = self.world.execute_into(request, clock, &mut self.records);
        for record in self.records.last(self.records.len() - before) {
            self.seq += 1;
            self.bytes += estimated_bytes(record);
        }
        answer
    }

    /// The earliest timer that a tick can still move.
    pub(crate) fn next_timer(&mut self) -> Option<Timer> {
        self.world
            .next_timer()
            .filter(|timer| self.stuck != Some(*timer))
    }

    /// No tick is needed before this moment.
    pub(crate) fn no_timer_before(&self) -> Option<Millis> {
        let stuck = self.stuck.map(|(at, _)| at);
        self.world.no_timer_before().filter(|at| stuck != Some(*at))
    }

    /// Executes the earliest timer if its time has come; `None` when there is none.
    pub(crate) fn tick(&mut self, clock: Millis) -> Option<()> {
        let now = clock.max(self.world.now());
        let timer = self
            .world
            .due_timer(now)
            .filter(|timer| self.stuck != Some(*timer))?;
        let request = Request {
            actor: Actor::System,
            key: None,
            command: Command::Tick(timer.1),
        };
        let before = self.seq;
        let outcome = self.execute(&request, clock);
        if self.seq == before && self.world.due_timer(now) == Some(timer) {
            self.stuck = Some(timer);
            tracing::error!(at_ms = timer.0.0, due = ?timer.1, ?outcome, "a timer did nothing when its time had come");
        }
        Some(())
    }
}

/// About how long a record is when encoded. Bounds a batch before it is encoded, on another thread.
pub(crate) fn estimated_bytes(record: RecordRef<'_>) -> usize {
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
        | Event::OrderReturning { .. }
        | Event::RankSet { .. }
        | Event::RegionDeclared { .. }
        | Event::Delivery(_)
        | Event::AgentAppointed { .. }
        | Event::AgentDismissed { .. }
        | Event::MemberFrozen { .. }
        | Event::MemberUnfrozen { .. }
        | Event::AccountDeleted { .. }
        | Event::WithdrawalApproved { .. }
        | Event::WithdrawalRejected { .. }
        | Event::WithdrawalWaiting { .. }
        | Event::WithdrawalPaid { .. }
        | Event::WithdrawalFailed { .. }
        | Event::ClawedBack { .. }
        | Event::TaxPaid { .. }
        | Event::SuppliersPaid { .. }
        | Event::GroupOpened { .. }
        | Event::SeatReserved { .. } => 32,
        Event::WithdrawalRequested { .. } => 64,
        Event::PaymentAccepted { .. } | Event::PaymentBounced { .. } => 96,
        Event::CampaignPublished { .. } => 2048,
        Event::GroupFilled { seats, .. } => {
            96 + seats
                .iter()
                .map(|seat| {
                    16 + 10 * (seat.uplines.len() + seat.walk.len()) + agents_bytes(&seat.agents)
                })
                .sum::<usize>()
        }
        Event::GroupClosed { refunds, .. } => 48 + 10 * refunds.len(),
        Event::GroupSettled(settled) => settled_bytes(settled),
        Event::RewardsVested { amounts, .. } => 16 + 12 * amounts.len(),
        Event::OrderReturned { reversed, .. } => 48 + 12 * reversed.len(),
        Event::Alliance(event) => alliance_bytes(event),
        Event::Shop(event) => shop_bytes(event),
        Event::Recharge(event) => recharge_bytes(event),
        Event::Circle(event) => circle_bytes(event),
        Event::Table(_) => 64,
        Event::Ballot(event) => ballot_bytes(event),
        Event::PlanPublished { .. } | Event::Identity(_) => 512,
        Event::RoundFoundLate { .. } => 80,
        Event::ProfileAdopted { .. } => 1024,
        Event::CoinsExpired { lost, .. } => 16 + 12 * lost.len(),
        Event::RanksCounted { risen, .. } => 16 + 12 * risen.len(),
        Event::DividendClosed { .. } | Event::LimitsSet { .. } => 64,
        Event::SelfExcluded { .. } => 32,
        Event::PausesBegun { paused } => 16 + 16 * paused.len(),
        Event::DividendsPaid { shares, .. } => 24 + 20 * shares.len(),
    }
}

fn alliance_bytes(event: &AllianceEvent) -> usize {
    match event {
        AllianceEvent::MerchantAdmitted { .. }
        | AllianceEvent::ContractSigned { .. }
        | AllianceEvent::MerchantSuspended { .. }
        | AllianceEvent::MerchantReinstated { .. }
        | AllianceEvent::StoreOpened { .. }
        | AllianceEvent::CampaignTied { .. }
        | AllianceEvent::SaleVested { .. }
        | AllianceEvent::CounterLapsed { .. }
        | AllianceEvent::PeriodClosed { .. }
        | AllianceEvent::HomeBound { .. }
        | AllianceEvent::HomeEnded { .. }
        | AllianceEvent::StatementConfirmed { .. } => 32,
        AllianceEvent::GroupSold(_)
        | AllianceEvent::SaleReversed(_)
        | AllianceEvent::StatementDrafted(_)
        | AllianceEvent::StatementWithdrawn(_)
        | AllianceEvent::OriginReversed(_)
        | AllianceEvent::PurchaseShared(_) => 48,
        AllianceEvent::OriginShared(shared) => {
            shared.shares.len().saturating_mul(24).saturating_add(16)
        }
        AllianceEvent::OriginVested(vested) => {
            vested.amounts.len().saturating_mul(16).saturating_add(16)
        }
        AllianceEvent::CounterSharesVested(vested) => {
            vested.counters.len().saturating_mul(9).saturating_add(24)
        }
        AllianceEvent::MerchantPaid(paid) => paid.reference.len().saturating_add(48),
        AllianceEvent::StatementPaid(paid) => paid.reference.len().saturating_add(48),
        AllianceEvent::CounterPaid(_)
        | AllianceEvent::CounterReversed(_)
        | AllianceEvent::CounterAwaited(_)
        | AllianceEvent::CashTaken(_)
        | AllianceEvent::CashBack(_) => 96,
    }
}

fn circle_bytes(event: &CircleEvent) -> usize {
    match event {
        CircleEvent::RoundOpened { name, .. } => 32 + name.len(),
        CircleEvent::RoundFilled { name, tiers, .. } => 80 + name.len() + 5 * tiers.len(),
        CircleEvent::RoundOver { drawn, .. } => 64 + 5 * drawn.as_ref().map_or(0, Vec::len),
        CircleEvent::Left { .. } => 24,
    }
}

fn ballot_bytes(event: &BallotEvent) -> usize {
    match event {
        BallotEvent::Registered { .. } => 64,
        BallotEvent::RegistrationLeft { .. } => 24,
        BallotEvent::Drawn(drawn) => 128 + 4 * drawn.order.len() + 10 * drawn.given.len(),
        BallotEvent::RightsPassed { lapsed, given, .. } => 32 + 10 * (lapsed.len() + given.len()),
    }
}

fn shop_bytes(event: &ShopEvent) -> usize {
    match event {
        ShopEvent::SkuListed { .. } | ShopEvent::SkuChanged { .. } => 192,
        ShopEvent::SkuClosed { .. }
        | ShopEvent::SkuReopened { .. }
        | ShopEvent::StockAdjusted { .. }
        | ShopEvent::ReturnsStocked { .. }
        | ShopEvent::PurchaseLapsed { .. }
        | ShopEvent::PurchaseShipped { .. }
        | ShopEvent::PurchaseReceived { .. }
        | ShopEvent::PurchaseKept { .. }
        | ShopEvent::PurchaseReturning { .. }
        | ShopEvent::PurchaseReturned { .. }
        | ShopEvent::PurchaseRedeemed { .. }
        | ShopEvent::OrderRedeemed { .. } => 32,
        ShopEvent::PurchaseReserved { .. } | ShopEvent::PurchasePaid { .. } => 72,
    }
}

fn recharge_bytes(event: &RechargeEvent) -> usize {
    match event {
        RechargeEvent::Recharged { .. } => 72,
        RechargeEvent::BoughtUsed { parts, .. }
        | RechargeEvent::BoughtBack { parts, .. }
        | RechargeEvent::CounterUsed { parts, .. }
        | RechargeEvent::CounterBack { parts, .. } => 16 + 16 * parts.len(),
        RechargeEvent::GiftGiven { .. }
        | RechargeEvent::Refunded { .. }
        | RechargeEvent::VipGiven { .. } => 32,
        RechargeEvent::UnitGiven { .. } => 56,
    }
}

fn agents_bytes(agents: &domain::Agents) -> usize {
    let all = [agents.county, agents.city, agents.province];
    8 * all.iter().flatten().count()
}

fn settled_bytes(settled: &GroupSettled) -> usize {
    let pooled = settled.pooled.as_ref();
    let pooled = pooled.map_or(0, |pooled| 16 + 8 * pooled.shares.len());
    let unused = settled.ballot.as_ref();
    let unused = unused.map_or(0, |ballot| 4 * ballot.unused.len());
    let lists = 4 * settled.winners.len() + 10 * settled.seats.len() + unused;
    160 + lists + 32 * settled.rewards.len() + pooled
}

#[cfg(test)]
mod tests {
    use domain::{
        Closing, Coins, FilledSeat, GroupId, IdempotencyKey, MemberId, Money, OrderId, PaymentId,
        ProgramKind, Rate, RefundId, RewardPaid, SeatRef, Txn, Upline,
    };

    use super::*;

    /// The estimate is at least half and at most four times the length: a batch stays near its bound.
    #[track_caller]
    fn check(event: Event) {
        for key in [
            None,
            Some(IdempotencyKey {
                key: [1; 16],
                content: [2; 16],
            }),
        ] {
            let at = Millis(1_800_000_000_000);
            let record = RecordRef {
                at,
                actor: Actor::System,
                key,
                events: std::slice::from_ref(&event),
            };
            let bytes = minicbor::to_vec(record).unwrap().len() + journal::RECORD_HEADER_BYTES;
            let estimate = estimated_bytes(record);
            assert!(
                bytes <= 2 * estimate && estimate <= 4 * bytes,
                "{estimate} for {bytes} bytes"
            );
        }
    }

    fn reward() -> RewardPaid {
        RewardPaid {
            member: MemberId(1_000_000),
            program: ProgramKind::Generation,
            source_seat: Some(5000),
            generation: 3,
            base: Money(100_000),
            rate: Some(Rate(50_000)),
            cash: Money(5_000),
            coins: Coins(0),
            rule: 2,
        }
    }

    fn settled(seats: usize, rewards: usize) -> Event {
        let amount = Money(100_000);
        Event::GroupSettled(Box::new(GroupSettled {
            group: GroupId(1_000_000),
            signature: [1; 48],
            seed: [2; 32],
            winners: vec![5000; 30],
            seats: vec![
                SeatRef {
                    index: 5000,
                    member: MemberId(1_000_000)
                };
                seats
            ],
            price: amount,
            cost: amount,
            consolation_cash: amount,
            consolation_coins: Coins(5),
            first_refund: RefundId(1_000_000),
            first_order: OrderId(1_000_000),
            rewards: vec![reward(); rewards],
            everyone_buys: false,
            tax: Rate(200_000),
            prize: Money::ZERO,
            pooled: None,
            ballot: None,
        }))
    }

    #[test]
    fn the_estimate_is_near_the_length() {
        let (member, group) = (MemberId(1_000_000), GroupId(1_000_000));
        let amount = Money(100_000);
        let uplines = vec![
            Upline {
                member,
                vip: 3,
                rank: 0,
                frozen: false
            };
            10
        ];
        let seat = FilledSeat {
            index: 5000,
            member,
            via: Some(member),
            uplines,
            walk: Vec::new(),
            agents: domain::Agents::default(),
            home_store: None,
        };
        check(Event::CapitalDeposited { amount });
        check(Event::MemberRegistered {
            member,
            token: [1; 16],
            inviter: Some(member),
        });
        check(Event::PaymentAccepted {
            payment: PaymentId { group, index: 5000 },
            member,
            txn: Txn::new(&"4".repeat(28)).unwrap(),
            amount,
            fee: Money(600),
            tag: [7; 32],
        });
        check(Event::GroupFilled {
            group,
            seats: vec![seat; 1000],
            frozen_at: 1_800_000_000,
            round: 20_000_000,
            freeze: [3; 32],
        });
        check(Event::GroupClosed {
            group,
            why: Closing::Expired,
            refund_each: amount,
            first_refund: RefundId(1_000_000),
            refunds: vec![
                SeatRef {
                    index: 5000,
                    member
                };
                1000
            ],
        });
        check(settled(1000, 5000));
        check(settled(2, 1));
    }
}
