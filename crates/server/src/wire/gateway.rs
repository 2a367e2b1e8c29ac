//! Batches of gateways.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Joins for members that have paid at the channel already, 1 to 1000.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JoinBatch {
    #[schema(min_items = 1, max_items = 1000)]
    pub(crate) items: Vec<JoinItem>,
}

/// One join.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JoinItem {
    pub(crate) group: String,
    pub(crate) member: String,
    /// The member whose share link was used.
    pub(crate) via: Option<String>,
    /// The provider's number of the payment; its attach must be `{"group":"…","member":"…"}`.
    pub(crate) txn: String,
}

/// What became of each join, in the order of the batch.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JoinAnswers {
    pub(crate) items: Vec<JoinAnswer>,
    pub(crate) seq: String,
}

/// What became of one join.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
pub(crate) enum JoinAnswer {
    /// It holds a seat.
    Seated {
        /// The reservation.
        payment: String,
    },
    /// It goes back in full.
    Bounced {
        /// Why.
        reason: String,
    },
    /// This payment was dealt with before.
    Known,
    /// Nothing happened.
    Refused {
        /// Stable, for programs.
        code: String,
        /// For people.
        detail: String,
    },
    /// The channel knows no such payment, or it is not for this group and member.
    PaymentUnconfirmed {
        /// For people.
        detail: String,
    },
}

/// Registers members that a gateway serves, 1 to 1000.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemberBatch {
    #[schema(min_items = 1, max_items = 1000)]
    pub(crate) items: Vec<MemberItem>,
}

/// One member.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemberItem {
    /// 32 hex digits, random, the gateway's own: the same token is the same member.
    pub(crate) token: String,
    /// The member that brought him in.
    pub(crate) inviter: Option<String>,
}

/// The members' numbers, in the order of the batch.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MemberAnswers {
    pub(crate) items: Vec<MemberAnswer>,
    pub(crate) seq: String,
}

/// One registration's outcome.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
pub(crate) enum MemberAnswer {
    /// He is a member.
    Registered {
        /// His number.
        member: String,
    },
    /// Nothing happened.
    Refused {
        /// Stable, for programs.
        code: String,
        /// For people.
        detail: String,
    },
}
