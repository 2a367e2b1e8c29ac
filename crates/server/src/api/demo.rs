//! What exists in a demonstration only.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;
use views::DemoMessage;

use crate::app::{Shared, store_problem};
use crate::config::Demo;
use crate::http::{Params, Problem, Result};
use crate::wire::{Demo as DemoPage, InboxItem, List, Words};

/// Whose inbox.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct InboxQuery {
    /// Whose codes.
    phone: String,
}

/// The codes that would have been sent to a phone, newest first.
#[utoipa::path(get, path = "/demo/inbox", tag = "demo", params(InboxQuery), responses((status = 200, description = "Codes", body = List<InboxItem>)))]
pub(crate) async fn inbox(
    State(app): Shared,
    Params(query): Params<InboxQuery>,
) -> Result<Json<List<InboxItem>>> {
    if !app.config.demo.is_on() {
        return Err(absent());
    }
    let found = app
        .people
        .directory()
        .demo_inbox(&query.phone)
        .await
        .map_err(store_problem)?;
    let item = |DemoMessage { phone, code, at }: DemoMessage| InboxItem {
        phone,
        code,
        at: at.into(),
    };
    Ok(Json(List {
        items: found.into_iter().map(item).collect(),
        next: None,
    }))
}

/// The demonstration's accounts.
#[utoipa::path(get, path = "/demo", tag = "demo", responses((status = 200, description = "Accounts", body = DemoPage)))]
pub(crate) async fn accounts(State(app): Shared) -> Result<Json<DemoPage>> {
    match &app.config.demo {
        Demo::Off => Err(absent()),
        Demo::On { accounts, .. } => Ok(Json(DemoPage {
            accounts: accounts.clone(),
            banner: banner(),
        })),
    }
}

fn banner() -> Words {
    Words {
        zh: "演示环境：商品、支付和短信都不是真的。".to_owned(),
        en: "Demonstration: products, payments and text messages are not real.".to_owned(),
    }
}

fn absent() -> Problem {
    Problem::not_found("demo_absent", "this is no demonstration")
}
