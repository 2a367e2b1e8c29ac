//! Requests, a campaign, and a journal that can be held up.

use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Waker};

use domain::rewards::{Consolation, Leader, Limit, Program, Reward};
use domain::{
    Actor, Answer, BeaconSource, Campaign, ChannelTerms, Coins, Command, DrawTerms, Duration,
    Fulfilment, GroupId, GroupTerms, IdempotencyKey, Kind, LeaderRule, MemberId, Millis, Money,
    PaymentId, Product, Profile, Rate, Request, Text, Txn,
};
use draw::{BeaconFile, BeaconKey, LocalBeacon, Origin, Outcome};
use engine::{Engine, EngineConfig, EngineHandle, EngineThreads, ManualClock};
use journal::{
    AppendError, BatchBuilder, Head, Journal, JournalReader, MemoryJournal, MemoryStorage,
    ReadError, SnapshotStore,
};

/// When every test begins: a whole second in 2027.
pub(crate) const T0: Millis = Millis(1_800_000_000_000);
pub(crate) const PRICE: Money = Money(10_000);
pub(crate) const PAYMENT_WINDOW: Duration = Duration::seconds(900);

pub(crate) fn system(command: Command) -> Request {
    Request {
        actor: Actor::System,
        key: None,
        command,
    }
}

pub(crate) fn token(number: u32) -> [u8; 16] {
    let mut token = [7; 16];
    token[..4].copy_from_slice(&number.to_le_bytes());
    token
}

pub(crate) fn register(number: u32) -> Request {
    system(Command::RegisterMember {
        token: token(number),
        inviter: None,
    })
}

pub(crate) fn deposit(fen: i64) -> Request {
    system(Command::DepositCapital { amount: Money(fen) })
}

/// A request of a member with a key.
pub(crate) fn keyed(member: MemberId, key: u8, command: Command) -> Request {
    let key = IdempotencyKey {
        key: [key; 16],
        content: [key; 16],
    };
    Request {
        actor: Actor::Member(member),
        key: Some(key),
        command,
    }
}

/// A payment for a reservation; every serial is another payment.
pub(crate) fn pay(payment: PaymentId, serial: u64) -> Command {
    Command::AcceptPayment {
        payment,
        txn: txn(serial),
        amount: PRICE,
        tag: tag(serial),
    }
}

/// A join with its payment; every serial is another payment.
pub(crate) fn join_paid(group: GroupId, member: MemberId, serial: u64) -> Command {
    let (txn, tag) = (txn(serial), tag(serial));
    Command::JoinPaid {
        group,
        member,
        via: None,
        txn,
        amount: PRICE,
        tag,
    }
}

fn txn(serial: u64) -> Txn {
    Txn::new(&format!("txn-{serial}")).unwrap()
}

fn tag(serial: u64) -> [u8; 32] {
    let mut tag = [0; 32];
    tag[..8].copy_from_slice(&serial.to_le_bytes());
    tag
}

fn beacon() -> (LocalBeacon, BeaconFile) {
    let beacon = LocalBeacon::from_seed(&[9; 32]).unwrap();
    let file = beacon.file(T0.unix_seconds() - 60, 3);
    (beacon, file)
}

/// Three seats, one winner, 15 minutes to pay, an hour to fill.
pub(crate) fn campaign() -> Campaign {
    let text = |text: &str| Text {
        zh: text.into(),
        en: text.into(),
    };
    let (_, file) = beacon();
    let reward = |program| Reward {
        program,
        limit: Limit::None,
    };
    Campaign {
        name: text("offer"),
        kind: Kind::Draw,
        profile: Profile::Seed,
        plan: 1,
        product: Product {
            title: text("thing"),
            cost: Money(2_000),
            fulfilment: Fulfilment::Ship,
        },
        group: GroupTerms {
            price: PRICE,
            seats: 3,
            winners: 1,
            leader: LeaderRule::Equal,
            fill_within: Duration::seconds(3600),
            payment_window: PAYMENT_WINDOW,
            seats_per_member: 1,
            chance: None,
            circle: domain::Circle::Off,
            entries_per_day: 0,
            seats_from: None,
            price_from: None,
        },
        draw: DrawTerms {
            log: Origin::new("test.example/log").unwrap(),
            source: BeaconSource::Local {
                beacon: file.hash().0,
                genesis: file.genesis,
                period: file.period,
            },
            delay_s: 3,
        },
        channel: ChannelTerms {
            fee: Rate(6_000),
            kept_on_refund: false,
        },
        caps: Vec::new(),
        prize: None,
        merchant: None,
        origin_share: None,
        leftover: domain::Leftover::Owner,
        rewards: vec![
            reward(Program::Consolation(Consolation {
                cash: Money(500),
                coins: Coins(100),
            })),
            reward(Program::Leader(Leader {
                cash: Money(300),
                coins: Coins(0),
                unless_won: false,
            })),
        ],
    }
}

pub(crate) fn publish() -> Request {
    system(Command::PublishCampaign {
        campaign: Box::new(campaign()),
    })
}

/// The draw of a full group whose round has come, as the verifier makes it.
pub(crate) fn outcome(files: &domain::DrawFiles) -> Outcome {
    let (beacon, file) = beacon();
    let key = BeaconKey::from_file(&file).unwrap();
    let round = key
        .verify(files.freeze.round, &beacon.sign(files.freeze.round))
        .unwrap();
    draw::draw(&files.open, &files.seats, &files.freeze, &round).unwrap()
}

/// The journal of a test, on a disk in memory that outlives it.
pub(crate) fn memory(disk: &MemoryStorage) -> Box<dyn Journal> {
    Box::new(MemoryJournal::open(disk).unwrap())
}

/// An engine that makes snapshots only when asked.
pub(crate) fn config(journal: Box<dyn Journal>) -> EngineConfig {
    let mut config = EngineConfig::new(journal);
    config.clock = Arc::new(ManualClock::new(T0));
    config.snapshots = None;
    config
}

pub(crate) fn start(disk: &MemoryStorage) -> (EngineHandle, EngineThreads) {
    Engine::start(config(memory(disk))).unwrap()
}

/// The world that the journal holds, as bytes.
pub(crate) fn replayed(disk: &MemoryStorage) -> Vec<u8> {
    engine::replay(disk.reader(), |_, _, _| {})
        .unwrap()
        .to_snapshot()
}

pub(crate) fn member(answer: Answer) -> MemberId {
    let Answer::Member(member) = answer else {
        panic!("{answer:?} names no member")
    };
    member
}

/// Holds appends up until it is opened or dropped.
pub(crate) struct Gate(Arc<GateInner>);

#[derive(Default)]
struct GateInner {
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Default)]
struct GateState {
    closed: bool,
    begun: usize,
}

impl Gate {
    pub(crate) fn closed() -> Gate {
        let inner = GateInner::default();
        inner.state.lock().unwrap().closed = true;
        Gate(Arc::new(inner))
    }

    pub(crate) fn open(&self) {
        self.0.state.lock().unwrap().closed = false;
        self.0.changed.notify_all();
    }

    /// Waits until this many appends have begun.
    pub(crate) fn wait_for_appends(&self, appends: usize) {
        let state = self.0.state.lock().unwrap();
        drop(
            self.0
                .changed
                .wait_while(state, |state| state.begun < appends)
                .unwrap(),
        );
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.open();
    }
}

impl GateInner {
    fn pass(&self) {
        let mut state = self.state.lock().unwrap();
        state.begun += 1;
        self.changed.notify_all();
        drop(
            self.changed
                .wait_while(state, |state| state.closed)
                .unwrap(),
        );
    }
}

/// A journal in memory behind a gate.
pub(crate) struct GatedJournal {
    inner: MemoryJournal,
    gate: Arc<GateInner>,
}

impl GatedJournal {
    pub(crate) fn open(disk: &MemoryStorage, gate: &Gate) -> Box<dyn Journal> {
        Box::new(GatedJournal {
            inner: MemoryJournal::open(disk).unwrap(),
            gate: gate.0.clone(),
        })
    }
}

impl Journal for GatedJournal {
    fn head(&self) -> Head {
        self.inner.head()
    }

    fn epoch(&self) -> u64 {
        self.inner.epoch()
    }

    fn append(&mut self, expected_seq: u64, batch: &BatchBuilder) -> Result<Head, AppendError> {
        self.gate.pass();
        self.inner.append(expected_seq, batch)
    }

    fn reader(&self) -> Result<Box<dyn JournalReader>, ReadError> {
        self.inner.reader()
    }

    fn snapshots(&self) -> Result<Box<dyn SnapshotStore>, ReadError> {
        self.inner.snapshots()
    }
}

/// Polls a future once, so that what it sends is sent; it must not be ready.
#[track_caller]
pub(crate) fn begun<T>(future: impl Future<Output = T>) -> Pin<Box<impl Future<Output = T>>> {
    let mut future = Box::pin(future);
    assert!(is_waiting(&mut future), "this was answered at once");
    future
}

/// Whether a future is still not ready.
pub(crate) fn is_waiting<F: Future>(future: &mut Pin<Box<F>>) -> bool {
    future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
        .is_pending()
}
