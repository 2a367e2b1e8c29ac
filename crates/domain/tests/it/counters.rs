//! Payments at counters: E4 to the fen, who may, once for each code, and all of it back (rules 10.4).

use domain::*;
use proptest::prelude::*;

use crate::{
    alliance::contract,
    shop::{Shop, campaign, consolation},
    standing::DAY_S,
};

/// ρ 20 %, the store takes the cash.
pub(crate) fn at_store() -> Contract {
    Contract {
        cash: CashTaker::Store,
        ..contract()
    }
}

impl Shop {
    /// A member who has just got so many coins, in hundredths.
    pub(crate) fn with_coins(&mut self, coins: i64) -> MemberId {
        let mut terms = campaign(1_000, 2, 1, 100);
        terms.rewards = vec![consolation(0, coins)];
        let id = self.publish(terms);
        let members = self.members(2);
        let group = self.fill(id, &members);
        self.settle(group).refunded()[0].1.member
    }

    /// A code that the member shows now.
    pub(crate) fn claim(&mut self, member: MemberId) -> Claim {
        let mut token = [5; 16];
        let number = u64::try_from(self.records.len()).unwrap();
        token[..8].copy_from_slice(&number.to_le_bytes());
        Claim {
            token,
            member,
            expires: self.clock.after(CLAIM_LASTS),
        }
    }

    pub(crate) fn pay_at(
        &mut self,
        store: StoreId,
        (amount, most_coins): (i64, Option<i64>),
        claim: Option<Claim>,
    ) -> Result<CounterId, Refusal> {
        let bill = Bill {
            amount: Money(amount),
            most_coins: most_coins.map(Coins),
        };
        match self.alliance(AllianceCommand::PayAtCounter { store, bill, claim })? {
            Answer::Counter(counter) => Ok(counter),
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    pub(crate) fn pay_bill(
        &mut self,
        store: StoreId,
        member: MemberId,
        amount: i64,
    ) -> CounterPaid {
        let claim = Some(self.claim(member));
        let counter = self.pay_at(store, (amount, None), claim).unwrap();
        self.world.counter_payment(counter).unwrap().paid
    }

    pub(crate) fn undo(
        &mut self,
        counter: CounterId,
        merchant: MerchantId,
        store: Option<StoreId>,
    ) -> Result<Answer, Refusal> {
        self.alliance(AllianceCommand::ReverseCounter {
            counter,
            merchant,
            store,
        })
    }

    fn coins(&self, member: MemberId) -> i64 {
        self.world.member(member).unwrap().coins.0
    }
}

#[track_caller]
fn refused(outcome: Result<impl std::fmt::Debug, Refusal>, code: &str) {
    assert_eq!(outcome.unwrap_err().code(), code);
}

/// The bill is 100, ten of it in coins: the member pays 90, the store keeps them and owes 10.
#[test]
fn e4_taken_by_the_store() {
    let mut shop = Shop::new();
    let merchant = shop.admit(at_store());
    let store = shop.open_store(merchant);
    let member = shop.with_coins(5_000);
    let issued = shop.balance("coins-issued");
    let paid = shop.pay_bill(store, member, 10_000);
    assert_eq!(
        (paid.coins, paid.paid_in_cash()),
        (Coins(1_000), Ok(Money(9_000)))
    );
    assert_eq!(paid.take(), Ok(Money(1_000)));
    assert_eq!(shop.coins(member), 4_000);
    assert_eq!(shop.balance("coins-issued"), issued - 1_000);
    let money = |shop: &Shop| {
        let (payable, _, owes) = shop.world.merchant_money(merchant);
        (payable.0, owes.0, -shop.balance("counter-take"))
    };
    assert_eq!(money(&shop), (0, 1_000, 1_000));
    shop.check();

    shop.undo(paid.counter, merchant, Some(store)).unwrap();
    assert_eq!(money(&shop), (0, 0, 0));
    assert_eq!(shop.coins(member), 5_000);
    assert_eq!(shop.balance("coins-issued"), issued);
    shop.check();
}

/// Bills, coins, ρ: how many coins and how much is earned. Rounded down each by itself (rules 2.3).
#[test]
fn how_many_coins_pay_part_of_a_bill() {
    //    bill    ρ in ppm  his    wish        coins  kept
    for (bill, settlement, his, wish, coins, kept) in [
        (10_000, 200_000, 5_000, None, 1_000, 2_000),
        (10_000, 200_000, 300, None, 300, 2_000),
        (10_000, 200_000, 5_000, Some(7), 7, 2_000),
        (10_000, 200_000, 5_000, Some(0), 0, 2_000),
        (10_000, 200_000, 5_000, Some(9_999), 1_000, 2_000),
        (9, 200_000, 5_000, None, 0, 1),
        (19, 200_000, 5_000, None, 1, 3),
        (1, 1_000_000, 5_000, None, 0, 1),
        // A merchant who leaves less than θ bears that much in coins and no more.
        (10_000, 50_000, 5_000, None, 500, 500),
        (10_000, 0, 5_000, None, 0, 0),
    ] {
        let mut shop = Shop::new();
        let merchant = shop.admit(Contract {
            settlement: Some(Rate(settlement)),
            ..at_store()
        });
        let store = shop.open_store(merchant);
        let member = shop.with_coins(his);
        let claim = Some(shop.claim(member));
        let counter = shop.pay_at(store, (bill, wish), claim).unwrap();
        let paid = shop.world.counter_payment(counter).unwrap().paid;
        assert_eq!((paid.coins.0, paid.kept.0), (coins, kept), "{bill}");
        shop.check();
    }
}

#[test]
fn who_may_pay_where() {
    let mut shop = Shop::new();
    let merchant = shop.admit(at_store());
    let store = shop.open_store(merchant);
    let member = shop.with_coins(500);
    let claim = shop.claim(member);
    let bill = (10_000, None);
    refused(shop.pay_at(StoreId(9), bill, Some(claim)), "store_unknown");
    let sign = |contract| AllianceCommand::SignContract { merchant, contract };
    let none = Contract {
        settlement: None,
        ..at_store()
    };
    shop.alliance(sign(none)).unwrap();
    refused(shop.pay_at(store, bill, Some(claim)), "counter_closed");
    shop.alliance(sign(at_store())).unwrap();
    shop.alliance(AllianceCommand::SuspendMerchant { merchant })
        .unwrap();
    refused(shop.pay_at(store, bill, Some(claim)), "merchant_suspended");
    shop.alliance(AllianceCommand::ReinstateMerchant { merchant })
        .unwrap();
    refused(shop.pay_at(store, bill, None), "counter_code_unknown");
    let late = Claim {
        expires: shop.clock,
        ..claim
    };
    let long = Claim {
        expires: Millis(claim.expires.0 + 1),
        ..claim
    };
    for claim in [late, long] {
        refused(
            shop.pay_at(store, bill, Some(claim)),
            "counter_code_unknown",
        );
    }
    for bad in [
        (0, None),
        (-1, None),
        (MAX_AMOUNT_FEN + 1, None),
        (10, Some(-1)),
    ] {
        refused(shop.pay_at(store, bad, Some(claim)), "bill_invalid");
    }
    let nobody = Claim {
        member: MemberId(99),
        ..claim
    };
    refused(shop.pay_at(store, bill, Some(nobody)), "member_unknown");
    shop.must(Command::FreezeMember { member });
    refused(shop.pay_at(store, bill, Some(claim)), "member_frozen");
    shop.must(Command::UnfreezeMember { member });
    // A meal is no entry in a draw: who has excluded himself pays like anybody.
    let days = None;
    shop.must(Command::ExcludeSelf { member, days });
    let counter = shop.pay_at(store, bill, Some(claim)).unwrap();
    shop.alliance(AllianceCommand::SuspendMerchant { merchant })
        .unwrap();
    shop.undo(counter, merchant, Some(store)).unwrap();
    shop.check();
}

/// Two cashiers enter one code: the second is refused, also after the first has voided.
#[test]
fn a_code_is_good_for_one_payment() {
    let mut shop = Shop::new();
    let merchant = shop.admit(at_store());
    let stores = [shop.open_store(merchant), shop.open_store(merchant)];
    let member = shop.with_coins(5_000);
    let claim = Some(shop.claim(member));
    let counter = shop.pay_at(stores[0], (10_000, None), claim).unwrap();
    refused(
        shop.pay_at(stores[1], (10_000, None), claim),
        "counter_code_used",
    );
    shop.undo(counter, merchant, Some(stores[0])).unwrap();
    refused(
        shop.pay_at(stores[0], (10_000, None), claim),
        "counter_code_used",
    );
    assert_eq!(shop.coins(member), 5_000);
    shop.check();
}

#[test]
fn taken_back_once_and_in_time() {
    let mut shop = Shop::new();
    let merchant = shop.admit(at_store());
    let other = shop.admit(at_store());
    let store = shop.open_store(merchant);
    let second = shop.open_store(merchant);
    let member = shop.with_coins(50_000);
    let counter = shop.pay_bill(store, member, 10_000).counter;
    let unknown = "counter_payment_unknown";
    refused(shop.undo(CounterId(9), merchant, None), unknown);
    refused(shop.undo(counter, other, None), unknown);
    refused(shop.undo(counter, merchant, Some(second)), unknown);
    let tomorrow = shop.clock.next_midnight();
    shop.clock = Millis(tomorrow.0 - 1);
    shop.undo(counter, merchant, Some(store)).unwrap();
    refused(
        shop.undo(counter, merchant, Some(store)),
        "counter_payment_reversed",
    );
    let counter = shop.pay_bill(store, member, 10_000).counter;
    shop.clock = tomorrow;
    refused(
        shop.undo(counter, merchant, Some(store)),
        "counter_void_late",
    );
    shop.undo(counter, merchant, None).unwrap();
    let counter = shop.pay_bill(store, member, 10_000).counter;
    shop.wait(30 * DAY_S);
    refused(shop.undo(counter, merchant, None), unknown);
    shop.check();
    // With the next payment it leaves memory.
    assert!(shop.world.counter_payment(counter).is_some());
    shop.pay_bill(store, member, 10_000);
    assert!(shop.world.counter_payment(counter).is_none());
    shop.check();
}

/// Coins whose month is over are taken first, by the payment itself, and come back as new ones.
#[test]
fn coins_that_have_ended_pay_nothing() {
    let mut shop = Shop::new();
    let merchant = shop.admit(at_store());
    let store = shop.open_store(merchant);
    shop.clock = Millis::of_date(2026, 11, 3).unwrap();
    let member = shop.with_coins(300);
    let end = Millis::of_date(2027, 12, 1).unwrap();
    shop.clock = Millis(end.0 - 1);
    shop.tick();
    let paid = shop.pay_bill(store, member, 1_000);
    assert_eq!(paid.coins, Coins(100));
    shop.clock = end;
    assert_eq!(shop.world.spendable_coins(member, end), Coins(0));
    // Nobody has looked for expired coins yet: the next payment does.
    let paid = shop.pay_bill(store, member, 10_000);
    assert_eq!(paid.coins, Coins(0));
    assert_eq!(shop.coins(member), 0);
    shop.undo(CounterId(0), merchant, None).unwrap();
    assert_eq!(shop.world.spendable_coins(member, end), Coins(100));
    let lots = shop.world.coin_lots(member);
    assert_eq!(lots[0].expires, Millis::of_date(2029, 1, 1).unwrap());
    shop.check();
}

/// What an unpaid purchase holds is not free at a counter (rules 10.6).
#[test]
fn held_coins_pay_no_bill() {
    let mut shop = Shop::new();
    let merchant = shop.admit(at_store());
    let store = shop.open_store(merchant);
    let member = shop.with_coins(1_000);
    let sku = crate::purchases::list(&mut shop, crate::purchases::terms(9_000, 100), 1);
    let reservation = Reservation {
        member,
        token: [1; 16],
        sku,
        units: 1,
        price: Money(9_000),
        coins: Coins(900),
    };
    shop.must(Command::Shop(ShopCommand::Buy(reservation)));
    let paid = shop.pay_bill(store, member, 10_000);
    assert_eq!(paid.coins, Coins(100));
    assert_eq!(shop.world.spendable_coins(member, shop.clock), Coins(0));
    shop.check();
}

/// Something of every kind that is stored of counters.
pub(crate) fn every_kind(shop: &mut Shop) {
    let merchant = shop.admit(at_store());
    let store = shop.open_store(merchant);
    let member = shop.with_coins(5_000);
    let counter = shop.pay_bill(store, member, 10_000).counter;
    shop.undo(counter, merchant, Some(store)).unwrap();
    let counter = shop.pay_bill(store, member, 7_777).counter;
    shop.wait(DAY_S);
    shop.undo(counter, merchant, None).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// Whatever is paid and taken back: coins are only moved, and what stands is what the payments that stand come to.
    #[test]
    fn nothing_is_made_or_lost_at_counters(steps in prop::collection::vec((0u8..9, 0u8..8, 1i64..40_000), 1..60)) {
        let mut shop = Shop::new();
        let rates = [200_000, 50_000];
        let merchants: Vec<MerchantId> = rates
            .iter()
            .map(|&rate| shop.admit(Contract { settlement: Some(Rate(rate)), ..at_store() }))
            .collect();
        let stores: Vec<StoreId> = merchants.iter().map(|&merchant| shop.open_store(merchant)).collect();
        let members = [shop.with_coins(3_000), shop.with_coins(9_000)];
        let before: i64 = members.iter().map(|&member| shop.coins(member)).sum();
        let mut received = Vec::new();
        for (what, which, amount) in steps {
            let at = usize::from(which) % 2;
            let known = CounterId(u64::from(which) % shop.world.counter_payments().max(1));
            match what {
                0..=3 => {
                    let member = members[usize::from(which / 2) % 2];
                    let claim = Some(shop.claim(member));
                    shop.pay_at(stores[at], (amount, None), claim).unwrap();
                }
                4 => { let _refused = shop.undo(known, merchants[at], Some(stores[at])); }
                5 => { let _refused = shop.undo(known, merchants[at], None); }
                6 => {
                    let reference = format!("T{}", received.len());
                    let (_, _, owes) = shop.world.merchant_money(merchants[at]);
                    let paid = shop.pays(merchants[at], amount, &reference);
                    prop_assert_eq!(paid.is_ok(), amount <= owes.0);
                    if paid.is_ok() { received.push((at, amount)); }
                }
                _ => shop.wait(amount),
            }
        }
        shop.check();
        let (mut coins, mut take) = (0, [0, 0]);
        for counter in (0..shop.world.counter_payments()).map(CounterId) {
            let known = shop.world.counter_payment(counter).unwrap();
            let rate = rates[usize::try_from(known.paid.merchant.0).unwrap()];
            let kept = known.paid.bill.0 * i64::from(rate) / 1_000_000;
            prop_assert!(known.paid.coins.0 <= kept && known.paid.coins.0 * 10 <= known.paid.bill.0);
            if known.reversed.is_none() {
                coins += known.paid.coins.0;
                take[usize::try_from(known.paid.merchant.0).unwrap()] += kept - known.paid.coins.0;
            }
        }
        let after: i64 = members.iter().map(|&member| shop.coins(member)).sum();
        prop_assert_eq!(before - after, coins);
        for (at, (merchant, take)) in merchants.iter().zip(take).enumerate() {
            let (payable, _, owes) = shop.world.merchant_money(*merchant);
            let his = received.iter().filter(|(of, _)| *of == at);
            let paid: i64 = his.map(|(_, amount)| amount).sum();
            prop_assert_eq!(owes.0 - payable.0, take - paid);
        }
        prop_assert_eq!(-shop.balance("counter-take"), take.iter().sum::<i64>());
    }
}
