//! Asks the channel about payments that gateways report, those of many requests in one question.

use std::sync::Arc;

use domain::Txn;
use payments::{Channel, ChannelError, MAX_BATCH, Transaction};

use super::arrivals::Doubtful;
use crate::gather::{AtOnce, Gather};

/// As much as the channel takes, and few questions at once, so that they gather.
const AT_ONCE: AtOnce = AtOnce {
    keys: MAX_BATCH,
    questions: 4,
};

/// Questions to the channel about payments.
pub(crate) struct Confirmer(Gather<Txn, Option<Transaction>, Arc<ChannelError>>);

impl Confirmer {
    pub(crate) fn new(channel: Channel) -> Confirmer {
        Confirmer(Gather::new(AT_ONCE, move |txns: Vec<Txn>| {
            let channel = channel.clone();
            Box::pin(async move {
                let txns: Vec<&str> = txns.iter().map(Txn::as_str).collect();
                let found = channel.query_transactions(&txns).await;
                found.map_err(Arc::new)
            })
        }))
    }

    /// What the channel knows of these payments, in the same order; at most [`MAX_BATCH`].
    pub(crate) async fn ask(&self, txns: Vec<Txn>) -> Result<Vec<Option<Transaction>>, Doubtful> {
        match self.0.ask(txns).await {
            Some(found) => found.map_err(Doubtful::Channel),
            None => Err(Doubtful::Unasked),
        }
    }
}
