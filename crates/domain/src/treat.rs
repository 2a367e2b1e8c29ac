//! Treats (rules 4): a merchant's reviewed template, and the tables that his cashiers open under it.
//!
//! Why a table has a campaign of its own, with a number of its own kind: its bill and guests are terms that nobody changes once
//! the first guest looks at them, and the draw's files are named after them. Why it is no campaign among the others: it is not on
//! offer, and there are thousands of them; what it says follows from the template, the bill and the guests, so nothing else is
//! stored.

use std::collections::{BTreeMap, BTreeSet};

use minicbor::{Decode, Encode};

use crate::{
    AllianceEvent, Answer, Campaign, CampaignId, CircleRefusal, Event, Fulfilment, GroupId,
    GroupState, Kind, MemberId, Millis, Money, OrderId, ProgramKind, PublishedCampaign, Refusal,
    StoreId, TableId, World, order::by_member, world::WaitingReward,
};

/// Most tables of one store that are open or wait for their draw.
pub const MAX_OPEN_TABLES: usize = 200;

/// Tables' campaigns have this number and those above it.
const FIRST_TABLE: u32 = 1 << 31;

/// What is asked of tables.
#[derive(Clone, Debug)]
pub enum TableCommand {
    /// Opens a table with its bill under a template. The same token again gives the same table. The caller has seen that the
    /// cashier is the store's.
    Open {
        /// The template.
        template: CampaignId,
        /// Where.
        store: StoreId,
        /// What is on it.
        bill: TableBill,
        /// Whose turn it is: the circle that goes on at this table; none: none does, or one begins.
        circle: Option<GroupId>,
        /// Random: who knows it may look at the table and join.
        token: [u8; 16],
    },
    /// Ends a table that is not full; whoever has paid gets it back.
    Cancel {
        /// Which.
        table: TableId,
        /// The store whose cashier asks.
        store: StoreId,
    },
    /// Reserves a seat at a table until it is paid; the first guest is the leader.
    Join {
        /// The table's.
        token: [u8; 16],
        /// Who.
        member: MemberId,
        /// Whose link he came by.
        via: Option<MemberId>,
    },
}

impl TableCommand {
    /// In whose name it is, if in a member's.
    pub(crate) fn member(&self) -> Option<MemberId> {
        match self {
            TableCommand::Join { member, .. } => Some(*member),
            TableCommand::Open { .. } | TableCommand::Cancel { .. } => None,
        }
    }
}

/// What makes one table differ from the others of its template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct TableBill {
    /// What every guest pays, and one of them for good.
    #[n(0)]
    pub bill: Money,
    /// How many guests.
    #[n(1)]
    pub seats: u32,
}

/// What has happened with tables. Stored for ever, like [`Event`]: numbers are never reused.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum TableEvent {
    /// A cashier has opened a table. Its group is opened by its first guest.
    #[n(0)]
    Opened {
        /// Its number.
        #[n(0)]
        table: TableId,
        /// Under which template.
        #[n(1)]
        template: CampaignId,
        /// Where.
        #[n(2)]
        store: StoreId,
        /// Bill and guests.
        #[n(3)]
        bill: TableBill,
        /// What guests know it by.
        #[cbor(n(4), with = "minicbor::bytes")]
        token: [u8; 16],
        /// When it ends if it is not full.
        #[n(5)]
        expires_at: Millis,
        /// The circle that goes on at it.
        #[n(6)]
        circle: Option<GroupId>,
    },
    /// A table was cancelled before anybody sat down.
    #[n(1)]
    Cancelled {
        /// Which.
        #[n(0)]
        table: TableId,
    },
}

impl TableEvent {
    /// All names, by the numbers of the kinds.
    pub const NAMES: [&'static str; 2] = ["table_opened", "table_cancelled"];

    /// Its name in SQL and JSON.
    pub fn name(&self) -> &'static str {
        match self {
            TableEvent::Opened { .. } => "table_opened",
            TableEvent::Cancelled { .. } => "table_cancelled",
        }
    }

    /// What a command that ends with it answers; none: what it would answer without.
    pub(crate) fn answer(&self) -> Option<Answer> {
        match self {
            TableEvent::Opened { table, .. } => Some(Answer::Table(*table)),
            TableEvent::Cancelled { .. } => None,
        }
    }
}

/// Why a table turned a command down.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableRefusal {
    /// No such table, or another store's.
    #[error("there is no such table")]
    Unknown,
    /// Nothing that this store's tables can be opened under.
    #[error("campaign {0} is no treat of this store's merchant")]
    NotATemplate(CampaignId),
    /// The template does not allow this bill.
    #[error("the bill must be between {least} and {most}")]
    Bill {
        /// The smallest.
        least: Money,
        /// The largest.
        most: Money,
    },
    /// The template does not allow so many or so few guests.
    #[error("the guests must be {least} to {most}")]
    Seats {
        /// The fewest.
        least: u32,
        /// The most.
        most: u32,
    },
    /// The store has the most open tables it can have.
    #[error("a store has at most {MAX_OPEN_TABLES} open tables")]
    TooMany,
    /// It was cancelled, or its time is over.
    #[error("table {0} is over")]
    Over(TableId),
    /// Only who knows the table's link sits down.
    #[error("a treat is joined at its table, by the table's link")]
    OnlyByLink,
}

impl TableRefusal {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            TableRefusal::Unknown => "table_unknown",
            TableRefusal::NotATemplate(_) => "table_template_unknown",
            TableRefusal::Bill { .. } => "table_bill_out_of_range",
            TableRefusal::Seats { .. } => "table_seats_out_of_range",
            TableRefusal::TooMany => "tables_too_many",
            TableRefusal::Over(_) => "table_over",
            TableRefusal::OnlyByLink => "table_only_by_link",
        }
    }
}

impl From<TableRefusal> for Refusal {
    fn from(refusal: TableRefusal) -> Refusal {
        Refusal::Table(refusal)
    }
}

/// A table as its cashier and guests see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableView {
    /// Its number.
    pub table: TableId,
    /// Under which template.
    pub template: CampaignId,
    /// Where.
    pub store: StoreId,
    /// Bill and guests.
    pub bill: TableBill,
    /// What guests know it by.
    pub token: [u8; 16],
    /// When it ends if it is not full.
    pub expires_at: Millis,
    /// Its group, once somebody has sat down.
    pub group: Option<GroupId>,
    /// Whether it was cancelled before that.
    pub cancelled: bool,
    /// The circle that goes on at it.
    pub circle: Option<GroupId>,
}

/// All tables; empty until one is opened.
#[derive(Clone, Debug, Default, Encode, Decode)]
pub(crate) struct Tables {
    #[n(0)]
    known: Vec<Known>,
    /// Derived, by the tables' numbers.
    #[cbor(skip)]
    campaigns: Vec<PublishedCampaign>,
    /// Derived.
    #[cbor(skip)]
    by_token: BTreeMap<[u8; 16], TableId>,
    /// Tables that may still be open or wait for their draw. Derived; some are over by the clock.
    #[cbor(skip)]
    open: BTreeSet<(StoreId, TableId)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
struct Known {
    #[n(0)]
    template: CampaignId,
    #[n(1)]
    store: StoreId,
    #[n(2)]
    bill: TableBill,
    #[cbor(n(3), with = "minicbor::bytes")]
    token: [u8; 16],
    #[n(4)]
    opened_at: Millis,
    #[n(5)]
    expires_at: Millis,
    #[n(6)]
    group: Option<GroupId>,
    #[n(7)]
    cancelled: bool,
    #[n(8)]
    circle: Option<GroupId>,
}

impl CampaignId {
    /// The campaign of a table.
    pub fn of_table(table: TableId) -> CampaignId {
        CampaignId(FIRST_TABLE | table.0)
    }

    /// The table whose campaign it is; none: it is one among those on offer.
    pub fn table(self) -> Option<TableId> {
        (FIRST_TABLE <= self.0).then_some(TableId(self.0 & !FIRST_TABLE))
    }
}

impl Campaign {
    /// The smallest bill of a template: any, where it names none.
    pub fn least_bill(&self) -> Money {
        self.group.price_from.unwrap_or(Money(1))
    }

    /// The fewest guests of a template.
    pub fn least_guests(&self) -> u32 {
        self.group.seats_from.unwrap_or(self.group.seats)
    }

    /// The terms of a table under this template.
    pub fn at_table(&self, bill: TableBill) -> Campaign {
        let mut terms = self.clone();
        terms.group.price = bill.bill;
        terms.group.seats = bill.seats;
        terms.group.price_from = None;
        terms.group.seats_from = None;
        terms
    }

    /// The tables of a template that decide whether all of them can be paid: the largest bill and the smallest that it names,
    /// each with the most and the fewest guests. Every promise grows with the guests, while the winners stay; and a bill that
    /// suffices leaves no less when it grows, but for roundings, which each table's own gate sees. The template itself where it
    /// has one bill and one number of guests.
    pub(crate) fn corner_tables(&self) -> Vec<Campaign> {
        let group = &self.group;
        if group.price_from.is_none() && group.seats_from.is_none() {
            return vec![self.clone()];
        }
        let bills = BTreeSet::from([group.price, group.price_from.unwrap_or(group.price)]);
        let guests = BTreeSet::from([group.seats, self.least_guests()]);
        let pairs = bills
            .into_iter()
            .flat_map(|bill| guests.iter().map(move |&seats| TableBill { bill, seats }));
        pairs.map(|bill| self.at_table(bill)).collect()
    }
}

/// Hot reads.
impl World {
    /// One table.
    pub fn table(&self, id: TableId) -> Option<TableView> {
        let known = self.tables.get(id)?;
        Some(TableView {
            table: id,
            template: known.template,
            store: known.store,
            bill: known.bill,
            token: known.token,
            expires_at: known.expires_at,
            group: known.group,
            cancelled: known.cancelled,
            circle: known.circle,
        })
    }

    /// The table that has this token.
    pub fn table_of_token(&self, token: &[u8; 16]) -> Option<TableId> {
        self.tables.by_token.get(token).copied()
    }

    /// How many tables were ever opened; their numbers are below this.
    pub fn tables(&self) -> u32 {
        u32::try_from(self.tables.known.len()).unwrap_or(u32::MAX)
    }

    /// The campaign on offer that this one is, or is a table of.
    pub fn offer_of(&self, campaign: CampaignId) -> CampaignId {
        let known = campaign.table().and_then(|table| self.tables.get(table));
        known.map_or(campaign, |known| known.template)
    }

    pub(crate) fn table_campaign(&self, table: TableId) -> Option<&PublishedCampaign> {
        self.tables.campaigns.get(usize::try_from(table.0).ok()?)
    }

    /// When the table of a campaign ends if it is not full; none: it is no table's.
    pub(crate) fn table_ends(&self, campaign: CampaignId) -> Option<Millis> {
        let known = self.tables.get(campaign.table()?)?;
        Some(known.expires_at)
    }

    /// The group of a table, if somebody has sat down.
    pub(crate) fn group_of_table(&self, command: &TableCommand) -> Option<GroupId> {
        let table = match command {
            TableCommand::Open { .. } => return None,
            TableCommand::Cancel { table, .. } => *table,
            TableCommand::Join { token, .. } => self.table_of_token(token)?,
        };
        self.tables.get(table)?.group
    }
}

impl Tables {
    pub(crate) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    fn get(&self, id: TableId) -> Option<&Known> {
        self.known.get(usize::try_from(id.0).ok()?)
    }

    fn get_mut(&mut self, id: TableId) -> Option<&mut Known> {
        self.known.get_mut(usize::try_from(id.0).ok()?)
    }

    /// Of this store, that have not ended by `now`.
    fn running(&self, store: StoreId, now: Millis) -> usize {
        let range = (store, TableId(0))..=(store, TableId(u32::MAX));
        let of_store = self.open.range(range);
        let running = of_store.filter_map(|(_, table)| self.get(*table));
        running.filter(|known| !known.ended_alone(now)).count()
    }
}

impl Known {
    /// Nobody sat down in time, or it was cancelled before.
    fn ended_alone(&self, now: Millis) -> bool {
        self.group.is_none() && (self.cancelled || self.expires_at <= now)
    }
}

/// What is asked.
impl World {
    pub(crate) fn decide_table(
        &self,
        command: &TableCommand,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<Option<Answer>, Refusal> {
        match command {
            TableCommand::Open {
                template,
                store,
                bill,
                circle,
                token,
            } => {
                let wanted = (*template, *store, *bill, *circle);
                self.decide_open_table(wanted, *token, now, events)
            }
            TableCommand::Cancel { table, store } => {
                self.decide_cancel_table(*table, *store, now, events)
            }
            TableCommand::Join { token, member, via } => {
                self.decide_sit_down(*token, (*member, *via), now, events)?;
                Ok(None)
            }
        }
    }

    /// The bill must be the template's to give, and the table must be able to pay what it promises.
    fn decide_open_table(
        &self,
        (template, store, bill, circle): (CampaignId, StoreId, TableBill, Option<GroupId>),
        token: [u8; 16],
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<Option<Answer>, Refusal> {
        if let Some(table) = self.table_of_token(&token) {
            let same = self.tables.get(table).is_some_and(|known| {
                let opened = (known.template, known.store, known.bill, known.circle);
                opened == (template, store, bill, circle)
            });
            if same {
                return Ok(Some(Answer::Table(table)));
            }
            return Err(TableRefusal::Unknown.into());
        }
        let terms = self.require_template(template, store)?;
        self.require_not_suspended(template)?;
        let (least, most) = (terms.least_bill(), terms.group.price);
        if bill.bill < least || most < bill.bill {
            return Err(TableRefusal::Bill { least, most }.into());
        }
        let (least, most) = (terms.least_guests(), terms.group.seats);
        if bill.seats < least || most < bill.seats {
            return Err(TableRefusal::Seats { least, most }.into());
        }
        if let Some(circle) = circle {
            self.require_circle_of(circle, template, bill.seats)?;
        }
        if MAX_OPEN_TABLES <= self.tables.running(store, now) {
            return Err(TableRefusal::TooMany.into());
        }
        let at_table = terms.at_table(bill);
        at_table.check()?;
        self.check_may_begin(&at_table, now)?;
        crate::check_solvency(&at_table)?;
        let number = u32::try_from(self.tables.known.len()).map_err(|_| Refusal::Overflow)?;
        if FIRST_TABLE <= number {
            return Err(Refusal::Overflow);
        }
        events.push(Event::Table(TableEvent::Opened {
            table: TableId(number),
            template,
            store,
            bill,
            token,
            expires_at: now.after(terms.group.fill_within),
            circle,
        }));
        Ok(None)
    }

    /// A circle that began under the same template goes on with as many seats, when its last group is over.
    fn require_circle_of(
        &self,
        circle: GroupId,
        template: CampaignId,
        seats: u32,
    ) -> Result<(), Refusal> {
        let unknown = CircleRefusal::Unknown(circle);
        let view = self.circle(circle).filter(|view| view.members != 0);
        let view = view.ok_or(unknown.clone())?;
        if self.offer_of(view.campaign) != template {
            return Err(unknown.into());
        }
        let places = self.require_campaign(view.campaign)?.terms.group.seats;
        if places != seats {
            let (least, most) = (places, places);
            return Err(TableRefusal::Seats { least, most }.into());
        }
        match view.round {
            Some(group) => Err(CircleRefusal::RoundRunning { circle, group }.into()),
            None => Ok(()),
        }
    }

    /// A published treat of the merchant whose store it is.
    fn require_template(&self, template: CampaignId, store: StoreId) -> Result<&Campaign, Refusal> {
        let unknown = || Refusal::from(TableRefusal::NotATemplate(template));
        let (merchant, _) = self.store(store).ok_or_else(unknown)?;
        let known = self.campaign(template).ok_or_else(unknown)?;
        let is_theirs = template.table().is_none()
            && known.terms.kind == Kind::Treat
            && self.merchant_of(template) == Some(merchant);
        is_theirs.then_some(&known.terms).ok_or_else(unknown)
    }

    fn decide_cancel_table(
        &self,
        id: TableId,
        store: StoreId,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<Option<Answer>, Refusal> {
        let known = self.tables.get(id).filter(|known| known.store == store);
        let known = known.ok_or(TableRefusal::Unknown)?;
        if let Some(group) = known.group {
            if self.over(group) == Some(GroupState::Cancelled) {
                return Ok(Some(Answer::Done));
            }
            self.decide_cancel(group, now, events)?;
            return Ok(None);
        }
        if known.cancelled {
            return Ok(Some(Answer::Done));
        }
        if known.expires_at <= now {
            return Err(TableRefusal::Over(id).into());
        }
        events.push(Event::Table(TableEvent::Cancelled { table: id }));
        Ok(None)
    }

    /// The first guest opens the table's group; a merchant who was suspended meanwhile lets his open tables finish.
    fn decide_sit_down(
        &self,
        token: [u8; 16],
        (member, via): (MemberId, Option<MemberId>),
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<(), Refusal> {
        self.require_member(member)?;
        let id = self.table_of_token(&token).ok_or(TableRefusal::Unknown)?;
        let known = self.tables.get(id).ok_or(TableRefusal::Unknown)?;
        match known.group {
            Some(group) => self.join_group(group, (member, via), now, events),
            None if known.ended_alone(now) => Err(TableRefusal::Over(id).into()),
            None => {
                if let Some(circle) = known.circle {
                    self.may_open_round(circle, member)?;
                }
                let campaign = CampaignId::of_table(id);
                self.open_group(campaign, (member, via), known.circle, now, events)
            }
        }
    }

    /// A treat is no group that anybody opens, and its table's is joined by the link alone.
    pub(crate) fn require_no_treat(&self, campaign: CampaignId) -> Result<(), Refusal> {
        let known = self.campaign(campaign);
        if known.is_some_and(|known| known.terms.kind == Kind::Treat) {
            return Err(TableRefusal::OnlyByLink.into());
        }
        Ok(())
    }

    /// A group has just been settled with these events. What was had at a table is kept the moment it is paid (rules 9.1): rewards
    /// are available, and the merchant's part is payable. So they are in a ballot in which nobody has bought: nothing can come back.
    pub(crate) fn decide_served(&self, terms: &Campaign, events: &mut Vec<Event>) {
        let at_table = terms.product.fulfilment == Fulfilment::AtTable;
        if !at_table && terms.kind != Kind::Ballot {
            return;
        }
        let mut settled = None;
        let mut sale = None;
        for event in events.iter() {
            if let Event::GroupSettled(known) = event {
                settled = Some(known);
            }
            if let Event::Alliance(AllianceEvent::GroupSold(sold)) = event {
                sale = Some((sold.merchant, sold.due));
            }
        }
        let Some(settled) = settled else { return };
        if !at_table && !settled.winners.is_empty() {
            return;
        }
        let (group, tax) = (settled.group, settled.tax);
        let orders = (settled.first_order.0..).zip(settled.buyers());
        let orders: Vec<Event> = orders
            .map(|(order, _)| Event::OrderKept {
                order: OrderId(order),
            })
            .collect();
        let waited = settled
            .rewards
            .iter()
            .filter(|reward| reward.program != ProgramKind::Consolation);
        let waited: Vec<WaitingReward> = waited
            .map(|reward| WaitingReward::of(settled, reward))
            .collect();
        events.extend(orders);
        if !waited.is_empty() {
            events.push(Event::RewardsVested {
                group,
                amounts: by_member(waited.iter(), tax),
            });
        }
        if let Some((merchant, amount)) = sale {
            events.push(Event::Alliance(AllianceEvent::SaleVested {
                group,
                merchant,
                amount,
            }));
        }
        self.decide_origin_served(group, events);
    }
}

/// What has happened.
impl World {
    pub(crate) fn apply_table(&mut self, event: &TableEvent, at: Millis) {
        match event {
            TableEvent::Opened {
                table,
                template,
                store,
                bill,
                token,
                expires_at,
                circle,
            } => {
                let count = self.tables.known.len();
                self.expect_next("table", u64::from(table.0), count);
                let known = Known {
                    template: *template,
                    store: *store,
                    bill: *bill,
                    token: *token,
                    opened_at: at,
                    expires_at: *expires_at,
                    group: None,
                    cancelled: false,
                    circle: *circle,
                };
                self.tables.known.push(known);
                self.derive_table(*table, known);
                self.forget_ended(*store);
            }
            TableEvent::Cancelled { table } => {
                let Some(known) = self.tables.get_mut(*table) else {
                    self.corrupt("a table is cancelled that was never opened");
                    return;
                };
                known.cancelled = true;
                let store = known.store;
                self.tables.open.remove(&(store, *table));
            }
        }
    }

    /// What is known of a table beside what is stored of it.
    fn derive_table(&mut self, table: TableId, known: Known) {
        let Some(template) = self.campaign(known.template) else {
            self.corrupt("a table is opened under a template that there is not");
            return;
        };
        let terms = template.terms.at_table(known.bill);
        let campaign = PublishedCampaign::new(terms, known.opened_at);
        self.tables.campaigns.push(campaign);
        self.tables.by_token.insert(known.token, table);
        self.tables.open.insert((known.store, table));
    }

    /// Tables of a store at which nobody sat down in time do not count any more.
    fn forget_ended(&mut self, store: StoreId) {
        let now = self.now;
        let tables = &mut self.tables;
        let range = (store, TableId(0))..=(store, TableId(u32::MAX));
        let of_store = tables.open.range(range).copied();
        let ended = |(_, table): &(StoreId, TableId)| {
            tables
                .get(*table)
                .is_some_and(|known| known.ended_alone(now))
        };
        let ended: Vec<(StoreId, TableId)> = of_store.filter(ended).collect();
        for table in ended {
            tables.open.remove(&table);
        }
    }

    /// The first guest has sat down.
    pub(crate) fn note_table_group(&mut self, campaign: CampaignId, group: GroupId) {
        let Some(table) = campaign.table() else {
            return;
        };
        match self.tables.get_mut(table) {
            Some(known) if known.group.is_none() => known.group = Some(group),
            Some(_) | None => self.corrupt("a table has a second group, or was never opened"),
        }
    }

    /// The group of a table is over, and so is the table.
    pub(crate) fn note_table_over(&mut self, campaign: CampaignId) {
        if let Some(table) = campaign.table()
            && let Some(store) = self.tables.get(table).map(|known| known.store)
        {
            self.tables.open.remove(&(store, table));
        }
    }

    /// After a snapshot was read, when campaigns and groups stand.
    pub(crate) fn rebuild_tables(&mut self) {
        let known = self.tables.known.clone();
        for (table, known) in (0u32..).map(TableId).zip(known) {
            self.derive_table(table, known);
            let over = match known.group {
                Some(group) => self.live(group).is_none(),
                None => known.ended_alone(self.now),
            };
            if over {
                self.tables.open.remove(&(known.store, table));
            }
        }
    }

    pub(crate) fn check_tables(&self, found: &mut Vec<String>) {
        for (table, known) in (0u32..).map(TableId).zip(&self.tables.known) {
            let campaign = CampaignId::of_table(table);
            let of_group = known.group.map(|group| self.campaign_number(group));
            if of_group.is_some_and(|named| named != Some(campaign)) {
                found.push(format!("the group of table {table} is of another campaign"));
            }
            let terms = self.campaign(campaign).map(|known| &known.terms.group);
            let fits = terms.is_some_and(|terms| {
                (terms.price, terms.seats) == (known.bill.bill, known.bill.seats)
            });
            if !fits {
                found.push(format!("table {table} has other terms than its bill"));
            }
        }
    }
}
