//! Payments that have arrived: asks the channel what is true, then lets the domain decide.
//!
//! Why the channel is asked although its notice is signed: a notice says what was; the answer says what is, and finds
//! a second payment of the same order too.

use std::sync::Arc;

use domain::{
    Actor, Answer, Command, GroupId, MemberId, Money, PaymentAnswer, PaymentId, Refusal, Request,
    SeatState, Txn, World,
};
use draw::Ident;
use engine::SubmitError;
use payments::{ChannelError, OrderState, RefusalCode, Transaction};

use super::names::{MOST_ORDERS, OrderNo, Place};
use super::orders::Attach;
use crate::app::App;
use crate::http::Problem;

/// A payment as the channel confirmed it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) txn: Txn,
    pub(crate) amount: Money,
}

/// Why a payment could not be dealt with now. Nothing is lost: it is asked about again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Doubtful {
    /// The channel gave no answer.
    #[error("the channel does not answer")]
    Channel(#[source] Arc<ChannelError>),
    /// The question to the channel broke off.
    #[error("the question to the channel broke off")]
    Unasked,
    /// The channel gave a transaction number that cannot be one.
    #[error("the channel's number of a payment cannot be one")]
    Number,
    /// The channel does not know the payment that it announced.
    #[error("the channel does not know this payment")]
    Unconfirmed,
    /// The engine did not take the command, or refused it for a reason that payments are never refused for.
    #[error(transparent)]
    Engine(#[from] SubmitError),
    /// The history cannot be read up to now.
    #[error("the history does not stand at the present yet")]
    History,
    /// The directory cannot be read.
    #[error("the directory cannot be read")]
    Directory,
}

impl From<Doubtful> for Problem {
    fn from(doubtful: Doubtful) -> Problem {
        match doubtful {
            Doubtful::Channel(error) => {
                tracing::warn!(%error, "the payment channel does not answer: {error}");
                Problem::new(
                    axum::http::StatusCode::SERVICE_UNAVAILABLE,
                    "channel_unreachable",
                    "the payment channel does not answer; ask again",
                )
                .retry_after(5)
            }
            Doubtful::Unasked => Problem::busy(),
            Doubtful::Unconfirmed => Problem::conflict(
                "payment_unconfirmed",
                "asked for it, the channel does not know this payment",
            ),
            Doubtful::Number => Problem::conflict(
                "payment_unconfirmed",
                "the channel's number of a payment cannot be one",
            ),
            Doubtful::Engine(error) => crate::app::engine_problem(error),
            Doubtful::History | Doubtful::Directory => Problem::new(
                axum::http::StatusCode::SERVICE_UNAVAILABLE,
                "view_behind",
                "the history does not stand at the present yet; ask again",
            )
            .retry_after(1),
        }
    }
}

/// Asks the channel about the orders of a payment's reservation and takes in whatever was paid.
pub(crate) async fn ask(app: &App, payment: PaymentId) -> Result<(), Doubtful> {
    let Some(place) = place_of(app, payment).await? else {
        return Ok(());
    };
    // There is a next order only where what was paid for the one before went back.
    for attempt in 1..=MOST_ORDERS {
        let found = ask_order(app, place.order_no(attempt)).await?;
        if found.is_empty() || is_paid(app, payment).await? {
            break;
        }
        app.pay_pages.forget(payment);
    }
    Ok(())
}

async fn is_paid(app: &App, payment: PaymentId) -> Result<bool, SubmitError> {
    let state = move |world: &World| world.seat(payment).map(|(_, seat)| seat.state);
    let state = app.engine.query(state).await?.0;
    Ok(state == Some(SeatState::Paid))
}

/// Asks the channel about an order and takes in whatever was paid. Answers with what the channel has.
pub(crate) async fn ask_order(app: &App, order: OrderNo) -> Result<Vec<Transaction>, Doubtful> {
    let found = query(app, &order.to_string())
        .await?
        .map(|state| state.transactions)
        .unwrap_or_default();
    for transaction in &found {
        arrived(app, order, transaction).await?;
    }
    Ok(found)
}

/// What the channel knows of one order; none where it was never created.
async fn query(app: &App, order_no: &str) -> Result<Option<OrderState>, Doubtful> {
    match app.config.channel.query(order_no).await {
        Ok(state) => Ok(Some(state)),
        Err(error) if error.refusal() == Some(RefusalCode::NotFound) => Ok(None),
        Err(error) => Err(Doubtful::Channel(Arc::new(error))),
    }
}

/// Reads what the domain needs of a transaction.
pub(super) fn arrival(transaction: &Transaction) -> Result<Arrival, Doubtful> {
    let txn = Txn::new(&transaction.txn_id).map_err(|_| Doubtful::Number)?;
    Ok(Arrival {
        txn,
        amount: Money(transaction.amount_fen),
    })
}

/// Takes in a confirmed payment of an order. Any number of times, with one effect.
///
/// Why the history is asked first: the domain knows what holds a place or is on its way back, but forgets what has gone
/// back. Money that came for an order before there was such a reservation went back; when there is one, the channel
/// still tells of it. Why the order's whole number is looked at, and its purpose, too: after a restore from an older
/// backup numbers are given a second time, and the channel still has the orders and payments of the first.
async fn arrived(
    app: &App,
    order: OrderNo,
    transaction: &Transaction,
) -> Result<PaymentAnswer, Doubtful> {
    let paid = arrival(transaction)?;
    // What the domain has forgotten lies far enough back for the views as they stand; nobody waits for them here.
    if told_of(app, &paid.txn).await? {
        return Ok(PaymentAnswer::Known);
    }
    let attach = Attach::read(&transaction.attach);
    let is_for = |place: &Place| {
        let attach = attach.as_ref();
        place.has(order)
            && attach.is_some_and(|attach| attach.is_for(place.payment.group, place.member))
    };
    let payment = order.payment;
    loop {
        let place = app.engine.query(move |world| Place::of(world, payment));
        let tag = match place.await?.0 {
            Some(place) if !is_for(&place) => {
                return strayed(app, order, attach.as_ref(), paid).await;
            }
            Some(place) => tag_of(app, place.member, &place.tag_ident).await?,
            // The group is over or unknown: no seat will hold the payment, so no tag is stored.
            None => [0; 32],
        };
        let Arrival { txn, amount } = paid;
        let command = Command::AcceptPayment {
            payment,
            txn,
            amount,
            tag,
        };
        match submit(app, command).await {
            // The reservation came between question and command: now it is there to be asked about.
            Err(SubmitError::Refused(Refusal::TagMissing)) => {}
            Err(SubmitError::Refused(Refusal::PaymentNotInMemory(_))) => break,
            answer => {
                let answer = answer?;
                if let PaymentAnswer::Bounced { .. } = answer {
                    // Its order can be paid no more; the place may be, at another.
                    app.pay_pages.forget(payment);
                }
                return Ok(answer);
            }
        }
    }
    // Nothing in memory knows it: dealt with long ago, or to be sent back.
    match place_of(app, payment).await?.filter(is_for) {
        Some(place) => send_back(app, Some(payment), Some(place.member), paid).await,
        None => strayed(app, order, attach.as_ref(), paid).await,
    }
}

/// Sends back what was paid for a place that this history does not know: another history's, whose end was lost. The
/// payer is told where the order's number proves who he is: for a group that is the same in both, by his token.
async fn strayed(
    app: &App,
    order: OrderNo,
    attach: Option<&Attach<'_>>,
    paid: Arrival,
) -> Result<PaymentAnswer, Doubtful> {
    let group = order.payment.group;
    let named = attach.and_then(|attach| attach.member_for(group));
    let payer = match named {
        Some(member) => place_for(app, order.payment, member).await?,
        None => None,
    };
    let member = payer
        .filter(|place| place.has(order))
        .map(|place| place.member);
    let answer = send_back(app, member.map(|_| without_place(group)), member, paid).await?;
    if let PaymentAnswer::Bounced { .. } = answer {
        let txn = paid.txn;
        tracing::warn!(
            %order,
            %txn,
            "payment {txn} of order {order} is for a place that this history does not know, and goes back"
        );
    }
    Ok(answer)
}

/// What a reservation's order is made for; none if there is no such reservation.
async fn place_of(app: &App, payment: PaymentId) -> Result<Option<Place>, Doubtful> {
    let in_memory = app.engine.query(move |world| Place::of(world, payment));
    if let Some(place) = in_memory.await?.0 {
        return Ok(Some(place));
    }
    // What the views have is final; that they have nothing, only if they stand at the present.
    let mut seat = app.views.seat(payment).await;
    if matches!(&seat, Ok(seat) if seat.value.is_none()) {
        at_present(app).await?;
        seat = app.views.seat(payment).await;
    }
    let seat = seat.map_err(|_| Doubtful::History)?.value;
    match seat {
        Some(seat) => place_for(app, payment, seat.member).await,
        None => Ok(None),
    }
}

/// What the order of this member's would be made for; none if there is no such member or group.
async fn place_for(
    app: &App,
    payment: PaymentId,
    member: MemberId,
) -> Result<Option<Place>, Doubtful> {
    let group = app.views.group(payment.group).await;
    let row = group.map_err(|_| Doubtful::History)?.value;
    let question = move |world: &World| {
        let until = world.group(payment.group)?.expires_at;
        let until = until.or(row.map(|row| row.expires_at))?;
        Place::for_member(world, payment, member, until)
    };
    Ok(app.engine.query(question).await?.0)
}

/// Sends back what a gateway's member has paid for a group that is over, unless it was dealt with before.
pub(crate) async fn joined(
    app: &App,
    group: GroupId,
    member: MemberId,
    paid: Arrival,
) -> Result<PaymentAnswer, Doubtful> {
    send_back(app, Some(without_place(group)), Some(member), paid).await
}

/// There is no reservation; the group in a payment's number is what tells the member why.
fn without_place(group: GroupId) -> PaymentId {
    PaymentId {
        group,
        index: domain::NO_RESERVATION,
    }
}

/// Sends money back that can hold no place, unless it was dealt with before. One at a time: between the look into the
/// history and the command nobody else may send the same money back.
async fn send_back(
    app: &App,
    payment: Option<PaymentId>,
    member: Option<MemberId>,
    paid: Arrival,
) -> Result<PaymentAnswer, Doubtful> {
    let _one_at_a_time = app.strays.lock().await;
    if in_history(app, &paid.txn).await? {
        return Ok(PaymentAnswer::Known);
    }
    let Arrival { txn, amount } = paid;
    let command = Command::BouncePayment {
        payment,
        member,
        txn,
        amount,
    };
    Ok(submit(app, command).await?)
}

/// Whether the history up to this moment knows the payment.
pub(super) async fn in_history(app: &App, txn: &Txn) -> Result<bool, Doubtful> {
    at_present(app).await?;
    told_of(app, txn).await
}

/// Waits until the views hold the history up to this moment.
async fn at_present(app: &App) -> Result<(), Doubtful> {
    let head = *app.engine.committed().borrow();
    let stands = app.views.at_least(head, views::AT_LEAST_WAIT).await;
    stands.map(|_| ()).map_err(|_| Doubtful::History)
}

/// Whether the views, as far as they have come, know the payment.
pub(super) async fn told_of(app: &App, txn: &Txn) -> Result<bool, Doubtful> {
    let known = app.views.money_in(txn).await;
    Ok(known.map_err(|_| Doubtful::History)?.value.is_some())
}

async fn submit(app: &App, command: Command) -> Result<PaymentAnswer, SubmitError> {
    let reply = app
        .engine
        .submit(Request {
            actor: Actor::System,
            key: None,
            command,
        })
        .await?;
    Ok(match reply.answer {
        Answer::Payment(answer) => {
            super::flag(&answer);
            answer
        }
        Answer::Done
        | Answer::Member(_)
        | Answer::Campaign(_)
        | Answer::Reserved { .. }
        | Answer::Withdrawal(_)
        | Answer::Merchant(_)
        | Answer::Store(_)
        | Answer::Sku(_)
        | Answer::Purchase(_)
        | Answer::Counter(_)
        | Answer::Table(_) => PaymentAnswer::Known,
    })
}

/// The member's tag in a group's draw. Somebody whose row was deleted keeps his seat, under a tag that nothing links
/// to him.
pub(crate) async fn tag_of(
    app: &App,
    member: MemberId,
    ident: &Ident,
) -> Result<[u8; 32], Doubtful> {
    let secret = match app
        .people
        .secret(member)
        .await
        .map_err(|_| Doubtful::Directory)?
    {
        Some(secret) => secret,
        None => crate::people::random().map_err(|_| Doubtful::Directory)?,
    };
    Ok(tag(member, ident, &secret))
}

/// The tag that a secret gives a member in a group's draw (draw 3).
pub(crate) fn tag(member: MemberId, group: &Ident, secret: &[u8; 32]) -> [u8; 32] {
    draw::member_tag(&draw::salt(secret, group), &member.to_string()).0
}
