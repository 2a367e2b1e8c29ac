//! Seed, scores and selection: the lowest scores win (draw 6).

use std::collections::BTreeSet;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::hash::Hash;
use crate::open::{LeaderRule, Mode, Open, PerMember};
use crate::seats::Seats;

/// `HKDF-Extract(salt = H(freeze), IKM = B)` (RFC 5869), which is one HMAC.
pub fn seed(freeze: &Hash, beacon_value: &Hash) -> Hash {
    let mut mac = keyed(&freeze.0);
    mac.update(&beacon_value.0);
    Hash(mac.finalize().into_bytes().into())
}

/// The scores of seats 0 to `count - 1`:
/// `HKDF-Expand(seed, "potluck-draw/v1/score\n" || be32(i), 32)`.
///
/// 32 bytes are one block of HKDF-Expand, `HMAC(seed, info || 0x01)`; the keyed state is prepared
/// once and copied for each seat.
pub fn scores(seed: &Hash, count: u32) -> Vec<[u8; 32]> {
    let mut prepared = keyed(&seed.0);
    prepared.update(b"potluck-draw/v1/score\n");
    (0..count)
        .map(|index| {
            let mut mac = prepared.clone();
            mac.update(&index.to_be_bytes());
            mac.update(&[1]);
            mac.finalize().into_bytes().into()
        })
        .collect()
}

/// The pool in winning order: indexes of the seats that can win, by tier, score and index, and with
/// `permember one` only the first of each tag. `scores` are those of the seats, in their order.
pub fn order(open: &Open, seats: &Seats, scores: &[[u8; 32]]) -> Vec<u32> {
    let mut pool: Vec<(u32, &[u8; 32], u32, Hash)> = (0_u32..)
        .zip(seats.0.iter().zip(scores))
        .filter(|(_, (seat, _))| open.leader == LeaderRule::In || !seat.leader)
        .map(|(index, (seat, score))| (seat.tier, score, index, seat.tag))
        .collect();
    pool.sort_unstable();
    if open.per_member == PerMember::One {
        let mut seen = BTreeSet::new();
        pool.retain(|(_, _, _, tag)| seen.insert(*tag));
    }
    pool.into_iter().map(|(_, _, index, _)| index).collect()
}

/// How many of the pool win, `pool` being [`order`]'s answer.
pub fn winner_count(mode: Mode, pool: &[u32], scores: &[[u8; 32]]) -> usize {
    let as_size = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    match mode {
        Mode::Fixed { winners } => as_size(winners).min(pool.len()),
        Mode::Chance {
            num,
            den,
            kmin,
            kmax,
        } => {
            let hit = |index: &&u32| {
                scores
                    .get(as_size(**index))
                    .is_some_and(|score| is_hit(score, num, den))
            };
            let hits = pool.iter().filter(hit).count();
            hits.max(as_size(kmin)).min(as_size(kmax)).min(pool.len())
        }
    }
}

/// HMAC-SHA256 under a key of 32 bytes. HMAC fills a short key with zeros to its block of 64 bytes,
/// so doing that here changes nothing and leaves no length to get wrong.
pub(crate) fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    let mut block = [0; 64];
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    Hmac::new(&block.into())
}

/// `be64(score[0..8]) * den < num * 2^64`; below 2^96 on both sides, so 128 bits cannot overflow.
fn is_hit(score: &[u8; 32], num: u32, den: u32) -> bool {
    let [a, b, c, d, e, f, g, h, ..] = *score;
    let front = u128::from(u64::from_be_bytes([a, b, c, d, e, f, g, h]));
    front.saturating_mul(u128::from(den)) < u128::from(num) << 64
}
