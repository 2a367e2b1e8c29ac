//! A small shop to make records with, and views to take them.

use std::path::{Path, PathBuf};

use domain::*;
use draw::{BeaconKey, LocalBeacon};
use sqlx::Row;
use tempfile::TempDir;
use views::*;

pub(crate) const GENESIS_S: u64 = 1_700_000_000;
pub(crate) const JOURNAL: JournalId = JournalId {
    first_batch: Some([1; 32]),
    head_seq: u64::MAX >> 1,
};

/// A world that keeps its records.
pub(crate) struct Shop {
    pub(crate) world: World,
    pub(crate) clock: Millis,
    pub(crate) records: Vec<Record>,
    beacon: LocalBeacon,
    key: BeaconKey,
}

fn beacon() -> (LocalBeacon, draw::BeaconFile) {
    let beacon = LocalBeacon::from_seed(&[7; 32]).unwrap();
    let file = beacon.file(GENESIS_S, 3);
    (beacon, file)
}

/// Rules 12, E0, with coins, a channel that takes and returns a fee, and two seats a member where asked.
pub(crate) fn e0() -> Campaign {
    let (_, file) = beacon();
    let reward = |program, limit| rewards::Reward { program, limit };
    Campaign {
        name: Text {
            zh: "五人团".to_owned(),
            en: "five".to_owned(),
        },
        kind: Kind::Draw,
        profile: Profile::Seed,
        plan: 1,
        product: Product {
            title: Text {
                zh: "茶".to_owned(),
                en: "tea".to_owned(),
            },
            cost: Money(2_000),
            fulfilment: Fulfilment::Ship,
        },
        group: GroupTerms {
            price: Money(10_000),
            seats: 5,
            winners: 1,
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
        channel: ChannelTerms {
            fee: Rate(6_000),
            kept_on_refund: false,
        },
        caps: vec![Cap {
            name: "uplines".to_owned(),
            limit: Money(1_800),
        }],
        prize: None,
        merchant: None,
        origin_share: None,
        leftover: domain::Leftover::Owner,
        rewards: vec![
            reward(
                rewards::Program::Consolation(rewards::Consolation {
                    cash: Money(500),
                    coins: Coins(300),
                }),
                rewards::Limit::None,
            ),
            reward(
                rewards::Program::Formation(rewards::Formation {
                    per_recruit: Money(200),
                }),
                rewards::Limit::None,
            ),
            reward(
                rewards::Program::Generation(rewards::Generation {
                    source: rewards::Source::All,
                    base: rewards::Base::Fixed(Money(600)),
                    rates: vec![Rate(RATE_ONE_PPM)],
                    vip_depth: None,
                }),
                rewards::Limit::Shared(0),
            ),
            reward(
                rewards::Program::WinnerBonus(rewards::WinnerBonus {
                    cash: Money(100),
                    coins: Coins(50),
                }),
                rewards::Limit::None,
            ),
        ],
    }
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
        }
    }

    /// Some members and a published campaign.
    pub(crate) fn opened(members: u32, terms: Campaign) -> Shop {
        let mut shop = Shop::new();
        for id in 0..members {
            shop.member(id.checked_sub(1).map(MemberId));
        }
        shop.must(Command::DepositCapital {
            amount: Money(1_000_000),
        });
        shop.must(Command::PublishCampaign {
            campaign: Box::new(terms),
        });
        shop
    }

    pub(crate) fn try_do(&mut self, command: Command) -> Result<Answer, Refusal> {
        let records = &mut self.records;
        let request = Request {
            actor: Actor::System,
            key: None,
            command,
        };
        self.world
            .execute(&request, self.clock, &mut |record| records.push(record))
    }

    #[track_caller]
    pub(crate) fn must(&mut self, command: Command) -> Answer {
        self.try_do(command).unwrap()
    }

    pub(crate) fn wait(&mut self, seconds: i64) {
        self.clock = Millis(self.clock.0 + seconds * 1000);
    }

    pub(crate) fn ticks(&mut self) {
        while let Some((_, due)) = self.world.next_timer().filter(|(at, _)| *at <= self.clock) {
            self.must(Command::Tick(due));
        }
    }

    pub(crate) fn member(&mut self, inviter: Option<MemberId>) {
        let mut token = [0; 16];
        token[..4].copy_from_slice(&self.world.members().to_le_bytes());
        self.must(Command::RegisterMember { token, inviter });
    }

    /// Opens a group of campaign 0 whose leader has paid.
    pub(crate) fn open(&mut self, leader: u32) -> GroupId {
        let answer = self.must(Command::OpenGroup {
            campaign: CampaignId(0),
            member: MemberId(leader),
            via: None,
        });
        let payment = reserved(answer);
        self.pay(payment);
        payment.group
    }

    pub(crate) fn reserve(&mut self, group: GroupId, member: u32, via: Option<u32>) -> PaymentId {
        let (member, via) = (MemberId(member), via.map(MemberId));
        reserved(self.must(Command::JoinGroup { group, member, via }))
    }

    pub(crate) fn price(&self, group: GroupId) -> Money {
        self.world
            .campaign_of(group)
            .map_or(Money(1), |campaign| campaign.terms.group.price)
    }

    pub(crate) fn pay_as(
        &mut self,
        payment: PaymentId,
        suffix: &str,
        amount: Money,
    ) -> Result<Answer, Refusal> {
        let member = self
            .world
            .seat(payment)
            .map_or(MemberId(u32::MAX), |(member, _)| member);
        let tag = tag(payment.group, member);
        let txn = txn(&format!("T{payment}{suffix}"));
        self.try_do(Command::AcceptPayment {
            payment,
            txn,
            amount,
            tag,
        })
    }

    #[track_caller]
    pub(crate) fn pay(&mut self, payment: PaymentId) {
        let price = self.price(payment.group);
        self.pay_as(payment, "", price).unwrap();
    }

    pub(crate) fn seat(&mut self, group: GroupId, member: u32, via: Option<u32>) -> PaymentId {
        let payment = self.reserve(group, member, via);
        self.pay(payment);
        payment
    }

    /// A full group of campaign 0.
    pub(crate) fn fill(&mut self, members: &[u32]) -> GroupId {
        let group = self.open(members[0]);
        for &member in &members[1..] {
            self.seat(group, member, Some(members[0]));
        }
        group
    }

    pub(crate) fn outcome(&self, group: GroupId) -> draw::Outcome {
        let files = self.world.draw_files(group).unwrap();
        let round = files.freeze.round;
        let verified = self.key.verify(round, &self.beacon.sign(round)).unwrap();
        draw::draw(&files.open, &files.seats, &files.freeze, &verified).unwrap()
    }

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

    pub(crate) fn refund(&mut self, count: usize) {
        for pending in self.world.pending_refunds(None, count) {
            self.must(Command::ConfirmRefund {
                refund: pending.refund,
            });
        }
    }

    pub(crate) fn numbered(&self) -> Vec<(u64, Record)> {
        (1u64..).zip(self.records.iter().cloned()).collect()
    }
}

pub(crate) fn txn(name: &str) -> Txn {
    Txn::new(name).unwrap()
}

pub(crate) fn tag(group: GroupId, member: MemberId) -> [u8; 32] {
    draw::hash(format!("{group}/{member}").as_bytes()).0
}

pub(crate) fn reserved(answer: Answer) -> PaymentId {
    match answer {
        Answer::Reserved { payment, .. } => payment,
        other => panic!("{other:?}"),
    }
}

/// Views in a directory of their own.
pub(crate) struct Desk {
    pub(crate) projector: Projector,
    pub(crate) views: Views,
    pub(crate) path: PathBuf,
    _dir: TempDir,
}

impl Desk {
    pub(crate) async fn new() -> Desk {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("views.db");
        let place = Place::from(path.as_path());
        let projector = Projector::open(&place, &JOURNAL).await.unwrap();
        let views = Views::open(&place, projector.progress()).await.unwrap();
        Desk {
            projector,
            views,
            path,
            _dir: dir,
        }
    }

    /// Views of all of a shop's records, taken in as many at a time as said.
    pub(crate) async fn of(shop: &Shop, at_a_time: usize) -> Desk {
        let mut desk = Desk::new().await;
        for records in shop.numbered().chunks(at_a_time) {
            desk.projector.apply(records, None).await.unwrap();
        }
        desk
    }

    /// Nowhere do the views differ from the world.
    pub(crate) async fn agrees(&self, world: &World) {
        let found = compare(&self.views, world).await.unwrap();
        assert_eq!(
            found,
            Vec::new(),
            "{:?}",
            found.iter().map(ToString::to_string).collect::<Vec<_>>()
        );
    }

    pub(crate) async fn dump(&self) -> Vec<String> {
        dump(&self.path).await
    }
}

pub(crate) async fn connect(path: &Path) -> sqlx::AnyPool {
    sqlx::any::install_default_drivers();
    let url = format!("sqlite://{}?mode=rwc", path.display());
    sqlx::any::AnyPoolOptions::new()
        .max_connections(1)
        .connect(&url)
        .await
        .unwrap()
}

/// Every row of every table, in the order of their keys.
pub(crate) async fn dump(path: &Path) -> Vec<String> {
    let pool = connect(path).await;
    let tables = sqlx::query("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        .fetch_all(&pool)
        .await
        .unwrap();
    let mut lines = Vec::new();
    for table in tables {
        let table: String = table.get("name");
        let columns = format!("SELECT name FROM pragma_table_info('{table}')");
        let columns = sqlx::query(sqlx::AssertSqlSafe(columns))
            .fetch_all(&pool)
            .await
            .unwrap();
        let quoted: Vec<String> = columns
            .iter()
            .map(|column| format!("quote({})", column.get::<String, _>(0)))
            .collect();
        let sql = format!(
            "SELECT {} AS line FROM {table} ORDER BY 1",
            quoted.join(" || ' ' || ")
        );
        for row in sqlx::query(sqlx::AssertSqlSafe(sql))
            .fetch_all(&pool)
            .await
            .unwrap()
        {
            lines.push(format!("{table}: {}", row.get::<String, _>("line")));
        }
    }
    pool.close().await;
    lines
}

/// Changes the database behind everybody's back.
pub(crate) async fn tamper(path: &Path, sql: &str) {
    let pool = connect(path).await;
    sqlx::query(sqlx::AssertSqlSafe(sql.to_owned()))
        .execute(&pool)
        .await
        .unwrap();
    pool.close().await;
}

/// One number out of the database.
pub(crate) async fn number(path: &Path, sql: &str) -> i64 {
    let pool = connect(path).await;
    let row = sqlx::query(sqlx::AssertSqlSafe(sql.to_owned()))
        .fetch_one(&pool)
        .await
        .unwrap();
    pool.close().await;
    row.get(0)
}
