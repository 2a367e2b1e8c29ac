//! The oracle's gate (rules 7, third column, and 8): bounds, the envelope and the worst lines, by counting them for every
//! number of winners that the campaign allows.

use std::collections::BTreeMap;

use crate::file::{Budget, From, Plan, Program, Rule};
use crate::oracle::{
    base, buyers, commission, fees, followed, origin_share, share, supplier, with_tax,
};

/// The gate's lines (rules 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Worst {
    pub(crate) platform: i128,
    pub(crate) merchant: i128,
}

/// The most a program's rule can cost in a group with so many winners, before any cap (rules 7, third column).
pub(crate) fn rule_bound(plan: &Plan, rule: usize, winners: i128) -> i128 {
    let losers = plan.seats - winners;
    let seats = |from: &From| match from.source.as_str() {
        "winners" => winners,
        "non-winners" => losers,
        "all" => plan.seats,
        other => panic!("source {other} is none of rules 7"),
    };
    let shares = |from: &From, rates: &[i128]| -> i128 {
        let b = base(plan, from);
        seats(from) * rates.iter().map(|&rate| share(b, rate)).sum::<i128>()
    };
    match &plan.programs[rule].rule {
        Rule::Consolation { cash, .. } => losers * with_tax(plan, *cash),
        Rule::WinnerBonus { cash, .. } => winners * with_tax(plan, *cash),
        Rule::Leader { cash, .. } => *cash,
        Rule::Formation { per_recruit } => (plan.seats - 1) * per_recruit,
        Rule::Generation { from, rates, .. } => shares(from, rates),
        Rule::Differential {
            from,
            rates_by_rank,
        } => shares(from, &[*rates_by_rank.iter().max().expect("rates")]),
        Rule::SameLevel { rate, at_most } => at_most * shares(followed(plan, rule).0, &[*rate]),
        Rule::Region { from, rates } => shares(from, rates),
        Rule::Dividend { from, rate } => shares(from, &[*rate]),
    }
}

/// The same with its cap.
pub(crate) fn bound(plan: &Plan, rule: usize, winners: i128) -> i128 {
    let bound = rule_bound(plan, rule, winners);
    match &plan.programs[rule].budget {
        Budget::Own(cap) => bound.min(*cap),
        Budget::Shared(name) => bound.min(plan.caps[name]),
        Budget::Open => bound,
    }
}

/// The sum of all bounds, a shared cap counted once.
pub(crate) fn envelope(plan: &Plan, winners: i128) -> i128 {
    envelope_of(plan, winners, |_| true)
}

/// The same of some of the programs.
fn envelope_of(plan: &Plan, winners: i128, counts: impl Fn(&str) -> bool) -> i128 {
    let mut sum = 0;
    let mut shared: BTreeMap<&String, i128> = BTreeMap::new();
    for (rule, Program { name, budget, .. }) in plan.programs.iter().enumerate() {
        if !counts(name) {
            continue;
        }
        match budget {
            Budget::Shared(name) => {
                *shared.entry(name).or_default() += rule_bound(plan, rule, winners);
            }
            Budget::Own(_) | Budget::Open => sum += bound(plan, rule, winners),
        }
    }
    let shared = shared.into_iter();
    sum + shared
        .map(|(name, asked)| asked.min(plan.caps[name]))
        .sum::<i128>()
}

/// What is left with so many winners when every program costs its bound.
pub(crate) fn worst_with(plan: &Plan, winners: i128) -> Worst {
    let buyers = buyers(plan, winners);
    let sales = buyers * plan.price;
    let (fees, envelope) = (fees(plan, winners), envelope(plan, winners));
    let home_stores = buyers * origin_share(plan);
    if plan.commission.is_some() {
        let commission = buyers * commission(plan);
        return Worst {
            platform: commission - home_stores,
            merchant: sales - commission - fees - envelope,
        };
    }
    let supplier = supplier(plan, winners);
    Worst {
        platform: sales - supplier - fees - envelope - home_stores,
        merchant: 0,
    }
}

/// The least of each line over every number of winners that the campaign allows.
pub(crate) fn worst(plan: &Plan) -> Worst {
    let all = (plan.fewest..=plan.most).map(|winners| worst_with(plan, winners));
    all.reduce(|left, right| Worst {
        platform: left.platform.min(right.platform),
        merchant: left.merchant.min(right.merchant),
    })
    .expect("some number of winners")
}

/// The owner's line of the two.
pub(crate) fn owners(plan: &Plan, worst: Worst) -> i128 {
    if plan.commission.is_some() {
        worst.merchant
    } else {
        worst.platform
    }
}

/// With so many winners, if every buyer returns: consolation, products and prizes are spent, what went into the pool may be shared
/// out, every other reward is reversed (rules 9.1, 9.5), and the channel may keep its fees. A treat has no return.
pub(crate) fn all_return(plan: &Plan, winners: i128) -> i128 {
    if plan.kind == "treat" {
        return owners(plan, worst_with(plan, winners));
    }
    // What is reversed goes where what is left goes.
    let spent = envelope_of(plan, winners, |name| {
        plan.rest_to_pool || name == "consolation" || name == "dividend"
    });
    let kept = if plan.fee_kept {
        fees(plan, winners)
    } else {
        0
    };
    -supplier(plan, winners) - spent - kept
}

/// Coins that can be given with so many winners: caps do not limit them.
fn coins(plan: &Plan, winners: i128) -> i128 {
    let given = |program: &Program| match &program.rule {
        Rule::Consolation { coins, .. } => (plan.seats - winners) * coins,
        Rule::WinnerBonus { coins, .. } => winners * coins,
        Rule::Leader { coins, .. } => *coins,
        Rule::Formation { .. }
        | Rule::Generation { .. }
        | Rule::Differential { .. }
        | Rule::SameLevel { .. }
        | Rule::Region { .. }
        | Rule::Dividend { .. } => 0,
    };
    plan.programs.iter().map(given).sum()
}

/// Whether the campaign may be published (rules 8): with every number of winners the owner keeps at least nothing, also
/// after what the profile wants covered of the loss by all returns, the units that are back being worth what they cost, and
/// of the loss by coins used at their face, each by itself.
pub(crate) fn passes(plan: &Plan) -> bool {
    let reserved = match plan.profile.as_str() {
        "seed" => false,
        "cn-default" => true,
        other => panic!("profile {other} is none of rules 11"),
    };
    // A right that is drawn in a ballot need not be used, by anybody.
    let unused = if plan.kind == "ballot" { plan.most } else { 0 };
    let left_by_unused = (0..unused).map(|buyers| owners(plan, worst_with(plan, buyers)));
    if left_by_unused.min().is_some_and(|left| left < 0) {
        return false;
    }
    (plan.fewest..=plan.most).all(|winners| {
        let left = owners(plan, worst_with(plan, winners));
        let stock = if plan.kind == "treat" {
            0
        } else {
            supplier(plan, winners)
        };
        let returned = all_return(plan, winners) + stock;
        0 <= left && (!reserved || 0 <= returned && coins(plan, winners) <= left)
    })
}
