//! The sandbox's payment provider: an HTTP server with a durable book of its own.
//!
//! It behaves like a real provider: signed requests, a payment page, callbacks repeated until they
//! are answered, idempotent keys, refunds that take their time. What a real one does not have is
//! under `/sandbox/`: paying without a browser and ordering faults. Nothing there is signed, so a
//! provider must listen where only its own people reach it.
//!
//! | as a real provider has it | |
//! |---|---|
//! | `POST /v1/orders` | creates an order, answers its page |
//! | `GET /v1/orders/{order_no}` | status and payments |
//! | `POST /v1/orders/{order_no}/close` | no payment any more |
//! | `POST /v1/transactions/query` | many payments by id |
//! | `POST /v1/refunds`, `GET /v1/refunds/{refund_no}` | gives money back |
//! | `POST /v1/payouts`, `GET /v1/payouts/{payout_no}` | pays money out |
//! | `GET`, `POST /payouts/{token}` | the page on which a payee confirms a payout, if he must |
//! | `GET /v1/books/payouts?after=` | every payout |
//! | `GET /v1/books`, `GET /v1/books/orders?after=` | sums, and every order with all its movements |
//! | `GET /v1/callback-key` | the public key of callbacks; unsigned |
//! | `GET`, `POST /pay/{token}` | the payment page and its button |
//!
//! | sandbox only | |
//! |---|---|
//! | `POST /sandbox/orders/{order_no}/pay` | what the page's button does; `?merchant_id=` if in doubt |
//! | `POST /sandbox/payments` | creates and pays up to 1000 orders at once, for load generators |
//! | `POST /sandbox/faults` | sets the [`Faults`] of everything, or of one order |
//! | `GET`, `DELETE /sandbox/faults` | lists them; ends all |
//! | `GET /sandbox/books` | the sums of all merchants |
//!
//! The book survives the death of the process at any moment (kill -9): whatever was answered is in
//! it. Its last moments may be lost with the power, which a sandbox may: SQLite's write-ahead log is
//! not flushed to the disk at each commit.

mod api;
mod book;
mod callbacks;
mod faults;
mod ledger;
mod page;
mod payouts;
mod provider;
#[cfg(test)]
mod tests;

pub use book::payments_in;
pub use faults::{
    CallFault, CallFaultKind, CallbackFaults, Faults, PayFaults, PayoutFaults, RefundFaults,
};
pub use provider::{
    BookLocation, Merchant, Provider, ProviderConfig, ProviderError, Retry, Running,
};
