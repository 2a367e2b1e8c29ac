//! The county of a member's own delivery address, which goes before the one he has declared (rules 3.4).
//!
//! Why only the county stands here: name, phone and street are personal, and the journal is kept for ever.
//!
//! Why the county of a removed address counts on until its 90 days are over: whoever has declared another could else choose
//! between the two in the moment in which his group fills.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};

use crate::{
    Answer, Event, Fulfilment, MemberId, Millis, OrderId, OrderState, PurchaseId, PurchaseState,
    REGION_STANDS, Refusal, Region, World,
};

/// What is asked.
#[derive(Clone, Debug)]
pub enum DeliveryCommand {
    /// Says in which county the member's own delivery address lies.
    Set {
        /// Who.
        member: MemberId,
        /// Where.
        region: Region,
    },
    /// Takes the address away.
    Remove {
        /// Whose.
        member: MemberId,
    },
}

impl DeliveryCommand {
    /// Whose address it is.
    pub fn member(&self) -> MemberId {
        match self {
            DeliveryCommand::Set { member, .. } | DeliveryCommand::Remove { member } => *member,
        }
    }
}

/// What has happened. Stored for ever, like [`Event`]: numbers are never reused.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum DeliveryEvent {
    /// A member's own delivery address lies there from now on.
    #[n(0)]
    Set {
        /// Whose.
        #[n(0)]
        member: MemberId,
        /// In which county.
        #[n(1)]
        region: Region,
    },
    /// A member has no delivery address of his own any more.
    #[n(1)]
    Removed {
        /// Who.
        #[n(0)]
        member: MemberId,
        /// From this moment on its county does not count any more.
        #[n(1)]
        until: Millis,
    },
}

impl DeliveryEvent {
    /// All names, by the numbers of the kinds.
    pub const NAMES: [&'static str; 2] = ["delivery_set", "delivery_removed"];

    /// Its name in SQL and JSON.
    pub fn name(&self) -> &'static str {
        match self {
            DeliveryEvent::Set { .. } => "delivery_set",
            DeliveryEvent::Removed { .. } => "delivery_removed",
        }
    }
}

/// The counties of members' own delivery addresses; empty until somebody has one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Deliveries {
    #[n(0)]
    counties: BTreeMap<MemberId, County>,
}

/// Where one member's address lies, or lay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
struct County {
    #[n(0)]
    region: Region,
    /// Since when his rewards are counted by this region, by his address or by what he had declared before.
    #[n(1)]
    since: Millis,
    /// None while he has the address.
    #[n(2)]
    until: Option<Millis>,
}

/// The region that counts for a member's rewards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CountingRegion {
    pub(crate) region: Region,
    /// When it began to count.
    pub(crate) since: Millis,
}

impl CountingRegion {
    /// From when on another may take its place.
    pub(crate) fn stands_until(self) -> Millis {
        self.since.after(REGION_STANDS)
    }
}

impl Deliveries {
    pub(crate) fn is_empty(&self) -> bool {
        self.counties.is_empty()
    }

    /// Forgets an address that does not count any more: what is declared now begins to count now.
    pub(crate) fn forget_over(&mut self, member: MemberId, now: Millis) {
        if self.counting(member, now).is_none() {
            self.counties.remove(&member);
        }
    }

    fn counting(&self, member: MemberId, now: Millis) -> Option<&County> {
        let county = self.counties.get(&member)?;
        let counts = county.until.is_none_or(|until| now < until);
        counts.then_some(county)
    }
}

/// Reads.
impl World {
    /// In which county a member's own delivery address lies; none if he has none.
    pub fn delivery_region(&self, member: MemberId) -> Option<Region> {
        let county = self.deliveries.counties.get(&member)?;
        county.until.is_none().then_some(county.region)
    }

    /// Whose order this is, if it has yet to be sent to him.
    pub fn order_to_send(&self, order: OrderId) -> Option<MemberId> {
        let known = self.order(order)?;
        let waits = known.state == OrderState::Paid;
        (waits && self.fulfilment_of(known) == Fulfilment::Ship).then_some(known.member)
    }

    /// Whose purchase this is, if it has yet to be sent to him.
    pub fn purchase_to_send(&self, purchase: PurchaseId) -> Option<MemberId> {
        let known = self.purchase(purchase)?;
        let waits = match known.state {
            PurchaseState::Reserved { .. } | PurchaseState::Paid => true,
            PurchaseState::Shipped { .. }
            | PurchaseState::Waiting { .. }
            | PurchaseState::Received { .. }
            | PurchaseState::Returning { .. } => false,
        };
        // By its own terms: those of what is sold may have become others.
        let is_sent = known.fetch.is_none() && known.package.is_none();
        (waits && is_sent).then_some(known.member)
    }

    /// Whether the county of a delivery address counts, of one that was removed, too.
    pub(crate) fn counts_by_delivery(&self, member: MemberId, now: Millis) -> bool {
        self.deliveries.counting(member, now).is_some()
    }

    /// The region that counts for what agents get of a member: that of his delivery address, else the declared one.
    pub(crate) fn counting_region(&self, member: MemberId, now: Millis) -> Option<CountingRegion> {
        if let Some(county) = self.deliveries.counting(member, now) {
            return Some(CountingRegion {
                region: county.region,
                since: county.since,
            });
        }
        let declared = self.people.declared(member)?;
        let over = self.deliveries.counties.get(&member);
        let Some((county, until)) = over.and_then(|county| Some((county, county.until?))) else {
            return Some(declared);
        };
        // It was declared before, and began to count when the address did not any more; the same county just went on.
        let goes_on = declared.region == county.region;
        Some(CountingRegion {
            region: declared.region,
            since: if goes_on { county.since } else { until },
        })
    }
}

/// What is asked.
impl World {
    pub(crate) fn decide_delivery(
        &self,
        command: &DeliveryCommand,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<Option<Answer>, Refusal> {
        let member = command.member();
        self.require_member(member)?;
        let counting = self.counting_region(member, now);
        let event = match *command {
            DeliveryCommand::Set { member, region } => {
                if !region.has_no_parts() {
                    return Err(Refusal::UnknownRegion(region));
                }
                if self.delivery_region(member) == Some(region) {
                    return Ok(Some(Answer::Done));
                }
                let other = counting.filter(|counting| counting.region != region);
                if let Some(from) = other.map(CountingRegion::stands_until)
                    && now < from
                {
                    return Err(Refusal::RegionStands { from });
                }
                DeliveryEvent::Set { member, region }
            }
            DeliveryCommand::Remove { member } => {
                if self.delivery_region(member).is_none() {
                    return Ok(Some(Answer::Done));
                }
                let until = counting.map_or(now, CountingRegion::stands_until).max(now);
                DeliveryEvent::Removed { member, until }
            }
        };
        events.push(Event::Delivery(event));
        Ok(None)
    }

    pub(crate) fn apply_delivery(&mut self, event: &DeliveryEvent) {
        match *event {
            DeliveryEvent::Set { member, region } => {
                let counting = self.counting_region(member, self.now);
                let same = counting.filter(|counting| counting.region == region);
                let county = County {
                    region,
                    since: same.map_or(self.now, |counting| counting.since),
                    until: None,
                };
                self.deliveries.counties.insert(member, county);
            }
            DeliveryEvent::Removed { member, until } => {
                match self.deliveries.counties.get_mut(&member) {
                    Some(county) => county.until = Some(until),
                    None => self.corrupt(&format!("member {member} has no address to remove")),
                }
            }
        }
    }
}
