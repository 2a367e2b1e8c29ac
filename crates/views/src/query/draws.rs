//! Draws and their files.

use domain::GroupId;

use super::{Views, at, read};
use crate::db::{Columns, Tx};
use crate::error::{StoreError, failed};
use crate::names::{DrawFile, DrawStatus};
use crate::page::{Cursor, List, Page};
use crate::rows::{At, DrawRow};

impl Views {
    /// The draw of a group.
    pub async fn draw(&self, group: GroupId) -> Result<At<Option<DrawRow>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            Ok(at(seq, draw_row(&mut tx, group).await?))
        };
        read.await.map_err(failed("read a draw"))
    }

    /// A file of a draw, byte for byte; none until it exists.
    pub async fn draw_file(
        &self,
        group: GroupId,
        file: DrawFile,
    ) -> Result<At<Option<Vec<u8>>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let row = tx
                .row(
                    "SELECT bytes FROM draw_file WHERE group_id = ? AND name = ?",
                    vec![group.0.into(), file.name().into()],
                )
                .await?;
            Ok(at(seq, row.map(|row| row.blob("bytes")).transpose()?))
        };
        read.await.map_err(failed("read a file of a draw"))
    }

    /// Draws that stand like this, newest group first.
    pub async fn draws(
        &self,
        state: DrawStatus,
        page: Page,
    ) -> Result<At<List<DrawRow>>, StoreError> {
        let read = async {
            let (mut tx, seq) = self.snapshot().await?;
            let rows = tx
                .rows(
                    "SELECT * FROM draw_ WHERE state = ? AND group_id < ? ORDER BY group_id DESC LIMIT ?",
                    vec![state.name().into(), page.before().0.into(), page.fetch().into()],
                )
                .await?;
            let items = rows.iter().map(read::draw).collect::<Result<Vec<_>, _>>()?;
            let key = |row: &DrawRow| Cursor(i64::try_from(row.group.0).unwrap_or(i64::MAX), 0);
            Ok(at(seq, List::of(items, page, key)))
        };
        read.await.map_err(failed("list draws"))
    }
}

pub(super) async fn draw_row(tx: &mut Tx, group: GroupId) -> Result<Option<DrawRow>, sqlx::Error> {
    let row = tx
        .row(
            "SELECT * FROM draw_ WHERE group_id = ?",
            vec![group.0.into()],
        )
        .await?;
    row.map(|row| read::draw(&row)).transpose()
}
