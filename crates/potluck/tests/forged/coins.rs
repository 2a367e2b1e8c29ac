//! `potluck audit` follows every lot of coins by the events alone.
use std::path::Path;

use domain::rewards::{Leader, Program};
use domain::*;

use crate::shop::{Shop, finds, passes, records, sale, unlimited};

/// Whoever opens a group of two gets 5.00 coins when nobody can return any more.
fn terms() -> Campaign {
    Campaign {
        rewards: unlimited([Program::Leader(Leader {
            cash: Money(0),
            coins: Coins(500),
            unless_won: false,
        })]),
        ..sale()
    }
}

/// Three groups, the last a month after the others: a lot of two members, and one of one.
fn live(data: &Path) {
    let mut shop = Shop::open(data);
    shop.clock = Millis::of_date(2026, 11, 3).unwrap();
    shop.must(Command::PublishCampaign {
        campaign: Box::new(terms()),
    });
    shop.register(&[None, None, None]);
    for (buyers, days) in [([0, 1], 8), ([1, 2], 31), ([0, 2], 8)] {
        let group = shop.buy(buyers);
        shop.deliver(group, buyers);
        shop.days(days);
    }
    shop.days(430);
}

#[test]
fn coins_that_expire_too_early_too_late_or_at_anothers_cost_are_found() {
    let dir = tempfile::tempdir().unwrap();
    live(dir.path());
    let all = records(dir.path());
    let events = all.iter().flat_map(|record| &record.events);
    let lost: Vec<usize> = events
        .filter_map(|event| match event {
            Event::CoinsExpired { lost, .. } if !lost.is_empty() => Some(lost.len()),
            _ => None,
        })
        .collect();
    assert_eq!(lost, [2, 1]);
    passes(dir.path());
    let finding = "coins expire whose time has not come, or others do not";
    let fails = |change: &mut dyn FnMut(&mut Vec<CoinsLost>)| {
        finds(dir.path(), finding, |event| match event {
            Event::CoinsExpired { lost, .. } if !lost.is_empty() => {
                change(lost);
                true
            }
            _ => false,
        });
    };
    fails(&mut |lost| lost[0].coins.0 -= 1);
    fails(&mut |lost| lost.truncate(1));
    fails(&mut |lost| lost.clear());
    // The earliest look for expired coins finds none: here it takes some all the same.
    finds(dir.path(), finding, |event| match event {
        Event::CoinsExpired { lost, .. } if lost.is_empty() => {
            lost.push(CoinsLost {
                member: MemberId(0),
                coins: Coins(100),
            });
            true
        }
        _ => false,
    });
}

/// A member pays with 3.00 of his 5.00 coins, and gives the purchase up in the next month. Another, with 1.00, waits to be sent.
fn given_up(data: &Path) {
    let mut shop = Shop::open(data);
    shop.clock = Millis::of_date(2026, 11, 3).unwrap();
    shop.must(Command::PublishCampaign {
        campaign: Box::new(terms()),
    });
    shop.register(&[None, None]);
    let group = shop.buy([0, 1]);
    shop.deliver(group, [0, 1]);
    shop.days(8);
    let (sku, member) = (SkuId(0), MemberId(0));
    shop.must(Command::Shop(ShopCommand::ListSku {
        token: [9; 16],
        product: [2; 16],
        terms: Box::new(SkuTerms {
            coin_offset: Rate(100_000),
            ..crate::purchases::sku()
        }),
    }));
    shop.must(Command::Shop(ShopCommand::AdjustStock { sku, by: 2 }));
    for (number, coins) in [(0, 300), (1, 100)] {
        shop.must(Command::Shop(ShopCommand::Buy(Reservation {
            member,
            token: [number; 16],
            sku,
            units: 1,
            price: Money(10_000),
            coins: Coins(coins),
        })));
        shop.must(Command::Shop(ShopCommand::PayPurchase {
            purchase: PurchaseId(number.into()),
            txn: Txn::new(&format!("P{number}")).unwrap(),
            amount: Money(10_000 - coins),
        }));
    }
    let purchase = PurchaseId(0);
    shop.days(30);
    let cancel = ShopCommand::CancelPurchase { purchase, member };
    shop.must(Command::Shop(cancel));
    shop.days(430);
}

#[test]
fn coins_that_come_back_to_other_lots_are_found() {
    let dir = tempfile::tempdir().unwrap();
    given_up(dir.path());
    passes(dir.path());
    let finding = "come back to other lots than they were taken from";
    finds(dir.path(), finding, |event| match event {
        Event::Shop(ShopEvent::PurchaseReturned { lots, .. }) => {
            lots[0].month = lots[0].month.plus(1);
            true
        }
        _ => false,
    });
}
