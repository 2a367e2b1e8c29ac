//! Products and their pictures, for everybody; and how operators keep them and the stock (rules 10.6).

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use domain::{
    Answer, CampaignId, ChannelTerms, Coins, Command, FetchTerms, Fulfilment, GiftUnit, GiftVip,
    IdempotencyKey, Money, OperatorId, PackageTerms, RATE_ONE_PPM, Rate, Refusal, ShopCommand,
    SkuId, SkuTerms, SkuView, StoreId, Text, VOUCHER_DAYS, percent,
};
use serde::Deserialize;
use utoipa::IntoParams;
use views::{Category, MAX_PRODUCT_PICTURES, PictureKind, ProductRow};

use super::approvals::key_from;
use super::standing::{decide, decide_about, note_beside, reason_or};
use crate::app::{App, Shared, store_problem};
use crate::auth::{Address, AsOperator};
use crate::http::{
    InPath, Page, Params, PictureName, Problem, ProductNumber, Result, Segment, Upload, Write,
    decimal, items, page_of,
};
use crate::once::{Answered, Holds, once};
use crate::wire::{
    Categories, CategoryCard, CategoryWanted, Done, GiftUnitBody, GiftVipBody, List, PackageBody,
    PictureKept, PictureWhy, ProductKept, ProductWanted, Reasoned, ReturnedLine, ReturnedUnits,
    ReturnsWanted, ShopProduct, SkuCard, SkuLine, SkuListed, SkuWanted, StockWanted, Words,
};

/// Most bytes of a product's text in one language.
const MOST_TEXT_BYTES: usize = 4_000;
/// Most characters of a category's name.
const MOST_NAME_CHARS: usize = 64;
/// θ where nothing is said (rules 10.2).
const DEFAULT_OFFSET: Rate = Rate(RATE_ONE_PPM / 10);
/// What a picture's name shows never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// All groups of products.
#[utoipa::path(get, path = "/shop/categories", tag = "shop", responses((status = 200, description = "Categories", body = Categories)))]
pub(crate) async fn categories(State(app): Shared, _: Address) -> Result<Json<Categories>> {
    let found = app.people.directory().categories().await;
    let card = |category: &Category| CategoryCard {
        id: category.id.to_string(),
        name: Words::from(&category.name),
    };
    let items = found.map_err(store_problem)?.iter().map(card).collect();
    Ok(Json(Categories { items }))
}

/// Which products.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ProductsQuery {
    /// Only those of this category.
    category: Option<String>,
    /// Most items, 1 to 100; 20 without it.
    limit: Option<u32>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Products with what is sold of them, newest first.
#[utoipa::path(get, path = "/shop/products", tag = "shop", params(ProductsQuery), responses((status = 200, description = "Products", body = List<ShopProduct>)))]
pub(crate) async fn products(
    State(app): Shared,
    _: Address,
    Params(query): Params<ProductsQuery>,
) -> Result<Json<List<ShopProduct>>> {
    let wrong = || Problem::bad_request("query_invalid", "category is a number");
    let category = query.category.as_deref();
    let category = category.map(|text| decimal(text).ok_or_else(wrong));
    let page = page_of(items(query.limit)?, query.cursor.as_deref())?;
    let directory = app.people.directory();
    let found = directory.products(category.transpose()?, page).await;
    let found = found.map_err(store_problem)?;
    let tokens: Vec<[u8; 16]> = found.items.iter().map(|row| row.token).collect();
    let skus = app.query(move |world| {
        let skus = tokens.iter().map(|token| world.skus_of(token));
        skus.collect::<Vec<_>>()
    });
    let rows = found.items.iter().zip(skus.await?);
    Ok(Json(List {
        items: rows.map(|(row, skus)| product_card(row, &skus)).collect(),
        next: found.next.map(|next| next.to_string()),
    }))
}

/// One product.
#[utoipa::path(get, path = "/shop/products/{id}", tag = "shop", params(("id" = String, Path)), responses((status = 200, description = "The product", body = ShopProduct)))]
pub(crate) async fn product(
    State(app): Shared,
    _: Address,
    Segment(id): Segment<ProductNumber>,
) -> Result<Json<ShopProduct>> {
    let row = product_of(&app, id).await?;
    let token = row.token;
    let skus = app.query(move |world| world.skus_of(&token)).await?;
    Ok(Json(product_card(&row, &skus)))
}

/// A picture. What a name shows never changes.
#[utoipa::path(get, path = "/shop/pictures/{hash}", tag = "shop", params(("hash" = String, Path)), responses((status = 200, description = "The picture", content_type = "image/*", body = Vec<u8>)))]
pub(crate) async fn picture(
    State(app): Shared,
    _: Address,
    Segment(name): Segment<PictureName>,
) -> Result<impl IntoResponse> {
    let found = app.people.directory().picture(&name.0).await;
    let bytes = found.map_err(store_problem)?;
    let kind = bytes.as_deref().and_then(PictureKind::of);
    let unknown = || Problem::not_found("picture_unknown", "there is no such picture");
    let (bytes, kind) = bytes.zip(kind).ok_or_else(unknown)?;
    let headers = [
        (header::CONTENT_TYPE, kind.media_type()),
        (header::CACHE_CONTROL, FOR_EVER),
    ];
    Ok((headers, bytes))
}

/// Adds a category.
#[utoipa::path(post, path = "/console/categories", tag = "console", request_body = CategoryWanted, responses((status = 200, description = "Added", body = CategoryCard)))]
pub(crate) async fn add_category(
    State(app): Shared,
    operator: AsOperator,
    write: Write<CategoryWanted>,
) -> Result<Answered> {
    let doing = category_added(&app, (operator.id, write.key), write.body);
    let who = (operator.actor(), write.key);
    once(&app, who, Holds::NoSecret, doing).await
}

async fn category_added(
    app: &App,
    by: (OperatorId, IdempotencyKey),
    wanted: CategoryWanted,
) -> Result<(StatusCode, CategoryCard)> {
    let (name, reason) = (wanted.name.text(), reason_or(wanted.reason, "added")?);
    for (field, text) in [("name.zh", &name.zh), ("name.en", &name.en)] {
        check_text(field, text, MOST_NAME_CHARS * 4)?;
        if text.trim().is_empty() || MOST_NAME_CHARS < text.chars().count() {
            return Err(wrong_text(field, "has 1 to 64 characters"));
        }
    }
    let directory = app.people.directory();
    let known = directory.categories().await.map_err(store_problem)?;
    let same = known.into_iter().find(|category| category.name == name);
    let full = || Problem::conflict("categories_full", "there are as many categories as can be");
    let id = match same {
        Some(category) => category.id,
        None => {
            let added = directory.add_category(&name).await.map_err(store_problem)?;
            let id = added.ok_or_else(full)?;
            note_beside(app, by, ("add-category", id, reason)).await?;
            id
        }
    };
    let card = CategoryCard {
        id: id.to_string(),
        name: Words::from(&name),
    };
    Ok((StatusCode::OK, card))
}

/// Takes a picture in: PNG, JPEG or WebP of at most 512 KiB, as it is. The list of decisions has it by the first eight digits of its
/// name, as a number.
#[utoipa::path(post, path = "/console/pictures", tag = "console", params(PictureWhy), request_body(content = Vec<u8>, content_type = "image/*"), responses((status = 200, description = "Kept", body = PictureKept)))]
pub(crate) async fn add_picture(
    State(app): Shared,
    operator: AsOperator,
    Params(why): Params<PictureWhy>,
    Upload(bytes): Upload,
) -> Result<Json<PictureKept>> {
    let reason = reason_or(why.reason, "taken in")?;
    let not_one = || {
        Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "picture_invalid",
            "a picture is PNG, JPEG or WebP",
        )
    };
    let kind = PictureKind::of(&bytes).ok_or_else(not_one)?;
    let hash = draw::hash(&bytes);
    let now = app.config.clock.now();
    let directory = app.people.directory();
    let known = directory.picture(&hash.0).await.map_err(store_problem)?;
    let keeping = directory.put_picture(&hash.0, (kind, &bytes), now);
    if !keeping.await.map_err(store_problem)? {
        let detail = "there are as many pictures as can be";
        return Err(Problem::conflict("pictures_full", detail));
    }
    if known.is_none() {
        let [a, b, c, d, ..] = hash.0;
        let subject = u32::from_be_bytes([a, b, c, d]);
        let key = key_from(b"\0picture", &hash.0);
        note_beside(&app, (operator.id, key), ("add-picture", subject, reason)).await?;
    }
    Ok(Json(PictureKept {
        hash: hash.to_string(),
    }))
}

/// Adds a product. Nothing of it is for sale yet.
#[utoipa::path(post, path = "/console/products", tag = "console", request_body = ProductWanted, responses((status = 200, description = "Added", body = ProductKept)))]
pub(crate) async fn add_product(
    State(app): Shared,
    operator: AsOperator,
    write: Write<ProductWanted>,
) -> Result<Answered> {
    let token = request_of(&operator, &write.key);
    let by = (operator.id, write.key);
    let doing = product_kept(&app, by, ("add-product", token), write.body);
    let who = (operator.actor(), write.key);
    once(&app, who, Holds::NoSecret, doing).await
}

/// Changes what a product is called, looks like and says.
#[utoipa::path(post, path = "/console/products/{id}", tag = "console", params(("id" = String, Path)), request_body = ProductWanted, responses((status = 200, description = "Changed", body = ProductKept)))]
pub(crate) async fn change_product(
    State(app): Shared,
    operator: AsOperator,
    Segment(id): Segment<ProductNumber>,
    write: Write<ProductWanted>,
) -> Result<Answered> {
    let known = product_of(&app, id).await?;
    let by = (operator.id, write.key);
    let doing = product_kept(&app, by, ("change-product", known.token), write.body);
    let who = (operator.actor(), write.key);
    once(&app, who, Holds::NoSecret, doing).await
}

async fn product_kept(
    app: &App,
    by: (OperatorId, IdempotencyKey),
    (what, token): (&'static str, [u8; 16]),
    mut wanted: ProductWanted,
) -> Result<(StatusCode, ProductKept)> {
    let reason = reason_or(wanted.reason.take(), "texts and pictures")?;
    let row = product_row(app, token, wanted).await?;
    let id = app.people.directory().put_product(&row).await;
    let id = id.map_err(store_problem)?;
    note_beside(app, by, (what, id, reason)).await?;
    Ok((StatusCode::OK, ProductKept { id: id.to_string() }))
}

/// Lists a thing of a product for sale, without stock.
#[utoipa::path(post, path = "/console/products/{id}/skus", tag = "console", params(("id" = String, Path)), request_body = SkuWanted, responses((status = 200, description = "Listed", body = SkuListed)))]
pub(crate) async fn list_sku(
    State(app): Shared,
    operator: AsOperator,
    Segment(id): Segment<ProductNumber>,
    write: Write<SkuWanted>,
) -> Result<Json<SkuListed>> {
    let product = product_of(&app, id).await?.token;
    let mut wanted = write.body;
    let reason = wanted.reason.take().unwrap_or_default();
    let command = Command::Shop(ShopCommand::ListSku {
        token: request_of(&operator, &write.key),
        product,
        terms: Box::new(terms_of(wanted)?),
    });
    let number = |answer: &Answer| {
        if let Answer::Sku(sku) = answer {
            sku.0
        } else {
            0
        }
    };
    let why = ("list-sku", reason);
    let reply = decide_about(&app, (operator.id, write.key), command, why, number).await?;
    let Answer::Sku(sku) = reply.answer else {
        return Err(Problem::fault(
            "a listing answered with something else",
            &"no SKU",
        ));
    };
    Ok(Json(SkuListed {
        id: sku.to_string(),
        seq: reply.seq.to_string(),
    }))
}

/// Sells a thing under other terms from now on. What is reserved or bought stands as it was.
#[utoipa::path(post, path = "/console/skus/{id}", tag = "console", params(("id" = String, Path)), request_body = SkuWanted, responses((status = 200, description = "Changed", body = Done)))]
pub(crate) async fn change_sku(
    State(app): Shared,
    operator: AsOperator,
    Segment(sku): Segment<SkuId>,
    write: Write<SkuWanted>,
) -> Result<Json<Done>> {
    let mut wanted = write.body;
    let reason = wanted.reason.take().unwrap_or_default();
    let terms = Box::new(terms_of(wanted)?);
    let command = Command::Shop(ShopCommand::ChangeSku { sku, terms });
    let why = ("change-sku", sku.0, reason);
    decide(&app, operator.id, (write.key, command), why).await
}

/// Takes a thing off sale; what is reserved may be paid.
#[utoipa::path(post, path = "/console/skus/{id}/close", tag = "console", params(("id" = String, Path)), request_body = Reasoned, responses((status = 200, description = "Off sale", body = Done)))]
pub(crate) async fn close_sku(
    State(app): Shared,
    operator: AsOperator,
    Segment(sku): Segment<SkuId>,
    write: Write<Reasoned>,
) -> Result<Json<Done>> {
    let command = Command::Shop(ShopCommand::CloseSku { sku });
    let why = ("close-sku", sku.0, write.body.reason);
    decide(&app, operator.id, (write.key, command), why).await
}

/// Puts a thing on sale again.
#[utoipa::path(post, path = "/console/skus/{id}/reopen", tag = "console", params(("id" = String, Path)), request_body = Reasoned, responses((status = 200, description = "On sale", body = Done)))]
pub(crate) async fn reopen_sku(
    State(app): Shared,
    operator: AsOperator,
    Segment(sku): Segment<SkuId>,
    write: Write<Reasoned>,
) -> Result<Json<Done>> {
    let command = Command::Shop(ShopCommand::ReopenSku { sku });
    let why = ("reopen-sku", sku.0, write.body.reason);
    decide(&app, operator.id, (write.key, command), why).await
}

/// Adds units to a stock or takes free ones out, with a reason.
#[utoipa::path(post, path = "/console/skus/{id}/stock", tag = "console", params(("id" = String, Path)), request_body = StockWanted, responses((status = 200, description = "Adjusted", body = Done)))]
pub(crate) async fn adjust_stock(
    State(app): Shared,
    operator: AsOperator,
    Segment(sku): Segment<SkuId>,
    write: Write<StockWanted>,
) -> Result<Json<Done>> {
    let StockWanted { by, reason } = write.body;
    let command = Command::Shop(ShopCommand::AdjustStock { sku, by });
    let why = ("adjust-stock", sku.0, reason);
    decide(&app, operator.id, (write.key, command), why).await
}

/// Puts units that a campaign's winners have returned on sale, with a reason. They are paid for already.
#[utoipa::path(post, path = "/console/skus/{id}/returns", tag = "console", params(("id" = String, Path)), request_body = ReturnsWanted, responses((status = 200, description = "On sale", body = Done)))]
pub(crate) async fn stock_returns(
    State(app): Shared,
    operator: AsOperator,
    Segment(sku): Segment<SkuId>,
    write: Write<ReturnsWanted>,
) -> Result<Json<Done>> {
    let ReturnsWanted {
        campaign,
        units,
        reason,
    } = write.body;
    let unknown = || Refusal::UnknownCampaign(CampaignId(u32::MAX));
    let campaign = decimal(&campaign).map(CampaignId).ok_or_else(unknown)?;
    let command = Command::Shop(ShopCommand::StockReturns {
        sku,
        campaign,
        units,
    });
    let why = ("stock-returns", sku.0, reason);
    decide(&app, operator.id, (write.key, command), why).await
}

/// Units that winners have returned and that are not on sale, by campaign.
#[utoipa::path(get, path = "/console/returned-units", tag = "console", responses((status = 200, description = "Units", body = ReturnedUnits)))]
pub(crate) async fn returned_units(
    State(app): Shared,
    _: AsOperator,
) -> Result<Json<ReturnedUnits>> {
    let found = app.query(|world| world.returned_units().collect::<Vec<_>>());
    let line = |(campaign, units): (CampaignId, u32)| ReturnedLine {
        campaign: campaign.to_string(),
        units,
    };
    let items = found.await?.into_iter().map(line).collect();
    Ok(Json(ReturnedUnits { items }))
}

/// Everything that is or was for sale, with stock and costs, in the order of its numbers.
#[utoipa::path(get, path = "/console/skus", tag = "console", params(Page), responses((status = 200, description = "What is for sale", body = List<SkuLine>)))]
pub(crate) async fn skus(
    State(app): Shared,
    _: AsOperator,
    Params(query): Params<Page>,
) -> Result<Json<List<SkuLine>>> {
    let most = items(query.limit)?;
    let wrong = || Problem::bad_request("cursor_invalid", "this is no cursor of this list");
    let after = query.cursor.as_deref();
    let after = after.map(|text| decimal(text).map(SkuId).ok_or_else(wrong));
    let after = after.transpose()?;
    let limit = usize::try_from(most).unwrap_or(usize::MAX);
    let mut found = app
        .query(move |world| world.skus(after, limit.saturating_add(1)))
        .await?;
    let more = limit < found.len();
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|sku| sku.id.to_string());
    let items = found.iter().map(sku_line).collect();
    Ok(Json(List { items, next }))
}

async fn product_of(app: &App, id: ProductNumber) -> Result<ProductRow> {
    let found = app.people.directory().product(id.0).await;
    let unknown = || Problem::not_found("product_unknown", "there is no such product");
    found.map_err(store_problem)?.ok_or_else(unknown)
}

async fn product_row(app: &App, token: [u8; 16], wanted: ProductWanted) -> Result<ProductRow> {
    let directory = app.people.directory();
    let (title, text) = (wanted.title.text(), wanted.text.text());
    check_title(&title)?;
    for (field, text) in [("text.zh", &text.zh), ("text.en", &text.en)] {
        check_text(field, text, MOST_TEXT_BYTES)?;
    }
    let category = match wanted.category.as_deref() {
        Some(category) => {
            let known = directory.categories().await.map_err(store_problem)?;
            let known = known.iter().map(|known| known.id);
            let wanted = decimal(category).filter(|id| known.clone().any(|known| known == *id));
            let unknown =
                || Problem::unprocessable("category_unknown", "there is no such category");
            Some(wanted.ok_or_else(unknown)?)
        }
        None => None,
    };
    let pictures = wanted.pictures.iter().map(|name| PictureName::read(name));
    let mut pictures: Vec<[u8; 32]> = pictures.flatten().map(|name| name.0).collect();
    pictures.dedup();
    let known = directory.known_pictures(&pictures).await;
    if wanted.pictures.len() != pictures.len()
        || MAX_PRODUCT_PICTURES < pictures.len()
        || known.map_err(store_problem)? != pictures.len()
    {
        let detail = "pictures are at most 8 names of pictures that were sent in, each once";
        return Err(Problem::unprocessable("picture_unknown", detail));
    }
    Ok(ProductRow {
        id: 0,
        token,
        category,
        title,
        text,
        pictures,
        changed_at: app.config.clock.now(),
    })
}

fn check_title(title: &Text) -> Result<()> {
    for (field, text) in [("title.zh", &title.zh), ("title.en", &title.en)] {
        check_text(field, text, domain::MAX_TEXT_BYTES)?;
        if text.trim().is_empty() {
            return Err(wrong_text(field, "must not be empty"));
        }
    }
    Ok(())
}

/// A text's length, and that it promises nothing nobody can keep (rules 11).
fn check_text(field: &'static str, text: &str, most_bytes: usize) -> Result<()> {
    let control = |char: char| char.is_control() && char != '\n';
    if most_bytes < text.len() || text.chars().any(control) {
        return Err(wrong_text(field, "is too long or has control characters"));
    }
    match domain::forbidden_promise(text) {
        Some(promise) => Err(Refusal::PromiseForbidden { field, promise }.into()),
        None => Ok(()),
    }
}

fn wrong_text(field: &'static str, must: &str) -> Problem {
    Problem::unprocessable("body_invalid", format!("{field} {must}")).with("field", field)
}

fn terms_of(wanted: SkuWanted) -> Result<SkuTerms> {
    let rate = |field: &'static str, text: Option<&str>, default: Rate| match text {
        Some(text) => {
            let wrong = || wrong_text(field, "is a rate such as 10%");
            schema::parse_rate(text).ok_or_else(wrong)
        }
        None => Ok(default),
    };
    let all = [
        Fulfilment::Ship,
        Fulfilment::PickUp,
        Fulfilment::Voucher,
        Fulfilment::AtTable,
    ];
    let name = wanted.fulfilment.as_deref().unwrap_or("ship");
    let fulfilment = all.into_iter().find(|known| known.name() == name);
    let unknown = || wrong_text("fulfilment", "is ship, pick-up or voucher");
    let fulfilment = fulfilment.ok_or_else(unknown)?;
    let no_store = || wrong_text("stores", "are numbers of stores");
    let stores = wanted
        .stores
        .iter()
        .map(|store| decimal(store).map(StoreId));
    let stores = stores.collect::<Option<Vec<_>>>().ok_or_else(no_store)?;
    let fetch = match fulfilment {
        Fulfilment::PickUp => Some((stores, wanted.voucher_days)),
        Fulfilment::Voucher => {
            let days = wanted.voucher_days.unwrap_or(VOUCHER_DAYS);
            Some((stores, Some(days)))
        }
        Fulfilment::Ship | Fulfilment::AtTable if stores.is_empty() => None,
        Fulfilment::Ship | Fulfilment::AtTable => return Err(no_store()),
    };
    let package = wanted.package.map(package_terms).transpose()?;
    // A package is paid for in money alone.
    let offset = if package.is_some() {
        Rate(0)
    } else {
        DEFAULT_OFFSET
    };
    Ok(SkuTerms {
        title: wanted.title.text(),
        price: Money(wanted.price.0),
        cost: Money(wanted.cost.0),
        coin_offset: rate("coin_offset", wanted.coin_offset.as_deref(), offset)?,
        fulfilment,
        fetch: fetch.map(|(stores, days)| FetchTerms { stores, days }),
        package,
        channel: ChannelTerms {
            fee: rate("channel_fee", wanted.channel_fee.as_deref(), Rate(0))?,
            kept_on_refund: wanted.fee_kept_on_refund,
        },
    })
}

fn package_terms(package: PackageBody) -> Result<PackageTerms> {
    let no_sku = || wrong_text("package.unit.sku", "is the number of what is sold");
    let unit = package.unit.map(|unit| {
        let sku = decimal(&unit.sku).map(SkuId).ok_or_else(no_sku)?;
        let worth = Money(unit.worth.0);
        Ok::<_, Problem>(GiftUnit { sku, worth })
    });
    Ok(PackageTerms {
        coins: Coins(package.coins.0),
        gift: Coins(package.gift.map_or(0, |gift| gift.0)),
        unit: unit.transpose()?,
        vip: package.vip.map(|vip| GiftVip {
            level: vip.level,
            days: vip.days,
        }),
    })
}

pub(super) fn unit_body(unit: GiftUnit) -> GiftUnitBody {
    GiftUnitBody {
        sku: unit.sku.to_string(),
        worth: unit.worth.into(),
    }
}

pub(super) fn vip_body(vip: GiftVip) -> GiftVipBody {
    GiftVipBody {
        level: vip.level,
        days: vip.days,
    }
}

/// Names a request of an operator for ever.
fn request_of(operator: &AsOperator, key: &domain::IdempotencyKey) -> [u8; 16] {
    let mut text = operator.id.0.to_be_bytes().to_vec();
    text.extend(key.key);
    text.extend(key.content);
    let mut token = [0; 16];
    token.copy_from_slice(&draw::hash(&text).0[..16]);
    token
}

/// What is off sale is not shown.
fn product_card(row: &ProductRow, skus: &[SkuView]) -> ShopProduct {
    ShopProduct {
        id: row.id.to_string(),
        category: row.category.map(|category| category.to_string()),
        title: Words::from(&row.title),
        text: Words::from(&row.text),
        pictures: row.pictures.iter().map(|hash| draw::to_hex(hash)).collect(),
        skus: skus
            .iter()
            .filter(|sku| sku.on_sale)
            .map(sku_card)
            .collect(),
    }
}

fn sku_card(sku: &SkuView) -> SkuCard {
    let fetch = sku.terms.fetch.as_ref();
    SkuCard {
        id: sku.id.to_string(),
        title: Words::from(&sku.terms.title),
        price: sku.terms.price.into(),
        coin_offset: format!("{}%", percent(sku.terms.coin_offset)),
        fulfilment: sku.terms.fulfilment.name(),
        stores: fetch.map_or_else(Vec::new, |fetch| {
            fetch.stores.iter().map(ToString::to_string).collect()
        }),
        voucher_days: fetch.and_then(|fetch| fetch.days),
        package: sku.terms.package.map(|package| PackageBody {
            coins: package.coins.into(),
            gift: Some(package.gift.into()),
            unit: package.unit.map(unit_body),
            vip: package.vip.map(vip_body),
        }),
        free: sku.free,
        on_sale: sku.on_sale,
    }
}

fn sku_line(sku: &SkuView) -> SkuLine {
    SkuLine {
        card: sku_card(sku),
        cost: sku.terms.cost.into(),
        own: sku.own,
        channel_fee: format!("{}%", percent(sku.terms.channel.fee)),
        fee_kept_on_refund: sku.terms.channel.kept_on_refund,
    }
}
