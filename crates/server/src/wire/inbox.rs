//! A member's inbox.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Amount, At, Words};

/// What a member was told, newest first. Coins that expire at the end of this month come before all else on the first page.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Inbox {
    pub(crate) items: Vec<InboxNotice>,
    /// Give this as `cursor` to go on; null at the end.
    pub(crate) next: Option<String>,
    /// How many he has not read, counted up to 100.
    pub(crate) unread: u32,
    /// Give this to `POST /me/notices/read` to say that he has read all that there is by now.
    pub(crate) seen: String,
}

/// Something that a member is told.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InboxNotice {
    /// Its name, the same by every connector.
    pub(crate) id: String,
    pub(crate) at: At,
    /// `filled`, `won`, `not_won`, `bought`, `refunded`, `shipped`, `vested`, `dividend`, `coins_expiring`, `coins_expired`,
    /// `withdrawal_sent`, `withdrawal_waiting`, `withdrawal_paid`, `withdrawal_rejected`, `withdrawal_failed`,
    /// `withdrawal_expired`, `purchase_shipped`, `purchase_returned`, `recharge_refunded`, `order_fetched`, `purchase_fetched`,
    /// `coins_given`, `counter_paid`, `counter_reversed`, `frozen`, `unfrozen` or `clawed_back`
    pub(crate) kind: &'static str,
    /// The same in words.
    pub(crate) text: Words,
    pub(crate) unread: bool,
    /// The group it is about.
    pub(crate) group: Option<String>,
    /// The order, purchase, payment at a counter or withdrawal it is about, as the kind says.
    pub(crate) number: Option<String>,
    /// What goes back, became available or was asked for.
    pub(crate) amount: Option<Amount>,
    /// The consolation in cash on top of it.
    pub(crate) extra: Option<Amount>,
    pub(crate) coins: Option<Amount>,
    /// Why money goes back.
    pub(crate) reason: Option<&'static str>,
}

/// Says that a member has read his inbox.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InboxRead {
    /// `seen` of the page that he has read.
    #[schema(example = "4711.682")]
    pub(crate) seen: String,
}
