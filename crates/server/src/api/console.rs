//! What operators watch: groups, books, ledger, orders, members.

use axum::extract::State;
use domain::Asset;
use serde::Deserialize;
use utoipa::IntoParams;
use views::{LedgerFilter, LedgerRow, MoneyIn, OrderStatus, Person, TrialRow};

use super::approvals::{Acted, Wanted, act};
use super::campaigns::{Fresh, GroupsQuery, group_list};
use crate::app::{Shared, Viewed, store_problem};
use crate::auth::{AsFinance, AsOperator};
use crate::http::{Page, Params, Problem, Result, Write, items, page_of};
use crate::money::Compared;
use crate::present::masked;
use crate::wire::{
    Amount, ApprovalLine, BalanceLine, BalanceTotal, BooksPage, BouncedLine, Capital, ChannelLine,
    ConsoleMember, ConsoleOrder, Done, GroupCard, LedgerLine, List, OwedLine, Wallet,
};

/// All groups, newest first.
#[utoipa::path(get, path = "/console/groups", tag = "console", params(GroupsQuery), responses((status = 200, description = "Groups", body = List<GroupCard>)))]
pub(crate) async fn groups(
    State(app): Shared,
    _: AsFinance,
    Params(query): Params<GroupsQuery>,
) -> Result<Viewed<List<GroupCard>>> {
    app.reach(query.at_least).await?;
    group_list(&app, None, &query).await
}

/// The books: trial balance, and what is held against what is owed.
#[utoipa::path(get, path = "/books", tag = "console", params(Fresh), responses((status = 200, description = "The books", body = BooksPage)))]
pub(crate) async fn books(
    State(app): Shared,
    _: AsFinance,
    Params(query): Params<Fresh>,
) -> Result<Viewed<BooksPage>> {
    app.reach(query.at_least).await?;
    // The channel first: what comes in between is in our books, too, or on its way.
    let channel = app.config.channel.books().await;
    let found = app.views.trial_balance().await.map_err(store_problem)?;
    let mut page = books_of(&found.value);
    page.channel = match channel {
        Ok(books) => {
            let payouts_due = app.views.payouts_due().await.map_err(store_problem)?.value;
            Some(channel_line(&Compared::of(
                &books,
                &found.value,
                payouts_due,
            )))
        }
        Err(error) => {
            tracing::warn!(%error, "the channel's books could not be read: {error}");
            None
        }
    };
    Ok(Viewed(found.seq, page))
}

/// Kinds of accounts whose balances are owed to somebody, and those of coins that members have.
const OWED: [&str; 12] = [
    "escrow",
    "refunds-due",
    "available",
    "vesting",
    "suppliers",
    "dividend-pool",
    "withdrawals-due",
    "merchant-vesting",
    "merchant-payable",
    "merchant-stated",
    "custody",
    "tax",
];
const COINS: [&str; 3] = ["coins", "vesting-coins", "bought-coins"];

fn books_of(rows: &[TrialRow]) -> BooksPage {
    let balance = |account: &str| {
        rows.iter()
            .find(|row| row.account == account)
            .map_or(0, |row| row.amount)
    };
    let owed_by_members = rows
        .iter()
        .find(|row| row.account == "available")
        .map_or(0, |row| row.above);
    let owed = |account: &str| match account {
        // The sum over all members, without those who stand below zero.
        "available" => owed_by_members.saturating_sub(balance(account)),
        _ => balance(account).saturating_neg(),
    };
    let held = balance("channel").saturating_add(balance("bank"));
    let own = OWED
        .iter()
        .fold(held, |own, account| own.saturating_sub(owed(account)));
    let total = |asset: Asset| {
        let sums = rows
            .iter()
            .filter(|row| row.asset == asset)
            .map(|row| row.amount);
        let (debit, credit) = sums.fold((0i64, 0i64), |(debit, credit), amount| {
            (
                debit.saturating_add(amount.max(0)),
                credit.saturating_sub(amount.min(0)),
            )
        });
        BalanceTotal {
            asset: views::asset_name(asset),
            debit: Amount(debit),
            credit: Amount(credit),
        }
    };
    let line = |row: &TrialRow| BalanceLine {
        account: row.account.clone(),
        asset: views::asset_name(row.asset),
        debit: Amount(row.amount.max(0)),
        credit: Amount(row.amount.min(0).saturating_neg()),
    };
    BooksPage {
        trial_balance: rows.iter().map(line).collect(),
        totals: vec![total(Asset::Cny), total(Asset::Coin)],
        held: Amount(held),
        owed: OWED
            .iter()
            .map(|kind| OwedLine {
                kind: (*kind).to_owned(),
                amount: Amount(owed(kind)),
            })
            .collect(),
        owed_by_members: Amount(owed_by_members),
        own: Amount(own),
        coins_outstanding: Amount(
            COINS
                .iter()
                .fold(0, |sum: i64, account| sum.saturating_add(owed(account))),
        ),
        in_flight_refunds: Amount(owed("refunds-due")),
        alarm: own < 0,
        channel: None,
    }
}

fn channel_line(compared: &Compared) -> ChannelLine {
    ChannelLine {
        held: Amount(compared.held),
        by_our_books: Amount(compared.by_our_books),
        difference: Amount(compared.difference()),
        verdict: compared.verdict().name(),
        refunds_due: Amount(compared.refunds_due),
        payouts_due: Amount(compared.payouts_due),
        payouts_pending: Amount(compared.payouts_pending),
        processing: Amount(compared.processing),
        notices_pending: compared.notices_pending,
    }
}

/// Records capital that was put into the channel's account.
#[utoipa::path(post, path = "/capital", tag = "console", request_body = Capital, responses((status = 202, description = "It waits for a second operator", body = ApprovalLine), (status = 200, description = "Recorded; there is no other operator", body = Done)))]
pub(crate) async fn capital(
    State(app): Shared,
    operator: AsFinance,
    write: Write<Capital>,
) -> Result<Acted> {
    let wanted = Wanted {
        what: "capital",
        subject: 0,
        body: &write.body,
    };
    act(&app, operator.id, write.key, wanted).await
}

/// Which payments that went back at once.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct BouncedQuery {
    /// Only those of this reason, such as `amount_differs`; all without it.
    reason: Option<String>,
    /// Most items, 1 to 100; 20 without it.
    limit: Option<u32>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// Answer from a state that holds at least this sequence.
    at_least: Option<u64>,
}

/// Payments that could hold no place and went back at once, newest first, each with why.
#[utoipa::path(get, path = "/console/payments", tag = "console", params(BouncedQuery), responses((status = 200, description = "Payments", body = List<BouncedLine>)))]
pub(crate) async fn bounced(
    State(app): Shared,
    _: AsFinance,
    Params(query): Params<BouncedQuery>,
) -> Result<Viewed<List<BouncedLine>>> {
    let unknown = || Problem::bad_request("query_invalid", "no payment goes back for this reason");
    let reason = query.reason.as_deref();
    let reason = reason.map(|name| views::bounce_named(name).ok_or_else(unknown));
    let page = page_of(items(query.limit)?, query.cursor.as_deref())?;
    app.reach(query.at_least).await?;
    let found = app.views.bounced(reason.transpose()?, page).await;
    let found = found.map_err(store_problem)?;
    let rows = found.value.items;
    let faces = app.people.faces(rows.iter().filter_map(|row| row.member));
    let faces = faces.await?;
    let line = |row: &MoneyIn| BouncedLine {
        txn: row.txn.as_str().to_owned(),
        at: row.at.into(),
        amount: row.amount.into(),
        reason: row.bounced.map(views::bounce_name).unwrap_or_default(),
        member: row.member.map(|member| member.to_string()),
        member_masked: row.member.map(|member| masked(&faces, member)),
        group: row.group.map(|group| group.to_string()),
        payment: row.payment.map(|payment| payment.to_string()),
        refund: row.refund.as_ref().map(|refund| refund.id.to_string()),
        refunded_at: row
            .refund
            .as_ref()
            .and_then(|refund| refund.paid_at)
            .map(Into::into),
    };
    let items = rows.iter().map(line).collect();
    let next = found.value.next.map(|next| next.to_string());
    Ok(Viewed(found.seq, List { items, next }))
}

/// Which orders.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct OrdersQuery {
    /// `paid`, `shipped`, `received`, `kept`, `returning` or `returned`; all without it.
    state: Option<String>,
    /// Most items, 1 to 100; 20 without it.
    limit: Option<u32>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// Answer from a state that holds at least this sequence.
    pub(super) at_least: Option<u64>,
}

impl OrdersQuery {
    /// Which state, and which page.
    pub(super) fn read(&self) -> Result<(Option<OrderStatus>, views::Page)> {
        let unknown = || {
            let states = "state is paid, shipped, received, kept, returning or returned";
            Problem::bad_request("query_invalid", states)
        };
        let state = self.state.as_deref();
        let state = state.map(|name| OrderStatus::from_name(name).ok_or_else(unknown));
        let page = page_of(items(self.limit)?, self.cursor.as_deref())?;
        Ok((state.transpose()?, page))
    }
}

/// Everybody's orders, newest first.
#[utoipa::path(get, path = "/console/orders", tag = "console", params(OrdersQuery), responses((status = 200, description = "Orders", body = List<ConsoleOrder>)))]
pub(crate) async fn orders(
    State(app): Shared,
    _: AsFinance,
    Params(query): Params<OrdersQuery>,
) -> Result<Viewed<List<ConsoleOrder>>> {
    let (state, page) = query.read()?;
    app.reach(query.at_least).await?;
    let found = app.views.orders(state, page).await.map_err(store_problem)?;
    let rows = found.value.items;
    let faces = app.people.faces(rows.iter().map(|row| row.member)).await?;
    let mut shipments = app.people.shipments(rows.iter().map(|row| row.id)).await?;
    let items = rows.into_iter().map(|row| {
        let (carrier, tracking) = shipments.remove(&row.id).unzip();
        ConsoleOrder {
            id: row.id.to_string(),
            group: row.payment.group.to_string(),
            campaign: row.campaign.to_string(),
            product: (&row.product).into(),
            prize: row.prize.as_ref().map(Into::into),
            member: row.member.to_string(),
            member_masked: masked(&faces, row.member),
            price: row.price.into(),
            fulfilment: row.fulfilment.name(),
            state: row.state.name().to_owned(),
            at: row.at.into(),
            received_by: row.received_by.map(Into::into),
            kept_at: row.kept_at.or(row.return_until).map(Into::into),
            back_by: row.back_by.map(Into::into),
            returned_at: row.returned_at.map(Into::into),
            carrier,
            tracking,
        }
    });
    Ok(Viewed(
        found.seq,
        List {
            items: items.collect(),
            next: found.value.next.map(|next| next.to_string()),
        },
    ))
}

/// Which lines of the ledger.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LedgerQuery {
    /// Kind of account, such as `escrow`; all without it.
    account: Option<String>,
    /// The member's or group's number; needs `account`.
    holder: Option<u64>,
    /// Most items, 1 to 100; 20 without it.
    limit: Option<u32>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// Answer from a state that holds at least this sequence.
    at_least: Option<u64>,
}

/// The ledger, newest first.
#[utoipa::path(get, path = "/ledger", tag = "console", params(LedgerQuery), responses((status = 200, description = "Lines", body = List<LedgerLine>)))]
pub(crate) async fn ledger(
    State(app): Shared,
    _: AsFinance,
    Params(query): Params<LedgerQuery>,
) -> Result<Viewed<List<LedgerLine>>> {
    if query.account.is_none() && query.holder.is_some() {
        return Err(Problem::bad_request(
            "query_invalid",
            "holder needs account",
        ));
    }
    let page = page_of(items(query.limit)?, query.cursor.as_deref())?;
    app.reach(query.at_least).await?;
    let filter = LedgerFilter {
        account: query.account,
        holder: query.holder,
    };
    let found = app
        .views
        .ledger(&filter, page)
        .await
        .map_err(store_problem)?;
    let line = |row: LedgerRow| LedgerLine {
        id: format!("{}.{}", row.seq, row.line_no),
        seq: row.seq.to_string(),
        at: row.at.into(),
        account: row.account,
        holder: row.holder.map(|holder| holder.to_string()),
        asset: views::asset_name(row.asset),
        debit: Amount(row.amount.max(0)),
        credit: Amount(row.amount.min(0).saturating_neg()),
        event: row.event,
    };
    let next = found.value.next.map(|next| next.to_string());
    Ok(Viewed(
        found.seq,
        List {
            items: found.value.items.into_iter().map(line).collect(),
            next,
        },
    ))
}

/// All members with their money, oldest first.
#[utoipa::path(get, path = "/console/members", tag = "console", params(Page), responses((status = 200, description = "Members", body = List<ConsoleMember>)))]
pub(crate) async fn members(
    State(app): Shared,
    _: AsOperator,
    Params(query): Params<Page>,
) -> Result<Viewed<List<ConsoleMember>>> {
    app.reach(query.at_least).await?;
    let found = app
        .views
        .members(query.of()?)
        .await
        .map_err(store_problem)?;
    let mut people = app
        .people
        .people(found.value.items.iter().map(|row| row.id))
        .await?;
    let ids: Vec<_> = found.value.items.iter().map(|row| row.id).collect();
    let now = app.config.clock.now();
    let levels = app
        .query(move |world| {
            let known = |id: &_| {
                let age = world.verified_age(*id, now);
                (world.member(*id), age, world.vip_given(*id, now))
            };
            ids.iter().map(known).collect::<Vec<_>>()
        })
        .await?;
    let items = found
        .value
        .items
        .iter()
        .zip(levels)
        .map(|(row, (view, verified_age, given))| {
            let person = people.remove(&row.id);
            let view = view.as_ref();
            ConsoleMember {
                id: row.id.to_string(),
                phone_masked: person.as_ref().map(Person::phone_masked),
                name: person.as_ref().and_then(|person| person.name.clone()),
                inviter: row.inviter.map(|inviter| inviter.to_string()),
                vip: view
                    .map_or(0, |view| view.vip)
                    .max(given.map_or(0, |given| given.level)),
                rank: view.map_or(0, |view| view.rank),
                frozen: view.is_some_and(|view| view.frozen),
                verified_age,
                region: view.and_then(|view| view.region).map(Into::into),
                wallet: Wallet {
                    available: row.available.into(),
                    vesting: row.vesting.into(),
                    in_groups: row.in_groups.into(),
                    refunds_due: Some(row.refunds_due.into()),
                    coins: row.coins.into(),
                    vesting_coins: view
                        .map(|view| view.vesting_coins)
                        .unwrap_or_default()
                        .into(),
                    bought_coins: view
                        .map(|view| view.bought_coins)
                        .unwrap_or_default()
                        .into(),
                },
                demo: person.is_some_and(|person| person.is_demo),
                registered_at: row.registered_at.into(),
            }
        });
    let next = found.value.next.map(|next| next.to_string());
    Ok(Viewed(
        found.seq,
        List {
            items: items.collect(),
            next,
        },
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_owed_is_what_the_domain_says() {
        let domain = domain::World::default().books();
        let mut told: Vec<&str> = domain.owed.iter().map(|(kind, _)| *kind).collect();
        let mut ours = OWED.to_vec();
        told.sort_unstable();
        ours.sort_unstable();
        assert_eq!(ours, told);
    }

    #[test]
    fn books_are_the_trial_balance_by_creditor() {
        let row = |account: &str, asset, amount| TrialRow {
            account: account.to_owned(),
            asset,
            amount,
            above: amount.max(0),
        };
        let rows = [
            row("channel", Asset::Cny, 1000),
            row("escrow", Asset::Cny, -300),
            row("refunds-due", Asset::Cny, -200),
            row("capital", Asset::Cny, -500),
            row("coins-issued", Asset::Coin, 70),
            row("coins", Asset::Coin, -60),
            row("vesting-coins", Asset::Coin, -10),
        ];
        let books = books_of(&rows);
        assert_eq!(
            (
                books.held.0,
                books.own.0,
                books.in_flight_refunds.0,
                books.alarm
            ),
            (1000, 500, 200, false)
        );
        assert_eq!(books.coins_outstanding.0, 70);
        for total in &books.totals {
            assert_eq!(total.debit, total.credit);
        }
        assert!(books_of(&[row("escrow", Asset::Cny, -1)]).alarm);
        // Of three members one owes 40, and the others are owed 100: that is what must be there.
        let rows = [
            row("channel", Asset::Cny, 90),
            TrialRow {
                above: 40,
                ..row("available", Asset::Cny, -60)
            },
        ];
        let books = books_of(&rows);
        let available = books.owed.iter().find(|line| line.kind == "available");
        assert_eq!(available.unwrap().amount.0, 100);
        assert_eq!((books.owed_by_members.0, books.own.0), (40, -10));
        assert!(books.alarm);
    }
}
