//! Campaigns, groups and seats.

use std::borrow::Cow;

use domain::{CampaignId, GroupId, GroupState, MemberId, Millis, PaymentId};

use super::{Views, at, read};
use crate::db::{Columns, Tx, Value};
use crate::error::{StoreError, failed};
use crate::names::{SeatStatus, Word};
use crate::page::{Cursor, List, Page};
use crate::rows::{At, CampaignRow, GroupDetail, GroupRow, MemberGroup, SeatRow};

/// Which groups a list holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GroupFilter {
    /// Only those of this offer.
    pub campaign: Option<CampaignId>,
    /// Only those that stand like this.
    pub state: Option<GroupState>,
}

/// A place that was never paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnpaidSeat {
    /// The place.
    pub payment: PaymentId,
    /// Until when it had to be paid, the last time it was reserved.
    pub pay_by: Millis,
}

/// The sign before a column keeps the database from walking over all seats in their order: the times are the index.
const UNPAID_SINCE: &str = "SELECT group_id, idx, pay_by FROM seat WHERE paid_at IS NULL AND pay_by >= ? AND state NOT IN ('registered', 'lost') \
    AND +group_id >= ? AND (+group_id > ? OR idx >= ?) ORDER BY +group_id, idx LIMIT ?";

const CAMPAIGN: &str = "SELECT id, terms, hash, published_at FROM campaign ";
/// Most seats shown with a group: as many as a group may have.
const MAX_SEATS_SHOWN: u32 = domain::MAX_SEATS;

impl Views {
    /// Published offers, newest first: not what is open only to those who have its link.
    pub async fn campaigns(&self, page: Page) -> Result<At<List<CampaignRow>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let sql = format!("{CAMPAIGN} WHERE listed = 1 AND id < ? ORDER BY id DESC LIMIT ?");
            let values = vec![page.before().0.into(), page.fetch().into()];
            let rows = tx.rows(sql, values).await?;
            let items = rows
                .iter()
                .map(read::campaign)
                .collect::<Result<Vec<_>, _>>()?;
            let mut list = List::of(items, page, |row| Cursor(i64::from(row.id.0), 0));
            count_open_groups(&mut tx, &mut list.items).await?;
            Ok(at(seq, list))
        };
        read.await.map_err(failed("list the campaigns"))
    }

    /// One offer.
    pub async fn campaign(&self, id: CampaignId) -> Result<At<Option<CampaignRow>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let row = tx
                .row(format!("{CAMPAIGN} WHERE id = ?"), vec![id.0.into()])
                .await?;
            let mut found: Vec<CampaignRow> =
                row.iter().map(read::campaign).collect::<Result<_, _>>()?;
            count_open_groups(&mut tx, &mut found).await?;
            Ok(at(seq, found.pop()))
        };
        read.await.map_err(failed("read a campaign"))
    }

    /// The file an offer was published as, byte for byte.
    pub async fn published_file(&self, id: CampaignId) -> Result<At<Option<String>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let row = tx
                .row("SELECT file FROM campaign WHERE id = ?", vec![id.0.into()])
                .await?;
            Ok(at(seq, row.map(|row| row.text("file")).transpose()?))
        };
        read.await.map_err(failed("read a published campaign"))
    }

    /// Groups, newest first.
    pub async fn groups(
        &self,
        filter: GroupFilter,
        page: Page,
    ) -> Result<At<List<GroupRow>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let mut sql = format!(
                "{} FROM group_ g JOIN campaign c ON c.id = g.campaign WHERE g.id < ?",
                read::GROUP
            );
            let mut values: Vec<Value> = vec![page.before().0.into()];
            if let Some(campaign) = filter.campaign {
                sql.push_str(" AND g.campaign = ?");
                values.push(campaign.0.into());
            }
            if let Some(state) = filter.state {
                sql.push_str(" AND g.state = ?");
                values.push(state.name().into());
            }
            sql.push_str(" ORDER BY g.id DESC LIMIT ?");
            values.push(page.fetch().into());
            let rows = tx.rows(sql, values).await?;
            let items = rows
                .iter()
                .map(read::group)
                .collect::<Result<Vec<_>, _>>()?;
            Ok(at(seq, List::of(items, page, |row| cursor_of(row.id))))
        };
        read.await.map_err(failed("list the groups"))
    }

    /// One group without its seats.
    pub async fn group(&self, id: GroupId) -> Result<At<Option<GroupRow>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            Ok(at(seq, group_row(&mut tx, id).await?))
        };
        read.await.map_err(failed("read a group"))
    }

    /// One group with its seats and its draw.
    pub async fn group_detail(&self, id: GroupId) -> Result<At<Option<GroupDetail>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let group = group_row(&mut tx, id).await?;
            let draw = super::draws::draw_row(&mut tx, id).await?;
            let Some((group, draw)) = group.zip(draw) else {
                return Ok(at(seq, None));
            };
            let sql = format!(
                "SELECT {} FROM {} WHERE s.group_id = ? AND s.state <> ? \
                 AND (s.refunded_for IS NULL OR s.refunded_for <> ?) \
                 ORDER BY COALESCE(s.seat_no, s.idx), s.idx LIMIT ?",
                read::SEAT,
                read::SEATS
            );
            let values = vec![
                id.0.into(),
                SeatStatus::Lapsed.word().into(),
                crate::names::RefundReason::Left.word().into(),
                MAX_SEATS_SHOWN.into(),
            ];
            let rows = tx.rows(sql, values).await?;
            let seats = rows.iter().map(read::seat).collect::<Result<Vec<_>, _>>()?;
            Ok(at(seq, Some(GroupDetail { group, seats, draw })))
        };
        read.await.map_err(failed("read a group with its seats"))
    }

    /// All seats a member has had in a group, oldest first, at most 100.
    pub async fn seats_of(
        &self,
        group: GroupId,
        member: MemberId,
    ) -> Result<At<Vec<SeatRow>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let sql = format!(
                "SELECT {} FROM {} WHERE s.member = ? AND s.group_id = ? ORDER BY s.idx LIMIT 100",
                read::SEAT,
                read::SEATS
            );
            let rows = tx.rows(sql, vec![member.0.into(), group.0.into()]).await?;
            Ok(at(
                seq,
                rows.iter().map(read::seat).collect::<Result<Vec<_>, _>>()?,
            ))
        };
        read.await
            .map_err(failed("read a member's seats in a group"))
    }

    /// Places of a group that were never paid, after this one, in the order in which they were first reserved.
    pub async fn unpaid_seats(
        &self,
        group: GroupId,
        after: Option<u32>,
        limit: u32,
    ) -> Result<At<Vec<PaymentId>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let sql = "SELECT idx FROM seat WHERE group_id = ? AND idx > ? AND paid_at IS NULL \
                AND state NOT IN ('registered', 'lost') ORDER BY idx LIMIT ?";
            let after = after.map_or(-1, i64::from);
            let rows = tx
                .rows(sql, vec![group.0.into(), after.into(), limit.into()])
                .await?;
            let seats = rows.iter().map(|row| {
                Ok(PaymentId {
                    group,
                    index: row.u32("idx")?,
                })
            });
            Ok(at(seq, seats.collect::<Result<Vec<_>, sqlx::Error>>()?))
        };
        read.await.map_err(failed("list a group's unpaid seats"))
    }

    /// Places that were never paid and had to be paid at this time or later, from this one on, in the order of groups.
    pub async fn unpaid_since(
        &self,
        pay_by: Millis,
        from: PaymentId,
        limit: u32,
    ) -> Result<At<Vec<UnpaidSeat>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let sql = UNPAID_SINCE;
            let group: Value = from.group.0.into();
            let values = vec![
                pay_by.0.into(),
                group.clone(),
                group,
                from.index.into(),
                limit.into(),
            ];
            let rows = tx.rows(sql, values).await?;
            let seats = rows.iter().map(|row| {
                Ok(UnpaidSeat {
                    payment: read::payment(row)?,
                    pay_by: read::millis(row, "pay_by")?,
                })
            });
            Ok(at(seq, seats.collect::<Result<Vec<_>, sqlx::Error>>()?))
        };
        read.await.map_err(failed("list the unpaid seats"))
    }

    /// One seat.
    pub async fn seat(&self, id: PaymentId) -> Result<At<Option<SeatRow>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            Ok(at(seq, seat_row(&mut tx, id).await?))
        };
        read.await.map_err(failed("read a seat"))
    }

    /// A member's seats with their groups, newest first.
    pub async fn member_groups(
        &self,
        member: MemberId,
        page: Page,
    ) -> Result<At<List<MemberGroup>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let sql = member_groups_sql();
            let Cursor(group, index) = page.before();
            let values = vec![
                member.0.into(),
                group.into(),
                group.into(),
                index.into(),
                page.fetch().into(),
            ];
            let rows = tx.rows(sql, values).await?;
            let items = rows
                .iter()
                .map(|row| {
                    Ok(MemberGroup {
                        group: read::group(row)?,
                        seat: read::seat(row)?,
                    })
                })
                .collect::<Result<Vec<_>, sqlx::Error>>()?;
            let key = |row: &MemberGroup| {
                Cursor(
                    cursor_of(row.seat.payment.group).0,
                    i64::from(row.seat.payment.index),
                )
            };
            Ok(at(seq, List::of(items, page, key)))
        };
        read.await.map_err(failed("list a member's groups"))
    }
}

fn member_groups_sql() -> String {
    format!(
        "{}, {} FROM {} JOIN group_ g ON g.id = s.group_id JOIN campaign c ON c.id = g.campaign \
         WHERE s.member = ? AND s.group_id <= ? AND (s.group_id < ? OR s.idx < ?) \
         ORDER BY s.group_id DESC, s.idx DESC LIMIT ?",
        read::GROUP,
        read::SEAT,
        read::SEATS
    )
}

pub(crate) async fn group_row(tx: &mut Tx, id: GroupId) -> Result<Option<GroupRow>, sqlx::Error> {
    let sql = format!(
        "{} FROM group_ g JOIN campaign c ON c.id = g.campaign WHERE g.id = ?",
        read::GROUP
    );
    let row = tx.row(Cow::Owned(sql), vec![id.0.into()]).await?;
    row.map(|row| read::group(&row)).transpose()
}

pub(crate) async fn seat_row(tx: &mut Tx, id: PaymentId) -> Result<Option<SeatRow>, sqlx::Error> {
    let sql = format!(
        "SELECT {} FROM {} WHERE s.group_id = ? AND s.idx = ?",
        read::SEAT,
        read::SEATS
    );
    let row = tx
        .row(sql, vec![id.group.0.into(), id.index.into()])
        .await?;
    row.map(|row| read::seat(&row)).transpose()
}

fn cursor_of(group: GroupId) -> Cursor {
    Cursor(i64::try_from(group.0).unwrap_or(i64::MAX), 0)
}

async fn count_open_groups(tx: &mut Tx, campaigns: &mut [CampaignRow]) -> Result<(), sqlx::Error> {
    let keys: Vec<Value> = campaigns.iter().map(|row| row.id.0.into()).collect();
    if keys.is_empty() {
        return Ok(());
    }
    let marks = vec!["?"; keys.len()].join(",");
    let sql = format!(
        "SELECT campaign, CAST(COUNT(*) AS BIGINT) AS groups_ FROM group_ \
         WHERE state = 'open' AND campaign IN ({marks}) GROUP BY campaign"
    );
    for row in tx.rows(sql, keys).await? {
        let id = CampaignId(row.u32("campaign")?);
        let groups = row.u64("groups_")?;
        campaigns
            .iter_mut()
            .filter(|row| row.id == id)
            .for_each(|row| row.open_groups = groups);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::steps_of;

    /// What waits for money is few; what was ever joined is many.
    #[tokio::test]
    async fn unpaid_seats_are_found_by_their_time() {
        let steps = steps_of(UNPAID_SINCE, 5).await;
        let by_time = "SEARCH seat USING INDEX seat_unpaid (pay_by>?)";
        assert!(steps.iter().any(|step| step == by_time), "{steps:?}");
    }

    /// A member's page costs what is on it, however much has ever gone back.
    #[tokio::test]
    async fn the_refund_of_a_seat_is_looked_up_by_its_number() {
        let steps = steps_of(&member_groups_sql(), 5).await;
        let found = |wanted: &str| steps.iter().any(|step| step.starts_with(wanted));
        for wanted in [
            "SEARCH s USING INDEX seat_member (member=?",
            "SEARCH r USING INTEGER PRIMARY KEY (rowid=?)",
            "SEARCH b USING INDEX bounced_seat (group_id=? AND idx=?)",
            "SEARCH d USING INTEGER PRIMARY KEY (rowid=?)",
        ] {
            assert!(found(wanted), "{wanted} in {steps:?}");
        }
        assert!(!found("SCAN r"), "{steps:?}");
    }
}
