//! What members and staff do beside groups.

use domain::{AllianceCommand, Answer, Command, MemberId, Money, PayoutOutcome};

use super::{Live, id};

impl Live {
    pub(super) fn people(&mut self) {
        let somebody = self.somebody();
        let member = id(somebody);
        match self.dice.between(0, 13) {
            0..=2 => {
                let _refused = self.ask(Command::FreezeMember { member });
                self.frozen.push(somebody);
            }
            3..=5 => {
                if let Some(member) = self.frozen.pop().map(id) {
                    let _refused = self.ask(Command::UnfreezeMember { member });
                }
            }
            6 => self.declare(somebody),
            7 => {
                if self.dice.percent(50) {
                    self.appoint();
                } else if let Some(code) = self.book.town.agents.keys().next() {
                    let region = code.parse().unwrap();
                    let _refused = self.ask(Command::DismissAgent { region });
                }
            }
            8 => self.set_rank(member),
            9 => {
                if self.dice.percent(70) {
                    self.bind_home(somebody);
                } else {
                    let end = AllianceCommand::EndHome { member };
                    let _refused = self.ask(Command::Alliance(end));
                }
            }
            10 => self.claw_back(),
            11 => {
                if let Some(rich) = self.rich() {
                    self.withdraw(rich);
                }
            }
            _ => {
                let inviter = self.dice.percent(60).then_some(somebody);
                self.register(inviter);
            }
        }
    }

    fn set_rank(&mut self, member: MemberId) {
        let plans = self.book.town.scales.len();
        let at = self.dice.between(0, plans - 1);
        let ranks = self.book.town.scales[at].ranks.len();
        let rank = self
            .dice
            .percent(60)
            .then(|| u16::try_from(self.dice.between(0, ranks)).unwrap());
        let plan = u32::try_from(at).unwrap() + 1;
        let _refused = self.ask(Command::SetRank { member, plan, rank });
    }

    /// Somebody who has money, if there is one among a few.
    fn rich(&mut self) -> Option<usize> {
        let some: Vec<usize> = (0..20).map(|_| self.somebody()).collect();
        let rich = |member: &usize| 100 <= self.book.purses[*member].available;
        some.into_iter().find(rich)
    }

    /// Takes back from somebody what he has, or has had.
    fn claw_back(&mut self) {
        let Some(rich) = self.rich() else { return };
        if self.dice.percent(50) {
            self.withdraw(rich);
        }
        let member = id(rich);
        let left = self.world.clawback_left(member).0;
        if left < 1 {
            return;
        }
        let amount = Money(if self.dice.percent(50) {
            left
        } else {
            self.between(1, left)
        });
        let _refused = self.ask(Command::ClawBack {
            member,
            amount,
            group: None,
        });
    }

    fn withdraw(&mut self, rich: usize) {
        let has = i64::try_from(self.book.purses[rich].available).unwrap();
        let amount = Money(self.between(100, has.min(5_000_000)));
        let (member, token) = (id(rich), self.token());
        let asked = self.ask(Command::Withdraw {
            member,
            token,
            amount,
            account: [1; 16],
        });
        let Ok(Answer::Withdrawal(withdrawal)) = asked else {
            return;
        };
        self.book.tally.add("withdrawn", 1);
        if self.dice.percent(20) || self.ask(Command::ApproveWithdrawal { withdrawal }).is_err() {
            self.must(Command::RejectWithdrawal { withdrawal });
            return;
        }
        let outcome = PayoutOutcome::Paid;
        self.must(Command::NotePayout {
            withdrawal,
            outcome,
        });
    }
}
