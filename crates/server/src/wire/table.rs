//! Treats: templates, tables, and what guests see of them.

use domain::{Campaign, CampaignId, GroupState, Millis, TableView};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Amount, At, CampaignCard, ConsolationCard, ToPay, Words};

/// What a cashier can open tables under.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TreatCard {
    /// The campaign that was reviewed.
    pub(crate) template: String,
    pub(crate) name: Words,
    /// The smallest bill; null: any that can pay what the table promises.
    pub(crate) bill_from: Option<Amount>,
    pub(crate) bill_to: Amount,
    pub(crate) guests_from: u32,
    pub(crate) guests_to: u32,
    pub(crate) winners: u32,
    pub(crate) consolation: ConsolationCard,
    /// Seconds a table may stay open.
    pub(crate) fill_within_s: i64,
}

/// A table, as the cashier opens it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TableWanted {
    /// Under which of the merchant's treats.
    pub(crate) template: String,
    /// All of the bill: what every guest pays, and one of them for good.
    pub(crate) bill: Amount,
    pub(crate) guests: u32,
    /// The circle that goes on at this table, by its first group; only under a treat whose circle takes turns.
    #[serde(default)]
    pub(crate) circle: Option<String>,
}

/// A table of the cashier's store.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TableLine {
    #[serde(flatten)]
    pub(crate) seen: TableSeen,
    /// What guests know it by. Whoever has it can look at the table and sit down.
    pub(crate) token: String,
}

/// A table, as those see it who only watch.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TableSeen {
    pub(crate) id: String,
    pub(crate) template: String,
    /// Number of the store.
    pub(crate) store: String,
    pub(crate) bill: Amount,
    pub(crate) guests: u32,
    /// `open`, `full`, `settled`, `expired`, `cancelled` or `void`
    pub(crate) state: &'static str,
    /// Guests who have paid, while it is open or full.
    pub(crate) paid: u32,
    /// Guests whose payment is waited for.
    pub(crate) reserved: u32,
    /// Once somebody has sat down.
    pub(crate) group: Option<String>,
    /// The circle that goes on at it.
    pub(crate) circle: Option<String>,
    pub(crate) opened_at: At,
    pub(crate) expires_at: At,
}

/// What was opened or cancelled.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TableDone {
    #[serde(flatten)]
    pub(crate) table: TableLine,
    pub(crate) seq: String,
}

/// A table, as its guests see it before they pay.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TablePage {
    /// The table's terms: its bill is the price, its guests the seats; with the odds and what a non-winner gets.
    pub(crate) terms: CampaignCard,
    /// The store's name.
    pub(crate) store: String,
    pub(crate) address: String,
    /// `open`, `full`, `settled`, `expired`, `cancelled` or `void`
    pub(crate) state: &'static str,
    /// Guests who have paid, while it is open or full.
    pub(crate) paid: u32,
    /// Guests whose payment is waited for.
    pub(crate) reserved: u32,
    pub(crate) expires_at: At,
    /// Once somebody has sat down: its page, events and draw.
    pub(crate) group: Option<String>,
    /// The circle that goes on at it: only its members sit down, and others as far as places are free.
    pub(crate) circle: Option<String>,
}

/// A seat at a table, to be paid.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SatDown {
    pub(crate) group: String,
    pub(crate) payment: ToPay,
    pub(crate) seq: String,
}

impl TreatCard {
    pub(crate) fn of(id: CampaignId, terms: &Campaign) -> TreatCard {
        let card = super::campaign_card(id, terms, 0);
        TreatCard {
            template: card.id,
            name: card.name,
            bill_from: terms.group.price_from.map(Amount::from),
            bill_to: terms.group.price.into(),
            guests_from: terms.least_guests(),
            guests_to: terms.group.seats,
            winners: card.winners,
            consolation: card.consolation,
            fill_within_s: card.fill_within_s,
        }
    }
}

impl TableLine {
    pub(crate) fn of(row: &views::TableRow, now: Millis) -> TableLine {
        TableLine {
            seen: TableSeen::of(row, now),
            token: draw::to_hex(&row.table.token),
        }
    }
}

impl TableSeen {
    pub(crate) fn of(row: &views::TableRow, now: Millis) -> TableSeen {
        let view = &row.table;
        let state = row.group.map(|(state, ..)| state);
        let (paid, held) = match row.group {
            Some((GroupState::Open | GroupState::Full, paid, held)) => (paid, held),
            Some(_) | None => (0, 0),
        };
        TableSeen {
            id: view.table.to_string(),
            template: view.template.to_string(),
            store: view.store.to_string(),
            bill: view.bill.bill.into(),
            guests: view.bill.seats,
            state: state_of(view, state, now),
            paid,
            reserved: held.saturating_sub(paid),
            group: view.group.map(|group| group.to_string()),
            circle: view.circle.map(|circle| circle.to_string()),
            opened_at: row.at.into(),
            expires_at: view.expires_at.into(),
        }
    }
}

/// How a table stands: as its group does, or by the clock before anybody has sat down.
pub(crate) fn state_of(table: &TableView, group: Option<GroupState>, now: Millis) -> &'static str {
    match group {
        Some(state) => state.name(),
        None if table.cancelled => GroupState::Cancelled.name(),
        None if table.expires_at <= now => GroupState::Expired.name(),
        None => GroupState::Open.name(),
    }
}
