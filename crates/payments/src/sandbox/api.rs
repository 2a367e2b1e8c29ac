//! The provider's HTTP interface: what a real one has under `/v1`, and the sandbox's own.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{FromRequest, Path, Query, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, watch};

use crate::channel::is_fresh;
use crate::error::{Refusal, RefusalCode};
use crate::http::now_ms;
use crate::sandbox::book::{Book, Stop, refused};
use crate::sandbox::faults::{Call, CallFault, CallFaultKind, FaultBox, FaultSets, Faults};
use crate::sandbox::provider::Retry;
use crate::sandbox::{ledger, page, payouts};
use crate::sign::{ApiSecret, Authorization, Signed};
use crate::wire::{
    BookPage, BookPayout, BookRefund, Books, CreateOrder, CreatePayout, CreateRefund, Created,
    ErrorBody, MAX_BATCH, OrderState, OrderStatus, PayoutPage, QueryTransactions, Transaction,
    Transactions,
};

/// What all requests share.
pub(crate) struct App {
    pub(crate) book: Book,
    pub(crate) merchants: HashMap<String, ApiSecret>,
    pub(crate) faults: FaultBox,
    pub(crate) callbacks_due: Notify,
    pub(crate) public_url: String,
    pub(crate) retry: Retry,
    pub(crate) client: reqwest::Client,
    pub(crate) stopping: watch::Receiver<bool>,
}

type Shared = State<Arc<App>>;
type Answer<T> = Result<Json<T>, Failure>;

pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/v1/orders", post(create_order))
        .route("/v1/orders/{order_no}", get(query_order))
        .route("/v1/orders/{order_no}/close", post(close_order))
        .route("/v1/transactions/query", post(query_transactions))
        .route("/v1/refunds", post(create_refund))
        .route("/v1/refunds/{refund_no}", get(query_refund))
        .route("/v1/payouts", post(create_payout))
        .route("/v1/payouts/{payout_no}", get(query_payout))
        .route("/v1/books/payouts", get(book_payouts))
        .route("/payouts/{token}", get(show_payout).post(confirm_payout))
        .route("/v1/books", get(merchant_books))
        .route("/v1/books/orders", get(book_orders))
        .route("/v1/callback-key", get(callback_key))
        .route("/pay/{token}", get(page::show).post(page::submit))
        .route("/sandbox/orders/{order_no}/pay", post(pay_order))
        .route("/sandbox/payments", post(pay_many))
        .route(
            "/sandbox/faults",
            get(show_faults).post(set_faults).delete(clear_faults),
        )
        .route("/sandbox/books", get(all_books))
        .with_state(app)
}

/// A request whose signature is a merchant's.
struct FromMerchant {
    merchant_id: String,
    body: Bytes,
}

impl FromMerchant {
    fn read<T: DeserializeOwned>(&self) -> Result<T, Stop> {
        serde_json::from_slice(&self.body).map_err(|error| invalid(error.to_string()))
    }
}

impl FromRequest<Arc<App>> for FromMerchant {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<FromMerchant, Failure> {
        let method = request.method().clone();
        let target = request
            .uri()
            .path_and_query()
            .map_or("/", |target| target.as_str())
            .to_owned();
        let authorization = request.headers().get(header::AUTHORIZATION).cloned();
        let body = Bytes::from_request(request, app)
            .await
            .map_err(|rejection| invalid(rejection.body_text()))?;
        let signed = Signed {
            method: method.as_str(),
            target: &target,
            body: &body,
        };
        let authorization = authorization
            .as_ref()
            .and_then(|header| header.to_str().ok());
        let merchant_id = authenticate(app, authorization, &signed)?;
        Ok(FromMerchant { merchant_id, body })
    }
}

fn authenticate(
    app: &App,
    authorization: Option<&str>,
    signed: &Signed<'_>,
) -> Result<String, Stop> {
    let unauthorized = |message: &str| refused(RefusalCode::Unauthorized, message);
    let authorization = authorization
        .and_then(Authorization::parse)
        .ok_or_else(|| unauthorized("the Authorization header is absent or malformed"))?;
    let secret = app.merchants.get(authorization.merchant_id);
    if !secret.is_some_and(|secret| signed.verifies(&authorization, secret)) {
        return Err(unauthorized(
            "no such merchant, or the signature is not its own",
        ));
    }
    let signed_at_ms = authorization
        .timestamp
        .parse::<i64>()
        .unwrap_or(0)
        .saturating_mul(1000);
    if !is_fresh(signed_at_ms, now_ms()) {
        return Err(unauthorized("the timestamp is more than 5 minutes off"));
    }
    Ok(authorization.merchant_id.to_owned())
}

async fn create_order(State(app): Shared, request: FromMerchant) -> Answer<Created> {
    let order: CreateOrder = request.read()?;
    order.check().map_err(invalid)?;
    let urls = order.notify_url.iter().chain(&order.return_url);
    urls.into_iter().try_for_each(|url| check_url(url))?;
    let fault = app.faults.take(Some(&order.order_no), Call::Create);
    let order_no = order.order_no.clone();
    let no = order_no.clone();
    let work = async {
        let created = app.book.run(move |book| {
            let now_ms = now_ms();
            let token = ledger::create_order(book, &request.merchant_id, &order, now_ms)?;
            let known = ledger::get_order(book, &request.merchant_id, &order.order_no)?;
            Ok((token, known.status(now_ms)))
        });
        match created.await? {
            // Its new addresses hold, but nobody is sent to a page that takes nothing any more.
            (_, OrderStatus::Paid) => {
                let message = format!("order {no} has been paid");
                Err(refused(RefusalCode::OrderPaid, message))
            }
            (token, OrderStatus::Open | OrderStatus::Closed | OrderStatus::Expired) => Ok(token),
        }
    };
    let token = faulty(&app, fault, work).await?;
    Ok(Json(Created {
        order_no,
        page_url: page_url(&app, &token),
    }))
}

fn page_url(app: &App, token: &str) -> String {
    format!("{}/pay/{token}", app.public_url)
}

async fn query_order(
    State(app): Shared,
    Path(order_no): Path<String>,
    request: FromMerchant,
) -> Answer<OrderState> {
    let fault = app.faults.take(Some(&order_no), Call::Query);
    let work = app.book.run(move |book| {
        let now_ms = now_ms();
        let order = ledger::get_order(book, &request.merchant_id, &order_no)?;
        let transactions = ledger::transactions_of(book, order.id, now_ms)?;
        Ok(OrderState {
            status: order.status(now_ms),
            transactions,
        })
    });
    Ok(Json(faulty(&app, fault, work).await?))
}

async fn close_order(
    State(app): Shared,
    Path(order_no): Path<String>,
    request: FromMerchant,
) -> Answer<serde_json::Value> {
    let fault = app.faults.take(Some(&order_no), Call::Close);
    let work = app
        .book
        .run(move |book| ledger::close_order(book, &request.merchant_id, &order_no, now_ms()));
    faulty(&app, fault, work).await?;
    Ok(Json(serde_json::json!({})))
}

async fn query_transactions(State(app): Shared, request: FromMerchant) -> Answer<Transactions> {
    let query: QueryTransactions = request.read()?;
    query.check().map_err(invalid)?;
    let fault = app.faults.take(None, Call::Query);
    let work = app.book.run(move |book| {
        let now_ms = now_ms();
        let found = query.txn_ids.iter().map(|txn_id| {
            let found = ledger::find_transaction(book, &request.merchant_id, txn_id, now_ms)?;
            Ok::<_, Stop>(found.map(|(_, transaction)| transaction))
        });
        Ok(Transactions {
            transactions: found.collect::<Result<_, _>>()?,
        })
    });
    Ok(Json(faulty(&app, fault, work).await?))
}

async fn create_refund(State(app): Shared, request: FromMerchant) -> Answer<BookRefund> {
    let refund: CreateRefund = request.read()?;
    refund.check().map_err(invalid)?;
    let order_no = order_of(&app, &request.merchant_id, &refund.txn_id).await?;
    let fault = app.faults.take(order_no.as_deref(), Call::Refund);
    let course = app
        .faults
        .of(order_no.as_deref().unwrap_or(""))
        .refund_course;
    let work = app
        .book
        .run(move |book| ledger::refund(book, &request.merchant_id, &refund, &course, now_ms()));
    Ok(Json(faulty(&app, fault, work).await?))
}

/// Whose faults hold for a call about a payment; not asked while no order has any.
async fn order_of(app: &App, merchant_id: &str, txn_id: &str) -> Result<Option<String>, Stop> {
    if !app.faults.any_of_orders() {
        return Ok(None);
    }
    let (merchant_id, txn_id) = (merchant_id.to_owned(), txn_id.to_owned());
    app.book
        .run(move |book| {
            let found = ledger::find_transaction(book, &merchant_id, &txn_id, now_ms())?;
            Ok(found.map(|(_, transaction)| transaction.order_no))
        })
        .await
}

async fn query_refund(
    State(app): Shared,
    Path(refund_no): Path<String>,
    request: FromMerchant,
) -> Answer<BookRefund> {
    let FromMerchant { merchant_id, .. } = request;
    let asker = merchant_id.clone();
    let work = app
        .book
        .run(move |book| ledger::get_refund(book, &asker, &refund_no, now_ms()))
        .await;
    let order_no = match &work {
        Ok(refund) => order_of(&app, &merchant_id, &refund.txn_id).await?,
        Err(_) => None,
    };
    let fault = app.faults.take(order_no.as_deref(), Call::Query);
    Ok(Json(faulty(&app, fault, async { work }).await?))
}

async fn create_payout(State(app): Shared, request: FromMerchant) -> Answer<BookPayout> {
    let payout: CreatePayout = request.read()?;
    payout.check().map_err(invalid)?;
    let fault = app.faults.take(Some(&payout.payout_no), Call::Payout);
    let course = app.faults.of(&payout.payout_no).payout_course;
    let url = app.public_url.clone();
    let work = app.book.run(move |book| {
        let at = (&course, now_ms());
        payouts::create(book, &request.merchant_id, &payout, at, &url)
    });
    Ok(Json(faulty(&app, fault, work).await?))
}

async fn query_payout(
    State(app): Shared,
    Path(payout_no): Path<String>,
    request: FromMerchant,
) -> Answer<BookPayout> {
    let fault = app.faults.take(Some(&payout_no), Call::Query);
    let url = app.public_url.clone();
    let work = app
        .book
        .run(move |book| payouts::get(book, &request.merchant_id, &payout_no, (now_ms(), &url)));
    Ok(Json(faulty(&app, fault, work).await?))
}

async fn book_payouts(
    State(app): Shared,
    Query(After { after }): Query<After>,
    request: FromMerchant,
) -> Answer<PayoutPage> {
    let url = app.public_url.clone();
    let work = move |book: &_| {
        let at = (now_ms(), url.as_str());
        Ok(payouts::page(book, &request.merchant_id, after, at)?)
    };
    Ok(Json(app.book.run(work).await?))
}

/// A payee's page: one button.
async fn show_payout(Path(_): Path<String>) -> Response {
    const PAGE: &str = "<!doctype html><html lang=\"zh-CN\"><meta charset=\"utf-8\">\
        <meta name=\"viewport\" content=\"width=device-width\"><title>确认收款</title>\
        <h1>确认收款</h1><p>沙盒：这里不是真钱。</p><form method=\"post\"><button>确认收款</button></form></html>";
    axum::response::Html(PAGE).into_response()
}

async fn confirm_payout(State(app): Shared, Path(token): Path<String>) -> Answer<&'static str> {
    let work = move |book: &_| payouts::confirm(book, &token, now_ms());
    app.book.run(work).await?;
    Ok(Json("已确认收款"))
}

async fn merchant_books(State(app): Shared, request: FromMerchant) -> Answer<Books> {
    let work = move |book: &_| Ok(ledger::books(book, &request.merchant_id, now_ms())?);
    Ok(Json(app.book.run(work).await?))
}

#[derive(Deserialize)]
struct After {
    #[serde(default)]
    after: i64,
}

async fn book_orders(
    State(app): Shared,
    Query(After { after }): Query<After>,
    request: FromMerchant,
) -> Answer<BookPage> {
    let work = move |book: &_| {
        Ok(ledger::book_page(
            book,
            &request.merchant_id,
            after,
            now_ms(),
        )?)
    };
    Ok(Json(app.book.run(work).await?))
}

async fn callback_key(State(app): Shared) -> Json<serde_json::Value> {
    Json(serde_json::json!({ "callback_key": app.book.signer().key().to_hex() }))
}

/// Does the work the way the fault has it.
async fn faulty<T>(
    app: &App,
    fault: Option<CallFault>,
    work: impl Future<Output = Result<T, Stop>>,
) -> Result<T, Failure> {
    let Some(CallFault { kind, ms, .. }) = fault else {
        return Ok(work.await?);
    };
    match kind {
        CallFaultKind::ErrorBefore => Err(Failure::Ordered(StatusCode::INTERNAL_SERVER_ERROR)),
        CallFaultKind::ErrorAfter => {
            work.await?;
            Err(Failure::Ordered(StatusCode::INTERNAL_SERVER_ERROR))
        }
        CallFaultKind::HangAfter => {
            work.await?;
            wait(app, ms).await;
            Err(Failure::Ordered(StatusCode::GATEWAY_TIMEOUT))
        }
        CallFaultKind::Slow => {
            wait(app, ms).await;
            Ok(work.await?)
        }
    }
}

/// Waits, but not longer than the provider lives.
async fn wait(app: &App, ms: u64) {
    let mut stopping = app.stopping.clone();
    tokio::select! {
        () = tokio::time::sleep(Duration::from_millis(ms)) => {}
        _ = stopping.wait_for(|&stop| stop) => {}
    }
}

/// How a payment of this order goes under the faults switched on.
pub(crate) fn pay_terms(app: &App, order_no: &str) -> ledger::PayTerms {
    let Faults { pay, callback, .. } = app.faults.of(order_no);
    ledger::PayTerms { pay, callback }
}

#[derive(Deserialize)]
struct OfMerchant {
    merchant_id: Option<String>,
}

/// What a payment led to.
#[derive(Serialize)]
struct Paid {
    transactions: Vec<Transaction>,
}

async fn pay_order(
    State(app): Shared,
    Path(order_no): Path<String>,
    Query(OfMerchant { merchant_id }): Query<OfMerchant>,
) -> Answer<Paid> {
    let terms = pay_terms(&app, &order_no);
    let work = app.book.run(move |book| {
        let order = match merchant_id {
            Some(merchant_id) => ledger::get_order(book, &merchant_id, &order_no)?,
            None => ledger::get_any_order(book, &order_no)?,
        };
        ledger::pay(book, &order, &terms, now_ms())
    });
    let transactions = work.await?;
    app.callbacks_due.notify_one();
    Ok(Json(Paid { transactions }))
}

#[derive(Deserialize)]
struct PayMany {
    merchant_id: String,
    orders: Vec<CreateOrder>,
}

/// Creates and pays orders in one commit. Each is idempotent as alone; one that is refused refuses
/// all.
async fn pay_many(State(app): Shared, body: Bytes) -> Answer<Paid> {
    let PayMany {
        merchant_id,
        orders,
    } = read(&body)?;
    if !app.merchants.contains_key(&merchant_id) {
        return Err(refused(RefusalCode::NotFound, format!("no merchant {merchant_id}")).into());
    }
    if MAX_BATCH < orders.len() {
        return Err(invalid(format!("at most {MAX_BATCH} orders at once")).into());
    }
    orders
        .iter()
        .try_for_each(CreateOrder::check)
        .map_err(invalid)?;
    let terms: Vec<_> = orders
        .iter()
        .map(|order| pay_terms(&app, &order.order_no))
        .collect();
    let work = app.book.run(move |book| {
        let now_ms = now_ms();
        let mut transactions = Vec::with_capacity(orders.len());
        for (order, terms) in orders.iter().zip(&terms) {
            ledger::create_order(book, &merchant_id, order, now_ms)?;
            let order = ledger::get_order(book, &merchant_id, &order.order_no)?;
            transactions.extend(ledger::pay(book, &order, terms, now_ms)?);
        }
        Ok(transactions)
    });
    let transactions = work.await?;
    app.callbacks_due.notify_one();
    Ok(Json(Paid { transactions }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetFaults {
    /// Absent: for everything.
    order_no: Option<String>,
    faults: Faults,
}

async fn set_faults(State(app): Shared, body: Bytes) -> Answer<FaultSets> {
    let SetFaults { order_no, faults } = read(&body)?;
    let for_all = order_no.is_none();
    app.faults.set(order_no, faults).map_err(invalid)?;
    if for_all {
        release_held(&app).await?;
    }
    Ok(Json(app.faults.sets()))
}

async fn show_faults(State(app): Shared) -> Json<FaultSets> {
    Json(app.faults.sets())
}

async fn clear_faults(State(app): Shared) -> Answer<FaultSets> {
    app.faults.clear();
    release_held(&app).await?;
    Ok(Json(app.faults.sets()))
}

async fn release_held(app: &App) -> Result<(), Stop> {
    app.book.run(|book| Ok(ledger::release_held(book)?)).await?;
    app.callbacks_due.notify_one();
    Ok(())
}

#[derive(Serialize)]
struct AllBooks {
    merchants: Vec<Books>,
}

async fn all_books(State(app): Shared) -> Answer<AllBooks> {
    let mut ids: Vec<String> = app.merchants.keys().cloned().collect();
    ids.sort();
    let work = app.book.run(move |book| {
        let books = ids.iter().map(|id| ledger::books(book, id, now_ms()));
        Ok(books.collect::<Result<_, _>>()?)
    });
    Ok(Json(AllBooks {
        merchants: work.await?,
    }))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Stop> {
    serde_json::from_slice(body).map_err(|error| invalid(error.to_string()))
}

fn check_url(url: &str) -> Result<(), Stop> {
    let parsed = reqwest::Url::parse(url).ok();
    match parsed.filter(|url| matches!(url.scheme(), "http" | "https")) {
        Some(_) => Ok(()),
        None => Err(invalid(format!("{url:?} is not an http or https address"))),
    }
}

fn invalid(message: String) -> Stop {
    refused(RefusalCode::Invalid, message)
}

/// Why a request is answered with an error.
pub(crate) enum Failure {
    /// The work was not done, or nobody knows.
    Stop(Stop),
    /// A fault that was switched on.
    Ordered(StatusCode),
}

impl From<Stop> for Failure {
    fn from(stop: Stop) -> Failure {
        Failure::Stop(stop)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Failure::Stop(Stop::Refused(refusal)) => refuse(refusal),
            Failure::Stop(Stop::Broken(error)) => {
                tracing::error!(%error, "the provider's book refuses to work");
                trouble(StatusCode::INTERNAL_SERVER_ERROR)
            }
            Failure::Stop(Stop::Lost) => trouble(StatusCode::SERVICE_UNAVAILABLE),
            Failure::Ordered(status) => trouble(status),
        }
    }
}

fn refuse(refusal: Refusal) -> Response {
    let status = match refusal.code {
        RefusalCode::Invalid | RefusalCode::Other => StatusCode::BAD_REQUEST,
        RefusalCode::Unauthorized => StatusCode::UNAUTHORIZED,
        RefusalCode::NotFound => StatusCode::NOT_FOUND,
        RefusalCode::Conflict
        | RefusalCode::OrderPaid
        | RefusalCode::OrderClosed
        | RefusalCode::RefundTooLarge => StatusCode::CONFLICT,
    };
    let body = ErrorBody {
        code: refusal.code.as_str().to_owned(),
        message: refusal.message,
    };
    (status, Json(body)).into_response()
}

fn trouble(status: StatusCode) -> Response {
    let body = ErrorBody {
        code: "trouble".to_owned(),
        message: "try again later".to_owned(),
    };
    (status, Json(body)).into_response()
}
