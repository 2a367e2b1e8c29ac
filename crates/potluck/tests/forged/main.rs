//! Journals with one event changed, in batches whose hashes are right: `potluck audit` counts everything again by the events
//! alone and finds what was changed.
#![expect(
    clippy::too_many_lines,
    clippy::wildcard_enum_match_arm,
    reason = "tests look for one kind of event among all, and long tables are tables"
)]

mod alliance;
mod ballots;
mod bought_at_counters;
mod circles;
mod coins;
mod counter_cash;
mod counters;
mod deletions;
mod dividends;
mod gifts;
mod homes;
mod late_rounds;
mod limits;
mod people;
mod purchases;
mod shop;
mod statements;
mod treats;
mod withdrawals;
