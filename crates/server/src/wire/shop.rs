//! Products, what is sold of them, direct purchases, and where things are sent.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Amount, At, RegionCard, StoreCard, Words};

/// A text in both languages, as it is sent in.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WordsWanted {
    /// Chinese.
    pub(crate) zh: String,
    /// English.
    pub(crate) en: String,
}

impl WordsWanted {
    pub(crate) fn text(self) -> domain::Text {
        domain::Text {
            zh: self.zh,
            en: self.en,
        }
    }
}

/// A group of products that is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CategoryWanted {
    /// 1 to 64 characters in each language.
    pub(crate) name: WordsWanted,
    /// Why, for the list of decisions: at most 400 bytes.
    #[serde(default)]
    pub(crate) reason: Option<String>,
}

/// A group of products.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CategoryCard {
    pub(crate) id: String,
    pub(crate) name: Words,
}

/// All groups of products.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Categories {
    pub(crate) items: Vec<CategoryCard>,
}

/// A product that is to be, or all of what one is to become.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProductWanted {
    /// Number of its category.
    #[serde(default)]
    pub(crate) category: Option<String>,
    /// 1 to 400 bytes in each language.
    pub(crate) title: WordsWanted,
    /// At most 4 000 bytes in each language; may be empty.
    pub(crate) text: WordsWanted,
    /// Names of pictures that were sent in before, at most 8.
    #[serde(default)]
    pub(crate) pictures: Vec<String>,
    /// Why, for the list of decisions: at most 400 bytes.
    #[serde(default)]
    pub(crate) reason: Option<String>,
}

/// A product has this number.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProductKept {
    pub(crate) id: String,
}

/// Why a picture is taken in.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PictureWhy {
    /// For the list of decisions: at most 400 bytes.
    pub(crate) reason: Option<String>,
}

/// A picture has this name: the SHA-256 of its bytes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PictureKept {
    pub(crate) hash: String,
}

/// A product with what is sold of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ShopProduct {
    pub(crate) id: String,
    pub(crate) category: Option<String>,
    pub(crate) title: Words,
    pub(crate) text: Words,
    /// Names of its pictures.
    pub(crate) pictures: Vec<String>,
    /// What is sold of it; the console sees what is off sale, too.
    pub(crate) skus: Vec<SkuCard>,
}

/// A thing that is sold.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SkuCard {
    pub(crate) id: String,
    pub(crate) title: Words,
    pub(crate) price: Amount,
    /// The most of a bill that coins can pay, such as `10%`; `0%`: none.
    pub(crate) coin_offset: String,
    /// How it gets to its buyer.
    #[schema(example = "ship")]
    pub(crate) fulfilment: &'static str,
    /// Stores where it is picked up or redeemed; none: at any.
    pub(crate) stores: Vec<String>,
    /// How many days a voucher holds.
    pub(crate) voucher_days: Option<u32>,
    /// It is a recharge package, and this is what is got for the price.
    pub(crate) package: Option<PackageBody>,
    /// Units that can be bought now.
    pub(crate) free: u32,
    pub(crate) on_sale: bool,
}

/// A thing that is sold, as operators see it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SkuLine {
    #[serde(flatten)]
    pub(crate) card: SkuCard,
    /// What the supplier is owed for a unit.
    pub(crate) cost: Amount,
    /// Of the free units those that are paid for already: they came back from buyers.
    pub(crate) own: u32,
    /// What the channel takes of a payment.
    pub(crate) channel_fee: String,
    pub(crate) fee_kept_on_refund: bool,
}

/// All terms under which a thing is sold.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SkuWanted {
    /// 1 to 400 bytes in each language.
    pub(crate) title: WordsWanted,
    pub(crate) price: Amount,
    /// What the supplier is owed for a unit.
    pub(crate) cost: Amount,
    /// The most of a bill that coins can pay; `10%` without it. The profile's own limit holds, too.
    #[serde(default)]
    pub(crate) coin_offset: Option<String>,
    /// `ship`, also without it; `pick-up` at a store, or `voucher`.
    #[serde(default)]
    pub(crate) fulfilment: Option<String>,
    /// Numbers of the stores where it is picked up or redeemed; none: at any.
    #[serde(default)]
    pub(crate) stores: Vec<String>,
    /// How many days a voucher holds, from 1 to 730; 90 without it.
    #[serde(default)]
    pub(crate) voucher_days: Option<u32>,
    /// Makes it a recharge package: it costs nothing and is not paid for in coins.
    #[serde(default)]
    pub(crate) package: Option<PackageBody>,
    /// What the channel takes of a payment; `0%` without it.
    #[serde(default)]
    pub(crate) channel_fee: Option<String>,
    /// Whether it keeps that when the payment goes back.
    #[serde(default)]
    pub(crate) fee_kept_on_refund: bool,
    /// Why, for the list of decisions: 1 to 400 bytes. It must be given.
    #[serde(default)]
    pub(crate) reason: Option<String>,
}

/// What is got for a recharge package's price.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PackageBody {
    /// Bought coins; they never expire.
    pub(crate) coins: Amount,
    /// Coins on top, given after seven days unless it has gone back; none without it.
    #[serde(default)]
    pub(crate) gift: Option<Amount>,
    /// A thing that is given at the same moment, as a purchase for which nothing is paid.
    #[serde(default)]
    pub(crate) unit: Option<GiftUnitBody>,
    /// A VIP level that the member has at least from that moment on, for so many days.
    #[serde(default)]
    pub(crate) vip: Option<GiftVipBody>,
}

/// A thing that a package gives.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GiftUnitBody {
    /// Number of the SKU, of which one unit is held from the reservation on.
    pub(crate) sku: String,
    /// What it counts as if what is unused goes back after it was given; at most its price, and the package's.
    pub(crate) worth: Amount,
}

/// A VIP level that a package gives.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GiftVipBody {
    /// From 1 to the newest plan's highest.
    pub(crate) level: u32,
    /// For how many days, from 1 to 730.
    pub(crate) days: u32,
}

/// What is left of a recharge.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RechargeCard {
    pub(crate) id: String,
    pub(crate) paid: Amount,
    /// What was bought.
    pub(crate) coins: Amount,
    /// What is unused.
    pub(crate) left: Amount,
    /// What would go back now.
    pub(crate) refundable: Amount,
    pub(crate) paid_at: At,
    /// Until when all of it goes back if nothing is used.
    pub(crate) in_full_until: At,
    /// Coins that are still to come on top.
    pub(crate) gift: Option<Amount>,
    /// A thing that is still to come.
    pub(crate) unit: Option<GiftUnitBody>,
    /// A VIP level that is still to come.
    pub(crate) vip: Option<GiftVipBody>,
}

/// A member's recharges.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Recharges {
    /// Bought coins that are unused.
    pub(crate) bought: Amount,
    /// All coins that can be used now, those that were not bought included.
    pub(crate) free: Amount,
    pub(crate) items: Vec<RechargeCard>,
}

/// A thing for sale has this number.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SkuListed {
    pub(crate) id: String,
    /// Its place in the journal; reads take it as `at_least`.
    pub(crate) seq: String,
}

/// More or fewer units of a thing.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StockWanted {
    /// How many more; below zero: fewer.
    pub(crate) by: i32,
    /// Why, for the other operators: 1 to 400 bytes.
    pub(crate) reason: String,
}

/// Returned units that are put on sale.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReturnsWanted {
    /// Whose winners have returned them.
    pub(crate) campaign: String,
    pub(crate) units: u32,
    /// Why, for the other operators: 1 to 400 bytes.
    pub(crate) reason: String,
}

/// Units that winners of a campaign have returned and that are not on sale.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReturnedLine {
    pub(crate) campaign: String,
    pub(crate) units: u32,
}

/// All returned units.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReturnedUnits {
    pub(crate) items: Vec<ReturnedLine>,
}

/// What a member wants to buy.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BuyWanted {
    /// 1 to 100.
    pub(crate) units: u32,
    /// What he was told that one unit costs.
    pub(crate) price: Amount,
    /// How much of the bill in coins; none without it.
    #[serde(default)]
    pub(crate) coins: Option<Amount>,
}

/// Units are held until they are paid.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PurchaseMade {
    pub(crate) id: String,
    /// Its place in the journal; reads take it as `at_least`.
    pub(crate) seq: String,
    /// Where it is paid; null while the channel does not answer: ask for the purchase again.
    pub(crate) pay_url: Option<String>,
}

/// A direct purchase.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PurchaseCard {
    pub(crate) id: String,
    pub(crate) sku: String,
    /// What it is called now.
    pub(crate) title: Option<Words>,
    pub(crate) units: u32,
    pub(crate) bill: Amount,
    /// The part of the bill that is paid in coins.
    pub(crate) coins: Amount,
    /// The part that is paid through the channel.
    pub(crate) cash: Amount,
    /// `reserved`, `lapsed`, `paid`, `shipped`, `received`, `kept`, `returning` or `returned`.
    #[schema(example = "paid")]
    pub(crate) state: &'static str,
    pub(crate) reserved_at: At,
    pub(crate) pay_by: At,
    pub(crate) paid_at: Option<At>,
    pub(crate) shipped_at: Option<At>,
    /// When it counts as received by itself.
    pub(crate) received_by: Option<At>,
    pub(crate) return_until: Option<At>,
    /// When it had lapsed, was kept or was back.
    pub(crate) ended_at: Option<At>,
    /// How it travels, once it is on its way.
    pub(crate) carrier: Option<String>,
    pub(crate) number: Option<String>,
    /// Number of the store where it was fetched.
    pub(crate) store: Option<String>,
    /// It is what a recharge gave: nothing was paid for it, and it is not sent back.
    pub(crate) is_gift: bool,
}

/// A direct purchase, and where it is paid.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PurchasePage {
    #[serde(flatten)]
    pub(crate) card: PurchaseCard,
    /// While it waits to be paid and the channel answers.
    pub(crate) pay_url: Option<String>,
}

/// A direct purchase, as operators see it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PurchaseLine {
    #[serde(flatten)]
    pub(crate) card: PurchaseCard,
    pub(crate) member: String,
    /// What the supplier is owed.
    pub(crate) cost: Amount,
}

/// Where something is to be sent.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeliveryBody {
    /// To whom: 1 to 64 characters.
    pub(crate) name: String,
    /// How the carrier reaches him: 1 to 32 characters.
    pub(crate) phone: String,
    /// Code of the county, by GB/T 2260.
    pub(crate) region: String,
    /// Street and number: 1 to 200 characters.
    pub(crate) address: String,
}

/// Where something is sent; null: nobody has said.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeliveryPage {
    pub(crate) delivery: Option<DeliveryBody>,
    /// Whether it is the member's own address, for he has said nothing of this.
    pub(crate) own: bool,
}

/// Where a member has things sent of which he says nothing else.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnDeliveryPage {
    /// Null: he has no such address.
    pub(crate) delivery: Option<DeliveryBody>,
    /// The last change was cut short, and no address is in force: it has to be said, or removed, again.
    pub(crate) unfinished: bool,
    /// The region that counts for what agents get of him; also after the address was removed, until its 90 days are over.
    pub(crate) region: Option<RegionCard>,
    /// From when on it may be another.
    pub(crate) region_until: Option<At>,
}

/// The code with which something is fetched.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FetchCode {
    /// Shown to the cashier; whoever shows it is given the thing.
    #[schema(example = "7KQ4M2XWPA")]
    pub(crate) code: String,
    /// When a voucher ends.
    pub(crate) until: Option<At>,
    /// Where it is fetched; none: at any store.
    pub(crate) stores: Vec<StoreCard>,
}

/// A code that a cashier was shown.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RedeemWanted {
    /// Capitals and spaces do not matter.
    pub(crate) code: String,
}

/// What a cashier gives out.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Redeemed {
    pub(crate) title: Option<Words>,
    pub(crate) units: u32,
    /// Its place in the journal; reads take it as `at_least`.
    pub(crate) seq: String,
}
