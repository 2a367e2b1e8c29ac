//! Idempotency keys: the same key with the same content gives the same answer and no second effect (rules 2.4).
//!
//! Why each key knows its member's one before: the limit is per actor, and a member's keys are found without a search
//! among everybody's, while all members' keys are forgotten in the order in which they came. Payments, refunds and registrations need no key: they are recognised by their own identity.

use std::collections::VecDeque;

use minicbor::{Decode, Encode};

use crate::{
    Actor, Answer, DAY_MS, Duration, IdempotencyKey, Millis, OperatorId, Refusal, World,
    table::{PlaceTable, ShortHash},
};

/// How long a key is kept.
pub const KEY_LIFE: Duration = Duration(DAY_MS);
/// Most keys kept for one actor; the oldest make room.
pub const MAX_KEYS_PER_ACTOR: usize = 64;

/// One remembered key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct KeySlot {
    /// When it was used.
    #[n(0)]
    pub(crate) at: Millis,
    /// With what.
    #[n(1)]
    pub(crate) key: IdempotencyKey,
    /// What was answered.
    #[n(2)]
    pub(crate) answer: Answer,
    /// The member's key before it.
    #[n(3)]
    pub(crate) earlier: KeyNumber,
}

/// The number of a member's key, counted over all members' keys from 1; zero is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub(crate) struct KeyNumber(#[n(0)] u64);

impl KeyNumber {
    fn next(self) -> KeyNumber {
        KeyNumber(self.0.saturating_add(1))
    }
}

/// The members' keys of the last [`KEY_LIFE`], oldest first.
#[derive(Clone, Debug, Default, Encode, Decode)]
pub(crate) struct MemberKeys {
    /// The last that was forgotten.
    #[n(0)]
    forgotten: KeyNumber,
    #[n(1)]
    slots: VecDeque<KeySlot>,
    /// Where to look for a key; derived from the slots.
    #[cbor(skip)]
    table: PlaceTable<KeyNumber>,
}

impl MemberKeys {
    fn get(&self, number: KeyNumber) -> Option<&KeySlot> {
        let at = number.0.checked_sub(self.forgotten.next().0)?;
        self.slots.get(usize::try_from(at).ok()?)
    }

    /// A key, if it is one of the latest of the member whose newest is given.
    fn find(&self, newest: KeyNumber, key: &[u8; 16]) -> Option<&KeySlot> {
        let is_his = |number: KeyNumber| {
            std::iter::successors(Some(newest), |&number| Some(self.get(number)?.earlier))
                .take(MAX_KEYS_PER_ACTOR)
                .any(|his| his == number)
        };
        let found = self.table.find(ShortHash::of(key), |number| {
            self.get(number)
                .is_some_and(|slot| slot.key.key == *key && is_his(number))
        });
        self.get(found?)
    }

    /// Brings the place of a key into the cache.
    pub(crate) fn read_ahead(&self, key: &[u8; 16]) -> u64 {
        self.table.read_ahead(ShortHash::of(key))
    }

    fn push(&mut self, slot: KeySlot) -> KeyNumber {
        while let Some(oldest) = self.slots.front().copied()
            && oldest.at.after(KEY_LIFE) <= slot.at
        {
            self.slots.pop_front();
            self.forgotten = self.forgotten.next();
            self.table
                .remove(ShortHash::of(oldest.key.key), self.forgotten);
        }
        let count = u64::try_from(self.slots.len()).unwrap_or(u64::MAX);
        let number = KeyNumber(self.forgotten.0.saturating_add(count)).next();
        self.slots.push_back(slot);
        self.table.insert(ShortHash::of(slot.key.key), number);
        number
    }

    /// After a snapshot was read.
    pub(crate) fn rebuild_table(&mut self) {
        let mut number = self.forgotten;
        for slot in &self.slots {
            number = number.next();
            self.table.insert(ShortHash::of(slot.key.key), number);
        }
    }
}

impl World {
    /// The answer this key was given before, if it was used in the last 24 hours; refuses other content.
    pub(crate) fn remembered(
        &self,
        actor: Actor,
        key: &IdempotencyKey,
        now: Millis,
    ) -> Result<Option<Answer>, Refusal> {
        let is_alive = |slot: &&KeySlot| now < slot.at.after(KEY_LIFE);
        let found = match actor {
            Actor::Member(member) => {
                let newest = self.member_ref(member).map(|member| member.newest_key);
                self.member_keys
                    .find(newest.unwrap_or_default(), &key.key)
                    .filter(is_alive)
            }
            Actor::System | Actor::Operator(_) | Actor::Gateway(_) => {
                let slots = self.staff_keys.get(&actor).into_iter().flatten();
                slots
                    .filter(is_alive)
                    .rev()
                    .find(|slot| slot.key.key == key.key)
            }
        };
        match found {
            Some(slot) if slot.key.content == key.content => Ok(Some(slot.answer)),
            Some(_) => Err(Refusal::KeyReused),
            None => Ok(None),
        }
    }

    /// Whether a command of this actor under this key was accepted and is still known: repeating it has no second effect. Errs with
    /// [`Refusal::KeyReused`] where it was another command.
    pub fn is_remembered(
        &self,
        actor: Actor,
        key: &IdempotencyKey,
        now: Millis,
    ) -> Result<bool, Refusal> {
        let known = self.remembered(actor, key, now.max(self.now))?;
        Ok(known.is_some())
    }

    /// Whether every command that an operator has had accepted since then is still known by its key: none is so old, and no other
    /// has taken its room.
    pub fn remembers_all_since(&self, operator: OperatorId, since: Millis, now: Millis) -> bool {
        let slots = self.staff_keys.get(&Actor::Operator(operator));
        let full = slots.filter(|slots| MAX_KEYS_PER_ACTOR <= slots.len());
        let oldest = full.and_then(VecDeque::front);
        let now = now.max(self.now);
        now < since.after(KEY_LIFE) && oldest.is_none_or(|slot| slot.at < since)
    }

    /// Keeps a key, and forgets what is too old or too many.
    pub(crate) fn remember(
        &mut self,
        actor: Actor,
        at: Millis,
        key: IdempotencyKey,
        answer: Answer,
    ) {
        let mut slot = KeySlot {
            at,
            key,
            answer,
            earlier: KeyNumber::default(),
        };
        match actor {
            Actor::Member(member) => {
                let Some(member) = usize::try_from(member.0)
                    .ok()
                    .and_then(|at| self.members.get_mut(at))
                else {
                    return;
                };
                slot.earlier = member.newest_key;
                member.newest_key = self.member_keys.push(slot);
            }
            Actor::System | Actor::Operator(_) | Actor::Gateway(_) => {
                let slots = self.staff_keys.entry(actor).or_default();
                slots.retain(|kept| at < kept.at.after(KEY_LIFE));
                if MAX_KEYS_PER_ACTOR <= slots.len() {
                    slots.pop_front();
                }
                slots.push_back(slot);
            }
        }
    }
}
