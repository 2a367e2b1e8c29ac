//! The writer thread: takes requests, executes them in turn, hands batches to the append thread.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::time::Duration;

use domain::{Millis, READ_AHEAD, Request};
use tokio::sync::oneshot;

use crate::append::{Batch, Work};
use crate::clock::Clock;
use crate::executor::Executor;
use crate::message::{Lane, Message, Outcome, Waiting};
use crate::shared::Shared;
use crate::{IDLE_LOOK, Reply};

/// Commands of the door between two settlements and between two looks at the clock.
pub(crate) const COMMANDS_PER_PASS: usize = 1024;
/// About how many bytes of settlements a batch takes beside commands of the door, when those are less: what waits for
/// the batch waits for all of it.
const SETTLED_BESIDE_DOOR: usize = 8 * 1024;
/// As much when nobody has come to the door of late.
const SETTLED_ALONE: usize = 64 * 1024;
/// Timers between two passes of the door.
pub(crate) const TIMERS_PER_PASS: usize = 64;

/// The one thread that executes.
pub(crate) struct Writer {
    pub(crate) executor: Executor,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) inbox: Receiver<Message>,
    pub(crate) append: Sender<Work>,
    pub(crate) done: Receiver<Batch>,
    pub(crate) batch_bytes: usize,
    /// Gathers who waits; its records are still with the executor.
    pub(crate) batch: Batch,
    /// The batch that came back, for reuse; `None` while one is in flight.
    pub(crate) spare: Option<Batch>,
    /// Commands of the door of which some are still to be executed.
    pub(crate) door: Option<Many>,
    pub(crate) settlements: VecDeque<Many>,
    /// About how many bytes of the batch are settlements'.
    pub(crate) settled: usize,
    /// Whether the batch before this one answered commands of the door.
    pub(crate) door_of_late: bool,
    pub(crate) closing: bool,
}

/// The append thread has ended: nothing more can become durable.
pub(crate) struct Ended;

/// Commands with one reply, executed one after the other, perhaps over several batches.
pub(crate) struct Many {
    lane: Lane,
    rest: std::vec::IntoIter<Request>,
    outcomes: Vec<Outcome>,
    to: ReplyTo,
}

/// How the caller wants it.
enum ReplyTo {
    One(oneshot::Sender<Outcome>),
    Many(oneshot::Sender<Vec<Outcome>>),
}

impl Writer {
    /// Runs until it has been shut down and everything accepted is answered, or until an append has failed.
    pub(crate) fn run(&mut self) -> Result<(), Ended> {
        loop {
            self.collect()?;
            let worked = self.pass();
            let handed_over = self.hand_over()?;
            if self.closing && worked == 0 && self.is_idle() {
                return Ok(());
            }
            if (worked == 0 && !handed_over) || self.is_full() {
                self.wait()?;
            }
        }
    }

    /// Executes what is due and what has queued, within bounds; returns how much was done.
    pub(crate) fn pass(&mut self) -> usize {
        let now = self.clock.now();
        self.timers(now) + self.door(now) + self.settlement(now)
    }

    fn timers(&mut self, now: Millis) -> usize {
        let mut ticks = 0;
        while ticks < TIMERS_PER_PASS && !self.is_full() && self.executor.tick(now).is_some() {
            ticks += 1;
        }
        ticks
    }

    fn door(&mut self, now: Millis) -> usize {
        let mut worked = 0;
        while worked < COMMANDS_PER_PASS && !self.is_full() {
            if let Some(many) = self.door.take() {
                let (executed, rest) = self.execute_many(many, now, COMMANDS_PER_PASS - worked);
                worked += executed;
                self.door = rest;
                continue;
            }
            match self.inbox.try_recv() {
                Ok(message) => worked += self.receive(message, now),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
            }
        }
        worked
    }

    fn settlement(&mut self, now: Millis) -> usize {
        if self.is_full() || self.most_settled() <= self.settled {
            return 0;
        }
        let Some(many) = self.settlements.pop_front() else {
            return 0;
        };
        let before = self.executor.bytes();
        let (executed, rest) = self.execute_many(many, now, 1);
        self.settled += self.executor.bytes() - before;
        crash::point_if("engine.settlement_executed", || 0 < executed);
        if let Some(rest) = rest {
            self.settlements.push_front(rest);
        }
        executed
    }

    /// How much of the batch may be settlements: half of it while people come to the door, and always something.
    fn most_settled(&self) -> usize {
        if self.door_of_late || 0 < self.batch.answers[Lane::Door.index()] {
            SETTLED_BESIDE_DOOR.max(self.executor.bytes().saturating_sub(self.settled))
        } else {
            SETTLED_ALONE
        }
    }

    /// Takes one message from the inbox; returns how much it did.
    fn receive(&mut self, message: Message, now: Millis) -> usize {
        match message {
            Message::One(Lane::Door, request, to) => {
                let outcome = self.execute(&request, now);
                self.batch.waiting.push(Waiting::One(to, outcome));
                self.batch.answers[Lane::Door.index()] += 1;
                1
            }
            Message::One(Lane::Settlements, request, to) => {
                self.settlements.push_back(Many {
                    lane: Lane::Settlements,
                    rest: vec![request].into_iter(),
                    outcomes: Vec::with_capacity(1),
                    to: ReplyTo::One(to),
                });
                0
            }
            Message::Many(lane, requests, to) => {
                let outcomes = Vec::with_capacity(requests.len());
                let many = Many {
                    lane,
                    rest: requests.into_iter(),
                    outcomes,
                    to: ReplyTo::Many(to),
                };
                match lane {
                    Lane::Door => self.door = Some(many),
                    Lane::Settlements => self.settlements.push_back(many),
                }
                0
            }
            Message::Query(query) => {
                let deliver = query(self.executor.world(), self.executor.seq());
                self.batch.waiting.push(Waiting::Query(deliver));
                self.batch.answers[Lane::Door.index()] += 1;
                1
            }
            Message::Wake => 0,
            Message::Shutdown => {
                self.closing = true;
                0
            }
        }
    }

    fn execute(&mut self, request: &Request, now: Millis) -> Outcome {
        let answer = self.executor.execute(request, now)?;
        Ok(Reply {
            answer,
            seq: self.executor.seq(),
        })
    }

    /// Executes at most `limit` of the commands; gives back what is left of them.
    fn execute_many(&mut self, mut many: Many, now: Millis, limit: usize) -> (usize, Option<Many>) {
        let mut executed = 0;
        while executed < limit && !self.is_full() {
            if executed % READ_AHEAD == 0 {
                let ahead = many.rest.as_slice();
                let soon = ahead.get(..READ_AHEAD).unwrap_or(ahead);
                self.executor.world().read_ahead(soon);
            }
            let Some(request) = many.rest.next() else {
                break;
            };
            let outcome = self.execute(&request, now);
            many.outcomes.push(outcome);
            executed += 1;
        }
        if 0 < many.rest.len() {
            return (executed, Some(many));
        }
        self.batch.answers[many.lane.index()] += many.outcomes.len();
        self.batch.waiting.extend(match many.to {
            ReplyTo::One(to) => many.outcomes.pop().map(|outcome| Waiting::One(to, outcome)),
            ReplyTo::Many(to) => Some(Waiting::Many(to, many.outcomes)),
        });
        (executed, None)
    }

    /// Gives the batch to the append thread unless one is in flight, and says whether it did. What rests on durable
    /// records alone is answered right here.
    fn hand_over(&mut self) -> Result<bool, Ended> {
        if self.batch.waiting.is_empty() && self.executor.records().is_empty() {
            return Ok(false);
        }
        let Some(mut spare) = self.spare.take() else {
            return Ok(false);
        };
        self.settled = 0;
        self.door_of_late = 0 < self.batch.answers[Lane::Door.index()];
        if self.executor.records().is_empty() {
            self.batch.answer(&self.shared);
            self.spare = Some(spare);
            return Ok(false);
        }
        let empty = std::mem::take(&mut spare.records);
        let mut batch = std::mem::replace(&mut self.batch, spare);
        batch.records = self.executor.take(empty);
        self.append.send(Work::Batch(batch)).map_err(|_| Ended)?;
        Ok(true)
    }

    /// Takes the batch back if it has become durable.
    fn collect(&mut self) -> Result<(), Ended> {
        if self.spare.is_some() {
            return Ok(());
        }
        match self.done.try_recv() {
            Ok(batch) => self.spare = Some(batch),
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected) => return Err(Ended),
        }
        Ok(())
    }

    /// Sleeps until there is something to do: the batch in flight is durable, a message comes, a timer is due.
    fn wait(&mut self) -> Result<(), Ended> {
        if self.is_full() {
            if self.spare.is_none() {
                self.spare = Some(self.done.recv().map_err(|_| Ended)?);
            }
            return Ok(());
        }
        if self.door.is_some() {
            // A full batch left it over; another message must not take its place.
            return Ok(());
        }
        let now = self.clock.now();
        let until = |at: Millis| {
            let wait_ms = at.0.saturating_sub(now.0).max(0);
            Duration::from_millis(u64::try_from(wait_ms).unwrap_or(0))
        };
        let timer = self.executor.no_timer_before().map_or(IDLE_LOOK, until);
        match self.inbox.recv_timeout(timer.min(IDLE_LOOK)) {
            Ok(message) => {
                self.receive(message, self.clock.now());
                self.collect()?;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Err(Ended),
        }
        // With the journal gone nobody is left to wake the writer.
        self.collect()
    }

    fn is_full(&self) -> bool {
        self.batch_bytes <= self.executor.bytes()
    }

    fn is_idle(&self) -> bool {
        self.spare.is_some()
            && self.batch.waiting.is_empty()
            && self.executor.records().is_empty()
            && self.door.is_none()
            && self.settlements.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use domain::{Actor, Command, GroupId, World};

    use super::*;
    use crate::ManualClock;
    use crate::recovery::Recovered;

    /// A writer without threads, and the ends of its channels.
    fn writer() -> (Writer, Sender<Message>, Receiver<Work>, Sender<Batch>) {
        let (to_writer, inbox) = mpsc::channel();
        let (append, work) = mpsc::channel();
        let (to_done, done) = mpsc::channel();
        let recovered = Recovered {
            snapshot_seq: None,
            replayed: 0,
            head: 0,
        };
        let writer = Writer {
            executor: Executor::new(World::default(), 0),
            clock: Arc::new(ManualClock::default()),
            shared: Arc::new(Shared::new(100_000, 100_000, recovered)),
            inbox,
            append,
            done,
            batch_bytes: usize::MAX,
            batch: Batch::default(),
            spare: Some(Batch::default()),
            door: None,
            settlements: VecDeque::new(),
            settled: 0,
            door_of_late: false,
            closing: false,
        };
        (writer, to_writer, work, to_done)
    }

    fn request(command: Command) -> Request {
        Request {
            actor: Actor::System,
            key: None,
            command,
        }
    }

    fn register(number: u32) -> Request {
        let mut token = [0; 16];
        token[..4].copy_from_slice(&number.to_le_bytes());
        request(Command::RegisterMember {
            token,
            inviter: None,
        })
    }

    fn void() -> Request {
        request(Command::VoidGroup { group: GroupId(0) })
    }

    fn one(request: Request) -> Message {
        Message::One(Lane::of(&request.command), request, oneshot::channel().0)
    }

    fn many(requests: Vec<Request>) -> Message {
        Message::Many(Lane::of_many(&requests), requests, oneshot::channel().0)
    }

    #[test]
    fn settlements_and_joins_are_taken_in_turn() {
        let (mut writer, inbox, _work, _done) = writer();
        let together = vec![register(0), void(), register(1)];
        inbox.send(many(together)).unwrap();
        for _ in 0..50 {
            inbox.send(one(void())).unwrap();
        }
        inbox.send(many((2..1002).map(register).collect())).unwrap();
        for number in 1002..4000 {
            inbox.send(one(register(number))).unwrap();
        }
        let executed = |writer: &Writer| (writer.executor.seq(), writer.batch.answers);
        let pass = COMMANDS_PER_PASS;
        writer.pass();
        let first = (pass as u64 + 1, [pass, 0]);
        assert_eq!(
            executed(&writer),
            first,
            "one of three sent together, and many joins"
        );
        writer.pass();
        writer.pass();
        assert_eq!(
            executed(&writer),
            (3 * pass as u64 + 2, [3 * pass, 3]),
            "all three"
        );
        writer.pass();
        assert_eq!(executed(&writer), (4000, [3998, 4]), "a single one");
        while 0 < writer.pass() {}
        assert_eq!(executed(&writer), (4000, [3998, 53]));
    }

    #[test]
    fn beside_the_door_a_batch_takes_few_settlements() {
        let (mut writer, inbox, work, done) = writer();
        let executed = |writer: &Writer| (writer.batch.answers, writer.settlements.len());
        inbox.send(one(register(0))).unwrap();
        inbox.send(one(void())).unwrap();
        // As if groups had been settled in this batch already.
        writer.settled = SETTLED_BESIDE_DOOR;
        writer.pass();
        assert_eq!(executed(&writer), ([1, 0], 1), "somebody waits for it");
        assert!(writer.hand_over().is_ok_and(|handed_over| handed_over));
        writer.settled = SETTLED_BESIDE_DOOR;
        assert_eq!(writer.pass(), 0, "somebody waited for the one before");
        writer.settled = 0;
        assert_eq!(writer.pass(), 1);
        assert_eq!(
            executed(&writer),
            ([0, 1], 0),
            "there is always room for one"
        );
        let Ok(Work::Batch(batch)) = work.try_recv() else {
            panic!("no batch")
        };
        done.send(batch).unwrap();
        assert!(writer.collect().is_ok());
        assert!(writer.hand_over().is_ok());
        inbox.send(one(void())).unwrap();
        writer.settled = SETTLED_BESIDE_DOOR;
        writer.pass();
        assert_eq!(executed(&writer), ([0, 1], 0), "nobody has come of late");
    }

    #[test]
    fn a_shutdown_finishes_what_was_accepted() {
        let (mut writer, inbox, work, done) = writer();
        writer.batch_bytes = 500;
        inbox.send(many((0..100).map(register).collect())).unwrap();
        for _ in 0..5 {
            inbox.send(one(void())).unwrap();
        }
        inbox.send(Message::Shutdown).unwrap();
        let appending = std::thread::spawn(move || {
            let (mut records, mut answers) = (0, 0);
            while let Ok(Work::Batch(batch)) = work.recv() {
                records += batch.records.len();
                answers += batch.answers[Lane::Door.index()];
                done.send(Batch::default()).unwrap();
                // The writer may have ended with this batch.
                let _ = inbox.send(Message::Wake);
            }
            (records, answers)
        });
        assert!(writer.run().is_ok());
        assert!(writer.is_idle());
        drop(writer);
        assert_eq!(appending.join().unwrap(), (100, 100));
    }

    #[test]
    fn what_a_full_batch_left_over_keeps_its_place() {
        let (mut writer, inbox, work, done) = writer();
        writer.batch_bytes = 500;
        for first in [0, 100] {
            let commands = (first..first + 100).map(register).collect();
            inbox.send(many(commands)).unwrap();
        }
        inbox.send(Message::Shutdown).unwrap();
        let appending = std::thread::spawn(move || {
            let mut answers = 0;
            while let Ok(Work::Batch(batch)) = work.recv() {
                answers += batch.answers[Lane::Door.index()];
                done.send(Batch::default()).unwrap();
                // The writer may have ended with this batch.
                let _ = inbox.send(Message::Wake);
            }
            answers
        });
        assert!(writer.run().is_ok());
        drop(writer);
        assert_eq!(appending.join().unwrap(), 200);
    }

    #[test]
    fn one_batch_is_in_flight_and_the_next_grows_until_it_is_full() {
        let (mut writer, inbox, work, done) = writer();
        writer.batch_bytes = 1000;
        let all = (0..100).map(register).collect();
        inbox.send(many(all)).unwrap();
        writer.pass();
        assert!(writer.hand_over().is_ok());
        let Ok(Work::Batch(first)) = work.try_recv() else {
            panic!("no batch")
        };
        assert!(
            first.waiting.is_empty(),
            "the last command is not executed yet"
        );
        assert!(0 < writer.pass());
        assert!(writer.is_full());
        assert_eq!(writer.pass(), 0, "a full batch grows no more");
        assert!(writer.hand_over().is_ok());
        assert!(work.try_recv().is_err(), "the first batch is not back");
        let second = writer.executor.records().len();
        done.send(first).unwrap();
        assert!(writer.wait().is_ok());
        assert!(writer.hand_over().is_ok());
        let Ok(Work::Batch(batch)) = work.try_recv() else {
            panic!("no batch")
        };
        assert_eq!(batch.records.len(), second);
    }

    #[test]
    fn an_append_thread_that_is_gone_ends_the_writer() {
        let (mut writer, inbox, work, done) = writer();
        inbox.send(one(register(0))).unwrap();
        writer.pass();
        assert!(writer.hand_over().is_ok());
        drop((work, done));
        assert!(writer.collect().is_err());
    }
}
