//! What can go wrong between the platform and its payment provider, sorted by what to do next.

/// Why a call to the provider gave no result.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// The provider said no. Nothing was done, and the same request will be refused again.
    #[error("the payment provider refused: {0}")]
    Refused(Refusal),
    /// Nobody knows whether it was done: ask, or repeat with the same key.
    #[error("the outcome at the payment provider is unknown, repeat with the same key: {0}")]
    Unknown(Doubt),
}

impl ChannelError {
    /// The refusal's code, or `None` where the outcome is unknown.
    #[must_use]
    pub fn refusal(&self) -> Option<RefusalCode> {
        match self {
            ChannelError::Refused(refusal) => Some(refusal.code),
            ChannelError::Unknown(_) => None,
        }
    }
}

/// The provider's no, with its reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refusal {
    /// The reason as a stable code.
    pub code: RefusalCode,
    /// The reason in words, for logs and operators.
    pub message: String,
}

impl Refusal {
    pub(crate) fn new(code: RefusalCode, message: impl Into<String>) -> Refusal {
        Refusal {
            code,
            message: message.into(),
        }
    }
}

/// Why the provider said no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefusalCode {
    /// A field is missing, too long or out of range.
    Invalid,
    /// The request's signature, merchant or timestamp is not accepted.
    Unauthorized,
    /// No such order, transaction or refund at this merchant.
    NotFound,
    /// The key was used before with other content.
    Conflict,
    /// The order has been paid, so it cannot be closed, nor paid again.
    OrderPaid,
    /// The order was closed or has expired, so it cannot be paid.
    OrderClosed,
    /// The refunds of this transaction would exceed what was paid.
    RefundTooLarge,
    /// A reason this version does not know; the message has it.
    Other,
}

impl RefusalCode {
    /// The code as it stands on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            RefusalCode::Invalid => "invalid",
            RefusalCode::Unauthorized => "unauthorized",
            RefusalCode::NotFound => "not_found",
            RefusalCode::Conflict => "conflict",
            RefusalCode::OrderPaid => "order_paid",
            RefusalCode::OrderClosed => "order_closed",
            RefusalCode::RefundTooLarge => "refund_too_large",
            RefusalCode::Other => "other",
        }
    }

    pub(crate) fn from_wire(text: &str) -> RefusalCode {
        match text {
            "invalid" => RefusalCode::Invalid,
            "unauthorized" => RefusalCode::Unauthorized,
            "not_found" => RefusalCode::NotFound,
            "conflict" => RefusalCode::Conflict,
            "order_paid" => RefusalCode::OrderPaid,
            "order_closed" => RefusalCode::OrderClosed,
            "refund_too_large" => RefusalCode::RefundTooLarge,
            _ => RefusalCode::Other,
        }
    }
}

impl std::fmt::Display for RefusalCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why an outcome is unknown.
#[derive(Debug, thiserror::Error)]
pub enum Doubt {
    /// No connection, or none that lived until the answer; time-outs are among these.
    #[error("no answer")]
    NoAnswer(#[source] reqwest::Error),
    /// The provider answered that it has trouble of its own.
    #[error("the provider answered with status {status}")]
    Trouble {
        /// HTTP status.
        status: u16,
    },
    /// The answer cannot be read, or belongs to another request.
    #[error("an answer that does not fit the request: {0}")]
    Unfit(String),
}

/// Why a callback is not believed. Answer 401 and change nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallbackError {
    /// A header is absent or cannot be read.
    #[error("header {0} is absent or malformed")]
    Header(&'static str),
    /// The callback was signed too long ago, or in the future: a replay or a wrong clock.
    #[error("signed at {signed_at_ms} ms, more than 5 minutes from now ({now_ms} ms)")]
    Stale {
        /// What the provider says.
        signed_at_ms: i64,
        /// Our clock.
        now_ms: i64,
    },
    /// The signature is not the provider's over this timestamp, nonce and body.
    #[error("the signature is not the provider's")]
    Forged,
    /// Signed by the provider, yet not a payment notice as agreed.
    #[error("the body is not a payment notice: {0}")]
    Malformed(String),
    /// A true notice, for somebody else.
    #[error("the notice is for merchant {0}")]
    WrongMerchant(String),
}

/// Why a channel cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The provider's address is not an http or https URL.
    #[error("{0:?} is not an http or https address")]
    Address(String),
    /// The merchant id is empty, too long or has characters that are not allowed.
    #[error("{0:?} is not a merchant id")]
    Merchant(String),
    /// The HTTP client cannot be made (usually: no root certificates on this machine).
    #[error("cannot make the HTTP client")]
    Client(#[source] reqwest::Error),
}

/// Why a text is not a callback key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a callback key is 64 hexadecimal digits")]
pub struct KeyError;
