//! SHA-256 and hex, the only two ways in which this protocol names a file.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// A SHA-256 value: of a file (header line included), of a member's tag, or a beacon's key file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

/// `H` of the protocol: SHA-256 of all the bytes.
pub fn hash(bytes: &[u8]) -> Hash {
    Hash(Sha256::digest(bytes).into())
}

/// Lower-case hex, two digits a byte.
pub fn to_hex(bytes: &[u8]) -> String {
    let mut text = Vec::with_capacity(bytes.len().saturating_mul(2));
    push_hex(&mut text, bytes);
    String::from_utf8(text).unwrap_or_default()
}

/// As [`to_hex`], at the end of a file.
pub(crate) fn push_hex(file: &mut Vec<u8>, bytes: &[u8]) {
    let digit = |digit: u8| match digit {
        0..=9 => b'0'.wrapping_add(digit),
        10.. => (b'a' - 10).wrapping_add(digit),
    };
    file.extend(
        bytes
            .iter()
            .flat_map(|byte| [digit(byte >> 4), digit(byte & 0x0f)]),
    );
}

/// A beacon signature as it is written everywhere: exactly 96 lower-case hex digits.
///
/// # Errors
/// [`HexError`] for any other length or digit.
pub fn signature_from_hex(text: &str) -> Result<[u8; 48], HexError> {
    from_hex(text)
}

/// Exactly `2 * N` lower-case hex digits; upper case is another spelling and so refused.
pub(crate) fn from_hex<const N: usize>(text: &str) -> Result<[u8; N], HexError> {
    let digits = N.saturating_mul(2);
    if text.len() != digits {
        return Err(HexError::Length {
            digits,
            found: text.len(),
        });
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        for &digit in pair {
            *byte = (*byte << 4) | value_of(digit).ok_or(HexError::Digit { digits })?;
        }
    }
    Ok(bytes)
}

/// Why a text is not the hex it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HexError {
    /// Too short or too long.
    #[error("must be {digits} hex digits, found {found} characters")]
    Length {
        /// Digits expected.
        digits: usize,
        /// Bytes found.
        found: usize,
    },
    /// A character that is no lower-case hex digit.
    #[error("must be {digits} lower-case hex digits")]
    Digit {
        /// Digits expected.
        digits: usize,
    },
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_hex(&self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

impl FromStr for Hash {
    type Err = HexError;

    fn from_str(text: &str) -> Result<Self, HexError> {
        from_hex(text).map(Hash)
    }
}

fn value_of(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit.wrapping_sub(b'0')),
        b'a'..=b'f' => Some(digit.wrapping_sub(b'a').wrapping_add(10)),
        _ => None,
    }
}
