//! Payments of direct purchases: an order at the channel for each, the payments that arrive for it, and questions about those
//! whose notice may never come.
//!
//! Why an order's number has a mark, as a seat's has: it follows from what was decided, so a history that is told again after
//! its end was lost never takes another purchase's payment for its own.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::{
    Actor, Answer, Command, MemberId, Millis, Money, PaymentAnswer, PurchaseId, PurchaseState,
    Refusal, Request, ShopCommand, ShopRefusal, SkuId, Txn, World,
};
use engine::SubmitError;
use futures_util::StreamExt;
use payments::{Order, OrderState, RefusalCode, Transaction};

use super::arrivals::{Doubtful, arrival, in_history, told_of};
use super::orders::GRACE_MS;
use crate::app::App;
use crate::http::decimal;

/// Bytes of the hash that stand in an order's number: with the longest number of a purchase it has 31 characters.
const MARK_BYTES: usize = 5;
/// Unpaid purchases that one look asks about, of those that lapse soon as well as of those whose orders have ended; and most
/// of those that it asks about again.
const A_LOOK: u32 = 200;
const AT_MOST: usize = 200;
/// Questions to the channel at once.
const AT_ONCE: usize = 8;

/// A purchase's number at the channel, `p4711-bc4124d513`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PurchaseNo {
    /// The purchase that it names.
    pub(crate) purchase: PurchaseId,
    mark: [u8; MARK_BYTES],
}

impl PurchaseNo {
    /// Reads `p4711-bc4124d513`; none if the order is no purchase of ours.
    pub(crate) fn read(text: &str) -> Option<PurchaseNo> {
        let (number, mark) = text.strip_prefix('p')?.split_once('-')?;
        let purchase = PurchaseId(decimal(number)?);
        let short = u64::from_str_radix(mark, 16).ok()?.to_be_bytes();
        let mark_bytes = *short.last_chunk()?;
        let read = PurchaseNo {
            purchase,
            mark: mark_bytes,
        };
        (read.to_string() == text).then_some(read)
    }
}

impl std::fmt::Display for PurchaseNo {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "p{}-{}", self.purchase, draw::to_hex(&self.mark))
    }
}

/// What an order is made for: all of it was decided with the reservation, and never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bought {
    purchase: PurchaseId,
    member: MemberId,
    sku: SkuId,
    /// The random name of the member's row in the directory.
    member_token: [u8; 16],
    token: [u8; 16],
    cash: Money,
    pay_by: Millis,
}

impl Bought {
    fn no(&self) -> PurchaseNo {
        let text = format!(
            "potluck purchase\nmember {}\nrequest {}\nfen {}\nuntil {}\n",
            draw::to_hex(&self.member_token),
            draw::to_hex(&self.token),
            self.cash.0,
            self.pay_by.0
        );
        let hash = draw::hash(text.as_bytes()).0;
        let mut mark = [0; MARK_BYTES];
        mark.copy_from_slice(&hash[..MARK_BYTES]);
        PurchaseNo {
            purchase: self.purchase,
            mark,
        }
    }

    fn of(world: &World, purchase: PurchaseId) -> Option<Bought> {
        let known = world.purchase(purchase)?;
        let PurchaseState::Reserved { pay_by } = known.state else {
            return None;
        };
        Some(Bought {
            purchase,
            member: known.member,
            sku: known.sku,
            member_token: world.token(known.member)?,
            token: known.token,
            cash: known.cash(),
            pay_by,
        })
    }
}

/// What a purchase's order was made for, whatever has become of the purchase.
async fn bought(app: &App, purchase: PurchaseId) -> Result<Option<Bought>, Doubtful> {
    let in_memory = app
        .engine
        .query(move |world| Bought::of(world, purchase))
        .await?
        .0;
    if let Some(bought) = in_memory {
        return Ok(Some(bought));
    }
    // What the views have is final; that they have nothing, only if they stand at the present.
    let head = *app.engine.committed().borrow();
    let stands = app.views.at_least(head, views::AT_LEAST_WAIT).await;
    stands.map_err(|_| Doubtful::History)?;
    let row = app.views.purchase(purchase).await;
    let Some(row) = row.map_err(|_| Doubtful::History)?.value else {
        return Ok(None);
    };
    let member = row.member;
    let token = app.engine.query(move |world| world.token(member)).await?.0;
    Ok(token.map(|member_token| Bought {
        purchase,
        member,
        sku: row.sku,
        member_token,
        token: row.token,
        cash: row.cash(),
        pay_by: row.pay_by,
    }))
}

/// The address where a reserved purchase is paid; creates the order where there is none yet. None while the channel does not
/// answer, or where nothing waits to be paid.
pub(crate) async fn purchase_url(app: &App, purchase: PurchaseId) -> Option<String> {
    let question = move |world: &World| Bought::of(world, purchase);
    let bought = app.engine.query(question).await.ok()?.0?;
    let order_no = bought.no().to_string();
    // Nothing in it may ever differ where its number is the same: a title can change.
    let description = format!("商城订单 {purchase}");
    let order = Order {
        order_no: &order_no,
        amount_fen: bought.cash.0,
        description: &description,
        attach: "",
        expires_at_ms: bought.pay_by.0.saturating_add(GRACE_MS),
    };
    match app.config.channel.create_order(&order).await {
        Ok(page) => Some(page.url),
        Err(error) if error.refusal() == Some(RefusalCode::OrderPaid) => {
            if let Err(error) = ask_purchase_no(app, bought.no()).await {
                tracing::warn!(%purchase, %error, "purchase {purchase} could not be asked about: {error}");
            }
            None
        }
        Err(error) => {
            tracing::warn!(%purchase, %error, "no order at the channel for purchase {purchase}: {error}");
            None
        }
    }
}

/// Asks the channel about a purchase's order and takes in whatever was paid.
pub(crate) async fn ask_purchase(app: &App, purchase: PurchaseId) -> Result<(), Doubtful> {
    match bought(app, purchase).await? {
        Some(bought) => ask_purchase_no(app, bought.no()).await.map(|_| ()),
        None => Ok(()),
    }
}

/// Asks the channel about an order and takes in whatever was paid. Answers with what the channel has.
pub(crate) async fn ask_purchase_no(
    app: &App,
    order: PurchaseNo,
) -> Result<Vec<Transaction>, Doubtful> {
    let found = match app.config.channel.query(&order.to_string()).await {
        Ok(OrderState { transactions, .. }) => transactions,
        Err(error) if error.refusal() == Some(RefusalCode::NotFound) => Vec::new(),
        Err(error) => return Err(Doubtful::Channel(Arc::new(error))),
    };
    for transaction in &found {
        arrived(app, order, transaction).await?;
    }
    Ok(found)
}

/// Takes in a confirmed payment of an order. Any number of times, with one effect.
async fn arrived(app: &App, order: PurchaseNo, transaction: &Transaction) -> Result<(), Doubtful> {
    let paid = arrival(transaction)?;
    if told_of(app, &paid.txn).await? {
        return Ok(());
    }
    let known = bought(app, order.purchase).await?;
    let Some(known) = known.filter(|known| known.no() == order) else {
        return stray(app, order, paid.txn, paid.amount).await;
    };
    let command = ShopCommand::PayPurchase {
        purchase: order.purchase,
        txn: paid.txn,
        amount: paid.amount,
    };
    match submit(app, Command::Shop(command)).await {
        Err(SubmitError::Refused(Refusal::Shop(ShopRefusal::UnknownPurchase(_)))) => {}
        answer => return Ok(answer.map(|_| ())?),
    }
    // It has lapsed or ended: the money goes back, unless it was dealt with before. One at a time: between the look into the
    // history and the command nobody else may send the same money back.
    let _one_at_a_time = app.strays.lock().await;
    if !in_history(app, &paid.txn).await? {
        let command = ShopCommand::BouncePurchase {
            member: known.member,
            sku: known.sku,
            txn: paid.txn,
            amount: paid.amount,
        };
        submit(app, Command::Shop(command)).await?;
    }
    Ok(())
}

/// Sends back what was paid for a purchase that this history does not know: another history's, whose end was lost.
async fn stray(app: &App, order: PurchaseNo, txn: Txn, amount: Money) -> Result<(), Doubtful> {
    let _one_at_a_time = app.strays.lock().await;
    if in_history(app, &txn).await? {
        return Ok(());
    }
    let command = Command::BouncePayment {
        payment: None,
        member: None,
        txn,
        amount,
    };
    submit(app, command).await?;
    tracing::warn!(
        %order,
        %txn,
        "payment {txn} of order {order} is for a purchase that this history does not know, and goes back"
    );
    Ok(())
}

/// The answer of a payment that bought something is the purchase's number.
async fn submit(app: &App, command: Command) -> Result<Option<PaymentAnswer>, SubmitError> {
    let request = Request {
        actor: Actor::System,
        key: None,
        command,
    };
    let answer = app.engine.submit(request).await?.answer;
    Ok(match answer {
        Answer::Payment(answer) => Some(answer),
        Answer::Done
        | Answer::Member(_)
        | Answer::Campaign(_)
        | Answer::Reserved { .. }
        | Answer::Withdrawal(_)
        | Answer::Merchant(_)
        | Answer::Store(_)
        | Answer::Counter(_)
        | Answer::Table(_)
        | Answer::Sku(_)
        | Answer::Purchase(_) => None,
    })
}

/// Asks the channel about purchases shortly before they lapse, and again some minutes after their orders have ended; ends with
/// the engine.
pub(crate) async fn watch_purchases(app: Arc<App>) {
    let pace = app.config.pace;
    let before = millis(pace.ask_before);
    let after = millis(pace.ask_after).saturating_add(GRACE_MS);
    // How far it has asked, by deadlines. What fell due before the start may have been asked about or not.
    let mut soon = (app.config.clock.now(), None);
    let mut ended = (app.reservations.since(), None);
    let mut again: BTreeSet<(Millis, PurchaseId)> = BTreeSet::new();
    while app.pause(pace.look).await {
        let now = app.config.clock.now();
        let mut due = Vec::new();
        while let Some(&(at, purchase)) = again.first()
            && at <= now
            && due.len() < AT_MOST
        {
            again.pop_first();
            due.push(purchase);
        }
        let shown = next_of(&app, &mut soon, Millis(now.0.saturating_add(before))).await;
        due.extend(shown);
        let over = next_of(&app, &mut ended, Millis(now.0.saturating_sub(after))).await;
        due.extend(over);
        let failed = ask_all(&app, due).await;
        let later = now.after(domain::Duration(
            millis(pace.retry_first).saturating_mul(10),
        ));
        again.extend(failed.into_iter().map(|purchase| (later, purchase)));
    }
}

/// The next purchases that were to be paid before `until`, and goes on after them; none while the views do not stand at the
/// present, for what they do not show yet would be passed over.
async fn next_of(
    app: &App,
    passed: &mut (Millis, Option<PurchaseId>),
    until: Millis,
) -> Vec<PurchaseId> {
    let head = *app.engine.committed().borrow();
    if until <= passed.0
        || app
            .views
            .at_least(head, views::AT_LEAST_WAIT)
            .await
            .is_err()
    {
        return Vec::new();
    }
    let Ok(page) = app.views.unpaid_purchases(*passed, until, A_LOOK).await else {
        return Vec::new();
    };
    if let Some(last) = page.value.last() {
        *passed = (last.pay_by, Some(last.id));
    }
    page.value.iter().map(|row| row.id).collect()
}

/// Asks about each, some at once; answers with those that could not be asked about.
async fn ask_all(app: &App, purchases: Vec<PurchaseId>) -> Vec<PurchaseId> {
    let asked = futures_util::stream::iter(purchases).map(|purchase| async move {
        let error = ask_purchase(app, purchase).await.err()?;
        tracing::warn!(%purchase, %error, "purchase {purchase} could not be asked about: {error}");
        Some(purchase)
    });
    let failed = asked
        .buffer_unordered(AT_ONCE)
        .filter_map(async |failed| failed);
    failed.collect().await
}

fn millis(length: std::time::Duration) -> i64 {
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Bought {
        Bought {
            purchase: PurchaseId(4711),
            member: MemberId(17),
            sku: SkuId(3),
            member_token: [0xa5; 16],
            token: [7; 16],
            cash: Money(18_000),
            pay_by: Millis(1_795_366_800_000),
        }
    }

    /// Orders under these names are at the channel: repair the code, never this line.
    #[test]
    fn an_orders_number_never_changes() {
        assert_eq!(known().no().to_string(), "p4711-bc4124d513");
    }

    #[test]
    fn whatever_differs_gives_another_number() {
        let others = [
            Bought {
                member_token: [0xa6; 16],
                ..known()
            },
            Bought {
                token: [8; 16],
                ..known()
            },
            Bought {
                cash: Money(18_001),
                ..known()
            },
            Bought {
                pay_by: Millis(0),
                ..known()
            },
        ];
        for other in others {
            assert_ne!(other.no(), known().no());
        }
    }

    #[test]
    fn order_numbers_have_one_spelling_and_fit() {
        let own = known().no();
        assert_eq!(PurchaseNo::read(&own.to_string()), Some(own));
        let longest = Bought {
            purchase: PurchaseId(u64::MAX),
            ..known()
        };
        assert!(longest.no().to_string().len() <= 32);
        let text = own.to_string();
        for other in [
            String::new(),
            "p4711".to_owned(),
            "p4711-".to_owned(),
            text.to_uppercase(),
            text.replace("p4711", "p04711"),
            text.replace('p', ""),
            format!("{text}0"),
            "4711-3-98207f5304".to_owned(),
        ] {
            assert_eq!(PurchaseNo::read(&other), None, "{other:?}");
        }
    }
}
