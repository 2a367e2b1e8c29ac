//! What suppliers are owed, and that they were paid (rules 6). Each sale adds what its products cost; the platform pays them from its
//! own bank, and somebody says so.

use crate::{Event, Money, Refusal, World};

impl World {
    /// What suppliers are owed, all of them together.
    pub fn suppliers_owed(&self) -> Money {
        Money(self.books.suppliers.saturating_neg().max(0))
    }

    /// In this order: the amount, and that so much is owed.
    pub(crate) fn decide_pay_suppliers(
        &self,
        amount: Money,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        if !amount.is_positive() {
            return Err(Refusal::AmountNotPositive);
        }
        let left = self.suppliers_owed();
        if left < amount {
            return Err(Refusal::SuppliersTooLarge { left });
        }
        events.push(Event::SuppliersPaid { amount });
        Ok(())
    }
}
