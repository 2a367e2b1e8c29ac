//! Brings the views up to date with the journal, and tells those who watch a group.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::{Event, GroupId, Record};
use engine::RecordReader;
use tokio::sync::watch;
use tokio::time::Instant;
use views::Projector;

use crate::app::App;
use crate::audit::went_back;
use crate::causes::chain;
use crate::wire::GroupNews;

/// About how many bytes of journal are taken into the views at once.
const READ_BYTES: usize = 1024 * 1024;
/// How often it is looked whether the views' files are still there, when nothing happens.
const LOOK: Duration = Duration::from_secs(1);
/// How long after a transaction of many records the next one begins at the earliest. Each costs something beside its
/// records; so a busy platform writes them in larger ones, and a quiet one at once.
const BREATH: Duration = Duration::from_millis(10);
/// Records from which on a transaction is one of many.
const MANY: u64 = 16;
/// Wait before views that were damaged are followed again.
const RETRY: Duration = Duration::from_secs(1);
/// First wait before a journal or a database that failed is tried again; doubled each time.
const FIRST_WAIT: Duration = Duration::from_millis(50);
/// Longest wait between two tries.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

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
    let head = *committed.borrow();
    let Some(noted) = noted_before(&app, head).await else {
        return;
    };
    let mut follower = Follower {
        app,
        projector,
        next: reader.next_seq(),
        reader: Some(reader),
        taken: Vec::new(),
        noted,
        outage: None,
    };
    loop {
        tokio::select! {
            changed = committed.changed() => if changed.is_err() { return },
            _ = follower.app.engine.stopped() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        let (began, from) = (Instant::now(), follower.next);
        if !follower.catch_up().await {
            return;
        }
        if MANY <= follower.next.saturating_sub(from) {
            tokio::time::sleep_until(began + BREATH).await;
        }
    }
}

/// Up to where what went back was noted before; none if the server is to stop. A directory that has no such note yet has those up to
/// here, which an earlier program has noted.
async fn noted_before(app: &App, head: u64) -> Option<u64> {
    let mut outage = Outage::default();
    let directory = app.people.directory();
    loop {
        let looking = async {
            let noted = directory.went_back_noted().await?;
            if noted.is_none() {
                directory.note_went_back(&[], head).await?;
            }
            Ok::<u64, views::StoreError>(noted.unwrap_or(head))
        };
        match looking.await {
            Ok(noted) => return Some(noted),
            Err(error) => {
                let line = format!("it cannot be read what is noted: {}", chain(&error));
                let (wait, is_new) = outage.again(&line);
                if is_new {
                    tracing::error!("{line}");
                }
                if !app.pause(wait).await {
                    return None;
                }
            }
        }
    }
}

struct Follower {
    app: Arc<App>,
    projector: Projector,
    /// Elsewhere while it reads; none where another one is to be opened.
    reader: Option<RecordReader>,
    /// What is read next.
    next: u64,
    /// What the open transaction holds.
    taken: Vec<(u64, Record)>,
    /// Up to here what went back is noted, by this run or an earlier one.
    noted: u64,
    /// Since something has failed that may work again.
    outage: Option<Outage>,
}

/// Failures in a row.
#[derive(Debug, Default)]
struct Outage {
    tries: u32,
    /// The last line in the log, so that each stands there once.
    said: String,
}

impl Outage {
    /// Counts a failure; how long to wait, and whether it is another one than the last.
    fn again(&mut self, line: &str) -> (Duration, bool) {
        let wait = FIRST_WAIT
            .saturating_mul(1 << self.tries.min(16))
            .min(LONGEST_WAIT);
        self.tries = self.tries.saturating_add(1);
        let is_new = self.said != line;
        line.clone_into(&mut self.said);
        (wait, is_new)
    }
}

/// Why nothing was read.
#[derive(Debug, thiserror::Error)]
enum Unread {
    #[error(transparent)]
    Open(#[from] engine::ReaderError),
    #[error(transparent)]
    Read(#[from] engine::FollowError),
    #[error(transparent)]
    Task(#[from] tokio::task::JoinError),
}

/// Why the views do not follow.
enum Trouble {
    /// Their files are not what they were.
    Lost(&'static str),
    /// The journal was not read.
    Unread(Unread),
    /// Their database failed.
    Store(views::StoreError),
    /// The directory failed, where it is noted what went back.
    Unnoted(views::StoreError),
    /// They never can again.
    Stuck(String),
}

impl From<views::StoreError> for Trouble {
    fn from(error: views::StoreError) -> Trouble {
        Trouble::Store(error)
    }
}

impl From<Unread> for Trouble {
    fn from(error: Unread) -> Trouble {
        Trouble::Unread(error)
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
            let more = match step {
                Ok(more) => more,
                Err(trouble) => {
                    if !self.recovers(trouble).await {
                        return false;
                    }
                    continue;
                }
            };
            if self.outage.take().is_some() {
                tracing::info!("the views follow the journal again");
            }
            if !more {
                return true;
            }
        }
    }

    /// Takes the next records; false if there are none.
    async fn step(&mut self) -> Result<bool, Trouble> {
        let read = self.read().await;
        let records = read.as_deref().unwrap_or_default();
        if records.is_empty() {
            // What was taken does not wait for a journal that cannot be read, either.
            self.projector.commit().await?;
            self.committed().await;
            read?;
            return Ok(false);
        }
        for (_, record) in records {
            self.app.reservations.saw(record, &self.app.config.pace);
        }
        // Before the views hold them: what is not in the views is read again, and what is noted by then is known by its place.
        self.note_went_back(records).await?;
        let head = *self.app.engine.committed().borrow();
        let committed = self.projector.take_towards(head, records).await?;
        self.taken.extend(read?);
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

    /// Notes payments that went back, each once.
    async fn note_went_back(&mut self, records: &[(u64, Record)]) -> Result<(), Trouble> {
        let mut notes = Vec::new();
        let mut noted = self.noted;
        for (seq, record) in records.iter().filter(|(seq, _)| self.noted < *seq) {
            let events = record.events.iter();
            notes.extend(events.filter_map(|event| went_back(event, record.at)));
            noted = *seq;
        }
        if !notes.is_empty() {
            let noting = self.app.people.directory().note_went_back(&notes, noted);
            noting.await.map_err(Trouble::Unnoted)?;
        }
        self.noted = noted;
        Ok(())
    }

    async fn read(&mut self) -> Result<Vec<(u64, Record)>, Unread> {
        let mut reader = match self.reader.take() {
            Some(reader) => reader,
            None => self.app.engine.reader(self.next).await?,
        };
        // Reading is disk and decoding: not for the threads that answer requests.
        let read = tokio::task::spawn_blocking(move || {
            let records = reader.read(READ_BYTES);
            (reader, records)
        });
        let (reader, records) = read.await?;
        // A reader that has failed is not used again.
        let records = records?;
        self.next = reader.next_seq();
        self.reader = Some(reader);
        let numbered = records
            .into_iter()
            .map(|stored| (stored.seq, stored.record));
        Ok(numbered.collect())
    }

    /// Makes it possible to go on; false where it is not.
    async fn recovers(&mut self, trouble: Trouble) -> bool {
        match trouble {
            Trouble::Stuck(why) => {
                tracing::error!("the views stand still: {why}");
                return false;
            }
            Trouble::Unread(error) => {
                // All that was read before has been taken, so reading goes on where it was.
                let line = format!(
                    "the views cannot read the journal, trying again: {}",
                    chain(&error)
                );
                return self.waits(line).await;
            }
            Trouble::Unnoted(error) => {
                let line = format!(
                    "payments that went back could not be noted, trying again: {}",
                    chain(&error)
                );
                if !self.waits(line).await {
                    return false;
                }
            }
            Trouble::Lost(why) => self.make_again(why).await,
            Trouble::Store(error) if error.is_damage() => {
                tracing::error!(%error, "the views are damaged: {error}");
                self.make_again("the file is damaged").await;
                // Should it be our own statement that is wrong, the disk is not written to death.
                self.app.pause(RETRY).await;
            }
            Trouble::Store(error) => {
                let line = format!(
                    "the views could not be written, trying again: {}",
                    chain(&error)
                );
                if !self.waits(line).await {
                    return false;
                }
            }
        }
        // What was taken and not committed is read again.
        self.taken.clear();
        self.reader = None;
        self.next = self.projector.applied().saturating_add(1);
        true
    }

    /// Says what has failed, once, and waits; false if the server is to stop.
    async fn waits(&mut self, line: String) -> bool {
        let (wait, is_new) = self.outage.get_or_insert_default().again(&line);
        if is_new {
            tracing::error!("{line}");
        }
        self.app.pause(wait).await
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
        | Event::GroupClosed { group, .. }
        | Event::RoundFoundLate { group, .. } => Some(*group),
        Event::SeatReserved { payment, .. }
        | Event::SeatLapsed { payment }
        | Event::PaymentAccepted { payment, .. }
        | Event::SeatLeft { payment, .. } => Some(payment.group),
        Event::GroupSettled(settled) => Some(settled.group),
        Event::Ballot(event) => Some(event.group()),
        Event::MemberRegistered { .. }
        | Event::InviterBound { .. }
        | Event::CampaignPublished { .. }
        | Event::CapitalDeposited { .. }
        | Event::PaymentBounced { .. }
        | Event::RefundPaid { .. }
        | Event::OrderShipped { .. }
        | Event::OrderReceived { .. }
        | Event::OrderKept { .. }
        | Event::OrderReturning { .. }
        | Event::OrderReturned { .. }
        | Event::RewardsVested { .. }
        | Event::PlanPublished { .. }
        | Event::RanksCounted { .. }
        | Event::RankSet { .. }
        | Event::RegionDeclared { .. }
        | Event::AgentAppointed { .. }
        | Event::AgentDismissed { .. }
        | Event::MemberFrozen { .. }
        | Event::MemberUnfrozen { .. }
        | Event::AccountDeleted { .. }
        | Event::ProfileAdopted { .. }
        | Event::DividendClosed { .. }
        | Event::LimitsSet { .. }
        | Event::SelfExcluded { .. }
        | Event::PausesBegun { .. }
        | Event::DividendsPaid { .. }
        | Event::WithdrawalRequested { .. }
        | Event::WithdrawalApproved { .. }
        | Event::WithdrawalRejected { .. }
        | Event::WithdrawalWaiting { .. }
        | Event::WithdrawalPaid { .. }
        | Event::WithdrawalFailed { .. }
        | Event::ClawedBack { .. }
        | Event::TaxPaid { .. }
        | Event::SuppliersPaid { .. }
        | Event::Circle(_)
        | Event::Identity(_)
        | Event::Delivery(_)
        | Event::Table(_)
        | Event::Alliance(_)
        | Event::Shop(_)
        | Event::Recharge(_)
        | Event::CoinsExpired { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use domain::{Actor, Command, Money, OperatorId, Request};
    use journal::{
        AppendError, BatchBuilder, Head, Journal, JournalReader, MemoryJournal, MemoryStorage,
        ReadError, SnapshotStore, StoredBatch,
    };

    use super::*;
    use crate::config::{
        ChannelKind, ClientAddress, Config, Demo, DrawInstallation, DrawSource, Limits, Pace,
        SignInCodes,
    };
    use crate::server::open_on;

    #[tokio::test]
    async fn views_follow_again_when_the_journal_could_not_be_read_for_a_while() {
        let faults = Arc::new(Faults::default());
        let journal = Flaky {
            inner: Box::new(MemoryJournal::open(&MemoryStorage::new()).unwrap()),
            faults: faults.clone(),
        };
        let id = views::JournalId {
            first_batch: None,
            head_seq: 0,
        };
        let dir = tempfile::tempdir().unwrap();
        let stop = watch::Sender::new(false);
        let started = open_on((Box::new(journal), id), config(dir.path()), stop).await;
        // Engine and workers end with it.
        let started = started.unwrap();
        let app = started.app.clone();
        let deposit = async || {
            let command = Command::DepositCapital { amount: Money(100) };
            let request = Request {
                actor: Actor::Operator(OperatorId(1)),
                key: None,
                command,
            };
            let seq = app.engine.submit(request).await.unwrap().seq;
            let patience = Duration::from_secs(60);
            app.views.at_least(seq, patience).await.unwrap();
        };
        deposit().await;
        for (reads, opens) in [(1, 0), (3, 0), (1, 2)] {
            faults.opens.store(opens, Ordering::SeqCst);
            faults.reads.store(reads, Ordering::SeqCst);
            deposit().await;
            assert_eq!(faults.reads.load(Ordering::SeqCst), 0, "nothing was read");
            assert_eq!(faults.opens.load(Ordering::SeqCst), 0, "nothing was opened");
        }
    }

    #[test]
    fn waits_grow_to_a_bound_and_each_line_stands_in_the_log_once() {
        let mut outage = Outage::default();
        let (first, is_new) = outage.again("the disk is full");
        assert_eq!((first, is_new), (FIRST_WAIT, true));
        assert_eq!(outage.again("the disk is full"), (2 * FIRST_WAIT, false));
        assert_eq!(outage.again("no such file"), (4 * FIRST_WAIT, true));
        for _ in 0..100 {
            outage.again("no such file");
        }
        assert_eq!(outage.again("no such file"), (LONGEST_WAIT, false));
    }

    /// How often reading, and opening a reader, is still to fail.
    #[derive(Default)]
    struct Faults {
        reads: AtomicU32,
        opens: AtomicU32,
    }

    /// Takes one of what is left; an error if there was one.
    fn fail(left: &AtomicU32) -> Result<(), ReadError> {
        let less = |left: u32| left.checked_sub(1);
        match left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less) {
            Err(_) => Ok(()),
            Ok(_) => Err(ReadError::Store {
                place: "the test".to_owned(),
                source: "disk I/O error".into(),
            }),
        }
    }

    /// A journal whose readers fail on demand.
    struct Flaky {
        inner: Box<dyn Journal>,
        faults: Arc<Faults>,
    }

    impl Journal for Flaky {
        fn head(&self) -> Head {
            self.inner.head()
        }

        fn epoch(&self) -> u64 {
            self.inner.epoch()
        }

        fn append(&mut self, expected_seq: u64, batch: &BatchBuilder) -> Result<Head, AppendError> {
            self.inner.append(expected_seq, batch)
        }

        fn reader(&self) -> Result<Box<dyn JournalReader>, ReadError> {
            fail(&self.faults.opens)?;
            Ok(Box::new(FlakyReader {
                inner: self.inner.reader()?,
                faults: self.faults.clone(),
            }))
        }

        fn snapshots(&self) -> Result<Box<dyn SnapshotStore>, ReadError> {
            self.inner.snapshots()
        }
    }

    struct FlakyReader {
        inner: Box<dyn JournalReader>,
        faults: Arc<Faults>,
    }

    impl JournalReader for FlakyReader {
        fn head(&mut self) -> Result<Head, ReadError> {
            self.inner.head()
        }

        fn read(&mut self, from_seq: u64, most: usize) -> Result<Vec<StoredBatch>, ReadError> {
            fail(&self.faults.reads)?;
            self.inner.read(from_seq, most)
        }

        fn hash_at(&mut self, seq: u64) -> Result<Option<[u8; 32]>, ReadError> {
            self.inner.hash_at(seq)
        }
    }

    fn config(dir: &std::path::Path) -> Config {
        let nowhere = "http://127.0.0.1:1".to_owned();
        let channel = payments::Channel::new(payments::ChannelConfig {
            provider_url: nowhere.clone(),
            merchant_id: "m1".to_owned(),
            api_secret: payments::ApiSecret::new("test secret"),
            callback_key: payments::CallbackKey([0; 32]),
            notify_url: nowhere.clone(),
            return_url: nowhere.clone(),
            timeout: Duration::from_secs(5),
        });
        Config {
            data_dir: dir.to_owned(),
            base_url: nowhere,
            channel: channel.unwrap(),
            channel_kind: ChannelKind::Sandbox,
            draw: DrawInstallation {
                log: draw::Origin::new("potluck.test/log1").unwrap(),
                source: DrawSource::Local {
                    genesis: 1_000_000,
                    period: 3,
                },
                relays: Vec::new(),
                given_up: Vec::new(),
            },
            demo: Demo::Off,
            sign_in_codes: SignInCodes::None,
            client_address: ClientAddress::Peer,
            clock: Arc::new(engine::SystemClock),
            limits: Limits::default(),
            connectors: crate::config::Connectors::default(),
            pace: Pace::default(),
        }
    }
}
