//! Stock and direct purchases (rules 9.4 and 10.6), told by the events alone: no unit is sold twice, and each purchase is paid
//! once, ends once, and gives back what was paid for it.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    Account, CampaignId, Event, GroupId, HeldUnit, MemberId, Millis, Money, OrderId, Purchase,
    PurchaseId, PurchaseState, RETURN_WINDOW, ShopEvent, SkuId, SkuTerms, StoreId, World,
};

use super::recharge::ends;
use super::{At, Due, Good, Trail};
use crate::audit::Findings;

/// Everything of the shop.
#[derive(Debug, Default)]
pub(super) struct Shop {
    skus: Vec<Listed>,
    next: u64,
    open: BTreeMap<PurchaseId, Purchase>,
    identities: BTreeSet<(MemberId, [u8; 16])>,
    returned: BTreeMap<CampaignId, i64>,
    /// What suppliers are owed.
    suppliers: i64,
    /// Whether what nobody had has cost nothing once: earlier versions paid for it all the same.
    has_undone: bool,
}

#[derive(Debug)]
struct Listed {
    terms: SkuTerms,
    on_sale: bool,
    free: i64,
    own: i64,
}

impl Shop {
    /// A purchase that has not ended.
    pub(super) fn open(&self, id: PurchaseId) -> Option<&Purchase> {
        self.open.get(&id)
    }

    /// What one unit costs now.
    pub(super) fn cost_each(&self, sku: SkuId) -> Option<Money> {
        let known = self.skus.get(usize::try_from(sku.0).ok()?)?;
        Some(known.terms.cost)
    }

    /// Takes one out.
    pub(super) fn end(&mut self, id: PurchaseId) -> Option<Purchase> {
        self.open.remove(&id)
    }
}

impl Trail {
    /// What is about the shop among all events: its own, and winners' units that come back.
    pub(super) fn shop_follows(&mut self, at: At, event: &Event, findings: &mut Findings) {
        if let Event::OrderReturned { order, .. } = event {
            self.shop_returned(*order);
        } else if let Event::Shop(event) = event {
            self.shop_event(at, event, findings);
            if let Some(purchase) = ends(event) {
                self.bought_is_spent(purchase);
            }
        }
        // An amount that does not fit is found by the second book.
        let _ = domain::lines(event, &mut |line| {
            if matches!(line.account, Account::Suppliers) {
                self.shop.suppliers -= line.amount;
            }
        });
    }

    /// A winner's unit that came back is the platform's, unless a merchant has sold it.
    fn shop_returned(&mut self, order: OrderId) {
        let group: Option<GroupId> = self.orders.get(&order).map(|good| good.payment.group);
        let campaign = group.and_then(|group| {
            let terms = &self.campaign(group)?.terms;
            let at = self.campaign_of.get(usize::try_from(group.0).ok()?)?;
            terms.merchant.is_none().then_some(*at)
        });
        if let Some(campaign) = campaign {
            *self.shop.returned.entry(campaign).or_default() += 1;
        }
    }

    fn stock_event(&mut self, at: At, event: &ShopEvent, findings: &mut Findings) {
        match event {
            ShopEvent::SkuListed { sku, terms, .. } => {
                self.takes(terms.channel);
                let next = u32::try_from(self.shop.skus.len()) == Ok(sku.0);
                findings.unless(next, at.0, || format!("SKU {sku} is not the next number"));
                self.shop.skus.push(Listed {
                    terms: (**terms).clone(),
                    on_sale: true,
                    free: 0,
                    own: 0,
                });
            }
            ShopEvent::SkuChanged { sku, terms } => {
                self.takes(terms.channel);
                self.with_sku(at, *sku, findings, |known| {
                    known.terms = (**terms).clone();
                    true
                });
            }
            ShopEvent::SkuClosed { sku } => {
                self.with_sku(at, *sku, findings, |known| {
                    std::mem::replace(&mut known.on_sale, false)
                });
            }
            ShopEvent::SkuReopened { sku } => {
                self.with_sku(at, *sku, findings, |known| {
                    !std::mem::replace(&mut known.on_sale, true)
                });
            }
            ShopEvent::StockAdjusted { sku, by, own } => {
                self.with_sku(at, *sku, findings, |known| {
                    known.give(i64::from(*by), -i64::from(*own))
                });
            }
            ShopEvent::ReturnsStocked {
                sku,
                campaign,
                units,
            } => {
                let left = self.shop.returned.entry(*campaign).or_default();
                *left -= i64::from(*units);
                let covered = 0 <= *left;
                self.with_sku(at, *sku, findings, |known| {
                    known.give(i64::from(*units), i64::from(*units)) && covered
                });
            }
            ShopEvent::PurchaseReserved { .. }
            | ShopEvent::PurchaseLapsed { .. }
            | ShopEvent::PurchasePaid { .. }
            | ShopEvent::PurchaseShipped { .. }
            | ShopEvent::PurchaseReceived { .. }
            | ShopEvent::PurchaseKept { .. }
            | ShopEvent::PurchaseReturning { .. }
            | ShopEvent::PurchaseReturned { .. }
            | ShopEvent::PurchaseRedeemed { .. }
            | ShopEvent::OrderRedeemed { .. } => {}
        }
    }

    fn shop_event(&mut self, at: At, event: &ShopEvent, findings: &mut Findings) {
        match event {
            ShopEvent::SkuListed { .. }
            | ShopEvent::SkuChanged { .. }
            | ShopEvent::SkuClosed { .. }
            | ShopEvent::SkuReopened { .. }
            | ShopEvent::StockAdjusted { .. }
            | ShopEvent::ReturnsStocked { .. } => self.stock_event(at, event, findings),
            ShopEvent::PurchaseReserved { purchase, of } => {
                self.purchase_reserved(at, *purchase, of, findings);
            }
            ShopEvent::PurchaseLapsed { purchase } => {
                let of = self.purchase_ends(at, *purchase, findings, |state| {
                    matches!(state, PurchaseState::Reserved { .. })
                });
                if let Some(of) = of {
                    self.with_sku(at, of.sku, findings, |known| {
                        known.give(i64::from(of.units), i64::from(of.own))
                    });
                    if let Some(unit) = &of.unit {
                        self.unit_is_free(at, unit, findings);
                    }
                }
            }
            ShopEvent::PurchasePaid { .. } => self.purchase_paid(at, event, findings),
            ShopEvent::PurchaseShipped { .. }
            | ShopEvent::PurchaseReceived { .. }
            | ShopEvent::PurchaseReturning { .. } => self.purchase_moves(at, event, findings),
            ShopEvent::PurchaseKept { purchase } => {
                self.purchase_ends(at, *purchase, findings, |state| {
                    matches!(state, PurchaseState::Received { kept_at } if *kept_at <= at.1)
                });
            }
            ShopEvent::PurchaseReturned { .. } => self.purchase_returned(at, event, findings),
            ShopEvent::PurchaseRedeemed {
                purchase,
                store,
                kept_at,
            } => self.purchase_redeemed(at, *purchase, (*store, *kept_at), findings),
            ShopEvent::OrderRedeemed { order, .. } => {
                let waits = self
                    .orders
                    .get(order)
                    .is_some_and(Good::waits_to_be_fetched);
                findings.unless(waits, at.0, || {
                    format!("order {order} is given out, but it does not wait for that")
                });
            }
        }
    }

    /// Something happens to what is for sale; the answer says whether it can.
    fn with_sku(
        &mut self,
        at: At,
        sku: SkuId,
        findings: &mut Findings,
        how: impl FnOnce(&mut Listed) -> bool,
    ) {
        let place = usize::try_from(sku.0).unwrap_or(usize::MAX);
        let fits = self.shop.skus.get_mut(place).is_some_and(how);
        findings.unless(fits, at.0, || {
            format!("SKU {sku} changes as it cannot: it is not known, or has fewer units")
        });
    }

    fn purchase_reserved(
        &mut self,
        at: At,
        id: PurchaseId,
        of: &Purchase,
        findings: &mut Findings,
    ) {
        findings.unless(id.0 == self.shop.next, at.0, || {
            format!("purchase {id} is not the next number")
        });
        self.shop.next = self.shop.next.max(id.0.saturating_add(1));
        let new = self.shop.identities.insert((of.member, of.token));
        let allowed = self.person(of.member).is_some_and(|person| !person.frozen);
        findings.unless(new && allowed, at.0, || {
            format!("purchase {id} is of a member who is frozen or not known, or was made before")
        });
        let most = self.profile.terms().coin_offset;
        let sound = |known: &Listed| {
            let terms = &known.terms;
            let rate = i128::from(terms.coin_offset.min(most).0);
            let bill = i128::from(terms.price.0) * i128::from(of.units);
            let owed = i128::from(terms.cost.0) * i128::from(of.units.saturating_sub(of.own));
            let coins = i128::from(of.coins.0);
            known.on_sale
                && 0 < of.units
                && i128::from(of.bill.0) == bill
                && 0 <= coins
                && coins <= bill * rate / 1_000_000
                && coins < bill
                && i128::from(of.cost.0) == owed
                && i64::from(of.own) == known.own.min(i64::from(of.units))
                && of.channel == terms.channel
                && of.paid.is_none()
                && of.fetch == terms.fetch
                && of.package == terms.package
                && of.gift_of.is_none()
                && matches!(of.state, PurchaseState::Reserved { pay_by } if at.1 < pay_by)
        };
        self.with_sku(at, of.sku, findings, |known| {
            sound(known) && known.give(-i64::from(of.units), -i64::from(of.own))
        });
        self.unit_is_held(at, id, of, findings);
        self.shop.open.insert(id, of.clone());
    }

    /// What a package gives is held under the terms of this moment.
    fn unit_is_held(&mut self, at: At, id: PurchaseId, of: &Purchase, findings: &mut Findings) {
        let gift = of.package.and_then(|package| package.unit);
        let promised = gift.map(|gift| gift.sku) == of.unit.as_ref().map(|unit| unit.sku);
        findings.unless(promised, at.0, || {
            format!("purchase {id} holds something else than its package gives")
        });
        let Some(unit) = &of.unit else { return };
        findings.unless(unit.cost <= of.bill, at.0, || {
            format!("purchase {id} gives what costs more than the package")
        });
        self.with_sku(at, unit.sku, findings, |known| {
            let cost = if unit.own == 0 {
                known.terms.cost
            } else {
                Money::ZERO
            };
            i64::from(unit.own) == known.own.min(1)
                && (unit.cost, &unit.fetch) == (cost, &known.terms.fetch)
                && known.give(-1, -i64::from(unit.own))
        });
    }

    /// Nobody has been given it.
    pub(super) fn unit_is_free(&mut self, at: At, unit: &HeldUnit, findings: &mut Findings) {
        self.with_sku(at, unit.sku, findings, |known| {
            known.give(1, i64::from(unit.own))
        });
    }

    /// What was held for a recharge is a purchase from now on, of which nothing was paid.
    pub(super) fn unit_is_given(
        &mut self,
        at: At,
        (id, of): (PurchaseId, &Purchase),
        findings: &mut Findings,
    ) {
        findings.unless(id.0 == self.shop.next, at.0, || {
            format!("purchase {id} is not the next number")
        });
        self.shop.next = self.shop.next.max(id.0.saturating_add(1));
        let new = self.shop.identities.insert((of.member, of.token));
        findings.unless(new, at.0, || format!("purchase {id} was made before"));
        self.shop.open.insert(id, of.clone());
    }

    fn purchase_ends(
        &mut self,
        at: At,
        id: PurchaseId,
        findings: &mut Findings,
        may: impl FnOnce(&PurchaseState) -> bool,
    ) -> Option<Purchase> {
        let known = self.shop.open.remove(&id);
        let fits = known.as_ref().is_some_and(|known| may(&known.state));
        findings.unless(fits, at.0, || {
            format!("purchase {id} ends, but it is not known or not in the state for it")
        });
        known
    }

    fn purchase_paid(&mut self, at: At, event: &ShopEvent, findings: &mut Findings) {
        let ShopEvent::PurchasePaid {
            purchase,
            member,
            txn,
            amount,
            fee,
            fee_kept,
            coins,
            cost,
        } = event
        else {
            return;
        };
        self.book(at, *txn, findings);
        let lots = self.lots_used(*purchase);
        let known = self.shop.open.get_mut(purchase);
        let fits = known.is_some_and(|known| {
            let in_time =
                matches!(known.state, PurchaseState::Reserved { pay_by } if at.1 < pay_by);
            let told = (known.member, known.cash(), known.cost);
            let fee_of = amount.channel_fee(known.channel.fee);
            let back = if *fee_kept { Money::ZERO } else { *fee };
            known.state = match &known.fetch {
                None => PurchaseState::Paid,
                Some(fetch) => PurchaseState::Waiting {
                    until: fetch.days.map(|days| {
                        Millis(at.1.0.saturating_add(i64::from(days) * domain::DAY_MS))
                    }),
                },
            };
            known.paid = Some((*txn, back));
            known.lots = lots;
            in_time
                && told == (*member, *amount, *cost)
                && known.package.is_none()
                && fee_of == Ok(*fee)
                && known.channel.kept_on_refund == *fee_kept
        });
        findings.unless(fits, at.0, || {
            format!("purchase {purchase} is paid otherwise than it was reserved")
        });
        if let Some(known) = self.shop.open.get(purchase).cloned() {
            self.expect_bought(at, (*purchase, &known), *coins, findings);
        }
    }

    fn purchase_moves(&mut self, at: At, event: &ShopEvent, findings: &mut Findings) {
        let (id, from, to) = match event {
            ShopEvent::PurchaseShipped {
                purchase,
                received_by,
            } => {
                let received_by = *received_by;
                (*purchase, "paid", PurchaseState::Shipped { received_by })
            }
            ShopEvent::PurchaseReceived { purchase, kept_at } => {
                let kept_at = *kept_at;
                (*purchase, "shipped", PurchaseState::Received { kept_at })
            }
            ShopEvent::PurchaseReturning { purchase, back_by } => {
                let back_by = *back_by;
                (*purchase, "received", PurchaseState::Returning { back_by })
            }
            ShopEvent::SkuListed { .. }
            | ShopEvent::SkuChanged { .. }
            | ShopEvent::SkuClosed { .. }
            | ShopEvent::SkuReopened { .. }
            | ShopEvent::StockAdjusted { .. }
            | ShopEvent::ReturnsStocked { .. }
            | ShopEvent::PurchaseReserved { .. }
            | ShopEvent::PurchaseLapsed { .. }
            | ShopEvent::PurchasePaid { .. }
            | ShopEvent::PurchaseKept { .. }
            | ShopEvent::PurchaseReturned { .. }
            | ShopEvent::PurchaseRedeemed { .. }
            | ShopEvent::OrderRedeemed { .. } => return,
        };
        let known = self.shop.open.get_mut(&id);
        let fits = known.is_some_and(|known| {
            let stood = std::mem::replace(&mut known.state, to);
            let comes_back = known.gift_of.is_some() && name_of(&to) == "returning";
            name_of(&stood) == from && follows(&stood, &to, at.1) && !comes_back
        });
        findings.unless(fits, at.0, || {
            format!(
                "purchase {id} becomes {}, but it is not {from}",
                name_of(&to)
            )
        });
    }

    /// Given out once, at a store where it is, and a voucher not after its end.
    fn purchase_redeemed(
        &mut self,
        at: At,
        id: PurchaseId,
        (store, kept_at): (StoreId, Option<Millis>),
        findings: &mut Findings,
    ) {
        let known = self.shop.open.get_mut(&id);
        let fits = known.is_some_and(|known| {
            let stood = known.state;
            if let Some(kept_at) = kept_at {
                known.state = PurchaseState::Received { kept_at };
            }
            let stores = known.fetch.as_ref().map(|fetch| &fetch.stores);
            let here = stores.is_some_and(|named| named.is_empty() || named.contains(&store));
            match (stood, kept_at) {
                (PurchaseState::Waiting { until: None }, Some(kept_at)) => {
                    here && kept_at == at.1.after(RETURN_WINDOW)
                }
                (PurchaseState::Waiting { until: Some(until) }, None) => here && at.1 < until,
                (_, _) => false,
            }
        });
        findings.unless(fits, at.0, || {
            format!("purchase {id} is given out, but it does not wait for that there")
        });
        if kept_at.is_none() {
            self.shop.open.remove(&id);
        }
    }

    fn purchase_returned(&mut self, at: At, event: &ShopEvent, findings: &mut Findings) {
        let ShopEvent::PurchaseReturned {
            purchase,
            member,
            refund,
            amount,
            coins,
            undone,
            ..
        } = event
        else {
            return;
        };
        let known = self.purchase_ends(at, *purchase, findings, |state| {
            matches!(
                state,
                PurchaseState::Returning { .. }
                    | PurchaseState::Waiting { .. }
                    | PurchaseState::Paid
            )
        });
        let Some(known) = known else { return };
        findings.unless(known.gift_of.is_none(), at.0, || {
            format!("purchase {purchase} comes back, but it was given")
        });
        let bought = self.bought_of(*purchase);
        let told = (known.member, known.cash(), known.coins.0 - bought);
        findings.unless(told == (*member, *amount, coins.0), at.0, || {
            format!("purchase {purchase} gives back something else than was paid for it")
        });
        let fee_back = known.paid.map_or(Money::ZERO, |(_, fee_back)| fee_back);
        let due = Due {
            amount: *amount,
            fee_back,
        };
        self.owe(at, *refund, due, findings);
        // What nobody had costs nothing, unless it has been paid to the supplier; before that was so, everything that came back was
        // paid for.
        let fetched = matches!(known.state, PurchaseState::Returning { .. });
        let owed = known.cost.0 <= self.shop.suppliers.max(0);
        let right = match undone {
            Some(cost) => !fetched && owed && *cost == known.cost,
            None => fetched || !owed || !self.shop.has_undone,
        };
        self.shop.has_undone |= undone.is_some();
        findings.unless(right, at.0, || {
            format!("purchase {purchase} gives back what its units cost though somebody had them, or keeps it though nobody had")
        });
        let units = i64::from(known.units);
        let own = undone.map_or(units, |_| i64::from(known.own));
        self.with_sku(at, known.sku, findings, |known| known.give(units, own));
    }

    pub(super) fn compare_shop(&self, world: &World, findings: &mut Findings) {
        let open = world.open_purchases();
        let told = self.shop.open.iter().map(|(&id, of)| (id, of));
        if !open.eq(told) || world.purchases() != self.shop.next {
            findings.add("purchases after the replay are not those of the events".to_owned());
        }
        let replayed = world.skus(None, usize::MAX);
        let replayed = replayed
            .iter()
            .map(|sku| (i64::from(sku.free), i64::from(sku.own), sku.on_sale));
        let told = self.shop.skus.iter();
        if !replayed.eq(told.map(|known| (known.free, known.own, known.on_sale))) {
            findings.add("the stock after the replay is not that of the events".to_owned());
        }
        let told = self.shop.returned.iter().filter(|(_, units)| **units != 0);
        let told = told.map(|(&campaign, &units)| (campaign, units));
        let replayed = world.returned_units();
        if !replayed
            .map(|(campaign, units)| (campaign, i64::from(units)))
            .eq(told)
        {
            findings.add("returned units after the replay are not those of the events".to_owned());
        }
    }
}

impl Listed {
    /// Adds units; answers whether there are none below zero then, and no more own ones than free ones.
    fn give(&mut self, free: i64, own: i64) -> bool {
        self.free += free;
        self.own += own;
        0 <= self.own && self.own <= self.free
    }
}

fn name_of(state: &PurchaseState) -> &'static str {
    match state {
        PurchaseState::Reserved { .. } => "reserved",
        PurchaseState::Paid => "paid",
        PurchaseState::Shipped { .. } => "shipped",
        PurchaseState::Received { .. } => "received",
        PurchaseState::Returning { .. } => "returning",
        PurchaseState::Waiting { .. } => "waiting",
    }
}

/// Whether the deadline of what follows is counted from the moment it should be.
fn follows(stood: &PurchaseState, to: &PurchaseState, now: Millis) -> bool {
    match (stood, to) {
        (PurchaseState::Shipped { received_by }, PurchaseState::Received { kept_at }) => {
            let from = if *received_by <= now {
                *received_by
            } else {
                now
            };
            *kept_at == from.after(RETURN_WINDOW)
        }
        (PurchaseState::Received { kept_at }, PurchaseState::Returning { back_by }) => {
            now < *kept_at && now < *back_by
        }
        (_, PurchaseState::Shipped { received_by }) => now < *received_by,
        (_, _) => false,
    }
}
