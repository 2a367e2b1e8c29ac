//! The backends.

use std::fs;
use std::path::PathBuf;

use journal::{
    Journal, JournalReader, MemoryJournal, MemoryStorage, OpenError, SqliteJournal, StoredBatch,
};
use rusqlite::{Connection, params};
use tempfile::TempDir;

use crate::Disk;

pub(crate) struct Memory(MemoryStorage);

impl Disk for Memory {
    fn new() -> Self {
        Memory(MemoryStorage::new())
    }

    fn open(&self) -> Result<Box<dyn Journal>, OpenError> {
        Ok(Box::new(MemoryJournal::open(&self.0)?))
    }

    fn audit(&self) -> Box<dyn JournalReader> {
        self.0.reader()
    }

    fn break_lock(&self) {
        self.0.faults().break_lock();
    }

    fn alter(&self, number: u64, change: &dyn Fn(&mut StoredBatch)) {
        assert!(self.0.faults().alter_batch(number, change));
    }

    fn remove(&self, number: u64) {
        assert!(self.0.faults().remove_batch(number));
    }

    fn snapshot_file(&self, seq: u64) -> Option<Vec<u8>> {
        self.0.faults().snapshot_file(seq)
    }

    fn place_snapshot_file(&self, seq: u64, bytes: &[u8]) {
        self.0.faults().place_snapshot_file(seq, bytes.to_vec());
    }
}

pub(crate) struct Sqlite(TempDir);

impl Sqlite {
    fn sql(&self) -> Connection {
        Connection::open(self.0.path().join("journal.db")).unwrap()
    }

    fn snapshot_path(&self, seq: u64) -> PathBuf {
        self.0
            .path()
            .join("snapshots")
            .join(format!("{seq:020}.snap"))
    }
}

impl Disk for Sqlite {
    fn new() -> Self {
        Sqlite(tempfile::tempdir().unwrap())
    }

    fn open(&self) -> Result<Box<dyn Journal>, OpenError> {
        Ok(Box::new(SqliteJournal::open(self.0.path())?))
    }

    fn audit(&self) -> Box<dyn JournalReader> {
        Box::new(SqliteJournal::open_read_only(self.0.path()).unwrap())
    }

    fn break_lock(&self) {
        fs::remove_file(self.0.path().join("journal.lock")).unwrap();
    }

    fn alter(&self, number: u64, change: &dyn Fn(&mut StoredBatch)) {
        let sql = self.sql();
        let read = "SELECT epoch, first_seq, count, prev, hash, bytes FROM batch WHERE number = ?1";
        let mut batch = sql
            .query_row(read, [number.cast_signed()], |row| {
                Ok(StoredBatch {
                    number,
                    epoch: row.get::<_, i64>(0)?.cast_unsigned(),
                    first_seq: row.get::<_, i64>(1)?.cast_unsigned(),
                    count: row.get(2)?,
                    prev: row.get(3)?,
                    hash: row.get(4)?,
                    bytes: row.get(5)?,
                })
            })
            .unwrap();
        change(&mut batch);
        let write = "UPDATE batch SET epoch = ?2, first_seq = ?3, count = ?4, prev = ?5,
                     hash = ?6, bytes = ?7 WHERE number = ?1";
        let changed = sql.execute(
            write,
            params![
                number.cast_signed(),
                batch.epoch.cast_signed(),
                batch.first_seq.cast_signed(),
                batch.count,
                batch.prev,
                batch.hash,
                batch.bytes
            ],
        );
        assert_eq!(changed.unwrap(), 1);
    }

    fn remove(&self, number: u64) {
        let sql = "DELETE FROM batch WHERE number = ?1";
        assert_eq!(self.sql().execute(sql, [number.cast_signed()]).unwrap(), 1);
    }

    fn snapshot_file(&self, seq: u64) -> Option<Vec<u8>> {
        fs::read(self.snapshot_path(seq)).ok()
    }

    fn place_snapshot_file(&self, seq: u64, bytes: &[u8]) {
        let path = self.snapshot_path(seq);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}
