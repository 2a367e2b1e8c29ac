//! Which gateway serves a member, and what makes his tags.
//!
//! Why kept: a gateway's batch names a thousand members, and reading their rows costs more than everything else about
//! their joins. Neither ever changes of a member; only his row can be deleted. So what was read is believed as long as
//! the directory is unchanged, and for ten seconds whatever happens. Bounded: a full table is emptied.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::MemberId;
use views::Served;

use crate::fresh::State;

/// Most members that are kept, at about 70 bytes.
const MOST: usize = 400_000;
/// How long what was read is believed although the directory has changed since.
const BELIEVED: Duration = Duration::from_secs(10);

/// Members as they were read.
pub(crate) struct ServedMembers {
    began: Instant,
    read: Mutex<HashMap<MemberId, Read>>,
}

struct Read {
    served: Served,
    state: State,
    /// Milliseconds since the beginning, for there are many.
    at_ms: u32,
}

impl ServedMembers {
    pub(crate) fn new() -> ServedMembers {
        ServedMembers {
            began: Instant::now(),
            read: Mutex::new(HashMap::new()),
        }
    }

    /// Those of these members that are known now; the others are left over.
    pub(crate) fn split(
        &self,
        members: impl IntoIterator<Item = MemberId>,
        state: Option<State>,
        now: Instant,
    ) -> (HashMap<MemberId, Served>, Vec<MemberId>) {
        let (now_ms, believed_ms) = (self.ms(now), BELIEVED.as_millis() as u32);
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let members = members.into_iter();
        let (mut known, mut unknown) = (HashMap::with_capacity(members.size_hint().0), Vec::new());
        for member in members {
            let good = |read: &&Read| {
                Some(read.state) == state || now_ms.wrapping_sub(read.at_ms) < believed_ms
            };
            match read.get(&member).filter(good) {
                Some(read) => {
                    known.insert(member, read.served);
                }
                None => unknown.push(member),
            }
        }
        (known, unknown)
    }

    /// Keeps what was read after the directory was seen in this state.
    pub(crate) fn keep(
        &self,
        rows: impl IntoIterator<Item = (MemberId, Served)>,
        state: Option<State>,
        now: Instant,
    ) {
        let Some(state) = state else { return };
        let at_ms = self.ms(now);
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        for (member, served) in rows {
            if MOST <= read.len() && !read.contains_key(&member) {
                read.clear();
            }
            let row = Read {
                served,
                state,
                at_ms,
            };
            read.insert(member, row);
        }
    }

    /// Wraps after seven weeks; then a member may be read once more than he must, or believed once for ten seconds.
    fn ms(&self, now: Instant) -> u32 {
        now.saturating_duration_since(self.began).as_millis() as u32
    }
}
