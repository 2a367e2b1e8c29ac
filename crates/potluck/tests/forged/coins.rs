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
