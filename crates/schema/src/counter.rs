//! Counter files: bills at a store's counter, and the package that the coins were bought with, for `potluck try` (rules 10, 12).
//!
//! Why they are read beside campaign files: whoever signs a contract, or thinks of a package, wants to see what it comes to
//! before he does, as he does with a campaign. Nothing of such a file is published.

use domain::{
    CashTaker, Coins, Money, OwnProfile, PackageTerms, Profile, RATE_ONE_PPM, Rate,
    RechargeRefusal, Refusal, Text,
};

use crate::file::{PROFILES, ProfileName, named};
use crate::reader::{Field, Table};
use crate::value::Value;
use crate::{SchemaError, keys};

/// Most bills of a file.
const MAX_BILLS: u32 = 100_000;

/// What a store's counter is paid, and with what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CounterFile {
    /// What it is called.
    pub name: Text,
    profile: ProfileName,
    /// ρ: what the merchant leaves the platform of each bill.
    pub settlement: Rate,
    /// Who takes the cash.
    pub cash: CashTaker,
    /// Each bill.
    pub bill: Money,
    /// How many there are.
    pub bills: u32,
    /// The most coins that the member wants to use for each; none: as many as may be used.
    pub coins: Option<Coins>,
    /// With what he bought the coins; none: they were given to him, as many as he uses.
    pub package: Option<(Money, PackageTerms)>,
}

impl CounterFile {
    /// The profile whose θ holds; a package must be one that it lets members buy.
    ///
    /// # Errors
    /// The [`Refusal`] that buying the package would give, or that this installation has no profile of its own.
    pub fn profile(&self, own: Option<&OwnProfile>) -> Result<Profile, Refusal> {
        let profile = self.profile.resolve(own)?;
        let Some((price, _)) = self.package else {
            return Ok(profile);
        };
        match profile.terms().recharge_cap {
            None => Err(Refusal::ProfileForbids {
                profile: profile.name(),
                limit: "recharge",
            }),
            Some(cap) if cap < price => Err(RechargeRefusal::CapReached { left: cap }.into()),
            Some(_) => Ok(profile),
        }
    }
}

/// None where the file is another one.
pub(crate) fn read(value: &Value) -> Result<Option<CounterFile>, SchemaError> {
    let root = Field::root(value).free_table()?;
    let is_counter = |kind: &Field<'_>| kind.text().is_ok_and(|kind| kind == "counter");
    if !root.get("kind").is_some_and(|kind| is_counter(&kind)) {
        return Ok(None);
    }
    let root = Field::root(value).table(keys::COUNTER_ROOT)?;
    let profile = root.need("profile")?.choice(&PROFILES)?;
    let counter = root.need("counter")?.table(keys::COUNTER)?;
    let takers = named([CashTaker::Platform, CashTaker::Store], CashTaker::name);
    let coins = counter.get("coins").map(|field| field.coins());
    Ok(Some(CounterFile {
        name: root.need("name")?.both_languages()?,
        profile,
        settlement: settlement(&counter)?,
        cash: counter.need("cash")?.choice(&takers)?,
        bill: some_money(&counter, "bill")?,
        bills: bills(&counter)?,
        coins: coins.transpose()?,
        package: package(&root)?,
    }))
}

fn some_money(table: &Table<'_>, key: &str) -> Result<Money, SchemaError> {
    let field = table.need(key)?;
    let amount = field.money()?;
    if !amount.is_positive() {
        return Err(field.invalid("must be above zero".to_owned()));
    }
    Ok(amount)
}

fn settlement(table: &Table<'_>) -> Result<Rate, SchemaError> {
    let field = table.need("settlement")?;
    let rate = field.rate()?;
    if RATE_ONE_PPM < rate.0 {
        return Err(field.invalid("must be at most 100%".to_owned()));
    }
    Ok(rate)
}

fn bills(table: &Table<'_>) -> Result<u32, SchemaError> {
    let Some(field) = table.get("bills") else {
        return Ok(1);
    };
    let bills = field.count()?;
    if !(1..=MAX_BILLS).contains(&bills) {
        return Err(field.invalid(format!("is {bills}: it must be 1 to {MAX_BILLS}")));
    }
    Ok(bills)
}

fn package(root: &Table<'_>) -> Result<Option<(Money, PackageTerms)>, SchemaError> {
    let Some(field) = root.get("package") else {
        return Ok(None);
    };
    let table = field.table(keys::PACKAGE)?;
    let coins = table.need("coins")?;
    let bought = coins.coins()?;
    if !bought.is_positive() {
        return Err(coins.invalid("must be above zero".to_owned()));
    }
    let terms = PackageTerms {
        coins: bought,
        gift: Coins::ZERO,
        unit: None,
        vip: None,
    };
    Ok(Some((some_money(&table, "price")?, terms)))
}
