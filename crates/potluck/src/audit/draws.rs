//! Draws made again from the journal's own facts.

use std::collections::BTreeMap;
use std::path::Path;

use domain::{BeaconSource, PublishedCampaign};
use draw::{
    BeaconFile, BeaconKey, Freeze, LocalBeacon, Open, ResultFile, Seats, reproduce, to_hex,
};

/// The files of one full group.
#[derive(Clone, Debug)]
pub(super) struct Files {
    pub(super) open: Open,
    pub(super) seats: Seats,
    pub(super) freeze: Freeze,
}

/// What a draw made again gives.
#[derive(Clone, Debug)]
pub(super) struct Drawn {
    pub(super) winners: Vec<u32>,
    pub(super) seed: [u8; 32],
    /// Whether the beacon's signature was verified; only possible with its key.
    pub(super) verified: bool,
}

/// Keys of beacons, as far as they are known here.
#[derive(Debug, Default)]
pub(super) struct Beacons {
    /// Public keys of local beacons: from `beacon`, the public file, and from `beacon.key`, the secret.
    local: Vec<[u8; 96]>,
    known: BTreeMap<[u8; 32], Option<BeaconKey>>,
    quicknet: Option<BeaconKey>,
}

impl Beacons {
    /// What lies in the data directory. Nothing there needs to be believed: a campaign names its beacon by hash.
    pub(super) fn of(data: &Path) -> Beacons {
        let public = std::fs::read(data.join("beacon")).ok();
        let public = public.and_then(|bytes| BeaconFile::parse(&bytes).ok());
        let secret = std::fs::read(data.join("beacon.key")).ok();
        let secret = secret.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let secret = secret.and_then(|seed| LocalBeacon::from_seed(&seed).ok());
        let keys = public
            .into_iter()
            .chain(secret.map(|beacon| beacon.file(0, 1)));
        Beacons {
            local: keys.map(|file| file.key).collect(),
            known: BTreeMap::new(),
            quicknet: BeaconKey::quicknet().ok(),
        }
    }

    fn key(&mut self, source: &BeaconSource) -> Option<&BeaconKey> {
        match *source {
            BeaconSource::DrandQuicknet => self.quicknet.as_ref(),
            BeaconSource::Local {
                beacon,
                genesis,
                period,
            } => {
                let local = &self.local;
                let named = self.known.entry(beacon).or_insert_with(|| {
                    let mut files = local.iter().map(|&key| BeaconFile {
                        key,
                        genesis,
                        period,
                    });
                    let named = files.find(|file| file.hash().0 == beacon)?;
                    BeaconKey::from_file(&named).ok()
                });
                named.as_ref()
            }
        }
    }

    /// Holds the signature of a round to its beacon; none where the beacon's key is not known.
    pub(super) fn check_round(
        &mut self,
        source: &BeaconSource,
        round: u64,
        signature: &[u8; 48],
    ) -> Option<Result<(), String>> {
        let verified = self.key(source)?.verify(round, signature);
        Some(verified.map(drop).map_err(|error| error.to_string()))
    }

    /// Draws a full group again with the signature that settled it. Errors say what is wrong with it.
    pub(super) fn draw_again(
        &mut self,
        campaign: &PublishedCampaign,
        files: &Files,
        signature: &[u8; 48],
    ) -> Result<Drawn, String> {
        let round = files.freeze.round;
        match self.key(&campaign.terms.draw.source) {
            Some(key) => {
                let verified = key
                    .verify(round, signature)
                    .map_err(|error| error.to_string())?;
                let outcome = draw::draw(&files.open, &files.seats, &files.freeze, &verified);
                let outcome = outcome.map_err(|error| error.to_string())?;
                Ok(Drawn {
                    winners: outcome.winners().to_vec(),
                    seed: outcome.seed().0,
                    verified: true,
                })
            }
            None => {
                let (open, seats) = (files.open.to_bytes(), files.seats.to_bytes());
                let signature = to_hex(signature);
                let made = reproduce(&open, &seats, &files.freeze.to_bytes(), &signature, None);
                let made = made.map_err(|error| error.to_string())?;
                let result = ResultFile::parse(&made.result).map_err(|error| error.to_string())?;
                Ok(Drawn {
                    winners: result.winners,
                    seed: result.seed.0,
                    verified: false,
                })
            }
        }
    }
}
