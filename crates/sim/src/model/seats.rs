//! Rules 5: opening, joining, paying, leaving, and what ends a group without a draw.

use domain::{Bounce, Campaign, ChannelTerms, Command, PaymentId};

use super::{Held, Mistake, Model, Outcome, Place, Room, Sealed, Stage, Told, offers, refused};

/// Where a payment was met before.
pub(super) enum Met {
    /// It holds this seat of an open or full group, or held it.
    Seat(PaymentId, u32),
    /// It is on its way back, or came to an open or full group and went back.
    Returned,
    /// It has paid a purchase that goes on, or a bill that stands.
    Bought,
}

/// Money as the channel reported it.
struct Paid<'a> {
    txn: &'a str,
    amount: i64,
    tag: [u8; 32],
}

impl Model {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "`decide` sends those about seats"
    )]
    pub(super) fn decide_seats(&mut self, command: &Command, now: i64) -> Outcome {
        match command {
            Command::OpenGroup {
                campaign,
                member,
                via,
            } => self.open(campaign.0, member.0, via.map(|via| via.0), now),
            Command::JoinGroup { group, member, via } => {
                self.join(group.0, member.0, via.map(|via| via.0), now)
            }
            Command::LeaveGroup { group, member } => self.leave(group.0, member.0),
            Command::AcceptPayment {
                payment,
                txn,
                amount,
                tag,
            } => {
                let paid = Paid {
                    txn: txn.as_str(),
                    amount: amount.0,
                    tag: *tag,
                };
                self.paid(*payment, &paid, now)
            }
            Command::JoinPaid {
                group,
                member,
                via,
                txn,
                amount,
                tag,
            } => {
                let paid = Paid {
                    txn: txn.as_str(),
                    amount: amount.0,
                    tag: *tag,
                };
                self.join_paid((group.0, member.0, via.map(|via| via.0)), &paid, now)
            }
            Command::BouncePayment {
                payment,
                txn,
                amount,
                ..
            } => {
                let paid = Paid {
                    txn: txn.as_str(),
                    amount: amount.0,
                    tag: [0; 32],
                };
                self.stray(payment.map(|payment| payment.group.0), &paid)
            }
            Command::CancelGroup { group } => match self.open_room(group.0) {
                Ok(_) => self.close(group.0, Stage::Cancelled),
                Err(code) => refused(code),
            },
            Command::VoidGroup { group } => self.void(group.0, now),
            _ => unreachable!("not about seats"),
        }
    }

    fn unknown(&self, member: u32, via: Option<u32>) -> Option<&'static str> {
        if !self.people.contains_key(&member) {
            return Some("member_unknown");
        }
        let via_known = via.is_none_or(|via| self.people.contains_key(&via));
        (!via_known).then_some("inviter_unknown")
    }

    fn open(&mut self, offer: u32, member: u32, via: Option<u32>, now: i64) -> Outcome {
        if let Some(code) = self.unknown(member, via) {
            return refused(code);
        }
        let Some(terms) = self.offers.get(&offer).cloned() else {
            return refused("campaign_unknown");
        };
        if !self.can_promise(&terms) {
            return refused("amount_too_large");
        }
        self.promise(&terms);
        let expires = now + terms.group.fill_within.0;
        let number = u64::try_from(self.rooms.len()).unwrap_or(u64::MAX);
        self.rooms.insert(
            number,
            Room {
                offer,
                leader: member,
                expires,
                stage: Stage::Open,
                places: Default::default(),
                returned: Vec::new(),
                accepted: 0,
                sealed: Vec::new(),
            },
        );
        self.index.open_rooms.insert(number);
        self.reserve(number, member, via, now)
    }

    fn join(&mut self, room: u64, member: u32, via: Option<u32>, now: i64) -> Outcome {
        if let Some(code) = self.unknown(member, via) {
            return refused(code);
        }
        if let Err(code) = self.open_room(room) {
            return refused(code);
        }
        match self.why_not(room, member) {
            Some(Bounce::LeaderNotPaid) => refused("leader_not_paid"),
            Some(Bounce::SeatLimit) => refused("seat_limit"),
            Some(_) => refused("group_full"),
            None => self.reserve(room, member, via, now),
        }
    }

    fn open_room(&self, room: u64) -> Result<&Room, &'static str> {
        match self.rooms.get(&room) {
            None => Err("group_unknown"),
            Some(room) if room.stage == Stage::Open => Ok(room),
            Some(_) => Err("group_not_open"),
        }
    }

    /// The first rule that stands against one more seat for this member.
    fn why_not(&self, number: u64, member: u32) -> Option<Bounce> {
        let (room, offer) = (self.rooms.get(&number)?, self.offer_of(number)?);
        if room.paid() == 0 {
            return Some(Bounce::LeaderNotPaid);
        }
        if room.stage != Stage::Open || offer.group.seats as usize <= room.taken() {
            return Some(Bounce::GroupFull);
        }
        let paid_only = self.mistake == Some(Mistake::LimitCountsPaidOnly);
        let his = room.places.values().filter(|place| {
            place.member == member
                && place.is_taken()
                && !(paid_only && place.held == Held::Reserved)
        });
        (room.most_seats(member, offer) as usize <= his.count()).then_some(Bounce::SeatLimit)
    }

    /// Holds a place: his lapsed one again, else a new one.
    fn reserve(&mut self, number: u64, member: u32, via: Option<u32>, now: i64) -> Outcome {
        let via = via.filter(|&via| via != member);
        self.bind_inviter(member, via);
        self.touched.rooms.insert(number);
        self.person(member).rooms.insert(number);
        let window = self
            .offer_of(number)
            .map_or(0, |offer| offer.group.payment_window.0);
        let Some(room) = self.rooms.get_mut(&number) else {
            return refused("group_unknown");
        };
        let pay_by = (now + window).min(room.expires);
        let lapsed = room.places.iter_mut().rev();
        let mut lapsed =
            lapsed.filter(|(_, place)| place.member == member && place.held == Held::Lapsed);
        let index = if let Some((&index, place)) = lapsed.next() {
            place.held = Held::Reserved;
            place.pay_by = pay_by;
            place.via = via.or(place.via);
            index
        } else {
            let index = u32::try_from(room.places.len()).unwrap_or(u32::MAX);
            let place = Place {
                member,
                via,
                held: Held::Reserved,
                pay_by,
                txn: None,
                tag: [0; 32],
            };
            room.places.insert(index, place);
            index
        };
        Outcome::done(Told::Reserved(payment_of(number, index), pay_by))
    }

    /// Where a payment was met before, as far as anything of it still goes on.
    pub(super) fn met(&self, txn: &str) -> Option<Met> {
        if self.back.get(txn).is_some_and(|back| !back.paid) {
            return Some(Met::Returned);
        }
        let booked = *self.index.booked.get(txn)?;
        if booked.is_none() && (self.has_bought(txn) || self.has_paid_a_tab(txn)) {
            return Some(Met::Bought);
        }
        let number = booked?;
        let room = self.rooms.get(&number).filter(|room| room.is_live());
        if let Some(room) = room {
            if room.returned.iter().any(|returned| returned == txn) {
                return Some(Met::Returned);
            }
            let mut places = room.places.iter();
            let held = places.find(|(_, place)| place.txn.as_deref() == Some(txn));
            if let Some((&index, place)) = held {
                return Some(Met::Seat(payment_of(number, index), place.member));
            }
        }
        None
    }

    fn paid(&mut self, payment: PaymentId, paid: &Paid<'_>, now: i64) -> Outcome {
        match self.met(paid.txn) {
            Some(Met::Seat(seat, _)) if seat != payment => {
                return refused("payment_used_elsewhere");
            }
            Some(Met::Seat(..) | Met::Returned | Met::Bought) => {
                return Outcome::nothing(Told::Known);
            }
            None => {}
        }
        let number = payment.group.0;
        let live = self.rooms.get(&number).filter(|room| room.is_live());
        let Some(place) = live.and_then(|room| room.places.get(&payment.index)) else {
            return refused("payment_not_in_memory");
        };
        let (held, member) = (place.held, place.member);
        let price = self.offer_of(number).map_or(0, |offer| offer.group.price.0);
        let why = match held {
            _ if paid.amount != price => Some(Bounce::AmountDiffers),
            Held::Paid { .. } | Held::Refunded => Some(Bounce::SecondPayment),
            Held::Reserved => None,
            Held::Lapsed => self.why_not(number, member),
        };
        match why {
            Some(why) => self.bounce(Some(number), paid, why),
            None if paid.tag == [0; 32] => refused("tag_missing"),
            None => self.seat(payment, paid, now),
        }
    }

    fn join_paid(&mut self, join: (u64, u32, Option<u32>), paid: &Paid<'_>, now: i64) -> Outcome {
        let (number, member, via) = join;
        match self.met(paid.txn) {
            Some(Met::Seat(seat, whose)) if seat.group.0 != number || whose != member => {
                return refused("payment_used_elsewhere");
            }
            Some(Met::Seat(..) | Met::Returned | Met::Bought) => {
                return Outcome::nothing(Told::Known);
            }
            None => {}
        }
        let live = self.rooms.get(&number).is_some_and(Room::is_live);
        if !live || !self.people.contains_key(&member) {
            return refused("group_over");
        }
        let via = via.filter(|via| self.people.contains_key(via));
        let price = self.offer_of(number).map_or(0, |offer| offer.group.price.0);
        if paid.amount != price {
            return self.bounce(Some(number), paid, Bounce::AmountDiffers);
        }
        let room = self.rooms.get(&number).into_iter();
        let mut waiting = room.flat_map(|room| room.places.iter().rev());
        let waiting =
            waiting.find(|(_, place)| place.member == member && place.held == Held::Reserved);
        if let Some((&index, _)) = waiting {
            if paid.tag == [0; 32] {
                return refused("tag_missing");
            }
            return self.seat(payment_of(number, index), paid, now);
        }
        if let Some(why) = self.why_not(number, member) {
            return self.bounce(Some(number), paid, why);
        }
        if paid.tag == [0; 32] {
            return refused("tag_missing");
        }
        let reserved = self.reserve(number, member, via, now);
        if let Told::Reserved(payment, _) = reserved.told {
            return self.seat(payment, paid, now);
        }
        reserved
    }

    fn stray(&mut self, group: Option<u64>, paid: &Paid<'_>) -> Outcome {
        if self.met(paid.txn).is_some() {
            return Outcome::nothing(Told::Known);
        }
        let why = match group
            .and_then(|group| self.rooms.get(&group))
            .map(|room| room.stage)
        {
            Some(Stage::Expired) => Bounce::GroupExpired,
            Some(Stage::Cancelled) => Bounce::GroupCancelled,
            Some(Stage::Void) => Bounce::GroupVoid,
            Some(Stage::Settled) => Bounce::GroupSettled,
            Some(Stage::Open | Stage::Full { .. }) | None => Bounce::NothingToPay,
        };
        self.bounce(group, paid, why)
    }

    /// Refunded in full at once.
    fn bounce(&mut self, group: Option<u64>, paid: &Paid<'_>, why: Bounce) -> Outcome {
        let offer = group.and_then(|group| self.offer_of(group));
        let channel = offer.map(|offer| offer.channel).unwrap_or_default();
        let outcome = self.bounce_by(channel, group, (paid.txn, paid.amount), why);
        let room = group.and_then(|group| self.rooms.get_mut(&group));
        let live = room.filter(|room| room.is_live() && outcome.changed);
        if let Some(room) = live {
            room.returned.push(paid.txn.to_owned());
        }
        outcome
    }

    /// What came for a purchase, and can buy nothing.
    pub(super) fn bounce_for(
        &mut self,
        channel: ChannelTerms,
        paid: (&str, i64),
        why: Bounce,
    ) -> Outcome {
        self.bounce_by(channel, None, paid, why)
    }

    fn bounce_by(
        &mut self,
        terms: ChannelTerms,
        group: Option<u64>,
        (txn, amount): (&str, i64),
        why: Bounce,
    ) -> Outcome {
        if amount <= 0 {
            return refused("amount_not_positive");
        }
        let channel = self.money.channel.checked_add(amount);
        if channel.is_none_or(|channel| i64::MAX / 2 < channel) {
            return refused("amount_too_large");
        }
        let fee = self.fee_by(amount, terms);
        self.money.channel += amount - fee;
        self.money.fees += fee;
        self.book(txn, group);
        self.owe_back(txn, amount, if terms.kept_on_refund { 0 } else { fee });
        Outcome::done(Told::Bounced(why))
    }

    /// What the channel takes.
    pub(super) fn fee(&self, amount: i64, offer: &Campaign) -> i64 {
        self.fee_by(amount, offer.channel)
    }

    fn fee_by(&self, amount: i64, terms: ChannelTerms) -> i64 {
        if self.mistake == Some(Mistake::FeeRoundedDown) {
            return (i128::from(amount) * i128::from(terms.fee.0)).div_euclid(1_000_000) as i64;
        }
        fee_of(amount, terms)
    }

    /// The place is paid; with the last one the group is sealed.
    fn seat(&mut self, payment: PaymentId, paid: &Paid<'_>, now: i64) -> Outcome {
        let number = payment.group.0;
        let Some(offer) = self.offer_of(number).cloned() else {
            return refused("campaign_unknown");
        };
        let fee = self.fee(paid.amount, &offer);
        self.money.channel += paid.amount - fee;
        self.money.fees += fee;
        self.book(paid.txn, Some(number));
        self.touched.rooms.insert(number);
        let Some(room) = self.rooms.get_mut(&number) else {
            return refused("group_unknown");
        };
        let turn = room.accepted;
        room.accepted += 1;
        if let Some(place) = room.places.get_mut(&payment.index) {
            place.held = Held::Paid { turn };
            place.txn = Some(paid.txn.to_owned());
            place.tag = paid.tag;
            self.touched.people.insert(place.member);
        }
        if room.paid() == offer.group.seats as usize {
            room.stage = Stage::Full {
                frozen_at: now.div_euclid(1000),
            };
            self.index.open_rooms.remove(&number);
            self.seal(number, &offer);
        }
        Outcome::done(Told::Seated(payment))
    }

    /// Rules 3.6: what rewards depend on is read once, now.
    fn seal(&mut self, number: u64, offer: &Campaign) {
        let depth = super::rewards::generations(offer);
        let Some(room) = self.rooms.get(&number) else {
            return;
        };
        let places = room.places.iter();
        let mut seats: Vec<(u64, u32, &Place)> = places
            .filter_map(|(&index, place)| match place.held {
                Held::Paid { turn } => Some((turn, index, place)),
                Held::Reserved | Held::Lapsed | Held::Refunded => None,
            })
            .collect();
        seats.sort_by_key(|(turn, ..)| *turn);
        let sealed = seats.into_iter().map(|(_, place, seat)| {
            let mut above = Vec::new();
            let mut at = seat.member;
            while above.len() < depth
                && let Some(upper) = self.people.get(&at).and_then(|person| person.inviter)
            {
                above.push((upper, self.vip(upper)));
                at = upper;
            }
            Sealed {
                place,
                member: seat.member,
                tag: seat.tag,
                via: seat.via,
                above,
            }
        });
        let sealed = sealed.collect();
        if let Some(room) = self.rooms.get_mut(&number) {
            room.sealed = sealed;
        }
    }

    fn leave(&mut self, number: u64, member: u32) -> Outcome {
        if let Err(code) = self.open_room(number) {
            return refused(code);
        }
        let Some(room) = self.rooms.get_mut(&number) else {
            return refused("group_unknown");
        };
        let his = room
            .places
            .iter()
            .filter(|(_, place)| place.member == member && place.is_taken());
        let his: Vec<u32> = his.map(|(&index, _)| index).collect();
        if his.is_empty() {
            return refused("not_in_group");
        }
        let leader_gone = member == room.leader;
        for index in his {
            self.give_up(number, index);
        }
        if leader_gone {
            return self.close(number, Stage::Cancelled);
        }
        Outcome::done(Told::Done)
    }

    /// A held place becomes free: unpaid it lapses, paid it is refunded.
    pub(super) fn give_up(&mut self, number: u64, index: u32) {
        let Some(offer) = self.offer_of(number).cloned() else {
            return;
        };
        self.touched.rooms.insert(number);
        let Some(room) = self.rooms.get_mut(&number) else {
            return;
        };
        let Some(place) = room.places.get_mut(&index) else {
            return;
        };
        match place.held {
            Held::Reserved => place.held = Held::Lapsed,
            Held::Paid { .. } => {
                place.held = Held::Refunded;
                let Some(txn) = place.txn.clone() else { return };
                self.touched.people.insert(place.member);
                let price = offer.group.price.0;
                let kept = offer.channel.kept_on_refund;
                let fee_back = if kept { 0 } else { self.fee(price, &offer) };
                self.owe_back(&txn, price, fee_back);
            }
            Held::Lapsed | Held::Refunded => {}
        }
    }

    /// Not full by the deadline, cancelled or void: every paid seat back in full, no reward of any kind.
    fn close(&mut self, number: u64, stage: Stage) -> Outcome {
        let Some(room) = self.rooms.get_mut(&number) else {
            return refused("group_unknown");
        };
        room.stage = stage;
        let all: Vec<u32> = room.places.keys().copied().collect();
        for index in all {
            self.give_up(number, index);
        }
        if let Some(offer) = self.offer_of(number).cloned() {
            self.unpromise(&offer);
        }
        self.room_is_over(number);
        Outcome::done(Told::Done)
    }

    pub(super) fn room_is_over(&mut self, number: u64) {
        self.index.open_rooms.remove(&number);
        self.touched.rooms.insert(number);
        let places = self.rooms.get(&number).into_iter();
        let members: Vec<u32> = places
            .flat_map(|room| room.places.values().map(|place| place.member))
            .collect();
        for member in members {
            self.person(member).rooms.remove(&number);
        }
    }

    fn void(&mut self, number: u64, now: i64) -> Outcome {
        let Some(room) = self.rooms.get(&number).filter(|room| room.is_live()) else {
            return refused("group_unknown");
        };
        let Stage::Full { frozen_at } = room.stage else {
            return refused("group_not_full");
        };
        let Some((_, round_time)) = self
            .offer_of(number)
            .map(|offer| round_of(offer, frozen_at))
        else {
            return refused("campaign_unknown");
        };
        if now.div_euclid(1000) < round_time + 86_400 {
            return refused("too_early_to_void");
        }
        self.close(number, Stage::Void)
    }

    /// Reservations lapse at their deadlines, in their order; without its leader's payment a group is cancelled;
    /// at its own deadline it expires. At the deadline it is too late.
    pub(super) fn due_in_room(&mut self, number: u64, now: i64) -> bool {
        let Some(room) = self
            .rooms
            .get(&number)
            .filter(|room| room.stage == Stage::Open)
        else {
            return false;
        };
        let later = i64::from(self.mistake == Some(Mistake::LapsesLater));
        let mut late: Vec<(i64, u32)> = room
            .places
            .iter()
            .filter(|(_, place)| place.held == Held::Reserved && place.pay_by + later <= now)
            .map(|(&index, place)| (place.pay_by, index))
            .collect();
        late.sort_unstable();
        let expired = room.expires <= now;
        let changed = expired || !late.is_empty();
        for (_, index) in late {
            self.give_up(number, index);
            if index == 0 {
                let _ = self.close(number, Stage::Cancelled);
                return true;
            }
        }
        if expired {
            let _ = self.close(number, Stage::Expired);
        }
        changed
    }
}

impl Model {
    /// When time next changes a room by itself.
    pub(super) fn room_due_at(&self, number: u64) -> Option<i64> {
        let room = self.rooms.get(&number)?;
        if room.stage != Stage::Open {
            return None;
        }
        let waiting = room.places.values();
        let lapses = waiting
            .filter(|place| place.held == Held::Reserved)
            .map(|place| place.pay_by);
        lapses.chain([room.expires]).min()
    }
}

fn payment_of(group: u64, index: u32) -> PaymentId {
    PaymentId {
        group: domain::GroupId(group),
        index,
    }
}

pub(super) fn channel_fee(amount: i64, offer: &Campaign) -> i64 {
    fee_of(amount, offer.channel)
}

/// Rules 2.3: rounded half up.
pub(super) fn fee_of(amount: i64, terms: ChannelTerms) -> i64 {
    let fee = i128::from(amount) * i128::from(terms.fee.0) + 500_000;
    i64::try_from(fee.div_euclid(1_000_000)).expect("a fee is at most the payment")
}

/// Draw 4: the first round at least the delay after the freeze, and its time.
pub(super) fn round_of(offer: &Campaign, frozen_at: i64) -> (u64, i64) {
    let (genesis, period) = offers::beacon(offer);
    let mut round = 1;
    let wanted = frozen_at + offer.draw.delay_s.cast_signed();
    if genesis < wanted {
        round = (wanted - genesis).div_euclid(period);
        while genesis + period * (round - 1) < wanted {
            round += 1;
        }
    }
    (round.cast_unsigned(), genesis + period * (round - 1))
}
