//! Whether the parts of a data directory belong together. Each can be lost by itself, or be put back from another day's
//! copy; a start that went on then would take for new what somebody was told long ago.

use std::path::Path;

use domain::Millis;
use engine::EngineHandle;
use views::{Directory, JournalId, Place, Projector};

use crate::server::ServeError;

/// Refuses a directory whose journal was lost while other parts know of it; for whoever makes something in it before
/// the server is started.
pub async fn no_lost_journal(dir: &Path, now: Millis) -> Result<(), ServeError> {
    let journal = std::fs::metadata(dir.join("journal.db"));
    if journal.is_ok_and(|file| 0 < file.len()) {
        return Ok(());
    }
    nothing_knows_one(dir, now).await
}

/// Refuses a directory without journal, or with one that holds nothing, whose other parts know of one. Before an empty
/// one is made, which would hide the loss once they are gone, too.
pub(crate) async fn nothing_knows_one(dir: &Path, now: Millis) -> Result<(), ServeError> {
    let lost = |file: &str, knows: String| ServeError::JournalLost {
        journal: dir.join("journal.db"),
        witness: dir.join(file),
        knows,
    };
    if let Some(name) = a_snapshot(dir) {
        return Err(lost(&format!("snapshots/{name}"), "is there".to_owned()));
    }
    let none = JournalId {
        first_batch: None,
        head_seq: 0,
    };
    let views = Place::from(dir.join("views.db").as_path());
    match Projector::seen(&views, &none).await? {
        Some(0) | None => {}
        Some(seen) => return Err(lost("views.db", format!("has seen record {seen} of it"))),
    }
    let directory = dir.join("directory.db");
    if !directory.exists() {
        return Ok(());
    }
    let directory = Directory::open(&Place::from(directory.as_path()), now).await?;
    let last = directory.last_member().await;
    directory.close().await;
    match last.map_err(views::DirectoryError::from)? {
        Some(member) => Err(lost("directory.db", format!("knows member {member} of it"))),
        None => Ok(()),
    }
}

fn a_snapshot(dir: &Path) -> Option<String> {
    let files = std::fs::read_dir(dir.join("snapshots")).ok()?;
    let mut names = files.filter_map(|file| file.ok()?.file_name().into_string().ok());
    names.find(|name| name.ends_with(".snap"))
}

/// Refuses a journal without its directory. One that was lost is not replaced by an empty one unasked: whoever signed up
/// anew could not be given his old number again.
pub(crate) fn directory_is_there(path: &Path, journal: &JournalId) -> Result<(), ServeError> {
    if journal.head_seq == 0 || path.exists() {
        return Ok(());
    }
    Err(ServeError::DirectoryLost {
        path: path.to_owned(),
    })
}

/// Refuses a journal that ends before what its own views have seen. They are only ever shown what is durable, so
/// somebody was told what is not there any more; going on would give the same numbers to something else.
pub(crate) async fn its_end_is_there(place: &Place, journal: &JournalId) -> Result<(), ServeError> {
    match Projector::seen(place, journal).await? {
        Some(seen) if journal.head_seq < seen => Err(ServeError::EndLost {
            seen,
            head: journal.head_seq,
        }),
        Some(_) | None => Ok(()),
    }
}

/// Refuses a directory that is newer than the journal: its members would meet strangers' money under their numbers.
pub(crate) async fn same_moment(
    directory: &Directory,
    engine: &EngineHandle,
) -> Result<(), ServeError> {
    let Some(directory) = directory
        .last_member()
        .await
        .map_err(views::DirectoryError::from)?
    else {
        return Ok(());
    };
    let journal = engine.query(domain::World::members).await?.0;
    if directory.0 < journal {
        return Ok(());
    }
    Err(ServeError::DirectoryNewer { directory, journal })
}
