//! Statements: what is drawn up when a month is over, and that it is paid once (rules 10.3).

use domain::*;

use crate::{
    alliance::contract,
    counters::at_store,
    shop::{Shop, campaign},
    standing::DAY_S,
};

/// What is drawn up, confirmed, paid, and cannot be voided any more, of every kind of statement.
pub(crate) fn every_kind(shop: &mut Shop) {
    let merchant = shop.admit(at_store());
    let store = shop.open_store(merchant);
    let member = shop.with_coins(5_000);
    sells(shop, merchant, 10_000);
    shop.pay_bill(store, member, 10_000);
    let drafted = shop.month_over();
    let draft = drafted.iter().find(|known| known.merchant == merchant);
    let draft = draft.unwrap();
    shop.confirm(draft.statement).unwrap();
    let paid = shop.transfer(draft.statement, "ICBC-2026/1");
    paid.unwrap();
}

/// One product of a merchant's at this price is sold, received and kept, and he is due 90 % of it.
pub(crate) fn sells(shop: &mut Shop, merchant: MerchantId, price: i64) {
    let mut terms = campaign(price, 2, 1, 0);
    terms.merchant = Some(MerchantTerms {
        commission: Rate(100_000),
    });
    let id = shop.publish_for(merchant, terms).unwrap();
    let members = shop.members(2);
    let events = shop.records.iter().flat_map(|record| &record.events);
    let orders = events.map(|event| match event {
        Event::GroupSettled(settled) => settled.buyers().len(),
        _ => 0,
    });
    let first = u64::try_from(orders.sum::<usize>()).unwrap();
    let group = shop.fill(id, &members);
    shop.settle(group);
    let order = OrderId(first);
    shop.must(Command::ShipOrder { order });
    let member = shop.world.order(order).unwrap().member;
    shop.must(Command::ReceiveOrder { order, member });
    shop.wait(8 * DAY_S);
    shop.must(Command::Tick(Due::Order(order)));
}

/// Each statement is what the ledger's lines of its merchant's accounts since the one before add up to.
pub(crate) fn check_lines(records: &[Record]) {
    use std::collections::BTreeMap;
    // By merchant: payable, owed and stated, since the statement before, and what was carried over by it.
    let mut since = BTreeMap::<MerchantId, [i64; 3]>::new();
    let mut carried = BTreeMap::<MerchantId, i64>::new();
    for event in records.iter().flat_map(|record| &record.events) {
        lines(event, &mut |line| {
            if let Account::Merchant(account, merchant) = line.account {
                let sums = since.entry(merchant).or_default();
                match account {
                    MerchantAccount::Payable => sums[0] -= line.amount,
                    MerchantAccount::Owes => sums[1] += line.amount,
                    MerchantAccount::Stated => sums[2] -= line.amount,
                    MerchantAccount::Vesting => {}
                }
            }
        })
        .unwrap();
        if let Event::Alliance(AllianceEvent::StatementPaid(paid)) = event {
            since.get_mut(&paid.merchant).unwrap()[2] += paid.amount.0;
        }
        if let Event::Alliance(AllianceEvent::StatementWithdrawn(draft)) = event {
            since.get_mut(&draft.merchant).unwrap()[2] += draft.amount.0;
        }
        if let Event::Alliance(AllianceEvent::StatementDrafted(drafted)) = event {
            let before = carried.insert(drafted.merchant, drafted.carried.0);
            let told = [0, drafted.carried.0 - before.unwrap_or(0), drafted.amount.0];
            assert_eq!(since.remove(&drafted.merchant), Some(told));
            let sum = drafted.set_off.0 + drafted.amount.0;
            assert_eq!(drafted.payable.0, sum);
        }
    }
}

impl Shop {
    /// The next month of Shanghai begins: what is drawn up.
    pub(crate) fn month_over(&mut self) -> Vec<StatementDrafted> {
        let begins = self.clock.month().plus(1).begins();
        self.clock = begins;
        self.look()
    }

    fn look(&mut self) -> Vec<StatementDrafted> {
        let from = self.records.len();
        while let Some((_, due)) = self.world.due_timer(self.clock) {
            self.must(Command::Tick(due));
        }
        let new = self.records[from..]
            .iter()
            .flat_map(|record| &record.events);
        let drafted = new.filter_map(|event| match event {
            Event::Alliance(AllianceEvent::StatementDrafted(drafted)) => Some(*drafted),
            _ => None,
        });
        drafted.collect()
    }

    pub(crate) fn confirm(&mut self, statement: StatementId) -> Result<Answer, Refusal> {
        self.alliance(AllianceCommand::ConfirmStatement { statement })
    }

    pub(crate) fn transfer(
        &mut self,
        statement: StatementId,
        reference: &str,
    ) -> Result<Answer, Refusal> {
        let on = Millis::start_of_day(self.clock.shanghai_day());
        self.transfer_on(statement, reference, on)
    }

    fn transfer_on(
        &mut self,
        statement: StatementId,
        reference: &str,
        on: Millis,
    ) -> Result<Answer, Refusal> {
        let transfer = Transfer {
            reference: reference.to_owned(),
            on,
        };
        self.alliance(AllianceCommand::PayStatement {
            statement,
            transfer,
        })
    }

    /// Payable, owed, in statements.
    fn due_to(&self, merchant: MerchantId) -> (i64, i64, i64) {
        let (payable, _, owes) = self.world.merchant_money(merchant);
        (payable.0, owes.0, self.world.merchant_stated(merchant).0)
    }
}

#[track_caller]
fn refused(outcome: Result<impl std::fmt::Debug, Refusal>, code: &str) {
    assert_eq!(outcome.unwrap_err().code(), code);
}

/// Payable, owed and carried over from before; then what the statement says: set off, to be paid, carried over.
#[test]
fn what_is_owed_is_set_off_and_the_rest_carried_over() {
    //      sold    fee                set off  paid   carried
    for (sold, fee, set_off, amount, carried) in [
        (10_000, 0, 0, 9_000, 0),
        (10_000, 2_000, 2_000, 7_000, 0),
        (10_000, 9_000, 9_000, 0, 0),
        (10_000, 12_000, 9_000, 0, 3_000),
        (0, 500, 0, 0, 500),
    ] {
        let mut shop = Shop::new();
        let merchant = shop.admit(Contract {
            entry_fee: Money(fee),
            ..contract()
        });
        if 0 < sold {
            sells(&mut shop, merchant, sold);
        }
        let held = shop.balance("bank");
        let drafted = shop.month_over();
        let expected = StatementDrafted {
            statement: StatementId(0),
            merchant,
            number: 1,
            payable: Money(sold / 10 * 9),
            set_off: Money(set_off),
            amount: Money(amount),
            carried: Money(carried),
        };
        assert_eq!(drafted, [expected]);
        assert_eq!(shop.due_to(merchant), (0, carried, amount));
        shop.check();
        refused(shop.transfer(StatementId(0), "a"), "statement_state");
        shop.confirm(StatementId(0)).unwrap();
        refused(shop.confirm(StatementId(0)), "statement_state");
        shop.check();
        if 0 < amount {
            shop.transfer(StatementId(0), "a").unwrap();
        }
        // Where nothing is to be paid there is nothing left to do.
        refused(shop.transfer(StatementId(0), "a"), "statement_state");
        assert_eq!(shop.due_to(merchant), (0, carried, 0));
        assert_eq!(shop.balance("bank"), held - amount);
        // What is carried over makes no statement by itself.
        assert_eq!(shop.month_over(), []);
        shop.check();
    }
}

#[test]
fn a_month_with_nothing_in_it_is_left_out_and_the_next_goes_on_where_it_ended() {
    let mut shop = Shop::new();
    let merchant = shop.admit(at_store());
    let idle = shop.admit(at_store());
    let store = shop.open_store(merchant);
    assert_eq!(shop.month_over(), []);
    assert_eq!(shop.world.next_timer(), None);
    shop.wait(10 * DAY_S);
    let member = shop.with_coins(5_000);
    let first = shop.pay_bill(store, member, 10_000);
    let take = first.take().unwrap().0;
    let drafted = shop.month_over();
    assert_eq!((drafted.len(), drafted[0].carried), (1, Money(take)));
    // It is of the closed month: refunded, not voided, and what is owed is owed no longer.
    refused(
        shop.undo(first.counter, merchant, Some(store)),
        "counter_void_late",
    );
    shop.undo(first.counter, merchant, None).unwrap();
    assert_eq!(shop.due_to(merchant), (0, 0, 0));
    shop.wait(20 * DAY_S);
    // A refund of what was set off already is due to him.
    let second = shop.pay_bill(store, member, 10_000);
    sells(&mut shop, merchant, 10_000);
    let drafted = shop.month_over();
    assert_eq!(drafted[0].number, 2);
    assert_eq!(drafted[0].set_off, second.take().unwrap());
    shop.undo(second.counter, merchant, None).unwrap();
    assert_eq!(shop.due_to(merchant).0, second.take().unwrap().0);
    shop.check();
    let [third] = shop.month_over()[..] else {
        panic!("one")
    };
    assert_eq!((third.number, third.amount), (3, second.take().unwrap()));
    assert_eq!(shop.due_to(idle), (0, 0, 0));
    shop.check();
}

#[test]
fn a_payment_that_a_statement_tells_of_is_not_voided_also_on_the_same_day() {
    let mut shop = Shop::new();
    let merchant = shop.admit(at_store());
    let store = shop.open_store(merchant);
    let member = shop.with_coins(5_000);
    let told = shop.pay_bill(store, member, 1_000).counter;
    let draft = AllianceCommand::DraftStatement { merchant };
    shop.alliance(draft.clone()).unwrap();
    refused(shop.alliance(draft.clone()), "statement_empty");
    refused(
        shop.alliance(AllianceCommand::DraftStatement {
            merchant: MerchantId(9),
        }),
        "merchant_unknown",
    );
    let later = shop.pay_bill(store, member, 1_000).counter;
    refused(shop.undo(told, merchant, Some(store)), "counter_void_late");
    shop.undo(later, merchant, Some(store)).unwrap();
    shop.undo(told, merchant, None).unwrap();
    shop.check();
}

#[test]
fn a_suspended_merchant_gets_his_statement_and_is_paid() {
    let mut shop = Shop::new();
    let merchant = shop.admit(contract());
    sells(&mut shop, merchant, 10_000);
    shop.alliance(AllianceCommand::SuspendMerchant { merchant })
        .unwrap();
    let [draft] = shop.month_over()[..] else {
        panic!("one")
    };
    shop.alliance(AllianceCommand::ReinstateMerchant { merchant })
        .unwrap();
    shop.confirm(draft.statement).unwrap();
    shop.alliance(AllianceCommand::SuspendMerchant { merchant })
        .unwrap();
    shop.transfer(draft.statement, "a").unwrap();
    shop.check();
}

#[test]
fn what_is_said_of_a_transfer() {
    let mut shop = Shop::new();
    let merchant = shop.admit(contract());
    sells(&mut shop, merchant, 10_000);
    let id = shop.month_over()[0].statement;
    refused(shop.confirm(StatementId(1)), "statement_unknown");
    refused(shop.transfer(StatementId(1), "a"), "statement_unknown");
    shop.confirm(id).unwrap();
    let long = "1".repeat(MAX_REFERENCE_CHARS + 1);
    for bad in ["", " ", "a b", "王", "a,b", "=1", &long] {
        refused(shop.transfer(id, bad), "transfer_invalid");
    }
    shop.wait(2 * DAY_S);
    let today = shop.clock.shanghai_day();
    for day in [today - 3, today + 1] {
        let on = Millis::start_of_day(day);
        refused(shop.transfer_on(id, "a", on), "transfer_invalid");
    }
    let noon = Millis(Millis::start_of_day(today).0 + 1);
    refused(shop.transfer_on(id, "a", noon), "transfer_invalid");
    let on = Millis::start_of_day(today - 2);
    shop.transfer_on(id, &long[1..], on).unwrap();
    refused(shop.transfer_on(id, "a", on), "statement_state");
    shop.check();
}

/// More merchants than one record takes, and one who becomes due something in between.
#[test]
fn statements_of_many_merchants_are_drawn_up_piece_by_piece() {
    let mut shop = Shop::new();
    let many = MAX_DRAFTED + 3;
    for number in 0..many {
        let mut token = [7; 16];
        token[..8].copy_from_slice(&u64::try_from(number).unwrap().to_le_bytes());
        let contract = Contract {
            entry_fee: Money(100),
            ..contract()
        };
        shop.alliance(AllianceCommand::AdmitMerchant { token, contract })
            .unwrap();
    }
    shop.clock = shop.clock.month().plus(1).begins();
    let (_, due) = shop.world.due_timer(shop.clock).unwrap();
    shop.must(Command::Tick(due));
    assert_eq!(shop.world.statements(), u32::try_from(MAX_DRAFTED).unwrap());
    shop.check();
    let snapshot = World::from_snapshot(&shop.world.to_snapshot()).unwrap();
    assert_eq!(snapshot.to_snapshot(), shop.world.to_snapshot());
    shop.alliance(AllianceCommand::SignContract {
        merchant: MerchantId(0),
        contract: Contract {
            entry_fee: Money(5),
            ..contract()
        },
    })
    .unwrap();
    assert_eq!(shop.look().len(), 3);
    shop.check();
    let [late] = shop.month_over()[..] else {
        panic!("one")
    };
    assert_eq!((late.merchant, late.number), (MerchantId(0), 2));
    assert_eq!(late.carried, Money(105));
    shop.check();
}

/// Statements are the newest field of a snapshot; one without them is read, and looked at when the month is over.
#[test]
fn a_snapshot_from_before_there_were_statements_is_read() {
    let mut shop = Shop::new();
    let merchant = shop.admit(contract());
    assert_eq!(
        World::from_snapshot(&shop.world.to_snapshot())
            .unwrap()
            .next_timer(),
        None
    );
    sells(&mut shop, merchant, 10_000);
    let mut again = World::from_snapshot(&shop.world.to_snapshot()).unwrap();
    assert_eq!(again.to_snapshot(), shop.world.to_snapshot());
    assert_eq!(again.next_timer(), shop.world.next_timer());
}
