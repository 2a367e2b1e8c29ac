//! The HTTP interface: API, sign-in, server-sent events, workers against payment channel and beacon, embedded web
//! client.
//!
//! The way of a request: `http` (limits, headers, strict reading) → `auth` (who asks) → `api` (one file per resource)
//! → a [`domain::Command`] through the engine, or a read of the views. No rule stands in here: refusals come from the
//! domain and become statuses in one place, `http::problem`.
//!
//! The way of money: `money::orders` creates an order at the channel once a reservation is durable; notices, questions
//! and gateways' batches end in `money::arrivals`; `money::refunds` sends back what the world says is due. `draws` finds
//! beacon rounds and settles groups. `follower` keeps the views up to date.

mod api;
mod app;
mod audit;
mod auth;
mod ballots;
mod beacon;
mod causes;
mod config;
mod draws;
mod follower;
mod fresh;
mod gather;
mod http;
mod lost_beacons;
mod money;
mod notices;
mod once;
mod ops;
mod parts;
mod people;
mod people_money;
mod present;
mod printed;
mod served;
mod server;
mod staff;
mod terms;
mod tls;
mod web;
mod wire;

pub use api::openapi_json;
pub use beacon::BeaconSetupError;
pub use causes::chain;
pub use config::{
    ChannelKind, ClientAddress, Config, Connectors, Demo, DemoReach, DrawInstallation, DrawSource,
    Limits, MIN_WEBHOOK_SECRET_BYTES, Pace, ShortSecret, SignInCodes, Webhook, WebhookSecret,
};
pub use http::Rate;
pub use money::payout_no;
pub use parts::no_lost_journal;
pub use server::{Running, ServeError, make_data_dir, serve, start};
pub use staff::{
    MIN_PASSWORD_CHARS, StaffError, check_shell_reason, finance_add, gateway_add, note_at_shell,
    operator_add, operator_password, operator_remove,
};
pub use wire::DemoAccount;
