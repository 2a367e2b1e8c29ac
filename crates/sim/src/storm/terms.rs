//! Campaigns by chance, right ones and wrong ones.

use domain::rewards::{
    Base, Consolation, Formation, Generation, Leader, Limit, Program, Reward, Source, WinnerBonus,
};
use domain::{
    BeaconSource, Campaign, Cap, ChannelTerms, Coins, Duration, LeaderRule, Money, Profile, Rate,
};

use super::shape::{Kind, Shape};
use crate::model;
use crate::rng::Rng;
use crate::shop;

const MOST: i64 = 10_000_000_000;
/// From a fen to so much that a member can reach the most that may be withdrawn in a day.
const PRICES: [i64; 9] = [
    1,
    7,
    99,
    999,
    5_001,
    10_000,
    100_000,
    1_234_567,
    400_000_000,
];

/// Terms of any kind the schema allows today, which keep every rule.
pub(super) fn sound(rng: &mut Rng, shape: &Shape) -> Campaign {
    let seats = rng.between(2, shape.seats.max(2));
    let seats = if rng.percent(60) {
        rng.between(2, seats)
    } else {
        seats
    };
    let price = match shape.kind {
        Kind::Palace if rng.percent(70) => MOST,
        Kind::Palace | Kind::Village | Kind::Hall | Kind::Crowd => {
            *rng.pick(&PRICES).unwrap_or(&100)
        }
    };
    let winners = if rng.percent(50) {
        1
    } else {
        rng.between(1, seats - 1)
    };
    let name = format!("offer {}", rng.below(1_000));
    let count = |number: i64| u32::try_from(number).unwrap_or(1);
    let cost = rng.between(0, price / 3);
    let mut terms = shop::terms(&name, price, (count(seats), count(winners)), cost);
    let group = &mut terms.group;
    if rng.percent(35) {
        group.leader = LeaderRule::Exempt;
    }
    if rng.percent(40) {
        group.seats_per_member = count(rng.between(1, seats.min(4)));
    }
    let hours = 3_600;
    let fills = [
        1,
        600,
        hours,
        3 * hours,
        6 * hours,
        24 * hours,
        24 * hours,
        7 * 24 * hours,
        90 * 24 * hours,
    ];
    let windows = [1, 60, 300, 600, 600, hours, hours, 24 * hours];
    group.fill_within = Duration::seconds(*rng.pick(&fills).unwrap_or(&60));
    group.payment_window = Duration::seconds(*rng.pick(&windows).unwrap_or(&60));
    terms.draw.delay_s = rng.between(3, 900).unsigned_abs();
    terms.draw.source = source(*rng.pick(&PERIODS).unwrap_or(&3));
    terms.channel = ChannelTerms {
        fee: Rate(
            *rng.pick(&[0, 0, 6_000, 5_000, 12_345, 100_000])
                .unwrap_or(&0),
        ),
        kept_on_refund: rng.percent(35),
    };
    rewards(rng, &mut terms, shape);
    // What is too much to promise is taken back piece by piece.
    while model::worst(&terms) < 0 {
        if terms.rewards.pop().is_none() {
            terms.channel.fee = Rate(0);
            terms.product.cost = Money(0);
        }
    }
    terms
}

/// Terms that promise as much as any can: some two thousand groups of them reach the bound of all promises.
pub(super) fn grand(rng: &mut Rng, shape: &Shape) -> Campaign {
    let mut terms = sound(rng, shape);
    let group = &mut terms.group;
    (group.price, group.seats, group.winners) = (Money(MOST), 10_000, 9_999);
    group.fill_within = Duration::seconds(90 * 86_400);
    group.payment_window = Duration::seconds(86_400);
    terms.channel.fee = Rate(0);
    let bonus = Reward {
        program: Program::WinnerBonus(WinnerBonus {
            cash: Money(0),
            coins: Coins(MOST),
        }),
        limit: Limit::None,
    };
    terms.rewards = vec![bonus; 10];
    terms
}

/// Seconds between the rounds of the beacons in use; long ones, so that many groups share a round.
const PERIODS: [u64; 4] = [600, 600, 3_600, 3];

/// The simulation's beacon with another period.
fn source(period: u64) -> BeaconSource {
    BeaconSource::Local {
        beacon: shop::beacon_file_of(period).hash().0,
        genesis: shop::BEACON_GENESIS_S,
        period,
    }
}

fn rewards(rng: &mut Rng, terms: &mut Campaign, shape: &Shape) {
    for name in ["alpha", "beta", "gamma"]
        .iter()
        .take(usize::try_from(rng.below(4)).unwrap_or(0))
    {
        terms.caps.push(Cap {
            name: (*name).to_owned(),
            limit: Money(rng.between(0, terms.group.price.0)),
        });
    }
    let caps = u64::try_from(terms.caps.len()).unwrap_or(0);
    let seats = i64::from(terms.group.seats);
    let piece = (terms.group.price.0 / seats / 4).max(3);
    let most_coins = if shape.kind == Kind::Palace {
        MOST
    } else {
        500
    };
    let mut has_consolation = false;
    for _ in 0..rng.below(6) {
        let mut cash = Money(rng.between(0, piece));
        let coins = Coins(if rng.percent(50) {
            0
        } else {
            rng.between(0, most_coins)
        });
        if shape.kind == Kind::Palace {
            cash = Money(cash.0 / 8);
        }
        let program = match rng.below(6) {
            0 if !has_consolation => {
                has_consolation = true;
                Program::Consolation(Consolation { cash, coins })
            }
            1 => Program::WinnerBonus(WinnerBonus { cash, coins }),
            2 => Program::Leader(Leader {
                cash,
                coins,
                unless_won: rng.percent(60),
            }),
            3 => Program::Formation(Formation { per_recruit: cash }),
            _ => Program::Generation(generation(rng, has_consolation, cash, seats)),
        };
        let limit = match rng.below(4) {
            0 => Limit::Own(Money(rng.between(0, 4 * piece))),
            1 | 2 if caps != 0 => Limit::Shared(u32::try_from(rng.below(caps)).unwrap_or(0)),
            _ => Limit::None,
        };
        terms.rewards.push(Reward { program, limit });
    }
}

fn generation(rng: &mut Rng, has_consolation: bool, cash: Money, seats: i64) -> Generation {
    let source = match rng.below(3) {
        0 => Source::Winners,
        1 => Source::NonWinners,
        _ => Source::All,
    };
    let base = match rng.below(4) {
        0 => Base::Price,
        1 if has_consolation => Base::Consolation,
        2 => Base::Margin,
        _ => Base::Fixed(cash),
    };
    let most = match base {
        Base::Price | Base::Margin => 300_000 / seats,
        Base::Consolation | Base::Fixed(_) => 400_000,
    };
    let levels = rng.between(1, 5);
    let rates = (0..levels).map(|_| Rate(u32::try_from(rng.between(0, most)).unwrap_or(0)));
    let rates = rates.collect();
    let vip_depth = rng.percent(60).then(|| {
        (0..rng.between(1, 4))
            .map(|level| u32::try_from(level).unwrap_or(0) + u32::from(rng.percent(30)))
            .collect()
    });
    Generation {
        source,
        base,
        rates,
        vip_depth,
    }
}

/// Terms that break one rule, or could not be paid.
#[expect(
    clippy::too_many_lines,
    reason = "one arm for each rule; it only breaks them"
)]
pub(super) fn unsound(rng: &mut Rng, shape: &Shape) -> Campaign {
    let mut terms = sound(rng, shape);
    let consolation = |cash: i64| Reward {
        program: Program::Consolation(Consolation {
            cash: Money(cash),
            coins: Coins(0),
        }),
        limit: Limit::None,
    };
    let generation = |base: Base, rates: Vec<Rate>, vip_depth: Option<Vec<u32>>| Reward {
        program: Program::Generation(Generation {
            source: Source::All,
            base,
            rates,
            vip_depth,
        }),
        limit: Limit::None,
    };
    match rng.below(28) {
        0 => terms.name.zh = " ".to_owned(),
        1 => terms.name.en = "a\nb".to_owned(),
        2 => terms.product.title.zh = "长".repeat(134),
        3 => terms.group.seats = 1,
        4 => terms.group.winners = terms.group.seats,
        5 => terms.group.seats_per_member = 0,
        6 => terms.group.seats_per_member = terms.group.seats + 1,
        7 => terms.group.fill_within = Duration(999),
        8 => terms.group.payment_window = Duration(86_400_001),
        9 => terms.draw.delay_s = 2,
        10 => terms.plan = 2,
        11 => terms.channel.fee = Rate(1_000_001),
        12 => terms.product.cost = Money(-1),
        13 => terms.caps = vec![cap("b"), cap("a")],
        14 => terms.caps = vec![cap("not a name!")],
        15 => terms.rewards = vec![consolation(0), consolation(0)],
        16 => {
            terms.rewards = vec![Reward {
                limit: Limit::Shared(9),
                ..consolation(0)
            }]
        }
        17 => terms.rewards = vec![generation(Base::Price, Vec::new(), None)],
        18 => terms.rewards = vec![generation(Base::Price, vec![Rate(1_000_001)], None)],
        19 => terms.rewards = vec![generation(Base::Price, vec![Rate(0)], Some(Vec::new()))],
        20 => terms.rewards = vec![generation(Base::Consolation, vec![Rate(0)], None)],
        21 => {
            terms.product.cost = Money(terms.group.price.0 + 1);
            terms.rewards = vec![generation(Base::Margin, vec![Rate(0)], None)];
        }
        22 => terms.profile = Profile::CnDefault,
        23 => {
            terms.draw.source = BeaconSource::Local {
                beacon: [1; 32],
                genesis: 9_000_000_000,
                period: 3,
            }
        }
        24 => {
            terms.rewards = (0..17)
                .map(|_| generation(Base::Price, vec![Rate(0)], None))
                .collect()
        }
        25 => terms.group.price = Money(0),
        26 => {
            terms.draw.source = BeaconSource::Local {
                beacon: [1; 32],
                genesis: 0,
                period: 0,
            }
        }
        // By one fen too much.
        _ => {
            let left = model::worst(&terms);
            terms.rewards.push(Reward {
                program: Program::Leader(Leader {
                    cash: Money(left + 1),
                    coins: Coins(0),
                    unless_won: false,
                }),
                limit: Limit::None,
            });
        }
    }
    terms
}

fn cap(name: &str) -> Cap {
    Cap {
        name: name.to_owned(),
        limit: Money(1),
    }
}
