//! Home stores (rules 3.5 and 10.5): who has one and until when, and what each gets, counted again from contracts, campaigns and
//! seats.

use std::collections::BTreeMap;

use domain::{
    AllianceEvent, Campaign, CampaignId, CashTaker, CounterId, CounterPaid, Event, FilledSeat,
    GroupId, GroupSettled, Home, HomeShare, MemberId, MerchantId, Millis, Money, OrderId,
    OriginPart, OriginVested, PurchaseId, PurchaseShared, ShopEvent, StoreId, World,
};

use super::counters::part;
use super::{At, Trail};
use crate::audit::Findings;

const DAY_MS: i64 = 86_400_000;
/// Most shares of bills that become payable in one record.
const SHARES_AT_ONCE: usize = 10_000;

/// What is known of home stores.
#[derive(Debug, Default)]
pub(super) struct Book {
    members: BTreeMap<MemberId, Home>,
    /// What waits for return windows.
    waiting: BTreeMap<GroupId, Vec<OriginPart>>,
    /// What waits for bills: the share, who owes, how much he must settle, and until when it can be undone.
    counters: BTreeMap<CounterId, (HomeShare, (MerchantId, i64, Millis))>,
    /// Whether a share has waited where the store took the cash, and where the platform did: earlier versions let none wait.
    has_waited: (bool, bool),
    /// Of whom shares became payable last, in which record, and how many.
    vested: Option<(u64, MerchantId, usize)>,
    /// What must come next, perhaps after what is the merchant's.
    next: Option<Next>,
}

impl Book {
    pub(super) fn waits(
        &mut self,
        counter: CounterId,
        share: HomeShare,
        debt: (MerchantId, i64, Millis),
    ) {
        self.counters.insert(counter, (share, debt));
    }

    /// Once one share has waited, all do.
    pub(super) fn waits_rightly(&mut self, paid: &CounterPaid) -> bool {
        if paid.home.is_none() {
            return !paid.home_waits;
        }
        let (store, platform) = &mut self.has_waited;
        let must = match paid.cash {
            CashTaker::Store => *store,
            CashTaker::Platform => *platform,
        };
        // The platform's came later.
        *store |= paid.home_waits;
        *platform |= paid.home_waits && paid.cash == CashTaker::Platform;
        paid.home_waits || !must
    }

    /// Whether a share of a merchant's home stores still waits though nothing stands against it. What he owes himself is left out: an
    /// earlier version let it wait.
    pub(super) fn is_left_out(&self, merchant: MerchantId, at: At) -> bool {
        let many = Some((at.0, merchant, SHARES_AT_ONCE));
        let mut waiting = self.counters.values();
        self.vested != many
            && waiting.any(|(share, (_, ahead, until))| {
                share.merchant == merchant && *ahead <= 0 && *until <= at.1
            })
    }

    pub(super) fn forget_counter(&mut self, counter: CounterId) {
        self.counters.remove(&counter);
    }

    /// A merchant owes so much less, of what came before all of his bills or before those after this one.
    pub(super) fn owes_less(&mut self, debtor: MerchantId, less: i64, since: Option<CounterId>) {
        for (counter, (_, (who, ahead, _))) in &mut self.counters {
            if *who == debtor && since.is_none_or(|since| since < *counter) {
                *ahead -= less;
            }
        }
    }
}

#[derive(Debug)]
enum Next {
    Shared(GroupId, Vec<OriginPart>),
    Reversed(GroupId, OrderId, OriginPart),
    Purchase(PurchaseShared),
}

impl Next {
    fn is(&self, event: &Event) -> bool {
        let Event::Alliance(event) = event else {
            return false;
        };
        match self {
            Next::Shared(group, shares) => {
                matches!(event, AllianceEvent::OriginShared(shared) if shared.group == *group && shared.shares == *shares)
            }
            Next::Reversed(group, order, part) => {
                matches!(event, AllianceEvent::OriginReversed(back) if (back.group, back.order, back.part) == (*group, *order, *part))
            }
            Next::Purchase(shared) => {
                matches!(event, AllianceEvent::PurchaseShared(told) if told == shared)
            }
        }
    }

    fn what(&self) -> String {
        match self {
            Next::Shared(group, _) => {
                format!("home stores of group {group} do not get what its campaign says")
            }
            Next::Reversed(_, order, _) => {
                format!("a home store does not give back what it got of order {order}")
            }
            Next::Purchase(shared) => {
                let purchase = shared.purchase;
                format!("a home store does not get its share of purchase {purchase}")
            }
        }
    }
}

impl Trail {
    /// Holds an event against what had to come, and takes note of it.
    pub(super) fn homes_follow(&mut self, at: At, event: &Event, findings: &mut Findings) {
        let between = matches!(
            event,
            Event::Alliance(AllianceEvent::GroupSold(_) | AllianceEvent::SaleReversed(_))
        );
        let is_share = matches!(
            event,
            Event::Alliance(
                AllianceEvent::OriginShared(_)
                    | AllianceEvent::OriginReversed(_)
                    | AllianceEvent::PurchaseShared(_)
            )
        );
        if !between {
            let next = self.homes.next.take();
            let right = next.as_ref().map_or(!is_share, |next| next.is(event));
            findings.unless(right, at.0, || {
                next.map_or_else(
                    || "a home store gets or gives back a share of nothing".to_owned(),
                    |next| next.what(),
                )
            });
        }
        if let Event::Alliance(event) = event {
            self.home_event(at, event, findings);
        }
        if let Event::Shop(
            ShopEvent::PurchaseKept { purchase }
            | ShopEvent::PurchaseRedeemed {
                purchase,
                kept_at: None,
                ..
            },
        ) = event
        {
            self.homes.next = self.purchase_share(*purchase, at.1).map(Next::Purchase);
        }
    }

    /// What the home store of somebody who keeps what he bought gets of it.
    fn purchase_share(&self, purchase: PurchaseId, now: Millis) -> Option<PurchaseShared> {
        let of = self.shop.open(purchase)?;
        let home = self.homes.members.get(&of.member)?;
        if home.until <= now {
            return None;
        }
        let merchant = self.store_merchant(home.store)?;
        let rate = self.newest_contract(merchant)?.origin_share?;
        let again = i64::from(of.own) * self.shop.cost_each(of.sku)?.0;
        let amount = part(of.bill.0 - of.coins.0 - of.cost.0 - again, rate.0);
        (0 < amount).then_some(PurchaseShared {
            purchase,
            member: of.member,
            share: HomeShare {
                store: home.store,
                merchant,
                amount: Money(amount),
            },
        })
    }

    fn home_event(&mut self, at: At, event: &AllianceEvent, findings: &mut Findings) {
        if let AllianceEvent::HomeBound {
            member,
            store,
            until,
        } = event
        {
            let days = self
                .store_merchant(*store)
                .and_then(|merchant| self.open_contract(*store, merchant))
                .and_then(|contract| contract.lock_days);
            let ends = days.map(|days| Millis(at.1.0 + i64::from(days) * DAY_MS));
            let may = self.person(*member).is_some() && !self.is_frozen(*member);
            let (store, until) = (*store, *until);
            let first = self.homes.members.insert(*member, Home { store, until });
            findings.unless(may && first.is_none() && ends == Some(until), at.0, || {
                format!("member {member} gets a home store against its contract, or a second one")
            });
        }
        if let AllianceEvent::HomeEnded { member, store } = event {
            let home = self.homes.members.get_mut(member);
            let right = home.is_some_and(|home| {
                let before = std::mem::replace(&mut home.until, at.1);
                home.store == *store && at.1 < before
            });
            findings.unless(right, at.0, || {
                format!("member {member} ends a home store that he has not")
            });
        }
        if let AllianceEvent::OriginShared(shared) = event {
            self.homes
                .waiting
                .insert(shared.group, shared.shares.clone());
        }
        if let AllianceEvent::OriginReversed(back) = event
            && let Some(waiting) = self.homes.waiting.get_mut(&back.group)
        {
            waiting.retain(|part| part.seat != back.part.seat);
        }
        if let AllianceEvent::OriginVested(vested) = event {
            self.origin_vested(at, vested, findings);
        }
        if let AllianceEvent::CounterSharesVested(vested) = event {
            let mut sum = 0;
            let right = vested.counters.iter().all(|counter| {
                let known = self.homes.counters.remove(counter);
                known.is_some_and(|(share, (debtor, ahead, until))| {
                    sum += share.amount.0;
                    let settled = ahead <= 0 || debtor == vested.merchant;
                    share.merchant == vested.merchant && settled && until <= at.1
                })
            });
            let count = vested.counters.len();
            self.homes.vested = Some((at.0, vested.merchant, count));
            let right = right && count <= SHARES_AT_ONCE;
            findings.unless(right && sum == vested.amount.0, at.0, || {
                let merchant = vested.merchant;
                format!("shares of home stores of merchant {merchant} become payable that did not wait, or too early")
            });
        }
    }

    fn origin_vested(&mut self, at: At, vested: &OriginVested, findings: &mut Findings) {
        let group = vested.group;
        let open = self
            .vesting
            .get(&group)
            .map_or(0, |known| known.open_orders);
        let waiting = self.homes.waiting.remove(&group);
        let mut sums = BTreeMap::<MerchantId, i64>::new();
        for part in waiting.iter().flatten() {
            *sums.entry(part.share.merchant).or_default() += part.share.amount.0;
        }
        let told: BTreeMap<_, _> = vested
            .amounts
            .iter()
            .map(|part| (part.merchant, part.amount.0))
            .collect();
        let right =
            open == 0 && waiting.is_some() && told == sums && vested.amounts.len() == told.len();
        findings.unless(right, at.0, || {
            format!("home stores' shares of group {group} become payable that did not wait, or too early")
        });
    }

    /// The home store that must stand with a seat.
    pub(super) fn seat_home(
        &self,
        campaign: Option<CampaignId>,
        terms: &Campaign,
        (member, now): (MemberId, Millis),
    ) -> Option<StoreId> {
        terms.origin_share?;
        let home = self.homes.members.get(&member)?;
        let merchant = self.store_merchant(home.store)?;
        let own = campaign.and_then(|campaign| self.merchant_of_campaign(campaign));
        (now < home.until && own != Some(merchant)).then_some(home.store)
    }

    /// What must follow a settlement.
    pub(super) fn note_origin(&mut self, settled: &GroupSettled, seats: &[FilledSeat]) {
        let group = settled.group;
        let Some(terms) = self.campaign(group).map(|known| &known.terms) else {
            return;
        };
        let Some(share) = terms.origin_share else {
            return;
        };
        let take = match terms.merchant {
            Some(merchant) => part(terms.group.price.0, merchant.commission.0),
            None => (terms.group.price.0 - terms.product.cost.0).max(0),
        };
        let amount = Money(part(take, share.0));
        let buys = |seat: u32| settled.everyone_buys || settled.winners.contains(&seat);
        let shares: Vec<OriginPart> = (0u32..)
            .zip(seats)
            .filter(|(number, _)| amount.is_positive() && buys(*number))
            .filter_map(|(number, seat)| {
                let store = seat.home_store?;
                let merchant = self.store_merchant(store)?;
                Some(OriginPart {
                    seat: number,
                    share: HomeShare {
                        store,
                        merchant,
                        amount,
                    },
                })
            })
            .collect();
        if !shares.is_empty() {
            self.homes.next = Some(Next::Shared(group, shares));
        }
    }

    /// What must follow a return.
    pub(super) fn note_origin_back(&mut self, group: GroupId, order: OrderId, seat: u32) {
        let waiting = self.homes.waiting.get(&group);
        let part = waiting.and_then(|parts| parts.iter().find(|part| part.seat == seat));
        if let Some(part) = part {
            self.homes.next = Some(Next::Reversed(group, order, *part));
        }
    }

    /// What the home store of somebody who pays a bill gets of it.
    pub(super) fn counter_home(&self, paid: &CounterPaid, now: Millis) -> Option<HomeShare> {
        let home = self.homes.members.get(&paid.member)?;
        if home.until <= now || home.store == paid.store {
            return None;
        }
        let merchant = self.store_merchant(home.store)?;
        let share = self.newest_contract(merchant)?.origin_share?;
        let amount = part(paid.kept.0 - paid.coins.0, share.0);
        (0 < amount).then_some(HomeShare {
            store: home.store,
            merchant,
            amount: Money(amount),
        })
    }

    /// What must not be left over at the end.
    pub(super) fn homes_finish(&self, findings: &mut Findings) {
        if let Some(next) = &self.homes.next {
            findings.add(next.what());
        }
        for group in self.homes.waiting.keys() {
            let open = self.vesting.get(group).map_or(0, |known| known.open_orders);
            if open == 0 {
                findings.add(format!(
                    "group {group}: all orders are kept or back, but home stores' shares are not payable"
                ));
            }
        }
    }

    /// Against the replayed world.
    pub(super) fn compare_homes(&self, world: &World, findings: &mut Findings) {
        if u64::try_from(self.homes.members.len()) != Ok(world.homes()) {
            findings.add("other home stores after the replay than by the events");
        }
        for (member, home) in &self.homes.members {
            if world.home(*member) != Some(*home) {
                findings.add(format!(
                    "the home store of member {member} is another after the replay than by the events"
                ));
            }
        }
        let told = self.homes.counters.iter();
        let told = told.map(|(counter, (share, (debtor, ahead, until)))| {
            (
                *counter,
                (share.merchant, share.amount),
                (*debtor, *ahead, *until),
            )
        });
        let replayed = world.counter_shares().map(|(counter, share)| {
            let debt = (share.debtor, share.ahead.0, share.until);
            (counter, (share.merchant, share.amount), debt)
        });
        if !replayed.eq(told) {
            findings.add("shares of bills that wait after the replay are not those of the events");
        }
    }
}
