//! Withdrawals: a member's available money on its way to his own account outside (rules 9.3).
//!
//! Why a withdrawal has an identity of its own: the key that a client sends with a request is forgotten after a day, but
//! money must not leave a second time however late the request is repeated. So the token that the request brings is kept
//! for ever, with the member and the amount it was for.
//!
//! The world never knows to whom money goes, only an opaque reference: names and accounts stand in the directory.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};

use crate::{
    Answer, DAY_MS, Event, MemberId, Millis, Money, Refusal, WithdrawalTerms, World, ledger, owed,
};

crate::ids::id!(
    /// One withdrawal. Public decimal.
    WithdrawalId(u64)
);

/// A withdrawal that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Withdrawal {
    /// Whose.
    #[n(0)]
    pub member: MemberId,
    /// Its identity, which the request brought.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub token: [u8; 16],
    /// What left the member's available money.
    #[n(2)]
    pub amount: Money,
    /// The part of it that the platform keeps when it is paid.
    #[n(3)]
    pub fee: Money,
    /// Whereto: a name for a row of the directory.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub account: [u8; 16],
    /// When it was asked for.
    #[n(5)]
    pub requested_at: Millis,
    /// How far it is.
    #[n(6)]
    pub state: WithdrawalState,
}

impl Withdrawal {
    /// What the member gets: the amount less the fee.
    pub fn net(&self) -> Money {
        Money(self.amount.0.saturating_sub(self.fee.0))
    }
}

/// How far a withdrawal is that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum WithdrawalState {
    /// It waits for a decision.
    #[n(0)]
    Requested,
    /// It is approved: the channel is told, or was.
    #[n(1)]
    Sent,
    /// The channel waits for the member's confirmation.
    #[n(2)]
    Waiting,
}

/// Why a withdrawal was not paid, and its money came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum PayoutFailure {
    /// The channel could not pay it.
    #[n(0)]
    Failed,
    /// The member did not confirm it in time.
    #[n(1)]
    Expired,
}

impl PayoutFailure {
    /// Its name in SQL and JSON.
    pub fn name(self) -> &'static str {
        match self {
            PayoutFailure::Failed => "failed",
            PayoutFailure::Expired => "expired",
        }
    }
}

/// What the channel says of a payout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayoutOutcome {
    /// It waits for the member's confirmation.
    Waiting,
    /// The member has the money.
    Paid,
    /// It is over, and nothing was paid.
    Failed(PayoutFailure),
}

/// A withdrawal that the channel is to pay, or has not ended yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingPayout {
    /// Its place in the order in which withdrawals were approved.
    pub place: u64,
    /// Which.
    pub id: WithdrawalId,
    /// What is known of it.
    pub withdrawal: Withdrawal,
    /// The random name of the member's row in the directory: the same in every history in which he is one.
    pub member_token: [u8; 16],
}

/// Everything of withdrawals. Empty until the first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Withdrawals {
    #[n(0)]
    next: u64,
    /// Those that have not ended.
    #[n(1)]
    open: BTreeMap<WithdrawalId, Withdrawal>,
    /// All that ever were, by their identity.
    #[n(2)]
    known: BTreeMap<Identity, Known>,
    /// What members have withdrawn on the last day on which they asked.
    #[n(3)]
    days: BTreeMap<MemberId, Day>,
    /// Those the channel is to pay, in the order in which they were approved.
    #[n(4)]
    sent: BTreeMap<u64, WithdrawalId>,
    #[n(5)]
    next_sent: u64,
    /// What each member has ever asked for, without what came back.
    #[n(6)]
    ever: BTreeMap<MemberId, Money>,
}

/// A withdrawal's identity, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
struct Identity {
    #[n(0)]
    member: MemberId,
    #[cbor(n(1), with = "minicbor::bytes")]
    token: [u8; 16],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
struct Known {
    #[n(0)]
    withdrawal: WithdrawalId,
    #[n(1)]
    amount: Money,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
struct Day {
    /// When it ends.
    #[n(0)]
    until: Millis,
    /// What was asked for, without what came back.
    #[n(1)]
    amount: Money,
}

/// What a member asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) member: MemberId,
    pub(crate) token: [u8; 16],
    pub(crate) amount: Money,
    pub(crate) account: [u8; 16],
}

/// Hot reads.
impl World {
    /// Under which terms members withdraw.
    pub fn withdrawal_terms(&self) -> &WithdrawalTerms {
        &self.profile_terms().withdrawal
    }

    /// A withdrawal that has not ended.
    pub fn withdrawal(&self, id: WithdrawalId) -> Option<&Withdrawal> {
        self.withdrawals.open.get(&id)
    }

    /// The withdrawal that this identity of a member's was used for, ended or not.
    pub fn withdrawal_of(&self, member: MemberId, token: [u8; 16]) -> Option<WithdrawalId> {
        let known = self.withdrawals.known.get(&Identity { member, token });
        known.map(|known| known.withdrawal)
    }

    /// How many withdrawals were ever asked for; their numbers are below this.
    pub fn withdrawals(&self) -> u64 {
        self.withdrawals.next
    }

    /// Withdrawals that have not ended, by number.
    pub fn open_withdrawals(&self) -> impl Iterator<Item = (WithdrawalId, &Withdrawal)> {
        self.withdrawals.open.iter().map(|(&id, known)| (id, known))
    }

    /// What the member may still ask for today, without regard to what he has.
    pub fn withdrawal_left(&self, member: MemberId, now: Millis) -> Money {
        let limit = self.withdrawal_terms().daily_limit;
        Money(limit.0.saturating_sub(self.withdrawn_today(member, now).0)).max(Money::ZERO)
    }

    /// Withdrawals that the channel is to pay or has not ended, in the order of their approval, after `after`.
    pub fn pending_payouts(&self, after: Option<u64>, limit: usize) -> Vec<PendingPayout> {
        let from = after.map_or(0, |after| after.saturating_add(1));
        let sent = self.withdrawals.sent.range(from..);
        let pending = sent.filter_map(|(&place, &id)| {
            let withdrawal = *self.withdrawals.open.get(&id)?;
            Some(PendingPayout {
                place,
                id,
                withdrawal,
                member_token: self.token(withdrawal.member)?,
            })
        });
        pending.take(limit).collect()
    }

    /// What the member has ever withdrawn, what has not ended included and what came back not.
    pub(crate) fn withdrawn_ever(&self, member: MemberId) -> Money {
        let ever = self.withdrawals.ever.get(&member);
        ever.copied().unwrap_or(Money::ZERO)
    }

    fn withdrawn_today(&self, member: MemberId, now: Millis) -> Money {
        let day = self.withdrawals.days.get(&member);
        let today = day.filter(|day| now < day.until);
        today.map_or(Money::ZERO, |day| day.amount)
    }
}

impl World {
    /// In this order: the identity (which answers for ever as it did first), the amount, the member and whether he may withdraw, what he
    /// has, and what the day has left.
    pub(crate) fn decide_withdraw(
        &self,
        asked: Asked,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<Option<Answer>, Refusal> {
        let Asked {
            member,
            token,
            amount,
            account,
        } = asked;
        if let Some(known) = self.withdrawals.known.get(&Identity { member, token }) {
            if known.amount != amount {
                return Err(Refusal::KeyReused);
            }
            return Ok(Some(Answer::Withdrawal(known.withdrawal)));
        }
        let terms = *self.withdrawal_terms();
        if !amount.is_positive() {
            return Err(Refusal::AmountNotPositive);
        }
        if amount < terms.minimum {
            return Err(Refusal::WithdrawalTooSmall(terms.minimum));
        }
        let available = owed(self.require_member(member)?.available);
        self.require_not_frozen(member)?;
        self.require_may_withdraw(member, now)?;
        if available < amount {
            return Err(Refusal::NotAvailable { available });
        }
        let left = self.withdrawal_left(member, now);
        if left < amount {
            return Err(Refusal::WithdrawalDayLimit { left });
        }
        let fee = amount.share(terms.fee)?;
        // A profile that keeps all of it is not adopted any more; one was possible once.
        if amount <= fee {
            return Err(Refusal::ProfileForbids {
                profile: self.profile().name(),
                limit: "withdrawal.fee",
            });
        }
        events.push(Event::WithdrawalRequested {
            withdrawal: WithdrawalId(self.withdrawals.next),
            member,
            token,
            amount,
            fee,
            account,
        });
        Ok(None)
    }

    /// A frozen member's withdrawal waits until he is unfrozen, or is rejected.
    pub(crate) fn decide_approve_withdrawal(
        &self,
        withdrawal: WithdrawalId,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let member = self.require_requested(withdrawal)?.member;
        self.require_may_be_paid(member, now)?;
        events.push(Event::WithdrawalApproved { withdrawal });
        Ok(())
    }

    fn require_may_be_paid(&self, member: MemberId, now: Millis) -> Result<(), Refusal> {
        self.require_not_frozen(member)?;
        self.require_may_withdraw(member, now)
    }

    /// What stands against approving a withdrawal, as things stood at the last record. `None`: nothing does, or it does not wait for
    /// that.
    pub fn why_not_approve(&self, withdrawal: WithdrawalId, now: Millis) -> Option<Refusal> {
        let known = self.require_requested(withdrawal).ok()?;
        self.require_may_be_paid(known.member, now.max(self.now))
            .err()
    }

    pub(crate) fn decide_reject_withdrawal(
        &self,
        withdrawal: WithdrawalId,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let known = self.require_requested(withdrawal)?;
        events.push(Event::WithdrawalRejected {
            withdrawal,
            member: known.member,
            amount: known.amount,
        });
        Ok(())
    }

    /// The channel's word on a payout. What it says again changes nothing; what it says of one that has ended is refused.
    pub(crate) fn decide_payout(
        &self,
        withdrawal: WithdrawalId,
        outcome: PayoutOutcome,
        events: &mut Vec<Event>,
    ) -> Result<Option<Answer>, Refusal> {
        let known = self.require_withdrawal(withdrawal)?;
        match (known.state, outcome) {
            (WithdrawalState::Requested, _) => {
                return Err(Refusal::WithdrawalState(withdrawal));
            }
            (WithdrawalState::Waiting, PayoutOutcome::Waiting) => return Ok(Some(Answer::Done)),
            (WithdrawalState::Sent, PayoutOutcome::Waiting) => {
                events.push(Event::WithdrawalWaiting { withdrawal });
            }
            (WithdrawalState::Sent | WithdrawalState::Waiting, PayoutOutcome::Paid) => {
                events.push(Event::WithdrawalPaid {
                    withdrawal,
                    member: known.member,
                    amount: known.amount,
                    fee: known.fee,
                });
            }
            (WithdrawalState::Sent | WithdrawalState::Waiting, PayoutOutcome::Failed(why)) => {
                events.push(Event::WithdrawalFailed {
                    withdrawal,
                    member: known.member,
                    amount: known.amount,
                    why,
                });
            }
        }
        Ok(None)
    }

    fn require_withdrawal(&self, id: WithdrawalId) -> Result<&Withdrawal, Refusal> {
        self.withdrawals
            .open
            .get(&id)
            .ok_or(Refusal::UnknownWithdrawal(id))
    }

    fn require_requested(&self, id: WithdrawalId) -> Result<&Withdrawal, Refusal> {
        let known = self.require_withdrawal(id)?;
        match known.state {
            WithdrawalState::Requested => Ok(known),
            WithdrawalState::Sent | WithdrawalState::Waiting => Err(Refusal::WithdrawalState(id)),
        }
    }
}

impl World {
    pub(crate) fn apply_withdrawal_requested(&mut self, id: WithdrawalId, asked: Withdrawal) {
        if id.0 != self.withdrawals.next {
            self.corrupt(&format!("withdrawal {id} is not the next"));
        }
        self.withdrawals.next = id.0.saturating_add(1);
        let identity = Identity {
            member: asked.member,
            token: asked.token,
        };
        let known = Known {
            withdrawal: id,
            amount: asked.amount,
        };
        self.withdrawals.known.insert(identity, known);
        let before = self.withdrawn_today(asked.member, asked.requested_at);
        let day = Day {
            until: asked.requested_at.next_midnight(),
            amount: Money(before.0.saturating_add(asked.amount.0)),
        };
        self.withdrawals.days.insert(asked.member, day);
        let ever = self.withdrawals.ever.entry(asked.member).or_default();
        *ever = Money(ever.0.saturating_add(asked.amount.0));
        self.withdrawals.open.insert(id, asked);
    }

    pub(crate) fn apply_withdrawal_approved(&mut self, id: WithdrawalId) {
        self.set_withdrawal(id, WithdrawalState::Sent);
        let place = self.withdrawals.next_sent;
        self.withdrawals.next_sent = place.saturating_add(1);
        self.withdrawals.sent.insert(place, id);
    }

    pub(crate) fn apply_withdrawal_waiting(&mut self, id: WithdrawalId) {
        self.set_withdrawal(id, WithdrawalState::Waiting);
    }

    fn set_withdrawal(&mut self, id: WithdrawalId, state: WithdrawalState) {
        match self.withdrawals.open.get_mut(&id) {
            Some(known) => known.state = state,
            None => self.corrupt("a withdrawal that has ended changed its state"),
        }
    }

    pub(crate) fn apply_withdrawal_paid(&mut self, id: WithdrawalId) {
        self.end_withdrawal(id);
    }

    /// What came back on the day on which it was asked for does not count for that day.
    pub(crate) fn apply_withdrawal_back(&mut self, id: WithdrawalId) {
        let Some(known) = self.end_withdrawal(id) else {
            return;
        };
        let ever = self.withdrawals.ever.entry(known.member).or_default();
        *ever = Money(ever.0.saturating_sub(known.amount.0));
        let until = known.requested_at.next_midnight();
        let day = self.withdrawals.days.get_mut(&known.member);
        if let Some(day) = day.filter(|day| day.until == until) {
            day.amount = Money(day.amount.0.saturating_sub(known.amount.0));
        }
    }

    fn end_withdrawal(&mut self, id: WithdrawalId) -> Option<Withdrawal> {
        let ended = self.withdrawals.open.remove(&id);
        if ended.is_none() {
            self.corrupt("a withdrawal ended twice");
        }
        // The few that the channel has not ended.
        self.withdrawals.sent.retain(|_, sent| *sent != id);
        ended
    }

    /// The open withdrawals are what the account says; each is known by its identity; those sent are those to be paid.
    pub(crate) fn check_withdrawals(&self, found: &mut Vec<String>) {
        let mut sum = 0;
        for (id, known) in &self.withdrawals.open {
            ledger::add(&mut sum, known.amount.0);
            let identity = Identity {
                member: known.member,
                token: known.token,
            };
            let same = self.withdrawals.known.get(&identity);
            if same.is_none_or(|same| same.withdrawal != *id || same.amount != known.amount) {
                found.push(format!("withdrawal {id} is not known by its identity"));
            }
            let places = self.withdrawals.sent.values();
            let sent = places.filter(|sent| *sent == id).count();
            let expected = usize::from(known.state != WithdrawalState::Requested);
            if sent != expected {
                found.push(format!(
                    "withdrawal {id} stands {sent} times among those sent"
                ));
            }
        }
        if sum != owed(self.books.withdrawals_due).0 {
            found.push(format!(
                "open withdrawals add up to {sum}, the account to {}",
                self.books.withdrawals_due
            ));
        }
        for (member, day) in &self.withdrawals.days {
            if day.amount < Money::ZERO || DAY_MS < day.until.0.saturating_sub(self.now.0) {
                found.push(format!("member {member} has withdrawn an impossible sum"));
            }
        }
    }
}
