//! Accounts of merchants, and what the platform earns with them (rules 2.2 and 10.3).

use minicbor::{Decode, Encode};

use super::Alliance;
use crate::{Asset, BalanceRow, MerchantId, Money, World, ledger, owed};

/// A merchant's accounts. None of them ever goes below zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MerchantAccount {
    /// Liability: his part of sales whose return windows are open.
    Vesting,
    /// Liability: what he is due with his next statement.
    Payable,
    /// Asset: what he owes: entry fees, and returns that his sales could not bear. Set off in his statement.
    Owes,
    /// Liability: what statements say that he is to be paid.
    Stated,
}

/// What the platform keeps for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AllianceAccount {
    /// Own money, income: commission on merchants' sales.
    Commission,
    /// Own money, income: merchants' entry fees.
    EntryFees,
    /// Own money, income: ρ of bills at counters, less what coins were worth there.
    CounterTake,
    /// Own money, expense: what home stores get of what the platform earns.
    OriginShares,
}

impl MerchantAccount {
    /// All of them, in the order of the trial balance.
    pub const ALL: [MerchantAccount; 4] = [
        MerchantAccount::Vesting,
        MerchantAccount::Payable,
        MerchantAccount::Owes,
        MerchantAccount::Stated,
    ];

    /// Its stable name.
    pub fn name(self) -> &'static str {
        match self {
            MerchantAccount::Vesting => "merchant-vesting",
            MerchantAccount::Payable => "merchant-payable",
            MerchantAccount::Owes => "merchant-owes",
            MerchantAccount::Stated => "merchant-stated",
        }
    }

    /// Whether its balance is owed to the merchant.
    pub fn is_liability(self) -> bool {
        match self {
            MerchantAccount::Vesting | MerchantAccount::Payable | MerchantAccount::Stated => true,
            MerchantAccount::Owes => false,
        }
    }
}

impl AllianceAccount {
    /// All of them, in the order of the trial balance.
    pub const ALL: [AllianceAccount; 4] = [
        AllianceAccount::Commission,
        AllianceAccount::EntryFees,
        AllianceAccount::CounterTake,
        AllianceAccount::OriginShares,
    ];

    /// Its stable name.
    pub fn name(self) -> &'static str {
        match self {
            AllianceAccount::Commission => "commission",
            AllianceAccount::EntryFees => "entry-fees",
            AllianceAccount::CounterTake => "counter-take",
            AllianceAccount::OriginShares => "origin-shares",
        }
    }
}

/// One merchant's balances, with the ledger's sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(super) struct Purse {
    #[n(0)]
    vesting: i64,
    #[n(1)]
    payable: i64,
    #[n(2)]
    owes: i64,
    #[cbor(n(3), default)]
    stated: i64,
}

impl Purse {
    pub(super) fn balance(&self, account: MerchantAccount) -> i64 {
        match account {
            MerchantAccount::Vesting => self.vesting,
            MerchantAccount::Payable => self.payable,
            MerchantAccount::Owes => self.owes,
            MerchantAccount::Stated => self.stated,
        }
    }

    fn balance_mut(&mut self, account: MerchantAccount) -> &mut i64 {
        match account {
            MerchantAccount::Vesting => &mut self.vesting,
            MerchantAccount::Payable => &mut self.payable,
            MerchantAccount::Owes => &mut self.owes,
            MerchantAccount::Stated => &mut self.stated,
        }
    }
}

/// The platform's, with the ledger's sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(super) struct OwnBooks {
    #[n(0)]
    commission: i64,
    #[n(1)]
    entry_fees: i64,
    #[n(2)]
    counter_take: i64,
    #[n(3)]
    origin_shares: i64,
}

impl Alliance {
    /// Balance of one merchant's account with the ledger's sign.
    pub(crate) fn merchant_balance(&self, account: MerchantAccount, merchant: MerchantId) -> i64 {
        self.merchant_ref(merchant)
            .map_or(0, |known| known.purse.balance(account))
    }

    /// The same account of all merchants together.
    fn sum(&self, account: MerchantAccount) -> i64 {
        self.merchants.iter().fold(0, |sum: i64, known| {
            sum.saturating_add(known.purse.balance(account))
        })
    }

    pub(crate) fn own_balance(&self, account: AllianceAccount) -> i64 {
        match account {
            AllianceAccount::Commission => self.books.commission,
            AllianceAccount::EntryFees => self.books.entry_fees,
            AllianceAccount::CounterTake => self.books.counter_take,
            AllianceAccount::OriginShares => self.books.origin_shares,
        }
    }

    pub(crate) fn merchant_balance_mut(
        &mut self,
        account: MerchantAccount,
        merchant: MerchantId,
    ) -> Option<&mut i64> {
        self.merchant_mut(merchant)
            .map(|known| known.purse.balance_mut(account))
    }

    pub(crate) fn own_balance_mut(&mut self, account: AllianceAccount) -> &mut i64 {
        match account {
            AllianceAccount::Commission => &mut self.books.commission,
            AllianceAccount::EntryFees => &mut self.books.entry_fees,
            AllianceAccount::CounterTake => &mut self.books.counter_take,
            AllianceAccount::OriginShares => &mut self.books.origin_shares,
        }
    }

    /// Rows of the trial balance.
    pub(crate) fn balance_rows(&self) -> impl Iterator<Item = BalanceRow> {
        let merchants = MerchantAccount::ALL.map(|account| (account.name(), self.sum(account)));
        let own = AllianceAccount::ALL.map(|account| (account.name(), self.own_balance(account)));
        merchants
            .into_iter()
            .chain(own)
            .map(|(account, amount)| BalanceRow {
                account,
                asset: Asset::Cny,
                amount,
            })
    }

    /// What merchants are owed, by kind.
    pub(crate) fn owed_by_kind(&self) -> impl Iterator<Item = (&'static str, i64)> {
        let liabilities = MerchantAccount::ALL
            .into_iter()
            .filter(|account| account.is_liability());
        liabilities.map(|account| (account.name(), self.sum(account)))
    }
}

impl World {
    /// Every invariant of the alliance that the state does not keep.
    pub(crate) fn check_alliance(&self, found: &mut Vec<String>) {
        let mut waiting = self.origin_waiting(found);
        for (group, sale) in &self.alliance.sales {
            ledger::add(waiting.entry(sale.merchant).or_default(), sale.waiting.0);
            if !self.vesting.contains_key(group) {
                found.push(format!("the sales of group {group} wait for no order"));
            }
        }
        for (id, merchant) in (0u32..).map(MerchantId).zip(&self.alliance.merchants) {
            let balance = |account| merchant.purse.balance(account);
            if 0 < balance(MerchantAccount::Vesting)
                || 0 < balance(MerchantAccount::Payable)
                || 0 < balance(MerchantAccount::Stated)
                || balance(MerchantAccount::Owes) < 0
            {
                found.push(format!("merchant {id} is below zero"));
            }
            let vesting = owed(balance(MerchantAccount::Vesting));
            if waiting.get(&id).copied().unwrap_or(0) != vesting.0 {
                found.push(format!(
                    "merchant {id} has {vesting} vesting, the groups say otherwise"
                ));
            }
        }
        self.check_counters(found);
        self.check_statements(found);
        let strangers = self
            .alliance
            .campaigns
            .iter()
            .filter(|(campaign, merchant)| {
                self.campaign(**campaign)
                    .is_none_or(|known| known.terms.merchant.is_none())
                    || self.alliance.merchant_ref(**merchant).is_none()
            });
        for (campaign, _) in strangers {
            found.push(format!("campaign {campaign} is no merchant's"));
        }
    }

    /// What a merchant is due: payable now, and waiting for return windows; and what he owes.
    pub fn merchant_money(&self, merchant: MerchantId) -> (Money, Money, Money) {
        let balance = |account| self.alliance.merchant_balance(account, merchant);
        (
            owed(balance(MerchantAccount::Payable)),
            owed(balance(MerchantAccount::Vesting)),
            Money(balance(MerchantAccount::Owes)),
        )
    }
}
