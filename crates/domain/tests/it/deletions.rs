//! Accounts that their members deleted (rules 9.9): what stands against it, and what the number does afterwards.

use domain::*;

use crate::{
    recharges::{package, recharge},
    shop::{Shop, campaign, consolation, reserved},
    withdrawals::{approve, available, loser, reject, rich, withdraw},
};

fn delete(shop: &mut Shop, member: MemberId, leave: i64) -> Result<Answer, Refusal> {
    let leave = Money(leave);
    shop.try_do(Command::DeleteAccount { member, leave })
}

#[track_caller]
fn told(shop: &mut Shop, member: MemberId, leave: i64, outcome: &str) {
    let told = delete(shop, member, leave).map_err(|refusal| refusal.code());
    assert_eq!(told.map_or_else(|code| code, |_| "done"), outcome);
}

/// A group's loser who deletes his account.
pub(crate) fn every_kind() -> Vec<Record> {
    let mut shop = Shop::new();
    let members = rich(&mut shop);
    let member = loser(&shop, &members);
    delete(&mut shop, member, 500).unwrap();
    shop.check();
    shop.records
}

#[test]
fn what_is_refused_and_in_which_order() {
    let mut shop = Shop::new();
    let members = rich(&mut shop);
    let member = loser(&shop, &members);
    told(&mut shop, MemberId(99), 0, "member_unknown");
    shop.must(Command::FreezeMember { member });
    told(&mut shop, member, 500, "member_frozen");
    shop.must(Command::UnfreezeMember { member });
    let withdrawal = withdraw(&mut shop, member, 1, 200).unwrap();
    told(&mut shop, member, 500, "withdrawal_under_way");
    approve(&mut shop, withdrawal).unwrap();
    told(&mut shop, member, 500, "withdrawal_under_way");
    let outcome = PayoutOutcome::Failed(PayoutFailure::Failed);
    shop.must(Command::NotePayout {
        withdrawal,
        outcome,
    });
    told(&mut shop, member, 0, "account_not_empty");
    assert_eq!(
        delete(&mut shop, member, 499),
        Err(DeletionRefusal::NotEmpty { left: Money(500) }.into())
    );
    told(&mut shop, member, 500, "done");
    assert_eq!(shop.last(), Event::AccountDeleted { member });
    let records = shop.records.len();
    told(&mut shop, member, 500, "done");
    assert_eq!(shop.records.len(), records, "once");
    shop.check();
}

/// A reward that was taken back after it was spent is owed: no new account is begun without it.
#[test]
fn who_owes_stays() {
    let mut shop = Shop::new();
    let members = rich(&mut shop);
    let member = loser(&shop, &members);
    let withdrawal = withdraw(&mut shop, member, 1, 500).unwrap();
    approve(&mut shop, withdrawal).unwrap();
    shop.must(Command::NotePayout {
        withdrawal,
        outcome: PayoutOutcome::Paid,
    });
    shop.must(Command::ClawBack {
        member,
        amount: Money(200),
        group: None,
    });
    told(&mut shop, member, 0, "account_owes");
    shop.check();
}

/// What is refundable of recharges is left behind, too.
#[test]
fn bought_coins_are_named() {
    let mut shop = Shop::new();
    let member = shop.member(None);
    let sku = crate::purchases::list(&mut shop, package(10_000, 10_000, 0), 10);
    recharge(&mut shop, member, sku, 1);
    told(&mut shop, member, 0, "account_not_empty");
    told(&mut shop, member, 10_000, "done");
    assert_eq!(shop.world.custody(), Money(10_000), "owed to his number");
    shop.check();
}

/// Two packages of 100.00 for 100 coins and 900 more, of whose gifts 1 000 coins are used: as much as goes back when he asks.
#[test]
fn what_went_back_with_one_recharge_is_not_there_for_the_next() {
    let mut shop = Shop::new();
    let member = shop.member(None);
    let sku = crate::purchases::list(&mut shop, package(10_000, 10_000, 90_000), 10);
    let both = [1, 2].map(|token| recharge(&mut shop, member, sku, token));
    shop.wait(7 * 86_400);
    crate::purchases::ticks(&mut shop);
    let goods = crate::purchases::terms(1_000_000, 0);
    let goods = crate::purchases::list(&mut shop, goods, 1);
    let wanted = crate::purchases::asked(&shop, member, goods, 3, 1, 100_000);
    let purchase = crate::purchases::buy(&mut shop, wanted).unwrap();
    let paid = crate::purchases::pay(&mut shop, purchase, "T1", 900_000);
    assert_eq!(paid, "paid");
    assert_eq!(shop.world.member(member).unwrap().coins, Coins(80_000));
    // The first has 100 bought and 800 given coins of 1 000 left, the second its 100 bought ones alone.
    told(&mut shop, member, 0, "account_not_empty");
    let left = shop.world.left_behind(member, shop.clock).unwrap();
    assert_eq!(left, Money(9_000 + 1_000));
    for id in both {
        crate::recharges::refund(&mut shop, id, member).unwrap();
    }
    assert_eq!(shop.refund_all(), left);
    told(&mut shop, member, 0, "done");
    shop.check();
}

/// His agencies end, so that somebody else can be appointed; he cannot.
#[test]
fn his_agencies_end() {
    let mut shop = Shop::new();
    let [member, other] = std::array::from_fn(|_| shop.member(None));
    let regions = ["330106", "330000", "330100"].map(|code| code.parse::<Region>().unwrap());
    for (region, member) in regions.into_iter().zip([member, member, other]) {
        shop.must(Command::AppointAgent { region, member });
    }
    told(&mut shop, member, 0, "done");
    let agents: Vec<_> = shop.world.agents().collect();
    assert_eq!(agents, [(regions[2], other)]);
    let events = &shop.records.last().unwrap().events;
    assert_eq!(events.len(), 3);
    assert_eq!(shop.last(), Event::AccountDeleted { member });
    let region = regions[0];
    let appointed = shop.try_do(Command::AppointAgent { region, member });
    assert_eq!(appointed.unwrap_err().code(), "account_deleted");
    shop.must(Command::AppointAgent {
        region,
        member: other,
    });
    shop.check();
}

/// A withdrawal that comes a moment later finds no account; one that came before goes first.
#[test]
fn nothing_is_asked_in_its_name_any_more() {
    let mut shop = Shop::new();
    let members = rich(&mut shop);
    let member = loser(&shop, &members);
    let id = CampaignId(0);
    told(&mut shop, member, 500, "done");
    let gone = |outcome: Result<Answer, Refusal>| outcome.unwrap_err().code();
    assert_eq!(
        withdraw(&mut shop, member, 1, 200).unwrap_err().code(),
        "account_deleted"
    );
    let days = Some(7);
    for command in [
        Command::OpenGroup {
            campaign: id,
            member,
            via: None,
        },
        Command::ExcludeSelf { member, days },
        Command::SetLimits {
            member,
            limits: MemberLimits::default(),
        },
    ] {
        assert_eq!(gone(shop.try_do(command)), "account_deleted");
    }
    assert_eq!(
        gone(shop.try_do(Command::UnfreezeMember { member })),
        "account_deleted"
    );
    assert!(shop.world.member(member).unwrap().frozen);
    assert!(shop.world.is_deleted(member));
    let again = World::from_snapshot(&shop.world.to_snapshot()).unwrap();
    let of = |first: MemberId| again.deleted_members(first).collect::<Vec<_>>();
    assert_eq!(of(MemberId(0)), [member]);
    assert_eq!(of(member), [member]);
    assert_eq!(of(MemberId(member.0 + 1)), []);
    assert_eq!(available(&shop, member), 500);
    shop.check();
}

/// His seat stays in the group and is drawn, and what he had reserved can be paid.
#[test]
fn his_seats_go_on() {
    let mut shop = Shop::new();
    let mut terms = campaign(1_000, 3, 1, 100);
    terms.rewards = vec![consolation(100, 0)];
    let id = shop.publish(terms);
    let [one, two, three] = std::array::from_fn(|_| shop.member(None));
    let group = shop.open(id, one);
    shop.seat(group, two);
    let waits = shop.join(group, three).unwrap();
    told(&mut shop, two, 0, "done");
    told(&mut shop, three, 0, "done");
    // What he had reserved he may still pay: the link to the channel is his already.
    assert_eq!(shop.pay(waits), PaymentAnswer::Seated(waits));
    let settled = shop.settle(group);
    assert_eq!(settled.refunded().len(), 2);
    shop.refund_all();
    shop.check();
}

/// An inviter who has gone counts, and is not paid.
#[test]
fn an_upline_is_as_a_frozen_one() {
    let mut shop = Shop::new();
    let top = shop.member(None);
    let id = shop.publish(crate::shop::e0());
    let members: Vec<MemberId> = (0..5).map(|_| shop.member(Some(top))).collect();
    told(&mut shop, top, 0, "done");
    let group = shop.fill(id, &members);
    shop.settle(group);
    let known = shop.world.member(top).unwrap();
    assert_eq!((known.vesting, known.available), (Money(0), Money(0)));
    assert_eq!(known.active_invitees, 5);
    shop.check();
}

/// The circle does not wait for him: his place can be taken.
#[test]
fn a_circle_goes_on() {
    let mut shop = Shop::new();
    let id = shop.publish(crate::circles::circle(10_000, 2, 1));
    let members = shop.members(2);
    let stranger = shop.member(None);
    let circle = shop.fill(id, &members);
    shop.settle(circle);
    shop.refund_all();
    let left = shop.world.left_behind(members[1], shop.clock).unwrap().0;
    told(&mut shop, members[1], left, "done");
    let payment = reserved(shop.must(crate::circles::open(circle, members[0])));
    shop.pay(payment);
    shop.seat(payment.group, stranger);
    shop.settle(payment.group);
    shop.check();
}

#[test]
fn a_rejected_withdrawal_is_named_again() {
    let mut shop = Shop::new();
    let members = rich(&mut shop);
    let member = loser(&shop, &members);
    let withdrawal = withdraw(&mut shop, member, 1, 500).unwrap();
    reject(&mut shop, withdrawal).unwrap();
    told(&mut shop, member, 0, "account_not_empty");
    told(&mut shop, member, 500, "done");
    shop.check();
}
