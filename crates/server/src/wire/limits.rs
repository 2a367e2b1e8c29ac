//! What members allow themselves (rules 9.7).

use domain::{Duration, LossPause, MemberLimits, Money};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Amount, At};

/// What a member allows himself, or everybody here has; nothing is limited that is null.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LimitsBody {
    /// Most places reserved in a day of Asia/Shanghai.
    #[serde(default)]
    pub(crate) entries_per_day: Option<u32>,
    /// Most money in groups at once, with what is reserved.
    #[serde(default)]
    pub(crate) money_in_groups: Option<Amount>,
    #[serde(default)]
    pub(crate) loss_pause: Option<LossPauseBody>,
}

/// A pause after so many groups lost in a row.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LossPauseBody {
    pub(crate) losses: u32,
    /// In seconds, at most 30 days.
    pub(crate) pause_s: u32,
}

/// A member's limits: his own, what he has loosened, and everybody's here. The stricter holds.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LimitsCard {
    pub(crate) holds: LimitsBody,
    /// What will hold `later_from` on.
    pub(crate) later: Option<LimitsBody>,
    pub(crate) later_from: Option<At>,
    pub(crate) installation: LimitsBody,
    pub(crate) excluded: bool,
    /// Null while `excluded`: for ever.
    pub(crate) excluded_until: Option<At>,
    pub(crate) paused_until: Option<At>,
    /// As far as they are counted: since a limit holds.
    pub(crate) entries_today: u32,
}

/// Excludes the member from beginning anything.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExclusionWanted {
    /// 7, 30 or 180; null: for ever. It cannot be made shorter.
    pub(crate) days: Option<u32>,
}

impl From<MemberLimits> for LimitsBody {
    fn from(limits: MemberLimits) -> LimitsBody {
        LimitsBody {
            entries_per_day: limits.entries_per_day,
            money_in_groups: limits.money_in_groups.map(Into::into),
            loss_pause: limits.loss_pause.map(|pause| LossPauseBody {
                losses: pause.losses,
                pause_s: u32::try_from(pause.pause.0 / 1000).unwrap_or(u32::MAX),
            }),
        }
    }
}

impl From<LimitsBody> for MemberLimits {
    fn from(body: LimitsBody) -> MemberLimits {
        MemberLimits {
            entries_per_day: body.entries_per_day,
            money_in_groups: body.money_in_groups.map(|most| Money(most.0)),
            loss_pause: body.loss_pause.map(|pause| LossPause {
                losses: pause.losses,
                pause: Duration::seconds(pause.pause_s),
            }),
        }
    }
}
