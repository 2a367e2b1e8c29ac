//! SQL views made from events, and the directory of personal data.
//!
//! Why two databases: the *views* hold nothing that the journal does not, so they are never migrated: a file
//! of another version, or of another journal, is deleted and made again. The *directory* holds what must be
//! deletable or is no money, can be made from nothing else, and is migrated.
//!
//! [`Projector`] is the one writer of the views, [`follow`] feeds it, [`Views`] are the queries,
//! [`compare`] holds the views against a replayed world, [`Directory`] is the other database.
//!
//! Nothing in here decides anything: amounts and states come from events, ledger lines from
//! [`domain::lines`].
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::unwrap_used,
    )
)]

mod code;
mod compare;
mod db;
mod directory;
mod error;
mod files;
mod follower;
mod names;
mod page;
mod projector;
mod query;
mod rows;
mod value;

pub use compare::{Difference, compare};
pub use db::Place;
pub use directory::*;
pub use error::{Behind, ProjectError, StoreError};
pub use follower::{Chunk, FollowError, follow};
pub use names::{
    DrawFile, DrawStatus, OrderStatus, PurchaseStatus, RefundReason, SeatStatus, WalletAccount,
    WhyKind, WithdrawalStatus, asset_name, bounce_name, bounce_named, closing_name, group_state,
    notice_kind,
};
pub use page::{BadCursor, Cursor, DEFAULT_PAGE_ROWS, List, MAX_PAGE_ROWS, Page};
pub use projector::{JournalId, Projector};
pub use query::alliance::{ContractRow, MerchantLine, MerchantRow, StoreRow};
pub use query::counters::{CounterRow, CountersOf};
pub use query::notices::MOST_UNREAD;
pub use query::purchases::{PurchaseFilter, PurchaseRow};
pub use query::statements::{StatementRow, StatementSum, StatementTransfer};
pub use query::treats::{TableRow, TablesOf};
pub use query::{
    AT_LEAST_WAIT, GroupFilter, LedgerFilter, TaxRow, UnpaidSeat, Views, WithdrawalFilter,
};
pub use rows::*;
