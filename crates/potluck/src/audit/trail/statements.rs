//! Merchants' statements (rules 10.3), counted again from the lines of the journal: each takes all that was payable when it was
//! drawn up, and none is confirmed or paid otherwise than it says.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    AllianceEvent, CounterId, Event, MerchantId, MerchantPaid, Millis, Money, RechargeEvent,
    StatementDrafted, StatementId, StatementPaid, StatementState, World,
};

use super::{At, Trail};
use crate::audit::Findings;

/// What is known of statements.
#[derive(Debug, Default)]
pub(super) struct Book {
    all: Vec<Known>,
    /// Each merchant's newest: its number, what he owed after it, and how many payments at counters there were.
    last: BTreeMap<MerchantId, Last>,
    /// With whom the drawing up of a period goes on.
    from: u32,
    /// What the bank calls transfers of merchants.
    received: BTreeSet<String>,
    /// Whose statement is drawn up again with the next event.
    drawn_again: Option<MerchantId>,
    /// Whose drafts have just been withdrawn, and what must follow.
    withdrawn: Option<(MerchantId, After)>,
}

/// What follows drafts that were withdrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    /// The bill that is taken back.
    Bill,
    /// Its cash.
    Cash,
    /// Another statement, if anything is left for it.
    Draft,
}

#[derive(Debug)]
struct Known {
    drafted: StatementDrafted,
    at: Millis,
    state: StatementState,
}

#[derive(Clone, Copy, Debug, Default)]
struct Last {
    number: u32,
    carried: i64,
    counters: u64,
}

impl Book {
    fn of(&self, merchant: MerchantId) -> Last {
        self.last.get(&merchant).copied().unwrap_or_default()
    }

    fn known_mut(&mut self, id: StatementId) -> Option<&mut Known> {
        self.all.get_mut(usize::try_from(id.0).ok()?)
    }

    /// The number of a merchant's newest.
    pub(super) fn newest(&self, merchant: MerchantId) -> u32 {
        self.of(merchant).number
    }

    /// What statements of a merchant that are not over set off.
    pub(super) fn setting_off(&self, merchant: MerchantId) -> i64 {
        let his = self
            .all
            .iter()
            .filter(|known| known.drafted.merchant == merchant);
        let open = his.filter(|known| match known.state {
            StatementState::Draft => true,
            StatementState::Confirmed => known.drafted.amount != Money(0),
            StatementState::Paid | StatementState::Withdrawn => false,
        });
        open.map(|known| known.drafted.set_off.0).sum()
    }

    /// Whether a statement tells of a payment at a counter.
    pub(super) fn tells_of(&self, counter: CounterId, merchant: MerchantId) -> bool {
        counter.0 < self.of(merchant).counters
    }
}

impl Trail {
    /// Drafts are withdrawn for a bill of their merchant only, and what is left of them is drawn up again at once.
    pub(super) fn withdrawn_follows(&mut self, at: At, event: &Event, findings: &mut Findings) {
        let Some((merchant, after)) = self.statements.withdrawn else {
            return;
        };
        if after == After::Draft {
            self.statements.withdrawn = None;
            let again = self.statement_of(merchant, StatementId(0)).is_some();
            let is_his = matches!(event, Event::Alliance(AllianceEvent::StatementDrafted(drafted)) if drafted.merchant == merchant);
            self.statements.drawn_again = is_his.then_some(merchant);
            findings.unless(is_his || !again, at.0, || {
                format!("what is left of a withdrawn statement of merchant {merchant} is not drawn up again")
            });
            return;
        }
        let next = match (after, event) {
            (After::Bill, Event::Recharge(RechargeEvent::CounterBack { .. })) => Some(After::Bill),
            (After::Bill, Event::Alliance(AllianceEvent::StatementWithdrawn(draft))) => {
                (draft.merchant == merchant).then_some(After::Bill)
            }
            (After::Bill, Event::Alliance(AllianceEvent::CounterReversed(back))) => {
                (back.merchant == merchant).then_some(After::Cash)
            }
            (After::Cash, Event::Alliance(AllianceEvent::CashBack(_))) => Some(After::Draft),
            _ => None,
        };
        self.statements.withdrawn = next.map(|next| (merchant, next));
        findings.unless(next.is_some(), at.0, || {
            format!(
                "a statement of merchant {merchant} is withdrawn for no bill that is taken back"
            )
        });
    }

    /// What must not be left over at the end.
    pub(super) fn statements_finish(&self, findings: &mut Findings) {
        if let Some((merchant, after)) = self.statements.withdrawn
            && (after != After::Draft || self.statement_of(merchant, StatementId(0)).is_some())
        {
            findings.add(format!(
                "a statement of merchant {merchant} is withdrawn for nothing"
            ));
        }
    }

    /// Before its own lines are taken note of: what was payable and owed is still known.
    pub(super) fn statement_event(
        &mut self,
        at: At,
        about: &AllianceEvent,
        findings: &mut Findings,
    ) {
        if let AllianceEvent::StatementDrafted(drafted) = about {
            self.statement_drafted(at, drafted, findings);
        }
        if let AllianceEvent::PeriodClosed { more } = about {
            self.period_closed(at, *more, findings);
        }
        if let AllianceEvent::StatementWithdrawn(draft) = about {
            let id = draft.statement;
            self.statements.withdrawn = Some((draft.merchant, After::Bill));
            let known = self.statements.known_mut(id);
            let right = known.is_some_and(|known| {
                let was = std::mem::replace(&mut known.state, StatementState::Withdrawn);
                was == StatementState::Draft && known.drafted == *draft
            });
            findings.unless(right, at.0, || {
                format!("statement {id} is withdrawn that was no draft, or said something else")
            });
        }
        if let AllianceEvent::StatementConfirmed {
            statement,
            merchant,
        } = about
        {
            let known = self.statements.known_mut(*statement);
            let nothing = known.as_ref().map(|known| known.drafted);
            let nothing = nothing.filter(|drafted| drafted.amount == Money(0));
            let right = known.is_some_and(|known| {
                let was = std::mem::replace(&mut known.state, StatementState::Confirmed);
                was == StatementState::Draft && known.drafted.merchant == *merchant
            });
            if let Some(drafted) = nothing {
                self.homes.owes_less(*merchant, drafted.set_off.0, None);
            }
            findings.unless(right, at.0, || {
                format!("statement {statement} is confirmed that was no draft of its merchant")
            });
        }
        if let AllianceEvent::StatementPaid(paid) = about {
            self.statement_paid(at, paid, findings);
        }
        if let AllianceEvent::MerchantPaid(paid) = about {
            self.merchant_paid(at, paid, findings);
        }
    }

    /// What the statement of a merchant must say now; none: he must have none.
    fn statement_of(&self, merchant: MerchantId, id: StatementId) -> Option<StatementDrafted> {
        let (payable, owes) = (
            self.counters.payable(merchant),
            self.counters.owes(merchant),
        );
        let last = self.statements.of(merchant);
        let set_off = payable.min(owes);
        (payable != 0 || owes != last.carried).then_some(StatementDrafted {
            statement: id,
            merchant,
            number: last.number + 1,
            payable: Money(payable),
            set_off: Money(set_off),
            amount: Money(payable - set_off),
            carried: Money(owes - set_off),
        })
    }

    fn statement_drafted(&mut self, at: At, drafted: &StatementDrafted, findings: &mut Findings) {
        let is_again = self.statements.drawn_again.take() == Some(drafted.merchant);
        let id = drafted.statement;
        let merchant = drafted.merchant;
        let next = u32::try_from(self.statements.all.len()) == Ok(id.0);
        findings.unless(next, at.0, || {
            format!("statement {id} is not the next number")
        });
        // What takes the place of others takes what they had.
        let left = !is_again && self.homes.is_left_out(merchant, at);
        findings.unless(!left, at.0, || {
            format!("statement {id} leaves out shares of home stores of merchant {merchant} that are payable")
        });
        let told = self.statement_of(merchant, id);
        findings.unless(told.as_ref() == Some(drafted), at.0, || {
            format!("statement {id} of merchant {merchant} is not what his lines add up to")
        });
        let last = Last {
            number: drafted.number,
            carried: drafted.carried.0,
            counters: self.counters.count(),
        };
        self.statements.last.insert(merchant, last);
        self.statements.all.push(Known {
            drafted: *drafted,
            at: at.1,
            state: StatementState::Draft,
        });
    }

    /// Nobody whose turn it was may be left out.
    fn period_closed(&mut self, at: At, more: Option<MerchantId>, findings: &mut Findings) {
        let until = more.unwrap_or(MerchantId(u32::MAX));
        let whose = self.statements.from..until.0;
        for merchant in self.counters.merchants() {
            let left = whose.contains(&merchant.0)
                && (self.statement_of(merchant, StatementId(0)).is_some()
                    || self.homes.is_left_out(merchant, at));
            findings.unless(!left, at.0, || {
                format!("merchant {merchant} has no statement of the period that is closed")
            });
        }
        self.statements.from = more.map_or(0, |merchant| merchant.0);
    }

    fn statement_paid(&mut self, at: At, paid: &StatementPaid, findings: &mut Findings) {
        let id = paid.statement;
        let known = self.statements.known_mut(id);
        let set_off = known.as_ref().map_or(0, |known| known.drafted.set_off.0);
        self.homes.owes_less(paid.merchant, set_off, None);
        let known = self.statements.known_mut(id);
        let right = known.is_some_and(|known| {
            let was = std::mem::replace(&mut known.state, StatementState::Paid);
            let days = known.at.shanghai_day()..=at.1.shanghai_day();
            was == StatementState::Confirmed
                && (known.drafted.merchant, known.drafted.amount) == (paid.merchant, paid.amount)
                && paid.amount.is_positive()
                && days.contains(&paid.on.shanghai_day())
        });
        findings.unless(right, at.0, || {
            format!("statement {id} is paid otherwise than it was confirmed, or twice")
        });
    }

    /// Once, and no more than he owes.
    fn merchant_paid(&mut self, at: At, paid: &MerchantPaid, findings: &mut Findings) {
        let merchant = paid.merchant;
        let new = self.statements.received.insert(paid.reference.clone());
        let days = at.1.shanghai_day() - paid.on.shanghai_day();
        let right = new
            && paid.amount.is_positive()
            && paid.amount.0 <= self.counters.owes(merchant)
            && (0..=366).contains(&days);
        findings.unless(right, at.0, || {
            format!("merchant {merchant} pays more than he owes, or with a transfer that was noted before")
        });
        self.homes.owes_less(merchant, paid.amount.0, None);
    }

    /// Against the replayed world.
    pub(super) fn compare_statements(&self, world: &World, findings: &mut Findings) {
        if u32::try_from(self.statements.all.len()) != Ok(world.statements()) {
            findings.add("other statements after the replay than by the events");
        }
        for known in &self.statements.all {
            let drafted = &known.drafted;
            let over = match known.state {
                StatementState::Draft => false,
                StatementState::Confirmed => drafted.amount == Money(0),
                StatementState::Paid | StatementState::Withdrawn => true,
            };
            let same = match world.statement(drafted.statement) {
                None => over,
                Some(replayed) => {
                    (&replayed.drafted, replayed.at, replayed.state)
                        == (drafted, known.at, known.state)
                        && !over
                }
            };
            if !same {
                let id = drafted.statement;
                findings.add(format!(
                    "statement {id} is another after the replay than by the events"
                ));
            }
        }
    }
}
