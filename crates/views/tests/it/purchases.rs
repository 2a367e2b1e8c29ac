//! Direct purchases in the views: the rows of any history are those of its world, however it was cut.

use domain::*;
use proptest::prelude::*;
use views::*;

use crate::kit::{Desk, Shop, e0, txn};

fn listed() -> Shop {
    let mut shop = Shop::opened(5, e0());
    let group = shop.fill(&[0, 1, 2, 3, 4]);
    shop.settle(group);
    let title = Text {
        zh: "茶壶".to_owned(),
        en: "teapot".to_owned(),
    };
    let terms = SkuTerms {
        title,
        price: Money(2_000),
        cost: Money(1_200),
        coin_offset: Rate(100_000),
        fulfilment: Fulfilment::Ship,
        channel: ChannelTerms {
            fee: Rate(6_000),
            kept_on_refund: false,
        },
        fetch: None,
        package: None,
    };
    shop.must(Command::Shop(ShopCommand::ListSku {
        token: [1; 16],
        product: [2; 16],
        terms: Box::new(terms),
    }));
    let sku = SkuId(0);
    shop.must(Command::Shop(ShopCommand::AdjustStock { sku, by: 40 }));
    let package = SkuTerms {
        cost: Money(0),
        coin_offset: Rate(0),
        package: Some(PackageTerms {
            coins: Coins(700),
            gift: Coins(9),
            unit: Some(GiftUnit {
                sku,
                worth: Money(500),
            }),
            vip: Some(GiftVip { level: 1, days: 2 }),
        }),
        ..shop.world.sku(sku).unwrap().terms
    };
    shop.must(Command::Shop(ShopCommand::ListSku {
        token: [5; 16],
        product: [2; 16],
        terms: Box::new(package),
    }));
    let sku = SkuId(1);
    shop.must(Command::Shop(ShopCommand::AdjustStock { sku, by: 40 }));
    for (number, cash) in [(0u8, CashTaker::Store), (1, CashTaker::Platform)] {
        let contract = Contract {
            entry_fee: Money(0),
            commission: None,
            settlement: Some(Rate(200_000)),
            cash,
            lock_days: None,
            origin_share: None,
            channel: None,
        };
        shop.must(Command::Alliance(AllianceCommand::AdmitMerchant {
            token: [30 + number; 16],
            contract,
        }));
        shop.must(Command::Alliance(AllianceCommand::OpenStore {
            merchant: MerchantId(u32::from(number)),
            token: [40 + number; 16],
        }));
    }
    shop
}

/// A bill at a counter, of the store's cash or the platform's, its payment, or the way back.
fn at_counter(shop: &mut Shop, token: u8, (what, which, coins): (u8, u8, u8)) {
    let counter = CounterId(u64::from(coins) % shop.world.counter_payments().max(1));
    let place = u32::from(which % 2);
    let command = match what % 5 {
        0..3 => AllianceCommand::PayAtCounter {
            store: StoreId(place),
            bill: Bill {
                amount: Money(i64::from(coins) * 19 + 1),
                most_coins: None,
            },
            claim: Some(Claim {
                token: [token; 16],
                member: MemberId(u32::from(which % 5)),
                expires: shop.clock.after(CLAIM_LASTS),
            }),
        },
        3 => {
            let waits = shop.world.counter_awaited(counter);
            let cash = waits.map_or(Money(5), |waits| waits.paid.paid_in_cash().unwrap());
            AllianceCommand::PayCounter {
                counter,
                txn: txn(&format!("C{token}")),
                amount: cash,
            }
        }
        _ => AllianceCommand::ReverseCounter {
            counter,
            merchant: MerchantId(place),
            store: None,
        },
    };
    let _refused = shop.try_do(Command::Alliance(command));
}

fn step(shop: &mut Shop, token: u8, (what, which, coins): (u8, u8, u8)) {
    let open: Vec<_> = shop.world.open_purchases().collect();
    let chosen = open.get(usize::from(which) % open.len().max(1));
    let chosen = chosen.map(|(id, of)| (*id, of.member, of.cash()));
    if 180 < what {
        return at_counter(shop, token, (what, which, coins));
    }
    if what % 11 == 9 {
        let member = MemberId(u32::from(which % 5));
        let all = shop.world.recharges(member);
        if let Some(&(recharge, _)) = all.get(usize::from(coins) % all.len().max(1)) {
            let refund = RechargeCommand::Refund { recharge, member };
            let _refused = shop.try_do(Command::Recharge(refund));
        }
        return;
    }
    let command = match (what % 9, chosen) {
        (0, _) if coins < 100 => ShopCommand::Buy(Reservation {
            member: MemberId(u32::from(which % 5)),
            token: [token; 16],
            sku: SkuId(1),
            units: 1,
            price: Money(2_000),
            coins: Coins(0),
        }),
        (0..3, _) | (_, None) => ShopCommand::Buy(Reservation {
            member: MemberId(u32::from(which % 5)),
            token: [token; 16],
            sku: SkuId(0),
            units: 1 + u32::from(which % 2),
            price: Money(2_000),
            coins: Coins(i64::from(coins)),
        }),
        (3 | 4, Some((purchase, _, amount))) => ShopCommand::PayPurchase {
            purchase,
            txn: txn(&format!("P{token}")),
            amount: if coins < 40 { Money(7) } else { amount },
        },
        (5, Some((purchase, ..))) => ShopCommand::ShipPurchase { purchase },
        (6, Some((purchase, member, _))) => ShopCommand::ReceivePurchase { purchase, member },
        (7, Some((purchase, member, _))) => match which % 3 {
            0 => ShopCommand::CancelPurchase { purchase, member },
            1 => ShopCommand::ReturnPurchase { purchase, member },
            _ => ShopCommand::TakeBackPurchase { purchase },
        },
        (_, Some(_)) => {
            shop.wait(i64::from(coins) * i64::from(which) * 40);
            return shop.ticks();
        }
    };
    let _refused = shop.try_do(Command::Shop(command));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn the_views_of_any_purchases_are_those_of_their_world_however_they_were_cut(
        steps in prop::collection::vec(any::<(u8, u8, u8)>(), 20..150), cut in 1usize..40,
    ) {
        let mut shop = listed();
        for (token, &what) in (0u8..).zip(&steps) {
            step(&mut shop, token, what);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let desk = Desk::of(&shop, cut).await;
            desk.agrees(&shop.world).await;
            crate::notices::agree(&desk, &shop).await;
            let whole = Desk::of(&shop, usize::MAX).await;
            assert_eq!(desk.dump().await, whole.dump().await);
        });
    }
}

#[tokio::test]
async fn a_purchase_is_told_from_its_reservation_to_its_return() {
    let mut shop = listed();
    let member = MemberId(1);
    let coins = shop.world.member(member).unwrap().coins.0.min(200);
    let asked = Reservation {
        member,
        token: [7; 16],
        sku: SkuId(0),
        units: 1,
        price: Money(2_000),
        coins: Coins(coins),
    };
    shop.must(Command::Shop(ShopCommand::Buy(asked)));
    let purchase = PurchaseId(0);
    let cash = Money(2_000 - coins);
    shop.must(Command::Shop(ShopCommand::PayPurchase {
        purchase,
        txn: txn("P1"),
        amount: cash,
    }));
    let lost = Command::Shop(ShopCommand::BouncePurchase {
        member,
        sku: SkuId(0),
        txn: txn("P2"),
        amount: Money(55),
    });
    shop.must(lost);
    for command in [
        ShopCommand::ShipPurchase { purchase },
        ShopCommand::ReceivePurchase { purchase, member },
        ShopCommand::ReturnPurchase { purchase, member },
        ShopCommand::TakeBackPurchase { purchase },
    ] {
        shop.must(Command::Shop(command));
    }
    let desk = Desk::of(&shop, 1).await;
    desk.agrees(&shop.world).await;
    crate::notices::agree(&desk, &shop).await;
    let row = desk.views.purchase(purchase).await.unwrap().value.unwrap();
    assert_eq!((row.member, row.state), (member, PurchaseStatus::Returned));
    assert_eq!((row.cash(), row.coins), (cash, Coins(coins)));
    assert_eq!(row.ended_at, Some(shop.clock));
    // Both payments are found again by the provider's names, each with its way back.
    for (name, amount) in [("P1", cash), ("P2", Money(55))] {
        let found = desk
            .views
            .money_in(&txn(name))
            .await
            .unwrap()
            .value
            .unwrap();
        assert_eq!(
            (found.member, found.amount),
            (Some(member), amount),
            "{name}"
        );
        assert_eq!(found.refund.unwrap().amount, amount, "{name}");
    }
    let mine = PurchaseFilter {
        member: Some(member),
        state: Some(PurchaseStatus::Returned),
    };
    let page = Page::new(None, 10);
    let listed = desk.views.purchases(mine, page).await.unwrap().value;
    assert_eq!(listed.items, [row]);
    let all = (Millis(0), Millis(i64::MAX));
    let unpaid = desk
        .views
        .unpaid_purchases((all.0, None), all.1, 10)
        .await
        .unwrap();
    assert_eq!(unpaid.value, []);
}

/// Coins that were bought have a history, too (rules 9.2).
#[tokio::test]
async fn bought_coins_have_a_history() {
    let mut shop = listed();
    let coins = |shop: &Shop, member| shop.world.member(member).unwrap().coins.0;
    let has_few = |member: &MemberId| coins(&shop, *member) < 200;
    let member = (0..5).map(MemberId).find(has_few).unwrap();
    let had = coins(&shop, member);
    let recharge = PurchaseId(0);
    let buy = |shop: &mut Shop, sku, coins| {
        let purchase = PurchaseId(shop.world.purchases());
        shop.must(Command::Shop(ShopCommand::Buy(Reservation {
            member,
            token: [u8::try_from(purchase.0 + 7).unwrap(); 16],
            sku,
            units: 1,
            price: Money(2_000),
            coins: Coins(coins),
        })));
        shop.must(Command::Shop(ShopCommand::PayPurchase {
            purchase,
            txn: txn(&format!("P{purchase}")),
            amount: Money(2_000 - coins),
        }));
        purchase
    };
    assert_eq!(buy(&mut shop, SkuId(1), 0), recharge);
    let purchase = buy(&mut shop, SkuId(0), 200);
    let used = 200 - had;
    shop.must(Command::Shop(ShopCommand::CancelPurchase {
        purchase,
        member,
    }));
    let refund = RechargeCommand::Refund { recharge, member };
    shop.must(Command::Recharge(refund));
    let desk = Desk::of(&shop, 1).await;
    desk.agrees(&shop.world).await;
    let page = Page::new(None, 10);
    let lines = desk
        .views
        .wallet_lines(member, WalletAccount::BoughtCoins, page)
        .await
        .unwrap();
    let told: Vec<_> = lines
        .value
        .items
        .iter()
        .map(|line| (line.why.kind.name(), line.amount, line.balance))
        .collect();
    let expected = [
        ("recharge_refunded", -700, 0),
        ("coins_back", used, 700),
        ("coins_spent", -used, 700 - used),
        ("recharged", 700, 700),
    ];
    assert_eq!(told, expected);
}
