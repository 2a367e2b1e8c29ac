//! Coins last to the end of a month, and not longer (rules 10.1).

use domain::*;

use crate::shop::{Shop, campaign, consolation};

/// Three of four get 5.00 coins.
fn play(shop: &mut Shop, id: CampaignId, members: &[MemberId]) -> Vec<MemberId> {
    let group = shop.fill(id, members);
    let settled = shop.settle(group);
    settled
        .refunded()
        .iter()
        .map(|(_, seat)| seat.member)
        .collect()
}

fn lots(shop: &Shop, member: MemberId) -> Vec<(Millis, i64)> {
    let lots = shop.world.coin_lots(member);
    lots.iter().map(|lot| (lot.expires, lot.coins.0)).collect()
}

fn go_to(shop: &mut Shop, year: i64, month: u8, day: u8) {
    shop.clock = Millis::of_date(year, month, day).unwrap();
    shop.tick();
}

#[test]
fn coins_of_one_month_are_one_lot_and_end_a_year_later() {
    let mut shop = Shop::new();
    let mut terms = campaign(1_000, 4, 1, 100);
    terms.rewards = vec![consolation(0, 500)];
    let id = shop.publish(terms);
    let members = shop.members(4);
    go_to(&mut shop, 2026, 11, 3);
    assert_eq!(shop.world.next_timer().map(|(_, due)| due), None);
    let first = play(&mut shop, id, &members);
    let second = play(&mut shop, id, &members);
    // The next months' coins are lots of their own.
    go_to(&mut shop, 2026, 12, 31);
    let third = play(&mut shop, id, &members);
    let (november, december) = (
        Millis::of_date(2027, 12, 1).unwrap(),
        Millis::of_date(2028, 1, 1).unwrap(),
    );
    let count = |winners: &[MemberId], member| {
        500 * i64::try_from(winners.iter().filter(|&&one| one == member).count()).unwrap()
    };
    let mut vintages = [0, 0];
    for &member in &members {
        let old = count(&first, member) + count(&second, member);
        let young = count(&third, member);
        let mut expected = vec![(november, old), (december, young)];
        expected.retain(|lot| lot.1 != 0);
        assert_eq!(lots(&shop, member), expected);
        vintages[0] += old;
        vintages[1] += young;
    }
    let known: Vec<i64> = shop
        .world
        .coin_vintages()
        .iter()
        .map(|lot| lot.coins.0)
        .collect();
    assert_eq!(known, vintages);
    shop.check();

    // A moment before the end, and at it.
    shop.clock = Millis(november.0 - 1);
    shop.tick();
    assert_eq!(shop.world.coin_vintages().len(), 2);
    shop.clock = november;
    shop.tick();
    let Event::CoinsExpired { lost, more: false } = shop.last() else {
        panic!("{:?}", shop.last())
    };
    assert_eq!(
        lost.iter().map(|lost| lost.coins.0).sum::<i64>(),
        vintages[0]
    );
    assert_eq!(shop.world.coin_vintages().len(), 1);
    shop.check();
    go_to(&mut shop, 2028, 3, 1);
    assert_eq!(shop.world.coin_vintages(), []);
    for &member in &members {
        assert_eq!(shop.world.member(member).unwrap().coins, Coins(0));
    }
    // Nobody has any: they are looked for once more, and then no longer.
    go_to(&mut shop, 2028, 4, 1);
    assert_eq!(shop.world.next_timer(), None);
    shop.check();
}

#[test]
fn a_profile_with_shorter_lots_changes_none_that_is_there() {
    let mut shop = Shop::new();
    let mut terms = campaign(1_000, 4, 1, 100);
    terms.rewards = vec![consolation(0, 500)];
    let id = shop.publish(terms);
    let members = shop.members(4);
    go_to(&mut shop, 2026, 11, 3);
    let first = play(&mut shop, id, &members);
    let mut own = crate::profiles::own_profile();
    own.terms.coin_months = 1;
    shop.must(Command::AdoptProfile {
        profile: Box::new(Profile::Own(Box::new(own))),
    });
    let second = play(&mut shop, id, &members);
    go_to(&mut shop, 2027, 1, 1);
    for &member in &members {
        let left = if first.contains(&member) { 500 } else { 0 };
        let coins = shop.world.member(member).unwrap().coins;
        assert_eq!(coins, Coins(left), "{second:?}");
    }
    shop.check();
}

/// Of 1 000.00 coins of November 500.00 pay a bill, 400.00 another, and the last 100.00 a third with 100.00 of a gift of 900.00. That one is
/// given back, then the recharge with as much as its gift, and the rest ends.
#[test]
fn what_has_become_of_the_coins_of_each_month() {
    use crate::purchases::{asked, buy, list, pay, terms, with_coins};
    let mut shop = Shop::new();
    go_to(&mut shop, 2026, 11, 3);
    let member = with_coins(&mut shop, 100_000);
    let goods = list(&mut shop, terms(500_000, 0), 5);
    let bill = |shop: &mut Shop, token: u16, coins: i64| {
        let wanted = asked(shop, member, goods, token, 1, coins);
        let purchase = buy(shop, wanted).unwrap();
        let paid = pay(shop, purchase, &format!("T{token}"), 500_000 - coins);
        assert_eq!(paid, "paid");
        purchase
    };
    bill(&mut shop, 1, 50_000);
    go_to(&mut shop, 2026, 12, 5);
    let sku = list(
        &mut shop,
        crate::recharges::package(10_000, 10_000, 90_000),
        10,
    );
    let recharge = crate::recharges::recharge(&mut shop, member, sku, 2);
    shop.wait(7 * 86_400);
    crate::purchases::ticks(&mut shop);
    bill(&mut shop, 3, 40_000);
    let purchase = bill(&mut shop, 4, 20_000);
    for command in [
        ShopCommand::ShipPurchase { purchase },
        ShopCommand::ReceivePurchase { purchase, member },
        ShopCommand::ReturnPurchase { purchase, member },
        ShopCommand::TakeBackPurchase { purchase },
    ] {
        shop.must(Command::Shop(command));
    }
    let row = |vintage: &Vintage| {
        let sums = [
            vintage.issued,
            vintage.came_back,
            vintage.used,
            vintage.expired,
            vintage.taken_back,
            vintage.outstanding(),
        ];
        (vintage.expires.to_date(), sums.map(|coins| coins.0))
    };
    let rows = |shop: &Shop| shop.world.vintages().iter().map(row).collect::<Vec<_>>();
    let (november, december) = ("2027-12-01".to_owned(), "2028-01-01".to_owned());
    // The last bill took the last 100.00 of November's, and 100.00 of the gift: each came back to its own month.
    let old = (november.clone(), [100_000, 10_000, 100_000, 0, 0, 10_000]);
    let young = (december.clone(), [90_000, 10_000, 10_000, 0, 0, 90_000]);
    assert_eq!(rows(&shop), [old, young]);
    shop.check();
    // What goes back of the gift is the oldest that he has.
    crate::recharges::refund(&mut shop, recharge, member).unwrap();
    let old = (november, [100_000, 10_000, 100_000, 0, 10_000, 0]);
    let young = (
        december.clone(),
        [90_000, 10_000, 10_000, 0, 80_000, 10_000],
    );
    assert_eq!(rows(&shop), [old.clone(), young]);
    let months = |vintage: &Vintage| (vintage.first, vintage.last);
    let (first, last) = months(&shop.world.vintages()[1]);
    assert_eq!(first, last);
    go_to(&mut shop, 2028, 1, 1);
    let young = (december, [90_000, 10_000, 10_000, 10_000, 80_000, 0]);
    assert_eq!(rows(&shop), [old, young]);
    let bytes = shop.world.to_snapshot();
    let again = World::from_snapshot(&bytes).unwrap();
    assert_eq!(again.vintages(), shop.world.vintages());
    shop.check();
}
