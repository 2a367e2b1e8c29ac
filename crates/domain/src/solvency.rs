//! The solvency gate: a campaign that could not pay what it promises cannot be published (rules 8).

use crate::{
    Campaign, Case, Coins, Kind, MAX_AMOUNT_FEN, Money, Overflow, ProgramKind, Rate, Refusal,
    returned::{all_return, lowest},
    rewards::{self, Base, Bound, Limit, Program},
};

/// The worst case of one group, term by term, with the three side lines that are always printed beside it. Where the
/// number of winners is open, it is the worst of all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Solvency {
    /// P: of a template the bill of the table that leaves least.
    pub price: Money,
    /// N: of a template the guests of that table.
    pub seats: u32,
    /// W: how many win in it.
    pub winners: u32,
    /// What all buyers pay for good: `W × P`, or `N × P` where everyone buys.
    pub sales: Money,
    /// What the products cost; nothing in a merchant's campaign.
    pub supplier: Money,
    /// What the prizes of a bonus-draw cost.
    pub prizes: Money,
    /// What the platform keeps of a merchant's sales.
    pub commission: Money,
    /// What the channel takes: of all payments if it keeps fees on refunds, else of the buyers'.
    pub fees: Money,
    /// Each program at its bound, in declared order.
    pub rewards: Vec<RewardTerm>,
    /// The most all rewards together can cost: a shared cap counted once.
    pub envelope: Bound,
    /// The most that home stores can get of the platform's take.
    pub origin_share: Money,
    /// What must at least be left: the profile's floor, in a merchant's campaign nothing.
    pub margin_floor: Money,
    /// The least the owner has left, before returns and coins: `sales − supplier − prizes − fees − envelope` and home
    /// stores' shares of the platform's own campaign, `sales − commission − fees − envelope` of a merchant's.
    pub worst: Money,
    /// The least the platform has left: the same, or the commission less home stores' shares.
    pub platform: Money,
    /// The least the merchant has left whose campaign it is.
    pub merchant: Money,
    /// Whether the owner is a merchant.
    pub is_merchants: bool,
    /// The same in cash if all buyers return: cost, consolation and what dividend programs have put into the pool are spent, the
    /// units are in stock.
    pub all_winners_return: Money,
    /// What those units cost, prizes included: they come back with what was bought.
    pub returned_stock: Money,
    /// The same if all coins are used at their face value.
    pub all_coins_at_face: Money,
    /// If the group expires with N − 1 seats and the channel keeps its fees.
    pub expires_with_fees: Money,
    /// The profile's share of "all winners return" that must be covered too.
    pub return_reserve: Rate,
    /// The profile's share of "all coins at face" that must be covered too.
    pub coin_reserve: Rate,
}

/// One program's line of the worst case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RewardTerm {
    /// Which program.
    pub program: ProgramKind,
    /// The most it can cost alone.
    pub bound: Bound,
    /// What limits it beyond its rule.
    pub limit: Limit,
}

/// Why a campaign could not pay what it promises, and what would.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortfall {
    /// The failing figures.
    pub solvency: Solvency,
    /// What would have to be at least zero, after the profile's reserves.
    pub covered: Money,
    /// What breaks it: the smallest term beside the cost without which it would pass, else the largest of all.
    pub term: Term,
    /// The nearest number of winners that passes.
    pub winners: Option<u32>,
    /// The nearest price that passes; of a template the largest bill.
    pub price: Option<Money>,
    /// Of a template that names its smallest bill, the nearest smallest bill that passes.
    pub price_from: Option<Money>,
    /// The nearest consolation in cash that passes.
    pub consolation: Option<Money>,
}

/// A term of the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Term {
    /// The products' cost.
    Supplier,
    /// The prizes' cost.
    Prizes,
    /// What the platform keeps of a merchant's sales.
    Commission,
    /// Home stores' shares.
    OriginShare,
    /// What the channel takes.
    Fees,
    /// A reward program.
    Reward(ProgramKind),
    /// A reserve that the profile asks for.
    Reserve,
}

impl Term {
    /// Its name in messages and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Term::Supplier => "supplier",
            Term::Prizes => "prizes",
            Term::Commission => "commission",
            Term::OriginShare => "origin-share",
            Term::Fees => "fees",
            Term::Reward(program) => program.name(),
            Term::Reserve => "reserve",
        }
    }
}

impl std::fmt::Display for Shortfall {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let solvency = &self.solvency;
        write!(
            out,
            "a group could leave {} (sales {}",
            self.covered, solvency.sales,
        )?;
        let terms = [
            ("supplier", solvency.supplier, true),
            ("prizes", solvency.prizes, false),
            ("commission", solvency.commission, false),
            ("fees", solvency.fees, true),
            ("rewards", solvency.envelope.cash, true),
            ("origin shares", solvency.own_origin_share(), false),
            (
                "reserve",
                Money(solvency.worst.0.saturating_sub(self.covered.0)),
                false,
            ),
        ];
        for (name, amount, always) in terms {
            if always || amount != Money::ZERO {
                write!(out, " - {name} {amount}")?;
            }
        }
        write!(
            out,
            "), less than {}; {} breaks it",
            solvency.margin_floor,
            self.term.name(),
        )?;
        let nearest = [
            self.winners.map(|winners| format!("winners {winners}")),
            self.price.map(|price| format!("price {price}")),
            self.price_from.map(|bill| format!("smallest bill {bill}")),
            self.consolation
                .map(|consolation| format!("consolation {consolation}")),
        ];
        let nearest: Vec<String> = nearest.into_iter().flatten().collect();
        if nearest.is_empty() {
            return write!(
                out,
                "; no number of winners, price or consolation alone would pass"
            );
        }
        write!(out, "; the nearest that pass: {}", nearest.join(", or "))
    }
}

/// Counts the printed lines of a campaign that keeps its other rules, whether it passes the gate or not: those of the number
/// of winners that leaves the owner least.
///
/// Of a template those of the table that leaves least.
pub fn solvency(campaign: &Campaign) -> Result<Solvency, Overflow> {
    let tables = campaign.corner_tables();
    let worst = least_of(&tables, |lines| Ok(lines.worst))?;
    with_least_of_both(&tables, worst)
}

/// The most that members can get of one group's rewards, whatever number wins: of each program alone, in declared order, and of
/// all together. Not the lines of the worst case: those are of the number of winners that leaves the owner least, and a program
/// may pay more with another. Nor is tax in it that the owner bears on top, for no member gets that.
///
/// Of a template those of the table that can pay most.
pub fn most_rewards(campaign: &Campaign) -> Result<(Vec<(ProgramKind, Bound)>, Bound), Overflow> {
    let programs = campaign.rewards.iter();
    let mut each: Vec<(ProgramKind, Bound)> = programs
        .map(|reward| (reward.program.kind(), Bound::default()))
        .collect();
    let mut all = Bound::default();
    let raise = |most: &mut Bound, bound: Bound| {
        most.cash = most.cash.max(bound.cash);
        most.coins = most.coins.max(bound.coins);
    };
    for terms in campaign.corner_tables() {
        for winners in terms.winner_counts() {
            let case = terms.case(winners);
            let (bounds, together) = rewards::most_to_members(case)?;
            for (most, bound) in each.iter_mut().zip(bounds) {
                raise(&mut most.1, bound);
            }
            raise(&mut all, together);
        }
    }
    Ok((each, all))
}

/// The lines with so many winners; and of a ballot with so many of those who may buy, at most as many as win. What it prints
/// beside the cash then counts the coins of all others, also of those who do not use their right and get none.
pub fn solvency_of_buyers(campaign: &Campaign, buyers: u32) -> Result<Solvency, Overflow> {
    lines(campaign.case(buyers))
}

/// Of a merchant's campaign the two may have their least with different numbers of winners, and with different tables.
fn with_least_of_both(tables: &[Campaign], lines: Solvency) -> Result<Solvency, Overflow> {
    Ok(Solvency {
        platform: least_of(tables, |lines| Ok(lines.platform))?.platform,
        merchant: least_of(tables, |lines| Ok(lines.merchant))?.merchant,
        ..lines
    })
}

/// The lines of the table for which this is least.
fn least_of(
    tables: &[Campaign],
    what: fn(&Solvency) -> Result<Money, Overflow>,
) -> Result<Solvency, Overflow> {
    let mut found: Option<(Money, Solvency)> = None;
    for terms in tables {
        let lines = least(terms, what)?;
        let amount = what(&lines)?;
        if found.as_ref().is_none_or(|(least, _)| amount < *least) {
            found = Some((amount, lines));
        }
    }
    found.map(|(_, lines)| lines).ok_or(Overflow)
}

/// The lines of the number of winners for which this is least.
fn least(
    campaign: &Campaign,
    what: fn(&Solvency) -> Result<Money, Overflow>,
) -> Result<Solvency, Overflow> {
    let mut least: Option<(Money, Solvency)> = None;
    for winners in campaign.winner_counts() {
        let lines = lines(campaign.case(winners))?;
        let amount = what(&lines)?;
        if least.as_ref().is_none_or(|(least, _)| amount < *least) {
            least = Some((amount, lines));
        }
    }
    least.map(|(_, lines)| lines).ok_or(Overflow)
}

/// The lines that the gate looks at: those which leave the owner least after the profile's reserves. Whoever wins in a ballot
/// need not buy, so there every smaller number of buyers must leave him something, too: what they leave is convex in their
/// number, because each brings in the same and caps only make what his seat costs less.
fn least_covered(campaign: &Campaign) -> Result<Solvency, Overflow> {
    let covered = least(campaign, Solvency::covered)?;
    if campaign.kind != Kind::Ballot || covered.covered()? < covered.margin_floor {
        return Ok(covered);
    }
    let left = |buyers: u32| Ok(lines(campaign.case(buyers))?.worst);
    let buyers = lowest(0, campaign.group.winners, &left)?;
    let fewer = lines(campaign.case(buyers))?;
    // The floor is asked where all buy who were drawn; with fewer, nothing may be lost.
    Ok(if fewer.worst < Money::ZERO {
        fewer
    } else {
        covered
    })
}

/// The lines of a group with so many winners.
fn lines(case: Case<'_>) -> Result<Solvency, Overflow> {
    let campaign = case.campaign;
    let (sales, supplier, prizes) = (case.sales()?, case.products()?, case.prizes()?);
    let (commission, fees) = (case.commission()?, case.fees()?);
    let envelope = rewards::envelope(case)?;
    let rewards = campaign.rewards.iter().enumerate().map(|(at, reward)| {
        Ok(RewardTerm {
            program: reward.program.kind(),
            bound: reward.bound(case, at)?,
            limit: reward.limit,
        })
    });
    let rewards = rewards.collect::<Result<Vec<RewardTerm>, Overflow>>()?;
    let origin_share = case.origin_bound()?;
    let of_owner = sales
        .minus(supplier)?
        .minus(prizes)?
        .minus(commission)?
        .minus(fees)?
        .minus(envelope.cash)?;
    let (worst, platform, merchant) = if campaign.merchant.is_some() {
        (of_owner, commission.minus(origin_share)?, of_owner)
    } else {
        let own = of_owner.minus(origin_share)?;
        (own, own, Money::ZERO)
    };
    let returned_stock = if campaign.kind == Kind::Treat {
        Money::ZERO
    } else {
        case.supplier()?
    };
    Ok(Solvency {
        price: campaign.group.price,
        seats: campaign.group.seats,
        winners: case.winners,
        sales,
        supplier,
        prizes,
        commission,
        fees,
        envelope,
        origin_share,
        margin_floor: match campaign.merchant {
            Some(_) => Money::ZERO,
            None => campaign.profile.terms().margin_floor,
        },
        worst,
        platform,
        merchant,
        is_merchants: campaign.merchant.is_some(),
        all_winners_return: all_return(case, worst)?,
        returned_stock,
        all_coins_at_face: worst.minus(face_value(envelope.coins))?,
        expires_with_fees: expires_with_fees(campaign)?,
        return_reserve: campaign.profile.terms().return_reserve,
        coin_reserve: campaign.profile.terms().coin_reserve,
        rewards,
    })
}

/// The group expires with N − 1 seats and the channel keeps its fees.
fn expires_with_fees(campaign: &Campaign) -> Result<Money, Overflow> {
    if campaign.kind == Kind::Ballot {
        return Ok(Money::ZERO);
    }
    let fee_each = campaign.group.price.channel_fee(campaign.channel.fee)?;
    Money::ZERO.minus(fee_each.times(campaign.group.seats.saturating_sub(1))?)
}

/// Refuses a campaign that could not pay what it promises, with the term that breaks it and the nearest values
/// of W, P or consolation that pass.
///
/// Of a template every table must pass that decides for all.
pub fn check_solvency(campaign: &Campaign) -> Result<Solvency, Refusal> {
    let tables = campaign.corner_tables();
    let mut shortest: Option<(Money, &Campaign, Solvency)> = None;
    for terms in &tables {
        let lines = least_covered(terms)?;
        let left = lines.left()?;
        let is_shortest = shortest.as_ref().is_none_or(|(least, ..)| left < *least);
        if left < lines.margin_floor && is_shortest {
            shortest = Some((left, terms, lines));
        }
    }
    let Some((covered, terms, lines)) = shortest else {
        return Ok(solvency(campaign)?);
    };
    // What would pass is looked for in what was asked for, the template: its other tables must pass with it, too.
    Err(Refusal::NotSolvent(Box::new(Shortfall {
        term: breaking_term(terms, &lines)?,
        covered,
        winners: nearest_winners(campaign),
        price: nearest_price(campaign),
        price_from: nearest_price_from(campaign),
        consolation: nearest_consolation(campaign),
        solvency: with_least_of_both(&tables, lines)?,
    })))
}

impl Solvency {
    /// Home stores' shares where they come out of what is left for the owner.
    fn own_origin_share(&self) -> Money {
        if self.is_merchants {
            Money::ZERO
        } else {
            self.origin_share
        }
    }

    /// What is left in the worst case after the profile's reserve for all winners' returns, or after that for coins, whichever
    /// leaves less. The reserve is a share of what the worst case loses by it; what comes back into stock is worth what it cost.
    pub fn covered(&self) -> Result<Money, Overflow> {
        let after = |line: Money, share: Rate| {
            let lost = self.worst.minus(line)?.max(Money::ZERO);
            self.worst.minus(lost.share(share)?)
        };
        let returns = self.all_winners_return.plus(self.returned_stock)?;
        let returns = after(returns, self.return_reserve)?;
        Ok(returns.min(after(self.all_coins_at_face, self.coin_reserve)?))
    }

    /// What the gate asks to be no less than the margin floor.
    fn left(&self) -> Result<Money, Overflow> {
        Ok(self.covered()?.min(self.worst))
    }

    /// Whether the profile asks that all returns are covered in full, and all coins at face, each by itself. Where not, every
    /// screen says "covered before returns and coins", never "safe".
    pub fn covers_returns_and_coins(&self) -> bool {
        self.return_reserve.0 == crate::RATE_ONE_PPM && self.coin_reserve.0 == crate::RATE_ONE_PPM
    }
}

/// One coin takes one yuan off a later bill.
fn face_value(coins: Coins) -> Money {
    Money(coins.0)
}

/// Sales less the products' cost is what there is to promise from; so of the other terms the smallest is named
/// without which the campaign would pass, and if there is none, the largest of all. Whether it would is counted anew for each:
/// a reward in a shared cap leaves room to the others in it, and a reserve may want more or less without a term.
fn breaking_term(campaign: &Campaign, lines: &Solvency) -> Result<Term, Overflow> {
    let mut terms = beside_rewards(campaign, lines);
    for (at, (reward, term)) in campaign.rewards.iter().zip(&lines.rewards).enumerate() {
        let mut without = campaign.clone();
        if let Some(left_out) = without.rewards.get_mut(at) {
            left_out.program = reward.program.paying_nothing();
        }
        let coins = face_value(term.bound.coins).share(lines.coin_reserve)?;
        terms.push((
            term.bound.cash.plus(coins)?,
            Term::Reward(term.program),
            without,
        ));
    }
    let mut named: Option<(Money, Term)> = None;
    for (amount, term, without) in &terms {
        let is_smallest = named.is_none_or(|(smallest, _)| *amount < smallest);
        if is_smallest && is_covered(without)? {
            named = Some((*amount, *term));
        }
    }
    let reserves = lines.worst.minus(lines.left()?)?;
    let is_smallest = named.is_none_or(|(smallest, _)| reserves < smallest);
    let unreserved = least(campaign, |lines| Ok(lines.worst))?.worst;
    if is_smallest && lines.margin_floor <= unreserved.min(lines.worst) {
        named = Some((reserves, Term::Reserve));
    }
    let all = terms
        .iter()
        .map(|(amount, term, _)| (*amount, *term))
        .chain([(reserves, Term::Reserve), (lines.supplier, Term::Supplier)]);
    let largest = all.max_by_key(|(amount, _)| *amount);
    Ok(named.or(largest).map_or(Term::Supplier, |(_, term)| term))
}

/// The terms beside cost and rewards, each with its amount and the campaign without it.
fn beside_rewards(campaign: &Campaign, lines: &Solvency) -> Vec<(Money, Term, Campaign)> {
    let without = |change: fn(&mut Campaign)| {
        let mut changed = campaign.clone();
        change(&mut changed);
        changed
    };
    vec![
        (
            lines.fees,
            Term::Fees,
            without(|terms| terms.channel.fee = Rate(0)),
        ),
        (
            lines.prizes,
            Term::Prizes,
            without(|terms| {
                if let Some(prize) = &mut terms.prize {
                    prize.cost = Money::ZERO;
                }
            }),
        ),
        (
            lines.commission,
            Term::Commission,
            without(|terms| {
                if let Some(merchant) = &mut terms.merchant {
                    merchant.commission = Rate(0);
                }
            }),
        ),
        (
            lines.own_origin_share(),
            Term::OriginShare,
            without(|terms| terms.origin_share = None),
        ),
    ]
}

/// Whether the gate lets one table pass.
fn is_covered(terms: &Campaign) -> Result<bool, Overflow> {
    let lines = least_covered(terms)?;
    Ok(lines.margin_floor <= lines.left()?)
}

/// Whether a changed campaign keeps every rule and passes the gate; of a template every table that decides for all.
pub(crate) fn passes(campaign: &Campaign) -> bool {
    let is_covered = |terms: &Campaign| is_covered(terms).unwrap_or(false);
    campaign.check().is_ok() && campaign.corner_tables().iter().all(is_covered)
}

fn nearest_winners(campaign: &Campaign) -> Option<u32> {
    if campaign.kind == Kind::EveryoneBuys || campaign.group.chance.is_some() {
        return None;
    }
    let mut changed = campaign.clone();
    let mut try_winners = |winners: u32| {
        changed.group.winners = winners;
        passes(&changed)
    };
    let asked = campaign.group.winners;
    (1..=campaign.group.seats).find_map(|step| {
        let above = asked.saturating_add(step);
        let below = asked.saturating_sub(step);
        [above, below]
            .into_iter()
            .find(|&winners| try_winners(winners))
    })
}

fn nearest_price(campaign: &Campaign) -> Option<Money> {
    let mut changed = campaign.clone();
    let asked = campaign.group.price.0;
    let mut try_price = |fen: i64| {
        changed.group.price = Money(fen);
        passes(&changed)
    };
    let above = nearest_that(asked, MAX_AMOUNT_FEN, &mut try_price);
    let has_margin = campaign
        .rewards
        .iter()
        .any(|reward| reward.program.base() == Some(Base::Margin));
    let least = if has_margin {
        campaign.product.cost.0.max(1)
    } else {
        1
    };
    let below = nearest_that(asked, least.min(asked), &mut try_price);
    let distance = |fen: &i64| fen.abs_diff(asked);
    [above, below]
        .into_iter()
        .flatten()
        .min_by_key(distance)
        .map(Money)
}

/// Only upward: a smaller bill pays for less.
fn nearest_price_from(campaign: &Campaign) -> Option<Money> {
    let asked = campaign.group.price_from?.0;
    let mut changed = campaign.clone();
    let mut try_bill = |fen: i64| {
        changed.group.price_from = Some(Money(fen));
        passes(&changed)
    };
    nearest_that(asked, campaign.group.price.0, &mut try_bill).map(Money)
}

fn nearest_consolation(campaign: &Campaign) -> Option<Money> {
    let asked = rewards::consolation(campaign)?.cash.0;
    let mut changed = campaign.clone();
    let mut try_cash = |fen: i64| {
        for reward in &mut changed.rewards {
            if let Program::Consolation(consolation) = &mut reward.program {
                consolation.cash = Money(fen);
            }
        }
        passes(&changed)
    };
    nearest_that(asked, 0, &mut try_cash).map(Money)
}

/// The value nearest to `from`, on the way to `limit`, that passes. The gate moves one way along each of these values
/// but for roundings, so: double the step until it passes, halve the gap, then look at the last yuan one by one.
fn nearest_that(from: i64, limit: i64, passes: &mut dyn FnMut(i64) -> bool) -> Option<i64> {
    const ROUNDING_FEN: i64 = 1_024;
    let toward = |distance: i64| {
        if from <= limit {
            from.saturating_add(distance).min(limit)
        } else {
            from.saturating_sub(distance).max(limit)
        }
    };
    let span = i64::try_from(from.abs_diff(limit)).ok()?;
    let mut good = 1i64;
    while !passes(toward(good)) {
        if span <= good {
            return None;
        }
        good = good.saturating_mul(2);
    }
    let mut bad = good / 2;
    while 1 < good.saturating_sub(bad) {
        let middle = bad.midpoint(good);
        if passes(toward(middle)) {
            good = middle
        } else {
            bad = middle
        }
    }
    let first = good.saturating_sub(ROUNDING_FEN).max(1);
    (first..=good).map(toward).find(|&value| passes(value))
}
