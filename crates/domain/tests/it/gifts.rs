//! What a package gives beside coins (rules 10.1): a thing, which is held from the reservation on, and a VIP level for some days.

use std::collections::BTreeMap;

use domain::*;
use proptest::{prelude::*, test_runner::TestRunner};

use crate::{
    purchases::{asked, buy, fetched, list, pay, redeem, terms, ticks},
    recharges::{package, recharge, refund},
    shop::{Shop, campaign},
    standing::DAY_S,
};

/// A package of 100.00 for 300 coins with these gifts.
fn giving(unit: Option<(SkuId, i64)>, vip: Option<(u32, u32)>) -> SkuTerms {
    let mut terms = package(10_000, 30_000, 0);
    let package = terms.package.as_mut().unwrap();
    package.unit = unit.map(|(sku, worth)| GiftUnit {
        sku,
        worth: Money(worth),
    });
    package.vip = vip.map(|(level, days)| GiftVip { level, days });
    terms
}

fn free(shop: &Shop, sku: SkuId) -> (u32, u32) {
    let known = shop.world.sku(sku).unwrap();
    (known.free, known.own)
}

fn code<T>(outcome: Result<T, Refusal>) -> &'static str {
    outcome.err().map_or("done", |refusal| refusal.code())
}

/// The seven days of a recharge pass.
fn give(shop: &mut Shop) {
    shop.wait(7 * DAY_S);
    ticks(shop);
}

fn level(shop: &Shop, member: MemberId) -> Option<u32> {
    let given = shop.world.vip_given(member, shop.clock);
    given.map(|given| given.level)
}

#[test]
fn the_gifts_of_packages_are_checked() {
    let mut shop = Shop::new();
    let thing = list(&mut shop, terms(5_000, 3_000), 1);
    let (voucher, _) = fetched(&mut shop, Fulfilment::Voucher);
    let other = list(&mut shop, package(100, 100, 0), 1);
    //    unit, vip, outcome
    for (unit, vip, told) in [
        (Some((SkuId(99), 0)), None, "sku_unknown"),
        (Some((voucher, 0)), None, "sku_invalid"),
        (Some((other, 0)), None, "sku_invalid"),
        (Some((thing, -1)), None, "sku_invalid"),
        (Some((thing, 5_001)), None, "sku_invalid"),
        (None, Some((0, 10)), "sku_invalid"),
        (None, Some((4, 10)), "sku_invalid"),
        (None, Some((1, 0)), "sku_invalid"),
        (None, Some((1, MAX_GIFT_DAYS + 1)), "sku_invalid"),
        (Some((thing, 5_000)), Some((3, MAX_GIFT_DAYS)), "done"),
    ] {
        let token = [50; 16];
        let command = ShopCommand::ListSku {
            token,
            product: [9; 16],
            terms: Box::new(giving(unit, vip)),
        };
        let listed = shop.try_do(Command::Shop(command));
        assert_eq!(code(listed), told, "{unit:?} {vip:?}");
    }
    // A package costs what it gives, at least; also when that has become dearer.
    let mut cheap = giving(Some((thing, 0)), None);
    cheap.price = Money(2_999);
    let command = ShopCommand::ListSku {
        token: [53; 16],
        product: [9; 16],
        terms: Box::new(cheap.clone()),
    };
    assert_eq!(code(shop.try_do(Command::Shop(command))), "gift_too_dear");
    cheap.price = Money(3_000);
    let sku = list(&mut shop, cheap, 1);
    shop.must(Command::Shop(ShopCommand::ChangeSku {
        sku: thing,
        terms: Box::new(terms(5_000, 3_001)),
    }));
    let member = shop.member(None);
    let wanted = asked(&shop, member, sku, 1, 1, 0);
    assert_eq!(code(buy(&mut shop, wanted)), "gift_too_dear");
    shop.must(Command::Shop(ShopCommand::ChangeSku {
        sku: thing,
        terms: Box::new(terms(5_000, 0)),
    }));
    // A thing is worth no more than the package, either.
    let mut cheap = giving(Some((thing, 101)), None);
    cheap.price = Money(100);
    let command = ShopCommand::ListSku {
        token: [51; 16],
        product: [9; 16],
        terms: Box::new(cheap),
    };
    assert_eq!(code(shop.try_do(Command::Shop(command))), "sku_invalid");
    // Where kept sales alone make levels none is sold.
    let mut own = crate::profiles::own_profile();
    own.terms.recharge_cap = Some(Money(1_000_000));
    own.terms.vip_by = VipBasis::KeptSales;
    let profile = Box::new(Profile::Own(Box::new(own)));
    shop.must(Command::AdoptProfile { profile });
    for (vip, told) in [(Some((1, 10)), "profile_forbids"), (None, "done")] {
        let command = ShopCommand::ListSku {
            token: [52; 16],
            product: [9; 16],
            terms: Box::new(giving(None, vip)),
        };
        assert_eq!(code(shop.try_do(Command::Shop(command))), told);
    }
}

/// One unit is there: it is promised once, and free again when the promise is over.
#[test]
fn a_unit_is_held_from_the_reservation_on() {
    let mut shop = Shop::new();
    let (first, second) = (shop.member(None), shop.member(None));
    let thing = list(&mut shop, terms(5_000, 3_000), 1);
    let sku = list(&mut shop, giving(Some((thing, 5_000)), None), 9);
    let wanted = asked(&shop, first, sku, 1, 1, 0);
    let id = buy(&mut shop, wanted).unwrap();
    assert_eq!((free(&shop, thing), free(&shop, sku)), ((0, 0), (8, 0)));
    let late = asked(&shop, second, sku, 2, 1, 0);
    let refused = buy(&mut shop, late).unwrap_err();
    assert_eq!(
        refused,
        ShopRefusal::OutOfStock { sku, free: 0 }.into(),
        "what a package gives may be sold nowhere"
    );
    let shown = |shop: &Shop, sku| {
        let skus = shop.world.skus_of(&[9; 16]);
        skus.iter().find(|known| known.id == sku).unwrap().free
    };
    assert_eq!((free(&shop, sku).0, shown(&shop, sku)), (8, 0));
    let direct = asked(&shop, second, thing, 3, 1, 0);
    assert_eq!(code(buy(&mut shop, direct)), "out_of_stock");
    let out = ShopCommand::AdjustStock { sku: thing, by: -1 };
    assert_eq!(code(shop.try_do(Command::Shop(out))), "out_of_stock");
    // It lapses at the very moment in which somebody wants either.
    shop.wait(900);
    let again = buy(&mut shop, late).unwrap();
    assert!(shop.world.purchase(id).is_none());
    shop.wait(900);
    let bought = buy(&mut shop, direct).unwrap();
    assert!(shop.world.purchase(again).is_none());
    shop.check();
    // What somebody else had reserved of the thing lapses for a package, too.
    shop.wait(900);
    let kept = asked(&shop, first, sku, 4, 1, 0);
    let kept = buy(&mut shop, kept).unwrap();
    assert!(shop.world.purchase(bought).is_none());
    assert_eq!(free(&shop, thing), (0, 0));
    assert_eq!(pay(&mut shop, kept, "T1", 10_000), "paid");
    shop.check();
    // Paid back within seven days nothing is given, and the unit is free.
    assert_eq!(code(refund(&mut shop, kept, first)), "done");
    assert_eq!(free(&shop, thing), (1, 0));
    assert_eq!(shop.refund_all(), Money(10_000));
    give(&mut shop);
    assert_eq!(shop.world.open_purchases().count(), 0);
    shop.check();
}

#[test]
fn a_thing_is_given_as_a_purchase_of_nothing() {
    let mut shop = Shop::new();
    let member = shop.member(None);
    let thing = list(&mut shop, terms(5_000, 3_000), 2);
    let sku = list(&mut shop, giving(Some((thing, 5_000)), None), 9);
    let id = recharge(&mut shop, member, sku, 1);
    // Its terms are those of the moment of the promise.
    shop.must(Command::Shop(ShopCommand::ChangeSku {
        sku: thing,
        terms: Box::new(terms(9_000, 8_000)),
    }));
    shop.must(Command::Shop(ShopCommand::CloseSku { sku: thing }));
    let cost = |shop: &Shop| (shop.balance("suppliers"), shop.balance("cost-of-goods"));
    assert_eq!(cost(&shop), (0, 0));
    shop.wait(7 * DAY_S - 1);
    ticks(&mut shop);
    assert_eq!(shop.world.open_purchases().count(), 0);
    shop.wait(1);
    ticks(&mut shop);
    assert_eq!(cost(&shop), (-3_000, 3_000));
    let purchase = PurchaseId(1);
    let given = shop.world.purchase(purchase).unwrap().clone();
    assert_eq!(
        (given.gift_of, given.bill, given.cost, given.state),
        (Some(id), Money(0), Money(3_000), PurchaseState::Paid)
    );
    assert_eq!(free(&shop, thing), (1, 0));
    shop.check();
    let state = "purchase_state";
    let mut told = |command, told: &str| {
        assert_eq!(code(shop.try_do(Command::Shop(command))), told);
    };
    told(ShopCommand::CancelPurchase { purchase, member }, state);
    told(ShopCommand::ReturnPurchase { purchase, member }, state);
    told(ShopCommand::ShipPurchase { purchase }, "done");
    told(ShopCommand::ReceivePurchase { purchase, member }, "done");
    // What was given is not sent back.
    told(ShopCommand::ReturnPurchase { purchase, member }, state);
    told(ShopCommand::TakeBackPurchase { purchase }, state);
    shop.wait(7 * DAY_S);
    ticks(&mut shop);
    assert!(shop.world.purchase(purchase).is_none());
    assert_eq!(pay(&mut shop, purchase, "T9", 1), "purchase_unknown");
    shop.check();
}

/// What is paid for already is given first, and costs nothing a second time; picked up it waits at its store.
#[test]
fn own_units_are_given_first_and_things_are_picked_up() {
    let mut shop = Shop::new();
    let member = shop.member(None);
    let (thing, [here, there]) = fetched(&mut shop, Fulfilment::PickUp);
    let wanted = asked(&shop, member, thing, 1, 1, 0);
    let own = buy(&mut shop, wanted).unwrap();
    assert_eq!(pay(&mut shop, own, "T1", 10_000), "paid");
    let purchase = own;
    shop.must(Command::PaySuppliers {
        amount: Money(6_000),
    });
    shop.must(Command::Shop(ShopCommand::ReturnPurchase {
        purchase,
        member,
    }));
    assert_eq!(free(&shop, thing), (5, 1));
    let sku = list(&mut shop, giving(Some((thing, 100)), None), 9);
    for token in [2, 3] {
        recharge(&mut shop, member, sku, token);
    }
    assert_eq!(free(&shop, thing), (3, 0));
    let before = shop.balance("suppliers");
    give(&mut shop);
    assert_eq!(shop.balance("suppliers"), before - 6_000);
    shop.check();
    for purchase in [3, 4].map(PurchaseId) {
        let known = shop.world.purchase(purchase).unwrap();
        assert_eq!(known.state, PurchaseState::Waiting { until: None });
        let what = Fetched::Purchase(purchase);
        assert_eq!(code(redeem(&mut shop, what, there)), "other_store");
        let back = ShopCommand::ReturnPurchase { purchase, member };
        assert_eq!(code(shop.try_do(Command::Shop(back))), "purchase_state");
        assert_eq!(code(redeem(&mut shop, what, here)), "done");
        let back = ShopCommand::ReturnPurchase { purchase, member };
        assert_eq!(code(shop.try_do(Command::Shop(back))), "purchase_state");
    }
    give(&mut shop);
    assert_eq!(shop.world.open_purchases().count(), 0);
    shop.check();
}

/// Nobody keeps the gift of what he has not bought: he pays the unused part of a thing's worth, and of the days of a level the
/// unused part is gone.
#[test]
fn what_a_refund_takes_of_gifts() {
    //   used, worth, refunded, days left of 30 at the moment of the giving
    for (used, worth, back, days) in [
        (0, 5_000, Some(5_000), 0),
        (0, 0, Some(10_000), 0),
        (10_000, 5_000, Some(3_333), 10),
        (15_000, 5_000, Some(2_500), 15),
        (29_999, 5_000, None, 30),
        (0, 10_000, None, 30),
    ] {
        let mut shop = Shop::new();
        let member = shop.member(None);
        let thing = list(&mut shop, terms(10_000, 3_000), 2);
        let sku = list(&mut shop, giving(Some((thing, worth)), Some((2, 30))), 9);
        let id = recharge(&mut shop, member, sku, 1);
        give(&mut shop);
        let given = shop.clock;
        if 0 < used {
            let goods = list(&mut shop, terms(300_000, 0), 5);
            let wanted = asked(&shop, member, goods, 2, 1, used);
            let purchase = buy(&mut shop, wanted).unwrap();
            assert_eq!(pay(&mut shop, purchase, "T1", 300_000 - used), "paid");
        }
        let known = shop.world.recharges(member)[0].1;
        assert_eq!(known.refundable(Coins(0)), Money(back.unwrap_or(0)));
        let told = if back.is_some() {
            "done"
        } else {
            "recharge_used"
        };
        assert_eq!(code(refund(&mut shop, id, member)), told, "{used} {worth}");
        let fees = shop.balance("channel-fees");
        assert_eq!(shop.refund_all(), Money(back.unwrap_or(0)));
        // The channel gives its fee back with the whole alone.
        let fee_back = fees - shop.balance("channel-fees");
        assert_eq!(fee_back, if back == Some(10_000) { 60 } else { 0 });
        let until = given.0 + days * DAY_MS;
        if 0 < days {
            assert!(shop.world.vip_given(member, Millis(until - 1)).is_some());
        }
        assert_eq!(shop.world.vip_given(member, Millis(until)), None);
        shop.check();
    }
}

/// The higher level counts while it lasts, and a new one begins with its giving.
#[test]
fn levels_last_for_their_days() {
    let mut shop = Shop::new();
    let (member, other) = (shop.member(None), shop.member(None));
    let low = list(&mut shop, giving(None, Some((1, 30))), 9);
    let high = list(&mut shop, giving(None, Some((3, 10))), 9);
    for (token, sku) in [(1, low), (2, high)] {
        recharge(&mut shop, member, sku, token);
    }
    assert_eq!(level(&shop, member), None);
    give(&mut shop);
    assert_eq!((level(&shop, member), level(&shop, other)), (Some(3), None));
    let given = shop.world.vip_given(member, shop.clock).unwrap();
    assert_eq!(
        given.until,
        shop.clock.after(Duration::seconds(10 * 86_400))
    );
    // Levels that are counted do not know of it.
    assert_eq!(shop.world.member(member).unwrap().vip, 0);
    shop.wait(10 * DAY_S - 1);
    assert_eq!(level(&shop, member), Some(3));
    shop.wait(1);
    assert_eq!(level(&shop, member), Some(1));
    shop.wait(20 * DAY_S);
    assert_eq!(level(&shop, member), None);
    shop.check();
    // Those that are over leave memory with the next.
    assert_eq!(shop.world.given_levels().count(), 2);
    recharge(&mut shop, other, low, 3);
    give(&mut shop);
    assert_eq!(shop.world.given_levels().count(), 1);
    let bytes = shop.world.to_snapshot();
    let again = World::from_snapshot(&bytes).unwrap();
    assert_eq!(
        again.vip_given(other, shop.clock),
        shop.world.vip_given(other, shop.clock)
    );
    shop.check();
}

fn generation(plan: u32) -> Campaign {
    let mut terms = campaign(1_000, 2, 1, 100);
    terms.plan = plan;
    terms.rewards = vec![rewards::Reward {
        program: rewards::Program::Generation(rewards::Generation {
            source: rewards::Source::All,
            base: rewards::Base::Price,
            rates: vec![Rate(50_000)],
            vip_depth: Some(vec![0, 0, 1]),
        }),
        limit: rewards::Limit::None,
    }];
    terms
}

/// Fills a group of two new members of an inviter; answers the level that was read of him and what he is paid.
fn earned(shop: &mut Shop, campaign: CampaignId, inviter: MemberId) -> (u32, i64) {
    let buyers = [shop.member(Some(inviter)), shop.member(Some(inviter))];
    let group = shop.fill(campaign, &buyers);
    let read = shop.records.iter().rev().flat_map(|record| &record.events);
    let mut levels = read.filter_map(|event| match event {
        Event::GroupFilled { seats, .. } => Some(seats[0].uplines[0].vip),
        _ => None,
    });
    let level = levels.next().unwrap();
    let settled = shop.settle(group);
    let paid = settled.rewards.iter().filter(|paid| paid.member == inviter);
    (level, paid.map(|paid| paid.cash.0).sum())
}

/// It opens generations while it lasts, never closes any, and counts neither as invitees nor where kept sales alone make levels.
#[test]
fn a_given_level_opens_generations_at_filling() {
    let mut shop = Shop::new();
    let sku = list(&mut shop, giving(None, Some((2, 10))), 9);
    let inviters = [shop.member(None), shop.member(None)];
    let campaign = shop.publish(generation(1));
    recharge(&mut shop, inviters[0], sku, 1);
    assert_eq!(earned(&mut shop, campaign, inviters[1]), (0, 0));
    give(&mut shop);
    assert_eq!(earned(&mut shop, campaign, inviters[0]), (2, 100));
    assert_eq!(shop.world.member(inviters[0]).unwrap().vip, 1);
    // Frozen he counts and is not paid.
    let member = inviters[0];
    shop.must(Command::FreezeMember { member });
    assert_eq!(earned(&mut shop, campaign, member), (2, 0));
    shop.must(Command::UnfreezeMember { member });
    // By four invitees he has reached 2 himself, and by six 3: a lower one that is given takes nothing away.
    assert_eq!(earned(&mut shop, campaign, member), (2, 100));
    assert_eq!(earned(&mut shop, campaign, member), (3, 100));
    shop.wait(10 * DAY_S);
    ticks(&mut shop);
    assert_eq!(earned(&mut shop, campaign, member), (3, 100));
    shop.check();

    let third = shop.member(None);
    recharge(&mut shop, third, sku, 2);
    let plan = shop.publish_plan(PlanTerms {
        vip: VipRule::KeptSales(vec![Money(1_000_000)]),
        ..PlanTerms::first().clone()
    });
    let mut own = crate::profiles::own_profile();
    own.terms.vip_by = VipBasis::KeptSales;
    let profile = Profile::Own(Box::new(own));
    shop.must(Command::AdoptProfile {
        profile: Box::new(profile.clone()),
    });
    give(&mut shop);
    assert_eq!(level(&shop, third), Some(2), "what was paid for is given");
    let mut terms = generation(plan);
    terms.profile = profile;
    let strict = shop.publish(terms);
    assert_eq!(earned(&mut shop, strict, third), (0, 0));
    shop.check();
}

/// Whoever is frozen has paid for it all the same.
#[test]
fn a_frozen_member_gets_what_he_has_paid_for() {
    let mut shop = Shop::new();
    let member = shop.member(None);
    let thing = list(&mut shop, terms(5_000, 3_000), 1);
    let mut all = giving(Some((thing, 0)), Some((1, 1)));
    all.package.as_mut().unwrap().gift = Coins(500);
    let sku = list(&mut shop, all, 1);
    recharge(&mut shop, member, sku, 1);
    shop.must(Command::FreezeMember { member });
    give(&mut shop);
    assert_eq!(shop.world.member(member).unwrap().coins, Coins(500));
    assert_eq!(level(&shop, member), Some(1));
    let purchase = PurchaseId(1);
    shop.must(Command::Shop(ShopCommand::ShipPurchase { purchase }));
    shop.check();
}

/// Something of every kind that is stored of them.
pub(crate) fn every_kind() -> Vec<Record> {
    let mut shop = Shop::new();
    let member = shop.member(None);
    let (picked, [here, _]) = fetched(&mut shop, Fulfilment::PickUp);
    let thing = list(&mut shop, terms(5_000, 3_000), 3);
    let mut all = giving(Some((thing, 5_000)), Some((2, 30)));
    all.package.as_mut().unwrap().gift = Coins(500);
    let sku = list(&mut shop, all, 9);
    let fetch = list(&mut shop, giving(Some((picked, 100)), None), 9);
    let lapsing = asked(&shop, member, sku, 1, 1, 0);
    buy(&mut shop, lapsing).unwrap();
    shop.wait(900);
    ticks(&mut shop);
    let gone = recharge(&mut shop, member, sku, 2);
    refund(&mut shop, gone, member).unwrap();
    let part = recharge(&mut shop, member, sku, 3);
    recharge(&mut shop, member, fetch, 4);
    give(&mut shop);
    let [sent, waits] = [4, 5].map(PurchaseId);
    shop.must(Command::Shop(ShopCommand::ShipPurchase { purchase: sent }));
    redeem(&mut shop, Fetched::Purchase(waits), here).unwrap();
    let goods = list(&mut shop, terms(100_000, 0), 5);
    let wanted = asked(&shop, member, goods, 5, 1, 10_000);
    let purchase = buy(&mut shop, wanted).unwrap();
    pay(&mut shop, purchase, "T1", 90_000);
    refund(&mut shop, part, member).unwrap();
    shop.check();
    shop.records
}

/// Where all units of the thing are, told by the events alone.
fn units(records: &[Record], thing: SkuId) -> i64 {
    let (mut free, mut held) = (0i64, BTreeMap::new());
    for event in records.iter().flat_map(|record| &record.events) {
        match event {
            Event::Shop(ShopEvent::StockAdjusted { sku, by, .. }) if *sku == thing => {
                free += i64::from(*by);
            }
            Event::Shop(ShopEvent::PurchaseReserved { purchase, of }) => {
                let given = of.unit.iter().filter(|unit| unit.sku == thing).count();
                let bought = if of.sku == thing { of.units } else { 0 };
                let all = i64::try_from(given).unwrap() + i64::from(bought);
                free -= all;
                held.insert(*purchase, all);
            }
            Event::Shop(
                ShopEvent::PurchaseLapsed { purchase }
                | ShopEvent::PurchaseReturned { purchase, .. },
            ) => free += held.remove(purchase).expect("ends once"),
            Event::Recharge(RechargeEvent::UnitGiven {
                recharge, purchase, ..
            }) => {
                let unit = held.remove(recharge).expect("given once");
                assert_eq!(unit, 1);
                assert_eq!(held.insert(*purchase, 0), None, "a number for each");
            }
            Event::Recharge(RechargeEvent::Refunded { recharge, .. }) => {
                free += held.remove(recharge).unwrap_or(0);
            }
            _ => {}
        }
        assert!(0 <= free, "given twice");
    }
    free
}

type Step = (u8, u8, i64);

/// Does something, which may be refused.
fn step(shop: &mut Shop, members: [MemberId; 2], skus: [SkuId; 2], token: u16, what: Step) {
    let (what, which, amount) = what;
    let member = members[usize::from(which % 2)];
    let open: Vec<PurchaseId> = shop.world.open_purchases().map(|(id, _)| id).collect();
    let purchase = open.get(usize::from(which) % open.len().max(1)).copied();
    match (what, purchase) {
        (0..3, _) => {
            let sku = skus[usize::from(what == 2)];
            let wanted = asked(shop, member, sku, token, 1, 0);
            let _refused = buy(shop, wanted);
        }
        (3..6, Some(purchase)) => {
            let cash = shop.world.purchase(purchase).unwrap().cash().0;
            pay(shop, purchase, &format!("T{token}"), cash.max(1));
        }
        (6, Some(purchase)) => {
            for command in [
                ShopCommand::ShipPurchase { purchase },
                ShopCommand::ReceivePurchase { purchase, member },
                ShopCommand::ReturnPurchase { purchase, member },
                ShopCommand::TakeBackPurchase { purchase },
            ] {
                let _refused = shop.try_do(Command::Shop(command));
            }
        }
        (7, _) => {
            let all = shop.world.recharges(member);
            if let Some((id, _)) = all.get(usize::from(which) % all.len().max(1)) {
                let _refused = refund(shop, *id, member);
            }
        }
        (8, _) => {
            let by = i32::from(which % 5) - 2;
            let sku = skus[1];
            let _refused = shop.try_do(Command::Shop(ShopCommand::AdjustStock { sku, by }));
        }
        (_, _) => {
            shop.wait(amount * 2_000);
            ticks(shop);
        }
    }
}

/// Whatever is bought, given, lapses and goes back: no unit is promised twice, none is lost, and a world that is cut off goes on.
#[test]
fn every_unit_that_is_promised_can_be_given() {
    let steps = prop::collection::vec((0u8..10, any::<u8>(), 1i64..200), 10..90);
    let mut runner = TestRunner::deterministic();
    let (mut given, mut refused) = (0, 0);
    for _ in 0..100 {
        let strategy = (&steps, 0usize..90, 0i64..8_000);
        let (steps, cut, worth) = {
            use proptest::strategy::ValueTree;
            strategy.new_tree(&mut runner).unwrap().current()
        };
        let mut shop = Shop::new();
        let members = [shop.member(None), shop.member(None)];
        let thing = list(&mut shop, terms(8_000, 3_000), 2);
        let sku = list(&mut shop, giving(Some((thing, worth)), Some((1, 20))), 900);
        for (number, &what) in (0u16..).zip(&steps) {
            if usize::from(number) == cut {
                let bytes = shop.world.to_snapshot();
                shop.world = World::from_snapshot(&bytes).unwrap();
            }
            step(&mut shop, members, [sku, thing], number + 1, what);
            assert_eq!(shop.world.violations(), Vec::<String>::new());
            assert_eq!(units(&shop.records, thing), i64::from(free(&shop, thing).0));
        }
        shop.refund_all();
        shop.check();
        for event in shop.records.iter().flat_map(|record| &record.events) {
            match event {
                Event::Recharge(RechargeEvent::UnitGiven { .. }) => given += 1,
                Event::Recharge(RechargeEvent::Refunded { kept, .. }) if kept.is_positive() => {
                    refused += 1;
                }
                _ => {}
            }
        }
    }
    assert!(20 < given && 5 < refused, "{given} {refused}");
}

/// Whoever deletes his account leaves behind what he has paid for: the thing is given all the same, and its supplier is owed its cost.
#[test]
fn a_deleted_account_leaves_a_thing_that_waits() {
    let mut shop = Shop::new();
    let member = shop.member(None);
    let thing = list(&mut shop, terms(5_000, 3_000), 1);
    let sku = list(&mut shop, giving(Some((thing, 0)), None), 1);
    let id = recharge(&mut shop, member, sku, 1);
    let leave = shop.world.left_behind(member, shop.clock).unwrap();
    assert_eq!(leave, Money(10_000));
    shop.must(Command::DeleteAccount { member, leave });
    give(&mut shop);
    let purchase = PurchaseId(1);
    let given = shop.world.purchase(purchase).unwrap();
    assert_eq!(
        (given.gift_of, given.state),
        (Some(id), PurchaseState::Paid)
    );
    assert_eq!(shop.balance("suppliers"), -3_000);
    assert_eq!(free(&shop, thing), (0, 0));
    shop.check();
}
