//! The books once more: every line of every event, added up account by account.

use std::collections::BTreeMap;

use domain::{Account, Asset, Event, Line, World, lines};

use super::{Findings, claims::Claims};

/// Balances as the lines give them; debits above zero.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    balances: BTreeMap<Account, i64>,
    claims: Claims,
    pub(super) lines: u64,
    pub(super) events: u64,
}

impl Ledger {
    /// Posts an event: its lines add up to zero in each asset, and nobody is owed less than nothing afterwards, but for
    /// what was taken back of a member and is not covered.
    pub(super) fn event(&mut self, seq: u64, event: &Event, findings: &mut Findings) {
        let mut posted: Vec<Line> = Vec::new();
        let fits = lines(event, &mut |line| posted.push(line)).is_ok();
        findings.unless(fits, seq, || "an amount is too large".to_owned());
        self.events = self.events.saturating_add(1);
        let balances = &self.balances;
        let available = |member| {
            let balance = balances.get(&Account::Available(member));
            balance.copied().unwrap_or(0)
        };
        self.claims.event(seq, event, available, findings);
        let mut sums = [(Asset::Cny, 0i128), (Asset::Coin, 0i128)];
        for line in &posted {
            self.lines = self.lines.saturating_add(1);
            for (asset, sum) in &mut sums {
                if line.account.asset() == *asset {
                    *sum = sum.saturating_add(i128::from(line.amount));
                }
            }
            let balance = self.balances.entry(line.account).or_default();
            let sum = balance.checked_add(line.amount);
            findings.unless(sum.is_some(), seq, || {
                format!("{} leaves 63 bits", called(line.account))
            });
            *balance = sum.unwrap_or(*balance);
            self.claims.line(line);
        }
        for (asset, sum) in sums {
            findings.unless(sum == 0, seq, || {
                format!("its lines in {asset:?} add up to {sum}, not to zero")
            });
        }
        for line in &posted {
            let balance = self.balance(line.account);
            let allowed = balance <= self.claims.most(line.account);
            findings.unless(!is_liability(line.account) || allowed, seq, || {
                format!(
                    "{} stands at {} below zero",
                    called(line.account),
                    domain::Money(balance)
                )
            });
        }
        // What ends with nothing need not be remembered.
        for line in &posted {
            if matches!(line.account, Account::Escrow(_)) && self.balance(line.account) == 0 {
                self.balances.remove(&line.account);
            }
        }
    }

    fn balance(&self, account: Account) -> i64 {
        self.balances.get(&account).copied().unwrap_or(0)
    }

    /// The sum of all accounts of a kind.
    pub(super) fn kind(&self, name: &str) -> i64 {
        let of_kind = self
            .balances
            .iter()
            .filter(|(account, _)| account.name() == name);
        of_kind.fold(0, |sum, (_, balance)| sum.saturating_add(*balance))
    }

    /// Every account against the replayed world, and the trial balance against zero.
    pub(super) fn compare(&self, world: &World, findings: &mut Findings) {
        for (&account, &balance) in &self.balances {
            let replayed = world.balance(account);
            if replayed != balance {
                let name = called(account);
                findings.add(format!(
                    "{name} holds {replayed} after the replay, its lines add up to {balance}"
                ));
            }
        }
        self.claims.compare(world, findings);
        let rows = world.trial_balance();
        for row in &rows {
            let lines = self.kind(row.account);
            if lines != row.amount {
                let (name, amount) = (row.account, row.amount);
                findings.add(format!("all {name} together hold {amount} after the replay, their lines add up to {lines}"));
            }
        }
        for asset in [Asset::Cny, Asset::Coin] {
            let of_asset = rows.iter().filter(|row| row.asset == asset);
            let sum = of_asset.fold(0i64, |sum, row| sum.saturating_add(row.amount));
            if sum != 0 {
                findings.add(format!("the trial balance in {asset:?} is {sum}, not zero"));
            }
        }
    }
}

/// What somebody else owns: never less than nothing.
fn is_liability(account: Account) -> bool {
    match account {
        Account::Escrow(_)
        | Account::RefundsDue
        | Account::Available(_)
        | Account::Vesting(_)
        | Account::Suppliers
        | Account::WithdrawalsDue
        | Account::Tax
        | Account::Coins(_)
        | Account::VestingCoins(_)
        | Account::BoughtCoins(_)
        | Account::Custody
        | Account::DividendPool(_) => true,
        Account::Merchant(account, _) => account.is_liability(),
        Account::Channel
        | Account::Bank
        | Account::Capital
        | Account::Sales
        | Account::CostOfGoods
        | Account::Rewards
        | Account::ChannelFees
        | Account::WithdrawalFees
        | Account::CoinsIssued
        | Account::Alliance(_) => false,
    }
}

fn called(account: Account) -> String {
    let name = account.name();
    match account.holder() {
        Some(holder) if matches!(account, Account::Escrow(_)) => {
            format!("the escrow of group {holder}")
        }
        Some(holder) if matches!(account, Account::Merchant(..)) => {
            format!("account {name} of merchant {holder}")
        }
        Some(holder) => format!("account {name} of member {holder}"),
        None => format!("account {name}"),
    }
}
