//! One act of chance: a command, right or wrong.

use domain::{
    Actor, CampaignId, Command, Due, GatewayId, GroupId, IdempotencyKey, MemberId, Money,
    OperatorId, OrderId, PaymentId, RefundId, Request, Txn,
};

use super::{Run, shape::Kind, terms, town};
use crate::error::SimError;
use crate::model::Told;
use crate::provider::WhatFor;

impl Run {
    /// The first people, campaigns and capital.
    pub(super) fn settle_in(&mut self) -> Result<(), SimError> {
        for number in 0..self.shape.first_members {
            self.register()?;
            if number % 500 == 499 {
                self.commit()?;
            }
        }
        if self.rng.percent(80) {
            self.deposit(self.shape.kind == Kind::Palace)?;
        }
        for _ in 0..self.shape.campaigns {
            self.publish(0)?;
        }
        self.commit()
    }

    pub(super) fn act(&mut self) -> Result<(), SimError> {
        match self.rng.below(1_000) {
            0..=39 => self.register(),
            40..=47 => self.publish(50),
            48..=52 => self.deposit(false),
            53..=112 => self.open(),
            113..=282 => self.join(),
            283..=462 => self.pay(),
            463..=622 => self.join_paid(),
            623..=652 => self.report_again(),
            653..=667 => self.spend_elsewhere(),
            668..=677 => self.odd_money(),
            678..=707 => self.leave(),
            708..=715 => self.cancel(),
            716..=765 => self.draw(),
            766..=775 => self.void(),
            776..=855 => self.refund(),
            856..=885 => self.ship(),
            886..=915 => self.receive(),
            916..=950 => self.tick().map(|_| ()),
            951..=965 => self.tick_anything(),
            966..=980 => self.stray(),
            _ => self.repeat(),
        }
    }

    /// A client's write has a key, most of the time; now and then somebody tries it in another's name.
    fn ask(&mut self, actor: Actor, command: Command) -> Result<Told, SimError> {
        let actor = match (actor, self.rng.below(100)) {
            (Actor::Member(_), 0) => Actor::Member(self.somebody()),
            (Actor::Member(_), 1) => Actor::Gateway(GatewayId(2)),
            (_, 2) => Actor::Operator(OperatorId(1)),
            (actor, _) => actor,
        };
        let key = self.rng.percent(85).then(|| {
            self.town.keys += 1;
            IdempotencyKey {
                key: self.rng.bytes16(),
                content: self.rng.bytes16(),
            }
        });
        self.send(Request {
            actor,
            key,
            command,
        })
    }

    fn system(&mut self, command: Command) -> Result<Told, SimError> {
        self.send(Request {
            actor: Actor::System,
            key: None,
            command,
        })
    }

    fn register(&mut self) -> Result<(), SimError> {
        let people = self.live.people.len() as u64;
        let again = self.shape.members <= people || self.rng.percent(4);
        let token = match self.rng.pick(&self.town.tokens) {
            Some(token) if again => *token,
            _ => self.rng.bytes16(),
        };
        town::keep(&mut self.town.tokens, 64, token);
        let inviter = (people != 0 && self.rng.percent(70)).then(|| self.somebody());
        self.system(Command::RegisterMember { token, inviter })?;
        Ok(())
    }

    fn publish(&mut self, wrong: u64) -> Result<(), SimError> {
        let shape = self.shape;
        let campaign = if self.rng.percent(wrong) {
            terms::unsound(&mut self.rng, &shape)
        } else {
            terms::sound(&mut self.rng, &shape)
        };
        let command = Command::PublishCampaign {
            campaign: Box::new(campaign),
        };
        self.ask(Actor::Operator(OperatorId(0)), command)?;
        Ok(())
    }

    fn deposit(&mut self, rich: bool) -> Result<(), SimError> {
        let most = 10_000_000_000;
        let amount = match self.rng.below(12) {
            _ if rich => most,
            0 => 0,
            1 => -self.rng.between(1, 1_000),
            2 => most + 1,
            _ => self.rng.between(1, 50_000),
        };
        let command = Command::DepositCapital {
            amount: Money(amount),
        };
        self.ask(Actor::Operator(OperatorId(0)), command)?;
        Ok(())
    }

    fn open(&mut self) -> Result<(), SimError> {
        // A palace promises as much as it can; elsewhere a few groups at a time get filled.
        let open = self.live.open_rooms().len();
        if self.shape.kind != Kind::Palace && 12 < open && self.rng.percent(80) {
            return self.join_paid();
        }
        let campaigns = self.live.offers.len() as u64;
        let over = u64::from(self.rng.percent(2));
        let campaign = CampaignId(u32::try_from(self.rng.below(campaigns + over)).unwrap_or(0));
        let member = self.somebody();
        let via = self.link();
        let again = if self.shape.kind == Kind::Palace {
            20
        } else {
            1
        };
        for _ in 0..again {
            let command = Command::OpenGroup {
                campaign,
                member,
                via,
            };
            let told = self.ask(Actor::Member(member), command)?;
            if let (Told::Reserved(payment, _), true) = (told, again == 1 && self.rng.percent(60)) {
                let price = self.live.price_of(payment.group.0).unwrap_or(1);
                let bill = WhatFor::Reservation(payment);
                let txn = self.town.provider.pay(price, member, bill);
                self.report(&txn)?;
            }
        }
        Ok(())
    }

    fn link(&mut self) -> Option<MemberId> {
        self.rng.percent(45).then(|| self.somebody())
    }

    /// A group: mostly one of the oldest that are open, so that they fill; sometimes any, or one that does not exist.
    fn group(&mut self) -> GroupId {
        let groups = self.live.rooms.len() as u64;
        let open = self.live.open_rooms();
        let at = match self.rng.below(100) {
            0..=79 => {
                // The oldest whose leader has paid.
                let mut filling = open.iter().filter(|&&room| self.live.is_filling(room));
                let oldest = filling.next().copied();
                let next = filling.next().copied().or(oldest);
                let choice = if self.rng.percent(70) { oldest } else { next };
                return GroupId(choice.or(open.first().copied()).unwrap_or(0));
            }
            80..=91 => self.rng.below(open.len().min(12) as u64),
            92..=93 => return GroupId(groups + self.rng.below(3)),
            _ => return GroupId(self.rng.below(groups)),
        };
        let at = usize::try_from(at).unwrap_or(0);
        let found = open.iter().nth(at).or(open.last());
        GroupId(found.copied().unwrap_or(0))
    }

    fn join(&mut self) -> Result<(), SimError> {
        let (group, member, via) = (self.group(), self.somebody(), self.link());
        let command = Command::JoinGroup { group, member, via };
        self.ask(Actor::Member(member), command)?;
        Ok(())
    }

    fn amount_for(&mut self, group: GroupId) -> i64 {
        let price = self.live.price_of(group.0).unwrap_or(100);
        match self.rng.below(200) {
            0 => price + 1,
            1 => (price - 1).max(1),
            2 => self.rng.between(1, 2 * price),
            _ => price,
        }
    }

    fn tag(&mut self, group: GroupId, member: MemberId) -> [u8; 32] {
        if self.rng.percent(1) {
            return [0; 32];
        }
        draw::hash(format!("{group}/{member}").as_bytes()).0
    }

    /// A member pays what he has reserved: soon, late or twice.
    fn pay(&mut self) -> Result<(), SimError> {
        let bills = self.town.bills.len();
        if bills == 0 {
            return self.open();
        }
        let newest = if self.rng.percent(70) {
            bills.min(8)
        } else {
            bills
        };
        let mut at = bills - 1 - usize::try_from(self.rng.below(newest as u64)).unwrap_or(0);
        // Nothing happens in a group until its leader has paid.
        let leaders = self
            .town
            .bills
            .iter()
            .rposition(|(payment, _)| payment.index == 0);
        if let (Some(leader), true) = (leaders, self.rng.percent(50)) {
            at = leader;
        }
        let (payment, member) = self.town.bills[at];
        if self.rng.percent(93) {
            self.town.bills.swap_remove(at);
        }
        let amount = self.amount_for(payment.group);
        let txn = self
            .town
            .provider
            .pay(amount, member, WhatFor::Reservation(payment));
        self.report(&txn)
    }

    /// A gateway's member has paid already.
    fn join_paid(&mut self) -> Result<(), SimError> {
        let (group, mut member, via) = (self.group(), self.somebody(), self.link());
        // Nothing happens in a group until its leader has paid.
        if let Some(leader) = self.live.leader_of(group.0)
            && !self.live.is_filling(group.0)
            && self.rng.percent(70)
        {
            member = MemberId(leader);
        }
        let amount = self.amount_for(group);
        let txn = self
            .town
            .provider
            .pay(amount, member, WhatFor::Join(group, via));
        self.report(&txn)
    }

    /// The provider tells of a payment.
    pub(super) fn report(&mut self, txn: &str) -> Result<(), SimError> {
        let Some(deposit) = self.town.provider.payments.get(txn).cloned() else {
            return Ok(());
        };
        if !self.town.reported.iter().any(|known| known == txn) {
            town::keep(&mut self.town.reported, 80, txn.to_owned());
        }
        let (amount, member) = (Money(deposit.amount), deposit.member);
        let target = match deposit.what_for {
            WhatFor::Reservation(payment) => Some(payment.group),
            WhatFor::Join(group, _) => Some(group),
            WhatFor::Nothing => None,
        };
        if self.in_history(txn, target) {
            return Ok(());
        }
        let name = Txn::new(txn).expect("the provider's names are short ASCII");
        match deposit.what_for {
            WhatFor::Reservation(payment) => {
                let tag = self.tag(payment.group, member);
                let command = Command::AcceptPayment {
                    payment,
                    txn: name,
                    amount,
                    tag,
                };
                self.system(command)?;
            }
            WhatFor::Join(group, via) => {
                let tag = self.tag(group, member);
                let command = Command::JoinPaid {
                    group,
                    member,
                    via,
                    txn: name,
                    amount,
                    tag,
                };
                self.ask(Actor::Gateway(GatewayId(1)), command)?;
            }
            WhatFor::Nothing => self.town.strays.push(txn.to_owned()),
        }
        Ok(())
    }

    /// Whether the server finds a payment in its history, because memory has forgotten it, and so does not ask. Of a
    /// group that is over it may ask all the same; of one that has not been opened yet it must not: money may have
    /// come for a number before there was such a group.
    pub(super) fn in_history(&self, txn: &str, target: Option<GroupId>) -> bool {
        let is_over = target.is_some_and(|target| self.live.is_over(target.0));
        self.live.has_booked(txn) && !self.live.remembers(txn) && !is_over
    }

    fn report_again(&mut self) -> Result<(), SimError> {
        let Some(txn) = self.rng.pick(&self.town.reported).cloned() else {
            return self.join_paid();
        };
        self.report(&txn)
    }

    /// A payment that was made is named for something else. What memory has forgotten the server finds in the
    /// history, and does not ask.
    fn spend_elsewhere(&mut self) -> Result<(), SimError> {
        let Some(txn) = self.rng.pick(&self.town.reported).cloned() else {
            return Ok(());
        };
        if self.in_history(&txn, None) {
            return Ok(());
        }
        let name = Txn::new(&txn).expect("the provider's names are short ASCII");
        let amount = self.town.provider.payments.get(&txn);
        let amount = Money(amount.map_or(1, |deposit| deposit.amount));
        let (group, member) = (self.group(), self.somebody());
        let tag = self.tag(group, member);
        let bill = self.rng.pick(&self.town.bills).copied();
        let command = match bill {
            Some((payment, _)) if self.rng.percent(50) => Command::AcceptPayment {
                payment,
                txn: name,
                amount,
                tag,
            },
            _ => Command::JoinPaid {
                group,
                member,
                via: None,
                txn: name,
                amount,
                tag,
            },
        };
        self.system(command)?;
        Ok(())
    }

    /// Money that nobody has paid like this.
    fn odd_money(&mut self) -> Result<(), SimError> {
        let group = self.group();
        let payment = PaymentId {
            group,
            index: u32::try_from(self.rng.below(4)).unwrap_or(0),
        };
        let member = self.somebody();
        if self.rng.percent(50) {
            let amount = self.rng.between(1, 10_000);
            let txn = self.town.provider.pay(amount, member, WhatFor::Nothing);
            self.town.strays.push(txn);
            return Ok(());
        }
        // Nobody has ever paid such an amount, so the provider knows nothing of it.
        let amount = match self.rng.below(3) {
            0 => 0,
            1 => -self.rng.between(1, 1_000),
            _ => i64::MAX - self.rng.between(0, 1_000),
        };
        self.town.keys += 1;
        let txn = Txn::new(&format!("X{}", self.town.keys)).expect("short ASCII");
        let amount = Money(amount);
        let command = if self.rng.percent(50) {
            Command::BouncePayment {
                payment: Some(payment),
                member: None,
                txn,
                amount,
            }
        } else {
            Command::AcceptPayment {
                payment,
                txn,
                amount,
                tag: [1; 32],
            }
        };
        self.system(command)?;
        Ok(())
    }

    /// What the server does with money for something no longer in memory: unless the history shows that it was dealt
    /// with, it goes back.
    pub(super) fn stray(&mut self) -> Result<(), SimError> {
        let Some(txn) = self.town.strays.pop() else {
            return self.repeat();
        };
        let Some(deposit) = self.town.provider.payments.get(&txn).cloned() else {
            return Ok(());
        };
        if self.in_history(&txn, None) {
            return Ok(());
        }
        let payment = match deposit.what_for {
            WhatFor::Reservation(payment) => Some(payment),
            WhatFor::Join(group, _) => Some(PaymentId {
                group,
                index: domain::NO_RESERVATION,
            }),
            WhatFor::Nothing => None,
        };
        let command = Command::BouncePayment {
            payment,
            member: Some(deposit.member),
            txn: Txn::new(&txn).expect("the provider's names are short ASCII"),
            amount: Money(deposit.amount),
        };
        self.system(command)?;
        Ok(())
    }

    fn leave(&mut self) -> Result<(), SimError> {
        let group = self.group();
        let somebody = self.somebody();
        let members: Vec<u32> = self.live.members_of(group.0).take(40).collect();
        let member = match self.rng.pick(&members) {
            Some(&member) if self.rng.percent(80) => MemberId(member),
            _ => somebody,
        };
        self.ask(Actor::Member(member), Command::LeaveGroup { group, member })?;
        Ok(())
    }

    fn cancel(&mut self) -> Result<(), SimError> {
        let group = self.group();
        let command = Command::CancelGroup { group };
        self.ask(Actor::Operator(OperatorId(0)), command)?;
        Ok(())
    }

    /// A full group is drawn once its round is out; now and then too early for anything, or by another's draw.
    fn draw(&mut self) -> Result<(), SimError> {
        if self.rng.percent(6)
            && let Some((of, outcome)) = self.rng.pick(&self.town.outcomes).cloned()
        {
            let group = if self.rng.percent(30) {
                of
            } else {
                self.any_full()
            };
            return self.settle(group, outcome);
        }
        let Some(&(group, round_time)) = self.rng.pick(&self.town.awaiting) else {
            return self.join_paid();
        };
        // The round is not out yet: most wait for it.
        if self.clock < round_time * 1_000 {
            if self.rng.percent(40) {
                return self.join_paid();
            }
            self.clock = round_time * 1_000;
        }
        let Some(outcome) = self.make_draw(group)? else {
            return Ok(());
        };
        town::keep(&mut self.town.outcomes, 16, (group, outcome.clone()));
        self.settle(group, outcome)
    }

    fn any_full(&mut self) -> GroupId {
        let awaiting = self.rng.pick(&self.town.awaiting).copied();
        match awaiting {
            Some((group, _)) if self.rng.percent(80) => group,
            _ => self.group(),
        }
    }

    pub(super) fn settle(
        &mut self,
        group: GroupId,
        outcome: draw::Outcome,
    ) -> Result<(), SimError> {
        let outcome = Box::new(outcome);
        self.system(Command::SettleGroup { group, outcome })?;
        Ok(())
    }

    fn void(&mut self) -> Result<(), SimError> {
        let group = self.any_full();
        let round = self.town.awaiting.iter().find(|(full, _)| *full == group);
        if let Some((_, round_time)) = round
            && self.rng.percent(15)
        {
            // No source has the value, until the very last second.
            let timeout = (round_time + 86_400) * 1_000;
            self.clock = self.clock.max(timeout - self.rng.between(0, 1));
        }
        self.system(Command::VoidGroup { group })?;
        Ok(())
    }

    /// The provider sends money back, in any order, and the platform hears of it.
    fn refund(&mut self) -> Result<(), SimError> {
        if self.rng.percent(5) {
            let refund = RefundId(self.rng.below(self.town.sent.len() as u64 * 2 + 3));
            let is_durable = self.town.refunds.iter().any(|(due, ..)| *due == refund);
            let waits = self.step.world().pending_refunds(None, usize::MAX);
            if is_durable || waits.iter().all(|pending| pending.refund != refund) {
                return self.send_refund(refund);
            }
            return Ok(());
        }
        let Some(&(refund, ..)) = self.rng.pick(&self.town.refunds) else {
            return self.join_paid();
        };
        self.send_refund(refund)
    }

    pub(super) fn send_refund(&mut self, refund: RefundId) -> Result<(), SimError> {
        let due = self.town.refunds.iter().find(|(due, ..)| *due == refund);
        if let Some((_, txn, amount)) = due.cloned() {
            self.town.sent.insert(refund);
            let sent = self.town.provider.send_back(&txn, refund, amount);
            if let Err(what) = sent
                && !txn.starts_with('X')
            {
                return self.differs(vec![what]);
            }
        }
        self.system(Command::ConfirmRefund { refund })?;
        Ok(())
    }

    fn an_order(&mut self) -> OrderId {
        let orders = self.live.goods.len() as u64;
        let newest = orders.saturating_sub(self.rng.below(30));
        if self.rng.percent(60) {
            OrderId(newest)
        } else {
            OrderId(self.rng.below(orders + 2))
        }
    }

    fn ship(&mut self) -> Result<(), SimError> {
        let order = self.an_order();
        let command = Command::ShipOrder { order };
        self.ask(Actor::Operator(OperatorId(0)), command)?;
        Ok(())
    }

    fn receive(&mut self) -> Result<(), SimError> {
        let order = self.an_order();
        let whose = self.live.goods.get(&order.0).map(|good| good.member);
        let member = match whose {
            Some(member) if self.rng.percent(90) => MemberId(member),
            _ => self.somebody(),
        };
        let command = Command::ReceiveOrder { order, member };
        self.ask(Actor::Member(member), command)?;
        Ok(())
    }

    fn tick_anything(&mut self) -> Result<(), SimError> {
        let due = if self.rng.percent(50) {
            Due::Group(self.group())
        } else {
            Due::Order(self.an_order())
        };
        self.system(Command::Tick(due))?;
        Ok(())
    }

    /// The same request once more, with the same content or, by mistake, with other.
    fn repeat(&mut self) -> Result<(), SimError> {
        let Some(mut request) = self.rng.pick(&self.town.repeatable).cloned() else {
            return self.join();
        };
        if let (true, Some(key)) = (self.rng.percent(20), &mut request.key) {
            key.content = self.rng.bytes16();
        }
        if let Command::JoinPaid { group, txn, .. } = &request.command
            && self.in_history(txn.as_str(), Some(*group))
        {
            return Ok(());
        }
        self.send(request)?;
        Ok(())
    }
}
