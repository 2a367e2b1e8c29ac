//! How bodies, idempotency keys, path segments and queries are read: strictly, bounded, and every mistake a problem.

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequest, FromRequestParts, Query, RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use domain::{
    CampaignId, CounterId, GroupId, IdempotencyKey, MemberId, MerchantId, OperatorId, OrderId,
    PaymentId, PurchaseId, Region, SkuId, StatementId, StoreId, TableId, WithdrawalId,
};
use futures_util::StreamExt;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};

use super::problem::{Problem, Result};

/// Most bytes of a request's body.
pub(crate) const BODY_BYTES: usize = 64 * 1024;
/// Most bytes of a gateway's batch.
pub(crate) const BATCH_BYTES: usize = 1024 * 1024;
/// Most bytes of an idempotency key.
const KEY_BYTES: usize = 64;
/// Most bytes of a body that are taken from the wire at all.
const DRAIN_BYTES: usize = 32 * 1024 * 1024;
/// How long a body may take to arrive.
const BODY_WITHIN: Duration = Duration::from_secs(20);
/// Most characters of a reader's complaint that are passed on.
const COMPLAINT_CHARS: usize = 300;
/// Most items of a page, and how many without a wish.
const PAGE_MOST: u32 = 100;
const PAGE_DEFAULT: u32 = 20;

/// A JSON body of at most `MOST` bytes.
pub(crate) struct Sent<T, const MOST: usize = BODY_BYTES>(pub(crate) T);

/// A client's write: its idempotency key, bound to method, path and body, and the JSON body.
pub(crate) struct Write<T, const MOST: usize = BODY_BYTES> {
    pub(crate) key: IdempotencyKey,
    pub(crate) body: T,
}

/// A gateway's batch as it came, of up to [`BATCH_BYTES`]: JSON that is read where it lies. Its idempotency key is
/// checked and not kept: each item is named by its payment or token.
pub(crate) struct BatchText(Bytes);

impl BatchText {
    /// Reads the batch.
    pub(crate) fn read<'a, T: Deserialize<'a>>(&'a self) -> Result<T> {
        json(text_of(&self.0)?)
    }
}

impl<S: Send + Sync> FromRequest<S> for BatchText {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<BatchText> {
        let (parts, body) = request.into_parts();
        key_of(&parts.headers)?;
        let bytes = read(body, BATCH_BYTES).await?;
        if !bytes.is_empty() {
            is_json(&parts.headers)?;
        }
        Ok(BatchText(bytes))
    }
}

/// A write whose body is JSON that its handler reads from the bytes as they came.
pub(crate) struct WriteText {
    pub(crate) key: IdempotencyKey,
    pub(crate) text: Bytes,
}

/// The body of writes that need none: nothing, or `{}`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoBody {}

/// A request with an idempotency key that is checked and not kept: it shows that no form of another site has sent it.
pub(crate) struct Keyed;

/// A body exactly as it came, for signed callbacks.
pub(crate) struct Raw(pub(crate) HeaderMap, pub(crate) Bytes);

/// A file as it came, with an idempotency key that is checked and not kept: the same file again is the same.
pub(crate) struct Upload(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for Upload {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Upload> {
        let (parts, body) = request.into_parts();
        key_of(&parts.headers)?;
        Ok(Upload(read(body, views::MAX_PICTURE_BYTES).await?))
    }
}

/// The one parameter of a path.
pub(crate) struct Segment<T>(pub(crate) T);

/// The query of a list.
pub(crate) struct Params<T>(pub(crate) T);

/// Where a list goes on and how much of it.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Page {
    /// Most items, 1 to 100; 20 without it.
    pub(crate) limit: Option<u32>,
    /// `next` of the page before.
    pub(crate) cursor: Option<String>,
    /// Answer from a state that holds at least this sequence.
    pub(crate) at_least: Option<u64>,
}

impl Page {
    /// Which page of a view this asks for.
    pub(crate) fn of(&self) -> Result<views::Page> {
        page_of(items(self.limit)?, self.cursor.as_deref())
    }
}

/// The number of items to give for a wish; 400 outside 1 to 100.
pub(crate) fn items(limit: Option<u32>) -> Result<u32> {
    let limit = limit.unwrap_or(PAGE_DEFAULT);
    if !(1..=PAGE_MOST).contains(&limit) {
        return Err(Problem::bad_request(
            "query_invalid",
            "limit is from 1 to 100",
        ));
    }
    Ok(limit)
}

/// The page of so many items after a cursor; 400 where the cursor is none of ours.
pub(crate) fn page_of(items: u32, cursor: Option<&str>) -> Result<views::Page> {
    let wrong = |_| Problem::bad_request("cursor_invalid", "this is no cursor of this list");
    let after = cursor
        .map(|cursor| cursor.parse().map_err(wrong))
        .transpose()?;
    Ok(views::Page::new(after, items))
}

impl<S: Send + Sync, T: DeserializeOwned, const MOST: usize> FromRequest<S> for Sent<T, MOST> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Sent<T, MOST>> {
        let (parts, body) = request.into_parts();
        let bytes = read(body, MOST).await?;
        parse(&parts.headers, &bytes).map(Sent)
    }
}

impl<S: Send + Sync, T: DeserializeOwned, const MOST: usize> FromRequest<S> for Write<T, MOST> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Write<T, MOST>> {
        written(request).await.map(|(write, _)| write)
    }
}

impl<S: Send + Sync> FromRequest<S> for WriteText {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<WriteText> {
        let (write, text) = written::<IgnoredAny, BODY_BYTES>(request).await?;
        Ok(WriteText {
            key: write.key,
            text,
        })
    }
}

/// Reads a write, and its body as it came.
async fn written<T: DeserializeOwned, const MOST: usize>(
    request: Request,
) -> Result<(Write<T, MOST>, Bytes)> {
    let (parts, body) = request.into_parts();
    let key = key_of(&parts.headers)?.to_owned();
    let bytes = read(body, MOST).await?;
    let body = parse(&parts.headers, &bytes)?;
    let mut content = Sha256::new();
    content.update(parts.method.as_str());
    content.update(b"\n");
    content.update(parts.uri.path());
    content.update(b"\n");
    content.update(&bytes);
    let key = IdempotencyKey {
        key: half(Sha256::digest(key.as_bytes()).into()),
        content: half(content.finalize().into()),
    };
    Ok((Write { key, body }, bytes))
}

impl<S: Send + Sync> FromRequestParts<S> for Keyed {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Keyed> {
        key_of(&parts.headers).map(|_| Keyed)
    }
}

impl<S: Send + Sync> FromRequest<S> for Raw {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Raw> {
        let (parts, body) = request.into_parts();
        Ok(Raw(parts.headers, read(body, BODY_BYTES).await?))
    }
}

/// The client's idempotency key; 400 where it is missing, too long or not visible ASCII.
fn key_of(headers: &HeaderMap) -> Result<&str> {
    let mut values = headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else {
        let detail = "every write needs a header Idempotency-Key, a new one for each thing done";
        return Err(Problem::bad_request("idempotency_key_missing", detail));
    };
    let good = |key: &&str| {
        !key.is_empty() && key.len() <= KEY_BYTES && key.bytes().all(|byte| byte.is_ascii_graphic())
    };
    match (value.to_str().ok().filter(good), values.next()) {
        (Some(key), None) => Ok(key),
        (_, _) => {
            let detail = "one Idempotency-Key of 1 to 64 visible ASCII characters is needed";
            Err(Problem::bad_request("idempotency_key_invalid", detail))
        }
    }
}

fn half(digest: [u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&digest[..16]);
    half
}

/// Reads a body of at most `most` bytes. Of a larger one the rest is taken from the wire and thrown away, up to a
/// bound: a client that is still sending would else see a broken connection and not the answer.
async fn read(body: Body, most: usize) -> Result<Bytes> {
    read_within(body, most, BODY_WITHIN).await
}

async fn read_within(body: Body, most: usize, within: Duration) -> Result<Bytes> {
    let reading = async {
        let expected = usize::try_from(body.size_hint().lower()).unwrap_or(most);
        let mut bytes = Vec::with_capacity(expected.min(most));
        let (mut stream, mut seen) = (body.into_data_stream(), 0usize);
        while let Some(chunk) = stream.next().await {
            let chunk =
                chunk.map_err(|_| Problem::bad_request("body_incomplete", "the body broke off"))?;
            seen = seen.saturating_add(chunk.len());
            if seen <= most {
                bytes.extend_from_slice(&chunk);
            } else if DRAIN_BYTES < seen {
                break;
            }
        }
        if most < seen {
            let detail = format!("a body of at most {most} bytes is read here");
            return Err(Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "body_too_large",
                detail,
            ));
        }
        Ok(Bytes::from(bytes))
    };
    let slow = |_| {
        Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "body_slow",
            format!("the body took longer than {} s", within.as_secs()),
        )
    };
    tokio::time::timeout(within, reading).await.map_err(slow)?
}

fn parse<T: DeserializeOwned>(headers: &HeaderMap, bytes: &[u8]) -> Result<T> {
    if !bytes.is_empty() {
        is_json(headers)?;
    }
    json(text_of(bytes)?)
}

fn text_of(bytes: &[u8]) -> Result<&str> {
    if bytes.is_empty() {
        return Ok("{}");
    }
    std::str::from_utf8(bytes)
        .map_err(|_| Problem::bad_request("body_not_utf8", "the body is not UTF-8"))
}

fn json<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T> {
    // A list would be read as the fields of an object in their order.
    if text.trim_start().starts_with('[') {
        return Err(Problem::unprocessable(
            "body_invalid",
            "the body is a JSON object",
        ));
    }
    serde_json::from_str(text).map_err(|error| {
        let complaint: String = error.to_string().chars().take(COMPLAINT_CHARS).collect();
        match error.classify() {
            serde_json::error::Category::Data => Problem::unprocessable("body_invalid", complaint),
            serde_json::error::Category::Io
            | serde_json::error::Category::Syntax
            | serde_json::error::Category::Eof => Problem::bad_request("json_malformed", complaint),
        }
    })
}

fn is_json(headers: &HeaderMap) -> Result<()> {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let detail = "bodies are JSON: Content-Type: application/json";
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "content_type_unsupported",
        detail,
    ))
}

/// What can stand in a path. A text that is no id names nothing: it is answered like an unknown one.
pub(crate) trait InPath: Sized {
    /// Code of the 404.
    const UNKNOWN: &'static str;
    /// Reads the one spelling there is.
    fn read(text: &str) -> Option<Self>;
}

/// A decimal with one spelling: no sign, no leading zero.
pub(crate) fn decimal<N: std::str::FromStr + std::fmt::Display>(text: &str) -> Option<N> {
    text.parse::<N>()
        .ok()
        .filter(|number| number.to_string() == text)
}

impl InPath for CampaignId {
    const UNKNOWN: &'static str = "campaign_unknown";
    fn read(text: &str) -> Option<CampaignId> {
        decimal(text).map(CampaignId)
    }
}

impl InPath for GroupId {
    const UNKNOWN: &'static str = "group_unknown";
    fn read(text: &str) -> Option<GroupId> {
        decimal(text).map(GroupId)
    }
}

impl InPath for MemberId {
    const UNKNOWN: &'static str = "member_unknown";
    fn read(text: &str) -> Option<MemberId> {
        decimal(text).map(MemberId)
    }
}

impl InPath for OrderId {
    const UNKNOWN: &'static str = "order_unknown";
    fn read(text: &str) -> Option<OrderId> {
        decimal(text).map(OrderId)
    }
}

impl InPath for MerchantId {
    const UNKNOWN: &'static str = "merchant_unknown";
    fn read(text: &str) -> Option<MerchantId> {
        decimal(text).map(MerchantId)
    }
}

impl InPath for StatementId {
    const UNKNOWN: &'static str = "statement_unknown";
    fn read(text: &str) -> Option<StatementId> {
        decimal(text).map(StatementId)
    }
}

impl InPath for CounterId {
    const UNKNOWN: &'static str = "counter_payment_unknown";
    fn read(text: &str) -> Option<CounterId> {
        decimal(text).map(CounterId)
    }
}

impl InPath for TableId {
    const UNKNOWN: &'static str = "table_unknown";
    fn read(text: &str) -> Option<TableId> {
        decimal(text).map(TableId)
    }
}

/// What guests know a table by: 32 hexadecimal digits, small letters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TableToken(pub(crate) [u8; 16]);

impl InPath for TableToken {
    const UNKNOWN: &'static str = "table_unknown";
    fn read(text: &str) -> Option<TableToken> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
            return None;
        };
        let bytes = pairs
            .iter()
            .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?));
        let bytes: Vec<u8> = bytes.collect::<Option<_>>()?;
        bytes.try_into().ok().map(TableToken)
    }
}

/// A circle, by its first group.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CircleNumber(pub(crate) GroupId);

impl InPath for CircleNumber {
    const UNKNOWN: &'static str = "circle_unknown";
    fn read(text: &str) -> Option<CircleNumber> {
        decimal(text).map(GroupId).map(CircleNumber)
    }
}

/// An application to become a merchant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ApplicationNumber(pub(crate) u32);

/// What waits for a second operator.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ApprovalNumber(pub(crate) u32);

impl InPath for ApprovalNumber {
    const UNKNOWN: &'static str = "approval_unknown";
    fn read(text: &str) -> Option<ApprovalNumber> {
        decimal(text).map(ApprovalNumber)
    }
}

impl InPath for ApplicationNumber {
    const UNKNOWN: &'static str = "application_unknown";
    fn read(text: &str) -> Option<ApplicationNumber> {
        decimal(text).map(ApplicationNumber)
    }
}

/// A merchant's draft.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DraftNumber(pub(crate) u32);

impl InPath for DraftNumber {
    const UNKNOWN: &'static str = "draft_unknown";
    fn read(text: &str) -> Option<DraftNumber> {
        decimal(text).map(DraftNumber)
    }
}

/// An account of a merchant's staff.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StaffNumber(pub(crate) OperatorId);

impl InPath for StaffNumber {
    const UNKNOWN: &'static str = "staff_unknown";
    fn read(text: &str) -> Option<StaffNumber> {
        decimal(text).map(OperatorId).map(StaffNumber)
    }
}

impl InPath for StoreId {
    const UNKNOWN: &'static str = "store_unknown";
    fn read(text: &str) -> Option<StoreId> {
        decimal(text).map(StoreId)
    }
}

impl InPath for WithdrawalId {
    const UNKNOWN: &'static str = "withdrawal_unknown";
    fn read(text: &str) -> Option<WithdrawalId> {
        decimal(text).map(WithdrawalId)
    }
}

impl InPath for Region {
    const UNKNOWN: &'static str = "region_unknown";
    fn read(text: &str) -> Option<Region> {
        text.parse().ok()
    }
}

impl InPath for PaymentId {
    const UNKNOWN: &'static str = "payment_unknown";
    fn read(text: &str) -> Option<PaymentId> {
        text.parse().ok()
    }
}

impl InPath for SkuId {
    const UNKNOWN: &'static str = "sku_unknown";
    fn read(text: &str) -> Option<SkuId> {
        decimal(text).map(SkuId)
    }
}

impl InPath for PurchaseId {
    const UNKNOWN: &'static str = "purchase_unknown";
    fn read(text: &str) -> Option<PurchaseId> {
        decimal(text).map(PurchaseId)
    }
}

/// A product.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProductNumber(pub(crate) u32);

impl InPath for ProductNumber {
    const UNKNOWN: &'static str = "product_unknown";
    fn read(text: &str) -> Option<ProductNumber> {
        decimal(text).map(ProductNumber)
    }
}

/// What somebody on the staff signs in with.
#[derive(Clone, Debug)]
pub(crate) struct OperatorName(pub(crate) String);

impl InPath for OperatorName {
    const UNKNOWN: &'static str = "operator_unknown";
    fn read(text: &str) -> Option<OperatorName> {
        (!text.is_empty()).then(|| OperatorName(text.to_owned()))
    }
}

/// A picture, by the hash of its bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PictureName(pub(crate) [u8; 32]);

impl InPath for PictureName {
    const UNKNOWN: &'static str = "picture_unknown";
    fn read(text: &str) -> Option<PictureName> {
        let hash: draw::Hash = text.parse().ok()?;
        (hash.to_string() == text).then_some(PictureName(hash.0))
    }
}

/// A beacon round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round(pub(crate) u64);

impl InPath for Round {
    const UNKNOWN: &'static str = "round_unknown";
    fn read(text: &str) -> Option<Round> {
        decimal(text).map(Round)
    }
}

/// A closed dividend pool, by the record that closed it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PoolNumber(pub(crate) u64);

impl InPath for PoolNumber {
    const UNKNOWN: &'static str = "dividend_unknown";
    fn read(text: &str) -> Option<PoolNumber> {
        decimal(text).map(PoolNumber)
    }
}

impl<S: Send + Sync, T: InPath> FromRequestParts<S> for Segment<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Segment<T>> {
        let unknown = || Problem::not_found(T::UNKNOWN, "there is no such thing here");
        let params = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|_| unknown())?;
        let (_, text) = params.iter().next().ok_or_else(unknown)?;
        T::read(text).map(Segment).ok_or_else(unknown)
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Params<T>> {
        let Query(query) = Query::from_request_parts(parts, state).await.map_err(
            |rejection: QueryRejection| {
                let complaint: String = rejection
                    .body_text()
                    .chars()
                    .take(COMPLAINT_CHARS)
                    .collect();
                Problem::bad_request("query_invalid", complaint)
            },
        )?;
        Ok(Params(query))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[expect(dead_code, reason = "only reading it is tested")]
        group: String,
    }

    #[track_caller]
    fn check(content_type: &'static str, body: &[u8], code: &str) {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::CONTENT_TYPE,
            header::HeaderValue::from_static(content_type),
        );
        let found = match parse::<Sample>(&headers, body) {
            Ok(_) => "read",
            Err(problem) => problem.code(),
        };
        assert_eq!(found, code, "{:?}", String::from_utf8_lossy(body));
    }

    #[test]
    fn bodies() {
        let json = "application/json";
        check(json, br#"{"group":"1"}"#, "read");
        check(
            "application/JSON; charset=utf-8",
            br#"{"group":"1"}"#,
            "read",
        );
        check(
            "text/plain",
            br#"{"group":"1"}"#,
            "content_type_unsupported",
        );
        check(json, b"", "body_invalid");
        check(json, br#"{"group":1}"#, "body_invalid");
        check(json, br#"{"group":"1","seat":2}"#, "body_invalid");
        check(json, br#"{"group":"1","group":"2"}"#, "body_invalid");
        check(json, br#"{"group":"1""#, "json_malformed");
        check(json, br#"{"group":"1"}}"#, "json_malformed");
        check(json, b"{\"group\":\"\xff\"}", "body_not_utf8");
        check(json, "[".repeat(1000).as_bytes(), "body_invalid");
    }

    #[test]
    fn keys() {
        for (key, code) in [
            ("a", ""),
            (&"a".repeat(64), ""),
            (&"a".repeat(65), "idempotency_key_invalid"),
            ("a b", "idempotency_key_invalid"),
            ("", "idempotency_key_invalid"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("idempotency-key", key.parse().unwrap());
            assert_eq!(
                key_of(&headers)
                    .err()
                    .map(|problem| problem.code())
                    .unwrap_or_default(),
                code,
                "{key:?}"
            );
        }
        assert_eq!(
            key_of(&HeaderMap::new()).unwrap_err().code(),
            "idempotency_key_missing"
        );
    }

    #[test]
    fn ids_have_one_spelling() {
        for bad in [
            "",
            "01",
            "+1",
            "-1",
            " 1",
            "1e3",
            "18446744073709551616",
            "一",
        ] {
            assert!(GroupId::read(bad).is_none(), "{bad:?}");
        }
        assert_eq!(
            GroupId::read("18446744073709551615"),
            Some(GroupId(u64::MAX))
        );
    }

    #[tokio::test]
    async fn bodies_that_break_off_or_never_end() {
        let broken = std::io::Error::other("the wire broke");
        let chunks = [Ok(Bytes::from_static(b"{")), Err(broken)];
        let body = Body::from_stream(futures_util::stream::iter(chunks));
        let refused = read(body, 10).await.unwrap_err();
        assert_eq!(refused.code(), "body_incomplete");
        let never = futures_util::stream::pending::<std::io::Result<Bytes>>();
        let body = Body::from_stream(never);
        let refused = read_within(body, 10, Duration::from_millis(10)).await;
        assert_eq!(refused.unwrap_err().code(), "body_slow");
    }
}
