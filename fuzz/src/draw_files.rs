//! The files of a draw, everything that `potluck draw` reads, and the draw that follows from them.
//!
//! An input is texts with a zero byte between them, which no file can hold: `open`, `seats`, `freeze`, the signature in
//! hex, and a `beacon` file or none; then any others. Held against each other: the crate, the grammar told once more
//! ([`crate::second`]) and the computation told once more (`crates/draw/tests/it/oracle.rs`).
//!
//! A freeze names its files by their hashes, so a changed file would never reach a draw. Therefore whatever can be read
//! is also sealed anew and drawn with a beacon of our own.

use std::sync::LazyLock;

use draw::{
    BeaconFile, BeaconKey, Freeze, LocalBeacon, Open, ResultFile, SeatRange, Seats, Source, Tiers,
    Void, VoidReason, certain_members, freeze_for, reproduce,
};

use crate::{corpus, oracle, second};

/// The slow implementation takes the square of the seats.
const MOST_SEATS: usize = 128;
/// Time of the beacon's round 1, unix seconds, and what stands in for a freeze's time that is none.
const GENESIS_S: u64 = 1_700_000_000;

static BEACON: LazyLock<LocalBeacon> =
    LazyLock::new(|| LocalBeacon::from_seed(&[7; 32]).expect("32 bytes make a key"));
static BEACON_FILE: LazyLock<BeaconFile> = LazyLock::new(|| BEACON.file(GENESIS_S, 3));

/// Plants the published vectors: whole draws, and each of their files alone.
pub fn begin() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/draw/tests/vectors");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the vectors are there")
        .map(|entry| entry.expect("a folder can be read").path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "json"))
        .collect();
    files.sort();
    corpus::plant("draw_files", files.iter().flat_map(|path| seeds(path)));
}

fn seeds(path: &std::path::Path) -> Vec<Vec<u8>> {
    let bytes = std::fs::read(path).expect("a vector can be read");
    let vector: serde_json::Value = serde_json::from_slice(&bytes).expect("a vector is JSON");
    let text = |key: &str| vector[key].as_str().unwrap_or_default().to_owned();
    let result = vector["expect"]["result"].as_str().unwrap_or_default();
    let open = Open::parse(text("open").as_bytes()).expect("a vector's rules are rules");
    let void = Void::of_open(&open, VoidReason::NotFull, GENESIS_S).expect("a time in range");
    let whole = [
        text("open"),
        text("seats"),
        text("freeze"),
        text("beacon"),
        text("beacon_file"),
    ];
    let alone = whole.iter().map(|file| file.clone().into_bytes());
    let mut seeds: Vec<Vec<u8>> = alone.filter(|file| !file.is_empty()).collect();
    seeds.push(whole.join("\0").into_bytes());
    seeds.push(result.as_bytes().to_vec());
    seeds.push(void.to_bytes());
    seeds
}

/// Reads every text as every file, draws as asked, and draws what can be sealed anew.
pub fn check(data: &[u8]) {
    let texts: Vec<&[u8]> = data.split(|byte| *byte == 0).collect();
    for text in &texts {
        one_spelling(text);
    }
    let [open, seats, rest @ ..] = texts.as_slice() else {
        return;
    };
    if let [freeze, signature, rest @ ..] = rest {
        let beacon = rest.first().copied().filter(|file| !file.is_empty());
        as_asked(open, seats, freeze, signature, beacon);
    }
    if let (Ok(open), Ok(seats)) = (Open::parse(open), Seats::parse(seats)) {
        let freeze = rest.first().and_then(|text| Freeze::parse(text).ok());
        let thorough = data.len().is_multiple_of(8);
        sealed_anew(&open, &seats, freeze.as_ref(), thorough);
    }
}

/// What is read is written the same, and read by the second grammar, and what is not is not.
fn one_spelling(bytes: &[u8]) {
    let open = Open::parse(bytes).ok().map(|file| file.to_bytes());
    let seats = Seats::parse(bytes).ok().map(|file| file.to_bytes());
    let freeze = Freeze::parse(bytes).ok().map(|file| file.to_bytes());
    let result = ResultFile::parse(bytes).ok().map(|file| file.to_bytes());
    let void = Void::parse(bytes).ok().map(|file| file.to_bytes());
    let beacon = BeaconFile::parse(bytes).ok().map(|file| file.to_bytes());
    for (file, again, told_again) in [
        ("open", open, second::is_open(bytes)),
        ("seats", seats, second::is_seats(bytes)),
        ("freeze", freeze, second::is_freeze(bytes)),
        ("result", result, second::is_result(bytes)),
        ("void", void, second::is_void(bytes)),
        ("beacon", beacon, second::is_beacon(bytes)),
    ] {
        assert_eq!(
            again.is_some(),
            told_again,
            "the two grammars differ on {file}"
        );
        assert!(
            again.is_none_or(|again| again == bytes),
            "a second spelling of {file}"
        );
    }
    if let Ok(file) = BeaconFile::parse(bytes) {
        let _ = BeaconKey::from_file(&file);
    }
}

/// What `potluck draw` does.
fn as_asked(open: &[u8], seats: &[u8], freeze: &[u8], signature: &[u8], beacon: Option<&[u8]>) {
    let Ok(signature) = std::str::from_utf8(signature) else {
        return;
    };
    if let Ok(reproduced) = reproduce(open, seats, freeze, signature, beacon) {
        let bytes = draw::signature_from_hex(signature).expect("the draw has read it");
        same_as_told_again([open, seats, freeze], &bytes, &reproduced.result);
    }
}

fn same_as_told_again(files: [&[u8]; 3], signature: &[u8; 48], result: &[u8]) {
    let [open, seats, freeze] =
        files.map(|file| std::str::from_utf8(file).expect("files are ASCII"));
    if MOST_SEATS < seats.lines().count() {
        return;
    }
    let again = oracle::compute(open, seats, freeze, signature);
    let read = ResultFile::parse(result).expect("what is written is read");
    let winners: Vec<usize> = read.winners.iter().map(|&seat| seat as usize).collect();
    assert_eq!(read.seed.0.as_slice(), again.seed, "the seeds differ");
    assert_eq!(winners, again.winners, "the winners differ");
    assert_eq!(
        again.scores.len(),
        seats.lines().count() - 1,
        "a score for each seat"
    );
    assert_eq!(result, again.result.as_bytes(), "the results differ");
}

/// Seals rules and seats with our beacon as the source, and draws.
fn sealed_anew(open: &Open, seats: &Seats, freeze: Option<&Freeze>, thorough: bool) {
    let count = u32::try_from(seats.0.len()).unwrap_or(u32::MAX);
    let open = Open {
        seats: SeatRange {
            min: open.seats.min.min(count),
            max: open.seats.max.max(count),
        },
        source: Source::Local {
            beacon: BEACON_FILE.hash(),
        },
        ..open.clone()
    };
    let frozen_at = freeze.map_or(GENESIS_S, |freeze| freeze.frozen_at);
    let prev = freeze
        .and_then(|freeze| freeze.prev)
        .filter(|_| open.circle.is_some());
    let timing = BEACON_FILE.timing();
    let Ok(freeze) = freeze_for(&open, seats, frozen_at, prev, timing) else {
        return;
    };
    let files = [open.to_bytes(), seats.to_bytes(), freeze.to_bytes()];
    let [o, s, f] = files.each_ref().map(Vec::as_slice);
    let signature = if thorough {
        BEACON.sign(freeze.round)
    } else {
        [freeze.round.to_le_bytes()[0]; 48]
    };
    let hex = draw::to_hex(&signature);
    let reproduced = reproduce(o, s, f, &hex, None).expect("a sealed group can be drawn");
    same_as_told_again([o, s, f], &signature, &reproduced.result);
    if thorough {
        drawn(&open, seats, &freeze, &signature, &reproduced.result);
    }
    let result = ResultFile::parse(&reproduced.result).expect("what is written is read");
    sure_winners_win(&open, seats, &result);
    let _ = Void::timeout_at(&open, &freeze, timing);
    let _ = Tiers::new().record(seats, &result.winners);
}

/// The draw that settles groups gives the same bytes, and takes no other round's signature.
fn drawn(open: &Open, seats: &Seats, freeze: &Freeze, signature: &[u8; 48], result: &[u8]) {
    let key = BeaconKey::from_file(&BEACON_FILE).expect("a key's own file");
    let round = key
        .verify(freeze.round, signature)
        .expect("our own signature");
    let outcome = draw::draw(open, seats, freeze, &round).expect("a sealed group can be drawn");
    assert_eq!(
        outcome.result_bytes(),
        result,
        "draw and reproduction differ"
    );
    let other = freeze.round.wrapping_add(1).max(1);
    assert!(
        key.verify(other, signature).is_err(),
        "a signature of two rounds"
    );
}

fn sure_winners_win(open: &Open, seats: &Seats, result: &ResultFile) {
    let won = |tag: &draw::Hash| {
        let mut tags = result
            .winners
            .iter()
            .filter_map(|&seat| seats.0.get(seat as usize));
        tags.any(|seat| seat.tag == *tag)
    };
    for tag in certain_members(open, seats) {
        assert!(won(&tag), "a member was sure to win and has not");
    }
}
