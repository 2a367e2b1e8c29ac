//! Seats and payments up to the freeze, and groups that end without a draw.

use domain::{
    ChannelTerms, Closing, DRAW_TIMEOUT_S, Event, FilledSeat, GroupId, MemberId, Money, PaymentId,
    RefundId, SeatRef, Txn,
};

use super::{At, Due, Full, Live, Place, Seat, Trail, count_closing};
use crate::audit::Findings;
use crate::audit::draws::Files;

impl Trail {
    #[expect(
        clippy::too_many_lines,
        reason = "one arm for each kind of event; it only dispatches"
    )]
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "`Trail::event` lists them all"
    )]
    pub(super) fn seat_event(&mut self, at: At, event: &Event, findings: &mut Findings) {
        match event {
            Event::GroupOpened {
                group,
                campaign,
                leader,
                ..
            } => {
                let next = u64::try_from(self.campaign_of.len()) == Ok(group.0);
                findings.unless(next, at.0, || {
                    format!("group {group} is not the next number")
                });
                self.campaign_of.push(*campaign);
                let known = self.campaign(*group).is_some();
                findings.unless(known, at.0, || {
                    format!("group {group} is of a campaign that does not exist")
                });
                let live = Live {
                    leader: *leader,
                    seats: Vec::new(),
                    paid: Vec::new(),
                    full: None,
                };
                self.live.insert(*group, live);
            }
            Event::SeatReserved {
                payment,
                member,
                via,
                ..
            } => self.reserved(at, *payment, (*member, *via), findings),
            Event::SeatLapsed { payment } => {
                let seat = self
                    .live
                    .get_mut(&payment.group)
                    .and_then(|live| live.seat_mut(*payment));
                let held = seat
                    .as_ref()
                    .is_some_and(|seat| seat.state == Place::Reserved);
                findings.unless(held, at.0, || {
                    format!("place {payment} lapses, but it is not held")
                });
                if let Some(seat) = seat {
                    seat.state = Place::Lapsed;
                }
            }
            Event::PaymentAccepted {
                payment,
                member,
                txn,
                amount,
                fee,
                tag,
            } => {
                self.book(at, *txn, findings);
                self.accepted(
                    at,
                    *payment,
                    (*member, *txn, *tag),
                    (*amount, *fee),
                    findings,
                );
            }
            Event::PaymentBounced { .. } => self.bounced(at, event, findings),
            Event::SeatLeft {
                payment,
                amount,
                refund,
                ..
            } => {
                self.give_back(at, *payment, *amount, *refund, findings);
            }
            Event::GroupFilled {
                group,
                seats,
                frozen_at,
                round,
                freeze,
            } => {
                self.filled(at, *group, seats, (*frozen_at, *round, *freeze), findings);
            }
            Event::GroupClosed { .. } => self.closed(at, event, findings),
            Event::RoundFoundLate {
                group,
                round,
                signature,
            } => self.found_late(at, *group, (*round, signature), findings),
            _ => {}
        }
    }

    fn reserved(
        &mut self,
        at: At,
        payment: PaymentId,
        (member, via): (MemberId, Option<MemberId>),
        findings: &mut Findings,
    ) {
        findings.unless(!self.is_frozen(member), at.0, || {
            format!("place {payment} is reserved by member {member}, who is frozen")
        });
        let fits = self.fits_circle(payment.group, member);
        findings.unless(fits, at.0, || {
            format!("place {payment} is reserved by member {member}, who has left the circle")
        });
        let Some(live) = self
            .live
            .get_mut(&payment.group)
            .filter(|live| live.full.is_none())
        else {
            findings.unless(false, at.0, || {
                format!("place {payment} is reserved in a group that is not open")
            });
            return;
        };
        let next = u32::try_from(live.seats.len()) == Ok(payment.index);
        match live.seat_mut(payment) {
            Some(seat) => {
                let again = seat.state == Place::Lapsed && seat.member == member;
                findings.unless(again, at.0, || {
                    format!("place {payment} is reserved, but it was not free")
                });
                seat.state = Place::Reserved;
                seat.via = via.or(seat.via);
            }
            None => {
                findings.unless(next, at.0, || {
                    format!("place {payment} is not the next number")
                });
                live.seats.push(Seat {
                    member,
                    via,
                    state: Place::Reserved,
                    txn: None,
                    fee: Money::ZERO,
                    tag: [0; 32],
                });
            }
        }
    }

    fn accepted(
        &mut self,
        at: At,
        payment: PaymentId,
        (member, txn, tag): (MemberId, Txn, [u8; 32]),
        (amount, fee): (Money, Money),
        findings: &mut Findings,
    ) {
        self.counts.seats_paid += 1;
        let terms = self
            .campaign(payment.group)
            .map(|campaign| campaign.terms.clone());
        let right = terms.is_some_and(|terms| {
            terms.group.price == amount && amount.channel_fee(terms.channel.fee) == Ok(fee)
        });
        findings.unless(right, at.0, || {
            format!(
                "payment {payment} holds a place with another amount or fee than its campaign's"
            )
        });
        // Who has a right to buy in a ballot is told apart; he has his place, and pays after the draw.
        let is_right = self.is_ballot_drawn(payment.group);
        let live = self
            .live
            .get_mut(&payment.group)
            .filter(|live| live.full.is_some() == is_right);
        let open = live.is_some();
        let place = live.and_then(|live| {
            let at = usize::try_from(payment.index).ok()?;
            Some((&mut live.paid, live.seats.get_mut(at)?))
        });
        let Some((paid, seat)) = place else {
            findings.unless(open, at.0, || {
                format!("payment {payment} is accepted in a group that is not open")
            });
            findings.unless(!open, at.0, || {
                format!("payment {payment} is accepted for a place that does not exist")
            });
            return;
        };
        let waits = if is_right {
            seat.state == Place::Registered && seat.tag == tag
        } else {
            matches!(seat.state, Place::Reserved | Place::Lapsed)
        };
        let waits = waits && seat.member == member;
        findings.unless(waits, at.0, || {
            format!("payment {payment} is accepted for a place that does not wait for it")
        });
        seat.state = Place::Paid;
        seat.txn = Some(txn);
        seat.fee = fee;
        seat.tag = tag;
        if !is_right {
            paid.push(payment.index);
        }
    }

    fn bounced(&mut self, at: At, event: &Event, findings: &mut Findings) {
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
        self.counts.bounced += 1;
        self.book(at, *txn, findings);
        let fits = |channel: &ChannelTerms| {
            amount.channel_fee(channel.fee) == Ok(*fee) && *fee_kept == channel.kept_on_refund
        };
        let campaign = payment.and_then(|payment| self.campaign(payment.group));
        let known = match campaign {
            Some(campaign) => fits(&campaign.terms.channel),
            // It tells of no group, so not what it was for: a purchase or bill of any terms, or nothing at all.
            None => fits(&ChannelTerms::default()) || self.channels.iter().any(fits),
        };
        findings.unless(amount.is_positive() && known, at.0, || {
            format!("payment {txn} goes back with another fee than the channel's")
        });
        let fee_back = if *fee_kept { Money::ZERO } else { *fee };
        self.owe(
            at,
            *refund,
            Due {
                amount: *amount,
                fee_back,
            },
            findings,
        );
    }

    /// A paid seat's money goes back: all of it.
    pub(super) fn give_back(
        &mut self,
        at: At,
        payment: PaymentId,
        amount: Money,
        refund: RefundId,
        findings: &mut Findings,
    ) {
        let terms = self
            .campaign(payment.group)
            .map(|campaign| campaign.terms.clone());
        let price = terms.as_ref().map(|terms| terms.group.price);
        findings.unless(price == Some(amount), at.0, || {
            format!("seat {payment} is refunded {amount}, it paid something else")
        });
        let kept = terms.is_some_and(|terms| terms.channel.kept_on_refund);
        let mut fee_back = Money::ZERO;
        let live = self.live.get_mut(&payment.group);
        let place = live.and_then(|live| {
            let at = usize::try_from(payment.index).ok()?;
            Some((&mut live.paid, live.seats.get_mut(at)?))
        });
        let paid = place
            .as_ref()
            .is_some_and(|(_, seat)| seat.state == Place::Paid && seat.txn.is_some());
        findings.unless(paid, at.0, || {
            format!("seat {payment} is refunded, but it was not paid")
        });
        if let Some((paid, seat)) = place {
            paid.retain(|&index| index != payment.index);
            seat.state = Place::Refunded;
            fee_back = if kept { Money::ZERO } else { seat.fee };
        }
        self.owe(at, refund, Due { amount, fee_back }, findings);
    }

    /// Seals the seats again: the same files, the same round, the same uplines.
    fn filled(
        &mut self,
        at: At,
        group: GroupId,
        seats: &[FilledSeat],
        (frozen_at, round, freeze): (u64, u64, [u8; 32]),
        findings: &mut Findings,
    ) {
        let (Some(campaign), Some(live)) = (self.campaign(group).cloned(), self.live.get(&group))
        else {
            findings.unless(false, at.0, || {
                format!("group {group} is full, but it was not open")
            });
            return;
        };
        let wanted = usize::try_from(campaign.terms.group.seats).ok();
        let full = Some(live.paid.len()) == wanted && live.full.is_none();
        findings.unless(full, at.0, || {
            format!("group {group} is full with {} paid seats", live.paid.len())
        });
        findings.unless(at.1.unix_seconds() == frozen_at, at.0, || {
            format!("group {group} was not frozen when its last seat was paid")
        });
        let held = live.paid.iter().filter_map(|&index| {
            live.seat(PaymentId { group, index })
                .map(|seat| (index, seat))
        });
        let number = usize::try_from(group.0).ok();
        let number = number
            .and_then(|group| self.campaign_of.get(group))
            .copied();
        let sealed: Vec<FilledSeat> = held
            .map(|(index, seat)| FilledSeat {
                index,
                member: seat.member,
                via: seat.via,
                uplines: self.uplines(seat.member, &campaign, at.1),
                walk: self.walk(seat.member, &campaign, at.1),
                agents: self.agents(seat.member, &campaign, at.1),
                home_store: self.seat_home(number, &campaign.terms, (seat.member, at.1)),
            })
            .collect();
        findings.unless(sealed == seats, at.0, || {
            format!(
                "the sealed seats of group {group} are not those that paid, or have other uplines"
            )
        });
        let lines = self.turn_lines(group, None);
        let lines = lines.unwrap_or_else(|| draw::Seats(Vec::new()));
        let timing = campaign.terms.draw.source.timing();
        let files = self.open_of(group).and_then(|(open, prev)| {
            let freeze = draw::freeze_for(&open, &lines, frozen_at, prev, timing).ok()?;
            Some(Files {
                open,
                seats: lines,
                freeze,
            })
        });
        let same = files
            .as_ref()
            .is_some_and(|files| files.freeze.hash().0 == freeze && files.freeze.round == round);
        findings.unless(same, at.0, || {
            format!("the freeze of group {group} is not that of its seats, rules and time")
        });
        self.counts.freezes += 1;
        if let Some(live) = self.live.get_mut(&group) {
            live.full = Some(Full {
                seats: sealed,
                files,
            });
        }
    }

    fn closed(&mut self, at: At, event: &Event, findings: &mut Findings) {
        let Event::GroupClosed {
            group,
            why,
            refund_each,
            first_refund,
            refunds,
        } = event
        else {
            return;
        };
        let Some(live) = self.live.get(group) else {
            findings.unless(false, at.0, || {
                format!("group {group} ends, but it was over")
            });
            return;
        };
        let paid = live.paid.iter().filter_map(|&index| {
            let seat = live.seat(PaymentId {
                group: *group,
                index,
            })?;
            (seat.state == Place::Paid).then_some(SeatRef {
                index,
                member: seat.member,
            })
        });
        let all = paid.collect::<Vec<_>>() == *refunds;
        findings.unless(all, at.0, || {
            format!("group {group} ends, and not exactly its paid seats are refunded")
        });
        let full = live.full.is_some();
        let drawn = self.is_ballot_drawn(*group);
        findings.unless(full == (*why == Closing::Void) && !drawn, at.0, || {
            format!("group {group} cannot end as {why:?}")
        });
        if let Some(files) = live.full.as_ref().and_then(|full| full.files.as_ref()) {
            self.void_rounds.insert(*group, files.freeze.round);
            let timing = self
                .campaign(*group)
                .map(|campaign| campaign.terms.draw.source.timing());
            let round_time = timing.and_then(|timing| timing.round_time(files.freeze.round).ok());
            let late = round_time
                .is_some_and(|time| time.saturating_add(DRAW_TIMEOUT_S) <= at.1.unix_seconds());
            findings.unless(late, at.0, || {
                format!("group {group} became void before its timeout")
            });
        }
        for (refund, seat) in (first_refund.0..).zip(refunds) {
            let payment = PaymentId {
                group: *group,
                index: seat.index,
            };
            self.give_back(at, payment, *refund_each, RefundId(refund), findings);
        }
        count_closing(&mut self.counts, *why);
        self.live.remove(group);
    }

    /// The round that a void group waited for is known after all, once (rules 5).
    fn found_late(
        &mut self,
        at: At,
        group: GroupId,
        (round, signature): (u64, &[u8; 48]),
        findings: &mut Findings,
    ) {
        let awaited = self.void_rounds.remove(&group) == Some(round);
        findings.unless(awaited, at.0, || {
            format!("a value of round {round} is shown for group {group}, which is not void for the lack of it")
        });
        let source = self.campaign(group).map(|known| known.terms.draw.source);
        let checked = source.and_then(|source| self.beacons.check_round(&source, round, signature));
        if let Some(Err(says)) = checked {
            findings.add(format!(
                "record {}: the value shown for the void group {group} is not its round's: {says}",
                at.0
            ));
        }
        self.counts.found_late += 1;
    }
}
