//! Computes the result again from files alone (draw 6, 8).
//!
//! Why it makes no [`crate::Outcome`]: a local beacon's signature can be verified only with the
//! beacon's file. Without it the bytes are still computed, for there is exactly one answer, but
//! what stands on an unverified signature must never settle a group.

use crate::beacon::{BeaconError, BeaconFile, BeaconKey};
use crate::draw::{DrawError, check_files, check_round_rule, compute};
use crate::freeze::Freeze;
use crate::hash::{Hash, HexError, hash, signature_from_hex};
use crate::lines::ParseError;
use crate::open::{Open, Source};
use crate::seats::Seats;

/// A recomputed result with what stands behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reproduced {
    /// The `result` file's bytes.
    pub result: Vec<u8>,
    /// What has been checked, one phrase each.
    pub checked: Vec<&'static str>,
    /// What could not be checked from these inputs, one phrase each.
    pub unchecked: Vec<&'static str>,
}

/// Why the result cannot be computed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReproduceError {
    /// A file is not what it should be.
    #[error(transparent)]
    File(#[from] ParseError),
    /// The files do not fit together.
    #[error(transparent)]
    Draw(#[from] DrawError),
    /// The signature is not hex of the right length.
    #[error("signature: {0}")]
    Signature(HexError),
    /// The beacon's key or signature is wrong.
    #[error(transparent)]
    Beacon(#[from] BeaconError),
    /// The beacon file is not the one the rules name.
    #[error("the rules name beacon {named}, this file is {found}")]
    OtherBeaconFile {
        /// Hash in the rules.
        named: Hash,
        /// Hash of the file at hand.
        found: Hash,
    },
    /// A beacon file where the beacon's key is known already.
    #[error("the rules name drand-quicknet, which needs no beacon file")]
    NeedlessBeaconFile,
}

/// Recomputes the `result` file of a draw from the bytes of its `open`, `seats` and `freeze`, the
/// round's signature in hex and, for a local source, the bytes of its `beacon` file if at hand.
///
/// Not checked here, for it needs the log and the circle's history: order in the log, `prev`, and
/// that tiers are those of earlier draws ([`crate::Tiers::check`]).
///
/// # Errors
/// [`ReproduceError`] naming the first thing that is wrong.
pub fn reproduce(
    open: &[u8],
    seats: &[u8],
    freeze: &[u8],
    signature_hex: &str,
    beacon_file: Option<&[u8]>,
) -> Result<Reproduced, ReproduceError> {
    let open = Open::parse(open)?;
    let seats = Seats::parse(seats)?;
    let freeze = Freeze::parse(freeze)?;
    let signature = signature_from_hex(signature_hex).map_err(ReproduceError::Signature)?;
    check_files(&open, &seats, &freeze)?;
    let mut checked = vec!["files", "freeze of these rules and seats", "seat count"];
    let mut unchecked = Vec::new();
    match beacon_key(&open, beacon_file)? {
        Some(key) => {
            check_round_rule(&open, &freeze, key.timing())?;
            key.verify(freeze.round, &signature)?;
            checked.extend(["round rule", "beacon signature"]);
        }
        None => unchecked.extend(["round rule", "beacon signature"]),
    }
    let (result, _) = compute(&open, &seats, &freeze, &signature)?;
    Ok(Reproduced {
        result: result.to_bytes(),
        checked,
        unchecked,
    })
}

/// The key of the source the rules name; none for a local source whose file is not at hand.
fn beacon_key(open: &Open, file: Option<&[u8]>) -> Result<Option<BeaconKey>, ReproduceError> {
    match (open.source, file) {
        (Source::DrandQuicknet, None) => Ok(Some(BeaconKey::quicknet()?)),
        (Source::DrandQuicknet, Some(_)) => Err(ReproduceError::NeedlessBeaconFile),
        (Source::Local { .. }, None) => Ok(None),
        (Source::Local { beacon: named }, Some(bytes)) => {
            let found = hash(bytes);
            if found != named {
                return Err(ReproduceError::OtherBeaconFile { named, found });
            }
            Ok(Some(BeaconKey::from_file(&BeaconFile::parse(bytes)?)?))
        }
        (Source::Commit, _) => Err(DrawError::NotSupported("source commit").into()),
    }
}
