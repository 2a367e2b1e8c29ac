//! What an accepted command answers. Derived from its events alone, so that the same key gives the same
//! answer after a restart (rules 2.4).

use minicbor::{Decode, Encode};

use crate::{
    Bounce, CampaignId, CounterId, Event, GroupId, MemberId, MerchantId, Millis, PaymentId,
    PurchaseId, RefundId, SkuId, StoreId, TableId, WithdrawalId,
};

/// What an accepted command answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum Answer {
    /// It is done; there is no more to say.
    #[n(0)]
    Done,
    /// The member's number.
    #[n(1)]
    Member(#[n(0)] MemberId),
    /// The campaign's number.
    #[n(2)]
    Campaign(#[n(0)] CampaignId),
    /// A place is held until it is paid.
    #[n(3)]
    Reserved {
        /// What to pay for.
        #[n(0)]
        payment: PaymentId,
        /// From this moment on it is too late.
        #[n(1)]
        pay_by: Millis,
    },
    /// What became of a payment.
    #[n(4)]
    Payment(#[n(0)] PaymentAnswer),
    /// The withdrawal's number.
    #[n(5)]
    Withdrawal(#[n(0)] WithdrawalId),
    /// The merchant's number.
    #[n(46)]
    Merchant(#[n(0)] MerchantId),
    /// The store's number.
    #[n(47)]
    Store(#[n(0)] StoreId),
    /// The number of the payment at a counter.
    #[n(48)]
    Counter(#[n(0)] CounterId),
    /// The table's number.
    #[n(49)]
    Table(#[n(0)] TableId),
    /// The number of a thing for sale.
    #[n(50)]
    Sku(#[n(0)] SkuId),
    /// The purchase's number: it is reserved, or paid.
    #[n(51)]
    Purchase(#[n(0)] PurchaseId),
}

/// What became of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum PaymentAnswer {
    /// It holds a place.
    #[n(0)]
    Seated(#[n(0)] PaymentId),
    /// It goes back in full.
    #[n(1)]
    Bounced {
        /// The refund.
        #[n(0)]
        refund: RefundId,
        /// Why.
        #[n(1)]
        reason: Bounce,
    },
    /// This very payment was dealt with before; nothing happened now.
    #[n(2)]
    Known,
}

impl Answer {
    /// The answer that a command's events amount to. Events of things that became due beforehand come first and
    /// are overruled by the command's own.
    #[expect(
        clippy::too_many_lines,
        reason = "one arm for each kind of event, all in one place to read"
    )]
    pub fn of(events: &[Event]) -> Answer {
        let mut answer = Answer::Done;
        for event in events {
            match event {
                Event::MemberRegistered { member, .. } => answer = Answer::Member(*member),
                Event::CampaignPublished { campaign, .. } => answer = Answer::Campaign(*campaign),
                Event::SeatReserved {
                    payment, pay_by, ..
                } => {
                    answer = Answer::Reserved {
                        payment: *payment,
                        pay_by: *pay_by,
                    };
                }
                Event::PaymentAccepted { payment, .. } => {
                    answer = Answer::Payment(PaymentAnswer::Seated(*payment));
                }
                Event::PaymentBounced { refund, reason, .. } => {
                    answer = Answer::Payment(PaymentAnswer::Bounced {
                        refund: *refund,
                        reason: *reason,
                    });
                }
                Event::WithdrawalRequested { withdrawal, .. } => {
                    answer = Answer::Withdrawal(*withdrawal);
                }
                Event::Recharge(event) => answer = event.answer().unwrap_or(answer),
                Event::Shop(event) => answer = event.answer().unwrap_or(answer),
                Event::Alliance(event) => answer = event.answer().unwrap_or(answer),
                Event::Table(event) => answer = event.answer().unwrap_or(answer),
                Event::InviterBound { .. }
                | Event::CapitalDeposited { .. }
                | Event::GroupOpened { .. }
                | Event::SeatLapsed { .. }
                | Event::SeatLeft { .. }
                | Event::GroupFilled { .. }
                | Event::GroupClosed { .. }
                | Event::GroupSettled(_)
                | Event::RefundPaid { .. }
                | Event::OrderShipped { .. }
                | Event::OrderReceived { .. }
                | Event::OrderKept { .. }
                | Event::RewardsVested { .. }
                | Event::OrderReturning { .. }
                | Event::OrderReturned { .. }
                | Event::PlanPublished { .. }
                | Event::RanksCounted { .. }
                | Event::RankSet { .. }
                | Event::RegionDeclared { .. }
                | Event::AgentAppointed { .. }
                | Event::AgentDismissed { .. }
                | Event::MemberFrozen { .. }
                | Event::MemberUnfrozen { .. }
                | Event::ProfileAdopted { .. }
                | Event::DividendClosed { .. }
                | Event::DividendsPaid { .. }
                | Event::LimitsSet { .. }
                | Event::SelfExcluded { .. }
                | Event::PausesBegun { .. }
                | Event::WithdrawalApproved { .. }
                | Event::WithdrawalRejected { .. }
                | Event::WithdrawalWaiting { .. }
                | Event::WithdrawalPaid { .. }
                | Event::WithdrawalFailed { .. }
                | Event::ClawedBack { .. }
                | Event::TaxPaid { .. }
                | Event::SuppliersPaid { .. }
                | Event::Circle(_)
                | Event::Ballot(_)
                | Event::RoundFoundLate { .. }
                | Event::AccountDeleted { .. }
                | Event::Identity(_)
                | Event::Delivery(_)
                | Event::CoinsExpired { .. } => {}
            }
        }
        answer
    }

    /// The group of a reservation or seat.
    pub fn group(&self) -> Option<GroupId> {
        match self {
            Answer::Reserved { payment, .. } | Answer::Payment(PaymentAnswer::Seated(payment)) => {
                Some(payment.group)
            }
            Answer::Done
            | Answer::Member(_)
            | Answer::Campaign(_)
            | Answer::Withdrawal(_)
            | Answer::Merchant(_)
            | Answer::Store(_)
            | Answer::Sku(_)
            | Answer::Purchase(_)
            | Answer::Counter(_)
            | Answer::Table(_)
            | Answer::Payment(PaymentAnswer::Bounced { .. } | PaymentAnswer::Known) => None,
        }
    }
}
