//! `potluck bench` runs, counts right, and refuses what cannot be measured. Its figures are not looked at: here they
//! would mean nothing.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use domain::Event;
use engine::RecordReader;
use journal::SqliteJournal;
use serde_json::Value;

fn bench(arguments: &str, data: &Path) -> (bool, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_potluck"))
        .arg("bench")
        .args(arguments.split_whitespace())
        .arg("--data")
        .arg(data)
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (
        output.status.success(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// Runs a measurement with `--json`; these figures must be above zero.
#[track_caller]
fn figures(arguments: &str, data: &Path, above_zero: &[&str]) -> Value {
    let (good, said, failed) = bench(&format!("{arguments} --json"), data);
    assert!(good, "{arguments}: {failed}");
    assert_eq!(said.lines().count(), 1, "{said}");
    let figures: Value = serde_json::from_str(&said).unwrap();
    for key in above_zero {
        let value = &figures[*key];
        assert!(
            value.as_f64().is_some_and(|number| 0.0 < number),
            "{key} is {value} in {said}"
        );
    }
    figures
}

/// The directory that `--keep` left.
fn left_in(data: &Path) -> PathBuf {
    let mut entries = std::fs::read_dir(data).unwrap();
    entries.next().unwrap().unwrap().path()
}

/// How many events of the journal are of this kind.
fn count(dir: &Path, is: fn(&Event) -> bool) -> u64 {
    let reader = SqliteJournal::open_read_only(dir).unwrap();
    let mut reader = RecordReader::new(Box::new(reader), 1);
    let mut found = 0;
    loop {
        let records = reader.read(1 << 20).unwrap();
        if records.is_empty() {
            return found;
        }
        let events = records.iter().flat_map(|stored| &stored.record.events);
        found += events.filter(|event| is(event)).count() as u64;
    }
}

#[track_caller]
fn check_joins(flags: &str, more: &[&str]) {
    let data = tempfile::tempdir().unwrap();
    let arguments =
        format!("joins --keep --members 300 --groups 4 --seats 10 --joins 2500 {flags}");
    let always = [
        "joins_per_s",
        "p50_us",
        "p99_us",
        "cpu_ns_per_join",
        "journal_bytes_per_join",
        "rss_mb",
        "seconds",
        "refused",
    ];
    let found = figures(&arguments, data.path(), &[&always, more].concat());
    for (key, value) in [
        ("journal", Value::from("sqlite")),
        ("synchronous", Value::from("FULL")),
        ("members", Value::from(300)),
        ("groups", Value::from(4)),
        ("projector", Value::from(flags.contains("--projector"))),
        ("snapshot", Value::from(flags.contains("--snapshot"))),
    ] {
        assert_eq!(found[key], value, "{key}");
    }
    let number = |key: &str| found[key].as_u64().unwrap();
    let paid = count(&left_in(data.path()), |event| {
        matches!(event, Event::PaymentAccepted { .. })
    });
    assert_eq!(number("joins") + number("setup_joins"), paid, "{found}");
    assert!(2_500 <= number("joins"), "{found}");
}

#[test]
fn every_answered_join_is_a_payment_in_the_journal() {
    check_joins("--path gateway", &[]);
    check_joins("--path member --batch 100 --in-flight 2", &[]);
}

#[test]
fn joins_are_measured_with_projector_and_snapshots() {
    check_joins("--projector", &["catch_up_seconds"]);
    check_joins(
        "--snapshot",
        &["joins_per_s_before", "joins_per_s_during", "snapshots"],
    );
}

#[test]
fn every_group_settles_and_its_lines_are_counted() {
    let data = tempfile::tempdir().unwrap();
    let keys = [
        "postings_per_s",
        "groups_per_s",
        "cpu_ns_per_posting",
        "p99_ratio",
        "idle_p99_us",
        "settling_p99_us",
    ];
    let arguments = "settle --keep --members 300 --seats 10 --groups 20 --bursts 2 --throughput-groups 30 --idle 0.2 \
                     --set 4 --in-flight 2";
    let found = figures(arguments, data.path(), &keys);
    let settled = count(&left_in(data.path()), |event| {
        matches!(event, Event::GroupSettled(_))
    });
    assert_eq!(settled, 2 * 20 + 30);
    // Sale, cost, nine refunds with consolation in cash and coins, leader, nine recruits: two lines each.
    assert_eq!(
        found["postings"],
        30 * 2 * (1 + 1 + 9 * 3 + 1 + 9),
        "{found}"
    );
}

#[test]
fn a_start_reads_what_was_written() {
    let data = tempfile::tempdir().unwrap();
    let keys = [
        "journal_seconds",
        "snapshot_seconds",
        "journal_events_per_s",
    ];
    let arguments = "recover --keep --events 5000 --after-snapshot 500 --members 300 --seats 10";
    let found = figures(arguments, data.path(), &keys);
    let number = |key: &str| found[key].as_u64().unwrap();
    let stored = count(&left_in(data.path()), |_| true);
    assert_eq!(
        number("events") + number("events_after_snapshot"),
        stored,
        "{found}"
    );
    assert!(
        number("records_after_snapshot") < number("records") / 2,
        "{found}"
    );
}

#[test]
fn memory_and_growth_are_measured() {
    let data = tempfile::tempdir().unwrap();
    let memory = "memory --members 300 --seats 10 --unsettled 900 --settled 1000 --step 500";
    let found = figures(memory, data.path(), &["rss_mb_members", "unsettled_seats"]);
    assert_eq!(found["unsettled_seats"], 900);
    assert_eq!(found["settled_seats"], 1_000);
    assert_eq!(
        found["rss_mb_after_each_step"].as_array().map(Vec::len),
        Some(2)
    );
    let growth = "growth --members 100,300 --groups 3 --seats 10 --joins 500";
    let found = figures(growth, data.path(), &["ratio"]);
    assert_eq!(
        found["cpu_ns_per_join"].as_array().map(Vec::len),
        Some(2),
        "{found}"
    );
    let left = std::fs::read_dir(data.path()).unwrap().count();
    assert_eq!(left, 0, "what was written is removed");
}

#[test]
fn tables_are_written_between_the_markers_of_a_file() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("page.md");
    let (good, _, failed) = bench("all --tiny --write no-such-file", data.path());
    assert!(!good && failed.contains("no-such-file"), "{failed}");
    let page = include_str!("../../../docs/benchmarks.md");
    std::fs::write(&file, page).unwrap();
    let all = format!(
        "all --tiny --runs 2 --only growth,memory --write {}",
        file.display()
    );
    let (good, said, failed) = bench(&all, data.path());
    assert!(good, "{failed}");
    assert!(said.contains("written"), "{said}");
    let written = std::fs::read_to_string(&file).unwrap();
    for part in [
        "Median of 2 runs",
        "these figures mean nothing",
        "### Memory",
        "| largest over smallest |",
    ] {
        assert!(written.contains(part), "{part} is not in {written}");
    }
    let (head, _) = page.split_once("<!--").unwrap();
    assert!(written.starts_with(head), "what stands outside stays");
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let data = tempfile::tempdir().unwrap();
    for (arguments, says) in [
        ("joins --members 0", "--members: there must be at least one"),
        (
            "joins --members 1000 --seats 1",
            "--seats: must be between 2",
        ),
        ("joins --members 50", "fewer than the 100 seats"),
        ("joins --groups 0", "there must be at least one"),
        ("joins --batch 5000", "--batch: must be between 1 and 4096"),
        ("joins --path both", "invalid value 'both'"),
        ("settle --probes 9", "--probes: must be between 1 and 8"),
        ("settle --set 100 --in-flight 11", "--set times --in-flight"),
        ("settle --idle -1", "unexpected argument '-1'"),
        ("recover --events 10", "the 1000000 members alone"),
        ("memory --settled 10 --step 100", "at least one --step"),
        ("growth --members 1000,500", "in growing order"),
        ("all --only nothing", "the sections are joins"),
        ("all --runs 0", "--runs: must be between 1"),
    ] {
        let (good, said, failed) = bench(arguments, data.path());
        assert!(!good && said.is_empty(), "{arguments}: {said}");
        assert!(failed.contains(says), "{arguments}: {failed}");
    }
    let left = std::fs::read_dir(data.path()).unwrap().count();
    assert_eq!(left, 0, "nothing was written");
}
