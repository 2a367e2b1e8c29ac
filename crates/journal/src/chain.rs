//! The chain of batches, checked while it is read, and continued while it is written.
//!
//! Why one place for all backends: what counts as damage must not depend on where the bytes lie.
//! A backend only hands out rows ([`Rows`]); everything about them is checked here.

use crate::batch::{BatchBuilder, BatchHeader, StoredBatch};
use crate::error::{AppendError, Damage, Difference, ReadError};
use crate::{FIRST_BATCH, FIRST_SEQ, Head, JournalReader};

/// How many bytes [`verify_all`] holds at once.
const VERIFY_BYTES: usize = 8 * 1024 * 1024;

/// Reads the whole journal and checks every batch and every record; returns where it ends.
///
/// For audits and after an accident: opening a journal checks its last batch only.
pub fn verify_all(reader: &mut dyn JournalReader) -> Result<Head, ReadError> {
    let mut head = Head::EMPTY;
    loop {
        let batches = reader.read(head.next_seq, VERIFY_BYTES)?;
        let Some(last) = batches.last() else {
            return Ok(head);
        };
        for batch in &batches {
            for record in batch.records() {
                record?;
            }
        }
        head = last.head();
    }
}

/// A batch without its bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    pub(crate) header: BatchHeader,
    pub(crate) hash: [u8; 32],
}

impl Link {
    pub(crate) fn head(&self) -> Head {
        Head {
            next_seq: self
                .header
                .first_seq
                .saturating_add(u64::from(self.header.count)),
            next_batch: self.header.number.saturating_add(1),
            hash: self.hash,
        }
    }
}

/// Which batch a backend is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Which {
    /// The one with the highest number.
    Last,
    /// The one with this number.
    Number(u64),
    /// The last one that begins at or before this sequence.
    BeginsBy(u64),
}

/// What a backend must be able to find; it need not check anything.
pub(crate) trait Rows: Send {
    fn link(&mut self, which: Which) -> Result<Option<Link>, ReadError>;

    /// Batches in the order of their numbers, from this number on, until their bytes reach
    /// `max_bytes`; at least one if there is one.
    fn batches(&mut self, from: u64, max_bytes: usize) -> Result<Vec<StoredBatch>, ReadError>;
}

/// What the next batch must continue.
#[derive(Clone, Copy, Debug)]
struct Chain {
    head: Head,
    epoch: u64,
}

impl Chain {
    const START: Chain = Chain {
        head: Head::EMPTY,
        epoch: 0,
    };

    fn after(link: &Link) -> Self {
        Chain {
            head: link.head(),
            epoch: link.header.epoch,
        }
    }

    /// Checks that `batch` continues the chain and is what was written, and moves behind it.
    fn follow(&mut self, batch: &StoredBatch) -> Result<(), Damage> {
        let Head {
            next_seq,
            next_batch,
            hash,
        } = self.head;
        let damage = |what| Damage {
            batch: next_batch,
            seq: next_seq,
            what,
        };
        if batch.number != next_batch {
            return Err(damage(Difference::BatchMissing {
                found: batch.number,
            }));
        }
        if batch.first_seq != next_seq {
            return Err(damage(Difference::FirstSeq {
                found: batch.first_seq,
            }));
        }
        if batch.epoch < self.epoch {
            let (before, found) = (self.epoch, batch.epoch);
            return Err(damage(Difference::Epoch { before, found }));
        }
        if batch.prev != hash {
            return Err(damage(Difference::PrevHash {
                expected: hash,
                found: batch.prev,
            }));
        }
        let computed = batch.header().hash(&batch.bytes);
        if computed != batch.hash {
            // The first damaged record says more than the hash of a whole batch.
            let record = batch.records().find_map(Result::err);
            let whole = damage(Difference::Hash {
                stored: batch.hash,
                computed,
            });
            return Err(record.unwrap_or(whole));
        }
        if batch.count == 0 {
            return Err(damage(Difference::Count {
                stored: 0,
                found: 0,
            }));
        }
        *self = Chain {
            head: batch.head(),
            epoch: batch.epoch,
        };
        Ok(())
    }
}

/// Reads and checks the rows of any backend.
#[derive(Debug)]
pub(crate) struct ChainReader<R> {
    rows: R,
    /// Remembered between reads, so that a history exchanged meanwhile is noticed.
    chain: Chain,
}

impl<R: Rows> ChainReader<R> {
    pub(crate) fn new(rows: R) -> Self {
        ChainReader {
            rows,
            chain: Chain::START,
        }
    }

    /// Checks the end of the journal; returns where it ends and the epoch of its last batch.
    pub(crate) fn check_end(&mut self) -> Result<(Head, u64), ReadError> {
        let Some(last) = self.rows.link(Which::Last)? else {
            return Ok((Head::EMPTY, 0));
        };
        let mut head = Head::EMPTY;
        for batch in self.read(last.header.first_seq, 1)? {
            for record in batch.records() {
                record?;
            }
            head = batch.head();
        }
        Ok((head, last.header.epoch))
    }

    /// The chain in front of the batch that holds `seq`, or at the end if none does.
    fn seek(&mut self, seq: u64) -> Result<Chain, ReadError> {
        let Some(holding) = self.rows.link(Which::BeginsBy(seq))? else {
            return Ok(Chain::START);
        };
        let BatchHeader {
            number, first_seq, ..
        } = holding.header;
        if holding.head().next_seq <= seq {
            return Ok(Chain::after(&holding));
        }
        if number <= FIRST_BATCH {
            return Ok(Chain::START);
        }
        let before = self.rows.link(Which::Number(number - 1))?.ok_or(Damage {
            batch: number - 1,
            seq: first_seq.saturating_sub(1),
            what: Difference::BatchMissing { found: number },
        })?;
        Ok(Chain::after(&before))
    }

    /// Explains why nothing follows `chain`.
    fn at_end(&mut self, chain: Chain, from_seq: u64) -> Result<(), ReadError> {
        let head = self.head()?;
        if head.next_seq < from_seq {
            return Err(ReadError::BeyondEnd {
                asked: from_seq,
                next_seq: head.next_seq,
            });
        }
        if head.next_batch == chain.head.next_batch && head != chain.head {
            let (stored, computed) = (head.hash, chain.head.hash);
            let what = Difference::Hash { stored, computed };
            let batch = chain.head.next_batch.saturating_sub(1);
            return Err(Damage {
                batch,
                seq: chain.head.last_seq(),
                what,
            }
            .into());
        }
        Ok(())
    }
}

impl<R: Rows> JournalReader for ChainReader<R> {
    fn head(&mut self) -> Result<Head, ReadError> {
        Ok(self
            .rows
            .link(Which::Last)?
            .map_or(Head::EMPTY, |last| last.head()))
    }

    fn read(&mut self, from_seq: u64, max_bytes: usize) -> Result<Vec<StoredBatch>, ReadError> {
        let from_seq = from_seq.max(FIRST_SEQ);
        let mut chain = self.chain;
        if chain.head.next_seq != from_seq {
            chain = self.seek(from_seq)?;
        }
        let batches = self.rows.batches(chain.head.next_batch, max_bytes)?;
        if batches.is_empty() {
            self.at_end(chain, from_seq)?;
        }
        for batch in &batches {
            chain.follow(batch)?;
        }
        self.chain = chain;
        Ok(batches)
    }

    fn hash_at(&mut self, seq: u64) -> Result<Option<[u8; 32]>, ReadError> {
        let link = self.rows.link(Which::BeginsBy(seq))?;
        Ok(link
            .filter(|link| link.head().last_seq() == seq)
            .map(|link| link.hash))
    }
}

/// The writer's end of the chain: what every backend checks before and after storing.
#[derive(Debug)]
pub(crate) struct Tail {
    pub(crate) head: Head,
    pub(crate) epoch: u64,
    poisoned: bool,
}

impl Tail {
    /// Takes over at `head`, after a batch of `last_epoch`.
    pub(crate) fn take_over(head: Head, last_epoch: u64) -> Self {
        Tail {
            head,
            epoch: last_epoch.saturating_add(1),
            poisoned: false,
        }
    }

    /// Checks the batch, lets `store` make it durable, and moves behind it.
    pub(crate) fn append(
        &mut self,
        expected_seq: u64,
        batch: &BatchBuilder,
        store: impl FnOnce(&Link, &[u8]) -> Result<(), AppendError>,
    ) -> Result<Head, AppendError> {
        // Set first and taken back on success only: a panic in between poisons as well.
        if std::mem::replace(&mut self.poisoned, true) {
            return Err(AppendError::Poisoned);
        }
        let Head {
            next_seq,
            next_batch,
            hash,
        } = self.head;
        if expected_seq != next_seq {
            return Err(AppendError::TailMoved {
                expected: expected_seq,
                found: next_seq,
            });
        }
        if batch.first_seq() != expected_seq {
            let found = batch.first_seq();
            return Err(AppendError::WrongStart {
                expected: expected_seq,
                found,
            });
        }
        if batch.is_empty() {
            return Err(AppendError::Empty { seq: expected_seq });
        }
        let header = BatchHeader {
            number: next_batch,
            epoch: self.epoch,
            first_seq: next_seq,
            count: batch.count(),
            prev: hash,
        };
        let link = Link {
            header,
            hash: header.hash(batch.bytes()),
        };
        store(&link, batch.bytes())?;
        self.head = link.head();
        self.poisoned = false;
        Ok(self.head)
    }
}
