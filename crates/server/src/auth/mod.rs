//! Who asks: members and operators by session cookie, gateways by API key.
//!
//! A cookie never counts for a gateway's endpoints and a key never for a member's: each endpoint names the one
//! extractor it takes. Writes with a cookie are refused from another origin (see also the header `Idempotency-Key`, which
//! no form of another site can send).

mod claims;
mod codes;
mod cookie;
mod password;
mod who;

pub(crate) use claims::CounterCodes;
pub(crate) use codes::{CodePace, code_hash, is_phone, random_code};
pub(crate) use cookie::{Cookie, MEMBER_COOKIE, OPERATOR_COOKIE, cookie_of, own_origin};
pub(crate) use password::{hash_password, verify_password};
pub(crate) use who::{
    Address, AsCashier, AsFinance, AsGateway, AsMember, AsMerchant, AsOperator, AsStaff, Asker,
    MaybeMember, not_yours,
};
