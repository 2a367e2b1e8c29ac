//! Simulated populations driving the real domain and engine.
//!
//! Why: rules that hold one by one can still break together. A [`Simulation`] lets a made-up population sign up,
//! open and join groups, pay in time, late, twice, wrongly or never, leave, and wait, and drives the engine's
//! [`Step`](engine::Step) with a clock of its own. A [`Storm`] sends what nobody would, as often wrong as right, on a
//! disk that fails in every way the journal knows. Beside both runs a slow model that tells the rules once more in
//! other words; after every batch both must agree on every seat, state and fen. Everything follows from one seed,
//! and every difference names it.

mod day;
mod error;
mod model;
mod plans;
mod provider;
mod rng;
mod shop;
mod stats;
mod storm;

pub use day::{Day, Simulation};
pub use error::SimError;
pub use model::Mistake;
pub use shop::{BEACON_GENESIS_S, BEACON_PERIOD_S, beacon_file, beacon_seed};
pub use stats::Stats;
pub use storm::{Coverage, Failure, Fleet, Kind, Storm, Wrap};
