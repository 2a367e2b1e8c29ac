//! Campaign files for tests.

use serde_json::{Value, json};

/// One of the examples, as JSON.
pub(crate) fn example(name: &str) -> Value {
    let path = format!("{}/../../examples/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let table: toml::Table = std::fs::read_to_string(path).unwrap().parse().unwrap();
    serde_json::to_value(table).unwrap()
}

/// A small campaign: so many seats at 10 yuan, one winner, one yuan of consolation.
pub(crate) fn small(seats: u32) -> Value {
    json!({
        "name": { "zh": "小团", "en": "Small group" },
        "kind": "draw",
        "profile": "seed",
        "product": { "title": { "zh": "茶", "en": "Tea" }, "cost": "2.00" },
        "group": { "price": "10.00", "seats": seats, "winners": 1, "fill_within": "24h", "payment_window": "5m" },
        "reward": [{ "program": "consolation", "cash": if seats < 8 { "1.00" } else { "0.00" }, "coins": "1.00" }],
    })
}

/// The same with one key of `group` changed.
pub(crate) fn small_with(seats: u32, key: &str, value: Value) -> Value {
    let mut file = small(seats);
    file["group"][key] = value;
    file
}
