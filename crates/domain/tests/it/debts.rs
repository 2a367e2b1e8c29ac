//! What merchants owe, and that they pay it: without that who is due nothing owes it for ever, and home stores wait (rules 10.3).

use domain::*;

use crate::{counters::at_store, shop::Shop, standing::DAY_S};

fn binding() -> Contract {
    Contract {
        lock_days: Some(365),
        origin_share: Some(Rate(100_000)),
        ..at_store()
    }
}

/// A merchant's transfer, and what it does to a home store's share that waits for it.
pub(crate) fn every_kind() -> Vec<Record> {
    let mut shop = Shop::new();
    let (home, other) = (shop.admit(binding()), shop.admit(at_store()));
    let (store, elsewhere) = (shop.open_store(home), shop.open_store(other));
    let member = shop.member(None);
    shop.alliance(AllianceCommand::BindHome { member, store })
        .unwrap();
    shop.pay_bill(elsewhere, member, 10_000);
    shop.pays(other, 2_000, "IN-1").unwrap();
    shop.wait(31 * DAY_S);
    shop.month_over();
    shop.check();
    shop.records
}

impl Shop {
    pub(crate) fn pays(
        &mut self,
        merchant: MerchantId,
        fen: i64,
        reference: &str,
    ) -> Result<Answer, Refusal> {
        let today = Millis::start_of_day(self.clock.shanghai_day());
        self.pays_on(merchant, fen, reference, today)
    }

    fn pays_on(
        &mut self,
        merchant: MerchantId,
        fen: i64,
        reference: &str,
        on: Millis,
    ) -> Result<Answer, Refusal> {
        let reference = reference.to_owned();
        self.alliance(AllianceCommand::NoteMerchantPaid {
            merchant,
            amount: Money(fen),
            transfer: Transfer { reference, on },
        })
    }

    fn of_merchant(&self, merchant: MerchantId) -> (i64, i64, i64) {
        let (payable, vesting, owes) = self.world.merchant_money(merchant);
        (payable.0, vesting.0, owes.0)
    }
}

fn code(outcome: Result<Answer, Refusal>) -> &'static str {
    outcome.map_or_else(|refusal| refusal.code(), |_| "done")
}

#[test]
fn a_transfer_is_noted_once_and_for_what_is_owed() {
    let mut shop = Shop::new();
    let (merchant, other) = (shop.admit(at_store()), shop.admit(at_store()));
    let (store, elsewhere) = (shop.open_store(merchant), shop.open_store(other));
    let member = shop.member(None);
    shop.wait(400 * DAY_S);
    shop.pay_bill(store, member, 10_000);
    shop.pay_bill(elsewhere, member, 10_000);
    let own = shop.world.books().own;
    let today = Millis::start_of_day(shop.clock.shanghai_day());
    let days = |days: i64| Millis(today.0 + days * DAY_MS);
    let long = "9".repeat(64);
    let nobody = MerchantId(9);
    for (who, fen, reference, on, expected, owes) in [
        (nobody, 100, "A", today, "merchant_unknown", 2_000),
        (merchant, 100, "", today, "transfer_invalid", 2_000),
        (merchant, 100, "two words", today, "transfer_invalid", 2_000),
        (
            merchant,
            100,
            &format!("{long}9"),
            today,
            "transfer_invalid",
            2_000,
        ),
        (merchant, 100, "A", days(1), "transfer_invalid", 2_000),
        (merchant, 100, "A", days(-367), "transfer_invalid", 2_000),
        (
            merchant,
            100,
            "A",
            Millis(today.0 + 1),
            "transfer_invalid",
            2_000,
        ),
        (merchant, 0, "A", today, "amount_not_positive", 2_000),
        (merchant, -1, "A", today, "amount_not_positive", 2_000),
        (merchant, 2_001, "A", today, "merchant_owes_less", 2_000),
        (merchant, i64::MAX, "A", today, "merchant_owes_less", 2_000),
        (merchant, 500, "A", days(-366), "done", 1_500),
        // The same once more, by whichever request.
        (merchant, 500, "A", days(-366), "done", 1_500),
        (merchant, 501, "A", days(-366), "transfer_known", 1_500),
        (merchant, 500, "A", today, "transfer_known", 1_500),
        (other, 500, "A", days(-366), "transfer_known", 1_500),
        (merchant, 1_500, &long, today, "done", 0),
        (merchant, 1, "B", today, "merchant_owes_less", 0),
    ] {
        let outcome = shop.pays_on(who, fen, reference, on);
        assert_eq!(code(outcome), expected, "{fen} {reference}");
        assert_eq!(
            shop.of_merchant(merchant),
            (0, 0, owes),
            "{fen} {reference}"
        );
        shop.check();
    }
    assert_eq!(shop.of_merchant(other), (0, 0, 2_000));
    assert_eq!(shop.balance("bank"), 2_000);
    let books = shop.world.books();
    assert_eq!(books.own, own.plus(Money(2_000)).unwrap());
    // What is known of transfers outlives a restart.
    shop.world = World::from_snapshot(&shop.world.to_snapshot()).unwrap();
    assert_eq!(code(shop.pays(merchant, 1_500, &long)), "done");
    assert_eq!(code(shop.pays(other, 1_500, &long)), "transfer_known");
    // What was paid is carried over no more.
    let drawn = shop.month_over();
    let carried: Vec<_> = drawn
        .iter()
        .map(|drawn| (drawn.merchant, drawn.carried))
        .collect();
    assert_eq!(carried, [(other, Money(2_000))]);
    shop.check();
}

/// What is taken back of a bill after it was paid to the platform is due to the store again.
#[test]
fn what_was_paid_comes_back_with_the_bill() {
    let mut shop = Shop::new();
    let merchant = shop.admit(at_store());
    let store = shop.open_store(merchant);
    let member = shop.member(None);
    let paid = shop.pay_bill(store, member, 10_000);
    shop.pays(merchant, 1_500, "A").unwrap();
    shop.undo(paid.counter, merchant, None).unwrap();
    assert_eq!(shop.of_merchant(merchant), (1_500, 0, 0));
    shop.check();
}

/// Nothing is ever payable to a store that takes the cash of its bills itself: it pays, and goes on.
#[test]
fn who_owes_too_much_pays_and_his_customers_home_stores_wait_no_longer() {
    let mut shop = Shop::new();
    let (home, other) = (shop.admit(binding()), shop.admit(at_store()));
    let (store, elsewhere) = (shop.open_store(home), shop.open_store(other));
    let member = shop.member(None);
    shop.alliance(AllianceCommand::BindHome { member, store })
        .unwrap();
    let most = MAX_COUNTER_OWED.0;
    shop.pay_bill(elsewhere, member, 5 * (most - 2_000));
    shop.pay_bill(elsewhere, member, 10_000);
    let claim = Some(shop.claim(member));
    let refused = shop.pay_at(elsewhere, (10_000, None), claim).unwrap_err();
    assert_eq!(refused.code(), "counter_owes_too_much");
    shop.wait(31 * DAY_S);
    assert_eq!(shop.month_over().len(), 1);
    let (first, second) = ((most - 2_000) / 10, 200);
    assert_eq!(shop.of_merchant(home), (0, first + second, 0));
    // The oldest debt first: one fen is missing for the first bill, then for the second.
    let draft = AllianceCommand::DraftStatement { merchant: home };
    shop.pays(other, most - 2_001, "A").unwrap();
    assert_eq!(code(shop.alliance(draft.clone())), "statement_empty");
    shop.pays(other, 2_000, "B").unwrap();
    shop.alliance(draft.clone()).unwrap();
    assert_eq!(shop.of_merchant(home), (0, second, 0));
    assert_eq!(code(shop.alliance(draft.clone())), "statement_empty");
    let claim = Some(shop.claim(member));
    shop.pay_at(elsewhere, (10_000, None), claim).unwrap();
    shop.pays(other, 1, "C").unwrap();
    shop.alliance(draft).unwrap();
    // The newest bill's share waits alone, for 20.00 and thirty days.
    assert_eq!(shop.of_merchant(home), (0, second, 0));
    assert_eq!(shop.world.merchant_stated(home), Money(first + second));
    shop.check();
}

/// His own share of a bill at another of his stores is set off against what he owes of it.
#[test]
fn nobody_waits_for_what_he_owes_himself() {
    let mut shop = Shop::new();
    let merchant = shop.admit(binding());
    let (store, elsewhere) = (shop.open_store(merchant), shop.open_store(merchant));
    let member = shop.member(None);
    shop.alliance(AllianceCommand::BindHome { member, store })
        .unwrap();
    let paid = shop.pay_bill(elsewhere, member, 10_000);
    assert!(paid.home_waits);
    assert_eq!(shop.of_merchant(merchant), (0, 200, 2_000));
    let drawn = shop.month_over();
    assert_eq!(
        (drawn[0].set_off, drawn[0].carried),
        (Money(0), Money(2_000))
    );
    shop.wait(31 * DAY_S);
    let drawn = shop.month_over();
    assert_eq!(
        (drawn[0].set_off, drawn[0].carried),
        (Money(200), Money(1_800))
    );
    assert_eq!(shop.of_merchant(merchant), (0, 0, 1_800));
    shop.check();
}

/// Each one's members buy at the other's: neither is paid before the other, until both have paid.
#[test]
fn two_who_wait_for_each_other_pay() {
    let mut shop = Shop::new();
    let two = [shop.admit(binding()), shop.admit(binding())];
    let stores = two.map(|merchant| shop.open_store(merchant));
    for at in [0, 1] {
        let (member, store) = (shop.member(None), stores[at]);
        shop.alliance(AllianceCommand::BindHome { member, store })
            .unwrap();
        shop.pay_bill(stores[1 - at], member, 10_000);
    }
    shop.month_over();
    shop.wait(31 * DAY_S);
    assert_eq!(shop.month_over(), []);
    assert_eq!(two.map(|who| shop.of_merchant(who)), [(0, 200, 2_000); 2]);
    for (who, reference) in two.into_iter().zip(["A", "B"]) {
        shop.pays(who, 2_000, reference).unwrap();
    }
    let amounts: Vec<_> = shop.month_over().iter().map(|drawn| drawn.amount).collect();
    assert_eq!(amounts, [Money(200); 2]);
    assert_eq!(two.map(|who| shop.of_merchant(who)), [(0, 0, 0); 2]);
    shop.check();
}
