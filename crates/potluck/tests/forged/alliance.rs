//! `potluck audit` counts what merchants are due again by the events alone.
use std::path::Path;

use domain::*;

use crate::shop::{DAY_MS, Shop, finds_in_alliance, passes, sale, unlimited};

impl Shop {
    fn alliance(&mut self, command: AllianceCommand) {
        self.must(Command::Alliance(command));
    }
}

pub(crate) fn contract() -> Contract {
    Contract {
        entry_fee: Money(50_000),
        commission: Some(Rate(100_000)),
        settlement: Some(Rate(200_000)),
        cash: CashTaker::Store,
        lock_days: None,
        origin_share: None,
        channel: None,
    }
}

/// Everyone buys: 2 seats of 100 yuan, 10 % commission, the channel takes 1 %, 3 yuan for the one who was recruited.
/// Two members buy of the merchant.
pub(crate) fn terms() -> Campaign {
    let mut terms = sale();
    terms.product.cost = Money(0);
    terms.channel.fee = Rate(10_000);
    terms.rewards = unlimited([rewards::Program::Formation(rewards::Formation {
        per_recruit: Money(300),
    })]);
    terms.merchant = Some(MerchantTerms {
        commission: Rate(100_000),
    });
    terms
}

fn live(data: &Path) {
    let mut shop = Shop::open(data);
    let merchant = MerchantId(0);
    for token in [[1; 16], [2; 16]] {
        let contract = contract();
        shop.alliance(AllianceCommand::AdmitMerchant { token, contract });
    }
    let token = [3; 16];
    shop.alliance(AllianceCommand::OpenStore { merchant, token });
    shop.alliance(AllianceCommand::PublishFor {
        merchant,
        campaign: Box::new(terms()),
    });
    shop.register(&[None, None]);
    shop.buy([0, 1]);
    shop.alliance(AllianceCommand::SuspendMerchant { merchant });
    shop.alliance(AllianceCommand::SignContract {
        merchant,
        contract: Contract {
            cash: CashTaker::Platform,
            ..contract()
        },
    });
    shop.alliance(AllianceCommand::ReinstateMerchant { merchant });
    for order in [0, 1].map(OrderId) {
        shop.must(Command::ShipOrder { order });
    }
    let (order, member) = (OrderId(0), MemberId(0));
    shop.must(Command::ReceiveOrder { order, member });
    shop.must(Command::ReturnOrder { order, member });
    shop.must(Command::TakeBackOrder { order });
    shop.wait(23 * DAY_MS);
    // A month has ended: what he has sold is set off against the fees of two contracts.
    let money = shop.step.world().merchant_money(merchant);
    assert_eq!(money, (Money(0), Money(0), Money(100_000 - 8_600)));
    shop.buy([0, 1]);
}

#[test]
fn forged_parts_of_merchants_are_found() {
    let dir = tempfile::tempdir().unwrap();
    live(dir.path());
    passes(dir.path());
    let fails = |finding: &str, change: &mut dyn FnMut(&mut AllianceEvent) -> bool| {
        finds_in_alliance(dir.path(), finding, change);
    };
    let divided = "is not divided as its merchant's campaign says";
    fails(divided, &mut |event| match event {
        AllianceEvent::GroupSold(sold) => {
            (sold.commission, sold.due) = (Money(1_900), Money(17_600));
            true
        }
        _ => false,
    });
    fails(divided, &mut |event| match event {
        AllianceEvent::GroupSold(sold) => {
            sold.merchant = MerchantId(1);
            true
        }
        _ => false,
    });
    fails(
        "is not given back as it was divided",
        &mut |event| match event {
            AllianceEvent::SaleReversed(reversed) => {
                (reversed.from_sales, reversed.owed) = (Money(8_000), Money(900));
                true
            }
            _ => false,
        },
    );
    fails("are not those that waited", &mut |event| match event {
        AllianceEvent::SaleVested { amount, .. } => {
            amount.0 -= 1;
            true
        }
        _ => false,
    });
    fails("against his contract", &mut |event| match event {
        AllianceEvent::ContractSigned { contract, .. } => {
            contract.commission = Some(Rate(110_000));
            true
        }
        _ => false,
    });
    fails(
        "is suspended or reinstated twice",
        &mut |event| match event {
            AllianceEvent::MerchantReinstated { merchant } => {
                *merchant = MerchantId(1);
                true
            }
            _ => false,
        },
    );
    fails("is not his next", &mut |event| match event {
        AllianceEvent::ContractSigned { version, .. } if *version == 2 => {
            *version = 3;
            true
        }
        _ => false,
    });
}
