//! `potluck audit` counts entries, money in groups, runs of losses and exclusions again by the events alone.
use std::path::Path;

use domain::*;
use draw::{BeaconKey, LocalBeacon};

use crate::shop::{DAY_MS, Shop, finds, passes, sale};

const GENESIS_S: u64 = 1_700_000_000;

fn beacon() -> LocalBeacon {
    LocalBeacon::from_seed(&[7; 32]).unwrap()
}

impl Shop {
    /// Two members buy, one wins.
    fn play(&mut self) {
        let group = self.buy([0, 1]);
        self.wait(20_000);
        let files = self.step.world().draw_files(group).unwrap();
        let round = files.freeze.round;
        let key = BeaconKey::from_file(&beacon().file(GENESIS_S, 3)).unwrap();
        let verified = key.verify(round, &beacon().sign(round)).unwrap();
        let outcome = draw::draw(&files.open, &files.seats, &files.freeze, &verified).unwrap();
        let outcome = Box::new(outcome);
        self.must(Command::SettleGroup { group, outcome });
    }
}

/// Two seats of 100 yuan, one wins.
fn terms() -> Campaign {
    let mut terms = sale();
    terms.kind = Kind::Draw;
    terms.group.winners = 1;
    terms.group.entries_per_day = 9;
    terms.draw.source = BeaconSource::Local {
        beacon: beacon().file(GENESIS_S, 3).hash().0,
        genesis: GENESIS_S,
        period: 3,
    };
    terms.channel.fee = Rate(10_000);
    terms
}

/// Both are limited to 4 entries, 300 yuan and a day's pause after every loss; the first excludes himself for a week.
fn live(data: &Path) {
    let mut shop = Shop::open(data);
    shop.must(Command::DepositCapital {
        amount: Money(1_000_000),
    });
    shop.must(Command::PublishCampaign {
        campaign: Box::new(terms()),
    });
    let members = [0, 1].map(MemberId);
    shop.register(&[None, None]);
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
        let paid = shop.open_group(member);
        shop.pay(paid, member);
        shop.open_group(member);
        shop.open_group(member);
    }
    shop.wait(400_000);
    for member in members {
        shop.open_group(member);
    }
    let (member, days) = (members[0], Some(7));
    shop.must(Command::ExcludeSelf { member, days });
    shop.wait(7 * DAY_MS);
    shop.open_group(member);
}

#[test]
fn what_is_beyond_a_limit_is_found() {
    let dir = tempfile::tempdir().unwrap();
    live(dir.path());
    passes(dir.path());
    let fails = |finding: &str, change: &mut dyn FnMut(&mut Event) -> bool| {
        finds(dir.path(), finding, change);
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
