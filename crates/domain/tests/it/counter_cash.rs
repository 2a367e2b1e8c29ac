//! Counters whose cash the platform takes: E4 to the fen, every payment once, and all of it back (rules 10.4).

use domain::*;
use proptest::prelude::*;

use crate::purchases::{asked, buy, list, pay, terms};
use crate::recharges::{package, recharge};
use crate::{alliance::contract, purchases::ticks, shop::Shop, standing::DAY_S};

/// ρ 20 %, the platform takes the cash through a channel that takes 0.6 %.
pub(crate) fn at_platform() -> Contract {
    Contract {
        cash: CashTaker::Platform,
        channel: Some(ChannelTerms {
            fee: Rate(6_000),
            kept_on_refund: false,
        }),
        ..contract()
    }
}

struct Till {
    shop: Shop,
    merchant: MerchantId,
    store: StoreId,
    member: MemberId,
}

impl Till {
    /// A member with 50 coins at a store.
    fn new() -> Till {
        let mut shop = Shop::new();
        let merchant = shop.admit(at_platform());
        let store = shop.open_store(merchant);
        let member = shop.with_coins(5_000);
        shop.refund_all();
        Till {
            shop,
            merchant,
            store,
            member,
        }
    }

    /// The cashier enters a bill.
    fn enter(&mut self, amount: i64) -> CounterId {
        let claim = Some(self.shop.claim(self.member));
        self.shop.pay_at(self.store, (amount, None), claim).unwrap()
    }

    /// What becomes of a payment.
    fn pay(&mut self, counter: CounterId, name: &str, fen: i64) -> String {
        let command = AllianceCommand::PayCounter {
            counter,
            txn: self.shop.txn(name),
            amount: Money(fen),
        };
        said(self.shop.alliance(command))
    }

    /// What the history is asked first for.
    fn bounce(&mut self, name: &str, fen: i64) -> String {
        let command = AllianceCommand::BounceCounter {
            member: self.member,
            store: self.store,
            txn: self.shop.txn(name),
            amount: Money(fen),
        };
        said(self.shop.alliance(command))
    }

    fn undo(&mut self, counter: CounterId, store: Option<StoreId>) -> Result<Answer, Refusal> {
        self.shop.undo(counter, self.merchant, store)
    }

    /// Payable, owed, and what the platform has earned.
    fn money(&self) -> (i64, i64, i64) {
        let (payable, _, owes) = self.shop.world.merchant_money(self.merchant);
        (payable.0, owes.0, -self.shop.balance("counter-take"))
    }

    fn coins(&self) -> i64 {
        self.shop.world.member(self.member).unwrap().coins.0
    }

    fn free(&self) -> i64 {
        let world = &self.shop.world;
        world.spendable_coins(self.member, self.shop.clock).0
    }
}

fn said(answer: Result<Answer, Refusal>) -> String {
    match answer {
        Ok(Answer::Counter(_)) => "paid".to_owned(),
        Ok(Answer::Payment(PaymentAnswer::Bounced { reason, .. })) => reason.name().to_owned(),
        Ok(Answer::Payment(PaymentAnswer::Known)) => "known".to_owned(),
        Ok(other) => panic!("{other:?}"),
        Err(refusal) => refusal.code().to_owned(),
    }
}

/// The bill is 100, ten of it in coins: the member pays 90, the merchant is due 80, the platform keeps 10 and bears the fee.
#[test]
fn e4_taken_by_the_platform() {
    let mut till = Till::new();
    let before = |till: &Till| {
        ["channel", "channel-fees", "coins-issued", "refunds-due"]
            .map(|account| till.shop.balance(account))
    };
    let start = before(&till);
    let counter = till.enter(10_000);
    let waits = *till.shop.world.counter_awaited(counter).unwrap();
    assert_eq!(waits.paid.coins, Coins(1_000));
    assert_eq!(waits.paid.paid_in_cash(), Ok(Money(9_000)));
    assert_eq!(waits.pay_by, till.shop.clock.after(COUNTER_WINDOW));
    // Nothing is booked yet, but the coins are held.
    assert_eq!(
        (before(&till), till.money(), till.coins(), till.free()),
        (start, (0, 0, 0), 5_000, 4_000)
    );
    till.shop.check();

    assert_eq!(till.pay(counter, "a", 9_000), "paid");
    assert_eq!(till.money(), (8_000, 0, 1_000));
    assert_eq!((till.coins(), till.free()), (4_000, 4_000));
    let [channel, fees, issued, _] = before(&till);
    assert_eq!(channel - start[0], 9_000 - 54);
    assert_eq!((fees - start[1], issued - start[2]), (54, -1_000));
    till.shop.check();

    // The refund of all of it: the fee comes back with the money.
    till.undo(counter, Some(till.store)).unwrap();
    assert_eq!(till.money(), (0, 0, 0));
    assert_eq!(till.coins(), 5_000);
    assert_eq!(till.shop.balance("refunds-due"), -9_000);
    till.shop.check();
    assert_eq!(till.shop.refund_all(), Money(9_000));
    assert_eq!(before(&till), start);
    till.shop.check();
}

/// What a draft tells of is not paid twice: it is drawn up again without the bill. What was confirmed is set off in the next.
#[test]
fn a_refund_is_taken_from_a_draft() {
    //   bills, drafts, confirmed, suspended, outcome, then payable, owed and stated
    for (bills, confirmed, suspended, told, left) in [
        (1, false, false, "done", (0, 0, 0)),
        (2, false, false, "done", (0, 0, 8_000)),
        (2, false, true, "done", (0, 0, 8_000)),
        (2, true, false, "done", (0, 8_000, 16_000)),
        (2, true, true, "merchant_suspended", (0, 0, 16_000)),
    ] {
        let mut till = Till::new();
        let mut counters = Vec::new();
        for name in 0..bills {
            let counter = till.enter(10_000);
            let cash = till.shop.world.counter_awaited(counter).unwrap().paid;
            let fen = cash.paid_in_cash().unwrap().0;
            assert_eq!(till.pay(counter, &format!("c{name}"), fen), "paid");
            counters.push(counter);
        }
        let drawn = till.shop.month_over();
        assert_eq!(drawn[0].amount, Money(8_000 * bills));
        if confirmed {
            till.shop.confirm(drawn[0].statement).unwrap();
        }
        if suspended {
            let merchant = till.merchant;
            till.shop
                .must(Command::Alliance(AllianceCommand::SuspendMerchant {
                    merchant,
                }));
        }
        let first = counters[0];
        let got = till.undo(first, None);
        assert_eq!(got.err().map_or("done", |refusal| refusal.code()), told);
        let now = |till: &Till| {
            let (payable, owes, _) = till.money();
            (
                payable,
                owes,
                till.shop.world.merchant_stated(till.merchant).0,
            )
        };
        assert_eq!(now(&till), left, "{bills} {confirmed} {suspended}");
        till.shop.check();
        if told == "merchant_suspended" {
            // An operator does it all the same: it may become the merchant's debt.
            let command = AllianceCommand::RefundCounter { counter: first };
            till.shop.alliance(command.clone()).unwrap();
            assert_eq!(now(&till), (0, 8_000, 16_000));
            let again = till.shop.alliance(command).unwrap_err();
            assert_eq!(again.code(), "counter_payment_reversed");
        }
        if !confirmed {
            let over = till.shop.confirm(drawn[0].statement).unwrap_err();
            assert_eq!(over.code(), "statement_state");
            let open: Vec<Statement> = till.shop.world.open_statements().copied().collect();
            let amounts: Vec<i64> = open.iter().map(|known| known.drafted.amount.0).collect();
            assert_eq!(amounts, [8_000].repeat(usize::try_from(bills - 1).unwrap()));
            for known in open {
                till.shop.confirm(known.drafted.statement).unwrap();
                till.shop.transfer(known.drafted.statement, "T1").unwrap();
            }
        }
        till.shop.refund_all();
        till.shop.check();
    }
}

/// Something of every kind of it, for the stored bytes.
pub(crate) fn withdrawn() -> Vec<Record> {
    let mut till = Till::new();
    for name in ["a", "b"] {
        let counter = till.enter(10_000);
        assert_eq!(till.pay(counter, name, 9_000), "paid");
    }
    till.shop.month_over();
    till.undo(CounterId(0), None).unwrap();
    let command = AllianceCommand::RefundCounter {
        counter: CounterId(1),
    };
    till.shop.alliance(command).unwrap();
    till.shop.check();
    till.shop.records
}

/// The table of rules 10.6, for bills.
#[test]
fn what_becomes_of_a_payment() {
    let mut till = Till::new();
    let counter = till.enter(10_000);
    assert_eq!(till.pay(counter, "less", 8_999), "amount_differs");
    assert_eq!(till.pay(counter, "less", 8_999), "known");
    assert_eq!(till.pay(counter, "nothing", 0), "amount_not_positive");
    assert_eq!(till.pay(counter, "right", 9_000), "paid");
    assert_eq!(till.pay(counter, "right", 9_000), "known");
    assert_eq!(till.pay(counter, "again", 9_000), "second_payment");
    assert_eq!(till.money(), (8_000, 0, 1_000));
    assert_eq!(till.shop.refund_all(), Money(17_999));
    till.shop.check();

    // Once it is taken back the history says what a payment was: its own may have gone back already.
    till.undo(counter, None).unwrap();
    assert_eq!(till.pay(counter, "right", 9_000), "known");
    till.shop.refund_all();
    assert_eq!(till.pay(counter, "right", 9_000), "counter_payment_unknown");
    assert_eq!(till.pay(counter, "later", 9_000), "counter_payment_unknown");
    assert_eq!(till.bounce("later", 9_000), "purchase_over");
    till.shop.check();

    let counter = till.enter(10_000);
    till.shop.wait(300);
    assert_eq!(till.pay(counter, "late", 9_000), "counter_payment_unknown");
    assert_eq!(till.bounce("late", 9_000), "purchase_over");
    assert_eq!(till.bounce("late", 9_000), "known");
    assert!(till.shop.world.counter_awaited(counter).is_none());
    let unknown = CounterId(99);
    assert_eq!(till.pay(unknown, "odd", 1), "counter_payment_unknown");
    till.shop.check();
}

/// It lapses at that very moment, by itself, and the coins are free again.
#[test]
fn an_unpaid_bill_lapses_in_five_minutes() {
    let mut till = Till::new();
    let counter = till.enter(10_000);
    till.shop.wait(299);
    ticks(&mut till.shop);
    assert_eq!(till.free(), 4_000);
    till.shop.check();
    till.shop.wait(1);
    ticks(&mut till.shop);
    assert_eq!(till.shop.world.counter_awaited(counter), None);
    assert_eq!((till.free(), till.coins()), (5_000, 5_000));
    till.shop.check();
}

/// Two tills enter one code; and the code of a bill that was given up is good for no other.
#[test]
fn a_code_is_good_for_one_bill() {
    let mut till = Till::new();
    let second = till.shop.open_store(till.merchant);
    let claim = Some(till.shop.claim(till.member));
    let bill = (10_000, None);
    let counter = till.shop.pay_at(till.store, bill, claim).unwrap();
    for again in 0..2 {
        for store in [till.store, second] {
            let code = till.shop.pay_at(store, bill, claim).unwrap_err().code();
            assert_eq!(code, "counter_code_used", "{again}");
        }
        if again == 0 {
            till.undo(counter, Some(till.store)).unwrap();
        }
    }
    assert_eq!(till.free(), 5_000);
    till.shop.check();
    // When its minute is over nobody needs to remember it.
    till.shop.wait(61);
    till.enter(100);
    till.shop.check();
    let (another, merchant) = (till.shop.admit(at_platform()), till.merchant);
    let open = CounterId(1);
    for (merchant, store) in [(another, None), (merchant, Some(second))] {
        let refused = till.shop.undo(open, merchant, store).unwrap_err();
        assert_eq!(refused.code(), "counter_payment_unknown");
    }
}

/// The cashier gives up while the payment arrives: whichever is first, the member has his money or the bill is paid.
#[test]
fn a_void_and_a_payment_at_once() {
    let mut till = Till::new();
    let counter = till.enter(10_000);
    till.undo(counter, Some(till.store)).unwrap();
    assert_eq!(till.pay(counter, "a", 9_000), "counter_payment_unknown");
    assert_eq!(till.bounce("a", 9_000), "purchase_over");
    let again = till.undo(counter, Some(till.store)).unwrap_err();
    assert_eq!(again.code(), "counter_payment_unknown");
    assert_eq!((till.money(), till.coins()), ((0, 0, 0), 5_000));
    assert_eq!(till.shop.refund_all(), Money(9_000));
    till.shop.check();

    let counter = till.enter(10_000);
    assert_eq!(till.pay(counter, "b", 9_000), "paid");
    till.undo(counter, Some(till.store)).unwrap();
    assert_eq!((till.money(), till.coins()), ((0, 0, 0), 5_000));
    assert_eq!(till.shop.refund_all(), Money(9_000));
    till.shop.check();
}

/// What was entered may be paid, whatever becomes of merchant, member and contract.
#[test]
fn what_was_entered_may_be_paid() {
    let mut till = Till::new();
    let merchant = till.merchant;
    let counter = till.enter(10_000);
    till.shop
        .alliance(AllianceCommand::SignContract {
            merchant,
            contract: Contract {
                settlement: None,
                cash: CashTaker::Store,
                ..contract()
            },
        })
        .unwrap();
    till.shop
        .alliance(AllianceCommand::SuspendMerchant { merchant })
        .unwrap();
    let member = till.member;
    till.shop.must(Command::FreezeMember { member });
    assert_eq!(till.pay(counter, "a", 9_000), "paid");
    assert_eq!(till.money(), (8_000, 0, 1_000));
    till.undo(counter, None).unwrap();
    assert_eq!(till.money(), (0, 0, 0));
    till.shop.check();
}

/// Coins that end while a bill holds them pay nothing; held ones are free nowhere else.
#[test]
fn coins_are_held_until_they_end() {
    let mut till = Till::new();
    till.shop.clock = Millis::of_date(2026, 11, 3).unwrap();
    till.member = till.shop.with_coins(1_500);
    till.shop.refund_all();
    let end = Millis::of_date(2027, 12, 1).unwrap();
    till.shop.clock = Millis(end.0 - 1);
    let first = till.enter(10_000);
    let second = till.enter(10_000);
    let held = |till: &Till, id| till.shop.world.counter_awaited(id).unwrap().paid.coins.0;
    assert_eq!((held(&till, first), held(&till, second)), (1_000, 500));
    assert_eq!(till.free(), 0);
    till.shop.check();
    till.shop.clock = end;
    assert_eq!(till.pay(first, "a", 9_000), "coins_gone");
    assert_eq!(till.coins(), 0);
    assert_eq!(till.pay(second, "b", 9_500), "coins_gone");
    till.shop.check();
}

/// What a statement has set off or paid is owed by the merchant when it is taken back.
#[test]
fn a_refund_after_the_statement() {
    let mut till = Till::new();
    let merchant = till.merchant;
    let draft = AllianceCommand::DraftStatement { merchant };
    let counter = till.enter(10_000);
    assert_eq!(till.pay(counter, "a", 9_000), "paid");
    let waiting = till.enter(20_000);
    till.shop.alliance(draft.clone()).unwrap();
    till.shop.confirm(StatementId(0)).unwrap();
    assert_eq!(till.money(), (0, 0, 1_000));
    let late = till.undo(counter, Some(till.store)).unwrap_err();
    assert_eq!(late.code(), "counter_void_late");
    till.undo(counter, None).unwrap();
    assert_eq!(till.money(), (0, 8_000, 0));
    till.shop.check();
    // What was only waiting then stands in no statement: the cashier can void it.
    assert_eq!(till.pay(waiting, "b", 18_000), "paid");
    assert_eq!(till.money(), (16_000, 8_000, 2_000));
    till.undo(waiting, Some(till.store)).unwrap();
    assert_eq!(till.money(), (0, 8_000, 0));
    till.shop.check();
    // The next statement sets off what he owes.
    let third = till.enter(10_000);
    assert_eq!(till.pay(third, "c", 9_000), "paid");
    till.shop.alliance(draft).unwrap();
    assert_eq!(till.money(), (0, 0, 1_000));
    till.shop.check();
}

/// Paid by a statement, he could refund it all and go: the platform pays members for him up to a bound, and an operator beyond it.
#[test]
fn a_merchant_makes_the_platform_pay_no_more_for_him_than_he_may_owe() {
    let mut till = Till::new();
    let merchant = till.merchant;
    till.member = till.shop.member(None);
    // He is due 80 %.
    let bills = [MAX_COUNTER_OWED.0 / 4 * 5, 10_000, 10_000];
    let counters = bills.map(|bill| {
        let counter = till.enter(bill);
        assert_eq!(till.pay(counter, &format!("c{}", counter.0), bill), "paid");
        counter
    });
    till.shop
        .alliance(AllianceCommand::DraftStatement { merchant })
        .unwrap();
    till.shop.confirm(StatementId(0)).unwrap();
    till.shop.transfer(StatementId(0), "T1").unwrap();
    let most = MAX_COUNTER_OWED.0;
    till.undo(counters[0], None).unwrap();
    let owed = |till: &Till| till.money().1;
    assert_eq!(owed(&till), most);
    let refusal = till.undo(counters[1], None).unwrap_err();
    let none = AllianceRefusal::CounterOwesTooMuch { most: Money(0) };
    assert_eq!(refusal, none.into());
    till.shop.check();
    till.shop.pays(merchant, 7_999, "IN-1").unwrap();
    let refusal = till.undo(counters[1], None).unwrap_err();
    let short = AllianceRefusal::CounterOwesTooMuch { most: Money(7_999) };
    assert_eq!(refusal, short.into());
    till.shop.pays(merchant, 1, "IN-2").unwrap();
    till.undo(counters[1], None).unwrap();
    assert_eq!(owed(&till), most);
    // An operator does it all the same, as for a merchant who is suspended.
    let command = AllianceCommand::RefundCounter {
        counter: counters[2],
    };
    till.shop.alliance(command).unwrap();
    assert_eq!(owed(&till), most + 8_000);
    // What is payable to him he may give back at any time.
    let counter = till.enter(10_000);
    assert_eq!(till.pay(counter, "d", 10_000), "paid");
    till.undo(counter, Some(till.store)).unwrap();
    assert_eq!(owed(&till), most + 8_000);
    till.shop.check();
}

/// Who is suspended takes back what is payable to him still, and nothing that the platform would pay for him.
#[test]
fn a_suspended_merchant_gives_back_no_money_of_the_platforms() {
    let mut till = Till::new();
    let merchant = till.merchant;
    let (first, second) = (till.enter(10_000), till.enter(20_000));
    assert_eq!(till.pay(first, "a", 9_000), "paid");
    till.shop
        .alliance(AllianceCommand::DraftStatement { merchant })
        .unwrap();
    till.shop.confirm(StatementId(0)).unwrap();
    assert_eq!(till.pay(second, "b", 18_000), "paid");
    till.shop
        .alliance(AllianceCommand::SuspendMerchant { merchant })
        .unwrap();
    till.undo(second, None).unwrap();
    let refused = till.undo(first, None).unwrap_err();
    assert_eq!(refused.code(), "merchant_suspended");
    assert_eq!(till.money(), (0, 0, 1_000));
    till.shop.check();
}

/// What a bill holds is not taken by a purchase that is paid meanwhile: that takes bought coins.
#[test]
fn coins_that_a_bill_holds_pay_no_purchase() {
    let mut till = Till::new();
    till.member = till.shop.with_coins(1_000);
    till.shop.refund_all();
    let sku = list(&mut till.shop, package(1_000, 1_000, 0), 1);
    recharge(&mut till.shop, till.member, sku, 1);
    let goods = list(&mut till.shop, terms(10_000, 6_000), 1);
    let counter = till.enter(10_000);
    let wanted = asked(&till.shop, till.member, goods, 2, 1, 1_000);
    let purchase = buy(&mut till.shop, wanted).unwrap();
    assert_eq!(pay(&mut till.shop, purchase, "goods", 9_000), "paid");
    assert_eq!(till.coins(), 1_000, "what was bought is used");
    assert_eq!(till.shop.world.bought_coins(till.member), Coins(0));
    assert_eq!(till.pay(counter, "bill", 9_000), "paid");
    assert_eq!(till.coins(), 0);
    till.shop.check();
}

/// A home store gets its share with the payment and not before, also where it is another store of the same merchant.
#[test]
fn a_home_store_has_its_share() {
    let mut till = Till::new();
    let binds = Contract {
        lock_days: Some(365),
        origin_share: Some(Rate(100_000)),
        ..at_platform()
    };
    let other = till.shop.admit(binds);
    let home = till.shop.open_store(other);
    let bind = |member, store| AllianceCommand::BindHome { member, store };
    till.shop.alliance(bind(till.member, home)).unwrap();
    let counter = till.enter(10_000);
    let of_home = |till: &Till| {
        let (payable, waits, owes) = till.shop.world.merchant_money(other);
        (payable.0, waits.0, owes.0)
    };
    assert_eq!(of_home(&till), (0, 0, 0));
    assert_eq!(till.pay(counter, "a", 9_000), "paid");
    let waits = (0, 100, 0);
    assert_eq!((of_home(&till), till.money()), (waits, (8_000, 0, 1_000)));
    till.undo(counter, None).unwrap();
    assert_eq!((of_home(&till), till.money()), ((0, 0, 0), (0, 0, 0)));
    till.shop.check();

    let merchant = till.merchant;
    till.shop
        .alliance(AllianceCommand::SignContract {
            merchant,
            contract: binds,
        })
        .unwrap();
    till.member = till.shop.with_coins(5_000);
    till.shop.refund_all();
    till.shop.alliance(bind(till.member, till.store)).unwrap();
    till.store = till.shop.open_store(merchant);
    for stated in [false, true] {
        let counter = till.enter(10_000);
        assert_eq!(till.pay(counter, &format!("b{stated}"), 9_000), "paid");
        assert_eq!(till.money(), (8_000, 0, 1_000));
        if stated {
            till.shop
                .alliance(AllianceCommand::DraftStatement { merchant })
                .unwrap();
            till.shop.confirm(StatementId(0)).unwrap();
        }
        till.undo(counter, None).unwrap();
        let owes = if stated { 8_000 } else { 0 };
        assert_eq!(till.money(), (0, owes, 0));
        till.shop.check();
    }
}

#[test]
fn a_paid_bill_leaves_memory_after_its_refund_window() {
    let mut till = Till::new();
    let counter = till.enter(10_000);
    assert_eq!(till.pay(counter, "a", 9_000), "paid");
    till.shop.wait(30 * DAY_S);
    let late = till.undo(counter, None).unwrap_err();
    assert_eq!(late.code(), "counter_payment_unknown");
    let next = till.enter(100);
    assert_eq!(till.pay(next, "b", 90), "paid");
    assert!(till.shop.world.counter_payment(counter).is_none());
    assert_eq!(till.pay(counter, "a", 9_000), "counter_payment_unknown");
    till.shop.check();
}

/// The channel takes no payment of nothing.
#[test]
fn a_fen_at_least_is_paid_in_cash() {
    let mut till = Till::new();
    let mut own = crate::profiles::own_profile();
    own.terms.coin_offset = Rate(RATE_ONE_PPM);
    let profile = Box::new(Profile::Own(Box::new(own)));
    till.shop.must(Command::AdoptProfile { profile });
    let contract = Contract {
        settlement: Some(Rate(RATE_ONE_PPM)),
        ..at_platform()
    };
    let merchant = till.merchant;
    till.shop
        .alliance(AllianceCommand::SignContract { merchant, contract })
        .unwrap();
    for (bill, cash) in [(1, 1), (2, 1), (4_000, 1)] {
        let counter = till.enter(bill);
        let waits = *till.shop.world.counter_awaited(counter).unwrap();
        assert_eq!(waits.paid.paid_in_cash(), Ok(Money(cash)), "{bill}");
        assert_eq!(till.pay(counter, &format!("t{bill}"), cash), "paid");
    }
    till.shop.check();
}

/// Something of every kind that is stored of them.
pub(crate) fn every_kind() -> Vec<Record> {
    let mut till = Till::new();
    let counter = till.enter(10_000);
    till.pay(counter, "a", 9_000);
    till.undo(counter, Some(till.store)).unwrap();
    till.enter(7_777);
    till.shop.wait(300);
    ticks(&mut till.shop);
    till.shop.check();
    till.shop.records
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, ..ProptestConfig::default() })]

    /// Whatever is entered, paid, too late, given up, taken back and stated: every payment buys once or goes back once, and what
    /// the merchant is due and the platform has earned is what the bills that stand come to.
    #[test]
    fn every_payment_buys_once_or_goes_back(steps in prop::collection::vec((0u8..10, 0u8..8, 1i64..40_000), 1..60)) {
        let mut till = Till::new();
        let (mut came, mut back) = (0, 0);
        let start = till.shop.balance("channel") + till.shop.balance("channel-fees");
        for (number, (what, which, amount)) in steps.into_iter().enumerate() {
            let known = CounterId(u64::from(which) % till.shop.world.counter_payments().max(1));
            let name = format!("t{number}");
            match what {
                0..=2 => { till.enter(amount); }
                3..=5 => {
                    let waits = till.shop.world.counter_awaited(known);
                    let asked = waits.map_or(amount, |waits| waits.paid.paid_in_cash().unwrap().0);
                    let paid = if what == 5 { asked + 1 } else { asked };
                    let mut told = till.pay(known, &name, paid);
                    if told == "counter_payment_unknown" {
                        told = till.bounce(&name, paid);
                    }
                    prop_assert_eq!(told == "paid", waits_for(&till, known, &name), "{}", told);
                    came += paid;
                }
                6 => { let _refused = till.undo(known, Some(till.store)); }
                7 => { let _refused = till.undo(known, None); }
                8 => {
                    let merchant = till.merchant;
                    let _empty = till.shop.alliance(AllianceCommand::DraftStatement { merchant });
                }
                _ => till.shop.wait(amount / 100),
            }
            back += till.shop.refund_all().0;
        }
        till.shop.check();
        let (mut due, mut take, mut cash, mut coins) = (0, 0, 0, 0);
        for counter in (0..till.shop.world.counter_payments()).map(CounterId) {
            let known = till.shop.world.counter_payment(counter);
            let Some(known) = known.filter(|known| known.reversed.is_none()) else { continue };
            let paid = &known.paid;
            due += paid.bill.0 - paid.kept.0;
            take += paid.take().unwrap().0;
            cash += paid.paid_in_cash().unwrap().0;
            coins += paid.coins.0;
        }
        let (payable, owes, earned) = till.money();
        let stated = till.shop.world.merchant_stated(till.merchant).0;
        prop_assert_eq!(payable + stated - owes, due);
        prop_assert_eq!(earned, take);
        prop_assert_eq!(came - back, cash);
        prop_assert_eq!(5_000 - till.coins(), coins);
        let held = till.shop.balance("channel") + till.shop.balance("channel-fees");
        prop_assert_eq!(held - start, cash);
    }
}

/// Whether this payment has paid the bill.
fn waits_for(till: &Till, counter: CounterId, name: &str) -> bool {
    till.shop.world.counter_txn(counter) == Some(till.shop.txn(name))
}
