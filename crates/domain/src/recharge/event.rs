//! What has happened to recharges.

use minicbor::{Decode, Encode};

use super::PackageTerms;
use crate::{
    Answer, Coins, CounterId, MemberId, Millis, Money, Purchase, PurchaseId, RefundId, Txn,
};

/// A part of a recharge that was used, or came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct BoughtPart {
    /// Of which.
    #[n(0)]
    pub recharge: PurchaseId,
    /// How many coins.
    #[n(1)]
    pub coins: Coins,
    /// The money in custody for them.
    #[n(2)]
    pub money: Money,
}

/// What has happened with bought coins. Stored for ever, like [`Event`]: numbers are never reused.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum RechargeEvent {
    /// A package is paid: the coins are the member's, the money is in custody. The purchase has ended with it.
    #[n(0)]
    Recharged {
        /// The purchase, and the recharge from now on.
        #[n(0)]
        recharge: PurchaseId,
        /// Whose.
        #[n(1)]
        member: MemberId,
        /// The provider's name of the payment.
        #[n(2)]
        txn: Txn,
        /// What was paid.
        #[n(3)]
        amount: Money,
        /// What the channel took of it.
        #[n(4)]
        fee: Money,
        /// Whether the channel keeps that fee.
        #[n(5)]
        fee_kept: bool,
        /// What is got for it.
        #[n(6)]
        terms: Box<PackageTerms>,
    },
    /// A purchase was paid with bought coins, too: their money is the platform's.
    #[n(1)]
    BoughtUsed {
        /// Which.
        #[n(0)]
        purchase: PurchaseId,
        /// Whose.
        #[n(1)]
        member: MemberId,
        /// The oldest first.
        #[n(2)]
        parts: Vec<BoughtPart>,
    },
    /// A purchase that was paid with bought coins came back: so do they, and their money is in custody again.
    #[n(2)]
    BoughtBack {
        /// Which.
        #[n(0)]
        purchase: PurchaseId,
        /// Whose.
        #[n(1)]
        member: MemberId,
        /// As they were used.
        #[n(2)]
        parts: Vec<BoughtPart>,
    },
    /// The gift of a recharge that was not paid back in full.
    #[n(3)]
    GiftGiven {
        /// Of which.
        #[n(0)]
        recharge: PurchaseId,
        /// Whose.
        #[n(1)]
        member: MemberId,
        /// How many coins.
        #[n(2)]
        coins: Coins,
    },
    /// What is unused of a recharge goes back the way it came.
    #[n(4)]
    Refunded {
        /// Which.
        #[n(0)]
        recharge: PurchaseId,
        /// Whose.
        #[n(1)]
        member: MemberId,
        /// The refund.
        #[n(2)]
        refund: RefundId,
        /// How much.
        #[n(3)]
        amount: Money,
        /// The unused coins, which are gone.
        #[n(4)]
        coins: Coins,
        /// The part of its fee that the channel gives back.
        #[n(5)]
        fee_back: Money,
        /// The part of the gift that goes back with them, of the member's other coins.
        #[cbor(n(6), default, skip_if = "no_coins")]
        gift: Coins,
        /// What stays of the custody for coins of the gift that are not there any more, and for a thing that was given.
        #[cbor(n(7), default, skip_if = "no_cash")]
        kept: Money,
        /// When the VIP level that it gave ends now, if it has not ended.
        #[n(8)]
        vip_until: Option<Millis>,
    },
    /// A bill at a counter was paid with bought coins, too: their money is the platform's. Follows the
    /// [`CounterPaid`](crate::CounterPaid) and what has come in cash for it.
    #[n(5)]
    CounterUsed {
        /// Which.
        #[n(0)]
        counter: CounterId,
        /// Whose.
        #[n(1)]
        member: MemberId,
        /// The oldest first.
        #[n(2)]
        parts: Vec<BoughtPart>,
    },
    /// A payment at a counter was taken back: so are the bought coins that it was paid with, and their money is in custody again.
    /// The [`CounterReversed`](crate::CounterReversed) follows.
    #[n(6)]
    CounterBack {
        /// Which.
        #[n(0)]
        counter: CounterId,
        /// Whose.
        #[n(1)]
        member: MemberId,
        /// As they were used.
        #[n(2)]
        parts: Vec<BoughtPart>,
    },
    /// The thing that a recharge gives, which was held for it, is the member's: a purchase of nothing.
    #[n(7)]
    UnitGiven {
        /// Of which.
        #[n(0)]
        recharge: PurchaseId,
        /// Its own number.
        #[n(1)]
        purchase: PurchaseId,
        /// What it is.
        #[n(2)]
        of: Box<Purchase>,
    },
    /// A recharge gives a VIP level.
    #[n(8)]
    VipGiven {
        /// Of which.
        #[n(0)]
        recharge: PurchaseId,
        /// Whose.
        #[n(1)]
        member: MemberId,
        /// At least this one.
        #[n(2)]
        level: u32,
        /// From this moment on no more.
        #[n(3)]
        until: Millis,
    },
}

impl RechargeEvent {
    /// All names, by the numbers of the kinds.
    pub const NAMES: [&'static str; 9] = [
        "recharged",
        "bought_used",
        "bought_back",
        "gift_given",
        "recharge_refunded",
        "bought_used_at_counter",
        "bought_back_at_counter",
        "unit_given",
        "vip_given",
    ];

    /// Its name in SQL and JSON.
    pub fn name(&self) -> &'static str {
        match self {
            RechargeEvent::Recharged { .. } => "recharged",
            RechargeEvent::BoughtUsed { .. } => "bought_used",
            RechargeEvent::BoughtBack { .. } => "bought_back",
            RechargeEvent::GiftGiven { .. } => "gift_given",
            RechargeEvent::Refunded { .. } => "recharge_refunded",
            RechargeEvent::CounterUsed { .. } => "bought_used_at_counter",
            RechargeEvent::CounterBack { .. } => "bought_back_at_counter",
            RechargeEvent::UnitGiven { .. } => "unit_given",
            RechargeEvent::VipGiven { .. } => "vip_given",
        }
    }

    /// What a command that ends with it answers; none: what it would answer without.
    pub(crate) fn answer(&self) -> Option<Answer> {
        match self {
            RechargeEvent::Recharged { recharge, .. } => Some(Answer::Purchase(*recharge)),
            RechargeEvent::BoughtUsed { .. }
            | RechargeEvent::BoughtBack { .. }
            | RechargeEvent::GiftGiven { .. }
            | RechargeEvent::Refunded { .. }
            | RechargeEvent::CounterUsed { .. }
            | RechargeEvent::CounterBack { .. }
            | RechargeEvent::UnitGiven { .. }
            | RechargeEvent::VipGiven { .. } => None,
        }
    }
}

pub(crate) fn no_coins(coins: &Coins) -> bool {
    *coins == Coins::ZERO
}

pub(crate) fn no_cash(amount: &Money) -> bool {
    *amount == Money::ZERO
}
