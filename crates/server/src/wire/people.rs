//! Plans, ranks, regions, agents and who is frozen.

use domain::{Money, PlanTerms, RankRule, Region, VipRule};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Amount, At, DividendBody};

/// A region with the names of what it lies in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RegionCard {
    /// Six digits, as in GB/T 2260.
    #[schema(example = "330106")]
    pub(crate) code: String,
    /// Province, city and county, as far down as the code goes; in Chinese.
    pub(crate) names: Vec<&'static str>,
}

impl From<Region> for RegionCard {
    fn from(region: Region) -> RegionCard {
        let parts = [Some(region.province()), region.city(), region.county()];
        let names = parts.into_iter().flatten().filter_map(Region::name);
        RegionCard {
            code: region.to_string(),
            names: names.collect(),
        }
    }
}

/// One line of the table of regions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RegionName {
    /// Six digits: two for the province, two for the city in it, two for the county in that.
    pub(crate) code: String,
    /// In Chinese.
    pub(crate) name: &'static str,
}

/// Every region there is, by code.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Regions {
    pub(crate) items: Vec<RegionName>,
}

/// Says where the member lives.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegionWanted {
    /// The smallest division there is: a county, or a city without counties.
    pub(crate) region: String,
}

/// Why an operator decides something; kept beside the journal.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reasoned {
    /// 1 to 400 bytes.
    pub(crate) reason: String,
}

/// Gives the installation another profile.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProfileWanted {
    /// `seed`, `cn-default` or `own`.
    pub(crate) profile: String,
    /// The profile's file, in TOML, with `own`.
    #[serde(default)]
    pub(crate) file: Option<String>,
    /// 1 to 400 bytes.
    pub(crate) reason: String,
}

/// Sets a member's rank.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RankWanted {
    /// Null: it is counted again.
    pub(crate) rank: Option<u16>,
    /// By which plan; the newest without it.
    pub(crate) plan: Option<u32>,
    /// 1 to 400 bytes.
    pub(crate) reason: String,
}

/// Makes a member the agent of a region.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AgentWanted {
    /// A province, city or county.
    pub(crate) region: String,
    pub(crate) member: String,
    /// 1 to 400 bytes.
    pub(crate) reason: String,
}

/// The agent of a region.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AgentLine {
    pub(crate) region: RegionCard,
    pub(crate) member: String,
    pub(crate) member_masked: String,
    pub(crate) since: At,
}

/// What makes VIP levels and ranks. VIP levels go by one of the two.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlanBody {
    /// Direct invitees with a settled seat that make VIP 1, 2, 3 …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) vip_by_invitees: Option<Vec<u32>>,
    /// What direct invitees have kept, all together, that makes VIP 1, 2, 3 …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) vip_by_kept_sales: Option<Vec<Amount>>,
    /// What makes rank 1, 2, 3 …
    pub(crate) ranks: Vec<RankBody>,
    /// The lowest rank that takes part in dividends.
    pub(crate) leader_rank: u16,
    /// How the plan's dividend pool is shared; every month by team sales without it.
    #[serde(default)]
    pub(crate) dividend: DividendBody,
    /// Why: 1 to 400 bytes. A plan that is published needs it; it is no part of the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

/// What makes a rank: both must be reached.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RankBody {
    /// Direct invitees with a settled seat.
    pub(crate) invitees: u32,
    /// What everyone below has kept.
    pub(crate) team_sales: Amount,
}

impl From<&PlanTerms> for PlanBody {
    fn from(terms: &PlanTerms) -> PlanBody {
        let (by_invitees, by_sales) = match &terms.vip {
            VipRule::Invitees(least) => (Some(least.clone()), None),
            VipRule::KeptSales(least) => {
                let least = least.iter().map(|&least| least.into());
                (None, Some(least.collect()))
            }
        };
        let rank = |rule: &RankRule| RankBody {
            invitees: rule.invitees,
            team_sales: rule.team_sales.into(),
        };
        PlanBody {
            vip_by_invitees: by_invitees,
            vip_by_kept_sales: by_sales,
            ranks: terms.ranks.iter().map(rank).collect(),
            leader_rank: terms.leader_rank,
            dividend: (&terms.dividend).into(),
            reason: None,
        }
    }
}

impl PlanBody {
    /// The terms; none if VIP levels go by both or by nothing.
    pub(crate) fn terms(self) -> Option<PlanTerms> {
        let vip = match (self.vip_by_invitees, self.vip_by_kept_sales) {
            (Some(least), None) => VipRule::Invitees(least),
            (None, Some(least)) => {
                VipRule::KeptSales(least.into_iter().map(|least| Money(least.0)).collect())
            }
            (Some(_), Some(_)) | (None, None) => return None,
        };
        let rule = |rank: RankBody| RankRule {
            invitees: rank.invitees,
            team_sales: Money(rank.team_sales.0),
        };
        Some(PlanTerms {
            vip,
            ranks: self.ranks.into_iter().map(rule).collect(),
            leader_rank: self.leader_rank,
            dividend: self.dividend.terms(),
        })
    }
}

/// One plan.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlanLine {
    pub(crate) plan: u32,
    /// Null for plan 1, which every installation has.
    pub(crate) published_at: Option<At>,
    pub(crate) terms: PlanBody,
}

/// All plans, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Plans {
    pub(crate) items: Vec<PlanLine>,
}

/// Something that was refused.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RefusalLine {
    pub(crate) at: At,
    /// Who was told no: `member`, `staff`, `gateway`; `system` of what came too fast to be noted one by one; `nobody` where a payer is not
    /// known.
    #[schema(example = "member")]
    pub(crate) who: &'static str,
    /// His number.
    pub(crate) id: Option<String>,
    /// The rule that refused, by its stable code; of a payment that went back its reason.
    #[schema(example = "money_limit")]
    pub(crate) rule: String,
    /// For people; of a profile, which of its limits.
    pub(crate) detail: String,
    /// How often in that minute, where one caller met one rule again and again; `at` and `detail` are of the last time.
    pub(crate) times: u64,
}

/// A decision of an operator, with why.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DecisionLine {
    /// Its place in the journal.
    pub(crate) seq: String,
    pub(crate) at: At,
    /// The operator's number, or `shell` for what was done on the machine itself.
    pub(crate) operator: String,
    /// In a word: `freeze`, `rank`, `add-staff`.
    pub(crate) what: String,
    /// The member's number; of `dismiss`, the region.
    pub(crate) subject: String,
    pub(crate) reason: String,
}
