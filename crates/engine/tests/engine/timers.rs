//! What time makes due happens by itself.

use std::sync::Arc;

use domain::{Answer, Command, GroupId, GroupState, Millis};
use engine::{Engine, EngineHandle, EngineThreads, ManualClock, Outbox};
use journal::MemoryStorage;

use crate::common::*;

/// More than are executed in one go.
const GROUPS: u32 = 200;

fn start_at(disk: &MemoryStorage, now: Millis) -> (EngineHandle, EngineThreads, ManualClock) {
    let clock = ManualClock::new(now);
    let mut config = config(memory(disk));
    config.clock = Arc::new(clock.clone());
    let (engine, threads) = Engine::start(config).unwrap();
    (engine, threads, clock)
}

/// Opens groups whose leaders never pay.
async fn open_groups(engine: &EngineHandle) {
    engine
        .submit_many(vec![deposit(1_000_000), publish(), register(1)])
        .await
        .unwrap();
    let (campaign, member) = (domain::CampaignId(0), domain::MemberId(0));
    let open = || {
        system(Command::OpenGroup {
            campaign,
            member,
            via: None,
        })
    };
    let replies = engine
        .submit_many((0..GROUPS).map(|_| open()).collect())
        .await
        .unwrap();
    for reply in replies {
        assert!(matches!(reply.unwrap().answer, Answer::Reserved { .. }));
    }
}

async fn cancelled(engine: &EngineHandle) -> usize {
    let state = |world: &domain::World, id| world.group(GroupId(id)).unwrap().state;
    let count = move |world: &domain::World| {
        let groups = 0..world.groups();
        groups
            .filter(|id| state(world, *id) == GroupState::Cancelled)
            .count()
    };
    engine.query(count).await.unwrap().0
}

#[tokio::test]
async fn a_timer_fires_without_a_command() {
    let disk = MemoryStorage::new();
    let (engine, _threads, clock) = start_at(&disk, T0);
    open_groups(&engine).await;
    let mut outbox = Outbox::new(engine.clone());
    assert_eq!(outbox.next_reservations(None, 7).await.unwrap().len(), 7);
    let head = *engine.committed().borrow();
    clock.set(Millis(T0.0 + PAYMENT_WINDOW.0 - 1));
    assert_eq!(cancelled(&engine).await, 0);
    clock.set(T0.after(PAYMENT_WINDOW));
    let mut committed = engine.committed();
    let all = head + u64::from(GROUPS);
    committed.wait_for(|seq| all <= *seq).await.unwrap();
    assert_eq!(cancelled(&engine).await, GROUPS as usize);
    assert_eq!(outbox.next_reservations(None, 7).await.unwrap().len(), 0);
    outbox
        .wait(std::time::Duration::from_secs(3600))
        .await
        .unwrap();
}

#[tokio::test]
async fn what_became_due_while_nothing_ran_happens_at_the_start() {
    let disk = MemoryStorage::new();
    let (engine, threads, _) = start_at(&disk, T0);
    open_groups(&engine).await;
    drop((engine, threads));
    let (engine, _threads, _) = start_at(&disk, T0.after(PAYMENT_WINDOW));
    let all = engine.recovered().head + u64::from(GROUPS);
    engine
        .committed()
        .wait_for(|seq| all <= *seq)
        .await
        .unwrap();
    assert_eq!(cancelled(&engine).await, GROUPS as usize);
}

#[tokio::test]
async fn time_does_not_go_back_with_the_clock() {
    let disk = MemoryStorage::new();
    let (engine, _threads, clock) = start_at(&disk, T0);
    engine.submit(register(1)).await.unwrap();
    clock.set(Millis(T0.0 - 60_000));
    engine.submit(register(2)).await.unwrap();
    let records = engine.reader(1).await.unwrap().read(1 << 20).unwrap();
    assert_eq!(
        records
            .iter()
            .map(|stored| stored.record.at)
            .collect::<Vec<_>>(),
        [T0, T0]
    );
}
