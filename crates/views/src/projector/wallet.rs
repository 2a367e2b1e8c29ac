//! Lines of members' wallets: what changed, what it was afterwards, and why.

use domain::{
    Account, CampaignId, GroupId, MemberId, Money, Overflow, PaymentId, ProgramKind, RefundId,
    RewardPaid, Vested, Withheld,
};

use super::batch::{Batch, Done};
use crate::code::Code;
use crate::db::Value;
use crate::error::ProjectError;
use crate::names::{WalletAccount, WhyKind, Word};

/// What explains a line (rules 7, last line).
#[derive(Clone, Copy, Debug)]
pub(super) struct WhyLine {
    kind: WhyKind,
    program: Option<ProgramKind>,
    group: Option<GroupId>,
    campaign: Option<CampaignId>,
    seat: Option<PaymentId>,
    source_seat: Option<u32>,
    generation: Option<u32>,
    base: Option<Money>,
    rate: Option<u32>,
    rule: Option<u32>,
    refund: Option<RefundId>,
}

impl WhyLine {
    pub(super) fn of(kind: WhyKind) -> WhyLine {
        WhyLine {
            kind,
            program: None,
            group: None,
            campaign: None,
            seat: None,
            source_seat: None,
            generation: None,
            base: None,
            rate: None,
            rule: None,
            refund: None,
        }
    }

    /// Whether the columns of rewards are empty.
    fn tells_of_seat_alone(&self) -> bool {
        self.program.is_none()
            && self.source_seat.is_none()
            && self.generation.is_none()
            && self.base.is_none()
            && self.rate.is_none()
            && self.rule.is_none()
    }

    pub(super) fn in_group(self, group: GroupId, campaign: CampaignId) -> WhyLine {
        WhyLine {
            group: Some(group),
            campaign: Some(campaign),
            ..self
        }
    }

    pub(super) fn seat(self, seat: PaymentId) -> WhyLine {
        WhyLine {
            group: Some(seat.group),
            seat: Some(seat),
            ..self
        }
    }

    pub(super) fn refund(self, refund: RefundId) -> WhyLine {
        WhyLine {
            refund: Some(refund),
            ..self
        }
    }

    pub(super) fn base(self, base: Money) -> WhyLine {
        WhyLine {
            base: Some(base),
            ..self
        }
    }

    pub(super) fn program(self, program: ProgramKind) -> WhyLine {
        WhyLine {
            program: Some(program),
            ..self
        }
    }

    pub(super) fn source(self, seat_no: u32) -> WhyLine {
        WhyLine {
            source_seat: Some(seat_no),
            ..self
        }
    }

    pub(super) fn reward(self, reward: &RewardPaid) -> WhyLine {
        WhyLine {
            program: Some(reward.program),
            source_seat: reward.source_seat,
            generation: Some(reward.generation),
            base: Some(reward.base),
            rate: reward.rate.map(|rate| rate.0),
            rule: Some(reward.rule),
            ..self
        }
    }
}

impl Batch {
    /// Changes what a member's seats in unfinished groups have cost. A change of nothing is a line all the same:
    /// it tells of a payment that went straight back.
    pub(super) fn in_groups(&mut self, member: MemberId, amount: i64, why: WhyLine) -> Done {
        let before = self.rows.in_groups.get(member);
        let before = before.ok_or_else(|| self.unfit(format!("member {member} is not known")))?;
        let balance = before.saturating_add(amount);
        self.rows.in_groups.set(member, balance);
        self.wallet_line(member, WalletAccount::InGroups, (amount, balance), why);
        Ok(())
    }

    /// Changes an account of the ledger that is a member's. `amount` is as shown to him: more is above zero. The
    /// balance itself moves with the ledger's lines, and [`Batch::record`] holds the two against each other.
    pub(super) fn wallet(&mut self, account: Account, amount: i64, why: WhyLine) {
        let owner = WalletAccount::of_account(&account);
        let Some((shown, member)) = owner.filter(|_| amount != 0) else {
            return;
        };
        let explained = self.explained.entry(account).or_default();
        *explained = explained.saturating_sub(amount);
        let ledger = self.rows.balances.get(account).copied().unwrap_or(0);
        let balance = ledger.saturating_add(*explained).saturating_neg();
        self.wallet_line(member, shown, (amount, balance), why);
    }

    /// Tax that is withheld of what the line before it has made available: the ledger gives the member the rest at once.
    pub(super) fn withheld(&mut self, (member, tax): (MemberId, Money), reward: WhyLine) {
        let why = WhyLine {
            kind: WhyKind::TaxWithheld,
            ..reward
        };
        self.wallet(Account::Available(member), tax.0.saturating_neg(), why);
    }

    pub(super) fn counted<T>(&self, amount: Result<T, Overflow>) -> Result<T, ProjectError> {
        amount.map_err(|Overflow| self.unfit("an amount does not fit"))
    }

    pub(super) fn rewards_vested(&mut self, group: GroupId, amounts: &[Vested]) -> Done {
        let campaign = self.campaign_of(group)?;
        let why = WhyLine::of(WhyKind::Vested).in_group(group, campaign);
        for vested in amounts {
            let (cash, coins) = (vested.amount.0, vested.coins.0);
            self.wallet(Account::Vesting(vested.member), cash.saturating_neg(), why);
            self.wallet(Account::Available(vested.member), cash, why);
            if let Some(Withheld { of, tax }) = vested.withheld {
                let program = why.program(ProgramKind::WinnerBonus);
                self.withheld((vested.member, tax), program.base(of));
            }
            self.wallet(
                Account::VestingCoins(vested.member),
                coins.saturating_neg(),
                why,
            );
            self.wallet(Account::Coins(vested.member), coins, why);
        }
        Ok(())
    }

    pub(super) fn rewards_reversed(
        &mut self,
        (group, campaign): (GroupId, CampaignId),
        reversed: &[Vested],
    ) {
        let why = WhyLine::of(WhyKind::Reversed).in_group(group, campaign);
        for taken in reversed {
            let (cash, coins) = (taken.amount.0, taken.coins.0);
            self.wallet(Account::Vesting(taken.member), cash.saturating_neg(), why);
            self.wallet(
                Account::VestingCoins(taken.member),
                coins.saturating_neg(),
                why,
            );
        }
    }

    /// Taken back of what was available: what is not there now is below zero, and later rewards cover it.
    pub(super) fn clawed_back(
        &mut self,
        member: MemberId,
        amount: Money,
        group: Option<GroupId>,
    ) -> Done {
        let mut why = WhyLine::of(WhyKind::ClawedBack);
        if let Some(group) = group {
            why = why.in_group(group, self.campaign_of(group)?);
        }
        self.wallet(Account::Available(member), amount.0.saturating_neg(), why);
        Ok(())
    }

    fn wallet_line(
        &mut self,
        member: MemberId,
        account: WalletAccount,
        (amount, balance): (i64, i64),
        why: WhyLine,
    ) {
        let line_no = self.next_wallet_line_no();
        let line = [
            Value::from(member.0),
            Value::from(account.code()),
            Value::from(self.seq),
            Value::from(line_no),
            Value::from(self.at.0),
            Value::from(amount),
            Value::from(balance),
            Value::from(why.kind.code()),
            Value::from(why.group.map(|group| group.0)),
            Value::from(why.seat.map(|seat| seat.index)),
            Value::from(why.campaign.map(|campaign| campaign.0)),
            Value::from(why.refund.map(|refund| refund.0)),
        ];
        if why.tells_of_seat_alone() {
            self.rows.new_wallet_lines.push((member, line));
            return;
        }
        let reward = [
            Value::from(why.program.map(Word::word)),
            Value::from(why.source_seat),
            Value::from(why.generation),
            Value::from(why.base.map(|base| base.0)),
            Value::from(why.rate),
            Value::from(why.rule),
        ];
        self.rows.new_reward_lines.push((member, line, reward));
    }
}
