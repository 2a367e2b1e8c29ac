//! Who is who (rules 11): that a member's name and age were verified, and who runs the platform.
//!
//! Why no name and no day of birth stand here: whoever looked at a document says that the member was of so many years on
//! that day. Nothing else is needed, and the journal is kept for ever.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};

use crate::{Answer, Event, MemberId, Millis, Refusal, Text, World};

/// Highest age that is taken for one, in years.
pub const MAX_AGE: u32 = 150;
/// Longest text of who runs the platform, in characters.
pub const MAX_ORGANISER_CHARS: usize = 200;
/// Days after which a member is surely a year older.
const YEAR_DAYS: i64 = 366;

/// What is asked.
#[derive(Clone, Debug)]
pub enum IdentityCommand {
    /// Notes that somebody has seen a document of this member, with his name and age.
    Verify {
        /// Whose.
        member: MemberId,
        /// His age that day, in whole years.
        age: u32,
    },
    /// Says who runs the platform, and how he is reached.
    StateOrganiser(Organiser),
}

/// Who runs the platform (rules 11).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Organiser {
    /// His name.
    #[n(0)]
    pub name: Text,
    /// How he is reached.
    #[n(1)]
    pub contact: String,
}

/// What has happened. Stored for ever, like [`Event`]: numbers are never reused.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(flat)]
pub enum IdentityEvent {
    /// A member's name and age were verified.
    #[n(0)]
    Verified {
        /// Whose.
        #[n(0)]
        member: MemberId,
        /// His age that day, in whole years.
        #[n(1)]
        age: u32,
    },
    /// Who runs the platform from now on.
    #[n(1)]
    OrganiserStated(#[n(0)] Organiser),
}

impl IdentityEvent {
    /// All names, by the numbers of the kinds.
    pub const NAMES: [&'static str; 2] = ["member_verified", "organiser_stated"];

    /// Its name in SQL and JSON.
    pub fn name(&self) -> &'static str {
        match self {
            IdentityEvent::Verified { .. } => "member_verified",
            IdentityEvent::OrganiserStated(_) => "organiser_stated",
        }
    }
}

/// Why a command was turned down.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityRefusal {
    /// The installation's profile asks who he is, and nobody has seen it yet.
    #[error("the member's name and age are not verified yet")]
    NotVerified,
    /// He is younger than the installation's profile allows.
    #[error("the member is younger than {least} years")]
    TooYoung {
        /// In years.
        least: u32,
    },
    /// Nobody is that old.
    #[error("an age has 0 to {MAX_AGE} years")]
    AgeInvalid,
    /// A text is empty or too long.
    #[error("names and contact have 1 to {MAX_ORGANISER_CHARS} characters")]
    OrganiserInvalid,
}

impl IdentityRefusal {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            IdentityRefusal::NotVerified => "not_verified",
            IdentityRefusal::TooYoung { .. } => "too_young",
            IdentityRefusal::AgeInvalid => "age_invalid",
            IdentityRefusal::OrganiserInvalid => "organiser_invalid",
        }
    }
}

impl From<IdentityRefusal> for Refusal {
    fn from(refusal: IdentityRefusal) -> Refusal {
        Refusal::Identity(refusal)
    }
}

/// What is known; empty until somebody is verified.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Identities {
    #[n(0)]
    verified: BTreeMap<MemberId, Verified>,
    #[n(1)]
    organiser: Option<Organiser>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
struct Verified {
    #[n(0)]
    age: u32,
    #[n(1)]
    at: Millis,
}

impl Verified {
    /// How many years he has at least: birthdays are not known.
    fn at_least(self, now: Millis) -> u32 {
        let days = now.shanghai_day().saturating_sub(self.at.shanghai_day());
        let years = u32::try_from(days.div_euclid(YEAR_DAYS)).unwrap_or(0);
        self.age.saturating_add(years)
    }
}

/// Reads.
impl World {
    /// How old a member is at least, in years, if somebody has seen a document.
    pub fn verified_age(&self, member: MemberId, now: Millis) -> Option<u32> {
        let verified = self.identities.verified.get(&member)?;
        Some(verified.at_least(now))
    }

    /// Who runs the platform, if he has said so.
    pub fn organiser(&self) -> Option<&Organiser> {
        self.identities.organiser.as_ref()
    }

    pub(crate) fn has_identities(&self) -> bool {
        self.identities != Identities::default()
    }
}

/// What the installation's profile asks of whoever enters or withdraws.
impl World {
    /// Nobody enters who is known to be too young; where the profile asks for names before entry, nobody who is not known.
    pub(crate) fn require_may_enter(&self, member: MemberId, now: Millis) -> Result<(), Refusal> {
        let terms = self.profile_terms();
        match self.verified_age(member, now) {
            Some(age) => require_age(age, terms.minimum_age),
            None if terms.names_at_entry => Err(IdentityRefusal::NotVerified.into()),
            None => Ok(()),
        }
    }

    /// Nobody withdraws who is too young, or of whom it is not known where the profile has an age.
    pub(crate) fn require_may_withdraw(
        &self,
        member: MemberId,
        now: Millis,
    ) -> Result<(), Refusal> {
        let terms = self.profile_terms();
        match self.verified_age(member, now) {
            Some(age) => require_age(age, terms.minimum_age),
            None if terms.asks_who() => Err(IdentityRefusal::NotVerified.into()),
            None => Ok(()),
        }
    }
}

fn require_age(age: u32, least: u32) -> Result<(), Refusal> {
    if age < least {
        return Err(IdentityRefusal::TooYoung { least }.into());
    }
    Ok(())
}

/// What is asked.
impl World {
    pub(crate) fn decide_identity(
        &self,
        command: &IdentityCommand,
        events: &mut Vec<Event>,
    ) -> Result<Option<Answer>, Refusal> {
        let event = match command {
            IdentityCommand::Verify { member, age } => {
                self.require_member(*member)?;
                if MAX_AGE < *age {
                    return Err(IdentityRefusal::AgeInvalid.into());
                }
                IdentityEvent::Verified {
                    member: *member,
                    age: *age,
                }
            }
            IdentityCommand::StateOrganiser(organiser) => {
                let texts = [&organiser.name.zh, &organiser.name.en, &organiser.contact];
                let fits = |text: &&String| {
                    !text.trim().is_empty() && text.chars().count() <= MAX_ORGANISER_CHARS
                };
                if !texts.iter().all(fits) {
                    return Err(IdentityRefusal::OrganiserInvalid.into());
                }
                for (field, text) in ["name.zh", "name.en", "contact"].into_iter().zip(texts) {
                    if let Some(promise) = crate::forbidden_promise(text) {
                        return Err(Refusal::PromiseForbidden { field, promise });
                    }
                }
                if self.organiser() == Some(organiser) {
                    return Ok(Some(Answer::Done));
                }
                IdentityEvent::OrganiserStated(organiser.clone())
            }
        };
        events.push(Event::Identity(event));
        Ok(None)
    }

    pub(crate) fn apply_identity(&mut self, event: &IdentityEvent) {
        match event {
            IdentityEvent::Verified { member, age } => {
                let verified = Verified {
                    age: *age,
                    at: self.now,
                };
                self.identities.verified.insert(*member, verified);
                self.refresh_limits();
            }
            IdentityEvent::OrganiserStated(organiser) => {
                self.identities.organiser = Some(organiser.clone());
            }
        }
    }
}
