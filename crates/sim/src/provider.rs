//! The other side of the payment channel: it keeps its own book, and survives crashes of the platform.

use std::collections::BTreeMap;

use domain::{
    AllianceCommand, Command, CounterId, GroupId, MemberId, Money, PaymentId, PayoutOutcome,
    PurchaseId, RefundId, ShopCommand, SkuId, StoreId, Txn,
};

/// Everything that was ever paid to the platform.
#[derive(Clone, Debug, Default)]
pub(crate) struct Provider {
    pub(crate) payments: BTreeMap<String, Deposit>,
    refunds: BTreeMap<RefundId, String>,
    /// Withdrawals by their key: how much, and what has become of them.
    payouts: BTreeMap<[u8; 16], (i64, PayoutOutcome)>,
}

/// One payment at the provider.
#[derive(Clone, Debug)]
pub(crate) struct Deposit {
    pub(crate) amount: i64,
    pub(crate) member: MemberId,
    pub(crate) what_for: WhatFor,
    /// The refund that sent it back.
    pub(crate) refund: Option<RefundId>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum WhatFor {
    Reservation(PaymentId),
    /// Through a gateway: `(group, via)`.
    Join(GroupId, Option<MemberId>),
    Purchase(PurchaseId, SkuId),
    Counter(CounterId, StoreId),
    /// Nothing that anybody knows.
    Nothing,
}

impl Deposit {
    /// What sends it back, where it is for nothing that is in memory.
    pub(crate) fn bounce(&self, txn: &str) -> Command {
        let name = Txn::new(txn).expect("the provider's names are short ASCII");
        let payment = match self.what_for {
            WhatFor::Reservation(payment) => Some(payment),
            WhatFor::Join(group, _) => Some(PaymentId {
                group,
                index: domain::NO_RESERVATION,
            }),
            WhatFor::Purchase(_, sku) => {
                return Command::Shop(ShopCommand::BouncePurchase {
                    member: self.member,
                    sku,
                    txn: name,
                    amount: Money(self.amount),
                });
            }
            WhatFor::Counter(_, store) => {
                return Command::Alliance(AllianceCommand::BounceCounter {
                    member: self.member,
                    store,
                    txn: name,
                    amount: Money(self.amount),
                });
            }
            WhatFor::Nothing => None,
        };
        Command::BouncePayment {
            payment,
            member: Some(self.member),
            txn: name,
            amount: Money(self.amount),
        }
    }
}

impl Provider {
    /// Takes money and names the payment.
    pub(crate) fn pay(&mut self, amount: i64, member: MemberId, what_for: WhatFor) -> String {
        let txn = format!("S{}", self.payments.len());
        let deposit = Deposit {
            amount,
            member,
            what_for,
            refund: None,
        };
        self.payments.insert(txn.clone(), deposit);
        txn
    }

    /// Sends a payment back; the same refund again does nothing. Says what is wrong with it, if anything.
    pub(crate) fn send_back(
        &mut self,
        txn: &str,
        refund: RefundId,
        amount: i64,
    ) -> Result<(), String> {
        let Some(deposit) = self.payments.get_mut(txn) else {
            return Err(format!(
                "refund {refund} is of payment {txn}, which was never made"
            ));
        };
        if deposit.amount != amount {
            return Err(format!(
                "refund {refund} of payment {txn} is {amount}, {} was paid",
                deposit.amount
            ));
        }
        match deposit.refund {
            Some(earlier) if earlier != refund => Err(format!(
                "payment {txn} is refunded twice, by {earlier} and {refund}"
            )),
            Some(_) => Ok(()),
            None => {
                deposit.refund = Some(refund);
                self.refunds.insert(refund, txn.to_owned());
                Ok(())
            }
        }
    }

    /// Pays somebody out, unless that has ended already; says what has become of it. Once it is paid or has failed it stays so.
    pub(crate) fn pay_out(
        &mut self,
        key: [u8; 16],
        amount: i64,
        wish: PayoutOutcome,
    ) -> Result<PayoutOutcome, String> {
        let known = self.payouts.entry(key).or_insert((amount, wish));
        if known.0 != amount {
            return Err(format!(
                "a payout of {} is asked for as one of {amount}",
                known.0
            ));
        }
        if known.1 == PayoutOutcome::Waiting {
            known.1 = wish;
        }
        Ok(known.1)
    }

    /// What was paid out.
    pub(crate) fn paid_out(&self) -> i64 {
        let paid = self.payouts.values();
        let paid = paid.filter(|(_, outcome)| *outcome == PayoutOutcome::Paid);
        paid.map(|(amount, _)| amount).sum()
    }

    /// Which payment a refund sent back; nothing if it never sent any.
    pub(crate) fn txn_of(&self, refund: RefundId) -> String {
        self.refunds.get(&refund).cloned().unwrap_or_default()
    }

    /// Payments that were never sent back.
    pub(crate) fn open(&self) -> impl Iterator<Item = (&String, &Deposit)> {
        self.payments
            .iter()
            .filter(|(_, deposit)| deposit.refund.is_none())
    }

    /// What was paid and never sent back.
    pub(crate) fn kept(&self) -> i64 {
        let kept = self
            .payments
            .values()
            .filter(|deposit| deposit.refund.is_none());
        kept.map(|deposit| deposit.amount).sum()
    }
}
