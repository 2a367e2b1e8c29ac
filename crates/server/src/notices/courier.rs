//! Takes notices to a connector, one courier for each (rules 9.8).
//!
//! Why the directory is written before anything is sent: what is under way when the platform dies may have gone out, and
//! nothing goes out twice. So it counts as gone until the connector knows better. What is certainly not there is sent again;
//! where nobody knows, it is counted, said in the log, and left: the inbox has it anyway.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use domain::{MemberId, NoticeKind};
use views::{ConnectorRow, StoreError, ToldUpTo};

use super::connector::{Connector, Outcome, Refusal, WentOut};
use super::{Told, expiring};
use crate::app::App;
use crate::causes::chain;
use crate::money::wait;

/// Notices looked at in one step.
const LOOK_ROWS: u32 = 500;
/// Longest wait for news: then a new month may have begun.
const LOOK_WITHIN: Duration = Duration::from_secs(10);
/// Tries after which what the other side does not want is given up.
const MOST_TRIES: u32 = 10;

/// Takes what members allow to a connector until the server stops.
///
/// What is being sent then is sent to its end, as far as the server waits: broken off, nobody would know of it.
pub(crate) async fn run<C: Connector>(app: Arc<App>, connector: C) {
    let mut courier = Courier {
        app,
        connector,
        failures: 0,
    };
    let Some(mut row) = courier.begin().await else {
        return;
    };
    loop {
        let seen = courier.app.views.applied();
        let step = courier.step(&mut row).await;
        courier.say(&row, &step, seen);
        let (length, news) = match step {
            Ok(Step::More) => (Duration::ZERO, None),
            Ok(Step::Nothing) => (LOOK_WITHIN, Some(seen.saturating_add(1))),
            Ok(Step::Later) => (courier.pause(), None),
            Err(why) => {
                tracing::error!(
                    connector = C::NAME,
                    why,
                    "notices by {} wait: {why}",
                    C::NAME
                );
                courier.failures = courier.failures.saturating_add(1);
                (courier.pause(), None)
            }
        };
        if !courier.rest(length, news).await {
            return;
        }
    }
}

struct Courier<C> {
    app: Arc<App>,
    connector: C,
    /// Since something last went well.
    failures: u32,
}

/// What a step came to.
enum Step {
    /// There may be more.
    More,
    /// There is nothing to tell now.
    Nothing,
    /// The same has to be tried again.
    Later,
}

impl<C: Connector> Courier<C> {
    /// Finds out how the connector stands; none where the server stops meanwhile.
    async fn begin(&mut self) -> Option<ConnectorRow> {
        loop {
            match self.open().await {
                Ok(row) => return Some(row),
                Err(error) => {
                    let why = chain(&error);
                    let name = C::NAME;
                    tracing::error!(connector = name, why, "notices by {name} wait: {why}");
                    self.failures = self.failures.saturating_add(1);
                    if !self.rest(self.pause(), None).await {
                        return None;
                    }
                }
            }
        }
    }

    async fn open(&mut self) -> Result<ConnectorRow, StoreError> {
        let head = *self.app.engine.committed().borrow();
        let month = self.app.config.clock.now().month().0;
        let directory = self.app.people.directory();
        let row = match directory.connector(C::NAME).await? {
            Some(row) => self.after_a_start(row, head).await,
            // What happened before it was in use is no news.
            None => ConnectorRow {
                name: C::NAME.to_owned(),
                up_to: ToldUpTo::all(head, month),
                back_to: None,
                under_way: 0,
                file_bytes: 0,
                sent: 0,
                unknown: 0,
                refused: 0,
                sent_at: None,
            },
        };
        self.app.people.directory().put_connector(&row).await?;
        Ok(row)
    }

    async fn after_a_start(&mut self, mut row: ConnectorRow, head: u64) -> ConnectorRow {
        if let Some(back) = row.back_to.take() {
            match self.connector.recover(&row).await {
                WentOut::Unknown => self.unknown(&mut row, "the platform died meanwhile"),
                WentOut::Known(None) => row.up_to = back,
                WentOut::Known(Some((count, _))) if row.under_way <= count => {
                    row.sent = row.sent.saturating_add(row.under_way);
                }
                WentOut::Known(Some((count, last))) => {
                    row.sent = row.sent.saturating_add(count);
                    row.up_to = last.after(back);
                }
            }
            row.under_way = 0;
        }
        // The journal has lost its end: its numbers are given again, and what has them is news.
        if head < row.up_to.seq {
            row.up_to = ToldUpTo {
                month: row.up_to.month,
                coins_of: row.up_to.coins_of,
                ..ToldUpTo::all(head, 0)
            };
        }
        row
    }

    /// Sends what is next, if there is anything.
    async fn step(&mut self, row: &mut ConnectorRow) -> Result<Step, String> {
        let (notices, up_to) = self.gather(row.up_to).await?;
        if notices.is_empty() {
            if up_to == row.up_to {
                return Ok(Step::Nothing);
            }
            row.up_to = up_to;
            self.put(row).await?;
            return Ok(Step::More);
        }
        let back = row.up_to;
        let begun = ConnectorRow {
            up_to,
            back_to: Some(back),
            under_way: notices.len() as u64,
            file_bytes: self.connector.mark().await?,
            ..row.clone()
        };
        self.put(&begun).await?;
        crash::point("server.notice_begun");
        *row = begun;
        let outcome = self.connector.send(&notices).await;
        crash::point("server.notice_sent");
        let step = self.ended(row, back, outcome);
        row.back_to = None;
        row.under_way = 0;
        // Where this cannot be noted, it is noted with what is sent next; until then it counts as unknown.
        self.put(row).await?;
        crash::point("server.notice_noted");
        Ok(step)
    }

    /// Takes the outcome into the row, which says until now that all has gone out.
    fn ended(&mut self, row: &mut ConnectorRow, back: ToldUpTo, outcome: Outcome) -> Step {
        let name = C::NAME;
        match outcome {
            Outcome::Sent => {
                self.failures = 0;
                row.sent = row.sent.saturating_add(row.under_way);
                row.sent_at = Some(self.app.config.clock.now());
                Step::More
            }
            Outcome::Refused { why, refusal } => {
                self.failures = self.failures.saturating_add(1);
                metrics::counter!("notice_failures_total", "connector" => name).increment(1);
                if refusal == Refusal::Unwanted && MOST_TRIES <= self.failures {
                    self.failures = 0;
                    row.refused = row.refused.saturating_add(row.under_way);
                    let count = row.under_way;
                    tracing::error!(
                        connector = name,
                        count,
                        why,
                        "{count} notices are given up, {name} does not take them: {why}"
                    );
                    return Step::More;
                }
                tracing::warn!(
                    connector = name,
                    why,
                    "notices by {name} are tried again later: {why}"
                );
                row.up_to = back;
                Step::Later
            }
            Outcome::Unknown { why } => {
                self.failures = self.failures.saturating_add(1);
                self.unknown(row, &why);
                Step::Later
            }
        }
    }

    fn unknown(&self, row: &mut ConnectorRow, why: &str) {
        let (name, count) = (C::NAME, row.under_way);
        row.unknown = row.unknown.saturating_add(count);
        tracing::error!(
            connector = name,
            count,
            up_to = %row.up_to,
            why,
            "nobody knows whether {count} notices went out by {name}; they are not sent again: {why}"
        );
    }

    /// What is to be sent next, and how far one has come with it.
    async fn gather(&self, up_to: ToldUpTo) -> Result<(Vec<Told>, ToldUpTo), String> {
        let month = self.app.config.clock.now().month().0;
        let mut up_to = up_to;
        if up_to.month < month {
            // Of the months between, what was to expire has expired.
            (up_to.month, up_to.coins_of) = (month, 0);
        }
        if up_to.coins_of < u32::MAX {
            let (notices, coins_of) = self.coins(up_to.coins_of).await?;
            up_to.coins_of = coins_of;
            return Ok((notices, up_to));
        }
        self.events(up_to).await
    }

    /// Coins that expire, of members from this number on; and with which number it goes on.
    async fn coins(&self, from: u32) -> Result<(Vec<Told>, u32), String> {
        let directory = self.app.people.directory();
        let page = directory.all_who_allow(C::NAME, from, LOOK_ROWS).await;
        let page = page.map_err(|error| chain(&error))?;
        let full = u32::try_from(page.len()).is_ok_and(|rows| LOOK_ROWS <= rows);
        let last = page.last().map(|(member, _)| member.0.saturating_add(1));
        let wanted = page
            .into_iter()
            .filter(|(_, kinds)| kinds.has(NoticeKind::CoinsExpiring));
        let wanted: Vec<MemberId> = wanted.map(|(member, _)| member).collect();
        let now = self.app.config.clock.now();
        let asked = self.app.engine.query(move |world| {
            let told = wanted
                .iter()
                .filter_map(|&member| expiring(world, member, now));
            told.take(C::AT_ONCE).collect::<Vec<Told>>()
        });
        let (told, _) = asked.await.map_err(|error| chain(&error))?;
        let next = match (told.last(), last) {
            (Some(told_last), _) if C::AT_ONCE <= told.len() => {
                told_last.member().0.saturating_add(1)
            }
            (_, Some(last)) if full => last,
            _ => u32::MAX,
        };
        Ok((told, next))
    }

    /// What events tell.
    async fn events(&self, up_to: ToldUpTo) -> Result<(Vec<Told>, ToldUpTo), String> {
        let after = (up_to.seq, up_to.event_no, up_to.member);
        let rows = self.app.views.told_after(after, LOOK_ROWS).await;
        let rows = rows.map_err(|error| chain(&error))?;
        let members: BTreeSet<MemberId> = rows.iter().map(|row| row.member).collect();
        let directory = self.app.people.directory();
        let allowing = directory.who_allows(C::NAME, &members).await;
        let allowing = allowing.map_err(|error| chain(&error))?;
        let (mut notices, mut up_to) = (Vec::new(), up_to);
        for row in rows {
            let allows = allowing.get(&row.member);
            if allows.is_some_and(|kinds| kinds.has(row.kind)) {
                if C::AT_ONCE <= notices.len() {
                    break;
                }
                notices.push(Told::Event(row));
            }
            up_to = Told::Event(row).place().after(up_to);
        }
        Ok((notices, up_to))
    }

    async fn put(&self, row: &ConnectorRow) -> Result<(), String> {
        let put = self.app.people.directory().put_connector(row).await;
        put.map_err(|error| chain(&error))
    }

    fn pause(&self) -> Duration {
        wait(self.failures, &self.app.config.pace)
    }

    /// Waits, at most until there is news; false if the server is to stop.
    async fn rest(&self, length: Duration, news: Option<u64>) -> bool {
        match news {
            None => self.app.pause(length).await,
            Some(seq) => tokio::select! {
                () = self.app.stopping() => false,
                _ = self.app.views.at_least(seq, length) => true,
            },
        }
    }

    /// The numbers; `seen` is how far the views were before this step.
    fn say(&self, row: &ConnectorRow, step: &Result<Step, String>, seen: u64) {
        let name = C::NAME;
        metrics::counter!("notices_sent_total", "connector" => name).absolute(row.sent);
        metrics::counter!("notices_unknown_total", "connector" => name).absolute(row.unknown);
        metrics::counter!("notices_refused_total", "connector" => name).absolute(row.refused);
        // Where there is nothing to tell, what has happened since the last notice is nothing to wait for.
        let behind = match step {
            Ok(Step::Nothing) => 0,
            Ok(Step::More | Step::Later) | Err(_) => seen.saturating_sub(row.up_to.seq),
        };
        #[expect(
            clippy::cast_precision_loss,
            reason = "a gauge; nobody counts past 2^53"
        )]
        metrics::gauge!("notice_lag_records", "connector" => name).set(behind as f64);
    }
}
