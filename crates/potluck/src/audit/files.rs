//! Opens the databases beside the journal for reading, whether a server runs or not, and changes nothing.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

/// A connection that only reads. Beside a writer, or what a killed one left, there is a log. Where there is none the file
/// is opened as one that does not change: otherwise SQLite would leave an empty log and its index there.
pub(super) fn read_only(path: &Path) -> Result<Connection, rusqlite::Error> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    // If that cannot be found out, the log may be there.
    let still = match Path::new(&log).try_exists() {
        Ok(false) => "?immutable=1",
        Ok(true) | Err(_) => "",
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(uri(path, still), flags)?;
    // Nothing is read before the first question.
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(connection)
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
