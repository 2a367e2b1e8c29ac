//! The `void` file: a group that is not drawn, and why (draw 8).

use crate::freeze::Freeze;
use crate::hash::{Hash, hash};
use crate::lines::{Lines, MAX_DECIMAL, MAX_LOG_ENTRY_BYTES, ParseError, Writer};
use crate::open::Open;
use crate::timing::{BeaconTiming, RoundError};

const FILE: &str = "void";

/// A group that is not drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Void {
    /// `H(open)` if the group was never frozen, else `H(freeze)`.
    pub of: Hash,
    /// Why.
    pub reason: VoidReason,
    /// Unix seconds.
    pub at: u64,
}

/// Why a group is not drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VoidReason {
    /// Of an open: not full by its deadline.
    NotFull,
    /// Of an open: cancelled before it was full.
    Cancelled,
    /// Of a freeze: no signature of its round was known in time.
    Timeout,
    /// Reserved for the fallback (draw 10); never written here.
    Missing,
}

/// Why a void may not be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VoidError {
    /// The waiting time is not over.
    #[error("the beacon may be awaited until {until}, it is {at}")]
    TooEarly {
        /// First second at which a timeout may be declared.
        until: u64,
        /// The time at hand.
        at: u64,
    },
    /// Only `not_full` and `cancelled` fit a group without a freeze.
    #[error("a group without a freeze can only be not_full or cancelled")]
    ReasonNeedsFreeze,
    /// A time outside the range of the files.
    #[error(transparent)]
    Time(#[from] RoundError),
}

impl Void {
    /// A group that never filled: `not_full` or `cancelled`, at unix seconds `at`.
    ///
    /// # Errors
    /// [`VoidError`] for another reason, or a time above 2^63 - 1.
    pub fn of_open(open: &Open, reason: VoidReason, at: u64) -> Result<Void, VoidError> {
        match reason {
            VoidReason::NotFull | VoidReason::Cancelled => {}
            VoidReason::Timeout | VoidReason::Missing => return Err(VoidError::ReasonNeedsFreeze),
        }
        if MAX_DECIMAL < at {
            return Err(RoundError::TooLarge.into());
        }
        Ok(Void {
            of: open.hash(),
            reason,
            at,
        })
    }

    /// A frozen group whose round stayed away. The caller vouches that no signature is known.
    ///
    /// # Errors
    /// [`VoidError::TooEarly`] before [`Void::timeout_at`].
    pub fn of_freeze(
        open: &Open,
        freeze: &Freeze,
        timing: BeaconTiming,
        at: u64,
    ) -> Result<Void, VoidError> {
        let until = Void::timeout_at(open, freeze, timing)?;
        if at < until {
            return Err(VoidError::TooEarly { until, at });
        }
        if MAX_DECIMAL < at {
            return Err(RoundError::TooLarge.into());
        }
        Ok(Void {
            of: freeze.hash(),
            reason: VoidReason::Timeout,
            at,
        })
    }

    /// First unix second at which a timeout may be declared: `time(R) + timeout`.
    ///
    /// # Errors
    /// [`RoundError`] if the sum leaves the range of the files.
    pub fn timeout_at(
        open: &Open,
        freeze: &Freeze,
        timing: BeaconTiming,
    ) -> Result<u64, RoundError> {
        let time = timing.round_time(freeze.round)?;
        match time.checked_add(open.timeout.seconds) {
            Some(until) if until <= MAX_DECIMAL => Ok(until),
            Some(_) | None => Err(RoundError::TooLarge),
        }
    }

    /// Reads the file strictly.
    ///
    /// # Errors
    /// [`ParseError`] naming the first wrong line.
    pub fn parse(bytes: &[u8]) -> Result<Void, ParseError> {
        let mut lines = Lines::new(FILE, bytes, MAX_LOG_ENTRY_BYTES)?;
        let of = lines.value("of")?;
        let of = lines.hash("of", of)?;
        let reason = lines.value("reason")?;
        let reason = lines.word(
            "reason",
            reason,
            [
                ("not_full", VoidReason::NotFull),
                ("cancelled", VoidReason::Cancelled),
                ("timeout", VoidReason::Timeout),
                ("missing", VoidReason::Missing),
            ],
        )?;
        let at = lines.value("at")?;
        let at = lines.decimal("at", at)?;
        lines.end()?;
        Ok(Void { of, reason, at })
    }

    /// The file's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let reason = match self.reason {
            VoidReason::NotFull => "not_full",
            VoidReason::Cancelled => "cancelled",
            VoidReason::Timeout => "timeout",
            VoidReason::Missing => "missing",
        };
        let mut file = Writer::new(FILE);
        file.line(format_args!("of {}", self.of));
        file.line(format_args!("reason {reason}"));
        file.line(format_args!("at {}", self.at));
        file.finish()
    }

    /// `H(void)`, by which the circle's next freeze names it.
    pub fn hash(&self) -> Hash {
        hash(&self.to_bytes())
    }
}
