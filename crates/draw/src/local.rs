//! A beacon of one's own: the same scheme with a key of the installation (draw 5).
//!
//! For demonstration, tests and machines without internet. The holder of the key knows every round
//! beforehand, so a draw by it is shown as level 0.

use std::fmt;

use blst::min_sig::SecretKey;

use crate::beacon::{BeaconError, BeaconFile, DST, message};

/// A local beacon's secret key.
#[derive(Clone)]
pub struct LocalBeacon(SecretKey);

impl LocalBeacon {
    /// The key of a seed (KeyGen of the BLS signature draft): the same seed gives the same key.
    ///
    /// # Errors
    /// [`BeaconError::BadSeed`] never in practice: 32 bytes are enough for a key.
    pub fn from_seed(seed: &[u8; 32]) -> Result<LocalBeacon, BeaconError> {
        SecretKey::key_gen(seed, &[])
            .map(LocalBeacon)
            .map_err(|_| BeaconError::BadSeed)
    }

    /// Its `beacon` file: round 1 at `genesis` (unix seconds), then one every `period` seconds.
    pub fn file(&self, genesis: u64, period: u64) -> BeaconFile {
        BeaconFile {
            key: self.0.sk_to_pk().compress(),
            genesis,
            period,
        }
    }

    /// The signature of a round. The caller decides when a round may be known.
    pub fn sign(&self, round: u64) -> [u8; 48] {
        self.0.sign(&message(round), DST, &[]).compress()
    }
}

impl fmt::Debug for LocalBeacon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LocalBeacon(secret)")
    }
}
