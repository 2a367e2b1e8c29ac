//! The key of the local beacon against the beacons that campaigns name: without theirs no group of them can be drawn.

use std::io::ErrorKind;
use std::path::Path;

use domain::BeaconSource;
use draw::{BeaconFile, LocalBeacon};

use super::Audit;

/// Groups whose draw needs a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) full: usize,
    pub(super) open: usize,
}

/// Compares the key with what the journal, read to its end, says of it.
pub(super) fn check(data: &Path, audit: &mut Audit) {
    let key = match read(data) {
        Ok(key) => key,
        Err(Unread::Damaged(says)) => return audit.findings.add(format!("beacon.key {says}")),
        Err(Unread::Unknown(says)) => {
            return audit.unchecked.push(format!("beacon.key: {says}"));
        }
    };
    let ours = |source: &BeaconSource| match *source {
        // Nobody needs a key of ours for that.
        BeaconSource::DrandQuicknet => None,
        BeaconSource::Local {
            beacon,
            genesis,
            period,
        } => Some(key.is_some_and(|key| {
            let file = BeaconFile {
                key,
                genesis,
                period,
            };
            file.hash().0 == beacon
        })),
    };
    let campaigns = audit.trail.campaigns.iter();
    let campaigns = campaigns.filter(|campaign| ours(&campaign.terms.draw.source) == Some(true));
    let campaigns = campaigns.count();
    let Waiting { full, open } = audit.trail.waiting(|source| ours(source) == Some(false));
    let waits = full != 0 || open != 0;
    match key {
        None if waits => audit.unchecked.push(format!(
            "beacon.key: there is none, and {full} full and {open} open groups are to be drawn with it"
        )),
        None => {}
        Some(_) if waits => audit.findings.add(format!(
            "beacon.key is the key of another beacon than {full} full and {open} open groups are to be drawn with: \
             they cannot be drawn"
        )),
        Some(_) if campaigns == 0 => {
            let text = "beacon.key: no campaign names its beacon";
            audit.unchecked.push(text.to_owned());
        }
        Some(_) => {
            let text = format!("the key of the beacon of {campaigns} campaigns");
            audit.same.push(("beacon.key", text));
        }
    }
}

/// Why there is no key to compare.
enum Unread {
    /// It is no key.
    Damaged(&'static str),
    /// Whoever audits may not read it.
    Unknown(String),
}

fn read(data: &Path) -> Result<Option<[u8; 96]>, Unread> {
    let bytes = match std::fs::read(data.join("beacon.key")) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Unread::Unknown(format!("it cannot be read: {error}"))),
    };
    let seed = <[u8; 32]>::try_from(bytes).map_err(|_| Unread::Damaged("is not 32 bytes"))?;
    let beacon = LocalBeacon::from_seed(&seed);
    let beacon = beacon.map_err(|_| Unread::Damaged("is not a key"))?;
    Ok(Some(beacon.file(0, 1).key))
}
