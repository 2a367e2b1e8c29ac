//! How long counting all ranks takes, for a crowd and for one long chain, and how long a seat's walk below that chain.
//!
//! `cargo run --release -p domain --example measure_ranks`
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "it measures, and says what it measured"
)]

use std::time::{Duration, Instant};

use domain::{
    Actor, Answer, BeaconSource, Campaign, CampaignId, ChannelTerms, Circle, Command, DrawTerms,
    Due, Fulfilment, GroupId, GroupTerms, Kind, LeaderRule, Leftover, MemberId, Millis, Money,
    OrderId, PaymentId, Product, Profile, Rate, Request, Text, Txn, World,
    rewards::{Base, Differential, Limit, Program, Reward, Source},
};

const BEGIN: Millis = Millis(1_800_000_000_000);
const DAY_MS: i64 = 86_400_000;

fn main() {
    for (what, members, inviter) in [
        (
            "a crowd, ten invitees each",
            1_000_000u32,
            crowd as fn(u32) -> Option<u32>,
        ),
        ("one chain", 1_000_000, chain),
        ("one chain", 100_000, chain),
    ] {
        let mut world = World::default();
        let mut clock = BEGIN;
        for member in 0..members {
            let mut token = [0; 16];
            token[..4].copy_from_slice(&member.to_le_bytes());
            let inviter = inviter(member).map(MemberId);
            ask(
                &mut world,
                Command::RegisterMember { token, inviter },
                clock,
            );
        }
        let campaign = Box::new(terms());
        ask(&mut world, Command::PublishCampaign { campaign }, clock);
        let last = MemberId(members - 1);
        let top = Command::SetRank {
            member: MemberId(0),
            plan: 1,
            rank: Some(2),
        };
        ask(&mut world, top, clock);
        let fill = buy(&mut world, [last, MemberId(members - 2)], clock);
        for order in [0, 1].map(OrderId) {
            ask(&mut world, Command::ShipOrder { order }, clock);
        }
        clock.0 += 30 * DAY_MS;
        for order in [0, 1].map(OrderId) {
            ask(&mut world, Command::Tick(Due::Order(order)), clock);
        }
        clock.0 += DAY_MS;
        let began = Instant::now();
        ask(&mut world, Command::Tick(Due::Day), clock);
        let counted = began.elapsed();
        let again = buy(&mut world, [last, MemberId(members - 2)], clock);
        println!(
            "{members:>9} members, {what}: counting all ranks {} ms; filling and settling a group of two {} µs",
            counted.as_millis(),
            fill.min(again).as_micros()
        );
    }
}

fn crowd(member: u32) -> Option<u32> {
    member.checked_sub(1).map(|before| before / 10)
}

fn chain(member: u32) -> Option<u32> {
    member.checked_sub(1)
}

/// How long the payment took that filled and settled the group.
fn buy(world: &mut World, buyers: [MemberId; 2], clock: Millis) -> Duration {
    let group = GroupId(world.groups());
    let mut took = Duration::ZERO;
    for (index, member) in (0u32..).zip(buyers) {
        let command = match index {
            0 => Command::OpenGroup {
                campaign: CampaignId(0),
                member,
                via: None,
            },
            _ => Command::JoinGroup {
                group,
                member,
                via: None,
            },
        };
        ask(world, command, clock);
        let payment = PaymentId { group, index };
        let paid = Command::AcceptPayment {
            payment,
            txn: Txn::new(&format!("T{payment}")).expect("the name is short and visible"),
            amount: Money(10_000),
            tag: [1; 32],
        };
        let began = Instant::now();
        ask(world, paid, clock);
        took = began.elapsed();
    }
    took
}

fn ask(world: &mut World, command: Command, clock: Millis) -> Answer {
    let request = Request {
        actor: Actor::System,
        key: None,
        command,
    };
    let answer = world.execute(&request, clock, &mut |_| {});
    answer.expect("this shop follows the rules")
}

/// Two buy; every rank has a rate and rank 0 has none.
fn terms() -> Campaign {
    let text = || Text {
        zh: "x".to_owned(),
        en: "x".to_owned(),
    };
    Campaign {
        name: text(),
        kind: Kind::EveryoneBuys,
        profile: Profile::Seed,
        plan: 1,
        product: Product {
            title: text(),
            cost: Money(2_000),
            fulfilment: Fulfilment::Ship,
        },
        group: GroupTerms {
            price: Money(10_000),
            seats: 2,
            winners: 2,
            leader: LeaderRule::Equal,
            fill_within: domain::Duration::seconds(86_400),
            payment_window: domain::Duration::seconds(300),
            seats_per_member: 1,
            chance: None,
            circle: Circle::Off,
            entries_per_day: 0,
            seats_from: None,
            price_from: None,
        },
        draw: DrawTerms {
            log: draw::Origin::new("example/log").expect("a plain name"),
            source: BeaconSource::Local {
                beacon: [1; 32],
                genesis: 1_700_000_000,
                period: 3,
            },
            delay_s: 3,
        },
        channel: ChannelTerms::default(),
        caps: Vec::new(),
        rewards: vec![Reward {
            program: Program::Differential(Differential {
                source: Source::All,
                base: Base::Price,
                rates_by_rank: (0..6).map(|rank| Rate(rank * 20_000)).collect(),
            }),
            limit: Limit::None,
        }],
        prize: None,
        merchant: None,
        origin_share: None,
        leftover: Leftover::Owner,
    }
}
