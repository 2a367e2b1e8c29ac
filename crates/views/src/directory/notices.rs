//! How far members have read their inboxes, which connectors they allow, and how far those have come.
//!
//! Why here and not in the views: none of it follows from the journal, and a connector that forgot how far it has come would
//! tell everybody everything again.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use domain::{MemberId, Millis, NoticeKind};

use super::Directory;
use crate::db::{Columns, Value, unreadable};
use crate::error::{StoreError, failed};
use crate::query::read;

/// Up to where a member has read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadUpTo {
    /// Notices of records up to this.
    pub seq: u64,
    /// And those of coins that expire with months up to this.
    pub month: u16,
}

/// Up to where a connector has dealt with what there is to tell. Both parts only ever grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToldUpTo {
    /// What events tell: up to this record,
    pub seq: u64,
    /// in it up to the event at this place,
    pub event_no: u32,
    /// and of its notices up to this member's.
    pub member: u32,
    /// What is told of coins that expire: up to those of this month,
    pub month: u16,
    /// and of them those of members before this number.
    pub coins_of: u32,
}

impl ToldUpTo {
    /// Everything up to a record, and up to a month, is dealt with.
    pub fn all(seq: u64, month: u16) -> ToldUpTo {
        ToldUpTo {
            seq,
            event_no: u32::MAX,
            member: u32::MAX,
            month,
            coins_of: u32::MAX,
        }
    }

    /// What is dealt with where either is right: the later of each part.
    pub fn or(self, other: ToldUpTo) -> ToldUpTo {
        let (mut later, mut coins) = (self, self);
        if (later.seq, later.event_no, later.member) < (other.seq, other.event_no, other.member) {
            later = other;
        }
        if (coins.month, coins.coins_of) < (other.month, other.coins_of) {
            coins = other;
        }
        ToldUpTo {
            month: coins.month,
            coins_of: coins.coins_of,
            ..later
        }
    }
}

/// As it is stored: `4711.0.17 682.12`.
impl std::fmt::Display for ToldUpTo {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ToldUpTo {
            seq,
            event_no,
            member,
            month,
            coins_of,
        } = self;
        write!(out, "{seq}.{event_no}.{member} {month}.{coins_of}")
    }
}

/// A text is no [`ToldUpTo`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not how far a connector has come")]
pub struct BadToldUpTo;

impl FromStr for ToldUpTo {
    type Err = BadToldUpTo;

    fn from_str(text: &str) -> Result<ToldUpTo, BadToldUpTo> {
        fn number<T: FromStr>(part: Option<&str>) -> Result<T, BadToldUpTo> {
            part.and_then(|part| part.parse().ok()).ok_or(BadToldUpTo)
        }
        let mut parts = text.split(['.', ' ']);
        let up_to = ToldUpTo {
            seq: number(parts.next())?,
            event_no: number(parts.next())?,
            member: number(parts.next())?,
            month: number(parts.next())?,
            coins_of: number(parts.next())?,
        };
        if up_to.to_string() == text {
            Ok(up_to)
        } else {
            Err(BadToldUpTo)
        }
    }
}

/// A set of kinds of notices, a bit for each by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoticeKinds(u64);

impl NoticeKinds {
    /// None of them.
    pub const NONE: NoticeKinds = NoticeKinds(0);

    /// Whether a kind is among them.
    pub fn has(self, kind: NoticeKind) -> bool {
        self.0 & bit(kind) != 0
    }

    /// These, in the order of their places.
    pub fn iter(self) -> impl Iterator<Item = NoticeKind> {
        NoticeKind::ALL
            .into_iter()
            .filter(move |&kind| self.has(kind))
    }
}

impl FromIterator<NoticeKind> for NoticeKinds {
    fn from_iter<T: IntoIterator<Item = NoticeKind>>(kinds: T) -> NoticeKinds {
        NoticeKinds(kinds.into_iter().fold(0, |all, kind| all | bit(kind)))
    }
}

fn bit(kind: NoticeKind) -> u64 {
    let place = NoticeKind::ALL.iter().position(|&other| other == kind);
    place.map_or(0, |place| 1 << place)
}

/// How a connector stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectorRow {
    /// Which.
    pub name: String,
    /// How far it has come, what is under way included.
    pub up_to: ToldUpTo,
    /// How far it had come before what is under way.
    pub back_to: Option<ToldUpTo>,
    /// Notices that were begun and of which nothing is known yet.
    pub under_way: u64,
    /// How long a connector's file was before them.
    pub file_bytes: u64,
    /// Notices that went out.
    pub sent: u64,
    /// Notices of which nobody knows whether they went out.
    pub unknown: u64,
    /// Notices that the other side refused until they were given up.
    pub refused: u64,
    /// When the last one went out.
    pub sent_at: Option<Millis>,
}

impl Directory {
    /// Up to where a member has read.
    pub async fn inbox_read(&self, member: MemberId) -> Result<ReadUpTo, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            let sql = "SELECT seq, month FROM inbox_read WHERE member = ?";
            let Some(row) = tx.row(sql, vec![member.0.into()]).await? else {
                return Ok(ReadUpTo::default());
            };
            let month = row.u32("month")?;
            Ok(ReadUpTo {
                seq: row.u64("seq")?,
                month: u16::try_from(month).map_err(|error| unreadable("month", error))?,
            })
        };
        reading
            .await
            .map_err(failed("read how far a member has read"))
    }

    /// Notes that a member has read up to there; never less than before.
    pub async fn mark_inbox_read(
        &self,
        member: MemberId,
        up_to: ReadUpTo,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO inbox_read (member, seq, month) VALUES (?, ?, ?) ON CONFLICT (member) DO UPDATE SET \
            seq = CASE WHEN inbox_read.seq < excluded.seq THEN excluded.seq ELSE inbox_read.seq END, \
            month = CASE WHEN inbox_read.month < excluded.month THEN excluded.month ELSE inbox_read.month END";
        let values = vec![
            member.0.into(),
            up_to.seq.into(),
            u32::from(up_to.month).into(),
        ];
        self.write_one(sql, values, "note how far a member has read")
            .await
    }

    /// Takes back what was read of records that the journal has lost: others will have their numbers.
    pub async fn unread_after(&self, head: u64) -> Result<(), StoreError> {
        let sql = "UPDATE inbox_read SET seq = ? WHERE ? < seq";
        let values = vec![head.into(), head.into()];
        self.write_one(sql, values, "take back what was read").await
    }

    /// The connectors that a member allows, and what by each.
    pub async fn allowed_connectors(
        &self,
        member: MemberId,
    ) -> Result<BTreeMap<String, NoticeKinds>, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            let sql = "SELECT connector, kinds FROM notice_choice WHERE member = ?";
            let rows = tx.rows(sql, vec![member.0.into()]).await?;
            let choices = rows.iter();
            choices
                .map(|row| Ok((row.text("connector")?, NoticeKinds(row.u64("kinds")?))))
                .collect::<Result<BTreeMap<_, _>, sqlx::Error>>()
        };
        reading
            .await
            .map_err(failed("read which connectors a member allows"))
    }

    /// Sets what a member allows by a connector: these kinds and no others.
    pub async fn allow_connector(
        &self,
        member: MemberId,
        connector: &str,
        kinds: NoticeKinds,
    ) -> Result<(), StoreError> {
        let writing = async {
            let mut tx = self.writer.write().await?;
            let key = || vec![connector.into(), member.0.into()];
            let sql = "DELETE FROM notice_choice WHERE connector = ? AND member = ?";
            tx.run(sql, key()).await?;
            if kinds != NoticeKinds::NONE {
                let sql = "INSERT INTO notice_choice (connector, member, kinds) VALUES (?, ?, ?)";
                let mut values = key();
                values.push(kinds.0.into());
                tx.run(sql, values).await?;
            }
            tx.commit().await
        };
        writing
            .await
            .map_err(failed("note which connectors a member allows"))
    }

    /// What these members allow by a connector; who is absent allows nothing.
    pub async fn who_allows(
        &self,
        connector: &str,
        members: &BTreeSet<MemberId>,
    ) -> Result<BTreeMap<MemberId, NoticeKinds>, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            let keys: Vec<Value> = members.iter().map(|member| member.0.into()).collect();
            let sql = "SELECT connector, member, kinds FROM notice_choice WHERE member IN ";
            let mut allowing = BTreeMap::new();
            for row in tx.rows_in(sql, &keys).await? {
                if row.text("connector")? == connector {
                    let kinds = NoticeKinds(row.u64("kinds")?);
                    allowing.insert(read::member(&row, "member")?, kinds);
                }
            }
            Ok(allowing)
        };
        reading.await.map_err(failed("find who allows a connector"))
    }

    /// Members who allow anything by a connector, in the order of their numbers, from this one on; at most `limit`.
    pub async fn all_who_allow(
        &self,
        connector: &str,
        from: u32,
        limit: u32,
    ) -> Result<Vec<(MemberId, NoticeKinds)>, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            let sql = "SELECT member, kinds FROM notice_choice WHERE connector = ? AND ? <= member \
                ORDER BY member LIMIT ?";
            let values = vec![connector.into(), from.into(), limit.into()];
            let rows = tx.rows(sql, values).await?;
            let members = rows
                .iter()
                .map(|row| Ok((read::member(row, "member")?, NoticeKinds(row.u64("kinds")?))));
            members.collect::<Result<Vec<_>, sqlx::Error>>()
        };
        reading.await.map_err(failed("list who allows a connector"))
    }

    /// How a connector stands; none where it has never been in use, or was out of use meanwhile.
    pub async fn connector(&self, name: &str) -> Result<Option<ConnectorRow>, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            let sql = "SELECT * FROM connector WHERE name = ?";
            let Some(row) = tx.row(sql, vec![name.into()]).await? else {
                return Ok(None);
            };
            let up_to = |column: &str, text: String| {
                text.parse().map_err(|error| unreadable(column, error))
            };
            let back_to = row.maybe_text("back_to")?;
            Ok(Some(ConnectorRow {
                name: row.text("name")?,
                up_to: up_to("up_to", row.text("up_to")?)?,
                back_to: back_to.map(|text| up_to("back_to", text)).transpose()?,
                under_way: row.u64("under_way")?,
                file_bytes: row.u64("file_bytes")?,
                sent: row.u64("sent")?,
                unknown: row.u64("unknown")?,
                refused: row.u64("refused")?,
                sent_at: read::maybe_millis(&row, "sent_at")?,
            }))
        };
        reading.await.map_err(failed("read how a connector stands"))
    }

    /// Notes how a connector stands.
    pub async fn put_connector(&self, row: &ConnectorRow) -> Result<(), StoreError> {
        let writing = async {
            let mut tx = self.writer.write().await?;
            let sql = "DELETE FROM connector WHERE name = ?";
            tx.run(sql, vec![row.name.as_str().into()]).await?;
            tx.run(
                "INSERT INTO connector (name, up_to, back_to, under_way, file_bytes, sent, unknown, refused, sent_at) \
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                vec![
                    row.name.as_str().into(),
                    row.up_to.to_string().into(),
                    row.back_to.map(|back| back.to_string()).into(),
                    row.under_way.into(),
                    row.file_bytes.into(),
                    row.sent.into(),
                    row.unknown.into(),
                    row.refused.into(),
                    row.sent_at.map(|at| at.0).into(),
                ],
            )
            .await?;
            tx.commit().await
        };
        writing.await.map_err(failed("note how a connector stands"))
    }

    /// Forgets how a connector stood that is in use no more.
    pub async fn forget_connector(&self, name: &str) -> Result<(), StoreError> {
        let sql = "DELETE FROM connector WHERE name = ?";
        self.write_one(sql, vec![name.into()], "forget a connector")
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sets of kinds stand in directories as these numbers.
    #[test]
    fn kinds_keep_their_bits() {
        let some = [
            NoticeKind::ClawedBack,
            NoticeKind::Filled,
            NoticeKind::Vested,
        ];
        let set: NoticeKinds = some.into_iter().collect();
        assert_eq!(set, NoticeKinds(1 | 1 << 6 | 1 << 26));
        let back = [
            NoticeKind::Filled,
            NoticeKind::Vested,
            NoticeKind::ClawedBack,
        ];
        assert!(set.iter().eq(back));
        let all: NoticeKinds = NoticeKind::ALL.into_iter().collect();
        assert_eq!(all.iter().count(), NoticeKind::ALL.len());
    }

    #[test]
    fn how_far_a_connector_has_come_has_one_spelling() {
        let up_to = ToldUpTo {
            seq: 4711,
            event_no: 0,
            member: 17,
            month: 682,
            coins_of: 12,
        };
        assert_eq!(up_to.to_string(), "4711.0.17 682.12");
        assert_eq!(up_to.to_string().parse(), Ok(up_to));
        for bad in [
            "",
            "4711.0.17",
            "4711.0.17.682.12",
            "4711.0.17 0682.12",
            "1.2.3 4.5 ",
        ] {
            assert_eq!(bad.parse::<ToldUpTo>(), Err(BadToldUpTo), "{bad:?}");
        }
    }

    #[test]
    fn of_two_the_later_of_each_part_counts() {
        let one: ToldUpTo = "5.1.9 680.3".parse().unwrap();
        let other: ToldUpTo = "5.2.1 679.9".parse().unwrap();
        assert_eq!(one.or(other).to_string(), "5.2.1 680.3");
        assert_eq!(other.or(one), one.or(other));
    }
}
