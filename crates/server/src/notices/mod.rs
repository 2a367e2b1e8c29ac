//! What members are told (rules 9.8): its names, its words, and the connectors by which it goes out.

mod connector;
mod courier;
mod log_file;
mod texts;
mod webhook;

use std::sync::Arc;

use domain::{MemberId, Millis, Month, Notice, NoticeKind, World};
use tokio::task::JoinSet;
use views::{Directory, NoticeRow};

use crate::app::App;
use crate::config::Connectors;
use crate::server::ServeError;
use connector::{Connector, Place};
use log_file::LogFile;
use webhook::Post;

pub(crate) use texts::text;

/// A notice by any of its ways: the inbox and every connector give it the same name and the same words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// An event tells it.
    Event(NoticeRow),
    /// Coins expire at the end of the month. Nothing has happened yet, so no event tells it: it is told at the beginning of
    /// that month, of what is left then.
    Expiring {
        /// The month.
        month: Month,
        /// When it begins.
        at: Millis,
        /// Whom, and how many coins.
        notice: Notice,
        /// Whom.
        member: MemberId,
    },
}

impl Told {
    /// Its name, for ever: `4711-0-17-4ce728d5af` is what the first event of record 4711 tells member 17,
    /// `coins-2026-11-17` what expires in November.
    ///
    /// Why a mark: after the end of a journal was lost, numbers of records are given a second time, and whoever receives
    /// notices must not take a new one for one that he knows.
    pub(crate) fn id(&self) -> String {
        match self {
            Told::Event(row) => {
                let NoticeRow {
                    seq,
                    event_no,
                    member,
                    at,
                    kind,
                    ..
                } = row;
                let text = format!(
                    "potluck notice\nrecord {seq} {event_no}\nmember {member}\nat {}\nkind {}\n",
                    at.0,
                    kind.name()
                );
                let mark = draw::hash(text.as_bytes()).0;
                let mark = mark.first_chunk::<5>().map_or(&mark[..], |mark| mark);
                format!("{seq}-{event_no}-{member}-{}", draw::to_hex(mark))
            }
            Told::Expiring { month, member, .. } => {
                let (year, of_year) = (1970 + u32::from(month.0 / 12), month.0 % 12 + 1);
                format!("coins-{year}-{of_year:02}-{member}")
            }
        }
    }

    /// Where it stands among all there are.
    pub(crate) fn place(&self) -> Place {
        match self {
            Told::Event(row) => Place::Event {
                seq: row.seq,
                event_no: row.event_no,
                member: row.member,
            },
            Told::Expiring { month, member, .. } => Place::Coins {
                month: month.0,
                member: *member,
            },
        }
    }

    /// What it is about.
    pub(crate) fn kind(&self) -> NoticeKind {
        match self {
            Told::Event(row) => row.kind,
            Told::Expiring { notice, .. } => notice.kind,
        }
    }

    /// Whom it tells.
    pub(crate) fn member(&self) -> MemberId {
        match self {
            Told::Event(row) => row.member,
            Told::Expiring { member, .. } => *member,
        }
    }

    /// When it happened.
    pub(crate) fn at(&self) -> Millis {
        match self {
            Told::Event(row) => row.at,
            Told::Expiring { at, .. } => *at,
        }
    }
}

/// The connectors that are in use.
pub(crate) struct Set {
    log: Option<LogFile>,
    webhook: Option<Post>,
}

impl Set {
    /// Sets them up, and forgets how those stood that are in use no more: once they are again, what happened meanwhile is
    /// no news.
    pub(crate) async fn open(
        connectors: &Connectors,
        directory: &Directory,
    ) -> Result<Set, ServeError> {
        let log = match &connectors.log {
            Some(path) => {
                log_file::can_be_written(path).map_err(|source| ServeError::NoticeLog {
                    path: path.clone(),
                    source,
                })?;
                Some(LogFile::new(path.clone()))
            }
            None => None,
        };
        let webhook = connectors.webhook.as_ref().map(Post::new);
        let webhook = webhook.transpose().map_err(ServeError::Webhook)?;
        for (name, used) in [
            (LogFile::NAME, log.is_some()),
            (Post::NAME, webhook.is_some()),
        ] {
            if !used {
                directory.forget_connector(name).await?;
            }
        }
        Ok(Set { log, webhook })
    }

    /// Starts a courier for each.
    pub(crate) fn start(self, app: &Arc<App>, workers: &mut JoinSet<()>) {
        if let Some(log) = self.log {
            workers.spawn(courier::run(app.clone(), log));
        }
        if let Some(webhook) = self.webhook {
            workers.spawn(courier::run(app.clone(), webhook));
        }
    }
}

/// Names of the connectors that are in use, as members choose them.
pub(crate) fn names(connectors: &Connectors) -> Vec<&'static str> {
    let log = connectors.log.as_ref().map(|_| LogFile::NAME);
    let webhook = connectors.webhook.as_ref().map(|_| Post::NAME);
    log.into_iter().chain(webhook).collect()
}

/// What of a member's coins expires with the month of this moment.
pub(crate) fn expiring(world: &World, member: MemberId, now: Millis) -> Option<Told> {
    let month = now.month();
    let ends = month.plus(1).begins();
    let lots = world.coin_lots(member);
    // Lots that are over count too, until the world has noticed.
    let coins = lots
        .iter()
        .filter(|lot| lot.expires == ends)
        .fold(0i64, |sum, lot| sum.saturating_add(lot.coins.0));
    (0 < coins).then(|| Told::Expiring {
        month,
        at: month.begins(),
        notice: Notice::coins_expiring(member, domain::Coins(coins)),
        member,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Coins, Money};

    pub(super) fn row() -> NoticeRow {
        NoticeRow {
            seq: 4711,
            event_no: 0,
            member: MemberId(17),
            at: Millis(1_795_366_800_000),
            kind: NoticeKind::Won,
            group: Some(domain::GroupId(7)),
            number: None,
            amount: Money(0),
            extra: Money(0),
            tax: Money(0),
            coins: Coins(0),
            won: 1,
            lost: 0,
            why: None,
        }
    }

    /// Receivers know notices by these names: repair the code, never these lines.
    #[test]
    fn a_notices_name_never_changes() {
        assert_eq!(Told::Event(row()).id(), "4711-0-17-4ce728d5af");
        let expiring = Told::Expiring {
            month: Month(682),
            at: Month(682).begins(),
            notice: Notice::coins_expiring(MemberId(17), Coins(1)),
            member: MemberId(17),
        };
        assert_eq!(expiring.id(), "coins-2026-11-17");
    }

    #[test]
    fn another_history_gives_another_name() {
        let later = NoticeRow {
            at: Millis(1_795_366_800_001),
            ..row()
        };
        assert_ne!(Told::Event(later).id(), Told::Event(row()).id());
    }
}
