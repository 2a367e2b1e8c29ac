//! Rotation: whoever has won waits until all have (draw 7).
//!
//! Tiers are computed from the circle's earlier draws, never asserted: the seats file repeats them
//! so that one draw can be recomputed alone, and [`Tiers::check`] holds it to the history.

use std::collections::BTreeMap;

use crate::hash::Hash;
use crate::open::{LeaderRule, Mode, Open, PerMember};
use crate::seats::{SeatLine, Seats};

/// The members a circle knows and the tier each has now: starting tier plus wins since.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tiers(BTreeMap<Hash, u32>);

/// One earlier draw of a circle, as history tells it.
#[derive(Clone, Copy, Debug)]
pub enum PastDraw<'a> {
    /// It was drawn.
    Drawn {
        /// Its frozen seats.
        seats: &'a Seats,
        /// Its winners, by index.
        winners: &'a [u32],
    },
    /// It was void: neither its seats nor any wins count.
    Void,
}

/// Why tiers and history do not agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RotationError {
    /// A seat's tier is not what history gives.
    #[error("seat {seat} has tier {found}, its history gives {expected}")]
    WrongTier {
        /// Its index.
        seat: usize,
        /// What history gives.
        expected: u32,
        /// What the seats file says.
        found: u32,
    },
    /// A winner that is no seat.
    #[error("winner {seat} is no seat of that draw")]
    NoSuchSeat {
        /// The index.
        seat: u32,
    },
    /// More wins than a tier can count.
    #[error("a tier is above 2^32-1")]
    TooManyWins,
}

impl Tiers {
    /// A circle before its first draw.
    pub fn new() -> Tiers {
        Tiers::default()
    }

    /// Takes known members back from storage, as [`Tiers::known`] gave them.
    pub fn from_known(known: impl IntoIterator<Item = (Hash, u32)>) -> Tiers {
        Tiers(known.into_iter().collect())
    }

    /// Walks a circle's draws, oldest first, and holds each seats file to the ones before it.
    ///
    /// # Errors
    /// [`RotationError`] of the first draw that does not follow.
    pub fn from_history(history: &[PastDraw<'_>]) -> Result<Tiers, RotationError> {
        let mut tiers = Tiers::new();
        for past in history {
            match past {
                PastDraw::Drawn { seats, winners } => {
                    tiers.check(seats)?;
                    tiers.record(seats, winners)?;
                }
                PastDraw::Void => {}
            }
        }
        Ok(tiers)
    }

    /// Known members and their tiers, by tag.
    pub fn known(&self) -> impl Iterator<Item = (Hash, u32)> {
        self.0.iter().map(|(tag, tier)| (*tag, *tier))
    }

    /// The tier of each seat of a new list, given the seats' tags. A tag seen for the first time
    /// starts at the lowest tier among the list's known members, 0 if it has none.
    pub fn for_list(&self, tags: &[Hash]) -> Vec<u32> {
        let known = |tag: &Hash| self.0.get(tag).copied();
        let newcomer = tags.iter().filter_map(known).min().unwrap_or(0);
        tags.iter()
            .map(|tag| known(tag).unwrap_or(newcomer))
            .collect()
    }

    /// Holds a seats file to this history.
    ///
    /// # Errors
    /// [`RotationError::WrongTier`] naming the first seat that differs.
    pub fn check(&self, seats: &Seats) -> Result<(), RotationError> {
        let tags: Vec<Hash> = seats.0.iter().map(|line| line.tag).collect();
        let expected = self.for_list(&tags);
        for (seat, (line, expected)) in seats.0.iter().zip(expected).enumerate() {
            if line.tier != expected {
                return Err(RotationError::WrongTier {
                    seat,
                    expected,
                    found: line.tier,
                });
            }
        }
        Ok(())
    }

    /// Takes a draw into the history: its members are known from now on, its winners rise by one.
    /// A void draw is simply not recorded. Nothing changes on an error.
    ///
    /// # Errors
    /// [`RotationError`] for a winner that is no seat, or a tier past 2^32-1.
    pub fn record(&mut self, seats: &Seats, winners: &[u32]) -> Result<(), RotationError> {
        let mut now: BTreeMap<Hash, u32> =
            seats.0.iter().map(|line| (line.tag, line.tier)).collect();
        for &seat in winners {
            let tier = usize::try_from(seat)
                .ok()
                .and_then(|index| seats.0.get(index))
                .and_then(|line| now.get_mut(&line.tag))
                .ok_or(RotationError::NoSuchSeat { seat })?;
            *tier = tier.checked_add(1).ok_or(RotationError::TooManyWins)?;
        }
        self.0.append(&mut now);
        Ok(())
    }
}

/// The members who win whatever the beacon says, by tag in ascending order; empty when nothing is
/// certain. With rotation and one member left in the lowest tier this names him, and whoever shows
/// the draw must say that it is certain.
pub fn certain_members(open: &Open, seats: &Seats) -> Vec<Hash> {
    // Per tier, how many places of the pool each member holds.
    let mut tiers: BTreeMap<u32, BTreeMap<Hash, usize>> = BTreeMap::new();
    let in_pool = |seat: &&SeatLine| open.leader == LeaderRule::In || !seat.leader;
    for seat in seats.0.iter().filter(in_pool) {
        let places = tiers
            .entry(seat.tier)
            .or_default()
            .entry(seat.tag)
            .or_default();
        *places = match open.per_member {
            PerMember::One => 1,
            PerMember::Any => places.saturating_add(1),
        };
    }
    let least = match open.mode {
        Mode::Fixed { winners } => winners,
        Mode::Chance { num, den, kmax, .. } if num == den => kmax,
        Mode::Chance { kmin, .. } => kmin,
    };
    let mut left = usize::try_from(least).unwrap_or(usize::MAX);
    let mut certain = Vec::new();
    for members in tiers.values() {
        let places = members
            .values()
            .fold(0_usize, |sum, own| sum.saturating_add(*own));
        // Even if all others of the tier came first, one of the member's own places is left over.
        let wins = |own: usize| places.saturating_sub(own) < left;
        certain.extend(
            members
                .iter()
                .filter(|(_, own)| wins(**own))
                .map(|(tag, _)| *tag),
        );
        left = left.saturating_sub(places);
    }
    certain.sort_unstable();
    certain
}
