//! Orders at the channel: where a reservation is paid.
//!
//! A payment has one order, with the payment's own number, `4711-3`, for ever. It can be paid as long as its group can
//! be open, not only until the seat's deadline: a reservation that lapsed and is taken anew has another deadline, but
//! the same order and page, and a late payment takes the place after all if it is free, else goes back (rules 5).

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use domain::{GroupId, MemberId, PaymentId};
use payments::{ChannelError, Order, RefusalCode};
use serde::Deserialize;
use serde_json::json;

use super::arrivals::ask;
use crate::app::App;
use crate::http::InPath;
use crate::terms::GroupTerms;

/// How long after the group's deadline the channel still takes the payment: somebody may be typing his password.
pub(super) const GRACE_MS: i64 = 30_000;
/// Most addresses of payment pages that are kept; the channel gives them again.
const MOST_PAGES: usize = 100_000;

/// Addresses of payment pages.
#[derive(Default)]
pub(crate) struct PayPages(Mutex<HashMap<PaymentId, String>>);

impl PayPages {
    fn get(&self, payment: PaymentId) -> Option<String> {
        let pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pages.get(&payment).cloned()
    }

    fn keep(&self, payment: PaymentId, url: String) {
        let mut pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if MOST_PAGES <= pages.len() {
            pages.clear();
        }
        pages.insert(payment, url);
    }
}

/// The address where a reservation is paid; creates the order where there is none yet. `None` while the channel does
/// not answer: the seat stays reserved, and the next call tries again. `None`, too, if the channel says that the order
/// has been paid: the payment is taken in.
pub(crate) async fn pay_url(app: &App, payment: PaymentId, member: MemberId) -> Option<String> {
    if let Some(url) = app.pay_pages.get(payment) {
        return Some(url);
    }
    // Asked anew: a group that is over has no orders made for it any more.
    let question = move |world: &domain::World| GroupTerms::of(world, payment.group);
    let terms = app.engine.query(question).await.ok()?.0?;
    pay_url_on(app, payment, member, &terms).await
}

/// The same for a reservation that has just been made, whose group's terms are known.
pub(crate) async fn pay_url_on(
    app: &App,
    payment: PaymentId,
    member: MemberId,
    terms: &GroupTerms,
) -> Option<String> {
    if let Some(url) = app.pay_pages.get(payment) {
        return Some(url);
    }
    match create(app, payment, member, terms).await? {
        Ok(url) => {
            app.pay_pages.keep(payment, url.clone());
            Some(url)
        }
        Err(error) if error.refusal() == Some(RefusalCode::OrderPaid) => {
            if let Err(error) = ask(app, payment).await {
                tracing::warn!(%payment, %error, "payment {payment} could not be asked about: {error}");
            }
            None
        }
        Err(error) => {
            tracing::warn!(%payment, %error, "no order at the channel for payment {payment}: {error}");
            None
        }
    }
}

async fn create(
    app: &App,
    payment: PaymentId,
    member: MemberId,
    terms: &GroupTerms,
) -> Option<Result<String, ChannelError>> {
    let expires_at = terms.expires_at?;
    let attach = Attach::text(payment.group, member);
    // Nothing in it may ever change: the channel refuses an order that exists with other content.
    let order = Order {
        order_no: &payment.to_string(),
        amount_fen: terms.price.0,
        description: &terms.title,
        attach: &attach,
        expires_at_ms: expires_at.0.saturating_add(GRACE_MS),
    };
    let page = app.config.channel.create_order(&order).await;
    Some(page.map(|page| page.url))
}

/// What an order says of its purpose; the channel tells it again with every payment.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Attach<'a> {
    #[serde(borrow)]
    group: Cow<'a, str>,
    #[serde(borrow)]
    member: Cow<'a, str>,
}

impl Attach<'_> {
    fn text(group: GroupId, member: MemberId) -> String {
        json!({ "group": group.to_string(), "member": member.to_string() }).to_string()
    }

    /// Reads it; none if it is no such thing.
    pub(crate) fn read(text: &str) -> Option<Attach<'_>> {
        serde_json::from_str(text).ok()
    }

    /// Whether this was paid for a place of this member's in this group.
    pub(crate) fn is_for(&self, group: GroupId, member: MemberId) -> bool {
        GroupId::read(&self.group) == Some(group) && MemberId::read(&self.member) == Some(member)
    }
}

/// The payment that an order's number names; none if the order is not ours.
pub(crate) fn payment_of_order(order_no: &str) -> Option<PaymentId> {
    order_no.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::GroupId;

    #[test]
    fn order_numbers_name_payments() {
        let payment = PaymentId {
            group: GroupId(4711),
            index: 3,
        };
        assert_eq!(payment_of_order("4711-3"), Some(payment));
        for other in [
            "",
            "4711",
            "4711-3_",
            "4711-3_1795366800",
            "gw-4711-3",
            "4711-03",
            "+4711-3",
        ] {
            assert_eq!(payment_of_order(other), None, "{other:?}");
        }
    }
}
