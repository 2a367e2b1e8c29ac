//! What becomes of views whose files are deleted, replaced or cut while they are open.

use std::path::{Path, PathBuf};

use views::*;

use crate::kit::*;

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn delete_all(path: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        std::fs::remove_file(beside(path, suffix)).unwrap();
    }
}

fn replace(path: &Path) {
    std::fs::remove_file(path).unwrap();
    std::fs::write(path, "").unwrap();
}

fn cut(path: &Path) {
    let file = std::fs::File::options().write(true).open(path).unwrap();
    file.set_len(8192).unwrap();
}

fn delete_log(path: &Path) {
    std::fs::remove_file(beside(path, "-wal")).unwrap();
}

/// Views of a story, whose rows stand in the file itself.
async fn settled(shop: &Shop) -> Desk {
    let mut desk = Desk::of(shop, 1_000).await;
    assert_eq!(desk.projector.lost(), None);
    desk.projector.apply(&[], None).await.unwrap();
    number(&desk.path, "PRAGMA wal_checkpoint(TRUNCATE)").await;
    assert_eq!(desk.projector.lost(), None);
    desk
}

#[tokio::test]
async fn lost_views_are_noticed_and_made_again_under_the_readers() {
    let shop = crate::story::story();
    for (harm, why) in [
        (delete_all as fn(&Path), "the file is gone"),
        (replace, "another file is in its place"),
        (cut, "the file was cut"),
        (delete_log, "the file beside it that ends in -wal is gone"),
    ] {
        let mut desk = settled(&shop).await;
        harm(&desk.path);
        assert_eq!(desk.projector.lost(), Some(why));

        desk.projector.rebuild().await.unwrap();
        assert_eq!(
            (desk.projector.lost(), desk.views.applied()),
            (None, 0),
            "{why}"
        );
        let records = shop.numbered();
        desk.projector.apply(&records[..9], None).await.unwrap();
        assert_eq!(desk.views.counts().await.unwrap().seq, 9, "{why}");
        desk.projector.apply(&records[9..], None).await.unwrap();
        desk.agrees(&shop.world).await;
        // The readers that were open before are gone by now, and took nothing of the new file with them.
        assert_eq!(desk.projector.lost(), None, "{why}");
        desk.projector.close().await;
        let place = Place::from(desk.path.as_path());
        let again = Projector::open(&place, &JOURNAL).await.unwrap();
        assert_eq!(
            again.applied(),
            u64::try_from(records.len()).unwrap(),
            "{why}"
        );
    }
}

#[tokio::test]
async fn views_that_are_gone_answer_until_there_are_others() {
    let shop = crate::story::story();
    let desk = settled(&shop).await;
    let stood = desk.projector.applied();
    delete_all(&desk.path);
    // Every reader of the pool, opened before or not, sees what was there.
    let counts: Vec<_> = (0..8)
        .map(|_| {
            let views = desk.views.clone();
            tokio::spawn(async move { views.counts().await })
        })
        .collect();
    for answer in counts {
        assert_eq!(answer.await.unwrap().unwrap().seq, stood);
    }
    assert!(!desk.path.exists(), "a reader made an empty file");
}

#[tokio::test]
async fn what_is_taken_is_seen_when_it_is_committed() {
    let shop = crate::story::story();
    let records = shop.numbered();
    let mut desk = Desk::new().await;
    desk.projector.apply(&records[..5], None).await.unwrap();
    for record in records[5..].chunks(7) {
        desk.projector.take(record, None).await.unwrap();
        assert_eq!(desk.projector.taken(), record.last().unwrap().0);
    }
    assert_eq!((desk.views.applied(), desk.projector.applied()), (5, 5));
    assert_eq!(desk.views.counts().await.unwrap().seq, 5);
    desk.projector.commit().await.unwrap();
    desk.agrees(&shop.world).await;
    assert_eq!(desk.views.counts().await.unwrap().seq, records.len() as u64);
    let rows = desk.dump().await;
    assert_eq!(rows, Desk::of(&shop, 1_000).await.dump().await);

    // What does not fit takes what was taken before it with it.
    let mut desk = Desk::of(&shop, 1_000).await;
    let mut more = crate::story::story();
    more.member(None);
    more.member(None);
    let new = more.numbered().split_off(records.len());
    desk.projector.take(&new[..1], None).await.unwrap();
    let refused = desk.projector.take(&new[..1], None).await;
    assert!(matches!(refused, Err(ProjectError::WrongSequence { .. })));
    assert_eq!(desk.projector.taken(), records.len() as u64);
    desk.projector.apply(&new, None).await.unwrap();
    desk.agrees(&more.world).await;
}
