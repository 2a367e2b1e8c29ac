//! What becomes of a payment that the channel has confirmed (the table of rules 5).

use crate::{
    Answer, Bounce, Event, GroupId, GroupState, MemberId, Millis, Money, PaymentAnswer, PaymentId,
    RefundId, Refusal, SeatState, Txn, World,
    group::{Group, GroupSlot},
};

/// Incoming money as the channel confirmed it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Incoming {
    pub(crate) txn: Txn,
    pub(crate) amount: Money,
    pub(crate) tag: [u8; 32],
}

impl World {
    pub(crate) fn decide_payment(
        &self,
        payment: PaymentId,
        paid: Incoming,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<Option<Answer>, Refusal> {
        let Some(GroupSlot::Live(group)) = self.slot(payment.group) else {
            return self
                .known_stray(&paid.txn)
                .map(Some)
                .ok_or(Refusal::PaymentNotInMemory(payment));
        };
        let Some(seat) = group.seat(payment.index) else {
            return self
                .known_stray(&paid.txn)
                .map(Some)
                .ok_or(Refusal::PaymentNotInMemory(payment));
        };
        if seat.txn == Some(paid.txn) || group.knows(&paid.txn) {
            return Ok(Some(Answer::Payment(PaymentAnswer::Known)));
        }
        let member = seat.member;
        let campaign = self.require_campaign(group.campaign)?;
        let bounce = if paid.amount != campaign.terms.group.price {
            Some(Bounce::AmountDiffers)
        } else {
            match seat.state {
                SeatState::Paid | SeatState::Refunded => Some(Bounce::SecondPayment),
                SeatState::Reserved => None,
                // Nobody joins before the leader has paid, so only the leader can meet that rule here, and his lapse
                // has cancelled the group.
                SeatState::Lapsed => self.why_not_join(payment.group, group, member),
            }
        };
        match bounce {
            Some(reason) => self.bounce(Some(payment), Some(member), paid, reason, events),
            None => self.accept(group, payment, member, paid, (now, events)),
        }?;
        Ok(None)
    }

    /// A gateway's member has paid already: he gets a seat if he could join now, else his money back.
    pub(crate) fn decide_join_paid(
        &self,
        join: (GroupId, MemberId, Option<MemberId>),
        paid: Incoming,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<Option<Answer>, Refusal> {
        let (id, member, via) = join;
        self.require_member(member)?;
        self.require_via(via)?;
        let group = match self.slot(id) {
            None => return Err(Refusal::UnknownGroup(id)),
            Some(GroupSlot::Over { .. }) => {
                return self
                    .known_stray(&paid.txn)
                    .map(Some)
                    .ok_or(Refusal::GroupNotInMemory(id));
            }
            Some(GroupSlot::Live(group)) => group,
        };
        let known = self
            .seat_indexes(id, group, member)
            .filter_map(|index| group.seat(index));
        if known.into_iter().any(|seat| seat.txn == Some(paid.txn)) || group.knows(&paid.txn) {
            return Ok(Some(Answer::Payment(PaymentAnswer::Known)));
        }
        let campaign = self.require_campaign(group.campaign)?;
        if paid.amount != campaign.terms.group.price {
            self.bounce_in(id, Some(member), paid, Bounce::AmountDiffers, events)?;
            return Ok(None);
        }
        let waiting = self.seat_indexes(id, group, member).find(|&index| {
            group
                .seat(index)
                .is_some_and(|seat| seat.state == SeatState::Reserved)
        });
        let payment = match waiting {
            Some(index) => PaymentId { group: id, index },
            None => {
                if let Some(reason) = self.why_not_join(id, group, member) {
                    self.bounce_in(id, Some(member), paid, reason, events)?;
                    return Ok(None);
                }
                self.decide_inviter(member, via, events);
                let payment = self.reservation_for(id, group, member)?;
                let pay_by = now
                    .after(campaign.terms.group.payment_window)
                    .min(group.expires_at);
                events.push(Event::SeatReserved {
                    payment,
                    member,
                    via,
                    pay_by,
                });
                payment
            }
        };
        self.accept(group, payment, member, paid, (now, events))?;
        Ok(None)
    }

    /// Money for something over or unknown goes back; the caller has made sure that it was not dealt with before.
    pub(crate) fn decide_bounce(
        &self,
        payment: Option<PaymentId>,
        member: Option<MemberId>,
        txn: Txn,
        amount: Money,
        events: &mut Vec<Event>,
    ) -> Result<Option<Answer>, Refusal> {
        if let Some(known) = self.known_stray(&txn) {
            return Ok(Some(known));
        }
        let group = payment.map(|payment| payment.group);
        let reason = match group.and_then(|group| self.over(group)) {
            Some(GroupState::Expired) => Bounce::GroupExpired,
            Some(GroupState::Cancelled) => Bounce::GroupCancelled,
            Some(GroupState::Void) => Bounce::GroupVoid,
            Some(GroupState::Settled) => Bounce::GroupSettled,
            Some(GroupState::Open | GroupState::Full) | None => Bounce::NothingToPay,
        };
        if let Some(group) = group.and_then(|group| self.live(group)) {
            let seated = payment
                .and_then(|payment| group.seat(payment.index))
                .and_then(|seat| seat.txn);
            if seated == Some(txn) || group.knows(&txn) {
                return Ok(Some(Answer::Payment(PaymentAnswer::Known)));
            }
        }
        self.bounce(
            payment,
            member,
            Incoming {
                txn,
                amount,
                tag: [0; 32],
            },
            reason,
            events,
        )?;
        Ok(None)
    }

    /// The seat is taken; with the last one the group is full and its seat list sealed.
    fn accept(
        &self,
        group: &Group,
        payment: PaymentId,
        member: MemberId,
        paid: Incoming,
        (now, events): (Millis, &mut Vec<Event>),
    ) -> Result<(), Refusal> {
        let campaign = self.require_campaign(group.campaign)?;
        let fee = paid.amount.channel_fee(campaign.terms.channel.fee)?;
        events.push(Event::PaymentAccepted {
            payment,
            member,
            txn: paid.txn,
            amount: paid.amount,
            fee,
            tag: paid.tag,
        });
        if group.paid_count().saturating_add(1) == campaign.terms.group.seats {
            events.push(self.fill(group, payment, (member, paid.tag), now, events)?);
        }
        Ok(())
    }

    /// A payment that names no reservation of the group it was meant for.
    fn bounce_in(
        &self,
        group: GroupId,
        member: Option<MemberId>,
        paid: Incoming,
        reason: Bounce,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        // The group must remember it, so that the same payment reported again is recognised: index u32::MAX is
        // no reservation.
        self.bounce(
            Some(PaymentId {
                group,
                index: u32::MAX,
            }),
            member,
            paid,
            reason,
            events,
        )
    }

    fn bounce(
        &self,
        payment: Option<PaymentId>,
        member: Option<MemberId>,
        paid: Incoming,
        reason: Bounce,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        if !paid.amount.is_positive() {
            return Err(Refusal::AmountNotPositive);
        }
        // Bounced money is not part of what groups promise: keep the channel's balance far from its end.
        if i64::MAX / 2 < Money(self.books.channel).plus(paid.amount)?.0 {
            return Err(Refusal::Overflow);
        }
        let channel = payment
            .and_then(|payment| self.campaign_of(payment.group))
            .map(|terms| terms.terms.channel);
        let channel = channel.unwrap_or_default();
        events.push(Event::PaymentBounced {
            payment,
            member,
            txn: paid.txn,
            amount: paid.amount,
            fee: paid.amount.channel_fee(channel.fee)?,
            fee_kept: channel.kept_on_refund,
            refund: RefundId(self.next_refund),
            reason,
        });
        Ok(())
    }

    /// Whether this payment is on its way back although no group remembers it.
    fn known_stray(&self, txn: &Txn) -> Option<Answer> {
        self.strays
            .contains_key(txn)
            .then_some(Answer::Payment(PaymentAnswer::Known))
    }
}
