//! Every answer that is not a success: RFC 9457 problem+json with a stable `code`.
//!
//! Why one type for all of them: clients branch on `code`, so unknown routes, bad JSON, refusals of the domain and a
//! full queue must come in one shape. What is whose fault decides the status, in [`From<Refusal>`] and nowhere else.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::{
    AllianceRefusal, CircleRefusal, DeletionRefusal, IdentityRefusal, RechargeRefusal, Refusal,
    ShopRefusal, TableRefusal,
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::wire;

/// An answer that is not a success.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
    extra: Map<String, Value>,
    retry_after_s: Option<u32>,
}

/// The body of every answer that is not a success (`application/problem+json`, RFC 9457). Some codes add fields.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody {
    /// Names the code as a URI.
    #[serde(rename = "type")]
    #[schema(example = "urn:potluck:problem:group_full")]
    kind: String,
    /// The code in words.
    title: String,
    /// HTTP status.
    status: u16,
    /// Stable, for programs.
    #[schema(example = "group_full")]
    code: &'static str,
    /// For people, in English.
    detail: String,
    /// Fields that belong to this code.
    #[serde(flatten)]
    #[schema(ignore)]
    extra: Map<String, Value>,
}

/// What handlers return.
pub(crate) type Result<T> = std::result::Result<T, Problem>;

impl Problem {
    /// Whether the request was understood and refused: asked again, it would be refused again.
    pub(crate) fn is_refusal(&self) -> bool {
        self.status.is_client_error() && self.status != StatusCode::TOO_MANY_REQUESTS
    }

    /// Whether nothing happened because there was too much to do.
    pub(crate) fn is_busy(&self) -> bool {
        self.code == "busy"
    }

    /// Its code, and in words.
    pub(crate) fn why(&self) -> (&str, &str) {
        (self.code, &self.detail)
    }

    /// A problem of this status and code.
    pub(crate) fn new(
        status: StatusCode,
        code: &'static str,
        detail: impl Into<String>,
    ) -> Problem {
        Problem {
            status,
            code,
            detail: detail.into(),
            extra: Map::new(),
            retry_after_s: None,
        }
    }

    /// 400: the request itself is malformed.
    pub(crate) fn bad_request(code: &'static str, detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 401: who asks is not known.
    pub(crate) fn unauthorized(code: &'static str, detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::UNAUTHORIZED, code, detail)
    }

    /// 404: there is no such thing, or it is none of the caller's business.
    pub(crate) fn not_found(code: &'static str, detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, code, detail)
    }

    /// 409: it is not the time for this.
    pub(crate) fn conflict(code: &'static str, detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::CONFLICT, code, detail)
    }

    /// 422: readable, but not acceptable.
    pub(crate) fn unprocessable(code: &'static str, detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }

    /// 429, with when to come again.
    pub(crate) fn rate_limited(after_s: u32) -> Problem {
        Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limited",
            "too many requests; wait and repeat",
        )
        .retry_after(after_s)
    }

    /// 503 `busy`: nothing happened; the same request may be repeated.
    pub(crate) fn busy() -> Problem {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "busy",
            "too much to do at once; nothing happened, repeat it",
        )
        .retry_after(1)
    }

    /// 503 `stopped`: the outcome is unknown; repeat with the same key.
    pub(crate) fn stopped() -> Problem {
        let detail = "the platform is stopping; whether this was done is unknown, repeat it with the same key";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "stopped", detail).retry_after(5)
    }

    /// 503 `timed_out`: the outcome is unknown; repeat with the same key.
    pub(crate) fn timed_out(within: std::time::Duration) -> Problem {
        let detail = format!(
            "this took longer than {} s; whether it was done is unknown, repeat it with the same key",
            within.as_secs()
        );
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "timed_out", detail).retry_after(5)
    }

    /// A fault of ours, logged where it is made; the caller learns only that it is not his.
    pub(crate) fn fault(what: &str, error: &dyn std::fmt::Display) -> Problem {
        tracing::error!(%error, "{what}: {error}");
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "fault",
            "something broke on our side; it has been logged",
        )
    }

    /// The same with a field that belongs to the code.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Problem {
        self.extra.insert(name.to_owned(), value.into());
        self
    }

    /// The same with a `Retry-After`, in seconds.
    #[must_use]
    pub(crate) fn retry_after(mut self, seconds: u32) -> Problem {
        self.retry_after_s = Some(seconds);
        self
    }

    /// Its stable name.
    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    /// Its text for people.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// Its body.
    pub(crate) fn text(self) -> String {
        // Text and numbers can always be written.
        serde_json::to_string(&self.body()).unwrap_or_default()
    }

    fn body(self) -> ProblemBody {
        let mut title = self.code.replace('_', " ");
        if let Some(first) = title.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        ProblemBody {
            kind: format!("urn:potluck:problem:{}", self.code),
            title,
            status: self.status.as_u16(),
            code: self.code,
            detail: self.detail,
            extra: self.extra,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, retry_after_s) = (self.status, self.retry_after_s);
        let refused = RefusedWith {
            code: self.code,
            detail: self.detail.clone(),
        };
        let mut response = (status, Json(self.body())).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(refused);
        response
    }
}

/// What the audit trail notes of a refusal; travels in the response's extensions.
#[derive(Clone, Debug)]
pub(crate) struct RefusedWith {
    pub(crate) code: &'static str,
    pub(crate) detail: String,
}

impl From<Refusal> for Problem {
    /// The one place where refusals of the domain become statuses.
    fn from(refusal: Refusal) -> Problem {
        let problem = plain(&refusal);
        match refusal {
            Refusal::InvalidCampaign { field, must }
            | Refusal::InvalidPlan { field, must }
            | Refusal::InvalidProfile { field, must } => {
                problem.with("field", field).with("must", must)
            }
            Refusal::Alliance(refusal) => of_alliance(problem, &refusal),
            Refusal::PromiseForbidden { field, promise } => promised(problem, field, promise),
            Refusal::WinRateNotWhole { nearest, .. } => problem
                .with("field", "group.win_rate")
                .with("nearest", json!(wire::win_pairs(&nearest))),
            Refusal::ProfileForbids { limit, .. } => problem.with("limit", limit),
            Refusal::NotSolvent(short) => problem.with("shortfall", wire::shortfall(&short)),
            Refusal::RegionStands { from } | Refusal::TooEarlyToVoid { from, .. } => {
                problem.with("from", wire::rfc3339(from))
            }
            Refusal::WithdrawalTooSmall(minimum) => problem.with("minimum", minimum.to_decimal()),
            Refusal::NotAvailable { available: x } => problem.with("available", x.to_decimal()),
            Refusal::ClawbackTooLarge { left }
            | Refusal::TaxTooLarge { left }
            | Refusal::SuppliersTooLarge { left }
            | Refusal::WithdrawalDayLimit { left } => problem.with("left", left.to_decimal()),
            Refusal::Overflow
            | Refusal::KeyReused
            | Refusal::NotYourself { .. }
            | Refusal::PaymentUsedElsewhere(_)
            | Refusal::TagMissing
            | Refusal::UnknownMember(_)
            | Refusal::UnknownInviter(_)
            | Refusal::UnknownCampaign(_)
            | Refusal::UnknownGroup(_)
            | Refusal::UnknownOrder(_)
            | Refusal::UnknownRefund(_)
            | Refusal::PaymentNotInMemory(_)
            | Refusal::GroupNotInMemory(_)
            | Refusal::UnknownPlan { .. }
            | Refusal::OwnMoneyBelowZero(_)
            | Refusal::AmountNotPositive
            | Refusal::LeaderNotPaid(_)
            | Refusal::GroupFull(_)
            | Refusal::GroupNotOpen(_)
            | Refusal::GroupNotFull(_)
            | Refusal::SeatLimit { .. }
            | Refusal::NotInGroup { .. }
            | Refusal::DrawOfAnotherFreeze(_)
            | Refusal::RoundNotAwaited(_)
            | Refusal::OrderState(_)
            | Refusal::NotYourOrder(_)
            | Refusal::UnknownRank { .. }
            | Refusal::UnknownRegion(_)
            | Refusal::RegionHasAgent(_)
            | Refusal::RegionVacant(_)
            | Refusal::UnknownWithdrawal(_)
            | Refusal::WithdrawalState(_)
            | Refusal::MemberFrozen(_)
            | Refusal::Circle(_)
            | Refusal::Ballot(_)
            | Refusal::InvalidLimits => problem,
            Refusal::Identity(refusal) => identity_details(problem, &refusal),
            Refusal::Shop(refusal) => shop_details(problem, &refusal),
            Refusal::Table(refusal) => table_details(problem, &refusal),
            Refusal::Recharge(refusal) => recharge_details(problem, &refusal),
            Refusal::Deletion(refusal) => deletion_details(problem, &refusal),
            Refusal::SelfExcluded { until }
            | Refusal::ExclusionStands { until }
            | Refusal::LossPause { until } => problem.with("until", wire::rfc3339(until)),
            Refusal::EntriesLimit { most } => problem.with("most", most),
            Refusal::MoneyLimit { most } => problem.with("most", most.to_decimal()),
        }
    }
}

fn promised(problem: Problem, field: &str, promise: &str) -> Problem {
    problem.with("field", field).with("promise", promise)
}

/// Status, code and text of a refusal.
fn plain(refusal: &Refusal) -> Problem {
    Problem::new(
        status_of(refusal),
        public_code(refusal),
        public_detail(refusal),
    )
}

fn status_of(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::Alliance(refusal) => alliance_status(refusal),
        Refusal::Shop(refusal) => shop_status(refusal),
        Refusal::Recharge(RechargeRefusal::UnknownRecharge(_)) => StatusCode::NOT_FOUND,
        Refusal::Deletion(DeletionRefusal::Gone(_)) => StatusCode::FORBIDDEN,
        Refusal::Circle(refusal) => circle_status(refusal),
        Refusal::Table(refusal) => table_status(refusal),
        Refusal::Recharge(_) | Refusal::Deletion(_) | Refusal::Ballot(_) => StatusCode::CONFLICT,
        Refusal::Identity(refusal) => match refusal {
            IdentityRefusal::NotVerified | IdentityRefusal::TooYoung { .. } => StatusCode::CONFLICT,
            IdentityRefusal::AgeInvalid | IdentityRefusal::OrganiserInvalid => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
        },
        Refusal::NotYourself { .. } | Refusal::MemberFrozen(_) | Refusal::SelfExcluded { .. } => {
            StatusCode::FORBIDDEN
        }
        Refusal::UnknownMember(_)
        | Refusal::UnknownCampaign(_)
        | Refusal::UnknownGroup(_)
        | Refusal::UnknownOrder(_)
        | Refusal::UnknownRefund(_)
        | Refusal::RegionVacant(_)
        | Refusal::UnknownWithdrawal(_)
        | Refusal::NotYourOrder(_) => StatusCode::NOT_FOUND,
        Refusal::Overflow
        | Refusal::KeyReused
        | Refusal::UnknownInviter(_)
        | Refusal::InvalidCampaign { .. }
        | Refusal::WinRateNotWhole { .. }
        | Refusal::UnknownPlan { .. }
        | Refusal::ProfileForbids { .. }
        | Refusal::InvalidPlan { .. }
        | Refusal::InvalidLimits
        | Refusal::InvalidProfile { .. }
        | Refusal::PromiseForbidden { .. }
        | Refusal::UnknownRank { .. }
        | Refusal::UnknownRegion(_)
        | Refusal::NotSolvent(_)
        | Refusal::WithdrawalTooSmall(_)
        | Refusal::AmountNotPositive => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::PaymentNotInMemory(_)
        | Refusal::GroupNotInMemory(_)
        | Refusal::PaymentUsedElsewhere(_)
        | Refusal::TagMissing
        | Refusal::OwnMoneyBelowZero(_)
        | Refusal::LeaderNotPaid(_)
        | Refusal::GroupFull(_)
        | Refusal::GroupNotOpen(_)
        | Refusal::GroupNotFull(_)
        | Refusal::SeatLimit { .. }
        | Refusal::NotInGroup { .. }
        | Refusal::DrawOfAnotherFreeze(_)
        | Refusal::TooEarlyToVoid { .. }
        | Refusal::RoundNotAwaited(_)
        | Refusal::RegionStands { .. }
        | Refusal::ExclusionStands { .. }
        | Refusal::LossPause { .. }
        | Refusal::EntriesLimit { .. }
        | Refusal::MoneyLimit { .. }
        | Refusal::RegionHasAgent(_)
        | Refusal::WithdrawalState(_)
        | Refusal::NotAvailable { .. }
        | Refusal::WithdrawalDayLimit { .. }
        | Refusal::ClawbackTooLarge { .. }
        | Refusal::TaxTooLarge { .. }
        | Refusal::SuppliersTooLarge { .. }
        | Refusal::OrderState(_) => StatusCode::CONFLICT,
    }
}

fn of_alliance(problem: Problem, refusal: &AllianceRefusal) -> Problem {
    match refusal {
        AllianceRefusal::InvalidContract { field, must }
        | AllianceRefusal::InvalidBill { field, must }
        | AllianceRefusal::InvalidTransfer { field, must } => {
            problem.with("field", *field).with("must", *must)
        }
        AllianceRefusal::MerchantOwesLess { left } => problem.with("left", left.to_decimal()),
        AllianceRefusal::CounterOwesTooMuch { most } => problem.with("most", most.to_decimal()),
        AllianceRefusal::UnknownMerchant(_)
        | AllianceRefusal::UnknownStore(_)
        | AllianceRefusal::MerchantSuspended(_)
        | AllianceRefusal::MerchantMissing
        | AllianceRefusal::CommissionDiffers(_)
        | AllianceRefusal::CounterClosed(_)
        | AllianceRefusal::CounterCodeUnknown
        | AllianceRefusal::CounterCodeUsed
        | AllianceRefusal::UnknownCounter(_)
        | AllianceRefusal::CounterReversed(_)
        | AllianceRefusal::CounterVoidLate(_)
        | AllianceRefusal::HomeBound(_)
        | AllianceRefusal::HomeClosed(_)
        | AllianceRefusal::UnknownStatement(_)
        | AllianceRefusal::StatementState(_)
        | AllianceRefusal::StatementEmpty(_)
        | AllianceRefusal::TransferKnown => problem,
    }
}

fn alliance_status(refusal: &AllianceRefusal) -> StatusCode {
    match refusal {
        AllianceRefusal::UnknownMerchant(_)
        | AllianceRefusal::UnknownStore(_)
        | AllianceRefusal::UnknownCounter(_)
        | AllianceRefusal::UnknownStatement(_)
        | AllianceRefusal::CounterCodeUnknown => StatusCode::NOT_FOUND,
        AllianceRefusal::MerchantSuspended(_)
        | AllianceRefusal::CommissionDiffers(_)
        | AllianceRefusal::CounterClosed(_)
        | AllianceRefusal::CounterCodeUsed
        | AllianceRefusal::CounterReversed(_)
        | AllianceRefusal::CounterVoidLate(_)
        | AllianceRefusal::HomeBound(_)
        | AllianceRefusal::HomeClosed(_)
        | AllianceRefusal::CounterOwesTooMuch { .. }
        | AllianceRefusal::StatementState(_)
        | AllianceRefusal::StatementEmpty(_)
        | AllianceRefusal::MerchantOwesLess { .. }
        | AllianceRefusal::TransferKnown => StatusCode::CONFLICT,
        AllianceRefusal::InvalidContract { .. }
        | AllianceRefusal::InvalidBill { .. }
        | AllianceRefusal::InvalidTransfer { .. }
        | AllianceRefusal::MerchantMissing => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

fn table_status(refusal: &TableRefusal) -> StatusCode {
    match refusal {
        TableRefusal::Unknown | TableRefusal::NotATemplate(_) => StatusCode::NOT_FOUND,
        TableRefusal::Bill { .. } | TableRefusal::Seats { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        TableRefusal::TooMany | TableRefusal::Over(_) => StatusCode::CONFLICT,
        TableRefusal::OnlyByLink => StatusCode::FORBIDDEN,
    }
}

/// What the template allows.
fn table_details(problem: Problem, refusal: &TableRefusal) -> Problem {
    match refusal {
        TableRefusal::Bill { least, most } => problem
            .with("field", "bill")
            .with("least", least.to_string())
            .with("most", most.to_string()),
        TableRefusal::Seats { least, most } => problem
            .with("field", "seats")
            .with("least", *least)
            .with("most", *most),
        TableRefusal::Unknown
        | TableRefusal::NotATemplate(_)
        | TableRefusal::TooMany
        | TableRefusal::Over(_)
        | TableRefusal::OnlyByLink => problem,
    }
}

fn circle_status(refusal: &CircleRefusal) -> StatusCode {
    match refusal {
        CircleRefusal::Unknown(_) => StatusCode::NOT_FOUND,
        CircleRefusal::NotInCircle { .. } | CircleRefusal::HasLeft { .. } => StatusCode::FORBIDDEN,
        CircleRefusal::RoundRunning { .. } => StatusCode::CONFLICT,
    }
}

fn shop_details(problem: Problem, refusal: &ShopRefusal) -> Problem {
    match refusal {
        ShopRefusal::InvalidSku { field, must } => {
            problem.with("field", *field).with("must", *must)
        }
        ShopRefusal::PriceChanged(price) => problem.with("price", price.to_decimal()),
        ShopRefusal::OutOfStock { free, .. } => problem.with("free", *free),
        ShopRefusal::ReturnsUsedUp { left, .. } => problem.with("left", *left),
        ShopRefusal::TooManyCoins { most } => problem.with("most", most.to_decimal()),
        ShopRefusal::OrderWaits { from, .. } => problem.with("from", wire::rfc3339(*from)),
        ShopRefusal::GiftTooDear { cost } => problem.with("cost", cost.to_decimal()),
        ShopRefusal::CoinsShort { free } => problem.with("free", free.to_decimal()),
        ShopRefusal::UnknownSku(_)
        | ShopRefusal::NotOnSale(_)
        | ShopRefusal::OtherStore(_)
        | ShopRefusal::Units
        | ShopRefusal::TooManyReserved
        | ShopRefusal::UnknownPurchase(_)
        | ShopRefusal::NotYourPurchase(_)
        | ShopRefusal::PurchaseState(_) => problem,
    }
}

fn identity_details(problem: Problem, refusal: &IdentityRefusal) -> Problem {
    match refusal {
        IdentityRefusal::TooYoung { least } => problem.with("least", *least),
        IdentityRefusal::NotVerified
        | IdentityRefusal::AgeInvalid
        | IdentityRefusal::OrganiserInvalid => problem,
    }
}

fn deletion_details(problem: Problem, refusal: &DeletionRefusal) -> Problem {
    match refusal {
        DeletionRefusal::NotEmpty { left } => problem.with("left", left.to_decimal()),
        DeletionRefusal::Owes { owes } => problem.with("owes", owes.to_decimal()),
        DeletionRefusal::Gone(_) | DeletionRefusal::WithdrawalUnderWay => problem,
    }
}

fn recharge_details(problem: Problem, refusal: &RechargeRefusal) -> Problem {
    match refusal {
        RechargeRefusal::CapReached { left } => problem.with("left", left.to_decimal()),
        RechargeRefusal::UnknownRecharge(_)
        | RechargeRefusal::NothingLeft(_)
        | RechargeRefusal::Held(_) => problem,
    }
}

fn shop_status(refusal: &ShopRefusal) -> StatusCode {
    match refusal {
        ShopRefusal::UnknownSku(_)
        | ShopRefusal::UnknownPurchase(_)
        | ShopRefusal::NotYourPurchase(_) => StatusCode::NOT_FOUND,
        ShopRefusal::NotOnSale(_)
        | ShopRefusal::OtherStore(_)
        | ShopRefusal::PriceChanged(_)
        | ShopRefusal::OutOfStock { .. }
        | ShopRefusal::ReturnsUsedUp { .. }
        | ShopRefusal::CoinsShort { .. }
        | ShopRefusal::TooManyReserved
        | ShopRefusal::OrderWaits { .. }
        | ShopRefusal::PurchaseState(_) => StatusCode::CONFLICT,
        ShopRefusal::InvalidSku { .. }
        | ShopRefusal::GiftTooDear { .. }
        | ShopRefusal::Units
        | ShopRefusal::TooManyCoins { .. } => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

/// Whether somebody else's order exists is nobody's business, so both refusals look the same.
fn public_code(refusal: &Refusal) -> &'static str {
    hidden(refusal).as_ref().unwrap_or(refusal).code()
}

fn public_detail(refusal: &Refusal) -> String {
    hidden(refusal).as_ref().unwrap_or(refusal).to_string()
}

fn hidden(refusal: &Refusal) -> Option<Refusal> {
    if let Refusal::NotYourOrder(order) = refusal {
        Some(Refusal::UnknownOrder(*order))
    } else if let Refusal::Shop(ShopRefusal::NotYourPurchase(purchase)) = refusal {
        Some(ShopRefusal::UnknownPurchase(*purchase).into())
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::OrderId;

    #[test]
    fn somebody_elses_order_looks_like_none() {
        let (yours, none) = (
            Problem::from(Refusal::NotYourOrder(OrderId(7))),
            Problem::from(Refusal::UnknownOrder(OrderId(7))),
        );
        assert_eq!(
            (yours.status, yours.code, yours.detail),
            (none.status, none.code, none.detail)
        );
    }

    #[test]
    fn bodies_are_rfc_9457() {
        let body = serde_json::to_value(Problem::busy().with("queue", 3).body()).unwrap();
        assert_eq!(body["type"], "urn:potluck:problem:busy");
        assert_eq!(body["title"], "Busy");
        assert_eq!((&body["status"], &body["queue"]), (&json!(503), &json!(3)));
    }
}
