//! Members who have deleted their accounts (rules 9.9): what is kept of a phone that may not sign up again yet, and what goes
//! with a row a moment later than the row itself.
//!
//! Why a salted hash: an exclusion, a pause or a limit that ended with the account would be none, and nothing else of
//! the phone is needed to know it again when somebody signs up with it.

use domain::Millis;

use super::Directory;
use crate::db::Columns;
use crate::error::{StoreError, failed};

/// What is kept of a phone until it may sign up again.
#[derive(Clone, PartialEq, Eq)]
pub struct Departed {
    /// Random.
    pub salt: [u8; 16],
    /// SHA-256 of the salt and the phone.
    pub phone_hash: [u8; 32],
    /// From this moment on it may sign up again.
    pub until: Millis,
}

impl std::fmt::Debug for Departed {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Departed")
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}

/// Rows of people, and the column that says whose; what made somebody a merchant stays.
const OF_NOBODY: [&str; 8] = [
    "DELETE FROM delivery WHERE NOT EXISTS (SELECT 1 FROM person WHERE person.member = delivery.member)",
    "DELETE FROM payout_account WHERE NOT EXISTS (SELECT 1 FROM person WHERE person.member = payout_account.member)",
    "DELETE FROM fetch_code WHERE NOT EXISTS (SELECT 1 FROM person WHERE person.member = fetch_code.member)",
    "DELETE FROM purchase_shipment WHERE NOT EXISTS (SELECT 1 FROM person WHERE person.member = purchase_shipment.member)",
    "DELETE FROM answered WHERE kind = 'member' AND NOT EXISTS (SELECT 1 FROM person WHERE person.member = answered.subject)",
    "DELETE FROM inbox_read WHERE NOT EXISTS (SELECT 1 FROM person WHERE person.member = inbox_read.member)",
    "DELETE FROM notice_choice WHERE NOT EXISTS (SELECT 1 FROM person WHERE person.member = notice_choice.member)",
    "DELETE FROM merchant_application WHERE state <> 'admitted' AND NOT EXISTS (SELECT 1 FROM person WHERE person.member = merchant_application.member)",
];

impl Directory {
    /// Phones that may not sign up again yet.
    pub async fn departed(&self, now: Millis) -> Result<Vec<Departed>, StoreError> {
        let asking = async {
            let mut tx = self.readers.read().await?;
            let rows = tx
                .rows(
                    "SELECT salt, phone_hash, until FROM departed WHERE ? < until",
                    vec![now.0.into()],
                )
                .await?;
            rows.iter()
                .map(|row| {
                    Ok(Departed {
                        salt: row.bytes("salt")?,
                        phone_hash: row.bytes("phone_hash")?,
                        until: Millis(row.int("until")?),
                    })
                })
                .collect::<Result<Vec<_>, sqlx::Error>>()
        };
        asking.await.map_err(failed("read who has departed"))
    }

    /// Deletes what was written for somebody in the moment in which his row was deleted. It reads whole tables.
    pub async fn sweep_of_nobody(&self) -> Result<(), StoreError> {
        for sql in OF_NOBODY {
            self.note(sql, Vec::new()).await?;
        }
        Ok(())
    }

    /// Forgets phones that may sign up again.
    pub async fn sweep_departed(&self, now: Millis) -> Result<(), StoreError> {
        self.note("DELETE FROM departed WHERE until <= ?", vec![now.0.into()])
            .await
    }
}
