//! The `freeze` file: logged the moment the last seat is paid (draw 4).

use crate::hash::{Hash, hash};
use crate::lines::{Lines, MAX_LOG_ENTRY_BYTES, ParseError, Writer, or_dash};

const FILE: &str = "freeze";

/// What is sealed: rules, seats, time and so the beacon round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freeze {
    /// `H(open)`.
    pub open: Hash,
    /// Hash of the previous `result` or `void` of this circle; none without a circle, or in its
    /// first draw.
    pub prev: Option<Hash>,
    /// Unix seconds.
    pub frozen_at: u64,
    /// `H(seats)`.
    pub seats: Hash,
    /// The one round that decides.
    pub round: u64,
}

impl Freeze {
    /// Reads the file strictly. Whether the round is the right one needs the other files:
    /// [`crate::draw`] checks it.
    ///
    /// # Errors
    /// [`ParseError`] naming the first wrong line.
    pub fn parse(bytes: &[u8]) -> Result<Freeze, ParseError> {
        let mut lines = Lines::new(FILE, bytes, MAX_LOG_ENTRY_BYTES)?;
        let open = lines.value("open")?;
        let open = lines.hash("open", open)?;
        let prev = lines.value("prev")?;
        let prev = lines.hash_or_none("prev", prev)?;
        let frozen_at = lines.value("frozen_at")?;
        let frozen_at = lines.decimal("frozen_at", frozen_at)?;
        let seats = lines.value("seats")?;
        let seats = lines.hash("seats", seats)?;
        let round = lines.value("round")?;
        let round = lines.decimal("round", round)?;
        let chainpos = lines.value("chainpos")?;
        if chainpos != "-" {
            return Err(lines.unknown("chainpos", chainpos, "-"));
        }
        lines.end()?;
        Ok(Freeze {
            open,
            prev,
            frozen_at,
            seats,
            round,
        })
    }

    /// The file's bytes. `Freeze::parse` gives the same back while time and round are at most
    /// [`crate::MAX_DECIMAL`]; [`crate::freeze_for`] makes no other.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut file = Writer::new(FILE);
        file.line(format_args!("open {}", self.open));
        file.line(format_args!("prev {}", or_dash(self.prev.as_ref())));
        file.line(format_args!("frozen_at {}", self.frozen_at));
        file.line(format_args!("seats {}", self.seats));
        file.line(format_args!("round {}", self.round));
        file.line(format_args!("chainpos -"));
        file.finish()
    }

    /// `H(freeze)`.
    pub fn hash(&self) -> Hash {
        hash(&self.to_bytes())
    }
}
