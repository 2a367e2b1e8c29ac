//! Members' home stores.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::At;

/// A member's home store.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HomePage {
    /// None where he never had one.
    pub(crate) home: Option<HomeCard>,
}

/// The store that first brought a member.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HomeCard {
    pub(crate) store: String,
    pub(crate) name: String,
    /// From then on it gets nothing of what the platform earns on him; past where that is so.
    pub(crate) until: At,
    /// Whether it still is.
    pub(crate) open: bool,
}

/// The store whose link or code a member has used.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HomeWanted {
    /// Its number, which is its code.
    pub(crate) store: String,
}
