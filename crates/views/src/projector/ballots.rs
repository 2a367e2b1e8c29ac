//! Ballots (rules 4): who has registered, and who may buy until when.

use domain::{
    BallotDrawn, BallotEvent, GroupId, GroupSettled, GroupState, MemberId, Millis, PaymentId, Right,
};

use super::batch::{Batch, Done};
use super::kept::Change;
use crate::names::SeatStatus;

impl Batch {
    pub(super) fn ballot_event(&mut self, event: &BallotEvent) -> Done {
        match event {
            BallotEvent::Registered {
                payment,
                member: _,
                tag,
            } => self.registered(*payment, *tag),
            BallotEvent::RegistrationLeft { payment, member } => {
                self.registration_left(*payment, *member)
            }
            BallotEvent::Drawn(drawn) => self.ballot_drawn(drawn),
            BallotEvent::RightsPassed {
                group,
                lapsed,
                given,
                until,
            } => {
                for right in lapsed {
                    let seat = self.seat(place(*group, right), Change::ANY)?;
                    seat.state = SeatStatus::Unused;
                }
                self.rights_given(*group, given, *until)
            }
        }
    }

    fn registered(&mut self, payment: PaymentId, tag: [u8; 32]) -> Done {
        let seat = self.seat(payment, Change::PAID)?;
        seat.state = SeatStatus::Registered;
        seat.tag = Some(tag);
        let group = self.group(payment.group, Change::PAID)?;
        group.paid = group.paid.saturating_add(1);
        Ok(())
    }

    fn registration_left(&mut self, payment: PaymentId, _member: MemberId) -> Done {
        let seat = self.seat(payment, Change::PAID)?;
        seat.state = SeatStatus::Lapsed;
        seat.tag = None;
        let group = self.group(payment.group, Change::PAID)?;
        group.paid = group.paid.saturating_sub(1);
        group.held = group.held.saturating_sub(1);
        Ok(())
    }

    fn ballot_drawn(&mut self, drawn: &BallotDrawn) -> Done {
        let group = self.group(drawn.group, Change::ANY)?;
        group.state = GroupState::Drawn;
        let campaign = group.campaign;
        let winners = drawn.given.iter().map(|right| right.seat).collect();
        let receipt = (drawn.signature, drawn.seed, winners);
        self.draw_made(drawn.group, campaign, receipt)?;
        self.rights_given(drawn.group, &drawn.given, drawn.until)
    }

    fn rights_given(&mut self, group: GroupId, given: &[Right], until: Millis) -> Done {
        for right in given {
            let seat = self.seat(place(group, right), Change::ANY)?;
            seat.state = SeatStatus::MayBuy;
            seat.pay_by = until;
        }
        Ok(())
    }

    /// Whoever had no right to buy has lost, and has nothing to get back.
    pub(super) fn ballot_over(&mut self, settled: &GroupSettled) -> Done {
        let others = settled.consoled(settled.split().1);
        for (_, seat) in others {
            let payment = PaymentId {
                group: settled.group,
                index: seat.index,
            };
            self.seat(payment, Change::ENDED)?.state = SeatStatus::Lost;
        }
        Ok(())
    }
}

fn place(group: GroupId, right: &Right) -> PaymentId {
    let index = right.index;
    PaymentId { group, index }
}
