//! Circles that take turns (rules 4).

use serde::Serialize;
use utoipa::ToSchema;

/// The circle of a group.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GroupCircle {
    /// By its first group.
    pub(crate) id: String,
    /// How many are in it; 0 until its first group has filled.
    pub(crate) members: u32,
    /// Its group that is open or waits for its draw.
    pub(crate) running: Option<String>,
    /// Whether the caller is in it.
    pub(crate) mine: bool,
}

/// A circle with its groups.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CirclePage {
    #[serde(flatten)]
    pub(crate) card: GroupCircle,
    pub(crate) campaign: String,
    /// How many it is when nobody has left.
    pub(crate) seats: u32,
    /// SHA-256 of the last group's result or void file: `prev` of the next freeze.
    pub(crate) last: Option<String>,
    /// All its groups, the first one first; at most the last 1000.
    pub(crate) groups: Vec<String>,
}
