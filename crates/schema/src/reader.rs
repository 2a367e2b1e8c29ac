//! Walks the tree and knows at every step which key it stands at.

use domain::{Coins, Duration, MAX_AMOUNT_FEN, Money, Rate, Text};

use crate::keys::{self, join};
use crate::units;
use crate::value::Value;
use crate::{SchemaError, file::MAX_LIST_ENTRIES};

/// A table whose keys have been checked against the known ones.
pub(crate) struct Table<'a> {
    path: String,
    entries: &'a [(String, Value)],
}

/// A value and where it stands.
pub(crate) struct Field<'a> {
    /// Full path of its key.
    pub(crate) path: String,
    value: &'a Value,
}

impl<'a> Table<'a> {
    /// The field of this key, if it is there.
    pub(crate) fn get(&self, key: &str) -> Option<Field<'a>> {
        let (_, value) = self.entries.iter().find(|(name, _)| name == key)?;
        Some(Field {
            path: self.path_of(key),
            value,
        })
    }

    /// The field of this key, which must be there.
    pub(crate) fn need(&self, key: &str) -> Result<Field<'a>, SchemaError> {
        self.get(key)
            .ok_or_else(|| SchemaError::at("missing_key", &self.path_of(key), "is missing"))
    }

    /// The only one of these keys that is there; errors if it is none or more.
    pub(crate) fn one_of(&self, wanted: &[&'static str]) -> Result<&'static str, SchemaError> {
        let list = || {
            wanted
                .iter()
                .map(|key| self.path_of(key))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let mut there = wanted.iter().filter(|key| self.get(key).is_some());
        match (there.next(), there.next()) {
            (Some(key), None) => Ok(key),
            (None, _) => {
                let message = format!("one of {} is needed", list());
                Err(SchemaError {
                    code: "missing_key",
                    path: self.path.clone(),
                    message,
                })
            }
            (Some(_), Some(second)) => {
                let message = format!("{} exclude each other: give exactly one", list());
                Err(SchemaError {
                    code: "conflicting_keys",
                    path: self.path_of(second),
                    message,
                })
            }
        }
    }

    /// Its entries as fields, for tables whose keys are free names.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&'a str, Field<'a>)> {
        self.entries.iter().map(|(key, value)| {
            (
                key.as_str(),
                Field {
                    path: self.path_of(key),
                    value,
                },
            )
        })
    }

    pub(crate) fn path_of(&self, key: &str) -> String {
        join(&self.path, key)
    }
}

impl<'a> Field<'a> {
    /// The whole file.
    pub(crate) fn root(value: &'a Value) -> Field<'a> {
        Field {
            path: String::new(),
            value,
        }
    }

    /// A table that has only these keys.
    pub(crate) fn table(&self, known: &[&str]) -> Result<Table<'a>, SchemaError> {
        let table = self.free_table()?;
        for (key, _) in table.entries {
            if !known.contains(&key.as_str()) {
                let path = table.path_of(key);
                let meant = keys::nearest(&table.path, key, known);
                let says = format!("is not a key of campaign files; did you mean {meant}?");
                return Err(SchemaError::at("unknown_key", &path, says));
            }
        }
        Ok(table)
    }

    /// A table whose keys are names that the file gives.
    pub(crate) fn free_table(&self) -> Result<Table<'a>, SchemaError> {
        let Value::Table(entries) = self.value else {
            return Err(self.not("a table"));
        };
        Ok(Table {
            path: self.path.clone(),
            entries,
        })
    }

    /// A list of at most [`MAX_LIST_ENTRIES`].
    pub(crate) fn list(&self) -> Result<Vec<Field<'a>>, SchemaError> {
        let Value::List(items) = self.value else {
            return Err(self.not("a list"));
        };
        if MAX_LIST_ENTRIES < items.len() {
            let says = format!(
                "has {} entries; at most {MAX_LIST_ENTRIES} are allowed",
                items.len()
            );
            return Err(SchemaError::at("too_large", &self.path, says));
        }
        let field = |(at, value)| Field {
            path: format!("{}[{at}]", self.path),
            value,
        };
        Ok(items.iter().enumerate().map(field).collect())
    }

    /// A string.
    pub(crate) fn text(&self) -> Result<&'a str, SchemaError> {
        let Value::Text(text) = self.value else {
            return Err(self.not("a string"));
        };
        Ok(text)
    }

    /// A text in both languages.
    pub(crate) fn both_languages(&self) -> Result<Text, SchemaError> {
        if let Value::Text(_) = self.value {
            let says = "must be given in both languages: { zh = \"…\", en = \"…\" }";
            return Err(SchemaError::wrong_type(&self.path, says));
        }
        let table = self.table(keys::TEXT)?;
        Ok(Text {
            zh: table.need("zh")?.text()?.to_owned(),
            en: table.need("en")?.text()?.to_owned(),
        })
    }

    /// A whole number of 0 or more.
    pub(crate) fn count(&self) -> Result<u32, SchemaError> {
        let Value::Integer(number) = self.value else {
            return Err(self.not("a whole number without quotes"));
        };
        u32::try_from(*number).map_err(|_| {
            SchemaError::invalid(
                &self.path,
                format!("is {number}: it must be 0 or more, and not so large"),
            )
        })
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&self) -> Result<bool, SchemaError> {
        let Value::Boolean(flag) = self.value else {
            return Err(self.not("true or false"));
        };
        Ok(*flag)
    }

    /// Yuan.
    pub(crate) fn money(&self) -> Result<Money, SchemaError> {
        self.hundredths("yuan").map(Money)
    }

    /// Coins.
    pub(crate) fn coins(&self) -> Result<Coins, SchemaError> {
        self.hundredths("coins").map(Coins)
    }

    /// A rate in percent.
    pub(crate) fn rate(&self) -> Result<Rate, SchemaError> {
        let text = self.quoted("a rate is a string such as \"2.5%\"")?;
        units::rate(text).ok_or_else(|| {
            let says = format!("is {text:?}: a rate is written like \"2.5%\", with at most four decimals and no sign");
            SchemaError::invalid(&self.path, says)
        })
    }

    /// A length of time.
    pub(crate) fn duration(&self) -> Result<Duration, SchemaError> {
        let text = self.quoted("a length of time is a string such as \"24h\"")?;
        units::duration(text).ok_or_else(|| {
            let says = format!(
                "is {text:?}: a length of time is written like \"30s\", \"5m\", \"24h\" or \"7d\""
            );
            SchemaError::invalid(&self.path, says)
        })
    }

    /// One of a few words; `known` pairs each with what it means.
    pub(crate) fn choice<T: Copy>(&self, known: &[(&str, T)]) -> Result<T, SchemaError> {
        let text = self.text()?;
        match known.iter().find(|(word, _)| *word == text) {
            Some((_, meaning)) => Ok(*meaning),
            None => {
                let words: Vec<_> = known.iter().map(|(word, _)| *word).collect();
                let says = format!("is {text:?}: it must be one of {}", words.join(", "));
                Err(SchemaError::invalid(&self.path, says))
            }
        }
    }

    fn hundredths(&self, unit: &str) -> Result<i64, SchemaError> {
        let text = self.quoted(&format!(
            "an amount is a string of {unit} such as \"12.50\""
        ))?;
        let amount = units::hundredths(text).ok_or_else(|| {
            let says = format!(
                "is {text:?}: an amount is {unit} written like \"12.50\", with at most two decimals and no sign"
            );
            SchemaError::invalid(&self.path, says)
        })?;
        if MAX_AMOUNT_FEN < amount {
            return Err(SchemaError::invalid(
                &self.path,
                format!("is above {}", Money(MAX_AMOUNT_FEN)),
            ));
        }
        Ok(amount)
    }

    /// A string; a bare number gets the advice to quote it.
    fn quoted(&self, advice: &str) -> Result<&'a str, SchemaError> {
        if let Value::Text(text) = self.value {
            return Ok(text);
        }
        let number = matches!(self.value, Value::Integer(_) | Value::OtherNumber);
        let must = if number {
            "must be quoted"
        } else {
            "must be a string"
        };
        Err(SchemaError::wrong_type(
            &self.path,
            format!("{must}: {advice}"),
        ))
    }

    /// A value that says something wrong.
    pub(crate) fn invalid(&self, says: String) -> SchemaError {
        SchemaError::invalid(&self.path, says)
    }

    fn not(&self, wanted: &str) -> SchemaError {
        let says = format!("must be {wanted}, not {}", self.value.describe());
        SchemaError::wrong_type(&self.path, says)
    }
}
