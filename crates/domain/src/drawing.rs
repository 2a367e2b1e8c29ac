//! A group fills, is drawn and settled (rules 5 and 6).

use std::collections::VecDeque;

use crate::{
    AwaitedDraw, BallotOver, Campaign, CampaignId, DrawFiles, Due, Event, FilledSeat, GroupId,
    GroupSettled, Kind, MemberId, Millis, Money, Order, OrderId, OrderPayment, OrderState,
    PaymentId, PendingRefund, Pooled, RefundId, Refusal, RewardPaid, SeatRef, World,
    group::{Full, Group},
    reading::Reading,
    settle_ballot,
    standing::CountRanks,
    world::{VestingGroup, WaitingReward},
};

/// What a draw gave.
pub(crate) struct Drawn {
    signature: [u8; 48],
    seed: [u8; 32],
    winners: Vec<u32>,
    /// Of a ballot the rights that were not used.
    unused: Option<Vec<u32>>,
}

impl Drawn {
    /// Where there is no draw, or it was told before.
    fn untold(winners: Vec<u32>, unused: Option<Vec<u32>>) -> Drawn {
        Drawn {
            signature: [0; 48],
            seed: [0; 32],
            winners,
            unused,
        }
    }

    /// A ballot in which nobody can buy any more.
    pub(crate) fn ballot(bought: Vec<u32>, unused: Vec<u32>) -> Drawn {
        Drawn::untold(bought, Some(unused))
    }
}

/// The member and tag of the seat that is being paid.
type LastSeat = (MemberId, [u8; 32]);

impl WaitingReward {
    pub(crate) fn of(settled: &GroupSettled, reward: &RewardPaid) -> WaitingReward {
        WaitingReward {
            member: reward.member,
            source_seat: reward.source_seat,
            cash: reward.cash,
            coins: reward.coins,
            taxed: settled.tax.0 != 0 && reward.program.is_by_chance(),
        }
    }
}

impl World {
    /// The last seat is being paid: seals the seat list and fixes the round (draw 4). What rewards depend on is read
    /// here, once (rules 3.6); `earlier` are this command's events so far, which may have bound an inviter.
    pub(crate) fn fill(
        &self,
        group: &Group,
        last: PaymentId,
        (last_member, tag): LastSeat,
        now: Millis,
        earlier: &[Event],
    ) -> Result<(Event, Option<Event>), Refusal> {
        let campaign = self.require_campaign(group.campaign)?;
        let via = earlier.iter().find_map(|event| {
            let Event::SeatReserved { payment, via, .. } = event else {
                return None;
            };
            (*payment == last).then_some(*via)
        });
        let open = self.open_file_of(last.group)?;
        let mut seats = draw::Seats(group.draw_lines(Some((last_member, tag))));
        let turn = self.turn(last.group, &campaign.terms, &mut seats.0);
        let prev = turn.and_then(|(_, prev)| prev);
        let timing = campaign.terms.draw.source.timing();
        let freeze = draw::freeze_for(&open, &seats, now.unix_seconds(), prev, timing)
            .map_err(|_| Refusal::Overflow)?;
        let reading = Reading::new(self, &campaign.terms, earlier, now);
        let members = group.paid.iter().filter_map(|&index| group.seat(index));
        self.read_uplines_ahead(members.map(|seat| seat.member), reading.generations());
        let mut filled = Vec::with_capacity(seats.0.len());
        for index in group.paid.iter().copied().chain([last.index]) {
            let seat = group.seat(index);
            let member = seat.map_or(last_member, |seat| seat.member);
            let reserved_via = seat.and_then(|seat| seat.via.get()).map(MemberId);
            let via = if index == last.index {
                via.flatten().or(reserved_via)
            } else {
                reserved_via
            };
            filled.push(FilledSeat {
                index,
                member,
                via,
                uplines: reading.uplines(member),
                walk: reading.walk(member),
                agents: reading.agents(member),
                home_store: self.seat_home((group.campaign, &campaign.terms), member, now),
            });
        }
        let filled = Event::GroupFilled {
            group: last.group,
            seats: filled,
            frozen_at: freeze.frozen_at,
            round: freeze.round,
            freeze: draw::hash(&freeze.to_bytes()).0,
        };
        Ok((filled, self.round_filled(last.group, &seats, turn)?))
    }

    pub(crate) fn decide_settle(
        &self,
        id: GroupId,
        outcome: &draw::Outcome,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let group = self.live(id).ok_or(Refusal::UnknownGroup(id))?;
        let full = group.full.as_ref().ok_or(Refusal::GroupNotFull(id))?;
        if outcome.freeze_hash().0 != full.freeze {
            return Err(Refusal::DrawOfAnotherFreeze(id));
        }
        let terms = &self.require_campaign(group.campaign)?.terms;
        if terms.kind == Kind::Ballot {
            return self.decide_ballot_drawn(id, outcome, now, events);
        }
        let seats = group.filled_seats(full);
        let drawn = Drawn {
            signature: *outcome.signature(),
            seed: outcome.seed().0,
            winners: terms.winners_of(outcome.winners()),
            unused: None,
        };
        let settled = self.settlement(id, terms, &seats, drawn)?;
        events.extend(self.round_drawn(id, outcome));
        self.push_settled((group.campaign, &seats), settled, now, events)
    }

    /// A settlement, with what else follows from it at once.
    pub(crate) fn push_settled(
        &self,
        (campaign, seats): (CampaignId, &[FilledSeat]),
        settled: Event,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let mut pauses = Vec::new();
        if let Event::GroupSettled(settled) = &settled {
            self.decide_pauses(settled, now, &mut pauses);
        }
        events.push(settled);
        self.decide_sold_for(campaign, events)?;
        let terms = &self.require_campaign(campaign)?.terms;
        self.decide_origin(terms, seats, events)?;
        self.decide_served(terms, events);
        events.append(&mut pauses);
        Ok(())
    }

    /// Where nothing is drawn a group is settled the moment it is full.
    pub(crate) fn decide_sold(
        &self,
        id: GroupId,
        terms: &Campaign,
        seats: &[FilledSeat],
    ) -> Result<Event, Refusal> {
        let everybody = Drawn::untold((0..terms.group.seats).collect(), None);
        self.settlement(id, terms, seats, everybody)
    }

    pub(crate) fn settlement(
        &self,
        group: GroupId,
        terms: &Campaign,
        seats: &[FilledSeat],
        drawn: Drawn,
    ) -> Result<Event, Refusal> {
        let unused = drawn.unused.as_deref().unwrap_or_default();
        let settlement = settle_ballot(terms, seats, &drawn.winners, unused)?;
        let pooled = settlement.dividend.is_positive().then(|| {
            Box::new(Pooled {
                plan: terms.plan,
                amount: settlement.dividend,
                shares: settlement.dividend_shares,
            })
        });
        // What a merchant's products cost is his own affair.
        let own = |cost: Option<Money>| {
            cost.filter(|_| terms.merchant.is_none())
                .unwrap_or(Money::ZERO)
        };
        Ok(Event::GroupSettled(Box::new(GroupSettled {
            group,
            signature: drawn.signature,
            seed: drawn.seed,
            winners: drawn.winners,
            seats: seats
                .iter()
                .map(|seat| SeatRef {
                    index: seat.index,
                    member: seat.member,
                })
                .collect(),
            price: terms.group.price,
            cost: own(Some(terms.product.cost)),
            consolation_cash: settlement.consolation_cash,
            consolation_coins: settlement.consolation_coins,
            first_refund: RefundId(self.next_refund),
            first_order: OrderId(self.next_order),
            rewards: settlement.rewards,
            everyone_buys: terms.kind.everyone_buys(),
            pooled,
            prize: own(terms.prize.as_ref().map(|prize| prize.cost)),
            tax: terms.withheld(),
            ballot: drawn.unused.map(|unused| Box::new(BallotOver { unused })),
        })))
    }

    /// Takes a drawn group out of memory: refunds and orders stand for themselves, unvested rewards wait for the
    /// orders' return windows, and who had his first settled seat counts for his inviter's VIP level.
    pub(crate) fn apply_settled(&mut self, settled: &GroupSettled) {
        for (refund, (_, seat)) in (settled.first_refund.0..).zip(&settled.refunded()) {
            let payment = PaymentId {
                group: settled.group,
                index: seat.index,
            };
            self.refund_seat(RefundId(refund), payment, settled.price);
        }
        let buyers = settled.buyers();
        for (order, &(number, seat)) in (settled.first_order.0..).zip(&buyers) {
            let Some(paid) = self.paid_of(settled, seat.index) else {
                self.corrupt("a seat buys that was not paid");
                return;
            };
            let order_state = Order {
                group: settled.group,
                member: seat.member,
                seat: number,
                state: OrderState::Paid,
                paid,
                settled_at: self.now,
            };
            self.orders.insert(OrderId(order), order_state);
            self.next_order = self.next_order.max(order.saturating_add(1));
            self.leave_escrow(seat.member, settled.price);
        }
        self.begin_vouchers(settled);
        self.keep_vesting(settled, buyers.len());
        if let Some(pooled) = &settled.pooled {
            self.fill_pool(pooled.plan);
        }
        for seat in settled.counting_seats().iter() {
            self.count_settled_seat(seat.member);
        }
        self.end_group(settled.group, crate::GroupState::Settled);
    }

    /// What a buyer's seat was paid with, for the case that he returns the product.
    fn paid_of(&self, settled: &GroupSettled, index: u32) -> Option<OrderPayment> {
        let kept = self
            .campaign_of(settled.group)
            .is_some_and(|campaign| campaign.terms.channel.kept_on_refund);
        let seat = self.live(settled.group)?.seat(index)?;
        Some(OrderPayment {
            index,
            txn: *seat.txn.get()?,
            amount: settled.price,
            fee_back: if kept { Money::ZERO } else { seat.fee },
        })
    }

    fn keep_vesting(&mut self, settled: &GroupSettled, orders: usize) {
        let waiting = settled
            .rewards
            .iter()
            .filter(|reward| reward.program != crate::ProgramKind::Consolation)
            .map(|reward| WaitingReward::of(settled, reward));
        let open_orders = u32::try_from(orders).unwrap_or(u32::MAX);
        if open_orders != 0 {
            self.vesting.insert(
                settled.group,
                VestingGroup {
                    open_orders,
                    any_kept: false,
                    rewards: waiting.collect(),
                    pooled: settled
                        .pooled
                        .as_ref()
                        .map_or_else(Vec::new, |pooled| pooled.shares.clone()),
                },
            );
        }
    }

    fn count_settled_seat(&mut self, member: MemberId) {
        let Some(known) = self.member_mut(member).filter(|known| !known.has_settled) else {
            return;
        };
        known.has_settled = true;
        let inviter = known.inviter();
        if let Some(inviter) = inviter.and_then(|inviter| self.member_mut(inviter)) {
            inviter.active_invitees = inviter.active_invitees.saturating_add(1);
            self.count_ranks(CountRanks::AtMidnight);
        }
    }

    /// A paid seat's money is on its way back.
    pub(crate) fn refund_seat(&mut self, refund: RefundId, payment: PaymentId, amount: Money) {
        let kept = self
            .campaign_of(payment.group)
            .is_some_and(|campaign| campaign.terms.channel.kept_on_refund);
        let Some(seat) = self
            .live(payment.group)
            .and_then(|group| group.seat(payment.index))
        else {
            self.corrupt("a seat is refunded that does not exist");
            return;
        };
        let (member, fee) = (seat.member, seat.fee);
        let Some(&txn) = seat.txn.get() else {
            self.corrupt("a seat is refunded that was not paid");
            return;
        };
        self.leave_escrow(member, amount);
        let fee_back = if kept { Money::ZERO } else { fee };
        self.apply_refund_due(PendingRefund {
            refund,
            txn,
            amount,
            payment: Some(payment),
            fee_back,
        });
    }

    pub(crate) fn leave_escrow(&mut self, member: MemberId, amount: Money) {
        if let Some(member) = self.member_mut(member) {
            member.in_groups.0 = member.in_groups.0.saturating_sub(amount.0);
        }
    }

    /// The files of a full group that waits for its draw.
    pub fn draw_files(&self, id: GroupId) -> Option<DrawFiles> {
        let group = self.live(id)?;
        let full = group.full.as_ref()?;
        let campaign = self.campaign(group.campaign)?;
        let open = self.open_file_of(id).ok()?;
        let mut seats = draw::Seats(group.draw_lines(None));
        let turn = self.turn(id, &campaign.terms, &mut seats.0);
        let prev = turn.and_then(|(_, prev)| prev);
        let timing = campaign.terms.draw.source.timing();
        let freeze = draw::freeze_for(&open, &seats, full.frozen_at, prev, timing).ok()?;
        Some(DrawFiles {
            open,
            seats,
            freeze,
        })
    }

    /// Full groups that wait for their beacon round, earliest round first.
    pub fn awaiting_draw(&self, limit: usize) -> Vec<AwaitedDraw> {
        let waiting = self.awaiting.iter().take(limit);
        waiting
            .filter_map(|&(round_time_s, id)| {
                let group = self.live(id)?;
                let source = self.campaign(group.campaign)?.terms.draw.source;
                Some(AwaitedDraw {
                    round: group.full.as_ref()?.round,
                    round_time_s,
                    group: id,
                    source,
                })
            })
            .collect()
    }

    pub(crate) fn round_time(&self, id: GroupId) -> Option<u64> {
        let group = self.live(id)?;
        let round = group.full.as_ref()?.round;
        self.campaign(group.campaign)?
            .terms
            .draw
            .source
            .timing()
            .round_time(round)
            .ok()
    }

    /// Files a group's next timer, unless it or an earlier one is queued already.
    pub(crate) fn schedule(&mut self, id: GroupId) {
        let Some(group) = self.live_mut(id) else {
            return;
        };
        let Some(due) = group.due_at() else { return };
        if group.timer.is_some_and(|queued| queued <= due) {
            return;
        }
        group.timer = Some(due);
        // The deadline's timer stays queued when an earlier one is, and must not be queued again after that one.
        let is_deadline = due == group.expires_at;
        if is_deadline && group.has_deadline_timer {
            return;
        }
        group.has_deadline_timer |= is_deadline;
        self.push_timer(due, Due::Group(id));
    }
}

impl World {
    pub(crate) fn apply_filled(&mut self, id: GroupId, full: Box<Full>) {
        let Some(group) = self.live_mut(id) else {
            return;
        };
        group.full = Some(full);
        group.reserved = VecDeque::new();
        if let Some(round_time) = self.round_time(id) {
            self.awaiting.insert((round_time, id));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        Actor, CampaignId, Due, Event, GroupId, MemberId, Millis, PaymentId, Record, World,
    };

    #[test]
    fn a_groups_timers_do_not_add_up() {
        let (group, member) = (GroupId(0), MemberId(0));
        let reserved = |index, pay_by| Event::SeatReserved {
            payment: PaymentId { group, index },
            member,
            via: None,
            pay_by,
        };
        let lapsed = |index| Event::SeatLapsed {
            payment: PaymentId { group, index },
        };
        let mut world = World::default();
        let apply = |world: &mut World, at, events| {
            world.apply(&Record {
                at,
                actor: Actor::System,
                key: None,
                events,
            });
        };
        let expires_at = Millis(1_000_000);
        let opened = Event::GroupOpened {
            group,
            campaign: CampaignId(0),
            leader: member,
            expires_at,
        };
        let first = vec![opened, reserved(0, Millis(300)), lapsed(0)];
        apply(&mut world, Millis(0), first);
        for round in 1..=100 {
            let (at, pay_by) = (Millis(1000 * round), Millis(1000 * round + 300));
            apply(&mut world, at, vec![reserved(1, pay_by)]);
            // One is given up after the first timer is queued, one is there when it comes.
            apply(&mut world, at, vec![lapsed(1)]);
            if round % 2 == 0 {
                // As when a journal is replayed.
                world.next_timer();
            }
            assert_eq!(world.due_timer(pay_by), None);
            apply(
                &mut world,
                pay_by,
                vec![reserved(1, Millis(pay_by.0 + 300))],
            );
            apply(&mut world, pay_by, vec![lapsed(1)]);
        }
        assert!(world.timers.len() <= 2, "{}", world.timers.len());
        assert_eq!(world.next_timer(), Some((expires_at, Due::Group(group))));
        assert_eq!(world.due_timer(Millis(999_999)), None);
        assert_eq!(
            world.due_timer(expires_at),
            Some((expires_at, Due::Group(group)))
        );
    }
}
