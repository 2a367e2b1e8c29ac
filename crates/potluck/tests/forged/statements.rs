//! `potluck audit` adds up every statement of a merchant again, by the lines of the events alone.
use std::path::Path;

use domain::*;

use crate::alliance::{contract, terms};
use crate::shop::{DAY_MS, Shop, finds_in_alliance, passes};

const MERCHANT: MerchantId = MerchantId(0);

impl Shop {
    fn alliance_must(&mut self, command: AllianceCommand) {
        self.must(Command::Alliance(command));
    }

    fn bill(&mut self, number: u8, amount: i64) -> CounterId {
        let counter = CounterId(self.step.world().counter_payments());
        self.alliance_must(AllianceCommand::PayAtCounter {
            store: StoreId(0),
            bill: Bill {
                amount: Money(amount),
                most_coins: None,
            },
            claim: Some(Claim {
                token: [number; 16],
                member: MemberId(0),
                expires: Millis(self.clock.0 + 60_000),
            }),
        });
        counter
    }
}

/// A merchant has sold for 175.00 and owes 20.00 of a bill; the rest is paid, then the bill is refunded, and he owes 8.00 of another and pays 1.00
/// of them.
fn live(data: &Path) {
    let mut shop = Shop::open(data);
    shop.register(&[None, None]);
    for token in [[1; 16], [2; 16]] {
        shop.alliance_must(AllianceCommand::AdmitMerchant {
            token,
            contract: Contract {
                entry_fee: Money(0),
                ..contract()
            },
        });
    }
    shop.alliance_must(AllianceCommand::OpenStore {
        merchant: MERCHANT,
        token: [2; 16],
    });
    shop.alliance_must(AllianceCommand::PublishFor {
        merchant: MERCHANT,
        campaign: Box::new(terms()),
    });
    let group = shop.buy([0, 1]);
    shop.deliver(group, [0, 1]);
    shop.days(8);
    shop.clock = Millis(shop.clock.month().plus(1).begins().0 - DAY_MS);
    let first = shop.bill(3, 10_000);
    shop.days(1);
    let statement = StatementId(0);
    shop.alliance_must(AllianceCommand::ConfirmStatement { statement });
    shop.alliance_must(AllianceCommand::PayStatement {
        statement,
        transfer: Transfer {
            reference: "2026-1".to_owned(),
            on: Millis::start_of_day(shop.clock.shanghai_day()),
        },
    });
    shop.alliance_must(AllianceCommand::ReverseCounter {
        counter: first,
        merchant: MERCHANT,
        store: None,
    });
    shop.bill(4, 4_000);
    shop.alliance_must(AllianceCommand::NoteMerchantPaid {
        merchant: MERCHANT,
        amount: Money(100),
        transfer: Transfer {
            reference: "IN-1".to_owned(),
            on: Millis::start_of_day(shop.clock.shanghai_day()),
        },
    });
    shop.days(31);
    assert_eq!(shop.step.world().merchant_stated(MERCHANT), Money(1_300));
}

#[test]
fn forged_statements_are_found() {
    let dir = tempfile::tempdir().unwrap();
    live(dir.path());
    passes(dir.path());
    let fails = |finding: &str, change: &mut dyn FnMut(&mut AllianceEvent) -> bool| {
        finds_in_alliance(dir.path(), finding, change);
    };
    let drafted = |change: &mut dyn FnMut(&mut StatementDrafted)| {
        fails(
            "is not what his lines add up to",
            &mut |event| match event {
                AllianceEvent::StatementDrafted(drafted) if drafted.number == 2 => {
                    change(drafted);
                    true
                }
                _ => false,
            },
        );
    };
    drafted(&mut |drafted| drafted.carried.0 += 1);
    drafted(&mut |drafted| (drafted.set_off.0, drafted.amount.0) = (0, 2_000));
    drafted(&mut |drafted| (drafted.payable.0, drafted.amount.0) = (1_900, 1_100));
    let pays = |change: &mut dyn FnMut(&mut MerchantPaid)| {
        let finding = "pays more than he owes, or with a transfer that was noted before";
        fails(finding, &mut |event| match event {
            AllianceEvent::MerchantPaid(paid) => {
                change(paid);
                true
            }
            _ => false,
        });
    };
    pays(&mut |paid| paid.amount.0 = 801);
    pays(&mut |paid| paid.amount.0 = 0);
    pays(&mut |paid| paid.on.0 += 2 * DAY_MS);
    pays(&mut |paid| paid.on.0 -= 367 * DAY_MS);
    let paid = |change: &mut dyn FnMut(&mut StatementPaid)| {
        let finding = "is paid otherwise than it was confirmed, or twice";
        fails(finding, &mut |event| match event {
            AllianceEvent::StatementPaid(paid) => {
                change(paid);
                true
            }
            _ => false,
        });
    };
    paid(&mut |paid| paid.amount.0 -= 1);
    paid(&mut |paid| paid.on.0 += DAY_MS);
    drafted(&mut |drafted| drafted.number = 3);
    drafted(&mut |drafted| drafted.merchant = MerchantId(1));
    fails("is confirmed that was no draft", &mut |event| match event {
        AllianceEvent::StatementConfirmed { merchant, .. } => {
            *merchant = MerchantId(1);
            true
        }
        _ => false,
    });
    fails("has no statement of the period", &mut |event| {
        let drafted =
            matches!(event, AllianceEvent::StatementDrafted(drafted) if drafted.number == 2);
        if drafted {
            *event = AllianceEvent::PeriodClosed { more: None };
        }
        drafted
    });
}
