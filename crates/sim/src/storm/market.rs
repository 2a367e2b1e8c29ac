//! The shop: what is listed, stocked and bought, and how it is paid, sent and returned, right and wrong.

use domain::{
    Actor, CampaignId, ChannelTerms, Coins, Command, Due, Fulfilment, MemberId, Money, OperatorId,
    PurchaseId, Rate, Reservation, ShopCommand, SkuId, SkuTerms, Text, Txn,
};

use super::{Run, town};
use crate::error::SimError;
use crate::model::{BuyingStage, GoodStage, Told};
use crate::provider::WhatFor;

impl Run {
    pub(super) fn about_the_shop(&mut self) -> Result<(), SimError> {
        if self.live.wares() < 2 {
            return self.list();
        }
        match self.rng.below(60) {
            0 => self.list(),
            1 | 2 => self.change_ware(),
            3..=6 => self.stock(),
            7..=24 => self.buy(),
            25..=44 => self.pay_purchase(),
            45..=46 => self.cancel_purchase(),
            47..=50 => self.ship_purchase(),
            51..=53 => self.receive_purchase(),
            54..=56 => self.return_purchase(),
            _ => self.tick_the_shop(),
        }
    }

    fn terms_of_a_ware(&mut self) -> SkuTerms {
        let prices = [1, 99, 1_000, 5_001, 20_000, 1_234_567];
        let price = *self.rng.pick(&prices).unwrap_or(&100);
        let cost = self.rng.between(0, price);
        let mut terms = SkuTerms {
            title: Text {
                zh: "茶".to_owned(),
                en: "tea".to_owned(),
            },
            price: Money(price),
            cost: Money(cost),
            coin_offset: Rate(*self.rng.pick(&[0, 50_000, 100_000, 500_000]).unwrap_or(&0)),
            fulfilment: Fulfilment::Ship,
            channel: ChannelTerms {
                fee: Rate(*self.rng.pick(&[0, 6_000, 12_345]).unwrap_or(&0)),
                kept_on_refund: self.rng.percent(35),
            },
            fetch: None,
            package: None,
        };
        match self.rng.below(40) {
            0 => terms.price = Money(0),
            1 => terms.cost = Money(-1),
            2 => terms.coin_offset = Rate(1_000_000),
            3 => terms.channel.fee = Rate(1_000_001),
            _ => {}
        }
        terms
    }

    fn list(&mut self) -> Result<(), SimError> {
        let token = match self.rng.pick(&self.town.listed) {
            Some(token) if self.rng.percent(15) => *token,
            _ => self.rng.bytes16(),
        };
        town::keep(&mut self.town.listed, 20, token);
        let product = [u8::from(self.rng.percent(5)); 16];
        let terms = Box::new(self.terms_of_a_ware());
        let command = ShopCommand::ListSku {
            token,
            product,
            terms,
        };
        let told = self.ask(Actor::Operator(OperatorId(0)), Command::Shop(command))?;
        if let Told::Sku(number) = told {
            let by = i32::try_from(self.rng.between(1, 300)).unwrap_or(1);
            let sku = SkuId(number);
            let command = Command::Shop(ShopCommand::AdjustStock { sku, by });
            self.ask(Actor::Operator(OperatorId(0)), command)?;
        }
        Ok(())
    }

    fn a_ware(&mut self) -> SkuId {
        let over = u64::from(self.rng.percent(3));
        let wares = u64::from(self.live.wares());
        SkuId(u32::try_from(self.rng.below(wares + over)).unwrap_or(0))
    }

    fn change_ware(&mut self) -> Result<(), SimError> {
        let sku = self.a_ware();
        let closed: Vec<u32> = self.live.closed_wares().collect();
        let command = match self.rng.below(4) {
            0 => ShopCommand::CloseSku { sku },
            1 | 2 => ShopCommand::ReopenSku {
                sku: self.rng.pick(&closed).map_or(sku, |&number| SkuId(number)),
            },
            _ => ShopCommand::ChangeSku {
                sku,
                terms: Box::new(self.terms_of_a_ware()),
            },
        };
        self.ask(Actor::Operator(OperatorId(0)), Command::Shop(command))?;
        Ok(())
    }

    fn stock(&mut self) -> Result<(), SimError> {
        let sku = self.a_ware();
        let free = self.live.free_units(sku.0);
        let returned: Vec<u32> = self.live.offers_with_returns().collect();
        let command = if self.rng.percent(if returned.is_empty() { 20 } else { 60 }) {
            let campaigns = self.live.offers.len() as u64;
            let any = u32::try_from(self.rng.below(campaigns + 1)).unwrap_or(0);
            let campaign = self.rng.pick(&returned).map_or(any, |&offer| offer);
            ShopCommand::StockReturns {
                sku,
                campaign: CampaignId(campaign),
                units: u32::try_from(self.rng.between(0, 2)).unwrap_or(0),
            }
        } else {
            let by = match self.rng.below(10) {
                0 => 0,
                1 => -free - 1,
                2 | 3 => -self.rng.between(0, free.max(0)),
                4 => 10_000_001,
                _ => self.rng.between(1, 40),
            };
            ShopCommand::AdjustStock {
                sku,
                by: i32::try_from(by).unwrap_or(1),
            }
        };
        self.ask(Actor::Operator(OperatorId(0)), Command::Shop(command))?;
        Ok(())
    }

    /// Somebody with coins, if one is quickly found.
    pub(super) fn somebody_with_coins(&mut self) -> MemberId {
        for _ in 0..6 {
            let member = self.somebody();
            if 0 < self.live.ready_coins(member.0) {
                return member;
            }
        }
        self.somebody()
    }

    fn buy(&mut self) -> Result<(), SimError> {
        if self.rng.percent(6)
            && let Some(asked) = self.rng.pick(&self.town.wanted).copied()
        {
            let command = Command::Shop(ShopCommand::Buy(asked));
            self.ask(Actor::Member(asked.member), command)?;
            return Ok(());
        }
        let (sku, member) = (self.a_ware(), self.somebody_with_coins());
        // Somebody wants a whole stock without paying.
        let times = if self.rng.percent(3) { 7 } else { 1 };
        for _ in 0..times {
            self.reserve_units(sku, member)?;
        }
        Ok(())
    }

    fn reserve_units(&mut self, sku: SkuId, member: MemberId) -> Result<(), SimError> {
        let terms = self.live.ware_terms(sku.0);
        let (price, offset) = terms.map_or((1, 0), |terms| (terms.price.0, terms.coin_offset.0));
        let units = match self.rng.below(30) {
            0 => 0,
            1 => 101,
            2 => 100,
            _ => self.rng.between(1, 3),
        };
        let most = price * units * i64::from(offset.min(100_000)) / 1_000_000;
        let have = self.live.ready_coins(member.0);
        let coins = match self.rng.below(20) {
            0 => -1,
            1 => most + 1,
            2..=4 => 0,
            5 => most,
            _ => most.min(have),
        };
        let wrong = i64::from(self.rng.percent(3));
        let asked = Reservation {
            member,
            token: self.rng.bytes16(),
            sku,
            units: u32::try_from(units).unwrap_or(0),
            price: Money(price + wrong),
            coins: Coins(coins),
        };
        town::keep(&mut self.town.wanted, 40, asked);
        let command = Command::Shop(ShopCommand::Buy(asked));
        self.ask(Actor::Member(member), command)?;
        Ok(())
    }

    /// A buyer pays: soon, late, twice or another amount.
    fn pay_purchase(&mut self) -> Result<(), SimError> {
        let bills = self.town.receipts.len();
        if bills == 0 {
            return self.buy();
        }
        let newest = if self.rng.percent(70) {
            bills.min(6)
        } else {
            bills
        };
        let at = bills - 1 - usize::try_from(self.rng.below(newest as u64)).unwrap_or(0);
        let (purchase, sku, member) = self.town.receipts[at];
        if self.rng.percent(90) {
            self.town.receipts.swap_remove(at);
        }
        let cash = self.live.cash_of(purchase.0);
        let amount = if self.rng.percent(6) {
            self.rng.between(1, 2 * cash.max(1))
        } else {
            cash
        };
        let what_for = WhatFor::Purchase(purchase, sku);
        let txn = self.town.provider.pay(amount, member, what_for);
        self.report(&txn)
    }

    pub(super) fn tell_of_purchase(
        &mut self,
        purchase: PurchaseId,
        txn: Txn,
        amount: Money,
    ) -> Result<(), SimError> {
        let command = ShopCommand::PayPurchase {
            purchase,
            txn,
            amount,
        };
        self.system(Command::Shop(command))?;
        Ok(())
    }

    /// One that goes on, mostly; and whose it is, mostly.
    fn a_purchase(&mut self) -> (PurchaseId, MemberId) {
        self.a_purchase_that(|_| true)
    }

    /// One that is so far, if there is one.
    fn a_purchase_that(&mut self, is_wanted: fn(BuyingStage) -> bool) -> (PurchaseId, MemberId) {
        let open = self.live.open_buyings();
        let mut open: Vec<(u64, BuyingStage)> = open.map(|(id, of)| (id, of.stage)).collect();
        if open.iter().any(|(_, stage)| is_wanted(*stage)) && self.rng.percent(80) {
            open.retain(|(_, stage)| is_wanted(*stage));
        }
        let open: Vec<u64> = open.into_iter().map(|(number, _)| number).collect();
        let all = self.live.buyings();
        let number = match self.rng.pick(&open) {
            Some(&number) if self.rng.percent(93) => number,
            _ => self.rng.below(all + 2),
        };
        let whose = self.live.buying(number).map(|of| of.member);
        let member = match whose {
            Some(member) if self.rng.percent(93) => MemberId(member),
            _ => self.somebody(),
        };
        (PurchaseId(number), member)
    }

    fn cancel_purchase(&mut self) -> Result<(), SimError> {
        let (purchase, member) = self.a_purchase();
        let command = ShopCommand::CancelPurchase { purchase, member };
        self.ask(Actor::Member(member), Command::Shop(command))?;
        Ok(())
    }

    fn ship_purchase(&mut self) -> Result<(), SimError> {
        let (purchase, _) =
            self.a_purchase_that(|stage| stage == BuyingStage::Bought(GoodStage::Paid));
        let command = Command::Shop(ShopCommand::ShipPurchase { purchase });
        self.ask(Actor::Operator(OperatorId(0)), command)?;
        Ok(())
    }

    fn receive_purchase(&mut self) -> Result<(), SimError> {
        let (purchase, member) = self.a_purchase_that(|stage| {
            matches!(stage, BuyingStage::Bought(GoodStage::Shipped { .. }))
        });
        let command = ShopCommand::ReceivePurchase { purchase, member };
        self.ask(Actor::Member(member), Command::Shop(command))?;
        Ok(())
    }

    fn return_purchase(&mut self) -> Result<(), SimError> {
        if self.rng.percent(40) {
            let (purchase, _) = self.a_purchase_that(|stage| {
                matches!(stage, BuyingStage::Bought(GoodStage::Returning { .. }))
            });
            let command = Command::Shop(ShopCommand::TakeBackPurchase { purchase });
            self.ask(Actor::Operator(OperatorId(0)), command)?;
            return Ok(());
        }
        let (purchase, member) = self.a_purchase_that(|stage| {
            matches!(stage, BuyingStage::Bought(GoodStage::Received { .. }))
        });
        let command = ShopCommand::ReturnPurchase { purchase, member };
        self.ask(Actor::Member(member), Command::Shop(command))?;
        Ok(())
    }

    fn tick_the_shop(&mut self) -> Result<(), SimError> {
        let due = if self.rng.percent(50) {
            Due::Sku(self.a_ware())
        } else {
            Due::Purchase(self.a_purchase().0)
        };
        self.system(Command::Tick(due))?;
        Ok(())
    }

    /// What was paid is sent; what comes back comes back by itself.
    pub(super) fn send_purchases(&mut self) -> Result<(), SimError> {
        let open: Vec<u64> = self.live.open_buyings().map(|(number, _)| number).collect();
        for purchase in open.into_iter().map(PurchaseId) {
            self.system(Command::Shop(ShopCommand::ShipPurchase { purchase }))?;
        }
        Ok(())
    }
}
