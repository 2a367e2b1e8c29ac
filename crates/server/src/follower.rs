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
const READ_BYTES: usize = 1024 * 1024;
/// How often it is looked whether the views' files are still there, when nothing happens.
const LOOK: Duration = Duration::from_secs(1);
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
                let changed = (&known.state, known.paid, known.reserved)
                    != (&news.state, news.paid, news.reserved);
                *known = news;
                changed
            });
        }
    }
}

/// Follows the journal until the engine ends.
pub(crate) async fn run(app: Arc<App>, projector: Projector, reader: RecordReader) {
    let mut committed = app.engine.committed();
    committed.mark_changed();
    let mut follower = Follower {
        app,
        projector,
        reader: Some(reader),
        taken: Vec::new(),
    };
    loop {
        tokio::select! {
            changed = committed.changed() => if changed.is_err() { return },
            _ = follower.app.engine.stopped() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        if !follower.catch_up().await {
            return;
        }
    }
}

struct Follower {
    app: Arc<App>,
    projector: Projector,
    /// Elsewhere while it reads.
    reader: Option<RecordReader>,
    /// What the open transaction holds.
    taken: Vec<(u64, Record)>,
}

/// Why the views do not follow.
enum Trouble {
    /// Their files are not what they were.
    Lost(&'static str),
    /// Their database failed.
    Store(views::StoreError),
    /// They never can again.
    Stuck(String),
}

impl From<views::StoreError> for Trouble {
    fn from(error: views::StoreError) -> Trouble {
        Trouble::Store(error)
    }
}

impl From<views::ProjectError> for Trouble {
    fn from(error: views::ProjectError) -> Trouble {
        match error {
            views::ProjectError::Store(error) => Trouble::Store(error),
            error @ (views::ProjectError::WrongSequence { .. }
            | views::ProjectError::DoesNotFit { .. }
            | views::ProjectError::FreezeDiffers { .. }) => Trouble::Stuck(error.to_string()),
        }
    }
}

impl Follower {
    /// Takes into the views what is durable; false where they can follow no more, or the server is to stop.
    async fn catch_up(&mut self) -> bool {
        loop {
            let step = match self.projector.lost() {
                Some(why) => Err(Trouble::Lost(why)),
                None => self.step().await,
            };
            match step {
                Ok(true) => {}
                Ok(false) => return true,
                Err(trouble) => {
                    if !self.recovers(trouble).await {
                        return false;
                    }
                }
            }
        }
    }

    /// Takes the next records; false if there are none.
    async fn step(&mut self) -> Result<bool, Trouble> {
        let records = self.read().await?;
        if records.is_empty() {
            self.projector.commit().await?;
            self.committed().await;
            return Ok(false);
        }
        for (_, record) in &records {
            self.app.reservations.saw(record, &self.app.config.pace);
        }
        let head = *self.app.engine.committed().borrow();
        let committed = self.projector.take_towards(head, &records).await?;
        self.taken.extend(records);
        if committed {
            self.committed().await;
        }
        Ok(true)
    }

    /// Tells those who wait for what the views hold now.
    async fn committed(&mut self) {
        let taken = std::mem::take(&mut self.taken);
        for (_, record) in &taken {
            self.app.reservations.holds(record, &self.app.config.pace);
        }
        tell(&self.app, &taken).await;
    }

    async fn read(&mut self) -> Result<Vec<(u64, Record)>, Trouble> {
        let Some(mut reader) = self.reader.take() else {
            return Err(Trouble::Stuck("nothing reads the journal".to_owned()));
        };
        // Reading is disk and decoding: not for the threads that answer requests.
        let read = tokio::task::spawn_blocking(move || {
            let records = reader.read(READ_BYTES);
            (reader, records)
        });
        let (reader, records) = read
            .await
            .map_err(|error| Trouble::Stuck(error.to_string()))?;
        self.reader = Some(reader);
        let records = records
            .map_err(|error| Trouble::Stuck(format!("the journal cannot be read: {error}")))?;
        let numbered = records
            .into_iter()
            .map(|stored| (stored.seq, stored.record));
        Ok(numbered.collect())
    }

    /// Makes it possible to go on; false where it is not.
    async fn recovers(&mut self, trouble: Trouble) -> bool {
        self.taken.clear();
        match trouble {
            Trouble::Stuck(why) => {
                tracing::error!("the views stand still: {why}");
                return false;
            }
            Trouble::Lost(why) => self.make_again(why).await,
            Trouble::Store(error) if error.is_damage() => {
                tracing::error!(%error, "the views are damaged: {error}");
                self.make_again("the file is damaged").await;
                // Should it be our own statement that is wrong, the disk is not written to death.
                self.app.pause(RETRY).await;
            }
            Trouble::Store(error) => {
                tracing::error!(%error, "the views could not be written, trying again: {error}");
                if !self.app.pause(RETRY).await {
                    return false;
                }
            }
        }
        // What was taken and not committed is read again.
        let next = self.projector.applied().saturating_add(1);
        match self.app.engine.reader(next).await {
            Ok(reader) => self.reader = Some(reader),
            Err(error) => {
                tracing::error!(%error, "the views stand still: {error}");
                return false;
            }
        }
        true
    }

    /// Empties the views, to be filled from the journal. Readers go over to the new file by themselves.
    async fn make_again(&mut self, why: &'static str) {
        tracing::error!(
            why,
            "the views are lost ({why}); they are made again from the journal, and lists and histories are behind until \
             that is done: nobody but this program may touch views.db while it runs"
        );
        if let Err(error) = self.projector.rebuild().await {
            tracing::error!(%error, "the views could not be made again, trying again: {error}");
            self.app.pause(RETRY).await;
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
        reserved: crate::present::unpaid(&row),
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
