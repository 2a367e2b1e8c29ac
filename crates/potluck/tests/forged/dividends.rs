//! `potluck audit` counts dividend pools and every close again by the events alone.
use std::path::Path;

use domain::rewards::{Base, Dividend, Formation, Program, Source};
use domain::*;

use crate::shop::{Shop, finds, passes, records, sale, unlimited};

impl Shop {
    /// Both buy and have what they bought.
    fn buy_and_have(&mut self, buyers: [u32; 2]) {
        let group = self.buy(buyers);
        self.deliver(group, buyers);
    }
}

fn terms() -> Campaign {
    let dividend = Dividend {
        source: Source::All,
        base: Base::Price,
        rate: Rate(50_000),
    };
    let formation = Formation {
        per_recruit: Money(200),
    };
    let programs = [Program::Dividend(dividend), Program::Formation(formation)];
    Campaign {
        plan: 2,
        rewards: unlimited(programs),
        leftover: Leftover::Dividend,
        ..sale()
    }
}

/// Four sales of which one is returned, and pools that are carried over and shared.
fn live(data: &Path) {
    let mut shop = Shop::open(data);
    let mut plan = PlanTerms::first().clone();
    plan.leader_rank = 1;
    plan.dividend.period = Period::Week;
    shop.must(Command::PublishPlan {
        terms: Box::new(plan),
    });
    shop.must(Command::PublishCampaign {
        campaign: Box::new(terms()),
    });
    shop.register(&[None, Some(0), Some(0), Some(2), Some(1), Some(2)]);
    for member in [0, 1, 2].map(MemberId) {
        shop.must(Command::SetRank {
            member,
            plan: 2,
            rank: Some(1),
        });
    }
    for buyers in [[3, 4], [3, 5], [4, 5]] {
        shop.buy_and_have(buyers);
    }
    let (order, member) = (OrderId(1), MemberId(4));
    shop.must(Command::ReturnOrder { order, member });
    shop.must(Command::TakeBackOrder { order });
    shop.days(15);
    shop.buy_and_have([3, 4]);
    shop.must(Command::FreezeMember {
        member: MemberId(0),
    });
    shop.days(15);
}

#[test]
fn forged_pools_and_shares_are_found() {
    let dir = tempfile::tempdir().unwrap();
    live(dir.path());
    let events = records(dir.path());
    let events = events.iter().flat_map(|record| &record.events);
    let paid = events.filter(|event| matches!(event, Event::DividendsPaid { .. }));
    assert_eq!(paid.count(), 2);
    passes(dir.path());
    let fails = |finding: &str, change: &mut dyn FnMut(&mut Event) -> bool| {
        finds(dir.path(), finding, change);
    };
    fails(
        "into a dividend pool, its rules say",
        &mut |event| match event {
            Event::GroupSettled(settled) => {
                settled.pooled.as_mut().unwrap().amount.0 += 1;
                true
            }
            _ => false,
        },
    );
    fails(
        "into a dividend pool, its rules say",
        &mut |event| match event {
            Event::GroupSettled(settled) => {
                settled.pooled.as_mut().unwrap().shares[0].seat = 1;
                true
            }
            _ => false,
        },
    );
    fails("out of the pool of plan 2", &mut |event| match event {
        Event::OrderReturned {
            pool: Some(pool), ..
        } => {
            pool.taken.0 -= 1;
            true
        }
        _ => false,
    });
    fails("out of the pool of plan 2", &mut |event| match event {
        Event::OrderReturned {
            pool: Some(pool), ..
        } => {
            assert!(pool.reversed_in);
            pool.reversed_in = false;
            true
        }
        _ => false,
    });
    fails("counted again it is", &mut |event| match event {
        Event::DividendClosed {
            weight, members, ..
        } if *members != 0 => {
            weight.0 -= 1;
            true
        }
        _ => false,
    });
    fails("closes before its time", &mut |event| match event {
        Event::DividendClosed { until, .. } => {
            until.0 += 1;
            true
        }
        _ => false,
    });
    fails("are not the next of its list", &mut |event| match event {
        Event::DividendsPaid { shares, .. } => {
            let [first, second, ..] = shares.as_mut_slice() else {
                return false;
            };
            first.amount.0 += 1;
            second.amount.0 -= 1;
            true
        }
        _ => false,
    });
    fails("are not the next of its list", &mut |event| match event {
        Event::DividendsPaid { shares, .. } => {
            shares[0].member = MemberId(5);
            true
        }
        _ => false,
    });
}
