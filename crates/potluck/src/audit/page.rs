//! The one page that an audit prints.

use std::io::{self, Write};
use std::path::Path;

use domain::{Asset, Millis, Money};
use draw::to_hex;

use super::Audit;
use super::trail::Counts;

/// Findings that are printed one by one.
const MAX_PRINTED: usize = 50;

pub(super) fn write(data: &Path, audit: &Audit, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "Audit of {}", data.display())?;
    journal(audit, out)?;
    if audit.last_seq != 0 {
        checked(audit, out)?;
        balances(audit, out)?;
    }
    if !audit.same.is_empty() {
        writeln!(out, "\nBeside the journal")?;
        for (what, text) in &audit.same {
            row(out, what, text)?;
        }
    }
    if !audit.unchecked.is_empty() || audit.trail.counts.unverified != 0 {
        writeln!(out, "\nNot checked")?;
        let unverified = audit.trail.counts.unverified;
        if unverified != 0 {
            writeln!(
                out,
                "  beacon signature of {unverified} draws: put the beacon's file into the directory as \"beacon\""
            )?;
        }
        for text in &audit.unchecked {
            writeln!(out, "  {text}")?;
        }
    }
    verdict(audit, out)
}

fn journal(audit: &Audit, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\nJournal")?;
    let whole = if audit.head.is_some() {
        ", hash chain unbroken"
    } else {
        " read"
    };
    row(out, "batches", &format!("{}{whole}", audit.batches))?;
    let time = match audit.first_at {
        Some(first) => format!(", {} to {}", date(first), date(audit.last_at)),
        None => String::new(),
    };
    row(out, "records", &format!("{}{time}", audit.last_seq))?;
    if let Some(head) = &audit.head {
        row(out, "head", &to_hex(&head.hash))?;
    }
    Ok(())
}

/// How groups have ended.
fn ended(counts: &Counts) -> String {
    let late = match counts.found_late {
        0 => String::new(),
        late => format!(", of which {late} had a beacon value that was found afterwards"),
    };
    format!(
        "{} settled, {} expired, {} cancelled, {} void{late}",
        counts.settled, counts.expired, counts.cancelled, counts.void
    )
}

fn checked(audit: &Audit, out: &mut dyn Write) -> io::Result<()> {
    let (trail, ledger) = (&audit.trail, &audit.ledger);
    let counts = &trail.counts;
    let (open, full) = trail.live();
    let (pending, pending_sum) = trail.pending();
    writeln!(out, "\nChecked")?;
    row(
        out,
        "ledger",
        &format!(
            "{} lines of {} events, each event balanced",
            ledger.lines, ledger.events
        ),
    )?;
    row(out, "members", &trail.members().to_string())?;
    row(
        out,
        "campaigns",
        &format!("{}, the worst case of each covered", trail.campaigns.len()),
    )?;
    let over = ended(counts);
    row(
        out,
        "groups",
        &format!("{}: {open} open, {full} full, {over}", trail.groups()),
    )?;
    row(out, "seats", &format!("{} paid", counts.seats_paid))?;
    row(
        out,
        "payments",
        &format!(
            "{} taken, {} sent back at once, none booked twice",
            counts.seats_paid, counts.bounced
        ),
    )?;
    row(
        out,
        "seat lists",
        &format!("{} sealed again", counts.freezes),
    )?;
    row(
        out,
        "draws",
        &format!(
            "{} drawn again, {} with the beacon's signature verified",
            counts.settled, counts.verified
        ),
    )?;
    row(
        out,
        "settlements",
        &format!(
            "{} counted again with {} rewards, each kept its worst case",
            counts.settled, counts.rewards
        ),
    )?;
    let paid = format!("{} paid ({})", counts.refunds_paid, Money(counts.refunded));
    row(
        out,
        "refunds",
        &format!("{paid}, {pending} pending ({})", Money(pending_sum)),
    )
}

fn balances(audit: &Audit, out: &mut dyn Write) -> io::Result<()> {
    let Some(world) = audit.world.as_deref() else {
        return Ok(());
    };
    writeln!(out, "\nTrial balance (debits above zero)")?;
    for (asset, name) in [(Asset::Cny, "yuan"), (Asset::Coin, "coins")] {
        let mut sum = 0i64;
        for line in world
            .trial_balance()
            .iter()
            .filter(|line| line.asset == asset)
        {
            amount(out, line.account, line.amount)?;
            sum = sum.saturating_add(line.amount);
        }
        amount(out, &format!("sum of {name}"), sum)?;
    }
    let books = world.books();
    writeln!(out, "\nHeld against owed")?;
    amount(out, "held", books.held.0)?;
    for (name, owed) in &books.owed {
        amount(out, &format!("owed: {name}"), owed.0)?;
    }
    if books.owed_by_members.0 != 0 {
        amount(out, "members owe", books.owed_by_members.0)?;
    }
    amount(out, "own money", books.own.0)
}

fn verdict(audit: &Audit, out: &mut dyn Write) -> io::Result<()> {
    let count = audit.findings.count;
    if count == 0 {
        return writeln!(out, "\nAUDIT PASSED");
    }
    let findings = if count == 1 { "finding" } else { "findings" };
    writeln!(out, "\nAUDIT FAILED: {count} {findings}")?;
    let texts = &audit.findings.texts;
    for text in texts.iter().take(MAX_PRINTED) {
        writeln!(out, "  - {text}")?;
    }
    if MAX_PRINTED < texts.len() || texts.len() < count {
        writeln!(out, "  - and more")?;
    }
    Ok(())
}

fn row(out: &mut dyn Write, what: &str, text: &str) -> io::Result<()> {
    writeln!(out, "  {what:<14}{text}")
}

fn amount(out: &mut dyn Write, what: &str, minor: i64) -> io::Result<()> {
    writeln!(out, "  {what:<22}{:>18}", Money(minor).to_decimal())
}

/// A day and time in UTC (the calendar of Howard Hinnant's `civil_from_days`).
fn date(at: Millis) -> String {
    let seconds = at.0.div_euclid(1000);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let shifted = days.saturating_add(719_468);
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era.saturating_mul(400) + i64::from(month <= 2);
    let (hour, minute) = (second / 3600, second % 3600 / 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_of_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00Z"),
            (951_782_400, "2000-02-29 00:00Z"),
            (1_700_086_400, "2023-11-15 22:13Z"),
            (4_107_542_399, "2100-02-28 23:59Z"),
        ] {
            assert_eq!(date(Millis(seconds * 1000)), text);
        }
    }
}
