//! The audit counts stock and direct purchases again (rules 9.4 and 10.6).

use domain::*;

use crate::shop::{Shop, fails, forge, passes, sale};

const MEMBER: MemberId = MemberId(0);

fn buy(shop: &mut Shop, token: u8, units: u32) -> PurchaseId {
    buy_of(shop, SkuId(0), token, units)
}

pub(crate) fn buy_of(shop: &mut Shop, sku: SkuId, token: u8, units: u32) -> PurchaseId {
    let purchase = PurchaseId(shop.step.world().purchases());
    shop.must(Command::Shop(ShopCommand::Buy(Reservation {
        member: MEMBER,
        token: [token; 16],
        sku,
        units,
        price: Money(10_000),
        coins: Coins(0),
    })));
    purchase
}

pub(crate) fn pay(shop: &mut Shop, purchase: PurchaseId, units: i64) {
    let txn = Txn::new(&format!("P{purchase}")).unwrap();
    shop.must(Command::Shop(ShopCommand::PayPurchase {
        purchase,
        txn,
        amount: Money(10_000 * units),
    }));
}

/// One is used, one goes back unused; and one of a group is used.
fn vouchers(shop: &mut Shop) {
    let contract = Contract {
        entry_fee: Money(0),
        commission: None,
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
    let (merchant, store) = (MerchantId(0), StoreId(0));
    shop.must(Command::Alliance(AllianceCommand::OpenStore {
        merchant,
        token: [4; 16],
    }));
    let terms = SkuTerms {
        fulfilment: Fulfilment::Voucher,
        fetch: Some(FetchTerms {
            stores: vec![store],
            days: Some(9),
        }),
        ..sku()
    };
    shop.must(Command::Shop(ShopCommand::ListSku {
        token: [9; 16],
        product: [2; 16],
        terms: Box::new(terms),
    }));
    let sku = SkuId(1);
    shop.must(Command::Shop(ShopCommand::AdjustStock { sku, by: 2 }));
    for token in [7, 8] {
        let purchase = buy_of(shop, sku, token, 1);
        pay(shop, purchase, 1);
        if token == 7 {
            let what = Fetched::Purchase(purchase);
            shop.must(Command::Shop(ShopCommand::Redeem { what, store }));
        }
    }
    let mut offer = sale();
    offer.product.fulfilment = Fulfilment::Voucher;
    shop.must(Command::PublishCampaign {
        campaign: Box::new(offer),
    });
    let group = GroupId(shop.step.world().groups());
    shop.must(Command::OpenGroup {
        campaign: CampaignId(1),
        member: MEMBER,
        via: None,
    });
    shop.pay(PaymentId { group, index: 0 }, MEMBER);
    let via = None;
    let member = MemberId(1);
    shop.must(Command::JoinGroup { group, member, via });
    shop.pay(PaymentId { group, index: 1 }, member);
    let what = Fetched::Order(OrderId(2));
    shop.must(Command::Shop(ShopCommand::Redeem { what, store }));
    shop.days(10);
}

/// Two packages; a purchase uses all of the first and a part of the second, another comes back; the rest is paid back.
fn recharges(shop: &mut Shop) {
    let package = SkuTerms {
        cost: Money(0),
        package: Some(PackageTerms {
            coins: Coins(700),
            gift: Coins(70),
            unit: None,
            vip: None,
        }),
        ..sku()
    };
    let goods = SkuTerms {
        coin_offset: Rate(500_000),
        ..sku()
    };
    for (token, terms) in [(10, package), (11, goods)] {
        shop.must(Command::Shop(ShopCommand::ListSku {
            token: [token; 16],
            product: [2; 16],
            terms: Box::new(terms),
        }));
        let sku = SkuId(u32::from(token) - 8);
        shop.must(Command::Shop(ShopCommand::AdjustStock { sku, by: 5 }));
    }
    let mut ids = Vec::new();
    for token in [12, 13] {
        let id = buy_of(shop, SkuId(2), token, 1);
        pay(shop, id, 1);
        ids.push(id);
    }
    for (token, coins) in [(14, 900), (15, 500)] {
        let purchase = PurchaseId(shop.step.world().purchases());
        shop.must(Command::Shop(ShopCommand::Buy(Reservation {
            member: MEMBER,
            token: [token; 16],
            sku: SkuId(3),
            units: 1,
            price: Money(10_000),
            coins: Coins(coins),
        })));
        let txn = Txn::new(&format!("P{purchase}")).unwrap();
        let amount = Money(10_000 - coins);
        let paid = ShopCommand::PayPurchase {
            purchase,
            txn,
            amount,
        };
        if coins == 500 {
            // He gives this one up.
            shop.must(Command::Shop(ShopCommand::CancelPurchase {
                purchase,
                member: MEMBER,
            }));
            continue;
        }
        shop.must(Command::Shop(paid));
        let member = MEMBER;
        for command in [
            ShopCommand::ShipPurchase { purchase },
            ShopCommand::ReceivePurchase { purchase, member },
            ShopCommand::ReturnPurchase { purchase, member },
            ShopCommand::TakeBackPurchase { purchase },
        ] {
            shop.must(Command::Shop(command));
        }
    }
    shop.days(8);
    shop.must(Command::Recharge(RechargeCommand::Refund {
        recharge: ids[0],
        member: MEMBER,
    }));
}

pub(crate) fn sku() -> SkuTerms {
    let title = Text {
        zh: "米".to_owned(),
        en: "rice".to_owned(),
    };
    SkuTerms {
        title,
        price: Money(10_000),
        cost: Money(6_000),
        coin_offset: Rate(0),
        fulfilment: Fulfilment::Ship,
        channel: ChannelTerms::default(),
        fetch: None,
        package: None,
    }
}

fn story(shop: &mut Shop) {
    shop.must(Command::PublishCampaign {
        campaign: Box::new(sale()),
    });
    shop.register(&[None, None]);
    let group = shop.buy([0, 1]);
    shop.deliver(group, [0, 1]);
    let order = OrderId(0);
    let member = MEMBER;
    shop.must(Command::ReturnOrder { order, member });
    shop.must(Command::TakeBackOrder { order });
    shop.must(Command::Shop(ShopCommand::ListSku {
        token: [1; 16],
        product: [2; 16],
        terms: Box::new(sku()),
    }));
    let sku = SkuId(0);
    shop.must(Command::Shop(ShopCommand::AdjustStock { sku, by: 3 }));
    shop.must(Command::Shop(ShopCommand::StockReturns {
        sku,
        campaign: CampaignId(0),
        units: 1,
    }));
    buy(shop, 1, 1);
    shop.wait(PURCHASE_WINDOW.0);
    let purchase = buy(shop, 2, 2);
    pay(shop, purchase, 2);
    for command in [
        ShopCommand::ShipPurchase { purchase },
        ShopCommand::ReceivePurchase { purchase, member },
        ShopCommand::ReturnPurchase { purchase, member },
        ShopCommand::TakeBackPurchase { purchase },
    ] {
        shop.must(Command::Shop(command));
    }
    vouchers(shop);
    recharges(shop);
    let kept = buy(shop, 3, 1);
    pay(shop, kept, 1);
    let ship = ShopCommand::ShipPurchase { purchase: kept };
    shop.must(Command::Shop(ship));
    shop.days(23);
}

#[test]
fn stock_and_purchases_are_counted_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut shop = Shop::open(dir.path());
    story(&mut shop);
    let world = shop.step.world();
    assert_eq!(world.violations(), Vec::<String>::new());
    assert_eq!(
        world.sku(SkuId(0)).map(|sku| (sku.free, sku.own)),
        Some((3, 1))
    );
    drop(shop);
    passes(dir.path());
    let changed = |finding: &str, mut change: Box<dyn FnMut(&mut ShopEvent) -> bool>| {
        let forged = forge(dir.path(), |event| match event {
            Event::Shop(event) => change(event),
            _ => false,
        });
        fails(forged.path(), finding);
    };
    let in_reservation = |change: fn(&mut Purchase)| {
        Box::new(move |event: &mut ShopEvent| match event {
            ShopEvent::PurchaseReserved { of, .. } => {
                change(of);
                true
            }
            _ => false,
        })
    };
    changed(
        "SKU 0 changes as it cannot",
        in_reservation(|of| of.cost = Money(1)),
    );
    changed(
        "SKU 0 changes as it cannot",
        in_reservation(|of| of.bill = Money(1_000)),
    );
    changed(
        "SKU 0 changes as it cannot",
        in_reservation(|of| of.coins = Coins(1)),
    );
    changed(
        "is paid otherwise than it was reserved",
        Box::new(|event| match event {
            ShopEvent::PurchasePaid { amount, .. } => {
                amount.0 -= 1;
                true
            }
            _ => false,
        }),
    );
    changed(
        "gives back something else",
        Box::new(|event| match event {
            ShopEvent::PurchaseReturned { amount, .. } => {
                amount.0 += 1;
                true
            }
            _ => false,
        }),
    );
    let recharge = |finding: &str, mut change: Box<dyn FnMut(&mut RechargeEvent) -> bool>| {
        let forged = forge(dir.path(), |event| match event {
            Event::Recharge(event) => change(event),
            _ => false,
        });
        fails(forged.path(), finding);
    };
    recharge(
        "is paid otherwise than it was reserved",
        Box::new(|event| match event {
            RechargeEvent::Recharged { terms, .. } => {
                terms.coins.0 += 1;
                true
            }
            _ => false,
        }),
    );
    recharge(
        "uses other bought coins than the oldest",
        Box::new(|event| match event {
            RechargeEvent::BoughtUsed { parts, .. } => {
                parts[0].money.0 -= 1;
                true
            }
            _ => false,
        }),
    );
    recharge(
        "other bought coins come back",
        Box::new(|event| match event {
            RechargeEvent::BoughtBack { parts, .. } => {
                parts[0].money.0 -= 1;
                true
            }
            _ => false,
        }),
    );
    recharge(
        "gets a gift that it is not due",
        Box::new(|event| match event {
            RechargeEvent::GiftGiven { coins, .. } => {
                coins.0 += 1;
                true
            }
            _ => false,
        }),
    );
    recharge(
        "which is not what its unused coins are worth",
        Box::new(|event| match event {
            RechargeEvent::Refunded { amount, .. } => {
                amount.0 += 1;
                true
            }
            _ => false,
        }),
    );
    changed(
        "does not wait for that there",
        Box::new(|event| match event {
            ShopEvent::PurchaseRedeemed { store, .. } => {
                *store = StoreId(9);
                true
            }
            _ => false,
        }),
    );
    changed(
        "order 0 is given out, but it does not wait for that",
        Box::new(|event| match event {
            ShopEvent::OrderRedeemed { order, .. } => {
                *order = OrderId(0);
                true
            }
            _ => false,
        }),
    );
    changed(
        "becomes received, but it is not shipped",
        Box::new(|event| match event {
            ShopEvent::PurchaseReceived { kept_at, .. } => {
                kept_at.0 -= 1;
                true
            }
            _ => false,
        }),
    );
}
