//! Many storms on several threads, and what is kept of a failing one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::{Coverage, Storm};

/// Many storms.
#[derive(Clone, Debug, Default)]
pub struct Fleet {
    /// Run in this order.
    pub seeds: Vec<u64>,
    /// How many at a time.
    pub threads: usize,
    /// No further storm begins after this long.
    pub at_most: Option<Duration>,
}

/// A storm that did not end well.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Run it again with this.
    pub seed: u64,
    /// What was wrong.
    pub what: String,
}

impl Fleet {
    /// Runs all of them, and stops to begin new ones after the first failure.
    pub fn run(&self) -> (Coverage, Vec<Failure>) {
        let started = Instant::now();
        let next = Mutex::new(self.seeds.iter().copied());
        let result = Mutex::new((Coverage::default(), Vec::new()));
        std::thread::scope(|scope| {
            for _ in 0..self.threads.max(1) {
                scope.spawn(|| {
                    loop {
                        let late = self.at_most.is_some_and(|most| most <= started.elapsed());
                        let seed = next.lock().expect("no thread panics with it").next();
                        let (Some(seed), false) = (seed, late) else {
                            return;
                        };
                        let mut coverage = Coverage::default();
                        let failure = run_one(seed, &mut coverage);
                        let mut result = result.lock().expect("no thread panics with it");
                        result.0.add(&coverage);
                        result.1.extend(failure);
                        if !result.1.is_empty() {
                            return;
                        }
                    }
                });
            }
        });
        result.into_inner().expect("no thread panics with it")
    }
}

fn run_one(seed: u64, coverage: &mut Coverage) -> Option<Failure> {
    let run = AssertUnwindSafe(|| Storm::new(seed).run(coverage));
    let what = match catch_unwind(run) {
        Ok(Ok(())) => return None,
        Ok(Err(error)) => error.to_string(),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            format!("seed {seed}: a panic: {}", text.unwrap_or("of some kind"))
        }
    };
    Some(Failure { seed, what })
}
