//! What is on offer in the simulation, and its beacon.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use domain::rewards::{
    Base, Consolation, Formation, Generation, Leader, Limit, Program, Reward, Source, WinnerBonus,
};
use domain::{
    BeaconSource, Campaign, Cap, ChannelTerms, Coins, DrawTerms, Duration, Fulfilment, GroupTerms,
    Kind, LeaderRule, Money, Product, Profile, RATE_ONE_PPM, Rate, Text,
};
use draw::{BeaconFile, BeaconKey, LocalBeacon, VerifiedRound};

/// Time of the beacon's round 1, unix seconds.
pub const BEACON_GENESIS_S: u64 = 1_700_000_000;
/// Seconds between its rounds.
pub const BEACON_PERIOD_S: u64 = 3;

/// The secret of the simulation's beacon, as an installation keeps it in `beacon.key`.
pub fn beacon_seed() -> [u8; 32] {
    [7; 32]
}

pub(crate) fn beacon() -> LocalBeacon {
    LocalBeacon::from_seed(&beacon_seed()).expect("32 bytes make a key")
}

/// The public file of the simulation's beacon.
pub fn beacon_file() -> BeaconFile {
    beacon().file(BEACON_GENESIS_S, BEACON_PERIOD_S)
}

/// The same beacon with another time between its rounds.
pub(crate) fn beacon_file_of(period_s: u64) -> BeaconFile {
    beacon().file(BEACON_GENESIS_S, period_s)
}

/// A round of the beacon with that period. Verified once in the process: storms share their rounds.
pub(crate) fn round(period_s: u64, number: u64) -> VerifiedRound {
    static ROUNDS: Mutex<BTreeMap<(u64, u64), VerifiedRound>> = Mutex::new(BTreeMap::new());
    let lock = || ROUNDS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = lock().get(&(period_s, number)) {
        return known.clone();
    }
    let beacon = beacon();
    let key = BeaconKey::from_file(&beacon_file_of(period_s)).expect("a key's own file");
    let verified = key.verify(number, &beacon.sign(number));
    let verified = verified.expect("a key verifies what it signed");
    lock().insert((period_s, number), verified.clone());
    verified
}

/// The campaigns that are open from the start, and one that comes later.
pub(crate) fn campaigns() -> Vec<Campaign> {
    vec![e0(), e1(), e2(), mixed(), tight()]
}

fn text(name: &str) -> Text {
    Text {
        zh: name.to_owned(),
        en: name.to_owned(),
    }
}

pub(crate) fn terms(name: &str, price: i64, (seats, winners): (u32, u32), cost: i64) -> Campaign {
    Campaign {
        name: text(name),
        kind: Kind::Draw,
        profile: Profile::Seed,
        plan: 1,
        product: Product {
            title: text(name),
            cost: Money(cost),
            fulfilment: Fulfilment::Ship,
        },
        group: GroupTerms {
            price: Money(price),
            seats,
            winners,
            leader: LeaderRule::Equal,
            fill_within: Duration::seconds(6 * 3600),
            payment_window: Duration::seconds(600),
            seats_per_member: 1,
            chance: None,
            circle: domain::Circle::Off,
            entries_per_day: 0,
            seats_from: None,
            price_from: None,
        },
        draw: DrawTerms {
            log: draw::Origin::new("sim.example/log").expect("a name"),
            source: BeaconSource::Local {
                beacon: beacon_file().hash().0,
                genesis: BEACON_GENESIS_S,
                period: BEACON_PERIOD_S,
            },
            delay_s: 30,
        },
        channel: ChannelTerms {
            fee: Rate(6_000),
            kept_on_refund: false,
        },
        caps: Vec::new(),
        rewards: Vec::new(),
        prize: None,
        merchant: None,
        origin_share: None,
        leftover: domain::Leftover::Owner,
    }
}

fn reward(program: Program, limit: Limit) -> Reward {
    Reward { program, limit }
}

fn consolation(cash: i64, coins: i64, limit: Limit) -> Reward {
    let program = Consolation {
        cash: Money(cash),
        coins: Coins(coins),
    };
    reward(Program::Consolation(program), limit)
}

fn formation(per_recruit: i64, limit: Limit) -> Reward {
    let program = Formation {
        per_recruit: Money(per_recruit),
    };
    reward(Program::Formation(program), limit)
}

/// Rules 12, E0: five seats, uplines share a cap.
fn e0() -> Campaign {
    let mut e0 = terms("E0", 10_000, (5, 1), 2_000);
    e0.channel.fee = Rate(0);
    e0.caps = vec![Cap {
        name: "uplines".to_owned(),
        limit: Money(3_000),
    }];
    let uplines = Generation {
        source: Source::All,
        base: Base::Fixed(Money(600)),
        rates: vec![Rate(RATE_ONE_PPM)],
        vip_depth: None,
    };
    e0.rewards = vec![
        consolation(500, 0, Limit::None),
        formation(200, Limit::None),
        reward(Program::Generation(uplines), Limit::Shared(0)),
    ];
    e0
}

/// Rules 12, E1: a hundred seats, little consolation.
fn e1() -> Campaign {
    let mut e1 = terms("E1", 9_900, (100, 3), 2_000);
    e1.group.fill_within = Duration::seconds(86_400);
    e1.rewards = vec![consolation(100, 0, Limit::None)];
    e1
}

/// Rules 12, E2: coins, and uplines by their VIP level.
fn e2() -> Campaign {
    let mut e2 = terms("E2", 100_000, (100, 2), 25_000);
    e2.group.fill_within = Duration::seconds(86_400);
    let uplines = Generation {
        source: Source::NonWinners,
        base: Base::Consolation,
        rates: vec![Rate(50_000); 3],
        vip_depth: Some(vec![0, 1, 2, 3]),
    };
    e2.rewards = vec![
        consolation(1_200, 10_000, Limit::None),
        reward(Program::Generation(uplines), Limit::None),
    ];
    e2
}

/// Every program at once, an exempt leader, two seats a member, and a channel that keeps its fees.
fn mixed() -> Campaign {
    let mut mixed = terms("mixed", 5_001, (8, 2), 1_000);
    mixed.group.leader = LeaderRule::Exempt;
    mixed.group.seats_per_member = 2;
    mixed.group.fill_within = Duration::seconds(5_400);
    mixed.channel = ChannelTerms {
        fee: Rate(5_000),
        kept_on_refund: true,
    };
    let uplines = Generation {
        source: Source::All,
        base: Base::Margin,
        rates: vec![Rate(30_000), Rate(20_000), Rate(7_777)],
        vip_depth: Some(vec![0, 3]),
    };
    let leader = Leader {
        cash: Money(300),
        coins: Coins(50),
        unless_won: false,
    };
    let bonus = WinnerBonus {
        cash: Money(111),
        coins: Coins(33),
    };
    mixed.rewards = vec![
        reward(Program::Generation(uplines), Limit::None),
        consolation(200, 7, Limit::Own(Money(1_100))),
        reward(Program::Leader(leader), Limit::None),
        reward(Program::WinnerBonus(bonus), Limit::None),
    ];
    mixed
}

/// Three seats, short windows, and budgets that cut.
fn tight() -> Campaign {
    let mut tight = terms("tight", 999, (3, 1), 100);
    tight.group.fill_within = Duration::seconds(1_200);
    tight.group.payment_window = Duration::seconds(60);
    tight.group.seats_per_member = 2;
    tight.caps = vec![Cap {
        name: "team".to_owned(),
        limit: Money(70),
    }];
    let promotion = Generation {
        source: Source::Winners,
        base: Base::Price,
        rates: vec![Rate(49_999)],
        vip_depth: None,
    };
    let leader = Leader {
        cash: Money(20),
        coins: Coins(0),
        unless_won: true,
    };
    tight.rewards = vec![
        formation(40, Limit::Shared(0)),
        reward(Program::Generation(promotion), Limit::Shared(0)),
        reward(Program::Leader(leader), Limit::Own(Money(15))),
        consolation(50, 1, Limit::None),
    ];
    tight
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_campaign_can_be_published() {
        for campaign in super::campaigns() {
            campaign.check().unwrap();
            domain::check_solvency(&campaign).unwrap();
        }
    }
}
