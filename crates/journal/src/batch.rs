//! Records in a batch, and the hash that chains batches.
//!
//! A record is `len u32 | crc32c u32 | seq u64 | version u16 | payload`, numbers little-endian;
//! `len` counts the payload, the checksum covers sequence, version and payload. The checksum
//! says *which* record is damaged; that nothing was changed, left out or exchanged is said by
//! the hash of the batch, which covers the hash of the batch before.

use sha2::{Digest, Sha256};

use crate::error::{Damage, Difference};

/// Longest payload of one record.
pub const MAX_RECORD_BYTES: usize = 4 * 1024 * 1024;

/// Longest batch, record headers included. The engine aims at 1 MiB; the rest is room for one
/// long record at the end.
pub const MAX_BATCH_BYTES: usize = 16 * 1024 * 1024;

/// Bytes in front of each payload.
pub const RECORD_HEADER_BYTES: usize = 18;

/// Highest sequence: databases have signed integers.
const MAX_SEQ: u64 = i64::MAX as u64 - 1;

/// Begins what is hashed, so that no other hash of this program can be mistaken for a batch's.
const HASH_DOMAIN: &[u8] = b"potluck-journal/v1/batch\n";

const CRC_AT: usize = 4;
const CHECKED_AT: usize = 8;
const VERSION_AT: usize = 16;

/// Why a record was not added. The batch is as it was before.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// The record is longer than any may be.
    #[error("a record of {bytes} bytes is longer than the {MAX_RECORD_BYTES} allowed")]
    RecordTooLong {
        /// Length of its payload.
        bytes: usize,
    },
    /// The record would fit into an empty batch, but not into this one: append it first.
    #[error("the batch would grow to {bytes} bytes, more than the {MAX_BATCH_BYTES} allowed")]
    BatchFull {
        /// Length the batch would have.
        bytes: usize,
    },
    /// No sequence is left.
    #[error("there is no sequence after {MAX_SEQ}")]
    OutOfSequences,
}

/// Gathers records of one batch, encoded straight into the bytes that are stored.
///
/// Meant to be reused: [`clear`](Self::clear) keeps the allocation.
#[derive(Clone, Debug)]
pub struct BatchBuilder {
    first_seq: u64,
    count: u32,
    /// Bytes of whole records; what lies beyond is left over from an encoder that failed.
    end: usize,
    blob: Vec<u8>,
}

impl BatchBuilder {
    /// An empty batch whose first record gets `first_seq`.
    pub fn new(first_seq: u64) -> Self {
        BatchBuilder {
            first_seq,
            count: 0,
            end: 0,
            blob: Vec::new(),
        }
    }

    /// Empties the batch for reuse; the next record gets `first_seq`.
    pub fn clear(&mut self, first_seq: u64) {
        self.first_seq = first_seq;
        self.count = 0;
        self.end = 0;
        self.blob.clear();
    }

    /// Adds a record whose payload `encode` appends to the given buffer; returns its sequence.
    ///
    /// `encode` may only append. When it leaves too much, the batch stays as it was.
    pub fn push(
        &mut self,
        version: u16,
        encode: impl FnOnce(&mut Vec<u8>),
    ) -> Result<u64, PushError> {
        let seq = self.first_seq.saturating_add(u64::from(self.count));
        if MAX_SEQ < seq {
            return Err(PushError::OutOfSequences);
        }
        let start = self.end;
        self.blob.truncate(start);
        self.blob.extend_from_slice(&[0; CHECKED_AT]);
        self.blob.extend_from_slice(&seq.to_le_bytes());
        self.blob.extend_from_slice(&version.to_le_bytes());
        encode(&mut self.blob);
        let payload = self
            .blob
            .len()
            .checked_sub(start + RECORD_HEADER_BYTES)
            .expect("an encoder only appends to the buffer it is given");
        self.fits(payload)?;
        let length = u32::try_from(payload).expect("the limit of a record is far below 4 GiB");
        let record = &mut self.blob[start..];
        let crc = crc32c::crc32c(&record[CHECKED_AT..]);
        record[..CRC_AT].copy_from_slice(&length.to_le_bytes());
        record[CRC_AT..CHECKED_AT].copy_from_slice(&crc.to_le_bytes());
        self.end = self.blob.len();
        self.count += 1;
        Ok(seq)
    }

    /// Adds a record with these bytes; returns its sequence.
    pub fn push_bytes(&mut self, version: u16, payload: &[u8]) -> Result<u64, PushError> {
        self.push(version, |buffer| buffer.extend_from_slice(payload))
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes of all records, headers included.
    pub fn bytes_len(&self) -> usize {
        self.end
    }

    /// Number of records.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Sequence of the first record, also when there is none yet.
    pub fn first_seq(&self) -> u64 {
        self.first_seq
    }

    /// Sequence the next record would get.
    pub fn next_seq(&self) -> u64 {
        self.first_seq + u64::from(self.count)
    }

    /// The bytes that are stored.
    pub fn bytes(&self) -> &[u8] {
        &self.blob[..self.end]
    }

    fn fits(&self, payload: usize) -> Result<(), PushError> {
        if MAX_RECORD_BYTES < payload {
            return Err(PushError::RecordTooLong { bytes: payload });
        }
        let bytes = self.end + RECORD_HEADER_BYTES + payload;
        if MAX_BATCH_BYTES < bytes {
            return Err(PushError::BatchFull { bytes });
        }
        Ok(())
    }
}

/// What is known of a batch apart from its bytes; all of it is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchHeader {
    /// Number of the batch; consecutive.
    pub number: u64,
    /// Term of the writer that wrote it; never goes down.
    pub epoch: u64,
    /// Sequence of its first record.
    pub first_seq: u64,
    /// How many records it holds.
    pub count: u32,
    /// Hash of the batch before; all zero for the first.
    pub prev: [u8; 32],
}

impl BatchHeader {
    /// Hash of the batch with these bytes: SHA-256 of
    /// `"potluck-journal/v1/batch\n" ‖ prev ‖ be64(number) ‖ be64(epoch) ‖ be64(first_seq) ‖
    /// be32(count) ‖ bytes`.
    pub fn hash(&self, bytes: &[u8]) -> [u8; 32] {
        let mut hasher = Sha256::new();
        hasher.update(HASH_DOMAIN);
        hasher.update(self.prev);
        hasher.update(self.number.to_be_bytes());
        hasher.update(self.epoch.to_be_bytes());
        hasher.update(self.first_seq.to_be_bytes());
        hasher.update(self.count.to_be_bytes());
        hasher.update(bytes);
        hasher.finalize().into()
    }
}

/// A batch as read from a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBatch {
    /// Number of the batch; consecutive from 1.
    pub number: u64,
    /// Term of the writer that wrote it.
    pub epoch: u64,
    /// Sequence of its first record.
    pub first_seq: u64,
    /// How many records it holds.
    pub count: u32,
    /// Hash of the batch before; all zero for the first.
    pub prev: [u8; 32],
    /// Hash of this batch.
    pub hash: [u8; 32],
    /// Its records, one after the other.
    pub bytes: Vec<u8>,
}

impl StoredBatch {
    /// All but the bytes and their hash.
    pub fn header(&self) -> BatchHeader {
        BatchHeader {
            number: self.number,
            epoch: self.epoch,
            first_seq: self.first_seq,
            count: self.count,
            prev: self.prev,
        }
    }

    /// Sequence of the record after the last of this batch.
    pub fn next_seq(&self) -> u64 {
        self.first_seq.saturating_add(u64::from(self.count))
    }

    /// Where the journal stands after this batch.
    pub fn head(&self) -> crate::Head {
        crate::Head {
            next_seq: self.next_seq(),
            next_batch: self.number.saturating_add(1),
            hash: self.hash,
        }
    }

    /// The records in order, each checked for length, checksum and sequence, and their number at
    /// the end. Nothing follows an error.
    pub fn records(&self) -> Records<'_> {
        self.records_from(self.first_seq)
    }

    /// Like [`records`](Self::records), without those before `seq`.
    pub fn records_from(&self, seq: u64) -> Records<'_> {
        Records {
            batch: self,
            rest: &self.bytes,
            done: 0,
            from: seq,
            stopped: false,
        }
    }
}

/// One record of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordRef<'a> {
    /// Its sequence in the journal.
    pub seq: u64,
    /// Version of the payload's format, as the writer gave it.
    pub version: u16,
    /// The bytes the writer gave.
    pub payload: &'a [u8],
}

/// Walks over the records of a batch.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    batch: &'a StoredBatch,
    rest: &'a [u8],
    done: u64,
    from: u64,
    stopped: bool,
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<RecordRef<'a>, Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let record = self.step()?;
            match record {
                Ok(record) if record.seq < self.from => {}
                Ok(_) | Err(_) => return Some(record),
            }
        }
    }
}

impl<'a> Records<'a> {
    fn step(&mut self) -> Option<Result<RecordRef<'a>, Damage>> {
        if self.stopped {
            return None;
        }
        let counted = u64::from(self.batch.count);
        if self.rest.is_empty() && self.done == counted {
            self.stopped = true;
            return None;
        }
        let seq = self.batch.first_seq.saturating_add(self.done);
        let result = if self.rest.is_empty() || self.done == counted {
            let found = self.done + u64::from(!self.rest.is_empty());
            Err(Difference::Count {
                stored: self.batch.count,
                found,
            })
        } else {
            split_record(self.rest, seq)
        };
        match result {
            Ok((record, rest)) => {
                self.rest = rest;
                self.done += 1;
                Some(Ok(record))
            }
            Err(what) => {
                self.stopped = true;
                Some(Err(Damage {
                    batch: self.batch.number,
                    seq,
                    what,
                }))
            }
        }
    }
}

/// Takes the record with sequence `seq` off the front of `bytes`.
fn split_record(bytes: &[u8], seq: u64) -> Result<(RecordRef<'_>, &[u8]), Difference> {
    let left = bytes.len() as u64;
    let cut = |needed: u64| Difference::RecordCut { needed, left };
    let header = bytes
        .first_chunk::<RECORD_HEADER_BYTES>()
        .ok_or_else(|| cut(RECORD_HEADER_BYTES as u64))?;
    let [
        l0,
        l1,
        l2,
        l3,
        c0,
        c1,
        c2,
        c3,
        s0,
        s1,
        s2,
        s3,
        s4,
        s5,
        s6,
        s7,
        v0,
        v1,
    ] = *header;
    let length = u32::from_le_bytes([l0, l1, l2, l3]);
    let stored = u32::from_le_bytes([c0, c1, c2, c3]);
    let found = u64::from_le_bytes([s0, s1, s2, s3, s4, s5, s6, s7]);
    let version = u16::from_le_bytes([v0, v1]);
    let needed = RECORD_HEADER_BYTES as u64 + u64::from(length);
    let (record, rest) = usize::try_from(needed)
        .ok()
        .and_then(|needed| bytes.split_at_checked(needed))
        .ok_or_else(|| cut(needed))?;
    let computed = crc32c::crc32c(&record[CHECKED_AT..]);
    if computed != stored {
        return Err(Difference::RecordChecksum { stored, computed });
    }
    if found != seq {
        return Err(Difference::RecordSeq { found });
    }
    let payload = &record[VERSION_AT + 2..];
    Ok((
        RecordRef {
            seq,
            version,
            payload,
        },
        rest,
    ))
}
