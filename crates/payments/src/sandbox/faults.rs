//! What a provider can do wrong on demand.
//!
//! A set of faults holds for everything or for one order; an order's own set replaces the general
//! one for it altogether. Faults live in memory: a restarted provider has none.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

/// Most orders that can have faults of their own.
pub(crate) const MAX_FAULTY_ORDERS: usize = 10_000;

/// Most payments of one order, and most copies of one callback.
pub(crate) const MAX_REPEATS: u32 = 100;

/// Longest delay that can be ordered, in milliseconds (one day).
pub(crate) const MAX_DELAY_MS: i64 = 86_400_000;

/// The faults of everything, or of one order. Absent fields mean: no such fault.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// How payments are announced.
    pub callback: CallbackFaults,
    /// What a payment turns into.
    pub pay: PayFaults,
    /// How refunds go.
    pub refund_course: RefundFaults,
    /// How payouts go.
    pub payout_course: PayoutFaults,
    /// `POST /v1/orders`.
    pub create: Option<CallFault>,
    /// `GET /v1/orders/…`, `GET /v1/refunds/…`, and, set for everything, batch queries.
    pub query: Option<CallFault>,
    /// `POST /v1/orders/…/close`.
    pub close: Option<CallFault>,
    /// `POST /v1/refunds`.
    pub refund: Option<CallFault>,
    /// `POST /v1/payouts`; its faults stand under its number where an order's stand under the order's.
    pub payout: Option<CallFault>,
}

/// How payments are announced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CallbackFaults {
    /// The callback waits this long, in milliseconds.
    pub delay_ms: i64,
    /// It is sent this many times.
    pub copies: u32,
    /// It is never sent.
    pub never: bool,
    /// Callbacks are withheld until this many have gathered, then sent the last one first. Changing
    /// the general faults sends those withheld, too.
    pub gather: u32,
}

impl Default for CallbackFaults {
    fn default() -> CallbackFaults {
        CallbackFaults {
            delay_ms: 0,
            copies: 1,
            never: false,
            gather: 1,
        }
    }
}

/// What a payment turns into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PayFaults {
    /// Paying the order leads to this many transactions; 2 is a double payment.
    pub transactions: u32,
    /// Another amount than the order's is paid, in fen.
    pub amount_fen: Option<i64>,
    /// The payment is taken although the order was closed or has expired.
    pub late: bool,
}

impl Default for PayFaults {
    fn default() -> PayFaults {
        PayFaults {
            transactions: 1,
            amount_fen: None,
            late: false,
        }
    }
}

/// How refunds go once accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RefundFaults {
    /// How long a refund is processing, in milliseconds.
    pub processing_ms: i64,
    /// It fails in the end, and the merchant holds the money again.
    pub fails: bool,
}

/// How payouts go once accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PayoutFaults {
    /// How long a payout is processing, in milliseconds.
    pub processing_ms: i64,
    /// It fails in the end, and the merchant holds the money again.
    pub fails: bool,
    /// The payee must confirm it within this time, in milliseconds.
    pub confirm_within_ms: Option<i64>,
}

/// A call that goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallFault {
    /// How it goes wrong.
    pub kind: CallFaultKind,
    /// How long `slow` and `hang_after` wait, in milliseconds; absent: a minute.
    #[serde(default = "minute_ms")]
    pub ms: u64,
    /// How many calls go wrong before all is well again; absent: until the faults are changed.
    #[serde(default)]
    pub times: Option<u32>,
}

fn minute_ms() -> u64 {
    60_000
}

/// How a call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallFaultKind {
    /// Answers 500, nothing done.
    ErrorBefore,
    /// Does the work, then answers 500.
    ErrorAfter,
    /// Does the work, then does not answer in time.
    HangAfter,
    /// Waits, then does the work and answers.
    Slow,
}

impl Faults {
    /// Refuses what would harm the provider itself.
    pub(crate) fn check(&self) -> Result<(), String> {
        let repeats = [
            self.callback.copies,
            self.callback.gather,
            self.pay.transactions,
        ];
        if repeats
            .iter()
            .any(|count| !(1..=MAX_REPEATS).contains(count))
        {
            return Err(format!(
                "copies, gather and transactions are from 1 to {MAX_REPEATS}"
            ));
        }
        let delays = [
            self.callback.delay_ms,
            self.refund_course.processing_ms,
            self.payout_course.processing_ms,
            self.payout_course.confirm_within_ms.unwrap_or(0),
        ];
        if delays.iter().any(|ms| !(0..=MAX_DELAY_MS).contains(ms)) {
            return Err(format!(
                "delay_ms, processing_ms and confirm_within_ms are from 0 to {MAX_DELAY_MS}"
            ));
        }
        match self.pay.amount_fen {
            Some(amount_fen) => crate::wire::check_amount(amount_fen),
            None => Ok(()),
        }
    }
}

/// Which call a fault is looked up for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Call {
    Create,
    Query,
    Close,
    Refund,
    Payout,
}

/// All faults that are switched on.
#[derive(Debug, Default)]
pub(crate) struct FaultBox(Mutex<FaultSets>);

/// General faults and those of single orders.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct FaultSets {
    pub(crate) general: Faults,
    pub(crate) orders: HashMap<String, Faults>,
}

impl FaultBox {
    pub(crate) fn sets(&self) -> FaultSets {
        self.lock().clone()
    }

    /// Replaces the general faults, or those of one order.
    pub(crate) fn set(&self, order_no: Option<String>, faults: Faults) -> Result<(), String> {
        faults.check()?;
        let mut sets = self.lock();
        match order_no {
            None => sets.general = faults,
            Some(order_no) => {
                let full = sets.orders.len() == MAX_FAULTY_ORDERS;
                if full && !sets.orders.contains_key(&order_no) {
                    return Err(format!(
                        "at most {MAX_FAULTY_ORDERS} orders can have faults"
                    ));
                }
                sets.orders.insert(order_no, faults);
            }
        }
        Ok(())
    }

    pub(crate) fn clear(&self) {
        *self.lock() = FaultSets::default();
    }

    /// The faults that hold for an order.
    pub(crate) fn of(&self, order_no: &str) -> Faults {
        let sets = self.lock();
        sets.orders.get(order_no).unwrap_or(&sets.general).clone()
    }

    /// Whether any order has faults of its own.
    pub(crate) fn any_of_orders(&self) -> bool {
        !self.lock().orders.is_empty()
    }

    /// The fault of this call, counted as used.
    pub(crate) fn take(&self, order_no: Option<&str>, call: Call) -> Option<CallFault> {
        let mut sets = self.lock();
        let FaultSets { general, orders } = &mut *sets;
        let faults = order_no
            .and_then(|order_no| orders.get_mut(order_no))
            .unwrap_or(general);
        let slot = match call {
            Call::Create => &mut faults.create,
            Call::Query => &mut faults.query,
            Call::Close => &mut faults.close,
            Call::Refund => &mut faults.refund,
            Call::Payout => &mut faults.payout,
        };
        let fault = slot.as_mut()?;
        match &mut fault.times {
            None => {}
            Some(0) => return None,
            Some(times) => *times -= 1,
        }
        Some(fault.clone())
    }

    fn lock(&self) -> MutexGuard<'_, FaultSets> {
        // No code that can panic runs under the lock, so what it guards is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
