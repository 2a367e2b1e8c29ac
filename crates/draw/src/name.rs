//! Names that stand in files: short, printable, with one spelling.

use std::fmt;
use std::str::FromStr;

/// Longest ident, in bytes.
const MAX_IDENT_BYTES: usize = 64;
/// Longest origin, in bytes.
const MAX_ORIGIN_BYTES: usize = 128;

/// Id of a group or circle: `[a-z0-9][a-z0-9._-]{0,63}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ident(String);

/// Name of a log: 1 to 128 printable ASCII characters, no space, no `+`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(String);

/// Why a text is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Not an [`Ident`].
    #[error("must be 1 to 64 of a-z 0-9 . _ - and begin with a letter or digit")]
    Ident,
    /// Not an [`Origin`].
    #[error("must be 1 to 128 printable ASCII characters without space or +")]
    Origin,
}

impl Ident {
    /// Checks and takes a text.
    ///
    /// # Errors
    /// [`NameError::Ident`] if the text is not of the form above.
    pub fn new(text: &str) -> Result<Ident, NameError> {
        let letter = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let fits = text.len() <= MAX_IDENT_BYTES
            && text.as_bytes().first().is_some_and(letter)
            && text.bytes().all(|b| letter(&b) || b"._-".contains(&b));
        if fits {
            Ok(Ident(text.to_owned()))
        } else {
            Err(NameError::Ident)
        }
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Origin {
    /// Checks and takes a text.
    ///
    /// # Errors
    /// [`NameError::Origin`] if the text is not of the form above.
    pub fn new(text: &str) -> Result<Origin, NameError> {
        let fits = (1..=MAX_ORIGIN_BYTES).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_graphic() && b != b'+');
        if fits {
            Ok(Origin(text.to_owned()))
        } else {
            Err(NameError::Origin)
        }
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Ident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Ident {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Ident::new(text)
    }
}

impl FromStr for Origin {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Origin::new(text)
    }
}
