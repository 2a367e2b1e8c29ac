//! A snapshot and the rest of the journal are as good as the whole journal.

use domain::World;
use engine::{Engine, EngineHandle, EngineThreads, Recovered, SnapshotPolicy};
use journal::MemoryStorage;

use crate::common::*;

fn start_with_snapshots(disk: &MemoryStorage) -> (EngineHandle, EngineThreads) {
    let mut config = config(memory(disk));
    config.snapshots = Some(SnapshotPolicy::default());
    Engine::start(config).unwrap()
}

/// Three times ten members, with a snapshot after each ten but the last.
fn thirty_members_and_two_snapshots(disk: &MemoryStorage) -> Vec<u8> {
    let (engine, threads) = start_with_snapshots(disk);
    let ten = |from| engine.submit_many_blocking((from..from + 10).map(register).collect());
    ten(0).unwrap();
    assert_eq!(engine.snapshot_now_blocking().unwrap().unwrap().seq, 10);
    assert_eq!(engine.snapshot_now_blocking().unwrap(), None);
    ten(10).unwrap();
    assert_eq!(engine.snapshot_now_blocking().unwrap().unwrap().seq, 20);
    ten(20).unwrap();
    assert_eq!(
        (
            engine.metrics().snapshots,
            engine.metrics().last_snapshot_seq
        ),
        (2, 20)
    );
    let (world, _) = engine.query_blocking(World::to_snapshot).unwrap();
    threads.shutdown().unwrap();
    world
}

#[track_caller]
fn check_start(disk: &MemoryStorage, expected: Recovered, world: &[u8]) {
    let (engine, _threads) = start_with_snapshots(disk);
    assert_eq!(engine.recovered(), expected);
    let (found, _) = engine.query_blocking(World::to_snapshot).unwrap();
    assert!(found == world, "another world");
    // The snapshots' own world began where the recovery did, and stands at the same place.
    assert_eq!(engine.snapshot_now_blocking().unwrap().unwrap().seq, 30);
}

#[test]
fn a_start_continues_from_the_newest_snapshot() {
    let disk = MemoryStorage::new();
    let world = thirty_members_and_two_snapshots(&disk);
    assert!(
        replayed(&disk) == world,
        "a full replay gives another world"
    );
    let expected = Recovered {
        snapshot_seq: Some(20),
        replayed: 10,
        head: 30,
    };
    check_start(&disk, expected, &world);
    let expected = Recovered {
        snapshot_seq: Some(30),
        replayed: 0,
        head: 30,
    };
    let (engine, _threads) = start_with_snapshots(&disk);
    assert_eq!(engine.recovered(), expected);
    assert_eq!(engine.snapshot_now_blocking().unwrap(), None);
}

#[test]
fn a_damaged_snapshot_is_passed_over_for_the_one_before() {
    let disk = MemoryStorage::new();
    let world = thirty_members_and_two_snapshots(&disk);
    assert!(disk.faults().flip_snapshot_byte(20, 100));
    let expected = Recovered {
        snapshot_seq: Some(10),
        replayed: 20,
        head: 30,
    };
    check_start(&disk, expected, &world);
}

#[test]
fn without_a_usable_snapshot_the_whole_journal_is_replayed() {
    let disk = MemoryStorage::new();
    let world = thirty_members_and_two_snapshots(&disk);
    assert!(disk.faults().flip_snapshot_byte(10, 100));
    assert!(disk.faults().flip_snapshot_byte(20, 100));
    let expected = Recovered {
        snapshot_seq: None,
        replayed: 30,
        head: 30,
    };
    check_start(&disk, expected, &world);
}

#[test]
fn a_snapshot_that_holds_no_world_is_passed_over() {
    let disk = MemoryStorage::new();
    let world = thirty_members_and_two_snapshots(&disk);
    let journal = memory(&disk);
    let at = journal.head().mark();
    journal
        .write_snapshot(at, &mut |out| out.write_all(b"of another kind"))
        .unwrap();
    drop(journal);
    let (engine, _threads) = Engine::start(config(memory(&disk))).unwrap();
    assert_eq!(
        engine.recovered(),
        Recovered {
            snapshot_seq: None,
            replayed: 30,
            head: 30
        }
    );
    assert!(engine.query_blocking(World::to_snapshot).unwrap().0 == world);
}
