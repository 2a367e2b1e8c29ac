//! Where things are sent, and how they travel. These are personal data: the journal has none of it.
//!
//! Why every row names the member, too: when a journal's end is lost, numbers are given a second time, and what was noted
//! under the first is another person's. A member's own address stands in his row and goes with it.

use std::collections::BTreeMap;

use domain::{MemberId, Millis, OrderId, PurchaseId, Region};
use sqlx::any::AnyRow;

use super::{Directory, Shipping};
use crate::db::{Columns, Value, unreadable};
use crate::error::{StoreError, failed};
use crate::query::read;

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Parcel {
    /// A winner's order.
    Order(OrderId),
    /// A direct purchase.
    Purchase(PurchaseId),
}

impl Parcel {
    pub(super) fn columns(self) -> [Value; 2] {
        match self {
            Parcel::Order(order) => ["order".into(), order.0.into()],
            Parcel::Purchase(purchase) => ["purchase".into(), purchase.0.into()],
        }
    }
}

/// Where it is sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Delivery {
    /// To whom.
    pub name: String,
    /// How the carrier reaches him.
    pub phone: String,
    /// In which county.
    pub region: Region,
    /// Street and number.
    pub address: String,
    /// When the member said so.
    pub at: Millis,
}

/// Logs must not hold what identifies a person.
impl std::fmt::Debug for Delivery {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Delivery")
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

impl Directory {
    /// Notes where something is sent, in place of what was there.
    pub async fn put_delivery(
        &self,
        parcel: Parcel,
        member: MemberId,
        delivery: &Delivery,
    ) -> Result<(), StoreError> {
        self.note(
            "INSERT INTO delivery (kind, id, member, name, phone, region, address, at) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (kind, id, member) DO UPDATE SET \
             name = excluded.name, phone = excluded.phone, region = excluded.region, \
             address = excluded.address, at = excluded.at",
            values(parcel, member, delivery),
        )
        .await
    }

    /// Notes that something was sent there, unless it is noted where it was sent.
    pub async fn keep_delivery(
        &self,
        parcel: Parcel,
        member: MemberId,
        delivery: &Delivery,
    ) -> Result<(), StoreError> {
        self.note(
            "INSERT INTO delivery (kind, id, member, name, phone, region, address, at) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (kind, id, member) DO NOTHING",
            values(parcel, member, delivery),
        )
        .await
    }

    /// Notes where a member has things sent of which nothing else is said, in place of what was there.
    pub async fn put_own_delivery(
        &self,
        member: MemberId,
        delivery: &Delivery,
    ) -> Result<(), StoreError> {
        let values = vec![
            delivery.name.as_str().into(),
            delivery.phone.as_str().into(),
            delivery.region.to_string().as_str().into(),
            delivery.address.as_str().into(),
            delivery.at.0.into(),
            member.0.into(),
        ];
        self.note(
            "UPDATE person SET delivery_name = ?, delivery_phone = ?, delivery_region = ?, \
             delivery_address = ?, delivery_at = ? WHERE member = ?",
            values,
        )
        .await
    }

    /// Forgets where a member has things sent.
    pub async fn remove_own_delivery(&self, member: MemberId) -> Result<(), StoreError> {
        self.note(
            "UPDATE person SET delivery_name = NULL, delivery_phone = NULL, delivery_region = NULL, \
             delivery_address = NULL, delivery_at = NULL WHERE member = ?",
            vec![member.0.into()],
        )
        .await
    }

    /// Where a member has things sent of which nothing else is said.
    pub async fn own_delivery(&self, member: MemberId) -> Result<Option<Delivery>, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            let sql = "SELECT delivery_name AS name, delivery_phone AS phone, \
                delivery_region AS region, delivery_address AS address, delivery_at AS at \
                FROM person WHERE member = ? AND delivery_at IS NOT NULL";
            let row = tx.row(sql, vec![member.0.into()]).await?;
            row.as_ref().map(delivery).transpose()
        };
        reading
            .await
            .map_err(failed("look up a member's own delivery address"))
    }

    /// Where something of this member's is sent.
    pub async fn delivery(
        &self,
        parcel: Parcel,
        member: MemberId,
    ) -> Result<Option<Delivery>, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            let [kind, id] = parcel.columns();
            let sql = "SELECT name, phone, region, address, at FROM delivery \
                WHERE kind = ? AND id = ? AND member = ?";
            let row = tx.row(sql, vec![kind, id, member.0.into()]).await?;
            row.as_ref().map(delivery).transpose()
        };
        reading
            .await
            .map_err(failed("look up where something is sent"))
    }

    /// Notes how a purchase travels; a correction takes the place of what was there.
    pub async fn put_purchase_shipping(
        &self,
        purchase: PurchaseId,
        member: MemberId,
        shipping: &Shipping,
    ) -> Result<(), StoreError> {
        let values = vec![
            purchase.0.into(),
            member.0.into(),
            shipping.carrier.as_str().into(),
            shipping.number.as_str().into(),
            shipping.at.0.into(),
        ];
        self.note(
            "INSERT INTO purchase_shipment (purchase, member, carrier, number, at) VALUES (?, ?, ?, ?, ?) \
             ON CONFLICT (purchase, member) DO UPDATE SET carrier = excluded.carrier, \
             number = excluded.number, at = excluded.at",
            values,
        )
        .await
    }

    /// How these purchases travel; those without a note are left out.
    pub async fn purchase_shippings(
        &self,
        purchases: &[(PurchaseId, MemberId)],
    ) -> Result<BTreeMap<PurchaseId, Shipping>, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            let keys: Vec<Value> = purchases.iter().map(|(id, _)| id.0.into()).collect();
            let select = "SELECT purchase, member, carrier, number, at FROM purchase_shipment \
                WHERE purchase IN ";
            let mut found = BTreeMap::new();
            for row in tx.rows_in(select, &keys).await? {
                let id = PurchaseId(row.u64("purchase")?);
                if !purchases.contains(&(id, read::member(&row, "member")?)) {
                    continue;
                }
                let shipping = Shipping {
                    carrier: row.text("carrier")?,
                    number: row.text("number")?,
                    at: read::millis(&row, "at")?,
                };
                found.insert(id, shipping);
            }
            Ok(found)
        };
        reading
            .await
            .map_err(failed("look up how purchases travel"))
    }
}

fn values(parcel: Parcel, member: MemberId, delivery: &Delivery) -> Vec<Value> {
    let [kind, id] = parcel.columns();
    vec![
        kind,
        id,
        member.0.into(),
        delivery.name.as_str().into(),
        delivery.phone.as_str().into(),
        delivery.region.to_string().as_str().into(),
        delivery.address.as_str().into(),
        delivery.at.0.into(),
    ]
}

fn delivery(row: &AnyRow) -> Result<Delivery, sqlx::Error> {
    let region = row.text("region")?;
    Ok(Delivery {
        name: row.text("name")?,
        phone: row.text("phone")?,
        region: region
            .parse()
            .map_err(|error: domain::BadRegion| unreadable("region", error))?,
        address: row.text("address")?,
        at: read::millis(row, "at")?,
    })
}
