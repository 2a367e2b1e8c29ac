//! Money's way in and out: orders at the channel, payments that arrive, refunds and payouts that leave.
//!
//! The provider is called only after the decision is durable, and what it says comes back as a command (rules 5).

mod arrivals;
mod confirm;
mod failing;
mod late;
mod names;
mod orders;
mod payouts;
mod purchases;
mod reconcile;
mod refunds;
mod retries;

pub(crate) use arrivals::{Arrival, Doubtful, ask, ask_order, joined, tag, tag_of};
pub(crate) use confirm::Confirmer;
pub(crate) use late::{Reservations, watch_reservations};
pub(crate) use names::OrderNo;
pub use names::payout_no;
pub(crate) use orders::{Attach, PayPages, pay_url, pay_url_on};
pub(crate) use payouts::run as run_payouts;
pub(crate) use purchases::{
    Direct, DirectNo, Watched, ask_direct, ask_direct_no, direct_url, watch_direct,
};
pub(crate) use reconcile::{Compared, watch_books};
pub(crate) use refunds::run as run_refunds;
pub(crate) use retries::wait;
