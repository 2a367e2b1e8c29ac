//! One spelling only: every other is refused, and the error names line and reason (draw 1, 2).

use draw::*;

const OPEN: &str = "potluck-draw/v1/open\nlog draw.example/log1\ngroup g1\ncircle -\nseats 5 5\n\
    mode fixed 1\nleader in\nrotation off\npermember one\noutcome win\nsource drand-quicknet\n\
    delay 60\ntimeout 86400 void\nchain -\n";
const HASH: &str = "5c40c5910246bccc11f3198463a5fc425f9cfa8ccd284bf973bfd7c1c0d4f7f0";

#[track_caller]
fn check(found: Result<Vec<u8>, ParseError>, bytes: &[u8], expected: &str) {
    match found {
        Ok(again) => {
            assert_eq!(expected, "ok");
            assert_eq!(again, bytes);
        }
        Err(error) => {
            assert_eq!(error.to_string(), expected);
            assert!(!error.to_string().contains('\n'), "an error is one line");
        }
    }
}

#[track_caller]
fn open_bytes(bytes: &[u8], expected: &str) {
    check(
        Open::parse(bytes).map(|file| file.to_bytes()),
        bytes,
        expected,
    );
}

/// Parses the good file with one place changed.
#[track_caller]
fn open(from: &str, to: &str, expected: &str) {
    assert_eq!(OPEN.matches(from).count(), 1, "{from:?} must stand once");
    open_bytes(OPEN.replace(from, to).as_bytes(), expected);
}

#[test]
#[rustfmt::skip] // A table: one row a line.
fn bytes_of_every_file() {
    open_bytes(OPEN.as_bytes(), "ok");
    open_bytes(b"", "open line 1: the file is empty");
    open_bytes(b"\n", "open line 1: empty line");
    open_bytes(&OPEN.as_bytes()[1..], "open line 1: header must be \"potluck-draw/v1/open\", found \"otluck-draw/v1/open\"");
    open_bytes(&OPEN.as_bytes()[..OPEN.len() - 1], "open line 14: the last line does not end with LF");
    open_bytes(&OPEN.as_bytes()[..OPEN.len() - 8], "open line 14: expected \"chain\", found the end of the file");
    open_bytes(&[b"\xef\xbb\xbf", OPEN.as_bytes()].concat(), "open line 1: begins with a byte order mark");
    open_bytes(OPEN.replace('\n', "\r\n").as_bytes(), "open line 1: carriage return");
    open_bytes(format!("{OPEN}\n").as_bytes(), "open line 15: empty line");
    open_bytes(format!("{OPEN}note x\n").as_bytes(), "open line 15: expected the end of the file, found \"note x\"");
    open_bytes(format!("\n{OPEN}").as_bytes(), "open line 1: empty line");
    open_bytes(format!("{OPEN}{}\n", "x".repeat(65_535)).as_bytes(), "open line 1: 65727 bytes, at most 65535 are allowed");
    open("potluck-draw/v1/open", "potluck-draw/v2/open", "open line 1: header must be \"potluck-draw/v1/open\", found \"potluck-draw/v2/open\"");
    open("potluck-draw/v1/open", "potluck-draw/v1/seats", "open line 1: header must be \"potluck-draw/v1/open\", found \"potluck-draw/v1/seats\"");
    open("potluck-draw/v1/open", "potluck-draw/v1/open 1", "open line 1: header must be \"potluck-draw/v1/open\", found \"potluck-draw/v1/open 1\"");
    open("group g1", "group\rg1", "open line 3: carriage return");
    open("group g1", "group\tg1", "open line 3: byte 0x09 is not printable ASCII");
    open("group g1", "group g\0", "open line 3: byte 0x00 is not printable ASCII");
    open("group g1", "group g\x7f", "open line 3: byte 0x7f is not printable ASCII");
    open("group g1", "group g\u{e9}", "open line 3: byte 0xc3 is not printable ASCII");
    open("group g1", "group  g1", "open line 3: two spaces in a row");
    open("group g1", " group g1", "open line 3: space at the beginning of the line");
    open("group g1", "group g1 ", "open line 3: space at the end of the line");
    open("group g1", "group", "open line 3: group: has no value");
    open("group g1\n", "group g1\n\n", "open line 4: empty line");
}

#[test]
#[rustfmt::skip] // A table: one row a line.
fn keys_in_their_order_once() {
    open("group g1\ncircle -", "circle -\ngroup g1", "open line 3: expected \"group\", found \"circle\"");
    open("group g1\n", "", "open line 3: expected \"group\", found \"circle\"");
    open("group g1\n", "group g1\ngroup g1\n", "open line 4: expected \"circle\", found \"group\"");
    open("group g1", "Group g1", "open line 3: expected \"group\", found \"Group\"");
    open("group g1", "groups g1", "open line 3: expected \"group\", found \"groups\"");
}

#[test]
#[rustfmt::skip] // A table: one row a line.
fn values_of_open() {
    let ident = "must be 1 to 64 of a-z 0-9 . _ - and begin with a letter or digit";
    let origin = "must be 1 to 128 printable ASCII characters without space or +";
    let long = "a".repeat(65);
    open("group g1", &format!("group {}", &long[1..]), "ok");
    open("group g1", "group 0._-z", "ok");
    open("group g1", &format!("group {long}"), &format!("open line 3: group: {ident}"));
    open("group g1", "group G1", &format!("open line 3: group: {ident}"));
    open("group g1", "group -", &format!("open line 3: group: {ident}"));
    open("group g1", "group .a", &format!("open line 3: group: {ident}"));
    open("group g1", "group a b", &format!("open line 3: group: {ident}"));
    open("circle -", "circle c-1", "ok");
    open("circle -", "circle --", &format!("open line 4: circle: {ident}"));
    open("draw.example/log1", "a+b", &format!("open line 2: log: {origin}"));
    open("draw.example/log1", "a b", &format!("open line 2: log: {origin}"));
    open("draw.example/log1", &"~".repeat(128), "ok");
    open("draw.example/log1", &"~".repeat(129), &format!("open line 2: log: {origin}"));
    open("leader in", "leader out", "ok");
    open("leader in", "leader IN", "open line 7: leader: expected in or out, found \"IN\"");
    open("leader in", "leader in in", "open line 7: leader: expected in or out, found \"in in\"");
    open("rotation off", "rotation no", "open line 8: rotation: expected on or off, found \"no\"");
    open("permember one", "permember any", "ok");
    open("permember one", "permember two", "open line 9: permember: expected one or any, found \"two\"");
    open("outcome win", "outcome pay", "ok");
    open("outcome win", "outcome lose", "open line 10: outcome: expected win or pay, found \"lose\"");
}

#[test]
#[rustfmt::skip] // A table: one row a line.
fn numbers_of_open() {
    let range = "open line 5: seats: must be 1 <= min <= max <= 10000";
    open("seats 5 5", "seats 1 10000", "ok");
    open("seats 5 5", "seats 0 5", range);
    open("seats 5 5", "seats 6 5", range);
    open("seats 5 5", "seats 5 10001", range);
    open("seats 5 5", "seats 5", "open line 5: seats: expected 2 fields, found 1");
    open("seats 5 5", "seats 5 5 5", "open line 5: seats: expected 2 fields, found 3");
    open("seats 5 5", "seats 05 5", "open line 5: seats: \"05\" has a leading zero");
    open("seats 5 5", "seats +5 5", "open line 5: seats: \"+5\" is not a decimal");
    open("seats 5 5", "seats -5 5", "open line 5: seats: \"-5\" is not a decimal");
    open("seats 5 5", "seats 5.0 5", "open line 5: seats: \"5.0\" is not a decimal");
    open("seats 5 5", "seats 4294967296 5", "open line 5: seats: \"4294967296\" is above 4294967295");
    open("seats 5 5", "seats 9223372036854775808 5", "open line 5: seats: \"9223372036854775808\" is above 2^63-1");
    open("seats 5 5", "seats 99999999999999999999 5", "open line 5: seats: \"99999999999999999999\" is above 2^63-1");
    let winners = "open line 6: mode: winners must be 1..10000";
    open("mode fixed 1", "mode fixed 10000", "ok");
    open("mode fixed 1", "mode fixed 0", winners);
    open("mode fixed 1", "mode fixed 10001", winners);
    open("mode fixed 1", "mode fixed 1 2", "open line 6: mode: expected 2 fields, found 3");
    open("mode fixed 1", "mode fixed", "open line 6: mode: expected fixed <W> or chance <num> <den> <kmin> <kmax>, found \"fixed\"");
    let rate = "open line 6: mode: must be 0 <= num <= den, 1 <= den";
    let count = "open line 6: mode: must be kmin <= kmax, 1 <= kmax <= 10000";
    open("mode fixed 1", "mode chance 0 1 0 1", "ok");
    open("mode fixed 1", "mode chance 4294967295 4294967295 10000 10000", "ok");
    open("mode fixed 1", "mode chance 0 0 0 1", rate);
    open("mode fixed 1", "mode chance 2 1 0 1", rate);
    open("mode fixed 1", "mode chance 1 4294967296 0 1", "open line 6: mode: \"4294967296\" is above 4294967295");
    open("mode fixed 1", "mode chance 1 2 0 0", count);
    open("mode fixed 1", "mode chance 1 2 3 2", count);
    open("mode fixed 1", "mode chance 1 2 0 10001", count);
    open("mode fixed 1", "mode chance 1 2 0", "open line 6: mode: expected 5 fields, found 4");
    let delay = "open line 12: delay: must be 30..2592000 seconds";
    open("delay 60", "delay 30", "ok");
    open("delay 60", "delay 2592000", "ok");
    open("delay 60", "delay 29", delay);
    open("delay 60", "delay 2592001", delay);
    open("delay 60", "delay 9223372036854775807", delay);
    open("delay 60", "delay 60s", "open line 12: delay: \"60s\" is not a decimal");
    let timeout = "open line 13: timeout: must be 3600..31536000 seconds";
    open("timeout 86400 void", "timeout 3600 void", "ok");
    open("timeout 86400 void", "timeout 31536000 void", "ok");
    open("timeout 86400 void", "timeout 3599 void", timeout);
    open("timeout 86400 void", "timeout 31536001 void", timeout);
    open("timeout 86400 void", "timeout 86400", "open line 13: timeout: expected 2 fields, found 1");
    open("timeout 86400 void", "timeout 86400 draw", "open line 13: timeout: expected void or commit, found \"draw\"");
}

#[test]
fn rotation_needs_fixed_circle_one() {
    let with = |change: &[(&str, &str)]| {
        let start = OPEN
            .replace("rotation off", "rotation on")
            .replace("circle -", "circle c");
        change
            .iter()
            .fold(start, |text, (from, to)| text.replace(from, to))
    };
    let check = |change: &[(&str, &str)], expected: &str| {
        open_bytes(with(change).as_bytes(), expected);
    };
    check(&[], "ok");
    check(
        &[("fixed 1", "chance 1 2 0 1")],
        "open line 8: rotation: on needs mode fixed",
    );
    check(
        &[("circle c", "circle -")],
        "open line 8: rotation: on needs a circle",
    );
    check(
        &[("permember one", "permember any")],
        "open line 8: rotation: on needs permember one",
    );
}

#[test]
fn sources_and_reserved_syntax() {
    let drand = "source drand-quicknet\ndelay 60\n";
    let local = |hash: &str, delay: u32| format!("source local {hash}\ndelay {delay}\n");
    let hex = "open line 11: source: must be 64";
    open(drand, &local(HASH, 3), "ok");
    open(
        drand,
        &local(HASH, 2),
        "open line 12: delay: must be 3..2592000 seconds",
    );
    open(
        drand,
        &local(&HASH[2..], 3),
        &format!("{hex} hex digits, found 62 characters"),
    );
    open(
        drand,
        &local(&HASH.to_uppercase(), 3),
        &format!("{hex} lower-case hex digits"),
    );
    let known = "open line 11: source: expected drand-quicknet, commit or local <hash>";
    open(
        "source drand-quicknet",
        "source local",
        &format!("{known}, found \"local\""),
    );
    open(
        "source drand-quicknet",
        "source drand",
        &format!("{known}, found \"drand\""),
    );
    open(
        "source drand-quicknet",
        "source commit 1",
        &format!("{known}, found \"commit 1\""),
    );

    // Reserved (draw 10): read, told apart, never opened.
    let reserved = |from: &str, to: &str| {
        open(from, to, "ok");
        Open::parse(OPEN.replace(from, to).as_bytes())
            .unwrap()
            .reserved()
    };
    assert_eq!(Open::parse(OPEN.as_bytes()).unwrap().reserved(), None);
    assert_eq!(
        reserved("source drand-quicknet", "source commit"),
        Some("source commit")
    );
    assert_eq!(
        reserved("86400 void", "86400 commit"),
        Some("timeout commit")
    );
    assert_eq!(
        reserved("chain -", &format!("chain {HASH} 0 9223372036854775807")),
        Some("chain")
    );
    let fields = "open line 14: chain: expected 3 fields, found 1";
    open("chain -", "chain none", fields);
    open("chain -", &format!("chain {HASH}"), fields);
    let top = "9223372036854775808";
    let above = format!("open line 14: chain: \"{top}\" is above 2^63-1");
    open("chain -", &format!("chain {HASH} 1 {top}"), &above);
}

#[test]
#[rustfmt::skip] // A table: one row a line.
fn seats_files() {
    let other = HASH.replace('5', "6");
    let good = format!(
        "potluck-draw/v1/seats\n0 {HASH} L 0 -\n1 {other} M 4294967295 -\n2 {HASH} L 0 -\n"
    );
    let seats = |from: &str, to: &str, expected: &str| {
        assert!(good.contains(from), "{from:?}");
        let bytes = good.replacen(from, to, 1);
        check(
            Seats::parse(bytes.as_bytes()).map(|file| file.to_bytes()),
            bytes.as_bytes(),
            expected,
        );
    };
    seats("", "", "ok");
    seats(" L 0", " M 0", "ok");
    seats("\n0 ", "\n1 ", "seats line 2: index: expected 0, found 1");
    seats("\n1 ", "\n2 ", "seats line 3: index: expected 1, found 2");
    seats("\n1 ", "\n0 ", "seats line 3: index: expected 1, found 0");
    seats("\n1 ", "\n01 ", "seats line 3: index: \"01\" has a leading zero");
    seats("5c40", "5C40", "seats line 2: member_tag: must be 64 lower-case hex digits");
    seats("5c40", "5c4g", "seats line 2: member_tag: must be 64 lower-case hex digits");
    seats("5c40", "5c4", "seats line 2: member_tag: must be 64 hex digits, found 63 characters");
    seats(" L 0 -", " l 0 -", "seats line 2: role: expected L or M, found \"l\"");
    seats(" L 0 -", " L -1 -", "seats line 2: tier: \"-1\" is not a decimal");
    seats("4294967295", "4294967296", "seats line 3: tier: \"4294967296\" is above 4294967295");
    seats(" L 0 -", " L 1 -", "seats line 4: tier: 0, but 1 in this tag's first seat");
    seats(" L 0 -", " L 0 x", "seats line 2: last field: expected -, found \"x\"");
    seats(" L 0 -", " L 0", "seats line 2: seat: expected 5 fields, found 4");
    seats(" L 0 -", " L 0 - -", "seats line 2: seat: expected 5 fields, found 6");
    let none = b"potluck-draw/v1/seats\n";
    check(Seats::parse(none).map(|file| file.to_bytes()), none, "seats line 2: there is no seat");
    let huge = vec![b'x'; (1 << 20) + 1];
    check(Seats::parse(&huge).map(|file| file.to_bytes()), &huge, "seats line 1: 1048577 bytes, at most 1048576 are allowed");
}

#[test]
#[rustfmt::skip] // A table: one row a line.
fn freeze_files() {
    let good = format!(
        "potluck-draw/v1/freeze\nopen {HASH}\nprev -\nfrozen_at 9223372036854775807\nseats {HASH}\nround 0\nchainpos -\n"
    );
    let freeze = |from: &str, to: &str, expected: &str| {
        assert!(good.contains(from), "{from:?}");
        let bytes = good.replacen(from, to, 1);
        check(
            Freeze::parse(bytes.as_bytes()).map(|file| file.to_bytes()),
            bytes.as_bytes(),
            expected,
        );
    };
    freeze("", "", "ok");
    freeze("prev -", &format!("prev {HASH}"), "ok");
    freeze("prev -", "prev 0", "freeze line 3: prev: must be 64 hex digits, found 1 characters");
    freeze("5c40", "5c4 0", "freeze line 2: open: must be 64 hex digits, found 65 characters");
    freeze("775807", "775808", "freeze line 4: frozen_at: \"9223372036854775808\" is above 2^63-1");
    freeze("round 0", "round 00", "freeze line 6: round: \"00\" has a leading zero");
    freeze("round 0", "round -", "freeze line 6: round: \"-\" is not a decimal");
    freeze("chainpos -", "chainpos 1", "freeze line 7: chainpos: expected -, found \"1\"");
    freeze("prev -\n", "", "freeze line 3: expected \"prev\", found \"frozen_at\"");
}

#[test]
#[rustfmt::skip] // A table: one row a line.
fn result_files() {
    let sig = "ab".repeat(48);
    let good = format!(
        "potluck-draw/v1/result\nfreeze {HASH}\nsource local {sig}\nseed {HASH}\nwinners 2 9999 0\n"
    );
    let result = |from: &str, to: &str, expected: &str| {
        assert!(good.contains(from), "{from:?}");
        let bytes = good.replacen(from, to, 1);
        check(
            ResultFile::parse(bytes.as_bytes()).map(|file| file.to_bytes()),
            bytes.as_bytes(),
            expected,
        );
    };
    result("", "", "ok");
    result("source local", "source drand-quicknet", "ok");
    result("winners 2 9999 0", "winners 0", "ok");
    result("source local", "source commit", "result line 3: source: expected drand-quicknet or local, found \"commit\"");
    result("source local ", "source ", "result line 3: source: expected 2 fields, found 1");
    result("abab", "ab", "result line 3: source: must be 96 hex digits, found 94 characters");
    result("abab", "abAB", "result line 3: source: must be 96 lower-case hex digits");
    result("winners 2 9999 0", "winners 2 9999", "result line 5: winners: 2 announced, 1 listed");
    result("winners 2 9999 0", "winners 1 9999 0", "result line 5: winners: 1 announced, 2 listed");
    result("winners 2 9999 0", "winners 2 0 0", "result line 5: winners: seat 0 twice");
    result("winners 2 9999 0", "winners 2 10000 0", "result line 5: winners: no seat \"10000\"");
    result("winners 2 9999 0", "winners 2 09 0", "result line 5: winners: \"09\" has a leading zero");
    result("winners 2 9999 0", "winners 10001 0", "result line 5: winners: more than 10000");
    result("winners 2 9999 0", "winners", "result line 5: winners: has no value");
}

#[test]
#[rustfmt::skip] // A table: one row a line.
fn void_and_beacon_files() {
    let void = |reason: &str, at: &str, expected: &str| {
        let bytes = format!("potluck-draw/v1/void\nof {HASH}\nreason {reason}\nat {at}\n");
        check(
            Void::parse(bytes.as_bytes()).map(|file| file.to_bytes()),
            bytes.as_bytes(),
            expected,
        );
    };
    for reason in ["not_full", "cancelled", "timeout", "missing"] {
        void(reason, "0", "ok");
    }
    void("late", "0", "void line 3: reason: expected not_full or cancelled or timeout or missing, found \"late\"");
    void("timeout", "1e3", "void line 4: at: \"1e3\" is not a decimal");

    let key = "ab".repeat(96);
    let beacon = |key: &str, period: &str, expected: &str| {
        let bytes = format!("potluck-draw/v1/beacon\nkey {key}\ngenesis 0\nperiod {period}\n");
        check(
            BeaconFile::parse(bytes.as_bytes()).map(|file| file.to_bytes()),
            bytes.as_bytes(),
            expected,
        );
    };
    beacon(&key, "1", "ok");
    beacon(&key, "0", "beacon line 4: period: must be at least 1");
    beacon(&key[1..], "3", "beacon line 2: key: must be 192 hex digits, found 191 characters");
}

/// What a hostile file says is repeated shortened and printable.
#[test]
fn errors_stay_short() {
    let error = Open::parse(
        OPEN.replace("leader in", &format!("leader {}", "\"\\".repeat(500)))
            .as_bytes(),
    );
    let text = error.unwrap_err().to_string();
    assert!(text.len() < 250, "{} bytes", text.len());
    assert!(text.ends_with("...\""), "{text}");
}

#[test]
fn hashes_have_one_spelling() {
    let value: Hash = HASH.parse().unwrap();
    assert_eq!(value.to_string(), HASH);
    assert_eq!(format!("{value:?}"), format!("Hash({HASH})"));
    assert!(HASH.to_uppercase().parse::<Hash>().is_err());
    assert!(HASH[1..].parse::<Hash>().is_err());
    assert!(signature_from_hex(&HASH[..48]).is_err());
    assert!("".parse::<Ident>().is_err() && "".parse::<Origin>().is_err());
    assert_eq!("a.b".parse::<Ident>().unwrap().as_str(), "a.b");
    assert_eq!("a".parse::<Origin>().unwrap().as_str(), "a");
}

/// `H("")` and the member tag's parts, computed elsewhere.
#[test]
fn tags_and_salts() {
    let ident = Ident::new("g1").unwrap();
    let salt = salt(&[3; 32], &ident);
    assert_eq!(
        to_hex(&salt),
        "942159a0e218dde4bf9e5e8fdfb1616a168a61974b79a950fcc96cb2602dcc4a"
    );
    assert_eq!(
        member_tag(&salt, "42").to_string(),
        "997753d1ec44cc1bd7bc360fe3fb0ab11151642c24bc88e5012980dd4f65ac6a"
    );
}
