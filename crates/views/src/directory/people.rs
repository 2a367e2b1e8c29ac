//! People: one row each, from sign-up to deletion.

use std::collections::{BTreeMap, HashMap};

use domain::{GatewayId, MemberId, Millis};
use sqlx::any::AnyRow;

use super::Departed;
use super::{Directory, DirectoryError, is_unique_violation};
use crate::db::{Columns, Table, Tx, Value, Write, unreadable};
use crate::error::{StoreError, failed};
use crate::query::read;

/// Letters and digits of invite codes: none that are taken for another (0 O, 1 I).
const INVITE_ALPHABET: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
const COLUMNS: &str =
    "token, phone, member, inviter, invite_code, name, is_demo, gateway, member_secret, created_at";
const PERSON: Table = Table {
    name: "person",
    columns: &[
        "token",
        "phone",
        "inviter",
        "invite_code",
        "is_demo",
        "gateway",
        "member_secret",
        "created_at",
    ],
    write: Write::Insert,
};

/// A person to be. All random bytes are the caller's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPerson {
    /// Random; names the row to the journal.
    pub token: [u8; 16],
    /// None for a gateway's member.
    pub phone: Option<String>,
    /// Whose link or code was used.
    pub inviter: Option<MemberId>,
    /// From [`invite_code`].
    pub invite_code: String,
    /// Whether this is an external member of a demonstration.
    pub is_demo: bool,
    /// Which gateway serves him, if one does.
    pub gateway: Option<GatewayId>,
    /// Random; makes his tags in draws (draw 3).
    pub member_secret: [u8; 32],
}

/// What a gateway's join needs to know of a member.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Served {
    /// The gateway that registered him, if one did.
    pub by: Option<GatewayId>,
    /// What his tags are made of.
    pub secret: [u8; 32],
}

/// His secret is shown to nobody.
impl std::fmt::Debug for Served {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Served")
            .field("by", &self.by)
            .finish_non_exhaustive()
    }
}

/// A person.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    /// Names the row to the journal.
    pub token: [u8; 16],
    /// None for a gateway's member.
    pub phone: Option<String>,
    /// Who he is in the journal; none until his registration is durable.
    pub member: Option<MemberId>,
    /// Whose link or code was used at sign-up.
    pub inviter: Option<MemberId>,
    /// What others sign up with on his invitation.
    pub invite_code: String,
    /// What he calls himself.
    pub name: Option<String>,
    /// Whether this is an external member of a demonstration.
    pub is_demo: bool,
    /// Which gateway serves him.
    pub gateway: Option<GatewayId>,
    /// Makes his tags in draws.
    pub member_secret: [u8; 32],
    /// When he signed up.
    pub created_at: Millis,
}

/// Logs must not hold what identifies a person.
impl std::fmt::Debug for Person {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Person")
            .field("member", &self.member)
            .finish_non_exhaustive()
    }
}

impl Person {
    /// His phone as he sees it himself: `138****1234`.
    pub fn phone_masked(&self) -> String {
        self.phone.as_deref().map_or_else(String::new, masked_phone)
    }

    /// What others see of him: the last two digits of his phone, or of his number if he has none.
    pub fn pseudonym(&self) -> String {
        let number = self.member.map(|member| member.to_string());
        let digits = self.phone.clone().or(number).unwrap_or_default();
        let shown = digits.len().saturating_sub(2);
        format!("会员 **{}", digits.get(shown..).unwrap_or_default())
    }
}

/// `13812341234` as `138****1234`; anything else as its last two characters.
pub fn masked_phone(phone: &str) -> String {
    let ends = (phone.get(..3), phone.get(7..));
    match ends {
        (Some(first), Some(last)) if phone.len() == 11 => format!("{first}****{last}"),
        (Some(_) | None, Some(_) | None) => {
            let last: String = phone.chars().rev().take(2).collect();
            format!("****{}", last.chars().rev().collect::<String>())
        }
    }
}

/// Eight characters from as many random bytes, each of 32 equally likely.
pub fn invite_code(random: [u8; 8]) -> String {
    let letters = random
        .iter()
        .filter_map(|byte| INVITE_ALPHABET.get(usize::from(byte & 0x1f)));
    letters.map(|letter| char::from(*letter)).collect()
}

impl Directory {
    /// The row of this phone: an old one, or a new one from `person`. Two sign-ups at once get the same row. The
    /// answer tells whether it is new.
    pub async fn sign_up(
        &self,
        person: &NewPerson,
        now: Millis,
    ) -> Result<(Person, bool), DirectoryError> {
        let signing = async {
            let mut tx = self.writer.write().await?;
            if let Some(known) = by_phone(&mut tx, person.phone.as_deref()).await? {
                return Ok((known, false));
            }
            tx.write_rows(&PERSON, values(person, now)).await?;
            let row = tx
                .row(sql("WHERE token = ?"), vec![person.token.as_slice().into()])
                .await?;
            let row = row.ok_or(sqlx::Error::RowNotFound)?;
            let person = read_person(&row)?;
            tx.commit().await?;
            Ok((person, true))
        };
        signing.await.map_err(|error| match error {
            error if is_unique_violation(&error) => DirectoryError::InviteCodeTaken,
            error => failed("sign a person up")(error).into(),
        })
    }

    /// Rows for a gateway's members: of those whose token is known already nothing changes. All or none.
    pub async fn add_gateway_members(
        &self,
        people: &[NewPerson],
        now: Millis,
    ) -> Result<(), DirectoryError> {
        let adding = async {
            let mut tx = self.writer.write().await?;
            let tokens: Vec<Value> = people
                .iter()
                .map(|person| person.token.as_slice().into())
                .collect();
            let rows = tx
                .rows_in("SELECT token FROM person WHERE token IN ", &tokens)
                .await?;
            let mut known: std::collections::BTreeSet<Vec<u8>> = rows
                .iter()
                .map(|row| row.blob("token"))
                .collect::<Result<_, _>>()?;
            let new = people
                .iter()
                .filter(|person| known.insert(person.token.to_vec()));
            let values = new.flat_map(|person| values(person, now)).collect();
            tx.write_rows(&PERSON, values).await?;
            tx.commit().await
        };
        adding.await.map_err(|error| match error {
            error if is_unique_violation(&error) => DirectoryError::InviteCodeTaken,
            error => failed("add a gateway's members")(error).into(),
        })
    }

    /// Tells rows which members they became. A row that is that member's already stays as it is.
    pub async fn set_members(
        &self,
        members: &[([u8; 16], MemberId)],
    ) -> Result<(), DirectoryError> {
        let setting = async {
            let mut tx = self.writer.write().await?;
            for (token, member) in members {
                let changed = tx
                    .run(
                        "UPDATE person SET member = ? WHERE token = ? AND (member IS NULL OR member = ?)",
                        vec![member.0.into(), token.as_slice().into(), member.0.into()],
                    )
                    .await?;
                if changed != 1 {
                    return Ok(false);
                }
            }
            tx.commit().await?;
            Ok(true)
        };
        match setting
            .await
            .map_err(failed("note who became which member"))?
        {
            true => Ok(()),
            false => Err(DirectoryError::UnknownToken),
        }
    }

    /// Rows whose registration is not known to be durable: to be submitted again at start. Oldest first.
    pub async fn people_without_member(&self, limit: u32) -> Result<Vec<Person>, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            let sql = sql("WHERE member IS NULL ORDER BY created_at, token LIMIT ?");
            tx.rows(sql, vec![limit.into()])
                .await?
                .iter()
                .map(read_person)
                .collect::<Result<_, sqlx::Error>>()
        };
        reading
            .await
            .map_err(failed("list people who are no members yet"))
    }

    /// The highest member number that any row has.
    pub async fn last_member(&self) -> Result<Option<MemberId>, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            let sql =
                "SELECT member FROM person WHERE member IS NOT NULL ORDER BY member DESC LIMIT 1";
            let row = tx.row(sql, Vec::new()).await?;
            row.map(|row| read::member(&row, "member")).transpose()
        };
        reading.await.map_err(failed("look up the newest member"))
    }

    /// Who has this phone.
    pub async fn person_by_phone(&self, phone: &str) -> Result<Option<Person>, StoreError> {
        self.person("WHERE phone = ?", phone.into()).await
    }

    /// Who this member is; none if his row was deleted.
    pub async fn person_by_member(&self, member: MemberId) -> Result<Option<Person>, StoreError> {
        self.person("WHERE member = ?", member.0.into()).await
    }

    /// Whose invitation this is.
    pub async fn person_by_invite_code(&self, code: &str) -> Result<Option<Person>, StoreError> {
        self.person("WHERE invite_code = ?", code.into()).await
    }

    async fn person(
        &self,
        condition: &'static str,
        value: Value,
    ) -> Result<Option<Person>, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            tx.row(sql(condition), vec![value])
                .await?
                .as_ref()
                .map(read_person)
                .transpose()
        };
        reading.await.map_err(failed("look up a person"))
    }

    /// Who these members are; those whose row was deleted are left out.
    pub async fn people(
        &self,
        members: &[MemberId],
    ) -> Result<BTreeMap<MemberId, Person>, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            let keys: Vec<Value> = members.iter().map(|member| member.0.into()).collect();
            let rows = tx
                .rows_in(
                    "SELECT token, phone, member, inviter, invite_code, name, is_demo, gateway, member_secret, \
                     created_at FROM person WHERE member IN ",
                    &keys,
                )
                .await?;
            let people = rows
                .iter()
                .map(read_person)
                .collect::<Result<Vec<_>, _>>()?;
            let keyed = people
                .into_iter()
                .filter_map(|person| Some((person.member?, person)));
            Ok(keyed.collect())
        };
        reading.await.map_err(failed("look up people"))
    }

    /// What joins of these members are checked against and their tags made of; those whose row was deleted are left
    /// out. Of their rows only that, for each column costs.
    pub async fn served(
        &self,
        members: &[MemberId],
    ) -> Result<HashMap<MemberId, Served>, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            let keys: Vec<Value> = members.iter().map(|member| member.0.into()).collect();
            let rows = tx
                .rows_in(
                    "SELECT member, gateway, member_secret FROM person WHERE member IN ",
                    &keys,
                )
                .await?;
            let pairs = rows.iter().map(|row| {
                let served = Served {
                    by: row.maybe_u32("gateway")?.map(GatewayId),
                    secret: row.bytes("member_secret")?,
                };
                Ok((read::member(row, "member")?, served))
            });
            pairs.collect::<Result<_, sqlx::Error>>()
        };
        reading.await.map_err(failed("look up who serves members"))
    }

    /// Deletes everything that identifies a member: his row with its secret, his sessions, his sign-in code, where
    /// his orders were sent, where his withdrawals go, what he has read, and an application of his unless it made him a
    /// merchant. What the journal knows of his number stays, and what that was refused, without its words. Answers
    /// whether there was a row. What is given of a phone that may not sign up again yet is kept.
    pub async fn delete_person(
        &self,
        member: MemberId,
        departed: Option<&Departed>,
    ) -> Result<bool, StoreError> {
        let deleting = async {
            let mut tx = self.writer.write().await?;
            let row = tx
                .row(
                    "SELECT phone FROM person WHERE member = ?",
                    vec![member.0.into()],
                )
                .await?;
            let Some(row) = row else { return Ok(false) };
            if let Some(phone) = row.maybe_text("phone")? {
                tx.run(
                    "DELETE FROM sign_in_code WHERE phone = ?",
                    vec![phone.as_str().into()],
                )
                .await?;
                tx.run("DELETE FROM demo_inbox WHERE phone = ?", vec![phone.into()])
                    .await?;
            }
            for sql in [
                "DELETE FROM session WHERE kind = 'member' AND subject = ?",
                "UPDATE refusal SET detail = '' WHERE kind = 'member' AND subject = ?",
                "DELETE FROM answered WHERE kind = 'member' AND subject = ?",
                "DELETE FROM shipping WHERE member = ?",
                "DELETE FROM payout_account WHERE member = ?",
                "DELETE FROM delivery WHERE member = ?",
                "DELETE FROM fetch_code WHERE member = ?",
                "DELETE FROM purchase_shipment WHERE member = ?",
                "DELETE FROM inbox_read WHERE member = ?",
                "DELETE FROM notice_choice WHERE member = ?",
                "UPDATE approval SET body = '{}' WHERE what = 'admit-merchant' AND subject IN \
                    (SELECT id FROM merchant_application WHERE member = ? AND state <> 'admitted')",
                "DELETE FROM merchant_application WHERE member = ? AND state <> 'admitted'",
                "DELETE FROM person WHERE member = ?",
            ] {
                tx.run(sql, vec![member.0.into()]).await?;
            }
            if let Some(departed) = departed {
                let values = vec![
                    departed.salt.as_slice().into(),
                    departed.phone_hash.as_slice().into(),
                    departed.until.0.into(),
                ];
                let sql = "INSERT INTO departed (salt, phone_hash, until) VALUES (?, ?, ?)";
                tx.run(sql, values).await?;
            }
            tx.commit().await?;
            Ok(true)
        };
        deleting.await.map_err(failed("delete a person"))
    }
}

fn sql(condition: &str) -> String {
    format!("SELECT {COLUMNS} FROM person {condition}")
}

fn values(person: &NewPerson, now: Millis) -> Vec<Value> {
    vec![
        person.token.as_slice().into(),
        person.phone.as_deref().into(),
        person.inviter.map(|inviter| inviter.0).into(),
        person.invite_code.as_str().into(),
        u32::from(person.is_demo).into(),
        person.gateway.map(|gateway| gateway.0).into(),
        person.member_secret.as_slice().into(),
        now.0.into(),
    ]
}

async fn by_phone(tx: &mut Tx, phone: Option<&str>) -> Result<Option<Person>, sqlx::Error> {
    let Some(phone) = phone else { return Ok(None) };
    tx.row(sql("WHERE phone = ?"), vec![phone.into()])
        .await?
        .as_ref()
        .map(read_person)
        .transpose()
}

fn read_person(row: &AnyRow) -> Result<Person, sqlx::Error> {
    Ok(Person {
        token: row.bytes("token")?,
        phone: row.maybe_text("phone")?,
        member: read::maybe_member(row, "member")?,
        inviter: read::maybe_member(row, "inviter")?,
        invite_code: row.text("invite_code")?,
        name: row.maybe_text("name")?,
        is_demo: match row.int("is_demo")? {
            0 => false,
            1 => true,
            other => return Err(unreadable("is_demo", format!("{other} is neither 0 nor 1"))),
        },
        gateway: row.maybe_u32("gateway")?.map(GatewayId),
        member_secret: row.bytes("member_secret")?,
        created_at: read::millis(row, "created_at")?,
    })
}
