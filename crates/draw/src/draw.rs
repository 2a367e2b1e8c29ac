//! Freezing a group and drawing it (draw 4, 6, 8).

use crate::beacon::{BeaconId, VerifiedRound};
use crate::freeze::Freeze;
use crate::hash::{Hash, hash};
use crate::lines::{MAX_DECIMAL, ParseError};
use crate::open::{Open, Rotation, Source};
use crate::result::{BeaconKind, ResultFile};
use crate::seats::Seats;
use crate::select::{order, scores, seed, winner_count};
use crate::timing::{BeaconTiming, QUICKNET, RoundError, round_for};

/// The outcome of a draw. Made by [`draw`] alone, from files that fit together and a verified
/// round, so that nothing else can settle a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    open: Hash,
    round: u64,
    result: ResultFile,
    order: Vec<u32>,
}

/// Why there is no freeze or no draw.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DrawError {
    /// Rules or seats that no file may hold.
    #[error(transparent)]
    Invalid(#[from] ParseError),
    /// Reserved syntax (draw 10).
    #[error("not supported: {0}")]
    NotSupported(&'static str),
    /// The freeze is of other rules.
    #[error("the freeze names open {named}, this one is {found}")]
    OtherOpen {
        /// Hash in the freeze.
        named: Hash,
        /// Hash of the file at hand.
        found: Hash,
    },
    /// The freeze is of another seat list.
    #[error("the freeze names seats {named}, this list is {found}")]
    OtherSeats {
        /// Hash in the freeze.
        named: Hash,
        /// Hash of the file at hand.
        found: Hash,
    },
    /// Too few or too many seats.
    #[error("{found} seats, the rules allow {min} to {max}")]
    SeatCount {
        /// Seats in the list.
        found: usize,
        /// Fewest.
        min: u32,
        /// Most.
        max: u32,
    },
    /// A group outside circles follows nothing.
    #[error("the freeze names a previous draw, but the group has no circle")]
    PrevWithoutCircle,
    /// Tiers only count with rotation.
    #[error("seat {seat} has a tier, but rotation is off")]
    TierWithoutRotation {
        /// Its index.
        seat: usize,
    },
    /// No round belongs to the time of the freeze.
    #[error(transparent)]
    Round(#[from] RoundError),
    /// The freeze breaks the round rule.
    #[error("the freeze names round {found}, the rule gives {expected}")]
    RoundRule {
        /// What the rule gives.
        expected: u64,
        /// What the freeze says.
        found: u64,
    },
    /// The beacon round is not the freeze's.
    #[error("the freeze awaits round {expected}, this is round {found}")]
    OtherRound {
        /// The freeze's round.
        expected: u64,
        /// The round at hand.
        found: u64,
    },
    /// The round is of a beacon that the rules do not name.
    #[error("the round was signed by another beacon than the rules name")]
    OtherBeacon,
}

/// Seals rules and seats at `frozen_at` (unix seconds) and fixes the round. `prev` is the hash of
/// the circle's previous result or void; `timing` that of the source's beacon.
///
/// # Errors
/// [`DrawError`] if rules, seats and time cannot make a valid freeze.
pub fn freeze_for(
    open: &Open,
    seats: &Seats,
    frozen_at: u64,
    prev: Option<Hash>,
    timing: BeaconTiming,
) -> Result<Freeze, DrawError> {
    let round = round_for(frozen_at, open.delay_s, timing)?;
    let freeze = Freeze {
        open: open.hash(),
        prev,
        frozen_at,
        seats: seats.hash(),
        round,
    };
    check_each(open, seats)?;
    check_together(open, seats, &freeze)?;
    check_round_rule(open, &freeze, timing)?;
    Ok(freeze)
}

/// Draws: checks that the files fit together and the round is theirs, then computes.
///
/// Costs two hashes of HMAC a seat and one sort: a group of 10 000 takes some milliseconds.
///
/// # Errors
/// [`DrawError`] naming the first thing that does not fit.
pub fn draw(
    open: &Open,
    seats: &Seats,
    freeze: &Freeze,
    round: &VerifiedRound,
) -> Result<Outcome, DrawError> {
    check_files(open, seats, freeze)?;
    let named = match open.source {
        Source::DrandQuicknet => BeaconId::DrandQuicknet,
        Source::Local { beacon } => BeaconId::Local(beacon),
        Source::Commit => return Err(DrawError::NotSupported("source commit")),
    };
    if named != round.beacon() {
        return Err(DrawError::OtherBeacon);
    }
    check_round_rule(open, freeze, round.timing())?;
    if freeze.round != round.round() {
        return Err(DrawError::OtherRound {
            expected: freeze.round,
            found: round.round(),
        });
    }
    let (result, order) = compute(open, seats, freeze, round.signature())?;
    Ok(Outcome {
        open: freeze.open,
        round: freeze.round,
        result,
        order,
    })
}

impl Outcome {
    /// `H(freeze)`.
    pub fn freeze_hash(&self) -> Hash {
        self.result.freeze
    }

    /// `H(open)`.
    pub fn open_hash(&self) -> Hash {
        self.open
    }

    /// The round that decided.
    pub fn round(&self) -> u64 {
        self.round
    }

    /// Its signature.
    pub fn signature(&self) -> &[u8; 48] {
        &self.result.signature
    }

    /// The seed of the scores.
    pub fn seed(&self) -> Hash {
        self.result.seed
    }

    /// Indexes of the winning seats, in winning order.
    pub fn winners(&self) -> &[u32] {
        &self.result.winners
    }

    /// Indexes of all seats of the pool, the winners first, then those next in line: to whom an
    /// unused right passes.
    pub fn order(&self) -> &[u32] {
        &self.order
    }

    /// The `result` file.
    pub fn result(&self) -> &ResultFile {
        &self.result
    }

    /// The `result` file's bytes.
    pub fn result_bytes(&self) -> Vec<u8> {
        self.result.to_bytes()
    }
}

/// Everything about the three files that needs no beacon: each valid, nothing reserved, the freeze
/// of just these rules and seats, their number allowed, no `prev` and no tiers where none belong.
pub(crate) fn check_files(open: &Open, seats: &Seats, freeze: &Freeze) -> Result<(), DrawError> {
    check_each(open, seats)?;
    let found = open.hash();
    if freeze.open != found {
        return Err(DrawError::OtherOpen {
            named: freeze.open,
            found,
        });
    }
    let found = seats.hash();
    if freeze.seats != found {
        return Err(DrawError::OtherSeats {
            named: freeze.seats,
            found,
        });
    }
    check_together(open, seats, freeze)
}

/// Rules and seats are valid by themselves, nothing reserved.
fn check_each(open: &Open, seats: &Seats) -> Result<(), DrawError> {
    open.check()?;
    if let Some(what) = open.reserved() {
        return Err(DrawError::NotSupported(what));
    }
    Ok(seats.check()?)
}

/// The freeze of just these rules and seats allows their number, their tiers and what came before.
fn check_together(open: &Open, seats: &Seats, freeze: &Freeze) -> Result<(), DrawError> {
    let (min, max) = (open.seats.min, open.seats.max);
    if !u32::try_from(seats.0.len()).is_ok_and(|count| (min..=max).contains(&count)) {
        return Err(DrawError::SeatCount {
            found: seats.0.len(),
            min,
            max,
        });
    }
    if open.circle.is_none() && freeze.prev.is_some() {
        return Err(DrawError::PrevWithoutCircle);
    }
    if open.rotation == Rotation::Off
        && let Some(seat) = seats.0.iter().position(|seat| seat.tier != 0)
    {
        return Err(DrawError::TierWithoutRotation { seat });
    }
    if MAX_DECIMAL < freeze.frozen_at.max(freeze.round) {
        return Err(RoundError::TooLarge.into());
    }
    Ok(())
}

/// The freeze names the round that its time, the delay and the beacon's timing give.
pub(crate) fn check_round_rule(
    open: &Open,
    freeze: &Freeze,
    timing: BeaconTiming,
) -> Result<(), DrawError> {
    if open.source == Source::DrandQuicknet && timing != QUICKNET {
        return Err(DrawError::OtherBeacon);
    }
    let expected = round_for(freeze.frozen_at, open.delay_s, timing)?;
    if freeze.round != expected {
        return Err(DrawError::RoundRule {
            expected,
            found: freeze.round,
        });
    }
    Ok(())
}

/// The result file and the whole pool in order. Trusts its caller for the signature: not public.
pub(crate) fn compute(
    open: &Open,
    seats: &Seats,
    freeze: &Freeze,
    signature: &[u8; 48],
) -> Result<(ResultFile, Vec<u32>), DrawError> {
    let source = match open.source {
        Source::DrandQuicknet => BeaconKind::DrandQuicknet,
        Source::Local { .. } => BeaconKind::Local,
        Source::Commit => return Err(DrawError::NotSupported("source commit")),
    };
    let freeze = freeze.hash();
    let seed = seed(&freeze, &hash(signature));
    let count = u32::try_from(seats.0.len()).unwrap_or(u32::MAX);
    let scores = scores(&seed, count);
    let order = order(open, seats, &scores);
    let wins = winner_count(open.mode, &order, &scores);
    let winners = order.iter().take(wins).copied().collect();
    Ok((
        ResultFile {
            freeze,
            source,
            signature: *signature,
            seed,
            winners,
        },
        order,
    ))
}
