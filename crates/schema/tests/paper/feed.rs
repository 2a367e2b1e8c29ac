//! Gives the domain what a running platform would: seats with their uplines cut where the programs end, the walk read
//! from the whole chain, agents and home stores where the campaign pays them; and takes its answer apart.

use domain::rewards::{generations, pays_agents, walk_of};
use domain::{
    Agent, Agents, BeaconSource, Campaign, FilledSeat, MemberId, ProgramKind, Region, Settlement,
    StoreId, Upline,
};
use schema::Installation;

use crate::crowd::Crowd;
use crate::oracle::{Count, Payment, Totals};

pub(crate) fn installation() -> Installation {
    Installation {
        log: draw::Origin::new("shop.example/log").unwrap(),
        source: BeaconSource::DrandQuicknet,
        delay_s: 60,
        own: None,
    }
}

/// Members' numbers differ from rows, reservations' from seats: who takes one for the other is found out.
const FIRST_MEMBER: usize = 1_000_000;

fn member(row: usize) -> MemberId {
    MemberId(u32::try_from(FIRST_MEMBER + row).unwrap())
}

fn row(member: MemberId) -> usize {
    usize::try_from(member.0).unwrap() - FIRST_MEMBER
}

pub(crate) fn seats(campaign: &Campaign, crowd: &Crowd) -> Vec<FilledSeat> {
    let seats = crowd.seats.iter().enumerate();
    seats
        .map(|(seat, place)| {
            let person = &crowd.people[place.member];
            let region = person.region.as_deref().filter(|_| pays_agents(campaign));
            let chain = || {
                let above = |&row: &usize| crowd.people[row].inviter;
                std::iter::successors(above(&place.member), above).map(|row| upline(crowd, row))
            };
            FilledSeat {
                index: u32::try_from(seat * 3 + 1).unwrap(),
                member: member(place.member),
                via: place.via.map(member),
                uplines: chain().take(generations(campaign)).collect(),
                walk: walk_of(campaign, chain()),
                agents: region.map_or(Agents::default(), |region| agents(crowd, region)),
                home_store: person
                    .home_store
                    .filter(|_| campaign.origin_share.is_some())
                    .map(|store| StoreId(u32::try_from(store).unwrap())),
            }
        })
        .collect()
}

fn upline(crowd: &Crowd, row: usize) -> Upline {
    let person = &crowd.people[row];
    Upline {
        member: member(row),
        vip: u32::try_from(person.vip).unwrap(),
        rank: u16::try_from(person.rank).unwrap(),
        frozen: person.frozen,
    }
}

fn agents(crowd: &Crowd, region: &str) -> Agents {
    let region: Region = region.parse().unwrap();
    let agent = |code: Option<Region>| {
        let row = crowd.agent_of(&code?.to_string())?;
        Some(Agent {
            member: member(row),
            frozen: crowd.people[row].frozen,
        })
    };
    Agents {
        county: agent(region.county()),
        city: agent(region.city()),
        province: agent(Some(region.province())),
    }
}

/// Winners as seat numbers.
pub(crate) fn settle(campaign: &Campaign, seats: &[FilledSeat], winners: &[usize]) -> Settlement {
    let winners: Vec<u32> = winners
        .iter()
        .map(|&seat| seat.try_into().unwrap())
        .collect();
    domain::settle(campaign, seats, &winners).expect("amounts of checked terms fit")
}

/// The domain's answer in the oracle's words. A consolation that is the same for all is written out for each.
pub(crate) fn taken_apart(
    campaign: &Campaign,
    seats: &[FilledSeat],
    winners: &[usize],
    settled: &Settlement,
) -> Count {
    let all = settled.rewards.iter().map(|paid| Payment {
        rule: usize::try_from(paid.rule).unwrap(),
        program: paid.program.name().to_owned(),
        source_seat: paid.source_seat.map(|seat| usize::try_from(seat).unwrap()),
        member: row(paid.member),
        cash: paid.cash.0.into(),
        coins: paid.coins.0.into(),
    });
    let mut payments = uniform(campaign, seats, winners, settled);
    payments.extend(all);
    // Stable: the order within a program stays the domain's.
    payments.sort_by_key(|payment| payment.rule);
    let origin_shares = settled.origin_shares.iter().map(|share| {
        let store = usize::try_from(share.store.0).unwrap();
        let seat = usize::try_from(share.source_seat).unwrap();
        (store, seat, share.cash.0.into())
    });
    Count {
        programs: per_program(campaign, &payments),
        payments,
        origin_shares: origin_shares.collect(),
        pool_shares: settled
            .dividend_shares
            .iter()
            .map(|share| (usize::try_from(share.seat).unwrap(), share.cash.0.into()))
            .collect(),
        totals: Totals {
            refunds: settled.refunds(campaign).unwrap().0.into(),
            pool: settled.dividend.0.into(),
            origin_share: settled.origin_cash().unwrap().0.into(),
            rewards: settled.rewards_cash().unwrap().0.into(),
            supplier: settled.supplier(campaign).unwrap().0.into(),
            fees: settled.fees(campaign).unwrap().0.into(),
            commission: settled.commission(campaign).unwrap().0.into(),
            merchant: settled.merchant(campaign).unwrap().0.into(),
            platform: settled.platform(campaign).unwrap().0.into(),
        },
    }
}

fn uniform(
    campaign: &Campaign,
    seats: &[FilledSeat],
    winners: &[usize],
    settled: &Settlement,
) -> Vec<Payment> {
    let (cash, coins) = (settled.consolation_cash, settled.consolation_coins);
    let declared = campaign
        .rewards
        .iter()
        .position(|reward| reward.program.kind() == ProgramKind::Consolation);
    let Some(rule) = declared.filter(|_| cash.0 != 0 || coins.0 != 0) else {
        return Vec::new();
    };
    let losers = (0..seats.len()).filter(|seat| !winners.contains(seat));
    losers
        .map(|seat| Payment {
            rule,
            program: "consolation".to_owned(),
            source_seat: Some(seat),
            member: row(seats[seat].member),
            cash: cash.0.into(),
            coins: coins.0.into(),
        })
        .collect()
}

/// What its payments come to; a dividend program makes none, so its line stays empty.
fn per_program(campaign: &Campaign, payments: &[Payment]) -> Vec<(i128, i128)> {
    let of = |rule: usize| {
        let mine = payments.iter().filter(|payment| payment.rule == rule);
        mine.fold((0, 0), |(cash, coins), payment| {
            (cash + payment.cash, coins + payment.coins)
        })
    };
    (0..campaign.rewards.len()).map(of).collect()
}
