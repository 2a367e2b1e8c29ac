//! Reward programs (rules 7). Each has a file of its own and two duties: what it pays in a group, and the most it
//! can cost (its bound). They pay from the envelope through a [`Till`], which holds the caps.

mod consolation;
mod differential;
mod dividend;
mod formation;
mod generation;
mod leader;
mod region;
mod same_level;
mod till;
mod winner_bonus;

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};

pub use consolation::Consolation;
pub use differential::Differential;
pub use dividend::Dividend;
pub use formation::Formation;
pub use generation::Generation;
pub use leader::Leader;
pub use region::Region;
pub use same_level::{SameLevel, Walk, walk_of};
use till::{Ask, Till};
pub use winner_bonus::WinnerBonus;

use crate::{
    Campaign, Case, Coins, FilledSeat, MAX_CAPS, MAX_REWARDS, Money, Overflow, ProgramKind, Rate,
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
    /// 团队级差奖.
    #[n(5)]
    Differential(#[n(0)] Differential),
    /// 平级奖.
    #[n(6)]
    SameLevel(#[n(0)] SameLevel),
    /// 区域奖.
    #[n(7)]
    Region(#[n(0)] Region),
    /// 团队长加权分红.
    #[n(8)]
    Dividend(#[n(0)] Dividend),
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

/// Most ranks of one program's table, and most same-level payments for one seat.
pub const MAX_RANKS: usize = 20;

/// Most single payments of rewards in one group: keeps a settlement's record well below what the journal takes.
pub const MAX_PAYMENTS_PER_GROUP: u64 = 100_000;

/// Most uplines that all seats of one group are read with: keeps a full group's record well below what the journal takes.
pub const MAX_UPLINES_PER_GROUP: usize = 250_000;

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
    /// For every seat, whether its right to buy was not used, in a ballot: then it gets no consolation. Empty where none was not.
    pub unused: &'a [bool],
}

impl<'a> Drawn<'a> {
    fn is_unused(&self, number: u32) -> bool {
        let seat = usize::try_from(number)
            .ok()
            .and_then(|at| self.unused.get(at));
        seat.copied().unwrap_or(false)
    }

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
    /// How many seats that is in a full group without those that were returned.
    fn count(self, case: Case<'_>) -> u32 {
        let non_winners = case.campaign.group.seats.saturating_sub(case.winners);
        let winners = case.winners.saturating_sub(case.returned.winners);
        let non_winners = non_winners.saturating_sub(case.returned.others);
        match self {
            Source::Winners => winners,
            Source::NonWinners => non_winners,
            Source::All => winners.saturating_add(non_winners),
        }
    }

    /// Its name in campaign files and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Source::Winners => "winners",
            Source::NonWinners => "non-winners",
            Source::All => "all",
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
            | Program::Generation(_)
            | Program::Differential(_)
            | Program::SameLevel(_)
            | Program::Region(_)
            | Program::Dividend(_) => None,
        })
}

/// Whether the cap of the campaign's consolation, if it has one, lasts for every non-winner whatever the draw. Of the
/// programs in a shared cap, only those declared before it can take from what it needs.
pub(crate) fn consolation_is_sure(campaign: &Campaign) -> Result<bool, Overflow> {
    for winners in campaign.winner_counts() {
        if !consolation_lasts(campaign.case(winners))? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn consolation_lasts(case: Case<'_>) -> Result<bool, Overflow> {
    let campaign = case.campaign;
    let mut taken_before = [Money::ZERO; MAX_CAPS];
    for (position, reward) in campaign.rewards.iter().enumerate() {
        let is_consolation = reward.program.kind() == ProgramKind::Consolation;
        let needed = reward.program.bound(case, position)?.cash;
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
    /// The same program with nothing to pay: what others in the campaign take from it stands, but for the cash of a consolation.
    pub(crate) fn paying_nothing(&self) -> Program {
        let mut idle = self.clone();
        match &mut idle {
            Program::Consolation(program) => {
                (program.cash, program.coins) = (Money::ZERO, Coins::ZERO);
            }
            Program::WinnerBonus(program) => {
                (program.cash, program.coins) = (Money::ZERO, Coins::ZERO);
            }
            Program::Leader(program) => (program.cash, program.coins) = (Money::ZERO, Coins::ZERO),
            Program::Formation(program) => program.per_recruit = Money::ZERO,
            Program::Generation(program) => program.rates.clear(),
            Program::Differential(program) => program.rates_by_rank.clear(),
            Program::SameLevel(program) => program.rate = Rate(0),
            Program::Region(program) => {
                (program.county, program.city, program.province) = (Rate(0), Rate(0), Rate(0));
            }
            Program::Dividend(program) => program.rate = Rate(0),
        }
        idle
    }

    /// What of so much cash that it costs reaches members: of what came by chance, less the tax that an owner bears on top.
    fn to_members(&self, campaign: &Campaign, cost: Money) -> Result<Money, Overflow> {
        let each = match self {
            Program::Consolation(program) => program.cash,
            Program::WinnerBonus(program) => program.cash,
            Program::Leader(_)
            | Program::Formation(_)
            | Program::Generation(_)
            | Program::Differential(_)
            | Program::SameLevel(_)
            | Program::Region(_)
            | Program::Dividend(_) => return Ok(cost),
        };
        let gross = campaign.with_tax(each)?;
        if gross <= each {
            return Ok(cost);
        }
        // A cap pays so many in full; the one that meets it gets what is left, and tax is withheld of that.
        let full = cost.0.div_euclid(gross.0);
        let full = u32::try_from(full).map_err(|_| Overflow)?;
        let rest = cost.minus(gross.times(full)?)?;
        let (_, rest) = campaign.withheld().withheld_of(rest)?;
        each.times(full)?.plus(rest)
    }

    /// Whether what it has cost stays spent when buyers return. A consolation is not taken back (rules 9.5); and what a dividend
    /// program has put into the pool may have been shared out by then, which the owner bears (rules 9.1).
    fn outlasts_returns(&self) -> bool {
        match self {
            Program::Consolation(_) | Program::Dividend(_) => true,
            Program::WinnerBonus(_)
            | Program::Leader(_)
            | Program::Formation(_)
            | Program::Generation(_)
            | Program::Differential(_)
            | Program::SameLevel(_)
            | Program::Region(_) => false,
        }
    }

    /// Its name.
    pub fn kind(&self) -> ProgramKind {
        match self {
            Program::Consolation(_) => ProgramKind::Consolation,
            Program::WinnerBonus(_) => ProgramKind::WinnerBonus,
            Program::Leader(_) => ProgramKind::Leader,
            Program::Formation(_) => ProgramKind::Formation,
            Program::Generation(_) => ProgramKind::Generation,
            Program::Differential(_) => ProgramKind::Differential,
            Program::SameLevel(_) => ProgramKind::SameLevel,
            Program::Region(_) => ProgramKind::Region,
            Program::Dividend(_) => ProgramKind::Dividend,
        }
    }

    /// The most its rule can cost in one group, before any cap. `at` is its position in the campaign's list.
    pub fn bound(&self, case: Case<'_>, at: usize) -> Result<Bound, Overflow> {
        if case.is_all_back() && !self.outlasts_returns() {
            return Ok(Bound::default());
        }
        match self {
            Program::Consolation(program) => program.bound(case),
            Program::WinnerBonus(program) => program.bound(case),
            Program::Leader(program) => program.bound(),
            Program::Formation(program) => program.bound(case),
            Program::Generation(program) => program.bound(case),
            Program::Differential(program) => program.bound(case),
            Program::SameLevel(program) => program.bound(case, at),
            Program::Region(program) => program.bound(case),
            Program::Dividend(program) => program.bound(case),
        }
    }

    fn pay(&self, drawn: &Drawn<'_>, at: usize, till: &mut Till<'_>) -> Result<(), Overflow> {
        match self {
            Program::Consolation(program) => program.pay(drawn, till),
            Program::WinnerBonus(program) => program.pay(drawn, till),
            Program::Leader(program) => program.pay(drawn, till),
            Program::Formation(program) => program.pay(drawn, till),
            Program::Generation(program) => program.pay(drawn, till),
            Program::Differential(program) => program.pay(drawn, till),
            Program::SameLevel(program) => program.pay(drawn, at, till),
            Program::Region(program) => program.pay(drawn, till),
            Program::Dividend(program) => program.pay(drawn, till),
        }
    }

    fn check(&self, campaign: &Campaign, at: usize) -> Result<(), Refusal> {
        let case = campaign.case(campaign.group.winners);
        match self {
            Program::Consolation(program) => check_sums(program.cash, program.coins),
            Program::WinnerBonus(program) => check_sums(program.cash, program.coins),
            Program::Leader(program) => check_sums(program.cash, program.coins),
            Program::Formation(program) => check_sums(program.per_recruit, Coins::ZERO),
            Program::Generation(program) => program.check(campaign),
            Program::Differential(program) => program.check(case),
            Program::SameLevel(program) => program.check(campaign, at),
            Program::Region(program) => program.check(case),
            Program::Dividend(program) => program.check(case),
        }
    }

    /// Which seats it starts from, if the campaign chooses them. Same-level programs start where their differential does.
    pub fn source(&self) -> Option<Source> {
        match self {
            Program::Generation(program) => Some(program.source),
            Program::Differential(program) => Some(program.source),
            Program::Region(program) => Some(program.source),
            Program::Dividend(program) => Some(program.source),
            Program::Consolation(_)
            | Program::WinnerBonus(_)
            | Program::Leader(_)
            | Program::Formation(_)
            | Program::SameLevel(_) => None,
        }
    }

    /// What its rates are applied to, if it has rates.
    pub fn base(&self) -> Option<Base> {
        match self {
            Program::Generation(program) => Some(program.base),
            Program::Differential(program) => Some(program.base),
            Program::Region(program) => Some(program.base),
            Program::Dividend(program) => Some(program.base),
            Program::Consolation(_)
            | Program::WinnerBonus(_)
            | Program::Leader(_)
            | Program::Formation(_)
            | Program::SameLevel(_) => None,
        }
    }

    /// How many generations of uplines it must know of every seat.
    pub fn generations(&self) -> usize {
        match self {
            Program::Generation(program) => program.rates.len(),
            Program::Consolation(_)
            | Program::WinnerBonus(_)
            | Program::Leader(_)
            | Program::Formation(_)
            | Program::Differential(_)
            | Program::SameLevel(_)
            | Program::Region(_)
            | Program::Dividend(_) => 0,
        }
    }

    /// The most single payments for one of its source seats.
    fn payments_each(&self) -> usize {
        match self {
            Program::Consolation(_)
            | Program::WinnerBonus(_)
            | Program::Leader(_)
            | Program::Formation(_) => 1,
            Program::Generation(program) => program.rates.len(),
            Program::Differential(program) => program.rates_by_rank.len(),
            Program::SameLevel(program) => usize::try_from(program.at_most).unwrap_or(usize::MAX),
            Program::Region(_) => 3,
            Program::Dividend(_) => 0,
        }
    }
}

impl Reward {
    /// The most it can cost in one group: the smaller of its rule and its own cap. A shared cap is counted by
    /// [`envelope`]. `at` is its position in the campaign's list.
    pub fn bound(&self, case: Case<'_>, at: usize) -> Result<Bound, Overflow> {
        let bound = self.program.bound(case, at)?;
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
        let most_each = u64::try_from(self.program.payments_each()).unwrap_or(u64::MAX);
        let (seats, winners) = (campaign.group.seats, campaign.group.winners);
        let non_winners = seats.saturating_sub(*campaign.winner_counts().start());
        let sources = match (&self.program, self.program.source()) {
            (_, Some(Source::Winners)) | (Program::WinnerBonus(_), None) => winners,
            (_, Some(Source::NonWinners)) | (Program::Consolation(_), None) => non_winners,
            (Program::Leader(_), None) => 1,
            (
                Program::Formation(_)
                | Program::SameLevel(_)
                | Program::Generation(_)
                | Program::Differential(_)
                | Program::Region(_)
                | Program::Dividend(_),
                None,
            )
            | (_, Some(Source::All)) => seats,
        };
        u64::from(sources).saturating_mul(most_each)
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

/// Whether the campaign's programs walk up all uplines by rank.
pub fn walks(campaign: &Campaign) -> bool {
    let mut programs = campaign.rewards.iter().map(|reward| &reward.program);
    programs.any(|program| matches!(program, Program::Differential(_)))
}

/// Whether the campaign pays agents of regions.
pub fn pays_agents(campaign: &Campaign) -> bool {
    let mut programs = campaign.rewards.iter().map(|reward| &reward.program);
    programs.any(|program| matches!(program, Program::Region(_)))
}

/// The most that all rewards of one group with so many winners can cost: the sum of all bounds, a shared cap counted once
/// (rules 7). Home stores' shares are apart: see [`Case::origin_bound`].
pub fn envelope(case: Case<'_>) -> Result<Bound, Overflow> {
    let campaign = case.campaign;
    let mut shared = [Money::ZERO; MAX_CAPS];
    let mut total = Bound::default();
    for (at, reward) in campaign.rewards.iter().enumerate() {
        let bound = reward.bound(case, at)?;
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

/// The most that members can get of it: tax that the owner bears on top of a reward is not theirs.
pub(crate) fn most_to_members(case: Case<'_>) -> Result<(Vec<Bound>, Bound), Overflow> {
    let campaign = case.campaign;
    let mut shared = [Money::ZERO; MAX_CAPS];
    let (mut each, mut total) = (Vec::new(), Bound::default());
    for (at, reward) in campaign.rewards.iter().enumerate() {
        let cost = reward.bound(case, at)?;
        let cap = match reward.limit {
            Limit::None | Limit::Own(_) => None,
            Limit::Shared(cap) => Some(usize::try_from(cap).map_err(|_| Overflow)?),
        };
        let limit = cap.and_then(|cap| campaign.caps.get(cap));
        let cash = limit.map_or(cost.cash, |cap| cost.cash.min(cap.limit));
        let cash = reward.program.to_members(campaign, cash)?;
        total.coins = total.coins.plus(cost.coins)?;
        match cap {
            None => total.cash = total.cash.plus(cash)?,
            Some(cap) => {
                let sum = shared.get_mut(cap).ok_or(Overflow)?;
                *sum = sum.plus(cash)?;
            }
        }
        each.push(Bound { cash, ..cost });
    }
    for (sum, cap) in shared.iter().zip(&campaign.caps) {
        total.cash = total.cash.plus((*sum).min(cap.limit))?;
    }
    Ok((each, total))
}

/// What all programs paid in a drawn group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paid {
    /// To members, in the order they were paid.
    pub rewards: Vec<RewardPaid>,
    /// Into the dividend pool.
    pub dividend: Money,
    /// What of it came from each seat.
    pub dividend_shares: BTreeMap<u32, Money>,
}

/// Pays all programs of a drawn group in declared order. The uniform consolation is left out: it is stored
/// once for all non-winners.
pub fn pay_all(drawn: &Drawn<'_>) -> Result<Paid, Overflow> {
    let mut paid = Paid::default();
    let mut shared: Vec<Money> = drawn.campaign.caps.iter().map(|cap| cap.limit).collect();
    for (at, reward) in drawn.campaign.rewards.iter().enumerate() {
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
        let rule = u32::try_from(at).map_err(|_| Overflow)?;
        let mut till = Till::new((rule, reward.program.kind()), left, &mut paid);
        reward.program.pay(drawn, at, &mut till)?;
    }
    Ok(paid)
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
        reward.program.check(campaign, at)?;
    }
    for winners in campaign.winner_counts() {
        envelope(campaign.case(winners))?;
    }
    let seats = usize::try_from(campaign.group.seats).unwrap_or(usize::MAX);
    let uplines = generations(campaign).saturating_add(Walk::new(campaign).limit());
    if MAX_UPLINES_PER_GROUP < seats.saturating_mul(uplines) {
        return Err(invalid(
            "reward",
            "would read more than 250000 uplines in one group: fewer seats, ranks or generations",
        ));
    }
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
