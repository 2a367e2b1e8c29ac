//! Where the money of one group went, counted from single payments and checked against the settlement.

use domain::{Campaign, Coins, MemberId, Money, Overflow, ProgramKind, RewardPaid, Settlement};

use crate::try_crowd::Crowd;
use crate::try_run::TryError;

/// One reward that somebody got.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Payment {
    /// Who.
    pub(crate) member: MemberId,
    /// By which program.
    pub(crate) program: ProgramKind,
    /// From which seat.
    pub(crate) source_seat: Option<u32>,
    /// Cash.
    pub(crate) cash: Money,
    /// Coins.
    pub(crate) coins: Coins,
}

/// Where N × P went.
#[derive(Debug)]
pub(crate) struct Figures {
    /// N × P; of a ballot what its winners pay, for nobody else pays.
    pub(crate) paid_in: Money,
    /// To the non-winners.
    pub(crate) refunds: Money,
    /// To the supplier.
    pub(crate) supplier: Money,
    /// To the channel.
    pub(crate) fees: Money,
    /// To the merchant whose campaign it is.
    pub(crate) merchant: Money,
    /// To the platform of the merchant's sales; a part of what it has.
    pub(crate) commission: Money,
    /// Into the dividend pool.
    pub(crate) dividend: Money,
    /// To home stores.
    pub(crate) origin_share: Money,
    /// To the platform, with the commission.
    pub(crate) platform: Money,
    /// What of the rewards is withheld as tax.
    pub(crate) tax: Money,
    /// Every reward, in the order of the programs.
    pub(crate) payments: Vec<Payment>,
    sums: Vec<(ProgramKind, Money, Coins)>,
}

impl Figures {
    /// Settles the group and lists every amount.
    pub(crate) fn count(
        campaign: &Campaign,
        crowd: &Crowd,
        won: &[u32],
    ) -> Result<Figures, TryError> {
        let settlement = domain::settle(campaign, &crowd.seats, won)?;
        let payments = payments(campaign, crowd, won, &settlement);
        let figures = Figures {
            paid_in: campaign.group.price.times(payments_in(campaign, won))?,
            refunds: settlement.refunds(campaign)?,
            supplier: settlement.supplier(campaign)?,
            fees: settlement.fees(campaign)?,
            merchant: settlement.merchant(campaign)?,
            commission: settlement.commission(campaign)?,
            dividend: settlement.dividend,
            origin_share: settlement.origin_cash()?,
            platform: settlement.platform(campaign)?,
            tax: tax(campaign, &payments)?,
            sums: sums(&payments)?,
            payments,
        };
        figures.check()?;
        Ok(figures)
    }

    /// Cash and coins of all programs of one kind.
    pub(crate) fn sum_of(&self, program: ProgramKind) -> (Money, Coins) {
        let known = self.sums.iter().find(|(kind, _, _)| *kind == program);
        known.map_or((Money::ZERO, Coins::ZERO), |&(_, cash, coins)| {
            (cash, coins)
        })
    }

    /// `N × P = refunds + all cash rewards + supplier + fees + merchant + platform`, always (rules 13): the single payments
    /// against the shares of platform and merchant, which the settlement counts by itself.
    fn check(&self) -> Result<(), TryError> {
        let rewards = domain::sum(self.payments.iter().map(|paid| paid.cash))?;
        let out = domain::sum([
            self.refunds,
            rewards,
            self.dividend,
            self.origin_share,
            self.supplier,
            self.fees,
            self.merchant,
            self.platform,
        ])?;
        if out == self.paid_in {
            return Ok(());
        }
        Err(TryError::Unbalanced(format!(
            "{} was paid in, {out} went out",
            self.paid_in
        )))
    }
}

/// Of each reward that came by chance, rounded down.
fn tax(campaign: &Campaign, payments: &[Payment]) -> Result<Money, Overflow> {
    let taxed = payments.iter().filter(|paid| paid.program.is_by_chance());
    let taxes = taxed.map(|paid| paid.cash.share(campaign.withheld()));
    domain::sum(taxes.collect::<Result<Vec<_>, _>>()?)
}

/// How many payments the channel took.
fn payments_in(campaign: &Campaign, won: &[u32]) -> u32 {
    let winners = u32::try_from(won.len()).unwrap_or(u32::MAX);
    campaign.case(winners).payments()
}

/// Every reward in declared order. The settlement holds the consolation that all non-winners get alike only once.
fn payments(
    campaign: &Campaign,
    crowd: &Crowd,
    won: &[u32],
    settlement: &Settlement,
) -> Vec<Payment> {
    let mut all = Vec::new();
    for (rule, reward) in (0u32..).zip(&campaign.rewards) {
        if reward.is_uniform_consolation() {
            all.extend(consolations(crowd, won, settlement));
        }
        all.extend(
            settlement
                .rewards
                .iter()
                .filter(|paid| paid.rule == rule)
                .map(listed),
        );
    }
    all
}

fn sums(payments: &[Payment]) -> Result<Vec<(ProgramKind, Money, Coins)>, Overflow> {
    let sum = |program: ProgramKind| {
        payments
            .iter()
            .filter(|paid| paid.program == program)
            .try_fold(
                (program, Money::ZERO, Coins::ZERO),
                |(program, cash, coins), paid| {
                    Ok((program, cash.plus(paid.cash)?, coins.plus(paid.coins)?))
                },
            )
    };
    PROGRAMS.into_iter().map(sum).collect()
}

fn consolations(crowd: &Crowd, won: &[u32], settlement: &Settlement) -> Vec<Payment> {
    let (cash, coins) = (settlement.consolation_cash, settlement.consolation_coins);
    if !cash.is_positive() && !coins.is_positive() {
        return Vec::new();
    }
    let has_won: std::collections::HashSet<u32> = won.iter().copied().collect();
    let losers = (0u32..)
        .zip(&crowd.seats)
        .filter(|(number, _)| !has_won.contains(number));
    let payment = |(number, seat): (u32, &domain::FilledSeat)| Payment {
        member: seat.member,
        program: ProgramKind::Consolation,
        source_seat: Some(number),
        cash,
        coins,
    };
    losers.map(payment).collect()
}

fn listed(paid: &RewardPaid) -> Payment {
    Payment {
        member: paid.member,
        program: paid.program,
        source_seat: paid.source_seat,
        cash: paid.cash,
        coins: paid.coins,
    }
}

/// The programs that pay members, in the order they are always shown.
pub(crate) const PROGRAMS: [ProgramKind; 8] = [
    ProgramKind::Consolation,
    ProgramKind::WinnerBonus,
    ProgramKind::Leader,
    ProgramKind::Formation,
    ProgramKind::Generation,
    ProgramKind::Differential,
    ProgramKind::SameLevel,
    ProgramKind::Region,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_that_do_not_add_up_are_not_shown() {
        let mut figures = Figures {
            paid_in: Money(500),
            refunds: Money(400),
            supplier: Money(20),
            fees: Money(1),
            merchant: Money(30),
            commission: Money(5),
            dividend: Money(3),
            origin_share: Money(2),
            platform: Money(44),
            tax: Money(0),
            payments: Vec::new(),
            sums: Vec::new(),
        };
        assert!(figures.check().is_ok());
        figures.platform = Money(45);
        let error = figures.check().unwrap_err().to_string();
        assert_eq!(
            error,
            "the amounts do not add up: 5.00 was paid in, 5.01 went out"
        );
    }
}
