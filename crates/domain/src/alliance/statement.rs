//! Statements (rules 10.3): at the end of each month of Shanghai what is payable to a merchant is drawn up, what he owes is set
//! off, and the rest is confirmed and then paid.
//!
//! Why a statement takes what the accounts hold and lists nothing: its lines are the ledger's lines of the merchant's accounts
//! since the statement before, up to its own. So they add up to the ledger by what they are, and nothing is told twice.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};

use super::{
    AllianceEvent, AllianceRefusal, MAX_SHARES_VESTED, MAX_TRANSFER_AGE_DAYS, MerchantAccount,
    home::SharesReady,
};
use crate::{
    Account, Answer, CounterId, DAY_MS, Due, Event, MerchantId, Millis, Money, Overflow, Refusal,
    World, ids::id, owed,
};

pub(super) type Move<'a> = &'a mut dyn FnMut(Account, Account, i64) -> Result<(), Overflow>;

id!(
    /// One statement of a merchant. Public decimal.
    StatementId(u32)
);

/// Most statements that are drawn up in one record; the others follow at once.
pub const MAX_DRAFTED: usize = 256;
/// Longest reference of a bank transfer, in characters.
pub const MAX_REFERENCE_CHARS: usize = 64;

/// What is payable to a merchant, drawn up. `amount` is `payable` less `set_off`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct StatementDrafted {
    /// Its number.
    #[n(0)]
    pub statement: StatementId,
    /// Whose.
    #[n(1)]
    pub merchant: MerchantId,
    /// Which of his statements, from 1.
    #[n(2)]
    pub number: u32,
    /// All that was payable to him.
    #[n(3)]
    pub payable: Money,
    /// What he owed and is set off against it.
    #[n(4)]
    pub set_off: Money,
    /// What he is to be paid.
    #[n(5)]
    pub amount: Money,
    /// What he owes still: the next statement begins with it.
    #[n(6)]
    pub carried: Money,
}

/// A statement was paid by bank transfer.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct StatementPaid {
    /// Which.
    #[n(0)]
    pub statement: StatementId,
    /// Whose.
    #[n(1)]
    pub merchant: MerchantId,
    /// How much.
    #[n(2)]
    pub amount: Money,
    /// What the bank calls the transfer.
    #[n(3)]
    pub reference: String,
    /// The day of the transfer, by the midnight of Shanghai with which it begins.
    #[n(4)]
    pub on: Millis,
}

/// How far a statement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum StatementState {
    /// It waits to be confirmed.
    #[n(0)]
    Draft,
    /// It waits to be paid; where nothing is to be paid, it is over.
    #[n(1)]
    Confirmed,
    /// The merchant has the money.
    #[n(2)]
    Paid,
    /// It was a draft, and something that it tells of was taken back: another takes its place, if anything is left.
    #[n(3)]
    Withdrawn,
}

impl StatementState {
    /// All of them.
    pub const ALL: [StatementState; 4] = [
        StatementState::Draft,
        StatementState::Confirmed,
        StatementState::Paid,
        StatementState::Withdrawn,
    ];

    /// Its name in SQL and JSON.
    pub fn name(self) -> &'static str {
        match self {
            StatementState::Draft => "draft",
            StatementState::Confirmed => "confirmed",
            StatementState::Paid => "paid",
            StatementState::Withdrawn => "withdrawn",
        }
    }
}

/// A statement that is not over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Statement {
    /// What it says.
    #[n(0)]
    pub drafted: StatementDrafted,
    /// When it was drawn up.
    #[n(1)]
    pub at: Millis,
    /// Draft or confirmed.
    #[n(2)]
    pub state: StatementState,
}

/// A transfer, as an operator reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// What the bank calls it.
    pub reference: String,
    /// The midnight with which its day begins.
    pub on: Millis,
}

/// Everything of statements. Empty until a merchant is due or owes something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Statements {
    #[n(0)]
    next: u32,
    /// Those that are not over.
    #[n(1)]
    open: BTreeMap<StatementId, Statement>,
    /// The newest of each merchant who had one.
    #[n(2)]
    last: BTreeMap<MerchantId, Last>,
    /// When the running period ends; none while nobody is due or owes anything new.
    #[n(3)]
    look_at: Option<Millis>,
    /// With whom the drawing up of a period goes on.
    #[n(4)]
    from: Option<MerchantId>,
}

/// A merchant's newest statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
struct Last {
    #[n(0)]
    number: u32,
    /// What he owed after it.
    #[n(1)]
    carried: Money,
    /// Payments at counters with smaller numbers stand in it, or in one before.
    #[n(2)]
    counters: u64,
}

impl Statements {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Statements::default()
    }
}

impl StatementDrafted {
    pub(super) fn lines(&self, move_money: Move<'_>) -> Result<(), Overflow> {
        let of = |account| Account::Merchant(account, self.merchant);
        let payable = of(MerchantAccount::Payable);
        move_money(of(MerchantAccount::Owes), payable, self.set_off.0)?;
        move_money(of(MerchantAccount::Stated), payable, self.amount.0)
    }

    /// The same, undone.
    pub(super) fn lines_back(&self, move_money: Move<'_>) -> Result<(), Overflow> {
        let of = |account| Account::Merchant(account, self.merchant);
        let payable = of(MerchantAccount::Payable);
        move_money(payable, of(MerchantAccount::Owes), self.set_off.0)?;
        move_money(payable, of(MerchantAccount::Stated), self.amount.0)
    }
}

impl StatementPaid {
    pub(super) fn lines(&self, move_money: Move<'_>) -> Result<(), Overflow> {
        let stated = Account::Merchant(MerchantAccount::Stated, self.merchant);
        move_money(Account::Bank, stated, self.amount.0)
    }
}

/// Hot reads.
impl World {
    /// A statement that is not over.
    pub fn statement(&self, id: StatementId) -> Option<&Statement> {
        self.statements.open.get(&id)
    }

    /// How many statements there were; their numbers are below this.
    pub fn statements(&self) -> u32 {
        self.statements.next
    }

    /// Statements that are not over, by number.
    pub fn open_statements(&self) -> impl Iterator<Item = &Statement> {
        self.statements.open.values()
    }

    /// What statements that are not over say that a merchant is to be paid.
    pub fn merchant_stated(&self, merchant: MerchantId) -> Money {
        owed(
            self.alliance
                .merchant_balance(MerchantAccount::Stated, merchant),
        )
    }

    pub(crate) fn statements_due_at(&self) -> Option<Millis> {
        self.statements.look_at
    }
}

impl World {
    /// What a merchant's statement would say now, with at most so many shares of his home stores that have become payable.
    fn drafted(
        &self,
        (merchant, statement): (MerchantId, u32),
        now: Millis,
        most_shares: usize,
    ) -> Result<Drawn, Overflow> {
        let balance = |account| self.alliance.merchant_balance(account, merchant);
        let payable = owed(balance(MerchantAccount::Payable));
        let owes = Money(balance(MerchantAccount::Owes));
        let shares = self.counter_shares_ready(merchant, now, most_shares);
        let payable = payable.plus(shares.amount())?;
        let drafted = self.drafted_of(merchant, statement, (payable, owes))?;
        Ok(Drawn { shares, drafted })
    }

    /// The same of these balances; none where nothing has happened since the last.
    fn drafted_of(
        &self,
        merchant: MerchantId,
        statement: u32,
        (payable, owes): (Money, Money),
    ) -> Result<Option<StatementDrafted>, Overflow> {
        let last = self.statements.last.get(&merchant);
        if !payable.is_positive() && owes == last.map_or(Money::ZERO, |last| last.carried) {
            return Ok(None);
        }
        let set_off = payable.min(owes);
        Ok(Some(StatementDrafted {
            statement: StatementId(statement),
            merchant,
            number: last.map_or(0, |last| last.number).saturating_add(1),
            payable,
            set_off,
            amount: payable.minus(set_off)?,
            carried: owes.minus(set_off)?,
        }))
    }

    /// The month is over: everybody who is due or owes something new gets a statement, suspended or not.
    pub(crate) fn due_statements(&self, now: Millis, events: &mut Vec<Event>) {
        if self.statements.look_at.is_none_or(|at| now < at) {
            return;
        }
        let first = self.statements.from.unwrap_or(MerchantId(0));
        let mut next = self.statements.next;
        let mut most_shares = MAX_SHARES_VESTED;
        let mut more = None;
        for merchant in (first.0..self.merchants()).map(MerchantId) {
            // Balances are bounded so that their differences fit.
            let Ok(drawn) = self.drafted((merchant, next), now, most_shares) else {
                continue;
            };
            if drawn.shares.is_all && drawn.drafted.is_none() {
                continue;
            }
            if MAX_DRAFTED <= events.len() {
                more = Some(merchant);
                break;
            }
            if !drawn.shares.is_all {
                // His statement comes with the last of them.
                events.extend(drawn.vested());
                more = Some(merchant);
                break;
            }
            most_shares = most_shares.saturating_sub(drawn.shares.count());
            next = next.saturating_add(1);
            events.extend(drawn.events());
        }
        events.push(Event::Alliance(AllianceEvent::PeriodClosed { more }));
    }

    /// By an operator, before the month is over: for a merchant who leaves, for instance.
    pub(super) fn decide_draft(
        &self,
        merchant: MerchantId,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<Option<Answer>, Refusal> {
        if self.alliance.merchant_ref(merchant).is_none() {
            return Err(AllianceRefusal::UnknownMerchant(merchant).into());
        }
        let next = self.statements.next;
        let drawn = self.drafted((merchant, next), now, MAX_SHARES_VESTED)?;
        if drawn.drafted.is_none() {
            return Err(AllianceRefusal::StatementEmpty(merchant).into());
        }
        events.extend(drawn.events());
        Ok(None)
    }

    /// Drafts that a merchant gives so much back of: the newest first, as many as it takes beside what is payable to him. What was
    /// confirmed stands, for its transfer may be on its way.
    pub(super) fn drafts_for(&self, merchant: MerchantId, amount: Money) -> Vec<StatementDrafted> {
        let balance = self
            .alliance
            .merchant_balance(MerchantAccount::Payable, merchant);
        let mut there = owed(balance);
        let mut drafts = Vec::new();
        for known in self.statements.open.values().rev() {
            let is_his = known.drafted.merchant == merchant && known.drafted.payable.is_positive();
            if is_his && known.state == StatementState::Draft && there < amount {
                there.0 = there.0.saturating_add(known.drafted.payable.0);
                drafts.push(known.drafted);
            }
        }
        drafts
    }

    /// What takes the place of drafts that were withdrawn, of what is payable and owed then.
    pub(super) fn drawn_again(
        &self,
        merchant: MerchantId,
        balances: (Money, Money),
    ) -> Result<Option<Event>, Overflow> {
        let drafted = self.drafted_of(merchant, self.statements.next, balances)?;
        Ok(drafted.map(|drafted| Event::Alliance(AllianceEvent::StatementDrafted(drafted))))
    }

    /// What statements of a merchant that are not over set off against what he owes.
    pub(super) fn setting_off(&self, merchant: MerchantId) -> Money {
        let open = self.statements.open.values();
        let his = open.filter(|known| known.drafted.merchant == merchant);
        his.fold(Money::ZERO, |sum, known| {
            Money(sum.0.saturating_add(known.drafted.set_off.0))
        })
    }

    pub(super) fn decide_confirm_statement(
        &self,
        id: StatementId,
        events: &mut Vec<Event>,
    ) -> Result<Option<Answer>, Refusal> {
        let known = self.require_statement(id, StatementState::Draft)?;
        events.push(Event::Alliance(AllianceEvent::StatementConfirmed {
            statement: id,
            merchant: known.drafted.merchant,
        }));
        Ok(None)
    }

    /// The transfer was made on a day between the statement's and today.
    pub(super) fn decide_pay_statement(
        &self,
        id: StatementId,
        transfer: &Transfer,
        now: Millis,
        events: &mut Vec<Event>,
    ) -> Result<Option<Answer>, Refusal> {
        let known = self.require_statement(id, StatementState::Confirmed)?;
        transfer.check(known.at, now)?;
        events.push(Event::Alliance(AllianceEvent::StatementPaid(
            StatementPaid {
                statement: id,
                merchant: known.drafted.merchant,
                amount: known.drafted.amount,
                reference: transfer.reference.clone(),
                on: transfer.on,
            },
        )));
        Ok(None)
    }

    fn require_statement(
        &self,
        id: StatementId,
        state: StatementState,
    ) -> Result<&Statement, AllianceRefusal> {
        if self.statements.next <= id.0 {
            return Err(AllianceRefusal::UnknownStatement(id));
        }
        let known = self.statements.open.get(&id);
        known
            .filter(|known| known.state == state)
            .ok_or(AllianceRefusal::StatementState(id))
    }

    /// Whether a statement of its merchant tells of this payment at a counter.
    pub(super) fn is_stated(&self, counter: CounterId, merchant: MerchantId) -> bool {
        let last = self.statements.last.get(&merchant);
        last.is_some_and(|last| counter.0 < last.counters)
    }

    /// How many statements a merchant has had.
    pub(super) fn statements_of(&self, merchant: MerchantId) -> u32 {
        let last = self.statements.last.get(&merchant);
        last.map_or(0, |last| last.number)
    }

    pub(super) fn apply_drafted(&mut self, drafted: &StatementDrafted) {
        let id = drafted.statement;
        let before = self.statements.next;
        if before != id.0 {
            self.corrupt(&format!("statement {id} follows {before} of them"));
        }
        self.statements.next = before.saturating_add(1);
        let last = Last {
            number: drafted.number,
            carried: drafted.carried,
            counters: self.counter_payments(),
        };
        self.statements.last.insert(drafted.merchant, last);
        let statement = Statement {
            drafted: *drafted,
            at: self.now,
            state: StatementState::Draft,
        };
        self.statements.open.insert(id, statement);
    }

    pub(super) fn apply_period_closed(&mut self, more: Option<MerchantId>) {
        self.statements.from = more;
        self.statements.look_at = more.map(|_| self.now);
        if more.is_some() {
            self.push_timer(self.now, Due::Statements);
        } else if self.is_anything_due() || self.homes.waits_at_counters() {
            // It came while the others were drawn up, or becomes payable by the time.
            self.await_statements();
        }
    }

    fn is_anything_due(&self) -> bool {
        let mut merchants = (0..self.merchants()).map(MerchantId);
        let now = self.now;
        merchants.any(|merchant| {
            let drawn = self.drafted((merchant, 0), now, 1);
            drawn.is_ok_and(|drawn| drawn.drafted.is_some())
        })
    }

    /// Where nothing is to be paid, there is nothing left to do.
    pub(super) fn apply_statement_confirmed(&mut self, id: StatementId) {
        let known = self.statements.open.get_mut(&id);
        let is_over = known.map(|known| {
            known.state = StatementState::Confirmed;
            !known.drafted.amount.is_positive()
        });
        match is_over {
            None => self.corrupt("a statement is confirmed that is not there"),
            Some(false) => {}
            Some(true) => self.statement_is_over(id),
        }
    }

    pub(super) fn apply_statement_paid(&mut self, id: StatementId) {
        if self.statements.open.contains_key(&id) {
            self.statement_is_over(id);
        } else {
            self.corrupt("a statement is paid that is not there");
        }
    }

    /// What it has set off is settled.
    fn statement_is_over(&mut self, id: StatementId) {
        if let Some(known) = self.statements.open.remove(&id) {
            let StatementDrafted {
                merchant, set_off, ..
            } = known.drafted;
            self.homes.owes_less(merchant, set_off, None);
        }
    }

    pub(super) fn apply_withdrawn(&mut self, id: StatementId) {
        if self.statements.open.remove(&id).is_none() {
            self.corrupt("a statement is withdrawn that is not there");
        }
    }

    /// Something is payable, or owed: it is looked at when the month is over.
    pub(crate) fn await_statements(&mut self) {
        if self.statements.look_at.is_none() {
            let at = self.now.month().plus(1).begins();
            self.statements.look_at = Some(at);
            self.push_timer(at, Due::Statements);
        }
    }

    /// After a snapshot was read. One that is older than statements has none of them.
    pub(crate) fn rebuild_statements(&mut self) {
        match self.statements.look_at {
            Some(at) => self.push_timer(at, Due::Statements),
            None if self.is_anything_due() => self.await_statements(),
            None => {}
        }
    }

    pub(super) fn check_statements(&self, found: &mut Vec<String>) {
        let mut waiting = BTreeMap::<MerchantId, i64>::new();
        for (id, known) in &self.statements.open {
            let drafted = &known.drafted;
            let sum = waiting.entry(drafted.merchant).or_default();
            *sum = sum.saturating_add(drafted.amount.0);
            if drafted.statement != *id || self.statements.next <= id.0 {
                found.push(format!("statement {id} is kept as another"));
            }
        }
        for merchant in (0..self.merchants()).map(MerchantId) {
            let stated = self.merchant_stated(merchant);
            if waiting.get(&merchant).copied().unwrap_or(0) != stated.0 {
                found.push(format!(
                    "merchant {merchant} has {stated} in statements, they say otherwise"
                ));
            }
        }
        if self.statements.look_at.is_none() && self.is_anything_due() {
            found.push("nobody looks when merchants are due statements".to_owned());
        }
    }
}

/// A statement as it is drawn up, and what becomes payable with it.
struct Drawn {
    shares: SharesReady,
    drafted: Option<StatementDrafted>,
}

impl Drawn {
    fn vested(&self) -> Option<Event> {
        let vested = self.shares.vested.clone()?;
        Some(Event::Alliance(AllianceEvent::CounterSharesVested(vested)))
    }

    fn events(self) -> impl Iterator<Item = Event> {
        let shares = self.vested();
        let drafted = self.drafted.map(AllianceEvent::StatementDrafted);
        shares.into_iter().chain(drafted.map(Event::Alliance))
    }
}

impl Transfer {
    /// Of a statement.
    fn check(&self, drafted: Millis, now: Millis) -> Result<(), AllianceRefusal> {
        let must = "must be a day from the statement's to today";
        self.check_between((drafted, now), must)
    }

    /// Of what has come in.
    pub(super) fn check_received(&self, now: Millis) -> Result<(), AllianceRefusal> {
        let oldest = Millis(
            now.0
                .saturating_sub(MAX_TRANSFER_AGE_DAYS.saturating_mul(DAY_MS)),
        );
        self.check_between((oldest, now), "must be a day of the last 366 to today")
    }

    fn check_between(
        &self,
        (first, now): (Millis, Millis),
        must: &'static str,
    ) -> Result<(), AllianceRefusal> {
        let invalid = |field, must| Err(AllianceRefusal::InvalidTransfer { field, must });
        let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
        let length = self.reference.len();
        if !(1..=MAX_REFERENCE_CHARS).contains(&length) || !self.reference.bytes().all(good) {
            return invalid(
                "reference",
                "must be 1 to 64 letters, digits or any of - _ . /",
            );
        }
        let day = self.on.shanghai_day();
        if day < first.shanghai_day() || now.shanghai_day() < day {
            return invalid("on", must);
        }
        if Millis::start_of_day(day) != self.on {
            return invalid("on", "must be the midnight with which a day begins");
        }
        Ok(())
    }
}
