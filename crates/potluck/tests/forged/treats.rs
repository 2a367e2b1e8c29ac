//! `potluck audit` tells treats and their tables again by the events alone.
use std::path::Path;

use domain::rewards::{Formation, Program};
use domain::*;
use draw::{BeaconKey, LocalBeacon};

use crate::shop::{Shop, finds, passes, sale, unlimited};

const GENESIS_S: u64 = 1_700_000_000;
const MERCHANT: MerchantId = MerchantId(0);
const STORE: StoreId = StoreId(0);
const TEMPLATE: CampaignId = CampaignId(0);

fn beacon() -> LocalBeacon {
    LocalBeacon::from_seed(&[7; 32]).unwrap()
}

/// Two to three guests, bills of 20.00 to 100.00; somebody gets 1.00 for each guest he brought.
fn template() -> Campaign {
    let mut terms = sale();
    terms.kind = Kind::Treat;
    terms.product.fulfilment = Fulfilment::AtTable;
    terms.product.cost = Money(0);
    terms.merchant = Some(MerchantTerms {
        commission: Rate(100_000),
    });
    terms.group.winners = 1;
    terms.group.seats = 3;
    terms.group.seats_from = Some(2);
    terms.group.price_from = Some(Money(2_000));
    terms.draw.source = BeaconSource::Local {
        beacon: beacon().file(GENESIS_S, 3).hash().0,
        genesis: GENESIS_S,
        period: 3,
    };
    terms.origin_share = Some(Rate(100_000));
    terms.rewards = unlimited([Program::Formation(Formation {
        per_recruit: Money(100),
    })]);
    terms
}

impl Shop {
    fn table(&mut self, token: u8, bill: i64) {
        self.table_of(None, token, bill);
    }

    fn table_of(&mut self, circle: Option<GroupId>, token: u8, bill: i64) {
        self.must(Command::Table(TableCommand::Open {
            template: TEMPLATE,
            store: STORE,
            bill: TableBill {
                bill: Money(bill),
                seats: 2,
            },
            circle,
            token: [token; 16],
        }));
    }

    fn sit(&mut self, token: u8, member: u32) -> GroupId {
        let (token, member) = ([token; 16], MemberId(member));
        let world = self.step.world();
        let table = world.table(world.table_of_token(&token).unwrap()).unwrap();
        let seated = table.group.and_then(|group| world.group(group));
        let index = seated.map_or(0, |group| group.held);
        let group = table.group.unwrap_or(GroupId(world.groups()));
        let via = None;
        self.must(Command::Table(TableCommand::Join { token, member, via }));
        self.pay(PaymentId { group, index }, member);
        group
    }

    fn draw(&mut self, group: GroupId) {
        self.wait(20_000);
        let files = self.step.world().draw_files(group).unwrap();
        let round = files.freeze.round;
        let key = BeaconKey::from_file(&beacon().file(GENESIS_S, 3)).unwrap();
        let verified = key.verify(round, &beacon().sign(round)).unwrap();
        let outcome = draw::draw(&files.open, &files.seats, &files.freeze, &verified).unwrap();
        let outcome = Box::new(outcome);
        self.must(Command::SettleGroup { group, outcome });
    }
}

/// A merchant with a store and this template.
fn diner(data: &Path, template: Campaign) -> Shop {
    let mut shop = Shop::open(data);
    shop.must(Command::Alliance(AllianceCommand::AdmitMerchant {
        token: [1; 16],
        contract: Contract {
            entry_fee: Money(0),
            commission: Some(Rate(100_000)),
            settlement: None,
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
    shop.must(Command::Alliance(AllianceCommand::PublishFor {
        merchant: MERCHANT,
        campaign: Box::new(template),
    }));
    shop.register(&[None, None]);
    home(&mut shop);
    shop
}

/// Another merchant's store, where both are at home.
fn home(shop: &mut Shop) {
    shop.must(Command::Alliance(AllianceCommand::AdmitMerchant {
        token: [8; 16],
        contract: Contract {
            entry_fee: Money(0),
            commission: None,
            settlement: None,
            cash: CashTaker::Store,
            lock_days: Some(365),
            origin_share: None,
            channel: None,
        },
    }));
    shop.must(Command::Alliance(AllianceCommand::OpenStore {
        merchant: MerchantId(1),
        token: [9; 16],
    }));
    for member in [0, 1].map(MemberId) {
        let store = StoreId(1);
        shop.must(Command::Alliance(AllianceCommand::BindHome {
            member,
            store,
        }));
    }
}

/// A table that is drawn, one that is cancelled empty, one that is cancelled with a guest, and one that waits.
fn live(data: &Path) {
    let mut shop = diner(data, template());
    shop.table(1, 9_000);
    shop.sit(1, 0);
    let group = shop.sit(1, 1);
    shop.draw(group);
    let store = STORE;
    let cancel = |table| Command::Table(TableCommand::Cancel { table, store });
    shop.table(2, 5_000);
    shop.must(cancel(TableId(1)));
    shop.table(3, 5_000);
    shop.sit(3, 0);
    shop.must(cancel(TableId(2)));
    shop.table(4, 5_000);
    shop.sit(4, 1);
}

#[test]
fn forged_tables_are_found() {
    let dir = tempfile::tempdir().unwrap();
    live(dir.path());
    passes(dir.path());
    let fails = |finding: &str, change: &mut dyn FnMut(&mut Event) -> bool| {
        finds(dir.path(), finding, change);
    };
    let opened = |event: &mut Event, change: &mut dyn FnMut(&mut TableEvent)| match event {
        Event::Table(opened @ TableEvent::Opened { .. }) => {
            change(opened);
            true
        }
        _ => false,
    };
    fails("is not as its template allows", &mut |event| {
        opened(event, &mut |event| {
            if let TableEvent::Opened { bill, .. } = event {
                bill.bill = Money(10_001);
            }
        })
    });
    fails("is not as its template allows", &mut |event| {
        opened(event, &mut |event| {
            if let TableEvent::Opened { expires_at, .. } = event {
                expires_at.0 += 1;
            }
        })
    });
    fails("at a store of another merchant", &mut |event| {
        opened(event, &mut |event| {
            if let TableEvent::Opened { store, .. } = event {
                *store = StoreId(1);
            }
        })
    });
    let mut opening = 0;
    fails("or has another's token", &mut |event| match event {
        Event::Table(TableEvent::Opened { token, .. }) => {
            opening += 1;
            *token = [1; 16];
            opening == 2
        }
        _ => false,
    });
    fails(
        "become payable that did not wait",
        &mut |event| match event {
            Event::Alliance(AllianceEvent::OriginVested(vested)) => {
                vested.amounts[0].amount.0 += 1;
                true
            }
            _ => false,
        },
    );
    // The smaller bill is not what the guests paid.
    fails("with another amount or fee", &mut |event| {
        opened(event, &mut |event| {
            if let TableEvent::Opened { bill, .. } = event {
                bill.bill = Money(8_999);
            }
        })
    });
    fails("or somebody sat at it", &mut |event| match event {
        Event::Table(TableEvent::Cancelled { table }) => {
            *table = TableId(0);
            true
        }
        _ => false,
    });
    fails("is not the first of table", &mut |event| match event {
        Event::GroupOpened { expires_at, .. } => {
            expires_at.0 += 1;
            true
        }
        _ => false,
    });
    fails("of a treat and of no table", &mut |event| match event {
        Event::GroupOpened { campaign, .. } => {
            *campaign = TEMPLATE;
            true
        }
        _ => false,
    });
    fails("become payable", &mut |event| match event {
        Event::Alliance(AllianceEvent::SaleVested { amount, .. }) => {
            amount.0 += 1;
            true
        }
        _ => false,
    });
    fails("that become available", &mut |event| match event {
        Event::RewardsVested { amounts, .. } => {
            amounts[0].amount.0 += 1;
            true
        }
        _ => false,
    });
    // An order that was had at a table and is not kept at once.
    fails(
        "is kept, but it was not received",
        &mut |event| match event {
            Event::OrderKept { order } => {
                *order = OrderId(77);
                true
            }
            _ => false,
        },
    );
}

#[test]
fn forged_turns_at_tables_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let mut terms = template();
    terms.group.circle = Circle::Rotate;
    let mut shop = diner(dir.path(), terms);
    shop.table(1, 9_000);
    let circle = shop.sit(1, 0);
    shop.sit(1, 1);
    shop.draw(circle);
    shop.table_of(Some(circle), 2, 3_000);
    let second = shop.sit(2, 1);
    shop.sit(2, 0);
    shop.draw(second);
    shop.table_of(Some(circle), 3, 4_000);
    drop(shop);
    passes(dir.path());
    let mut seen = 0;
    finds(
        dir.path(),
        "and cannot be that",
        &mut |event: &mut Event| match event {
            Event::Table(TableEvent::Opened { circle, .. }) => {
                seen += 1;
                *circle = None;
                seen == 2
            }
            _ => false,
        },
    );
    finds(
        dir.path(),
        "of a circle that cannot go on",
        &mut |event: &mut Event| match event {
            Event::Table(TableEvent::Opened {
                circle: Some(circle),
                ..
            }) => {
                *circle = GroupId(1);
                true
            }
            _ => false,
        },
    );
}
