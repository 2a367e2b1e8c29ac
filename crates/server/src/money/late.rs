//! Reservations whose notice of payment may never come: the channel is asked shortly before they lapse, and again
//! some minutes after.
//!
//! Why by events and not by asking the world: the list of reservations is as long as the sale is big, and only its
//! next few matter.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use domain::{Event, Millis, PaymentId, Record, WaitingReservation};
use futures_util::StreamExt;

use super::arrivals::ask;
use crate::app::App;
use crate::config::Pace;

/// Most reservations that are watched; the oldest deadlines come first, so what is left out is asked about when the
/// member comes back to his payment.
const MOST_WATCHED: usize = 1_000_000;
/// Questions to the channel at once.
const AT_ONCE: usize = 8;
/// Most questions of one look.
const A_LOOK: usize = 1000;

/// Reservations that wait for their payment.
#[derive(Default)]
pub(crate) struct Reservations(Mutex<Watched>);

#[derive(Default)]
struct Watched {
    /// When the channel is to be asked next.
    due: BTreeSet<(Millis, PaymentId)>,
    waiting: HashMap<PaymentId, Waiting>,
}

#[derive(Clone, Copy)]
struct Waiting {
    pay_by: Millis,
    ask_at: Millis,
}

impl Reservations {
    /// Notes what was reserved, paid or given up.
    pub(crate) fn saw(&self, record: &Record, pace: &Pace) {
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for event in &record.events {
            if let Event::SeatReserved {
                payment, pay_by, ..
            } = event
            {
                watched.add(*payment, *pay_by, before(*pay_by, pace));
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

    /// Takes the reservations that are to be asked about now; each comes again shortly before its lapse and some
    /// minutes after it, where that is still to come.
    fn take(&self, now: Millis, pace: &Pace) -> Vec<(PaymentId, Millis)> {
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken = Vec::new();
        while let Some(&(at, payment)) = watched.due.first() {
            if now < at || A_LOOK <= taken.len() {
                break;
            }
            let Some(waiting) = watched.forget(payment) else {
                break;
            };
            taken.push((payment, waiting.pay_by));
            let after = Millis(waiting.pay_by.0.saturating_add(millis(pace.ask_after)));
            let next = [before(waiting.pay_by, pace), after]
                .into_iter()
                .find(|at| now < *at);
            if let Some(next) = next {
                watched.add(payment, waiting.pay_by, next);
            }
        }
        taken
    }

    /// To be asked about again at this time or sooner, unless it was reserved anew meanwhile.
    fn again(&self, payment: PaymentId, pay_by: Millis, at: Millis) {
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sooner = |known: &Waiting| known.pay_by != pay_by || known.ask_at <= at;
        if !watched.waiting.get(&payment).is_some_and(sooner) {
            watched.add(payment, pay_by, at);
        }
    }
}

impl Watched {
    fn add(&mut self, payment: PaymentId, pay_by: Millis, ask_at: Millis) {
        self.forget(payment);
        if self.waiting.len() < MOST_WATCHED {
            self.waiting.insert(payment, Waiting { pay_by, ask_at });
            self.due.insert((ask_at, payment));
        }
    }

    fn forget(&mut self, payment: PaymentId) -> Option<Waiting> {
        let waiting = self.waiting.remove(&payment)?;
        self.due.remove(&(waiting.ask_at, payment));
        Some(waiting)
    }
}

fn before(pay_by: Millis, pace: &Pace) -> Millis {
    Millis(pay_by.0.saturating_sub(millis(pace.ask_before)))
}

fn millis(length: std::time::Duration) -> i64 {
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX)
}

/// Asks the channel about reservations as they fall due; ends with the engine.
pub(crate) async fn watch_reservations(app: Arc<App>) {
    let pace = app.config.pace;
    if !remember(&app).await {
        return;
    }
    loop {
        let due = app.reservations.take(app.config.clock.now(), &pace);
        let idle = due.is_empty();
        futures_util::stream::iter(due)
            .for_each_concurrent(AT_ONCE, |(payment, pay_by)| {
                let app = &app;
                async move {
                    if let Err(error) = ask(app, payment, Some(pay_by)).await {
                        tracing::warn!(%payment, %error, "payment {payment} could not be asked about: {error}");
                        let again = Millis(app.config.clock.now().0.saturating_add(millis(pace.retry_first.saturating_mul(10))));
                        app.reservations.again(payment, pay_by, again);
                    }
                }
            })
            .await;
        if idle && !app.pause(pace.look).await {
            return;
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{GroupId, MemberId};

    #[test]
    fn a_reservation_is_asked_about_before_and_after_its_lapse() {
        let pace = Pace::default();
        let (reservations, payment) = (
            Reservations::default(),
            PaymentId {
                group: GroupId(1),
                index: 0,
            },
        );
        let reserved = |pay_by| Record {
            at: Millis(0),
            actor: domain::Actor::System,
            key: None,
            events: vec![Event::SeatReserved {
                payment,
                member: MemberId(0),
                via: None,
                pay_by,
            }],
        };
        let pay_by = Millis(1_000_000);
        reservations.saw(&reserved(pay_by), &pace);
        assert!(reservations.take(Millis(989_999), &pace).is_empty());
        assert_eq!(
            reservations.take(Millis(990_000), &pace),
            [(payment, pay_by)]
        );
        assert!(reservations.take(Millis(1_299_999), &pace).is_empty());
        assert_eq!(
            reservations.take(Millis(1_300_000), &pace),
            [(payment, pay_by)]
        );
        assert!(reservations.take(Millis(i64::MAX), &pace).is_empty());

        reservations.waits(&WaitingReservation {
            payment,
            member: MemberId(0),
            pay_by,
        });
        for now in [500_000, 990_000, 1_300_000] {
            assert_eq!(
                reservations.take(Millis(now), &pace),
                [(payment, pay_by)],
                "{now}"
            );
        }
        assert!(reservations.take(Millis(i64::MAX), &pace).is_empty());

        reservations.saw(&reserved(pay_by), &pace);
        reservations.saw(&reserved(Millis(2_000_000)), &pace);
        assert!(
            reservations.take(Millis(1_989_999), &pace).is_empty(),
            "the newest deadline counts"
        );
    }
}
