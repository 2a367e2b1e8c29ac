//! The draw: files, seed, selection, result; byte-exact (draw 1-8).
//!
//! Why a crate of its own: everything here is arithmetic over bytes. It reads no clock, no file,
//! no random source and starts no thread, so the server that draws and the auditor who checks the
//! draw years later run the same code on the same inputs and must reach the same bytes.
//!
//! The way of one draw through this crate:
//!
//! 1. [`Open`] holds the rules, [`Seats`] who sits where; both are files with one valid form.
//! 2. [`freeze_for`] seals them and fixes one future beacon round ([`round_for`]).
//! 3. [`BeaconKey::verify`] turns the round's signature into a [`VerifiedRound`]; nothing else can.
//! 4. [`draw`] turns the four into an [`Outcome`]; nothing else can. Money moves on an `Outcome` only.
//!
//! [`reproduce`] is the same computation for somebody who holds only the files.

#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::float_arithmetic,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::iter_over_hash_type,
        clippy::panic
    )
)]

mod beacon;
mod draw;
mod freeze;
mod hash;
mod lines;
mod local;
mod member;
mod name;
mod open;
mod reproduce;
mod result;
mod rotation;
mod seats;
mod select;
mod timing;
mod void;

pub use beacon::{BeaconError, BeaconFile, BeaconId, BeaconKey, VerifiedRound};
pub use draw::{DrawError, Outcome, draw, freeze_for};
pub use freeze::Freeze;
pub use hash::{Hash, HexError, hash, signature_from_hex, to_hex};
pub use lines::{MAX_DECIMAL, MAX_LOG_ENTRY_BYTES, ParseError};
pub use local::LocalBeacon;
pub use member::{member_tag, salt};
pub use name::{Ident, NameError, Origin};
pub use open::{
    Chain, LeaderRule, MAX_SEATS, MAX_WINNERS, Mode, Open, OutcomeKind, PerMember, Rotation,
    SeatRange, Source, Timeout, TimeoutAction,
};
pub use reproduce::{ReproduceError, Reproduced, reproduce};
pub use result::{BeaconKind, ResultFile};
pub use rotation::{PastDraw, RotationError, Tiers, certain_members};
pub use seats::{SeatLine, Seats};
pub use select::{order, scores, seed, winner_count};
pub use timing::{BeaconTiming, QUICKNET, RoundError, round_for};
pub use void::{Void, VoidError, VoidReason};
