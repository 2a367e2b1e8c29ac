//! Payment channels, and the sandbox's provider.
//!
//! [`Channel`] is the platform's side: it creates orders, asks about them, refunds, pays out, and checks the
//! provider's callbacks. [`sandbox::Provider`] is the other side: an HTTP server with a durable
//! book of its own, which behaves like a real provider, faults included. The two share nothing
//! but the bytes on the wire, so the platform cannot tell that it talks to a sandbox.
//!
//! Why a refusal and a doubt are different errors: a payment call that timed out may have done its
//! work. [`ChannelError::Refused`] means nothing was done and the answer will not change;
//! [`ChannelError::Unknown`] means repeat with the same key, which the provider makes one effect.
//!
//! Amounts are whole fen, times are milliseconds since 1970 in UTC.

mod channel;
mod error;
mod http;
mod sign;
mod wire;

pub mod sandbox;

pub use channel::{Callback, Channel, ChannelConfig, Order, PayPage, Payout, Refund};
pub use error::{CallbackError, ChannelError, ConfigError, Doubt, KeyError, Refusal, RefusalCode};
pub use sign::{ApiSecret, CallbackKey, HEADER_NONCE, HEADER_SIGNATURE, HEADER_TIMESTAMP};
pub use wire::{
    BookOrder, BookPage, BookPayout, BookRefund, Books, MAX_AMOUNT_FEN, MAX_ATTACH_BYTES,
    MAX_BATCH, MAX_BOOK_PAGE, MAX_DESCRIPTION_BYTES, MAX_ORDER_NO_BYTES, MAX_PAYEE_BYTES,
    MAX_REASON_BYTES, MAX_REFUND_NO_BYTES, MAX_SKEW_MS, MAX_TXN_ID_BYTES, OrderState, OrderStatus,
    PayoutPage, PayoutState, RefundState, Transaction,
};
