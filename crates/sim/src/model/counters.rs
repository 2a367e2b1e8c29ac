//! Rules 10.3 and 10.4: merchants with their stores, bills at their counters, and what statements make of them.

use std::collections::BTreeMap;

use domain::{
    AllianceCommand, Bill, Bounce, CashTaker, ChannelTerms, Claim, Contract, CounterId, StoreId,
    Transfer,
};

use super::seats::fee_of;
use super::{DAY, Mistake, Model, Outcome, Purse, Told, refused};

/// The most that coins may pay of any bill, in parts per million: the profile of all storms.
const OFFSET: i64 = 100_000;
/// One hundred million yuan.
const MOST: i64 = 10_000_000_000;
/// A hundred thousand yuan: what a merchant may come to owe by what he does himself.
const MOST_OWED: i64 = 10_000_000;

#[derive(Clone, Debug)]
pub(crate) struct Trader {
    token: [u8; 16],
    pub(crate) suspended: bool,
    pub(crate) contract: Contract,
    pub(super) payable: i64,
    pub(super) owes: i64,
    pub(super) stated: i64,
    /// How many statements he has had, what he owed after the last, and how many bills there were then.
    statements: u32,
    carried: i64,
    told_of: usize,
}

/// A bill at a counter, from its entry for ever.
#[derive(Clone, Debug)]
pub(crate) struct Tab {
    token: [u8; 16],
    pub(crate) member: u32,
    pub(crate) store: u32,
    pub(crate) trader: u32,
    bill: i64,
    pub(super) coins: i64,
    kept: i64,
    cash: CashTaker,
    channel: ChannelTerms,
    pub(crate) stage: TabStage,
    /// When it was paid.
    at: i64,
    txn: Option<String>,
    fee_back: i64,
    /// How many statements its merchant had when the platform took its cash.
    statements: u32,
    /// It can be taken back no more, and is not in memory.
    forgotten: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TabStage {
    Waiting { pay_by: i64 },
    GivenUp,
    Paid,
    Reversed,
}

impl Tab {
    pub(crate) fn cash(&self) -> i64 {
        self.bill - self.coins
    }

    pub(super) fn taker(&self) -> CashTaker {
        self.cash
    }

    pub(super) fn take(&self) -> i64 {
        self.kept - self.coins
    }

    fn is_of(&self, trader: u32, store: Option<StoreId>) -> bool {
        self.trader == trader && store.is_none_or(|store| store.0 == self.store)
    }

    pub(super) fn is_remembered(&self) -> bool {
        !self.forgotten && matches!(self.stage, TabStage::Paid | TabStage::Reversed)
    }
}

/// Who takes a bill back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asker {
    Merchant,
    Operator,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Paper {
    Draft,
    Confirmed,
    Over,
}

/// The alliance.
#[derive(Clone, Debug, Default)]
pub(crate) struct Alliance {
    pub(crate) traders: Vec<Trader>,
    pub(crate) stores: Vec<(u32, [u8; 16])>,
    pub(super) tabs: Vec<Tab>,
    /// Statements: whose, how much is to be paid, when it was drawn up, how far it is.
    papers: Vec<(u32, i64, i64, Paper)>,
    /// What each of them has set off.
    set_off: Vec<i64>,
    /// When the running month ends, while anything new is due or owed.
    pub(super) statements_at: Option<i64>,
    pub(super) take: i64,
    pub(super) entry_fees: i64,
    pub(super) bank: i64,
    /// What merchants have paid, by the bank's word: who, how much, and on which day.
    received: BTreeMap<String, (u32, i64, i64)>,
}

impl Model {
    pub(super) fn decide_alliance(&mut self, command: &AllianceCommand, now: i64) -> Outcome {
        match command {
            AllianceCommand::AdmitMerchant { token, contract } => self.admit(*token, contract),
            AllianceCommand::SignContract { merchant, contract } => {
                if self.trader(merchant.0).is_none() {
                    return refused("merchant_unknown");
                }
                if !is_sound(contract) {
                    return refused("contract_invalid");
                }
                self.sign(merchant.0, contract)
            }
            AllianceCommand::SuspendMerchant { merchant } => self.suspend(merchant.0, true),
            AllianceCommand::ReinstateMerchant { merchant } => self.suspend(merchant.0, false),
            AllianceCommand::OpenStore { merchant, token } => self.open_store(merchant.0, *token),
            AllianceCommand::PayAtCounter { store, bill, claim } => {
                match self.entered(*store, bill, claim.as_ref(), now) {
                    Err(code) => refused(code),
                    Ok(tab) => self.enter(tab, now),
                }
            }
            AllianceCommand::PayCounter {
                counter,
                txn,
                amount,
            } => self.pay_tab(counter.0, (txn.as_str(), amount.0), now),
            AllianceCommand::BounceCounter {
                store, txn, amount, ..
            } => {
                if let Some(told) = self.met_before(txn.as_str()) {
                    return told;
                }
                match self.channel_at(store.0) {
                    None => refused("store_unknown"),
                    Some(channel) => {
                        self.bounce_for(channel, (txn.as_str(), amount.0), Bounce::PurchaseOver)
                    }
                }
            }
            AllianceCommand::ReverseCounter {
                counter,
                merchant,
                store,
            } => self.reverse(*counter, (merchant.0, *store), now),
            AllianceCommand::DraftStatement { merchant } => {
                if self.trader(merchant.0).is_none() {
                    return refused("merchant_unknown");
                }
                if self.draw_up_all(merchant.0, now) {
                    Outcome::done(Told::Done)
                } else {
                    refused("statement_empty")
                }
            }
            AllianceCommand::ConfirmStatement { statement } => self.confirm(statement.0),
            AllianceCommand::PayStatement {
                statement,
                transfer,
            } => self.pay_paper(statement.0, transfer, now),
            AllianceCommand::NoteMerchantPaid {
                merchant,
                amount,
                transfer,
            } => self.trader_pays(merchant.0, (amount.0, transfer), now),
            AllianceCommand::RefundCounter { counter } => self.refund_tab(counter.0, now),
            AllianceCommand::BindHome { member, store } => self.come_home(member.0, store.0, now),
            AllianceCommand::EndHome { member } => self.leave_home(member.0, now),
            AllianceCommand::PublishFor { .. } => {
                unreachable!("merchants of the simulator have no campaigns")
            }
        }
    }

    fn admit(&mut self, token: [u8; 16], contract: &Contract) -> Outcome {
        let mut known = (0u32..).zip(&self.alliance.traders);
        if let Some((number, _)) = known.find(|(_, trader)| trader.token == token) {
            return Outcome::nothing(Told::Merchant(number));
        }
        if !is_sound(contract) {
            return refused("contract_invalid");
        }
        let number = u32::try_from(self.alliance.traders.len()).unwrap_or(u32::MAX);
        self.alliance.traders.push(Trader {
            token,
            suspended: false,
            contract: *contract,
            payable: 0,
            owes: 0,
            stated: 0,
            statements: 0,
            carried: 0,
            told_of: 0,
        });
        let _ = self.sign(number, contract);
        Outcome::done(Told::Merchant(number))
    }

    fn sign(&mut self, number: u32, contract: &Contract) -> Outcome {
        let fee = contract.entry_fee.0;
        if let Some(trader) = self.trader_mut(number) {
            trader.contract = *contract;
            trader.owes += fee;
        }
        self.alliance.entry_fees += fee;
        self.money.promised += fee;
        if 0 < fee {
            self.await_statements();
        }
        Outcome::done(Told::Done)
    }

    fn suspend(&mut self, number: u32, suspended: bool) -> Outcome {
        let Some(trader) = self.trader_mut(number) else {
            return refused("merchant_unknown");
        };
        if std::mem::replace(&mut trader.suspended, suspended) == suspended {
            return Outcome::nothing(Told::Done);
        }
        Outcome::done(Told::Done)
    }

    fn open_store(&mut self, number: u32, token: [u8; 16]) -> Outcome {
        if let Err(code) = self.active(number) {
            return refused(code);
        }
        let mut known = (0u32..).zip(&self.alliance.stores);
        if let Some((store, &(whose, _))) = known.find(|(_, (_, known))| *known == token) {
            return if whose == number {
                Outcome::nothing(Told::Store(store))
            } else {
                refused("store_unknown")
            };
        }
        let store = u32::try_from(self.alliance.stores.len()).unwrap_or(u32::MAX);
        self.alliance.stores.push((number, token));
        Outcome::done(Told::Store(store))
    }

    /// What a cashier has entered, or the first rule that stands against it.
    fn entered(
        &self,
        store: StoreId,
        bill: &Bill,
        claim: Option<&Claim>,
        now: i64,
    ) -> Result<Tab, &'static str> {
        let known = self.alliance.stores.get(store.0 as usize);
        let &(trader, _) = known.ok_or("store_unknown")?;
        let contract = self.active(trader)?;
        let settlement = contract.settlement.ok_or("counter_closed")?;
        let live = |claim: &&Claim| now < claim.expires.0 && claim.expires.0 <= now + 60_000;
        let claim = claim.filter(live).ok_or("counter_code_unknown")?;
        let member = claim.member.0;
        if self
            .alliance
            .tabs
            .iter()
            .any(|tab| tab.token == claim.token)
        {
            return Err("counter_code_used");
        }
        let amount = bill.amount.0;
        if !(1..=MOST).contains(&amount) || bill.most_coins.is_some_and(|coins| coins.0 < 0) {
            return Err("bill_invalid");
        }
        let person = self.people.get(&member).ok_or("member_unknown")?;
        if i64::MAX / 4 < self.money.promised + amount {
            return Err("amount_too_large");
        }
        let kept = share(amount, i64::from(settlement.0));
        let free = (person.ready.coins - self.coins_held(member)).max(0);
        let mut coins = share(amount, OFFSET).min(free);
        if self.mistake != Some(Mistake::CoinsPastWhatIsKept) {
            coins = coins.min(kept);
        }
        if let Some(most) = bill.most_coins {
            coins = coins.min(most.0);
        }
        if contract.cash == CashTaker::Platform {
            coins = coins.min(amount - 1);
        }
        Ok(Tab {
            token: claim.token,
            member,
            store: store.0,
            trader,
            bill: amount,
            coins,
            kept,
            cash: contract.cash,
            channel: contract.channel.unwrap_or_default(),
            stage: TabStage::GivenUp,
            at: now,
            txn: None,
            fee_back: 0,
            statements: 0,
            forgotten: false,
        })
    }

    /// The store has the cash at once; the platform waits for it.
    fn enter(&mut self, mut tab: Tab, now: i64) -> Outcome {
        let number = self.alliance.tabs.len();
        self.money.promised += tab.bill;
        if tab.cash == CashTaker::Platform {
            let pay_by = now + 5 * 60_000;
            tab.stage = TabStage::Waiting { pay_by };
            self.alliance.tabs.push(tab);
        } else {
            let (member, coins, take, trader) = (tab.member, tab.coins, tab.take(), tab.trader);
            self.forget_old(now);
            let owed = self.trader(trader).map_or(0, |known| known.owes);
            if (MOST_OWED - owed).max(0) < take {
                self.money.promised -= tab.bill;
                return refused("counter_owes_too_much");
            }
            tab.stage = TabStage::Paid;
            self.alliance.tabs.push(tab);
            self.share_of_bill(number as u64, now);
            self.spend_coins(member, coins);
            self.alliance.take += take;
            if let Some(trader) = self.trader_mut(trader) {
                trader.owes += take;
            }
            self.await_statements();
        }
        Outcome::done(Told::Counter(u64::try_from(number).unwrap_or(u64::MAX)))
    }

    fn pay_tab(&mut self, number: u64, (txn, amount): (&str, i64), now: i64) -> Outcome {
        if let Some(told) = self.met_before(txn) {
            return told;
        }
        let Some(tab) = self.tab(number).cloned() else {
            return refused("counter_payment_unknown");
        };
        if !matches!(tab.stage, TabStage::Waiting { .. }) {
            let standing = tab.is_remembered() && tab.stage == TabStage::Paid;
            if !standing || tab.cash == CashTaker::Store {
                return refused("counter_payment_unknown");
            }
            let channel = self.channel_at(tab.store).unwrap_or_default();
            return self.bounce_for(channel, (txn, amount), Bounce::SecondPayment);
        }
        if amount != tab.cash() {
            return self.bounce_for(tab.channel, (txn, amount), Bounce::AmountDiffers);
        }
        if self.ready_coins(tab.member) < tab.coins {
            return self.bounce_for(tab.channel, (txn, amount), Bounce::CoinsGone);
        }
        let fee = fee_of(amount, tab.channel);
        self.money.channel += amount - fee;
        self.money.fees += fee;
        self.book(txn, None);
        self.forget_old(now);
        self.spend_coins(tab.member, tab.coins);
        self.alliance.take += tab.take();
        self.share_of_bill(number, now);
        let mut statements = 0;
        if let Some(trader) = self.trader_mut(tab.trader) {
            trader.payable += tab.bill - tab.kept;
            statements = trader.statements;
        }
        if let Some(known) = self.tab_mut(number) {
            known.stage = TabStage::Paid;
            known.at = now;
            known.txn = Some(txn.to_owned());
            known.fee_back = if tab.channel.kept_on_refund { 0 } else { fee };
            known.statements = statements;
        }
        self.await_statements();
        Outcome::done(Told::Counter(number))
    }

    /// With each payment those leave memory, the oldest number first, that can be taken back no more.
    fn forget_old(&mut self, now: i64) {
        let known = self.alliance.tabs.iter_mut();
        for tab in known.filter(|tab| tab.is_remembered()) {
            if now < tab.at + 30 * DAY {
                break;
            }
            tab.forgotten = true;
        }
    }

    fn reverse(
        &mut self,
        counter: CounterId,
        (trader, store): (u32, Option<StoreId>),
        now: i64,
    ) -> Outcome {
        let tab = self.tab(counter.0).filter(|tab| tab.is_of(trader, store));
        let Some(tab) = tab.cloned() else {
            return refused("counter_payment_unknown");
        };
        if let TabStage::Waiting { .. } = tab.stage {
            return self.give_up_tab(counter.0);
        }
        if !tab.is_remembered() {
            return refused("counter_payment_unknown");
        }
        if tab.stage == TabStage::Reversed {
            return refused("counter_payment_reversed");
        }
        let told = self.trader(trader).is_some_and(|known| match tab.cash {
            CashTaker::Platform => tab.statements != known.statements,
            CashTaker::Store => counter.0 < known.told_of as u64,
        });
        if store.is_some() && (day_of(tab.at) != day_of(now) || told) {
            return refused("counter_void_late");
        }
        if store.is_none() && tab.at + 30 * DAY <= now {
            return refused("counter_payment_unknown");
        }
        self.take_back(counter.0, (&tab, Asker::Merchant), now)
    }

    /// An operator refunds, whatever becomes of it.
    fn refund_tab(&mut self, number: u64, now: i64) -> Outcome {
        let tab = self.tab(number).cloned();
        let Some(tab) = tab.filter(|tab| tab.is_remembered() && now < tab.at + 30 * DAY) else {
            return refused("counter_payment_unknown");
        };
        if tab.stage == TabStage::Reversed {
            return refused("counter_payment_reversed");
        }
        self.take_back(number, (&tab, Asker::Operator), now)
    }

    /// Drafts that give back what a bill brought, the newest first, until there is enough: which, what they pay and set off.
    fn drafts_for(&self, tab: &Tab, mut there: i64) -> Vec<(usize, i64, i64)> {
        let mut drafts = Vec::new();
        if tab.cash == CashTaker::Store {
            return drafts;
        }
        let papers = self.alliance.papers.iter().zip(&self.alliance.set_off);
        for (number, (paper, set_off)) in papers.enumerate().rev() {
            let is_his = paper.0 == tab.trader && paper.3 == Paper::Draft && 0 < paper.1 + set_off;
            if is_his && there < tab.bill - tab.kept {
                there += paper.1 + set_off;
                drafts.push((number, paper.1, *set_off));
            }
        }
        drafts
    }

    fn take_back(&mut self, number: u64, (tab, asker): (&Tab, Asker), now: i64) -> Outcome {
        let Some(mut trader) = self.trader(tab.trader).cloned() else {
            return refused("counter_payment_unknown");
        };
        let drafts = self.drafts_for(tab, trader.payable);
        for (_, amount, set_off) in &drafts {
            trader.payable += amount + set_off;
            trader.owes += set_off;
            trader.stated -= amount;
        }
        let (payable, owes) = match tab.cash {
            CashTaker::Store => {
                let forgiven = tab.take().min(trader.owes);
                (tab.take() - forgiven, -forgiven)
            }
            CashTaker::Platform => {
                let due = tab.bill - tab.kept;
                let given = due.min(trader.payable);
                (-given, due - given)
            }
        };
        if asker == Asker::Merchant && 0 < owes {
            if trader.suspended {
                return refused("merchant_suspended");
            }
            if MOST_OWED < trader.owes + owes {
                return refused("counter_owes_too_much");
            }
        }
        if let Some(known) = self.trader_mut(tab.trader) {
            known.payable = trader.payable + payable;
            known.owes = trader.owes + owes;
            known.stated = trader.stated;
        }
        for (paper, ..) in &drafts {
            self.alliance.papers[*paper].3 = Paper::Over;
        }
        if !drafts.is_empty() {
            self.draw_up(tab.trader, now);
        }
        self.share_goes_back(number);
        self.owes_less(tab.trader, (-owes).max(0), Some(number));
        self.alliance.take -= tab.take();
        if let Some(known) = self.tab_mut(number) {
            known.stage = TabStage::Reversed;
        }
        let coins = if self.mistake == Some(Mistake::VoidKeepsCoins) {
            0
        } else {
            tab.coins
        };
        self.money.coins += coins;
        self.ready(tab.member, Purse { cash: 0, coins });
        if let Some(txn) = &tab.txn {
            self.owe_back(txn, tab.cash(), tab.fee_back);
        }
        self.await_statements();
        Outcome::done(Told::Done)
    }

    fn give_up_tab(&mut self, number: u64) -> Outcome {
        if let Some(tab) = self.tab_mut(number) {
            tab.stage = TabStage::GivenUp;
            let bill = tab.bill;
            self.money.promised -= bill;
        }
        Outcome::done(Told::Done)
    }

    pub(super) fn due_in_tab(&mut self, number: u64, now: i64) -> bool {
        let stage = self.tab(number).map(|tab| tab.stage);
        let Some(TabStage::Waiting { pay_by }) = stage else {
            return false;
        };
        let mut changed = self.due_coins(now);
        if pay_by <= now {
            let _ = self.give_up_tab(number);
            changed = true;
        }
        changed
    }

    fn confirm(&mut self, number: u32) -> Outcome {
        let Some(paper) = self.alliance.papers.get_mut(number as usize) else {
            return refused("statement_unknown");
        };
        if paper.3 != Paper::Draft {
            return refused("statement_state");
        }
        let (trader, amount) = (paper.0, paper.1);
        paper.3 = if 0 < amount {
            Paper::Confirmed
        } else {
            Paper::Over
        };
        if amount == 0 {
            self.paper_is_over(trader, number);
        }
        Outcome::done(Told::Done)
    }

    fn pay_paper(&mut self, number: u32, transfer: &Transfer, now: i64) -> Outcome {
        let Some(paper) = self.alliance.papers.get_mut(number as usize) else {
            return refused("statement_unknown");
        };
        if paper.3 != Paper::Confirmed {
            return refused("statement_state");
        }
        let day = day_of(transfer.on.0);
        let is_midnight = (transfer.on.0 + 8 * 3_600_000).rem_euclid(DAY) == 0;
        if day < day_of(paper.2) || day_of(now) < day || !is_midnight {
            return refused("transfer_invalid");
        }
        paper.3 = Paper::Over;
        let (trader, amount) = (paper.0, paper.1);
        self.alliance.bank -= amount;
        if let Some(trader) = self.trader_mut(trader) {
            trader.stated -= amount;
        }
        self.paper_is_over(trader, number);
        Outcome::done(Told::Done)
    }

    /// What it has set off is settled.
    fn paper_is_over(&mut self, trader: u32, number: u32) {
        let set_off = self.alliance.set_off.get(number as usize).copied();
        self.owes_less(trader, set_off.unwrap_or(0), None);
    }

    /// What statements that are not over set off.
    pub(super) fn being_set_off(&self, trader: u32) -> i64 {
        let papers = self.alliance.papers.iter().zip(&self.alliance.set_off);
        let open = papers.filter(|(paper, _)| paper.0 == trader && paper.3 != Paper::Over);
        open.map(|(_, set_off)| set_off).sum()
    }

    /// A debt is paid from outside; one transfer counts once.
    fn trader_pays(
        &mut self,
        number: u32,
        (amount, transfer): (i64, &Transfer),
        now: i64,
    ) -> Outcome {
        let Some(owes) = self.trader(number).map(|trader| trader.owes) else {
            return refused("merchant_unknown");
        };
        let told = (number, amount, transfer.on.0);
        if let Some(known) = self.alliance.received.get(&transfer.reference) {
            return if *known == told {
                Outcome::nothing(Told::Done)
            } else {
                refused("transfer_known")
            };
        }
        let days = day_of(now) - day_of(transfer.on.0);
        let is_midnight = (transfer.on.0 + 8 * 3_600_000).rem_euclid(DAY) == 0;
        if !(0..=366).contains(&days) || !is_midnight {
            return refused("transfer_invalid");
        }
        if amount < 1 {
            return refused("amount_not_positive");
        }
        if owes < amount {
            return refused("merchant_owes_less");
        }
        self.alliance.bank += amount;
        if let Some(trader) = self.trader_mut(number) {
            trader.owes -= amount;
        }
        self.owes_less(number, amount, None);
        let reference = transfer.reference.clone();
        self.alliance.received.insert(reference, told);
        self.await_statements();
        Outcome::done(Told::Done)
    }

    /// Something is payable or owed: it is looked at when the month is over.
    fn await_statements(&mut self) {
        let month = super::next_month(self.ranks.now);
        self.alliance.statements_at.get_or_insert(month);
    }

    pub(super) fn due_statements(&mut self, now: i64) -> bool {
        if self.alliance.statements_at.is_none_or(|at| now < at) {
            return false;
        }
        self.alliance.statements_at = None;
        for number in 0..self.traders() {
            self.draw_up_all(number, now);
        }
        self.alliance.statements_at = None;
        if !self.homes.waiting.is_empty() {
            self.await_statements();
        }
        true
    }

    /// With the shares of home stores that have become payable.
    fn draw_up_all(&mut self, number: u32, now: i64) -> bool {
        let ripe = self.shares_ripen(number, now);
        if ripe != 0 {
            self.is_due(number, ripe);
        }
        self.draw_up(number, now)
    }

    /// A merchant is due more.
    pub(super) fn is_due(&mut self, number: u32, amount: i64) {
        if let Some(trader) = self.trader_mut(number) {
            trader.payable += amount;
        }
        self.await_statements();
    }

    /// All that is payable, less what is owed; nothing where nothing has happened.
    fn draw_up(&mut self, number: u32, now: i64) -> bool {
        let told_of = self.alliance.tabs.len();
        let Some(trader) = self.trader_mut(number) else {
            return false;
        };
        if trader.payable <= 0 && trader.owes == trader.carried {
            return false;
        }
        let set_off = trader.payable.min(trader.owes);
        let amount = trader.payable - set_off;
        trader.payable = 0;
        trader.owes -= set_off;
        trader.stated += amount;
        trader.statements += 1;
        trader.carried = trader.owes;
        trader.told_of = told_of;
        self.alliance
            .papers
            .push((number, amount, now, Paper::Draft));
        self.alliance.set_off.push(set_off);
        true
    }
}

/// Looking things up.
impl Model {
    pub(super) fn active(&self, number: u32) -> Result<Contract, &'static str> {
        let trader = self.trader(number).ok_or("merchant_unknown")?;
        if trader.suspended {
            return Err("merchant_suspended");
        }
        Ok(trader.contract)
    }

    /// What the channel takes at a store, by its merchant's newest contract.
    fn channel_at(&self, store: u32) -> Option<ChannelTerms> {
        let (trader, _) = self.alliance.stores.get(store as usize)?;
        let contract = self.trader(*trader)?.contract;
        Some(contract.channel.unwrap_or_default())
    }

    pub(super) fn trader(&self, number: u32) -> Option<&Trader> {
        self.alliance.traders.get(number as usize)
    }

    fn trader_mut(&mut self, number: u32) -> Option<&mut Trader> {
        self.alliance.traders.get_mut(number as usize)
    }

    pub(crate) fn tab(&self, number: u64) -> Option<&Tab> {
        self.alliance.tabs.get(usize::try_from(number).ok()?)
    }

    fn tab_mut(&mut self, number: u64) -> Option<&mut Tab> {
        self.touched.tabs.insert(number);
        self.alliance.tabs.get_mut(usize::try_from(number).ok()?)
    }

    pub(crate) fn tabs(&self) -> u64 {
        u64::try_from(self.alliance.tabs.len()).unwrap_or(u64::MAX)
    }

    pub(crate) fn traders(&self) -> u32 {
        u32::try_from(self.alliance.traders.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn suspended(&self) -> impl Iterator<Item = u32> {
        let numbered = (0u32..).zip(&self.alliance.traders);
        numbered.filter_map(|(number, trader)| trader.suspended.then_some(number))
    }

    pub(crate) fn owed_by(&self, number: u32) -> i64 {
        self.trader(number).map_or(0, |trader| trader.owes)
    }

    /// Statements that are not over.
    pub(crate) fn open_papers(&self) -> impl Iterator<Item = u32> {
        let numbered = (0u32..).zip(&self.alliance.papers);
        numbered.filter_map(|(number, paper)| (paper.3 != Paper::Over).then_some(number))
    }

    pub(crate) fn papers(&self) -> u64 {
        u64::try_from(self.alliance.papers.len()).unwrap_or(u64::MAX)
    }

    pub(crate) fn waiting_tabs(&self) -> impl Iterator<Item = (u64, &Tab)> {
        let tabs = (0u64..).zip(&self.alliance.tabs);
        tabs.filter(|(_, tab)| matches!(tab.stage, TabStage::Waiting { .. }))
    }

    /// Coins of a member that unpaid purchases and waiting bills hold.
    pub(super) fn coins_held(&self, member: u32) -> i64 {
        let unpaid: i64 = self.unpaid_of(member).map(|of| of.coins).sum();
        unpaid + self.coins_held_at_counters(member)
    }

    pub(super) fn coins_held_at_counters(&self, member: u32) -> i64 {
        let waiting = self.waiting_tabs().map(|(_, tab)| tab);
        let his = waiting.filter(|tab| tab.member == member);
        his.map(|tab| tab.coins).sum()
    }

    /// Whether a bill that stands was paid with this.
    pub(super) fn has_paid_a_tab(&self, txn: &str) -> bool {
        let mut paid = self.alliance.tabs.iter();
        paid.any(|tab| {
            tab.stage == TabStage::Paid && !tab.forgotten && tab.txn.as_deref() == Some(txn)
        })
    }

    pub(super) fn next_tab_due(&self) -> Option<i64> {
        let waiting = self.waiting_tabs();
        let lapses = waiting.filter_map(|(_, tab)| match tab.stage {
            TabStage::Waiting { pay_by } => Some(pay_by),
            TabStage::GivenUp | TabStage::Paid | TabStage::Reversed => None,
        });
        lapses.chain(self.alliance.statements_at).min()
    }

    /// What counters have added to the platform's own money: what merchants owe is not held.
    pub(super) fn own_of_counters(&self) -> i64 {
        let owes: i64 = self.alliance.traders.iter().map(|trader| trader.owes).sum();
        self.alliance.take + self.alliance.entry_fees - owes - self.homes.given
    }

    /// Cash that the platform has taken at counters, and kept.
    pub(crate) fn counter_cash(&self) -> i64 {
        let paid = self.alliance.tabs.iter();
        let paid = paid.filter(|tab| tab.stage == TabStage::Paid && tab.txn.is_some());
        paid.map(Tab::cash).sum()
    }

    pub(super) fn traders_by_number(&self) -> BTreeMap<u32, &Trader> {
        (0u32..).zip(&self.alliance.traders).collect()
    }
}

fn is_sound(contract: &Contract) -> bool {
    (0..=MOST).contains(&contract.entry_fee.0)
        && contract.settlement.is_none_or(|rate| rate.0 <= 1_000_000)
        && contract.origin_share.is_none_or(|rate| rate.0 <= 1_000_000)
        && contract.lock_days.is_none_or(|days| days <= 3_650)
        && contract
            .channel
            .is_none_or(|channel| channel.fee.0 <= 1_000_000)
}

/// Rounded down.
pub(super) fn share(amount: i64, ppm: i64) -> i64 {
    let share = (i128::from(amount) * i128::from(ppm)).div_euclid(1_000_000);
    i64::try_from(share).expect("a share is at most the amount")
}

/// Days of Shanghai, eight hours ahead.
fn day_of(at: i64) -> i64 {
    (at + 8 * 3_600_000).div_euclid(DAY)
}
