//! Tables that find a payment, a member's seat or a token; nothing ever goes through them in their own order.
//!
//! Why not the standard library's maps: an entry is a number that says where the key already lies, so the key is not
//! stored twice; and a large table is many small ones, so that growing takes no long pause.

use std::hash::Hash;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::{GroupId, MemberId, RefundId};

const SHARDS: usize = 256;

/// Where a key lies in the tables; never stored on disk.
pub(crate) fn hash_of(key: impl Hash) -> u64 {
    use std::hash::BuildHasher;
    FixedState::with_seed(0).hash_one(key)
}

/// Half of a hash, kept in an entry so that a table can grow without looking at every key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ShortHash(u32);

impl ShortHash {
    pub(crate) fn of(key: impl Hash) -> ShortHash {
        let [a, b, c, d, ..] = hash_of(key).to_le_bytes();
        ShortHash(u32::from_le_bytes([a, b, c, d]))
    }

    /// Spread over 64 bits: tables take their positions from the low bits and their marks from the high ones.
    fn spread(self) -> u64 {
        u64::from(self.0).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

/// A large table in parts.
#[derive(Clone, Debug)]
pub(crate) struct Table<T> {
    shards: Vec<HashTable<T>>,
}

impl<T> Default for Table<T> {
    fn default() -> Table<T> {
        Table {
            shards: std::iter::repeat_with(HashTable::new)
                .take(SHARDS)
                .collect(),
        }
    }
}

impl<T> Table<T> {
    /// The bits in the middle: a shard uses those at both ends.
    fn shard_of(hash: u64) -> usize {
        let [.., middle, _, _] = hash.to_le_bytes();
        usize::from(middle)
    }

    pub(crate) fn find(&self, hash: u64, is_it: impl FnMut(&T) -> bool) -> Option<&T> {
        self.shards.get(Self::shard_of(hash))?.find(hash, is_it)
    }

    pub(crate) fn insert(&mut self, hash: u64, entry: T, hash_of: impl Fn(&T) -> u64) {
        if let Some(shard) = self.shards.get_mut(Self::shard_of(hash)) {
            shard.insert_unique(hash, entry, hash_of);
        }
    }

    pub(crate) fn remove(&mut self, hash: u64, is_it: impl FnMut(&T) -> bool) {
        let shard = self.shards.get_mut(Self::shard_of(hash));
        if let Some(Ok(entry)) = shard.map(|shard| shard.find_entry(hash, is_it)) {
            entry.remove();
        }
    }
}

/// Places by the hash of the key that lies there.
#[derive(Clone, Debug)]
pub(crate) struct PlaceTable<T>(Table<(ShortHash, T)>);

impl<T> Default for PlaceTable<T> {
    fn default() -> PlaceTable<T> {
        PlaceTable(Table::default())
    }
}

impl<T: Copy + PartialEq> PlaceTable<T> {
    /// The place at which `is_it` says the key lies.
    pub(crate) fn find(&self, hash: ShortHash, is_it: impl Fn(T) -> bool) -> Option<T> {
        let found = self.0.find(hash.spread(), |&(known, place)| {
            known == hash && is_it(place)
        });
        found.map(|&(_, place)| place)
    }

    pub(crate) fn insert(&mut self, hash: ShortHash, place: T) {
        self.0
            .insert(hash.spread(), (hash, place), |(hash, _)| hash.spread());
    }

    pub(crate) fn remove(&mut self, hash: ShortHash, place: T) {
        self.0
            .remove(hash.spread(), |&entry| entry == (hash, place));
    }
}

/// A place in a group's list: of its seats, or of the payments that went back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InGroup {
    /// The group's number: [`World::decide_open`](crate::World) gives no larger ones.
    group: u32,
    pub(crate) at: u32,
}

impl InGroup {
    pub(crate) fn new(group: GroupId, at: u32) -> InGroup {
        InGroup {
            group: u32::try_from(group.0).unwrap_or(u32::MAX),
            at,
        }
    }

    pub(crate) fn group(self) -> GroupId {
        GroupId(u64::from(self.group))
    }
}

/// A refund in the table of payments on their way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(Rust, packed(4))]
pub(crate) struct OnItsWay(pub(crate) RefundId);

/// Tokens of directory rows and the members they became; the tokens themselves lie with the members.
#[derive(Clone, Debug, Default)]
pub(crate) struct TokenTable(Table<MemberId>);

impl TokenTable {
    pub(crate) fn find(&self, tokens: &[[u8; 16]], token: &[u8; 16]) -> Option<MemberId> {
        let is_it = |&member: &MemberId| token_of(tokens, member) == Some(token);
        self.0.find(hash_of(token), is_it).copied()
    }

    /// The member's token is among `tokens` already.
    pub(crate) fn insert(&mut self, tokens: &[[u8; 16]], member: MemberId) {
        let hash = |&member: &MemberId| token_of(tokens, member).map_or(0, hash_of);
        self.0.insert(hash(&member), member, hash);
    }
}

fn token_of(tokens: &[[u8; 16]], member: MemberId) -> Option<&[u8; 16]> {
    tokens.get(usize::try_from(member.0).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Txn;

    #[test]
    fn names_with_the_same_hash_are_told_apart_and_removed_alone() {
        let names: Vec<Txn> = (0..5000)
            .map(|number| Txn::new(&format!("T{number}")).unwrap())
            .collect();
        let mut table = PlaceTable::default();
        for (at, txn) in (0u32..).zip(&names) {
            table.insert(ShortHash::of(txn), at);
        }
        let twin = names[7];
        table.insert(ShortHash::of(twin), 9999u32);
        table.remove(ShortHash::of(twin), 7);
        for (at, txn) in (0u32..).zip(&names) {
            let found = table.find(ShortHash::of(txn), |place| place == at);
            assert_eq!(found.is_some(), at != 7);
        }
        assert_eq!(table.find(ShortHash::of(twin), |_| true), Some(9999));
    }

    #[test]
    fn entries_are_small() {
        assert_eq!(size_of::<(ShortHash, InGroup)>(), 12);
        assert_eq!(size_of::<(ShortHash, OnItsWay)>(), 12);
    }

    #[test]
    fn tokens_are_found_after_growth() {
        let tokens: Vec<[u8; 16]> = (0u32..3000)
            .map(|number| {
                let mut token = [0; 16];
                token[..4].copy_from_slice(&number.to_le_bytes());
                token
            })
            .collect();
        let mut table = TokenTable::default();
        for member in 0u32..3000 {
            table.insert(&tokens, MemberId(member));
        }
        for (member, token) in (0u32..).map(MemberId).zip(&tokens) {
            assert_eq!(table.find(&tokens, token), Some(member));
        }
        assert_eq!(table.find(&tokens, &[9; 16]), None);
    }
}
