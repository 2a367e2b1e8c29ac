//! What every route shares: the shape of errors, how bodies, keys, paths and queries are read, headers, limits.

mod doors;
mod drain;
mod extract;
mod headers;
mod limit;
mod patience;
mod problem;

pub(crate) use doors::Doors;
pub(crate) use drain::drained;
pub(crate) use extract::{
    ApplicationNumber, ApprovalNumber, BATCH_BYTES, BODY_BYTES, BatchText, CircleNumber,
    DraftNumber, InPath, Keyed, NoBody, OperatorName, Page, Params, PictureName, PoolNumber,
    ProductNumber, Raw, Round, Segment, Sent, StaffNumber, TableToken, Upload, Write, WriteText,
    decimal, items, page_of,
};
pub(crate) use headers::{Counted, around, is_gateways};
pub(crate) use limit::Buckets;
pub use limit::Rate;
pub(crate) use problem::RefusedWith;
pub(crate) use problem::{Problem, ProblemBody, Result};
