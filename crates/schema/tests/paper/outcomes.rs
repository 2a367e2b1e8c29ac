//! What the printed lines of returns and coins say (rules 8), held against everything that can become of a small group: every set
//! of winners, every set of buyers in a ballot, every set of returns, with a crowd that is owed as much as any.
//!
//! Nothing here knows a formula of the gate: each outcome is settled by the oracle, and the rewards of seats that are back are
//! taken out one by one (rules 9.1, 9.5).

use domain::{Campaign, Returns, Solvency};
use schema::parse_toml;

use crate::crowd::{Crowd, Person, Place};
use crate::dice::Dice;
use crate::feed;
use crate::file::{Plan, Program, Rule};
use crate::gate::{envelope, rule_bound};
use crate::oracle::{self, Count, buyers, commission, fees, origin_share, supplier};
use crate::plans::{self, Size};

/// Most seats of a group all of whose outcomes are looked at.
const MOST_SEATS: i128 = 5;

/// What the owner has left.
#[derive(Clone, Copy, Debug)]
struct Outcome {
    /// How many have returned, and of how many buyers.
    returned: usize,
    bought: usize,
    cash: i128,
    /// What the units cost that are back.
    stock: i128,
    /// Coins that stand.
    coins: i128,
}

/// Every seat has thirty uplines of the highest level and rank, agents of its county, city and province, and a home store.
fn owed_most(seats: usize) -> Crowd {
    const UPLINES: usize = 30;
    let person = |inviter| Person {
        inviter,
        vip: 30,
        rank: 30,
        region: Some("330106".to_owned()),
        home_store: Some(0),
        ..Person::default()
    };
    let mut people: Vec<Person> = (0..UPLINES).map(|at| person(at.checked_sub(1))).collect();
    for code in ["330106", "330100", "330000"] {
        people.push(Person {
            agent_of: Some(code.to_owned()),
            ..Person::default()
        });
    }
    let first = people.len();
    people.extend((0..seats).map(|_| person(Some(UPLINES - 1))));
    let seats = (first..first + seats)
        .map(|member| Place { member, via: None })
        .collect();
    Crowd { people, seats }
}

/// All sets of these seats.
fn sets(of: &[usize]) -> impl Iterator<Item = Vec<usize>> + use<'_> {
    (0..1_u32 << of.len()).map(move |bits| {
        let is_in = |&(at, _): &(usize, &usize)| bits & (1 << at) != 0;
        of.iter()
            .enumerate()
            .filter(is_in)
            .map(|(_, &seat)| seat)
            .collect()
    })
}

/// All sets of so many seats that can be drawn; a leader who always buys is in each.
fn draws(plan: &Plan, winners: i128) -> Vec<Vec<usize>> {
    let all: Vec<usize> = (0..usize::try_from(plan.seats).unwrap()).collect();
    let fits = |won: &Vec<usize>| {
        let leader = won.contains(&0);
        i128::try_from(won.len()).unwrap() == winners
            && match plan.leader.as_str() {
                "exempt" => !leader,
                "buys" => leader,
                _ => true,
            }
    };
    sets(&all).filter(fits).collect()
}

/// Everything that can become of a group in which these are drawn.
fn outcomes(plan: &Plan, crowd: &Crowd, drawn: &[usize]) -> Vec<Outcome> {
    let mut all = Vec::new();
    let who_buys: Vec<Vec<usize>> = match plan.kind.as_str() {
        "ballot" => sets(drawn).collect(),
        _ => vec![drawn.to_vec()],
    };
    for won in who_buys {
        let count = oracle::count(plan, crowd, &won);
        let bought: Vec<usize> = if buyers(plan, 0) == plan.seats {
            (0..crowd.seats.len()).collect()
        } else {
            won.clone()
        };
        for back in sets(&bought) {
            all.push(outcome(plan, &count, (drawn, &won), (&bought, &back)));
        }
    }
    all
}

fn outcome(
    plan: &Plan,
    count: &Count,
    (drawn, won): (&[usize], &[usize]),
    (bought, back): (&[usize], &[usize]),
) -> Outcome {
    let many = |seats: usize| i128::try_from(seats).unwrap();
    let all_back = !bought.is_empty() && back.len() == bought.len();
    let (mut standing, mut coins) = (0, 0);
    for payment in &count.payments {
        let stands = match payment.source_seat {
            // Whoever had a right to buy and did not gets no consolation.
            Some(seat) if payment.program == "consolation" => !drawn.contains(&seat),
            // With the last return all others are reversed, also those from seats that bought nothing.
            Some(seat) => !all_back && !back.contains(&seat),
            None => !all_back,
        };
        if stands {
            standing += payment.cash;
            coins += payment.coins;
        }
    }
    // The pool may have been shared out before anybody returns.
    let programs = plan.programs.iter().zip(&count.programs);
    let pooled = programs.filter(|(program, _)| program.name == "dividend");
    standing += pooled.map(|(_, &(cash, _))| cash).sum::<i128>();
    let winners = many(won.len());
    if plan.rest_to_pool {
        standing = envelope(plan, winners);
    }
    let kept = many(bought.len() - back.len());
    let each = (plan.price * plan.fee + 500_000).div_euclid(1_000_000);
    let (of_others, unit, prize) = if plan.commission.is_some() {
        (commission(plan), 0, 0)
    } else {
        (origin_share(plan), plan.cost, plan.prize)
    };
    let fees = if plan.fee_kept {
        fees(plan, winners)
    } else {
        kept * each
    };
    let prizes_back = if plan.kind == "bonus-draw" {
        many(back.iter().filter(|seat| won.contains(seat)).count())
    } else {
        0
    };
    Outcome {
        returned: back.len(),
        bought: bought.len(),
        cash: kept * (plan.price - of_others) - supplier(plan, winners) - fees - standing,
        stock: many(back.len()) * unit + prizes_back * prize,
        coins,
    }
}

/// Whether this crowd is owed every program's bound in every draw, and no cap cuts any: then the printed lines come to pass.
fn is_owed_all(plan: &Plan, crowd: &Crowd, winners: i128) -> bool {
    let is_sure = |program: &Program| {
        let unless_won = matches!(
            program.rule,
            Rule::Leader {
                unless_won: true,
                ..
            }
        );
        !unless_won || plan.leader == "exempt"
    };
    plan.programs.iter().all(is_sure)
        && draws(plan, winners).iter().all(|won| {
            let count = oracle::count(plan, crowd, won);
            let mut owed = count.programs.iter().enumerate();
            owed.all(|(rule, &(cash, _))| cash == rule_bound(plan, rule, winners))
        })
}

/// How often the lines were met, and of them how often some returns leave less than all.
#[derive(Debug, Default)]
struct Met {
    bounded: u32,
    reached: u32,
    some: u32,
    ballots: u32,
}

fn hold(campaign: &Campaign, plan: &Plan, winners: i128, met: &mut Met) {
    let crowd = owed_most(usize::try_from(plan.seats).unwrap());
    let mut all = Vec::new();
    for drawn in draws(plan, winners) {
        all.extend(outcomes(plan, &crowd, &drawn));
    }
    let lines: Solvency =
        domain::solvency_of_buyers(campaign, u32::try_from(winners).unwrap()).unwrap();
    let printed: Returns = domain::returns(campaign, &lines).unwrap();
    let printed_some = printed
        .some
        .map(|some| i128::from(some.left.0) + i128::from(some.stock.0));
    let (line, stock) = (lines.all_winners_return.0, lines.returned_stock.0);
    let printed_all = i128::from(line) + i128::from(stock);
    let printed_least = printed_some.unwrap_or(printed_all).min(printed_all);
    let with_coins = |outcome: &Outcome| outcome.cash + outcome.stock - outcome.coins;
    let least = all.iter().map(with_coins).min().unwrap();
    // In a ballot the lines of returns are those of all who may buy.
    let full = i128::from(lines.winners);
    let all_bought = |outcome: &&Outcome| {
        plan.kind != "ballot" || i128::try_from(outcome.bought).unwrap() == full
    };
    let value = |outcome: &Outcome| outcome.cash + outcome.stock;
    let of = |wanted: fn(&Outcome) -> bool| {
        let outcomes = all.iter().filter(all_bought);
        outcomes.filter(|outcome| wanted(outcome)).map(value).min()
    };
    let all_back = of(|outcome| 0 < outcome.bought && outcome.returned == outcome.bought);
    let some_back = of(|outcome| 0 < outcome.returned && outcome.returned < outcome.bought);
    assert!(i128::from(printed.with_coins.0) <= least, "{all:#?}");
    assert!(all_back.is_none_or(|left| printed_all <= left), "{all:#?}");
    assert!(
        some_back.is_none_or(|left| printed_least <= left),
        "{all:#?}"
    );
    met.bounded += 1;
    if !is_owed_all(plan, &crowd, winners) {
        return;
    }
    assert_eq!(i128::from(printed.with_coins.0), least, "{all:#?}");
    assert!(all_back.is_none_or(|left| printed_all == left), "{all:#?}");
    let expected = some_back.filter(|&left| left < printed_all);
    assert_eq!(printed_some, expected, "{all:#?}");
    met.reached += 1;
    met.some += u32::from(expected.is_some());
    met.ballots += u32::from(plan.kind == "ballot");
}

#[test]
fn no_outcome_of_a_small_group_leaves_less_than_the_printed_lines_and_one_leaves_that() {
    let mut met = Met::default();
    for seed in 0..6_000 {
        let text = plans::random(&mut Dice::new(seed), Size::Small);
        let plan = Plan::read(&text);
        if MOST_SEATS < plan.seats || plan.kind == "treat" {
            continue;
        }
        let campaign = parse_toml(&text)
            .unwrap()
            .resolve(&feed::installation())
            .unwrap();
        let _shown = Shown { seed, text: &text };
        for winners in plan.fewest..=plan.most {
            hold(&campaign, &plan, winners, &mut met);
        }
    }
    eprintln!("{met:?}");
    assert!(1_000 <= met.reached && met.reached < met.bounded, "{met:?}");
    assert!(200 <= met.some && 200 <= met.ballots, "{met:?}");
}

/// Says which campaign it was, if a check fails.
struct Shown<'a> {
    seed: u64,
    text: &'a str,
}

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("seed {}\n{}", self.seed, self.text);
        }
    }
}
