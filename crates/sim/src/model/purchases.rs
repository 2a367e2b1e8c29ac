//! Rules 10.6 and 9.4: what is for sale by itself, and who buys it. Units that are held are counted anew from all purchases.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Bounce, ChannelTerms, Reservation, ShopCommand, SkuTerms};

use super::seats::{Met, fee_of};
use super::{DAY, GoodStage, Mistake, Model, Outcome, Told, refused};

/// How long units are held.
const WINDOW: i64 = 15 * 60_000;
/// The most that coins may pay of any bill, in parts per million: the profile of all storms.
const OFFSET: i64 = 100_000;
/// One hundred million yuan.
const MOST: i64 = 10_000_000_000;

/// Something that is for sale by itself.
#[derive(Clone, Debug)]
pub(crate) struct Ware {
    token: [u8; 16],
    product: [u8; 16],
    pub(crate) terms: SkuTerms,
    pub(super) on_sale: bool,
    /// All units that there ever were, less those that were taken out: sold ones, too.
    pub(super) brought: i64,
    /// Of all units those that were paid to a supplier before they were sold, less those that were sold so.
    pub(super) own: i64,
}

/// A purchase, from its reservation for ever.
#[derive(Clone, Debug)]
pub(crate) struct Buying {
    pub(crate) member: u32,
    token: [u8; 16],
    pub(crate) ware: u32,
    pub(super) units: i64,
    pub(super) own: i64,
    pub(super) bill: i64,
    pub(super) coins: i64,
    /// Which lots they were taken from, by their ends.
    lots: Vec<(i64, i64)>,
    pub(super) cost: i64,
    channel: ChannelTerms,
    pub(crate) stage: BuyingStage,
    pub(super) txn: Option<String>,
    fee_back: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BuyingStage {
    Reserved { pay_by: i64 },
    Lapsed,
    Bought(GoodStage),
}

impl Buying {
    pub(super) fn cash(&self) -> i64 {
        self.bill - self.coins
    }

    pub(super) fn is_over(&self) -> bool {
        match self.stage {
            BuyingStage::Reserved { .. } => false,
            BuyingStage::Lapsed => true,
            BuyingStage::Bought(stage) => stage.is_over(),
        }
    }

    /// Whether its units are not in the stock.
    pub(super) fn holds(&self) -> bool {
        !matches!(
            self.stage,
            BuyingStage::Lapsed | BuyingStage::Bought(GoodStage::Returned)
        )
    }

    pub(super) fn due_at(&self) -> Option<i64> {
        match self.stage {
            BuyingStage::Reserved { pay_by } => Some(pay_by),
            BuyingStage::Bought(GoodStage::Shipped { received_by }) => Some(received_by),
            BuyingStage::Bought(GoodStage::Received { kept_at }) => Some(kept_at),
            BuyingStage::Bought(GoodStage::Returning { back_by }) => Some(back_by),
            BuyingStage::Lapsed
            | BuyingStage::Bought(GoodStage::Paid | GoodStage::Kept | GoodStage::Returned) => None,
        }
    }
}

/// The shop.
#[derive(Clone, Debug, Default)]
pub(crate) struct Market {
    pub(crate) wares: Vec<Ware>,
    pub(super) all: Vec<Buying>,
    pub(super) open: BTreeSet<u64>,
    known: BTreeMap<(u32, [u8; 16]), u64>,
    /// Units that winners of each offer have returned, less those that were put on sale.
    pub(super) returned: BTreeMap<u32, i64>,
    /// Units of each ware that somebody holds or has kept.
    pub(super) out: BTreeMap<u32, i64>,
}

impl Model {
    pub(super) fn decide_market(&mut self, command: &ShopCommand, now: i64) -> Outcome {
        match command {
            ShopCommand::ListSku {
                token,
                product,
                terms,
            } => self.list(*token, *product, terms),
            ShopCommand::ChangeSku { sku, terms } => self.change(sku.0, terms),
            ShopCommand::CloseSku { sku } => self.put_on_sale(sku.0, false),
            ShopCommand::ReopenSku { sku } => self.put_on_sale(sku.0, true),
            ShopCommand::AdjustStock { sku, by } => self.adjust(sku.0, i64::from(*by)),
            ShopCommand::StockReturns {
                sku,
                campaign,
                units,
            } => self.stock_returns(sku.0, campaign.0, i64::from(*units)),
            ShopCommand::Buy(asked) => self.buy(asked, now),
            ShopCommand::CancelPurchase { purchase, member } => {
                match self.own_buying(purchase.0, member.0) {
                    Err(code) => refused(code),
                    Ok(BuyingStage::Reserved { .. }) => self.lapse(purchase.0),
                    Ok(BuyingStage::Bought(GoodStage::Paid)) => self.never_sent(purchase.0),
                    Ok(_) => refused("purchase_state"),
                }
            }
            ShopCommand::PayPurchase {
                purchase,
                txn,
                amount,
            } => self.pay_buying(purchase.0, (txn.as_str(), amount.0)),
            ShopCommand::BouncePurchase {
                sku, txn, amount, ..
            } => self.send_back_at_once(sku.0, (txn.as_str(), amount.0)),
            ShopCommand::ShipPurchase { purchase } => match self.open_stage(purchase.0) {
                None => refused("purchase_unknown"),
                Some(BuyingStage::Bought(GoodStage::Paid)) => {
                    let received_by = now + 15 * DAY;
                    self.goes_on(purchase.0, GoodStage::Shipped { received_by })
                }
                Some(_) => refused("purchase_state"),
            },
            ShopCommand::ReceivePurchase { purchase, member } => {
                match self.own_buying(purchase.0, member.0) {
                    Err(code) => refused(code),
                    Ok(BuyingStage::Bought(GoodStage::Shipped { .. })) => {
                        let kept_at = now + 7 * DAY;
                        self.goes_on(purchase.0, GoodStage::Received { kept_at })
                    }
                    Ok(_) => refused("purchase_state"),
                }
            }
            ShopCommand::ReturnPurchase { purchase, member } => {
                match self.own_buying(purchase.0, member.0) {
                    Err(code) => refused(code),
                    Ok(BuyingStage::Bought(GoodStage::Received { .. })) => {
                        let back_by = now + 15 * DAY;
                        self.goes_on(purchase.0, GoodStage::Returning { back_by })
                    }
                    Ok(_) => refused("purchase_state"),
                }
            }
            ShopCommand::TakeBackPurchase { purchase } => match self.open_stage(purchase.0) {
                None => refused("purchase_unknown"),
                Some(BuyingStage::Bought(GoodStage::Returning { .. })) => {
                    self.comes_back(purchase.0)
                }
                Some(_) => refused("purchase_state"),
            },
            ShopCommand::GiveUp { .. } => unreachable!("staff of the simulator give up nothing"),
            ShopCommand::Redeem { .. } => unreachable!("nothing in the simulator is fetched"),
        }
    }

    /// Money that came for a purchase which is over.
    fn send_back_at_once(&mut self, sku: u32, paid: (&str, i64)) -> Outcome {
        if let Some(told) = self.met_before(paid.0) {
            return told;
        }
        match self.market.wares.get(sku as usize) {
            None => refused("sku_unknown"),
            Some(ware) => {
                let channel = ware.terms.channel;
                self.bounce_for(channel, paid, Bounce::PurchaseOver)
            }
        }
    }

    fn list(&mut self, token: [u8; 16], product: [u8; 16], terms: &SkuTerms) -> Outcome {
        let mut listed = (0u32..).zip(&self.market.wares);
        if let Some((number, ware)) = listed.find(|(_, ware)| ware.token == token) {
            return if ware.product == product {
                Outcome::nothing(Told::Sku(number))
            } else {
                refused("idempotency_key_reused")
            };
        }
        if !is_sound(terms) {
            return refused("sku_invalid");
        }
        let number = u32::try_from(self.market.wares.len()).unwrap_or(u32::MAX);
        self.market.wares.push(Ware {
            token,
            product,
            terms: terms.clone(),
            on_sale: true,
            brought: 0,
            own: 0,
        });
        self.touched.wares.insert(number);
        Outcome::done(Told::Sku(number))
    }

    fn change(&mut self, number: u32, terms: &SkuTerms) -> Outcome {
        let Some(ware) = self.ware(number) else {
            return refused("sku_unknown");
        };
        if !is_sound(terms) {
            return refused("sku_invalid");
        }
        if ware.terms == *terms {
            return Outcome::nothing(Told::Done);
        }
        ware.terms = terms.clone();
        Outcome::done(Told::Done)
    }

    fn put_on_sale(&mut self, number: u32, on_sale: bool) -> Outcome {
        let Some(ware) = self.ware(number) else {
            return refused("sku_unknown");
        };
        if std::mem::replace(&mut ware.on_sale, on_sale) == on_sale {
            return Outcome::nothing(Told::Done);
        }
        Outcome::done(Told::Done)
    }

    /// Units that nobody is owed for yet go out first.
    fn adjust(&mut self, number: u32, by: i64) -> Outcome {
        let free = self.free_units(number);
        let Some(ware) = self.ware(number) else {
            return refused("sku_unknown");
        };
        if by == 0 || (0 < by && 10_000_000 < free + by) {
            return refused("units_invalid");
        }
        if free + by < 0 {
            return refused("out_of_stock");
        }
        ware.brought += by;
        ware.own = ware.own.min(free + by);
        Outcome::done(Told::Done)
    }

    fn stock_returns(&mut self, number: u32, offer: u32, units: i64) -> Outcome {
        let free = self.free_units(number);
        if self.ware(number).is_none() {
            return refused("sku_unknown");
        }
        if units == 0 || 10_000_000 < free + units {
            return refused("units_invalid");
        }
        let left = self.market.returned.get(&offer).copied().unwrap_or(0);
        if left < units {
            return refused("returns_used_up");
        }
        self.market.returned.insert(offer, left - units);
        if let Some(ware) = self.ware(number) {
            ware.brought += units;
            ware.own += units;
        }
        Outcome::done(Told::Done)
    }

    fn buy(&mut self, asked: &Reservation, now: i64) -> Outcome {
        let member = asked.member.0;
        if let Some(&known) = self.market.known.get(&(member, asked.token)) {
            return Outcome::nothing(Told::Purchase(known));
        }
        match self.reserved(asked) {
            Err(code) => refused(code),
            Ok(mut of) => {
                of.stage = BuyingStage::Reserved {
                    pay_by: now + WINDOW,
                };
                self.money.promised += of.bill + of.cost;
                let number = u64::try_from(self.market.all.len()).unwrap_or(u64::MAX);
                self.market.known.insert((member, of.token), number);
                *self.market.out.entry(of.ware).or_default() += of.units;
                if let Some(ware) = self.ware(of.ware) {
                    ware.own -= of.own;
                }
                self.market.all.push(of);
                self.market.open.insert(number);
                self.touched.buyings.insert(number);
                Outcome::done(Told::Purchase(number))
            }
        }
    }

    /// What somebody would buy, or the first rule that stands against it.
    fn reserved(&self, asked: &Reservation) -> Result<Buying, &'static str> {
        let member = asked.member.0;
        let person = self.people.get(&member).ok_or("member_unknown")?;
        let ware = self.market.wares.get(asked.sku.0 as usize);
        let ware = ware.ok_or("sku_unknown")?;
        if !ware.on_sale {
            return Err("not_on_sale");
        }
        let terms = &ware.terms;
        if terms.price != asked.price {
            return Err("price_changed");
        }
        let units = i64::from(asked.units);
        if !(1..=100).contains(&units) {
            return Err("units_invalid");
        }
        if self.free_units(asked.sku.0) < units {
            return Err("out_of_stock");
        }
        let unpaid: Vec<&Buying> = self.unpaid_of(member).collect();
        if 5 <= unpaid.len() {
            return Err("too_many_unpaid");
        }
        let bill = terms.price.0 * units;
        if MOST < bill {
            return Err("amount_too_large");
        }
        let offset = i128::from(OFFSET.min(i64::from(terms.coin_offset.0)));
        let most = i64::try_from((i128::from(bill) * offset).div_euclid(1_000_000)).unwrap_or(0);
        let coins = asked.coins.0;
        if coins < 0 || most < coins || bill <= coins {
            return Err("coins_over_limit");
        }
        let held: i64 = if self.mistake == Some(Mistake::CoinsHeldTwice) {
            0
        } else {
            self.coins_held(member)
        };
        if person.ready.coins - held < coins {
            return Err("coins_short");
        }
        let own = ware.own.min(units);
        let cost = terms.cost.0 * (units - own);
        if i64::MAX / 4 < self.money.promised + bill + cost {
            return Err("amount_too_large");
        }
        Ok(Buying {
            member,
            token: asked.token,
            ware: asked.sku.0,
            units,
            own,
            bill,
            coins,
            lots: Vec::new(),
            cost,
            channel: terms.channel,
            stage: BuyingStage::Lapsed,
            txn: None,
            fee_back: 0,
        })
    }

    fn pay_buying(&mut self, number: u64, (txn, amount): (&str, i64)) -> Outcome {
        if let Some(told) = self.met_before(txn) {
            return told;
        }
        let open = self.open_buying(number).cloned();
        let Some(of) = open else {
            return refused("purchase_unknown");
        };
        let coins = self.ready_coins(of.member) - self.coins_held_at_counters(of.member);
        let why = match of.stage {
            BuyingStage::Reserved { .. } if amount != of.cash() => Some(Bounce::AmountDiffers),
            BuyingStage::Reserved { .. } if coins < of.coins => Some(Bounce::CoinsGone),
            BuyingStage::Reserved { .. } => None,
            BuyingStage::Lapsed | BuyingStage::Bought(_) => Some(Bounce::SecondPayment),
        };
        if let Some(why) = why {
            return self.bounce_for(of.channel, (txn, amount), why);
        }
        let fee = fee_of(amount, of.channel);
        self.money.channel += amount - fee;
        self.money.fees += fee;
        self.money.sales += amount;
        self.money.goods_cost += of.cost;
        self.money.least_gain += amount - of.cost;
        let lots = self.spend_coins(of.member, of.coins);
        self.book(txn, None);
        if let Some(buying) = self.buying_mut(number) {
            buying.txn = Some(txn.to_owned());
            buying.lots = lots;
            buying.fee_back = if of.channel.kept_on_refund { 0 } else { fee };
        }
        let _ = self.goes_on(number, GoodStage::Paid);
        Outcome::done(Told::Purchase(number))
    }

    /// The oldest coins go first; which, by their ends.
    pub(super) fn spend_coins(&mut self, member: u32, coins: i64) -> Vec<(i64, i64)> {
        let newest_first = self.mistake == Some(Mistake::NewestCoinsFirst);
        self.money.coins -= coins;
        let person = self.person(member);
        person.ready.coins -= coins;
        person.lots.sort_unstable();
        if newest_first {
            person.lots.reverse();
        }
        let mut left = coins;
        let mut used = Vec::new();
        for lot in &mut person.lots {
            let taken = lot.1.min(left);
            lot.1 -= taken;
            left -= taken;
            if taken != 0 {
                used.push((lot.0, taken));
            }
        }
        person.lots.retain(|lot| lot.1 != 0);
        used
    }

    /// What was dealt with before, and is remembered.
    pub(super) fn met_before(&self, txn: &str) -> Option<Outcome> {
        Some(match self.met(txn)? {
            Met::Seat(..) => refused("payment_used_elsewhere"),
            Met::Returned | Met::Bought => Outcome::nothing(Told::Known),
        })
    }

    fn lapse(&mut self, number: u64) -> Outcome {
        if let Some(of) = self.buying_mut(number) {
            of.stage = BuyingStage::Lapsed;
            let of = of.clone();
            self.money.promised -= of.bill + of.cost;
            self.units_back(&of, of.own);
        }
        self.market.open.remove(&number);
        Outcome::done(Told::Done)
    }

    fn units_back(&mut self, of: &Buying, own: i64) {
        *self.market.out.entry(of.ware).or_default() -= of.units;
        let owed_again = self.mistake == Some(Mistake::ReturnedUnitsAreOwedAgain);
        if let Some(ware) = self.ware(of.ware)
            && !(owed_again && of.txn.is_some())
        {
            ware.own += own;
        }
    }

    /// The cash goes back the way it came, the coins as they were; the units are paid for.
    fn comes_back(&mut self, number: u64) -> Outcome {
        let units = self.buying(number).map_or(0, |of| of.units);
        self.goes_back(number, units)
    }

    /// Nobody had them: the stock and what is owed for it are as they were.
    fn never_sent(&mut self, number: u64) -> Outcome {
        let of = self.buying(number);
        let (own, cost) = of.map_or((0, 0), |of| (of.own, of.cost));
        self.money.goods_cost -= cost;
        self.money.least_gain += cost;
        self.goes_back(number, own)
    }

    fn goes_back(&mut self, number: u64, own: i64) -> Outcome {
        let _ = self.goes_on(number, GoodStage::Returned);
        let Some(of) = self.buying(number).cloned() else {
            return refused("purchase_unknown");
        };
        self.money.sales -= of.cash();
        self.money.least_gain -= of.cash();
        self.money.coins += of.coins;
        self.coins_back(of.member, &of.lots);
        if let Some(txn) = &of.txn {
            self.owe_back(txn, of.cash(), of.fee_back);
        }
        self.units_back(&of, own);
        Outcome::done(Told::Done)
    }

    /// Coins have the ends they had; where those are over, the month's.
    fn coins_back(&mut self, member: u32, lots: &[(i64, i64)]) {
        let month = super::next_month(self.ranks.now);
        for &(ends, coins) in lots {
            self.coins_at.get_or_insert(month);
            let person = self.person(member);
            person.ready.coins += coins;
            person.lots.push((ends.max(month), coins));
        }
    }

    fn goes_on(&mut self, number: u64, stage: GoodStage) -> Outcome {
        if let Some(of) = self.buying_mut(number) {
            of.stage = BuyingStage::Bought(stage);
        }
        if stage.is_over() {
            self.market.open.remove(&number);
        }
        Outcome::done(Told::Done)
    }

    pub(super) fn due_in_buying(&mut self, number: u64, now: i64) -> bool {
        let Some(of) = self.open_buying(number).cloned() else {
            return false;
        };
        let mut changed = false;
        if let BuyingStage::Reserved { .. } = of.stage {
            changed = self.due_coins(now);
        }
        if of.due_at().is_none_or(|at| now < at) {
            return changed;
        }
        let kept_at = match of.stage {
            BuyingStage::Reserved { .. } => {
                let _ = self.lapse(number);
                return true;
            }
            BuyingStage::Bought(GoodStage::Shipped { received_by }) => {
                let kept_at = received_by + 7 * DAY;
                let _ = self.goes_on(number, GoodStage::Received { kept_at });
                kept_at
            }
            BuyingStage::Bought(GoodStage::Received { kept_at }) => kept_at,
            BuyingStage::Bought(GoodStage::Returning { .. }) => {
                let _ = self.comes_back(number);
                return true;
            }
            BuyingStage::Lapsed | BuyingStage::Bought(_) => return changed,
        };
        if kept_at <= now {
            let _ = self.goes_on(number, GoodStage::Kept);
            self.share_of_goods(number, now);
        }
        true
    }

    /// Before a ware is bought, what holds units of it too long lets go.
    pub(super) fn due_in_ware(&mut self, ware: u32, now: i64) -> bool {
        let mut changed = self.due_coins(now);
        let late = self.open_buyings().filter(|(_, of)| {
            of.ware == ware && matches!(of.stage, BuyingStage::Reserved { pay_by } if pay_by <= now)
        });
        let late: Vec<u64> = late.map(|(number, _)| number).collect();
        for number in late {
            let _ = self.lapse(number);
            changed = true;
        }
        changed
    }

    /// A winner's unit is back.
    pub(super) fn unit_returned(&mut self, group: u64) {
        let offer = self.rooms.get(&group).map(|room| room.offer);
        if let Some(offer) = offer {
            *self.market.returned.entry(offer).or_default() += 1;
        }
    }
}

fn is_sound(terms: &SkuTerms) -> bool {
    (1..=MOST).contains(&terms.price.0)
        && (0..=MOST).contains(&terms.cost.0)
        && terms.coin_offset.0 < 1_000_000
        && terms.channel.fee.0 <= 1_000_000
}
