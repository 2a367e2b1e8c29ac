//! Campaigns: what is on offer, and their publication.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use domain::{AllianceCommand, Answer, Campaign, CampaignId, Command, MerchantId, Profile};
use schema::{CampaignFile, Installation, SchemaError};
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;
use views::{CampaignRow, GroupFilter, group_state};

use super::standing::{check_reason, note};
use crate::app::{App, Shared, Viewed, store_problem};
use crate::auth::AsOperator;
use crate::http::{
    InPath, Page, Params, Problem, Result, Segment, WriteText, decimal, items, page_of,
};
use crate::present::group_card;
use crate::wire::{
    CampaignCard, CampaignChecked, CampaignPage, CampaignProblem, GroupCard, List, Published,
    campaign_card, odds, reserve_wording, shortfall, solvency_lines, win_pairs,
};

/// What is on offer, newest first.
#[utoipa::path(get, path = "/campaigns", tag = "campaigns", params(Page), responses((status = 200, description = "Campaigns", body = List<CampaignCard>)))]
pub(crate) async fn list(
    State(app): Shared,
    Params(query): Params<Page>,
) -> Result<Viewed<List<CampaignCard>>> {
    app.reach(query.at_least).await?;
    let found = app
        .views
        .campaigns(query.of()?)
        .await
        .map_err(store_problem)?;
    let items = found.value.items.iter().map(card);
    let next = found.value.next.map(|next| next.to_string());
    Ok(Viewed(
        found.seq,
        List {
            items: items.collect(),
            next,
        },
    ))
}

fn card(row: &CampaignRow) -> CampaignCard {
    campaign_card(row.id, &row.terms, row.open_groups)
}

/// When the answer must not be older.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Fresh {
    /// Answer from a state that holds at least this sequence.
    pub(crate) at_least: Option<u64>,
}

/// Everything about one campaign.
#[utoipa::path(get, path = "/campaigns/{id}", tag = "campaigns", params(("id" = String, Path), Fresh), responses((status = 200, description = "The campaign", body = CampaignPage)))]
pub(crate) async fn page(
    State(app): Shared,
    Segment(id): Segment<CampaignId>,
    Params(query): Params<Fresh>,
) -> Result<Viewed<CampaignPage>> {
    app.reach(query.at_least).await?;
    let found = app.find(|| app.views.campaign(id)).await?;
    let row = found.value.ok_or_else(unknown)?;
    let terms = schema::to_json(&row.terms);
    let solvency = domain::solvency(&row.terms).map_err(|_| domain::Refusal::Overflow)?;
    let rewards = terms
        .get("reward")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let page = CampaignPage {
        card: card(&row),
        published_at: row.published_at.into(),
        hash: row.hash.to_string(),
        solvency: solvency_lines(&row.terms, &solvency),
        rewards,
        profile: row.terms.profile.name(),
        reserve_wording: reserve_wording(&row.terms),
        demo: app.config.demo.is_on(),
        terms,
    };
    Ok(Viewed(found.seq, page))
}

/// The file the campaign was published as, byte for byte; its hash names the campaign's groups in the draw.
#[utoipa::path(get, path = "/campaigns/{id}/published", tag = "campaigns", params(("id" = String, Path)), responses((status = 200, description = "The file", body = String, content_type = "text/plain")))]
pub(crate) async fn published(
    State(app): Shared,
    Segment(id): Segment<CampaignId>,
) -> Result<impl IntoResponse> {
    let found = app.find(|| app.views.published_file(id)).await?;
    let file = found.value.ok_or_else(unknown)?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], file))
}

/// Which groups of a campaign.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct GroupsQuery {
    /// `open`, `full`, `settled`, `expired`, `cancelled` or `void`; all without it.
    pub(crate) state: Option<String>,
    /// Most items, 1 to 100; 20 without it.
    pub(crate) limit: Option<u32>,
    /// `next` of the page before.
    pub(crate) cursor: Option<String>,
    /// Answer from a state that holds at least this sequence.
    pub(crate) at_least: Option<u64>,
}

/// A campaign's groups, newest first.
#[utoipa::path(get, path = "/campaigns/{id}/groups", tag = "campaigns", params(("id" = String, Path), GroupsQuery), responses((status = 200, description = "Groups", body = List<GroupCard>)))]
pub(crate) async fn groups(
    State(app): Shared,
    Segment(id): Segment<CampaignId>,
    Params(query): Params<GroupsQuery>,
) -> Result<Viewed<List<GroupCard>>> {
    app.reach(query.at_least).await?;
    if app.find(|| app.views.campaign(id)).await?.value.is_none() {
        return Err(unknown());
    }
    group_list(&app, Some(id), &query).await
}

/// Groups of one campaign or of all.
pub(crate) async fn group_list(
    app: &App,
    campaign: Option<CampaignId>,
    query: &GroupsQuery,
) -> Result<Viewed<List<GroupCard>>> {
    let state = match query.state.as_deref() {
        Some(name) => Some(group_state(name).ok_or_else(|| {
            Problem::bad_request(
                "query_invalid",
                "state is open, full, settled, expired, cancelled or void",
            )
        })?),
        None => None,
    };
    let page = page_of(items(query.limit)?, query.cursor.as_deref())?;
    let found = app
        .views
        .groups(GroupFilter { campaign, state }, page)
        .await
        .map_err(store_problem)?;
    let faces = app
        .people
        .faces(found.value.items.iter().map(|row| row.leader))
        .await?;
    let items = found.value.items.iter().map(|row| group_card(row, &faces));
    let next = found.value.next.map(|next| next.to_string());
    Ok(Viewed(
        found.seq,
        List {
            items: items.collect(),
            next,
        },
    ))
}

/// For whom a file is checked.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CheckQuery {
    /// The merchant whose campaign it is to be; the platform's own without it.
    merchant: Option<String>,
}

/// Whether a campaign file could be published here and now, with the printed lines of its worst case either way.
#[utoipa::path(post, path = "/campaigns/check", tag = "campaigns", params(CheckQuery), request_body = Object, responses((status = 200, description = "What the gate says", body = CampaignChecked)))]
pub(crate) async fn check(
    State(app): Shared,
    _: AsOperator,
    Params(query): Params<CheckQuery>,
    write: WriteText,
) -> Result<Json<CampaignChecked>> {
    let wrong = || Problem::bad_request("query_invalid", "merchant is a number");
    let merchant = query
        .merchant
        .map(|text| decimal(&text).map(MerchantId).ok_or_else(wrong));
    checked_for(&app, merchant.transpose()?, &write.text).await
}

/// What the gate says of a file of the platform's own, or of a merchant's.
pub(super) async fn checked_for(
    app: &App,
    merchant: Option<MerchantId>,
    text: &[u8],
) -> Result<Json<CampaignChecked>> {
    let campaign = match read(&installation(app).await?, text) {
        Ok(campaign) => campaign,
        Err(problem) => return Ok(Json(not_ok(problem))),
    };
    let now = app.config.clock.now();
    let command = match merchant {
        Some(merchant) => publication_for(merchant, campaign.clone()),
        None => Command::PublishCampaign {
            campaign: Box::new(campaign.clone()),
        },
    };
    let refusal = app.query(move |world| world.why_not(&command, now));
    let refusal = refusal.await?;
    Ok(Json(checked(&campaign, refusal.as_ref())))
}

/// The publication of a merchant's campaign.
pub(super) fn publication_for(merchant: MerchantId, campaign: Campaign) -> Command {
    Command::Alliance(AllianceCommand::PublishFor {
        merchant,
        campaign: Box::new(campaign),
    })
}

/// Why something is done whose body is a file.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Why {
    /// 1 to 400 bytes.
    reason: Option<String>,
}

/// Publishes a campaign, for ever unchanged. Why stands beside the journal, not in the file.
#[utoipa::path(post, path = "/campaigns", tag = "campaigns", params(Why), request_body = Object, responses((status = 201, description = "It is open for groups", body = Published)))]
pub(crate) async fn publish(
    State(app): Shared,
    operator: AsOperator,
    Params(why): Params<Why>,
    write: WriteText,
) -> Result<(StatusCode, Json<Published>)> {
    let file = schema::parse_json(&write.text).map_err(schema_problem)?;
    let campaign = Box::new(file.resolve(&installation(&app).await?)?);
    let reason = why.reason.unwrap_or_default();
    check_reason(&reason)?;
    let command = Command::PublishCampaign { campaign };
    let reply = app.submit(operator.actor(), write.key, command).await?;
    let id = match reply.answer {
        Answer::Campaign(id) => id,
        Answer::Done
        | Answer::Member(_)
        | Answer::Reserved { .. }
        | Answer::Payment(_)
        | Answer::Withdrawal(_)
        | Answer::Merchant(_)
        | Answer::Store(_)
        | Answer::Sku(_)
        | Answer::Purchase(_)
        | Answer::Counter(_)
        | Answer::Table(_) => {
            return Err(Problem::fault(
                "a publication answered with something else",
                &"no campaign",
            ));
        }
    };
    let hash = app
        .query(move |world| world.campaign(id).map(|campaign| campaign.hash))
        .await?;
    let hash = hash.map(|hash| hash.to_string()).unwrap_or_default();
    let what = ("publish-campaign", id.0, reason);
    note(&app, reply.seq, (operator.id, write.key), what).await?;
    Ok((
        StatusCode::CREATED,
        Json(Published {
            id: id.to_string(),
            hash,
            seq: reply.seq.to_string(),
        }),
    ))
}

/// What campaign files take from this installation today.
pub(super) async fn installation(app: &App) -> Result<Installation> {
    let own = app
        .query(|world| match world.profile() {
            Profile::Seed | Profile::CnDefault => None,
            Profile::Own(own) => Some(own.clone()),
        })
        .await?;
    Ok(Installation {
        own,
        ..app.installation.clone()
    })
}

/// The terms that a file gives here, or what is wrong with it alone.
fn read(
    installation: &Installation,
    text: &[u8],
) -> std::result::Result<Campaign, CampaignProblem> {
    let file: CampaignFile = schema::parse_json(text).map_err(|error| CampaignProblem {
        code: error.code.to_owned(),
        detail: error.message,
        field: Some(error.path).filter(|path| !path.is_empty()),
        nearest: Vec::new(),
    })?;
    file.resolve(installation)
        .map_err(|refusal| problem_of(&refusal))
}

fn not_ok(problem: CampaignProblem) -> CampaignChecked {
    CampaignChecked {
        ok: false,
        solvency: None,
        odds: None,
        problem: Some(problem),
        shortfall: None,
    }
}

fn checked(campaign: &Campaign, refusal: Option<&domain::Refusal>) -> CampaignChecked {
    let Ok(solvency) = domain::solvency(campaign) else {
        return not_ok(problem_of(&domain::Refusal::Overflow));
    };
    let short = match refusal {
        Some(domain::Refusal::NotSolvent(short)) => Some(shortfall(short)),
        Some(_) | None => None,
    };
    CampaignChecked {
        ok: refusal.is_none(),
        solvency: Some(solvency_lines(campaign, &solvency)),
        odds: Some(odds(campaign)),
        problem: refusal.map(problem_of),
        shortfall: short,
    }
}

fn problem_of(refusal: &domain::Refusal) -> CampaignProblem {
    let (mut field, mut nearest) = (None, Vec::new());
    if let domain::Refusal::InvalidCampaign { field: key, .. } = refusal {
        field = Some((*key).to_owned());
    }
    if let domain::Refusal::PromiseForbidden { field: key, .. } = refusal {
        field = Some((*key).to_owned());
    }
    if let domain::Refusal::ProfileForbids { .. } = refusal {
        field = Some("profile".to_owned());
    }
    if let domain::Refusal::UnknownPlan { .. } = refusal {
        field = Some("plan".to_owned());
    }
    if let domain::Refusal::Alliance(domain::AllianceRefusal::MerchantMissing) = refusal {
        field = Some("merchant".to_owned());
    }
    if let domain::Refusal::WinRateNotWhole { nearest: pairs, .. } = refusal {
        field = Some("group.win_rate".to_owned());
        nearest = win_pairs(pairs);
    }
    CampaignProblem {
        code: refusal.code().to_owned(),
        detail: refusal.to_string(),
        field,
        nearest,
    }
}

pub(super) fn schema_problem(error: SchemaError) -> Problem {
    let problem =
        Problem::unprocessable("campaign_file_invalid", error.message).with("reason", error.code);
    if error.path.is_empty() {
        problem
    } else {
        problem.with("field", error.path)
    }
}

pub(super) fn unknown() -> Problem {
    Problem::not_found(CampaignId::UNKNOWN, "there is no such campaign")
}
