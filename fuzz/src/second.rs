//! The grammar of the draw's files once more, as patterns of words, sharing no code with the crate (draw 1-4, 8).
//!
//! It builds nothing and names no mistake: it only says whether bytes are such a file. What the crate reads and this
//! refuses, or the other way about, is a finding in one of the two.

/// Longest of the files that are entries of the log, in bytes.
const MOST_ENTRY_BYTES: usize = 65_535;
/// Longest seat list, in bytes.
const MOST_SEATS_BYTES: usize = 1 << 20;
/// Most seats, and most winners.
const MOST_SEATS: u64 = 10_000;
/// What a field of 32 bits can hold.
const MOST_32: u64 = 0xffff_ffff;

/// The lines after an `open` file's header, each with the forms it may have. Words in capitals stand for values:
/// see [`fits`].
const OPEN: [&[&str]; 13] = [
    &["log ORIGIN"],
    &["group IDENT"],
    &["circle IDENT", "circle -"],
    &["seats INT INT"],
    &["mode fixed INT", "mode chance INT INT INT INT"],
    &["leader in", "leader out"],
    &["rotation on", "rotation off"],
    &["permember one", "permember any"],
    &["outcome win", "outcome pay"],
    &[
        "source drand-quicknet",
        "source commit",
        "source local HEX64",
    ],
    &["delay INT"],
    &["timeout INT void", "timeout INT commit"],
    &["chain -", "chain HEX64 INT INT"],
];

const FREEZE: [&[&str]; 6] = [
    &["open HEX64"],
    &["prev HEX64", "prev -"],
    &["frozen_at INT"],
    &["seats HEX64"],
    &["round INT"],
    &["chainpos -"],
];

const VOID: [&[&str]; 3] = [
    &["of HEX64"],
    &[
        "reason not_full",
        "reason cancelled",
        "reason timeout",
        "reason missing",
    ],
    &["at INT"],
];

const BEACON: [&[&str]; 3] = [&["key HEX192"], &["genesis INT"], &["period INT"]];

/// Whether these bytes are an `open` file.
pub(crate) fn is_open(bytes: &[u8]) -> bool {
    let Some(lines) = lines(bytes, "open", MOST_ENTRY_BYTES).filter(|lines| all_fit(lines, &OPEN))
    else {
        return false;
    };
    let number = |line: usize, word: usize| int(lines[line][word]).unwrap_or(u64::MAX);
    let mode = &lines[4];
    let mode_is_good = if mode[1] == "fixed" {
        (1..=MOST_SEATS).contains(&number(4, 2))
    } else {
        let (num, den, least, most) = (number(4, 2), number(4, 3), number(4, 4), number(4, 5));
        num <= den
            && 1 <= den
            && den <= MOST_32
            && least <= most
            && (1..=MOST_SEATS).contains(&most)
    };
    let rotates = lines[6][1] == "on";
    let rotation_is_good =
        !rotates || (mode[1] == "fixed" && lines[2][1] != "-" && lines[7][1] == "one");
    let least_delay = if lines[9][1] == "local" { 3 } else { 30 };
    1 <= number(3, 1)
        && number(3, 1) <= number(3, 2)
        && number(3, 2) <= MOST_SEATS
        && mode_is_good
        && rotation_is_good
        && (least_delay..=2_592_000).contains(&number(10, 1))
        && (3_600..=31_536_000).contains(&number(11, 1))
}

/// Whether these bytes are a `seats` file.
pub(crate) fn is_seats(bytes: &[u8]) -> bool {
    let Some(lines) = lines(bytes, "seats", MOST_SEATS_BYTES) else {
        return false;
    };
    let good = |(index, line): (usize, &Vec<&str>)| {
        line_fits(line, &["INT HEX64 L INT -", "INT HEX64 M INT -"])
            && line[0] == index.to_string()
            && int(line[3]) <= Some(MOST_32)
            && lines
                .iter()
                .all(|other| other.get(1) != line.get(1) || other.get(3) == line.get(3))
    };
    (1..=10_000).contains(&lines.len()) && lines.iter().enumerate().all(good)
}

/// Whether these bytes are a `freeze` file.
pub(crate) fn is_freeze(bytes: &[u8]) -> bool {
    lines(bytes, "freeze", MOST_ENTRY_BYTES).is_some_and(|lines| all_fit(&lines, &FREEZE))
}

/// Whether these bytes are a `void` file.
pub(crate) fn is_void(bytes: &[u8]) -> bool {
    lines(bytes, "void", MOST_ENTRY_BYTES).is_some_and(|lines| all_fit(&lines, &VOID))
}

/// Whether these bytes are a `beacon` file.
pub(crate) fn is_beacon(bytes: &[u8]) -> bool {
    lines(bytes, "beacon", MOST_ENTRY_BYTES)
        .is_some_and(|lines| all_fit(&lines, &BEACON) && lines[2][1] != "0")
}

/// Whether these bytes are a `result` file.
pub(crate) fn is_result(bytes: &[u8]) -> bool {
    let Some(lines) = lines(bytes, "result", MOST_ENTRY_BYTES) else {
        return false;
    };
    let [freeze, source, seed, winners] = lines.as_slice() else {
        return false;
    };
    let (head, seats) = winners.split_at(winners.len().min(2));
    let seats_are_good = seats.iter().enumerate().all(|(at, seat)| {
        int(seat).is_some_and(|seat| seat < MOST_SEATS) && !seats[..at].contains(seat)
    });
    line_fits(freeze, &["freeze HEX64"])
        && line_fits(
            source,
            &["source drand-quicknet HEX96", "source local HEX96"],
        )
        && line_fits(seed, &["seed HEX64"])
        && line_fits(head, &["winners INT"])
        && head[1] == seats.len().to_string()
        && seats_are_good
}

/// The words of the lines after the header, if the bytes keep what holds for all files.
fn lines<'a>(bytes: &'a [u8], file: &str, most: usize) -> Option<Vec<Vec<&'a str>>> {
    let printable = |byte: &u8| *byte == b'\n' || (b' '..=b'~').contains(byte);
    if most < bytes.len() || !bytes.iter().all(printable) {
        return None;
    }
    let text = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
    let mut lines = text.split('\n');
    if lines.next()? != format!("potluck-draw/v1/{file}") {
        return None;
    }
    let words = |line: &'a str| {
        let words: Vec<&str> = line.split(' ').collect();
        words.iter().all(|word| !word.is_empty()).then_some(words)
    };
    lines.map(words).collect()
}

fn all_fit(lines: &[Vec<&str>], forms: &[&[&str]]) -> bool {
    lines.len() == forms.len()
        && lines
            .iter()
            .zip(forms)
            .all(|(line, forms)| line_fits(line, forms))
}

fn line_fits(line: &[&str], forms: &[&str]) -> bool {
    forms.iter().any(|form| {
        let form: Vec<&str> = form.split(' ').collect();
        form.len() == line.len() && form.iter().zip(line).all(|(form, word)| fits(form, word))
    })
}

fn fits(form: &str, word: &str) -> bool {
    let hex = |digits: usize| {
        word.len() == digits && word.bytes().all(|byte| b"0123456789abcdef".contains(&byte))
    };
    match form {
        "INT" => int(word).is_some(),
        "HEX64" => hex(64),
        "HEX96" => hex(96),
        "HEX192" => hex(192),
        "ORIGIN" => word.len() <= 128 && !word.contains('+'),
        "IDENT" => {
            let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
            word.len() <= 64
                && word.bytes().next().is_some_and(letter)
                && word
                    .bytes()
                    .all(|byte| letter(byte) || b"-._".contains(&byte))
        }
        literal => literal == word,
    }
}

/// A decimal with one spelling, at most 2^63 - 1.
fn int(word: &str) -> Option<u64> {
    let number = word.parse::<i64>().ok()?;
    (number.to_string() == word).then_some(u64::try_from(number).ok()?)
}
