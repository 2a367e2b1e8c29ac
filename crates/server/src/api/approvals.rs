//! What moves money or changes plans, limits and contracts waits for a second operator (rules 11): one asks and says why, another one
//! approves or declines; of what moves money that may be finance. Where there is nobody else, nobody could approve: he acts
//! alone, and the list of decisions shows that nobody else did.
//!
//! Why the body is kept as it was asked for: what is approved is what was read, by the same code, and nothing in between.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::{
    Actor, AllianceCommand, Answer, Command, CounterId, GroupId, IdempotencyKey, MemberId,
    MerchantId, Millis, Money, OperatorId, Profile, Refusal, StatementId, Transfer,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use views::{Approval, Asked, Second};

use super::campaigns::schema_problem;
use super::merchants::{admitted_already, applicant, merchant_of_token, terms};
use super::operators::{self, REMOVE_OPERATOR, Removal, not_himself};
use super::reports::day_start;
use super::staff::{self, ADD_STAFF, AccountDeed, STAFF_PASSWORD};
use super::standing::{check_reason, note, region as region_of};
use crate::app::{App, Shared, store_problem};
use crate::auth::{AsFinance, not_yours};
use crate::http::{ApprovalNumber, Page, Params, Problem, Result, Segment, Write, decimal};
use crate::people::{FINANCE_ROLE, OPERATOR_ROLE};
use crate::wire::{
    AdmissionAsked, AgentWanted, ApprovalLine, Capital, ClawbackWanted, ContractWanted,
    CounterRefundAsked, Done, List, MerchantTransferWanted, PlanBody, ProfileWanted, RankWanted,
    Reasoned, SecondLine, TransferWanted,
};

/// How long something may wait for a second operator. What he approves late, he would approve without knowing why.
const OPEN_DAYS: i64 = 7;

/// How long after its approval something that was not finished may be tried again: the domain knows its key for a day.
const UNFINISHED_HOURS: i64 = 23;

/// What became of what an operator asked for.
pub(super) enum Acted {
    /// It is done.
    Done(u64),
    /// It waits for a second operator.
    Waits(Box<Approval>),
}

impl IntoResponse for Acted {
    fn into_response(self) -> Response {
        match self {
            Acted::Done(seq) => Done::at(seq).into_response(),
            Acted::Waits(approval) => (StatusCode::ACCEPTED, Json(line(*approval))).into_response(),
        }
    }
}

/// What an operator asks for.
pub(super) struct Wanted<'a, B> {
    /// What, as it is kept.
    pub(super) what: &'static str,
    /// About which member; 0 where it is about nobody.
    pub(super) subject: u32,
    /// The request's body.
    pub(super) body: &'a B,
}

/// What a kept request asks for.
enum Deed {
    /// A command.
    Journal(Command),
    /// An account, of which only the directory knows.
    Account(AccountDeed),
    /// The end of an operator's account, or of somebody's of finance.
    Removal(Removal),
}

/// Does it if there is no other operator, or it is done already, else keeps it until one approves. What would be refused today is
/// refused to who asks, and waits for nobody.
pub(super) async fn act<B: Serialize>(
    app: &Arc<App>,
    operator: OperatorId,
    key: IdempotencyKey,
    wanted: Wanted<'_, B>,
) -> Result<Acted> {
    let body = serde_json::to_string(wanted.body)
        .map_err(|error| Problem::fault("a body cannot be kept", &error))?;
    let (deed, reason) = read(app, wanted.what, wanted.subject, &body).await?;
    let asker = Actor::Operator(operator);
    // The engine knows nothing of accounts: what it remembers under this key was something else, and is refused here.
    let is_known = is_remembered(app, asker, key).await?;
    let is_done = is_known && matches!(deed, Deed::Journal(_));
    if is_done || is_alone(app, wanted.what).await? {
        if !is_done {
            not_admitted(app, &deed).await?;
        }
        let Performed {
            seq,
            subject,
            answer,
        } = perform(app, (operator, key), wanted.subject, deed).await?;
        finish(app, (wanted.what, subject, &body), answer).await?;
        note(app, seq, (operator, key), (wanted.what, subject, reason)).await?;
        return Ok(Acted::Done(seq));
    }
    let mut request = Sha256::new();
    request.update(operator.0.to_be_bytes());
    request.update(key.key);
    let asked = Asked {
        what: wanted.what.to_owned(),
        subject: wanted.subject,
        body,
        request: request.finalize().into(),
        operator,
        reason,
    };
    let directory = app.people.directory();
    let known = directory.approval_of_request(&asked.request).await;
    let approval = match known.map_err(store_problem)? {
        Some(known) => known,
        None => {
            could_pass(app, deed).await?;
            let asking = directory.ask_approval(&asked, app.config.clock.now()).await;
            asking.map_err(store_problem)?
        }
    };
    if !is_same(&approval.asked, &asked) {
        return Err(Refusal::KeyReused.into());
    }
    Ok(Acted::Waits(Box::new(approval)))
}

/// Refuses the admission of who is a merchant already: the engine would answer who he is, and nobody would have this contract.
async fn not_admitted(app: &App, deed: &Deed) -> Result<()> {
    let Deed::Journal(Command::Alliance(AllianceCommand::AdmitMerchant { token, .. })) = deed
    else {
        return Ok(());
    };
    match merchant_of_token(app, *token).await? {
        Some(_) => Err(admitted_already()),
        None => Ok(()),
    }
}

/// Refuses what the rules refuse as things stand.
async fn could_pass(app: &App, deed: Deed) -> Result<()> {
    not_admitted(app, &deed).await?;
    let Deed::Journal(command) = deed else {
        return Ok(());
    };
    let now = app.config.clock.now();
    let refusal = app.query(move |world| world.why_not(&command, now));
    match refusal.await? {
        Some(refusal) => Err(refusal.into()),
        None => Ok(()),
    }
}

/// Whether nobody else could approve it.
async fn is_alone(app: &App, what: &str) -> Result<bool> {
    let directory = app.people.directory();
    let operators = directory.staff_of(OPERATOR_ROLE).await;
    let operators = operators.map_err(store_problem)?;
    let finance = if is_of_finance(what) {
        let finance = directory.staff_of(FINANCE_ROLE).await;
        finance.map_err(store_problem)?
    } else {
        0
    };
    Ok(operators.saturating_add(finance) < 2)
}

/// Whether the same was asked for. A password is hashed with another salt each time, and may be another one by now: of an account
/// the rest is compared.
fn is_same(known: &Asked, asked: &Asked) -> bool {
    if !is_of_account(&asked.what) {
        return known == asked;
    }
    let body = |asked: &Asked| without_password(&asked.body);
    let head = |asked: &Asked| (asked.what.clone(), asked.subject, asked.reason.clone());
    body(known) == body(asked) && head(known) == head(asked)
}

fn is_of_account(what: &str) -> bool {
    matches!(what, ADD_STAFF | STAFF_PASSWORD | REMOVE_OPERATOR)
}

/// A body without passwords' hashes.
fn without_password(body: &str) -> serde_json::Value {
    let mut body: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    if let Some(fields) = body.as_object_mut() {
        fields.remove("password_hash");
        fields.remove("before");
    }
    body
}

/// Whether finance may decide about it: what moves money, but not the rules by which it moves, nor who has a say in it.
fn is_of_finance(what: &str) -> bool {
    !matches!(
        what,
        "plan" | "profile" | "contract" | "admit-merchant" | "rank" | "appoint" | "dismiss"
    ) && !is_of_account(what)
}

/// What was done.
struct Performed {
    /// Where the journal stood then.
    seq: u64,
    /// About whom it was.
    subject: u32,
    /// What the engine said, if it was asked.
    answer: Option<Answer>,
}

/// Does what was asked for. What errs as a refusal or as busy was not done.
async fn perform(
    app: &App,
    (asker, key): (OperatorId, IdempotencyKey),
    subject: u32,
    deed: Deed,
) -> Result<Performed> {
    match deed {
        Deed::Journal(command) => {
            let reply = app.submit(Actor::Operator(asker), key, command).await?;
            Ok(Performed {
                seq: reply.seq,
                subject,
                answer: Some(reply.answer),
            })
        }
        Deed::Account(account) => {
            let account = staff::perform(app, account).await?;
            Ok(Performed {
                seq: *app.engine.committed().borrow(),
                subject: account.0,
                answer: None,
            })
        }
        Deed::Removal(removal) => {
            operators::perform(app, &removal).await?;
            Ok(Performed {
                seq: *app.engine.committed().borrow(),
                subject: removal.id.0,
                answer: None,
            })
        }
    }
}

/// What stands in the directory of what was done. Done again, as after a crash in between, it changes nothing.
async fn finish(
    app: &App,
    (what, subject, body): (&str, u32, &str),
    answer: Option<Answer>,
) -> Result<()> {
    if what == "admit-merchant"
        && let Some(Answer::Merchant(merchant)) = answer
    {
        let asked: AdmissionAsked = parsed(body)?;
        let (named, directory) = ((&*asked.name, &*asked.contact), app.people.directory());
        let reason = Some(&*asked.reason);
        let admitting = directory.admit_applicant(subject, merchant, named, reason);
        admitting.await.map_err(store_problem)?;
    }
    Ok(())
}

/// Whether the engine still knows that this was done: telling it again has no second effect. Refuses a key that did something else.
async fn is_remembered(app: &App, actor: Actor, key: IdempotencyKey) -> Result<bool> {
    let now = app.config.clock.now();
    let known = app.query(move |world| world.is_remembered(actor, &key, now));
    Ok(known.await??)
}

/// Whether the engine surely knows if this was done: it is done, or nothing that the asker did since then is forgotten.
async fn is_certain(app: &App, approval: &Approval, begun: Millis) -> Result<bool> {
    let (asker, key, now) = (
        approval.asked.operator,
        key_of(approval),
        app.config.clock.now(),
    );
    let ask = move |world: &domain::World| {
        let known = world.is_remembered(Actor::Operator(asker), &key, now)?;
        Ok::<bool, Refusal>(known || world.remembers_all_since(asker, begun, now))
    };
    Ok(app.query(ask).await??)
}

/// What a kept request asks of the platform, and why. The same when it is asked for and when it is approved.
async fn read(app: &App, what: &str, subject: u32, body: &str) -> Result<(Deed, String)> {
    let (command, reason) = match what {
        ADD_STAFF => {
            let (account, reason) = staff::adding(app, MerchantId(subject), parsed(body)?).await?;
            return Ok((Deed::Account(account), reason));
        }
        STAFF_PASSWORD => {
            let (account, reason) =
                staff::changing(app, OperatorId(subject), parsed(body)?).await?;
            return Ok((Deed::Account(account), reason));
        }
        REMOVE_OPERATOR => {
            let (removal, reason) =
                operators::removing(app, OperatorId(subject), parsed(body)?).await?;
            return Ok((Deed::Removal(removal), reason));
        }
        "rank" | "appoint" | "dismiss" => of_standing(what, subject, body)?,
        "admit-merchant" => admission(app, subject, parsed(body)?).await?,
        _ => command_of(what, subject, body)?,
    };
    Ok((Deed::Journal(command), reason))
}

/// A member's rank, or who is the agent of a region: they decide who gets differentials, dividends and the regions' rewards.
fn of_standing(what: &str, subject: u32, body: &str) -> Result<(Command, String)> {
    let member = MemberId(subject);
    let (command, reason) = match what {
        "rank" => {
            let RankWanted { rank, plan, reason } = parsed(body)?;
            // Which plan was the newest when it was asked for, the endpoint says.
            let plan = plan.unwrap_or_default();
            (Command::SetRank { member, plan, rank }, reason)
        }
        "appoint" => {
            let AgentWanted { region, reason, .. } = parsed(body)?;
            let region = region_of(&region)?;
            (Command::AppointAgent { region, member }, reason)
        }
        _ => {
            let Reasoned { reason } = parsed(body)?;
            let region = region_of(&format!("{subject:06}"))?;
            (Command::DismissAgent { region }, reason)
        }
    };
    check_reason(&reason)?;
    Ok((command, reason))
}

fn command_of(what: &str, subject: u32, body: &str) -> Result<(Command, String)> {
    match what {
        "capital" => {
            let Capital { amount, reason } = parsed(body)?;
            check_reason(&reason)?;
            let amount = Money(amount.0);
            Ok((Command::DepositCapital { amount }, reason))
        }
        "tax" => {
            let Capital { amount, reason } = parsed(body)?;
            check_reason(&reason)?;
            let amount = Money(amount.0);
            Ok((Command::PayTax { amount }, reason))
        }
        "suppliers" => {
            let Capital { amount, reason } = parsed(body)?;
            check_reason(&reason)?;
            let amount = Money(amount.0);
            Ok((Command::PaySuppliers { amount }, reason))
        }
        "contract" => {
            let ContractWanted { contract, reason } = parsed(body)?;
            check_reason(&reason)?;
            let (merchant, contract) = (MerchantId(subject), terms(&contract)?);
            let command = AllianceCommand::SignContract { merchant, contract };
            Ok((Command::Alliance(command), reason))
        }
        "clawback" => {
            let ClawbackWanted {
                amount,
                group,
                reason,
            } = parsed(body)?;
            check_reason(&reason)?;
            let group = group.as_deref().map(|text| {
                decimal(text).map(GroupId).ok_or_else(|| {
                    let problem = Problem::unprocessable("body_invalid", "group is a number");
                    problem.with("field", "group")
                })
            });
            let command = Command::ClawBack {
                member: MemberId(subject),
                amount: Money(amount.0),
                group: group.transpose()?,
            };
            Ok((command, reason))
        }
        "refund-counter" => counter_refund(body),
        "statement-confirm" | "statement-paid" => statement(what, StatementId(subject), body),
        "merchant-paid" => merchant_paid(MerchantId(subject), body),
        "plan" => {
            let mut plan: PlanBody = parsed(body)?;
            let reason = plan.reason.take().unwrap_or_default();
            check_reason(&reason)?;
            let terms = plan.terms().ok_or_else(|| {
                let detail = "VIP levels go by vip_by_invitees or by vip_by_kept_sales";
                Problem::unprocessable("body_invalid", detail).with("field", "vip_by_invitees")
            })?;
            let terms = Box::new(terms);
            Ok((Command::PublishPlan { terms }, reason))
        }
        "profile" => {
            let wanted: ProfileWanted = parsed(body)?;
            check_reason(&wanted.reason)?;
            let profile = Box::new(profile(&wanted)?);
            Ok((Command::AdoptProfile { profile }, wanted.reason))
        }
        _ => Err(Problem::fault("nobody knows how to do this", &what)),
    }
}

/// A contract with an applicant, who becomes a merchant by it: with the one who was looked at, under the name that was looked at.
async fn admission(
    app: &App,
    application: u32,
    asked: AdmissionAsked,
) -> Result<(Command, String)> {
    check_reason(&asked.reason)?;
    let contract = terms(&asked.contract)?;
    let found = applicant(app, application).await?;
    let token = found.token;
    let now = (draw::to_hex(&token), found.name, found.contact);
    if now != (asked.token, asked.name, asked.contact) {
        return Err(Problem::conflict(
            "application_changed",
            "the applicant has changed the application since: look at it again, and ask for it anew",
        ));
    }
    let command = AllianceCommand::AdmitMerchant { token, contract };
    Ok((Command::Alliance(command), asked.reason))
}

/// An operator's refund of a payment at a counter.
fn counter_refund(body: &str) -> Result<(Command, String)> {
    let CounterRefundAsked { counter, reason } = parsed(body)?;
    check_reason(&reason)?;
    let wrong = || Problem::fault("a kept payment has no number", &counter);
    let counter = decimal(&counter).map(CounterId).ok_or_else(wrong)?;
    let command = AllianceCommand::RefundCounter { counter };
    Ok((Command::Alliance(command), reason))
}

/// Confirming a statement, or noting that it was paid.
fn statement(what: &str, statement: StatementId, body: &str) -> Result<(Command, String)> {
    if what == "statement-confirm" {
        let Reasoned { reason } = parsed(body)?;
        check_reason(&reason)?;
        let command = AllianceCommand::ConfirmStatement { statement };
        return Ok((Command::Alliance(command), reason));
    }
    let TransferWanted {
        reference,
        on,
        reason,
    } = parsed(body)?;
    check_reason(&reason)?;
    let command = AllianceCommand::PayStatement {
        statement,
        transfer: transfer(reference, &on)?,
    };
    Ok((Command::Alliance(command), reason))
}

/// Noting that a merchant has paid something of what he owes.
fn merchant_paid(merchant: MerchantId, body: &str) -> Result<(Command, String)> {
    let MerchantTransferWanted {
        amount,
        reference,
        on,
        reason,
    } = parsed(body)?;
    check_reason(&reason)?;
    let command = AllianceCommand::NoteMerchantPaid {
        merchant,
        amount: Money(amount.0),
        transfer: transfer(reference, &on)?,
    };
    Ok((Command::Alliance(command), reason))
}

fn transfer(reference: String, on: &str) -> Result<Transfer> {
    let wrong = || {
        let detail = "on is a day such as 2026-11-01";
        Problem::unprocessable("body_invalid", detail).with("field", "on")
    };
    let on = day_start(on).ok_or_else(wrong)?;
    Ok(Transfer { reference, on })
}

fn parsed<B: DeserializeOwned>(body: &str) -> Result<B> {
    // An earlier program may have kept it, and asked for less.
    serde_json::from_str(body).map_err(|_| {
        Problem::conflict(
            "approval_over",
            "it was asked for in a form that is not read any more: ask for it anew",
        )
    })
}

fn profile(wanted: &ProfileWanted) -> Result<Profile> {
    match (wanted.profile.as_str(), &wanted.file) {
        ("seed", None) => Ok(Profile::Seed),
        ("cn-default", None) => Ok(Profile::CnDefault),
        ("own", Some(text)) => {
            let own = schema::parse_profile_toml(text).map_err(schema_problem)?;
            Ok(Profile::Own(Box::new(own)))
        }
        _ => {
            let detail = "profile is seed or cn-default, or own with its file";
            Err(Problem::unprocessable("body_invalid", detail).with("field", "profile"))
        }
    }
}

/// What operators have asked for, newest first.
#[utoipa::path(get, path = "/console/approvals", tag = "console", params(Page), responses((status = 200, description = "Approvals", body = List<ApprovalLine>)))]
pub(crate) async fn all(
    State(app): Shared,
    _: AsFinance,
    Params(query): Params<Page>,
) -> Result<Json<List<ApprovalLine>>> {
    let found = app.people.directory().approvals(query.of()?).await;
    let found = found.map_err(store_problem)?;
    Ok(Json(List {
        items: found.items.into_iter().map(line).collect(),
        next: found.next.map(|next| next.to_string()),
    }))
}

/// Approves what another operator has asked for, and does it. If a rule refuses it, it stays open.
#[utoipa::path(post, path = "/console/approvals/{id}/approve", tag = "console", params(("id" = String, Path)), request_body = Reasoned, responses((status = 200, description = "Done", body = Done)))]
pub(crate) async fn approve(
    State(app): Shared,
    operator: AsFinance,
    Segment(ApprovalNumber(id)): Segment<ApprovalNumber>,
    write: Write<Reasoned>,
) -> Result<Json<Done>> {
    let _one = app.approving.lock().await;
    let (approval, second) = second(&app, &operator, id, write.body.reason).await?;
    let directory = app.people.directory();
    let asked = &approval.asked;
    if asked.operator == operator.id {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "approval_own",
            "another operator approves it",
        ));
    }
    // Done long ago it is done, whatever the same would be refused for today.
    if let Some(seq) = approval.seq {
        return Ok(Done::at(seq));
    }
    let (deed, reason) = read(&app, &asked.what, asked.subject, &asked.body).await?;
    if matches!(&deed, Deed::Removal(removal) if removal.id == operator.id) {
        return Err(not_himself());
    }
    let was_begun = approval.state == "approved";
    let approval = directory.decide_approval(id, "approved", &second).await;
    let approval = approval.map_err(store_problem)?.ok_or_else(unknown)?;
    if approval.state != "approved" {
        return Err(decided(&approval));
    }
    if let Some(seq) = approval.seq {
        return Ok(Done::at(seq));
    }
    check_may_begin(&app, &approval, was_begun, second.at).await?;
    let asker = Actor::Operator(asked.operator);
    let key = key_of(&approval);
    let performed = perform(&app, (asked.operator, key), asked.subject, deed).await;
    let Performed {
        seq,
        subject,
        answer,
    } = match performed {
        Ok(done) => done,
        Err(problem) => {
            if problem.is_refusal() {
                // Who asked is told no as well as who approved.
                app.audit.item(asker, problem.why(), second.at);
            }
            if problem.is_refusal() || problem.is_busy() {
                let reopened = directory.reopen_approval(id).await;
                reopened.map_err(store_problem)?;
            }
            return Err(problem);
        }
    };
    let about = (asked.what.as_str(), asked.subject, asked.body.as_str());
    finish(&app, about, answer).await?;
    let what = (asked.what.as_str(), subject, reason);
    note(&app, seq, (asked.operator, key), what).await?;
    let agreed = format!("approve-{}", asked.what);
    let what = (agreed.as_str(), subject, second.reason);
    note(&app, seq, (operator.id, key), what).await?;
    let done = directory.approval_done(id, seq).await;
    done.map_err(store_problem)?;
    shorten(&app, &approval).await?;
    Ok(Done::at(seq))
}

/// Refuses what was approved long ago, or may have been done already.
async fn check_may_begin(
    app: &App,
    approval: &Approval,
    was_begun: bool,
    now: Millis,
) -> Result<()> {
    let begun = approval.second.as_ref().map_or(now, |second| second.at);
    let over = begun.after(domain::Duration(UNFINISHED_HOURS * domain::HOUR_MS));
    // Begun before and not known to have ended: again only while the engine knows whether it did.
    // An account is the same however often it is made: it has the name and the hash that were asked for.
    let is_same = is_of_account(&approval.asked.what);
    let unsure = was_begun && !is_same && !is_certain(app, approval, begun).await?;
    if over <= now || unsure {
        return Err(Problem::conflict(
            "approval_over",
            "it was approved long ago and nobody knows whether it was done: look at the ledger, and ask for it anew",
        ));
    }
    Ok(())
}

/// Keeps no password's hash of what is decided.
async fn shorten(app: &App, approval: &Approval) -> Result<()> {
    if !is_of_account(&approval.asked.what) {
        return Ok(());
    }
    let body = without_password(&approval.asked.body).to_string();
    let directory = app.people.directory();
    let shortening = directory.shorten_approval(approval.id, &body).await;
    shortening.map_err(store_problem)
}

/// Declines what an operator has asked for. He may do so himself.
#[utoipa::path(post, path = "/console/approvals/{id}/decline", tag = "console", params(("id" = String, Path)), request_body = Reasoned, responses((status = 200, description = "Declined", body = ApprovalLine)))]
pub(crate) async fn decline(
    State(app): Shared,
    operator: AsFinance,
    Segment(ApprovalNumber(id)): Segment<ApprovalNumber>,
    write: Write<Reasoned>,
) -> Result<Json<ApprovalLine>> {
    let (_, second) = second(&app, &operator, id, write.body.reason).await?;
    let directory = app.people.directory();
    let declined = directory.decide_approval(id, "declined", &second).await;
    let approval = declined.map_err(store_problem)?.ok_or_else(unknown)?;
    if approval.state != "declined" {
        return Err(decided(&approval));
    }
    shorten(&app, &approval).await?;
    Ok(Json(line(approval)))
}

/// What is decided about, and what this operator says of it.
async fn second(
    app: &App,
    operator: &AsFinance,
    id: u32,
    reason: String,
) -> Result<(Approval, Second)> {
    check_reason(&reason)?;
    let approval = app.people.directory().approval(id).await;
    let approval = approval.map_err(store_problem)?.ok_or_else(unknown)?;
    if operator.role == FINANCE_ROLE && !is_of_finance(&approval.asked.what) {
        return Err(not_yours(OPERATOR_ROLE));
    }
    let now = app.config.clock.now();
    let until = approval
        .at
        .after(domain::Duration(OPEN_DAYS * domain::DAY_MS));
    if approval.state == "open" && until <= now {
        let detail = format!("it was asked for more than {OPEN_DAYS} days ago: ask for it anew");
        return Err(Problem::conflict("approval_over", detail));
    }
    let second = Second {
        operator: operator.id,
        reason,
        at: now,
    };
    Ok((approval, second))
}

/// One approval is one command for ever, whoever tells the engine and how often. No client's key begins so.
fn key_of(approval: &Approval) -> IdempotencyKey {
    let name = [b"\0approval", approval.asked.request.as_slice()].concat();
    key_from(&name, approval.asked.body.as_bytes())
}

/// The key of what the server itself names, and what it is about.
pub(super) fn key_from(name: &[u8], content: &[u8]) -> IdempotencyKey {
    let sixteen = |text: &[u8]| -> [u8; 16] {
        let digest: [u8; 32] = Sha256::digest(text).into();
        let [first @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = digest;
        first
    };
    IdempotencyKey {
        key: sixteen(name),
        content: sixteen(content),
    }
}

fn unknown() -> Problem {
    Problem::not_found(
        "approval_unknown",
        "nothing was asked for under this number",
    )
}

fn decided(approval: &Approval) -> Problem {
    let detail = format!("it is {} already", approval.state);
    Problem::conflict("approval_decided", detail).with("state", approval.state.as_str())
}

pub(super) fn line(approval: Approval) -> ApprovalLine {
    ApprovalLine {
        approval: approval.id.to_string(),
        state: approval.state,
        what: approval.asked.what,
        subject: approval.asked.subject.to_string(),
        asked: without_password(&approval.asked.body),
        operator: approval.asked.operator.to_string(),
        reason: approval.asked.reason,
        at: approval.at.into(),
        second: approval.second.map(|second| SecondLine {
            operator: second.operator.to_string(),
            reason: second.reason,
            at: second.at.into(),
        }),
        seq: approval.seq.map(|seq| seq.to_string()),
    }
}
