//! Reservations whose notice of payment may never come: the channel is asked shortly before they lapse, again some
//! minutes after, and a last time some minutes after the group's deadline, when their orders cannot be paid any more.
//! When a group fills or closes sooner, its unpaid seats are asked about at once and again some minutes after: who has
//! paid for such a seat can have his money back now, and its deadline may be months away.
//!
//! Why by events and not by asking the world: the list of reservations is as long as the sale is big, and only its
//! next few matter. Of a group that may still be paid only its deadline is kept; its unpaid seats are read when that
//! has passed, so that the memory does not grow with the reservations that have lapsed.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use domain::{
    BallotEvent, Event, GroupId, MAX_FILL_WITHIN, Millis, PaymentId, Record, WaitingReservation,
};
use futures_util::StreamExt;
use views::{GroupFilter, GroupRow, MAX_PAGE_ROWS, Page, UnpaidSeat};

use super::arrivals::ask;
use super::orders::GRACE_MS;
use crate::app::App;
use crate::config::Pace;

/// Most reservations and most groups that are watched. The earliest questions are kept; what is left out is asked
/// about when the member comes back to his payment.
const MOST_WATCHED: usize = 1_000_000;
/// Questions to the channel at once.
const AT_ONCE: usize = 8;
/// Most questions of one look.
const A_LOOK: usize = 1000;
/// Seats of one group that are read at once.
const A_PAGE: u32 = 1000;
/// What fell due up to a day before the server stopped is asked about once more after a start.
const LOOK_BACK_MS: i64 = 86_400_000;

/// Reservations that wait for their payment, and groups whose orders can still be paid.
pub(crate) struct Reservations {
    /// What fell due before this was asked about before the server started. Counted from the journal's last record and
    /// not from the clock: while the server is away nobody asks, however long that is.
    since: Millis,
    watched: Mutex<Watched>,
}

#[derive(Default)]
struct Watched {
    /// When the channel is to be asked next.
    due: BTreeSet<(Millis, PaymentId)>,
    waiting: HashMap<PaymentId, Waiting>,
    /// When the channel is to be asked about all unpaid seats of a group.
    last: BTreeSet<(Millis, GroupId)>,
}

#[derive(Clone, Copy)]
struct Waiting {
    pay_by: Millis,
    ask_at: Millis,
}

impl Reservations {
    /// Nothing yet; the journal's last record before the start was of this time.
    pub(crate) fn new(last_record: Millis) -> Reservations {
        Reservations {
            since: Millis(last_record.0.saturating_sub(LOOK_BACK_MS)),
            watched: Mutex::default(),
        }
    }

    /// What fell due before this was asked about before the server started.
    pub(crate) fn since(&self) -> Millis {
        self.since
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what was reserved, paid or given up. What is too old to be asked about is left out: the views may be made
    /// anew from a long history.
    pub(crate) fn saw(&self, record: &Record, pace: &Pace) {
        let mut watched = self.watched();
        for event in &record.events {
            if let Event::GroupOpened {
                group, expires_at, ..
            } = event
            {
                self.add_group(&mut watched, *group, at_last(*expires_at, pace));
            } else if let Event::SeatReserved {
                payment, pay_by, ..
            } = event
            {
                if !self.is_old(after(*pay_by, pace)) {
                    watched.add(*payment, *pay_by, before(*pay_by, pace));
                }
            } else if let Event::PaymentAccepted { payment, .. }
            | Event::Ballot(BallotEvent::Registered { payment, .. }) = event
            {
                watched.forget(*payment);
            } else if let Event::Ballot(event) = event {
                self.saw_rights(&mut watched, event, pace);
            }
        }
    }

    /// Notes who may buy in a ballot, and until when.
    fn saw_rights(&self, watched: &mut Watched, event: &BallotEvent, pace: &Pace) {
        let (group, given, until) = match event {
            BallotEvent::Drawn(drawn) => (drawn.group, &drawn.given, drawn.until),
            BallotEvent::RightsPassed {
                group,
                given,
                until,
                ..
            } => (*group, given, *until),
            BallotEvent::Registered { .. } | BallotEvent::RegistrationLeft { .. } => return,
        };
        if self.is_old(after(until, pace)) {
            return;
        }
        for right in given {
            let index = right.index;
            watched.add(PaymentId { group, index }, until, before(until, pace));
        }
    }

    /// Notes the groups that have filled or closed, once the views hold their seats.
    pub(crate) fn holds(&self, record: &Record, pace: &Pace) {
        for event in &record.events {
            if let Event::GroupFilled { group, .. } | Event::GroupClosed { group, .. } = event {
                self.ended(*group, record.at, pace);
            }
        }
    }

    /// Notes a group that can take no payment any more since then.
    fn ended(&self, group: GroupId, at: Millis, pace: &Pace) {
        let mut watched = self.watched();
        let again = after(at, pace);
        if !self.is_old(again) {
            watched.add_group(group, at);
            watched.add_group(group, again);
        }
    }

    /// Notes what waited when the server started.
    pub(crate) fn waits(&self, reservation: &WaitingReservation) {
        self.watched()
            .add(reservation.payment, reservation.pay_by, Millis(i64::MIN));
    }

    /// Notes a seat that was not paid when the server started, waiting or lapsed.
    fn was_unpaid(&self, seat: UnpaidSeat) {
        let mut watched = self.watched();
        if !watched.waiting.contains_key(&seat.payment) {
            watched.add(seat.payment, seat.pay_by, Millis(i64::MIN));
        }
    }

    /// Notes a group that was there when the server started.
    fn was_there(&self, group: &GroupRow, pace: &Pace) {
        for at in [group.filled_at, group.ended_at].into_iter().flatten() {
            self.ended(group.id, at, pace);
        }
        let mut watched = self.watched();
        self.add_group(&mut watched, group.id, at_last(group.expires_at, pace));
    }

    fn add_group(&self, watched: &mut Watched, group: GroupId, ask_at: Millis) {
        if !self.is_old(ask_at) {
            watched.add_group(group, ask_at);
        }
    }

    /// Whether a question fell due so long ago that it was asked before the server was away.
    fn is_old(&self, ask_at: Millis) -> bool {
        ask_at < self.since
    }

    /// Takes the reservations that are to be asked about now; each comes again shortly before its lapse and some
    /// minutes after it, where that is still to come.
    fn take(&self, now: Millis, pace: &Pace) -> Vec<PaymentId> {
        let mut watched = self.watched();
        let mut taken = Vec::new();
        while let Some(&(at, payment)) = watched.due.first() {
            if now < at || A_LOOK <= taken.len() {
                break;
            }
            let Some(waiting) = watched.forget(payment) else {
                break;
            };
            taken.push(payment);
            let next = [before(waiting.pay_by, pace), after(waiting.pay_by, pace)]
                .into_iter()
                .find(|at| now < *at);
            if let Some(next) = next {
                watched.add(payment, waiting.pay_by, next);
            }
        }
        taken
    }

    /// Takes a group whose unpaid seats are to be asked about.
    fn take_group(&self, now: Millis) -> Option<GroupId> {
        let mut watched = self.watched();
        watched.last.first().filter(|(at, _)| *at <= now)?;
        watched.last.pop_first().map(|(_, group)| group)
    }

    /// To be looked through again at this time.
    fn group_again(&self, group: GroupId, at: Millis) {
        let mut watched = self.watched();
        watched.add_group(group, at);
    }
}

impl Watched {
    fn add(&mut self, payment: PaymentId, pay_by: Millis, ask_at: Millis) {
        self.forget(payment);
        if MOST_WATCHED <= self.waiting.len() {
            let latest = self.due.last().copied();
            let Some((_, latest)) = latest.filter(|(at, _)| ask_at < *at) else {
                return;
            };
            self.forget(latest);
        }
        self.waiting.insert(payment, Waiting { pay_by, ask_at });
        self.due.insert((ask_at, payment));
    }

    fn forget(&mut self, payment: PaymentId) -> Option<Waiting> {
        let waiting = self.waiting.remove(&payment)?;
        self.due.remove(&(waiting.ask_at, payment));
        Some(waiting)
    }

    fn add_group(&mut self, group: GroupId, ask_at: Millis) {
        self.last.insert((ask_at, group));
        if MOST_WATCHED < self.last.len() {
            self.last.pop_last();
        }
    }
}

fn before(pay_by: Millis, pace: &Pace) -> Millis {
    Millis(pay_by.0.saturating_sub(millis(pace.ask_before)))
}

fn after(pay_by: Millis, pace: &Pace) -> Millis {
    Millis(pay_by.0.saturating_add(millis(pace.ask_after)))
}

/// Some minutes after the orders of a group's seats cannot be paid any more.
fn at_last(expires_at: Millis, pace: &Pace) -> Millis {
    after(Millis(expires_at.0.saturating_add(GRACE_MS)), pace)
}

fn millis(length: std::time::Duration) -> i64 {
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX)
}

/// Asks the channel about reservations as they fall due; ends with the engine.
pub(crate) async fn watch_reservations(app: Arc<App>) {
    if remember(&app).await {
        tokio::join!(remember_all(&app), look(&app));
    }
}

async fn look(app: &App) {
    let pace = app.config.pace;
    // Questions without an answer, oldest first. They wait by the machine's own time: a channel that is away is away
    // whatever the platform's clock says.
    let mut failed: VecDeque<(Instant, PaymentId)> = VecDeque::new();
    loop {
        let mut due = app.reservations.take(app.config.clock.now(), &pace);
        let ripe = failed
            .partition_point(|(at, _)| *at <= Instant::now())
            .min(A_LOOK);
        due.extend(failed.drain(..ripe).map(|(_, payment)| payment));
        let idle = due.is_empty();
        let mut unanswered = ask_all(app, due).await;
        let over = app.reservations.take_group(app.config.clock.now());
        if let Some(group) = over {
            unanswered.extend(ask_group(app, group).await);
        }
        let again = Instant::now() + pace.retry_first.saturating_mul(10);
        let room = MOST_WATCHED.saturating_sub(failed.len());
        failed.extend(
            unanswered
                .into_iter()
                .take(room)
                .map(|payment| (again, payment)),
        );
        if idle && over.is_none() && !app.pause(pace.look).await {
            return;
        }
    }
}

/// Asks about each; answers with those that the channel, or the platform, had no answer for.
async fn ask_all(app: &App, payments: Vec<PaymentId>) -> Vec<PaymentId> {
    futures_util::stream::iter(payments)
        .map(|payment| async move {
            let error = ask(app, payment).await.err()?;
            tracing::warn!(%payment, %error, "payment {payment} could not be asked about: {error}");
            Some(payment)
        })
        .buffer_unordered(AT_ONCE)
        .filter_map(|unanswered| async move { unanswered })
        .collect()
        .await
}

/// Asks about every seat of a group that was never paid; answers with those that are to be asked about again.
async fn ask_group(app: &App, group: GroupId) -> Vec<PaymentId> {
    let mut after = None;
    let mut unanswered = Vec::new();
    loop {
        let seats = match app.views.unpaid_seats(group, after, A_PAGE).await {
            Ok(seats) => seats.value,
            Err(error) => {
                tracing::warn!(%group, %error, "group {group} could not be looked through: {error}");
                app.reservations.group_again(group, later(app));
                return unanswered;
            }
        };
        let Some(seat) = seats.last() else {
            return unanswered;
        };
        after = Some(seat.index);
        unanswered.extend(ask_all(app, seats).await);
    }
}

/// When what failed is tried again.
fn later(app: &App) -> Millis {
    let wait = millis(app.config.pace.retry_first.saturating_mul(10));
    Millis(app.config.clock.now().0.saturating_add(wait))
}

/// After a start everything that waits is asked about, for notices that came while nobody listened; false if the
/// engine has stopped meanwhile.
async fn remember(app: &App) -> bool {
    let outbox = engine::Outbox::new(app.engine.clone());
    let mut after = None;
    loop {
        let page = match outbox
            .next_reservations(after, engine::outbox::MAX_PAGE)
            .await
        {
            Ok(page) => page,
            Err(engine::SubmitError::Busy) if app.pause(app.config.pace.look).await => continue,
            Err(_) => return false,
        };
        let Some(last) = page.last() else { return true };
        after = Some(last.payment);
        page.iter()
            .for_each(|waiting| app.reservations.waits(waiting));
    }
}

/// Finds again what the views held at the start. Views that lag behind lose nothing: what they have not taken in yet is
/// seen when they do.
async fn remember_all(app: &App) {
    let oldest = remember_groups(app).await;
    if let Some(oldest) = oldest {
        remember_unpaid(app, oldest).await;
    }
}

/// Finds the groups again whose orders could be paid not long before the start; answers with the oldest it has looked
/// at.
async fn remember_groups(app: &App) -> Option<GroupId> {
    let (pace, reservations) = (app.config.pace, &app.reservations);
    let mut page = Page::new(None, MAX_PAGE_ROWS);
    let mut oldest = None;
    loop {
        let found = match app.views.groups(GroupFilter::default(), page).await {
            Ok(found) => found.value,
            Err(error) => {
                tracing::warn!(%error, "the groups could not be read: {error}");
                if app.pause(pace.look).await {
                    continue;
                }
                return None;
            }
        };
        for group in &found.items {
            reservations.was_there(group, &pace);
        }
        // Newest first: whatever was opened before the last of these can be paid no longer than it.
        let last = found.items.last();
        oldest = last.map(|group| group.id).or(oldest);
        let some_left = last.is_some_and(|group| {
            !reservations.is_old(at_last(group.opened_at.after(MAX_FILL_WITHIN), &pace))
        });
        match found.next.filter(|_| some_left) {
            Some(next) => page = Page::new(Some(next), MAX_PAGE_ROWS),
            None => return oldest,
        }
    }
}

/// Finds the unpaid seats again that may have been paid unseen while the server was away, of ended groups too.
async fn remember_unpaid(app: &App, oldest: GroupId) {
    let pace = app.config.pace;
    let since = Millis(
        app.reservations
            .since
            .0
            .saturating_sub(millis(pace.ask_after)),
    );
    let mut from = PaymentId {
        group: oldest,
        index: 0,
    };
    loop {
        let found = match app.views.unpaid_since(since, from, A_PAGE).await {
            Ok(found) => found.value,
            Err(error) => {
                tracing::warn!(%error, "the unpaid seats could not be read: {error}");
                if app.pause(pace.look).await {
                    continue;
                }
                return;
            }
        };
        let Some(last) = found.last().map(|seat| seat.payment) else {
            return;
        };
        from = PaymentId {
            index: last.index.saturating_add(1),
            ..last
        };
        found
            .into_iter()
            .for_each(|seat| app.reservations.was_unpaid(seat));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::MemberId;

    const GROUP: GroupId = GroupId(1);
    const PAYMENT: PaymentId = PaymentId {
        group: GROUP,
        index: 0,
    };

    fn record(event: Event) -> Record {
        Record {
            at: Millis(0),
            actor: domain::Actor::System,
            key: None,
            events: vec![event],
        }
    }

    fn reserved(pay_by: Millis) -> Record {
        record(Event::SeatReserved {
            payment: PAYMENT,
            member: MemberId(0),
            via: None,
            pay_by,
        })
    }

    fn opened(group: u64, expires_at: Millis) -> Record {
        record(Event::GroupOpened {
            group: GroupId(group),
            campaign: domain::CampaignId(0),
            leader: MemberId(0),
            expires_at,
        })
    }

    #[test]
    fn a_reservation_is_asked_about_before_and_after_its_lapse() {
        let (pace, reservations) = (Pace::default(), Reservations::new(Millis(0)));
        let pay_by = Millis(1_000_000);
        reservations.saw(&reserved(pay_by), &pace);
        assert!(reservations.take(Millis(989_999), &pace).is_empty());
        assert_eq!(reservations.take(Millis(990_000), &pace), [PAYMENT]);
        assert!(reservations.take(Millis(1_299_999), &pace).is_empty());
        assert_eq!(reservations.take(Millis(1_300_000), &pace), [PAYMENT]);
        assert!(reservations.take(Millis(i64::MAX), &pace).is_empty());

        reservations.waits(&WaitingReservation {
            payment: PAYMENT,
            member: MemberId(0),
            pay_by,
        });
        for now in [500_000, 990_000, 1_300_000] {
            assert_eq!(reservations.take(Millis(now), &pace), [PAYMENT], "{now}");
        }
        assert!(reservations.take(Millis(i64::MAX), &pace).is_empty());

        reservations.saw(&reserved(pay_by), &pace);
        reservations.saw(&reserved(Millis(2_000_000)), &pace);
        assert!(
            reservations.take(Millis(1_989_999), &pace).is_empty(),
            "the newest deadline counts"
        );
    }

    #[test]
    fn a_group_is_looked_through_once_after_its_orders_have_ended() {
        let (pace, reservations) = (Pace::default(), Reservations::new(Millis(0)));
        let end = 1_000_000 + GRACE_MS + 300_000;
        reservations.saw(&opened(1, Millis(1_000_000)), &pace);
        assert_eq!(reservations.take_group(Millis(end - 1)), None);
        assert_eq!(reservations.take_group(Millis(end)), Some(GROUP));
        assert_eq!(reservations.take_group(Millis(i64::MAX)), None);
    }

    #[test]
    fn a_group_that_ends_is_looked_through_at_once_and_again() {
        let pace = Pace::default();
        let closed = Record {
            at: Millis(LOOK_BACK_MS),
            ..record(Event::GroupClosed {
                group: GROUP,
                why: domain::Closing::Cancelled,
                refund_each: domain::Money(0),
                first_refund: domain::RefundId(0),
                refunds: Vec::new(),
            })
        };
        let reservations = Reservations::new(Millis(0));
        reservations.holds(&closed, &pace);
        let (end, again) = (LOOK_BACK_MS, LOOK_BACK_MS + 300_000);
        for (now, taken) in [
            (end - 1, None),
            (end, Some(GROUP)),
            (again - 1, None),
            (again, Some(GROUP)),
            (i64::MAX, None),
        ] {
            assert_eq!(reservations.take_group(Millis(now)), taken, "{now}");
        }
        // After a start: what may not have been asked for the second time is asked about, older ends are not.
        for (last_record, found) in [(again, true), (again + 1, false)] {
            let reservations = Reservations::new(Millis(last_record + LOOK_BACK_MS));
            reservations.holds(&closed, &pace);
            let taken = reservations.take_group(Millis(i64::MAX));
            assert_eq!(taken.is_some(), found, "{last_record}");
        }
    }

    #[test]
    fn what_was_asked_about_long_ago_is_not_asked_about_again() {
        let now = Millis(10 * LOOK_BACK_MS);
        let (pace, reservations) = (Pace::default(), Reservations::new(now));
        reservations.saw(&reserved(Millis(8 * LOOK_BACK_MS)), &pace);
        reservations.saw(&opened(1, Millis(8 * LOOK_BACK_MS)), &pace);
        assert!(reservations.take(now, &pace).is_empty());
        assert_eq!(reservations.take_group(now), None);
        // The server may have been away when these fell due.
        reservations.saw(&reserved(Millis(9 * LOOK_BACK_MS)), &pace);
        reservations.saw(&opened(1, Millis(9 * LOOK_BACK_MS)), &pace);
        assert_eq!(reservations.take(now, &pace), [PAYMENT]);
        assert_eq!(reservations.take_group(now), Some(GROUP));
    }
}
