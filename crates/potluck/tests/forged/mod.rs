//! A journal with one event changed, in batches whose hashes are right, and what the audit says of it.

use std::path::Path;
use std::process::Command as Process;

use domain::{Event, Record};
use engine::{RECORD_VERSION, RecordReader};
use journal::{BatchBuilder, Journal, SqliteJournal};
use tempfile::TempDir;

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
    dir
}

pub(crate) fn audit(data: &Path) -> String {
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
