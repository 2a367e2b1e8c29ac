//! Laws of snapshots: the one to start from is whole and belongs to the journal.

use std::io::{self, Read};

use journal::{LatestSnapshot, Mark, SkipReason, SnapshotError};

use crate::*;

fn write(journal: &dyn Journal, at: Mark, content: &[u8]) -> Result<u64, SnapshotError> {
    journal.write_snapshot(at, &mut |out| out.write_all(content))
}

/// Appends a batch and writes a snapshot there; returns where.
fn step(journal: &mut dyn Journal, content: &str) -> Mark {
    let at = append(journal, &[content.as_bytes()]).mark();
    write(journal, at, content.as_bytes()).expect("writes");
    at
}

fn content(latest: LatestSnapshot) -> Option<(u64, Vec<u8>)> {
    let mut snapshot = latest.snapshot?;
    let mut content = Vec::new();
    snapshot.read_to_end(&mut content).expect("reads");
    assert_eq!(snapshot.len_bytes, content.len() as u64);
    Some((snapshot.at.seq, content))
}

/// What was skipped, as an operator reads it.
fn skipped(latest: &LatestSnapshot) -> Vec<String> {
    latest
        .skipped
        .iter()
        .map(|skip| format!("{}: {}", skip.name, skip.reason))
        .collect()
}

pub(crate) fn what_was_written_comes_back<D: Disk>() {
    let disk = D::new();
    let mut journal = disk.opened();
    assert!(content(journal.latest_snapshot().unwrap()).is_none());
    let at = step(&mut *journal, "the world");
    append(&mut *journal, &[b"later"]);
    drop(journal);
    let latest = disk.opened().latest_snapshot().unwrap();
    assert!(skipped(&latest).is_empty());
    assert_eq!(latest.snapshot.as_ref().unwrap().at, at);
    assert_eq!(content(latest), Some((1, b"the world".to_vec())));
}

pub(crate) fn a_snapshot_of_many_chunks_comes_back<D: Disk>() {
    let disk = three_batches::<D>();
    let journal = disk.opened();
    let expected: Vec<u8> = (0..3_500_000_u32).map(|at| (at % 251) as u8).collect();
    let size_bytes = journal.write_snapshot(journal.head().mark(), &mut |out| {
        expected
            .chunks(10_007)
            .try_for_each(|piece| out.write_all(piece))
    });
    assert!(expected.len() as u64 <= size_bytes.unwrap());
    assert_eq!(
        content(journal.latest_snapshot().unwrap()),
        Some((6, expected))
    );
}

pub(crate) fn an_empty_snapshot_comes_back<D: Disk>() {
    let disk = three_batches::<D>();
    let journal = disk.opened();
    write(&*journal, journal.head().mark(), b"").unwrap();
    assert_eq!(
        content(journal.latest_snapshot().unwrap()),
        Some((6, Vec::new()))
    );
}

pub(crate) fn the_newest_two_are_kept<D: Disk>() {
    let disk = D::new();
    let mut journal = disk.opened();
    for content in ["a", "b", "c", "d"] {
        step(&mut *journal, content);
    }
    let kept: Vec<u64> = (0..9)
        .filter(|seq| disk.snapshot_file(*seq).is_some())
        .collect();
    assert_eq!(kept, [3, 4]);
    assert_eq!(
        content(journal.latest_snapshot().unwrap()),
        Some((4, b"d".to_vec()))
    );
}

pub(crate) fn a_mark_outside_the_journal_is_refused<D: Disk>() {
    let disk = three_batches::<D>();
    let journal = disk.opened();
    let Mark { seq, hash } = journal.head().mark();
    for (seq, hash) in [
        (0, [0; 32]),
        (seq - 1, hash),
        (seq + 1, hash),
        (seq, [7; 32]),
    ] {
        let error = write(&*journal, Mark { seq, hash }, b"x").unwrap_err();
        assert!(
            matches!(error, SnapshotError::NotInJournal { .. }),
            "{error}"
        );
        assert!(disk.snapshot_file(seq).is_none());
    }
}

pub(crate) fn a_failed_writing_leaves_the_older_one<D: Disk>() {
    let disk = D::new();
    let mut journal = disk.opened();
    step(&mut *journal, "older");
    let at = append(&mut *journal, &[b"later"]).mark();
    let failed = journal.write_snapshot(at, &mut |out| {
        out.write_all(&[1; 2_000_000])?;
        Err(io::Error::other("the world cannot be encoded"))
    });
    assert!(
        matches!(failed, Err(SnapshotError::File { .. })),
        "{failed:?}"
    );
    assert!(disk.snapshot_file(2).is_none());
    let latest = journal.latest_snapshot().unwrap();
    assert!(skipped(&latest).is_empty());
    assert_eq!(content(latest), Some((1, b"older".to_vec())));
}

pub(crate) fn a_damaged_one_is_skipped<D: Disk>() {
    let disk = D::new();
    let mut journal = disk.opened();
    step(&mut *journal, "older");
    step(&mut *journal, "newer");
    let whole = disk.snapshot_file(2).unwrap();
    let damaged = (0..whole.len()).map(|position| {
        let mut bytes = whole.clone();
        bytes[position] ^= 0x10;
        bytes
    });
    let cut = (0..whole.len()).map(|kept| whole[..kept].to_vec());
    let longer = [&whole[..], b"x"].concat();
    for bytes in damaged.chain(cut).chain([longer]) {
        disk.place_snapshot_file(2, &bytes);
        let latest = journal.latest_snapshot().unwrap();
        assert_eq!(latest.skipped.len(), 1, "{:?}", skipped(&latest));
        assert_eq!(latest.skipped[0].name, "00000000000000000002.snap");
        assert_eq!(content(latest), Some((1, b"older".to_vec())));
    }
    disk.place_snapshot_file(2, &whole[..whole.len() - 1]);
    let says = "00000000000000000002.snap: it is damaged: it is cut short";
    assert_eq!(skipped(&journal.latest_snapshot().unwrap()), [says]);
    disk.place_snapshot_file(2, &whole);
    assert_eq!(
        content(journal.latest_snapshot().unwrap()),
        Some((2, b"newer".to_vec()))
    );
}

pub(crate) fn a_foreign_one_is_skipped<D: Disk>() {
    let (disk, other) = (D::new(), D::new());
    let mut journal = disk.opened();
    step(&mut *journal, "one");
    append(&mut *journal, &[b"two"]);
    let mut foreign = other.opened();
    append(&mut *foreign, &[b"of another journal"]);
    step(&mut *foreign, "foreign");
    disk.place_snapshot_file(2, &other.snapshot_file(2).unwrap());
    let latest = journal.latest_snapshot().unwrap();
    assert!(matches!(
        latest.skipped[0].reason,
        SkipReason::Foreign { seq: 2 }
    ));
    assert_eq!(content(latest), Some((1, b"one".to_vec())));
}

pub(crate) fn one_newer_than_the_journal_is_skipped_and_stays<D: Disk>() {
    let disk = three_batches::<D>();
    let mut journal = disk.opened();
    step(&mut *journal, "of the lost end");
    drop(journal);
    disk.remove(4);
    let mut journal = disk.opened();
    let latest = journal.latest_snapshot().unwrap();
    let says = "00000000000000000007.snap: it stands at sequence 7, but the journal ends before \
                7: it was made from another journal, or the journal lost its end, or was restored from an older copy";
    assert_eq!(skipped(&latest), [says]);
    assert!(content(latest).is_none());

    // It must neither be taken for one of the new history nor push that one's out.
    let mut even_later = disk.snapshot_file(7).unwrap();
    even_later[18..26].copy_from_slice(&8_u64.to_le_bytes());
    disk.place_snapshot_file(8, &even_later);
    write(&*journal, journal.head().mark(), b"of the kept part").unwrap();
    append(&mut *journal, &[b"another seven"]);
    let latest = journal.latest_snapshot().unwrap();
    assert!(matches!(
        latest.skipped[0].reason,
        SkipReason::NewerThanJournal { seq: 8, .. }
    ));
    assert!(matches!(
        latest.skipped[1].reason,
        SkipReason::Foreign { seq: 7 }
    ));
    assert_eq!(content(latest), Some((6, b"of the kept part".to_vec())));
    assert!(disk.snapshot_file(7).is_some());
}

pub(crate) fn a_renamed_one_is_skipped<D: Disk>() {
    let disk = D::new();
    let mut journal = disk.opened();
    step(&mut *journal, "one");
    append(&mut *journal, &[b"two"]);
    disk.place_snapshot_file(2, &disk.snapshot_file(1).unwrap());
    let says = "00000000000000000002.snap: it is damaged: \
                its name says sequence 2, its content 1";
    assert_eq!(skipped(&journal.latest_snapshot().unwrap()), [says]);
}

pub(crate) fn one_of_a_later_format_is_skipped<D: Disk>() {
    let disk = D::new();
    let mut journal = disk.opened();
    step(&mut *journal, "one");
    let mut later = disk.snapshot_file(1).unwrap();
    later[16..18].copy_from_slice(&2_u16.to_le_bytes());
    disk.place_snapshot_file(1, &later);
    let says = "00000000000000000001.snap: it has snapshot format 2, this program reads 1";
    assert_eq!(skipped(&journal.latest_snapshot().unwrap()), [says]);
}
