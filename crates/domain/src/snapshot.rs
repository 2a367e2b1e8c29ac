//! The world as bytes, so that a start need not replay the whole journal.
//!
//! Only what cannot be derived is stored; indexes and timers are rebuilt. The bytes of equal worlds are equal,
//! which is how tests and the audit compare a replay with a running world.

use std::collections::{BTreeMap, VecDeque};

use minicbor::{
    Decode, Encode,
    bytes::{ByteSlice, ByteVec},
};

use crate::{
    Actor, Campaign, Due, GroupId, MemberId, Millis, Order, OrderId, OrderState, PendingRefund,
    Profile, PublishedCampaign, RefundId, World,
    alliance::{Alliance, CounterCash, Homes, Statements},
    ballot::Ballots,
    circle::Circles,
    clawback::Clawbacks,
    coins::CoinLots,
    deletion::Deleted,
    delivery::Deliveries,
    dividend::Dividends,
    group::GroupSlot,
    idempotency::{KeySlot, MemberKeys},
    identity::Identities,
    late_round::LateRounds,
    limits::Limits,
    member::Member,
    recharge::Recharges,
    shop::Shop,
    standing::People,
    table::{InGroup, OnItsWay, ShortHash},
    treat::Tables,
    withdrawal::Withdrawals,
    world::{PlatformBooks, VestingGroup},
};

/// The format below; another one is refused, and the journal replayed instead.
const FORMAT: u32 = 10;

/// A snapshot cannot be used; the journal can be replayed without it.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The bytes are not a snapshot.
    #[error("the snapshot cannot be read: {0}")]
    Unreadable(#[from] minicbor::decode::Error),
    /// It was written by another version.
    #[error("the snapshot has format {0}, this program reads {FORMAT}")]
    OtherFormat(u32),
}

#[derive(Encode)]
struct Stored<'a> {
    #[n(0)]
    format: u32,
    #[n(1)]
    now: Millis,
    #[n(2)]
    members: &'a Vec<Member>,
    #[n(3)]
    campaigns: Vec<(&'a Campaign, Millis)>,
    #[n(4)]
    groups: &'a Vec<GroupSlot>,
    #[n(5)]
    refunds: &'a BTreeMap<RefundId, PendingRefund>,
    #[n(6)]
    next_refund: u64,
    #[n(7)]
    orders: &'a BTreeMap<OrderId, Order>,
    #[n(8)]
    next_order: u64,
    #[n(9)]
    vesting: &'a BTreeMap<GroupId, VestingGroup>,
    #[n(10)]
    books: PlatformBooks,
    #[n(11)]
    promised: i64,
    #[n(12)]
    staff_keys: &'a BTreeMap<Actor, VecDeque<KeySlot>>,
    #[n(13)]
    member_keys: &'a MemberKeys,
    #[n(14)]
    tokens: &'a ByteSlice,
    #[n(15)]
    people: &'a People,
    #[n(16)]
    profile: &'a Profile,
    #[n(17)]
    dividends: &'a Dividends,
    #[n(18)]
    withdrawals: &'a Withdrawals,
    #[n(19)]
    alliance: &'a Alliance,
    #[n(20)]
    lots: &'a CoinLots,
    #[n(21)]
    limits: &'a Limits,
    #[n(22)]
    clawbacks: &'a Clawbacks,
    #[n(28)]
    shop: &'a Shop,
    #[n(29)]
    recharges: &'a Recharges,
    #[n(25)]
    circles: &'a Circles,
    /// Absent until a table is opened: a snapshot has the bytes that it had before there were any.
    #[n(24)]
    tables: Option<&'a Tables>,
    #[n(27)]
    statements: Option<&'a Statements>,
    /// None while no ballot is drawn and not settled, as in snapshots of before there were ballots.
    #[n(23)]
    ballots: Option<&'a Ballots>,
    #[n(26)]
    homes: Option<&'a Homes>,
    #[n(32)]
    identities: Option<&'a Identities>,
    /// Absent until the platform takes the cash of a counter.
    #[n(30)]
    counter_cash: Option<&'a CounterCash>,
    /// Absent until a member has said where he has things sent.
    #[n(33)]
    deliveries: Option<&'a Deliveries>,
    /// Absent while the round of every void group is known.
    #[n(31)]
    late: Option<&'a LateRounds>,
    /// Absent until somebody has deleted his account.
    #[n(34)]
    deleted: Option<&'a Deleted>,
}

#[derive(Decode)]
struct Loaded {
    #[n(1)]
    now: Millis,
    #[n(2)]
    members: Vec<Member>,
    #[n(3)]
    campaigns: Vec<(Campaign, Millis)>,
    #[n(4)]
    groups: Vec<GroupSlot>,
    #[n(5)]
    refunds: BTreeMap<RefundId, PendingRefund>,
    #[n(6)]
    next_refund: u64,
    #[n(7)]
    orders: BTreeMap<OrderId, Order>,
    #[n(8)]
    next_order: u64,
    #[n(9)]
    vesting: BTreeMap<GroupId, VestingGroup>,
    #[n(10)]
    books: PlatformBooks,
    #[n(11)]
    promised: i64,
    #[n(12)]
    staff_keys: BTreeMap<Actor, VecDeque<KeySlot>>,
    #[n(13)]
    member_keys: MemberKeys,
    #[n(14)]
    tokens: ByteVec,
    #[n(15)]
    people: People,
    #[n(16)]
    profile: Profile,
    #[n(17)]
    dividends: Dividends,
    #[n(18)]
    withdrawals: Withdrawals,
    #[n(19)]
    alliance: Alliance,
    #[n(20)]
    lots: CoinLots,
    #[n(21)]
    limits: Limits,
    #[n(22)]
    clawbacks: Clawbacks,
    #[n(28)]
    shop: Shop,
    #[n(29)]
    recharges: Recharges,
    #[n(25)]
    circles: Circles,
    #[n(24)]
    tables: Option<Tables>,
    /// None in snapshots from before there were statements, and while there are none.
    #[n(27)]
    statements: Option<Statements>,
    #[n(23)]
    ballots: Option<Ballots>,
    /// The same of home stores.
    #[n(26)]
    homes: Option<Homes>,
    /// None in snapshots from before anybody was verified, and while nobody is.
    #[n(32)]
    identities: Option<Identities>,
    #[n(30)]
    counter_cash: Option<CounterCash>,
    #[n(33)]
    deliveries: Option<Deliveries>,
    #[n(31)]
    late: Option<LateRounds>,
    #[n(34)]
    deleted: Option<Deleted>,
}

impl World {
    /// The whole state as bytes.
    pub fn to_snapshot(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self.write_snapshot(&mut bytes) {
            Ok(()) => bytes,
            // Writing to a vector cannot fail, and no encoder in here makes errors of its own.
            Err(_) => Vec::new(),
        }
    }

    /// Writes the whole state; errors only where `out` does.
    pub fn write_snapshot<W: minicbor::encode::Write>(
        &self,
        out: W,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        let stored = Stored {
            format: FORMAT,
            now: self.now,
            members: &self.members,
            campaigns: self
                .campaigns
                .iter()
                .map(|campaign| (&campaign.terms, campaign.published_at))
                .collect(),
            groups: &self.groups,
            refunds: &self.refunds,
            next_refund: self.next_refund,
            orders: &self.orders,
            next_order: self.next_order,
            vesting: &self.vesting,
            books: self.books,
            promised: self.promised,
            staff_keys: &self.staff_keys,
            member_keys: &self.member_keys,
            tokens: self.tokens.as_flattened().into(),
            people: &self.people,
            profile: &self.profile,
            dividends: &self.dividends,
            withdrawals: &self.withdrawals,
            alliance: &self.alliance,
            lots: &self.lots,
            limits: &self.limits,
            clawbacks: &self.clawbacks,
            shop: &self.shop,
            recharges: &self.recharges,
            circles: &self.circles,
            tables: Some(&self.tables).filter(|tables| !tables.is_empty()),
            statements: Some(&self.statements).filter(|known| !known.is_empty()),
            identities: self.has_identities().then_some(&self.identities),
            ballots: (self.ballots != Ballots::default()).then_some(&self.ballots),
            homes: Some(&self.homes).filter(|known| !known.is_empty()),
            counter_cash: Some(&self.counter_cash).filter(|known| !known.is_empty()),
            deliveries: Some(&self.deliveries).filter(|known| !known.is_empty()),
            late: Some(&self.late).filter(|known| !known.is_empty()),
            deleted: Some(&self.deleted).filter(|known| !known.is_empty()),
        };
        minicbor::encode(&stored, out)
    }

    /// Reads what [`World::to_snapshot`] wrote.
    pub fn from_snapshot(bytes: &[u8]) -> Result<World, SnapshotError> {
        let mut probe = minicbor::Decoder::new(bytes);
        probe.array()?;
        let format = probe.u32()?;
        if format != FORMAT {
            return Err(SnapshotError::OtherFormat(format));
        }
        let loaded: Loaded = minicbor::decode(bytes)?;
        let campaigns = loaded
            .campaigns
            .into_iter()
            .map(|(terms, at)| PublishedCampaign::new(terms, at));
        let mut world = World {
            now: loaded.now,
            members: loaded.members,
            campaigns: campaigns.collect(),
            groups: loaded.groups,
            refunds: loaded.refunds,
            next_refund: loaded.next_refund,
            orders: loaded.orders,
            next_order: loaded.next_order,
            vesting: loaded.vesting,
            books: loaded.books,
            promised: loaded.promised,
            staff_keys: loaded.staff_keys,
            member_keys: loaded.member_keys,
            tokens: loaded.tokens.as_chunks().0.to_vec(),
            people: loaded.people,
            profile: loaded.profile,
            dividends: loaded.dividends,
            withdrawals: loaded.withdrawals,
            alliance: loaded.alliance,
            lots: loaded.lots,
            limits: loaded.limits,
            clawbacks: loaded.clawbacks,
            shop: loaded.shop,
            recharges: loaded.recharges,
            circles: loaded.circles,
            tables: loaded.tables.unwrap_or_default(),
            statements: loaded.statements.unwrap_or_default(),
            ballots: loaded.ballots.unwrap_or_default(),
            homes: loaded.homes.unwrap_or_default(),
            identities: loaded.identities.unwrap_or_default(),
            counter_cash: loaded.counter_cash.unwrap_or_default(),
            deliveries: loaded.deliveries.unwrap_or_default(),
            late: loaded.late.unwrap_or_default(),
            deleted: loaded.deleted.unwrap_or_default(),
            ..World::default()
        };
        world.rebuild();
        Ok(world)
    }

    fn rebuild(&mut self) {
        for (member, _) in (0u32..).map(MemberId).zip(&self.tokens) {
            self.token_table.insert(&self.tokens, member);
        }
        for pending in self.refunds.values() {
            self.returning
                .insert(ShortHash::of(pending.txn), OnItsWay::new(pending.refund));
        }
        self.member_keys.rebuild_table();
        self.rebuild_tables();
        let mut live = Vec::new();
        for (group, slot) in (0u64..).map(GroupId).zip(&mut self.groups) {
            let GroupSlot::Live(known) = slot else {
                continue;
            };
            live.push(group);
            known.rebuild_index();
            for (at, seat) in (0u32..).zip(&known.seats) {
                if let Some(txn) = seat.txn.get() {
                    self.seated
                        .insert(ShortHash::of(txn), InGroup::new(group, at));
                }
            }
            for (at, txn) in (0u32..).zip(&known.returned) {
                self.returned
                    .insert(ShortHash::of(txn), InGroup::new(group, at));
            }
        }
        for id in live {
            if let Some(round_time) = self.round_time(id) {
                self.awaiting.insert((round_time, id));
            }
            self.schedule(id);
        }
        self.find_jumps();
        self.refresh_limits();
        if let Some(at) = self.people.count_at {
            self.push_timer(at, Due::Day);
        }
        for (at, due) in self.dividends.timers() {
            self.push_timer(at, due);
        }
        if let Some(at) = self.lots.look_at {
            self.push_timer(at, Due::Coins);
        }
        self.rebuild_shop();
        self.rebuild_recharges();
        self.rebuild_homes();
        self.rebuild_statements();
        self.rebuild_ballots();
        self.rebuild_counter_cash();
        let orders: Vec<(OrderId, OrderState)> = self
            .orders
            .iter()
            .map(|(&id, order)| (id, order.state))
            .collect();
        for (id, state) in orders {
            match state {
                OrderState::Paid => {}
                OrderState::Shipped { received_by } => self.push_timer(received_by, Due::Order(id)),
                OrderState::Received { kept_at } => self.push_timer(kept_at, Due::Order(id)),
                OrderState::Returning { back_by } => self.push_timer(back_by, Due::Order(id)),
            }
        }
    }
}
