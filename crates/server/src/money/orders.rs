//! Orders at the channel: where a reservation is paid.
//!
//! A reservation has one order for ever ([`super::names`]); another only where what was paid for the first went back, for
//! the channel takes an order's payment once. It can be paid as long as its group can be open, not only until
//! the seat's deadline: a reservation that lapsed and is taken anew has another deadline, but the same order and page,
//! and a late payment takes the place after all if it is free, else goes back (rules 5).

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use domain::{GroupId, Kind, MemberId, PaymentId, RightState, SeatState, World};
use payments::{Order, RefusalCode};
use serde::Deserialize;
use serde_json::json;

use super::arrivals::ask_order;
use super::names::{MOST_ORDERS, Place};
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

    /// After what was paid there went back.
    pub(super) fn forget(&self, payment: PaymentId) {
        let mut pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pages.remove(&payment);
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
pub(crate) async fn pay_url(app: &App, payment: PaymentId) -> Option<String> {
    if let Some(url) = app.pay_pages.get(payment) {
        return Some(url);
    }
    // A group that is over has no orders made for it any more.
    let question = move |world: &World| {
        let place = payable(world, payment)?;
        Some((place, GroupTerms::of(world, payment.group)?))
    };
    let (place, terms) = app.engine.query(question).await.ok()?.0?;
    create(app, &place, &terms).await
}

/// The same for a reservation that has just been made, whose group's terms are known.
pub(crate) async fn pay_url_on(
    app: &App,
    payment: PaymentId,
    terms: &GroupTerms,
) -> Option<String> {
    if let Some(url) = app.pay_pages.get(payment) {
        return Some(url);
    }
    let question = move |world: &World| payable(world, payment);
    let place = app.engine.query(question).await.ok()?.0?;
    create(app, &place, terms).await
}

/// A place that can be paid; of a ballot only one with a right to buy.
fn payable(world: &World, payment: PaymentId) -> Option<Place> {
    let is_ballot = world.campaign_of(payment.group)?.terms.kind == Kind::Ballot;
    if is_ballot && !has_right(world, payment) {
        return None;
    }
    Place::of(world, payment)
}

fn has_right(world: &World, payment: PaymentId) -> bool {
    matches!(world.right(payment), Some(RightState::Open(_)))
}

async fn create(app: &App, place: &Place, terms: &GroupTerms) -> Option<String> {
    let payment = place.payment;
    let attach = Attach::text(payment.group, place.member);
    for attempt in 1..=MOST_ORDERS {
        let order_no = place.order_no(attempt);
        // Nothing in it may ever change, or differ where its number is the same: the channel refuses an order that
        // exists with other content. So all of it follows from what the number is made of.
        let order = Order {
            order_no: &order_no.to_string(),
            amount_fen: terms.price.0,
            description: &terms.title,
            attach: &attach,
            expires_at_ms: place.expires_at.0.saturating_add(GRACE_MS),
        };
        match app.config.channel.create_order(&order).await {
            Ok(page) => {
                app.pay_pages.keep(payment, page.url.clone());
                return Some(page.url);
            }
            Err(error) if error.refusal() == Some(RefusalCode::OrderPaid) => {}
            Err(error) => {
                tracing::warn!(%payment, %error, "no order at the channel for payment {payment}: {error}");
                return None;
            }
        }
        match ask_order(app, order_no).await {
            // It says that it has been paid, but not by what: it may know in a moment.
            Ok(found) if found.is_empty() => return None,
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%payment, %error, "payment {payment} could not be asked about: {error}");
                return None;
            }
        }
        let question = move |world: &World| {
            let (_, seat) = world.seat(payment)?;
            let waits = seat.state == SeatState::Reserved || has_right(world, payment);
            waits.then_some(())
        };
        app.engine.query(question).await.ok()?.0?;
    }
    tracing::warn!(%payment, "no order at the channel for payment {payment}: all of its {MOST_ORDERS} have been paid");
    None
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
        self.member_for(group) == Some(member)
    }

    /// Whose place in this group it was paid for, by the numbers of the history in which the order was made.
    pub(super) fn member_for(&self, group: GroupId) -> Option<MemberId> {
        MemberId::read(&self.member).filter(|_| GroupId::read(&self.group) == Some(group))
    }
}
