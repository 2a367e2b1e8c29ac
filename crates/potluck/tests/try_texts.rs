//! What `potluck try` says to people, of each kind and of whoever bears what.

mod try_common;

use domain::{Actor, BeaconSource, Command, Millis, Refusal, Request, World};
use try_common::{Dir, example, try_json, try_run};

/// These lines stand in the text in this order, others between them. Where an amount is given the line ends with it.
#[track_caller]
fn lines_in_order(text: &str, wanted: &[(&str, &str)]) {
    let mut lines = text.lines();
    for (label, amount) in wanted {
        let found =
            lines.any(|line| line.trim_start().starts_with(label) && line.ends_with(amount));
        assert!(found, "{label} {amount} is not there in its turn:\n{text}");
    }
}

/// The text of an example that passes.
#[track_caller]
fn text(name: &str) -> String {
    let ran = try_run(&[&example(name)]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{name}");
    ran.stdout
}

/// No line of the text begins with any of these.
#[track_caller]
fn without(text: &str, labels: &[&str]) {
    for label in labels {
        let found = text
            .lines()
            .find(|line| line.trim_start().starts_with(label));
        assert_eq!(found, None, "{text}");
    }
}

#[test]
fn the_text_shows_the_gate_first_and_then_where_the_money_went() {
    let ran = try_run(&[&example("e2"), "--members"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    lines_in_order(
        &ran.stdout,
        &[
            ("draw: 100 seats at 1000.00, 2 win. Profile seed.", ""),
            (
                "The worst that one group can cost, every",
                "(covered before returns and coins):",
            ),
            ("sales: 2 x 1000.00", " 2000.00"),
            ("supplier: 2 x 250.00", " -500.00"),
            ("left for the platform", " 147.60"),
            ("all winners return", " -1676.00"),
            ("all coins at face", " -9652.40"),
            (
                "expires one seat short, the channel keeps its fees",
                " 0.00",
            ),
            ("Winning seats, in the order drawn: 84 79", ""),
            ("paid in: 100 x 1000.00", " 100000.00"),
            ("refunds: 98 x 1000.00", " 98000.00"),
            ("consolation", " 1176.00  and 9800.00 coins"),
            ("generation", " 176.40"),
            ("supplier: 2 x 250.00", " 500.00"),
            ("platform", " 147.60"),
            ("generation", "seat-99-upline-3"),
        ],
    );
}

#[test]
fn where_everyone_buys_nothing_is_drawn() {
    let text = text("everyone-buys");
    lines_in_order(
        &text,
        &[
            (
                "everyone-buys: 10 seats at 59.90, everyone buys and nothing is drawn. Profile seed.",
                "",
            ),
            ("sales: 10 x 59.90", " 599.00"),
            ("supplier: 10 x 42.00", " -420.00"),
            ("channel fees: 10 x 0.36", " -3.60"),
            ("rewards", " -25.90"),
            ("left for the platform", " 149.50"),
            ("all winners return, here all buyers", " -420.00"),
            (
                "expires one seat short, the channel keeps its fees",
                " -3.24",
            ),
            ("One group, full and settled.", ""),
            ("paid in: 10 x 59.90", " 599.00"),
            ("leader", " 8.00"),
            ("generation", " 17.90"),
            ("supplier: 10 x 42.00", " 420.00"),
            ("channel fees: 10 x 0.36", " 3.60"),
            ("platform", " 149.50"),
        ],
    );
    without(
        &text,
        &[
            "Winning seats",
            "Seed",
            "refunds",
            "prizes",
            "merchant",
            "home stores",
        ],
    );
}

#[test]
fn a_bonus_draw_has_prizes_and_no_refunds() {
    let text = text("bonus-draw");
    lines_in_order(
        &text,
        &[
            (
                "bonus-draw: 20 seats at 128.00, everyone buys, 2 are drawn and get a prize too.",
                "",
            ),
            ("supplier: 20 x 80.00", " -1600.00"),
            ("prizes: 2 x 50.00", " -100.00"),
            ("all winners return, here all buyers", " -1700.00"),
            // Who has a prize keeps it: 2 x (128 - 0.77 - 80 - 50) with the units at cost.
            ("18 of 20 return, which leaves less", " -1445.54"),
            ("all coins at face", " 790.60"),
            ("any returns with coins at face, units at cost", " -59.54"),
            (
                "Winning seats, which get a prize, in the order drawn: 6 16",
                "",
            ),
            ("paid in: 20 x 128.00", " 2560.00"),
            ("consolation", " 0.00  and 54.00 coins"),
            ("supplier: 20 x 80.00", " 1600.00"),
            ("prizes: 2 x 50.00", " 100.00"),
            ("platform", " 844.60"),
        ],
    );
    without(&text, &["refunds"]);
}

#[test]
fn a_treat_is_paid_by_one_and_its_merchant_bears_the_rewards() {
    let text = text("e3");
    lines_in_order(
        &text,
        &[
            (
                "treat: 5 seats pay the bill of 300.00 each; 1 drawn to treat, the others get theirs back.",
                "",
            ),
            (
                "A merchant's campaign: the merchant bears commission, channel fees and rewards",
                "",
            ),
            ("sales: 1 x 300.00", " 300.00"),
            ("commission: 1 x 10% of 300.00", " -30.00"),
            ("rewards", " -20.00"),
            ("left for the merchant", " 250.00"),
            ("left of the commission for the platform", " 30.00"),
            ("all winners return: not in a treat", " 250.00"),
            (
                "Winning seats, which treat the others, in the order drawn: 1",
                "",
            ),
            ("paid in: 5 x 300.00", " 1500.00"),
            ("refunds: 4 x 300.00", " 1200.00"),
            ("consolation", " 20.00"),
            ("merchant", " 250.00"),
            ("platform: its commission", " 30.00"),
        ],
    );
    without(&text, &["supplier", "home stores", "left for the platform"]);
}

/// Labels and amounts of a template are those of one table: the one that leaves least.
#[test]
fn a_template_is_told_by_its_worst_table() {
    let file = std::fs::read_to_string(example("e3")).unwrap();
    let file = file.replace("seats = 5", "seats = 5\nprice_from = \"100.00\"");
    let dir = Dir::new();
    let ran = try_run(&[&dir.file("template.toml", file)]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    lines_in_order(
        &ran.stdout,
        &[
            (
                "A template: tables of 5 to 5 guests, bills of 100.00 to 300.00.",
                "",
            ),
            ("sales: 1 x 100.00", " 100.00"),
            ("commission: 1 x 10% of 100.00", " -10.00"),
            ("rewards", " -20.00"),
            ("left for the merchant", " 70.00"),
            ("left of the commission for the platform", " 10.00"),
            ("any returns with coins at face", " 70.00"),
            ("paid in: 5 x 300.00", " 1500.00"),
        ],
    );
}

#[test]
fn in_a_ballot_only_who_is_drawn_pays() {
    let text = text("ballot");
    lines_in_order(
        &text,
        &[
            (
                "ballot: 50 seats register for nothing, 5 are drawn and may buy at 899.00.",
                "",
            ),
            ("sales: 5 x 899.00", " 4495.00"),
            (
                "expires one seat short, the channel keeps its fees",
                " 0.00",
            ),
            (
                "Winning seats, which may buy, in the order drawn: 32 6 22 47 36",
                "",
            ),
            ("paid in: 5 x 899.00", " 4495.00"),
            ("consolation", " 0.00  and 225.00 coins"),
        ],
    );
    without(&text, &["refunds"]);
}

#[test]
fn home_stores_are_paid_out_of_the_platforms_part() {
    lines_in_order(
        &text("merchant-draw"),
        &[
            (
                "Home stores get 20% of what the platform earns on a buyer (its commission); the platform bears it.",
                "",
            ),
            ("commission: 2 x 12% of 188.00", " -45.12"),
            ("left for the merchant", " 274.62"),
            ("home stores, of the platform's commission", " -9.02"),
            ("left of the commission for the platform", " 36.10"),
            ("home stores", " 9.02"),
            ("merchant", " 274.62"),
            (
                "platform: its commission of 45.12 less home stores",
                " 36.10",
            ),
        ],
    );
    let dir = Dir::new();
    let own =
        std::fs::read_to_string(example("e1")).unwrap() + "\n[alliance]\norigin_share = \"10%\"\n";
    let ran = try_run(&[&dir.file("own.toml", own)]);
    // 3 x 10 % of 99 - 20
    lines_in_order(
        &ran.stdout,
        &[
            (
                "Home stores get 10% of what the platform earns on a buyer (price less cost)",
                "",
            ),
            ("home stores", " -23.70"),
            ("left for the platform", " 116.30"),
            ("home stores", " 23.70"),
            ("platform", " 116.30"),
        ],
    );
}

/// A merchant who is left as much as the platform is not taken for the platform.
#[test]
fn a_merchants_campaign_is_told_by_its_terms_and_not_by_its_amounts() {
    let dir = Dir::new();
    let file = std::fs::read_to_string(example("e3")).unwrap();
    let even = file
        .replace("commission = \"10%\"", "commission = \"50%\"")
        .replace("cash = \"5.00\"", "coins = \"5.00\"");
    let ran = try_run(&[&dir.file("even.toml", even)]);
    lines_in_order(
        &ran.stdout,
        &[
            ("left for the merchant", " 150.00"),
            ("left of the commission for the platform", " 150.00"),
        ],
    );
}

#[test]
fn the_pool_is_told_where_it_comes_from() {
    lines_in_order(
        &text("dividend"),
        &[
            (
                "rewards; what they leave goes into the dividend pool",
                " -144.00",
            ),
            ("of these dividend", " 30.00"),
            ("dividend pool, with what is left of the rewards", " 30.00"),
        ],
    );
    let dir = Dir::new();
    let file = std::fs::read_to_string(example("dividend")).unwrap();
    let owners = file.replace("leftover = \"dividend\"", "leftover = \"owner\"");
    let ran = try_run(&[&dir.file("owner.toml", owners), "--uplines", "none"]);
    lines_in_order(
        &ran.stdout,
        &[
            ("rewards ", " -144.00"),
            ("dividend pool ", " 30.00"),
            ("platform", " 216.00"),
        ],
    );
}

#[test]
fn chances_leaders_and_circles_are_put_in_words() {
    let chance = text("chance");
    lines_in_order(
        &chance,
        &[
            (
                "draw: 30 seats at 66.00, each wins with 10%, at least 1 and at most 5 of them. Profile seed.",
                "",
            ),
            (
                "The worst that one group can cost, with 1 of 1 to 5 winners, every program at its most",
                "",
            ),
            ("sales: 1 x 66.00", " 66.00"),
        ],
    );
    let buys = "The leader always buys and is no part of the draw. Drawn among the 9 others: 1.";
    lines_in_order(
        &text("leader-buys"),
        &[
            ("draw: 10 seats at 100.00, 2 win.", ""),
            (buys, ""),
            (
                "Winning seats: the leader's 0, and in the order drawn: 6",
                "",
            ),
        ],
    );
    lines_in_order(&text("winner-bonus"), &[("The leader is never drawn.", "")]);
    let turns =
        "The circle takes turns: whoever has won waits until all have. Here nobody has yet.";
    lines_in_order(&text("circle"), &[(turns, "")]);
    without(
        &text("e0"),
        &["The leader", "The circle", "A merchant's", "Home stores"],
    );
}

#[test]
fn a_chance_of_next_to_nothing_has_no_winner() {
    let dir = Dir::new();
    let file = std::fs::read_to_string(example("bonus-draw")).unwrap();
    let none = file.replace(
        "winners = 2",
        "chance = { p = \"0.0001%\", min = 0, max = 2 }",
    );
    let ran = try_run(&[&dir.file("none.toml", none)]);
    lines_in_order(
        &ran.stdout,
        &[
            (
                "bonus-draw: 20 seats at 128.00, everyone buys, each gets a prize too with 0.0001%, at least 0 and at most 2",
                "",
            ),
            (
                "The worst that one group can cost, with 2 of 0 to 2 winners",
                "",
            ),
            ("prizes: 2 x 50.00", " -100.00"),
            ("Winning seats, which get a prize: none", ""),
            // 20 x 3 coins: nobody has a prize.
            ("consolation", " 0.00  and 60.00 coins"),
            // 2560 - 1600 - 15.40
            ("platform", " 944.60"),
        ],
    );
    let all = file
        .replace("winners = 2", "winners = 20")
        .replace("50.00", "10.00");
    let ran = try_run(&[&dir.file("all.toml", all)]);
    lines_in_order(
        &ran.stdout,
        &[("prizes: 20 x 10.00", " 200.00"), ("platform", " 744.60")],
    );
}

/// Names of all examples that pass the gate.
fn passing() -> Vec<String> {
    let folder = format!("{}/../../examples", env!("CARGO_MANIFEST_DIR"));
    let files = std::fs::read_dir(folder).unwrap();
    let names = files.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names: Vec<String> = names
        .filter_map(|name| Some(name.strip_suffix(".toml")?.to_owned()))
        .filter(|name| name != "e2-fee")
        .collect();
    assert!(15 < names.len(), "{names:?}");
    names
}

/// What passes on paper can be published, a merchant's for him.
#[test]
fn what_passes_on_paper_can_be_published() {
    // Bills at counters are no campaigns.
    let campaigns = passing()
        .into_iter()
        .filter(|name| !["e4", "e5"].contains(&name.as_str()));
    for name in campaigns {
        let said = published(&name).map_err(|refusal| refusal.code());
        assert!(
            matches!(said, Ok(()) | Err("merchant_missing")),
            "{name}: {said:?}"
        );
        let said = text(&name);
        let last = said.lines().last().unwrap();
        assert!(last.trim_start().starts_with("platform"), "{name}: {last}");
    }
}

/// Below "paid in" stand the amounts of the JSON, each once, and they add up to what was paid in.
#[test]
fn text_and_json_say_the_same() {
    for name in passing() {
        let said = text(&name);
        let below = said.split("\npaid in: ").nth(1).unwrap();
        let below = below.split("\n\n").next().unwrap();
        let fen = |amount: &str| amount.replace('.', "").parse::<i64>().unwrap();
        // The amount ends in the column that is the same in all lines; coins stand behind it.
        let amount = |line: &str| {
            let line = line.split("  and ").next().unwrap();
            fen(line.split_whitespace().last().unwrap())
        };
        let mut lines = below.lines();
        let paid_in = amount(lines.next().unwrap());
        let mut in_text: Vec<i64> = lines.map(amount).filter(|&fen| fen != 0).collect();
        assert_eq!(in_text.iter().sum::<i64>(), paid_in, "{said}");
        let found = try_json(&[&example(&name)]);
        let cash = found["cash"].as_object().unwrap();
        // A part of the platform's amount, and the supplier's line shows prizes apart.
        let parts = cash.iter().filter(|(key, _)| *key != "commission");
        let mut in_json: Vec<i64> = parts
            .map(|(_, cash)| fen(cash.as_str().unwrap()))
            .filter(|&fen| fen != 0)
            .collect();
        if name == "bonus-draw" {
            in_json.retain(|&fen| fen != 170_000);
            in_json.extend([160_000, 10_000]);
        }
        in_text.sort_unstable();
        in_json.sort_unstable();
        assert_eq!(in_text, in_json, "{name}");
    }
}

/// Publishes an example in a world of its own.
fn published(name: &str) -> Result<(), Refusal> {
    let file = schema::parse_toml(&std::fs::read_to_string(example(name)).unwrap()).unwrap();
    let installation = schema::Installation {
        log: draw::Origin::new("shop.example/log").unwrap(),
        source: BeaconSource::Local {
            beacon: [7; 32],
            genesis: 1_700_000_000,
            period: 3,
        },
        delay_s: 3,
        own: None,
    };
    let request = Request {
        actor: Actor::System,
        key: None,
        command: Command::PublishCampaign {
            campaign: Box::new(file.resolve(&installation).unwrap()),
        },
    };
    let answer = World::default().execute(&request, Millis(1_800_000_000_000), &mut |_| {});
    answer.map(drop)
}
