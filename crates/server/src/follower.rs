//! Brings the views up to date with the journal, and tells those who watch a group.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::{Event, GroupId, Record};
use engine::RecordReader;
use tokio::sync::watch;
use views::Projector;

use crate::app::App;
use crate::wire::GroupNews;

/// About how many bytes of journal are taken into the views at once.
const BATCH_BYTES: usize = 1024 * 1024;
/// Wait before a database that failed is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// What subscribers of groups are told. One channel a group, made by the first subscriber; a channel holds the newest
/// state only, so a slow subscriber skips states and never delays anybody.
#[derive(Default)]
pub(crate) struct News(Mutex<HashMap<GroupId, watch::Sender<GroupNews>>>);

impl News {
    /// Subscribes to a group whose state is `now`, unless something newer is known.
    pub(crate) fn subscribe(&self, group: GroupId, now: GroupNews) -> watch::Receiver<GroupNews> {
        let mut groups = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        groups.retain(|_, sender| 0 < sender.receiver_count());
        groups
            .entry(group)
            .or_insert_with(|| watch::Sender::new(now))
            .subscribe()
    }

    fn watched(&self, changed: BTreeSet<GroupId>) -> Vec<GroupId> {
        let groups = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if groups.is_empty() {
            return Vec::new();
        }
        changed
            .into_iter()
            .filter(|group| groups.contains_key(group))
            .collect()
    }

    /// Tells the subscribers of a group, if anything they see has changed and this is not older.
    pub(crate) fn tell(&self, group: GroupId, news: GroupNews) {
        let groups = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = groups.get(&group) {
            sender.send_if_modified(|known| {
                let number = |news: &GroupNews| news.seq.parse::<u64>().unwrap_or(0);
                if number(&news) < number(known) {
                    return false;
                }
                let changed =
                    (&known.state, known.paid, known.held) != (&news.state, news.paid, news.held);
                *known = news;
                changed
            });
        }
    }
}

/// Follows the journal until the engine ends.
pub(crate) async fn run(app: Arc<App>, mut projector: Projector, mut reader: RecordReader) {
    let mut committed = app.engine.committed();
    committed.mark_changed();
    loop {
        tokio::select! {
            changed = committed.changed() => if changed.is_err() { return },
            _ = app.engine.stopped() => return,
        }
        loop {
            // Reading is disk and decoding: not for the threads that answer requests.
            let read = tokio::task::spawn_blocking(move || {
                let records = reader.read(BATCH_BYTES);
                (reader, records)
            });
            let (back, records) = match read.await {
                Ok(read) => read,
                Err(error) => return tracing::error!(%error, "the views stand still: {error}"),
            };
            reader = back;
            let records = match records {
                Ok(records) if records.is_empty() => break,
                Ok(records) => records
                    .into_iter()
                    .map(|stored| (stored.seq, stored.record))
                    .collect::<Vec<_>>(),
                Err(error) => {
                    return tracing::error!(%error, "the views stand still: the journal cannot be read: {error}");
                }
            };
            for (_, record) in &records {
                app.reservations.saw(record, &app.config.pace);
            }
            if !apply(&app, &mut projector, &records).await {
                return;
            }
            for (_, record) in &records {
                app.reservations.holds(record, &app.config.pace);
            }
            tell(&app, &records).await;
        }
    }
}

/// Takes records into the views, again and again while the database fails; false where they can never be taken.
async fn apply(app: &App, projector: &mut Projector, records: &[(u64, Record)]) -> bool {
    loop {
        match projector.apply(records, None).await {
            Ok(()) => return true,
            Err(views::ProjectError::Store(error)) => {
                tracing::error!(%error, "the views could not be written, trying again: {error}");
                if !app.pause(RETRY).await {
                    return false;
                }
            }
            Err(
                error @ (views::ProjectError::WrongSequence { .. }
                | views::ProjectError::DoesNotFit { .. }
                | views::ProjectError::FreezeDiffers { .. }),
            ) => {
                tracing::error!(%error, "the views stand still: {error}");
                return false;
            }
        }
    }
}

async fn tell(app: &App, records: &[(u64, Record)]) {
    let changed = records
        .iter()
        .flat_map(|(_, record)| &record.events)
        .filter_map(group_of)
        .collect();
    for group in app.news.watched(changed) {
        if let Ok(Some(news)) = news(app, group).await {
            app.news.tell(group, news);
        }
    }
}

/// A group's state for its subscribers.
pub(crate) async fn news(
    app: &App,
    group: GroupId,
) -> Result<Option<GroupNews>, views::StoreError> {
    let views::At { seq, value } = app.views.group(group).await?;
    Ok(value.map(|row| GroupNews {
        seq: seq.to_string(),
        state: row.state.name().to_owned(),
        paid: row.paid,
        held: crate::present::unpaid(&row),
    }))
}

fn group_of(event: &Event) -> Option<GroupId> {
    match event {
        Event::GroupOpened { group, .. }
        | Event::GroupFilled { group, .. }
        | Event::GroupClosed { group, .. } => Some(*group),
        Event::SeatReserved { payment, .. }
        | Event::SeatLapsed { payment }
        | Event::PaymentAccepted { payment, .. }
        | Event::SeatLeft { payment, .. } => Some(payment.group),
        Event::GroupSettled(settled) => Some(settled.group),
        Event::MemberRegistered { .. }
        | Event::InviterBound { .. }
        | Event::CampaignPublished { .. }
        | Event::CapitalDeposited { .. }
        | Event::PaymentBounced { .. }
        | Event::RefundPaid { .. }
        | Event::OrderShipped { .. }
        | Event::OrderReceived { .. }
        | Event::OrderKept { .. }
        | Event::RewardsVested { .. } => None,
    }
}
