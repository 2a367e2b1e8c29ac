//! Stock and direct purchases (rules 9.4 and 10.6): nothing is sold twice, everything is paid once, and what comes back is
//! counted.

use domain::*;
use proptest::prelude::*;

use crate::shop::{Shop, campaign, consolation, text};

pub(crate) fn terms(price: i64, cost: i64) -> SkuTerms {
    SkuTerms {
        title: text("thing"),
        price: Money(price),
        cost: Money(cost),
        coin_offset: Rate(RATE_ONE_PPM / 10),
        fulfilment: Fulfilment::Ship,
        channel: ChannelTerms {
            fee: Rate(6_000),
            kept_on_refund: false,
        },
        fetch: None,
        package: None,
    }
}

pub(crate) fn list(shop: &mut Shop, terms: SkuTerms, units: i32) -> SkuId {
    let number = u8::try_from(shop.world.skus(None, usize::MAX).len()).unwrap();
    let command = ShopCommand::ListSku {
        token: [number; 16],
        product: [9; 16],
        terms: Box::new(terms),
    };
    let sku = match shop.must(Command::Shop(command)) {
        Answer::Sku(sku) => sku,
        other => panic!("{other:?}"),
    };
    if units != 0 {
        shop.must(Command::Shop(ShopCommand::AdjustStock { sku, by: units }));
    }
    sku
}

pub(crate) fn asked(
    shop: &Shop,
    member: MemberId,
    sku: SkuId,
    token: u16,
    units: u32,
    coins: i64,
) -> Reservation {
    let mut name = [0; 16];
    name[..2].copy_from_slice(&token.to_le_bytes());
    Reservation {
        member,
        token: name,
        sku,
        units,
        price: shop.world.sku(sku).map_or(Money(1), |sku| sku.terms.price),
        coins: Coins(coins),
    }
}

pub(crate) fn buy(shop: &mut Shop, asked: Reservation) -> Result<PurchaseId, Refusal> {
    match shop.try_do(Command::Shop(ShopCommand::Buy(asked)))? {
        Answer::Purchase(purchase) => Ok(purchase),
        other => panic!("{other:?}"),
    }
}

/// What became of a payment, in a word.
pub(crate) fn pay(shop: &mut Shop, purchase: PurchaseId, name: &str, fen: i64) -> String {
    let command = ShopCommand::PayPurchase {
        purchase,
        txn: shop.txn(name),
        amount: Money(fen),
    };
    match shop.try_do(Command::Shop(command)) {
        Ok(Answer::Purchase(_)) => "paid".to_owned(),
        Ok(Answer::Payment(PaymentAnswer::Bounced { reason, .. })) => reason.name().to_owned(),
        Ok(Answer::Payment(PaymentAnswer::Known)) => "known".to_owned(),
        Ok(other) => panic!("{other:?}"),
        Err(refusal) => refusal.code().to_owned(),
    }
}

fn free(shop: &Shop, sku: SkuId) -> (u32, u32) {
    let known = shop.world.sku(sku).unwrap();
    (known.free, known.own)
}

pub(crate) fn ticks(shop: &mut Shop) {
    while let Some((_, due)) = shop.world.due_timer(shop.clock) {
        shop.must(Command::Tick(due));
    }
}

/// A member with so many coins: the only one who loses a group of his own.
pub(crate) fn with_coins(shop: &mut Shop, coins: i64) -> MemberId {
    let mut offer = campaign(1_000, 2, 1, 0);
    offer.rewards = vec![consolation(0, coins)];
    let id = shop.publish(offer);
    let members = shop.members(2);
    let group = shop.fill(id, &members);
    let settled = shop.settle(group);
    shop.refund_all();
    settled.refunded()[0].1.member
}

/// A merchant with two stores.
pub(crate) fn stores(shop: &mut Shop) -> [StoreId; 2] {
    let contract = Contract {
        entry_fee: Money(0),
        commission: Some(Rate(100_000)),
        settlement: None,
        cash: CashTaker::Store,
        lock_days: None,
        origin_share: None,
        channel: None,
    };
    shop.must(Command::Alliance(AllianceCommand::AdmitMerchant {
        token: [3; 16],
        contract,
    }));
    [4, 5].map(|token| {
        let opened = shop.must(Command::Alliance(AllianceCommand::OpenStore {
            merchant: MerchantId(0),
            token: [token; 16],
        }));
        match opened {
            Answer::Store(store) => store,
            other => panic!("{other:?}"),
        }
    })
}

pub(crate) fn redeem(shop: &mut Shop, what: Fetched, store: StoreId) -> Result<Answer, Refusal> {
    shop.try_do(Command::Shop(ShopCommand::Redeem { what, store }))
}

/// What is picked up at the first of two stores, or a voucher of 30 days.
pub(crate) fn fetched(shop: &mut Shop, fulfilment: Fulfilment) -> (SkuId, [StoreId; 2]) {
    let stores = stores(shop);
    let mut fetched = terms(10_000, 6_000);
    fetched.fulfilment = fulfilment;
    fetched.fetch = Some(FetchTerms {
        stores: vec![stores[0]],
        days: (fulfilment == Fulfilment::Voucher).then_some(30),
    });
    (list(shop, fetched, 5), stores)
}

pub(crate) fn bought(shop: &mut Shop, sku: SkuId, name: &str) -> (PurchaseId, MemberId) {
    let member = shop.member(None);
    let asked = asked(shop, member, sku, 1, 1, 0);
    let purchase = buy(shop, asked).unwrap();
    assert_eq!(pay(shop, purchase, name, 10_000), "paid");
    (purchase, member)
}

#[test]
fn what_is_picked_up_is_given_out_once_at_its_store() {
    let mut shop = Shop::new();
    let (sku, [here, there]) = fetched(&mut shop, Fulfilment::PickUp);
    let (purchase, member) = bought(&mut shop, sku, "T1");
    let what = Fetched::Purchase(purchase);
    let mut refused = |what, store, told: &str| {
        let refusal = redeem(&mut shop, what, store).unwrap_err();
        assert_eq!(refusal.code(), told);
    };
    refused(what, StoreId(9), "store_unknown");
    refused(what, there, "other_store");
    refused(Fetched::Purchase(PurchaseId(9)), here, "purchase_unknown");
    let ship = shop.try_do(Command::Shop(ShopCommand::ShipPurchase { purchase }));
    assert_eq!(ship.unwrap_err().code(), "purchase_state");
    shop.wait(400 * 86_400);
    ticks(&mut shop);
    assert_eq!(redeem(&mut shop, what, here), Ok(Answer::Done));
    let again = redeem(&mut shop, what, here).unwrap_err();
    assert_eq!(again.code(), "purchase_state");
    // He may bring it back within the window, like anything.
    let back = ShopCommand::ReturnPurchase { purchase, member };
    shop.must(Command::Shop(back));
    shop.must(Command::Shop(ShopCommand::TakeBackPurchase { purchase }));
    assert_eq!(shop.refund_all(), Money(10_000));
    shop.check();
}

#[test]
fn a_voucher_is_used_once_or_paid_back() {
    let mut shop = Shop::new();
    let (sku, [here, _]) = fetched(&mut shop, Fulfilment::Voucher);
    let (used, member) = bought(&mut shop, sku, "T1");
    assert_eq!(
        redeem(&mut shop, Fetched::Purchase(used), here),
        Ok(Answer::Done)
    );
    // Of two cashiers one has redeemed it; and it is used for good.
    let second = redeem(&mut shop, Fetched::Purchase(used), here).unwrap_err();
    assert_eq!(second.code(), "purchase_unknown");
    let back = ShopCommand::ReturnPurchase {
        purchase: used,
        member,
    };
    let late = shop.try_do(Command::Shop(back)).unwrap_err();
    assert_eq!(late.code(), "purchase_unknown");
    // Unused it goes back at once, the money in full.
    let (unused, member) = bought(&mut shop, sku, "T2");
    shop.must(Command::Shop(ShopCommand::ReturnPurchase {
        purchase: unused,
        member,
    }));
    assert_eq!(shop.refund_all(), Money(10_000));
    assert_eq!(free(&shop, sku), (4, 0));
    // And by itself where nobody has used it by its end: at the end it is too late.
    let (forgotten, _) = bought(&mut shop, sku, "T3");
    shop.wait(30 * 86_400 - 1);
    ticks(&mut shop);
    assert!(shop.world.purchase(forgotten).is_some());
    shop.check();
    shop.wait(1);
    let late = redeem(&mut shop, Fetched::Purchase(forgotten), here).unwrap_err();
    assert_eq!(late.code(), "purchase_unknown");
    assert_eq!(shop.refund_all(), Money(10_000));
    shop.check();
}

#[test]
fn fetched_goods_name_stores_that_there_are() {
    let mut shop = Shop::new();
    let [store, _] = stores(&mut shop);
    let mut check = |fulfilment: Fulfilment, fetch: Option<FetchTerms>, told: &str| {
        let mut bad = terms(10_000, 6_000);
        (bad.fulfilment, bad.fetch) = (fulfilment, fetch);
        let command = ShopCommand::ListSku {
            token: [7; 16],
            product: [9; 16],
            terms: Box::new(bad),
        };
        let answer = shop.try_do(Command::Shop(command));
        let answer = answer.err().map_or("listed", |refusal| refusal.code());
        assert_eq!(answer, told);
    };
    let at = |stores: &[StoreId], days| {
        let stores = stores.to_vec();
        Some(FetchTerms { stores, days })
    };
    check(Fulfilment::Ship, at(&[store], None), "sku_invalid");
    check(Fulfilment::PickUp, None, "sku_invalid");
    check(Fulfilment::PickUp, at(&[], Some(1)), "sku_invalid");
    check(Fulfilment::PickUp, at(&[StoreId(9)], None), "store_unknown");
    check(Fulfilment::Voucher, at(&[], None), "sku_invalid");
    check(Fulfilment::Voucher, at(&[], Some(0)), "sku_invalid");
    check(Fulfilment::Voucher, at(&[], Some(731)), "sku_invalid");
    check(
        Fulfilment::Voucher,
        at(&[store; 101], Some(1)),
        "sku_invalid",
    );
    check(Fulfilment::Voucher, at(&[], Some(730)), "listed");
}

/// Nobody had them: cost and stock are as before, however often somebody buys and gives back.
#[test]
fn what_was_never_handed_out_costs_nothing() {
    for (fulfilment, waits) in [(Fulfilment::Voucher, 30), (Fulfilment::PickUp, 0)] {
        let mut shop = Shop::new();
        let (sku, [here, _]) = fetched(&mut shop, fulfilment);
        let cost = |shop: &Shop| (shop.balance("suppliers"), shop.balance("cost-of-goods"));
        for round in 0..39 {
            let (purchase, member) = bought(&mut shop, sku, &format!("T{round}"));
            assert_eq!(cost(&shop), (-6_000, 6_000));
            let back = ShopCommand::ReturnPurchase { purchase, member };
            shop.must(Command::Shop(back));
            assert_eq!((cost(&shop), free(&shop, sku)), ((0, 0), (5, 0)));
        }
        shop.check();
        if 0 < waits {
            bought(&mut shop, sku, "ends");
            shop.wait(waits * 86_400);
            ticks(&mut shop);
            assert_eq!((cost(&shop), free(&shop, sku)), ((0, 0), (5, 0)));
        }
        // What the supplier has been paid is stock that is paid for.
        let (purchase, member) = bought(&mut shop, sku, "paid");
        shop.must(Command::PaySuppliers {
            amount: Money(6_000),
        });
        let back = ShopCommand::ReturnPurchase { purchase, member };
        shop.must(Command::Shop(back));
        assert_eq!((cost(&shop), free(&shop, sku)), ((0, 6_000), (5, 1)));
        // It is sold again at no cost, and what was its own is its own again.
        let (purchase, member) = bought(&mut shop, sku, "own");
        let back = ShopCommand::ReturnPurchase { purchase, member };
        shop.must(Command::Shop(back));
        assert_eq!((cost(&shop), free(&shop, sku)), ((0, 6_000), (5, 1)));
        let (purchase, _) = bought(&mut shop, sku, "used");
        redeem(&mut shop, Fetched::Purchase(purchase), here).unwrap();
        assert_eq!((cost(&shop), free(&shop, sku)), ((0, 6_000), (4, 0)));
        shop.refund_all();
        shop.check();
    }
}

/// Until it is on its way the member gives it up, and staff what they cannot send: all of it goes back, and it costs nothing.
#[test]
fn what_is_paid_and_not_sent_is_given_up() {
    for by_staff in [false, true] {
        let mut shop = Shop::new();
        let member = with_coins(&mut shop, 2_500);
        let sales = shop.balance("sales");
        let sku = list(&mut shop, terms(10_000, 6_000), 5);
        let wanted = asked(&shop, member, sku, 1, 2, 2_000);
        let purchase = buy(&mut shop, wanted).unwrap();
        let what = Fetched::Purchase(purchase);
        let early = shop.try_do(Command::Shop(ShopCommand::GiveUp { what }));
        assert_eq!(early.unwrap_err().code(), "purchase_state");
        assert_eq!(pay(&mut shop, purchase, "T1", 18_000), "paid");
        let command = if by_staff {
            ShopCommand::GiveUp { what }
        } else {
            ShopCommand::CancelPurchase { purchase, member }
        };
        let other = ShopCommand::CancelPurchase {
            purchase,
            member: shop.member(None),
        };
        let refused = shop.try_do(Command::Shop(other)).unwrap_err();
        assert_eq!(refused.code(), "purchase_not_yours");
        shop.must(Command::Shop(command.clone()));
        assert_eq!(shop.world.member(member).unwrap().coins, Coins(2_500));
        assert_eq!((shop.balance("suppliers"), free(&shop, sku)), (0, (5, 0)));
        assert_eq!(shop.refund_all(), Money(18_000));
        assert_eq!(shop.balance("sales"), sales);
        let again = shop.try_do(Command::Shop(command.clone())).unwrap_err();
        assert_eq!(again.code(), "purchase_unknown");
        shop.check();
        // What is on its way is returned in its time.
        let wanted = asked(&shop, member, sku, 2, 1, 0);
        let purchase = buy(&mut shop, wanted).unwrap();
        assert_eq!(pay(&mut shop, purchase, "T2", 10_000), "paid");
        shop.must(Command::Shop(ShopCommand::ShipPurchase { purchase }));
        let what = Fetched::Purchase(purchase);
        for command in [
            ShopCommand::GiveUp { what },
            ShopCommand::CancelPurchase { purchase, member },
        ] {
            let late = shop.try_do(Command::Shop(command)).unwrap_err();
            assert_eq!(late.code(), "purchase_state");
        }
        shop.check();
    }
}

/// Two have won, and nobody can be reached: after ninety days the group's rewards do not wait for them any more.
#[test]
fn what_a_winner_never_got_is_given_up_after_ninety_days() {
    for fulfilment in [Fulfilment::Ship, Fulfilment::PickUp] {
        let mut shop = Shop::new();
        stores(&mut shop);
        let [(first, _), (second, member)] = sold(&mut shop, fulfilment, false);
        if fulfilment == Fulfilment::Ship {
            shop.must(Command::ShipOrder { order: second });
            let order = second;
            shop.must(Command::ReceiveOrder { order, member });
        } else {
            redeem(&mut shop, Fetched::Order(second), StoreId(0)).unwrap();
        }
        let what = Fetched::Order(second);
        let late = shop.try_do(Command::Shop(ShopCommand::GiveUp { what }));
        assert_eq!(late.unwrap_err().code(), "order_state");
        shop.wait(90 * 86_400 - 1);
        ticks(&mut shop);
        assert_eq!(shop.balance("vesting"), -200);
        let what = Fetched::Order(first);
        let early = shop.try_do(Command::Shop(ShopCommand::GiveUp { what }));
        assert_eq!(early.unwrap_err().code(), "order_waits");
        shop.wait(1);
        shop.must(Command::Shop(ShopCommand::GiveUp { what }));
        assert_eq!(shop.refund_all(), Money(10_000));
        assert_eq!(shop.balance("vesting"), 0);
        assert_eq!(shop.balance("available"), -200);
        assert_eq!(shop.world.order(first), None);
        shop.check();
    }
}

/// Two buy in a group what they fetch; with a formation reward for the leader that waits for both.
fn sold(shop: &mut Shop, fulfilment: Fulfilment, merchant: bool) -> [(OrderId, MemberId); 2] {
    let mut offer = campaign(10_000, 2, 2, 2_000);
    offer.kind = Kind::EveryoneBuys;
    offer.product.fulfilment = fulfilment;
    offer.rewards = vec![rewards::Reward {
        program: rewards::Program::Formation(rewards::Formation {
            per_recruit: Money(200),
        }),
        limit: rewards::Limit::None,
    }];
    let id = CampaignId(shop.world.campaigns());
    if merchant {
        offer.merchant = Some(MerchantTerms {
            commission: Rate(100_000),
        });
        shop.must(Command::Alliance(AllianceCommand::PublishFor {
            merchant: MerchantId(0),
            campaign: Box::new(offer),
        }));
    } else {
        shop.publish(offer);
    }
    let buyers = shop.members(2);
    let group = shop.open(id, buyers[0]);
    shop.seat(group, buyers[1]);
    let orders = (0..1_000).map(OrderId).filter_map(|order| {
        let known = shop.world.order(order)?;
        (known.group == group).then_some((order, known.member))
    });
    orders.collect::<Vec<_>>().try_into().unwrap()
}

#[test]
fn winners_vouchers_are_used_or_paid_back_and_rewards_follow() {
    let mut shop = Shop::new();
    let [here, there] = stores(&mut shop);
    let [(first, _), (second, second_member)] = sold(&mut shop, Fulfilment::Voucher, false);
    let ship = shop.try_do(Command::ShipOrder { order: first });
    assert_eq!(ship.unwrap_err().code(), "order_state");
    // The platform's own are redeemed at any store, once.
    assert_eq!(
        redeem(&mut shop, Fetched::Order(first), there),
        Ok(Answer::Done)
    );
    let again = redeem(&mut shop, Fetched::Order(first), here).unwrap_err();
    assert_eq!(again.code(), "order_unknown");
    assert_eq!(shop.balance("vesting"), -200);
    shop.must(Command::ReturnOrder {
        order: second,
        member: second_member,
    });
    assert_eq!(shop.refund_all(), Money(10_000));
    // The leader's reward came from the second seat, which was given back.
    assert_eq!(shop.balance("vesting"), 0);
    assert_eq!(shop.balance("available"), 0);
    shop.check();
    // Nobody uses these: after 90 days they are paid back by themselves.
    let orders = sold(&mut shop, Fulfilment::Voucher, false);
    shop.wait(90 * 86_400 - 1);
    ticks(&mut shop);
    assert!(shop.world.order(orders[0].0).is_some());
    shop.check();
    shop.wait(1);
    ticks(&mut shop);
    assert_eq!(shop.refund_all(), Money(20_000));
    assert_eq!(shop.balance("vesting"), 0);
    assert_eq!(shop.world.next_timer(), None);
    shop.check();
}

#[test]
fn what_a_merchant_sold_is_picked_up_at_his_stores() {
    let mut shop = Shop::new();
    let [here, _] = stores(&mut shop);
    shop.must(Command::Alliance(AllianceCommand::AdmitMerchant {
        token: [8; 16],
        contract: Contract {
            entry_fee: Money(0),
            commission: Some(Rate(100_000)),
            settlement: None,
            cash: CashTaker::Store,
            lock_days: None,
            origin_share: None,
            channel: None,
        },
    }));
    let other = shop.must(Command::Alliance(AllianceCommand::OpenStore {
        merchant: MerchantId(1),
        token: [9; 16],
    }));
    let Answer::Store(other) = other else {
        panic!("{other:?}")
    };
    let [(order, member), (second, _)] = sold(&mut shop, Fulfilment::PickUp, true);
    let refused = redeem(&mut shop, Fetched::Order(order), other).unwrap_err();
    assert_eq!(refused.code(), "other_store");
    assert_eq!(
        redeem(&mut shop, Fetched::Order(order), here),
        Ok(Answer::Done)
    );
    shop.must(Command::ReturnOrder { order, member });
    shop.must(Command::TakeBackOrder { order });
    redeem(&mut shop, Fetched::Order(second), here).unwrap();
    shop.wait(7 * 86_400);
    ticks(&mut shop);
    assert_eq!(shop.balance("merchant-vesting"), 0);
    assert_eq!(
        shop.world.returned_units().count(),
        0,
        "the unit is the merchant's"
    );
    shop.check();
}

/// Every kind of event of the shop, for the stored bytes.
pub(crate) fn every_kind() -> Vec<Record> {
    let mut shop = Shop::new();
    let member = with_coins(&mut shop, 2_500);
    let sku = list(&mut shop, terms(10_000, 6_000), 5);
    let changed = Box::new(terms(20_000, 6_000));
    for command in [
        ShopCommand::ChangeSku {
            sku,
            terms: changed,
        },
        ShopCommand::CloseSku { sku },
        ShopCommand::ReopenSku { sku },
        ShopCommand::AdjustStock { sku, by: -1 },
    ] {
        shop.must(Command::Shop(command));
    }
    let first = asked(&shop, member, sku, 1, 2, 2_000);
    let purchase = buy(&mut shop, first).unwrap();
    pay(&mut shop, purchase, "T1", 38_000);
    pay(&mut shop, purchase, "T2", 38_000);
    for command in [
        ShopCommand::ShipPurchase { purchase },
        ShopCommand::ReceivePurchase { purchase, member },
        ShopCommand::ReturnPurchase { purchase, member },
        ShopCommand::TakeBackPurchase { purchase },
    ] {
        shop.must(Command::Shop(command));
    }
    let second = asked(&shop, member, sku, 2, 1, 0);
    let purchase = buy(&mut shop, second).unwrap();
    shop.must(Command::Shop(ShopCommand::CancelPurchase {
        purchase,
        member,
    }));
    let third = asked(&shop, member, sku, 3, 1, 0);
    let purchase = buy(&mut shop, third).unwrap();
    pay(&mut shop, purchase, "T3", 20_000);
    shop.must(Command::Shop(ShopCommand::ShipPurchase { purchase }));
    shop.wait(30 * 86_400);
    ticks(&mut shop);
    let returned = return_one(&mut shop);
    shop.must(Command::Shop(ShopCommand::StockReturns {
        sku,
        campaign: returned,
        units: 1,
    }));
    let (sku, [store, _]) = fetched(&mut shop, Fulfilment::Voucher);
    let (purchase, _) = bought(&mut shop, sku, "T4");
    redeem(&mut shop, Fetched::Purchase(purchase), store).unwrap();
    let [(order, _), _] = sold(&mut shop, Fulfilment::PickUp, false);
    redeem(&mut shop, Fetched::Order(order), store).unwrap();
    shop.refund_all();
    shop.check();
    shop.records
}

/// What nobody fetched comes back as it was, and once after its supplier was paid; for the stored bytes.
pub(crate) fn never_fetched() -> Vec<Record> {
    let mut shop = Shop::new();
    let (sku, _) = fetched(&mut shop, Fulfilment::Voucher);
    for (name, paid) in [("T1", 0), ("T2", 6_000)] {
        let (purchase, member) = bought(&mut shop, sku, name);
        if 0 < paid {
            let amount = Money(paid);
            shop.must(Command::PaySuppliers { amount });
        }
        let back = ShopCommand::ReturnPurchase { purchase, member };
        shop.must(Command::Shop(back));
    }
    shop.refund_all();
    shop.check();
    shop.records
}

/// Two buy in a group, and one returns what he got.
fn return_one(shop: &mut Shop) -> CampaignId {
    let mut offer = campaign(10_000, 2, 2, 2_000);
    offer.kind = Kind::EveryoneBuys;
    let id = shop.publish(offer);
    let buyers = shop.members(2);
    let group = shop.open(id, buyers[0]);
    shop.seat(group, buyers[1]);
    let (order, member) = (0..u64::MAX)
        .map(OrderId)
        .find_map(|id| {
            Some((
                id,
                shop.world.order(id).filter(|o| o.group == group)?.member,
            ))
        })
        .unwrap();
    shop.must(Command::ShipOrder { order });
    shop.must(Command::ReceiveOrder { order, member });
    shop.must(Command::ReturnOrder { order, member });
    shop.must(Command::TakeBackOrder { order });
    id
}

#[test]
fn what_is_refused_and_in_which_order() {
    let mut shop = Shop::new();
    let member = with_coins(&mut shop, 600);
    let frozen = shop.member(None);
    shop.must(Command::FreezeMember { member: frozen });
    let sku = list(&mut shop, terms(10_000, 6_000), 3);
    let closed = list(&mut shop, terms(10_000, 6_000), 3);
    shop.must(Command::Shop(ShopCommand::CloseSku { sku: closed }));
    let (nobody, nothing) = (MemberId(99), SkuId(99));
    let mut token = 0;
    let mut check = |who: MemberId, what: SkuId, units: u32, coins: i64, price: i64, told: &str| {
        token += 1;
        let mut asked = asked(&shop, who, what, token, units, coins);
        asked.price = Money(price);
        let answer = match buy(&mut shop, asked) {
            Ok(_) => "reserved".to_owned(),
            Err(refusal) => refusal.code().to_owned(),
        };
        assert_eq!(answer, told);
    };
    //    who     what     units coins   price   outcome
    check(nobody, nothing, 0, -1, 0, "member_unknown");
    check(frozen, nothing, 0, -1, 0, "member_frozen");
    check(member, nothing, 0, -1, 0, "sku_unknown");
    check(member, closed, 0, -1, 0, "not_on_sale");
    check(member, sku, 0, -1, 9_999, "price_changed");
    check(member, sku, 0, -1, 10_000, "units_invalid");
    check(member, sku, MAX_UNITS + 1, -1, 10_000, "units_invalid");
    check(member, sku, 4, -1, 10_000, "out_of_stock");
    check(member, sku, 1, -1, 10_000, "coins_over_limit");
    check(member, sku, 1, 1_001, 10_000, "coins_over_limit");
    check(member, sku, 1, 601, 10_000, "coins_short");
    check(member, sku, 1, 400, 10_000, "reserved");
    // 400 of his 600 coins are held.
    check(member, sku, 1, 201, 10_000, "coins_short");
    check(member, sku, 1, 200, 10_000, "reserved");
    check(member, sku, 1, 0, 10_000, "reserved");
    check(member, sku, 1, 0, 10_000, "out_of_stock");
    shop.check();
}

#[test]
fn nobody_holds_more_than_five_unpaid_purchases() {
    let mut shop = Shop::new();
    let (member, other) = (shop.member(None), shop.member(None));
    let sku = list(&mut shop, terms(10_000, 6_000), 20);
    let mut held = Vec::new();
    for token in 0..5 {
        let asked = asked(&shop, member, sku, token, 1, 0);
        held.push(buy(&mut shop, asked).unwrap());
    }
    let sixth = asked(&shop, member, sku, 5, 1, 0);
    let refused = buy(&mut shop, sixth).unwrap_err();
    assert_eq!(refused.code(), "too_many_unpaid");
    let others = asked(&shop, other, sku, 6, 1, 0);
    buy(&mut shop, others).unwrap();
    // What is paid is no longer held unpaid, and what is given up is not held at all.
    assert_eq!(pay(&mut shop, held[0], "T1", 10_000), "paid");
    buy(&mut shop, sixth).unwrap();
    let seventh = asked(&shop, member, sku, 7, 1, 0);
    let refused = buy(&mut shop, seventh).unwrap_err();
    assert_eq!(refused.code(), "too_many_unpaid");
    shop.must(Command::Shop(ShopCommand::CancelPurchase {
        purchase: held[1],
        member,
    }));
    buy(&mut shop, seventh).unwrap();
    shop.check();
}

#[test]
fn terms_and_stock_are_checked() {
    let mut shop = Shop::new();
    let mut check = |change: &dyn Fn(&mut SkuTerms), told: &str| {
        let mut bad = terms(10_000, 6_000);
        change(&mut bad);
        let command = ShopCommand::ListSku {
            token: [7; 16],
            product: [9; 16],
            terms: Box::new(bad),
        };
        let answer = shop.try_do(Command::Shop(command));
        assert_eq!(answer.unwrap_err().code(), told);
    };
    check(&|terms| terms.title.zh.clear(), "sku_invalid");
    check(&|terms| terms.title.en = "x".repeat(401), "sku_invalid");
    check(
        &|terms| terms.title.zh = "稳 赚茶".to_owned(),
        "promise_forbidden",
    );
    check(&|terms| terms.price = Money(0), "sku_invalid");
    check(
        &|terms| terms.price = Money(MAX_AMOUNT_FEN + 1),
        "sku_invalid",
    );
    check(&|terms| terms.cost = Money(-1), "sku_invalid");
    check(
        &|terms| terms.coin_offset = Rate(RATE_ONE_PPM),
        "sku_invalid",
    );
    check(
        &|terms| terms.fulfilment = Fulfilment::AtTable,
        "sku_invalid",
    );

    let sku = list(&mut shop, terms(10_000, 6_000), 3);
    let mut adjust = |by: i32| {
        let command = Command::Shop(ShopCommand::AdjustStock { sku, by });
        shop.try_do(command).map_err(|refusal| refusal.code())
    };
    assert_eq!(adjust(0), Err("units_invalid"));
    assert_eq!(adjust(i32::MAX), Err("units_invalid"));
    assert_eq!(adjust(-4), Err("out_of_stock"));
    assert_eq!(adjust(i32::MIN), Err("out_of_stock"));
    assert_eq!(adjust(-3), Ok(Answer::Done));
    assert_eq!(free(&shop, sku), (0, 0));
    // Listed again under the same token it is the same; nothing happens twice.
    let again = ShopCommand::ListSku {
        token: [0; 16],
        product: [9; 16],
        terms: Box::new(terms(1, 1)),
    };
    assert_eq!(shop.must(Command::Shop(again)), Answer::Sku(sku));
    shop.check();
}

#[test]
fn the_last_unit_is_sold_once_to_two_thousand() {
    let mut shop = Shop::new();
    let members = shop.members(2_000);
    let sku = list(&mut shop, terms(10_000, 6_000), 1);
    let mut told = std::collections::BTreeMap::new();
    for &member in &members {
        let asked = asked(&shop, member, sku, 1, 1, 0);
        let outcome = match buy(&mut shop, asked) {
            Ok(_) => "reserved",
            Err(refusal) => refusal.code(),
        };
        *told.entry(outcome).or_insert(0) += 1;
    }
    assert_eq!(told["reserved"], 1);
    assert_eq!(told["out_of_stock"], 1_999);
    // The first of them all lets it lapse: without a timer's tick the next buyer has it.
    shop.wait(PURCHASE_WINDOW.0 / 1000);
    let asked = asked(&shop, members[7], sku, 2, 1, 0);
    let purchase = buy(&mut shop, asked).unwrap();
    assert_eq!(pay(&mut shop, purchase, "T1", 10_000), "paid");
    assert_eq!(free(&shop, sku), (0, 0));
    shop.check();
}

#[test]
fn a_purchase_goes_its_whole_way_and_its_money_is_counted() {
    let mut shop = Shop::new();
    let member = with_coins(&mut shop, 2_500);
    let sku = list(&mut shop, terms(10_000, 6_000), 5);
    let before = (shop.balance("channel"), shop.balance("sales"));
    let asked = asked(&shop, member, sku, 1, 2, 2_000);
    let purchase = buy(&mut shop, asked).unwrap();
    assert_eq!(shop.world.coins_free(member), Coins(500));
    assert_eq!(shop.world.member(member).unwrap().coins, Coins(2_500));
    // The same identity is the same purchase, for ever.
    assert_eq!(buy(&mut shop, asked), Ok(purchase));
    assert_eq!(pay(&mut shop, purchase, "T1", 18_000), "paid");
    assert_eq!(shop.world.member(member).unwrap().coins, Coins(500));
    assert_eq!(shop.balance("channel") - before.0, 18_000 - 108);
    assert_eq!(shop.balance("sales") - before.1, -18_000);
    assert_eq!(shop.balance("cost-of-goods"), 12_000);
    assert_eq!(free(&shop, sku), (3, 0));
    let own = ShopCommand::ReceivePurchase { purchase, member };
    let early = shop.try_do(Command::Shop(own.clone())).unwrap_err();
    assert_eq!(early.code(), "purchase_state");
    shop.must(Command::Shop(ShopCommand::ShipPurchase { purchase }));
    let other = ShopCommand::ReceivePurchase {
        purchase,
        member: MemberId(0),
    };
    if member != MemberId(0) {
        let refused = shop.try_do(Command::Shop(other)).unwrap_err();
        assert_eq!(refused.code(), "purchase_not_yours");
    }
    shop.must(Command::Shop(own));
    shop.check();
    // Returned within the window: the money the way it came, the coins with the ends they had, the units as the platform's own.
    let back = ShopCommand::ReturnPurchase { purchase, member };
    shop.must(Command::Shop(back));
    shop.must(Command::Shop(ShopCommand::TakeBackPurchase { purchase }));
    assert_eq!(shop.world.member(member).unwrap().coins, Coins(2_500));
    assert_eq!(free(&shop, sku), (5, 2));
    assert_eq!(shop.balance("cost-of-goods"), 12_000);
    shop.refund_all();
    assert_eq!(shop.balance("channel"), before.0);
    assert_eq!(buy(&mut shop, asked), Ok(purchase));
    // What came back is sold first and owed for once.
    let asked = Reservation {
        token: [5; 16],
        units: 3,
        coins: Coins(0),
        ..asked
    };
    let purchase = buy(&mut shop, asked).unwrap();
    assert_eq!(pay(&mut shop, purchase, "T2", 30_000), "paid");
    assert_eq!(shop.balance("cost-of-goods"), 18_000);
    assert_eq!(free(&shop, sku), (2, 0));
    shop.check();
}

#[test]
fn received_and_kept_by_itself() {
    let mut shop = Shop::new();
    let member = shop.member(None);
    let sku = list(&mut shop, terms(10_000, 6_000), 1);
    let asked = asked(&shop, member, sku, 1, 1, 0);
    let purchase = buy(&mut shop, asked).unwrap();
    assert_eq!(pay(&mut shop, purchase, "T1", 10_000), "paid");
    shop.must(Command::Shop(ShopCommand::ShipPurchase { purchase }));
    shop.wait(15 * 86_400 + 7 * 86_400 - 1);
    ticks(&mut shop);
    let known = shop.world.purchase(purchase).unwrap();
    assert!(matches!(known.state, PurchaseState::Received { .. }));
    shop.wait(1);
    let late = ShopCommand::ReturnPurchase { purchase, member };
    let late = shop.try_do(Command::Shop(late)).unwrap_err();
    assert_eq!(late.code(), "purchase_unknown");
    assert_eq!(shop.world.purchase(purchase), None);
    shop.check();
}

#[test]
fn money_that_cannot_pay_goes_back_in_full() {
    let mut shop = Shop::new();
    let member = shop.member(None);
    let sku = list(&mut shop, terms(10_000, 6_000), 2);
    let first = asked(&shop, member, sku, 1, 1, 0);
    let purchase = buy(&mut shop, first).unwrap();
    assert_eq!(pay(&mut shop, purchase, "T1", 9_999), "amount_differs");
    assert_eq!(pay(&mut shop, purchase, "T1", 9_999), "known");
    assert_eq!(pay(&mut shop, purchase, "T2", 10_000), "paid");
    assert_eq!(pay(&mut shop, purchase, "T2", 10_000), "known");
    assert_eq!(pay(&mut shop, purchase, "T3", 10_000), "second_payment");
    // Another reservation lapses, and its money comes too late: the caller sends it back.
    let second = asked(&shop, member, sku, 2, 1, 0);
    let lapsed = buy(&mut shop, second).unwrap();
    assert_eq!(pay(&mut shop, lapsed, "T2", 10_000), "known");
    shop.wait(PURCHASE_WINDOW.0 / 1000);
    assert_eq!(pay(&mut shop, lapsed, "T4", 10_000), "purchase_unknown");
    let late = ShopCommand::BouncePurchase {
        member,
        sku,
        txn: shop.txn("T4"),
        amount: Money(10_000),
    };
    for reason in [Some(Bounce::PurchaseOver), None] {
        let told = match shop.must(Command::Shop(late.clone())) {
            Answer::Payment(PaymentAnswer::Bounced { reason, .. }) => Some(reason),
            Answer::Payment(PaymentAnswer::Known) => None,
            other => panic!("{other:?}"),
        };
        assert_eq!(told, reason);
    }
    assert_eq!(shop.refund_all(), Money(9_999 + 10_000 + 10_000));
    assert_eq!(shop.balance("channel"), 10_000 - 60);
    assert_eq!(free(&shop, sku), (1, 0));
    shop.check();
}

#[test]
fn one_payment_is_a_seats_or_a_purchases() {
    let mut shop = Shop::new();
    let id = shop.publish(campaign(10_000, 3, 1, 0));
    let members = shop.members(3);
    let sku = list(&mut shop, terms(10_000, 6_000), 2);
    let group = shop.open(id, members[0]);
    let seat = PaymentId { group, index: 0 };
    let asked = asked(&shop, members[1], sku, 1, 1, 0);
    let purchase = buy(&mut shop, asked).unwrap();
    let name = format!("T{seat}");
    assert_eq!(
        pay(&mut shop, purchase, &name, 10_000),
        "payment_used_elsewhere"
    );
    let next = shop.join(group, members[1]).unwrap();
    assert_eq!(
        pay(&mut shop, purchase, &format!("T{next}"), 10_000),
        "paid"
    );
    let known = shop.pay_as(next, "", Money(10_000));
    assert_eq!(known, Ok(PaymentAnswer::Known));
    shop.check();
}

#[test]
fn coins_that_expire_while_they_are_held_are_gone() {
    let mut shop = Shop::new();
    shop.clock = Millis::of_date(2026, 11, 3).unwrap();
    let member = with_coins(&mut shop, 500);
    let sku = list(&mut shop, terms(10_000, 6_000), 1);
    shop.clock = Millis(Millis::of_date(2027, 12, 1).unwrap().0 - 60_000);
    ticks(&mut shop);
    let first = asked(&shop, member, sku, 1, 1, 500);
    let purchase = buy(&mut shop, first).unwrap();
    shop.wait(120);
    ticks(&mut shop);
    assert_eq!(shop.world.member(member).unwrap().coins, Coins(0));
    assert_eq!(pay(&mut shop, purchase, "T1", 9_500), "coins_gone");
    assert_eq!(shop.refund_all(), Money(9_500));
    // Given up, its unit is free; and expired coins are never used, also where nobody looked for them.
    let cancel = ShopCommand::CancelPurchase { purchase, member };
    shop.must(Command::Shop(cancel));
    assert_eq!(free(&shop, sku), (1, 0));
    shop.check();
    let other = with_coins(&mut shop, 500);
    shop.clock = Millis::of_date(2029, 1, 1).unwrap();
    let asked = asked(&shop, other, sku, 1, 1, 1);
    assert_eq!(buy(&mut shop, asked).unwrap_err().code(), "coins_short");
    shop.check();
}

/// At the very end of their month, and nobody has looked: the payment that comes then is the first to see it.
#[test]
fn coins_that_end_pay_nothing_also_where_nobody_has_looked() {
    let mut shop = Shop::new();
    shop.clock = Millis::of_date(2026, 11, 3).unwrap();
    let member = with_coins(&mut shop, 500);
    let sku = list(&mut shop, terms(10_000, 6_000), 1);
    let end = Millis::of_date(2027, 12, 1).unwrap();
    shop.clock = Millis(end.0 - 60_000);
    ticks(&mut shop);
    let asked = asked(&shop, member, sku, 1, 1, 500);
    let purchase = buy(&mut shop, asked).unwrap();
    shop.clock = end;
    assert_eq!(pay(&mut shop, purchase, "T1", 9_500), "coins_gone");
    assert_eq!(shop.world.member(member).unwrap().coins, Coins(0));
    assert_eq!(shop.refund_all(), Money(9_500));
    shop.check();
}

#[test]
fn a_winners_returned_unit_is_stock_and_costs_nothing_again() {
    let mut shop = Shop::new();
    let id = return_one(&mut shop);
    let member = shop.member(None);
    assert_eq!(shop.world.returned_units().collect::<Vec<_>>(), [(id, 1)]);
    let sku = list(&mut shop, terms(10_000, 6_000), 0);
    let stock = |units| {
        Command::Shop(ShopCommand::StockReturns {
            sku,
            campaign: id,
            units,
        })
    };
    let refused = shop.try_do(stock(2)).unwrap_err();
    assert_eq!(refused.code(), "returns_used_up");
    shop.must(stock(1));
    assert_eq!(shop.world.returned_units().count(), 0);
    let cost = shop.balance("cost-of-goods");
    let asked = asked(&shop, member, sku, 1, 1, 0);
    let purchase = buy(&mut shop, asked).unwrap();
    assert_eq!(pay(&mut shop, purchase, "T1", 10_000), "paid");
    assert_eq!(shop.balance("cost-of-goods"), cost);
    shop.check();
}

#[derive(Clone, Debug)]
enum Step {
    Buy(u8, u8, u32, i64),
    Pay(u8, bool),
    Cancel(u8),
    Ship(u8),
    Receive(u8),
    Return(u8),
    TakeBack(u8),
    Redeem(u8),
    Stock(u8, i32),
    Wait(i64),
    Tick,
}

fn step() -> impl Strategy<Value = Step> {
    let wait = prop_oneof![
        4 => 0i64..400,
        2 => 400i64..1_000,
        1 => Just(8 * 86_400),
        1 => Just(40 * 86_400),
    ];
    prop_oneof![
        6 => (any::<u8>(), any::<u8>(), 1u32..3, 0i64..120).prop_map(|(a, b, c, d)| Step::Buy(a, b, c, d)),
        6 => (any::<u8>(), prop::bool::weighted(0.85)).prop_map(|(a, b)| Step::Pay(a, b)),
        1 => any::<u8>().prop_map(Step::Cancel),
        4 => any::<u8>().prop_map(Step::Ship),
        3 => any::<u8>().prop_map(Step::Receive),
        2 => any::<u8>().prop_map(Step::Return),
        2 => any::<u8>().prop_map(Step::TakeBack),
        2 => any::<u8>().prop_map(Step::Redeem),
        2 => (any::<u8>(), -3i32..6).prop_map(|(a, b)| Step::Stock(a, b)),
        3 => wait.prop_map(Step::Wait),
        2 => Just(Step::Tick),
    ]
}

struct Market {
    shop: Shop,
    members: Vec<MemberId>,
    paid: u32,
}

impl Market {
    fn new() -> Market {
        let mut shop = Shop::new();
        let first = with_coins(&mut shop, 3_000);
        let second = with_coins(&mut shop, 1_500);
        let members = vec![first, second, shop.member(None)];
        list(&mut shop, terms(1_000, 600), 3);
        list(&mut shop, terms(333, 200), 2);
        let [store, _] = stores(&mut shop);
        let mut voucher = terms(500, 100);
        voucher.fulfilment = Fulfilment::Voucher;
        voucher.fetch = Some(FetchTerms {
            stores: vec![store],
            days: Some(20),
        });
        list(&mut shop, voucher, 4);
        Market {
            shop,
            members,
            paid: 0,
        }
    }

    fn open(&self, number: u8) -> Option<(PurchaseId, MemberId)> {
        let open: Vec<_> = self.shop.world.open_purchases().collect();
        let (id, of) = open.get(usize::from(number) % open.len().max(1))?;
        Some((*id, of.member))
    }

    fn run(&mut self, step: &Step, token: u16) {
        let command = match *step {
            Step::Buy(who, what, units, coins) => {
                let member = self.members[usize::from(who) % 3];
                let sku = SkuId(u32::from(what % 3));
                ShopCommand::Buy(asked(&self.shop, member, sku, token, units, coins))
            }
            Step::Pay(which, right) => {
                let Some((purchase, _)) = self.open(which) else {
                    return;
                };
                self.paid += 1;
                let cash = self.shop.world.purchase(purchase).unwrap().cash();
                ShopCommand::PayPurchase {
                    purchase,
                    txn: self.shop.txn(&format!("T{}", self.paid)),
                    amount: if right { cash } else { Money(1) },
                }
            }
            Step::Stock(what, by) => ShopCommand::AdjustStock {
                sku: SkuId(u32::from(what % 3)),
                by,
            },
            Step::Wait(seconds) => return self.shop.wait(seconds),
            Step::Tick => return ticks(&mut self.shop),
            Step::Cancel(which)
            | Step::Ship(which)
            | Step::Receive(which)
            | Step::Return(which)
            | Step::TakeBack(which)
            | Step::Redeem(which) => {
                let Some((purchase, member)) = self.open(which) else {
                    return;
                };
                match step {
                    Step::Cancel(_) => ShopCommand::CancelPurchase { purchase, member },
                    Step::Ship(_) => ShopCommand::ShipPurchase { purchase },
                    Step::Receive(_) => ShopCommand::ReceivePurchase { purchase, member },
                    Step::Return(_) => ShopCommand::ReturnPurchase { purchase, member },
                    Step::Redeem(_) => ShopCommand::Redeem {
                        what: Fetched::Purchase(purchase),
                        store: StoreId(0),
                    },
                    _ => ShopCommand::TakeBackPurchase { purchase },
                }
            }
        };
        let before = (self.shop.records.len(), self.shop.world.to_snapshot());
        if self.shop.try_do(Command::Shop(command)).is_err() && before.0 == self.shop.records.len()
        {
            assert!(before.1 == self.shop.world.to_snapshot(), "{step:?}");
        }
    }

    /// Units that came, less those that went, are where the world has them.
    fn check_units(&self) {
        let mut stock = [0i64; 3];
        let mut at = std::collections::BTreeMap::new();
        for event in self.shop.records.iter().flat_map(|record| &record.events) {
            let Event::Shop(event) = event else { continue };
            match event {
                ShopEvent::StockAdjusted { sku, by, .. } => {
                    stock[usize::try_from(sku.0).unwrap()] += i64::from(*by);
                }
                ShopEvent::PurchaseReserved { purchase, of } => {
                    at.insert(*purchase, (of.sku, i64::from(of.units)));
                    stock[usize::try_from(of.sku.0).unwrap()] -= i64::from(of.units);
                }
                ShopEvent::PurchaseLapsed { purchase }
                | ShopEvent::PurchaseReturned { purchase, .. } => {
                    let (sku, units) = at.remove(purchase).expect("ends once");
                    stock[usize::try_from(sku.0).unwrap()] += units;
                }
                _ => {}
            }
            assert!(stock.iter().all(|&units| 0 <= units), "sold twice");
        }
        for sku in self.shop.world.skus(None, 9) {
            let told = stock[usize::try_from(sku.id.0).unwrap()];
            assert_eq!(i64::from(sku.free), told);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]

    /// No unit is sold twice, and a world cut off after any record goes on as the one that was not.
    #[test]
    fn purchases_keep_every_invariant_wherever_they_are_cut(
        steps in prop::collection::vec(step(), 5..80),
        cut in 0usize..80,
    ) {
        let mut market = Market::new();
        for (token, step) in (0u16..).zip(&steps) {
            if usize::from(token) == cut {
                // As after a crash: everything from the bytes of a snapshot.
                let bytes = market.shop.world.to_snapshot();
                market.shop.world = World::from_snapshot(&bytes).unwrap();
            }
            market.run(step, token);
        }
        market.shop.check();
        market.check_units();
        market.shop.refund_all();
        market.shop.check();
    }
}

/// Random steps are worth what they reach.
#[test]
fn random_purchases_reach_everything() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..60 {
        let steps = prop::collection::vec(step(), 40..80);
        let steps = steps.new_tree(&mut runner).unwrap().current();
        let mut market = Market::new();
        for (token, step) in (0u16..).zip(&steps) {
            market.run(step, token);
        }
        for event in market.shop.records.iter().flat_map(|record| &record.events) {
            match event {
                Event::Shop(event) => seen.insert(event.name()),
                Event::PaymentBounced { reason, .. } => seen.insert(reason.name()),
                _ => false,
            };
        }
    }
    for name in ShopEvent::NAMES {
        let by_hand = [
            "sku_changed",
            "sku_closed",
            "sku_reopened",
            "returns_stocked",
            "order_redeemed",
        ];
        assert!(
            seen.contains(name) || by_hand.contains(&name),
            "{name}: {seen:?}"
        );
    }
    assert!(
        seen.contains("amount_differs") && seen.contains("second_payment"),
        "{seen:?}"
    );
}

/// Buying and giving back would put off their end for ever otherwise (rules 10.1).
#[test]
fn coins_come_back_with_the_ends_they_had() {
    let mut shop = Shop::new();
    shop.clock = Millis::of_date(2026, 11, 3).unwrap();
    let member = with_coins(&mut shop, 500);
    shop.clock = Millis::of_date(2026, 12, 3).unwrap();
    ticks(&mut shop);
    while shop.world.member(member).unwrap().coins.0 < 900 {
        more_coins(&mut shop, member, 500);
    }
    let all = shop.world.member(member).unwrap().coins;
    let sku = list(&mut shop, terms(10_000, 6_000), 5);
    let lots = |shop: &Shop| {
        let lots = shop.world.coin_lots(member);
        lots.iter()
            .map(|lot| (lot.expires, lot.coins.0))
            .collect::<Vec<_>>()
    };
    let ends = [(2027, 12), (2028, 1)].map(|(y, m)| Millis::of_date(y, m, 1).unwrap());
    let had = vec![(ends[0], 500), (ends[1], all.0 - 500)];
    assert_eq!(lots(&shop), had);
    let buy_some = |shop: &mut Shop, token: u16| {
        let asked = asked(shop, member, sku, token, 1, 700);
        let purchase = buy(shop, asked).unwrap();
        assert_eq!(pay(shop, purchase, &format!("T{token}"), 9_300), "paid");
        purchase
    };
    // Cancelled in the next month: as they were, also after a snapshot.
    let first = buy_some(&mut shop, 1);
    assert_eq!(lots(&shop), vec![(ends[1], all.0 - 700)]);
    shop.clock = Millis::of_date(2027, 1, 5).unwrap();
    let bytes = shop.world.to_snapshot();
    shop.world = World::from_snapshot(&bytes).unwrap();
    let cancel = |purchase| ShopCommand::CancelPurchase { purchase, member };
    shop.must(Command::Shop(cancel(first)));
    assert_eq!(lots(&shop), had);
    shop.check();
    // With all of them gone between, the older end is the newest lot's.
    let second = buy_some(&mut shop, 2);
    shop.clock = Millis::of_date(2027, 12, 9).unwrap();
    ticks(&mut shop);
    // The older lot is over: its part ends with this month, which is when the younger one ends, too.
    shop.must(Command::Shop(cancel(second)));
    assert_eq!(lots(&shop), vec![(ends[1], all.0)]);
    shop.check();
    let third = buy_some(&mut shop, 3);
    shop.clock = Millis::of_date(2028, 3, 9).unwrap();
    ticks(&mut shop);
    assert_eq!(lots(&shop), vec![]);
    shop.must(Command::Shop(cancel(third)));
    assert_eq!(
        lots(&shop),
        vec![(Millis::of_date(2028, 4, 1).unwrap(), 700)]
    );
    shop.clock = Millis::of_date(2028, 4, 1).unwrap();
    ticks(&mut shop);
    assert_eq!(lots(&shop), vec![]);
    shop.check();
}

/// He loses one more group of his own.
fn more_coins(shop: &mut Shop, member: MemberId, coins: i64) {
    let mut offer = campaign(1_000, 2, 1, 0);
    offer.rewards = vec![consolation(0, coins)];
    let id = shop.publish(offer);
    let other = shop.member(None);
    let group = shop.fill(id, &[member, other]);
    shop.settle(group);
    shop.refund_all();
}
