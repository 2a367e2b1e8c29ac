//! Home stores (rules 3.5 and 10.5): the store that first brought a member gets a share of what the platform earns on him elsewhere,
//! as long as the lock lasts.
//!
//! Why a member has one in his life: a share that the next store could take over would be fought for at the counter, and the
//! member would be asked to choose between people who serve him.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use minicbor::{Decode, Encode};

use super::{
    AllianceAccount, AllianceEvent, AllianceRefusal, COUNTER_REFUNDS, CashTaker, CounterId,
    CounterPaid, HomeShare, MerchantAccount,
};
use crate::{
    Account, Answer, Campaign, CampaignId, DAY_MS, Duration, Event, FilledSeat, GroupId, MemberId,
    MerchantId, Millis, Money, Order, OrderId, Overflow, Purchase, PurchaseId, Refusal, StoreId,
    World,
    settlement::{OriginShare, marked, origin_shares},
};

type Move<'a> = &'a mut dyn FnMut(Account, Account, i64) -> Result<(), Overflow>;

/// Longest lock that a contract can have, in days.
pub const MAX_LOCK_DAYS: u32 = 3_650;
/// Most shares of bills that become payable in one record; the others follow at once.
pub const MAX_SHARES_VESTED: usize = 10_000;

/// A member's home store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Home {
    /// Which.
    #[n(0)]
    pub store: StoreId,
    /// From this moment on it gets nothing more.
    #[n(1)]
    pub until: Millis,
}

/// What home stores get of one group, seat by seat.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct OriginShared {
    /// The group.
    #[n(0)]
    pub group: GroupId,
    /// In seat order.
    #[n(1)]
    pub shares: Vec<OriginPart>,
}

/// What the home store of one buyer gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct OriginPart {
    /// The buyer's seat.
    #[n(0)]
    pub seat: u32,
    /// Which store, whose, and how much.
    #[n(1)]
    pub share: HomeShare,
}

/// A buyer gave his product back, and his home store its share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct OriginReversed {
    /// The group.
    #[n(0)]
    pub group: GroupId,
    /// Which product.
    #[n(1)]
    pub order: OrderId,
    /// What it had got.
    #[n(2)]
    pub part: OriginPart,
}

/// The last return window of a group has closed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct OriginVested {
    /// The group.
    #[n(0)]
    pub group: GroupId,
    /// What becomes payable to each merchant, by number.
    #[n(1)]
    pub amounts: Vec<OriginAmount>,
}

/// What one merchant's stores get.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct OriginAmount {
    /// Who.
    #[n(0)]
    pub merchant: MerchantId,
    /// How much.
    #[n(1)]
    pub amount: Money,
}

/// What a home store gets of goods that the platform sold without a group, and that are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct PurchaseShared {
    /// Which goods.
    #[n(0)]
    pub purchase: PurchaseId,
    /// Who bought them.
    #[n(1)]
    pub member: MemberId,
    /// Which store, whose, and how much.
    #[n(2)]
    pub share: HomeShare,
}

/// Shares of bills at other stores' counters became payable to the merchant of home stores.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct CounterSharesVested {
    /// Whose home stores.
    #[n(0)]
    pub merchant: MerchantId,
    /// All of them together.
    #[n(1)]
    pub amount: Money,
    /// Of which bills.
    #[n(2)]
    pub counters: Vec<CounterId>,
}

/// A share that waits until its bill cannot be taken back any more, and until the store that took the cash, if it did, has settled what
/// it owes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct CounterShare {
    /// Whose home store.
    #[n(0)]
    pub merchant: MerchantId,
    /// How much.
    #[n(1)]
    pub amount: Money,
    /// Whose store was paid.
    #[n(2)]
    pub debtor: MerchantId,
    /// What he must settle until this is settled, the oldest debt first; not above zero once that is so, or where the platform has
    /// the cash.
    #[n(3)]
    pub ahead: Money,
    /// When the bill cannot be taken back any more.
    #[n(4)]
    pub until: Millis,
}

impl CounterShare {
    /// Nobody waits for what he owes himself: it is set off against this.
    fn is_ready(&self, now: Millis) -> bool {
        let is_settled = self.ahead <= Money::ZERO || self.debtor == self.merchant;
        is_settled && self.until <= now
    }
}

/// Shares that have become payable to one merchant, or as many of them as one record may tell of.
#[derive(Debug)]
pub(super) struct SharesReady {
    pub(super) vested: Option<CounterSharesVested>,
    pub(super) is_all: bool,
}

impl SharesReady {
    pub(super) fn amount(&self) -> Money {
        let vested = self.vested.as_ref();
        vested.map_or(Money::ZERO, |vested| vested.amount)
    }

    pub(super) fn count(&self) -> usize {
        let vested = self.vested.as_ref();
        vested.map_or(0, |vested| vested.counters.len())
    }
}

/// Everything of home stores. Empty until a member has one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Homes {
    /// Every member who ever had one.
    #[n(0)]
    members: BTreeMap<MemberId, Home>,
    /// What waits for return windows.
    #[n(1)]
    waiting: BTreeMap<GroupId, Vec<OriginPart>>,
    /// What waits for bills, and for stores that took their cash.
    #[cbor(n(2), default, skip_if = "BTreeMap::is_empty")]
    counters: BTreeMap<CounterId, CounterShare>,

    // Derived from the above; rebuilt when a snapshot is read.
    /// The same by whose home store it is.
    #[cbor(skip)]
    shares_of: BTreeSet<(MerchantId, CounterId)>,
    /// The same by whose store was paid.
    #[cbor(skip)]
    shares_by: BTreeSet<(MerchantId, CounterId)>,
}

/// All payments of one merchant after this one.
fn after(
    merchant: MerchantId,
    counter: Option<CounterId>,
) -> RangeInclusive<(MerchantId, CounterId)> {
    let first = counter.map_or(0, |counter| counter.0.saturating_add(1));
    (merchant, CounterId(first))..=(merchant, CounterId(u64::MAX))
}

impl Homes {
    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty() && self.waiting.is_empty() && self.counters.is_empty()
    }

    /// Whether shares of bills wait.
    pub(super) fn waits_at_counters(&self) -> bool {
        !self.counters.is_empty()
    }

    fn insert_counter(&mut self, counter: CounterId, share: CounterShare) {
        self.shares_of.insert((share.merchant, counter));
        self.shares_by.insert((share.debtor, counter));
        self.counters.insert(counter, share);
    }

    /// Whether it was there.
    pub(super) fn forget_counter(&mut self, counter: CounterId) -> bool {
        let Some(share) = self.counters.remove(&counter) else {
            return false;
        };
        self.shares_of.remove(&(share.merchant, counter));
        self.shares_by.remove(&(share.debtor, counter))
    }

    /// A merchant owes so much less: of what came before all of his bills, or before those after this one.
    pub(super) fn owes_less(&mut self, debtor: MerchantId, less: Money, since: Option<CounterId>) {
        if !less.is_positive() {
            return;
        }
        for (_, counter) in self.shares_by.range(after(debtor, since)) {
            if let Some(share) = self.counters.get_mut(counter) {
                share.ahead.0 = share.ahead.0.saturating_sub(less.0);
            }
        }
    }
}

impl CounterSharesVested {
    pub(super) fn lines(&self, move_money: Move<'_>) -> Result<(), Overflow> {
        let of = |account| Account::Merchant(account, self.merchant);
        move_money(
            of(MerchantAccount::Payable),
            of(MerchantAccount::Vesting),
            self.amount.0,
        )
    }
}

impl OriginShared {
    pub(super) fn lines(&self, move_money: Move<'_>) -> Result<(), Overflow> {
        for part in &self.shares {
            let waits = Account::Merchant(MerchantAccount::Vesting, part.share.merchant);
            let shares = Account::Alliance(AllianceAccount::OriginShares);
            move_money(waits, shares, part.share.amount.0)?;
        }
        Ok(())
    }
}

impl PurchaseShared {
    pub(super) fn lines(&self, move_money: Move<'_>) -> Result<(), Overflow> {
        let payable = Account::Merchant(MerchantAccount::Payable, self.share.merchant);
        let shares = Account::Alliance(AllianceAccount::OriginShares);
        move_money(payable, shares, self.share.amount.0)
    }
}

impl OriginReversed {
    pub(super) fn lines(&self, move_money: Move<'_>) -> Result<(), Overflow> {
        let waits = Account::Merchant(MerchantAccount::Vesting, self.part.share.merchant);
        let shares = Account::Alliance(AllianceAccount::OriginShares);
        move_money(shares, waits, self.part.share.amount.0)
    }
}

impl OriginVested {
    pub(super) fn lines(&self, move_money: Move<'_>) -> Result<(), Overflow> {
        for part in &self.amounts {
            let of = |account| Account::Merchant(account, part.merchant);
            move_money(
                of(MerchantAccount::Payable),
                of(MerchantAccount::Vesting),
                part.amount.0,
            )?;
        }
        Ok(())
    }
}

/// What becomes payable of shares, by merchant.
fn by_merchant<'a>(parts: impl Iterator<Item = &'a OriginPart>) -> Vec<OriginAmount> {
    let mut sums = BTreeMap::<MerchantId, i64>::new();
    for part in parts {
        let sum = sums.entry(part.share.merchant).or_default();
        *sum = sum.saturating_add(part.share.amount.0);
    }
    let amount = |(merchant, amount)| OriginAmount {
        merchant,
        amount: Money(amount),
    };
    sums.into_iter().map(amount).collect()
}

/// Hot reads.
impl World {
    /// The store that brought a member, and until when it has its share; also where that is over.
    pub fn home(&self, member: MemberId) -> Option<Home> {
        self.homes.members.get(&member).copied()
    }

    /// Shares of bills that wait, by bill.
    pub fn counter_shares(&self) -> impl Iterator<Item = (CounterId, &CounterShare)> {
        let waiting = self.homes.counters.iter();
        waiting.map(|(&counter, share)| (counter, share))
    }

    /// How many members ever had a home store.
    pub fn homes(&self) -> u64 {
        u64::try_from(self.homes.members.len()).unwrap_or(u64::MAX)
    }

    /// His home store at this moment.
    fn home_store(&self, member: MemberId, now: Millis) -> Option<StoreId> {
        let home = self.homes.members.get(&member)?;
        (now < home.until).then_some(home.store)
    }

    /// What is recorded with a seat of a group that fills: his home store, unless the campaign is that store's merchant's.
    pub(crate) fn seat_home(
        &self,
        (campaign, terms): (CampaignId, &Campaign),
        member: MemberId,
        now: Millis,
    ) -> Option<StoreId> {
        if self.homes.is_empty() || terms.origin_share.is_none() {
            return None;
        }
        let store = self.home_store(member, now)?;
        let (merchant, _) = self.store(store)?;
        (self.merchant_of(campaign) != Some(merchant)).then_some(store)
    }

    /// What the home store of a member gets of what the platform earns on him at another store's counter.
    pub(super) fn counter_home(
        &self,
        (store, member): (StoreId, MemberId),
        take: Money,
        now: Millis,
    ) -> Result<Option<HomeShare>, Overflow> {
        if self.homes.is_empty() {
            return Ok(None);
        }
        match self.home_store(member, now).filter(|home| *home != store) {
            Some(home) => self.contract_share(home, take),
            None => Ok(None),
        }
    }

    /// What its merchant's contract gives a home store of a take; nothing under a profile without origin shares, whatever was
    /// signed under another.
    fn contract_share(&self, store: StoreId, take: Money) -> Result<Option<HomeShare>, Overflow> {
        if !self.allows_origin_share() {
            return Ok(None);
        }
        let Some((merchant, _)) = self.store(store) else {
            return Ok(None);
        };
        let contract = self.merchant(merchant).map(|known| known.contract);
        let Some(rate) = contract.and_then(|contract| contract.origin_share) else {
            return Ok(None);
        };
        let amount = take.share(rate)?;
        Ok(amount.is_positive().then_some(HomeShare {
            store,
            merchant,
            amount,
        }))
    }

    /// Goods of the platform's own are kept, and nobody gives them back any more. What was paid in coins the platform has not
    /// earned; what the goods cost it has paid, also where they had come back from somebody else.
    pub(crate) fn decide_purchase_shared(
        &self,
        (id, of): (PurchaseId, &Purchase),
        now: Millis,
        events: &mut Vec<Event>,
    ) {
        if self.homes.is_empty() || of.gift_of.is_some() {
            return;
        }
        let Some(store) = self.home_store(of.member, now) else {
            return;
        };
        let each = self.unit_cost(of.sku);
        let take = each
            .times(of.own)
            .and_then(|again| of.cash().minus(of.cost)?.minus(again));
        // Cannot fail: all of them are parts of amounts that were counted when the goods were paid.
        let Ok(Some(share)) = take.and_then(|take| self.contract_share(store, take)) else {
            return;
        };
        events.push(Event::Alliance(AllianceEvent::PurchaseShared(
            PurchaseShared {
                purchase: id,
                member: of.member,
                share,
            },
        )));
    }
}

impl World {
    /// Once in a member's life. The same store again changes nothing.
    pub(super) fn decide_bind_home(
        &self,
        member: MemberId,
        store: StoreId,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<Option<Answer>, Refusal> {
        if self.require_member(member)?.frozen {
            return Err(Refusal::MemberFrozen(member));
        }
        let whose = self.store(store);
        let (merchant, _) = whose.ok_or(AllianceRefusal::UnknownStore(store))?;
        if let Some(home) = self.home(member) {
            if home.store == store && now < home.until {
                return Ok(Some(Answer::Done));
            }
            return Err(AllianceRefusal::HomeBound(member).into());
        }
        let contract = self.alliance.active_contract(merchant)?;
        let days = contract.lock_days.filter(|days| 0 < *days);
        let days = days.ok_or(AllianceRefusal::HomeClosed(store))?;
        let until = now.after(Duration(i64::from(days).saturating_mul(DAY_MS)));
        events.push(Event::Alliance(AllianceEvent::HomeBound {
            member,
            store,
            until,
        }));
        Ok(None)
    }

    pub(super) fn decide_end_home(
        &self,
        member: MemberId,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<Option<Answer>, Refusal> {
        self.require_member(member)?;
        match self.home_store(member, now) {
            None => Ok(Some(Answer::Done)),
            Some(store) => {
                events.push(Event::Alliance(AllianceEvent::HomeEnded { member, store }));
                Ok(None)
            }
        }
    }

    /// A group has just been settled with these seats.
    pub(crate) fn decide_origin(
        &self,
        terms: &Campaign,
        seats: &[FilledSeat],
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        if terms.origin_share.is_none() || seats.iter().all(|seat| seat.home_store.is_none()) {
            return Ok(());
        }
        let settled = events.iter().rev().find_map(|event| {
            let Event::GroupSettled(settled) = event else {
                return None;
            };
            Some(settled)
        });
        let Some(settled) = settled else {
            return Ok(());
        };
        let won = marked(seats, &settled.winners)?;
        let winners = u32::try_from(settled.winners.len()).map_err(|_| Overflow)?;
        let group = settled.group;
        let shares = origin_shares(terms.case(winners), seats, &won)?;
        let part = |share: OriginShare| {
            let (merchant, _) = self.store(share.store)?;
            Some(OriginPart {
                seat: share.source_seat,
                share: HomeShare {
                    store: share.store,
                    merchant,
                    amount: share.cash,
                },
            })
        };
        let shares: Vec<OriginPart> = shares.into_iter().filter_map(part).collect();
        if !shares.is_empty() {
            let shared = OriginShared { group, shares };
            events.push(Event::Alliance(AllianceEvent::OriginShared(shared)));
        }
        Ok(())
    }

    /// A product has come back: what its buyer's home store got of it goes back, too.
    pub(crate) fn decide_origin_back(&self, (id, order): (OrderId, &Order)) -> Option<Event> {
        let waiting = self.homes.waiting.get(&order.group)?;
        let part = waiting.iter().find(|part| part.seat == order.seat)?;
        let reversed = OriginReversed {
            group: order.group,
            order: id,
            part: *part,
        };
        Some(Event::Alliance(AllianceEvent::OriginReversed(reversed)))
    }

    /// What was had at a table is kept the moment it is paid, so nothing waits.
    pub(crate) fn decide_origin_served(&self, group: GroupId, events: &mut Vec<Event>) {
        let shared = events.iter().find_map(|event| {
            let Event::Alliance(AllianceEvent::OriginShared(shared)) = event else {
                return None;
            };
            (shared.group == group).then_some(shared)
        });
        if let Some(shared) = shared {
            let amounts = by_merchant(shared.shares.iter());
            let vested = OriginVested { group, amounts };
            events.push(Event::Alliance(AllianceEvent::OriginVested(vested)));
        }
    }

    /// The group's last return window closes, or its last product is back with these events.
    pub(super) fn decide_origin_vested(&self, group: GroupId, events: &mut Vec<Event>) {
        let Some(waiting) = self.homes.waiting.get(&group) else {
            return;
        };
        let last = self.vesting.get(&group);
        if last.is_none_or(|waiting| waiting.open_orders != 1) {
            return;
        }
        let gone = events.iter().find_map(|event| {
            let Event::Alliance(AllianceEvent::OriginReversed(back)) = event else {
                return None;
            };
            (back.group == group).then_some(back.part.seat)
        });
        let rest = waiting.iter().filter(|part| Some(part.seat) != gone);
        let amounts = by_merchant(rest);
        let vested = OriginVested { group, amounts };
        events.push(Event::Alliance(AllianceEvent::OriginVested(vested)));
    }

    /// Shares of a merchant's home stores that nothing stands against any more, at most so many.
    pub(super) fn counter_shares_ready(
        &self,
        merchant: MerchantId,
        now: Millis,
        most: usize,
    ) -> SharesReady {
        let mut ready = CounterSharesVested {
            merchant,
            amount: Money::ZERO,
            counters: Vec::new(),
        };
        let mut is_all = true;
        for &(_, counter) in self.homes.shares_of.range(after(merchant, None)) {
            let share = self.homes.counters.get(&counter);
            let Some(share) = share.filter(|share| share.is_ready(now)) else {
                continue;
            };
            if most <= ready.counters.len() {
                is_all = false;
                break;
            }
            ready.amount.0 = ready.amount.0.saturating_add(share.amount.0);
            ready.counters.push(counter);
        }
        SharesReady {
            vested: (!ready.counters.is_empty()).then_some(ready),
            is_all,
        }
    }

    /// A bill is paid, and the home store's share waits. The lines of the payment follow.
    pub(super) fn home_waits_for(&mut self, paid: &CounterPaid) {
        let (Some(home), true) = (paid.home, paid.home_waits) else {
            return;
        };
        let debtor = paid.merchant;
        let owes = self
            .alliance
            .merchant_balance(MerchantAccount::Owes, debtor);
        let take = paid.take().unwrap_or(Money::ZERO);
        let before = owes.saturating_add(self.setting_off(debtor).0);
        let ahead = match paid.cash {
            CashTaker::Store => before.saturating_add(take.0),
            CashTaker::Platform => 0,
        };
        let share = CounterShare {
            merchant: home.merchant,
            amount: home.amount,
            debtor,
            ahead: Money(ahead),
            until: self.now.after(COUNTER_REFUNDS),
        };
        self.homes.insert_counter(paid.counter, share);
    }

    pub(super) fn apply_counter_shares(&mut self, vested: &CounterSharesVested) {
        for counter in &vested.counters {
            if !self.homes.forget_counter(*counter) {
                self.corrupt("a share of a bill becomes payable that does not wait");
            }
        }
    }

    /// Derives what a snapshot does not hold.
    pub(crate) fn rebuild_homes(&mut self) {
        let waiting = std::mem::take(&mut self.homes.counters);
        for (counter, share) in waiting {
            self.homes.insert_counter(counter, share);
        }
    }

    pub(super) fn apply_home_bound(&mut self, member: MemberId, home: Home) {
        self.homes.members.insert(member, home);
    }

    pub(super) fn apply_home_ended(&mut self, member: MemberId) {
        let now = self.now;
        if let Some(home) = self.homes.members.get_mut(&member) {
            home.until = now;
        }
    }

    pub(super) fn apply_origin_shared(&mut self, shared: &OriginShared) {
        self.homes
            .waiting
            .insert(shared.group, shared.shares.clone());
    }

    pub(super) fn apply_origin_reversed(&mut self, reversed: &OriginReversed) {
        if let Some(waiting) = self.homes.waiting.get_mut(&reversed.group) {
            waiting.retain(|part| part.seat != reversed.part.seat);
        }
    }

    pub(super) fn apply_origin_vested(&mut self, group: GroupId) {
        self.homes.waiting.remove(&group);
    }

    /// What waits for each merchant, of home stores' shares.
    pub(super) fn origin_waiting(&self, found: &mut Vec<String>) -> BTreeMap<MerchantId, i64> {
        let mut waiting = BTreeMap::<MerchantId, i64>::new();
        for (group, parts) in &self.homes.waiting {
            for amount in by_merchant(parts.iter()) {
                let sum = waiting.entry(amount.merchant).or_default();
                *sum = sum.saturating_add(amount.amount.0);
            }
            if !self.vesting.contains_key(group) {
                found.push(format!(
                    "home stores' shares of group {group} wait for no order"
                ));
            }
        }
        let mut derived = Homes::default();
        for (counter, share) in self.counter_shares() {
            derived.insert_counter(counter, *share);
        }
        let (homes, shares) = (&self.homes, &derived);
        if (&shares.shares_of, &shares.shares_by) != (&homes.shares_of, &homes.shares_by) {
            found.push("shares of bills are kept as others'".to_owned());
        }
        for share in self.homes.counters.values() {
            let sum = waiting.entry(share.merchant).or_default();
            *sum = sum.saturating_add(share.amount.0);
        }
        for (member, home) in &self.homes.members {
            if self.member_ref(*member).is_none() || self.store(home.store).is_none() {
                found.push(format!("member {member} has an impossible home store"));
            }
        }
        waiting
    }
}
