//! Members: inviters, VIP levels and what each is owed (rules 3 and 9.2).

use minicbor::{Decode, Encode};

use crate::{
    Coins, Event, MemberId, Millis, Money, Month, Refusal, Region, World, delivery::CountingRegion,
    group::Slim, idempotency::KeyNumber, owed, owed_coins,
};

/// One member in memory, in one line of the processor's cache. Balances have the ledger's sign: credits below zero.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[repr(align(64))]
pub(crate) struct Member {
    #[n(0)]
    inviter: Slim,
    #[n(1)]
    pub(crate) available: i64,
    #[n(2)]
    pub(crate) vesting: i64,
    #[n(3)]
    pub(crate) coins: i64,
    #[n(4)]
    pub(crate) vesting_coins: i64,
    /// What his seats in open and full groups have paid.
    #[n(5)]
    pub(crate) in_groups: Money,
    /// Direct invitees who have had at least one settled seat.
    #[n(6)]
    pub(crate) active_invitees: u32,
    /// Whether he has had a settled seat.
    #[n(7)]
    pub(crate) has_settled: bool,
    /// The newest of his idempotency keys, which may be forgotten by now.
    #[n(8)]
    pub(crate) newest_key: KeyNumber,
    /// Whether an operator has frozen him: he counts and is not paid, and begins nothing.
    #[cbor(n(9), skip_if = "is_false")]
    pub(crate) frozen: bool,
    /// In which month the newest of his coins expire.
    #[cbor(n(10), default, skip_if = "is_none")]
    pub(crate) newest_lot: Month,
}

fn is_none(month: &Month) -> bool {
    *month == Month::default()
}

fn is_false(flag: &bool) -> bool {
    !*flag
}

/// What is known of a member, for screens and tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberView {
    /// Who invited him.
    pub inviter: Option<MemberId>,
    /// His VIP level by the newest plan.
    pub vip: u32,
    /// His rank by the newest plan.
    pub rank: u16,
    /// Whether an operator has frozen him.
    pub frozen: bool,
    /// The region that counts for what agents get of him: that of his delivery address, else the declared one.
    pub region: Option<Region>,
    /// From when on another may take its place.
    pub region_until: Option<Millis>,
    /// The region he has declared.
    pub declared: Option<Region>,
    /// What he has bought and kept.
    pub kept: Money,
    /// What his direct invitees have bought and kept.
    pub invitees_kept: Money,
    /// Direct invitees who have had at least one settled seat.
    pub active_invitees: u32,
    /// Cash he may withdraw.
    pub available: Money,
    /// Rewards in cash that wait for return windows.
    pub vesting: Money,
    /// What his seats in open and full groups have paid.
    pub in_groups: Money,
    /// Coins he can use.
    pub coins: Coins,
    /// Coins that wait for return windows.
    pub vesting_coins: Coins,
    /// Coins he has bought and not used.
    pub bought_coins: Coins,
}

impl Member {
    pub(crate) fn new(inviter: Option<MemberId>) -> Member {
        Member {
            inviter: Slim::from(inviter.map(|inviter| inviter.0)),
            available: 0,
            vesting: 0,
            coins: 0,
            vesting_coins: 0,
            in_groups: Money::ZERO,
            active_invitees: 0,
            has_settled: false,
            newest_key: KeyNumber::default(),
            frozen: false,
            newest_lot: Month::default(),
        }
    }

    pub(crate) fn inviter(&self) -> Option<MemberId> {
        self.inviter.get().map(MemberId)
    }
}

impl World {
    pub(crate) fn view_of(&self, id: MemberId, member: &Member) -> MemberView {
        let newest = self.newest_plan();
        let invitees_kept = self.people.invitees_kept(id);
        let vip = self.plan(newest);
        let counting = self.counting_region(id, self.now);
        let declared = self.people.declared(id);
        MemberView {
            inviter: member.inviter(),
            vip: vip.map_or(0, |plan| plan.vip(member.active_invitees, invitees_kept)),
            rank: self.rank(newest, id),
            frozen: member.frozen,
            region: counting.map(|counting| counting.region),
            region_until: counting.map(CountingRegion::stands_until),
            declared: declared.map(|declared| declared.region),
            kept: self.people.kept(id),
            invitees_kept,
            active_invitees: member.active_invitees,
            available: owed(member.available),
            vesting: owed(member.vesting),
            in_groups: member.in_groups,
            coins: owed_coins(member.coins),
            vesting_coins: owed_coins(member.vesting_coins),
            bought_coins: self.bought_coins(id),
        }
    }
}

impl World {
    /// The same token gives the same member for ever; his inviter must exist (rules 3.1).
    pub(crate) fn decide_register(
        &self,
        token: [u8; 16],
        inviter: Option<MemberId>,
        events: &mut Vec<Event>,
    ) -> Result<Option<crate::Answer>, Refusal> {
        if let Some(member) = self.token_table.find(&self.tokens, &token) {
            return Ok(Some(crate::Answer::Member(member)));
        }
        if let Some(inviter) = inviter.filter(|&inviter| self.member_ref(inviter).is_none()) {
            return Err(Refusal::UnknownInviter(inviter));
        }
        let member = MemberId(u32::try_from(self.members.len()).map_err(|_| Refusal::Overflow)?);
        events.push(Event::MemberRegistered {
            member,
            token,
            inviter,
        });
        Ok(None)
    }

    /// The first join through a share link binds the inviter, unless that would form a cycle (rules 3.1).
    pub(crate) fn decide_inviter(
        &self,
        member: MemberId,
        via: Option<MemberId>,
        events: &mut Vec<Event>,
    ) {
        let Some(inviter) = via else { return };
        let unbound = self
            .member_ref(member)
            .is_some_and(|known| known.inviter().is_none());
        if unbound && !self.is_above(member, inviter) {
            events.push(Event::InviterBound { member, inviter });
        }
    }

    /// Whether `upper` is `lower` himself or one of his uplines.
    fn is_above(&self, upper: MemberId, lower: MemberId) -> bool {
        let mut at = Some(lower);
        while let Some(member) = at {
            if member == upper {
                return true;
            }
            at = self.member_ref(member).and_then(Member::inviter);
        }
        false
    }

    pub(crate) fn require_member(
        &self,
        member: MemberId,
    ) -> Result<&crate::member::Member, Refusal> {
        self.member_ref(member)
            .ok_or(Refusal::UnknownMember(member))
    }

    /// Whose share link counts. One's own is none: nobody recruits himself. A link of somebody unknown is refused
    /// rather than dropped, so that nobody's reward gets lost unseen.
    pub(crate) fn link(
        &self,
        member: MemberId,
        via: Option<MemberId>,
    ) -> Result<Option<MemberId>, Refusal> {
        match via {
            Some(via) if self.member_ref(via).is_none() => Err(Refusal::UnknownInviter(via)),
            Some(via) => Ok((via != member).then_some(via)),
            None => Ok(None),
        }
    }
}

impl World {
    pub(crate) fn apply_registered(
        &mut self,
        member: MemberId,
        token: [u8; 16],
        inviter: Option<MemberId>,
    ) {
        self.expect_next("member", u64::from(member.0), self.members.len());
        self.members.push(Member::new(inviter));
        self.stand_new(inviter);
        self.tokens.push(token);
        self.token_table.insert(&self.tokens, member);
    }

    pub(crate) fn apply_inviter(&mut self, member: MemberId, inviter: MemberId) {
        let Some(known) = self.member_mut(member) else {
            return;
        };
        known.inviter = Slim::from(Some(inviter.0));
        if known.has_settled
            && let Some(known) = self.member_mut(inviter)
        {
            known.active_invitees = known.active_invitees.saturating_add(1);
        }
        self.stand_below(member, inviter);
    }
}
