//! The routes of `/api/v1`, one file per resource. Handlers parse, ask who it is, and make a command or read a view;
//! they hold no rules.

mod approvals;
mod ballots;
mod beacon;
mod campaigns;
mod channel;
mod circles;
mod coins;
mod console;
mod counter;
mod deletion;
mod deliveries;
mod demo;
pub(crate) mod dividends;
mod draws;
mod fetch;
mod gateway;
mod groups;
mod home;
mod identities;
mod inbox;
mod limits;
mod me;
mod merchant;
mod merchant_orders;
mod merchants;
mod notice;
mod notice_text;
mod openapi;
mod operator;
mod operators;
mod orders;
mod payments;
mod platform;
mod profiles;
mod purchases;
mod recharges;
mod reports;
mod shop;
mod sign_in;
mod staff;
mod standing;
mod statements;
mod stores;
mod tables;
mod taxes;
mod withdrawals;

use std::sync::Arc;

use axum::Router;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
pub(crate) use deletion::{Leaving, sweep as sweep_deleted, sweep_all as sweep_all_deleted};

/// The routes under `/api/v1` and their description.
pub(crate) fn router() -> (Router<Arc<App>>, utoipa::openapi::OpenApi) {
    let members = OpenApiRouter::new()
        .routes(routes!(sign_in::send_code))
        .routes(routes!(sign_in::sign_in))
        .routes(routes!(sign_in::sign_out))
        .routes(routes!(me::me))
        .routes(routes!(deletion::delete))
        .routes(routes!(me::groups))
        .routes(routes!(me::wallet_lines))
        .routes(routes!(me::refunds))
        .routes(routes!(me::orders))
        .routes(routes!(standing::declare))
        .routes(routes!(merchants::apply, merchants::my_application))
        .routes(routes!(orders::receive))
        .routes(routes!(orders::send_back));
    let groups = OpenApiRouter::new()
        .routes(routes!(campaigns::list, campaigns::publish))
        .routes(routes!(campaigns::check))
        .routes(routes!(campaigns::page))
        .routes(routes!(campaigns::published))
        .routes(routes!(notice::notice))
        .routes(routes!(campaigns::groups, groups::open))
        .routes(routes!(groups::page))
        .routes(routes!(groups::join))
        .routes(routes!(groups::leave))
        .routes(routes!(groups::cancel))
        .routes(routes!(groups::events))
        .routes(routes!(payments::page))
        .routes(routes!(draws::page))
        .routes(routes!(draws::open_file))
        .routes(routes!(draws::seats_file))
        .routes(routes!(draws::freeze_file))
        .routes(routes!(draws::result_file))
        .routes(routes!(draws::void_file))
        .routes(routes!(draws::send_signature));
    let all = members
        .merge(groups)
        .merge(staff())
        .merge(alliance())
        .merge(statements())
        .merge(others())
        .merge(pools())
        .merge(coin_lots())
        .merge(kinds())
        .merge(money_out())
        .merge(shop())
        .merge(second_person())
        .merge(told());
    let (router, api) = OpenApiRouter::with_openapi(openapi::Description::openapi())
        .nest("/api/v1", all)
        .split_for_parts();
    (router, openapi::complete(api))
}

/// Operators and gateways.
fn staff() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(operator::sign_in))
        .routes(routes!(operator::sign_out))
        .routes(routes!(operator::me))
        .routes(routes!(console::groups))
        .routes(routes!(console::books))
        .routes(routes!(console::bounced))
        .routes(routes!(console::capital))
        .routes(routes!(console::orders))
        .routes(routes!(console::ledger))
        .routes(routes!(console::members))
        .routes(routes!(operators::all))
        .routes(routes!(operators::remove))
        .routes(routes!(standing::freeze))
        .routes(routes!(standing::unfreeze))
        .routes(routes!(standing::set_rank))
        .routes(routes!(standing::agents, standing::appoint))
        .routes(routes!(standing::dismiss))
        .routes(routes!(standing::plans, standing::publish_plan))
        .routes(routes!(standing::decisions))
        .routes(routes!(standing::refusals))
        .routes(routes!(identities::verify))
        .routes(routes!(identities::organiser))
        .routes(routes!(profiles::adopt))
        .routes(routes!(orders::ship))
        .routes(routes!(orders::take_back))
        .routes(routes!(orders::give_up))
        .routes(routes!(gateway::join))
        .routes(routes!(gateway::register))
}

/// What only groups of some kinds have.
fn kinds() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(circles::page))
        .routes(routes!(circles::open))
        .routes(routes!(circles::leave))
        .routes(routes!(tables::treats))
        .routes(routes!(tables::list, tables::open))
        .routes(routes!(tables::of_merchant))
        .routes(routes!(tables::all))
        .routes(routes!(tables::cancel))
        .routes(routes!(tables::page))
        .routes(routes!(tables::sit))
        .routes(routes!(ballots::rights_file))
}

/// What providers, programs and everybody ask for.
fn others() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(channel::notify))
        .routes(routes!(beacon::info))
        .routes(routes!(beacon::file))
        .routes(routes!(beacon::latest))
        .routes(routes!(beacon::round))
        .routes(routes!(demo::inbox))
        .routes(routes!(demo::accounts))
        .routes(routes!(standing::all_regions))
        .routes(routes!(profiles::profile))
        .routes(routes!(platform::platform))
}

/// What waits for a second operator.
fn second_person() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(approvals::all))
        .routes(routes!(approvals::approve))
        .routes(routes!(approvals::decline))
}

/// Coins by when they expire.
fn coin_lots() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(coins::mine))
        .routes(routes!(coins::vintages))
        .routes(routes!(coins::vintages_csv))
}

/// Dividend pools, for members and for operators, and what members allow themselves.
fn pools() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(dividends::pools))
        .routes(routes!(dividends::mine))
        .routes(routes!(dividends::console_pools))
        .routes(routes!(dividends::payments))
        .routes(routes!(limits::limits, limits::set_limits))
        .routes(routes!(limits::exclude))
}

/// Products, stock and direct purchases.
fn shop() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(shop::categories))
        .routes(routes!(shop::products))
        .routes(routes!(shop::product))
        .routes(routes!(shop::picture))
        .routes(routes!(stores::store))
        .routes(routes!(shop::add_category))
        .routes(routes!(shop::add_picture))
        .routes(routes!(shop::add_product))
        .routes(routes!(shop::change_product))
        .routes(routes!(shop::list_sku))
        .routes(routes!(shop::skus))
        .routes(routes!(shop::change_sku))
        .routes(routes!(shop::close_sku))
        .routes(routes!(shop::reopen_sku))
        .routes(routes!(shop::adjust_stock))
        .routes(routes!(shop::stock_returns))
        .routes(routes!(shop::returned_units))
        .routes(routes!(purchases::buy))
        .routes(routes!(purchases::page))
        .routes(routes!(purchases::mine))
        .routes(routes!(purchases::all))
        .routes(routes!(purchases::cancel))
        .routes(routes!(purchases::receive))
        .routes(routes!(purchases::send_back))
        .routes(routes!(purchases::ship))
        .routes(routes!(purchases::take_back))
        .routes(routes!(purchases::give_up))
        .routes(routes!(deliveries::deliver_purchase))
        .routes(routes!(deliveries::deliver_order))
        .routes(routes!(deliveries::purchase_delivery))
        .routes(routes!(deliveries::order_delivery))
        .routes(routes!(deliveries::own, deliveries::set_own))
        .routes(routes!(deliveries::remove_own))
        .routes(routes!(fetch::purchase_code))
        .routes(routes!(fetch::order_code))
        .routes(routes!(fetch::redeem))
        .routes(routes!(recharges::mine))
        .routes(routes!(recharges::refund))
}

/// What members are told.
fn told() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(inbox::inbox))
        .routes(routes!(inbox::read))
        .routes(routes!(inbox::choices, inbox::allow))
}

/// Withdrawals and tax, for members, operators and finance.
fn money_out() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(taxes::pay))
        .routes(routes!(taxes::pay_suppliers))
        .routes(routes!(taxes::report))
        .routes(routes!(withdrawals::mine, withdrawals::ask))
        .routes(routes!(withdrawals::confirmation))
        .routes(routes!(withdrawals::my_account, withdrawals::enter_account))
        .routes(routes!(withdrawals::account_of))
        .routes(routes!(withdrawals::verify_account))
        .routes(routes!(withdrawals::all))
        .routes(routes!(withdrawals::approve))
        .routes(routes!(withdrawals::reject))
        .routes(routes!(withdrawals::report))
        .routes(routes!(withdrawals::claw_back))
}

/// Merchants: what operators and what they themselves see and do.
fn alliance() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(merchants::applications))
        .routes(routes!(merchants::admit))
        .routes(routes!(merchants::decline))
        .routes(routes!(merchants::list))
        .routes(routes!(merchants::page))
        .routes(routes!(merchants::sign))
        .routes(routes!(merchants::suspend))
        .routes(routes!(merchants::reinstate))
        .routes(routes!(staff::list, staff::add))
        .routes(routes!(staff::remove))
        .routes(routes!(staff::password))
        .routes(routes!(merchants::drafts))
        .routes(routes!(merchants::draft))
        .routes(routes!(merchants::publish))
        .routes(routes!(merchants::decline_draft))
        .routes(routes!(merchant::me))
        .routes(routes!(merchant::open_store))
        .routes(routes!(staff::mine, staff::add_cashier))
        .routes(routes!(staff::remove_cashier))
        .routes(routes!(staff::cashier_password))
        .routes(routes!(merchant_orders::list))
        .routes(routes!(merchant_orders::page))
        .routes(routes!(merchant_orders::ship))
        .routes(routes!(merchant_orders::take_back))
        .routes(routes!(merchant::lines))
        .routes(routes!(counter::show))
        .routes(routes!(counter::mine))
        .routes(routes!(counter::my_bill))
        .routes(routes!(counter::me))
        .routes(routes!(counter::pay, counter::at_store))
        .routes(routes!(counter::one_at_store))
        .routes(routes!(counter::void))
        .routes(routes!(counter::of_merchant))
        .routes(routes!(counter::refund))
        .routes(routes!(counter::refund_by_operator))
        .routes(routes!(merchant::check))
        .routes(routes!(merchant::submit, merchant::drafts))
        .routes(routes!(merchant::draft))
}

/// Merchants' statements, and members' home stores.
fn statements() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(home::home, home::bind))
        .routes(routes!(home::end))
        .routes(routes!(statements::mine))
        .routes(routes!(statements::my_page))
        .routes(routes!(statements::my_lines))
        .routes(routes!(statements::my_print))
        .routes(routes!(statements::all))
        .routes(routes!(statements::page))
        .routes(routes!(statements::lines))
        .routes(routes!(statements::print))
        .routes(routes!(statements::draft))
        .routes(routes!(statements::confirm))
        .routes(routes!(statements::paid))
        .routes(routes!(statements::merchant_paid))
}

/// The description of the API, as `/openapi.json` serves it.
pub fn openapi_json() -> String {
    let (_, api) = router();
    let mut text = api.to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}
