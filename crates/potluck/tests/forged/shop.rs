//! A small shop with a journal of its own, the journal with a change, and what the audit says of either.

use std::path::Path;
use std::process::Command as Process;

use domain::*;
use engine::{RECORD_VERSION, RecordReader, Step};
use journal::{BatchBuilder, Journal, SqliteJournal};
use tempfile::TempDir;

pub(crate) const DAY_MS: i64 = 86_400_000;

/// A platform whose time goes by when it is told to.
pub(crate) struct Shop {
    pub(crate) step: Step,
    pub(crate) clock: Millis,
}

impl Shop {
    pub(crate) fn open(data: &Path) -> Shop {
        let journal = SqliteJournal::open(data).unwrap();
        Shop {
            step: Step::open(Box::new(journal), &mut |_| {}).unwrap().0,
            clock: Millis(1_800_000_000_000),
        }
    }

    pub(crate) fn must(&mut self, command: Command) {
        let request = Request {
            actor: Actor::System,
            key: None,
            command,
        };
        self.step.execute(&request, self.clock).unwrap();
        self.step.commit().unwrap();
    }

    /// Members 0, 1, 2 … with these inviters.
    pub(crate) fn register(&mut self, inviters: &[Option<u32>]) {
        for (member, inviter) in (0u8..).zip(inviters) {
            self.must(Command::RegisterMember {
                token: [member; 16],
                inviter: inviter.map(MemberId),
            });
        }
    }

    /// Lets time pass, and applies what has become due.
    pub(crate) fn wait(&mut self, millis: i64) {
        self.clock.0 += millis;
        self.step.tick(self.clock, usize::MAX);
        self.step.commit().unwrap();
    }

    pub(crate) fn days(&mut self, days: i64) {
        for _ in 0..days {
            self.wait(DAY_MS);
        }
    }

    /// Opens a group of campaign 0; its first place waits for its payment.
    pub(crate) fn open_group(&mut self, member: MemberId) -> PaymentId {
        let group = GroupId(self.step.world().groups());
        let (campaign, via) = (CampaignId(0), None);
        self.must(Command::OpenGroup {
            campaign,
            member,
            via,
        });
        PaymentId { group, index: 0 }
    }

    pub(crate) fn pay(&mut self, payment: PaymentId, member: MemberId) {
        let amount = self
            .step
            .world()
            .campaign_of(payment.group)
            .map(|campaign| campaign.terms.group.price);
        self.must(Command::AcceptPayment {
            payment,
            txn: Txn::new(&format!("T{payment}")).unwrap(),
            amount: amount.unwrap(),
            tag: [u8::try_from(member.0 + 1).unwrap(); 32],
        });
    }

    /// A group of two is filled, and settled if nothing is drawn.
    pub(crate) fn buy(&mut self, [leader, member]: [u32; 2]) -> GroupId {
        let (leader, member) = (MemberId(leader), MemberId(member));
        let first = self.open_group(leader);
        self.pay(first, leader);
        let (group, via) = (first.group, None);
        self.must(Command::JoinGroup { group, member, via });
        self.pay(PaymentId { group, index: 1 }, member);
        group
    }

    /// Both buyers of a group of two have what they bought.
    pub(crate) fn deliver(&mut self, group: GroupId, buyers: [u32; 2]) {
        for (order, member) in (2 * group.0..).map(OrderId).zip(buyers.map(MemberId)) {
            self.must(Command::ShipOrder { order });
            self.must(Command::ReceiveOrder { order, member });
        }
    }
}

/// Two buy rice at 100.00 each; nothing is drawn, and nobody gets a reward.
pub(crate) fn sale() -> Campaign {
    let text = || Text {
        zh: "米".to_owned(),
        en: "rice".to_owned(),
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
                beacon: [1; 32],
                genesis: 1_700_000_000,
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

/// Rewards that nothing limits.
pub(crate) fn unlimited<const N: usize>(programs: [rewards::Program; N]) -> Vec<rewards::Reward> {
    let limit = rewards::Limit::None;
    let reward = |program| rewards::Reward { program, limit };
    programs.map(reward).to_vec()
}

pub(crate) fn records(data: &Path) -> Vec<Record> {
    let reader = SqliteJournal::open_read_only(data).unwrap();
    let mut reader = RecordReader::new(Box::new(reader), 0);
    let mut all = Vec::new();
    loop {
        let some = reader.read(1 << 20).unwrap();
        if some.is_empty() {
            return all;
        }
        all.extend(some.into_iter().map(|stored| stored.record));
    }
}

/// The same journal with a change, in batches whose hashes are right.
pub(crate) fn forge(from: &Path, change: impl FnMut(&mut Event) -> bool) -> TempDir {
    let mut all = records(from);
    let mut events = all.iter_mut().flat_map(|record| &mut record.events);
    assert!(events.any(change), "nothing to change");
    let dir = tempfile::tempdir().unwrap();
    let mut journal = SqliteJournal::open(dir.path()).unwrap();
    let next = journal.head().next_seq;
    let mut batch = BatchBuilder::new(next);
    for record in &all {
        let write = |buffer: &mut _| minicbor::encode(record, buffer).unwrap();
        batch.push(RECORD_VERSION, write).unwrap();
    }
    journal.append(next, &batch).unwrap();
    if from.join("beacon").exists() {
        std::fs::copy(from.join("beacon"), dir.path().join("beacon")).unwrap();
    }
    dir
}

fn audit(data: &Path) -> String {
    let run = Process::new(env!("CARGO_BIN_EXE_potluck"))
        .arg("audit")
        .arg("--data")
        .arg(data)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&run.stderr);
    assert!(!errors.contains("panicked"), "{errors}");
    String::from_utf8(run.stdout).unwrap()
}

#[track_caller]
pub(crate) fn passes(data: &Path) {
    let page = audit(data);
    assert!(page.contains("\nAUDIT PASSED\n"), "{page}");
}

#[track_caller]
pub(crate) fn fails(data: &Path, finding: &str) {
    let page = audit(data);
    assert!(page.contains("\nAUDIT FAILED: "), "{finding}: {page}");
    assert!(page.contains(finding), "{finding:?} is not in\n{page}");
}

#[track_caller]
pub(crate) fn finds(data: &Path, finding: &str, change: impl FnMut(&mut Event) -> bool) {
    fails(forge(data, change).path(), finding);
}

/// The same of an event of the alliance.
pub(crate) fn finds_in_alliance(
    data: &Path,
    finding: &str,
    change: &mut dyn FnMut(&mut AllianceEvent) -> bool,
) {
    finds(data, finding, |event| match event {
        Event::Alliance(event) => change(event),
        _ => false,
    });
}
