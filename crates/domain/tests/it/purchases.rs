//! Stock and direct purchases (rules 9.4 and 10.6): nothing is sold twice, everything is paid once, and what comes back is
//! counted.

use domain::*;
use proptest::prelude::*;

use crate::shop::{Shop, campaign, consolation, text};

pub(crate) fn terms(price: i64, cost: i64) -> SkuTerms {
    SkuTerms {
        title: text("thing"),
        price: Money(price),
        cost: Money(cost),
        coin_offset: Rate(RATE_ONE_PPM / 10),
        fulfilment: Fulfilment::Ship,
        channel: ChannelTerms {
            fee: Rate(6_000),
            kept_on_refund: false,
        },
    }
}

pub(crate) fn list(shop: &mut Shop, terms: SkuTerms, units: i32) -> SkuId {
    let number = u8::try_from(shop.world.skus(None, usize::MAX).len()).unwrap();
    let command = ShopCommand::ListSku {
        token: [number; 16],
        product: [9; 16],
        terms: Box::new(terms),
    };
    let sku = match shop.must(Command::Shop(command)) {
        Answer::Sku(sku) => sku,
        other => panic!("{other:?}"),
    };
    if units != 0 {
        shop.must(Command::Shop(ShopCommand::AdjustStock { sku, by: units }));
    }
    sku
}

fn asked(
    shop: &Shop,
    member: MemberId,
    sku: SkuId,
    token: u16,
    units: u32,
    coins: i64,
) -> Reservation {
    let mut name = [0; 16];
    name[..2].copy_from_slice(&token.to_le_bytes());
    Reservation {
        member,
        token: name,
        sku,
        units,
        price: shop.world.sku(sku).map_or(Money(1), |sku| sku.terms.price),
        coins: Coins(coins),
    }
}

fn buy(shop: &mut Shop, asked: Reservation) -> Result<PurchaseId, Refusal> {
    match shop.try_do(Command::Shop(ShopCommand::Buy(asked)))? {
        Answer::Purchase(purchase) => Ok(purchase),
        other => panic!("{other:?}"),
    }
}

/// What became of a payment, in a word.
fn pay(shop: &mut Shop, purchase: PurchaseId, name: &str, fen: i64) -> String {
    let command = ShopCommand::PayPurchase {
        purchase,
        txn: shop.txn(name),
        amount: Money(fen),
    };
    match shop.try_do(Command::Shop(command)) {
        Ok(Answer::Purchase(_)) => "paid".to_owned(),
        Ok(Answer::Payment(PaymentAnswer::Bounced { reason, .. })) => reason.name().to_owned(),
        Ok(Answer::Payment(PaymentAnswer::Known)) => "known".to_owned(),
        Ok(other) => panic!("{other:?}"),
        Err(refusal) => refusal.code().to_owned(),
    }
}

fn free(shop: &Shop, sku: SkuId) -> (u32, u32) {
    let known = shop.world.sku(sku).unwrap();
    (known.free, known.own)
}

fn ticks(shop: &mut Shop) {
    while let Some((_, due)) = shop.world.due_timer(shop.clock) {
        shop.must(Command::Tick(due));
    }
}

/// A member with so many coins: the only one who loses a group of his own.
fn with_coins(shop: &mut Shop, coins: i64) -> MemberId {
    let mut offer = campaign(1_000, 2, 1, 0);
    offer.rewards = vec![consolation(0, coins)];
    let id = shop.publish(offer);
    let members = shop.members(2);
    let group = shop.fill(id, &members);
    let settled = shop.settle(group);
    shop.refund_all();
    settled.refunded()[0].1.member
}

/// Every kind of event of the shop, for the stored bytes.
pub(crate) fn every_kind() -> Vec<Record> {
    let mut shop = Shop::new();
    let member = with_coins(&mut shop, 2_500);
    let sku = list(&mut shop, terms(10_000, 6_000), 5);
    let changed = Box::new(terms(20_000, 6_000));
    for command in [
        ShopCommand::ChangeSku {
            sku,
            terms: changed,
        },
        ShopCommand::CloseSku { sku },
        ShopCommand::ReopenSku { sku },
        ShopCommand::AdjustStock { sku, by: -1 },
    ] {
        shop.must(Command::Shop(command));
    }
    let first = asked(&shop, member, sku, 1, 2, 2_000);
    let purchase = buy(&mut shop, first).unwrap();
    pay(&mut shop, purchase, "T1", 38_000);
    pay(&mut shop, purchase, "T2", 38_000);
    for command in [
        ShopCommand::ShipPurchase { purchase },
        ShopCommand::ReceivePurchase { purchase, member },
        ShopCommand::ReturnPurchase { purchase, member },
        ShopCommand::TakeBackPurchase { purchase },
    ] {
        shop.must(Command::Shop(command));
    }
    let second = asked(&shop, member, sku, 2, 1, 0);
    let purchase = buy(&mut shop, second).unwrap();
    shop.must(Command::Shop(ShopCommand::CancelPurchase {
        purchase,
        member,
    }));
    let third = asked(&shop, member, sku, 3, 1, 0);
    let purchase = buy(&mut shop, third).unwrap();
    pay(&mut shop, purchase, "T3", 20_000);
    shop.must(Command::Shop(ShopCommand::ShipPurchase { purchase }));
    shop.wait(30 * 86_400);
    ticks(&mut shop);
    let returned = return_one(&mut shop);
    shop.must(Command::Shop(ShopCommand::StockReturns {
        sku,
        campaign: returned,
        units: 1,
    }));
    shop.refund_all();
    shop.check();
    shop.records
}

/// Two buy in a group, and one returns what he got.
fn return_one(shop: &mut Shop) -> CampaignId {
    let mut offer = campaign(10_000, 2, 2, 2_000);
    offer.kind = Kind::EveryoneBuys;
    let id = shop.publish(offer);
    let buyers = shop.members(2);
    let group = shop.open(id, buyers[0]);
    shop.seat(group, buyers[1]);
    let (order, member) = (0..u64::MAX)
        .map(OrderId)
        .find_map(|id| {
            Some((
                id,
                shop.world.order(id).filter(|o| o.group == group)?.member,
            ))
        })
        .unwrap();
    shop.must(Command::ShipOrder { order });
    shop.must(Command::ReceiveOrder { order, member });
    shop.must(Command::ReturnOrder { order, member });
    shop.must(Command::TakeBackOrder { order });
    id
}

#[test]
fn what_is_refused_and_in_which_order() {
    let mut shop = Shop::new();
    let member = with_coins(&mut shop, 600);
    let frozen = shop.member(None);
    shop.must(Command::FreezeMember { member: frozen });
    let sku = list(&mut shop, terms(10_000, 6_000), 3);
    let closed = list(&mut shop, terms(10_000, 6_000), 3);
    shop.must(Command::Shop(ShopCommand::CloseSku { sku: closed }));
    let (nobody, nothing) = (MemberId(99), SkuId(99));
    let mut token = 0;
    let mut check = |who: MemberId, what: SkuId, units: u32, coins: i64, price: i64, told: &str| {
        token += 1;
        let mut asked = asked(&shop, who, what, token, units, coins);
        asked.price = Money(price);
        let answer = match buy(&mut shop, asked) {
            Ok(_) => "reserved".to_owned(),
            Err(refusal) => refusal.code().to_owned(),
        };
        assert_eq!(answer, told);
    };
    //    who     what     units coins   price   outcome
    check(nobody, nothing, 0, -1, 0, "member_unknown");
    check(frozen, nothing, 0, -1, 0, "member_frozen");
    check(member, nothing, 0, -1, 0, "sku_unknown");
    check(member, closed, 0, -1, 0, "not_on_sale");
    check(member, sku, 0, -1, 9_999, "price_changed");
    check(member, sku, 0, -1, 10_000, "units_invalid");
    check(member, sku, MAX_UNITS + 1, -1, 10_000, "units_invalid");
    check(member, sku, 4, -1, 10_000, "out_of_stock");
    check(member, sku, 1, -1, 10_000, "coins_over_limit");
    check(member, sku, 1, 1_001, 10_000, "coins_over_limit");
    check(member, sku, 1, 601, 10_000, "coins_short");
    check(member, sku, 1, 400, 10_000, "reserved");
    // 400 of his 600 coins are held.
    check(member, sku, 1, 201, 10_000, "coins_short");
    check(member, sku, 1, 200, 10_000, "reserved");
    check(member, sku, 1, 0, 10_000, "reserved");
    check(member, sku, 1, 0, 10_000, "out_of_stock");
    shop.check();
}

#[test]
fn terms_and_stock_are_checked() {
    let mut shop = Shop::new();
    let mut check = |change: &dyn Fn(&mut SkuTerms), told: &str| {
        let mut bad = terms(10_000, 6_000);
        change(&mut bad);
        let command = ShopCommand::ListSku {
            token: [7; 16],
            product: [9; 16],
            terms: Box::new(bad),
        };
        let answer = shop.try_do(Command::Shop(command));
        assert_eq!(answer.unwrap_err().code(), told);
    };
    check(&|terms| terms.title.zh.clear(), "sku_invalid");
    check(&|terms| terms.title.en = "x".repeat(401), "sku_invalid");
    check(
        &|terms| terms.title.zh = "稳 赚茶".to_owned(),
        "promise_forbidden",
    );
    check(&|terms| terms.price = Money(0), "sku_invalid");
    check(
        &|terms| terms.price = Money(MAX_AMOUNT_FEN + 1),
        "sku_invalid",
    );
    check(&|terms| terms.cost = Money(-1), "sku_invalid");
    check(
        &|terms| terms.coin_offset = Rate(RATE_ONE_PPM),
        "sku_invalid",
    );
    check(
        &|terms| terms.fulfilment = Fulfilment::AtTable,
        "sku_invalid",
    );

    let sku = list(&mut shop, terms(10_000, 6_000), 3);
    let mut adjust = |by: i32| {
        let command = Command::Shop(ShopCommand::AdjustStock { sku, by });
        shop.try_do(command).map_err(|refusal| refusal.code())
    };
    assert_eq!(adjust(0), Err("units_invalid"));
    assert_eq!(adjust(i32::MAX), Err("units_invalid"));
    assert_eq!(adjust(-4), Err("out_of_stock"));
    assert_eq!(adjust(i32::MIN), Err("out_of_stock"));
    assert_eq!(adjust(-3), Ok(Answer::Done));
    assert_eq!(free(&shop, sku), (0, 0));
    // Listed again under the same token it is the same; nothing happens twice.
    let again = ShopCommand::ListSku {
        token: [0; 16],
        product: [9; 16],
        terms: Box::new(terms(1, 1)),
    };
    assert_eq!(shop.must(Command::Shop(again)), Answer::Sku(sku));
    shop.check();
}

#[test]
fn the_last_unit_is_sold_once_to_two_thousand() {
    let mut shop = Shop::new();
    let members = shop.members(2_000);
    let sku = list(&mut shop, terms(10_000, 6_000), 1);
    let mut told = std::collections::BTreeMap::new();
    for &member in &members {
        let asked = asked(&shop, member, sku, 1, 1, 0);
        let outcome = match buy(&mut shop, asked) {
            Ok(_) => "reserved",
            Err(refusal) => refusal.code(),
        };
        *told.entry(outcome).or_insert(0) += 1;
    }
    assert_eq!(told["reserved"], 1);
    assert_eq!(told["out_of_stock"], 1_999);
    // The first of them all lets it lapse: without a timer's tick the next buyer has it.
    shop.wait(PURCHASE_WINDOW.0 / 1000);
    let asked = asked(&shop, members[7], sku, 2, 1, 0);
    let purchase = buy(&mut shop, asked).unwrap();
    assert_eq!(pay(&mut shop, purchase, "T1", 10_000), "paid");
    assert_eq!(free(&shop, sku), (0, 0));
    shop.check();
}

#[test]
fn a_purchase_goes_its_whole_way_and_its_money_is_counted() {
    let mut shop = Shop::new();
    let member = with_coins(&mut shop, 2_500);
    let sku = list(&mut shop, terms(10_000, 6_000), 5);
    let before = (shop.balance("channel"), shop.balance("sales"));
    let asked = asked(&shop, member, sku, 1, 2, 2_000);
    let purchase = buy(&mut shop, asked).unwrap();
    assert_eq!(shop.world.coins_free(member), Coins(500));
    assert_eq!(shop.world.member(member).unwrap().coins, Coins(2_500));
    // The same identity is the same purchase, for ever.
    assert_eq!(buy(&mut shop, asked), Ok(purchase));
    assert_eq!(pay(&mut shop, purchase, "T1", 18_000), "paid");
    assert_eq!(shop.world.member(member).unwrap().coins, Coins(500));
    assert_eq!(shop.balance("channel") - before.0, 18_000 - 108);
    assert_eq!(shop.balance("sales") - before.1, -18_000);
    assert_eq!(shop.balance("cost-of-goods"), 12_000);
    assert_eq!(free(&shop, sku), (3, 0));
    let own = ShopCommand::ReceivePurchase { purchase, member };
    let early = shop.try_do(Command::Shop(own.clone())).unwrap_err();
    assert_eq!(early.code(), "purchase_state");
    shop.must(Command::Shop(ShopCommand::ShipPurchase { purchase }));
    let other = ShopCommand::ReceivePurchase {
        purchase,
        member: MemberId(0),
    };
    if member != MemberId(0) {
        let refused = shop.try_do(Command::Shop(other)).unwrap_err();
        assert_eq!(refused.code(), "purchase_not_yours");
    }
    shop.must(Command::Shop(own));
    shop.check();
    // Returned within the window: the money the way it came, the coins as new ones, the units as the platform's own.
    let back = ShopCommand::ReturnPurchase { purchase, member };
    shop.must(Command::Shop(back));
    shop.must(Command::Shop(ShopCommand::TakeBackPurchase { purchase }));
    assert_eq!(shop.world.member(member).unwrap().coins, Coins(2_500));
    assert_eq!(free(&shop, sku), (5, 2));
    assert_eq!(shop.balance("cost-of-goods"), 12_000);
    shop.refund_all();
    assert_eq!(shop.balance("channel"), before.0);
    assert_eq!(buy(&mut shop, asked), Ok(purchase));
    // What came back is sold first and owed for once.
    let asked = Reservation {
        token: [5; 16],
        units: 3,
        coins: Coins(0),
        ..asked
    };
    let purchase = buy(&mut shop, asked).unwrap();
    assert_eq!(pay(&mut shop, purchase, "T2", 30_000), "paid");
    assert_eq!(shop.balance("cost-of-goods"), 18_000);
    assert_eq!(free(&shop, sku), (2, 0));
    shop.check();
}

#[test]
fn received_and_kept_by_itself() {
    let mut shop = Shop::new();
    let member = shop.member(None);
    let sku = list(&mut shop, terms(10_000, 6_000), 1);
    let asked = asked(&shop, member, sku, 1, 1, 0);
    let purchase = buy(&mut shop, asked).unwrap();
    assert_eq!(pay(&mut shop, purchase, "T1", 10_000), "paid");
    shop.must(Command::Shop(ShopCommand::ShipPurchase { purchase }));
    shop.wait(15 * 86_400 + 7 * 86_400 - 1);
    ticks(&mut shop);
    let known = shop.world.purchase(purchase).unwrap();
    assert!(matches!(known.state, PurchaseState::Received { .. }));
    shop.wait(1);
    let late = ShopCommand::ReturnPurchase { purchase, member };
    let late = shop.try_do(Command::Shop(late)).unwrap_err();
    assert_eq!(late.code(), "purchase_unknown");
    assert_eq!(shop.world.purchase(purchase), None);
    shop.check();
}

#[test]
fn money_that_cannot_pay_goes_back_in_full() {
    let mut shop = Shop::new();
    let member = shop.member(None);
    let sku = list(&mut shop, terms(10_000, 6_000), 2);
    let first = asked(&shop, member, sku, 1, 1, 0);
    let purchase = buy(&mut shop, first).unwrap();
    assert_eq!(pay(&mut shop, purchase, "T1", 9_999), "amount_differs");
    assert_eq!(pay(&mut shop, purchase, "T1", 9_999), "known");
    assert_eq!(pay(&mut shop, purchase, "T2", 10_000), "paid");
    assert_eq!(pay(&mut shop, purchase, "T2", 10_000), "known");
    assert_eq!(pay(&mut shop, purchase, "T3", 10_000), "second_payment");
    // Another reservation lapses, and its money comes too late: the caller sends it back.
    let second = asked(&shop, member, sku, 2, 1, 0);
    let lapsed = buy(&mut shop, second).unwrap();
    assert_eq!(pay(&mut shop, lapsed, "T2", 10_000), "known");
    shop.wait(PURCHASE_WINDOW.0 / 1000);
    assert_eq!(pay(&mut shop, lapsed, "T4", 10_000), "purchase_unknown");
    let late = ShopCommand::BouncePurchase {
        member,
        txn: shop.txn("T4"),
        amount: Money(10_000),
    };
    for reason in [Some(Bounce::PurchaseOver), None] {
        let told = match shop.must(Command::Shop(late.clone())) {
            Answer::Payment(PaymentAnswer::Bounced { reason, .. }) => Some(reason),
            Answer::Payment(PaymentAnswer::Known) => None,
            other => panic!("{other:?}"),
        };
        assert_eq!(told, reason);
    }
    assert_eq!(shop.refund_all(), Money(9_999 + 10_000 + 10_000));
    assert_eq!(shop.balance("channel"), 10_000 - 60);
    assert_eq!(free(&shop, sku), (1, 0));
    shop.check();
}

#[test]
fn one_payment_is_a_seats_or_a_purchases() {
    let mut shop = Shop::new();
    let id = shop.publish(campaign(10_000, 3, 1, 0));
    let members = shop.members(3);
    let sku = list(&mut shop, terms(10_000, 6_000), 2);
    let group = shop.open(id, members[0]);
    let seat = PaymentId { group, index: 0 };
    let asked = asked(&shop, members[1], sku, 1, 1, 0);
    let purchase = buy(&mut shop, asked).unwrap();
    let name = format!("T{seat}");
    assert_eq!(
        pay(&mut shop, purchase, &name, 10_000),
        "payment_used_elsewhere"
    );
    let next = shop.join(group, members[1]).unwrap();
    assert_eq!(
        pay(&mut shop, purchase, &format!("T{next}"), 10_000),
        "paid"
    );
    let known = shop.pay_as(next, "", Money(10_000));
    assert_eq!(known, Ok(PaymentAnswer::Known));
    shop.check();
}

#[test]
fn coins_that_expire_while_they_are_held_are_gone() {
    let mut shop = Shop::new();
    shop.clock = Millis::of_date(2026, 11, 3).unwrap();
    let member = with_coins(&mut shop, 500);
    let sku = list(&mut shop, terms(10_000, 6_000), 1);
    shop.clock = Millis(Millis::of_date(2027, 12, 1).unwrap().0 - 60_000);
    ticks(&mut shop);
    let first = asked(&shop, member, sku, 1, 1, 500);
    let purchase = buy(&mut shop, first).unwrap();
    shop.wait(120);
    ticks(&mut shop);
    assert_eq!(shop.world.member(member).unwrap().coins, Coins(0));
    assert_eq!(pay(&mut shop, purchase, "T1", 9_500), "coins_gone");
    assert_eq!(shop.refund_all(), Money(9_500));
    // Given up, its unit is free; and expired coins are never used, also where nobody looked for them.
    let cancel = ShopCommand::CancelPurchase { purchase, member };
    shop.must(Command::Shop(cancel));
    assert_eq!(free(&shop, sku), (1, 0));
    shop.check();
    let other = with_coins(&mut shop, 500);
    shop.clock = Millis::of_date(2029, 1, 1).unwrap();
    let asked = asked(&shop, other, sku, 1, 1, 1);
    assert_eq!(buy(&mut shop, asked).unwrap_err().code(), "coins_short");
    shop.check();
}

#[test]
fn a_winners_returned_unit_is_stock_and_costs_nothing_again() {
    let mut shop = Shop::new();
    let id = return_one(&mut shop);
    let member = shop.member(None);
    assert_eq!(shop.world.returned_units().collect::<Vec<_>>(), [(id, 1)]);
    let sku = list(&mut shop, terms(10_000, 6_000), 0);
    let stock = |units| {
        Command::Shop(ShopCommand::StockReturns {
            sku,
            campaign: id,
            units,
        })
    };
    let refused = shop.try_do(stock(2)).unwrap_err();
    assert_eq!(refused.code(), "returns_used_up");
    shop.must(stock(1));
    assert_eq!(shop.world.returned_units().count(), 0);
    let cost = shop.balance("cost-of-goods");
    let asked = asked(&shop, member, sku, 1, 1, 0);
    let purchase = buy(&mut shop, asked).unwrap();
    assert_eq!(pay(&mut shop, purchase, "T1", 10_000), "paid");
    assert_eq!(shop.balance("cost-of-goods"), cost);
    shop.check();
}

#[derive(Clone, Debug)]
enum Step {
    Buy(u8, u8, u32, i64),
    Pay(u8, bool),
    Cancel(u8),
    Ship(u8),
    Receive(u8),
    Return(u8),
    TakeBack(u8),
    Stock(u8, i32),
    Wait(i64),
    Tick,
}

fn step() -> impl Strategy<Value = Step> {
    let wait = prop_oneof![
        4 => 0i64..400,
        2 => 400i64..1_000,
        1 => Just(8 * 86_400),
        1 => Just(40 * 86_400),
    ];
    prop_oneof![
        6 => (any::<u8>(), any::<u8>(), 1u32..3, 0i64..120).prop_map(|(a, b, c, d)| Step::Buy(a, b, c, d)),
        6 => (any::<u8>(), prop::bool::weighted(0.85)).prop_map(|(a, b)| Step::Pay(a, b)),
        1 => any::<u8>().prop_map(Step::Cancel),
        4 => any::<u8>().prop_map(Step::Ship),
        3 => any::<u8>().prop_map(Step::Receive),
        2 => any::<u8>().prop_map(Step::Return),
        2 => any::<u8>().prop_map(Step::TakeBack),
        2 => (any::<u8>(), -3i32..6).prop_map(|(a, b)| Step::Stock(a, b)),
        3 => wait.prop_map(Step::Wait),
        2 => Just(Step::Tick),
    ]
}

struct Market {
    shop: Shop,
    members: Vec<MemberId>,
    paid: u32,
}

impl Market {
    fn new() -> Market {
        let mut shop = Shop::new();
        let first = with_coins(&mut shop, 3_000);
        let second = with_coins(&mut shop, 1_500);
        let members = vec![first, second, shop.member(None)];
        list(&mut shop, terms(1_000, 600), 3);
        list(&mut shop, terms(333, 200), 2);
        Market {
            shop,
            members,
            paid: 0,
        }
    }

    fn open(&self, number: u8) -> Option<(PurchaseId, MemberId)> {
        let open: Vec<_> = self.shop.world.open_purchases().collect();
        let (id, of) = open.get(usize::from(number) % open.len().max(1))?;
        Some((*id, of.member))
    }

    fn run(&mut self, step: &Step, token: u16) {
        let command = match *step {
            Step::Buy(who, what, units, coins) => {
                let member = self.members[usize::from(who) % 3];
                let sku = SkuId(u32::from(what % 2));
                ShopCommand::Buy(asked(&self.shop, member, sku, token, units, coins))
            }
            Step::Pay(which, right) => {
                let Some((purchase, _)) = self.open(which) else {
                    return;
                };
                self.paid += 1;
                let cash = self.shop.world.purchase(purchase).unwrap().cash();
                ShopCommand::PayPurchase {
                    purchase,
                    txn: self.shop.txn(&format!("T{}", self.paid)),
                    amount: if right { cash } else { Money(1) },
                }
            }
            Step::Stock(what, by) => ShopCommand::AdjustStock {
                sku: SkuId(u32::from(what % 2)),
                by,
            },
            Step::Wait(seconds) => return self.shop.wait(seconds),
            Step::Tick => return ticks(&mut self.shop),
            Step::Cancel(which)
            | Step::Ship(which)
            | Step::Receive(which)
            | Step::Return(which)
            | Step::TakeBack(which) => {
                let Some((purchase, member)) = self.open(which) else {
                    return;
                };
                match step {
                    Step::Cancel(_) => ShopCommand::CancelPurchase { purchase, member },
                    Step::Ship(_) => ShopCommand::ShipPurchase { purchase },
                    Step::Receive(_) => ShopCommand::ReceivePurchase { purchase, member },
                    Step::Return(_) => ShopCommand::ReturnPurchase { purchase, member },
                    _ => ShopCommand::TakeBackPurchase { purchase },
                }
            }
        };
        let before = (self.shop.records.len(), self.shop.world.to_snapshot());
        if self.shop.try_do(Command::Shop(command)).is_err() && before.0 == self.shop.records.len()
        {
            assert!(before.1 == self.shop.world.to_snapshot(), "{step:?}");
        }
    }

    /// Units that came, less those that went, are where the world has them.
    fn check_units(&self) {
        let mut stock = [0i64; 2];
        let mut at = std::collections::BTreeMap::new();
        for event in self.shop.records.iter().flat_map(|record| &record.events) {
            let Event::Shop(event) = event else { continue };
            match event {
                ShopEvent::StockAdjusted { sku, by, .. } => {
                    stock[usize::try_from(sku.0).unwrap()] += i64::from(*by);
                }
                ShopEvent::PurchaseReserved { purchase, of } => {
                    at.insert(*purchase, (of.sku, i64::from(of.units)));
                    stock[usize::try_from(of.sku.0).unwrap()] -= i64::from(of.units);
                }
                ShopEvent::PurchaseLapsed { purchase }
                | ShopEvent::PurchaseReturned { purchase, .. } => {
                    let (sku, units) = at.remove(purchase).expect("ends once");
                    stock[usize::try_from(sku.0).unwrap()] += units;
                }
                _ => {}
            }
            assert!(stock.iter().all(|&units| 0 <= units), "sold twice");
        }
        for sku in self.shop.world.skus(None, 9) {
            let told = stock[usize::try_from(sku.id.0).unwrap()];
            assert_eq!(i64::from(sku.free), told);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]

    /// No unit is sold twice, and a world cut off after any record goes on as the one that was not.
    #[test]
    fn purchases_keep_every_invariant_wherever_they_are_cut(
        steps in prop::collection::vec(step(), 5..80),
        cut in 0usize..80,
    ) {
        let mut market = Market::new();
        for (token, step) in (0u16..).zip(&steps) {
            if usize::from(token) == cut {
                // As after a crash: everything from the bytes of a snapshot.
                let bytes = market.shop.world.to_snapshot();
                market.shop.world = World::from_snapshot(&bytes).unwrap();
            }
            market.run(step, token);
        }
        market.shop.check();
        market.check_units();
        market.shop.refund_all();
        market.shop.check();
    }
}

/// Random steps are worth what they reach.
#[test]
fn random_purchases_reach_everything() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..60 {
        let steps = prop::collection::vec(step(), 40..80);
        let steps = steps.new_tree(&mut runner).unwrap().current();
        let mut market = Market::new();
        for (token, step) in (0u16..).zip(&steps) {
            market.run(step, token);
        }
        for event in market.shop.records.iter().flat_map(|record| &record.events) {
            match event {
                Event::Shop(event) => seen.insert(event.name()),
                Event::PaymentBounced { reason, .. } => seen.insert(reason.name()),
                _ => false,
            };
        }
    }
    for name in ShopEvent::NAMES {
        let by_hand = [
            "sku_changed",
            "sku_closed",
            "sku_reopened",
            "returns_stocked",
        ];
        assert!(
            seen.contains(name) || by_hand.contains(&name),
            "{name}: {seen:?}"
        );
    }
    assert!(
        seen.contains("amount_differs") && seen.contains("second_payment"),
        "{seen:?}"
    );
}
