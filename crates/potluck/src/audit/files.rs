//! Opens the databases beside the journal for reading, whether a server runs or not, and changes nothing.

use std::path::Path;

use rusqlite::{Connection, ErrorCode, OpenFlags};

/// A connection that only reads.
pub(super) fn read_only(path: &Path) -> Result<Connection, rusqlite::Error> {
    match open(path, "") {
        // In a directory that takes no files SQLite cannot make the index of a log; but there is no log either.
        Err(error)
            if error.sqlite_error_code() == Some(ErrorCode::CannotOpen) && !has_log(path) =>
        {
            open(path, "?immutable=1")
        }
        opened => opened,
    }
}

fn open(path: &Path, query: &str) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(uri(path, query), flags)?;
    // Nothing is read before the first question.
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(connection)
}

fn has_log(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    std::fs::metadata(log).is_ok_and(|log| 0 < log.len())
}

/// A path as SQLite reads it in a URI: everything unusual escaped.
fn uri(path: &Path, query: &str) -> String {
    let mut uri = String::from("file:");
    for &byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri.push_str(query);
    uri
}
