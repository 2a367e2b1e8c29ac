//! Profile files (rules 11).

use domain::{Kind, LossPause, Millis, Money, Profile, Rate};
use schema::{parse_profile_limits_toml, parse_profile_toml, profile_to_json};

const LEAST: &str = r#"
name = "ours"
signed_by = "Wang Xiaoming"
opinion_sha256 = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
expires = "2027-12-31"
"#;

#[test]
fn what_is_left_out_is_cautious() {
    let own = parse_profile_toml(LEAST).unwrap();
    assert_eq!(&own.terms, Profile::CnDefault.terms());
    assert_eq!(own.check(), Ok(()));
    assert_eq!(own.opinion[..3], [0x58, 0x91, 0xb5]);
    // The last day ends with it, in Shanghai.
    assert_eq!(own.expires, Millis::of_date(2028, 1, 1).unwrap());
}

#[test]
fn the_example_is_a_profile_that_can_be_adopted() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../profiles/own.example.toml"
    );
    let own = parse_profile_toml(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(own.check(), Ok(()));
    let terms = &own.terms;
    assert_eq!(
        terms.kinds,
        [Kind::Draw, Kind::EveryoneBuys, Kind::BonusDraw]
    );
    assert_eq!((terms.max_generations, terms.coin_months), (2, 12));
    assert_eq!(terms.rewards_cap, Rate(300_000));
    assert_eq!(terms.money_in_groups, Some(Money(200_000)));
    let pause = domain::Duration(86_400_000);
    assert_eq!(terms.loss_pause, Some(LossPause { losses: 5, pause }));
    assert_eq!(terms.recharge_cap, None);
    let json = profile_to_json(&Profile::Own(Box::new(own)));
    assert_eq!(json["own"]["name"], "example-2027");
    assert_eq!(json["rewards_cap"], "30%");
    assert_eq!(json["withdrawal"]["minimum"], "10.00");
}

/// The two profiles that are built in, as files: what they say is what the program does, and they leave nothing out.
#[test]
fn the_files_of_the_built_in_profiles_are_what_is_built_in() {
    for profile in [Profile::Seed, Profile::CnDefault] {
        let name = profile.name();
        let path = format!("{}/../../profiles/{name}.toml", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        let (called, terms) = parse_profile_limits_toml(&text).unwrap();
        assert_eq!((called.as_str(), &terms), (name, profile.terms()));
        let json = profile_to_json(&profile);
        for (key, value) in json.as_object().unwrap() {
            let written = if value.is_object() {
                format!("\n[{key}]\n")
            } else {
                format!("\n{key} = ")
            };
            let is_said = text.contains(&written) || text.contains(&format!("\n[{key}]\n"));
            assert!(
                is_said || ["profile", "own"].contains(&key.as_str()),
                "{key}"
            );
        }
    }
}

#[test]
fn what_has_a_number_can_be_none() {
    let none = "max_generations = \"none\"\nrewards_cap = \"none\"\nprize_cap = \"none\"\n[recharge]\ncap = \"none\"\n\
        [limits]\nmoney_in_groups = \"none\"\nentries_per_day = \"none\"\n";
    let own = parse_profile_toml(&format!("{LEAST}{none}")).unwrap();
    let seed = Profile::Seed.terms();
    assert_eq!(own.terms.max_generations, seed.max_generations);
    assert_eq!(own.terms.rewards_cap, seed.rewards_cap);
    assert_eq!(own.terms.prize_cap, seed.prize_cap);
    assert_eq!(own.terms.recharge_cap, None);
    assert_eq!(own.terms.money_in_groups, None);
    assert_eq!(own.terms.entries_per_day, None);
    assert_eq!(own.check(), Ok(()));
    let nobody = parse_profile_limits_toml(LEAST).unwrap_err();
    assert_eq!(
        (nobody.code, nobody.path.as_str()),
        ("unknown_key", "expires")
    );
}

#[test]
fn a_mistake_is_named() {
    for (line, code, path) in [
        ("max_generation = 1", "unknown_key", "max_generation"),
        ("max_generations = \"1\"", "wrong_type", "max_generations"),
        ("kinds = [\"raffle\"]", "invalid_value", "kinds[0]"),
        ("consolation = \"gold\"", "invalid_value", "consolation"),
        ("[limits]\nlosses = 5", "missing_key", "limits.pause"),
        ("[recharge]", "missing_key", "recharge.cap"),
        (
            "[withdrawal]\nminimum = 10",
            "wrong_type",
            "withdrawal.minimum",
        ),
    ] {
        let error = parse_profile_toml(&format!("{LEAST}{line}\n")).unwrap_err();
        assert_eq!((error.code, error.path.as_str()), (code, path), "{line}");
    }
    for (old, new, path) in [
        ("2027-12-31", "2027-02-29", "expires"),
        ("2027-12-31", "31.12.2027", "expires"),
        ("5891b5b5", "5891b5bg", "opinion_sha256"),
        ("5891b5b5", "5891b5b5ff", "opinion_sha256"),
        ("5891b5b5", "", "opinion_sha256"),
    ] {
        let error = parse_profile_toml(&LEAST.replace(old, new)).unwrap_err();
        assert_eq!(error.path, path, "{new}");
    }
}
