//! What a batch touches, found from its events and loaded in a few statements.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::{
    Account, BallotEvent, CampaignId, Event, GroupId, MemberId, Money, OrderId, PaymentId,
    PublishedCampaign, PurchaseId, RechargeEvent, Record, RefundId, ShopEvent, TableEvent,
};
use draw::Hash;
use sqlx::any::AnyRow;

use super::notices;
use super::tables::{Draw, Group, Member, Order, Refund, Rows, Seat};
use crate::code::{account_code, account_of, holder_of};
use crate::db::{Columns, Tx, Value, unreadable};

use crate::query::read;

type Result<T> = std::result::Result<T, sqlx::Error>;

const SEATS_BY_KEY: &str = "SELECT t.* FROM k JOIN seat t ON t.group_id = k.k1 AND t.idx = k.k2";
const BALANCES_BY_KEY: &str = "SELECT t.account, t.holder, t.amount FROM k \
    JOIN balance t ON t.account = k.k1 AND t.holder = k.k2";

/// Keys of the rows that a batch touches.
#[derive(Default)]
struct Needs {
    members: BTreeSet<MemberId>,
    /// Members whose money in groups is needed.
    in_groups: BTreeSet<MemberId>,
    campaigns: BTreeSet<CampaignId>,
    groups: BTreeSet<u64>,
    /// Groups that fill: of every seat the tag is needed, and the draw.
    filled: BTreeSet<u64>,
    /// Groups of which every seat and the draw is needed.
    whole_groups: BTreeSet<u64>,
    seats: BTreeSet<PaymentId>,
    refunds: BTreeSet<RefundId>,
    orders: BTreeSet<OrderId>,
    purchases: BTreeSet<PurchaseId>,
    accounts: BTreeSet<Account>,
    /// Whose they are is to be told.
    told: notices::Needed,
}

/// Puts everything into the rows that these records touch and the views already have.
pub(super) async fn load(tx: &mut Tx, records: &[(u64, Record)], rows: &mut Rows) -> Result<()> {
    let mut needs = Needs::default();
    for event in records.iter().flat_map(|(_, record)| &record.events) {
        needs.event(event, rows);
    }
    load_groups(tx, &needs, rows).await?;
    let campaigns = needs.groups.iter().filter_map(|id| rows.groups.get(*id));
    needs
        .campaigns
        .extend(campaigns.map(|group| group.campaign));
    load_campaigns(tx, &needs, rows).await?;
    load_seats(tx, &needs, rows).await?;
    load_members(tx, &needs, rows).await?;
    load_in_groups(tx, &needs, rows).await?;
    load_money(tx, &needs, rows).await?;
    load_purchases(tx, &needs, rows).await?;
    notices::load(tx, &needs.told, &mut rows.notices).await?;
    load_balances(tx, &needs, rows).await
}

/// What those that come back were paid with.
async fn load_purchases(tx: &mut Tx, needs: &Needs, rows: &mut Rows) -> Result<()> {
    let keys: Vec<Value> = needs.purchases.iter().map(|id| id.0.into()).collect();
    let sql = "SELECT id, txn FROM purchase WHERE txn IS NOT NULL AND id IN ";
    for row in tx.rows_in(sql, &keys).await? {
        let txn = read::txn_of("txn", &row.text("txn")?)?;
        rows.purchases.txns.insert(PurchaseId(row.u64("id")?), txn);
    }
    Ok(())
}

impl Needs {
    #[expect(
        clippy::too_many_lines,
        reason = "one arm for each kind of event; it only takes numbers"
    )]
    fn event(&mut self, event: &Event, rows: &Rows) {
        // An amount that does not fit is found again, and reported, when the event is applied.
        let _ = domain::lines(event, &mut |line| {
            if !rows.balances.has(line.account) {
                self.accounts.insert(line.account);
            }
        });
        self.told.event(event);
        match event {
            Event::MemberRegistered { .. }
            | Event::CampaignPublished { .. }
            | Event::CapitalDeposited { .. }
            | Event::TaxPaid { .. }
            | Event::SuppliersPaid { .. }
            | Event::Identity(_)
            | Event::Delivery(_)
            | Event::Circle(_)
            | Event::Alliance(_) => {}
            Event::Table(event) => {
                if let TableEvent::Opened { template, .. } = event {
                    self.campaigns.insert(*template);
                }
            }
            Event::Ballot(event) => self.ballot_event(event, rows),
            Event::Recharge(event) => {
                if let RechargeEvent::Refunded { recharge, .. } = event {
                    self.purchases.insert(*recharge);
                }
            }
            Event::Shop(event) => {
                if let ShopEvent::PurchaseReturned { purchase, .. } = event {
                    self.purchases.insert(*purchase);
                }
                if let ShopEvent::OrderRedeemed { order, .. } = event {
                    self.orders.insert(*order);
                }
            }
            Event::InviterBound { member, .. } => {
                self.members.insert(*member);
            }
            Event::GroupOpened { campaign, .. } => {
                self.campaigns.insert(*campaign);
            }
            Event::SeatReserved { payment, .. } | Event::SeatLapsed { payment } => {
                self.seat(*payment, rows);
            }
            Event::PaymentAccepted {
                payment, member, ..
            }
            | Event::SeatLeft {
                payment, member, ..
            } => {
                self.seat(*payment, rows);
                self.in_groups(*member, rows);
            }
            Event::PaymentBounced {
                payment, member, ..
            } => {
                self.groups.extend(payment.map(|payment| payment.group.0));
                if let Some(member) = member {
                    self.in_groups(*member, rows);
                }
            }
            Event::GroupFilled { group, .. } => {
                self.groups.insert(group.0);
                self.filled.insert(group.0);
            }
            Event::RoundFoundLate { group, .. } => {
                self.groups.insert(group.0);
            }
            Event::GroupClosed { group, refunds, .. } => {
                self.whole_group(*group);
                for seat in refunds {
                    self.in_groups(seat.member, rows);
                }
            }
            Event::GroupSettled(settled) => {
                self.whole_group(settled.group);
                for seat in &settled.seats {
                    self.members.insert(seat.member);
                    self.in_groups(seat.member, rows);
                }
            }
            Event::RefundPaid { refund, .. } => {
                self.refunds.insert(*refund);
            }
            Event::OrderShipped { order, .. }
            | Event::OrderReceived { order, .. }
            | Event::OrderReturning { order, .. }
            | Event::OrderKept { order } => {
                self.orders.insert(*order);
            }
            Event::OrderReturned { order, payment, .. } => {
                self.orders.insert(*order);
                self.seat(*payment, rows);
            }
            Event::RewardsVested { group, .. } => {
                self.groups.insert(group.0);
            }
            Event::ClawedBack { group, .. } => {
                self.groups.extend(group.map(|group| group.0));
            }
            Event::PlanPublished { .. }
            | Event::RanksCounted { .. }
            | Event::RankSet { .. }
            | Event::RegionDeclared { .. }
            | Event::AgentAppointed { .. }
            | Event::AgentDismissed { .. }
            | Event::MemberFrozen { .. }
            | Event::MemberUnfrozen { .. }
            | Event::AccountDeleted { .. }
            | Event::ProfileAdopted { .. }
            | Event::DividendClosed { .. }
            | Event::LimitsSet { .. }
            | Event::SelfExcluded { .. }
            | Event::PausesBegun { .. }
            | Event::DividendsPaid { .. }
            | Event::WithdrawalRequested { .. }
            | Event::WithdrawalApproved { .. }
            | Event::WithdrawalWaiting { .. }
            | Event::WithdrawalRejected { .. }
            | Event::WithdrawalPaid { .. }
            | Event::WithdrawalFailed { .. }
            | Event::CoinsExpired { .. } => {}
        }
    }

    fn ballot_event(&mut self, event: &BallotEvent, rows: &Rows) {
        match event {
            BallotEvent::Registered { payment, .. }
            | BallotEvent::RegistrationLeft { payment, .. } => self.seat(*payment, rows),
            BallotEvent::Drawn(drawn) => self.whole_group(drawn.group),
            BallotEvent::RightsPassed {
                group,
                lapsed,
                given,
                ..
            } => {
                for right in lapsed.iter().chain(given) {
                    let (group, index) = (*group, right.index);
                    self.seat(PaymentId { group, index }, rows);
                }
            }
        }
    }

    fn seat(&mut self, payment: PaymentId, rows: &Rows) {
        if !rows.seats.has(payment) {
            self.seats.insert(payment);
        }
        if !rows.groups.has(payment.group.0) {
            self.groups.insert(payment.group.0);
        }
    }

    fn in_groups(&mut self, member: MemberId, rows: &Rows) {
        if rows.in_groups.get(member).is_none() {
            self.in_groups.insert(member);
        }
    }

    fn whole_group(&mut self, group: GroupId) {
        self.groups.insert(group.0);
        self.whole_groups.insert(group.0);
    }
}

async fn load_groups(tx: &mut Tx, needs: &Needs, rows: &mut Rows) -> Result<()> {
    let unknown = needs.groups.iter().filter(|id| !rows.groups.has(**id));
    let keys: Vec<Value> = unknown.map(|&id| id.into()).collect();
    let sql = "SELECT * FROM group_ WHERE id IN ";
    for row in tx.rows_in(sql, &keys).await? {
        rows.groups.loaded(row.u64("id")?, group(&row)?);
    }
    let drawn = needs.whole_groups.union(&needs.filled);
    let unknown = drawn.filter(|id| !rows.draws.has(**id));
    let keys: Vec<Value> = unknown.map(|&id| id.into()).collect();
    let sql = "SELECT * FROM draw_ WHERE group_id IN ";
    for row in tx.rows_in(sql, &keys).await? {
        rows.draws.loaded(row.u64("group_id")?, draw_row(&row)?);
    }
    Ok(())
}

async fn load_campaigns(tx: &mut Tx, needs: &Needs, rows: &mut Rows) -> Result<()> {
    let unknown = needs.campaigns.iter();
    let unknown = unknown.filter(|id| !rows.campaigns.contains_key(id));
    let keys: Vec<Value> = unknown.map(|id| id.0.into()).collect();
    let select = "SELECT id, terms, hash, published_at FROM campaign WHERE id IN ";
    for row in tx.rows_in(select, &keys).await? {
        let campaign = PublishedCampaign {
            terms: read::terms(&row)?,
            hash: Hash(row.bytes("hash")?),
            published_at: read::millis(&row, "published_at")?,
        };
        rows.campaigns
            .insert(CampaignId(row.u32("id")?), Arc::new(campaign));
    }
    Ok(())
}

/// Seats that are in the tables: those of groups that are, with a number that was given out before. Whoever joins gets
/// a new number, so nothing is asked about him.
async fn load_seats(tx: &mut Tx, needs: &Needs, rows: &mut Rows) -> Result<()> {
    let whole: Vec<Value> = needs
        .whole_groups
        .iter()
        .filter(|id| !all_known(GroupId(**id), rows))
        .map(|&id| id.into())
        .collect();
    let sql = "SELECT * FROM seat WHERE group_id IN ";
    let mut found = tx.rows_in(sql, &whole).await?;
    let made = |seat: &&PaymentId| {
        let group = rows.groups.get(seat.group.0);
        group.is_some_and(|group| seat.index < group.reservations)
    };
    let single: Vec<Value> = needs
        .seats
        .iter()
        .filter(made)
        .filter(|seat| !needs.whole_groups.contains(&seat.group.0))
        .flat_map(|seat| [seat.group.0.into(), seat.index.into()])
        .collect();
    found.extend(tx.rows_in_pairs(SEATS_BY_KEY, &single).await?);
    for row in found {
        rows.seats.loaded(read::payment(&row)?, seat(&row)?);
    }
    load_tags(tx, needs, rows).await
}

/// Tags of the seats of groups that fill: all that their seal needs, for a quarter of what whole seats cost.
async fn load_tags(tx: &mut Tx, needs: &Needs, rows: &mut Rows) -> Result<()> {
    let keys: Vec<Value> = needs
        .filled
        .difference(&needs.whole_groups)
        .filter(|id| !all_known(GroupId(**id), rows))
        .map(|&id| id.into())
        .collect();
    let sql = "SELECT group_id, idx, member, tag FROM seat WHERE tag IS NOT NULL AND group_id IN ";
    for row in tx.rows_in(sql, &keys).await? {
        let tag = (read::member(&row, "member")?, row.bytes("tag")?);
        rows.tags.insert(read::payment(&row)?, tag);
    }
    Ok(())
}

/// Whether every reservation of a group is in memory; so it is of a group that no table knows.
fn all_known(id: GroupId, rows: &Rows) -> bool {
    let made = rows.groups.get(id.0).map_or(0, |group| group.reservations);
    (0..made).all(|index| rows.seats.has(PaymentId { group: id, index }))
}

/// The last line of a wallet's part tells what it has come to. Whoever is no member yet has no row.
async fn load_in_groups(tx: &mut Tx, needs: &Needs, rows: &mut Rows) -> Result<()> {
    let keys: Vec<Value> = needs.in_groups.iter().map(|id| id.0.into()).collect();
    let sql = format!(
        "SELECT m.id, {} FROM member m WHERE m.id IN ",
        read::IN_GROUPS
    );
    for row in tx.rows_in(&sql, &keys).await? {
        rows.in_groups
            .set(read::member(&row, "id")?, read::in_groups(&row)?);
    }
    Ok(())
}

async fn load_members(tx: &mut Tx, needs: &Needs, rows: &mut Rows) -> Result<()> {
    let unknown = needs.members.iter().filter(|id| !rows.members.has(**id));
    let keys: Vec<Value> = unknown.map(|id| id.0.into()).collect();
    for row in tx
        .rows_in("SELECT * FROM member WHERE id IN ", &keys)
        .await?
    {
        let member = Member {
            inviter: read::maybe_member(&row, "inviter")?,
            registered_at: read::millis(&row, "registered_at")?,
            settled_seats: row.u64("settled_seats")?,
            won_seats: row.u64("won_seats")?,
        };
        rows.members.loaded(MemberId(row.u32("id")?), member);
    }
    Ok(())
}

async fn load_money(tx: &mut Tx, needs: &Needs, rows: &mut Rows) -> Result<()> {
    let unknown = needs.refunds.iter().filter(|id| !rows.refunds.has(**id));
    let keys: Vec<Value> = unknown.map(|id| id.0.into()).collect();
    for row in tx
        .rows_in("SELECT * FROM refund WHERE id IN ", &keys)
        .await?
    {
        let found = read::refund(&row)?;
        let refund = Refund {
            txn: found.txn,
            group: row.maybe_u64("group_id")?.map(GroupId),
            payment: found.payment,
            member: found.member,
            amount: found.amount,
            reason: found.reason,
            created_at: found.created_at,
            paid_at: found.paid_at,
            fee_back: found.fee_back,
        };
        rows.refunds.loaded(found.id, refund);
    }
    let unknown = needs.orders.iter().filter(|id| !rows.orders.has(**id));
    let keys: Vec<Value> = unknown.map(|id| id.0.into()).collect();
    for row in tx
        .rows_in("SELECT * FROM order_ WHERE id IN ", &keys)
        .await?
    {
        rows.orders.loaded(OrderId(row.u64("id")?), order(&row)?);
    }
    Ok(())
}

async fn load_balances(tx: &mut Tx, needs: &Needs, rows: &mut Rows) -> Result<()> {
    let keys: Vec<Value> = needs
        .accounts
        .iter()
        .flat_map(|account| {
            [
                Value::from(account_code(account)),
                Value::from(holder_of(account)),
            ]
        })
        .collect();
    for row in tx.rows_in_pairs(BALANCES_BY_KEY, &keys).await? {
        let (code, holder) = (row.int("account")?, row.int("holder")?);
        let account = account_of(code, holder)
            .ok_or_else(|| unreadable("account", format!("unknown account {code} of {holder}")))?;
        rows.balances.loaded(account, row.int("amount")?);
    }
    Ok(())
}

fn group(row: &AnyRow) -> Result<Group> {
    Ok(Group {
        campaign: CampaignId(row.u32("campaign")?),
        leader: read::member(row, "leader")?,
        state: read::word(row, "state")?,
        opened_at: read::millis(row, "opened_at")?,
        expires_at: read::millis(row, "expires_at")?,
        paid: row.u32("paid")?,
        held: row.u32("held")?,
        reservations: row.u32("reservations")?,
        filled_at: read::maybe_millis(row, "filled_at")?,
        ended_at: read::maybe_millis(row, "ended_at")?,
        closing: read::maybe_word(row, "closing")?,
    })
}

fn seat(row: &AnyRow) -> Result<Seat> {
    Ok(Seat {
        member: read::member(row, "member")?,
        via: read::maybe_member(row, "via")?,
        state: read::word(row, "state")?,
        seat_no: row.maybe_u32("seat_no")?,
        reserved_at: read::millis(row, "reserved_at")?,
        pay_by: read::millis(row, "pay_by")?,
        paid_at: read::maybe_millis(row, "paid_at")?,
        paid_seq: row.maybe_u64("paid_seq")?,
        amount: row.maybe_int("amount")?.map(Money),
        fee: row.maybe_int("fee")?.map(Money),
        txn: read::maybe_txn(row)?,
        tag: row.maybe_bytes("tag")?,
        refund: row.maybe_u64("refund")?.map(RefundId),
        refunded_for: read::maybe_word(row, "refunded_for")?,
        order: row.maybe_u64("order_id")?.map(OrderId),
    })
}

fn order(row: &AnyRow) -> Result<Order> {
    Ok(Order {
        payment: read::payment(row)?,
        seat_no: row.u32("seat_no")?,
        member: read::member(row, "member")?,
        campaign: CampaignId(row.u32("campaign")?),
        price: Money(row.int("price")?),
        state: read::word(row, "state")?,
        at: read::millis(row, "at")?,
        shipped_at: read::maybe_millis(row, "shipped_at")?,
        received_by: read::maybe_millis(row, "received_by")?,
        received_at: read::maybe_millis(row, "received_at")?,
        return_until: read::maybe_millis(row, "return_until")?,
        kept_at: read::maybe_millis(row, "kept_at")?,
        back_by: read::maybe_millis(row, "back_by")?,
        returned_at: read::maybe_millis(row, "returned_at")?,
    })
}

fn draw_row(row: &AnyRow) -> Result<Draw> {
    let draw = read::draw(row)?;
    Ok(Draw {
        state: draw.state,
        open: draw.open,
        seats: draw.seats,
        freeze: draw.freeze,
        result: draw.result,
        void: draw.void,
        frozen_at: draw.frozen_at,
        round: draw.round,
        round_time: draw.round_time,
        signature: draw.signature,
        seed: draw.seed,
        winners: draw.winners,
        late_at: draw.late_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::steps_of;

    /// A batch must not read whole tables to find its rows.
    #[tokio::test]
    async fn rows_are_found_by_their_keys() {
        for (select, table) in [(SEATS_BY_KEY, "seat"), (BALANCES_BY_KEY, "balance")] {
            let pairs = "WITH k (k1, k2) AS (VALUES (?,?),(?,?))";
            let steps = steps_of(&format!("{pairs} {select}"), 4).await;
            assert!(
                steps.iter().any(|step| step.starts_with("SEARCH t USING")),
                "{table}: {steps:?}"
            );
            assert!(
                !steps.iter().any(|step| step == "SCAN t"),
                "{table}: {steps:?}"
            );
        }
    }
}
