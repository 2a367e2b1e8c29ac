//! `potluck try` on the worked examples (rules 12), run as the operator runs it.

mod try_common;

use serde_json::{Value, json};
use try_common::{Dir, example, try_json, try_run};

/// Path of one of the crowds beside the examples.
fn crowd(name: &str) -> String {
    format!(
        "{}/../../examples/crowds/{name}.csv",
        env!("CARGO_MANIFEST_DIR")
    )
}

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

/// The cash of the waterfall, every key of it: those not named must be nothing.
#[track_caller]
fn cash(found: &Value, wanted: &[(&str, &str)]) {
    let all = found["cash"].as_object().unwrap();
    for (key, amount) in all {
        let named = wanted.iter().find(|(name, _)| name == key);
        assert_eq!(
            amount,
            named.map_or("0.00", |(_, amount)| amount),
            "{key} of {found}"
        );
    }
    assert!(
        wanted.iter().all(|(name, _)| all.contains_key(*name)),
        "{wanted:?}"
    );
}

/// Keys of the waterfall and their amounts.
type Cash = &'static [(&'static str, &'static str)];

/// Every example by its name: what the made-up crowd leaves of what was paid, and the coins of consolation, winner's bonus
/// and leader. The sums are worked out in the files.
const WATERFALLS: &[(&str, Cash, [&str; 3])] = &[
    (
        "e0",
        &[
            ("refunds", "400.00"),
            ("consolation", "20.00"),
            ("formation", "8.00"),
            ("generation", "30.00"),
            ("supplier", "20.00"),
            ("platform", "22.00"),
        ],
        ["0.00", "0.00", "0.00"],
    ),
    (
        "e0-three-generations",
        &[
            ("refunds", "400.00"),
            ("consolation", "20.00"),
            ("formation", "8.00"),
            ("generation", "30.00"),
            ("supplier", "20.00"),
            ("platform", "22.00"),
        ],
        ["0.00", "0.00", "0.00"],
    ),
    (
        "e1",
        &[
            ("refunds", "9603.00"),
            ("consolation", "97.00"),
            ("supplier", "60.00"),
            ("platform", "140.00"),
        ],
        ["0.00", "0.00", "0.00"],
    ),
    (
        "e2",
        &[
            ("refunds", "98000.00"),
            ("consolation", "1176.00"),
            ("generation", "176.40"),
            ("supplier", "500.00"),
            ("platform", "147.60"),
        ],
        ["9800.00", "0.00", "0.00"],
    ),
    (
        "e3",
        &[
            ("refunds", "1200.00"),
            ("consolation", "20.00"),
            ("merchant", "250.00"),
            ("commission", "30.00"),
            ("platform", "30.00"),
        ],
        ["0.00", "0.00", "0.00"],
    ),
    (
        "everyone-buys",
        &[
            ("leader", "8.00"),
            ("generation", "17.90"),
            ("supplier", "420.00"),
            ("fees", "3.60"),
            ("platform", "149.50"),
        ],
        ["0.00", "0.00", "0.00"],
    ),
    (
        "bonus-draw",
        &[
            ("supplier", "1700.00"),
            ("fees", "15.40"),
            ("platform", "844.60"),
        ],
        ["54.00", "0.00", "0.00"],
    ),
    (
        "ballot",
        &[
            ("generation", "44.95"),
            ("supplier", "3800.00"),
            ("fees", "26.95"),
            ("platform", "623.10"),
        ],
        ["225.00", "0.00", "0.00"],
    ),
    (
        "differential",
        &[
            ("differential", "180.00"),
            ("supplier", "594.00"),
            ("platform", "420.00"),
        ],
        ["0.00", "0.00", "0.00"],
    ),
    (
        "region",
        &[
            ("refunds", "621.60"),
            ("consolation", "7.00"),
            ("region", "9.27"),
            ("supplier", "105.00"),
            ("platform", "145.13"),
        ],
        ["0.00", "0.00", "0.00"],
    ),
    (
        "dividend",
        &[
            ("refunds", "5400.00"),
            ("consolation", "54.00"),
            ("generation", "60.00"),
            ("dividend", "30.00"),
            ("supplier", "300.00"),
            ("platform", "156.00"),
        ],
        ["0.00", "0.00", "0.00"],
    ),
    (
        "winner-bonus",
        &[
            ("refunds", "1200.00"),
            ("consolation", "16.00"),
            ("winner_bonus", "40.00"),
            ("leader", "15.00"),
            ("supplier", "180.00"),
            ("platform", "49.00"),
        ],
        ["0.00", "100.00", "10.00"],
    ),
    (
        "chance",
        &[
            ("refunds", "1848.00"),
            ("consolation", "28.00"),
            ("supplier", "50.00"),
            ("platform", "54.00"),
        ],
        ["0.00", "0.00", "0.00"],
    ),
    (
        "leader-buys",
        &[
            ("refunds", "800.00"),
            ("consolation", "32.00"),
            ("supplier", "120.00"),
            ("platform", "48.00"),
        ],
        ["0.00", "0.00", "0.00"],
    ),
    (
        "circle",
        &[
            ("refunds", "840.00"),
            ("consolation", "10.00"),
            ("merchant", "144.56"),
            ("commission", "13.44"),
            ("platform", "13.44"),
        ],
        ["0.00", "0.00", "0.00"],
    ),
    (
        "turns",
        &[
            ("refunds", "120.00"),
            ("consolation", "4.00"),
            ("supplier", "24.00"),
            ("platform", "2.00"),
        ],
        ["0.00", "0.00", "0.00"],
    ),
    (
        "merchant-draw",
        &[
            ("refunds", "3384.00"),
            ("consolation", "54.00"),
            ("origin_share", "9.02"),
            ("fees", "2.26"),
            ("merchant", "274.62"),
            ("commission", "45.12"),
            ("platform", "36.10"),
        ],
        ["0.00", "0.00", "0.00"],
    ),
    (
        "cn-default",
        &[
            ("generation", "151.20"),
            ("fees", "30.30"),
            ("merchant", "4455.30"),
            ("commission", "403.20"),
            ("platform", "403.20"),
        ],
        ["0.00", "0.00", "0.00"],
    ),
];

#[test]
fn every_example_to_the_fen() {
    for (name, wanted, coins) in WATERFALLS {
        let found = try_json(&[&example(name)]);
        cash(&found, wanted);
        let [consolation, winner_bonus, leader] = coins;
        let wanted =
            json!({ "consolation": consolation, "winner_bonus": winner_bonus, "leader": leader });
        assert_eq!(found["coins"], wanted, "{name}");
    }
}

/// Whoever has the published file can try it (rules 13).
#[test]
fn the_published_file_of_every_example_is_tried_alike() {
    let dir = Dir::new();
    for (name, ..) in WATERFALLS {
        let text = std::fs::read_to_string(example(name)).unwrap();
        let installation = schema::Installation {
            log: draw::Origin::new("shop.example/log").unwrap(),
            source: domain::BeaconSource::DrandQuicknet,
            delay_s: 60,
            own: None,
        };
        let file = schema::parse_toml(&text).unwrap();
        let terms = file.resolve(&installation).unwrap();
        let published = dir.file("published.toml", domain::published_file(&terms));
        assert_eq!(
            try_json(&[&published]),
            try_json(&[&example(name)]),
            "{name}"
        );
        let json = dir.file("campaign.json", schema::to_json(&terms).to_string());
        assert_eq!(try_json(&[&json]), try_json(&[&example(name)]), "{name}");
    }
}

#[test]
fn no_example_goes_untested() {
    let folder = format!("{}/../../examples", env!("CARGO_MANIFEST_DIR"));
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(name) = name.strip_suffix(".toml") else {
            continue;
        };
        let known = WATERFALLS.iter().any(|(known, ..)| *known == name);
        let elsewhere = ["e2-fee", "e4", "e5"].contains(&name);
        assert!(known || elsewhere, "{name} has no waterfall");
    }
}

/// What a program paid: member, source seat, cash.
fn paid(found: &Value, program: &str) -> Vec<(String, u64, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let rows = found["payments"].as_array().unwrap().iter();
    rows.filter(|row| row["program"] == program)
        .map(|row| {
            (
                text(&row["member"]),
                row["source_seat"].as_u64().unwrap(),
                text(&row["cash"]),
            )
        })
        .collect()
}

#[track_caller]
fn pays(found: &Value, program: &str, wanted: &[(&str, u64, &str)]) {
    let found = paid(found, program);
    let found: Vec<_> = found
        .iter()
        .map(|(member, seat, cash)| (member.as_str(), *seat, cash.as_str()))
        .collect();
    assert_eq!(found, wanted, "{program}");
}

#[test]
fn three_generations_of_a_crowd() {
    let (file, crowd) = (example("e0-three-generations"), crowd("tea-five"));
    let found = try_json(&[&file, "--crowd", &crowd, "--members"]);
    cash(
        &found,
        &[
            ("refunds", "400.00"),
            ("consolation", "20.00"),
            ("formation", "8.00"),
            ("generation", "16.80"),
            ("supplier", "20.00"),
            ("platform", "35.20"),
        ],
    );
    pays(
        &found,
        "generation",
        &[
            ("周敏", 0, "3.00"),
            ("李晓雯", 1, "3.00"),
            ("周敏", 1, "1.80"),
            ("王建国", 2, "3.00"),
            ("李晓雯", 2, "1.80"),
            ("周敏", 2, "1.20"),
            ("周敏", 4, "3.00"),
        ],
    );
}

#[test]
fn ranks_of_a_crowd_pay_the_highest_rate_on_a_path() {
    let (file, crowd) = (example("differential"), crowd("ranks"));
    let found = try_json(&[&file, "--crowd", &crowd, "--members"]);
    cash(
        &found,
        &[
            ("differential", "160.00"),
            ("same_level", "10.00"),
            ("supplier", "594.00"),
            ("platform", "430.00"),
        ],
    );
    pays(
        &found,
        "differential",
        &[
            ("孙丽的上级", 0, "10.00"),
            ("周总监", 0, "10.00"),
            ("吴总", 0, "10.00"),
            ("何平的上级", 1, "10.00"),
            ("郑总监", 1, "10.00"),
            ("冯总", 1, "10.00"),
            ("褚董", 1, "10.00"),
            ("甲", 2, "10.00"),
            ("乙", 2, "20.00"),
            ("杨帆", 4, "20.00"),
            ("尤董", 5, "40.00"),
        ],
    );
    pays(
        &found,
        "same-level",
        &[("丁", 2, "5.00"), ("秦岚", 4, "5.00")],
    );
}

#[test]
fn agents_of_a_crowd_get_their_regions_rates() {
    let (file, crowd) = (example("region"), crowd("regions"));
    let found = try_json(&[&file, "--crowd", &crowd, "--members"]);
    assert_eq!(found["won"], json!([6, 1, 2]));
    cash(
        &found,
        &[
            ("refunds", "621.60"),
            ("consolation", "7.00"),
            ("region", "5.29"),
            ("supplier", "105.00"),
            ("platform", "149.11"),
        ],
    );
    pays(
        &found,
        "region",
        &[
            ("何颖", 1, "0.88"),
            ("林涛", 1, "0.44"),
            ("顾敏", 2, "0.88"),
            ("赵磊", 6, "1.77"),
            ("何颖", 6, "0.88"),
            ("林涛", 6, "0.44"),
        ],
    );
}

#[test]
fn where_nobody_has_an_inviter() {
    let alone = |name: &str, wanted: &[(&str, &str)]| {
        cash(&try_json(&[&example(name), "--uplines", "none"]), wanted);
    };
    alone(
        "differential",
        &[("supplier", "594.00"), ("platform", "600.00")],
    );
    // The generations' 60 go into the pool, and the platform has what it had.
    alone(
        "dividend",
        &[
            ("refunds", "5400.00"),
            ("consolation", "54.00"),
            ("dividend", "90.00"),
            ("supplier", "300.00"),
            ("platform", "156.00"),
        ],
    );
    // No home store: its share stays with the platform, and the merchant has what it had.
    alone(
        "merchant-draw",
        &[
            ("refunds", "3384.00"),
            ("consolation", "54.00"),
            ("fees", "2.26"),
            ("merchant", "274.62"),
            ("commission", "45.12"),
            ("platform", "45.12"),
        ],
    );
    // 4495 - 3800 - 26.95
    alone(
        "ballot",
        &[
            ("supplier", "3800.00"),
            ("fees", "26.95"),
            ("platform", "668.05"),
        ],
    );
}

#[test]
fn a_chance_gives_from_one_to_five_winners() {
    // Refunds, consolation, supplier and platform of 1 to 5 winners, as the file has them.
    let wanted = [
        ["1914.00", "29.00", "25.00", "12.00"],
        ["1848.00", "28.00", "50.00", "54.00"],
        ["1782.00", "27.00", "75.00", "96.00"],
        ["1716.00", "26.00", "100.00", "138.00"],
        ["1650.00", "25.00", "125.00", "180.00"],
    ];
    let mut seen = std::collections::BTreeSet::new();
    for byte in 0..32 {
        let found = try_json(&[
            &example("chance"),
            "--seed",
            &format!("{byte:02x}").repeat(32),
        ]);
        let winners = usize::try_from(found["winners"].as_u64().unwrap()).unwrap();
        assert_eq!(found["won"].as_array().unwrap().len(), winners);
        let [refunds, consolation, supplier, platform] = wanted[winners - 1];
        cash(
            &found,
            &[
                ("refunds", refunds),
                ("consolation", consolation),
                ("supplier", supplier),
                ("platform", platform),
            ],
        );
        assert_eq!(found["worst"]["platform"], "12.00");
        seen.insert(winners);
    }
    assert!(
        3 <= seen.len(),
        "the seeds must show several numbers of winners: {seen:?}"
    );
}

#[test]
fn a_leader_who_buys_always_has_the_product_and_an_exempt_one_never() {
    let mut others = std::collections::BTreeSet::new();
    for byte in 0..12 {
        let seed = format!("{byte:02x}").repeat(32);
        let won = |name: &str| try_json(&[&example(name), "--seed", &seed])["won"].clone();
        let buys = won("leader-buys");
        assert_eq!((buys.as_array().unwrap().len(), &buys[0]), (2, &json!(0)));
        assert_ne!(buys[1], json!(0));
        others.insert(buys[1].as_u64());
        assert!(!won("winner-bonus").as_array().unwrap().contains(&json!(0)));
    }
    assert!(1 < others.len(), "the others are drawn: {others:?}");
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
