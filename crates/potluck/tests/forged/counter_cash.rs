//! `potluck audit` counts every bill whose cash the platform takes again: how it waited, what paid it and what went back of it.
use std::path::Path;

use domain::*;

use crate::shop::{Shop, finds, finds_in_alliance, passes};

const MERCHANT: MerchantId = MerchantId(0);
const STORE: StoreId = StoreId(0);
const MEMBER: MemberId = MemberId(0);

impl Shop {
    /// The cashier enters a bill of 30.00.
    fn enter_bill(&mut self, number: u8) -> CounterId {
        let bill = Bill {
            amount: Money(3_000),
            most_coins: None,
        };
        let claim = Some(Claim {
            token: [number; 16],
            member: MEMBER,
            expires: Millis(self.clock.0 + 60_000),
        });
        let counter = CounterId(self.step.world().counter_payments());
        self.must(Command::Alliance(AllianceCommand::PayAtCounter {
            store: STORE,
            bill,
            claim,
        }));
        counter
    }

    pub(crate) fn cash(&mut self, counter: CounterId, name: &str, fen: i64) {
        self.must(Command::Alliance(AllianceCommand::PayCounter {
            counter,
            txn: Txn::new(name).unwrap(),
            amount: Money(fen),
        }));
    }
}

fn taken_by_the_platform() -> Contract {
    Contract {
        entry_fee: Money(0),
        commission: None,
        settlement: Some(Rate(200_000)),
        cash: CashTaker::Platform,
        lock_days: None,
        origin_share: None,
        channel: Some(ChannelTerms {
            fee: Rate(6_000),
            kept_on_refund: false,
        }),
    }
}

/// Six bills: one is paid and stands, one is voided, one is refunded, which withdraws the draft that tells of it, one lapses and is paid too late, one is
/// given up, one waits. A payment of another amount, and a second one, go back.
fn live(data: &Path) {
    let mut shop = Shop::open(data);
    shop.register(&[None]);
    shop.must(Command::Alliance(AllianceCommand::AdmitMerchant {
        token: [1; 16],
        contract: taken_by_the_platform(),
    }));
    shop.must(Command::Alliance(AllianceCommand::OpenStore {
        merchant: MERCHANT,
        token: [2; 16],
    }));
    let stands = shop.enter_bill(3);
    shop.cash(stands, "less", 2_999);
    shop.cash(stands, "stands", 3_000);
    shop.cash(stands, "again", 3_000);
    let voided = shop.enter_bill(4);
    shop.cash(voided, "voided", 3_000);
    let refunded = shop.enter_bill(5);
    shop.take_back(voided, Some(STORE));
    shop.must(Command::Alliance(AllianceCommand::DraftStatement {
        merchant: MERCHANT,
    }));
    shop.cash(refunded, "refunded", 3_000);
    shop.must(Command::Alliance(AllianceCommand::DraftStatement {
        merchant: MERCHANT,
    }));
    shop.take_back(refunded, None);
    shop.enter_bill(6);
    shop.wait(300_000);
    shop.must(Command::Alliance(AllianceCommand::BounceCounter {
        member: MEMBER,
        store: STORE,
        txn: Txn::new("late").unwrap(),
        amount: Money(3_000),
    }));
    let given_up = shop.enter_bill(7);
    shop.take_back(given_up, Some(STORE));
    shop.enter_bill(8);
}

#[test]
fn forged_bills_are_found() {
    let dir = tempfile::tempdir().unwrap();
    live(dir.path());
    passes(dir.path());
    let fails = |finding: &str, change: &mut dyn FnMut(&mut AllianceEvent) -> bool| {
        finds_in_alliance(dir.path(), finding, change);
    };
    let waits = |finding: &str, change: &mut dyn FnMut(&mut CounterAwaited)| {
        fails(finding, &mut |event| match event {
            AllianceEvent::CounterAwaited(waits) if waits.paid.counter == CounterId(5) => {
                change(waits);
                true
            }
            _ => false,
        });
    };
    let otherwise = "waits otherwise than its merchant's contract says";
    waits(otherwise, &mut |waits| waits.pay_by.0 += 1);
    waits(otherwise, &mut |waits| waits.channel.fee = Rate(0));
    waits("is of no open counter", &mut |waits| {
        waits.paid.cash = CashTaker::Store;
    });
    let divided = "is not divided as its merchant's contract says";
    waits(divided, &mut |waits| waits.paid.coins.0 = 1);
    waits(divided, &mut |waits| waits.paid.kept.0 += 1);
    waits("its code was used", &mut |waits| waits.paid.token = [7; 16]);

    fails(
        "is paid otherwise than it waited",
        &mut |event| match event {
            AllianceEvent::CounterPaid(paid) => {
                paid.kept.0 -= 1;
                true
            }
            _ => false,
        },
    );
    let cash = |finding: &str, change: &mut dyn FnMut(&mut CashTaken)| {
        fails(finding, &mut |event| match event {
            AllianceEvent::CashTaken(cash) if cash.counter == CounterId(1) => {
                change(cash);
                true
            }
            _ => false,
        });
    };
    let other = "is paid with other cash than it asks for";
    cash(other, &mut |cash| cash.amount.0 -= 1);
    cash(other, &mut |cash| cash.fee.0 += 1);
    cash(other, &mut |cash| cash.fee_kept = true);
    cash("is booked a second time", &mut |cash| {
        cash.txn = Txn::new("stands").unwrap();
    });
    cash("is told of without its cash", &mut |cash| {
        cash.counter = CounterId(0);
    });
    let back = |finding: &str, change: &mut dyn FnMut(&mut CashBack)| {
        fails(finding, &mut |event| match event {
            AllianceEvent::CashBack(back) if back.counter == CounterId(2) => {
                change(back);
                true
            }
            _ => false,
        });
    };
    let goes = "other cash goes back than has paid";
    back(goes, &mut |back| back.amount.0 -= 1);
    back(goes, &mut |back| back.txn = Txn::new("stands").unwrap());
    back("is not the next number", &mut |back| back.refund.0 += 1);
    fails("is taken back otherwise than it was paid", &mut |event| {
        match event {
            AllianceEvent::CounterReversed(back) if back.counter == CounterId(2) => {
                // As if a statement that is over had told of it; the draft that did is withdrawn.
                (back.payable, back.owes) = (Money(0), Money(2_400));
                true
            }
            _ => false,
        }
    });
    fails(
        "is withdrawn that was no draft, or said something else",
        &mut |event| match event {
            AllianceEvent::StatementWithdrawn(draft) => {
                draft.amount.0 -= 1;
                true
            }
            _ => false,
        },
    );
    fails(
        "is withdrawn for no bill that is taken back",
        &mut |event| match event {
            AllianceEvent::CounterReversed(back) if back.counter == CounterId(2) => {
                let counter = back.counter;
                *event = AllianceEvent::CounterLapsed { counter };
                true
            }
            _ => false,
        },
    );
    fails("lapses, but it does not wait", &mut |event| match event {
        AllianceEvent::CounterLapsed { counter } => {
            *counter = CounterId(0);
            true
        }
        _ => false,
    });
}

/// What goes back of a purchase or a bill tells of no group: its fee is the channel's all the same.
#[test]
fn a_forged_fee_of_what_goes_back_is_found() {
    let dir = tempfile::tempdir().unwrap();
    live(dir.path());
    finds(
        dir.path(),
        "goes back with another fee than the channel's",
        |event| match event {
            Event::PaymentBounced { fee, .. } => {
                fee.0 += 1;
                true
            }
            _ => false,
        },
    );
}

/// Two bills stand in one draft, and one of them is refunded.
fn drawn_again(data: &Path) {
    let mut shop = Shop::open(data);
    shop.register(&[None]);
    shop.must(Command::Alliance(AllianceCommand::AdmitMerchant {
        token: [1; 16],
        contract: taken_by_the_platform(),
    }));
    shop.must(Command::Alliance(AllianceCommand::OpenStore {
        merchant: MERCHANT,
        token: [2; 16],
    }));
    for name in ["a", "b"] {
        let counter = shop.enter_bill(name.as_bytes()[0]);
        shop.cash(counter, name, 3_000);
    }
    shop.must(Command::Alliance(AllianceCommand::DraftStatement {
        merchant: MERCHANT,
    }));
    shop.take_back(CounterId(0), None);
    shop.enter_bill(8);
}

#[test]
fn what_is_left_of_a_withdrawn_draft_is_drawn_up_again() {
    let dir = tempfile::tempdir().unwrap();
    drawn_again(dir.path());
    passes(dir.path());
    let left = "what is left of a withdrawn statement of merchant 0 is not drawn up again";
    finds_in_alliance(dir.path(), left, &mut |event| match event {
        AllianceEvent::StatementDrafted(drafted) if drafted.number == 2 => {
            *event = AllianceEvent::PeriodClosed { more: None };
            true
        }
        _ => false,
    });
}
