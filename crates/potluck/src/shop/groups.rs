//! The demonstration's groups: tables, draws, a circle, a ballot, and what becomes of the orders.

use serde_json::{Value, json};

use super::api::{because, text, why};
use super::life::{Guest, Stage, told};
use super::merchants::{DRAW, TREAT};

/// Positions of [`super::OWN`] and [`super::EXAMPLES`] among the campaigns.
const MEMBERS_DAY: usize = 0;
const AFTERNOON_TEA: usize = 1;
const BALLOT: usize = 2;
const TURNS: usize = 7;
const E0: usize = 12;
/// Why a group has no place for another.
const TAKEN: [&str; 2] = ["group_full", "group_not_open"];
/// Who plays: the fifth and the last ones have other things to show.
const FIVE: [usize; 5] = [0, 1, 2, 3, 5];
const SIX: [usize; 6] = [0, 1, 2, 3, 5, 6];

/// How something is sent, the number of which is its carrier's.
pub(super) fn parcel(number: &str) -> Value {
    json!({ "carrier": "SF", "number": number })
}

impl Stage {
    /// Tables with their bills and guests; their groups are the shop's first.
    pub(super) async fn tables(&mut self) -> Result<(), String> {
        let tables: [(&str, &str, &[usize]); 3] = [
            ("table of three", "128.00", &[0, 1, 2]),
            ("table of two", "96.00", &[2, 3]),
            ("another table", "88.00", &[0, 1]),
        ];
        for (name, bill, guests) in tables {
            let group = self.table(bill, guests).await?;
            self.groups.insert(name, group);
        }
        Ok(())
    }

    /// A table, at which all of them sit down and pay its bill; its group.
    pub(super) async fn table(&self, bill: &str, guests: &[usize]) -> Result<String, String> {
        let table = json!({ "bill": bill, "guests": guests.len() });
        let seats = self.opened(TREAT, table).await?;
        self.sit_down(&seats, guests).await
    }

    /// All of them sit down at a table and pay its bill; its group.
    pub(super) async fn sit_down(&self, seats: &str, guests: &[usize]) -> Result<String, String> {
        let mut group = String::new();
        for &guest in guests {
            let guest = self.guest(guest)?;
            let none = json!({});
            let sat = self.shop.api.post(&guest.cookie, seats, &none).await?;
            group = text(&sat, "group")?;
            self.pay_for(guest, &sat).await?;
        }
        Ok(group)
    }

    /// Opens a table of one of the tea house's templates; where one sits down at it.
    pub(super) async fn opened(&self, template: usize, mut table: Value) -> Result<String, String> {
        table["template"] = json!(self.tea.campaigns.get(template));
        let path = "/counter/tables";
        let table = self.shop.api.post(&self.tea.cashier, path, &table).await?;
        Ok(format!("/tables/{}/seats", text(&table, "token")?))
    }

    /// A table for four at which one guest sits.
    pub(super) async fn waiting_table(&self) -> Result<(), String> {
        let table = json!({ "bill": "240.00", "guests": 4 });
        let seats = self.opened(TREAT, table).await?;
        self.sit_down(&seats, &[2]).await.map(|_| ())
    }

    /// Fills a group of each campaign that is played. Nobody else plays yet.
    pub(super) async fn fill_groups(&mut self) {
        let own = |at: usize| self.shop.campaigns.get(at).cloned().unwrap_or_default();
        let draw = self.tea.campaigns.get(DRAW).cloned().unwrap_or_default();
        let groups: [(&'static str, String, &[usize]); 6] = [
            ("vouchers", own(AFTERNOON_TEA), &SIX),
            ("circle", own(TURNS), &FIVE),
            ("draw", own(E0), &FIVE),
            ("merchant's draw", draw, &SIX),
            ("members' day", own(MEMBERS_DAY), &SIX),
            ("ballot", own(BALLOT), &SIX),
        ];
        for (name, campaign, guests) in groups {
            let path = format!("/campaigns/{campaign}/groups");
            if let Some(group) = told(name, self.fill(&path, guests).await) {
                self.groups.insert(name, group);
            }
        }
    }

    /// A group, opened by the first of them and joined by the others; its number.
    pub(super) async fn fill(&self, open: &str, guests: &[usize]) -> Result<String, String> {
        let mut group = String::new();
        for &guest in guests {
            let guest = self.guest(guest)?;
            let (path, is_leader) = match group.as_str() {
                "" => (open.to_owned(), true),
                group => (format!("/groups/{group}/seats"), false),
            };
            let seat = self.shop.api.post(&guest.cookie, &path, &json!({})).await;
            match seat {
                Ok(seat) if is_leader => {
                    group = text(&seat, "group")?;
                    self.pay_for(guest, &seat).await?;
                }
                Ok(seat) if seat["registered"] == true => {}
                Ok(seat) => self.shop.api.pay(&seat["payment"]).await?,
                // Visitors or the crowd were quicker: nothing is free, or it has been drawn for.
                Err(error) if TAKEN.iter().any(|code| error.contains(code)) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(group)
    }

    /// Pays for a seat that was just reserved, and waits until it is paid. A registration costs nothing.
    pub(super) async fn pay_for(&self, guest: &Guest, seat: &Value) -> Result<(), String> {
        if seat["registered"] == true {
            return Ok(());
        }
        let api = &self.shop.api;
        api.pay(&seat["payment"]).await?;
        let path = format!("/payments/{}", text(&seat["payment"], "id")?);
        let paid = api.until(&guest.cookie, &path, |page| page["state"] != "waiting");
        paid.await.map(|_| ())
    }

    /// The circle plays again, when it is over who has won first.
    pub(super) async fn second_round(&self) -> Result<(), String> {
        let circle = self.ended("circle").await?;
        let path = format!("/circles/{circle}/groups");
        let group = self.fill(&path, &FIVE).await?;
        self.settled(&group).await
    }

    /// One who was drawn buys; the other has still time to.
    pub(super) async fn right(&self) -> Result<(), String> {
        let (api, group) = (&self.shop.api, self.group("ballot")?);
        let page = format!("/groups/{group}");
        api.until("", &page, |page| page["state"] == "drawn")
            .await?;
        for guest in SIX {
            let guest = self.guest(guest)?;
            let mine = api.get(&guest.cookie, &page).await?["mine"][0].clone();
            if mine["state"] == "may_buy" {
                let path = format!("/payments/{}", text(&mine, "payment")?);
                api.pay(&api.get(&guest.cookie, &path).await?).await?;
                let bought = |page: &Value| page["mine"][0]["state"] != "may_buy";
                return api.until(&guest.cookie, &page, bought).await.map(|_| ());
            }
        }
        Err("nobody of them was drawn".to_owned())
    }

    /// The platform's own orders: one is on its way to an address of its own, one has come, one has gone back.
    pub(super) async fn orders(&self) -> Result<(), String> {
        let (api, operator) = (&self.shop.api, self.shop.operator.as_str());
        let group = self.ended("members' day").await?;
        let [one, two, three] = [self.guest(1)?, self.guest(2)?, self.guest(3)?];
        let sent = self.order_of(one, &group).await?;
        let received = self.order_of(two, &group).await?;
        let returned = self.order_of(three, &group).await?;
        let gift = json!({
            "name": "李雷", "phone": "13800000004", "region": "310115", "address": "世纪大道 100 号",
        });
        let none = || json!({});
        let about = |order: &str, what: &str| format!("/orders/{order}/{what}");
        api.post_all([
            (one.cookie.as_str(), about(&sent, "delivery"), gift),
            (operator, about(&sent, "ship"), parcel("SF1000000002")),
            (operator, about(&received, "ship"), parcel("SF1000000003")),
            (&two.cookie, about(&received, "receive"), none()),
            (operator, about(&returned, "ship"), parcel("SF1000000004")),
            (&three.cookie, about(&returned, "receive"), none()),
            (&three.cookie, about(&returned, "return"), none()),
            (operator, about(&returned, "take-back"), why()),
        ])
        .await
    }

    /// The tea house sends what its campaign has sold.
    pub(super) async fn sent(&self) -> Result<(), String> {
        let (api, merchant) = (&self.shop.api, &self.tea.merchant);
        self.ended("merchant's draw").await?;
        let order = api.found(merchant, "/merchant/orders", |order| {
            order["state"] == "paid"
        });
        let path = format!("/merchant/orders/{}/ship", text(&order.await?, "id")?);
        api.post(merchant, &path, &parcel("SF2000000001")).await?;
        Ok(())
    }

    /// All of them have their afternoon tea, so the one who was drawn gets his bonus, less the tax, some of which is handed over.
    pub(super) async fn vouchers(&self, finance: &str) -> Result<(), String> {
        let api = &self.shop.api;
        let group = self.ended("vouchers").await?;
        self.redeem(&group, &SIX).await?;
        let withheld = |page: &Value| {
            let mut owed = page["owed"].as_array().into_iter().flatten();
            owed.any(|line| line["kind"] == "tax" && line["amount"] != "0.00")
        };
        api.until(&self.shop.operator, "/books", withheld).await?;
        let paid = because(json!({ "amount": "0.40" }));
        let operators = [self.shop.operator.as_str(), finance];
        api.decided(operators, "/console/tax", &paid).await
    }

    /// All of them have what their vouchers of a group are for.
    pub(super) async fn redeem(&self, group: &str, guests: &[usize]) -> Result<(), String> {
        let api = &self.shop.api;
        for &guest in guests {
            let guest = self.guest(guest)?;
            let order = self.order_of(guest, group).await?;
            let path = format!("/orders/{order}/code");
            let code = api.get(&guest.cookie, &path).await?["code"].clone();
            let code = json!({ "code": code });
            api.post(&self.tea.cashier, "/cashier/redeem", &code)
                .await?;
        }
        Ok(())
    }

    /// The order that a guest got of a group.
    async fn order_of(&self, guest: &Guest, group: &str) -> Result<String, String> {
        let list = "/me/orders?limit=100";
        let own = |order: &Value| order["group"] == group;
        let order = self.shop.api.found(&guest.cookie, list, own).await?;
        text(&order, "id")
    }

    pub(super) fn guest(&self, at: usize) -> Result<&Guest, String> {
        self.guests.get(at).ok_or_else(|| format!("no guest {at}"))
    }

    fn group(&self, name: &str) -> Result<&str, String> {
        let group = self.groups.get(name).map(String::as_str);
        group.ok_or_else(|| format!("its group is missing: {name}"))
    }

    /// One of the groups, when it is settled.
    pub(super) async fn ended(&self, name: &str) -> Result<String, String> {
        let group = self.group(name)?.to_owned();
        self.settled(&group).await?;
        Ok(group)
    }

    pub(super) async fn settled(&self, group: &str) -> Result<(), String> {
        let path = format!("/groups/{group}");
        let is_settled = |page: &Value| page["state"] == "settled";
        let settled = self.shop.api.until("", &path, is_settled);
        settled.await.map(|_| ())
    }
}
