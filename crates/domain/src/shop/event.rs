//! What has happened in the shop.

use minicbor::{Decode, Encode};

use super::{Purchase, PurchaseId, SkuId, SkuTerms};
use crate::{
    Answer, CampaignId, Coins, LotPart, MemberId, Millis, Money, OrderId, RefundId, StoreId, Txn,
};

/// What has happened in the shop. Stored for ever, like [`Event`](crate::Event): numbers are never reused.
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
    /// The units are back, and on sale again: the cash goes back the way it came, the coins with the ends they had.
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
        /// The lots they come back to, the oldest first; what is not told of is a new one, as it was before they were told.
        #[cbor(n(6), default, skip_if = "Vec::is_empty")]
        lots: Vec<LotPart>,
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
