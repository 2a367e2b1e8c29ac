//! The shop: a stock of units and their direct purchase without a group (rules 9.4 and 10.6).
//!
//! Why the stock stands here and not in the directory with the products' texts: two buyers of a last unit are decided one after
//! the other like two joins, and what was sold can be replayed. Nothing in here runs for a join or for a group's settlement.

mod fetch;
mod purchase;
mod stock;

use std::collections::{BTreeMap, BTreeSet};

use minicbor::{Decode, Encode};

pub use fetch::{FetchTerms, Fetched, MAX_FETCH_STORES, MAX_VOUCHER_DAYS, VOUCHER_DAYS};
pub use purchase::{
    MAX_OPEN_RESERVATIONS, MAX_UNITS, PURCHASE_WINDOW, Purchase, PurchaseState, Reservation,
};
pub use stock::{MAX_SKUS, MAX_STOCK, SkuTerms, SkuView};

use crate::{
    Account, Answer, CampaignId, Coins, Event, MemberId, Millis, Money, OrderId, Overflow,
    RefundId, Refusal, StoreId, Txn, World,
};
use stock::Sku;

crate::ids::id!(
    /// One thing that is sold by itself: a product in one size and colour. Public decimal.
    SkuId(u32)
);
crate::ids::id!(
    /// One direct purchase, from its reservation on. Public decimal.
    PurchaseId(u64)
);

/// What is asked of the shop.
#[derive(Clone, Debug)]
pub enum ShopCommand {
    /// Lists one more thing for sale, without stock. The same token again gives the same number.
    ListSku {
        /// Random, from whoever lists it.
        token: [u8; 16],
        /// The product's row in the directory.
        product: [u8; 16],
        /// Under which terms it is sold.
        terms: Box<SkuTerms>,
    },
    /// Sells it under other terms from now on. What is reserved or bought stands as it was.
    ChangeSku {
        /// Which.
        sku: SkuId,
        /// All of them.
        terms: Box<SkuTerms>,
    },
    /// Takes it off sale; what is reserved may be paid.
    CloseSku {
        /// Which.
        sku: SkuId,
    },
    /// Puts it on sale again.
    ReopenSku {
        /// Which.
        sku: SkuId,
    },
    /// Adds units that a supplier will be owed for when they are sold, or takes free units out.
    AdjustStock {
        /// Of which.
        sku: SkuId,
        /// How many; below zero: out.
        by: i32,
    },
    /// Puts units that a campaign's winners have returned on sale. They are paid for already.
    StockReturns {
        /// As what.
        sku: SkuId,
        /// Whose.
        campaign: CampaignId,
        /// How many.
        units: u32,
    },
    /// Reserves units. The same identity of the same member again gives the same purchase, for ever.
    Buy(Reservation),
    /// Gives up an unpaid reservation, or what was paid and is not on its way: then it is paid back.
    CancelPurchase {
        /// Which.
        purchase: PurchaseId,
        /// Whose it is.
        member: MemberId,
    },
    /// A payment for a purchase has arrived, as the channel itself confirmed.
    PayPurchase {
        /// Which.
        purchase: PurchaseId,
        /// What the provider calls the payment.
        txn: Txn,
        /// What was paid.
        amount: Money,
    },
    /// Sends back money that came for a purchase no longer in memory. The caller has looked through the history up to now
    /// and has not found this payment there.
    BouncePurchase {
        /// Who paid.
        member: MemberId,
        /// What he would have bought: its channel's terms say what the payment has cost.
        sku: SkuId,
        /// What the provider calls the payment.
        txn: Txn,
        /// What was paid.
        amount: Money,
    },
    /// The units are on their way.
    ShipPurchase {
        /// Which.
        purchase: PurchaseId,
    },
    /// The buyer has them.
    ReceivePurchase {
        /// Which.
        purchase: PurchaseId,
        /// Whose it is.
        member: MemberId,
    },
    /// The buyer sends them back, within the return window.
    ReturnPurchase {
        /// Which.
        purchase: PurchaseId,
        /// Whose it is.
        member: MemberId,
    },
    /// What was sent back has arrived.
    TakeBackPurchase {
        /// Which.
        purchase: PurchaseId,
    },
    /// An operator gives up what is paid and was never sent or fetched: it is paid back.
    GiveUp {
        /// What.
        what: Fetched,
    },
    /// A cashier gives out what is picked up, or redeems a voucher. The caller has seen its code.
    Redeem {
        /// What.
        what: Fetched,
        /// Where.
        store: StoreId,
    },
}

/// What has happened in the shop. Stored for ever, like [`Event`]: numbers are never reused.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum ShopEvent {
    /// A thing is for sale.
    #[n(0)]
    SkuListed {
        /// Its number.
        #[n(0)]
        sku: SkuId,
        /// Who listed it knows it by this.
        #[cbor(n(1), with = "minicbor::bytes")]
        token: [u8; 16],
        /// The product's row in the directory.
        #[cbor(n(2), with = "minicbor::bytes")]
        product: [u8; 16],
        /// Under which terms.
        #[n(3)]
        terms: Box<SkuTerms>,
    },
    /// It is sold under other terms.
    #[n(1)]
    SkuChanged {
        /// Which.
        #[n(0)]
        sku: SkuId,
        /// All of them.
        #[n(1)]
        terms: Box<SkuTerms>,
    },
    /// It is not for sale any more.
    #[n(2)]
    SkuClosed {
        /// Which.
        #[n(0)]
        sku: SkuId,
    },
    /// It is for sale again.
    #[n(3)]
    SkuReopened {
        /// Which.
        #[n(0)]
        sku: SkuId,
    },
    /// There are more or fewer units of it.
    #[n(4)]
    StockAdjusted {
        /// Of which.
        #[n(0)]
        sku: SkuId,
        /// How many more; below zero: fewer.
        #[n(1)]
        by: i32,
        /// How many of those that went were paid for already.
        #[n(2)]
        own: u32,
    },
    /// Units that winners have returned are on sale.
    #[n(5)]
    ReturnsStocked {
        /// As what.
        #[n(0)]
        sku: SkuId,
        /// Whose winners.
        #[n(1)]
        campaign: CampaignId,
        /// How many.
        #[n(2)]
        units: u32,
    },
    /// Units are held for a member, and so are his coins.
    #[n(6)]
    PurchaseReserved {
        /// The purchase.
        #[n(0)]
        purchase: PurchaseId,
        /// Everything of it.
        #[n(1)]
        of: Box<Purchase>,
    },
    /// A reservation was not paid in time, or was given up: units and coins are free again.
    #[n(7)]
    PurchaseLapsed {
        /// Which.
        #[n(0)]
        purchase: PurchaseId,
    },
    /// The purchase is paid: the cash is in the channel, the coins are used.
    #[n(8)]
    PurchasePaid {
        /// Which.
        #[n(0)]
        purchase: PurchaseId,
        /// Whose.
        #[n(1)]
        member: MemberId,
        /// The provider's name of the payment.
        #[n(2)]
        txn: Txn,
        /// What was paid in cash.
        #[n(3)]
        amount: Money,
        /// What the channel took of it.
        #[n(4)]
        fee: Money,
        /// Whether the channel keeps that fee.
        #[n(5)]
        fee_kept: bool,
        /// What was paid in coins.
        #[n(6)]
        coins: Coins,
        /// What the supplier is owed.
        #[n(7)]
        cost: Money,
    },
    /// The units are on their way.
    #[n(9)]
    PurchaseShipped {
        /// Which.
        #[n(0)]
        purchase: PurchaseId,
        /// When they count as received by themselves.
        #[n(1)]
        received_by: Millis,
    },
    /// The buyer has them, or the time for saying otherwise has passed.
    #[n(10)]
    PurchaseReceived {
        /// Which.
        #[n(0)]
        purchase: PurchaseId,
        /// When the return window closes.
        #[n(1)]
        kept_at: Millis,
    },
    /// The return window has closed.
    #[n(11)]
    PurchaseKept {
        /// Which.
        #[n(0)]
        purchase: PurchaseId,
    },
    /// The buyer sends the units back.
    #[n(12)]
    PurchaseReturning {
        /// Which.
        #[n(0)]
        purchase: PurchaseId,
        /// When they count as back by themselves.
        #[n(1)]
        back_by: Millis,
    },
    /// The units are back, and on sale again: the cash goes back the way it came, the coins as new ones.
    #[n(13)]
    PurchaseReturned {
        /// Which.
        #[n(0)]
        purchase: PurchaseId,
        /// Whose.
        #[n(1)]
        member: MemberId,
        /// The refund.
        #[n(2)]
        refund: RefundId,
        /// What goes back.
        #[n(3)]
        amount: Money,
        /// The coins that come back.
        #[n(4)]
        coins: Coins,
        /// Nobody ever had the units, and the supplier is not owed this much for them any more: they are the stock that they
        /// were. None where they were handed out, or the supplier has been paid meanwhile: then all of them are paid for.
        #[n(5)]
        undone: Option<Money>,
    },
    /// A purchase was given out at a store.
    #[n(14)]
    PurchaseRedeemed {
        /// Which.
        #[n(0)]
        purchase: PurchaseId,
        /// Where.
        #[n(1)]
        store: StoreId,
        /// When the return window closes; none: a voucher is used for good.
        #[n(2)]
        kept_at: Option<Millis>,
    },
    /// A group's buyer was given what he got; that it is received, or used for good, follows.
    #[n(15)]
    OrderRedeemed {
        /// Which.
        #[n(0)]
        order: OrderId,
        /// Where.
        #[n(1)]
        store: StoreId,
    },
}

/// Why the shop turned a command down.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShopRefusal {
    /// No such thing is sold.
    #[error("SKU {0} is not known")]
    UnknownSku(SkuId),
    /// Its terms are out of their range.
    #[error("{field} {must}")]
    InvalidSku {
        /// Which term.
        field: &'static str,
        /// What it must be.
        must: &'static str,
    },
    /// It is off sale.
    #[error("SKU {0} is not on sale")]
    NotOnSale(SkuId),
    /// It costs another price by now.
    #[error("one unit costs {0} now")]
    PriceChanged(Money),
    /// Fewer units are free.
    #[error("only {free} units of SKU {sku} are free")]
    OutOfStock {
        /// Of which.
        sku: SkuId,
        /// How many there are.
        free: u32,
    },
    /// As many units cannot be bought or put in stock.
    #[error("the number of units is out of its range")]
    Units,
    /// Fewer units have come back from this campaign's winners.
    #[error("only {left} returned units of campaign {campaign} are not in stock yet")]
    ReturnsUsedUp {
        /// Of which.
        campaign: CampaignId,
        /// How many there are.
        left: u32,
    },
    /// More of the bill than coins may pay.
    #[error("at most {most} coins can be used for this")]
    TooManyCoins {
        /// How many may be.
        most: Coins,
    },
    /// The member has fewer coins, or holds them for other purchases.
    #[error("only {free} coins are free")]
    CoinsShort {
        /// How many there are.
        free: Coins,
    },
    /// The member holds as much unpaid as anybody may.
    #[error("the member has {MAX_OPEN_RESERVATIONS} unpaid purchases")]
    TooManyReserved,
    /// Somebody has won it, and may still be reached.
    #[error("order {order} can be given up only from {} on", from.to_date())]
    OrderWaits {
        /// Which.
        order: OrderId,
        /// From when on.
        from: Millis,
    },
    /// What a package gives costs more than the package.
    #[error("what the package gives costs {cost}, which is more than its price")]
    GiftTooDear {
        /// What it costs.
        cost: Money,
    },
    /// It is given out at other stores.
    #[error("this is not given out at store {0}")]
    OtherStore(StoreId),
    /// No such purchase, or it has ended.
    #[error("purchase {0} is not known or has ended")]
    UnknownPurchase(PurchaseId),
    /// It is somebody else's.
    #[error("purchase {0} is not yours")]
    NotYourPurchase(PurchaseId),
    /// It is not in the state for this.
    #[error("purchase {0} is not in the state for this")]
    PurchaseState(PurchaseId),
}

impl ShopRefusal {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            ShopRefusal::UnknownSku(_) => "sku_unknown",
            ShopRefusal::InvalidSku { .. } => "sku_invalid",
            ShopRefusal::NotOnSale(_) => "not_on_sale",
            ShopRefusal::PriceChanged(_) => "price_changed",
            ShopRefusal::OutOfStock { .. } => "out_of_stock",
            ShopRefusal::Units => "units_invalid",
            ShopRefusal::ReturnsUsedUp { .. } => "returns_used_up",
            ShopRefusal::TooManyCoins { .. } => "coins_over_limit",
            ShopRefusal::CoinsShort { .. } => "coins_short",
            ShopRefusal::TooManyReserved => "too_many_unpaid",
            ShopRefusal::OrderWaits { .. } => "order_waits",
            ShopRefusal::GiftTooDear { .. } => "gift_too_dear",
            ShopRefusal::OtherStore(_) => "other_store",
            ShopRefusal::UnknownPurchase(_) => "purchase_unknown",
            ShopRefusal::NotYourPurchase(_) => "purchase_not_yours",
            ShopRefusal::PurchaseState(_) => "purchase_state",
        }
    }
}

impl From<ShopRefusal> for Refusal {
    fn from(refusal: ShopRefusal) -> Refusal {
        Refusal::Shop(refusal)
    }
}

impl ShopEvent {
    /// All names, by the numbers of the kinds.
    pub const NAMES: [&'static str; 16] = [
        "sku_listed",
        "sku_changed",
        "sku_closed",
        "sku_reopened",
        "stock_adjusted",
        "returns_stocked",
        "purchase_reserved",
        "purchase_lapsed",
        "purchase_paid",
        "purchase_shipped",
        "purchase_received",
        "purchase_kept",
        "purchase_returning",
        "purchase_returned",
        "purchase_redeemed",
        "order_redeemed",
    ];

    /// Its name in SQL and JSON.
    pub fn name(&self) -> &'static str {
        match self {
            ShopEvent::SkuListed { .. } => "sku_listed",
            ShopEvent::SkuChanged { .. } => "sku_changed",
            ShopEvent::SkuClosed { .. } => "sku_closed",
            ShopEvent::SkuReopened { .. } => "sku_reopened",
            ShopEvent::StockAdjusted { .. } => "stock_adjusted",
            ShopEvent::ReturnsStocked { .. } => "returns_stocked",
            ShopEvent::PurchaseReserved { .. } => "purchase_reserved",
            ShopEvent::PurchaseLapsed { .. } => "purchase_lapsed",
            ShopEvent::PurchasePaid { .. } => "purchase_paid",
            ShopEvent::PurchaseShipped { .. } => "purchase_shipped",
            ShopEvent::PurchaseReceived { .. } => "purchase_received",
            ShopEvent::PurchaseKept { .. } => "purchase_kept",
            ShopEvent::PurchaseReturning { .. } => "purchase_returning",
            ShopEvent::PurchaseReturned { .. } => "purchase_returned",
            ShopEvent::PurchaseRedeemed { .. } => "purchase_redeemed",
            ShopEvent::OrderRedeemed { .. } => "order_redeemed",
        }
    }

    /// What a command that ends with it answers; none: what it would answer without.
    pub(crate) fn answer(&self) -> Option<Answer> {
        match self {
            ShopEvent::SkuListed { sku, .. } => Some(Answer::Sku(*sku)),
            ShopEvent::PurchaseReserved { purchase, .. }
            | ShopEvent::PurchasePaid { purchase, .. } => Some(Answer::Purchase(*purchase)),
            ShopEvent::SkuChanged { .. }
            | ShopEvent::SkuClosed { .. }
            | ShopEvent::SkuReopened { .. }
            | ShopEvent::StockAdjusted { .. }
            | ShopEvent::ReturnsStocked { .. }
            | ShopEvent::PurchaseLapsed { .. }
            | ShopEvent::PurchaseShipped { .. }
            | ShopEvent::PurchaseReceived { .. }
            | ShopEvent::PurchaseKept { .. }
            | ShopEvent::PurchaseReturning { .. }
            | ShopEvent::PurchaseReturned { .. }
            | ShopEvent::PurchaseRedeemed { .. }
            | ShopEvent::OrderRedeemed { .. } => None,
        }
    }
}

impl ShopCommand {
    /// What may be due before it is decided.
    pub(crate) fn touched(&self) -> Option<crate::Due> {
        match self {
            ShopCommand::Buy(asked) => Some(crate::Due::Sku(asked.sku)),
            ShopCommand::AdjustStock { sku, .. } => Some(crate::Due::Sku(*sku)),
            ShopCommand::CancelPurchase { purchase, .. }
            | ShopCommand::PayPurchase { purchase, .. }
            | ShopCommand::ShipPurchase { purchase }
            | ShopCommand::ReceivePurchase { purchase, .. }
            | ShopCommand::ReturnPurchase { purchase, .. }
            | ShopCommand::TakeBackPurchase { purchase } => Some(crate::Due::Purchase(*purchase)),
            ShopCommand::GiveUp { what } | ShopCommand::Redeem { what, .. } => Some(match what {
                Fetched::Purchase(purchase) => crate::Due::Purchase(*purchase),
                Fetched::Order(order) => crate::Due::Order(*order),
            }),
            ShopCommand::ListSku { .. }
            | ShopCommand::ChangeSku { .. }
            | ShopCommand::CloseSku { .. }
            | ShopCommand::ReopenSku { .. }
            | ShopCommand::StockReturns { .. }
            | ShopCommand::BouncePurchase { .. } => None,
        }
    }

    /// In whose name it acts, if in a member's.
    pub(crate) fn member(&self) -> Option<MemberId> {
        match self {
            ShopCommand::Buy(asked) => Some(asked.member),
            ShopCommand::CancelPurchase { member, .. }
            | ShopCommand::ReceivePurchase { member, .. }
            | ShopCommand::ReturnPurchase { member, .. } => Some(*member),
            // A payment that goes back comes from the channel, never from a member himself.
            ShopCommand::BouncePurchase { .. }
            | ShopCommand::ListSku { .. }
            | ShopCommand::ChangeSku { .. }
            | ShopCommand::CloseSku { .. }
            | ShopCommand::ReopenSku { .. }
            | ShopCommand::AdjustStock { .. }
            | ShopCommand::StockReturns { .. }
            | ShopCommand::PayPurchase { .. }
            | ShopCommand::ShipPurchase { .. }
            | ShopCommand::TakeBackPurchase { .. }
            | ShopCommand::GiveUp { .. }
            | ShopCommand::Redeem { .. } => None,
        }
    }
}

/// Everything of the shop. All of it is empty until something is listed or returned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Shop {
    #[n(0)]
    skus: Vec<Sku>,
    #[n(1)]
    next_purchase: u64,
    /// Purchases that have not ended.
    #[n(2)]
    open: BTreeMap<PurchaseId, Purchase>,
    /// All that ever were, by their identity.
    #[n(3)]
    known: BTreeMap<purchase::Identity, PurchaseId>,
    /// Units that winners have returned and that are not on sale.
    #[n(4)]
    returned: BTreeMap<CampaignId, u32>,
    /// Vouchers of groups that nobody has used, by when they end.
    #[n(5)]
    fetch_by: BTreeMap<OrderId, Millis>,

    // Derived from the above; rebuilt when a snapshot is read.
    /// What is sold of each product.
    #[cbor(skip)]
    by_product: BTreeMap<[u8; 16], Vec<SkuId>>,
    /// Unpaid purchases of each thing, by when they lapse.
    #[cbor(skip)]
    reserved: BTreeSet<(SkuId, Millis, PurchaseId)>,
    /// What unpaid purchases hold of each member's coins, and how many they are.
    #[cbor(skip)]
    held: BTreeMap<MemberId, (i64, u32)>,
    /// Open purchases by what they were paid with.
    #[cbor(skip)]
    txns: BTreeMap<Txn, PurchaseId>,
}

impl World {
    pub(crate) fn decide_shop(
        &self,
        command: &ShopCommand,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<Option<Answer>, Refusal> {
        match command {
            ShopCommand::ListSku {
                token,
                product,
                terms,
            } => return self.decide_list_sku(*token, *product, terms, events),
            ShopCommand::ChangeSku { sku, terms } => self.decide_change_sku(*sku, terms, events)?,
            ShopCommand::CloseSku { sku } => return self.decide_on_sale(*sku, false, events),
            ShopCommand::ReopenSku { sku } => return self.decide_on_sale(*sku, true, events),
            ShopCommand::AdjustStock { sku, by } => self.decide_adjust(*sku, *by, events)?,
            ShopCommand::StockReturns {
                sku,
                campaign,
                units,
            } => self.decide_stock_returns(*sku, *campaign, *units, events)?,
            ShopCommand::Buy(asked) => return self.decide_buy(asked, now, events),
            ShopCommand::CancelPurchase { purchase, member } => {
                self.decide_cancel_purchase(*purchase, *member, events)?
            }
            ShopCommand::PayPurchase {
                purchase,
                txn,
                amount,
            } => return self.decide_pay_purchase(*purchase, (*txn, *amount), events),
            ShopCommand::BouncePurchase {
                member,
                sku,
                txn,
                amount,
            } => return self.decide_bounce_purchase((*member, *sku), (*txn, *amount), events),
            ShopCommand::ShipPurchase { purchase } => {
                self.decide_ship_purchase(*purchase, now, events)?
            }
            ShopCommand::ReceivePurchase { purchase, member } => {
                self.decide_receive_purchase(*purchase, *member, now, events)?
            }
            ShopCommand::ReturnPurchase { purchase, member } => {
                self.decide_return_purchase(*purchase, *member, now, events)?
            }
            ShopCommand::TakeBackPurchase { purchase } => {
                self.decide_take_back_purchase(*purchase, events)?
            }
            ShopCommand::GiveUp { what } => match what {
                Fetched::Purchase(purchase) => self.decide_give_up_purchase(*purchase, events)?,
                Fetched::Order(order) => self.decide_give_up_order(*order, now, events)?,
            },
            ShopCommand::Redeem { what, store } => {
                return self.decide_redeem(*what, *store, now, events);
            }
        }
        Ok(None)
    }

    pub(crate) fn apply_shop(&mut self, event: &ShopEvent) {
        match event {
            ShopEvent::SkuListed {
                sku,
                token,
                product,
                terms,
            } => self.apply_sku(*sku, (*token, *product), terms),
            ShopEvent::SkuChanged { sku, terms } => self.change_sku(*sku, |known| {
                known.terms.clone_from(terms);
            }),
            ShopEvent::SkuClosed { sku } => self.change_sku(*sku, |known| known.on_sale = false),
            ShopEvent::SkuReopened { sku } => self.change_sku(*sku, |known| known.on_sale = true),
            ShopEvent::StockAdjusted { sku, by, own } => self.apply_adjusted(*sku, *by, *own),
            ShopEvent::ReturnsStocked {
                sku,
                campaign,
                units,
            } => self.apply_returns_stocked(*sku, *campaign, *units),
            ShopEvent::PurchaseReserved { purchase, of } => {
                self.apply_purchase_reserved(*purchase, of)
            }
            ShopEvent::PurchaseLapsed { purchase } => self.apply_purchase_lapsed(*purchase),
            ShopEvent::PurchasePaid {
                purchase,
                txn,
                fee,
                fee_kept,
                ..
            } => {
                let fee_back = if *fee_kept { Money::ZERO } else { *fee };
                self.apply_purchase_paid(*purchase, *txn, fee_back);
            }
            ShopEvent::PurchaseShipped {
                purchase,
                received_by,
            } => self.apply_purchase_state(
                *purchase,
                PurchaseState::Shipped {
                    received_by: *received_by,
                },
            ),
            ShopEvent::PurchaseReceived { purchase, kept_at } => {
                self.apply_purchase_state(*purchase, PurchaseState::Received { kept_at: *kept_at })
            }
            ShopEvent::PurchaseReturning { purchase, back_by } => {
                self.apply_purchase_state(*purchase, PurchaseState::Returning { back_by: *back_by })
            }
            ShopEvent::PurchaseKept { purchase } => self.apply_purchase_kept(*purchase),
            ShopEvent::PurchaseReturned {
                purchase,
                refund,
                amount,
                undone,
                ..
            } => self.apply_purchase_returned(*purchase, (*refund, *amount), *undone),
            ShopEvent::PurchaseRedeemed {
                purchase, kept_at, ..
            } => self.apply_redeemed(*purchase, *kept_at),
            ShopEvent::OrderRedeemed { order, .. } => self.is_fetched(*order),
        }
    }
}

/// The ledger lines of one event of the shop.
pub(crate) fn shop_lines(
    event: &ShopEvent,
    move_money: &mut dyn FnMut(Account, Account, i64) -> Result<(), Overflow>,
) -> Result<(), Overflow> {
    match event {
        ShopEvent::PurchasePaid {
            member,
            amount,
            fee,
            coins,
            cost,
            ..
        } => {
            move_money(Account::Sales, Account::Channel, amount.0)?;
            move_money(Account::Channel, Account::ChannelFees, fee.0)?;
            move_money(Account::CoinsIssued, Account::Coins(*member), coins.0)?;
            move_money(Account::Suppliers, Account::CostOfGoods, cost.0)
        }
        ShopEvent::PurchaseReturned {
            member,
            amount,
            coins,
            undone,
            ..
        } => {
            move_money(Account::RefundsDue, Account::Sales, amount.0)?;
            move_money(Account::Coins(*member), Account::CoinsIssued, coins.0)?;
            let cost = undone.unwrap_or(Money::ZERO);
            move_money(Account::CostOfGoods, Account::Suppliers, cost.0)
        }
        ShopEvent::SkuListed { .. }
        | ShopEvent::SkuChanged { .. }
        | ShopEvent::SkuClosed { .. }
        | ShopEvent::SkuReopened { .. }
        | ShopEvent::StockAdjusted { .. }
        | ShopEvent::ReturnsStocked { .. }
        | ShopEvent::PurchaseReserved { .. }
        | ShopEvent::PurchaseLapsed { .. }
        | ShopEvent::PurchaseShipped { .. }
        | ShopEvent::PurchaseReceived { .. }
        | ShopEvent::PurchaseKept { .. }
        | ShopEvent::PurchaseReturning { .. }
        | ShopEvent::PurchaseRedeemed { .. }
        | ShopEvent::OrderRedeemed { .. } => Ok(()),
    }
}
