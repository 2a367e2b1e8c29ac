//! The rules (docs/rules.md) through the one door: commands in, events, balances and refusals out.
#![expect(
    clippy::wildcard_enum_match_arm,
    clippy::too_many_lines,
    reason = "tests name the kinds they mean, and long tables are tables"
)]
mod alliance;
mod ballots;
mod bought_at_counters;
mod circles;
mod clawbacks;
mod coins;
mod counter_cash;
mod counters;
mod debts;
mod deletions;
mod deliveries;
mod dividends;
mod gifts;
mod groups;
mod homes;
mod identities;
mod kinds;
mod late_rounds;
mod laws;
mod limits;
mod notices;
mod odds;
mod once;
mod people;
mod profiles;
mod purchases;
mod recharges;
mod reserves;
mod returns;
mod settlements;
mod shop;
mod solvency;
mod standing;
mod statements;
mod stored;
mod suppliers;
mod tables;
mod taxes;
mod told;
mod withdrawals;
