//! `potluck audit` counts again what recharges give beside coins: the unit that is held, the purchase of nothing that it becomes, and
//! the VIP level with its days.
use std::path::Path;

use domain::rewards::{Base, Generation, Program, Source};
use domain::*;

use crate::shop::{Shop, finds, passes, sale, unlimited};

const MEMBER: MemberId = MemberId(0);
const THING: SkuId = SkuId(0);
const PACKAGE: SkuId = SkuId(1);

fn terms(package: Option<PackageTerms>) -> SkuTerms {
    SkuTerms {
        title: sale().name,
        price: Money(10_000),
        cost: Money(if package.is_some() { 0 } else { 4_000 }),
        coin_offset: Rate(0),
        fulfilment: Fulfilment::Ship,
        channel: ChannelTerms::default(),
        fetch: None,
        package,
    }
}

impl Shop {
    fn list_with(&mut self, number: u8, terms: SkuTerms) {
        self.must(Command::Shop(ShopCommand::ListSku {
            token: [number; 16],
            product: [9; 16],
            terms: Box::new(terms),
        }));
        let sku = SkuId(u32::from(number));
        self.must(Command::Shop(ShopCommand::AdjustStock { sku, by: 9 }));
    }

    fn reserve_package(&mut self, token: u8) -> PurchaseId {
        let purchase = PurchaseId(self.step.world().purchases());
        self.must(Command::Shop(ShopCommand::Buy(Reservation {
            member: MEMBER,
            token: [token; 16],
            sku: PACKAGE,
            units: 1,
            price: Money(10_000),
            coins: Coins(0),
        })));
        purchase
    }

    fn buy_package(&mut self, token: u8) -> PurchaseId {
        let purchase = self.reserve_package(token);
        self.must(Command::Shop(ShopCommand::PayPurchase {
            purchase,
            txn: Txn::new(&format!("package-{token}")).unwrap(),
            amount: Money(10_000),
        }));
        purchase
    }

    fn pay_back(&mut self, recharge: PurchaseId) {
        let member = MEMBER;
        self.must(Command::Recharge(RechargeCommand::Refund {
            recharge,
            member,
        }));
    }
}

/// Four packages: one lapses, one is paid back at once, one after its gifts came, and of one all is kept. Two friends of the
/// member's fill a group while his level lasts, and one when it is over.
fn live(data: &Path) {
    let mut shop = Shop::open(data);
    let generation = Program::Generation(Generation {
        source: Source::All,
        base: Base::Price,
        rates: vec![Rate(10_000)],
        vip_depth: Some(vec![0, 0, 1]),
    });
    shop.must(Command::PublishCampaign {
        campaign: Box::new(Campaign {
            rewards: unlimited([generation]),
            ..sale()
        }),
    });
    shop.register(&[None, Some(0), Some(0)]);
    shop.list_with(0, terms(None));
    shop.list_with(
        1,
        terms(Some(PackageTerms {
            coins: Coins(30_000),
            gift: Coins(500),
            unit: Some(GiftUnit {
                sku: THING,
                worth: Money(6_000),
            }),
            vip: Some(GiftVip { level: 2, days: 10 }),
        })),
    );
    shop.reserve_package(20);
    shop.wait(1_000_000);
    let gone = shop.buy_package(21);
    shop.pay_back(gone);
    let back = shop.buy_package(22);
    shop.buy_package(23);
    shop.days(8);
    shop.buy([1, 2]);
    shop.pay_back(back);
    shop.must(Command::Shop(ShopCommand::ShipPurchase {
        purchase: PurchaseId(4),
    }));
    shop.days(10);
    shop.buy([2, 1]);
}

#[test]
fn forged_gifts_are_found() {
    let dir = tempfile::tempdir().unwrap();
    live(dir.path());
    passes(dir.path());
    let recharge = |finding: &str, change: fn(&mut RechargeEvent) -> bool| {
        finds(dir.path(), finding, |event| match event {
            Event::Recharge(event) => change(event),
            _ => false,
        });
    };
    let not_due = "gets a gift that it is not due";
    recharge(not_due, |event| match event {
        RechargeEvent::GiftGiven { coins, .. } => {
            coins.0 += 1;
            true
        }
        _ => false,
    });
    recharge(not_due, |event| match event {
        RechargeEvent::UnitGiven { of, .. } => {
            of.cost.0 -= 1;
            true
        }
        _ => false,
    });
    recharge(not_due, |event| match event {
        RechargeEvent::VipGiven { until, .. } => {
            until.0 += 1;
            true
        }
        _ => false,
    });
    recharge(not_due, |event| match event {
        RechargeEvent::VipGiven { level, .. } => {
            *level = 3;
            true
        }
        _ => false,
    });
    recharge(
        "which is not what its unused coins are worth",
        |event| match event {
            RechargeEvent::Refunded { amount, kept, .. } if kept.is_positive() => {
                (*amount, *kept) = (Money(amount.0 + 1), Money(kept.0 - 1));
                true
            }
            _ => false,
        },
    );
    recharge("ends at another moment", |event| match event {
        RechargeEvent::Refunded {
            vip_until: Some(until),
            ..
        } => {
            until.0 += 1;
            true
        }
        _ => false,
    });
    finds(dir.path(), "and not all that it promised", |event| {
        let found = matches!(event, Event::Recharge(RechargeEvent::UnitGiven { .. }));
        if found {
            *event = Event::CapitalDeposited { amount: Money(1) };
        }
        found
    });
    let reserved = |finding: &str, change: fn(&mut Purchase)| {
        finds(dir.path(), finding, |event| match event {
            Event::Shop(ShopEvent::PurchaseReserved { of, .. }) => {
                change(of);
                true
            }
            _ => false,
        });
    };
    reserved("than its package gives", |of| of.unit = None);
    reserved("gives what costs more than the package", |of| {
        of.unit.as_mut().unwrap().cost = Money(of.bill.0 + 1);
    });
    reserved("SKU 0 changes as it cannot", |of| {
        of.unit.as_mut().unwrap().cost.0 += 1;
    });
    finds(dir.path(), "or have other uplines", |event| match event {
        Event::GroupFilled { seats, .. } => {
            seats[0].uplines[0].vip = 1;
            true
        }
        _ => false,
    });
}
