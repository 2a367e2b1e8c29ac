//! Where members have their withdrawals paid to. The journal has only the token of such a row.
//!
//! Why a row is never changed but replaced: a withdrawal that waits is paid to the account that was verified for it, whatever
//! the member enters meanwhile.

use domain::{MemberId, Millis, OperatorId};
use sqlx::any::AnyRow;

use super::Directory;
use crate::db::Columns;
use crate::error::{StoreError, failed};
use crate::query::read;

/// Where a member's withdrawals go.
#[derive(Clone, PartialEq, Eq)]
pub struct PayoutAccount {
    /// Random; what the journal knows of it.
    pub token: [u8; 16],
    /// Whose.
    pub member: MemberId,
    /// The name the account is in.
    pub name: String,
    /// The account at the payment provider.
    pub account: String,
    /// When it was entered.
    pub created_at: Millis,
    /// When staff found it to be the member's own; none: not yet.
    pub verified_at: Option<Millis>,
}

/// Logs must not hold what identifies a person.
impl std::fmt::Debug for PayoutAccount {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("PayoutAccount")
            .field("member", &self.member)
            .field("verified_at", &self.verified_at)
            .finish_non_exhaustive()
    }
}

const SELECT: &str =
    "SELECT token, member, name, account, created_at, verified_at FROM payout_account";

impl Directory {
    /// Enters an account in place of the one before, and gives it; the same as before stays as it is, verified or not.
    pub async fn set_payout_account(
        &self,
        wanted: &PayoutAccount,
    ) -> Result<PayoutAccount, StoreError> {
        let writing = async {
            let mut tx = self.writer.write().await?;
            let member = wanted.member.0;
            let sql = format!("{SELECT} WHERE member = ? AND replaced_at IS NULL");
            let known = tx.row(sql, vec![member.into()]).await?;
            let known = known.as_ref().map(payout_account).transpose()?;
            let same = known
                .filter(|known| (&known.name, &known.account) == (&wanted.name, &wanted.account));
            if let Some(same) = same {
                return Ok(same);
            }
            tx.run(
                "UPDATE payout_account SET replaced_at = ? WHERE member = ? AND replaced_at IS NULL",
                vec![wanted.created_at.0.into(), member.into()],
            )
            .await?;
            tx.run(
                "INSERT INTO payout_account (token, member, name, account, created_at) VALUES (?, ?, ?, ?, ?)",
                vec![
                    wanted.token.as_slice().into(),
                    member.into(),
                    wanted.name.as_str().into(),
                    wanted.account.as_str().into(),
                    wanted.created_at.0.into(),
                ],
            )
            .await?;
            tx.commit().await?;
            Ok(PayoutAccount {
                verified_at: None,
                ..wanted.clone()
            })
        };
        writing.await.map_err(failed("enter a payout account"))
    }

    /// The account that a member's next withdrawal would go to.
    pub async fn payout_account_of(
        &self,
        member: MemberId,
    ) -> Result<Option<PayoutAccount>, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            let sql = format!("{SELECT} WHERE member = ? AND replaced_at IS NULL");
            let row = tx.row(sql, vec![member.0.into()]).await?;
            row.as_ref().map(payout_account).transpose()
        };
        reading.await.map_err(failed("read a payout account"))
    }

    /// The account that a withdrawal names, replaced by now or not; none if the member's row was deleted.
    pub async fn payout_account(
        &self,
        token: &[u8; 16],
    ) -> Result<Option<PayoutAccount>, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            let sql = format!("{SELECT} WHERE token = ?");
            let row = tx.row(sql, vec![token.as_slice().into()]).await?;
            row.as_ref().map(payout_account).transpose()
        };
        reading
            .await
            .map_err(failed("read a withdrawal's payout account"))
    }

    /// Notes that an account is the member's own. Answers whether it is the one he has now.
    pub async fn verify_payout_account(
        &self,
        (member, token): (MemberId, &[u8; 16]),
        operator: OperatorId,
        now: Millis,
    ) -> Result<bool, StoreError> {
        let writing = async {
            let mut tx = self.writer.write().await?;
            let changed = tx
                .run(
                    "UPDATE payout_account SET verified_at = COALESCE(verified_at, ?), \
                     verified_by = COALESCE(verified_by, ?) \
                     WHERE token = ? AND member = ? AND replaced_at IS NULL",
                    vec![
                        now.0.into(),
                        operator.0.into(),
                        token.as_slice().into(),
                        member.0.into(),
                    ],
                )
                .await?;
            tx.commit().await?;
            Ok(changed == 1)
        };
        writing.await.map_err(failed("verify a payout account"))
    }
}

fn payout_account(row: &AnyRow) -> Result<PayoutAccount, sqlx::Error> {
    Ok(PayoutAccount {
        token: row.bytes("token")?,
        member: read::member(row, "member")?,
        name: row.text("name")?,
        account: row.text("account")?,
        created_at: read::millis(row, "created_at")?,
        verified_at: read::maybe_millis(row, "verified_at")?,
    })
}
