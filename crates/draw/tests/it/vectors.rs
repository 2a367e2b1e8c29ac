//! Golden vectors: the published one and more of the project's own. These bytes are public:
//! repair the code, never these files.

use std::fs;
use std::path::PathBuf;

use draw::*;
use serde_json::Value;

use crate::oracle::{self, hex, sha256};

fn vectors() -> Vec<Value> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "json"))
        .collect();
    files.sort();
    files
        .iter()
        .map(|file| serde_json::from_slice(&fs::read(file).unwrap()).unwrap())
        .collect()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key]
        .as_str()
        .unwrap_or_else(|| panic!("{key} is missing"))
}

#[test]
fn every_vector_comes_out_byte_for_byte() {
    let all = vectors();
    let names: Vec<&str> = all.iter().map(|vector| text(vector, "name")).collect();
    assert_eq!(
        names,
        [
            "chance-30-percent-of-12",
            "chance-none",
            "fixed-3-of-10-one",
            "leader-out-pay-1-of-5",
            "local-more-winners-than-pool",
            "rotation-2-of-6",
        ]
    );
    for vector in &all {
        check_vector(vector);
    }
}

fn check_vector(vector: &Value) {
    let name = text(vector, "name");
    let expect = &vector["expect"];
    let open = Open::parse(text(vector, "open").as_bytes()).unwrap();
    let seats = Seats::parse(text(vector, "seats").as_bytes()).unwrap();
    let freeze = Freeze::parse(text(vector, "freeze").as_bytes()).unwrap();
    assert_eq!(open.to_bytes(), text(vector, "open").as_bytes(), "{name}");
    assert_eq!(seats.to_bytes(), text(vector, "seats").as_bytes(), "{name}");
    assert_eq!(
        freeze.to_bytes(),
        text(vector, "freeze").as_bytes(),
        "{name}"
    );
    assert_eq!(open.hash().to_string(), text(expect, "open_hash"), "{name}");
    assert_eq!(
        seats.hash().to_string(),
        text(expect, "seats_hash"),
        "{name}"
    );
    assert_eq!(
        freeze.hash().to_string(),
        text(expect, "freeze_hash"),
        "{name}"
    );

    let beacon_file = vector["beacon_file"].as_str();
    let key = match beacon_file {
        Some(file) => BeaconKey::from_file(&BeaconFile::parse(file.as_bytes()).unwrap()).unwrap(),
        None => BeaconKey::quicknet().unwrap(),
    };
    let signature = signature_from_hex(text(vector, "beacon")).unwrap();
    let round = key.verify(freeze.round, &signature).unwrap();
    assert_eq!(round.value().to_string(), text(expect, "B"), "{name}");

    let outcome = draw(&open, &seats, &freeze, &round).unwrap();
    assert_eq!(outcome.freeze_hash(), freeze.hash());
    assert_eq!(outcome.open_hash(), open.hash());
    assert_eq!(outcome.round(), freeze.round);
    assert_eq!(outcome.signature(), &signature);
    assert_eq!(outcome.seed().to_string(), text(expect, "seed"), "{name}");
    let count = u32::try_from(seats.0.len()).unwrap();
    let own: Vec<String> = scores(&outcome.seed(), count)
        .iter()
        .map(|s| hex(s))
        .collect();
    assert_eq!(Value::from(own), expect["scores"], "{name}");
    assert_eq!(Value::from(outcome.winners()), expect["winners"], "{name}");
    assert!(outcome.order().starts_with(outcome.winners()), "{name}");
    let result = text(expect, "result").as_bytes();
    assert_eq!(outcome.result_bytes(), result, "{name}");
    assert_eq!(ResultFile::parse(result).unwrap(), *outcome.result());
    let timing = key.timing();
    let again = freeze_for(&open, &seats, freeze.frozen_at, freeze.prev, timing).unwrap();
    assert_eq!(again, freeze, "{name}");

    check_second_implementation(vector, &signature);
    check_reproduce(vector, beacon_file);
    if expect["log3"].is_object() {
        check_log_of_three(vector);
    }
}

fn check_second_implementation(vector: &Value, signature: &[u8]) {
    let (open, seats, freeze) = (
        text(vector, "open"),
        text(vector, "seats"),
        text(vector, "freeze"),
    );
    let second = oracle::compute(open, seats, freeze, signature);
    let expect = &vector["expect"];
    assert_eq!(hex(&second.seed), text(expect, "seed"));
    let scores: Vec<String> = second.scores.iter().map(|score| hex(score)).collect();
    assert_eq!(Value::from(scores), expect["scores"]);
    assert_eq!(Value::from(second.winners), expect["winners"]);
    assert_eq!(second.result, text(expect, "result"));
}

fn check_reproduce(vector: &Value, beacon_file: Option<&str>) {
    let result = text(&vector["expect"], "result").as_bytes();
    let run = |beacon: Option<&str>| {
        reproduce(
            text(vector, "open").as_bytes(),
            text(vector, "seats").as_bytes(),
            text(vector, "freeze").as_bytes(),
            text(vector, "beacon"),
            beacon.map(str::as_bytes),
        )
        .unwrap()
    };
    let full = run(beacon_file);
    assert_eq!(full.result, result);
    assert_eq!(full.unchecked, Vec::<&str>::new());
    if beacon_file.is_some() {
        let part = run(None);
        assert_eq!(part.result, result);
        assert_eq!(part.unchecked, ["round rule", "beacon signature"]);
    }
}

/// The leaves, root and proof that a log of just these three entries has (draw 9).
fn check_log_of_three(vector: &Value) {
    let log = &vector["expect"]["log3"];
    let entries = [
        text(vector, "open"),
        text(vector, "freeze"),
        text(&vector["expect"], "result"),
    ];
    let leaf = |entry: &&str| sha256(&[&[0], entry.as_bytes()].concat());
    let node = |left: &[u8], right: &[u8]| sha256(&[&[1], left, right].concat());
    let leaves: Vec<Vec<u8>> = entries.iter().map(leaf).collect();
    let hexes: Vec<String> = leaves.iter().map(|leaf| hex(leaf)).collect();
    assert_eq!(Value::from(hexes.clone()), log["leaves"]);
    assert_eq!(
        hex(&node(&node(&leaves[0], &leaves[1]), &leaves[2])),
        text(log, "root")
    );
    assert_eq!(
        Value::from(vec![&*hexes[0], &*hexes[2]]),
        log["freeze_proof"]
    );
}
