//! Why a campaign file was turned down.

/// Why a text is no campaign file. The message is a whole sentence that names the key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SchemaError {
    /// A stable name for programs: `syntax`, `too_large`, `unknown_key`, `missing_key`, `conflicting_keys`,
    /// `wrong_type` or `invalid_value`.
    pub code: &'static str,
    /// The full path of the key, such as `reward[0].rates[2]`; empty where the whole file is meant.
    pub path: String,
    /// For people.
    pub message: String,
}

impl SchemaError {
    /// An error whose sentence begins with the path.
    pub(crate) fn at(code: &'static str, path: &str, says: impl std::fmt::Display) -> SchemaError {
        let subject = if path.is_empty() {
            "the campaign file"
        } else {
            path
        };
        SchemaError {
            code,
            path: path.to_owned(),
            message: format!("{subject} {says}"),
        }
    }

    /// The key has a value of another type.
    pub(crate) fn wrong_type(path: &str, says: impl std::fmt::Display) -> SchemaError {
        SchemaError::at("wrong_type", path, says)
    }

    /// The value is of the right type and not one of the key's.
    pub(crate) fn invalid(path: &str, says: impl std::fmt::Display) -> SchemaError {
        SchemaError::at("invalid_value", path, says)
    }
}
