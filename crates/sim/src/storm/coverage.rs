//! What a storm has met.

use std::collections::BTreeMap;

/// How often each kind of thing has happened: a simulation in which nothing happens proves nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Worlds simulated to their end.
    pub storms: u64,
    /// Commands executed, ticks included.
    pub commands: u64,
    /// Batches made durable.
    pub batches: u64,
    /// Records read back from journals and checked by themselves.
    pub records: u64,
    /// Comparisons of everything with everything.
    pub full_comparisons: u64,
    /// Replays of a whole journal from nothing.
    pub replays: u64,
    /// Commands sent again by clients who had got no answer, and among them those that had taken effect.
    pub retried: u64,
    /// Of those, how many had taken effect.
    pub retried_done: u64,
    counts: BTreeMap<(&'static str, &'static str), u64>,
}

impl Coverage {
    pub(crate) fn note(&mut self, class: &'static str, what: &'static str) {
        *self.counts.entry((class, what)).or_default() += 1;
    }

    /// How often this has happened; the classes are `command`, `event`, `closing`, `bounce`, `refusal`, `answer`,
    /// `fault`, `start`, `clock` and `world`.
    pub fn count(&self, class: &str, what: &str) -> u64 {
        self.counts
            .iter()
            .find(|((known, name), _)| *known == class && *name == what)
            .map_or(0, |(_, count)| *count)
    }

    /// Adds what another storm has met.
    pub fn add(&mut self, other: &Coverage) {
        self.storms += other.storms;
        self.commands += other.commands;
        self.batches += other.batches;
        self.records += other.records;
        self.full_comparisons += other.full_comparisons;
        self.replays += other.replays;
        self.retried += other.retried;
        self.retried_done += other.retried_done;
        for (&key, count) in &other.counts {
            *self.counts.entry(key).or_default() += count;
        }
    }
}

impl std::fmt::Display for Coverage {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(
            out,
            "{} commands in {} batches of {} worlds; {} records checked, {} full comparisons, {} replays, \
             {} commands asked again of which {} had taken effect",
            self.commands,
            self.batches,
            self.storms,
            self.records,
            self.full_comparisons,
            self.replays,
            self.retried,
            self.retried_done,
        )?;
        let mut last = "";
        for ((class, what), count) in &self.counts {
            if last != *class {
                write!(out, "{}{class}:", if last.is_empty() { "" } else { "\n" })?;
                last = class;
            }
            write!(out, " {what} {count}")?;
        }
        Ok(())
    }
}
