//! `potluck audit` holds clawbacks against what a member ever got (rules 9.6), and the sandbox's payouts against the
//! withdrawals of the journal (rules 9.3).
use std::path::Path;

use domain::rewards::{Formation, Program};
use domain::*;
use payments::sandbox::{BookLocation, Provider, ProviderConfig, Retry};

use crate::shop::{Shop, fails, finds, passes, sale, unlimited};

/// Leads every group, and gets 200.00 for each.
const LEADER: MemberId = MemberId(0);

impl Shop {
    /// Both buy and keep what they bought, and the leader is paid.
    fn buy_and_keep(&mut self) {
        let buyers = [LEADER.0, 1];
        let group = self.buy(buyers);
        self.deliver(group, buyers);
        self.days(8);
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
    let mut terms = sale();
    terms.group.price = Money(100_000);
    terms.rewards = unlimited([Program::Formation(Formation {
        per_recruit: Money(20_000),
    })]);
    terms
}

/// Twice 200.00 for the leader; the middle is told by `story`.
fn live(data: &Path, story: impl FnOnce(&mut Shop)) -> World {
    let mut shop = Shop::open(data);
    shop.must(Command::PublishCampaign {
        campaign: Box::new(terms()),
    });
    shop.register(&[None, None]);
    shop.buy_and_keep();
    story(&mut shop);
    shop.buy_and_keep();
    assert_eq!(shop.step.world().violations(), Vec::<String>::new());
    shop.step.world().clone()
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
        finds(data, finding, |event| match event {
            Event::ClawedBack { amount, short, .. } => change(&mut amount.0, &mut short.0),
            _ => false,
        });
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
    let below = "account available of member 0 stands at 0.01 below zero";
    finds(data, below, |event| match event {
        Event::WithdrawalRequested { amount, .. } => {
            amount.0 = 20_001;
            true
        }
        _ => false,
    });
    finds(data, "a group that is not known", |event| match event {
        Event::ClawedBack { group, .. } => {
            *group = Some(GroupId(9));
            true
        }
        _ => false,
    });
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
