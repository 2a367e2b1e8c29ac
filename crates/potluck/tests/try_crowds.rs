//! `potluck try` on crowds counted by hand, and what it says about files that are wrong.

mod try_common;

use serde_json::{Value, json};
use try_common::{Dir, example, try_json, try_run};

const HEADER: &str = "member,inviter,vip,rank,region,agent_of,seat,via\n";

/// Five for E0: zed stands outside the group and above two of them; dan has no inviter.
const FIVE: &str = "\
zed,,3,,,,,
alice,zed,,,330106,330000,0,
bob,alice,,,,,1,alice
carol,bob,1,2,,,2,bob
dan,,,,,,3,zed
\"eve, the \"\"fifth\"\"\",zed,,,,,4,
";

const TINY: &str = r#"
name = { zh = "茶", en = "Tea" }
kind = "draw"
profile = "seed"
product = { title = { zh = "茶", en = "Tea" }, cost = "20.00" }
[group]
price = "100.00"
seats = 3
winners = 1
"#;

fn payments(output: &Value, program: &str) -> Vec<(String, Value, String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let all = output["payments"].as_array().unwrap().iter();
    all.filter(|row| row["program"] == program)
        .map(|row| {
            (
                text(&row["member"]),
                row["source_seat"].clone(),
                text(&row["cash"]),
                text(&row["coins"]),
            )
        })
        .collect()
}

fn row(member: &str, seat: u32, cash: &str) -> (String, Value, String, String) {
    (
        member.to_owned(),
        json!(seat),
        cash.to_owned(),
        "0.00".to_owned(),
    )
}

#[test]
fn e0_with_a_crowd_of_five() {
    let dir = Dir::new();
    for ends in ["\n", "\r\n"] {
        let crowd = dir.file("five.csv", format!("{HEADER}{FIVE}").replace('\n', ends));
        let output = try_json(&[&example("e0"), "--crowd", &crowd, "--members"]);
        let formation = [
            row("alice", 1, "2.00"),
            row("bob", 2, "2.00"),
            row("zed", 3, "2.00"),
            row("alice", 4, "2.00"),
        ];
        assert_eq!(payments(&output, "formation"), formation);
        let generation = [
            row("zed", 0, "6.00"),
            row("alice", 1, "6.00"),
            row("bob", 2, "6.00"),
            row("zed", 4, "6.00"),
        ];
        assert_eq!(payments(&output, "generation"), generation);
        let lost = payments(&output, "consolation");
        let names = ["alice", "bob", "carol", "dan", "eve, the \"fifth\""];
        assert_eq!(lost.len(), 4);
        assert!(lost.iter().all(|(name, seat, cash, _)| {
            cash == "5.00" && *name == names[usize::try_from(seat.as_u64().unwrap()).unwrap()]
        }));
        let cash = &output["cash"];
        assert_eq!(
            (&cash["formation"], &cash["generation"]),
            (&json!("8.00"), &json!("24.00"))
        );
        assert_eq!(
            (&cash["platform"], &output["worst"]["platform"]),
            (&json!("28.00"), &json!("22.00"))
        );
    }
}

/// A crowd of a hundred strangers; the rows given come first and hold seat 7.
fn hundred(rows: &str) -> String {
    let others = (0..100)
        .filter(|&seat| seat != 7)
        .map(|seat| format!("m{seat},,,,,,{seat},\n"));
    format!("{HEADER}{rows}{}", others.collect::<String>())
}

#[test]
fn e2_pays_generations_by_vip_level() {
    let dir = Dir::new();
    // One non-winner in seat 7 with these VIP levels above him; who gets what, from the inviter up.
    for (vips, paid, platform) in [
        ([1, 0, 0], vec!["a"], "323.40"),
        ([0, 3, 3], vec!["b", "c"], "322.80"),
        ([3, 1, 3], vec!["a", "c"], "322.80"),
        ([3, 2, 2], vec!["a", "b"], "322.80"),
        ([9, 9, 9], vec!["a", "b", "c"], "322.20"),
    ] {
        let [a, b, c] = vips;
        let above = format!("m7,a,,,,,7,\na,b,{a},,,,,\nb,c,{b},,,,,\nc,d,{c},,,,,\nd,,3,,,,,\n");
        let crowd = dir.file("hundred.csv", hundred(&above));
        let output = try_json(&[&example("e2"), "--crowd", &crowd, "--members"]);
        assert!(!output["won"].as_array().unwrap().contains(&json!(7)));
        let wanted: Vec<_> = paid.iter().map(|name| row(name, 7, "0.60")).collect();
        assert_eq!(payments(&output, "generation"), wanted, "{vips:?}");
        assert_eq!(output["cash"]["platform"], platform);
    }
}

#[test]
fn a_shared_cap_cuts_the_payment_that_meets_it() {
    let dir = Dir::new();
    let file = std::fs::read_to_string(example("e0")).unwrap();
    let file = dir.file(
        "capped.toml",
        file.replace("uplines = \"30.00\"", "uplines = \"15.00\""),
    );
    let output = try_json(&[&file, "--members"]);
    let up = |seat: u32, cash| row(&format!("seat-{seat}-upline-1"), seat, cash);
    assert_eq!(
        payments(&output, "generation"),
        [up(0, "6.00"), up(1, "6.00"), up(2, "3.00")]
    );
    assert_eq!(output["cash"]["platform"], "37.00");
}

#[test]
fn leader_and_winner_get_what_is_theirs() {
    let dir = Dir::new();
    let rewards = "[[reward]]\nprogram = \"winner-bonus\"\ncash = \"1.50\"\ncoins = \"2\"\n\
                   [[reward]]\nprogram = \"leader\"\ncash = \"4.00\"\nunless_won = true\n";
    let file = dir.file("tiny.toml", format!("{TINY}{rewards}"));
    let (mut led, mut followed) = (0, 0);
    for byte in 0..12 {
        let output = try_json(&[
            &file,
            "--members",
            "--seed",
            &format!("{byte:02x}").repeat(32),
        ]);
        let winner = output["won"][0].as_u64().unwrap();
        let bonus = (
            format!("seat-{winner}"),
            json!(winner),
            "1.50".to_owned(),
            "2.00".to_owned(),
        );
        assert_eq!(payments(&output, "winner-bonus"), [bonus]);
        assert_eq!(output["coins"]["winner_bonus"], "2.00");
        let (leader, platform) = if winner == 0 {
            ("0.00", "78.50")
        } else {
            ("4.00", "74.50")
        };
        assert_eq!(
            (&output["cash"]["leader"], &output["cash"]["platform"]),
            (&json!(leader), &json!(platform))
        );
        *(if winner == 0 { &mut led } else { &mut followed }) += 1;
    }
    assert!(
        0 < led && 0 < followed,
        "the seeds must show both: {led} and {followed}"
    );
}

#[test]
fn an_exempt_leader_never_wins() {
    let dir = Dir::new();
    let file = dir.file(
        "exempt.toml",
        TINY.replace("winners = 1", "winners = 2\nleader = \"exempt\""),
    );
    for byte in 0..12 {
        let output = try_json(&[&file, "--seed", &format!("{byte:02x}").repeat(32)]);
        let mut won: Vec<_> = output["won"].as_array().unwrap().clone();
        won.sort_by_key(Value::as_u64);
        assert_eq!(won, [json!(1), json!(2)]);
    }
}

#[test]
fn channel_fees_are_of_all_payments_only_if_kept_on_refunds() {
    let dir = Dir::new();
    for (kept, fees, platform) in [("false", "0.60", "79.40"), ("true", "1.80", "78.20")] {
        let channel = format!("{TINY}[channel]\nfee = \"0.6%\"\nkept_on_refund = {kept}\n");
        let output = try_json(&[&dir.file("fee.toml", channel)]);
        assert_eq!(
            (&output["cash"]["fees"], &output["cash"]["platform"]),
            (&json!(fees), &json!(platform))
        );
    }
}

/// The run fails with this one line and prints nothing else.
#[track_caller]
fn fails(arguments: &[&str], message: &str) {
    let ran = try_run(arguments);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{}", ran.stderr);
    assert!(
        ran.stderr.ends_with(&format!(": {message}\n")),
        "{:?}\n{message:?}",
        ran.stderr
    );
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
}

#[test]
fn crowd_files_may_begin_with_a_mark_and_end_with_blank_lines() {
    let dir = Dir::new();
    let file = dir.file("tiny.toml", TINY);
    for end in ["", "\n", "\r\n\n", "\n\t\n  "] {
        let rows = "a,,,,,,0,\nb,,,,,,1,\nc,,,,,,2,\n";
        let ok = dir.file("ok.csv", format!("\u{feff}{HEADER}{rows}{end}"));
        let ran = try_run(&[&file, "--crowd", &ok]);
        assert_eq!(ran.code, 0, "{end:?}: {}", ran.stderr);
    }
}

#[test]
fn crowd_files_are_read_strictly() {
    let dir = Dir::new();
    let file = dir.file("tiny.toml", TINY);
    let three = "a,,,,,,0,\nb,,,,,,1,\nc,,,,,,2,\n";
    let rows = |text: &str, message: &str| {
        let crowd = dir.file("crowd.csv", text);
        fails(
            &[&file, "--crowd", &crowd],
            &format!("crowd {crowd}: {message}"),
        );
    };
    let header = "line 1: the header must be member,inviter,vip,rank,region,agent_of,seat,via";
    rows("", header);
    rows("member,inviter\n", header);
    rows(three, header);
    let with = |row: &str| format!("{HEADER}{three}{row}\n");
    for (row, message) in [
        ("d,x,,,,,,", "inviter x is no member of this crowd"),
        ("d,,,,,,,x", "via x is no member of this crowd"),
        (
            "d,,,,,,",
            "a row has 8 cells, one for each name of the header",
        ),
        (
            "d,,,,,,,,",
            "a row has 8 cells, one for each name of the header",
        ),
        (
            "\nd,,,,,,,",
            "a row has 8 cells, one for each name of the header",
        ),
        (",,,,,,,", "member is empty"),
        ("a,,,,,,,", "member a has a row already"),
        ("d,,one,,,,,", "vip \"one\" is no whole number"),
        ("d,,-1,,,,,", "vip \"-1\" is no whole number"),
        ("d,,,+2,,,,", "rank \"+2\" is no whole number"),
        ("d,,,,,,1.0,", "seat \"1.0\" is no whole number"),
        (
            "d,,,,,,4294967296,",
            "seat \"4294967296\" is no whole number",
        ),
        ("d,,,,3301,,,", "region \"3301\" is no code of six digits"),
        (
            "d,,,,,zhejia,,",
            "agent_of \"zhejia\" is no code of six digits",
        ),
        ("d,,,,,,1,", "seat 1 is taken by an earlier row"),
        ("d,,,,,,3,", "seat 3 is not one of 0 to 2"),
        ("d,d,,,,,,", "the inviters of d form a circle"),
        ("\"d,,,,,,,", "a quoted cell is not closed"),
        ("\"d\"x,,,,,,,", "a comma is missing after a quoted cell"),
        (
            "d\"x,,,,,,,",
            "a quote stands inside a cell that is not quoted",
        ),
    ] {
        rows(&with(row), &format!("line 5: {message}"));
    }
    rows(
        &with("d,,,,,330000,,\ne,,,,,330000,,"),
        "line 6: 330000 has an agent already",
    );
    rows(
        &with("d,e,,,,,,\ne,f,,,,,,\nf,e,,,,,,"),
        "line 6: the inviters of e form a circle",
    );
    rows(
        &format!("{HEADER}a,,,,,,0,\nc,,,,,,2,\n"),
        "nobody has seat 1; the campaign has 3",
    );
}

#[test]
fn campaign_files_that_are_wrong_get_one_clear_message() {
    let dir = Dir::new();
    let wrong = |from: &str, to: &str, message: &str| {
        assert!(TINY.contains(from));
        fails(
            &[&dir.file("wrong.toml", TINY.replacen(from, to, 1))],
            message,
        );
    };
    wrong(
        "seats =",
        "sseats =",
        "group.sseats is not a key of campaign files; did you mean group.seats?",
    );
    wrong(
        "\"draw\"",
        "\"treat\"",
        "refused (campaign_invalid): merchant is missing: a treat is a merchant's",
    );
    wrong(
        "seats = 3",
        "seats = = 3",
        "line 8, column 9: this is not TOML: extra `=`, expected nothing",
    );
    wrong(
        "winners = 1",
        "winners = 3",
        "refused (campaign_invalid): group.winners must be at least 1 and less than the seats",
    );
    wrong(
        "\"seed\"",
        "\"cn-default\"",
        "refused (profile_forbids): profile cn-default does not allow this: kinds",
    );
    let file = dir.file("tiny.toml", TINY);
    let length = "--seed must be 64 hex digits, found 2 characters";
    fails(&[&file, "--seed", "00"], length);
    let latin = dir.file("latin.toml", b"name = \"\xe9\"");
    fails(
        &[&latin],
        &format!("cannot read {latin}: it is not UTF-8 text"),
    );
    let long = dir.file("long.toml", " ".repeat(65_537));
    fails(
        &[&long],
        &format!("cannot read {long}: it is longer than 65536 bytes"),
    );
    assert_eq!(try_run(&["no-such-file.toml"]).code, 1);
    assert_eq!(
        try_run(&[&file, "--crowd", "x.csv", "--uplines", "none"]).code,
        2
    );
}
