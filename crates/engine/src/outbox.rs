//! What is still to be done in the world outside, asked of the world in bounded pages.
//!
//! Why pages of questions and not a list: pending is what has no result event yet, and that the world knows. After
//! a crash the same questions give the same work, so there is nothing to keep. The work itself, against payment
//! channel and beacon, is done where those are known; its results come back as commands.

use std::time::Duration;

use domain::{
    AwaitedDraw, DrawFiles, GroupId, PaymentId, PendingPayout, PendingRefund, RefundId,
    WaitingReservation,
};
use tokio::sync::watch;

use crate::error::SubmitError;
use crate::handle::EngineHandle;

/// Most entries of one page.
pub const MAX_PAGE: usize = 1000;

/// Asks what is to be done, and waits for more.
#[derive(Clone)]
pub struct Outbox {
    engine: EngineHandle,
    committed: watch::Receiver<u64>,
}

impl Outbox {
    /// An outbox that sees everything as new.
    pub fn new(engine: EngineHandle) -> Outbox {
        let mut committed = engine.committed();
        committed.mark_changed();
        Outbox { engine, committed }
    }

    /// Refunds that the channel has not confirmed, in order of their numbers, beginning after `after`; at most
    /// `limit` and [`MAX_PAGE`].
    pub async fn next_refunds(
        &self,
        after: Option<RefundId>,
        limit: usize,
    ) -> Result<Vec<PendingRefund>, SubmitError> {
        let limit = limit.min(MAX_PAGE);
        let (page, _) = self
            .engine
            .query(move |world| world.pending_refunds(after, limit))
            .await?;
        Ok(page)
    }

    /// Withdrawals that the channel is to pay or has not ended, in the order of their approval, beginning after the place
    /// `after`; at most `limit` and [`MAX_PAGE`].
    pub async fn next_payouts(
        &self,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<PendingPayout>, SubmitError> {
        let limit = limit.min(MAX_PAGE);
        let (page, _) = self
            .engine
            .query(move |world| world.pending_payouts(after, limit))
            .await?;
        Ok(page)
    }

    /// Full groups that wait for their beacon round, the earliest first; at most `limit` and [`MAX_PAGE`].
    pub async fn next_draws(&self, limit: usize) -> Result<Vec<AwaitedDraw>, SubmitError> {
        let limit = limit.min(MAX_PAGE);
        let (page, _) = self
            .engine
            .query(move |world| world.awaiting_draw(limit))
            .await?;
        Ok(page)
    }

    /// The files that a full group's draw is made from; `None` when it does not wait for one (any more).
    pub async fn draw_files(&self, group: GroupId) -> Result<Option<DrawFiles>, SubmitError> {
        let (files, _) = self
            .engine
            .query(move |world| world.draw_files(group))
            .await?;
        Ok(files)
    }

    /// Void groups whose round is not known yet, at most `limit` and [`MAX_PAGE`].
    pub async fn late_rounds(&self, limit: usize) -> Result<Vec<AwaitedDraw>, SubmitError> {
        let limit = limit.min(MAX_PAGE);
        let query = self.engine.query(move |world| world.late_rounds(limit));
        let (page, _) = query.await?;
        Ok(page)
    }

    /// Reservations that wait for their payment, beginning after `after`; at most `limit` and [`MAX_PAGE`]. The
    /// channel is asked about them at the start, in case its notice was lost.
    pub async fn next_reservations(
        &self,
        after: Option<PaymentId>,
        limit: usize,
    ) -> Result<Vec<WaitingReservation>, SubmitError> {
        let limit = limit.min(MAX_PAGE);
        let query = self
            .engine
            .query(move |world| world.waiting_reservations(after, limit));
        let (page, _) = query.await?;
        Ok(page)
    }

    /// Waits until something was committed since the last call (the first call returns at once), or until the time
    /// is over, for work that is due by the clock or to be tried again. Errors when the engine has stopped.
    pub async fn wait(&mut self, at_most: Duration) -> Result<(), SubmitError> {
        tokio::select! {
            changed = self.committed.changed() => changed.map_err(|_| SubmitError::Stopped),
            _ = self.engine.stopped() => Err(SubmitError::Stopped),
            () = tokio::time::sleep(at_most) => Ok(()),
        }
    }
}
