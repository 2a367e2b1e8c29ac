//! Campaign files (rules 13): TOML and JSON to the domain's campaign terms, and back.
//!
//! Why the files are read by hand and not by derived code: an operator who mistypes a key must be told which key,
//! by its full path, and which one he probably meant; and what this version does not do must be refused by name,
//! never ignored. So both languages become one tree of [`value::Value`]s, and one reader walks it. The reader knows
//! every key of rules 13, also those of programs and kinds that are not built yet.
//!
//! What the rules leave open, and what stands when a key is absent:
//!
//! | key | absent |
//! |---|---|
//! | `plan` | `1` |
//! | `product.fulfilment` | `"ship"` |
//! | `group.leader`, `group.circle` | `"equal"`, `"off"` |
//! | `group.fill_within`, `group.payment_window` | `"24h"`, `"5m"` |
//! | `group.seats_per_member`, `group.entries_per_day` | `1`, `0` |
//! | `group.seats_from`, `group.price_from` | as many guests as `seats`; any bill that passes the gate (treat only) |
//! | `draw.source` | the installation's |
//! | `draw.delay` | the installation's if its source is used; else `"60s"`, or `"3s"` with a local source |
//! | `channel.fee`, `channel.kept_on_refund` | `"0%"`, `false` |
//! | `envelope.leftover` | `"owner"` |
//! | `cash`, `coins` of a program | `"0.00"`, but one of the two must be there |
//! | `unless_won` | `false` |
//! | `vip_depth` | no condition |
//!
//! `profile` is never assumed: it says which limits the operator has chosen. Caps are kept in the order of their
//! names, so that one set of caps gives one published file.

mod counter;
mod error;
mod file;
mod json;
mod keys;
mod profile;
mod reader;
mod rewards;
mod units;
mod value;

pub use counter::CounterFile;
pub use error::SchemaError;
pub use file::{CampaignFile, Installation, MAX_FILE_BYTES};
pub use json::to_json;
pub use profile::profile_to_json;

/// Reads a profile file in TOML.
///
/// # Errors
/// [`SchemaError`] naming the key, or line and column where the text is no TOML.
pub fn parse_profile_toml(text: &str) -> Result<domain::OwnProfile, SchemaError> {
    profile::read(&value::Value::from_toml(text)?)
}

/// Reads a profile's name and its limits from a file that nobody signs, such as `profiles/cn-default.toml`.
///
/// # Errors
/// [`SchemaError`] naming the key, or line and column where the text is no TOML.
pub fn parse_profile_limits_toml(
    text: &str,
) -> Result<(String, domain::ProfileTerms), SchemaError> {
    profile::read_limits(&value::Value::from_toml(text)?)
}

/// Reads a rate such as `2.5%`, as campaign files have it; none where it is no rate.
pub fn parse_rate(text: &str) -> Option<domain::Rate> {
    units::rate(text)
}

/// Reads a campaign file.
///
/// # Errors
/// [`SchemaError`] naming the key, or line and column where the text is no TOML.
pub fn parse_toml(text: &str) -> Result<CampaignFile, SchemaError> {
    file::read(&value::Value::from_toml(text)?)
}

/// Reads a counter file; none where the text is another file.
///
/// # Errors
/// [`SchemaError`] naming the key, or line and column where the text is no TOML.
pub fn parse_counter_toml(text: &str) -> Result<Option<CounterFile>, SchemaError> {
    counter::read(&value::Value::from_toml(text)?)
}

/// Reads a counter file in its JSON form; none where the bytes are another file.
///
/// # Errors
/// [`SchemaError`] naming the key, or line and column where the bytes are no JSON.
pub fn parse_counter_json(bytes: &[u8]) -> Result<Option<CounterFile>, SchemaError> {
    counter::read(&value::Value::from_json_bytes(bytes)?)
}

/// Reads a campaign in its JSON form; a key given twice is refused.
///
/// # Errors
/// [`SchemaError`] naming the key, or line and column where the bytes are no JSON.
pub fn parse_json(bytes: &[u8]) -> Result<CampaignFile, SchemaError> {
    file::read(&value::Value::from_json_bytes(bytes)?)
}

/// Reads a campaign in its JSON form, from JSON that is parsed already.
///
/// # Errors
/// [`SchemaError`] naming the key.
pub fn parse_json_value(json: &serde_json::Value) -> Result<CampaignFile, SchemaError> {
    file::read(&value::Value::from_json(json)?)
}
