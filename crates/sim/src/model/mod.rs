//! The rules once more, slowly: what the platform should do, told by somebody who has not read its code.
//!
//! Why: a mistake in the domain's own invariants would hide itself. This model decides every command anew from
//! the rules with plain maps, counts again instead of remembering sums, and is then compared with the world.
//! From the domain it takes the words (commands, terms, ids) and nothing that decides or counts.

mod compare;
mod rewards;
mod seats;

use std::collections::BTreeMap;

use domain::{
    Actor, Answer, Bounce, Campaign, Command, IdempotencyKey, LeaderRule, PaymentAnswer, PaymentId,
    Refusal, Request,
};

const DAY: i64 = 86_400_000;

/// What a command is answered, as far as the rules say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Done,
    Member(u32),
    Campaign(u32),
    Reserved(PaymentId, i64),
    Seated(PaymentId),
    Bounced(Bounce),
    Known,
    Refused(&'static str),
}

impl Told {
    pub(crate) fn of(outcome: &Result<Answer, Refusal>) -> Told {
        match outcome {
            Err(refusal) => Told::Refused(refusal.code()),
            Ok(Answer::Done) => Told::Done,
            Ok(Answer::Member(member)) => Told::Member(member.0),
            Ok(Answer::Campaign(campaign)) => Told::Campaign(campaign.0),
            Ok(Answer::Reserved { payment, pay_by }) => Told::Reserved(*payment, pay_by.0),
            Ok(Answer::Payment(PaymentAnswer::Seated(payment))) => Told::Seated(*payment),
            Ok(Answer::Payment(PaymentAnswer::Bounced { reason, .. })) => Told::Bounced(*reason),
            Ok(Answer::Payment(PaymentAnswer::Known)) => Told::Known,
        }
    }
}

/// Everything the platform should know.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) now: i64,
    pub(crate) people: BTreeMap<u32, Person>,
    pub(crate) offers: BTreeMap<u32, Campaign>,
    pub(crate) rooms: BTreeMap<u64, Room>,
    pub(crate) goods: BTreeMap<u64, Good>,
    /// Money on its way back, and what has arrived, by the provider's name of the payment.
    pub(crate) back: BTreeMap<String, Back>,
    waiting_rewards: BTreeMap<u64, BTreeMap<u32, Purse>>,
    keys: BTreeMap<Actor, Vec<Kept>>,
    money: Money,
}

#[derive(Clone, Debug)]
pub(crate) struct Person {
    token: [u8; 16],
    inviter: Option<u32>,
    /// Whether a seat of his was ever in a drawn group.
    settled: bool,
    ready: Purse,
}

/// Cash in fen and coins in hundredths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Purse {
    pub(crate) cash: i64,
    pub(crate) coins: i64,
}

impl Purse {
    fn add(&mut self, other: Purse) {
        self.cash += other.cash;
        self.coins += other.coins;
    }
}

/// Sums that the platform keeps for itself.
#[derive(Clone, Copy, Debug, Default)]
struct Money {
    capital: i64,
    channel: i64,
    fees: i64,
    sales: i64,
    goods_cost: i64,
    rewards: i64,
    coins: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Open,
    Full { frozen_at: i64 },
    Settled,
    Expired,
    Cancelled,
    Void,
}

/// A group.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    pub(crate) offer: u32,
    pub(crate) leader: u32,
    pub(crate) expires: i64,
    pub(crate) stage: Stage,
    pub(crate) places: BTreeMap<u32, Place>,
    /// Payments that came to this group and went back at once.
    returned: Vec<String>,
    /// When the how-manieth payment was accepted: gives the order of seats.
    accepted: u64,
    /// Set when it is full: seats in order with their uplines.
    sealed: Vec<Sealed>,
}

/// One reservation.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) member: u32,
    via: Option<u32>,
    pub(crate) held: Held,
    pub(crate) pay_by: i64,
    txn: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    Reserved,
    Lapsed,
    Paid { turn: u64 },
    Refunded,
}

/// A seat of a full group.
#[derive(Clone, Debug)]
struct Sealed {
    place: u32,
    member: u32,
    via: Option<u32>,
    /// Uplines with their VIP levels.
    above: Vec<(u32, u32)>,
}

/// Money on its way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Back {
    pub(crate) amount: i64,
    pub(crate) fee_back: i64,
    pub(crate) paid: bool,
}

/// A winner's product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Good {
    pub(crate) group: u64,
    pub(crate) member: u32,
    pub(crate) stage: GoodStage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GoodStage {
    Paid,
    Shipped { received_by: i64 },
    Received { kept_at: i64 },
    Kept,
}

#[derive(Clone, Copy, Debug)]
struct Kept {
    at: i64,
    key: IdempotencyKey,
    told: Told,
}

/// What a command came to.
struct Outcome {
    told: Told,
    /// Whether it changed anything, and so is remembered and moves the time.
    changed: bool,
}

impl Outcome {
    fn done(told: Told) -> Outcome {
        Outcome {
            told,
            changed: true,
        }
    }

    fn nothing(told: Told) -> Outcome {
        Outcome {
            told,
            changed: false,
        }
    }
}

/// The member that a command says it is of.
fn in_whose_name(command: &Command) -> Option<u32> {
    if let Command::OpenGroup { member, .. }
    | Command::JoinGroup { member, .. }
    | Command::LeaveGroup { member, .. }
    | Command::ReceiveOrder { member, .. } = command
    {
        return Some(member.0);
    }
    None
}

fn refused(code: &'static str) -> Outcome {
    Outcome::nothing(Told::Refused(code))
}

impl Model {
    /// Decides a command as the rules say.
    pub(crate) fn execute(&mut self, request: &Request, clock: i64) -> Told {
        let now = clock.max(self.now);
        if let (Actor::Member(actor), Some(member)) =
            (request.actor, in_whose_name(&request.command))
            && actor.0 != member
        {
            return Told::Refused("not_yourself");
        }
        if let Some(key) = &request.key {
            let kept = self.keys.get(&request.actor).into_iter().flatten();
            let fresh = kept
                .rev()
                .find(|kept| kept.key.key == key.key && now < kept.at + DAY);
            match fresh {
                Some(kept) if kept.key.content == key.content => return kept.told,
                Some(_) => return Told::Refused("idempotency_key_reused"),
                None => {}
            }
        }
        if self.due_before(&request.command, now) {
            self.now = now;
        }
        let outcome = self.decide(&request.command, now);
        if outcome.changed {
            self.now = now;
            if let Some(key) = request.key {
                let kept = self.keys.entry(request.actor).or_default();
                let told = outcome.told;
                kept.retain(|kept| now < kept.at + DAY);
                kept.push(Kept { at: now, key, told });
                let too_many = kept.len().saturating_sub(64);
                kept.drain(..too_many);
            }
        }
        outcome.told
    }

    /// All that time has made due everywhere.
    pub(crate) fn tick(&mut self, clock: i64) {
        let now = clock.max(self.now);
        let rooms: Vec<u64> = self.rooms.keys().copied().collect();
        let goods: Vec<u64> = self.goods.keys().copied().collect();
        for room in rooms {
            if self.due_in_room(room, now) {
                self.now = now;
            }
        }
        for good in goods {
            if self.due_in_good(good, now) {
                self.now = now;
            }
        }
    }

    fn due_before(&mut self, command: &Command, now: i64) -> bool {
        match command {
            Command::JoinGroup { group, .. }
            | Command::LeaveGroup { group, .. }
            | Command::JoinPaid { group, .. }
            | Command::CancelGroup { group }
            | Command::SettleGroup { group, .. }
            | Command::VoidGroup { group } => self.due_in_room(group.0, now),
            Command::AcceptPayment { payment, .. } => self.due_in_room(payment.group.0, now),
            Command::ShipOrder { order } | Command::ReceiveOrder { order, .. } => {
                self.due_in_good(order.0, now)
            }
            Command::Tick(domain::Due::Group(group)) => self.due_in_room(group.0, now),
            Command::Tick(domain::Due::Order(order)) => self.due_in_good(order.0, now),
            Command::RegisterMember { .. }
            | Command::PublishCampaign { .. }
            | Command::DepositCapital { .. }
            | Command::OpenGroup { .. }
            | Command::BouncePayment { .. }
            | Command::ConfirmRefund { .. } => false,
        }
    }

    fn decide(&mut self, command: &Command, now: i64) -> Outcome {
        match command {
            Command::RegisterMember { token, inviter } => {
                self.sign_up(*token, inviter.map(|inviter| inviter.0))
            }
            Command::PublishCampaign { campaign } => self.publish(campaign),
            Command::DepositCapital { amount } => {
                self.money.capital += amount.0;
                self.money.channel += amount.0;
                Outcome::done(Told::Done)
            }
            Command::OpenGroup { .. }
            | Command::JoinGroup { .. }
            | Command::LeaveGroup { .. }
            | Command::AcceptPayment { .. }
            | Command::JoinPaid { .. }
            | Command::BouncePayment { .. }
            | Command::CancelGroup { .. }
            | Command::VoidGroup { .. } => self.decide_seats(command, now),
            Command::SettleGroup { group, outcome } => self.draw(group.0, outcome.winners()),
            Command::ConfirmRefund { .. } => {
                unreachable!("the caller names the payment: `arrived`")
            }
            Command::ShipOrder { order } => self.ship(order.0, now),
            Command::ReceiveOrder { order, member } => self.receive(order.0, member.0, now),
            Command::Tick(_) => Outcome::nothing(Told::Done),
        }
    }

    fn sign_up(&mut self, token: [u8; 16], inviter: Option<u32>) -> Outcome {
        let same = self.people.iter().find(|(_, person)| person.token == token);
        if let Some((&number, _)) = same {
            return Outcome::nothing(Told::Member(number));
        }
        if inviter.is_some_and(|inviter| !self.people.contains_key(&inviter)) {
            return refused("inviter_unknown");
        }
        let number = u32::try_from(self.people.len()).unwrap_or(u32::MAX);
        self.people.insert(
            number,
            Person {
                token,
                inviter,
                settled: false,
                ready: Purse::default(),
            },
        );
        Outcome::done(Told::Member(number))
    }

    fn publish(&mut self, terms: &Campaign) -> Outcome {
        if self.own() < 0 {
            return refused("own_money_below_zero");
        }
        let number = u32::try_from(self.offers.len()).unwrap_or(u32::MAX);
        self.offers.insert(number, terms.clone());
        Outcome::done(Told::Campaign(number))
    }

    /// The channel says that the money of this payment has gone back.
    pub(crate) fn arrived(&mut self, txn: &str, clock: i64) -> Told {
        let Some(back) = self.back.get_mut(txn).filter(|back| !back.paid) else {
            return Told::Refused("refund_unknown");
        };
        back.paid = true;
        self.money.channel += back.fee_back - back.amount;
        self.money.fees -= back.fee_back;
        self.now = clock.max(self.now);
        Told::Done
    }

    fn ship(&mut self, good: u64, now: i64) -> Outcome {
        let Some(good) = self.open_good(good) else {
            return refused("order_unknown");
        };
        if good.stage != GoodStage::Paid {
            return refused("order_state");
        }
        good.stage = GoodStage::Shipped {
            received_by: now + 15 * DAY,
        };
        Outcome::done(Told::Done)
    }

    fn receive(&mut self, good: u64, member: u32, now: i64) -> Outcome {
        let Some(good) = self.open_good(good) else {
            return refused("order_unknown");
        };
        if good.member != member {
            return refused("order_not_yours");
        }
        if !matches!(good.stage, GoodStage::Shipped { .. }) {
            return refused("order_state");
        }
        good.stage = GoodStage::Received {
            kept_at: now + 7 * DAY,
        };
        Outcome::done(Told::Done)
    }

    fn open_good(&mut self, good: u64) -> Option<&mut Good> {
        let good = self.goods.get_mut(&good)?;
        (good.stage != GoodStage::Kept).then_some(good)
    }

    fn due_in_good(&mut self, number: u64, now: i64) -> bool {
        let Some(good) = self.open_good(number) else {
            return false;
        };
        let mut changed = false;
        if let GoodStage::Shipped { received_by } = good.stage
            && received_by <= now
        {
            good.stage = GoodStage::Received {
                kept_at: received_by + 7 * DAY,
            };
            changed = true;
        }
        if let GoodStage::Received { kept_at } = good.stage
            && kept_at <= now
        {
            good.stage = GoodStage::Kept;
            changed = true;
            let group = good.group;
            self.pay_out_if_all_kept(group);
        }
        changed
    }

    /// The return windows of all winners have closed: what waited for them is the members'.
    fn pay_out_if_all_kept(&mut self, group: u64) {
        let mut of_group = self.goods.values().filter(|good| good.group == group);
        if of_group.any(|good| good.stage != GoodStage::Kept) {
            return;
        }
        for (member, purse) in self.waiting_rewards.remove(&group).unwrap_or_default() {
            self.person(member).ready.add(purse);
        }
    }

    fn person(&mut self, number: u32) -> &mut Person {
        self.people
            .get_mut(&number)
            .expect("people are never forgotten, and rooms name only known ones")
    }

    /// Whether a payment is still remembered by anything that goes on.
    pub(crate) fn remembers(&self, txn: &str) -> bool {
        self.met(txn).is_some()
    }

    fn offer_of(&self, room: u64) -> Option<&Campaign> {
        self.offers.get(&self.rooms.get(&room)?.offer)
    }

    /// Direct invitees who have had a settled seat.
    fn active_invitees(&self, number: u32) -> u32 {
        let invited = self
            .people
            .values()
            .filter(|person| person.inviter == Some(number));
        u32::try_from(invited.filter(|person| person.settled).count()).unwrap_or(u32::MAX)
    }

    /// Rules 3.2 with the thresholds of plan 1.
    fn vip(&self, number: u32) -> u32 {
        match self.active_invitees(number) {
            0 => 0,
            1..=2 => 1,
            3..=5 => 2,
            6.. => 3,
        }
    }
}

impl Room {
    pub(crate) fn is_live(&self) -> bool {
        matches!(self.stage, Stage::Open | Stage::Full { .. })
    }

    pub(crate) fn paid(&self) -> usize {
        let paid = self
            .places
            .values()
            .filter(|place| matches!(place.held, Held::Paid { .. }));
        paid.count()
    }

    /// Places that nobody else can take.
    pub(crate) fn taken(&self) -> usize {
        let held = self.places.values().filter(|place| place.is_taken());
        held.count()
    }

    fn most_seats(&self, member: u32, offer: &Campaign) -> u32 {
        if offer.group.leader == LeaderRule::Exempt && member == self.leader {
            1
        } else {
            offer.group.seats_per_member
        }
    }
}

impl Place {
    fn is_taken(&self) -> bool {
        matches!(self.held, Held::Reserved | Held::Paid { .. })
    }
}
