//! Tiers from history, and when a draw is certain (draw 7).

use std::collections::BTreeSet;

use draw::*;

use crate::make::{self, tag};

fn seats(lines: &[(u32, u32)]) -> Seats {
    let line = |&(member, tier): &(u32, u32)| SeatLine {
        tag: tag(member),
        leader: false,
        tier,
    };
    Seats(lines.iter().map(line).collect())
}

#[test]
fn tiers_follow_the_history() {
    //    history: members with tiers, winners' indexes; None = void    new list     its tiers
    check(&[], &[1, 2], &[0, 0]);
    check(&[(&[(1, 0), (2, 0)], Some(&[1]))], &[1, 2], &[0, 1]);
    // A void counts neither seats nor wins: 3 is still a newcomer.
    check(
        &[(&[(1, 0), (2, 0)], Some(&[1])), (&[(2, 1), (3, 1)], None)],
        &[2, 3],
        &[1, 1],
    );
    // A newcomer starts at the lowest tier among the known members of that list.
    check(&[(&[(1, 0), (2, 0)], Some(&[1]))], &[2, 3, 4], &[1, 1, 1]);
    check(&[(&[(1, 0), (2, 0)], Some(&[1]))], &[3, 1, 2], &[0, 0, 1]);
    check(&[(&[(1, 0), (2, 0)], Some(&[1]))], &[3, 4], &[0, 0]);
    // A starting tier above 0 stays the base of later wins.
    check(
        &[
            (&[(1, 0), (2, 0)], Some(&[1])),
            (&[(2, 1), (3, 1)], Some(&[1])),
        ],
        &[1, 2, 3],
        &[0, 1, 2],
    );
    // Several seats of one member: one win, one step.
    check(
        &[(&[(1, 0), (1, 0), (2, 0)], Some(&[1]))],
        &[1, 2, 1],
        &[1, 0, 1],
    );
}

/// Members with their tiers, and the winners' indexes or a void.
type Past<'a> = (&'a [(u32, u32)], Option<&'a [u32]>);

#[track_caller]
fn check(history: &[Past<'_>], list: &[u32], expected: &[u32]) {
    let lists: Vec<Seats> = history.iter().map(|(lines, _)| seats(lines)).collect();
    let draws: Vec<PastDraw<'_>> = history
        .iter()
        .zip(&lists)
        .map(|((_, winners), seats)| match winners {
            Some(winners) => PastDraw::Drawn { seats, winners },
            None => PastDraw::Void,
        })
        .collect();
    let tiers = Tiers::from_history(&draws).unwrap();
    let tags: Vec<Hash> = list.iter().map(|&member| tag(member)).collect();
    assert_eq!(tiers.for_list(&tags), expected);
    let right: Vec<(u32, u32)> = list.iter().copied().zip(expected.iter().copied()).collect();
    tiers.check(&seats(&right)).unwrap();
    let mut wrong = right;
    wrong[0].1 += 1;
    let found = wrong[0].1;
    let error = RotationError::WrongTier {
        seat: 0,
        expected: expected[0],
        found,
    };
    assert_eq!(tiers.check(&seats(&wrong)), Err(error));
    assert_eq!(Tiers::from_known(tiers.known()), tiers);
}

#[test]
fn a_history_that_does_not_follow_is_refused() {
    let first = seats(&[(1, 0), (2, 0)]);
    let second = seats(&[(1, 0), (2, 0)]);
    let history = [
        PastDraw::Drawn {
            seats: &first,
            winners: &[0],
        },
        PastDraw::Drawn {
            seats: &second,
            winners: &[1],
        },
    ];
    let error = RotationError::WrongTier {
        seat: 0,
        expected: 1,
        found: 0,
    };
    assert_eq!(Tiers::from_history(&history), Err(error));

    let mut tiers = Tiers::new();
    assert_eq!(
        tiers.record(&first, &[2]),
        Err(RotationError::NoSuchSeat { seat: 2 })
    );
    let top = seats(&[(1, u32::MAX)]);
    assert_eq!(tiers.record(&top, &[0]), Err(RotationError::TooManyWins));
    assert_eq!(tiers, Tiers::new(), "nothing changes on an error");
}

/// Eleven members, two winners a draw: within the first five draws nobody wins twice, then the
/// last one left wins for certain together with one who begins the next cycle.
#[test]
fn whoever_won_waits_until_all_have_won() {
    let open = Open {
        circle: Some(Ident::new("club").unwrap()),
        rotation: Rotation::On,
        seats: SeatRange { min: 11, max: 11 },
        mode: Mode::Fixed { winners: 2 },
        ..make::open()
    };
    let members: Vec<Hash> = (0..11).map(tag).collect();
    let mut tiers = Tiers::new();
    let mut wins = [0_u32; 11];
    for round in 0..110_u32 {
        let line = |(&tag, tier)| SeatLine {
            tag,
            leader: false,
            tier,
        };
        let seats = Seats(
            members
                .iter()
                .zip(tiers.for_list(&members))
                .map(line)
                .collect(),
        );
        let certain = certain_members(&open, &seats);
        assert_eq!(
            certain.len(),
            usize::from(round % 11 == 5) + 2 * usize::from(round % 11 == 10)
        );
        let scores = scores(&hash(&round.to_be_bytes()), 11);
        let winners: Vec<u32> = order(&open, &seats, &scores).into_iter().take(2).collect();
        for member in certain {
            assert!(winners.iter().any(|&seat| members[seat as usize] == member));
        }
        for &seat in &winners {
            wins[seat as usize] += 1;
        }
        tiers.record(&seats, &winners).unwrap();
        let (least, most) = (wins.iter().min().unwrap(), wins.iter().max().unwrap());
        assert!(most - least <= 1, "after draw {round}: {wins:?}");
    }
    assert_eq!(wins, [20; 11]);
}

/// For small groups, certainty is what all orders of the scores have in common.
#[test]
fn certain_is_who_wins_under_every_order() {
    let orders = permutations(4);
    for members in 0..256_u32 {
        for tiers in 0..16_u32 {
            let member = |seat: u32| members >> (2 * seat) & 3;
            // One tier per member, as every seats file has it.
            let lines: Vec<(u32, u32)> = (0..4)
                .map(|seat| (member(seat), tiers >> member(seat) & 1))
                .collect();
            let mut seats = seats(&lines);
            seats.0[0].leader = true;
            for winners in 1..=4 {
                for per_member in [PerMember::One, PerMember::Any] {
                    let leader = if members % 2 == 0 {
                        LeaderRule::In
                    } else {
                        LeaderRule::Out
                    };
                    let mode = Mode::Fixed { winners };
                    let open = Open {
                        mode,
                        per_member,
                        leader,
                        ..make::open()
                    };
                    check_certain(&open, &seats, &orders);
                }
            }
        }
    }
}

fn check_certain(open: &Open, seats: &Seats, orders: &[Vec<u8>]) {
    let mut common: Option<BTreeSet<Hash>> = None;
    for ranks in orders {
        let scores: Vec<[u8; 32]> = ranks.iter().map(|&rank| [rank; 32]).collect();
        let pool = order(open, seats, &scores);
        let count = winner_count(open.mode, &pool, &scores);
        let winners: BTreeSet<Hash> = pool[..count]
            .iter()
            .map(|&seat| seats.0[seat as usize].tag)
            .collect();
        common = Some(match common {
            None => winners,
            Some(before) => before.intersection(&winners).copied().collect(),
        });
    }
    let certain: BTreeSet<Hash> = certain_members(open, seats).into_iter().collect();
    assert_eq!(Some(certain), common, "{open:?} {seats:?}");
}

fn permutations(count: u8) -> Vec<Vec<u8>> {
    let mut all = vec![Vec::new()];
    for next in 0..count {
        all = all
            .into_iter()
            .flat_map(|order| {
                (0..=order.len()).map(move |place| {
                    let mut longer = order.clone();
                    longer.insert(place, next);
                    longer
                })
            })
            .collect();
    }
    all
}

#[test]
fn a_chance_makes_certain_only_what_its_bounds_do() {
    let chance = |num, kmin, kmax| Mode::Chance {
        num,
        den: 100,
        kmin,
        kmax,
    };
    let count = |mode| {
        certain_members(
            &Open {
                mode,
                ..make::open()
            },
            &make::seats(5),
        )
        .len()
    };
    assert_eq!(count(chance(50, 4, 5)), 0);
    assert_eq!(count(chance(50, 5, 5)), 5);
    assert_eq!(count(chance(100, 0, 4)), 0);
    assert_eq!(count(chance(100, 0, 5)), 5);
    assert_eq!(count(chance(0, 0, 5)), 0);
}
