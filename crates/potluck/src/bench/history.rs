//! Whole lives of groups, one after the other: opened, filled, drawn, settled, refunded, shipped, kept.
//!
//! Why without the engine's threads: what is measured with it is what such a history leaves behind, in memory or in a
//! journal, and not how long it took to make.

use std::collections::BTreeMap;

use domain::{
    Answer, Campaign, CampaignId, Command, GroupId, Millis, OrderId, PaymentAnswer, RefundId,
    Refusal, Request, Timer, World,
};
use draw::VerifiedRound;

use super::draws::{outcome, verified};
use super::shop::{Offer, PaymentNames, Rng, register, system, tag};

/// Time between two groups: so long that orders are kept and leave memory in the course of a history.
const BETWEEN_GROUPS_MS: i64 = 600_000;
/// When a history begins: 2027-01-15.
const BEGIN: Millis = Millis(1_800_000_000_000);
/// Most refunds and timers asked for at once.
const PAGE: usize = 1_000;

/// Executes commands, one after the other.
pub(crate) trait Executes {
    fn execute(&mut self, request: &Request, clock: Millis) -> Result<Answer, Refusal>;
    fn world(&self) -> &World;
    fn next_timer(&mut self) -> Option<Timer>;
    /// Called between two groups, and often while members are registered.
    fn pause(&mut self) -> Result<(), String>;
}

/// Memory alone.
impl Executes for World {
    fn execute(&mut self, request: &Request, clock: Millis) -> Result<Answer, Refusal> {
        World::execute(self, request, clock, &mut |_| {})
    }

    fn world(&self) -> &World {
        self
    }

    fn next_timer(&mut self) -> Option<Timer> {
        World::next_timer(self)
    }

    fn pause(&mut self) -> Result<(), String> {
        Ok(())
    }
}

/// A shop whose groups live one after the other.
pub(crate) struct History {
    offer: Offer,
    clock: Millis,
    rng: Rng,
    names: PaymentNames,
    rounds: BTreeMap<u64, VerifiedRound>,
    last_refund: Option<RefundId>,
    next_order: u64,
    between_groups_ms: i64,
}

impl History {
    /// Publishes the campaign on an empty world.
    pub(crate) fn begin(on: &mut dyn Executes, terms: Campaign) -> Result<History, String> {
        let seats = terms.group.seats;
        let publish = system(Command::PublishCampaign {
            campaign: Box::new(terms),
        });
        ask(on, &publish, BEGIN)?;
        let published = on.world().campaign(CampaignId(0));
        let published = published.ok_or("the campaign is not there")?.hash;
        Ok(History {
            offer: Offer {
                members: 0,
                seats,
                published,
            },
            clock: BEGIN,
            rng: Rng::new(0),
            names: PaymentNames::new(0),
            rounds: BTreeMap::new(),
            last_refund: None,
            next_order: 0,
            between_groups_ms: BETWEEN_GROUPS_MS,
        })
    }

    /// Registers members until there are so many.
    pub(crate) fn register_up_to(
        &mut self,
        on: &mut dyn Executes,
        members: u32,
    ) -> Result<(), String> {
        for member in self.offer.members..members {
            ask(on, &register(member), self.clock)?;
            if member.is_multiple_of(1_000) {
                on.pause()?;
            }
        }
        self.offer.members = members;
        on.pause()
    }

    /// From now on no time passes, so that nothing lapses and no group expires.
    pub(crate) fn stop_the_clock(&mut self) {
        self.between_groups_ms = 0;
    }

    /// The whole life of one group.
    pub(crate) fn live(&mut self, on: &mut dyn Executes) -> Result<(), String> {
        let group = self.fill(on, self.offer.seats)?;
        self.settle(on, group)
    }

    /// Opens a group and fills so many of its seats; with all of them it waits for its draw.
    pub(crate) fn fill(&mut self, on: &mut dyn Executes, seats: u32) -> Result<GroupId, String> {
        self.clock.0 += self.between_groups_ms;
        self.ticks(on)?;
        let leader = self.offer.member(&mut self.rng);
        let opened = self.ask(on, &self.offer.open(leader))?;
        let Answer::Reserved { payment, .. } = opened else {
            return Err(format!("an answer that cannot be: {opened:?}"));
        };
        let group = self.offer.group(payment.group, seats)?;
        let tag = tag(leader, &group.ident);
        let accept = self.offer.accept(payment, self.names.next(), tag);
        self.seated(on, &accept)?;
        for number in 1..seats {
            let (member, via) = self.offer.neighbour(leader, number);
            let txn = self.names.next();
            let join = self.offer.join_paid(&group, member, Some(via), txn);
            self.seated(on, &join)?;
        }
        on.pause()?;
        Ok(group.id)
    }

    /// Draws and settles a full group; its refunds are confirmed, its orders shipped and received.
    pub(crate) fn settle(&mut self, on: &mut dyn Executes, group: GroupId) -> Result<(), String> {
        let world = on.world();
        let round = world.group(group).and_then(|group| group.round);
        let files = world.draw_files(group);
        let (Some(round), Some(files)) = (round, files) else {
            return Err(format!("group {group} is not full"));
        };
        let verified = match self.rounds.get(&round) {
            Some(known) => known.clone(),
            None => verified(round)?,
        };
        let settle = outcome(group, &files, &verified)?;
        // A history's groups are minutes apart, so a round decides one of them.
        self.rounds = BTreeMap::from([(round, verified)]);
        self.ask(on, &system(settle))?;
        self.confirm_refunds(on)?;
        self.deliver(on)?;
        on.pause()
    }

    fn confirm_refunds(&mut self, on: &mut dyn Executes) -> Result<(), String> {
        loop {
            let page = on.world().pending_refunds(self.last_refund, PAGE);
            let Some(last) = page.last() else {
                return Ok(());
            };
            self.last_refund = Some(last.refund);
            for pending in &page {
                let confirm = Command::ConfirmRefund {
                    refund: pending.refund,
                };
                self.ask(on, &system(confirm))?;
            }
        }
    }

    fn deliver(&mut self, on: &mut dyn Executes) -> Result<(), String> {
        while let Some(&domain::Order { member, .. }) = on.world().order(OrderId(self.next_order)) {
            let order = OrderId(self.next_order);
            self.next_order += 1;
            self.ask(on, &system(Command::ShipOrder { order }))?;
            self.ask(on, &system(Command::ReceiveOrder { order, member }))?;
        }
        Ok(())
    }

    /// What time has made due.
    fn ticks(&mut self, on: &mut dyn Executes) -> Result<(), String> {
        while let Some((at, due)) = on.next_timer()
            && at <= self.clock
        {
            self.ask(on, &system(Command::Tick(due)))?;
        }
        Ok(())
    }

    fn seated(&self, on: &mut dyn Executes, request: &Request) -> Result<(), String> {
        match self.ask(on, request)? {
            Answer::Payment(PaymentAnswer::Seated(_)) => Ok(()),
            answer @ (Answer::Payment(PaymentAnswer::Bounced { .. } | PaymentAnswer::Known)
            | Answer::Done
            | Answer::Member(_)
            | Answer::Campaign(_)
            | Answer::Reserved { .. }
            | Answer::Withdrawal(_)
            | Answer::Merchant(_)
            | Answer::Store(_)
            | Answer::Sku(_)
            | Answer::Purchase(_)
            | Answer::Counter(_)
            | Answer::Table(_)) => Err(format!("an answer that cannot be: {answer:?}")),
        }
    }

    fn ask(&self, on: &mut dyn Executes, request: &Request) -> Result<Answer, String> {
        ask(on, request, self.clock)
    }
}

fn ask(on: &mut dyn Executes, request: &Request, clock: Millis) -> Result<Answer, String> {
    on.execute(request, clock)
        .map_err(|refusal| format!("refused where it cannot be: {refusal}"))
}
