//! A small, real history: a simulated day of a few people, and the world at every moment of it.

use std::sync::LazyLock;

use domain::{Record, World};
use engine::{RecordReader, Step, StoredRecord};
use journal::{MemoryJournal, MemoryStorage};
use sim::{Day, Stats};

/// A history of a platform.
pub(crate) struct History {
    /// What happened, in order.
    pub(crate) records: Vec<Record>,
    /// The world before the first record, and after each.
    pub(crate) worlds: Vec<World>,
}

impl History {
    /// The world at its end.
    pub(crate) fn last(&self) -> &World {
        self.worlds
            .last()
            .expect("there is one before the first record")
    }
}

/// The same history for everybody.
pub(crate) fn base() -> &'static History {
    static BASE: LazyLock<History> = LazyLock::new(live);
    &BASE
}

fn live() -> History {
    let storage = MemoryStorage::new();
    let journal = MemoryJournal::open(&storage).expect("a new journal in memory");
    let (mut step, _) = Step::open(Box::new(journal), &mut |_| {}).expect("an empty journal");
    let (day, mut stats) = (
        Day {
            members: 16,
            seed: 3,
            hours: 3,
        },
        Stats::default(),
    );
    day.run(&mut step, &mut stats)
        .expect("the simulated day keeps the rules");
    let mut history = History {
        records: Vec::new(),
        worlds: vec![World::default()],
    };
    let mut reader = RecordReader::new(storage.reader(), 0);
    loop {
        let stored = reader.read(1 << 20).expect("its journal can be read");
        if stored.is_empty() {
            return history;
        }
        for StoredRecord { record, .. } in stored {
            let mut world = history.last().clone();
            world.apply(&record);
            history.worlds.push(world);
            history.records.push(record);
        }
    }
}
