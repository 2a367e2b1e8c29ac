//! Members' inboxes (rules 9.8).

use std::collections::BTreeMap;

use domain::*;
use views::*;

use crate::kit::*;
use crate::story::story;

/// What the records tell each member, oldest first, with the members that events leave out told by a slow look at the
/// records before.
fn told(shop: &Shop) -> BTreeMap<MemberId, Vec<(u64, u32, NoticeKind, Money)>> {
    let (mut buyers, mut askers) = (BTreeMap::new(), BTreeMap::new());
    let mut purchasers = BTreeMap::new();
    let mut inboxes: BTreeMap<MemberId, Vec<_>> = BTreeMap::new();
    for (seq, record) in shop.numbered() {
        for (event_no, event) in (0u32..).zip(&record.events) {
            match event {
                Event::GroupSettled(settled) => {
                    let orders = (settled.first_order.0..).zip(settled.buyers());
                    buyers.extend(orders.map(|(order, (_, seat))| (OrderId(order), seat.member)));
                }
                Event::WithdrawalRequested {
                    withdrawal,
                    member,
                    amount,
                    ..
                } => {
                    askers.insert(*withdrawal, (*member, *amount));
                }
                Event::Shop(ShopEvent::PurchaseReserved { purchase, of })
                | Event::Recharge(RechargeEvent::UnitGiven { purchase, of, .. }) => {
                    purchasers.insert(*purchase, of.member);
                }
                _ => {}
            }
            notices(event, &mut |notice| {
                let (member, amount) = match notice.to {
                    NoticeTo::Member(member) => (member, notice.amount),
                    NoticeTo::Buyer(order) => (buyers[&order], notice.amount),
                    NoticeTo::Purchaser(purchase) => (purchasers[&purchase], notice.amount),
                    NoticeTo::Asker(withdrawal) => askers[&withdrawal],
                };
                let inbox = inboxes.entry(member).or_default();
                inbox.push((seq, event_no, notice.kind, amount));
            });
        }
    }
    inboxes
}

async fn inbox(desk: &Desk, member: MemberId, rows: u32) -> Vec<NoticeRow> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = desk.views.notices(member, Page::new(after, rows)).await;
        let page = page.unwrap().value;
        found.extend(page.items);
        after = page.next;
        if after.is_none() {
            return found;
        }
    }
}

/// Every inbox holds what the records tell, and connectors find the same, each once and in order.
pub(crate) async fn agree(desk: &Desk, shop: &Shop) {
    let told = told(shop);
    for (&member, expected) in &told {
        let mut found = inbox(desk, member, 100).await;
        assert_eq!(inbox(desk, member, 1).await, found, "by pages of one");
        found.reverse();
        let keys: Vec<_> = found
            .iter()
            .map(|row| (row.seq, row.event_no, row.kind, row.amount))
            .collect();
        assert_eq!(&keys, expected, "member {member}");
        assert!(found.iter().all(|row| row.member == member));
    }
    let mut all: Vec<(u64, u32, MemberId)> = told
        .iter()
        .flat_map(|(&member, inbox)| inbox.iter().map(move |row| (row.0, row.1, member)))
        .collect();
    all.sort_unstable();
    let (mut found, mut after) = (Vec::new(), (0, 0, 0));
    loop {
        let page = desk.views.told_after(after, 3).await.unwrap();
        let Some(last) = page.last() else { break };
        after = (last.seq, last.event_no, last.member.0);
        found.extend(page.iter().map(|row| (row.seq, row.event_no, row.member)));
    }
    assert_eq!(found, all);
}

#[tokio::test]
async fn inboxes_are_what_the_records_tell() {
    let shop = story();
    // Taken one by one, and all at once.
    for cut in [1, usize::MAX] {
        agree(&Desk::of(&shop, cut).await, &shop).await;
    }
    let told = told(&shop);
    let kinds: std::collections::BTreeSet<_> = told
        .values()
        .flatten()
        .map(|(_, _, kind, _)| kind.name())
        .collect();
    for kind in [
        "filled",
        "won",
        "not_won",
        "refunded",
        "shipped",
        "vested",
        "withdrawal_sent",
        "withdrawal_waiting",
        "withdrawal_paid",
        "withdrawal_rejected",
        "frozen",
        "unfrozen",
        "clawed_back",
        "withdrawal_expired",
    ] {
        assert!(kinds.contains(kind), "{kind} is missing: {kinds:?}");
    }
}

#[tokio::test]
async fn unread_is_what_came_after_and_counted_up_to_a_hundred() {
    let shop = story();
    let told = told(&shop);
    let (&member, expected) = told.iter().max_by_key(|(_, inbox)| inbox.len()).unwrap();
    let desk = Desk::of(&shop, 1_000).await;
    for (seen, &(seq, ..)) in (1..).zip(expected) {
        let unread = desk.views.notices_after(member, seq).await.unwrap().value;
        let later = expected.iter().filter(|(other, ..)| seq < *other).count();
        assert_eq!(usize::try_from(unread).unwrap(), later, "{seen}");
    }
    let nobody = desk.views.notices_after(MemberId(u32::MAX), 0).await;
    assert_eq!(nobody.unwrap().value, 0);
}

#[tokio::test]
async fn more_than_a_hundred_unread_are_a_hundred() {
    let mut shop = Shop::opened(2, e0());
    let group = shop.open(0);
    for round in 0..101 {
        let payment = shop.reserve(group, 1, None);
        let price = shop.price(group);
        shop.pay_as(payment, &format!("r{round}"), price).unwrap();
        shop.must(Command::LeaveGroup {
            group,
            member: MemberId(1),
        });
    }
    let desk = Desk::of(&shop, 50).await;
    let unread = desk.views.notices_after(MemberId(1), 0).await.unwrap();
    assert_eq!(unread.value, MOST_UNREAD);
    assert_eq!(inbox(&desk, MemberId(1), 100).await.len(), 101);
}
