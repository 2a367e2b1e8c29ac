//! Treats and their tables in the views: every one as the world has it, and no list of offers has them.

use domain::*;
use views::*;

use crate::kit::*;

const STORE: StoreId = StoreId(0);

fn template() -> Campaign {
    let mut terms = e0();
    terms.kind = Kind::Treat;
    terms.product.fulfilment = Fulfilment::AtTable;
    terms.merchant = Some(MerchantTerms {
        commission: Rate(70_000),
    });
    terms.group.seats_from = Some(2);
    terms.group.price_from = Some(Money(8_000));
    terms
}

fn open(shop: &mut Shop, token: u8, bill: i64, seats: u32) -> TableView {
    let command = TableCommand::Open {
        template: CampaignId(1),
        store: STORE,
        bill: TableBill {
            bill: Money(bill),
            seats,
        },
        circle: None,
        token: [token; 16],
    };
    match shop.try_do(Command::Table(command)).unwrap() {
        Answer::Table(table) => shop.world.table(table).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn sit(shop: &mut Shop, table: &TableView, member: u32) -> GroupId {
    let command = TableCommand::Join {
        token: table.token,
        member: MemberId(member),
        via: Some(MemberId(0)),
    };
    let payment = reserved(shop.try_do(Command::Table(command)).unwrap());
    shop.pay(payment);
    payment.group
}

/// Tables that are drawn, cancelled before and after somebody sat down, expired, open, and one that is void.
fn evening() -> Shop {
    let mut shop = Shop::opened(6, e0());
    shop.must(Command::Alliance(AllianceCommand::AdmitMerchant {
        token: [3; 16],
        contract: Contract {
            entry_fee: Money(0),
            commission: Some(Rate(70_000)),
            settlement: None,
            cash: CashTaker::Store,
            lock_days: None,
            origin_share: None,
            channel: None,
        },
    }));
    let merchant = MerchantId(0);
    shop.must(Command::Alliance(AllianceCommand::OpenStore {
        merchant,
        token: [4; 16],
    }));
    shop.must(Command::Alliance(AllianceCommand::PublishFor {
        merchant,
        campaign: Box::new(template()),
    }));
    let drawn = open(&mut shop, 1, 9_999, 3);
    let group = [0, 1, 2].map(|member| sit(&mut shop, &drawn, member))[0];
    shop.settle(group);
    shop.refund(1);
    let cancel = |table: &TableView| {
        let (table, store) = (table.table, STORE);
        Command::Table(TableCommand::Cancel { table, store })
    };
    let empty = open(&mut shop, 2, 8_000, 2);
    shop.must(cancel(&empty));
    let begun = open(&mut shop, 3, 10_000, 5);
    sit(&mut shop, &begun, 3);
    shop.must(cancel(&begun));
    let lost = open(&mut shop, 4, 8_500, 2);
    let group = [4, 5].map(|member| sit(&mut shop, &lost, member))[0];
    open(&mut shop, 5, 8_001, 2);
    shop.wait(90_000);
    shop.ticks();
    shop.must(Command::VoidGroup { group });
    let waits = open(&mut shop, 6, 9_000, 4);
    sit(&mut shop, &waits, 1);
    shop
}

#[tokio::test]
async fn tables_are_those_of_the_world_however_they_were_cut() {
    let shop = evening();
    assert_eq!(shop.world.violations(), Vec::<String>::new());
    let whole = Desk::of(&shop, usize::MAX).await;
    whole.agrees(&shop.world).await;
    for cut in [1, 2, 7] {
        let desk = Desk::of(&shop, cut).await;
        desk.agrees(&shop.world).await;
        assert_eq!(desk.dump().await, whole.dump().await);
    }
    let first = Page::new(None, 100);
    let listed = whole
        .views
        .tables(TablesOf::Store(STORE), first)
        .await
        .unwrap()
        .value;
    let states: Vec<Option<GroupState>> = listed
        .items
        .iter()
        .map(|row| row.group.map(|(state, ..)| state))
        .collect();
    assert_eq!(
        states,
        [
            Some(GroupState::Open),
            None,
            Some(GroupState::Void),
            Some(GroupState::Cancelled),
            None,
            Some(GroupState::Settled)
        ]
    );
    assert!(listed.items[4].table.cancelled && !listed.items[1].table.cancelled);
    let elsewhere = whole
        .views
        .tables(TablesOf::Store(StoreId(1)), first)
        .await
        .unwrap();
    assert_eq!(elsewhere.value.items, []);
    // Neither the template nor a table is on offer; both have their terms.
    let offers = whole.views.campaigns(first).await.unwrap().value;
    let offers: Vec<CampaignId> = offers.items.iter().map(|row| row.id).collect();
    assert_eq!(offers, [CampaignId(0)]);
    let hidden = CampaignId::of_table(TableId(0));
    let terms = whole.views.campaign(hidden).await.unwrap().value.unwrap();
    assert_eq!(terms.hash, shop.world.campaign(hidden).unwrap().hash);
    assert_eq!(terms.terms.group.price, Money(9_999));
    // One table is settled, of three guests; two of them lost and have at least their consolation.
    let earned = whole.views.earned_at_tables(CampaignId(1)).await.unwrap();
    assert_eq!((earned.value.groups, earned.value.members), (1, 3));
    assert!(Money(500) <= earned.value.median, "{earned:?}");
    let nothing = whole.views.earned_at_tables(CampaignId(0)).await.unwrap();
    assert_eq!(nothing.value, Earned::default());
}

#[tokio::test]
async fn a_forged_table_is_found() {
    let shop = evening();
    for sql in [
        "UPDATE treat_table SET bill = bill + 1 WHERE id = 0",
        "DELETE FROM treat_table WHERE id = 4",
        "DELETE FROM treat_cancelled",
        "UPDATE campaign SET hash = zeroblob(32) WHERE id = 2147483648",
        "UPDATE group_ SET campaign = 0 WHERE campaign = 2147483648",
    ] {
        let desk = Desk::of(&shop, usize::MAX).await;
        tamper(&desk.path, sql).await;
        let found = compare(&desk.views, &shop.world).await.unwrap();
        assert!(!found.is_empty(), "{sql}");
    }
}
