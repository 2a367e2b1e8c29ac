//! Reading ahead: what commands will need is brought into the processor's cache, for many commands at once.
//!
//! Why: a join touches half a dozen places in gigabytes of memory. Executed one after the other, commands wait for
//! each place in turn; asked for together beforehand, the places arrive while the processor goes on asking.

use std::hint::black_box;

use crate::{
    Actor, Command, GroupId, MemberId, Request, Txn, World,
    table::{InGroup, ShortHash},
};

/// How many commands to read ahead for at a time: the processor keeps about so many places under way.
pub const READ_AHEAD: usize = 16;

impl World {
    /// Brings what these commands will need into the cache. Changes nothing and decides nothing.
    pub fn read_ahead(&self, requests: &[Request]) {
        for request in requests {
            black_box(self.first_places(request));
        }
        // What could not be asked for before those had come.
        for request in requests {
            if let Some(group) = group_of(&request.command) {
                black_box(self.end_of_seats(group));
            }
        }
    }

    fn first_places(&self, request: &Request) -> u64 {
        let mut read = 0u64;
        if let Actor::Member(member) = request.actor {
            read ^= self.member_place(member);
        }
        if let Some(key) = &request.key {
            self.member_keys.read_ahead(&key.key);
        }
        match &request.command {
            Command::JoinGroup { member, .. } | Command::OpenGroup { member, .. } => {
                read ^= self.member_place(*member);
            }
            Command::JoinPaid { member, txn, .. } => {
                read ^= self.member_place(*member);
                self.payment_place(txn);
            }
            Command::AcceptPayment { txn, .. } => self.payment_place(txn),
            Command::RegisterMember { .. }
            | Command::PublishCampaign { .. }
            | Command::DepositCapital { .. }
            | Command::LeaveGroup { .. }
            | Command::BouncePayment { .. }
            | Command::CancelGroup { .. }
            | Command::SettleGroup { .. }
            | Command::VoidGroup { .. }
            | Command::ConfirmRefund { .. }
            | Command::ShipOrder { .. }
            | Command::ReceiveOrder { .. }
            | Command::Tick(_) => {}
        }
        match group_of(&request.command).and_then(|group| self.live(group)) {
            Some(group) => read ^ group.escrow.cast_unsigned(),
            None => read,
        }
    }

    fn member_place(&self, member: MemberId) -> u64 {
        self.member_ref(member)
            .map_or(0, |member| member.in_groups.0.cast_unsigned())
    }

    fn payment_place(&self, txn: &Txn) {
        black_box(self.seated.find(ShortHash::of(txn), |_: InGroup| false));
    }

    fn end_of_seats(&self, group: GroupId) -> Option<MemberId> {
        let group = self.live(group)?;
        black_box(group.paid.last());
        black_box(group.seat_indexes(group.leader).next());
        group.seats.last().map(|seat| seat.member)
    }
}

fn group_of(command: &Command) -> Option<GroupId> {
    match command {
        Command::JoinGroup { group, .. } | Command::JoinPaid { group, .. } => Some(*group),
        Command::AcceptPayment { payment, .. } => Some(payment.group),
        Command::RegisterMember { .. }
        | Command::PublishCampaign { .. }
        | Command::DepositCapital { .. }
        | Command::OpenGroup { .. }
        | Command::LeaveGroup { .. }
        | Command::BouncePayment { .. }
        | Command::CancelGroup { .. }
        | Command::SettleGroup { .. }
        | Command::VoidGroup { .. }
        | Command::ConfirmRefund { .. }
        | Command::ShipOrder { .. }
        | Command::ReceiveOrder { .. }
        | Command::Tick(_) => None,
    }
}
