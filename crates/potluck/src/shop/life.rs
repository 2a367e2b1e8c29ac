//! What has happened in the demonstration shop before anybody looks: guests have sat at tables, played and won, paid with coins,
//! bought, sent back, redeemed and asked for their money, and something waits for everybody who decides.
//!
//! It happens beside the visitors, through the API, as each of these people would do it; the draws take some seconds. What does not
//! succeed is said in the log, and the shop goes on without it. One thing cannot be shown on the first day: a dividend is paid at
//! midnight (Shanghai), when the pool that was filled here closes, if the demonstration still runs then.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::Life;
use super::api::text;
use super::merchants::{House, bookshop, tea_house};

/// Guests have phones that begin like those of the other members that are a program, so pages show them as 演示.
const GUESTS: [&str; 9] = [
    "19900009001",
    "19900009002",
    "19900009003",
    "19900009004",
    "19900009005",
    "19900009006",
    "19900009007",
    "19900009008",
    "19900009009",
];
/// Somebody with a history, to sign in as.
pub(super) const GUEST: &str = GUESTS[0];
/// Between two codes for one phone, and a little more.
const BETWEEN_CODES: Duration = Duration::from_secs(61);

/// A member.
pub(super) struct Guest {
    pub(super) phone: String,
    pub(super) cookie: String,
    /// His number.
    pub(super) id: String,
    /// The code by which he invites.
    pub(super) invite: Value,
    signed_in: Instant,
}

impl Guest {
    /// When a code can be sent to him again.
    pub(super) fn next_code_in(&self) -> Duration {
        BETWEEN_CODES.saturating_sub(self.signed_in.elapsed())
    }
}

/// The shop with the people of its history, at full tables and in full groups.
pub(crate) struct Stage {
    pub(super) shop: Life,
    pub(super) guests: Vec<Guest>,
    /// Position of the first guest who is of the team; the others are before it.
    pub(super) team_from: usize,
    pub(super) tea: House,
    /// Groups by what they show; those that could not be filled are missing.
    pub(super) groups: BTreeMap<&'static str, String>,
}

/// Something that happens in the shop.
type Step<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>>;

/// Says what did not succeed, and goes on without it.
pub(super) fn told<T>(what: &str, done: Result<T, String>) -> Option<T> {
    if let Err(error) = &done {
        tracing::warn!("the demonstration goes on without {what}: {error}");
    }
    done.ok()
}

impl Life {
    /// Three tables are full: theirs are the shop's first groups, whoever comes then. So are the groups in which the same guests
    /// must sit to the end.
    pub(crate) async fn begin(self) -> Option<Stage> {
        let guests = told("its guests", self.guests().await)?;
        let tea = told("its tea house", self.house(tea_house()).await)?;
        let mut stage = Stage {
            shop: self,
            team_from: guests.len(),
            guests,
            tea,
            groups: BTreeMap::new(),
        };
        told("its tables", stage.tables().await);
        told("what comes before groups", stage.before_groups().await);
        stage.fill_groups().await;
        Some(stage)
    }

    /// Signs the guests in, each invited by the one before.
    async fn guests(&self) -> Result<Vec<Guest>, String> {
        let mut guests: Vec<Guest> = Vec::new();
        for phone in GUESTS {
            let inviter = guests.last();
            let invite = inviter.map_or(Value::Null, |guest| guest.invite.clone());
            guests.push(self.guest(phone.to_owned(), &invite).await?);
        }
        Ok(guests)
    }

    /// Signs somebody in, invited by this code.
    pub(super) async fn guest(&self, phone: String, invite: &Value) -> Result<Guest, String> {
        let signed_in = Instant::now();
        let (cookie, card) = self.api.member(&phone, invite).await?;
        Ok(Guest {
            phone,
            cookie,
            id: text(&card, "id")?,
            invite: card["invite_code"].clone(),
            signed_in,
        })
    }
}

impl Stage {
    /// What happens beside those who look.
    pub(crate) async fn go_on(mut self) {
        told("a team", self.team().await);
        let finance = self.shop.api.staff(super::FINANCE, &self.shop.password);
        let Some(finance) = told("somebody of finance", finance.await) else {
            return;
        };
        let steps: [(&str, Step<'_>); 10] = [
            ("what its people are", Box::pin(self.people())),
            ("purchases", Box::pin(self.purchases())),
            ("a recharge paid back", Box::pin(self.recharges())),
            ("orders sent and returned", Box::pin(self.orders())),
            ("a place at a table", Box::pin(self.waiting_table())),
            ("a statement paid", Box::pin(self.statement_paid(&finance))),
            ("vouchers and their tax", Box::pin(self.vouchers(&finance))),
            ("a right to buy", Box::pin(self.right())),
            ("an order that its merchant sends", Box::pin(self.sent())),
            ("a second round", Box::pin(self.second_round())),
        ];
        tokio::join!(each(steps), self.teams(), self.treats());
        told("a plan of kept sales", self.regulars().await);
        let rich = told("coins to pay with", self.with_coins().await);
        if let Some(rich) = &rich {
            told("bills with coins", self.tea_counter(rich).await);
            told("a clawback", self.clawback(rich, &finance).await);
        }
        if let Some(books) = told("a second merchant", self.shop.house(bookshop()).await) {
            let steps: [(&str, Step<'_>); 2] = [
                ("bills on the phone", Box::pin(self.phone_counter(&books))),
                ("statements", Box::pin(self.statements(&books))),
            ];
            each(steps).await;
        }
        let steps: [(&str, Step<'_>); 7] = [
            ("a suspended merchant", Box::pin(self.shop.suspended())),
            ("withdrawals", Box::pin(self.withdrawals(&finance))),
            (
                "what waits for approval",
                Box::pin(self.approvals(&finance)),
            ),
            ("a partner who joins for members", Box::pin(self.gateway())),
            ("a group that is ended", Box::pin(self.cancelled())),
            ("refusals", Box::pin(self.refusals())),
            ("a deleted account", Box::pin(self.deleted())),
        ];
        each(steps).await;
    }
}

async fn each<const N: usize>(steps: [(&str, Step<'_>); N]) {
    for (what, step) in steps {
        told(what, step.await);
    }
}
