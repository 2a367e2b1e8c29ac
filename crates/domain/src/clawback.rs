//! Clawbacks: a reward that was available already is taken back (rules 9.6).
//!
//! Why there is a list of what is not covered yet: it is the only reason for which a member's available money may stand
//! below zero. What he gets later covers it by itself, line by line, and whatever is below zero without standing here is
//! a fault.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};

use crate::{Event, GroupId, MemberId, Money, Refusal, World, owed};

/// What was taken back and is not covered. Empty until the first clawback of more than there was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Clawbacks {
    /// Above zero.
    #[n(0)]
    uncovered: BTreeMap<MemberId, Money>,
}

/// Hot reads.
impl World {
    /// What the member had not when it was taken back, and has not got since: later rewards cover it.
    pub fn uncovered(&self, member: MemberId) -> Money {
        let known = self.clawbacks.uncovered.get(&member);
        known.copied().unwrap_or(Money::ZERO)
    }

    /// Everybody of whom something is not covered, by number.
    pub fn all_uncovered(&self) -> impl Iterator<Item = (MemberId, Money)> {
        let all = self.clawbacks.uncovered.iter();
        all.map(|(&member, &sum)| (member, sum))
    }

    /// The most that can be taken back of this member: what he has ever got, less what was taken back already.
    pub fn clawback_left(&self, member: MemberId) -> Money {
        let available = self.member(member).map_or(Money::ZERO, |has| has.available);
        // Available money comes from rewards alone and leaves in withdrawals alone.
        let withdrawn = self.withdrawn_ever(member);
        Money(available.0.saturating_add(withdrawn.0)).max(Money::ZERO)
    }
}

impl World {
    /// In this order: the amount, the member, the group that it is about, and what he has ever got. A frozen member's
    /// rewards can be taken back.
    pub(crate) fn decide_claw_back(
        &self,
        member: MemberId,
        amount: Money,
        group: Option<GroupId>,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        if !amount.is_positive() {
            return Err(Refusal::AmountNotPositive);
        }
        let available = owed(self.require_member(member)?.available);
        if let Some(group) = group.filter(|group| self.groups() <= group.0) {
            return Err(Refusal::UnknownGroup(group));
        }
        let left = self.clawback_left(member);
        if left < amount {
            return Err(Refusal::ClawbackTooLarge { left });
        }
        let short = Money(amount.0.saturating_sub(available.max(Money::ZERO).0));
        events.push(Event::ClawedBack {
            member,
            amount,
            short: short.max(Money::ZERO),
            group,
        });
        Ok(())
    }
}

impl World {
    pub(crate) fn apply_clawed_back(&mut self, member: MemberId, short: Money) {
        if short.is_positive() {
            let sum = self.clawbacks.uncovered.entry(member).or_default();
            *sum = Money(sum.0.saturating_add(short.0));
        }
    }

    /// What a member gets covers what was taken back of him.
    pub(crate) fn cover(&mut self, member: MemberId, credit: Money) {
        if let Some(sum) = self.clawbacks.uncovered.get_mut(&member) {
            *sum = Money(sum.0.saturating_sub(credit.0));
            if *sum <= Money::ZERO {
                self.clawbacks.uncovered.remove(&member);
            }
        }
    }

    /// Whether nothing has to be looked for when somebody gets money.
    pub(crate) fn nothing_uncovered(&self) -> bool {
        self.clawbacks.uncovered.is_empty()
    }

    /// A member's available money is below zero by exactly what is not covered.
    pub(crate) fn check_clawbacks(&self, found: &mut Vec<String>) {
        for (id, member) in (0u32..).map(MemberId).zip(&self.members) {
            let below = member.available.max(0);
            let uncovered = self.uncovered(id).0;
            if below != uncovered {
                found.push(format!(
                    "member {id} stands {below} below zero, of what was taken back {uncovered} is not covered"
                ));
            }
        }
        for (member, sum) in self.all_uncovered() {
            if !sum.is_positive() || self.member_ref(member).is_none() {
                found.push(format!("member {member} has {sum} not covered"));
            }
        }
    }
}
