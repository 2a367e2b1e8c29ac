//! `potluck try` on the worked examples (rules 12), run as the operator runs it.

mod try_common;

use serde_json::{Value, json};
use try_common::{Dir, example, try_json, try_run};

/// Every one of these keys has this value; others may stand beside them.
#[track_caller]
fn check(found: &Value, wanted: &Value) {
    for (key, value) in wanted.as_object().unwrap() {
        if value.is_object() {
            check(&found[key], value);
        } else {
            assert_eq!(&found[key], value, "{key} of {found}");
        }
    }
}

#[test]
fn e0_fully_used() {
    let wanted = json!({
        "seats": 5, "winners": 1,
        "cash": {
            "refunds": "400.00", "consolation": "20.00", "formation": "8.00", "generation": "30.00",
            "supplier": "20.00", "fees": "0.00", "platform": "22.00",
        },
        "coins": { "consolation": "0.00" },
        "worst": { "platform": "22.00" },
    });
    check(&try_json(&[&example("e0"), "--uplines", "full"]), &wanted);
}

#[test]
fn e1_has_three_winners() {
    let wanted = json!({
        "seats": 100, "winners": 3,
        "cash": {
            "refunds": "9603.00", "consolation": "97.00", "generation": "0.00", "supplier": "60.00",
            "platform": "140.00",
        },
    });
    check(&try_json(&[&example("e1")]), &wanted);
}

#[test]
fn e2_with_all_uplines_and_with_none() {
    let full = json!({
        "seats": 100, "winners": 2,
        "cash": {
            "refunds": "98000.00", "consolation": "1176.00", "winner_bonus": "0.00", "leader": "0.00",
            "formation": "0.00", "generation": "176.40", "differential": "0.00", "same_level": "0.00",
            "region": "0.00", "dividend": "0.00", "origin_share": "0.00", "supplier": "500.00",
            "fees": "0.00", "merchant": "0.00", "commission": "0.00", "platform": "147.60",
        },
        "coins": { "consolation": "9800.00", "winner_bonus": "0.00", "leader": "0.00" },
        "worst": { "platform": "147.60", "merchant": "0.00" },
    });
    let found = try_json(&[&example("e2"), "--uplines", "full"]);
    check(&found, &full);
    assert_eq!(
        found["won"],
        json!([84, 79]),
        "the seed that stands where none is given"
    );
    assert!(found.get("payments").is_none());
    assert_eq!(
        try_json(&[&example("e2")]),
        found,
        "full is what stands where --uplines is absent"
    );
    let none = json!({ "cash": { "generation": "0.00", "platform": "324.00" }, "worst": { "platform": "147.60" } });
    check(&try_json(&[&example("e2"), "--uplines", "none"]), &none);
}

#[test]
fn the_text_shows_the_gate_first_and_then_where_the_money_went() {
    let ran = try_run(&[&example("e2"), "--members"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let mut from = 0;
    for (label, amount) in [
        ("covered before returns and coins", ""),
        ("left for the platform", "147.60"),
        ("all winners return", "-1676.00"),
        ("all coins at face", "-9652.40"),
        ("expires one seat short, the channel keeps its fees", "0.00"),
        ("paid in: 100 x 1000.00", "100000.00"),
        ("refunds: 98 x 1000.00", "98000.00"),
        ("consolation", "1176.00  and 9800.00 coins"),
        ("generation", "176.40"),
        ("supplier: 2 x 250.00", "500.00"),
        ("platform", "147.60"),
        ("generation", "seat-99-upline-3"),
    ] {
        let rest = &ran.stdout[from..];
        let line = rest
            .lines()
            .find(|line| line.contains(label) && line.ends_with(amount));
        let line = line.unwrap_or_else(|| panic!("{label} {amount} is not in\n{rest}"));
        if !amount.is_empty() {
            from += rest.find(line).unwrap() + line.len();
        }
    }
}

#[test]
fn e2_with_fees_kept_on_refunds_is_refused_with_what_would_pass() {
    let ran = try_run(&[&example("e2-fee"), "--json"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr.contains("-452.40") && ran.stderr.contains("fees breaks it"),
        "{}",
        ran.stderr
    );
    let refused = &serde_json::from_str::<Value>(&ran.stdout).unwrap()["refused"];
    let wanted = json!({
        "code": "campaign_not_solvent", "term": "fees", "worst": { "platform": "-452.40" },
        "nearest": { "winners": 3, "price": "1323.20", "consolation": "7.99" },
    });
    check(refused, &wanted);
    assert!(refused["detail"].as_str().unwrap().contains("-452.40"));

    let text = try_run(&[&example("e2-fee")]);
    assert_eq!((text.code, text.stderr), (1, ran.stderr));
    assert!(
        text.stdout.contains("would pass: group.winners = 3"),
        "{}",
        text.stdout
    );
}

#[test]
fn what_is_called_nearest_passes_and_the_next_value_does_not() {
    let file = std::fs::read_to_string(example("e2-fee")).unwrap();
    let dir = Dir::new();
    for (from, to, code) in [
        ("winners = 2", "winners = 3", 0),
        ("price = \"1000.00\"", "price = \"1323.20\"", 0),
        ("price = \"1000.00\"", "price = \"1323.19\"", 1),
        ("cash = \"12.00\"", "cash = \"7.99\"", 0),
        ("cash = \"12.00\"", "cash = \"8.00\"", 1),
    ] {
        assert!(file.contains(from));
        let path = dir.file("changed.toml", file.replacen(from, to, 1));
        assert_eq!(try_run(&[&path]).code, code, "{to}");
    }
}

#[test]
fn a_seed_fixes_the_winners() {
    let won = |seed: &str| try_json(&[&example("e2"), "--seed", seed])["won"].clone();
    let (one, two) = ("01".repeat(32), "02".repeat(32));
    assert_eq!(won(&one), won(&one));
    assert_ne!(won(&one), won(&two));
    let shown = try_json(&[&example("e2"), "--seed", &one]);
    assert_eq!(shown["seed"], json!(one));
}

#[test]
fn json_files_are_the_same_schema() {
    let json = json!({
        "name": { "zh": "茶", "en": "Tea" }, "kind": "draw", "profile": "seed",
        "product": { "title": { "zh": "茶", "en": "Tea" }, "cost": "20.00" },
        "group": { "price": "100.00", "seats": 5, "winners": 1 },
    });
    let dir = Dir::new();
    let path = dir.file("tea.json", json.to_string());
    let wanted =
        json!({ "cash": { "refunds": "400.00", "supplier": "20.00", "platform": "80.00" } });
    check(&try_json(&[&path]), &wanted);
}
