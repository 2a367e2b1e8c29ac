//! Laws of the views, for random histories of the real world.

use domain::*;
use proptest::prelude::*;
use views::*;

use crate::kit::*;

/// One step; numbers are taken modulo what there is. Refusals are answers.
fn step(shop: &mut Shop, (what, first, second): (u8, u8, u8)) {
    let member = MemberId(u32::from(first) % shop.world.members());
    let groups = shop.world.groups().max(1);
    let group = GroupId(u64::from(second) % groups);
    let payment = PaymentId {
        group,
        index: u32::from(first) % 8,
    };
    let price = shop.price(group);
    let unique = shop.records.len();
    match what % 18 {
        0 => shop.member(Some(member)),
        1 => {
            let campaign = CampaignId(u32::from(second) % shop.world.campaigns());
            let _refused = shop.try_do(Command::OpenGroup {
                campaign,
                member,
                via: None,
            });
        }
        2..=4 => {
            let via =
                (first % 3 == 0).then_some(MemberId(u32::from(second) % shop.world.members()));
            let _refused = shop.try_do(Command::JoinGroup { group, member, via });
        }
        5..=8 => {
            let _refused = shop.pay_as(payment, "", price);
        }
        9 => {
            let _refused =
                shop.pay_as(payment, &format!("x{unique}"), Money(i64::from(second) + 1));
        }
        10 => {
            let _refused = shop.pay_as(payment, &format!("y{unique}"), price);
        }
        11 => {
            let _refused = shop.try_do(Command::LeaveGroup { group, member });
        }
        12 => {
            let gateway = Command::JoinPaid {
                group,
                member,
                via: None,
                txn: txn(&format!("G{unique}")),
                amount: price,
                tag: tag(group, member),
            };
            let _refused = shop.try_do(gateway);
        }
        13 => {
            let bounced = Command::BouncePayment {
                payment: (first % 2 == 0).then_some(payment),
                member: (first % 3 == 0).then_some(member),
                txn: txn(&format!("B{unique}")),
                amount: Money(i64::from(first) + 1),
            };
            let _refused = shop.try_do(bounced);
        }
        14 => shop.wait(i64::from(first) * 40),
        15 => shop.ticks(),
        16 => {
            for awaited in shop.world.awaiting_draw(1) {
                shop.settle(awaited.group);
            }
            shop.refund(usize::from(second % 3));
        }
        _ => {
            let order = OrderId(u64::from(first) % 4);
            let owner = shop.world.order(order).map_or(member, |order| order.member);
            let _refused = shop.try_do(Command::ShipOrder { order });
            let _refused = shop.try_do(Command::ReceiveOrder {
                order,
                member: owner,
            });
            if second == 0 {
                let _refused = shop.try_do(Command::CancelGroup { group });
                let _refused = shop.try_do(Command::VoidGroup { group });
            }
        }
    }
}

/// Another merchant's store, where two members are at home.
fn home(shop: &mut Shop) {
    shop.must(Command::Alliance(AllianceCommand::AdmitMerchant {
        token: [5; 16],
        contract: Contract {
            entry_fee: Money(0),
            commission: None,
            settlement: None,
            cash: CashTaker::Store,
            lock_days: Some(365),
            origin_share: Some(Rate(50_000)),
            channel: None,
        },
    }));
    shop.must(Command::Alliance(AllianceCommand::OpenStore {
        merchant: MerchantId(1),
        token: [6; 16],
    }));
    for member in [0, 1].map(MemberId) {
        let store = StoreId(0);
        shop.must(Command::Alliance(AllianceCommand::BindHome {
            member,
            store,
        }));
    }
}

fn history(steps: &[(u8, u8, u8)]) -> Shop {
    let mut shop = Shop::opened(5, e0());
    let mut small = e0();
    (small.group.seats, small.group.seats_per_member) = (3, 2);
    small.rewards.truncate(1);
    // A merchant's.
    let commission = Rate(70_000);
    small.merchant = Some(MerchantTerms { commission });
    shop.must(Command::Alliance(AllianceCommand::AdmitMerchant {
        token: [3; 16],
        contract: Contract {
            entry_fee: Money(12_345),
            commission: Some(commission),
            settlement: None,
            cash: CashTaker::Store,
            lock_days: None,
            origin_share: None,
            channel: None,
        },
    }));
    small.origin_share = Some(Rate(100_000));
    home(&mut shop);
    let merchant = MerchantId(0);
    shop.must(Command::Alliance(AllianceCommand::OpenStore {
        merchant,
        token: [4; 16],
    }));
    shop.must(Command::Alliance(AllianceCommand::PublishFor {
        merchant,
        campaign: Box::new(small),
    }));
    for &what in steps {
        step(&mut shop, what);
    }
    shop
}

/// Running balances are sums, and every record's lines are balanced.
async fn sums_hold(desk: &Desk) {
    let unbalanced = "SELECT COUNT(*) FROM (SELECT seq FROM ledger_line GROUP BY seq, account IN (11, 12, 13, 70) HAVING SUM(amount) <> 0)";
    assert_eq!(number(&desk.path, unbalanced).await, 0);
    let running = "SELECT COUNT(*) FROM (SELECT balance, SUM(amount) OVER \
        (PARTITION BY member, account ORDER BY seq, line_no) AS total FROM wallet_line) WHERE balance <> total";
    assert_eq!(number(&desk.path, running).await, 0);
    let below_zero = "SELECT COUNT(*) FROM wallet_line WHERE balance < 0";
    assert_eq!(number(&desk.path, below_zero).await, 0);
    let last = "SELECT COUNT(*) FROM balance b JOIN word a ON a.kind = 'account' AND a.code = b.account \
        JOIN word v ON v.kind = 'wallet_account' AND v.word = a.word WHERE a.word IN ('available','vesting','coins') \
        AND -b.amount <> (SELECT SUM(w.amount) FROM wallet_line w WHERE w.member = b.holder AND w.account = v.code)";
    assert_eq!(number(&desk.path, last).await, 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_views_of_any_history_are_those_of_its_world_however_it_was_cut(
        steps in prop::collection::vec(any::<(u8, u8, u8)>(), 20..220), cut in 1usize..40,
    ) {
        let shop = history(&steps);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let desk = Desk::of(&shop, cut).await;
            desk.agrees(&shop.world).await;
            sums_hold(&desk).await;
            let whole = Desk::of(&shop, usize::MAX).await;
            assert_eq!(desk.dump().await, whole.dump().await);
        });
    }
}

#[tokio::test]
async fn more_rows_than_one_statement_holds() {
    let mut shop = Shop::new();
    let members = 2_100;
    for _ in 0..members {
        shop.member(None);
    }
    let mut terms = e0();
    (terms.group.seats, terms.group.winners) = (members, 200);
    terms.group.payment_window = Duration::seconds(3_600);
    terms.rewards.truncate(1);
    shop.must(Command::DepositCapital {
        amount: Money(100_000_000),
    });
    shop.must(Command::PublishCampaign {
        campaign: Box::new(terms),
    });
    let group = shop.open(0);
    for member in 1..members {
        shop.seat(group, member, Some(0));
    }
    shop.wait(10);
    shop.settle(group);
    shop.refund(usize::MAX);
    let desk = Desk::of(&shop, usize::MAX).await;
    desk.agrees(&shop.world).await;
    sums_hold(&desk).await;
    assert_eq!(
        desk.views
            .group_detail(group)
            .await
            .unwrap()
            .value
            .unwrap()
            .seats
            .len(),
        2_100
    );
    // Loading what the last batches touch takes as many keys.
    let desk = Desk::of(&shop, 2_500).await;
    desk.agrees(&shop.world).await;
}

#[tokio::test]
async fn tampering_is_found() {
    let shop = crate::story::story();
    for (sql, what) in [
        (
            "UPDATE balance SET amount = amount - 1 WHERE account = 3 AND holder = 0",
            "balance of available 0",
        ),
        (
            "UPDATE balance SET amount = amount - 1 WHERE account = 0",
            "trial balance of channel",
        ),
        (
            "UPDATE group_ SET state = 'full' WHERE id = 5",
            "state of group 5",
        ),
        (
            "UPDATE group_ SET paid = paid + 1 WHERE id = 5",
            "paid seats of group 5",
        ),
        ("DELETE FROM group_ WHERE id = 3", "groups"),
        (
            "UPDATE seat SET state = 'paid' WHERE group_id = 5 AND idx = 2",
            "seat 5-2",
        ),
        (
            "DELETE FROM seat WHERE group_id = 5 AND idx = 3",
            "group 5 has more than 3 reservations",
        ),
        (
            "UPDATE refund SET amount = amount + 1 WHERE state = 'due'",
            "a refund on its way",
        ),
        (
            "DELETE FROM refund WHERE state = 'due'",
            "number of refunds on their way",
        ),
        (
            "UPDATE wallet_line SET balance = 0 WHERE member = 6 AND account = 2",
            "money in groups of member 6",
        ),
        (
            "UPDATE member SET inviter = 4 WHERE id = 1",
            "inviter of member 1",
        ),
        (
            "UPDATE ledger_line SET amount = amount + 1 WHERE line_no = 0 AND seq = (SELECT MAX(seq) FROM ledger_line)",
            "sum of the lines of record",
        ),
        ("UPDATE order_ SET state = 'paid'", "order 0"),
        (
            "UPDATE bounced SET txn = 'stray' WHERE txn = 'late'",
            "times that the provider's payment stray was taken",
        ),
        (
            "UPDATE campaign SET hash = zeroblob(32)",
            "published file of campaign 0",
        ),
    ] {
        let desk = Desk::of(&shop, 1_000).await;
        tamper(&desk.path, sql).await;
        let found = compare(&desk.views, &shop.world).await.unwrap();
        assert!(
            found.iter().any(|found| found.what.contains(what)),
            "{sql}: {found:?}"
        );
    }
}
