//! Opening views that are there already, and losing the process in the middle of a batch.

use std::future::Future;
use std::task::{Context, Poll};

use domain::*;
use views::*;

use crate::kit::*;

async fn reopened(desk: Desk, journal: JournalId) -> (Projector, Desk) {
    let place = Place::from(desk.path.as_path());
    desk.views.close().await;
    let projector = Projector::open(&place, &journal).await.unwrap();
    (projector, desk)
}

#[tokio::test]
async fn views_go_on_where_they_stood() {
    let shop = crate::story::story();
    let records = shop.numbered();
    let mut desk = Desk::new().await;
    desk.projector
        .apply(&records[..20], Some([9; 32]))
        .await
        .unwrap();
    let (mut projector, desk) = reopened(desk, JOURNAL).await;
    assert_eq!(
        (projector.applied(), projector.mark()),
        (20, Some((20, [9; 32])))
    );
    projector.apply(&records[20..], None).await.unwrap();
    assert_eq!(projector.mark(), Some((20, [9; 32])));
    let views = Views::open(&Place::from(desk.path.as_path()), projector.progress())
        .await
        .unwrap();
    assert_eq!(compare(&views, &shop.world).await.unwrap(), Vec::new());
}

#[tokio::test]
async fn views_of_something_else_are_made_again() {
    let shop = crate::story::story();
    let records = u64::try_from(shop.records.len()).unwrap();
    for (journal, sql, applied) in [
        (JOURNAL, "SELECT 1", records),
        (
            JournalId {
                head_seq: records,
                ..JOURNAL
            },
            "SELECT 1",
            records,
        ),
        (
            JournalId {
                head_seq: records - 1,
                ..JOURNAL
            },
            "SELECT 1",
            0,
        ),
        (
            JournalId {
                first_batch: Some([2; 32]),
                ..JOURNAL
            },
            "SELECT 1",
            0,
        ),
        (
            JournalId {
                first_batch: None,
                head_seq: 0,
            },
            "SELECT 1",
            0,
        ),
        (
            JOURNAL,
            "UPDATE meta SET schema_version = schema_version + 1",
            0,
        ),
        (JOURNAL, "ALTER TABLE meta DROP COLUMN mark_hash", 0),
        (JOURNAL, "DROP TABLE meta", 0),
        (JOURNAL, "DELETE FROM meta", 0),
    ] {
        let desk = Desk::of(&shop, 1_000).await;
        tamper(&desk.path, sql).await;
        let (mut projector, desk) = reopened(desk, journal).await;
        assert_eq!(projector.applied(), applied, "{journal:?} {sql}");
        if applied == 0 {
            assert_eq!(number(&desk.path, "SELECT COUNT(*) FROM member").await, 0);
            projector.apply(&shop.numbered(), None).await.unwrap();
        }
        assert_eq!(number(&desk.path, "SELECT COUNT(*) FROM member").await, 8);
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("views.db");
    std::fs::write(
        &path,
        "this is no database, but it is long enough to be looked at\n".repeat(40),
    )
    .unwrap();
    let projector = Projector::open(&Place::from(path.as_path()), &JOURNAL)
        .await
        .unwrap();
    assert_eq!(projector.applied(), 0);
}

#[tokio::test]
async fn the_first_batch_is_noted_once_there_is_one() {
    let dir = tempfile::tempdir().unwrap();
    let place = Place::from(dir.path().join("views.db").as_path());
    let empty = JournalId {
        first_batch: None,
        head_seq: 0,
    };
    let mut projector = Projector::open(&place, &empty).await.unwrap();
    let shop = Shop::opened(1, e0());
    projector.apply(&shop.numbered(), None).await.unwrap();
    projector.close().await;
    let projector = Projector::open(&place, &JOURNAL).await.unwrap();
    assert_eq!(projector.applied(), 3);
    projector.close().await;
    let other = JournalId {
        first_batch: Some([3; 32]),
        ..JOURNAL
    };
    assert_eq!(Projector::open(&place, &other).await.unwrap().applied(), 0);
}

#[tokio::test]
async fn records_out_of_order_are_refused() {
    let shop = crate::story::story();
    let records = shop.numbered();
    let mut desk = Desk::new().await;
    desk.projector.apply(&records[..10], None).await.unwrap();
    let gap = [records[10].clone(), records[12].clone()];
    for (wrong, expected, found) in [
        (&records[9..11], 11, 10),
        (&records[0..1], 11, 1),
        (&records[11..12], 11, 12),
        (&gap[..], 12, 13),
    ] {
        match desk.projector.apply(wrong, None).await {
            Err(ProjectError::WrongSequence {
                expected: wanted,
                found: got,
            }) => {
                assert_eq!((wanted, got), (expected, found));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(desk.projector.applied(), 10);
    }
    desk.projector.apply(&[], None).await.unwrap();
    desk.projector.apply(&records[10..], None).await.unwrap();
    desk.agrees(&shop.world).await;
}

/// Drops a batch after more and more of its steps: all of it is there or nothing, and the next try goes on from
/// what is.
#[tokio::test]
async fn a_batch_that_is_dropped_half_way_is_there_or_is_not() {
    let shop = crate::story::story();
    let records = shop.numbered();
    let (first, rest) = records.split_at(30);
    let whole = Desk::of(&shop, 1_000).await.dump().await;
    let mut dropped = 0;
    // One step more, then more and more: a batch of this size takes some dozens.
    for steps in std::iter::successors(Some(0usize), |steps| Some(steps + 1 + steps / 4)) {
        let mut desk = Desk::new().await;
        desk.projector.apply(first, None).await.unwrap();
        let before = desk.dump().await;
        let mut batch = Box::pin(desk.projector.apply(rest, None));
        let mut finished = false;
        for _ in 0..steps {
            let step =
                |context: &mut Context<'_>| Poll::Ready(batch.as_mut().poll(context).is_ready());
            finished = std::future::poll_fn(step).await;
            if finished {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(batch);
        if !finished {
            dropped += 1;
            let left = desk.dump().await;
            assert!(
                left == before || left == whole,
                "a part of the batch is there after {steps} steps"
            );
            match desk.projector.apply(rest, None).await {
                Ok(()) => {}
                Err(ProjectError::WrongSequence { .. }) => assert!(left == whole),
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!(desk.dump().await, whole);
        assert_eq!(
            desk.projector.applied(),
            u64::try_from(records.len()).unwrap()
        );
        if finished || 200 < steps {
            break;
        }
    }
    assert!(2 < dropped, "the batch was never dropped half way");
}

/// Somebody else has written the views meanwhile: nothing is written twice.
#[tokio::test]
async fn two_projectors_do_not_write_the_same_records() {
    let shop = crate::story::story();
    let records = shop.numbered();
    let mut desk = Desk::new().await;
    let mut other = Projector::open(&Place::from(desk.path.as_path()), &JOURNAL)
        .await
        .unwrap();
    desk.projector.apply(&records[..40], None).await.unwrap();
    let refused = other.apply(&records[..10], None).await;
    assert!(matches!(
        refused,
        Err(ProjectError::WrongSequence {
            expected: 41,
            found: 1
        })
    ));
    assert_eq!((other.applied(), *other.progress().borrow()), (40, 40));
    other.apply(&records[40..], None).await.unwrap();
    desk.agrees(&shop.world).await;
}

#[tokio::test]
async fn an_event_that_does_not_fit_takes_its_whole_batch_with_it() {
    let shop = crate::story::story();
    let mut records = shop.numbered();
    let mut desk = Desk::new().await;
    let good = records.clone();
    let last = records.len() - 1;
    records[last].1.events = vec![Event::SeatLapsed {
        payment: PaymentId {
            group: GroupId(99),
            index: 0,
        },
    }];
    assert!(desk.projector.apply(&records, None).await.is_err());
    assert_eq!(number(&desk.path, "SELECT COUNT(*) FROM member").await, 0);
    assert_eq!(desk.views.counts().await.unwrap().seq, 0);
    desk.projector.apply(&good, None).await.unwrap();
    desk.agrees(&shop.world).await;
}
