//! Dividend pools: how they close, and what explains each payment.

use domain::*;
use views::*;

use crate::kit::*;

/// A pool that is shared by weeks, and one that has what a return takes out of it.
pub(crate) fn pools() -> Shop {
    let mut shop = Shop::new();
    for member in 0..3u32 {
        shop.member(member.checked_sub(1).map(MemberId));
    }
    let mut terms = PlanTerms::first().clone();
    terms.leader_rank = 1;
    terms.dividend.period = Period::Week;
    let terms = Box::new(terms);
    shop.must(Command::PublishPlan { terms });
    let leader = MemberId(0);
    shop.must(Command::SetRank {
        member: leader,
        plan: 2,
        rank: Some(2),
    });
    let mut terms = e0();
    terms.plan = 2;
    terms.kind = Kind::EveryoneBuys;
    (terms.group.seats, terms.group.winners) = (2, 2);
    terms.caps.clear();
    terms.leftover = Leftover::Dividend;
    let source = rewards::Source::All;
    terms.rewards = vec![
        rewards::Reward {
            program: rewards::Program::Dividend(rewards::Dividend {
                source,
                base: rewards::Base::Price,
                rate: Rate(50_000),
            }),
            limit: rewards::Limit::None,
        },
        rewards::Reward {
            program: rewards::Program::Formation(rewards::Formation {
                per_recruit: Money(200),
            }),
            limit: rewards::Limit::None,
        },
    ];
    let campaign = Box::new(terms);
    let Answer::Campaign(campaign) = shop.must(Command::PublishCampaign { campaign }) else {
        panic!("a campaign is published")
    };
    for returned in [false, true] {
        let (member, via) = (MemberId(1), None);
        let Answer::Reserved { payment, .. } = shop.must(Command::OpenGroup {
            campaign,
            member,
            via,
        }) else {
            panic!("a group is opened")
        };
        shop.pay(payment);
        shop.seat(payment.group, 2, None);
        let Some(Event::GroupSettled(settled)) = shop
            .records
            .last()
            .and_then(|record| record.events.last().cloned())
        else {
            panic!("where everyone buys a full group is settled")
        };
        for (order, member) in [(0, 1), (1, 2)] {
            let order = OrderId(settled.first_order.0 + order);
            let member = MemberId(member);
            shop.must(Command::ShipOrder { order });
            shop.must(Command::ReceiveOrder { order, member });
            if returned && member == MemberId(2) {
                shop.must(Command::ReturnOrder { order, member });
                shop.must(Command::TakeBackOrder { order });
            }
        }
    }
    for _ in 0..20 {
        shop.wait(86_400);
        shop.ticks();
    }
    shop
}

#[tokio::test]
async fn a_dividend_is_explained_where_its_fen_stands() {
    let shop = pools();
    let desk = Desk::of(&shop, 7).await;
    desk.agrees(&shop.world).await;
    let page = Page::first();
    let closes = desk.views.dividend_closes(page).await.unwrap().value;
    let shared: Vec<_> = closes
        .items
        .iter()
        .filter(|close| close.members == 1)
        .collect();
    let [close] = shared.as_slice() else {
        panic!("one pool was shared: {closes:?}")
    };
    // Two groups of 10.00; the 5.00 of one seat left with it, and the 2.00 of its leader came in.
    assert_eq!((close.plan, close.pool), (2, Money(1_700)));
    assert_eq!(close.weight, "30000");
    let available = WalletAccount::Available;
    let lines = desk.views.wallet_lines(MemberId(0), available, page).await;
    let line = lines.unwrap().value.items.remove(0);
    assert_eq!(
        (line.amount, line.why.program),
        (1_700, Some(ProgramKind::Dividend))
    );
    let dividend = line.why.dividend.unwrap();
    assert_eq!((dividend.weight, dividend.amount), (30_000, Money(1_700)));
    assert_eq!(&&dividend.close, close);
    let mine = desk
        .views
        .member_dividends(MemberId(0), page)
        .await
        .unwrap();
    assert_eq!(mine.value.items, [(*dividend).clone()]);
    let paid = desk.views.dividend_payments(close.seq, page).await.unwrap();
    assert_eq!(paid.value.items, [*dividend]);
}
