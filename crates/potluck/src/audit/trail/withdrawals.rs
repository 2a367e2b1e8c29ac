//! Withdrawals (rules 9.3), told by the events alone: each asked for once, decided once, and paid or given back once.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Event, MemberId, Money, WithdrawalId, WithdrawalState, World};

use super::{At, Trail};
use crate::audit::Findings;

/// What was asked for and has not ended, and every identity there ever was.
#[derive(Debug, Default)]
pub(super) struct Withdrawals {
    next: u64,
    open: BTreeMap<WithdrawalId, Open>,
    identities: BTreeSet<(MemberId, [u8; 16])>,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    member: MemberId,
    amount: Money,
    fee: Money,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Asked,
    Approved,
    Waiting,
}

impl Trail {
    #[expect(
        clippy::too_many_lines,
        reason = "one arm for each kind of event, most of which are no withdrawals"
    )]
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "`Trail::event` lists them all"
    )]
    pub(super) fn withdrawal_event(&mut self, at: At, event: &Event, findings: &mut Findings) {
        match event {
            Event::WithdrawalRequested {
                withdrawal,
                member,
                token,
                amount,
                fee,
                account: _,
            } => {
                let asked = Open {
                    member: *member,
                    amount: *amount,
                    fee: *fee,
                    stage: Stage::Asked,
                };
                self.withdrawal_asked(at, *withdrawal, *token, asked, findings);
            }
            Event::WithdrawalApproved { withdrawal } => {
                let known = self.withdrawals.open.get(withdrawal).copied();
                let frozen =
                    known.is_some_and(|known| self.person(known.member).is_some_and(|p| p.frozen));
                findings.unless(!frozen, at.0, || {
                    format!("withdrawal {withdrawal} of a frozen member is approved")
                });
                self.withdrawal_moves(at, *withdrawal, (Stage::Asked, Stage::Approved), findings);
            }
            Event::WithdrawalWaiting { withdrawal } => {
                self.withdrawal_moves(at, *withdrawal, (Stage::Approved, Stage::Waiting), findings);
            }
            Event::WithdrawalRejected {
                withdrawal,
                member,
                amount,
            } => {
                let ends = (*member, *amount, None);
                self.withdrawal_ends(at, *withdrawal, ends, findings);
            }
            Event::WithdrawalPaid {
                withdrawal,
                member,
                amount,
                fee,
            } => {
                let ends = (*member, *amount, Some(*fee));
                self.withdrawal_ends(at, *withdrawal, ends, findings);
                self.counts.withdrawals_paid += 1;
                let net = amount.0.saturating_sub(fee.0);
                self.counts.withdrawn = self.counts.withdrawn.saturating_add(net);
            }
            Event::WithdrawalFailed {
                withdrawal,
                member,
                amount,
                why: _,
            } => {
                let fee = self
                    .withdrawals
                    .open
                    .get(withdrawal)
                    .map_or(Money::ZERO, |known| known.fee);
                let ends = (*member, *amount, Some(fee));
                self.withdrawal_ends(at, *withdrawal, ends, findings);
            }
            Event::ClawedBack { member, group, .. } => {
                findings.unless(self.person(*member).is_some(), at.0, || {
                    format!("something is taken back of member {member}, who is not known")
                });
                let known = group.is_none_or(|group| self.campaign(group).is_some());
                findings.unless(known, at.0, || {
                    format!(
                        "something is taken back of member {member} for a group that is not known"
                    )
                });
            }
            _ => {}
        }
    }

    fn withdrawal_asked(
        &mut self,
        at: At,
        id: WithdrawalId,
        token: [u8; 16],
        asked: Open,
        findings: &mut Findings,
    ) {
        let Open {
            member,
            amount,
            fee,
            ..
        } = asked;
        findings.unless(id.0 == self.withdrawals.next, at.0, || {
            format!("withdrawal {id} is not the next number")
        });
        self.withdrawals.next = self.withdrawals.next.max(id.0.saturating_add(1));
        let person = self.person(member);
        let allowed = person.is_some_and(|person| !person.frozen);
        findings.unless(allowed, at.0, || {
            format!("withdrawal {id} is of member {member}, who is not known or frozen")
        });
        let sound = amount.is_positive() && Money::ZERO <= fee && fee < amount;
        findings.unless(sound, at.0, || {
            format!("withdrawal {id} of {amount} with a fee of {fee}")
        });
        let new = self.withdrawals.identities.insert((member, token));
        findings.unless(new, at.0, || {
            format!("withdrawal {id} has an identity that was used before")
        });
        self.withdrawals.open.insert(id, asked);
    }

    fn withdrawal_moves(
        &mut self,
        at: At,
        id: WithdrawalId,
        (from, to): (Stage, Stage),
        findings: &mut Findings,
    ) {
        let open = self.withdrawals.open.get_mut(&id);
        let known = open.filter(|known| known.stage == from);
        findings.unless(known.is_some(), at.0, || {
            format!("withdrawal {id} becomes {to:?}, but it is not {from:?}")
        });
        if let Some(known) = known {
            known.stage = to;
        }
    }

    /// With a fee it was approved before, without one it was not.
    fn withdrawal_ends(
        &mut self,
        at: At,
        id: WithdrawalId,
        (member, amount, fee): (MemberId, Money, Option<Money>),
        findings: &mut Findings,
    ) {
        let known = self.withdrawals.open.remove(&id);
        let fits = known.is_some_and(|known| {
            let stage = known.stage != Stage::Asked;
            known.member == member
                && known.amount == amount
                && stage == fee.is_some()
                && fee.is_none_or(|fee| fee == known.fee)
        });
        findings.unless(fits, at.0, || {
            format!("withdrawal {id} of {amount} ends and is not what was asked for or decided")
        });
    }

    pub(super) fn compare_withdrawals(&self, world: &World, findings: &mut Findings) {
        let replayed: Vec<_> = world
            .open_withdrawals()
            .map(|(id, known)| {
                let stage = match known.state {
                    WithdrawalState::Requested => Stage::Asked,
                    WithdrawalState::Sent => Stage::Approved,
                    WithdrawalState::Waiting => Stage::Waiting,
                };
                (id, known.member, known.amount, stage)
            })
            .collect();
        let told: Vec<_> = self
            .withdrawals
            .open
            .iter()
            .map(|(&id, known)| (id, known.member, known.amount, known.stage))
            .collect();
        if replayed != told || world.withdrawals() != self.withdrawals.next {
            findings.add(format!(
                "withdrawals: {} open after the replay, {} by the events, or they differ",
                replayed.len(),
                told.len()
            ));
        }
    }
}
