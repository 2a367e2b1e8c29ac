//! One act of chance: a command, right or wrong.

use domain::{
    Actor, CampaignId, Command, Due, GatewayId, GroupId, IdempotencyKey, MemberId, Money,
    OperatorId, OrderId, RefundId, Request,
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
        if self.shape.kind == Kind::Palace {
            let campaign = Box::new(terms::grand(&mut self.rng, &self.shape));
            self.system(Command::PublishCampaign { campaign })?;
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
            113..=232 => self.join(),
            233..=362 => self.pay(),
            363..=402 => self.about_counters(),
            403..=462 => self.about_the_shop(),
            463..=592 => self.join_paid(),
            593..=622 => self.about_payouts(),
            623..=652 => self.report_again(),
            653..=667 => self.spend_elsewhere(),
            668..=677 => self.odd_money(),
            678..=707 => self.leave(),
            708..=715 => self.cancel(),
            716..=765 => self.draw(),
            766..=775 => self.void(),
            776..=855 => self.refund(),
            856..=885 => self.ship(),
            886..=905 => self.receive(),
            906..=915 => self.return_or_take_back(),
            916..=950 => self.tick().map(|_| ()),
            951..=965 => self.tick_anything(),
            966..=980 => self.stray(),
            _ => self.repeat(),
        }
    }

    /// A client's write has a key, most of the time; now and then somebody tries it in another's name.
    pub(super) fn ask(&mut self, actor: Actor, command: Command) -> Result<Told, SimError> {
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

    pub(super) fn system(&mut self, command: Command) -> Result<Told, SimError> {
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
        let invited = self.shape.invited;
        let inviter = (people != 0 && self.rng.percent(invited)).then(|| self.somebody());
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

    pub(super) fn open(&mut self) -> Result<(), SimError> {
        // A palace promises as much as it can; elsewhere a few groups at a time get filled.
        let open = self.live.open_rooms().len();
        if self.shape.kind != Kind::Palace && 12 < open && self.rng.percent(80) {
            return self.join_paid();
        }
        let campaigns = self.live.offers.len() as u64;
        let over = u64::from(self.rng.percent(2));
        let mut campaign = CampaignId(u32::try_from(self.rng.below(campaigns + over)).unwrap_or(0));
        let member = self.somebody();
        let via = self.link();
        let mut again = 1;
        if self.shape.kind == Kind::Palace && self.rng.percent(80) {
            (campaign, again) = (CampaignId(0), 100);
        }
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

    pub(super) fn link(&mut self) -> Option<MemberId> {
        self.rng.percent(45).then(|| self.somebody())
    }

    /// A group: mostly one of the oldest that are open, so that they fill; sometimes any, or one that does not exist.
    pub(super) fn group(&mut self) -> GroupId {
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

    fn return_or_take_back(&mut self) -> Result<(), SimError> {
        let order = self.an_order();
        if self.rng.percent(40) {
            let command = Command::TakeBackOrder { order };
            self.ask(Actor::Operator(OperatorId(0)), command)?;
            return Ok(());
        }
        let whose = self.live.goods.get(&order.0).map(|good| good.member);
        let member = match whose {
            Some(member) if self.rng.percent(90) => MemberId(member),
            _ => self.somebody(),
        };
        let command = Command::ReturnOrder { order, member };
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
    pub(super) fn repeat(&mut self) -> Result<(), SimError> {
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
