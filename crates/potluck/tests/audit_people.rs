//! `potluck audit` counts ranks, regions, agents and frozen members again by the events alone.
#![expect(
    clippy::too_many_lines,
    clippy::wildcard_enum_match_arm,
    reason = "tests look for one kind of event among all, and long tables are tables"
)]

mod forged;

use std::path::Path;

use domain::rewards::{Base, Differential, Limit, Program, Region as Regional, Reward, Source};
use domain::*;
use engine::Step;
use forged::{audit, forge};
use journal::SqliteJournal;

const DAY_MS: i64 = 86_400_000;

/// A small history: a plan, two sales that are kept, ranks that are counted, an agent, somebody frozen.
struct Shop {
    step: Step,
    clock: Millis,
}

impl Shop {
    fn must(&mut self, command: Command) {
        let request = Request {
            actor: Actor::System,
            key: None,
            command,
        };
        self.step.execute(&request, self.clock).unwrap();
        self.step.commit().unwrap();
    }

    fn buy(&mut self, buyers: [u32; 2]) {
        let group = GroupId(self.step.world().groups());
        for (index, member) in (0..).zip(buyers.map(MemberId)) {
            let via = None;
            let campaign = CampaignId(0);
            self.must(match index {
                0 => Command::OpenGroup {
                    campaign,
                    member,
                    via,
                },
                _ => Command::JoinGroup { group, member, via },
            });
            let payment = PaymentId { group, index };
            self.must(Command::AcceptPayment {
                payment,
                txn: Txn::new(&format!("T{payment}")).unwrap(),
                amount: Money(10_000),
                tag: [u8::try_from(member.0 + 1).unwrap(); 32],
            });
        }
    }

    fn tick(&mut self) {
        self.step.tick(self.clock, usize::MAX);
        self.step.commit().unwrap();
    }
}

fn terms() -> Campaign {
    let text = || Text {
        zh: "米".to_owned(),
        en: "rice".to_owned(),
    };
    let (source, base, limit) = (Source::All, Base::Price, Limit::None);
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
        name: text(),
        kind: Kind::EveryoneBuys,
        profile: Profile::Seed,
        plan: 2,
        product: Product {
            title: text(),
            cost: Money(2_000),
            fulfilment: Fulfilment::Ship,
        },
        group: GroupTerms {
            price: Money(10_000),
            seats: 2,
            winners: 2,
            leader: LeaderRule::Equal,
            fill_within: Duration::seconds(86_400),
            payment_window: Duration::seconds(300),
            seats_per_member: 1,
            chance: None,
            circle: Circle::Off,
            entries_per_day: 0,
        },
        draw: DrawTerms {
            log: draw::Origin::new("test.example/log").unwrap(),
            source: BeaconSource::Local {
                beacon: [1; 32],
                genesis: 1_700_000_000,
                period: 3,
            },
            delay_s: 3,
        },
        channel: ChannelTerms::default(),
        caps: Vec::new(),
        rewards: programs.map(|program| Reward { program, limit }).to_vec(),
        prize: None,
        merchant: None,
        origin_share: None,
        leftover: Leftover::Owner,
    }
}

fn live(data: &Path) {
    let journal = SqliteJournal::open(data).unwrap();
    let step = Step::open(Box::new(journal), &mut |_| {}).unwrap().0;
    let mut shop = Shop {
        step,
        clock: Millis(1_800_000_000_000),
    };
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
    for member in 0..5u8 {
        let inviter = match member {
            0 => None,
            1 | 2 => Some(MemberId(0)),
            _ => Some(MemberId(1)),
        };
        let token = [member; 16];
        shop.must(Command::RegisterMember { token, inviter });
    }
    let county: Region = "330106".parse().unwrap();
    let member = MemberId(3);
    shop.must(Command::DeclareRegion {
        member,
        region: county,
    });
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
    shop.clock.0 += 23 * DAY_MS;
    shop.tick();
    shop.clock.0 += DAY_MS;
    shop.tick();
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
}

#[test]
fn forged_ranks_regions_and_agents_are_found() {
    let dir = tempfile::tempdir().unwrap();
    live(dir.path());
    let page = audit(dir.path());
    assert!(page.contains("\nAUDIT PASSED\n"), "{page}");
    let fails = |finding: &str, change: &mut dyn FnMut(&mut Event) -> bool| {
        let forged = forge(dir.path(), change);
        let page = audit(forged.path());
        assert!(page.contains("\nAUDIT FAILED: "), "{finding}: {page}");
        assert!(page.contains(finding), "{finding:?} is not in\n{page}");
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
