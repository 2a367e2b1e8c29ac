//! The directory against the journal: both must be of one platform and of one moment, and the secrets in it must give
//! the tags that the members' seats have in draws.

use std::collections::HashMap;
use std::path::Path;

use domain::{Event, MemberId, PaymentId};

use super::trail::Trail;
use super::{Audit, files};

/// What the directory knows, and what it comes to.
#[derive(Debug, Default)]
pub(super) struct People {
    rows: Option<HashMap<MemberId, Row>>,
    /// Rows that another member has in the journal, and the first.
    strangers: (usize, Option<MemberId>),
    /// Seats whose tags their members' secrets do not give, and the first.
    wrong: (usize, Option<PaymentId>),
    /// Seats whose tags they give.
    right: u64,
}

#[derive(Debug)]
struct Row {
    token: [u8; 16],
    secret: [u8; 32],
}

impl People {
    /// Reads it. Before the journal's head is looked at: a row gets its member's number after the journal has it.
    pub(super) fn open(data: &Path, audit: &mut Audit) -> People {
        let path = data.join("directory.db");
        if !path.is_file() {
            let text = "directory: there is no directory.db";
            audit.unchecked.push(text.to_owned());
            return People::default();
        }
        let rows = read(&path).map_err(|error| audit.not_read(&path, &error));
        People {
            rows: rows.ok(),
            ..People::default()
        }
    }

    /// Takes the next event; `trail` stands just after it.
    pub(super) fn event(&mut self, event: &Event, trail: &Trail) {
        let Some(rows) = &mut self.rows else { return };
        if let Event::MemberRegistered { member, token, .. } = event
            && rows.get(member).is_some_and(|row| row.token != *token)
        {
            rows.remove(member);
            self.strangers.0 += 1;
            self.strangers.1.get_or_insert(*member);
        }
        if let Event::PaymentAccepted {
            payment,
            member,
            tag,
            ..
        } = event
            // Somebody whose row was deleted has a tag that nothing links to him.
            && let Some(row) = rows.get(member)
            && let Some(group) = trail.tag_ident(payment.group)
        {
            let salt = draw::salt(&row.secret, &group);
            if draw::member_tag(&salt, &member.to_string()).0 == *tag {
                self.right += 1;
            } else {
                self.wrong.0 += 1;
                self.wrong.1.get_or_insert(*payment);
            }
        }
    }

    /// The journal is read to its end.
    pub(super) fn finish(self, audit: &mut Audit) {
        let Some(rows) = self.rows else { return };
        let members = audit.trail.members();
        let findings = &mut audit.findings;
        let before = findings.count;
        if let (count, Some(first)) = self.strangers {
            findings.add(format!(
                "directory.db: {count} of its rows are of other people than the journal's members, first that of \
                 member {first}: it is the directory of another platform"
            ));
        }
        let last = rows.keys().max().map_or(0, |last| last.0);
        if !rows.is_empty() && usize::try_from(last).is_ok_and(|last| members <= last) {
            findings.add(format!(
                "directory.db knows member {last}, but the journal has only {members} members (numbers from 0): \
                 the journal's end was lost, or they are not of the same moment"
            ));
        }
        if let (count, Some(first)) = self.wrong {
            findings.add(format!(
                "directory.db: the secrets of its members do not give the tags of {count} seats, first of {first}: \
                 those members cannot prove that the seats are theirs"
            ));
        }
        if findings.count != before {
            return;
        }
        let (known, right) = (rows.len(), self.right);
        if known == 0 && members != 0 {
            let text = "directory.db: it knows none of the members";
            audit.unchecked.push(text.to_owned());
            return;
        }
        let text = format!(
            "{known} of {members} members, with the secrets that gave {right} seats their tags"
        );
        audit.same.push(("directory.db", text));
    }
}

fn read(path: &Path) -> Result<HashMap<MemberId, Row>, rusqlite::Error> {
    let directory = files::read_only(path)?;
    let sql = "SELECT member, token, member_secret FROM person WHERE member IS NOT NULL";
    let mut people = directory.prepare(sql)?;
    let rows = people.query_map([], |row| {
        let known = Row {
            token: row.get(1)?,
            secret: row.get(2)?,
        };
        Ok((MemberId(row.get(0)?), known))
    })?;
    rows.collect()
}
