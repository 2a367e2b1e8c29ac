//! Payments at counters (rules 10.4): the member shows a code, the cashier enters the bill, the merchant can refund it later. A
//! cashier sees his own store alone.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use domain::{
    AllianceCommand, Answer, Bill, Coins, Command, CounterId, MerchantId, Money, StoreId,
};
use serde::Deserialize;
use utoipa::IntoParams;
use views::{CounterRow, CountersOf};

use super::approvals::{Acted, Wanted, act};
use super::campaigns::Fresh;
use super::orders::short;
use crate::app::{App, Shared, Viewed, store_problem};
use crate::auth::{AsCashier, AsMember, AsMerchant, AsOperator};
use crate::http::{NoBody, Page, Params, Problem, Result, Segment, Write};
use crate::money::{Direct, ask_direct, direct_url};
use crate::wire::{
    ApprovalLine, BillWanted, CounterCode, CounterDone, CounterLine, CounterPage,
    CounterRefundAsked, CounterSide, CounterState, Done, List, Reasoned,
};

/// Makes a code to show at a counter: eight digits, good for a minute and one payment.
#[utoipa::path(post, path = "/me/counter-code", tag = "me", request_body = Object, responses((status = 200, description = "The code", body = CounterCode)))]
pub(crate) async fn show(
    State(app): Shared,
    member: AsMember,
    _: Write<NoBody>,
) -> Result<Json<CounterCode>> {
    let now = app.config.clock.now();
    let ask = move |world: &domain::World| {
        let frozen = world.member(member.0).is_some_and(|known| known.frozen);
        let coins = world.spendable_coins(member.0, now);
        (frozen, coins, world.profile_terms().coin_offset)
    };
    let (frozen, coins, offset) = app.query(ask).await?;
    if frozen {
        return Err(domain::Refusal::MemberFrozen(member.0).into());
    }
    let shown = app.counter_codes.show(member.0, now);
    let (code, claim) = shown.ok_or_else(Problem::busy)?;
    Ok(Json(CounterCode {
        code,
        expires_at: claim.expires.into(),
        coins: coins.into(),
        offset: format!("{}%", domain::percent(offset)),
    }))
}

/// What the member has paid at counters, newest first.
#[utoipa::path(get, path = "/me/counter-payments", tag = "me", params(Page), responses((status = 200, description = "Payments", body = List<CounterLine>)))]
pub(crate) async fn mine(
    State(app): Shared,
    member: AsMember,
    Params(query): Params<Page>,
) -> Result<Viewed<List<CounterLine>>> {
    let whose = CountersOf::Member(member.0);
    list(&app, whose, CounterSide::Member, &query).await
}

/// How fresh the answer must be.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct BillQuery {
    /// `true`: ask the payment channel first, as when the payer comes back from its page.
    refresh: Option<bool>,
    /// Answer from a state that holds at least this sequence.
    at_least: Option<u64>,
}

/// A bill of the member's at a counter, and where it is paid if the platform takes the cash.
#[utoipa::path(get, path = "/me/counter-payments/{id}", tag = "me", params(("id" = String, Path), BillQuery), responses((status = 200, description = "The payment", body = CounterState)))]
pub(crate) async fn my_bill(
    State(app): Shared,
    member: AsMember,
    Segment(counter): Segment<CounterId>,
    Params(query): Params<BillQuery>,
) -> Result<Viewed<CounterState>> {
    app.reach(query.at_least).await?;
    let mine = |row: &CounterRow| row.member == member.0;
    let mut found = app.find(|| app.views.counter_payment(counter)).await?;
    let known = found.value.as_ref().filter(|row| mine(row));
    let known = known.ok_or_else(unknown)?;
    let unpaid = known.pay_by.is_some() && known.txn.is_none();
    if query.refresh == Some(true) && unpaid {
        // Each call asks the channel, so it costs what a write costs.
        app.limit(&app.limits.member, member.0, 1)?;
        // A channel that does not answer is no reason to hide what is known; the worker asks again.
        if let Err(error) = ask_direct(&app, Direct::Counter(counter)).await {
            tracing::warn!(bill = %counter, %error, "bill {counter} could not be asked about: {error}");
        }
        let head = *app.engine.committed().borrow();
        app.reach(Some(head)).await?;
        found = app
            .views
            .counter_payment(counter)
            .await
            .map_err(store_problem)?;
    }
    let seq = found.seq;
    let row = found.value.filter(mine).ok_or_else(unknown)?;
    let pay_url = pay_url(&app, &row).await;
    let payment = CounterLine::of(&row, CounterSide::Member);
    Ok(Viewed(seq, CounterState { payment, pay_url }))
}

/// The address where a bill that waits is paid.
async fn pay_url(app: &App, row: &CounterRow) -> Option<String> {
    let now = app.config.clock.now();
    let waits = row.state() == "waiting" && row.pay_by.is_some_and(|pay_by| now < pay_by);
    if waits {
        direct_url(app, Direct::Counter(row.id)).await
    } else {
        None
    }
}

fn unknown() -> Problem {
    let detail = "there is no such payment at a counter";
    Problem::new(StatusCode::NOT_FOUND, "counter_payment_unknown", detail)
}

/// The cashier's store.
#[utoipa::path(get, path = "/counter/me", tag = "counter", params(Fresh), responses((status = 200, description = "The store", body = CounterPage)))]
pub(crate) async fn me(
    State(app): Shared,
    cashier: AsCashier,
    Params(query): Params<Fresh>,
) -> Result<Json<CounterPage>> {
    app.reach(query.at_least).await?;
    let (merchant, store) = (cashier.merchant, cashier.store);
    let ask = move |world: &domain::World| {
        let known = world.merchant(merchant);
        let open =
            known.is_some_and(|known| !known.suspended && known.contract.settlement.is_some());
        let most = known.and_then(|known| known.contract.settlement);
        let most = most.map(|most| most.min(world.profile_terms().coin_offset));
        (open, most, world.store(store).map(|(_, token)| token))
    };
    let (open, most, token) = app.query(ask).await?;
    let names = app.people.directory().store_names(merchant).await;
    let names = names.map_err(store_problem)?;
    let named = names.into_iter().find(|named| Some(named.token) == token);
    let (name, address) = named
        .map(|named| (named.name, named.address))
        .unwrap_or_default();
    Ok(Json(CounterPage {
        store: store.to_string(),
        name,
        address,
        open,
        offset: most.map(|most| format!("{}%", domain::percent(most))),
    }))
}

/// Has a bill paid by the member whose code it is. The member owes the rest in cash; where the platform takes that, the bill waits
/// for his payment through the channel, and is given up by voiding it.
#[utoipa::path(post, path = "/counter/payments", tag = "counter", request_body = BillWanted, responses((status = 200, description = "Paid", body = CounterDone)))]
pub(crate) async fn pay(
    State(app): Shared,
    cashier: AsCashier,
    write: Write<BillWanted>,
) -> Result<Json<CounterDone>> {
    let BillWanted { code, bill, coins } = write.body;
    let now = app.config.clock.now();
    let looked = app.counter_codes.look(&code, cashier.merchant, now);
    // A code that is unknown goes on without a claim: this may be a payment that is asked for again, long after its minute.
    let claim = looked.map_err(Problem::rate_limited)?;
    let bill = Bill {
        amount: Money(bill.0),
        most_coins: coins.map(|coins| Coins(coins.0)),
    };
    let command = Command::Alliance(AllianceCommand::PayAtCounter {
        store: cashier.store,
        bill,
        claim,
    });
    let reply = app.submit(cashier.actor(), write.key, command).await?;
    let Answer::Counter(counter) = reply.answer else {
        return Err(Problem::fault(
            "a payment at a counter answered with something else",
            &"no payment",
        ));
    };
    done(&app, counter, reply.seq).await
}

/// One payment at the cashier's store.
#[utoipa::path(get, path = "/counter/payments/{id}", tag = "counter", params(("id" = String, Path), Fresh), responses((status = 200, description = "The payment", body = CounterLine)))]
pub(crate) async fn one_at_store(
    State(app): Shared,
    cashier: AsCashier,
    Segment(counter): Segment<CounterId>,
    Params(query): Params<Fresh>,
) -> Result<Viewed<CounterLine>> {
    app.reach(query.at_least).await?;
    let found = app.find(|| app.views.counter_payment(counter)).await?;
    let seq = found.seq;
    let row = found.value.filter(|row| row.store == cashier.store);
    let row = row.ok_or_else(unknown)?;
    Ok(Viewed(seq, CounterLine::of(&row, CounterSide::Merchant)))
}

/// What was paid at the cashier's store, newest first.
#[utoipa::path(get, path = "/counter/payments", tag = "counter", params(Page), responses((status = 200, description = "Payments", body = List<CounterLine>)))]
pub(crate) async fn at_store(
    State(app): Shared,
    cashier: AsCashier,
    Params(query): Params<Page>,
) -> Result<Viewed<List<CounterLine>>> {
    let whose = CountersOf::Store(cashier.store);
    list(&app, whose, CounterSide::Merchant, &query).await
}

/// Takes a payment back on its day: the coins are the member's again, and the cashier gives him back what he paid in cash; what he
/// paid through the channel goes back that way. A bill that waits is given up.
#[utoipa::path(post, path = "/counter/payments/{id}/void", tag = "counter", params(("id" = String, Path)), request_body = Object, responses((status = 200, description = "Voided", body = CounterDone)))]
pub(crate) async fn void(
    State(app): Shared,
    cashier: AsCashier,
    Segment(counter): Segment<CounterId>,
    write: Write<NoBody>,
) -> Result<Json<CounterDone>> {
    let whose = (cashier.merchant, Some(cashier.store));
    take_back(&app, (cashier.actor(), write.key), counter, whose).await
}

/// What was paid at all of the merchant's stores, newest first.
#[utoipa::path(get, path = "/merchant/counter-payments", tag = "merchant", params(Page), responses((status = 200, description = "Payments", body = List<CounterLine>)))]
pub(crate) async fn of_merchant(
    State(app): Shared,
    merchant: AsMerchant,
    Params(query): Params<Page>,
) -> Result<Viewed<List<CounterLine>>> {
    let whose = CountersOf::Merchant(merchant.merchant);
    list(&app, whose, CounterSide::Merchant, &query).await
}

/// Takes a payment back within thirty days: the coins are the member's again, and the merchant gives him back what he paid in cash;
/// what he paid through the channel goes back that way.
#[utoipa::path(post, path = "/merchant/counter-payments/{id}/refund", tag = "merchant", params(("id" = String, Path)), request_body = Object, responses((status = 200, description = "Refunded", body = CounterDone)))]
pub(crate) async fn refund(
    State(app): Shared,
    merchant: AsMerchant,
    Segment(counter): Segment<CounterId>,
    write: Write<NoBody>,
) -> Result<Json<CounterDone>> {
    let whose = (merchant.merchant, None);
    take_back(&app, (merchant.actor(), write.key), counter, whose).await
}

/// Refunds a payment at a counter within thirty days, whatever has become of its merchant: what cannot be taken from what he is due he
/// owes.
#[utoipa::path(post, path = "/console/counter-payments/{id}/refund", tag = "console", params(("id" = String, Path)), request_body = Reasoned, responses((status = 202, description = "It waits for a second operator", body = ApprovalLine), (status = 200, description = "Refunded; there is no other operator", body = Done)))]
pub(crate) async fn refund_by_operator(
    State(app): Shared,
    operator: AsOperator,
    Segment(counter): Segment<CounterId>,
    write: Write<Reasoned>,
) -> Result<Acted> {
    let body = CounterRefundAsked {
        counter: counter.to_string(),
        reason: write.body.reason,
    };
    let wanted = Wanted {
        what: "refund-counter",
        subject: short(counter.0),
        body: &body,
    };
    act(&app, operator.id, write.key, wanted).await
}

async fn take_back(
    app: &App,
    (actor, key): (domain::Actor, domain::IdempotencyKey),
    counter: CounterId,
    (merchant, store): (MerchantId, Option<StoreId>),
) -> Result<Json<CounterDone>> {
    let command = Command::Alliance(AllianceCommand::ReverseCounter {
        counter,
        merchant,
        store,
    });
    let reply = app.submit(actor, key, command).await?;
    done(app, counter, reply.seq).await
}

/// The payment as the views have it once they hold this.
async fn done(app: &App, counter: CounterId, seq: u64) -> Result<Json<CounterDone>> {
    app.reach(Some(seq)).await?;
    let found = app.views.counter_payment(counter).await;
    let row = found.map_err(store_problem)?.value.ok_or_else(unknown)?;
    Ok(Json(CounterDone {
        pay_url: pay_url(app, &row).await,
        payment: CounterLine::of(&row, CounterSide::Merchant),
        seq: seq.to_string(),
    }))
}

async fn list(
    app: &App,
    of: CountersOf,
    side: CounterSide,
    query: &Page,
) -> Result<Viewed<List<CounterLine>>> {
    app.reach(query.at_least).await?;
    let found = app.views.counter_payments(of, query.of()?).await;
    let found = found.map_err(store_problem)?;
    let items = found.value.items.iter();
    let items = items.map(|row| CounterLine::of(row, side)).collect();
    let next = found.value.next.map(|next| next.to_string());
    Ok(Viewed(found.seq, List { items, next }))
}
