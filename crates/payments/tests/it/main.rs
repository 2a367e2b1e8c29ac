//! The channel and the sandbox's provider, over real HTTP.

mod callbacks;
mod durability;
mod faults;
mod laws;
mod orders;
mod page;
mod payouts;
mod refunds;
mod setup;
