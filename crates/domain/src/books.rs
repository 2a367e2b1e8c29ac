//! The trial balance, what is held against what is owed, and every invariant of the state (rules 2.2 and 8).

use std::collections::BTreeMap;

use crate::{
    Account, Asset, Coins, GroupId, Line, MemberId, Money, PLATFORM_ACCOUNTS, SeatState, World,
    group::{Group, GroupSlot},
    ledger, owed,
    payment::KnownPayment,
    vintages::Turn,
};

/// One row of the trial balance: all accounts of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BalanceRow {
    /// The kind's name.
    pub account: &'static str,
    /// What it counts.
    pub asset: Asset,
    /// Debits above zero, in minor units.
    pub amount: i64,
}

/// What the platform holds against what it owes, by kind (rules 8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Books {
    /// At the payment channel, gross.
    pub held: Money,
    /// To whom, by kind of account. What a member owes makes what others are owed no less.
    pub owed: Vec<(&'static str, Money)>,
    /// What members owe after clawbacks (rules 9.6), not counted as held: it may never come.
    pub owed_by_members: Money,
    /// Held less owed: below zero is an alarm and stops publication.
    pub own: Money,
    /// Coins that members have or that vest for them.
    pub coins_outstanding: Coins,
}

/// Balances of the accounts kept per member and group, by kind.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    escrow: i64,
    available: i64,
    /// The part of it that is above zero: what members owe.
    available_below: i64,
    vesting: i64,
    coins: i64,
    vesting_coins: i64,
}

impl World {
    /// All accounts by kind, in the order of the chart. Sums to zero for each asset.
    pub fn trial_balance(&self) -> Vec<BalanceRow> {
        let held = self.held_by_kind();
        let nobody = MemberId(0);
        let kinds = [
            (Account::Escrow(GroupId(0)), held.escrow),
            (Account::Available(nobody), held.available),
            (Account::Vesting(nobody), held.vesting),
            (Account::Coins(nobody), held.coins),
            (Account::VestingCoins(nobody), held.vesting_coins),
            (Account::BoughtCoins(nobody), self.recharges.all_coins()),
            (Account::Custody, self.recharges.custody()),
            (Account::DividendPool(0), self.dividends.total()),
        ];
        let platform = PLATFORM_ACCOUNTS.map(|account| (account, self.platform_balance(account)));
        let rows = platform.into_iter().chain(kinds);
        let rows = rows.map(|(account, amount)| BalanceRow {
            account: account.name(),
            asset: account.asset(),
            amount,
        });
        rows.chain(self.alliance.balance_rows()).collect()
    }

    /// What is held against what is owed. Costs a pass over all members and groups.
    pub fn books(&self) -> Books {
        let kinds = self.held_by_kind();
        let owed_by_kind: Vec<(&'static str, i64)> = [
            (Account::Escrow(GroupId(0)).name(), kinds.escrow),
            (Account::RefundsDue.name(), self.books.refunds_due),
            (
                Account::Available(MemberId(0)).name(),
                kinds.available.saturating_sub(kinds.available_below),
            ),
            (Account::Vesting(MemberId(0)).name(), kinds.vesting),
            (Account::Suppliers.name(), self.books.suppliers),
            (Account::DividendPool(0).name(), self.dividends.total()),
            (Account::WithdrawalsDue.name(), self.books.withdrawals_due),
            (Account::Custody.name(), self.recharges.custody()),
            (Account::Tax.name(), self.books.tax),
        ]
        .into_iter()
        .chain(self.alliance.owed_by_kind())
        .collect();
        let mut held = self.books.channel;
        ledger::add(&mut held, self.books.bank);
        let mut own = held;
        for (_, balance) in &owed_by_kind {
            ledger::add(&mut own, *balance);
        }
        let mut coins = kinds.coins;
        ledger::add(&mut coins, kinds.vesting_coins);
        ledger::add(&mut coins, self.recharges.all_coins());
        Books {
            held: Money(held),
            owed: owed_by_kind
                .into_iter()
                .map(|(name, balance)| (name, owed(balance)))
                .collect(),
            owed_by_members: Money(kinds.available_below),
            own: Money(own),
            coins_outstanding: crate::owed_coins(coins),
        }
    }

    fn platform_balance(&self, account: Account) -> i64 {
        match account {
            Account::Channel => self.books.channel,
            Account::RefundsDue => self.books.refunds_due,
            Account::Suppliers => self.books.suppliers,
            Account::Capital => self.books.capital,
            Account::Sales => self.books.sales,
            Account::CostOfGoods => self.books.cost_of_goods,
            Account::Rewards => self.books.rewards,
            Account::ChannelFees => self.books.channel_fees,
            Account::WithdrawalsDue => self.books.withdrawals_due,
            Account::WithdrawalFees => self.books.withdrawal_fees,
            Account::Tax => self.books.tax,
            Account::Bank => self.books.bank,
            Account::CoinsIssued => self.books.coins_issued,
            Account::Escrow(_)
            | Account::Available(_)
            | Account::Vesting(_)
            | Account::Coins(_)
            | Account::VestingCoins(_)
            | Account::BoughtCoins(_)
            | Account::Custody
            | Account::DividendPool(_) => 0,
            Account::Merchant(..) => 0,
            Account::Alliance(account) => self.alliance.own_balance(account),
        }
    }

    /// Balance of one account with the ledger's sign; nothing for members and groups that are not in memory.
    pub fn balance(&self, account: Account) -> i64 {
        match account {
            Account::Escrow(group) => self.live(group).map_or(0, |group| group.escrow),
            Account::Available(member) => {
                self.member_ref(member).map_or(0, |member| member.available)
            }
            Account::Vesting(member) => self.member_ref(member).map_or(0, |member| member.vesting),
            Account::Coins(member) => self.member_ref(member).map_or(0, |member| member.coins),
            Account::VestingCoins(member) => self
                .member_ref(member)
                .map_or(0, |member| member.vesting_coins),
            Account::DividendPool(plan) => self.dividends.balance(plan),
            Account::BoughtCoins(member) => self.recharges.coins(member),
            Account::Custody => self.recharges.custody(),
            Account::Channel
            | Account::RefundsDue
            | Account::Suppliers
            | Account::Capital
            | Account::Sales
            | Account::CostOfGoods
            | Account::Rewards
            | Account::ChannelFees
            | Account::WithdrawalsDue
            | Account::WithdrawalFees
            | Account::Tax
            | Account::Bank
            | Account::CoinsIssued
            | Account::Alliance(_) => self.platform_balance(account),
            Account::Merchant(account, merchant) => {
                self.alliance.merchant_balance(account, merchant)
            }
        }
    }

    fn held_by_kind(&self) -> Held {
        let mut held = Held::default();
        for member in &self.members {
            ledger::add(&mut held.available, member.available);
            ledger::add(&mut held.available_below, member.available.max(0));
            ledger::add(&mut held.vesting, member.vesting);
            ledger::add(&mut held.coins, member.coins);
            ledger::add(&mut held.vesting_coins, member.vesting_coins);
        }
        for (_, group) in self.live_groups() {
            ledger::add(&mut held.escrow, group.escrow);
        }
        held
    }

    fn live_groups(&self) -> impl Iterator<Item = (GroupId, &Group)> {
        (0u64..)
            .zip(&self.groups)
            .filter_map(|(id, slot)| match slot {
                GroupSlot::Live(group) => Some((GroupId(id), &**group)),
                GroupSlot::Over { .. } => None,
            })
    }

    /// Every invariant that the state does not keep, in words; empty when all hold. For audit and the simulator:
    /// costs a pass over everything in memory.
    pub fn violations(&self) -> Vec<String> {
        let mut found = Vec::new();
        self.check_sums(&mut found);
        self.check_members(&mut found);
        self.check_tables(&mut found);
        self.check_lots(&mut found);
        for (id, group) in self.live_groups() {
            self.check_group(id, group, &mut found);
        }
        self.check_payments(&mut found);
        self.check_orders(&mut found);
        self.dividends.check(&mut found);
        self.check_withdrawals(&mut found);
        self.check_clawbacks(&mut found);
        self.check_alliance(&mut found);
        self.check_shop(&mut found);
        self.check_recharges(&mut found);
        self.check_tax(&mut found);
        self.check_ballots(&mut found);
        found
    }

    fn check_sums(&self, found: &mut Vec<String>) {
        for asset in [Asset::Cny, Asset::Coin] {
            let mut sum = 0;
            for row in self.trial_balance().iter().filter(|row| row.asset == asset) {
                ledger::add(&mut sum, row.amount);
            }
            if sum != 0 {
                found.push(format!("the trial balance in {asset:?} is {sum}, not zero"));
            }
        }
        let refunds = self
            .refunds
            .values()
            .fold(0i64, |sum, pending| sum.saturating_add(pending.amount.0));
        if refunds != owed(self.books.refunds_due).0 {
            found.push(format!(
                "pending refunds add up to {refunds}, the account to {}",
                self.books.refunds_due
            ));
        }
        if self.books.suppliers > 0 {
            found.push("suppliers owe the platform".to_owned());
        }
    }

    fn check_members(&self, found: &mut Vec<String>) {
        let mut in_groups: BTreeMap<MemberId, i64> = BTreeMap::new();
        for (_, group) in self.live_groups() {
            let price = self
                .campaign(group.campaign)
                .map_or(0, |campaign| campaign.terms.group.price.0);
            let paid = group.paid.iter().filter_map(|&index| group.seat(index));
            for seat in paid.filter(|seat| seat.state == SeatState::Paid) {
                ledger::add(in_groups.entry(seat.member).or_default(), price);
            }
        }
        let mut vesting: BTreeMap<MemberId, (i64, i64)> = BTreeMap::new();
        for vested in self.vesting.values().flat_map(|group| &group.rewards) {
            let entry = vesting.entry(vested.member).or_default();
            ledger::add(&mut entry.0, vested.cash.0);
            ledger::add(&mut entry.1, vested.coins.0);
        }
        for (id, member) in (0u32..).map(MemberId).zip(&self.members) {
            let view = self.view_of(id, member);
            if view.coins < Coins::ZERO {
                found.push(format!("member {id} has coins below zero"));
            }
            if in_groups.get(&id).copied().unwrap_or(0) != view.in_groups.0 {
                found.push(format!(
                    "member {id} has {} in groups, his seats say otherwise",
                    view.in_groups
                ));
            }
            if vesting.get(&id).copied().unwrap_or((0, 0)) != (view.vesting.0, view.vesting_coins.0)
            {
                found.push(format!(
                    "member {id} has {} vesting, the groups say otherwise",
                    view.vesting
                ));
            }
            if member
                .inviter()
                .is_some_and(|inviter| inviter == id || self.member_ref(inviter).is_none())
            {
                found.push(format!("member {id} has an impossible inviter"));
            }
        }
    }

    fn check_group(&self, id: GroupId, group: &Group, found: &mut Vec<String>) {
        let Some(campaign) = self.campaign(group.campaign) else {
            found.push(format!("group {id} is of no campaign"));
            return;
        };
        let terms = &campaign.terms.group;
        let paid = group
            .seats
            .iter()
            .filter(|seat| seat.state == SeatState::Paid)
            .count();
        let registered = group
            .seats
            .iter()
            .filter(|seat| seat.state == SeatState::Registered)
            .count();
        let taken = paid.saturating_add(registered);
        let reserved = group
            .seats
            .iter()
            .filter(|seat| seat.state == SeatState::Reserved)
            .count();
        let held = u32::try_from(taken.saturating_add(reserved)).unwrap_or(u32::MAX);
        if held != group.held || taken != group.paid.len() || terms.seats < held {
            found.push(format!(
                "group {id} counts {} places held and {} paid; its seats differ",
                group.held,
                group.paid.len()
            ));
        }
        let escrow = terms
            .price
            .times(u32::try_from(paid).unwrap_or(u32::MAX))
            .map_or(i64::MAX, |sum| sum.0);
        if owed(group.escrow).0 != escrow {
            found.push(format!(
                "group {id} holds {} in escrow, its seats have paid {escrow}",
                group.escrow
            ));
        }
        if group.full.is_some() != (group.paid_count() == terms.seats) {
            found.push(format!("group {id} is full or not against its paid seats"));
        }
        if let Some(full) = &group.full {
            let sealed = self
                .draw_files(id)
                .map(|files| draw::hash(&files.freeze.to_bytes()).0);
            if sealed != Some(full.freeze) {
                found.push(format!("group {id} does not reproduce its freeze"));
            }
        }
    }

    fn check_payments(&self, found: &mut Vec<String>) {
        for (id, group) in self.live_groups() {
            for (index, seat) in (0u32..).zip(&group.seats) {
                let payment = crate::PaymentId { group: id, index };
                let Some(known) = seat.txn.get().and_then(|txn| self.known_payment(txn)) else {
                    continue;
                };
                match known {
                    KnownPayment::Returned | KnownPayment::Bought
                        if seat.state == SeatState::Paid =>
                    {
                        found.push(format!("payment {payment} holds a seat and goes back"));
                    }
                    KnownPayment::Seat(other, _) if other != payment => {
                        found.push(format!("payments {payment} and {other} are the same money"));
                    }
                    KnownPayment::Seat(..) | KnownPayment::Returned | KnownPayment::Bought => {}
                }
            }
        }
    }

    fn check_orders(&self, found: &mut Vec<String>) {
        let mut open: BTreeMap<GroupId, u32> = BTreeMap::new();
        for order in self.orders.values() {
            let count = open.entry(order.group).or_default();
            *count = count.saturating_add(1);
        }
        for (group, vesting) in &self.vesting {
            if open.get(group).copied().unwrap_or(0) != vesting.open_orders {
                found.push(format!(
                    "group {group} waits for {} orders, others are open",
                    vesting.open_orders
                ));
            }
        }
    }
}

impl World {
    pub(crate) fn post(&mut self, line: Line, turn: Turn) {
        if let Account::Available(member) = line.account
            && line.amount < 0
            && !self.nothing_uncovered()
        {
            self.cover(member, owed(line.amount));
        }
        let balance = match line.account {
            Account::Channel => Some(&mut self.books.channel),
            Account::RefundsDue => Some(&mut self.books.refunds_due),
            Account::Suppliers => Some(&mut self.books.suppliers),
            Account::Capital => Some(&mut self.books.capital),
            Account::Sales => Some(&mut self.books.sales),
            Account::CostOfGoods => Some(&mut self.books.cost_of_goods),
            Account::Rewards => Some(&mut self.books.rewards),
            Account::ChannelFees => Some(&mut self.books.channel_fees),
            Account::WithdrawalsDue => Some(&mut self.books.withdrawals_due),
            Account::WithdrawalFees => Some(&mut self.books.withdrawal_fees),
            Account::Tax => Some(&mut self.books.tax),
            Account::Bank => Some(&mut self.books.bank),
            Account::CoinsIssued => Some(&mut self.books.coins_issued),
            // A group's escrow ends with the group: its last lines bring it to nothing and leave with it.
            Account::Escrow(group) => self.live_mut(group).map(|group| &mut group.escrow),
            Account::Available(member) => {
                self.member_mut(member).map(|member| &mut member.available)
            }
            Account::Vesting(member) => self.member_mut(member).map(|member| &mut member.vesting),
            Account::Coins(member) => return self.post_coins(member, line.amount, turn),
            Account::VestingCoins(member) => self
                .member_mut(member)
                .map(|member| &mut member.vesting_coins),
            Account::DividendPool(plan) => Some(self.dividends.balance_mut(plan)),
            Account::BoughtCoins(member) => return self.recharges.post(member, line.amount),
            Account::Custody => Some(self.recharges.custody_mut()),
            Account::Merchant(account, merchant) => {
                self.alliance.merchant_balance_mut(account, merchant)
            }
            Account::Alliance(account) => Some(self.alliance.own_balance_mut(account)),
        };
        if let Some(balance) = balance {
            ledger::add(balance, line.amount);
        }
    }
}
