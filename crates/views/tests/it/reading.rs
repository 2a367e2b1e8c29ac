//! Pages and filters.

use domain::*;
use views::*;

use crate::kit::*;

fn many_groups() -> Shop {
    let mut shop = Shop::opened(6, e0());
    for _ in 0..23 {
        shop.open(0);
    }
    shop
}

/// All pages of a list, as its ids.
async fn pages<F, R>(rows: u32, mut list: F) -> Vec<Vec<u64>>
where
    F: FnMut(Page) -> R,
    R: Future<Output = (Vec<u64>, Option<Cursor>)>,
{
    let mut pages = Vec::new();
    let mut after = None;
    loop {
        let (ids, next) = list(Page::new(after, rows)).await;
        pages.push(ids);
        match next {
            // What a client sends back is the text.
            Some(cursor) => after = Some(cursor.to_string().parse().unwrap()),
            None => return pages,
        }
    }
}

async fn group_page(views: &Views, filter: GroupFilter, page: Page) -> (Vec<u64>, Option<Cursor>) {
    let list = views.groups(filter, page).await.unwrap().value;
    (list.items.iter().map(|row| row.id.0).collect(), list.next)
}

#[tokio::test]
async fn pages_join_without_gap_or_repeat() {
    let shop = many_groups();
    let desk = Desk::of(&shop, 1_000).await;
    let all: Vec<u64> = (0..23).rev().collect();
    for rows in [1, 7, 22, 23, 24, 100] {
        let found = pages(rows, |page| {
            group_page(&desk.views, GroupFilter::default(), page)
        })
        .await;
        assert_eq!(found.concat(), all, "{rows} a page");
        assert!(found.iter().all(|page| !page.is_empty()));
    }
    let members = pages(4, |page| {
        let views = &desk.views;
        async move {
            let list = views.members(page).await.unwrap().value;
            (
                list.items.iter().map(|row| u64::from(row.id.0)).collect(),
                list.next,
            )
        }
    })
    .await;
    assert_eq!(members.concat(), [0, 1, 2, 3, 4, 5]);
    let mine = pages(5, |page| {
        let views = &desk.views;
        async move {
            let list = views.member_groups(MemberId(0), page).await.unwrap().value;
            (
                list.items.iter().map(|row| row.group.id.0).collect(),
                list.next,
            )
        }
    })
    .await;
    assert_eq!(mine.concat(), all);
    let lines = pages(6, |page| {
        let views = &desk.views;
        async move {
            let list = views
                .wallet_lines(MemberId(0), WalletAccount::InGroups, page)
                .await
                .unwrap()
                .value;
            (
                list.items
                    .iter()
                    .map(|row| u64::try_from(row.balance).unwrap())
                    .collect(),
                list.next,
            )
        }
    })
    .await;
    assert_eq!(
        lines.concat(),
        (1..=23)
            .rev()
            .map(|seats| seats * 10_000)
            .collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn pages_stay_stable_while_rows_are_added() {
    let mut shop = many_groups();
    let mut desk = Desk::of(&shop, 1_000).await;
    let (first, next) = group_page(&desk.views, GroupFilter::default(), Page::new(None, 10)).await;
    let before = shop.records.len();
    shop.open(1);
    let records = shop.numbered();
    desk.projector
        .apply(&records[before..], None)
        .await
        .unwrap();
    let (second, _) = group_page(&desk.views, GroupFilter::default(), Page::new(next, 10)).await;
    assert_eq!(
        [first, second].concat(),
        (3..23).rev().collect::<Vec<u64>>()
    );
}

#[tokio::test]
async fn filters_pick_what_they_name() {
    let shop = crate::story::story();
    let desk = Desk::of(&shop, 1_000).await;
    for (state, ids) in [
        (GroupState::Open, vec![5]),
        (GroupState::Full, vec![]),
        (GroupState::Settled, vec![0]),
        (GroupState::Expired, vec![1]),
        (GroupState::Cancelled, vec![3, 2]),
        (GroupState::Void, vec![4]),
    ] {
        let filter = GroupFilter {
            campaign: Some(CampaignId(0)),
            state: Some(state),
        };
        assert_eq!(group_page(&desk.views, filter, Page::first()).await.0, ids);
        assert_eq!(group_state(state.name()), Some(state));
    }
    let other = GroupFilter {
        campaign: Some(CampaignId(1)),
        state: None,
    };
    assert_eq!(
        group_page(&desk.views, other, Page::first()).await.0,
        Vec::<u64>::new()
    );
    let kept = desk
        .views
        .orders(Some(OrderStatus::Kept), Page::first())
        .await
        .unwrap()
        .value
        .items;
    assert_eq!(kept.len(), 1);
    assert_eq!(
        desk.views
            .orders(Some(OrderStatus::Paid), Page::first())
            .await
            .unwrap()
            .value
            .items,
        []
    );
    assert_eq!(
        desk.views
            .orders(None, Page::first())
            .await
            .unwrap()
            .value
            .items,
        kept
    );
}

#[tokio::test]
async fn the_ledger_and_its_filters() {
    let shop = crate::story::story();
    let desk = Desk::of(&shop, 1_000).await;
    let views = &desk.views;
    let lines = views
        .ledger(&LedgerFilter::default(), Page::new(None, 100))
        .await
        .unwrap()
        .value;
    assert_eq!(lines.items.len(), 100);
    let keys: Vec<(u64, u32)> = lines
        .items
        .iter()
        .map(|line| (line.seq, line.line_no))
        .collect();
    assert!(keys.windows(2).all(|pair| pair[1] < pair[0]));
    let filter = LedgerFilter {
        account: Some("available".to_owned()),
        holder: Some(1),
    };
    let mine = views
        .ledger(&filter, Page::first())
        .await
        .unwrap()
        .value
        .items;
    assert!(
        !mine.is_empty()
            && mine
                .iter()
                .all(|line| line.account == "available" && line.holder == Some(1))
    );
    let balance = views
        .balance(Account::Available(MemberId(1)))
        .await
        .unwrap()
        .value;
    assert_eq!(mine.iter().map(|line| line.amount).sum::<i64>(), balance);
    let trial = views.trial_balance().await.unwrap();
    assert_eq!(trial.seq, u64::try_from(shop.records.len()).unwrap());
    assert_eq!(trial.value[0].account, "channel");
    for asset in [Asset::Cny, Asset::Coin] {
        let sum: i64 = trial
            .value
            .iter()
            .filter(|row| row.asset == asset)
            .map(|row| row.amount)
            .sum();
        assert_eq!(sum, 0);
    }
    for row in shop.world.trial_balance() {
        let found = trial
            .value
            .iter()
            .find(|found| found.account == row.account)
            .map_or(0, |found| found.amount);
        assert_eq!(found, row.amount, "{}", row.account);
    }
    let available = trial.value.iter().find(|row| row.account == "available");
    let owed_by_members = shop.world.books().owed_by_members;
    assert!(owed_by_members.is_positive());
    assert_eq!(available.unwrap().above, owed_by_members.0);
}

#[tokio::test]
async fn what_is_not_there_is_none() {
    let desk = Desk::new().await;
    let views = &desk.views;
    let payment = PaymentId {
        group: GroupId(0),
        index: 0,
    };
    assert_eq!(
        views.campaign(CampaignId(0)).await.unwrap(),
        At {
            seq: 0,
            value: None
        }
    );
    assert_eq!(views.group(GroupId(0)).await.unwrap().value, None);
    assert_eq!(
        views.group_detail(GroupId(u64::MAX)).await.unwrap().value,
        None
    );
    assert_eq!(views.payment(payment).await.unwrap().value, None);
    assert_eq!(views.seat(payment).await.unwrap().value, None);
    assert_eq!(views.member(MemberId(u32::MAX)).await.unwrap().value, None);
    assert_eq!(views.order(OrderId(0)).await.unwrap().value, None);
    assert_eq!(views.refund(RefundId(0)).await.unwrap().value, None);
    assert_eq!(views.draw(GroupId(0)).await.unwrap().value, None);
    assert_eq!(
        views.seats_of(GroupId(0), MemberId(0)).await.unwrap().value,
        []
    );
    assert_eq!(views.trial_balance().await.unwrap().value, []);
    assert_eq!(views.counts().await.unwrap().value, Counts::default());
}
