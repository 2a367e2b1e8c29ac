//! Withdrawals and the accounts they go to.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Amount, At, List};

/// Takes back a reward that was available already.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClawbackWanted {
    /// At most what the member has ever got, less what was taken back before.
    pub(crate) amount: Amount,
    /// The group that it is about, which the member is told.
    #[serde(default)]
    pub(crate) group: Option<String>,
    /// Why, for the other operators: 1 to 400 bytes.
    pub(crate) reason: String,
}

/// Asks for available money.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WithdrawalWanted {
    /// How much, the fee included.
    pub(crate) amount: Amount,
}

/// A withdrawal that was asked for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WithdrawalAsked {
    /// Its number.
    pub(crate) id: String,
    /// Its place in the journal; reads take it as `at_least`.
    pub(crate) seq: String,
}

/// A withdrawal.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WithdrawalCard {
    pub(crate) id: String,
    /// What was asked for.
    pub(crate) amount: Amount,
    /// What of it the platform keeps when it is paid.
    pub(crate) fee: Amount,
    /// What arrives.
    pub(crate) net: Amount,
    /// `requested`, `sent`, `waiting` (for the member's confirmation), `paid`, `rejected`, `failed` or `expired`; with the
    /// last three the money is available again
    #[schema(example = "requested")]
    pub(crate) state: &'static str,
    pub(crate) requested_at: At,
    pub(crate) approved_at: Option<At>,
    /// When it was paid, or the money came back.
    pub(crate) ended_at: Option<At>,
}

/// The member's withdrawals, and what he may ask for now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MyWithdrawals {
    /// What he has available.
    pub(crate) available: Amount,
    /// The least that one withdrawal may be.
    pub(crate) minimum: Amount,
    /// Of the amount, in percent.
    #[schema(example = "0.6%")]
    pub(crate) fee: String,
    /// What he may still ask for today.
    pub(crate) left_today: Amount,
    /// Newest first.
    #[serde(flatten)]
    pub(crate) withdrawals: List<WithdrawalCard>,
}

/// Where the member confirms a withdrawal that waits for that.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Confirmation {
    /// The channel's page.
    pub(crate) url: String,
    /// From when on it is too late.
    pub(crate) until: At,
}

/// Where a member's withdrawals go.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PayoutAccountWanted {
    /// His name, as it stands at the payment provider; 1 to 128 bytes.
    pub(crate) name: String,
    /// His account there; 1 to 128 bytes.
    pub(crate) account: String,
}

/// Where a member's withdrawals go, as he and staff see it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PayoutAccountCard {
    /// Names this entry; another account has another.
    pub(crate) token: String,
    pub(crate) name: String,
    pub(crate) account: String,
    pub(crate) entered_at: At,
    /// When staff found it to be his own; nothing is paid to it before.
    pub(crate) verified_at: Option<At>,
}

/// The account, or none.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PayoutAccountPage {
    pub(crate) account: Option<PayoutAccountCard>,
}

/// Notes that an account is the member's own.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountVerified {
    /// Of the account that was looked at.
    pub(crate) token: String,
    /// How that is known: 1 to 400 bytes.
    pub(crate) reason: String,
}

/// A withdrawal with whose it is, for staff.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WithdrawalLine {
    pub(crate) member: String,
    pub(crate) member_masked: String,
    /// How old he is at least, in years, if somebody has seen his document.
    pub(crate) verified_age: Option<u32>,
    /// What stands against approving it today: `member_frozen`, `not_verified` or `too_young`; null where nothing does, or where it
    /// does not wait for a decision.
    pub(crate) refused_by: Option<&'static str>,
    #[serde(flatten)]
    pub(crate) withdrawal: WithdrawalCard,
}
