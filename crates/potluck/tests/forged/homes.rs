//! `potluck audit` counts what home stores get again, from contracts, campaigns and seats.
use std::path::Path;

use domain::*;

use crate::alliance::contract;
use crate::shop::{DAY_MS, Shop, finds, finds_in_alliance, passes, sale};

/// Two members of one home store buy of the platform; one gives his product back. One pays a bill at another's counter.
fn live(data: &Path) {
    let mut shop = Shop::open(data);
    shop.register(&[None, None]);
    for (merchant, token) in [(0, [1; 16]), (1, [2; 16])] {
        shop.must(Command::Alliance(AllianceCommand::AdmitMerchant {
            token,
            contract: Contract {
                entry_fee: Money(0),
                lock_days: Some(365),
                origin_share: Some(Rate(100_000)),
                ..contract()
            },
        }));
        shop.must(Command::Alliance(AllianceCommand::OpenStore {
            merchant: MerchantId(merchant),
            token,
        }));
    }
    for member in [0, 1].map(MemberId) {
        let store = StoreId(0);
        shop.must(Command::Alliance(AllianceCommand::BindHome {
            member,
            store,
        }));
    }
    let mut terms = sale();
    terms.origin_share = Some(Rate(50_000));
    shop.must(Command::PublishCampaign {
        campaign: Box::new(terms),
    });
    let group = shop.buy([0, 1]);
    shop.deliver(group, [0, 1]);
    let (order, member) = (OrderId(1), MemberId(1));
    shop.must(Command::ReturnOrder { order, member });
    shop.must(Command::TakeBackOrder { order });
    shop.must(Command::Alliance(AllianceCommand::PayAtCounter {
        store: StoreId(1),
        bill: Bill {
            amount: Money(10_000),
            most_coins: None,
        },
        claim: Some(Claim {
            token: [7; 16],
            member: MemberId(0),
            expires: Millis(shop.clock.0 + 60_000),
        }),
    }));
    goods(&mut shop);
    shop.must(Command::Alliance(AllianceCommand::EndHome {
        member: MemberId(1),
    }));
    shop.days(8);
    let (payable, vesting, _) = shop.step.world().merchant_money(MerchantId(0));
    // 5 % of 80.00, and 10 % of 40.00. 10 % of 20.00 wait: the other store has the cash.
    assert_eq!((payable, vesting), (Money(400 + 400), Money(200)));
}

/// Two units of 100.00 at a cost of 60.00; one is kept, the other comes back and is sold again.
fn goods(shop: &mut Shop) {
    let (sku, member) = (SkuId(0), MemberId(0));
    shop.must(Command::Shop(ShopCommand::ListSku {
        token: [9; 16],
        product: [2; 16],
        terms: Box::new(crate::purchases::sku()),
    }));
    shop.must(Command::Shop(ShopCommand::AdjustStock { sku, by: 1 }));
    for token in [1, 2] {
        let purchase = crate::purchases::buy_of(shop, sku, token, 1);
        crate::purchases::pay(shop, purchase, 1);
        shop.must(Command::Shop(ShopCommand::ShipPurchase { purchase }));
        let receive = ShopCommand::ReceivePurchase { purchase, member };
        shop.must(Command::Shop(receive));
        if token == 1 {
            for command in [
                ShopCommand::ReturnPurchase { purchase, member },
                ShopCommand::TakeBackPurchase { purchase },
            ] {
                shop.must(Command::Shop(command));
            }
        }
    }
}

#[test]
fn forged_home_stores_and_shares_are_found() {
    let dir = tempfile::tempdir().unwrap();
    live(dir.path());
    passes(dir.path());
    let fails = |finding: &str, change: &mut dyn FnMut(&mut AllianceEvent) -> bool| {
        finds_in_alliance(dir.path(), finding, change);
    };
    let against = "against its contract, or a second one";
    fails(against, &mut |event| match event {
        AllianceEvent::HomeBound { member, until, .. } if *member == MemberId(1) => {
            until.0 += DAY_MS;
            true
        }
        _ => false,
    });
    fails(
        "ends a home store that he has not",
        &mut |event| match event {
            AllianceEvent::HomeEnded { store, .. } => {
                *store = StoreId(1);
                true
            }
            _ => false,
        },
    );
    fails(
        "do not get what its campaign says",
        &mut |event| match event {
            AllianceEvent::OriginShared(shared) => {
                shared.shares[0].share.amount.0 += 1;
                true
            }
            _ => false,
        },
    );
    fails("does not give back what it got", &mut |event| match event {
        AllianceEvent::OriginReversed(back) => {
            back.part.share.amount.0 -= 1;
            true
        }
        _ => false,
    });
    fails(
        "become payable that did not wait",
        &mut |event| match event {
            AllianceEvent::OriginVested(vested) => {
                vested.amounts[0].amount.0 -= 1;
                true
            }
            _ => false,
        },
    );
    fails(
        "gives a home store another share",
        &mut |event| match event {
            AllianceEvent::CounterPaid(paid) => {
                paid.home = None;
                true
            }
            _ => false,
        },
    );
    fails("does not get its share of", &mut |event| match event {
        AllianceEvent::PurchaseShared(shared) => {
            shared.share.amount.0 += 1;
            true
        }
        _ => false,
    });
    finds(
        dir.path(),
        "the sealed seats of group",
        |event| match event {
            Event::GroupFilled { seats, .. } => {
                seats[0].home_store = None;
                true
            }
            _ => false,
        },
    );
}

/// A store that takes its cash itself owes 20.00 of a bill; 2.00 of them wait for the home store until a statement has set them off
/// against what the platform took for it. So does its share of a second bill, and one of what the platform took until nobody can take that back.
fn settled_bill(data: &Path) {
    let mut shop = Shop::open(data);
    shop.register(&[None]);
    let (member, store) = (MemberId(0), StoreId(1));
    let at_store = Contract {
        entry_fee: Money(0),
        lock_days: Some(365),
        origin_share: Some(Rate(100_000)),
        ..contract()
    };
    for (merchant, token) in [(0, [1; 16]), (1, [2; 16])] {
        shop.must(Command::Alliance(AllianceCommand::AdmitMerchant {
            token,
            contract: at_store,
        }));
        shop.must(Command::Alliance(AllianceCommand::OpenStore {
            merchant: MerchantId(merchant),
            token,
        }));
    }
    shop.must(Command::Alliance(AllianceCommand::BindHome {
        member,
        store: StoreId(0),
    }));
    let bill = |shop: &mut Shop, number: u8, amount: i64| {
        shop.must(Command::Alliance(AllianceCommand::PayAtCounter {
            store,
            bill: Bill {
                amount: Money(amount),
                most_coins: None,
            },
            claim: Some(Claim {
                token: [number; 16],
                member,
                expires: Millis(shop.clock.0 + 60_000),
            }),
        }));
    };
    bill(&mut shop, 3, 10_000);
    bill(&mut shop, 5, 1_000);
    shop.must(Command::Alliance(AllianceCommand::SignContract {
        merchant: MerchantId(1),
        contract: Contract {
            cash: CashTaker::Platform,
            channel: Some(ChannelTerms::default()),
            ..at_store
        },
    }));
    bill(&mut shop, 4, 5_000);
    shop.cash(CounterId(2), "bill", 5_000);
    shop.days(31);
    let world = shop.step.world();
    let statements = (0..world.statements()).map(StatementId);
    let set_off = statements.filter_map(|id| world.statement(id).map(|known| known.drafted));
    let set_off = set_off.filter(|drafted| drafted.set_off.is_positive());
    let drafted = set_off.collect::<Vec<_>>();
    assert_eq!(drafted.len(), 1);
    let statement = drafted[0].statement;
    shop.must(Command::Alliance(AllianceCommand::ConfirmStatement {
        statement,
    }));
    shop.must(Command::Alliance(AllianceCommand::PayStatement {
        statement,
        transfer: Transfer {
            reference: "2027-1".to_owned(),
            on: Millis::start_of_day(shop.clock.shanghai_day()),
        },
    }));
    shop.days(31);
}

#[test]
fn forged_shares_of_bills_are_found() {
    let dir = tempfile::tempdir().unwrap();
    settled_bill(dir.path());
    passes(dir.path());
    let early = "become payable that did not wait, or too early";
    finds_in_alliance(dir.path(), early, &mut |event| match event {
        AllianceEvent::CounterSharesVested(vested) => {
            vested.amount.0 += 1;
            true
        }
        _ => false,
    });
    finds_in_alliance(dir.path(), early, &mut |event| match event {
        AllianceEvent::CounterSharesVested(vested) => {
            vested.counters = vec![CounterId(9)];
            true
        }
        _ => false,
    });
    finds_in_alliance(
        dir.path(),
        "leaves out shares of home stores of merchant 0",
        &mut |event| match event {
            AllianceEvent::CounterSharesVested(vested) => {
                vested.counters.clear();
                vested.amount = Money(0);
                true
            }
            _ => false,
        },
    );
    let at_once = "brings a home store its share at once";
    let paid = |finding: &str, change: &mut dyn FnMut(&mut CounterPaid)| {
        finds_in_alliance(dir.path(), finding, &mut |event| match event {
            AllianceEvent::CounterPaid(paid) if paid.counter == CounterId(1) => {
                change(paid);
                true
            }
            _ => false,
        });
    };
    paid(at_once, &mut |paid| paid.home_waits = false);
    paid("than he may", &mut |paid| paid.kept.0 = 10_000_000);
    let another = "gives a home store another share";
    finds_in_alliance(dir.path(), another, &mut |event| match event {
        AllianceEvent::CounterPaid(paid) if paid.home_waits => {
            paid.home = None;
            true
        }
        _ => false,
    });
}
