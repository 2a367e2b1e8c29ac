//! What `potluck try` refuses and by which name: terms of the gate, limits of the cautious profile, and what kinds and
//! programs ask of a campaign.

mod try_common;

use serde_json::Value;
use try_common::{Dir, example, try_json, try_run};

/// A draw of three with one winner, whose price leaves 80.00 above the cost.
const DRAW: &str = r#"
name = { zh = "茶", en = "Tea" }
kind = "draw"
profile = "seed"
product = { title = { zh = "茶", en = "Tea" }, cost = "20.00" }
[group]
price = "100.00"
seats = 3
winners = 1
"#;

/// A treat of three with one bill of 100.00.
const TREAT: &str = r#"
name = { zh = "火锅", en = "Hotpot" }
kind = "treat"
profile = "seed"
product = { title = { zh = "火锅", en = "Hotpot" } }
merchant = { commission = "10%" }
[group]
price = "100.00"
seats = 3
winners = 1
"#;

/// Everyone buys, one of three gets a prize of 10.00.
const BONUS: &str = r#"
name = { zh = "茶", en = "Tea" }
kind = "bonus-draw"
profile = "seed"
product = { title = { zh = "茶", en = "Tea" }, cost = "20.00" }
prize = { title = { zh = "杯", en = "Cup" }, cost = "10.00" }
[group]
price = "100.00"
seats = 3
winners = 1
"#;

/// One of three may buy.
const BALLOT: &str = r#"
name = { zh = "鞋", en = "Shoes" }
kind = "ballot"
profile = "seed"
product = { title = { zh = "鞋", en = "Shoes" }, cost = "20.00" }
[group]
price = "100.00"
seats = 3
winners = 1
"#;

/// Three buy.
const EVERYONE: &str = r#"
name = { zh = "茶", en = "Tea" }
kind = "everyone-buys"
profile = "seed"
product = { title = { zh = "茶", en = "Tea" }, cost = "20.00" }
[group]
price = "100.00"
seats = 3
"#;

fn reward(keys: &str) -> String {
    format!("\n[[reward]]\n{keys}\n")
}

/// With one part of its text replaced, which must be there.
#[track_caller]
fn with(file: &str, from: &str, to: &str) -> String {
    assert!(file.contains(from), "{from} is not in {file}");
    file.replacen(from, to, 1)
}

/// The gate refuses and names this term, with this much left in the worst case.
#[track_caller]
fn breaks(file: &str, term: &str, left: &str) {
    let dir = Dir::new();
    let path = dir.file("campaign.toml", file);
    let ran = try_run(&[&path, "--json"]);
    assert_eq!(ran.code, 1, "{file}\n{}", ran.stdout);
    let refused: Value = serde_json::from_str(&ran.stdout).unwrap();
    let refused = &refused["refused"];
    assert_eq!(
        (&refused["code"], &refused["term"]),
        (&"campaign_not_solvent".into(), &term.into()),
        "{file}\n{refused}"
    );
    let said = format!("a group could leave {left} ");
    assert!(ran.stderr.contains(&said), "{}", ran.stderr);
    let text = try_run(&[&path]);
    assert_eq!((text.code, text.stderr), (1, ran.stderr));
    assert!(
        text.stdout
            .contains(&format!("\nRefused: {term} breaks it.\n")),
        "{}",
        text.stdout
    );
}

#[test]
fn terms_of_the_gate() {
    breaks(&with(DRAW, "20.00", "100.01"), "supplier", "-0.01");
    // 300 - 60 - 240.01
    breaks(&with(BONUS, "10.00", "240.01"), "prizes", "-0.01");
    let fees = "\n[channel]\nfee = \"40%\"\nkept_on_refund = true\n";
    breaks(&format!("{DRAW}{fees}"), "fees", "-40.00");
    // 100 - 100 - 0.30 - 2 x 0.15: without fees or consolation alone it would still be short.
    let others = "\n[channel]\nfee = \"0.3%\"\n".to_owned()
        + &reward("program = \"consolation\"\ncash = \"0.15\"");
    breaks(
        &format!("{}{others}", with(TREAT, "10%", "100%")),
        "commission",
        "-0.60",
    );
    // 100 - 20 - 80 - 0.30 - 2 x 0.15
    let origin = "\n[alliance]\norigin_share = \"100%\"\n";
    breaks(&format!("{DRAW}{origin}{others}"), "origin-share", "-0.60");
    // 300 - 60 - 10 are left; if all return, units and prize are in stock, but the channel keeps 3 x 0.60.
    let kept = "\n[channel]\nfee = \"0.6%\"\nkept_on_refund = true\n";
    let bonus = with(BONUS, "seed", "cn-default") + kept;
    breaks(&bonus, "fees", "-1.80");
}

#[test]
fn every_reward_program_is_a_term_of_the_gate() {
    let one =
        |keys: &str, term: &str, left: &str| breaks(&(DRAW.to_owned() + &reward(keys)), term, left);
    one(
        "program = \"consolation\"\ncash = \"40.01\"",
        "consolation",
        "-0.02",
    );
    one(
        "program = \"winner-bonus\"\ncash = \"80.01\"",
        "winner-bonus",
        "-0.01",
    );
    one(
        "program = \"leader\"\ncash = \"80.01\"\nunless_won = true",
        "leader",
        "-0.01",
    );
    one(
        "program = \"formation\"\nper_recruit = \"40.01\"",
        "formation",
        "-0.02",
    );
    one(
        "program = \"generation\"\nsource = \"all\"\nfixed = \"26.67\"\nrates = [\"100%\"]",
        "generation",
        "-0.01",
    );
    // The highest rate alone counts: 3 x 30 % of 100.
    one(
        "program = \"differential\"\nsource = \"all\"\nbase = \"price\"\nrates_by_rank = [\"0%\", \"20%\", \"30%\"]",
        "differential",
        "-10.00",
    );
    // 1 x (50 % + 20 % + 10.01 %) of 100
    one(
        "program = \"region\"\nsource = \"winners\"\nbase = \"price\"\ncounty = \"50%\"\ncity = \"20%\"\nprovince = \"10.01%\"",
        "region",
        "-0.01",
    );
    one(
        "program = \"dividend\"\nsource = \"non-winners\"\nfixed = \"40.01\"\nrate = \"100%\"",
        "dividend",
        "-0.02",
    );
    // 1 x 2 x 40.01 % of 100, on a walk whose own rates are nothing.
    let walk = reward(
        "program = \"differential\"\nsource = \"winners\"\nbase = \"price\"\nrates_by_rank = [\"0%\"]",
    );
    let same = reward("program = \"same-level\"\nrate = \"40.01%\"\nat_most = 2");
    breaks(&format!("{DRAW}{walk}{same}"), "same-level", "-0.02");
}

#[test]
fn a_chance_is_refused_for_the_number_of_winners_that_is_not_covered() {
    // One winner leaves 80, and 9 non-winners get 9 each: 1 short. Two would leave 160 - 72.
    let file = with(
        DRAW,
        "winners = 1",
        "chance = { p = \"20%\", min = 1, max = 4 }",
    );
    let file = with(&file, "seats = 3", "seats = 10")
        + &reward("program = \"consolation\"\ncash = \"9.00\"");
    breaks(&file, "consolation", "-1.00");
    let dir = Dir::new();
    let file = with(&file, "min = 1", "min = 2");
    let found = try_json(&[&dir.file("two.toml", file)]);
    assert_eq!(found["worst"]["platform"], "88.00");
}

/// A cap stands for its program, so the smaller of both is what the gate counts.
#[test]
fn a_cap_makes_what_its_program_cannot_break() {
    let dir = Dir::new();
    let keys = "program = \"region\"\nsource = \"all\"\nbase = \"price\"\ncounty = \"90%\"\ncap = \"80.00\"";
    let found = try_json(&[&dir.file("capped.toml", DRAW.to_owned() + &reward(keys))]);
    assert_eq!(found["worst"]["platform"], "0.00");
    // 90 % of the first seat's 100 are cut to what the cap has.
    assert_eq!(found["cash"]["region"], "80.00");
}

/// The campaign is refused with this code and sentence, and nothing is printed.
#[track_caller]
fn refuses(file: &str, says: &str) {
    let dir = Dir::new();
    let ran = try_run(&[&dir.file("campaign.toml", file)]);
    assert_eq!(
        (ran.code, ran.stdout.as_str()),
        (1, ""),
        "{file}\n{}",
        ran.stderr
    );
    assert!(
        ran.stderr.ends_with(&format!(": {says}\n")),
        "{}\n{says}",
        ran.stderr
    );
    // The same for programs.
    let json = try_run(&[&dir.file("campaign.toml", file), "--json"]);
    assert_eq!((json.code, json.stderr), (1, ran.stderr));
    let refused: Value = serde_json::from_str(&json.stdout).unwrap();
    let (code, detail) = (&refused["refused"]["code"], &refused["refused"]["detail"]);
    let said = format!(
        "refused ({}): {}",
        code.as_str().unwrap(),
        detail.as_str().unwrap()
    );
    assert_eq!(said, says);
}

#[test]
fn limits_of_cn_default_by_name() {
    let forbids = |file: &str, limit: &str| {
        let says =
            format!("refused (profile_forbids): profile cn-default does not allow this: {limit}");
        refuses(&with(file, "\"seed\"", "\"cn-default\""), &says);
    };
    let bonus = |keys: &str| BONUS.to_owned() + &reward(keys);
    forbids(DRAW, "kinds");
    forbids(TREAT, "kinds");
    forbids(&with(BONUS, "10.00", "50000.01"), "prize_value_cap");
    forbids(
        &format!("{BONUS}\n[envelope]\nleftover = \"dividend\"\n"),
        "dividend",
    );
    forbids(
        &bonus("program = \"consolation\"\ncash = \"0.01\"\ncoins = \"1\""),
        "consolation_cash",
    );
    forbids(
        &bonus("program = \"formation\"\nper_recruit = \"1.00\""),
        "formation",
    );
    forbids(
        &bonus(
            "program = \"differential\"\nsource = \"winners\"\nbase = \"price\"\nrates_by_rank = [\"1%\"]",
        ),
        "differential",
    );
    forbids(
        &bonus("program = \"dividend\"\nsource = \"winners\"\nbase = \"price\"\nrate = \"1%\""),
        "dividend",
    );
    forbids(
        &bonus(
            "program = \"generation\"\nsource = \"winners\"\nbase = \"price\"\nrates = [\"1%\", \"1%\"]",
        ),
        "max_generations",
    );
    // Where everyone buys all are buyers; in a ballot only the winners are, and others are no source for cash anyway.
    let region =
        "program = \"region\"\nsource = \"non-winners\"\nfixed = \"0.00\"\ncounty = \"1%\"";
    refuses(
        &with(
            &(BALLOT.to_owned() + &reward(region)),
            "\"seed\"",
            "\"cn-default\"",
        ),
        "refused (campaign_invalid): reward.source would pay cash for a free registration: a ballot pays it only for winners' purchases",
    );
}

#[test]
fn what_cn_default_lets_pass() {
    let dir = Dir::new();
    let merchants = with(BONUS, "\"seed\"", "\"cn-default\"")
        .replace("prize =", "merchant = { commission = \"10%\" }\nprize =");
    for keys in [
        "program = \"generation\"\nsource = \"all\"\nbase = \"price\"\nrates = [\"1%\"]",
        "program = \"region\"\nsource = \"all\"\nbase = \"price\"\ncity = \"1%\"",
        "program = \"leader\"\ncash = \"1.00\"",
        "program = \"winner-bonus\"\ncash = \"1.00\"",
    ] {
        let file = merchants.clone() + &reward(keys);
        try_json(&[&dir.file("campaign.toml", file)]);
    }
    try_json(&[&dir.file("campaign.toml", with(&merchants, "10.00", "50000.00"))]);
}

#[test]
fn a_ballot_pays_no_cash_for_registering() {
    let ballot = |keys: &str, field: &str| {
        refuses(
            &(BALLOT.to_owned() + &reward(keys)),
            &format!(
                "refused (campaign_invalid): {field} would pay cash for a free registration: a ballot pays it only for winners' purchases"
            ),
        );
    };
    ballot("program = \"consolation\"\ncash = \"0.01\"", "reward.cash");
    ballot("program = \"leader\"\ncash = \"0.01\"", "reward.cash");
    ballot(
        "program = \"formation\"\nper_recruit = \"0.01\"",
        "reward.per_recruit",
    );
    for source in ["all", "non-winners"] {
        let of = format!("source = \"{source}\"\nbase = \"price\"");
        ballot(
            &format!("program = \"generation\"\n{of}\nrates = [\"1%\"]"),
            "reward.source",
        );
        ballot(
            &format!("program = \"differential\"\n{of}\nrates_by_rank = [\"1%\"]"),
            "reward.source",
        );
        ballot(
            &format!("program = \"region\"\n{of}\ncounty = \"1%\""),
            "reward.source",
        );
        ballot(
            &format!("program = \"dividend\"\n{of}\nrate = \"1%\""),
            "reward.source",
        );
    }
}

/// Refused as a campaign that breaks a rule of its own.
#[track_caller]
fn invalid(file: String, says: &str) {
    refuses(&file, &format!("refused (campaign_invalid): {says}"));
}

/// With more keys of its group.
#[track_caller]
fn group(file: &str, keys: &str) -> String {
    with(file, "seats = 3", &format!("seats = 3\n{keys}"))
}

#[test]
fn how_many_may_win_by_kind() {
    invalid(
        group(EVERYONE, "winners = 2"),
        "group.winners must be the seats, or absent: in everyone-buys everyone wins",
    );
    invalid(
        with(DRAW, "winners = 1", "winners = 3"),
        "group.winners must be at least 1 and less than the seats",
    );
    invalid(
        with(BONUS, "winners = 1", "winners = 4"),
        "group.winners must be at least 1 and at most the seats",
    );
    invalid(
        with(
            DRAW,
            "winners = 1",
            "chance = { p = \"1%\", min = 0, max = 2 }",
        ),
        "group.chance.min must be at most max, and at least 1 in a draw or treat",
    );
    invalid(
        with(
            BONUS,
            "winners = 1",
            "chance = { p = \"1%\", min = 3, max = 2 }",
        ),
        "group.chance.min must be at most max, and at least 1 in a draw or treat",
    );
    invalid(
        group(
            &with(BONUS, "winners = 1", "winners = 3"),
            "leader = \"exempt\"",
        ),
        "group.winners is more than the seats that can win: the exempt leader's cannot",
    );
}

#[test]
fn leaders_and_circles_by_kind() {
    invalid(
        group(EVERYONE, "leader = \"exempt\""),
        "group.leader must be equal in everyone-buys: nothing is drawn",
    );
    invalid(
        group(BALLOT, "leader = \"buys\""),
        "group.leader is buys only in a draw: elsewhere everyone buys, or nobody's place is given",
    );
    invalid(
        group(DRAW, "leader = \"buys\""),
        "group.winners must be at least 2 where the leader buys: one of them is his",
    );
    invalid(
        group(
            &with(
                DRAW,
                "winners = 1",
                "chance = { p = \"1%\", min = 1, max = 2 }",
            ),
            "leader = \"buys\"",
        ),
        "group.leader is buys only with a fixed number of winners",
    );
    invalid(
        group(BONUS, "circle = \"rotate\""),
        "group.circle is rotate only in draw and treat",
    );
    invalid(
        group(
            &with(
                TREAT,
                "winners = 1",
                "chance = { p = \"1%\", min = 1, max = 2 }",
            ),
            "circle = \"rotate\"",
        ),
        "group.circle is rotate only with a fixed number of winners",
    );
    invalid(
        group(DRAW, "circle = \"rotate\"\nseats_per_member = 2"),
        "group.seats_per_member must be 1 where the circle rotates",
    );
}

#[test]
fn prizes_merchants_and_tables_by_kind() {
    invalid(
        with(BONUS, "kind = \"bonus-draw\"", "kind = \"draw\""),
        "prize is only for bonus-draw",
    );
    invalid(
        with(DRAW, "kind = \"draw\"", "kind = \"bonus-draw\""),
        "prize is missing: a bonus-draw gives prizes",
    );
    invalid(
        with(DRAW, "kind = \"draw\"", "kind = \"treat\""),
        "merchant is missing: a treat is a merchant's",
    );
    invalid(
        with(TREAT, "} }", "}, fulfilment = \"voucher\" }"),
        "product.fulfilment must be at-table in a treat",
    );
    invalid(
        with(DRAW, "cost =", "fulfilment = \"at-table\", cost ="),
        "product.fulfilment is at-table only in a treat",
    );
}

#[test]
fn what_programs_ask_of_a_campaign() {
    let refused = |file: &str, keys: &str, says: &str| {
        refuses(
            &(file.to_owned() + &reward(keys)),
            &format!("refused (campaign_invalid): {says}"),
        );
    };
    refused(
        DRAW,
        "program = \"same-level\"\nrate = \"1%\"\nat_most = 1",
        "reward.program is same-level, but no differential program stands before it",
    );
    let differential =
        "program = \"differential\"\nsource = \"winners\"\nbase = \"price\"\nrates_by_rank";
    for rates in ["[\"1%\", \"1%\"]", "[\"2%\", \"1%\"]"] {
        refused(
            DRAW,
            &format!("{differential} = {rates}"),
            "reward.rates_by_rank must rise strictly from rank to rank",
        );
    }
    refused(
        DRAW,
        &format!("{differential} = []"),
        "reward.rates_by_rank must have 1 to 20 entries",
    );
    for at_most in [0, 21] {
        let walk = DRAW.to_owned() + &reward(&format!("{differential} = [\"1%\"]"));
        refused(
            &walk,
            &format!("program = \"same-level\"\nrate = \"1%\"\nat_most = {at_most}"),
            "reward.at_most must be between 1 and 20",
        );
    }
    let margin = "program = \"dividend\"\nsource = \"winners\"\nbase = \"margin\"\nrate = \"1%\"";
    refused(
        TREAT,
        margin,
        "reward.base is margin, which only the platform's own campaigns have",
    );
    refused(
        &with(DRAW, "20.00", "100.01"),
        margin,
        "reward.base is margin, but the price is below the cost",
    );
    let of_consolation =
        "program = \"region\"\nsource = \"all\"\nbase = \"consolation\"\ncity = \"1%\"";
    refused(
        DRAW,
        of_consolation,
        "reward.base is consolation, but the campaign has no consolation",
    );
}

/// The limits themselves are allowed.
#[test]
fn what_kinds_allow() {
    let dir = Dir::new();
    let won = |file: String| {
        try_json(&[&dir.file("campaign.toml", file)])["winners"]
            .as_u64()
            .unwrap()
    };
    assert_eq!(won(EVERYONE.to_owned()), 3);
    assert_eq!(
        won(with(EVERYONE, "seats = 3", "seats = 3\nwinners = 3")),
        3
    );
    assert_eq!(
        won(with(
            EVERYONE,
            "seats = 3",
            "seats = 3\nwin_rate = \"100%\""
        )),
        3
    );
    assert_eq!(won(with(BONUS, "winners = 1", "winners = 3")), 3);
    assert_eq!(won(with(BALLOT, "winners = 1", "winners = 3")), 3);
    assert_eq!(
        won(with(
            BONUS,
            "winners = 1",
            "chance = { p = \"0.0001%\", min = 0, max = 3 }"
        )),
        0
    );
    assert_eq!(
        won(with(
            BONUS,
            "winners = 1",
            "chance = { p = \"100%\", min = 0, max = 3 }"
        )),
        3
    );
    assert_eq!(
        won(with(
            BALLOT,
            "winners = 1",
            "chance = { p = \"0.0001%\", min = 0, max = 3 }"
        )),
        0
    );
    assert_eq!(
        won(with(
            DRAW,
            "winners = 1",
            "chance = { p = \"0%\", min = 1, max = 2 }"
        )),
        1
    );
    assert_eq!(
        won(with(DRAW, "winners = 1", "winners = 2\nleader = \"buys\"")),
        2
    );
    // What is published is the example's own file: the cost of a merchant's product may be left out or given.
    let e3 = std::fs::read_to_string(example("e3")).unwrap();
    let costs = with(&e3, "[merchant]", "cost = \"120.00\"\n\n[merchant]");
    let found = try_json(&[&dir.file("campaign.toml", costs)]);
    assert_eq!(
        (&found["cash"]["supplier"], &found["cash"]["merchant"]),
        (&"0.00".into(), &"250.00".into())
    );
}

#[test]
fn an_own_profile_is_read_from_its_file() {
    let dir = Dir::new();
    let own = dir.file("campaign.toml", with(EVERYONE, "\"seed\"", "\"own\""));
    let nobody = try_run(&[&own]);
    assert_eq!(nobody.code, 1);
    assert!(
        nobody
            .stderr
            .contains("profile must not be own: this installation has adopted none"),
        "{}",
        nobody.stderr
    );
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../profiles/own.example.toml"
    );
    let tried = try_json(&[&own, "--profile", path]);
    assert_eq!(tried["winners"], 3, "{tried}");
    // Under it ballots are not allowed.
    let ballot = dir.file("ballot.toml", with(BALLOT, "\"seed\"", "\"own\""));
    let refused = try_run(&[&ballot, "--profile", path]);
    assert_eq!(refused.code, 1);
    assert!(
        refused
            .stderr
            .contains("profile own does not allow this: kinds"),
        "{}",
        refused.stderr
    );
    let text = std::fs::read_to_string(path).unwrap();
    let wrong = dir.file("wrong.toml", text.replace("prize_cap", "price_cap"));
    let refused = try_run(&[&own, "--profile", &wrong]);
    assert!(
        refused.stderr.contains("did you mean prize_cap?"),
        "{}",
        refused.stderr
    );
}

#[test]
#[cfg(target_os = "linux")]
fn what_cannot_be_written_is_said() {
    let run = |json: bool| {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
        let mut run = std::process::Command::new(env!("CARGO_BIN_EXE_potluck"));
        run.args(["try", &example("e0")]);
        run.args(json.then_some("--json"));
        run.stdout(full.unwrap()).output().unwrap()
    };
    for json in [false, true] {
        let output = run(json);
        assert_eq!(output.status.code(), Some(3));
        assert!(String::from_utf8_lossy(&output.stderr).contains("cannot write the output"));
    }
}
