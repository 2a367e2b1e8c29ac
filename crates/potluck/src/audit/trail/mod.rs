//! Who joined, paid, won and is owed what, told by the events alone and compared with what each event says.

mod after;
mod alliance;
mod ballots;
mod circles;
mod coins;
mod counter_cash;
mod counters;
mod dividends;
mod homes;
mod limits;
mod people;
mod recharge;
mod regions;
mod seats;
mod shop;
mod statements;
mod treats;
mod withdrawals;

use std::collections::{BTreeMap, BTreeSet, HashSet};

use domain::{
    Campaign, CampaignId, ChannelTerms, Closing, Event, FilledSeat, GIVEN_UP_AFTER, GroupId,
    MemberId, Millis, Money, OrderId, PaymentId, PlanTerms, Profile, PublishedCampaign, RefundId,
    Region, SeatShare, Txn, World,
};

use super::Findings;
use super::draws::{Beacons, Files};
use dividends::Pot;
use shop::Shop;
use withdrawals::Withdrawals;

/// A record's place: its sequence and time.
type At = (u64, Millis);

/// Everything that later events are held against.
#[derive(Debug, Default)]
pub(super) struct Trail {
    people: Vec<Person>,
    pub(super) campaigns: Vec<PublishedCampaign>,
    /// Of every group ever opened.
    campaign_of: Vec<CampaignId>,
    live: BTreeMap<GroupId, Live>,
    refunds: BTreeMap<RefundId, Due>,
    orders: BTreeMap<OrderId, Good>,
    vesting: BTreeMap<GroupId, Vesting>,
    /// What the channel takes, of all that ever stood for purchases and bills at counters.
    channels: Vec<ChannelTerms>,
    /// Every payment that was ever taken or sent back.
    txns: HashSet<Txn>,
    next_refund: u64,
    next_order: u64,
    /// Plans 2, 3 ….
    plans: Vec<PlanTerms>,
    /// Ranks that an operator has set.
    set_ranks: BTreeSet<(u32, MemberId)>,
    agents: BTreeMap<Region, MemberId>,
    alliance: alliance::Book,
    counters: counters::Book,
    statements: statements::Book,
    homes: homes::Book,
    circles: circles::Book,
    treats: treats::Book,
    ballots: ballots::Book,
    any_kept: bool,
    /// The installation's.
    profile: Profile,
    /// Every member's coins by when they end.
    lots: BTreeMap<(MemberId, Millis), i64>,
    used: coins::Used,
    /// When ranks are counted next.
    count_at: Option<Millis>,
    /// Dividend pools by plan.
    pots: BTreeMap<u32, Pot>,
    limits: limits::Book,
    /// Members whose accounts were deleted.
    deleted: BTreeSet<MemberId>,
    /// Void groups whose round is not known, with it.
    void_rounds: BTreeMap<GroupId, u64>,
    withdrawals: Withdrawals,
    shop: Shop,
    recharges: recharge::Recharges,
    beacons: Beacons,
    pub(super) counts: Counts,
}

/// What was checked, in numbers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) seats_paid: u64,
    pub(super) bounced: u64,
    pub(super) settled: u64,
    pub(super) expired: u64,
    pub(super) cancelled: u64,
    pub(super) void: u64,
    /// Void groups whose round was found afterwards.
    pub(super) found_late: u64,
    pub(super) freezes: u64,
    pub(super) verified: u64,
    pub(super) unverified: u64,
    pub(super) rewards: u64,
    pub(super) refunds_paid: u64,
    pub(super) refunded: i64,
    pub(super) withdrawals_paid: u64,
    pub(super) withdrawn: i64,
}

#[derive(Clone, Debug, Default)]
struct Person {
    inviter: Option<MemberId>,
    settled: bool,
    active_invitees: u32,
    kept: i64,
    invitees_kept: i64,
    /// By plan.
    ranks: BTreeMap<u32, u16>,
    place: regions::Place,
    frozen: bool,
}

/// An open or full group.
#[derive(Clone, Debug)]
struct Live {
    leader: MemberId,
    seats: Vec<Seat>,
    /// In the order of accepted payments.
    paid: Vec<u32>,
    full: Option<Full>,
}

#[derive(Clone, Debug)]
struct Full {
    seats: Vec<FilledSeat>,
    /// None if they could not be made again.
    files: Option<Files>,
}

#[derive(Clone, Debug)]
struct Seat {
    member: MemberId,
    via: Option<MemberId>,
    state: Place,
    txn: Option<Txn>,
    fee: Money,
    tag: [u8; 32],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Reserved,
    Lapsed,
    Paid,
    Refunded,
    /// For a ballot: nothing is paid.
    Registered,
}

/// A refund that must be paid once, and exactly this much.
#[derive(Clone, Copy, Debug)]
struct Due {
    amount: Money,
    fee_back: Money,
}

#[derive(Clone, Copy, Debug)]
struct Good {
    payment: PaymentId,
    member: MemberId,
    seat: u32,
    paid: Due,
    received: bool,
    shipped: bool,
    returning: bool,
    /// It is picked up, or a voucher: nobody ships it.
    fetched: bool,
    /// The record that settled its group, if it was had at a table.
    served_at: Option<u64>,
    /// When its group was settled.
    settled_at: Millis,
}

impl Good {
    /// It was neither sent nor given out for so long that staff may give it up.
    fn is_abandoned(&self, now: Millis) -> bool {
        !self.shipped && !self.received && self.settled_at.after(GIVEN_UP_AFTER) <= now
    }

    /// Nobody has been given it yet.
    fn waits_to_be_fetched(&self) -> bool {
        self.fetched && !self.received
    }
}

/// What becomes available when a group's orders are kept, and is reversed when they are returned.
#[derive(Clone, Debug, Default)]
struct Vesting {
    open_orders: usize,
    any_kept: bool,
    /// Whose, from which seat, cash, coins, and the tax that is withheld when it is received.
    rewards: Vec<(MemberId, Option<u32>, i64, i64, i64)>,
    /// What each seat has put into the dividend pool.
    pooled: Vec<SeatShare>,
}

/// What each member has.
type Sums = BTreeMap<MemberId, (i64, i64, i64)>;

impl Vesting {
    /// Takes out what came from this seat, or all, and says what that was for each member.
    fn take(&mut self, seat: Option<u32>) -> Sums {
        let mut sums = Sums::new();
        self.rewards.retain(|&(member, source, cash, coins, tax)| {
            let stays = seat.is_some() && source != seat;
            if !stays {
                let sum = sums.entry(member).or_default();
                *sum = (
                    sum.0.saturating_add(cash),
                    sum.1.saturating_add(coins),
                    sum.2.saturating_add(tax),
                );
            }
            stays
        });
        sums
    }

    /// As [`Vesting::take`], of what went into the dividend pool.
    fn take_pooled(&mut self, seat: Option<u32>) -> Vec<SeatShare> {
        let all = std::mem::take(&mut self.pooled);
        let (taken, rest) = all
            .into_iter()
            .partition(|share| seat.is_none_or(|seat| share.seat == seat));
        self.pooled = rest;
        taken
    }
}

impl Trail {
    pub(super) fn new(beacons: Beacons) -> Trail {
        Trail {
            beacons,
            ..Trail::default()
        }
    }

    /// What looks at every event before anything takes note of it.
    fn before(&mut self, at: At, event: &Event, findings: &mut Findings) {
        self.alliance_follows(at, event, findings);
        self.homes_follow(at, event, findings);
        self.counter_event(at, event, findings);
        self.coins_event(at, event, findings);
        self.limits_follow(at, event, findings);
        self.recharge_follows(at, event, findings);
        self.shop_follows(at, event, findings);
        self.circles_follow(at, event, findings);
        self.treats_follow(at, event, findings);
        self.ballots_follow(at, event, findings);
    }

    /// Holds one event against those before it.
    pub(super) fn event(&mut self, at: At, event: &Event, findings: &mut Findings) {
        self.before(at, event, findings);
        match event {
            Event::MemberRegistered {
                member, inviter, ..
            } => self.registered(at, *member, *inviter, findings),
            Event::InviterBound { member, inviter } => {
                self.bound(at, (*member, *inviter), findings);
            }
            Event::CampaignPublished { campaign, terms } => {
                self.campaign_published(at, *campaign, terms, findings);
            }
            Event::GroupOpened { .. }
            | Event::SeatReserved { .. }
            | Event::SeatLapsed { .. }
            | Event::PaymentAccepted { .. }
            | Event::PaymentBounced { .. }
            | Event::SeatLeft { .. }
            | Event::GroupFilled { .. }
            | Event::GroupClosed { .. }
            | Event::RoundFoundLate { .. } => self.seat_event(at, event, findings),
            Event::GroupSettled(settled) => self.settled(at, settled, findings),
            Event::CapitalDeposited { amount }
            | Event::TaxPaid { amount }
            | Event::SuppliersPaid { amount } => {
                let says = || "nothing was deposited, handed over or paid".to_owned();
                findings.unless(amount.is_positive(), at.0, says);
            }
            Event::RefundPaid { .. }
            | Event::OrderShipped { .. }
            | Event::OrderReceived { .. }
            | Event::OrderKept { .. }
            | Event::OrderReturning { .. }
            | Event::OrderReturned { .. }
            | Event::RewardsVested { .. } => self.after_event(at, event, findings),
            Event::PlanPublished { .. }
            | Event::RanksCounted { .. }
            | Event::RankSet { .. }
            | Event::RegionDeclared { .. }
            | Event::AgentAppointed { .. }
            | Event::AgentDismissed { .. }
            | Event::MemberFrozen { .. }
            | Event::MemberUnfrozen { .. }
            | Event::AccountDeleted { .. }
            | Event::ProfileAdopted { .. } => self.people_event(at, event, findings),
            Event::LimitsSet { .. } | Event::SelfExcluded { .. } | Event::PausesBegun { .. } => {
                self.limits_event(at, event, findings);
            }
            Event::DividendClosed { .. } | Event::DividendsPaid { .. } => {
                self.dividend_event(at, event, findings);
            }
            Event::WithdrawalRequested { .. }
            | Event::WithdrawalApproved { .. }
            | Event::WithdrawalRejected { .. }
            | Event::WithdrawalWaiting { .. }
            | Event::WithdrawalPaid { .. }
            | Event::WithdrawalFailed { .. }
            | Event::ClawedBack { .. } => self.withdrawal_event(at, event, findings),
            Event::Alliance(event) => self.alliance_event(at, event, findings),
            Event::Delivery(event) => self.delivery_event(at, event, findings),
            Event::Circle(_)
            | Event::Table(_)
            | Event::Ballot(_)
            | Event::Identity(_)
            | Event::CoinsExpired { .. }
            | Event::Shop(_)
            | Event::Recharge(_) => {}
        }
    }

    fn registered(
        &mut self,
        at: At,
        member: MemberId,
        inviter: Option<MemberId>,
        findings: &mut Findings,
    ) {
        let next = u32::try_from(self.people.len()) == Ok(member.0);
        findings.unless(next, at.0, || {
            format!("member {member} is not the next number")
        });
        let known = inviter.is_none_or(|inviter| self.person(inviter).is_some());
        findings.unless(known, at.0, || {
            format!("the inviter of member {member} is not known")
        });
        self.people.push(Person {
            inviter,
            ..Person::default()
        });
    }

    fn campaign_published(
        &mut self,
        at: At,
        campaign: CampaignId,
        terms: &Campaign,
        findings: &mut Findings,
    ) {
        let next = u32::try_from(self.campaigns.len()) == Ok(campaign.0);
        findings.unless(next, at.0, || {
            format!("campaign {campaign} is not the next number")
        });
        let sound = terms
            .check()
            .and_then(|()| domain::check_solvency(terms).map(|_| ()));
        findings.unless(self.knows_plan(terms.plan), at.0, || {
            format!(
                "campaign {campaign} names plan {}, which there is not",
                terms.plan
            )
        });
        if let Err(refusal) = sound {
            findings.add(format!(
                "record {}: campaign {campaign} must not be published: {refusal}",
                at.0
            ));
        }
        let another = match (&self.profile, &terms.profile) {
            (Profile::Seed, Profile::Seed | Profile::CnDefault) => false,
            (installed, published) => installed != published,
        };
        findings.unless(!another, at.0, || {
            format!("campaign {campaign} has another profile than the installation")
        });
        self.alliance.published(campaign, terms);
        let hash = draw::hash(domain::published_file(terms).as_bytes());
        self.open_pot(terms);
        self.campaigns.push(PublishedCampaign {
            terms: terms.clone(),
            hash,
            published_at: at.1,
        });
    }

    fn person(&self, member: MemberId) -> Option<&Person> {
        self.people.get(usize::try_from(member.0).ok()?)
    }

    fn person_mut(&mut self, member: MemberId) -> Option<&mut Person> {
        self.people.get_mut(usize::try_from(member.0).ok()?)
    }

    fn campaign(&self, group: GroupId) -> Option<&PublishedCampaign> {
        let campaign = self.campaign_of.get(usize::try_from(group.0).ok()?)?;
        self.campaign_named(*campaign)
    }

    /// Takes note of a refund that must be paid.
    fn owe(&mut self, at: At, refund: RefundId, due: Due, findings: &mut Findings) {
        let next = self.next_refund;
        findings.unless(refund.0 == next, at.0, || {
            format!("refund {refund} is not the next number, {next}")
        });
        self.next_refund = next.max(refund.0.saturating_add(1));
        self.refunds.insert(refund, due);
    }

    /// What the channel takes of what is bought without a group.
    fn takes(&mut self, channel: ChannelTerms) {
        if !self.channels.contains(&channel) {
            self.channels.push(channel);
        }
    }

    /// A provider's payment is booked once in the whole history.
    fn book(&mut self, at: At, txn: Txn, findings: &mut Findings) {
        let new = self.txns.insert(txn);
        findings.unless(new, at.0, || {
            format!("payment {txn} of the provider is booked a second time")
        });
    }

    pub(super) fn members(&self) -> usize {
        self.people.len()
    }

    pub(super) fn groups(&self) -> usize {
        self.campaign_of.len()
    }

    /// Groups that are open, and groups that are full.
    pub(super) fn live(&self) -> (usize, usize) {
        let full = self
            .live
            .values()
            .filter(|group| group.full.is_some())
            .count();
        (self.live.len().saturating_sub(full), full)
    }

    /// How many refunds wait, and how much they are together.
    pub(super) fn pending(&self) -> (usize, i64) {
        let sum = self
            .refunds
            .values()
            .fold(0i64, |sum, due| sum.saturating_add(due.amount.0));
        (self.refunds.len(), sum)
    }

    /// What must not be left over at the end.
    pub(super) fn finish(&self, findings: &mut Findings) {
        self.alliance_finish(findings);
        self.homes_finish(findings);
        self.statements_finish(findings);
        self.limits_finish(findings);
        self.treats_finish(findings);
        self.ballots_finish(findings);
        for (group, vesting) in &self.vesting {
            if vesting.open_orders == 0 && !vesting.rewards.is_empty() {
                findings.add(format!(
                    "group {group}: all orders are kept, but its rewards are not available"
                ));
            }
        }
    }

    /// Against the replayed world: nothing may exist twice or be missing.
    pub(super) fn compare(&self, world: &World, findings: &mut Findings) {
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        for (what, trail, replayed) in [
            (
                "members",
                count(self.people.len()),
                u64::from(world.members()),
            ),
            (
                "campaigns",
                count(self.campaigns.len()),
                u64::from(world.campaigns()),
            ),
            ("groups", count(self.campaign_of.len()), world.groups()),
            (
                "refunds pending",
                count(self.refunds.len()),
                count(world.pending_refund_count()),
            ),
        ] {
            if trail != replayed {
                findings.add(format!(
                    "{what}: {replayed} after the replay, {trail} by the events"
                ));
            }
        }
        self.compare_people(world, findings);
        self.compare_pools(world, findings);
        self.compare_withdrawals(world, findings);
        self.compare_alliance(world, findings);
        self.compare_shop(world, findings);
        self.compare_recharges(world, findings);
        self.compare_counters(world, findings);
        self.compare_treats(world, findings);
        self.compare_statements(world, findings);
        self.compare_homes(world, findings);
        for (group, live) in &self.live {
            let paid = u32::try_from(live.paid.len()).ok();
            if world.group(*group).map(|view| view.paid) != paid {
                findings.add(format!(
                    "group {group} has other paid seats after the replay than by the events"
                ));
            }
        }
    }
}

impl Live {
    fn seat(&self, payment: PaymentId) -> Option<&Seat> {
        self.seats.get(usize::try_from(payment.index).ok()?)
    }

    fn seat_mut(&mut self, payment: PaymentId) -> Option<&mut Seat> {
        self.seats.get_mut(usize::try_from(payment.index).ok()?)
    }
}

/// Counts a group that ended without a draw.
fn count_closing(counts: &mut Counts, why: Closing) {
    match why {
        Closing::Expired => counts.expired += 1,
        Closing::LeaderGone | Closing::Cancelled => counts.cancelled += 1,
        Closing::Void => counts.void += 1,
    }
}
