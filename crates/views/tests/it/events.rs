//! Every kind of event, one by one: which tables it changes, in a few words.

use domain::*;
use views::*;

use crate::kit::*;

/// What the last record changed, table by table: rows added or rewritten, and rows gone.
async fn changes(shop: &Shop) -> Vec<String> {
    let records = shop.numbered();
    let (last, before) = records.split_last().unwrap();
    let mut desk = Desk::new().await;
    desk.projector.apply(before, None).await.unwrap();
    let old = desk.dump().await;
    desk.projector
        .apply(std::slice::from_ref(last), None)
        .await
        .unwrap();
    let new = desk.dump().await;
    desk.agrees(&shop.world).await;
    let mut counts: std::collections::BTreeMap<String, u32> = std::collections::BTreeMap::new();
    let added = new
        .iter()
        .filter(|line| !old.contains(line))
        .map(|line| (line, '+'));
    let gone = old
        .iter()
        .filter(|line| !new.contains(line))
        .map(|line| (line, '-'));
    for (line, sign) in added.chain(gone) {
        let table = line.split(':').next().unwrap();
        if table != "meta" {
            *counts.entry(format!("{sign}{table}")).or_default() += 1;
        }
    }
    counts
        .iter()
        .map(|(table, count)| format!("{table} {count}"))
        .collect()
}

#[track_caller]
fn check(found: Vec<String>, wanted: &[&str]) {
    assert_eq!(found, wanted);
}

#[tokio::test]
async fn people_and_campaigns() {
    let mut shop = Shop::new();
    shop.member(None);
    check(changes(&shop).await, &["+member 1"]);
    shop.must(Command::DepositCapital { amount: Money(5) });
    check(changes(&shop).await, &["+balance 2", "+ledger_line 2"]);
    shop.must(Command::PublishCampaign {
        campaign: Box::new(e0()),
    });
    check(changes(&shop).await, &["+campaign 1"]);
}

#[tokio::test]
async fn a_group_opens_and_fills() {
    let mut shop = Shop::opened(6, e0());
    let opened = Command::OpenGroup {
        campaign: CampaignId(0),
        member: MemberId(0),
        via: None,
    };
    let payment = reserved(shop.must(opened));
    check(
        changes(&shop).await,
        &["+draw_ 1", "+draw_file 1", "+group_ 1", "+seat 1"],
    );
    shop.pay(payment);
    check(
        changes(&shop).await,
        &[
            "+balance 3",
            "+group_ 1",
            "+ledger_line 4",
            "+seat 1",
            "+wallet_line 1",
            "-balance 1",
            "-group_ 1",
            "-seat 1",
        ],
    );
    let held = shop.reserve(payment.group, 1, None);
    check(changes(&shop).await, &["+group_ 1", "+seat 1", "-group_ 1"]);
    shop.wait(300);
    shop.ticks();
    check(
        changes(&shop).await,
        &["+group_ 1", "+seat 1", "-group_ 1", "-seat 1"],
    );
    shop.pay(held);
    for member in [2, 3] {
        shop.seat(payment.group, member, None);
    }
    let last = shop.reserve(payment.group, 4, None);
    shop.pay(last);
    check(
        changes(&shop).await,
        &[
            // Sealing numbers all five seats.
            "+balance 3",
            "+draw_ 1",
            "+draw_file 2",
            "+group_ 1",
            "+ledger_line 4",
            "+notice 5",
            "+seat 5",
            "+wallet_line 1",
            "-balance 3",
            "-draw_ 1",
            "-group_ 1",
            "-seat 5",
        ],
    );
}

#[tokio::test]
async fn money_goes_back() {
    let mut shop = Shop::opened(6, e0());
    let group = shop.open(0);
    let payment = shop.seat(group, 1, None);
    shop.pay_as(payment, "again", Money(10_000)).unwrap();
    // The money itself never touches an account of the member, but he is told.
    check(
        changes(&shop).await,
        &[
            "+balance 3",
            "+bounced 1",
            "+ledger_line 4",
            "+notice 1",
            "+refund 1",
            "+wallet_line 1",
            "-balance 2",
        ],
    );
    shop.refund(1);
    check(
        changes(&shop).await,
        &[
            "+balance 3",
            "+ledger_line 4",
            "+refund 1",
            "-balance 3",
            "-refund 1",
        ],
    );
    shop.must(Command::LeaveGroup {
        group,
        member: MemberId(1),
    });
    check(
        changes(&shop).await,
        &[
            "+balance 2",
            "+group_ 1",
            "+ledger_line 2",
            "+notice 1",
            "+refund 1",
            "+seat 1",
            "+wallet_line 1",
            "-balance 2",
            "-group_ 1",
            "-seat 1",
        ],
    );
    shop.must(Command::CancelGroup { group });
    check(
        changes(&shop).await,
        &[
            // The escrow's row goes with its last fen.
            "+balance 1",
            "+draw_ 1",
            "+draw_file 1",
            "+group_ 1",
            "+ledger_line 2",
            "+notice 1",
            "+refund 1",
            "+seat 1",
            "+wallet_line 1",
            "-balance 2",
            "-draw_ 1",
            "-group_ 1",
            "-seat 1",
        ],
    );
}

#[tokio::test]
async fn inviters_bind_and_draws_are_paid_out() {
    let mut shop = Shop::opened(5, e0());
    shop.member(None);
    let group = shop.open(0);
    shop.reserve(group, 5, Some(3));
    check(
        changes(&shop).await,
        &[
            "+group_ 1",
            "+member 1",
            "+seat 1",
            "-group_ 1",
            "-member 1",
        ],
    );
    shop.must(Command::LeaveGroup {
        group,
        member: MemberId(5),
    });
    for member in 1..5 {
        shop.seat(group, member, None);
    }
    shop.wait(10);
    let settled = shop.settle(group);
    let found = changes(&shop).await;
    for row in [
        "+draw_file 1",
        "+refund 4",
        "+order_ 1",
        "+seat 5",
        "+member 5",
        "+group_ 1",
    ] {
        assert!(found.contains(&row.to_owned()), "{row} in {found:?}");
    }
    let order = OrderId(0);
    shop.must(Command::ShipOrder { order });
    check(
        changes(&shop).await,
        &["+notice 1", "+order_ 1", "-order_ 1"],
    );
    let winner = settled.seats[usize::try_from(settled.winners[0]).unwrap()].member;
    shop.must(Command::ReceiveOrder {
        order,
        member: winner,
    });
    check(changes(&shop).await, &["+order_ 1", "-order_ 1"]);
    shop.wait(7 * 86_400);
    shop.ticks();
    let found = changes(&shop).await;
    assert!(
        found.contains(&"+order_ 1".to_owned())
            && found.iter().any(|row| row.starts_with("+wallet_line")),
        "{found:?}"
    );
}

#[tokio::test]
async fn an_event_about_something_unknown_is_a_fault_and_changes_nothing() {
    let mut desk = Desk::new().await;
    let payment = PaymentId {
        group: GroupId(9),
        index: 0,
    };
    let member = MemberId(4);
    let shop = Shop::opened(1, e0());
    let before = shop.numbered();
    desk.projector.apply(&before, None).await.unwrap();
    let dump = desk.dump().await;
    let accepted = Event::PaymentAccepted {
        payment,
        member,
        txn: txn("x"),
        amount: Money(1),
        fee: Money(0),
        tag: [0; 32],
    };
    let (amount, refund, order) = (Money(1), RefundId(0), OrderId(0));
    for event in [
        Event::InviterBound {
            member,
            inviter: MemberId(0),
        },
        Event::SeatLapsed { payment },
        accepted,
        Event::SeatLeft {
            payment,
            member,
            amount,
            refund,
        },
        Event::GroupOpened {
            group: GroupId(0),
            campaign: CampaignId(7),
            leader: member,
            expires_at: Millis(0),
        },
        Event::GroupFilled {
            group: GroupId(9),
            seats: Vec::new(),
            frozen_at: 0,
            round: 0,
            freeze: [0; 32],
        },
        Event::GroupClosed {
            group: GroupId(9),
            why: Closing::Void,
            refund_each: amount,
            first_refund: refund,
            refunds: Vec::new(),
        },
        Event::RefundPaid {
            refund,
            amount,
            fee_back: Money(0),
        },
        Event::OrderShipped {
            order,
            received_by: Millis(0),
        },
        Event::OrderReceived {
            order,
            kept_at: Millis(0),
        },
        Event::OrderKept { order },
        Event::RewardsVested {
            group: GroupId(9),
            amounts: Vec::new(),
        },
    ] {
        let record = Record {
            at: Millis(1),
            actor: Actor::System,
            key: None,
            events: vec![event.clone()],
        };
        let seq = desk.projector.applied() + 1;
        let error = desk
            .projector
            .apply(&[(seq, record)], None)
            .await
            .unwrap_err();
        assert!(
            matches!(error, ProjectError::DoesNotFit { .. }),
            "{event:?}: {error}"
        );
        assert_eq!(desk.dump().await, dump, "{event:?}");
    }
}
