//! `potluck try` on a counter file: bills at a store's counter, to the fen (rules 10.1, 10.4; examples E4 and E5).
//!
//! Every bill is counted by itself, as the counter counts it, by the domain's own functions: what coins may pay of it, what the
//! merchant is due, and what of a package's price is earned by the coins that were used.

use domain::{CashTaker, Coins, Money, Overflow, Profile, most_coins, percent};
use schema::CounterFile;
use serde::Serialize;

use crate::try_run::TryError;
use crate::try_text::Page;

/// What all bills come to.
#[derive(Debug, Default)]
struct Sums {
    spent: Money,
    coins: Coins,
    cash: Money,
    merchant: Money,
    /// What the platform keeps of the bills, less what it let the coins pay.
    take: Money,
}

/// The package that the coins were bought with.
#[derive(Debug)]
struct Custody {
    paid: Money,
    bought: Coins,
    /// What the used coins were paid with.
    earned: Money,
    left: Coins,
}

/// What is shown of a counter.
#[derive(Debug)]
pub(crate) struct Tried {
    file: CounterFile,
    profile: Profile,
    sums: Sums,
    custody: Option<Custody>,
}

/// Has all bills of the file paid.
pub(crate) fn attempt(file: CounterFile, profile: Profile) -> Result<Tried, TryError> {
    let offset = profile.terms().coin_offset;
    let most = most_coins(file.bill, offset, file.settlement, file.cash)?;
    let wanted = file.coins.unwrap_or(most).min(most);
    let kept = file.bill.share(file.settlement)?;
    let mut sums = Sums::default();
    let mut left = file.package.map(|(_, terms)| terms.coins);
    for _ in 0..file.bills {
        let coins = left.map_or(wanted, |left| wanted.min(left));
        left = left.map(|left| left.minus(coins)).transpose()?;
        sums.add(file.bill, coins, kept)?;
    }
    let custody = file.package.zip(left).map(|((price, terms), left)| {
        let earned = price.minus(terms.worth(price, left))?;
        Ok::<_, Overflow>(Custody {
            paid: price,
            bought: terms.coins,
            earned,
            left,
        })
    });
    Ok(Tried {
        profile,
        sums,
        custody: custody.transpose()?,
        file,
    })
}

impl Sums {
    fn add(&mut self, bill: Money, coins: Coins, kept: Money) -> Result<(), Overflow> {
        self.spent = self.spent.plus(bill)?;
        self.coins = self.coins.plus(coins)?;
        self.cash = self.cash.plus(bill.minus(Money(coins.0))?)?;
        self.merchant = self.merchant.plus(bill.minus(kept)?)?;
        self.take = self.take.plus(kept.minus(Money(coins.0))?)?;
        Ok(())
    }
}

impl Tried {
    /// What the platform has of all of it in the end.
    fn platform(&self) -> Result<Money, Overflow> {
        let earned = self.custody.as_ref().map(|custody| custody.earned);
        self.sums.take.plus(earned.unwrap_or(Money::ZERO))
    }

    /// For people.
    pub(crate) fn text(&self) -> Result<String, Overflow> {
        let (file, sums) = (&self.file, &self.sums);
        let mut page = Page::default();
        page.line(&file.name.zh);
        page.line(&file.name.en);
        let offset = percent(self.profile.terms().coin_offset);
        let (settlement, profile) = (percent(file.settlement), self.profile.name());
        page.line(format_args!(
            "counter: the merchant leaves the platform {settlement}% of each bill; coins pay up to {offset}% of it. Profile {profile}."
        ));
        let label = format!("\nbills: {} x {}", file.bills, file.bill);
        page.amount(&label, sums.spent);
        page.amount("  in coins, one for a yuan", Money(sums.coins.0));
        page.amount("  in cash", sums.cash);
        page.line(match file.cash {
            CashTaker::Store => format!(
                "The store takes the cash: it keeps {} and owes {}.",
                sums.cash, sums.take
            ),
            CashTaker::Platform => format!(
                "The platform takes the cash through its channel: it owes the merchant {}.",
                sums.merchant
            ),
        });
        let Some(custody) = &self.custody else {
            page.amount("\npaid in: cash at the counter", sums.cash);
            page.amount("  merchant", sums.merchant);
            page.amount(
                &format!("  platform: {settlement}% less the coins"),
                sums.take,
            );
            return Ok(page.0);
        };
        page.amount(
            &format!("\npackage: {} coins", custody.bought),
            custody.paid,
        );
        page.amount("  earned as they were used", custody.earned);
        let paid_in = sums.cash.plus(custody.paid)?;
        page.amount("\npaid in: cash at the counter, and the package", paid_in);
        page.amount("  merchant", sums.merchant);
        let label = format!("  custody: {} coins are left", custody.left);
        page.some_amount(&label, custody.paid.minus(custody.earned)?);
        let label = format!("  platform: {settlement}% less the coins, and what was earned");
        page.amount(&label, self.platform()?);
        Ok(page.0)
    }

    /// For programs.
    pub(crate) fn json(&self) -> Result<String, Overflow> {
        let (sums, taker) = (&self.sums, self.file.cash);
        let custody = self.custody.as_ref();
        let paid = custody.map_or(Money::ZERO, |custody| custody.paid);
        let earned = custody.map_or(Money::ZERO, |custody| custody.earned);
        let left = custody.map_or(Coins::ZERO, |custody| custody.left);
        let owes = match taker {
            CashTaker::Store => sums.take,
            CashTaker::Platform => Money::ZERO,
        };
        Ok(crate::try_json::line(&Output {
            spent: sums.spent.to_decimal(),
            paid_in: sums.cash.plus(paid)?.to_decimal(),
            cash: Cash {
                merchant: sums.merchant.to_decimal(),
                custody: paid.minus(earned)?.to_decimal(),
                platform: self.platform()?.to_decimal(),
            },
            coins: UsedAndLeft {
                used: sums.coins.to_decimal(),
                left: left.to_decimal(),
            },
            cash_taken_by: taker.name(),
            store_owes: owes.to_decimal(),
        }))
    }
}

/// Amounts in yuan with two decimals; what was paid in is the sum of `cash`.
#[derive(Serialize)]
struct Output {
    spent: String,
    paid_in: String,
    cash: Cash,
    coins: UsedAndLeft,
    cash_taken_by: &'static str,
    store_owes: String,
}

#[derive(Serialize)]
struct Cash {
    merchant: String,
    custody: String,
    platform: String,
}

#[derive(Serialize)]
struct UsedAndLeft {
    used: String,
    left: String,
}
