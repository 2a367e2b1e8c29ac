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

use domain::{Bounce, PaymentAnswer};

/// Counts a payment that could hold no place, and says so where its amount was wrong: no page of ours asks for another one.
pub(crate) fn flag(answer: &PaymentAnswer) {
    let PaymentAnswer::Bounced { refund, reason } = *answer else {
        return;
    };
    let name = views::bounce_name(reason);
    metrics::counter!("payments_bounced_total", "reason" => name).increment(1);
    if reason == Bounce::AmountDiffers {
        tracing::warn!(%refund, "a payment of another amount than the price goes back by refund {refund}");
    }
}
