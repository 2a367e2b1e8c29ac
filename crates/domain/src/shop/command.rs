//! What is asked of the shop.

use super::{Fetched, PurchaseId, Reservation, SkuId, SkuTerms};
use crate::{CampaignId, Due, MemberId, Money, StoreId, Txn};

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

impl ShopCommand {
    /// What may be due before it is decided.
    pub(crate) fn touched(&self) -> Option<Due> {
        match self {
            ShopCommand::Buy(asked) => Some(Due::Sku(asked.sku)),
            ShopCommand::AdjustStock { sku, .. } => Some(Due::Sku(*sku)),
            ShopCommand::CancelPurchase { purchase, .. }
            | ShopCommand::PayPurchase { purchase, .. }
            | ShopCommand::ShipPurchase { purchase }
            | ShopCommand::ReceivePurchase { purchase, .. }
            | ShopCommand::ReturnPurchase { purchase, .. }
            | ShopCommand::TakeBackPurchase { purchase } => Some(Due::Purchase(*purchase)),
            ShopCommand::GiveUp { what } | ShopCommand::Redeem { what, .. } => Some(match what {
                Fetched::Purchase(purchase) => Due::Purchase(*purchase),
                Fetched::Order(order) => Due::Order(*order),
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
