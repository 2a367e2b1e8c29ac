//! `potluck try` on bills at counters: examples E4 and E5, and what such a file may not say.

mod try_common;

use serde_json::json;
use try_common::{Dir, example, try_json, try_run};

#[test]
fn e4_to_the_fen() {
    let wanted = json!({
        "spent": "100.00", "paid_in": "90.00",
        "cash": { "merchant": "80.00", "custody": "0.00", "platform": "10.00" },
        "coins": { "used": "10.00", "left": "0.00" },
        "cash_taken_by": "store", "store_owes": "10.00",
    });
    assert_eq!(try_json(&[&example("e4")]), wanted);
}

#[test]
fn e5_to_the_fen() {
    let wanted = json!({
        "spent": "100000.00", "paid_in": "91000.00",
        "cash": { "merchant": "80000.00", "custody": "0.00", "platform": "11000.00" },
        "coins": { "used": "10000.00", "left": "0.00" },
        "cash_taken_by": "store", "store_owes": "10000.00",
    });
    assert_eq!(try_json(&[&example("e5")]), wanted);
}

/// An example with some of its text replaced.
fn changed(name: &str, changes: &[(&str, &str)]) -> String {
    let text = std::fs::read_to_string(example(name)).unwrap();
    changes.iter().fold(text, |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    })
}

/// What is not used stays in custody; the platform's channel takes no payment of nothing.
#[test]
fn what_is_left_and_who_takes_the_cash() {
    let dir = Dir::new();
    let some = changed("e5", &[("bills = 100", "bills = 33")]);
    let found = try_json(&[&dir.file("some.toml", some)]);
    let cash = json!({ "merchant": "26400.00", "custody": "670.00", "platform": "3630.00" });
    assert_eq!(found["cash"], cash);
    assert_eq!(
        found["coins"],
        json!({ "used": "3300.00", "left": "6700.00" })
    );

    let by_platform = changed("e4", &[("\"store\"", "\"platform\"")]);
    let found = try_json(&[&dir.file("platform.toml", by_platform)]);
    assert_eq!(found["store_owes"], "0.00");
    assert_eq!(found["cash"]["platform"], "10.00");

    // More than 10 % of a bill no coins pay, and none of what the merchant does not leave.
    let greedy = changed("e4", &[("coins = \"10.00\"", "coins = \"60.00\"")]);
    let found = try_json(&[&dir.file("greedy.toml", greedy)]);
    assert_eq!(found["coins"]["used"], "10.00");
    let cheap = changed("e4", &[("\"20%\"", "\"3%\"")]);
    let found = try_json(&[&dir.file("cheap.toml", cheap)]);
    assert_eq!(found["coins"]["used"], "3.00");
    assert_eq!(found["cash"]["platform"], "0.00");
}

#[test]
fn what_people_read() {
    let ran = try_run(&[&example("e5")]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    for line in [
        "bills: 100 x 1000.00                                             100000.00",
        "  earned as they were used                                         1000.00",
        "paid in: cash at the counter, and the package                     91000.00",
        "  merchant                                                        80000.00",
        "The store takes the cash: it keeps 90000.00 and owes 10000.00.",
    ] {
        assert!(
            ran.stdout.lines().any(|found| found == line),
            "{}",
            ran.stdout
        );
    }
}

#[test]
fn what_a_counter_file_may_not_say() {
    let dir = Dir::new();
    for (from, to, says) in [
        ("\"seed\"", "\"cn-default\"", "refused (profile_forbids)"),
        (
            "\"1000.00\"\ncoins",
            "\"200000.00\"\ncoins",
            "refused (recharge_cap)",
        ),
        ("bills = 100", "bills = 0", "counter.bills"),
        (
            "\"20%\"",
            "\"120%\"",
            "counter.settlement must be at most 100%",
        ),
        (
            "settlement",
            "settlment",
            "did you mean counter.settlement?",
        ),
        (
            "\"10000.00\"",
            "\"0.00\"",
            "package.coins must be above zero",
        ),
        (
            "bill = \"1000.00\"",
            "bill = \"0.00\"",
            "counter.bill must be above zero",
        ),
    ] {
        let path = dir.file("changed.toml", changed("e5", &[(from, to)]));
        let ran = try_run(&[&path]);
        assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{to}");
        assert!(ran.stderr.contains(says), "{to}: {}", ran.stderr);
    }
    for flags in [
        vec!["--members"],
        vec!["--seed", "00"],
        vec!["--crowd", "x"],
    ] {
        let file = example("e4");
        let ran = try_run(&[&[file.as_str()], flags.as_slice()].concat());
        assert_eq!(ran.code, 1);
        assert!(
            ran.stderr.contains("a counter has no draw"),
            "{}",
            ran.stderr
        );
    }
}
