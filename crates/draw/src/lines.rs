//! Reads the line files strictly (draw 1).
//!
//! Why so strict: a file is named by the hash of its bytes, so two spellings of one meaning would
//! be two files. There is one spelling; everything else is an error that names its line.

use crate::hash::{Hash, from_hex};

/// Largest decimal a file may hold: 2^63 - 1, so that signed implementations agree.
pub const MAX_DECIMAL: u64 = i64::MAX.unsigned_abs();

/// Largest log entry in bytes; an `open`, `freeze`, `result` or `void` is one.
pub const MAX_LOG_ENTRY_BYTES: usize = 65_535;

/// Most characters of a wrong value repeated in an error.
const SHOWN_CHARS: usize = 60;

/// Why bytes are not the file they should be: which file, which line, and the reason, in one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file} line {line}: {reason}")]
pub struct ParseError {
    file: &'static str,
    line: usize,
    reason: String,
}

impl ParseError {
    pub(crate) fn new(file: &'static str, line: usize, reason: impl Into<String>) -> ParseError {
        ParseError {
            file,
            line,
            reason: reason.into(),
        }
    }

    /// Which file: `open`, `seats`, `freeze`, `result`, `void` or `beacon`.
    pub fn file(&self) -> &'static str {
        self.file
    }

    /// Line number, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// What is wrong with that line.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// Walks over the lines of a file whose bytes have passed the rules for all files.
pub(crate) struct Lines<'a> {
    file: &'static str,
    rest: std::str::SplitTerminator<'a, char>,
    line: usize,
}

impl<'a> Lines<'a> {
    /// Checks what holds for every file, and its header line `potluck-draw/v1/<file>`.
    pub(crate) fn new(
        file: &'static str,
        bytes: &'a [u8],
        max_bytes: usize,
    ) -> Result<Lines<'a>, ParseError> {
        if max_bytes < bytes.len() {
            return Err(ParseError::new(
                file,
                1,
                format!("{} bytes, at most {max_bytes} are allowed", bytes.len()),
            ));
        }
        let text = check_text(file, bytes)?;
        let mut lines = Lines {
            file,
            rest: text.split_terminator('\n'),
            line: 0,
        };
        let header = lines.next_line("the header")?;
        if header.strip_prefix("potluck-draw/v1/") != Some(file) {
            let reason = format!(
                "header must be \"potluck-draw/v1/{file}\", found {}",
                shown(header)
            );
            return Err(lines.error(reason));
        }
        Ok(lines)
    }

    /// The value of the next line, which must begin with `key` and a space.
    pub(crate) fn value(&mut self, key: &str) -> Result<&'a str, ParseError> {
        let line = self.next_line(&format!("\"{key}\""))?;
        match line.split_once(' ') {
            Some((found, value)) if found == key => Ok(value),
            None if line == key => Err(self.error(format!("{key}: has no value"))),
            Some(_) | None => {
                let found = line.split(' ').next().unwrap_or(line);
                Err(self.error(format!("expected \"{key}\", found {}", shown(found))))
            }
        }
    }

    /// The next line's value as exactly `N` fields.
    pub(crate) fn fields<const N: usize>(&mut self, key: &str) -> Result<[&'a str; N], ParseError> {
        let value = self.value(key)?;
        self.split(key, value)
    }

    /// The next whole line, if there is one.
    pub(crate) fn raw(&mut self) -> Option<&'a str> {
        let line = self.rest.next()?;
        self.line = self.line.saturating_add(1);
        Some(line)
    }

    /// Errors if a line is left.
    pub(crate) fn end(mut self) -> Result<(), ParseError> {
        match self.raw() {
            None => Ok(()),
            Some(line) => Err(self.error(format!(
                "expected the end of the file, found {}",
                shown(line)
            ))),
        }
    }

    pub(crate) fn split<const N: usize>(
        &self,
        key: &str,
        value: &'a str,
    ) -> Result<[&'a str; N], ParseError> {
        let fields: Vec<&str> = value.split(' ').collect();
        let found = fields.len();
        fields
            .try_into()
            .map_err(|_| self.error(format!("{key}: expected {N} fields, found {found}")))
    }

    pub(crate) fn decimal(&self, key: &str, text: &str) -> Result<u64, ParseError> {
        decimal(text).map_err(|reason| self.error(format!("{key}: {} {reason}", shown(text))))
    }

    pub(crate) fn decimal32(&self, key: &str, text: &str) -> Result<u32, ParseError> {
        u32::try_from(self.decimal(key, text)?)
            .map_err(|_| self.error(format!("{key}: {} is above {}", shown(text), u32::MAX)))
    }

    pub(crate) fn hash(&self, key: &str, text: &str) -> Result<Hash, ParseError> {
        self.hex(key, text).map(Hash)
    }

    /// A hash, or `-` for none.
    pub(crate) fn hash_or_none(&self, key: &str, text: &str) -> Result<Option<Hash>, ParseError> {
        if text == "-" {
            Ok(None)
        } else {
            self.hash(key, text).map(Some)
        }
    }

    pub(crate) fn hex<const N: usize>(&self, key: &str, text: &str) -> Result<[u8; N], ParseError> {
        from_hex(text).map_err(|error| self.error(format!("{key}: {error}")))
    }

    /// One of a few fixed words.
    pub(crate) fn word<T: Copy, const N: usize>(
        &self,
        key: &str,
        text: &str,
        words: [(&str, T); N],
    ) -> Result<T, ParseError> {
        match words.iter().find(|(word, _)| *word == text) {
            Some((_, meaning)) => Ok(*meaning),
            None => {
                let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                Err(self.unknown(key, text, &known.join(" or ")))
            }
        }
    }

    pub(crate) fn unknown(&self, key: &str, found: &str, expected: &str) -> ParseError {
        self.error(format!(
            "{key}: expected {expected}, found {}",
            shown(found)
        ))
    }

    pub(crate) fn error(&self, reason: impl Into<String>) -> ParseError {
        ParseError::new(self.file, self.line, reason)
    }

    fn next_line(&mut self, expected: &str) -> Result<&'a str, ParseError> {
        match self.raw() {
            Some(line) => Ok(line),
            None => {
                let line = self.line.saturating_add(1);
                let reason = format!("expected {expected}, found the end of the file");
                Err(ParseError::new(self.file, line, reason))
            }
        }
    }
}

/// Writes `key value\n` lines under the header of a file.
pub(crate) struct Writer(String);

impl Writer {
    pub(crate) fn new(file: &str) -> Writer {
        Writer(format!("potluck-draw/v1/{file}\n"))
    }

    pub(crate) fn line(&mut self, line: std::fmt::Arguments<'_>) {
        self.0.push_str(&line.to_string());
        self.0.push('\n');
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0.into_bytes()
    }
}

/// A decimal at the end of a file, without an allocation.
pub(crate) fn push_decimal(file: &mut Vec<u8>, mut number: usize) {
    let start = file.len();
    while {
        file.push(b'0'.wrapping_add(u8::try_from(number % 10).unwrap_or(0)));
        number /= 10;
        number != 0
    } {}
    if let Some(digits) = file.get_mut(start..) {
        digits.reverse();
    }
}

/// `-` for none.
pub(crate) fn or_dash<T: ToString>(value: Option<&T>) -> String {
    value.map_or_else(|| "-".to_owned(), ToString::to_string)
}

/// A wrong value as it may stand in an error: quoted, printable, shortened.
pub(crate) fn shown(text: &str) -> String {
    let mut start: String = text.chars().take(SHOWN_CHARS).collect();
    if start.len() < text.len() {
        start.push_str("...");
    }
    format!("\"{}\"", start.escape_default())
}

/// `0` or digits without a leading zero, at most [`MAX_DECIMAL`].
fn decimal(text: &str) -> Result<u64, &'static str> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err("is not a decimal");
    }
    if text != "0" && text.starts_with('0') {
        return Err("has a leading zero");
    }
    match text.parse::<u64>() {
        Ok(number) if number <= MAX_DECIMAL => Ok(number),
        Ok(_) | Err(_) => Err("is above 2^63-1"),
    }
}

/// US-ASCII 0x20..0x7e and LF, the last line ended, no empty line, single spaces between fields.
fn check_text<'a>(file: &'static str, bytes: &'a [u8]) -> Result<&'a str, ParseError> {
    if bytes.starts_with(&[0xef, 0xbb, 0xbf]) {
        return Err(ParseError::new(file, 1, "begins with a byte order mark"));
    }
    let mut line = 1_usize;
    let mut before = b'\n';
    for &byte in bytes {
        let wrong = match (before, byte) {
            (_, b'\r') => Some("carriage return".to_owned()),
            (b'\n', b'\n') => Some("empty line".to_owned()),
            (b'\n', b' ') => Some("space at the beginning of the line".to_owned()),
            (b' ', b' ') => Some("two spaces in a row".to_owned()),
            (b' ', b'\n') => Some("space at the end of the line".to_owned()),
            (_, b'\n' | 0x20..=0x7e) => None,
            (_, other) => Some(format!("byte 0x{other:02x} is not printable ASCII")),
        };
        if let Some(reason) = wrong {
            return Err(ParseError::new(file, line, reason));
        }
        if byte == b'\n' {
            line = line.saturating_add(1);
        }
        before = byte;
    }
    if bytes.is_empty() {
        return Err(ParseError::new(file, 1, "the file is empty"));
    }
    if before != b'\n' {
        return Err(ParseError::new(
            file,
            line,
            "the last line does not end with LF",
        ));
    }
    std::str::from_utf8(bytes).map_err(|_| ParseError::new(file, 1, "not US-ASCII"))
}
