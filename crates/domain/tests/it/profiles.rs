//! Profiles: what may be published and begin under the installation's own limits (rules 11).

use domain::{rewards::*, *};

use crate::{
    purchases::{asked, buy, list, pay, terms as goods},
    shop::{Shop, consolation, e0},
    standing::sale,
};

/// Everything in the book, signed for until the last day of 2099.
pub(crate) fn own_profile() -> OwnProfile {
    OwnProfile {
        name: "ours".to_owned(),
        signed_by: "Wang Xiaoming".to_owned(),
        opinion: [7; 32],
        expires: Millis::of_date(2100, 1, 1).unwrap(),
        campaigns: Vec::new(),
        terms: Profile::Seed.terms().clone(),
    }
}

fn adopt(profile: Profile) -> Command {
    Command::AdoptProfile {
        profile: Box::new(profile),
    }
}

fn under(own: &OwnProfile) -> Profile {
    Profile::Own(Box::new(own.clone()))
}

fn code(answer: Result<Answer, Refusal>) -> String {
    match answer {
        Ok(_) => "ok".to_owned(),
        Err(Refusal::ProfileForbids { profile, limit }) => format!("{profile}: {limit}"),
        Err(Refusal::InvalidProfile { field, .. }) => field.to_owned(),
        Err(refusal) => refusal.code().to_owned(),
    }
}

fn publish(terms: Campaign) -> Command {
    Command::PublishCampaign {
        campaign: Box::new(terms),
    }
}

#[test]
fn each_limit_refuses_what_is_beyond_it_and_nothing_else() {
    type Change = fn(&mut ProfileTerms);
    let rows: &[(&str, Change)] = &[
        ("ok", |_| {}),
        ("own: kinds", |terms| terms.kinds = vec![Kind::EveryoneBuys]),
        ("own: leader_rules", |terms| {
            terms.leader_rules = vec![LeaderRule::Buys]
        }),
        ("own: consolation_cash", |terms| {
            terms.consolation = ConsolationIn::Coins
        }),
        ("ok", |terms| terms.consolation = ConsolationIn::Cash),
        ("own: formation", |terms| {
            terms.programs.retain(|&one| one != ProgramKind::Formation)
        }),
        ("ok", |terms| {
            terms.programs.retain(|&one| one != ProgramKind::Dividend)
        }),
        ("own: max_generations", |terms| terms.max_generations = 0),
        ("ok", |terms| terms.max_generations = 1),
        ("own: reward_source", |terms| {
            terms.sources = RewardSources::Buyers
        }),
        // E0's rewards cost at most 58 of the 100 that its winner pays.
        ("ok", |terms| terms.rewards_cap = Rate(580_000)),
        ("own: rewards_cap", |terms| {
            terms.rewards_cap = Rate(579_999)
        }),
        // If the winner returns, 40 are gone, and a unit worth 20 is back in stock.
        ("campaign_not_solvent", |terms| {
            terms.return_reserve = Rate(1_000_000)
        }),
    ];
    for (expected, change) in rows {
        let mut own = own_profile();
        change(&mut own.terms);
        let mut shop = Shop::new();
        shop.must(adopt(under(&own)));
        let mut terms = e0();
        terms.profile = under(&own);
        assert_eq!(code(shop.try_do(publish(terms))), *expected);
        shop.check();
    }
}

#[test]
fn coins_and_prizes_have_limits_too() {
    let mut own = own_profile();
    own.terms.consolation = ConsolationIn::Cash;
    let mut shop = Shop::new();
    shop.must(adopt(under(&own)));
    let mut terms = e0();
    terms.rewards[0] = consolation(500, 1);
    terms.profile = under(&own);
    assert_eq!(code(shop.try_do(publish(terms))), "own: consolation_coins");
    own.terms.prize_cap = Money(4_999);
    shop.must(adopt(under(&own)));
    let mut terms = e0();
    terms.kind = Kind::BonusDraw;
    terms.rewards.clear();
    terms.caps.clear();
    terms.prize = Some(Prize {
        title: terms.name.clone(),
        cost: Money(5_000),
    });
    terms.profile = under(&own);
    assert_eq!(code(shop.try_do(publish(terms))), "own: prize_value_cap");
}

/// What is drawn for is worth what it sells for or what it costs, whichever is more; of a treat it is the largest bill.
#[test]
fn the_cap_of_prizes_is_for_what_is_drawn() {
    let draw = |terms: &mut Campaign| terms.product.cost = Money(2_000);
    let dear = |terms: &mut Campaign| terms.product.cost = Money(10_001);
    let treat = |terms: &mut Campaign| {
        terms.kind = Kind::Treat;
        terms.product.fulfilment = Fulfilment::AtTable;
        terms.product.cost = Money::ZERO;
        terms.group.price_from = Some(Money(6_000));
        terms.merchant = Some(MerchantTerms {
            commission: Rate(100_000),
        });
    };
    let sold = |terms: &mut Campaign| {
        terms.kind = Kind::EveryoneBuys;
        terms.group.winners = terms.group.seats;
        terms.rewards.clear();
    };
    let ballot = |terms: &mut Campaign| {
        terms.kind = Kind::Ballot;
        terms.rewards.clear();
    };
    let prize = |terms: &mut Campaign, cost| {
        terms.kind = Kind::BonusDraw;
        terms.rewards.clear();
        terms.prize = Some(Prize {
            title: terms.name.clone(),
            cost: Money(cost),
        });
    };
    let of_merchant = |terms: &mut Campaign| {
        terms.product.cost = Money::ZERO;
        terms.merchant = Some(MerchantTerms {
            commission: Rate(100_000),
        });
    };
    type Change<'a> = &'a dyn Fn(&mut Campaign);
    let cap = "own: prize_value_cap";
    let rows: &[(&str, i64, Change<'_>)] = &[
        ("ok", 10_000, &draw),
        (cap, 9_999, &draw),
        (cap, 10_000, &dear),
        ("ok", 10_000, &treat),
        (cap, 9_999, &treat),
        // Everybody gets what he pays for: nothing is won.
        ("ok", 9_999, &sold),
        ("ok", 9_999, &ballot),
        ("ok", 5_000, &|terms| prize(terms, 5_000)),
        ("ok", 5_000, &|terms| prize(terms, 0)),
        // What a merchant's prize costs is his own affair, so where there is a cap he must say it.
        (cap, 5_000, &|terms| {
            prize(terms, 0);
            of_merchant(terms);
        }),
        ("ok", 5_000, &|terms| {
            prize(terms, 1);
            of_merchant(terms);
        }),
        ("ok", i64::MAX, &|terms| {
            prize(terms, 0);
            of_merchant(terms);
        }),
    ];
    for (at, (expected, cap, change)) in rows.iter().enumerate() {
        let mut own = own_profile();
        own.terms.prize_cap = Money(*cap);
        let mut terms = e0();
        change(&mut terms);
        let checked = under(&own).check(&terms).map(|()| Answer::Done);
        assert_eq!(code(checked), *expected, "row {at}");
    }
}

/// After its last day nothing begins that brings money. What was begun is filled and paid, and what is a member's goes out.
#[test]
fn after_its_last_day_nothing_is_bought_and_what_was_begun_goes_on() {
    let mut shop = Shop::new();
    let members = shop.members(3);
    let store = {
        let merchant = shop.admit(crate::counters::at_store());
        shop.open_store(merchant)
    };
    let mut brief = own_profile();
    brief.expires = shop.world.now().after(Duration(60_000));
    shop.must(adopt(under(&brief)));
    let mut terms = crate::shop::campaign(10_000, 3, 1, 2_000);
    terms.profile = under(&brief);
    terms.rewards = vec![consolation(500, 0)];
    let campaign = shop.publish(terms);
    let sku = list(&mut shop, goods(1_000, 500), 9);
    let before = asked(&shop, members[0], sku, 1, 1, 0);
    let reserved = buy(&mut shop, before).unwrap();
    let done = shop.fill(campaign, &members);
    shop.settle(done);
    let group = shop.open(campaign, members[0]);
    shop.wait(60);
    let after = asked(&shop, members[0], sku, 2, 1, 0);
    let refused = buy(&mut shop, after).map(|_| Answer::Done);
    assert_eq!(code(refused), "own: expires");
    let claim = shop.claim(members[0]);
    let refused = shop.pay_at(store, (1_000, None), Some(claim));
    assert_eq!(code(refused.map(|_| Answer::Done)), "own: expires");
    // Reserved before, it is paid; begun before, the group fills and is drawn.
    assert_eq!(pay(&mut shop, reserved, "P1", 1_000), "paid");
    shop.seat(group, members[1]);
    shop.seat(group, members[2]);
    shop.settle(group);
    let loser = crate::withdrawals::loser(&shop, &members);
    let withdrawal = Command::Withdraw {
        member: loser,
        token: [1; 16],
        amount: Money(100),
        account: [9; 16],
    };
    assert_eq!(code(shop.try_do(withdrawal)), "ok");
    shop.check();
}

/// An own profile's last day holds for what was published under it, whatever the installation has adopted since.
#[test]
fn what_was_published_under_a_profile_does_not_begin_after_its_last_day() {
    for next in [Profile::Seed, under(&own_profile())] {
        let mut shop = Shop::new();
        let member = shop.member(None);
        let mut brief = own_profile();
        brief.name = "brief".to_owned();
        brief.expires = shop.world.now().after(Duration(60_000));
        shop.must(adopt(under(&brief)));
        let mut terms = e0();
        terms.profile = under(&brief);
        let campaign = shop.publish(terms);
        shop.must(adopt(next));
        let open = || Command::OpenGroup {
            campaign,
            member,
            via: None,
        };
        shop.must(open());
        shop.wait(60);
        assert_eq!(code(shop.try_do(open())), "own: expires");
        shop.check();
    }
}

#[test]
fn an_own_profile_names_who_signs_and_until_when() {
    type Change = fn(&mut OwnProfile);
    let rows: &[(&str, Change)] = &[
        ("ok", |_| {}),
        ("name", |own| own.name = " ".to_owned()),
        ("signed_by", |own| own.signed_by.clear()),
        ("signed_by", |own| {
            own.signed_by = "x".repeat(MAX_PROFILE_TEXT + 1)
        }),
        ("opinion_sha256", |own| own.opinion = [0; 32]),
        ("campaigns", |own| own.campaigns = vec![String::new()]),
        ("kinds", |own| own.terms.kinds.clear()),
        ("leader_rules", |own| own.terms.leader_rules.clear()),
        ("coin_offset", |own| own.terms.coin_offset = Rate(1_000_001)),
        ("withdrawal.minimum", |own| {
            own.terms.withdrawal.minimum = Money(0)
        }),
        ("withdrawal.fee", |own| {
            own.terms.withdrawal.fee = Rate(1_000_000)
        }),
        ("ok", |own| own.terms.withdrawal.fee = Rate(999_999)),
        ("coins.months", |own| own.terms.coin_months = 0),
        ("limits.pause", |own| {
            own.terms.loss_pause = Some(LossPause {
                losses: 0,
                pause: Duration(1),
            });
        }),
        ("own: expires", |own| {
            own.expires = Millis::of_date(2023, 1, 1).unwrap()
        }),
    ];
    for (expected, change) in rows {
        let mut own = own_profile();
        change(&mut own);
        let mut shop = Shop::new();
        assert_eq!(code(shop.try_do(adopt(under(&own)))), *expected);
        let installed = if *expected == "ok" { "own" } else { "seed" };
        assert_eq!(shop.world.profile().name(), installed);
        shop.check();
    }
}

#[test]
fn only_the_demonstration_profile_lets_campaigns_choose() {
    let own = own_profile();
    let (mut draw, mut sold) = (e0(), sale(1, 0));
    sold.rewards.clear();
    let as_own = |terms: &Campaign| Campaign {
        profile: under(&own),
        ..terms.clone()
    };
    let mut shop = Shop::new();
    assert_eq!(code(shop.try_do(publish(as_own(&draw)))), "seed: profile");
    shop.must(adopt(Profile::CnDefault));
    shop.must(crate::identities::organiser("Lakeside Ltd", "400-123"));
    assert_eq!(
        code(shop.try_do(publish(draw.clone()))),
        "cn-default: profile"
    );
    sold.profile = Profile::CnDefault;
    shop.must(publish(sold.clone()));
    shop.must(adopt(under(&own)));
    assert_eq!(code(shop.try_do(publish(sold))), "own: profile");
    draw.profile = Profile::Seed;
    assert_eq!(code(shop.try_do(publish(draw.clone()))), "own: profile");
    assert_eq!(code(shop.try_do(publish(as_own(&draw)))), "ok");
    // Another text under the same name is another profile.
    let mut other = own_profile();
    other.terms.coin_months = 1;
    draw.profile = under(&other);
    assert_eq!(code(shop.try_do(publish(draw))), "own: profile");
    shop.check();
}

#[test]
fn a_tighter_profile_ends_what_may_begin_and_lets_open_groups_go_on() {
    let mut shop = Shop::new();
    let id = shop.publish(e0());
    let members = shop.members(6);
    let group = shop.open(id, members[0]);
    shop.seat(group, members[1]);
    shop.must(adopt(Profile::CnDefault));
    let open = |member| Command::OpenGroup {
        campaign: id,
        member,
        via: None,
    };
    assert_eq!(code(shop.try_do(open(members[5]))), "cn-default: kinds");
    for &member in &members[2..5] {
        shop.seat(group, member);
    }
    shop.settle(group);
    shop.check();
    // An own profile ends with its last day, and covers what it names.
    let mut own = own_profile();
    own.campaigns = vec!["another".to_owned()];
    shop.must(adopt(under(&own)));
    assert_eq!(code(shop.try_do(open(members[5]))), "own: campaigns");
    own.campaigns.push(e0().name.zh);
    own.expires = shop.world.now().after(Duration(60_000));
    shop.must(adopt(under(&own)));
    shop.must(open(members[5]));
    shop.wait(60);
    assert_eq!(code(shop.try_do(open(members[4]))), "own: expires");
    shop.check();
}

/// A group begins only where its campaign could be published today: its plan and the reserves count, too.
#[test]
fn what_could_not_be_published_today_does_not_begin() {
    let mut by_heads = own_profile();
    by_heads.terms.vip_by = VipBasis::KeptSales;
    let mut reserved = own_profile();
    reserved.terms.return_reserve = Rate(RATE_ONE_PPM);
    let mut other = own_profile();
    other.name = "the same limits".to_owned();
    let mut shop = Shop::new();
    let plan = PlanTerms {
        vip: VipRule::Invitees(vec![1]),
        ..crate::standing::low_plan()
    };
    let plan = shop.publish_plan(plan);
    let heads = shop.publish(sale(plan, 0));
    let draw = shop.publish(e0());
    let member = shop.member(None);
    let mut begins = |own: &OwnProfile, campaign| {
        shop.must(adopt(under(own)));
        let answer = shop.try_do(Command::OpenGroup {
            campaign,
            member,
            via: None,
        });
        shop.check();
        code(answer)
    };
    assert_eq!(begins(&by_heads, heads), "own: vip_by_invitees");
    assert_eq!(begins(&by_heads, draw), "ok");
    assert_eq!(begins(&reserved, draw), "own: reserves");
    assert_eq!(begins(&other, heads), "ok");
    assert_eq!(begins(&other, draw), "ok");
}

#[test]
fn a_campaign_of_coins_only_is_what_the_cautious_profile_wants() {
    let mut terms = sale(1, 0);
    terms.rewards = vec![Reward {
        program: Program::Leader(rewards::Leader {
            cash: Money(100),
            coins: Coins(0),
            unless_won: false,
        }),
        limit: Limit::None,
    }];
    terms.profile = Profile::CnDefault;
    let mut shop = Shop::new();
    shop.must(adopt(Profile::CnDefault));
    shop.must(crate::identities::organiser("Lakeside Ltd", "400-123"));
    let id = shop.publish(terms);
    assert_eq!(
        shop.world.campaign(id).unwrap().terms.profile,
        Profile::CnDefault
    );
}

/// A cap on rewards is a share of what is sold: a template's smallest table may be over it where its largest is not.
#[test]
fn a_template_keeps_the_cap_on_rewards_with_every_table() {
    let mut own = own_profile();
    own.terms.rewards_cap = Rate(200_000);
    let mut terms = crate::shop::campaign(30_000, 6, 1, 0);
    terms.kind = Kind::Treat;
    terms.product.fulfilment = Fulfilment::AtTable;
    terms.merchant = Some(MerchantTerms {
        commission: Rate(100_000),
    });
    terms.profile = under(&own);
    // Five get 5.00 each: a fifth of a bill of 125.00.
    terms.rewards = vec![consolation(500, 0)];
    for (least, outcome) in [(12_500, "ok"), (12_499, "own: rewards_cap")] {
        terms.group.price_from = Some(Money(least));
        let checked = terms.check().map(|()| Answer::Done);
        assert_eq!(code(checked), outcome, "{least}");
    }
}
