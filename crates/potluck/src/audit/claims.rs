//! What members owe after clawbacks (rules 9.6), told by the events alone. Nothing else lets a member stand below zero.

use std::collections::BTreeMap;

use domain::{Account, Event, Line, MemberId, Money, World};

use super::Findings;

/// What was taken back and is not covered, and what each has withdrawn.
#[derive(Debug, Default)]
pub(super) struct Claims {
    open: BTreeMap<MemberId, i64>,
    withdrawn: BTreeMap<MemberId, i64>,
}

impl Claims {
    /// Holds a clawback against what the member has (`balance`, debits above zero, before it), and notes what leaves and
    /// comes back in withdrawals.
    pub(super) fn event(
        &mut self,
        seq: u64,
        event: &Event,
        balance: impl Fn(MemberId) -> i64,
        findings: &mut Findings,
    ) {
        if let Event::WithdrawalRequested { member, amount, .. } = event {
            let sum = self.withdrawn.entry(*member).or_default();
            *sum = sum.saturating_add(amount.0);
        } else if let Event::WithdrawalRejected { member, amount, .. }
        | Event::WithdrawalFailed { member, amount, .. } = event
        {
            let sum = self.withdrawn.entry(*member).or_default();
            *sum = sum.saturating_sub(amount.0);
        } else if let Event::ClawedBack {
            member,
            amount,
            short,
            group: _,
        } = event
        {
            let has = balance(*member).saturating_neg();
            let withdrawn = self.withdrawn.get(member).copied().unwrap_or(0);
            let most = has.saturating_add(withdrawn);
            findings.unless(amount.is_positive() && amount.0 <= most, seq, || {
                format!(
                    "{amount} are taken back of member {member}, who ever got {}",
                    Money(most)
                )
            });
            let missing = amount.0.saturating_sub(has.max(0)).max(0);
            findings.unless(short.0 == missing, seq, || {
                format!(
                    "of {amount} taken back of member {member} he has {}, and {short} are said to be missing",
                    Money(has)
                )
            });
            if 0 < missing {
                let sum = self.open.entry(*member).or_default();
                *sum = sum.saturating_add(missing);
            }
        }
    }

    /// What a member gets covers what was taken back.
    pub(super) fn line(&mut self, line: &Line) {
        if let Account::Available(member) = line.account
            && line.amount < 0
            && let Some(open) = self.open.get_mut(&member)
        {
            *open = open.saturating_add(line.amount);
            if *open <= 0 {
                self.open.remove(&member);
            }
        }
    }

    /// How far below zero the account may stand: debits above zero.
    pub(super) fn most(&self, account: Account) -> i64 {
        let Account::Available(member) = account else {
            return 0;
        };
        self.open.get(&member).copied().unwrap_or(0)
    }

    /// Against the replayed world.
    pub(super) fn compare(&self, world: &World, findings: &mut Findings) {
        let told = self.open.iter().map(|(&member, &sum)| (member, Money(sum)));
        if !told.eq(world.all_uncovered()) {
            findings.add(format!(
                "clawbacks: {} members owe something after the replay, {} by the events, or they differ",
                world.all_uncovered().count(),
                self.open.len()
            ));
        }
    }
}
