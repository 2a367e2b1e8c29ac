//! The beacon: its key, the `beacon` file, and the one check that makes a round usable (draw 5).
//!
//! Why a type of its own for a checked round: only [`BeaconKey::verify`] makes a [`VerifiedRound`],
//! so whoever holds one need not ask who checked it. It remembers which beacon signed; a round of
//! a local key is no round of drand.

use blst::min_sig::{PublicKey, Signature};
use blst::{BLST_ERROR, Pairing, blst_p1_affine, blst_p2_affine};

use crate::hash::{Hash, from_hex, hash, to_hex};
use crate::lines::{Lines, MAX_LOG_ENTRY_BYTES, ParseError, Writer};
use crate::timing::{BeaconTiming, QUICKNET};

/// Domain separation of signatures on G1, as quicknet (bls-unchained-g1-rfc9380) uses it.
pub(crate) const DST: &[u8] = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_";

/// Public key of drand quicknet, chain
/// 52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971 (G2, compressed).
const QUICKNET_KEY: &str = "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c\
8c4b450b6a0a6c3ac6a5776a2d1064510d1fec758c921cc22b0e17e63aaf4bcb\
5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a";

const FILE: &str = "beacon";

/// The `beacon` file of a local source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BeaconFile {
    /// Public key on G2, compressed.
    pub key: [u8; 96],
    /// Time of round 1, unix seconds.
    pub genesis: u64,
    /// Seconds between rounds, at least 1.
    pub period: u64,
}

/// Which beacon signed a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BeaconId {
    /// The public drand network `quicknet`.
    DrandQuicknet,
    /// A local beacon, named by the hash of its file.
    Local(Hash),
}

/// A beacon's public key, subgroup-checked, with its timing.
#[derive(Clone, Debug)]
pub struct BeaconKey {
    id: BeaconId,
    timing: BeaconTiming,
    key: PublicKey,
}

/// A round whose signature has been verified. Made by [`BeaconKey::verify`] alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedRound {
    id: BeaconId,
    timing: BeaconTiming,
    round: u64,
    signature: [u8; 48],
}

/// Why a key or signature is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BeaconError {
    /// Not a point of the right group, or the identity.
    #[error("the beacon's public key is not a valid point of G2")]
    BadKey,
    /// Not a canonically compressed point, or outside the group, or the identity.
    #[error("the signature is not a valid point of G1")]
    BadSignature,
    /// A valid point, but not this key's signature of this round.
    #[error("the signature is not the beacon's signature of round {round}")]
    WrongSignature {
        /// The round asked for.
        round: u64,
    },
    /// Rounds are numbered from 1.
    #[error("rounds are numbered from 1")]
    RoundZero,
    /// The seed of a local beacon gives no key.
    #[error("no secret key can be made of this seed")]
    BadSeed,
}

impl BeaconFile {
    /// Reads the file strictly. Whether the key is a key says [`BeaconKey::from_file`].
    ///
    /// # Errors
    /// [`ParseError`] naming the first wrong line.
    pub fn parse(bytes: &[u8]) -> Result<BeaconFile, ParseError> {
        let mut lines = Lines::new(FILE, bytes, MAX_LOG_ENTRY_BYTES)?;
        let key = lines.value("key")?;
        let key = lines.hex("key", key)?;
        let genesis = lines.value("genesis")?;
        let genesis = lines.decimal("genesis", genesis)?;
        let period = lines.value("period")?;
        let period = lines.decimal("period", period)?;
        if period < 1 {
            return Err(lines.error("period: must be at least 1"));
        }
        lines.end()?;
        Ok(BeaconFile {
            key,
            genesis,
            period,
        })
    }

    /// The file's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut file = Writer::new(FILE);
        file.line(format_args!("key {}", to_hex(&self.key)));
        file.line(format_args!("genesis {}", self.genesis));
        file.line(format_args!("period {}", self.period));
        file.finish()
    }

    /// `H(beacon)`, by which an `open` names it.
    pub fn hash(&self) -> Hash {
        hash(&self.to_bytes())
    }

    /// When its rounds are.
    pub fn timing(&self) -> BeaconTiming {
        BeaconTiming {
            genesis: self.genesis,
            period: self.period,
        }
    }
}

impl BeaconKey {
    /// The pinned key of drand quicknet.
    ///
    /// # Errors
    /// [`BeaconError::BadKey`] never in practice: a test holds the pinned constant.
    pub fn quicknet() -> Result<BeaconKey, BeaconError> {
        let bytes = from_hex::<96>(QUICKNET_KEY).map_err(|_| BeaconError::BadKey)?;
        BeaconKey::new(BeaconId::DrandQuicknet, QUICKNET, &bytes)
    }

    /// The key of a local beacon.
    ///
    /// # Errors
    /// [`BeaconError::BadKey`] if the file's key is no point of the group.
    pub fn from_file(file: &BeaconFile) -> Result<BeaconKey, BeaconError> {
        BeaconKey::new(BeaconId::Local(file.hash()), file.timing(), &file.key)
    }

    /// Which beacon this is.
    pub fn id(&self) -> BeaconId {
        self.id
    }

    /// When its rounds are.
    pub fn timing(&self) -> BeaconTiming {
        self.timing
    }

    /// Verifies the signature of a round: one pairing check, 1 to 4 ms.
    ///
    /// # Errors
    /// [`BeaconError`] unless this is the one valid signature of that round.
    pub fn verify(&self, round: u64, signature: &[u8; 48]) -> Result<VerifiedRound, BeaconError> {
        if round < 1 {
            return Err(BeaconError::RoundZero);
        }
        let point =
            Signature::sig_validate(signature, true).map_err(|_| BeaconError::BadSignature)?;
        let (key, point) = (
            <&blst_p2_affine>::from(&self.key),
            <&blst_p1_affine>::from(&point),
        );
        // Signature::verify would hand this one pairing to a pool of threads.
        let mut pairing = Pairing::new(true, DST);
        let taken = pairing.aggregate(key, false, point, false, &message(round), &[]);
        pairing.commit();
        if taken != BLST_ERROR::BLST_SUCCESS || !pairing.finalverify(None) {
            return Err(BeaconError::WrongSignature { round });
        }
        Ok(VerifiedRound {
            id: self.id,
            timing: self.timing,
            round,
            signature: *signature,
        })
    }

    fn new(id: BeaconId, timing: BeaconTiming, key: &[u8; 96]) -> Result<BeaconKey, BeaconError> {
        let key = PublicKey::key_validate(key).map_err(|_| BeaconError::BadKey)?;
        Ok(BeaconKey { id, timing, key })
    }
}

impl VerifiedRound {
    /// Which beacon signed it.
    pub fn beacon(&self) -> BeaconId {
        self.id
    }

    /// When that beacon's rounds are.
    pub fn timing(&self) -> BeaconTiming {
        self.timing
    }

    /// Its number, from 1.
    pub fn round(&self) -> u64 {
        self.round
    }

    /// Its signature.
    pub fn signature(&self) -> &[u8; 48] {
        &self.signature
    }

    /// `B = H(signature)`, which drand calls the round's randomness.
    pub fn value(&self) -> Hash {
        hash(&self.signature)
    }
}

/// What a beacon signs: `H(be64(round))`.
pub(crate) fn message(round: u64) -> [u8; 32] {
    hash(&round.to_be_bytes()).0
}
