//! One long made-up history in which everything that can happen happens once.

use domain::*;
use views::*;

use crate::kit::*;

/// Groups: 0 settled to the end, 1 expired, 2 leader gone, 3 cancelled with a member who left before, 4 void,
/// 5 open with a lapsed place and a held one.
pub(crate) fn story() -> Shop {
    let mut shop = Shop::opened(7, e0());
    shop.member(None);
    let settled = shop.fill(&[0, 1, 2, 3, 4]);
    shop.wait(6);
    let outcome = shop.settle(settled);
    shop.refund(2);
    let order = OrderId(0);
    let winner = outcome.seats[usize::try_from(outcome.winners[0]).unwrap()].member;
    shop.must(Command::ShipOrder { order });
    shop.must(Command::ReceiveOrder {
        order,
        member: winner,
    });
    shop.wait(8 * 86_400);
    shop.ticks();

    let expired = shop.open(1);
    shop.seat(expired, 2, Some(0));
    shop.reserve(expired, 3, None);
    let leaderless = shop.must(Command::OpenGroup {
        campaign: CampaignId(0),
        member: MemberId(2),
        via: Some(MemberId(0)),
    });
    shop.wait(86_400);
    shop.ticks();
    let price = Money(10_000);
    let late = reserved(leaderless);
    assert!(shop.pay_as(late, "", price).is_err());
    shop.must(Command::BouncePayment {
        payment: Some(late),
        member: Some(MemberId(2)),
        txn: txn("late"),
        amount: price,
    });

    let cancelled = shop.open(3);
    shop.seat(cancelled, 4, None);
    let again = shop.seat(cancelled, 5, None);
    shop.pay_as(again, "again", price).unwrap();
    shop.must(Command::LeaveGroup {
        group: cancelled,
        member: MemberId(4),
    });
    shop.must(Command::CancelGroup { group: cancelled });

    let void = shop.fill(&[4, 3, 2, 1, 0]);
    shop.wait(2 * 86_400);
    shop.must(Command::VoidGroup { group: void });

    let open = shop.open(6);
    let lapsed = shop.reserve(open, 5, None);
    shop.wait(301);
    shop.ticks();
    shop.pay(lapsed);
    shop.reserve(open, 0, None);
    shop.pay_as(lapsed, "odd", Money(1)).unwrap();
    let (group, member) = (open, MemberId(7));
    // Binds his inviter: he had none.
    shop.must(Command::JoinPaid {
        group,
        member,
        via: Some(MemberId(6)),
        txn: txn("gateway"),
        amount: price,
        tag: tag(group, member),
    });
    shop.must(Command::JoinPaid {
        group,
        member,
        via: None,
        txn: txn("gateway-2"),
        amount: Money(3),
        tag: tag(group, member),
    });
    shop.must(Command::BouncePayment {
        payment: None,
        member: None,
        txn: txn("stray"),
        amount: Money(77),
    });
    people(&mut shop);
    withdrawals(&mut shop);
    shop
}

/// One in each state.
fn withdrawals(shop: &mut Shop) {
    let rich = (0..shop.world.members()).map(MemberId).find(|&member| {
        let known = shop.world.member(member).unwrap();
        Money(300) <= known.available && !known.frozen
    });
    let member = rich.unwrap();
    for token in 0..3 {
        shop.must(Command::Withdraw {
            member,
            token: [token; 16],
            amount: Money(100),
            account: [8; 16],
        });
    }
    for withdrawal in [0, 1].map(WithdrawalId) {
        shop.must(Command::ApproveWithdrawal { withdrawal });
    }
    shop.must(Command::NotePayout {
        withdrawal: WithdrawalId(0),
        outcome: PayoutOutcome::Paid,
    });
    shop.must(Command::NotePayout {
        withdrawal: WithdrawalId(1),
        outcome: PayoutOutcome::Waiting,
    });
    shop.must(Command::RejectWithdrawal {
        withdrawal: WithdrawalId(2),
    });
    for (withdrawal, token) in [(3, 3), (4, 4)] {
        shop.must(Command::Withdraw {
            member,
            token: [token; 16],
            amount: Money(100),
            account: [8; 16],
        });
        let withdrawal = WithdrawalId(withdrawal);
        shop.must(Command::ApproveWithdrawal { withdrawal });
    }
    shop.must(Command::NotePayout {
        withdrawal: WithdrawalId(3),
        outcome: PayoutOutcome::Failed(PayoutFailure::Expired),
    });
    claw_back(shop, member);
}

/// A part of what the member has, and then more than that.
fn claw_back(shop: &mut Shop, member: MemberId) {
    let left = shop.world.clawback_left(member).0;
    for (fen, group) in [(50, None), (left - 50, Some(GroupId(0)))] {
        shop.must(Command::ClawBack {
            member,
            amount: Money(fen),
            group,
        });
    }
    assert!(shop.world.uncovered(member).is_positive());
}

/// A plan, ranks that are set and counted, regions, agents, and somebody frozen.
fn people(shop: &mut Shop) {
    let mut terms = PlanTerms::first().clone();
    terms.ranks[0].invitees = 0;
    terms.ranks[0].team_sales = Money(1);
    let terms = Box::new(terms);
    shop.must(Command::PublishPlan { terms });
    shop.ticks();
    for (member, plan, rank) in [(3, 2, Some(4)), (4, 1, Some(1)), (4, 1, None)] {
        shop.must(Command::SetRank {
            member: MemberId(member),
            plan,
            rank,
        });
    }
    let county: Region = "330106".parse().unwrap();
    shop.must(Command::DeclareRegion {
        member: MemberId(1),
        region: county,
    });
    // What counts for this one he has not declared.
    shop.must(Command::Delivery(DeliveryCommand::Set {
        member: MemberId(2),
        region: county,
    }));
    for (region, member) in [(county, 2), (county.province(), 3)] {
        let member = MemberId(member);
        shop.must(Command::AppointAgent { region, member });
    }
    shop.must(Command::DismissAgent { region: county });
    for member in [5, 6].map(MemberId) {
        shop.must(Command::FreezeMember { member });
    }
    let member = MemberId(5);
    shop.must(Command::UnfreezeMember { member });
}

#[tokio::test]
async fn the_views_of_the_story_are_those_of_its_world() {
    let shop = story();
    assert_eq!(shop.world.violations(), Vec::<String>::new());
    let desk = Desk::of(&shop, 7).await;
    desk.agrees(&shop.world).await;
    let states: Vec<_> = desk
        .views
        .groups(GroupFilter::default(), Page::first())
        .await
        .unwrap()
        .value
        .items;
    let states: Vec<&str> = states
        .iter()
        .rev()
        .map(|group| group.state.name())
        .collect();
    assert_eq!(
        states,
        [
            "settled",
            "expired",
            "cancelled",
            "cancelled",
            "void",
            "open"
        ]
    );
}

#[tokio::test]
async fn rebuilding_gives_the_same_tables_as_following() {
    let shop = story();
    let one_by_one = Desk::of(&shop, 1).await.dump().await;
    for at_a_time in [2, 5, 1_000_000] {
        let other = Desk::of(&shop, at_a_time).await.dump().await;
        let differing: Vec<_> = one_by_one
            .iter()
            .zip(&other)
            .filter(|(a, b)| a != b)
            .collect();
        assert_eq!(differing, Vec::new());
        assert_eq!(one_by_one.len(), other.len());
    }
}

#[tokio::test]
async fn rebuilding_on_request_gives_the_same_tables() {
    let shop = story();
    let mut desk = Desk::of(&shop, 10).await;
    let before = desk.dump().await;
    desk.projector.rebuild().await.unwrap();
    assert_eq!(desk.projector.applied(), 0);
    desk.projector.apply(&shop.numbered(), None).await.unwrap();
    assert_eq!(desk.dump().await, before);
    // Readers opened before the rebuild have lost their file; new ones see it.
    let views = Views::open(&Place::from(desk.path.as_path()), desk.projector.progress())
        .await
        .unwrap();
    assert_eq!(views.counts().await.unwrap().value.members, 8);
}

#[tokio::test]
async fn the_story_leaves_no_kind_of_event_out() {
    let (shop, pools) = (story(), crate::dividends::pools());
    let kinds: std::collections::BTreeSet<String> = shop
        .records
        .iter()
        .chain(&pools.records)
        .flat_map(|record| &record.events)
        .map(|event| {
            format!("{event:?}")
                .chars()
                .take_while(char::is_ascii_alphanumeric)
                .collect()
        })
        .collect();
    assert_eq!(kinds.len(), 38, "{kinds:?}");
}

#[tokio::test]
async fn what_a_member_sees_of_a_settled_group() {
    let shop = story();
    let desk = Desk::of(&shop, 50).await;
    let views = &desk.views;
    let group = views.group_detail(GroupId(0)).await.unwrap().value.unwrap();
    assert_eq!(group.draw.state, DrawStatus::Drawn);
    let numbers: Vec<Option<u32>> = group.seats.iter().map(|seat| seat.seat_no).collect();
    assert_eq!(numbers, [Some(0), Some(1), Some(2), Some(3), Some(4)]);
    let winner = group
        .seats
        .iter()
        .find(|seat| seat.state == SeatStatus::Won)
        .unwrap();
    assert_eq!(group.draw.winners, Some(vec![winner.seat_no.unwrap()]));
    let loser = group
        .seats
        .iter()
        .find(|seat| seat.state == SeatStatus::Lost)
        .unwrap();
    let payment = views.payment(loser.payment).await.unwrap().value.unwrap();
    assert_eq!(
        (payment.state, payment.reason),
        (PaymentStatus::Refunded, Some(RefundReason::Lost))
    );
    let order = views
        .member_orders(winner.member, Page::first())
        .await
        .unwrap()
        .value
        .items
        .remove(0);
    assert_eq!(
        (order.state, order.product.en.as_str()),
        (OrderStatus::Kept, "tea")
    );
    assert_eq!(views.order(order.id).await.unwrap().value, Some(order));

    let lines = |member, account| async move {
        views
            .wallet_lines(member, account, Page::first())
            .await
            .unwrap()
            .value
            .items
    };
    let in_group = |line: &&WalletLine| line.why.group == Some(GroupId(0));
    let consolation: Vec<WalletLine> = lines(loser.member, WalletAccount::Available).await;
    let consolation = consolation
        .iter()
        .filter(in_group)
        .find(|line| line.why.kind == WhyKind::Consolation)
        .unwrap();
    assert_eq!(
        (consolation.amount, consolation.why.campaign),
        (500, Some(CampaignId(0)))
    );
    assert_eq!(consolation.why.source_seat, loser.seat_no);
    // The leader was paid for four recruits and as an upline, and all of it has vested.
    let leader = lines(MemberId(0), WalletAccount::Vesting).await;
    let rewards: Vec<_> = leader
        .iter()
        .filter(|line| line.why.kind == WhyKind::Reward)
        .collect();
    let formation: i64 = rewards
        .iter()
        .filter(|line| line.why.program == Some(ProgramKind::Formation))
        .map(|line| line.amount)
        .sum();
    assert_eq!(formation, 800);
    let vested = leader
        .iter()
        .find(|line| line.why.kind == WhyKind::Vested)
        .unwrap();
    assert_eq!(vested.balance, 0);
    assert_eq!(
        -vested.amount,
        rewards.iter().map(|line| line.amount).sum::<i64>()
    );
    let bonus = lines(winner.member, WalletAccount::VestingCoins).await;
    assert_eq!(
        bonus.iter().map(|line| line.amount).collect::<Vec<_>>(),
        [-50, 50]
    );
}

#[tokio::test]
async fn what_becomes_of_payments() {
    let shop = story();
    let desk = Desk::of(&shop, 50).await;
    let payment = |group, index| {
        let views = &desk.views;
        async move {
            let id = PaymentId {
                group: GroupId(group),
                index,
            };
            let row = views.payment(id).await.unwrap().value.unwrap();
            (
                row.state.name(),
                row.reason.map(RefundReason::name),
                row.money.len(),
            )
        }
    };
    assert_eq!(payment(1, 0).await, ("refund_due", Some("expired"), 1));
    assert_eq!(payment(1, 2).await, ("lapsed", None, 0));
    assert_eq!(
        payment(2, 0).await,
        ("refund_due", Some("group_cancelled"), 1)
    );
    assert_eq!(payment(3, 1).await, ("refund_due", Some("left"), 1));
    assert_eq!(payment(3, 2).await, ("refund_due", Some("cancelled"), 2));
    assert_eq!(payment(4, 0).await, ("refund_due", Some("void"), 1));
    assert_eq!(payment(5, 1).await, ("paid", None, 2));
    assert_eq!(payment(5, 2).await, ("waiting", None, 0));
    let money = |name: &'static str| {
        let views = &desk.views;
        async move { views.money_in(&txn(name)).await.unwrap().value }
    };
    assert_eq!(money("never").await, None);
    let stray = money("stray").await.unwrap();
    assert_eq!(
        (stray.bounced, stray.payment, stray.group),
        (Some(Bounce::NothingToPay), None, None)
    );
    assert_eq!(stray.refund.unwrap().amount, Money(77));
    let odd = money("gateway-2").await.unwrap();
    assert_eq!(
        (odd.bounced, odd.payment, odd.group),
        (Some(Bounce::AmountDiffers), None, Some(GroupId(5)))
    );
    assert_eq!(money("gateway").await.unwrap().bounced, None);
    let due = desk
        .views
        .refunds_due(Page::new(None, 100))
        .await
        .unwrap()
        .value
        .items;
    assert_eq!(due.len(), shop.world.pending_refund_count());
    let counts = desk.views.counts().await.unwrap().value;
    assert_eq!(counts.refunds_due, u64::try_from(due.len()).unwrap());
    assert_eq!(
        counts.refunds_due_amount,
        sum(due.iter().map(|refund| refund.amount)).unwrap()
    );
}

#[tokio::test]
async fn members_with_their_money_are_those_of_the_world() {
    let shop = story();
    let desk = Desk::of(&shop, 50).await;
    let members = desk
        .views
        .members(Page::new(None, 100))
        .await
        .unwrap()
        .value
        .items;
    assert_eq!(members.len(), 8);
    for row in &members {
        let known = shop.world.member(row.id).unwrap();
        assert_eq!(row.inviter, known.inviter);
        assert_eq!(
            row.active_invitees,
            u64::from(known.active_invitees),
            "member {}",
            row.id
        );
        assert_eq!(
            (
                row.available,
                row.vesting,
                row.in_groups,
                row.coins,
                row.vesting_coins
            ),
            (
                known.available,
                known.vesting,
                known.in_groups,
                known.coins,
                known.vesting_coins
            )
        );
        assert_eq!(
            desk.views.member(row.id).await.unwrap().value.as_ref(),
            Some(row)
        );
    }
    assert_eq!(members[7].inviter, Some(MemberId(6)));
}
