//! Plans, ranks, regions, agents and who is frozen (rules 3). Their rows are written whole, so none has to be read first:
//! a night in which a hundred thousand rise would read as many.

use std::collections::BTreeMap;

use domain::{MemberId, Millis, PlanTerms, Region, Risen};

use super::batch::{Batch, Done};
use super::tables::{changed, new_rows, replaced};
use crate::db::{Table, Tx, Value};

const PLAN: Table = new_rows("plan", &["id", "published_at", "terms"]);
const RANK: Table = replaced(
    "member_rank",
    &["plan", "member", "rank", "is_set", "at"],
    2,
);
/// What changes when a set rank is counted again.
const RANK_FREED: Table = changed("member_rank", &["plan", "member", "is_set", "at"], 2);
const REGION: Table = replaced("member_region", &["member", "region", "at"], 1);
const FROZEN: Table = replaced("member_frozen", &["member", "frozen", "at"], 1);
const AGENT: Table = replaced("agent", &["region", "member", "at"], 1);

/// What a batch changes of them.
#[derive(Debug, Default)]
pub(super) struct People {
    new_plans: Vec<Value>,
    ranks: BTreeMap<(u32, MemberId), Rank>,
    regions: BTreeMap<MemberId, (Region, Millis)>,
    frozen: BTreeMap<MemberId, (u32, Millis)>,
    agents: BTreeMap<Region, (Option<MemberId>, Millis)>,
}

#[derive(Clone, Copy, Debug)]
struct Rank {
    /// None: as it stands in the table.
    rank: Option<u16>,
    is_set: u32,
    at: Millis,
}

impl Batch {
    pub(super) fn plan_published(&mut self, plan: u32, terms: &PlanTerms) -> Done {
        let encoded = minicbor::to_vec(terms)
            .map_err(|_| self.unfit(format!("the terms of plan {plan} cannot be encoded")))?;
        let row = [plan.into(), self.at.0.into(), encoded.into()];
        self.rows.people.new_plans.extend(row);
        Ok(())
    }

    pub(super) fn ranks_counted(&mut self, risen: &[Risen]) -> Done {
        let at = self.at;
        for risen in risen {
            let rank = Rank {
                rank: Some(risen.rank),
                is_set: 0,
                at,
            };
            let key = (risen.plan, risen.member);
            self.rows.people.ranks.insert(key, rank);
        }
        Ok(())
    }

    pub(super) fn rank_set(&mut self, member: MemberId, plan: u32, rank: Option<u16>) -> Done {
        let before = self.rows.people.ranks.get(&(plan, member));
        let rank = Rank {
            rank: rank.or(before.and_then(|before| before.rank)),
            is_set: u32::from(rank.is_some()),
            at: self.at,
        };
        self.rows.people.ranks.insert((plan, member), rank);
        Ok(())
    }

    pub(super) fn region_declared(&mut self, member: MemberId, region: Region) -> Done {
        self.rows.people.regions.insert(member, (region, self.at));
        Ok(())
    }

    pub(super) fn agent_changed(&mut self, region: Region, member: Option<MemberId>) -> Done {
        self.rows.people.agents.insert(region, (member, self.at));
        Ok(())
    }

    /// 1 is frozen, 0 is not any more.
    pub(super) fn frozen_changed(&mut self, member: MemberId, frozen: u32) -> Done {
        self.rows.people.frozen.insert(member, (frozen, self.at));
        Ok(())
    }
}

/// Writes what has changed, and forgets it.
pub(super) async fn store(tx: &mut Tx, people: &mut People) -> Result<(), sqlx::Error> {
    let people = std::mem::take(people);
    tx.write_rows(&PLAN, people.new_plans).await?;
    let (mut whole, mut freed) = (Vec::new(), Vec::new());
    for ((plan, member), row) in people.ranks {
        let key: [Value; 2] = [plan.into(), member.0.into()];
        match row.rank {
            Some(rank) => {
                whole.extend(key);
                whole.extend([u32::from(rank).into(), row.is_set.into(), row.at.0.into()]);
            }
            None => {
                freed.extend(key);
                freed.extend([row.is_set.into(), row.at.0.into()]);
            }
        }
    }
    tx.write_rows(&RANK, whole).await?;
    tx.write_rows(&RANK_FREED, freed).await?;
    let regions = people.regions.into_iter();
    let regions = regions.flat_map(|(member, (region, at))| -> [Value; 3] {
        [member.0.into(), region.code().into(), at.0.into()]
    });
    tx.write_rows(&REGION, regions.collect()).await?;
    let frozen = people.frozen.into_iter();
    let frozen = frozen.flat_map(|(member, (frozen, at))| -> [Value; 3] {
        [member.0.into(), frozen.into(), at.0.into()]
    });
    tx.write_rows(&FROZEN, frozen.collect()).await?;
    let agents = people.agents.into_iter();
    let agents = agents.flat_map(|(region, (member, at))| -> [Value; 3] {
        [
            region.code().into(),
            member.map(|member| member.0).into(),
            at.0.into(),
        ]
    });
    tx.write_rows(&AGENT, agents.collect()).await
}
