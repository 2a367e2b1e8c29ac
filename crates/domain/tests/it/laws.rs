//! Laws that hold for random campaigns and random histories (rules 2.2, 7, 8).

use domain::{
    rewards::{Base, Formation, Generation, Leader, Limit, Program, Reward, Source, WinnerBonus},
    *,
};
use std::collections::BTreeMap;

use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};

use crate::{
    shop::{Shop, campaign, consolation},
    told::check_vesting,
};

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
    // Also more generations than there are rates, and fewer levels than there are.
    let depth = prop::option::of(prop::collection::vec(0u32..7, 1..6));
    (source, base, rates, depth).prop_map(|(source, base, rates, vip_depth)| {
        Program::Generation(Generation {
            source,
            base,
            rates,
            vip_depth,
        })
    })
}

/// A program that may stand in a campaign several times.
fn repeatable() -> impl Strategy<Value = Program> {
    let sum = || 0i64..50;
    prop_oneof![
        sum().prop_map(|per_recruit| {
            let per_recruit = Money(per_recruit);
            Program::Formation(Formation { per_recruit })
        }),
        (sum(), sum(), any::<bool>()).prop_map(|(cash, coins, unless_won)| {
            let (cash, coins) = (Money(cash), Coins(coins));
            Program::Leader(Leader {
                cash,
                coins,
                unless_won,
            })
        }),
        (sum(), sum()).prop_map(|(cash, coins)| {
            let (cash, coins) = (Money(cash), Coins(coins));
            Program::WinnerBonus(WinnerBonus { cash, coins })
        }),
        generation(),
    ]
}

/// The consolation in any place among the others, or none.
fn declared() -> impl Strategy<Value = Vec<Reward>> {
    let others = prop::collection::vec((repeatable(), limit()), 0..8);
    let first = prop_oneof![
        1 => Just(None),
        5 => (0i64..300, 0i64..300, limit()).prop_map(Some),
    ];
    (others, first, any::<prop::sample::Index>()).prop_map(|(others, first, place)| {
        let mut rewards: Vec<Reward> = others
            .into_iter()
            .map(|(program, limit)| Reward { program, limit })
            .collect();
        if let Some((cash, coins, limit)) = first {
            let program = consolation(cash, coins).program;
            rewards.insert(place.index(rewards.len() + 1), Reward { program, limit });
        }
        rewards
    })
}

/// Seats, winners and most seats of one member: one, some or all of them.
fn sizes() -> impl Strategy<Value = (u32, u32, u32)> {
    (2u32..7).prop_flat_map(|seats| {
        let per_member = prop_oneof![3 => Just(1), 2 => 1..=seats, 1 => Just(seats)];
        (Just(seats), 1..seats, per_member)
    })
}

prop_compose! {
    fn terms()(
        price in 1i64..20_000, (seats, winners, per_member) in sizes(), cost in 0i64..5_000,
        rewards in declared(), shared in 0i64..1_000, fee in 0u32..20_000, kept: bool, exempt: bool,
        origin in prop::option::of(0u32..=1_000_000),
    ) -> Campaign {
        let mut terms = campaign(price, seats, winners, cost);
        terms.group.seats_per_member = per_member;
        terms.group.leader = if exempt { LeaderRule::Exempt } else { LeaderRule::Equal };
        terms.channel = ChannelTerms { fee: Rate(fee), kept_on_refund: kept };
        terms.caps = vec![Cap { name: "shared".to_owned(), limit: Money(shared) }];
        terms.rewards = rewards;
        terms.origin_share = origin.map(Rate);
        terms
    }
}

/// One step of a random history. Numbers are taken modulo what there is; small numbers of groups mean the open ones.
#[derive(Clone, Debug)]
enum Step {
    Register(Option<u8>),
    Open(u8, u8),
    Join(u8, u8, Option<u8>),
    JoinPaid(u8, u8, Option<u8>, bool),
    Pay(u8),
    PayAny(u8, u8),
    PayAgain(u8, u8),
    PayWrong(u8, u8, i64),
    Leave(u8, u8),
    Cancel(u8),
    Wait(i64),
    Ticks,
    Settle(bool),
    Void(u8),
    Refund(bool),
    Ship,
    Receive(u8),
    Return(u8),
    TakeBack(u8),
    Withdraw(u8, u8, i64),
    Review(u8, bool),
    Payout(u8, u8),
    ClawBack(u8, i64, Option<u8>),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => any::<Option<u8>>().prop_map(Step::Register),
        9 => any::<(u8, u8)>().prop_map(|(campaign, member)| Step::Open(campaign, member)),
        50 => any::<(u8, u8, Option<u8>)>().prop_map(|(group, member, via)| Step::Join(group, member, via)),
        25 => any::<(u8, u8, Option<u8>, bool)>().prop_map(|(g, m, v, again)| Step::JoinPaid(g, m, v, again)),
        60 => any::<u8>().prop_map(Step::Pay),
        6 => any::<(u8, u8)>().prop_map(|(group, index)| Step::PayAny(group, index)),
        4 => any::<(u8, u8)>().prop_map(|(group, index)| Step::PayAgain(group, index)),
        4 => (any::<u8>(), any::<u8>(), 1i64..30_000).prop_map(|(g, i, amount)| Step::PayWrong(g, i, amount)),
        3 => any::<(u8, u8)>().prop_map(|(group, member)| Step::Leave(group, member)),
        1 => any::<u8>().prop_map(Step::Cancel),
        6 => wait().prop_map(Step::Wait),
        8 => Just(Step::Ticks),
        12 => any::<bool>().prop_map(Step::Settle),
        8 => any::<u8>().prop_map(Step::Void),
        8 => any::<bool>().prop_map(Step::Refund),
        8 => Just(Step::Ship),
        4 => any::<u8>().prop_map(Step::Receive),
        9 => any::<u8>().prop_map(Step::Return),
        6 => any::<u8>().prop_map(Step::TakeBack),
        9 => (any::<u8>(), any::<u8>(), 90i64..150).prop_map(|(who, token, fen)| Step::Withdraw(who, token, fen)),
        6 => any::<(u8, bool)>().prop_map(|(which, approve)| Step::Review(which, approve)),
        8 => any::<(u8, u8)>().prop_map(|(which, outcome)| Step::Payout(which, outcome)),
        4 => (any::<u8>(), prop_oneof![Just(-1), 0i64..120], any::<Option<u8>>())
            .prop_map(|(who, fen, group)| Step::ClawBack(who, fen, group)),
    ]
}

/// Seconds: mostly fewer than a payment window has, now and then a day or a return window.
fn wait() -> impl Strategy<Value = i64> {
    prop_oneof![
        8 => 0i64..200,
        2 => 200i64..2_000,
        2 => Just(90_000),
        2 => Just(8 * 86_400),
    ]
}

fn pick(count: u64, number: u8) -> u64 {
    u64::from(number) % count.max(1)
}

fn member(shop: &Shop, number: u8) -> MemberId {
    MemberId(u32::try_from(pick(u64::from(shop.world.members()), number)).unwrap())
}

/// Mostly one of the two oldest open groups, so that groups fill.
fn group(shop: &Shop, number: u8) -> GroupId {
    let open = (0..shop.world.groups())
        .map(GroupId)
        .filter(|&group| shop.state(group) == GroupState::Open)
        .take(2);
    let open: Vec<GroupId> = open.collect();
    if number < 230
        && let Some(&group) = open.get(usize::from(number) % open.len().max(1))
    {
        return group;
    }
    GroupId(pick(shop.world.groups(), number))
}

/// Mostly somebody who has something to withdraw.
fn rich(shop: &Shop, number: u8) -> MemberId {
    let members = (0..shop.world.members()).map(MemberId);
    let rich: Vec<MemberId> = members
        .filter(|&id| Money(100) <= shop.world.member(id).unwrap().available)
        .collect();
    let found = rich.get(usize::from(number) % rich.len().max(1)).copied();
    found.unwrap_or_else(|| member(shop, number))
}

/// Mostly somebody who has ever got something.
fn clawed(shop: &Shop, number: u8) -> MemberId {
    let members = (0..shop.world.members()).map(MemberId);
    let paid: Vec<MemberId> = members
        .filter(|&id| shop.world.clawback_left(id).is_positive())
        .collect();
    let found = paid.get(usize::from(number) % paid.len().max(1)).copied();
    found.unwrap_or_else(|| member(shop, number))
}

/// Mostly one that has not ended.
fn withdrawal(shop: &Shop, number: u8) -> WithdrawalId {
    let open: Vec<_> = shop.world.open_withdrawals().map(|(id, _)| id).collect();
    let found = open.get(usize::from(number) % open.len().max(1)).copied();
    found.unwrap_or_else(|| WithdrawalId(pick(shop.world.withdrawals(), number)))
}

fn payment(shop: &Shop, number: u8, index: u8) -> PaymentId {
    PaymentId {
        group: GroupId(pick(shop.world.groups(), number)),
        index: u32::from(index % 12),
    }
}

/// Reports a payment, again with the history looked through where the world asks for it.
fn report(shop: &mut Shop, payment: PaymentId, suffix: &str, amount: Money) {
    let answer = shop.pay_as(payment, suffix, amount);
    if !matches!(answer, Err(Refusal::PaymentNotInMemory(_))) {
        return;
    }
    let name = format!("T{payment}{suffix}");
    let mut events = shop.records.iter().flat_map(|record| &record.events);
    let seen = events.any(|event| match event {
        Event::PaymentAccepted { txn, .. } | Event::PaymentBounced { txn, .. } => {
            txn.as_str() == name
        }
        _ => false,
    });
    if !seen {
        let txn = shop.txn(&name);
        shop.must(Command::BouncePayment {
            payment: Some(payment),
            member: None,
            txn,
            amount,
        });
    }
}

/// Joins, if that is what the world says when it is asked before.
fn join(shop: &mut Shop, group: GroupId, member: MemberId, via: Option<MemberId>) {
    let mut asked = shop.world.clone();
    let tick = Request {
        actor: Actor::System,
        key: None,
        command: Command::Tick(Due::Group(group)),
    };
    asked.execute(&tick, shop.clock, &mut |_| {}).unwrap();
    let answer = shop.try_do(Command::JoinGroup { group, member, via });
    assert_eq!(answer.err(), asked.why_not_join_now(group, member));
}

fn ticks(shop: &mut Shop) {
    while let Some((_, due)) = shop.world.next_timer().filter(|(at, _)| *at <= shop.clock) {
        shop.must(Command::Tick(due));
    }
}

fn ship(shop: &mut Shop) {
    let open = (0..1_000).map(OrderId);
    let open: Vec<OrderId> = open
        .filter(|&order| shop.world.order(order).is_some())
        .collect();
    for order in open {
        let _refused = shop.try_do(Command::ShipOrder { order });
    }
}

/// Refusals are answers; whatever is refused must change nothing, which `live` sees.
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
        Step::Join(number, who, via) => {
            let via = via.map(|via| member(shop, via));
            return join(shop, group(shop, number), member(shop, who), via);
        }
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
        Step::Pay(number) => {
            let waiting = shop.world.waiting_reservations(None, 6);
            if let Some(waiting) = waiting.get(usize::from(number) % waiting.len().max(1)) {
                let amount = price(shop, waiting.payment.group);
                report(shop, waiting.payment, "", amount);
            }
            return;
        }
        Step::PayAny(number, index) => {
            let payment = payment(shop, number, index);
            let amount = price(shop, payment.group);
            return report(shop, payment, "", amount);
        }
        Step::PayAgain(number, index) => {
            let payment = payment(shop, number, index);
            let amount = price(shop, payment.group);
            let suffix = format!("n{}", shop.records.len());
            return report(shop, payment, &suffix, amount);
        }
        Step::PayWrong(number, index, amount) => {
            let payment = payment(shop, number, index);
            let suffix = format!("w{}", shop.records.len());
            return report(shop, payment, &suffix, Money(amount));
        }
        Step::Leave(number, who) => Command::LeaveGroup {
            group: group(shop, number),
            member: member(shop, who),
        },
        Step::Cancel(number) => Command::CancelGroup {
            group: group(shop, number),
        },
        Step::Wait(seconds) => return shop.wait(seconds),
        Step::Ticks => return ticks(shop),
        Step::Settle(all) => {
            for awaited in shop.world.awaiting_draw(if all { 100 } else { 1 }) {
                shop.settle(awaited.group);
            }
            return;
        }
        Step::Void(number) => {
            let awaited = shop.world.awaiting_draw(1);
            let group = awaited
                .first()
                .map_or(group(shop, number), |awaited| awaited.group);
            Command::VoidGroup { group }
        }
        Step::Refund(all) => {
            for pending in shop.world.pending_refunds(None, if all { 100 } else { 1 }) {
                shop.must(Command::ConfirmRefund {
                    refund: pending.refund,
                });
            }
            return;
        }
        Step::Ship => return ship(shop),
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
        Step::Return(number) => {
            let order = OrderId(u64::from(number % 8));
            let owner = shop.world.order(order);
            let member = owner.map_or(MemberId(0), |order| order.member);
            Command::ReturnOrder { order, member }
        }
        Step::TakeBack(number) => Command::TakeBackOrder {
            order: OrderId(u64::from(number % 8)),
        },
        Step::Withdraw(who, token, fen) => Command::Withdraw {
            member: rich(shop, who),
            token: [token % 64; 16],
            amount: Money(fen),
            account: [token; 16],
        },
        Step::Review(number, approve) => {
            let withdrawal = withdrawal(shop, number);
            if approve {
                Command::ApproveWithdrawal { withdrawal }
            } else {
                Command::RejectWithdrawal { withdrawal }
            }
        }
        Step::ClawBack(who, fen, about) => {
            let member = clawed(shop, who);
            let amount = match fen {
                // All that can be taken back.
                -1 => shop.world.clawback_left(member),
                fen => Money(fen),
            };
            let group = about.map(|number| group(shop, number));
            Command::ClawBack {
                member,
                amount,
                group,
            }
        }
        Step::Payout(number, outcome) => Command::NotePayout {
            withdrawal: withdrawal(shop, number),
            outcome: match outcome % 4 {
                0 => PayoutOutcome::Paid,
                1 | 2 => PayoutOutcome::Waiting,
                _ => PayoutOutcome::Failed(PayoutFailure::Failed),
            },
        },
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
            Event::WithdrawalPaid { amount, fee, .. } => fee.0 - amount.0,
            _ => 0,
        });
    cash.sum()
}

/// A campaign that would not pass the gate is published with the nearest price that does.
fn publish(shop: &mut Shop, terms: Campaign) {
    let mut again = terms.clone();
    if let Err(Refusal::NotSolvent(shortfall)) = shop.publish_whosever(terms)
        && let Some(price) = shortfall.price
    {
        again.group.price = price;
        shop.publish_whosever(again).unwrap();
    }
}

/// Lives through a history and to the end of all that it began.
fn live(campaigns: Vec<Campaign>, steps: &[Step]) -> Vec<Record> {
    let mut shop = Shop::new();
    shop.members(4);
    shop.must(Command::DepositCapital {
        amount: Money(1_000_000),
    });
    crate::homes::bind_some(&mut shop);
    for terms in campaigns {
        publish(&mut shop, terms);
    }
    for step in steps {
        let before = (shop.records.len(), shop.world.to_snapshot());
        run(&mut shop, step);
        assert!(
            shop.records.len() != before.0 || shop.world.to_snapshot() == before.1,
            "{step:?} changed the world without a record"
        );
    }
    shop.check();
    assert_eq!(shop.balance("channel"), channel_by_events(&shop.records));
    // When all is drawn, shipped and paid back, nothing of the members' money stays behind.
    for awaited in shop.world.awaiting_draw(usize::MAX) {
        shop.settle(awaited.group);
    }
    ship(&mut shop);
    shop.wait(100 * 86_400);
    ticks(&mut shop);
    shop.refund_all();
    let open: Vec<_> = shop.world.open_withdrawals().map(|(id, _)| id).collect();
    for withdrawal in open {
        // One that is approved cannot be rejected any more, but is paid.
        if shop
            .try_do(Command::RejectWithdrawal { withdrawal })
            .is_err()
        {
            let outcome = PayoutOutcome::Paid;
            shop.must(Command::NotePayout {
                withdrawal,
                outcome,
            });
        }
    }
    shop.month_over();
    shop.check();
    let drafts: Vec<Statement> = shop.world.open_statements().copied().collect();
    for statement in drafts.iter().map(|known| known.drafted.statement) {
        shop.confirm(statement).unwrap();
        if shop.world.statement(statement).is_some() {
            shop.transfer(statement, "a").unwrap();
        }
    }
    crate::statements::check_lines(&shop.records);
    shop.check();
    assert_eq!(shop.balance("channel"), channel_by_events(&shop.records));
    for account in [
        "escrow",
        "refunds-due",
        "vesting",
        "vesting-coins",
        "withdrawals-due",
        "merchant-vesting",
        "merchant-payable",
        "merchant-stated",
    ] {
        assert_eq!(shop.balance(account), 0, "{account}");
    }
    check_vesting(shop.records.iter().flat_map(|record| &record.events));
    shop.records
}

/// The platform's own, or a merchant's.
fn whosever() -> impl Strategy<Value = Campaign> {
    let commission = prop::option::weighted(0.3, (0u32..300_000).prop_map(Rate));
    (terms(), commission).prop_map(|(mut terms, commission)| {
        terms.merchant = commission.map(|commission| MerchantTerms { commission });
        terms
    })
}

fn histories() -> impl Strategy<Value = (Vec<Campaign>, Vec<Step>)> {
    (
        prop::collection::vec(whosever(), 1..3),
        prop::collection::vec(step(), 20..320),
    )
}

/// Every kind of event; a new one is to be reached, too.
fn kind(event: &Event) -> &'static str {
    match event {
        Event::Alliance(event) => event.name(),
        Event::Shop(event) => event.name(),
        Event::Recharge(event) => event.name(),
        Event::Circle(_) => "circle",
        Event::Table(_) => "table",
        Event::Ballot(_) => "ballot",
        Event::Identity(_) => "identity",
        Event::RoundFoundLate { .. } => "round-found-late",
        Event::AccountDeleted { .. } => "account-deleted",
        Event::MemberRegistered { .. } => "registered",
        Event::InviterBound { .. } => "bound",
        Event::CampaignPublished { .. } => "published",
        Event::CapitalDeposited { .. } => "capital",
        Event::GroupOpened { .. } => "opened",
        Event::SeatReserved { .. } => "reserved",
        Event::SeatLapsed { .. } => "lapsed",
        Event::PaymentAccepted { .. } => "accepted",
        Event::PaymentBounced { .. } => "bounced",
        Event::SeatLeft { .. } => "left",
        Event::GroupFilled { .. } => "filled",
        Event::GroupClosed { why, .. } => match why {
            Closing::Expired => "expired",
            Closing::LeaderGone => "leader gone",
            Closing::Cancelled => "cancelled",
            Closing::Void => "void",
        },
        Event::GroupSettled(_) => "settled",
        Event::RefundPaid { .. } => "refunded",
        Event::OrderShipped { .. } => "shipped",
        Event::OrderReceived { .. } => "received",
        Event::OrderKept { .. } => "kept",
        Event::RewardsVested { .. } => "vested",
        Event::OrderReturning { .. } => "returning",
        Event::OrderReturned { .. } => "returned",
        Event::PlanPublished { .. }
        | Event::RanksCounted { .. }
        | Event::RankSet { .. }
        | Event::RegionDeclared { .. }
        | Event::Delivery(_)
        | Event::AgentAppointed { .. }
        | Event::AgentDismissed { .. }
        | Event::MemberFrozen { .. }
        | Event::MemberUnfrozen { .. }
        | Event::ProfileAdopted { .. } => "people",
        Event::DividendClosed { .. } | Event::DividendsPaid { .. } => "dividend",
        Event::WithdrawalRequested { .. } => "asked",
        Event::WithdrawalApproved { .. } => "approved",
        Event::WithdrawalRejected { .. } => "rejected",
        Event::WithdrawalWaiting { .. } => "confirmation awaited",
        Event::WithdrawalPaid { .. } => "paid out",
        Event::WithdrawalFailed { .. } => "not paid out",
        Event::CoinsExpired { .. } => "people",
        Event::LimitsSet { .. } | Event::SelfExcluded { .. } | Event::PausesBegun { .. } => {
            "limits"
        }
        Event::ClawedBack { short, .. } if short.is_positive() => "clawed back more than there was",
        Event::ClawedBack { .. } => "clawed back",
        Event::TaxPaid { .. } => "tax paid",
        Event::SuppliersPaid { .. } => "suppliers paid",
    }
}

/// Random histories are worth what they reach: most of these, always the same ones, settle a group and vest its
/// rewards, and together they see every kind of event.
#[test]
fn random_histories_reach_everything() {
    const CASES: u32 = 90;
    let mut runner = TestRunner::deterministic();
    let (mut total, mut cases) = (BTreeMap::new(), BTreeMap::new());
    for _ in 0..CASES {
        let (campaigns, steps) = histories().new_tree(&mut runner).unwrap().current();
        let mut events: Vec<&str> = Vec::new();
        let records = live(campaigns, &steps);
        events.extend(records.iter().flat_map(|record| &record.events).map(kind));
        for &event in &events {
            *total.entry(event).or_insert(0u32) += 1;
        }
        events.sort_unstable();
        events.dedup();
        for event in events {
            *cases.entry(event).or_insert(0u32) += 1;
        }
    }
    assert_eq!(total.len(), 47, "{cases:?} {total:?}");
    for event in ["filled", "settled"] {
        assert!(CASES / 2 < cases[event], "{cases:?} {total:?}");
    }
    assert!(CASES / 3 < cases["vested"], "{cases:?} {total:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// No order of events breaks an invariant; replay equals live; refused commands change nothing.
    #[test]
    fn random_histories_keep_every_invariant((campaigns, steps) in histories()) {
        live(campaigns, &steps);
    }

    /// No program ever pays more than its bound, no group more than its envelope, and the owner of a campaign that
    /// passes the gate never keeps less than his worst case.
    #[test]
    fn bounds_are_never_exceeded(
        terms in terms(),
        uplines in prop::collection::vec(prop::collection::vec((0u32..5, 0u32..5), 0..4), 8),
        vias in prop::collection::vec(prop::option::of(0u32..8), 8),
        first in 0u32..7,
        homes in prop::collection::vec(prop::option::of((0u32..3).prop_map(StoreId)), 8),
    ) {
        prop_assume!(terms.check().is_ok());
        let group = &terms.group;
        let seats: Vec<FilledSeat> = (0..group.seats).zip(uplines).zip(vias).zip(homes).map(|(((index, uplines), via), home_store)| FilledSeat {
            index,
            member: MemberId(index),
            via: via.map(MemberId),
            uplines: uplines.into_iter().map(|(member, vip)| Upline { member: MemberId(100 + member), vip, rank: 0, frozen: false }).collect(), walk: Vec::new(), agents: domain::Agents::default(), home_store }).collect();
        let winners: Vec<u32> = (0..group.winners).map(|step| (first + step) % group.seats).collect();
        let settlement = settle(&terms, &seats, &winners).unwrap();
        let printed = solvency(&terms).unwrap();
        for (rule, (term, reward)) in (0u32..).zip(printed.rewards.iter().zip(&terms.rewards)) {
            let paid: i64 = settlement.rewards.iter().filter(|paid| paid.rule == rule).map(|paid| paid.cash.0).sum();
            let uniform = if reward.is_uniform_consolation() { settlement.cash_of(ProgramKind::Consolation).unwrap().0 } else { 0 };
            prop_assert!(paid + uniform <= term.bound.cash.0);
        }
        let origin = settlement.origin_cash().unwrap();
        prop_assert!(origin <= printed.origin_share);
        prop_assert!(settlement.rewards_cash().unwrap().0 - origin.0 <= printed.envelope.cash.0);
        let told = odds(&terms).unwrap();
        for seat in (0..group.seats).filter(|seat| !winners.contains(seat)) {
            let own = settlement.rewards.iter().filter(|paid| paid.program == ProgramKind::Consolation);
            let cash: i64 = own.filter(|paid| paid.source_seat == Some(seat)).map(|paid| paid.cash.0).sum();
            prop_assert!(told.consolation_cash_at_least.0 <= cash + settlement.consolation_cash.0);
        }
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
