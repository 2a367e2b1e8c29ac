//! A member's inbox.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Amount, At, Words};
use crate::notices::{self, Told};

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
    #[serde(flatten)]
    pub(crate) notice: NoticeBody,
    pub(crate) unread: bool,
}

/// A notice as it goes out by a connector.
#[derive(Debug, Serialize)]
pub(crate) struct SentNotice {
    #[serde(flatten)]
    notice: NoticeBody,
    /// Whom it tells.
    member: String,
}

impl SentNotice {
    /// What goes out of this one.
    pub(crate) fn of(told: &Told) -> SentNotice {
        SentNotice {
            notice: NoticeBody::of(told),
            member: told.member().to_string(),
        }
    }
}

/// What a notice says, the same by every way.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NoticeBody {
    /// Its name, for ever.
    #[schema(example = "4711-0-17-4ce728d5af")]
    pub(crate) id: String,
    pub(crate) at: At,
    /// `filled`, `won`, `not_won`, `bought`, `refunded`, `shipped`, `vested`, `dividend`, `coins_expiring`, `coins_expired`,
    /// `withdrawal_sent`, `withdrawal_waiting`, `withdrawal_paid`, `withdrawal_rejected`, `withdrawal_failed`,
    /// `withdrawal_expired`, `purchase_shipped`, `purchase_returned`, `recharge_refunded`, `order_fetched`, `purchase_fetched`,
    /// `coins_given`, `counter_paid`, `counter_reversed`, `frozen`, `unfrozen`, `clawed_back`, `may_buy`, `right_unused`,
    /// `unit_given` or `vip_given`
    pub(crate) kind: &'static str,
    /// The same in words.
    pub(crate) text: Words,
    /// The group it is about.
    pub(crate) group: Option<String>,
    /// The order, purchase, payment at a counter or withdrawal it is about, as the kind says.
    pub(crate) number: Option<String>,
    /// What goes back, became available or was asked for.
    pub(crate) amount: Option<Amount>,
    /// The consolation in cash on top of it.
    pub(crate) extra: Option<Amount>,
    /// Tax that was withheld of what came: neither amount has it in it.
    pub(crate) tax: Option<Amount>,
    pub(crate) coins: Option<Amount>,
    /// Why money goes back.
    pub(crate) reason: Option<&'static str>,
}

impl NoticeBody {
    /// What this one says.
    pub(crate) fn of(told: &Told) -> NoticeBody {
        let amount = |fen: i64| (fen != 0).then_some(Amount(fen));
        let body = NoticeBody {
            id: told.id(),
            at: told.at().into(),
            kind: told.kind().name(),
            text: notices::text(told),
            group: None,
            number: None,
            amount: None,
            extra: None,
            tax: None,
            coins: None,
            reason: None,
        };
        match told {
            Told::Event(row) => NoticeBody {
                group: row.group.map(|group| group.to_string()),
                number: row.number.map(|number| number.to_string()),
                amount: amount(row.amount.0),
                extra: amount(row.extra.0),
                tax: amount(row.tax.0),
                coins: amount(row.coins.0),
                reason: row.why.map(views::RefundReason::name),
                ..body
            },
            Told::Expiring { notice, .. } => NoticeBody {
                coins: amount(notice.coins.0),
                ..body
            },
        }
    }
}

/// Says that a member has read his inbox.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InboxRead {
    /// `seen` of the page that he has read.
    #[schema(example = "4711.682")]
    pub(crate) seen: String,
}

/// By what a member's notices go out beside his inbox.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NoticeChoices {
    /// The connectors of this installation.
    pub(crate) connectors: Vec<ConnectorChoice>,
    /// All kinds of notices there are.
    pub(crate) kinds: Vec<&'static str>,
}

/// What a member allows by a connector.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConnectorChoice {
    /// `log` or `webhook`
    pub(crate) connector: &'static str,
    /// The kinds that go out by it; none until he says so.
    pub(crate) kinds: Vec<&'static str>,
}

/// Sets what goes out by a connector: these kinds and no others.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConnectorAllowed {
    #[schema(example = "webhook")]
    pub(crate) connector: String,
    pub(crate) kinds: Vec<String>,
}
