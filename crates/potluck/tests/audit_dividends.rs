//! `potluck audit` counts dividend pools and every close again by the events alone.
#![expect(
    clippy::too_many_lines,
    clippy::wildcard_enum_match_arm,
    reason = "tests look for one kind of event among all, and long tables are tables"
)]

mod forged;

use std::path::Path;

use domain::rewards::{Base, Dividend, Formation, Limit, Program, Reward, Source};
use domain::*;
use engine::Step;
use forged::{audit, forge, records};
use journal::SqliteJournal;

const DAY_MS: i64 = 86_400_000;

/// A small history: four sales of which one is returned, and pools that are carried over and shared.
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

    /// Both buy and have what they bought.
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
        for (order, member) in (2 * group.0..).map(OrderId).zip(buyers.map(MemberId)) {
            self.must(Command::ShipOrder { order });
            self.must(Command::ReceiveOrder { order, member });
        }
    }

    fn days(&mut self, days: i64) {
        for _ in 0..days {
            self.clock.0 += DAY_MS;
            self.step.tick(self.clock, usize::MAX);
            self.step.commit().unwrap();
        }
    }
}

fn terms() -> Campaign {
    let text = || Text {
        zh: "米".to_owned(),
        en: "rice".to_owned(),
    };
    let dividend = Dividend {
        source: Source::All,
        base: Base::Price,
        rate: Rate(50_000),
    };
    let formation = Formation {
        per_recruit: Money(200),
    };
    let programs = [Program::Dividend(dividend), Program::Formation(formation)];
    let limit = Limit::None;
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
        leftover: Leftover::Dividend,
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
    plan.leader_rank = 1;
    plan.dividend.period = Period::Week;
    shop.must(Command::PublishPlan {
        terms: Box::new(plan),
    });
    shop.must(Command::PublishCampaign {
        campaign: Box::new(terms()),
    });
    for member in 0..6u8 {
        let inviter = match member {
            0 => None,
            1 | 2 => Some(MemberId(0)),
            _ => Some(MemberId(1 + u32::from(member % 2))),
        };
        let token = [member; 16];
        shop.must(Command::RegisterMember { token, inviter });
    }
    for member in [0, 1, 2].map(MemberId) {
        shop.must(Command::SetRank {
            member,
            plan: 2,
            rank: Some(1),
        });
    }
    for buyers in [[3, 4], [3, 5], [4, 5]] {
        shop.buy(buyers);
    }
    let (order, member) = (OrderId(1), MemberId(4));
    shop.must(Command::ReturnOrder { order, member });
    shop.must(Command::TakeBackOrder { order });
    shop.days(15);
    shop.buy([3, 4]);
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
    let page = audit(dir.path());
    assert!(page.contains("\nAUDIT PASSED\n"), "{page}");
    let fails = |finding: &str, change: &mut dyn FnMut(&mut Event) -> bool| {
        let forged = forge(dir.path(), change);
        let page = audit(forged.path());
        assert!(page.contains("\nAUDIT FAILED: "), "{finding}: {page}");
        assert!(page.contains(finding), "{finding:?} is not in\n{page}");
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
