//! The audit counts stock and direct purchases again (rules 9.4 and 10.6).

use domain::*;

use crate::shop::{Shop, fails, forge, passes, sale};

const MEMBER: MemberId = MemberId(0);

fn buy(shop: &mut Shop, token: u8, units: u32) -> PurchaseId {
    let purchase = PurchaseId(shop.step.world().purchases());
    shop.must(Command::Shop(ShopCommand::Buy(Reservation {
        member: MEMBER,
        token: [token; 16],
        sku: SkuId(0),
        units,
        price: Money(10_000),
        coins: Coins(0),
    })));
    purchase
}

fn pay(shop: &mut Shop, purchase: PurchaseId, units: i64) {
    let txn = Txn::new(&format!("P{purchase}")).unwrap();
    shop.must(Command::Shop(ShopCommand::PayPurchase {
        purchase,
        txn,
        amount: Money(10_000 * units),
    }));
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
    let title = Text {
        zh: "米".to_owned(),
        en: "rice".to_owned(),
    };
    let terms = SkuTerms {
        title,
        price: Money(10_000),
        cost: Money(6_000),
        coin_offset: Rate(0),
        fulfilment: Fulfilment::Ship,
        channel: ChannelTerms::default(),
    };
    shop.must(Command::Shop(ShopCommand::ListSku {
        token: [1; 16],
        product: [2; 16],
        terms: Box::new(terms),
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
