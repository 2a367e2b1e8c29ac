//! The platform over real HTTP, with the sandbox's provider in the same process.

mod callbacks;
mod clawbacks;
mod coins;
mod crowds;
mod dividends;
mod drand;
mod files;
mod gateway;
mod inputs;
mod limits;
mod merchants;
mod openapi;
mod overload;
mod profiles;
mod recovery;
mod restored;
mod revoked;
mod roles;
mod rules;
mod settling;
mod site;
mod standing;
mod views_lost;
mod watching;
mod way_back;
mod withdrawals;
