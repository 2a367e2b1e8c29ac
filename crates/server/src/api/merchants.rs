//! Applications, merchants and their drafts, as members and operators see them (rules 10.3).

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::{
    AllianceCommand, Answer, CampaignId, Command, IdempotencyKey, MerchantId, OperatorId, Profile,
    Refusal,
};
use schema::Installation;
use views::{Application, Draft, MerchantRow};

use super::approvals::{Acted, Wanted, act, key_from};
use super::campaigns::{Fresh, installation, schema_problem};
use super::standing::{check_reason, decide, note, note_beside};
use crate::app::{App, Shared, Viewed, store_problem};
use crate::auth::{AsFinance, AsMember, AsOperator};
use crate::http::{ApplicationNumber, DraftNumber, Page, Params, Problem, Result, Segment, Write};
use crate::once::{Answered, Holds, once};
use crate::wire::{
    AdmissionAsked, Admitted, ApplicationLine, ApplicationWanted, ApprovalLine, ContractLine,
    ContractWanted, Done, DraftLine, DraftPage, List, MerchantPage, MerchantSummary, Published,
    Reasoned, StoreLine,
};

/// Longest name of a merchant, store or account, and longest contact or address, in characters.
pub(super) const MAX_NAME_CHARS: usize = 64;
const MAX_CONTACT_CHARS: usize = 200;

/// A text of one line, not empty, of at most so many characters.
pub(super) fn check_line(text: &str, most: usize, field: &'static str) -> Result<()> {
    let good = (1..=most).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if good && text.trim() == text {
        return Ok(());
    }
    let detail = format!("{field} has 1 to {most} characters on one line");
    Err(Problem::unprocessable("body_invalid", detail).with("field", field))
}

/// What notices and pages of stores show: no promise either that nobody can keep (rules 11).
pub(super) fn check_names(name: &str, contact: (&'static str, &str)) -> Result<()> {
    for (field, text, most) in [
        ("name", name, MAX_NAME_CHARS),
        (contact.0, contact.1, MAX_CONTACT_CHARS),
    ] {
        check_line(text, most, field)?;
        if let Some(promise) = domain::forbidden_promise(text) {
            return Err(Refusal::PromiseForbidden { field, promise }.into());
        }
    }
    Ok(())
}

fn line(row: Application) -> ApplicationLine {
    ApplicationLine {
        id: row.id.to_string(),
        name: row.name,
        contact: row.contact,
        state: row.state,
        merchant: row.merchant.map(|merchant| merchant.to_string()),
        at: row.at.into(),
        reason: row.reason,
    }
}

/// Applies to become a merchant. A member has one application; again, it replaces one that is not decided, or was declined.
#[utoipa::path(post, path = "/me/merchant-application", tag = "me", request_body = ApplicationWanted, responses((status = 200, description = "Noted", body = ApplicationLine)))]
pub(crate) async fn apply(
    State(app): Shared,
    member: AsMember,
    write: Write<ApplicationWanted>,
) -> Result<Answered> {
    let doing = async {
        let ApplicationWanted { name, contact } = write.body;
        check_names(&name, ("contact", &contact))?;
        let mut token = [0; 16];
        getrandom::fill(&mut token).map_err(|_| Problem::stopped())?;
        let _one = app.approving.lock().await;
        catch_up_with(&app, member.0).await?;
        let directory = app.people.directory();
        let now = app.config.clock.now();
        let id = directory
            .apply_as_merchant(member.0, token, (&name, &contact), now)
            .await
            .map_err(store_problem)?;
        Ok((StatusCode::OK, own_line(known(&app, id).await?)))
    };
    let who = (member.actor(), write.key);
    once(&app, who, Holds::NoSecret, doing).await
}

/// The member's own application.
#[utoipa::path(get, path = "/me/merchant-application", tag = "me", responses((status = 200, description = "It", body = ApplicationLine)))]
pub(crate) async fn my_application(
    State(app): Shared,
    member: AsMember,
) -> Result<Json<ApplicationLine>> {
    let found = app.people.directory().application_of(member.0).await;
    let row = found.map_err(store_problem)?.ok_or_else(no_application)?;
    Ok(Json(own_line(row)))
}

/// An application as the applicant sees it: why he was declined, but not what operators told each other when they admitted him.
fn own_line(mut row: Application) -> ApplicationLine {
    row.reason.take_if(|_| row.state == "admitted");
    line(row)
}

fn no_application() -> Problem {
    Problem::not_found("application_unknown", "there is no such application")
}

async fn known(app: &App, id: u32) -> Result<Application> {
    let found = app.people.directory().application(id).await;
    found.map_err(store_problem)?.ok_or_else(no_application)
}

/// Who this applicant is, if the journal has admitted him.
pub(super) async fn merchant_of_token(app: &App, token: [u8; 16]) -> Result<Option<MerchantId>> {
    let find = move |world: &domain::World| {
        (0..world.merchants()).map(MerchantId).find(|&merchant| {
            let known = world.merchant(merchant);
            known.is_some_and(|known| known.token == token)
        })
    };
    app.query(find).await
}

/// The application; admitted, if the journal has admitted the applicant and a crash has kept the directory from learning it. To be
/// asked while nobody else approves anything.
async fn caught_up(app: &App, id: u32) -> Result<Application> {
    let row = known(app, id).await?;
    if row.state == "admitted" {
        return Ok(row);
    }
    let Some(merchant) = merchant_of_token(app, row.token).await? else {
        return Ok(row);
    };
    let (named, directory) = ((&*row.name, &*row.contact), app.people.directory());
    let admitting = directory.admit_applicant(id, merchant, named, None);
    admitting.await.map_err(store_problem)?;
    known(app, id).await
}

/// As [`caught_up`], before a member's application is replaced or deleted.
pub(super) async fn catch_up_with(app: &App, member: domain::MemberId) -> Result<()> {
    let found = app.people.directory().application_of(member).await;
    if let Some(row) = found.map_err(store_problem)? {
        caught_up(app, row.id).await?;
    }
    Ok(())
}

/// All applications, newest first.
#[utoipa::path(get, path = "/console/merchant-applications", tag = "console", params(Page), responses((status = 200, description = "Applications", body = List<ApplicationLine>)))]
pub(crate) async fn applications(
    State(app): Shared,
    _: AsOperator,
    Params(query): Params<Page>,
) -> Result<Json<List<ApplicationLine>>> {
    let found = app.people.directory().applications(query.of()?).await;
    let found = found.map_err(store_problem)?;
    Ok(Json(List {
        items: found.items.into_iter().map(line).collect(),
        next: found.next.map(|next| next.to_string()),
    }))
}

pub(super) fn terms(wanted: &crate::wire::ContractBody) -> Result<domain::Contract> {
    wanted.terms().ok_or_else(|| {
        let detail = "rates are such as 10%, and cash is platform or store";
        Problem::unprocessable("body_invalid", detail).with("field", "contract")
    })
}

/// Makes an applicant a merchant under a contract.
#[utoipa::path(post, path = "/console/merchant-applications/{id}/admit", tag = "console", params(("id" = String, Path)), request_body = ContractWanted, responses((status = 202, description = "It waits for a second operator", body = ApprovalLine), (status = 200, description = "Admitted; there is no other operator", body = Admitted)))]
pub(crate) async fn admit(
    State(app): Shared,
    operator: AsOperator,
    Segment(ApplicationNumber(id)): Segment<ApplicationNumber>,
    write: Write<ContractWanted>,
) -> Result<Response> {
    let _one = app.approving.lock().await;
    let ContractWanted { contract, reason } = write.body;
    let applicant = applicant(&app, id).await?;
    let body = AdmissionAsked {
        contract,
        reason,
        token: draw::to_hex(&applicant.token),
        name: applicant.name,
        contact: applicant.contact,
    };
    let wanted = Wanted {
        what: "admit-merchant",
        subject: id,
        body: &body,
    };
    let acted = act(&app, operator.id, write.key, wanted).await?;
    let Acted::Done(seq) = acted else {
        return Ok(acted.into_response());
    };
    let merchant = known(&app, id).await?.merchant;
    let merchant = merchant.ok_or_else(|| Problem::fault("an admission was not noted", &id))?;
    let admitted = Admitted {
        merchant: merchant.to_string(),
        seq: seq.to_string(),
    };
    Ok(Json(admitted).into_response())
}

/// An application that can be admitted; one who was declined applies again first.
pub(super) async fn applicant(app: &App, id: u32) -> Result<Application> {
    let application = caught_up(app, id).await?;
    if application.state == "declined" {
        let detail = "it was declined; the applicant can apply again";
        return Err(Problem::conflict("application_decided", detail));
    }
    Ok(application)
}

/// The refusal of deciding anew about who is a merchant.
pub(super) fn admitted_already() -> Problem {
    let detail = "this applicant is a merchant already";
    Problem::conflict("application_decided", detail)
}

/// Declines an application.
#[utoipa::path(post, path = "/console/merchant-applications/{id}/decline", tag = "console", params(("id" = String, Path)), request_body = Reasoned, responses((status = 200, description = "Declined", body = ApplicationLine)))]
pub(crate) async fn decline(
    State(app): Shared,
    operator: AsOperator,
    Segment(ApplicationNumber(id)): Segment<ApplicationNumber>,
    write: Write<Reasoned>,
) -> Result<Answered> {
    let who = (operator.actor(), write.key);
    let doing = declined(&app, (operator.id, write.key), id, write.body.reason);
    once(&app, who, Holds::NoSecret, doing).await
}

async fn declined(
    app: &App,
    by: (OperatorId, IdempotencyKey),
    id: u32,
    reason: String,
) -> Result<(StatusCode, ApplicationLine)> {
    check_reason(&reason)?;
    let _one = app.approving.lock().await;
    if caught_up(app, id).await?.state == "admitted" {
        return Err(admitted_already());
    }
    // Noted first: what is asked again after a crash in between is done then.
    let what = ("decline-application", id, reason.clone());
    note_beside(app, by, what).await?;
    let deciding = app.people.directory().decline_application(id, &reason);
    deciding.await.map_err(store_problem)?;
    Ok((StatusCode::OK, line(known(app, id).await?)))
}

async fn card(app: &App, row: &MerchantRow) -> Result<MerchantSummary> {
    let named = app.people.directory().merchant_name(row.id).await;
    Ok(MerchantSummary {
        id: row.id.to_string(),
        name: named
            .map_err(store_problem)?
            .map_or_else(String::new, |row| row.name),
        suspended: row.suspended,
        admitted_at: row.admitted_at.into(),
    })
}

/// All merchants by number.
#[utoipa::path(get, path = "/console/merchants", tag = "console", params(Page), responses((status = 200, description = "Merchants", body = List<MerchantSummary>)))]
pub(crate) async fn list(
    State(app): Shared,
    _: AsFinance,
    Params(query): Params<Page>,
) -> Result<Viewed<List<MerchantSummary>>> {
    app.reach(query.at_least).await?;
    let found = app
        .views
        .merchants(query.of()?)
        .await
        .map_err(store_problem)?;
    let mut items = Vec::with_capacity(found.value.items.len());
    for row in &found.value.items {
        items.push(card(&app, row).await?);
    }
    let next = found.value.next.map(|next| next.to_string());
    Ok(Viewed(found.seq, List { items, next }))
}

/// Everything about one merchant.
#[utoipa::path(get, path = "/console/merchants/{id}", tag = "console", params(("id" = String, Path), Fresh), responses((status = 200, description = "The merchant", body = MerchantPage)))]
pub(crate) async fn page(
    State(app): Shared,
    _: AsFinance,
    Segment(merchant): Segment<MerchantId>,
    Params(query): Params<Fresh>,
) -> Result<Viewed<MerchantPage>> {
    app.reach(query.at_least).await?;
    page_of(&app, merchant).await
}

pub(super) async fn page_of(app: &App, merchant: MerchantId) -> Result<Viewed<MerchantPage>> {
    let found = app.find(|| app.views.merchant(merchant)).await?;
    let unknown = || Problem::not_found("merchant_unknown", "there is no such merchant");
    let row = found.value.ok_or_else(unknown)?;
    let contracts = app.views.contracts(merchant).await.map_err(store_problem)?;
    let stores = app.views.stores(merchant).await.map_err(store_problem)?;
    let campaigns = app
        .views
        .campaigns_of(merchant)
        .await
        .map_err(store_problem)?;
    let names = app.people.directory().store_names(merchant).await;
    let names = names.map_err(store_problem)?;
    let money = app
        .query(move |world| {
            let stated = world.merchant_stated(merchant);
            (world.merchant_money(merchant), stated)
        })
        .await?;
    let (money, stated) = money;
    let contract = |row: &views::ContractRow| ContractLine {
        version: row.version,
        at: row.at.into(),
        contract: (&row.terms).into(),
    };
    let store = |row: &views::StoreRow| {
        let named = names.iter().find(|named| named.token == row.token);
        StoreLine {
            id: row.id.to_string(),
            name: named.map_or_else(String::new, |named| named.name.clone()),
            address: named.map_or_else(String::new, |named| named.address.clone()),
        }
    };
    let page = MerchantPage {
        card: card(app, &row).await?,
        contracts: contracts.value.iter().map(contract).collect(),
        stores: stores.value.iter().map(store).collect(),
        campaigns: campaigns.value.iter().map(ToString::to_string).collect(),
        payable: money.0.into(),
        stated: stated.into(),
        vesting: money.1.into(),
        owes: money.2.into(),
    };
    Ok(Viewed(found.seq, page))
}

/// Replaces a merchant's contract from now on.
#[utoipa::path(post, path = "/console/merchants/{id}/contract", tag = "console", params(("id" = String, Path)), request_body = ContractWanted, responses((status = 202, description = "It waits for a second operator", body = ApprovalLine), (status = 200, description = "In force; there is no other operator", body = Done)))]
pub(crate) async fn sign(
    State(app): Shared,
    operator: AsOperator,
    Segment(merchant): Segment<MerchantId>,
    write: Write<ContractWanted>,
) -> Result<Acted> {
    let wanted = Wanted {
        what: "contract",
        subject: merchant.0,
        body: &write.body,
    };
    act(&app, operator.id, write.key, wanted).await
}

/// Lets a merchant begin nothing new; open groups go on.
#[utoipa::path(post, path = "/console/merchants/{id}/suspend", tag = "console", params(("id" = String, Path)), request_body = Reasoned, responses((status = 200, description = "Suspended", body = Done)))]
pub(crate) async fn suspend(
    State(app): Shared,
    operator: AsOperator,
    Segment(merchant): Segment<MerchantId>,
    write: Write<Reasoned>,
) -> Result<Json<Done>> {
    let command = Command::Alliance(AllianceCommand::SuspendMerchant { merchant });
    let what = ("suspend", merchant.0, write.body.reason);
    decide(&app, operator.id, (write.key, command), what).await
}

/// Ends that.
#[utoipa::path(post, path = "/console/merchants/{id}/reinstate", tag = "console", params(("id" = String, Path)), request_body = Reasoned, responses((status = 200, description = "As others again", body = Done)))]
pub(crate) async fn reinstate(
    State(app): Shared,
    operator: AsOperator,
    Segment(merchant): Segment<MerchantId>,
    write: Write<Reasoned>,
) -> Result<Json<Done>> {
    let command = Command::Alliance(AllianceCommand::ReinstateMerchant { merchant });
    let what = ("reinstate", merchant.0, write.body.reason);
    decide(&app, operator.id, (write.key, command), what).await
}

pub(super) fn draft_line(row: &Draft) -> DraftLine {
    DraftLine {
        id: row.id.to_string(),
        merchant: row.merchant.to_string(),
        state: row.state.clone(),
        at: row.at.into(),
        campaign: row.campaign.map(|campaign| campaign.to_string()),
        reason: row.reason.clone(),
    }
}

pub(super) async fn draft_list(
    app: &App,
    merchant: Option<MerchantId>,
    query: &Page,
) -> Result<Json<List<DraftLine>>> {
    let found = app.people.directory().drafts(merchant, query.of()?).await;
    let found = found.map_err(store_problem)?;
    Ok(Json(List {
        items: found.items.iter().map(draft_line).collect(),
        next: found.next.map(|next| next.to_string()),
    }))
}

pub(super) async fn draft_of(app: &App, id: u32) -> Result<Draft> {
    let unknown = || Problem::not_found("draft_unknown", "there is no such draft");
    let found = app.people.directory().draft(id).await;
    found.map_err(store_problem)?.ok_or_else(unknown)
}

pub(super) fn draft_page(row: &Draft) -> DraftPage {
    DraftPage {
        line: draft_line(row),
        file: serde_json::from_str(&row.file).unwrap_or_default(),
    }
}

/// All drafts, newest first.
#[utoipa::path(get, path = "/console/drafts", tag = "console", params(Page), responses((status = 200, description = "Drafts", body = List<DraftLine>)))]
pub(crate) async fn drafts(
    State(app): Shared,
    _: AsOperator,
    Params(query): Params<Page>,
) -> Result<Json<List<DraftLine>>> {
    draft_list(&app, None, &query).await
}

/// One draft with its file.
#[utoipa::path(get, path = "/console/drafts/{id}", tag = "console", params(("id" = String, Path)), responses((status = 200, description = "The draft", body = DraftPage)))]
pub(crate) async fn draft(
    State(app): Shared,
    _: AsOperator,
    Segment(DraftNumber(id)): Segment<DraftNumber>,
) -> Result<Json<DraftPage>> {
    Ok(Json(draft_page(&draft_of(&app, id).await?)))
}

fn decided() -> Problem {
    let detail = "this draft is decided already";
    Problem::new(StatusCode::CONFLICT, "draft_decided", detail)
}

/// Publishes a draft for its merchant. Where the same file was published for him already, as when the answer was lost, that is
/// what it became.
#[utoipa::path(post, path = "/console/drafts/{id}/publish", tag = "console", params(("id" = String, Path)), request_body = Reasoned, responses((status = 200, description = "It is open for groups", body = Published)))]
pub(crate) async fn publish(
    State(app): Shared,
    operator: AsOperator,
    Segment(DraftNumber(id)): Segment<DraftNumber>,
    write: Write<Reasoned>,
) -> Result<Json<Published>> {
    let reason = write.body.reason;
    check_reason(&reason)?;
    // One at a time: what is asked for twice at once is found published by the second.
    let _one = app.approving.lock().await;
    let draft = draft_of(&app, id).await?;
    if draft.state == "declined" {
        return Err(decided());
    }
    let merchant = draft.merchant;
    let file = schema::parse_json(draft.file.as_bytes()).map_err(schema_problem)?;
    let campaign = file.resolve(&installation(&app).await?)?;
    let hash = draw::hash(domain::published_file(&campaign).as_bytes());
    let (campaign, seq) = match became(&app, &draft, &file).await? {
        Some(known) => (known, *app.engine.committed().borrow()),
        None => {
            let campaign = Box::new(campaign);
            let command = AllianceCommand::PublishFor { merchant, campaign };
            let command = Command::Alliance(command);
            let key = key_of_draft(&draft);
            let reply = app.submit(operator.actor(), key, command).await?;
            let Answer::Campaign(campaign) = reply.answer else {
                return Err(Problem::fault(
                    "a publication answered with something else",
                    &"no campaign",
                ));
            };
            (campaign, reply.seq)
        }
    };
    let published = move |world: &domain::World| world.campaign(campaign).map(|known| known.hash);
    let hash = app.query(published).await?.unwrap_or(hash);
    // Noted first: what is asked again after a crash in between is noted then.
    if draft.state != "published" || draft.reason.is_none() {
        let what = ("publish-draft", id, reason.clone());
        note(&app, seq, (operator.id, write.key), what).await?;
    }
    let directory = app.people.directory();
    let publishing = directory.publish_draft(id, campaign, Some(&reason));
    publishing.await.map_err(store_problem)?;
    Ok(Json(Published {
        id: campaign.to_string(),
        hash: hash.to_string(),
        seq: seq.to_string(),
    }))
}

/// The campaign that a draft has become, also where a crash has kept the directory from learning it: the one of its merchant that
/// says the same. What an own profile was then, each campaign says itself.
async fn became(
    app: &App,
    draft: &Draft,
    file: &schema::CampaignFile,
) -> Result<Option<CampaignId>> {
    if draft.campaign.is_some() {
        return Ok(draft.campaign);
    }
    let merchant = draft.merchant;
    let his = move |world: &domain::World| {
        let his = (0..world.campaigns()).map(CampaignId);
        let his = his.filter(|&id| world.merchant_of(id) == Some(merchant));
        let known = his.filter_map(|id| world.campaign(id).map(|known| (id, known)));
        known
            .map(|(id, known)| {
                let own = match &known.terms.profile {
                    Profile::Seed | Profile::CnDefault => None,
                    Profile::Own(own) => Some(own.clone()),
                };
                (id, known.hash, own)
            })
            .collect::<Vec<_>>()
    };
    let his = app.query(his).await?;
    let same = his.into_iter().find(|(_, hash, own)| {
        let installation = Installation {
            own: own.clone(),
            ..app.installation.clone()
        };
        let terms = file.resolve(&installation);
        terms.is_ok_and(|terms| draw::hash(domain::published_file(&terms).as_bytes()) == *hash)
    });
    Ok(same.map(|(id, _, _)| id))
}

/// Declines a draft.
#[utoipa::path(post, path = "/console/drafts/{id}/decline", tag = "console", params(("id" = String, Path)), request_body = Reasoned, responses((status = 200, description = "Declined", body = DraftPage)))]
pub(crate) async fn decline_draft(
    State(app): Shared,
    operator: AsOperator,
    Segment(DraftNumber(id)): Segment<DraftNumber>,
    write: Write<Reasoned>,
) -> Result<Answered> {
    let who = (operator.actor(), write.key);
    let doing = declined_draft(&app, (operator.id, write.key), id, write.body.reason);
    once(&app, who, Holds::NoSecret, doing).await
}

async fn declined_draft(
    app: &App,
    by: (OperatorId, IdempotencyKey),
    id: u32,
    reason: String,
) -> Result<(StatusCode, DraftPage)> {
    check_reason(&reason)?;
    let _one = app.approving.lock().await;
    let draft = draft_of(app, id).await?;
    if draft.state == "published" {
        return Err(decided());
    }
    let file = schema::parse_json(draft.file.as_bytes());
    let stands = match file {
        Ok(file) => became(app, &draft, &file).await?,
        // Nothing can have become of what cannot be read.
        Err(_) => None,
    };
    let directory = app.people.directory();
    if let Some(campaign) = stands
        && !directory
            .is_a_drafts(campaign)
            .await
            .map_err(store_problem)?
    {
        let publishing = directory.publish_draft(id, campaign, None);
        publishing.await.map_err(store_problem)?;
        return Err(decided());
    }
    let what = ("decline-draft", id, reason.clone());
    note_beside(app, by, what).await?;
    let declining = directory.decline_draft(id, &reason);
    declining.await.map_err(store_problem)?;
    Ok((StatusCode::OK, draft_page(&draft_of(app, id).await?)))
}

/// One draft is one campaign for ever, whoever publishes it and how often. No client's key begins so.
fn key_of_draft(draft: &Draft) -> IdempotencyKey {
    let text = format!("\0draft {}", draft.id);
    key_from(text.as_bytes(), draft.file.as_bytes())
}
