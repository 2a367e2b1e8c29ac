//! What happened in a simulated day.

/// Counts of what happened in a simulated day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Commands sent.
    pub commands: u64,
    /// Commands turned down.
    pub refused: u64,
    /// Commands sent a second time with the same idempotency key.
    pub repeated: u64,
    /// Batches made durable.
    pub batches: u64,
    /// Batches whose answer was lost in a crash.
    pub crashes: u64,
    /// People who signed up.
    pub members: u64,
    /// Groups opened.
    pub groups: u64,
    /// Groups drawn and settled.
    pub settled: u64,
    /// Groups void for want of a beacon value.
    pub void: u64,
    /// Seats that were paid.
    pub seats: u64,
    /// Payments that could not hold a place.
    pub bounced: u64,
    /// Payments reported again after they had been dealt with.
    pub known: u64,
    /// Refunds that the provider sent.
    pub refunds: u64,
    /// Winners' orders.
    pub orders: u64,
}
