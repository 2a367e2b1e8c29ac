//! Rules 9.3 and 9.6: withdrawals, and rewards that are taken back. Sums are added up anew from all that was ever asked for.

use domain::{Account, Command, MemberId, PayoutOutcome, WithdrawalId, WithdrawalState, World};

use super::{DAY, Mistake, Model, Outcome, Told, compare::Differ, refused};

/// The least of one withdrawal, and the most of a day, in fen: the profile of all storms.
const LEAST: i64 = 100;
const MOST_A_DAY: i64 = 5_000_000;

/// A withdrawal, from its request for ever.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) member: u32,
    token: [u8; 16],
    pub(crate) amount: i64,
    at: i64,
    pub(crate) stage: DraftStage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DraftStage {
    Requested,
    /// The channel is to pay it; in which place it was approved.
    Sent(u64),
    Waiting(u64),
    Paid,
    /// Rejected or failed: the money is the member's again.
    Back,
}

impl DraftStage {
    pub(crate) fn is_over(self) -> bool {
        matches!(self, DraftStage::Paid | DraftStage::Back)
    }
}

/// All withdrawals there ever were, by number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Drafts {
    all: Vec<Draft>,
    of_member: std::collections::BTreeMap<u32, Vec<usize>>,
    /// Not over, by number.
    open: std::collections::BTreeSet<u64>,
    approved: u64,
}

impl Model {
    pub(super) fn decide_payouts(&mut self, command: &Command, now: i64) -> Outcome {
        if let Command::Withdraw {
            member,
            token,
            amount,
            ..
        } = command
        {
            return self.withdraw((member.0, *token), amount.0, now);
        }
        if let Command::ClawBack {
            member,
            amount,
            group,
        } = command
        {
            return self.claw_back(member.0, amount.0, group.map(|group| group.0));
        }
        let (Command::ApproveWithdrawal { withdrawal }
        | Command::RejectWithdrawal { withdrawal }
        | Command::NotePayout { withdrawal, .. }) = command
        else {
            unreachable!("only these are about withdrawals")
        };
        let Some(stage) = self
            .draft_stage(withdrawal.0)
            .filter(|stage| !stage.is_over())
        else {
            return refused("withdrawal_unknown");
        };
        let told = if let Command::NotePayout { outcome, .. } = command {
            Some(*outcome)
        } else {
            None
        };
        let approves = matches!(command, Command::ApproveWithdrawal { .. });
        let next = match (stage, told) {
            (DraftStage::Requested, None) if approves => {
                self.drafts.approved += 1;
                DraftStage::Sent(self.drafts.approved - 1)
            }
            (DraftStage::Requested, None) => DraftStage::Back,
            (DraftStage::Sent(place), Some(PayoutOutcome::Waiting)) => DraftStage::Waiting(place),
            (DraftStage::Waiting(_), Some(PayoutOutcome::Waiting)) => {
                return Outcome::nothing(Told::Done);
            }
            (DraftStage::Sent(_) | DraftStage::Waiting(_), Some(PayoutOutcome::Paid)) => {
                DraftStage::Paid
            }
            (DraftStage::Sent(_) | DraftStage::Waiting(_), Some(PayoutOutcome::Failed(_))) => {
                DraftStage::Back
            }
            _ => return refused("withdrawal_state"),
        };
        self.become_stage(withdrawal.0, next);
        Outcome::done(Told::Done)
    }

    fn withdraw(&mut self, (member, token): (u32, [u8; 16]), amount: i64, now: i64) -> Outcome {
        let earlier = self
            .drafts_of(member)
            .find(|(_, draft)| draft.token == token);
        if let Some((number, draft)) = earlier {
            return if draft.amount == amount {
                Outcome::nothing(Told::Withdrawal(number))
            } else {
                refused("idempotency_key_reused")
            };
        }
        if amount <= 0 {
            return refused("amount_not_positive");
        }
        if amount < LEAST {
            return refused("withdrawal_too_small");
        }
        let Some(person) = self.people.get(&member) else {
            return refused("member_unknown");
        };
        if person.ready.cash < amount {
            return refused("not_available");
        }
        let today = day_of(now);
        let forgets = self.mistake == Some(Mistake::RejectedCountsForTheDay);
        let asked = self.drafts_of(member).filter(|(_, draft)| {
            day_of(draft.at) == today && (forgets || draft.stage != DraftStage::Back)
        });
        let asked: i64 = asked.map(|(_, draft)| draft.amount).sum();
        if MOST_A_DAY - asked < amount {
            return refused("withdrawal_day_limit");
        }
        self.person(member).ready.cash -= amount;
        let number = self.drafts.all.len();
        self.drafts.all.push(Draft {
            member,
            token,
            amount,
            at: now,
            stage: DraftStage::Requested,
        });
        self.drafts
            .of_member
            .entry(member)
            .or_default()
            .push(number);
        let number = u64::try_from(number).unwrap_or(u64::MAX);
        self.drafts.open.insert(number);
        self.touched.drafts.insert(number);
        Outcome::done(Told::Withdrawal(number))
    }

    fn become_stage(&mut self, number: u64, stage: DraftStage) {
        let at = usize::try_from(number).unwrap_or(usize::MAX);
        let Some(draft) = self.drafts.all.get_mut(at) else {
            return;
        };
        draft.stage = stage;
        let (member, amount) = (draft.member, draft.amount);
        self.touched.drafts.insert(number);
        if stage.is_over() {
            self.drafts.open.remove(&number);
        }
        match stage {
            DraftStage::Requested | DraftStage::Sent(_) | DraftStage::Waiting(_) => {}
            DraftStage::Paid => self.money.channel -= amount,
            DraftStage::Back if self.mistake == Some(Mistake::FailedPayoutIsLost) => {}
            DraftStage::Back => self.person(member).ready.cash += amount,
        }
    }

    /// At most what a member has ever got can be taken back, less what was taken back before.
    fn claw_back(&mut self, member: u32, amount: i64, group: Option<u64>) -> Outcome {
        if amount <= 0 {
            return refused("amount_not_positive");
        }
        let Some(person) = self.people.get(&member) else {
            return refused("member_unknown");
        };
        let available = person.ready.cash;
        if group.is_some_and(|group| !self.rooms.contains_key(&group)) {
            return refused("group_unknown");
        }
        if available + self.withdrawn_ever(member) < amount {
            return refused("clawback_too_large");
        }
        let person = self.person(member);
        person.ready.cash -= amount;
        person.clawed_back = true;
        self.money.rewards -= amount;
        Outcome::done(Told::Done)
    }

    fn withdrawn_ever(&self, member: u32) -> i64 {
        if self.mistake == Some(Mistake::ClawsBackWhatIsThereOnly) {
            return 0;
        }
        let kept = self.drafts_of(member);
        let kept = kept.filter(|(_, draft)| draft.stage != DraftStage::Back);
        kept.map(|(_, draft)| draft.amount).sum()
    }

    fn drafts_of(&self, member: u32) -> impl Iterator<Item = (u64, &Draft)> {
        let of = self.drafts.of_member.get(&member).into_iter().flatten();
        of.filter_map(|&at| Some((u64::try_from(at).ok()?, self.drafts.all.get(at)?)))
    }

    pub(crate) fn drafts(&self) -> u64 {
        u64::try_from(self.drafts.all.len()).unwrap_or(u64::MAX)
    }

    pub(crate) fn open_drafts(&self) -> impl Iterator<Item = (u64, &Draft)> {
        let open = self.drafts.open.iter();
        open.filter_map(|&number| Some((number, self.draft(number)?)))
    }

    pub(crate) fn draft(&self, number: u64) -> Option<&Draft> {
        self.drafts.all.get(usize::try_from(number).ok()?)
    }

    /// Whose withdrawal, and of how much, was given back most lately of the newest ones.
    pub(crate) fn newest_back(&self) -> Option<(u32, i64)> {
        let newest = self.drafts.all.iter().rev().take(6);
        let mut back = newest.filter(|draft| draft.stage == DraftStage::Back);
        back.next().map(|draft| (draft.member, draft.amount))
    }

    pub(crate) fn draft_stage(&self, number: u64) -> Option<DraftStage> {
        self.draft(number).map(|draft| draft.stage)
    }

    /// What members stand below zero by, after clawbacks: it is not counted as held.
    pub(super) fn owed_by_members(&self) -> i64 {
        let below = self.people.values().map(|person| person.ready.cash.min(0));
        -below.sum::<i64>()
    }

    /// What can be withdrawn of somebody: who has at least the least.
    pub(crate) fn ready_cash(&self, member: u32) -> i64 {
        self.people
            .get(&member)
            .map_or(0, |person| person.ready.cash)
    }
}

impl Model {
    pub(super) fn compare_draft(&self, number: u64, world: &World, differ: &mut Differ) {
        let Some(draft) = self.draft(number) else {
            return;
        };
        let seen = world.withdrawal(WithdrawalId(number));
        let seen = seen.map(|seen| (seen.member.0, seen.amount.0, seen.fee.0, seen.state));
        let state = match draft.stage {
            DraftStage::Requested => Some(WithdrawalState::Requested),
            DraftStage::Sent(_) => Some(WithdrawalState::Sent),
            DraftStage::Waiting(_) => Some(WithdrawalState::Waiting),
            DraftStage::Paid | DraftStage::Back => None,
        };
        let told = state.map(|state| (draft.member, draft.amount, 0, state));
        differ.same(|| format!("withdrawal {number}"), seen, told);
        let known = world.withdrawal_of(MemberId(draft.member), draft.token);
        differ.same(
            || format!("identity of withdrawal {number}"),
            known,
            Some(WithdrawalId(number)),
        );
    }

    /// What is on its way out, and what the channel is to pay, in the order of the approvals.
    pub(super) fn compare_payouts(&self, world: &World, differ: &mut Differ) {
        let due: i64 = self.open_drafts().map(|(_, draft)| draft.amount).sum();
        differ.same(
            || "withdrawals due".to_owned(),
            -world.balance(Account::WithdrawalsDue),
            due,
        );
        differ.same(
            || "number of withdrawals".to_owned(),
            world.withdrawals(),
            self.drafts(),
        );
        let seen = world.pending_payouts(None, usize::MAX).into_iter();
        let seen: Vec<(u64, u64)> = seen.map(|payout| (payout.place, payout.id.0)).collect();
        let told = self
            .open_drafts()
            .filter_map(|(number, draft)| match draft.stage {
                DraftStage::Sent(place) | DraftStage::Waiting(place) => Some((place, number)),
                DraftStage::Requested | DraftStage::Paid | DraftStage::Back => None,
            });
        let mut told: Vec<(u64, u64)> = told.collect();
        told.sort_unstable();
        differ.same(|| "payouts that wait".to_owned(), seen, told);
    }
}

/// Days of Shanghai, eight hours ahead.
fn day_of(at: i64) -> i64 {
    (at + 8 * 3_600_000).div_euclid(DAY)
}
