//! Members who withdraw, staff who decide, the channel that pays or does not, and rewards that are taken back.

use domain::{
    Actor, Command, GroupId, MemberId, Money, OperatorId, PayoutFailure, PayoutOutcome,
    WithdrawalId,
};

use super::{Run, town};
use crate::error::SimError;
use crate::model::DraftStage;

impl Run {
    pub(super) fn about_payouts(&mut self) -> Result<(), SimError> {
        match self.rng.below(30) {
            0..=10 => self.withdraw(),
            11..=17 => self.review(),
            18..=25 => self.payout(),
            _ => self.claw_back(),
        }
    }

    /// Somebody with money, if one is quickly found.
    fn somebody_rich(&mut self) -> MemberId {
        for _ in 0..8 {
            let member = self.somebody();
            if 100 <= self.live.ready_cash(member.0) {
                return member;
            }
        }
        self.somebody()
    }

    fn withdraw(&mut self) -> Result<(), SimError> {
        let asked = self.rng.pick(&self.town.asked).copied();
        let back = self.live.newest_back();
        let (member, token, before) = match asked {
            // What was just given back is asked for anew.
            _ if back.is_some() && self.rng.percent(45) => {
                let (member, amount) = back.unwrap_or_default();
                (MemberId(member), self.rng.bytes16(), amount)
            }
            // The same once more, perhaps with another amount.
            Some(asked) if self.rng.percent(15) => asked,
            // Somebody who has asked today, perhaps.
            Some((member, ..)) if self.rng.percent(30) => (member, self.rng.bytes16(), 0),
            _ => (self.somebody_rich(), self.rng.bytes16(), 0),
        };
        let cash = self.live.ready_cash(member.0);
        let amount = match self.rng.below(20) {
            _ if before != 0 && self.rng.percent(80) => before,
            0 => 0,
            1 => -self.rng.between(1, 500),
            2 => self.rng.between(1, 99),
            3 => cash + 1,
            4 => 5_000_001,
            // As much as a day allows, or nearly.
            _ if 5_000_000 <= cash => 5_000_000 - self.rng.between(0, 1_000),
            5..=9 => cash,
            _ => self.rng.between(100, cash.max(100)),
        };
        town::keep(&mut self.town.asked, 60, (member, token, amount));
        let command = Command::Withdraw {
            member,
            token,
            amount: Money(amount),
            account: [7; 16],
        };
        self.ask(Actor::Member(member), command)?;
        Ok(())
    }

    /// Mostly one that waits for a decision; sometimes any, or one that does not exist.
    fn a_withdrawal(&mut self) -> WithdrawalId {
        let all = self.live.drafts();
        let open: Vec<u64> = self.live.open_drafts().map(|(number, _)| number).collect();
        match self.rng.pick(&open) {
            Some(&number) if self.rng.percent(85) => WithdrawalId(number),
            _ => WithdrawalId(self.rng.below(all + 2)),
        }
    }

    fn review(&mut self) -> Result<(), SimError> {
        let withdrawal = self.a_withdrawal();
        let command = if self.rng.percent(75) {
            Command::ApproveWithdrawal { withdrawal }
        } else {
            Command::RejectWithdrawal { withdrawal }
        };
        self.ask(Actor::Operator(OperatorId(0)), command)?;
        Ok(())
    }

    /// The channel is told of what is durable, and says what became of it; now and then something is said of a withdrawal that
    /// it cannot know.
    fn payout(&mut self) -> Result<(), SimError> {
        if self.rng.percent(10) {
            let withdrawal = self.a_withdrawal();
            let known = self.live.draft_stage(withdrawal.0);
            let unknown =
                known.is_none_or(|stage| stage == DraftStage::Requested || stage.is_over());
            let outcome = *self
                .rng
                .pick(&[PayoutOutcome::Waiting, PayoutOutcome::Paid])
                .unwrap_or(&PayoutOutcome::Paid);
            if unknown {
                return self.note_payout(withdrawal, outcome);
            }
        }
        let Some(&due) = self.rng.pick(&self.town.payouts) else {
            return self.review();
        };
        let first = match self.rng.below(10) {
            0..=2 => PayoutOutcome::Waiting,
            3 => PayoutOutcome::Failed(PayoutFailure::Failed),
            4 => PayoutOutcome::Failed(PayoutFailure::Expired),
            _ => PayoutOutcome::Paid,
        };
        self.pay_out(due, first)
    }

    /// The channel keeps its first last word, whatever it is asked.
    pub(super) fn pay_out(
        &mut self,
        (withdrawal, token, amount): (WithdrawalId, [u8; 16], i64),
        wish: PayoutOutcome,
    ) -> Result<(), SimError> {
        match self.town.provider.pay_out(token, amount, wish) {
            Ok(outcome) => self.note_payout(withdrawal, outcome),
            Err(what) => self.differs(vec![what]),
        }
    }

    fn note_payout(
        &mut self,
        withdrawal: WithdrawalId,
        outcome: PayoutOutcome,
    ) -> Result<(), SimError> {
        self.system(Command::NotePayout {
            withdrawal,
            outcome,
        })?;
        Ok(())
    }

    fn claw_back(&mut self) -> Result<(), SimError> {
        let asked = self.rng.pick(&self.town.asked).copied();
        let member = match asked {
            Some((member, ..)) if self.rng.percent(50) => member,
            _ => self.somebody_rich(),
        };
        let most = self.live.ready_cash(member.0).max(0);
        let amount = match self.rng.below(10) {
            0 => 0,
            1..=4 => self.rng.between(1, most.max(1)),
            _ => most + self.rng.between(0, 2_000),
        };
        let groups = self.live.rooms.len() as u64;
        let group = self
            .rng
            .percent(50)
            .then(|| GroupId(self.rng.below(groups + 2)));
        let command = Command::ClawBack {
            member,
            amount: Money(amount),
            group,
        };
        self.ask(Actor::Operator(OperatorId(0)), command)?;
        Ok(())
    }

    /// Every withdrawal is decided and paid.
    pub(super) fn pay_everybody(&mut self) -> Result<(), SimError> {
        let open: Vec<u64> = self.live.open_drafts().map(|(number, _)| number).collect();
        for withdrawal in open.into_iter().map(WithdrawalId) {
            if self.live.draft_stage(withdrawal.0) == Some(DraftStage::Requested) {
                self.system(Command::ApproveWithdrawal { withdrawal })?;
            }
        }
        self.commit_well()?;
        for due in self.town.payouts.clone() {
            self.pay_out(due, PayoutOutcome::Paid)?;
        }
        self.commit_well()
    }
}
