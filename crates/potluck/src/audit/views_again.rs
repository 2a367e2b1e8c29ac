//! The views of the installation against views made anew from the journal, row by row.
//!
//! Why a copy is compared: a running server goes on writing. The copy is one state of the file, and the journal
//! passes the record it stands at sooner or later.

use std::path::{Path, PathBuf};

use domain::{Record, World};
use journal::Head;
use rusqlite::{Connection, types::ValueRef};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use views::{JournalId, Place, Projector, Views, compare};

use super::{chain, files};

/// Records that are made into rows at once.
const CHUNK_RECORDS: usize = 2_000;
/// Differing rows that are told one by one, of each table and either way.
const MAX_ROWS: u32 = 5;
/// Differences from the world that are told one by one.
const MAX_TOLD: usize = 20;

/// A copy of `views.db`, and the views that are being made anew beside it.
pub(super) struct ViewsAgain {
    runtime: Runtime,
    projector: Option<Projector>,
    waiting: Vec<(u64, Record)>,
    /// The last record that the copy holds.
    pub(super) stood: u64,
    copy: PathBuf,
    made: PathBuf,
    /// Removed when this is dropped.
    _dir: TempDir,
}

/// What the comparison came to.
pub(super) enum Outcome {
    Same,
    Differ(Vec<String>),
    /// A later or earlier program made them.
    OtherVersion,
}

impl ViewsAgain {
    /// Copies the views as they are now.
    pub(super) fn open(path: &Path) -> Result<ViewsAgain, String> {
        let dir = tempfile::tempdir().map_err(|error| chain(&error))?;
        let (copy, made) = (dir.path().join("copy.db"), dir.path().join("made.db"));
        let stood = copy_views(path, &copy).map_err(|error| chain(&error))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = runtime.map_err(|error| chain(&error))?;
        let journal = JournalId {
            first_batch: None,
            head_seq: Head::EMPTY.last_seq(),
        };
        let projector = runtime.block_on(Projector::open(&Place::File(made.clone()), &journal));
        Ok(ViewsAgain {
            runtime,
            projector: Some(projector.map_err(|error| chain(&error))?),
            waiting: Vec::new(),
            stood,
            copy,
            made,
            _dir: dir,
        })
    }

    /// Takes the next record of the journal.
    pub(super) fn record(&mut self, seq: u64, record: &Record) -> Result<(), String> {
        if self.stood < seq {
            return Ok(());
        }
        self.waiting.push((seq, record.clone()));
        if self.waiting.len() < CHUNK_RECORDS && seq < self.stood {
            return Ok(());
        }
        let waiting = std::mem::take(&mut self.waiting);
        let Some(projector) = &mut self.projector else {
            return Ok(());
        };
        self.runtime
            .block_on(projector.apply(&waiting, None))
            .map_err(|error| chain(&error))
    }

    /// Compares with a world at the record where the copy stands.
    pub(super) fn compare(mut self, world: Option<&World>) -> Result<Outcome, String> {
        if let Some(projector) = self.projector.take() {
            self.runtime.block_on(projector.close());
        }
        let connection = Connection::open(&self.copy).map_err(|error| chain(&error))?;
        let rows = rows(&connection, &self.made).map_err(|error| chain(&error))?;
        let Some(mut differences) = rows else {
            return Ok(Outcome::OtherVersion);
        };
        if let Some(world) = world {
            let (_applied, receiver) = watch::channel(self.stood);
            let place = Place::File(self.copy.clone());
            let found = self.runtime.block_on(async {
                let views = Views::open(&place, receiver).await?;
                compare(&views, world).await
            });
            let found = found.map_err(|error| chain(&error))?;
            differences.extend(
                found
                    .iter()
                    .take(MAX_TOLD)
                    .map(|difference| difference.to_string()),
            );
        }
        Ok(if differences.is_empty() {
            Outcome::Same
        } else {
            Outcome::Differ(differences)
        })
    }
}

/// One state of the file, and the last record it holds.
fn copy_views(path: &Path, copy: &Path) -> Result<u64, rusqlite::Error> {
    files::read_only(path)?.execute("VACUUM INTO ?1", [copy.to_string_lossy()])?;
    let copy = Connection::open(copy)?;
    let applied: i64 = copy.query_row("SELECT applied_seq FROM meta", [], |row| row.get(0))?;
    Ok(u64::try_from(applied).unwrap_or(u64::MAX))
}

/// Every row that only one of both has; none if the copy is of another version.
fn rows(copy: &Connection, made: &Path) -> Result<Option<Vec<String>>, rusqlite::Error> {
    copy.execute("ATTACH ?1 AS made", [made.to_string_lossy()])?;
    let version = |of: &str| {
        copy.query_row(
            &format!("SELECT schema_version FROM {of}.meta"),
            [],
            |row| row.get::<_, i64>(0),
        )
    };
    if version("main")? != version("made")? {
        return Ok(None);
    }
    let mut tables = copy.prepare(
        "SELECT name FROM made.sqlite_master WHERE type = 'table' AND name <> 'meta' ORDER BY name",
    )?;
    let tables: Vec<String> = tables
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut found = Vec::new();
    for table in tables {
        for (has, lacks, what) in [
            ("main", "made", "has a row that the journal does not give"),
            ("made", "main", "lacks a row that the journal gives"),
        ] {
            let sql = format!(
                "SELECT * FROM {has}.{table} EXCEPT SELECT * FROM {lacks}.{table} LIMIT {MAX_ROWS}"
            );
            let mut differing = copy.prepare(&sql)?;
            let names: Vec<String> = differing
                .column_names()
                .into_iter()
                .map(str::to_owned)
                .collect();
            let mut differing = differing.query([])?;
            while let Some(row) = differing.next()? {
                found.push(format!("table {table} {what}: {}", shown(&names, row)?));
            }
        }
    }
    Ok(Some(found))
}

fn shown(names: &[String], row: &rusqlite::Row<'_>) -> Result<String, rusqlite::Error> {
    let mut parts = Vec::new();
    for (at, name) in names.iter().enumerate() {
        match row.get_ref(at)? {
            ValueRef::Integer(number) => parts.push(format!("{name} {number}")),
            ValueRef::Text(text) if text.len() <= 64 => {
                parts.push(format!("{name} {}", String::from_utf8_lossy(text)));
            }
            ValueRef::Null | ValueRef::Real(_) | ValueRef::Text(_) | ValueRef::Blob(_) => {}
        }
    }
    Ok(parts.join(", "))
}
