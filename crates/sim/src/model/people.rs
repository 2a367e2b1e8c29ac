//! Rules 2.4 and 3: members, inviters, VIP levels and idempotency keys.

use std::collections::BTreeSet;

use domain::{Actor, IdempotencyKey};

use super::{DAY, Held, Kept, Mistake, Model, Outcome, Purse, Told, refused};

#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(super) inviter: Option<u32>,
    /// Whom he invited, settled or not.
    invited: Vec<u32>,
    /// Whether a seat of his was ever in a drawn group.
    pub(super) settled: bool,
    pub(super) ready: Purse,
    /// Whether a reward of his was ever taken back: his money may stand below zero for that reason alone.
    pub(super) clawed_back: bool,
    /// When coins of his are lost, and how many.
    pub(super) lots: Vec<(i64, i64)>,
    /// Live rooms where he has or had a place.
    pub(super) rooms: BTreeSet<u64>,
    /// Rooms whose rewards wait for him.
    pub(super) waits: BTreeSet<u64>,
}

impl Model {
    pub(super) fn sign_up(&mut self, token: [u8; 16], inviter: Option<u32>) -> Outcome {
        if let Some(&number) = self.index.tokens.get(&token) {
            return Outcome::nothing(Told::Member(number));
        }
        if inviter.is_some_and(|inviter| !self.people.contains_key(&inviter)) {
            return refused("inviter_unknown");
        }
        let number = u32::try_from(self.people.len()).unwrap_or(u32::MAX);
        self.index.tokens.insert(token, number);
        let person = Person {
            inviter: None,
            invited: Vec::new(),
            settled: false,
            ready: Purse::default(),
            clawed_back: false,
            lots: Vec::new(),
            rooms: BTreeSet::new(),
            waits: BTreeSet::new(),
        };
        self.people.insert(number, person);
        self.person(number);
        if let Some(inviter) = inviter {
            self.bind(number, inviter);
        }
        Outcome::done(Told::Member(number))
    }

    pub(super) fn bind(&mut self, number: u32, inviter: u32) {
        self.person(number).inviter = Some(inviter);
        self.person(inviter).invited.push(number);
    }

    /// Rules 3.1: bound once, never to himself or to somebody below him.
    pub(super) fn bind_inviter(&mut self, member: u32, via: Option<u32>) {
        let Some(via) = via else { return };
        let mut above = Some(via);
        while let Some(upper) = above {
            if upper == member {
                return;
            }
            above = self.people.get(&upper).and_then(|person| person.inviter);
        }
        if self.person(member).inviter.is_none() {
            self.bind(member, via);
            self.count_ranks();
        }
    }

    /// His seat was in a drawn group: that counts for whoever invited him.
    pub(super) fn note_settled(&mut self, number: u32) {
        let first = !std::mem::replace(&mut self.person(number).settled, true);
        if let Some(inviter) = self.person(number).inviter {
            self.person(inviter);
            if first {
                self.count_ranks();
            }
        }
    }

    /// Direct invitees who have had a settled seat.
    pub(super) fn active_invitees(&self, number: u32) -> u32 {
        let Some(person) = self.people.get(&number) else {
            return 0;
        };
        let everybody = self.mistake == Some(Mistake::VipOfAllInvitees);
        let invited = person.invited.iter().filter_map(|at| self.people.get(at));
        let active = invited.filter(|invited| invited.settled || everybody);
        u32::try_from(active.count()).unwrap_or(u32::MAX)
    }

    /// Rules 3.2 with the thresholds of plan 1.
    pub(super) fn vip(&self, number: u32) -> u32 {
        match self.active_invitees(number) {
            0 => 0,
            1..=2 => 1,
            3..=5 => 2,
            6.. => 3,
        }
    }

    /// What his seats in open and full groups have paid.
    pub(super) fn in_groups(&self, number: u32) -> i64 {
        let rooms = self.people.get(&number).into_iter();
        let rooms = rooms.flat_map(|person| &person.rooms);
        let mut sum = 0;
        for room in rooms {
            let price = self.offer_of(*room).map_or(0, |offer| offer.group.price.0);
            let live = self.rooms.get(room).filter(|room| room.is_live());
            for place in live.into_iter().flat_map(|room| room.places.values()) {
                if place.member == number && matches!(place.held, Held::Paid { .. }) {
                    sum += price;
                }
            }
        }
        sum
    }

    /// What waits for return windows.
    pub(super) fn waiting(&self, number: u32) -> Purse {
        let mut sum = Purse::default();
        let waits = self.people.get(&number).into_iter();
        for room in waits.flat_map(|person| &person.waits) {
            let of_room = self.waiting_rewards.get(room).into_iter().flatten();
            for one in of_room.filter(|one| one.member == number) {
                sum.add(one.purse);
            }
        }
        sum
    }

    /// What this key was used for in the last 24 hours.
    pub(super) fn kept(&self, actor: Actor, key: &IdempotencyKey, now: i64) -> Option<Kept> {
        let life = if self.mistake == Some(Mistake::KeyForgottenEarly) {
            DAY - 3_600_000
        } else {
            DAY
        };
        let mut kept = self.keys.get(&actor).into_iter().flatten().rev();
        kept.find(|kept| kept.key.key == key.key && now < kept.at + life)
            .copied()
    }

    /// Whether so many keys of an actor are kept since this moment that an older one may have made room for them.
    pub(crate) fn has_no_room(&self, actor: Actor, since: i64) -> bool {
        let kept = self.keys.get(&actor).into_iter().flatten();
        64 <= kept.filter(|kept| since <= kept.at).count()
    }

    /// Keeps a key for 24 hours, at most 64 of one actor; nothing is kept for somebody unknown.
    pub(super) fn keep(&mut self, actor: Actor, key: IdempotencyKey, told: Told) {
        let now = self.now;
        if let Actor::Member(member) = actor
            && !self.people.contains_key(&member.0)
        {
            return;
        }
        let kept = self.keys.entry(actor).or_default();
        kept.retain(|kept| now < kept.at + DAY);
        kept.push(Kept { at: now, key, told });
        let too_many = kept.len().saturating_sub(64);
        kept.drain(..too_many);
    }
}
