//! What a merchant sees and does: only his own. Another's things look like none.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::{AllianceCommand, Answer, Command};
use views::StoreName;

use super::campaigns::{Fresh, checked_for, installation, publication_for, schema_problem};
use super::merchants::{check_names, draft_line, draft_list, draft_of, draft_page, page_of};
use crate::app::{App, Shared, Viewed, store_problem};
use crate::auth::AsMerchant;
use crate::http::{DraftNumber, Page, Params, Problem, Result, Segment, Write, WriteText};
use crate::once::{Answered, Holds, once};
use crate::wire::{
    Amount, CampaignChecked, DraftLine, DraftPage, List, MerchantLineBody, MerchantPage,
    StoreOpened, StoreWanted,
};

/// The merchant who is signed in: his contracts, stores, campaigns, and what he is due.
#[utoipa::path(get, path = "/merchant/me", tag = "merchant", params(Fresh), responses((status = 200, description = "The merchant", body = MerchantPage)))]
pub(crate) async fn me(
    State(app): Shared,
    merchant: AsMerchant,
    Params(query): Params<Fresh>,
) -> Result<Viewed<MerchantPage>> {
    app.reach(query.at_least).await?;
    page_of(&app, merchant.merchant).await
}

/// Opens a store.
#[utoipa::path(post, path = "/merchant/stores", tag = "merchant", request_body = StoreWanted, responses((status = 200, description = "Opened", body = StoreOpened)))]
pub(crate) async fn open_store(
    State(app): Shared,
    merchant: AsMerchant,
    write: Write<StoreWanted>,
) -> Result<Json<StoreOpened>> {
    let StoreWanted { name, address } = write.body;
    check_names(&name, ("address", &address))?;
    // The same request gives the same store, also long after its key is forgotten.
    let request = request_of(&merchant, &write.key);
    let mut token = [0; 16];
    token.copy_from_slice(&request[..16]);
    let row = StoreName {
        token,
        name,
        address,
    };
    let naming = app.people.directory().name_store(merchant.merchant, &row);
    naming.await.map_err(store_problem)?;
    let command = Command::Alliance(AllianceCommand::OpenStore {
        merchant: merchant.merchant,
        token,
    });
    let reply = app.submit(merchant.actor(), write.key, command).await?;
    let Answer::Store(store) = reply.answer else {
        return Err(Problem::fault(
            "a store's opening answered with something else",
            &"no store",
        ));
    };
    Ok(Json(StoreOpened {
        store: store.to_string(),
        seq: reply.seq.to_string(),
    }))
}

/// Names a request of a merchant for ever.
fn request_of(merchant: &AsMerchant, key: &domain::IdempotencyKey) -> [u8; 32] {
    let mut text = merchant.merchant.0.to_be_bytes().to_vec();
    text.extend(key.key);
    text.extend(key.content);
    draw::hash(&text).0
}

/// Lines of the merchant's accounts, newest first.
#[utoipa::path(get, path = "/merchant/lines", tag = "merchant", params(Page), responses((status = 200, description = "Lines", body = List<MerchantLineBody>)))]
pub(crate) async fn lines(
    State(app): Shared,
    merchant: AsMerchant,
    Params(query): Params<Page>,
) -> Result<Viewed<List<MerchantLineBody>>> {
    app.reach(query.at_least).await?;
    let found = app
        .views
        .merchant_lines(merchant.merchant, query.of()?)
        .await
        .map_err(store_problem)?;
    let line = |row: &views::MerchantLine| {
        let owed = if row.account.is_liability() { -1 } else { 1 };
        MerchantLineBody {
            seq: row.seq.to_string(),
            at: row.at.into(),
            account: row.account.name(),
            amount: Amount(row.amount.saturating_mul(owed)),
            event: row.event,
            group: row.group.map(|group| group.to_string()),
            order: row.order.map(|order| order.to_string()),
            counter: row.counter.map(|counter| counter.to_string()),
        }
    };
    let items = found.value.items.iter().map(line).collect();
    let next = found.value.next.map(|next| next.to_string());
    Ok(Viewed(found.seq, List { items, next }))
}

/// Submits a campaign to be reviewed. It must pass the gate, and its commission must be the contract's.
#[utoipa::path(post, path = "/merchant/drafts", tag = "merchant", request_body = Object, responses((status = 201, description = "Kept", body = DraftLine)))]
pub(crate) async fn submit(
    State(app): Shared,
    merchant: AsMerchant,
    write: WriteText,
) -> Result<Answered> {
    let doing = submitted(&app, &merchant, &write);
    let who = (merchant.actor(), write.key);
    once(&app, who, Holds::NoSecret, doing).await
}

async fn submitted(
    app: &App,
    merchant: &AsMerchant,
    write: &WriteText,
) -> Result<(StatusCode, DraftLine)> {
    let file = schema::parse_json(&write.text).map_err(schema_problem)?;
    let campaign = file.resolve(&installation(app).await?)?;
    let (id, now) = (merchant.merchant, app.config.clock.now());
    // What its publication would be asked today.
    let publication = publication_for(id, campaign);
    let refusal = app.query(move |world| world.why_not(&publication, now));
    if let Some(refusal) = refusal.await? {
        return Err(refusal.into());
    }
    let text = std::str::from_utf8(&write.text)
        .map_err(|_| Problem::bad_request("body_not_utf8", "the body is not UTF-8"))?;
    let request = request_of(merchant, &write.key);
    let directory = app.people.directory();
    let draft = directory.submit_draft(id, &request, text, now).await;
    let draft = draft_of(app, draft.map_err(store_problem)?).await?;
    Ok((StatusCode::CREATED, draft_line(&draft)))
}

/// Whether a campaign file could be published for the merchant here and now, with the printed lines of its worst case either way.
#[utoipa::path(post, path = "/merchant/drafts/check", tag = "merchant", request_body = Object, responses((status = 200, description = "What the gate says", body = CampaignChecked)))]
pub(crate) async fn check(
    State(app): Shared,
    merchant: AsMerchant,
    write: WriteText,
) -> Result<Json<CampaignChecked>> {
    checked_for(&app, Some(merchant.merchant), &write.text).await
}

/// The merchant's drafts, newest first.
#[utoipa::path(get, path = "/merchant/drafts", tag = "merchant", params(Page), responses((status = 200, description = "Drafts", body = List<DraftLine>)))]
pub(crate) async fn drafts(
    State(app): Shared,
    merchant: AsMerchant,
    Params(query): Params<Page>,
) -> Result<Json<List<DraftLine>>> {
    draft_list(&app, Some(merchant.merchant), &query).await
}

/// One of the merchant's drafts with its file.
#[utoipa::path(get, path = "/merchant/drafts/{id}", tag = "merchant", params(("id" = String, Path)), responses((status = 200, description = "The draft", body = DraftPage)))]
pub(crate) async fn draft(
    State(app): Shared,
    merchant: AsMerchant,
    Segment(DraftNumber(id)): Segment<DraftNumber>,
) -> Result<Json<DraftPage>> {
    let draft = draft_of(&app, id).await?;
    if draft.merchant != merchant.merchant {
        return Err(Problem::not_found(
            "draft_unknown",
            "there is no such draft",
        ));
    }
    Ok(Json(draft_page(&draft)))
}
