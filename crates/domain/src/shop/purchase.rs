//! Direct purchases: units reserved, paid in cash and coins, sent, kept or returned (rules 10.6).
//!
//! Why coins are held and not taken at the reservation: a lot that came back anew with every lapse would never expire. They
//! leave the member with the payment, the oldest first; what was lost meanwhile sends the payment back.

use std::collections::BTreeSet;

use minicbor::{Decode, Encode};

use super::{FetchTerms, PurchaseId, Shop, ShopEvent, ShopRefusal, SkuId};
use crate::{
    Account, Answer, BACK_AFTER, Bounce, ChannelTerms, Coins, Due, Duration, Event, LotPart,
    MAX_AMOUNT_FEN, MemberId, Millis, Money, PackageTerms, PaymentAnswer, PendingRefund,
    RECEIVED_AFTER, RETURN_WINDOW, RechargeEvent, RefundId, Refusal, Txn, World,
    join::MAX_PROMISED, owed_coins, payment::KnownPayment, recharge::HeldUnit,
};

/// How long units are held for a payment.
pub const PURCHASE_WINDOW: Duration = Duration::seconds(15 * 60);
/// Most units of one purchase.
pub const MAX_UNITS: u32 = 100;
/// Most unpaid purchases of one member, so that nobody empties a stock without paying.
pub const MAX_OPEN_RESERVATIONS: u32 = 5;

/// What a member wants to buy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// Who.
    pub member: MemberId,
    /// The purchase's identity.
    pub token: [u8; 16],
    /// What.
    pub sku: SkuId,
    /// How many.
    pub units: u32,
    /// What he was told that one costs.
    pub price: Money,
    /// How much of the bill in coins.
    pub coins: Coins,
}

/// A purchase that has not ended.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Purchase {
    /// Whose.
    #[n(0)]
    pub member: MemberId,
    /// Its identity, which the request brought.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub token: [u8; 16],
    /// What.
    #[n(2)]
    pub sku: SkuId,
    /// How many.
    #[n(3)]
    pub units: u32,
    /// How many of them are paid for already.
    #[n(4)]
    pub own: u32,
    /// What they cost together.
    #[n(5)]
    pub bill: Money,
    /// The part of it in coins.
    #[n(6)]
    pub coins: Coins,
    /// What the supplier will be owed.
    #[n(7)]
    pub cost: Money,
    /// What the channel takes.
    #[n(8)]
    pub channel: ChannelTerms,
    /// How far it is.
    #[n(9)]
    pub state: PurchaseState,
    /// What it was paid with, and the part of its fee that the channel gives back with it.
    #[n(10)]
    pub paid: Option<(Txn, Money)>,
    /// Where and how long it can be fetched, unless it is sent.
    #[n(11)]
    pub fetch: Option<FetchTerms>,
    /// It is a recharge package, and this is what is got for it.
    #[n(12)]
    pub package: Option<PackageTerms>,
    /// A unit that is held for it, which the package gives later.
    #[n(13)]
    pub unit: Option<HeldUnit>,
    /// It is the gift of this recharge: nothing was paid for it.
    #[n(14)]
    pub gift_of: Option<PurchaseId>,
    /// Which lots its coins were taken from, once it is paid.
    #[cbor(n(15), default, skip_if = "Vec::is_empty")]
    pub lots: Vec<LotPart>,
}

impl Purchase {
    /// What is paid through the channel.
    pub fn cash(&self) -> Money {
        Money(self.bill.0.saturating_sub(self.coins.0))
    }

    /// When something becomes due by itself.
    fn due_at(&self) -> Option<Millis> {
        match self.state {
            PurchaseState::Reserved { pay_by } => Some(pay_by),
            PurchaseState::Paid => None,
            PurchaseState::Shipped { received_by } => Some(received_by),
            PurchaseState::Received { kept_at } => Some(kept_at),
            PurchaseState::Returning { back_by } => Some(back_by),
            PurchaseState::Waiting { until } => until,
        }
    }

    /// What it adds to all that is promised.
    fn promise(&self) -> i64 {
        let unit = self.unit.as_ref().map_or(0, |unit| unit.cost.0);
        let all = self.bill.0.saturating_add(self.cost.0);
        all.saturating_add(unit)
    }

    /// Whose units it holds: what is bought, and what is given with it.
    fn skus(&self) -> impl Iterator<Item = SkuId> {
        let given = self.unit.as_ref().map(|unit| unit.sku);
        std::iter::once(self.sku).chain(given)
    }
}

/// How far a purchase is. After `Received` it is kept, after `Returning` returned; then it leaves memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum PurchaseState {
    /// Units are held until it is paid.
    #[n(0)]
    Reserved {
        /// From this moment on it is too late.
        #[n(0)]
        pay_by: Millis,
    },
    /// Paid, not on its way yet.
    #[n(1)]
    Paid,
    /// On its way.
    #[n(2)]
    Shipped {
        /// When it counts as received.
        #[n(0)]
        received_by: Millis,
    },
    /// The buyer has it.
    #[n(3)]
    Received {
        /// When the return window closes.
        #[n(0)]
        kept_at: Millis,
    },
    /// It is on its way back.
    #[n(4)]
    Returning {
        /// When it counts as back.
        #[n(0)]
        back_by: Millis,
    },
    /// Paid, and waits to be fetched.
    #[n(5)]
    Waiting {
        /// When a voucher ends: what was paid goes back then.
        #[n(0)]
        until: Option<Millis>,
    },
}

/// A purchase's identity, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub(super) struct Identity {
    #[n(0)]
    member: MemberId,
    #[cbor(n(1), with = "minicbor::bytes")]
    token: [u8; 16],
}

/// Hot reads.
impl World {
    /// A purchase that has not ended.
    pub fn purchase(&self, id: PurchaseId) -> Option<&Purchase> {
        self.shop.open.get(&id)
    }

    /// Purchases that have not ended, by number.
    pub fn open_purchases(&self) -> impl Iterator<Item = (PurchaseId, &Purchase)> {
        self.shop.open.iter().map(|(&id, known)| (id, known))
    }

    /// Those that wait for their payment: what was reserved in the last minutes.
    pub(crate) fn unpaid_purchases(&self) -> impl Iterator<Item = &Purchase> {
        let reserved = self.shop.reserved.iter();
        reserved.filter_map(|(sku, _, id)| self.shop.open.get(id).filter(|of| of.sku == *sku))
    }

    /// How many purchases were ever begun; their numbers are below this.
    pub fn purchases(&self) -> u64 {
        self.shop.next_purchase
    }

    /// Coins of a member that his unpaid purchases and bills hold.
    pub fn coins_held(&self, member: MemberId) -> Coins {
        let held = self.shop.held.get(&member);
        let held = held.map_or(0, |(coins, _)| *coins);
        Coins(held.saturating_add(self.coins_held_at_counters(member)))
    }

    /// Coins of a member that he can use now.
    pub fn coins_free(&self, member: MemberId) -> Coins {
        let have = self.member_ref(member).map_or(0, |member| member.coins);
        let have = owed_coins(have)
            .0
            .saturating_add(self.bought_coins(member).0);
        Coins(have.saturating_sub(self.coins_held(member).0).max(0))
    }

    pub(crate) fn purchase_of_txn(&self, txn: &Txn) -> Option<PurchaseId> {
        self.shop.txns.get(txn).copied()
    }

    pub(crate) fn purchase_due_at(&self, id: PurchaseId) -> Option<Millis> {
        self.shop.open.get(&id)?.due_at()
    }

    fn require_purchase(&self, id: PurchaseId) -> Result<&Purchase, Refusal> {
        let known = self.shop.open.get(&id);
        known.ok_or_else(|| ShopRefusal::UnknownPurchase(id).into())
    }

    fn require_own_purchase(&self, id: PurchaseId, member: MemberId) -> Result<&Purchase, Refusal> {
        let known = self.require_purchase(id)?;
        if known.member != member {
            return Err(ShopRefusal::NotYourPurchase(id).into());
        }
        Ok(known)
    }
}

impl World {
    /// In this order: the identity (which answers for ever as it did first), the member, the thing, its price and units,
    /// what the member holds already, and his coins.
    pub(super) fn decide_buy(
        &self,
        asked: &Reservation,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<Option<Answer>, Refusal> {
        let Reservation {
            member, token, sku, ..
        } = *asked;
        if let Some(known) = self.shop.known.get(&Identity { member, token }) {
            return Ok(Some(Answer::Purchase(*known)));
        }
        self.require_member(member)?;
        self.require_not_frozen(member)?;
        self.profile.check_day(now)?;
        let known = self.require_sku(sku)?;
        if !known.on_sale {
            return Err(ShopRefusal::NotOnSale(sku).into());
        }
        let terms = &known.terms;
        if terms.price != asked.price {
            return Err(ShopRefusal::PriceChanged(terms.price).into());
        }
        if asked.units < 1 || MAX_UNITS < asked.units {
            return Err(ShopRefusal::Units.into());
        }
        if known.free < asked.units {
            let free = known.free;
            return Err(ShopRefusal::OutOfStock { sku, free }.into());
        }
        let open = self.shop.held.get(&member).map_or(0, |(_, open)| *open);
        if MAX_OPEN_RESERVATIONS <= open {
            return Err(ShopRefusal::TooManyReserved.into());
        }
        let bill = terms.price.times(asked.units)?;
        if MAX_AMOUNT_FEN < bill.0 {
            return Err(Refusal::Overflow);
        }
        let most = Coins(terms.coins_of(bill, self.profile_terms().coin_offset)?.0);
        if asked.coins < Coins::ZERO || most < asked.coins || bill.0 <= asked.coins.0 {
            return Err(ShopRefusal::TooManyCoins { most }.into());
        }
        let free = self.coins_free(member);
        if free < asked.coins {
            return Err(ShopRefusal::CoinsShort { free }.into());
        }
        let unit = self.require_package(member, (asked.units, bill), terms.package, now);
        let unit = unit.map_err(|refusal| of_package(sku, refusal))?;
        let own = known.own.min(asked.units);
        let pay_by = now.after(PURCHASE_WINDOW);
        let of = Purchase {
            member,
            token,
            sku,
            units: asked.units,
            own,
            bill,
            coins: asked.coins,
            cost: terms.cost.times(asked.units.saturating_sub(own))?,
            channel: terms.channel,
            state: PurchaseState::Reserved { pay_by },
            paid: None,
            fetch: terms.fetch.clone(),
            package: terms.package,
            unit,
            gift_of: None,
            lots: Vec::new(),
        };
        if MAX_PROMISED < self.promised.saturating_add(of.promise()) {
            return Err(Refusal::Overflow);
        }
        events.push(Event::Shop(ShopEvent::PurchaseReserved {
            purchase: PurchaseId(self.shop.next_purchase),
            of: Box::new(of),
        }));
        Ok(None)
    }

    pub(super) fn decide_cancel_purchase(
        &self,
        purchase: PurchaseId,
        member: MemberId,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let known = self.require_own_purchase(purchase, member)?;
        match known.state {
            PurchaseState::Reserved { .. } => {
                events.push(Event::Shop(ShopEvent::PurchaseLapsed { purchase }));
                Ok(())
            }
            // It is not on its way: what was paid goes back. For what was given nothing was paid.
            PurchaseState::Paid if known.gift_of.is_none() => {
                self.purchase_back(purchase, (known, now), events);
                Ok(())
            }
            PurchaseState::Paid
            | PurchaseState::Waiting { .. }
            | PurchaseState::Shipped { .. }
            | PurchaseState::Received { .. }
            | PurchaseState::Returning { .. } => Err(ShopRefusal::PurchaseState(purchase).into()),
        }
    }

    /// What cannot pay the purchase goes back in full at once, like a seat's (rules 5). What is not in memory is refused: the
    /// caller looks into the history.
    pub(super) fn decide_pay_purchase(
        &self,
        purchase: PurchaseId,
        (txn, amount): (Txn, Money),
        events: &mut Vec<Event>,
    ) -> Result<Option<Answer>, Refusal> {
        if self.is_known_money(&txn)? {
            return Ok(Some(Answer::Payment(PaymentAnswer::Known)));
        }
        let known = self.require_purchase(purchase)?;
        // Coins that expire are used first, and those that were bought after them.
        let have = owed_coins(self.balance(Account::Coins(known.member)));
        let held = self.coins_held_at_counters(known.member);
        let free = Coins(have.0.saturating_sub(held).max(0));
        let earned = free.min(known.coins);
        let bought = self.parts_of(known.member, known.coins.minus(earned)?);
        let may_recharge = self.profile_terms().recharge_cap.is_some();
        let bounce = match known.state {
            PurchaseState::Reserved { .. } if amount != known.cash() => Some(Bounce::AmountDiffers),
            PurchaseState::Reserved { .. } if bought.is_none() => Some(Bounce::CoinsGone),
            PurchaseState::Reserved { .. } if known.package.is_some() && !may_recharge => {
                Some(Bounce::ProfileForbids)
            }
            PurchaseState::Reserved { .. } => None,
            PurchaseState::Paid
            | PurchaseState::Waiting { .. }
            | PurchaseState::Shipped { .. }
            | PurchaseState::Received { .. }
            | PurchaseState::Returning { .. } => Some(Bounce::SecondPayment),
        };
        if let Some(reason) = bounce {
            self.bounce_money(known.member, (txn, amount), (known.channel, reason), events)?;
            return Ok(None);
        }
        if let Some(package) = known.package {
            events.push(self.recharged(purchase, known, (txn, package))?);
            return Ok(None);
        }
        events.push(Event::Shop(ShopEvent::PurchasePaid {
            purchase,
            member: known.member,
            txn,
            amount,
            fee: amount.channel_fee(known.channel.fee)?,
            fee_kept: known.channel.kept_on_refund,
            coins: earned,
            cost: known.cost,
        }));
        if let Some(parts) = bought.filter(|parts| !parts.is_empty()) {
            events.push(Event::Recharge(RechargeEvent::BoughtUsed {
                purchase,
                member: known.member,
                parts,
            }));
        }
        Ok(None)
    }

    pub(super) fn decide_bounce_purchase(
        &self,
        (member, sku): (MemberId, SkuId),
        (txn, amount): (Txn, Money),
        events: &mut Vec<Event>,
    ) -> Result<Option<Answer>, Refusal> {
        if self.is_known_money(&txn)? {
            return Ok(Some(Answer::Payment(PaymentAnswer::Known)));
        }
        let how = (self.require_sku(sku)?.terms.channel, Bounce::PurchaseOver);
        self.bounce_money(member, (txn, amount), how, events)?;
        Ok(None)
    }

    /// Whether a payment was dealt with that is in memory still; refused where it holds a seat.
    pub(crate) fn is_known_money(&self, txn: &Txn) -> Result<bool, Refusal> {
        match self.known_payment(txn) {
            Some(KnownPayment::Seat(seated, _)) => Err(Refusal::PaymentUsedElsewhere(seated)),
            Some(KnownPayment::Bought | KnownPayment::Returned) => Ok(true),
            None => Ok(false),
        }
    }

    /// Sends back all of a payment that can buy nothing.
    pub(crate) fn bounce_money(
        &self,
        member: MemberId,
        (txn, amount): (Txn, Money),
        (channel, reason): (ChannelTerms, Bounce),
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        if !amount.is_positive() {
            return Err(Refusal::AmountNotPositive);
        }
        // What goes back is not part of what is promised: keep the channel's balance far from its end.
        if i64::MAX / 2 < Money(self.books.channel).plus(amount)?.0 {
            return Err(Refusal::Overflow);
        }
        events.push(Event::PaymentBounced {
            payment: None,
            member: Some(member),
            txn,
            amount,
            fee: amount.channel_fee(channel.fee)?,
            fee_kept: channel.kept_on_refund,
            refund: RefundId(self.next_refund),
            reason,
        });
        Ok(())
    }

    pub(super) fn decide_ship_purchase(
        &self,
        purchase: PurchaseId,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        match self.require_purchase(purchase)?.state {
            PurchaseState::Paid => {
                let received_by = now.after(RECEIVED_AFTER);
                events.push(Event::Shop(ShopEvent::PurchaseShipped {
                    purchase,
                    received_by,
                }));
                Ok(())
            }
            PurchaseState::Reserved { .. }
            | PurchaseState::Waiting { .. }
            | PurchaseState::Shipped { .. }
            | PurchaseState::Received { .. }
            | PurchaseState::Returning { .. } => Err(ShopRefusal::PurchaseState(purchase).into()),
        }
    }

    pub(super) fn decide_receive_purchase(
        &self,
        purchase: PurchaseId,
        member: MemberId,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        match self.require_own_purchase(purchase, member)?.state {
            PurchaseState::Shipped { .. } => {
                let kept_at = now.after(RETURN_WINDOW);
                events.push(Event::Shop(ShopEvent::PurchaseReceived {
                    purchase,
                    kept_at,
                }));
                Ok(())
            }
            PurchaseState::Reserved { .. }
            | PurchaseState::Waiting { .. }
            | PurchaseState::Paid
            | PurchaseState::Received { .. }
            | PurchaseState::Returning { .. } => Err(ShopRefusal::PurchaseState(purchase).into()),
        }
    }

    pub(super) fn decide_return_purchase(
        &self,
        purchase: PurchaseId,
        member: MemberId,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let known = self.require_own_purchase(purchase, member)?;
        let is_gift = known.gift_of.is_some();
        match known.state {
            // What was given is not sent back: nothing was paid for it.
            PurchaseState::Received { .. } | PurchaseState::Waiting { .. } if is_gift => {
                Err(ShopRefusal::PurchaseState(purchase).into())
            }
            PurchaseState::Received { .. } => {
                let back_by = now.after(BACK_AFTER);
                events.push(Event::Shop(ShopEvent::PurchaseReturning {
                    purchase,
                    back_by,
                }));
                Ok(())
            }
            // Nobody has fetched it: there is nothing to send back.
            PurchaseState::Waiting { .. } => {
                self.purchase_back(purchase, (known, now), events);
                Ok(())
            }
            PurchaseState::Reserved { .. }
            | PurchaseState::Paid
            | PurchaseState::Shipped { .. }
            | PurchaseState::Returning { .. } => Err(ShopRefusal::PurchaseState(purchase).into()),
        }
    }

    pub(super) fn decide_take_back_purchase(
        &self,
        purchase: PurchaseId,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let known = self.require_purchase(purchase)?;
        match known.state {
            PurchaseState::Returning { .. } => {
                self.purchase_back(purchase, (known, now), events);
                Ok(())
            }
            PurchaseState::Reserved { .. }
            | PurchaseState::Waiting { .. }
            | PurchaseState::Paid
            | PurchaseState::Shipped { .. }
            | PurchaseState::Received { .. } => Err(ShopRefusal::PurchaseState(purchase).into()),
        }
    }

    /// By an operator, who says why: it cannot be sent, or nobody fetches it.
    pub(super) fn decide_give_up_purchase(
        &self,
        purchase: PurchaseId,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let known = self.require_purchase(purchase)?;
        match known.state {
            PurchaseState::Paid | PurchaseState::Waiting { .. } if known.gift_of.is_none() => {
                self.purchase_back(purchase, (known, now), events);
                Ok(())
            }
            PurchaseState::Paid
            | PurchaseState::Waiting { .. }
            | PurchaseState::Reserved { .. }
            | PurchaseState::Shipped { .. }
            | PurchaseState::Received { .. }
            | PurchaseState::Returning { .. } => Err(ShopRefusal::PurchaseState(purchase).into()),
        }
    }

    fn purchase_back(
        &self,
        purchase: PurchaseId,
        (known, now): (&Purchase, Millis),
        events: &mut Vec<Event>,
    ) {
        let (bought, back) = self.bought_back(purchase, known.member);
        events.extend(back);
        events.push(Event::Shop(ShopEvent::PurchaseReturned {
            purchase,
            member: known.member,
            refund: RefundId(self.next_refund),
            amount: known.cash(),
            coins: Coins(known.coins.0.saturating_sub(bought.0)),
            undone: self.undone(known),
            lots: World::lots_back(&known.lots, now),
        }));
    }

    /// What the supplier is owed no longer, if nobody ever had the units. What he has been paid stays paid.
    fn undone(&self, known: &Purchase) -> Option<Money> {
        match known.state {
            PurchaseState::Paid | PurchaseState::Waiting { .. } => {
                Some(known.cost).filter(|cost| *cost <= self.suppliers_owed())
            }
            PurchaseState::Reserved { .. }
            | PurchaseState::Shipped { .. }
            | PurchaseState::Received { .. }
            | PurchaseState::Returning { .. } => None,
        }
    }

    /// What time has made due in a purchase. What is to be paid yet may hold coins that have ended: they pay nothing any more.
    pub(crate) fn due_in_purchase(&self, purchase: PurchaseId, now: Millis, out: &mut Vec<Event>) {
        let Some(known) = self.shop.open.get(&purchase) else {
            return;
        };
        if matches!(known.state, PurchaseState::Reserved { .. }) {
            self.due_coins(now, out);
        }
        if known.due_at().is_none_or(|at| now < at) {
            return;
        }
        let kept_at = match known.state {
            PurchaseState::Reserved { .. } => {
                out.push(Event::Shop(ShopEvent::PurchaseLapsed { purchase }));
                return;
            }
            PurchaseState::Paid => return,
            PurchaseState::Shipped { received_by } => {
                let kept_at = received_by.after(RETURN_WINDOW);
                out.push(Event::Shop(ShopEvent::PurchaseReceived {
                    purchase,
                    kept_at,
                }));
                kept_at
            }
            PurchaseState::Received { kept_at } => kept_at,
            PurchaseState::Returning { .. } | PurchaseState::Waiting { .. } => {
                self.purchase_back(purchase, (known, now), out);
                return;
            }
        };
        if kept_at <= now {
            out.push(Event::Shop(ShopEvent::PurchaseKept { purchase }));
            self.decide_purchase_shared((purchase, known), now, out);
        }
    }

    /// What must be over before a thing is bought: coins that have expired, and reservations of it that have lapsed.
    pub(crate) fn due_in_sku(&self, sku: SkuId, now: Millis, events: &mut Vec<Event>) {
        self.due_coins(now, events);
        let mut lapsed = BTreeSet::new();
        for sku in self.held_with(sku) {
            let first = (sku, Millis(i64::MIN), PurchaseId(0));
            let last = (sku, now, PurchaseId(u64::MAX));
            let over = self.shop.reserved.range(first..=last);
            lapsed.extend(over.map(|&(_, at, purchase)| (at, purchase)));
        }
        for (_, purchase) in lapsed {
            events.push(Event::Shop(ShopEvent::PurchaseLapsed { purchase }));
        }
    }

    /// A thing, and what it gives if it is a package.
    fn held_with(&self, sku: SkuId) -> impl Iterator<Item = SkuId> {
        let package = self.sku_ref(sku).and_then(|known| known.terms.package);
        let given = package.and_then(|package| package.unit);
        std::iter::once(sku).chain(given.map(|unit| unit.sku))
    }

    /// When the first reservation of a thing lapses.
    pub(crate) fn sku_due_at(&self, sku: SkuId) -> Option<Millis> {
        let first = |sku| {
            let first = (sku, Millis(i64::MIN), PurchaseId(0));
            let found = self.shop.reserved.range(first..).next();
            found.filter(|found| found.0 == sku).map(|found| found.1)
        };
        self.held_with(sku).filter_map(first).min()
    }
}

/// What a package gives may be sold nowhere: it is told of the package that there is none.
fn of_package(sku: SkuId, refusal: Refusal) -> Refusal {
    if let Refusal::Shop(ShopRefusal::OutOfStock { free, .. }) = refusal {
        return ShopRefusal::OutOfStock { sku, free }.into();
    }
    if let Refusal::Shop(ShopRefusal::NotOnSale(_)) = refusal {
        return ShopRefusal::NotOnSale(sku).into();
    }
    refusal
}

impl Shop {
    /// Takes in what is derived of an open purchase.
    fn hold(&mut self, id: PurchaseId, of: &Purchase) {
        if let PurchaseState::Reserved { pay_by } = of.state {
            self.reserved.extend(of.skus().map(|sku| (sku, pay_by, id)));
            let held = self.held.entry(of.member).or_default();
            *held = (held.0.saturating_add(of.coins.0), held.1.saturating_add(1));
        }
        if let Some((txn, _)) = of.paid {
            self.txns.insert(txn, id);
        }
    }

    /// Forgets what is derived of an open purchase.
    fn release(&mut self, id: PurchaseId, of: &Purchase) {
        if let PurchaseState::Reserved { pay_by } = of.state {
            for sku in of.skus() {
                self.reserved.remove(&(sku, pay_by, id));
            }
            if let Some(held) = self.held.get_mut(&of.member) {
                *held = (held.0.saturating_sub(of.coins.0), held.1.saturating_sub(1));
                if held.1 == 0 {
                    self.held.remove(&of.member);
                }
            }
        }
        if let Some((txn, _)) = of.paid {
            self.txns.remove(&txn);
        }
    }
}

impl World {
    pub(super) fn apply_purchase_reserved(&mut self, id: PurchaseId, of: &Purchase) {
        if id.0 != self.shop.next_purchase {
            self.corrupt(&format!("purchase {id} is not the next"));
        }
        let fits = self
            .sku_ref(of.sku)
            .is_some_and(|known| of.units <= known.free && of.own <= known.own);
        if !fits {
            self.corrupt("more units were sold than there were");
        }
        self.change_sku(of.sku, |known| known.take(of.units, of.own));
        if let Some(unit) = &of.unit {
            let fits = self
                .sku_ref(unit.sku)
                .is_some_and(|known| 1 <= known.free && unit.own <= known.own);
            if !fits {
                self.corrupt("a unit was promised that there was not");
            }
            self.change_sku(unit.sku, |known| known.take(1, unit.own));
        }
        self.promised = self.promised.saturating_add(of.promise());
        self.begin_purchase(id, of);
    }

    fn begin_purchase(&mut self, id: PurchaseId, of: &Purchase) {
        self.shop.next_purchase = id.0.saturating_add(1);
        let identity = Identity {
            member: of.member,
            token: of.token,
        };
        self.shop.known.insert(identity, id);
        self.shop.open.insert(id, of.clone());
        self.shop.hold(id, of);
        self.purchase_timer(id, of);
    }

    /// A unit that was held is a member's.
    pub(crate) fn apply_unit_given(&mut self, id: PurchaseId, of: &Purchase) {
        if id.0 != self.shop.next_purchase {
            self.corrupt(&format!("purchase {id} is not the next"));
        }
        self.begin_purchase(id, of);
    }

    /// A unit that was held is free again.
    pub(crate) fn release_unit(&mut self, unit: &HeldUnit) {
        self.change_sku(unit.sku, |known| known.give(1, unit.own));
    }

    fn purchase_timer(&mut self, id: PurchaseId, of: &Purchase) {
        if let Some(at) = of.due_at() {
            self.push_timer(at, Due::Purchase(id));
        }
    }

    fn end_purchase(&mut self, id: PurchaseId) -> Option<Purchase> {
        let ended = self.shop.open.remove(&id);
        match &ended {
            Some(of) => self.shop.release(id, of),
            None => self.corrupt("a purchase ended twice"),
        }
        ended
    }

    pub(super) fn apply_purchase_lapsed(&mut self, id: PurchaseId) {
        if let Some(of) = self.end_purchase(id) {
            self.change_sku(of.sku, |known| known.give(of.units, of.own));
            if let Some(unit) = &of.unit {
                self.release_unit(unit);
            }
            self.promised = self.promised.saturating_sub(of.promise());
        }
    }

    pub(super) fn apply_purchase_paid(
        &mut self,
        id: PurchaseId,
        (txn, fee_back): (Txn, Money),
        earned: Coins,
    ) {
        if let Some(of) = self.end_purchase(id) {
            let state = match &of.fetch {
                None => PurchaseState::Paid,
                Some(fetch) => PurchaseState::Waiting {
                    until: fetch.until(self.now),
                },
            };
            let paid = Purchase {
                state,
                paid: Some((txn, fee_back)),
                lots: self.lots_to_use(of.member, earned),
                ..of
            };
            self.shop.hold(id, &paid);
            self.purchase_timer(id, &paid);
            self.shop.open.insert(id, paid);
        }
    }

    pub(super) fn apply_purchase_state(&mut self, id: PurchaseId, state: PurchaseState) {
        let Some(known) = self.shop.open.get_mut(&id) else {
            self.corrupt("a purchase that has ended changed its state");
            return;
        };
        known.state = state;
        if let Some(at) = known.due_at() {
            self.push_timer(at, Due::Purchase(id));
        }
    }

    pub(crate) fn apply_purchase_kept(&mut self, id: PurchaseId) {
        self.end_purchase(id);
        self.bought_is_spent(id);
    }

    /// What came back is paid for: the supplier is owed for it once. What nobody had is as it was.
    pub(super) fn apply_purchase_returned(
        &mut self,
        id: PurchaseId,
        (refund, amount): (RefundId, Money),
        undone: Option<Money>,
    ) {
        let Some(of) = self.end_purchase(id) else {
            return;
        };
        self.bought_is_spent(id);
        let own = if undone.is_some() { of.own } else { of.units };
        self.change_sku(of.sku, |known| known.give(of.units, own));
        let Some((txn, fee_back)) = of.paid else {
            self.corrupt("a purchase that was not paid came back");
            return;
        };
        self.apply_refund_due(PendingRefund {
            refund,
            txn,
            amount,
            payment: None,
            fee_back,
        });
    }

    /// Derives what a snapshot does not hold.
    pub(crate) fn rebuild_shop(&mut self) {
        self.rebuild_products();
        self.rebuild_vouchers();
        let open: Vec<(PurchaseId, Purchase)> = self
            .shop
            .open
            .iter()
            .map(|(&id, of)| (id, of.clone()))
            .collect();
        for (id, of) in open {
            self.shop.hold(id, &of);
            self.purchase_timer(id, &of);
        }
    }

    /// Every invariant of the shop that the state does not keep.
    pub(crate) fn check_shop(&self, found: &mut Vec<String>) {
        for (id, sku) in (0u32..).map(SkuId).zip(&self.shop.skus) {
            if sku.free < sku.own {
                found.push(format!("SKU {id} has more own units than free ones"));
            }
        }
        let mut derived = Shop::default();
        for (&id, of) in &self.shop.open {
            derived.hold(id, of);
            let is_reserved = matches!(of.state, PurchaseState::Reserved { .. });
            let is_sound = match of.gift_of {
                None => is_reserved == of.paid.is_none() && 1 <= of.cash().0,
                Some(_) => !is_reserved && of.paid.is_none() && of.cash() == Money::ZERO,
            };
            if !is_sound || of.coins < Coins::ZERO {
                found.push(format!("purchase {id} is paid or not against its state"));
            }
            if self.sku_ref(of.sku).is_none() || self.member_ref(of.member).is_none() {
                found.push(format!("purchase {id} is of nothing or nobody"));
            }
            let identity = Identity {
                member: of.member,
                token: of.token,
            };
            if self.shop.known.get(&identity) != Some(&id) {
                found.push(format!("purchase {id} is not known by its identity"));
            }
        }
        if derived.reserved != self.shop.reserved
            || derived.held != self.shop.held
            || derived.txns != self.shop.txns
        {
            found.push("what is held for unpaid purchases is not theirs".to_owned());
        }
    }
}
