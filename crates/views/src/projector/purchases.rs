//! Direct purchases (rules 10.6). What one says of a row later than its first is written by itself, so no row has to be read.

use std::collections::BTreeMap;

use domain::{
    Account, BoughtPart, MemberId, Millis, Money, Purchase, PurchaseId, PurchaseState,
    RechargeEvent, ShopEvent, StoreId,
};

use super::batch::{Batch, Done};
use super::tables::{Refund, changed, new_rows};
use super::wallet::WhyLine;
use crate::db::{Table, Tx, Value};
use crate::names::{PurchaseStatus, RefundReason, WhyKind};

const NEW: Table = new_rows(
    "purchase",
    &[
        "id",
        "member",
        "token",
        "sku",
        "units",
        "bill",
        "coins",
        "cost",
        "state",
        "reserved_at",
        "pay_by",
    ],
);
const MOVED: Table = changed("purchase", &["id", "state"], 1);
const PAID: Table = changed("purchase", &["id", "paid_at", "paid_seq", "fee", "txn"], 1);
const GIVEN: Table = changed("purchase", &["id", "paid_at", "paid_seq"], 1);
const SHIPPED: Table = changed("purchase", &["id", "shipped_at", "received_by"], 1);
const RECEIVED: Table = changed("purchase", &["id", "received_at", "return_until"], 1);
const BACK: Table = changed("purchase", &["id", "back_by"], 1);
const REDEEMED: Table = changed("purchase", &["id", "store"], 1);
const ENDED: Table = changed("purchase", &["id", "ended_at", "refund"], 1);

/// What a batch changes of them.
#[derive(Debug, Default)]
pub(super) struct Purchases {
    new: Vec<Value>,
    moved: BTreeMap<PurchaseId, PurchaseStatus>,
    paid: Vec<Value>,
    given: Vec<Value>,
    shipped: Vec<Value>,
    received: Vec<Value>,
    back: Vec<Value>,
    redeemed: Vec<Value>,
    ended: Vec<Value>,
    /// What those of this batch were paid with, and by whom; of others the table tells.
    pub(super) txns: BTreeMap<PurchaseId, domain::Txn>,
}

impl Batch {
    pub(super) fn shop_event(&mut self, event: &ShopEvent) -> Done {
        let at = self.at;
        match event {
            // Nothing reads these but from memory.
            ShopEvent::SkuListed { .. }
            | ShopEvent::SkuChanged { .. }
            | ShopEvent::SkuClosed { .. }
            | ShopEvent::SkuReopened { .. }
            | ShopEvent::StockAdjusted { .. }
            | ShopEvent::ReturnsStocked { .. } => Ok(()),
            ShopEvent::PurchaseReserved { purchase, of } => self.purchase_reserved(*purchase, of),
            ShopEvent::PurchaseLapsed { purchase } => {
                self.purchase_ends(*purchase, PurchaseStatus::Lapsed, None)
            }
            ShopEvent::PurchasePaid {
                purchase,
                member,
                txn,
                fee,
                coins,
                ..
            } => {
                self.purchase_paid(*purchase, txn, *fee);
                let why = WhyLine::of(WhyKind::CoinsSpent);
                self.wallet(Account::Coins(*member), coins.0.saturating_neg(), why);
                Ok(())
            }
            ShopEvent::PurchaseShipped {
                purchase,
                received_by,
            } => {
                let row = [purchase.0.into(), at.0.into(), received_by.0.into()];
                self.rows.purchases.shipped.extend(row);
                self.purchase_moves(*purchase, PurchaseStatus::Shipped)
            }
            ShopEvent::PurchaseReceived { purchase, kept_at } => {
                let row = [purchase.0.into(), at.0.into(), kept_at.0.into()];
                self.rows.purchases.received.extend(row);
                self.purchase_moves(*purchase, PurchaseStatus::Received)
            }
            ShopEvent::PurchaseRedeemed {
                purchase,
                store,
                kept_at,
            } => self.purchase_redeemed(*purchase, *store, *kept_at),
            // The order's own events follow.
            ShopEvent::OrderRedeemed { .. } => Ok(()),
            ShopEvent::PurchaseReturning { purchase, back_by } => {
                let row = [purchase.0.into(), back_by.0.into()];
                self.rows.purchases.back.extend(row);
                self.purchase_moves(*purchase, PurchaseStatus::Returning)
            }
            ShopEvent::PurchaseKept { purchase } => {
                self.purchase_ends(*purchase, PurchaseStatus::Kept, None)
            }
            ShopEvent::PurchaseReturned {
                purchase,
                member,
                refund,
                amount,
                coins,
                ..
            } => {
                let back = (*refund, *amount);
                self.purchase_returned(*purchase, *member, back)?;
                let why = WhyLine::of(WhyKind::CoinsBack).refund(*refund);
                self.wallet(Account::Coins(*member), coins.0, why);
                Ok(())
            }
        }
    }

    pub(super) fn recharge_event(&mut self, event: &RechargeEvent) -> Done {
        match event {
            RechargeEvent::Recharged {
                recharge,
                member,
                txn,
                fee,
                terms,
                ..
            } => {
                let why = WhyLine::of(WhyKind::Recharged);
                self.wallet(Account::BoughtCoins(*member), terms.coins.0, why);
                self.purchase_paid(*recharge, txn, *fee);
                self.purchase_ends(*recharge, PurchaseStatus::Kept, None)
            }
            RechargeEvent::BoughtUsed { member, parts, .. } => {
                self.bought_line((*member, -1), parts, WhyKind::CoinsSpent)
            }
            RechargeEvent::CounterUsed { member, parts, .. } => {
                self.bought_line((*member, -1), parts, WhyKind::CounterPaid)
            }
            RechargeEvent::BoughtBack { member, parts, .. } => {
                self.bought_line((*member, 1), parts, WhyKind::CoinsBack)
            }
            RechargeEvent::CounterBack { member, parts, .. } => {
                self.bought_line((*member, 1), parts, WhyKind::CounterReversed)
            }
            // The world is asked for levels.
            RechargeEvent::VipGiven { .. } => Ok(()),
            RechargeEvent::UnitGiven { purchase, of, .. } => {
                self.unit_given(*purchase, of);
                Ok(())
            }
            RechargeEvent::GiftGiven { member, coins, .. } => {
                let why = WhyLine::of(WhyKind::RechargeGift);
                self.wallet(Account::Coins(*member), coins.0, why);
                Ok(())
            }
            RechargeEvent::Refunded {
                recharge,
                member,
                refund,
                amount,
                coins,
                gift,
                ..
            } => {
                let unused = WhyLine::of(WhyKind::RechargeRefunded).refund(*refund);
                self.wallet(
                    Account::BoughtCoins(*member),
                    coins.0.saturating_neg(),
                    unused,
                );
                let why = WhyLine::of(WhyKind::GiftBack);
                self.wallet(Account::Coins(*member), gift.0.saturating_neg(), why);
                self.purchase_returned(*recharge, *member, (*refund, *amount))
            }
        }
    }

    /// Bought coins were used or came back, out of how many recharges ever.
    fn bought_line(
        &mut self,
        (member, sign): (MemberId, i64),
        parts: &[BoughtPart],
        why: WhyKind,
    ) -> Done {
        let all = parts
            .iter()
            .fold(0i64, |sum, part| sum.saturating_add(part.coins.0));
        let amount = all.saturating_mul(sign);
        self.wallet(Account::BoughtCoins(member), amount, WhyLine::of(why));
        Ok(())
    }

    fn purchase_redeemed(
        &mut self,
        id: PurchaseId,
        store: StoreId,
        kept_at: Option<Millis>,
    ) -> Done {
        let row = [id.0.into(), store.0.into()];
        self.rows.purchases.redeemed.extend(row);
        match kept_at {
            Some(kept_at) => {
                let row = [id.0.into(), self.at.0.into(), kept_at.0.into()];
                self.rows.purchases.received.extend(row);
                self.purchase_moves(id, PurchaseStatus::Received)
            }
            None => self.purchase_ends(id, PurchaseStatus::Kept, None),
        }
    }

    fn purchase_reserved(&mut self, id: PurchaseId, of: &Purchase) -> Done {
        let PurchaseState::Reserved { pay_by } = of.state else {
            return Err(self.unfit(format!("purchase {id} does not begin reserved")));
        };
        self.purchase_row(id, of, (PurchaseStatus::Reserved, pay_by));
        Ok(())
    }

    fn purchase_row(
        &mut self,
        id: PurchaseId,
        of: &Purchase,
        (state, pay_by): (PurchaseStatus, Millis),
    ) {
        self.rows.purchases.new.extend([
            Value::from(id.0),
            Value::from(of.member.0),
            Value::from(of.token.as_slice()),
            Value::from(of.sku.0),
            Value::from(of.units),
            Value::from(of.bill.0),
            Value::from(of.coins.0),
            Value::from(of.cost.0),
            Value::from(state.name()),
            Value::from(self.at.0),
            Value::from(pay_by.0),
        ]);
    }

    /// What was given counts as paid at that moment, with no payment.
    fn unit_given(&mut self, id: PurchaseId, of: &Purchase) {
        self.purchase_row(id, of, (PurchaseStatus::Paid, self.at));
        self.rows.purchases.given.extend([
            Value::from(id.0),
            Value::from(self.at.0),
            Value::from(self.seq),
        ]);
    }

    fn purchase_paid(&mut self, id: PurchaseId, txn: &domain::Txn, fee: Money) {
        let row = [
            Value::from(id.0),
            Value::from(self.at.0),
            Value::from(self.seq),
            Value::from(fee.0),
            Value::from(txn.as_str()),
        ];
        self.rows.purchases.paid.extend(row);
        self.rows.purchases.txns.insert(id, *txn);
        self.rows.purchases.moved.insert(id, PurchaseStatus::Paid);
    }

    fn purchase_moves(&mut self, id: PurchaseId, to: PurchaseStatus) -> Done {
        self.rows.purchases.moved.insert(id, to);
        Ok(())
    }

    fn purchase_ends(
        &mut self,
        id: PurchaseId,
        state: PurchaseStatus,
        refund: Option<domain::RefundId>,
    ) -> Done {
        let row = [
            id.0.into(),
            self.at.0.into(),
            refund.map(|refund| refund.0).into(),
        ];
        self.rows.purchases.ended.extend(row);
        self.purchase_moves(id, state)
    }

    fn purchase_returned(
        &mut self,
        id: PurchaseId,
        member: MemberId,
        (refund, amount): (domain::RefundId, Money),
    ) -> Done {
        let txn = self.rows.purchases.txns.get(&id).copied();
        let Some(txn) = txn else {
            return Err(self.unfit(format!("purchase {id} comes back unpaid")));
        };
        let row = Refund {
            txn,
            group: None,
            payment: None,
            member: Some(member),
            amount,
            reason: RefundReason::Returned,
            created_at: self.at,
            paid_at: None::<Millis>,
            fee_back: None,
        };
        self.rows.refunds.put(refund, row);
        self.purchase_ends(id, PurchaseStatus::Returned, Some(refund))
    }
}

/// Writes what has changed, and forgets it.
pub(super) async fn store(tx: &mut Tx, rows: &mut Purchases) -> Result<(), sqlx::Error> {
    let rows = std::mem::take(rows);
    tx.write_rows(&NEW, rows.new).await?;
    tx.write_rows(&PAID, rows.paid).await?;
    tx.write_rows(&GIVEN, rows.given).await?;
    tx.write_rows(&SHIPPED, rows.shipped).await?;
    tx.write_rows(&RECEIVED, rows.received).await?;
    tx.write_rows(&BACK, rows.back).await?;
    tx.write_rows(&REDEEMED, rows.redeemed).await?;
    tx.write_rows(&ENDED, rows.ended).await?;
    let moved = rows.moved.into_iter();
    let moved = moved.flat_map(|(id, to)| -> [Value; 2] { [id.0.into(), to.name().into()] });
    tx.write_rows(&MOVED, moved.collect()).await
}
