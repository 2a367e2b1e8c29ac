//! The one tree that TOML and JSON become before they are read.

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use crate::{MAX_FILE_BYTES, SchemaError};

/// Tables and lists inside each other; a campaign file needs five.
const MAX_DEPTH: usize = 8;

/// A value of a campaign file in either language.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// JSON's `null`.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number: with a fraction, an exponent, or beyond 63 bits.
    OtherNumber,
    /// A string.
    Text(String),
    /// TOML's date or time.
    Time,
    /// An array.
    List(Vec<Value>),
    /// A table or object.
    Table(Vec<(String, Value)>),
}

impl Value {
    /// What it is, for "must be a string, not …".
    pub(crate) fn describe(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Boolean(_) => "true or false",
            Value::Integer(_) | Value::OtherNumber => "a number",
            Value::Text(_) => "a string",
            Value::Time => "a date",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
        }
    }

    pub(crate) fn from_toml(text: &str) -> Result<Value, SchemaError> {
        bounded(text.len())?;
        let table: toml::Table = text.parse().map_err(|error| toml_error(text, &error))?;
        toml_value(toml::Value::Table(table), 0)
    }

    pub(crate) fn from_json_bytes(bytes: &[u8]) -> Result<Value, SchemaError> {
        bounded(bytes.len())?;
        let value: Value = serde_json::from_slice(bytes).map_err(|error| SchemaError {
            code: "syntax",
            path: String::new(),
            message: format!("this is not JSON as campaigns are written: {error}"),
        })?;
        value.check_depth(0)?;
        Ok(value)
    }

    pub(crate) fn from_json(json: &serde_json::Value) -> Result<Value, SchemaError> {
        json_value(json, 0)
    }

    fn check_depth(&self, depth: usize) -> Result<(), SchemaError> {
        within_depth(depth)?;
        match self {
            Value::List(items) => items
                .iter()
                .try_for_each(|item| item.check_depth(depth + 1)),
            Value::Table(entries) => entries
                .iter()
                .try_for_each(|(_, item)| item.check_depth(depth + 1)),
            Value::Null
            | Value::Boolean(_)
            | Value::Integer(_)
            | Value::OtherNumber
            | Value::Text(_)
            | Value::Time => Ok(()),
        }
    }
}

fn bounded(bytes: usize) -> Result<(), SchemaError> {
    if MAX_FILE_BYTES < bytes {
        let says = format!("has {bytes} bytes; at most {MAX_FILE_BYTES} are read");
        return Err(SchemaError::at("too_large", "", says));
    }
    Ok(())
}

fn within_depth(depth: usize) -> Result<(), SchemaError> {
    if MAX_DEPTH < depth {
        return Err(SchemaError::at(
            "too_large",
            "",
            "has tables or lists nested too deeply",
        ));
    }
    Ok(())
}

fn toml_error(text: &str, error: &toml::de::Error) -> SchemaError {
    let start = error.span().map_or(0, |span| span.start);
    let before = text.get(..start).unwrap_or(text);
    let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
    let column = before
        .chars()
        .rev()
        .take_while(|&char| char != '\n')
        .count()
        + 1;
    let says = error.message().trim().replace('\n', "; ");
    SchemaError {
        code: "syntax",
        path: String::new(),
        message: format!("line {line}, column {column}: this is not TOML: {says}"),
    }
}

fn toml_value(value: toml::Value, depth: usize) -> Result<Value, SchemaError> {
    within_depth(depth)?;
    Ok(match value {
        toml::Value::String(text) => Value::Text(text),
        toml::Value::Integer(number) => Value::Integer(number),
        toml::Value::Float(_) => Value::OtherNumber,
        toml::Value::Boolean(flag) => Value::Boolean(flag),
        toml::Value::Datetime(_) => Value::Time,
        toml::Value::Array(items) => Value::List(
            items
                .into_iter()
                .map(|item| toml_value(item, depth + 1))
                .collect::<Result<_, _>>()?,
        ),
        toml::Value::Table(entries) => {
            let pair = |(key, item)| Ok((key, toml_value(item, depth + 1)?));
            Value::Table(
                entries
                    .into_iter()
                    .map(pair)
                    .collect::<Result<_, SchemaError>>()?,
            )
        }
    })
}

fn json_value(json: &serde_json::Value, depth: usize) -> Result<Value, SchemaError> {
    within_depth(depth)?;
    Ok(match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(flag) => Value::Boolean(*flag),
        serde_json::Value::Number(number) => {
            number.as_i64().map_or(Value::OtherNumber, Value::Integer)
        }
        serde_json::Value::String(text) => Value::Text(text.clone()),
        serde_json::Value::Array(items) => Value::List(
            items
                .iter()
                .map(|item| json_value(item, depth + 1))
                .collect::<Result<_, _>>()?,
        ),
        serde_json::Value::Object(entries) => {
            let pair = |(key, item): (&String, _)| Ok((key.clone(), json_value(item, depth + 1)?));
            Value::Table(
                entries
                    .iter()
                    .map(pair)
                    .collect::<Result<_, SchemaError>>()?,
            )
        }
    })
}

/// Straight from the bytes, because only here can a key that is given twice still be seen.
impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Value, D::Error> {
        input.deserialize_any(Tree)
    }
}

struct Tree;

impl<'de> Visitor<'de> for Tree {
    type Value = Value;

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Boolean(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Integer(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(i64::try_from(number).map_or(Value::OtherNumber, Value::Integer))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::OtherNumber)
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut input: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = input.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut input: A) -> Result<Value, A::Error> {
        let mut entries: Vec<(String, Value)> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        while let Some(key) = input.next_key::<String>()? {
            if !seen.insert(key.clone()) {
                return Err(A::Error::custom(format!("key {key} is given twice")));
            }
            entries.push((key, input.next_value()?));
        }
        Ok(Value::Table(entries))
    }
}
