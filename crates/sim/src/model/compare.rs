//! The model against the world: everything both know, in words where they differ.

use std::collections::BTreeMap;

use domain::{
    Account, GroupId, GroupState, MemberId, OrderId, OrderState, PaymentId, SeatState, World,
};

use super::seats::round_of;
use super::{GoodStage, Held, Model, Room, Stage};

/// Gathers differences.
pub(super) struct Differ(Vec<String>);

impl Differ {
    pub(super) fn says(&mut self, what: String) {
        self.0.push(what);
    }

    pub(super) fn same<T: PartialEq + std::fmt::Debug>(
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
        self.compare_counts(world, &mut differ);
        for &number in self.people.keys() {
            self.compare_person(number, world, &mut differ);
        }
        for &number in self.rooms.keys() {
            self.compare_room(number, world, &mut differ);
        }
        self.compare_refunds(world, &mut differ);
        for &number in self.goods.keys() {
            self.compare_good(number, world, &mut differ);
        }
        for number in 0..self.drafts() {
            self.compare_draft(number, world, &mut differ);
        }
        for number in 0..self.wares() {
            self.compare_ware(number, world, &mut differ);
        }
        for number in 0..self.buyings() {
            self.compare_buying(number, world, &mut differ);
        }
        self.compare_market(world, &mut differ);
        for number in 0..self.tabs() {
            self.compare_tab(number, world, &mut differ);
        }
        self.compare_sums(world, &mut differ);
        let due: i64 = self
            .back
            .values()
            .filter(|back| !back.paid)
            .map(|back| back.amount)
            .sum();
        differ.same(
            || "refunds added up".to_owned(),
            due,
            self.money.refunds_due,
        );
        let own = world.books().own.0;
        differ.same(|| "own money".to_owned(), own, self.own());
        let gained = own + self.money.fees - self.money.capital - self.own_of_counters();
        if gained < self.money.least_gain {
            differ.0.push(format!(
                "settled groups brought {gained}, their campaigns promised at least {}",
                self.money.least_gain
            ));
        }
        self.compare_lists(world, &mut differ);
        differ.0
    }

    /// The same for what commands have changed since this was last asked, and for every sum.
    pub(crate) fn touched_differences(&mut self, world: &World) -> Vec<String> {
        let mut differ = Differ(Vec::new());
        let touched = std::mem::take(&mut self.touched);
        self.compare_counts(world, &mut differ);
        for number in touched.people {
            self.compare_person(number, world, &mut differ);
        }
        for number in touched.rooms {
            self.compare_room(number, world, &mut differ);
        }
        for number in touched.goods {
            self.compare_good(number, world, &mut differ);
        }
        for number in touched.drafts {
            self.compare_draft(number, world, &mut differ);
        }
        for number in touched.wares {
            self.compare_ware(number, world, &mut differ);
        }
        for number in touched.buyings {
            self.compare_buying(number, world, &mut differ);
        }
        for number in touched.tabs {
            self.compare_tab(number, world, &mut differ);
        }
        for txn in touched.twice {
            differ.0.push(format!("payment {txn} was dealt with twice"));
        }
        self.compare_sums(world, &mut differ);
        differ.0
    }

    /// What workers are shown: whose payments to wait for, which draws to make; and who a token is.
    fn compare_lists(&self, world: &World, differ: &mut Differ) {
        let waiting = world.waiting_reservations(None, usize::MAX).into_iter();
        let waiting = waiting.map(|waiting| (waiting.payment, waiting.member.0, waiting.pay_by.0));
        let open = self.index.open_rooms.iter();
        let told = open.filter_map(|number| Some((*number, self.rooms.get(number)?)));
        let told = told.flat_map(|(number, room)| {
            let reserved = room.places.iter();
            let reserved = reserved.filter(|(_, place)| place.held == Held::Reserved);
            reserved.map(move |(&index, place)| {
                let payment = PaymentId {
                    group: GroupId(number),
                    index,
                };
                (payment, place.member, place.pay_by)
            })
        });
        differ.same(
            || "reservations that wait".to_owned(),
            waiting.collect::<Vec<_>>(),
            told.collect(),
        );
        let seen = world.awaiting_draw(usize::MAX).into_iter();
        let seen = seen.map(|awaited| (awaited.round_time_s.cast_signed(), awaited.group.0));
        let full = self.rooms.iter().filter_map(|(&number, room)| {
            let Stage::Full { frozen_at } = room.stage else {
                return None;
            };
            let (_, time) = round_of(self.offer_of(number)?, frozen_at);
            Some((time, number))
        });
        let mut full: Vec<(i64, u64)> = full.collect();
        full.sort_unstable();
        differ.same(|| "draws that wait".to_owned(), seen.collect(), full);
        for (token, &number) in &self.index.tokens {
            let seen = world.member_of_token(token);
            differ.same(
                || format!("token of member {number}"),
                seen,
                Some(MemberId(number)),
            );
        }
    }

    /// When time next changes anything by itself.
    pub(crate) fn next_due(&self) -> Option<i64> {
        let rooms = self.index.open_rooms.iter();
        let rooms = rooms.filter_map(|&room| self.room_due_at(room));
        let goods = self.index.moving_goods.iter();
        let goods = goods.filter_map(|&good| self.good_due_at(good));
        rooms
            .chain(goods)
            .chain(self.ranks.count_at)
            .chain(self.coins_at)
            .chain(self.next_buying_due())
            .chain(self.next_tab_due())
            .min()
    }

    fn compare_counts(&self, world: &World, differ: &mut Differ) {
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        differ.same(
            || "members, campaigns, groups, refunds on their way".into(),
            (
                u64::from(world.members()),
                u64::from(world.campaigns()),
                world.groups(),
            ),
            (
                count(self.people.len()),
                count(self.offers.len()),
                count(self.rooms.len()),
            ),
        );
        differ.same(|| "time".into(), world.now().0, self.now);
    }

    fn compare_person(&self, number: u32, world: &World, differ: &mut Differ) {
        let Some(person) = self.people.get(&number) else {
            return;
        };
        let Some(seen) = world.member(MemberId(number)) else {
            differ.0.push(format!("member {number} is missing"));
            return;
        };
        let vesting = self.waiting(number);
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
            self.in_groups(number),
        );
        differ.same(
            || format!("money of member {number}"),
            seen_money,
            told_money,
        );
        let below = (seen.available.0 < 0 && !person.clawed_back)
            || [seen.coins.0, seen.vesting.0, seen.vesting_coins.0]
                .iter()
                .any(|sum| *sum < 0);
        if below {
            differ.says(format!("an account of member {number} is below zero"));
        }
        let seen_lots = world.coin_lots(MemberId(number)).into_iter();
        let mut lots: BTreeMap<i64, i64> = BTreeMap::new();
        for (ends, coins) in &person.lots {
            *lots.entry(*ends).or_default() += coins;
        }
        differ.same(
            || format!("coins of member {number} by when they end"),
            seen_lots.map(|lot| (lot.expires.0, lot.coins.0)).collect(),
            lots,
        );
        let told = (
            person.inviter,
            self.active_invitees(number),
            self.vip(number),
        );
        differ.same(
            || format!("inviter, active invitees and VIP level of member {number}"),
            (
                seen.inviter.map(|inviter| inviter.0),
                seen.active_invitees,
                seen.vip,
            ),
            told,
        );
    }

    fn compare_room(&self, number: u64, world: &World, differ: &mut Differ) {
        let Some(room) = self.rooms.get(&number) else {
            return;
        };
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
        if let Stage::Full { frozen_at } = room.stage {
            compare_seal(id, room, frozen_at, world, differ);
        }
        let limit = self
            .offer_of(number)
            .map_or(0, |offer| offer.group.seats as usize);
        if limit < room.taken() {
            differ.0.push(format!("group {number} is oversold"));
        }
        compare_places(id, room, world, differ);
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

    fn compare_good(&self, number: u64, world: &World, differ: &mut Differ) {
        let Some(good) = self.goods.get(&number) else {
            return;
        };
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
            GoodStage::Returning { back_by } => Some(OrderState::Returning {
                back_by: domain::Millis(back_by),
            }),
            GoodStage::Kept | GoodStage::Returned => None,
        };
        let told = state.map(|state| (good.group, good.member, state));
        differ.same(|| format!("order {number}"), seen, told);
    }

    fn compare_sums(&self, world: &World, differ: &mut Differ) {
        self.compare_payouts(world, differ);
        self.compare_traders(world, differ);
        let money = &self.money;
        for (account, told) in [
            (Account::Channel, money.channel),
            (Account::RefundsDue, -money.refunds_due),
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
    }

    /// Held less owed (rules 8).
    pub(super) fn own(&self) -> i64 {
        let money = &self.money;
        let books = money.capital + money.sales - money.goods_cost - money.rewards - money.fees;
        books - self.owed_by_members() + self.own_of_counters()
    }
}

/// The sealed seat list and when it was sealed, as the draw will read them.
fn compare_seal(id: GroupId, room: &Room, frozen_at: i64, world: &World, differ: &mut Differ) {
    let Some(files) = world.draw_files(id) else {
        differ.0.push(format!("group {id} has no draw files"));
        return;
    };
    let seen = files.seats.0.iter().map(|line| (line.tag.0, line.leader));
    let told = room.sealed.iter();
    let told = told.map(|seat| (seat.tag, seat.member == room.leader));
    differ.same(
        || format!("sealed seats of group {id}"),
        seen.collect::<Vec<_>>(),
        told.collect(),
    );
    differ.same(
        || format!("seconds of the freeze of group {id}"),
        files.freeze.frozen_at.cast_signed(),
        frozen_at,
    );
}

/// Every reservation, and that there is none beyond.
fn compare_places(id: GroupId, room: &Room, world: &World, differ: &mut Differ) {
    let next = u32::try_from(room.places.len()).unwrap_or(u32::MAX);
    let mut of_member: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (&index, place) in room.places.iter().rev() {
        of_member.entry(place.member).or_default().push(index);
    }
    for (member, told) in of_member {
        let seen = world.seats_of(id, MemberId(member)).into_iter();
        differ.same(
            || format!("reservations of member {member} in group {id}"),
            seen.map(|seat| seat.payment.index).collect(),
            told,
        );
    }
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
        differ.same(|| format!("reservation {id}-{index}"), seat, place);
    }
}
