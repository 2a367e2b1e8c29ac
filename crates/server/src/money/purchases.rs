//! Payments of direct purchases and of bills at counters: an order at the channel for each, the payments that arrive for it, and
//! questions about those whose notice may never come.
//!
//! Why an order's number has a mark, as a seat's has: it follows from what was decided, so a history that is told again after
//! its end was lost never takes another purchase's payment for its own.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::{
    Actor, AllianceCommand, AllianceRefusal, Answer, Command, CounterId, MemberId, Millis, Money,
    PaymentAnswer, PurchaseId, PurchaseState, Refusal, Request, ShopCommand, ShopRefusal, SkuId,
    StoreId, Txn, World,
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
/// What is unpaid that one look asks about, of those that lapse soon as well as of those whose orders have ended; and most
/// of those that it asks about again.
const A_LOOK: u32 = 200;
const AT_MOST: usize = 200;
/// Questions to the channel at once.
const AT_ONCE: usize = 8;

/// What is paid for without a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Direct {
    /// Units of a thing.
    Purchase(PurchaseId),
    /// A bill at a counter whose cash the platform takes.
    Counter(CounterId),
}

impl Direct {
    /// What its orders' numbers begin with.
    fn letter(self) -> char {
        match self {
            Direct::Purchase(_) => 'p',
            Direct::Counter(_) => 'c',
        }
    }

    fn number(self) -> u64 {
        match self {
            Direct::Purchase(id) => id.0,
            Direct::Counter(id) => id.0,
        }
    }

    /// What the payer is told that he pays. Nothing in it may ever differ where the number is the same: a title can change.
    fn description(self) -> String {
        match self {
            Direct::Purchase(id) => format!("商城订单 {id}"),
            Direct::Counter(id) => format!("门店账单 {id}"),
        }
    }
}

impl std::fmt::Display for Direct {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Direct::Purchase(id) => write!(out, "purchase {id}"),
            Direct::Counter(id) => write!(out, "bill {id}"),
        }
    }
}

/// Its number at the channel, `p4711-bc4124d513` or `c4711-bc4124d513`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DirectNo {
    /// What it names.
    pub(crate) what: Direct,
    mark: [u8; MARK_BYTES],
}

impl DirectNo {
    /// Reads `p4711-bc4124d513`; none if the order is for nothing of these.
    pub(crate) fn read(text: &str) -> Option<DirectNo> {
        let (letter, rest) = text.split_at_checked(1)?;
        let (number, mark) = rest.split_once('-')?;
        let number = decimal(number)?;
        let what = match letter {
            "p" => Direct::Purchase(PurchaseId(number)),
            "c" => Direct::Counter(CounterId(number)),
            _ => return None,
        };
        let short = u64::from_str_radix(mark, 16).ok()?.to_be_bytes();
        let mark_bytes = *short.last_chunk()?;
        let read = DirectNo {
            what,
            mark: mark_bytes,
        };
        (read.to_string() == text).then_some(read)
    }
}

impl std::fmt::Display for DirectNo {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (letter, number) = (self.what.letter(), self.what.number());
        write!(out, "{letter}{number}-{}", draw::to_hex(&self.mark))
    }
}

/// What an order is made for: all of it was decided with the reservation or the bill, and never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bought {
    what: Direct,
    of: Of,
    member: MemberId,
    /// The random name of the member's row in the directory.
    member_token: [u8; 16],
    token: [u8; 16],
    cash: Money,
    pay_by: Millis,
}

/// Whose terms say what the channel takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    Sku(SkuId),
    Store(StoreId),
}

impl Bought {
    fn no(&self) -> DirectNo {
        let what = match self.what {
            Direct::Purchase(_) => "purchase",
            Direct::Counter(_) => "bill",
        };
        let text = format!(
            "potluck {what}\nmember {}\nrequest {}\nfen {}\nuntil {}\n",
            draw::to_hex(&self.member_token),
            draw::to_hex(&self.token),
            self.cash.0,
            self.pay_by.0
        );
        let hash = draw::hash(text.as_bytes()).0;
        let mut mark = [0; MARK_BYTES];
        mark.copy_from_slice(&hash[..MARK_BYTES]);
        DirectNo {
            what: self.what,
            mark,
        }
    }

    /// None where nothing waits to be paid.
    fn of(world: &World, what: Direct) -> Option<Bought> {
        match what {
            Direct::Purchase(purchase) => {
                let known = world.purchase(purchase)?;
                let PurchaseState::Reserved { pay_by } = known.state else {
                    return None;
                };
                Some(Bought {
                    what,
                    of: Of::Sku(known.sku),
                    member: known.member,
                    member_token: world.token(known.member)?,
                    token: known.token,
                    cash: known.cash(),
                    pay_by,
                })
            }
            Direct::Counter(counter) => {
                let waits = world.counter_awaited(counter)?;
                let paid = &waits.paid;
                Some(Bought {
                    what,
                    of: Of::Store(paid.store),
                    member: paid.member,
                    member_token: world.token(paid.member)?,
                    token: paid.token,
                    cash: paid.paid_in_cash().ok()?,
                    pay_by: waits.pay_by,
                })
            }
        }
    }

    /// What pays it, if it waits still.
    fn pay(&self, txn: Txn, amount: Money) -> Command {
        match self.what {
            Direct::Purchase(purchase) => Command::Shop(ShopCommand::PayPurchase {
                purchase,
                txn,
                amount,
            }),
            Direct::Counter(counter) => Command::Alliance(AllianceCommand::PayCounter {
                counter,
                txn,
                amount,
            }),
        }
    }

    /// What sends a payment back that came too late.
    fn bounce(&self, txn: Txn, amount: Money) -> Command {
        let member = self.member;
        match self.of {
            Of::Sku(sku) => Command::Shop(ShopCommand::BouncePurchase {
                member,
                sku,
                txn,
                amount,
            }),
            Of::Store(store) => Command::Alliance(AllianceCommand::BounceCounter {
                member,
                store,
                txn,
                amount,
            }),
        }
    }
}

/// What an order was made for, whatever has become of it.
async fn bought(app: &App, what: Direct) -> Result<Option<Bought>, Doubtful> {
    let in_memory = app
        .engine
        .query(move |world| Bought::of(world, what))
        .await?
        .0;
    if let Some(bought) = in_memory {
        return Ok(Some(bought));
    }
    // What the views have is final; that they have nothing, only if they stand at the present.
    let head = *app.engine.committed().borrow();
    let stands = app.views.at_least(head, views::AT_LEAST_WAIT).await;
    stands.map_err(|_| Doubtful::History)?;
    let Some(told) = in_views(app, what).await? else {
        return Ok(None);
    };
    let member = told.member;
    let token = app.engine.query(move |world| world.token(member)).await?.0;
    Ok(token.map(|member_token| Bought {
        member_token,
        ..told
    }))
}

/// As the views have it, without the member's token.
async fn in_views(app: &App, what: Direct) -> Result<Option<Bought>, Doubtful> {
    let member_token = [0; 16];
    Ok(match what {
        Direct::Purchase(purchase) => {
            let row = app.views.purchase(purchase).await;
            let row = row.map_err(|_| Doubtful::History)?.value;
            row.map(|row| Bought {
                what,
                of: Of::Sku(row.sku),
                member: row.member,
                member_token,
                token: row.token,
                cash: row.cash(),
                pay_by: row.pay_by,
            })
        }
        Direct::Counter(counter) => {
            let row = app.views.counter_payment(counter).await;
            let row = row.map_err(|_| Doubtful::History)?.value;
            row.and_then(|row| {
                Some(Bought {
                    what,
                    of: Of::Store(row.store),
                    member: row.member,
                    member_token,
                    token: row.token,
                    cash: row.paid_in_cash(),
                    pay_by: row.pay_by?,
                })
            })
        }
    })
}

/// The address where something is paid; creates the order where there is none yet. None while the channel does not answer, or
/// where nothing waits to be paid.
pub(crate) async fn direct_url(app: &App, what: Direct) -> Option<String> {
    let question = move |world: &World| Bought::of(world, what);
    let bought = app.engine.query(question).await.ok()?.0?;
    let order_no = bought.no().to_string();
    let description = what.description();
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
            if let Err(error) = ask_direct_no(app, bought.no()).await {
                tracing::warn!(%what, %error, "{what} could not be asked about: {error}");
            }
            None
        }
        Err(error) => {
            tracing::warn!(%what, %error, "no order at the channel for {what}: {error}");
            None
        }
    }
}

/// Asks the channel about the order of a purchase or bill and takes in whatever was paid.
pub(crate) async fn ask_direct(app: &App, what: Direct) -> Result<(), Doubtful> {
    match bought(app, what).await? {
        Some(bought) => ask_direct_no(app, bought.no()).await.map(|_| ()),
        None => Ok(()),
    }
}

/// Asks the channel about an order and takes in whatever was paid. Answers with what the channel has.
pub(crate) async fn ask_direct_no(
    app: &App,
    order: DirectNo,
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
async fn arrived(app: &App, order: DirectNo, transaction: &Transaction) -> Result<(), Doubtful> {
    let paid = arrival(transaction)?;
    if told_of(app, &paid.txn).await? {
        return Ok(());
    }
    let known = bought(app, order.what).await?;
    let Some(known) = known.filter(|known| known.no() == order) else {
        return stray(app, order, paid.txn, paid.amount).await;
    };
    match submit(app, known.pay(paid.txn, paid.amount)).await {
        Err(SubmitError::Refused(
            Refusal::Shop(ShopRefusal::UnknownPurchase(_))
            | Refusal::Alliance(AllianceRefusal::UnknownCounter(_)),
        )) => {}
        answer => return Ok(answer.map(|_| ())?),
    }
    // It has lapsed or ended: the money goes back, unless it was dealt with before. One at a time: between the look into the
    // history and the command nobody else may send the same money back.
    let _one_at_a_time = app.strays.lock().await;
    if !in_history(app, &paid.txn).await? {
        submit(app, known.bounce(paid.txn, paid.amount)).await?;
    }
    Ok(())
}

/// Sends back what was paid for something that this history does not know: another history's, whose end was lost.
async fn stray(app: &App, order: DirectNo, txn: Txn, amount: Money) -> Result<(), Doubtful> {
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
        "payment {txn} of order {order} is for something that this history does not know, and goes back"
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
        Answer::Payment(answer) => {
            super::flag(&answer);
            Some(answer)
        }
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

/// Which list is watched.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Watched {
    /// Unpaid purchases.
    Purchases,
    /// Unpaid bills at counters.
    Counters,
}

/// How far a list has been asked about, by deadlines.
type Passed = (Millis, Option<Direct>);

/// Asks the channel about purchases or bills shortly before they lapse, and again some minutes after their orders have ended;
/// ends with the engine.
pub(crate) async fn watch_direct(app: Arc<App>, watched: Watched) {
    let pace = app.config.pace;
    let before = millis(pace.ask_before);
    let after = millis(pace.ask_after).saturating_add(GRACE_MS);
    // What fell due before the start may have been asked about or not.
    let mut soon = (app.config.clock.now(), None);
    let mut ended = (app.reservations.since(), None);
    let mut again: BTreeSet<(Millis, Direct)> = BTreeSet::new();
    while app.pause(pace.look).await {
        let now = app.config.clock.now();
        let mut due = Vec::new();
        while let Some(&(at, what)) = again.first()
            && at <= now
            && due.len() < AT_MOST
        {
            again.pop_first();
            due.push(what);
        }
        for (passed, until) in [
            (&mut soon, Millis(now.0.saturating_add(before))),
            (&mut ended, Millis(now.0.saturating_sub(after))),
        ] {
            let page = next_of(&app, watched, *passed, until).await;
            if let Some(&(pay_by, last)) = page.last() {
                *passed = (pay_by, Some(last));
            }
            due.extend(page.into_iter().map(|(_, what)| what));
        }
        let failed = ask_all(&app, due).await;
        let later = now.after(domain::Duration(
            millis(pace.retry_first).saturating_mul(10),
        ));
        again.extend(failed.into_iter().map(|what| (later, what)));
    }
}

/// The next that were to be paid before `until`; none while the views do not stand at the present, for what they do not show yet
/// would be passed over.
async fn next_of(
    app: &App,
    watched: Watched,
    passed: Passed,
    until: Millis,
) -> Vec<(Millis, Direct)> {
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
    let number = passed.1.map(Direct::number);
    match watched {
        Watched::Purchases => {
            let after = (passed.0, number.map(PurchaseId));
            let page = app.views.unpaid_purchases(after, until, A_LOOK).await;
            let rows = page.map(|page| page.value).unwrap_or_default();
            let direct = |row: views::PurchaseRow| (row.pay_by, Direct::Purchase(row.id));
            rows.into_iter().map(direct).collect()
        }
        Watched::Counters => {
            let after = (passed.0, number.map(CounterId));
            let page = app.views.unpaid_counters(after, until, A_LOOK).await;
            let rows = page.map(|page| page.value).unwrap_or_default();
            let direct = |row: views::CounterRow| Some((row.pay_by?, Direct::Counter(row.id)));
            rows.into_iter().filter_map(direct).collect()
        }
    }
}

/// Asks about each, some at once; answers with those that could not be asked about.
async fn ask_all(app: &App, due: Vec<Direct>) -> Vec<Direct> {
    let asked = futures_util::stream::iter(due).map(|what| async move {
        let error = ask_direct(app, what).await.err()?;
        tracing::warn!(%what, %error, "{what} could not be asked about: {error}");
        Some(what)
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
            what: Direct::Purchase(PurchaseId(4711)),
            of: Of::Sku(SkuId(3)),
            member: MemberId(17),
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
        let bill = Bought {
            what: Direct::Counter(CounterId(4711)),
            of: Of::Store(StoreId(3)),
            ..known()
        };
        assert_eq!(bill.no().to_string(), "c4711-7408f8781d");
        assert_eq!(DirectNo::read("c4711-7408f8781d"), Some(bill.no()));
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
        assert_eq!(DirectNo::read(&own.to_string()), Some(own));
        let longest = Bought {
            what: Direct::Purchase(PurchaseId(u64::MAX)),
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
            assert_eq!(DirectNo::read(&other), None, "{other:?}");
        }
    }
}
