//! Reads the text of a campaign file (rules 13) for the oracle: amounts in fen, rates in parts per million, everything a
//! plain number. Knows the defaults, checks nothing.

use std::collections::BTreeMap;

use toml::{Table, Value};

/// What of a campaign file decides about money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) kind: String,
    pub(crate) profile: String,
    pub(crate) seats: i128,
    /// Fewest and most winners.
    pub(crate) fewest: i128,
    pub(crate) most: i128,
    pub(crate) leader: String,
    pub(crate) seats_per_member: i128,
    pub(crate) price: i128,
    pub(crate) cost: i128,
    pub(crate) prize: i128,
    pub(crate) fee: i128,
    pub(crate) fee_kept: bool,
    /// A merchant's campaign has one.
    pub(crate) commission: Option<i128>,
    pub(crate) origin_share: i128,
    pub(crate) caps: BTreeMap<String, i128>,
    pub(crate) rest_to_pool: bool,
    pub(crate) programs: Vec<Program>,
    /// The rate withheld of what comes by chance, and whether the owner bears it. In no file: its profile says it (rules 9.3).
    pub(crate) tax: i128,
    pub(crate) tax_on_top: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    pub(crate) name: String,
    pub(crate) rule: Rule,
    pub(crate) budget: Budget,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Budget {
    Open,
    Own(i128),
    Shared(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    Consolation {
        cash: i128,
        coins: i128,
    },
    WinnerBonus {
        cash: i128,
        coins: i128,
    },
    Leader {
        cash: i128,
        coins: i128,
        unless_won: bool,
    },
    Formation {
        per_recruit: i128,
    },
    Generation {
        from: From,
        rates: Vec<i128>,
        vip_depth: Option<Vec<i128>>,
    },
    Differential {
        from: From,
        rates_by_rank: Vec<i128>,
    },
    SameLevel {
        rate: i128,
        at_most: i128,
    },
    Region {
        from: From,
        /// County, city, province.
        rates: [i128; 3],
    },
    Dividend {
        from: From,
        rate: i128,
    },
}

/// Where a rate starts and what it is applied to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct From {
    pub(crate) source: String,
    /// `price`, `consolation` or `margin`, or a fixed sum.
    pub(crate) base: Result<i128, String>,
}

impl Plan {
    /// Panics on what is no campaign file: the oracle is only asked about files that the schema has read.
    pub(crate) fn read(text: &str) -> Plan {
        let root: Table = text.parse().expect("TOML");
        let group = table(&root, "group").expect("[group]");
        let seats = number(group, "seats").expect("seats");
        let product = table(&root, "product").expect("[product]");
        let fee = table(&root, "channel").map_or(0, |channel| rate(channel, "fee").unwrap_or(0));
        let kept = table(&root, "channel").and_then(|channel| flag(channel, "kept_on_refund"));
        let (fewest, most) = winners(group, seats);
        let leftover = table(&root, "envelope").and_then(|envelope| text_of(envelope, "leftover"));
        Plan {
            kind: text_of(&root, "kind").expect("kind"),
            profile: text_of(&root, "profile").expect("profile"),
            seats,
            fewest,
            most,
            leader: text_of(group, "leader").unwrap_or("equal".to_owned()),
            seats_per_member: number(group, "seats_per_member").unwrap_or(1),
            price: amount(group, "price").expect("price"),
            cost: amount(product, "cost").unwrap_or(0),
            prize: table(&root, "prize").map_or(0, |prize| amount(prize, "cost").expect("cost")),
            fee,
            fee_kept: kept.unwrap_or(false),
            commission: table(&root, "merchant")
                .map(|merchant| rate(merchant, "commission").expect("commission")),
            origin_share: table(&root, "alliance")
                .and_then(|alliance| rate(alliance, "origin_share"))
                .unwrap_or(0),
            caps: table(&root, "caps").map(caps).unwrap_or_default(),
            rest_to_pool: leftover.as_deref() == Some("dividend"),
            programs: programs(&root),
            tax: 0,
            tax_on_top: false,
        }
    }
}

/// A number, a rate of the seats, or a chance with its limits; where everyone buys it may be left out.
fn winners(group: &Table, seats: i128) -> (i128, i128) {
    if let Some(winners) = number(group, "winners") {
        return (winners, winners);
    }
    if let Some(rate) = rate(group, "win_rate") {
        assert_eq!(rate * seats % 1_000_000, 0, "a whole number of winners");
        return (rate * seats / 1_000_000, rate * seats / 1_000_000);
    }
    match table(group, "chance") {
        Some(chance) => (
            number(chance, "min").expect("min"),
            number(chance, "max").expect("max"),
        ),
        None => (seats, seats),
    }
}

fn caps(table: &Table) -> BTreeMap<String, i128> {
    let cap = |(name, value): (&String, &Value)| {
        let text = value.as_str().expect("an amount");
        (name.clone(), decimal(text, 2))
    };
    table.iter().map(cap).collect()
}

fn programs(root: &Table) -> Vec<Program> {
    let Some(list) = root.get("reward") else {
        return Vec::new();
    };
    let entries = list.as_array().expect("a list of rewards");
    entries
        .iter()
        .map(|entry| program(entry.as_table().expect("a table")))
        .collect()
}

fn program(entry: &Table) -> Program {
    let name = text_of(entry, "program").expect("program");
    let cash = amount(entry, "cash").unwrap_or(0);
    let coins = amount(entry, "coins").unwrap_or(0);
    let rule = match name.as_str() {
        "consolation" => Rule::Consolation { cash, coins },
        "winner-bonus" => Rule::WinnerBonus { cash, coins },
        "leader" => Rule::Leader {
            cash,
            coins,
            unless_won: flag(entry, "unless_won").unwrap_or(false),
        },
        "formation" => Rule::Formation {
            per_recruit: amount(entry, "per_recruit").expect("per_recruit"),
        },
        "generation" => Rule::Generation {
            from: from(entry),
            rates: rates(entry, "rates"),
            vip_depth: list(entry, "vip_depth").map(|depths| depths.iter().map(whole).collect()),
        },
        "differential" => Rule::Differential {
            from: from(entry),
            rates_by_rank: rates(entry, "rates_by_rank"),
        },
        "same-level" => Rule::SameLevel {
            rate: rate(entry, "rate").expect("rate"),
            at_most: number(entry, "at_most").expect("at_most"),
        },
        "region" => Rule::Region {
            from: from(entry),
            rates: ["county", "city", "province"].map(|level| rate(entry, level).unwrap_or(0)),
        },
        "dividend" => Rule::Dividend {
            from: from(entry),
            rate: rate(entry, "rate").expect("rate"),
        },
        other => panic!("program {other} is none of rules 7"),
    };
    let budget = match (amount(entry, "cap"), text_of(entry, "share")) {
        (Some(cap), None) => Budget::Own(cap),
        (None, Some(cap)) => Budget::Shared(cap),
        (None, None) => Budget::Open,
        (Some(_), Some(_)) => panic!("a cap and a share"),
    };
    Program { name, rule, budget }
}

fn from(entry: &Table) -> From {
    From {
        source: text_of(entry, "source").expect("source"),
        base: amount(entry, "fixed").ok_or_else(|| text_of(entry, "base").expect("base")),
    }
}

fn table<'a>(parent: &'a Table, key: &str) -> Option<&'a Table> {
    parent
        .get(key)
        .map(|value| value.as_table().expect("a table"))
}

fn list<'a>(parent: &'a Table, key: &str) -> Option<&'a Vec<Value>> {
    parent
        .get(key)
        .map(|value| value.as_array().expect("a list"))
}

fn text_of(parent: &Table, key: &str) -> Option<String> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    parent.get(key).map(text)
}

fn flag(parent: &Table, key: &str) -> Option<bool> {
    parent
        .get(key)
        .map(|value| value.as_bool().expect("true or false"))
}

fn whole(value: &Value) -> i128 {
    i128::from(value.as_integer().expect("a whole number"))
}

fn number(parent: &Table, key: &str) -> Option<i128> {
    parent.get(key).map(whole)
}

fn amount(parent: &Table, key: &str) -> Option<i128> {
    text_of(parent, key).map(|text| decimal(&text, 2))
}

fn rate(parent: &Table, key: &str) -> Option<i128> {
    text_of(parent, key).map(|text| ppm(&text))
}

fn rates(parent: &Table, key: &str) -> Vec<i128> {
    let rates = list(parent, key).expect("rates");
    rates
        .iter()
        .map(|value| ppm(value.as_str().expect("a rate")))
        .collect()
}

/// Percent have four decimals of parts per million.
fn ppm(text: &str) -> i128 {
    decimal(text.strip_suffix('%').expect("a percent sign"), 4)
}

/// `12.5` with two places is 1250.
fn decimal(text: &str, places: usize) -> i128 {
    let (units, parts) = text.split_once('.').unwrap_or((text, ""));
    assert!(
        parts.len() <= places,
        "{text} has more than {places} decimals"
    );
    format!("{units}{parts:0<places$}").parse().expect("digits")
}
