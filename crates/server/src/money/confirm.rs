//! Asks the channel about payments that gateways report, those of many requests in one question.
//!
//! Why gathered: a gateway that sends joins one by one would else cost a call to the channel for each. The first goes
//! out at once; what comes while it is under way waits for the next, so nobody waits for company. Bounded by the room
//! for requests.

use std::sync::{Arc, Mutex, PoisonError};

use domain::Txn;
use payments::{Channel, ChannelError, MAX_BATCH, Transaction};
use tokio::sync::oneshot;

use super::arrivals::Doubtful;

/// Most questions that are under way at once.
const MOST_ASKING: usize = 4;
/// From so many payments on a request has a question of its own.
const ALONE: usize = MAX_BATCH / 4;

type Found = Result<Vec<Option<Transaction>>, Arc<ChannelError>>;

/// Questions to the channel about payments.
pub(crate) struct Confirmer {
    channel: Channel,
    waiting: Arc<Mutex<Waiting>>,
}

#[derive(Default)]
struct Waiting {
    asked: Vec<Asked>,
    /// Questions under way.
    asking: usize,
}

struct Asked {
    txns: Vec<Txn>,
    to: oneshot::Sender<Found>,
}

impl Confirmer {
    pub(crate) fn new(channel: Channel) -> Confirmer {
        Confirmer {
            channel,
            waiting: Arc::default(),
        }
    }

    /// What the channel knows of these payments, in the same order; at most [`MAX_BATCH`].
    pub(crate) async fn ask(&self, txns: Vec<Txn>) -> Result<Vec<Option<Transaction>>, Doubtful> {
        if ALONE <= txns.len() {
            return question(&self.channel, &txns)
                .await
                .map_err(|error| Doubtful::Channel(Arc::new(error)));
        }
        let (to, found) = oneshot::channel();
        let is_first = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.asked.push(Asked { txns, to });
            let is_first = waiting.asking < MOST_ASKING;
            waiting.asking += usize::from(is_first);
            is_first
        };
        if is_first {
            tokio::spawn(work_off(self.channel.clone(), self.waiting.clone()));
        }
        match found.await {
            Ok(found) => found.map_err(Doubtful::Channel),
            Err(_) => Err(Doubtful::Unasked),
        }
    }
}

/// Asks until nobody waits.
async fn work_off(channel: Channel, waiting: Arc<Mutex<Waiting>>) {
    loop {
        let asked = {
            let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let asked = take(&mut waiting.asked);
            if asked.is_empty() {
                waiting.asking -= 1;
                return;
            }
            asked
        };
        let txns: Vec<Txn> = asked
            .iter()
            .flat_map(|asked| &asked.txns)
            .copied()
            .collect();
        match question(&channel, &txns).await {
            Ok(found) => {
                let mut found = found.into_iter();
                for Asked { txns, to } in asked {
                    // Whoever asked may have gone.
                    let _ = to.send(Ok(found.by_ref().take(txns.len()).collect()));
                }
            }
            Err(error) => {
                let error = Arc::new(error);
                for Asked { to, .. } in asked {
                    let _ = to.send(Err(error.clone()));
                }
            }
        }
    }
}

/// Takes as many as fit into one question, oldest first.
fn take(asked: &mut Vec<Asked>) -> Vec<Asked> {
    let mut room = MAX_BATCH;
    let fit = asked
        .iter()
        .take_while(|asked| {
            let left = room.checked_sub(asked.txns.len());
            room = left.unwrap_or(0);
            left.is_some()
        })
        .count();
    asked.drain(..fit).collect()
}

async fn question(
    channel: &Channel,
    txns: &[Txn],
) -> Result<Vec<Option<Transaction>>, ChannelError> {
    let txns: Vec<&str> = txns.iter().map(Txn::as_str).collect();
    channel.query_transactions(&txns).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_holds_what_fits_and_keeps_the_order() {
        let txn = Txn::new("42").unwrap();
        let asked = |count: usize| Asked {
            txns: vec![txn; count],
            to: oneshot::channel().0,
        };
        let mut waiting: Vec<Asked> = [200, 240, 240, 240, 240, 1].map(asked).into();
        let lengths = |asked: &[Asked]| asked.iter().map(|a| a.txns.len()).collect::<Vec<_>>();
        assert_eq!(lengths(&take(&mut waiting)), [200, 240, 240, 240]);
        assert_eq!(lengths(&take(&mut waiting)), [240, 1]);
        assert!(take(&mut waiting).is_empty());
    }
}
