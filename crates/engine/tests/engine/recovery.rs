//! Memory is rebuilt from the journal, or the engine says clearly why it is not.

use std::sync::{Arc, Mutex};

use domain::{Actor, Answer, CampaignId, Command, Event, MemberId, Money, Record, Refusal};
use engine::{Engine, FollowError, Progress, RECORD_VERSION, Recovered, StartError, SubmitError};
use journal::{BatchBuilder, MemoryStorage, SqliteJournal};

use crate::common::*;

#[tokio::test]
async fn keys_are_remembered_across_a_restart() {
    let disk = MemoryStorage::new();
    let (engine, threads) = start(&disk);
    engine
        .submit_many(vec![deposit(1_000_000), publish(), register(1)])
        .await
        .unwrap();
    let (campaign, member) = (CampaignId(0), MemberId(0));
    let open = keyed(
        member,
        1,
        Command::OpenGroup {
            campaign,
            member,
            via: None,
        },
    );
    let first = engine.submit(open.clone()).await.unwrap();
    assert_eq!(engine.submit(open.clone()).await, Ok(first));
    drop((engine, threads));

    let (engine, _threads) = start(&disk);
    assert_eq!(engine.submit(open.clone()).await, Ok(first));
    let mut other = open;
    other.key.as_mut().unwrap().content = [2; 16];
    assert_eq!(
        engine.submit(other).await,
        Err(SubmitError::Refused(Refusal::KeyReused))
    );
    assert_eq!(engine.query(|world| world.groups()).await.unwrap().0, 1);
}

#[tokio::test]
async fn a_database_file_gives_the_same_world_again() {
    let dir = tempfile::tempdir().unwrap();
    let open = || Box::new(SqliteJournal::open(dir.path()).unwrap());
    let (engine, threads) = Engine::start(config(open())).unwrap();
    engine
        .submit_many((0..500).map(register).collect())
        .await
        .unwrap();
    let taken = engine.snapshot_now().await;
    assert!(taken.is_err(), "this engine keeps no snapshots: {taken:?}");
    let (before, _) = engine.query(|world| world.to_snapshot()).await.unwrap();
    threads.shutdown().unwrap();

    let mut with_snapshots = config(open());
    with_snapshots.snapshots = Some(engine::SnapshotPolicy::default());
    let (engine, threads) = Engine::start(with_snapshots).unwrap();
    assert_eq!(
        engine.recovered(),
        Recovered {
            snapshot_seq: None,
            replayed: 500,
            head: 500
        }
    );
    assert_eq!(engine.snapshot_now().await.unwrap().unwrap().seq, 500);
    assert!(engine.query(|world| world.to_snapshot()).await.unwrap().0 == before);
    engine.submit(register(500)).await.unwrap();
    threads.shutdown().unwrap();

    let (engine, _threads) = Engine::start(config(open())).unwrap();
    let expected = Recovered {
        snapshot_seq: Some(500),
        replayed: 1,
        head: 501,
    };
    assert_eq!(engine.recovered(), expected);
    let reply = engine.submit(register(500)).await.unwrap();
    assert_eq!(reply.answer, Answer::Member(MemberId(500)));
}

#[test]
fn progress_is_reported_up_to_the_head() {
    let disk = MemoryStorage::new();
    let (engine, threads) = start(&disk);
    engine
        .submit_many_blocking((0..10).map(register).collect())
        .unwrap();
    drop((engine, threads));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let mut config = config(memory(&disk));
    let reports = seen.clone();
    config.progress = Box::new(move |progress| reports.lock().unwrap().push(progress));
    Engine::start(config).unwrap();
    let expected = [
        Progress { seq: 0, head: 10 },
        Progress { seq: 10, head: 10 },
    ];
    assert_eq!(*seen.lock().unwrap(), expected);
}

/// Stores one payload after a good record and says why the engine does not start.
fn refusal_of(version: u16, payload: &[u8]) -> StartError {
    let disk = MemoryStorage::new();
    let (engine, threads) = start(&disk);
    engine.submit_blocking(register(1)).unwrap();
    drop((engine, threads));
    let mut journal = memory(&disk);
    let mut batch = BatchBuilder::new(2);
    batch.push_bytes(version, payload).unwrap();
    journal.append(2, &batch).unwrap();
    drop(journal);
    let Err(error) = Engine::start(config(memory(&disk))) else {
        panic!("the engine started")
    };
    error
}

fn encoded(events: Vec<Event>) -> Vec<u8> {
    let record = Record {
        at: T0,
        actor: Actor::System,
        key: None,
        events,
    };
    minicbor::to_vec(record).unwrap()
}

#[test]
fn an_unknown_kind_stops_with_its_name() {
    let mut payload = encoded(vec![
        Event::CapitalDeposited { amount: Money(5) },
        Event::CapitalDeposited { amount: Money(5) },
    ]);
    // The last event is the array (kind 3, amount 5).
    assert_eq!(payload[payload.len() - 3..], [0x82, 3, 5]);
    let kind_at = payload.len() - 2;
    payload.splice(kind_at..=kind_at, [0x19, 0x02, 0x9a]);
    let error = refusal_of(RECORD_VERSION, &payload);
    assert_eq!(
        error.to_string(),
        "record 2 (format version 1) holds an event of kind 666 in a form this program does not know: \
         start the version that wrote it"
    );
}

#[test]
fn an_unknown_part_of_a_known_kind_stops_with_its_name() {
    let mut payload = encoded(vec![Event::GroupClosed {
        group: domain::GroupId(0),
        why: domain::Closing::Void,
        refund_each: Money(1),
        first_refund: domain::RefundId(0),
        refunds: Vec::new(),
    }]);
    let why_at = payload.len() - 4;
    assert_eq!(payload[why_at..], [3, 1, 0, 0x80]);
    payload[why_at] = 23;
    let error = refusal_of(RECORD_VERSION, &payload);
    let StartError::Follow(FollowError::UnknownKind {
        seq: 2, kind: 11, ..
    }) = error
    else {
        panic!("{error:?}");
    };
}

#[test]
fn an_unknown_version_stops_with_its_number() {
    let error = refusal_of(RECORD_VERSION + 1, &encoded(Vec::new()));
    assert_eq!(
        error.to_string(),
        "record 2 has format version 2, this program reads 1: start the version that wrote it"
    );
}

#[test]
fn bytes_that_are_no_record_stop_the_start() {
    let expected = "record 2 (format version 1) is not a record of this platform";
    let whole = encoded(vec![Event::CapitalDeposited { amount: Money(5) }]);
    let cut = &whole[..whole.len() - 1];
    let longer = [whole.as_slice(), &[0]].concat();
    for payload in [&b""[..], b"potluck", cut, &longer] {
        assert_eq!(
            refusal_of(RECORD_VERSION, payload).to_string(),
            expected,
            "{payload:?}"
        );
    }
}

#[test]
fn a_record_that_contradicts_the_ones_before_stops_the_start() {
    let event = Event::MemberRegistered {
        member: MemberId(7),
        token: token(7),
        inviter: None,
    };
    let error = refusal_of(RECORD_VERSION, &encoded(vec![event]));
    let StartError::Follow(FollowError::DoesNotFit { seq: 2 }) = error else {
        panic!("{error:?}");
    };
}

#[test]
fn a_damaged_journal_stops_the_start() {
    let disk = MemoryStorage::new();
    let (engine, threads) = start(&disk);
    for number in 0..3 {
        engine.submit_blocking(register(number)).unwrap();
    }
    drop((engine, threads));
    assert!(disk.faults().flip_byte(2, 30));
    let Err(StartError::Follow(FollowError::Read(error))) = Engine::start(config(memory(&disk)))
    else {
        panic!("the engine started");
    };
    assert!(
        error
            .to_string()
            .starts_with("the journal is damaged at batch 2"),
        "{error}"
    );
}
