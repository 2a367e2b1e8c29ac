//! Home stores: the first one, as long as its lock lasts, and what it gets elsewhere (rules 3.5, 7 and 10.5).

use domain::*;

use crate::{
    ballots::{ballot, drawn},
    counter_cash::at_platform,
    counters::at_store,
    purchases::{asked, bought, buy, fetched, list, pay, redeem, terms as goods},
    shop::{Shop, campaign},
    standing::DAY_S,
    tables::{Diner, template},
};

fn binding() -> Contract {
    Contract {
        lock_days: Some(30),
        origin_share: Some(Rate(100_000)),
        ..at_store()
    }
}

/// Everything that can happen to a home store, and to what it gets.
pub(crate) fn every_kind(shop: &mut Shop) {
    let (home, members) = (shop.admit(binding()), shop.members(2));
    let store = shop.open_store(home);
    for member in &members {
        shop.bind(*member, store).unwrap();
    }
    let orders = shop.bought(None, &members);
    shop.given_back(orders[0]);
    shop.kept(orders[1]);
    shop.buy_goods(members[1], 1);
    shop.end(members[0]).unwrap();
}

/// Shares that wait, one that goes back, and those that are payable in the end, whoever took the cash.
pub(crate) fn at_counters() -> Vec<Record> {
    let mut shop = Shop::new();
    let (home, other) = (shop.admit(binding()), shop.admit(at_store()));
    let (store, elsewhere) = (shop.open_store(home), shop.open_store(other));
    let member = shop.member(None);
    shop.bind(member, store).unwrap();
    let [gone, _] = [10_000, 20_000].map(|bill| shop.pay_bill(elsewhere, member, bill));
    shop.undo(gone.counter, other, None).unwrap();
    let contract = at_platform();
    let merchant = other;
    shop.alliance(AllianceCommand::SignContract { merchant, contract })
        .unwrap();
    let claim = Some(shop.claim(member));
    let counter = shop.pay_at(elsewhere, (5_000, None), claim).unwrap();
    let (txn, amount) = (shop.txn("bill"), Money(5_000));
    shop.alliance(AllianceCommand::PayCounter {
        counter,
        txn,
        amount,
    })
    .unwrap();
    for drawn in shop.month_over() {
        shop.confirm(drawn.statement).unwrap();
    }
    shop.wait(31 * DAY_S);
    shop.month_over();
    shop.check();
    shop.records
}

/// The first two members have home stores of two merchants, who sell nothing themselves.
pub(crate) fn bind_some(shop: &mut Shop) {
    for member in [0, 1].map(MemberId) {
        let merchant = shop.admit(Contract {
            lock_days: Some(MAX_LOCK_DAYS),
            ..binding()
        });
        let store = shop.open_store(merchant);
        shop.bind(member, store).unwrap();
    }
}

impl Shop {
    fn bind(&mut self, member: MemberId, store: StoreId) -> Result<Answer, Refusal> {
        self.alliance(AllianceCommand::BindHome { member, store })
    }

    fn end(&mut self, member: MemberId) -> Result<Answer, Refusal> {
        self.alliance(AllianceCommand::EndHome { member })
    }

    /// Both buy for 100.00, of the platform at a cost of 40.00, or of a merchant at 10 %; a twentieth of the take is the home
    /// store's.
    fn bought(&mut self, of: Option<MerchantId>, members: &[MemberId]) -> [OrderId; 2] {
        let mut terms = campaign(10_000, 2, 2, 4_000);
        terms.kind = Kind::EveryoneBuys;
        terms.origin_share = Some(Rate(50_000));
        let id = match of {
            None => self.publish(terms),
            Some(merchant) => {
                terms.merchant = Some(MerchantTerms {
                    commission: Rate(100_000),
                });
                self.publish_for(merchant, terms).unwrap()
            }
        };
        let group = self.open(id, members[0]);
        self.seat(group, members[1]);
        let open = (0..1_000).map(OrderId);
        let mut open: Vec<_> = open
            .filter(|order| self.world.order(*order).is_some())
            .collect();
        let last = open.split_off(open.len() - 2);
        for &order in &last {
            self.must(Command::ShipOrder { order });
            let member = self.world.order(order).unwrap().member;
            self.must(Command::ReceiveOrder { order, member });
        }
        last.try_into().unwrap()
    }

    fn given_back(&mut self, order: OrderId) {
        let member = self.world.order(order).unwrap().member;
        self.must(Command::ReturnOrder { order, member });
        self.must(Command::TakeBackOrder { order });
    }

    fn kept(&mut self, order: OrderId) {
        self.wait(8 * DAY_S);
        self.must(Command::Tick(Due::Order(order)));
    }

    /// Goods of 100.00 at a cost of 60.00, kept.
    fn buy_goods(&mut self, member: MemberId, units: u32) {
        let sku = list(self, goods(10_000, 6_000), 5);
        self.keep_goods(member, sku, units);
    }

    fn keep_goods(&mut self, member: MemberId, sku: SkuId, units: u32) -> PurchaseId {
        let purchase = self.send_goods(member, sku, units);
        self.wait(8 * DAY_S);
        self.must(Command::Tick(Due::Purchase(purchase)));
        purchase
    }

    fn send_goods(&mut self, member: MemberId, sku: SkuId, units: u32) -> PurchaseId {
        let number = self.world.purchases();
        let first = asked(self, member, sku, u16::try_from(number).unwrap(), units, 0);
        let purchase = buy(self, first).unwrap();
        let price = self.world.sku(sku).unwrap().terms.price.0;
        pay(
            self,
            purchase,
            &format!("G{number}"),
            price * i64::from(units),
        );
        self.must(Command::Shop(ShopCommand::ShipPurchase { purchase }));
        self.must(Command::Shop(ShopCommand::ReceivePurchase {
            purchase,
            member,
        }));
        purchase
    }

    fn home_money(&self, merchant: MerchantId) -> (i64, i64, i64) {
        let (payable, vesting, owes) = self.world.merchant_money(merchant);
        (payable.0, vesting.0, owes.0)
    }
}

#[track_caller]
fn refused(outcome: Result<impl std::fmt::Debug, Refusal>, code: &str) {
    assert_eq!(outcome.unwrap_err().code(), code);
}

#[test]
fn the_first_store_is_his_once_in_his_life() {
    let mut shop = Shop::new();
    let (merchant, shut) = (shop.admit(binding()), shop.admit(at_store()));
    let [store, second, closed] = [merchant, merchant, shut].map(|id| shop.open_store(id));
    let member = shop.member(None);
    refused(shop.bind(MemberId(9), store), "member_unknown");
    refused(shop.bind(member, StoreId(9)), "store_unknown");
    refused(shop.bind(member, closed), "home_store_closed");
    let suspend = AllianceCommand::SuspendMerchant { merchant };
    shop.alliance(suspend).unwrap();
    refused(shop.bind(member, store), "merchant_suspended");
    let reinstate = AllianceCommand::ReinstateMerchant { merchant };
    shop.alliance(reinstate).unwrap();
    shop.bind(member, store).unwrap();
    let until = shop.clock.after(Duration(30 * DAY_MS));
    assert_eq!(shop.world.home(member), Some(Home { store, until }));
    assert_eq!(shop.bind(member, store), Ok(Answer::Done));
    refused(shop.bind(member, second), "home_store_bound");
    shop.end(member).unwrap();
    assert_eq!(shop.end(member), Ok(Answer::Done));
    for again in [store, second] {
        refused(shop.bind(member, again), "home_store_bound");
    }
    // Nobody binds another.
    let other = shop.member(None);
    let request = Request {
        actor: Actor::Member(member),
        key: None,
        command: Command::Alliance(AllianceCommand::BindHome {
            member: other,
            store,
        }),
    };
    refused(shop.request(&request), "not_yourself");
    shop.check();
    let again = World::from_snapshot(&shop.world.to_snapshot()).unwrap();
    assert_eq!(again.home(member), shop.world.home(member));
}

/// The profile binds contracts and what they give outside campaigns, whatever was signed before it was adopted (rules 11).
#[test]
fn no_contract_and_no_purchase_shares_where_the_profile_allows_no_shares() {
    let mut shop = Shop::new();
    let home = shop.admit(binding());
    let store = shop.open_store(home);
    let member = shop.member(None);
    shop.bind(member, store).unwrap();
    let sku = list(&mut shop, goods(10_000, 6_000), 9);
    shop.keep_goods(member, sku, 1);
    // A tenth of the 40.00 that are no cost.
    assert_eq!(shop.home_money(home), (400, 0, 0));
    let mut strict = crate::profiles::own_profile();
    strict.terms.programs = vec![ProgramKind::Consolation];
    shop.must(Command::AdoptProfile {
        profile: Box::new(Profile::Own(Box::new(strict))),
    });
    shop.keep_goods(member, sku, 1);
    assert_eq!(shop.home_money(home), (400, 0, 0));
    let sign = |contract| AllianceCommand::SignContract {
        merchant: home,
        contract,
    };
    let forbidden = |refused: Result<Answer, Refusal>| {
        let Err(Refusal::ProfileForbids { profile, limit }) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!((profile, limit), ("own", "origin_share"));
    };
    forbidden(shop.alliance(sign(binding())));
    let token = [9; 16];
    forbidden(shop.alliance(AllianceCommand::AdmitMerchant {
        token,
        contract: binding(),
    }));
    for none in [None, Some(Rate(0))] {
        let contract = Contract {
            origin_share: none,
            ..binding()
        };
        shop.alliance(sign(contract)).unwrap();
    }
    shop.check();
}

/// Of 100.00 at a cost of 40.00 the take is 60.00, and 3.00 of it the home store's; at a commission of 10 % it is 0.50.
#[test]
fn what_a_home_store_gets_of_a_group_waits_and_goes_back_with_the_product() {
    for (own, each) in [(true, 300), (false, 50)] {
        let mut shop = Shop::new();
        let (home, seller) = (shop.admit(binding()), shop.admit(at_store()));
        let store = shop.open_store(home);
        let members = shop.members(2);
        for member in &members {
            shop.bind(*member, store).unwrap();
        }
        let orders = shop.bought((!own).then_some(seller), &members);
        assert_eq!(shop.home_money(home), (0, 2 * each, 0));
        assert_eq!(shop.balance("origin-shares"), 2 * each);
        shop.check();
        shop.given_back(orders[0]);
        assert_eq!(shop.home_money(home), (0, each, 0));
        shop.check();
        shop.kept(orders[1]);
        assert_eq!(shop.home_money(home), (each, 0, 0));
        assert_eq!(shop.balance("origin-shares"), each);
        shop.check();
        // All of a group come back: nothing is left.
        let orders = shop.bought((!own).then_some(seller), &members);
        for order in orders {
            shop.given_back(order);
        }
        assert_eq!(shop.home_money(home), (each, 0, 0));
        shop.check();
    }
}

#[test]
fn nothing_where_the_lock_is_over_or_at_home() {
    let mut shop = Shop::new();
    let home = shop.admit(binding());
    let store = shop.open_store(home);
    let members = shop.members(2);
    shop.bind(members[0], store).unwrap();
    shop.bind(members[1], store).unwrap();
    // His own merchant's campaign.
    shop.bought(Some(home), &members);
    assert_eq!(shop.balance("origin-shares"), 0);
    shop.end(members[0]).unwrap();
    shop.bought(None, &members);
    assert_eq!(shop.balance("origin-shares"), 300);
    shop.wait(31 * DAY_S);
    shop.bought(None, &members);
    assert_eq!(shop.balance("origin-shares"), 300);
    shop.check();
}

/// A bill of 100.00 with 10.00 in coins: the take is 10.00, and 1.00 of it the home store's; nothing at the home store's own counter.
#[test]
fn what_a_home_store_gets_at_another_counter_and_gives_back() {
    let mut shop = Shop::new();
    let (home, other) = (shop.admit(binding()), shop.admit(at_store()));
    let (store, elsewhere) = (shop.open_store(home), shop.open_store(other));
    let member = shop.with_coins(5_000);
    shop.bind(member, store).unwrap();
    let paid = shop.pay_bill(elsewhere, member, 10_000);
    let share = HomeShare {
        store,
        merchant: home,
        amount: Money(100),
    };
    assert_eq!(paid.home, Some(share));
    assert_eq!(shop.home_money(home), (0, 100, 0));
    assert_eq!(shop.pay_bill(store, member, 10_000).home, None);
    shop.check();
    shop.undo(paid.counter, other, None).unwrap();
    assert_eq!(shop.home_money(home), (0, 0, 1_000));
    assert_eq!(shop.balance("origin-shares"), 0);
    shop.check();
}

/// Of 20.00 commission on a table's bill of 200.00 the winner's home store gets 1.00, payable at once: nothing comes back.
#[test]
fn what_a_home_store_gets_of_a_table_is_payable_at_once() {
    let mut terms = template();
    terms.origin_share = Some(Rate(50_000));
    let mut diner = Diner::new(terms);
    let home = diner.shop.admit(binding());
    let store = diner.shop.open_store(home);
    let guests = diner.shop.members(3);
    diner.shop.bind(guests[0], store).unwrap();
    diner.shop.bind(guests[1], store).unwrap();
    // At home: nothing is recorded with the seat.
    diner
        .shop
        .must(Command::Alliance(AllianceCommand::SignContract {
            merchant: diner.merchant,
            contract: Contract {
                commission: Some(Rate(100_000)),
                ..binding()
            },
        }));
    diner.shop.bind(guests[2], diner.store).unwrap();
    let mut expected = 0;
    for _ in 0..8 {
        let table = diner.open(20_000, 3);
        let group = diner.fill(&table, &guests);
        let settled = diner.shop.settle(group);
        if settled.buyers()[0].1.member != guests[2] {
            expected += 100;
        }
        assert_eq!(diner.shop.home_money(home), (expected, 0, 0));
        assert_eq!(diner.shop.balance("origin-shares"), expected);
        diner.shop.check();
    }
    assert!(0 < expected && expected < 800, "{expected}");
}

/// Of 40.00 that the platform earns on each buyer 2.00; who does not use his right buys nothing.
#[test]
fn what_a_home_store_gets_of_a_ballot_is_of_those_who_buy() {
    let mut shop = Shop::new();
    let home = shop.admit(binding());
    let store = shop.open_store(home);
    let mut terms = ballot(4, 2);
    terms.origin_share = Some(Rate(50_000));
    let id = shop.publish(terms);
    let members = shop.members(4);
    for &member in &members {
        shop.bind(member, store).unwrap();
    }
    let (_, order) = drawn(&mut shop, id, &members);
    for payment in &order[..2] {
        assert_eq!(shop.home_money(home), (0, 0, 0));
        shop.pay(*payment);
    }
    assert_eq!(shop.home_money(home), (0, 400, 0));
    for order in [0, 1].map(OrderId) {
        shop.must(Command::ShipOrder { order });
        let member = shop.world.order(order).unwrap().member;
        shop.must(Command::ReceiveOrder { order, member });
    }
    shop.given_back(OrderId(0));
    shop.kept(OrderId(1));
    assert_eq!(shop.home_money(home), (200, 0, 0));
    shop.check();
}

/// Goods of 100.00 that cost 60.00: a tenth of 40.00 when they are kept; what had come back costs once more.
#[test]
fn what_a_home_store_gets_of_goods_comes_when_they_are_kept() {
    let mut shop = Shop::new();
    let home = shop.admit(binding());
    let store = shop.open_store(home);
    let members = shop.members(3);
    shop.bind(members[0], store).unwrap();
    shop.bind(members[1], store).unwrap();
    let sku = list(&mut shop, goods(10_000, 6_000), 9);
    let back = shop.send_goods(members[0], sku, 2);
    assert_eq!(shop.home_money(home), (0, 0, 0));
    let member = members[0];
    for command in [
        ShopCommand::ReturnPurchase {
            purchase: back,
            member,
        },
        ShopCommand::TakeBackPurchase { purchase: back },
    ] {
        shop.must(Command::Shop(command));
    }
    shop.wait(8 * DAY_S);
    shop.tick();
    assert_eq!(shop.home_money(home), (0, 0, 0));
    // Two of the three had come back: they are paid for already, and are no cheaper for that.
    shop.keep_goods(members[0], sku, 3);
    assert_eq!(shop.home_money(home), (1_200, 0, 0));
    shop.keep_goods(members[2], sku, 1);
    shop.end(members[1]).unwrap();
    shop.keep_goods(members[1], sku, 1);
    assert_eq!(shop.home_money(home), (1_200, 0, 0));
    // What costs as much as it brings leaves nothing to share.
    let sku = list(&mut shop, goods(6_000, 6_000), 9);
    shop.keep_goods(members[0], sku, 1);
    assert_eq!(shop.home_money(home), (1_200, 0, 0));
    assert_eq!(shop.balance("origin-shares"), 1_200);
    shop.check();
}

#[test]
fn nothing_of_coins_is_shared_and_a_voucher_when_it_is_used() {
    let mut shop = Shop::new();
    let home = shop.admit(binding());
    let store = shop.open_store(home);
    let (sku, [at, _]) = fetched(&mut shop, Fulfilment::Voucher);
    let (purchase, member) = bought(&mut shop, sku, "V1");
    shop.bind(member, store).unwrap();
    let of = shop.world.purchase(purchase).unwrap().clone();
    let take = of.cash().0 - of.cost.0;
    assert!(0 < take, "{of:?}");
    redeem(&mut shop, Fetched::Purchase(purchase), at).unwrap();
    assert_eq!(shop.home_money(home), (take / 10, 0, 0));
    shop.check();
}

/// A cashier's typing moves no money: what the home store gets of it waits until the store has settled what it owes, and nobody
/// can take the bill back any more. Of cash that the platform took it waits for that only.
#[test]
fn what_the_store_took_is_shared_when_it_is_settled() {
    let mut shop = Shop::new();
    let home = shop.admit(Contract {
        lock_days: Some(365),
        ..binding()
    });
    let other = shop.admit(at_store());
    let (store, elsewhere) = (shop.open_store(home), shop.open_store(other));
    let member = shop.member(None);
    shop.bind(member, store).unwrap();
    let own = shop.world.books().own;
    // 200.00 of 1 000.00 are the platform's, 20.00 of them the home store's.
    let paid = shop.pay_bill(elsewhere, member, 100_000);
    assert!(paid.home_waits);
    assert_eq!(shop.home_money(home), (0, 2_000, 0));
    let draft = AllianceCommand::DraftStatement { merchant: home };
    refused(shop.alliance(draft.clone()), "statement_empty");
    shop.wait(31 * DAY_S);
    // He owes it still: his statement says so, and nothing is set off.
    let drawn = shop.month_over();
    assert_eq!((drawn.len(), drawn[0].carried), (1, Money(20_000)));
    shop.confirm(drawn[0].statement).unwrap();
    refused(shop.alliance(draft.clone()), "statement_empty");
    shop.check();
    // With 400.00 that the platform holds of his, 150.00 in this month and the rest in the next.
    let platform = AllianceCommand::SignContract {
        merchant: other,
        contract: at_platform(),
    };
    shop.alliance(platform).unwrap();
    // The first of these bills cannot be taken back any more when its month is over, the other's is February's.
    for (bill, set_off, left, waits) in [(18_750, 15_000, 5_000, 2_000), (31_250, 5_000, 0, 2_625)]
    {
        let before = shop.home_money(home);
        let claim = Some(shop.claim(member));
        let counter = shop.pay_at(elsewhere, (bill, None), claim).unwrap();
        let command = AllianceCommand::PayCounter {
            counter,
            txn: shop.txn(&format!("bill{bill}")),
            amount: Money(bill),
        };
        shop.alliance(command).unwrap();
        let share = bill / 50;
        assert_eq!(shop.home_money(home), (0, before.1 + share, 0));
        let drawn = shop.month_over();
        let his = drawn.iter().find(|drawn| drawn.merchant == other).unwrap();
        assert_eq!((his.set_off, his.carried), (Money(set_off), Money(left)));
        shop.check();
        assert_eq!(shop.home_money(home), (0, waits, 0));
        shop.confirm(his.statement).unwrap();
        if his.amount.is_positive() {
            shop.transfer(his.statement, "T1").unwrap();
        }
    }
    let bytes = shop.world.to_snapshot();
    shop.world = World::from_snapshot(&bytes).unwrap();
    shop.alliance(draft.clone()).unwrap();
    assert_eq!(shop.home_money(home), (0, 625, 0));
    refused(shop.alliance(draft), "statement_empty");
    assert_eq!(shop.balance("merchant-vesting"), -625);
    assert!(own < shop.world.books().own);
    shop.check();
}

/// Voided, nothing is left of it; and what stores may owe has an end.
#[test]
fn what_the_store_took_and_gave_back_is_shared_with_nobody() {
    let mut shop = Shop::new();
    let (home, other) = (shop.admit(binding()), shop.admit(at_store()));
    let (store, elsewhere) = (shop.open_store(home), shop.open_store(other));
    let member = shop.member(None);
    shop.bind(member, store).unwrap();
    let claim = Some(shop.claim(member));
    refused(
        shop.pay_at(elsewhere, (100_000_000, None), claim),
        "counter_owes_too_much",
    );
    // ρ is 20 %: 500 000.00 is the most.
    let most = MAX_COUNTER_OWED.0 * 5;
    let first = shop.pay_bill(elsewhere, member, most - 10);
    let second = shop.pay_bill(elsewhere, member, 10);
    assert_eq!(shop.home_money(other), (0, 0, MAX_COUNTER_OWED.0));
    let claim = Some(shop.claim(member));
    let refusal = shop.pay_at(elsewhere, (5, None), claim).unwrap_err();
    assert_eq!(
        refusal,
        AllianceRefusal::CounterOwesTooMuch { most: Money(0) }.into()
    );
    assert_eq!(shop.home_money(home).1, MAX_COUNTER_OWED.0 / 10 - 1);
    for paid in [first, second] {
        shop.undo(paid.counter, other, Some(elsewhere)).unwrap();
    }
    assert_eq!(shop.home_money(home), (0, 0, 0));
    assert_eq!(shop.home_money(other), (0, 0, 0));
    assert_eq!(shop.balance("origin-shares"), 0);
    shop.check();
}

/// H is stated and paid its share of a bill that S can still refund: it waits for S's thirty days, whoever has the cash.
#[test]
fn no_share_is_payable_while_its_bill_can_be_refunded() {
    for contract in [at_store(), at_platform()] {
        let mut shop = Shop::new();
        let (home, other) = (shop.admit(binding()), shop.admit(contract));
        let (store, elsewhere) = (shop.open_store(home), shop.open_store(other));
        let member = shop.member(None);
        shop.bind(member, store).unwrap();
        let claim = Some(shop.claim(member));
        let counter = shop.pay_at(elsewhere, (10_000, None), claim).unwrap();
        if contract.cash == CashTaker::Platform {
            let command = AllianceCommand::PayCounter {
                counter,
                txn: shop.txn("bill"),
                amount: Money(10_000),
            };
            shop.alliance(command).unwrap();
        }
        assert_eq!(shop.home_money(home), (0, 200, 0));
        shop.wait(30 * DAY_S - 1);
        let draft = AllianceCommand::DraftStatement { merchant: home };
        refused(shop.alliance(draft.clone()), "statement_empty");
        shop.check();
        let again = shop.world.to_snapshot();
        shop.undo(counter, other, None).unwrap();
        assert_eq!(shop.home_money(home), (0, 0, 0));
        assert_eq!(shop.balance("origin-shares"), 0);
        shop.check();
        // Or it stands: a moment later nobody refunds it any more.
        shop.records.pop();
        shop.world = World::from_snapshot(&again).unwrap();
        shop.wait(1);
        refused(shop.undo(counter, other, None), "counter_payment_unknown");
        match contract.cash {
            CashTaker::Platform => {
                shop.alliance(draft).unwrap();
                assert_eq!(shop.home_money(home), (0, 0, 0));
                assert_eq!(shop.world.merchant_stated(home), Money(200));
            }
            CashTaker::Store => refused(shop.alliance(draft), "statement_empty"),
        }
        shop.check();
    }
}

/// Before shares waited they were payable at once: taken back, they come from what is payable, and the rest is owed.
#[test]
fn a_share_that_an_earlier_version_gave_at_once_goes_back() {
    for stated in [false, true] {
        let mut shop = Shop::new();
        let (home, other) = (shop.admit(binding()), shop.admit(at_store()));
        let (store, elsewhere) = (shop.open_store(home), shop.open_store(other));
        let member = shop.member(None);
        shop.bind(member, store).unwrap();
        let paid = shop.pay_bill(elsewhere, member, 10_000);
        shop.world = World::default();
        for record in &mut shop.records {
            for event in &mut record.events {
                if let Event::Alliance(AllianceEvent::CounterPaid(paid)) = event {
                    paid.home_waits = false;
                }
            }
            shop.world.apply(record);
        }
        assert_eq!(shop.home_money(home), (200, 0, 0));
        if stated {
            shop.alliance(AllianceCommand::DraftStatement { merchant: home })
                .unwrap();
        }
        shop.undo(paid.counter, other, None).unwrap();
        let owes = if stated { 200 } else { 0 };
        assert_eq!(shop.home_money(home), (0, 0, owes));
        assert_eq!(shop.balance("origin-shares"), 0);
        shop.check();
    }
}

/// More shares than one record may tell of: the rest follow at once, and the statement with the last of them.
#[test]
fn ten_thousand_shares_become_payable_in_one_record() {
    let mut shop = Shop::new();
    // His own stores: nothing has to be settled first.
    let (merchant, other) = (shop.admit(binding()), shop.admit(at_store()));
    let (store, elsewhere) = (shop.open_store(merchant), shop.open_store(merchant));
    let late = shop.open_store(other);
    let member = shop.member(None);
    shop.bind(member, store).unwrap();
    let shares = i64::try_from(MAX_SHARES_VESTED).unwrap() + 1;
    for _ in 0..shares {
        shop.pay_bill(elsewhere, member, 50);
    }
    shop.pay_bill(late, member, 50);
    shop.wait(31 * DAY_S);
    let from = shop.records.len();
    let drawn = shop.month_over();
    let owed: Vec<_> = drawn
        .iter()
        .map(|drawn| (drawn.merchant, drawn.payable))
        .collect();
    assert_eq!(owed, [(merchant, Money(shares)), (other, Money(0))]);
    let told = shop.records[from..].iter().map(|record| {
        let events = record.events.iter();
        let told = events.map(|event| match event {
            Event::Alliance(AllianceEvent::CounterSharesVested(vested)) => {
                format!("{} shares", vested.counters.len())
            }
            Event::Alliance(AllianceEvent::PeriodClosed { more }) => format!("more: {more:?}"),
            Event::Alliance(other) => other.name().to_owned(),
            other => panic!("{other:?}"),
        });
        told.collect::<Vec<_>>().join(", ")
    });
    let told: Vec<String> = told.collect();
    let [first, second] = &told[..] else {
        panic!("{told:?}");
    };
    assert_eq!(first, "10000 shares, more: Some(MerchantId(0))");
    assert_eq!(
        second,
        "1 shares, statement_drafted, statement_drafted, more: None"
    );
    for record in &shop.records[from..] {
        assert!(minicbor::to_vec(record).unwrap().len() < 100_000);
    }
    assert_eq!(shop.world.violations(), Vec::<String>::new());
}
