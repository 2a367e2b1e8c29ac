//! Files that do not fit together are never drawn (draw 4, 6, 10).

use draw::*;

use crate::make;

const FROZEN_AT: u64 = 1_700_000_006;

/// Everything a draw needs, by the local beacon: round 4 is the first at or after 1 700 000 009.
struct Case {
    open: Open,
    seats: Seats,
    freeze: Freeze,
    round: VerifiedRound,
}

fn case() -> Case {
    let (open, seats) = (make::local_open(), make::seats(5));
    let timing = make::beacon_file().timing();
    let freeze = freeze_for(&open, &seats, FROZEN_AT, None, timing).unwrap();
    assert_eq!(freeze.round, 4);
    let round = round(4);
    Case {
        open,
        seats,
        freeze,
        round,
    }
}

fn round(number: u64) -> VerifiedRound {
    let key = BeaconKey::from_file(&make::beacon_file()).unwrap();
    key.verify(number, &make::local_beacon().sign(number))
        .unwrap()
}

/// Draws after a change; `reseal` makes the freeze name the changed files again.
#[track_caller]
fn check(reseal: bool, change: impl FnOnce(&mut Case), expected: &str) {
    let mut case = case();
    change(&mut case);
    if reseal {
        case.freeze.open = case.open.hash();
        case.freeze.seats = case.seats.hash();
    }
    let found = match draw(&case.open, &case.seats, &case.freeze, &case.round) {
        Ok(_) => "drawn".to_owned(),
        Err(error) => error.to_string(),
    };
    assert!(
        found.starts_with(expected),
        "expected {expected:?}, found {found:?}"
    );
}

#[test]
#[rustfmt::skip] // A table: one row a line.
fn a_draw_needs_everything_to_fit() {
    check(false, |_| {}, "drawn");
    check(true, |c| c.open.delay_s = 2, "open line 12: delay: must be 3..2592000 seconds");
    check(true, |c| c.open.source = Source::Commit, "open line 12: delay");
    check(true, |c| { c.open.source = Source::Commit; c.open.delay_s = 60; }, "not supported: source commit");
    check(true, |c| c.open.timeout.then = TimeoutAction::Commit, "not supported: timeout commit");
    check(true, |c| { c.open.chain = Chain::Tip { tip: make::tag(0), length: 1, max_missing: 0, } }, "not supported: chain");
    check(true, |c| c.seats.0.clear(), "seats line 2: there is no seat");
    check(true, |c| { c.seats.0[1].tag = c.seats.0[0].tag; c.seats.0[1].tier = 1; }, "seats line 3: tier: 1, but 0 in this tag's first seat");
    check(false, |c| c.open.outcome = OutcomeKind::Pay, "the freeze names open ");
    check(false, |c| c.seats.0[2].leader = true, "the freeze names seats ");
    check(true, |c| c.seats.0.truncate(4), "4 seats, the rules allow 5 to 5");
    check(true, |c| c.seats = make::seats(6), "6 seats, the rules allow 5 to 5");
    check(true, |c| c.freeze.prev = Some(make::tag(0)), "the freeze names a previous draw");
    check(true, |c| c.seats.0[3].tier = 1, "seat 3 has a tier, but rotation is off");
    check(true, |c| c.freeze.frozen_at += 3, "the freeze names round 4, the rule gives 5");
    check(true, |c| c.freeze.round = 5, "the freeze names round 5, the rule gives 4");
    check(true, |c| c.open.delay_s += 3, "the freeze names round 4, the rule gives 5");
    check(true, |c| c.freeze.frozen_at = 0, "the beacon had not begun at that time");
    check(true, |c| c.freeze.round = u64::MAX, "a time or round is above 2^63-1");
    check(false, |c| c.round = round(5), "the freeze awaits round 4, this is round 5");
}

#[test]
fn a_round_of_one_beacon_draws_nothing_for_another() {
    // A local round for a drand group, with a freeze that obeys the local timing.
    check(
        true,
        |c| {
            c.open.source = Source::DrandQuicknet;
            c.open.delay_s = 30;
        },
        "the round was signed by another beacon than the rules name",
    );
    // The same key with another file is another beacon.
    check(
        false,
        |c| {
            let file = make::local_beacon().file(1_700_000_000 - 3, 3);
            let key = BeaconKey::from_file(&file).unwrap();
            c.round = key.verify(4, &make::local_beacon().sign(4)).unwrap();
        },
        "the round was signed by another beacon than the rules name",
    );
    check(
        true,
        |c| {
            c.open.source = Source::Local {
                beacon: make::tag(9),
            }
        },
        "the round was signed by another beacon than the rules name",
    );
}

#[test]
fn a_freeze_is_made_only_of_what_can_be_drawn() {
    let timing = make::beacon_file().timing();
    let (open, seats) = (make::local_open(), make::seats(5));
    let frozen = |open: &Open, seats: &Seats, at, prev, timing| {
        freeze_for(open, seats, at, prev, timing).map(|freeze| freeze.round)
    };
    assert_eq!(frozen(&open, &seats, FROZEN_AT, None, timing), Ok(4));
    assert_eq!(
        frozen(&open, &make::seats(4), FROZEN_AT, None, timing),
        Err(DrawError::SeatCount {
            found: 4,
            min: 5,
            max: 5
        })
    );
    assert_eq!(
        frozen(&open, &seats, FROZEN_AT, Some(make::tag(1)), timing),
        Err(DrawError::PrevWithoutCircle)
    );
    assert_eq!(
        frozen(&make::open(), &seats, FROZEN_AT, None, timing),
        Err(DrawError::OtherBeacon),
        "drand's rounds are not the local ones"
    );
    let commit = Open {
        source: Source::Commit,
        ..make::open()
    };
    assert_eq!(
        frozen(&commit, &seats, FROZEN_AT, None, timing),
        Err(DrawError::NotSupported("source commit"))
    );
    let circle = Open {
        circle: Some(Ident::new("club").unwrap()),
        ..open
    };
    assert_eq!(
        frozen(&circle, &seats, FROZEN_AT, Some(make::tag(1)), timing),
        Ok(4)
    );
}

#[test]
fn reproduce_names_what_is_wrong() {
    let case = case();
    let (open, seats, freeze) = (
        case.open.to_bytes(),
        case.seats.to_bytes(),
        case.freeze.to_bytes(),
    );
    let good = to_hex(case.round.signature());
    let file = make::beacon_file().to_bytes();
    let run = |signature: &str, file: Option<&[u8]>| match reproduce(
        &open, &seats, &freeze, signature, file,
    ) {
        Ok(done) => format!("unchecked: {}", done.unchecked.join(", ")),
        Err(error) => error.to_string(),
    };
    let other_file = make::local_beacon().file(1, 3).to_bytes();
    let other_round = to_hex(&make::local_beacon().sign(5));
    assert_eq!(run(&good, Some(&file)), "unchecked: ");
    assert_eq!(run(&good, None), "unchecked: round rule, beacon signature");
    assert_eq!(
        run(&good.to_uppercase(), None),
        "signature: must be 96 lower-case hex digits"
    );
    assert_eq!(
        run("", None),
        "signature: must be 96 hex digits, found 0 characters"
    );
    assert_eq!(
        run(&other_round, Some(&file)),
        "the signature is not the beacon's signature of round 4"
    );
    assert!(run(&good, Some(&other_file)).starts_with("the rules name beacon "));

    // A freeze that picked its own round is refused even with that round's true signature.
    let picked = Freeze {
        round: 5,
        ..case.freeze.clone()
    }
    .to_bytes();
    assert_eq!(
        reproduce(&open, &seats, &picked, &other_round, Some(&file)),
        Err(ReproduceError::Draw(DrawError::RoundRule {
            expected: 4,
            found: 5
        }))
    );

    let drand = make::open();
    let sealed = freeze_for(&drand, &case.seats, 1_694_775_543, None, QUICKNET).unwrap();
    let run = |signature: &str, file: Option<&[u8]>| {
        reproduce(
            &drand.to_bytes(),
            &seats,
            &sealed.to_bytes(),
            signature,
            file,
        )
    };
    let published = "b713718a38ae728dfd477991af2822e08d2f305e47718cef9f7848ce4050e7be41076862b98fad56e91a6b85b89cd97b";
    assert_eq!(run(published, None).unwrap().unchecked, Vec::<&str>::new());
    assert_eq!(
        run(published, Some(&file)),
        Err(ReproduceError::NeedlessBeaconFile)
    );
    assert_eq!(
        run(&good, None),
        Err(ReproduceError::Beacon(BeaconError::WrongSignature {
            round: 657_413
        }))
    );
}

/// Draw 1 promises that 10 000 seats keep a result within one log entry.
#[test]
fn the_largest_group_fits_one_log_entry() {
    let open = Open {
        seats: SeatRange {
            min: 1,
            max: MAX_SEATS,
        },
        mode: Mode::Fixed {
            winners: MAX_WINNERS,
        },
        ..make::local_open()
    };
    let seats = make::seats(MAX_SEATS);
    let timing = make::beacon_file().timing();
    let freeze = freeze_for(&open, &seats, FROZEN_AT, None, timing).unwrap();
    let outcome = draw(&open, &seats, &freeze, &round(4)).unwrap();
    assert_eq!(outcome.winners().len(), 10_000);
    let bytes = outcome.result_bytes();
    assert!(bytes.len() <= MAX_LOG_ENTRY_BYTES, "{} bytes", bytes.len());
    assert_eq!(ResultFile::parse(&bytes).unwrap(), *outcome.result());
    assert_eq!(Seats::parse(&seats.to_bytes()).unwrap(), seats);

    let too_many = make::seats(MAX_SEATS + 1);
    let error = Seats::parse(&too_many.to_bytes()).unwrap_err();
    assert_eq!(error.to_string(), "seats line 10002: more than 10000 seats");
}
