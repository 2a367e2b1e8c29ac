//! What is known of the shop, and whether the world knows the same.

use domain::{
    Account, AllianceAccount, CounterId, CounterPaid, MemberId, MerchantAccount, MerchantId,
    PurchaseId, PurchaseState, SkuId, SkuTerms, World,
};

use super::homes::Waits;
use super::purchases::{Buying, BuyingStage, Ware};
use super::{GoodStage, Model, TabStage, compare::Differ};

/// Looking things up.
impl Model {
    pub(super) fn ware(&mut self, number: u32) -> Option<&mut Ware> {
        self.touched.wares.insert(number);
        self.market.wares.get_mut(number as usize)
    }

    /// Units that nobody holds, has paid for or has kept.
    pub(crate) fn free_units(&self, number: u32) -> i64 {
        let ware = self.market.wares.get(number as usize);
        let out = self.market.out.get(&number).copied().unwrap_or(0);
        ware.map_or(0, |ware| ware.brought - out)
    }

    pub(crate) fn buying(&self, number: u64) -> Option<&Buying> {
        self.market.all.get(usize::try_from(number).ok()?)
    }

    pub(super) fn buying_mut(&mut self, number: u64) -> Option<&mut Buying> {
        self.touched.buyings.insert(number);
        self.market.all.get_mut(usize::try_from(number).ok()?)
    }

    pub(super) fn open_buying(&self, number: u64) -> Option<&Buying> {
        self.buying(number).filter(|of| !of.is_over())
    }

    pub(super) fn open_stage(&self, number: u64) -> Option<BuyingStage> {
        self.open_buying(number).map(|of| of.stage)
    }

    pub(super) fn own_buying(&self, number: u64, member: u32) -> Result<BuyingStage, &'static str> {
        let of = self.open_buying(number).ok_or("purchase_unknown")?;
        if of.member != member {
            return Err("purchase_not_yours");
        }
        Ok(of.stage)
    }

    pub(crate) fn buyings(&self) -> u64 {
        u64::try_from(self.market.all.len()).unwrap_or(u64::MAX)
    }

    pub(crate) fn open_buyings(&self) -> impl Iterator<Item = (u64, &Buying)> {
        let open = self.market.open.iter();
        open.filter_map(|&number| Some((number, self.buying(number)?)))
    }

    pub(super) fn unpaid_of(&self, member: u32) -> impl Iterator<Item = &Buying> {
        self.open_buyings().map(|(_, of)| of).filter(move |of| {
            of.member == member && matches!(of.stage, BuyingStage::Reserved { .. })
        })
    }

    /// Whether an open purchase was paid with this.
    pub(super) fn has_bought(&self, txn: &str) -> bool {
        let mut open = self.open_buyings();
        open.any(|(_, of)| of.txn.as_deref() == Some(txn))
    }

    pub(super) fn next_buying_due(&self) -> Option<i64> {
        self.open_buyings().filter_map(|(_, of)| of.due_at()).min()
    }

    pub(crate) fn wares(&self) -> u32 {
        u32::try_from(self.market.wares.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn closed_wares(&self) -> impl Iterator<Item = u32> {
        let numbered = (0u32..).zip(&self.market.wares);
        numbered.filter_map(|(number, ware)| (!ware.on_sale).then_some(number))
    }

    pub(crate) fn offers_with_returns(&self) -> impl Iterator<Item = u32> {
        let returned = self.market.returned.iter();
        returned.filter_map(|(&offer, &units)| (0 < units).then_some(offer))
    }

    pub(crate) fn ready_coins(&self, member: u32) -> i64 {
        self.people
            .get(&member)
            .map_or(0, |person| person.ready.coins)
    }

    pub(crate) fn ware_terms(&self, number: u32) -> Option<&SkuTerms> {
        self.market
            .wares
            .get(number as usize)
            .map(|ware| &ware.terms)
    }

    /// What is paid in cash of a purchase that waits for its payment, or waited.
    pub(crate) fn cash_of(&self, number: u64) -> i64 {
        self.buying(number).map_or(1, Buying::cash)
    }
}

/// Against the world.
impl Model {
    pub(super) fn compare_ware(&self, number: u32, world: &World, differ: &mut Differ) {
        let Some(ware) = self.market.wares.get(number as usize) else {
            return;
        };
        let seen = world.sku(SkuId(number));
        let seen = seen.map(|seen| {
            (
                seen.terms,
                seen.on_sale,
                i64::from(seen.free),
                i64::from(seen.own),
            )
        });
        let told = (
            ware.terms.clone(),
            ware.on_sale,
            self.free_units(number),
            ware.own,
        );
        differ.same(|| format!("ware {number}"), seen, Some(told));
        // Counted once more: nothing is sold twice.
        let out = self
            .market
            .all
            .iter()
            .filter(|of| of.ware == number && of.holds());
        let out: i64 = out.map(|of| of.units).sum();
        differ.same(
            || format!("units of ware {number} that are out"),
            self.market.out.get(&number).copied().unwrap_or(0),
            out,
        );
        if self.free_units(number) < 0 {
            differ.says(format!("ware {number} is oversold"));
        }
    }

    pub(super) fn compare_buying(&self, number: u64, world: &World, differ: &mut Differ) {
        let Some(of) = self.buying(number) else {
            return;
        };
        let at = domain::Millis;
        let state = match of.stage {
            BuyingStage::Reserved { pay_by } => {
                Some(PurchaseState::Reserved { pay_by: at(pay_by) })
            }
            BuyingStage::Bought(GoodStage::Paid) => Some(PurchaseState::Paid),
            BuyingStage::Bought(GoodStage::Shipped { received_by }) => {
                Some(PurchaseState::Shipped {
                    received_by: at(received_by),
                })
            }
            BuyingStage::Bought(GoodStage::Received { kept_at }) => Some(PurchaseState::Received {
                kept_at: at(kept_at),
            }),
            BuyingStage::Bought(GoodStage::Returning { back_by }) => {
                Some(PurchaseState::Returning {
                    back_by: at(back_by),
                })
            }
            BuyingStage::Lapsed | BuyingStage::Bought(GoodStage::Kept | GoodStage::Returned) => {
                None
            }
        };
        let seen = world.purchase(PurchaseId(number)).map(|seen| {
            let money = (seen.bill.0, seen.coins.0, seen.cost.0);
            (
                seen.member.0,
                seen.sku.0,
                (seen.units, seen.own),
                money,
                seen.state,
            )
        });
        let units = (
            u32::try_from(of.units).unwrap_or(u32::MAX),
            u32::try_from(of.own).unwrap_or(u32::MAX),
        );
        let money = (of.bill, of.coins, of.cost);
        let told = state.map(|state| (of.member, of.ware, units, money, state));
        differ.same(|| format!("purchase {number}"), seen, told);
    }

    pub(super) fn compare_market(&self, world: &World, differ: &mut Differ) {
        differ.same(
            || "number of purchases".to_owned(),
            world.purchases(),
            self.buyings(),
        );
        let seen = world.returned_units();
        let seen: Vec<(u32, i64)> = seen.map(|(id, units)| (id.0, i64::from(units))).collect();
        let told = self
            .market
            .returned
            .iter()
            .filter(|(_, units)| **units != 0);
        let told: Vec<(u32, i64)> = told.map(|(&offer, &units)| (offer, units)).collect();
        differ.same(|| "returned units".to_owned(), seen, told);
        for (_, of) in self.open_buyings() {
            let coins = world.coins_held(MemberId(of.member)).0;
            let held = self.coins_held(of.member);
            differ.same(
                || format!("coins of member {} that are held", of.member),
                coins,
                held,
            );
        }
    }
}

/// Merchants and bills at their counters against the world.
impl Model {
    pub(super) fn compare_tab(&self, number: u64, world: &World, differ: &mut Differ) {
        let Some(tab) = self.tab(number) else {
            return;
        };
        let told = (tab.member, tab.store, tab.trader, tab.cash(), tab.coins);
        let seen = |paid: &CounterPaid| {
            let cash = paid.bill.0 - paid.coins.0;
            let coins = paid.coins.0;
            (paid.member.0, paid.store.0, paid.merchant.0, cash, coins)
        };
        let id = CounterId(number);
        let waits = world.counter_awaited(id);
        let waits = waits.map(|known| (seen(&known.paid), known.pay_by.0));
        let told_waits = match tab.stage {
            TabStage::Waiting { pay_by } => Some((told, pay_by)),
            TabStage::GivenUp | TabStage::Paid | TabStage::Reversed => None,
        };
        differ.same(|| format!("bill {number} that waits"), waits, told_waits);
        let paid = world.counter_payment(id);
        let paid = paid.map(|known| (seen(&known.paid), known.reversed.is_some()));
        let reversed = tab.stage == TabStage::Reversed;
        let told_paid = tab.is_remembered().then_some((told, reversed));
        differ.same(|| format!("bill {number} that was paid"), paid, told_paid);
    }

    pub(super) fn compare_traders(&self, world: &World, differ: &mut Differ) {
        for (number, trader) in self.traders_by_number() {
            let balance = |account| world.balance(Account::Merchant(account, MerchantId(number)));
            let seen = (
                -balance(MerchantAccount::Payable),
                balance(MerchantAccount::Owes),
                -balance(MerchantAccount::Stated),
                -balance(MerchantAccount::Vesting),
            );
            let waits = self.waits_for(number);
            let told = (trader.payable, trader.owes, trader.stated, waits);
            differ.same(|| format!("money of merchant {number}"), seen, told);
            if trader.payable < 0 || trader.owes < 0 || trader.stated < 0 {
                differ.says(format!("merchant {number} is below zero"));
            }
        }
        let own = |account| -world.balance(Account::Alliance(account));
        let seen = (
            own(AllianceAccount::CounterTake),
            own(AllianceAccount::EntryFees),
            world.balance(Account::Bank),
            u64::from(world.statements()),
            world.counter_payments(),
            -own(AllianceAccount::OriginShares),
        );
        let alliance = &self.alliance;
        let sums = (alliance.take, alliance.entry_fees, alliance.bank);
        let given = self.homes.given;
        let told = (sums.0, sums.1, sums.2, self.papers(), self.tabs(), given);
        differ.same(|| "what counters brought".to_owned(), seen, told);
        let seen = world.counter_shares().map(|(counter, share)| {
            let waits = Waits {
                trader: share.merchant.0,
                amount: share.amount.0,
                debtor: share.debtor.0,
                ahead: share.ahead.0,
                until: share.until.0,
            };
            (counter.0, waits)
        });
        let told = self.homes.waiting.clone();
        differ.same(|| "shares of bills".to_owned(), seen.collect(), told);
        for (&member, &(store, until)) in &self.homes.of {
            let seen = world.home(MemberId(member));
            let seen = seen.map(|home| (home.store.0, home.until.0));
            let told = Some((store, until));
            differ.same(|| format!("home store of member {member}"), seen, told);
        }
        let seen = world.homes();
        let told = u64::try_from(self.homes.of.len()).unwrap_or(u64::MAX);
        differ.same(|| "home stores".to_owned(), seen, told);
    }
}
