//! Pages of lists. A cursor is the key of the last row shown, so that rows that come meanwhile neither shift
//! nor repeat what is shown next.

use std::str::FromStr;

/// Most rows of one page.
pub const MAX_PAGE_ROWS: u32 = 100;
/// Rows of a page if nobody says how many.
pub const DEFAULT_PAGE_ROWS: u32 = 20;

/// Where the next page begins: after the row with this key. Written `17` or `17.3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor(pub(crate) i64, pub(crate) i64);

impl std::fmt::Display for Cursor {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}.{}", self.0, self.1)
    }
}

/// A text is not a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not a cursor")]
pub struct BadCursor;

impl FromStr for Cursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Cursor, BadCursor> {
        let (first, second) = text.split_once('.').ok_or(BadCursor)?;
        let cursor = Cursor(
            first.parse().map_err(|_| BadCursor)?,
            second.parse().map_err(|_| BadCursor)?,
        );
        if cursor.0 < 0 || cursor.1 < 0 || cursor.to_string() != text {
            Err(BadCursor)
        } else {
            Ok(cursor)
        }
    }
}

/// Which page of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    pub(crate) after: Option<Cursor>,
    pub(crate) rows: u32,
}

impl Page {
    /// Up to `rows` rows after `after`, or from the beginning. Fewer than 1 gives 1, more than
    /// [`MAX_PAGE_ROWS`] gives that.
    pub fn new(after: Option<Cursor>, rows: u32) -> Page {
        Page {
            after,
            rows: rows.clamp(1, MAX_PAGE_ROWS),
        }
    }

    /// The first [`DEFAULT_PAGE_ROWS`] rows.
    pub fn first() -> Page {
        Page::new(None, DEFAULT_PAGE_ROWS)
    }

    /// The key before which a falling list goes on.
    pub(crate) fn before(&self) -> Cursor {
        self.after.unwrap_or(Cursor(i64::MAX, i64::MAX))
    }

    /// The key after which a rising list goes on.
    pub(crate) fn beyond(&self) -> Cursor {
        self.after.unwrap_or(Cursor(-1, -1))
    }

    /// One more row than is shown tells whether there is a next page.
    pub(crate) fn fetch(&self) -> u32 {
        self.rows.saturating_add(1)
    }
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<T> {
    /// Its rows.
    pub items: Vec<T>,
    /// Where the next page begins; none if this is the last.
    pub next: Option<Cursor>,
}

impl<T> List<T> {
    /// Cuts off the row that only tells that there are more.
    pub(crate) fn of(mut items: Vec<T>, page: Page, key: impl Fn(&T) -> Cursor) -> List<T> {
        let rows = usize::try_from(page.rows).unwrap_or(usize::MAX);
        let more = rows < items.len();
        items.truncate(rows);
        let next = if more { items.last().map(key) } else { None };
        List { items, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_have_one_spelling() {
        assert_eq!("17.3".parse(), Ok(Cursor(17, 3)));
        for bad in [
            "",
            "17",
            "17.",
            ".3",
            "017.3",
            "-1.0",
            "1.-1",
            "1.2.3",
            "+1.2",
            "99999999999999999999.0",
        ] {
            assert_eq!(bad.parse::<Cursor>(), Err(BadCursor), "{bad:?}");
        }
    }

    #[test]
    fn pages_are_bounded() {
        assert_eq!(Page::new(None, 0).rows, 1);
        assert_eq!(Page::new(None, 100).rows, 100);
        assert_eq!(Page::new(None, 101).rows, MAX_PAGE_ROWS);
    }
}
