//! Lives through a history: the world, its clock and beacon, and what members, staff and time do to it. Everything follows from
//! the seed.

mod groups;
mod people;

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    Actor, AllianceCommand, Answer, CampaignId, Command, GroupId, MemberId, Millis, Money, OrderId,
    PaymentId, Profile, Records, Refusal, Request, StoreId, TableBill, Txn, World,
};
use draw::{BeaconKey, LocalBeacon, VerifiedRound};

use super::book::Book;
use super::town::Every;
use crate::dice::Dice;

pub(super) const GENESIS_S: u64 = 1_700_000_000;
const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
/// On so many days groups are opened.
const BUSY_DAYS: usize = 9;
/// When on a day.
const MOMENTS_H: [i64; 4] = [7, 11, 16, 21];

/// How large a history is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    pub(crate) members: usize,
    /// Groups that are opened.
    pub(crate) groups: usize,
}

/// What somebody means to do later.
#[derive(Clone, Copy, Debug)]
enum Act {
    Pay(PaymentId),
    Return(OrderId),
    TakeBack(OrderId),
    Void(GroupId),
}

/// A campaign that groups can be opened under.
#[derive(Clone, Copy, Debug)]
pub(super) struct OnOffer {
    pub(super) campaign: CampaignId,
    /// Of a treat, where its tables are.
    pub(super) store: Option<StoreId>,
    pub(super) rotates: bool,
}

/// How seats of a group are asked for.
#[derive(Clone, Copy, Debug)]
enum Door {
    Group(GroupId),
    Table([u8; 16]),
}

/// A group that was left open.
struct Straggler {
    group: GroupId,
    door: Door,
    tries: usize,
}

/// Members who play again and again.
struct Ring {
    circle: GroupId,
    on: OnOffer,
    members: Vec<usize>,
    bill: TableBill,
}

pub(crate) struct Live {
    seed: u64,
    pub(super) dice: Dice,
    pub(super) world: World,
    clock: Millis,
    pub(crate) book: Book,
    out: Records,
    /// Every record as it would be stored, where the history is to be replayed.
    journal: Option<Vec<Vec<u8>>>,
    beacon: LocalBeacon,
    key: BeaconKey,
    rounds: BTreeMap<u64, VerifiedRound>,
    pub(super) profile: Profile,
    pub(super) on_offer: Vec<OnOffer>,
    agenda: BTreeMap<i64, Vec<Act>>,
    stragglers: Vec<Straggler>,
    rings: Vec<Ring>,
    /// Full groups whose beacon never speaks.
    mute: BTreeSet<GroupId>,
    /// Those who play most.
    hot: Vec<usize>,
    frozen: Vec<usize>,
    /// How many in a hundred of a group's buyers return, by group.
    returning: BTreeMap<u64, usize>,
    numbers: u64,
    opened: usize,
    most_groups: usize,
}

impl Drop for Live {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "to see it again: POTLUCK_HISTORY_SEED={} POTLUCK_HISTORY_GROUPS={} \
                 cargo test -p schema --test paper histories",
                self.seed, self.opened
            );
        }
    }
}

pub(super) fn id(member: usize) -> MemberId {
    MemberId(u32::try_from(member).unwrap())
}

pub(super) fn beacon() -> (LocalBeacon, draw::BeaconFile) {
    let beacon = LocalBeacon::from_seed(&[7; 32]).unwrap();
    let file = beacon.file(GENESIS_S, 30);
    (beacon, file)
}

impl Live {
    /// A whole history, from the first member to the last return window.
    pub(crate) fn through(seed: u64, extent: Extent) -> Live {
        let (beacon, file) = beacon();
        let mut live = Live {
            seed,
            dice: Dice::new(seed),
            world: World::default(),
            clock: Millis(i64::try_from(GENESIS_S).unwrap() * 1000 + DAY_MS),
            book: Book::default(),
            out: Records::default(),
            journal: (extent.members < 100 && seed.is_multiple_of(8)).then(Vec::new),
            beacon,
            key: BeaconKey::from_file(&file).unwrap(),
            rounds: BTreeMap::new(),
            profile: Profile::Seed,
            on_offer: Vec::new(),
            agenda: BTreeMap::new(),
            stragglers: Vec::new(),
            rings: Vec::new(),
            mute: BTreeSet::new(),
            hot: Vec::new(),
            frozen: Vec::new(),
            returning: BTreeMap::new(),
            numbers: 0,
            opened: 0,
            most_groups: usize::MAX,
        };
        if let Ok(most) = std::env::var("POTLUCK_HISTORY_GROUPS") {
            live.most_groups = most.parse().unwrap();
        }
        live.begin(extent.members);
        let batch = extent.groups / (BUSY_DAYS * MOMENTS_H.len()) + 1;
        for day in 0..BUSY_DAYS {
            if day == BUSY_DAYS / 3 || day == 2 * BUSY_DAYS / 3 {
                live.more_on_offer();
            }
            live.day(batch);
        }
        live.wind_down();
        live
    }

    fn begin(&mut self, members: usize) {
        self.adopt_profile();
        self.founding_plans();
        self.populate(members);
        for _ in 0..50 {
            self.must(Command::DepositCapital {
                amount: Money(10_000_000_000),
            });
        }
        self.more_on_offer();
        self.more_on_offer();
        self.settle_down();
    }

    /// Registers everybody below whom the history's tree says.
    fn populate(&mut self, members: usize) {
        let shape = self.dice.between(0, 6);
        self.book.tally.add(format!("tree {shape}"), 1);
        for at in 0..members {
            let low = at.saturating_sub(3);
            let inviter = match shape {
                _ if at == 0 => None,
                0 => None,
                1 => Some(at - 1),
                2 => Some(0),
                3 => Some(self.dice.between(low, at - 1)),
                4 => Some(self.dice.between(0, at - 1)),
                // A few hubs.
                5 => Some(self.dice.between(0, (at - 1).min(20))),
                _ => self.dice.percent(80).then(|| self.dice.between(0, at - 1)),
            };
            self.register(inviter);
        }
        let hot = (members / 12).clamp(8, 300);
        self.hot = (0..hot)
            .map(|_| self.dice.between(0, members - 1))
            .collect();
    }

    fn register(&mut self, inviter: Option<usize>) {
        let token = self.token();
        self.must(Command::RegisterMember {
            token,
            inviter: inviter.map(id),
        });
    }

    /// Regions, agents and home stores.
    fn settle_down(&mut self) {
        let members = self.book.town.folk.len();
        let (regions, homes) = (self.dice.between(0, 100), self.dice.between(0, 80));
        for member in 0..members {
            if self.dice.percent(regions) {
                self.declare(member);
            }
            if self.dice.percent(homes) {
                self.bind_home(member);
            }
        }
        for _ in 0..self.dice.between(0, 20) {
            self.appoint();
        }
    }

    fn declare(&mut self, member: usize) {
        let counties = [
            "330106", "330102", "110101", "419001", "440305", "441900", "710000",
        ];
        let region = self.dice.pick(&counties).parse().unwrap();
        let member = id(member);
        let _refused = self.ask(Command::DeclareRegion { member, region });
    }

    fn appoint(&mut self) {
        let codes = [
            "330106", "330102", "330100", "330000", "110101", "110100", "110000", "419001",
            "419000", "410000", "440305", "440300", "440000", "441900", "710000",
        ];
        let region = self.dice.pick(&codes).parse().unwrap();
        let agent = self.somebody();
        if self.book.town.agents.values().any(|&known| known == agent) {
            return;
        }
        let member = id(agent);
        let _refused = self.ask(Command::AppointAgent { region, member });
    }

    fn bind_home(&mut self, member: usize) {
        let stores = self.book.town.stores.len();
        if stores == 0 {
            return;
        }
        let store = StoreId(u32::try_from(self.dice.between(0, stores - 1)).unwrap());
        let member = id(member);
        let bind = AllianceCommand::BindHome { member, store };
        let _refused = self.ask(Command::Alliance(bind));
    }
}

/// The world.
impl Live {
    /// Asks the platform, and has what happens booked.
    pub(super) fn ask(&mut self, command: Command) -> Result<Answer, Refusal> {
        let request = Request {
            actor: Actor::System,
            key: None,
            command,
        };
        self.out.clear();
        let answer = self.world.execute_into(&request, self.clock, &mut self.out);
        for record in self.out.iter() {
            if let Some(journal) = &mut self.journal {
                journal.push(minicbor::to_vec(record).unwrap());
            }
            self.book.record(record);
        }
        answer
    }

    pub(super) fn must(&mut self, command: Command) -> Answer {
        self.ask(command).unwrap()
    }

    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    pub(super) fn token(&mut self) -> [u8; 16] {
        let mut token = [5; 16];
        token[..8].copy_from_slice(&self.number().to_le_bytes());
        token
    }

    fn txn(&mut self) -> Txn {
        let number = self.number();
        Txn::new(&format!("T{number}")).unwrap()
    }

    /// Mostly one of those who play most.
    fn somebody(&mut self) -> usize {
        if self.dice.percent(70) {
            return self.hot[self.dice.between(0, self.hot.len() - 1)];
        }
        let members = self.book.town.folk.len();
        self.dice.between(0, members - 1)
    }

    fn link(&mut self) -> Option<MemberId> {
        self.dice.percent(30).then(|| id(self.somebody()))
    }

    fn later(&mut self, after_ms: i64, act: Act) {
        self.agenda
            .entry(self.clock.0 + after_ms)
            .or_default()
            .push(act);
    }

    /// Applies all that time has made due.
    fn tick(&mut self) {
        while let Some((_, due)) = self.world.due_timer(self.clock) {
            self.must(Command::Tick(due));
        }
    }
}

/// Days.
impl Live {
    fn day(&mut self, batch: usize) {
        let begins = Millis::start_of_day(self.clock.shanghai_day());
        for hour in MOMENTS_H {
            let minute = i64::try_from(self.dice.between(0, 59)).unwrap();
            let at = begins.0 + hour * HOUR_MS + minute * MINUTE_MS;
            self.clock = Millis(at.max(self.clock.0));
            self.tick();
            self.do_what_is_planned();
            for _ in 0..if batch == 0 { 0 } else { 3 } {
                self.people();
            }
            self.go_on_with_stragglers();
            for _ in 0..batch {
                if self.opened < self.most_groups {
                    self.opened += 1;
                    self.play();
                }
            }
            for _ in 0..if batch == 0 { 0 } else { 3 } {
                self.people();
            }
            self.clock.0 += 61_000;
            self.draw_all();
            self.use_rights();
            self.orders();
            self.refunds(80);
        }
        self.midnight();
    }

    /// The last moment of the day, midnight itself, and everything held against the book.
    fn midnight(&mut self) {
        let midnight = self.clock.next_midnight();
        self.clock = Millis(midnight.0 - 1);
        self.tick();
        let rise = self.book.town.risen();
        let ending: Vec<usize> = (0..self.book.town.scales.len())
            .filter(|&plan| self.pool_ends(plan, midnight))
            .collect();
        self.book.closed.clear();
        self.clock = midnight;
        self.tick();
        for (plan, member, rank) in rise {
            let scale = &self.book.town.scales[plan];
            assert!(
                rank <= scale.rank[member],
                "{member} has not risen by plan {plan}"
            );
        }
        for plan in ending {
            let closed = (plan, midnight.0);
            assert!(
                self.book.closed.contains(&closed),
                "plan {plan} has not shared"
            );
        }
        self.check();
    }

    /// Whether this midnight ends the period of a plan's pool that has something to deal with.
    fn pool_ends(&self, plan: usize, midnight: Millis) -> bool {
        let scale = &self.book.town.scales[plan];
        let day = midnight.shanghai_day();
        let ends = match scale.every {
            Every::Day => true,
            // The first day of 1970 was a Thursday.
            Every::Week => (day + 3) % 7 == 0,
            Every::Month => midnight.month().begins() == midnight,
        };
        ends && scale.pool.as_ref().is_some_and(super::town::Pool::waits)
    }

    /// Nothing new begins; everything that has begun comes to its end.
    fn wind_down(&mut self) {
        for _ in 0..70 {
            if self.book.is_over() && self.agenda.is_empty() {
                break;
            }
            self.day(0);
        }
        assert!(self.book.is_over(), "something never ends");
        self.refunds(100);
        self.check();
        for account in [
            "escrow",
            "refunds-due",
            "vesting",
            "vesting-coins",
            "withdrawals-due",
        ] {
            assert_eq!(self.balance(account), 0, "{account}");
        }
        for (&group, life) in &self.book.lives {
            life.check(group);
            let how = match life.back {
                0 => "nobody returned",
                back if back == life.buyers => "all returned",
                _ => "some returned",
            };
            let tally = &mut self.book.tally;
            tally.add(how, 1);
            tally.add(
                "returned after the pool was shared",
                u64::from(life.short != 0),
            );
        }
        self.replay();
    }

    fn replay(&mut self) {
        let Some(journal) = self.journal.take() else {
            return;
        };
        let mut replayed = World::default();
        for bytes in journal {
            replayed.apply(&minicbor::decode(&bytes).unwrap());
        }
        let same = replayed.to_snapshot() == self.world.to_snapshot();
        assert!(same, "a replay reaches another state");
        self.book.tally.add("replayed", 1);
    }

    fn balance(&self, account: &str) -> i128 {
        let rows = self.world.trial_balance();
        let row = rows.iter().find(|row| row.account == account);
        -i128::from(row.unwrap().amount)
    }

    /// Every account that the book keeps is the world's, and the world has nothing to complain of.
    fn check(&mut self) {
        assert_eq!(self.world.violations(), Vec::<String>::new());
        let (book, world) = (&self.book, &self.world);
        for (member, purse) in book.purses.iter().enumerate() {
            let theirs = world.member(id(member)).unwrap();
            let theirs = [
                theirs.available.0,
                theirs.vesting.0,
                theirs.coins.0,
                theirs.vesting_coins.0,
            ];
            let ours = [
                purse.available,
                purse.vesting,
                purse.coins,
                purse.vesting_coins,
            ];
            assert_eq!(theirs.map(i128::from), ours, "what member {member} has");
        }
        for (plan, scale) in (1u32..).zip(&book.town.scales) {
            let members = 0..book.town.folk.len();
            let theirs = members.map(|member| usize::from(world.rank(plan, id(member))));
            assert!(
                theirs.eq(scale.rank.iter().copied()),
                "ranks by plan {plan}"
            );
        }
        for theirs in world.dividend_pools() {
            let scale = &book.town.scales[usize::try_from(theirs.plan).unwrap() - 1];
            let pool = scale.pool.as_ref().unwrap();
            let unpaid: i128 = pool.unpaid.iter().map(|share| share.1).sum();
            let ours = (pool.money, unpaid);
            let theirs = (theirs.current.0.into(), theirs.unpaid.0.into());
            assert_eq!(theirs, ours, "the pool");
        }
        assert_eq!(self.balance("tax"), book.tax);
        assert_eq!(self.balance("suppliers"), book.suppliers);
        assert_eq!(self.balance("merchant-vesting"), book.merchants_wait());
        self.book.tally.add("midnights", 1);
    }
}
