//! Compares our books with the channel's own.
//!
//! Why: each payment and refund is confirmed by the channel one by one, but only the sums tell that none was forgotten.
//! While something is on its way the two differ rightly, so a difference is an alarm only when nothing is, twice in a
//! row with the same sums.

use std::sync::Arc;
use std::time::Duration;

use domain::Money;
use payments::{Books, ChannelError};
use views::TrialRow;

use crate::app::App;

/// How often the books are compared.
const EACH: Duration = Duration::from_secs(60);

/// The channel's sums beside ours, in fen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Compared {
    /// What the channel says it holds.
    pub(crate) held: i64,
    /// What it should hold by our books: payments less refunds and payouts, without capital and fees, which it does not count.
    pub(crate) by_our_books: i64,
    /// Refunds that we have not been told the end of.
    pub(crate) refunds_due: i64,
    /// Withdrawals that are approved and that we have not been told the end of, less their fees.
    pub(crate) payouts_due: i64,
    /// Payouts that the channel has accepted and not ended.
    pub(crate) payouts_pending: i64,
    /// Refunds that the channel has accepted and not ended.
    pub(crate) processing: i64,
    /// Notices that the channel has not delivered yet.
    pub(crate) notices_pending: i64,
}

/// Why the two differ, or that they do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// They are the same.
    Equal,
    /// Something is on its way, which may be why.
    OnItsWay,
    /// Nothing is on its way: the channel has money that we know nothing of, such as a gateway's own orders that it
    /// has not reported.
    ChannelHasMore,
    /// Nothing is on its way: money that we count on is not there.
    ChannelHasLess,
}

impl Verdict {
    /// Its stable name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Verdict::Equal => "equal",
            Verdict::OnItsWay => "on_its_way",
            Verdict::ChannelHasMore => "channel_has_more",
            Verdict::ChannelHasLess => "channel_has_less",
        }
    }
}

impl Compared {
    /// Puts the channel's sums beside our trial balance and what is to be paid out.
    pub(crate) fn of(books: &Books, rows: &[TrialRow], payouts_due: Money) -> Compared {
        let balance = |account: &str| {
            rows.iter()
                .find(|row| row.account == account)
                .map_or(0, |row| row.amount)
        };
        // Capital stands in our books as paid in, below zero; fees as what they have cost.
        let by_our_books = balance("channel")
            .saturating_add(balance("capital"))
            .saturating_add(balance("channel-fees"));
        Compared {
            held: books.held_fen,
            by_our_books,
            refunds_due: balance("refunds-due").saturating_neg(),
            payouts_due: payouts_due.0,
            payouts_pending: books.payouts_pending_fen,
            processing: books.processing_fen,
            notices_pending: books.callbacks_pending,
        }
    }

    /// What the channel has more than our books say.
    pub(crate) fn difference(&self) -> i64 {
        self.held.saturating_sub(self.by_our_books)
    }

    /// What to think of it.
    pub(crate) fn verdict(&self) -> Verdict {
        let is_quiet = [
            self.refunds_due,
            self.payouts_due,
            self.payouts_pending,
            self.processing,
            self.notices_pending,
        ]
        .iter()
        .all(|&on_its_way| on_its_way == 0);
        match self.difference() {
            0 => Verdict::Equal,
            _ if !is_quiet => Verdict::OnItsWay,
            1.. => Verdict::ChannelHasMore,
            _ => Verdict::ChannelHasLess,
        }
    }
}

/// Why the books could not be compared.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CompareError {
    #[error(transparent)]
    Channel(#[from] ChannelError),
    #[error(transparent)]
    Views(#[from] views::StoreError),
}

async fn compare(app: &App) -> Result<Compared, CompareError> {
    let books = app.config.channel.books().await?;
    let rows = app.views.trial_balance().await?;
    let payouts_due = app.views.payouts_due().await?;
    Ok(Compared::of(&books, &rows.value, payouts_due.value))
}

/// Compares now and then; ends with the engine.
pub(crate) async fn watch_books(app: Arc<App>) {
    let (mut last, mut told) = (None, None);
    while app.pause(EACH).await {
        let compared = match compare(&app).await {
            Ok(compared) => compared,
            Err(error) => {
                tracing::warn!(%error, "the channel's books could not be compared: {error}");
                continue;
            }
        };
        show(&compared);
        let again = last.replace(compared) == Some(compared);
        let verdict = compared.verdict();
        let is_alarm = matches!(verdict, Verdict::ChannelHasMore | Verdict::ChannelHasLess);
        if is_alarm && again && told != Some(compared) {
            told = Some(compared);
            let (difference_fen, verdict) = (compared.difference(), verdict.name());
            tracing::error!(
                difference_fen,
                verdict,
                "the channel's books differ from ours by {difference_fen} fen while nothing is on its way"
            );
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge; nobody has 2^53 fen")]
fn show(compared: &Compared) {
    metrics::gauge!("channel_difference_fen").set(compared.difference() as f64);
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Asset;

    #[track_caller]
    fn check(held: i64, processing: i64, due: i64, difference: i64, verdict: Verdict) {
        let row = |account: &str, amount| TrialRow {
            account: account.to_owned(),
            asset: Asset::Cny,
            amount,
            above: amount.max(0),
        };
        // 500 of capital and 30 paid, of which 3 went for fees.
        let rows = [
            row("channel", 527),
            row("capital", -500),
            row("channel-fees", 3),
            row("refunds-due", -due),
        ];
        let books = Books {
            held_fen: held,
            processing_fen: processing,
            ..Books::default()
        };
        let compared = Compared::of(&books, &rows, Money::ZERO);
        assert_eq!(
            (
                compared.by_our_books,
                compared.difference(),
                compared.verdict()
            ),
            (30, difference, verdict)
        );
    }

    #[test]
    fn the_channels_books_are_ours_without_capital_and_fees() {
        check(30, 0, 0, 0, Verdict::Equal);
        check(30, 0, 10, 0, Verdict::Equal);
        check(20, 0, 10, -10, Verdict::OnItsWay);
        check(20, 10, 0, -10, Verdict::OnItsWay);
        check(40, 0, 0, 10, Verdict::ChannelHasMore);
        check(20, 0, 0, -10, Verdict::ChannelHasLess);
    }
}
