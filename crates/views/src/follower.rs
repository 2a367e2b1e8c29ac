//! Feeds the projector from the journal, batch after batch.

use std::future::Future;

use domain::Record;

use crate::error::ProjectError;
use crate::projector::Projector;

/// Some records in order, as the source has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// The records with their sequences; the first is the one that was asked for.
    pub records: Vec<(u64, Record)>,
    /// Hash of the journal's batch that ends with the last of them, where it is known.
    pub hash: Option<[u8; 32]>,
}

/// Why the views no longer follow. They stand where they stood; nothing else stops with them.
#[derive(Debug, thiserror::Error)]
pub enum FollowError<E: std::error::Error + 'static> {
    /// The records could not be had.
    #[error("cannot read the journal for the views")]
    Source(#[source] E),
    /// They could not be taken in.
    #[error(transparent)]
    Project(#[from] ProjectError),
}

/// Takes chunks from `source` until it gives none. `source` is told the sequence that comes next and may wait as
/// long as there is nothing; `None` means that the journal is closed. Each chunk is one transaction, so it
/// should hold some thousands of records when there are as many and one when there is one.
pub async fn follow<S, F, E>(projector: &mut Projector, mut source: S) -> Result<(), FollowError<E>>
where
    S: FnMut(u64) -> F,
    F: Future<Output = Result<Option<Chunk>, E>>,
    E: std::error::Error + 'static,
{
    loop {
        let next = projector.applied().saturating_add(1);
        let Some(chunk) = source(next).await.map_err(FollowError::Source)? else {
            return Ok(());
        };
        projector.apply(&chunk.records, chunk.hash).await?;
    }
}
