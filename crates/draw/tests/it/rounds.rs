//! The round rule and what hangs on a round's time (draw 4, 8).

use draw::*;
use proptest::prelude::*;

use crate::make;

#[test]
fn the_round_of_a_time() {
    let p3 = BeaconTiming {
        genesis: 1000,
        period: 3,
    };
    let p1 = BeaconTiming {
        genesis: 1000,
        period: 1,
    };
    let none = BeaconTiming {
        genesis: 1000,
        period: 0,
    };
    const TOP: u64 = MAX_DECIMAL;
    #[track_caller]
    fn check(frozen_at: u64, delay_s: u64, timing: BeaconTiming, expected: &str) {
        let found = match round_for(frozen_at, delay_s, timing) {
            Ok(round) => round.to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(found, expected);
    }
    //    frozen_at    delay  beacon     round
    check(1_694_775_543, 60, QUICKNET, "657413");
    check(1_692_803_307, 60, QUICKNET, "1");
    check(1_692_803_308, 60, QUICKNET, "2");
    check(1000, 0, p3, "1");
    check(1000, 1, p3, "2");
    check(1000, 3, p3, "2");
    check(1000, 4, p3, "3");
    check(998, 0, p3, "1");
    check(997, 0, p3, "the beacon had not begun at that time");
    check(0, 30, p3, "the beacon had not begun at that time");
    check(1000, 0, p1, "1");
    check(1001, 0, p1, "2");
    check(999, 0, p1, "the beacon had not begun at that time");
    check(1000, 0, none, "the beacon's period is 0");
    check(TOP, 0, p1, "9223372036854774808");
    check(TOP, 1, p1, "a time or round is above 2^63-1");
    check(u64::MAX, 1, p1, "a time or round is above 2^63-1");
}

#[test]
fn the_time_of_a_round() {
    assert_eq!(QUICKNET.round_time(1), Ok(1_692_803_367));
    assert_eq!(QUICKNET.round_time(657_413), Ok(1_694_775_603));
    assert_eq!(QUICKNET.round_time(0), Err(RoundError::RoundZero));
    assert_eq!(QUICKNET.round_time(MAX_DECIMAL), Err(RoundError::TooLarge));
}

proptest! {
    #[test]
    fn the_round_is_the_first_at_or_after_the_time(
        genesis in 0..4_000_000_000_u64,
        period in 1..100_000_u64,
        after in 0..4_000_000_000_u64,
        delay in 0..=2_592_000_u64,
    ) {
        let timing = BeaconTiming { genesis, period };
        let frozen_at = genesis + after;
        let round = round_for(frozen_at, delay, timing).unwrap();
        prop_assert!(frozen_at + delay <= timing.round_time(round).unwrap());
        if 1 < round {
            prop_assert!(timing.round_time(round - 1).unwrap() < frozen_at + delay);
        }
    }
}

#[test]
fn a_timeout_is_never_early() {
    let (open, seats) = (make::open(), make::seats(5));
    let freeze = freeze_for(&open, &seats, 1_694_775_543, None, QUICKNET).unwrap();
    let until = 1_694_775_603 + 86_400;
    assert_eq!(Void::timeout_at(&open, &freeze, QUICKNET), Ok(until));
    assert_eq!(
        Void::of_freeze(&open, &freeze, QUICKNET, until - 1),
        Err(VoidError::TooEarly {
            until,
            at: until - 1
        })
    );
    let void = Void::of_freeze(&open, &freeze, QUICKNET, until).unwrap();
    assert_eq!(
        void,
        Void {
            of: freeze.hash(),
            reason: VoidReason::Timeout,
            at: until
        }
    );
    assert_eq!(
        String::from_utf8(void.to_bytes()).unwrap(),
        format!(
            "potluck-draw/v1/void\nof {}\nreason timeout\nat {until}\n",
            freeze.hash()
        )
    );
}

#[test]
fn a_group_without_a_freeze_can_only_be_not_full_or_cancelled() {
    let open = make::open();
    for (reason, fits) in [
        (VoidReason::NotFull, true),
        (VoidReason::Cancelled, true),
        (VoidReason::Timeout, false),
        (VoidReason::Missing, false),
    ] {
        let void = Void::of_open(&open, reason, 17);
        if fits {
            assert_eq!(
                void,
                Ok(Void {
                    of: open.hash(),
                    reason,
                    at: 17
                })
            );
        } else {
            assert_eq!(void, Err(VoidError::ReasonNeedsFreeze));
        }
    }
    let late = Void::of_open(&open, VoidReason::Cancelled, u64::MAX);
    assert_eq!(late, Err(VoidError::Time(RoundError::TooLarge)));
}
