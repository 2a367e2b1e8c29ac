//! A writer killed at a random moment loses nothing it acknowledged.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use journal::{BatchBuilder, Journal, JournalReader, SqliteJournal, verify_all};

const ROUNDS: u64 = 10;

/// Set for the process that is to be killed: where its journal is.
const CHILD: &str = "JOURNAL_CRASH_DIRECTORY";

#[test]
fn a_killed_writer_loses_nothing_it_acknowledged() {
    if let Some(dir) = std::env::var_os(CHILD) {
        write_until_killed(Path::new(&dir));
    }
    let dir = tempfile::tempdir().unwrap();
    let random = RandomState::new();
    let mut acknowledged = 0;
    for round in 0..ROUNDS {
        acknowledged = run_and_kill(dir.path(), random.hash_one(round) % 80).max(acknowledged);
        let mut reader = SqliteJournal::open_read_only(dir.path()).unwrap();
        let head = verify_all(&mut reader).unwrap();
        let found = head.next_batch - 1;
        let allowed = acknowledged..=acknowledged + 1;
        assert!(
            allowed.contains(&found),
            "{found} found, {acknowledged} acknowledged"
        );
        let mut next_seq = 1;
        while next_seq < head.next_seq {
            for batch in reader.read(next_seq, 1 << 20).unwrap() {
                let builder = numbered(batch.number, batch.first_seq);
                assert!(
                    batch.bytes == builder.bytes(),
                    "batch {} differs",
                    batch.number
                );
                next_seq = batch.next_seq();
            }
        }
        // The batch that was not acknowledged is there for good once it was seen.
        assert_eq!(SqliteJournal::open(dir.path()).unwrap().head(), head);
        acknowledged = found;
    }
    assert!(ROUNDS < acknowledged, "the children hardly wrote anything");
}

/// Starts a writer, kills it after some acknowledgements, and returns the last one it gave.
fn run_and_kill(dir: &Path, acknowledgements: u64) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "a_killed_writer_loses_nothing_it_acknowledged",
            "--exact",
            "--nocapture",
        ])
        .env(CHILD, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let mut numbers = lines.filter_map(|line| line.strip_prefix("durable ")?.parse::<u64>().ok());
    let seen = numbers.by_ref().take(acknowledgements as usize + 1).last();
    child.kill().unwrap();
    // What it said before it died counts.
    let last = numbers
        .last()
        .or(seen)
        .expect("the child acknowledged something");
    child.wait().unwrap();
    last
}

/// Appends numbered batches without end.
fn write_until_killed(dir: &Path) -> ! {
    let mut journal = SqliteJournal::open(dir).unwrap();
    let mut out = std::io::stdout();
    loop {
        let head = journal.head();
        journal
            .append(head.next_seq, &numbered(head.next_batch, head.next_seq))
            .unwrap();
        // One write, so that the parent sees the line whole or not at all.
        out.write_all(format!("\ndurable {}\n", head.next_batch).as_bytes())
            .unwrap();
        out.flush().unwrap();
    }
}

/// A batch whose content follows from its number; some are long, so that the log is copied back
/// now and then.
fn numbered(number: u64, first_seq: u64) -> BatchBuilder {
    let mut batch = BatchBuilder::new(first_seq);
    let length = if number.is_multiple_of(7) {
        400_000
    } else {
        500
    };
    for record in 0..=number % 3 {
        let text = format!("batch {number} record {record} ").repeat(length / 20);
        batch.push_bytes(1, text.as_bytes()).unwrap();
    }
    batch
}
