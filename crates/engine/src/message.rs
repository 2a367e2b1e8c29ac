//! What reaches the writer, and what waits for its batch.

use domain::{Command, Refusal, Request, World};
use tokio::sync::oneshot;

use crate::Reply;

/// What a request is answered with once its batch is durable.
pub(crate) type Outcome = Result<Reply, Refusal>;

/// Runs on the writer's thread; what it returns is run when the batch is durable.
pub(crate) type Query = Box<dyn FnOnce(&World, u64) -> Deliver + Send>;

/// Gives a query's result to its caller.
pub(crate) type Deliver = Box<dyn FnOnce() + Send>;

/// What is sent to the writer.
pub(crate) enum Message {
    /// One command.
    One(Lane, Request, oneshot::Sender<Outcome>),
    /// Several commands with one reply.
    Many(Lane, Vec<Request>, oneshot::Sender<Vec<Outcome>>),
    /// A question.
    Query(Query),
    /// A batch has come back.
    Wake,
    /// Finish what was accepted, then end.
    Shutdown,
}

/// Which of the two queues a command waits in. Settling a large group takes as long as thousands of joins, so
/// settlements are taken in turn with joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Everything else.
    Door,
    /// Draws and voids.
    Settlements,
}

impl Lane {
    /// Its place in tables by lane.
    pub(crate) fn index(self) -> usize {
        match self {
            Lane::Door => 0,
            Lane::Settlements => 1,
        }
    }

    /// The lane of a command.
    #[expect(clippy::wildcard_enum_match_arm, reason = "all others go by the door")]
    pub(crate) fn of(command: &Command) -> Lane {
        match command {
            Command::SettleGroup { .. } | Command::VoidGroup { .. } => Lane::Settlements,
            _ => Lane::Door,
        }
    }

    /// The lane of several commands: one settlement among them sends all there, so that their order is kept.
    pub(crate) fn of_many(requests: &[Request]) -> Lane {
        let settles = |request: &Request| Lane::of(&request.command) == Lane::Settlements;
        if requests.iter().any(settles) {
            Lane::Settlements
        } else {
            Lane::Door
        }
    }
}

/// An outcome that must not leave before its batch is durable. Dropped unanswered, it tells the caller that the
/// engine has stopped.
pub(crate) enum Waiting {
    One(oneshot::Sender<Outcome>, Outcome),
    Many(oneshot::Sender<Vec<Outcome>>, Vec<Outcome>),
    Query(Deliver),
}

impl Waiting {
    /// Gives the outcome to its caller, who may have gone.
    pub(crate) fn answer(self) {
        match self {
            Waiting::One(to, outcome) => {
                let _ = to.send(outcome);
            }
            Waiting::Many(to, outcomes) => {
                let _ = to.send(outcomes);
            }
            Waiting::Query(deliver) => deliver(),
        }
    }
}
