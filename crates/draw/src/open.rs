//! The `open` file: the rules of one draw, logged before the first seat is sold (draw 2).
//!
//! Rules live only here. Whoever holds the hash of this file holds every choice that could sway
//! the draw, and none of them can be made later.

use crate::hash::{Hash, hash};
use crate::lines::{Lines, MAX_DECIMAL, MAX_LOG_ENTRY_BYTES, ParseError, Writer, or_dash};
use crate::name::{Ident, Origin};

/// Most seats of a group; keeps a `result` within one log entry.
pub const MAX_SEATS: u32 = 10_000;
/// Most winners of a group.
pub const MAX_WINNERS: u32 = 10_000;

const FILE: &str = "open";

/// Rules of one draw. The fields stand in the order of the file's lines.
///
/// Fields can hold what no file may; [`Open::check`] says so, and nothing here draws unchecked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// The log this group belongs to; stops replay from a test log.
    pub log: Origin,
    /// The group; one open per group, the first in log order counts.
    pub group: Ident,
    /// The circle whose draws follow each other, if any.
    pub circle: Option<Ident>,
    /// How many seats the frozen list may have.
    pub seats: SeatRange,
    /// How many of them win.
    pub mode: Mode,
    /// Whether the leader's seats take part.
    pub leader: LeaderRule,
    /// Whether tiers by earlier wins come before the score.
    pub rotation: Rotation,
    /// How many of one member's seats may win.
    pub per_member: PerMember,
    /// What winning means; the algorithm is the same.
    pub outcome: OutcomeKind,
    /// Where the randomness comes from.
    pub source: Source,
    /// Seconds from the freeze to the earliest time of the beacon round.
    pub delay_s: u64,
    /// What happens when the round stays away.
    pub timeout: Timeout,
    /// Reserved fallback chain (draw 10).
    pub chain: Chain,
}

/// Fewest and most seats of the frozen list, both inclusive, 1..10000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeatRange {
    /// Fewest.
    pub min: u32,
    /// Most.
    pub max: u32,
}

/// How many seats win.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A fixed number, as far as the pool goes.
    Fixed {
        /// 1..10000.
        winners: u32,
    },
    /// Each seat of the pool hits with chance `num / den`; the count is held within bounds.
    Chance {
        /// Numerator, at most `den`.
        num: u32,
        /// Denominator, at least 1.
        den: u32,
        /// Fewest winners.
        kmin: u32,
        /// Most winners, 1..10000.
        kmax: u32,
    },
}

/// Whether the leader's seats are in the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaderRule {
    /// Drawn like anyone.
    In,
    /// Never drawn.
    Out,
}

/// Whether those who have won in the circle wait until all have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// Tiers come before scores.
    On,
    /// Every tier is 0.
    Off,
}

/// How many of one member's seats may win.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PerMember {
    /// At most one.
    One,
    /// Any number.
    Any,
}

/// What the drawn get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutcomeKind {
    /// The drawn win.
    Win,
    /// The drawn pay the bill.
    Pay,
}

/// Where the randomness comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The public drand network `quicknet`.
    DrandQuicknet,
    /// Reserved (draw 10).
    Commit,
    /// The installation's own key: for demonstration and tests, always level 0.
    Local {
        /// Hash of the `beacon` file.
        beacon: Hash,
    },
}

/// What happens when no signature of the round is known in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeout {
    /// Seconds after the round's time, 3600..31536000.
    pub seconds: u64,
    /// What happens then.
    pub then: TimeoutAction,
}

/// What a timeout leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeoutAction {
    /// The group is void and everything is refunded.
    Void,
    /// Reserved (draw 10).
    Commit,
}

/// The fallback hash chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chain {
    /// None, `-`.
    None,
    /// Reserved (draw 10).
    Tip {
        /// Tip of the chain.
        tip: Hash,
        /// Links.
        length: u64,
        /// Most missing nonces.
        max_missing: u64,
    },
}

impl Open {
    /// Reads the file strictly: one spelling, every constraint of draw 2 checked.
    ///
    /// # Errors
    /// [`ParseError`] naming the first wrong line.
    pub fn parse(bytes: &[u8]) -> Result<Open, ParseError> {
        let mut lines = Lines::new(FILE, bytes, MAX_LOG_ENTRY_BYTES)?;
        let log = lines.value("log")?;
        let log = Origin::new(log).map_err(|error| lines.error(format!("log: {error}")))?;
        let group = parse_ident(&mut lines, "group")?;
        let circle = match lines.value("circle")? {
            "-" => None,
            text => Some(ident(&lines, "circle", text)?),
        };
        let [min, max] = lines.fields("seats")?;
        let seats = SeatRange {
            min: lines.decimal32("seats", min)?,
            max: lines.decimal32("seats", max)?,
        };
        let mode = parse_mode(&mut lines)?;
        let leader = lines.value("leader")?;
        let leader = lines.word(
            "leader",
            leader,
            [("in", LeaderRule::In), ("out", LeaderRule::Out)],
        )?;
        let rotation = lines.value("rotation")?;
        let rotation = lines.word(
            "rotation",
            rotation,
            [("on", Rotation::On), ("off", Rotation::Off)],
        )?;
        let per_member = lines.value("permember")?;
        let per_member = lines.word(
            "permember",
            per_member,
            [("one", PerMember::One), ("any", PerMember::Any)],
        )?;
        let outcome = lines.value("outcome")?;
        let outcome = lines.word(
            "outcome",
            outcome,
            [("win", OutcomeKind::Win), ("pay", OutcomeKind::Pay)],
        )?;
        let source = parse_source(&mut lines)?;
        let delay = lines.value("delay")?;
        let delay_s = lines.decimal("delay", delay)?;
        let timeout = parse_timeout(&mut lines)?;
        let chain = parse_chain(&mut lines)?;
        lines.end()?;
        let open = Open {
            log,
            group,
            circle,
            seats,
            mode,
            leader,
            rotation,
            per_member,
            outcome,
            source,
            delay_s,
            timeout,
            chain,
        };
        open.check()?;
        Ok(open)
    }

    /// The file's bytes. `Open::parse` gives the same rules back if [`Open::check`] passes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut file = Writer::new(FILE);
        file.line(format_args!("log {}", self.log));
        file.line(format_args!("group {}", self.group));
        file.line(format_args!("circle {}", or_dash(self.circle.as_ref())));
        file.line(format_args!("seats {} {}", self.seats.min, self.seats.max));
        match self.mode {
            Mode::Fixed { winners } => file.line(format_args!("mode fixed {winners}")),
            Mode::Chance {
                num,
                den,
                kmin,
                kmax,
            } => {
                file.line(format_args!("mode chance {num} {den} {kmin} {kmax}"));
            }
        }
        file.line(format_args!(
            "leader {}",
            match self.leader {
                LeaderRule::In => "in",
                LeaderRule::Out => "out",
            }
        ));
        file.line(format_args!(
            "rotation {}",
            match self.rotation {
                Rotation::On => "on",
                Rotation::Off => "off",
            }
        ));
        file.line(format_args!(
            "permember {}",
            match self.per_member {
                PerMember::One => "one",
                PerMember::Any => "any",
            }
        ));
        file.line(format_args!(
            "outcome {}",
            match self.outcome {
                OutcomeKind::Win => "win",
                OutcomeKind::Pay => "pay",
            }
        ));
        match self.source {
            Source::DrandQuicknet => file.line(format_args!("source drand-quicknet")),
            Source::Commit => file.line(format_args!("source commit")),
            Source::Local { beacon } => file.line(format_args!("source local {beacon}")),
        }
        file.line(format_args!("delay {}", self.delay_s));
        let then = match self.timeout.then {
            TimeoutAction::Void => "void",
            TimeoutAction::Commit => "commit",
        };
        file.line(format_args!("timeout {} {then}", self.timeout.seconds));
        match self.chain {
            Chain::None => file.line(format_args!("chain -")),
            Chain::Tip {
                tip,
                length,
                max_missing,
            } => {
                file.line(format_args!("chain {tip} {length} {max_missing}"));
            }
        }
        file.finish()
    }

    /// `H(open)`.
    pub fn hash(&self) -> Hash {
        hash(&self.to_bytes())
    }

    /// Every constraint of draw 2 that the types do not hold.
    ///
    /// # Errors
    /// [`ParseError`] naming the line of the file that would be wrong.
    pub fn check(&self) -> Result<(), ParseError> {
        let wrong = |line: usize, reason: String| Err(ParseError::new(FILE, line, reason));
        let SeatRange { min, max } = self.seats;
        if min < 1 || max < min || MAX_SEATS < max {
            return wrong(5, format!("seats: must be 1 <= min <= max <= {MAX_SEATS}"));
        }
        match self.mode {
            Mode::Fixed { winners } if !(1..=MAX_WINNERS).contains(&winners) => {
                return wrong(6, format!("mode: winners must be 1..{MAX_WINNERS}"));
            }
            Mode::Chance { num, den, .. } if den < 1 || den < num => {
                return wrong(6, "mode: must be 0 <= num <= den, 1 <= den".to_owned());
            }
            Mode::Chance { kmin, kmax, .. } if kmax < 1 || kmax < kmin || MAX_WINNERS < kmax => {
                return wrong(
                    6,
                    format!("mode: must be kmin <= kmax, 1 <= kmax <= {MAX_WINNERS}"),
                );
            }
            Mode::Fixed { .. } | Mode::Chance { .. } => {}
        }
        if self.rotation == Rotation::On {
            if !matches!(self.mode, Mode::Fixed { .. }) {
                return wrong(8, "rotation: on needs mode fixed".to_owned());
            }
            if self.circle.is_none() {
                return wrong(8, "rotation: on needs a circle".to_owned());
            }
            if self.per_member != PerMember::One {
                return wrong(8, "rotation: on needs permember one".to_owned());
            }
        }
        let least_delay = match self.source {
            Source::DrandQuicknet | Source::Commit => 30,
            Source::Local { .. } => 3,
        };
        if !(least_delay..=2_592_000).contains(&self.delay_s) {
            return wrong(12, format!("delay: must be {least_delay}..2592000 seconds"));
        }
        if !(3_600..=31_536_000).contains(&self.timeout.seconds) {
            return wrong(13, "timeout: must be 3600..31536000 seconds".to_owned());
        }
        if let Chain::Tip {
            length,
            max_missing,
            ..
        } = self.chain
            && MAX_DECIMAL < length.max(max_missing)
        {
            return wrong(14, "chain: a number is above 2^63-1".to_owned());
        }
        Ok(())
    }

    /// The reserved syntax this file uses, if any (draw 10): such a group is never opened here.
    pub fn reserved(&self) -> Option<&'static str> {
        if self.source == Source::Commit {
            return Some("source commit");
        }
        if self.timeout.then == TimeoutAction::Commit {
            return Some("timeout commit");
        }
        match self.chain {
            Chain::Tip { .. } => Some("chain"),
            Chain::None => None,
        }
    }
}

fn parse_ident(lines: &mut Lines<'_>, key: &str) -> Result<Ident, ParseError> {
    let text = lines.value(key)?;
    ident(lines, key, text)
}

fn ident(lines: &Lines<'_>, key: &str, text: &str) -> Result<Ident, ParseError> {
    Ident::new(text).map_err(|error| lines.error(format!("{key}: {error}")))
}

fn parse_mode(lines: &mut Lines<'_>) -> Result<Mode, ParseError> {
    let value = lines.value("mode")?;
    if value.starts_with("fixed ") {
        let [_, winners] = lines.split("mode", value)?;
        return Ok(Mode::Fixed {
            winners: lines.decimal32("mode", winners)?,
        });
    }
    if value.starts_with("chance ") {
        let [_, num, den, kmin, kmax] = lines.split("mode", value)?;
        return Ok(Mode::Chance {
            num: lines.decimal32("mode", num)?,
            den: lines.decimal32("mode", den)?,
            kmin: lines.decimal32("mode", kmin)?,
            kmax: lines.decimal32("mode", kmax)?,
        });
    }
    Err(lines.unknown(
        "mode",
        value,
        "fixed <W> or chance <num> <den> <kmin> <kmax>",
    ))
}

fn parse_source(lines: &mut Lines<'_>) -> Result<Source, ParseError> {
    match lines.value("source")? {
        "drand-quicknet" => Ok(Source::DrandQuicknet),
        "commit" => Ok(Source::Commit),
        value => match value.strip_prefix("local ") {
            Some(beacon) => Ok(Source::Local {
                beacon: lines.hash("source", beacon)?,
            }),
            None => Err(lines.unknown("source", value, "drand-quicknet, commit or local <hash>")),
        },
    }
}

fn parse_timeout(lines: &mut Lines<'_>) -> Result<Timeout, ParseError> {
    let [seconds, then] = lines.fields("timeout")?;
    Ok(Timeout {
        seconds: lines.decimal("timeout", seconds)?,
        then: lines.word(
            "timeout",
            then,
            [
                ("void", TimeoutAction::Void),
                ("commit", TimeoutAction::Commit),
            ],
        )?,
    })
}

fn parse_chain(lines: &mut Lines<'_>) -> Result<Chain, ParseError> {
    let value = lines.value("chain")?;
    if value == "-" {
        return Ok(Chain::None);
    }
    let [tip, length, max_missing] = lines.split("chain", value)?;
    Ok(Chain::Tip {
        tip: lines.hash("chain", tip)?,
        length: lines.decimal("chain", length)?,
        max_missing: lines.decimal("chain", max_missing)?,
    })
}
