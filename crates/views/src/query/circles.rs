//! Circles that take turns.

use domain::GroupId;

use super::{Views, at};
use crate::db::Columns;
use crate::error::{StoreError, failed};
use crate::rows::At;

/// Most groups of a circle that are told of.
const MOST_GROUPS: u32 = 1_000;

impl Views {
    /// The groups of a circle, the first one first: of many the last ones.
    pub async fn circle_groups(&self, circle: GroupId) -> Result<At<Vec<GroupId>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let sql =
                "SELECT group_id FROM circle_round WHERE circle = ? ORDER BY group_id DESC LIMIT ?";
            let rows = tx
                .rows(sql, vec![circle.0.into(), MOST_GROUPS.into()])
                .await?;
            let groups = rows
                .iter()
                .rev()
                .map(|row| Ok(GroupId(row.u64("group_id")?)));
            Ok(at(seq, groups.collect::<Result<_, sqlx::Error>>()?))
        };
        read.await.map_err(failed("read a circle"))
    }
}
