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

/// Half of a hash, kept beside a place so that a table can grow without looking at every key. Never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ShortHash(u32);

impl ShortHash {
    pub(crate) fn of(key: impl Hash) -> ShortHash {
        let [a, b, c, d, ..] = hash_of(key).to_le_bytes();
        ShortHash(u32::from_le_bytes([a, b, c, d]).max(1))
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
}

/// Places by the hash of the key that lies there.
///
/// Written here because each join of millions looks once into a table that lies nowhere near the cache: a place and its
/// hash share one line, which looking for a new key brings in and adding it then writes. hashbrown keeps its marks and
/// its entries in two.
#[derive(Clone, Debug)]
pub(crate) struct PlaceTable<T: Copy> {
    shards: Vec<Shard<T>>,
}

/// Open addressing with linear probing; at most three quarters of the slots are taken.
#[derive(Clone, Debug)]
struct Shard<T: Copy> {
    /// A power of two of them, or none.
    slots: Vec<Slot<T>>,
    used: usize,
}

/// Twelve bytes. Free if the hash is zero.
#[derive(Clone, Copy, Debug, Default)]
#[repr(Rust, packed(4))]
struct Slot<T: Copy> {
    hash: u32,
    place: T,
}

impl<T: Copy> Default for PlaceTable<T> {
    fn default() -> PlaceTable<T> {
        let empty = || Shard {
            slots: Vec::new(),
            used: 0,
        };
        PlaceTable {
            shards: std::iter::repeat_with(empty).take(SHARDS).collect(),
        }
    }
}

impl<T: Copy + Default + PartialEq> PlaceTable<T> {
    /// The place at which `is_it` says the key lies.
    pub(crate) fn find(&self, hash: ShortHash, is_it: impl Fn(T) -> bool) -> Option<T> {
        let shard = self.shards.get(shard_of(hash.0))?;
        let at = shard.position(hash.0, is_it)?;
        shard.slots.get(at).map(|slot| slot.place)
    }

    /// Reads where a key would lie, so that it is in the cache. What is read says nothing.
    pub(crate) fn read_ahead(&self, hash: ShortHash) -> u64 {
        let shard = self.shards.get(shard_of(hash.0));
        let slot = shard.and_then(|shard| shard.slots.get(shard.home(hash.0)));
        slot.map_or(0, |slot| u64::from(slot.hash))
    }

    /// Adds a place; the same one may be there more than once.
    pub(crate) fn insert(&mut self, hash: ShortHash, place: T) {
        if let Some(shard) = self.shards.get_mut(shard_of(hash.0)) {
            shard.insert(hash.0, place);
        }
    }

    /// Takes a place away, once.
    pub(crate) fn remove(&mut self, hash: ShortHash, place: T) {
        if let Some(shard) = self.shards.get_mut(shard_of(hash.0))
            && let Some(at) = shard.position(hash.0, |other| other == place)
        {
            shard.free(at);
        }
    }
}

impl<T: Copy + Default + PartialEq> Shard<T> {
    /// Where a hash would lie if nothing were in its way.
    fn home(&self, hash: u32) -> usize {
        usize::try_from(spread(hash)).unwrap_or(0) & self.slots.len().wrapping_sub(1)
    }

    fn after(&self, at: usize) -> usize {
        at.wrapping_add(1) & self.slots.len().wrapping_sub(1)
    }

    fn position(&self, hash: u32, is_it: impl Fn(T) -> bool) -> Option<usize> {
        let mut at = self.home(hash);
        loop {
            let slot = self.slots.get(at).filter(|slot| slot.hash != 0)?;
            if slot.hash == hash && is_it(slot.place) {
                return Some(at);
            }
            at = self.after(at);
        }
    }

    fn insert(&mut self, hash: u32, place: T) {
        if self.slots.len().saturating_mul(3) <= self.used.saturating_mul(4) {
            self.grow();
        }
        let mut at = self.home(hash);
        while self.slots.get(at).is_some_and(|slot| slot.hash != 0) {
            at = self.after(at);
        }
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = Slot { hash, place };
            self.used = self.used.saturating_add(1);
        }
    }

    fn grow(&mut self) {
        let len = self.slots.len().saturating_mul(2).max(8);
        let slots = std::mem::replace(&mut self.slots, vec![Slot::default(); len]);
        self.used = 0;
        for slot in slots.into_iter().filter(|slot| slot.hash != 0) {
            self.insert(slot.hash, slot.place);
        }
    }

    /// Frees a slot, and moves into the gap what lay behind only because the slot was taken.
    fn free(&mut self, mut gap: usize) {
        let mask = self.slots.len().wrapping_sub(1);
        let mut at = self.after(gap);
        while let Some(slot) = self.slots.get(at).copied().filter(|slot| slot.hash != 0) {
            let from_home = at.wrapping_sub(self.home(slot.hash)) & mask;
            let from_gap = at.wrapping_sub(gap) & mask;
            if from_gap <= from_home {
                self.slots.swap(gap, at);
                gap = at;
            }
            at = self.after(at);
        }
        if let Some(slot) = self.slots.get_mut(gap) {
            *slot = Slot::default();
            self.used = self.used.saturating_sub(1);
        }
    }
}

/// The bits of a short hash over 64: a shard's number and a position in it are taken from different ones.
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 24
}

fn shard_of(hash: u32) -> usize {
    let [.., shard, _, _, _] = spread(hash).to_le_bytes();
    usize::from(shard)
}

/// A place in a group's list: of its seats, or of the payments that went back. The group's number above, for
/// [`World::decide_open`](crate::World) gives no larger ones than fit, the place below.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct InGroup(u64);

impl InGroup {
    pub(crate) fn new(group: GroupId, at: u32) -> InGroup {
        InGroup(group.0.wrapping_shl(32) | u64::from(at))
    }

    pub(crate) fn group(self) -> GroupId {
        GroupId(self.0.wrapping_shr(32))
    }

    pub(crate) fn at(self) -> u32 {
        let [a, b, c, d, ..] = self.0.to_le_bytes();
        u32::from_le_bytes([a, b, c, d])
    }
}

/// A refund in the table of payments on their way back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OnItsWay(u64);

impl OnItsWay {
    pub(crate) fn new(refund: RefundId) -> OnItsWay {
        OnItsWay(refund.0)
    }

    pub(crate) fn refund(self) -> RefundId {
        RefundId(self.0)
    }
}

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
            table.insert(ShortHash::of(txn), u64::from(at));
        }
        let twin = names[7];
        table.insert(ShortHash::of(twin), 9999);
        table.remove(ShortHash::of(twin), 7);
        for (at, txn) in (0u32..).zip(&names) {
            let found = table.find(ShortHash::of(txn), |place| place == u64::from(at));
            assert_eq!(found.is_some(), at != 7);
        }
        assert_eq!(table.find(ShortHash::of(twin), |_| true), Some(9999));
    }

    /// Few homes, so that runs of taken slots wrap around the end and are moved back into gaps.
    #[test]
    fn a_table_holds_what_a_list_of_its_places_does() {
        let mut table = PlaceTable::<InGroup>::default();
        let mut list: Vec<(u32, InGroup)> = Vec::new();
        let mut number = 1u64;
        for step in 0u32..44_000 {
            number = number
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let [.., chance, hash, group] = number.to_le_bytes();
            let grows = (step / 4000).is_multiple_of(2);
            if (chance < 160) == grows {
                let place = InGroup::new(GroupId(u64::from(group)), step);
                table.insert(ShortHash(u32::from(hash) + 1), place);
                list.push((u32::from(hash) + 1, place));
            } else if !list.is_empty() {
                let (hash, place) = list.swap_remove(usize::from(group) % list.len());
                table.remove(ShortHash(hash), place);
                assert_eq!(table.find(ShortHash(hash), |other| other == place), None);
            }
            if step % 1000 == 999 {
                for &(hash, place) in &list {
                    let found = table.find(ShortHash(hash), |other| other == place);
                    assert_eq!(found, Some(place));
                }
                let used: usize = table.shards.iter().map(|shard| shard.used).sum();
                assert_eq!(used, list.len());
            }
        }
        assert!(100 < list.len());
        for (hash, place) in list {
            table.remove(ShortHash(hash), place);
        }
        let slots = table.shards.iter().flat_map(|shard| &shard.slots);
        assert!(slots.clone().all(|slot| slot.hash == 0));
        assert!(0 < slots.count());
    }

    #[test]
    fn a_place_says_its_group_and_where() {
        let place = InGroup::new(GroupId(u64::from(u32::MAX)), 7);
        assert_eq!(
            (place.group(), place.at()),
            (GroupId(u64::from(u32::MAX)), 7)
        );
    }

    #[test]
    fn entries_are_small() {
        assert_eq!(size_of::<Slot<InGroup>>(), 12);
        assert_eq!(size_of::<Slot<OnItsWay>>(), 12);
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
