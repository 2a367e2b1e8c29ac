//! A population as plain rows with one full group in it, and random ones: nobody invited, chains, stars, trees; frozen
//! uplines, vacant regions, members with several seats.

use std::fmt::Write;

use crate::dice::Dice;
use crate::file::Plan;

/// One member.
#[derive(Clone, Debug, Default)]
pub(crate) struct Person {
    pub(crate) inviter: Option<usize>,
    pub(crate) vip: usize,
    pub(crate) rank: usize,
    pub(crate) region: Option<String>,
    pub(crate) agent_of: Option<String>,
    pub(crate) frozen: bool,
    pub(crate) home_store: Option<usize>,
}

/// One seat of the group, in seat order.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) member: usize,
    pub(crate) via: Option<usize>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Crowd {
    pub(crate) people: Vec<Person>,
    pub(crate) seats: Vec<Place>,
}

/// Codes of GB/T 2260: counties, cities, provinces, and a county that lies in no city.
const REGIONS: [&str; 11] = [
    "330106", "330102", "330100", "330200", "330000", "110101", "110100", "110000", "419001",
    "440305", "440300",
];

impl Crowd {
    /// The inviter, his inviter and so on.
    pub(crate) fn uplines(&self, member: usize) -> Vec<usize> {
        let mut uplines = Vec::new();
        let mut at = member;
        while let Some(inviter) = self.people[at].inviter {
            uplines.push(inviter);
            at = inviter;
        }
        uplines
    }

    /// The agent of a province, city or county.
    pub(crate) fn agent_of(&self, code: &str) -> Option<usize> {
        self.people
            .iter()
            .position(|person| person.agent_of.as_deref() == Some(code))
    }

    /// The rows of the population, for a report.
    pub(crate) fn rows(&self) -> String {
        let mut text =
            String::from("member,inviter,vip,rank,region,agent_of,frozen,store,seats(via)\n");
        for (member, person) in self.people.iter().enumerate().take(60) {
            let seats: Vec<_> = self
                .seats
                .iter()
                .enumerate()
                .filter(|(_, place)| place.member == member)
                .map(|(seat, place)| (seat, place.via))
                .collect();
            let cell = |number: Option<usize>| number.map_or(String::new(), |n| n.to_string());
            let _ = writeln!(
                text,
                "{member},{},{},{},{},{},{},{},{seats:?}",
                cell(person.inviter),
                person.vip,
                person.rank,
                person.region.as_deref().unwrap_or(""),
                person.agent_of.as_deref().unwrap_or(""),
                if person.frozen { "frozen" } else { "" },
                cell(person.home_store),
            );
        }
        text
    }
}

/// A group for this campaign in a population of about so many.
pub(crate) fn random(dice: &mut Dice, plan: &Plan, others: usize) -> Crowd {
    let seats = usize::try_from(plan.seats).unwrap();
    let places = places(dice, plan, seats);
    let holders = places.iter().max().map_or(0, |last| last + 1);
    let total = holders + others;
    let inviters = tree(dice, total);
    let frozen_percent = *dice.pick(&[&0, &0, &10, &50, &100]);
    let regions_percent = *dice.pick(&[&0, &50, &100]);
    let (vip, rank) = (dice.between(0, 5), dice.between(0, 3));
    let mut people: Vec<Person> = inviters
        .into_iter()
        .enumerate()
        .map(|(at, inviter)| Person {
            inviter,
            vip: dice.between(0, vip),
            rank: ranks(dice, rank, at),
            region: dice
                .percent(regions_percent)
                .then(|| dice.pick(&REGIONS).to_owned()),
            agent_of: None,
            frozen: dice.percent(frozen_percent),
            home_store: dice.percent(60).then(|| dice.between(0, 3)),
        })
        .collect();
    appoint(dice, &mut people);
    // Members of the group stand anywhere in the tree.
    let mut numbers: Vec<usize> = (0..total).collect();
    dice.shuffle(&mut numbers);
    let links_percent = *dice.pick(&[&0, &50, &100]);
    let seats = places
        .into_iter()
        .map(|holder| Place {
            member: numbers[holder],
            via: dice
                .percent(links_percent)
                .then(|| numbers[dice.between(0, total - 1)]),
        })
        .collect();
    Crowd { people, seats }
}

/// Who holds each seat, as numbers from 0: at most so many each as the campaign allows, one for a leader who must not
/// hold more.
fn places(dice: &mut Dice, plan: &Plan, seats: usize) -> Vec<usize> {
    let most = usize::try_from(plan.seats_per_member).unwrap();
    let mut holders: Vec<usize> = Vec::new();
    let mut held: Vec<usize> = Vec::new();
    for seat in 0..seats {
        let again = seat != 0 && most != 1 && dice.percent(40);
        let holder = if again {
            dice.between(0, held.len() - 1)
        } else {
            held.len()
        };
        let leader_again = holder == 0 && seat != 0 && plan.leader != "equal";
        match held.get_mut(holder) {
            Some(count) if *count < most && !leader_again => {
                *count += 1;
                holders.push(holder);
            }
            Some(_) | None => {
                holders.push(held.len());
                held.push(1);
            }
        }
    }
    holders
}

/// Everyone's inviter: an earlier number, so that there is no circle.
fn tree(dice: &mut Dice, total: usize) -> Vec<Option<usize>> {
    let shape = dice.between(0, 5);
    let inviter = |at: usize, dice: &mut Dice| match shape {
        0 => None,
        1 => Some(at - 1),
        2 => Some(0),
        3 => Some(dice.between(at.saturating_sub(3), at - 1)),
        4 => Some(dice.between(0, at - 1)),
        _ => dice.percent(80).then(|| dice.between(0, at - 1)),
    };
    (0..total)
        .map(|at| if at == 0 { None } else { inviter(at, dice) })
        .collect()
}

/// Nobody has one, anybody may have any, two alternate, or those who came first stand highest.
fn ranks(dice: &mut Dice, shape: usize, at: usize) -> usize {
    match shape {
        0 => 0,
        1 => dice.between(0, 6),
        2 => 1 + 2 * (at % 2),
        _ => 6_usize.saturating_sub(at / 2),
    }
}

/// One agent a region, of one region each; some regions stay vacant.
fn appoint(dice: &mut Dice, people: &mut [Person]) {
    let filled_percent = *dice.pick(&[&0, &50, &100]);
    let mut free: Vec<usize> = (0..people.len()).collect();
    dice.shuffle(&mut free);
    for code in REGIONS.into_iter().chain(["410000", "419000", "440000"]) {
        if dice.percent(filled_percent)
            && let Some(agent) = free.pop()
        {
            people[agent].agent_of = Some(code.to_owned());
        }
    }
}

/// Seats that a draw could give: so many, never an exempt leader's, always a buying leader's. In no order.
pub(crate) fn winners(dice: &mut Dice, plan: &Plan, count: usize) -> Vec<usize> {
    let all = usize::try_from(plan.seats).unwrap();
    let first = if plan.leader == "equal" { 0 } else { 1 };
    let mut can: Vec<usize> = (first..all).collect();
    dice.shuffle(&mut can);
    let buys = plan.leader == "buys";
    can.truncate(count - usize::from(buys));
    if buys {
        can.push(0);
    }
    dice.shuffle(&mut can);
    can
}
