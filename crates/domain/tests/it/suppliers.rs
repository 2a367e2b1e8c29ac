//! What suppliers are owed for what was sold, and that they were paid (rules 6).

use domain::*;

use crate::shop::{Shop, campaign, consolation};

/// One settled group of four that owes 20.00 for its one product.
fn sold(shop: &mut Shop) {
    let mut terms = campaign(10_000, 4, 1, 2_000);
    terms.rewards = vec![consolation(504, 0)];
    let members = shop.members(4);
    let id = shop.publish(terms);
    let group = shop.fill(id, &members);
    shop.settle(group);
}

#[test]
fn suppliers_are_paid_what_they_are_owed_and_no_more() {
    let mut shop = Shop::new();
    let pay = |fen| Command::PaySuppliers { amount: Money(fen) };
    let code = |answer: Result<Answer, Refusal>| answer.map_err(|refusal| refusal.code());
    let none = shop.try_do(pay(1));
    assert_eq!(none, Err(Refusal::SuppliersTooLarge { left: Money::ZERO }));
    sold(&mut shop);
    shop.refund_all();
    let (held, own) = (shop.world.books().held, shop.world.books().own);
    //                 fen   outcome
    let rows = [
        (0, Err("amount_not_positive")),
        (-1, Err("amount_not_positive")),
        (2_001, Err("suppliers_too_large")),
        (i64::MAX, Err("suppliers_too_large")),
        (1_500, Ok(())),
        (501, Err("suppliers_too_large")),
        (500, Ok(())),
        (1, Err("suppliers_too_large")),
    ];
    for (fen, outcome) in rows {
        assert_eq!(code(shop.try_do(pay(fen))).map(|_| ()), outcome, "{fen}");
    }
    // Paying what is owed makes nobody richer: less is held, and as much less is owed.
    let books = shop.world.books();
    assert_eq!(
        (shop.balance("suppliers"), shop.balance("bank"), books.held),
        (0, -2_000, Money(held.0 - 2_000))
    );
    assert_eq!(books.own, own);
    // The next sale is owed anew.
    sold(&mut shop);
    assert_eq!(shop.world.suppliers_owed(), Money(2_000));
    shop.check();
}

/// The event, for the stored records.
pub(crate) fn every_kind() -> Vec<Record> {
    let mut shop = Shop::new();
    sold(&mut shop);
    shop.must(Command::PaySuppliers { amount: Money(1) });
    shop.records
}
