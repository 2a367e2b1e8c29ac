//! What is known of one thing, read from memory.

use crate::{
    CampaignId, GroupId, GroupState, GroupView, MemberId, MemberView, Millis, Order, OrderId,
    PaymentId, PendingRefund, PublishedCampaign, RefundId, SeatState, SeatView, WaitingReservation,
    World,
    group::{Group, GroupSlot},
    member::Member,
};

/// Hot reads: what is known of one thing.
impl World {
    /// Time of the last record.
    pub fn now(&self) -> Millis {
        self.now
    }

    /// A member's bindings and balances.
    pub fn member(&self, id: MemberId) -> Option<MemberView> {
        self.member_ref(id).map(|member| self.view_of(id, member))
    }

    /// The member that a directory row became.
    pub fn member_of_token(&self, token: &[u8; 16]) -> Option<MemberId> {
        self.token_table.find(&self.tokens, token)
    }

    /// The directory row that became a member, by its random name: the same in every history in which he is one.
    pub fn token(&self, id: MemberId) -> Option<[u8; 16]> {
        self.tokens.get(usize::try_from(id.0).ok()?).copied()
    }

    /// How many members there are; their numbers are below this.
    pub fn members(&self) -> u32 {
        u32::try_from(self.members.len()).unwrap_or(u32::MAX)
    }

    /// How many campaigns were published; their numbers are below this. Tables' are not among them.
    pub fn campaigns(&self) -> u32 {
        u32::try_from(self.campaigns.len()).unwrap_or(u32::MAX)
    }

    /// How many groups were ever opened; their numbers are below this.
    pub fn groups(&self) -> u64 {
        u64::try_from(self.groups.len()).unwrap_or(u64::MAX)
    }

    /// A published campaign, or a table's.
    pub fn campaign(&self, id: CampaignId) -> Option<&PublishedCampaign> {
        match id.table() {
            None => self.campaigns.get(usize::try_from(id.0).ok()?),
            Some(table) => self.table_campaign(table),
        }
    }

    /// The campaign of a group.
    pub fn campaign_of(&self, id: GroupId) -> Option<&PublishedCampaign> {
        let campaign = match self.slot(id)? {
            GroupSlot::Live(group) => group.campaign,
            GroupSlot::Over { campaign, .. } => *campaign,
        };
        self.campaign(campaign)
    }

    /// One group.
    pub fn group(&self, id: GroupId) -> Option<GroupView> {
        let seats = self.campaign_of(id)?.terms.group.seats;
        Some(match self.slot(id)? {
            GroupSlot::Live(group) => GroupView {
                campaign: group.campaign,
                state: if self.is_ballot_drawn(id) {
                    GroupState::Drawn
                } else if group.full.is_some() {
                    GroupState::Full
                } else {
                    GroupState::Open
                },
                leader: Some(group.leader),
                expires_at: Some(group.expires_at),
                seats,
                paid: group.paid_count(),
                held: group.held,
                round: group.full.as_ref().map(|full| full.round),
                frozen_at: group.full.as_ref().map(|full| full.frozen_at),
            },
            GroupSlot::Over { campaign, state } => GroupView {
                campaign: *campaign,
                state: *state,
                leader: None,
                expires_at: None,
                seats,
                paid: 0,
                held: 0,
                round: None,
                frozen_at: None,
            },
        })
    }

    /// A member's reservations in a live group, newest first.
    pub fn seats_of(&self, id: GroupId, member: MemberId) -> Vec<SeatView> {
        let Some(group) = self.live(id) else {
            return Vec::new();
        };
        let views = group.seat_indexes(member).filter_map(|index| {
            let seat = group.seat(index)?;
            Some(SeatView {
                payment: PaymentId { group: id, index },
                state: seat.state,
                pay_by: seat.pay_by,
            })
        });
        views.collect()
    }

    /// One reservation of a live group, with its member.
    pub fn seat(&self, payment: PaymentId) -> Option<(MemberId, SeatView)> {
        let seat = self.live(payment.group)?.seat(payment.index)?;
        Some((
            seat.member,
            SeatView {
                payment,
                state: seat.state,
                pay_by: seat.pay_by,
            },
        ))
    }

    /// An order whose return window is still open.
    pub fn order(&self, id: OrderId) -> Option<&Order> {
        self.orders.get(&id)
    }

    /// Refunds that the channel has not confirmed, oldest first.
    pub fn pending_refunds(&self, after: Option<RefundId>, limit: usize) -> Vec<PendingRefund> {
        let from = after.map_or(0, |after| after.0.saturating_add(1));
        self.refunds
            .range(RefundId(from)..)
            .take(limit)
            .map(|(_, pending)| *pending)
            .collect()
    }

    /// How many refunds the channel has not confirmed.
    pub fn pending_refund_count(&self) -> usize {
        self.refunds.len()
    }

    /// Reservations of open groups, and rights in drawn ballots, that wait for their payment, by number.
    pub fn waiting_reservations(
        &self,
        after: Option<PaymentId>,
        limit: usize,
    ) -> Vec<WaitingReservation> {
        let first = after.map_or(0, |after| after.group.0);
        let slots = (first..).zip(
            self.groups
                .iter()
                .skip(usize::try_from(first).unwrap_or(usize::MAX)),
        );
        let open = slots.filter_map(|(id, slot)| match slot {
            GroupSlot::Live(group) if group.full.is_none() || self.is_ballot_drawn(GroupId(id)) => {
                Some((GroupId(id), group))
            }
            GroupSlot::Live(_) | GroupSlot::Over { .. } => None,
        });
        let waiting = open.flat_map(|(id, group)| {
            let rights = self.places_with_right(id);
            (0u32..)
                .zip(&group.seats)
                .filter(move |(index, seat)| match seat.state {
                    SeatState::Reserved => true,
                    SeatState::Registered => rights.contains(index),
                    SeatState::Lapsed | SeatState::Paid | SeatState::Refunded => false,
                })
                .map(move |(index, seat)| {
                    let payment = PaymentId { group: id, index };
                    WaitingReservation {
                        payment,
                        member: seat.member,
                        pay_by: seat.pay_by,
                    }
                })
        });
        waiting
            .filter(|waiting| after.is_none_or(|after| after < waiting.payment))
            .take(limit)
            .collect()
    }
}

impl World {
    pub(crate) fn member_ref(&self, id: MemberId) -> Option<&Member> {
        self.members.get(usize::try_from(id.0).ok()?)
    }

    pub(crate) fn member_mut(&mut self, id: MemberId) -> Option<&mut Member> {
        self.members.get_mut(usize::try_from(id.0).ok()?)
    }

    pub(crate) fn slot(&self, id: GroupId) -> Option<&GroupSlot> {
        self.groups.get(usize::try_from(id.0).ok()?)
    }

    pub(crate) fn live(&self, id: GroupId) -> Option<&Group> {
        match self.slot(id)? {
            GroupSlot::Live(group) => Some(group),
            GroupSlot::Over { .. } => None,
        }
    }

    pub(crate) fn live_mut(&mut self, id: GroupId) -> Option<&mut Group> {
        match self.groups.get_mut(usize::try_from(id.0).ok()?)? {
            GroupSlot::Live(group) => Some(group),
            GroupSlot::Over { .. } => None,
        }
    }
}
