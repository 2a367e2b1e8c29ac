//! Idempotency keys: the same key with the same content gives the same answer and no second effect (rules 2.4).
//!
//! Why keys lie with their actor: the limit is per actor, and a member's keys are found without a search among
//! everybody's. Payments, refunds and registrations need no key: they are recognised by their own identity.

use minicbor::{Decode, Encode};

use crate::{Actor, Answer, DAY_MS, Duration, IdempotencyKey, Millis, Refusal, World};

/// How long a key is kept.
pub const KEY_LIFE: Duration = Duration(DAY_MS);
/// Most keys kept for one actor; the oldest make room.
pub const MAX_KEYS_PER_ACTOR: usize = 64;

/// One remembered key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct KeySlot {
    /// When it was used.
    #[n(0)]
    pub(crate) at: Millis,
    /// With what.
    #[n(1)]
    pub(crate) key: IdempotencyKey,
    /// What was answered.
    #[n(2)]
    pub(crate) answer: Answer,
}

impl World {
    /// The answer this key was given before, if it was used in the last 24 hours; refuses other content.
    pub(crate) fn remembered(
        &self,
        actor: Actor,
        key: &IdempotencyKey,
        now: Millis,
    ) -> Result<Option<Answer>, Refusal> {
        let slots = self.keys_of(actor);
        let found = slots
            .iter()
            .rev()
            .find(|slot| slot.key.key == key.key && now < slot.at.after(KEY_LIFE));
        match found {
            Some(slot) if slot.key.content == key.content => Ok(Some(slot.answer)),
            Some(_) => Err(Refusal::KeyReused),
            None => Ok(None),
        }
    }

    /// Keeps a key, and forgets what is too old or too many.
    pub(crate) fn remember(&mut self, actor: Actor, slot: KeySlot) {
        self.forget_old_keys(slot.at);
        let Some(slots) = self.keys_of_mut(actor) else {
            return;
        };
        if MAX_KEYS_PER_ACTOR <= slots.len() {
            slots.remove(0);
        }
        slots.push(slot);
        self.key_expiries
            .push_back((slot.at.after(KEY_LIFE), actor));
    }

    fn forget_old_keys(&mut self, now: Millis) {
        while let Some(&(expires, actor)) = self.key_expiries.front() {
            if now < expires {
                return;
            }
            self.key_expiries.pop_front();
            if let Some(slots) = self.keys_of_mut(actor) {
                slots.retain(|slot| now < slot.at.after(KEY_LIFE));
                if slots.is_empty() {
                    slots.shrink_to_fit();
                }
            }
        }
    }

    fn keys_of(&self, actor: Actor) -> &[KeySlot] {
        match actor {
            Actor::Member(member) => self.member_ref(member).map_or(&[], |member| &member.keys),
            Actor::System | Actor::Operator(_) | Actor::Gateway(_) => {
                self.staff_keys.get(&actor).map_or(&[], Vec::as_slice)
            }
        }
    }

    fn keys_of_mut(&mut self, actor: Actor) -> Option<&mut Vec<KeySlot>> {
        match actor {
            Actor::Member(member) => self.member_mut(member).map(|member| &mut member.keys),
            Actor::System | Actor::Operator(_) | Actor::Gateway(_) => {
                Some(self.staff_keys.entry(actor).or_default())
            }
        }
    }

    /// After a snapshot was read: when each kept key expires, in order.
    pub(crate) fn rebuild_key_expiries(&mut self) {
        let members = (0u32..).zip(&self.members).flat_map(|(id, member)| {
            member
                .keys
                .iter()
                .map(move |slot| (slot.at.after(KEY_LIFE), Actor::Member(crate::MemberId(id))))
        });
        let staff = self.staff_keys.iter();
        let staff = staff.flat_map(|(&actor, slots)| {
            slots
                .iter()
                .map(move |slot| (slot.at.after(KEY_LIFE), actor))
        });
        let mut expiries: Vec<(Millis, Actor)> = members.chain(staff).collect();
        expiries.sort_unstable();
        self.key_expiries = expiries.into();
    }
}
