//! The table of crates in ARCHITECTURE.md, as a test: who may use whom, and what must never be reached.

use std::{collections::BTreeSet, process::Command};

/// Names of every package that `package` reaches in a normal build, itself included.
fn reaches(package: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "-p",
            package,
            "-e",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("cargo prints UTF-8");
    let names = text
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned);
    names.collect()
}

/// Every crate of the workspace.
const OURS: [&str; 11] = [
    "crash", "draw", "domain", "schema", "journal", "engine", "views", "payments", "sim", "server",
    "potluck",
];

/// Who may use whom, as in ARCHITECTURE.md. What a crate may use includes what that uses.
const MAY_USE: [(&str, &[&str]); 10] = [
    ("crash", &[]),
    ("draw", &[]),
    ("journal", &[]),
    ("payments", &[]),
    ("domain", &["draw"]),
    ("schema", &["domain", "draw"]),
    ("engine", &["domain", "journal", "draw", "crash"]),
    ("views", &["domain", "draw", "crash"]),
    ("sim", &["domain", "engine", "journal", "draw", "crash"]),
    (
        "server",
        &[
            "engine", "views", "payments", "schema", "domain", "journal", "draw", "crash",
        ],
    ),
];

/// What a crate must never reach, and why.
const BANNED: [(&str, &[&str], &str); 4] = [
    (
        "domain",
        &[
            "tokio",
            "serde",
            "rand",
            "getrandom",
            "rusqlite",
            "sqlx",
            "tracing",
            "time",
        ],
        "rules are pure",
    ),
    (
        "draw",
        &[
            "tokio", "serde", "rand", "rusqlite", "sqlx", "tracing", "time",
        ],
        "the draw is arithmetic over bytes",
    ),
    (
        "journal",
        &["tokio", "serde", "minicbor", "sqlx"],
        "the journal stores bytes and knows no commands",
    ),
    (
        "views",
        &["engine", "rusqlite", "axum"],
        "views are made from events by portable SQL",
    ),
];

fn unexpected(package: &str, allowed: &[&str]) -> Vec<String> {
    let reached = reaches(package);
    let ours = reached
        .into_iter()
        .filter(|name| OURS.contains(&name.as_str()));
    ours.filter(|name| name != package && !allowed.contains(&name.as_str()))
        .collect()
}

fn banned(package: &str, banned: &[&str]) -> Vec<String> {
    reaches(package)
        .into_iter()
        .filter(|name| banned.contains(&name.as_str()))
        .collect()
}

#[test]
fn crates_use_only_what_the_table_allows() {
    for (package, allowed) in MAY_USE {
        let found = unexpected(package, allowed);
        assert!(
            found.is_empty(),
            "{package} reaches {found:?}; see the table in ARCHITECTURE.md"
        );
    }
}

#[test]
fn pure_crates_reach_no_input_or_output() {
    for (package, names, why) in BANNED {
        let found = banned(package, names);
        assert!(
            found.is_empty(),
            "{package} reaches {found:?}, but {why}; see ARCHITECTURE.md"
        );
    }
}

/// The checks above can fail: what is certainly there is found.
#[test]
fn the_checks_find_what_is_there() {
    assert_eq!(unexpected("domain", &[]), ["draw"]);
    assert_eq!(banned("engine", &["tokio", "no-such-crate"]), ["tokio"]);
    assert!(!unexpected("server", &["engine"]).is_empty());
}

#[test]
fn the_table_names_every_crate() {
    let here =
        std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).expect("crates/ is there");
    let mut found: Vec<String> = here
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    found.sort();
    let mut ours = OURS.map(str::to_owned);
    ours.sort();
    assert_eq!(found, ours);
}
