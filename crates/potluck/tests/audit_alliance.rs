//! `potluck audit` counts what merchants are due again by the events alone.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "tests look for one kind of event among all"
)]

mod forged;

use std::path::Path;

use domain::*;
use engine::Step;
use forged::{audit, forge};
use journal::SqliteJournal;

const DAY_MS: i64 = 86_400_000;

struct Shop {
    step: Step,
    clock: Millis,
}

impl Shop {
    fn must(&mut self, command: Command) {
        let request = Request {
            actor: Actor::System,
            key: None,
            command,
        };
        self.step.execute(&request, self.clock).unwrap();
        self.step.commit().unwrap();
    }

    fn alliance(&mut self, command: AllianceCommand) {
        self.must(Command::Alliance(command));
    }

    fn tick(&mut self) {
        self.step.tick(self.clock, usize::MAX);
        self.step.commit().unwrap();
    }

    /// Two members buy of the merchant.
    fn buy(&mut self) {
        let group = GroupId(self.step.world().groups());
        for (index, member) in (0..).zip([0, 1].map(MemberId)) {
            let via = None;
            let campaign = CampaignId(0);
            self.must(match index {
                0 => Command::OpenGroup {
                    campaign,
                    member,
                    via,
                },
                _ => Command::JoinGroup { group, member, via },
            });
            let payment = PaymentId { group, index };
            self.must(Command::AcceptPayment {
                payment,
                txn: Txn::new(&format!("T{payment}")).unwrap(),
                amount: Money(10_000),
                tag: [u8::try_from(member.0 + 1).unwrap(); 32],
            });
        }
    }
}

fn contract() -> Contract {
    Contract {
        entry_fee: Money(50_000),
        commission: Some(Rate(100_000)),
        settlement: Some(Rate(200_000)),
        cash: CashTaker::Store,
    }
}

/// Everyone buys: 2 seats of 100 yuan, 10 % commission, the channel takes 1 %, 3 yuan for the one who was recruited.
fn terms() -> Campaign {
    let text = || Text {
        zh: "米".to_owned(),
        en: "rice".to_owned(),
    };
    Campaign {
        name: text(),
        kind: Kind::EveryoneBuys,
        profile: Profile::Seed,
        plan: 1,
        product: Product {
            title: text(),
            cost: Money(0),
            fulfilment: Fulfilment::Ship,
        },
        group: GroupTerms {
            price: Money(10_000),
            seats: 2,
            winners: 2,
            leader: LeaderRule::Equal,
            fill_within: Duration::seconds(86_400),
            payment_window: Duration::seconds(300),
            seats_per_member: 1,
            chance: None,
            circle: Circle::Off,
            entries_per_day: 0,
        },
        draw: DrawTerms {
            log: draw::Origin::new("test.example/log").unwrap(),
            source: BeaconSource::Local {
                beacon: [1; 32],
                genesis: 1_700_000_000,
                period: 3,
            },
            delay_s: 3,
        },
        channel: ChannelTerms {
            fee: Rate(10_000),
            kept_on_refund: false,
        },
        caps: Vec::new(),
        rewards: vec![rewards::Reward {
            program: rewards::Program::Formation(rewards::Formation {
                per_recruit: Money(300),
            }),
            limit: rewards::Limit::None,
        }],
        prize: None,
        merchant: Some(MerchantTerms {
            commission: Rate(100_000),
        }),
        origin_share: None,
        leftover: Leftover::Owner,
    }
}

fn live(data: &Path) {
    let journal = SqliteJournal::open(data).unwrap();
    let step = Step::open(Box::new(journal), &mut |_| {}).unwrap().0;
    let mut shop = Shop {
        step,
        clock: Millis(1_800_000_000_000),
    };
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
    for member in 0..2u8 {
        let token = [member; 16];
        let inviter = None;
        shop.must(Command::RegisterMember { token, inviter });
    }
    shop.buy();
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
    shop.clock.0 += 23 * DAY_MS;
    shop.tick();
    let (payable, vesting, _) = shop.step.world().merchant_money(merchant);
    assert_eq!((payable, vesting), (Money(8_600), Money(0)));
    shop.buy();
}

#[test]
fn forged_parts_of_merchants_are_found() {
    let dir = tempfile::tempdir().unwrap();
    live(dir.path());
    let page = audit(dir.path());
    assert!(page.contains("\nAUDIT PASSED\n"), "{page}");
    let fails = |finding: &str, change: &mut dyn FnMut(&mut AllianceEvent) -> bool| {
        let forged = forge(dir.path(), |event| match event {
            Event::Alliance(event) => change(event),
            _ => false,
        });
        let page = audit(forged.path());
        assert!(page.contains("\nAUDIT FAILED: "), "{finding}: {page}");
        assert!(page.contains(finding), "{finding:?} is not in\n{page}");
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
