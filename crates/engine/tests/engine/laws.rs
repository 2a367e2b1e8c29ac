//! Laws that hold for every sequence of commands, commits, snapshots and crashes.

use domain::{
    Answer, CampaignId, Command, GroupId, MemberId, Millis, OrderId, PaymentAnswer, PaymentId,
    RefundId, Request, World,
};
use engine::{Engine, EngineConfig, Step};
use journal::MemoryStorage;
use proptest::prelude::*;

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

/// What is asked; numbers that nothing has are asked for, too.
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
        member: u32,
    },
}

fn ask() -> impl Strategy<Value = Ask> {
    let (group, member) = (|| 0..8u64, || 0..12u32);
    let joining = (group(), member(), proptest::option::of(member()));
    prop_oneof![
        4 => (member(), member()).prop_map(|(token, inviter)| Ask::Register { token, inviter }),
        3 => member().prop_map(|member| Ask::Open { member }),
        6 => joining.prop_map(|(group, member, via)| Ask::Join { group, member, via }),
        12 => (0..6usize).prop_map(|reservation| Ask::Pay { reservation }),
        6 => (group(), member()).prop_map(|(group, member)| Ask::JoinPaid { group, member }),
        1 => (group(), member()).prop_map(|(group, member)| Ask::Leave { group, member }),
        1 => group().prop_map(|group| Ask::Cancel { group }),
        4 => Just(Ask::Draw),
        1 => group().prop_map(|group| Ask::Void { group }),
        2 => Just(Ask::Refund),
        2 => (0..4u64).prop_map(|order| Ask::Ship { order }),
        2 => (0..4u64, member()).prop_map(|(order, member)| Ask::Receive { order, member }),
    ]
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        40 => ask().prop_map(Happening::Ask),
        3 => (0..400_000i64).prop_map(|ms| Happening::Wait { ms }),
        4 => Just(Happening::Commit),
        1 => Just(Happening::Snapshot),
        1 => Just(Happening::Crash),
    ]
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
                group: GroupId(group),
                member: MemberId(member),
                via,
            }
        }
        Ask::Pay { reservation } => {
            let waiting = world.waiting_reservations(None, 6);
            pay(waiting.get(reservation)?.payment, serial)
        }
        Ask::JoinPaid { group, member } => join_paid(GroupId(group), MemberId(member), serial),
        Ask::Leave { group, member } => Command::LeaveGroup {
            group: GroupId(group),
            member: MemberId(member),
        },
        Ask::Cancel { group } => Command::CancelGroup {
            group: GroupId(group),
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
            order: OrderId(order),
        },
        Ask::Receive { order, member } => Command::ReceiveOrder {
            order: OrderId(order),
            member: MemberId(member),
        },
    })
}

fn open(disk: &MemoryStorage) -> Step {
    Step::open(memory(disk), &mut |_| {}).unwrap().0
}

fn prologue() -> [Request; 4] {
    [deposit(100_000_000), publish(), register(0), register(1)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn what_is_durable_is_what_comes_back(happenings in proptest::collection::vec(happening(), 1..120)) {
        let disk = MemoryStorage::new();
        let mut step = open(&disk);
        let mut now = T0;
        for request in prologue() {
            step.execute(&request, now).unwrap();
        }
        step.commit().unwrap();
        let mut durable = step.world().to_snapshot();
        for (serial, happening) in (0..).zip(&happenings) {
            match happening {
                Happening::Ask(ask) => {
                    let Some(command) = command(step.world(), ask, serial) else { continue };
                    let actor = MemberId(u32::try_from(serial % 2).unwrap());
                    let request = keyed(actor, u8::try_from(serial).unwrap(), command);
                    let before = step.seq();
                    let first = step.execute(&request, now);
                    let after = step.seq();
                    if first.is_ok() && before != after {
                        let again = step.execute(&request, now);
                        prop_assert_eq!(again, first, "the same key gave another answer");
                        prop_assert_eq!(step.seq(), after, "the same key had a second effect");
                    }
                }
                Happening::Wait { ms } => {
                    now = Millis(now.0 + ms);
                    step.tick(now, 3);
                }
                Happening::Commit => {
                    let head = step.commit().unwrap();
                    prop_assert_eq!(head.last_seq(), step.seq());
                    prop_assert_eq!(step.pending(), 0);
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
                    step = open(&disk);
                    prop_assert!(step.world().to_snapshot() == durable, "the start gave another world");
                }
            }
        }
        prop_assert_eq!(step.world().violations(), Vec::<String>::new());
        step.commit().unwrap();
        let durable = step.world().to_snapshot();
        drop(step);
        prop_assert!(replayed(&disk) == durable, "a replay gives another world");
        let step = open(&disk);
        prop_assert!(step.world().to_snapshot() == durable, "snapshot and rest give another world");
    }

    #[test]
    fn threads_decide_what_the_plain_step_decides(asks in proptest::collection::vec(ask(), 1..60)) {
        let (plain_disk, disk) = (MemoryStorage::new(), MemoryStorage::new());
        let mut plain = open(&plain_disk);
        let mut requests = Vec::new();
        let mut replies = Vec::new();
        for request in prologue() {
            replies.push(plain.execute(&request, T0));
            requests.push(request);
        }
        for (serial, ask) in (0..).zip(&asks) {
            // Settlements are taken in turn with the others; here the order is to be the same.
            let in_turn = matches!(ask, Ask::Draw | Ask::Void { .. });
            let Some(command) = command(plain.world(), ask, serial).filter(|_| !in_turn) else { continue };
            let request = system(command);
            replies.push(plain.execute(&request, T0));
            requests.push(request);
        }
        plain.commit().unwrap();
        let config = EngineConfig { batch_bytes: 300, ..config(memory(&disk)) };
        let (engine, threads) = Engine::start(config).unwrap();
        let found = engine.submit_many_blocking(requests).unwrap();
        prop_assert_eq!(found, replies);
        threads.shutdown().unwrap();
        prop_assert!(replayed(&disk) == plain.world().to_snapshot(), "another world");
    }
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
