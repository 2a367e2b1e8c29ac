//! Limits that members set themselves (rules 9.7): exclusions are never shortened and nothing begins under one; what is loosened
//! waits a day.

use domain::{Event, LOOSENED_AFTER, MemberId};

use super::{At, Trail};
use crate::audit::Findings;

impl Trail {
    pub(super) fn limits_event(&mut self, at: At, event: &Event, findings: &mut Findings) {
        if let Event::SelfExcluded { member, until } = event {
            let stood = self.excluded.insert(*member, *until);
            let right = at.1 < *until && stood.is_none_or(|stood| stood < *until);
            findings.unless(right, at.0, || {
                format!("member {member} shortens his exclusion")
            });
        }
        if let Event::LimitsSet {
            member,
            holds,
            later,
        } = event
        {
            let own = self.own_limits.get(member).copied().unwrap_or_default();
            let held = own.at(at.1);
            let wanted = later.map_or(*holds, |later| later.limits);
            let waits = later.is_none_or(|later| later.from == at.1.after(LOOSENED_AFTER));
            findings.unless(*holds == held.and(wanted) && waits, at.0, || {
                format!("member {member} loosens a limit before a day has passed")
            });
            let own = OwnLimits {
                holds: *holds,
                later: *later,
            };
            self.own_limits.insert(*member, own);
        }
    }

    /// A place is reserved.
    pub(super) fn may_begin(&self, at: At, member: MemberId, findings: &mut Findings) {
        let until = self.excluded.get(&member);
        findings.unless(until.is_none_or(|until| *until <= at.1), at.0, || {
            format!("member {member} reserves a place, and has excluded himself")
        });
    }
}

/// What a member has set.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OwnLimits {
    holds: domain::MemberLimits,
    later: Option<domain::LooserLimits>,
}

impl OwnLimits {
    fn at(self, now: domain::Millis) -> domain::MemberLimits {
        let over = self.later.filter(|later| later.from <= now);
        over.map_or(self.holds, |later| later.limits)
    }
}
