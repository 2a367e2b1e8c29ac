//! The published file in its JSON form, as the API shows it.

use domain::{Campaign, published_file};
use serde_json::Value;

/// The campaign file of these terms as JSON: the same keys and values as [`published_file`], from which it is made,
/// so that the two cannot differ. On the same installation it resolves to the same terms again.
pub fn to_json(campaign: &Campaign) -> Value {
    let table: toml::Table = published_file(campaign)
        .parse()
        .expect("the file of checked terms is TOML (held by a property test)");
    Value::Object(
        table
            .into_iter()
            .map(|(key, value)| (key, json(value)))
            .collect(),
    )
}

fn json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => Value::from(number),
        toml::Value::Float(number) => Value::from(number),
        toml::Value::Boolean(flag) => Value::Bool(flag),
        toml::Value::Datetime(time) => Value::String(time.to_string()),
        toml::Value::Array(items) => Value::Array(items.into_iter().map(json).collect()),
        toml::Value::Table(entries) => Value::Object(
            entries
                .into_iter()
                .map(|(key, value)| (key, json(value)))
                .collect(),
        ),
    }
}
