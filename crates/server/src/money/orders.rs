//! Orders at the channel: where a reservation is paid.
//!
//! An order's number is the payment's, `4711-3`. A reservation that lapsed and is taken anew keeps its payment's
//! number but has another deadline; as the channel will not change an order, it gets a second one, `4711-3_1795366800`
//! (the new deadline in unix seconds), which names the same payment.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use domain::{MemberId, Millis, Money, PaymentId};
use payments::{ChannelError, Order, RefusalCode};
use serde_json::json;

use crate::app::App;

/// How long after the seat's deadline the channel still takes the payment: somebody may be typing his password.
const GRACE_MS: i64 = 30_000;
/// Most addresses of payment pages that are kept; the channel gives them again.
const MOST_PAGES: usize = 100_000;

/// Addresses of payment pages, by payment and deadline.
#[derive(Default)]
pub(crate) struct PayPages(Mutex<HashMap<(PaymentId, i64), String>>);

impl PayPages {
    fn get(&self, payment: PaymentId, pay_by: Millis) -> Option<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&(payment, pay_by.0))
            .cloned()
    }

    fn keep(&self, payment: PaymentId, pay_by: Millis, url: String) {
        let mut pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if MOST_PAGES <= pages.len() {
            pages.clear();
        }
        pages.insert((payment, pay_by.0), url);
    }
}

/// The address where a reservation is paid; creates the order where there is none yet. `None` while the channel does
/// not answer: the seat stays reserved, and the next call tries again.
pub(crate) async fn pay_url(
    app: &App,
    payment: PaymentId,
    member: MemberId,
    pay_by: Millis,
) -> Option<String> {
    if let Some(url) = app.pay_pages.get(payment, pay_by) {
        return Some(url);
    }
    let question = move |world: &domain::World| {
        let terms = &world.campaign_of(payment.group)?.terms;
        Some((terms.group.price, terms.product.title.zh.clone()))
    };
    let (price, title) = app.engine.query(question).await.ok()?.0?;
    match create(app, payment, member, (price, &title, pay_by)).await {
        Ok(url) => {
            app.pay_pages.keep(payment, pay_by, url.clone());
            Some(url)
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
    (price, title, pay_by): (Money, &str, Millis),
) -> Result<String, ChannelError> {
    let attach =
        json!({ "group": payment.group.to_string(), "member": member.to_string() }).to_string();
    let first = payment.to_string();
    let mut order = Order {
        order_no: &first,
        amount_fen: price.0,
        description: title,
        attach: &attach,
        expires_at_ms: pay_by.0.saturating_add(GRACE_MS),
    };
    match app.config.channel.create_order(&order).await {
        Err(error) if error.refusal() == Some(RefusalCode::Conflict) => {
            let anew = order_anew(payment, pay_by);
            order.order_no = &anew;
            app.config
                .channel
                .create_order(&order)
                .await
                .map(|page| page.url)
        }
        created => created.map(|page| page.url),
    }
}

/// The number of the order of a reservation that was taken anew.
pub(crate) fn order_anew(payment: PaymentId, pay_by: Millis) -> String {
    format!("{payment}_{}", pay_by.unix_seconds())
}

/// The payment that an order's number names; none if the order is not ours.
pub(crate) fn payment_of_order(order_no: &str) -> Option<PaymentId> {
    let (payment, anew) = match order_no.split_once('_') {
        Some((payment, anew)) => (payment, Some(anew)),
        None => (order_no, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if anew.is_some_and(|anew| !digits(anew)) {
        return None;
    }
    payment.parse().ok()
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
        assert_eq!(
            payment_of_order(&order_anew(payment, Millis(1_795_366_800_000))),
            Some(payment)
        );
        for other in [
            "",
            "4711",
            "4711-3_",
            "4711-3_x",
            "gw-4711-3",
            "4711-03",
            "4711-3_1_2",
        ] {
            assert_eq!(payment_of_order(other), None, "{other:?}");
        }
    }
}
