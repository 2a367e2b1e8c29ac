//! Money on its way back through the channel it came by (rules 5).

use minicbor::{Decode, Encode};

use crate::{
    Event, Money, PaymentId, RefundId, Refusal, Txn, World,
    table::{OnItsWay, ShortHash},
};

/// A refund that is decided and durable but not yet confirmed by the channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct PendingRefund {
    /// Its number; the channel is called with a key made from it.
    #[n(0)]
    pub refund: RefundId,
    /// The payment it sends back.
    #[n(1)]
    pub txn: Txn,
    /// All of it.
    #[n(2)]
    pub amount: Money,
    /// The reservation it was paid for, where there was one.
    #[n(3)]
    pub payment: Option<PaymentId>,
    /// The part of its fee that the channel gives back with it.
    #[n(4)]
    pub fee_back: Money,
}

impl World {
    pub(crate) fn decide_confirm_refund(
        &self,
        refund: RefundId,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let pending = self
            .refunds
            .get(&refund)
            .ok_or(Refusal::UnknownRefund(refund))?;
        events.push(Event::RefundPaid {
            refund,
            amount: pending.amount,
            fee_back: pending.fee_back,
        });
        Ok(())
    }

    pub(crate) fn apply_refund_due(&mut self, pending: PendingRefund) {
        self.returning
            .insert(ShortHash::of(pending.txn), OnItsWay::new(pending.refund));
        self.next_refund = self.next_refund.max(pending.refund.0.saturating_add(1));
        self.refunds.insert(pending.refund, pending);
    }

    pub(crate) fn apply_refund_paid(&mut self, refund: RefundId) {
        if let Some(pending) = self.refunds.remove(&refund) {
            self.returning
                .remove(ShortHash::of(pending.txn), OnItsWay::new(refund));
        }
    }
}
