//! Bought coins (rules 10.1): their money is in custody until they are used, and what is unused goes back.

use domain::*;
use proptest::prelude::*;

use crate::{
    purchases::{asked, buy, list, pay, terms, ticks, with_coins},
    shop::Shop,
};

/// A package of so much for so many coins, and a gift.
pub(crate) fn package(price: i64, coins: i64, gift: i64) -> SkuTerms {
    SkuTerms {
        cost: Money(0),
        coin_offset: Rate(0),
        package: Some(PackageTerms {
            coins: Coins(coins),
            gift: Coins(gift),
            unit: None,
            vip: None,
        }),
        ..terms(price, 0)
    }
}

pub(crate) fn recharge(shop: &mut Shop, member: MemberId, sku: SkuId, token: u16) -> PurchaseId {
    let asked = asked(shop, member, sku, token, 1, 0);
    let id = buy(shop, asked).unwrap();
    let cash = shop.world.purchase(id).unwrap().cash().0;
    assert_eq!(
        pay(shop, id, &format!("R{}-{token}", member.0), cash),
        "paid"
    );
    id
}

pub(crate) fn refund(
    shop: &mut Shop,
    recharge: PurchaseId,
    member: MemberId,
) -> Result<Answer, Refusal> {
    let command = RechargeCommand::Refund { recharge, member };
    shop.try_do(Command::Recharge(command))
}

fn code(outcome: Result<Answer, Refusal>) -> &'static str {
    outcome.err().map_or("done", |refusal| refusal.code())
}

/// Rules 12, E5, with direct purchases in place of counters: what is paid for coins becomes the platform's as they are used.
#[test]
fn e5_money_leaves_custody_as_the_coins_are_used() {
    let mut shop = Shop::new();
    let member = shop.member(None);
    let mut free = package(100_000, 1_000_000, 0);
    free.channel = ChannelTerms::default();
    let sku = list(&mut shop, free, 10);
    recharge(&mut shop, member, sku, 1);
    assert_eq!(shop.world.custody(), Money(100_000));
    assert_eq!(shop.world.bought_coins(member), Coins(1_000_000));
    assert_eq!(
        (shop.balance("channel"), shop.balance("sales")),
        (100_000, 0)
    );
    assert_eq!(
        shop.world.books().own,
        Money(0),
        "nothing is earned by it yet"
    );
    // Ten bills of 10 000.00, of which the supplier is owed 80 %: as much as a counter's merchant with ρ 20 %.
    let mut goods = terms(1_000_000, 800_000);
    goods.channel = ChannelTerms::default();
    let goods = list(&mut shop, goods, 10);
    for token in 2..12u16 {
        let asked = asked(&shop, member, goods, token, 1, 100_000);
        let purchase = buy(&mut shop, asked).unwrap();
        assert_eq!(
            pay(&mut shop, purchase, &format!("T{token}"), 900_000),
            "paid"
        );
        let used = i64::from(token - 1);
        assert_eq!(shop.world.custody(), Money(100_000 - used * 10_000));
    }
    // 20 000.00 - 10 000.00 + 1 000.00, to the fen.
    let platform = -shop.balance("sales") - shop.balance("cost-of-goods");
    assert_eq!(platform, 1_100_000);
    assert_eq!(shop.world.books().own, Money(1_100_000));
    assert_eq!(shop.world.bought_coins(member), Coins(0));
    shop.check();
}

/// Of 1 000.00 coins that cost 1.00 five are left: they are worth half a fen.
#[test]
fn what_is_worth_less_than_a_fen_is_not_paid_back() {
    let mut shop = Shop::new();
    let member = shop.member(None);
    let sku = list(&mut shop, package(100, 100_000, 0), 10);
    let id = recharge(&mut shop, member, sku, 1);
    let goods = list(&mut shop, terms(995_000, 0), 10);
    let asked = asked(&shop, member, goods, 2, 1, 99_500);
    let purchase = buy(&mut shop, asked).unwrap();
    assert_eq!(pay(&mut shop, purchase, "T1", 895_500), "paid");
    assert_eq!(shop.world.bought_coins(member), Coins(500));
    assert_eq!(code(refund(&mut shop, id, member)), "recharge_used");
    // They are his all the same, and pay a part of the next bill.
    assert_eq!(shop.world.bought_coins(member), Coins(500));
    shop.check();
}

#[test]
fn a_package_is_for_whom_the_profile_lets() {
    let mut shop = Shop::new();
    let member = shop.member(None);
    let sku = list(&mut shop, package(6_000_000, 6_000_000, 0), 10);
    let two = asked(&shop, member, sku, 1, 2, 0);
    assert_eq!(buy(&mut shop, two).unwrap_err().code(), "units_invalid");
    // The seed's cap is 100 000.00 of what is unused; a reservation counts.
    let first = asked(&shop, member, sku, 2, 1, 0);
    let id = buy(&mut shop, first).unwrap();
    let second = asked(&shop, member, sku, 3, 1, 0);
    let refused = buy(&mut shop, second).unwrap_err();
    assert_eq!(
        refused,
        RechargeRefusal::CapReached {
            left: Money(4_000_000)
        }
        .into()
    );
    assert_eq!(pay(&mut shop, id, "T1", 6_000_000), "paid");
    assert_eq!(buy(&mut shop, second).unwrap_err().code(), "recharge_cap");
    assert_eq!(code(refund(&mut shop, id, member)), "done");
    assert!(buy(&mut shop, second).is_ok());
    shop.check();

    let mut shop = Shop::new();
    let member = shop.member(None);
    let sku = list(&mut shop, package(1_000, 1_000, 0), 10);
    shop.must(Command::AdoptProfile {
        profile: Box::new(Profile::CnDefault),
    });
    let wanted = asked(&shop, member, sku, 1, 1, 0);
    assert_eq!(
        buy(&mut shop, wanted).unwrap_err().code(),
        "profile_forbids"
    );
    let another = ShopCommand::ListSku {
        token: [77; 16],
        product: [9; 16],
        terms: Box::new(package(1_000, 1_000, 0)),
    };
    let refused = shop.try_do(Command::Shop(another)).unwrap_err();
    assert_eq!(refused.code(), "profile_forbids");
}

#[test]
fn the_terms_of_packages_are_checked() {
    let mut shop = Shop::new();
    let mut check = |change: &dyn Fn(&mut SkuTerms)| {
        let mut bad = package(1_000, 1_000, 0);
        change(&mut bad);
        let command = ShopCommand::ListSku {
            token: [7; 16],
            product: [9; 16],
            terms: Box::new(bad),
        };
        let refused = shop.try_do(Command::Shop(command)).unwrap_err();
        assert_eq!(refused.code(), "sku_invalid");
    };
    check(&|terms| terms.package.as_mut().unwrap().coins = Coins(0));
    check(&|terms| terms.package.as_mut().unwrap().gift = Coins(-1));
    check(&|terms| terms.cost = Money(1));
    check(&|terms| terms.coin_offset = Rate(1));
    check(&|terms| {
        terms.fulfilment = Fulfilment::PickUp;
        terms.fetch = Some(FetchTerms {
            stores: Vec::new(),
            days: None,
        });
    });
}

#[test]
fn what_is_unused_goes_back_and_the_gift_comes_when_it_cannot_in_full() {
    let mut shop = Shop::new();
    let (first, second) = (shop.member(None), shop.member(None));
    let sku = list(&mut shop, package(10_000, 30_000, 5_000), 10);
    // Unused within seven days: all of it, with the channel's fee; no gift.
    let whole = recharge(&mut shop, first, sku, 1);
    shop.wait(7 * 86_400 - 1);
    ticks(&mut shop);
    assert_eq!(code(refund(&mut shop, whole, second)), "recharge_unknown");
    assert_eq!(code(refund(&mut shop, whole, first)), "done");
    assert_eq!(code(refund(&mut shop, whole, first)), "recharge_unknown");
    assert_eq!(shop.refund_all(), Money(10_000));
    assert_eq!(
        (shop.balance("channel"), shop.balance("channel-fees")),
        (0, 0)
    );
    shop.wait(86_400);
    ticks(&mut shop);
    assert_eq!(shop.world.member(first).unwrap().coins, Coins(0));
    // After them: the gift is given, and a part of the price goes back for what is unused, rounded down.
    let part = recharge(&mut shop, second, sku, 1);
    shop.wait(7 * 86_400);
    ticks(&mut shop);
    assert_eq!(shop.world.member(second).unwrap().coins, Coins(5_000));
    let goods = list(&mut shop, terms(100_000, 0), 5);
    let wanted = asked(&shop, second, goods, 2, 1, 10_000);
    let purchase = buy(&mut shop, wanted).unwrap();
    assert_eq!(pay(&mut shop, purchase, "T1", 90_000), "paid");
    // The gift expires and is used first: 5 000 of the 10 000.
    assert_eq!(shop.world.member(second).unwrap().coins, Coins(0));
    assert_eq!(shop.world.bought_coins(second), Coins(25_000));
    assert_eq!(shop.world.custody(), Money(8_333));
    shop.check();
    assert_eq!(code(refund(&mut shop, part, second)), "done");
    // He has used 10 000 of 35 000 coins, those of the gift before the others.
    assert_eq!(shop.refund_all(), Money(7_142));
    assert_eq!(shop.world.custody(), Money(0));
    shop.check();
    // The purchase comes back: its recharge has been paid back, so the coins are like any others.
    shop.must(Command::Shop(ShopCommand::ShipPurchase { purchase }));
    let member = second;
    shop.must(Command::Shop(ShopCommand::ReceivePurchase {
        purchase,
        member,
    }));
    shop.must(Command::Shop(ShopCommand::ReturnPurchase {
        purchase,
        member,
    }));
    shop.must(Command::Shop(ShopCommand::TakeBackPurchase { purchase }));
    assert_eq!(shop.world.member(second).unwrap().coins, Coins(10_000));
    assert_eq!(shop.world.bought_coins(second), Coins(0));
    shop.check();
}

/// Nobody keeps the gift of what he has not bought.
#[test]
fn a_gift_goes_back_with_what_is_unused() {
    //   used, refunded, coins that stay
    for (used, back, stay) in [
        (0, 10_000, 0),
        (1_000, 9_714, 0),
        (5_000, 8_571, 0),
        (6_000, 8_285, 0),
    ] {
        let mut shop = Shop::new();
        let member = shop.member(None);
        let sku = list(&mut shop, package(10_000, 30_000, 5_000), 10);
        let id = recharge(&mut shop, member, sku, 1);
        shop.wait(7 * 86_400);
        ticks(&mut shop);
        if 0 < used {
            let goods = list(&mut shop, terms(100_000, 0), 5);
            let wanted = asked(&shop, member, goods, 2, 1, used);
            let purchase = buy(&mut shop, wanted).unwrap();
            assert_eq!(pay(&mut shop, purchase, "T1", 100_000 - used), "paid");
        }
        assert_eq!(code(refund(&mut shop, id, member)), "done");
        assert_eq!(shop.refund_all(), Money(back), "{used}");
        assert_eq!(shop.world.member(member).unwrap().coins, Coins(stay));
        assert_eq!(shop.world.bought_coins(member), Coins(0));
        assert_eq!(shop.world.custody(), Money(0));
        shop.check();
    }
}

/// A package of 100.00 for 100 coins and 900 more. What of the gift has ended unused nobody had anything of; what was used of it
/// counts as used, also after its end.
#[test]
fn what_has_ended_of_a_gift_does_not_count_as_used() {
    //   used of the gift, months, what goes back
    for (used, months, back) in [
        (0, 13, 10_000),
        (0, 40, 10_000),
        (45_000, 13, 5_500),
        (90_000, 13, 1_000),
        (0, 1, 10_000),
        (45_000, 1, 5_500),
    ] {
        let mut shop = Shop::new();
        let (member, other) = (shop.member(None), shop.member(None));
        let sku = list(&mut shop, package(10_000, 10_000, 90_000), 10);
        let id = recharge(&mut shop, member, sku, 1);
        let untouched = recharge(&mut shop, other, sku, 2);
        shop.wait(7 * 86_400);
        ticks(&mut shop);
        if 0 < used {
            let goods = list(&mut shop, terms(900_000, 0), 5);
            let wanted = asked(&shop, member, goods, 2, 1, used);
            let purchase = buy(&mut shop, wanted).unwrap();
            assert_eq!(pay(&mut shop, purchase, "T1", 900_000 - used), "paid");
        }
        for _ in 0..months {
            shop.wait(31 * 86_400);
            ticks(&mut shop);
        }
        let given = shop.world.member(member).unwrap().coins;
        let left = if months == 1 { 90_000 - used } else { 0 };
        assert_eq!(given, Coins(left));
        shop.refund_all();
        let bytes = shop.world.to_snapshot();
        shop.world = World::from_snapshot(&bytes).unwrap();
        let (_, known) = shop.world.recharges(member)[0];
        assert_eq!(known.refundable(given), Money(back), "{used} {months}");
        assert_eq!(code(refund(&mut shop, id, member)), "done");
        assert_eq!(shop.refund_all(), Money(back), "{used} {months}");
        assert_eq!(code(refund(&mut shop, untouched, other)), "done");
        assert_eq!(shop.refund_all(), Money(10_000));
        assert_eq!(shop.world.custody(), Money(0));
        shop.check();
    }
}

/// The coins have ended and nobody has taken them yet: they pay for no gift.
#[test]
fn ended_coins_pay_for_no_gift() {
    let mut shop = Shop::new();
    shop.clock = Millis::of_date(2026, 11, 3).unwrap();
    let member = with_coins(&mut shop, 50_000);
    let sku = list(&mut shop, package(10_000, 10_000, 90_000), 10);
    shop.clock = Millis::of_date(2026, 12, 3).unwrap();
    let id = recharge(&mut shop, member, sku, 1);
    shop.wait(7 * 86_400);
    ticks(&mut shop);
    let goods = list(&mut shop, terms(900_000, 0), 5);
    // His 500 coins and 400 of the gift's.
    let wanted = asked(&shop, member, goods, 2, 1, 90_000);
    let purchase = buy(&mut shop, wanted).unwrap();
    assert_eq!(pay(&mut shop, purchase, "T1", 810_000), "paid");
    shop.clock = Millis::of_date(2028, 1, 1).unwrap();
    assert_eq!(shop.world.member(member).unwrap().coins, Coins(50_000));
    assert_eq!(code(refund(&mut shop, id, member)), "done");
    assert_eq!(shop.world.member(member).unwrap().coins, Coins(0));
    // 100 and 500 of 1 000 were not used.
    shop.check();
    let back = shop.records.iter().rev().flat_map(|record| &record.events);
    let gift = back.clone().find_map(|event| match event {
        Event::Recharge(RechargeEvent::Refunded { gift, amount, .. }) => Some((*gift, *amount)),
        _ => None,
    });
    assert_eq!(gift, Some((Coins(0), Money(6_000))));
}

/// The profile has been changed while it was reserved.
#[test]
fn a_package_is_not_paid_where_nobody_may_recharge_any_more() {
    let mut shop = Shop::new();
    let member = shop.member(None);
    let sku = list(&mut shop, package(1_000, 3_000, 0), 10);
    let wanted = asked(&shop, member, sku, 1, 1, 0);
    let id = buy(&mut shop, wanted).unwrap();
    shop.must(Command::AdoptProfile {
        profile: Box::new(Profile::CnDefault),
    });
    assert_eq!(pay(&mut shop, id, "T1", 1_000), "profile_forbids");
    assert_eq!(pay(&mut shop, id, "T1", 1_000), "known");
    assert_eq!(shop.refund_all(), Money(1_000));
    assert_eq!(shop.world.bought_coins(member), Coins(0));
    // It goes on where it may be sold again in time.
    shop.must(Command::AdoptProfile {
        profile: Box::new(Profile::Seed),
    });
    assert_eq!(pay(&mut shop, id, "T2", 1_000), "paid");
    shop.check();
}

#[test]
fn bought_coins_come_back_as_bought_ones() {
    let mut shop = Shop::new();
    let member = with_coins(&mut shop, 300);
    let sku = list(&mut shop, package(1_000, 3_000, 0), 10);
    let (old, new) = (
        recharge(&mut shop, member, sku, 1),
        recharge(&mut shop, member, sku, 2),
    );
    let goods = list(&mut shop, terms(40_000, 0), 5);
    let wanted = asked(&shop, member, goods, 3, 1, 4_000);
    let purchase = buy(&mut shop, wanted).unwrap();
    assert_eq!(shop.world.coins_free(member), Coins(2_300));
    assert_eq!(pay(&mut shop, purchase, "T1", 36_000), "paid");
    // 300 earned ones, all of the older recharge, 700 of the newer.
    let left: Vec<_> = shop.world.recharges(member);
    assert_eq!((left[0].0, left[0].1.left), (old, Coins(0)));
    assert_eq!((left[1].0, left[1].1.left), (new, Coins(2_300)));
    assert_eq!(shop.world.custody(), Money(766));
    for command in [
        ShopCommand::ShipPurchase { purchase },
        ShopCommand::ReceivePurchase { purchase, member },
        ShopCommand::ReturnPurchase { purchase, member },
        ShopCommand::TakeBackPurchase { purchase },
    ] {
        shop.must(Command::Shop(command));
    }
    assert_eq!(shop.world.bought_coins(member), Coins(6_000));
    assert_eq!(shop.world.member(member).unwrap().coins, Coins(300));
    assert_eq!(shop.world.custody(), Money(2_000));
    shop.check();
    // Kept for good, what is used up leaves memory.
    let wanted = asked(&shop, member, goods, 4, 1, 4_000);
    let purchase = buy(&mut shop, wanted).unwrap();
    assert_eq!(pay(&mut shop, purchase, "T2", 36_000), "paid");
    shop.must(Command::Shop(ShopCommand::ShipPurchase { purchase }));
    shop.wait(30 * 86_400);
    ticks(&mut shop);
    assert_eq!(shop.world.recharges(member).len(), 1);
    assert_eq!(code(refund(&mut shop, old, member)), "recharge_unknown");
    shop.check();
}

#[test]
fn a_payment_for_a_package_that_comes_too_late_goes_back() {
    let mut shop = Shop::new();
    let member = shop.member(None);
    let sku = list(&mut shop, package(1_000, 3_000, 0), 10);
    let wanted = asked(&shop, member, sku, 1, 1, 0);
    let id = buy(&mut shop, wanted).unwrap();
    assert_eq!(pay(&mut shop, id, "T1", 999), "amount_differs");
    assert_eq!(pay(&mut shop, id, "T2", 1_000), "paid");
    assert_eq!(pay(&mut shop, id, "T3", 1_000), "purchase_unknown");
    assert_eq!(shop.refund_all(), Money(999));
    shop.check();
}

/// Every kind of event of recharges, for the stored bytes.
pub(crate) fn every_kind() -> Vec<Record> {
    let mut shop = Shop::new();
    let member = shop.member(None);
    let sku = list(&mut shop, package(1_000, 3_000, 100), 10);
    let id = recharge(&mut shop, member, sku, 1);
    let goods = list(&mut shop, terms(10_000, 0), 5);
    let wanted = asked(&shop, member, goods, 2, 1, 1_000);
    let purchase = buy(&mut shop, wanted).unwrap();
    pay(&mut shop, purchase, "T1", 9_000);
    for command in [
        ShopCommand::ShipPurchase { purchase },
        ShopCommand::ReceivePurchase { purchase, member },
        ShopCommand::ReturnPurchase { purchase, member },
        ShopCommand::TakeBackPurchase { purchase },
    ] {
        shop.must(Command::Shop(command));
    }
    shop.wait(8 * 86_400);
    ticks(&mut shop);
    refund(&mut shop, id, member).unwrap();
    shop.check();
    shop.records
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, ..ProptestConfig::default() })]

    /// However coins are bought, used, given and paid back, and wherever the world is cut off and begun again: what is in
    /// custody is what the unused are worth, and no fen is made or lost.
    #[test]
    fn custody_is_what_the_unused_coins_are_worth(
        steps in prop::collection::vec((0u8..9, any::<u8>(), 1i64..900), 5..70),
        cut in 0usize..70,
        price in 1i64..5_000,
        coins in 1i64..5_000,
    ) {
        let mut shop = Shop::new();
        let members = [shop.member(None), shop.member(None)];
        let sku = list(&mut shop, package(price, coins, 77), 1_000);
        let mut cheap = terms(9_000, 100);
        cheap.coin_offset = Rate(900_000);
        let goods = list(&mut shop, cheap, 1_000);
        for (token, &(what, which, amount)) in (1u16..).zip(&steps) {
            if usize::from(token) == cut {
                let bytes = shop.world.to_snapshot();
                shop.world = World::from_snapshot(&bytes).unwrap();
            }
            let member = members[usize::from(which % 2)];
            let open: Vec<_> = shop.world.open_purchases().map(|(id, of)| (id, of.member, of.cash())).collect();
            let chosen = open.get(usize::from(which) % open.len().max(1)).copied();
            let _refused = match (what, chosen) {
                (0, _) | (_, None) => {
                    let wanted = asked(&shop, member, sku, token, 1, 0);
                    buy(&mut shop, wanted).map(|_| Answer::Done)
                }
                (1, _) => {
                    let wanted = asked(&shop, member, goods, token, 1, amount);
                    buy(&mut shop, wanted).map(|_| Answer::Done)
                }
                (2 | 3, Some((id, _, cash))) => {
                    pay(&mut shop, id, &format!("T{token}"), cash.0);
                    Ok(Answer::Done)
                }
                (4, Some((purchase, ..))) => shop.try_do(Command::Shop(ShopCommand::ShipPurchase { purchase })),
                (5, Some((purchase, member, _))) => shop.try_do(Command::Shop(ShopCommand::ReceivePurchase { purchase, member })),
                (6, Some((purchase, member, _))) => {
                    let _ = shop.try_do(Command::Shop(ShopCommand::ReturnPurchase { purchase, member }));
                    shop.try_do(Command::Shop(ShopCommand::TakeBackPurchase { purchase }))
                }
                (7, _) => {
                    let all = shop.world.recharges(member);
                    match all.get(usize::from(which) % all.len().max(1)) {
                        Some((id, _)) => refund(&mut shop, *id, member),
                        None => Ok(Answer::Done),
                    }
                }
                (_, Some(_)) => {
                    shop.wait(amount * 1_500);
                    ticks(&mut shop);
                    Ok(Answer::Done)
                }
            };
            prop_assert_eq!(shop.world.violations(), Vec::<String>::new());
        }
        shop.check();
        // Who asks for everything back gets what is in custody, once nothing is held for a purchase.
        shop.wait(900);
        ticks(&mut shop);
        let custody = shop.world.custody();
        shop.refund_all();
        let before = shop.records.len();
        for member in members {
            for (id, _) in shop.world.recharges(member) {
                let _nothing_left = refund(&mut shop, id, member);
            }
        }
        // What stays is for gifts that are not there any more.
        let kept = shop.records[before..].iter().flat_map(|record| &record.events).map(|event| match event {
            Event::Recharge(RechargeEvent::Refunded { kept, .. }) => kept.0,
            _ => 0,
        });
        let kept: i64 = kept.sum();
        prop_assert_eq!(shop.refund_all().0 + kept, custody.0);
        prop_assert_eq!(shop.world.custody(), Money(0));
        shop.check();
    }
}
