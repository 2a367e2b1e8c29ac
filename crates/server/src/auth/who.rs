//! The extractors that name who asks. An endpoint takes exactly one of them.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use domain::{Actor, GatewayId, MemberId, MerchantId, OperatorId, StoreId};
use views::OperatorRow;

use super::cookie::{MEMBER_COOKIE, OPERATOR_COOKIE, cookie_of, own_origin};
use crate::app::App;
use crate::config::ClientAddress;
use crate::http::{Problem, Result};
use crate::people::{CASHIER_ROLE, FINANCE_ROLE, MERCHANT_ROLE, OPERATOR_ROLE};

/// Who turned out to ask, for the audit trail: set by the extractors, read when the response is there.
#[derive(Clone, Default)]
pub(crate) struct Asker(Arc<OnceLock<Actor>>);

impl Asker {
    pub(crate) fn actor(&self) -> Option<Actor> {
        self.0.get().copied()
    }
}

fn is_asked_by(parts: &Parts, actor: Actor) {
    if let Some(asker) = parts.extensions.get::<Asker>() {
        asker.0.get_or_init(|| actor);
    }
}

/// Where a request comes from.
pub(crate) struct Address(pub(crate) IpAddr);

/// A member who has signed in.
pub(crate) struct AsMember(pub(crate) MemberId);

/// A member, if he has signed in; a stale cookie counts as none.
pub(crate) struct MaybeMember(pub(crate) Option<MemberId>);

/// An operator who has signed in.
pub(crate) struct AsOperator {
    pub(crate) id: OperatorId,
}

/// Somebody who reads the books and moves money: finance, or an operator.
pub(crate) struct AsFinance {
    pub(crate) id: OperatorId,
    /// Which of the two roles.
    pub(crate) role: &'static str,
}

/// Anybody on the staff, whatever he may do.
pub(crate) struct AsStaff {
    pub(crate) name: String,
    pub(crate) role: String,
}

/// Somebody who acts for a merchant.
pub(crate) struct AsMerchant {
    pub(crate) id: OperatorId,
    pub(crate) merchant: MerchantId,
}

/// A cashier at a merchant's store.
pub(crate) struct AsCashier {
    pub(crate) id: OperatorId,
    pub(crate) merchant: MerchantId,
    pub(crate) store: StoreId,
}

/// A gateway with its API key.
pub(crate) struct AsGateway(pub(crate) GatewayId);

impl AsMember {
    pub(crate) fn actor(&self) -> Actor {
        Actor::Member(self.0)
    }
}

impl AsOperator {
    pub(crate) fn actor(&self) -> Actor {
        Actor::Operator(self.id)
    }
}

impl FromRequestParts<Arc<App>> for Address {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Address> {
        let peer = parts
            .extensions
            .get::<ConnectInfo<SocketAddr>>()
            .map(|peer| peer.0.ip());
        let forwarded = match app.config.client_address {
            ClientAddress::Peer => None,
            ClientAddress::Forwarded => forwarded(&parts.headers),
        };
        let unknown = IpAddr::from([0, 0, 0, 0]);
        Ok(Address(forwarded.or(peer).unwrap_or(unknown)))
    }
}

/// The address that the proxy in front has seen: the last one, for earlier ones are the client's to invent.
fn forwarded(headers: &HeaderMap) -> Option<IpAddr> {
    let line = headers
        .get_all("x-forwarded-for")
        .iter()
        .next_back()?
        .to_str()
        .ok()?;
    line.rsplit(',').next()?.trim().parse().ok()
}

impl AsMerchant {
    pub(crate) fn actor(&self) -> Actor {
        Actor::Operator(self.id)
    }
}

impl AsCashier {
    pub(crate) fn actor(&self) -> Actor {
        Actor::Operator(self.id)
    }
}

impl FromRequestParts<Arc<App>> for AsMember {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<AsMember> {
        let member = member_of(parts, app)
            .await?
            .ok_or_else(|| not_signed_in("sign in first"))?;
        is_asked_by(parts, Actor::Member(member));
        if is_write(&parts.method) {
            own_origin(&parts.headers, &app.config.base_url)?;
            app.limit(&app.limits.member, member, 1)?;
        }
        Ok(AsMember(member))
    }
}

impl FromRequestParts<Arc<App>> for MaybeMember {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<MaybeMember> {
        member_of(parts, app).await.map(MaybeMember)
    }
}

impl FromRequestParts<Arc<App>> for AsOperator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<AsOperator> {
        let OperatorRow { id, .. } = staff(parts, app, &[OPERATOR_ROLE]).await?;
        Ok(AsOperator { id })
    }
}

impl FromRequestParts<Arc<App>> for AsFinance {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<AsFinance> {
        let row = staff(parts, app, &[FINANCE_ROLE, OPERATOR_ROLE]).await?;
        Ok(AsFinance {
            id: row.id,
            role: if row.role == FINANCE_ROLE {
                FINANCE_ROLE
            } else {
                OPERATOR_ROLE
            },
        })
    }
}

impl FromRequestParts<Arc<App>> for AsStaff {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<AsStaff> {
        let all = [OPERATOR_ROLE, FINANCE_ROLE, MERCHANT_ROLE, CASHIER_ROLE];
        let OperatorRow { name, role, .. } = staff(parts, app, &all).await?;
        Ok(AsStaff { name, role })
    }
}

impl FromRequestParts<Arc<App>> for AsMerchant {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<AsMerchant> {
        let OperatorRow { id, .. } = staff(parts, app, &[MERCHANT_ROLE]).await?;
        let scope = app.people.directory().scope_of(id).await;
        let scope = scope.map_err(crate::app::store_problem)?;
        let merchant = scope.ok_or_else(|| not_yours(MERCHANT_ROLE))?.merchant;
        Ok(AsMerchant { id, merchant })
    }
}

impl FromRequestParts<Arc<App>> for AsCashier {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<AsCashier> {
        let OperatorRow { id, .. } = staff(parts, app, &[CASHIER_ROLE]).await?;
        let scope = app.people.directory().scope_of(id).await;
        let scope = scope.map_err(crate::app::store_problem)?;
        let scope = scope.ok_or_else(|| not_yours(CASHIER_ROLE))?;
        let store = scope.store.ok_or_else(|| not_yours(CASHIER_ROLE))?;
        let merchant = scope.merchant;
        Ok(AsCashier {
            id,
            merchant,
            store,
        })
    }
}

/// Somebody on the staff who has signed in and has one of these roles; with another one he is refused, whatever he asks.
async fn staff(parts: &mut Parts, app: &Arc<App>, roles: &[&'static str]) -> Result<OperatorRow> {
    let absent = || not_signed_in("sign in as an operator first");
    let secret = cookie_of(&parts.headers, OPERATOR_COOKIE).ok_or_else(absent)?;
    let row = app
        .people
        .operator_of_session(secret, app.config.clock.now())
        .await?
        .ok_or_else(absent)?;
    is_asked_by(parts, Actor::Operator(row.id));
    if !roles.contains(&row.role.as_str()) {
        return Err(not_yours(&roles.join(" or ")));
    }
    if is_write(&parts.method) {
        own_origin(&parts.headers, &app.config.base_url)?;
        app.limit(&app.limits.operator, row.id, 1)?;
    }
    Ok(row)
}

/// Somebody of another role asked.
pub(crate) fn not_yours(role: &str) -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "role_missing",
        format!("this is for the role {role}"),
    )
}

impl FromRequestParts<Arc<App>> for AsGateway {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<AsGateway> {
        let wrong = || {
            Problem::unauthorized(
                "api_key_unknown",
                "Authorization: Bearer KEY with a gateway's key is needed",
            )
        };
        let line = parts.headers.get(header::AUTHORIZATION);
        let key = line
            .and_then(|line| line.to_str().ok())
            .and_then(|line| line.strip_prefix("Bearer "));
        let Some(hash) = key.map(|key| draw::hash(key.as_bytes()).0) else {
            stranger(parts, app).await?;
            return Err(wrong());
        };
        let gateway = match app.people.known_gateway(&hash) {
            Some(gateway) => gateway,
            None => {
                stranger(parts, app).await?;
                app.people.gateway(&hash).await?.ok_or_else(wrong)?
            }
        };
        is_asked_by(parts, Actor::Gateway(gateway));
        Ok(AsGateway(gateway))
    }
}

/// Counts a request of somebody who has not shown yet that he is a gateway.
async fn stranger(parts: &mut Parts, app: &Arc<App>) -> Result<()> {
    let Address(address) = Address::from_request_parts(parts, app).await?;
    app.limit(&app.limits.address, address, 1)
}

async fn member_of(parts: &Parts, app: &App) -> Result<Option<MemberId>> {
    match cookie_of(&parts.headers, MEMBER_COOKIE) {
        Some(secret) => {
            app.people
                .member_of_session(secret, app.config.clock.now())
                .await
        }
        None => Ok(None),
    }
}

fn not_signed_in(detail: &str) -> Problem {
    Problem::unauthorized("not_signed_in", detail)
}

fn is_write(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}
