//! A group ends: drawn and settled, or closed without a draw.

use std::collections::BTreeSet;

use domain::{
    Account, CampaignId, Closing, GroupId, GroupSettled, GroupState, Money, OrderId, PaymentId,
    ProgramKind, RefundId, SeatRef,
};

use super::batch::{Batch, Done};
use super::kept::Change;
use super::tables::{Order, Seat};
use super::wallet::WhyLine;
use crate::names::{OrderStatus, RefundReason, SeatStatus, WhyKind};

impl Batch {
    pub(super) fn group_settled(&mut self, settled: &GroupSettled) -> Done {
        let at = self.at;
        let group = self.group(settled.group, Change::ANY)?;
        group.state = GroupState::Settled;
        group.ended_at = Some(at);
        let campaign = group.campaign;
        if settled.ballot.is_none() {
            self.draw_settled(settled, campaign)?;
        }
        let won: BTreeSet<u32> = if self.campaign(campaign)?.terms.is_drawn() {
            settled.winners.iter().copied().collect()
        } else {
            BTreeSet::new()
        };
        for (order, (seat_no, seat)) in (settled.first_order.0..).zip(settled.buyers()) {
            let bought = (seat_no, won.contains(&seat_no));
            self.seat_buys(settled, (campaign, OrderId(order)), bought, seat)?;
        }
        for (refund, (seat_no, seat)) in (settled.first_refund.0..).zip(settled.refunded()) {
            self.seat_lost(settled, (campaign, RefundId(refund)), seat)?;
            self.consoled(settled, campaign, seat_no, seat)?;
        }
        if settled.ballot.is_some() {
            self.ballot_over(settled)?;
        }
        if settled.everyone_buys || settled.ballot.is_some() {
            for (seat_no, seat) in settled.consoled(settled.split().1) {
                self.consoled(settled, campaign, seat_no, seat)?;
            }
        }
        for reward in &settled.rewards {
            let (tax, _) = self.counted(settled.tax_at_once(reward))?;
            let kind = match reward.program {
                ProgramKind::Consolation => WhyKind::Consolation,
                ProgramKind::WinnerBonus
                | ProgramKind::Leader
                | ProgramKind::Formation
                | ProgramKind::Generation
                | ProgramKind::Differential
                | ProgramKind::SameLevel
                | ProgramKind::Region
                | ProgramKind::Dividend
                | ProgramKind::OriginShare => WhyKind::Reward,
            };
            let why = WhyLine::of(kind)
                .in_group(settled.group, campaign)
                .reward(reward);
            let (cash, coins) = reward.accounts();
            self.wallet(cash, reward.cash.0, why);
            self.withheld((reward.member, tax), why);
            self.wallet(coins, reward.coins.0, why);
        }
        Ok(())
    }

    fn seat_buys(
        &mut self,
        settled: &GroupSettled,
        (campaign, order): (CampaignId, OrderId),
        (seat_no, won): (u32, bool),
        buyer: SeatRef,
    ) -> Done {
        let payment = PaymentId {
            group: settled.group,
            index: buyer.index,
        };
        let seat = self.seat(payment, Change::ENDED)?;
        seat.state = if won {
            SeatStatus::Won
        } else {
            SeatStatus::Bought
        };
        seat.order = Some(order);
        let member = self.member(buyer.member)?;
        member.settled_seats = member.settled_seats.saturating_add(1);
        member.won_seats = member.won_seats.saturating_add(u64::from(won));
        let row = Order {
            payment,
            seat_no,
            member: buyer.member,
            campaign,
            price: settled.price,
            state: OrderStatus::Paid,
            at: self.at,
            shipped_at: None,
            received_by: None,
            received_at: None,
            return_until: None,
            kept_at: None,
            back_by: None,
            returned_at: None,
        };
        self.rows.orders.put(order, row);
        let why = WhyLine::of(if won {
            WhyKind::SeatWon
        } else {
            WhyKind::SeatBought
        });
        let why = why.in_group(settled.group, campaign).seat(payment);
        self.in_groups(buyer.member, settled.price.0.saturating_neg(), why)
    }

    fn seat_lost(
        &mut self,
        settled: &GroupSettled,
        (campaign, refund): (CampaignId, RefundId),
        lost: SeatRef,
    ) -> Done {
        let payment = PaymentId {
            group: settled.group,
            index: lost.index,
        };
        self.refund_seat(payment, refund, settled.price, RefundReason::Lost)?;
        let member = self.member(lost.member)?;
        member.settled_seats = member.settled_seats.saturating_add(1);
        let why = WhyLine::of(WhyKind::SeatRefunded)
            .in_group(settled.group, campaign)
            .seat(payment)
            .refund(refund);
        self.in_groups(lost.member, settled.price.0.saturating_neg(), why)
    }

    fn consoled(
        &mut self,
        settled: &GroupSettled,
        campaign: CampaignId,
        seat_no: u32,
        seat: SeatRef,
    ) -> Done {
        let payment = PaymentId {
            group: settled.group,
            index: seat.index,
        };
        let why = WhyLine::of(WhyKind::Consolation)
            .in_group(settled.group, campaign)
            .seat(payment)
            .program(ProgramKind::Consolation)
            .source(seat_no);
        let (cash, coins) = (settled.consolation_cash, settled.consolation_coins);
        let (tax, _) = self.counted(settled.tax.withheld_of(cash))?;
        self.wallet(Account::Available(seat.member), cash.0, why.base(cash));
        self.withheld((seat.member, tax), why.base(cash));
        self.wallet(Account::Coins(seat.member), coins.0, why);
        Ok(())
    }

    pub(super) fn group_closed(
        &mut self,
        id: GroupId,
        why: Closing,
        each: Money,
        (first_refund, refunds): (RefundId, &[SeatRef]),
    ) -> Done {
        let at = self.at;
        self.draw_voided(id, why)?;
        let group = self.group(id, Change::ANY)?;
        group.state = why.state();
        group.ended_at = Some(at);
        group.closing = Some(why);
        group.held = group.paid;
        let campaign = group.campaign;
        for (refund, seat) in (first_refund.0..).map(RefundId).zip(refunds) {
            let payment = PaymentId {
                group: id,
                index: seat.index,
            };
            self.refund_seat(payment, refund, each, RefundReason::Closed(why))?;
            let line = WhyLine::of(WhyKind::SeatRefunded)
                .in_group(id, campaign)
                .seat(payment)
                .refund(refund);
            self.in_groups(seat.member, each.0.saturating_neg(), line)?;
        }
        // What was only reserved is not told one by one.
        let made = self.group(id, Change::ANY)?.reservations;
        for index in 0..made {
            let payment = PaymentId { group: id, index };
            let waits =
                |seat: &&Seat| matches!(seat.state, SeatStatus::Reserved | SeatStatus::Registered);
            if self.rows.seats.get(payment).filter(waits).is_some() {
                self.seat(payment, Change::ENDED)?.state = SeatStatus::Lapsed;
            }
        }
        Ok(())
    }
}
