//! Why a command was turned down. An answer, not a fault: nothing is stored or changed.

use crate::{
    AllianceRefusal, BallotRefusal, CircleRefusal, GroupId, IdentityRefusal, MemberId, Millis,
    Money, OrderId, Overflow, PaymentId, Rate, Region, Shortfall,
};

/// Why a command was turned down. [`Refusal::code`] is stable; the text is for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// An amount left the range of 63 bits.
    #[error("an amount is too large")]
    Overflow,
    /// The same key came with other content (rules 2.4).
    #[error("this idempotency key was used for another request")]
    KeyReused,
    /// A member asks in another member's name.
    #[error("member {actor} cannot act for member {member}")]
    NotYourself {
        /// Who asks.
        actor: MemberId,
        /// For whom.
        member: MemberId,
    },
    /// No such member.
    #[error("member {0} is not known")]
    UnknownMember(MemberId),
    /// No such inviter.
    #[error("inviter {0} is not known")]
    UnknownInviter(MemberId),
    /// No such campaign.
    #[error("campaign {0} is not known")]
    UnknownCampaign(crate::CampaignId),
    /// No such group.
    #[error("group {0} is not known")]
    UnknownGroup(GroupId),
    /// No such order, or its return window has closed.
    #[error("order {0} is not known or already closed")]
    UnknownOrder(OrderId),
    /// The refund is not waiting; it was confirmed before or never existed.
    #[error("refund {0} is not waiting")]
    UnknownRefund(crate::RefundId),
    /// The payment names a group that is no longer in memory, or never was: the caller looks through the history
    /// and then sends [`crate::Command::BouncePayment`] if it is not there.
    #[error("payment {0} must be looked up in the history")]
    PaymentNotInMemory(PaymentId),
    /// A gateway's payment names a group that is no longer in memory: as above.
    #[error("group {0} is over: look the payment up in the history")]
    GroupNotInMemory(GroupId),
    /// A payment that holds one seat is reported for another.
    #[error("this payment holds the seat of payment {0}")]
    PaymentUsedElsewhere(PaymentId),
    /// A seat's tag was not made; the caller makes it and asks again.
    #[error("the member's tag in this group is missing")]
    TagMissing,
    /// A campaign file breaks a rule.
    #[error("{field} {must}")]
    InvalidCampaign {
        /// The key of the campaign file.
        field: &'static str,
        /// What it must be.
        must: &'static str,
    },
    /// A win rate gives no whole number of winners.
    #[error("a win rate of {}% of {seats} seats gives no whole number of winners from 1 to {}; the nearest that do: {}", percent(*rate), seats.saturating_sub(1), pairs(nearest))]
    WinRateNotWhole {
        /// Seats of a group.
        seats: u32,
        /// The rate asked for.
        rate: Rate,
        /// First with these seats, then with this rate.
        nearest: Vec<crate::WinPair>,
    },
    /// No such plan.
    #[error("plan {plan} is not known")]
    UnknownPlan {
        /// Its version.
        plan: u32,
    },
    /// A text of a campaign promises what nobody may promise (rules 11).
    #[error("{field} must not promise this: {promise}")]
    PromiseForbidden {
        /// The key of the campaign file.
        field: &'static str,
        /// As it is listed, without spaces and signs.
        promise: &'static str,
    },
    /// An own profile breaks a rule.
    #[error("{field} {must}")]
    InvalidProfile {
        /// The key of the profile's file.
        field: &'static str,
        /// What is asked of it.
        must: &'static str,
    },
    /// The profile does not allow it.
    #[error("profile {profile} does not allow this: {limit}")]
    ProfileForbids {
        /// Which profile.
        profile: &'static str,
        /// Which of its limits.
        limit: &'static str,
    },
    /// The campaign could not pay what it promises (rules 8).
    #[error("{0}")]
    NotSolvent(Box<Shortfall>),
    /// The platform owes more than it holds: nothing is published until that is mended (rules 8).
    #[error("the platform's own money is {0}: below zero, so nothing can be published")]
    OwnMoneyBelowZero(Money),
    /// Amounts of capital are more than zero.
    #[error("an amount of more than 0.00 is needed")]
    AmountNotPositive,
    /// Nobody joins before the leader has paid.
    #[error("the leader of group {0} has not paid yet")]
    LeaderNotPaid(GroupId),
    /// Every place is paid or held.
    #[error("every place of group {0} is taken or held")]
    GroupFull(GroupId),
    /// The group is not open any more.
    #[error("group {0} is not open")]
    GroupNotOpen(GroupId),
    /// The group is not waiting for a draw.
    #[error("group {0} is not waiting for its draw")]
    GroupNotFull(GroupId),
    /// The member has the most seats he may have in this group.
    #[error("member {member} has all the seats a member may have in group {group}")]
    SeatLimit {
        /// The group.
        group: GroupId,
        /// Who.
        member: MemberId,
    },
    /// The member has no seat he could leave.
    #[error("member {member} has no seat in group {group}")]
    NotInGroup {
        /// The group.
        group: GroupId,
        /// Who.
        member: MemberId,
    },
    /// The draw belongs to another freeze.
    #[error("this draw belongs to another freeze than that of group {0}")]
    DrawOfAnotherFreeze(GroupId),
    /// A group becomes void only at its timeout.
    #[error("group {group} becomes void only from {} ms on", from.0)]
    TooEarlyToVoid {
        /// The group.
        group: GroupId,
        /// The earliest moment.
        from: Millis,
    },
    /// No void group waits for this round.
    #[error("group {0} does not wait for this round")]
    RoundNotAwaited(GroupId),
    /// The order is not in the state for this.
    #[error("order {0} is not in the state for this")]
    OrderState(OrderId),
    /// The order is somebody else's.
    #[error("order {0} is not yours")]
    NotYourOrder(OrderId),
    /// A plan breaks a rule.
    #[error("{field} {must}")]
    InvalidPlan {
        /// Which part of it.
        field: &'static str,
        /// What it must be.
        must: &'static str,
    },
    /// The plan has no such rank.
    #[error("plan {plan} has no rank {rank}")]
    UnknownRank {
        /// Which plan.
        plan: u32,
        /// The rank.
        rank: u16,
    },
    /// No such region, or one with smaller divisions where the smallest is wanted.
    #[error("{0} is not a region that can be named here")]
    UnknownRegion(Region),
    /// A declared region stands for 90 days.
    #[error("the region can be changed only from {} on", from.to_date())]
    RegionStands {
        /// From when on it can be changed.
        from: Millis,
    },
    /// A region has one agent.
    #[error("region {0} has an agent")]
    RegionHasAgent(Region),
    /// There is nobody to dismiss.
    #[error("region {0} has no agent")]
    RegionVacant(Region),
    /// A frozen member opens and joins nothing.
    #[error("member {0} is frozen")]
    MemberFrozen(MemberId),
    /// No such withdrawal, or it has ended.
    #[error("withdrawal {0} is not known or has ended")]
    UnknownWithdrawal(crate::WithdrawalId),
    /// The withdrawal is not in the state for this.
    #[error("withdrawal {0} is not in the state for this")]
    WithdrawalState(crate::WithdrawalId),
    /// Less than may be withdrawn.
    #[error("at least {0} must be withdrawn")]
    WithdrawalTooSmall(Money),
    /// The member has less than he asks for.
    #[error("only {available} are available")]
    NotAvailable {
        /// What there is.
        available: Money,
    },
    /// More is to be taken back than the member ever got.
    #[error("at most {left} can be taken back")]
    ClawbackTooLarge {
        /// What can still be.
        left: Money,
    },
    /// More tax is to be handed over than was withheld.
    #[error("only {left} of withheld tax is owed")]
    TaxTooLarge {
        /// What is owed.
        left: Money,
    },
    /// Suppliers are to have been paid more than they are owed.
    #[error("suppliers are owed only {left}")]
    SuppliersTooLarge {
        /// What is owed.
        left: Money,
    },
    /// More than the member may withdraw today.
    #[error("only {left} more may be withdrawn today")]
    WithdrawalDayLimit {
        /// What he may still.
        left: Money,
    },
    /// Why the alliance turned it down.
    #[error(transparent)]
    Alliance(AllianceRefusal),
    /// Why the shop turned it down.
    #[error(transparent)]
    Shop(crate::ShopRefusal),
    /// Why a command about bought coins was turned down.
    #[error(transparent)]
    Recharge(crate::RechargeRefusal),
    /// Why an account was not deleted, or asks for nothing any more.
    #[error(transparent)]
    Deletion(crate::DeletionRefusal),
    /// Why a circle turned it down.
    #[error(transparent)]
    Circle(CircleRefusal),
    /// Why a treat's table turned it down.
    #[error(transparent)]
    Table(crate::TableRefusal),
    /// Of a ballot.
    #[error(transparent)]
    Ballot(BallotRefusal),
    /// About who is who.
    #[error(transparent)]
    Identity(IdentityRefusal),
    /// A member's limits break a rule.
    #[error(
        "limits are at most 10000 entries or losses, a pause of up to 30 days, and an exclusion of 7, 30 or 180 days"
    )]
    InvalidLimits,
    /// The member has excluded himself.
    #[error("the member has excluded himself until {} ms", until.0)]
    SelfExcluded {
        /// Until when; the end of time: for ever.
        until: Millis,
    },
    /// An exclusion is never made shorter.
    #[error("the exclusion stands until {} ms", until.0)]
    ExclusionStands {
        /// Until when.
        until: Millis,
    },
    /// The member pauses after a run of losses.
    #[error("the member pauses until {} ms after a run of losses", until.0)]
    LossPause {
        /// Until when.
        until: Millis,
    },
    /// The member has had his entries of today.
    #[error("no more than {most} entries a day")]
    EntriesLimit {
        /// How many.
        most: u32,
    },
    /// The member would have more money in groups than he may.
    #[error("no more than {most} in groups at once")]
    MoneyLimit {
        /// How much.
        most: Money,
    },
}

impl Refusal {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::Overflow => "amount_too_large",
            Refusal::KeyReused => "idempotency_key_reused",
            Refusal::NotYourself { .. } => "not_yourself",
            Refusal::UnknownMember(_) => "member_unknown",
            Refusal::UnknownInviter(_) => "inviter_unknown",
            Refusal::UnknownCampaign(_) => "campaign_unknown",
            Refusal::UnknownGroup(_) => "group_unknown",
            Refusal::UnknownOrder(_) => "order_unknown",
            Refusal::UnknownRefund(_) => "refund_unknown",
            Refusal::PaymentNotInMemory(_) => "payment_not_in_memory",
            Refusal::GroupNotInMemory(_) => "group_over",
            Refusal::PaymentUsedElsewhere(_) => "payment_used_elsewhere",
            Refusal::TagMissing => "tag_missing",
            Refusal::InvalidCampaign { .. } => "campaign_invalid",
            Refusal::WinRateNotWhole { .. } => "win_rate_not_whole",
            Refusal::UnknownPlan { .. } => "plan_unknown",
            Refusal::PromiseForbidden { .. } => "promise_forbidden",
            Refusal::InvalidProfile { .. } => "profile_invalid",
            Refusal::ProfileForbids { .. } => "profile_forbids",
            Refusal::NotSolvent(_) => "campaign_not_solvent",
            Refusal::OwnMoneyBelowZero(_) => "own_money_below_zero",
            Refusal::AmountNotPositive => "amount_not_positive",
            Refusal::LeaderNotPaid(_) => "leader_not_paid",
            Refusal::GroupFull(_) => "group_full",
            Refusal::GroupNotOpen(_) => "group_not_open",
            Refusal::GroupNotFull(_) => "group_not_full",
            Refusal::SeatLimit { .. } => "seat_limit",
            Refusal::NotInGroup { .. } => "not_in_group",
            Refusal::DrawOfAnotherFreeze(_) => "draw_of_another_freeze",
            Refusal::TooEarlyToVoid { .. } => "too_early_to_void",
            Refusal::RoundNotAwaited(_) => "round_not_awaited",
            Refusal::OrderState(_) => "order_state",
            Refusal::NotYourOrder(_) => "order_not_yours",
            Refusal::InvalidPlan { .. } => "plan_invalid",
            Refusal::UnknownRank { .. } => "rank_unknown",
            Refusal::UnknownRegion(_) => "region_unknown",
            Refusal::RegionStands { .. } => "region_stands",
            Refusal::RegionHasAgent(_) => "region_has_agent",
            Refusal::RegionVacant(_) => "region_vacant",
            Refusal::MemberFrozen(_) => "member_frozen",
            Refusal::UnknownWithdrawal(_) => "withdrawal_unknown",
            Refusal::WithdrawalState(_) => "withdrawal_state",
            Refusal::WithdrawalTooSmall(_) => "withdrawal_too_small",
            Refusal::NotAvailable { .. } => "not_available",
            Refusal::ClawbackTooLarge { .. } => "clawback_too_large",
            Refusal::TaxTooLarge { .. } => "tax_too_large",
            Refusal::SuppliersTooLarge { .. } => "suppliers_too_large",
            Refusal::WithdrawalDayLimit { .. } => "withdrawal_day_limit",
            Refusal::Alliance(refusal) => refusal.code(),
            Refusal::Shop(refusal) => refusal.code(),
            Refusal::Recharge(refusal) => refusal.code(),
            Refusal::Deletion(refusal) => refusal.code(),
            Refusal::Circle(refusal) => refusal.code(),
            Refusal::Table(refusal) => refusal.code(),
            Refusal::Ballot(refusal) => refusal.code(),
            Refusal::Identity(refusal) => refusal.code(),
            Refusal::InvalidLimits => "limits_invalid",
            Refusal::SelfExcluded { .. } => "self_excluded",
            Refusal::ExclusionStands { .. } => "self_exclusion_stands",
            Refusal::LossPause { .. } => "loss_pause",
            Refusal::EntriesLimit { .. } => "entries_limit",
            Refusal::MoneyLimit { .. } => "money_limit",
        }
    }
}

impl From<Overflow> for Refusal {
    fn from(_: Overflow) -> Refusal {
        Refusal::Overflow
    }
}

fn pairs(nearest: &[crate::WinPair]) -> String {
    let texts: Vec<String> = nearest.iter().map(ToString::to_string).collect();
    texts.join(", ")
}

/// A rate in percent with as many decimals as it needs: `2.5`.
pub fn percent(rate: Rate) -> String {
    let whole = rate.0 / 10_000;
    let part = rate.0 % 10_000;
    if part == 0 {
        return whole.to_string();
    }
    format!("{whole}.{part:04}")
        .trim_end_matches('0')
        .to_owned()
}
