//! The views through their public door: records in, rows out; and the directory.
#![expect(
    clippy::wildcard_enum_match_arm,
    clippy::too_many_lines,
    reason = "tests name the kinds they mean, and a story is a story"
)]
mod ballots;
mod directory;
mod dividends;
mod draws;
mod events;
mod following;
mod histories;
mod kit;
mod lost;
mod notices;
mod opening;
mod purchases;
mod reading;
mod story;
mod treats;
mod way_back;
