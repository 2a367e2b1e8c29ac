//! What waits for a second operator.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{At, Done};

/// Something that one operator asks for and another one decides.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ApprovalLine {
    /// Its number.
    pub(crate) approval: String,
    /// `open`, `approved` or `declined`.
    pub(crate) state: String,
    /// `capital`, `tax`, `suppliers`, `clawback`, `plan`, `profile`, `contract`, `admit-merchant`, `statement-confirm`,
    /// `statement-paid`, `merchant-paid`, `refund-counter`, `rank`, `appoint`, `dismiss`, `add-staff` or `staff-password`.
    pub(crate) what: String,
    /// The member it is about, or the merchant, applicant, statement, payment at a counter, region or account; 0 where it is about
    /// nobody.
    pub(crate) subject: String,
    /// The request's body, without passwords; of an admission with the applicant's name and contact as they stood then.
    #[schema(value_type = Object)]
    pub(crate) asked: serde_json::Value,
    /// Who asks.
    pub(crate) operator: String,
    /// Why; empty if he did not say.
    pub(crate) reason: String,
    /// When.
    pub(crate) at: At,
    /// Who decided, if somebody has.
    pub(crate) second: Option<SecondLine>,
    /// Its place in the journal, once it is done.
    pub(crate) seq: Option<String>,
}

/// What the second operator says.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SecondLine {
    /// Who.
    pub(crate) operator: String,
    /// Why.
    pub(crate) reason: String,
    /// When.
    pub(crate) at: At,
}

/// Somebody who runs the platform.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OperatorLine {
    /// As decisions name him.
    pub(crate) id: String,
    /// What he signs in with.
    pub(crate) name: String,
    /// `operator` or `finance`.
    pub(crate) role: String,
}

/// What is kept of an account whose end is asked for.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RemovalAsked {
    pub(crate) name: String,
    pub(crate) reason: String,
}

/// What becomes of an account's removal.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum RemovalAnswer {
    /// It has ended.
    Removed(Done),
    /// It waits for a second operator.
    Waits(Box<ApprovalLine>),
}
