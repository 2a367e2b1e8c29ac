//! Reward programs (rules 7). Each has a file of its own and two duties: what it pays in a group, and the most it
//! can cost (its bound). They pay from the envelope through a [`Till`], which holds the caps.

mod consolation;
mod formation;
mod generation;
mod leader;
mod winner_bonus;

use minicbor::{Decode, Encode};

pub use consolation::Consolation;
pub use formation::Formation;
pub use generation::Generation;
pub use leader::Leader;
pub use winner_bonus::WinnerBonus;

use crate::{
    Campaign, Coins, FilledSeat, MAX_CAPS, MAX_REWARDS, Money, Overflow, ProgramKind, Rate,
    Refusal, RewardPaid,
};

/// One declared reward.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Reward {
    /// What it pays and to whom.
    #[n(0)]
    pub program: Program,
    /// What limits its cash in one group.
    #[n(1)]
    pub limit: Limit,
}

/// What limits a program's cash in one group, beyond its own rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum Limit {
    /// Nothing.
    #[n(0)]
    None,
    /// A cap of its own.
    #[n(1)]
    Own(#[n(0)] Money),
    /// The cap at this position of the campaign's list, shared with other programs.
    #[n(2)]
    Shared(#[n(0)] u32),
}

/// A reward program with its parameters.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum Program {
    /// 参与奖.
    #[n(0)]
    Consolation(#[n(0)] Consolation),
    /// On top of the product.
    #[n(1)]
    WinnerBonus(#[n(0)] WinnerBonus),
    /// To the leader.
    #[n(2)]
    Leader(#[n(0)] Leader),
    /// 成团奖.
    #[n(3)]
    Formation(#[n(0)] Formation),
    /// 代数奖.
    #[n(4)]
    Generation(#[n(0)] Generation),
}

/// Which seats a program starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Source {
    /// Seats that were drawn.
    #[n(0)]
    Winners,
    /// Seats that were not.
    #[n(1)]
    NonWinners,
    /// Every seat.
    #[n(2)]
    All,
}

/// What a rate is applied to, for one source seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum Base {
    /// The price.
    #[n(0)]
    Price,
    /// The cash of the consolation, for winners' seats too.
    #[n(1)]
    Consolation,
    /// Price less cost; platform's own campaigns only.
    #[n(2)]
    Margin,
    /// A sum written in the campaign.
    #[n(3)]
    Fixed(#[n(0)] Money),
}

/// Most generations of one program.
pub const MAX_GENERATIONS: usize = 20;

/// Most single payments of rewards in one group: keeps a settlement's record well below what the journal takes.
pub const MAX_PAYMENTS_PER_GROUP: u64 = 100_000;

/// The most a program can cost in one group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bound {
    /// Cash.
    pub cash: Money,
    /// Coins.
    pub coins: Coins,
}

/// A full group with its draw, as programs see it.
#[derive(Clone, Copy, Debug)]
pub struct Drawn<'a> {
    /// The terms.
    pub campaign: &'a Campaign,
    /// Every seat in seat order.
    pub seats: &'a [FilledSeat],
    /// For every seat, whether it won.
    pub won: &'a [bool],
}

impl<'a> Drawn<'a> {
    /// `(seat number, seat)` of the seats a program starts from, in seat order.
    fn sources(&self, source: Source) -> impl Iterator<Item = (u32, &'a FilledSeat)> + use<'a> {
        (0u32..)
            .zip(self.seats)
            .zip(self.won)
            .filter_map(move |(numbered, &won)| {
                let counts = match source {
                    Source::Winners => won,
                    Source::NonWinners => !won,
                    Source::All => true,
                };
                counts.then_some(numbered)
            })
    }
}

impl Source {
    /// How many seats that is in a full group.
    fn count(self, campaign: &Campaign) -> u32 {
        let group = &campaign.group;
        match self {
            Source::Winners => group.winners,
            Source::NonWinners => group.seats.saturating_sub(group.winners),
            Source::All => group.seats,
        }
    }
}

impl Base {
    /// The base of one source seat.
    fn amount(self, campaign: &Campaign) -> Result<Money, Overflow> {
        match self {
            Base::Price => Ok(campaign.group.price),
            Base::Consolation => {
                Ok(consolation(campaign).map_or(Money::ZERO, |consolation| consolation.cash))
            }
            Base::Margin => campaign.group.price.minus(campaign.product.cost),
            Base::Fixed(sum) => Ok(sum),
        }
    }
}

/// The campaign's consolation, if it declares one.
pub fn consolation(campaign: &Campaign) -> Option<&Consolation> {
    campaign
        .rewards
        .iter()
        .find_map(|reward| match &reward.program {
            Program::Consolation(consolation) => Some(consolation),
            Program::WinnerBonus(_)
            | Program::Leader(_)
            | Program::Formation(_)
            | Program::Generation(_) => None,
        })
}

/// Whether the cap of the campaign's consolation, if it has one, lasts for every non-winner whatever the draw. Of the
/// programs in a shared cap, only those declared before it can take from what it needs.
pub(crate) fn consolation_is_sure(campaign: &Campaign) -> Result<bool, Overflow> {
    let mut taken_before = [Money::ZERO; MAX_CAPS];
    for reward in &campaign.rewards {
        let is_consolation = reward.program.kind() == ProgramKind::Consolation;
        let needed = reward.program.bound(campaign)?.cash;
        match reward.limit {
            Limit::None if is_consolation => return Ok(true),
            Limit::Own(cap) if is_consolation => return Ok(needed <= cap),
            Limit::None | Limit::Own(_) => {}
            Limit::Shared(cap) => {
                let at = usize::try_from(cap).map_err(|_| Overflow)?;
                let taken = taken_before.get_mut(at).ok_or(Overflow)?;
                *taken = taken.plus(needed)?;
                if is_consolation {
                    return Ok(campaign.caps.get(at).is_some_and(|cap| *taken <= cap.limit));
                }
            }
        }
    }
    Ok(true)
}

impl Program {
    /// Its name.
    pub fn kind(&self) -> ProgramKind {
        match self {
            Program::Consolation(_) => ProgramKind::Consolation,
            Program::WinnerBonus(_) => ProgramKind::WinnerBonus,
            Program::Leader(_) => ProgramKind::Leader,
            Program::Formation(_) => ProgramKind::Formation,
            Program::Generation(_) => ProgramKind::Generation,
        }
    }

    /// The most its rule can cost in one group, before any cap.
    pub fn bound(&self, campaign: &Campaign) -> Result<Bound, Overflow> {
        match self {
            Program::Consolation(program) => program.bound(campaign),
            Program::WinnerBonus(program) => program.bound(campaign),
            Program::Leader(program) => program.bound(),
            Program::Formation(program) => program.bound(campaign),
            Program::Generation(program) => program.bound(campaign),
        }
    }

    fn pay(&self, drawn: &Drawn<'_>, till: &mut Till<'_>) -> Result<(), Overflow> {
        match self {
            Program::Consolation(program) => program.pay(drawn, till),
            Program::WinnerBonus(program) => program.pay(drawn, till),
            Program::Leader(program) => program.pay(drawn, till),
            Program::Formation(program) => program.pay(drawn, till),
            Program::Generation(program) => program.pay(drawn, till),
        }
    }

    /// What its rates are applied to, if it has rates.
    pub fn base(&self) -> Option<Base> {
        match self {
            Program::Generation(program) => Some(program.base),
            Program::Consolation(_)
            | Program::WinnerBonus(_)
            | Program::Leader(_)
            | Program::Formation(_) => None,
        }
    }

    /// How many generations of uplines it must know of every seat.
    pub fn generations(&self) -> usize {
        match self {
            Program::Generation(program) => program.rates.len(),
            Program::Consolation(_)
            | Program::WinnerBonus(_)
            | Program::Leader(_)
            | Program::Formation(_) => 0,
        }
    }
}

impl Reward {
    /// The most it can cost in one group: the smaller of its rule and its own cap. A shared cap is counted by
    /// [`envelope`].
    pub fn bound(&self, campaign: &Campaign) -> Result<Bound, Overflow> {
        let bound = self.program.bound(campaign)?;
        Ok(match self.limit {
            Limit::Own(cap) => Bound {
                cash: bound.cash.min(cap),
                ..bound
            },
            Limit::None | Limit::Shared(_) => bound,
        })
    }

    /// How many single payments it can make in one group; the uniform consolation is stored once.
    fn payments(&self, campaign: &Campaign) -> u64 {
        if self.is_uniform_consolation() {
            return 0;
        }
        let per_source = |source: Source, each: usize| {
            u64::from(source.count(campaign))
                .saturating_mul(u64::try_from(each).unwrap_or(u64::MAX))
        };
        match &self.program {
            Program::Consolation(_) => per_source(Source::NonWinners, 1),
            Program::WinnerBonus(_) => per_source(Source::Winners, 1),
            Program::Leader(_) => 1,
            Program::Formation(_) => per_source(Source::All, 1),
            Program::Generation(program) => per_source(program.source, program.rates.len()),
        }
    }

    /// Whether every non-winner gets the same from it, whatever the draw: then it is stored once for all.
    pub fn is_uniform_consolation(&self) -> bool {
        matches!(
            (&self.program, self.limit),
            (Program::Consolation(_), Limit::None)
        )
    }
}

/// How many generations of uplines the campaign's programs reach: what is read of every seat (rules 3.6).
pub fn generations(campaign: &Campaign) -> usize {
    let reaches = campaign
        .rewards
        .iter()
        .map(|reward| reward.program.generations());
    reaches.max().unwrap_or(0)
}

/// The most that all rewards of one group can cost: the sum of all bounds, a shared cap counted once (rules 7).
pub fn envelope(campaign: &Campaign) -> Result<Bound, Overflow> {
    let mut shared = [Money::ZERO; MAX_CAPS];
    let mut total = Bound::default();
    for reward in &campaign.rewards {
        let bound = reward.bound(campaign)?;
        total.coins = total.coins.plus(bound.coins)?;
        match reward.limit {
            Limit::None | Limit::Own(_) => total.cash = total.cash.plus(bound.cash)?,
            Limit::Shared(cap) => {
                let sum = usize::try_from(cap)
                    .ok()
                    .and_then(|cap| shared.get_mut(cap))
                    .ok_or(Overflow)?;
                *sum = sum.plus(bound.cash)?;
            }
        }
    }
    for (sum, cap) in shared.iter().zip(&campaign.caps) {
        total.cash = total.cash.plus((*sum).min(cap.limit))?;
    }
    Ok(total)
}

/// Pays all programs of a drawn group in declared order. The uniform consolation is left out: it is stored
/// once for all non-winners.
pub fn pay_all(drawn: &Drawn<'_>) -> Result<Vec<RewardPaid>, Overflow> {
    let mut paid = Vec::new();
    let mut shared: Vec<Money> = drawn.campaign.caps.iter().map(|cap| cap.limit).collect();
    for (rule, reward) in (0u32..).zip(&drawn.campaign.rewards) {
        if reward.is_uniform_consolation() {
            continue;
        }
        let mut own = match reward.limit {
            Limit::Own(cap) => Some(cap),
            Limit::None | Limit::Shared(_) => None,
        };
        let left = match reward.limit {
            Limit::None => None,
            Limit::Own(_) => own.as_mut(),
            Limit::Shared(cap) => Some(
                usize::try_from(cap)
                    .ok()
                    .and_then(|cap| shared.get_mut(cap))
                    .ok_or(Overflow)?,
            ),
        };
        let mut till = Till {
            rule,
            program: reward.program.kind(),
            left,
            paid: &mut paid,
        };
        reward.program.pay(drawn, &mut till)?;
    }
    Ok(paid)
}

/// What programs pay from: it cuts a payment to what its cap has left and writes it down with its explanation.
#[derive(Debug)]
pub struct Till<'a> {
    rule: u32,
    program: ProgramKind,
    left: Option<&'a mut Money>,
    paid: &'a mut Vec<RewardPaid>,
}

/// One payment as its rule asks for it.
#[derive(Clone, Copy, Debug)]
struct Ask {
    member: crate::MemberId,
    source_seat: Option<u32>,
    generation: u32,
    base: Money,
    rate: Option<Rate>,
    cash: Money,
    coins: Coins,
}

impl Till<'_> {
    /// The payment that meets a cap gets what is left, later ones nothing (rules 7). Coins are not limited.
    fn pay(&mut self, ask: Ask) -> Result<(), Overflow> {
        let mut cash = ask.cash;
        if let Some(left) = self.left.as_deref_mut() {
            cash = cash.min(*left);
            *left = left.minus(cash)?;
        }
        if cash.is_positive() || ask.coins.is_positive() {
            self.paid.push(RewardPaid {
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
}

/// Every rule that a campaign's list of rewards must keep.
pub(crate) fn check(campaign: &Campaign) -> Result<(), Refusal> {
    use crate::campaign::{invalid, within};
    if MAX_REWARDS < campaign.rewards.len() {
        return Err(invalid("reward", "has more than 16 entries"));
    }
    for (at, reward) in campaign.rewards.iter().enumerate() {
        let kind = reward.program.kind();
        let again = campaign
            .rewards
            .iter()
            .take(at)
            .any(|other| other.program.kind() == kind);
        if again && kind == ProgramKind::Consolation {
            return Err(invalid(
                "reward.program",
                "is consolation twice; it is a base of other programs, so there is one",
            ));
        }
        match reward.limit {
            Limit::None => {}
            Limit::Own(cap) => within("reward.cap", cap, Money::ZERO)?,
            Limit::Shared(cap) => {
                if usize::try_from(cap).map_or(true, |cap| campaign.caps.len() <= cap) {
                    return Err(invalid("reward.share", "names no cap of [caps]"));
                }
            }
        }
        match &reward.program {
            Program::Consolation(program) => check_sums(program.cash, program.coins)?,
            Program::WinnerBonus(program) => check_sums(program.cash, program.coins)?,
            Program::Leader(program) => check_sums(program.cash, program.coins)?,
            Program::Formation(program) => check_sums(program.per_recruit, Coins::ZERO)?,
            Program::Generation(program) => program.check(campaign)?,
        }
    }
    envelope(campaign)?;
    let payments = campaign
        .rewards
        .iter()
        .map(|reward| reward.payments(campaign));
    if MAX_PAYMENTS_PER_GROUP < payments.fold(0, u64::saturating_add) {
        return Err(invalid(
            "reward",
            "could make more than 100000 payments in one group",
        ));
    }
    Ok(())
}

fn check_sums(cash: Money, coins: Coins) -> Result<(), Refusal> {
    crate::campaign::within("reward", cash, Money::ZERO)?;
    crate::campaign::within("reward", Money(coins.0), Money::ZERO)
}
