//! What merchants owe, and that they have paid it (rules 10.3): a bank transfer that has come in, noted by somebody.
//!
//! Why it is needed beside statements, which set off: a store that takes the cash of its bills is due nothing that could be set off. It
//! could owe no more one day, and the home stores of its customers would wait for ever.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};

use super::{AllianceEvent, AllianceRefusal, MerchantAccount, Transfer, statement::Move};
use crate::{Account, Answer, Event, MerchantId, Millis, Money, Overflow, Refusal, World};

/// How long ago a transfer that is noted may have come, in days.
pub const MAX_TRANSFER_AGE_DAYS: i64 = 366;

/// A merchant has paid something of what he owes by bank transfer.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct MerchantPaid {
    /// Who.
    #[n(0)]
    pub merchant: MerchantId,
    /// How much.
    #[n(1)]
    pub amount: Money,
    /// What the bank calls the transfer.
    #[n(2)]
    pub reference: String,
    /// The day of the transfer, by the midnight of Shanghai with which it begins.
    #[n(3)]
    pub on: Millis,
}

/// Transfers of merchants that were noted, by what the bank calls them.
pub(super) type Received = BTreeMap<String, MerchantPaid>;

impl MerchantPaid {
    pub(super) fn lines(&self, move_money: Move<'_>) -> Result<(), Overflow> {
        let owes = Account::Merchant(MerchantAccount::Owes, self.merchant);
        move_money(owes, Account::Bank, self.amount.0)
    }
}

impl World {
    /// In this order: the merchant, whether the transfer is known, what is said of it, the amount, and that so much is owed. The same
    /// transfer again changes nothing.
    pub(super) fn decide_merchant_paid(
        &self,
        merchant: MerchantId,
        (amount, transfer): (Money, &Transfer),
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<Option<Answer>, Refusal> {
        if self.alliance.merchant_ref(merchant).is_none() {
            return Err(AllianceRefusal::UnknownMerchant(merchant).into());
        }
        let paid = MerchantPaid {
            merchant,
            amount,
            reference: transfer.reference.clone(),
            on: transfer.on,
        };
        if let Some(known) = self.alliance.received.get(&paid.reference) {
            if *known == paid {
                return Ok(Some(Answer::Done));
            }
            return Err(AllianceRefusal::TransferKnown.into());
        }
        transfer.check_received(now)?;
        if !amount.is_positive() {
            return Err(Refusal::AmountNotPositive);
        }
        let owes = self
            .alliance
            .merchant_balance(MerchantAccount::Owes, merchant);
        let left = Money(owes);
        if left < amount {
            return Err(AllianceRefusal::MerchantOwesLess { left }.into());
        }
        events.push(Event::Alliance(AllianceEvent::MerchantPaid(paid)));
        Ok(None)
    }

    pub(super) fn apply_merchant_paid(&mut self, paid: &MerchantPaid) {
        self.homes.owes_less(paid.merchant, paid.amount, None);
        let reference = paid.reference.clone();
        self.alliance.received.insert(reference, paid.clone());
    }
}
