//! Beacon rounds and their times, by integer arithmetic only (draw 4).

use crate::lines::MAX_DECIMAL;

/// When the rounds of a beacon are published: round R at `genesis + period * (R - 1)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BeaconTiming {
    /// Time of round 1, unix seconds.
    pub genesis: u64,
    /// Seconds between rounds, at least 1.
    pub period: u64,
}

/// Timing of drand quicknet.
pub const QUICKNET: BeaconTiming = BeaconTiming {
    genesis: 1_692_803_367,
    period: 3,
};

/// Why a time has no round, or a round no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoundError {
    /// A beacon without a period has no rounds.
    #[error("the beacon's period is 0")]
    NoPeriod,
    /// Rounds are numbered from 1.
    #[error("rounds are numbered from 1")]
    RoundZero,
    /// The formula gives no round: the time lies a period or more before round 1.
    #[error("the beacon had not begun at that time")]
    BeforeGenesis,
    /// A number above 2^63 - 1.
    #[error("a time or round is above 2^63-1")]
    TooLarge,
}

/// The round that decides a group frozen at `frozen_at` (unix seconds): the first whose time is at
/// least `frozen_at + delay_s`.
///
/// # Errors
/// [`RoundError`] if there is no such round, or a number leaves the range of the files.
pub fn round_for(frozen_at: u64, delay_s: u64, timing: BeaconTiming) -> Result<u64, RoundError> {
    if timing.period == 0 {
        return Err(RoundError::NoPeriod);
    }
    let time = frozen_at.checked_add(delay_s).ok_or(RoundError::TooLarge)?;
    // (t - g + p - 1) / p, rounded down, is ceil((t - g) / p); below zero there is no round 1.
    let waited = time
        .checked_add(timing.period)
        .and_then(|sum| sum.checked_sub(1))
        .ok_or(RoundError::TooLarge)?
        .checked_sub(timing.genesis)
        .ok_or(RoundError::BeforeGenesis)?;
    let periods = waited
        .checked_div(timing.period)
        .ok_or(RoundError::NoPeriod)?;
    let round = periods.checked_add(1).ok_or(RoundError::TooLarge)?;
    if MAX_DECIMAL < frozen_at.max(time).max(round) {
        Err(RoundError::TooLarge)
    } else {
        Ok(round)
    }
}

impl BeaconTiming {
    /// Time of a round, unix seconds.
    ///
    /// # Errors
    /// [`RoundError`] for round 0 or a time above 2^63 - 1.
    pub fn round_time(self, round: u64) -> Result<u64, RoundError> {
        let before = round.checked_sub(1).ok_or(RoundError::RoundZero)?;
        let time = self
            .period
            .checked_mul(before)
            .and_then(|waited| waited.checked_add(self.genesis))
            .ok_or(RoundError::TooLarge)?;
        if MAX_DECIMAL < time {
            Err(RoundError::TooLarge)
        } else {
            Ok(time)
        }
    }
}
