//! Records: what one accepted command did, and many of them side by side.

use minicbor::{Decode, Encode};

use crate::{Actor, Event, IdempotencyKey, Millis};

/// What one accepted command did: the unit of the journal, numbered by it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Record {
    /// When (rules 2.7).
    #[n(0)]
    pub at: Millis,
    /// Who asked.
    #[n(1)]
    pub actor: Actor,
    /// The client's key, kept so that the window of keys is rebuilt (rules 2.4).
    #[n(2)]
    pub key: Option<IdempotencyKey>,
    /// What happened, in this order. Never empty.
    #[n(3)]
    pub events: Vec<Event>,
}

/// A record without its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordHead {
    /// When (rules 2.7).
    pub at: Millis,
    /// Who asked.
    pub actor: Actor,
    /// The client's key.
    pub key: Option<IdempotencyKey>,
}

/// A record whose events lie elsewhere; encodes like a [`Record`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode)]
pub struct RecordRef<'a> {
    /// When (rules 2.7).
    #[n(0)]
    pub at: Millis,
    /// Who asked.
    #[n(1)]
    pub actor: Actor,
    /// The client's key.
    #[n(2)]
    pub key: Option<IdempotencyKey>,
    /// What happened, in this order. Never empty.
    #[n(3)]
    pub events: &'a [Event],
}

/// Records in journal order, their events side by side: a batch is filled and emptied without an allocation a record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Records {
    /// Each record's head and how many events it has.
    heads: Vec<(RecordHead, usize)>,
    events: Vec<Event>,
    /// What the command at hand has led to so far and no record holds yet. A refused one may leave something here.
    pub(crate) decided: Vec<Event>,
}

impl Record {
    /// All but the events.
    pub fn head(&self) -> RecordHead {
        RecordHead {
            at: self.at,
            actor: self.actor,
            key: self.key,
        }
    }
}

impl RecordRef<'_> {
    /// The record by itself.
    pub fn to_record(&self) -> Record {
        Record {
            at: self.at,
            actor: self.actor,
            key: self.key,
            events: self.events.to_vec(),
        }
    }
}

impl Records {
    /// Makes a record of what was decided last; nothing is [`decided`](Self::decided) afterwards.
    pub(crate) fn close(&mut self, head: RecordHead) {
        self.heads.push((head, self.decided.len()));
        self.events.append(&mut self.decided);
    }

    /// Reads one stored record, all of `payload`, and adds it. After an error nothing was added.
    pub fn decode(&mut self, payload: &[u8]) -> Result<(), minicbor::decode::Error> {
        let before = self.events.len();
        let decoded = self.decode_events(payload);
        match decoded {
            Ok(head) => self
                .heads
                .push((head, self.events.len().saturating_sub(before))),
            Err(error) => {
                self.events.truncate(before);
                return Err(error);
            }
        }
        Ok(())
    }

    /// The events go to the list, the rest is returned.
    fn decode_events(&mut self, payload: &[u8]) -> Result<RecordHead, minicbor::decode::Error> {
        let malformed = minicbor::decode::Error::message;
        let mut input = minicbor::Decoder::new(payload);
        if input.array()? != Some(4) {
            return Err(malformed("a record has four parts"));
        }
        let head = RecordHead {
            at: input.decode()?,
            actor: input.decode()?,
            key: input.decode()?,
        };
        let events = input
            .array()?
            .ok_or_else(|| malformed("the number of events is missing"))?;
        for _ in 0..events {
            self.events.push(input.decode()?);
        }
        if input.position() != payload.len() {
            return Err(malformed("something follows the record"));
        }
        Ok(head)
    }

    /// How many records.
    pub fn len(&self) -> usize {
        self.heads.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }

    /// Forgets all and keeps the allocations.
    pub fn clear(&mut self) {
        self.heads.clear();
        self.events.clear();
        self.decided.clear();
    }

    /// In order.
    pub fn iter(&self) -> impl Iterator<Item = RecordRef<'_>> {
        records(&self.heads, &self.events)
    }

    /// The last so many, in order.
    pub fn last(&self, count: usize) -> impl Iterator<Item = RecordRef<'_>> {
        let heads = self.heads.len().saturating_sub(count);
        let heads = self.heads.get(heads..).unwrap_or(&[]);
        let events = heads
            .iter()
            .fold(0usize, |sum, (_, count)| sum.saturating_add(*count));
        let events = self.events.len().saturating_sub(events);
        records(heads, self.events.get(events..).unwrap_or(&[]))
    }
}

fn records<'a>(
    heads: &'a [(RecordHead, usize)],
    mut events: &'a [Event],
) -> impl Iterator<Item = RecordRef<'a>> {
    heads.iter().map(move |&(head, count)| {
        let (own, rest) = events.split_at_checked(count).unwrap_or((events, &[]));
        events = rest;
        RecordRef {
            at: head.at,
            actor: head.actor,
            key: head.key,
            events: own,
        }
    })
}
