//! Where draws take their randomness from (draw 5): the local key, the relays of drand, and what anybody sends in.
//!
//! Why a signature may come from anyone: it authenticates itself. What is believed is [`draw::BeaconKey::verify`]
//! alone, never a relay. The local key signs no round before its time has come, not even for our own use.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use domain::{BeaconSource, Millis};
use draw::{BeaconError, BeaconFile, BeaconKey, BeaconTiming, LocalBeacon, VerifiedRound};
use tokio::sync::Semaphore;

use crate::lost_beacons::LostCampaigns;

/// Chain hash of drand quicknet (draw 5).
const QUICKNET_CHAIN: &str = "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971";
/// Public key of drand quicknet (draw 11), as shown; what is checked with is pinned in the draw's own code.
pub(crate) const QUICKNET_PUBLIC_KEY: &str = "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c\
    8c4b450b6a0a6c3ac6a5776a2d1064510d1fec758c921cc22b0e17e63aaf4bcb\
    5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a";
/// Most verified rounds that are kept until their draws are made.
const MOST_ROUNDS: usize = 1024;
/// How long one relay may take.
const RELAY_WITHIN: Duration = Duration::from_secs(5);
/// Most bytes of a relay's answer.
const RELAY_BYTES: usize = 4096;

/// The installation's beacons.
pub(crate) struct Beacons {
    quicknet: BeaconKey,
    local: Option<LocalBeacon>,
    relays: Vec<String>,
    client: reqwest::Client,
    /// One verification of a stranger's signature at a time.
    pub(crate) verifying: Semaphore,
    verified: Mutex<BTreeMap<(u64, [u8; 32]), VerifiedRound>>,
    /// Campaigns of this journal that name a local beacon whose key is not here.
    pub(crate) lost: LostCampaigns,
}

/// Why the beacons cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum BeaconSetupError {
    /// The key file cannot be read or made.
    #[error("cannot read or make the local beacon's key {path}")]
    KeyFile {
        /// Which file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The key file is not 32 bytes.
    #[error("the local beacon's key {path} is not 32 bytes")]
    KeySize {
        /// Which file.
        path: String,
    },
    /// A key that is no key.
    #[error("a beacon's key cannot be used")]
    Key(#[from] BeaconError),
    /// No HTTP client.
    #[error("cannot make the HTTP client for the beacon's relays")]
    Client(#[source] reqwest::Error),
    /// The operating system has no random bytes.
    #[error("no random bytes for the local beacon's key")]
    Random,
}

impl Beacons {
    /// Opens the local key, if there is one, and sets the relays up; calls nobody.
    pub(crate) fn open(key_file: &Path, relays: &[String]) -> Result<Beacons, BeaconSetupError> {
        let local = match read_key(key_file)? {
            Some(seed) => Some(LocalBeacon::from_seed(&seed)?),
            None => None,
        };
        Ok(Beacons {
            quicknet: BeaconKey::quicknet()?,
            local,
            relays: relays
                .iter()
                .map(|relay| relay.trim_end_matches('/').to_owned())
                .collect(),
            client: client(relays).map_err(BeaconSetupError::Client)?,
            verifying: Semaphore::new(1),
            verified: Mutex::new(BTreeMap::new()),
            lost: LostCampaigns::default(),
        })
    }

    /// Makes the local key, unless there is one.
    pub(crate) fn make_local(&mut self, key_file: &Path) -> Result<(), BeaconSetupError> {
        if self.local.is_none() {
            self.local = Some(LocalBeacon::from_seed(&make_key(key_file)?)?);
        }
        Ok(())
    }

    /// Whether there is a local key.
    pub(crate) fn has_local(&self) -> bool {
        self.local.is_some()
    }

    /// The `beacon` file of the local key with this timing.
    pub(crate) fn local_file(&self, genesis: u64, period: u64) -> Option<BeaconFile> {
        self.local.as_ref().map(|local| local.file(genesis, period))
    }

    /// The `beacon` file that a campaign's source names, if it is ours.
    pub(crate) fn file_of(&self, source: &BeaconSource) -> Option<BeaconFile> {
        match *source {
            BeaconSource::DrandQuicknet => None,
            BeaconSource::Local {
                beacon,
                genesis,
                period,
            } => self
                .local_file(genesis, period)
                .filter(|file| file.hash().0 == beacon),
        }
    }

    /// The key that checks a source's rounds; none for a local source with a key that is not ours.
    pub(crate) fn key_of(&self, source: &BeaconSource) -> Option<BeaconKey> {
        match source {
            BeaconSource::DrandQuicknet => Some(self.quicknet.clone()),
            BeaconSource::Local { .. } => BeaconKey::from_file(&self.file_of(source)?).ok(),
        }
    }

    /// The local signature of a round of this timing, if its time has come.
    pub(crate) fn sign(&self, timing: BeaconTiming, round: u64, now: Millis) -> Option<[u8; 48]> {
        let due = timing.round_time(round).ok()?;
        let local = self.local.as_ref()?;
        (due <= now.unix_seconds()).then(|| local.sign(round))
    }

    /// Checks a signature of a round and keeps it for the draws that await it.
    pub(crate) fn verify(
        &self,
        source: &BeaconSource,
        round: u64,
        signature: &[u8; 48],
    ) -> Result<VerifiedRound, BeaconError> {
        let key = self.key_of(source).ok_or(BeaconError::BadKey)?;
        let verified = key.verify(round, signature)?;
        let mut kept = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        if MOST_ROUNDS <= kept.len() {
            kept.pop_first();
        }
        kept.insert((round, source_key(source)), verified.clone());
        Ok(verified)
    }

    /// A round that was verified before.
    pub(crate) fn known(&self, source: &BeaconSource, round: u64) -> Option<VerifiedRound> {
        self.verified
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&(round, source_key(source)))
            .cloned()
    }

    /// Finds a round whose time has come: kept, signed by ourselves, or from the relays, one after the other.
    pub(crate) async fn find(
        &self,
        source: &BeaconSource,
        round: u64,
        now: Millis,
    ) -> Option<VerifiedRound> {
        if let Some(known) = self.known(source, round) {
            return Some(known);
        }
        match source {
            BeaconSource::Local { .. } => {
                self.file_of(source)?;
                let signature = self.sign(source.timing(), round, now)?;
                self.verify(source, round, &signature).ok()
            }
            BeaconSource::DrandQuicknet => self.ask_relays(round).await,
        }
    }

    async fn ask_relays(&self, round: u64) -> Option<VerifiedRound> {
        for relay in &self.relays {
            match self.ask(relay, round).await {
                Ok(signature) => match self.verify(&BeaconSource::DrandQuicknet, round, &signature)
                {
                    Ok(verified) => return Some(verified),
                    Err(error) => {
                        tracing::warn!(relay, round, %error, "a relay's signature is wrong: {error}")
                    }
                },
                Err(error) => tracing::info!(
                    relay,
                    round,
                    error,
                    "waiting for round {round}: {relay}: {error}"
                ),
            }
        }
        None
    }

    async fn ask(&self, relay: &str, round: u64) -> Result<[u8; 48], String> {
        #[derive(serde::Deserialize)]
        struct Published {
            round: u64,
            signature: String,
        }
        let url = format!("{relay}/{QUICKNET_CHAIN}/public/{round}");
        let answer = self
            .client
            .get(url)
            .send()
            .await
            .map_err(|error| error.without_url().to_string())?;
        if !answer.status().is_success() {
            return Err(format!("status {}", answer.status().as_u16()));
        }
        let body = bounded(answer).await?;
        let published: Published =
            serde_json::from_slice(&body).map_err(|error| error.to_string())?;
        if published.round != round {
            return Err(format!("answered with round {}", published.round));
        }
        draw::signature_from_hex(&published.signature).map_err(|error| error.to_string())
    }
}

async fn bounded(mut answer: reqwest::Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = answer
        .chunk()
        .await
        .map_err(|error| error.without_url().to_string())?
    {
        if RELAY_BYTES < body.len() + chunk.len() {
            return Err(format!("more than {RELAY_BYTES} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn source_key(source: &BeaconSource) -> [u8; 32] {
    match source {
        BeaconSource::DrandQuicknet => [0; 32],
        BeaconSource::Local { beacon, .. } => *beacon,
    }
}

/// Root certificates are loaded only where a relay is asked over TLS: a machine without any can still run locally.
fn client(relays: &[String]) -> Result<reqwest::Client, reqwest::Error> {
    let builder = reqwest::Client::builder()
        .timeout(RELAY_WITHIN)
        .redirect(reqwest::redirect::Policy::none());
    if relays.iter().any(|relay| relay.starts_with("https:")) {
        builder.build()
    } else {
        builder.tls_certs_only([]).build()
    }
}

fn read_key(path: &Path) -> Result<Option<[u8; 32]>, BeaconSetupError> {
    let name = path.display().to_string();
    match std::fs::read(path) {
        Ok(bytes) => match <[u8; 32]>::try_from(bytes) {
            Ok(seed) => Ok(Some(seed)),
            Err(_) => Err(BeaconSetupError::KeySize { path: name }),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(BeaconSetupError::KeyFile { path: name, source }),
    }
}

/// Made whole under another name and then renamed, so that a crash leaves no half key.
fn make_key(path: &Path) -> Result<[u8; 32], BeaconSetupError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|_| BeaconSetupError::Random)?;
    let fault = |source| BeaconSetupError::KeyFile {
        path: path.display().to_string(),
        source,
    };
    let draft = path.with_extension("key.new");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft).map_err(fault)?;
    file.write_all(&seed)
        .and_then(|()| file.sync_all())
        .map_err(fault)?;
    std::fs::rename(&draft, path).map_err(fault)?;
    Ok(seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_local_key_is_made_once_and_signs_no_round_before_its_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("beacon.key");
        let _ = reqwest_provider();
        let mut beacons = Beacons::open(&path, &[]).unwrap();
        assert!(!beacons.has_local() && !path.exists());
        beacons.make_local(&path).unwrap();
        let mut again = Beacons::open(&path, &[]).unwrap();
        again.make_local(&path).unwrap();
        assert_eq!(beacons.local_file(0, 3), again.local_file(0, 3));
        let timing = BeaconTiming {
            genesis: 1000,
            period: 3,
        };
        assert!(beacons.sign(timing, 2, Millis(1_002_999)).is_none());
        let signature = beacons.sign(timing, 2, Millis(1_003_000)).unwrap();
        let beacon = beacons.local_file(1000, 3).unwrap().hash().0;
        let source = BeaconSource::Local {
            beacon,
            genesis: 1000,
            period: 3,
        };
        assert!(beacons.verify(&source, 2, &signature).is_ok());
        assert!(beacons.verify(&source, 3, &signature).is_err());
        assert!(beacons.known(&source, 2).is_some() && beacons.known(&source, 3).is_none());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(
                std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
                0o600
            );
        }
    }

    #[test]
    fn a_key_file_of_another_size_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("beacon.key");
        std::fs::write(&path, [1; 31]).unwrap();
        let _ = reqwest_provider();
        assert!(matches!(
            Beacons::open(&path, &[]),
            Err(BeaconSetupError::KeySize { .. })
        ));
    }

    fn reqwest_provider() -> Result<(), ()> {
        crate::tls::install();
        Ok(())
    }
}
