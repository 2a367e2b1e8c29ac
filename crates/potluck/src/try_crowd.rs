//! Who sits in the group that is tried: a made-up crowd, or a crowd file (rules 13).

use std::collections::HashMap;

use domain::rewards::{generations, walk_of};
use domain::{Agent, Agents, Campaign, FilledSeat, MemberId, StoreId, Upline};

/// The first line of a crowd file.
const HEADER: &str = "member,inviter,vip,rank,region,agent_of,seat,via";
/// Most rows of a crowd file.
const MAX_ROWS: usize = 1_000_000;
/// Uplines of each participant of the made-up crowd, their VIP level and the highest of their ranks.
const MADE_UP_UPLINES: u32 = 3;

/// The uplines of a made-up crowd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Uplines {
    /// Nobody has an inviter: the least that referral programs can cost.
    None,
    /// Everybody has three uplines of VIP 3 and ranks 1, 2 and 3, agents of all his regions, and a home store.
    Full,
}

/// A population with one full group in it.
#[derive(Debug)]
pub(crate) struct Crowd {
    /// What it is, in a few words.
    pub(crate) label: &'static str,
    /// Names by member number.
    pub(crate) names: Vec<String>,
    /// The group's seats in order.
    pub(crate) seats: Vec<FilledSeat>,
}

impl Crowd {
    /// The name a member goes by.
    pub(crate) fn name(&self, member: MemberId) -> &str {
        usize::try_from(member.0)
            .ok()
            .and_then(|at| self.names.get(at))
            .map_or("?", String::as_str)
    }
}

/// What is wrong with a crowd file, and in which line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CrowdError {
    /// Counted from 1; none where a line is missing.
    line: Option<usize>,
    says: String,
}

impl std::fmt::Display for CrowdError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(out, "line {line}: {}", self.says),
            None => out.write_str(&self.says),
        }
    }
}

/// A group of strangers; everybody but the leader came through his link.
pub(crate) fn made_up(campaign: &Campaign, uplines: Uplines) -> Crowd {
    let seats = campaign.group.seats;
    let (label, steps) = match uplines {
        Uplines::None => ("made-up, nobody has an inviter", 0),
        Uplines::Full => (
            "made-up, everybody has three uplines of VIP 3 and ranks 1 to 3, agents, and a home store",
            MADE_UP_UPLINES,
        ),
    };
    let mut names: Vec<String> = (0..seats).map(|seat| format!("seat-{seat}")).collect();
    let mut filled = Vec::new();
    for index in 0..seats {
        let first = seats + index * steps;
        let above = (0..steps).map(|step| Upline {
            member: MemberId(first + step),
            vip: MADE_UP_UPLINES,
            rank: u16::try_from(step + 1).unwrap_or(u16::MAX),
            frozen: false,
        });
        filled.push(FilledSeat {
            index,
            member: MemberId(index),
            via: (index != 0).then_some(MemberId(0)),
            uplines: above.clone().take(generations(campaign)).collect(),
            walk: walk_of(campaign, above),
            agents: Agents::default(),
            home_store: None,
        });
        names.extend((1..=steps).map(|step| format!("seat-{index}-upline-{step}")));
    }
    if uplines == Uplines::Full {
        give_agents_and_store(&mut names, &mut filled);
    }
    Crowd {
        label,
        names,
        seats: filled,
    }
}

/// Three agents and one store for all.
fn give_agents_and_store(names: &mut Vec<String>, seats: &mut [FilledSeat]) {
    let [county, city, province] = ["county", "city", "province"].map(|level| {
        let member = MemberId(u32::try_from(names.len()).unwrap_or(u32::MAX));
        names.push(format!("agent-of-{level}"));
        Some(Agent {
            member,
            frozen: false,
        })
    });
    for seat in seats {
        seat.agents = Agents {
            county,
            city,
            province,
        };
        seat.home_store = Some(StoreId(0));
    }
}

/// One line of a crowd file.
struct Row {
    line: usize,
    inviter: String,
    vip: u32,
    rank: u16,
    region: String,
    seat: Option<u32>,
    via: String,
}

/// Reads a crowd file for a group of this campaign.
pub(crate) fn parse(text: &str, campaign: &Campaign) -> Result<Crowd, CrowdError> {
    let mut file = Rows::default();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines: Vec<&str> = text.lines().collect();
    // Editors leave blank lines behind the last row; one between two rows is a row that was lost.
    while lines.last().is_some_and(|line| line.trim().is_empty()) {
        lines.pop();
    }
    let mut lines = (1..).zip(lines);
    if lines.next().is_none_or(|(_, header)| header != HEADER) {
        return Err(at(1, format!("the header must be {HEADER}")));
    }
    for (line, row) in lines {
        file.add(line, row)?;
    }
    let inviters = file.inviters()?;
    file.check_circles(&inviters)?;
    let seats = file.seats(campaign, &inviters)?;
    Ok(Crowd {
        label: "from the crowd file",
        names: file.names,
        seats,
    })
}

#[derive(Default)]
struct Rows {
    names: Vec<String>,
    rows: Vec<Row>,
    numbers: HashMap<String, u32>,
    /// By the code of what they are agents of.
    agents: HashMap<String, u32>,
}

impl Rows {
    fn add(&mut self, line: usize, row: &str) -> Result<(), CrowdError> {
        let cells = cells(line, row)?;
        let Ok([member, inviter, vip, rank, region, agent_of, seat, via]) =
            <[String; 8]>::try_from(cells)
        else {
            return Err(at(
                line,
                "a row has 8 cells, one for each name of the header",
            ));
        };
        if member.is_empty() {
            return Err(at(line, "member is empty"));
        }
        if MAX_ROWS <= self.rows.len() {
            return Err(at(line, format!("a crowd has at most {MAX_ROWS} members")));
        }
        let rank = count(line, "rank", &rank)?.unwrap_or(0);
        let rank = u16::try_from(rank).map_err(|_| at(line, "rank is above 65535"))?;
        code(line, "region", &region)?;
        code(line, "agent_of", &agent_of)?;
        let row = Row {
            line,
            inviter,
            vip: count(line, "vip", &vip)?.unwrap_or(0),
            rank,
            region,
            seat: count(line, "seat", &seat)?,
            via,
        };
        let number = u32::try_from(self.rows.len()).map_err(|_| at(line, "too many members"))?;
        if self.numbers.insert(member.clone(), number).is_some() {
            return Err(at(line, format!("member {member} has a row already")));
        }
        if !agent_of.is_empty() && self.agents.insert(agent_of.clone(), number).is_some() {
            return Err(at(line, format!("{agent_of} has an agent already")));
        }
        self.names.push(member);
        self.rows.push(row);
        Ok(())
    }

    fn known(&self, line: usize, column: &str, name: &str) -> Result<Option<u32>, CrowdError> {
        if name.is_empty() {
            return Ok(None);
        }
        match self.numbers.get(name) {
            Some(&number) => Ok(Some(number)),
            None => Err(at(
                line,
                format!("{column} {name} is no member of this crowd"),
            )),
        }
    }

    fn row(&self, number: u32) -> Option<&Row> {
        usize::try_from(number)
            .ok()
            .and_then(|number| self.rows.get(number))
    }

    fn inviters(&self) -> Result<Vec<Option<u32>>, CrowdError> {
        self.rows
            .iter()
            .map(|row| self.known(row.line, "inviter", &row.inviter))
            .collect()
    }

    /// Walks up from every member once; meeting one's own path again is a circle (rules 3.1).
    fn check_circles(&self, inviters: &[Option<u32>]) -> Result<(), CrowdError> {
        let mut walk_of = vec![usize::MAX; inviters.len()];
        for walk in 0..inviters.len() {
            let mut next = Some(walk);
            while let Some(member) = next {
                match walk_of.get_mut(member) {
                    Some(seen) if *seen == usize::MAX => *seen = walk,
                    Some(seen) if *seen == walk => {
                        let line = self.rows.get(member).map_or(0, |row| row.line);
                        let name = self.names.get(member).map_or("", String::as_str);
                        return Err(at(line, format!("the inviters of {name} form a circle")));
                    }
                    Some(_) | None => break,
                }
                next = inviters
                    .get(member)
                    .copied()
                    .flatten()
                    .and_then(|up| usize::try_from(up).ok());
            }
        }
        Ok(())
    }

    fn seats(
        &self,
        campaign: &Campaign,
        inviters: &[Option<u32>],
    ) -> Result<Vec<FilledSeat>, CrowdError> {
        let mut seats: Vec<Option<FilledSeat>> = (0..campaign.group.seats).map(|_| None).collect();
        for (number, row) in (0u32..).zip(&self.rows) {
            let via = self.known(row.line, "via", &row.via)?;
            let Some(index) = row.seat else { continue };
            let place = usize::try_from(index)
                .ok()
                .and_then(|index| seats.get_mut(index));
            let Some(place) = place else {
                let last = campaign.group.seats.saturating_sub(1);
                return Err(at(
                    row.line,
                    format!("seat {index} is not one of 0 to {last}"),
                ));
            };
            if place.is_some() {
                return Err(at(
                    row.line,
                    format!("seat {index} is taken by an earlier row"),
                ));
            }
            *place = Some(FilledSeat {
                index,
                member: MemberId(number),
                via: via.map(MemberId),
                uplines: self
                    .uplines(number, inviters)
                    .take(generations(campaign))
                    .collect(),
                walk: walk_of(campaign, self.uplines(number, inviters)),
                agents: self.agents_of(&row.region),
                home_store: None,
            });
        }
        let missing = |seat: usize| {
            let says = format!(
                "nobody has seat {seat}; the campaign has {}",
                campaign.group.seats
            );
            CrowdError { line: None, says }
        };
        seats
            .into_iter()
            .enumerate()
            .map(|(at, seat)| seat.ok_or_else(|| missing(at)))
            .collect()
    }

    fn uplines(&self, member: u32, inviters: &[Option<u32>]) -> impl Iterator<Item = Upline> {
        let above = |member: u32| {
            usize::try_from(member)
                .ok()
                .and_then(|at| inviters.get(at))
                .copied()
                .flatten()
        };
        std::iter::successors(above(member), move |&upline| above(upline)).map(|upline| Upline {
            member: MemberId(upline),
            vip: self.row(upline).map_or(0, |row| row.vip),
            rank: self.row(upline).map_or(0, |row| row.rank),
            frozen: false,
        })
    }

    /// Whoever is agent of a region's county, city and province (rules 3.4).
    fn agents_of(&self, region: &str) -> Agents {
        let agent = |code: Option<domain::Region>| {
            let &number = self.agents.get(&code?.to_string())?;
            Some(Agent {
                member: MemberId(number),
                frozen: false,
            })
        };
        let region: Option<domain::Region> = region.parse().ok();
        Agents {
            county: agent(region.and_then(domain::Region::county)),
            city: agent(region.and_then(domain::Region::city)),
            province: agent(region.map(domain::Region::province)),
        }
    }
}

fn at(line: usize, says: impl Into<String>) -> CrowdError {
    CrowdError {
        line: Some(line),
        says: says.into(),
    }
}

/// A whole number, or nothing for an empty cell.
fn count(line: usize, column: &str, cell: &str) -> Result<Option<u32>, CrowdError> {
    if cell.is_empty() {
        return Ok(None);
    }
    let digits = cell.bytes().all(|byte| byte.is_ascii_digit());
    let number = cell.parse().ok().filter(|_| digits);
    number
        .map(Some)
        .ok_or_else(|| at(line, format!("{column} {cell:?} is no whole number")))
}

/// An empty cell or a code of GB/T 2260.
fn code(line: usize, column: &str, cell: &str) -> Result<(), CrowdError> {
    if cell.is_empty() || cell.parse::<domain::Region>().is_ok() {
        return Ok(());
    }
    Err(at(
        line,
        format!("{column} {cell:?} is no code of six digits"),
    ))
}

/// The cells of a line. A cell may stand in quotes, a quote inside is doubled; a cell never spans lines.
fn cells(line: usize, row: &str) -> Result<Vec<String>, CrowdError> {
    let mut cells = Vec::new();
    let mut rest = row;
    loop {
        let Some(quoted) = rest.strip_prefix('"') else {
            let (cell, after) = rest
                .split_once(',')
                .map_or((rest, None), |(cell, after)| (cell, Some(after)));
            if cell.contains('"') {
                return Err(at(line, "a quote stands inside a cell that is not quoted"));
            }
            cells.push(cell.to_owned());
            match after {
                Some(after) => rest = after,
                None => return Ok(cells),
            }
            continue;
        };
        let (cell, after) =
            quoted_cell(quoted).ok_or_else(|| at(line, "a quoted cell is not closed"))?;
        cells.push(cell);
        match after.strip_prefix(',') {
            Some(after) => rest = after,
            None if after.is_empty() => return Ok(cells),
            None => return Err(at(line, "a comma is missing after a quoted cell")),
        }
    }
}

/// The inside of a quoted cell and what follows its closing quote.
fn quoted_cell(text: &str) -> Option<(String, &str)> {
    let mut cell = String::new();
    let mut rest = text;
    loop {
        let (part, after) = rest.split_once('"')?;
        cell.push_str(part);
        match after.strip_prefix('"') {
            Some(after) => {
                cell.push('"');
                rest = after;
            }
            None => return Some((cell, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_of_a_line() {
        let row = |row: &str| cells(1, row).map_err(|error| error.says);
        let list = |cells: &[&str]| {
            Ok(cells
                .iter()
                .map(|&cell| cell.to_owned())
                .collect::<Vec<_>>())
        };
        assert_eq!(row("a,,b"), list(&["a", "", "b"]));
        assert_eq!(row(""), list(&[""]));
        assert_eq!(
            row("\"a,b\",\"say \"\"hi\"\"\","),
            list(&["a,b", "say \"hi\"", ""])
        );
        for bad in ["\"a", "\"a\"b", "a\"b", "\"a\"\""] {
            assert!(row(bad).is_err(), "{bad}");
        }
    }
}
