//! The published campaign file: its bytes, and the law that reading it gives the same terms again.

use domain::rewards::{
    Base, Consolation, Formation, Generation, Leader, Limit, Program, Reward, Source, WinnerBonus,
};
use domain::{
    BeaconSource, Campaign, Cap, ChannelTerms, Coins, DrawTerms, Duration, Fulfilment, GroupTerms,
    Kind, LeaderRule, Money, Product, Profile, ProgramKind, Rate, Text, published_file,
};
use proptest::prelude::*;
use schema::{Installation, parse_json, parse_json_value, parse_toml, to_json};

/// Campaigns are named after the hash of these bytes: repair `published_file`, never this text.
const GOLDEN: &str = r#"# potluck-campaign/v1
name = { zh = "五人团 \"茶\"", en = "Five \\ tea" }
kind = "draw"
profile = "seed"
plan = 1

[product]
title = { zh = "茶", en = "Tea" }
cost = "20.00"
fulfilment = "ship"

[group]
price = "100.00"
seats = 5
winners = 1
leader = "exempt"
circle = "off"
fill_within = "1d"
payment_window = "90s"
seats_per_member = 2
entries_per_day = 0

[draw]
source = "local"
delay = "3s"

[channel]
fee = "0.6%"
kept_on_refund = true

[caps]
others = "0.05"
uplines = "30.00"

[envelope]
leftover = "owner"

[[reward]]
program = "consolation"
cash = "5.00"
coins = "0.50"

[[reward]]
program = "winner-bonus"
cash = "0.00"
coins = "1.00"
cap = "7.00"

[[reward]]
program = "leader"
cash = "3.00"
coins = "0.00"
unless_won = true

[[reward]]
program = "formation"
per_recruit = "2.00"
share = "others"

[[reward]]
program = "generation"
source = "all"
fixed = "6.00"
rates = ["100%", "2.5%", "0.0001%"]
share = "uplines"

[[reward]]
program = "generation"
source = "non-winners"
base = "consolation"
rates = ["5%"]
vip_depth = [0, 1]
"#;

fn installation() -> Installation {
    Installation {
        log: draw::Origin::new("shop.example/log").unwrap(),
        source: BeaconSource::Local {
            beacon: [7; 32],
            genesis: 1,
            period: 3,
        },
        delay_s: 3,
        own: None,
    }
}

fn reward(program: Program, limit: Limit) -> Reward {
    Reward { program, limit }
}

fn golden() -> Campaign {
    let text = |zh: &str, en: &str| Text {
        zh: zh.to_owned(),
        en: en.to_owned(),
    };
    let cap = |name: &str, fen| Cap {
        name: name.to_owned(),
        limit: Money(fen),
    };
    Campaign {
        name: text("五人团 \"茶\"", "Five \\ tea"),
        kind: Kind::Draw,
        profile: Profile::Seed,
        plan: 1,
        product: Product {
            title: text("茶", "Tea"),
            cost: Money(2_000),
            fulfilment: Fulfilment::Ship,
        },
        group: GroupTerms {
            price: Money(10_000),
            seats: 5,
            winners: 1,
            leader: LeaderRule::Exempt,
            fill_within: Duration::seconds(86_400),
            payment_window: Duration::seconds(90),
            seats_per_member: 2,
            chance: None,
            circle: domain::Circle::Off,
            entries_per_day: 0,
            seats_from: None,
            price_from: None,
        },
        draw: DrawTerms {
            log: installation().log,
            source: installation().source,
            delay_s: 3,
        },
        channel: ChannelTerms {
            fee: Rate(6_000),
            kept_on_refund: true,
        },
        caps: vec![cap("others", 5), cap("uplines", 3_000)],
        prize: None,
        merchant: None,
        origin_share: None,
        leftover: domain::Leftover::Owner,
        rewards: golden_rewards(),
    }
}

fn golden_rewards() -> Vec<Reward> {
    let (cash, coins, unless_won) = (Money(300), Coins(0), true);
    let fixed = Generation {
        source: Source::All,
        base: Base::Fixed(Money(600)),
        rates: vec![Rate(1_000_000), Rate(25_000), Rate(1)],
        vip_depth: None,
    };
    let of_consolation = Generation {
        source: Source::NonWinners,
        base: Base::Consolation,
        rates: vec![Rate(50_000)],
        vip_depth: Some(vec![0, 1]),
    };
    let consolation = Consolation {
        cash: Money(500),
        coins: Coins(50),
    };
    let bonus = WinnerBonus {
        cash: Money(0),
        coins: Coins(100),
    };
    let formation = Formation {
        per_recruit: Money(200),
    };
    vec![
        reward(Program::Consolation(consolation), Limit::None),
        reward(Program::WinnerBonus(bonus), Limit::Own(Money(700))),
        reward(
            Program::Leader(Leader {
                cash,
                coins,
                unless_won,
            }),
            Limit::None,
        ),
        reward(Program::Formation(formation), Limit::Shared(0)),
        reward(Program::Generation(fixed), Limit::Shared(1)),
        reward(Program::Generation(of_consolation), Limit::None),
    ]
}

#[test]
fn bytes_of_a_published_file() {
    assert_eq!(published_file(&golden()), GOLDEN);
    assert_eq!(
        parse_toml(GOLDEN).unwrap().resolve(&installation()),
        Ok(golden())
    );
    assert_eq!(
        parse_json_value(&to_json(&golden()))
            .unwrap()
            .resolve(&installation()),
        Ok(golden())
    );
}

#[test]
fn the_order_of_caps_means_nothing() {
    let mut other = golden();
    other.caps.swap(0, 1);
    for reward in &mut other.rewards {
        if let Limit::Shared(at) = &mut reward.limit {
            *at = 1 - *at;
        }
    }
    assert_eq!(published_file(&other), GOLDEN);
}

fn text() -> impl Strategy<Value = Text> {
    let one = || "[^\\p{C}]{0,20}[\\p{Han}a-z\"\\\\#'{}=\\[\\]][^\\p{C}]{0,20}";
    (one(), one()).prop_map(|(zh, en)| Text { zh, en })
}

fn money(most: i64) -> impl Strategy<Value = Money> {
    (0..=most).prop_map(Money)
}

fn coins() -> impl Strategy<Value = Coins> {
    (0i64..=1_000_000).prop_map(Coins)
}

fn generation() -> impl Strategy<Value = Program> {
    let source = prop_oneof![
        Just(Source::Winners),
        Just(Source::NonWinners),
        Just(Source::All)
    ];
    let base = prop_oneof![
        Just(Base::Price),
        Just(Base::Consolation),
        Just(Base::Margin),
        money(10_000).prop_map(Base::Fixed)
    ];
    let rates = prop::collection::vec((0u32..=1_000_000).prop_map(Rate), 1..6);
    (
        source,
        base,
        rates,
        prop::option::of(prop::collection::vec(0u32..6, 1..6)),
    )
        .prop_map(|(source, base, rates, depths)| {
            let most = u32::try_from(rates.len()).unwrap();
            let vip_depth =
                depths.map(|depths| depths.into_iter().map(|depth| depth.min(most)).collect());
            Program::Generation(Generation {
                source,
                base,
                rates,
                vip_depth,
            })
        })
}

fn program() -> impl Strategy<Value = Program> {
    prop_oneof![
        (money(5_000), coins())
            .prop_map(|(cash, coins)| Program::WinnerBonus(WinnerBonus { cash, coins })),
        (money(5_000), coins(), any::<bool>()).prop_map(|(cash, coins, unless_won)| {
            Program::Leader(Leader {
                cash,
                coins,
                unless_won,
            })
        }),
        money(5_000).prop_map(|per_recruit| Program::Formation(Formation { per_recruit })),
        generation(),
    ]
}

fn rewards() -> impl Strategy<Value = (Vec<Cap>, Vec<Reward>)> {
    let caps =
        prop::collection::btree_map("[a-z0-9_-]{1,32}", money(100_000), 0..4).prop_map(|caps| {
            caps.into_iter()
                .map(|(name, limit)| Cap { name, limit })
                .collect::<Vec<_>>()
        });
    let limit = prop_oneof![
        Just(Limit::None),
        money(50_000).prop_map(Limit::Own),
        (0u32..4).prop_map(Limit::Shared)
    ];
    let consolation = (money(5_000), coins())
        .prop_map(|(cash, coins)| Program::Consolation(Consolation { cash, coins }));
    let others = prop::collection::vec((program(), limit.clone()), 0..5);
    (caps, (consolation, limit), others).prop_map(|(caps, first, others)| {
        let known = u32::try_from(caps.len()).unwrap();
        let mut seen = vec![];
        let rewards = std::iter::once(first)
            .chain(others)
            .filter(|(program, _)| {
                let again = seen.contains(&program.kind());
                seen.push(program.kind());
                !again || program.kind() == ProgramKind::Generation
            })
            .map(|(program, limit)| match limit {
                Limit::Shared(at) if known <= at => reward(program, Limit::None),
                Limit::None | Limit::Own(_) | Limit::Shared(_) => reward(program, limit),
            });
        let rewards = rewards.collect();
        (caps, rewards)
    })
}

fn group() -> impl Strategy<Value = GroupTerms> {
    let leader = prop_oneof![Just(LeaderRule::Equal), Just(LeaderRule::Exempt)];
    (
        1_000_000i64..=10_000_000,
        3u32..=10_000,
        leader,
        1_000i64..=7_776_000_000,
        1_000i64..=86_400_000,
    )
        .prop_map(|(fen, seats, leader, fill, pay)| GroupTerms {
            price: Money(fen),
            seats,
            winners: 1 + seats / 7,
            leader,
            fill_within: Duration(fill),
            payment_window: Duration(pay - pay % 1_000),
            seats_per_member: 1 + seats / 100,
            chance: None,
            circle: domain::Circle::Off,
            entries_per_day: 0,
            seats_from: None,
            price_from: None,
        })
}

fn draw_terms() -> impl Strategy<Value = DrawTerms> {
    let source = prop_oneof![
        Just(BeaconSource::DrandQuicknet),
        Just(installation().source)
    ];
    (source, 30u64..=2_592_000).prop_map(|(source, delay_s)| DrawTerms {
        log: installation().log,
        source,
        delay_s,
    })
}

fn campaign() -> impl Strategy<Value = Campaign> {
    let product = (text(), money(900_000)).prop_map(|(title, cost)| Product {
        title,
        cost,
        fulfilment: Fulfilment::Ship,
    });
    let channel =
        (0u32..=1_000_000, any::<bool>()).prop_map(|(fee, kept_on_refund)| ChannelTerms {
            fee: Rate(fee),
            kept_on_refund,
        });
    (text(), product, group(), draw_terms(), channel, rewards()).prop_map(
        |(name, product, group, draw, channel, (caps, rewards))| Campaign {
            name,
            kind: Kind::Draw,
            profile: Profile::Seed,
            plan: 1,
            product,
            group,
            draw,
            channel,
            caps,
            rewards,
            prize: None,
            merchant: None,
            origin_share: None,
            leftover: domain::Leftover::Owner,
        },
    )
}

proptest! {
    #[test]
    fn a_published_file_and_its_json_resolve_to_the_terms_they_were_made_from(terms in campaign()) {
        // The one rule the strategy does not keep: large groups with many generations make too many payments.
        let too_many = domain::Refusal::InvalidCampaign {
            field: "reward",
            must: "could make more than 100000 payments in one group",
        };
        let checked = terms.check();
        prop_assume!(checked != Err(too_many));
        prop_assert_eq!(checked, Ok(()));
        let file = published_file(&terms);
        prop_assert!(file.ends_with('\n') && !file.contains('\r'));
        prop_assert_eq!(parse_toml(&file).unwrap().resolve(&installation()), Ok(terms.clone()));
        let json = to_json(&terms);
        prop_assert_eq!(parse_json_value(&json).unwrap().resolve(&installation()), Ok(terms.clone()));
        let bytes = serde_json::to_vec(&json).unwrap();
        prop_assert_eq!(parse_json(&bytes).unwrap().resolve(&installation()), Ok(terms));
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "[\\PC\n]{0,200}", junk in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse_toml(&text);
        let _ = parse_json(&junk);
        let _ = parse_toml(&GOLDEN.replacen("100.00", &text, 1));
    }
}
