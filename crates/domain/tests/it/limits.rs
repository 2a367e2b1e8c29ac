//! Limits of members and of the installation, self-exclusion and pauses (rules 9.7).

use domain::*;

use crate::shop::{Shop, campaign, e0};

const DAY_S: i64 = 86_400;

fn offer() -> Campaign {
    campaign(10_000, 2, 1, 2_000)
}

fn entries(most: u32) -> MemberLimits {
    MemberLimits {
        entries_per_day: Some(most),
        ..MemberLimits::default()
    }
}

fn money(most: i64) -> MemberLimits {
    MemberLimits {
        money_in_groups: Some(Money(most)),
        ..MemberLimits::default()
    }
}

impl Shop {
    fn limit(&mut self, member: MemberId, limits: MemberLimits) {
        self.must(Command::SetLimits { member, limits });
    }

    fn opens(&mut self, campaign: CampaignId, member: MemberId) -> &'static str {
        let via = None;
        let open = Command::OpenGroup {
            campaign,
            member,
            via,
        };
        self.try_do(open)
            .map_or_else(|refusal| refusal.code(), |_| "opened")
    }

    fn holds(&self, member: MemberId) -> MemberLimits {
        self.world.limits(member, self.clock).holds
    }
}

#[test]
fn tighter_limits_hold_at_once_and_looser_ones_a_day_later() {
    let mut shop = Shop::new();
    let member = shop.member(None);
    shop.limit(member, entries(5));
    assert_eq!(shop.holds(member), entries(5), "from none: tighter");
    shop.limit(member, entries(2));
    assert_eq!(shop.holds(member), entries(2));
    shop.limit(member, entries(4));
    let later = shop.world.limits(member, shop.clock).later.unwrap();
    assert_eq!(
        (later.limits, later.from),
        (entries(4), shop.clock.after(LOOSENED_AFTER))
    );
    shop.clock = Millis(later.from.0 - 1);
    assert_eq!(shop.holds(member), entries(2));
    // The same once more changes nothing, and does not wait anew.
    let before = shop.records.len();
    shop.limit(member, entries(4));
    assert_eq!(shop.records.len(), before);
    shop.clock = later.from;
    assert_eq!(shop.holds(member), entries(4), "at the deadline");
    // One looser, one tighter: each by its own rule.
    let mixed = MemberLimits {
        entries_per_day: None,
        ..money(100)
    };
    shop.limit(member, mixed);
    let holds = MemberLimits {
        entries_per_day: Some(4),
        ..mixed
    };
    assert_eq!(shop.holds(member), holds);
    shop.wait(DAY_S);
    assert_eq!(shop.holds(member), mixed);
    for wrong in [entries(MAX_LIMIT_COUNT + 1), money(-1)] {
        let limits = wrong;
        let refused = shop.try_do(Command::SetLimits { member, limits });
        assert_eq!(refused.unwrap_err().code(), "limits_invalid");
    }
    shop.check();
}

#[test]
fn entries_of_a_day_are_those_of_shanghai() {
    let mut shop = Shop::new();
    let mut limited = offer();
    limited.group.entries_per_day = 2;
    let (limited, free) = (shop.publish(limited), shop.publish(offer()));
    let [one, other] = [shop.member(None), shop.member(None)];
    // The campaign's: only its own entries count.
    let told = [free, limited, limited, limited, free].map(|offer| shop.opens(offer, one));
    let limit = "entries_limit";
    assert_eq!(told, ["opened", "opened", "opened", limit, "opened"]);
    assert_eq!(shop.opens(limited, other), "opened");
    shop.clock = Millis(shop.clock.next_midnight().0 - 1);
    assert_eq!(shop.opens(limited, one), limit);
    shop.wait(0);
    shop.clock = Millis(shop.clock.0 + 1);
    assert_eq!(shop.opens(limited, one), "opened");
    // His own: all entries count, from the moment he has set it.
    shop.limit(other, entries(1));
    assert_eq!(shop.opens(free, other), "opened");
    assert_eq!(shop.opens(limited, other), limit);
    assert_eq!(shop.world.limits(other, shop.clock).entries_today, 1);
    // Joining is an entry, too.
    let group = shop.open(free, one);
    let refused = shop.join(group, other).unwrap_err();
    assert_eq!(refused.code(), limit);
    assert_eq!(shop.world.why_not_join_now(group, other), Some(refused));
    // Nothing, and nobody: zero entries.
    shop.limit(one, entries(0));
    assert_eq!(shop.opens(free, one), limit);
    shop.check();
}

#[test]
fn money_in_groups_counts_what_is_reserved() {
    let mut shop = Shop::new();
    let free = shop.publish(offer());
    let [one, other] = [shop.member(None), shop.member(None)];
    shop.limit(one, money(20_000));
    let first = shop.reserve_leader(free, one);
    let second = shop.open(free, one);
    assert_eq!(shop.opens(free, one), "money_limit");
    // A reservation that lapses is no money any more; a refund neither.
    shop.wait(300);
    shop.tick();
    assert_eq!(shop.state(first.group), GroupState::Cancelled);
    let third = shop.open(free, one);
    assert_eq!(shop.opens(free, one), "money_limit");
    shop.must(Command::CancelGroup { group: third });
    assert_eq!(shop.opens(free, one), "opened");
    shop.must(Command::LeaveGroup {
        group: second,
        member: one,
    });
    assert_eq!(shop.opens(free, one), "opened");
    assert_eq!(shop.opens(free, other), "opened", "others are not limited");
    shop.check();
}

#[test]
fn who_has_excluded_himself_finishes_what_he_began_and_begins_nothing() {
    let mut shop = Shop::new();
    let free = shop.publish(offer());
    let [one, other] = [shop.member(None), shop.member(None)];
    let paid = shop.open(free, one);
    let reserved = shop.reserve_leader(free, one);
    let theirs = shop.open(free, other);
    let lapsed = shop.join(theirs, one).unwrap();
    let exclude = |days| Command::ExcludeSelf { member: one, days };
    shop.must(exclude(Some(7)));
    assert_eq!(shop.opens(free, one), "self_excluded");
    // What he had reserved he may pay, and the seats he has go on.
    assert_eq!(shop.pay(reserved), PaymentAnswer::Seated(reserved));
    shop.seat(paid, other);
    shop.settle(paid);
    // A place that has lapsed is not taken anew: the money goes back.
    shop.wait(300);
    shop.tick();
    let answer = shop.pay(lapsed);
    let limit = Bounce::SelfExcluded;
    assert!(
        matches!(answer, PaymentAnswer::Bounced { reason, .. } if reason == limit),
        "{answer:?}"
    );
    assert_eq!(shop.join(theirs, one).unwrap_err().code(), "self_excluded");
    // Longer is possible, shorter and sooner is not, and the same again changes nothing.
    for days in [Some(8), Some(0)] {
        assert_eq!(
            shop.try_do(exclude(days)).unwrap_err().code(),
            "limits_invalid"
        );
    }
    shop.must(exclude(Some(30)));
    let refused = shop.try_do(exclude(Some(7))).unwrap_err();
    assert_eq!(refused.code(), "self_exclusion_stands");
    let until = shop.world.limits(one, shop.clock).excluded_until.unwrap();
    assert_eq!(until, Millis(shop.clock.0 + 30 * DAY_S * 1000));
    shop.clock = Millis(until.0 - 1);
    assert_eq!(shop.opens(free, one), "self_excluded");
    shop.clock = until;
    assert_eq!(shop.opens(free, one), "opened");
    shop.must(exclude(None));
    let before = shop.records.len();
    shop.must(exclude(None));
    assert_eq!(shop.records.len(), before);
    shop.wait(1_000 * 365 * DAY_S);
    assert_eq!(shop.opens(free, one), "self_excluded");
    shop.check();
}

/// A gateway's members have paid: whose money a limit stops is told which one it was. One payment for each of the limits, with the
/// reason it must go back for.
pub(crate) fn stopped() -> (Shop, Vec<(&'static str, Bounce)>) {
    let mut shop = Shop::new();
    let id = shop.publish(offer());
    let [leader, excluded, young, unknown, paused, poor, busy] =
        <[MemberId; 7]>::try_from(shop.members(7)).unwrap();
    let pause = MemberLimits {
        loss_pause: Some(LossPause {
            losses: 1,
            pause: Duration(DAY_MS),
        }),
        ..MemberLimits::default()
    };
    shop.limit(paused, pause);
    // One of the two seats loses; who plays until he has lost pauses.
    while shop.world.limits(paused, shop.clock).paused_until.is_none() {
        let group = shop.fill(id, &[leader, paused]);
        shop.settle(group);
    }
    let group = shop.open(id, leader);
    shop.must(Command::ExcludeSelf {
        member: excluded,
        days: Some(7),
    });
    shop.limit(poor, money(9_999));
    shop.limit(busy, entries(0));
    let age = 17;
    let member = young;
    shop.must(Command::Identity(IdentityCommand::Verify { member, age }));
    let mut own = crate::profiles::own_profile();
    own.terms.minimum_age = 18;
    own.terms.names_at_entry = true;
    for member in [excluded, paused, poor, busy] {
        let age = 30;
        shop.must(Command::Identity(IdentityCommand::Verify { member, age }));
    }
    shop.must(Command::AdoptProfile {
        profile: Box::new(Profile::Own(Box::new(own))),
    });
    let mut told = Vec::new();
    for (name, member) in [
        ("self_excluded", excluded),
        ("too_young", young),
        ("not_verified", unknown),
        ("loss_pause", paused),
        ("money_limit", poor),
        ("entries_limit", busy),
    ] {
        let answer = shop.must(Command::JoinPaid {
            group,
            member,
            via: None,
            txn: shop.txn(name),
            amount: shop.price(group),
            tag: crate::shop::tag(group, member),
        });
        let Answer::Payment(PaymentAnswer::Bounced { reason, .. }) = answer else {
            panic!("{name}: {answer:?}");
        };
        told.push((name, reason));
    }
    (shop, told)
}

#[test]
fn money_that_a_limit_stops_says_which() {
    let (shop, told) = stopped();
    for (name, reason) in told {
        assert_eq!(reason.name(), name);
    }
    shop.check();
}

#[test]
fn a_run_of_losses_makes_a_pause_and_a_win_ends_the_run() {
    let mut shop = Shop::new();
    let mut terms = e0();
    terms.rewards.clear();
    terms.caps.clear();
    let free = shop.publish(terms);
    let members = shop.members(5);
    let pause = LossPause {
        losses: 2,
        pause: Duration(DAY_MS),
    };
    for &member in &members {
        shop.limit(
            member,
            MemberLimits {
                loss_pause: Some(pause),
                ..MemberLimits::default()
            },
        );
    }
    let mut runs = vec![0u32; members.len()];
    let mut pauses = 0;
    for _ in 0..12 {
        let group = shop.fill(free, &members);
        let outcome = Box::new(shop.outcome(group));
        let settled_at = shop.clock;
        shop.must(Command::SettleGroup { group, outcome });
        let events = shop.records.last().unwrap().events.clone();
        let winners = events.iter().find_map(|event| match event {
            Event::GroupSettled(settled) => Some(settled.winners.clone()),
            _ => None,
        });
        let winners = winners.unwrap();
        let mut due = Vec::new();
        for ((seat, run), &member) in (0u32..).zip(&mut runs).zip(&members) {
            *run = if winners.contains(&seat) { 0 } else { *run + 1 };
            if *run == 2 {
                *run = 0;
                let until = settled_at.after(Duration(DAY_MS));
                due.push(Paused { member, until });
            }
        }
        let begun = events.iter().find_map(|event| match event {
            Event::PausesBegun { paused } => Some(paused.clone()),
            _ => None,
        });
        assert_eq!(begun.unwrap_or_default(), due);
        pauses += due.len();
        if let Some(paused) = due.first() {
            assert_eq!(shop.opens(free, paused.member), "loss_pause");
            shop.clock = Millis(paused.until.0 - 1);
            assert_eq!(shop.opens(free, paused.member), "loss_pause");
            shop.clock = paused.until;
            assert_eq!(shop.opens(free, paused.member), "opened");
        }
        shop.tick();
    }
    assert!(5 < pauses, "{pauses}");
    shop.check();
}

#[test]
fn the_installations_limits_hold_for_everybody_and_the_stricter_wins() {
    let mut shop = Shop::new();
    let mut own = crate::profiles::own_profile();
    own.terms.entries_per_day = Some(3);
    own.terms.money_in_groups = Some(Money(30_000));
    let profile = Profile::Own(Box::new(own));
    let mut terms = offer();
    terms.profile = profile.clone();
    shop.must(Command::AdoptProfile {
        profile: Box::new(profile),
    });
    let free = shop.publish(terms);
    let [one, other] = [shop.member(None), shop.member(None)];
    shop.limit(one, entries(1));
    shop.limit(other, entries(100));
    assert_eq!(
        [shop.opens(free, one), shop.opens(free, one)],
        ["opened", "entries_limit"]
    );
    let told = [0; 4].map(|_| shop.opens(free, other));
    assert_eq!(
        told,
        ["opened", "opened", "opened", "entries_limit"].map(|told| {
            if told == "entries_limit" {
                "money_limit"
            } else {
                told
            }
        })
    );
    assert_eq!(
        shop.world
            .limits(one, shop.clock)
            .installation
            .entries_per_day,
        Some(3)
    );
    shop.check();
}
