//! Treats and their tables, told once more: who may open which table, that a table's group is its own, and that what was had at a
//! table is kept in the same record in which it is paid.

use std::collections::BTreeSet;

use domain::{
    CampaignId, Event, GroupId, Kind, MAX_OPEN_TABLES, Millis, PublishedCampaign, StoreId,
    TableBill, TableEvent, TableId, TableView, World,
};

use super::{At, Good, Trail};
use crate::audit::Findings;

/// All tables.
#[derive(Debug, Default)]
pub(super) struct Book {
    known: Vec<Known>,
    tokens: BTreeSet<[u8; 16]>,
    /// Those that may still be open or wait for their draw.
    open: BTreeSet<(StoreId, TableId)>,
}

#[derive(Debug)]
struct Known {
    view: TableView,
    campaign: PublishedCampaign,
}

impl Book {
    fn get_mut(&mut self, table: TableId) -> Option<&mut Known> {
        self.known.get_mut(usize::try_from(table.0).ok()?)
    }

    fn get(&self, table: TableId) -> Option<&Known> {
        self.known.get(usize::try_from(table.0).ok()?)
    }

    /// A store's tables that are not over by now.
    fn running(&mut self, store: StoreId, now: Millis) -> usize {
        let range = (store, TableId(0))..=(store, TableId(u32::MAX));
        let of_store: Vec<TableId> = self.open.range(range).map(|(_, table)| *table).collect();
        let waits = |table: &TableId| {
            let known = self.get(*table).map(|known| known.view);
            known.is_some_and(|view| view.group.is_some() || now < view.expires_at)
        };
        let (running, ended): (Vec<_>, Vec<_>) = of_store.into_iter().partition(waits);
        for table in ended {
            self.open.remove(&(store, table));
        }
        running.len()
    }

    /// It is not open any more.
    fn end(&mut self, table: TableId) {
        if let Some(store) = self.get(table).map(|known| known.view.store) {
            self.open.remove(&(store, table));
        }
    }

    /// The circle that goes on at a table.
    pub(super) fn circle_at(&self, table: TableId) -> Option<GroupId> {
        self.get(table)?.view.circle
    }

    /// The campaign on offer that this one is, or is a table of.
    pub(super) fn offer_of(&self, campaign: CampaignId) -> CampaignId {
        let known = campaign.table().and_then(|table| self.get(table));
        known.map_or(campaign, |known| known.view.template)
    }
}

impl Trail {
    /// A campaign by its number, or a table's.
    pub(super) fn campaign_named(&self, campaign: CampaignId) -> Option<&PublishedCampaign> {
        match campaign.table() {
            None => self.campaigns.get(usize::try_from(campaign.0).ok()?),
            Some(table) => Some(&self.treats.get(table)?.campaign),
        }
    }

    /// Holds any event against the tables, before anything else takes note of it.
    pub(super) fn treats_follow(&mut self, at: At, event: &Event, findings: &mut Findings) {
        if let Event::GroupOpened {
            group,
            campaign,
            expires_at,
            ..
        } = event
        {
            self.table_begins(at, (*group, *campaign), *expires_at, findings);
        }
        if let Event::GroupClosed { group, .. } = event {
            self.table_ends(*group);
        }
        if let Event::GroupSettled(settled) = event {
            self.table_ends(settled.group);
        }
        if let Event::Table(event) = event {
            self.table_event(at, event, findings);
        }
    }

    /// The first guest's group, and no other, is a treat's.
    fn table_begins(
        &mut self,
        at: At,
        (group, campaign): (GroupId, CampaignId),
        expires_at: Millis,
        findings: &mut Findings,
    ) {
        let kind = self.campaign_named(campaign).map(|known| known.terms.kind);
        let Some(table) = campaign.table() else {
            findings.unless(kind != Some(Kind::Treat), at.0, || {
                format!("group {group} is of a treat and of no table")
            });
            return;
        };
        let known = self.treats.get_mut(table);
        let right = known.is_some_and(|known| {
            let view = &mut known.view;
            let first = view.group.replace(group).is_none() && !view.cancelled;
            first && view.expires_at == expires_at && at.1 < expires_at
        });
        findings.unless(right, at.0, || {
            format!("group {group} is not the first of table {table}, or has another deadline")
        });
    }

    fn table_ends(&mut self, group: GroupId) {
        let at = usize::try_from(group.0).ok();
        let campaign = at.and_then(|at| self.campaign_of.get(at)).copied();
        if let Some(table) = campaign.and_then(CampaignId::table) {
            self.treats.end(table);
        }
    }

    fn table_event(&mut self, at: At, event: &TableEvent, findings: &mut Findings) {
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
                let next = u32::try_from(self.treats.known.len()) == Ok(table.0);
                let new = self.treats.tokens.insert(*token);
                findings.unless(next && new, at.0, || {
                    format!("table {table} is not the next number, or has another's token")
                });
                let view = TableView {
                    table: *table,
                    template: *template,
                    store: *store,
                    bill: *bill,
                    token: *token,
                    expires_at: *expires_at,
                    group: None,
                    cancelled: false,
                    circle: *circle,
                };
                self.table_opened(at, view, findings);
            }
            TableEvent::Cancelled { table } => {
                let known = self.treats.get_mut(*table);
                let right = known.is_some_and(|known| {
                    let empty = known.view.group.is_none() && at.1 < known.view.expires_at;
                    empty && !std::mem::replace(&mut known.view.cancelled, true)
                });
                findings.unless(right, at.0, || {
                    format!("table {table} is cancelled, but was over or somebody sat at it")
                });
                self.treats.end(*table);
            }
        }
    }

    fn table_opened(&mut self, at: At, view: TableView, findings: &mut Findings) {
        let template = self.campaign_named(view.template).map(|known| &known.terms);
        let Some(template) = template.filter(|_| view.template.table().is_none()) else {
            findings.unless(false, at.0, || {
                format!(
                    "table {} is opened under a template that there is not",
                    view.table
                )
            });
            return;
        };
        let terms = template.at_table(view.bill);
        let TableBill { bill, seats } = view.bill;
        let group = &template.group;
        let in_range = template.kind == Kind::Treat
            && group.price_from.is_none_or(|least| least <= bill)
            && bill <= group.price
            && group.seats_from.unwrap_or(group.seats) <= seats
            && seats <= group.seats
            && view.expires_at == at.1.after(group.fill_within);
        findings.unless(in_range, at.0, || {
            format!("table {} is not as its template allows", view.table)
        });
        let sound = terms
            .check()
            .and_then(|()| domain::check_solvency(&terms).map(|_| ()));
        findings.unless(sound.is_ok(), at.0, || {
            format!("table {} could not pay what it promises", view.table)
        });
        findings.unless(self.may_go_on(&view), at.0, || {
            format!(
                "table {} is of a circle that cannot go on at it",
                view.table
            )
        });
        let whose = self.may_open_table(view.template, view.store);
        findings.unless(whose, at.0, || {
            format!(
                "table {} is opened at a store of another merchant, or of one who is suspended",
                view.table
            )
        });
        let running = self.treats.running(view.store, at.1);
        findings.unless(running < MAX_OPEN_TABLES, at.0, || {
            format!("store {} has more open tables than it may", view.store)
        });
        let hash = draw::hash(domain::published_file(&terms).as_bytes());
        let campaign = PublishedCampaign {
            terms,
            hash,
            published_at: at.1,
        };
        self.treats.open.insert((view.store, view.table));
        self.treats.known.push(Known { view, campaign });
    }

    /// Whether a table's circle, if it has one, began under the same template with as many seats, and waits for its next group.
    fn may_go_on(&self, view: &TableView) -> bool {
        view.circle.is_none_or(|circle| {
            let at = usize::try_from(circle.0).ok();
            let first = at.and_then(|at| self.campaign_of.get(at)).copied();
            let places = self.campaign(circle).map(|known| known.terms.group.seats);
            first.map(|first| self.treats.offer_of(first)) == Some(view.template)
                && places == Some(view.bill.seats)
                && self.circle_waits(circle)
        })
    }

    fn may_open_table(&self, template: CampaignId, store: StoreId) -> bool {
        let merchant = self.alliance.merchant_of(template);
        merchant.is_some_and(|merchant| self.alliance.may_begin_at(store, merchant))
    }

    /// Whether an order may be kept now: what was had at a table only in the record that paid it.
    pub(super) fn may_be_kept(at: At, good: &Good) -> bool {
        match good.served_at {
            Some(seq) => seq == at.0,
            None => good.received && !good.returning,
        }
    }

    /// What must not be left over at the end.
    pub(super) fn treats_finish(&self, findings: &mut Findings) {
        for (order, good) in &self.orders {
            if good.served_at.is_some() {
                findings.add(format!("order {order} was had at a table and is not kept"));
            }
        }
    }

    /// Against the replayed world.
    pub(super) fn compare_treats(&self, world: &World, findings: &mut Findings) {
        if u32::try_from(self.treats.known.len()) != Ok(world.tables()) {
            findings.add("other tables after the replay than by the events");
        }
        for known in &self.treats.known {
            let view = known.view;
            if world.table(view.table) != Some(view) {
                findings.add(format!(
                    "table {} is another after the replay than by the events",
                    view.table
                ));
            }
        }
    }
}
