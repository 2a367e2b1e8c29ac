//! The files of draws are those that the draw's own code makes and reads.

use domain::*;
use views::*;

use crate::kit::*;

async fn file(desk: &Desk, group: GroupId, file: DrawFile) -> Option<Vec<u8>> {
    desk.views.draw_file(group, file).await.unwrap().value
}

#[tokio::test]
async fn a_draw_can_be_computed_again_from_its_files() {
    let mut shop = Shop::opened(6, e0());
    let group = shop.fill(&[0, 1, 2, 3, 4]);
    let outcome = shop.outcome(group);
    let desk = Desk::of(&shop, 100).await;
    let draw = desk.views.draw(group).await.unwrap().value.unwrap();
    assert_eq!(
        (draw.state, draw.round),
        (DrawStatus::Waiting, Some(outcome.round()))
    );
    assert_eq!(draw.round_time, Some(GENESIS_S + 3 * (outcome.round() - 1)));
    assert_eq!(file(&desk, group, DrawFile::Result).await, None);

    shop.wait(10);
    shop.settle(group);
    let desk = Desk::of(&shop, 100).await;
    let open = draw::Open::parse(&file(&desk, group, DrawFile::Open).await.unwrap()).unwrap();
    let seats = draw::Seats::parse(&file(&desk, group, DrawFile::Seats).await.unwrap()).unwrap();
    let freeze = draw::Freeze::parse(&file(&desk, group, DrawFile::Freeze).await.unwrap()).unwrap();
    assert_eq!((freeze.open, freeze.seats), (open.hash(), seats.hash()));
    assert_eq!(
        file(&desk, group, DrawFile::Result).await,
        Some(outcome.result_bytes())
    );
    assert_eq!(file(&desk, group, DrawFile::Void).await, None);
    let draw = desk.views.draw(group).await.unwrap().value.unwrap();
    assert_eq!(draw.state, DrawStatus::Drawn);
    assert_eq!(
        (draw.open, draw.seats, draw.freeze),
        (open.hash(), Some(seats.hash()), Some(freeze.hash()))
    );
    assert_eq!(draw.result, Some(outcome.result().hash()));
    assert_eq!(draw.signature.as_ref(), Some(outcome.signature()));
    assert_eq!(
        (draw.seed, draw.winners.as_deref()),
        (Some(outcome.seed()), Some(outcome.winners()))
    );
    let drawn = desk
        .views
        .draws(DrawStatus::Drawn, Page::first())
        .await
        .unwrap()
        .value
        .items;
    assert_eq!(drawn, [draw]);
}

#[tokio::test]
async fn the_published_file_names_the_group() {
    let mut shop = Shop::opened(6, e0());
    let group = shop.open(0);
    let desk = Desk::of(&shop, 100).await;
    let text = desk
        .views
        .published_file(CampaignId(0))
        .await
        .unwrap()
        .value
        .unwrap();
    assert_eq!(text, published_file(&e0()));
    let campaign = desk
        .views
        .campaign(CampaignId(0))
        .await
        .unwrap()
        .value
        .unwrap();
    assert_eq!(
        (campaign.hash, campaign.open_groups),
        (draw::hash(text.as_bytes()), 1)
    );
    assert_eq!(campaign.terms, e0());
    let open = draw::Open::parse(&file(&desk, group, DrawFile::Open).await.unwrap()).unwrap();
    assert_eq!(open.group, group_ident(group, &campaign.hash).unwrap());
    assert_eq!(
        desk.views
            .published_file(CampaignId(1))
            .await
            .unwrap()
            .value,
        None
    );
}

#[tokio::test]
async fn groups_without_a_draw_say_why() {
    let shop = crate::story::story();
    let desk = Desk::of(&shop, 100).await;
    for (group, of_freeze, reason) in [
        (1, false, draw::VoidReason::NotFull),
        (2, false, draw::VoidReason::Cancelled),
        (3, false, draw::VoidReason::Cancelled),
        (4, true, draw::VoidReason::Timeout),
    ] {
        let group = GroupId(group);
        let row = desk.views.draw(group).await.unwrap().value.unwrap();
        let bytes = file(&desk, group, DrawFile::Void).await.unwrap();
        let void = draw::Void::parse(&bytes).unwrap();
        assert_eq!(
            (void.of, void.reason),
            (
                if of_freeze {
                    row.freeze.unwrap()
                } else {
                    row.open
                },
                reason
            )
        );
        assert_eq!((row.state, row.void), (DrawStatus::Void, Some(void.hash())));
    }
}

#[tokio::test]
async fn a_freeze_that_is_not_the_journals_is_a_loud_fault() {
    let mut shop = Shop::opened(6, e0());
    shop.fill(&[0, 1, 2, 3, 4]);
    let mut records = shop.numbered();
    let (_, last) = records.last_mut().unwrap();
    for event in &mut last.events {
        if let Event::PaymentAccepted { tag, .. } = event {
            tag[0] ^= 1;
        }
    }
    let mut desk = Desk::new().await;
    let (last, before) = records.split_last().unwrap();
    desk.projector.apply(before, None).await.unwrap();
    let error = desk
        .projector
        .apply(std::slice::from_ref(last), None)
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            ProjectError::FreezeDiffers {
                group: GroupId(0),
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(file(&desk, GroupId(0), DrawFile::Seats).await, None);
    assert_eq!(
        desk.projector.applied(),
        u64::try_from(before.len()).unwrap()
    );
}
