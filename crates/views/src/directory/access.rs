//! Who may do what: sign-in codes, sessions, operators, gateways. Only hashes of secrets are kept.

use domain::{Duration, GatewayId, MemberId, Millis, OperatorId};

use super::{Directory, DirectoryError, is_unique_violation, next_id};
use crate::db::{Columns, Value, unreadable};
use crate::error::{StoreError, failed};
use crate::page::{Cursor, List, Page};
use crate::query::read;

/// How long a sign-in code can be used.
pub const CODE_LIFE: Duration = Duration::seconds(300);
/// How many wrong answers a sign-in code bears; after them it is void.
pub const CODE_ATTEMPTS: u32 = 5;

/// What came of a sign-in code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeCheck {
    /// It is right, and used up.
    Right,
    /// It is wrong; so many more may be.
    Wrong {
        /// Answers left.
        left: u32,
    },
    /// There is no code for this phone, or it is too old or was wrong too often: send a new one.
    Gone,
}

/// Whose session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionOf {
    /// A member's.
    Member(MemberId),
    /// An operator's.
    Operator(OperatorId),
}

/// A session that is not over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// Whose.
    pub of: SessionOf,
    /// When it is over.
    pub expires_at: Millis,
}

/// Somebody who runs the platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperatorRow {
    /// His number.
    pub id: OperatorId,
    /// What he signs in with.
    pub name: String,
    /// As argon2 writes it.
    pub password_hash: String,
    /// What he may do.
    pub role: String,
}

/// A program that joins for members it serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayRow {
    /// Its number.
    pub id: GatewayId,
    /// What it is called.
    pub name: String,
}

impl SessionOf {
    fn columns(self) -> (&'static str, u32) {
        match self {
            SessionOf::Member(member) => ("member", member.0),
            SessionOf::Operator(operator) => ("operator", operator.0),
        }
    }
}

impl Directory {
    /// Notes the code that was sent to a phone; an earlier one is void.
    pub async fn put_code(
        &self,
        phone: &str,
        code_hash: &[u8; 32],
        now: Millis,
    ) -> Result<(), StoreError> {
        let writing = async {
            let mut tx = self.writer.write().await?;
            let expires = now.after(CODE_LIFE);
            tx.run(
                "INSERT INTO sign_in_code (phone, code_hash, expires_at, attempts) VALUES (?, ?, ?, 0) \
                 ON CONFLICT (phone) DO UPDATE SET code_hash = excluded.code_hash, \
                 expires_at = excluded.expires_at, attempts = 0",
                vec![phone.into(), code_hash.as_slice().into(), expires.0.into()],
            )
            .await?;
            tx.commit().await
        };
        writing.await.map_err(failed("note a sign-in code"))
    }

    /// Checks the code a phone answers with. Every answer counts before it is looked at, so that many at once are no
    /// more than as many one after the other.
    pub async fn check_code(
        &self,
        phone: &str,
        code_hash: &[u8; 32],
        now: Millis,
    ) -> Result<CodeCheck, StoreError> {
        let checking = async {
            let mut tx = self.writer.write().await?;
            tx.run(
                "UPDATE sign_in_code SET attempts = attempts + 1 WHERE phone = ?",
                vec![phone.into()],
            )
            .await?;
            let sql = "SELECT code_hash, expires_at, attempts FROM sign_in_code WHERE phone = ?";
            let Some(row) = tx.row(sql, vec![phone.into()]).await? else {
                return Ok(CodeCheck::Gone);
            };
            let attempts = row.u32("attempts")?;
            let check = if read::millis(&row, "expires_at")? <= now || CODE_ATTEMPTS < attempts {
                CodeCheck::Gone
            } else if row.bytes::<32>("code_hash")? == *code_hash {
                CodeCheck::Right
            } else {
                CodeCheck::Wrong {
                    left: CODE_ATTEMPTS.saturating_sub(attempts),
                }
            };
            if !matches!(check, CodeCheck::Wrong { left: 1.. }) {
                tx.run(
                    "DELETE FROM sign_in_code WHERE phone = ?",
                    vec![phone.into()],
                )
                .await?;
            }
            tx.commit().await?;
            Ok(check)
        };
        checking.await.map_err(failed("check a sign-in code"))
    }

    /// Notes a session.
    pub async fn put_session(
        &self,
        token_hash: &[u8; 32],
        session: &Session,
        now: Millis,
    ) -> Result<(), StoreError> {
        let writing = async {
            let mut tx = self.writer.write().await?;
            let (kind, subject) = session.of.columns();
            tx.run(
                "INSERT INTO session (token_hash, kind, subject, created_at, expires_at) VALUES (?, ?, ?, ?, ?)",
                vec![
                    token_hash.as_slice().into(),
                    kind.into(),
                    subject.into(),
                    now.0.into(),
                    session.expires_at.0.into(),
                ],
            )
            .await?;
            tx.commit().await
        };
        writing.await.map_err(failed("note a session"))
    }

    /// The session of this token, if it is not over.
    pub async fn session(
        &self,
        token_hash: &[u8; 32],
        now: Millis,
    ) -> Result<Option<Session>, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            let sql = "SELECT kind, subject, expires_at FROM session WHERE token_hash = ? AND ? < expires_at";
            let row = tx
                .row(sql, vec![token_hash.as_slice().into(), now.0.into()])
                .await?;
            let Some(row) = row else { return Ok(None) };
            let subject = row.u32("subject")?;
            let of = match row.text("kind")?.as_str() {
                "member" => SessionOf::Member(MemberId(subject)),
                "operator" => SessionOf::Operator(OperatorId(subject)),
                other => {
                    return Err(unreadable(
                        "kind",
                        format!("unknown kind of session {other:?}"),
                    ));
                }
            };
            Ok(Some(Session {
                of,
                expires_at: read::millis(&row, "expires_at")?,
            }))
        };
        reading.await.map_err(failed("look up a session"))
    }

    /// Ends one session.
    pub async fn end_session(&self, token_hash: &[u8; 32]) -> Result<(), StoreError> {
        self.delete(
            "DELETE FROM session WHERE token_hash = ?",
            vec![token_hash.as_slice().into()],
        )
        .await
    }

    /// Ends all sessions of somebody.
    pub async fn end_sessions_of(&self, of: SessionOf) -> Result<(), StoreError> {
        let (kind, subject) = of.columns();
        self.delete(
            "DELETE FROM session WHERE kind = ? AND subject = ?",
            vec![kind.into(), subject.into()],
        )
        .await
    }

    /// Deletes sessions, codes and kept answers that are over; to be called now and then.
    pub async fn sweep(&self, now: Millis) -> Result<(), StoreError> {
        self.delete(
            "DELETE FROM session WHERE expires_at <= ?",
            vec![now.0.into()],
        )
        .await?;
        self.delete(
            "DELETE FROM sign_in_code WHERE expires_at <= ?",
            vec![now.0.into()],
        )
        .await?;
        self.delete(
            "DELETE FROM answered WHERE at <= ?",
            vec![super::answers::long_ago(now).into()],
        )
        .await
    }

    async fn delete(&self, sql: &'static str, values: Vec<Value>) -> Result<(), StoreError> {
        self.write_one(sql, values, "delete from the directory")
            .await
    }

    /// Adds an operator with a password hash made by the caller.
    pub async fn add_operator(
        &self,
        name: &str,
        password_hash: &str,
        role: &str,
        now: Millis,
    ) -> Result<OperatorId, DirectoryError> {
        let next = "SELECT CAST(COALESCE(MAX(id), -1) + 1 AS BIGINT) AS next FROM operator_";
        let insert = "INSERT INTO operator_ (id, name, password_hash, role, created_at) VALUES (?, ?, ?, ?, ?)";
        let values = vec![name.into(), password_hash.into(), role.into(), now.0.into()];
        self.add_named(next, insert, values)
            .await
            .map(OperatorId)
            .map_err(|error| named(error, name))
    }

    /// Gives an operator another password.
    pub async fn set_operator_password(
        &self,
        id: OperatorId,
        password_hash: &str,
    ) -> Result<(), StoreError> {
        self.delete(
            "UPDATE operator_ SET password_hash = ? WHERE id = ?",
            vec![password_hash.into(), id.0.into()],
        )
        .await
    }

    /// The operator of this name.
    pub async fn operator_by_name(&self, name: &str) -> Result<Option<OperatorRow>, StoreError> {
        self.operator(
            "SELECT id, name, password_hash, role FROM operator_ WHERE name = ?",
            name.into(),
        )
        .await
    }

    /// Accounts of operators and finance, newest first.
    pub async fn operators(&self, page: Page) -> Result<List<OperatorRow>, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            let sql = "SELECT id, name, password_hash, role FROM operator_ \
                WHERE role IN ('operator', 'finance') AND id < ? ORDER BY id DESC LIMIT ?";
            let values = vec![page.before().0.into(), page.fetch().into()];
            let rows = tx.rows(sql, values).await?;
            let items = rows.iter().map(operator).collect::<Result<Vec<_>, _>>()?;
            Ok(List::of(items, page, |row| Cursor(i64::from(row.id.0), 0)))
        };
        reading.await.map_err(failed("list the operators"))
    }

    /// Takes everything from an account of an operator or of finance and ends its sessions; its row stays, for decisions name its
    /// number. False, and nothing happens, where it is the last operator's.
    pub async fn remove_operator(&self, id: OperatorId) -> Result<bool, StoreError> {
        let writing = async {
            let mut tx = self.writer.write().await?;
            let sql = "SELECT id FROM operator_ WHERE role = 'operator' AND id <> ? LIMIT 1";
            if tx.row(sql, vec![id.0.into()]).await?.is_none() {
                return Ok(false);
            }
            let sql = "UPDATE operator_ SET role = ? WHERE id = ?";
            let values = vec![super::REMOVED_ROLE.into(), id.0.into()];
            tx.run(sql, values).await?;
            let sql = "DELETE FROM session WHERE kind = 'operator' AND subject = ?";
            tx.run(sql, vec![id.0.into()]).await?;
            tx.commit().await?;
            Ok(true)
        };
        writing.await.map_err(failed("remove an operator"))
    }

    /// The operator of this number.
    pub async fn operator_by_id(&self, id: OperatorId) -> Result<Option<OperatorRow>, StoreError> {
        self.operator(
            "SELECT id, name, password_hash, role FROM operator_ WHERE id = ?",
            id.0.into(),
        )
        .await
    }

    async fn operator(
        &self,
        sql: &'static str,
        value: Value,
    ) -> Result<Option<OperatorRow>, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            let row = tx.row(sql, vec![value]).await?;
            row.as_ref().map(operator).transpose()
        };
        reading.await.map_err(failed("look up an operator"))
    }

    /// Adds a gateway with the hash of its API key.
    pub async fn add_gateway(
        &self,
        name: &str,
        key_hash: &[u8; 32],
        now: Millis,
    ) -> Result<GatewayId, DirectoryError> {
        let next = "SELECT CAST(COALESCE(MAX(id), -1) + 1 AS BIGINT) AS next FROM gateway";
        let insert = "INSERT INTO gateway (id, name, key_hash, created_at) VALUES (?, ?, ?, ?)";
        let values = vec![name.into(), key_hash.as_slice().into(), now.0.into()];
        self.add_named(next, insert, values)
            .await
            .map(GatewayId)
            .map_err(|error| named(error, name))
    }

    /// The gateway with this API key.
    pub async fn gateway_by_key(
        &self,
        key_hash: &[u8; 32],
    ) -> Result<Option<GatewayRow>, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            let sql = "SELECT id, name FROM gateway WHERE key_hash = ?";
            let Some(row) = tx.row(sql, vec![key_hash.as_slice().into()]).await? else {
                return Ok(None);
            };
            Ok(Some(GatewayRow {
                id: GatewayId(row.u32("id")?),
                name: row.text("name")?,
            }))
        };
        reading.await.map_err(failed("look up a gateway"))
    }

    async fn add_named(
        &self,
        next: &'static str,
        insert: &'static str,
        mut values: Vec<Value>,
    ) -> Result<u32, sqlx::Error> {
        let mut tx = self.writer.write().await?;
        let id = next_id(&mut tx, next).await?;
        values.insert(0, id.into());
        tx.run(insert, values).await?;
        tx.commit().await?;
        u32::try_from(id).map_err(|error| unreadable("id", error))
    }
}

fn named(error: sqlx::Error, name: &str) -> DirectoryError {
    if is_unique_violation(&error) {
        DirectoryError::NameTaken(name.to_owned())
    } else {
        failed("add a name to the directory")(error).into()
    }
}

fn operator(row: &sqlx::any::AnyRow) -> Result<OperatorRow, sqlx::Error> {
    Ok(OperatorRow {
        id: OperatorId(row.u32("id")?),
        name: row.text("name")?,
        password_hash: row.text("password_hash")?,
        role: row.text("role")?,
    })
}
