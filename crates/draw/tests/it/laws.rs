//! Laws that hold for all rules, seats and scores, tried on random ones.

use std::collections::BTreeSet;

use draw::*;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::make::{self, tag};
use crate::oracle;

fn any_hash() -> impl Strategy<Value = Hash> {
    any::<[u8; 32]>().prop_map(Hash)
}

fn any_mode() -> impl Strategy<Value = Mode> {
    let fixed = (1..=12_u32).prop_map(|winners| Mode::Fixed { winners });
    let chance =
        (1..=u32::MAX, any::<u32>(), 0..=12_u32, 0..=12_u32).prop_map(|(den, num, a, b)| {
            // Mostly rates a draw would have, sometimes 0 and 1.
            let num = if num % 8 == 0 { den } else { num % den };
            Mode::Chance {
                num,
                den,
                kmin: a.min(b),
                kmax: a.max(b).max(1),
            }
        });
    prop_oneof![fixed, chance]
}

prop_compose! {
    /// Any rules that a file may hold, reserved ones included.
    fn any_open()(
        (log, group, circle) in ("[!-*,-~]{1,20}", "[a-z0-9][a-z0-9._-]{0,20}",
            proptest::option::of("[a-z0-9][a-z0-9._-]{0,20}")),
        (a, b) in (1..=MAX_SEATS, 1..=MAX_SEATS),
        mode in any_mode(),
        (out, any, pay, rotate, commit) in any::<(bool, bool, bool, bool, bool)>(),
        source in prop_oneof![
            Just(Source::DrandQuicknet),
            Just(Source::Commit),
            any_hash().prop_map(|beacon| Source::Local { beacon }),
        ],
        (delay_s, seconds) in (30..=2_592_000_u64, 3_600..=31_536_000_u64),
        chain in proptest::option::of((any_hash(), 0..=MAX_DECIMAL, 0..=MAX_DECIMAL)),
    ) -> Open {
        let circle = circle.map(|text| Ident::new(&text).unwrap());
        let rotates =
            rotate && !any && circle.is_some() && matches!(mode, Mode::Fixed { .. });
        Open {
            log: Origin::new(&log).unwrap(),
            group: Ident::new(&group).unwrap(),
            circle,
            seats: SeatRange { min: a.min(b), max: a.max(b) },
            mode,
            leader: if out { LeaderRule::Out } else { LeaderRule::In },
            rotation: if rotates { Rotation::On } else { Rotation::Off },
            per_member: if any { PerMember::Any } else { PerMember::One },
            outcome: if pay { OutcomeKind::Pay } else { OutcomeKind::Win },
            source,
            delay_s,
            timeout: Timeout {
                seconds,
                then: if commit { TimeoutAction::Commit } else { TimeoutAction::Void },
            },
            chain: chain.map_or(Chain::None, |(tip, length, max_missing)| {
                Chain::Tip { tip, length, max_missing }
            }),
        }
    }
}

/// Seats of few members with several seats each, some the leader's, tiers by member.
fn any_seats() -> impl Strategy<Value = Seats> {
    let members = proptest::collection::vec((0..8_u32, 0..3_u32), 1..24);
    (members, any::<[u8; 8]>()).prop_map(|(members, tiers)| {
        let line = |(member, leader): &(u32, u32)| SeatLine {
            tag: tag(*member),
            leader: *leader == 0,
            tier: u32::from(tiers[*member as usize] % 3),
        };
        Seats(members.iter().map(line).collect())
    })
}

fn any_scores() -> impl Strategy<Value = Vec<[u8; 32]>> {
    proptest::collection::vec(any::<[u8; 32]>(), 24)
}

/// Rules that can be drawn by the local beacon with just these seats.
fn drawable(open: Open, seats: &mut Seats) -> Open {
    let count = u32::try_from(seats.0.len()).unwrap();
    if open.rotation == Rotation::Off {
        seats.0.iter_mut().for_each(|line| line.tier = 0);
    }
    Open {
        seats: SeatRange { min: 1, max: count },
        source: Source::Local {
            beacon: make::beacon_file().hash(),
        },
        timeout: Timeout {
            seconds: 3_600,
            then: TimeoutAction::Void,
        },
        chain: Chain::None,
        ..open
    }
}

/// Reads bytes as each kind of file; whatever is accepted must be the one spelling.
fn accepted_only_if_canonical(bytes: &[u8]) -> usize {
    let again = [
        Open::parse(bytes).ok().map(|file| file.to_bytes()),
        Seats::parse(bytes).ok().map(|file| file.to_bytes()),
        Freeze::parse(bytes).ok().map(|file| file.to_bytes()),
        ResultFile::parse(bytes).ok().map(|file| file.to_bytes()),
        Void::parse(bytes).ok().map(|file| file.to_bytes()),
        BeaconFile::parse(bytes).ok().map(|file| file.to_bytes()),
    ];
    let accepted: Vec<Vec<u8>> = again.into_iter().flatten().collect();
    for spelling in &accepted {
        assert_eq!(spelling, bytes, "accepted a second spelling");
    }
    accepted.len()
}

fn any_file() -> impl Strategy<Value = Vec<u8>> {
    let number = 0..=MAX_DECIMAL;
    let freeze = (
        any_hash(),
        proptest::option::of(any_hash()),
        number.clone(),
        number.clone(),
    );
    let freeze = freeze.prop_map(|(open, prev, frozen_at, round)| {
        Freeze {
            open,
            prev,
            frozen_at,
            seats: open,
            round,
        }
        .to_bytes()
    });
    let winners = proptest::collection::btree_set(0..MAX_SEATS, 0..9);
    let result = (any_hash(), any::<bool>(), winners).prop_map(|(freeze, local, winners)| {
        let source = if local {
            BeaconKind::Local
        } else {
            BeaconKind::DrandQuicknet
        };
        let (signature, winners) = ([freeze.0[0]; 48], winners.into_iter().rev().collect());
        ResultFile {
            freeze,
            source,
            signature,
            seed: freeze,
            winners,
        }
        .to_bytes()
    });
    let void = (any_hash(), number.clone()).prop_map(|(of, at)| {
        Void {
            of,
            reason: VoidReason::Missing,
            at,
        }
        .to_bytes()
    });
    let beacon = (any_hash(), number, 1..=MAX_DECIMAL).prop_map(|(hash, genesis, period)| {
        BeaconFile {
            key: [hash.0[0]; 96],
            genesis,
            period,
        }
        .to_bytes()
    });
    prop_oneof![
        any_open().prop_map(|open| open.to_bytes()),
        any_seats().prop_map(|seats| seats.to_bytes()),
        freeze,
        result,
        void,
        beacon,
    ]
}

proptest! {
    #[test]
    fn files_come_back_from_their_bytes(open in any_open(), seats in any_seats(), file in any_file()) {
        prop_assert_eq!(Open::parse(&open.to_bytes()).unwrap(), open);
        prop_assert_eq!(Seats::parse(&seats.to_bytes()).unwrap(), seats);
        prop_assert_eq!(accepted_only_if_canonical(&file), 1);
    }

    #[test]
    fn no_mutation_gives_a_second_spelling(
        file in any_file(),
        at in any::<Index>(),
        end in any::<Index>(),
        byte in prop_oneof![any::<u8>(), proptest::sample::select(b"0 1-\n\rLM9af".to_vec())],
    ) {
        let (at, end) = (at.index(file.len()), end.index(file.len()));
        let mut changed = file.clone();
        changed[at] = byte;
        accepted_only_if_canonical(&changed);
        changed = file.clone();
        changed.insert(at, byte);
        accepted_only_if_canonical(&changed);
        changed = file.clone();
        changed.remove(at);
        accepted_only_if_canonical(&changed);
        accepted_only_if_canonical(&file[..at]);
        accepted_only_if_canonical(&file[at..]);
        accepted_only_if_canonical(&[&file[..at], &file[end..]].concat());
    }

    #[test]
    fn no_mixed_lines_give_a_second_spelling(file in any_file(), a in any::<Index>(), b in any::<Index>()) {
        let mut lines: Vec<&[u8]> = file.split_inclusive(|&byte| byte == b'\n').collect();
        let (a, b) = (a.index(lines.len()), b.index(lines.len()));
        lines.swap(a, b);
        accepted_only_if_canonical(&lines.concat());
        lines.swap(a, b);
        lines.insert(a, lines[b]);
        accepted_only_if_canonical(&lines.concat());
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        accepted_only_if_canonical(&bytes);
    }

    #[test]
    fn both_implementations_agree(
        open in any_open(),
        seats in any_seats(),
        signature in proptest::collection::vec(any::<u8>(), 48),
        after in 0..1_000_000_u64,
    ) {
        let mut seats = seats;
        let open = drawable(open, &mut seats);
        let timing = make::beacon_file().timing();
        let freeze = freeze_for(&open, &seats, 1_700_000_000 + after, None, timing).unwrap();
        let files = [open.to_bytes(), seats.to_bytes(), freeze.to_bytes()];
        let [o, s, f] = &files.clone().map(|file| String::from_utf8(file).unwrap());
        let second = oracle::compute(o, s, f, &signature);
        let first = reproduce(&files[0], &files[1], &files[2], &to_hex(&signature), None).unwrap();
        prop_assert_eq!(String::from_utf8(first.result).unwrap(), second.result);
    }

    #[test]
    fn winners_are_as_many_as_the_mode_says(open in any_open(), seats in any_seats(), scores in any_scores()) {
        let pool = order(&open, &seats, &scores);
        let count = winner_count(open.mode, &pool, &scores);
        match open.mode {
            Mode::Fixed { winners } => prop_assert_eq!(count, pool.len().min(winners as usize)),
            Mode::Chance { num, den, kmin, kmax } => {
                let (kmin, kmax) = (kmin as usize, kmax as usize);
                prop_assert!(count <= kmax && count <= pool.len());
                prop_assert!(kmin.min(pool.len()) <= count);
                if num == den {
                    prop_assert_eq!(count, kmax.min(pool.len()));
                }
                if num == 0 {
                    prop_assert_eq!(count, kmin.min(pool.len()));
                }
            }
        }
    }

    #[test]
    fn the_pool_holds_everyone_who_can_win_once(open in any_open(), seats in any_seats(), scores in any_scores()) {
        let pool = order(&open, &seats, &scores);
        let line = |index: &u32| seats.0[*index as usize];
        let distinct: BTreeSet<u32> = pool.iter().copied().collect();
        prop_assert_eq!(distinct.len(), pool.len(), "a seat twice");
        let may = |line: &&SeatLine| open.leader == LeaderRule::In || !line.leader;
        prop_assert!(pool.iter().all(|index| may(&&line(index))), "leader out never wins");
        let tags: BTreeSet<Hash> = pool.iter().map(|index| line(index).tag).collect();
        let everyone: BTreeSet<Hash> = seats.0.iter().filter(may).map(|line| line.tag).collect();
        prop_assert_eq!(&tags, &everyone);
        match open.per_member {
            PerMember::One => prop_assert_eq!(tags.len(), pool.len(), "no tag twice"),
            PerMember::Any => prop_assert_eq!(seats.0.iter().filter(may).count(), pool.len()),
        }
        for pair in pool.windows(2) {
            let key = |index: u32| (line(&index).tier, scores[index as usize], index);
            prop_assert!(key(pair[0]) < key(pair[1]), "lower tier, then lower score, first");
        }
    }

    #[test]
    fn seats_and_scores_moved_together_move_the_winners(
        open in any_open(),
        seats in any_seats(),
        scores in any_scores(),
        keys in proptest::collection::vec(any::<u64>(), 24),
    ) {
        let mut places: Vec<usize> = (0..seats.0.len()).collect();
        places.sort_by_key(|&place| (keys[place], place));
        let moved_seats = Seats(places.iter().map(|&place| seats.0[place]).collect());
        let moved_scores: Vec<[u8; 32]> = places.iter().map(|&place| scores[place]).collect();
        let moved = order(&open, &moved_seats, &moved_scores);
        let back: Vec<u32> = moved.iter().map(|&index| places[index as usize] as u32).collect();
        prop_assert_eq!(back, order(&open, &seats, &scores));
    }

    #[test]
    fn names_do_not_matter(open in any_open(), seats in any_seats(), scores in any_scores(), salt in any_hash()) {
        let rename = |tag: Hash| hash(&[tag.0, salt.0].concat());
        let renamed =
            Seats(seats.0.iter().map(|line| SeatLine { tag: rename(line.tag), ..*line }).collect());
        prop_assert_eq!(order(&open, &renamed, &scores), order(&open, &seats, &scores));
    }

    #[test]
    fn a_seat_scores_the_same_in_any_list(seed in any_hash(), count in 0..50_u32) {
        let all = scores(&seed, 50);
        prop_assert_eq!(&scores(&seed, count)[..], &all[..count as usize]);
        prop_assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 50);
    }
}

/// `be64 * den < num * 2^64` is exact at its edge: 1/2 hits below 2^63, not at it.
#[test]
fn a_chance_is_exact_at_its_edge() {
    let score = |front: u64| {
        let mut score = [0xff; 32];
        score[..8].copy_from_slice(&front.to_be_bytes());
        score
    };
    let hits = |num, den, front| {
        let mode = Mode::Chance {
            num,
            den,
            kmin: 0,
            kmax: 1,
        };
        winner_count(mode, &[0], &[score(front)])
    };
    assert_eq!(hits(1, 2, (1 << 63) - 1), 1);
    assert_eq!(hits(1, 2, 1 << 63), 0);
    assert_eq!(hits(0, 1, 0), 0);
    assert_eq!(hits(1, 1, u64::MAX), 1);
    assert_eq!(hits(u32::MAX, u32::MAX, u64::MAX), 1);
    assert_eq!(hits(u32::MAX - 1, u32::MAX, u64::MAX), 0);
    // 2^64 / 3 lies between these two.
    assert_eq!(hits(1, 3, 6_148_914_691_236_517_205), 1);
    assert_eq!(hits(1, 3, 6_148_914_691_236_517_206), 0);
}
