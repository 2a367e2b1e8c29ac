//! `potluck audit` counts every payment at a counter again, and what is taken back of it, by the events alone.
use std::path::Path;

use domain::rewards::{Leader, Program};
use domain::*;

use crate::shop::{Shop, finds_in_alliance, passes, sale, unlimited};

const MERCHANT: MerchantId = MerchantId(0);
const STORE: StoreId = StoreId(0);

impl Shop {
    pub(crate) fn at_counter(&mut self, number: u8, amount: i64) -> CounterId {
        let bill = Bill {
            amount: Money(amount),
            most_coins: None,
        };
        let claim = Some(Claim {
            token: [number; 16],
            member: MemberId(0),
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

    pub(crate) fn take_back(&mut self, counter: CounterId, store: Option<StoreId>) {
        self.must(Command::Alliance(AllianceCommand::ReverseCounter {
            counter,
            merchant: MERCHANT,
            store,
        }));
    }
}

/// Member 0 has 5.00 coins. He pays three bills; the first is voided, the second refunded two days later.
fn live(data: &Path) {
    let mut shop = Shop::open(data);
    let leader = Program::Leader(Leader {
        cash: Money(0),
        coins: Coins(500),
        unless_won: false,
    });
    shop.must(Command::PublishCampaign {
        campaign: Box::new(Campaign {
            rewards: unlimited([leader]),
            ..sale()
        }),
    });
    shop.register(&[None, None]);
    let group = shop.buy([0, 1]);
    shop.deliver(group, [0, 1]);
    shop.days(8);
    shop.must(Command::Alliance(AllianceCommand::AdmitMerchant {
        token: [1; 16],
        contract: Contract {
            entry_fee: Money(0),
            commission: None,
            settlement: Some(Rate(200_000)),
            cash: CashTaker::Store,
            lock_days: None,
            origin_share: None,
            channel: None,
        },
    }));
    shop.must(Command::Alliance(AllianceCommand::OpenStore {
        merchant: MERCHANT,
        token: [2; 16],
    }));
    let first = shop.at_counter(3, 3_000);
    shop.take_back(first, Some(STORE));
    let second = shop.at_counter(4, 2_000);
    shop.days(2);
    shop.take_back(second, None);
    shop.at_counter(5, 9_999);
}

#[test]
fn forged_payments_at_counters_are_found() {
    let dir = tempfile::tempdir().unwrap();
    live(dir.path());
    passes(dir.path());
    let fails = |finding: &str, change: &mut dyn FnMut(&mut AllianceEvent) -> bool| {
        finds_in_alliance(dir.path(), finding, change);
    };
    let paid = |finding: &str, change: &mut dyn FnMut(&mut CounterPaid)| {
        fails(finding, &mut |event| match event {
            AllianceEvent::CounterPaid(paid) if paid.counter == CounterId(2) => {
                change(paid);
                true
            }
            _ => false,
        });
    };
    let divided = "is not divided as its merchant's contract says";
    paid(divided, &mut |paid| paid.coins.0 = 501);
    paid(divided, &mut |paid| paid.kept.0 -= 1);
    paid("its code was used", &mut |paid| paid.token = [4; 16]);
    paid("is paid otherwise than it waited", &mut |paid| {
        paid.cash = CashTaker::Platform;
    });
    paid("of nobody who may pay", &mut |paid| paid.bill.0 = 0);
    let otherwise = "is taken back otherwise than it was paid, twice or too late";
    let reversed = |change: &mut dyn FnMut(&mut CounterReversed)| {
        fails(otherwise, &mut |event| match event {
            AllianceEvent::CounterReversed(reversed) if reversed.counter == CounterId(1) => {
                change(reversed);
                true
            }
            _ => false,
        });
    };
    reversed(&mut |reversed| reversed.coins.0 += 1);
    reversed(&mut |reversed| reversed.counter = CounterId(0));
    reversed(&mut |reversed| reversed.why = Reversal::Voided);
    reversed(&mut |reversed| {
        (reversed.payable, reversed.owes) = (reversed.take, Money(0));
    });
}
