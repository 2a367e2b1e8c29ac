//! Accounts that their members deleted (rules 9.9).
//!
//! Why the journal knows of it, though nothing that tells who somebody is stands here: a withdrawal asked for in the same moment, a
//! circle that waits for his turn, or an agency would else go on for a number that nobody can sign in to. With this record
//! his agencies end, and from it on his number counts as a frozen one, for good.

use std::collections::BTreeSet;

use minicbor::{Decode, Encode};

use crate::{Answer, Command, Event, MemberId, Millis, Money, Overflow, Refusal, World, owed};

/// Members whose accounts were deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Deleted {
    #[n(0)]
    members: BTreeSet<MemberId>,
}

impl Deleted {
    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }
}

/// Why an account was not deleted, or no longer does anything.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeletionRefusal {
    /// It was deleted.
    #[error("the account of member {0} was deleted")]
    Gone(MemberId),
    /// A withdrawal of his has not ended.
    #[error("a withdrawal is not paid yet")]
    WithdrawalUnderWay,
    /// A reward that was taken back was spent already.
    #[error("the account owes {owes}")]
    Owes {
        /// How much.
        owes: Money,
    },
    /// He has said that he leaves behind another amount than he does.
    #[error("{left} would be left behind")]
    NotEmpty {
        /// How much.
        left: Money,
    },
}

impl DeletionRefusal {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            DeletionRefusal::Gone(_) => "account_deleted",
            DeletionRefusal::WithdrawalUnderWay => "withdrawal_under_way",
            DeletionRefusal::Owes { .. } => "account_owes",
            DeletionRefusal::NotEmpty { .. } => "account_not_empty",
        }
    }
}

impl From<DeletionRefusal> for Refusal {
    fn from(refusal: DeletionRefusal) -> Refusal {
        Refusal::Deletion(refusal)
    }
}

impl World {
    /// Money that a member leaves behind with his account: what he could withdraw now or later, and what is refundable of recharges.
    pub fn left_behind(&self, member: MemberId, now: Millis) -> Result<Money, Overflow> {
        let Some(known) = self.member_ref(member) else {
            return Ok(Money::ZERO);
        };
        let left = owed(known.available)
            .max(Money::ZERO)
            .plus(owed(known.vesting))?;
        left.plus(self.refundable_of(member, now)?)
    }

    /// Whether a member has deleted his account.
    pub fn is_deleted(&self, member: MemberId) -> bool {
        self.deleted.members.contains(&member)
    }

    /// Everybody who has, of these numbers on.
    pub fn deleted_members(&self, first: MemberId) -> impl Iterator<Item = MemberId> {
        self.deleted.members.range(first..).copied()
    }

    /// What stands against deleting an account now, with so much left behind.
    pub fn why_not_delete(&self, member: MemberId, leave: Money, now: Millis) -> Option<Refusal> {
        self.require_deletable(member, leave, now).err()
    }

    /// In this order: who may not, what is under way, what is owed, and what is left behind.
    fn require_deletable(
        &self,
        member: MemberId,
        leave: Money,
        now: Millis,
    ) -> Result<(), Refusal> {
        self.require_member(member)?;
        self.require_not_frozen(member)?;
        let mut withdrawals = self.open_withdrawals();
        if withdrawals.any(|(_, withdrawal)| withdrawal.member == member) {
            return Err(DeletionRefusal::WithdrawalUnderWay.into());
        }
        let owes = self.uncovered(member);
        if owes.is_positive() {
            return Err(DeletionRefusal::Owes { owes }.into());
        }
        let left = self.left_behind(member, now)?;
        if left != leave {
            return Err(DeletionRefusal::NotEmpty { left }.into());
        }
        Ok(())
    }

    pub(crate) fn decide_delete(
        &self,
        member: MemberId,
        leave: Money,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<Option<Answer>, Refusal> {
        if self.is_deleted(member) {
            return Ok(Some(Answer::Done));
        }
        self.require_deletable(member, leave, now)?;
        let own = self.agents().filter(|&(_, agent)| agent == member);
        events.extend(own.map(|(region, member)| Event::AgentDismissed { region, member }));
        events.push(Event::AccountDeleted { member });
        Ok(None)
    }

    /// Refuses whatever is asked in the name of an account that was deleted, but its deletion.
    pub(crate) fn require_not_deleted(
        &self,
        member: MemberId,
        command: &Command,
    ) -> Result<(), Refusal> {
        if self.deleted.is_empty()
            || matches!(command, Command::DeleteAccount { .. })
            || !self.is_deleted(member)
        {
            return Ok(());
        }
        Err(DeletionRefusal::Gone(member).into())
    }

    pub(crate) fn apply_deleted(&mut self, member: MemberId) {
        match self.member_mut(member) {
            Some(known) => known.frozen = true,
            None => self.corrupt("an account of nobody was deleted"),
        }
        self.deleted.members.insert(member);
    }
}
