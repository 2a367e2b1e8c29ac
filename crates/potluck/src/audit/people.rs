//! The directory against the journal: both must be of one platform and of one moment.

use std::path::Path;

use rusqlite::OptionalExtension;

use super::{Audit, files};

/// What the directory knows.
#[derive(Debug, Default)]
pub(super) struct People {
    /// The highest member number that any row has.
    last: Option<u32>,
}

impl People {
    /// Reads it. Before the journal's head is looked at: a row gets its member's number after the journal has it.
    pub(super) fn open(data: &Path, audit: &mut Audit) -> People {
        let path = data.join("directory.db");
        if !path.is_file() {
            let text = "directory: there is no directory.db";
            audit.unchecked.push(text.to_owned());
            return People::default();
        }
        read(&path).unwrap_or_else(|error| {
            audit.not_read(&path, &error);
            People::default()
        })
    }

    /// The journal is read to its end.
    pub(super) fn finish(self, audit: &mut Audit) {
        let members = audit.trail.members();
        if let Some(last) = self.last
            && usize::try_from(last).is_ok_and(|last| members <= last)
        {
            audit.findings.add(format!(
                "directory.db knows member {last}, but the journal has only {members} members (numbers from 0): \
                 the journal's end was lost, or they are not of the same moment"
            ));
        }
    }
}

fn read(path: &Path) -> Result<People, rusqlite::Error> {
    let directory = files::read_only(path)?;
    let last = "SELECT member FROM person WHERE member IS NOT NULL ORDER BY member DESC LIMIT 1";
    let last = directory.query_row(last, [], |row| row.get(0)).optional()?;
    Ok(People { last })
}
