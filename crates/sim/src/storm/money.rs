//! Acts with money: payments right, wrong, late, twice and for nothing that is known.

use domain::{Actor, Command, GatewayId, GroupId, MemberId, Money, PaymentId, Txn};

use super::{Run, town};
use crate::error::SimError;
use crate::provider::WhatFor;

impl Run {
    fn amount_for(&mut self, group: GroupId) -> i64 {
        let price = self.live.price_of(group.0).unwrap_or(100);
        match self.rng.below(200) {
            0 => price + 1,
            1 => (price - 1).max(1),
            2 => self.rng.between(1, 2 * price),
            _ => price,
        }
    }

    fn tag(&mut self, group: GroupId, member: MemberId) -> [u8; 32] {
        if self.rng.percent(1) {
            return [0; 32];
        }
        draw::hash(format!("{group}/{member}").as_bytes()).0
    }

    /// A member pays what he has reserved: soon, late or twice.
    pub(super) fn pay(&mut self) -> Result<(), SimError> {
        let bills = self.town.bills.len();
        if bills == 0 {
            return self.open();
        }
        let newest = if self.rng.percent(70) {
            bills.min(8)
        } else {
            bills
        };
        let mut at = bills - 1 - usize::try_from(self.rng.below(newest as u64)).unwrap_or(0);
        // Nothing happens in a group until its leader has paid.
        let leaders = self
            .town
            .bills
            .iter()
            .rposition(|(payment, _)| payment.index == 0);
        if let (Some(leader), true) = (leaders, self.rng.percent(50)) {
            at = leader;
        }
        let (payment, member) = self.town.bills[at];
        if self.rng.percent(93) {
            self.town.bills.swap_remove(at);
        }
        let amount = self.amount_for(payment.group);
        let txn = self
            .town
            .provider
            .pay(amount, member, WhatFor::Reservation(payment));
        self.report(&txn)
    }

    /// A gateway's member has paid already.
    pub(super) fn join_paid(&mut self) -> Result<(), SimError> {
        let (group, mut member, via) = (self.group(), self.somebody(), self.link());
        // Nothing happens in a group until its leader has paid.
        if let Some(leader) = self.live.leader_of(group.0)
            && !self.live.is_filling(group.0)
            && self.rng.percent(70)
        {
            member = MemberId(leader);
        }
        let amount = self.amount_for(group);
        let txn = self
            .town
            .provider
            .pay(amount, member, WhatFor::Join(group, via));
        self.report(&txn)
    }

    /// The provider tells of a payment.
    pub(super) fn report(&mut self, txn: &str) -> Result<(), SimError> {
        let Some(deposit) = self.town.provider.payments.get(txn).cloned() else {
            return Ok(());
        };
        if !self.town.reported.iter().any(|known| known == txn) {
            town::keep(&mut self.town.reported, 80, txn.to_owned());
        }
        let (amount, member) = (Money(deposit.amount), deposit.member);
        let target = match deposit.what_for {
            WhatFor::Reservation(payment) => Some(payment.group),
            WhatFor::Join(group, _) => Some(group),
            WhatFor::Purchase(..) | WhatFor::Counter(..) | WhatFor::Nothing => None,
        };
        if self.in_history(txn, target) {
            return Ok(());
        }
        let name = Txn::new(txn).expect("the provider's names are short ASCII");
        match deposit.what_for {
            WhatFor::Reservation(payment) => {
                let tag = self.tag(payment.group, member);
                let command = Command::AcceptPayment {
                    payment,
                    txn: name,
                    amount,
                    tag,
                };
                self.system(command)?;
            }
            WhatFor::Join(group, via) => {
                let tag = self.tag(group, member);
                let command = Command::JoinPaid {
                    group,
                    member,
                    via,
                    txn: name,
                    amount,
                    tag,
                };
                self.ask(Actor::Gateway(GatewayId(1)), command)?;
            }
            WhatFor::Purchase(purchase, _) => self.tell_of_purchase(purchase, name, amount)?,
            WhatFor::Counter(counter, _) => self.tell_of_bill(counter, name, amount)?,
            WhatFor::Nothing => self.town.strays.push(txn.to_owned()),
        }
        Ok(())
    }

    /// Whether the server finds a payment in its history, because memory has forgotten it, and so does not ask. Of a
    /// group that is over it may ask all the same; of one that has not been opened yet it must not: money may have
    /// come for a number before there was such a group.
    pub(super) fn in_history(&self, txn: &str, target: Option<GroupId>) -> bool {
        let is_over = target.is_some_and(|target| self.live.is_over(target.0));
        self.live.has_booked(txn) && !self.live.remembers(txn) && !is_over
    }

    pub(super) fn report_again(&mut self) -> Result<(), SimError> {
        let Some(txn) = self.rng.pick(&self.town.reported).cloned() else {
            return self.join_paid();
        };
        self.report(&txn)
    }

    /// A payment that was made is named for something else. What memory has forgotten the server finds in the
    /// history, and does not ask.
    pub(super) fn spend_elsewhere(&mut self) -> Result<(), SimError> {
        let Some(txn) = self.rng.pick(&self.town.reported).cloned() else {
            return Ok(());
        };
        if self.in_history(&txn, None) {
            return Ok(());
        }
        let name = Txn::new(&txn).expect("the provider's names are short ASCII");
        let amount = self.town.provider.payments.get(&txn);
        let amount = Money(amount.map_or(1, |deposit| deposit.amount));
        let (group, member) = (self.group(), self.somebody());
        let tag = self.tag(group, member);
        let bill = self.rng.pick(&self.town.bills).copied();
        let receipt = self.rng.pick(&self.town.receipts).copied();
        if let Some((purchase, ..)) = receipt
            && self.rng.percent(30)
        {
            return self.tell_of_purchase(purchase, name, amount);
        }
        let command = match bill {
            Some((payment, _)) if self.rng.percent(50) => Command::AcceptPayment {
                payment,
                txn: name,
                amount,
                tag,
            },
            _ => Command::JoinPaid {
                group,
                member,
                via: None,
                txn: name,
                amount,
                tag,
            },
        };
        self.system(command)?;
        Ok(())
    }

    /// Money that nobody has paid like this.
    pub(super) fn odd_money(&mut self) -> Result<(), SimError> {
        let group = self.group();
        let payment = PaymentId {
            group,
            index: u32::try_from(self.rng.below(4)).unwrap_or(0),
        };
        let member = self.somebody();
        if self.rng.percent(50) {
            let amount = self.rng.between(1, 10_000);
            let txn = self.town.provider.pay(amount, member, WhatFor::Nothing);
            self.town.strays.push(txn);
            return Ok(());
        }
        // Nobody has ever paid such an amount, so the provider knows nothing of it.
        let amount = match self.rng.below(3) {
            0 => 0,
            1 => -self.rng.between(1, 1_000),
            _ => i64::MAX - self.rng.between(0, 1_000),
        };
        self.town.keys += 1;
        let txn = Txn::new(&format!("X{}", self.town.keys)).expect("short ASCII");
        let amount = Money(amount);
        let command = if self.rng.percent(50) {
            Command::BouncePayment {
                payment: Some(payment),
                member: None,
                txn,
                amount,
            }
        } else {
            Command::AcceptPayment {
                payment,
                txn,
                amount,
                tag: [1; 32],
            }
        };
        self.system(command)?;
        Ok(())
    }

    /// What the server does with money for something no longer in memory: unless the history shows that it was dealt
    /// with, it goes back.
    pub(super) fn stray(&mut self) -> Result<(), SimError> {
        let Some(txn) = self.town.strays.pop() else {
            return self.repeat();
        };
        let Some(deposit) = self.town.provider.payments.get(&txn).cloned() else {
            return Ok(());
        };
        if self.in_history(&txn, None) {
            return Ok(());
        }
        self.system(deposit.bounce(&txn))?;
        Ok(())
    }
}
