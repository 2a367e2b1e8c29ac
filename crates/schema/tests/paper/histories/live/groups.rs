//! Groups are opened, filled, left, drawn and paid back, and what was bought goes out and comes back.

use domain::{
    Answer, BallotCommand, CircleCommand, Command, GroupId, GroupState, MemberId, Money, OrderId,
    PaymentId, Refusal, RightState, StoreId, TableBill, TableCommand,
};

use super::{Act, DAY_MS, Door, HOUR_MS, Live, MINUTE_MS, OnOffer, Ring, Straggler, id};

impl Live {
    /// Opens a group of some campaign and fills it as far as people come.
    pub(super) fn play(&mut self) {
        if !self.rings.is_empty() && self.dice.percent(10) {
            return self.play_again();
        }
        let on = self.on_offer[self.dice.between(0, self.on_offer.len() - 1)];
        let Some(store) = on.store else {
            let (member, via) = (id(self.somebody()), self.link());
            let campaign = on.campaign;
            let opened = self.ask(Command::OpenGroup {
                campaign,
                member,
                via,
            });
            if let Ok(Answer::Reserved { payment, .. }) = opened {
                self.take(payment);
                self.fill(payment.group, Door::Group(payment.group), 0, &[]);
                self.remember_ring(on, payment.group);
            }
            return;
        };
        let group = &self.world.campaign(on.campaign).unwrap().terms.group;
        let (most, fewest) = (group.seats, group.seats_from.unwrap_or(group.seats));
        let (dear, cheap) = (group.price.0, group.price_from.map_or(1, |from| from.0));
        let seats = self.between(fewest.into(), most.into());
        let bill = if self.dice.percent(50) {
            dear
        } else {
            self.between(cheap, dear)
        };
        let bill = TableBill {
            bill: Money(bill),
            seats: u32::try_from(seats).unwrap(),
        };
        if let Some(group) = self.table(on, store, bill, None, &[]) {
            self.remember_ring(on, group);
        }
    }

    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = usize::try_from(high - low).unwrap();
        low + i64::try_from(self.dice.between(0, span)).unwrap()
    }

    /// A cashier opens a table, and guests sit down.
    fn table(
        &mut self,
        on: OnOffer,
        store: StoreId,
        bill: TableBill,
        circle: Option<GroupId>,
        guests: &[usize],
    ) -> Option<GroupId> {
        let token = self.token();
        self.ask(Command::Table(TableCommand::Open {
            template: on.campaign,
            store,
            bill,
            circle,
            token,
        }))
        .ok()?;
        self.book.tally.add("tables", 1);
        let first = guests.first().copied();
        let member = id(first.unwrap_or_else(|| self.somebody()));
        let via = self.link();
        let sat = self.ask(Command::Table(TableCommand::Join { token, member, via }));
        let Ok(Answer::Reserved { payment, .. }) = sat else {
            return None;
        };
        self.take(payment);
        self.fill(payment.group, Door::Table(token), 0, guests);
        Some(payment.group)
    }

    fn remember_ring(&mut self, on: OnOffer, group: GroupId) {
        if !on.rotates || self.world.group(group).unwrap().state != GroupState::Full {
            return;
        }
        let terms = &self.world.campaign_of(group).unwrap().terms.group;
        let bill = TableBill {
            bill: terms.price,
            seats: terms.seats,
        };
        self.rings.push(Ring {
            circle: group,
            on,
            members: self.book.members_of(group.0),
            bill,
        });
    }

    /// A circle's next group, of the same members.
    fn play_again(&mut self) {
        let at = self.dice.between(0, self.rings.len() - 1);
        let ring = &self.rings[at];
        let (circle, on, bill) = (ring.circle, ring.on, ring.bill);
        let members = ring.members.clone();
        if let Some(store) = on.store {
            if self
                .table(on, store, bill, Some(circle), &members)
                .is_some()
            {
                self.book.tally.add("circles go on", 1);
            }
            return;
        }
        let member = id(members[0]);
        let again = self.ask(Command::Circle(CircleCommand::OpenRound { circle, member }));
        if let Ok(Answer::Reserved { payment, .. }) = again {
            self.take(payment);
            self.fill(payment.group, Door::Group(payment.group), 0, &members);
            self.book.tally.add("circles go on", 1);
        }
    }

    /// Members ask for seats until the group is full or nobody comes any more: these, or anybody.
    fn fill(&mut self, group: GroupId, door: Door, tries: usize, wanted: &[usize]) {
        let Some(view) = self.world.group(group) else {
            return;
        };
        let mut last = None;
        for turn in 0..usize::try_from(view.seats).unwrap() * 2 + 4 {
            if self.world.group(group).unwrap().state != GroupState::Open {
                return;
            }
            let member = match last {
                _ if !wanted.is_empty() => wanted[turn % wanted.len()],
                Some(last) if self.dice.percent(20) => last,
                _ => self.somebody(),
            };
            last = Some(member);
            let (member, via) = (id(member), self.link());
            let join = match door {
                Door::Group(group) if self.dice.percent(5) => {
                    self.join_paid(group, member, via);
                    continue;
                }
                Door::Group(group) => Command::JoinGroup { group, member, via },
                Door::Table(token) => Command::Table(TableCommand::Join { token, member, via }),
            };
            if let Ok(Answer::Reserved { payment, .. }) = self.ask(join) {
                self.take(payment);
            }
        }
        if self.world.group(group).unwrap().state == GroupState::Open && tries < 3 {
            let tries = tries + 1;
            self.stragglers.push(Straggler { group, door, tries });
        }
    }

    fn join_paid(&mut self, group: GroupId, member: MemberId, via: Option<MemberId>) {
        let waits = self.world.seats_of(group, member);
        if !waits.is_empty() {
            return;
        }
        let (txn, tag) = (self.txn(), self.tag(group, member));
        let amount = self.world.campaign_of(group).unwrap().terms.group.price;
        let _refused = self.ask(Command::JoinPaid {
            group,
            member,
            via,
            txn,
            amount,
            tag,
        });
        self.book.tally.add("paid before", 1);
    }

    fn tag(&self, group: GroupId, member: MemberId) -> [u8; 32] {
        let named = self.world.circle_of(group).unwrap_or(group);
        draw::hash(format!("{named}/{member}").as_bytes()).0
    }

    /// Whoever has a reservation pays it, now, late, wrongly, twice or not at all; or leaves.
    fn take(&mut self, payment: PaymentId) {
        let group = payment.group;
        let (member, _) = self.world.seat(payment).unwrap();
        if self.world.campaign_of(group).unwrap().terms.kind == domain::Kind::Ballot {
            if self.dice.percent(95) {
                let tag = self.tag(group, member);
                let _refused = self.ask(Command::Ballot(BallotCommand::Register {
                    payment,
                    member,
                    tag,
                }));
            }
            return;
        }
        match self.dice.between(1, 100) {
            1..=4 => {
                if self.dice.percent(60) {
                    self.later(7 * MINUTE_MS, Act::Pay(payment));
                }
                return;
            }
            5..=6 => self.pay(payment, 1),
            7..=8 => {
                self.pay(payment, 0);
                self.pay(payment, 0);
                return;
            }
            _ => {}
        }
        self.pay(payment, 0);
        if self.dice.percent(2) {
            let _refused = self.ask(Command::LeaveGroup { group, member });
        }
    }

    /// Reports a payment of so much more than the price. Of a group that is over the caller would look into the history: here
    /// nothing of it was dealt with before.
    fn pay(&mut self, payment: PaymentId, more: i64) {
        let txn = self.txn();
        let group = payment.group;
        let price = self.world.campaign_of(group).unwrap().terms.group.price;
        let amount = Money(price.0 + more);
        let seat = self.world.seat(payment);
        let member = seat.map_or(MemberId(0), |(member, _)| member);
        let tag = self.tag(group, member);
        let paid = self.ask(Command::AcceptPayment {
            payment,
            txn,
            amount,
            tag,
        });
        if let Err(Refusal::PaymentNotInMemory(_)) = paid {
            let _refused = self.ask(Command::BouncePayment {
                payment: Some(payment),
                member: None,
                txn,
                amount,
            });
        }
    }

    pub(super) fn go_on_with_stragglers(&mut self) {
        for straggler in std::mem::take(&mut self.stragglers) {
            let group = straggler.group;
            if self.dice.percent(6) {
                let _refused = self.ask(Command::CancelGroup { group });
            } else {
                self.fill(group, straggler.door, straggler.tries, &[]);
            }
        }
    }

    /// Draws every full group whose round is there. A few beacons never speak.
    pub(super) fn draw_all(&mut self) {
        for awaited in self.world.awaiting_draw(usize::MAX) {
            let group = awaited.group;
            if self.mute.contains(&group) || self.clock.unix_seconds() < awaited.round_time_s {
                continue;
            }
            if self.dice.percent(1) {
                self.mute.insert(group);
                self.later(DAY_MS + HOUR_MS, Act::Void(group));
                continue;
            }
            let (key, beacon) = (&self.key, &self.beacon);
            let round = self
                .rounds
                .entry(awaited.round)
                .or_insert_with_key(|round| key.verify(*round, &beacon.sign(*round)).unwrap());
            let files = self.world.draw_files(group).unwrap();
            let outcome = draw::draw(&files.open, &files.seats, &files.freeze, round).unwrap();
            let outcome = Box::new(outcome);
            self.must(Command::SettleGroup { group, outcome });
        }
    }

    /// Whoever may buy in a ballot does, or does not.
    pub(super) fn use_rights(&mut self) {
        for (group, _) in self.world.open_rights() {
            for index in self.book.places_of(group.0) {
                let payment = PaymentId { group, index };
                let open = matches!(self.world.right(payment), Some(RightState::Open(_)));
                if open && self.dice.percent(70) {
                    self.pay(payment, 0);
                }
            }
        }
    }

    /// Products go out; some will come back.
    pub(super) fn orders(&mut self) {
        for (order, group, member) in std::mem::take(&mut self.book.bought) {
            let dice = &mut self.dice;
            let percent = *self
                .returning
                .entry(group)
                .or_insert_with(|| *dice.pick(&[&0, &0, &0, &0, &0, &0, &0, &0, &50, &100]));
            let order = OrderId(order);
            self.must(Command::ShipOrder { order });
            let at_once = self.dice.percent(90);
            if at_once {
                let member = id(member);
                self.must(Command::ReceiveOrder { order, member });
            }
            if self.dice.percent(percent) {
                let received = if at_once { 0 } else { 15 * DAY_MS };
                let within = self.between(0, 6) * DAY_MS + HOUR_MS;
                self.later(received + within, Act::Return(order));
            }
        }
    }

    /// The channel confirms so many in a hundred of the refunds that wait.
    pub(super) fn refunds(&mut self, percent: usize) {
        for pending in self.world.pending_refunds(None, usize::MAX) {
            if self.dice.percent(percent) {
                let refund = pending.refund;
                self.must(Command::ConfirmRefund { refund });
            }
        }
    }

    pub(super) fn do_what_is_planned(&mut self) {
        while let Some(due) = self
            .agenda
            .first_entry()
            .filter(|due| *due.key() <= self.clock.0)
        {
            for act in due.remove() {
                self.act(act);
            }
        }
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Pay(payment) => self.pay(payment, 0),
            Act::Return(order) => {
                let Some(known) = self.world.order(order) else {
                    return;
                };
                let member = known.member;
                let sent = self.ask(Command::ReturnOrder { order, member });
                if sent.is_ok() && self.dice.percent(90) {
                    let after = self.between(0, 4) * DAY_MS;
                    self.later(after, Act::TakeBack(order));
                }
            }
            Act::TakeBack(order) => {
                let _refused = self.ask(Command::TakeBackOrder { order });
            }
            Act::Void(group) => {
                self.must(Command::VoidGroup { group });
            }
        }
    }
}
