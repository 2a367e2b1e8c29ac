//! The gate of rules 8: what passes, what is refused, and what would pass.

use domain::{
    rewards::{Program, Reward},
    *,
};

use crate::{
    profiles::own_profile,
    shop::{Shop, campaign, consolation, e0, e1, e2},
};

#[test]
fn the_printed_lines() {
    //      campaign worst    return     coins       expires
    let rows = [
        (e0(), 2_200, -4_000, 2_200, 0),
        (e1(), 14_000, -15_700, 14_000, 0),
        (e2(), 14_760, -167_600, -965_240, 0),
    ];
    for (terms, worst, returns, coins, expires) in rows {
        let lines = check_solvency(&terms).unwrap();
        assert_eq!(lines.worst, Money(worst));
        assert_eq!(lines.all_winners_return, Money(returns));
        assert_eq!(lines.all_coins_at_face, Money(coins));
        assert_eq!(lines.expires_with_fees, Money(expires));
        assert!(!lines.covers_returns_and_coins());
    }
}

#[test]
fn e2_with_kept_fees_is_refused_with_the_term_and_the_nearest_values() {
    let mut terms = e2();
    terms.channel = ChannelTerms {
        fee: Rate(6_000),
        kept_on_refund: true,
    };
    let Err(Refusal::NotSolvent(shortfall)) = check_solvency(&terms) else {
        panic!()
    };
    assert_eq!(shortfall.covered, Money(-45_240));
    assert_eq!(shortfall.term, Term::Fees);
    assert_eq!(shortfall.solvency.expires_with_fees, Money(-59_400));
    assert_eq!(shortfall.winners, Some(3));
    let passes = |change: &dyn Fn(&mut Campaign)| {
        let mut changed = terms.clone();
        change(&mut changed);
        check_solvency(&changed).is_ok()
    };
    let price = shortfall.price.unwrap();
    assert!(passes(&|terms| terms.group.price = price));
    assert!(!passes(&|terms| terms.group.price = Money(price.0 - 1)));
    let cash = shortfall.consolation.unwrap();
    let with_consolation = |cash: Money| {
        passes(&|terms| match &mut terms.rewards[0].program {
            Program::Consolation(consolation) => consolation.cash = cash,
            other => panic!("{other:?}"),
        })
    };
    assert!(with_consolation(cash));
    assert!(!with_consolation(Money(cash.0 + 1)));
    let text = shortfall.to_string();
    for part in [
        "-452.40",
        "fees breaks it",
        "winners 3",
        &format!("price {price}"),
        &format!("consolation {cash}"),
    ] {
        assert!(text.contains(part), "{text}");
    }
    let mut shop = Shop::new();
    let refused = shop.try_do(Command::PublishCampaign {
        campaign: Box::new(terms),
    });
    assert_eq!(refused.unwrap_err().code(), "campaign_not_solvent");
}

#[test]
fn the_gate_is_at_zero_to_the_fen() {
    // 2 seats, 1 winner: sales 10.00, cost 6.00, one consolation of 4.00.
    let mut terms = campaign(1_000, 2, 1, 600);
    terms.rewards = vec![consolation(400, 0)];
    assert_eq!(check_solvency(&terms).unwrap().worst, Money::ZERO);
    terms.rewards = vec![consolation(401, 0)];
    let Err(Refusal::NotSolvent(shortfall)) = check_solvency(&terms) else {
        panic!()
    };
    assert_eq!(shortfall.consolation, Some(Money(400)));
    assert_eq!(shortfall.price, Some(Money(1_001)));
    assert_eq!(shortfall.winners, None);
}

#[test]
fn a_hopeless_campaign_says_so() {
    let mut terms = campaign(1, 2, 1, 0);
    terms.product.cost = Money(MAX_AMOUNT_FEN);
    terms.rewards = vec![consolation(0, 0)];
    terms.channel = ChannelTerms {
        fee: Rate(RATE_ONE_PPM),
        kept_on_refund: true,
    };
    let Err(Refusal::NotSolvent(shortfall)) = check_solvency(&terms) else {
        panic!()
    };
    assert_eq!(
        (shortfall.winners, shortfall.price, shortfall.consolation),
        (None, None, None)
    );
    assert!(
        shortfall
            .to_string()
            .contains("no number of winners, price or consolation alone would pass")
    );
}

#[test]
fn published_is_only_what_keeps_every_rule() {
    let check = |change: &dyn Fn(&mut Campaign), code: &str| {
        let mut terms = e0();
        change(&mut terms);
        let mut shop = Shop::new();
        let refused = shop
            .try_do(Command::PublishCampaign {
                campaign: Box::new(terms),
            })
            .unwrap_err();
        assert_eq!(refused.code(), code, "{refused}");
        assert!(shop.records.is_empty());
    };
    check(&|terms| terms.name.zh = " ".to_owned(), "campaign_invalid");
    check(
        &|terms| terms.product.title.zh = "参与即赚的茶".to_owned(),
        "promise_forbidden",
    );
    check(&|terms| terms.name.en = "x".repeat(401), "campaign_invalid");
    check(
        &|terms| terms.name.en = "a\nb".to_owned(),
        "campaign_invalid",
    );
    check(&|terms| terms.group.price = Money(0), "campaign_invalid");
    check(&|terms| terms.group.price = Money(-1), "campaign_invalid");
    check(
        &|terms| terms.group.price = Money(MAX_AMOUNT_FEN + 1),
        "campaign_invalid",
    );
    check(&|terms| terms.group.seats = 1, "campaign_invalid");
    check(&|terms| terms.group.seats = 10_001, "campaign_invalid");
    check(&|terms| terms.group.winners = 0, "campaign_invalid");
    check(&|terms| terms.group.winners = 5, "campaign_invalid");
    check(
        &|terms| terms.group.seats_per_member = 6,
        "campaign_invalid",
    );
    check(
        &|terms| terms.group.seats_per_member = 0,
        "campaign_invalid",
    );
    check(
        &|terms| terms.group.fill_within = Duration(0),
        "campaign_invalid",
    );
    check(
        &|terms| terms.group.payment_window = Duration::seconds(86_401),
        "campaign_invalid",
    );
    check(&|terms| terms.draw.delay_s = 2, "campaign_invalid");
    check(
        &|terms| terms.draw.source = BeaconSource::DrandQuicknet,
        "campaign_invalid",
    );
    check(&|terms| terms.plan = 2, "plan_unknown");
    check(&|terms| terms.product.cost = Money(-1), "campaign_invalid");
    check(
        &|terms| terms.channel.fee = Rate(RATE_ONE_PPM + 1),
        "campaign_invalid",
    );
    check(&|terms| terms.caps[0].limit = Money(-1), "campaign_invalid");
    check(
        &|terms| terms.caps[0].name = "上".to_owned(),
        "campaign_invalid",
    );
    check(
        &|terms| terms.caps.push(terms.caps[0].clone()),
        "campaign_invalid",
    );
    check(
        &|terms| terms.rewards.push(consolation(1, 0)),
        "campaign_invalid",
    );
    check(
        &|terms| terms.rewards[2].limit = rewards::Limit::Shared(1),
        "campaign_invalid",
    );
    check(
        &|terms| terms.profile = Profile::CnDefault,
        "profile_forbids",
    );
    check(
        &|terms| terms.rewards[0] = consolation(3_000, 0),
        "campaign_not_solvent",
    );
    // 10 000 seats with eleven generations each would make 110 000 payments.
    check(
        &|terms| {
            terms.group.seats = MAX_SEATS;
            let Program::Generation(generation) = &mut terms.rewards[2].program else {
                panic!()
            };
            generation.rates = vec![Rate(1); 11];
        },
        "campaign_invalid",
    );
}

#[test]
fn own_money_below_zero_stops_publication() {
    let mut shop = Shop::new();
    let mut terms = campaign(1_000, 3, 1, 100);
    terms.channel = ChannelTerms {
        fee: Rate(60_000),
        kept_on_refund: true,
    };
    let id = shop.publish(terms);
    let member = shop.member(None);
    shop.open(id, member);
    let publish = Command::PublishCampaign {
        campaign: Box::new(e0()),
    };
    assert_eq!(
        shop.try_do(publish.clone()),
        Err(Refusal::OwnMoneyBelowZero(Money(-60)))
    );
    assert_eq!(
        shop.try_do(Command::DepositCapital { amount: Money(0) }),
        Err(Refusal::AmountNotPositive)
    );
    shop.must(Command::DepositCapital { amount: Money(60) });
    shop.must(publish);
    shop.check();
}

#[test]
fn win_rates_must_be_whole() {
    let nearest =
        |seats, rate| match winners_of_rate((Kind::Draw, LeaderRule::Equal), seats, Rate(rate)) {
            Err(refused @ Refusal::WinRateNotWhole { .. }) => refused.to_string(),
            other => panic!("{other:?}"),
        };
    assert_eq!(
        winners_of_rate((Kind::Draw, LeaderRule::Equal), 100, Rate(30_000)),
        Ok(3)
    );
    let text = "a win rate of 2.5% of 100 seats gives no whole number of winners from 1 to 99; \
        the nearest that do: 2 of 100, 3 of 100, 2 of 80, 3 of 120";
    assert_eq!(nearest(100, 25_000), text);
    assert!(nearest(10, 1).ends_with("the nearest that do: 1 of 10"));
    assert!(nearest(10, 0).ends_with("the nearest that do: 1 of 10"));
    assert!(nearest(10, 1_000_000).ends_with("the nearest that do: 9 of 10"));
    assert!(nearest(3, 500_000).ends_with("the nearest that do: 1 of 3, 2 of 3, 1 of 2, 2 of 4"));
}

/// Who always buys wins beside another, and who is exempt never wins: what is offered keeps that, too.
#[test]
fn the_nearest_of_a_win_rate_keep_the_leaders_rule() {
    let (draw, bonus) = (Kind::Draw, Kind::BonusDraw);
    let (buys, exempt, equal) = (LeaderRule::Buys, LeaderRule::Exempt, LeaderRule::Equal);
    for (rule, seats, rate, offered) in [
        ((draw, equal), 10, 150_000, ": 1 of 10, 2 of 10, 3 of 20"),
        ((draw, buys), 10, 150_000, ": 2 of 10, 3 of 20"),
        ((draw, buys), 10, 50_000, ": 2 of 10, 2 of 40"),
        ((draw, buys), 2, 150_000, ": 3 of 20"),
        ((bonus, equal), 3, 900_000, ": 2 of 3, 3 of 3, 9 of 10"),
        ((bonus, exempt), 3, 900_000, ": 2 of 3, 9 of 10"),
    ] {
        let refused = winners_of_rate(rule, seats, Rate(rate)).unwrap_err();
        assert!(refused.to_string().ends_with(offered), "{refused}");
    }
}

/// A profile can ask that every group leaves something (rules 8); a merchant's campaign is his own affair.
#[test]
fn a_profile_has_a_margin_floor() {
    let mut own = own_profile();
    own.terms = Profile::Seed.terms().clone();
    let under = |floor: i64| {
        let mut terms = campaign(10_000, 5, 1, 2_000);
        let mut own = own.clone();
        own.terms.margin_floor = Money(floor);
        terms.profile = Profile::Own(Box::new(own));
        terms
    };
    let lines = check_solvency(&under(8_000)).unwrap();
    assert_eq!(
        (lines.worst, lines.margin_floor),
        (Money(8_000), Money(8_000))
    );
    let Err(Refusal::NotSolvent(shortfall)) = check_solvency(&under(8_001)) else {
        panic!("a group that leaves a fen too little");
    };
    assert_eq!(shortfall.term, Term::Supplier);
    assert_eq!(shortfall.price, Some(Money(10_001)));
    let text = shortfall.to_string();
    assert!(text.contains("less than 80.01; "), "{text}");
    let mut merchants = under(8_001);
    merchants.merchant = Some(MerchantTerms {
        commission: Rate(100_000),
    });
    assert_eq!(check_solvency(&merchants).unwrap().margin_floor, Money(0));
    // Nobody who was drawn in a ballot need buy: then nothing is left, and nothing is asked.
    let mut ballot = under(8_000);
    ballot.kind = Kind::Ballot;
    assert!(check_solvency(&ballot).is_ok());
}

#[test]
fn all_winners_return_counts_a_shared_cap() {
    let mut terms = campaign(10_000, 5, 1, 2_000);
    terms.caps = vec![Cap {
        name: "all".to_owned(),
        limit: Money(700),
    }];
    terms.rewards = vec![rewards::Reward {
        limit: rewards::Limit::Shared(0),
        ..consolation(500, 0)
    }];
    assert_eq!(solvency(&terms).unwrap().all_winners_return, Money(-2_700));
}

/// Everyone buys for 10.00 what costs nothing and gets 15.00 on top: 50.00 short, unless all return and nothing is owed.
#[test]
fn returns_that_would_save_the_owner_money_cover_no_loss() {
    let mut terms = campaign(1_000, 10, 10, 0);
    terms.kind = Kind::EveryoneBuys;
    terms.profile = Profile::CnDefault;
    terms.rewards = vec![rewards::Reward {
        program: Program::WinnerBonus(rewards::WinnerBonus {
            cash: Money(1_500),
            coins: Coins::ZERO,
        }),
        limit: rewards::Limit::None,
    }];
    let lines = solvency(&terms).unwrap();
    assert_eq!(lines.worst, Money(-5_000));
    assert_eq!(lines.all_winners_return, Money::ZERO);
    assert_eq!(lines.covered(), Ok(Money(-5_000)));
    assert_eq!(terms.check(), Ok(()));
    let refusal = check_solvency(&terms).unwrap_err();
    assert_eq!(refusal.code(), "campaign_not_solvent");
}

/// The more win, the more the merchant owes in bonuses, but the more commission the platform has: each line is the least
/// of its own.
#[test]
fn the_platforms_worst_of_a_merchants_campaign_is_the_least_over_all_numbers_of_winners() {
    let mut terms = campaign(1_000, 10, 3, 0);
    terms.merchant = Some(MerchantTerms {
        commission: Rate(100_000),
    });
    terms.group.chance = Some(Chance {
        p: Rate(300_000),
        min: 1,
    });
    terms.rewards = vec![rewards::Reward {
        program: Program::WinnerBonus(rewards::WinnerBonus {
            cash: Money(901),
            coins: Coins::ZERO,
        }),
        limit: rewards::Limit::None,
    }];
    let lines = solvency(&terms).unwrap();
    assert_eq!((lines.winners, lines.merchant), (3, Money(-3)));
    assert_eq!(lines.platform, Money(100));
    let Err(Refusal::NotSolvent(shortfall)) = check_solvency(&terms) else {
        panic!()
    };
    assert_eq!(shortfall.solvency.merchant, Money(-3));
    assert_eq!(shortfall.solvency.platform, Money(100));
}

/// The number of winners that leaves the owner least is not the one with which members get most.
#[test]
fn what_members_can_get_at_most_is_of_any_number_of_winners() {
    let mut terms = campaign(10_000, 30, 1, 2_000);
    terms.group.chance = Some(Chance {
        p: Rate(100_000),
        min: 1,
    });
    terms.group.winners = 5;
    let bonus = |cash| Reward {
        program: Program::WinnerBonus(rewards::WinnerBonus {
            cash: Money(cash),
            coins: Coins(7),
        }),
        limit: rewards::Limit::None,
    };
    terms.rewards = vec![consolation(100, 10), bonus(3_000)];
    let lines = solvency(&terms).unwrap();
    assert_eq!((lines.winners, lines.envelope.cash), (1, Money(5_900)));
    let (each, all) = most_rewards(&terms).unwrap();
    let of = |at: usize| (each[at].0, each[at].1.cash.0, each[at].1.coins.0);
    assert_eq!(of(0), (ProgramKind::Consolation, 2_900, 290));
    assert_eq!(of(1), (ProgramKind::WinnerBonus, 15_000, 35));
    // 25 consolations and 5 bonuses in cash; of coins 29 of the one and 1 of the other.
    assert_eq!((all.cash, all.coins), (Money(17_500), Coins(297)));
    // Of a template the largest table has most.
    let mut template = campaign(30_000, 6, 1, 0);
    template.kind = Kind::Treat;
    template.group.seats_from = Some(3);
    template.group.price_from = Some(Money(10_000));
    template.rewards = vec![consolation(500, 0)];
    assert_eq!(most_rewards(&template).unwrap().1.cash, Money(2_500));
}

/// What is offered for a template is a template that passes, with all of its tables; a table's own bill is none.
#[test]
fn what_would_pass_instead_of_a_template_is_a_template() {
    let mut terms = campaign(30_000, 6, 1, 0);
    terms.kind = Kind::Treat;
    terms.product.fulfilment = Fulfilment::AtTable;
    terms.merchant = Some(MerchantTerms {
        commission: Rate(100_000),
    });
    terms.group.seats_from = Some(3);
    terms.group.price_from = Some(Money(1_000));
    terms.rewards = vec![consolation(500, 0)];
    let short = |terms: &Campaign| match check_solvency(terms) {
        Err(Refusal::NotSolvent(short)) => Some(short),
        Ok(_) => None,
        Err(other) => panic!("{other:?}"),
    };
    let with = |change: &dyn Fn(&mut Campaign)| {
        let mut changed = terms.clone();
        change(&mut changed);
        short(&changed).is_none()
    };
    let found = short(&terms).unwrap();
    // Five get 5.00 each: a bill of 27.77 leaves 25.00 after its commission of 2.77.
    assert_eq!(found.price_from, Some(Money(2_777)));
    assert!(with(&|terms| terms.group.price_from = Some(Money(2_777))));
    assert!(!with(&|terms| terms.group.price_from = Some(Money(2_776))));
    // No largest bill helps the smallest.
    assert_eq!(found.price, None);
    assert_eq!(found.consolation, Some(Money(180)));
    for (cash, passes) in [(180, true), (181, false)] {
        assert_eq!(
            with(&|terms| terms.rewards = vec![consolation(cash, 0)]),
            passes
        );
    }
    if let Some(winners) = found.winners {
        assert!(with(&|terms| terms.group.winners = winners));
    }
    // Of one bill only, nothing has changed: the price is offered.
    terms.group.price_from = None;
    terms.group.price = Money(1_000);
    let found = short(&terms).unwrap();
    assert_eq!((found.price, found.price_from), (Some(Money(2_777)), None));
}

/// With half of the returns reserved, a term that the reserve would eat half of does not help as much as it costs.
#[test]
fn the_term_named_is_one_without_which_it_passes() {
    let mut own = crate::profiles::own_profile();
    own.terms.return_reserve = Rate(500_000);
    let mut terms = campaign(10_000, 2, 1, 8_050);
    terms.profile = Profile::Own(Box::new(own));
    terms.rewards = vec![
        consolation(1_000, 0),
        Reward {
            program: Program::Leader(rewards::Leader {
                cash: Money(150),
                coins: Coins::ZERO,
                unless_won: false,
            }),
            limit: rewards::Limit::None,
        },
    ];
    let short = |terms: &Campaign| match check_solvency(terms) {
        Err(Refusal::NotSolvent(short)) => (short.covered, short.term),
        other => panic!("{other:?}"),
    };
    // 8.00 is left, and half of the 18.00 that all returns would cost is missing. The leader's 1.50 would leave 0.25 missing.
    assert_eq!(short(&terms), (Money(-100), Term::Reserve));
    // Whatever stands in a cap with it takes its room.
    terms.profile = Profile::Seed;
    terms.caps = vec![Cap {
        name: "both".to_owned(),
        limit: Money(2_000),
    }];
    terms.rewards[0] = Reward {
        limit: rewards::Limit::Shared(0),
        ..consolation(1_990, 0)
    };
    terms.rewards[1].limit = rewards::Limit::Shared(0);
    assert_eq!(
        short(&terms),
        (Money(-50), Term::Reward(ProgramKind::Consolation))
    );
}

/// Consolation in coins is the promise that breaks it: nothing else would help.
#[test]
fn coins_that_are_too_many_are_named() {
    let mut terms = campaign(10_000, 4, 2, 9_000);
    terms.kind = Kind::BonusDraw;
    terms.profile = Profile::CnDefault;
    terms.prize = Some(Prize {
        title: crate::shop::text("prize"),
        cost: Money::ZERO,
    });
    terms.rewards = vec![consolation(0, 2_001)];
    let Err(Refusal::NotSolvent(short)) = check_solvency(&terms) else {
        panic!()
    };
    assert_eq!(
        (short.covered, short.term),
        (Money(-2), Term::Reward(ProgramKind::Consolation))
    );
}

/// Each figure of a template is the least of all its tables, also where it is refused.
#[test]
fn a_templates_figures_are_those_of_its_worst_tables() {
    let mut terms = campaign(30_000, 6, 1, 0);
    terms.kind = Kind::Treat;
    terms.product.fulfilment = Fulfilment::AtTable;
    terms.merchant = Some(MerchantTerms {
        commission: Rate(100_000),
    });
    terms.group.seats_from = Some(3);
    terms.group.price_from = Some(Money(10_000));
    terms.rewards = vec![consolation(500, 0)];
    let lines = check_solvency(&terms).unwrap();
    assert_eq!((lines.price, lines.seats), (Money(10_000), 6));
    assert_eq!(
        (lines.merchant, lines.platform),
        (Money(9_000 - 2_500), Money(1_000))
    );
    // A bonus that grows with the bill leaves least at the largest; the platform has least at the smallest.
    terms.rewards = vec![Reward {
        program: Program::Generation(rewards::Generation {
            source: rewards::Source::All,
            base: rewards::Base::Price,
            rates: vec![Rate(200_000)],
            vip_depth: None,
        }),
        limit: rewards::Limit::None,
    }];
    let Err(Refusal::NotSolvent(short)) = check_solvency(&terms) else {
        panic!()
    };
    let lines = short.solvency;
    assert_eq!((lines.price, lines.seats), (Money(30_000), 6));
    assert_eq!(
        (short.covered, lines.merchant, lines.platform),
        (Money(-9_000), Money(-9_000), Money(1_000))
    );
}
