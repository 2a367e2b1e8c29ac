//! Why the shop turned a command down.

use super::{MAX_OPEN_RESERVATIONS, PurchaseId, SkuId};
use crate::{CampaignId, Coins, Millis, Money, OrderId, Refusal, StoreId};

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
