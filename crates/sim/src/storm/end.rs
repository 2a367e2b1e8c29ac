//! The end of a storm: the disk is whole, everybody does what is left to do, and all money must be where it belongs.

use std::collections::BTreeSet;

use domain::{Account, Actor, Command, GroupId, LeaderRule, OrderId, PublishedCampaign, Request};

use super::Run;
use crate::error::SimError;
use crate::model::GoodStage;
use crate::shop;

/// Most rounds of the end: two would do, if nothing went wrong.
const ROUNDS: u32 = 12;

impl Run {
    /// Until nothing is left to happen; then every payment was kept for a winner or went back once.
    pub(super) fn play_out(&mut self) -> Result<(), SimError> {
        self.commit_well()?;
        for _ in 0..ROUNDS {
            if !self.is_anything_left() {
                break;
            }
            self.report_what_was_paid()?;
            self.clock += 91 * 86_400_000;
            while self.tick()? {}
            self.commit_well()?;
            self.draw_all()?;
            self.send_goods()?;
            self.send_all_refunds()?;
            self.pay_everybody()?;
            self.commit_well()?;
        }
        self.check_everything()?;
        self.check_replay()?;
        self.check_money()
    }

    fn is_anything_left(&self) -> bool {
        let unreported = self.town.provider.open();
        let mut unreported = unreported.filter(|(txn, _)| !self.live.has_booked(txn));
        unreported.next().is_some()
            || !self.live.open_rooms().is_empty()
            || !self.town.awaiting.is_empty()
            || !self.town.refunds.is_empty()
            || self.live.open_drafts().next().is_some()
            || self.live.open_buyings().next().is_some()
            || self.live.waiting_tabs().next().is_some()
            || self.live.goods.values().any(|good| !good.stage.is_over())
    }

    fn report_what_was_paid(&mut self) -> Result<(), SimError> {
        let unreported = self.town.provider.open();
        let unreported: Vec<String> = unreported
            .filter(|(txn, _)| !self.live.has_booked(txn))
            .map(|(txn, _)| txn.clone())
            .collect();
        for txn in unreported {
            self.report(&txn)?;
        }
        self.commit_well()?;
        while !self.town.strays.is_empty() {
            self.stray()?;
        }
        self.commit_well()
    }

    fn draw_all(&mut self) -> Result<(), SimError> {
        while let Some(&(group, _)) = self.town.awaiting.first() {
            for (group, _) in self.town.awaiting.clone() {
                if let Some(outcome) = self.make_draw(group)? {
                    self.settle(group, outcome)?;
                }
            }
            self.commit_well()?;
            if self
                .town
                .awaiting
                .first()
                .is_some_and(|(next, _)| *next == group)
            {
                return self.differs(vec![format!("group {group} cannot be settled")]);
            }
        }
        Ok(())
    }

    fn send_goods(&mut self) -> Result<(), SimError> {
        let goods = self.live.goods.iter();
        let paid: Vec<u64> = goods
            .filter(|(_, good)| good.stage == GoodStage::Paid)
            .map(|(&number, _)| number)
            .collect();
        for number in paid {
            let order = OrderId(number);
            self.send(Request {
                actor: Actor::System,
                key: None,
                command: Command::ShipOrder { order },
            })?;
        }
        self.send_purchases()?;
        self.clock += 30 * 86_400_000;
        while self.tick()? {}
        self.commit_well()
    }

    fn send_all_refunds(&mut self) -> Result<(), SimError> {
        while !self.town.refunds.is_empty() {
            for (refund, ..) in self.town.refunds.clone() {
                self.send_refund(refund)?;
            }
            self.commit_well()?;
        }
        Ok(())
    }

    /// The provider's own book against the platform's.
    fn check_money(&mut self) -> Result<(), SimError> {
        let mut what = Vec::new();
        if self.is_anything_left() {
            what.push("something is left that nobody can bring to an end".to_owned());
        }
        let world = self.step.world();
        let sales = self.live.counter_cash() - world.balance(Account::Sales);
        let kept = self.town.provider.kept();
        if kept != sales {
            what.push(format!(
                "the provider kept {kept} for the platform, winners paid {sales}"
            ));
        }
        let (paid_out, noted) = (self.town.provider.paid_out(), self.trail.paid_out());
        if paid_out != noted || world.balance(Account::WithdrawalsDue) != 0 {
            what.push(format!(
                "the provider paid {paid_out} out, the journal says {noted}"
            ));
        }
        if world.balance(Account::RefundsDue) != 0 || world.pending_refund_count() != 0 {
            what.push("refunds are left".to_owned());
        }
        self.must_be_empty(what)
    }

    /// The draw of a full group by the simulation's beacon.
    pub(super) fn make_draw(&mut self, group: GroupId) -> Result<Option<draw::Outcome>, SimError> {
        let world = self.step.world();
        let Some(files) = world.draw_files(group) else {
            return Ok(None);
        };
        let source = world
            .campaign_of(group)
            .map(|campaign| campaign.terms.draw.source);
        let Some(domain::BeaconSource::Local { period, .. }) = source else {
            return self.differs(vec![format!("group {group} has no beacon")]);
        };
        let round = shop::round(period, files.freeze.round);
        match draw::draw(&files.open, &files.seats, &files.freeze, &round) {
            Ok(outcome) => match unfair(&outcome, world.campaign_of(group)) {
                None => Ok(Some(outcome)),
                Some(what) => self.differs(vec![format!("group {group}: {what}")]),
            },
            Err(error) => self.differs(vec![format!("group {group} cannot be drawn: {error}")]),
        }
    }
}

/// What is wrong with who has won, if anything: as many as promised, each a seat, no exempt leader.
fn unfair(outcome: &draw::Outcome, campaign: Option<&PublishedCampaign>) -> Option<String> {
    let group = &campaign?.terms.group;
    let winners: BTreeSet<u32> = outcome.winners().iter().copied().collect();
    let promised = group.winners as usize;
    let fits = winners.len() == promised
        && outcome.winners().len() == promised
        && winners.iter().all(|&winner| winner < group.seats)
        && !(group.leader == LeaderRule::Exempt && winners.contains(&0));
    (!fits).then(|| format!("{:?} win of {group:?}", outcome.winners()))
}
