//! The platform's side of a payment channel.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use reqwest::{Client, Method, Response, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{CallbackError, ChannelError, ConfigError, Doubt, Refusal, RefusalCode};
use crate::http::{self, now_ms};
use crate::sign::{
    ApiSecret, CallbackKey, HEADER_NONCE, HEADER_SIGNATURE, HEADER_TIMESTAMP, Signed,
};
use crate::wire::{
    BookPage, BookPayout, BookRefund, Books, CreateOrder, CreatePayout, CreateRefund, Created,
    EVENT_PAID, ErrorBody, MAX_ORDER_NO_BYTES, MAX_REFUND_NO_BYTES, MAX_SKEW_MS, Notice,
    OrderState, PayoutPage, PayoutState, QueryTransactions, RefundState, Transaction, Transactions,
    check_amount, check_no, check_txn_id,
};

/// How to reach a provider as one of its merchants.
#[derive(Clone, Debug)]
pub struct ChannelConfig {
    /// Where the provider answers, e.g. `https://api.provider.example`.
    pub provider_url: String,
    /// Our number at the provider; letters, digits, `-` and `_`, at most 32.
    pub merchant_id: String,
    /// What our requests are signed with.
    pub api_secret: ApiSecret,
    /// What the provider's callbacks are checked with.
    pub callback_key: CallbackKey,
    /// Where the provider announces payments, as it reaches us.
    pub notify_url: String,
    /// Where the payer's browser goes afterwards; `{order_no}` is replaced.
    pub return_url: String,
    /// How long to wait for an answer before the outcome counts as unknown.
    pub timeout: Duration,
}

impl ChannelConfig {
    /// A wait that a payer at a page accepts.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
}

/// An order to be paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order<'a> {
    /// Our number of it, the idempotency key; letters, digits, `-` and `_`, at most 32.
    pub order_no: &'a str,
    /// What to pay, in fen; at least 1.
    pub amount_fen: i64,
    /// What the payer reads; at most 400 bytes.
    pub description: &'a str,
    /// Comes back with every payment; at most 128 bytes.
    pub attach: &'a str,
    /// From this moment on the provider takes no payment.
    pub expires_at_ms: i64,
}

/// Where a payer pays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayPage {
    /// Address of the provider's page.
    pub url: String,
}

/// Money to give back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refund<'a> {
    /// Our number of it, the idempotency key; letters, digits, `-` and `_`, at most 64.
    pub refund_no: &'a str,
    /// The payment that it gives back, wholly or in part.
    pub txn_id: &'a str,
    /// How much, in fen.
    pub amount_fen: i64,
    /// Why, for the payer's statement; at most 240 bytes.
    pub reason: &'a str,
}

/// Money for somebody outside: a member's withdrawal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payout<'a> {
    /// Our number of it, the idempotency key; letters, digits, `-` and `_`, at most 64.
    pub payout_no: &'a str,
    /// The payee's account; at most 128 bytes.
    pub account: &'a str,
    /// The payee's name, which the provider compares with the account's; at most 128 bytes.
    pub name: &'a str,
    /// How much, in fen.
    pub amount_fen: i64,
    /// Why, for the payee's statement; at most 240 bytes.
    pub reason: &'a str,
}

/// A payment the provider has announced, checked to be its own words to us.
///
/// The same one may come many times and long after; `txn_id` tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// The order that was paid.
    pub order_no: String,
    /// The provider's number of the payment; printable ASCII, at most 32 bytes.
    pub txn_id: String,
    /// What was paid, in fen.
    pub amount_fen: i64,
    /// The order's attach.
    pub attach: String,
    /// When it was paid.
    pub paid_at_ms: i64,
}

/// A payment channel. Cheap to clone; all clones share their connections.
#[derive(Clone, Debug)]
pub struct Channel {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: ChannelConfig,
    base: Url,
    client: Client,
}

impl Channel {
    /// Sets a channel up; no call is made.
    pub fn new(config: ChannelConfig) -> Result<Channel, ConfigError> {
        let base = Url::parse(&config.provider_url)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or_else(|| ConfigError::Address(config.provider_url.clone()))?;
        check_no("merchant_id", &config.merchant_id, MAX_ORDER_NO_BYTES)
            .map_err(|_| ConfigError::Merchant(config.merchant_id.clone()))?;
        let client = http::client(&base, config.timeout).map_err(ConfigError::Client)?;
        Ok(Channel {
            inner: Arc::new(Inner {
                config,
                base,
                client,
            }),
        })
    }

    /// Our number at the provider.
    #[must_use]
    pub fn merchant_id(&self) -> &str {
        &self.inner.config.merchant_id
    }

    /// Opens an order and says where to pay it.
    ///
    /// Idempotent by `order_no`: the same content gives the same page, until the order has been paid
    /// ([`RefusalCode::OrderPaid`]); other content is refused with [`RefusalCode::Conflict`].
    pub async fn create_order(&self, order: &Order<'_>) -> Result<PayPage, ChannelError> {
        let config = &self.inner.config;
        let body = CreateOrder {
            order_no: order.order_no.to_owned(),
            amount_fen: order.amount_fen,
            description: order.description.to_owned(),
            attach: order.attach.to_owned(),
            expires_at_ms: order.expires_at_ms,
            notify_url: Some(config.notify_url.clone()),
            return_url: Some(config.return_url.replace("{order_no}", order.order_no)),
        };
        body.check().map_err(invalid)?;
        let created: Created = self.post("v1/orders", &body).await?;
        if created.order_no != order.order_no {
            return Err(unfit(format!(
                "asked for order {}, got {}",
                body.order_no, created.order_no
            )));
        }
        Ok(PayPage {
            url: created.page_url,
        })
    }

    /// What the provider knows of an order.
    ///
    /// [`RefusalCode::NotFound`] where it was never created (a create still on its way may arrive
    /// later).
    pub async fn query(&self, order_no: &str) -> Result<OrderState, ChannelError> {
        check_no("order_no", order_no, MAX_ORDER_NO_BYTES).map_err(invalid)?;
        let state: OrderState = self.get(&format!("v1/orders/{order_no}")).await?;
        for transaction in &state.transactions {
            self.check_transaction(transaction)?;
            if transaction.order_no != order_no {
                return Err(unfit(format!(
                    "asked for order {order_no}, got another's payment"
                )));
            }
        }
        Ok(state)
    }

    /// The payments with these ids, in the same order; `None` where this merchant has none.
    /// At most [`MAX_BATCH`](crate::MAX_BATCH) ids.
    pub async fn query_transactions(
        &self,
        txn_ids: &[&str],
    ) -> Result<Vec<Option<Transaction>>, ChannelError> {
        let txn_ids = txn_ids.iter().map(|&txn_id| txn_id.to_owned()).collect();
        let body = QueryTransactions { txn_ids };
        body.check().map_err(invalid)?;
        let answer: Transactions = self.post("v1/transactions/query", &body).await?;
        let found = answer.transactions;
        if found.len() != body.txn_ids.len() {
            let (asked, got) = (body.txn_ids.len(), found.len());
            return Err(unfit(format!(
                "asked for {asked} transactions, got {got} answers"
            )));
        }
        for (txn_id, transaction) in body.txn_ids.iter().zip(&found) {
            let Some(transaction) = transaction else {
                continue;
            };
            self.check_transaction(transaction)?;
            if transaction.txn_id != *txn_id {
                return Err(unfit(format!(
                    "asked for {txn_id}, got {}",
                    transaction.txn_id
                )));
            }
        }
        Ok(found)
    }

    /// Closes an order that must not be paid any more. Closing it twice, or when it has expired,
    /// is fine; [`RefusalCode::OrderPaid`] if a payment came first.
    pub async fn close_order(&self, order_no: &str) -> Result<(), ChannelError> {
        check_no("order_no", order_no, MAX_ORDER_NO_BYTES).map_err(invalid)?;
        let path = format!("v1/orders/{order_no}/close");
        let _: serde::de::IgnoredAny = self.post(&path, &serde_json::json!({})).await?;
        Ok(())
    }

    /// Gives money back the way it came.
    ///
    /// Idempotent by `refund_no`: repeated, it is one refund and tells where it stands; with other
    /// content [`RefusalCode::Conflict`]. [`RefusalCode::RefundTooLarge`] beyond what was paid.
    pub async fn refund(&self, refund: &Refund<'_>) -> Result<RefundState, ChannelError> {
        let body = CreateRefund {
            refund_no: refund.refund_no.to_owned(),
            txn_id: refund.txn_id.to_owned(),
            amount_fen: refund.amount_fen,
            reason: refund.reason.to_owned(),
        };
        body.check().map_err(invalid)?;
        let answer: BookRefund = self.post("v1/refunds", &body).await?;
        let fits = answer.refund_no == refund.refund_no
            && answer.txn_id == refund.txn_id
            && answer.amount_fen == refund.amount_fen;
        if !fits {
            return Err(unfit(format!(
                "asked for refund {}, got another",
                refund.refund_no
            )));
        }
        Ok(answer.state)
    }

    /// Where a refund stands; [`RefusalCode::NotFound`] if it never arrived.
    pub async fn query_refund(&self, refund_no: &str) -> Result<RefundState, ChannelError> {
        check_no("refund_no", refund_no, MAX_REFUND_NO_BYTES).map_err(invalid)?;
        let answer: BookRefund = self.get(&format!("v1/refunds/{refund_no}")).await?;
        if answer.refund_no != refund_no {
            return Err(unfit(format!(
                "asked for refund {refund_no}, got {}",
                answer.refund_no
            )));
        }
        Ok(answer.state)
    }

    /// Pays money out.
    ///
    /// Idempotent by `payout_no`: repeated, it is one payout and tells where it stands; with other content
    /// [`RefusalCode::Conflict`].
    pub async fn payout(&self, payout: &Payout<'_>) -> Result<PayoutState, ChannelError> {
        let body = CreatePayout {
            payout_no: payout.payout_no.to_owned(),
            account: payout.account.to_owned(),
            name: payout.name.to_owned(),
            amount_fen: payout.amount_fen,
            reason: payout.reason.to_owned(),
        };
        body.check().map_err(invalid)?;
        let answer: BookPayout = self.post("v1/payouts", &body).await?;
        let fits = answer.payout_no == payout.payout_no && answer.amount_fen == payout.amount_fen;
        if !fits {
            return Err(unfit(format!(
                "asked for payout {}, got another",
                payout.payout_no
            )));
        }
        Ok(answer.state)
    }

    /// Where a payout stands; [`RefusalCode::NotFound`] if it never arrived.
    pub async fn query_payout(&self, payout_no: &str) -> Result<PayoutState, ChannelError> {
        check_no("payout_no", payout_no, MAX_REFUND_NO_BYTES).map_err(invalid)?;
        let answer: BookPayout = self.get(&format!("v1/payouts/{payout_no}")).await?;
        if answer.payout_no != payout_no {
            return Err(unfit(format!(
                "asked for payout {payout_no}, got {}",
                answer.payout_no
            )));
        }
        Ok(answer.state)
    }

    /// All our payouts at the provider, oldest first, in pages: start with 0, go on with [`PayoutPage::next`].
    pub async fn book_payouts(&self, after: i64) -> Result<PayoutPage, ChannelError> {
        self.get(&format!("v1/books/payouts?after={after}")).await
    }

    /// The sums of our book at the provider, now; to be compared with ours.
    pub async fn books(&self) -> Result<Books, ChannelError> {
        self.get("v1/books").await
    }

    /// All our orders at the provider with their payments and refunds, oldest first, in pages:
    /// start with 0, go on with [`BookPage::next`].
    pub async fn book_orders(&self, after: i64) -> Result<BookPage, ChannelError> {
        self.get(&format!("v1/books/orders?after={after}")).await
    }

    /// Checks that a callback is the provider's, fresh, and for us; nothing in it may be believed
    /// otherwise. Takes the body exactly as it came.
    pub fn verify_callback(
        &self,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Callback, CallbackError> {
        self.verify_callback_at(headers, body, now_ms())
    }

    /// [`Channel::verify_callback`] with the caller's clock, in milliseconds since 1970.
    pub fn verify_callback_at(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now_ms: i64,
    ) -> Result<Callback, CallbackError> {
        let timestamp = header(headers, HEADER_TIMESTAMP)?;
        let nonce = header(headers, HEADER_NONCE)?;
        let signature = header(headers, HEADER_SIGNATURE)?;
        let signed_at_ms = timestamp
            .parse::<i64>()
            .ok()
            .and_then(|seconds| seconds.checked_mul(1000))
            .ok_or(CallbackError::Header(HEADER_TIMESTAMP))?;
        if !self
            .inner
            .config
            .callback_key
            .verifies(timestamp, nonce, body, signature)
        {
            return Err(CallbackError::Forged);
        }
        if !is_fresh(signed_at_ms, now_ms) {
            return Err(CallbackError::Stale {
                signed_at_ms,
                now_ms,
            });
        }
        self.read_notice(body)
    }

    fn read_notice(&self, body: &[u8]) -> Result<Callback, CallbackError> {
        let notice: Notice = serde_json::from_slice(body)
            .map_err(|error| CallbackError::Malformed(error.to_string()))?;
        if notice.merchant_id != self.inner.config.merchant_id {
            return Err(CallbackError::WrongMerchant(notice.merchant_id));
        }
        if notice.event != EVENT_PAID {
            return Err(CallbackError::Malformed(format!(
                "event {:?}",
                notice.event
            )));
        }
        check_no("order_no", &notice.order_no, MAX_ORDER_NO_BYTES)
            .and_then(|()| check_txn_id(&notice.txn_id))
            .and_then(|()| check_amount(notice.amount_fen))
            .map_err(CallbackError::Malformed)?;
        Ok(Callback {
            order_no: notice.order_no,
            txn_id: notice.txn_id,
            amount_fen: notice.amount_fen,
            attach: notice.attach,
            paid_at_ms: notice.paid_at_ms,
        })
    }

    fn check_transaction(&self, transaction: &Transaction) -> Result<(), ChannelError> {
        if transaction.merchant_id != self.inner.config.merchant_id {
            return Err(unfit(format!(
                "a payment of merchant {}",
                transaction.merchant_id
            )));
        }
        check_txn_id(&transaction.txn_id).map_err(unfit)
    }

    async fn get<A: DeserializeOwned>(&self, path: &str) -> Result<A, ChannelError> {
        self.call(Method::GET, path, Vec::new()).await
    }

    async fn post<A: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<A, ChannelError> {
        let body = serde_json::to_vec(body).map_err(|error| invalid(error.to_string()))?;
        self.call(Method::POST, path, body).await
    }

    async fn call<A: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
    ) -> Result<A, ChannelError> {
        let Inner {
            config,
            base,
            client,
        } = &*self.inner;
        let mut address = base.as_str().trim_end_matches('/').to_owned();
        address.push('/');
        address.push_str(path);
        let url = Url::parse(&address).map_err(|error| invalid(error.to_string()))?;
        let target = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        let signed = Signed {
            method: method.as_str(),
            target: &target,
            body: &body,
        };
        let authorization = signed.authorization(&config.merchant_id, &config.api_secret, now_ms());
        let answer = client
            .request(method, url)
            .header(AUTHORIZATION, authorization)
            .header(CONTENT_TYPE, "application/json")
            .body(body)
            .send()
            .await
            .map_err(no_answer)?;
        let status = answer.status();
        read_answer(status, &read_body(answer).await?)
    }
}

/// Largest answer that is read, in bytes: a full page of the books is a tenth of it.
const MAX_ANSWER_BYTES: usize = 32 << 20;

async fn read_body(mut answer: Response) -> Result<Vec<u8>, ChannelError> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(no_answer)? {
        if MAX_ANSWER_BYTES < body.len() + chunk.len() {
            return Err(unfit(format!("more than {MAX_ANSWER_BYTES} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Sorts an answer into a result, a no, or a doubt. Only a 4xx in the provider's own words is a no:
/// a bare one may come from something between us.
fn read_answer<A: DeserializeOwned>(status: StatusCode, body: &[u8]) -> Result<A, ChannelError> {
    if status.is_success() {
        return serde_json::from_slice(body).map_err(|error| unfit(error.to_string()));
    }
    let trouble = || {
        ChannelError::Unknown(Doubt::Trouble {
            status: status.as_u16(),
        })
    };
    let ask_again = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
    if !status.is_client_error() || ask_again.contains(&status) {
        return Err(trouble());
    }
    let error: ErrorBody = serde_json::from_slice(body).map_err(|_| trouble())?;
    let code = RefusalCode::from_wire(&error.code);
    Err(ChannelError::Refused(Refusal::new(code, error.message)))
}

/// Exactly five minutes is still fresh.
pub(crate) fn is_fresh(signed_at_ms: i64, now_ms: i64) -> bool {
    signed_at_ms.abs_diff(now_ms) <= MAX_SKEW_MS.unsigned_abs()
}

fn header<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, CallbackError> {
    let mut values = headers.get_all(name).iter();
    match (
        values.next().and_then(|value| value.to_str().ok()),
        values.next(),
    ) {
        (Some(value), None) => Ok(value),
        (_, _) => Err(CallbackError::Header(name)),
    }
}

fn no_answer(error: reqwest::Error) -> ChannelError {
    ChannelError::Unknown(Doubt::NoAnswer(error))
}

fn unfit(what: String) -> ChannelError {
    ChannelError::Unknown(Doubt::Unfit(what))
}

fn invalid(what: String) -> ChannelError {
    ChannelError::Refused(Refusal::new(RefusalCode::Invalid, what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign::CallbackSigner;

    #[test]
    fn an_answer_is_a_result_a_no_or_a_doubt() {
        #[track_caller]
        fn check(status: u16, body: &str, expected: &str) {
            let status = StatusCode::from_u16(status).unwrap();
            let outcome = match read_answer::<Created>(status, body.as_bytes()) {
                Ok(created) => created.page_url,
                Err(ChannelError::Refused(refusal)) => refusal.to_string(),
                Err(ChannelError::Unknown(doubt)) => format!("unknown: {doubt}"),
            };
            assert!(outcome.starts_with(expected), "{outcome}");
        }
        let no = r#"{"code":"conflict","message":"m"}"#;
        //    status  body                                    outcome
        check(200, r#"{"order_no":"1","page_url":"p"}"#, "p");
        check(200, "<html>", "unknown: an answer that does not fit");
        check(200, "", "unknown: an answer that does not fit");
        check(302, "", "unknown: the provider answered with status 302");
        check(409, no, "conflict: m");
        check(400, r#"{"code":"new_reason","message":"m"}"#, "other: m");
        check(
            404,
            "<html>no such page at this proxy",
            "unknown: the provider answered with",
        );
        check(429, no, "unknown: the provider answered with status 429");
        check(408, no, "unknown: the provider answered with status 408");
        check(500, no, "unknown: the provider answered with status 500");
    }

    #[test]
    fn signed_by_the_provider_is_not_enough() {
        let signer = CallbackSigner::from_seed(&[7; 32]).unwrap();
        let channel = Channel::new(ChannelConfig {
            provider_url: "http://127.0.0.1:1".to_owned(),
            merchant_id: "shop-1".to_owned(),
            api_secret: ApiSecret::new("s"),
            callback_key: signer.key(),
            notify_url: String::new(),
            return_url: String::new(),
            timeout: ChannelConfig::DEFAULT_TIMEOUT,
        })
        .unwrap();
        let check = |change: &str, expected: Option<&str>| {
            let mut notice = serde_json::json!({
                "event": EVENT_PAID, "merchant_id": "shop-1", "order_no": "4711-3", "txn_id": "42x",
                "amount_fen": 9_900, "attach": "", "paid_at_ms": 1_000
            });
            let change: serde_json::Value = serde_json::from_str(change).unwrap();
            for (field, value) in change.as_object().unwrap() {
                notice[field] = value.clone();
            }
            let body = notice.to_string();
            let mut headers = HeaderMap::new();
            let signature = signer.sign("1", "n", body.as_bytes());
            headers.insert(HEADER_TIMESTAMP, "1".parse().unwrap());
            headers.insert(HEADER_NONCE, "n".parse().unwrap());
            headers.insert(HEADER_SIGNATURE, signature.parse().unwrap());
            let error = channel
                .verify_callback_at(&headers, body.as_bytes(), 1_000)
                .err();
            let error = error.map(|error| error.to_string());
            match (error.as_deref(), expected) {
                (None, None) => {}
                (Some(error), Some(expected)) => assert!(error.contains(expected), "{error}"),
                (error, _) => panic!("{change}: {error:?}"),
            }
        };
        //    changed                              refused because of
        check("{}", None);
        check(r#"{"a_new_field": 1}"#, None);
        check(r#"{"event": "refund.success"}"#, Some("refund.success"));
        check(r#"{"merchant_id": "shop-2"}"#, Some("merchant shop-2"));
        check(r#"{"order_no": "../1"}"#, Some("order_no"));
        check(r#"{"txn_id": ""}"#, Some("transaction id"));
        check(r#"{"txn_id": "交易"}"#, Some("transaction id"));
        check(
            r#"{"txn_id": "123456789012345678901234567890123"}"#,
            Some("transaction id"),
        );
        check(r#"{"amount_fen": 0}"#, Some("amount_fen"));
        check(r#"{"amount_fen": -9900}"#, Some("amount_fen"));
        check(r#"{"amount_fen": 99.5}"#, Some("floating point"));
        check(r#"{"amount_fen": "9900"}"#, Some("invalid type"));
        check(r#"{"paid_at_ms": null}"#, Some("invalid type"));
    }

    #[test]
    fn a_channel_that_cannot_work_is_refused_at_once() {
        let check = |provider_url: &str, merchant_id: &str, expected: &str| {
            let config = ChannelConfig {
                provider_url: provider_url.to_owned(),
                merchant_id: merchant_id.to_owned(),
                api_secret: ApiSecret::new("s"),
                callback_key: CallbackKey([0; 32]),
                notify_url: String::new(),
                return_url: String::new(),
                timeout: ChannelConfig::DEFAULT_TIMEOUT,
            };
            let outcome = match Channel::new(config) {
                Ok(_) => "fine".to_owned(),
                Err(error) => error.to_string(),
            };
            assert!(outcome.contains(expected), "{outcome}");
        };
        check("http://127.0.0.1:1/base/", "shop-1", "fine");
        check("127.0.0.1:1", "shop-1", "not an http or https address");
        check(
            "ftp://pay.example",
            "shop-1",
            "not an http or https address",
        );
        check("http://127.0.0.1:1", "", "not a merchant id");
        check("http://127.0.0.1:1", "a\",b=\"", "not a merchant id");
    }
}
