//! The selection once more, slowly and from the text of the files, sharing no code with the crate.
//!
//! It reads words of lines instead of parsing, uses the hkdf crate where the crate uses HMAC, and
//! picks winners one by one instead of sorting. It checks nothing: it is given valid files.

use hkdf::Hkdf;
use sha2::{Digest, Sha256};

/// What the second implementation computes.
pub(crate) struct Computed {
    pub(crate) seed: Vec<u8>,
    pub(crate) scores: Vec<Vec<u8>>,
    pub(crate) winners: Vec<usize>,
    pub(crate) result: String,
}

pub(crate) fn compute(open: &str, seats: &str, freeze: &str, signature: &[u8]) -> Computed {
    let rules: Vec<Vec<&str>> = open.lines().map(|line| line.split(' ').collect()).collect();
    let rows: Vec<Vec<&str>> = seats
        .lines()
        .skip(1)
        .map(|l| l.split(' ').collect())
        .collect();

    let (seed, hkdf) =
        Hkdf::<Sha256>::extract(Some(&sha256(freeze.as_bytes())), &sha256(signature));
    let scores: Vec<Vec<u8>> = (0..rows.len())
        .map(|index| {
            let mut info = b"potluck-draw/v1/score\n".to_vec();
            info.extend(u32::try_from(index).unwrap().to_be_bytes());
            let mut score = vec![0; 32];
            hkdf.expand(&info, &mut score).unwrap();
            score
        })
        .collect();

    let mut left: Vec<usize> = (0..rows.len()).collect();
    if word(&rules, "leader") == ["out"] {
        left.retain(|&index| rows[index][2] == "M");
    }
    let mut in_order: Vec<usize> = Vec::new();
    while !left.is_empty() {
        let mut best = left[0];
        for &other in &left {
            let tier = |index: usize| rows[index][3].parse::<u64>().unwrap();
            let lower_tier = tier(other) < tier(best);
            let lower_score = tier(other) == tier(best) && scores[other] < scores[best];
            if lower_tier || lower_score {
                best = other;
            }
        }
        left.retain(|&index| index != best);
        let member = rows[best][1];
        let again = in_order.iter().any(|&index| rows[index][1] == member);
        if !(again && word(&rules, "permember") == ["one"]) {
            in_order.push(best);
        }
    }

    let count = match word(&rules, "mode") {
        ["fixed", winners] => winners.parse().unwrap(),
        ["chance", num, den, kmin, kmax] => {
            let (num, den): (u128, u128) = (num.parse().unwrap(), den.parse().unwrap());
            let mut hits = 0_usize;
            for &index in &in_order {
                let front = u128::from_str_radix(&hex(&scores[index][..8]), 16).unwrap();
                if front * den < num * (1 << 64) {
                    hits += 1;
                }
            }
            hits.max(kmin.parse().unwrap()).min(kmax.parse().unwrap())
        }
        other => panic!("{other:?}"),
    };
    let winners: Vec<usize> = in_order.iter().copied().take(count).collect();

    let result = result_text(
        word(&rules, "source")[0],
        freeze,
        signature,
        &seed,
        &winners,
    );
    Computed {
        seed: seed.to_vec(),
        scores,
        winners,
        result,
    }
}

fn result_text(
    source: &str,
    freeze: &str,
    signature: &[u8],
    seed: &[u8],
    winners: &[usize],
) -> String {
    let mut result = String::from("potluck-draw/v1/result\n");
    result += &format!("freeze {}\n", hex(&sha256(freeze.as_bytes())));
    result += &format!("source {} {}\n", source, hex(signature));
    result += &format!("seed {}\n", hex(seed));
    result += &format!("winners {}", winners.len());
    for index in winners {
        result += &format!(" {index}");
    }
    result += "\n";
    result
}

pub(crate) fn sha256(bytes: &[u8]) -> Vec<u8> {
    Sha256::digest(bytes).to_vec()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn word<'a, 'b>(rules: &'b [Vec<&'a str>], key: &str) -> &'b [&'a str] {
    &rules.iter().find(|words| words[0] == key).unwrap()[1..]
}
