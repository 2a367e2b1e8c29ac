//! Measures page sizes and checkpoint intervals for blobs as the journal writes them.
//!
//! Why it is kept: the numbers in `sqlite.rs` come from here, and disks differ.
//! `cargo run --release -p journal --example measure_pages -- [directory]`
#![expect(clippy::print_stdout, reason = "an example that prints a table")]

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};

const MIB: usize = 1024 * 1024;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let place = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    println!("page KiB | checkpoint MiB | blob KiB | MB/s | median ms | worst ms");
    for (blob, count) in [(MIB, 400), (16 * 1024, 1500)] {
        for page in [4096, 16384, 65536] {
            for checkpoint in [4 * MIB, 16 * MIB, 64 * MIB] {
                let scratch = tempfile::tempdir_in(&place)?;
                let mut times = run(scratch.path(), page, checkpoint / page, (blob, count))?;
                let total: Duration = times.iter().sum();
                times.sort();
                println!(
                    "{:8} | {:14} | {:8} | {:4.0} | {:9.2} | {:8.1}",
                    page / 1024,
                    checkpoint / MIB,
                    blob / 1024,
                    (blob * count) as f64 / 1e6 / total.as_secs_f64(),
                    times[count / 2].as_secs_f64() * 1e3,
                    times[count - 1].as_secs_f64() * 1e3,
                );
            }
        }
    }
    Ok(())
}

/// Appends `count` blobs of `blob` bytes, each in a transaction; returns how long each took.
fn run(
    place: &Path,
    page: usize,
    checkpoint_pages: usize,
    (blob, count): (usize, usize),
) -> rusqlite::Result<Vec<Duration>> {
    let connection = Connection::open(place.join("measure.db"))?;
    connection.execute_batch(&format!(
        "PRAGMA page_size={page}; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
         PRAGMA wal_autocheckpoint={checkpoint_pages};
         CREATE TABLE batch(number INTEGER PRIMARY KEY, first_seq INTEGER UNIQUE, bytes BLOB);"
    ))?;
    let bytes: Vec<u8> = (0..blob).map(|at| (at * 2_654_435_761) as u8).collect();
    let mut times = Vec::new();
    for number in 1..=count {
        let start = Instant::now();
        connection
            .prepare_cached("INSERT INTO batch VALUES(?1, ?2, ?3)")?
            .execute(params![number as i64, number as i64 * 1000, bytes])?;
        times.push(start.elapsed());
    }
    Ok(times)
}
