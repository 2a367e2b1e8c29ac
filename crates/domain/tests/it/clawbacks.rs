//! Clawbacks (rules 9.6): what can be taken back, what covers it, and the race with a withdrawal.

use domain::*;

use crate::{
    shop::Shop,
    withdrawals::{approve, available, loser, reject, rich, rich_again, withdraw},
};

fn claw_back(shop: &mut Shop, member: MemberId, fen: i64) -> Result<Answer, Refusal> {
    shop.try_do(Command::ClawBack {
        member,
        amount: Money(fen),
        group: None,
    })
}

/// What the member has, and what is not covered.
fn stands(shop: &Shop, member: MemberId) -> (i64, i64) {
    (available(shop, member), shop.world.uncovered(member).0)
}

/// Plays on until the member has got another 5.00 of consolation.
fn reward(shop: &mut Shop, members: &[MemberId], member: MemberId) {
    let before = available(shop, member);
    while available(shop, member) == before {
        rich_again(shop, members);
    }
}

#[test]
fn what_is_refused_and_in_which_order() {
    let mut shop = Shop::new();
    let members = rich(&mut shop);
    let member = loser(&shop, &members);
    #[track_caller]
    fn check(shop: &mut Shop, member: MemberId, fen: i64, group: Option<u64>, outcome: &str) {
        let command = Command::ClawBack {
            member,
            amount: Money(fen),
            group: group.map(GroupId),
        };
        let told = shop.try_do(command).map_err(|refusal| refusal.code());
        assert_eq!(told.map_or_else(|code| code, |_| "done"), outcome);
    }
    let nobody = MemberId(99);
    //                          fen  group    outcome
    check(&mut shop, nobody, 0, Some(9), "amount_not_positive");
    check(&mut shop, nobody, -1, Some(9), "amount_not_positive");
    check(&mut shop, nobody, 501, Some(9), "member_unknown");
    check(&mut shop, member, 501, Some(1), "group_unknown");
    check(&mut shop, member, 501, Some(0), "clawback_too_large");
    shop.must(Command::FreezeMember { member });
    check(&mut shop, member, 100, Some(0), "done");
    check(&mut shop, member, 401, None, "clawback_too_large");
    check(&mut shop, member, 400, None, "done");
    check(&mut shop, member, 1, None, "clawback_too_large");
    shop.check();
}

#[test]
fn what_is_there_is_taken_and_the_platforms_expense_is_less() {
    let mut shop = Shop::new();
    let members = rich(&mut shop);
    let member = loser(&shop, &members);
    let (rewards, own) = (shop.balance("rewards"), shop.world.books().own.0);
    claw_back(&mut shop, member, 200).unwrap();
    assert_eq!(stands(&shop, member), (300, 0));
    assert_eq!(shop.balance("rewards"), rewards - 200);
    assert_eq!(shop.world.books().own.0, own + 200);
    assert_eq!(shop.world.books().owed_by_members, Money(0));
    let last = shop.records.last().unwrap().events.last().unwrap();
    let short = Money(0);
    assert!(matches!(last, Event::ClawedBack { short: found, .. } if *found == short));
    shop.check();
}

/// He has withdrawn what is taken back: later rewards cover it, and only then he can withdraw again.
#[test]
fn later_rewards_set_off_what_is_not_there_any_more() {
    let mut shop = Shop::new();
    let members = rich(&mut shop);
    let member = loser(&shop, &members);
    let gone = withdraw(&mut shop, member, 1, 400).unwrap();
    approve(&mut shop, gone).unwrap();
    let withdrawal = gone;
    let outcome = PayoutOutcome::Paid;
    shop.must(Command::NotePayout {
        withdrawal,
        outcome,
    });
    assert_eq!(shop.world.clawback_left(member), Money(500));
    let books = shop.world.books();
    claw_back(&mut shop, member, 499).unwrap();
    assert_eq!(stands(&shop, member), (-399, 399));
    assert_eq!(shop.world.clawback_left(member), Money(1));
    // What he owes makes nobody else be owed less, and is no own money yet.
    let after = shop.world.books();
    let others: i64 = members
        .iter()
        .filter(|&&other| other != member)
        .map(|&other| available(&shop, other))
        .sum();
    let owed = after.owed.iter().find(|(kind, _)| *kind == "available");
    assert_eq!(owed.unwrap().1, Money(others));
    assert_eq!(after.owed_by_members, Money(399));
    assert_eq!(after.own.0, books.own.0 + 100);
    shop.check();
    assert_eq!(
        withdraw(&mut shop, member, 2, 100),
        Err(Refusal::NotAvailable {
            available: Money(-399)
        })
    );
    reward(&mut shop, &members, member);
    assert_eq!(stands(&shop, member), (101, 0));
    assert_eq!(shop.world.clawback_left(member), Money(501));
    assert_eq!(shop.world.books().owed_by_members, Money(0));
    withdraw(&mut shop, member, 2, 100).unwrap();
    // Twice below zero, covered in parts.
    claw_back(&mut shop, member, 400).unwrap();
    claw_back(&mut shop, member, 101).unwrap();
    assert_eq!(stands(&shop, member), (-500, 500));
    assert_eq!(
        claw_back(&mut shop, member, 1),
        Err(Refusal::ClawbackTooLarge { left: Money(0) })
    );
    shop.world = World::from_snapshot(&shop.world.to_snapshot()).unwrap();
    reject(&mut shop, WithdrawalId(1)).unwrap();
    assert_eq!(stands(&shop, member), (-400, 400));
    reward(&mut shop, &members, member);
    assert_eq!(stands(&shop, member), (100, 0));
    shop.check();
}

/// The clawback comes between a request and its review: what was asked for stays asked for, and staff decide.
#[test]
fn a_clawback_leaves_a_requested_withdrawal_to_staff() {
    for approved in [true, false] {
        let mut shop = Shop::new();
        let members = rich(&mut shop);
        let member = loser(&shop, &members);
        let id = withdraw(&mut shop, member, 1, 300).unwrap();
        claw_back(&mut shop, member, 450).unwrap();
        assert_eq!(stands(&shop, member), (-250, 250));
        assert_eq!(shop.world.withdrawal(id).unwrap().amount, Money(300));
        assert_eq!(shop.balance("withdrawals-due"), -300);
        if approved {
            approve(&mut shop, id).unwrap();
            let outcome = PayoutOutcome::Paid;
            shop.must(Command::NotePayout {
                withdrawal: id,
                outcome,
            });
            assert_eq!(stands(&shop, member), (-250, 250));
        } else {
            reject(&mut shop, id).unwrap();
            assert_eq!(stands(&shop, member), (50, 0));
        }
        shop.check();
    }
}

/// A member below zero without a clawback is found, and so is a clawback that says another sum than is missing.
#[test]
fn nothing_else_lets_a_member_stand_below_zero() {
    let mut shop = Shop::new();
    let members = rich(&mut shop);
    let member = loser(&shop, &members);
    #[track_caller]
    fn check(shop: &Shop, event: Event, found: &str) {
        let mut world = shop.world.clone();
        world.apply(&Record {
            at: shop.clock,
            actor: Actor::System,
            key: None,
            events: vec![event],
        });
        let violations = world.violations().join("; ");
        assert_eq!(violations, found);
    }
    let clawed = |amount, short| Event::ClawedBack {
        member,
        amount: Money(amount),
        short: Money(short),
        group: None,
    };
    let withdrawn = Event::WithdrawalRequested {
        withdrawal: WithdrawalId(0),
        member,
        token: [1; 16],
        amount: Money(501),
        fee: Money(0),
        account: [9; 16],
    };
    let below = |fen: i64, known: &str| {
        format!(
            "member {member} stands {fen} below zero, of what was taken back {known} is not covered"
        )
    };
    check(&shop, withdrawn.clone(), &below(1, "0"));
    check(&shop, clawed(600, 100), "");
    check(&shop, clawed(600, 99), &below(100, "99"));
    check(&shop, clawed(600, 101), &below(100, "101"));
    check(&shop, clawed(400, 1), &below(0, "1"));
    // Where one clawback is right, nothing more is allowed.
    claw_back(&mut shop, member, 500).unwrap();
    check(&shop, withdrawn, &below(501, "0"));
}
