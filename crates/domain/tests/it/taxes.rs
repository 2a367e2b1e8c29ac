//! Tax that is withheld of rewards in cash that came by chance (rules 9.3).

use proptest::prelude::*;

use domain::{
    rewards::{Limit, Program, Reward, WinnerBonus},
    *,
};

use crate::{
    profiles::own_profile,
    shop::{Shop, campaign, consolation},
};

const FIFTH: Rate = Rate(200_000);

/// Four seats, one winner with a bonus of 30.03 and 5 coins, 5.04 for the others; a fifth is withheld.
pub(crate) fn taxed() -> Campaign {
    let mut own = own_profile();
    own.terms.withholding.occasional = FIFTH;
    let mut terms = campaign(10_000, 4, 1, 2_000);
    terms.profile = Profile::Own(Box::new(own));
    terms.rewards = vec![
        consolation(504, 300),
        Reward {
            program: Program::WinnerBonus(WinnerBonus {
                cash: Money(3_003),
                coins: Coins(500),
            }),
            limit: Limit::None,
        },
        Reward {
            program: Program::Leader(rewards::Leader {
                cash: Money(100),
                coins: Coins(0),
                unless_won: false,
            }),
            limit: Limit::None,
        },
    ];
    terms
}

fn publish(shop: &mut Shop, terms: Campaign) -> CampaignId {
    shop.must(Command::AdoptProfile {
        profile: Box::new(terms.profile.clone()),
    });
    shop.publish(terms)
}

/// One settled group of a campaign: its settlement, its winner, and a non-winner.
fn settled(shop: &mut Shop, terms: Campaign) -> (GroupSettled, MemberId, MemberId) {
    let members = shop.members(terms.group.seats);
    let id = publish(shop, terms);
    let group = shop.fill(id, &members);
    let settled = shop.settle(group);
    let winner = settled.buyers()[0].1.member;
    let loser = settled.split().1[0].1.member;
    (settled, winner, loser)
}

/// Available and vesting cash of a member.
fn has(shop: &Shop, member: MemberId) -> (i64, i64) {
    let known = shop.world.member(member).unwrap();
    (known.available.0, known.vesting.0)
}

fn keep(shop: &mut Shop, order: OrderId, member: MemberId) {
    shop.must(Command::ShipOrder { order });
    shop.must(Command::ReceiveOrder { order, member });
    shop.wait(7 * 86_400);
    shop.must(Command::Tick(Due::Order(order)));
}

#[test]
fn consolation_is_taxed_as_the_group_is_settled_and_a_winners_bonus_as_it_vests() {
    let mut shop = Shop::new();
    let (settled, winner, loser) = settled(&mut shop, taxed());
    let leader = settled.seats[0].member;
    let of_leader = |member| if member == leader { 100 } else { 0 };
    // 5.04: 1.008 is rounded down.
    assert_eq!(has(&shop, loser), (404, of_leader(loser)));
    assert_eq!(has(&shop, winner), (0, 3_003 + of_leader(winner)));
    assert_eq!(shop.world.tax_owed(), Money(300));
    assert_eq!(shop.balance("tax"), -300);
    // What the owner pays is the same: three consolations, the bonus, the leader's reward.
    assert_eq!(shop.balance("rewards"), 3 * 504 + 3_003 + 100);
    // Coins are a discount, the leader's reward is no luck: neither is taxed.
    assert_eq!(shop.world.member(loser).unwrap().coins, Coins(300));
    shop.check();
    keep(&mut shop, settled.first_order, winner);
    assert_eq!(has(&shop, winner), (3_003 - 600 + of_leader(winner), 0));
    assert_eq!(shop.world.member(winner).unwrap().coins, Coins(500));
    assert_eq!(shop.world.tax_owed(), Money(900));
    assert_eq!(shop.balance("rewards"), 3 * 504 + 3_003 + 100);
    let books = shop.world.books();
    assert!(books.owed.contains(&("tax", Money(900))));
    shop.check();
}

#[test]
fn what_is_reversed_was_never_received_and_consolation_stays_taxed() {
    let mut shop = Shop::new();
    let (settled, winner, loser) = settled(&mut shop, taxed());
    let order = settled.first_order;
    shop.must(Command::ShipOrder { order });
    shop.must(Command::ReceiveOrder {
        order,
        member: winner,
    });
    shop.must(Command::ReturnOrder {
        order,
        member: winner,
    });
    shop.must(Command::TakeBackOrder { order });
    assert_eq!(has(&shop, winner), (0, 0));
    assert_eq!(has(&shop, loser).0, 404);
    assert_eq!(shop.world.tax_owed(), Money(300));
    assert_eq!(shop.balance("rewards"), 3 * 504);
    shop.check();
}

#[test]
fn nothing_is_withheld_where_nothing_comes_by_chance_or_the_profile_says_so() {
    let nothing = |terms: &mut ProfileTerms| terms.withholding.occasional = Rate(0);
    let mut plain = taxed();
    assert_eq!(plain.withheld(), FIFTH);
    if let Profile::Own(own) = &mut plain.profile {
        nothing(&mut own.terms);
    }
    let mut sale = taxed();
    sale.kind = Kind::EveryoneBuys;
    sale.group.winners = 4;
    sale.rewards.remove(0);
    assert_eq!(sale.withheld(), Rate(0));
    let mut shop = Shop::new();
    let members = shop.members(4);
    let id = publish(&mut shop, sale);
    let group = shop.open(id, members[0]);
    for &member in &members[1..] {
        shop.seat(group, member);
    }
    for (order, &member) in (0..).zip(&members) {
        keep(&mut shop, OrderId(order), member);
    }
    assert_eq!(
        (shop.balance("tax"), shop.balance("rewards")),
        (0, 4 * 3_003 + 100)
    );
    shop.check();
    let mut shop = Shop::new();
    let (settled, winner, loser) = settled(&mut shop, plain);
    keep(&mut shop, settled.first_order, winner);
    assert_eq!((shop.balance("tax"), has(&shop, loser).0 % 100), (0, 4));
    shop.check();
}

/// He owes after a clawback: what is left of later rewards covers it, the tax on them is the office's all the same.
#[test]
fn tax_is_withheld_of_what_covers_a_clawback_too() {
    let mut shop = Shop::new();
    let members = shop.members(4);
    let id = publish(&mut shop, taxed());
    let first = shop.fill(id, &members);
    let first = shop.settle(first);
    let member = first.split().1[0].1.member;
    crate::withdrawals::withdraw(&mut shop, member, 1, 400).unwrap();
    crate::withdrawals::approve(&mut shop, WithdrawalId(0)).unwrap();
    shop.must(Command::NotePayout {
        withdrawal: WithdrawalId(0),
        outcome: PayoutOutcome::Paid,
    });
    shop.must(Command::ClawBack {
        member,
        amount: Money(404),
        group: None,
    });
    assert_eq!(has(&shop, member).0, -400);
    loop {
        let group = shop.fill(id, &members);
        if shop.settle(group).buyers()[0].1.member != member {
            break;
        }
    }
    assert_eq!(has(&shop, member).0, 4);
    assert_eq!(shop.world.uncovered(member), Money(0));
    shop.check();
}

#[test]
fn what_was_withheld_is_handed_over_once_and_no_more() {
    let mut shop = Shop::new();
    settled(&mut shop, taxed());
    shop.refund_all();
    let held = shop.world.books().held;
    let pay = |fen| Command::PayTax { amount: Money(fen) };
    let code = |answer: Result<Answer, Refusal>| answer.map_err(|refusal| refusal.code());
    //                 fen   outcome
    let rows = [
        (0, Err("amount_not_positive")),
        (-1, Err("amount_not_positive")),
        (301, Err("tax_too_large")),
        (i64::MAX, Err("tax_too_large")),
        (200, Ok(())),
        (101, Err("tax_too_large")),
        (100, Ok(())),
        (1, Err("tax_too_large")),
    ];
    for (fen, outcome) in rows {
        assert_eq!(code(shop.try_do(pay(fen))).map(|_| ()), outcome, "{fen}");
    }
    assert_eq!(
        (shop.balance("tax"), shop.world.books().held),
        (0, Money(held.0 - 300))
    );
    assert_eq!(shop.balance("bank"), -300);
    shop.check();
}

/// As [`taxed`], but the owner bears the fifth.
fn borne() -> Campaign {
    let mut terms = taxed();
    if let Profile::Own(own) = &mut terms.profile {
        own.terms.withholding.borne_by = TaxBearer::Owner;
    }
    terms
}

#[test]
fn what_the_owner_bears_comes_on_top_and_the_member_gets_all_of_his_reward() {
    let mut shop = Shop::new();
    let (settled, winner, loser) = settled(&mut shop, borne());
    let leader = settled.seats[0].member;
    let of_leader = |member| if member == leader { 100 } else { 0 };
    // 5.04 and a quarter of it, of which a fifth is withheld; 30.03 and 7.50.
    assert_eq!(settled.consolation_cash, Money(504 + 126));
    assert_eq!(has(&shop, loser), (504, of_leader(loser)));
    assert_eq!(has(&shop, winner), (0, 3_003 + 750 + of_leader(winner)));
    assert_eq!(shop.world.tax_owed(), Money(3 * 126));
    assert_eq!(shop.balance("rewards"), 3 * 630 + 3_753 + 100);
    shop.check();
    keep(&mut shop, settled.first_order, winner);
    assert_eq!(has(&shop, winner), (3_003 + of_leader(winner), 0));
    assert_eq!(shop.world.tax_owed(), Money(3 * 126 + 750));
    shop.check();
}

/// The gate counts it, and a cap is a cap on what the owner pays.
#[test]
fn the_gate_and_caps_count_the_tax_that_the_owner_bears() {
    let left = |terms: &Campaign| solvency(terms).unwrap().worst;
    let (member, owner) = (left(&taxed()), left(&borne()));
    assert_eq!(member.0 - owner.0, 3 * 126 + 750);
    let mut capped = borne();
    capped.rewards[0].limit = Limit::Own(Money(700));
    let mut shop = Shop::new();
    let (settled, _, _) = settled(&mut shop, capped);
    let consoled: Vec<i64> = settled
        .split()
        .1
        .iter()
        .map(|(_, seat)| has(&shop, seat.member).0)
        .collect();
    // 6.30 in full, 0.70 of which 0.14 is withheld, nothing.
    assert_eq!(consoled, [504, 56, 0]);
    assert_eq!(shop.world.tax_owed(), Money(126 + 14));
    shop.check();
}

proptest! {
    /// Whatever rate below 100 %: what is withheld of the sum is the tax on it, and the member gets his reward to the fen.
    #[test]
    fn what_is_withheld_of_a_reward_with_its_tax_leaves_the_reward(fen in 0i64..1 << 40, ppm in 0u32..1_000_000) {
        let mut terms = borne();
        if let Profile::Own(own) = &mut terms.profile {
            own.terms.withholding.occasional = Rate(ppm);
        }
        let gross = terms.with_tax(Money(fen)).unwrap();
        let (tax, net) = Rate(ppm).withheld_of(gross).unwrap();
        prop_assert_eq!(net, Money(fen));
        prop_assert_eq!(tax, Money(gross.0 - fen));
    }
}

#[test]
fn a_tax_of_everything_cannot_be_borne() {
    let mut own = own_profile();
    own.terms.withholding.borne_by = TaxBearer::Owner;
    let adopt = |own: &OwnProfile| Command::AdoptProfile {
        profile: Box::new(Profile::Own(Box::new(own.clone()))),
    };
    let mut shop = Shop::new();
    for ppm in [0, 1, 999_999] {
        own.terms.withholding.occasional = Rate(ppm);
        shop.must(adopt(&own));
    }
    own.terms.withholding.occasional = Rate(1_000_000);
    let refused = shop.try_do(adopt(&own));
    let field = "withholding.occasional";
    assert!(
        matches!(refused, Err(Refusal::InvalidProfile { field: found, .. }) if found == field),
        "{refused:?}"
    );
    own.terms.withholding.borne_by = TaxBearer::Member;
    shop.must(adopt(&own));
}

/// Every event that tax is in, for the stored records.
pub(crate) fn every_kind() -> Vec<Record> {
    let mut shop = Shop::new();
    let (settled, winner, _) = settled(&mut shop, taxed());
    keep(&mut shop, settled.first_order, winner);
    shop.must(Command::PayTax { amount: Money(1) });
    shop.records
}

/// What members are told they can get at most is what reaches them: the tax that the owner bears goes to the tax office.
#[test]
fn what_members_can_get_at_most_is_without_the_tax_that_the_owner_bears() {
    let most = |terms: &Campaign| most_rewards(terms).unwrap();
    assert_eq!(most(&borne()), most(&taxed()));
    // Of a cap of 7.00 the first gets his 5.04 of 6.30, the second what is left of 0.70 without a fifth.
    let mut capped = borne();
    capped.rewards[0].limit = Limit::Own(Money(700));
    let (each, all) = most(&capped);
    assert_eq!(each[0].1.cash, Money(504 + 56));
    let others: i64 = each[1..].iter().map(|(_, bound)| bound.cash.0).sum();
    assert_eq!(all.cash, Money(504 + 56 + others));
    capped.caps = vec![Cap {
        name: "all".to_owned(),
        limit: Money(700),
    }];
    capped.rewards[0].limit = Limit::Shared(0);
    assert_eq!(most(&capped), (each, all));
}
