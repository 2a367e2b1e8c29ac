//! The shop: a stock of units and their direct purchase without a group (rules 9.4 and 10.6).
//!
//! Why the stock stands here and not in the directory with the products' texts: two buyers of a last unit are decided one after
//! the other like two joins, and what was sold can be replayed. Nothing in here runs for a join or for a group's settlement.

mod command;
mod event;
mod fetch;
mod purchase;
mod refusal;
mod stock;

use std::collections::{BTreeMap, BTreeSet};

use minicbor::{Decode, Encode};

pub use command::ShopCommand;
pub use event::ShopEvent;
pub use fetch::{FetchTerms, Fetched, MAX_FETCH_STORES, MAX_VOUCHER_DAYS, VOUCHER_DAYS};
pub use purchase::{
    MAX_OPEN_RESERVATIONS, MAX_UNITS, PURCHASE_WINDOW, Purchase, PurchaseState, Reservation,
};
pub use refusal::ShopRefusal;
pub use stock::{MAX_SKUS, MAX_STOCK, SkuTerms, SkuView};

use crate::{
    Account, Answer, CampaignId, Event, MemberId, Millis, Money, OrderId, Overflow, Refusal, Txn,
    World,
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
                self.decide_cancel_purchase(*purchase, *member, now, events)?
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
                self.decide_take_back_purchase(*purchase, now, events)?
            }
            ShopCommand::GiveUp { what } => match what {
                Fetched::Purchase(purchase) => {
                    self.decide_give_up_purchase(*purchase, now, events)?
                }
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
                coins,
                ..
            } => {
                let fee_back = if *fee_kept { Money::ZERO } else { *fee };
                self.apply_purchase_paid(*purchase, (*txn, fee_back), *coins);
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
                coins,
                undone,
                lots,
                ..
            } => {
                self.apply_coins_back(*coins, lots);
                self.apply_purchase_returned(*purchase, (*refund, *amount), *undone);
            }
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
