//! What becomes of a payment that the channel has confirmed (the table of rules 5).

use crate::{
    Answer, Bounce, Event, GroupId, GroupState, IdentityRefusal, Kind, MemberId, Millis, Money,
    PaymentAnswer, PaymentId, PendingRefund, RefundId, Refusal, SeatState, Txn, World,
    group::{Group, NO_RESERVATION, Seat, push_within},
    ids::MaybeTxn,
    join::reservation_for,
    table::{InGroup, OnItsWay, ShortHash},
};

const KNOWN: Answer = Answer::Payment(PaymentAnswer::Known);

/// Incoming money as the channel confirmed it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Incoming {
    pub(crate) txn: Txn,
    pub(crate) amount: Money,
    pub(crate) tag: [u8; 32],
}

/// Where a payment was met before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KnownPayment {
    /// It holds, or held, this member's seat in a live group.
    Seat(PaymentId, MemberId),
    /// It went back, or is on its way back.
    Returned,
    /// It has paid a purchase, or a bill at a counter.
    Bought,
}

/// The rule by which one more place was refused, as the payment's reason. A sum that does not fit is above any limit of money.
fn limit_of(refusal: &Refusal) -> Bounce {
    if let Refusal::SelfExcluded { .. } = refusal {
        Bounce::SelfExcluded
    } else if let Refusal::Identity(IdentityRefusal::TooYoung { .. }) = refusal {
        Bounce::TooYoung
    } else if let Refusal::Identity(_) = refusal {
        Bounce::NotVerified
    } else if let Refusal::LossPause { .. } = refusal {
        Bounce::LossPause
    } else if let Refusal::EntriesLimit { .. } = refusal {
        Bounce::EntriesLimit
    } else {
        Bounce::MoneyLimit
    }
}

impl World {
    pub(crate) fn decide_payment(
        &self,
        payment: PaymentId,
        paid: Incoming,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<Option<Answer>, Refusal> {
        match self.known_payment(&paid.txn) {
            Some(KnownPayment::Seat(seated, _)) if seated != payment => {
                return Err(Refusal::PaymentUsedElsewhere(seated));
            }
            Some(KnownPayment::Seat(..) | KnownPayment::Returned | KnownPayment::Bought) => {
                return Ok(Some(KNOWN));
            }
            None => {}
        }
        let not_in_memory = Refusal::PaymentNotInMemory(payment);
        let Some(group) = self.live(payment.group) else {
            return Err(not_in_memory);
        };
        let Some(seat) = group.seat(payment.index) else {
            return Err(not_in_memory);
        };
        let member = seat.member;
        let campaign = self.require_campaign(group.campaign)?;
        let bounce = if paid.amount != campaign.terms.group.price {
            Some(Bounce::AmountDiffers)
        } else if campaign.terms.kind == Kind::Ballot {
            self.why_no_right(payment, seat.state)
        } else {
            match seat.state {
                SeatState::Paid | SeatState::Registered | SeatState::Refunded => {
                    Some(Bounce::SecondPayment)
                }
                SeatState::Reserved if group.full.is_some() => Some(Bounce::GroupFull),
                SeatState::Reserved => None,
                // Nobody joins before the leader has paid, so only the leader can meet that rule here, and his lapse
                // has cancelled the group.
                SeatState::Lapsed => {
                    self.why_not_join(payment.group, group, member).or_else(|| {
                        let limited = self.require_may_play(member, group.campaign, now);
                        limited.err().as_ref().map(limit_of)
                    })
                }
            }
        };
        match bounce {
            Some(reason) => self.bounce(Some(payment), Some(member), paid, reason, events),
            None => self.accept(group, payment, member, paid, (now, events)),
        }?;
        Ok(None)
    }

    /// A gateway's member has paid already: he gets a seat if he could join now, else his money back. A group or
    /// member that is not known makes the caller send it back, too.
    pub(crate) fn decide_join_paid(
        &self,
        join: (GroupId, MemberId, Option<MemberId>),
        paid: Incoming,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<Option<Answer>, Refusal> {
        let (id, member, via) = join;
        match self.known_payment(&paid.txn) {
            Some(KnownPayment::Seat(seated, whose)) if seated.group != id || whose != member => {
                return Err(Refusal::PaymentUsedElsewhere(seated));
            }
            Some(KnownPayment::Seat(..) | KnownPayment::Returned | KnownPayment::Bought) => {
                return Ok(Some(KNOWN));
            }
            None => {}
        }
        let Some(group) = self.live(id).filter(|_| self.member_ref(member).is_some()) else {
            return Err(Refusal::GroupNotInMemory(id));
        };
        // Money that has come is not refused for a link: an unknown one counts as none.
        let via = self.link(member, via).unwrap_or(None);
        let campaign = self.require_campaign(group.campaign)?;
        let is_ballot = campaign.terms.kind == Kind::Ballot;
        let waiting = group.seat_indexes(member).find(|&index| {
            let payment = PaymentId { group: id, index };
            let seat = group.seat(index).map(|seat| seat.state);
            if is_ballot {
                return seat.is_some_and(|seat| self.why_no_right(payment, seat).is_none());
            }
            seat == Some(SeatState::Reserved)
        });
        let bounce = match waiting {
            _ if paid.amount != campaign.terms.group.price => Some(Bounce::AmountDiffers),
            // Who registers for nothing has nothing to pay; who has a right uses it.
            Some(_) if is_ballot => None,
            None if is_ballot => Some(Bounce::NothingToPay),
            Some(_) if group.full.is_some() => Some(Bounce::GroupFull),
            Some(_) => None,
            // A gateway's members have no table's link.
            None if group.campaign.table().is_some() => Some(Bounce::NothingToPay),
            None => self.why_not_join(id, group, member).or_else(|| {
                let limited = self.require_within_limits(member, group.campaign, now);
                limited.err().as_ref().map(limit_of)
            }),
        };
        if let Some(reason) = bounce {
            let payment = PaymentId {
                group: id,
                index: NO_RESERVATION,
            };
            self.bounce(Some(payment), Some(member), paid, reason, events)?;
            return Ok(None);
        }
        let payment = match waiting {
            Some(index) => PaymentId { group: id, index },
            None => {
                self.decide_inviter(member, via, events);
                let payment = reservation_for(id, group, member)?;
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
        if self.known_payment(&txn).is_some() {
            return Ok(Some(KNOWN));
        }
        let group = payment.map(|payment| payment.group);
        let reason = match group.and_then(|group| self.over(group)) {
            Some(GroupState::Expired) => Bounce::GroupExpired,
            Some(GroupState::Cancelled) => Bounce::GroupCancelled,
            Some(GroupState::Void) => Bounce::GroupVoid,
            Some(GroupState::Settled) => Bounce::GroupSettled,
            Some(GroupState::Open | GroupState::Full | GroupState::Drawn) | None => {
                Bounce::NothingToPay
            }
        };
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
        if paid.tag == [0; 32] {
            return Err(Refusal::TagMissing);
        }
        let campaign = self.require_campaign(group.campaign)?;
        let fee = paid.amount.channel_fee(campaign.terms.channel.fee)?;
        let is_ballot = campaign.terms.kind == Kind::Ballot;
        let sealed = group.seat(payment.index).filter(|_| is_ballot);
        events.push(Event::PaymentAccepted {
            payment,
            member,
            txn: paid.txn,
            amount: paid.amount,
            fee,
            tag: sealed.map_or(paid.tag, |seat| seat.tag),
        });
        if is_ballot {
            return self.decide_right_used(payment, now, events);
        }
        if group.paid_count().saturating_add(1) == campaign.terms.group.seats {
            let (filled, round) = self.fill(group, payment, (member, paid.tag), now, events)?;
            let mut sold = None;
            let mut homes = Vec::new();
            if let Event::GroupFilled { seats, .. } = &filled
                && !campaign.terms.is_drawn()
            {
                sold = Some(self.decide_sold(payment.group, &campaign.terms, seats)?);
                if campaign.terms.origin_share.is_some() {
                    homes.clone_from(seats);
                }
            }
            events.extend(round);
            events.push(filled);
            if let Some(sold) = sold {
                events.push(sold);
                self.decide_sold_for(group.campaign, events)?;
                self.decide_origin(&campaign.terms, &homes, events)?;
            }
        }
        Ok(())
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
}

impl World {
    /// What is known of a payment by its provider's name, among live groups and refunds on their way.
    pub(crate) fn known_payment(&self, txn: &Txn) -> Option<KnownPayment> {
        let hash = ShortHash::of(txn);
        let on_its_way = self.returning.find(hash, |place: OnItsWay| {
            self.refunds
                .get(&place.refund())
                .is_some_and(|pending| pending.txn == *txn)
        });
        if on_its_way.is_some() {
            return Some(KnownPayment::Returned);
        }
        if self.purchase_of_txn(txn).is_some() || self.counter_of_txn(txn).is_some() {
            return Some(KnownPayment::Bought);
        }
        let seated = self.seated.find(hash, |place| {
            self.seat_at(place)
                .is_some_and(|seat| seat.txn.get() == Some(txn))
        });
        if let Some(place) = seated {
            let payment = PaymentId {
                group: place.group(),
                index: place.at(),
            };
            return Some(KnownPayment::Seat(payment, self.seat_at(place)?.member));
        }
        let returned = self.returned.find(hash, |place| {
            let known = usize::try_from(place.at())
                .ok()
                .and_then(|at| self.live(place.group())?.returned.get(at));
            known == Some(txn)
        });
        returned.map(|_| KnownPayment::Returned)
    }

    fn seat_at(&self, place: InGroup) -> Option<&Seat> {
        self.live(place.group())?.seat(place.at())
    }

    pub(crate) fn apply_accepted(
        &mut self,
        payment: PaymentId,
        (txn, tag): (Txn, [u8; 32]),
        amount: Money,
        fee: Money,
    ) {
        let places = self.places(payment.group);
        let Some(group) = self.live_mut(payment.group) else {
            return;
        };
        let Some(seat) = group.seat_mut(payment.index) else {
            return;
        };
        let was_lapsed = seat.state == SeatState::Lapsed;
        let is_right = seat.state == SeatState::Registered;
        let member = seat.member;
        seat.state = SeatState::Paid;
        seat.txn = MaybeTxn::from(txn);
        seat.tag = tag;
        seat.fee = fee;
        if !is_right {
            push_within(&mut group.paid, payment.index, places);
        }
        if was_lapsed {
            group.held = group.held.saturating_add(1);
        }
        group.drop_stale_reservations();
        let place = InGroup::new(payment.group, payment.index);
        self.seated.insert(ShortHash::of(txn), place);
        if is_right {
            self.note_right_used(payment);
        }
        if let Some(member) = self.member_mut(member) {
            member.in_groups.0 = member.in_groups.0.saturating_add(amount.0);
        }
    }

    pub(crate) fn apply_bounced(&mut self, event: &Event) {
        let Event::PaymentBounced {
            payment,
            txn,
            amount,
            fee,
            fee_kept,
            refund,
            ..
        } = event
        else {
            return;
        };
        if let Some((id, group)) =
            payment.and_then(|payment| Some((payment.group, self.live_mut(payment.group)?)))
        {
            let at = u32::try_from(group.returned.len()).unwrap_or(u32::MAX);
            group.returned.push(*txn);
            self.returned
                .insert(ShortHash::of(txn), InGroup::new(id, at));
        }
        let fee_back = if *fee_kept { Money::ZERO } else { *fee };
        self.apply_refund_due(PendingRefund {
            refund: *refund,
            txn: *txn,
            amount: *amount,
            payment: *payment,
            fee_back,
        });
    }
}
