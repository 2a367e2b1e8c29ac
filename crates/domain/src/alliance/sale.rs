//! What is sold in a merchant's groups (rules 10.3): from W × P he pays commission, channel fees and the rewards actually paid;
//! the rest is his, and waits until his winners' return windows have closed, so that a return can be paid from it.
//!
//! Why this is an event of its own after the group's: the group's lines are the same whoever runs the campaign, and these
//! move what of them is the merchant's.

use minicbor::{Decode, Encode};

use super::{AllianceAccount, AllianceEvent, MerchantAccount};
use crate::{
    Account, CampaignId, Event, GroupId, GroupSettled, MerchantId, Money, Order, OrderId, Overflow,
    PoolReturn, Refusal, Vested, World,
};

type Move<'a> = &'a mut dyn FnMut(Account, Account, i64) -> Result<(), Overflow>;

/// How what the winners of a merchant's group paid is divided. `sales` is the sum of the others.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct GroupSold {
    /// The group.
    #[n(0)]
    pub group: GroupId,
    /// Whose it is.
    #[n(1)]
    pub merchant: MerchantId,
    /// What its winners paid.
    #[n(2)]
    pub sales: Money,
    /// What the platform keeps.
    #[n(3)]
    pub commission: Money,
    /// What the channel took, which he bears.
    #[n(4)]
    pub fees: Money,
    /// The rewards that were paid, which he bears.
    #[n(5)]
    pub rewards: Money,
    /// What is left for him.
    #[n(6)]
    pub due: Money,
}

/// One winner's part of that, given back. `amount` is the sum of the others.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SaleReversed {
    /// The group.
    #[n(0)]
    pub group: GroupId,
    /// Whose it is.
    #[n(1)]
    pub merchant: MerchantId,
    /// Which product came back.
    #[n(2)]
    pub order: OrderId,
    /// What its buyer gets back.
    #[n(3)]
    pub amount: Money,
    /// The commission on it.
    #[n(4)]
    pub commission: Money,
    /// What the channel gives back of its fee.
    #[n(5)]
    pub fee: Money,
    /// The rewards that were reversed with it.
    #[n(6)]
    pub rewards: Money,
    /// What the merchant bears from the group's sales that wait; below zero where more came back to him than he gives.
    #[n(7)]
    pub from_sales: Money,
    /// What those did not suffice for: he owes it.
    #[n(8)]
    pub owed: Money,
}

/// A merchant's part of one group while return windows are open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct Sale {
    #[n(0)]
    pub(super) merchant: MerchantId,
    #[n(1)]
    pub(super) waiting: Money,
}

impl GroupSold {
    pub(super) fn lines(&self, move_money: Move<'_>) -> Result<(), Overflow> {
        let due = Account::Merchant(MerchantAccount::Vesting, self.merchant);
        let commission = Account::Alliance(AllianceAccount::Commission);
        move_money(commission, Account::Sales, self.commission.0)?;
        move_money(Account::ChannelFees, Account::Sales, self.fees.0)?;
        move_money(Account::Rewards, Account::Sales, self.rewards.0)?;
        move_money(due, Account::Sales, self.due.0)
    }
}

impl SaleReversed {
    pub(super) fn lines(&self, move_money: Move<'_>) -> Result<(), Overflow> {
        let of_merchant = |account| Account::Merchant(account, self.merchant);
        let commission = Account::Alliance(AllianceAccount::Commission);
        move_money(Account::Sales, commission, self.commission.0)?;
        move_money(Account::Sales, Account::ChannelFees, self.fee.0)?;
        move_money(Account::Sales, Account::Rewards, self.rewards.0)?;
        let waiting = of_merchant(MerchantAccount::Vesting);
        move_money(Account::Sales, waiting, self.from_sales.0)?;
        move_money(
            Account::Sales,
            of_merchant(MerchantAccount::Owes),
            self.owed.0,
        )
    }
}

impl World {
    /// A group has just been settled: if it is a merchant's, what its winners paid is divided.
    pub(crate) fn decide_sold_for(
        &self,
        campaign: CampaignId,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        if self.alliance.campaigns.is_empty() {
            return Ok(());
        }
        let (Some(merchant), Some(published)) =
            (self.merchant_of(campaign), self.campaign(campaign))
        else {
            return Ok(());
        };
        let Some(Event::GroupSettled(settled)) = events.last() else {
            return Ok(());
        };
        let winners = u32::try_from(settled.winners.len()).map_err(|_| Overflow)?;
        let case = published.terms.case(winners);
        let (sales, commission, fees) = (case.sales()?, case.commission()?, case.fees()?);
        let rewards = rewards_paid(settled)?;
        let due = sales.minus(commission)?.minus(fees)?.minus(rewards)?;
        let sold = GroupSold {
            group: settled.group,
            merchant,
            sales,
            commission,
            fees,
            rewards,
            due,
        };
        events.push(Event::Alliance(AllianceEvent::GroupSold(sold)));
        Ok(())
    }

    /// A product of a group has come back, and these rewards were reversed with it, some of them into a pool.
    pub(crate) fn decide_reversed(
        &self,
        (id, order): (OrderId, &Order),
        reversed: &[Vested],
        pool: Option<&PoolReturn>,
    ) -> Result<Option<Event>, Overflow> {
        let Some(sale) = self.alliance.sales.get(&order.group) else {
            return Ok(None);
        };
        let terms = self.campaign_of(order.group).map(|known| &known.terms);
        let commission = match terms.and_then(|terms| terms.merchant) {
            Some(merchant) => order.paid.amount.share(merchant.commission)?,
            None => Money::ZERO,
        };
        let fee = order.paid.fee_back;
        let mut rewards = crate::sum(reversed.iter().map(|taken| taken.amount))?;
        if let Some(pool) = pool {
            if pool.reversed_in {
                rewards = Money::ZERO;
            }
            rewards = rewards.plus(pool.taken)?;
        }
        let back = order.paid.amount;
        let need = back.minus(commission)?.minus(fee)?.minus(rewards)?;
        let from_sales = need.min(sale.waiting);
        let reversed = SaleReversed {
            group: order.group,
            merchant: sale.merchant,
            order: id,
            amount: back,
            commission,
            fee,
            rewards,
            from_sales,
            owed: need.minus(from_sales)?,
        };
        Ok(Some(Event::Alliance(AllianceEvent::SaleReversed(reversed))))
    }

    /// The group's last return window closes, or its last product is back with these events.
    pub(crate) fn decide_sale_vested(&self, group: GroupId, events: &mut Vec<Event>) {
        self.decide_origin_vested(group, events);
        let Some(sale) = self.alliance.sales.get(&group) else {
            return;
        };
        let last = self.vesting.get(&group);
        if last.is_none_or(|waiting| waiting.open_orders != 1) {
            return;
        }
        let mut amount = sale.waiting;
        for event in events.iter() {
            if let Event::Alliance(AllianceEvent::SaleReversed(reversed)) = event
                && reversed.group == group
            {
                amount.0 = amount.0.saturating_sub(reversed.from_sales.0);
            }
        }
        events.push(Event::Alliance(AllianceEvent::SaleVested {
            group,
            merchant: sale.merchant,
            amount,
        }));
    }

    pub(super) fn apply_sold(&mut self, sold: &GroupSold) {
        let sale = Sale {
            merchant: sold.merchant,
            waiting: sold.due,
        };
        self.alliance.sales.insert(sold.group, sale);
    }

    pub(super) fn apply_reversed(&mut self, reversed: &SaleReversed) {
        if let Some(sale) = self.alliance.sales.get_mut(&reversed.group) {
            sale.waiting.0 = sale.waiting.0.saturating_sub(reversed.from_sales.0);
        }
    }
}

/// Cash that members got of a group, its consolation and what went into the dividend pool included.
fn rewards_paid(settled: &GroupSettled) -> Result<Money, Overflow> {
    let unused = settled.ballot.as_ref();
    let unused = unused.map_or(0, |ballot| ballot.unused.len());
    let others = settled.seats.len().saturating_sub(settled.winners.len());
    let others = others.saturating_sub(unused);
    let others = u32::try_from(others).map_err(|_| Overflow)?;
    let listed = crate::sum(settled.rewards.iter().map(|reward| reward.cash))?;
    let pooled = settled.pooled.as_ref();
    let pooled = pooled.map_or(Money::ZERO, |pooled| pooled.amount);
    listed
        .plus(settled.consolation_cash.times(others)?)?
        .plus(pooled)
}
