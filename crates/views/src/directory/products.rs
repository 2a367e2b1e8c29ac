//! What products are called, look like and say. What they cost and how many there are stands in the journal.
//!
//! Why pictures are named by the hash of their bytes: the same picture is kept once, and what a name shows never changes, so
//! browsers keep it.

use domain::{Millis, Text};
use sqlx::any::AnyRow;

use super::{Directory, next_id};
use crate::db::{Columns, unreadable};
use crate::error::{StoreError, failed};
use crate::page::{Cursor, List, Page};

/// Most bytes of a picture.
pub const MAX_PICTURE_BYTES: usize = 512 * 1024;
/// Most pictures of the whole shop.
pub const MAX_PICTURES: u64 = 2_000;
/// Most pictures of one product.
pub const MAX_PRODUCT_PICTURES: usize = 8;
/// Most categories.
pub const MAX_CATEGORIES: u64 = 200;

/// A group of products.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Category {
    /// Its number.
    pub id: u32,
    /// What it is called.
    pub name: Text,
}

/// A product: what is common to the things that are sold as it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductRow {
    /// Its number.
    pub id: u32,
    /// Random; what the journal knows of it.
    pub token: [u8; 16],
    /// Among which products it is shown.
    pub category: Option<u32>,
    /// What it is called.
    pub title: Text,
    /// What it is.
    pub text: Text,
    /// Its pictures, by their hashes.
    pub pictures: Vec<[u8; 32]>,
    /// When any of this was changed.
    pub changed_at: Millis,
}

/// What a picture is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureKind {
    /// `image/png`.
    Png,
    /// `image/jpeg`.
    Jpeg,
    /// `image/webp`.
    Webp,
}

impl PictureKind {
    /// What bytes are, by how they begin; none if they are no picture that browsers show safely.
    pub fn of(bytes: &[u8]) -> Option<PictureKind> {
        let webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
        if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            Some(PictureKind::Png)
        } else if bytes.starts_with(b"\xff\xd8\xff") {
            Some(PictureKind::Jpeg)
        } else {
            webp.then_some(PictureKind::Webp)
        }
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            PictureKind::Png => "image/png",
            PictureKind::Jpeg => "image/jpeg",
            PictureKind::Webp => "image/webp",
        }
    }
}

const SELECT: &str = "SELECT id, token, category, title_zh, title_en, text_zh, text_en, pictures, changed_at \
    FROM product";

impl Directory {
    /// Adds a category; none if there are as many as there may be.
    pub async fn add_category(&self, name: &Text) -> Result<Option<u32>, StoreError> {
        let writing = async {
            let mut tx = self.writer.write().await?;
            let sql = "SELECT CAST(COALESCE(MAX(id), 0) + 1 AS BIGINT) AS next FROM category";
            let id = next_id(&mut tx, sql).await?;
            let number = u32::try_from(id).ok();
            let Some(number) = number.filter(|&number| u64::from(number) <= MAX_CATEGORIES) else {
                return Ok(None);
            };
            tx.run(
                "INSERT INTO category (id, name_zh, name_en) VALUES (?, ?, ?)",
                vec![id.into(), name.zh.as_str().into(), name.en.as_str().into()],
            )
            .await?;
            tx.commit().await?;
            Ok(Some(number))
        };
        writing.await.map_err(failed("add a category"))
    }

    /// All categories, in the order in which they were added.
    pub async fn categories(&self) -> Result<Vec<Category>, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            let sql = "SELECT id, name_zh, name_en FROM category ORDER BY id";
            let mut found = Vec::new();
            for row in &tx.rows(sql, Vec::new()).await? {
                found.push(Category {
                    id: row.u32("id")?,
                    name: text(row, "name_zh", "name_en")?,
                });
            }
            Ok(found)
        };
        reading.await.map_err(failed("list the categories"))
    }

    /// Adds a product, or changes the one with this token; gives its number. Whatever number the row has is not looked at.
    pub async fn put_product(&self, product: &ProductRow) -> Result<u32, StoreError> {
        let writing = async {
            let mut tx = self.writer.write().await?;
            let key = vec![product.token.as_slice().into()];
            let known = tx
                .row("SELECT id FROM product WHERE token = ?", key)
                .await?;
            let id = match known {
                Some(row) => row.int("id")?,
                None => {
                    let sql =
                        "SELECT CAST(COALESCE(MAX(id), 0) + 1 AS BIGINT) AS next FROM product";
                    next_id(&mut tx, sql).await?
                }
            };
            let pictures: Vec<String> = product
                .pictures
                .iter()
                .map(|hash| draw::to_hex(hash))
                .collect();
            tx.run(
                "INSERT INTO product (id, token, category, title_zh, title_en, text_zh, text_en, pictures, changed_at) \
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET category = excluded.category, \
                 title_zh = excluded.title_zh, title_en = excluded.title_en, text_zh = excluded.text_zh, \
                 text_en = excluded.text_en, pictures = excluded.pictures, changed_at = excluded.changed_at",
                vec![
                    id.into(),
                    product.token.as_slice().into(),
                    product.category.into(),
                    product.title.zh.as_str().into(),
                    product.title.en.as_str().into(),
                    product.text.zh.as_str().into(),
                    product.text.en.as_str().into(),
                    pictures.join(",").into(),
                    product.changed_at.0.into(),
                ],
            )
            .await?;
            tx.commit().await?;
            Ok(u32::try_from(id).unwrap_or(u32::MAX))
        };
        writing.await.map_err(failed("write a product"))
    }

    /// One product.
    pub async fn product(&self, id: u32) -> Result<Option<ProductRow>, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            let row = tx
                .row(format!("{SELECT} WHERE id = ?"), vec![id.into()])
                .await?;
            row.as_ref().map(product).transpose()
        };
        reading.await.map_err(failed("read a product"))
    }

    /// Products, newest first; of one category where that is given.
    pub async fn products(
        &self,
        category: Option<u32>,
        page: Page,
    ) -> Result<List<ProductRow>, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            let mut sql = format!("{SELECT} WHERE id < ?");
            let mut values = vec![page.before().0.into()];
            if let Some(category) = category {
                sql.push_str(" AND category = ?");
                values.push(category.into());
            }
            sql.push_str(" ORDER BY id DESC LIMIT ?");
            values.push(page.fetch().into());
            let rows = tx.rows(sql, values).await?;
            let items = rows.iter().map(product).collect::<Result<Vec<_>, _>>()?;
            let place = |row: &ProductRow| Cursor(i64::from(row.id), 0);
            Ok(List::of(items, page, place))
        };
        reading.await.map_err(failed("list the products"))
    }

    /// Keeps a picture under the hash of its bytes; false if there are as many as there may be. The same again changes
    /// nothing.
    pub async fn put_picture(
        &self,
        hash: &[u8; 32],
        (kind, bytes): (PictureKind, &[u8]),
        at: Millis,
    ) -> Result<bool, StoreError> {
        let writing = async {
            let mut tx = self.writer.write().await?;
            let sql = "SELECT CAST(COUNT(*) AS BIGINT) AS pictures, \
                CAST(COALESCE(SUM(CASE WHEN hash = ? THEN 1 ELSE 0 END), 0) AS BIGINT) AS same FROM picture";
            let row = tx.row(sql, vec![hash.as_slice().into()]).await?;
            let row = row.ok_or(sqlx::Error::RowNotFound)?;
            if 0 < row.u64("same")? {
                return Ok(true);
            }
            if MAX_PICTURES <= row.u64("pictures")? {
                return Ok(false);
            }
            tx.run(
                "INSERT INTO picture (hash, kind, bytes, at) VALUES (?, ?, ?, ?)",
                vec![
                    hash.as_slice().into(),
                    kind.media_type().into(),
                    bytes.into(),
                    at.0.into(),
                ],
            )
            .await?;
            tx.commit().await?;
            Ok(true)
        };
        writing.await.map_err(failed("keep a picture"))
    }

    /// A picture's bytes.
    pub async fn picture(&self, hash: &[u8; 32]) -> Result<Option<Vec<u8>>, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            let key = vec![hash.as_slice().into()];
            let row = tx
                .row("SELECT bytes FROM picture WHERE hash = ?", key)
                .await?;
            row.map(|row| row.blob("bytes")).transpose()
        };
        reading.await.map_err(failed("read a picture"))
    }

    /// How many of these pictures there are.
    pub async fn known_pictures(&self, hashes: &[[u8; 32]]) -> Result<usize, StoreError> {
        let reading = async {
            let mut tx = self.readers.read().await?;
            let keys: Vec<_> = hashes.iter().map(|hash| hash.as_slice().into()).collect();
            let rows = tx
                .rows_in("SELECT hash FROM picture WHERE hash IN ", &keys)
                .await?;
            Ok(rows.len())
        };
        reading.await.map_err(failed("look pictures up"))
    }
}

fn text(row: &AnyRow, zh: &str, en: &str) -> Result<Text, sqlx::Error> {
    Ok(Text {
        zh: row.text(zh)?,
        en: row.text(en)?,
    })
}

fn product(row: &AnyRow) -> Result<ProductRow, sqlx::Error> {
    let pictures = row.text("pictures")?;
    let pictures = pictures.split(',').filter(|hash| !hash.is_empty());
    let pictures = pictures.map(|hash| hash.parse().map(|hash: draw::Hash| hash.0));
    let pictures = pictures.collect::<Result<Vec<_>, _>>();
    Ok(ProductRow {
        id: row.u32("id")?,
        token: row.bytes("token")?,
        category: row.maybe_u32("category")?,
        title: text(row, "title_zh", "title_en")?,
        text: text(row, "text_zh", "text_en")?,
        pictures: pictures.map_err(|error| unreadable("pictures", error))?,
        changed_at: crate::query::read::millis(row, "changed_at")?,
    })
}
