//! Opening, joining and leaving groups, and what ends them without a draw (rules 5).

use std::collections::VecDeque;

use hashbrown::HashTable;

use crate::{
    AllianceRefusal, Answer, BallotEvent, BallotRefusal, Bounce, CampaignId, Closing, Event,
    GroupId, GroupState, MAX_AMOUNT_FEN, MemberId, Millis, Money, PaymentId, PublishedCampaign,
    RefundId, Refusal, SeatRef, SeatState, TableRefusal, World,
    group::{Group, GroupSlot, Slim},
    rewards,
    table::{InGroup, ShortHash},
};

/// Everything ever promised by opened groups stays below this, so that no balance can leave 63 bits.
pub(crate) const MAX_PROMISED: i64 = i64::MAX / 4;

/// What a group promises at most: every seat's payment, and its coins.
pub(crate) fn promise_of(campaign: &PublishedCampaign) -> Result<i64, Refusal> {
    let terms = &campaign.terms;
    let cash = terms.group.price.times(terms.group.seats)?;
    let mut coins = 0;
    for winners in terms.winner_counts() {
        coins = rewards::envelope(terms.case(winners))?.coins.0.max(coins);
    }
    Ok(cash.plus(Money(coins))?.0)
}

impl World {
    pub(crate) fn decide_open(
        &self,
        campaign_id: CampaignId,
        member: MemberId,
        via: Option<MemberId>,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        self.require_member(member)?;
        self.require_no_treat(campaign_id)?;
        self.open_group(campaign_id, (member, via), None, now, events)
    }

    /// Opens a group for a member, of a circle that there is already or of none; a campaign that rotates begins a circle.
    pub(crate) fn open_group(
        &self,
        campaign_id: CampaignId,
        (member, via): (MemberId, Option<MemberId>),
        circle: Option<GroupId>,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        self.require_not_frozen(member)?;
        let via = self.link(member, via)?;
        let campaign = self.require_campaign(campaign_id)?;
        self.check_may_begin(&campaign.terms, now)?;
        let table_ends = self.table_ends(campaign_id);
        if table_ends.is_none() {
            self.require_not_suspended(campaign_id)?;
        }
        self.require_within_limits(member, campaign_id, now)?;
        if MAX_PROMISED < self.promised.saturating_add(promise_of(campaign)?) {
            return Err(Refusal::Overflow);
        }
        // The tables of payments keep four bytes for a group's number; memory ends long before they do.
        let number = u32::try_from(self.groups.len()).map_err(|_| Refusal::Overflow)?;
        let group = GroupId(u64::from(number));
        self.decide_inviter(member, via, events);
        let expires_at = match table_ends {
            Some(at) => at,
            None => now.after(campaign.terms.group.fill_within),
        };
        events.extend(self.round_opened(circle, group, campaign_id)?);
        events.push(Event::GroupOpened {
            group,
            campaign: campaign_id,
            leader: member,
            expires_at,
        });
        let pay_by = now
            .after(campaign.terms.group.payment_window)
            .min(expires_at);
        events.push(Event::SeatReserved {
            payment: PaymentId { group, index: 0 },
            member,
            via,
            pay_by,
        });
        Ok(())
    }

    pub(crate) fn decide_join(
        &self,
        group_id: GroupId,
        member: MemberId,
        via: Option<MemberId>,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let live = self.live(group_id);
        if live.is_some_and(|group| group.campaign.table().is_some()) {
            return Err(TableRefusal::OnlyByLink.into());
        }
        self.join_group(group_id, (member, via), now, events)
    }

    /// A place in a group that is open.
    pub(crate) fn join_group(
        &self,
        group_id: GroupId,
        (member, via): (MemberId, Option<MemberId>),
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        self.require_member(member)?;
        let via = self.link(member, via)?;
        let group = self.may_join(group_id, member, now)?;
        self.decide_inviter(member, via, events);
        let payment = reservation_for(group_id, group, member)?;
        let campaign = self.require_campaign(group.campaign)?;
        let pay_by = now
            .after(campaign.terms.group.payment_window)
            .min(group.expires_at);
        events.push(Event::SeatReserved {
            payment,
            member,
            via,
            pay_by,
        });
        Ok(())
    }

    /// Why [`crate::Command::JoinGroup`] of this member would be refused, as things stood at the last record: what has
    /// become due since then is not applied. `None`: he may join. Share links are not looked at.
    pub fn why_not_join_now(&self, group: GroupId, member: MemberId) -> Option<Refusal> {
        self.may_join(group, member, self.now).err()
    }

    fn may_join(&self, id: GroupId, member: MemberId, now: Millis) -> Result<&Group, Refusal> {
        self.require_member(member)?;
        let group = self.require_open(id)?;
        match self.why_not_join(id, group, member) {
            None => {
                self.require_within_limits(member, group.campaign, now)?;
                Ok(group)
            }
            Some(Bounce::LeaderNotPaid) => Err(Refusal::LeaderNotPaid(id)),
            Some(Bounce::SeatLimit) => Err(Refusal::SeatLimit { group: id, member }),
            Some(Bounce::MemberFrozen) => Err(Refusal::MemberFrozen(member)),
            Some(Bounce::NotInCircle) => Err(self.circle_refusal(id, member)),
            Some(
                Bounce::GroupFull
                | Bounce::GroupExpired
                | Bounce::GroupCancelled
                | Bounce::GroupVoid
                | Bounce::GroupSettled
                | Bounce::SecondPayment
                | Bounce::AmountDiffers
                | Bounce::NothingToPay
                | Bounce::MemberLimit
                | Bounce::PurchaseOver
                | Bounce::CoinsGone
                | Bounce::RightLapsed
                | Bounce::SelfExcluded
                | Bounce::TooYoung
                | Bounce::NotVerified
                | Bounce::LossPause
                | Bounce::MoneyLimit
                | Bounce::EntriesLimit
                | Bounce::ProfileForbids,
            ) => Err(Refusal::GroupFull(id)),
        }
    }

    /// The first rule that stands against one more seat for this member.
    pub(crate) fn why_not_join(
        &self,
        id: GroupId,
        group: &Group,
        member: MemberId,
    ) -> Option<Bounce> {
        let Some(campaign) = self.campaign(group.campaign) else {
            return Some(Bounce::NothingToPay);
        };
        let terms = &campaign.terms.group;
        if self.is_frozen(member) {
            return Some(Bounce::MemberFrozen);
        }
        if !group.leader_has_paid() {
            return Some(Bounce::LeaderNotPaid);
        }
        if !group.has_place(&campaign.terms) {
            return Some(Bounce::GroupFull);
        }
        let leader_holds_one = terms.leader.holds_one_seat() && member == group.leader;
        let limit = if leader_holds_one {
            1
        } else {
            terms.seats_per_member
        };
        if limit <= live_seats(group, member) {
            return Some(Bounce::SeatLimit);
        }
        if campaign.terms.rotates() {
            return self.why_not_in_circle(id, group, member);
        }
        None
    }

    /// All the member's places are given up: paid ones are refunded in full, reserved ones lapse. Without its
    /// leader a group is cancelled.
    pub(crate) fn decide_leave(
        &self,
        id: GroupId,
        member: MemberId,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let group = self.require_open(id)?;
        let price = self.require_campaign(group.campaign)?.terms.group.price;
        let mut refund = self.next_refund;
        let mut left_any = false;
        for index in group.seat_indexes(member) {
            let payment = PaymentId { group: id, index };
            match group.seat(index).map(|seat| seat.state) {
                Some(SeatState::Reserved) => events.push(Event::SeatLapsed { payment }),
                Some(SeatState::Paid) => {
                    events.push(Event::SeatLeft {
                        payment,
                        member,
                        amount: price,
                        refund: RefundId(refund),
                    });
                    refund = refund.checked_add(1).ok_or(Refusal::Overflow)?;
                }
                Some(SeatState::Registered) => {
                    events.push(Event::Ballot(BallotEvent::RegistrationLeft {
                        payment,
                        member,
                    }));
                }
                Some(SeatState::Lapsed | SeatState::Refunded) | None => continue,
            }
            left_any = true;
        }
        if !left_any {
            return Err(Refusal::NotInGroup { group: id, member });
        }
        if member == group.leader {
            let gone: Vec<u32> = group.seat_indexes(member).collect();
            events.extend(self.round_void(id, Closing::LeaderGone, now)?);
            events.push(self.closing(id, group, Closing::LeaderGone, &gone, refund)?);
        }
        Ok(())
    }

    pub(crate) fn decide_cancel(
        &self,
        id: GroupId,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let group = self.require_open(id)?;
        events.extend(self.round_void(id, Closing::Cancelled, now)?);
        events.push(self.closing(id, group, Closing::Cancelled, &[], self.next_refund)?);
        Ok(())
    }

    /// Only at the timeout, and only on the word of a caller who has asked every source (draw 8).
    pub(crate) fn decide_void(
        &self,
        id: GroupId,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        let group = self.live(id).ok_or(Refusal::UnknownGroup(id))?;
        let full = group.full.as_ref().ok_or(Refusal::GroupNotFull(id))?;
        if self.is_ballot_drawn(id) {
            return Err(BallotRefusal::IsDrawn(id).into());
        }
        let timing = self
            .require_campaign(group.campaign)?
            .terms
            .draw
            .source
            .timing();
        let round_time = timing
            .round_time(full.round)
            .map_err(|_| Refusal::Overflow)?;
        let from_s = round_time
            .checked_add(crate::DRAW_TIMEOUT_S)
            .ok_or(Refusal::Overflow)?;
        if now.unix_seconds() < from_s {
            let from_s = i64::try_from(from_s).map_err(|_| Refusal::Overflow)?;
            return Err(Refusal::TooEarlyToVoid {
                group: id,
                from: Millis(from_s.saturating_mul(1000)),
            });
        }
        events.extend(self.round_void(id, Closing::Void, now)?);
        events.push(self.closing(id, group, Closing::Void, &[], self.next_refund)?);
        Ok(())
    }

    /// Everybody who has paid, but for `gone`, gets all of it back.
    fn closing(
        &self,
        id: GroupId,
        group: &Group,
        why: Closing,
        gone: &[u32],
        first_refund: u64,
    ) -> Result<Event, Refusal> {
        let refund_each = self.require_campaign(group.campaign)?.terms.group.price;
        let refunds = group
            .paid
            .iter()
            .filter(|index| !gone.contains(index))
            .filter_map(|&index| {
                let seat = group.seat(index)?;
                (seat.state == SeatState::Paid).then_some(SeatRef {
                    index,
                    member: seat.member,
                })
            });
        let refunds = refunds.collect();
        Ok(Event::GroupClosed {
            group: id,
            why,
            refund_each,
            first_refund: RefundId(first_refund),
            refunds,
        })
    }

    /// What time has made due in a group: reservations lapse, in the order of their deadlines; a leader's lapse
    /// cancels the group; at its deadline it expires. Deadlines are exclusive (rules 2.7).
    pub(crate) fn due_in_group(&self, id: GroupId, now: Millis, events: &mut Vec<Event>) {
        let Some(group) = self.live(id).filter(|group| group.full.is_none()) else {
            return self.due_rights(id, now, events);
        };
        let until = now.min(group.expires_at);
        let waiting = group
            .reserved
            .iter()
            .copied()
            .filter(|&entry| group.is_waiting(entry));
        for (pay_by, index) in waiting.take_while(|&(pay_by, _)| pay_by <= until) {
            events.push(Event::SeatLapsed {
                payment: PaymentId { group: id, index },
            });
            if index == 0 && !group.leader_has_paid() && pay_by <= until {
                events.extend(self.round_void(id, Closing::LeaderGone, now).ok().flatten());
                events.extend(self.closing(id, group, Closing::LeaderGone, &[], self.next_refund));
                return;
            }
        }
        if group.expires_at <= now {
            events.extend(self.round_void(id, Closing::Expired, now).ok().flatten());
            events.extend(self.closing(id, group, Closing::Expired, &[], self.next_refund));
        }
    }

    fn require_open(&self, id: GroupId) -> Result<&Group, Refusal> {
        match self.slot(id) {
            None => Err(Refusal::UnknownGroup(id)),
            Some(GroupSlot::Over { .. }) => Err(Refusal::GroupNotOpen(id)),
            Some(GroupSlot::Live(group)) if group.full.is_some() => Err(Refusal::GroupNotOpen(id)),
            Some(GroupSlot::Live(group)) => Ok(group),
        }
    }

    pub(crate) fn require_campaign(&self, id: CampaignId) -> Result<&PublishedCampaign, Refusal> {
        self.campaign(id).ok_or(Refusal::UnknownCampaign(id))
    }

    /// Opens a campaign for groups, if it keeps every rule, can pay what it promises, and the platform owns at least
    /// nothing (rules 8).
    pub(crate) fn decide_publish(
        &self,
        terms: &crate::Campaign,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<Option<Answer>, Refusal> {
        self.decide_campaign(terms, now, events)?;
        if terms.merchant.is_some() {
            return Err(AllianceRefusal::MerchantMissing.into());
        }
        Ok(None)
    }

    /// Why a command about no group, order or recharge would be refused, as things stood at the last record. `None`: it would be
    /// done. Of the others it does not know what is due by then.
    pub fn why_not(&self, command: &crate::Command, now: Millis) -> Option<Refusal> {
        let mut events = Vec::new();
        self.decide(command, now.max(self.now), &mut events).err()
    }

    /// What is asked of a campaign, whoever runs it.
    pub(crate) fn decide_campaign(
        &self,
        terms: &crate::Campaign,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<CampaignId, Refusal> {
        terms.check()?;
        self.check_published_under(terms, now)?;
        let plan = self.require_plan(terms.plan)?;
        terms.profile.check_plan(terms, plan)?;
        crate::check_solvency(terms)?;
        if now.unix_seconds() < terms.draw.source.timing().genesis {
            return Err(crate::campaign::invalid(
                "draw.source",
                "begins only in the future",
            ));
        }
        let own = self.books().own;
        if own < Money::ZERO {
            return Err(Refusal::OwnMoneyBelowZero(own));
        }
        let campaign =
            CampaignId(u32::try_from(self.campaigns.len()).map_err(|_| Refusal::Overflow)?);
        events.push(Event::CampaignPublished {
            campaign,
            terms: Box::new(terms.clone()),
        });
        Ok(campaign)
    }

    pub(crate) fn decide_capital(
        &self,
        amount: Money,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        if !amount.is_positive() {
            return Err(Refusal::AmountNotPositive);
        }
        if MAX_AMOUNT_FEN < amount.0 {
            return Err(Refusal::Overflow);
        }
        if MAX_PROMISED < self.promised.saturating_add(amount.0) {
            return Err(Refusal::Overflow);
        }
        events.push(Event::CapitalDeposited { amount });
        Ok(())
    }
}

/// The member's lapsed reservation is taken anew, so that what it is paid with late is recognised; else a new one.
pub(crate) fn reservation_for(
    id: GroupId,
    group: &Group,
    member: MemberId,
) -> Result<PaymentId, Refusal> {
    let lapsed = group.seat_indexes(member).find(|&index| {
        group
            .seat(index)
            .is_some_and(|seat| seat.state == SeatState::Lapsed)
    });
    let index = match lapsed {
        Some(index) => index,
        None => u32::try_from(group.seats.len()).map_err(|_| Refusal::Overflow)?,
    };
    Ok(PaymentId { group: id, index })
}

/// Places of this member that are paid or reserved.
fn live_seats(group: &Group, member: MemberId) -> u32 {
    let live = group.seat_indexes(member).filter(|&index| {
        group.seat(index).is_some_and(|seat| {
            matches!(
                seat.state,
                SeatState::Reserved | SeatState::Paid | SeatState::Registered
            )
        })
    });
    u32::try_from(live.count()).unwrap_or(u32::MAX)
}

impl World {
    /// State and place count of a group that is over, or none.
    pub(crate) fn over(&self, id: GroupId) -> Option<GroupState> {
        match self.slot(id)? {
            GroupSlot::Over { state, .. } => Some(*state),
            GroupSlot::Live(_) => None,
        }
    }
}

impl World {
    pub(crate) fn apply_opened(
        &mut self,
        id: GroupId,
        campaign: CampaignId,
        leader: MemberId,
        expires_at: Millis,
    ) {
        self.expect_next("group", id.0, self.groups.len());
        self.note_table_group(campaign, id);
        let promise = self
            .campaign(campaign)
            .and_then(|campaign| promise_of(campaign).ok());
        self.promised = self.promised.saturating_add(promise.unwrap_or(0));
        self.groups.push(GroupSlot::Live(Box::new(Group {
            campaign,
            leader,
            expires_at,
            seats: Vec::new(),
            reserved: VecDeque::new(),
            paid: Vec::new(),
            held: 0,
            returned: Vec::new(),
            escrow: 0,
            full: None,
            timer: None,
            has_deadline_timer: false,
            newest: HashTable::new(),
        })));
    }

    pub(crate) fn apply_reserved(
        &mut self,
        payment: PaymentId,
        member: MemberId,
        via: Option<MemberId>,
        pay_by: Millis,
    ) {
        let places = self.places(payment.group);
        let Some(group) = self.live_mut(payment.group) else {
            self.corrupt("a seat is reserved in a group that is over");
            return;
        };
        group.held = group.held.saturating_add(1);
        group.reserved.push_back((pay_by, payment.index));
        if let Some(seat) = group.seat_mut(payment.index) {
            seat.state = SeatState::Reserved;
            seat.pay_by = pay_by;
            if let Some(via) = via {
                seat.via = Slim::from(Some(via.0));
            }
        } else {
            group.add_seat(member, via, pay_by, places);
        }
    }

    /// How many seats the group will have.
    pub(crate) fn places(&self, id: GroupId) -> usize {
        let seats = self
            .campaign_of(id)
            .map(|campaign| campaign.terms.group.seats);
        seats
            .and_then(|seats| usize::try_from(seats).ok())
            .unwrap_or(0)
    }

    pub(crate) fn apply_seat_over(&mut self, payment: PaymentId, state: SeatState) {
        let Some(group) = self.live_mut(payment.group) else {
            return;
        };
        let Some(seat) = group.seat_mut(payment.index) else {
            return;
        };
        let waited = (seat.state == SeatState::Reserved).then_some((seat.pay_by, payment.index));
        seat.state = state;
        group.held = group.held.saturating_sub(1);
        group.paid.retain(|&index| index != payment.index);
        // The place may be taken anew with the very same deadline: its old entry must not count as waiting again.
        if let Some(at) =
            waited.and_then(|waited| group.reserved.iter().position(|&entry| entry == waited))
        {
            group.reserved.remove(at);
        }
        group.drop_stale_reservations();
    }

    /// Leaves one small record of a group.
    pub(crate) fn end_group(&mut self, id: GroupId, state: GroupState) {
        self.note_group_over(id);
        self.note_ballot_over(id);
        if let Some(round_time) = self.round_time(id) {
            self.awaiting.remove(&(round_time, id));
        }
        let Some(slot) = usize::try_from(id.0)
            .ok()
            .and_then(|at| self.groups.get_mut(at))
        else {
            return;
        };
        let GroupSlot::Live(group) = slot else { return };
        let campaign = group.campaign;
        let over = GroupSlot::Over { campaign, state };
        let GroupSlot::Live(group) = std::mem::replace(slot, over) else {
            return;
        };
        for (at, seat) in (0u32..).zip(&group.seats) {
            if let Some(txn) = seat.txn.get() {
                self.seated.remove(ShortHash::of(txn), InGroup::new(id, at));
            }
        }
        for (at, txn) in (0u32..).zip(&group.returned) {
            self.returned
                .remove(ShortHash::of(txn), InGroup::new(id, at));
        }
        self.note_table_over(campaign);
        if state != GroupState::Settled {
            let promise = self
                .campaign(campaign)
                .and_then(|campaign| promise_of(campaign).ok());
            self.promised = self.promised.saturating_sub(promise.unwrap_or(0));
        }
    }
}
