//! Holds the views against a world replayed from the journal to the same record: for `potluck audit`.
//!
//! Why both ways: a row too many in SQL is as wrong as one too few.

mod alliance;
mod people;
mod purchases;
mod treats;
mod withdrawals;

use domain::{
    Account, GroupId, GroupState, MemberId, OrderId, OrderState, PaymentId, RefundId, RightState,
    SeatState, World,
};
use sqlx::any::AnyRow;

use crate::code::{COIN_ACCOUNTS, MEMBERS_ACCOUNTS, account_kind, account_of};
use crate::db::{Columns, Tx, Value};
use crate::error::{StoreError, failed};
use crate::names::{OrderStatus, SeatStatus};
use crate::query::{Views, read};

/// Rows read at a time.
const CHUNK_ROWS: u32 = 1_000;
/// Differences after which it is enough.
const MAX_DIFFERENCES: usize = 1_000;

/// One thing that the views say otherwise than the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// About what.
    pub what: String,
    /// What the views say.
    pub views: String,
    /// What the journal says.
    pub journal: String,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            out,
            "{}: the views say {}, the journal says {}",
            self.what, self.views, self.journal
        )
    }
}

/// Where the views and a world at the same record differ; empty if nowhere. The caller makes sure that the
/// world was replayed to [`Views::applied`] and that nothing is written meanwhile.
pub async fn compare(views: &Views, world: &World) -> Result<Vec<Difference>, StoreError> {
    let comparing = async {
        let (mut tx, _) = views.snapshot().await?;
        let mut found = Found::default();
        counts(&mut tx, world, &mut found).await?;
        trial_balance(&mut tx, world, &mut found).await?;
        balances(&mut tx, world, &mut found).await?;
        ledger(&mut tx, &mut found).await?;
        members(&mut tx, world, &mut found).await?;
        groups(&mut tx, world, &mut found).await?;
        seats(&mut tx, world, &mut found).await?;
        refunds(&mut tx, world, &mut found).await?;
        orders(&mut tx, world, &mut found).await?;
        payments(&mut tx, &mut found).await?;
        people::compare(&mut tx, world, &mut found).await?;
        withdrawals::compare(&mut tx, world, &mut found).await?;
        alliance::compare(&mut tx, world, &mut found).await?;
        purchases::compare(&mut tx, world, &mut found).await?;
        treats::compare(&mut tx, world, &mut found).await?;
        Ok(found.differences)
    };
    comparing
        .await
        .map_err(failed("hold the views against the journal"))
}

#[derive(Default)]
struct Found {
    differences: Vec<Difference>,
}

impl Found {
    /// Notes a difference between two values of one kind.
    fn check<T: PartialEq + std::fmt::Debug>(
        &mut self,
        what: impl FnOnce() -> String,
        views: T,
        journal: T,
    ) {
        if views != journal && self.differences.len() < MAX_DIFFERENCES {
            let (views, journal) = (format!("{views:?}"), format!("{journal:?}"));
            self.differences.push(Difference {
                what: what(),
                views,
                journal,
            });
        }
    }
}

type Done = Result<(), sqlx::Error>;

async fn counts(tx: &mut Tx, world: &World, found: &mut Found) -> Done {
    let sql = "SELECT (SELECT CAST(COUNT(*) AS BIGINT) FROM member) AS members, \
        (SELECT CAST(COUNT(*) AS BIGINT) FROM campaign WHERE id < 2147483648) AS campaigns, \
        (SELECT CAST(COUNT(*) AS BIGINT) FROM group_) AS groups_";
    let row = tx
        .row(sql, Vec::new())
        .await?
        .ok_or(sqlx::Error::RowNotFound)?;
    found.check(
        || "members".to_owned(),
        row.u64("members")?,
        u64::from(world.members()),
    );
    found.check(
        || "campaigns".to_owned(),
        row.u64("campaigns")?,
        u64::from(world.campaigns()),
    );
    found.check(|| "groups".to_owned(), row.u64("groups_")?, world.groups());
    for row in tx.rows("SELECT id, hash FROM campaign", Vec::new()).await? {
        let id = domain::CampaignId(row.u32("id")?);
        let hash = draw::Hash(row.bytes("hash")?);
        let published = world.campaign(id).map(|campaign| campaign.hash);
        found.check(
            || format!("published file of campaign {id}"),
            Some(hash),
            published,
        );
    }
    Ok(())
}

async fn trial_balance(tx: &mut Tx, world: &World, found: &mut Found) -> Done {
    let sql = "SELECT account, CAST(SUM(amount) AS BIGINT) AS total FROM balance GROUP BY account";
    let rows = tx.rows(sql, Vec::new()).await?;
    let mut totals = Vec::with_capacity(rows.len());
    for row in &rows {
        totals.push((read::account(row)?.name(), row.int("total")?));
    }
    for row in world.trial_balance() {
        let total = totals
            .iter()
            .find(|(account, _)| *account == row.account)
            .map_or(0, |(_, total)| *total);
        found.check(
            || format!("trial balance of {}", row.account),
            total,
            row.amount,
        );
    }
    for (account, total) in totals {
        let known = world
            .trial_balance()
            .iter()
            .any(|row| row.account == account);
        found.check(|| format!("account {account} of {total}"), true, known);
    }
    Ok(())
}

async fn balances(tx: &mut Tx, world: &World, found: &mut Found) -> Done {
    let mut after = (i64::MIN, i64::MIN);
    loop {
        let sql = "SELECT account, holder, amount FROM balance \
            WHERE account > ? OR (account = ? AND holder > ?) ORDER BY account, holder LIMIT ?";
        let values = vec![
            after.0.into(),
            after.0.into(),
            after.1.into(),
            CHUNK_ROWS.into(),
        ];
        let rows = tx.rows(sql, values).await?;
        for row in &rows {
            let (code, holder) = (row.int("account")?, row.int("holder")?);
            let amount = row.int("amount")?;
            let known = account_of(code, holder).map(|account| world.balance(account));
            let what = || format!("balance of {} {holder}", kind_name(code));
            found.check(what, Some(amount), known);
            after = (code, holder);
        }
        if rows.is_empty() {
            return Ok(());
        }
    }
}

fn kind_name(code: i64) -> String {
    account_kind(code).map_or_else(|| format!("account {code}"), |kind| kind.name().to_owned())
}

/// The balances against the sum of the ledger's lines.
async fn ledger(tx: &mut Tx, found: &mut Found) -> Done {
    let sums = "SELECT account, holder, CAST(SUM(amount) AS BIGINT) AS total FROM ledger_line \
        GROUP BY account, holder";
    let sql = format!(
        "SELECT l.account, l.holder, l.total, COALESCE(b.amount, 0) AS amount FROM ({sums}) l \
         LEFT JOIN balance b ON b.account = l.account AND b.holder = l.holder \
         WHERE l.total <> COALESCE(b.amount, 0) LIMIT {CHUNK_ROWS}"
    );
    for row in tx.rows(sql, Vec::new()).await? {
        let (code, holder) = (row.int("account")?, row.int("holder")?);
        let what = || format!("balance of {} {holder} against its lines", kind_name(code));
        found.check(what, row.int("amount")?, row.int("total")?);
    }
    let sql = format!(
        "SELECT seq, CAST(SUM(amount) AS BIGINT) AS total FROM ledger_line \
         GROUP BY seq, account IN {COIN_ACCOUNTS} HAVING SUM(amount) <> 0 LIMIT 1000"
    );
    for row in tx.rows(sql, Vec::new()).await? {
        let seq = row.u64("seq")?;
        found.check(
            || format!("sum of the lines of record {seq}"),
            row.int("total")?,
            0,
        );
    }
    Ok(())
}

async fn members(tx: &mut Tx, world: &World, found: &mut Found) -> Done {
    let mut after = -1;
    loop {
        let sql = format!(
            "SELECT m.id, m.inviter, {} FROM member m WHERE ? < m.id ORDER BY m.id LIMIT ?",
            read::IN_GROUPS
        );
        let rows = tx.rows(sql, vec![after.into(), CHUNK_ROWS.into()]).await?;
        let keys: Vec<Value> = rows
            .iter()
            .map(|row| row.u32("id").map(Value::from))
            .collect::<Result<_, _>>()?;
        let sql = format!(
            "SELECT account, holder, amount FROM balance WHERE account IN {MEMBERS_ACCOUNTS} AND holder IN "
        );
        let mut shown = std::collections::BTreeMap::new();
        for row in &tx.rows_in(&sql, &keys).await? {
            if let Some(account) = account_of(row.int("account")?, row.int("holder")?) {
                shown.insert(account, row.int("amount")?);
            }
        }
        for row in &rows {
            after = row.int("id")?;
            member(row, world, &shown, found)?;
        }
        if rows.is_empty() {
            return Ok(());
        }
    }
}

fn member(
    row: &AnyRow,
    world: &World,
    shown: &std::collections::BTreeMap<Account, i64>,
    found: &mut Found,
) -> Done {
    let id = MemberId(row.u32("id")?);
    let Some(known) = world.member(id) else {
        found.check(|| format!("member {id}"), "known", "not known");
        return Ok(());
    };
    found.check(
        || format!("inviter of member {id}"),
        read::maybe_member(row, "inviter")?,
        known.inviter,
    );
    found.check(
        || format!("money in groups of member {id}"),
        read::in_groups(row)?,
        known.in_groups.0,
    );
    for (account, amount) in [
        (Account::Available(id), known.available.0),
        (Account::Vesting(id), known.vesting.0),
        (Account::Coins(id), known.coins.0),
        (Account::VestingCoins(id), known.vesting_coins.0),
        (Account::BoughtCoins(id), known.bought_coins.0),
    ] {
        let views = shown
            .get(&account)
            .map_or(0, |balance| balance.saturating_neg());
        found.check(
            || format!("{} of member {id}", account.name()),
            views,
            amount,
        );
    }
    Ok(())
}

async fn groups(tx: &mut Tx, world: &World, found: &mut Found) -> Done {
    let mut after = -1;
    loop {
        let sql = "SELECT * FROM group_ WHERE ? < id ORDER BY id LIMIT ?";
        let rows = tx.rows(sql, vec![after.into(), CHUNK_ROWS.into()]).await?;
        for row in &rows {
            after = row.int("id")?;
            group(row, world, found)?;
        }
        if rows.is_empty() {
            return Ok(());
        }
    }
}

fn group(row: &AnyRow, world: &World, found: &mut Found) -> Done {
    let id = GroupId(row.u64("id")?);
    let Some(known) = world.group(id) else {
        found.check(|| format!("group {id}"), "known", "not known");
        return Ok(());
    };
    let state: GroupState = read::word(row, "state")?;
    found.check(|| format!("state of group {id}"), state, known.state);
    found.check(
        || format!("campaign of group {id}"),
        row.u32("campaign")?,
        known.campaign.0,
    );
    if is_live(known.state) {
        found.check(
            || format!("paid seats of group {id}"),
            row.u32("paid")?,
            known.paid,
        );
        found.check(
            || format!("places held in group {id}"),
            row.u32("held")?,
            known.held,
        );
        let leader = Some(read::member(row, "leader")?);
        found.check(|| format!("leader of group {id}"), leader, known.leader);
        let expires = Some(read::millis(row, "expires_at")?);
        found.check(
            || format!("deadline of group {id}"),
            expires,
            known.expires_at,
        );
    }
    Ok(())
}

/// Seats of the groups that are in memory.
async fn seats(tx: &mut Tx, world: &World, found: &mut Found) -> Done {
    for id in (0..world.groups()).map(GroupId) {
        let live = world.group(id).is_some_and(|group| is_live(group.state));
        if !live || MAX_DIFFERENCES <= found.differences.len() {
            continue;
        }
        let sql = "SELECT idx, member, state, pay_by FROM seat WHERE group_id = ? ORDER BY idx";
        let rows = tx.rows(sql, vec![id.0.into()]).await?;
        for row in &rows {
            let payment = PaymentId {
                group: id,
                index: row.u32("idx")?,
            };
            let views = (
                read::member(row, "member")?,
                read::word(row, "state")?,
                read::millis(row, "pay_by")?,
            );
            let journal = world.seat(payment).map(|(member, seat)| {
                (
                    member,
                    status(seat.state, world.right(payment)),
                    seat.pay_by,
                )
            });
            found.check(|| format!("seat {payment}"), Some(views), journal);
        }
        let count = u32::try_from(rows.len()).unwrap_or(u32::MAX);
        let more = world
            .seat(PaymentId {
                group: id,
                index: count,
            })
            .is_some();
        found.check(
            || format!("group {id} has more than {count} reservations"),
            false,
            more,
        );
    }
    Ok(())
}

fn is_live(state: GroupState) -> bool {
    matches!(
        state,
        GroupState::Open | GroupState::Full | GroupState::Drawn
    )
}

fn status(state: SeatState, right: Option<RightState>) -> SeatStatus {
    match state {
        SeatState::Registered => match right {
            Some(RightState::Open(_)) => SeatStatus::MayBuy,
            Some(RightState::Lapsed) => SeatStatus::Unused,
            Some(RightState::Bought) | None => SeatStatus::Registered,
        },
        SeatState::Reserved => SeatStatus::Reserved,
        SeatState::Lapsed => SeatStatus::Lapsed,
        SeatState::Paid => SeatStatus::Paid,
        SeatState::Refunded => SeatStatus::Refunded,
    }
}

async fn refunds(tx: &mut Tx, world: &World, found: &mut Found) -> Done {
    let mut after: Option<RefundId> = None;
    loop {
        let from = after.map_or(-1, |after| i64::try_from(after.0).unwrap_or(i64::MAX));
        let sql = "SELECT id, txn, group_id, idx, member, amount, reason, created_at, paid_at, fee_back \
            FROM refund WHERE state = 'due' AND ? < id ORDER BY id LIMIT ?";
        let rows = tx.rows(sql, vec![from.into(), CHUNK_ROWS.into()]).await?;
        let mut views = Vec::with_capacity(rows.len());
        for row in &rows {
            let refund = read::refund(row)?;
            views.push((refund.id, refund.txn, refund.amount));
        }
        let journal =
            world.pending_refunds(after, usize::try_from(CHUNK_ROWS).unwrap_or(usize::MAX));
        let journal: Vec<_> = journal
            .iter()
            .map(|pending| (pending.refund, pending.txn, pending.amount))
            .collect();
        for (ours, theirs) in views.iter().zip(&journal) {
            found.check(|| "a refund on its way".to_owned(), ours, theirs);
        }
        found.check(
            || "number of refunds on their way".to_owned(),
            views.len(),
            journal.len(),
        );
        after = journal.last().or(views.last()).map(|(id, _, _)| *id);
        if views.len() != journal.len() || journal.is_empty() {
            return Ok(());
        }
    }
}

async fn orders(tx: &mut Tx, world: &World, found: &mut Found) -> Done {
    let mut after = -1;
    loop {
        let sql = "SELECT id, member, group_id, seat_no, state FROM order_ WHERE ? < id ORDER BY id LIMIT ?";
        let rows = tx.rows(sql, vec![after.into(), CHUNK_ROWS.into()]).await?;
        for row in &rows {
            after = row.int("id")?;
            let id = OrderId(row.u64("id")?);
            let known = world
                .order(id)
                .map(|order| (order.member, order.group, order.seat, stage(order.state)));
            let state: OrderStatus = read::word(row, "state")?;
            let views = (
                read::member(row, "member")?,
                GroupId(row.u64("group_id")?),
                row.u32("seat_no")?,
                state,
            );
            // What is kept or returned has left memory.
            let is_over = matches!(state, OrderStatus::Kept | OrderStatus::Returned);
            let views = (!is_over).then_some(views);
            found.check(|| format!("order {id}"), views, known);
        }
        if rows.is_empty() {
            return Ok(());
        }
    }
}

fn stage(state: OrderState) -> OrderStatus {
    match state {
        OrderState::Paid => OrderStatus::Paid,
        OrderState::Shipped { .. } => OrderStatus::Shipped,
        OrderState::Received { .. } => OrderStatus::Received,
        OrderState::Returning { .. } => OrderStatus::Returning,
    }
}

/// One payment of a provider must be dealt with once.
async fn payments(tx: &mut Tx, found: &mut Found) -> Done {
    let all = "SELECT txn FROM seat WHERE txn IS NOT NULL UNION ALL SELECT txn FROM bounced";
    let sql = format!(
        "SELECT p.txn, CAST(COUNT(*) AS BIGINT) AS times FROM ({all}) p GROUP BY p.txn \
         HAVING 1 < COUNT(*) LIMIT 1000"
    );
    for row in tx.rows(sql, Vec::new()).await? {
        let txn = row.text("txn")?;
        found.check(
            || format!("times that the provider's payment {txn} was taken"),
            row.u64("times")?,
            1,
        );
    }
    Ok(())
}
