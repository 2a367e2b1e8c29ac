//! The rules once more, slowly: what the platform should do, told by somebody who has not read its code.
//!
//! Why: a mistake in the domain's own invariants would hide itself. This model decides every command anew from
//! the rules with plain maps, counts again instead of remembering sums, and is then compared with the world.
//! From the domain it takes the words (commands, terms, ids) and nothing that decides or counts.

mod compare;
mod counters;
mod goods;
mod homes;
mod market;
mod offers;
mod payouts;
mod people;
mod planted;
mod purchases;
mod rewards;
mod seats;

pub(crate) use counters::TabStage;
pub(crate) use offers::worst;
pub(crate) use payouts::DraftStage;
pub use planted::Mistake;
pub(crate) use purchases::BuyingStage;

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    Actor, AllianceCommand, Answer, Bounce, Campaign, Command, IdempotencyKey, LeaderRule,
    PaymentAnswer, PaymentId, Refusal, Request, ShopCommand,
};

use people::Person;

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
    Withdrawal(u64),
    Sku(u32),
    Purchase(u64),
    Merchant(u32),
    Store(u32),
    Counter(u64),
    Known,
    Refused(&'static str),
}

impl Told {
    pub(crate) fn of(outcome: &Result<Answer, Refusal>) -> Told {
        match outcome {
            Err(refusal) => Told::Refused(refusal.code()),
            // Nobody in the simulator sits at a table.
            Ok(Answer::Done | Answer::Table(_)) => Told::Done,
            Ok(Answer::Member(member)) => Told::Member(member.0),
            Ok(Answer::Campaign(campaign)) => Told::Campaign(campaign.0),
            Ok(Answer::Withdrawal(withdrawal)) => Told::Withdrawal(withdrawal.0),
            Ok(Answer::Sku(sku)) => Told::Sku(sku.0),
            Ok(Answer::Purchase(purchase)) => Told::Purchase(purchase.0),
            Ok(Answer::Merchant(merchant)) => Told::Merchant(merchant.0),
            Ok(Answer::Store(store)) => Told::Store(store.0),
            Ok(Answer::Counter(counter)) => Told::Counter(counter.0),
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
    waiting_rewards: BTreeMap<u64, Vec<Waiting>>,
    drafts: payouts::Drafts,
    market: purchases::Market,
    pub(crate) alliance: counters::Alliance,
    homes: homes::Homes,
    keys: BTreeMap<Actor, Vec<Kept>>,
    /// When ranks are counted.
    pub(crate) ranks: Ranks,
    /// When expired coins are looked for: when a month begins.
    coins_at: Option<i64>,
    money: Money,
    /// Where to look instead of everywhere: nothing is decided by these alone.
    index: Index,
    /// What commands have changed since the last comparison.
    touched: Touched,
    /// A rule told wrongly on purpose.
    mistake: Option<Mistake>,
}

/// Ranks are not told again here, only when they are counted: that is an entry in the journal like others.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ranks {
    /// Whether anything was ever kept: before, nobody can have a rank.
    any_kept: bool,
    pub(crate) count_at: Option<i64>,
    /// The time of the command that is being decided.
    now: i64,
}

/// Where things are found without looking through everything.
#[derive(Clone, Debug, Default)]
struct Index {
    tokens: BTreeMap<[u8; 16], u32>,
    /// Every payment that was ever seated or sent back, with the room it came to.
    booked: BTreeMap<String, Option<u64>>,
    open_rooms: BTreeSet<u64>,
    moving_goods: BTreeSet<u64>,
    goods_of: BTreeMap<u64, Vec<u64>>,
}

/// What commands have changed since the last comparison.
#[derive(Clone, Debug, Default)]
struct Touched {
    people: BTreeSet<u32>,
    rooms: BTreeSet<u64>,
    goods: BTreeSet<u64>,
    drafts: BTreeSet<u64>,
    wares: BTreeSet<u32>,
    buyings: BTreeSet<u64>,
    tabs: BTreeSet<u64>,
    /// Payments that were booked twice: there must be none.
    twice: Vec<String>,
}

/// What the rules cannot know by themselves about a command.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hint {
    /// The payment that the refund to be confirmed sends back; empty if no such refund waits.
    pub(crate) refund_of: String,
    /// Whether the draw is of the freeze that its group has now.
    pub(crate) fits_freeze: bool,
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
    /// What open groups and settled ones promise, and capital: the bound of every balance.
    promised: i64,
    channel: i64,
    refunds_due: i64,
    fees: i64,
    /// What all settled groups must at least have brought, before fees.
    least_gain: i64,
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
    tag: [u8; 32],
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
    tag: [u8; 32],
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Good {
    pub(crate) group: u64,
    pub(crate) member: u32,
    pub(crate) stage: GoodStage,
    seat: u32,
    txn: String,
    price: i64,
    fee_back: i64,
}

/// A reward that waits for return windows.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    member: u32,
    /// The seat it came from, if from one.
    seat: Option<u32>,
    purse: Purse,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GoodStage {
    Paid,
    Shipped { received_by: i64 },
    Received { kept_at: i64 },
    Kept,
    Returning { back_by: i64 },
    Returned,
}

impl GoodStage {
    pub(crate) fn is_over(self) -> bool {
        self == GoodStage::Kept || self == GoodStage::Returned
    }
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
    | Command::ReceiveOrder { member, .. }
    | Command::ReturnOrder { member, .. }
    | Command::Withdraw { member, .. } = command
    {
        return Some(member.0);
    }
    if let Command::Shop(
        ShopCommand::Buy(domain::Reservation { member, .. })
        | ShopCommand::CancelPurchase { member, .. }
        | ShopCommand::ReceivePurchase { member, .. }
        | ShopCommand::ReturnPurchase { member, .. },
    ) = command
    {
        return Some(member.0);
    }
    if let Command::Alliance(
        AllianceCommand::BindHome { member, .. } | AllianceCommand::EndHome { member },
    ) = command
    {
        return Some(member.0);
    }
    None
}

fn refused(code: &'static str) -> Outcome {
    Outcome::nothing(Told::Refused(code))
}

impl Model {
    /// The rules with one told wrongly, to prove that a comparison finds it.
    pub(crate) fn with_mistake(mistake: Option<Mistake>) -> Model {
        Model {
            mistake,
            ..Model::default()
        }
    }

    /// Decides a command as the rules say.
    pub(crate) fn execute(&mut self, request: &Request, clock: i64, hint: &Hint) -> Told {
        let now = clock.max(self.now);
        if let (Actor::Member(actor), Some(member)) =
            (request.actor, in_whose_name(&request.command))
            && actor.0 != member
        {
            return Told::Refused("not_yourself");
        }
        if let Some(key) = &request.key {
            match self.kept(request.actor, key, now) {
                Some(kept) if kept.key.content == key.content => return kept.told,
                Some(_) => return Told::Refused("idempotency_key_reused"),
                None => {}
            }
        }
        self.due_first(&request.command, clock);
        let outcome = self.decide(&request.command, now, hint);
        if outcome.changed {
            self.now = now;
            if let Some(key) = request.key {
                self.keep(request.actor, key, outcome.told);
            }
        }
        outcome.told
    }

    /// Only what a command finds due: for one whose own record was lost.
    pub(crate) fn due_first(&mut self, command: &Command, clock: i64) {
        let now = clock.max(self.now);
        self.ranks.now = now;
        if self.due_before(command, now) {
            self.now = now;
        }
    }

    /// All that time has made due everywhere.
    pub(crate) fn tick(&mut self, clock: i64) {
        let now = clock.max(self.now);
        let rooms: Vec<u64> = self.index.open_rooms.iter().copied().collect();
        let goods: Vec<u64> = self.index.moving_goods.iter().copied().collect();
        self.ranks.now = now;
        for room in rooms {
            if self.due_in_room(room, now) {
                self.now = now;
            }
        }
        // What was kept by a midnight is counted at it, the rest at the next.
        let midnight = self.ranks.count_at.unwrap_or(i64::MAX);
        let (before, after): (Vec<u64>, Vec<u64>) = goods
            .into_iter()
            .partition(|&good| self.good_due_at(good).is_some_and(|at| at <= midnight));
        for good in before {
            if self.due_in_good(good, now) {
                self.now = now;
            }
        }
        if self.due_ranks(now) {
            self.now = now;
        }
        if self.due_coins(now) {
            self.now = now;
        }
        for good in after {
            if self.due_in_good(good, now) {
                self.now = now;
            }
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "most commands touch no group or order"
    )]
    fn due_before(&mut self, command: &Command, now: i64) -> bool {
        match command {
            Command::JoinGroup { group, .. }
            | Command::LeaveGroup { group, .. }
            | Command::JoinPaid { group, .. }
            | Command::CancelGroup { group }
            | Command::SettleGroup { group, .. }
            | Command::VoidGroup { group } => self.due_in_room(group.0, now),
            Command::AcceptPayment { payment, .. } => self.due_in_room(payment.group.0, now),
            Command::ShipOrder { order }
            | Command::ReceiveOrder { order, .. }
            | Command::ReturnOrder { order, .. }
            | Command::TakeBackOrder { order } => self.due_in_good(order.0, now),
            Command::Tick(domain::Due::Group(group)) => self.due_in_room(group.0, now),
            Command::Tick(domain::Due::Order(order)) => self.due_in_good(order.0, now),
            Command::Tick(domain::Due::Day) => self.due_ranks(now),
            // None of the simulator's campaigns feeds a pool; the audit counts every close again.
            Command::Tick(domain::Due::Dividends(_)) => false,
            Command::Tick(domain::Due::Coins) => self.due_coins(now),
            Command::Shop(
                ShopCommand::Buy(domain::Reservation { sku, .. })
                | ShopCommand::AdjustStock { sku, .. },
            )
            | Command::Tick(domain::Due::Sku(sku)) => self.due_in_ware(sku.0, now),
            Command::Shop(
                ShopCommand::CancelPurchase { purchase, .. }
                | ShopCommand::PayPurchase { purchase, .. }
                | ShopCommand::ShipPurchase { purchase }
                | ShopCommand::ReceivePurchase { purchase, .. }
                | ShopCommand::ReturnPurchase { purchase, .. }
                | ShopCommand::TakeBackPurchase { purchase },
            )
            | Command::Tick(domain::Due::Purchase(purchase)) => self.due_in_buying(purchase.0, now),
            Command::Alliance(AllianceCommand::PayAtCounter { .. }) => self.due_coins(now),
            Command::Alliance(
                AllianceCommand::PayCounter { counter, .. }
                | AllianceCommand::RefundCounter { counter }
                | AllianceCommand::ReverseCounter { counter, .. },
            )
            | Command::Tick(domain::Due::Counter(counter)) => self.due_in_tab(counter.0, now),
            Command::Alliance(AllianceCommand::DraftStatement { .. })
            | Command::Tick(domain::Due::Statements) => self.due_statements(now),
            Command::Tick(domain::Due::Recharge(_)) => false,
            _ => false,
        }
    }

    fn due_coins(&mut self, now: i64) -> bool {
        if self.coins_at.is_none_or(|at| now < at) {
            return false;
        }
        let mut any = false;
        for (&member, person) in &mut self.people {
            any |= person.ready.coins != 0;
            let over = person.lots.extract_if(.., |lot| lot.0 <= now);
            let lost: i64 = over.map(|lot| lot.1).sum();
            if lost != 0 {
                person.ready.coins -= lost;
                self.money.coins -= lost;
                self.touched.people.insert(member);
            }
        }
        self.coins_at = any.then(|| next_month(now));
        true
    }

    /// A member has coins that he can use.
    fn ready(&mut self, member: u32, purse: Purse) {
        if 0 < purse.coins {
            let month = next_month(self.ranks.now);
            self.coins_at.get_or_insert(month);
            let ends = (0..12).fold(month, |at, _| next_month(at));
            self.person(member).lots.push((ends, purse.coins));
        }
        self.person(member).ready.add(purse);
    }

    fn due_ranks(&mut self, now: i64) -> bool {
        let due = self.ranks.count_at.is_some_and(|at| at <= now);
        if due {
            self.ranks.count_at = None;
        }
        due
    }

    /// Something has changed that ranks depend on: they are counted at the next midnight of Shanghai.
    fn count_ranks(&mut self) {
        if self.ranks.any_kept && self.ranks.count_at.is_none() {
            let ahead = 8 * 3_600_000;
            let days = (self.ranks.now + ahead).div_euclid(DAY) + 1;
            self.ranks.count_at = Some(days * DAY - ahead);
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "most are never asked for")]
    fn decide(&mut self, command: &Command, now: i64, hint: &Hint) -> Outcome {
        match command {
            Command::RegisterMember { token, inviter } => {
                self.sign_up(*token, inviter.map(|inviter| inviter.0))
            }
            Command::PublishCampaign { campaign } => self.publish(campaign, now),
            Command::DepositCapital { amount } => self.deposit(amount.0),
            Command::OpenGroup { .. }
            | Command::JoinGroup { .. }
            | Command::LeaveGroup { .. }
            | Command::AcceptPayment { .. }
            | Command::JoinPaid { .. }
            | Command::BouncePayment { .. }
            | Command::CancelGroup { .. }
            | Command::VoidGroup { .. } => self.decide_seats(command, now),
            Command::SettleGroup { group, outcome } => {
                self.draw(group.0, outcome.winners(), hint.fits_freeze)
            }
            Command::ConfirmRefund { .. } => self.arrived(&hint.refund_of),
            Command::ShipOrder { order } => self.ship(order.0, now),
            Command::ReceiveOrder { order, member } => self.receive(order.0, member.0, now),
            Command::ReturnOrder { order, member } => self.send_home(order.0, member.0, now),
            Command::TakeBackOrder { order } => self.arrived_home(order.0),
            Command::Tick(_) => Outcome::nothing(Told::Done),
            Command::Withdraw { .. }
            | Command::ApproveWithdrawal { .. }
            | Command::RejectWithdrawal { .. }
            | Command::NotePayout { .. }
            | Command::ClawBack { .. } => self.decide_payouts(command, now),
            Command::Shop(command) => self.decide_market(command, now),
            Command::Alliance(command) => self.decide_alliance(command, now),
            // The model knows one plan, no ranks, regions or agents, nobody frozen and no merchants' campaigns: the simulator asks for
            // none of it.
            _ => {
                unreachable!("not asked for by the simulator")
            }
        }
    }

    /// The channel says that the money of this payment has gone back.
    fn arrived(&mut self, txn: &str) -> Outcome {
        let Some(back) = self.back.get_mut(txn).filter(|back| !back.paid) else {
            return refused("refund_unknown");
        };
        back.paid = true;
        self.money.channel += back.fee_back - back.amount;
        self.money.refunds_due -= back.amount;
        self.money.fees -= back.fee_back;
        Outcome::done(Told::Done)
    }

    /// Money is on its way back from now on.
    fn owe_back(&mut self, txn: &str, amount: i64, fee_back: i64) {
        self.money.refunds_due += amount;
        let back = Back {
            amount,
            fee_back,
            paid: false,
        };
        self.back.insert(txn.to_owned(), back);
    }

    /// A payment was seated or sent back: that happens to it once in its life.
    fn book(&mut self, txn: &str, room: Option<u64>) {
        if self.index.booked.insert(txn.to_owned(), room).is_some() {
            self.touched.twice.push(txn.to_owned());
        }
    }

    /// Whether a payment was ever seated or sent back: what the history shows.
    pub(crate) fn has_booked(&self, txn: &str) -> bool {
        self.index.booked.contains_key(txn)
    }

    /// Whether a group was open once and has ended.
    pub(crate) fn is_over(&self, room: u64) -> bool {
        self.rooms.get(&room).is_some_and(|room| !room.is_live())
    }

    pub(crate) fn open_rooms(&self) -> &BTreeSet<u64> {
        &self.index.open_rooms
    }

    /// Whether somebody has paid in a group.
    pub(crate) fn is_filling(&self, room: u64) -> bool {
        let mut places = self
            .rooms
            .get(&room)
            .into_iter()
            .flat_map(|room| room.places.values());
        places.any(|place| matches!(place.held, Held::Paid { .. }))
    }

    pub(crate) fn leader_of(&self, room: u64) -> Option<u32> {
        self.rooms.get(&room).map(|room| room.leader)
    }

    pub(crate) fn price_of(&self, room: u64) -> Option<i64> {
        self.offer_of(room).map(|offer| offer.group.price.0)
    }

    /// Members with a place in a group, held or not.
    pub(crate) fn members_of(&self, room: u64) -> impl Iterator<Item = u32> {
        let places = self.rooms.get(&room).into_iter();
        places.flat_map(|room| room.places.values().map(|place| place.member))
    }

    fn person(&mut self, number: u32) -> &mut Person {
        self.touched.people.insert(number);
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

/// The first midnight of Shanghai that begins a month after this moment. Counted on from 1970, month by month.
fn next_month(after: i64) -> i64 {
    let mut begins = -8 * 3_600_000;
    for month in 0.. {
        if after < begins {
            break;
        }
        let (year, month) = (1970 + month / 12, month % 12);
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            1 if leap => 29,
            1 => 28,
            3 | 5 | 8 | 10 => 30,
            _ => 31,
        };
        begins += days * DAY;
    }
    begins
}
