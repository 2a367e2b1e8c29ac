//! Registrations for ballots: the second half of joining one, which takes the reserved place for nothing.
//!
//! Why in two steps: the member's tag is made of the group's name and a secret of the directory, so the group and the place must
//! be there first. If the server ends between the two the place lapses, or the same request with the same key takes it.

use domain::{Actor, BallotCommand, Command, MemberId, PaymentId, Refusal, Request};
use engine::SubmitError;
use views::SeatStatus;

use crate::app::{App, engine_problem, store_problem};
use crate::http::{Problem, Result};
use crate::money::tag_of;
use crate::terms::GroupTerms;

/// Registers a member for the place that he has reserved; any number of times, with one effect. Answers with the sequence it
/// stands at.
pub(crate) async fn register(
    app: &App,
    (actor, member): (Actor, MemberId),
    payment: PaymentId,
    terms: &GroupTerms,
) -> Result<u64> {
    let tag = tag_of(app, member, &terms.ident).await?;
    let command = Command::Ballot(BallotCommand::Register {
        payment,
        member,
        tag,
    });
    let request = Request {
        actor,
        key: None,
        command,
    };
    match app.engine.submit(request).await {
        Ok(reply) => Ok(reply.seq),
        Err(SubmitError::Refused(Refusal::GroupNotOpen(_))) => was_registered(app, payment).await,
        Err(error) => Err(engine_problem(error)),
    }
}

/// A request that is repeated after its group has ended is answered as it was.
async fn was_registered(app: &App, payment: PaymentId) -> Result<u64> {
    let head = *app.engine.committed().borrow();
    app.reach(Some(head)).await?;
    let found = app.views.seat(payment).await.map_err(store_problem)?;
    let seat = found.value.map(|seat| (seat.state, seat.tag));
    match seat {
        Some((SeatStatus::Reserved, _) | (_, None)) | None => {
            Err(Problem::from(Refusal::GroupNotOpen(payment.group)))
        }
        Some((_, Some(_))) => Ok(found.seq),
    }
}
