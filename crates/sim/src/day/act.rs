//! Carrying out plans: each becomes a command, or money at the provider.

use domain::{
    Actor, Campaign, CampaignId, Command, GatewayId, GroupId, IdempotencyKey, MemberId, OperatorId,
    RefundId, Request, Txn,
};
use engine::Step;

use super::{Freshness, Simulation};
use crate::error::SimError;
use crate::model::Stage;
use crate::plans::Plan;
use crate::provider::WhatFor;

impl Simulation {
    pub(super) fn carry_out(&mut self, step: &mut Step, plan: Plan) -> Result<(), SimError> {
        match plan {
            Plan::SignUp => self.sign_up(step),
            Plan::Visit(member) => self.visit(step, member),
            Plan::Publish(campaign) => {
                let command = Command::PublishCampaign { campaign };
                self.ask(step, Actor::Operator(OperatorId(0)), command)
            }
            Plan::Pay {
                payment,
                member,
                amount,
            } => {
                let txn = self
                    .provider
                    .pay(amount, member, WhatFor::Reservation(payment));
                self.expect_report(txn);
                Ok(())
            }
            Plan::Report(txn) => self.report(step, &txn),
            Plan::Stray(txn) => self.stray(step, &txn),
            Plan::JoinAgain(group, member) => {
                let via = self.rng.percent(20).then(|| self.somebody()).flatten();
                let command = Command::JoinGroup { group, member, via };
                self.ask(step, Actor::Member(member), command)
            }
            Plan::Leave(group, member) => self.ask(
                step,
                Actor::Member(member),
                Command::LeaveGroup { group, member },
            ),
            Plan::Cancel(group) => self.ask(
                step,
                Actor::Operator(OperatorId(0)),
                Command::CancelGroup { group },
            ),
            Plan::Settle(group) => self.settle(step, group),
            Plan::Void(group) => self.system(step, Command::VoidGroup { group }),
            Plan::Refund(refund, txn, amount) => self.send_back(refund, &txn, amount),
            Plan::Confirm(refund) => self.system(step, Command::ConfirmRefund { refund }),
            Plan::Ship(order) => self.ask(
                step,
                Actor::Operator(OperatorId(0)),
                Command::ShipOrder { order },
            ),
            Plan::Receive(order, member) => self.ask(
                step,
                Actor::Member(member),
                Command::ReceiveOrder { order, member },
            ),
            Plan::Gateway => self.gateway(step),
            Plan::Again(request) => {
                self.stats.repeated += 1;
                self.send(step, *request, Freshness::Repeated).map(|_| ())
            }
        }
    }

    /// The provider sends money back, and the platform hears of it a while later, sometimes twice.
    fn send_back(&mut self, refund: RefundId, txn: &str, amount: i64) -> Result<(), SimError> {
        if let Err(what) = self.provider.send_back(txn, refund, amount) {
            self.differs(vec![what])?;
        }
        self.stats.refunds += 1;
        let delay = self.rng.between(0, 60_000);
        self.agenda.add(self.clock + delay, Plan::Confirm(refund));
        if self.rng.percent(5) {
            self.agenda
                .add(self.clock + 2 * delay, Plan::Confirm(refund));
        }
        Ok(())
    }

    fn system(&mut self, step: &mut Step, command: Command) -> Result<(), SimError> {
        let request = Request {
            actor: Actor::System,
            key: None,
            command,
        };
        self.send(step, request, Freshness::First).map(|_| ())
    }

    /// A client's write: with a key, and sometimes sent again, with the same content or with other.
    fn ask(&mut self, step: &mut Step, actor: Actor, command: Command) -> Result<(), SimError> {
        let key = IdempotencyKey {
            key: self.rng.bytes16(),
            content: self.rng.bytes16(),
        };
        // Now and then somebody tries it in another member's name.
        let stranger = self.rng.percent(1).then(|| self.somebody()).flatten();
        let actor = match (actor, stranger) {
            (Actor::Member(_), Some(stranger)) => Actor::Member(stranger),
            (actor, _) => actor,
        };
        let request = Request {
            actor,
            key: Some(key),
            command,
        };
        if self.rng.percent(6) {
            let mut again = request.clone();
            if self.rng.percent(20) {
                again.key = Some(IdempotencyKey {
                    content: self.rng.bytes16(),
                    ..key
                });
            }
            let longest = if self.rng.percent(90) {
                60_000
            } else {
                30 * 3_600_000
            };
            let delay = self.rng.between(0, longest);
            self.agenda
                .add(self.clock + delay, Plan::Again(Box::new(again)));
        }
        self.send(step, request, Freshness::First).map(|_| ())
    }

    fn sign_up(&mut self, step: &mut Step) -> Result<(), SimError> {
        let token = self.rng.bytes16();
        let inviter = self.rng.percent(60).then(|| self.somebody()).flatten();
        let inviter = if self.rng.percent(1) {
            Some(MemberId(u32::MAX))
        } else {
            inviter
        };
        let command = Command::RegisterMember { token, inviter };
        let request = Request {
            actor: Actor::System,
            key: None,
            command,
        };
        if self.rng.percent(3) {
            let again = Plan::Again(Box::new(request.clone()));
            self.agenda.add(self.clock + 1_000, again);
        }
        self.send(step, request, Freshness::First).map(|_| ())
    }

    /// Opens a group or joins one. Most people choose one that can be joined.
    fn visit(&mut self, step: &mut Step, member: MemberId) -> Result<(), SimError> {
        let via = self.rng.percent(45).then(|| self.somebody()).flatten();
        let campaigns = u64::try_from(self.model.offers.len()).unwrap_or(0);
        let campaign = u32::try_from(self.rng.below(campaigns)).unwrap_or(0);
        let careless = self.rng.percent(4);
        let group = if careless {
            self.any_group()
        } else {
            self.group_to_join(campaign, member)
        };
        let actor = Actor::Member(member);
        let command = match group {
            Some(group) => Command::JoinGroup { group, member, via },
            None => Command::OpenGroup {
                campaign: CampaignId(campaign),
                member,
                via,
            },
        };
        self.ask(step, actor, command)
    }

    fn any_group(&mut self) -> Option<GroupId> {
        let groups = u64::try_from(self.model.rooms.len()).unwrap_or(0);
        (groups != 0).then(|| GroupId(self.rng.below(groups + 1)))
    }

    /// The oldest open group of the campaign in which this member has no place; sometimes a younger one.
    fn group_to_join(&mut self, campaign: u32, member: MemberId) -> Option<GroupId> {
        let open = self.model.rooms.iter().filter(|(_, room)| {
            room.offer == campaign
                && room.stage == Stage::Open
                && 0 < room.paid()
                && room.places.values().all(|place| place.member != member.0)
        });
        let open: Vec<u64> = open.map(|(&group, _)| group).take(3).collect();
        let oldest = open.first().copied();
        let chosen = if self.rng.percent(70) {
            oldest
        } else {
            self.rng.pick(&open).copied()
        };
        chosen.map(GroupId)
    }

    pub(super) fn somebody(&mut self) -> Option<MemberId> {
        let people = u64::try_from(self.model.people.len()).unwrap_or(0);
        let number = u32::try_from(self.rng.below(people)).ok()?;
        (people != 0).then_some(MemberId(number))
    }

    /// The provider tells of a payment, after a while, and sometimes again.
    pub(super) fn expect_report(&mut self, txn: String) {
        let delay = self.rng.between(100, 5_000);
        if self.rng.percent(10) {
            let later = self.rng.between(0, 3 * 3_600_000);
            self.agenda
                .add(self.clock + delay + later, Plan::Report(txn.clone()));
        }
        self.agenda.add(self.clock + delay, Plan::Report(txn));
    }

    fn report(&mut self, step: &mut Step, txn: &str) -> Result<(), SimError> {
        let Some(deposit) = self.provider.payments.get(txn).cloned() else {
            return Ok(());
        };
        let amount = domain::Money(deposit.amount);
        let name = Txn::new(txn).expect("the provider's names are short ASCII");
        let member = deposit.member;
        match deposit.what_for {
            WhatFor::Reservation(payment) => {
                let tag = tag(payment.group, member);
                self.system(
                    step,
                    Command::AcceptPayment {
                        payment,
                        txn: name,
                        amount,
                        tag,
                    },
                )
            }
            WhatFor::Join(group, via) => {
                let tag = tag(group, member);
                let command = Command::JoinPaid {
                    group,
                    member,
                    via,
                    txn: name,
                    amount,
                    tag,
                };
                self.ask(step, Actor::Gateway(GatewayId(1)), command)
            }
            // A day's people buy nothing without a group.
            WhatFor::Purchase(..) | WhatFor::Counter(..) | WhatFor::Nothing => Ok(()),
        }
    }

    /// What the server does with a payment for something no longer in memory: unless the history shows that it was
    /// dealt with, it is sent back.
    fn stray(&mut self, step: &mut Step, txn: &str) -> Result<(), SimError> {
        let Some(deposit) = self.provider.payments.get(txn).cloned() else {
            return Ok(());
        };
        if self.booked.contains(txn) {
            return Ok(());
        }
        self.system(step, deposit.bounce(txn))
    }

    fn settle(&mut self, step: &mut Step, group: GroupId) -> Result<(), SimError> {
        let Some(files) = step.world().draw_files(group) else {
            return Ok(());
        };
        let round = files.freeze.round;
        let drawn = self
            .key
            .verify(round, &self.beacon.sign(round))
            .map_err(|error| error.to_string());
        let drawn = drawn.and_then(|verified| {
            draw::draw(&files.open, &files.seats, &files.freeze, &verified)
                .map_err(|error| error.to_string())
        });
        match drawn {
            Ok(outcome) => {
                let command = Command::SettleGroup {
                    group,
                    outcome: Box::new(outcome),
                };
                self.system(step, command)
            }
            Err(what) => self.differs(vec![format!("group {group} cannot be drawn: {what}")]),
        }
    }

    /// Many members of a partner who have paid already join one after the other.
    fn gateway(&mut self, step: &mut Step) -> Result<(), SimError> {
        for _ in 0..self.rng.between(20, 90) {
            let Some(member) = self.somebody() else {
                return Ok(());
            };
            let campaigns = u64::try_from(self.model.offers.len()).unwrap_or(0);
            let campaign = u32::try_from(self.rng.below(campaigns)).unwrap_or(0);
            let Some(group) = self.group_to_join(campaign, member) else {
                continue;
            };
            let via = self.rng.percent(30).then(|| self.somebody()).flatten();
            let price = self.price_of(group);
            let amount = if self.rng.percent(3) {
                price + 1
            } else {
                price
            };
            let txn = self.provider.pay(amount, member, WhatFor::Join(group, via));
            if self.rng.percent(5) {
                let again = Plan::Report(txn.clone());
                let delay = self.rng.between(0, 7_200_000);
                self.agenda.add(self.clock + delay, again);
            }
            self.report(step, &txn)?;
            if self.rng.percent(4) {
                self.spend_again(step, &txn)?;
            }
        }
        Ok(())
    }

    /// A payment is named once more, for another group. As long as memory knows it, it is not taken; after that the
    /// server finds it in the history and does not ask.
    fn spend_again(&mut self, step: &mut Step, txn: &str) -> Result<(), SimError> {
        let (Some(group), Some(member)) = (self.any_group(), self.somebody()) else {
            return Ok(());
        };
        if !self.model.remembers(txn) {
            return Ok(());
        }
        let command = Command::JoinPaid {
            group,
            member,
            via: None,
            txn: Txn::new(txn).expect("the provider's names are short ASCII"),
            amount: domain::Money(self.price_of(group)),
            tag: tag(group, member),
        };
        let actor = Actor::Gateway(GatewayId(1));
        let request = Request {
            actor,
            key: None,
            command,
        };
        self.send(step, request, Freshness::Repeated).map(|_| ())
    }

    pub(super) fn price_of(&self, group: GroupId) -> i64 {
        let room = self.model.rooms.get(&group.0);
        let offer: Option<&Campaign> = room.and_then(|room| self.model.offers.get(&room.offer));
        offer.map_or(1, |offer| offer.group.price.0)
    }
}

/// A member's tag in a group; the real one is made from a secret in the directory.
fn tag(group: GroupId, member: MemberId) -> [u8; 32] {
    draw::hash(format!("{group}/{member}").as_bytes()).0
}
