//! Merchants' names and contacts, their stores' addresses, whose staff an account is, and drafts of their campaigns: what the
//! journal does not hold.

use domain::{CampaignId, MemberId, MerchantId, Millis, OperatorId, StoreId};
use sqlx::any::AnyRow;

use super::{Directory, DirectoryError, is_unique_violation, next_id};
use crate::db::{Columns, Tx, Value, unreadable};
use crate::error::{StoreError, failed};
use crate::page::{Cursor, List, Page};
use crate::query::read;

/// Somebody's application to become a merchant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// Its number.
    pub id: u32,
    /// Which member applies.
    pub member: MemberId,
    /// Names it in the journal.
    pub token: [u8; 16],
    /// The merchant's name.
    pub name: String,
    /// How to reach him.
    pub contact: String,
    /// `applied`, `admitted` or `declined`.
    pub state: String,
    /// Who he is, once admitted.
    pub merchant: Option<MerchantId>,
    /// When it was made, or made again.
    pub at: Millis,
    /// Why it was decided so.
    pub reason: Option<String>,
}

/// A store's name and address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreName {
    /// Names it in the journal.
    pub token: [u8; 16],
    /// What it is called.
    pub name: String,
    /// Where it is.
    pub address: String,
}

/// Whose staff an account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Which merchant's.
    pub merchant: MerchantId,
    /// At which store, for cashiers.
    pub store: Option<StoreId>,
}

/// An account of a merchant's staff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaffRow {
    /// Its number.
    pub id: OperatorId,
    /// What it signs in with.
    pub name: String,
    /// Whose.
    pub merchant: MerchantId,
    /// What it may do; [`REMOVED_ROLE`] once it may nothing.
    pub role: String,
    /// At which store, for cashiers.
    pub store: Option<StoreId>,
    /// When it was added.
    pub created_at: Millis,
}

/// The role of an account that was removed. Its row stays: decisions name its number, which nobody else gets, nor its name.
pub const REMOVED_ROLE: &str = "removed";

/// A campaign that a merchant wants published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Its number.
    pub id: u32,
    /// Whose.
    pub merchant: MerchantId,
    /// The campaign file, in JSON.
    pub file: String,
    /// `submitted`, `published` or `declined`.
    pub state: String,
    /// When it was submitted.
    pub at: Millis,
    /// What it became.
    pub campaign: Option<CampaignId>,
    /// Why it was decided so.
    pub reason: Option<String>,
}

const APPLICATION: &str = "SELECT id, member, token, name, contact, state, merchant, at, reason FROM merchant_application";
const STAFF: &str = "SELECT o.id, o.name, o.role, o.created_at, s.merchant, s.store FROM staff_scope s JOIN operator_ o ON o.id = s.operator";
const DRAFT: &str = "SELECT id, merchant, file, state, at, campaign, reason FROM merchant_draft";

impl Directory {
    /// Notes an application. A member has one: again, it replaces one that is not decided or was declined; one that was
    /// admitted stays. Answers its number.
    pub async fn apply_as_merchant(
        &self,
        member: MemberId,
        token: [u8; 16],
        (name, contact): (&str, &str),
        now: Millis,
    ) -> Result<u32, StoreError> {
        let writing = async {
            let mut tx = self.writer.write().await?;
            let sql = "SELECT id FROM merchant_application WHERE member = ?";
            let known = tx.row(sql, vec![member.0.into()]).await?;
            let id = match known {
                Some(row) => row.u32("id")?,
                None => number_of_application(&mut tx).await?,
            };
            let sql = "INSERT INTO merchant_application (id, member, token, name, contact, state, at) \
                VALUES (?, ?, ?, ?, ?, 'applied', ?) ON CONFLICT (member) DO UPDATE SET name = excluded.name, \
                contact = excluded.contact, state = 'applied', at = excluded.at, reason = NULL \
                WHERE merchant_application.state <> 'admitted'";
            let values = vec![
                id.into(),
                member.0.into(),
                token.as_slice().into(),
                name.into(),
                contact.into(),
                now.0.into(),
            ];
            tx.run(sql, values).await?;
            tx.commit().await?;
            Ok(id)
        };
        writing.await.map_err(failed("note an application"))
    }

    /// One application.
    pub async fn application(&self, id: u32) -> Result<Option<Application>, StoreError> {
        self.one_application("id", id.into()).await
    }

    /// A member's application.
    pub async fn application_of(
        &self,
        member: MemberId,
    ) -> Result<Option<Application>, StoreError> {
        self.one_application("member", member.0.into()).await
    }

    /// The application that a merchant came from: his name and contact.
    pub async fn merchant_name(
        &self,
        merchant: MerchantId,
    ) -> Result<Option<Application>, StoreError> {
        self.one_application("merchant", merchant.0.into()).await
    }

    async fn one_application(
        &self,
        column: &'static str,
        value: Value,
    ) -> Result<Option<Application>, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            let row = tx
                .row(format!("{APPLICATION} WHERE {column} = ?"), vec![value])
                .await?;
            row.as_ref().map(application).transpose()
        };
        reading.await.map_err(failed("read an application"))
    }

    /// All applications, newest first.
    pub async fn applications(&self, page: Page) -> Result<List<Application>, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            let sql = format!("{APPLICATION} WHERE id < ? ORDER BY id DESC LIMIT ?");
            let rows = tx
                .rows(sql, vec![page.before().0.into(), page.fetch().into()])
                .await?;
            let items = rows
                .iter()
                .map(application)
                .collect::<Result<Vec<_>, _>>()?;
            Ok(List::of(items, page, |row| Cursor(i64::from(row.id), 0)))
        };
        reading.await.map_err(failed("list the applications"))
    }

    /// Notes that an applicant is a merchant now, with the name and contact under which he was admitted, and why, if that is known. Noted
    /// without a reason it is noted once more with one.
    pub async fn admit_applicant(
        &self,
        id: u32,
        merchant: MerchantId,
        (name, contact): (&str, &str),
        reason: Option<&str>,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE merchant_application SET state = 'admitted', merchant = ?, name = ?, contact = ?, reason = ? \
            WHERE id = ? AND (state <> 'admitted' OR reason IS NULL)";
        let values = vec![
            merchant.0.into(),
            name.into(),
            contact.into(),
            reason.into(),
            id.into(),
        ];
        self.write_one(sql, values, "note an admission").await
    }

    /// Declines an application; of one that is decided it changes nothing.
    pub async fn decline_application(&self, id: u32, reason: &str) -> Result<(), StoreError> {
        let sql = "UPDATE merchant_application SET state = 'declined', reason = ? \
            WHERE id = ? AND state = 'applied'";
        self.write_one(
            sql,
            vec![reason.into(), id.into()],
            "decline an application",
        )
        .await
    }

    /// Notes a store's name and address, before the journal knows it.
    pub async fn name_store(
        &self,
        merchant: MerchantId,
        store: &StoreName,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO store_row (token, merchant, name, address) VALUES (?, ?, ?, ?) \
            ON CONFLICT (token) DO NOTHING";
        let values = vec![
            store.token.as_slice().into(),
            merchant.0.into(),
            store.name.as_str().into(),
            store.address.as_str().into(),
        ];
        self.write_one(sql, values, "note a store").await
    }

    /// Names and addresses of a merchant's stores.
    pub async fn store_names(&self, merchant: MerchantId) -> Result<Vec<StoreName>, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            let sql = "SELECT token, name, address FROM store_row WHERE merchant = ?";
            let rows = tx.rows(sql, vec![merchant.0.into()]).await?;
            rows.iter().map(store_row).collect::<Result<Vec<_>, _>>()
        };
        reading.await.map_err(failed("list a merchant's stores"))
    }

    /// Adds an account of a merchant's staff.
    pub async fn add_staff(
        &self,
        (name, password_hash): (&str, &str),
        role: &str,
        scope: Scope,
        now: Millis,
    ) -> Result<OperatorId, DirectoryError> {
        let adding = async {
            let mut tx = self.writer.write().await?;
            let id = add_operator_row(&mut tx, (name, password_hash, role), now).await?;
            let sql = "INSERT INTO staff_scope (operator, merchant, store) VALUES (?, ?, ?)";
            let store = scope.store.map(|store| store.0);
            tx.run(sql, vec![id.into(), scope.merchant.0.into(), store.into()])
                .await?;
            tx.commit().await?;
            u32::try_from(id).map_err(|error| unreadable("id", error))
        };
        adding.await.map(OperatorId).map_err(|error| {
            if is_unique_violation(&error) {
                DirectoryError::NameTaken(name.to_owned())
            } else {
                failed("add a merchant's staff")(error).into()
            }
        })
    }

    /// Whose staff an account is.
    pub async fn scope_of(&self, operator: OperatorId) -> Result<Option<Scope>, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            let sql = "SELECT merchant, store FROM staff_scope WHERE operator = ?";
            let Some(row) = tx.row(sql, vec![operator.0.into()]).await? else {
                return Ok(None);
            };
            Ok(Some(Scope {
                merchant: MerchantId(row.u32("merchant")?),
                store: row.maybe_u32("store")?.map(StoreId),
            }))
        };
        reading
            .await
            .map_err(failed("read whose staff an account is"))
    }

    /// Accounts of a merchant's staff, those that were removed among them, newest first.
    pub async fn staff_of_merchant(
        &self,
        merchant: MerchantId,
        page: Page,
    ) -> Result<List<StaffRow>, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            let sql =
                format!("{STAFF} WHERE s.merchant = ? AND o.id < ? ORDER BY o.id DESC LIMIT ?");
            let values = vec![
                merchant.0.into(),
                page.before().0.into(),
                page.fetch().into(),
            ];
            let rows = tx.rows(sql, values).await?;
            let items = rows.iter().map(staff).collect::<Result<Vec<_>, _>>()?;
            Ok(List::of(items, page, |row| Cursor(i64::from(row.id.0), 0)))
        };
        reading.await.map_err(failed("list a merchant's staff"))
    }

    /// An account of some merchant's staff.
    pub async fn one_of_staff(&self, id: OperatorId) -> Result<Option<StaffRow>, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            let sql = format!("{STAFF} WHERE o.id = ?");
            let row = tx.row(sql, vec![id.0.into()]).await?;
            row.as_ref().map(staff).transpose()
        };
        reading.await.map_err(failed("read a merchant's staff"))
    }

    /// Gives an account another password and ends its sessions.
    pub async fn change_staff_password(
        &self,
        id: OperatorId,
        password_hash: &str,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE operator_ SET password_hash = ? WHERE id = ?";
        self.change_staff(id, (sql, password_hash)).await
    }

    /// Takes everything from an account and ends its sessions.
    pub async fn remove_staff(&self, id: OperatorId) -> Result<(), StoreError> {
        let sql = "UPDATE operator_ SET role = ? WHERE id = ?";
        self.change_staff(id, (sql, REMOVED_ROLE)).await
    }

    async fn change_staff(
        &self,
        id: OperatorId,
        (sql, value): (&'static str, &str),
    ) -> Result<(), StoreError> {
        let writing = async {
            let mut tx = self.writer.write().await?;
            tx.run(sql, vec![value.into(), id.0.into()]).await?;
            let sql = "DELETE FROM session WHERE kind = 'operator' AND subject = ?";
            tx.run(sql, vec![id.0.into()]).await?;
            tx.commit().await
        };
        writing
            .await
            .map_err(failed("change an account of a merchant's staff"))
    }

    /// Name and address of the store of this token.
    pub async fn store_name(&self, store: &[u8; 16]) -> Result<Option<StoreName>, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            let sql = "SELECT token, name, address FROM store_row WHERE token = ?";
            let row = tx.row(sql, vec![store.as_slice().into()]).await?;
            row.as_ref().map(store_row).transpose()
        };
        reading.await.map_err(failed("read a store's name"))
    }

    /// Keeps a draft. The same request again gives the same draft.
    pub async fn submit_draft(
        &self,
        merchant: MerchantId,
        request: &[u8; 32],
        file: &str,
        now: Millis,
    ) -> Result<u32, StoreError> {
        let writing = async {
            let mut tx = self.writer.write().await?;
            let next =
                "SELECT CAST(COALESCE(MAX(id), -1) + 1 AS BIGINT) AS next FROM merchant_draft";
            let id = next_id(&mut tx, next).await?;
            let sql = "INSERT INTO merchant_draft (id, merchant, request, file, state, at) \
                VALUES (?, ?, ?, ?, 'submitted', ?) ON CONFLICT (request) DO NOTHING";
            let values = vec![
                id.into(),
                merchant.0.into(),
                request.as_slice().into(),
                file.into(),
                now.0.into(),
            ];
            tx.run(sql, values).await?;
            let sql = "SELECT id FROM merchant_draft WHERE request = ?";
            let row = tx.row(sql, vec![request.as_slice().into()]).await?;
            let id = row.ok_or(sqlx::Error::RowNotFound)?.u32("id")?;
            tx.commit().await?;
            Ok(id)
        };
        writing.await.map_err(failed("keep a draft"))
    }

    /// Drafts of one merchant or of all, newest first.
    pub async fn drafts(
        &self,
        merchant: Option<MerchantId>,
        page: Page,
    ) -> Result<List<Draft>, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            let (first, last) = merchant.map_or((0, u32::MAX), |merchant| (merchant.0, merchant.0));
            let sql = format!(
                "{DRAFT} WHERE id < ? AND merchant >= ? AND merchant <= ? ORDER BY id DESC LIMIT ?"
            );
            let values = vec![
                page.before().0.into(),
                first.into(),
                last.into(),
                page.fetch().into(),
            ];
            let rows = tx.rows(sql, values).await?;
            let items = rows.iter().map(draft).collect::<Result<Vec<_>, _>>()?;
            Ok(List::of(items, page, |row| Cursor(i64::from(row.id), 0)))
        };
        reading.await.map_err(failed("list drafts"))
    }

    /// One draft.
    pub async fn draft(&self, id: u32) -> Result<Option<Draft>, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            let row = tx
                .row(format!("{DRAFT} WHERE id = ?"), vec![id.into()])
                .await?;
            row.as_ref().map(draft).transpose()
        };
        reading.await.map_err(failed("read a draft"))
    }

    /// Whether some draft is known to have become this campaign.
    pub async fn is_a_drafts(&self, campaign: CampaignId) -> Result<bool, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            let sql = "SELECT id FROM merchant_draft WHERE campaign = ? LIMIT 1";
            let row = tx.row(sql, vec![campaign.0.into()]).await?;
            Ok(row.is_some())
        };
        reading.await.map_err(failed("look up what a draft became"))
    }

    /// Notes what a draft became, and why, if that is known. Noted without a reason it is noted once more with one.
    pub async fn publish_draft(
        &self,
        id: u32,
        campaign: CampaignId,
        reason: Option<&str>,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE merchant_draft SET state = 'published', campaign = ?, reason = ? \
            WHERE id = ? AND (state <> 'published' OR reason IS NULL)";
        let values = vec![campaign.0.into(), reason.into(), id.into()];
        self.write_one(sql, values, "note what became of a draft")
            .await
    }

    /// Declines a draft; of one that is decided it changes nothing.
    pub async fn decline_draft(&self, id: u32, reason: &str) -> Result<(), StoreError> {
        let sql = "UPDATE merchant_draft SET state = 'declined', reason = ? WHERE id = ? AND state = 'submitted'";
        self.write_one(sql, vec![reason.into(), id.into()], "decline a draft")
            .await
    }
}

/// The number of one more application. None is given twice, though applications are deleted with their members: approvals name
/// them by number.
async fn number_of_application(tx: &mut Tx) -> Result<u32, sqlx::Error> {
    let sql = "SELECT next FROM number_given WHERE of_what = 'application'";
    let row = tx.row(sql, Vec::new()).await?;
    let next = row.ok_or(sqlx::Error::RowNotFound)?.u32("next")?;
    let sql = "UPDATE number_given SET next = next + 1 WHERE of_what = 'application'";
    tx.run(sql, Vec::new()).await?;
    Ok(next)
}

async fn add_operator_row(
    tx: &mut Tx,
    (name, password_hash, role): (&str, &str, &str),
    now: Millis,
) -> Result<i64, sqlx::Error> {
    let next = "SELECT CAST(COALESCE(MAX(id), -1) + 1 AS BIGINT) AS next FROM operator_";
    let id = next_id(tx, next).await?;
    let sql =
        "INSERT INTO operator_ (id, name, password_hash, role, created_at) VALUES (?, ?, ?, ?, ?)";
    let values = vec![
        id.into(),
        name.into(),
        password_hash.into(),
        role.into(),
        now.0.into(),
    ];
    tx.run(sql, values).await?;
    Ok(id)
}

fn token(row: &AnyRow) -> Result<[u8; 16], sqlx::Error> {
    let bytes: Vec<u8> = row.blob("token")?;
    bytes
        .try_into()
        .map_err(|_| unreadable("token", "it has not 16 bytes".to_owned()))
}

fn store_row(row: &AnyRow) -> Result<StoreName, sqlx::Error> {
    Ok(StoreName {
        token: token(row)?,
        name: row.text("name")?,
        address: row.text("address")?,
    })
}

fn staff(row: &AnyRow) -> Result<StaffRow, sqlx::Error> {
    Ok(StaffRow {
        id: OperatorId(row.u32("id")?),
        name: row.text("name")?,
        merchant: MerchantId(row.u32("merchant")?),
        role: row.text("role")?,
        store: row.maybe_u32("store")?.map(StoreId),
        created_at: read::millis(row, "created_at")?,
    })
}

fn application(row: &AnyRow) -> Result<Application, sqlx::Error> {
    Ok(Application {
        id: row.u32("id")?,
        member: read::member(row, "member")?,
        token: token(row)?,
        name: row.text("name")?,
        contact: row.text("contact")?,
        state: row.text("state")?,
        merchant: row.maybe_u32("merchant")?.map(MerchantId),
        at: read::millis(row, "at")?,
        reason: row.maybe_text("reason")?,
    })
}

fn draft(row: &AnyRow) -> Result<Draft, sqlx::Error> {
    Ok(Draft {
        id: row.u32("id")?,
        merchant: MerchantId(row.u32("merchant")?),
        file: row.text("file")?,
        state: row.text("state")?,
        at: read::millis(row, "at")?,
        campaign: row.maybe_u32("campaign")?.map(CampaignId),
        reason: row.maybe_text("reason")?,
    })
}
