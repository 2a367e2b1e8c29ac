//! Treats (rules 4): a cashier opens tables at his store, guests look at them by their token, sit down and pay.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::{
    Answer, CampaignId, Command, GroupId, GroupState, Kind, MerchantId, Money, Refusal, StoreId,
    TableBill, TableCommand, TableId, TableRefusal,
};

use views::TablesOf;

use super::campaigns::Fresh;
use super::groups::{to_pay, via};
use crate::app::{App, Shared, Viewed, store_problem};
use crate::auth::{AsCashier, AsFinance, AsMember, AsMerchant};
use crate::http::{NoBody, Page, Params, Problem, Result, Segment, TableToken, Write, decimal};
use crate::wire::{
    Join, List, SatDown, TableDone, TableLine, TablePage, TableSeen, TableWanted, TreatCard,
    campaign_card, state_of,
};

/// Most treats that are listed.
const MOST_TREATS: usize = 100;

/// What tables can be opened under, newest first, at most 100.
#[utoipa::path(get, path = "/counter/treats", tag = "counter", params(Fresh), responses((status = 200, description = "Treats", body = Vec<TreatCard>)))]
pub(crate) async fn treats(
    State(app): Shared,
    cashier: AsCashier,
    Params(query): Params<Fresh>,
) -> Result<Viewed<Vec<TreatCard>>> {
    app.reach(query.at_least).await?;
    let found = app.views.campaigns_of(cashier.merchant).await;
    let found = found.map_err(store_problem)?;
    let ask = move |world: &domain::World| -> Vec<TreatCard> {
        let known = found.value.iter().filter_map(|id| {
            let terms = &world.campaign(*id)?.terms;
            (terms.kind == Kind::Treat).then(|| TreatCard::of(*id, terms))
        });
        known.take(MOST_TREATS).collect()
    };
    Ok(Viewed(found.seq, app.query(ask).await?))
}

/// Opens a table with its bill. Whoever has the token that is answered can look at it and sit down.
#[utoipa::path(post, path = "/counter/tables", tag = "counter", request_body = TableWanted, responses((status = 201, description = "Opened", body = TableDone)))]
pub(crate) async fn open(
    State(app): Shared,
    cashier: AsCashier,
    write: Write<TableWanted>,
) -> Result<(StatusCode, Json<TableDone>)> {
    let TableWanted {
        template,
        bill,
        guests,
        circle,
    } = write.body;
    let unknown = || Problem::not_found("table_template_unknown", "there is no such treat");
    let template = decimal(&template).map(CampaignId).ok_or_else(unknown)?;
    let no_circle = || Problem::not_found("circle_unknown", "there is no such circle");
    let circle = match circle {
        Some(circle) => Some(decimal(&circle).map(GroupId).ok_or_else(no_circle)?),
        None => None,
    };
    app.beacons.lost.may_open(template)?;
    // The same key gives the same table, and with it the token that was made first.
    let mut token = [0; 16];
    getrandom::fill(&mut token).map_err(|_| Problem::stopped())?;
    let command = Command::Table(TableCommand::Open {
        template,
        store: cashier.store,
        bill: TableBill {
            bill: Money(bill.0),
            seats: guests,
        },
        circle,
        token,
    });
    let reply = app.submit(cashier.actor(), write.key, command).await?;
    let Answer::Table(table) = reply.answer else {
        return Err(Problem::fault(
            "a table's opening answered with something else",
            &"no table",
        ));
    };
    Ok((
        StatusCode::CREATED,
        done(&app, table, cashier.store, reply.seq).await?,
    ))
}

/// The tables of the cashier's store, newest first.
#[utoipa::path(get, path = "/counter/tables", tag = "counter", params(Page), responses((status = 200, description = "Tables", body = List<TableLine>)))]
pub(crate) async fn list(
    State(app): Shared,
    cashier: AsCashier,
    Params(query): Params<Page>,
) -> Result<Viewed<List<TableLine>>> {
    app.reach(query.at_least).await?;
    let of = TablesOf::Store(cashier.store);
    let found = app.views.tables(of, query.of()?).await;
    let found = found.map_err(store_problem)?;
    let now = app.config.clock.now();
    let items = found.value.items.iter();
    let items = items.map(|row| TableLine::of(row, now)).collect();
    let next = found.value.next.map(|next| next.to_string());
    Ok(Viewed(found.seq, List { items, next }))
}

/// The tables of all of the merchant's stores, newest first.
#[utoipa::path(get, path = "/merchant/tables", tag = "merchant", params(Page), responses((status = 200, description = "Tables", body = List<TableSeen>)))]
pub(crate) async fn of_merchant(
    State(app): Shared,
    merchant: AsMerchant,
    Params(query): Params<Page>,
) -> Result<Viewed<List<TableSeen>>> {
    seen(&app, TablesOf::Merchant(merchant.merchant), &query).await
}

/// All tables, newest first.
#[utoipa::path(get, path = "/console/tables", tag = "console", params(Page), responses((status = 200, description = "Tables", body = List<TableSeen>)))]
pub(crate) async fn all(
    State(app): Shared,
    _: AsFinance,
    Params(query): Params<Page>,
) -> Result<Viewed<List<TableSeen>>> {
    seen(&app, TablesOf::All, &query).await
}

/// Without the tokens: who only watches sits down nowhere.
async fn seen(app: &App, of: TablesOf, query: &Page) -> Result<Viewed<List<TableSeen>>> {
    app.reach(query.at_least).await?;
    let found = app.views.tables(of, query.of()?).await;
    let found = found.map_err(store_problem)?;
    let now = app.config.clock.now();
    let items = found.value.items.iter();
    let items = items.map(|row| TableSeen::of(row, now)).collect();
    let next = found.value.next.map(|next| next.to_string());
    Ok(Viewed(found.seq, List { items, next }))
}

/// Ends a table that is not full; whoever has paid gets it back.
#[utoipa::path(post, path = "/counter/tables/{id}/cancel", tag = "counter", params(("id" = String, Path)), request_body = NoBody, responses((status = 200, description = "Cancelled", body = TableDone)))]
pub(crate) async fn cancel(
    State(app): Shared,
    cashier: AsCashier,
    Segment(table): Segment<TableId>,
    write: Write<NoBody>,
) -> Result<Json<TableDone>> {
    let store = cashier.store;
    let command = Command::Table(TableCommand::Cancel { table, store });
    let reply = app.submit(cashier.actor(), write.key, command).await?;
    done(&app, table, store, reply.seq).await
}

/// The table as the views have it once they hold this.
async fn done(app: &App, table: TableId, store: StoreId, seq: u64) -> Result<Json<TableDone>> {
    app.reach(Some(seq)).await?;
    let found = app.views.table(table).await.map_err(store_problem)?;
    let row = found.value.filter(|row| row.table.store == store);
    let row = row.ok_or_else(|| Problem::from(Refusal::from(TableRefusal::Unknown)))?;
    Ok(Json(TableDone {
        table: TableLine::of(&row, app.config.clock.now()),
        seq: seq.to_string(),
    }))
}

/// A table by its token, as it stands now: bill, guests, odds, and what a non-winner gets. Nobody need sign in.
#[utoipa::path(get, path = "/tables/{token}", tag = "groups", params(("token" = String, Path)), responses((status = 200, description = "The table", body = TablePage)))]
pub(crate) async fn page(
    State(app): Shared,
    Segment(TableToken(token)): Segment<TableToken>,
) -> Result<Json<TablePage>> {
    let now = app.config.clock.now();
    let ask = move |world: &domain::World| {
        let table = world.table(world.table_of_token(&token)?)?;
        let campaign = CampaignId::of_table(table.table);
        let terms = &world.campaign(campaign)?.terms;
        let group = table.group.and_then(|group| world.group(group));
        let waits = |state: GroupState| matches!(state, GroupState::Open | GroupState::Full);
        let (paid, held) = match &group {
            Some(group) if waits(group.state) => (group.paid, group.held),
            Some(_) | None => (0, 0),
        };
        let page = TablePage {
            terms: campaign_card(campaign, terms, 0),
            store: String::new(),
            address: String::new(),
            state: state_of(&table, group.map(|group| group.state), now),
            paid,
            reserved: held.saturating_sub(paid),
            expires_at: table.expires_at.into(),
            group: table.group.map(|group| group.to_string()),
            circle: table.circle.map(|circle| circle.to_string()),
        };
        Some((page, world.store(table.store)?))
    };
    let known = app.query(ask).await?;
    let unknown = || Problem::from(Refusal::from(TableRefusal::Unknown));
    let (mut page, store) = known.ok_or_else(unknown)?;
    (page.store, page.address) = name_of(&app, store).await?;
    Ok(Json(page))
}

/// What a store is called, and where it is.
async fn name_of(app: &App, (merchant, token): (MerchantId, [u8; 16])) -> Result<(String, String)> {
    let names = app.people.directory().store_names(merchant).await;
    let names = names.map_err(store_problem)?;
    let named = names.into_iter().find(|named| named.token == token);
    Ok(named
        .map(|named| (named.name, named.address))
        .unwrap_or_default())
}

/// Sits down at a table; the seat is reserved until it is paid. The first guest is the leader.
#[utoipa::path(post, path = "/tables/{token}/seats", tag = "groups", params(("token" = String, Path)), request_body = Join, responses((status = 201, description = "Pay to keep it", body = SatDown)))]
pub(crate) async fn sit(
    State(app): Shared,
    member: AsMember,
    Segment(TableToken(token)): Segment<TableToken>,
    write: Write<Join>,
) -> Result<(StatusCode, Json<SatDown>)> {
    let template = app.query(move |world| {
        let table = world.table(world.table_of_token(&token)?)?;
        Some(table.template)
    });
    if let Some(template) = template.await? {
        app.beacons.lost.may_open(template)?;
    }
    let via = via(&app, write.body.via.as_deref()).await?;
    let command = Command::Table(TableCommand::Join {
        token,
        member: member.0,
        via,
    });
    let reply = app.submit(member.actor(), write.key, command).await?;
    let (payment, to_pay) = to_pay(&app, &reply).await?;
    let sat = SatDown {
        group: payment.group.to_string(),
        payment: to_pay,
        seq: reply.seq.to_string(),
    };
    Ok((StatusCode::CREATED, Json(sat)))
}
