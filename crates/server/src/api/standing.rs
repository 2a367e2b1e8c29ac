//! Regions, plans, ranks, agents and freezing (rules 3).

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use domain::{
    Actor, Answer, Command, GatewayId, IdempotencyKey, MemberId, OperatorId, PlanTerms, Region,
    regions,
};
use engine::Reply;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use utoipa::IntoParams;
use views::{Decision, RefusalFilter, RefusalNote};

use super::approvals::{Acted, Wanted, act};
use super::campaigns::Fresh;
use crate::app::{App, Shared, Viewed, store_problem};
use crate::auth::{AsFinance, AsMember, AsOperator};
use crate::http::{Page, Params, Problem, Result, Segment, Write, decimal, items, page_of};
use crate::present::masked;
use crate::wire::{
    AgentLine, AgentWanted, ApprovalLine, DecisionLine, Done, List, PlanBody, PlanLine, Plans,
    RankWanted, Reasoned, RefusalLine, RegionName, RegionWanted, Regions,
};

/// The table of regions changes with the program only.
const KEPT_A_DAY: &str = "public, max-age=86400";

/// Every region there is, with its Chinese name.
#[utoipa::path(get, path = "/regions", tag = "platform", responses((status = 200, description = "Regions", body = Regions)))]
pub(crate) async fn all_regions() -> impl IntoResponse {
    let items = regions().iter().map(|&(region, name)| RegionName {
        code: region.to_string(),
        name,
    });
    let items = items.collect();
    (
        [(header::CACHE_CONTROL, KEPT_A_DAY)],
        Json(Regions { items }),
    )
}

/// Says where the member lives; it can be changed again 90 days later.
#[utoipa::path(post, path = "/me/region", tag = "me", request_body = RegionWanted, responses((status = 200, description = "Declared", body = Done)))]
pub(crate) async fn declare(
    State(app): Shared,
    member: AsMember,
    write: Write<RegionWanted>,
) -> Result<Json<Done>> {
    let command = Command::DeclareRegion {
        member: member.0,
        region: region(&write.body.region)?,
    };
    let reply = app.submit(member.actor(), write.key, command).await?;
    Ok(Done::at(reply.seq))
}

pub(super) fn region(code: &str) -> Result<Region> {
    code.parse().map_err(|_| {
        let detail = "region is a code of six digits, such as 330106";
        Problem::unprocessable("body_invalid", detail).with("field", "region")
    })
}

/// Freezes a member: he begins nothing, counts as an upline and agent, and is not paid as one.
#[utoipa::path(post, path = "/console/members/{id}/freeze", tag = "console", params(("id" = String, Path)), request_body = Reasoned, responses((status = 200, description = "Frozen", body = Done)))]
pub(crate) async fn freeze(
    State(app): Shared,
    operator: AsOperator,
    Segment(member): Segment<MemberId>,
    write: Write<Reasoned>,
) -> Result<Json<Done>> {
    let (key, reason) = (write.key, write.body.reason);
    let command = Command::FreezeMember { member };
    decide(
        &app,
        operator.id,
        (key, command),
        ("freeze", member.0, reason),
    )
    .await
}

/// Ends that.
#[utoipa::path(post, path = "/console/members/{id}/unfreeze", tag = "console", params(("id" = String, Path)), request_body = Reasoned, responses((status = 200, description = "Not frozen any more", body = Done)))]
pub(crate) async fn unfreeze(
    State(app): Shared,
    operator: AsOperator,
    Segment(member): Segment<MemberId>,
    write: Write<Reasoned>,
) -> Result<Json<Done>> {
    let (key, reason) = (write.key, write.body.reason);
    let command = Command::UnfreezeMember { member };
    decide(
        &app,
        operator.id,
        (key, command),
        ("unfreeze", member.0, reason),
    )
    .await
}

/// Sets a member's rank by a plan, or has it counted again.
#[utoipa::path(post, path = "/console/members/{id}/rank", tag = "console", params(("id" = String, Path)), request_body = RankWanted, responses((status = 202, description = "It waits for a second operator", body = ApprovalLine), (status = 200, description = "Set; there is no other operator", body = Done)))]
pub(crate) async fn set_rank(
    State(app): Shared,
    operator: AsOperator,
    Segment(member): Segment<MemberId>,
    write: Write<RankWanted>,
) -> Result<Acted> {
    let mut body = write.body;
    if body.plan.is_none() {
        body.plan = Some(app.query(domain::World::newest_plan).await?);
    }
    let wanted = Wanted {
        what: "rank",
        subject: member.0,
        body: &body,
    };
    act(&app, operator.id, write.key, wanted).await
}

/// All agents, by region.
#[utoipa::path(get, path = "/console/agents", tag = "console", params(Page), responses((status = 200, description = "Agents", body = List<AgentLine>)))]
pub(crate) async fn agents(
    State(app): Shared,
    _: AsOperator,
    Params(query): Params<Page>,
) -> Result<Viewed<List<AgentLine>>> {
    app.reach(query.at_least).await?;
    let found = app.views.agents(query.of()?).await.map_err(store_problem)?;
    let rows = found.value.items;
    let faces = app.people.faces(rows.iter().map(|row| row.member)).await?;
    let line = |row: views::AgentRow| AgentLine {
        region: row.region.into(),
        member: row.member.to_string(),
        member_masked: masked(&faces, row.member),
        since: row.since.into(),
    };
    let next = found.value.next.map(|next| next.to_string());
    let items = rows.into_iter().map(line).collect();
    Ok(Viewed(found.seq, List { items, next }))
}

/// Makes a member the agent of a region that has none.
#[utoipa::path(post, path = "/console/agents", tag = "console", request_body = AgentWanted, responses((status = 202, description = "It waits for a second operator", body = ApprovalLine), (status = 200, description = "Appointed; there is no other operator", body = Done)))]
pub(crate) async fn appoint(
    State(app): Shared,
    operator: AsOperator,
    write: Write<AgentWanted>,
) -> Result<Acted> {
    let member: Option<u32> = decimal(&write.body.member);
    let subject = member.ok_or_else(|| {
        Problem::unprocessable("body_invalid", "member is a number").with("field", "member")
    })?;
    let wanted = Wanted {
        what: "appoint",
        subject,
        body: &write.body,
    };
    act(&app, operator.id, write.key, wanted).await
}

/// Leaves a region without an agent.
#[utoipa::path(post, path = "/console/agents/{region}/dismiss", tag = "console", params(("region" = String, Path)), request_body = Reasoned, responses((status = 202, description = "It waits for a second operator", body = ApprovalLine), (status = 200, description = "Dismissed; there is no other operator", body = Done)))]
pub(crate) async fn dismiss(
    State(app): Shared,
    operator: AsOperator,
    Segment(region): Segment<Region>,
    write: Write<Reasoned>,
) -> Result<Acted> {
    let wanted = Wanted {
        what: "dismiss",
        subject: region.code(),
        body: &write.body,
    };
    act(&app, operator.id, write.key, wanted).await
}

/// All plans, the newest first.
#[utoipa::path(get, path = "/console/plans", tag = "console", params(Fresh), responses((status = 200, description = "Plans", body = Plans)))]
pub(crate) async fn plans(
    State(app): Shared,
    _: AsOperator,
    Params(query): Params<Fresh>,
) -> Result<Viewed<Plans>> {
    app.reach(query.at_least).await?;
    let found = app.views.plans().await.map_err(store_problem)?;
    let line = |row: &views::PlanRow| PlanLine {
        plan: row.plan,
        published_at: Some(row.published_at.into()),
        terms: (&row.terms).into(),
    };
    let first = PlanLine {
        plan: 1,
        published_at: None,
        terms: PlanTerms::first().into(),
    };
    let items = found.value.iter().map(line).chain([first]).collect();
    Ok(Viewed(found.seq, Plans { items }))
}

/// Publishes one more plan, for ever unchanged. Ranks by it are counted at once.
#[utoipa::path(post, path = "/console/plans", tag = "console", request_body = PlanBody, responses((status = 202, description = "It waits for a second operator", body = ApprovalLine), (status = 200, description = "Published; there is no other operator", body = Done)))]
pub(crate) async fn publish_plan(
    State(app): Shared,
    operator: AsOperator,
    write: Write<PlanBody>,
) -> Result<Acted> {
    let wanted = Wanted {
        what: "plan",
        subject: 0,
        body: &write.body,
    };
    act(&app, operator.id, write.key, wanted).await
}

/// What operators have decided about members and agents, and why, newest first.
#[utoipa::path(get, path = "/console/decisions", tag = "console", params(Page), responses((status = 200, description = "Decisions", body = List<DecisionLine>)))]
pub(crate) async fn decisions(
    State(app): Shared,
    _: AsFinance,
    Params(query): Params<Page>,
) -> Result<Json<List<DecisionLine>>> {
    app.reach(query.at_least).await?;
    let found = app.people.decisions(query.of()?).await?;
    let line = |row: Decision| DecisionLine {
        seq: row.seq.to_string(),
        at: row.at.into(),
        operator: decider(row.operator),
        what: row.what,
        subject: row.subject.to_string(),
        reason: row.reason,
    };
    Ok(Json(List {
        items: found.items.into_iter().map(line).collect(),
        next: found.next.map(|next| next.to_string()),
    }))
}

/// The number of an operator, or `shell` for what was done on the machine itself.
fn decider(operator: OperatorId) -> String {
    if operator == views::SHELL {
        "shell".to_owned()
    } else {
        operator.to_string()
    }
}

/// Which refusals.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RefusalsQuery {
    /// The rule that refused, by its stable code; all without it.
    rule: Option<String>,
    /// Who was told no: `member`, `staff`, `gateway`, with `id`, or `system` or `nobody`; everybody without it.
    who: Option<String>,
    /// His number.
    id: Option<String>,
    /// Most items, 1 to 100; 20 without it.
    limit: Option<u32>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// Answer from a state that holds at least this sequence.
    at_least: Option<u64>,
}

impl RefusalsQuery {
    fn filter(&self) -> Result<RefusalFilter> {
        let wrong = || {
            let detail =
                "who is member, staff or gateway, with id as a number, or system or nobody";
            Problem::bad_request("query_invalid", detail)
        };
        let id: Option<u32> = match self.id.as_deref() {
            Some(text) => Some(decimal(text).ok_or_else(wrong)?),
            None => None,
        };
        let who = match (self.who.as_deref(), id) {
            (None, None) => None,
            (Some("member"), Some(id)) => Some(Some(Actor::Member(MemberId(id)))),
            (Some("staff"), Some(id)) => Some(Some(Actor::Operator(OperatorId(id)))),
            (Some("gateway"), Some(id)) => Some(Some(Actor::Gateway(GatewayId(id)))),
            (Some("system"), None) => Some(Some(Actor::System)),
            (Some("nobody"), None) => Some(None),
            (_, _) => return Err(wrong()),
        };
        Ok(RefusalFilter {
            code: self.rule.clone(),
            who,
        })
    }
}

/// What was refused to whom, and by which rule, newest first: requests, items of gateways' batches, and payments that went back.
#[utoipa::path(get, path = "/console/refusals", tag = "console", params(RefusalsQuery), responses((status = 200, description = "Refusals", body = List<RefusalLine>)))]
pub(crate) async fn refusals(
    State(app): Shared,
    _: AsFinance,
    Params(query): Params<RefusalsQuery>,
) -> Result<Json<List<RefusalLine>>> {
    app.reach(query.at_least).await?;
    let page = page_of(items(query.limit)?, query.cursor.as_deref())?;
    let filter = query.filter()?;
    let found = app.people.directory().refusals(&filter, page).await;
    let found = found.map_err(store_problem)?;
    Ok(Json(List {
        items: found.items.into_iter().map(refusal_line).collect(),
        next: found.next.map(|next| next.to_string()),
    }))
}

fn refusal_line(note: RefusalNote) -> RefusalLine {
    let (who, id) = match note.who {
        None => ("nobody", None),
        Some(Actor::System) => ("system", None),
        Some(Actor::Member(member)) => ("member", Some(member.to_string())),
        Some(Actor::Operator(operator)) => ("staff", Some(operator.to_string())),
        Some(Actor::Gateway(gateway)) => ("gateway", Some(gateway.to_string())),
    };
    RefusalLine {
        at: note.at.into(),
        who,
        id,
        rule: note.code,
        detail: note.detail,
        times: note.times,
    }
}

/// A reason is a short text of one line.
pub(super) fn check_reason(reason: &str) -> Result<()> {
    if reason.trim().is_empty()
        || views::MAX_NOTE_BYTES < reason.len()
        || reason.chars().any(char::is_control)
    {
        let detail = format!(
            "reason has 1 to {} bytes and no line breaks",
            views::MAX_NOTE_BYTES
        );
        return Err(Problem::unprocessable("body_invalid", detail).with("field", "reason"));
    }
    Ok(())
}

/// Submits what an operator has decided, and notes why. The journal has the decision and who made it; the reason may name
/// persons, so it stands beside it, by the record's number.
pub(super) async fn decide(
    app: &App,
    operator: OperatorId,
    (key, command): (IdempotencyKey, Command),
    (what, subject, reason): (&'static str, u32, String),
) -> Result<Json<Done>> {
    let about = |_: &Answer| subject;
    let reply = decide_about(app, (operator, key), command, (what, reason), about).await?;
    Ok(Done::at(reply.seq))
}

/// The same about what has its number only with the answer.
pub(super) async fn decide_about(
    app: &App,
    (operator, key): (OperatorId, IdempotencyKey),
    command: Command,
    (what, reason): (&'static str, String),
    subject: impl FnOnce(&Answer) -> u32,
) -> Result<Reply> {
    check_reason(&reason)?;
    let reply = app.submit(Actor::Operator(operator), key, command).await?;
    let about = (what, subject(&reply.answer), reason);
    note(app, reply.seq, (operator, key), about).await?;
    Ok(reply)
}

/// The reason that was given, or what stands for it where nobody has to give one.
pub(super) fn reason_or(given: Option<String>, otherwise: &str) -> Result<String> {
    let reason = given.unwrap_or_else(|| otherwise.to_owned());
    check_reason(&reason)?;
    Ok(reason)
}

/// Notes what an operator has decided, and why, beside the record that has it. Asked again under the same key, it was noted then.
pub(super) async fn note(
    app: &App,
    seq: u64,
    (operator, key): (OperatorId, IdempotencyKey),
    (what, subject, reason): (&str, u32, String),
) -> Result<()> {
    let decision = Decision {
        seq,
        at: app.config.clock.now(),
        operator,
        what: what.to_owned(),
        subject,
        reason,
    };
    let request = request_of(operator, &key);
    app.people.note_decision(&request, &decision).await
}

/// Notes a decision about what the journal does not have: it stands where the journal was then.
pub(super) async fn note_beside(
    app: &App,
    by: (OperatorId, IdempotencyKey),
    what: (&str, u32, String),
) -> Result<()> {
    let seq = *app.engine.committed().borrow();
    note(app, seq, by, what).await
}

/// Names a request of the staff: who asks, under which key, for what.
fn request_of(operator: OperatorId, key: &IdempotencyKey) -> [u8; 32] {
    let mut request = Sha256::new();
    request.update(operator.0.to_be_bytes());
    request.update(key.key);
    request.update(key.content);
    request.finalize().into()
}
