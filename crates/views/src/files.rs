//! Whether the files of an open database are still those that were opened.
//!
//! Why: a database that is deleted goes on answering those who have it open, and is gone at the next start.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Which files a database was opened as.
#[derive(Debug)]
pub(crate) struct Files {
    main: PathBuf,
    opened: Option<FileId>,
    /// The most bytes it ever had: it never shrinks by itself.
    most_bytes: AtomicU64,
    log: PathBuf,
    log_opened: Option<FileId>,
}

/// Device and number of a file: another of the same name has another.
type FileId = (u64, u64);

fn file_id(path: &Path) -> Option<FileId> {
    let found = std::fs::metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}

impl Files {
    pub(crate) fn of(path: &Path) -> Files {
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        let log = PathBuf::from(log);
        Files {
            opened: file_id(path),
            log_opened: file_id(&log),
            main: path.to_owned(),
            most_bytes: AtomicU64::new(0),
            log,
        }
    }

    /// Why they are no longer what was opened; none while they are, or while that cannot be found out.
    pub(crate) fn lost(&self) -> Option<&'static str> {
        let found = match std::fs::metadata(&self.main) {
            Ok(found) => found,
            Err(error) if error.kind() == ErrorKind::NotFound => return Some("the file is gone"),
            Err(_) => return None,
        };
        if self.opened != Some((found.dev(), found.ino())) {
            return Some("another file is in its place");
        }
        if found.len() < self.most_bytes.fetch_max(found.len(), Ordering::Relaxed) {
            return Some("the file was cut");
        }
        let log = match std::fs::metadata(&self.log) {
            Ok(found) => Some((found.dev(), found.ino())),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(_) => self.log_opened,
        };
        if self.log_opened.is_some() && log != self.log_opened {
            return Some("the file beside it that ends in -wal is gone");
        }
        None
    }

    /// Whether another file has taken the place of the one that was opened.
    pub(crate) fn is_replaced(&self) -> bool {
        file_id(&self.main).is_some_and(|found| Some(found) != self.opened)
    }
}
