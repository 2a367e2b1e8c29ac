//! Every row of rules 5.

use domain::*;

use crate::shop::{Shop, campaign, reserved, tag};

fn shop_with(seats: u32) -> (Shop, CampaignId, Vec<MemberId>) {
    let mut shop = Shop::new();
    let id = shop.publish(campaign(1_000, seats, 1, 100));
    let members = shop.members(seats + 3);
    (shop, id, members)
}

#[track_caller]
fn bounced(answer: Result<PaymentAnswer, Refusal>, why: Bounce) {
    match answer {
        Ok(PaymentAnswer::Bounced { reason, .. }) => assert_eq!(reason, why),
        other => panic!("{other:?}"),
    }
}

#[test]
fn nobody_joins_before_the_leader_has_paid() {
    let (mut shop, id, members) = shop_with(3);
    let leader = shop.reserve_leader(id, members[0]);
    assert_eq!(
        shop.join(leader.group, members[1]),
        Err(Refusal::LeaderNotPaid(leader.group))
    );
    shop.pay(leader);
    assert!(shop.join(leader.group, members[1]).is_ok());
    shop.check();
}

#[test]
fn a_leaders_lapse_cancels_the_group() {
    let (mut shop, id, members) = shop_with(3);
    let leader = shop.reserve_leader(id, members[0]);
    shop.wait(300);
    let (at, due) = shop.world.next_timer().unwrap();
    assert_eq!(at, shop.clock);
    shop.must(Command::Tick(due));
    assert_eq!(shop.state(leader.group), GroupState::Cancelled);
    let price = Money(1_000);
    assert_eq!(
        shop.pay_as(leader, "", price),
        Err(Refusal::PaymentNotInMemory(leader))
    );
    let bounce = Command::BouncePayment {
        payment: Some(leader),
        member: Some(members[0]),
        txn: shop.txn("T"),
        amount: price,
    };
    let answer = shop.must(bounce.clone());
    assert!(matches!(
        answer,
        Answer::Payment(PaymentAnswer::Bounced {
            reason: Bounce::GroupCancelled,
            ..
        })
    ));
    assert_eq!(shop.must(bounce), Answer::Payment(PaymentAnswer::Known));
    assert_eq!(shop.refund_all(), price);
    shop.check();
}

#[test]
fn a_reservation_lapses_exactly_at_its_deadline() {
    let (mut shop, id, members) = shop_with(2);
    let group = shop.open(id, members[0]);
    let late = shop.join(group, members[1]).unwrap();
    assert_eq!(shop.join(group, members[2]), Err(Refusal::GroupFull(group)));
    shop.wait(300);
    // The place is free at the deadline, before any timer has fired.
    let second = shop.join(group, members[2]).unwrap();
    assert_ne!(late, second);
    // And the late payment finds it held.
    let price = shop.price(group);
    bounced(shop.pay_as(late, "", price), Bounce::GroupFull);
    shop.pay(second);
    assert_eq!(shop.state(group), GroupState::Full);
    assert_eq!(shop.refund_all(), Money(1_000));
    shop.check();
}

#[test]
fn one_millisecond_before_the_deadline_is_in_time() {
    let (mut shop, id, members) = shop_with(2);
    let group = shop.open(id, members[0]);
    let payment = shop.join(group, members[1]).unwrap();
    shop.clock = Millis(shop.clock.0 + 299_999);
    assert_eq!(shop.pay(payment), PaymentAnswer::Seated(payment));
    shop.check();
}

#[test]
fn a_payment_for_a_lapsed_seat_takes_a_free_place() {
    let (mut shop, id, members) = shop_with(3);
    let group = shop.open(id, members[0]);
    let lapsed = shop.join(group, members[1]).unwrap();
    shop.wait(301);
    shop.seat(group, members[2]);
    assert_eq!(shop.pay(lapsed), PaymentAnswer::Seated(lapsed));
    assert_eq!(shop.state(group), GroupState::Full);
    // Seat numbers are the order of accepted payments: the late payer is last.
    let Event::GroupFilled { seats, .. } = shop.last() else {
        panic!()
    };
    let order: Vec<MemberId> = seats.iter().map(|seat| seat.member).collect();
    assert_eq!(order, [members[0], members[2], members[1]]);
    shop.check();
}

#[test]
fn joining_again_after_a_lapse_is_the_same_reservation() {
    let (mut shop, id, members) = shop_with(3);
    let group = shop.open(id, members[0]);
    let first = shop.join(group, members[1]).unwrap();
    shop.wait(301);
    assert_eq!(shop.join(group, members[1]), Ok(first));
    shop.pay(first);
    shop.check();
}

#[test]
fn the_same_payment_reported_again_changes_nothing() {
    let (mut shop, id, members) = shop_with(3);
    let group = shop.open(id, members[0]);
    let payment = shop.seat(group, members[1]);
    let before = shop.records.len();
    assert_eq!(shop.pay(payment), PaymentAnswer::Known);
    assert_eq!(shop.records.len(), before);
    shop.check();
}

#[test]
fn a_second_payment_for_one_seat_goes_back() {
    let (mut shop, id, members) = shop_with(3);
    let group = shop.open(id, members[0]);
    let payment = shop.seat(group, members[1]);
    let price = shop.price(group);
    bounced(shop.pay_as(payment, "again", price), Bounce::SecondPayment);
    assert_eq!(
        shop.pay_as(payment, "again", price),
        Ok(PaymentAnswer::Known)
    );
    assert_eq!(shop.refund_all(), Money(1_000));
    assert_eq!(shop.world.group(group).unwrap().paid, 2);
    shop.check();
}

#[test]
fn another_amount_goes_back_and_the_place_stays_reserved() {
    for amount in [1, 999, 1_001, i64::MAX / 4] {
        let (mut shop, id, members) = shop_with(3);
        let group = shop.open(id, members[0]);
        let payment = shop.join(group, members[1]).unwrap();
        bounced(
            shop.pay_as(payment, "wrong", Money(amount)),
            Bounce::AmountDiffers,
        );
        assert_eq!(shop.pay(payment), PaymentAnswer::Seated(payment));
        assert_eq!(shop.refund_all(), Money(amount));
        shop.check();
    }
}

#[test]
fn amounts_outside_all_sense_are_refused() {
    let (mut shop, id, members) = shop_with(3);
    let group = shop.open(id, members[0]);
    let payment = shop.join(group, members[1]).unwrap();
    assert_eq!(
        shop.pay_as(payment, "a", Money(0)),
        Err(Refusal::AmountNotPositive)
    );
    assert_eq!(
        shop.pay_as(payment, "b", Money(-5)),
        Err(Refusal::AmountNotPositive)
    );
    assert_eq!(
        shop.pay_as(payment, "c", Money(i64::MAX)),
        Err(Refusal::Overflow)
    );
    shop.check();
}

#[test]
fn not_full_by_the_deadline_refunds_everybody_and_rewards_nobody() {
    let mut shop = Shop::new();
    let id = shop.publish(crate::shop::e0());
    let members = shop.members(4);
    let group = shop.open(id, members[0]);
    for &member in &members[1..] {
        shop.seat(group, member);
    }
    shop.wait(86_400);
    let (_, due) = shop.world.next_timer().unwrap();
    shop.must(Command::Tick(due));
    assert_eq!(shop.state(group), GroupState::Expired);
    assert_eq!(shop.refund_all(), Money(40_000));
    assert_eq!(shop.balance("rewards"), 0);
    assert_eq!(shop.balance("channel"), 0);
    assert!(shop.world.next_timer().is_none());
    shop.check();
}

#[test]
fn a_group_expires_at_its_deadline_even_if_a_payment_comes_first() {
    let (mut shop, id, members) = shop_with(2);
    let group = shop.open(id, members[0]);
    shop.wait(86_399);
    let payment = shop.join(group, members[1]).unwrap();
    shop.wait(1);
    assert_eq!(
        shop.join(group, members[2]),
        Err(Refusal::GroupNotOpen(group))
    );
    assert_eq!(shop.state(group), GroupState::Expired);
    let price = Money(1_000);
    assert_eq!(
        shop.pay_as(payment, "", price),
        Err(Refusal::PaymentNotInMemory(payment))
    );
    shop.check();
}

#[test]
fn leaving_before_the_group_is_full_refunds_in_full() {
    let (mut shop, id, members) = shop_with(3);
    let group = shop.open(id, members[0]);
    let payment = shop.seat(group, members[1]);
    shop.must(Command::LeaveGroup {
        group,
        member: members[1],
    });
    assert_eq!(
        shop.world.member(members[1]).unwrap().in_groups,
        Money::ZERO
    );
    assert_eq!(shop.refund_all(), Money(1_000));
    // His old payment reported again does not seat him anew; a new join does.
    assert_eq!(shop.pay(payment), PaymentAnswer::Known);
    let again = shop.join(group, members[1]).unwrap();
    assert_ne!(again, payment);
    shop.pay(again);
    let twice = Command::LeaveGroup {
        group,
        member: members[2],
    };
    assert_eq!(
        shop.try_do(twice),
        Err(Refusal::NotInGroup {
            group,
            member: members[2]
        })
    );
    shop.check();
}

#[test]
fn giving_up_a_reservation_frees_its_place_at_once() {
    let (mut shop, id, members) = shop_with(2);
    let group = shop.open(id, members[0]);
    shop.join(group, members[1]).unwrap();
    shop.must(Command::LeaveGroup {
        group,
        member: members[1],
    });
    assert!(shop.join(group, members[2]).is_ok());
    assert!(shop.world.pending_refunds(None, 9).is_empty());
    shop.check();
}

#[test]
fn a_leader_who_leaves_takes_the_group_with_him() {
    let (mut shop, id, members) = shop_with(4);
    let group = shop.open(id, members[0]);
    shop.seat(group, members[1]);
    shop.join(group, members[2]).unwrap();
    shop.must(Command::LeaveGroup {
        group,
        member: members[0],
    });
    assert_eq!(shop.state(group), GroupState::Cancelled);
    assert_eq!(shop.refund_all(), Money(2_000));
    assert_eq!(shop.balance("channel"), 0);
    shop.check();
}

#[test]
fn nobody_joins_leaves_or_cancels_a_full_group() {
    let (mut shop, id, members) = shop_with(2);
    let group = shop.fill(id, &members[..2]);
    assert_eq!(
        shop.join(group, members[2]),
        Err(Refusal::GroupNotOpen(group))
    );
    let leave = Command::LeaveGroup {
        group,
        member: members[1],
    };
    assert_eq!(shop.try_do(leave), Err(Refusal::GroupNotOpen(group)));
    assert_eq!(
        shop.try_do(Command::CancelGroup { group }),
        Err(Refusal::GroupNotOpen(group))
    );
    shop.check();
}

#[test]
fn an_operator_cancels_an_open_group() {
    let (mut shop, id, members) = shop_with(3);
    let group = shop.open(id, members[0]);
    shop.seat(group, members[1]);
    shop.must(Command::CancelGroup { group });
    assert_eq!(shop.state(group), GroupState::Cancelled);
    assert_eq!(shop.refund_all(), Money(2_000));
    shop.check();
}

#[test]
fn payments_after_the_group_is_full_or_over_go_back() {
    let (mut shop, id, members) = shop_with(3);
    let group = shop.open(id, members[0]);
    let lapsed = shop.join(group, members[1]).unwrap();
    shop.wait(301);
    shop.seat(group, members[2]);
    shop.seat(group, members[3]);
    let price = shop.price(group);
    bounced(shop.pay_as(lapsed, "full", price), Bounce::GroupFull);
    shop.settle(group);
    assert_eq!(
        shop.pay_as(lapsed, "late", price),
        Err(Refusal::PaymentNotInMemory(lapsed))
    );
    let txn = shop.txn("late");
    let bounce = Command::BouncePayment {
        payment: Some(lapsed),
        member: Some(members[1]),
        txn,
        amount: price,
    };
    let answer = shop.must(bounce);
    assert!(matches!(
        answer,
        Answer::Payment(PaymentAnswer::Bounced {
            reason: Bounce::GroupSettled,
            ..
        })
    ));
    shop.refund_all();
    shop.check();
}

#[test]
fn a_draw_of_another_freeze_or_a_second_draw_is_refused() {
    let (mut shop, id, members) = shop_with(2);
    let first = shop.fill(id, &members[..2]);
    let second = shop.fill(id, &members[2..4]);
    let outcome = Box::new(shop.outcome(first));
    let swapped = Command::SettleGroup {
        group: second,
        outcome: outcome.clone(),
    };
    assert_eq!(
        shop.try_do(swapped),
        Err(Refusal::DrawOfAnotherFreeze(second))
    );
    shop.must(Command::SettleGroup {
        group: first,
        outcome: outcome.clone(),
    });
    let again = Command::SettleGroup {
        group: first,
        outcome,
    };
    assert_eq!(shop.try_do(again), Err(Refusal::UnknownGroup(first)));
    shop.check();
}

#[test]
fn a_group_without_beacon_value_is_void_at_its_timeout_and_not_before() {
    let (mut shop, id, members) = shop_with(2);
    let group = shop.fill(id, &members[..2]);
    let round_time = shop.world.awaiting_draw(9)[0].round_time_s;
    let from = Millis(i64::try_from(round_time + 86_400).unwrap() * 1000);
    shop.clock = Millis(from.0 - 1);
    assert_eq!(
        shop.try_do(Command::VoidGroup { group }),
        Err(Refusal::TooEarlyToVoid { group, from })
    );
    shop.clock = from;
    let outcome = Box::new(shop.outcome(group));
    shop.must(Command::VoidGroup { group });
    assert_eq!(shop.state(group), GroupState::Void);
    assert_eq!(shop.refund_all(), Money(2_000));
    // A value found later changes nothing.
    assert!(
        shop.try_do(Command::SettleGroup { group, outcome })
            .is_err()
    );
    assert!(shop.world.awaiting_draw(9).is_empty());
    shop.check();
}

#[test]
fn seats_per_member_and_the_exempt_leaders_one_seat() {
    let mut shop = Shop::new();
    let mut terms = campaign(1_000, 6, 1, 100);
    terms.group.seats_per_member = 2;
    terms.group.leader = LeaderRule::Exempt;
    let id = shop.publish(terms);
    let members = shop.members(3);
    let group = shop.open(id, members[0]);
    assert_eq!(
        shop.join(group, members[0]),
        Err(Refusal::SeatLimit {
            group,
            member: members[0]
        })
    );
    shop.seat(group, members[1]);
    shop.join(group, members[1]).unwrap();
    assert_eq!(
        shop.join(group, members[1]),
        Err(Refusal::SeatLimit {
            group,
            member: members[1]
        })
    );
    shop.must(Command::LeaveGroup {
        group,
        member: members[1],
    });
    assert_eq!(shop.world.group(group).unwrap().held, 1);
    assert_eq!(shop.refund_all(), Money(1_000));
    shop.check();
}

#[test]
fn a_gateways_member_is_seated_or_gets_his_money_back() {
    let (mut shop, id, members) = shop_with(3);
    let group = shop.open(id, members[0]);
    let paid = |shop: &Shop, member, txn: &str, amount| Command::JoinPaid {
        group,
        member,
        via: None,
        txn: shop.txn(txn),
        amount: Money(amount),
        tag: tag(group, member),
    };
    let join = paid(&shop, members[1], "g1", 1_000);
    assert!(matches!(
        shop.must(join.clone()),
        Answer::Payment(PaymentAnswer::Seated(_))
    ));
    assert_eq!(shop.must(join), Answer::Payment(PaymentAnswer::Known));
    for (member, txn, amount, why) in [
        (members[1], "g2", 1_000, Bounce::SeatLimit),
        (members[2], "g3", 999, Bounce::AmountDiffers),
    ] {
        let join = paid(&shop, member, txn, amount);
        let answer = shop.must(join.clone());
        assert!(
            matches!(answer, Answer::Payment(PaymentAnswer::Bounced { reason, .. }) if reason == why)
        );
        assert_eq!(shop.must(join), Answer::Payment(PaymentAnswer::Known));
    }
    let filled = paid(&shop, members[2], "g4", 1_000);
    shop.must(filled);
    assert_eq!(shop.state(group), GroupState::Full);
    let late = paid(&shop, members[3], "g5", 1_000);
    let answer = shop.must(late);
    assert!(matches!(
        answer,
        Answer::Payment(PaymentAnswer::Bounced {
            reason: Bounce::GroupFull,
            ..
        })
    ));
    assert_eq!(shop.refund_all(), Money(1_000 + 999 + 1_000));
    shop.check();
}

#[test]
fn one_last_seat_for_two_thousand_members() {
    let (mut shop, id, members) = shop_with(3);
    let group = shop.open(id, members[0]);
    shop.seat(group, members[1]);
    let crowd = shop.members(2_000);
    let results: Vec<_> = crowd
        .iter()
        .map(|&member| shop.join(group, member))
        .collect();
    assert!(results[0].is_ok());
    assert!(
        results[1..]
            .iter()
            .all(|result| *result == Err(Refusal::GroupFull(group)))
    );
    shop.check();
}

#[test]
fn two_thousand_payments_of_lapsed_reservations_at_once() {
    let (mut shop, id, members) = shop_with(3);
    let group = shop.open(id, members[0]);
    shop.seat(group, members[1]);
    let crowd = shop.members(2_000);
    let mut lapsed = Vec::new();
    for &member in &crowd {
        lapsed.push(shop.join(group, member).unwrap());
        shop.wait(301 - 300);
        shop.must(Command::LeaveGroup { group, member });
    }
    let answers: Vec<PaymentAnswer> = lapsed.iter().map(|&payment| shop.pay(payment)).collect();
    let seated = answers
        .iter()
        .filter(|answer| matches!(answer, PaymentAnswer::Seated(_)))
        .count();
    let back = answers.iter().filter(|answer| {
        matches!(
            answer,
            PaymentAnswer::Bounced {
                reason: Bounce::GroupFull,
                ..
            }
        )
    });
    assert_eq!((seated, back.count()), (1, 1_999));
    assert_eq!(shop.refund_all(), Money(1_999 * 1_000));
    shop.check();
}

#[test]
fn unknown_things_are_refused_by_name() {
    let (mut shop, id, members) = shop_with(2);
    let nobody = MemberId(999);
    let nowhere = GroupId(77);
    assert_eq!(
        shop.join(nowhere, members[0]),
        Err(Refusal::UnknownGroup(nowhere))
    );
    let group = shop.open(id, members[0]);
    assert_eq!(
        shop.join(group, nobody),
        Err(Refusal::UnknownMember(nobody))
    );
    let via = Command::JoinGroup {
        group,
        member: members[1],
        via: Some(nobody),
    };
    assert_eq!(shop.try_do(via), Err(Refusal::UnknownInviter(nobody)));
    let open = Command::OpenGroup {
        campaign: CampaignId(5),
        member: members[0],
        via: None,
    };
    assert_eq!(
        shop.try_do(open),
        Err(Refusal::UnknownCampaign(CampaignId(5)))
    );
    let foreign = PaymentId { group, index: 9 };
    assert_eq!(
        shop.pay_as(foreign, "", Money(1_000)),
        Err(Refusal::PaymentNotInMemory(foreign))
    );
    let refund = RefundId(3);
    assert_eq!(
        shop.try_do(Command::ConfirmRefund { refund }),
        Err(Refusal::UnknownRefund(refund))
    );
    shop.check();
}

#[test]
fn the_clock_never_runs_backwards() {
    let (mut shop, id, members) = shop_with(2);
    let group = shop.open(id, members[0]);
    let now = shop.world.now();
    shop.clock = Millis(now.0 - 1_000_000);
    let payment = reserved(shop.must(Command::JoinGroup {
        group,
        member: members[1],
        via: None,
    }));
    assert_eq!(shop.world.now(), now);
    assert_eq!(
        shop.world.seat(payment).unwrap().1.pay_by,
        now.after(Duration::seconds(300))
    );
    shop.check();
}

fn leave(shop: &mut Shop, group: GroupId, member: MemberId) {
    shop.must(Command::LeaveGroup { group, member });
}

fn paid(shop: &mut Shop, group: GroupId, member: MemberId, name: &str) -> Result<Answer, Refusal> {
    let (txn, amount) = (shop.txn(name), Money(1_000));
    let tag = tag(group, member);
    shop.try_do(Command::JoinPaid {
        group,
        member,
        via: None,
        txn,
        amount,
        tag,
    })
}

#[test]
fn a_place_given_up_and_taken_again_in_the_same_millisecond_lapses_once() {
    let (mut shop, id, members) = shop_with(3);
    let group = shop.open(id, members[0]);
    shop.join(group, members[1]).unwrap();
    shop.join(group, members[2]).unwrap();
    leave(&mut shop, group, members[2]);
    shop.join(group, members[2]).unwrap();
    shop.wait(300);
    // Two places are free again, and not one more.
    let first = shop.join(group, members[3]).unwrap();
    let second = shop.join(group, members[4]).unwrap();
    assert_eq!(shop.join(group, members[5]), Err(Refusal::GroupFull(group)));
    shop.pay(first);
    shop.pay(second);
    assert_eq!(shop.state(group), GroupState::Full);
    shop.settle(group);
    shop.check();
}

#[test]
fn a_place_taken_again_in_the_last_window_lapses_once() {
    let (mut shop, id, members) = shop_with(4);
    let group = shop.open(id, members[0]);
    shop.wait(86_400 - 200);
    shop.join(group, members[1]).unwrap();
    let again = shop.join(group, members[2]).unwrap();
    leave(&mut shop, group, members[2]);
    shop.wait(10);
    shop.join(group, members[2]).unwrap();
    shop.wait(200);
    shop.must(Command::Tick(Due::Group(group)));
    let events = &shop.records.last().unwrap().events;
    let lapse = Event::SeatLapsed { payment: again };
    assert_eq!(events.iter().filter(|event| **event == lapse).count(), 1);
    shop.check();
}

#[test]
fn joining_and_giving_up_for_ever_leaves_nothing_behind() {
    let (mut shop, id, members) = shop_with(4);
    let group = shop.open(id, members[0]);
    shop.join(group, members[1]).unwrap();
    let before = shop.world.to_snapshot().len();
    for _ in 0..500 {
        shop.join(group, members[2]).unwrap();
        leave(&mut shop, group, members[2]);
    }
    assert!(shop.world.to_snapshot().len() < before + 200);
}

#[test]
fn one_payment_holds_one_seat() {
    let (mut shop, id, members) = shop_with(4);
    let one = shop.open(id, members[0]);
    let two = shop.open(id, members[1]);
    let seated = match paid(&mut shop, one, members[2], "G1") {
        Ok(Answer::Payment(PaymentAnswer::Seated(payment))) => payment,
        other => panic!("{other:?}"),
    };
    let elsewhere = Err(Refusal::PaymentUsedElsewhere(seated));
    assert_eq!(paid(&mut shop, one, members[3], "G1"), elsewhere);
    assert_eq!(paid(&mut shop, two, members[2], "G1"), elsewhere);
    let other = shop.join(two, members[4]).unwrap();
    let (txn, amount) = (shop.txn("G1"), Money(1_000));
    let accept = Command::AcceptPayment {
        payment: other,
        txn,
        amount,
        tag: tag(two, members[4]),
    };
    assert_eq!(shop.try_do(accept), elsewhere);
    let known = Ok(Answer::Payment(PaymentAnswer::Known));
    let bounce = Command::BouncePayment {
        payment: None,
        member: None,
        txn,
        amount,
    };
    assert_eq!(shop.try_do(bounce), known);
    // Nor does money that is on its way back hold another seat.
    shop.must(Command::CancelGroup { group: one });
    assert_eq!(paid(&mut shop, two, members[2], "G1"), known);
    assert_eq!(shop.refund_all(), Money(2_000));
    shop.check();
}

#[test]
fn a_gateways_payment_for_nothing_known_is_left_to_be_sent_back() {
    let (mut shop, id, members) = shop_with(4);
    let group = shop.open(id, members[0]);
    let nowhere = GroupId(77);
    assert_eq!(
        paid(&mut shop, nowhere, members[1], "B"),
        Err(Refusal::GroupNotInMemory(nowhere))
    );
    assert_eq!(
        paid(&mut shop, group, MemberId(99), "C"),
        Err(Refusal::GroupNotInMemory(group))
    );
    // A link of somebody unknown counts as none.
    let (txn, amount) = (shop.txn("A"), Money(1_000));
    let tag = tag(group, members[1]);
    let join = Command::JoinPaid {
        group,
        member: members[1],
        via: Some(MemberId(99)),
        txn,
        amount,
        tag,
    };
    assert!(matches!(
        shop.must(join),
        Answer::Payment(PaymentAnswer::Seated(_))
    ));
    shop.check();
}

#[test]
fn a_seat_without_its_tag_is_not_taken() {
    let (mut shop, id, members) = shop_with(4);
    let group = shop.open(id, members[0]);
    let payment = shop.join(group, members[1]).unwrap();
    let (txn, amount) = (shop.txn("A"), Money(1_000));
    let accept = Command::AcceptPayment {
        payment,
        txn,
        amount,
        tag: [0; 32],
    };
    assert_eq!(shop.try_do(accept), Err(Refusal::TagMissing));
    shop.pay(payment);
    shop.check();
}

#[test]
fn groups_that_ended_free_what_they_promised() {
    let mut shop = Shop::new();
    let member = shop.member(None);
    let id = shop.publish(campaign(MAX_AMOUNT_FEN, MAX_SEATS, 1, 0));
    let open = Command::OpenGroup {
        campaign: id,
        member,
        via: None,
    };
    while shop.try_do(open.clone()).is_ok() {}
    assert_eq!(shop.try_do(open.clone()), Err(Refusal::Overflow));
    shop.wait(300);
    while let Some((_, due)) = shop.world.next_timer().filter(|(at, _)| *at <= shop.clock) {
        shop.must(Command::Tick(due));
    }
    assert!(shop.try_do(open).is_ok());
}
