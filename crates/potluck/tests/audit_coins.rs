//! `potluck audit` follows every lot of coins by the events alone.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "tests look for one kind of event among all"
)]

mod forged;

use std::path::Path;

use domain::rewards::{Leader, Limit, Program, Reward};
use domain::*;
use engine::Step;
use forged::{audit, forge, records};
use journal::SqliteJournal;

const DAY_MS: i64 = 86_400_000;

/// Whoever opens a group of two gets 5.00 coins when nobody can return any more.
fn terms() -> Campaign {
    let file = schema::parse_toml(
        r#"
        name = { zh = "米", en = "rice" }
        kind = "everyone-buys"
        profile = "seed"
        product = { title = { zh = "米", en = "rice" }, cost = "20.00" }
        [group]
        price = "100.00"
        seats = 2
        "#,
    );
    let installation = schema::Installation {
        log: draw::Origin::new("test.example/log").unwrap(),
        source: BeaconSource::DrandQuicknet,
        delay_s: 60,
        own: None,
    };
    let mut terms = file.unwrap().resolve(&installation).unwrap();
    let leader = Leader {
        cash: Money(0),
        coins: Coins(500),
        unless_won: false,
    };
    terms.rewards = vec![Reward {
        program: Program::Leader(leader),
        limit: Limit::None,
    }];
    terms
}

fn live(data: &Path) {
    let journal = SqliteJournal::open(data).unwrap();
    let mut step = Step::open(Box::new(journal), &mut |_| {}).unwrap().0;
    let mut clock = Millis::of_date(2026, 11, 3).unwrap();
    let must = |step: &mut Step, clock: Millis, command: Command| {
        let request = Request {
            actor: Actor::System,
            key: None,
            command,
        };
        step.execute(&request, clock).unwrap();
        step.commit().unwrap();
    };
    let campaign = Box::new(terms());
    must(&mut step, clock, Command::PublishCampaign { campaign });
    for member in 0..3u8 {
        let token = [member; 16];
        must(
            &mut step,
            clock,
            Command::RegisterMember {
                token,
                inviter: None,
            },
        );
    }
    // Two groups a month apart: two lots, one of two members.
    for (group, buyers) in (0..).map(GroupId).zip([[0, 1], [1, 2], [0, 2]]) {
        for (index, member) in (0..).zip(buyers.map(MemberId)) {
            let (campaign, via) = (CampaignId(0), None);
            let command = match index {
                0 => Command::OpenGroup {
                    campaign,
                    member,
                    via,
                },
                _ => Command::JoinGroup { group, member, via },
            };
            must(&mut step, clock, command);
            let payment = PaymentId { group, index };
            let paid = Command::AcceptPayment {
                payment,
                txn: Txn::new(&format!("T{payment}")).unwrap(),
                amount: Money(10_000),
                tag: [u8::try_from(member.0 + 1).unwrap(); 32],
            };
            must(&mut step, clock, paid);
        }
        for (order, member) in (2 * group.0..).map(OrderId).zip(buyers.map(MemberId)) {
            must(&mut step, clock, Command::ShipOrder { order });
            must(&mut step, clock, Command::ReceiveOrder { order, member });
        }
        for _ in 0..if group.0 == 1 { 31 } else { 8 } {
            clock.0 += DAY_MS;
            step.tick(clock, usize::MAX);
            step.commit().unwrap();
        }
    }
    for _ in 0..430 {
        clock.0 += DAY_MS;
        step.tick(clock, usize::MAX);
        step.commit().unwrap();
    }
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
    let page = audit(dir.path());
    assert!(page.contains("\nAUDIT PASSED\n"), "{page}");
    let fails = |change: &mut dyn FnMut(&mut Vec<CoinsLost>)| {
        let forged = forge(dir.path(), |event| match event {
            Event::CoinsExpired { lost, .. } if !lost.is_empty() => {
                change(lost);
                true
            }
            _ => false,
        });
        let page = audit(forged.path());
        let finding = "coins expire whose time has not come, or others do not";
        assert!(page.contains("\nAUDIT FAILED: "), "{page}");
        assert!(page.contains(finding), "{finding:?} is not in\n{page}");
    };
    fails(&mut |lost| lost[0].coins.0 -= 1);
    fails(&mut |lost| lost.truncate(1));
    fails(&mut |lost| lost.clear());
    // The earliest look for expired coins finds none: here it takes some all the same.
    let forged = forge(dir.path(), |event| match event {
        Event::CoinsExpired { lost, .. } if lost.is_empty() => {
            lost.push(CoinsLost {
                member: MemberId(0),
                coins: Coins(100),
            });
            true
        }
        _ => false,
    });
    let page = audit(forged.path());
    assert!(page.contains("\nAUDIT FAILED: "), "{page}");
}
