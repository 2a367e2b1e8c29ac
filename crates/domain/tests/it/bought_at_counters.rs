//! Bills at counters that bought coins pay a part of (rules 10.1 and 10.4): E5 to the fen, the oldest recharge first, all of it
//! back, and custody that is never a fen off.

use std::cell::Cell;

use domain::*;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::{
    counter_cash::at_platform,
    counters::at_store,
    purchases::{asked, buy, list, pay, terms, ticks, with_coins},
    recharges::{package, recharge, refund},
    shop::Shop,
    standing::DAY_S,
};

/// A package whose payment costs nothing.
fn free_of_fees(price: i64, coins: i64, gift: i64) -> SkuTerms {
    SkuTerms {
        channel: ChannelTerms::default(),
        ..package(price, coins, gift)
    }
}

/// What becomes of a payment for a bill.
fn pay_bill(shop: &mut Shop, counter: CounterId, name: &str, fen: i64) -> String {
    let command = AllianceCommand::PayCounter {
        counter,
        txn: shop.txn(name),
        amount: Money(fen),
    };
    match shop.alliance(command) {
        Ok(Answer::Counter(_)) => "paid".to_owned(),
        Ok(Answer::Payment(PaymentAnswer::Bounced { reason, .. })) => reason.name().to_owned(),
        Ok(other) => format!("{other:?}"),
        Err(refusal) => refusal.code().to_owned(),
    }
}

fn enter(shop: &mut Shop, store: StoreId, member: MemberId, bill: i64) -> CounterId {
    let claim = Some(shop.claim(member));
    shop.pay_at(store, (bill, None), claim).unwrap()
}

fn given(shop: &Shop, member: MemberId) -> i64 {
    shop.world.member(member).unwrap().coins.0
}

fn bought(shop: &Shop, member: MemberId) -> i64 {
    shop.world.bought_coins(member).0
}

fn code(outcome: Result<Answer, Refusal>) -> &'static str {
    outcome.err().map_or("done", |refusal| refusal.code())
}

/// 1 000.00 for 10 000 coins, all used at θ 10 % and ρ 20 %: spending is 100 000.00, and the platform has
/// 20 000.00 − 10 000.00 + 1 000.00, whoever takes the cash.
#[test]
fn e5_at_counters() {
    for contract in [
        at_store(),
        Contract {
            channel: None,
            ..at_platform()
        },
    ] {
        let mut shop = Shop::new();
        let merchant = shop.admit(contract);
        let store = shop.open_store(merchant);
        let member = shop.member(None);
        let sku = list(&mut shop, free_of_fees(100_000, 1_000_000, 0), 1);
        recharge(&mut shop, member, sku, 1);
        assert_eq!(shop.world.books().own, Money(0));
        for number in 0..8 {
            let counter = enter(&mut shop, store, member, 1_250_000);
            if contract.cash == CashTaker::Platform {
                assert_eq!(
                    pay_bill(&mut shop, counter, &format!("T{number}"), 1_125_000),
                    "paid"
                );
            }
            let paid = shop.world.counter_payment(counter).unwrap().paid;
            assert_eq!((paid.coins, paid.bought), (Coins(125_000), Coins(125_000)));
            let left = 100_000 - (number + 1) * 12_500;
            assert_eq!(shop.world.custody(), Money(left));
        }
        let platform = -shop.balance("counter-take") - shop.balance("sales");
        assert_eq!(platform, 1_100_000);
        let owes = shop.world.merchant_money(merchant).2.0;
        // What the store owes of it is not there yet.
        assert_eq!(shop.world.books().own.0 + owes, 1_100_000);
        assert_eq!(bought(&shop, member), 0);
        shop.check();
        // With nothing left, the next bill is paid in cash alone.
        let counter = enter(&mut shop, store, member, 1_000);
        let waits = shop.world.counter_awaited(counter).map(|waits| waits.paid);
        let paid = shop.world.counter_payment(counter).map(|known| known.paid);
        assert_eq!(waits.or(paid).unwrap().coins, Coins(0));
    }
}

/// Given coins first, then bought ones, the oldest recharge first; all of it comes back as it was.
#[test]
fn which_coins_pay_a_bill_and_come_back() {
    let mut shop = Shop::new();
    let merchant = shop.admit(at_store());
    let store = shop.open_store(merchant);
    let member = with_coins(&mut shop, 300);
    let sku = list(&mut shop, package(1_000, 3_000, 0), 10);
    let old = recharge(&mut shop, member, sku, 1);
    let new = recharge(&mut shop, member, sku, 2);
    assert_eq!(shop.world.spendable_coins(member, shop.clock), Coins(6_300));
    let sales = shop.balance("sales");
    //    bill    given, bought, of the old, of the new, custody
    for (bill, used) in [
        (2_000, (200, 0, 0, 0, 2_000)),
        (3_000, (300, 0, 0, 0, 2_000)),
        (3_010, (300, 1, 1, 0, 1_999)),
        (40_000, (300, 3_700, 3_000, 700, 766)),
        (90_000, (300, 6_000, 3_000, 3_000, 0)),
    ] {
        let paid = shop.pay_bill(store, member, bill);
        let left = |id| {
            let all = shop.world.recharges(member);
            let known = all.iter().find(|known| known.0 == id).unwrap();
            3_000 - known.1.left.0
        };
        let told = (
            300 - given(&shop, member),
            paid.bought.0,
            left(old),
            left(new),
            shop.world.custody().0,
        );
        assert_eq!(told, used, "{bill}");
        assert_eq!(paid.coins.0, used.0 + used.1);
        assert_eq!(shop.balance("sales"), sales - (2_000 - used.4));
        shop.check();
        shop.undo(paid.counter, merchant, Some(store)).unwrap();
        assert_eq!((given(&shop, member), bought(&shop, member)), (300, 6_000));
        assert_eq!(shop.world.custody(), Money(2_000));
        assert_eq!(shop.balance("sales"), sales);
        shop.check();
    }
}

/// A payment is paid back once: what it was paid with comes back as coins like any others.
#[test]
fn coins_of_a_recharge_that_was_paid_back_come_back_as_new_ones() {
    let mut shop = Shop::new();
    let merchant = shop.admit(at_platform());
    let store = shop.open_store(merchant);
    let member = shop.member(None);
    let sku = list(&mut shop, package(1_000, 3_000, 0), 10);
    let old = recharge(&mut shop, member, sku, 1);
    recharge(&mut shop, member, sku, 2);
    let counter = enter(&mut shop, store, member, 29_000);
    assert_eq!(pay_bill(&mut shop, counter, "a", 26_100), "paid");
    assert_eq!(bought(&shop, member), 3_100);
    let other = enter(&mut shop, store, member, 10_000);
    assert_eq!(pay_bill(&mut shop, other, "b", 9_000), "paid");
    assert_eq!(code(refund(&mut shop, old, member)), "recharge_unknown");
    // 100 of the older one are left when it goes back.
    shop.undo(other, merchant, None).unwrap();
    assert_eq!(code(refund(&mut shop, old, member)), "done");
    shop.check();
    shop.undo(counter, merchant, None).unwrap();
    let back = |record: &Record| match record.events.as_slice() {
        [.., Event::Alliance(AllianceEvent::CounterReversed(back)), _] => (back.coins, back.bought),
        other => panic!("{other:?}"),
    };
    let last = shop.records.last().unwrap();
    assert_eq!(back(last), (Coins(2_900), Coins(0)));
    assert_eq!(
        (given(&shop, member), bought(&shop, member)),
        (2_900, 3_000)
    );
    assert_eq!(shop.world.custody(), Money(1_000));
    shop.check();
}

/// What a bill or a purchase holds pays nothing else meanwhile, and does not go back.
#[test]
fn held_coins_stay_where_they_are() {
    let mut shop = Shop::new();
    let merchant = shop.admit(at_platform());
    let store = shop.open_store(merchant);
    let member = with_coins(&mut shop, 100);
    let sku = list(&mut shop, package(1_000, 3_000, 0), 10);
    let id = recharge(&mut shop, member, sku, 1);
    let counter = enter(&mut shop, store, member, 20_000);
    assert_eq!(shop.world.coins_held(member), Coins(2_000));
    assert_eq!(shop.world.spendable_coins(member, shop.clock), Coins(1_100));
    assert_eq!(code(refund(&mut shop, id, member)), "recharge_held");
    let goods = list(&mut shop, terms(20_000, 100), 9);
    let wanted = asked(&shop, member, goods, 2, 1, 1_101);
    assert_eq!(buy(&mut shop, wanted).unwrap_err().code(), "coins_short");
    let second = enter(&mut shop, store, member, 20_000);
    let waits = shop.world.counter_awaited(second).unwrap().paid;
    assert_eq!(waits.coins, Coins(1_100));
    shop.check();
    // What was given pays the first that is paid, and there is enough for the other.
    assert_eq!(pay_bill(&mut shop, second, "b", 18_900), "paid");
    assert_eq!((given(&shop, member), bought(&shop, member)), (0, 2_000));
    assert_eq!(pay_bill(&mut shop, counter, "a", 18_000), "paid");
    assert_eq!(bought(&shop, member), 0);
    shop.check();

    // A bill that lapses holds nothing; a purchase holds as bills do.
    let id = recharge(&mut shop, member, sku, 3);
    enter(&mut shop, store, member, 20_000);
    shop.wait(300);
    ticks(&mut shop);
    let wanted = asked(&shop, member, goods, 4, 1, 1);
    let purchase = buy(&mut shop, wanted).unwrap();
    assert_eq!(code(refund(&mut shop, id, member)), "recharge_held");
    shop.must(Command::Shop(ShopCommand::CancelPurchase {
        purchase,
        member,
    }));
    assert_eq!(code(refund(&mut shop, id, member)), "done");
    shop.check();
    // Another recharge that covers what is held lets the first go.
    let [first, _] = [5, 6].map(|token| recharge(&mut shop, member, sku, token));
    enter(&mut shop, store, member, 20_000);
    assert_eq!(code(refund(&mut shop, first, member)), "done");
    shop.check();
}

/// Coins that end while a bill holds them are made up for by bought ones, if there are enough.
#[test]
fn bought_coins_stand_in_for_those_that_have_ended() {
    for (coins, told) in [(3_000, "paid"), (999, "coins_gone")] {
        let mut shop = Shop::new();
        shop.clock = Millis::of_date(2026, 11, 3).unwrap();
        let merchant = shop.admit(at_platform());
        let store = shop.open_store(merchant);
        let member = with_coins(&mut shop, 600);
        let sku = list(&mut shop, package(1_000, coins, 0), 10);
        recharge(&mut shop, member, sku, 1);
        let end = Millis::of_date(2027, 12, 1).unwrap();
        shop.clock = Millis(end.0 - 1);
        ticks(&mut shop);
        let counter = enter(&mut shop, store, member, 10_000);
        shop.clock = end;
        assert_eq!(pay_bill(&mut shop, counter, "a", 9_000), told);
        let left = if told == "paid" { coins - 1_000 } else { coins };
        assert_eq!((given(&shop, member), bought(&shop, member)), (0, left));
        shop.check();
    }
}

/// What is used up and cannot come back leaves memory, and not before.
#[test]
fn a_recharge_is_forgotten_when_its_bill_is() {
    let mut shop = Shop::new();
    let merchant = shop.admit(at_store());
    let store = shop.open_store(merchant);
    let member = shop.member(None);
    let sku = list(&mut shop, package(1_000, 3_000, 0), 10);
    recharge(&mut shop, member, sku, 1);
    let counter = shop.pay_bill(store, member, 30_000).counter;
    assert_eq!(bought(&shop, member), 0);
    assert_eq!(shop.world.recharges(member).len(), 1);
    shop.wait(30 * DAY_S - 1);
    ticks(&mut shop);
    shop.pay_bill(store, member, 100);
    assert_eq!(shop.world.recharges(member).len(), 1);
    shop.wait(1);
    let late = shop.undo(counter, merchant, None);
    assert_eq!(code(late), "counter_payment_unknown");
    shop.pay_bill(store, member, 100);
    assert_eq!(shop.world.recharges(member).len(), 0);
    shop.check();
}

/// Something of every kind that is stored of them.
pub(crate) fn every_kind() -> Vec<Record> {
    let mut shop = Shop::new();
    let (store_has, platform_has) = (shop.admit(at_store()), shop.admit(at_platform()));
    let stores = [store_has, platform_has].map(|merchant| shop.open_store(merchant));
    let member = with_coins(&mut shop, 300);
    let sku = list(&mut shop, package(1_000, 3_000, 0), 10);
    let first = recharge(&mut shop, member, sku, 1);
    recharge(&mut shop, member, sku, 2);
    let paid = shop.pay_bill(stores[0], member, 40_000);
    shop.undo(paid.counter, store_has, Some(stores[0])).unwrap();
    let counter = enter(&mut shop, stores[1], member, 7_777);
    assert_eq!(pay_bill(&mut shop, counter, "a", 7_000), "paid");
    shop.wait(DAY_S);
    refund(&mut shop, first, member).unwrap();
    shop.undo(counter, platform_has, None).unwrap();
    shop.pay_bill(stores[0], member, 20_000);
    shop.check();
    shop.records
}

/// What, with which, how much.
type Step = (u8, u8, i64);

/// A world with two tills, two members and what they can buy.
struct Street {
    shop: Shop,
    merchants: [MerchantId; 2],
    stores: [StoreId; 2],
    members: [MemberId; 2],
    package: SkuId,
    goods: SkuId,
}

impl Street {
    fn new((price, coins): (i64, i64)) -> Street {
        let mut shop = Shop::new();
        let merchants = [shop.admit(at_store()), shop.admit(at_platform())];
        let stores = merchants.map(|merchant| shop.open_store(merchant));
        let members = [with_coins(&mut shop, 700), shop.member(None)];
        let package = list(&mut shop, package(price, coins, 77), 1_000);
        let mut cheap = terms(9_000, 100);
        cheap.coin_offset = Rate(900_000);
        let goods = list(&mut shop, cheap, 1_000);
        Street {
            shop,
            merchants,
            stores,
            members,
            package,
            goods,
        }
    }

    /// Does something, which may be refused.
    fn step(&mut self, token: u16, (what, which, amount): Step) {
        let at = usize::from(which % 2);
        let (member, shop) = (self.members[at], &mut self.shop);
        let counter = CounterId(u64::from(which) % shop.world.counter_payments().max(1));
        let open: Vec<PurchaseId> = shop.world.open_purchases().map(|(id, _)| id).collect();
        let purchase = open.get(usize::from(which) % open.len().max(1)).copied();
        match what {
            0 => {
                let wanted = asked(shop, member, self.package, token, 1, 0);
                let _refused = buy(shop, wanted);
            }
            1 => {
                let wanted = asked(shop, member, self.goods, token, 1, amount);
                let _refused = buy(shop, wanted);
            }
            2 | 3 => {
                let Some(purchase) = purchase else { return };
                let cash = shop.world.purchase(purchase).unwrap().cash().0;
                pay(shop, purchase, &format!("T{token}"), cash);
            }
            4 => {
                let Some(purchase) = purchase else { return };
                for command in [
                    ShopCommand::ShipPurchase { purchase },
                    ShopCommand::ReceivePurchase { purchase, member },
                    ShopCommand::ReturnPurchase { purchase, member },
                    ShopCommand::TakeBackPurchase { purchase },
                ] {
                    let _refused = shop.try_do(Command::Shop(command));
                }
            }
            5 | 6 => {
                let claim = Some(shop.claim(member));
                let store = self.stores[usize::from(which / 2 % 2)];
                let _refused = shop.pay_at(store, (amount * 17, None), claim);
            }
            7 => {
                let waits = shop.world.counter_awaited(counter);
                if let Some(waits) = waits {
                    let cash = waits.paid.paid_in_cash().unwrap().0;
                    pay_bill(shop, counter, &format!("T{token}"), cash);
                }
            }
            8 => {
                for merchant in self.merchants {
                    let _refused = shop.undo(counter, merchant, None);
                }
            }
            9 => {
                let all = shop.world.recharges(member);
                if let Some((id, _)) = all.get(usize::from(which) % all.len().max(1)) {
                    let _refused = refund(shop, *id, member);
                }
            }
            _ => {
                shop.wait(amount * 500);
                ticks(shop);
            }
        }
    }

    /// price × unused / total of each, rounded down, told by the recharges.
    fn worth(&self) -> i64 {
        let all = self.shop.world.open_recharges();
        all.map(|(_, known)| known.price.0 * known.left.0 / known.terms.coins.0)
            .sum()
    }
}

/// However coins are bought, used at counters and in the shop, held, taken back and paid back, and wherever the world is cut off and
/// begun again: custody is price × unused / total of each recharge, the ledger adds up, and who asks for everything has what is in
/// custody.
#[test]
fn custody_is_never_a_fen_off_at_counters() {
    let reached = Cell::new([0u32; 4]);
    let steps = prop::collection::vec((0u8..11, any::<u8>(), 1i64..900), 5..80);
    let sizes = (1i64..5_000, 1i64..5_000);
    let mut runner = TestRunner::deterministic();
    let law = |(steps, cut, sizes): (Vec<Step>, usize, (i64, i64))| {
        let mut street = Street::new(sizes);
        for (number, &step) in steps.iter().enumerate() {
            if number == cut {
                let bytes = street.shop.world.to_snapshot();
                street.shop.world = World::from_snapshot(&bytes).unwrap();
            }
            street.step(u16::try_from(number).unwrap() + 1, step);
            prop_assert_eq!(street.shop.world.violations(), Vec::<String>::new());
            prop_assert_eq!(street.shop.world.custody().0, street.worth());
        }
        street.shop.check();
        street.shop.wait(900);
        ticks(&mut street.shop);
        street.shop.refund_all();
        let custody = street.shop.world.custody();
        let before = street.shop.records.len();
        for member in street.members {
            for (id, _) in street.shop.world.recharges(member) {
                let _nothing_left = refund(&mut street.shop, id, member);
            }
        }
        let mut kept = 0;
        let mut seen = reached.get();
        for (at, record) in street.shop.records.iter().enumerate() {
            for event in &record.events {
                match event {
                    Event::Recharge(RechargeEvent::Refunded { kept: more, .. }) if before <= at => {
                        kept += more.0;
                    }
                    Event::Recharge(RechargeEvent::CounterUsed { .. }) => seen[0] += 1,
                    Event::Recharge(RechargeEvent::CounterBack { .. }) => seen[1] += 1,
                    Event::Recharge(RechargeEvent::BoughtUsed { .. }) => seen[2] += 1,
                    Event::Alliance(AllianceEvent::CounterLapsed { .. }) => seen[3] += 1,
                    _ => {}
                }
            }
        }
        reached.set(seen);
        // Of a recharge that is worth less than a fen nothing goes back, and nothing is in custody.
        prop_assert_eq!(street.shop.refund_all().0 + kept, custody.0);
        prop_assert_eq!(street.shop.world.custody(), Money(0));
        street.shop.check();
        Ok(())
    };
    for _ in 0..120 {
        let strategy = (&steps, 0usize..80, &sizes);
        let case = strategy.new_tree(&mut runner).unwrap();
        runner.run_one(case, law).unwrap();
    }
    let seen = reached.get();
    assert!(seen.iter().all(|&times| 20 < times), "{seen:?}");
}
