//! Following a source, and waiting for it.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use domain::Record;
use views::*;

use crate::kit::*;

#[tokio::test]
async fn the_follower_takes_what_the_source_gives() {
    let shop = crate::story::story();
    let mut desk = Desk::new().await;
    let mut chunks: VecDeque<Vec<(u64, Record)>> =
        shop.numbered().chunks(9).map(<[_]>::to_vec).collect();
    let mut asked = Vec::new();
    follow(&mut desk.projector, |next| {
        asked.push(next);
        let chunk = chunks.pop_front().map(|records| Chunk {
            records,
            hash: Some([4; 32]),
        });
        async move { Ok::<_, Infallible>(chunk) }
    })
    .await
    .unwrap();
    let head = u64::try_from(shop.records.len()).unwrap();
    assert_eq!(
        (asked[0], asked[1], *asked.last().unwrap()),
        (1, 10, head + 1)
    );
    assert_eq!(desk.projector.mark(), Some((head, [4; 32])));
    assert_eq!(desk.views.applied(), head);
    desk.agrees(&shop.world).await;
}

#[tokio::test]
async fn the_follower_stops_where_the_source_fails_or_skips() {
    #[derive(Debug, thiserror::Error)]
    #[error("the disk is gone")]
    struct Gone;
    let shop = crate::story::story();
    let mut desk = Desk::new().await;
    let failed = follow(&mut desk.projector, |_| async {
        Err::<Option<Chunk>, _>(Gone)
    })
    .await;
    assert!(matches!(failed, Err(FollowError::Source(Gone))));
    let skipped = shop.numbered().split_off(1);
    let failed = follow(&mut desk.projector, |_| {
        let chunk = Chunk {
            records: skipped.clone(),
            hash: None,
        };
        async move { Ok::<_, Infallible>(Some(chunk)) }
    })
    .await;
    assert!(matches!(
        failed,
        Err(FollowError::Project(ProjectError::WrongSequence {
            expected: 1,
            found: 2
        }))
    ));
}

#[tokio::test]
async fn a_read_waits_until_the_views_are_there() {
    let shop = crate::story::story();
    let records = shop.numbered();
    let mut desk = Desk::new().await;
    assert_eq!(desk.views.at_least(0, Duration::ZERO).await, Ok(0));
    desk.projector.apply(&records[..5], None).await.unwrap();
    assert_eq!(desk.views.at_least(5, Duration::ZERO).await, Ok(5));

    let views = desk.views.clone();
    let (ready, is_ready) = tokio::sync::oneshot::channel();
    let waiting = tokio::spawn(async move {
        let mut reached = Box::pin(views.at_least(12, Duration::from_secs(60)));
        // Poll once, so that it waits before anything else is applied.
        let early = tokio::select! { biased; reached = &mut reached => Some(reached), () = async {} => None };
        ready.send(early.is_none()).unwrap();
        reached.await
    });
    assert!(is_ready.await.unwrap());
    desk.projector.apply(&records[5..10], None).await.unwrap();
    desk.projector.apply(&records[10..15], None).await.unwrap();
    assert_eq!(waiting.await.unwrap(), Ok(15));
    assert_eq!(desk.views.counts().await.unwrap().seq, 15);

    let wait = Duration::from_millis(5);
    let behind = desk.views.at_least(16, wait).await;
    assert_eq!(
        behind,
        Err(Behind {
            wanted: 16,
            applied: 15,
            waited: wait
        })
    );
    drop(desk.projector);
    // With the projector gone nobody waits in vain.
    let behind = desk.views.at_least(16, Duration::from_secs(60)).await;
    assert_eq!(behind.unwrap_err().applied, 15);
}
