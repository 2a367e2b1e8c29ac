//! Reading ahead: what commands will need is brought into the processor's cache, for many commands at once.
//!
//! Why: a join touches half a dozen places in gigabytes of memory. Executed one after the other, commands wait for
//! each place in turn; asked for together beforehand, the places arrive while the processor goes on asking.

use std::hint::black_box;

use crate::{
    Actor, Command, GroupId, MemberId, Request, Txn, World,
    group::Group,
    member::Member,
    table::{ShortHash, hash_of},
};

/// How many commands to read ahead for at a time: the processor keeps about so many places under way.
pub const READ_AHEAD: usize = 32;

impl World {
    /// Brings what these commands will need into the cache. Changes nothing and decides nothing: it goes by no value it
    /// reads but the addresses, lest the processor wait for one place before it asks for the next.
    pub fn read_ahead(&self, requests: &[Request]) {
        for request in requests {
            black_box(self.first_places(request));
        }
        // What could not be asked for before those had come.
        for request in requests {
            if let Some((group, _)) = seat_of(&request.command) {
                black_box(self.live(group).map(Group::lines));
            }
        }
        for request in requests {
            if let Some((group, member)) = seat_of(&request.command) {
                black_box(self.live(group).map(|group| group.ends_of_lists(member)));
            }
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "only commands that come in crowds"
    )]
    fn first_places(&self, request: &Request) -> u64 {
        let mut read = 0u64;
        if let Actor::Member(member) = request.actor {
            read ^= self.member_place(member);
        }
        if let Some(key) = &request.key {
            read ^= self.member_keys.read_ahead(&key.key);
        }
        match &request.command {
            Command::JoinGroup { member, .. } | Command::OpenGroup { member, .. } => {
                read ^= self.member_place(*member);
            }
            Command::JoinPaid { member, txn, .. } => {
                read ^= self.member_place(*member) ^ self.payment_place(txn);
            }
            Command::AcceptPayment { txn, .. } => read ^= self.payment_place(txn),
            _ => {}
        }
        let group = seat_of(&request.command).and_then(|(group, _)| self.live(group));
        read ^ u64::from(group.is_some())
    }

    fn member_place(&self, member: MemberId) -> u64 {
        self.member_ref(member)
            .map_or(0, |member| member.in_groups.0.cast_unsigned())
    }

    fn payment_place(&self, txn: &Txn) -> u64 {
        self.seated.read_ahead(ShortHash::of(txn))
    }
}

impl World {
    /// Brings the uplines of many members into the cache, generation by generation.
    pub(crate) fn read_uplines_ahead(
        &self,
        members: impl Iterator<Item = MemberId>,
        generations: usize,
    ) {
        let inviter = |member| self.member_ref(member).and_then(Member::inviter);
        let mut uplines: Vec<MemberId> = members.collect();
        for _ in 0..generations {
            uplines = uplines.into_iter().filter_map(inviter).collect();
        }
        for upline in uplines {
            black_box(self.member_place(upline));
        }
    }
}

impl Group {
    /// Something of each line that the group itself lies on.
    fn lines(&self) -> u64 {
        let timer = self.timer.map_or(0, |at| at.0.cast_unsigned());
        self.escrow.cast_unsigned() ^ timer ^ u64::from(self.held) ^ u64::from(self.leader.0)
    }

    /// The ends of the group's lists, where a seat will be added, and where the member is looked for.
    fn ends_of_lists(&self, member: Option<MemberId>) -> u32 {
        if let Some(member) = member {
            black_box(self.newest.find(hash_of(member.0), |_| false));
        }
        let seat = self.seats.last().map_or(0, |seat| seat.member.0);
        let reserved = self.reserved.back().map_or(0, |&(_, index)| index);
        seat ^ reserved ^ self.paid.last().copied().unwrap_or(0)
    }
}

/// Whose place in which group a command is about, where it is about one.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "only commands that come in crowds"
)]
fn seat_of(command: &Command) -> Option<(GroupId, Option<MemberId>)> {
    match command {
        Command::JoinGroup { group, member, .. } | Command::JoinPaid { group, member, .. } => {
            Some((*group, Some(*member)))
        }
        Command::AcceptPayment { payment, .. } => Some((payment.group, None)),
        _ => None,
    }
}
