//! Notes: where orders were sent, what was refused, and a demonstration's inbox.

use std::collections::BTreeMap;

use domain::{Actor, GatewayId, MemberId, Millis, OperatorId, OrderId};
use sqlx::any::AnyRow;

use super::{Directory, next_id};
use crate::db::{Columns, Table, Tx, Value, Write};
use crate::error::{StoreError, failed};
use crate::page::{Cursor, List, Page};
use crate::query::read;

/// Most bytes kept of a note's text.
pub const MAX_NOTE_BYTES: usize = 400;
/// Messages shown of a demonstration's inbox.
const MAX_INBOX_ROWS: u32 = 20;
const MINUTE_MS: i64 = 60_000;

const REFUSAL: Table = Table {
    name: "refusal",
    columns: &["id", "at", "kind", "subject", "code", "detail", "times"],
    write: Write::Insert,
};

/// How an order travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shipping {
    /// Who carries it.
    pub carrier: String,
    /// By which number.
    pub number: String,
    /// Since when.
    pub at: Millis,
}

/// Something that was refused, for the audit table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusalNote {
    /// When.
    pub at: Millis,
    /// Who asked; none if nobody was signed in.
    pub who: Option<Actor>,
    /// The refusal's stable code.
    pub code: String,
    /// What it said; cut to [`MAX_NOTE_BYTES`].
    pub detail: String,
    /// How often; the rest is of the last time.
    pub times: u64,
}

/// Which refusals.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RefusalFilter {
    /// Of this code alone.
    pub code: Option<String>,
    /// To this one alone; `Some(None)`: where nobody was signed in.
    pub who: Option<Option<Actor>>,
}

/// A message in a demonstration's inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoMessage {
    /// To whom.
    pub phone: String,
    /// The sign-in code.
    pub code: String,
    /// When.
    pub at: Millis,
}

impl Directory {
    /// Notes how an order travels; a correction takes the place of what was there.
    pub async fn put_shipping(
        &self,
        order: OrderId,
        member: MemberId,
        shipping: &Shipping,
    ) -> Result<(), StoreError> {
        let values = vec![
            order.0.into(),
            member.0.into(),
            cut(&shipping.carrier).into(),
            cut(&shipping.number).into(),
            shipping.at.0.into(),
        ];
        self.note(
            "INSERT INTO shipping (order_id, member, carrier, number, at) VALUES (?, ?, ?, ?, ?) \
             ON CONFLICT (order_id) DO UPDATE SET carrier = excluded.carrier, number = excluded.number, \
             at = excluded.at",
            values,
        )
        .await
    }

    /// How these orders travel; those without a note are left out.
    pub async fn shippings(
        &self,
        orders: &[OrderId],
    ) -> Result<BTreeMap<OrderId, Shipping>, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            let keys: Vec<Value> = orders.iter().map(|order| order.0.into()).collect();
            let select = "SELECT order_id, carrier, number, at FROM shipping WHERE order_id IN ";
            let mut found = BTreeMap::new();
            for row in tx.rows_in(select, &keys).await? {
                let shipping = Shipping {
                    carrier: row.text("carrier")?,
                    number: row.text("number")?,
                    at: read::millis(&row, "at")?,
                };
                found.insert(OrderId(row.u64("order_id")?), shipping);
            }
            Ok(found)
        };
        reading.await.map_err(failed("look up how orders travel"))
    }

    /// Notes refusals, many at a time: they are worth one write a second, not one each. Of `crowds` there is one row for each rule,
    /// caller and minute, which counts.
    pub async fn note_refusals(
        &self,
        notes: &[RefusalNote],
        crowds: &[RefusalNote],
    ) -> Result<(), StoreError> {
        let writing = async {
            let mut tx = self.writer.write().await?;
            let after = insert_refusals(&mut tx, notes).await?;
            for (id, note) in (after..).zip(crowds) {
                let sql = "INSERT INTO refusal (id, at, kind, subject, code, detail, times, crowd) VALUES (?, ?, ?, ?, ?, ?, ?, ?) \
                    ON CONFLICT (crowd) DO UPDATE SET at = excluded.at, detail = excluded.detail, \
                    times = refusal.times + excluded.times";
                let (kind, subject) = columns_of(note.who);
                let minute = note.at.0 / MINUTE_MS;
                let crowd = format!("{kind} {subject:?} {} {minute}", note.code);
                let mut values = refusal_values(id, note);
                values.push(crowd.into());
                tx.run(sql, values).await?;
            }
            tx.commit().await
        };
        writing.await.map_err(failed("note what was refused"))
    }

    /// Notes payments that went back, and that all up to this record of the journal are noted, in one.
    pub async fn note_went_back(
        &self,
        notes: &[RefusalNote],
        up_to: u64,
    ) -> Result<(), StoreError> {
        let writing = async {
            let mut tx = self.writer.write().await?;
            insert_refusals(&mut tx, notes).await?;
            let sql = "INSERT INTO noted_up_to (name, seq) VALUES ('payments', ?) \
                ON CONFLICT (name) DO UPDATE SET seq = excluded.seq";
            tx.run(sql, vec![up_to.into()]).await?;
            tx.commit().await
        };
        writing
            .await
            .map_err(failed("note payments that went back"))
    }

    /// Up to which record of the journal payments that went back are noted; none if nobody has said so yet.
    pub async fn went_back_noted(&self) -> Result<Option<u64>, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            let sql = "SELECT seq FROM noted_up_to WHERE name = 'payments'";
            let row = tx.row(sql, Vec::new()).await?;
            row.map(|row| row.u64("seq")).transpose()
        };
        reading.await.map_err(failed("read what is noted"))
    }

    /// What was refused, newest first.
    pub async fn refusals(
        &self,
        filter: &RefusalFilter,
        page: Page,
    ) -> Result<List<RefusalNote>, StoreError> {
        let (mut conditions, mut values) = (String::new(), vec![page.before().0.into()]);
        if let Some(code) = &filter.code {
            conditions.push_str(" AND code = ?");
            values.push(code.as_str().into());
        }
        if let Some(who) = filter.who {
            let (kind, subject) = columns_of(who);
            conditions.push_str(" AND kind = ?");
            values.push(kind.into());
            if let Some(subject) = subject {
                conditions.push_str(" AND subject = ?");
                values.push(subject.into());
            }
        }
        values.push(page.fetch().into());
        let reading = async {
            let mut tx = self.readers.read().await?;
            let sql = format!(
                "SELECT id, at, kind, subject, code, detail, times FROM refusal WHERE id < ?{conditions} ORDER BY id DESC LIMIT ?"
            );
            let rows = tx.rows(sql, values).await?;
            let items = rows
                .iter()
                .map(|row| Ok((row.int("id")?, read_refusal(row)?)))
                .collect::<Result<Vec<_>, sqlx::Error>>()?;
            let list = List::of(items, page, |(id, _)| Cursor(*id, 0));
            let items = list.items.into_iter().map(|(_, note)| note).collect();
            Ok(List {
                items,
                next: list.next,
            })
        };
        reading.await.map_err(failed("list what was refused"))
    }

    /// Puts a sign-in code into a demonstration's inbox.
    pub async fn put_demo_message(&self, message: &DemoMessage) -> Result<(), StoreError> {
        let writing = async {
            let mut tx = self.writer.write().await?;
            let sql = "SELECT CAST(COALESCE(MAX(id), 0) + 1 AS BIGINT) AS next FROM demo_inbox";
            let id = next_id(&mut tx, sql).await?;
            tx.run(
                "INSERT INTO demo_inbox (id, phone, code, at) VALUES (?, ?, ?, ?)",
                vec![
                    id.into(),
                    message.phone.as_str().into(),
                    message.code.as_str().into(),
                    message.at.0.into(),
                ],
            )
            .await?;
            tx.commit().await
        };
        writing
            .await
            .map_err(failed("put a message into the demonstration's inbox"))
    }

    /// A phone's newest messages in a demonstration's inbox, newest first.
    pub async fn demo_inbox(&self, phone: &str) -> Result<Vec<DemoMessage>, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            let sql =
                "SELECT phone, code, at FROM demo_inbox WHERE phone = ? ORDER BY id DESC LIMIT ?";
            let rows = tx
                .rows(sql, vec![phone.into(), MAX_INBOX_ROWS.into()])
                .await?;
            rows.iter()
                .map(|row| {
                    Ok(DemoMessage {
                        phone: row.text("phone")?,
                        code: row.text("code")?,
                        at: read::millis(row, "at")?,
                    })
                })
                .collect::<Result<_, sqlx::Error>>()
        };
        reading
            .await
            .map_err(failed("read the demonstration's inbox"))
    }

    pub(super) async fn note(
        &self,
        sql: &'static str,
        values: Vec<Value>,
    ) -> Result<(), StoreError> {
        self.write_one(sql, values, "write a note into the directory")
            .await
    }
}

/// Inserts rows; answers the number of the next.
async fn insert_refusals(tx: &mut Tx, notes: &[RefusalNote]) -> Result<i64, sqlx::Error> {
    let sql = "SELECT CAST(COALESCE(MAX(id), 0) + 1 AS BIGINT) AS next FROM refusal";
    let mut next = next_id(tx, sql).await?;
    let mut values: Vec<Value> = Vec::new();
    for note in notes {
        values.extend(refusal_values(next, note));
        next = next.saturating_add(1);
    }
    tx.write_rows(&REFUSAL, values).await?;
    Ok(next)
}

/// A row of [`REFUSAL`].
fn refusal_values(id: i64, note: &RefusalNote) -> Vec<Value> {
    let (kind, subject) = columns_of(note.who);
    vec![
        id.into(),
        note.at.0.into(),
        kind.into(),
        subject.into(),
        cut(&note.code).into(),
        cut(&note.detail).into(),
        note.times.into(),
    ]
}

/// The longest beginning of at most [`MAX_NOTE_BYTES`] that ends between two characters.
fn cut(text: &str) -> &str {
    let end = (0..=MAX_NOTE_BYTES)
        .rev()
        .find(|end| text.is_char_boundary(*end))
        .unwrap_or(0);
    if text.len() <= MAX_NOTE_BYTES {
        text
    } else {
        text.get(..end).unwrap_or_default()
    }
}

pub(super) fn columns_of(who: Option<Actor>) -> (&'static str, Option<u32>) {
    match who {
        None => ("nobody", None),
        Some(Actor::System) => ("system", None),
        Some(Actor::Member(member)) => ("member", Some(member.0)),
        Some(Actor::Operator(operator)) => ("operator", Some(operator.0)),
        Some(Actor::Gateway(gateway)) => ("gateway", Some(gateway.0)),
    }
}

fn read_refusal(row: &AnyRow) -> Result<RefusalNote, sqlx::Error> {
    let subject = row.maybe_u32("subject")?;
    let who = match (row.text("kind")?.as_str(), subject) {
        ("system", _) => Some(Actor::System),
        ("member", Some(id)) => Some(Actor::Member(MemberId(id))),
        ("operator", Some(id)) => Some(Actor::Operator(OperatorId(id))),
        ("gateway", Some(id)) => Some(Actor::Gateway(GatewayId(id))),
        (_, Some(_) | None) => None,
    };
    Ok(RefusalNote {
        at: read::millis(row, "at")?,
        who,
        code: row.text("code")?,
        detail: row.text("detail")?,
        times: row.u64("times")?,
    })
}
