//! The demonstration's teams: members below four guests who have ranks, agents of a county, a city and a province where they
//! live, groups that pay both, groups too large for the guests alone, and a plan that counts what is bought and kept.

use serde_json::{Value, json};

use super::api::because;
use super::life::{Stage, told};

/// Positions among the campaigns: everybody buys and ranks are paid, agents are, a pool is filled, twenty buy and two get a prize.
const DIFFERENTIAL: usize = 5;
const DIVIDEND: usize = 8;
const REGION: usize = 9;
const BONUS_DRAW: usize = 10;
/// The leader always buys.
const LEADER_BUYS: &str = include_str!("../../../../examples/leader-buys.toml");
/// Counted by the plan of kept sales, which is published when something has been kept.
const REGULARS: &str = include_str!("../../demo/regulars.toml");
/// By plan 1, of the guests in their order, each invited by the one before: the last one's rate, a difference, a same level, a
/// difference.
const RANKS: [u32; 4] = [3, 2, 2, 1];
/// A county, the city in which it lies, and the province.
const AGENTS: [&str; 3] = ["330106", "330100", "330000"];
/// Where the members of the team live: of ten all three agents are paid, of others the city's and the province's, of others the
/// province's, and of the last nobody.
const LIVING: [&str; 15] = [
    "330106", "330106", "330106", "330106", "330106", "330106", "330106", "330106", "330106",
    "330106", "330102", "330102", "330206", "330206", "310115",
];
/// The phone of the first of them ends so; the prefix is that of all members that are a program.
const FIRST_PHONE: u32 = 9_010;
/// How often a group is filled that nobody else should sit in.
const TRIES: u32 = 5;
/// Guests who play in groups of twenty, beside the team.
const LARGE_GROUPS: [usize; 5] = [0, 1, 3, 5, 6];

impl Stage {
    /// The code by which the last guest with a rank invites.
    pub(crate) fn sponsor(&self) -> Option<String> {
        let guest = self.guests.get(RANKS.len() - 1)?;
        guest.invite.as_str().map(str::to_owned)
    }

    /// Signs the team in. The last guest with a rank has invited all of it.
    pub(super) async fn team(&mut self) -> Result<(), String> {
        let invite = self.guest(RANKS.len() - 1)?.invite.clone();
        self.team_from = self.guests.len();
        for (number, region) in (FIRST_PHONE..).zip(LIVING) {
            let phone = format!("1990000{number}");
            let member = self.shop.guest(phone, &invite).await?;
            let lives = json!({ "region": region });
            let path = "/me/region";
            self.shop.api.post(&member.cookie, path, &lives).await?;
            self.guests.push(member);
        }
        Ok(())
    }

    /// So many of the team.
    fn of_team(&self, most: usize) -> impl Iterator<Item = usize> + use<> {
        (self.team_from..self.guests.len()).take(most)
    }

    /// Ranks, agents, and a group of each campaign that is about them or is large. Visitors and the crowd may join them.
    pub(super) async fn teams(&self) {
        told("ranks and agents", self.ranks_and_agents().await);
        let twenty: Vec<usize> = LARGE_GROUPS.into_iter().chain(self.of_team(15)).collect();
        let six: Vec<usize> = self.of_team(6).collect();
        let ten: Vec<usize> = self.of_team(10).collect();
        let groups = [
            ("differential rewards", DIFFERENTIAL, six),
            ("agents' rewards", REGION, ten),
            ("a pool that is filled", DIVIDEND, twenty.clone()),
            ("prizes for two of twenty", BONUS_DRAW, twenty),
        ];
        for (what, campaign, players) in groups {
            let path = self.groups_of(campaign);
            told(what, self.fill(&path, &players).await);
        }
        told("a leader who buys", self.leader_buys().await);
    }

    async fn ranks_and_agents(&self) -> Result<(), String> {
        let (api, two) = (&self.shop.api, self.shop.operators());
        for (guest, rank) in self.guests.iter().zip(RANKS) {
            let path = format!("/console/members/{}/rank", guest.id);
            let rank = because(json!({ "rank": rank, "plan": 1 }));
            api.decided(two, &path, &rank).await?;
        }
        for (guest, region) in self.guests.iter().zip(AGENTS) {
            let agent = because(json!({ "region": region, "member": guest.id }));
            api.decided(two, "/console/agents", &agent).await?;
        }
        Ok(())
    }

    /// The first guest leads, so he has the product.
    async fn leader_buys(&self) -> Result<(), String> {
        let campaign = self.shop.published(LEADER_BUYS).await?;
        let players: Vec<usize> = [0].into_iter().chain(self.of_team(9)).collect();
        let path = format!("/campaigns/{campaign}/groups");
        self.fill(&path, &players).await.map(|_| ())
    }

    /// A third plan, when vouchers and bills have been kept: whoever is above them has a rank by it at once. A group that it
    /// counts for is redeemed, so what it pays is available.
    pub(super) async fn regulars(&self) -> Result<(), String> {
        let (api, two) = (&self.shop.api, self.shop.operators());
        let rank = |sales: &str| json!({ "invitees": 1, "team_sales": sales });
        let plan = because(json!({
            "vip_by_kept_sales": ["50.00", "1000.00"],
            "ranks": [rank("50.00"), rank("1000.00")],
            "leader_rank": 1,
        }));
        api.decided(two, "/console/plans", &plan).await?;
        let campaign = self.shop.published(REGULARS).await?;
        let path = format!("/campaigns/{campaign}/groups");
        let players: Vec<usize> = self.of_team(6).collect();
        let group = self.undisturbed(&path, &players).await?;
        self.settled(&group).await?;
        self.redeem(&group, &players).await
    }

    /// A group of theirs alone. Visitors and the crowd may be quicker: then the last of them has no place, and they try again.
    async fn undisturbed(&self, path: &str, players: &[usize]) -> Result<String, String> {
        let last = self.guest(players.last().copied().unwrap_or_default())?;
        for _ in 0..TRIES {
            let group = self.fill(path, players).await?;
            let path = format!("/groups/{group}");
            let full = |page: &Value| page["state"] != "open";
            let page = self.shop.api.until(&last.cookie, &path, full).await?;
            if page["mine"][0].is_object() {
                return Ok(group);
            }
        }
        Err("others are always quicker".to_owned())
    }
}
