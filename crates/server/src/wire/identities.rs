//! Who is who (rules 11).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Words, WordsWanted};

/// Notes that somebody has seen a member's document.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemberVerified {
    /// His age today, in whole years.
    pub(crate) age: u32,
    /// Which document, and how it was seen; no name and no number: 1 to 400 bytes.
    pub(crate) reason: String,
}

/// Says who runs the platform.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrganiserWanted {
    pub(crate) name: WordsWanted,
    /// How he is reached: 1 to 200 characters.
    pub(crate) contact: String,
    pub(crate) reason: String,
}

/// Who runs the platform, and how he is reached.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrganiserCard {
    pub(crate) name: Words,
    pub(crate) contact: String,
}
