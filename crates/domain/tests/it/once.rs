//! Every payment that was ever reported is booked once, and then either kept by a winner or refunded once, in full.
//! Random histories with late, double and wrong payments, gateways, restarts, and deadlines met to the millisecond.

use std::collections::BTreeMap;

use domain::*;
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};

use crate::{
    shop::*,
    told::{Told, check_vesting},
};

/// One step. Numbers are taken modulo what there is; most numbers of groups mean the oldest open ones.
#[derive(Clone, Debug)]
enum Step {
    Open {
        campaign: u8,
        member: u8,
    },
    Join {
        group: u8,
        member: u8,
        via: u8,
    },
    Leave {
        group: u8,
        member: u8,
    },
    /// A reservation that waits is paid.
    Pay {
        waiting: u8,
        wrong_by: i64,
    },
    /// Any reservation is paid, in one of several payments.
    PayAny {
        group: u8,
        index: u8,
        version: u8,
        wrong_by: i64,
    },
    PaidJoin {
        group: u8,
        member: u8,
        via: u8,
        version: u8,
        wrong_by: i64,
    },
    /// What was reported before is reported again.
    Again {
        report: u8,
    },
    Wait {
        how_long: u8,
    },
    Ticks,
    Settle,
    Void,
    Cancel {
        group: u8,
    },
    Refund,
    Restart,
    Bounce {
        name: u8,
    },
    Keyed {
        group: u8,
        member: u8,
        key: u8,
    },
    Ship,
    Receive {
        order: u8,
    },
    Publish {
        exempt: bool,
        seats_per_member: u32,
    },
}

fn wrong_by() -> impl Strategy<Value = i64> {
    prop_oneof![10 => Just(0), 1 => Just(1), 1 => Just(-1)]
}

/// Mostly moments within a payment window, so that groups fill; else anything of [`WAITS`].
fn wait() -> impl Strategy<Value = Step> {
    prop_oneof![5 => 0u8..4, 3 => 0u8..14].prop_map(|how_long| Step::Wait { how_long })
}

fn paid_join() -> impl Strategy<Value = Step> {
    let numbers = any::<(u8, u8, u8)>();
    (numbers, 0u8..4, wrong_by()).prop_map(|((group, member, via), version, wrong_by)| {
        Step::PaidJoin {
            group,
            member,
            via,
            version,
            wrong_by,
        }
    })
}

fn pay_any() -> impl Strategy<Value = Step> {
    (any::<u8>(), 0u8..8, 0u8..3, wrong_by()).prop_map(|(group, index, version, wrong_by)| {
        Step::PayAny {
            group,
            index,
            version,
            wrong_by,
        }
    })
}

fn step() -> impl Strategy<Value = Step> {
    let number = any::<u8>;
    let pair = any::<(u8, u8)>;
    let triple = any::<(u8, u8, u8)>;
    prop_oneof![
        6 => pair().prop_map(|(campaign, member)| Step::Open { campaign, member }),
        24 => triple().prop_map(|(group, member, via)| Step::Join { group, member, via }),
        3 => pair().prop_map(|(group, member)| Step::Leave { group, member }),
        30 => (number(), wrong_by()).prop_map(|(waiting, wrong_by)| Step::Pay { waiting, wrong_by }),
        8 => pay_any(),
        12 => paid_join(),
        5 => number().prop_map(|report| Step::Again { report }),
        6 => wait(),
        4 => Just(Step::Ticks),
        6 => Just(Step::Settle),
        2 => Just(Step::Void),
        1 => number().prop_map(|group| Step::Cancel { group }),
        4 => Just(Step::Refund),
        2 => Just(Step::Restart),
        2 => number().prop_map(|name| Step::Bounce { name }),
        3 => triple().prop_map(|(group, member, key)| Step::Keyed { group, member, key }),
        4 => Just(Step::Ship),
        2 => number().prop_map(|order| Step::Receive { order }),
        1 => (any::<bool>(), 1u32..4).prop_map(|(exempt, seats_per_member)| {
            Step::Publish { exempt, seats_per_member }
        }),
    ]
}

/// Waits of 0 ms, 1 ms, windows to the millisecond, days.
const WAITS: [i64; 14] = [
    0,
    1,
    999,
    1_000,
    9_999,
    10_000,
    10_001,
    29_999,
    30_000,
    30_001,
    3_000,
    86_400_000,
    90_000_000,
    7 * 86_400_000,
];

fn terms(exempt: bool, seats_per_member: u32) -> Campaign {
    let mut terms = campaign(10_000, 4, 1, 2_000);
    terms.group.fill_within = Duration::seconds(30);
    terms.group.payment_window = Duration::seconds(10);
    terms.group.seats_per_member = seats_per_member;
    terms.group.leader = if exempt {
        LeaderRule::Exempt
    } else {
        LeaderRule::Equal
    };
    terms.channel = ChannelTerms {
        fee: Rate(6_000),
        kept_on_refund: exempt,
    };
    terms.rewards = vec![
        consolation(100, 50),
        rewards::Reward {
            program: rewards::Program::Formation(rewards::Formation {
                per_recruit: Money(100),
            }),
            limit: rewards::Limit::None,
        },
        rewards::Reward {
            program: rewards::Program::Leader(rewards::Leader {
                cash: Money(70),
                coins: Coins(30),
                unless_won: true,
            }),
            limit: rewards::Limit::None,
        },
        rewards::Reward {
            program: rewards::Program::Generation(rewards::Generation {
                source: rewards::Source::All,
                base: rewards::Base::Price,
                rates: vec![Rate(1_000), Rate(2_000)],
                vip_depth: None,
            }),
            limit: rewards::Limit::Own(Money(90)),
        },
    ];
    terms
}

/// A history, and what the channel has reported in it by the payment's name: the amount and the command.
struct History {
    shop: Shop,
    reported: BTreeMap<String, (Money, Command)>,
}

impl History {
    fn new(exempt: bool, seats_per_member: u32) -> History {
        let mut shop = Shop::new();
        shop.members(6);
        shop.must(Command::DepositCapital {
            amount: Money(1_000_000),
        });
        shop.publish(terms(exempt, seats_per_member));
        History {
            shop,
            reported: BTreeMap::new(),
        }
    }

    fn member(&self, number: u8) -> MemberId {
        MemberId(u32::from(number) % self.shop.world.members())
    }

    fn via(&self, number: u8) -> Option<MemberId> {
        number.is_multiple_of(3).then(|| self.member(number / 3))
    }

    /// Mostly one of the two oldest open groups, so that groups fill.
    fn group(&self, number: u8) -> GroupId {
        let open = (0..self.shop.world.groups())
            .map(GroupId)
            .filter(|&group| self.shop.state(group) == GroupState::Open)
            .take(2);
        let open: Vec<GroupId> = open.collect();
        let at = usize::from(number) % open.len().max(1);
        match open.get(at) {
            Some(&group) if number < 220 => group,
            Some(_) | None => GroupId(u64::from(number) % self.shop.world.groups().max(1)),
        }
    }

    fn events(&self) -> impl Iterator<Item = &Event> {
        self.shop.records.iter().flat_map(|record| &record.events)
    }

    /// Whether a payment was ever booked: what the history is asked before money goes back.
    fn is_booked(&self, name: &str) -> bool {
        self.events().any(|event| match event {
            Event::PaymentAccepted { txn, .. } | Event::PaymentBounced { txn, .. } => {
                txn.as_str() == name
            }
            _ => false,
        })
    }

    /// The channel reports a payment; under a known name it reports the known one again.
    fn report(&mut self, name: &str, amount: Money, command: Command) {
        let known = self.reported.entry(name.to_owned());
        let command = known.or_insert((amount, command)).1.clone();
        match self.shop.try_do(command.clone()) {
            Ok(Answer::Payment(_)) => {}
            Err(Refusal::PaymentNotInMemory(_) | Refusal::GroupNotInMemory(_)) => {
                if !self.is_booked(name) {
                    self.send_back(name, amount, &command);
                }
            }
            other => panic!("a payment is answered {other:?}: {command:?}"),
        }
    }

    fn send_back(&mut self, name: &str, amount: Money, command: &Command) {
        let (payment, member) = match command {
            Command::AcceptPayment { payment, .. } => (*payment, None),
            Command::JoinPaid { group, member, .. } => {
                let (group, index) = (*group, NO_RESERVATION);
                (PaymentId { group, index }, Some(*member))
            }
            other => panic!("{other:?} reports no payment"),
        };
        let txn = self.shop.txn(name);
        self.shop.must(Command::BouncePayment {
            payment: Some(payment),
            member,
            txn,
            amount,
        });
    }

    fn pay(&mut self, payment: PaymentId, version: u8, wrong_by: i64) {
        let Some((member, _)) = self.shop.world.seat(payment) else {
            return;
        };
        let amount = Money(10_000 + wrong_by);
        let name = format!("T{payment}/{version}{wrong_by}");
        let command = Command::AcceptPayment {
            payment,
            txn: self.shop.txn(&name),
            amount,
            tag: tag(payment.group, member),
        };
        self.report(&name, amount, command);
    }

    fn run(&mut self, step: &Step) {
        match *step {
            Step::Open { campaign, member } => {
                let offer = CampaignId(u32::from(campaign) % self.shop.world.campaigns());
                self.try_do(Command::OpenGroup {
                    campaign: offer,
                    member: self.member(member),
                    via: self.via(campaign),
                });
            }
            Step::Join { group, member, via } => self.try_do(Command::JoinGroup {
                group: self.group(group),
                member: self.member(member),
                via: self.via(via),
            }),
            Step::Leave { group, member } => self.try_do(Command::LeaveGroup {
                group: self.group(group),
                member: self.member(member),
            }),
            Step::Pay { waiting, wrong_by } => {
                let known = self.shop.world.waiting_reservations(None, 6);
                if let Some(waiting) = known.get(usize::from(waiting) % known.len().max(1)) {
                    self.pay(waiting.payment, 0, wrong_by);
                }
            }
            Step::PayAny {
                group,
                index,
                version,
                wrong_by,
            } => {
                let (group, index) = (self.group(group), u32::from(index));
                self.pay(PaymentId { group, index }, version, wrong_by);
            }
            Step::PaidJoin { .. } => self.paid_join(step),
            Step::Again { report } => {
                let at = usize::from(report) % self.reported.len().max(1);
                let known = self.reported.iter().nth(at);
                let known = known.map(|(name, report)| (name.clone(), report.clone()));
                if let Some((name, (amount, command))) = known
                    && !name.starts_with('B')
                {
                    self.report(&name, amount, command);
                }
            }
            Step::Wait { how_long } => {
                self.shop.clock = Millis(self.shop.clock.0 + WAITS[usize::from(how_long)]);
            }
            Step::Cancel { group } => self.try_do(Command::CancelGroup {
                group: self.group(group),
            }),
            Step::Restart => {
                let bytes = self.shop.world.to_snapshot();
                self.shop.world = World::from_snapshot(&bytes).unwrap();
            }
            Step::Bounce { name } => self.bounce(&format!("B{name}")),
            Step::Keyed { group, member, key } => self.ask_twice(group, member, key),
            Step::Publish {
                exempt,
                seats_per_member,
            } => self.try_do(Command::PublishCampaign {
                campaign: Box::new(terms(exempt, seats_per_member)),
            }),
            Step::Ticks
            | Step::Settle
            | Step::Void
            | Step::Refund
            | Step::Ship
            | Step::Receive { .. } => self.run_platform(step),
        }
    }

    /// What the platform and its winners do.
    fn run_platform(&mut self, step: &Step) {
        match *step {
            Step::Ticks => {
                let clock = self.shop.clock;
                while let Some((_, due)) =
                    self.shop.world.next_timer().filter(|(at, _)| *at <= clock)
                {
                    self.shop.must(Command::Tick(due));
                }
            }
            Step::Settle => {
                for awaited in self.shop.world.awaiting_draw(9) {
                    self.shop.settle(awaited.group);
                }
            }
            Step::Void => {
                for awaited in self.shop.world.awaiting_draw(9) {
                    self.try_do(Command::VoidGroup {
                        group: awaited.group,
                    });
                }
            }
            Step::Refund => {
                for pending in self.shop.world.pending_refunds(None, 3) {
                    let refund = pending.refund;
                    self.shop.must(Command::ConfirmRefund { refund });
                    let again = self.shop.try_do(Command::ConfirmRefund { refund });
                    assert_eq!(again, Err(Refusal::UnknownRefund(refund)));
                }
            }
            Step::Ship => {
                for order in (0..60).map(OrderId) {
                    self.try_do(Command::ShipOrder { order });
                }
            }
            Step::Receive { order } => {
                let order = OrderId(u64::from(order % 8));
                let known = self.shop.world.order(order);
                let member = known.map_or(MemberId(0), |known| known.member);
                self.try_do(Command::ReceiveOrder { order, member });
            }
            _ => panic!("{step:?} is not the platform's"),
        }
    }

    /// Refusals are answers.
    fn try_do(&mut self, command: Command) {
        let _refused = self.shop.try_do(command);
    }

    fn paid_join(&mut self, step: &Step) {
        let Step::PaidJoin {
            group,
            member,
            via,
            version,
            wrong_by,
        } = *step
        else {
            return;
        };
        if self.shop.world.groups() == 0 {
            return;
        }
        let (group, member) = (self.group(group), self.member(member));
        let amount = Money(10_000 + wrong_by);
        let name = format!("G{group}/{member}/{version}{wrong_by}");
        let command = Command::JoinPaid {
            group,
            member,
            via: self.via(via),
            txn: self.shop.txn(&name),
            amount,
            tag: tag(group, member),
        };
        self.report(&name, amount, command);
    }

    /// Money that names nothing known.
    fn bounce(&mut self, name: &str) {
        if self.is_booked(name) {
            return;
        }
        let amount = Money(777);
        let command = Command::BouncePayment {
            payment: None,
            member: None,
            txn: self.shop.txn(name),
            amount,
        };
        self.shop.must(command.clone());
        self.reported.insert(name.to_owned(), (amount, command));
    }

    fn ask_twice(&mut self, group: u8, member: u8, key: u8) {
        let key = Some(IdempotencyKey {
            key: [key % 4; 16],
            content: [group ^ member; 16],
        });
        let (group, member) = (self.group(group), self.member(member));
        let via = None;
        let request = Request {
            actor: Actor::Member(member),
            key,
            command: Command::JoinGroup { group, member, via },
        };
        if let Ok(first) = self.shop.request(&request) {
            let records = self.shop.records.len();
            assert_eq!(self.shop.request(&request), Ok(first));
            assert_eq!(self.shop.records.len(), records);
        }
    }

    /// Everything that is still on its way comes to its end.
    fn finish(&mut self) {
        self.run(&Step::Settle);
        for _ in 0..2 {
            self.shop.wait(200 * 86_400);
            self.run(&Step::Ticks);
            self.run(&Step::Settle);
            self.run(&Step::Ship);
        }
        self.shop.wait(200 * 86_400);
        self.run(&Step::Ticks);
        self.shop.refund_all();
        self.shop.check();
    }
}

/// Lives through a history to its end, and holds every payment against what the events say became of it.
fn live(steps: &[Step], seats_per_member: u32, exempt: bool) -> Vec<Record> {
    let mut history = History::new(exempt, seats_per_member);
    for step in steps {
        let before = history.shop.world.to_snapshot();
        let records = history.shop.records.len();
        history.run(step);
        assert!(
            records != history.shop.records.len() || before == history.shop.world.to_snapshot(),
            "{step:?} changed the world without a record"
        );
        let violations = history.shop.world.violations();
        assert_eq!(violations, Vec::<String>::new(), "{step:?}");
    }
    history.finish();
    let events: Vec<&Event> = history.events().collect();
    check_vesting(history.events());
    let told = Told::by(&events);
    assert_eq!(told.due, BTreeMap::new(), "refunds that nobody got");
    for (name, (amount, _)) in &history.reported {
        assert_eq!(told.booked.get(name), Some(&1), "{name}");
        match (told.kept.contains(name), told.back.get(name)) {
            (true, None) => {}
            (false, Some(back)) => assert_eq!(*back, (1, *amount), "{name}"),
            other => panic!("{name}: {other:?}"),
        }
    }
    for (member, cash) in told.rewards {
        let known = history.shop.world.member(member).unwrap();
        assert_eq!(known.available, Money(cash));
    }
    history.shop.records
}

fn histories() -> impl Strategy<Value = (Vec<Step>, u32, bool)> {
    (
        prop::collection::vec(step(), 20..200),
        1u32..4,
        any::<bool>(),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn every_payment_is_seated_or_refunded_once((steps, seats_per_member, exempt) in histories()) {
        live(&steps, seats_per_member, exempt);
    }
}

/// As in the laws: most of these histories, always the same ones, settle a group.
#[test]
fn most_histories_settle_and_vest() {
    const CASES: usize = 40;
    let mut runner = TestRunner::deterministic();
    let (mut settled, mut vested) = (0, 0);
    for _ in 0..CASES {
        let (steps, seats_per_member, exempt) =
            histories().new_tree(&mut runner).unwrap().current();
        let records = live(&steps, seats_per_member, exempt);
        let has = |is: fn(&Event) -> bool| records.iter().flat_map(|record| &record.events).any(is);
        settled += usize::from(has(|event| matches!(event, Event::GroupSettled(_))));
        vested += usize::from(has(|event| matches!(event, Event::RewardsVested { .. })));
    }
    assert!(CASES / 2 < settled, "{settled} of {CASES} settled");
    assert!(CASES / 2 < vested, "{vested} of {CASES} vested");
}
