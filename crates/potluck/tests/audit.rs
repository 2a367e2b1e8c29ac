//! `potluck audit` passes on what a simulated day leaves behind, and fails on everything that was changed since.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "tests look for one kind of event among all"
)]

use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};

use domain::{Actor, Event, Millis, Money, Record, Request};
use engine::{RECORD_VERSION, RecordReader, Step};
use journal::{BatchBuilder, Journal, SqliteJournal};
use sim::{Day, Simulation, Stats};
use tempfile::TempDir;
use views::{JournalId, Place, Projector};

fn audit(data: &Path) -> (Option<i32>, String, String) {
    let program = env!("CARGO_BIN_EXE_potluck");
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(program)
        .arg("audit")
        .arg("--data")
        .arg(data)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

#[track_caller]
fn passes(data: &Path) -> String {
    let (code, page, errors) = audit(data);
    assert!(page.contains("\nAUDIT PASSED\n"), "{page}{errors}");
    assert_eq!(code, Some(0));
    page
}

/// Fails with this finding, exit code 1, and nothing that looks like a crash.
#[track_caller]
fn fails(data: &Path, finding: &str) -> String {
    let (code, page, errors) = audit(data);
    assert!(page.contains("\nAUDIT FAILED: "), "{page}{errors}");
    assert!(page.contains(finding), "{finding:?} is not in\n{page}");
    assert!(!errors.contains("panicked"), "{errors}");
    assert_eq!(code, Some(1));
    page
}

fn open(data: &Path) -> Step {
    let journal = SqliteJournal::open(data).unwrap();
    Step::open(Box::new(journal), &mut |_| {}).unwrap().0
}

/// Some hours of a shop, stopped in the middle: groups are open and full, refunds on their way.
fn half_a_day(data: &Path) -> Step {
    let mut step = open(data);
    let mut simulation = Simulation::new(&Day {
        members: 90,
        seed: 11,
        hours: 5,
    });
    let begin = i64::try_from(sim::BEACON_GENESIS_S).unwrap() * 1000 + 86_400_000;
    while step.world().now() < Millis(begin + 4 * 3_600_000) {
        assert!(simulation.batch(&mut step).unwrap());
    }
    std::fs::write(data.join("beacon.key"), sim::beacon_seed()).unwrap();
    step
}

fn records(data: &Path) -> Vec<(u64, Record)> {
    let reader = SqliteJournal::open_read_only(data).unwrap();
    let mut reader = RecordReader::new(Box::new(reader), 0);
    let mut all = Vec::new();
    loop {
        let some = reader.read(1 << 20).unwrap();
        if some.is_empty() {
            return all;
        }
        all.extend(some.into_iter().map(|stored| (stored.seq, stored.record)));
    }
}

/// Makes `views.db` of the first records.
fn project(data: &Path, until: u64) {
    let records = records(data);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let id = JournalId {
            first_batch: None,
            head_seq: u64::try_from(records.len()).unwrap(),
        };
        let place = Place::File(data.join("views.db"));
        let mut projector = Projector::open(&place, &id).await.unwrap();
        let wanted: Vec<_> = records
            .into_iter()
            .filter(|(seq, _)| *seq <= until)
            .collect();
        for chunk in wanted.chunks(2_000) {
            projector.apply(chunk, None).await.unwrap();
        }
        projector.close().await;
    });
}

fn write_snapshot(step: &Step) {
    let content = step.world().to_snapshot();
    let at = step.journal().head().mark();
    step.journal()
        .write_snapshot(at, &mut |out| out.write_all(&content))
        .unwrap();
}

fn sql(data: &Path, file: &str, statement: &str) {
    let connection = rusqlite::Connection::open(data.join(file)).unwrap();
    let changed = connection.execute(statement, []).unwrap();
    assert!(0 < changed, "{statement}");
}

/// A journal with other records but right checksums and hashes, as somebody could write who knows this program.
fn forge(from: &Path, change: impl FnOnce(&mut Vec<Record>)) -> TempDir {
    let mut all: Vec<Record> = records(from)
        .into_iter()
        .map(|(_, record)| record)
        .collect();
    change(&mut all);
    let to = tempfile::tempdir().unwrap();
    let mut journal = SqliteJournal::open(to.path()).unwrap();
    for some in all.chunks(500) {
        let next = journal.head().next_seq;
        let mut batch = BatchBuilder::new(next);
        for record in some {
            batch
                .push(RECORD_VERSION, |buffer| {
                    minicbor::encode(record, buffer).unwrap()
                })
                .unwrap();
        }
        journal.append(next, &batch).unwrap();
    }
    std::fs::write(to.path().join("beacon.key"), sim::beacon_seed()).unwrap();
    to
}

/// The first event that `change` takes.
fn change_one(records: &mut [Record], change: impl FnMut(&mut Event) -> bool) {
    let mut events = records.iter_mut().flat_map(|record| &mut record.events);
    assert!(events.any(change), "no such event");
}

#[test]
fn a_whole_day_passes_with_views_and_snapshot() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    let mut step = open(data);
    let mut stats = Stats::default();
    let day = Day {
        members: 1_300,
        seed: 2_025,
        hours: 24,
    };
    if let Err(error) = day.run(&mut step, &mut stats) {
        panic!("{error}");
    }
    assert!(18_000 < stats.commands, "{stats:?}");
    write_snapshot(&step);
    std::fs::write(data.join("beacon"), sim::beacon_file().to_bytes()).unwrap();
    project(data, step.seq());
    // Beside a running writer.
    let page = passes(data);
    drop(step);
    assert_eq!(passes(data), page);
    for expected in [
        format!(
            "{} drawn again, {} with the beacon's signature verified",
            stats.settled, stats.settled
        ),
        format!("refunds       {} paid", stats.refunds),
        ", 0 pending (0.00)".to_owned(),
        format!(
            "snapshot      the same as the replay at record {}",
            last_seq(data)
        ),
        format!(
            "views.db      every row as made anew from the journal up to record {}",
            last_seq(data)
        ),
    ] {
        assert!(page.contains(&expected), "{expected:?} is not in\n{page}");
    }
    let unchecked = page.split_once("\nNot checked\n").unwrap().1;
    let listed = unchecked.split("\n\n").next().unwrap();
    assert_eq!(listed, "  directory: there is no directory.db");
    println!("{page}");
    each_refund_is_paid_once(data, stats.refunds);
}

fn last_seq(data: &Path) -> u64 {
    records(data).last().unwrap().0
}

/// Counted from the events and nothing else.
fn each_refund_is_paid_once(data: &Path, sent: u64) {
    let mut due = std::collections::BTreeMap::new();
    let mut paid = 0;
    let mut settled = 0;
    for event in records(data)
        .into_iter()
        .flat_map(|(_, record)| record.events)
    {
        match event {
            Event::PaymentBounced { refund, amount, .. }
            | Event::SeatLeft { refund, amount, .. } => {
                assert_eq!(due.insert(refund.0, amount), None);
            }
            Event::GroupClosed {
                first_refund,
                refunds,
                refund_each,
                ..
            } => {
                for (refund, _) in (first_refund.0..).zip(refunds) {
                    assert_eq!(due.insert(refund, refund_each), None);
                }
            }
            Event::GroupSettled(group) => {
                settled += 1;
                for (refund, _) in (group.first_refund.0..).zip(group.refunded()) {
                    assert_eq!(due.insert(refund, group.price), None);
                }
            }
            Event::RefundPaid { refund, amount, .. } => {
                paid += 1;
                assert_eq!(due.remove(&refund.0), Some(amount), "refund {refund}");
            }
            _ => {}
        }
    }
    assert_eq!((due.len(), paid), (0, sent));
    assert!(100 < settled);
}

#[test]
fn views_may_lie_behind_and_the_beacon_be_unknown() {
    let dir = tempfile::tempdir().unwrap();
    let step = half_a_day(dir.path());
    let seq = step.seq();
    drop(step);
    project(dir.path(), seq / 2);
    let page = passes(dir.path());
    assert!(
        page.contains(&format!(
            "made anew from the journal up to record {}\n",
            seq / 2
        )),
        "{page}"
    );
    assert!(page.contains("snapshot: there is none"), "{page}");
    std::fs::remove_file(dir.path().join("beacon.key")).unwrap();
    std::fs::remove_file(dir.path().join("views.db")).unwrap();
    let page = passes(dir.path());
    assert!(page.contains("  beacon signature of "), "{page}");
    assert!(page.contains("views: there is no views.db"), "{page}");
}

/// The writer goes on while the audit reads: it audits what was there when it began.
#[test]
fn an_audit_works_beside_a_writer_at_work() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    let mut step = half_a_day(data);
    project(data, step.seq());
    let mut capital = 0;
    let audited = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let auditor = scope.spawn(|| {
            let pages = [passes(data), passes(data)];
            audited.store(true, Ordering::SeqCst);
            pages
        });
        while !audited.load(Ordering::SeqCst) && !auditor.is_finished() {
            capital += 1;
            let deposit = Request {
                actor: Actor::System,
                key: None,
                command: domain::Command::DepositCapital {
                    amount: Money(capital),
                },
            };
            step.execute(&deposit, step.world().now()).unwrap();
            step.commit().unwrap();
        }
        let [first, second] = auditor.join().unwrap();
        assert_ne!(first, second, "the journal grew between the two");
    });
    assert!(1 < capital);
}

#[test]
fn what_is_no_journal_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let (code, page, errors) = audit(&dir.path().join("nowhere"));
    assert!(
        page.is_empty() && errors.contains("is not a directory"),
        "{page}{errors}"
    );
    assert_eq!(code, Some(1));
    let (code, page, errors) = audit(dir.path());
    assert!(
        page.is_empty() && errors.contains("there is no journal at "),
        "{page}{errors}"
    );
    assert_eq!(code, Some(1));
    assert_eq!(
        std::fs::read_dir(dir.path()).unwrap().count(),
        0,
        "an audit makes no files"
    );
    std::fs::write(
        dir.path().join("journal.db"),
        "not a database at all".repeat(100),
    )
    .unwrap();
    fails(dir.path(), "is not a journal of this program");
}

#[test]
fn an_empty_journal_passes() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()));
    let page = passes(dir.path());
    assert!(page.contains("records       0"), "{page}");
}

#[test]
fn damage_to_the_journal_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    drop(half_a_day(data));
    let whole = std::fs::read(data.join("journal.db")).unwrap();
    let restore = || std::fs::write(data.join("journal.db"), &whole).unwrap();
    passes(data);
    let flip = "UPDATE batch SET bytes = CAST(substr(bytes, 1, 40) || x'00' || substr(bytes, 42) AS BLOB) WHERE number = 20";
    sql(data, "journal.db", flip);
    fails(data, "the journal is damaged at batch 20, ");
    restore();
    sql(data, "journal.db", "DELETE FROM batch WHERE number = 30");
    let page = fails(data, "the journal is damaged at batch 30, ");
    assert!(page.contains("everything after record "), "{page}");
    restore();
    sql(
        data,
        "journal.db",
        "UPDATE batch SET prev = zeroblob(32) WHERE number = 40",
    );
    fails(data, "as the hash of the batch before it");
    restore();
    // Its end was lost: only what stands beside it can tell.
    let seq = last_seq(data);
    project(data, seq);
    sql(
        data,
        "journal.db",
        "DELETE FROM batch WHERE number = (SELECT MAX(number) FROM batch)",
    );
    fails(
        data,
        &format!("the views know record {seq}, but the journal ends at "),
    );
    for torn in [whole.len() / 2, whole.len() - 20_000, 100] {
        std::fs::write(data.join("journal.db"), &whole[..torn]).unwrap();
        let (code, page, errors) = audit(data);
        assert_eq!(code, Some(1), "torn at {torn}: {page}{errors}");
        assert!(
            page.contains("AUDIT FAILED") && !errors.contains("panicked"),
            "torn at {torn}: {page}{errors}"
        );
    }
}

#[test]
fn damage_beside_the_journal_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    let step = half_a_day(data);
    write_snapshot(&step);
    let seq = step.seq();
    drop(step);
    project(data, seq);
    passes(data);
    let whole = std::fs::read(data.join("views.db")).unwrap();
    for (statement, finding) in [
        (
            "UPDATE balance SET amount = amount - 1 WHERE account = 3 AND holder = (SELECT MAX(holder) FROM balance WHERE account = 3)",
            "views.db: ",
        ),
        (
            "UPDATE seat SET member = member + 1 WHERE state = 'paid' AND group_id = (SELECT MAX(group_id) FROM seat WHERE state = 'paid')",
            "views.db: seat ",
        ),
        (
            "DELETE FROM refund WHERE state = 'due'",
            "refunds on their way",
        ),
        (
            "UPDATE member SET inviter = 0 WHERE id = 7",
            "inviter of member 7",
        ),
        (
            "UPDATE ledger_line SET amount = amount + 1 WHERE seq = 1 AND line_no = 0",
            "views.db: ",
        ),
        (
            "UPDATE seat SET state = 'won' WHERE (group_id, idx) = (SELECT group_id, idx FROM seat WHERE state = 'lost' LIMIT 1)",
            "views.db: table seat has a row that the journal does not give: ",
        ),
        (
            "DELETE FROM wallet_line WHERE seq = (SELECT MAX(seq) FROM wallet_line)",
            "views.db: table wallet_line lacks a row that the journal gives: ",
        ),
        (
            "UPDATE draw_ SET winners = '1' WHERE winners = '0'",
            "views.db: table draw_ ",
        ),
        (
            "UPDATE meta SET applied_seq = applied_seq + 1",
            "the views know record ",
        ),
    ] {
        sql(data, "views.db", statement);
        fails(data, finding);
        std::fs::write(data.join("views.db"), &whole).unwrap();
    }
    let snapshots = data.join("snapshots");
    let file = std::fs::read_dir(&snapshots)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    fails(data, "it is damaged");
}

#[test]
fn a_journal_rewritten_with_right_hashes_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    drop(half_a_day(data));
    passes(forge(data, |_| {}).path());
    let settled = |change: fn(&mut domain::GroupSettled) -> bool| {
        forge(data, |records| {
            change_one(records, |event| match event {
                Event::GroupSettled(settled) => change(settled),
                _ => false,
            });
        })
    };
    let forged = settled(|settled| {
        let winner = settled.winners[0];
        let seats = u32::try_from(settled.seats.len()).unwrap();
        settled.winners[0] = (0..seats)
            .find(|seat| *seat != winner && !settled.winners.contains(seat))
            .unwrap();
        true
    });
    fails(forged.path(), "the winners of group ");
    let forged = settled(|settled| {
        let Some(reward) = settled.rewards.first_mut() else {
            return false;
        };
        reward.cash.0 += 1;
        true
    });
    fails(forged.path(), "its rules say ");
    let forged = settled(|settled| {
        settled.consolation_cash.0 += 1;
        true
    });
    fails(forged.path(), "non-winners of group ");
    let forged = settled(|settled| {
        settled.signature[5] ^= 1;
        true
    });
    fails(forged.path(), "the draw of group ");
    let forged = settled(|settled| {
        settled.cost.0 -= 1;
        true
    });
    fails(forged.path(), "price or cost of group ");
}

#[test]
fn forged_facts_before_and_after_a_draw_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    drop(half_a_day(data));
    let one = |change: fn(&mut Event) -> bool| forge(data, |records| change_one(records, change));
    let forged = one(|event| match event {
        Event::GroupFilled { seats, .. } => seats.iter_mut().any(|seat| {
            seat.uplines
                .first_mut()
                .map(|upline| upline.member.0 ^= 1)
                .is_some()
        }),
        _ => false,
    });
    fails(forged.path(), "or have other uplines");
    let forged = one(|event| match event {
        Event::GroupFilled { frozen_at, .. } => {
            *frozen_at += 3;
            true
        }
        _ => false,
    });
    fails(forged.path(), "the freeze of group ");
    let forged = one(|event| match event {
        Event::RefundPaid { amount, .. } => {
            amount.0 += 1;
            true
        }
        _ => false,
    });
    fails(forged.path(), "is not what is due");
    let forged = forge(data, |records| {
        let mut events = records.iter().flat_map(|record| &record.events);
        let filled = events.find_map(|event| match event {
            Event::GroupFilled { group, .. } => Some(*group),
            _ => None,
        });
        change_one(records, |event| match event {
            Event::PaymentAccepted { tag, payment, .. } => {
                tag[0] ^= 1;
                Some(payment.group) == filled
            }
            _ => false,
        });
    });
    fails(forged.path(), "the freeze of group ");
    let forged = one(|event| match event {
        Event::CampaignPublished { terms, .. } => {
            terms.product.cost.0 = terms.group.price.0;
            true
        }
        _ => false,
    });
    fails(forged.path(), "must not be published");
}

#[test]
fn records_that_do_not_fit_are_findings_and_no_crash() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path();
    drop(half_a_day(data));
    let at = |records: &[Record], is: fn(&Event) -> bool| {
        records
            .iter()
            .position(|record| record.events.iter().any(is))
            .unwrap()
    };
    // A sign-up left out: the next member is not the next number.
    let forged = forge(data, |records| {
        records.remove(at(records, |event| {
            matches!(event, Event::MemberRegistered { .. })
        }));
    });
    let page = fails(
        forged.path(),
        "does not fit what came before it: the journal is not consistent: ",
    );
    assert!(page.contains("the replay stopped"), "{page}");
    // A refund confirmed twice, a payment taken twice.
    let forged = forge(data, |records| {
        let paid = at(records, |event| matches!(event, Event::RefundPaid { .. }));
        let again = records[paid].clone();
        records.insert(paid + 1, again);
    });
    fails(
        forged.path(),
        "is paid, but it is not due, or was paid before",
    );
    let forged = forge(data, |records| {
        let taken = at(records, |event| {
            matches!(event, Event::PaymentAccepted { .. })
        });
        let again = records[taken].clone();
        records.insert(taken + 1, again);
    });
    fails(forged.path(), "is booked a second time");
    // Time that runs backwards.
    let forged = forge(data, |records| {
        let last = records.len() - 1;
        records[last].at.0 = 0;
    });
    fails(forged.path(), "its time lies before");
}

#[test]
fn a_record_of_a_later_version_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = SqliteJournal::open(dir.path()).unwrap();
    let mut batch = BatchBuilder::new(1);
    batch.push_bytes(RECORD_VERSION + 1, b"?").unwrap();
    journal.append(1, &batch).unwrap();
    drop(journal);
    fails(dir.path(), "start the version that wrote it");
}
