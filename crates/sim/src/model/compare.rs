//! The model against the world: everything both know, in words where they differ.

use std::collections::BTreeMap;

use domain::{
    Account, GroupId, GroupState, MemberId, OrderId, OrderState, PaymentId, SeatState, World,
};

use super::seats::round_of;
use super::{GoodStage, Held, Model, Purse, Room, Stage};

/// Gathers differences.
struct Differ(Vec<String>);

impl Differ {
    fn same<T: PartialEq + std::fmt::Debug>(
        &mut self,
        what: impl FnOnce() -> String,
        world: T,
        rules: T,
    ) {
        if world != rules {
            self.0.push(format!(
                "{}: the world says {world:?}, the rules {rules:?}",
                what()
            ));
        }
    }
}

impl Model {
    /// What the world has otherwise than the rules say; empty if nothing.
    pub(crate) fn differences(&self, world: &World) -> Vec<String> {
        let mut differ = Differ(Vec::new());
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        differ.same(
            || "members".into(),
            u64::from(world.members()),
            count(self.people.len()),
        );
        differ.same(|| "groups".into(), world.groups(), count(self.rooms.len()));
        self.compare_people(world, &mut differ);
        for (&number, room) in &self.rooms {
            self.compare_room(number, room, world, &mut differ);
        }
        self.compare_refunds(world, &mut differ);
        self.compare_goods(world, &mut differ);
        self.compare_sums(world, &mut differ);
        differ.0
    }

    fn compare_people(&self, world: &World, differ: &mut Differ) {
        let mut in_groups: BTreeMap<u32, i64> = BTreeMap::new();
        for (number, room) in &self.rooms {
            let price = self
                .offer_of(*number)
                .map_or(0, |offer| offer.group.price.0);
            let live = room.places.values().filter(|_| room.is_live());
            for place in live.filter(|place| matches!(place.held, Held::Paid { .. })) {
                *in_groups.entry(place.member).or_default() += price;
            }
        }
        let mut vesting: BTreeMap<u32, Purse> = BTreeMap::new();
        for (member, purse) in self.waiting_rewards.values().flatten() {
            vesting.entry(*member).or_default().add(*purse);
        }
        let mut active: BTreeMap<u32, u32> = BTreeMap::new();
        for person in self.people.values().filter(|person| person.settled) {
            if let Some(inviter) = person.inviter {
                *active.entry(inviter).or_default() += 1;
            }
        }
        for (&number, person) in &self.people {
            let Some(seen) = world.member(MemberId(number)) else {
                differ.0.push(format!("member {number} is missing"));
                continue;
            };
            let vesting = vesting.get(&number).copied().unwrap_or_default();
            let seen_money = (
                seen.available.0,
                seen.coins.0,
                seen.vesting.0,
                seen.vesting_coins.0,
                seen.in_groups.0,
            );
            let told_money = (
                person.ready.cash,
                person.ready.coins,
                vesting.cash,
                vesting.coins,
                in_groups.get(&number).copied().unwrap_or(0),
            );
            differ.same(
                || format!("money of member {number}"),
                seen_money,
                told_money,
            );
            let told = (person.inviter, active.get(&number).copied().unwrap_or(0));
            differ.same(
                || format!("inviter and active invitees of member {number}"),
                (seen.inviter.map(|inviter| inviter.0), seen.active_invitees),
                told,
            );
        }
    }

    fn compare_room(&self, number: u64, room: &Room, world: &World, differ: &mut Differ) {
        let id = GroupId(number);
        let Some(seen) = world.group(id) else {
            differ.0.push(format!("group {number} is missing"));
            return;
        };
        let told = match room.stage {
            Stage::Open => GroupState::Open,
            Stage::Full { .. } => GroupState::Full,
            Stage::Settled => GroupState::Settled,
            Stage::Expired => GroupState::Expired,
            Stage::Cancelled => GroupState::Cancelled,
            Stage::Void => GroupState::Void,
        };
        differ.same(|| format!("state of group {number}"), seen.state, told);
        let price = self.offer_of(number).map_or(0, |offer| offer.group.price.0);
        let paid = if room.is_live() { room.paid() } else { 0 };
        let escrow = price * i64::try_from(paid).unwrap_or(i64::MAX);
        differ.same(
            || format!("escrow of group {number}"),
            -world.balance(Account::Escrow(id)),
            escrow,
        );
        if !room.is_live() {
            return;
        }
        differ.same(
            || format!("leader, deadline, paid and taken places of group {number}"),
            (
                seen.leader,
                seen.expires_at.map(|at| at.0),
                seen.paid as usize,
                seen.held as usize,
            ),
            (
                Some(MemberId(room.leader)),
                Some(room.expires),
                paid,
                room.taken(),
            ),
        );
        let round = match room.stage {
            Stage::Full { frozen_at } => self
                .offer_of(number)
                .map(|offer| round_of(offer, frozen_at).0),
            Stage::Open | Stage::Settled | Stage::Expired | Stage::Cancelled | Stage::Void => None,
        };
        differ.same(|| format!("round of group {number}"), seen.round, round);
        let next = u32::try_from(room.places.len()).unwrap_or(u32::MAX);
        for index in 0..=next {
            let seat = world.seat(PaymentId { group: id, index });
            let seat = seat.map(|(member, seat)| (member.0, seat.state, seat.pay_by.0));
            let place = room.places.get(&index).map(|place| {
                let state = match place.held {
                    Held::Reserved => SeatState::Reserved,
                    Held::Lapsed => SeatState::Lapsed,
                    Held::Paid { .. } => SeatState::Paid,
                    Held::Refunded => SeatState::Refunded,
                };
                (place.member, state, place.pay_by)
            });
            differ.same(|| format!("reservation {number}-{index}"), seat, place);
        }
    }

    fn compare_refunds(&self, world: &World, differ: &mut Differ) {
        let pending = world.pending_refunds(None, usize::MAX);
        let mut seen: Vec<(String, i64, i64)> = pending
            .iter()
            .map(|refund| {
                (
                    refund.txn.as_str().to_owned(),
                    refund.amount.0,
                    refund.fee_back.0,
                )
            })
            .collect();
        seen.sort();
        let due = self.back.iter().filter(|(_, back)| !back.paid);
        let told: Vec<_> = due
            .map(|(txn, back)| (txn.clone(), back.amount, back.fee_back))
            .collect();
        if seen != told {
            let odd: Vec<_> = seen
                .iter()
                .filter(|entry| !told.contains(entry))
                .take(3)
                .collect();
            let missing: Vec<_> = told
                .iter()
                .filter(|entry| !seen.contains(entry))
                .take(3)
                .collect();
            differ.0.push(format!(
                "refunds: the world has {odd:?} too many, {missing:?} too few"
            ));
        }
    }

    fn compare_goods(&self, world: &World, differ: &mut Differ) {
        for (&number, good) in &self.goods {
            let seen = world.order(OrderId(number));
            let seen = seen.map(|order| (order.group.0, order.member.0, order.state));
            let state = match good.stage {
                GoodStage::Paid => Some(OrderState::Paid),
                GoodStage::Shipped { received_by } => Some(OrderState::Shipped {
                    received_by: domain::Millis(received_by),
                }),
                GoodStage::Received { kept_at } => Some(OrderState::Received {
                    kept_at: domain::Millis(kept_at),
                }),
                GoodStage::Kept => None,
            };
            let told = state.map(|state| (good.group, good.member, state));
            differ.same(|| format!("order {number}"), seen, told);
        }
    }

    fn compare_sums(&self, world: &World, differ: &mut Differ) {
        let refunds_due: i64 = self
            .back
            .values()
            .filter(|back| !back.paid)
            .map(|back| back.amount)
            .sum();
        let money = &self.money;
        for (account, told) in [
            (Account::Channel, money.channel),
            (Account::RefundsDue, -refunds_due),
            (Account::Suppliers, -money.goods_cost),
            (Account::Capital, -money.capital),
            (Account::Sales, -money.sales),
            (Account::CostOfGoods, money.goods_cost),
            (Account::Rewards, money.rewards),
            (Account::ChannelFees, money.fees),
            (Account::CoinsIssued, money.coins),
        ] {
            differ.same(
                || format!("account {}", account.name()),
                world.balance(account),
                told,
            );
        }
        differ.same(|| "own money".to_owned(), world.books().own.0, self.own());
    }

    /// Held less owed (rules 8).
    pub(super) fn own(&self) -> i64 {
        let money = &self.money;
        money.capital + money.sales - money.goods_cost - money.rewards - money.fees
    }
}
