//! How many coins of whom expire in which month, in little room.
//!
//! Why columns: most members have coins of most months, so an amount at the member's place takes four bytes, and an entry
//! with its key in a map eight times as many. A month without members is no column.

use std::collections::BTreeMap;

use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};

use crate::{MemberId, Month};

/// Stands where the amount is among the large ones.
const LARGE: u32 = u32::MAX;

/// Members in one piece of a column.
const PIECE: usize = 1024;

/// Amounts above zero, in hundredths of a coin, by member and month.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lots {
    columns: BTreeMap<Month, Column>,
}

#[derive(Clone, Debug, Default)]
struct Column {
    /// By the member's place; 0 for none. A piece without members is left out.
    small: Vec<Option<Box<[u32; PIECE]>>>,
    large: BTreeMap<MemberId, i64>,
    /// Members with an amount.
    members: usize,
}

/// Where a member stands: the piece, and the place in it.
fn place(member: MemberId) -> (usize, usize) {
    let index = usize::try_from(member.0).unwrap_or(usize::MAX);
    (index / PIECE, index % PIECE)
}

impl Column {
    fn get(&self, member: MemberId) -> i64 {
        let (piece, at) = place(member);
        let piece = self.small.get(piece).and_then(Option::as_ref);
        match piece.and_then(|piece| piece.get(at)) {
            None => 0,
            Some(&LARGE) => self.large.get(&member).copied().unwrap_or(0),
            Some(&small) => i64::from(small),
        }
    }

    fn set(&mut self, member: MemberId, amount: i64) {
        let (piece, at) = place(member);
        if self.small.len() <= piece {
            self.small.resize(piece.saturating_add(1), None);
        }
        let piece = self.small.get_mut(piece);
        let piece = piece.map(|piece| piece.get_or_insert_with(|| Box::new([0; PIECE])));
        let Some(small) = piece.and_then(|piece| piece.get_mut(at)) else {
            return;
        };
        let (had, has) = (*small != 0, 0 < amount);
        if *small == LARGE {
            self.large.remove(&member);
        }
        *small = u32::try_from(amount.max(0)).unwrap_or(LARGE);
        if *small == LARGE {
            self.large.insert(member, amount);
        }
        self.members = self
            .members
            .saturating_add(usize::from(has))
            .saturating_sub(usize::from(had));
    }

    fn iter(&self) -> impl Iterator<Item = (MemberId, i64)> {
        let pieces = (0..=u32::MAX).step_by(PIECE).zip(&self.small);
        let amounts = pieces.flat_map(|(first, piece)| {
            let amounts = piece.iter().flat_map(|piece| piece.iter());
            (first..=u32::MAX).map(MemberId).zip(amounts)
        });
        amounts
            .filter(|(_, small)| **small != 0)
            .map(|(member, _)| (member, self.get(member)))
    }
}

impl Lots {
    pub(crate) fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// A member's, the oldest first.
    pub(crate) fn of(&self, member: MemberId) -> impl Iterator<Item = (Month, i64)> {
        self.columns
            .iter()
            .map(move |(&month, column)| (month, column.get(member)))
            .filter(|(_, amount)| 0 < *amount)
    }

    /// Adds to a lot; below zero takes from it.
    pub(crate) fn add(&mut self, member: MemberId, month: Month, amount: i64) {
        let column = self.columns.entry(month).or_default();
        column.set(member, column.get(member).saturating_add(amount));
        if column.members == 0 {
            self.columns.remove(&month);
        }
    }

    /// All, the oldest month first, members in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (MemberId, Month, i64)> {
        self.columns.iter().flat_map(|(&month, column)| {
            column
                .iter()
                .map(move |(member, amount)| (member, month, amount))
        })
    }
}

impl<C> Encode<C> for Lots {
    fn encode<W: encode::Write>(
        &self,
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        let entries: usize = self.columns.values().map(|column| column.members).sum();
        e.map(u64::try_from(entries).unwrap_or(u64::MAX))?;
        for (member, month, amount) in self.iter() {
            (member, month).encode(e, ctx)?;
            e.i64(amount)?;
        }
        Ok(())
    }
}

impl<'b, C> Decode<'b, C> for Lots {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Lots, decode::Error> {
        let mut lots = Lots::default();
        let entries: BTreeMap<(MemberId, Month), i64> = Decode::decode(d, ctx)?;
        for ((member, month), amount) in entries {
            lots.add(member, month, amount);
        }
        Ok(lots)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_of_any_size_and_member_come_back() {
        let mut lots = Lots::default();
        let large = i64::from(LARGE);
        let rows = [
            (0, 600, 1),
            (0, 601, large - 1),
            (1023, 601, large),
            (1024, 600, large + 1),
            (u32::MAX, 602, i64::MAX),
        ];
        for (member, month, amount) in rows {
            lots.add(MemberId(member), Month(month), amount);
        }
        let by_member = |lots: &Lots| -> Vec<_> {
            let mut all: Vec<_> = lots
                .iter()
                .map(|(m, month, amount)| (m.0, month.0, amount))
                .collect();
            all.sort_unstable();
            all
        };
        assert_eq!(by_member(&lots), rows);
        let both: Vec<_> = lots.of(MemberId(0)).collect();
        assert_eq!(both, [(Month(600), 1), (Month(601), large - 1)]);

        let stored = minicbor::to_vec(&lots).unwrap();
        let again: Lots = minicbor::decode(&stored).unwrap();
        assert_eq!(by_member(&again), rows);
        assert_eq!(minicbor::to_vec(&again).unwrap(), stored);

        for (member, month, amount) in rows {
            lots.add(MemberId(member), Month(month), -amount);
        }
        assert!(lots.is_empty());
    }
}
