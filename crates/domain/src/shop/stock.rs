//! What is for sale, and how many units of it there are.
//!
//! Why some units are the platform's own: what a winner or a buyer has returned stays paid to the supplier, so nothing is owed
//! a second time when it is sold again. Own units are sold first.

use minicbor::{Decode, Encode};

use super::{FetchTerms, ShopEvent, ShopRefusal, SkuId};
use crate::{
    Answer, CampaignId, ChannelTerms, Event, Fulfilment, GroupId, MAX_AMOUNT_FEN, MAX_TEXT_BYTES,
    Money, PackageTerms, RATE_ONE_PPM, Rate, Refusal, Text, World, promises,
};

/// Most things for sale.
pub const MAX_SKUS: usize = 100_000;
/// Most units of one thing.
pub const MAX_STOCK: u32 = 10_000_000;

/// Under which terms a thing is sold.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SkuTerms {
    /// What it is called: on the payer's statement, too.
    #[n(0)]
    pub title: Text,
    /// What one unit costs the buyer.
    #[n(1)]
    pub price: Money,
    /// What the supplier is owed for one unit.
    #[n(2)]
    pub cost: Money,
    /// The most of a bill that coins can pay; nothing: coins cannot be used. The profile's own limit holds, too.
    #[n(3)]
    pub coin_offset: Rate,
    /// How it gets to its buyer.
    #[n(4)]
    pub fulfilment: Fulfilment,
    /// What the payment channel takes.
    #[n(5)]
    pub channel: ChannelTerms,
    /// Where and how long it can be fetched, unless it is sent.
    #[n(6)]
    pub fetch: Option<FetchTerms>,
    /// It is a recharge package, and this is what is got for its price.
    #[n(7)]
    pub package: Option<PackageTerms>,
}

/// One thing for sale.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct Sku {
    #[cbor(n(0), with = "minicbor::bytes")]
    token: [u8; 16],
    #[cbor(n(1), with = "minicbor::bytes")]
    product: [u8; 16],
    #[n(2)]
    pub(super) terms: Box<SkuTerms>,
    #[n(3)]
    pub(super) on_sale: bool,
    /// Units that nobody holds.
    #[n(4)]
    pub(super) free: u32,
    /// How many of the free ones are paid for already.
    #[n(5)]
    pub(super) own: u32,
}

/// A thing for sale as everybody may see it, but for its cost and own units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkuView {
    /// Its number.
    pub id: SkuId,
    /// The product's row in the directory.
    pub product: [u8; 16],
    /// Its terms.
    pub terms: SkuTerms,
    /// Whether it can be bought.
    pub on_sale: bool,
    /// Units that nobody holds.
    pub free: u32,
    /// How many of those are paid for already.
    pub own: u32,
}

impl SkuTerms {
    /// The most that coins can pay of a bill, in fen.
    pub fn coins_of(&self, bill: Money, most: Rate) -> Result<Money, crate::Overflow> {
        bill.share(self.coin_offset.min(most))
    }

    fn check(&self, world: &World) -> Result<(), Refusal> {
        let invalid = |field, must| Err(ShopRefusal::InvalidSku { field, must }.into());
        for (field, text) in [("title.zh", &self.title.zh), ("title.en", &self.title.en)] {
            if text.trim().is_empty()
                || MAX_TEXT_BYTES < text.len()
                || text.chars().any(char::is_control)
            {
                return invalid(field, "must be 1 to 400 bytes without control characters");
            }
            if let Some(promise) = promises::found_in(text) {
                return Err(Refusal::PromiseForbidden { field, promise });
            }
        }
        if self.price.0 < 1 || MAX_AMOUNT_FEN < self.price.0 {
            return invalid("price", "must be between 0.01 and 100000000.00");
        }
        if self.cost < Money::ZERO || MAX_AMOUNT_FEN < self.cost.0 {
            return invalid("cost", "must be between 0.00 and 100000000.00");
        }
        if RATE_ONE_PPM <= self.coin_offset.0 {
            return invalid("coin_offset", "must be at least 0% and less than 100%");
        }
        if RATE_ONE_PPM < self.channel.fee.0 {
            return invalid("channel.fee", "must be between 0% and 100%");
        }
        if let Some(package) = &self.package {
            self.check_package(package, world)?;
        }
        match (self.fulfilment, &self.fetch) {
            (Fulfilment::Ship, None) => Ok(()),
            (Fulfilment::AtTable, _) => invalid("fulfilment", "is at-table only in a treat"),
            (Fulfilment::PickUp | Fulfilment::Voucher, None) => {
                invalid("stores", "must be given, if only as none")
            }
            (fulfilment, Some(fetch)) => fetch.check(fulfilment, world),
        }
    }
}

impl SkuTerms {
    /// A recharge package costs nothing and is not paid for in coins; whether it may be bought is looked at every time.
    fn check_package(&self, package: &PackageTerms, world: &World) -> Result<(), Refusal> {
        let invalid = |field, must| Err(ShopRefusal::InvalidSku { field, must }.into());
        if package.coins.0 < 1 || MAX_AMOUNT_FEN < package.coins.0 {
            return invalid("package.coins", "must be between 0.01 and 100000000.00");
        }
        if package.gift.0 < 0 || MAX_AMOUNT_FEN < package.gift.0 {
            return invalid("package.gift", "must be between 0.00 and 100000000.00");
        }
        if self.cost != Money::ZERO || self.coin_offset != Rate(0) {
            return invalid("package", "costs nothing, and is not paid for in coins");
        }
        if self.fulfilment != Fulfilment::Ship {
            return invalid("package", "is neither picked up nor a voucher");
        }
        world.check_gifts_of(self.price, (package.unit, package.vip))?;
        if world.profile_terms().recharge_cap.is_none() {
            return Err(Refusal::ProfileForbids {
                profile: world.profile.name(),
                limit: "recharge",
            });
        }
        Ok(())
    }
}

/// Hot reads.
impl World {
    /// A thing for sale.
    pub fn sku(&self, id: SkuId) -> Option<SkuView> {
        self.sku_ref(id).map(|known| known.view(id))
    }

    /// Everything that is or was for sale, by number, after `after`.
    pub fn skus(&self, after: Option<SkuId>, limit: usize) -> Vec<SkuView> {
        let all = (0u32..).map(SkuId).zip(&self.shop.skus);
        let later = all.filter(|(id, _)| after.is_none_or(|after| after < *id));
        later
            .take(limit)
            .map(|(id, known)| known.view(id))
            .collect()
    }

    /// What is or was sold of a product, as it can be bought: of a package no more units are free than of what it gives.
    pub fn skus_of(&self, product: &[u8; 16]) -> Vec<SkuView> {
        let ids = self.shop.by_product.get(product).into_iter().flatten();
        let known = ids.filter_map(|&id| self.sku(id));
        let free = |sku: &SkuView| {
            let gift = sku.terms.package.and_then(|package| package.unit);
            let given = gift.and_then(|gift| self.sku_ref(gift.sku));
            given.map_or(sku.free, |given| sku.free.min(given.free))
        };
        known
            .map(|sku| SkuView {
                free: free(&sku),
                ..sku
            })
            .collect()
    }

    /// Units that winners of the platform's own campaigns have returned and that are not on sale, by campaign.
    pub fn returned_units(&self) -> impl Iterator<Item = (CampaignId, u32)> {
        self.shop.returned.iter().map(|(&id, &units)| (id, units))
    }

    /// What one unit costs now; nothing where it is not known.
    pub(crate) fn unit_cost(&self, id: SkuId) -> Money {
        self.sku_ref(id)
            .map_or(Money::ZERO, |known| known.terms.cost)
    }

    pub(super) fn sku_ref(&self, id: SkuId) -> Option<&Sku> {
        self.shop.skus.get(usize::try_from(id.0).ok()?)
    }

    pub(super) fn require_sku(&self, id: SkuId) -> Result<&Sku, Refusal> {
        self.sku_ref(id)
            .ok_or_else(|| ShopRefusal::UnknownSku(id).into())
    }
}

impl Sku {
    fn view(&self, id: SkuId) -> SkuView {
        SkuView {
            id,
            product: self.product,
            terms: (*self.terms).clone(),
            on_sale: self.on_sale,
            free: self.free,
            own: self.own,
        }
    }
}

impl World {
    pub(super) fn decide_list_sku(
        &self,
        token: [u8; 16],
        product: [u8; 16],
        terms: &SkuTerms,
        events: &mut Vec<Event>,
    ) -> Result<Option<Answer>, Refusal> {
        let listed = (0u32..)
            .zip(&self.shop.skus)
            .find(|(_, known)| known.token == token);
        if let Some((id, known)) = listed {
            if known.product != product {
                return Err(Refusal::KeyReused);
            }
            return Ok(Some(Answer::Sku(SkuId(id))));
        }
        terms.check(self)?;
        if MAX_SKUS <= self.shop.skus.len() {
            return Err(Refusal::Overflow);
        }
        let number = u32::try_from(self.shop.skus.len()).map_err(|_| Refusal::Overflow)?;
        events.push(Event::Shop(ShopEvent::SkuListed {
            sku: SkuId(number),
            token,
            product,
            terms: Box::new(terms.clone()),
        }));
        Ok(None)
    }

    pub(super) fn decide_change_sku(
        &self,
        sku: SkuId,
        terms: &SkuTerms,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let known = self.require_sku(sku)?;
        terms.check(self)?;
        if *known.terms != *terms {
            events.push(Event::Shop(ShopEvent::SkuChanged {
                sku,
                terms: Box::new(terms.clone()),
            }));
        }
        Ok(())
    }

    pub(super) fn decide_on_sale(
        &self,
        sku: SkuId,
        on_sale: bool,
        events: &mut Vec<Event>,
    ) -> Result<Option<Answer>, Refusal> {
        if self.require_sku(sku)?.on_sale == on_sale {
            return Ok(Some(Answer::Done));
        }
        events.push(Event::Shop(if on_sale {
            ShopEvent::SkuReopened { sku }
        } else {
            ShopEvent::SkuClosed { sku }
        }));
        Ok(None)
    }

    /// Units that are held cannot be taken out. Those that a supplier is not yet owed for go first.
    pub(super) fn decide_adjust(
        &self,
        sku: SkuId,
        by: i32,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let known = self.require_sku(sku)?;
        let units = by.unsigned_abs();
        if by == 0 {
            return Err(ShopRefusal::Units.into());
        }
        let mut own = 0;
        if by < 0 {
            if known.free < units {
                let free = known.free;
                return Err(ShopRefusal::OutOfStock { sku, free }.into());
            }
            own = units.saturating_sub(known.free.saturating_sub(known.own));
        } else if MAX_STOCK < known.free.saturating_add(units) {
            return Err(ShopRefusal::Units.into());
        }
        events.push(Event::Shop(ShopEvent::StockAdjusted { sku, by, own }));
        Ok(())
    }

    pub(super) fn decide_stock_returns(
        &self,
        sku: SkuId,
        campaign: CampaignId,
        units: u32,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let known = self.require_sku(sku)?;
        if units == 0 || MAX_STOCK < known.free.saturating_add(units) {
            return Err(ShopRefusal::Units.into());
        }
        let left = self.shop.returned.get(&campaign).copied().unwrap_or(0);
        if left < units {
            return Err(ShopRefusal::ReturnsUsedUp { campaign, left }.into());
        }
        events.push(Event::Shop(ShopEvent::ReturnsStocked {
            sku,
            campaign,
            units,
        }));
        Ok(())
    }

    pub(super) fn apply_sku(
        &mut self,
        id: SkuId,
        (token, product): ([u8; 16], [u8; 16]),
        terms: &SkuTerms,
    ) {
        self.expect_next("SKU", u64::from(id.0), self.shop.skus.len());
        self.shop.skus.push(Sku {
            token,
            product,
            terms: Box::new(terms.clone()),
            on_sale: true,
            free: 0,
            own: 0,
        });
        self.shop.by_product.entry(product).or_default().push(id);
    }

    pub(super) fn rebuild_products(&mut self) {
        for (id, sku) in (0u32..).map(SkuId).zip(&self.shop.skus) {
            self.shop
                .by_product
                .entry(sku.product)
                .or_default()
                .push(id);
        }
    }

    pub(super) fn change_sku(&mut self, id: SkuId, how: impl FnOnce(&mut Sku)) {
        let place = usize::try_from(id.0).unwrap_or(usize::MAX);
        match self.shop.skus.get_mut(place) {
            Some(known) => how(known),
            None => self.corrupt("something that is not for sale has changed"),
        }
    }

    pub(super) fn apply_adjusted(&mut self, sku: SkuId, by: i32, own: u32) {
        let fits = self
            .sku_ref(sku)
            .is_some_and(|known| known.free.checked_add_signed(by).is_some() && own <= known.own);
        if !fits {
            self.corrupt("more units left a stock than it had");
        }
        self.change_sku(sku, |known| {
            known.free = known.free.saturating_add_signed(by);
            known.own = known.own.saturating_sub(own);
        });
    }

    pub(super) fn apply_returns_stocked(&mut self, sku: SkuId, campaign: CampaignId, units: u32) {
        let left = self.shop.returned.entry(campaign).or_default();
        match left.checked_sub(units) {
            Some(0) => {
                self.shop.returned.remove(&campaign);
            }
            Some(rest) => *left = rest,
            None => self.corrupt("more units came into stock than were returned"),
        }
        self.change_sku(sku, |known| known.give(units, units));
    }

    /// A winner's unit is back: it is the platform's, where the platform has paid for it.
    pub(crate) fn count_returned(&mut self, group: GroupId) {
        let Some(campaign) = self.campaign_number(group) else {
            return;
        };
        let is_own = self
            .campaign(campaign)
            .is_some_and(|known| known.terms.merchant.is_none());
        if is_own {
            let units = self.shop.returned.entry(campaign).or_default();
            *units = units.saturating_add(1);
        }
    }
}

impl Sku {
    /// Takes free units; `own` of them are paid for already.
    pub(super) fn take(&mut self, units: u32, own: u32) {
        self.free = self.free.saturating_sub(units);
        self.own = self.own.saturating_sub(own);
    }

    /// Gives units back; `own` of them are paid for already.
    pub(super) fn give(&mut self, units: u32, own: u32) {
        self.free = self.free.saturating_add(units);
        self.own = self.own.saturating_add(own);
    }
}
