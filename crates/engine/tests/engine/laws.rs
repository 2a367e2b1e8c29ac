//! Laws that hold for every sequence of commands, commits, snapshots and crashes.

use std::collections::BTreeMap;

use domain::{
    Actor, Answer, CampaignId, Closing, Command, Event, GroupId, GroupState, IdempotencyKey,
    MemberId, Millis, OrderId, PaymentAnswer, PaymentId, RefundId, Request, World,
};
use engine::{Engine, EngineConfig, Step};
use journal::MemoryStorage;
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};

use crate::common::*;

/// What happens next.
#[derive(Clone, Debug)]
enum Happening {
    Ask(Ask),
    Wait { ms: i64 },
    Commit,
    Snapshot,
    Crash,
}

/// What is asked. A group is one of the open ones where there is one, the earliest likeliest, so that groups become
/// full; members and groups that nothing has are asked for, too.
#[derive(Clone, Debug)]
enum Ask {
    Register {
        token: u32,
        inviter: u32,
    },
    Open {
        member: u32,
    },
    Join {
        group: u64,
        member: u32,
        via: Option<u32>,
    },
    Pay {
        reservation: usize,
    },
    JoinPaid {
        group: u64,
        member: u32,
    },
    Leave {
        group: u64,
        member: u32,
    },
    Cancel {
        group: u64,
    },
    Draw,
    Void {
        group: u64,
    },
    Refund,
    Ship {
        order: u64,
    },
    Receive {
        order: u64,
    },
}

/// A number that is likelier the smaller it is.
fn place() -> impl Strategy<Value = u64> {
    prop_oneof![8 => Just(0), 3 => Just(1), 1 => 2..9u64]
}

fn ask() -> impl Strategy<Value = Ask> {
    let member = || 0..7u32;
    let joining = (place(), member(), proptest::option::of(member()));
    prop_oneof![
        20 => (0..9u32, member()).prop_map(|(token, inviter)| Ask::Register { token, inviter }),
        8 => member().prop_map(|member| Ask::Open { member }),
        60 => joining.prop_map(|(group, member, via)| Ask::Join { group, member, via }),
        90 => (0..6usize).prop_map(|reservation| Ask::Pay { reservation }),
        40 => (place(), member()).prop_map(|(group, member)| Ask::JoinPaid { group, member }),
        4 => (place(), member()).prop_map(|(group, member)| Ask::Leave { group, member }),
        2 => place().prop_map(|group| Ask::Cancel { group }),
        20 => Just(Ask::Draw),
        5 => (0..8u64).prop_map(|group| Ask::Void { group }),
        25 => Just(Ask::Refund),
        25 => place().prop_map(|order| Ask::Ship { order }),
        20 => place().prop_map(|order| Ask::Receive { order }),
    ]
}

/// Mostly moments; now and then the hour in which a group expires, or the days in which a return window closes.
fn wait() -> impl Strategy<Value = i64> {
    prop_oneof![20 => 0..120_000i64, 2 => Just(3_600_000), 4 => Just(8 * 86_400_000)]
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        40 => ask().prop_map(Happening::Ask),
        3 => wait().prop_map(|ms| Happening::Wait { ms }),
        4 => Just(Happening::Commit),
        1 => Just(Happening::Snapshot),
        1 => Just(Happening::Crash),
    ]
}

/// The open group at this place, the earliest first; beyond them, numbers of groups that are over or not there.
fn open_group(world: &World, place: u64) -> GroupId {
    let is_open = |group: &GroupId| {
        let known = world.group(*group);
        known.is_some_and(|known| known.state == GroupState::Open)
    };
    let mut open = (0..world.groups()).map(GroupId).filter(is_open);
    open.nth(usize::try_from(place).unwrap())
        .unwrap_or(GroupId(place))
}

/// The open order at this place, as [`open_group`].
fn open_order(world: &World, place: u64) -> OrderId {
    let mut open = (0..20)
        .map(OrderId)
        .filter(|&order| world.order(order).is_some());
    open.nth(usize::try_from(place).unwrap())
        .unwrap_or(OrderId(place))
}

/// The command that asks for it in this world, if there is one.
fn command(world: &World, ask: &Ask, serial: u64) -> Option<Command> {
    let (campaign, via) = (CampaignId(0), None);
    Some(match *ask {
        Ask::Register {
            token: number,
            inviter,
        } => {
            let inviter = world.member(MemberId(inviter)).map(|_| MemberId(inviter));
            Command::RegisterMember {
                token: token(number),
                inviter,
            }
        }
        Ask::Open { member } => Command::OpenGroup {
            campaign,
            member: MemberId(member),
            via,
        },
        Ask::Join { group, member, via } => {
            let via = via.map(MemberId);
            Command::JoinGroup {
                group: open_group(world, group),
                member: MemberId(member),
                via,
            }
        }
        Ask::Pay { reservation } => {
            let waiting = world.waiting_reservations(None, 6);
            let at = reservation.checked_rem(waiting.len())?;
            pay(waiting.get(at)?.payment, serial)
        }
        Ask::JoinPaid { group, member } => {
            join_paid(open_group(world, group), MemberId(member), serial)
        }
        Ask::Leave { group, member } => Command::LeaveGroup {
            group: open_group(world, group),
            member: MemberId(member),
        },
        Ask::Cancel { group } => Command::CancelGroup {
            group: open_group(world, group),
        },
        Ask::Draw => {
            let group = world.awaiting_draw(1).first()?.group;
            let outcome = Box::new(outcome(&world.draw_files(group)?));
            Command::SettleGroup { group, outcome }
        }
        Ask::Void { group } => Command::VoidGroup {
            group: GroupId(group),
        },
        Ask::Refund => {
            let refund = world.pending_refunds(None, 1).first()?.refund;
            Command::ConfirmRefund { refund }
        }
        Ask::Ship { order } => Command::ShipOrder {
            order: open_order(world, order),
        },
        Ask::Receive { order } => {
            let order = open_order(world, order);
            let member = world.order(order).map_or(MemberId(0), |known| known.member);
            Command::ReceiveOrder { order, member }
        }
    })
}

/// Whoever may ask for it: the member himself, else the platform.
fn actor(ask: &Ask, command: &Command) -> Actor {
    match (ask, command) {
        (Ask::Open { member } | Ask::Join { member, .. } | Ask::Leave { member, .. }, _) => {
            Actor::Member(MemberId(*member))
        }
        (Ask::Receive { .. }, Command::ReceiveOrder { member, .. }) => Actor::Member(*member),
        _ => Actor::System,
    }
}

fn request(ask: &Ask, command: Command, serial: u64) -> Request {
    let serial = u8::try_from(serial).unwrap();
    let key = IdempotencyKey {
        key: [serial; 16],
        content: [serial; 16],
    };
    Request {
        actor: actor(ask, &command),
        key: Some(key),
        command,
    }
}

fn open(disk: &MemoryStorage) -> Step {
    Step::open(memory(disk), &mut |_| {}).unwrap().0
}

fn prologue() -> Vec<Request> {
    let mut requests = vec![deposit(100_000_000), publish()];
    requests.extend((0..5).map(register));
    requests
}

/// Lives through a history, and looks after every happening at what it must not have changed.
fn live(disk: &MemoryStorage, happenings: &[Happening]) {
    let mut step = open(disk);
    let mut now = T0;
    for request in prologue() {
        step.execute(&request, now).unwrap();
    }
    step.commit().unwrap();
    let mut durable = step.world().to_snapshot();
    for (serial, happening) in (0..).zip(happenings) {
        match happening {
            Happening::Ask(ask) => {
                if let Some(command) = command(step.world(), ask, serial) {
                    ask_twice(&mut step, &request(ask, command, serial), now);
                }
            }
            Happening::Wait { ms } => {
                now = Millis(now.0 + ms);
                step.tick(now, 3);
            }
            Happening::Commit => {
                let head = step.commit().unwrap();
                assert_eq!(head.last_seq(), step.seq());
                assert_eq!(step.pending(), 0);
                durable = step.world().to_snapshot();
            }
            Happening::Snapshot => {
                step.commit().unwrap();
                durable = step.world().to_snapshot();
                let at = step.journal().head().mark();
                let mut fill = |out: &mut dyn std::io::Write| out.write_all(&durable);
                step.journal().write_snapshot(at, &mut fill).unwrap();
            }
            Happening::Crash => {
                drop(step);
                step = open(disk);
                assert!(
                    step.world().to_snapshot() == durable,
                    "the start gave another world"
                );
            }
        }
    }
    assert_eq!(step.world().violations(), Vec::<String>::new());
    step.commit().unwrap();
    let durable = step.world().to_snapshot();
    drop(step);
    assert!(replayed(disk) == durable, "a replay gives another world");
    let step = open(disk);
    assert!(
        step.world().to_snapshot() == durable,
        "snapshot and rest give another world"
    );
}

/// The same key asked again gives the same answer and has no second effect.
fn ask_twice(step: &mut Step, request: &Request, now: Millis) {
    let before = step.seq();
    let first = step.execute(request, now);
    let after = step.seq();
    if first.is_ok() && before != after {
        let again = step.execute(request, now);
        assert_eq!(again, first, "the same key gave another answer");
        assert_eq!(step.seq(), after, "the same key had a second effect");
    }
}

/// The same commands through the plain step and through the threads.
fn compare_with_threads(asks: &[Ask]) -> MemoryStorage {
    let (plain_disk, disk) = (MemoryStorage::new(), MemoryStorage::new());
    let mut plain = open(&plain_disk);
    let mut requests = Vec::new();
    let mut replies = Vec::new();
    for request in prologue() {
        replies.push(plain.execute(&request, T0));
        requests.push(request);
    }
    for (serial, ask) in (0..).zip(asks) {
        // Settlements are taken in turn with the others; here the order is to be the same.
        if matches!(ask, Ask::Draw | Ask::Void { .. }) {
            continue;
        }
        let Some(command) = command(plain.world(), ask, serial) else {
            continue;
        };
        let request = request(ask, command, serial);
        replies.push(plain.execute(&request, T0));
        requests.push(request);
    }
    plain.commit().unwrap();
    let config = EngineConfig {
        batch_bytes: 300,
        ..config(memory(&disk))
    };
    let (engine, threads) = Engine::start(config).unwrap();
    let found = engine.submit_many_blocking(requests).unwrap();
    assert_eq!(found, replies);
    threads.shutdown().unwrap();
    assert!(
        replayed(&disk) == plain.world().to_snapshot(),
        "another world"
    );
    disk
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    proptest::collection::vec(happening(), 1..250)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn what_is_durable_is_what_comes_back(happenings in happenings()) {
        live(&MemoryStorage::new(), &happenings);
    }

    #[test]
    fn threads_decide_what_the_plain_step_decides(asks in proptest::collection::vec(ask(), 1..60)) {
        compare_with_threads(&asks);
    }
}

fn word(event: &Event) -> &'static str {
    let kinds = [
        ("filled", matches!(event, Event::GroupFilled { .. })),
        ("settled", matches!(event, Event::GroupSettled(_))),
        ("refunds", matches!(event, Event::RefundPaid { .. })),
        ("vested", matches!(event, Event::RewardsVested { .. })),
        (
            "expired",
            matches!(
                event,
                Event::GroupClosed {
                    why: Closing::Expired,
                    ..
                }
            ),
        ),
    ];
    let named = kinds.into_iter().find(|(_, is)| *is);
    named.map_or("others", |(name, _)| name)
}

/// Random histories are worth what they reach: these, always the same ones, reach every end of a group.
#[test]
fn histories_fill_settle_expire_and_vest() {
    let mut runner = TestRunner::deterministic();
    let mut reached: BTreeMap<&str, u32> = BTreeMap::new();
    for _ in 0..40 {
        let disk = MemoryStorage::new();
        live(
            &disk,
            &happenings().new_tree(&mut runner).unwrap().current(),
        );
        engine::replay(disk.reader(), |_, record, _| {
            for event in record.events {
                *reached.entry(word(event)).or_default() += 1;
            }
        })
        .unwrap();
    }
    let at_least = |what, least| least <= reached.get(what).copied().unwrap_or(0);
    assert!(at_least("filled", 20), "{reached:?}");
    assert!(at_least("settled", 15), "{reached:?}");
    assert!(at_least("expired", 10), "{reached:?}");
    assert!(at_least("refunds", 40), "{reached:?}");
    assert!(at_least("vested", 1), "{reached:?}");
}

#[test]
fn a_group_is_filled_drawn_and_settled() {
    let disk = MemoryStorage::new();
    let mut step = open(&disk);
    let run = |step: &mut Step, command| step.execute(&system(command), T0).unwrap().answer;
    for request in prologue() {
        step.execute(&request, T0).unwrap();
    }
    step.execute(&register(2), T0).unwrap();
    let open_group = Command::OpenGroup {
        campaign: CampaignId(0),
        member: MemberId(0),
        via: None,
    };
    let Answer::Reserved { payment, .. } = run(&mut step, open_group) else {
        panic!("no place")
    };
    let pay = Ask::Pay { reservation: 0 };
    let pay = command(step.world(), &pay, 1).unwrap();
    assert_eq!(
        run(&mut step, pay),
        Answer::Payment(PaymentAnswer::Seated(payment))
    );
    for member in [1, 2] {
        let join = Ask::JoinPaid { group: 0, member };
        let join = command(step.world(), &join, 10 + u64::from(member)).unwrap();
        let payment = PaymentId {
            group: GroupId(0),
            index: member,
        };
        assert_eq!(
            run(&mut step, join),
            Answer::Payment(PaymentAnswer::Seated(payment))
        );
    }
    let settle = command(step.world(), &Ask::Draw, 0).unwrap();
    assert_eq!(run(&mut step, settle), Answer::Done);
    step.commit().unwrap();
    assert_eq!(step.world().pending_refunds(None, 10).len(), 2);
    let next = step.world().pending_refunds(Some(RefundId(0)), 10);
    assert_eq!(next[0].refund, RefundId(1));
    assert_eq!(step.world().violations(), Vec::<String>::new());
    assert!(replayed(&disk) == step.world().to_snapshot());
}
