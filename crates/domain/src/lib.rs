//! Every rule of Potluck: people, groups, money and coins.
//!
//! Why it is pure: the journal is replayed to rebuild memory, on other machines and years later, and every
//! replay must reach the same fen. So nothing in here reads a clock, draws a random number, does input or
//! output, or calculates in floating point. Comments such as "rules 5" name sections of `docs/rules.md`.
//!
//! [`World::execute`] is the door: it applies what has become due, decides a [`Command`] and applies the
//! resulting [`Event`]s. [`World::apply`] alone rebuilds a world from stored events.
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::float_arithmetic,
        clippy::indexing_slicing,
        clippy::iter_over_hash_type,
        clippy::unwrap_used,
        clippy::as_conversions,
    )
)]

mod alliance;
mod answer;
mod ballot;
mod books;
mod campaign;
mod circle;
mod clawback;
mod coins;
mod command;
mod deletion;
mod delivery;
mod dividend;
mod drawing;
mod event;
mod group;
mod idempotency;
mod identity;
mod ids;
mod join;
mod kinds;
mod late_round;
mod ledger;
mod limits;
mod lots;
mod member;
mod money;
mod notices;
mod odds;
mod order;
mod payment;
mod plan;
mod prefetch;
mod profile;
mod promises;
mod published;
mod queries;
mod reading;
mod recharge;
mod record;
mod refund;
mod refusal;
mod region;
mod returned;
pub mod rewards;
mod settlement;
mod shop;
mod snapshot;
mod solvency;
mod spending;
mod standing;
mod suppliers;
mod table;
mod tax;
mod time;
mod timers;
mod treat;
mod vintages;
mod withdrawal;
mod world;

pub use alliance::*;
pub use answer::{Answer, PaymentAnswer};
pub use ballot::{
    BallotCommand, BallotDrawn, BallotEvent, BallotRefusal, MAX_RIGHTS_PASS, Right, RightState,
};
pub use books::*;
pub use campaign::*;
pub use circle::{CircleCommand, CircleEvent, CircleRefusal, CircleView, circle_ident};
pub use coins::{CoinLot, CoinsLost, LotPart, MAX_EXPIRED};
pub use command::*;
pub use deletion::DeletionRefusal;
pub use delivery::{DeliveryCommand, DeliveryEvent};
pub use dividend::{
    DividendShare, DividendTerms, DividendWeight, MAX_DIVIDENDS_PAID, MAX_RANK_WEIGHT, Period,
    PoolReturn, PoolView, Pooled, SeatShare, TotalWeight, share_out, total_weight,
};
pub use event::*;
pub use group::*;
pub use idempotency::*;
pub use identity::{
    IdentityCommand, IdentityEvent, IdentityRefusal, MAX_AGE, MAX_ORGANISER_CHARS, Organiser,
};
pub use ids::*;
pub use kinds::{Case, WinPair, winners_of_rate};
pub use ledger::*;
pub use limits::{
    EXCLUSION_DAYS, LOOSENED_AFTER, LimitsView, LooserLimits, MAX_LIMIT_COUNT, MAX_PAUSE,
    MemberLimits, Paused,
};
pub use member::*;
pub use money::*;
pub use notices::{Notice, NoticeKind, NoticeTo, NoticeWhy, notices};
pub use odds::{Odds, Ratio, odds};
pub use order::*;
pub use plan::*;
pub use prefetch::READ_AHEAD;
pub use profile::*;
pub use promises::found_in as forbidden_promise;
pub use published::published_file;
pub use recharge::*;
pub use record::*;
pub use refund::*;
pub use refusal::*;
pub use region::{BadRegion, Region, regions};
pub use returned::{Returns, SomeReturn, returns};
pub use settlement::*;
pub use shop::*;
pub use snapshot::SnapshotError;
pub use solvency::*;
pub use standing::{MAX_RISEN, REGION_STANDS, Risen};
pub use time::*;
pub use treat::{MAX_OPEN_TABLES, TableBill, TableCommand, TableEvent, TableRefusal, TableView};
pub use vintages::Vintage;
pub use withdrawal::{
    PayoutFailure, PayoutOutcome, PendingPayout, Withdrawal, WithdrawalId, WithdrawalState,
};
pub use world::*;
