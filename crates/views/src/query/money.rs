//! Wallets, orders, payments and refunds.

use std::collections::BTreeMap;

use domain::{Bounce, MemberId, MerchantId, Money, OrderId, PaymentId, RefundId, Txn};

use super::{Views, at, read};
use super::{counters, purchases};
use crate::code::Code;
use crate::db::{Columns, Tx, Value};
use crate::error::{StoreError, failed};
use crate::names::{OrderStatus, WalletAccount};
use crate::page::{Cursor, List, Page};
use crate::rows::{
    At, MemberRefund, MemberRefunds, MoneyIn, OrderRow, PaymentRow, RefundRow, WalletLine,
};

const ORDER: &str = "SELECT o.id, o.group_id, o.idx, o.seat_no, o.member, o.campaign, o.price, o.state, o.at, \
    o.shipped_at, o.received_by, o.received_at, o.return_until, o.kept_at, o.back_by, o.returned_at, c.terms, \
    s.state AS seat_state FROM order_ o JOIN campaign c ON c.id = o.campaign \
    JOIN seat s ON s.group_id = o.group_id AND s.idx = o.idx ";
const OF_MERCHANT: &str =
    "WHERE o.campaign IN (SELECT campaign FROM merchant_campaign WHERE merchant = ?) AND o.id < ?";
const BOUNCED: &str =
    "SELECT txn, seq, at, group_id, idx, member, amount, fee, reason, refund FROM bounced ";
const BOUNCED_FOR: &str = "reason = ? AND";
const ACCEPTED: &str =
    "SELECT txn, paid_seq, paid_at, group_id, idx, member, amount, fee, refund FROM seat ";
const REFUND: &str = "SELECT id, txn, group_id, idx, member, amount, reason, created_at, paid_at, fee_back \
    FROM refund ";
const MEMBER_REFUNDS: &str = "SELECT r.id, r.txn, r.group_id, r.idx, r.member, r.amount, r.reason, r.created_at, \
    r.paid_at, r.fee_back, g.id AS known_group, c.name_zh, c.name_en FROM refund r \
    LEFT JOIN group_ g ON g.id = r.group_id LEFT JOIN campaign c ON c.id = g.campaign \
    WHERE r.member = ? AND r.state = 'due' AND ? < r.id ORDER BY r.id LIMIT ?";
const MEMBER_REFUNDS_TOTAL: &str = "SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) AS total FROM refund \
    WHERE member = ? AND state = 'due'";

impl Views {
    /// The history of one part of a member's money, newest first.
    pub async fn wallet_lines(
        &self,
        member: MemberId,
        account: WalletAccount,
        page: Page,
    ) -> Result<At<List<WalletLine>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let Cursor(before, line) = page.before();
            let rows = tx
                .rows(
                    "SELECT * FROM wallet_line WHERE member = ? AND account = ? \
                     AND seq <= ? AND (seq < ? OR line_no < ?) \
                     ORDER BY seq DESC, line_no DESC LIMIT ?",
                    vec![
                        member.0.into(),
                        account.code().into(),
                        before.into(),
                        before.into(),
                        line.into(),
                        page.fetch().into(),
                    ],
                )
                .await?;
            let mut items = rows
                .iter()
                .map(read::wallet_line)
                .collect::<Result<Vec<_>, _>>()?;
            super::dividends::explain(&mut tx, member, &mut items).await?;
            let key = |row: &WalletLine| super::books::line_key(row.seq, row.line_no);
            Ok(at(seq, List::of(items, page, key)))
        };
        read.await.map_err(failed("read a member's wallet"))
    }

    /// A member's orders, newest first.
    pub async fn member_orders(
        &self,
        member: MemberId,
        page: Page,
    ) -> Result<At<List<OrderRow>>, StoreError> {
        let sql = format!("{ORDER} WHERE o.member = ? AND o.id < ? ORDER BY o.id DESC LIMIT ?");
        let values = vec![member.0.into(), page.before().0.into(), page.fetch().into()];
        self.order_list(sql, values, page).await
    }

    /// Everybody's orders, or those of one state, newest first.
    pub async fn orders(
        &self,
        state: Option<OrderStatus>,
        page: Page,
    ) -> Result<At<List<OrderRow>>, StoreError> {
        let before: Value = page.before().0.into();
        let (sql, values) = match state {
            Some(state) => (
                format!("{ORDER} WHERE o.state = ? AND o.id < ? ORDER BY o.id DESC LIMIT ?"),
                vec![state.name().into(), before, page.fetch().into()],
            ),
            None => (
                format!("{ORDER} WHERE o.id < ? ORDER BY o.id DESC LIMIT ?"),
                vec![before, page.fetch().into()],
            ),
        };
        self.order_list(sql, values, page).await
    }

    /// Orders of a merchant's campaigns, or those of one state, newest first. What was had at a table is none of them.
    pub async fn merchant_orders(
        &self,
        merchant: MerchantId,
        state: Option<OrderStatus>,
        page: Page,
    ) -> Result<At<List<OrderRow>>, StoreError> {
        let mut sql = format!("{ORDER} {OF_MERCHANT}");
        let mut values: Vec<Value> = vec![merchant.0.into(), page.before().0.into()];
        if let Some(state) = state {
            sql.push_str(" AND o.state = ?");
            values.push(state.name().into());
        }
        sql.push_str(" ORDER BY o.id DESC LIMIT ?");
        values.push(page.fetch().into());
        self.order_list(sql, values, page).await
    }

    /// One order.
    pub async fn order(&self, id: OrderId) -> Result<At<Option<OrderRow>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let row = tx
                .row(format!("{ORDER} WHERE o.id = ?"), vec![id.0.into()])
                .await?;
            Ok(at(seq, row.map(|row| read::order(&row)).transpose()?))
        };
        read.await.map_err(failed("read an order"))
    }

    async fn order_list(
        &self,
        sql: String,
        values: Vec<Value>,
        page: Page,
    ) -> Result<At<List<OrderRow>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let rows = tx.rows(sql, values).await?;
            let items = rows
                .iter()
                .map(read::order)
                .collect::<Result<Vec<_>, _>>()?;
            let key = |row: &OrderRow| Cursor(i64::try_from(row.id.0).unwrap_or(i64::MAX), 0);
            Ok(at(seq, List::of(items, page, key)))
        };
        read.await.map_err(failed("list orders"))
    }

    /// What has become of the payment of a reservation.
    pub async fn payment(&self, id: PaymentId) -> Result<At<Option<PaymentRow>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let seat = super::groups::seat_row(&mut tx, id).await?;
            let group = super::groups::group_row(&mut tx, id.group).await?;
            let Some((seat, group)) = seat.zip(group) else {
                return Ok(at(seq, None));
            };
            let money = money_for(&mut tx, id).await?;
            let row = PaymentRow {
                payment: id,
                member: seat.member,
                amount: group.price,
                state: seat.payment_status(),
                pay_by: seat.pay_by,
                reason: seat.back_for(),
                seat,
                group: group.state,
                money,
            };
            Ok(at(seq, Some(row)))
        };
        read.await.map_err(failed("read a payment"))
    }

    /// What has become of money that the provider calls `txn`; none if it was never dealt with.
    pub async fn money_in(&self, txn: &Txn) -> Result<At<Option<MoneyIn>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let key: Value = txn.as_str().into();
            let sql = format!("{ACCEPTED} WHERE txn = ? LIMIT 1");
            let accepted = tx.row(sql, vec![key.clone()]).await?;
            let found = match accepted {
                Some(row) => Some(read::accepted(&row)?),
                None => {
                    let sql = format!("{BOUNCED} WHERE txn = ? ORDER BY seq LIMIT 1");
                    let bounced = tx.row(sql, vec![key]).await?;
                    bounced.map(|row| read::bounced(&row)).transpose()?
                }
            };
            let found = match found {
                Some(found) => Some(found),
                None => purchases::money_of(&mut tx, txn.as_str().into()).await?,
            };
            let found = match found {
                Some(found) => Some(found),
                None => counters::money_of(&mut tx, txn.as_str().into()).await?,
            };
            let found = found.into_iter().collect();
            Ok(at(seq, with_refunds(&mut tx, found).await?.pop()))
        };
        read.await.map_err(failed("look up a provider's payment"))
    }

    /// Payments that could hold no place, or those of one reason, newest first, each with its way back. A record deals with one
    /// payment.
    pub async fn bounced(
        &self,
        reason: Option<Bounce>,
        page: Page,
    ) -> Result<At<List<MoneyIn>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let (whose, mut values): (_, Vec<Value>) = match reason {
                Some(reason) => (BOUNCED_FOR, vec![crate::names::bounce_name(reason).into()]),
                None => ("", Vec::new()),
            };
            values.extend([page.before().0.into(), page.fetch().into()]);
            let sql = format!("{BOUNCED} WHERE {whose} seq < ? ORDER BY seq DESC LIMIT ?");
            let rows = tx.rows(sql, values).await?;
            let found = rows
                .iter()
                .map(read::bounced)
                .collect::<Result<Vec<_>, _>>()?;
            let items = with_refunds(&mut tx, found).await?;
            let key = |row: &MoneyIn| Cursor(i64::try_from(row.seq).unwrap_or(i64::MAX), 0);
            Ok(at(seq, List::of(items, page, key)))
        };
        read.await
            .map_err(failed("list the payments that could hold no place"))
    }

    /// Refunds on their way, oldest first.
    pub async fn refunds_due(&self, page: Page) -> Result<At<List<RefundRow>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let sql = format!("{REFUND} WHERE state = 'due' AND ? < id ORDER BY id LIMIT ?");
            let rows = tx
                .rows(sql, vec![page.beyond().0.into(), page.fetch().into()])
                .await?;
            let items = rows
                .iter()
                .map(read::refund)
                .collect::<Result<Vec<_>, _>>()?;
            let key = |row: &RefundRow| Cursor(i64::try_from(row.id.0).unwrap_or(i64::MAX), 0);
            Ok(at(seq, List::of(items, page, key)))
        };
        read.await.map_err(failed("list the refunds on their way"))
    }

    /// A member's money on its way back: what it adds up to, and what it is, that which has waited longest first.
    pub async fn member_refunds(
        &self,
        member: MemberId,
        page: Page,
    ) -> Result<At<MemberRefunds>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let total = total_due(&mut tx, member).await?;
            let values = vec![member.0.into(), page.beyond().0.into(), page.fetch().into()];
            let items = tx
                .rows(MEMBER_REFUNDS, values)
                .await?
                .iter()
                .map(read::member_refund)
                .collect::<Result<Vec<_>, _>>()?;
            let key =
                |row: &MemberRefund| Cursor(i64::try_from(row.refund.id.0).unwrap_or(i64::MAX), 0);
            let refunds = List::of(items, page, key);
            Ok(at(seq, MemberRefunds { total, refunds }))
        };
        read.await
            .map_err(failed("list a member's refunds on their way"))
    }

    /// What a member's money on its way back adds up to.
    pub async fn member_refunds_total(&self, member: MemberId) -> Result<At<Money>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            Ok(at(seq, total_due(&mut tx, member).await?))
        };
        read.await
            .map_err(failed("add up a member's refunds on their way"))
    }

    /// One refund.
    pub async fn refund(&self, id: RefundId) -> Result<At<Option<RefundRow>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let row = tx
                .row(format!("{REFUND} WHERE id = ?"), vec![id.0.into()])
                .await?;
            Ok(at(seq, row.map(|row| read::refund(&row)).transpose()?))
        };
        read.await.map_err(failed("read a refund"))
    }
}

async fn total_due(tx: &mut Tx, member: MemberId) -> Result<Money, sqlx::Error> {
    let row = tx.row(MEMBER_REFUNDS_TOTAL, vec![member.0.into()]).await?;
    row.map_or(Ok(0), |row| row.int("total")).map(Money)
}

/// All money that came for a seat, oldest first, at most 100.
async fn money_for(tx: &mut Tx, id: PaymentId) -> Result<Vec<MoneyIn>, sqlx::Error> {
    let keys: Vec<Value> = vec![id.group.0.into(), id.index.into()];
    let sql = format!("{ACCEPTED} WHERE group_id = ? AND idx = ? AND txn IS NOT NULL");
    let mut found = Vec::new();
    for row in &tx.rows(sql, keys.clone()).await? {
        found.push(read::accepted(row)?);
    }
    let sql = format!("{BOUNCED} WHERE group_id = ? AND idx = ? ORDER BY seq, txn LIMIT 100");
    for row in &tx.rows(sql, keys).await? {
        found.push(read::bounced(row)?);
    }
    found.sort_by_key(|(money, _)| (money.seq, money.txn));
    found.truncate(100);
    with_refunds(tx, found).await
}

async fn with_refunds(
    tx: &mut Tx,
    money: Vec<(MoneyIn, Option<RefundId>)>,
) -> Result<Vec<MoneyIn>, sqlx::Error> {
    let keys: Vec<Value> = money
        .iter()
        .filter_map(|(_, refund)| Some(refund.as_ref()?.0.into()))
        .collect();
    let mut refunds = BTreeMap::new();
    for row in tx.rows_in(&format!("{REFUND} WHERE id IN "), &keys).await? {
        let refund = read::refund(&row)?;
        refunds.insert(refund.id, refund);
    }
    let money = money.into_iter().map(|(money, refund)| MoneyIn {
        refund: refund.and_then(|id| refunds.remove(&id)),
        ..money
    });
    Ok(money.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::steps_of;

    /// A channel that is down for a day leaves everybody's refunds waiting; a member's wallet reads his own.
    #[tokio::test]
    async fn a_members_refunds_are_found_by_the_member() {
        for (sql, parameters) in [(MEMBER_REFUNDS, 3), (MEMBER_REFUNDS_TOTAL, 1)] {
            let steps = steps_of(sql, parameters).await;
            let by_member = |step: &String| step.contains("USING INDEX refund_member (member=?");
            assert!(steps.iter().any(by_member), "{steps:?}");
        }
    }

    /// Few orders among everybody's are a merchant's.
    #[tokio::test]
    async fn a_merchants_orders_are_found_by_his_campaigns() {
        let steps = steps_of(&format!("{ORDER} {OF_MERCHANT}"), 2).await;
        let by_campaign = |step: &String| step.contains("USING INDEX order_campaign (campaign=?");
        assert!(steps.iter().any(by_campaign), "{steps:?}");
    }

    /// Few payments among all go back at once.
    #[tokio::test]
    async fn bounced_payments_are_listed_in_the_order_of_an_index() {
        for (whose, parameters) in [(BOUNCED_FOR, 3), ("", 2)] {
            let sql = format!("{BOUNCED} WHERE {whose} seq < ? ORDER BY seq DESC LIMIT ?");
            let steps = steps_of(&sql, parameters).await;
            let sorted = |step: &String| step.contains("USE TEMP B-TREE") || step == "SCAN bounced";
            assert!(!steps.iter().any(sorted), "{steps:?}");
        }
    }
}
