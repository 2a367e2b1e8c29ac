//! Where members are counted to live (rules 3.4): by their own delivery address, else by what they have declared.
//!
//! Told as a story of one counting region that is followed from event to event, where the world asks each time anew.

use domain::{DeliveryEvent, Millis, REGION_STANDS, Region};

use super::{At, Trail};
use crate::audit::Findings;

/// One member's.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    declared: Option<Since>,
    counting: Option<Since>,
    address: Address,
}

#[derive(Clone, Copy, Debug)]
struct Since {
    region: Region,
    at: Millis,
}

impl Since {
    fn free_from(self) -> Millis {
        self.at.after(REGION_STANDS)
    }
}

#[derive(Clone, Copy, Debug, Default)]
enum Address {
    #[default]
    Never,
    Stands,
    /// Taken away, and counts until then.
    CountsUntil(Millis),
}

impl Place {
    /// As of this moment.
    fn at(mut self, now: Millis) -> Place {
        if let Address::CountsUntil(until) = self.address
            && until <= now
        {
            self.address = Address::Never;
            let before = self.counting.map(|counting| counting.region);
            let declared = self.declared.map(|declared| declared.region);
            if declared != before {
                self.counting = declared.map(|region| Since { region, at: until });
            }
        }
        self
    }

    /// The region that counts, and from when on another may.
    pub(super) fn counts(self, now: Millis) -> (Option<Region>, Option<Millis>) {
        let counting = self.at(now).counting;
        (
            counting.map(|counting| counting.region),
            counting.map(Since::free_from),
        )
    }

    /// Whether he could declare another when he did.
    fn declare(&mut self, region: Region, now: Millis) -> bool {
        *self = self.at(now);
        // What is declared is kept in whole seconds.
        let second = now.0.saturating_add(999).div_euclid(1000);
        let declared = Since {
            region,
            at: Millis(second.saturating_mul(1000)),
        };
        let before = match self.address {
            Address::Never => self.counting.replace(declared),
            Address::Stands | Address::CountsUntil(_) => self.declared,
        };
        self.declared = Some(declared);
        before.is_none_or(|before| before.free_from() <= now)
    }

    /// Whether he could move his address there when he did.
    fn move_to(&mut self, region: Region, now: Millis) -> bool {
        *self = self.at(now);
        self.address = Address::Stands;
        match self.counting.filter(|before| before.region == region) {
            Some(_) => true,
            None => {
                let before = self.counting.replace(Since { region, at: now });
                before.is_none_or(|before| before.free_from() <= now)
            }
        }
    }

    /// Whether he had an address to take away, and it counts for as long as it must.
    fn take_away(&mut self, until: Millis, now: Millis) -> bool {
        let had = matches!(self.address, Address::Stands);
        let free_from = self.counting.map_or(now, Since::free_from);
        self.address = Address::CountsUntil(until);
        had && until == free_from.max(now)
    }
}

impl Trail {
    pub(super) fn declared(
        &mut self,
        at: At,
        (member, region): (domain::MemberId, Region),
        findings: &mut Findings,
    ) {
        findings.unless(region.has_no_parts(), at.0, || {
            format!("member {member} declares {region}, which is no smallest division")
        });
        let person = self.person_mut(member);
        let may = person.map(|person| person.place.declare(region, at.1));
        findings.unless(may == Some(true), at.0, || {
            format!("member {member} changes his region within 90 days, or there is no such member")
        });
    }

    pub(super) fn delivery_event(
        &mut self,
        at: At,
        event: &DeliveryEvent,
        findings: &mut Findings,
    ) {
        match *event {
            DeliveryEvent::Set { member, region } => {
                findings.unless(region.has_no_parts(), at.0, || {
                    format!("the address of member {member} is in {region}, which is no smallest division")
                });
                let person = self.person_mut(member);
                let may = person.map(|person| person.place.move_to(region, at.1));
                findings.unless(may == Some(true), at.0, || {
                    format!("member {member} has another delivery county within 90 days, or there is no such member")
                });
            }
            DeliveryEvent::Removed { member, until } => {
                let person = self.person_mut(member);
                let right = person.map(|person| person.place.take_away(until, at.1));
                findings.unless(right == Some(true), at.0, || {
                    format!("member {member} has no delivery address to remove, or its county counts for another time")
                });
            }
        }
    }
}
