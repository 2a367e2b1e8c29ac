//! One round: fire, death, restart, and a look at everything.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::Closing;

use super::books::{Books, Group, Quiet};
use super::load::{Load, PRICE_FEN, Told, Working};
use super::platform::{Order, PATIENCE, Platform};
use super::random::Random;
use super::site::{Campaigns, Site};

/// Joins that must be in flight at each kill.
const IN_FLIGHT: usize = 1_000;
/// Joins in flight from which on there may be a kill.
const BEFORE_KILL: usize = 1_500;
/// Most joins that are answered before a kill at any moment.
const ANSWERED: usize = 1_500;
/// Rounds in which too few joins were in flight when a point was reached; they are made again. A quick machine answers all
/// that is in stock before a point that waits for a draw or a snapshot, so there are many.
const REPEATED: usize = 60;
/// Rounds from one audit of what a crash has left to the next.
const ROUNDS_OF_AN_AUDIT: usize = 10;
/// Rounds of one kind that the plan gives, whatever its length.
const ROUNDS_OF_A_KIND: usize = 4;

/// How a round's platform dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// At any moment; then it stays away until a group's time is over.
    Any,
    /// At any moment, and again while it starts.
    WhileStarting,
    /// At any moment, and again at this point while it starts.
    Then(&'static str),
    /// At this point.
    At(&'static str),
}

const KINDS: [Kind; 12] = [
    Kind::Any,
    Kind::Any,
    Kind::WhileStarting,
    Kind::Then("engine.recovering"),
    Kind::At("engine.appending"),
    Kind::At("engine.appended"),
    Kind::At("engine.settlement_executed"),
    Kind::At("engine.settlement_appended"),
    Kind::At("engine.snapshot_writing"),
    Kind::At("views.projecting"),
    Kind::At("server.refund_asking"),
    Kind::At("server.refund_sent"),
];

/// Which rounds there are: all kinds in turn, each turn in another order.
pub(crate) fn plan(rounds: usize, random: &mut Random) -> Vec<Kind> {
    let mut plan = Vec::with_capacity(rounds + KINDS.len());
    while plan.len() < rounds {
        let mut kinds = KINDS;
        random.shuffle(&mut kinds);
        plan.extend(kinds);
    }
    plan.truncate(rounds);
    plan
}

/// What all rounds together were.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    in_flight: Vec<usize>,
    answered: usize,
    kinds: BTreeMap<Kind, usize>,
    deaths: usize,
    repeated: usize,
    payments: u64,
    refunds: usize,
    timers: usize,
    settled_after: usize,
    seconds: f64,
}

impl Summary {
    /// Each kind had its rounds, and each kill its fire.
    pub(crate) fn check(&self, plan: &[Kind]) {
        for kind in KINDS {
            let planned = plan.iter().filter(|planned| **planned == kind).count();
            let reached = self.kinds.get(&kind).copied().unwrap_or(0);
            assert_eq!(reached, planned, "{kind:?}");
            if 50 <= plan.len() {
                assert!(ROUNDS_OF_A_KIND <= reached, "{kind:?}: {reached} rounds");
            }
        }
        if plan.contains(&Kind::Any) {
            assert!(0 < self.timers, "no timer was due while nobody was there");
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sorted = self.in_flight.clone();
        sorted.sort_unstable();
        let at = |at: usize| sorted.get(at).copied().unwrap_or(0);
        let (least, median) = (at(0), at(sorted.len() / 2));
        writeln!(out, "rounds                     {}", sorted.len())?;
        writeln!(out, "deaths                     {}", self.deaths)?;
        writeln!(out, "rounds made again          {}", self.repeated)?;
        writeln!(
            out,
            "joins in flight at a kill  {least} at least, {median} median"
        )?;
        writeln!(out, "joins acknowledged         {}", self.answered)?;
        writeln!(out, "payments at the provider   {}", self.payments)?;
        writeln!(out, "refunds, each once         {}", self.refunds)?;
        writeln!(out, "timers due while away      {}", self.timers)?;
        writeln!(out, "open groups that went on   {}", self.settled_after)?;
        writeln!(out, "seconds                    {:.0}", self.seconds)?;
        writeln!(out, "{:?}", self.kinds)
    }
}

/// A small group that is open when the platform dies, to be filled after it.
struct Witness {
    group: u64,
}

/// A group, and a reservation in it that nobody pays, whose time runs out soon.
struct Flash {
    group: u64,
    reserved: String,
}

/// The rounds of one data directory.
pub(crate) struct Rounds {
    random: Random,
    site: Site,
    load: Arc<Load>,
    campaigns: Campaigns,
    operator: String,
    books: Books,
    platform: Option<Platform>,
    /// Where the platform that stands is to kill itself.
    order: Option<Order>,
    must_settle: Vec<u64>,
    must_expire: Vec<u64>,
    number: usize,
    began: Instant,
}

impl Rounds {
    pub(crate) async fn begin(seed: u64) -> Rounds {
        let mut random = Random::new(seed);
        let began = Instant::now();
        let site = Site::new(&mut random).await;
        let mut platform = site.start(600, None);
        platform.ready(&site.http, &site.base).await;
        let (load, campaigns, operator) = site.open_shop().await;
        let books = Books::new(&site.data);
        Rounds {
            random,
            site,
            load,
            campaigns,
            operator,
            books,
            platform: Some(platform),
            order: None,
            must_settle: Vec::new(),
            must_expire: Vec::new(),
            number: 0,
            began,
        }
    }

    /// One round. The platform stands and is quiet before it and after it, ready for the next kind.
    pub(crate) async fn round(&mut self, kind: Kind, next: Option<Kind>, summary: &mut Summary) {
        while !self.try_round(kind, next, summary).await {
            summary.repeated += 1;
            assert!(
                summary.repeated <= REPEATED,
                "too little in flight too often"
            );
        }
    }

    /// The same; false if fewer joins than wanted were in flight when the ordered point was reached.
    async fn try_round(&mut self, kind: Kind, next: Option<Kind>, summary: &mut Summary) -> bool {
        self.number += 1;
        let began = Instant::now();
        if self.order.is_none() && matches!(kind, Kind::At(_)) {
            self.platform.take().unwrap().kill();
            self.start(Some(kind)).await;
        }
        self.load.stock_up().await;
        let witness = self.witness().await;
        let flash = self.flash().await;
        self.prepare().await;
        self.load.take_answered();
        let working = Working::start(&self.load);
        self.kill(&working).await;
        let killed_at = now_ms();
        working.end().await;
        let in_flight = self.load.take_broken();
        let enough = IN_FLIGHT <= in_flight;
        assert!(
            enough || self.order.is_some(),
            "{in_flight} joins in flight"
        );
        let answered = self.load.take_answered();
        summary.deaths += 1 + self.die_again(kind).await;
        let away_until = self.stay_away(kind, &flash).await;
        self.start(next).await;
        self.look().await;
        self.fill(&witness).await;
        summary.timers += self.timers(&flash, killed_at..away_until).await;
        summary.answered += answered;
        if enough {
            summary.in_flight.push(in_flight);
            *summary.kinds.entry(kind).or_default() += 1;
        }
        eprintln!(
            "round {:3}  {kind:?}: {in_flight} joins in flight, {answered} answered, {:.1} s",
            self.number,
            began.elapsed().as_secs_f64()
        );
        enough
    }

    /// Starts the platform so that it can be killed in this way, and waits until it is ready.
    async fn start(&mut self, next: Option<Kind>) {
        self.order = match next {
            Some(Kind::At(point)) => Some(self.order(point)),
            Some(Kind::Any | Kind::WhileStarting | Kind::Then(_)) | None => None,
        };
        let every_s = match &self.order {
            Some(order) if order.point == "engine.snapshot_writing" => 1,
            // Every way of recovery has its turn: from a young snapshot, from an old one, from none.
            Some(_) | None => [1, 2, 600][self.random.below(3)],
        };
        if self.random.below(6) == 0 {
            // As anybody may at any time.
            let _ = std::fs::remove_dir_all(self.site.data.join("snapshots"));
        }
        let mut platform = self.site.start(every_s, self.order.clone());
        platform.ready(&self.site.http, &self.site.base).await;
        self.platform = Some(platform);
    }

    fn order(&mut self, point: &'static str) -> Order {
        let passes = match point {
            "engine.appending" | "engine.appended" => 12,
            "server.refund_asking" | "server.refund_sent" => 5,
            "views.projecting" => 2,
            _ => 1,
        };
        Order {
            point,
            pass: 1 + self.random.below(passes) as u64,
            when: Some(self.site.armed()),
        }
    }

    /// Sees to it that what a point needs happens soon after the fire has begun.
    async fn prepare(&mut self) {
        let Some(order) = &self.order else { return };
        match order.point {
            "engine.settlement_executed" | "engine.settlement_appended" => {
                let group = self.full_group().await;
                let drawn_at = self.books.drawn_at(group).unwrap();
                let wait_ms = u64::try_from(drawn_at - 100 - now_ms()).unwrap_or(0);
                tokio::time::sleep(Duration::from_millis(wait_ms)).await;
            }
            // One is due a second after the last, and the engine looks for that twice a second.
            "engine.snapshot_writing" => tokio::time::sleep(Duration::from_millis(1_600)).await,
            "server.refund_asking" | "server.refund_sent" => {
                let group = self.full_group().await;
                self.load.pay_too_much(group).await;
            }
            _ => {}
        }
    }

    /// Has the platform killed, by itself where that is ordered.
    async fn kill(&mut self, working: &Working) {
        let platform = self.platform.take().unwrap();
        match &self.order {
            Some(order) => {
                working.until(BEFORE_KILL, 0).await;
                std::fs::write(self.site.armed(), "").unwrap();
                platform.died_at(order).await;
            }
            None => {
                let answered = self.random.below(ANSWERED);
                working.until(BEFORE_KILL, answered).await;
                platform.kill();
            }
        }
    }

    /// Kills it while it starts, too; answers how often.
    async fn die_again(&mut self, kind: Kind) -> usize {
        match kind {
            Kind::Any | Kind::At(_) => 0,
            Kind::WhileStarting => {
                for _ in 0..2 {
                    let platform = self.site.start(1, None);
                    let moment = Duration::from_millis(self.random.below(250) as u64);
                    tokio::time::sleep(moment).await;
                    platform.kill();
                }
                2
            }
            Kind::Then(point) => {
                let order = Order {
                    point,
                    pass: 1 + self.random.below(2) as u64,
                    when: None,
                };
                let platform = self.site.start(1, Some(order.clone()));
                platform.died_at(&order).await;
                1
            }
        }
    }

    /// Waits, in rounds of one kind, until the time of a group is over that was open at the kill; answers with the time
    /// from which on there is a platform again.
    async fn stay_away(&mut self, kind: Kind, flash: &Flash) -> i64 {
        self.books.read_on();
        if self.number.is_multiple_of(ROUNDS_OF_AN_AUDIT) {
            // What a crash leaves is looked at before anybody has mended it.
            self.books.agree_with(&self.site.channel, Quiet::No).await;
            self.site.audit();
        }
        if kind == Kind::Any {
            let expires_at = self.books.expires_at(flash.group).unwrap();
            let rest = u64::try_from(expires_at - now_ms()).unwrap_or(0);
            tokio::time::sleep(Duration::from_millis(rest + 20)).await;
        }
        now_ms()
    }

    /// Looks at everything that must hold at any time.
    async fn look(&mut self) {
        self.books.read_on();
        self.load.told(|told| self.books.hold_what_was_told(told));
        let (_, paid) = self.books.refunds();
        let provider = self.site.channel.books().await.unwrap();
        self.books.read_on();
        let (decided, _) = self.books.refunds();
        let executed = usize::try_from(provider.refunds).unwrap();
        assert!(
            paid <= executed && executed <= decided,
            "{paid} refunds noted, {executed} executed, {decided} decided"
        );
        assert_eq!(provider.refunded_fen, provider.refunds * PRICE_FEN);
        self.site.balance(&self.operator).await;
        self.load.ask_singles_again().await;
    }

    /// Opens a small group that is not full at the kill.
    async fn witness(&mut self) -> Witness {
        let leader = self.random.below(1_000);
        let group = self.load.open(&self.campaigns.small, leader).await.unwrap();
        self.seat(group, 0..2).await;
        Witness { group }
    }

    async fn seat(&self, group: u64, whose: std::ops::Range<usize>) {
        let paid = self.load.pay(group, &self.load.shop.served[whose]).await;
        for told in self.load.report(paid).await.unwrap() {
            assert!(matches!(told, Told::Seated(_)), "group {group}: {told:?}");
        }
    }

    /// Fills a small group; it waits for its draw.
    async fn full_group(&mut self) -> u64 {
        let witness = self.witness().await;
        self.fill(&witness).await;
        self.books.read_on();
        witness.group
    }

    /// What was open goes on.
    async fn fill(&mut self, witness: &Witness) {
        self.books.read_on();
        assert_eq!(self.books.group(witness.group), Some(Group::Open));
        self.seat(witness.group, 2..4).await;
        self.must_settle.push(witness.group);
    }

    /// Opens a group whose time is over soon, with a reservation that lapses before it.
    async fn flash(&mut self) -> Flash {
        let leader = self.random.below(1_000);
        let group = self.load.open(&self.campaigns.flash, leader).await.unwrap();
        let reserved = self.load.reserve(group).await;
        self.must_expire.push(group);
        Flash { group, reserved }
    }

    /// Waits until the timers of a group have fired; answers how many of them were due while there was no platform.
    async fn timers(&mut self, flash: &Flash, away: std::ops::Range<i64>) -> usize {
        let lapses_at = self.books.pay_by(&flash.reserved).unwrap();
        let expires_at = self.books.expires_at(flash.group).unwrap();
        if away.end < expires_at {
            return 0;
        }
        let began = Instant::now();
        let (lapsed, closed) = loop {
            self.books.read_on();
            let lapsed = self.books.lapsed_at(&flash.reserved);
            if let (Some(lapsed), Some(Group::Closed(Closing::Expired, closed))) =
                (lapsed, self.books.group(flash.group))
            {
                break (lapsed, closed);
            }
            assert!(began.elapsed() < PATIENCE, "group {}", flash.group);
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        let mut late = 0;
        for (due, fired) in [(lapses_at, lapsed), (expires_at, closed)] {
            assert!(due <= fired, "due at {due}, fired at {fired}");
            if away.contains(&due) {
                assert!(away.end <= fired, "nobody was there at {fired}");
                late += 1;
            }
        }
        late
    }

    /// Lets everything come to rest, and looks at all of it.
    pub(crate) async fn end(mut self, summary: &mut Summary) {
        self.load.report_rest().await;
        self.load.ask_singles_again().await;
        let began = Instant::now();
        loop {
            self.books.read_on();
            let provider = self.site.channel.books().await.unwrap();
            let all_booked = u64::try_from(provider.transactions).unwrap() == self.books.payments();
            if all_booked && self.books.is_quiet() && self.all_ended() {
                break;
            }
            assert!(began.elapsed() < PATIENCE, "not quiet: {provider:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.look().await;
        summary.payments += self.books.agree_with(&self.site.channel, Quiet::Yes).await;
        summary.refunds += self.books.refunds().0;
        summary.settled_after += self.must_settle.len();
        self.platform.take().unwrap().stop().await;
        self.site.audit();
        let log = self.site.log();
        for bad in ["panicked", " ERROR ", "refund_too_large", "conflict"] {
            let line = log.lines().find(|line| line.contains(bad));
            assert_eq!(line, None, "in the log");
        }
        summary.seconds += self.began.elapsed().as_secs_f64();
    }

    /// Whether the groups that were open at a kill are settled, and those whose time is over closed.
    fn all_ended(&self) -> bool {
        let settled = |group: &u64| self.books.group(*group) == Some(Group::Settled);
        let expired = |group: &u64| {
            matches!(
                self.books.group(*group),
                Some(Group::Closed(Closing::Expired, _))
            )
        };
        self.must_settle.iter().all(settled) && self.must_expire.iter().all(expired)
    }
}

fn now_ms() -> i64 {
    engine::Clock::now(&engine::SystemClock).0
}
