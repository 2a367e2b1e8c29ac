//! Merchants and their counters: bills that are paid at once or through the channel, taken back, and stated.

use domain::{
    Actor, AllianceCommand, Bill, CashTaker, ChannelTerms, Claim, Coins, Command, Contract,
    CounterId, Due, MemberId, MerchantId, Millis, Money, OperatorId, Rate, StatementId, StoreId,
    Transfer, Txn,
};

use super::{Run, town};
use crate::error::SimError;
use crate::model::{TabStage, Told};
use crate::provider::WhatFor;

impl Run {
    pub(super) fn about_counters(&mut self) -> Result<(), SimError> {
        if self.live.traders() < 2 || self.live.alliance.stores.len() < 2 {
            return self.more_stores();
        }
        match self.rng.below(40) {
            0 => self.more_stores(),
            1 => self.contract(),
            2..=3 => self.at_home(),
            4..=18 => self.enter_a_bill(),
            19..=28 => self.pay_a_bill(),
            29..=34 => self.take_a_bill_back(),
            35..=36 => self.statement(),
            _ => self.tick_a_counter(),
        }
    }

    fn ask_staff(&mut self, command: AllianceCommand) -> Result<(), SimError> {
        self.ask(Actor::Operator(OperatorId(0)), Command::Alliance(command))?;
        Ok(())
    }

    fn some_contract(&mut self) -> Contract {
        let rates = [0, 50_000, 200_000, 200_000, 1_000_000];
        let rate = Rate(*self.rng.pick(&rates).unwrap_or(&0));
        let too_much = self.rng.percent(4);
        Contract {
            entry_fee: Money(if self.rng.percent(30) {
                self.rng.between(1, 5_000)
            } else {
                0
            }),
            commission: None,
            settlement: match self.rng.below(12) {
                0 => None,
                _ if too_much => Some(Rate(1_000_001)),
                _ => Some(rate),
            },
            cash: if self.rng.percent(65) {
                CashTaker::Platform
            } else {
                CashTaker::Store
            },
            lock_days: match self.rng.below(6) {
                0 => None,
                1 => Some(0),
                2 => Some(2),
                _ => Some(200),
            },
            origin_share: self.rng.percent(70).then(|| {
                let rates = [50_000, 100_000, 500_000, 1_000_000];
                Rate(*self.rng.pick(&rates).unwrap_or(&0))
            }),
            channel: self.rng.percent(60).then(|| ChannelTerms {
                fee: Rate(6_000),
                kept_on_refund: self.rng.percent(40),
            }),
        }
    }

    fn more_stores(&mut self) -> Result<(), SimError> {
        let token = match self.rng.pick(&self.town.listed) {
            Some(token) if self.rng.percent(10) => *token,
            _ => self.rng.bytes16(),
        };
        town::keep(&mut self.town.listed, 20, token);
        let traders = u64::from(self.live.traders());
        if traders < 2 || (traders < 6 && self.rng.percent(30)) {
            let contract = self.some_contract();
            return self.ask_staff(AllianceCommand::AdmitMerchant { token, contract });
        }
        let merchant = self.a_merchant();
        self.ask_staff(AllianceCommand::OpenStore { merchant, token })
    }

    fn a_merchant(&mut self) -> MerchantId {
        let over = u64::from(self.rng.percent(4));
        let traders = u64::from(self.live.traders());
        MerchantId(u32::try_from(self.rng.below(traders + over)).unwrap_or(0))
    }

    fn contract(&mut self) -> Result<(), SimError> {
        let merchant = self.a_merchant();
        let suspended: Vec<u32> = self.live.suspended().collect();
        let suspended = self.rng.pick(&suspended).copied();
        let command = match self.rng.below(5) {
            0 => AllianceCommand::SuspendMerchant { merchant },
            1 | 2 => AllianceCommand::ReinstateMerchant {
                merchant: suspended.map_or(merchant, MerchantId),
            },
            _ => AllianceCommand::SignContract {
                merchant,
                contract: self.some_contract(),
            },
        };
        self.ask_staff(command)
    }

    fn enter_a_bill(&mut self) -> Result<(), SimError> {
        let stores = self.live.alliance.stores.len() as u64;
        let over = u64::from(self.rng.percent(3));
        let store = StoreId(u32::try_from(self.rng.below(stores + over)).unwrap_or(0));
        let now = self.clock.max(self.live.now);
        let member = self.somebody_with_coins();
        let fresh = Claim {
            token: self.rng.bytes16(),
            member,
            expires: Millis(now + 60_000 - self.rng.between(0, 59_000)),
        };
        let claim = match self.rng.below(30) {
            0 => None,
            1 => Some(Claim {
                expires: Millis(now),
                ..fresh
            }),
            2 => Some(Claim {
                expires: Millis(now + 60_001),
                ..fresh
            }),
            // The code is typed at two tills.
            3..=5 => self.rng.pick(&self.town.claims).copied().or(Some(fresh)),
            _ => Some(fresh),
        };
        if let Some(claim) = claim {
            town::keep(&mut self.town.claims, 12, claim);
        }
        let amount = match self.rng.below(24) {
            0 => 0,
            1 => 10_000_000_001,
            2 => 1,
            _ => self.rng.between(10, 60_000),
        };
        let most_coins = match self.rng.below(10) {
            0 => Some(Coins(-1)),
            1..=3 => Some(Coins(self.rng.between(0, 300))),
            _ => None,
        };
        let bill = Bill {
            amount: Money(amount),
            most_coins,
        };
        let command = AllianceCommand::PayAtCounter { store, bill, claim };
        let told = self.system(Command::Alliance(command))?;
        // Most have their phone at hand.
        if let Told::Counter(number) = told
            && self.rng.percent(40)
            && let Some(tab) = self.live.tab(number)
            && matches!(tab.stage, TabStage::Waiting { .. })
        {
            let what_for = WhatFor::Counter(CounterId(number), StoreId(tab.store));
            let (cash, member) = (tab.cash(), MemberId(tab.member));
            let txn = self.town.provider.pay(cash, member, what_for);
            self.report(&txn)?;
        }
        Ok(())
    }

    fn pay_a_bill(&mut self) -> Result<(), SimError> {
        let slips = self.town.slips.len();
        if slips == 0 {
            return self.enter_a_bill();
        }
        let newest = if self.rng.percent(80) {
            slips.min(4)
        } else {
            slips
        };
        let at = slips - 1 - usize::try_from(self.rng.below(newest as u64)).unwrap_or(0);
        let (counter, store, member) = self.town.slips[at];
        if self.rng.percent(85) {
            self.town.slips.swap_remove(at);
        }
        let cash = self.live.tab(counter.0).map_or(1, |tab| tab.cash());
        let amount = if self.rng.percent(6) {
            self.rng.between(1, 2 * cash.max(1))
        } else {
            cash.max(1)
        };
        let what_for = WhatFor::Counter(counter, store);
        let txn = self.town.provider.pay(amount, member, what_for);
        self.report(&txn)
    }

    pub(super) fn tell_of_bill(
        &mut self,
        counter: CounterId,
        txn: Txn,
        amount: Money,
    ) -> Result<(), SimError> {
        let command = AllianceCommand::PayCounter {
            counter,
            txn,
            amount,
        };
        self.system(Command::Alliance(command))?;
        Ok(())
    }

    /// Mostly one of the newest.
    fn a_bill(&mut self) -> CounterId {
        let tabs = self.live.tabs();
        let back = if self.rng.percent(80) {
            self.rng.below(12)
        } else {
            self.rng.below(tabs + 2)
        };
        CounterId((tabs + 1).saturating_sub(back + 1))
    }

    fn take_a_bill_back(&mut self) -> Result<(), SimError> {
        let counter = self.a_bill();
        if self.rng.percent(12) {
            return self.ask_staff(AllianceCommand::RefundCounter { counter });
        }
        let known = self.live.tab(counter.0).map(|tab| (tab.trader, tab.store));
        let (trader, store) = known.unwrap_or((0, 0));
        let merchant = if self.rng.percent(94) {
            MerchantId(trader)
        } else {
            self.a_merchant()
        };
        let store = self.rng.percent(55).then(|| {
            let wrong = u32::from(self.rng.percent(6));
            StoreId(store + wrong)
        });
        self.ask_staff(AllianceCommand::ReverseCounter {
            counter,
            merchant,
            store,
        })
    }

    fn statement(&mut self) -> Result<(), SimError> {
        if self.rng.percent(30) {
            let merchant = self.a_merchant();
            return self.ask_staff(AllianceCommand::DraftStatement { merchant });
        }
        if self.rng.percent(30) {
            return self.merchant_pays();
        }
        let papers = self.live.papers();
        let open: Vec<u32> = self.live.open_papers().collect();
        let any = u32::try_from(self.rng.below(papers + 1)).unwrap_or(0);
        let open = self.rng.pick(&open).copied();
        let statement = StatementId(open.filter(|_| self.rng.percent(80)).unwrap_or(any));
        if self.rng.percent(50) {
            return self.ask_staff(AllianceCommand::ConfirmStatement { statement });
        }
        let on = self.a_day();
        let reference = "bank-1".to_owned();
        self.ask_staff(AllianceCommand::PayStatement {
            statement,
            transfer: Transfer { reference, on },
        })
    }

    /// Somebody comes by a store's link, or leaves his home store.
    fn at_home(&mut self) -> Result<(), SimError> {
        let member = self.somebody_with_coins();
        let command = if self.rng.percent(30) {
            AllianceCommand::EndHome { member }
        } else {
            let stores = self.live.alliance.stores.len() as u64;
            let over = u64::from(self.rng.percent(4));
            let store = StoreId(u32::try_from(self.rng.below(stores + over)).unwrap_or(0));
            AllianceCommand::BindHome { member, store }
        };
        self.ask(Actor::Member(member), Command::Alliance(command))?;
        Ok(())
    }

    /// A midnight of today, mostly.
    fn a_day(&mut self) -> Millis {
        let now = self.clock.max(self.live.now);
        let midnight = Millis::start_of_day(Millis(now).shanghai_day());
        match self.rng.below(6) {
            0 => Millis(midnight.0 + 1),
            1 => Millis(midnight.0 + 86_400_000),
            2 => Millis(midnight.0 - 86_400_000),
            _ => midnight,
        }
    }

    /// Something of what he owes; sometimes the transfer was noted before.
    fn merchant_pays(&mut self) -> Result<(), SimError> {
        let merchant = self.a_merchant();
        let owes = self.live.owed_by(merchant.0).max(1);
        let amount = match self.rng.below(6) {
            0 => owes + 1,
            1 => 0,
            2 => owes,
            _ => self.rng.between(1, owes),
        };
        // Some are noted a second time.
        let number = if self.rng.percent(40) {
            self.rng.below(2)
        } else {
            self.rng.below(1_000_000)
        };
        let transfer = Transfer {
            reference: format!("in-{number}"),
            on: self.a_day(),
        };
        self.ask_staff(AllianceCommand::NoteMerchantPaid {
            merchant,
            amount: Money(amount),
            transfer,
        })
    }

    fn tick_a_counter(&mut self) -> Result<(), SimError> {
        let due = if self.rng.percent(70) {
            Due::Counter(self.a_bill())
        } else {
            Due::Statements
        };
        self.system(Command::Tick(due))?;
        Ok(())
    }

    /// Who waits for a payment at a counter, from an acknowledged answer.
    pub(super) fn note_slip(&mut self, counter: CounterId) {
        let waits = self.live.tab(counter.0);
        let waits = waits.filter(|tab| matches!(tab.stage, TabStage::Waiting { .. }));
        if let Some((store, member)) = waits.map(|tab| (tab.store, tab.member)) {
            let slip = (counter, StoreId(store), MemberId(member));
            town::keep(&mut self.town.slips, 40, slip);
        }
    }
}
