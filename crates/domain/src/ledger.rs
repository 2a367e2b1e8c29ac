//! Double entry: which accounts there are, and the ledger lines of each event (rules 2.2).
//!
//! Why lines are derived and not stored: an event says what was decided, once; its lines follow from it by this
//! file alone. Memory and the SQL ledger are both fed from [`lines`], so they cannot disagree.
//!
//! Sign: **debits are above zero, credits below**. The lines of one event add up to zero in each asset.

use std::borrow::Cow;

use minicbor::{Decode, Encode};

use crate::{
    AllianceAccount, Coins, Event, GroupId, GroupSettled, MemberId, MerchantAccount, MerchantId,
    Money, Overflow, ProgramKind, RewardPaid, alliance::alliance_lines, recharge::recharge_lines,
    shop::shop_lines,
};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Asset {
    /// Renminbi, in fen.
    #[n(0)]
    Cny,
    /// Coins, in 1/100 coin.
    #[n(1)]
    Coin,
}

/// The chart of accounts. Each belongs to one asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// Asset: what the payment channel holds for the platform, gross.
    Channel,
    /// Liability: what the seats of one group have paid, until it is drawn or ends.
    Escrow(GroupId),
    /// Liability: money on its way back through the channel.
    RefundsDue,
    /// Liability: a member's cash that he may withdraw.
    Available(MemberId),
    /// Liability: a member's rewards that wait for return windows (rules 9.1).
    Vesting(MemberId),
    /// Liability: what suppliers are owed.
    Suppliers,
    /// Own money: deposited by the owner.
    Capital,
    /// Own money, income: what winners paid.
    Sales,
    /// Own money, expense: what the winners' products cost.
    CostOfGoods,
    /// Own money, expense: rewards in cash.
    Rewards,
    /// Own money, expense: what the channel took.
    ChannelFees,
    /// Liability: withdrawals that have not ended.
    WithdrawalsDue,
    /// Own money, income: fees of withdrawals that were paid.
    WithdrawalFees,
    /// Liability: tax that was withheld of rewards and is not handed over yet (rules 9.3).
    Tax,
    /// Asset: the operator's own account at a bank, as far as what the platform owes was paid from it, and merchants' debts into it.
    Bank,
    /// Coins: all that were ever given out, the other side of the members' coins.
    CoinsIssued,
    /// Coins a member can use.
    Coins(MemberId),
    /// Coins of a member's rewards that wait for return windows (rules 9.1).
    VestingCoins(MemberId),
    /// Coins a member has bought and not used (rules 10.1).
    BoughtCoins(MemberId),
    /// Liability: what members have paid for coins they have not used.
    Custody,
    /// Liability: what a plan's leaders will share, or have still to be paid of what was shared (rules 7).
    DividendPool(u32),
    /// One of a merchant's.
    Merchant(MerchantAccount, MerchantId),
    /// Own money that comes of merchants.
    Alliance(AllianceAccount),
}

/// One ledger line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Where.
    pub account: Account,
    /// How much, in the asset's minor units; debits above zero.
    pub amount: i64,
}

/// The accounts that are not kept per member or group, in the order of the trial balance.
pub const PLATFORM_ACCOUNTS: [Account; 13] = [
    Account::Channel,
    Account::RefundsDue,
    Account::Suppliers,
    Account::Capital,
    Account::Sales,
    Account::CostOfGoods,
    Account::Rewards,
    Account::ChannelFees,
    Account::WithdrawalsDue,
    Account::WithdrawalFees,
    Account::Tax,
    Account::Bank,
    Account::CoinsIssued,
];

impl Account {
    /// What it counts.
    pub fn asset(&self) -> Asset {
        match self {
            Account::CoinsIssued
            | Account::Coins(_)
            | Account::VestingCoins(_)
            | Account::BoughtCoins(_) => Asset::Coin,
            Account::Channel
            | Account::Escrow(_)
            | Account::RefundsDue
            | Account::Available(_)
            | Account::Vesting(_)
            | Account::Suppliers
            | Account::Capital
            | Account::Sales
            | Account::CostOfGoods
            | Account::Rewards
            | Account::ChannelFees
            | Account::DividendPool(_)
            | Account::WithdrawalsDue
            | Account::WithdrawalFees
            | Account::Tax
            | Account::Bank
            | Account::Custody
            | Account::Merchant(..)
            | Account::Alliance(_) => Asset::Cny,
        }
    }

    /// Its kind's stable name: SQL, JSON and the chart of accounts use it.
    pub fn name(&self) -> &'static str {
        match self {
            Account::Channel => "channel",
            Account::Escrow(_) => "escrow",
            Account::RefundsDue => "refunds-due",
            Account::Available(_) => "available",
            Account::Vesting(_) => "vesting",
            Account::Suppliers => "suppliers",
            Account::Capital => "capital",
            Account::Sales => "sales",
            Account::CostOfGoods => "cost-of-goods",
            Account::Rewards => "rewards",
            Account::ChannelFees => "channel-fees",
            Account::WithdrawalsDue => "withdrawals-due",
            Account::WithdrawalFees => "withdrawal-fees",
            Account::Tax => "tax",
            Account::Bank => "bank",
            Account::CoinsIssued => "coins-issued",
            Account::Coins(_) => "coins",
            Account::VestingCoins(_) => "vesting-coins",
            Account::BoughtCoins(_) => "bought-coins",
            Account::Custody => "custody",
            Account::DividendPool(_) => "dividend-pool",
            Account::Merchant(account, _) => account.name(),
            Account::Alliance(account) => account.name(),
        }
    }

    /// Whose: the member's, merchant's, group's or plan's number, or none.
    pub fn holder(&self) -> Option<u64> {
        match self {
            Account::Escrow(group) => Some(group.0),
            Account::Available(member)
            | Account::Vesting(member)
            | Account::Coins(member)
            | Account::VestingCoins(member)
            | Account::BoughtCoins(member) => Some(u64::from(member.0)),
            Account::DividendPool(plan) => Some(u64::from(*plan)),
            Account::Merchant(_, merchant) => Some(u64::from(merchant.0)),
            Account::Channel
            | Account::RefundsDue
            | Account::Suppliers
            | Account::Capital
            | Account::Sales
            | Account::CostOfGoods
            | Account::Rewards
            | Account::ChannelFees
            | Account::WithdrawalsDue
            | Account::Tax
            | Account::Bank
            | Account::WithdrawalFees
            | Account::CoinsIssued
            | Account::Custody
            | Account::Alliance(_) => None,
        }
    }
}

/// Derives the ledger lines of one event, in order. Errors only where amounts leave 63 bits, which `decide`
/// has ruled out for every stored event.
#[expect(
    clippy::too_many_lines,
    reason = "one arm for each kind of event, all in one place to read"
)]
pub fn lines(event: &Event, post: &mut dyn FnMut(Line)) -> Result<(), Overflow> {
    let mut move_money = |from: Account, to: Account, amount: i64| -> Result<(), Overflow> {
        if amount == 0 {
            return Ok(());
        }
        post(Line {
            account: to,
            amount,
        });
        post(Line {
            account: from,
            amount: amount.checked_neg().ok_or(Overflow)?,
        });
        Ok(())
    };
    // `move_money(from, to)` debits `to` and credits `from`.
    match event {
        Event::CapitalDeposited { amount } => {
            move_money(Account::Capital, Account::Channel, amount.0)
        }
        Event::PaymentAccepted {
            payment,
            amount,
            fee,
            ..
        } => {
            move_money(Account::Escrow(payment.group), Account::Channel, amount.0)?;
            move_money(Account::Channel, Account::ChannelFees, fee.0)
        }
        Event::PaymentBounced { amount, fee, .. } => {
            move_money(Account::RefundsDue, Account::Channel, amount.0)?;
            move_money(Account::Channel, Account::ChannelFees, fee.0)
        }
        Event::SeatLeft {
            payment, amount, ..
        } => move_money(
            Account::RefundsDue,
            Account::Escrow(payment.group),
            amount.0,
        ),
        Event::GroupClosed {
            group,
            refund_each,
            refunds,
            ..
        } => {
            for _ in refunds {
                move_money(Account::RefundsDue, Account::Escrow(*group), refund_each.0)?;
            }
            Ok(())
        }
        Event::GroupSettled(settled) => settlement_lines(settled, &mut move_money),
        Event::RefundPaid {
            amount, fee_back, ..
        } => {
            move_money(Account::Channel, Account::RefundsDue, amount.0)?;
            move_money(Account::ChannelFees, Account::Channel, fee_back.0)
        }
        Event::RewardsVested { amounts, .. } => {
            for vested in amounts {
                let member = vested.member;
                let (from, tax) = (Account::Vesting(member), vested.tax());
                let net = vested.amount.minus(tax)?;
                move_money(Account::Available(member), from, net.0)?;
                move_money(Account::Tax, from, tax.0)?;
                move_money(
                    Account::Coins(member),
                    Account::VestingCoins(member),
                    vested.coins.0,
                )?;
            }
            Ok(())
        }
        Event::OrderReturned {
            amount,
            reversed,
            pool,
            ..
        } => {
            move_money(Account::RefundsDue, Account::Sales, amount.0)?;
            let mut back_to = Account::Rewards;
            if let Some(pool) = pool {
                let account = Account::DividendPool(pool.plan);
                move_money(Account::Rewards, account, pool.taken.0)?;
                if pool.reversed_in {
                    back_to = account;
                }
            }
            for taken in reversed {
                let member = taken.member;
                move_money(back_to, Account::Vesting(member), taken.amount.0)?;
                move_money(
                    Account::CoinsIssued,
                    Account::VestingCoins(member),
                    taken.coins.0,
                )?;
            }
            Ok(())
        }
        Event::DividendsPaid { plan, shares, .. } => {
            for share in shares {
                let (member, pool) = (share.member, Account::DividendPool(*plan));
                move_money(Account::Available(member), pool, share.amount.0)?;
            }
            Ok(())
        }
        Event::TaxPaid { amount } => move_money(Account::Bank, Account::Tax, amount.0),
        Event::SuppliersPaid { amount } => move_money(Account::Bank, Account::Suppliers, amount.0),
        Event::WithdrawalRequested { member, amount, .. } => move_money(
            Account::WithdrawalsDue,
            Account::Available(*member),
            amount.0,
        ),
        Event::WithdrawalRejected { member, amount, .. }
        | Event::WithdrawalFailed { member, amount, .. } => move_money(
            Account::Available(*member),
            Account::WithdrawalsDue,
            amount.0,
        ),
        Event::ClawedBack { member, amount, .. } => {
            move_money(Account::Rewards, Account::Available(*member), amount.0)
        }
        Event::WithdrawalPaid { amount, fee, .. } => {
            let net = amount.minus(*fee)?;
            move_money(Account::Channel, Account::WithdrawalsDue, net.0)?;
            move_money(Account::WithdrawalFees, Account::WithdrawalsDue, fee.0)
        }
        Event::Alliance(event) => alliance_lines(event, &mut move_money),
        Event::Shop(event) => shop_lines(event, &mut move_money),
        Event::Recharge(event) => recharge_lines(event, &mut move_money),
        Event::CoinsExpired { lost, .. } => {
            for lost in lost {
                move_money(
                    Account::CoinsIssued,
                    Account::Coins(lost.member),
                    lost.coins.0,
                )?;
            }
            Ok(())
        }
        Event::MemberRegistered { .. }
        | Event::InviterBound { .. }
        | Event::DividendClosed { .. }
        | Event::LimitsSet { .. }
        | Event::SelfExcluded { .. }
        | Event::PausesBegun { .. }
        | Event::PlanPublished { .. }
        | Event::RanksCounted { .. }
        | Event::RankSet { .. }
        | Event::RegionDeclared { .. }
        | Event::AgentAppointed { .. }
        | Event::AgentDismissed { .. }
        | Event::MemberFrozen { .. }
        | Event::MemberUnfrozen { .. }
        | Event::ProfileAdopted { .. }
        | Event::CampaignPublished { .. }
        | Event::GroupOpened { .. }
        | Event::SeatReserved { .. }
        | Event::SeatLapsed { .. }
        | Event::GroupFilled { .. }
        | Event::OrderShipped { .. }
        | Event::OrderReceived { .. }
        | Event::OrderKept { .. }
        | Event::OrderReturning { .. }
        | Event::WithdrawalApproved { .. }
        | Event::WithdrawalWaiting { .. }
        | Event::Circle(_)
        | Event::Table(_)
        | Event::Ballot(_)
        | Event::RoundFoundLate { .. }
        | Event::AccountDeleted { .. }
        | Event::Identity(_)
        | Event::Delivery(_) => Ok(()),
    }
}

type Move<'a> = &'a mut dyn FnMut(Account, Account, i64) -> Result<(), Overflow>;

/// In the order of rules 6: sales, refunds, rewards.
fn settlement_lines(settled: &GroupSettled, move_money: Move<'_>) -> Result<(), Overflow> {
    let winners = u32::try_from(settled.winners.len()).map_err(|_| Overflow)?;
    let (drawn, others) = settled.split();
    let buyers = if settled.everyone_buys {
        drawn.len().saturating_add(others.len())
    } else {
        drawn.len()
    };
    let others = settled.consoled(others);
    let buyers = u32::try_from(buyers).map_err(|_| Overflow)?;
    let escrow = Account::Escrow(settled.group);
    move_money(Account::Sales, escrow, settled.price.times(buyers)?.0)?;
    move_money(
        Account::Suppliers,
        Account::CostOfGoods,
        settled.cost.times(buyers)?.0,
    )?;
    move_money(
        Account::Suppliers,
        Account::CostOfGoods,
        settled.prize.times(winners)?.0,
    )?;
    let (tax, net) = settled.tax.withheld_of(settled.consolation_cash)?;
    for (_, seat) in &others {
        if settled.refunds_others() {
            move_money(Account::RefundsDue, escrow, settled.price.0)?;
        }
        let available = Account::Available(seat.member);
        move_money(available, Account::Rewards, net.0)?;
        move_money(Account::Tax, Account::Rewards, tax.0)?;
        move_money(
            Account::Coins(seat.member),
            Account::CoinsIssued,
            settled.consolation_coins.0,
        )?;
    }
    for reward in &settled.rewards {
        let (cash, coins) = reward.accounts();
        let (tax, net) = settled.tax_at_once(reward)?;
        move_money(cash, Account::Rewards, net.0)?;
        move_money(Account::Tax, Account::Rewards, tax.0)?;
        move_money(coins, Account::CoinsIssued, reward.coins.0)?;
    }
    if let Some(pooled) = &settled.pooled {
        let pool = Account::DividendPool(pooled.plan);
        move_money(pool, Account::Rewards, pooled.amount.0)?;
    }
    Ok(())
}

impl RewardPaid {
    /// Where its cash and its coins go: consolation is available at once, everything else vests (rules 9.1).
    pub fn accounts(&self) -> (Account, Account) {
        match self.program {
            ProgramKind::Consolation => {
                (Account::Available(self.member), Account::Coins(self.member))
            }
            ProgramKind::WinnerBonus
            | ProgramKind::Leader
            | ProgramKind::Formation
            | ProgramKind::Generation
            | ProgramKind::Differential
            | ProgramKind::SameLevel
            | ProgramKind::Region
            | ProgramKind::Dividend
            | ProgramKind::OriginShare => (
                Account::Vesting(self.member),
                Account::VestingCoins(self.member),
            ),
        }
    }
}

impl GroupSettled {
    /// The tax that is withheld of a listed reward as the group is settled, and what is left of it: of those that vest
    /// nothing is withheld yet.
    pub fn tax_at_once(&self, reward: &RewardPaid) -> Result<(Money, Money), Overflow> {
        if self.tax.0 == 0 || !matches!(reward.accounts().0, Account::Available(_)) {
            return Ok((Money::ZERO, reward.cash));
        }
        self.tax.withheld_of(reward.cash)
    }

    /// `(seat number, seat)` of those who buy, in seat order. The first has [`GroupSettled::first_order`], and so on.
    pub fn buyers(&self) -> Vec<(u32, crate::SeatRef)> {
        if self.everyone_buys {
            return (0u32..).zip(self.seats.iter().copied()).collect();
        }
        self.split().0
    }

    /// `(seat number, seat)` of those who get their money back, in seat order. The first has
    /// [`GroupSettled::first_refund`], and so on.
    pub fn refunded(&self) -> Vec<(u32, crate::SeatRef)> {
        if self.refunds_others() {
            return self.split().1;
        }
        Vec::new()
    }

    /// Whether those who have not won have paid and get it back: not where everyone buys, nor in a ballot.
    pub(crate) fn refunds_others(&self) -> bool {
        !self.everyone_buys && self.ballot.is_none()
    }

    /// Those of the non-winners who get the consolation that is the same for all: everybody, but in a ballot whoever did not
    /// use his right.
    pub fn consoled(
        &self,
        mut non_winners: Vec<(u32, crate::SeatRef)>,
    ) -> Vec<(u32, crate::SeatRef)> {
        non_winners.retain(|(number, _)| self.is_consoled(*number));
        non_winners
    }

    /// Whether a seat that has not won gets that consolation.
    pub(crate) fn is_consoled(&self, number: u32) -> bool {
        let ballot = self.ballot.as_ref();
        ballot.is_none_or(|ballot| ballot.unused.binary_search(&number).is_err())
    }

    /// The seats that count as settled for VIP levels (rules 3.2): all, but in a ballot those who have bought.
    pub(crate) fn counting_seats(&self) -> Cow<'_, [crate::SeatRef]> {
        if self.ballot.is_none() {
            return Cow::Borrowed(&self.seats);
        }
        let bought = self.split().0.into_iter();
        Cow::Owned(bought.map(|(_, seat)| seat).collect())
    }

    /// `(seat number, seat)` of the winners and of the non-winners, each in seat order.
    #[expect(clippy::type_complexity, reason = "two lists of the same plain pair")]
    pub fn split(&self) -> (Vec<(u32, crate::SeatRef)>, Vec<(u32, crate::SeatRef)>) {
        let mut won = vec![false; self.seats.len()];
        for &winner in &self.winners {
            if let Some(flag) = usize::try_from(winner).ok().and_then(|at| won.get_mut(at)) {
                *flag = true;
            }
        }
        let numbered = (0u32..).zip(&self.seats).zip(won);
        let mut winners = Vec::with_capacity(self.winners.len());
        let mut losers = Vec::with_capacity(self.seats.len().saturating_sub(self.winners.len()));
        for ((number, seat), won) in numbered {
            if won {
                winners.push((number, *seat))
            } else {
                losers.push((number, *seat))
            }
        }
        (winners, losers)
    }
}

/// Adds a line to a balance.
pub(crate) fn add(balance: &mut i64, amount: i64) {
    // `lines` was checked for overflow when the event was decided; replay meets the same sums.
    *balance = balance.saturating_add(amount);
}

/// A member's cash or coins as shown to him: credits above zero.
pub fn owed(balance: i64) -> Money {
    Money(balance.saturating_neg())
}

/// As [`owed`], for coins.
pub fn owed_coins(balance: i64) -> Coins {
    Coins(balance.saturating_neg())
}
