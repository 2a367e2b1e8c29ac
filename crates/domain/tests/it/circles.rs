//! Circles that take turns (rules 4, draw 7): who may play, what stands in the draw's files, and that everybody wins once a cycle
//! before anybody wins twice.

use std::collections::{BTreeMap, BTreeSet};

use domain::*;
use proptest::prelude::*;

use crate::shop::{Shop, campaign, reserved};

/// A campaign whose groups are circles.
pub(crate) fn circle(price: i64, seats: u32, winners: u32) -> Campaign {
    let mut terms = campaign(price, seats, winners, 0);
    terms.group.circle = Circle::Rotate;
    terms
}

pub(crate) fn open(circle: GroupId, member: MemberId) -> Command {
    Command::Circle(CircleCommand::OpenRound { circle, member })
}

fn leave(circle: GroupId, member: MemberId) -> Command {
    Command::Circle(CircleCommand::Leave { circle, member })
}

/// Opens a circle's next group and fills it.
pub(crate) fn next_round(shop: &mut Shop, circle: GroupId, members: &[MemberId]) -> GroupId {
    let payment = reserved(shop.must(open(circle, members[0])));
    shop.pay(payment);
    for &member in &members[1..] {
        shop.seat(payment.group, member);
    }
    assert_eq!(shop.state(payment.group), GroupState::Full);
    payment.group
}

fn code(answer: Result<Answer, Refusal>) -> &'static str {
    match answer {
        Ok(_) => "done",
        Err(refusal) => refusal.code(),
    }
}

#[test]
fn whoever_has_won_waits_until_all_have() {
    let mut shop = Shop::new();
    let id = shop.publish(circle(10_000, 3, 1));
    let members = shop.members(3);
    let circle = shop.fill(id, &members);
    let ident = shop.world.tag_ident(circle).unwrap().unwrap();
    let mut files = vec![shop.world.draw_files(circle).unwrap()];
    let mut won = vec![shop.settle(circle).winners];
    for _ in 0..5 {
        let group = next_round(&mut shop, circle, &members);
        assert_eq!(shop.world.tag_ident(group).unwrap().unwrap(), ident);
        assert_eq!(shop.world.circle_of(group), Some(circle));
        files.push(shop.world.draw_files(group).unwrap());
        won.push(shop.settle(group).winners);
    }
    // Seats are taken in the same order in every group here.
    for cycle in won.chunks(3) {
        let all: BTreeSet<u32> = cycle.iter().flatten().copied().collect();
        assert_eq!(all.len(), 3, "{won:?}");
    }
    let past: Vec<draw::PastDraw<'_>> = files
        .iter()
        .zip(&won)
        .map(|(files, winners)| draw::PastDraw::Drawn {
            seats: &files.seats,
            winners,
        })
        .collect();
    draw::Tiers::from_history(&past).unwrap();
    assert_eq!(files[0].freeze.prev, None);
    assert!(files[1..].iter().all(|files| files.freeze.prev.is_some()));
    let last = &files[5];
    let certain = draw::certain_members(&last.open, &last.seats);
    assert_eq!(certain.len(), 1, "the last of a cycle is certain to win");
    shop.check();
}

#[test]
fn who_may_do_what_in_a_circle() {
    let mut shop = Shop::new();
    let id = shop.publish(circle(10_000, 3, 1));
    let members = shop.members(3);
    let stranger = shop.member(None);
    let group = shop.open(id, members[0]);
    let ask = |shop: &mut Shop, command: Command| code(shop.try_do(command));
    assert_eq!(ask(&mut shop, open(group, members[0])), "circle_unknown");
    for &member in &members[1..] {
        shop.seat(group, member);
    }
    let circle = group;
    assert_eq!(
        ask(&mut shop, open(circle, members[0])),
        "circle_round_running"
    );
    shop.settle(circle);
    assert_eq!(ask(&mut shop, open(circle, stranger)), "circle_not_in");
    assert_eq!(
        ask(&mut shop, open(GroupId(77), stranger)),
        "circle_unknown"
    );
    let payment = reserved(shop.must(open(circle, members[1])));
    shop.pay(payment);
    let next = payment.group;
    assert_eq!(
        code(shop.join(next, stranger).map(|_| Answer::Done)),
        "circle_not_in"
    );
    assert_eq!(
        ask(&mut shop, leave(circle, members[1])),
        "circle_round_running"
    );
    assert_eq!(ask(&mut shop, leave(circle, stranger)), "circle_not_in");
    assert_eq!(ask(&mut shop, leave(circle, members[2])), "done");
    assert_eq!(ask(&mut shop, leave(circle, members[2])), "done");
    // His place is free, for one.
    shop.seat(next, stranger);
    let another = shop.member(None);
    assert_eq!(
        code(shop.join(next, another).map(|_| Answer::Done)),
        "circle_not_in"
    );
    assert_eq!(
        code(shop.join(next, members[2]).map(|_| Answer::Done)),
        "circle_left"
    );
    shop.seat(next, members[0]);
    let tiers: Vec<u32> = shop
        .world
        .draw_files(next)
        .unwrap()
        .seats
        .0
        .iter()
        .map(|line| line.tier)
        .collect();
    assert_eq!(
        tiers.iter().filter(|&&tier| tier == 0).count(),
        if tiers.contains(&1) { 2 } else { 3 }
    );
    shop.settle(next);
    assert!(shop.world.is_in_circle(circle, stranger));
    assert_eq!(ask(&mut shop, open(circle, members[2])), "circle_left");
    shop.check();
}

/// The place of somebody who is frozen or has excluded himself can be taken; he keeps it until somebody has.
#[test]
fn who_cannot_play_does_not_stop_the_others() {
    let mut shop = Shop::new();
    let id = shop.publish(circle(10_000, 3, 1));
    let members = shop.members(3);
    let stranger = shop.member(None);
    let circle = shop.fill(id, &members);
    shop.settle(circle);
    shop.must(Command::FreezeMember { member: members[1] });
    shop.must(Command::ExcludeSelf {
        member: members[2],
        days: Some(7),
    });
    let payment = reserved(shop.must(open(circle, members[0])));
    shop.pay(payment);
    let next = payment.group;
    shop.seat(next, stranger);
    shop.must(Command::UnfreezeMember { member: members[1] });
    shop.seat(next, members[1]);
    assert_eq!(shop.state(next), GroupState::Full);
    shop.settle(next);
    assert!(!shop.world.is_in_circle(circle, members[2]));
    assert_eq!(shop.world.circle(circle).unwrap().members, 3);
    shop.check();
}

/// Who comes back while another holds his place has lost it for this group; nobody else has.
#[test]
fn nobody_is_put_out_by_one_who_comes_back() {
    let mut shop = Shop::new();
    let id = shop.publish(circle(10_000, 4, 1));
    let members = shop.members(4);
    let stranger = shop.member(None);
    let circle = shop.fill(id, &members);
    shop.settle(circle);
    shop.must(Command::FreezeMember { member: members[1] });
    let payment = reserved(shop.must(open(circle, members[0])));
    shop.pay(payment);
    let next = payment.group;
    let reserved = shop.join(next, stranger).unwrap();
    shop.must(Command::UnfreezeMember { member: members[1] });
    let back = |shop: &mut Shop| {
        shop.join(next, members[1])
            .map_err(|refusal| refusal.code())
    };
    assert_eq!(back(&mut shop), Err("circle_not_in"));
    // The stranger's reservation lapses: the place is his own again; then it is the stranger's, who pays late, no more.
    shop.wait(300);
    shop.tick();
    shop.seat(next, members[2]);
    let own = back(&mut shop).unwrap();
    assert!(matches!(shop.pay(reserved), PaymentAnswer::Bounced { .. }));
    shop.pay(own);
    shop.seat(next, members[3]);
    assert_eq!(shop.state(next), GroupState::Full);
    shop.check();
}

/// A group that ends without a draw leaves turns as they were, and stands in the chain all the same.
#[test]
fn what_is_not_drawn_changes_nobodys_turn() {
    let mut shop = Shop::new();
    let id = shop.publish(circle(10_000, 3, 1));
    let members = shop.members(3);
    let circle = shop.fill(id, &members);
    shop.settle(circle);
    let before = shop.world.circle(circle).unwrap().last;
    let payment = reserved(shop.must(open(circle, members[0])));
    shop.pay(payment);
    shop.must(Command::LeaveGroup {
        group: payment.group,
        member: members[0],
    });
    let after = shop.world.circle(circle).unwrap();
    assert_ne!(after.last, before);
    assert_eq!(after.round, None);
    let void = next_round(&mut shop, circle, &members);
    let files = shop.world.draw_files(void).unwrap();
    assert_eq!(files.freeze.prev.map(|hash| hash.0), after.last);
    let tiers =
        |files: &DrawFiles| -> Vec<u32> { files.seats.0.iter().map(|line| line.tier).collect() };
    shop.wait(2 * 86_400);
    shop.must(Command::VoidGroup { group: void });
    let next = next_round(&mut shop, circle, &members);
    let again = shop.world.draw_files(next).unwrap();
    assert_eq!(tiers(&files), tiers(&again));
    let expected = draw::Void {
        of: files.freeze.hash(),
        reason: draw::VoidReason::Timeout,
        at: shop.clock.unix_seconds(),
    };
    assert_eq!(again.freeze.prev, Some(expected.hash()));
    shop.settle(next);
    shop.check();
}

/// A circle whose first group never fills leaves nothing behind.
#[test]
fn a_circle_begins_with_its_first_full_group() {
    let mut shop = Shop::new();
    let id = shop.publish(circle(10_000, 3, 1));
    let members = shop.members(2);
    let group = shop.open(id, members[0]);
    shop.seat(group, members[1]);
    shop.wait(86_400);
    shop.must(Command::Tick(Due::Group(group)));
    assert_eq!(shop.state(group), GroupState::Expired);
    assert_eq!(shop.world.circle(group), None);
    assert_eq!(code(shop.try_do(open(group, members[0]))), "circle_unknown");
    shop.check();
}

#[test]
fn a_late_payment_of_somebody_whose_place_is_taken_goes_back() {
    let mut shop = Shop::new();
    let id = shop.publish(circle(10_000, 3, 1));
    let members = shop.members(3);
    let (late, quick) = (shop.member(None), shop.member(None));
    let circle = shop.fill(id, &members);
    shop.settle(circle);
    shop.must(leave(circle, members[2]));
    let payment = reserved(shop.must(open(circle, members[0])));
    shop.pay(payment);
    let slow = shop.join(payment.group, late).unwrap();
    shop.wait(300);
    shop.seat(payment.group, quick);
    match shop.pay(slow) {
        PaymentAnswer::Bounced { reason, .. } => assert_eq!(reason, Bounce::NotInCircle),
        other => panic!("{other:?}"),
    }
    shop.check();
}

#[derive(Clone, Debug)]
enum Step {
    Open(usize),
    Join(usize),
    Quit(usize),
    Leave(usize),
    Freeze(usize),
    Unfreeze(usize),
    Exclude(usize),
    Settle,
    Void,
    Wait(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0..8usize;
    prop_oneof![
        3 => who.clone().prop_map(Step::Open),
        16 => who.clone().prop_map(Step::Join),
        1 => who.clone().prop_map(Step::Quit),
        1 => who.clone().prop_map(Step::Leave),
        1 => who.clone().prop_map(Step::Freeze),
        2 => who.clone().prop_map(Step::Unfreeze),
        1 => who.prop_map(Step::Exclude),
        8 => Just(Step::Settle),
        1 => Just(Step::Void),
        1 => (1..100_000i64).prop_map(Step::Wait),
    ]
}

/// What a history has played in one circle.
struct Played {
    shop: Shop,
    circle: GroupId,
    members: Vec<MemberId>,
    /// How often each member has won since he is in the circle, from where he began.
    wins: BTreeMap<MemberId, u32>,
    draws: u32,
}

impl Played {
    fn round(&self) -> Option<GroupId> {
        self.shop.world.circle(self.circle)?.round
    }

    fn take(&mut self, step: &Step) {
        let circle = self.circle;
        match *step {
            Step::Open(who) => {
                if let Ok(answer) = self.shop.try_do(open(circle, self.members[who])) {
                    self.shop.pay(reserved(answer));
                }
            }
            Step::Join(who) => {
                if let Some(group) = self.round()
                    && let Ok(payment) = self.shop.join(group, self.members[who])
                {
                    self.shop.pay(payment);
                }
            }
            Step::Quit(who) => {
                let member = self.members[who];
                if let Some(group) = self.round() {
                    let _ = self.shop.try_do(Command::LeaveGroup { group, member });
                }
            }
            Step::Leave(who) => drop(self.shop.try_do(leave(circle, self.members[who]))),
            Step::Freeze(who) => {
                let member = self.members[who];
                drop(self.shop.try_do(Command::FreezeMember { member }));
            }
            Step::Unfreeze(who) => {
                let member = self.members[who];
                drop(self.shop.try_do(Command::UnfreezeMember { member }));
            }
            Step::Exclude(who) => {
                let (member, days) = (self.members[who], Some(7));
                drop(self.shop.try_do(Command::ExcludeSelf { member, days }));
            }
            Step::Settle => self.settle(),
            Step::Void => {
                if let Some(group) = self.round() {
                    self.shop.wait(200_000);
                    drop(self.shop.try_do(Command::VoidGroup { group }));
                }
            }
            Step::Wait(seconds) => self.shop.wait(seconds),
        }
    }

    /// Nobody wins who has won more often than somebody else at the table, counted from where each began.
    fn settle(&mut self) {
        let Some(group) = self.round() else { return };
        if self.shop.world.draw_files(group).is_none() {
            return;
        }
        let settled = self.shop.settle(group);
        let at_table: Vec<MemberId> = settled.seats.iter().map(|seat| seat.member).collect();
        let known = at_table.iter().filter_map(|member| self.wins.get(member));
        let lowest = known.min().copied().unwrap_or(0);
        for &member in &at_table {
            self.wins.entry(member).or_insert(lowest);
        }
        self.wins.retain(|member, _| at_table.contains(member));
        let left: Vec<MemberId> = at_table
            .iter()
            .copied()
            .filter(|member| self.wins[member] == lowest)
            .collect();
        let won: BTreeSet<MemberId> = settled
            .winners
            .iter()
            .map(|&seat| at_table[seat as usize])
            .collect();
        let among_left = won.iter().filter(|member| left.contains(member)).count();
        assert_eq!(
            among_left,
            left.len().min(won.len()),
            "whoever has not won goes first"
        );
        for member in won {
            *self.wins.get_mut(&member).unwrap() += 1;
        }
        let (least, most) = (
            self.wins.values().min().unwrap(),
            self.wins.values().max().unwrap(),
        );
        assert!(
            most - least <= 1,
            "somebody has won twice before all have won once"
        );
        self.draws += 1;
    }
}

fn play(winners: u32, steps: &[Step]) -> Played {
    let mut shop = Shop::new();
    let id = shop.publish(circle(10_000, 4, winners));
    let members = shop.members(8);
    let circle = shop.fill(id, &members[..4]);
    let mut played = Played {
        shop,
        circle,
        members,
        wins: BTreeMap::new(),
        draws: 0,
    };
    played.settle();
    for step in steps {
        played.take(step);
    }
    played
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// In any history: with joins, leaves, freezes, exclusions, voids and expiries between the draws.
    #[test]
    fn everybody_wins_once_a_cycle_before_anybody_wins_twice(
        winners in 1..=3u32,
        steps in prop::collection::vec(step(), 0..200),
    ) {
        let played = play(winners, &steps);
        played.shop.check();
    }
}

/// The histories are worth something: most of them draw several times.
#[test]
fn the_histories_draw() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut draws = 0;
    for _ in 0..20 {
        let steps = prop::collection::vec(step(), 200)
            .new_tree(&mut runner)
            .unwrap()
            .current();
        draws += play(1, &steps).draws;
    }
    assert!(30 < draws, "{draws}");
}
