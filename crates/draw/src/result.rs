//! The `result` file: the receipt of a draw (draw 8).
//!
//! Not the decision: for a freeze and its beacon value exactly one such file is valid, and whoever
//! holds the inputs can compute it.

use std::collections::BTreeSet;

use crate::hash::{Hash, hash, to_hex};
use crate::lines::{Lines, MAX_LOG_ENTRY_BYTES, ParseError, Writer, shown};
use crate::open::{MAX_SEATS, MAX_WINNERS};

const FILE: &str = "result";

/// The receipt of a draw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultFile {
    /// `H(freeze)`.
    pub freeze: Hash,
    /// Which kind of beacon signed.
    pub source: BeaconKind,
    /// The round's signature.
    pub signature: [u8; 48],
    /// The seed of the scores.
    pub seed: Hash,
    /// Seat indexes in winning order.
    pub winners: Vec<u32>,
}

/// The kind of a beacon, as a result names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BeaconKind {
    /// The public drand network `quicknet`.
    DrandQuicknet,
    /// The installation's own key.
    Local,
}

impl ResultFile {
    /// Reads the file strictly. Whether it is the right result only [`crate::draw`] or
    /// [`crate::reproduce`] can say.
    ///
    /// # Errors
    /// [`ParseError`] naming the first wrong line.
    pub fn parse(bytes: &[u8]) -> Result<ResultFile, ParseError> {
        let mut lines = Lines::new(FILE, bytes, MAX_LOG_ENTRY_BYTES)?;
        let freeze = lines.value("freeze")?;
        let freeze = lines.hash("freeze", freeze)?;
        let [kind, signature] = lines.fields("source")?;
        let source = lines.word(
            "source",
            kind,
            [
                ("drand-quicknet", BeaconKind::DrandQuicknet),
                ("local", BeaconKind::Local),
            ],
        )?;
        let signature = lines.hex("source", signature)?;
        let seed = lines.value("seed")?;
        let seed = lines.hash("seed", seed)?;
        let winners = parse_winners(&mut lines)?;
        lines.end()?;
        Ok(ResultFile {
            freeze,
            source,
            signature,
            seed,
            winners,
        })
    }

    /// The file's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut file = Writer::new(FILE);
        file.line(format_args!("freeze {}", self.freeze));
        let kind = match self.source {
            BeaconKind::DrandQuicknet => "drand-quicknet",
            BeaconKind::Local => "local",
        };
        file.line(format_args!("source {kind} {}", to_hex(&self.signature)));
        file.line(format_args!("seed {}", self.seed));
        let mut winners = self.winners.len().to_string();
        for index in &self.winners {
            winners.push(' ');
            winners.push_str(&index.to_string());
        }
        file.line(format_args!("winners {winners}"));
        file.finish()
    }

    /// `H(result)`.
    pub fn hash(&self) -> Hash {
        hash(&self.to_bytes())
    }
}

fn parse_winners(lines: &mut Lines<'_>) -> Result<Vec<u32>, ParseError> {
    let value = lines.value("winners")?;
    let mut fields = value.split(' ');
    let count = lines.decimal32("winners", fields.next().unwrap_or_default())?;
    if MAX_WINNERS < count {
        return Err(lines.error(format!("winners: more than {MAX_WINNERS}")));
    }
    let mut winners = Vec::new();
    let mut seen = BTreeSet::new();
    for field in fields {
        let index = lines.decimal32("winners", field)?;
        if MAX_SEATS <= index {
            return Err(lines.error(format!("winners: no seat {}", shown(field))));
        }
        if !seen.insert(index) {
            return Err(lines.error(format!("winners: seat {index} twice")));
        }
        winners.push(index);
    }
    if usize::try_from(count) != Ok(winners.len()) {
        return Err(lines.error(format!(
            "winners: {count} announced, {} listed",
            winners.len()
        )));
    }
    Ok(winners)
}
