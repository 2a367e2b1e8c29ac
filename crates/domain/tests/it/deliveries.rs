//! The county of a member's own delivery address, and when the region that counts changes (rules 3.4).

use domain::*;
use proptest::prelude::*;

use crate::purchases::{asked, buy, list, pay, terms};
use crate::shop::Shop;
use crate::standing::{DAY_S, sale};

/// Three of the smallest divisions, by letters: a county, a county of a city that is a province, a city without counties.
const PLACES: [(char, &str); 3] = [('A', "330106"), ('B', "110101"), ('C', "441900")];

fn region(code: &str) -> Region {
    code.parse().unwrap()
}

fn place(letter: &str) -> Region {
    let found = PLACES.iter().find(|(known, _)| letter.starts_with(*known));
    region(found.unwrap().1)
}

fn set(member: MemberId, region: Region) -> Command {
    Command::Delivery(DeliveryCommand::Set { member, region })
}

fn remove(member: MemberId) -> Command {
    Command::Delivery(DeliveryCommand::Remove { member })
}

fn declare(member: MemberId, region: Region) -> Command {
    Command::DeclareRegion { member, region }
}

/// `declare A`, `send to A` or `remove`.
fn command(member: MemberId, what: &str) -> Command {
    match what.split_once(" to ").or_else(|| what.split_once(' ')) {
        Some(("declare", letter)) => declare(member, place(letter)),
        Some(("send", letter)) => set(member, place(letter)),
        _ => remove(member),
    }
}

/// Lets the world see the time.
fn see_the_time(shop: &mut Shop) {
    shop.must(Command::DepositCapital { amount: Money(1) });
}

/// What counts, and the day from which on another may: `A 90`; nothing: `-`.
fn counts(shop: &Shop, member: MemberId, begin: Millis) -> String {
    let view = shop.world.member(member).unwrap();
    let Some((counting, until)) = view.region.zip(view.region_until) else {
        return "-".to_owned();
    };
    let letter = PLACES.iter().find(|(_, code)| region(code) == counting);
    let days = until.0.saturating_sub(begin.0).div_euclid(DAY_MS);
    format!("{} {days}", letter.unwrap().0)
}

/// Rows: on which day, what is asked, what comes of it (`ok`, `same`: nothing changes, or a refusal with its day), and what
/// counts then.
#[track_caller]
fn check(rows: &[(i64, &str, &str, &str)]) {
    let mut shop = Shop::new();
    let member = shop.member(None);
    let begin = shop.clock;
    for (at, &(day, what, outcome, counting)) in rows.iter().enumerate() {
        shop.clock = Millis(begin.0 + day * DAY_MS);
        see_the_time(&mut shop);
        let records = shop.records.len();
        let got = match shop.try_do(command(member, what)) {
            Ok(Answer::Done) if shop.records.len() == records => "same".to_owned(),
            Ok(Answer::Done) => "ok".to_owned(),
            Err(Refusal::RegionStands { from }) => {
                format!("until {}", (from.0 - begin.0).div_euclid(DAY_MS))
            }
            other => panic!("{other:?}"),
        };
        let seen = counts(&shop, member, begin);
        assert_eq!(
            (got.as_str(), seen.as_str()),
            (outcome, counting),
            "row {at}: day {day}, {what}"
        );
    }
    shop.check();
}

#[test]
fn the_address_goes_before_what_is_declared() {
    check(&[
        //day  asked        outcome     counts
        (0, "declare A", "ok", "A 90"),
        (89, "send to B", "until 90", "A 90"),
        (90, "send to B", "ok", "B 180"),
        (91, "send to B", "same", "B 180"),
        (92, "declare C", "ok", "B 180"),
        (92, "declare C", "same", "B 180"),
        (181, "declare A", "until 182", "B 180"),
        (182, "declare A", "ok", "B 180"),
        (200, "send to C", "ok", "C 290"),
    ]);
}

#[test]
fn the_first_address_counts_at_once() {
    check(&[
        (5, "send to A", "ok", "A 95"),
        (6, "send to B", "until 95", "A 95"),
        (95, "send to B", "ok", "B 185"),
    ]);
    // The same county as the declared one goes on as it was.
    check(&[
        (0, "declare A", "ok", "A 90"),
        (80, "send to A", "ok", "A 90"),
        (90, "send to B", "ok", "B 180"),
    ]);
}

#[test]
fn a_removed_address_counts_until_its_90_days_are_over() {
    check(&[
        (0, "declare A", "ok", "A 90"),
        (100, "send to B", "ok", "B 190"),
        (110, "remove", "ok", "B 190"),
        (110, "remove", "same", "B 190"),
        (111, "send to C", "until 190", "B 190"),
        (112, "send to B", "ok", "B 190"),
        (113, "remove", "ok", "B 190"),
        (189, "send to A", "until 190", "B 190"),
        // From then on it is the declared one, and this stands as long.
        (190, "remove", "same", "A 280"),
        (191, "send to B", "until 280", "A 280"),
        (192, "declare C", "until 280", "A 280"),
        (280, "declare C", "ok", "C 370"),
    ]);
}

#[test]
fn a_removed_address_leaves_none_or_what_was_declared_at_once_after_its_90_days() {
    check(&[
        (0, "send to A", "ok", "A 90"),
        (90, "remove", "ok", "-"),
        (90, "send to B", "ok", "B 180"),
        (100, "declare C", "ok", "B 180"),
        (200, "remove", "ok", "C 290"),
        (210, "send to C", "ok", "C 290"),
        (211, "send to A", "until 290", "C 290"),
    ]);
    // The same county was declared: it just goes on.
    check(&[
        (0, "send to A", "ok", "A 90"),
        (10, "declare A", "ok", "A 90"),
        (95, "remove", "ok", "A 90"),
        (96, "declare B", "ok", "B 186"),
        (97, "send to A", "until 186", "B 186"),
    ]);
    // What is declared when the address is over begins then.
    check(&[
        (0, "send to A", "ok", "A 90"),
        (10, "remove", "ok", "A 90"),
        (20, "declare A", "ok", "A 90"),
        (120, "declare B", "ok", "B 210"),
        (121, "send to A", "until 210", "B 210"),
    ]);
}

#[test]
fn refusals_in_order() {
    let mut shop = Shop::new();
    let member = shop.member(None);
    let nobody = MemberId(9);
    for (command, code) in [
        (set(nobody, place("A")), "member_unknown"),
        (remove(nobody), "member_unknown"),
        (set(member, region("330100")), "region_unknown"),
        (set(member, region("999999")), "region_unknown"),
    ] {
        assert_eq!(shop.try_do(command).unwrap_err().code(), code);
    }
    let records = shop.records.len();
    assert_eq!(shop.must(remove(member)), Answer::Done, "there is none");
    assert_eq!(shop.records.len(), records);
    for command in [set(member, place("A")), remove(member)] {
        let request = Request {
            actor: Actor::Member(nobody),
            key: None,
            command,
        };
        assert_eq!(shop.request(&request).unwrap_err().code(), "not_yourself");
    }
    assert_eq!(shop.world.delivery_region(member), None);
    shop.must(set(member, place("A")));
    assert_eq!(shop.world.delivery_region(member), Some(place("A")));
    shop.must(remove(member));
    assert_eq!(shop.world.delivery_region(member), None);
    shop.check();
}

#[test]
fn agents_are_paid_by_the_county_that_counts_when_the_group_fills() {
    let mut shop = Shop::new();
    let sale = shop.publish(sale(1, 0));
    let (of_a, of_b) = (shop.member(None), shop.member(None));
    let buyers = [shop.member(None), shop.member(None)];
    for (letter, member) in [("A", of_a), ("B", of_b)] {
        let region = place(letter);
        shop.must(Command::AppointAgent { region, member });
    }
    let agent = |shop: &mut Shop| {
        let (seats, _) = shop.buy(sale, buyers);
        seats[0].agents.county.map(|agent| agent.member)
    };
    shop.must(declare(buyers[0], place("A")));
    assert_eq!(agent(&mut shop), Some(of_a));
    shop.wait(90 * DAY_S);
    shop.must(set(buyers[0], place("B")));
    assert_eq!(agent(&mut shop), Some(of_b));
    shop.must(remove(buyers[0]));
    assert_eq!(agent(&mut shop), Some(of_b), "removed, it counts on");
    shop.wait(90 * DAY_S - 1);
    assert_eq!(agent(&mut shop), Some(of_b), "a second before");
    // The world has last seen that second; only the payment that fills the group tells the next.
    let waiting = shop.open(sale, buyers[0]);
    let payment = shop.join(waiting, buyers[1]).unwrap();
    shop.wait(1);
    shop.pay(payment);
    let filled = &shop.records.last().unwrap().events;
    let county = filled.iter().find_map(|event| match event {
        Event::GroupFilled { seats, .. } => Some(seats[0].agents.county?.member),
        _ => None,
    });
    assert_eq!(county, Some(of_a));
    shop.check();
}

/// Records of each kind, for the stored bytes.
pub(crate) fn every_kind() -> Vec<Record> {
    let mut shop = Shop::new();
    let member = shop.member(None);
    shop.must(set(member, place("A")));
    shop.must(remove(member));
    shop.check();
    shop.records
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Declare(usize),
    Send(usize),
    Remove,
    Days(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0usize..3).prop_map(Step::Declare),
        3 => (0usize..3).prop_map(Step::Send),
        2 => Just(Step::Remove),
        4 => prop_oneof![1i64..5, 85i64..95, Just(90)].prop_map(Step::Days),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// Whatever a member says, a region that counts for him counts for 90 days, is that of his address while he has one, and is
    /// in the end the declared one.
    #[test]
    fn the_region_that_counts_changes_once_in_90_days(steps in prop::collection::vec(step(), 1..60)) {
        let mut shop = Shop::new();
        let member = shop.member(None);
        let mut counted: Option<(Region, Millis)> = None;
        let mut removed_at = shop.clock;
        for step in steps.into_iter().chain([Step::Remove, Step::Days(90)]) {
            let told = match step {
                Step::Declare(at) => shop.try_do(declare(member, region(PLACES[at].1))),
                Step::Send(at) => shop.try_do(set(member, region(PLACES[at].1))),
                Step::Remove => shop.try_do(remove(member)),
                Step::Days(_) => Ok(Answer::Done),
            };
            if let Step::Remove = step {
                removed_at = shop.clock;
            }
            let days = if let Step::Days(days) = step { days } else { 0 };
            // Every day is looked at.
            for day in 0..=days {
                shop.wait(if day == 0 { 0 } else { DAY_S });
                see_the_time(&mut shop);
                let view = shop.world.member(member).unwrap();
                if counted.map(|(region, _)| region) != view.region {
                    if let Some((_, since)) = counted {
                        prop_assert!(since.after(REGION_STANDS) <= shop.clock, "{counted:?} then {view:?}");
                    }
                    counted = view.region.map(|region| (region, shop.clock));
                }
                let address = shop.world.delivery_region(member);
                if address.is_some() {
                    prop_assert_eq!(view.region, address);
                } else if removed_at.after(REGION_STANDS) <= shop.clock {
                    prop_assert_eq!(view.region, view.declared);
                }
            }
            if let Err(refusal) = told {
                prop_assert_eq!(refusal.code(), "region_stands");
            }
        }
        shop.check();
    }
}

/// It was sold to be sent, and goes on to be, whatever is sold under its number by then.
#[test]
fn what_was_sold_to_be_sent_is_sent() {
    let mut shop = Shop::new();
    let member = shop.member(None);
    let sku = list(&mut shop, terms(10_000, 6_000), 5);
    let wanted = asked(&shop, member, sku, 1, 1, 0);
    let purchase = buy(&mut shop, wanted).unwrap();
    assert_eq!(pay(&mut shop, purchase, "T1", 10_000), "paid");
    let mut picked = terms(10_000, 6_000);
    picked.fulfilment = Fulfilment::PickUp;
    picked.fetch = Some(FetchTerms {
        stores: Vec::new(),
        days: None,
    });
    shop.must(Command::Shop(ShopCommand::ChangeSku {
        sku,
        terms: Box::new(picked),
    }));
    assert_eq!(shop.world.purchase_to_send(purchase), Some(member));
    let wanted = asked(&shop, member, sku, 2, 1, 0);
    let fetched = buy(&mut shop, wanted).unwrap();
    assert_eq!(shop.world.purchase_to_send(fetched), None);
    shop.check();
}
