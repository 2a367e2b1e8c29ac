//! `potluck audit` holds clawbacks against what a member ever got (rules 9.6), and the sandbox's payouts against the
//! withdrawals of the journal (rules 9.3).
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "tests look for one kind of event among all"
)]

mod forged;

use std::path::Path;

use domain::rewards::{Formation, Limit, Program, Reward};
use domain::*;
use engine::Step;
use forged::{audit, forge};
use journal::SqliteJournal;
use payments::sandbox::{BookLocation, Provider, ProviderConfig, Retry};

const DAY_MS: i64 = 86_400_000;
/// Leads every group, and gets 200.00 for each.
const LEADER: MemberId = MemberId(0);

struct Shop {
    step: Step,
    clock: Millis,
}

impl Shop {
    fn must(&mut self, command: Command) {
        let request = Request {
            actor: Actor::System,
            key: None,
            command,
        };
        self.step.execute(&request, self.clock).unwrap();
        self.step.commit().unwrap();
    }

    /// Both buy and keep what they bought, and the leader is paid.
    fn buy(&mut self) {
        let group = GroupId(self.step.world().groups());
        let (campaign, via) = (CampaignId(0), None);
        for (index, member) in [(0, LEADER), (1, MemberId(1))] {
            self.must(match index {
                0 => Command::OpenGroup {
                    campaign,
                    member,
                    via,
                },
                _ => Command::JoinGroup { group, member, via },
            });
            let payment = PaymentId { group, index };
            self.must(Command::AcceptPayment {
                payment,
                txn: Txn::new(&format!("T{payment}")).unwrap(),
                amount: Money(100_000),
                tag: [u8::try_from(member.0 + 1).unwrap(); 32],
            });
        }
        for (order, member) in (2 * group.0..).map(OrderId).zip([LEADER, MemberId(1)]) {
            self.must(Command::ShipOrder { order });
            self.must(Command::ReceiveOrder { order, member });
        }
        for _ in 0..8 {
            self.clock.0 += DAY_MS;
            self.step.tick(self.clock, usize::MAX);
            self.step.commit().unwrap();
        }
    }

    fn withdraw(&mut self, token: u8, fen: i64) {
        self.must(Command::Withdraw {
            member: LEADER,
            token: [token; 16],
            amount: Money(fen),
            account: [token; 16],
        });
    }

    fn paid(&mut self, withdrawal: u64) {
        let withdrawal = WithdrawalId(withdrawal);
        self.must(Command::ApproveWithdrawal { withdrawal });
        let outcome = PayoutOutcome::Paid;
        self.must(Command::NotePayout {
            withdrawal,
            outcome,
        });
    }

    fn claw_back(&mut self, fen: i64) {
        self.must(Command::ClawBack {
            member: LEADER,
            amount: Money(fen),
            group: Some(GroupId(0)),
        });
    }
}

fn terms() -> Campaign {
    let text = || Text {
        zh: "米".to_owned(),
        en: "rice".to_owned(),
    };
    let formation = Formation {
        per_recruit: Money(20_000),
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
            price: Money(100_000),
            seats: 2,
            winners: 2,
            leader: LeaderRule::Equal,
            fill_within: Duration::seconds(86_400),
            payment_window: Duration::seconds(300),
            seats_per_member: 1,
            chance: None,
            circle: Circle::Off,
            entries_per_day: 0,
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
        rewards: vec![Reward {
            program: Program::Formation(formation),
            limit: Limit::None,
        }],
        prize: None,
        merchant: None,
        origin_share: None,
        leftover: Leftover::Owner,
    }
}

/// Twice 200.00 for the leader; the middle is told by `story`.
fn live(data: &Path, story: impl FnOnce(&mut Shop)) -> World {
    let journal = SqliteJournal::open(data).unwrap();
    let step = Step::open(Box::new(journal), &mut |_| {}).unwrap().0;
    let mut shop = Shop {
        step,
        clock: Millis(1_800_000_000_000),
    };
    shop.must(Command::PublishCampaign {
        campaign: Box::new(terms()),
    });
    for member in 0..2u8 {
        shop.must(Command::RegisterMember {
            token: [member; 16],
            inviter: None,
        });
    }
    shop.buy();
    story(&mut shop);
    shop.buy();
    assert_eq!(shop.step.world().violations(), Vec::<String>::new());
    shop.step.world().clone()
}

#[track_caller]
fn passes(data: &Path) {
    let page = audit(data);
    assert!(page.contains("\nAUDIT PASSED\n"), "{page}");
}

#[track_caller]
fn fails(data: &Path, finding: &str) {
    let page = audit(data);
    assert!(page.contains("\nAUDIT FAILED: "), "{finding}: {page}");
    assert!(page.contains(finding), "{finding:?} is not in\n{page}");
}

#[test]
fn clawbacks_are_held_against_what_a_member_got() {
    let dir = tempfile::tempdir().unwrap();
    let world = live(dir.path(), |shop| {
        shop.withdraw(1, 15_000);
        shop.paid(0);
        shop.claw_back(3_000);
        shop.claw_back(16_000);
        assert_eq!(shop.step.world().uncovered(LEADER), Money(14_000));
    });
    let member = world.member(LEADER).unwrap();
    assert_eq!(
        (member.available, world.uncovered(LEADER)),
        (Money(6_000), Money(0))
    );
    passes(dir.path());
    #[track_caller]
    fn changed(data: &Path, finding: &str, mut change: impl FnMut(&mut i64, &mut i64) -> bool) {
        let forged = forge(data, |event| match event {
            Event::ClawedBack { amount, short, .. } => change(&mut amount.0, &mut short.0),
            _ => false,
        });
        fails(forged.path(), finding);
    }
    let data = dir.path();
    changed(data, "are said to be missing", |_, short| {
        *short += 1;
        true
    });
    changed(data, "who ever got 170.00", |amount, short| {
        let second = *amount == 16_000;
        if second {
            (*amount, *short) = (17_001, 15_001);
        }
        second
    });
    changed(data, "are said to be missing", |amount, short| {
        let second = *amount == 16_000;
        if second {
            *short -= 1;
        }
        second
    });
    // What was paid out was never there, and no clawback says so.
    let forged = forge(data, |event| match event {
        Event::WithdrawalRequested { amount, .. } => {
            amount.0 = 20_001;
            true
        }
        _ => false,
    });
    fails(
        forged.path(),
        "account available of member 0 stands at 0.01 below zero",
    );
    let forged = forge(data, |event| match event {
        Event::ClawedBack { group, .. } => {
            *group = Some(GroupId(9));
            true
        }
        _ => false,
    });
    fails(forged.path(), "a group that is not known");
}

/// The sandbox's own book, empty.
fn book(data: &Path) -> rusqlite::Connection {
    let path = data.join("sandbox.db");
    let provider = Provider::open(ProviderConfig {
        book: BookLocation::File(path.clone()),
        merchants: Vec::new(),
        public_url: None,
        retry: Retry::default(),
    });
    drop(provider.unwrap());
    rusqlite::Connection::open(path).unwrap()
}

fn plant(book: &rusqlite::Connection, key: &str, fen: i64) {
    let row = "INSERT INTO payouts (merchant_id, payout_no, account, name, amount_fen, reason, token, \
        accepted_at_ms, takes_ms, outcome) VALUES ('potluck', ?1, 'a', 'A', ?2, '', ?1, 0, 0, 'done')";
    book.execute(row, (key, fen)).unwrap();
}

#[test]
fn payouts_of_the_sandbox_are_held_against_the_journal() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    let mut asked = Vec::new();
    let world = live(data, |shop| {
        for (id, fen) in [(0, 2_000), (1, 3_000), (2, 4_000)] {
            shop.withdraw(u8::try_from(id).unwrap(), fen);
            asked.push(*shop.step.world().withdrawal(WithdrawalId(id)).unwrap());
        }
        shop.paid(0);
        let withdrawal = WithdrawalId(1);
        shop.must(Command::RejectWithdrawal { withdrawal });
    });
    let token = world.token(LEADER).unwrap();
    let keys: Vec<String> = asked
        .iter()
        .map(|asked| server::payout_no(&token, asked))
        .collect();
    let book = book(data);
    // What the journal has as paid is missing there.
    fails(
        data,
        "sandbox.db: withdrawal 0 is Paid in the journal, there it is None",
    );
    plant(&book, &keys[0], 2_001);
    fails(
        data,
        "sandbox.db: withdrawal 0 is Paid in the journal, there it is Some((2001, Done))",
    );
    book.execute("UPDATE payouts SET amount_fen = 2000", [])
        .unwrap();
    passes(data);
    book.execute("UPDATE payouts SET outcome = 'failed'", [])
        .unwrap();
    fails(
        data,
        "sandbox.db: withdrawal 0 is Paid in the journal, there it is Some((2000, NotPaid))",
    );
    book.execute("UPDATE payouts SET outcome = 'done'", [])
        .unwrap();
    // Paid although it was rejected, or nobody has decided it.
    plant(&book, &keys[1], 3_000);
    fails(
        data,
        "sandbox.db: withdrawal 1 is NotPaid in the journal, there it is Some((3000, Done))",
    );
    book.execute(
        "UPDATE payouts SET payout_no = ?1 WHERE amount_fen = 3000",
        [&keys[2]],
    )
    .unwrap();
    fails(
        data,
        "sandbox.db: withdrawal 2 is Undecided in the journal, there it is Some((3000, Done))",
    );
    book.execute(
        "UPDATE payouts SET payout_no = 'payout-of-nobody' WHERE amount_fen = 3000",
        [],
    )
    .unwrap();
    fails(
        data,
        "sandbox.db has 1 payouts of withdrawals that the journal does not know",
    );
    book.execute("DELETE FROM payouts WHERE amount_fen = 3000", [])
        .unwrap();
    passes(data);
}
