//! Tax that was withheld, for finance (rules 9.3).

use domain::{GroupId, MemberId, Millis, Money, ProgramKind};
use sqlx::any::AnyRow;

use super::{Views, at, read};
use crate::db::Columns;
use crate::error::{StoreError, failed};
use crate::rows::At;

/// One reward, or a member's rewards of one group that became available together, with what was withheld of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaxRow {
    /// The record by which it was received.
    pub seq: u64,
    /// Where it stands among the record's lines of wallets.
    pub line_no: u32,
    /// When.
    pub at: Millis,
    /// Whose.
    pub member: MemberId,
    /// Of which group.
    pub group: GroupId,
    /// By which program.
    pub program: ProgramKind,
    /// The reward.
    pub of: Money,
    /// The tax.
    pub tax: Money,
}

/// In the order of the index on such lines, so that it is not sorted.
const BETWEEN: &str = "SELECT seq, line_no, at, member, group_id, program, base, amount FROM wallet_line \
    WHERE kind = 19 AND ? <= at AND at < ? AND (? < seq OR (? = seq AND ? < line_no)) ORDER BY seq, line_no LIMIT ?";

impl Views {
    /// What was withheld in a time, oldest first, after a place.
    pub async fn taxes_between(
        &self,
        (from, to): (Millis, Millis),
        after: Option<(u64, u32)>,
        limit: u32,
    ) -> Result<At<Vec<TaxRow>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let (after, line) = after.unwrap_or((0, 0));
            let after = i64::try_from(after).unwrap_or(i64::MAX);
            let line = if after == 0 { -1 } else { i64::from(line) };
            let values = vec![
                from.0.into(),
                to.0.into(),
                after.into(),
                after.into(),
                line.into(),
                limit.into(),
            ];
            let rows = tx.rows(BETWEEN, values).await?;
            let items = rows.iter().map(row).collect::<Result<Vec<_>, _>>()?;
            Ok(at(seq, items))
        };
        read.await.map_err(failed("list the tax of a time"))
    }
}

fn row(row: &AnyRow) -> Result<TaxRow, sqlx::Error> {
    Ok(TaxRow {
        seq: row.u64("seq")?,
        line_no: row.u32("line_no")?,
        at: read::millis(row, "at")?,
        member: read::member(row, "member")?,
        group: GroupId(row.u64("group_id")?),
        program: read::word(row, "program")?,
        of: Money(row.int("base")?),
        tax: Money(row.int("amount")?.saturating_neg()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::Code;
    use crate::db::steps_of;
    use crate::names::WhyKind;

    /// These lines are few among those of all wallets.
    #[tokio::test]
    async fn tax_is_found_without_reading_all_wallets() {
        assert_eq!(WhyKind::TaxWithheld.code(), 19);
        let steps = steps_of(BETWEEN, 6).await;
        let by_kind = |step: &String| step.contains("USING INDEX wallet_line_tax");
        assert!(steps.iter().any(by_kind), "{steps:?}");
    }
}
