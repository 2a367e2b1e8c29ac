//! `potluck audit` counts entries, money in groups, runs of losses and exclusions again by the events alone.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "tests look for one kind of event among all"
)]

mod forged;

use std::path::Path;

use domain::*;
use draw::{BeaconKey, LocalBeacon};
use engine::Step;
use forged::{audit, forge};
use journal::SqliteJournal;

const GENESIS_S: u64 = 1_700_000_000;

struct Shop {
    step: Step,
    clock: Millis,
    beacon: LocalBeacon,
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

    fn wait(&mut self, millis: i64) {
        self.clock.0 += millis;
        self.step.tick(self.clock, usize::MAX);
        self.step.commit().unwrap();
    }

    fn open(&mut self, member: MemberId) -> PaymentId {
        let group = GroupId(self.step.world().groups());
        let (campaign, via) = (CampaignId(0), None);
        self.must(Command::OpenGroup {
            campaign,
            member,
            via,
        });
        PaymentId { group, index: 0 }
    }

    fn pay(&mut self, payment: PaymentId, member: MemberId) {
        self.must(Command::AcceptPayment {
            payment,
            txn: Txn::new(&format!("T{payment}")).unwrap(),
            amount: Money(10_000),
            tag: [u8::try_from(member.0 + 1).unwrap(); 32],
        });
    }

    /// Two members buy, one wins.
    fn play(&mut self) {
        let [one, other] = [0, 1].map(MemberId);
        let first = self.open(one);
        self.pay(first, one);
        let (group, member, via) = (first.group, other, None);
        self.must(Command::JoinGroup { group, member, via });
        self.pay(PaymentId { group, index: 1 }, other);
        self.wait(20_000);
        let files = self.step.world().draw_files(group).unwrap();
        let round = files.freeze.round;
        let key = BeaconKey::from_file(&self.beacon.file(GENESIS_S, 3)).unwrap();
        let verified = key.verify(round, &self.beacon.sign(round)).unwrap();
        let outcome = draw::draw(&files.open, &files.seats, &files.freeze, &verified).unwrap();
        let outcome = Box::new(outcome);
        self.must(Command::SettleGroup { group, outcome });
    }
}

/// Two seats of 100 yuan, one wins.
fn terms(beacon: &LocalBeacon) -> Campaign {
    let text = || Text {
        zh: "米".to_owned(),
        en: "rice".to_owned(),
    };
    Campaign {
        name: text(),
        kind: Kind::Draw,
        profile: Profile::Seed,
        plan: 1,
        product: Product {
            title: text(),
            cost: Money(2_000),
            fulfilment: Fulfilment::Ship,
        },
        group: GroupTerms {
            price: Money(10_000),
            seats: 2,
            winners: 1,
            leader: LeaderRule::Equal,
            fill_within: Duration::seconds(86_400),
            payment_window: Duration::seconds(300),
            seats_per_member: 1,
            chance: None,
            circle: Circle::Off,
            entries_per_day: 9,
        },
        draw: DrawTerms {
            log: draw::Origin::new("test.example/log").unwrap(),
            source: BeaconSource::Local {
                beacon: beacon.file(GENESIS_S, 3).hash().0,
                genesis: GENESIS_S,
                period: 3,
            },
            delay_s: 3,
        },
        channel: ChannelTerms {
            fee: Rate(10_000),
            kept_on_refund: false,
        },
        caps: Vec::new(),
        rewards: Vec::new(),
        prize: None,
        merchant: None,
        origin_share: None,
        leftover: Leftover::Owner,
    }
}

/// Both are limited to 4 entries, 300 yuan and a day's pause after every loss; the first excludes himself for a week.
fn live(data: &Path) {
    let journal = SqliteJournal::open(data).unwrap();
    let mut shop = Shop {
        step: Step::open(Box::new(journal), &mut |_| {}).unwrap().0,
        clock: Millis(1_800_000_000_000),
        beacon: LocalBeacon::from_seed(&[7; 32]).unwrap(),
    };
    let terms = terms(&shop.beacon);
    shop.must(Command::DepositCapital {
        amount: Money(1_000_000),
    });
    shop.must(Command::PublishCampaign {
        campaign: Box::new(terms),
    });
    let members = [0, 1].map(MemberId);
    for member in 0..2u8 {
        let token = [member; 16];
        let inviter = None;
        shop.must(Command::RegisterMember { token, inviter });
    }
    let limits = MemberLimits {
        entries_per_day: Some(4),
        money_in_groups: Some(Money(30_000)),
        loss_pause: Some(LossPause {
            losses: 1,
            pause: Duration(DAY_MS),
        }),
    };
    for member in members {
        shop.must(Command::SetLimits { member, limits });
    }
    shop.play();
    shop.wait(DAY_MS);
    // Three places at once, of which one is paid and one lapses, and then one more.
    for member in members {
        let paid = shop.open(member);
        shop.pay(paid, member);
        shop.open(member);
        shop.open(member);
    }
    shop.wait(400_000);
    for member in members {
        shop.open(member);
    }
    let (member, days) = (members[0], Some(7));
    shop.must(Command::ExcludeSelf { member, days });
    shop.wait(7 * DAY_MS);
    shop.open(member);
}

#[test]
fn what_is_beyond_a_limit_is_found() {
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
    fails("beyond 3 entries a day", &mut |event| match event {
        Event::LimitsSet { holds, .. } => {
            holds.entries_per_day = Some(3);
            true
        }
        _ => false,
    });
    fails("beyond 3 entries a day", &mut |event| match event {
        Event::CampaignPublished { terms, .. } => {
            terms.group.entries_per_day = 3;
            true
        }
        _ => false,
    });
    fails("has more than 299.99 in groups", &mut |event| match event {
        Event::LimitsSet { holds, .. } => {
            holds.money_in_groups = Some(Money(29_999));
            true
        }
        _ => false,
    });
    let pauses = "those who pause after losses are not those who have lost so often";
    fails(pauses, &mut |event| match event {
        Event::PausesBegun { paused } => {
            paused[0].until.0 -= 1;
            true
        }
        _ => false,
    });
    fails("and pauses after losses", &mut |event| match event {
        Event::PausesBegun { paused } => {
            paused[0].until.0 += DAY_MS;
            true
        }
        _ => false,
    });
    let mut seen = 0;
    fails(pauses, &mut |event| match event {
        // Both of them: who has lost would not have paused.
        Event::LimitsSet { holds, .. } => {
            holds.loss_pause = None;
            seen += 1;
            seen == 2
        }
        _ => false,
    });
    fails("and has excluded himself", &mut |event| match event {
        Event::SelfExcluded { until, .. } => {
            until.0 += 1;
            true
        }
        _ => false,
    });
}
