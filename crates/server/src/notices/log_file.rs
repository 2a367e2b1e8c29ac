//! Notices as lines of a file, for whatever reads it.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use views::ConnectorRow;

use super::Told;
use super::connector::{Connector, Outcome, Place, Refusal, WentOut};
use crate::wire::SentNotice;

/// Longest line that counts as one of ours.
const MOST_BYTES_OF_A_LINE: u64 = 4096;

/// Appends a JSON object and a line's end for each notice. The file is opened anew each time, so it may be moved away.
pub(crate) struct LogFile {
    path: PathBuf,
}

impl LogFile {
    pub(crate) fn new(path: PathBuf) -> LogFile {
        LogFile { path }
    }
}

impl Connector for LogFile {
    const NAME: &'static str = "log";
    const AT_ONCE: usize = 200;

    async fn mark(&mut self) -> Result<u64, String> {
        let path = self.path.clone();
        blocking(move || {
            let length = open(&path).and_then(|file| Ok(file.metadata()?.len()));
            length.map_err(|error| format!("{}: {error}", path.display()))
        })
        .await
    }

    async fn send(&mut self, notices: &[Told]) -> Outcome {
        let mut lines = Vec::new();
        for told in notices {
            // Text and numbers alone: there is nothing in it that JSON cannot say.
            let _ = serde_json::to_writer(&mut lines, &SentNotice::of(told));
            lines.push(b'\n');
        }
        let path = self.path.clone();
        let written = blocking(move || Ok(append(&path, &lines))).await;
        written.unwrap_or_else(|why| Outcome::Unknown { why })
    }

    async fn recover(&mut self, row: &ConnectorRow) -> WentOut {
        let (path, from) = (self.path.clone(), row.file_bytes);
        let most = row.under_way.saturating_mul(MOST_BYTES_OF_A_LINE);
        let found = blocking(move || Ok(written(&path, from, most).ok().flatten())).await;
        match found {
            Ok(Some(went_out)) => WentOut::Known(went_out),
            Ok(None) | Err(_) => WentOut::Unknown,
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let worked = tokio::task::spawn_blocking(work).await;
    worked.unwrap_or_else(|error| Err(error.to_string()))
}

/// For its owner alone: it says who gets what.
fn open(path: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.create(true).append(true).read(true).mode(0o600);
    options.open(path)
}

/// Whether the file can be written: asked at the start, so that a mistyped name is no silence.
pub(crate) fn can_be_written(path: &Path) -> std::io::Result<()> {
    open(path).map(drop)
}

fn append(path: &Path, lines: &[u8]) -> Outcome {
    let refused = |error: std::io::Error| Outcome::Refused {
        why: format!("{}: {error}", path.display()),
        refusal: Refusal::Nobody,
    };
    let mut file = match open(path) {
        Ok(file) => file,
        Err(error) => return refused(error),
    };
    let before = match file.metadata() {
        Ok(known) => known.len(),
        Err(error) => return refused(error),
    };
    let written = file.write_all(lines).and_then(|()| file.sync_data());
    let Err(error) = written else {
        return Outcome::Sent;
    };
    // What is half there goes away again; where it does not, nobody knows what a reader has seen.
    match file.set_len(before).and_then(|()| file.sync_data()) {
        Ok(()) => refused(error),
        Err(_) => Outcome::Unknown {
            why: format!("{}: {error}", path.display()),
        },
    }
}

/// Which whole lines there are from this place on; a line that was broken off is taken away. None where these are not ours.
fn written(path: &Path, from: u64, most: u64) -> std::io::Result<Option<Option<(u64, Place)>>> {
    let mut file = open(path)?;
    let length = file.metadata()?.len();
    if length < from || most < length - from {
        // It was moved away, or somebody else writes to it.
        return Ok(None);
    }
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let whole = bytes.iter().rposition(|&byte| byte == b'\n');
    let whole = whole.map_or(0, |end| end + 1);
    let (mut count, mut last) = (0u64, None);
    for line in bytes[..whole].split_inclusive(|&byte| byte == b'\n') {
        let Some(place) = place_of(line) else {
            return Ok(None);
        };
        (count, last) = (count + 1, Some(place));
    }
    if whole < bytes.len() {
        file.set_len(from + whole as u64)?;
    }
    file.sync_data()?;
    Ok(Some(last.map(|place| (count, place))))
}

fn place_of(line: &[u8]) -> Option<Place> {
    let line: serde_json::Value = serde_json::from_slice(line).ok()?;
    Place::of_id(line.get("id")?.as_str()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notices::tests::row;
    use domain::MemberId;
    use views::NoticeRow;

    fn told(member: u32) -> Told {
        Told::Event(NoticeRow {
            member: MemberId(member),
            ..row()
        })
    }

    fn under_way(file_bytes: u64, count: u64) -> ConnectorRow {
        ConnectorRow {
            name: "log".to_owned(),
            up_to: views::ToldUpTo::all(5_000, 682),
            back_to: Some(views::ToldUpTo::all(0, 682)),
            under_way: count,
            file_bytes,
            sent: 0,
            unknown: 0,
            refused: 0,
            sent_at: None,
        }
    }

    /// Wherever it was broken off: the whole lines have gone out, the half one has not and is taken away.
    #[tokio::test]
    async fn what_was_written_is_found_again_wherever_it_was_broken_off() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notices.log");
        let mut log = LogFile::new(path.clone());
        assert_eq!(log.send(&[told(1)]).await, Outcome::Sent);
        let before = log.mark().await.unwrap();
        assert_eq!(log.send(&[told(2), told(3)]).await, Outcome::Sent);
        let whole = std::fs::read(&path).unwrap();
        let first = usize::try_from(before).unwrap();
        let line = whole[first..]
            .iter()
            .position(|&byte| byte == b'\n')
            .unwrap()
            + 1;
        for cut in first..=whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let lines = match cut - first {
                bytes if bytes < line => 0,
                _ if cut < whole.len() => 1,
                _ => 2,
            };
            let known = [None, Some((1, told(2).place())), Some((2, told(3).place()))];
            let found = log.recover(&under_way(before, 2)).await;
            assert_eq!(found, WentOut::Known(known[lines]), "{cut}");
            let left = std::fs::read(&path).unwrap();
            assert!(left.len() == first || left.ends_with(b"\n"), "{cut}");
        }
    }

    #[tokio::test]
    async fn a_file_that_is_another_tells_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notices.log");
        let mut log = LogFile::new(path.clone());
        assert_eq!(log.recover(&under_way(9, 1)).await, WentOut::Unknown);
        std::fs::write(&path, "somebody else's line\n").unwrap();
        assert_eq!(log.recover(&under_way(0, 1)).await, WentOut::Unknown);
    }

    #[tokio::test]
    async fn where_nothing_can_be_written_it_is_refused() {
        let mut log = LogFile::new("/proc/no/such/file".into());
        let outcome = log.send(&[told(1)]).await;
        assert!(matches!(outcome, Outcome::Refused { .. }), "{outcome:?}");
        assert!(log.mark().await.is_err());
    }
}
