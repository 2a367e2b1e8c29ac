//! What is fetched: picked up at a store, or a voucher that a cashier redeems (rules 9.4).
//!
//! Why the journal has no codes: a code shown to the wrong eyes is worth what it buys, and the journal is read by auditors. The
//! directory knows which code names which thing; that the thing is given out once is decided here, by its number.

use minicbor::{Decode, Encode};

use super::{PurchaseId, ShopEvent, ShopRefusal};
use crate::{
    AllianceRefusal, Answer, Due, Duration, Event, Fulfilment, GroupId, GroupSettled, Millis,
    Order, OrderId, OrderState, PurchaseState, RETURN_WINDOW, Refusal, StoreId, World,
};

/// How long a voucher holds where nothing is said, and those of campaigns.
pub const VOUCHER_DAYS: u32 = 90;
/// The longest a voucher may hold.
pub const MAX_VOUCHER_DAYS: u32 = 730;
/// Most stores that are named.
pub const MAX_FETCH_STORES: usize = 100;

/// Where and how long a thing can be fetched.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct FetchTerms {
    /// At which stores; none named: at any.
    #[n(0)]
    pub stores: Vec<StoreId>,
    /// A voucher's: so many days after it was paid. None: picked up, with no end.
    #[n(1)]
    pub days: Option<u32>,
}

/// What somebody fetches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fetched {
    /// What a group's buyer got.
    Order(OrderId),
    /// What was bought without a group.
    Purchase(PurchaseId),
}

impl FetchTerms {
    /// When a voucher that is paid now ends.
    pub(super) fn until(&self, now: Millis) -> Option<Millis> {
        self.days.map(|count| now.after(days(count)))
    }

    pub(super) fn check(&self, fulfilment: Fulfilment, world: &World) -> Result<(), Refusal> {
        let invalid = |field, must| Err(ShopRefusal::InvalidSku { field, must }.into());
        match (fulfilment, self.days) {
            (Fulfilment::Ship | Fulfilment::AtTable, _) => {
                return invalid("stores", "are only of what is picked up, and of vouchers");
            }
            (Fulfilment::PickUp, Some(_)) => {
                return invalid("voucher_days", "is only for vouchers");
            }
            (Fulfilment::Voucher, Some(1..=MAX_VOUCHER_DAYS)) | (Fulfilment::PickUp, None) => {}
            (Fulfilment::Voucher, _) => {
                return invalid("voucher_days", "must be between 1 and 730");
            }
        }
        if MAX_FETCH_STORES < self.stores.len() {
            return invalid("stores", "are at most 100");
        }
        let unknown = self
            .stores
            .iter()
            .find(|&&store| world.store(store).is_none());
        unknown.map_or(Ok(()), |&store| {
            Err(AllianceRefusal::UnknownStore(store).into())
        })
    }
}

/// Hot reads.
impl World {
    /// Until when a buyer's order can be fetched, where it ends by itself.
    pub fn fetch_by(&self, order: OrderId) -> Option<Millis> {
        self.shop.fetch_by.get(&order).copied()
    }

    /// How an order gets to its buyer.
    pub fn fulfilment_of(&self, order: &Order) -> Fulfilment {
        self.campaign_of(order.group)
            .map_or(Fulfilment::Ship, |known| known.terms.product.fulfilment)
    }
}

impl World {
    /// Given out once: whoever comes second finds it in another state, or gone.
    pub(super) fn decide_redeem(
        &self,
        what: Fetched,
        store: StoreId,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<Option<Answer>, Refusal> {
        let known = self.store(store);
        let (owner, _) = known.ok_or(AllianceRefusal::UnknownStore(store))?;
        match what {
            Fetched::Purchase(purchase) => self.redeem_purchase(purchase, store, now, events)?,
            Fetched::Order(order) => {
                let known = self.order(order).ok_or(Refusal::UnknownOrder(order))?;
                let voucher = match self.fulfilment_of(known) {
                    Fulfilment::PickUp => false,
                    Fulfilment::Voucher => true,
                    Fulfilment::Ship | Fulfilment::AtTable => {
                        return Err(Refusal::OrderState(order));
                    }
                };
                if known.state != OrderState::Paid {
                    return Err(Refusal::OrderState(order));
                }
                // A merchant's campaign is fetched at his stores, the platform's own at any.
                if let Some(merchant) = self.merchant_of_group(known.group)
                    && merchant != owner
                {
                    return Err(ShopRefusal::OtherStore(store).into());
                }
                events.push(Event::Shop(ShopEvent::OrderRedeemed { order, store }));
                let kept_at = if voucher {
                    now
                } else {
                    now.after(RETURN_WINDOW)
                };
                events.push(Event::OrderReceived { order, kept_at });
                if voucher {
                    events.push(Event::OrderKept { order });
                    self.decide_vesting(known.group, events);
                }
            }
        }
        Ok(None)
    }

    fn redeem_purchase(
        &self,
        purchase: PurchaseId,
        store: StoreId,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let known = self.purchase(purchase);
        let known = known.ok_or(ShopRefusal::UnknownPurchase(purchase))?;
        let (PurchaseState::Waiting { until }, Some(fetch)) = (known.state, &known.fetch) else {
            return Err(ShopRefusal::PurchaseState(purchase).into());
        };
        if !fetch.stores.is_empty() && !fetch.stores.contains(&store) {
            return Err(ShopRefusal::OtherStore(store).into());
        }
        // A voucher is used; what was picked up may be brought back within the window.
        let kept_at = until.is_none().then(|| now.after(RETURN_WINDOW));
        events.push(Event::Shop(ShopEvent::PurchaseRedeemed {
            purchase,
            store,
            kept_at,
        }));
        if kept_at.is_none() {
            self.decide_purchase_shared((purchase, known), now, events);
        }
        Ok(())
    }

    pub(crate) fn campaign_number(&self, group: GroupId) -> Option<crate::CampaignId> {
        match self.slot(group)? {
            crate::group::GroupSlot::Live(known) => Some(known.campaign),
            crate::group::GroupSlot::Over { campaign, .. } => Some(*campaign),
        }
    }

    /// Vouchers of a group that has just been settled end by themselves.
    pub(crate) fn begin_vouchers(&mut self, settled: &GroupSettled) {
        let fulfilment = self
            .campaign_of(settled.group)
            .map(|known| known.terms.product.fulfilment);
        if fulfilment != Some(Fulfilment::Voucher) {
            return;
        }
        let until = self.now.after(days(VOUCHER_DAYS));
        for (order, _) in (settled.first_order.0..).zip(settled.buyers()) {
            let order = OrderId(order);
            self.shop.fetch_by.insert(order, until);
            self.push_timer(until, Due::Order(order));
        }
    }

    /// An order does not wait to be fetched any more.
    pub(crate) fn is_fetched(&mut self, order: OrderId) {
        if !self.shop.fetch_by.is_empty() {
            self.shop.fetch_by.remove(&order);
        }
    }

    pub(super) fn apply_redeemed(&mut self, purchase: PurchaseId, kept_at: Option<Millis>) {
        match kept_at {
            Some(kept_at) => {
                self.apply_purchase_state(purchase, PurchaseState::Received { kept_at });
            }
            None => self.apply_purchase_kept(purchase),
        }
    }

    pub(super) fn rebuild_vouchers(&mut self) {
        let waiting: Vec<(OrderId, Millis)> = self
            .shop
            .fetch_by
            .iter()
            .map(|(&order, &at)| (order, at))
            .collect();
        for (order, at) in waiting {
            self.push_timer(at, Due::Order(order));
        }
    }
}

/// So many days.
pub(super) fn days(count: u32) -> Duration {
    Duration::seconds(count.saturating_mul(86_400))
}
