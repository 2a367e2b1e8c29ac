//! The public notice of a campaign (rules 11).

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{Amount, At, ChanceCard, Odds, OrganiserCard, Words};

/// Everything a campaign must tell the public, made from the data that runs it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Notice {
    pub(crate) campaign: String,
    pub(crate) name: Words,
    pub(crate) kind: &'static str,
    pub(crate) published_at: At,
    /// SHA-256 of the published file.
    pub(crate) hash: String,
    /// `platform` or `merchant`.
    pub(crate) run_by: &'static str,
    /// Whose campaign it is, where it is a merchant's.
    pub(crate) merchant: Option<RunBy>,
    /// Who runs the platform, if he has said so.
    pub(crate) organiser: Option<OrganiserCard>,
    /// The limits it was published under, and who signs for them where they are the operator's own.
    #[schema(value_type = Object)]
    pub(crate) profile: Value,
    /// In a template of treats the largest bill.
    pub(crate) price: Amount,
    /// The smallest bill of a template of treats that names one.
    pub(crate) price_from: Option<Amount>,
    /// In a template of treats the most guests.
    pub(crate) seats: u32,
    /// The fewest guests of a template of treats that names them.
    pub(crate) seats_from: Option<u32>,
    pub(crate) product: Words,
    pub(crate) prize: Option<Words>,
    /// How many seats of a group win, at least and at most. Of a chance these are bounds; how many it is on average stands in
    /// `odds`.
    pub(crate) winners: [u32; 2],
    /// Where each seat wins by itself instead of a fixed number.
    pub(crate) chance: Option<ChanceCard>,
    pub(crate) odds: Odds,
    /// How winners are found; null where nothing is drawn.
    pub(crate) draw: Option<DrawRule>,
    /// How long a group can fill, and how long a reserved seat waits for its payment, in seconds.
    pub(crate) fill_within_s: i64,
    pub(crate) payment_window_s: i64,
    /// What all members together can earn in one group at most, by program.
    pub(crate) at_most: Vec<AtMost>,
    pub(crate) earned: EarnedCard,
    /// The same in sentences.
    pub(crate) text: Vec<Words>,
}

/// The merchant whose campaign it is, as he applied.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunBy {
    /// His number.
    pub(crate) merchant: String,
    pub(crate) name: String,
    /// How he is reached.
    pub(crate) contact: String,
}

/// How winners are found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DrawRule {
    pub(crate) source: &'static str,
    pub(crate) delay_s: u64,
    /// `equal`, `exempt` or `buys`.
    pub(crate) leader: &'static str,
    /// The log that the draw's files belong to.
    pub(crate) log: String,
}

/// The most that one program can pay in a group.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AtMost {
    pub(crate) program: &'static str,
    pub(crate) cash: Amount,
    pub(crate) coins: Amount,
}

/// What members earned so far.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EarnedCard {
    /// The newest settled groups that were looked at.
    pub(crate) groups: String,
    /// Members who paid a seat in them.
    pub(crate) members: String,
    /// What the one in the middle earned in this campaign, in cash; null while no group is settled.
    pub(crate) median: Option<Amount>,
}
