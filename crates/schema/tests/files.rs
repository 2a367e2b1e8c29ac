//! What the reader says about campaign files, key by key.

use domain::rewards::Limit;
use domain::{BeaconSource, Duration, Money, Rate, Refusal};
use schema::{CampaignFile, Installation, SchemaError, parse_json, parse_json_value, parse_toml};

/// The shortest file that is one, with nothing but the keys that have no default.
const LEAST: &str = r#"
name = { zh = "茶", en = "Tea" }
kind = "draw"
profile = "seed"
product = { title = { zh = "茶", en = "Tea" }, cost = "20.00" }

[group]
price = "100.00"
seats = 5
winners = 1
"#;

const CONSOLATION: &str = "[[reward]]\nprogram = \"consolation\"\ncash = \"5\"\n";

fn public() -> Installation {
    Installation {
        log: draw::Origin::new("shop.example/log").unwrap(),
        source: BeaconSource::DrandQuicknet,
        delay_s: 90,
        own: None,
    }
}

fn local() -> Installation {
    let source = BeaconSource::Local {
        beacon: [7; 32],
        genesis: 1,
        period: 3,
    };
    Installation {
        source,
        delay_s: 4,
        ..public()
    }
}

fn with(old: &str, new: &str) -> String {
    assert!(LEAST.contains(old), "{old}");
    LEAST.replacen(old, new, 1)
}

#[track_caller]
fn refused(text: &str) -> SchemaError {
    parse_toml(text).expect_err("the file has a mistake")
}

#[track_caller]
fn check(text: &str, code: &str, path: &str, message: &str) {
    let error = refused(text);
    assert_eq!(
        (error.code, error.path.as_str(), error.message.as_str()),
        (code, path, message)
    );
}

#[test]
fn defaults_stand_where_keys_are_absent() {
    let campaign = parse_toml(LEAST).unwrap().resolve(&public()).unwrap();
    assert_eq!(campaign.plan, 1);
    assert_eq!(campaign.group.leader, domain::LeaderRule::Equal);
    assert_eq!(campaign.group.fill_within, Duration::seconds(86_400));
    assert_eq!(campaign.group.payment_window, Duration::seconds(300));
    assert_eq!(campaign.group.seats_per_member, 1);
    assert_eq!(
        campaign.channel,
        domain::ChannelTerms {
            fee: Rate(0),
            kept_on_refund: false
        }
    );
    assert_eq!(
        (campaign.draw.source, campaign.draw.delay_s),
        (BeaconSource::DrandQuicknet, 90)
    );
    assert_eq!((campaign.caps, campaign.rewards), (vec![], vec![]));
}

#[test]
fn source_and_delay_are_the_installations_unless_named() {
    let draw = |lines: &str, installation: &Installation| {
        let terms = parse_toml(&format!("{LEAST}\n[draw]\n{lines}"))
            .unwrap()
            .resolve(installation)?
            .draw;
        Ok::<_, Refusal>((terms.source, terms.delay_s))
    };
    let (quicknet, own) = (BeaconSource::DrandQuicknet, local().source);
    assert_eq!(draw("", &local()), Ok((own, 4)));
    assert_eq!(draw("source = \"local\"", &local()), Ok((own, 4)));
    assert_eq!(
        draw("source = \"local\"\ndelay = \"5s\"", &local()),
        Ok((own, 5))
    );
    assert_eq!(
        draw("source = \"drand-quicknet\"", &local()),
        Ok((quicknet, 60))
    );
    assert_eq!(
        draw("source = \"drand-quicknet\"", &public()),
        Ok((quicknet, 90))
    );
    assert_eq!(draw("delay = \"2m\"", &public()), Ok((quicknet, 120)));
    for (lines, installation, says) in [
        (
            "source = \"local\"",
            public(),
            "draw.source must not be local: this installation has no local beacon",
        ),
        (
            "delay = \"1500ms\"",
            local(),
            "draw.delay must be whole seconds",
        ),
        (
            "delay = \"2s\"",
            local(),
            "draw.delay must be between 30s (3s for a local source) and 30d",
        ),
    ] {
        assert_eq!(draw(lines, &installation).unwrap_err().to_string(), says);
    }
}

#[test]
fn unknown_keys_name_the_nearest_known_one() {
    let row = |text: &str, path: &str, meant: &str| {
        check(
            text,
            "unknown_key",
            path,
            &format!("{path} is not a key of campaign files; did you mean {meant}?"),
        );
    };
    row(
        &with("seats = 5", "sseats = 5"),
        "group.sseats",
        "group.seats",
    );
    row(&with("kind =", "knid ="), "knid", "kind");
    row(
        &with("en = \"Tea\" }\nkind", "fr = \"Thé\" }\nkind"),
        "name.fr",
        "name.zh",
    );
    row(
        &with("cost = \"20.00\"", "costs = \"20.00\""),
        "product.costs",
        "product.cost",
    );
    row(
        &format!("{LEAST}[chanel]\nfee = \"1%\""),
        "chanel",
        "channel",
    );
    row(
        &format!("{LEAST}[channel]\nfees = \"1%\""),
        "channel.fees",
        "channel.fee",
    );
    row(&format!("{LEAST}reward = 5"), "group.reward", "reward");
    row(&format!("price = \"1\"\n{LEAST}"), "price", "group.price");
    row(
        &format!("{LEAST}{CONSOLATION}coin = \"5\""),
        "reward[0].coin",
        "reward[0].coins",
    );
    row(
        &format!("{LEAST}[prize]\ncots = \"5\""),
        "prize.cots",
        "prize.cost",
    );
    let other = format!("{LEAST}{CONSOLATION}{CONSOLATION}rates = [\"5%\"]");
    let says = "reward[1].rates is a key of program generation, not of consolation, which takes cash, coins, program, cap, share";
    check(&other, "unknown_key", "reward[1].rates", says);
}

#[test]
fn keys_that_are_needed_and_keys_that_exclude_each_other() {
    for key in ["name", "kind", "profile", "product"] {
        let text: String = LEAST
            .lines()
            .filter(|line| !line.starts_with(key))
            .map(|line| format!("{line}\n"))
            .collect();
        check(&text, "missing_key", key, &format!("{key} is missing"));
    }
    check(
        &with("price = \"100.00\"\n", ""),
        "missing_key",
        "group.price",
        "group.price is missing",
    );
    check(
        &with("zh = \"茶\", en = \"Tea\" }\nkind", "zh = \"茶\" }\nkind"),
        "missing_key",
        "name.en",
        "name.en is missing",
    );
    let one = "group.winners, group.win_rate, group.chance";
    check(
        &with("winners = 1", ""),
        "missing_key",
        "group",
        &format!("one of {one} is needed"),
    );
    let both = with("winners = 1", "winners = 1\nwin_rate = \"20%\"");
    check(
        &both,
        "conflicting_keys",
        "group.win_rate",
        &format!("{one} exclude each other: give exactly one"),
    );
    let neither = format!("{LEAST}[[reward]]\nprogram = \"consolation\"");
    check(
        &neither,
        "missing_key",
        "reward[0].cash",
        "reward[0].cash is missing: give cash, coins or both",
    );
    let generation = format!(
        "{LEAST}[[reward]]\nprogram = \"generation\"\nsource = \"all\"\nrates = [\"1%\"]\n"
    );
    let says = "one of reward[0].base, reward[0].fixed is needed";
    check(&generation, "missing_key", "reward[0]", says);
    let says = "reward[0].base, reward[0].fixed exclude each other: give exactly one";
    let bases = format!("{generation}base = \"price\"\nfixed = \"6.00\"");
    check(&bases, "conflicting_keys", "reward[0].fixed", says);
    let says = "reward[0].cap, reward[0].share exclude each other: give exactly one";
    let limits = format!(
        "{LEAST}[caps]\nuplines = \"30.00\"\n{CONSOLATION}cap = \"1\"\nshare = \"uplines\""
    );
    check(&limits, "conflicting_keys", "reward[0].share", says);
}

/// As [`check`], for messages that begin with the path.
#[track_caller]
fn says(text: &str, code: &str, message: &str) {
    check(text, code, message.split(' ').next().unwrap(), message);
}

#[test]
fn amounts_are_quoted_decimals() {
    let price = |value: &str| with("price = \"100.00\"", &format!("price = {value}"));
    let an_amount = "an amount is a string of yuan such as \"12.50\"";
    let quote = format!("group.price must be quoted: {an_amount}");
    says(&price("100"), "wrong_type", &quote);
    says(&price("100.5"), "wrong_type", &quote);
    let string = format!("group.price must be a string: {an_amount}");
    says(&price("true"), "wrong_type", &string);
    for bad in ["-1.00", "1e3", "1.005", "1,000.00", "¥5", ""] {
        let form =
            "an amount is yuan written like \"12.50\", with at most two decimals and no sign";
        let message = format!("group.price is {bad:?}: {form}");
        says(&price(&format!("{bad:?}")), "invalid_value", &message);
    }
    let above = "group.price is above 100000000.00";
    says(&price("\"100000000.01\""), "invalid_value", above);
}

#[test]
fn values_have_one_type_and_one_form() {
    let seats = |value: &str| with("seats = 5", &format!("seats = {value}"));
    let whole = "group.seats must be a whole number without quotes";
    says(
        &seats("\"5\""),
        "wrong_type",
        &format!("{whole}, not a string"),
    );
    says(
        &seats("5.0"),
        "wrong_type",
        &format!("{whole}, not a number"),
    );
    says(
        &seats("2026-01-01"),
        "wrong_type",
        &format!("{whole}, not a date"),
    );
    let negative = "group.seats is -5: it must be 0 or more, and not so large";
    says(&seats("-5"), "invalid_value", negative);

    let name = with("{ zh = \"茶\", en = \"Tea\" }\nkind", "\"茶\"\nkind");
    let both = "name must be given in both languages: { zh = \"…\", en = \"…\" }";
    says(&name, "wrong_type", both);
    let kinds =
        "kind is \"raffle\": it must be one of draw, everyone-buys, bonus-draw, treat, ballot";
    says(&with("\"draw\"", "\"raffle\""), "invalid_value", kinds);
    let profiles = "profile is \"mine\": it must be one of seed, cn-default, own";
    says(&with("\"seed\"", "\"mine\""), "invalid_value", profiles);

    let fee = |value: &str| format!("{LEAST}[channel]\nfee = {value}");
    let quote = "channel.fee must be quoted: a rate is a string such as \"2.5%\"";
    says(&fee("0.6"), "wrong_type", quote);
    let form = "a rate is written like \"2.5%\", with at most four decimals and no sign";
    let message = format!("channel.fee is \"0.6\": {form}");
    says(&fee("\"0.6\""), "invalid_value", &message);
    let fill = with("winners = 1", "winners = 1\nfill_within = \"1 day\"");
    let form = "a length of time is written like \"30s\", \"5m\", \"24h\" or \"7d\"";
    let message = format!("group.fill_within is \"1 day\": {form}");
    says(&fill, "invalid_value", &message);
}

/// What the file means once the installation has filled it in.
fn resolved(text: &str) -> Result<domain::Campaign, domain::Refusal> {
    parse_toml(text).unwrap().resolve(&local())
}

#[track_caller]
fn breaks(text: &str, field: &str) {
    match resolved(text) {
        Err(domain::Refusal::InvalidCampaign { field: found, .. }) => assert_eq!(found, field),
        other => panic!("{field}: {other:?}"),
    }
}

#[test]
fn kinds_and_what_each_asks_of_the_other_terms() {
    let kind = |kind: &str| with("\"draw\"", &format!("{kind:?}"));
    let prize = "[prize]\ntitle = { zh = \"奖\", en = \"Prize\" }\ncost = \"50.00\"\n";
    let merchant = "[merchant]\ncommission = \"10%\"\n";
    // Where everyone buys, the winners are the seats, said or not.
    let everyone = kind("everyone-buys");
    breaks(&everyone, "group.winners");
    let silent = everyone.replace("winners = 1\n", "");
    assert_eq!(resolved(&silent).unwrap().group.winners, 5);
    assert_eq!(
        resolved(&everyone.replace("winners = 1", "winners = 5")),
        resolved(&silent)
    );
    breaks(
        &silent.replace("seats = 5", "seats = 5\nleader = \"exempt\""),
        "group.leader",
    );

    breaks(&kind("bonus-draw"), "prize");
    let bonus = kind("bonus-draw") + prize;
    assert!(resolved(&bonus).is_ok());
    assert!(resolved(&bonus.replace("winners = 1", "winners = 5")).is_ok());
    breaks(&format!("{LEAST}{prize}"), "prize");

    breaks(&kind("treat"), "merchant");
    let treat = kind("treat") + merchant;
    let terms = resolved(&treat).unwrap();
    assert_eq!(terms.product.fulfilment, domain::Fulfilment::AtTable);
    let cost_free = treat.replace(", cost = \"20.00\"", "");
    assert_eq!(
        resolved(&cost_free).unwrap().product.cost,
        domain::Money::ZERO
    );
    breaks(
        &with(
            "cost = \"20.00\"",
            "cost = \"20.00\", fulfilment = \"at-table\"",
        ),
        "product.fulfilment",
    );

    assert!(resolved(&kind("ballot")).is_ok());
    let for_free = "[[reward]]\nprogram = \"consolation\"\ncash = \"1\"\n";
    breaks(&(kind("ballot") + for_free), "reward.cash");
    let for_coins = "[[reward]]\nprogram = \"consolation\"\ncoins = \"1\"\n";
    assert!(resolved(&(kind("ballot") + for_coins)).is_ok());
    let for_heads = "[[reward]]\nprogram = \"generation\"\nsource = \"all\"\nbase = \"price\"\nrates = [\"1%\"]\n";
    breaks(&(kind("ballot") + for_heads), "reward.source");
}

#[test]
fn leaders_chances_and_circles() {
    let lines = |lines: &str| with("winners = 1", lines);
    breaks(&lines("winners = 1\nleader = \"buys\""), "group.winners");
    assert!(resolved(&lines("winners = 2\nleader = \"buys\"")).is_ok());
    let chance = "chance = { p = \"3%\", min = 1, max = 2 }";
    let terms = resolved(&lines(chance)).unwrap();
    assert_eq!(terms.winner_counts(), 1..=2);
    breaks(
        &lines(&format!("{chance}\nleader = \"buys\"")),
        "group.leader",
    );
    breaks(
        &lines(&chance.replace("max = 2", "max = 5")),
        "group.chance.max",
    );
    breaks(
        &lines(&chance.replace("min = 1", "min = 0")),
        "group.chance.min",
    );
    breaks(
        &lines(&chance.replace("min = 1", "min = 3")),
        "group.chance.min",
    );
    // At least one is drawn for sure, so a p of nothing is no lie; without it nobody could ever win.
    assert!(resolved(&lines(&chance.replace("3%", "0%"))).is_ok());
    let bonus = |p: &str| {
        let prize = "[prize]\ntitle = { zh = \"奖\", en = \"Prize\" }\ncost = \"1\"\n\n[group]";
        lines(&chance.replace("min = 1", "min = 0").replace("3%", p))
            .replace("\"draw\"", "\"bonus-draw\"")
            .replace("[group]", prize)
    };
    assert!(resolved(&bonus("0.0001%")).is_ok());
    breaks(&bonus("0%"), "group.chance.p");
    assert!(resolved(&lines("winners = 1\ncircle = \"rotate\"")).is_ok());
    breaks(
        &lines(&format!("{chance}\ncircle = \"rotate\"")),
        "group.circle",
    );
    breaks(
        &lines("winners = 1\ncircle = \"rotate\"\nseats_per_member = 2"),
        "group.seats_per_member",
    );
    assert_eq!(
        resolved(&lines("winners = 1\nentries_per_day = 3"))
            .unwrap()
            .group
            .entries_per_day,
        3
    );
}

#[test]
fn programs_of_ranks_regions_and_pools() {
    let program =
        |name: &str, keys: &str| format!("{LEAST}[[reward]]\nprogram = {name:?}\n{keys}\n");
    let source = "source = \"all\"\nbase = \"price\"";
    let differential = |rates: &str| {
        program(
            "differential",
            &format!("{source}\nrates_by_rank = {rates}"),
        )
    };
    let fine = differential("[\"0%\", \"1%\", \"2.5%\"]");
    assert!(resolved(&fine).is_ok());
    breaks(
        &differential("[\"0%\", \"1%\", \"1%\"]"),
        "reward.rates_by_rank",
    );
    breaks(&differential("[]"), "reward.rates_by_rank");
    breaks(&differential("[\"101%\"]"), "reward.rates_by_rank");
    let same_level = "[[reward]]\nprogram = \"same-level\"\nrate = \"1%\"\nat_most = 1\n";
    assert!(resolved(&(fine.clone() + same_level)).is_ok());
    breaks(&format!("{LEAST}{same_level}"), "reward.program");
    breaks(
        &(fine + &same_level.replace("at_most = 1", "at_most = 0")),
        "reward.at_most",
    );
    assert!(resolved(&program("region", &format!("{source}\ncity = \"2%\""))).is_ok());
    says(
        &program("region", source),
        "missing_key",
        "reward[0].county is missing",
    );
    assert!(resolved(&program("dividend", &format!("{source}\nrate = \"1%\""))).is_ok());
    breaks(
        &program("dividend", &format!("{source}\nrate = \"200%\"")),
        "reward.rate",
    );
    let margin = "source = \"all\"\nbase = \"margin\"\nrate = \"1%\"";
    assert!(resolved(&program("dividend", margin)).is_ok());
    breaks(
        &(program("dividend", margin) + "[merchant]\ncommission = \"10%\"\n"),
        "reward.base",
    );
    let terms = resolved(&format!(
        "{LEAST}[alliance]\norigin_share = \"5%\"\n[envelope]\nleftover = \"dividend\"\n"
    ));
    let terms = terms.unwrap();
    assert_eq!(terms.origin_share, Some(domain::Rate(50_000)));
    assert_eq!(terms.leftover, domain::Leftover::Dividend);
}

#[test]
fn what_is_written_and_off_is_accepted() {
    let text = with(
        "winners = 1",
        "winners = 1\ncircle = \"off\"\nentries_per_day = 0",
    ) + "[envelope]\nleftover = \"owner\"\n";
    assert_eq!(parse_toml(&text), parse_toml(LEAST));
}

#[test]
fn mistakes_of_toml_are_placed() {
    check(
        "name = \n",
        "syntax",
        "",
        "line 1, column 8: this is not TOML: string values must be quoted, expected literal string",
    );
    let twice = with("seats = 5", "seats = 5\nseats = 6");
    check(
        &twice,
        "syntax",
        "",
        "line 10, column 1: this is not TOML: duplicate key",
    );
    assert_eq!(refused("名 = 1").code, "syntax");
}

#[test]
fn files_are_bounded() {
    let long = format!(
        "{LEAST}#{}",
        "x".repeat(schema::MAX_FILE_BYTES - LEAST.len() - 1)
    );
    assert!(parse_toml(&long).is_ok());
    check(
        &format!("{long}x"),
        "too_large",
        "",
        "the campaign file has 65537 bytes; at most 65536 are read",
    );
    let nested = format!(
        "{LEAST}[[reward]]\nprogram = {}{}",
        "[".repeat(9),
        "]".repeat(9)
    );
    check(
        &nested,
        "too_large",
        "",
        "the campaign file has tables or lists nested too deeply",
    );
    assert!(parse_toml(&format!("{LEAST}{}", CONSOLATION.repeat(16))).is_ok());
    check(
        &format!("{LEAST}{}", CONSOLATION.repeat(17)),
        "too_large",
        "reward",
        "reward has 17 entries; at most 16 are allowed",
    );
    let rates = vec!["\"1%\""; 65].join(", ");
    let many = format!(
        "{LEAST}[[reward]]\nprogram = \"generation\"\nsource = \"all\"\nbase = \"price\"\nrates = [{rates}]"
    );
    check(
        &many,
        "too_large",
        "reward[0].rates",
        "reward[0].rates has 65 entries; at most 64 are allowed",
    );
    assert_eq!(
        parse_json("[".repeat(60_000).as_bytes()).unwrap_err().code,
        "syntax"
    );
}

#[test]
fn shares_name_a_cap() {
    let text = |share: &str| {
        format!("{LEAST}[caps]\nuplines = \"30.00\"\nall = \"40\"\n{CONSOLATION}share = {share:?}")
    };
    let campaign = parse_toml(&text("uplines"))
        .unwrap()
        .resolve(&public())
        .unwrap();
    assert_eq!(
        campaign
            .caps
            .iter()
            .map(|cap| cap.name.as_str())
            .collect::<Vec<_>>(),
        ["all", "uplines"]
    );
    assert_eq!(campaign.rewards[0].limit, Limit::Shared(1));
    let says = "reward[0].share names no cap of [caps]: \"uplinse\"; did you mean \"uplines\"?";
    check(&text("uplinse"), "invalid_value", "reward[0].share", says);
    let capped = format!("{LEAST}{CONSOLATION}cap = \"7.5\"");
    let campaign = parse_toml(&capped).unwrap().resolve(&public()).unwrap();
    assert_eq!(campaign.rewards[0].limit, Limit::Own(Money(750)));
}

#[test]
fn win_rates_become_winners_or_are_refused_with_the_nearest() {
    let resolve = |rate: &str| {
        parse_toml(&with("winners = 1", &format!("win_rate = {rate:?}")))
            .unwrap()
            .resolve(&public())
    };
    assert_eq!(resolve("20%").unwrap().group.winners, 1);
    assert_eq!(resolve("80%").unwrap().group.winners, 4);
    let refusal = resolve("30%").unwrap_err();
    assert_eq!(refusal.code(), "win_rate_not_whole");
    assert!(
        refusal.to_string().ends_with("1 of 5, 2 of 5, 3 of 10"),
        "{refusal}"
    );
}

#[test]
fn rules_of_the_campaign_are_the_domains() {
    let refusal = parse_toml(&with("winners = 1", "winners = 5"))
        .unwrap()
        .resolve(&public())
        .unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "group.winners must be at least 1 and less than the seats"
    );
    let refusal = parse_toml(&with("\"seed\"", "\"cn-default\""))
        .unwrap()
        .resolve(&public())
        .unwrap_err();
    assert_eq!(refusal.code(), "profile_forbids");
}

#[test]
fn json_is_the_same_schema() {
    let json = r#"{"name":{"zh":"茶","en":"Tea"},"kind":"draw","profile":"seed",
        "product":{"title":{"zh":"茶","en":"Tea"},"cost":"20.00"},
        "group":{"price":"100.00","seats":5,"winners":1}}"#;
    let read: CampaignFile = parse_json(json.as_bytes()).unwrap();
    assert_eq!(Ok(read.clone()), parse_toml(LEAST));
    assert_eq!(
        Ok(read),
        parse_json_value(&serde_json::from_str(json).unwrap())
    );
    let row = |from: &str, to: &str, code: &str, says: &str| {
        let text = json.replacen(from, to, 1);
        let error = parse_json(text.as_bytes()).unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (code, says));
        if let (Ok(value), false) = (serde_json::from_str(&text), code == "syntax") {
            assert_eq!(parse_json_value(&value), Err(error));
        }
    };
    row(
        "\"seats\"",
        "\"sseats\"",
        "unknown_key",
        "group.sseats is not a key of campaign files; did you mean group.seats?",
    );
    row(
        "\"100.00\"",
        "100.00",
        "wrong_type",
        "group.price must be quoted: an amount is a string of yuan such as \"12.50\"",
    );
    row(
        "\"100.00\"",
        "null",
        "wrong_type",
        "group.price must be a string: an amount is a string of yuan such as \"12.50\"",
    );
    row(
        "5,",
        "18446744073709551615,",
        "wrong_type",
        "group.seats must be a whole number without quotes, not a number",
    );
    let twice =
        "this is not JSON as campaigns are written: key seats is given twice at line 3 column 51";
    row("\"seats\":5", "\"seats\":5,\"seats\":6", "syntax", twice);
    assert_eq!(parse_json(b"{").unwrap_err().code, "syntax");
    assert_eq!(
        parse_json(b"[]").unwrap_err().message,
        "the campaign file must be a table, not a list"
    );
}
