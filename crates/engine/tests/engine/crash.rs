//! A platform killed at a random moment loses no payment it acknowledged.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::BuildHasher;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command as Process, Stdio};

use domain::{
    Actor, Answer, CampaignId, Command, Event, GatewayId, PaymentAnswer, PaymentId, Request,
};
use engine::{Engine, EngineHandle, SnapshotPolicy};
use journal::SqliteJournal;

use crate::common::*;

const ROUNDS: u64 = 10;
const GATEWAYS: u32 = 4;

/// Set for the process that is to be killed: where its journal is, and in which round.
const CHILD: &str = "ENGINE_CRASH_DIRECTORY";
const ROUND: &str = "ENGINE_CRASH_ROUND";

#[test]
fn a_killed_platform_loses_no_payment_it_acknowledged() {
    if let Some(dir) = std::env::var_os(CHILD) {
        let round = std::env::var(ROUND).unwrap().parse().unwrap();
        join_until_killed(Path::new(&dir), round);
    }
    let dir = tempfile::tempdir().unwrap();
    let random = RandomState::new();
    let mut acknowledged = BTreeSet::new();
    for round in 0..ROUNDS {
        let before = acknowledged.len();
        run_and_kill(
            dir.path(),
            round,
            random.hash_one(round) % 200,
            &mut acknowledged,
        );
        assert!(
            before < acknowledged.len(),
            "the child did nothing in round {round}"
        );
        let mut seated = BTreeMap::new();
        let reader = SqliteJournal::open_read_only(dir.path()).unwrap();
        let world = engine::replay(Box::new(reader), |_, record, _| {
            for event in record.events {
                if let Event::PaymentAccepted { payment, txn, .. } = event {
                    let twice = seated.insert(txn.to_string(), *payment);
                    assert_eq!(twice, None, "{txn} was booked twice");
                }
            }
        })
        .unwrap();
        assert_eq!(world.violations(), Vec::<String>::new());
        for (txn, payment) in &acknowledged {
            assert_eq!(seated.get(txn), Some(payment), "{txn} was acknowledged");
        }
    }
    // The journal goes on, and its snapshots are good.
    let journal = SqliteJournal::open(dir.path()).unwrap();
    let (engine, _threads) = Engine::start(config(Box::new(journal))).unwrap();
    let (world, seq) = engine.query_blocking(domain::World::to_snapshot).unwrap();
    assert!(engine.recovered().head <= seq);
    let reader = SqliteJournal::open_read_only(dir.path()).unwrap();
    let replay = engine::replay(Box::new(reader), |_, _, _| {}).unwrap();
    assert!(
        replay.to_snapshot() == world,
        "a replay gives another world"
    );
}

/// Starts a platform, kills it after some payments, and notes all it acknowledged.
fn run_and_kill(dir: &Path, round: u64, payments: u64, into: &mut BTreeSet<(String, PaymentId)>) {
    let mut child = start_child(dir, round);
    let lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let mut seated = lines.filter_map(|line| {
        let (txn, payment) = line.strip_prefix("seated ")?.split_once(' ')?;
        Some((txn.to_owned(), payment.parse::<PaymentId>().unwrap()))
    });
    into.extend(seated.by_ref().take(usize::try_from(payments).unwrap() + 1));
    child.kill().unwrap();
    // What it said before it died counts.
    into.extend(seated);
    child.wait().unwrap();
}

fn start_child(dir: &Path, round: u64) -> Child {
    let name = "crash::a_killed_platform_loses_no_payment_it_acknowledged";
    Process::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture"])
        .env(CHILD, dir)
        .env(ROUND, round.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Some gateways fill one group after the other.
fn join_until_killed(dir: &Path, round: u32) -> ! {
    let mut config = config(Box::new(SqliteJournal::open(dir).unwrap()));
    let often = std::time::Duration::from_millis(1);
    config.snapshots = Some(SnapshotPolicy {
        journal_bytes: 20_000,
        look_every: often,
        ..SnapshotPolicy::default()
    });
    let (engine, _threads) = Engine::start(config).unwrap();
    if engine.query_blocking(|world| world.campaigns()).unwrap().0 == 0 {
        let prologue = vec![deposit(1_000_000_000), publish()];
        assert!(
            engine
                .submit_many_blocking(prologue)
                .unwrap()
                .iter()
                .all(Result::is_ok)
        );
    }
    std::thread::scope(|scope| {
        for gateway in 0..GATEWAYS {
            let engine = &engine;
            scope.spawn(move || fill_groups(engine, round, gateway));
        }
    });
    unreachable!("the gateways never end");
}

fn fill_groups(engine: &EngineHandle, round: u32, gateway: u32) {
    let submit = |command| {
        let actor = Actor::Gateway(GatewayId(gateway));
        engine
            .submit_blocking(Request {
                actor,
                key: None,
                command,
            })
            .unwrap()
            .answer
    };
    for count in 0.. {
        let number = (round * GATEWAYS + gateway) * 1_000_000 + count * 3;
        let members = [0, 1, 2].map(|seat| {
            let inviter = None;
            let token = token(number + seat);
            member(submit(Command::RegisterMember { token, inviter }))
        });
        let open = Command::OpenGroup {
            campaign: CampaignId(0),
            member: members[0],
            via: None,
        };
        let Answer::Reserved { payment, .. } = submit(open) else {
            panic!("no place")
        };
        for (seat, member) in (0..).zip(members) {
            let serial = u64::from(number + seat);
            let command = match seat {
                0 => pay(payment, serial),
                _ => join_paid(payment.group, member, serial),
            };
            let Answer::Payment(PaymentAnswer::Seated(place)) = submit(command) else {
                panic!("not seated");
            };
            // One write, so that the parent sees the line whole or not at all.
            let line = format!("seated txn-{serial} {place}\n");
            std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
        }
    }
}
