//! What members of a campaign earned: for its public notice (rules 11).

use domain::{CampaignId, Money};

use super::{Views, at};
use crate::code::Code;
use crate::db::{Columns, Value};
use crate::error::{StoreError, failed};
use crate::names::{WalletAccount, WhyKind};
use crate::rows::{At, Earned};

/// Most newest settled groups that are looked at.
const MOST_GROUPS: i64 = 100;
/// Most seats of theirs, so that an answer costs as much for a sale of millions.
const MOST_SEATS: i64 = 10_000;

impl Views {
    /// What the members who paid seats in the newest settled groups of a campaign earned in all its groups, in cash: the
    /// one in the middle, the lower of two. What was taken back by returns is not earned.
    pub async fn earned(&self, campaign: CampaignId) -> Result<At<Earned>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let groups = "SELECT id, paid FROM group_ WHERE campaign = ? AND state = 'settled' ORDER BY id DESC LIMIT ?";
            let rows = tx
                .rows(groups, vec![campaign.0.into(), MOST_GROUPS.into()])
                .await?;
            let (mut seats, mut oldest, mut counted) = (0i64, 0, 0u64);
            for row in &rows {
                seats = seats.saturating_add(row.int("paid")?);
                if MOST_SEATS < seats && 0 < counted {
                    break;
                }
                oldest = row.int("id")?;
                counted = counted.saturating_add(1);
            }
            if counted == 0 {
                return Ok(at(seq, Earned::default()));
            }
            let members = "SELECT DISTINCT s.member FROM seat s JOIN group_ g ON g.id = s.group_id \
                WHERE g.campaign = ? AND g.state = 'settled' AND ? <= g.id AND s.seat_no IS NOT NULL";
            let sql = format!(
                "SELECT p.member AS member, (SELECT CAST(COALESCE(SUM(w.amount), 0) AS BIGINT) FROM wallet_line w \
                 WHERE w.member = p.member AND w.account IN ({}, {}) AND w.campaign = ? AND w.kind IN ({}, {}, {})) \
                 AS earned FROM ({members}) p ORDER BY earned, member",
                WalletAccount::Available.code(),
                WalletAccount::Vesting.code(),
                WhyKind::Consolation.code(),
                WhyKind::Reward.code(),
                WhyKind::Reversed.code(),
            );
            let values: Vec<Value> = vec![campaign.0.into(), campaign.0.into(), oldest.into()];
            let rows = tx.rows(sql, values).await?;
            let middle = rows.len().saturating_sub(1) / 2;
            let median = match rows.get(middle) {
                Some(row) => Money(row.int("earned")?),
                None => Money::ZERO,
            };
            let earned = Earned {
                groups: counted,
                members: u64::try_from(rows.len()).unwrap_or(u64::MAX),
                median,
            };
            Ok(at(seq, earned))
        };
        read.await
            .map_err(failed("count what a campaign's members earned"))
    }
}
