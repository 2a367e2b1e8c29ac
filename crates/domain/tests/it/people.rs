//! Inviters, VIP levels and idempotency keys (rules 2.4 and 3).

use domain::*;

use crate::shop::{Shop, campaign, e0, e2};

#[test]
fn a_registration_is_idempotent_by_its_token() {
    let mut shop = Shop::new();
    let command = Command::RegisterMember {
        token: [9; 16],
        inviter: None,
    };
    assert_eq!(shop.must(command.clone()), Answer::Member(MemberId(0)));
    assert_eq!(shop.must(command), Answer::Member(MemberId(0)));
    let unknown = Command::RegisterMember {
        token: [8; 16],
        inviter: Some(MemberId(7)),
    };
    assert_eq!(
        shop.try_do(unknown),
        Err(Refusal::UnknownInviter(MemberId(7)))
    );
    shop.check();
}

#[test]
fn the_first_join_through_a_link_binds_for_ever() {
    let mut shop = Shop::new();
    let id = shop.publish(campaign(1_000, 4, 1, 100));
    let members = shop.members(4);
    let group = shop.open(id, members[0]);
    let join = |member, via| Command::JoinGroup {
        group,
        member,
        via: Some(via),
    };
    shop.must(join(members[1], members[0]));
    assert_eq!(
        shop.world.member(members[1]).unwrap().inviter,
        Some(members[0])
    );
    // Bound once: another link changes nothing.
    shop.must(Command::LeaveGroup {
        group,
        member: members[1],
    });
    shop.must(join(members[1], members[2]));
    assert_eq!(
        shop.world.member(members[1]).unwrap().inviter,
        Some(members[0])
    );
    // His own link, and a link from below him, never bind.
    shop.must(join(members[2], members[2]));
    assert_eq!(shop.world.member(members[2]).unwrap().inviter, None);
    let other = shop.open(id, members[3]);
    shop.must(Command::JoinGroup {
        group: other,
        member: members[0],
        via: Some(members[1]),
    });
    assert_eq!(shop.world.member(members[0]).unwrap().inviter, None);
    shop.check();
}

#[test]
fn vip_counts_direct_invitees_with_a_settled_seat_once() {
    let mut shop = Shop::new();
    let id = shop.publish(campaign(1_000, 2, 1, 100));
    let top = shop.member(None);
    let mut levels = Vec::new();
    for _ in 0..6 {
        let invitee = shop.member(Some(top));
        let stranger = shop.member(None);
        for _ in 0..2 {
            let group = shop.fill(id, &[invitee, stranger]);
            shop.settle(group);
        }
        levels.push(shop.world.member(top).unwrap().vip);
    }
    assert_eq!(levels, [1, 1, 2, 2, 2, 3]);
    assert_eq!(shop.world.member(top).unwrap().active_invitees, 6);
    shop.check();
}

#[test]
fn an_inviter_bound_after_the_first_settled_seat_still_counts_it() {
    let mut shop = Shop::new();
    let id = shop.publish(campaign(1_000, 2, 1, 100));
    let members = shop.members(3);
    let group = shop.fill(id, &members[..2]);
    shop.settle(group);
    let group = shop.open(id, members[2]);
    shop.must(Command::JoinGroup {
        group,
        member: members[0],
        via: Some(members[2]),
    });
    assert_eq!(shop.world.member(members[2]).unwrap().vip, 1);
    shop.check();
}

#[test]
fn uplines_are_read_when_the_group_fills() {
    let mut shop = Shop::new();
    let id = shop.publish(e0());
    let top = shop.member(None);
    let members: Vec<MemberId> = (0..5).map(|_| shop.member(Some(top))).collect();
    let group = shop.fill(id, &members);
    let settled = shop.settle(group);
    let to_top: i64 = settled
        .rewards
        .iter()
        .filter(|paid| paid.member == top)
        .map(|paid| paid.cash.0)
        .sum();
    assert_eq!(to_top, 3_000);
    shop.check();
}

#[test]
fn a_link_used_by_the_last_seat_counts_in_that_very_group() {
    let mut shop = Shop::new();
    let id = shop.publish(e0());
    let members = shop.members(6);
    let group = shop.open(id, members[0]);
    for &member in &members[1..4] {
        shop.seat(group, member);
    }
    let join = Command::JoinPaid {
        group,
        member: members[4],
        via: Some(members[5]),
        txn: shop.txn("last"),
        amount: Money(10_000),
        tag: crate::shop::tag(group, members[4]),
    };
    shop.must(join);
    let settled = shop.settle(group);
    let paid: Vec<_> = settled
        .rewards
        .iter()
        .filter(|paid| paid.member == members[5])
        .collect();
    // Formation for the recruited seat, and the generation reward of his new invitee.
    assert_eq!(
        paid.iter()
            .map(|paid| (paid.program, paid.cash.0))
            .collect::<Vec<_>>(),
        [
            (ProgramKind::Formation, 200),
            (ProgramKind::Generation, 600),
        ]
    );
    shop.check();
}

fn keyed(key: u8, content: u8, command: Command) -> Request {
    let key = IdempotencyKey {
        key: [key; 16],
        content: [content; 16],
    };
    Request {
        actor: Actor::Member(MemberId(0)),
        key: Some(key),
        command,
    }
}

#[test]
fn the_same_key_gives_the_same_answer_and_no_second_effect() {
    let mut shop = Shop::new();
    let id = shop.publish(campaign(1_000, 3, 1, 100));
    shop.members(2);
    let open = Command::OpenGroup {
        campaign: id,
        member: MemberId(0),
        via: None,
    };
    let first = shop.request(&keyed(1, 1, open.clone())).unwrap();
    shop.wait(86_399);
    assert_eq!(shop.request(&keyed(1, 1, open.clone())), Ok(first));
    assert_eq!(shop.world.groups(), 1);
    assert_eq!(
        shop.request(&keyed(1, 2, open.clone())),
        Err(Refusal::KeyReused)
    );
    // Another actor's key is another key, and nobody acts in another's name.
    let stranger = Request {
        actor: Actor::Member(MemberId(1)),
        ..keyed(1, 2, open.clone())
    };
    let refused = Refusal::NotYourself {
        actor: MemberId(1),
        member: MemberId(0),
    };
    assert_eq!(shop.request(&stranger), Err(refused));
    let own = Command::OpenGroup {
        campaign: id,
        member: MemberId(1),
        via: None,
    };
    assert!(
        shop.request(&Request {
            command: own,
            ..stranger
        })
        .is_ok()
    );
    // After 24 hours it is forgotten.
    shop.wait(1);
    assert_ne!(shop.request(&keyed(1, 1, open)).unwrap(), first);
    shop.check();
}

#[test]
fn refusals_are_not_remembered() {
    let mut shop = Shop::new();
    let id = shop.publish(campaign(1_000, 3, 1, 100));
    shop.members(2);
    let leader = shop.reserve_leader(id, MemberId(1));
    let join = Command::JoinGroup {
        group: leader.group,
        member: MemberId(0),
        via: None,
    };
    assert_eq!(
        shop.request(&keyed(1, 1, join.clone())),
        Err(Refusal::LeaderNotPaid(leader.group))
    );
    shop.pay(leader);
    assert!(shop.request(&keyed(1, 1, join)).is_ok());
    shop.check();
}

#[test]
fn sixty_four_keys_are_kept_and_the_oldest_makes_room() {
    let mut shop = Shop::new();
    let id = shop.publish(campaign(1_000, 3, 1, 100));
    shop.members(1);
    let open = Command::OpenGroup {
        campaign: id,
        member: MemberId(0),
        via: None,
    };
    let answers: Vec<Answer> = (0..65)
        .map(|key| shop.request(&keyed(key, 0, open.clone())).unwrap())
        .collect();
    assert_eq!(shop.request(&keyed(1, 0, open.clone())), Ok(answers[1]));
    assert_ne!(shop.request(&keyed(0, 0, open)), Ok(answers[0]));
    shop.check();
}

#[test]
fn vip_depth_opens_generations_one_by_one() {
    // VIP 0 opens none, so an inviter without invitees who played gets nothing.
    let mut shop = Shop::new();
    let id = shop.publish(e2());
    let novice = shop.member(None);
    let mut members: Vec<MemberId> = vec![shop.member(Some(novice))];
    members.extend(shop.members(99));
    let group = shop.fill(id, &members);
    let settled = shop.settle(group);
    assert_eq!(settled.rewards, Vec::new());
    assert_eq!(shop.world.member(novice).unwrap().vip, 1);
    // Now he is VIP 1. Of one non-winner's consolation of 12 he gets 0.60 (rules 12).
    let group = shop.fill(id, &members);
    let settled = shop.settle(group);
    let lost = !settled.winners.contains(&0);
    let expected: &[i64] = if lost { &[60] } else { &[] };
    assert_eq!(
        settled
            .rewards
            .iter()
            .map(|paid| paid.cash.0)
            .collect::<Vec<_>>(),
        expected
    );
    shop.check();
}

#[test]
fn the_link_of_a_lapsed_reservation_counts_when_a_gateway_takes_it_up() {
    for last in [false, true] {
        let mut shop = Shop::new();
        let members = shop.members(7);
        let id = shop.publish(e0());
        let group = shop.open(id, members[0]);
        shop.seat(group, members[1]);
        shop.seat(group, members[2]);
        shop.must(Command::JoinGroup {
            group,
            member: members[3],
            via: Some(members[6]),
        });
        shop.wait(300);
        if last {
            shop.seat(group, members[4]);
        }
        shop.must(Command::JoinPaid {
            group,
            member: members[3],
            via: None,
            txn: shop.txn("G"),
            amount: Money(10_000),
            tag: crate::shop::tag(group, members[3]),
        });
        if !last {
            shop.seat(group, members[4]);
        }
        let formation = shop.settle(group).rewards;
        let to_recruiter = formation
            .iter()
            .find(|paid| paid.member == members[6] && paid.program == ProgramKind::Formation);
        assert!(to_recruiter.is_some(), "last: {last}");
        shop.check();
    }
}

#[test]
fn nobody_recruits_himself() {
    let mut shop = Shop::new();
    let members = shop.members(5);
    let id = shop.publish(e0());
    let group = shop.open(id, members[0]);
    for &member in &members[1..] {
        let join = Command::JoinGroup {
            group,
            member,
            via: Some(member),
        };
        let payment = crate::shop::reserved(shop.must(join));
        shop.pay(payment);
    }
    let settled = shop.settle(group);
    let formation = settled
        .rewards
        .iter()
        .filter(|paid| paid.program == ProgramKind::Formation);
    assert!(
        formation.clone().count() == 4
            && formation.into_iter().all(|paid| paid.member == members[0])
    );
}

#[test]
fn whom_the_filling_payment_binds_counts_for_his_inviters_level() {
    let mut shop = Shop::new();
    let mut terms = e0();
    let rewards::Program::Generation(generation) = &mut terms.rewards[2].program else {
        panic!()
    };
    // Only VIP 1 and above get anything.
    generation.vip_depth = Some(vec![0, 1]);
    let id = shop.publish(terms);
    let members = shop.members(8);
    let played = shop.fill(id, &members[..5]);
    shop.settle(played);
    let group = shop.open(id, members[0]);
    for &member in &members[1..4] {
        shop.seat(group, member);
    }
    let other = shop.open(id, members[0]);
    let pay = |group, member, via, txn| Request {
        actor: Actor::System,
        key: None,
        command: Command::JoinPaid {
            group,
            member,
            via: Some(via),
            txn,
            amount: Money(10_000),
            tag: crate::shop::tag(group, member),
        },
    };
    // The last seat's payment binds its member, who has played before, to somebody who thereby becomes VIP 1. What the
    // command before it in the same batch has bound is no business of this one.
    let (before, last) = (shop.txn("before"), shop.txn("last"));
    let mut batch = Records::default();
    for request in [
        pay(other, members[6], members[7], before),
        pay(group, members[4], members[5], last),
    ] {
        shop.world
            .execute_into(&request, shop.clock, &mut batch)
            .unwrap();
    }
    shop.records
        .extend(batch.iter().map(|record| record.to_record()));
    assert_eq!(shop.world.member(members[5]).unwrap().vip, 1);
    let rewards = shop.settle(group).rewards;
    let generation = rewards
        .iter()
        .find(|paid| paid.program == ProgramKind::Generation);
    assert_eq!(
        generation.map(|paid| (paid.member, paid.cash)),
        Some((members[5], Money(600)))
    );
    shop.check();
}
