//! A small shop to test with: a world, a clock, a local beacon, and words for what members do.

use domain::*;
use draw::{BeaconKey, LocalBeacon};

pub(crate) const GENESIS_S: u64 = 1_700_000_000;

pub(crate) struct Shop {
    pub(crate) world: World,
    pub(crate) clock: Millis,
    pub(crate) records: Vec<Record>,
    beacon: LocalBeacon,
    key: BeaconKey,
    next_token: u64,
}

pub(crate) fn beacon() -> (LocalBeacon, draw::BeaconFile) {
    let beacon = LocalBeacon::from_seed(&[7; 32]).unwrap();
    let file = beacon.file(GENESIS_S, 3);
    (beacon, file)
}

pub(crate) fn text(name: &str) -> Text {
    Text {
        zh: name.to_owned(),
        en: name.to_owned(),
    }
}

/// A campaign with nothing but price, seats, winners and cost.
pub(crate) fn campaign(price: i64, seats: u32, winners: u32, cost: i64) -> Campaign {
    let (_, file) = beacon();
    Campaign {
        name: text("test"),
        kind: Kind::Draw,
        profile: Profile::Seed,
        plan: 1,
        product: Product {
            title: text("thing"),
            cost: Money(cost),
            fulfilment: Fulfilment::Ship,
        },
        group: GroupTerms {
            price: Money(price),
            seats,
            winners,
            leader: LeaderRule::Equal,
            fill_within: Duration::seconds(86_400),
            payment_window: Duration::seconds(300),
            seats_per_member: 1,
            chance: None,
            circle: Circle::Off,
            entries_per_day: 0,
            seats_from: None,
            price_from: None,
        },
        draw: DrawTerms {
            log: draw::Origin::new("test.example/log").unwrap(),
            source: BeaconSource::Local {
                beacon: file.hash().0,
                genesis: GENESIS_S,
                period: 3,
            },
            delay_s: 3,
        },
        channel: ChannelTerms::default(),
        caps: Vec::new(),
        rewards: Vec::new(),
        prize: None,
        merchant: None,
        origin_share: None,
        leftover: Leftover::Owner,
    }
}

pub(crate) fn consolation(cash: i64, coins: i64) -> rewards::Reward {
    let program = rewards::Program::Consolation(rewards::Consolation {
        cash: Money(cash),
        coins: Coins(coins),
    });
    rewards::Reward {
        program,
        limit: rewards::Limit::None,
    }
}

/// Rules 12, E0.
pub(crate) fn e0() -> Campaign {
    let mut terms = campaign(10_000, 5, 1, 2_000);
    terms.caps = vec![Cap {
        name: "uplines".to_owned(),
        limit: Money(3_000),
    }];
    terms.rewards = vec![
        consolation(500, 0),
        rewards::Reward {
            program: rewards::Program::Formation(rewards::Formation {
                per_recruit: Money(200),
            }),
            limit: rewards::Limit::None,
        },
        rewards::Reward {
            program: rewards::Program::Generation(rewards::Generation {
                source: rewards::Source::All,
                base: rewards::Base::Fixed(Money(600)),
                rates: vec![Rate(RATE_ONE_PPM)],
                vip_depth: None,
            }),
            limit: rewards::Limit::Shared(0),
        },
    ];
    terms
}

/// Rules 12, E1 with cost 20.
pub(crate) fn e1() -> Campaign {
    let mut terms = campaign(9_900, 100, 3, 2_000);
    terms.rewards = vec![consolation(100, 0)];
    terms
}

/// Rules 12, E2.
pub(crate) fn e2() -> Campaign {
    let mut terms = campaign(100_000, 100, 2, 25_000);
    terms.rewards = vec![
        consolation(1_200, 10_000),
        rewards::Reward {
            program: rewards::Program::Generation(rewards::Generation {
                source: rewards::Source::NonWinners,
                base: rewards::Base::Consolation,
                rates: vec![Rate(50_000); 3],
                vip_depth: Some(vec![0, 1, 2, 3]),
            }),
            limit: rewards::Limit::None,
        },
    ];
    terms
}

impl Shop {
    pub(crate) fn new() -> Shop {
        let (beacon, file) = beacon();
        let key = BeaconKey::from_file(&file).unwrap();
        let clock = Millis(i64::try_from(GENESIS_S).unwrap() * 1000 + 86_400_000);
        Shop {
            world: World::default(),
            clock,
            records: Vec::new(),
            beacon,
            key,
            next_token: 0,
        }
    }

    pub(crate) fn request(&mut self, request: &Request) -> Result<Answer, Refusal> {
        let records = &mut self.records;
        self.world
            .execute(request, self.clock, &mut |record| records.push(record))
    }

    pub(crate) fn try_do(&mut self, command: Command) -> Result<Answer, Refusal> {
        self.request(&Request {
            actor: Actor::System,
            key: None,
            command,
        })
    }

    #[track_caller]
    pub(crate) fn must(&mut self, command: Command) -> Answer {
        self.try_do(command).unwrap()
    }

    pub(crate) fn wait(&mut self, seconds: i64) {
        self.clock = Millis(self.clock.0 + seconds * 1000);
    }

    pub(crate) fn member(&mut self, inviter: Option<MemberId>) -> MemberId {
        self.next_token += 1;
        let mut token = [0; 16];
        token[..8].copy_from_slice(&self.next_token.to_le_bytes());
        match self.must(Command::RegisterMember { token, inviter }) {
            Answer::Member(member) => member,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn members(&mut self, count: u32) -> Vec<MemberId> {
        (0..count).map(|_| self.member(None)).collect()
    }

    pub(crate) fn publish(&mut self, terms: Campaign) -> CampaignId {
        match self.must(Command::PublishCampaign {
            campaign: Box::new(terms),
        }) {
            Answer::Campaign(campaign) => campaign,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn reserve_leader(&mut self, campaign: CampaignId, member: MemberId) -> PaymentId {
        reserved(self.must(Command::OpenGroup {
            campaign,
            member,
            via: None,
        }))
    }

    pub(crate) fn join(&mut self, group: GroupId, member: MemberId) -> Result<PaymentId, Refusal> {
        self.try_do(Command::JoinGroup {
            group,
            member,
            via: None,
        })
        .map(reserved)
    }

    pub(crate) fn txn(&self, name: &str) -> Txn {
        Txn::new(name).unwrap()
    }

    /// Pays a reservation with a payment named after it and `suffix`.
    pub(crate) fn pay_as(
        &mut self,
        payment: PaymentId,
        suffix: &str,
        amount: Money,
    ) -> Result<PaymentAnswer, Refusal> {
        let txn = self.txn(&format!("T{payment}{suffix}"));
        let member = self
            .world
            .seat(payment)
            .map_or(MemberId(u32::MAX), |(member, _)| member);
        let circle = self.world.circle_of(payment.group);
        let tag = tag(circle.unwrap_or(payment.group), member);
        match self.try_do(Command::AcceptPayment {
            payment,
            txn,
            amount,
            tag,
        })? {
            Answer::Payment(answer) => Ok(answer),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn price(&self, group: GroupId) -> Money {
        self.world.campaign_of(group).unwrap().terms.group.price
    }

    #[track_caller]
    pub(crate) fn pay(&mut self, payment: PaymentId) -> PaymentAnswer {
        let price = self.price(payment.group);
        self.pay_as(payment, "", price).unwrap()
    }

    /// Opens a group and pays the leader's seat.
    pub(crate) fn open(&mut self, campaign: CampaignId, leader: MemberId) -> GroupId {
        let payment = self.reserve_leader(campaign, leader);
        assert_eq!(self.pay(payment), PaymentAnswer::Seated(payment));
        payment.group
    }

    #[track_caller]
    pub(crate) fn seat(&mut self, group: GroupId, member: MemberId) -> PaymentId {
        let payment = self.join(group, member).unwrap();
        assert_eq!(self.pay(payment), PaymentAnswer::Seated(payment));
        payment
    }

    /// Opens a group and fills it with these members; the first is the leader.
    pub(crate) fn fill(&mut self, campaign: CampaignId, members: &[MemberId]) -> GroupId {
        let group = self.open(campaign, members[0]);
        for &member in &members[1..] {
            self.seat(group, member);
        }
        assert_eq!(self.state(group), GroupState::Full);
        group
    }

    pub(crate) fn outcome(&self, group: GroupId) -> draw::Outcome {
        let files = self.world.draw_files(group).unwrap();
        let verified = self.verified(files.freeze.round);
        draw::draw(&files.open, &files.seats, &files.freeze, &verified).unwrap()
    }

    /// A round of the shop's beacon.
    pub(crate) fn verified(&self, round: u64) -> draw::VerifiedRound {
        self.key.verify(round, &self.beacon.sign(round)).unwrap()
    }

    /// Draws and settles a full group.
    pub(crate) fn settle(&mut self, group: GroupId) -> GroupSettled {
        let outcome = Box::new(self.outcome(group));
        self.must(Command::SettleGroup { group, outcome });
        let events = &self.records.last().unwrap().events;
        let settled = events.iter().find_map(|event| match event {
            Event::GroupSettled(settled) => Some((**settled).clone()),
            _ => None,
        });
        settled.unwrap()
    }

    pub(crate) fn last(&self) -> Event {
        self.records.last().unwrap().events.last().unwrap().clone()
    }

    pub(crate) fn state(&self, group: GroupId) -> GroupState {
        self.world.group(group).unwrap().state
    }

    /// Confirms every refund that is waiting and returns their sum.
    pub(crate) fn refund_all(&mut self) -> Money {
        let mut sum = Money::ZERO;
        for pending in self.world.pending_refunds(None, usize::MAX) {
            self.must(Command::ConfirmRefund {
                refund: pending.refund,
            });
            sum = sum.plus(pending.amount).unwrap();
        }
        sum
    }

    /// The platform's accounts and the sums of the others by name, with the ledger's sign.
    pub(crate) fn balance(&self, account: &str) -> i64 {
        let rows = self.world.trial_balance();
        rows.iter()
            .find(|row| row.account == account)
            .unwrap()
            .amount
    }

    /// Every invariant holds, and a replay of the records reaches the same state.
    #[track_caller]
    pub(crate) fn check(&self) {
        assert_eq!(self.world.violations(), Vec::<String>::new());
        let mut replayed = World::default();
        for record in &self.records {
            let bytes = minicbor::to_vec(record).unwrap();
            replayed.apply(&minicbor::decode::<Record>(&bytes).unwrap());
        }
        assert!(
            replayed.to_snapshot() == self.world.to_snapshot(),
            "a replay reaches another state"
        );
        let restored = World::from_snapshot(&self.world.to_snapshot()).unwrap();
        assert!(
            restored.to_snapshot() == self.world.to_snapshot(),
            "a snapshot reaches another state"
        );
    }
}

pub(crate) fn reserved(answer: Answer) -> PaymentId {
    match answer {
        Answer::Reserved { payment, .. } => payment,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn tag(group: GroupId, member: MemberId) -> [u8; 32] {
    draw::hash(format!("{group}/{member}").as_bytes()).0
}
