//! Laws that hold for random campaigns and random histories (rules 2.2, 7, 8).

use domain::{
    rewards::{Base, Formation, Generation, Leader, Limit, Program, Reward, Source, WinnerBonus},
    *,
};
use proptest::prelude::*;

use crate::shop::{Shop, campaign, consolation};

fn limit() -> impl Strategy<Value = Limit> {
    prop_oneof![
        3 => Just(Limit::None),
        1 => (0i64..2_000).prop_map(|cap| Limit::Own(Money(cap))),
        1 => Just(Limit::Shared(0)),
    ]
}

fn generation() -> impl Strategy<Value = Program> {
    let source = prop_oneof![
        Just(Source::Winners),
        Just(Source::NonWinners),
        Just(Source::All)
    ];
    let base = prop_oneof![
        Just(Base::Price),
        Just(Base::Consolation),
        Just(Base::Margin),
        (0i64..500).prop_map(|sum| Base::Fixed(Money(sum))),
    ];
    let rates = prop::collection::vec((0u32..60_000).prop_map(Rate), 1..4);
    (source, base, rates, any::<bool>()).prop_map(|(source, base, rates, depth)| {
        let vip_depth = depth.then(|| (0..=u32::try_from(rates.len()).unwrap()).collect());
        Program::Generation(Generation {
            source,
            base,
            rates,
            vip_depth,
        })
    })
}

prop_compose! {
    fn terms()(
        price in 1i64..20_000, seats in 2u32..8, winners in 1u32..7, cost in 0i64..5_000,
        cash in 0i64..300, coins in 0i64..300, recruit in 0i64..50, leader in 0i64..50, bonus in 0i64..50,
        generations in prop::collection::vec(generation(), 0..3),
        limits in prop::collection::vec(limit(), 7),
        shared in 0i64..1_000, fee in 0u32..20_000, kept: bool, exempt: bool, per_member in 1u32..3, order: bool,
    ) -> Campaign {
        let mut terms = campaign(price, seats, winners.min(seats - 1), cost);
        terms.group.seats_per_member = per_member.min(seats - 1);
        terms.group.leader = if exempt { LeaderRule::Exempt } else { LeaderRule::Equal };
        terms.channel = ChannelTerms { fee: Rate(fee), kept_on_refund: kept };
        terms.caps = vec![Cap { name: "shared".to_owned(), limit: Money(shared) }];
        let mut programs = vec![
            consolation(cash, coins).program,
            Program::Formation(Formation { per_recruit: Money(recruit) }),
            Program::Leader(Leader { cash: Money(leader), coins: Coins(leader), unless_won: order }),
            Program::WinnerBonus(WinnerBonus { cash: Money(bonus), coins: Coins(bonus) }),
        ];
        programs.extend(generations);
        if order {
            programs.reverse();
        }
        terms.rewards = programs.into_iter().zip(limits).map(|(program, limit)| Reward { program, limit }).collect();
        terms
    }
}

/// One step of a random history. Numbers are taken modulo what there is.
#[derive(Clone, Debug)]
enum Step {
    Register(Option<u8>),
    Open(u8, u8),
    Join(u8, u8, Option<u8>),
    JoinPaid(u8, u8, Option<u8>, bool),
    Pay(u8, u8),
    PayAgain(u8, u8),
    PayWrong(u8, u8, i64),
    Leave(u8, u8),
    Cancel(u8),
    Wait(u16),
    Ticks,
    Settle(bool),
    Void(u8),
    Refund(bool),
    Ship,
    Receive(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => any::<Option<u8>>().prop_map(Step::Register),
        1 => any::<(u8, u8)>().prop_map(|(campaign, member)| Step::Open(campaign, member)),
        8 => any::<(u8, u8, Option<u8>)>().prop_map(|(group, member, via)| Step::Join(group, member, via)),
        4 => any::<(u8, u8, Option<u8>, bool)>().prop_map(|(g, m, v, again)| Step::JoinPaid(g, m, v, again)),
        12 => any::<(u8, u8)>().prop_map(|(group, index)| Step::Pay(group, index)),
        1 => any::<(u8, u8)>().prop_map(|(group, index)| Step::PayAgain(group, index)),
        1 => (any::<u8>(), any::<u8>(), 1i64..30_000).prop_map(|(g, i, amount)| Step::PayWrong(g, i, amount)),
        1 => any::<(u8, u8)>().prop_map(|(group, member)| Step::Leave(group, member)),
        1 => any::<u8>().prop_map(Step::Cancel),
        2 => any::<u16>().prop_map(Step::Wait),
        2 => Just(Step::Ticks),
        3 => any::<bool>().prop_map(Step::Settle),
        1 => any::<u8>().prop_map(Step::Void),
        2 => any::<bool>().prop_map(Step::Refund),
        1 => Just(Step::Ship),
        1 => any::<u8>().prop_map(Step::Receive),
    ]
}

fn pick(count: u64, number: u8) -> u64 {
    u64::from(number) % count.max(1)
}

fn member(shop: &Shop, number: u8) -> MemberId {
    MemberId(u32::try_from(pick(u64::from(shop.world.members()), number)).unwrap())
}

fn group(shop: &Shop, number: u8) -> GroupId {
    GroupId(pick(shop.world.groups(), number))
}

fn payment(shop: &Shop, number: u8, index: u8) -> PaymentId {
    PaymentId {
        group: group(shop, number),
        index: u32::from(index % 12),
    }
}

/// Refusals are answers; whatever is refused must change nothing, which `check` sees.
fn run(shop: &mut Shop, step: &Step) {
    let price = |shop: &Shop, id| {
        shop.world
            .campaign_of(id)
            .map_or(Money(1), |campaign| campaign.terms.group.price)
    };
    let command = match *step {
        Step::Register(inviter) => {
            let inviter = inviter
                .map(|number| member(shop, number))
                .filter(|_| 0 < shop.world.members());
            shop.member(inviter);
            return;
        }
        Step::Open(campaign, leader) => Command::OpenGroup {
            campaign: CampaignId(
                u32::try_from(pick(u64::from(shop.world.campaigns()), campaign)).unwrap(),
            ),
            member: member(shop, leader),
            via: None,
        },
        Step::Join(number, who, via) => Command::JoinGroup {
            group: group(shop, number),
            member: member(shop, who),
            via: via.map(|via| member(shop, via)),
        },
        Step::JoinPaid(number, who, via, again) => {
            let (id, who) = (group(shop, number), member(shop, who));
            let unique = if again { 0 } else { shop.records.len() };
            Command::JoinPaid {
                group: id,
                member: who,
                via: via.map(|via| member(shop, via)),
                txn: shop.txn(&format!("G{id}/{who}/{unique}")),
                amount: price(shop, id),
                tag: crate::shop::tag(id, who),
            }
        }
        Step::Pay(number, index)
        | Step::PayAgain(number, index)
        | Step::PayWrong(number, index, _) => {
            let payment = payment(shop, number, index);
            let (suffix, amount) = match *step {
                Step::PayAgain(..) => (
                    format!("n{}", shop.records.len()),
                    price(shop, payment.group),
                ),
                Step::PayWrong(.., amount) => (format!("w{}", shop.records.len()), Money(amount)),
                _ => (String::new(), price(shop, payment.group)),
            };
            let refused = shop.pay_as(payment, &suffix, amount);
            if matches!(refused, Err(Refusal::PaymentNotInMemory(_))) {
                let seen = shop
                    .records
                    .iter()
                    .flat_map(|record| &record.events)
                    .any(|event| match event {
                        Event::PaymentAccepted { txn, .. } | Event::PaymentBounced { txn, .. } => {
                            txn.as_str() == format!("T{payment}{suffix}")
                        }
                        _ => false,
                    });
                if !seen {
                    let txn = shop.txn(&format!("T{payment}{suffix}"));
                    shop.must(Command::BouncePayment {
                        payment: Some(payment),
                        member: None,
                        txn,
                        amount,
                    });
                }
            }
            return;
        }
        Step::Leave(number, who) => Command::LeaveGroup {
            group: group(shop, number),
            member: member(shop, who),
        },
        Step::Cancel(number) => Command::CancelGroup {
            group: group(shop, number),
        },
        Step::Wait(seconds) => return shop.wait(i64::from(seconds)),
        Step::Ticks => {
            while let Some((_, due)) = shop.world.next_timer().filter(|(at, _)| *at <= shop.clock) {
                shop.must(Command::Tick(due));
            }
            return;
        }
        Step::Settle(all) => {
            for awaited in shop.world.awaiting_draw(if all { 100 } else { 1 }) {
                shop.settle(awaited.group);
            }
            return;
        }
        Step::Void(number) => Command::VoidGroup {
            group: group(shop, number),
        },
        Step::Refund(all) => {
            for pending in shop.world.pending_refunds(None, if all { 100 } else { 1 }) {
                shop.must(Command::ConfirmRefund {
                    refund: pending.refund,
                });
            }
            return;
        }
        Step::Ship => {
            for order in (0..20)
                .map(OrderId)
                .filter(|&order| shop.world.order(order).is_some())
                .collect::<Vec<_>>()
            {
                let _refused = shop.try_do(Command::ShipOrder { order });
            }
            return;
        }
        Step::Receive(number) => {
            let order = OrderId(u64::from(number % 8));
            let owner = shop
                .world
                .order(order)
                .map_or(MemberId(0), |order| order.member);
            Command::ReceiveOrder {
                order,
                member: owner,
            }
        }
    };
    let _refused = shop.try_do(command);
}

/// What the channel itself would say it holds, added up from the events and nothing else.
fn channel_by_events(records: &[Record]) -> i64 {
    let cash = records
        .iter()
        .flat_map(|record| &record.events)
        .map(|event| match event {
            Event::CapitalDeposited { amount } => amount.0,
            Event::PaymentAccepted { amount, fee, .. }
            | Event::PaymentBounced { amount, fee, .. } => amount.0 - fee.0,
            Event::RefundPaid {
                amount, fee_back, ..
            } => fee_back.0 - amount.0,
            _ => 0,
        });
    cash.sum()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// No order of events breaks an invariant; replay equals live; refused commands change nothing.
    #[test]
    fn random_histories_keep_every_invariant(
        campaigns in prop::collection::vec(terms(), 1..3),
        steps in prop::collection::vec(step(), 1..150),
    ) {
        let mut shop = Shop::new();
        shop.members(4);
        shop.must(Command::DepositCapital { amount: Money(1_000_000) });
        for terms in campaigns {
            let _refused = shop.try_do(Command::PublishCampaign { campaign: Box::new(terms) });
        }
        for step in &steps {
            let before = (shop.records.len(), shop.world.to_snapshot());
            run(&mut shop, step);
            if shop.records.len() == before.0 {
                prop_assert!(shop.world.to_snapshot() == before.1, "{step:?} changed the world without a record");
            }
        }
        shop.check();
        prop_assert_eq!(shop.balance("channel"), channel_by_events(&shop.records));
        // When all is paid back and drawn, nothing of the members' money stays behind.
        for awaited in shop.world.awaiting_draw(usize::MAX) {
            shop.settle(awaited.group);
        }
        shop.wait(100 * 86_400);
        while let Some((_, due)) = shop.world.next_timer().filter(|(at, _)| *at <= shop.clock) {
            shop.must(Command::Tick(due));
        }
        shop.refund_all();
        shop.check();
        prop_assert_eq!(shop.balance("escrow"), 0);
        prop_assert_eq!(shop.balance("refunds-due"), 0);
    }

    /// No program ever pays more than its bound, no group more than its envelope, and the owner of a campaign that
    /// passes the gate never keeps less than his worst case.
    #[test]
    fn bounds_are_never_exceeded(
        terms in terms(),
        uplines in prop::collection::vec(prop::collection::vec((0u32..5, 0u32..5), 0..4), 8),
        vias in prop::collection::vec(prop::option::of(0u32..8), 8),
        first in 0u32..7,
    ) {
        prop_assume!(terms.check().is_ok());
        let group = &terms.group;
        let seats: Vec<FilledSeat> = (0..group.seats).zip(uplines).zip(vias).map(|((index, uplines), via)| FilledSeat {
            index,
            member: MemberId(index),
            via: via.map(MemberId),
            uplines: uplines.into_iter().map(|(member, vip)| Upline { member: MemberId(100 + member), vip }).collect(),
        }).collect();
        let winners: Vec<u32> = (0..group.winners).map(|step| (first + step) % group.seats).collect();
        let settlement = settle(&terms, &seats, &winners).unwrap();
        let printed = solvency(&terms).unwrap();
        for (rule, (term, reward)) in (0u32..).zip(printed.rewards.iter().zip(&terms.rewards)) {
            let paid: i64 = settlement.rewards.iter().filter(|paid| paid.rule == rule).map(|paid| paid.cash.0).sum();
            let uniform = if reward.is_uniform_consolation() { settlement.cash_of(ProgramKind::Consolation).unwrap().0 } else { 0 };
            prop_assert!(paid + uniform <= term.bound.cash.0);
        }
        prop_assert!(settlement.rewards_cash().unwrap() <= printed.envelope.cash);
        let platform = settlement.platform(&terms).unwrap();
        prop_assert!(printed.worst <= platform);
        let parts = [settlement.refunds(&terms).unwrap(), settlement.rewards_cash().unwrap(), settlement.supplier(&terms).unwrap(), printed.fees, platform];
        prop_assert_eq!(sum(parts), group.price.times(group.seats));
    }

    /// The gate refuses exactly the campaigns whose worst case is below zero, and what it suggests passes.
    #[test]
    fn suggestions_pass(terms in terms()) {
        prop_assume!(terms.check().is_ok());
        let worst = solvency(&terms).unwrap().worst;
        match check_solvency(&terms) {
            Ok(_) => prop_assert!(Money::ZERO <= worst),
            Err(Refusal::NotSolvent(shortfall)) => {
                prop_assert!(worst < Money::ZERO);
                let mut changed = terms.clone();
                if let Some(winners) = shortfall.winners {
                    changed.group.winners = winners;
                    prop_assert!(check_solvency(&changed).is_ok());
                }
                let mut changed = terms.clone();
                if let Some(price) = shortfall.price {
                    changed.group.price = price;
                    prop_assert!(check_solvency(&changed).is_ok());
                }
            }
            Err(other) => prop_assert!(false, "{other}"),
        }
    }
}
