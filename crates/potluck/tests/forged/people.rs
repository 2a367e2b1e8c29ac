//! `potluck audit` counts ranks, regions, agents and frozen members again by the events alone.
use std::path::Path;

use domain::rewards::{Base, Differential, Program, Region as Regional, Source};
use domain::*;

use crate::shop::{DAY_MS, Shop, finds, passes, sale, unlimited};

fn terms() -> Campaign {
    let (source, base) = (Source::All, Base::Price);
    let region = Regional {
        source,
        base,
        county: Rate(10_000),
        city: Rate(0),
        province: Rate(5_000),
    };
    let differential = Differential {
        source,
        base,
        rates_by_rank: vec![Rate(0), Rate(20_000)],
    };
    let programs = [Program::Differential(differential), Program::Region(region)];
    Campaign {
        plan: 2,
        rewards: unlimited(programs),
        ..sale()
    }
}

/// A plan, two sales that are kept, ranks that are counted, an agent, somebody frozen.
fn live(data: &Path) {
    let mut shop = Shop::open(data);
    let mut plan = PlanTerms::first().clone();
    plan.ranks.truncate(1);
    plan.leader_rank = 1;
    (plan.ranks[0].invitees, plan.ranks[0].team_sales) = (2, Money(20_000));
    shop.must(Command::PublishPlan {
        terms: Box::new(plan),
    });
    shop.must(Command::PublishCampaign {
        campaign: Box::new(terms()),
    });
    shop.register(&[None, Some(0), Some(0), Some(1), Some(1)]);
    let county: Region = "330106".parse().unwrap();
    let member = MemberId(3);
    shop.must(Command::DeclareRegion {
        member,
        region: county,
    });
    // One of the two has his address where he has declared to live, the other has declared nothing.
    for member in [3, 4].map(MemberId) {
        let region = county;
        shop.must(Command::Delivery(DeliveryCommand::Set { member, region }));
    }
    shop.must(Command::AppointAgent {
        region: county,
        member: MemberId(2),
    });
    shop.must(Command::AppointAgent {
        region: county.province(),
        member: MemberId(4),
    });
    shop.buy([3, 4]);
    for order in [0, 1].map(OrderId) {
        shop.must(Command::ShipOrder { order });
    }
    shop.wait(23 * DAY_MS);
    shop.wait(DAY_MS);
    assert_eq!(shop.step.world().rank(2, MemberId(1)), 1);
    shop.must(Command::SetRank {
        member: MemberId(0),
        plan: 2,
        rank: Some(1),
    });
    shop.must(Command::FreezeMember {
        member: MemberId(2),
    });
    shop.buy([3, 4]);
    shop.must(Command::UnfreezeMember {
        member: MemberId(2),
    });
    shop.must(Command::DismissAgent { region: county });
    let member = MemberId(4);
    shop.must(Command::Delivery(DeliveryCommand::Remove { member }));
}

/// Changes the first event about a delivery address that it can.
fn address(change: impl Fn(&mut DeliveryEvent) -> bool) -> impl FnMut(&mut Event) -> bool {
    move |event| match event {
        Event::Delivery(event) => change(event),
        _ => false,
    }
}

#[test]
fn forged_delivery_counties_are_found() {
    let dir = tempfile::tempdir().unwrap();
    live(dir.path());
    let fails = |finding: &str, of: u32, to: &str| {
        let to: Region = to.parse().unwrap();
        let mut change = address(|event| match event {
            DeliveryEvent::Set { member, region } if member.0 == of => {
                *region = to;
                true
            }
            DeliveryEvent::Set { .. } | DeliveryEvent::Removed { .. } => false,
        });
        finds(dir.path(), finding, &mut change);
    };
    fails("which is no smallest division", 4, "330100");
    fails("has another delivery county within 90 days", 3, "110101");
    fails("or have other uplines", 4, "110101");
    let until = |until: &dyn Fn(&mut Millis, &mut MemberId)| {
        let mut change = address(|event| match event {
            DeliveryEvent::Removed {
                member,
                until: known,
            } => {
                until(known, member);
                true
            }
            DeliveryEvent::Set { .. } => false,
        });
        finds(
            dir.path(),
            "has no delivery address to remove, or",
            &mut change,
        );
    };
    until(&|until, _| until.0 -= 1);
    until(&|_, member| *member = MemberId(1));
}

#[test]
fn forged_ranks_regions_and_agents_are_found() {
    let dir = tempfile::tempdir().unwrap();
    live(dir.path());
    passes(dir.path());
    let fails = |finding: &str, change: &mut dyn FnMut(&mut Event) -> bool| {
        finds(dir.path(), finding, change);
    };
    fails("members reach a higher rank", &mut |event| match event {
        Event::RanksCounted { risen, .. } if !risen.is_empty() => {
            risen[0].member = MemberId(2);
            true
        }
        _ => false,
    });
    fails("or have other uplines", &mut |event| match event {
        Event::GroupFilled { seats, .. } => match seats[0].walk.first_mut() {
            Some(upline) => {
                upline.rank = 0;
                true
            }
            None => false,
        },
        _ => false,
    });
    fails("or have other uplines", &mut |event| match event {
        Event::GroupFilled { seats, .. } => match &mut seats[0].agents.county {
            Some(agent) if agent.frozen => {
                agent.frozen = false;
                true
            }
            _ => false,
        },
        _ => false,
    });
    fails(
        "gets an agent, but there is none such, or it has one",
        &mut |event| match event {
            Event::AgentAppointed { region, .. } if region.county().is_none() => {
                *region = "330106".parse().unwrap();
                true
            }
            _ => false,
        },
    );
    fails("which is no smallest division", &mut |event| match event {
        Event::RegionDeclared { region, .. } => {
            *region = "330100".parse().unwrap();
            true
        }
        _ => false,
    });
    fails(
        "is frozen or unfrozen, and was so before",
        &mut |event| match event {
            Event::MemberUnfrozen { member } => {
                *member = MemberId(3);
                true
            }
            _ => false,
        },
    );
    fails(
        "is given a rank that plan 2 has not",
        &mut |event| match event {
            Event::RankSet { rank, .. } => {
                *rank = Some(2);
                true
            }
            _ => false,
        },
    );
}
