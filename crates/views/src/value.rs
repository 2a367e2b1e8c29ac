//! Values on their way into statements and out of rows.

use sqlx::any::{AnyArguments, AnyRow};
use sqlx::{Arguments, Row};

/// A value to bind.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Int(i64),
    Text(String),
    Blob(Vec<u8>),
    NoInt,
    NoText,
    NoBlob,
}

/// Values in the order of a statement's placeholders.
pub(crate) fn arguments(
    values: impl IntoIterator<Item = Value>,
) -> Result<AnyArguments, sqlx::Error> {
    let values = values.into_iter();
    let mut arguments = AnyArguments::default();
    arguments.reserve(values.size_hint().0, 0);
    for value in values {
        match value {
            Value::Int(value) => arguments.add(value),
            Value::Text(value) => arguments.add(value),
            Value::Blob(value) => arguments.add(value),
            Value::NoInt => arguments.add(None::<i64>),
            Value::NoText => arguments.add(None::<String>),
            Value::NoBlob => arguments.add(None::<Vec<u8>>),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

impl From<i64> for Value {
    fn from(value: i64) -> Value {
        Value::Int(value)
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Value {
        Value::Int(i64::from(value))
    }
}

/// Our numbers are dense and times are years, not ages: none comes near 2^63.
impl From<u64> for Value {
    fn from(value: u64) -> Value {
        Value::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Value {
        Value::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Value {
        Value::Text(value)
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Value {
        Value::Blob(value.to_vec())
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Value {
        Value::Blob(value)
    }
}

impl From<Option<i64>> for Value {
    fn from(value: Option<i64>) -> Value {
        value.map_or(Value::NoInt, Value::Int)
    }
}

impl From<Option<u64>> for Value {
    fn from(value: Option<u64>) -> Value {
        value.map_or(Value::NoInt, Value::from)
    }
}

impl From<Option<u32>> for Value {
    fn from(value: Option<u32>) -> Value {
        value.map_or(Value::NoInt, Value::from)
    }
}

impl From<Option<&str>> for Value {
    fn from(value: Option<&str>) -> Value {
        value.map_or(Value::NoText, Value::from)
    }
}

impl From<Option<String>> for Value {
    fn from(value: Option<String>) -> Value {
        value.map_or(Value::NoText, Value::Text)
    }
}

impl From<Option<&[u8]>> for Value {
    fn from(value: Option<&[u8]>) -> Value {
        value.map_or(Value::NoBlob, Value::from)
    }
}

/// Reading columns by name. A column of another kind, or a number out of range, is an error, never a panic.
pub(crate) trait Columns {
    fn int(&self, name: &str) -> Result<i64, sqlx::Error>;
    fn maybe_int(&self, name: &str) -> Result<Option<i64>, sqlx::Error>;
    fn text(&self, name: &str) -> Result<String, sqlx::Error>;
    fn maybe_text(&self, name: &str) -> Result<Option<String>, sqlx::Error>;
    fn blob(&self, name: &str) -> Result<Vec<u8>, sqlx::Error>;
    fn maybe_blob(&self, name: &str) -> Result<Option<Vec<u8>>, sqlx::Error>;

    fn u64(&self, name: &str) -> Result<u64, sqlx::Error> {
        u64::try_from(self.int(name)?).map_err(|error| unreadable(name, error))
    }

    fn u32(&self, name: &str) -> Result<u32, sqlx::Error> {
        u32::try_from(self.int(name)?).map_err(|error| unreadable(name, error))
    }

    fn maybe_u64(&self, name: &str) -> Result<Option<u64>, sqlx::Error> {
        let value = self.maybe_int(name)?;
        value
            .map(|value| u64::try_from(value).map_err(|error| unreadable(name, error)))
            .transpose()
    }

    fn maybe_u32(&self, name: &str) -> Result<Option<u32>, sqlx::Error> {
        let value = self.maybe_int(name)?;
        value
            .map(|value| u32::try_from(value).map_err(|error| unreadable(name, error)))
            .transpose()
    }

    fn bytes<const N: usize>(&self, name: &str) -> Result<[u8; N], sqlx::Error> {
        fixed(name, &self.blob(name)?)
    }

    fn maybe_bytes<const N: usize>(&self, name: &str) -> Result<Option<[u8; N]>, sqlx::Error> {
        self.maybe_blob(name)?
            .map(|bytes| fixed(name, &bytes))
            .transpose()
    }
}

impl Columns for AnyRow {
    fn int(&self, name: &str) -> Result<i64, sqlx::Error> {
        self.try_get(name)
    }

    fn maybe_int(&self, name: &str) -> Result<Option<i64>, sqlx::Error> {
        self.try_get(name)
    }

    fn text(&self, name: &str) -> Result<String, sqlx::Error> {
        self.try_get(name)
    }

    fn maybe_text(&self, name: &str) -> Result<Option<String>, sqlx::Error> {
        self.try_get(name)
    }

    fn blob(&self, name: &str) -> Result<Vec<u8>, sqlx::Error> {
        self.try_get(name)
    }

    fn maybe_blob(&self, name: &str) -> Result<Option<Vec<u8>>, sqlx::Error> {
        self.try_get(name)
    }
}

fn fixed<const N: usize>(name: &str, bytes: &[u8]) -> Result<[u8; N], sqlx::Error> {
    bytes.try_into().map_err(|error| unreadable(name, error))
}

/// A stored value that no version of ours writes.
pub(crate) fn unreadable(
    column: &str,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> sqlx::Error {
    sqlx::Error::ColumnDecode {
        index: column.to_owned(),
        source: source.into(),
    }
}
