//! Dividend pools, how they are shared, and what came of them.

use domain::{DividendTerms, DividendWeight, Period};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Amount, At};

/// How a plan's dividend pool is shared.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DividendBody {
    #[serde(default)]
    pub(crate) period: PeriodName,
    /// A fixed weight for each rank, from rank 1 on; without it the team sales of the period weigh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) weights_by_rank: Option<Vec<u32>>,
}

/// How long a pool is filled: until midnight, Sunday's midnight or the end of the month in Asia/Shanghai.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PeriodName {
    Day,
    Week,
    #[default]
    Month,
}

impl From<Period> for PeriodName {
    fn from(period: Period) -> PeriodName {
        match period {
            Period::Day => PeriodName::Day,
            Period::Week => PeriodName::Week,
            Period::Month => PeriodName::Month,
        }
    }
}

impl From<&DividendTerms> for DividendBody {
    fn from(terms: &DividendTerms) -> DividendBody {
        DividendBody {
            period: terms.period.into(),
            weights_by_rank: match &terms.weight {
                DividendWeight::TeamSales => None,
                DividendWeight::ByRank(weights) => Some(weights.clone()),
            },
        }
    }
}

impl DividendBody {
    pub(crate) fn terms(self) -> DividendTerms {
        DividendTerms {
            period: match self.period {
                PeriodName::Day => Period::Day,
                PeriodName::Week => Period::Week,
                PeriodName::Month => Period::Month,
            },
            weight: self
                .weights_by_rank
                .map_or(DividendWeight::TeamSales, DividendWeight::ByRank),
        }
    }
}

/// A plan's pool as it stands now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PoolCard {
    pub(crate) plan: u32,
    /// The lowest rank that takes part.
    pub(crate) leader_rank: u16,
    pub(crate) shared: DividendBody,
    /// What will be shared at the end of the period.
    pub(crate) current: Amount,
    /// What is left to pay of the pool that closed last.
    pub(crate) unpaid: Amount,
    /// Null while there is nothing to share.
    pub(crate) closes_at: Option<At>,
}

/// A pool that has closed. Nobody is named.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PoolClose {
    pub(crate) id: String,
    pub(crate) plan: u32,
    pub(crate) from: At,
    pub(crate) until: At,
    pub(crate) closed_at: At,
    /// What was in it.
    pub(crate) pool: Amount,
    /// What all who shared it weighed together: a whole number, fen where team sales weigh.
    pub(crate) weight: String,
    /// How many they were; of none the pool was carried over.
    pub(crate) members: String,
}

/// Every plan's pool, and the last that have closed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Pools {
    pub(crate) pools: Vec<PoolCard>,
    /// The last one first.
    pub(crate) items: Vec<PoolClose>,
    pub(crate) next: Option<String>,
}

/// What a member got of a pool, with all that explains it: `pool` × `weight` ÷ the close's `weight`, to the fen.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DividendLine {
    pub(crate) at: At,
    /// What he weighed.
    pub(crate) weight: String,
    pub(crate) amount: Amount,
    pub(crate) of: PoolClose,
}

/// What somebody got of a pool.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DividendPaidTo {
    pub(crate) member: String,
    pub(crate) member_masked: String,
    pub(crate) at: At,
    /// What he weighed.
    pub(crate) weight: String,
    pub(crate) amount: Amount,
}
