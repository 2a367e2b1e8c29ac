//! A second account of a history: follows the world's events for what has happened, and counts every amount that must follow
//! from it by the oracle and by the rules of 9, without asking the world. What the events say must be what is counted.

mod returning;
mod settling;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use domain::{
    Account, AllianceEvent, BallotEvent, Campaign, CampaignId, DividendShare, Event,
    MerchantAccount, Millis, PaymentId, RecordRef, Risen, SeatRef, TableBill, TableEvent,
};

use super::life::{Life, Printed};
use super::town::Town;
use crate::crowd::Crowd;
use crate::file::Plan;

/// A campaign as the world and as the oracle read it; a table's has a number of its own.
#[derive(Clone, Debug)]
pub(crate) struct Offer {
    pub(crate) text: String,
    pub(crate) plan: Plan,
    pub(crate) terms: Campaign,
    /// Whose it is, if a merchant's.
    pub(crate) merchant: Option<usize>,
}

/// What one member has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Purse {
    pub(crate) available: i128,
    pub(crate) vesting: i128,
    pub(crate) coins: i128,
    pub(crate) vesting_coins: i128,
}

/// A group that is not over.
#[derive(Debug, Default)]
struct Open {
    campaign: u32,
    /// The seats taken, in the order in which they were: reservation and member.
    seats: Vec<(u32, usize)>,
    vias: BTreeMap<u32, usize>,
    /// What the channel took of each payment that holds a seat.
    fees: BTreeMap<u32, i128>,
    /// As it stood when the group filled, with everybody's number by row.
    frozen: Option<(Crowd, Vec<usize>)>,
    /// Ballots: seats whose right is over.
    lapsed: BTreeSet<usize>,
}

/// What must follow in the same record.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Follows {
    /// Group, sales, commission, fees, rewards, due.
    Sold(u64, [i128; 5]),
    /// Group; seat, store, merchant, cash.
    Shared(u64, Vec<(usize, usize, usize, i128)>),
    /// Group; member, cash, coins, tax.
    Vested(u64, Vec<(usize, i128, i128, i128)>),
    /// Group; amount, commission, fee, rewards, from sales, owed.
    SaleBack(u64, [i128; 6]),
    /// Group, seat, cash.
    OriginBack(u64, usize, i128),
    /// Group, merchant, amount.
    SaleVested(u64, usize, i128),
    /// Group; merchant, amount.
    OriginVested(u64, Vec<(usize, i128)>),
    /// Plan.
    Dividends(usize),
}

/// What was met on the way, so that a generator that stops reaching a rule is noticed.
#[derive(Debug, Default)]
pub(crate) struct Tally(pub(crate) BTreeMap<String, u64>);

impl Tally {
    pub(crate) fn add(&mut self, what: impl Into<String>, times: u64) {
        *self.0.entry(what.into()).or_default() += times;
    }

    pub(crate) fn of(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or(0)
    }

    pub(crate) fn take(&mut self, other: &Tally) {
        for (what, times) in &other.0 {
            self.add(what.clone(), *times);
        }
    }
}

#[derive(Default)]
pub(crate) struct Book {
    pub(crate) town: Town,
    pub(crate) offers: BTreeMap<u32, Rc<Offer>>,
    printed: BTreeMap<(u32, usize), Rc<Printed>>,
    open: BTreeMap<u64, Open>,
    pub(crate) lives: BTreeMap<u64, Life>,
    orders: BTreeMap<u64, u64>,
    /// Refunds of what a group was settled with, or of what came back later.
    refunds: BTreeMap<u64, u64>,
    pub(crate) purses: Vec<Purse>,
    pub(crate) tax: i128,
    pub(crate) suppliers: i128,
    follows: Vec<Follows>,
    /// Orders that buyers have got since the driver looked last.
    pub(crate) bought: Vec<(u64, u64, usize)>,
    /// Plans whose pool was closed since the driver looked last, with the end of the period.
    pub(crate) closed: Vec<(usize, i64)>,
    pub(crate) tally: Tally,
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap()
}

fn plan_index(plan: u32) -> usize {
    index(plan) - 1
}

impl Offer {
    /// The same with a table's bill and guests.
    fn at_table(&self, bill: TableBill) -> Offer {
        let mut offer = self.clone();
        offer.plan.price = bill.bill.0.into();
        offer.plan.seats = bill.seats.into();
        offer.terms = self.terms.at_table(bill);
        offer
    }
}

impl Book {
    /// Follows one record.
    pub(crate) fn record(&mut self, record: RecordRef<'_>) {
        for event in record.events {
            self.told(event);
            self.event(event, record.at);
        }
        assert_eq!(self.follows, [], "did not follow");
    }

    /// Whether no group is open or full, and no order's return window.
    pub(crate) fn is_over(&self) -> bool {
        self.open.is_empty() && self.orders.is_empty()
    }

    /// Who has the seats of a group that is not over.
    pub(crate) fn members_of(&self, group: u64) -> Vec<usize> {
        let seats = self.open[&group].seats.iter();
        seats.map(|&(_, member)| member).collect()
    }

    /// Its reservations that hold a seat.
    pub(crate) fn places_of(&self, group: u64) -> Vec<u32> {
        let seats = self.open[&group].seats.iter();
        seats.map(|&(index, _)| index).collect()
    }

    /// What of merchants' sales and home stores' shares waits for return windows.
    pub(crate) fn merchants_wait(&self) -> i128 {
        let waits = |life: &Life| {
            let origins: i128 = life.origins.iter().map(|one| one.cash).sum();
            origins + life.sale.unwrap_or(0)
        };
        self.lives.values().map(waits).sum()
    }

    pub(crate) fn offer_of(&self, group: u64) -> &Rc<Offer> {
        &self.offers[&self.open[&group].campaign]
    }

    fn follow(&mut self, seen: &Follows) {
        let at = self.follows.iter().position(|follows| follows == seen);
        let Some(at) = at else {
            panic!("{seen:?} happened, what must follow is {:?}", self.follows);
        };
        self.follows.remove(at);
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "what else happens changes nothing that is counted here"
    )]
    fn event(&mut self, event: &Event, at: Millis) {
        match event {
            Event::DividendClosed { plan, .. } | Event::DividendsPaid { plan, .. } => {
                self.dividend(plan_index(*plan), event);
            }
            Event::WithdrawalRequested { member, amount, .. } => {
                self.purse(member.0).available -= i128::from(amount.0);
            }
            Event::WithdrawalRejected { member, amount, .. } => {
                self.purse(member.0).available += i128::from(amount.0);
            }
            Event::ClawedBack {
                member,
                amount,
                short,
                ..
            } => {
                let purse = self.purse(member.0);
                let below = (i128::from(amount.0) - purse.available.max(0)).max(0);
                assert_eq!(i128::from(short.0), below);
                purse.available -= i128::from(amount.0);
                self.tally.add("clawed back", 1);
                self.tally
                    .add("clawed back below zero", u64::from(short.is_positive()));
            }
            Event::OrderKept { order } => self.kept(order.0),
            Event::OrderReturned { .. } => self.returned(event),
            Event::RewardsVested { group, amounts } => self.vested(group.0, amounts),
            Event::RefundPaid { .. } => {}
            Event::Alliance(event) => self.alliance(event),
            _ => self.people_event(event, at),
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "what else happens changes nothing that is counted here"
    )]
    fn people_event(&mut self, event: &Event, at: Millis) {
        match event {
            Event::MemberRegistered { inviter, .. } => {
                self.town.register(inviter.map(|inviter| index(inviter.0)));
                self.purses.push(Purse::default());
            }
            Event::InviterBound { member, inviter } => {
                self.town.bind(index(member.0), index(inviter.0));
                self.tally.add("bound by a link", 1);
            }
            Event::MemberFrozen { member } => self.town.folk[index(member.0)].frozen = true,
            Event::MemberUnfrozen { member } => self.town.folk[index(member.0)].frozen = false,
            Event::RegionDeclared { member, region } => {
                self.town.folk[index(member.0)].region = Some(region.to_string());
            }
            Event::AgentAppointed { region, member } => {
                let before = self.town.agents.insert(region.to_string(), index(member.0));
                assert_eq!(before, None);
            }
            Event::AgentDismissed { region, .. } => {
                self.town.agents.remove(&region.to_string());
            }
            Event::RanksCounted { risen, .. } => self.risen(risen),
            Event::RankSet { member, plan, rank } => {
                let scale = &mut self.town.scales[plan_index(*plan)];
                let member = index(member.0);
                match rank {
                    Some(rank) => {
                        scale.rank[member] = usize::from(*rank);
                        scale.set.insert(member);
                    }
                    None => {
                        scale.set.remove(&member);
                    }
                }
            }
            _ => self.group_event(event, at),
        }
    }

    fn risen(&mut self, risen: &[Risen]) {
        let theirs = risen.iter().map(|one| {
            let (plan, member) = (plan_index(one.plan), index(one.member.0));
            (plan, member, usize::from(one.rank))
        });
        let mut theirs: Vec<_> = theirs.collect();
        theirs.sort_unstable();
        let mut ours = self.town.risen();
        ours.sort_unstable();
        assert_eq!(theirs, ours, "who rises");
        let count = u64::try_from(ours.len()).unwrap();
        self.tally.add("rises in rank", count);
        for (plan, member, rank) in ours {
            self.town.scales[plan].rank[member] = rank;
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "what else happens changes nothing that is counted here"
    )]
    fn group_event(&mut self, event: &Event, at: Millis) {
        match event {
            Event::GroupOpened {
                group, campaign, ..
            } => {
                let open = Open {
                    campaign: campaign.0,
                    ..Open::default()
                };
                self.open.insert(group.0, open);
                self.tally.add("opened", 1);
            }
            Event::SeatReserved {
                payment,
                via: Some(via),
                ..
            } => {
                let open = self.open_mut(*payment);
                open.vias.insert(payment.index, index(via.0));
            }
            Event::SeatLapsed { .. } => self.tally.add("lapsed", 1),
            Event::PaymentAccepted {
                payment,
                member,
                fee,
                ..
            } => self.paid(*payment, index(member.0), fee.0.into()),
            Event::PaymentBounced { reason, .. } => {
                self.tally.add(format!("bounced: {}", reason.name()), 1)
            }
            Event::SeatLeft { payment, .. } => {
                let open = self.open_mut(*payment);
                open.seats.retain(|(index, _)| *index != payment.index);
                open.fees.remove(&payment.index);
                self.tally.add("left", 1);
            }
            Event::Ballot(event) => self.ballot(event),
            Event::Table(TableEvent::Opened {
                table,
                template,
                bill,
                ..
            }) => {
                let offer = self.offers[&template.0].at_table(*bill);
                let campaign = CampaignId::of_table(*table);
                self.offers.insert(campaign.0, Rc::new(offer));
            }
            Event::GroupFilled { group, seats, .. } => self.filled(group.0, seats, at),
            Event::GroupClosed {
                group,
                refund_each,
                refunds,
                why,
                ..
            } => {
                let price = self.offer_of(group.0).plan.price;
                let open = self.open.remove(&group.0).unwrap();
                // Registering for a ballot is free.
                if !open.fees.is_empty() {
                    assert_eq!(
                        seats_of(refunds),
                        open.seats,
                        "everybody has his money back"
                    );
                    assert_eq!(i128::from(refund_each.0), price);
                }
                self.tally.add(format!("{why:?}"), 1);
            }
            Event::GroupSettled(settled) => self.settled(settled),
            _ => {}
        }
    }

    /// A registration holds its seat without it.
    fn paid(&mut self, payment: PaymentId, member: usize, fee: i128) {
        let is_ballot = self.offer_of(payment.group.0).plan.kind == "ballot";
        let open = self.open_mut(payment);
        open.fees.insert(payment.index, fee);
        if !is_ballot {
            open.seats.push((payment.index, member));
        }
    }

    fn open_mut(&mut self, payment: PaymentId) -> &mut Open {
        self.open.get_mut(&payment.group.0).unwrap()
    }

    fn purse(&mut self, member: u32) -> &mut Purse {
        &mut self.purses[index(member)]
    }

    fn ballot(&mut self, event: &BallotEvent) {
        match event {
            BallotEvent::Registered {
                payment, member, ..
            } => {
                let open = self.open_mut(*payment);
                open.seats.push((payment.index, index(member.0)));
            }
            BallotEvent::RegistrationLeft { payment, .. } => {
                let open = self.open_mut(*payment);
                open.seats.retain(|(index, _)| *index != payment.index);
            }
            BallotEvent::Drawn(_) => {}
            BallotEvent::RightsPassed { group, lapsed, .. } => {
                let open = self.open.get_mut(&group.0).unwrap();
                open.lapsed
                    .extend(lapsed.iter().map(|right| index(right.seat)));
                self.tally.add("rights passed", 1);
            }
        }
    }

    fn dividend(&mut self, plan: usize, event: &Event) {
        if let Event::DividendClosed {
            until,
            pool,
            weight,
            members,
            ..
        } = event
        {
            let money = self.town.scales[plan].pool.as_ref().unwrap().money;
            assert_eq!(i128::from(pool.0), money, "what plan {plan} shares");
            let ours = self.town.close(plan);
            assert_eq!((index(*members), i128::try_from(weight.0).unwrap()), ours);
            self.closed.push((plan, until.0));
            if ours.0 != 0 {
                self.follows.push(Follows::Dividends(plan));
            }
            self.tally.add("pools closed", 1);
        }
        if let Event::DividendsPaid { shares, more, .. } = event {
            self.follow(&Follows::Dividends(plan));
            self.share_out(plan, shares);
            let pool = self.town.scales[plan].pool.as_ref().unwrap();
            assert_eq!(*more, !pool.unpaid.is_empty());
        }
    }

    fn share_out(&mut self, plan: usize, shares: &[DividendShare]) {
        for share in shares {
            let pool = self.town.scales[plan].pool.as_mut().unwrap();
            let next = pool.unpaid.pop_front();
            let (member, fen) = (index(share.member.0), i128::from(share.amount.0));
            assert_eq!(Some((member, fen)), next, "a dividend of plan {plan}");
            self.purses[member].available += fen;
            self.tally.add("dividends paid", 1);
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "what else happens changes nothing that is counted here"
    )]
    fn alliance(&mut self, event: &AllianceEvent) {
        match event {
            AllianceEvent::StoreOpened { merchant, .. } => {
                self.town.stores.push(index(merchant.0));
            }
            AllianceEvent::HomeBound {
                member,
                store,
                until,
            } => {
                self.town.folk[index(member.0)].home = Some((index(store.0), until.0));
            }
            AllianceEvent::HomeEnded { member, .. } => {
                self.town.folk[index(member.0)].home = None;
            }
            AllianceEvent::GroupSold(sold) => {
                let parts = [
                    sold.sales,
                    sold.commission,
                    sold.fees,
                    sold.rewards,
                    sold.due,
                ];
                let parts = parts.map(|part| i128::from(part.0));
                self.follow(&Follows::Sold(sold.group.0, parts));
            }
            AllianceEvent::OriginShared(shared) => {
                let shares = shared.shares.iter().map(|part| {
                    let share = &part.share;
                    let (store, merchant) = (index(share.store.0), index(share.merchant.0));
                    (index(part.seat), store, merchant, share.amount.0.into())
                });
                self.follow(&Follows::Shared(shared.group.0, shares.collect()));
                self.lives.get_mut(&shared.group.0).unwrap().had_origins = true;
            }
            AllianceEvent::SaleReversed(back) => {
                let parts = [
                    back.amount,
                    back.commission,
                    back.fee,
                    back.rewards,
                    back.from_sales,
                    back.owed,
                ];
                let parts = parts.map(|part| i128::from(part.0));
                self.follow(&Follows::SaleBack(back.group.0, parts));
            }
            AllianceEvent::OriginReversed(back) => {
                let (seat, cash) = (index(back.part.seat), back.part.share.amount.0.into());
                self.follow(&Follows::OriginBack(back.group.0, seat, cash));
            }
            AllianceEvent::SaleVested {
                group,
                merchant,
                amount,
            } => {
                let vested = Follows::SaleVested(group.0, index(merchant.0), amount.0.into());
                self.follow(&vested);
            }
            AllianceEvent::OriginVested(vested) => {
                let amounts = vested.amounts.iter();
                let amounts = amounts.map(|one| (index(one.merchant.0), one.amount.0.into()));
                self.follow(&Follows::OriginVested(vested.group.0, amounts.collect()));
            }
            _ => {}
        }
    }
}

/// What the world's own ledger lines say of a group's result.
impl Book {
    /// The event's lines, of the platform's own money and of merchants', income above zero.
    fn result(event: &Event) -> (i128, i128) {
        let (mut own, mut merchants) = (0, 0);
        domain::lines(event, &mut |line| match line.account {
            Account::Sales
            | Account::CostOfGoods
            | Account::Rewards
            | Account::ChannelFees
            | Account::Alliance(_) => own -= i128::from(line.amount),
            Account::Merchant(
                MerchantAccount::Vesting | MerchantAccount::Payable | MerchantAccount::Owes,
                _,
            ) => merchants -= i128::from(line.amount),
            Account::Merchant(MerchantAccount::Stated, _)
            | Account::Channel
            | Account::Escrow(_)
            | Account::RefundsDue
            | Account::Available(_)
            | Account::Vesting(_)
            | Account::Suppliers
            | Account::Capital
            | Account::WithdrawalsDue
            | Account::WithdrawalFees
            | Account::Tax
            | Account::Bank
            | Account::CoinsIssued
            | Account::Coins(_)
            | Account::VestingCoins(_)
            | Account::BoughtCoins(_)
            | Account::Custody
            | Account::DividendPool(_) => {}
        })
        .unwrap();
        (own, merchants)
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "no other event is part of what a group came to"
    )]
    fn told(&mut self, event: &Event) {
        let group = match event {
            Event::OrderReturned { order, .. } => self.orders.get(&order.0).copied(),
            Event::RefundPaid { refund, .. } => self.refunds.get(&refund.0).copied(),
            Event::Alliance(AllianceEvent::GroupSold(sold)) => Some(sold.group.0),
            Event::Alliance(AllianceEvent::SaleReversed(back)) => Some(back.group.0),
            Event::Alliance(AllianceEvent::OriginShared(shared)) => Some(shared.group.0),
            Event::Alliance(AllianceEvent::OriginReversed(back)) => Some(back.group.0),
            _ => None,
        };
        let Some(group) = group else { return };
        let (own, merchants) = Book::result(event);
        let life = self.lives.get_mut(&group).unwrap();
        life.told_platform += own;
        // Home stores' merchants are not this group's.
        if let Event::Alliance(AllianceEvent::GroupSold(_) | AllianceEvent::SaleReversed(_)) = event
        {
            life.told_merchant += merchants;
        }
    }
}

fn seats_of(seats: &[SeatRef]) -> Vec<(u32, usize)> {
    let seat = |seat: &SeatRef| (seat.index, index(seat.member.0));
    seats.iter().map(seat).collect()
}
