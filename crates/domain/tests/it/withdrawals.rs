//! Withdrawals (rules 2.4, 2.5, 9.3): asked for once for ever, never more than there is, and their races.

use domain::*;

use crate::shop::{Shop, campaign, consolation, e0};

/// What everybody but the winner has afterwards: 5.00.
pub(crate) fn rich(shop: &mut Shop) -> Vec<MemberId> {
    let members = shop.members(5);
    rich_again(shop, &members);
    members
}

/// Consolation of 5.00 for the four of these who do not win.
pub(crate) fn rich_again(shop: &mut Shop, members: &[MemberId]) -> GroupSettled {
    let id = CampaignId(0);
    if shop.world.campaign(id).is_none() {
        shop.publish(e0());
    }
    let group = shop.fill(id, members);
    shop.settle(group)
}

pub(crate) fn loser(shop: &Shop, members: &[MemberId]) -> MemberId {
    let mut found = members.iter();
    let found = found.find(|&&member| available(shop, member) == 500);
    *found.unwrap()
}

pub(crate) fn available(shop: &Shop, member: MemberId) -> i64 {
    shop.world.member(member).unwrap().available.0
}

pub(crate) fn withdraw(
    shop: &mut Shop,
    member: MemberId,
    token: u8,
    fen: i64,
) -> Result<WithdrawalId, Refusal> {
    let command = Command::Withdraw {
        member,
        token: [token; 16],
        amount: Money(fen),
        account: [9; 16],
    };
    match shop.try_do(command)? {
        Answer::Withdrawal(id) => Ok(id),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn approve(shop: &mut Shop, withdrawal: WithdrawalId) -> Result<Answer, Refusal> {
    shop.try_do(Command::ApproveWithdrawal { withdrawal })
}

pub(crate) fn reject(shop: &mut Shop, withdrawal: WithdrawalId) -> Result<Answer, Refusal> {
    shop.try_do(Command::RejectWithdrawal { withdrawal })
}

fn note(
    shop: &mut Shop,
    withdrawal: WithdrawalId,
    outcome: PayoutOutcome,
) -> Result<Answer, Refusal> {
    shop.try_do(Command::NotePayout {
        withdrawal,
        outcome,
    })
}

const FAILED: PayoutOutcome = PayoutOutcome::Failed(PayoutFailure::Failed);
const EXPIRED: PayoutOutcome = PayoutOutcome::Failed(PayoutFailure::Expired);

#[test]
fn what_is_refused_and_in_which_order() {
    let mut shop = Shop::new();
    let members = rich(&mut shop);
    let member = loser(&shop, &members);
    #[track_caller]
    fn check(shop: &mut Shop, member: MemberId, token: u8, fen: i64, outcome: &str) {
        let told = match withdraw(shop, member, token, fen) {
            Ok(id) => format!("withdrawal {id}"),
            Err(refusal) => refusal.code().to_owned(),
        };
        assert_eq!(told, outcome);
    }
    let nobody = MemberId(99);
    //                         token  fen   outcome
    check(&mut shop, member, 1, 0, "amount_not_positive");
    check(&mut shop, member, 1, -1, "amount_not_positive");
    check(&mut shop, member, 1, 99, "withdrawal_too_small");
    check(&mut shop, nobody, 1, 100, "member_unknown");
    check(&mut shop, member, 1, 501, "not_available");
    check(&mut shop, member, 1, 300, "withdrawal 0");
    check(&mut shop, member, 1, 301, "idempotency_key_reused");
    check(&mut shop, member, 2, 201, "not_available");
    shop.must(Command::FreezeMember { member });
    check(&mut shop, member, 2, 200, "member_frozen");
    check(&mut shop, member, 1, 300, "withdrawal 0");
    shop.must(Command::UnfreezeMember { member });
    check(&mut shop, member, 2, 200, "withdrawal 1");
    check(&mut shop, member, 3, 100, "not_available");
    let as_another = Request {
        actor: Actor::Member(members[0]),
        key: None,
        command: Command::Withdraw {
            member: nobody,
            token: [1; 16],
            amount: Money(100),
            account: [9; 16],
        },
    };
    assert_eq!(
        shop.request(&as_another).unwrap_err().code(),
        "not_yourself"
    );
    shop.check();
}

#[test]
fn money_goes_its_way_and_comes_back_whole() {
    let mut shop = Shop::new();
    let members = rich(&mut shop);
    let member = loser(&shop, &members);
    let channel = shop.balance("channel");
    let paid = withdraw(&mut shop, member, 1, 100).unwrap();
    let failed = withdraw(&mut shop, member, 2, 110).unwrap();
    let expired = withdraw(&mut shop, member, 3, 120).unwrap();
    let rejected = withdraw(&mut shop, member, 4, 130).unwrap();
    assert_eq!(
        (available(&shop, member), shop.balance("withdrawals-due")),
        (40, -460)
    );
    // Nothing can be said of what was not approved, and nothing is to be paid.
    assert_eq!(shop.world.pending_payouts(None, 10), []);
    assert_eq!(
        note(&mut shop, paid, PayoutOutcome::Paid),
        Err(Refusal::WithdrawalState(paid))
    );
    for id in [expired, failed, paid] {
        approve(&mut shop, id).unwrap();
        assert_eq!(
            approve(&mut shop, id),
            Err(Refusal::WithdrawalState(id)),
            "approved once"
        );
        assert_eq!(reject(&mut shop, id), Err(Refusal::WithdrawalState(id)));
    }
    let order: Vec<_> = shop.world.pending_payouts(None, 10);
    let order: Vec<_> = order.iter().map(|due| (due.place, due.id)).collect();
    assert_eq!(order, [(0, expired), (1, failed), (2, paid)]);
    assert_eq!(shop.world.pending_payouts(Some(0), 1)[0].id, failed);
    reject(&mut shop, rejected).unwrap();
    for _again in 0..2 {
        note(&mut shop, expired, PayoutOutcome::Waiting).unwrap();
    }
    assert_eq!(
        shop.world.withdrawal(expired).unwrap().state,
        WithdrawalState::Waiting
    );
    note(&mut shop, paid, PayoutOutcome::Paid).unwrap();
    note(&mut shop, failed, FAILED).unwrap();
    note(&mut shop, expired, EXPIRED).unwrap();
    for id in [paid, failed, expired, rejected] {
        for outcome in [PayoutOutcome::Paid, FAILED, PayoutOutcome::Waiting] {
            let again = note(&mut shop, id, outcome);
            assert_eq!(again, Err(Refusal::UnknownWithdrawal(id)));
        }
        assert_eq!(reject(&mut shop, id), Err(Refusal::UnknownWithdrawal(id)));
    }
    assert_eq!(available(&shop, member), 400);
    assert_eq!(shop.balance("withdrawals-due"), 0);
    assert_eq!(shop.balance("channel"), channel - 100);
    assert_eq!(shop.world.pending_payouts(None, 10), []);
    shop.check();
}

#[test]
fn one_identity_is_one_withdrawal_for_ever() {
    let mut shop = Shop::new();
    let members = rich(&mut shop);
    let member = loser(&shop, &members);
    let id = withdraw(&mut shop, member, 1, 200).unwrap();
    let records = shop.records.len();
    assert_eq!(withdraw(&mut shop, member, 1, 200), Ok(id));
    approve(&mut shop, id).unwrap();
    note(&mut shop, id, PayoutOutcome::Paid).unwrap();
    // Long after its key was forgotten, and after a restart from a snapshot.
    shop.wait(400 * 86_400);
    shop.world = World::from_snapshot(&shop.world.to_snapshot()).unwrap();
    assert_eq!(withdraw(&mut shop, member, 1, 200), Ok(id));
    assert_eq!(withdraw(&mut shop, member, 1, 201), Err(Refusal::KeyReused));
    assert_eq!(shop.records.len(), records + 2);
    // Another member's same token is another identity.
    let other = members.iter().copied().find(|&other| other != member);
    let other = other.filter(|&other| available(&shop, other) == 500);
    let other = other.unwrap_or_else(|| {
        let mut rest = members.iter().copied();
        rest.find(|&who| who != member && available(&shop, who) == 500)
            .unwrap()
    });
    assert_ne!(withdraw(&mut shop, other, 1, 200), Ok(id));
    shop.check();
}

/// However many ask at once, as many succeed as the balance covers: the writer takes one after the other.
#[test]
fn eight_withdrawals_of_one_balance() {
    let mut shop = Shop::new();
    let members = rich(&mut shop);
    let member = loser(&shop, &members);
    let outcomes: Vec<_> = (0..8)
        .map(|token| withdraw(&mut shop, member, token, 150).is_ok())
        .collect();
    assert_eq!(
        outcomes,
        [true, true, true, false, false, false, false, false]
    );
    assert_eq!(available(&shop, member), 50);
    shop.check();
}

#[test]
fn a_member_frozen_between_request_and_review_is_not_paid_until_unfrozen() {
    let mut shop = Shop::new();
    let members = rich(&mut shop);
    let member = loser(&shop, &members);
    let ids = [1, 2, 3].map(|token| withdraw(&mut shop, member, token, 150).unwrap());
    approve(&mut shop, ids[2]).unwrap();
    shop.must(Command::FreezeMember { member });
    assert_eq!(
        approve(&mut shop, ids[0]),
        Err(Refusal::MemberFrozen(member))
    );
    reject(&mut shop, ids[1]).unwrap();
    // What was approved before is paid: the channel may have been told.
    note(&mut shop, ids[2], PayoutOutcome::Paid).unwrap();
    shop.must(Command::UnfreezeMember { member });
    approve(&mut shop, ids[0]).unwrap();
    assert_eq!(available(&shop, member), 500 - 300);
    shop.check();
}

#[test]
fn the_days_limit_is_of_shanghais_day_and_without_what_came_back() {
    let mut shop = Shop::new();
    let mut terms = campaign(10_000_000, 2, 1, 100);
    terms.rewards = vec![consolation(6_000_000, 0)];
    let id = shop.publish(terms);
    let members = shop.members(2);
    let group = shop.fill(id, &members);
    let settled = shop.settle(group);
    let member = settled.refunded()[0].1.member;
    let limit = shop.world.withdrawal_terms().daily_limit.0;
    let first = withdraw(&mut shop, member, 1, limit - 1_000).unwrap();
    withdraw(&mut shop, member, 2, 900).unwrap();
    assert_eq!(
        withdraw(&mut shop, member, 3, 101),
        Err(Refusal::WithdrawalDayLimit { left: Money(100) })
    );
    // Rejected on the same day: that much can be asked for again.
    reject(&mut shop, first).unwrap();
    let left = shop.world.withdrawal_left(member, shop.clock);
    assert_eq!(left, Money(limit - 900));
    let second = withdraw(&mut shop, member, 4, limit - 900).unwrap();
    let midnight = shop.clock.next_midnight();
    shop.clock = Millis(midnight.0 - 1);
    assert_eq!(
        withdraw(&mut shop, member, 5, 100),
        Err(Refusal::WithdrawalDayLimit { left: Money(0) })
    );
    shop.clock = midnight;
    withdraw(&mut shop, member, 5, 1_000).unwrap();
    // What comes back of yesterday's does not count for today.
    reject(&mut shop, second).unwrap();
    let left = shop.world.withdrawal_left(member, shop.clock);
    assert_eq!(left, Money(limit - 1_000));
    shop.check();
}
