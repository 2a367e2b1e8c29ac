//! `potluck audit` counts every bought coin that pays a part of a bill at a counter again, and those that come back.
use std::path::Path;

use domain::*;

use crate::shop::{Shop, finds, finds_in_alliance, passes, sale};

const MERCHANT: MerchantId = MerchantId(0);
const STORE: StoreId = StoreId(0);
const MEMBER: MemberId = MemberId(0);

impl Shop {
    fn list_package(&mut self) {
        self.must(Command::Shop(ShopCommand::ListSku {
            token: [9; 16],
            product: [9; 16],
            terms: Box::new(SkuTerms {
                title: sale().name,
                price: Money(1_000),
                cost: Money(0),
                coin_offset: Rate(0),
                fulfilment: Fulfilment::Ship,
                channel: ChannelTerms::default(),
                fetch: None,
                package: Some(PackageTerms {
                    coins: Coins(3_000),
                    gift: Coins(0),
                    unit: None,
                    vip: None,
                }),
            }),
        }));
        let (sku, by) = (SkuId(0), 9);
        self.must(Command::Shop(ShopCommand::AdjustStock { sku, by }));
    }

    /// 30.00 coins are bought for 10.00.
    fn recharge(&mut self, token: u8) -> PurchaseId {
        let purchase = PurchaseId(self.step.world().purchases());
        self.must(Command::Shop(ShopCommand::Buy(Reservation {
            member: MEMBER,
            token: [token; 16],
            sku: SkuId(0),
            units: 1,
            price: Money(1_000),
            coins: Coins(0),
        })));
        self.must(Command::Shop(ShopCommand::PayPurchase {
            purchase,
            txn: Txn::new(&format!("recharge-{token}")).unwrap(),
            amount: Money(1_000),
        }));
        purchase
    }
}

/// Two bills whose cash the store takes, of which one is voided; two whose cash the platform takes, both refunded, one when its
/// recharge has been paid back. Then a month passes, and what stands is over with the next bill.
fn live(data: &Path) {
    let mut shop = Shop::open(data);
    shop.register(&[None]);
    shop.list_package();
    let [_, second] = [1, 2].map(|token| shop.recharge(token));
    let contract = Contract {
        entry_fee: Money(0),
        commission: None,
        settlement: Some(Rate(200_000)),
        cash: CashTaker::Store,
        lock_days: None,
        origin_share: None,
        channel: None,
    };
    shop.must(Command::Alliance(AllianceCommand::AdmitMerchant {
        token: [1; 16],
        contract,
    }));
    shop.must(Command::Alliance(AllianceCommand::OpenStore {
        merchant: MERCHANT,
        token: [2; 16],
    }));
    shop.at_counter(3, 20_000);
    let voided = shop.at_counter(4, 30_000);
    shop.take_back(voided, Some(STORE));
    shop.must(Command::Alliance(AllianceCommand::SignContract {
        merchant: MERCHANT,
        contract: Contract {
            cash: CashTaker::Platform,
            ..contract
        },
    }));
    let bills = [(5, 15_000), (6, 20_000)].map(|(number, amount)| {
        let counter = shop.at_counter(number, amount);
        shop.cash(counter, &format!("bill-{number}"), amount / 10 * 9);
        counter
    });
    shop.days(2);
    shop.take_back(bills[0], None);
    shop.must(Command::Recharge(RechargeCommand::Refund {
        recharge: second,
        member: MEMBER,
    }));
    shop.take_back(bills[1], None);
    shop.days(30);
    let last = shop.at_counter(7, 1_000);
    shop.cash(last, "last", 900);
}

#[test]
fn forged_bought_coins_at_counters_are_found() {
    let dir = tempfile::tempdir().unwrap();
    live(dir.path());
    passes(dir.path());
    let alliance = |finding: &str, change: &mut dyn FnMut(&mut AllianceEvent) -> bool| {
        finds_in_alliance(dir.path(), finding, change);
    };
    alliance(
        "uses other bought coins than are missing",
        &mut |event| match event {
            AllianceEvent::CounterPaid(paid) if paid.bought.is_positive() => {
                paid.bought.0 -= 1;
                true
            }
            _ => false,
        },
    );
    alliance(
        "is taken back otherwise than it was paid",
        &mut |event| match event {
            AllianceEvent::CounterReversed(back) if back.bought.is_positive() => {
                back.bought.0 -= 1;
                true
            }
            _ => false,
        },
    );
    let recharge = |finding: &str, change: fn(&mut RechargeEvent) -> bool| {
        finds(dir.path(), finding, |event| match event {
            Event::Recharge(event) => change(event),
            _ => false,
        });
    };
    recharge(
        "uses other bought coins than the oldest",
        |event| match event {
            RechargeEvent::CounterUsed { parts, .. } => {
                parts[0].money.0 -= 1;
                true
            }
            _ => false,
        },
    );
    recharge(
        "other bought coins come back than payment",
        |event| match event {
            RechargeEvent::CounterBack { parts, .. } => {
                parts[0].money.0 -= 1;
                true
            }
            _ => false,
        },
    );
    // Something else stands in its place.
    let without = |finding: &str, is: fn(&Event) -> bool| {
        finds(dir.path(), finding, |event| {
            let found = is(event);
            if found {
                *event = Event::CapitalDeposited { amount: Money(1) };
            }
            found
        });
    };
    without("bought hundredths, and was not", |event| {
        matches!(event, Event::Recharge(RechargeEvent::CounterUsed { .. }))
    });
    without("is taken back without its bought coins", |event| {
        matches!(event, Event::Recharge(RechargeEvent::CounterBack { .. }))
    });
    without("come back without it", |event| {
        matches!(event, Event::Alliance(AllianceEvent::CounterReversed(_)))
    });
}
