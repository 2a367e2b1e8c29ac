//! Bytes on customers' disks. Repair the decoder, never these lines.

use domain::*;

use crate::{
    dividends::{pooling, shared},
    profiles::own_profile,
    shop::{Shop, campaign, consolation, e0, e2},
    standing::{low_plan, sale},
};

/// One record of every kind of event, each as the hex it was first written with.
const RECORDS: &str = include_str!("stored_records_1.txt");

/// The same of campaigns of other kinds and of terms that came later.
const KINDS: &str = include_str!("stored_records_2.txt");

/// The same of people: plans, ranks, regions, agents, and who is frozen.
const PEOPLE: &str = include_str!("stored_records_3.txt");

/// The same of dividend pools, how they close, and what returns take out of them; then of limits that members set.
const DIVIDENDS: &str = include_str!("stored_records_4.txt");

/// The same of profiles.
const PROFILES: &str = include_str!("stored_records_7.txt");

/// The same of the alliance: merchants, contracts, stores, and what is sold for them.
const ALLIANCE: &str = include_str!("stored_records_6.txt");

/// The same of the shop: stock, purchases, what is returned.
const SHOP: &str = include_str!("stored_records_10.txt");
/// The same of counters.
const COUNTERS: &str = include_str!("stored_records_8.txt");
/// The same of treats and their tables.
const TABLES: &str = include_str!("stored_records_12.txt");
/// The same of circles that take turns.
const TURNS: &str = include_str!("stored_records_9.txt");

/// The same of home stores.
const HOMES: &str = include_str!("stored_records_13.txt");

/// The same of merchants' statements.
const STATEMENTS: &str = include_str!("stored_records_14.txt");
/// The same of who is who.
const IDENTITIES: &str = include_str!("stored_records_18.txt");
/// The same of members' own delivery addresses.
const DELIVERIES: &str = include_str!("stored_records_21.txt");
/// The same of ballots.
const BALLOTS: &str = include_str!("stored_records_11.txt");

/// The same of bought coins.
const RECHARGES: &str = include_str!("stored_records_10b.txt");

/// The same of tax that is withheld.
const TAXES: &str = include_str!("stored_records_15.txt");

/// The same of counters whose cash the platform takes.
const COUNTER_CASH: &str = include_str!("stored_records_17.txt");

/// The same of bought coins that pay a part of bills at counters.
const BOUGHT_AT_COUNTERS: &str = include_str!("stored_records_19.txt");
/// The same of a round found after a void.
const LATE_ROUNDS: &str = include_str!("stored_records_22.txt");

/// The same of payments that a limit stops, each by its own word.
const STOPPED: &str = include_str!("stored_records_23.txt");

/// The same of what suppliers were paid.
const SUPPLIERS: &str = include_str!("stored_records_24.txt");

/// The same of an account that was deleted.
const DELETIONS: &str = include_str!("stored_records_25.txt");

/// The same of what packages give beside coins.
const GIFTS: &str = include_str!("stored_records_20.txt");

/// The same of purchases that nobody fetched.
const NEVER_FETCHED: &str = include_str!("stored_records_27.txt");

/// The same of statements that are drawn up again, and of home stores that wait for what others' stores took.
const DRAWN_AGAIN: &str = include_str!("stored_records_28.txt");
const SHARES_AT_COUNTERS: &str = include_str!("stored_records_31.txt");

/// The same of what merchants pay of what they owe.
const DEBTS: &str = include_str!("stored_records_30.txt");

/// What was written once and is written otherwise today.
const OLDER: &str = include_str!("stored_records_16.txt");
/// The same of home stores that had their shares at once where the platform took the cash.
const OLDER_SHARES: &str = include_str!("stored_records_29.txt");

type Make = fn() -> Vec<Record>;

/// Each with what makes it today.
const HISTORIES: [(Make, &str); 29] = [
    (every_kind, RECORDS),
    (other_kinds, KINDS),
    (people, PEOPLE),
    (dividends, DIVIDENDS),
    (profiles, PROFILES),
    (withdrawals, WITHDRAWALS),
    (alliance, ALLIANCE),
    (crate::purchases::every_kind, SHOP),
    (crate::recharges::every_kind, RECHARGES),
    (counters, COUNTERS),
    (homes, HOMES),
    (statements, STATEMENTS),
    (turns, TURNS),
    (tables, TABLES),
    (crate::taxes::every_kind, TAXES),
    (crate::ballots::every_kind, BALLOTS),
    (crate::identities::every_kind, IDENTITIES),
    (crate::deliveries::every_kind, DELIVERIES),
    (crate::counter_cash::every_kind, COUNTER_CASH),
    (crate::bought_at_counters::every_kind, BOUGHT_AT_COUNTERS),
    (crate::late_rounds::every_kind, LATE_ROUNDS),
    (stopped, STOPPED),
    (crate::suppliers::every_kind, SUPPLIERS),
    (crate::gifts::every_kind, GIFTS),
    (crate::deletions::every_kind, DELETIONS),
    (crate::purchases::never_fetched, NEVER_FETCHED),
    (crate::counter_cash::withdrawn, DRAWN_AGAIN),
    (crate::homes::at_counters, SHARES_AT_COUNTERS),
    (crate::debts::every_kind, DEBTS),
];

fn stopped() -> Vec<Record> {
    crate::limits::stopped().0.records
}

/// A template, a table that is drawn, and one that is cancelled before anybody sits down.
fn tables() -> Vec<Record> {
    let mut diner = crate::tables::Diner::new(crate::tables::template());
    let guests = diner.shop.members(2);
    let table = diner.open(12_345, 2);
    let group = diner.fill(&table, &guests);
    diner.shop.settle(group);
    let empty = diner.open(20_000, 3);
    diner.cancel(&empty).unwrap();
    diner.shop.check();
    diner.shop.records
}

/// A circle's first two groups, one that expires, and a member who leaves.
fn turns() -> Vec<Record> {
    let mut shop = Shop::new();
    let id = shop.publish(crate::circles::circle(10_000, 3, 1));
    let members = shop.members(3);
    let circle = shop.fill(id, &members);
    shop.settle(circle);
    let next = crate::circles::next_round(&mut shop, circle, &members);
    shop.settle(next);
    let command = CircleCommand::OpenRound {
        circle,
        member: members[2],
    };
    shop.must(Command::Circle(command));
    shop.wait(86_400);
    shop.must(Command::Tick(Due::Group(GroupId(next.0 + 1))));
    let member = members[1];
    shop.must(Command::Circle(CircleCommand::Leave { circle, member }));
    shop.check();
    shop.records
}

/// Records of every kind.
pub(crate) fn histories() -> Vec<Record> {
    HISTORIES.iter().flat_map(|(make, _)| make()).collect()
}

/// Limits that are tightened and loosened, a pause after a loss, an exclusion.
fn limits(shop: &mut Shop, members: [MemberId; 2]) {
    let drawn = shop.publish(campaign(10_000, 2, 1, 2_000));
    let tight = MemberLimits {
        entries_per_day: Some(3),
        money_in_groups: Some(Money(50_000)),
        loss_pause: Some(LossPause {
            losses: 1,
            pause: Duration(DAY_MS),
        }),
    };
    for member in members {
        for limits in [tight, MemberLimits::default()] {
            shop.must(Command::SetLimits { member, limits });
        }
    }
    let group = shop.fill(drawn, &members);
    let outcome = Box::new(shop.outcome(group));
    shop.must(Command::SettleGroup { group, outcome });
    for (member, days) in members.into_iter().zip([Some(30), None]) {
        shop.must(Command::ExcludeSelf { member, days });
    }
}

fn dividends() -> Vec<Record> {
    let mut shop = Shop::new();
    let by_sales = shop.publish_plan(shared(Period::Day, DividendWeight::TeamSales));
    let by_rank = DividendWeight::ByRank(vec![1, 2, 5]);
    let by_rank = shop.publish_plan(shared(Period::Week, by_rank));
    let first = shop.publish(pooling(by_sales));
    let mut terms = pooling(by_rank);
    terms.leftover = Leftover::Dividend;
    let second = shop.publish(terms);
    let top = shop.member(None);
    let buyers = [shop.member(Some(top)), shop.member(Some(top))];
    for offer in [first, second, second] {
        let (_, settled) = shop.buy(offer, buyers);
        let orders = shop.hand_over(&settled);
        if offer == second {
            shop.give_back(orders[1]);
        }
    }
    shop.days(15);
    limits(&mut shop, buyers);
    shop.check();
    shop.records
}

fn alliance() -> Vec<Record> {
    let mut shop = Shop::new();
    crate::alliance::every_kind(&mut shop);
    shop.check();
    shop.records
}

fn counters() -> Vec<Record> {
    let mut shop = Shop::new();
    crate::counters::every_kind(&mut shop);
    shop.check();
    shop.records
}

fn homes() -> Vec<Record> {
    let mut shop = Shop::new();
    crate::homes::every_kind(&mut shop);
    shop.check();
    shop.records
}

fn statements() -> Vec<Record> {
    let mut shop = Shop::new();
    crate::statements::every_kind(&mut shop);
    shop.check();
    shop.records
}

fn profiles() -> Vec<Record> {
    let mut shop = Shop::new();
    let own = Profile::Own(Box::new(own_profile()));
    for profile in [Profile::CnDefault, own.clone(), Profile::Seed, own] {
        shop.must(Command::AdoptProfile {
            profile: Box::new(profile),
        });
    }
    let mut terms = e0();
    terms.profile = Profile::Own(Box::new(own_profile()));
    terms.rewards[0] = consolation(500, 300);
    let id = shop.publish(terms);
    let members = shop.members(5);
    let group = shop.fill(id, &members);
    shop.settle(group);
    shop.wait(400 * 86_400);
    shop.tick();
    shop.check();
    shop.records
}

/// The same of withdrawals.
const WITHDRAWALS: &str = include_str!("stored_records_5.txt");

fn withdrawals() -> Vec<Record> {
    let mut shop = Shop::new();
    let id = shop.publish(e0());
    let members = shop.members(5);
    let group = shop.fill(id, &members);
    let settled = shop.settle(group);
    let member = settled.refunded()[0].1.member;
    for token in 1..5 {
        shop.must(Command::Withdraw {
            member,
            token: [token; 16],
            amount: Money(110),
            account: [7; 16],
        });
    }
    for withdrawal in [0, 1, 2].map(WithdrawalId) {
        shop.must(Command::ApproveWithdrawal { withdrawal });
    }
    let withdrawal = WithdrawalId(3);
    shop.must(Command::RejectWithdrawal { withdrawal });
    for (withdrawal, outcome) in [
        (0, PayoutOutcome::Paid),
        (1, PayoutOutcome::Failed(PayoutFailure::Failed)),
        (2, PayoutOutcome::Waiting),
        (2, PayoutOutcome::Failed(PayoutFailure::Expired)),
    ] {
        shop.must(Command::NotePayout {
            withdrawal: WithdrawalId(withdrawal),
            outcome,
        });
    }
    for (fen, group) in [(300, None), (200, Some(group))] {
        shop.must(Command::ClawBack {
            member,
            amount: Money(fen),
            group,
        });
    }
    shop.check();
    shop.records
}

fn people() -> Vec<Record> {
    let mut shop = Shop::new();
    let plan = shop.publish_plan(low_plan());
    let by_heads = PlanTerms::first().clone();
    shop.publish_plan(by_heads);
    let sale = shop.publish(sale(plan, 5_000));
    let top = shop.member(None);
    let other = shop.member(Some(top));
    let buyers = [shop.member(Some(other)), shop.member(Some(other))];
    let county: Region = "330106".parse().unwrap();
    shop.must(Command::DeclareRegion {
        member: buyers[0],
        region: county,
    });
    for (region, member) in [(county, top), (county.province(), other)] {
        shop.must(Command::AppointAgent { region, member });
    }
    shop.buy(sale, buyers);
    shop.keep_all();
    shop.wait(86_400);
    shop.tick();
    shop.must(Command::FreezeMember { member: top });
    shop.buy(sale, buyers);
    shop.must(Command::UnfreezeMember { member: top });
    for rank in [Some(3), None] {
        shop.must(Command::SetRank {
            member: top,
            plan,
            rank,
        });
    }
    shop.must(Command::DismissAgent { region: county });
    shop.check();
    shop.records
}

fn other_kinds() -> Vec<Record> {
    let mut shop = Shop::new();
    let mut sold = campaign(10_000, 2, 2, 6_000);
    sold.kind = Kind::EveryoneBuys;
    let mut bonus = campaign(10_000, 3, 1, 6_000);
    bonus.kind = Kind::BonusDraw;
    bonus.prize = Some(Prize {
        title: bonus.name.clone(),
        cost: Money(500),
    });
    bonus.rewards = vec![crate::shop::consolation(10, 20)];
    let mut buys = campaign(1_000, 3, 2, 100);
    buys.group.leader = LeaderRule::Buys;
    let mut chance = campaign(1_000, 4, 3, 100);
    chance.group.chance = Some(Chance {
        p: Rate(500_000),
        min: 1,
    });
    for terms in [sold, bonus, buys, chance] {
        let id = shop.publish(terms.clone());
        let members = shop.members(terms.group.seats);
        let group = shop.open(id, members[0]);
        for &member in &members[1..] {
            shop.seat(group, member);
        }
        if terms.is_drawn() {
            shop.settle(group);
        }
    }
    // The last group is a chance's; the first was sold whole: its two buyers return, one by himself.
    for order in [OrderId(0), OrderId(1)] {
        let member = shop.world.order(order).unwrap().member;
        shop.must(Command::ShipOrder { order });
        shop.must(Command::ReceiveOrder { order, member });
        shop.must(Command::ReturnOrder { order, member });
    }
    shop.must(Command::TakeBackOrder { order: OrderId(0) });
    shop.wait(15 * 86_400);
    shop.must(Command::Tick(Due::Order(OrderId(1))));
    shop.check();
    shop.records
}

fn every_kind() -> Vec<Record> {
    let mut shop = Shop::new();
    let id = shop.publish(e0());
    let wide = shop.publish(e2());
    shop.must(Command::DepositCapital {
        amount: Money(1_000_000),
    });
    let members: Vec<MemberId> = (0..6)
        .map(|_| {
            let inviter = shop.member(None);
            shop.member(Some(inviter))
        })
        .collect();
    let group = shop.open(id, members[0]);
    let leaver = shop.seat(group, members[5]);
    shop.pay_as(leaver, "x", Money(10_000)).unwrap();
    shop.must(Command::LeaveGroup {
        group,
        member: members[5],
    });
    let lapsing = shop.join(group, members[5]).unwrap();
    shop.wait(400);
    let free = shop.member(None);
    shop.must(Command::JoinGroup {
        group,
        member: free,
        via: Some(members[0]),
    });
    assert_ne!(lapsing.index, 0);
    shop.must(Command::LeaveGroup {
        group,
        member: free,
    });
    for &member in &members[1..5] {
        shop.seat(group, member);
    }
    let order = shop.settle(group).first_order;
    shop.refund_all();
    shop.must(Command::ShipOrder { order });
    shop.wait(30 * 86_400);
    let (_, due) = shop.world.next_timer().unwrap();
    shop.must(Command::Tick(due));
    let expiring = shop.open(wide, members[0]);
    shop.wait(86_400);
    shop.must(Command::Tick(Due::Group(expiring)));
    let key = Some(IdempotencyKey {
        key: [1; 16],
        content: [2; 16],
    });
    let command = Command::OpenGroup {
        campaign: id,
        member: members[0],
        via: None,
    };
    shop.request(&Request {
        actor: Actor::Member(members[0]),
        key,
        command,
    })
    .unwrap();
    shop.check();
    shop.records
}

fn hex(bytes: &[u8]) -> String {
    draw::to_hex(bytes)
}

#[test]
fn every_kind_ever_written_reads_back_to_the_same_bytes() {
    let mut kinds = std::collections::BTreeSet::new();
    let stored = HISTORIES.iter().flat_map(|(_, stored)| stored.lines());
    for line in stored.chain(OLDER.lines()).chain(OLDER_SHARES.lines()) {
        let bytes: Vec<u8> = (0..line.len() / 2)
            .map(|at| u8::from_str_radix(&line[2 * at..2 * at + 2], 16).unwrap())
            .collect();
        let record: Record = minicbor::decode(&bytes).unwrap();
        assert_eq!(hex(&minicbor::to_vec(&record).unwrap()), line);
        kinds.extend(record.events.iter().map(|event| {
            format!("{event:?}")
                .split([' ', '(', '{'])
                .next()
                .unwrap()
                .to_owned()
        }));
    }
    assert_eq!(kinds.len(), 54, "{kinds:?}");
}

#[test]
fn todays_records_are_the_stored_ones() {
    let mut changed = String::new();
    for (make, stored) in HISTORIES {
        let today: Vec<String> = make()
            .iter()
            .map(|record| hex(&minicbor::to_vec(record).unwrap()))
            .collect();
        let stored: Vec<&str> = stored.lines().collect();
        if today != stored {
            changed.push_str(&today.join("\n"));
            changed.push_str("\n\n");
        }
    }
    assert!(
        changed.is_empty(),
        "the bytes that are written have changed; today's are:\n{changed}"
    );
}

#[test]
fn a_stored_history_replays_to_a_world_without_violations() {
    let older = [OLDER_SHARES];
    let histories = HISTORIES.iter().map(|(_, history)| *history);
    for history in histories.chain(older) {
        let mut world = World::default();
        for line in history.lines() {
            let bytes: Vec<u8> = (0..line.len() / 2)
                .map(|at| u8::from_str_radix(&line[2 * at..2 * at + 2], 16).unwrap())
                .collect();
            world.apply(&minicbor::decode::<Record>(&bytes).unwrap());
        }
        assert_eq!(world.violations(), Vec::<String>::new());
    }
}

#[test]
fn unknown_kinds_and_damaged_snapshots_are_errors() {
    // Event kind 200.
    let unknown = [0x84, 0x00, 0x81, 0x00, 0xf6, 0x81, 0x82, 0x18, 0xc8, 0x00];
    assert!(minicbor::decode::<Record>(&unknown).is_err());
    assert!(World::from_snapshot(&[]).is_err());
    let snapshot = Shop::new().world.to_snapshot();
    assert!(World::from_snapshot(&snapshot[..snapshot.len() - 1]).is_err());
    let mut other = snapshot.clone();
    other[2] = 0x01;
    assert!(matches!(
        World::from_snapshot(&other),
        Err(SnapshotError::OtherFormat(1))
    ));
}

/// A snapshot is compared with a replay, byte by byte. If these differ, raise the number of the format, so that one that an
/// earlier version wrote is passed over and not taken for a forged one.
#[test]
fn a_snapshot_has_the_bytes_that_its_format_had() {
    let mut shop = Shop::new();
    let id = shop.publish(e0());
    let members = shop.members(5);
    let group = shop.open(id, members[0]);
    shop.seat(group, members[1]);
    shop.join(group, members[2]).unwrap();
    shop.seat(group, members[3]);
    shop.open(id, members[1]);
    shop.fill(id, &members);
    let played = shop.fill(id, &members);
    shop.settle(played);
    let snapshot = shop.world.to_snapshot();
    let hash = hex(&draw::hash(&snapshot).0);
    let known = "5322f751ecd904f901d419162bd8cc70729cf477bb744108cd645a7dd768c546";
    assert_eq!((snapshot[2], hash.as_str()), (10, known));
}
