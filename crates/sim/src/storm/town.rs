//! What clients and workers outside the platform know. It survives every crash of the platform.

use std::collections::BTreeSet;

use domain::{
    Claim, CounterId, GroupId, MemberId, PaymentId, PurchaseId, RefundId, Request, Reservation,
    SkuId, StoreId, WithdrawalId,
};

use crate::provider::Provider;

/// What clients and workers outside the platform know.
#[derive(Default)]
pub(super) struct Town {
    pub(super) provider: Provider,
    /// Reservations that were acknowledged, and may be paid.
    pub(super) bills: Vec<(PaymentId, MemberId)>,
    /// Payments that were reported, for reporting them again.
    pub(super) reported: Vec<String>,
    /// Money that nothing in memory knows what to do with: looked up in the history, and sent back.
    pub(super) strays: Vec<String>,
    /// Requests that may be sent once more.
    pub(super) repeatable: Vec<Request>,
    /// Full groups and the time of their round, seconds.
    pub(super) awaiting: Vec<(GroupId, i64)>,
    /// Draws that were made.
    pub(super) outcomes: Vec<(GroupId, draw::Outcome)>,
    /// Refunds that are durable and not confirmed.
    pub(super) refunds: Vec<(RefundId, String, i64)>,
    pub(super) sent: BTreeSet<RefundId>,
    /// Purchases that were acknowledged, and may be paid.
    pub(super) receipts: Vec<(PurchaseId, SkuId, MemberId)>,
    /// Codes that members have shown.
    pub(super) claims: Vec<Claim>,
    /// Bills that wait at counters, and may be paid.
    pub(super) slips: Vec<(CounterId, StoreId, MemberId)>,
    /// What was to be bought, for asking again.
    pub(super) wanted: Vec<Reservation>,
    /// What was listed, for listing it again.
    pub(super) listed: Vec<[u8; 16]>,
    /// Withdrawals that were asked for: whose, by which token, how much.
    pub(super) asked: Vec<(MemberId, [u8; 16], i64)>,
    /// Withdrawals that are durable and to be paid: which, by which key, how much.
    pub(super) payouts: Vec<(WithdrawalId, [u8; 16], i64)>,
    pub(super) tokens: Vec<[u8; 16]>,
    pub(super) keys: u64,
}

/// Keeps the newest.
pub(super) fn keep<T>(list: &mut Vec<T>, most: usize, entry: T) {
    if most <= list.len() {
        list.drain(..most / 2);
    }
    list.push(entry);
}
