//! The `seats` file: who sits where, by pseudonym (draw 3). Its hash is logged, not the file.

use std::collections::BTreeMap;

use crate::hash::{Hash, hash, push_hex};
use crate::lines::{Lines, ParseError, Writer, push_decimal, shown};
use crate::open::MAX_SEATS;

const FILE: &str = "seats";
/// A line of a group of hundreds.
const LINE_BYTES: usize = 76;
/// 10 000 of the longest lines and the header stay below this.
const MAX_BYTES: usize = 1 << 20;

/// The frozen seats; a seat's index is its place in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seats(pub Vec<SeatLine>);

/// One seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeatLine {
    /// Pseudonym of the member, the same in all his seats ([`crate::member_tag`]).
    pub tag: Hash,
    /// A seat of the leader, `L`.
    pub leader: bool,
    /// Wins in the circle, see [`crate::Tiers`]; 0 without rotation.
    pub tier: u32,
}

impl Seats {
    /// Reads the file strictly.
    ///
    /// # Errors
    /// [`ParseError`] naming the first wrong line.
    pub fn parse(bytes: &[u8]) -> Result<Seats, ParseError> {
        let mut lines = Lines::new(FILE, bytes, MAX_BYTES)?;
        let mut seats = Vec::new();
        while let Some(line) = lines.raw() {
            let [index, tag, role, tier, dash] = lines.split("seat", line)?;
            let index = lines.decimal("index", index)?;
            if usize::try_from(index) != Ok(seats.len()) {
                return Err(lines.error(format!("index: expected {}, found {index}", seats.len())));
            }
            let tag = lines.hash("member_tag", tag)?;
            let leader = lines.word("role", role, [("L", true), ("M", false)])?;
            let tier = lines.decimal32("tier", tier)?;
            if dash != "-" {
                return Err(lines.error(format!("last field: expected -, found {}", shown(dash))));
            }
            seats.push(SeatLine { tag, leader, tier });
        }
        let seats = Seats(seats);
        seats.check()?;
        Ok(seats)
    }

    /// The file's bytes. `Seats::parse` gives the same list back if [`Seats::check`] passes.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Written by hand: a group that fills waits for this, and its seats are many.
        let mut file = Writer::new(FILE).finish();
        file.reserve(self.0.len().saturating_mul(LINE_BYTES));
        for (index, seat) in self.0.iter().enumerate() {
            push_decimal(&mut file, index);
            file.push(b' ');
            push_hex(&mut file, &seat.tag.0);
            file.extend_from_slice(if seat.leader { b" L " } else { b" M " });
            push_decimal(&mut file, usize::try_from(seat.tier).unwrap_or(usize::MAX));
            file.extend_from_slice(b" -\n");
        }
        file
    }

    /// `H(seats)`.
    pub fn hash(&self) -> Hash {
        hash(&self.to_bytes())
    }

    /// 1 to 10 000 seats, one tier per tag.
    ///
    /// # Errors
    /// [`ParseError`] naming the line of the file that would be wrong.
    pub fn check(&self) -> Result<(), ParseError> {
        if self.0.is_empty() {
            return Err(ParseError::new(FILE, 2, "there is no seat"));
        }
        // One tier for all is the usual case, and needs no table of tags.
        let one_tier = self
            .0
            .iter()
            .all(|seat| Some(seat.tier) == self.0.first().map(|first| first.tier));
        let mut tiers = BTreeMap::new();
        for (index, seat) in self.0.iter().enumerate() {
            let line = index.saturating_add(2);
            if usize::try_from(MAX_SEATS).is_ok_and(|most| most <= index) {
                return Err(ParseError::new(
                    FILE,
                    line,
                    format!("more than {MAX_SEATS} seats"),
                ));
            }
            if one_tier {
                continue;
            }
            let first = *tiers.entry(seat.tag).or_insert(seat.tier);
            if first != seat.tier {
                let reason = format!("tier: {}, but {first} in this tag's first seat", seat.tier);
                return Err(ParseError::new(FILE, line, reason));
            }
        }
        Ok(())
    }
}
