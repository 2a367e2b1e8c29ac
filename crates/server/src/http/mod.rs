//! What every route shares: the shape of errors, how bodies, keys, paths and queries are read, headers, limits.

mod drain;
mod extract;
mod headers;
mod limit;
mod problem;

pub(crate) use drain::drained;
pub(crate) use extract::{
    Batch, InPath, Keyed, NoBody, Page, Params, Raw, Round, Segment, Sent, Write, WriteText, items,
    page_of,
};
pub(crate) use headers::{guard, observe, secure};
pub(crate) use limit::Buckets;
pub use limit::Rate;
pub(crate) use problem::RefusedWith;
pub(crate) use problem::{Problem, ProblemBody, Result};
