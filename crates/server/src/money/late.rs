//! Reservations whose notice of payment may never come: the channel is asked shortly before they lapse, again some
//! minutes after, and a last time some minutes after the group's deadline, when their orders cannot be paid any more.
//!
//! Why by events and not by asking the world: the list of reservations is as long as the sale is big, and only its
//! next few matter. Of a group that may still be paid only its deadline is kept; its unpaid seats are read when that
//! has passed, so that the memory does not grow with the reservations that have lapsed.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use domain::{Event, GroupId, MAX_FILL_WITHIN, Millis, PaymentId, Record, WaitingReservation};
use futures_util::StreamExt;
use views::{GroupFilter, GroupRow, MAX_PAGE_ROWS, Page};

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
/// What fell due up to a day before is asked about once more after a start: the server may have been away just then.
const LOOK_BACK_MS: i64 = 86_400_000;

/// Reservations that wait for their payment, and groups whose orders can still be paid.
#[derive(Default)]
pub(crate) struct Reservations(Mutex<Watched>);

#[derive(Default)]
struct Watched {
    /// When the channel is to be asked next.
    due: BTreeSet<(Millis, PaymentId)>,
    waiting: HashMap<PaymentId, Waiting>,
    /// When the channel is to be asked about a group's unpaid seats for the last time.
    last: BTreeSet<(Millis, GroupId)>,
}

#[derive(Clone, Copy)]
struct Waiting {
    pay_by: Millis,
    ask_at: Millis,
}

impl Reservations {
    /// Notes what was reserved, paid or given up. What is too old to be asked about is left out: the views may be made
    /// anew from a long history.
    pub(crate) fn saw(&self, record: &Record, now: Millis, pace: &Pace) {
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for event in &record.events {
            if let Event::GroupOpened {
                group, expires_at, ..
            } = event
            {
                watched.add_group(*group, at_last(*expires_at, pace), now);
            } else if let Event::SeatReserved {
                payment, pay_by, ..
            } = event
            {
                if !is_old(after(*pay_by, pace), now) {
                    watched.add(*payment, *pay_by, before(*pay_by, pace));
                }
            } else if let Event::PaymentAccepted { payment, .. } = event {
                watched.forget(*payment);
            }
        }
    }

    /// Notes what waited when the server started.
    pub(crate) fn waits(&self, reservation: &WaitingReservation) {
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        watched.add(reservation.payment, reservation.pay_by, Millis(i64::MIN));
    }

    /// Notes a group that was there when the server started.
    fn was_open(&self, group: &GroupRow, now: Millis, pace: &Pace) {
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        watched.add_group(group.id, at_last(group.expires_at, pace), now);
    }

    /// Takes the reservations that are to be asked about now; each comes again shortly before its lapse and some
    /// minutes after it, where that is still to come.
    fn take(&self, now: Millis, pace: &Pace) -> Vec<PaymentId> {
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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

    /// Takes a group whose unpaid seats are to be asked about for the last time.
    fn take_group(&self, now: Millis) -> Option<GroupId> {
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        watched.last.first().filter(|(at, _)| *at <= now)?;
        watched.last.pop_first().map(|(_, group)| group)
    }

    /// To be asked about again at this time or sooner.
    fn again(&self, payment: PaymentId, at: Millis) {
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = watched.waiting.get(&payment).copied();
        if known.is_none_or(|known| at < known.ask_at) {
            watched.add(
                payment,
                known.map_or(Millis(i64::MIN), |known| known.pay_by),
                at,
            );
        }
    }

    /// To be looked through again at this time.
    fn group_again(&self, group: GroupId, at: Millis) {
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        watched.add_group(group, at, at);
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

    fn add_group(&mut self, group: GroupId, ask_at: Millis, now: Millis) {
        if is_old(ask_at, now) {
            return;
        }
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

/// Whether a question fell due so long ago that it was asked before the server was away.
fn is_old(ask_at: Millis, now: Millis) -> bool {
    ask_at.0 < now.0.saturating_sub(LOOK_BACK_MS)
}

fn millis(length: std::time::Duration) -> i64 {
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX)
}

/// Asks the channel about reservations as they fall due; ends with the engine.
pub(crate) async fn watch_reservations(app: Arc<App>) {
    if remember(&app).await {
        tokio::join!(remember_groups(&app), look(&app));
    }
}

async fn look(app: &App) {
    let pace = app.config.pace;
    loop {
        let due = app.reservations.take(app.config.clock.now(), &pace);
        let idle = due.is_empty();
        ask_all(app, due).await;
        let over = app.reservations.take_group(app.config.clock.now());
        if let Some(group) = over {
            ask_last(app, group).await;
        }
        if idle && over.is_none() && !app.pause(pace.look).await {
            return;
        }
    }
}

async fn ask_all(app: &App, payments: Vec<PaymentId>) {
    futures_util::stream::iter(payments)
        .for_each_concurrent(AT_ONCE, |payment| async move {
            if let Err(error) = ask(app, payment).await {
                tracing::warn!(%payment, %error, "payment {payment} could not be asked about: {error}");
                app.reservations.again(payment, later(app));
            }
        })
        .await;
}

/// Asks about every seat of a group that was never paid.
async fn ask_last(app: &App, group: GroupId) {
    let mut after = None;
    loop {
        let seats = match app.views.unpaid_seats(group, after, A_PAGE).await {
            Ok(seats) => seats.value,
            Err(error) => {
                tracing::warn!(%group, %error, "group {group} could not be looked through: {error}");
                return app.reservations.group_again(group, later(app));
            }
        };
        let Some(seat) = seats.last() else { return };
        after = Some(seat.index);
        ask_all(app, seats).await;
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

/// Finds the groups again whose orders could be paid before the start. Views that lag behind lose nothing: what they
/// have not taken in yet is seen when they do.
async fn remember_groups(app: &App) {
    let pace = app.config.pace;
    let mut page = Page::new(None, MAX_PAGE_ROWS);
    loop {
        let now = app.config.clock.now();
        let found = match app.views.groups(GroupFilter::default(), page).await {
            Ok(found) => found.value,
            Err(error) => {
                tracing::warn!(%error, "the groups could not be read: {error}");
                if app.pause(pace.look).await {
                    continue;
                }
                return;
            }
        };
        for group in &found.items {
            app.reservations.was_open(group, now, &pace);
        }
        // Newest first: whatever was opened before the last of these can be paid no longer than it.
        let oldest = found.items.last().map(|group| group.opened_at);
        let some_left = oldest
            .is_some_and(|opened| !is_old(at_last(opened.after(MAX_FILL_WITHIN), &pace), now));
        match found.next.filter(|_| some_left) {
            Some(next) => page = Page::new(Some(next), MAX_PAGE_ROWS),
            None => return,
        }
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
        let (pace, reservations) = (Pace::default(), Reservations::default());
        let (start, pay_by) = (Millis(0), Millis(1_000_000));
        reservations.saw(&reserved(pay_by), start, &pace);
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

        reservations.saw(&reserved(pay_by), start, &pace);
        reservations.saw(&reserved(Millis(2_000_000)), start, &pace);
        assert!(
            reservations.take(Millis(1_989_999), &pace).is_empty(),
            "the newest deadline counts"
        );
    }

    #[test]
    fn a_group_is_looked_through_once_after_its_orders_have_ended() {
        let (pace, reservations) = (Pace::default(), Reservations::default());
        let end = 1_000_000 + GRACE_MS + 300_000;
        reservations.saw(&opened(1, Millis(1_000_000)), Millis(0), &pace);
        assert_eq!(reservations.take_group(Millis(end - 1)), None);
        assert_eq!(reservations.take_group(Millis(end)), Some(GROUP));
        assert_eq!(reservations.take_group(Millis(i64::MAX)), None);
    }

    #[test]
    fn what_was_asked_about_long_ago_is_not_asked_about_again() {
        let (pace, reservations) = (Pace::default(), Reservations::default());
        let now = Millis(10 * LOOK_BACK_MS);
        reservations.saw(&reserved(Millis(8 * LOOK_BACK_MS)), now, &pace);
        reservations.saw(&opened(1, Millis(8 * LOOK_BACK_MS)), now, &pace);
        assert!(reservations.take(now, &pace).is_empty());
        assert_eq!(reservations.take_group(now), None);
        // The server may have been away when these fell due.
        reservations.saw(&reserved(Millis(9 * LOOK_BACK_MS)), now, &pace);
        reservations.saw(&opened(1, Millis(9 * LOOK_BACK_MS)), now, &pace);
        assert_eq!(reservations.take(now, &pace), [PAYMENT]);
        assert_eq!(reservations.take_group(now), Some(GROUP));
    }

    #[test]
    fn a_question_without_an_answer_is_asked_again_once() {
        let (pace, reservations) = (Pace::default(), Reservations::default());
        reservations.again(PAYMENT, Millis(500));
        reservations.again(PAYMENT, Millis(700));
        assert!(reservations.take(Millis(499), &pace).is_empty());
        assert_eq!(reservations.take(Millis(500), &pace), [PAYMENT]);
        assert!(reservations.take(Millis(i64::MAX), &pace).is_empty());
    }
}
