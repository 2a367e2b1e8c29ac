//! Snapshots as files beside the database.
//!
//! Why not in the database: SQLite has one writer at a time, and a snapshot of gigabytes would
//! stop the journal while it is written.

use std::fs::{self, File};
use std::io::{self, BufReader, Seek};
use std::path::{Path, PathBuf};

use crate::chain::ChainReader;
use crate::error::SnapshotError;
use crate::snapshot::{self, ChunkWriter, Fill, LatestSnapshot, SkippedSnapshot, SnapshotStore};
use crate::sqlite::reader::SqliteRows;
use crate::sqlite::{SNAPSHOTS, create_dir_durably, sync_dir};
use crate::{Mark, Snapshot};

/// Ends the name of a snapshot that is being written.
const UNFINISHED: &str = ".tmp";

/// The snapshots of one journal directory.
#[derive(Debug)]
pub(crate) struct SqliteSnapshots {
    dir: PathBuf,
    journal: ChainReader<SqliteRows>,
}

impl SqliteSnapshots {
    pub(crate) fn new(journal_dir: &Path, journal: ChainReader<SqliteRows>) -> Self {
        SqliteSnapshots {
            dir: journal_dir.join(SNAPSHOTS),
            journal,
        }
    }

    /// Removes what an interrupted writing left, and what is outdated once one at `written` is
    /// durable.
    fn clean(&self, written: u64) -> Result<(), SnapshotError> {
        let files = files(&self.dir).map_err(file_error(&self.dir))?;
        let stored = files.iter().filter_map(|name| seq_of(name)).collect();
        let outdated = snapshot::outdated(stored, written)
            .into_iter()
            .map(snapshot::file_name);
        let unfinished = files
            .iter()
            .filter(|name| name.ends_with(UNFINISHED))
            .cloned();
        for name in outdated.chain(unfinished) {
            let path = self.dir.join(name);
            fs::remove_file(&path).map_err(file_error(&path))?;
        }
        Ok(())
    }
}

impl SnapshotStore for SqliteSnapshots {
    fn write_snapshot(&mut self, at: Mark, fill: &mut Fill<'_>) -> Result<u64, SnapshotError> {
        snapshot::check_mark(at, &mut self.journal)?;
        create_dir_durably(&self.dir).map_err(file_error(&self.dir))?;
        let path = self.dir.join(snapshot::file_name(at.seq));
        let unfinished = self
            .dir
            .join(format!("{}{UNFINISHED}", snapshot::file_name(at.seq)));
        let written = write_file(&unfinished, at, fill);
        if written.is_err() {
            // Best effort: what stays is removed after the next snapshot.
            let _ = fs::remove_file(&unfinished);
        }
        let size_bytes = written.map_err(file_error(&unfinished))?;
        fs::rename(&unfinished, &path).map_err(file_error(&path))?;
        sync_dir(&self.dir).map_err(file_error(&self.dir))?;
        self.clean(at.seq)?;
        Ok(size_bytes)
    }

    fn latest_snapshot(&mut self) -> Result<LatestSnapshot, SnapshotError> {
        let mut skipped = Vec::new();
        let names = match files(&self.dir) {
            Ok(names) => names,
            // Snapshots save time and nothing else: without them the journal is read from its beginning.
            Err(error) => {
                let name = SNAPSHOTS.to_owned();
                let reason = error.into();
                skipped.push(SkippedSnapshot { name, reason });
                Vec::new()
            }
        };
        let mut stored: Vec<u64> = names.iter().filter_map(|name| seq_of(name)).collect();
        stored.sort_unstable();
        for seq in stored.into_iter().rev() {
            let name = snapshot::file_name(seq);
            let path = self.dir.join(&name);
            let file = match File::open(&path) {
                Ok(file) => file,
                Err(error) => {
                    skipped.push(SkippedSnapshot {
                        name,
                        reason: error.into(),
                    });
                    continue;
                }
            };
            match snapshot::judge(BufReader::new(&file), seq, &mut self.journal)? {
                Ok(judged) => {
                    // The same open file again: the name may stand for another one by now.
                    let snapshot = (&file)
                        .rewind()
                        .and_then(|()| Snapshot::open(judged, BufReader::new(file)))
                        .map_err(file_error(&path))?;
                    return Ok(LatestSnapshot {
                        snapshot: Some(snapshot),
                        skipped,
                    });
                }
                Err(reason) => skipped.push(SkippedSnapshot { name, reason }),
            }
        }
        Ok(LatestSnapshot {
            snapshot: None,
            skipped,
        })
    }
}

/// A snapshot in the directory of a journal, if there is any.
pub(crate) fn any_file(journal_dir: &Path) -> io::Result<Option<PathBuf>> {
    let dir = journal_dir.join(SNAPSHOTS);
    let names = match files(&dir) {
        // A file of that name is none.
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Ok(None),
        names => names?,
    };
    let found = names.into_iter().find(|name| seq_of(name).is_some());
    Ok(found.map(|name| dir.join(name)))
}

/// Writes and syncs one file; returns its size in bytes.
fn write_file(path: &Path, at: Mark, fill: &mut Fill<'_>) -> io::Result<u64> {
    let mut writer = ChunkWriter::start(File::create(path)?, at)?;
    fill(&mut writer)?;
    let file = writer.finish()?;
    file.sync_all()?;
    Ok(file.metadata()?.len())
}

/// Names of all files; none if there is no directory.
fn files(dir: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    // A name that is not Unicode is none of ours.
    let names = entries.map(|entry| Ok(entry?.file_name().into_string().ok()));
    names.filter_map(io::Result::transpose).collect()
}

/// The sequence in the name of a snapshot file.
fn seq_of(name: &str) -> Option<u64> {
    let seq = name.strip_suffix(".snap")?.parse().ok()?;
    (snapshot::file_name(seq) == name).then_some(seq)
}

fn file_error(path: &Path) -> impl Fn(io::Error) -> SnapshotError {
    move |source| SnapshotError::File {
        path: path.to_owned(),
        source,
    }
}
