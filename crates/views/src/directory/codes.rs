//! Codes with which things are fetched. The journal has none of them: whoever reads one could fetch what it buys.

use domain::{MemberId, Millis, OrderId, PurchaseId};

use super::{Directory, Parcel};
use crate::db::{Columns, unreadable};
use crate::error::{StoreError, failed};
use crate::query::read;

impl Directory {
    /// The code of something of this member's: the one it has, or this new one.
    pub async fn fetch_code(
        &self,
        parcel: Parcel,
        member: MemberId,
        (new, at): (&str, Millis),
    ) -> Result<String, StoreError> {
        let writing = async {
            let mut tx = self.writer.write().await?;
            let [kind, id] = parcel.columns();
            let key = vec![kind.clone(), id.clone(), member.0.into()];
            let sql = "SELECT code FROM fetch_code WHERE kind = ? AND id = ? AND member = ?";
            if let Some(row) = tx.row(sql, key).await? {
                return row.text("code");
            }
            tx.run(
                "INSERT INTO fetch_code (code, kind, id, member, at) VALUES (?, ?, ?, ?, ?)",
                vec![new.into(), kind, id, member.0.into(), at.0.into()],
            )
            .await?;
            tx.commit().await?;
            Ok(new.to_owned())
        };
        writing.await.map_err(failed("give a code out"))
    }

    /// What a code fetches, and whose it is.
    pub async fn of_fetch_code(
        &self,
        code: &str,
    ) -> Result<Option<(Parcel, MemberId)>, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            let sql = "SELECT kind, id, member FROM fetch_code WHERE code = ?";
            let Some(row) = tx.row(sql, vec![code.into()]).await? else {
                return Ok(None);
            };
            let id = row.u64("id")?;
            let parcel = match row.text("kind")?.as_str() {
                "order" => Parcel::Order(OrderId(id)),
                "purchase" => Parcel::Purchase(PurchaseId(id)),
                _ => return Err(unreadable("kind", std::fmt::Error)),
            };
            Ok(Some((parcel, read::member(&row, "member")?)))
        };
        reading.await.map_err(failed("look a code up"))
    }
}
