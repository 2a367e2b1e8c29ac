//! By what notices leave the platform (rules 9.8): what a connector is, and how far each has come.

use domain::MemberId;
use views::{ConnectorRow, ToldUpTo};

use super::Told;

/// Something that takes notices to members.
pub(crate) trait Connector: Send + 'static {
    /// Its name in choices, metrics and the directory; never changed.
    const NAME: &'static str;
    /// Most notices that are sent at once; of them all that is said is one [`Outcome`].
    const AT_ONCE: usize;

    /// What has to be known after a crash to tell what went out: how long its file is. 0 for a connector without one.
    fn mark(&mut self) -> impl Future<Output = Result<u64, String>> + Send;

    /// Sends these. That they are under way is on disk already.
    fn send(&mut self, notices: &[Told]) -> impl Future<Output = Outcome> + Send;

    /// Finds out what became of what was under way when the platform died.
    fn recover(&mut self, row: &ConnectorRow) -> impl Future<Output = WentOut> + Send;
}

/// What became of notices that were sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// They are there.
    Sent,
    /// None of them is, for certain: they are sent again later.
    Refused {
        /// In words.
        why: String,
        /// Whether the same may be refused for ever.
        refusal: Refusal,
    },
    /// Nobody knows: they are not sent again.
    Unknown {
        /// In words.
        why: String,
    },
}

/// Whether the same may be refused for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Nobody was there: tried until somebody is.
    Nobody,
    /// Somebody was there and did not want it: tried some times.
    Unwanted,
}

/// What went out of notices that were under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WentOut {
    /// Nobody knows.
    Unknown,
    /// The first so many, of which this is the last.
    Known(Option<(u64, Place)>),
}

/// Where a notice stands among all there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Of an event.
    Event {
        /// The record.
        seq: u64,
        /// The event's place in it.
        event_no: u32,
        /// Whom it tells.
        member: MemberId,
    },
    /// Of coins that expire.
    Coins {
        /// In which month.
        month: u16,
        /// Whose.
        member: MemberId,
    },
}

impl Place {
    /// How far one has come with this notice.
    pub(crate) fn after(self, up_to: ToldUpTo) -> ToldUpTo {
        match self {
            Place::Event {
                seq,
                event_no,
                member,
            } => ToldUpTo {
                seq,
                event_no,
                member: member.0,
                ..up_to
            },
            Place::Coins { month, member } => ToldUpTo {
                month,
                coins_of: member.0.saturating_add(1),
                ..up_to
            },
        }
    }

    /// The place that a notice's name tells.
    pub(crate) fn of_id(id: &str) -> Option<Place> {
        let mut parts = id.split('-');
        let first = parts.next()?;
        let place = if first == "coins" {
            let year: u16 = parts.next()?.parse().ok()?;
            let of_year: u16 = parts.next()?.parse().ok()?;
            let months = year.checked_sub(1970)?.checked_mul(12)?;
            Place::Coins {
                month: months.checked_add(of_year.checked_sub(1)?)?,
                member: MemberId(parts.next()?.parse().ok()?),
            }
        } else {
            Place::Event {
                seq: first.parse().ok()?,
                event_no: parts.next()?.parse().ok()?,
                member: MemberId(parts.next()?.parse().ok()?),
            }
        };
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notices::tests::row;
    use domain::{Coins, Month, Notice};

    #[test]
    fn names_tell_their_places() {
        let told = Told::Event(row());
        let place = Place::Event {
            seq: 4711,
            event_no: 0,
            member: MemberId(17),
        };
        assert_eq!(
            (told.place(), Place::of_id(&told.id())),
            (place, Some(place))
        );
        let member = MemberId(17);
        let told = Told::Expiring {
            month: Month(682),
            at: Month(682).begins(),
            notice: Notice::coins_expiring(member, Coins(1)),
            member,
        };
        let place = Place::Coins { month: 682, member };
        assert_eq!(
            (told.place(), Place::of_id(&told.id())),
            (place, Some(place))
        );
        for bad in [
            "",
            "x",
            "1-2",
            "coins-1969-12-1",
            "coins-2026-00-1",
            "-1-2-3",
        ] {
            assert_eq!(Place::of_id(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_notice_moves_its_own_part_on() {
        let before: ToldUpTo = "5.0.3 682.9".parse().unwrap();
        let event = Place::of_id("6-1-4-4ce728d5af").unwrap();
        assert_eq!(event.after(before).to_string(), "6.1.4 682.9");
        let coins = Place::of_id("coins-2026-12-9").unwrap();
        assert_eq!(coins.after(before).to_string(), "5.0.3 683.10");
    }
}
