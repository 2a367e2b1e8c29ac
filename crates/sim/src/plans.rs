//! What people and machines mean to do, and when.

use std::collections::BTreeMap;

use domain::{Campaign, GroupId, MemberId, OrderId, PaymentId, RefundId, Request};

/// Something that will be tried.
#[derive(Clone, Debug)]
pub(crate) enum Plan {
    SignUp,
    /// A member comes by and opens or joins a group.
    Visit(MemberId),
    Publish(Box<Campaign>),
    /// The member pays at the provider.
    Pay {
        payment: PaymentId,
        member: MemberId,
        amount: i64,
    },
    /// The provider reports a payment.
    Report(String),
    /// A payment for something over, looked up in the history first.
    Stray(String),
    JoinAgain(GroupId, MemberId),
    Leave(GroupId, MemberId),
    Cancel(GroupId),
    Settle(GroupId),
    Void(GroupId),
    /// A payment that the provider sends back, and how much of it.
    Refund(RefundId, String, i64),
    Confirm(RefundId),
    Ship(OrderId),
    Receive(OrderId, MemberId),
    /// A gateway brings many members who have paid already.
    Gateway,
    /// The same request once more.
    Again(Box<Request>),
}

/// Plans in order of time; those for the same moment in the order they were made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Agenda {
    plans: BTreeMap<(i64, u64), Plan>,
    made: u64,
}

impl Agenda {
    pub(crate) fn add(&mut self, at: i64, plan: Plan) {
        self.plans.insert((at, self.made), plan);
        self.made += 1;
    }

    /// When the next plan is due.
    pub(crate) fn next_at(&self) -> Option<i64> {
        self.plans.first_key_value().map(|(&(at, _), _)| at)
    }

    /// The next plan, if it is due by then.
    pub(crate) fn take_by(&mut self, until: i64) -> Option<(i64, Plan)> {
        let entry = self
            .plans
            .first_entry()
            .filter(|entry| entry.key().0 <= until)?;
        let ((at, _), plan) = entry.remove_entry();
        Some((at, plan))
    }
}
