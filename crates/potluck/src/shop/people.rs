//! What the demonstration's people are, and what else becomes of them: ranks and limits, who is frozen, who has excluded
//! himself, who has deleted his account, a partner that joins for its own members, and what was refused.

use engine::{Clock, SystemClock};
use serde_json::json;

use super::api::{because, text, why};
use super::life::Stage;

/// Of one of the examples, with enough seats to stay open.
const LARGE: usize = 13;
/// A seat of it, in fen.
const LARGE_PRICE_FEN: i64 = 9_900;
/// The program that joins for members of its own.
const PARTNER: &str = "demo-partner";
/// An order's last moment at the sandbox: in 2096.
const NEVER_MS: i64 = 4_000_000_000_000;

impl Stage {
    /// Who came by whose link, and who is told where, is read when groups fill.
    pub(super) async fn before_groups(&self) -> Result<(), String> {
        let (api, first) = (&self.shop.api, self.guest(0)?);
        let home = json!({ "store": self.tea.store });
        let path = "/me/home-store";
        api.post(&self.guest(5)?.cookie, path, &home).await?;
        let path = "/me/notices/connectors";
        let kinds = api.get(&first.cookie, path).await?["kinds"].clone();
        let all = json!({ "connector": "log", "kinds": kinds });
        api.post(&first.cookie, path, &all).await?;
        Ok(())
    }

    /// Ranks by the second plan, limits, somebody who is frozen, whose age is known, who would be a merchant, and a campaign that
    /// waits for its review.
    pub(super) async fn people(&self) -> Result<(), String> {
        let operator = self.shop.operator.as_str();
        let guest = |at: usize| self.guest(at).map(|guest| guest.cookie.as_str());
        let about = |at: usize, what: &str| {
            let guest = self.guest(at)?;
            Ok::<_, String>(format!("/console/members/{}/{what}", guest.id))
        };
        let me = |what: &str| format!("/me/{what}");
        let address = json!({
            "name": "王小明", "phone": "13800000001", "region": "330106", "address": "文三路 1 号",
        });
        let rank = |rank: u32| because(json!({ "rank": rank, "plan": 2 }));
        let limits = json!({
            "entries_per_day": 20, "money_in_groups": "3000.00", "loss_pause": { "losses": 10, "pause_s": 86_400 },
        });
        let applies = json!({ "name": "城南花店", "contact": "demo@example.com" });
        let draft = super::merchants::second_campaign();
        let posts = [
            (guest(1)?, me("region"), json!({ "region": "330106" })),
            (guest(3)?, me("delivery"), address),
            (operator, about(4, "freeze")?, why()),
            (operator, about(0, "verify")?, because(json!({ "age": 34 }))),
            (guest(2)?, me("limits"), limits),
            (guest(8)?, me("merchant-application"), applies),
            (&self.tea.merchant, "/merchant/drafts".to_owned(), draft),
        ];
        self.shop.api.post_all(posts).await?;
        for (path, body) in [(about(0, "rank")?, rank(2)), (about(1, "rank")?, rank(1))] {
            let two = self.shop.operators();
            self.shop.api.decided(two, &path, &body).await?;
        }
        Ok(())
    }

    /// What the rules refuse: a campaign that could not pay what it promises, and a member who has excluded himself.
    pub(super) async fn refusals(&self) -> Result<(), String> {
        let (api, guest) = (&self.shop.api, self.guest(6)?);
        let terms = super::toml_to_json(super::INSOLVENT)?;
        let path = "/campaigns?reason=demonstration";
        let rule = "campaign_not_solvent";
        api.refused(&self.shop.operator, path, &terms, rule).await?;
        let week = json!({ "days": 7 });
        api.post(&guest.cookie, "/me/self-exclusion", &week).await?;
        let path = self.groups_of(LARGE);
        let rule = "self_excluded";
        api.refused(&guest.cookie, &path, &json!({}), rule).await
    }

    /// A group that an operator ends, so its leader is refunded.
    pub(super) async fn cancelled(&self) -> Result<(), String> {
        let (api, leader) = (&self.shop.api, self.guest(2)?);
        let path = self.groups_of(LARGE);
        let opened = api.post(&leader.cookie, &path, &json!({})).await?;
        self.pay_for(leader, &opened).await?;
        let path = format!("/groups/{}/cancel", text(&opened, "group")?);
        api.post(&self.shop.operator, &path, &why()).await?;
        Ok(())
    }

    /// A group that a guest has opened, and that a partner's member joins, who has paid to the partner.
    pub(super) async fn gateway(&self) -> Result<(), String> {
        let (api, leader) = (&self.shop.api, self.guest(0)?);
        let path = self.groups_of(LARGE);
        let opened = api.post(&leader.cookie, &path, &json!({})).await?;
        self.pay_for(leader, &opened).await?;
        let group = text(&opened, "group")?;
        let now = Clock::now(&SystemClock);
        let added = server::gateway_add(&self.shop.data, PARTNER, now).await;
        let (_, key) = added.map_err(|error| server::chain(&error))?;
        let served =
            json!({ "items": [{ "token": super::random_hex(16)?, "inviter": leader.id }] });
        let served = api.post_keyed(&key, "/gateway/members", &served).await?;
        let member = text(&served["items"][0], "member")?;
        let order = json!({
            "order_no": format!("{PARTNER}-1"), "amount_fen": LARGE_PRICE_FEN, "description": PARTNER,
            "attach": json!({ "group": group, "member": member }).to_string(), "expires_at_ms": NEVER_MS,
        });
        let txn = api.pay_own(order).await?;
        let item = json!({ "items": [{ "group": group, "member": member, "txn": txn }] });
        let joined = api.post_keyed(&key, "/joins", &item).await?;
        match joined["items"][0]["status"].as_str() {
            Some("seated") => Ok(()),
            Some(_) | None => Err(format!("its member is not seated: {joined}")),
        }
    }

    /// Nobody can sign in to it any more. Its code comes a minute after the one that it was made with.
    pub(super) async fn deleted(&self) -> Result<(), String> {
        let (api, guest) = (&self.shop.api, self.guest(7)?);
        tokio::time::sleep(guest.next_code_in()).await;
        let code = json!({ "code": api.code(&guest.phone).await? });
        api.post(&guest.cookie, "/me/delete", &code).await?;
        Ok(())
    }

    /// Where a group of a campaign is opened.
    pub(super) fn groups_of(&self, campaign: usize) -> String {
        let campaign = self.shop.campaigns.get(campaign);
        format!("/campaigns/{}/groups", campaign.map_or("", String::as_str))
    }
}
