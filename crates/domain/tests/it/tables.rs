//! Treats (rules 4): a template, the tables that cashiers open under it, and what becomes of their bills.

use domain::{
    rewards::{Base, Formation, Generation, Limit, Program, Reward, Source},
    *,
};
use proptest::prelude::*;

use crate::{
    alliance::contract,
    shop::{Shop, campaign, consolation, reserved},
};

/// Rules 12, E3, as a template: bills of 50.00 to 300.00, two to five guests.
pub(crate) fn template() -> Campaign {
    let mut terms = campaign(30_000, 5, 1, 0);
    terms.kind = Kind::Treat;
    terms.product.fulfilment = Fulfilment::AtTable;
    terms.merchant = Some(MerchantTerms {
        commission: Rate(100_000),
    });
    terms.group.fill_within = Duration::seconds(1_800);
    terms.group.seats_from = Some(2);
    terms.group.price_from = Some(Money(5_000));
    terms.rewards = vec![consolation(500, 0)];
    terms
}

/// A merchant with a store and a published template.
pub(crate) struct Diner {
    pub(crate) shop: Shop,
    pub(crate) merchant: MerchantId,
    pub(crate) store: StoreId,
    pub(crate) template: CampaignId,
    tokens: u8,
}

impl Diner {
    pub(crate) fn new(terms: Campaign) -> Diner {
        let mut shop = Shop::new();
        let commission = terms.merchant.map(|terms| terms.commission);
        let merchant = shop.admit(Contract {
            commission,
            ..contract()
        });
        let store = shop.open_store(merchant);
        let template = shop.publish_for(merchant, terms).unwrap();
        Diner {
            shop,
            merchant,
            store,
            template,
            tokens: 0,
        }
    }

    fn command(&mut self, bill: i64, seats: u32) -> TableCommand {
        self.tokens += 1;
        let mut token = [3; 16];
        token[0] = self.tokens;
        TableCommand::Open {
            template: self.template,
            store: self.store,
            bill: TableBill {
                bill: Money(bill),
                seats,
            },
            circle: None,
            token,
        }
    }

    pub(crate) fn ask(&mut self, command: TableCommand) -> Result<Answer, Refusal> {
        self.shop.try_do(Command::Table(command))
    }

    fn try_open(&mut self, bill: i64, seats: u32) -> Result<Answer, Refusal> {
        let command = self.command(bill, seats);
        self.ask(command)
    }

    #[track_caller]
    pub(crate) fn open(&mut self, bill: i64, seats: u32) -> TableView {
        match self.try_open(bill, seats) {
            Ok(Answer::Table(table)) => self.table(table),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn table(&self, table: TableId) -> TableView {
        self.shop.world.table(table).unwrap()
    }

    pub(crate) fn sit(
        &mut self,
        table: &TableView,
        member: MemberId,
    ) -> Result<PaymentId, Refusal> {
        let command = TableCommand::Join {
            token: table.token,
            member,
            via: None,
        };
        self.ask(command).map(reserved)
    }

    /// Sits down and pays.
    #[track_caller]
    pub(crate) fn seat(&mut self, table: &TableView, member: MemberId) -> GroupId {
        let payment = self.sit(table, member).unwrap();
        assert_eq!(
            self.shop.pay(payment),
            PaymentAnswer::Seated(payment),
            "{payment}"
        );
        payment.group
    }

    #[track_caller]
    pub(crate) fn fill(&mut self, table: &TableView, guests: &[MemberId]) -> GroupId {
        for &guest in guests {
            self.seat(table, guest);
        }
        let group = self.table(table.table).group.unwrap();
        assert_eq!(self.shop.state(group), GroupState::Full);
        group
    }

    pub(crate) fn cancel(&mut self, table: &TableView) -> Result<Answer, Refusal> {
        let (table, store) = (table.table, table.store);
        self.ask(TableCommand::Cancel { table, store })
    }

    /// What was said when a table was settled.
    fn settling(&self) -> Vec<&'static str> {
        let settles = |record: &&Record| {
            let mut events = record.events.iter();
            events.any(|event| matches!(event, Event::GroupSettled(_)))
        };
        let record = self.shop.records.iter().find(settles).unwrap();
        record.events.iter().map(name).collect()
    }

    fn money(&self) -> (i64, i64, i64) {
        let (payable, vesting, owes) = self.shop.world.merchant_money(self.merchant);
        (payable.0, vesting.0, owes.0)
    }
}

#[track_caller]
fn refused(outcome: Result<impl std::fmt::Debug, Refusal>, code: &str) {
    assert_eq!(outcome.unwrap_err().code(), code);
}

#[test]
fn e3_at_a_table_to_the_fen() {
    let mut diner = Diner::new(template());
    let guests = diner.shop.members(5);
    let table = diner.open(30_000, 5);
    assert_eq!(table.group, None);
    let group = diner.fill(&table, &guests);
    let settled = diner.shop.settle(group);
    assert_eq!(settled.winners.len(), 1);
    assert_eq!(settled.consolation_cash, Money(500));
    assert_eq!(diner.shop.refund_all(), Money(120_000));
    // No return: what is the merchant's is payable, and nothing waits.
    assert_eq!(diner.money(), (25_000, 0, 0));
    assert_eq!(diner.shop.balance("commission"), -3_000);
    assert_eq!(diner.shop.world.books().own, Money(3_000));
    let order = settled.first_order;
    assert_eq!(diner.shop.world.order(order), None);
    let winner = usize::try_from(settled.winners[0]).unwrap();
    for (at, &guest) in guests.iter().enumerate() {
        let known = diner.shop.world.member(guest).unwrap();
        let consoled = if at == winner { 0 } else { 500 };
        assert_eq!(
            (known.available, known.vesting, known.in_groups),
            (Money(consoled), Money(0), Money(0))
        );
    }
    for command in [
        Command::ShipOrder { order },
        Command::ReturnOrder {
            order,
            member: guests[winner],
        },
    ] {
        refused(diner.shop.try_do(command), "order_unknown");
    }
    let names = diner.settling();
    assert_eq!(names, ["settled", "sold", "kept", "vested-sale"]);
    diner.shop.check();
}

fn name(event: &Event) -> &'static str {
    match event {
        Event::GroupSettled(_) => "settled",
        Event::OrderKept { .. } => "kept",
        Event::RewardsVested { .. } => "vested",
        Event::Alliance(AllianceEvent::GroupSold(_)) => "sold",
        Event::Alliance(AllianceEvent::SaleVested { .. }) => "vested-sale",
        _ => "another",
    }
}

/// Other rewards than the consolation are available the moment the table is settled, too.
#[test]
fn rewards_of_a_table_do_not_wait() {
    let mut terms = template();
    terms.rewards.push(Reward {
        program: Program::Formation(Formation {
            per_recruit: Money(200),
        }),
        limit: Limit::None,
    });
    let mut diner = Diner::new(terms);
    let guests = diner.shop.members(3);
    let table = diner.open(10_000, 3);
    let group = diner.fill(&table, &guests);
    diner.shop.settle(group);
    let names = diner.settling();
    assert_eq!(names, ["settled", "sold", "kept", "vested", "vested-sale"]);
    let leader = diner.shop.world.member(guests[0]).unwrap();
    assert_eq!(leader.vesting, Money(0));
    assert!(Money(400) <= leader.available, "{}", leader.available);
    // 100 less 10 commission, 10 consolation, 4 formation.
    assert_eq!(diner.money(), (7_600, 0, 0));
    diner.shop.check();
}

#[test]
fn what_a_template_lets_a_cashier_open() {
    let mut diner = Diner::new(template());
    for (bill, seats, code) in [
        (4_999, 2, "table_bill_out_of_range"),
        (30_001, 5, "table_bill_out_of_range"),
        (0, 5, "table_bill_out_of_range"),
        (-1, 5, "table_bill_out_of_range"),
        (30_000, 1, "table_seats_out_of_range"),
        (30_000, 6, "table_seats_out_of_range"),
    ] {
        refused(diner.try_open(bill, seats), code);
    }
    for (bill, seats) in [(5_000, 2), (5_000, 5), (30_000, 2), (12_345, 4)] {
        let table = diner.open(bill, seats);
        let known = diner.shop.world.campaign(CampaignId::of_table(table.table));
        let terms = &known.unwrap().terms.group;
        assert_eq!((terms.price, terms.seats), (Money(bill), seats));
        assert_eq!((terms.price_from, terms.seats_from), (None, None));
    }
    // Another merchant's store, a template that is none, a store that there is not.
    let other = diner.shop.admit(contract());
    let foreign = diner.shop.open_store(other);
    let mut lunch = template();
    (lunch.kind, lunch.product.fulfilment) = (Kind::Draw, Fulfilment::Ship);
    (lunch.group.seats_from, lunch.group.price_from) = (None, None);
    let draw = diner.shop.publish_for(diner.merchant, lunch).unwrap();
    let known = CampaignId::of_table(TableId(0));
    for (template, store) in [
        (diner.template, foreign),
        (diner.template, StoreId(99)),
        (draw, diner.store),
        (CampaignId(99), diner.store),
        (known, diner.store),
    ] {
        let mut command = diner.command(10_000, 2);
        if let TableCommand::Open {
            template: asked,
            store: at,
            ..
        } = &mut command
        {
            (*asked, *at) = (template, store);
        }
        refused(diner.ask(command), "table_template_unknown");
    }
    let suspend = AllianceCommand::SuspendMerchant {
        merchant: diner.merchant,
    };
    diner.shop.alliance(suspend).unwrap();
    refused(diner.try_open(10_000, 2), "merchant_suspended");
    diner.shop.check();
}

/// Where a template names no smallest bill, a table's own gate says which are too small.
#[test]
fn a_bill_that_cannot_pay_its_consolation_is_refused() {
    let mut terms = template();
    terms.group.price_from = None;
    let mut diner = Diner::new(terms);
    // Four others get 5.00 each; of the bill 90 % are left.
    refused(diner.try_open(2_221, 5), "campaign_not_solvent");
    diner.open(2_222, 5);
    diner.open(2_221, 4);
    let mut named = template();
    named.group.price_from = Some(Money(2_221));
    let merchant = diner.merchant;
    refused(
        diner.shop.publish_for(merchant, named.clone()),
        "campaign_not_solvent",
    );
    let lines = solvency(&named).unwrap();
    assert_eq!((lines.sales, lines.worst), (Money(2_221), Money(-1)));
    named.group.price_from = Some(Money(2_222));
    diner.shop.publish_for(merchant, named).unwrap();
    diner.shop.check();
}

#[test]
fn templates_break_rules() {
    let check = |change: fn(&mut Campaign), says: &str| {
        let mut terms = template();
        change(&mut terms);
        assert_eq!(terms.check().unwrap_err().to_string(), says);
    };
    check(
        |terms| terms.group.seats_from = Some(6),
        "group.seats_from must be at most the seats",
    );
    check(
        |terms| terms.group.seats_from = Some(1),
        "group.seats must be between 2 and 10000",
    );
    check(
        |terms| terms.group.winners = 2,
        "group.winners must be at least 1 and less than the seats",
    );
    check(
        |terms| terms.group.seats_per_member = 3,
        "group.seats_per_member must be at least 1 and at most the seats",
    );
    check(
        |terms| terms.group.price_from = Some(Money(30_001)),
        "group.price_from must be at most the price",
    );
    check(
        |terms| terms.group.price_from = Some(Money(0)),
        "group.price is too small",
    );
    check(
        |terms| {
            (terms.kind, terms.product.fulfilment) = (Kind::Draw, Fulfilment::Ship);
        },
        "group.seats_from is only for treat",
    );
}

/// Nobody sits down but by the link: not by the template, nor by the group's number, nor through a gateway.
#[test]
fn a_table_is_joined_by_its_link_alone() {
    let mut diner = Diner::new(template());
    let guests = diner.shop.members(4);
    let table = diner.open(10_000, 3);
    let open = |campaign| Command::OpenGroup {
        campaign,
        member: guests[0],
        via: None,
    };
    refused(
        diner.shop.try_do(open(diner.template)),
        "table_only_by_link",
    );
    let hidden = CampaignId::of_table(table.table);
    refused(diner.shop.try_do(open(hidden)), "table_only_by_link");
    let stranger = TableView {
        token: [0; 16],
        ..table
    };
    refused(diner.sit(&stranger, guests[0]), "table_unknown");
    let group = diner.seat(&table, guests[0]);
    refused(diner.shop.join(group, guests[1]), "table_only_by_link");
    let txn = diner.shop.txn("gateway");
    let answer = diner.shop.must(Command::JoinPaid {
        group,
        member: guests[1],
        via: None,
        txn,
        amount: Money(10_000),
        tag: [1; 32],
    });
    let bounced = matches!(
        answer,
        Answer::Payment(PaymentAnswer::Bounced {
            reason: Bounce::NothingToPay,
            ..
        })
    );
    assert!(bounced, "{answer:?}");
    refused(diner.sit(&table, guests[0]), "seat_limit");
    diner.shop.must(Command::FreezeMember { member: guests[1] });
    refused(diner.sit(&table, guests[1]), "member_frozen");
    diner.seat(&table, guests[2]);
    diner.seat(&table, guests[3]);
    assert_eq!(diner.shop.state(group), GroupState::Full);
    refused(diner.cancel(&table), "group_not_open");
    diner.shop.check();
}

#[test]
fn a_table_ends_without_a_draw() {
    let mut diner = Diner::new(template());
    let guests = diner.shop.members(3);
    // Cancelled before anybody sat down, and twice.
    let table = diner.open(10_000, 3);
    let elsewhere = TableView {
        store: StoreId(7),
        ..table
    };
    refused(diner.cancel(&elsewhere), "table_unknown");
    diner.cancel(&table).unwrap();
    assert_eq!(diner.cancel(&table), Ok(Answer::Done));
    refused(diner.sit(&table, guests[0]), "table_over");
    // Cancelled with a guest who has paid.
    let table = diner.open(10_000, 3);
    let group = diner.seat(&table, guests[0]);
    diner.cancel(&table).unwrap();
    assert_eq!(diner.cancel(&table), Ok(Answer::Done));
    assert_eq!(diner.shop.state(group), GroupState::Cancelled);
    assert_eq!(diner.shop.refund_all(), Money(10_000));
    refused(diner.sit(&table, guests[1]), "group_not_open");
    // The time is the table's, not the first guest's.
    let table = diner.open(10_000, 3);
    diner.shop.wait(1_000);
    let group = diner.seat(&table, guests[0]);
    assert_eq!(
        diner.shop.world.group(group).unwrap().expires_at,
        Some(table.expires_at)
    );
    diner.shop.wait(800);
    refused(diner.sit(&table, guests[1]), "group_not_open");
    diner.shop.must(Command::Tick(Due::Group(group)));
    assert_eq!(diner.shop.state(group), GroupState::Expired);
    assert_eq!(diner.shop.refund_all(), Money(10_000));
    // Nobody came in time.
    let table = diner.open(10_000, 3);
    diner.shop.wait(1_800);
    refused(diner.sit(&table, guests[0]), "table_over");
    refused(diner.cancel(&table), "table_over");
    // No beacon.
    let table = diner.open(10_000, 3);
    let group = diner.fill(&table, &guests);
    diner.shop.wait(90_000);
    diner.shop.must(Command::VoidGroup { group });
    assert_eq!(diner.shop.refund_all(), Money(30_000));
    assert_eq!(diner.shop.world.books().own, Money(0));
    assert_eq!(diner.money(), (0, 0, 0));
    diner.shop.check();
}

#[test]
fn tables_of_a_suspended_merchant_finish() {
    let mut diner = Diner::new(template());
    let guests = diner.shop.members(2);
    let table = diner.open(10_000, 2);
    let suspend = AllianceCommand::SuspendMerchant {
        merchant: diner.merchant,
    };
    diner.shop.alliance(suspend).unwrap();
    let group = diner.fill(&table, &guests);
    diner.shop.settle(group);
    assert_eq!(diner.money(), (8_500, 0, 0));
    diner.shop.check();
}

#[test]
fn a_token_is_one_table_and_a_store_has_so_many() {
    let mut diner = Diner::new(template());
    let command = diner.command(10_000, 2);
    let first = diner.ask(command.clone());
    assert_eq!(first, Ok(Answer::Table(TableId(0))));
    assert_eq!(diner.ask(command.clone()), first);
    let TableCommand::Open {
        template,
        store,
        token,
        ..
    } = command
    else {
        panic!("an opening");
    };
    let bill = TableBill {
        bill: Money(10_001),
        seats: 2,
    };
    let other = TableCommand::Open {
        template,
        store,
        bill,
        circle: None,
        token,
    };
    refused(diner.ask(other), "table_unknown");
    let table = diner.table(TableId(0));
    for _ in 1..MAX_OPEN_TABLES {
        diner.open(10_000, 2);
    }
    refused(diner.try_open(10_000, 2), "tables_too_many");
    // One is cancelled, one is drawn, and then the time of all others is over.
    diner.cancel(&table).unwrap();
    let table = diner.open(10_000, 2);
    refused(diner.try_open(10_000, 2), "tables_too_many");
    let guests = diner.shop.members(2);
    let group = diner.fill(&table, &guests);
    diner.shop.settle(group);
    diner.open(10_000, 2);
    refused(diner.try_open(10_000, 2), "tables_too_many");
    diner.shop.wait(1_800);
    diner.open(10_000, 2);
    diner.shop.check();
}

/// Colleagues who take turns to treat, each time with another bill: everybody pays once before anybody pays twice.
#[test]
fn a_circle_takes_turns_at_tables() {
    let mut terms = template();
    terms.group.circle = Circle::Rotate;
    let mut diner = Diner::new(terms);
    let guests = diner.shop.members(4);
    let friends = &guests[..3];
    let next = |diner: &mut Diner, circle: Option<GroupId>, bill: i64, seats: u32| {
        let mut command = diner.command(bill, seats);
        if let TableCommand::Open { circle: of, .. } = &mut command {
            *of = circle;
        }
        match diner.ask(command)? {
            Answer::Table(table) => Ok(diner.table(table)),
            other => panic!("{other:?}"),
        }
    };
    refused(
        next(&mut diner, Some(GroupId(0)), 10_000, 3),
        "circle_unknown",
    );
    let first = diner.open(10_000, 3);
    let circle = diner.seat(&first, friends[0]);
    refused(next(&mut diner, Some(circle), 10_000, 3), "circle_unknown");
    diner.seat(&first, friends[1]);
    diner.seat(&first, friends[2]);
    refused(
        next(&mut diner, Some(circle), 10_000, 3),
        "circle_round_running",
    );
    let won = |settled: &GroupSettled| {
        let seat = usize::try_from(settled.winners[0]).unwrap();
        settled.seats[seat].member
    };
    let mut treated = vec![won(&diner.shop.settle(circle))];
    refused(
        next(&mut diner, Some(circle), 10_000, 4),
        "table_seats_out_of_range",
    );
    for bill in [5_000, 29_999, 12_345, 8_000, 6_543] {
        let table = next(&mut diner, Some(circle), bill, 3).unwrap();
        refused(diner.sit(&table, guests[3]), "circle_not_in");
        let group = diner.fill(&table, friends);
        let command = CircleCommand::OpenRound {
            circle,
            member: friends[0],
        };
        refused(
            diner.shop.try_do(Command::Circle(command)),
            "circle_round_running",
        );
        treated.push(won(&diner.shop.settle(group)));
    }
    for cycle in treated.chunks(3) {
        let mut cycle = cycle.to_vec();
        cycle.sort_unstable();
        assert_eq!(cycle, friends);
    }
    // Without a table there is no next group.
    let command = CircleCommand::OpenRound {
        circle,
        member: friends[0],
    };
    refused(
        diner.shop.try_do(Command::Circle(command)),
        "table_only_by_link",
    );
    diner.shop.check();
}

/// Entries a day are those at all tables of a template.
#[test]
fn a_days_entries_are_counted_for_the_template() {
    let mut terms = template();
    terms.group.entries_per_day = 2;
    let mut diner = Diner::new(terms);
    let guest = diner.shop.member(None);
    for _ in 0..2 {
        let table = diner.open(10_000, 2);
        diner.seat(&table, guest);
    }
    let table = diner.open(10_000, 2);
    refused(diner.sit(&table, guest), "entries_limit");
    diner.shop.must(Command::ExcludeSelf {
        member: guest,
        days: Some(7),
    });
    refused(diner.sit(&table, guest), "self_excluded");
    diner.shop.check();
}

/// What is open and what is over survives a snapshot, and goes on the same.
#[test]
fn tables_survive_a_snapshot() {
    let mut diner = Diner::new(template());
    let guests = diner.shop.members(3);
    let waiting = diner.open(10_000, 3);
    let begun = diner.open(20_000, 2);
    diner.seat(&begun, guests[0]);
    let cancelled = diner.open(10_000, 2);
    diner.cancel(&cancelled).unwrap();
    diner.shop.world = World::from_snapshot(&diner.shop.world.to_snapshot()).unwrap();
    for table in [waiting, begun, cancelled] {
        let known = diner.shop.world.table_of_token(&table.token);
        assert_eq!(known, Some(table.table));
    }
    let group = diner.seat(&begun, guests[1]);
    diner.shop.settle(group);
    diner.fill(&waiting, &guests);
    refused(diner.sit(&cancelled, guests[2]), "table_over");
    diner.shop.check();
}

prop_compose! {
    fn terms()(
        price in 1_000i64..100_000, (seats, fewest) in (2u32..8).prop_flat_map(|most| (Just(most), 2..=most)),
        cash in 0i64..600, recruit in 0i64..100, rate in 0u32..50_000, fee in 0u32..20_000, kept: bool,
        commission in 0u32..300_000, exempt: bool,
    ) -> Campaign {
        let mut terms = template();
        terms.group.price = Money(price);
        terms.group.price_from = None;
        terms.group.seats = seats;
        terms.group.seats_from = Some(fewest);
        terms.group.leader = if exempt { LeaderRule::Exempt } else { LeaderRule::Equal };
        terms.channel = ChannelTerms { fee: Rate(fee), kept_on_refund: kept };
        terms.merchant = Some(MerchantTerms { commission: Rate(commission) });
        terms.rewards = vec![
            consolation(cash, cash),
            Reward { program: Program::Formation(Formation { per_recruit: Money(recruit) }), limit: Limit::None },
            Reward {
                program: Program::Generation(Generation {
                    source: Source::Winners, base: Base::Price, rates: vec![Rate(rate)], vip_depth: None,
                }),
                limit: Limit::None,
            },
        ];
        terms
    }
}

/// How a random table ends.
#[derive(Clone, Copy, Debug)]
enum End {
    Drawn,
    Void,
    Expired,
    Cancelled,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever bill a cashier opens and however its table ends: nobody loses a fen, the merchant is never below zero, and
    /// bill = commission + fees + rewards + merchant.
    #[test]
    fn bills_neither_create_nor_destroy_money(
        terms in terms(),
        tables in prop::collection::vec((1i64..=1_000, 0u32..8, prop_oneof![
            3 => Just(End::Drawn), 1 => Just(End::Void), 1 => Just(End::Expired), 1 => Just(End::Cancelled),
        ]), 1..8),
    ) {
        prop_assume!(check_solvency(&terms).is_ok());
        let mut diner = Diner::new(terms.clone());
        let inviter = diner.shop.member(None);
        let guests: Vec<MemberId> = (0..8).map(|_| diner.shop.member(Some(inviter))).collect();
        let group = &terms.group;
        let fewest = group.seats_from.unwrap();
        for (share, more, end) in tables {
            let bill = (group.price.0 * share / 1_000).max(1);
            let seats = fewest + more % (group.seats - fewest + 1);
            let table = match diner.try_open(bill, seats) {
                Ok(Answer::Table(table)) => table,
                Ok(other) => panic!("{other:?}"),
                Err(refusal) => {
                    // Too small a bill for what the table promises, and nothing else.
                    prop_assert_eq!(refusal.code(), "campaign_not_solvent");
                    prop_assert!(bill < group.price.0);
                    continue;
                }
            };
            let table = diner.table(table);
            let payable = diner.money().0;
            let own = diner.shop.world.books().own;
            let fee = Money(bill).channel_fee(terms.channel.fee).unwrap();
            let count = usize::try_from(seats).unwrap();
            let paid = match end {
                End::Drawn | End::Void => count,
                End::Expired | End::Cancelled => count - 1,
            };
            for &guest in &guests[..paid] {
                diner.seat(&table, guest);
            }
            let group = diner.table(table.table).group.unwrap();
            match end {
                End::Drawn => {
                    let settled = diner.shop.settle(group);
                    let others = i64::from(seats) - 1;
                    let rewards: i64 = settled.rewards.iter().map(|paid| paid.cash.0).sum();
                    let rewards = rewards + settled.consolation_cash.0 * others;
                    let commission = Money(bill).share(terms.merchant.unwrap().commission).unwrap();
                    let fees = if terms.channel.kept_on_refund { fee.0 * i64::from(seats) } else { fee.0 };
                    let due = diner.money().0 - payable;
                    prop_assert!(0 <= due);
                    prop_assert_eq!(bill, commission.0 + fees + rewards + due);
                    prop_assert_eq!(diner.shop.refund_all(), Money(bill * others));
                    prop_assert_eq!(diner.shop.world.books().own, own.plus(commission).unwrap());
                }
                End::Void | End::Expired | End::Cancelled => {
                    match end {
                        End::Void => {
                            diner.shop.wait(90_000);
                            diner.shop.must(Command::VoidGroup { group });
                        }
                        End::Expired => {
                            diner.shop.wait(1_800);
                            diner.shop.must(Command::Tick(Due::Group(group)));
                        }
                        End::Drawn | End::Cancelled => { diner.cancel(&table).unwrap(); }
                    }
                    let back = bill * i64::try_from(paid).unwrap();
                    prop_assert_eq!(diner.shop.refund_all(), Money(back));
                    prop_assert_eq!(diner.money().0, payable);
                }
            }
            for &guest in &guests {
                let known = diner.shop.world.member(guest).unwrap();
                prop_assert_eq!((known.in_groups, known.vesting), (Money(0), Money(0)));
            }
            prop_assert_eq!(diner.money().1, 0);
        }
        diner.shop.check();
    }
}
