//! The demonstration's money: purchases, coins, bills at counters, withdrawals, statements, and what two persons decide.

use engine::{Clock, SystemClock};
use serde_json::{Value, json};

use super::api::{because, text, why};
use super::goods::Sku;
use super::groups::parcel;
use super::life::{Guest, Stage};
use super::merchants::House;

/// A purchase as it was made: its number, and where it is paid.
struct Made {
    id: String,
    payment: Value,
}

impl Stage {
    /// Purchases in every state that a visitor may want to see: paid, sent, taken back, to be fetched, redeemed, coins, and one
    /// that was given up and paid after that.
    pub(super) async fn purchases(&self) -> Result<(), String> {
        let [zero, one, two, three] = [
            self.guest(0)?,
            self.guest(1)?,
            self.guest(2)?,
            self.guest(3)?,
        ];
        let (api, operator) = (&self.shop.api, self.shop.operator.as_str());
        let desk = |id: &str, what: &str| format!("/console/purchases/{id}/{what}");
        let own = |id: &str, what: &str| format!("/purchases/{id}/{what}");
        self.buy(two, Sku::Towels).await?;
        let sent = self.buy(one, Sku::TeaSetForTwo).await?;
        let back = self.buy(one, Sku::Towels).await?;
        let late = self.reserve(one, Sku::Towels, "0.00").await?;
        let posts = [
            (operator, desk(&sent, "ship"), parcel("SF1000000001")),
            (operator, desk(&back, "ship"), parcel("SF1000000005")),
            (&one.cookie, own(&back, "receive"), json!({})),
            (&one.cookie, own(&back, "return"), json!({})),
            (operator, desk(&back, "take-back"), why()),
            (&one.cookie, own(&late.id, "cancel"), json!({})),
        ];
        api.post_all(posts).await?;
        api.pay(&late.payment).await?;
        self.buy(three, Sku::Coins).await?;
        self.buy(three, Sku::CoinsAndTowels).await?;
        self.buy(self.guest(5)?, Sku::CoinsAndVip).await?;
        self.buy(three, Sku::Cakes).await?;
        self.buy(zero, Sku::Voucher).await?;
        let redeemed = self.buy(two, Sku::Voucher).await?;
        let code = api.get(&two.cookie, &own(&redeemed, "code")).await?;
        let code = json!({ "code": code["code"] });
        api.post(&self.tea.cashier, "/cashier/redeem", &code)
            .await?;
        Ok(())
    }

    /// Coins that were bought and not wanted.
    pub(super) async fn recharges(&self) -> Result<(), String> {
        let (api, guest) = (&self.shop.api, self.guest(6)?);
        self.buy(guest, Sku::Coins).await?;
        let recharges = "/me/recharges";
        let own = api.found(&guest.cookie, recharges, |item| item["left"] == "100.00");
        let path = format!("/recharges/{}/refund", text(&own.await?, "id")?);
        api.post(&guest.cookie, &path, &json!({})).await?;
        Ok(())
    }

    /// Buys one and pays; its number once it is paid.
    async fn buy(&self, guest: &Guest, sku: Sku) -> Result<String, String> {
        self.buy_with(guest, sku, "0.00").await
    }

    /// The same, with some coins.
    async fn buy_with(&self, guest: &Guest, sku: Sku, coins: &str) -> Result<String, String> {
        let Made { id, payment } = self.reserve(guest, sku, coins).await?;
        let (api, path) = (&self.shop.api, format!("/purchases/{id}"));
        api.pay(&payment).await?;
        let paid = api.until(&guest.cookie, &path, |page| page["state"] != "reserved");
        paid.await?;
        Ok(id)
    }

    async fn reserve(&self, guest: &Guest, sku: Sku, coins: &str) -> Result<Made, String> {
        let (number, price) = sku.listed();
        let wanted = json!({ "units": 1, "price": price, "coins": coins });
        let path = format!("/skus/{number}/buy");
        let payment = self.shop.api.post(&guest.cookie, &path, &wanted).await?;
        let id = text(&payment, "id")?;
        Ok(Made { id, payment })
    }

    /// Two who have coins of their own: at every table somebody has got some.
    pub(super) async fn with_coins(&self) -> Result<[&Guest; 2], String> {
        for table in ["table of three", "table of two", "another table"] {
            self.ended(table).await?;
        }
        let mut rich = Vec::new();
        for guest in self.guests.iter().take(4) {
            let me = self.shop.api.get(&guest.cookie, "/me").await?;
            // What is given at a table; who has bought coins may have more, and what is given elsewhere is too little.
            if has(&me, "available", 1) && has(&me, "coins", 2_000) {
                rich.push(guest);
            }
        }
        match rich.as_slice() {
            [one, .., other] => Ok([one, other]),
            [_] | [] => Err("hardly anybody has got a consolation".to_owned()),
        }
    }

    /// Bills whose cash the tea house takes, one of them undone; and a purchase that coins pay a part of.
    pub(super) async fn tea_counter(&self, [one, _]: &[&Guest; 2]) -> Result<(), String> {
        let (api, till) = (&self.shop.api, self.tea.cashier.as_str());
        self.bill(&self.tea, one, "66.00").await?;
        let undone = text(&self.bill(&self.tea, one, "20.00").await?, "id")?;
        let path = format!("/counter/payments/{undone}/void");
        api.post(till, &path, &json!({})).await?;
        self.buy_with(one, Sku::TeaSetForTwo, "5.00").await?;
        Ok(())
    }

    /// Bills that are paid on the phone: one with bought coins by somebody whose home store has its share of it, one that the
    /// merchant pays back, and one that waits; it lapses after five minutes.
    pub(super) async fn phone_counter(&self, books: &House) -> Result<(), String> {
        let (api, [one, two, buyer]) = (
            &self.shop.api,
            [self.guest(1)?, self.guest(2)?, self.guest(5)?],
        );
        for (guest, amount) in [(buyer, "120.00"), (one, "80.00")] {
            let bill = self.bill(books, guest, amount).await?;
            api.pay(&bill).await?;
            let id = text(&bill, "id")?;
            let path = format!("/me/counter-payments/{id}");
            let is_paid = |page: &Value| page["state"] == "paid";
            api.until(&guest.cookie, &path, is_paid).await?;
            if guest.id == one.id {
                let path = format!("/merchant/counter-payments/{id}/refund");
                api.post(&books.merchant, &path, &json!({})).await?;
            }
        }
        self.bill(books, two, "45.00").await.map(|_| ())
    }

    /// A bill that a cashier enters with the code that a member shows.
    async fn bill(&self, house: &House, guest: &Guest, amount: &str) -> Result<Value, String> {
        let api = &self.shop.api;
        let path = "/me/counter-code";
        let shown = api.post(&guest.cookie, path, &json!({})).await?;
        let bill = json!({ "code": shown["code"], "bill": amount });
        api.post(&house.cashier, "/counter/payments", &bill).await
    }

    /// A reward that was available, taken back.
    pub(super) async fn clawback(
        &self,
        [one, _]: &[&Guest; 2],
        finance: &str,
    ) -> Result<(), String> {
        let path = format!("/console/members/{}/clawback", one.id);
        let back = because(json!({ "amount": "0.50" }));
        let persons = [self.shop.operator.as_str(), finance];
        self.shop.api.decided(persons, &path, &back).await
    }

    /// The tea house's first statement, confirmed and paid, each by two persons.
    pub(super) async fn statement_paid(&self, finance: &str) -> Result<(), String> {
        for table in ["table of three", "table of two", "another table"] {
            self.ended(table).await?;
        }
        let api = &self.shop.api;
        let drawn_up = self.draw_up(&self.tea).await?;
        let path = format!("/console/statements/{drawn_up}");
        let confirm = format!("{path}/confirm");
        api.decided(self.shop.operators(), &confirm, &why()).await?;
        let transfer = because(json!({ "reference": "DEMO-1", "on": today() }));
        let persons = [self.shop.operator.as_str(), finance];
        let paid = format!("{path}/paid");
        api.decided(persons, &paid, &transfer).await
    }

    /// One of each merchant that waits to be confirmed. The bookshop's entry fee is set off in its own.
    pub(super) async fn statements(&self, books: &House) -> Result<(), String> {
        self.draw_up(books).await?;
        let group = self.table("108.00", &[0, 3]).await?;
        self.settled(&group).await?;
        self.draw_up(&self.tea).await.map(|_| ())
    }

    /// Has a statement drawn up before the month is over; its number.
    async fn draw_up(&self, house: &House) -> Result<String, String> {
        let (api, operator) = (&self.shop.api, &self.shop.operator);
        let path = format!("/console/merchants/{}/statement", house.number);
        api.post(operator, &path, &why()).await?;
        let own =
            |item: &Value| item["merchant"] == house.number.as_str() && item["state"] == "draft";
        let list = "/console/statements?limit=100";
        text(&api.found(operator, list, own).await?, "id")
    }

    /// One that is paid, one that is turned down, one that the channel could not pay, one that its member has still to confirm
    /// there, and one that waits for a decision; of somebody who has not won in the draw.
    pub(super) async fn withdrawals(&self, finance: &str) -> Result<(), String> {
        self.ended("draw").await?;
        let (api, guest) = (&self.shop.api, self.with_money().await?);
        let account = json!({ "name": "演示", "account": "demo@example.com" });
        let path = "/me/payout-account";
        let entered = api.post(&guest.cookie, path, &account).await?;
        let seen = because(json!({ "token": entered["account"]["token"] }));
        let path = format!("/console/members/{}/payout-account/verify", guest.id);
        api.post(&self.shop.operator, &path, &seen).await?;
        self.asked(guest, "2.00", Some((finance, "approve")))
            .await?;
        self.asked(guest, "1.50", Some((finance, "reject"))).await?;
        let day_ms = 86_400_000;
        for (amount, course, becomes) in [
            ("1.20", json!({ "fails": true }), "failed"),
            ("1.10", json!({ "confirm_within_ms": day_ms }), "waiting"),
        ] {
            let id = self.asked(guest, amount, None).await?;
            api.payouts_go(course).await?;
            let path = format!("/console/withdrawals/{id}/approve");
            let approved = api.post(finance, &path, &why()).await;
            let list = "/me/withdrawals";
            let ended = api.found(&guest.cookie, list, |item| {
                item["id"] == id.as_str() && item["state"] == becomes
            });
            let ended = ended.await;
            // The channel is as ever again, whatever has come of it.
            api.payouts_go(json!({})).await?;
            approved.and(ended)?;
        }
        self.asked(guest, "1.00", None).await.map(|_| ())
    }

    /// Asks for a part of somebody's money, which is decided upon at once if it is said how and by whom; its number.
    async fn asked(
        &self,
        guest: &Guest,
        amount: &str,
        decided: Option<(&str, &str)>,
    ) -> Result<String, String> {
        let (api, wanted) = (&self.shop.api, json!({ "amount": amount }));
        let asked = api.post(&guest.cookie, "/me/withdrawals", &wanted).await?;
        let id = text(&asked, "id")?;
        if let Some((finance, decision)) = decided {
            let path = format!("/console/withdrawals/{id}/{decision}");
            api.post(finance, &path, &why()).await?;
        }
        Ok(id)
    }

    /// Somebody who has at least five yuan.
    async fn with_money(&self) -> Result<&Guest, String> {
        for guest in &self.guests {
            let me = self.shop.api.get(&guest.cookie, "/me").await?;
            if has(&me, "available", 500) {
                return Ok(guest);
            }
        }
        Err("nobody has five yuan".to_owned())
    }

    /// Suppliers are paid by two persons; one deposit is declined, and another and a new contract wait for whoever comes.
    pub(super) async fn approvals(&self, finance: &str) -> Result<(), String> {
        let (api, operator) = (&self.shop.api, self.shop.operator.as_str());
        let suppliers = because(json!({ "amount": "100.00" }));
        let persons = [operator, finance];
        let path = "/console/suppliers";
        api.decided(persons, path, &suppliers).await?;
        let capital = |amount: &str| because(json!({ "amount": amount }));
        let asked = api.post(operator, "/capital", &capital("7.00")).await?;
        let path = format!("/console/approvals/{}/decline", text(&asked, "approval")?);
        api.post(finance, &path, &why()).await?;
        let contract = because(json!({
            "contract": { "commission": "12%", "settlement": "20%", "cash": "store", "origin_share": "10%" },
        }));
        let path = format!("/console/merchants/{}/contract", self.tea.number);
        api.post(operator, &path, &contract).await?;
        let path = "/capital";
        api.post(operator, path, &capital("5000.00")).await?;
        Ok(())
    }
}

/// Whether somebody has at least so many fen of it in his wallet.
fn has(me: &Value, what: &str, fen: i64) -> bool {
    let amount = me["wallet"][what].as_str().map(|it| it.replace('.', ""));
    amount.is_some_and(|it| it.parse().is_ok_and(|held: i64| fen <= held))
}

/// The day in Shanghai, such as `2026-12-01`.
fn today() -> String {
    let now = Clock::now(&SystemClock);
    let month = now.month();
    let (years, months) = (month.0 / 12, month.0 % 12);
    let day = now.shanghai_day() - month.begins().shanghai_day();
    format!("{:04}-{:02}-{:02}", 1970 + years, months + 1, day + 1)
}
