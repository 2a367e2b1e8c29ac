//! What programs pay from, and what they ask for.

use super::Paid;
use crate::{Coins, MemberId, Money, Overflow, ProgramKind, Rate, RewardPaid};

/// What programs pay from: it cuts a payment to what its cap has left and writes it down with its explanation.
#[derive(Debug)]
pub(super) struct Till<'a> {
    rule: u32,
    program: ProgramKind,
    left: Option<&'a mut Money>,
    paid: &'a mut Paid,
}

/// One payment as its rule asks for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ask {
    pub(super) member: MemberId,
    pub(super) source_seat: Option<u32>,
    pub(super) generation: u32,
    pub(super) base: Money,
    pub(super) rate: Option<Rate>,
    pub(super) cash: Money,
    pub(super) coins: Coins,
}

impl<'a> Till<'a> {
    /// The till of the program at this position of the campaign's list, with what its cap has left.
    pub(super) fn new(
        (rule, program): (u32, ProgramKind),
        left: Option<&'a mut Money>,
        paid: &'a mut Paid,
    ) -> Till<'a> {
        Till {
            rule,
            program,
            left,
            paid,
        }
    }

    /// The payment that meets a cap gets what is left, later ones nothing (rules 7). Coins are not limited.
    pub(super) fn pay(&mut self, ask: Ask) -> Result<(), Overflow> {
        let cash = self.take(ask.cash)?;
        if cash.is_positive() || ask.coins.is_positive() {
            self.paid.rewards.push(RewardPaid {
                member: ask.member,
                program: self.program,
                source_seat: ask.source_seat,
                generation: ask.generation,
                base: ask.base,
                rate: ask.rate,
                cash,
                coins: ask.coins,
                rule: self.rule,
            });
        }
        Ok(())
    }

    /// As [`Till::pay`], into the dividend pool.
    pub(super) fn pool(&mut self, source_seat: u32, cash: Money) -> Result<(), Overflow> {
        let cash = self.take(cash)?;
        if cash.is_positive() {
            self.paid.dividend = self.paid.dividend.plus(cash)?;
            let shares = &mut self.paid.dividend_shares;
            let share = shares.entry(source_seat).or_insert(Money::ZERO);
            *share = share.plus(cash)?;
        }
        Ok(())
    }

    /// As much of it as the cap has left.
    fn take(&mut self, cash: Money) -> Result<Money, Overflow> {
        let Some(left) = self.left.as_deref_mut() else {
            return Ok(cash);
        };
        let taken = cash.min(*left);
        *left = left.minus(taken)?;
        Ok(taken)
    }
}

impl Ask {
    /// A rate of a source seat's base, rounded down to the fen.
    pub(super) fn share(
        member: MemberId,
        seat: u32,
        base: Money,
        rate: Rate,
    ) -> Result<Ask, Overflow> {
        Ok(Ask {
            member,
            source_seat: Some(seat),
            generation: 0,
            base,
            rate: Some(rate),
            cash: base.share(rate)?,
            coins: Coins::ZERO,
        })
    }
}
