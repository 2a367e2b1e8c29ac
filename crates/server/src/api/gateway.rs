//! Batches of gateways: joins that are paid at the channel already, and the members they are for.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use axum::Json;
use axum::extract::State;
use domain::{
    Actor, Answer, Command, GatewayId, GroupId, MemberId, PaymentAnswer, Refusal, Request, Txn,
};
use draw::Ident;
use payments::Transaction;
use views::Served;

use crate::app::{App, Shared, engine_problem};
use crate::auth::AsGateway;
use crate::http::{BatchText, InPath, Problem, Result};
use crate::money::{Arrival, Attach, OrderNo, joined, tag};
use crate::people_money;
use crate::wire::{
    JoinAnswer, JoinAnswers, JoinBatch, JoinItem, MemberAnswer, MemberAnswers, MemberBatch,
    MemberItem,
};

/// The code of an item that was neither taken nor refused.
const LOST: &str = "fault";
/// Most items of a batch.
const MOST_ITEMS: usize = 1000;

/// A join whose ids can be read.
#[derive(Clone, Copy)]
struct Wanted {
    group: GroupId,
    member: MemberId,
    via: Option<MemberId>,
    txn: Txn,
}

/// What joins are checked against and their tags made of.
struct Known {
    /// The members, with who serves them and their secrets.
    members: HashMap<MemberId, Served>,
    /// The groups that there are, with what their draws are called.
    groups: BTreeMap<GroupId, Ident>,
}

/// Tags that are made at a stretch; then others have their turn on this thread.
const TAGS_AT_A_STRETCH: usize = 128;
/// Seats members that the gateway serves and that have paid already. Each item is answered by itself, in the order of
/// the batch; a payment has one effect however often it comes. Items for a member the gateway does not serve, or for a
/// group that there is not, are refused (`member_not_served`, `group_unknown`): nothing is booked, and the money stays
/// at the channel as the gateway's own order, which it refunds itself.
#[utoipa::path(post, path = "/joins", tag = "gateway", request_body = JoinBatch, responses((status = 200, description = "One answer an item", body = JoinAnswers)))]
pub(crate) async fn join(
    State(app): Shared,
    gateway: AsGateway,
    batch: BatchText,
) -> Result<Json<JoinAnswers>> {
    people_money::not_under_seed(&app).await?;
    let items = batch.read::<JoinBatch<'_>>()?.items;
    charge(&app, &gateway, items.len())?;
    let mut answers: Vec<Option<JoinAnswer>> = Vec::with_capacity(items.len());
    let mut wanted = Vec::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        match read(item) {
            Ok(join) => {
                answers.push(None);
                wanted.push((at, join));
            }
            Err(answer) => answers.push(Some(answer)),
        }
    }
    drop(items);
    let known = known(&app, &wanted).await?;
    wanted.retain(|(at, join)| {
        let refusal = why_not(gateway.0, join, &known);
        let good = refusal.is_none();
        put(&mut answers, *at, refusal);
        good
    });
    let confirmed = confirm(&app, &wanted).await?;
    let mut paid = Vec::with_capacity(wanted.len());
    for ((at, join), found) in wanted.into_iter().zip(confirmed) {
        match found {
            Ok(arrival) => paid.push((at, join, arrival)),
            Err(detail) => put(
                &mut answers,
                at,
                Some(JoinAnswer::PaymentUnconfirmed { detail }),
            ),
        }
    }
    let mut requests = Vec::with_capacity(paid.len());
    for (number, (_, join, arrival)) in paid.iter().enumerate() {
        if number % TAGS_AT_A_STRETCH == TAGS_AT_A_STRETCH - 1 {
            tokio::task::yield_now().await;
        }
        requests.push(command(gateway.0, join, arrival, &known)?);
    }
    let seq = seat(&app, &paid, requests, &mut answers).await?;
    let missing = || refused(LOST, "this item was lost; repeat it");
    let items: Vec<JoinAnswer> = answers
        .into_iter()
        .map(|answer| answer.unwrap_or_else(missing))
        .collect();
    note(&app, gateway.0, items.iter().filter_map(told_no));
    Ok(Json(JoinAnswers {
        items,
        seq: seq.to_string(),
    }))
}

/// What went back is noted where it is decided, and what nobody refused is no refusal.
fn told_no(answer: &JoinAnswer) -> Option<(&str, &str)> {
    match answer {
        JoinAnswer::Refused { code, detail } => Some((code, detail)),
        JoinAnswer::PaymentUnconfirmed { detail } => Some(("payment_unconfirmed", detail)),
        JoinAnswer::Seated { .. } | JoinAnswer::Bounced { .. } | JoinAnswer::Known => None,
    }
}

fn not_registered(answer: &MemberAnswer) -> Option<(&str, &str)> {
    match answer {
        MemberAnswer::Registered { .. } => None,
        MemberAnswer::Refused { code, detail } => Some((code, detail)),
    }
}

/// Notes the items that were refused: the answer to the whole batch is no refusal.
fn note<'a>(app: &App, gateway: GatewayId, items: impl Iterator<Item = (&'a str, &'a str)>) {
    let now = app.config.clock.now();
    for item in items.filter(|(code, _)| *code != LOST) {
        app.audit.item(Actor::Gateway(gateway), item, now);
    }
}

fn charge(app: &App, gateway: &AsGateway, items: usize) -> Result<()> {
    if items == 0 || MOST_ITEMS < items {
        return Err(
            Problem::unprocessable("body_invalid", "items has 1 to 1000 entries")
                .with("field", "items"),
        );
    }
    app.limit(
        &app.limits.gateway,
        gateway.0,
        u32::try_from(items).unwrap_or(u32::MAX),
    )
}

fn refused(code: &str, detail: &str) -> JoinAnswer {
    JoinAnswer::Refused {
        code: code.to_owned(),
        detail: detail.to_owned(),
    }
}

fn no_group() -> JoinAnswer {
    refused(GroupId::UNKNOWN, "there is no such group")
}

fn put(answers: &mut [Option<JoinAnswer>], at: usize, answer: Option<JoinAnswer>) {
    if let Some(place) = answers.get_mut(at) {
        *place = answer;
    }
}

fn read(item: &JoinItem<'_>) -> std::result::Result<Wanted, JoinAnswer> {
    let group = GroupId::read(&item.group).ok_or_else(no_group)?;
    let unknown = || refused(MemberId::UNKNOWN, "there is no such member");
    let member = MemberId::read(&item.member).ok_or_else(unknown)?;
    let via = match &item.via {
        Some(via) => Some(
            MemberId::read(via)
                .ok_or_else(|| refused("inviter_unknown", "there is no such inviter"))?,
        ),
        None => None,
    };
    let txn = Txn::new(&item.txn).map_err(|_| {
        refused(
            "txn_invalid",
            "a payment's number is 1 to 32 visible ASCII characters",
        )
    })?;
    Ok(Wanted {
        group,
        member,
        via,
        txn,
    })
}

/// Reads at once what all items are checked against.
async fn known(app: &App, wanted: &[(usize, Wanted)]) -> Result<Known> {
    let groups: BTreeSet<GroupId> = wanted.iter().map(|(_, join)| join.group).collect();
    let named = app.groups.of(app, groups).await?;
    let named = named.into_iter().map(|(group, terms)| (group, terms.ident));
    let members = wanted.iter().map(|(_, join)| join.member);
    Ok(Known {
        groups: named.collect(),
        members: app.people.served(members).await?,
    })
}

/// Why an item is refused before anybody asks for its payment. Money for a group that there is not yet is not sent
/// back either: once the group is there, the same money would seem to be paid for it.
fn why_not(gateway: GatewayId, join: &Wanted, known: &Known) -> Option<JoinAnswer> {
    let served = known.members.get(&join.member);
    if served.and_then(|served| served.by) != Some(gateway) {
        let detail = "this gateway has not registered this member";
        return Some(refused("member_not_served", detail));
    }
    (!known.groups.contains_key(&join.group)).then(no_group)
}

/// Asks the channel about all payments at once; each is confirmed, or why not.
async fn confirm(
    app: &App,
    wanted: &[(usize, Wanted)],
) -> Result<Vec<std::result::Result<Arrival, String>>> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let txns = wanted.iter().map(|(_, join)| join.txn).collect();
    let found = app.confirmer.ask(txns).await?;
    Ok(wanted
        .iter()
        .zip(found)
        .map(|((_, join), found)| check(join, found))
        .collect())
}

fn check(join: &Wanted, found: Option<Transaction>) -> std::result::Result<Arrival, String> {
    let found = found.ok_or("the channel knows no such payment of ours")?;
    if OrderNo::read(&found.order_no).is_some() {
        return Err("this payment was made for a seat reserved on the platform".to_owned());
    }
    let attach = Attach::read(&found.attach)
        .ok_or("the payment's attach is not {\"group\":\"…\",\"member\":\"…\"}")?;
    if !attach.is_for(join.group, join.member) {
        return Err("the payment was made for another group or member".to_owned());
    }
    Ok(Arrival {
        txn: join.txn,
        amount: domain::Money(found.amount_fen),
    })
}

/// Submits the confirmed joins in order, and looks up those whose group is over.
async fn seat(
    app: &App,
    joins: &[(usize, Wanted, Arrival)],
    requests: Vec<Request>,
    answers: &mut [Option<JoinAnswer>],
) -> Result<u64> {
    let replies = app
        .engine
        .submit_many(requests)
        .await
        .map_err(engine_problem)?;
    let mut seq = *app.engine.committed().borrow();
    for ((at, join, paid), reply) in joins.iter().zip(replies) {
        let answer = match reply {
            Ok(reply) => {
                seq = seq.max(reply.seq);
                answer_of(reply.answer)
            }
            Err(Refusal::GroupNotInMemory(_)) => {
                payment_answer(joined(app, join.group, join.member, *paid).await?)
            }
            Err(refusal) => {
                let problem = Problem::from(refusal);
                refused(problem.code(), problem.detail())
            }
        };
        put(answers, *at, Some(answer));
    }
    Ok(seq)
}

fn command(gateway: GatewayId, join: &Wanted, paid: &Arrival, known: &Known) -> Result<Request> {
    let Wanted {
        group, member, via, ..
    } = *join;
    let tag = match (known.members.get(&member), known.groups.get(&group)) {
        (Some(served), Some(ident)) => tag(member, ident, &served.secret),
        (None, Some(_) | None) | (Some(_), None) => {
            return Err(Problem::fault("a join was not checked", &"no tag"));
        }
    };
    let command = Command::JoinPaid {
        group,
        member,
        via,
        txn: paid.txn,
        amount: paid.amount,
        tag,
    };
    Ok(Request {
        actor: Actor::Gateway(gateway),
        key: None,
        command,
    })
}

fn answer_of(answer: Answer) -> JoinAnswer {
    match answer {
        Answer::Payment(answer) => {
            crate::money::flag(&answer);
            payment_answer(answer)
        }
        Answer::Done
        | Answer::Member(_)
        | Answer::Campaign(_)
        | Answer::Reserved { .. }
        | Answer::Withdrawal(_)
        | Answer::Merchant(_)
        | Answer::Store(_)
        | Answer::Sku(_)
        | Answer::Purchase(_)
        | Answer::Counter(_)
        | Answer::Table(_) => JoinAnswer::Known,
    }
}

fn payment_answer(answer: PaymentAnswer) -> JoinAnswer {
    match answer {
        PaymentAnswer::Seated(payment) => JoinAnswer::Seated {
            payment: payment.to_string(),
        },
        PaymentAnswer::Bounced { reason, .. } => JoinAnswer::Bounced {
            reason: views::bounce_name(reason).to_owned(),
        },
        PaymentAnswer::Known => JoinAnswer::Known,
    }
}

/// Registers members that the gateway serves. The same token again is the same member.
#[utoipa::path(post, path = "/gateway/members", tag = "gateway", request_body = MemberBatch, responses((status = 200, description = "One answer an item", body = MemberAnswers)))]
pub(crate) async fn register(
    State(app): Shared,
    gateway: AsGateway,
    batch: BatchText,
) -> Result<Json<MemberAnswers>> {
    let items = batch.read::<MemberBatch<'_>>()?.items;
    charge(&app, &gateway, items.len())?;
    let mut answers: Vec<Option<MemberAnswer>> = Vec::with_capacity(items.len());
    let mut wanted = Vec::new();
    for item in &items {
        match own_token(item, gateway.0) {
            Ok(registration) => {
                answers.push(None);
                wanted.push(registration);
            }
            Err(answer) => answers.push(Some(answer)),
        }
    }
    let registered = app
        .people
        .register_served(&app.engine, gateway.0, &wanted, app.config.clock.now())
        .await?;
    let seq = *app.engine.committed().borrow();
    let mut registered = registered.into_iter().map(|outcome| match outcome {
        Ok(member) => MemberAnswer::Registered {
            member: member.to_string(),
        },
        Err(refusal) => MemberAnswer::Refused {
            code: refusal.code().to_owned(),
            detail: refusal.to_string(),
        },
    });
    let missing = || MemberAnswer::Refused {
        code: LOST.to_owned(),
        detail: "this item was lost; repeat it".to_owned(),
    };
    let items: Vec<MemberAnswer> = answers
        .into_iter()
        .map(|answer| answer.or_else(|| registered.next()).unwrap_or_else(missing))
        .collect();
    note(&app, gateway.0, items.iter().filter_map(not_registered));
    Ok(Json(MemberAnswers {
        items,
        seq: seq.to_string(),
    }))
}

/// A gateway's token is made its own by hashing its number in, so that no gateway can name another's members or guess
/// a directory row.
fn own_token(
    item: &MemberItem<'_>,
    gateway: GatewayId,
) -> std::result::Result<([u8; 16], Option<MemberId>), MemberAnswer> {
    let refused = |code: &str, detail: &str| MemberAnswer::Refused {
        code: code.to_owned(),
        detail: detail.to_owned(),
    };
    let good = item.token.len() == 32
        && item
            .token
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if !good {
        return Err(refused(
            "token_invalid",
            "a token is 32 lower-case hex digits",
        ));
    }
    let inviter = match &item.inviter {
        Some(inviter) => Some(
            MemberId::read(inviter)
                .ok_or_else(|| refused("inviter_unknown", "there is no such inviter"))?,
        ),
        None => None,
    };
    let digest = draw::hash(format!("gateway {gateway}\n{}", item.token).as_bytes()).0;
    let mut token = [0; 16];
    token.copy_from_slice(&digest[..16]);
    Ok((token, inviter))
}
