//! Where a member's money is while it goes back, told the same by his seats, his payments and his wallet.

use std::collections::BTreeMap;

use domain::*;
use views::*;

use crate::kit::*;
use crate::story::story;

/// A seat's state as told, its payment's, and why its money goes back.
type Told = (&'static str, &'static str, Option<&'static str>);

fn told(seat: &SeatRow) -> Told {
    let reason = seat.back_for().map(RefundReason::name);
    (seat.told(), seat.payment_status().name(), reason)
}

/// What a member is told of his seats, from every place that tells it.
async fn seats(views: &Views, member: u32) -> BTreeMap<String, Told> {
    let member = MemberId(member);
    let rows = views.member_groups(member, Page::new(None, 100)).await;
    let mut seats = BTreeMap::new();
    for row in rows.unwrap().value.items {
        let (id, told_here) = (row.seat.payment, told(&row.seat));
        let alone = views.seat(id).await.unwrap().value.unwrap();
        assert_eq!(alone, row.seat, "seat {id}");
        let among = views.seats_of(id.group, member).await.unwrap().value;
        assert!(among.contains(&row.seat), "seat {id}: {among:?}");
        let shown = views.group_detail(id.group).await.unwrap().value.unwrap();
        for seat in shown.seats.iter().filter(|seat| seat.payment == id) {
            assert_eq!(*seat, row.seat, "seat {id}");
        }
        let payment = views.payment(id).await.unwrap().value.unwrap();
        assert_eq!(payment.state, row.seat.payment_status(), "payment {id}");
        seats.insert(id.to_string(), told_here);
    }
    seats
}

/// What a member has on its way back: the sum, and amount, group and reason of each.
async fn due(views: &Views, member: u32) -> (i64, Vec<(i64, Option<u64>, &'static str)>) {
    let member = MemberId(member);
    let found = views.member_refunds(member, Page::new(None, 100)).await;
    let found = found.unwrap().value;
    let alone = views.member_refunds_total(member).await.unwrap().value;
    let row = views.member(member).await.unwrap().value.unwrap();
    assert_eq!((found.total, found.total), (alone, row.refunds_due));
    let items = found.refunds.items.iter().map(|row| {
        assert_eq!(row.refund.paid_at, None);
        assert_eq!(row.name.is_some(), row.group.is_some());
        let group = row.group.map(|group| group.0);
        (row.refund.amount.0, group, row.refund.reason.name())
    });
    (found.total.0, items.collect())
}

#[tokio::test]
async fn a_seat_that_was_left_is_refunded_when_the_channel_has_confirmed_it() {
    let mut shop = Shop::opened(4, e0());
    let group = shop.open(0);
    let left = shop.seat(group, 1, None).to_string();
    shop.must(Command::LeaveGroup {
        group,
        member: MemberId(1),
    });
    let desk = Desk::of(&shop, 3).await;
    let views = &desk.views;
    let on_its_way = ("refund_due", "refund_due", Some("left"));
    assert_eq!(
        seats(views, 1).await,
        BTreeMap::from([(left.clone(), on_its_way)])
    );
    assert_eq!(
        due(views, 1).await,
        (10_000, vec![(10_000, Some(0), "left")])
    );
    assert_eq!(due(views, 0).await, (0, Vec::new()), "nobody else's");

    shop.refund(1);
    let desk = Desk::of(&shop, 3).await;
    let back = ("refunded", "refunded", Some("left"));
    assert_eq!(seats(&desk.views, 1).await, BTreeMap::from([(left, back)]));
    assert_eq!(due(&desk.views, 1).await, (0, Vec::new()));
    desk.agrees(&shop.world).await;
}

#[tokio::test]
async fn a_seat_that_lost_says_that_its_price_is_on_its_way() {
    let mut shop = Shop::opened(6, e0());
    let group = shop.fill(&[0, 1, 2, 3, 4]);
    shop.wait(6);
    let settled = shop.settle(group);
    let loser = settled.seats.iter().zip(0u32..);
    let loser = loser
        .filter(|(_, number)| !settled.winners.contains(number))
        .map(|(seat, _)| seat.member.0)
        .next()
        .unwrap();
    for (confirmed, standing) in [(0, "refund_due"), (4, "refunded")] {
        shop.refund(confirmed);
        let desk = Desk::of(&shop, 50).await;
        let mine = seats(&desk.views, loser).await;
        let expected = ("lost", standing, Some("lost"));
        assert_eq!(mine.into_values().collect::<Vec<_>>(), [expected]);
        let expected = if confirmed == 0 { 10_000 } else { 0 };
        assert_eq!(due(&desk.views, loser).await.0, expected);
    }
}

#[tokio::test]
async fn money_that_came_too_late_for_a_lapsed_place_is_shown_until_all_of_it_is_back() {
    let mut shop = Shop::opened(6, e0());
    let group = shop.open(0);
    let late = shop.reserve(group, 1, None);
    shop.wait(301);
    shop.ticks();
    for member in 2..6 {
        shop.seat(group, member, None);
    }
    let price = Money(10_000);
    shop.pay_as(late, "a", price).unwrap();
    shop.pay_as(late, "b", price).unwrap();
    let name = late.to_string();
    let desk = Desk::of(&shop, 50).await;
    let mine = seats(&desk.views, 1).await;
    let on_its_way = ("lapsed", "refund_due", Some("group_full"));
    assert_eq!(mine, BTreeMap::from([(name.clone(), on_its_way)]));
    let both = vec![(10_000, Some(0), "group_full"); 2];
    assert_eq!(due(&desk.views, 1).await, (20_000, both));

    // The later one is back first: the other is still on its way.
    let refund = shop.world.pending_refunds(None, 2)[1].refund;
    shop.must(Command::ConfirmRefund { refund });
    let desk = Desk::of(&shop, 50).await;
    let mine = seats(&desk.views, 1).await;
    assert_eq!(mine, BTreeMap::from([(name.clone(), on_its_way)]));
    assert_eq!(due(&desk.views, 1).await.0, 10_000);

    shop.refund(1);
    let desk = Desk::of(&shop, 50).await;
    let mine = seats(&desk.views, 1).await;
    let back = ("lapsed", "refunded", Some("group_full"));
    assert_eq!(mine, BTreeMap::from([(name, back)]));
    assert_eq!(due(&desk.views, 1).await, (0, Vec::new()));
}

#[tokio::test]
async fn everybodys_money_on_its_way_is_all_there_is_but_what_is_nobodys() {
    let shop = story();
    let desk = Desk::of(&shop, 50).await;
    let all = desk.views.refunds_due(Page::new(None, 100)).await;
    let all = all.unwrap().value.items;
    let mut owners = 0;
    for member in 0..8 {
        seats(&desk.views, member).await;
        let his = all
            .iter()
            .filter(|row| row.member == Some(MemberId(member)));
        let his: Vec<i64> = his.map(|row| row.amount.0).collect();
        let (total, items) = due(&desk.views, member).await;
        assert_eq!(total, his.iter().sum::<i64>(), "member {member}");
        let amounts: Vec<i64> = items.iter().map(|(amount, _, _)| *amount).collect();
        assert_eq!(amounts, his, "member {member}");
        owners += his.len();
    }
    let nobodys = all.iter().filter(|row| row.member.is_none());
    let nobodys: Vec<&str> = nobodys.map(|row| row.txn.as_str()).collect();
    assert_eq!((nobodys, owners + 1), (vec!["stray"], all.len()));
    // A payment of a gateway's member that named a group and no reservation of it is his all the same.
    let (_, items) = due(&desk.views, 7).await;
    assert!(items.contains(&(3, Some(5), "amount_differs")), "{items:?}");
}

#[tokio::test]
async fn a_members_refunds_come_in_pages_and_the_sum_is_of_all() {
    let mut shop = Shop::opened(3, e0());
    for _ in 0..5 {
        let group = shop.open(1);
        shop.must(Command::CancelGroup { group });
    }
    let desk = Desk::of(&shop, 50).await;
    let (mut page, mut groups) = (Page::new(None, 2), Vec::new());
    loop {
        let found = desk.views.member_refunds(MemberId(1), page).await;
        let found = found.unwrap().value;
        assert_eq!(found.total, Money(50_000));
        groups.extend(found.refunds.items.iter().map(|row| row.group));
        match found.refunds.next {
            Some(next) => page = Page::new(Some(next), 2),
            None => break,
        }
    }
    assert_eq!(groups, [0, 1, 2, 3, 4].map(|group| Some(GroupId(group))));
}
