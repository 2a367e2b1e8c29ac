//! Answers are given when they are durable, and only then.

use std::collections::BTreeSet;
use std::sync::mpsc;

use domain::{Answer, Command, GroupId, MemberId, Refusal};
use engine::{
    Engine, EngineConfig, EngineHandle, EngineThreads, MAX_COMMANDS_PER_REQUEST, Stop, SubmitError,
};
use journal::{FailWhen, MemoryStorage};

use crate::common::*;

/// An engine whose appends wait at the gate, one of which has begun: whatever comes now waits, too.
fn held_up(
    disk: &MemoryStorage,
    change: impl FnOnce(&mut EngineConfig),
) -> (EngineHandle, EngineThreads, Gate) {
    let gate = Gate::closed();
    let mut config = config(GatedJournal::open(disk, &gate));
    change(&mut config);
    let (engine, threads) = Engine::start(config).unwrap();
    (engine, threads, gate)
}

/// Waits until the writer has executed everything sent before.
fn executed(engine: &EngineHandle) {
    let (to, ran) = mpsc::channel();
    let query = begun(engine.query({
        let to = to.clone();
        move |_| to.send(()).unwrap()
    }));
    ran.recv().unwrap();
    drop(query);
}

#[tokio::test]
async fn nothing_leaves_before_it_is_durable() {
    let disk = MemoryStorage::new();
    let (engine, _threads, gate) = held_up(&disk, |_| {});
    let mut first = begun(engine.submit(register(1)));
    gate.wait_for_appends(1);
    let mut repeated = begun(engine.submit(register(1)));
    let join = Command::JoinGroup {
        group: GroupId(0),
        member: MemberId(0),
        via: None,
    };
    let mut refused = begun(engine.submit(system(join)));
    let mut question = begun(engine.query(|world| world.members()));
    let mut second = begun(engine.submit(register(2)));
    executed(&engine);

    assert!(is_waiting(&mut first), "its batch is not durable");
    assert!(is_waiting(&mut repeated), "the original is not durable");
    assert!(
        is_waiting(&mut refused),
        "it may rest on what is not durable"
    );
    assert!(is_waiting(&mut question), "it shows what is not durable");
    assert!(is_waiting(&mut second), "its batch has not even begun");
    assert_eq!(*engine.committed().borrow(), 0);
    let mut reader = engine::RecordReader::new(disk.reader(), 1);
    assert_eq!(reader.read(1 << 20).unwrap(), []);

    gate.open();
    let (first, second) = (first.await.unwrap(), second.await.unwrap());
    assert_eq!((first.answer, first.seq), (Answer::Member(MemberId(0)), 1));
    assert_eq!(
        (second.answer, second.seq),
        (Answer::Member(MemberId(1)), 2)
    );
    let repeated = repeated.await.unwrap();
    assert_eq!((repeated.answer, repeated.seq), (first.answer, 1));
    assert_eq!(
        refused.await,
        Err(SubmitError::Refused(Refusal::UnknownGroup(GroupId(0))))
    );
    assert_eq!(question.await, Ok((1, 1)));
    assert_eq!(*engine.committed().borrow(), 2);
    assert_eq!(reader.read(1 << 20).unwrap().len(), 2);
}

#[tokio::test]
async fn what_rests_on_durable_records_alone_is_answered_without_an_append() {
    let disk = MemoryStorage::new();
    let (engine, _threads) = start(&disk);
    engine.submit(register(1)).await.unwrap();
    assert_eq!(engine.query(|world| world.members()).await, Ok((1, 1)));
    assert_eq!(engine.submit(register(1)).await.unwrap().seq, 1);
    let metrics = engine.metrics();
    assert_eq!(
        (metrics.batches, metrics.records, metrics.committed_seq),
        (1, 1, 1)
    );
    assert_eq!(metrics.queued_commands, 0);
}

#[tokio::test]
async fn a_full_queue_is_busy_at_once_and_nothing_happens() {
    let disk = MemoryStorage::new();
    let (engine, _threads, gate) = held_up(&disk, |config| {
        config.queue_commands = 4;
        config.queue_settlements = 1;
    });
    let accepted = begun(engine.submit(register(1)));
    gate.wait_for_appends(1);
    let two = begun(engine.submit_many(vec![register(2), register(3)]));
    assert_eq!(
        engine.submit_many(vec![register(4), register(5)]).await,
        Err(SubmitError::Busy)
    );
    let question = begun(engine.query(|world| world.members()));
    assert_eq!(engine.submit(register(6)).await, Err(SubmitError::Busy));
    assert_eq!(engine.query(|_| ()).await, Err(SubmitError::Busy));
    let too_many = (0..5).map(register).collect();
    let expected = SubmitError::TooMany {
        commands: 5,
        limit: 4,
    };
    assert_eq!(engine.submit_many(too_many).await, Err(expected));

    let void = || engine.submit(system(Command::VoidGroup { group: GroupId(0) }));
    let settlement = begun(void());
    assert_eq!(void().await, Err(SubmitError::Busy));
    assert_eq!(engine.metrics().queued_commands, 4);
    assert_eq!(engine.metrics().busy, 4);

    gate.open();
    accepted.await.unwrap();
    assert_eq!(two.await.unwrap().len(), 2);
    assert_eq!(question.await.unwrap().0, 3);
    let unknown = SubmitError::Refused(Refusal::UnknownGroup(GroupId(0)));
    assert_eq!(settlement.await, Err(unknown));
    assert_eq!(
        engine.submit(register(6)).await.unwrap().answer,
        Answer::Member(MemberId(3))
    );
    assert_eq!(engine.query(|world| world.members()).await.unwrap().0, 4);
}

#[tokio::test]
async fn many_commands_are_answered_in_order_over_several_batches() {
    let disk = MemoryStorage::new();
    let mut config = config(memory(&disk));
    config.batch_bytes = 200;
    let (engine, threads) = Engine::start(config).unwrap();
    let mut requests: Vec<_> = (0..100).map(register).collect();
    requests.push(deposit(0));
    requests.push(register(7));
    let replies = engine.submit_many(requests).await.unwrap();
    for (number, reply) in (0..100).zip(&replies) {
        let reply = reply.as_ref().unwrap();
        assert_eq!(reply.answer, Answer::Member(MemberId(number)));
        assert_eq!(reply.seq, u64::from(number) + 1);
    }
    assert_eq!(replies[100], Err(Refusal::AmountNotPositive));
    let repeated = replies[101].as_ref().unwrap();
    assert_eq!(
        (repeated.answer, repeated.seq),
        (Answer::Member(MemberId(7)), 100)
    );
    assert_eq!(replies.len(), 102);
    assert!(10 < engine.metrics().batches);

    assert_eq!(engine.submit_many(Vec::new()).await, Ok(Vec::new()));
    let most = vec![register(0); MAX_COMMANDS_PER_REQUEST];
    assert_eq!(
        engine.submit_many(most).await.unwrap().len(),
        MAX_COMMANDS_PER_REQUEST
    );
    let commands = MAX_COMMANDS_PER_REQUEST + 1;
    let expected = SubmitError::TooMany {
        commands,
        limit: MAX_COMMANDS_PER_REQUEST,
    };
    assert_eq!(
        engine.submit_many(vec![register(0); commands]).await,
        Err(expected)
    );
    threads.shutdown().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_submitters_are_all_answered_once() {
    let disk = MemoryStorage::new();
    let (engine, threads) = start(&disk);
    let tasks: Vec<_> = (0..100)
        .map(|task| {
            let engine = engine.clone();
            tokio::spawn(async move {
                let mut members = Vec::new();
                for number in 0..20 {
                    let reply = engine.submit(register(task * 20 + number)).await.unwrap();
                    assert!(reply.seq <= *engine.committed().borrow());
                    members.push(member(reply.answer));
                }
                members
            })
        })
        .collect();
    let mut members = BTreeSet::new();
    for task in tasks {
        members.extend(task.await.unwrap());
    }
    assert_eq!(members.len(), 2000);
    let metrics = engine.metrics();
    assert_eq!(
        (
            metrics.records,
            metrics.committed_seq,
            metrics.queued_commands
        ),
        (2000, 2000, 0)
    );
    let (alive, _) = engine.query(|world| world.to_snapshot()).await.unwrap();
    threads.shutdown().unwrap();
    assert!(alive == replayed(&disk), "a replay gives another world");
}

/// Whatever an append fails with, everybody waiting is told that the outcome is unknown, nothing acknowledged is
/// lost, and asking again with the same identity has no second effect.
async fn a_failed_append_stops_the_engine(when: FailWhen, stored: u32) {
    let disk = MemoryStorage::new();
    let (engine, threads) = start(&disk);
    engine.submit(register(1)).await.unwrap();
    drop((engine, threads));
    let (engine, threads, gate) = held_up(&disk, |_| {});
    disk.faults().fail_next_append(when);
    let in_flight = begun(engine.submit(register(2)));
    gate.wait_for_appends(1);
    let executed_after = begun(engine.submit(register(3)));
    let question = begun(engine.query(|world| world.members()));
    executed(&engine);
    let stopped = begun(engine.stopped());
    assert!(engine.stop_reason().is_none());
    gate.open();

    assert_eq!(in_flight.await, Err(SubmitError::Stopped));
    assert_eq!(executed_after.await, Err(SubmitError::Stopped));
    assert_eq!(question.await, Err(SubmitError::Stopped));
    assert!(matches!(stopped.await, Stop::Journal(_)));
    assert_eq!(engine.submit(register(4)).await, Err(SubmitError::Stopped));
    assert_eq!(*engine.committed().borrow(), 1);
    let why = threads.shutdown().unwrap_err();
    assert_eq!(
        why.to_string(),
        "the engine stopped because the journal failed"
    );

    let (engine, _threads) = start(&disk);
    assert_eq!(
        engine.query(|world| world.members()).await.unwrap().0,
        1 + stored
    );
    assert_eq!(
        engine.submit(register(1)).await.unwrap().answer,
        Answer::Member(MemberId(0))
    );
    assert_eq!(
        engine.submit(register(2)).await.unwrap().answer,
        Answer::Member(MemberId(1))
    );
    assert_eq!(engine.query(|world| world.members()).await.unwrap().0, 2);
}

#[tokio::test]
async fn an_append_that_fails_before_storing_stops_the_engine() {
    a_failed_append_stops_the_engine(FailWhen::BeforeStoring, 0).await;
}

#[tokio::test]
async fn an_append_that_fails_after_storing_stops_the_engine() {
    a_failed_append_stops_the_engine(FailWhen::AfterStoring, 1).await;
}

#[tokio::test]
async fn a_writer_that_was_overtaken_stops() {
    let disk = MemoryStorage::new();
    let (engine, _threads) = start(&disk);
    engine.submit(register(1)).await.unwrap();
    let other = disk.faults().take_over().unwrap();
    let (second, _second_threads) = Engine::start(config(Box::new(other))).unwrap();
    second.submit(register(2)).await.unwrap();
    assert_eq!(engine.submit(register(3)).await, Err(SubmitError::Stopped));
    let Stop::Journal(fault) = engine.stopped().await else {
        panic!("another reason")
    };
    assert_eq!(
        fault.to_string(),
        "another writer has taken over at batch 2: stop"
    );
    assert_eq!(second.query(|world| world.members()).await.unwrap().0, 2);
}

#[tokio::test]
async fn a_shutdown_answers_everything_accepted() {
    let disk = MemoryStorage::new();
    let (engine, threads, gate) = held_up(&disk, |_| {});
    let first = begun(engine.submit(register(1)));
    gate.wait_for_appends(1);
    let second = begun(engine.submit_many((2..50).map(register).collect()));
    let ending = std::thread::spawn(move || threads.shutdown());
    gate.open();
    first.await.unwrap();
    assert_eq!(second.await.unwrap().len(), 48);
    ending.join().unwrap().unwrap();
    assert!(matches!(engine.stopped().await, Stop::Shutdown));
    assert_eq!(engine.submit(register(99)).await, Err(SubmitError::Stopped));
    assert_eq!(engine.query(|_| ()).await, Err(SubmitError::Stopped));
    assert!(engine.reader(1).await.is_err());
    let (engine, _threads) = start(&disk);
    assert_eq!(engine.recovered().head, 49);
}

#[tokio::test]
async fn a_panic_on_the_writers_thread_stops_the_engine() {
    let disk = MemoryStorage::new();
    let (engine, threads) = start(&disk);
    let asked = engine
        .query(|_| -> u32 { panic!("a question of this test panics") })
        .await;
    assert_eq!(asked, Err(SubmitError::Stopped));
    assert!(matches!(
        engine.stopped().await,
        Stop::Panicked { thread: "writer" }
    ));
    assert_eq!(engine.submit(register(1)).await, Err(SubmitError::Stopped));
    assert!(threads.shutdown().is_err());
}

#[tokio::test]
async fn followers_read_what_is_durable() {
    let disk = MemoryStorage::new();
    let (engine, _threads) = start(&disk);
    let mut committed = engine.committed();
    let mut reader = engine.reader(2).await.unwrap();
    engine
        .submit_many((0..3).map(register).collect())
        .await
        .unwrap();
    assert_eq!(*committed.wait_for(|seq| 3 <= *seq).await.unwrap(), 3);
    let seqs: Vec<_> = reader
        .read(1 << 20)
        .unwrap()
        .iter()
        .map(|record| record.seq)
        .collect();
    assert_eq!(seqs, [2, 3]);
    assert_eq!(reader.next_seq(), 4);
    assert_eq!(reader.read(1 << 20).unwrap(), []);
    engine.submit(register(9)).await.unwrap();
    assert_eq!(reader.read(1 << 20).unwrap()[0].seq, 4);
}

#[test]
fn threads_can_block_instead() {
    let disk = MemoryStorage::new();
    let (engine, _threads) = start(&disk);
    assert_eq!(engine.submit_blocking(register(1)).unwrap().seq, 1);
    assert_eq!(
        engine
            .submit_many_blocking(vec![register(2)])
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        engine.query_blocking(|world| world.members()).unwrap(),
        (2, 2)
    );
    assert_eq!(
        engine
            .reader_blocking(1)
            .unwrap()
            .read(1 << 20)
            .unwrap()
            .len(),
        2
    );
}
