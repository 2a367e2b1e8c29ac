//! Ballots, told once more: who has registered, who may buy until when, and to whom unused rights pass.

use std::collections::BTreeMap;

use domain::{
    BallotDrawn, BallotEvent, Event, GroupId, GroupSettled, Kind, MAX_RIGHTS_PASS, MemberId,
    Millis, PaymentId, Right,
};

use super::{At, Full, Place, Trail};
use crate::audit::Findings;

/// Drawn ballots that are not settled.
#[derive(Debug, Default)]
pub(super) struct Book(BTreeMap<GroupId, Rights>);

#[derive(Debug, Default)]
struct Rights {
    /// By score: seat, reservation and member.
    line: Vec<Right>,
    /// How many of them have or had a right.
    given: usize,
    /// Rights that can be used, by seat.
    open: BTreeMap<u32, Millis>,
    bought: Vec<u32>,
    unused: Vec<u32>,
    /// No right lasts longer.
    ends: Millis,
}

impl Rights {
    /// Who is next when so many rights are free.
    fn next(&self, free: usize) -> Vec<Right> {
        self.line
            .iter()
            .skip(self.given)
            .take(free)
            .copied()
            .collect()
    }

    fn give(&mut self, given: &[Right], until: Millis) {
        self.given += given.len();
        self.open
            .extend(given.iter().map(|right| (right.seat, until)));
    }

    fn sorted(&self, seats: &[u32]) -> Vec<u32> {
        let had = self.line.iter().map(|right| right.seat);
        had.filter(|seat| seats.contains(seat)).collect()
    }
}

impl Trail {
    /// Whether a group registers for nothing.
    pub(super) fn is_ballot(&self, group: GroupId) -> bool {
        self.campaign(group)
            .is_some_and(|campaign| campaign.terms.kind == Kind::Ballot)
    }

    /// Whether a ballot is drawn and not settled.
    pub(super) fn is_ballot_drawn(&self, group: GroupId) -> bool {
        self.ballots.0.contains_key(&group)
    }

    /// Holds any event of a drawn ballot's group against its rights, before anything else takes note of it.
    pub(super) fn ballots_follow(&mut self, at: At, event: &Event, findings: &mut Findings) {
        if let Event::PaymentAccepted { payment, .. } = event
            && self.is_ballot(payment.group)
        {
            self.right_used(at, *payment, findings);
        }
        if let Event::GroupSettled(settled) = event
            && (settled.ballot.is_some() || self.is_ballot(settled.group))
        {
            self.ballot_over(at, settled, findings);
        }
        if let Event::Ballot(event) = event {
            self.ballot_event(at, event, findings);
        }
    }

    fn ballot_event(&mut self, at: At, event: &BallotEvent, findings: &mut Findings) {
        match event {
            BallotEvent::Registered {
                payment,
                member,
                tag,
            } => self.place_taken(at, *payment, (*member, *tag), findings),
            BallotEvent::RegistrationLeft { payment, member } => {
                let place = self.open_place(*payment);
                let fits = place
                    .as_ref()
                    .is_some_and(|(_, seat)| *seat == (*member, Place::Registered));
                findings.unless(fits, at.0, || {
                    format!(
                        "member {member} leaves place {payment}, which he was not registered for"
                    )
                });
                if let Some(live) = self.live.get_mut(&payment.group) {
                    live.paid.retain(|&index| index != payment.index);
                    if let Some(seat) = live.seat_mut(*payment) {
                        seat.state = Place::Lapsed;
                    }
                }
            }
            BallotEvent::Drawn(drawn) => self.ballot_drawn(at, drawn, findings),
            BallotEvent::RightsPassed {
                group,
                lapsed,
                given,
                until,
            } => self.rights_passed(at, *group, (lapsed, given, *until), findings),
        }
    }

    /// A place of an open group, with whose it is and how it stands.
    fn open_place(&self, payment: PaymentId) -> Option<(PaymentId, (MemberId, Place))> {
        let live = self.live.get(&payment.group)?;
        let seat = live.seat(payment).filter(|_| live.full.is_none())?;
        Some((payment, (seat.member, seat.state)))
    }

    fn place_taken(
        &mut self,
        at: At,
        payment: PaymentId,
        (member, tag): (MemberId, [u8; 32]),
        findings: &mut Findings,
    ) {
        let place = self.open_place(payment).map(|(_, seat)| seat);
        let fits = place == Some((member, Place::Reserved))
            && tag != [0; 32]
            && self.is_ballot(payment.group);
        findings.unless(fits, at.0, || {
            format!("member {member} is registered for place {payment}, which he does not hold, or which must be paid")
        });
        if let Some(live) = self.live.get_mut(&payment.group)
            && let Some(seat) = live.seat_mut(payment)
        {
            seat.state = Place::Registered;
            seat.tag = tag;
            live.paid.push(payment.index);
        }
    }

    /// The draw made again, the order of all scores included.
    fn ballot_drawn(&mut self, at: At, drawn: &BallotDrawn, findings: &mut Findings) {
        let group = drawn.group;
        let full = self.live.get(&group).and_then(|live| live.full.clone());
        let campaign = self.campaign(group).cloned();
        let (Some(full), Some(campaign)) = (full, campaign) else {
            findings.unless(false, at.0, || {
                format!("group {group} is drawn, but it was not full")
            });
            return;
        };
        findings.unless(!self.is_ballot_drawn(group), at.0, || {
            format!("group {group} is drawn a second time")
        });
        let facts = (&drawn.signature, &drawn.seed);
        let winners = self.check_draw_of(at, (group, &full), facts, findings);
        let line = line_of(&full, &drawn.signature);
        let order: Vec<u32> = line.iter().map(|right| right.seat).collect();
        findings.unless(order == drawn.order, at.0, || {
            format!("the order of group {group}'s draw is not that of its scores")
        });
        let most = winners.map_or(drawn.given.len(), |winners| winners.len());
        let mut rights = Rights {
            line,
            ends: at.1.after(MAX_RIGHTS_PASS),
            ..Rights::default()
        };
        let until = at.1.after(campaign.terms.group.payment_window);
        let right = rights.next(most) == drawn.given && drawn.until == until;
        findings.unless(right, at.0, || {
            format!("those who may buy in group {group} are not those who were drawn, or for another time")
        });
        rights.give(&drawn.given, drawn.until);
        self.ballots.0.insert(group, rights);
    }

    fn rights_passed(
        &mut self,
        at: At,
        group: GroupId,
        (lapsed, given, until): (&[Right], &[Right], Millis),
        findings: &mut Findings,
    ) {
        let window = self
            .campaign(group)
            .map(|campaign| campaign.terms.group.payment_window);
        let (Some(window), Some(rights)) = (window, self.ballots.0.get_mut(&group)) else {
            findings.unless(false, at.0, || {
                format!("rights pass in group {group}, which is not drawn")
            });
            return;
        };
        let open = &rights.open;
        let due = |right: &&Right| open.get(&right.seat).is_some_and(|&due| due <= at.1);
        let expected: Vec<Right> = rights.line.iter().filter(due).copied().collect();
        findings.unless(expected == lapsed && !lapsed.is_empty(), at.0, || {
            format!("the rights that lapse in group {group} are not those whose time has come")
        });
        let pass = if until <= rights.ends {
            lapsed.len()
        } else {
            0
        };
        let right = rights.next(pass) == given && until == at.1.after(window);
        findings.unless(right, at.0, || {
            format!("unused rights of group {group} do not pass to the next lowest scores, or for another time")
        });
        for right in lapsed {
            rights.open.remove(&right.seat);
            rights.unused.push(right.seat);
        }
        rights.give(given, until);
    }

    fn right_used(&mut self, at: At, payment: PaymentId, findings: &mut Findings) {
        let rights = self.ballots.0.get_mut(&payment.group);
        let used = rights.and_then(|rights| {
            let right = rights
                .line
                .iter()
                .find(|right| right.index == payment.index)?;
            let until = rights.open.remove(&right.seat)?;
            rights.bought.push(right.seat);
            (at.1 < until).then_some(())
        });
        findings.unless(used.is_some(), at.0, || {
            format!("payment {payment} is accepted in a ballot without a right to buy, or too late")
        });
    }

    /// Nobody can buy any more: who has bought, and whose rights were not used.
    fn ballot_over(&mut self, at: At, settled: &GroupSettled, findings: &mut Findings) {
        let group = settled.group;
        let rights = self.ballots.0.remove(&group);
        let told = settled.ballot.as_ref().map(|ballot| {
            let mut unused = ballot.unused.clone();
            unused.sort_unstable();
            (settled.winners.clone(), unused)
        });
        let expected = rights.map(|rights| {
            findings.unless(rights.open.is_empty(), at.0, || {
                format!("group {group} is settled while somebody may still buy")
            });
            let mut unused = rights.unused.clone();
            unused.sort_unstable();
            (rights.sorted(&rights.bought), unused)
        });
        findings.unless(told.is_some() && told == expected, at.0, || {
            format!("who has bought in group {group}, or whose right was not used, is told otherwise than it was")
        });
    }

    /// A ballot in which nobody can buy must be settled.
    pub(super) fn ballots_finish(&self, findings: &mut Findings) {
        for (group, rights) in &self.ballots.0 {
            if rights.open.is_empty() {
                findings.add(format!(
                    "group {group}: nobody can buy any more, but it is not settled"
                ));
            }
        }
    }
}

/// The seats in the order of their scores.
fn line_of(full: &Full, signature: &[u8; 48]) -> Vec<Right> {
    let Some(files) = &full.files else {
        return Vec::new();
    };
    let seed = draw::seed(&files.freeze.hash(), &draw::hash(signature));
    let count = u32::try_from(full.seats.len()).unwrap_or(u32::MAX);
    let order = draw::order(&files.open, &files.seats, &draw::scores(&seed, count));
    let right = |seat: u32| {
        let known = full.seats.get(usize::try_from(seat).ok()?)?;
        Some(Right {
            seat,
            index: known.index,
            member: known.member,
        })
    };
    order.into_iter().filter_map(right).collect()
}
