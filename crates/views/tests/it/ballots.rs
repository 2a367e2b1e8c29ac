//! Ballots in the views (rules 4): registered, may buy, bought, not used.

use domain::*;
use views::*;

use crate::kit::{Desk, Shop, e0, reserved, tag};

fn ballot() -> Campaign {
    let mut terms = e0();
    terms.kind = Kind::Ballot;
    terms.group.seats = 4;
    terms.group.winners = 2;
    terms.rewards.truncate(1);
    if let rewards::Program::Consolation(consolation) = &mut terms.rewards[0].program {
        consolation.cash = Money::ZERO;
    }
    terms
}

impl Shop {
    fn register(&mut self, payment: PaymentId) {
        let (member, _) = self.world.seat(payment).unwrap();
        let tag = tag(payment.group, member);
        self.must(Command::Ballot(BallotCommand::Register {
            payment,
            member,
            tag,
        }));
    }

    fn registered(&mut self, members: &[u32]) -> GroupId {
        let payment = reserved(self.must(Command::OpenGroup {
            campaign: CampaignId(0),
            member: MemberId(members[0]),
            via: None,
        }));
        self.register(payment);
        for &member in &members[1..] {
            let payment = self.reserve(payment.group, member, Some(members[0]));
            self.register(payment);
        }
        payment.group
    }
}

/// A drawn ballot whose rights pass on, one that expires with a member who has left, one that is cancelled.
fn story() -> (Shop, GroupId, Vec<PaymentId>) {
    let mut shop = Shop::opened(5, ballot());
    let group = shop.registered(&[0, 1, 2]);
    let member = MemberId(2);
    shop.must(Command::LeaveGroup { group, member });
    let again = shop.reserve(group, 2, None);
    shop.register(again);
    let last = shop.reserve(group, 3, None);
    shop.register(last);
    let outcome = Box::new(shop.outcome(group));
    let order = outcome
        .order()
        .iter()
        .map(|&seat| {
            // Whoever came back has his first reservation, and the seat before the last.
            PaymentId { group, index: seat }
        })
        .collect();
    shop.must(Command::SettleGroup { group, outcome });
    (shop, group, order)
}

fn states(detail: &GroupDetail, order: &[PaymentId]) -> Vec<&'static str> {
    let state = |payment: &PaymentId| {
        let seat = detail.seats.iter().find(|seat| seat.payment == *payment);
        seat.unwrap().state.name()
    };
    order.iter().map(state).collect()
}

#[tokio::test]
async fn rights_are_shown_as_they_stand() {
    let (mut shop, group, order) = story();
    let mut desk = Desk::of(&shop, 3).await;
    let mut told = shop.records.len();
    desk.agrees(&shop.world).await;
    let detail = desk.views.group_detail(group).await.unwrap().value.unwrap();
    assert_eq!(detail.group.state, GroupState::Drawn);
    assert_eq!(detail.draw.state, DrawStatus::Drawn);
    assert_eq!(detail.group.paid, 4);
    assert_eq!(
        states(&detail, &order),
        ["may_buy", "may_buy", "registered", "registered"]
    );
    let until = shop.clock.after(Duration::seconds(300));
    let first = detail.seats.iter().find(|seat| seat.payment == order[0]);
    assert_eq!(first.unwrap().pay_by, until);
    assert_eq!(first.unwrap().payment_status(), PaymentStatus::Waiting);

    shop.pay(order[1]);
    shop.wait(300);
    shop.ticks();
    let late = shop.pay_as(order[0], "late", Money(10_000)).unwrap();
    assert!(matches!(
        late,
        Answer::Payment(PaymentAnswer::Bounced {
            reason: Bounce::RightLapsed,
            ..
        })
    ));
    let next: Vec<_> = shop.numbered().split_off(told);
    told = shop.records.len();
    desk.projector.apply(&next, None).await.unwrap();
    desk.agrees(&shop.world).await;
    let detail = desk.views.group_detail(group).await.unwrap().value.unwrap();
    assert_eq!(
        states(&detail, &order),
        ["unused", "paid", "may_buy", "registered"]
    );

    shop.pay(order[2]);
    let next: Vec<_> = shop.numbered().split_off(told);
    desk.projector.apply(&next, None).await.unwrap();
    desk.agrees(&shop.world).await;
    let detail = desk.views.group_detail(group).await.unwrap().value.unwrap();
    assert_eq!(detail.group.state, GroupState::Settled);
    assert_eq!(states(&detail, &order), ["unused", "won", "won", "lost"]);
    let paid: Vec<&str> = order
        .iter()
        .map(|payment| {
            let seat = detail.seats.iter().find(|seat| seat.payment == *payment);
            seat.unwrap().payment_status().name()
        })
        .collect();
    assert_eq!(paid, ["refund_due", "paid", "paid", "free"]);
}

/// However the history is cut into batches, the views are those of its world.
#[tokio::test]
async fn the_views_of_a_ballot_are_those_of_its_world_however_it_was_cut() {
    let (mut shop, _, order) = story();
    shop.pay(order[1]);
    let left = shop.registered(&[0, 1]);
    shop.wait(300);
    shop.ticks();
    let cancelled = shop.registered(&[3, 4]);
    shop.must(Command::CancelGroup { group: cancelled });
    for _ in 0..3 {
        shop.wait(300);
        shop.ticks();
    }
    shop.wait(86_400);
    shop.ticks();
    assert_eq!(shop.world.group(left).unwrap().state, GroupState::Expired);
    for at_a_time in [1, 2, 3, 5, 8, 1000] {
        let desk = Desk::of(&shop, at_a_time).await;
        desk.agrees(&shop.world).await;
    }
}
