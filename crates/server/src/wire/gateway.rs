//! Batches of gateways.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Joins for members that have paid at the channel already, 1 to 1000.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JoinBatch<'a> {
    #[schema(min_items = 1, max_items = 1000)]
    #[serde(borrow)]
    pub(crate) items: Vec<JoinItem<'a>>,
}

/// One join.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JoinItem<'a> {
    #[serde(borrow)]
    #[schema(value_type = String)]
    pub(crate) group: Cow<'a, str>,
    #[serde(borrow)]
    #[schema(value_type = String)]
    pub(crate) member: Cow<'a, str>,
    /// The member whose share link was used.
    pub(crate) via: Option<String>,
    /// The provider's number of the payment; its attach must be `{"group":"…","member":"…"}`.
    #[serde(borrow)]
    #[schema(value_type = String)]
    pub(crate) txn: Cow<'a, str>,
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
pub(crate) struct MemberBatch<'a> {
    #[schema(min_items = 1, max_items = 1000)]
    #[serde(borrow)]
    pub(crate) items: Vec<MemberItem<'a>>,
}

/// One member.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemberItem<'a> {
    /// 32 hex digits, random, the gateway's own: the same token is the same member.
    #[serde(borrow)]
    #[schema(value_type = String)]
    pub(crate) token: Cow<'a, str>,
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
