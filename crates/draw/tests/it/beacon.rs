//! Beacon keys and signatures (draw 5).

use draw::*;

use crate::make::{beacon_file, local_beacon};

/// Published rounds of drand quicknet with the randomness drand shows.
const PUBLISHED: [(u64, &str, &str); 3] = [
    (
        123,
        "b75c69d0b72a5d906e854e808ba7e2accb1542ac355ae486d591aa9d43765482e26cd02df835d3546d23c4b13e0dfc92",
        "fb8f7bc29bf24db51871ec8c79f3a1e4bd0557bc0dfcee9ed1d924e69d1c60dc",
    ),
    (
        1000,
        "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39",
        "fe290beca10872ef2fb164d2aa4442de4566183ec51c56ff3cd603d930e54fdd",
    ),
    (
        657_413,
        "b713718a38ae728dfd477991af2822e08d2f305e47718cef9f7848ce4050e7be41076862b98fad56e91a6b85b89cd97b",
        "fc1873a13f3545aeade8401532ef5519920652eee6b0d2b19ca12643b87b3587",
    ),
];

#[test]
fn published_rounds_verify_and_give_the_published_randomness() {
    let key = BeaconKey::quicknet().unwrap();
    for (round, signature, randomness) in PUBLISHED {
        let signature = signature_from_hex(signature).unwrap();
        let verified = key.verify(round, &signature).unwrap();
        assert_eq!(verified.value().to_string(), randomness);
        assert_eq!(verified.beacon(), BeaconId::DrandQuicknet);
        assert_eq!(verified.timing(), QUICKNET);
        assert_eq!(
            (verified.round(), verified.signature()),
            (round, &signature)
        );
    }
}

#[test]
fn a_signature_is_of_one_round_and_one_key() {
    let key = BeaconKey::from_file(&beacon_file()).unwrap();
    let other = LocalBeacon::from_seed(&[8; 32]).unwrap();
    let other_key = BeaconKey::from_file(&other.file(1_700_000_000, 3)).unwrap();
    let signature = local_beacon().sign(5);

    assert_eq!(
        key.verify(5, &signature).unwrap().beacon(),
        BeaconId::Local(beacon_file().hash())
    );
    assert_eq!(key.verify(0, &signature), Err(BeaconError::RoundZero));
    assert_eq!(
        key.verify(6, &signature),
        Err(BeaconError::WrongSignature { round: 6 })
    );
    assert_eq!(
        other_key.verify(5, &signature),
        Err(BeaconError::WrongSignature { round: 5 })
    );
    assert_eq!(
        BeaconKey::quicknet().unwrap().verify(5, &signature),
        Err(BeaconError::WrongSignature { round: 5 })
    );
    let drand = signature_from_hex(PUBLISHED[0].1).unwrap();
    assert_eq!(
        key.verify(123, &drand),
        Err(BeaconError::WrongSignature { round: 123 })
    );
}

#[test]
fn no_flipped_bit_survives() {
    let key = BeaconKey::from_file(&beacon_file()).unwrap();
    let good = local_beacon().sign(9);
    for bit in (0..8).chain((8..384).step_by(37)) {
        let mut bad = good;
        bad[bit / 8] ^= 1 << (bit % 8);
        key.verify(9, &bad).unwrap_err();
    }
}

#[test]
fn points_outside_the_group_are_refused() {
    let key = BeaconKey::quicknet().unwrap();
    let check = |name: &str, signature: [u8; 48]| {
        assert_eq!(
            key.verify(123, &signature),
            Err(BeaconError::BadSignature),
            "{name}"
        );
    };
    let compressed = |flags: u8, last: u8| {
        let mut point = [0; 48];
        point[0] = flags;
        point[47] = last;
        point
    };
    check("identity", compressed(0xc0, 0));
    check("identity with a sign", compressed(0xe0, 0));
    check("identity with an x", compressed(0xc0, 1));
    check("not marked as compressed", compressed(0x00, 4));
    // (0, 2) and (0, -2) lie on y^2 = x^3 + 4 and have order 3.
    check("order 3", compressed(0x80, 0));
    check("order 3, other sign", compressed(0xa0, 0));
    let mut outside = 0;
    for x in 1..40 {
        let point = compressed(0x80, x);
        outside += usize::from(blst::min_sig::Signature::uncompress(&point).is_ok());
        check("small x", point);
    }
    assert!(
        0 < outside,
        "none of the points was on the curve: nothing tested"
    );
}

/// x and x + p are the same point; only the smaller is a spelling of it, else one round would have
/// two values B.
#[test]
fn a_signature_has_one_spelling() {
    let p = "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab";
    let p = signature_from_hex(p).unwrap();
    let key = BeaconKey::from_file(&beacon_file()).unwrap();
    let (round, good) = (1..100)
        .map(|round| (round, local_beacon().sign(round)))
        .find(|(_, signature)| signature[0] & 0x1f < 0x05)
        .unwrap();
    key.verify(round, &good).unwrap();
    let (mut other, mut carry) = ([0_u8; 48], 0_u16);
    for place in (0..48).rev() {
        let digit = if place == 0 {
            good[0] & 0x1f
        } else {
            good[place]
        };
        let sum = u16::from(digit) + u16::from(p[place]) + carry;
        other[place] = u8::try_from(sum & 0xff).unwrap();
        carry = sum >> 8;
    }
    assert!(other[0] < 0x20 && carry == 0, "x + p must fit");
    other[0] |= good[0] & 0xe0;
    assert_eq!(key.verify(round, &other), Err(BeaconError::BadSignature));
}

#[test]
fn only_points_of_the_group_are_keys() {
    let mut identity = [0; 96];
    identity[0] = 0xc0;
    let mut small = [0; 96];
    small[0] = 0x80;
    small[95] = 2;
    for key in [identity, small, [0; 96], [0xff; 96]] {
        let file = BeaconFile {
            key,
            genesis: 0,
            period: 3,
        };
        assert_eq!(
            BeaconKey::from_file(&file).unwrap_err(),
            BeaconError::BadKey
        );
    }
}

/// The key of a seed is stored by installations as the seed alone.
#[test]
fn the_key_of_a_seed_never_changes() {
    let file = "potluck-draw/v1/beacon\n\
        key 8038bfe033bc328ea36bb7c3438bc5a27a0dc880506277e116c8b842ed0c1ea78d32c90b04afbca5\
        9bd828c1e6c5e3f319274412f2e9eecf7334114b02847693e9d997f1aa9f936d90cae8946df659303343\
        1513e210880bcda015da1b61f6f5\ngenesis 1700000000\nperiod 3\n";
    assert_eq!(String::from_utf8(beacon_file().to_bytes()).unwrap(), file);
    assert_eq!(format!("{:?}", local_beacon()), "LocalBeacon(secret)");
}
