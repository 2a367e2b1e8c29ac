//! `potluck draw --rights`: holds the rights to buy that a ballot has given to the order of its draw.

use std::collections::BTreeSet;

/// What became of the rights, by seat.
struct Rights {
    freeze: String,
    had: BTreeSet<u32>,
    /// Open or bought.
    held: usize,
}

/// Whether the rights of a ballot went to the lowest scores, as many at once as have won. Answers with what cannot be seen in the
/// files: that rights which did not pass on had no time left to do so.
pub(crate) fn check(
    (open, seats, freeze): (&[u8], &[u8], &[u8]),
    result: &[u8],
    rights: &[u8],
) -> Result<Option<&'static str>, String> {
    let says = |error: &dyn std::error::Error| server::chain(error);
    let open = draw::Open::parse(open).map_err(|error| says(&error))?;
    let seats = draw::Seats::parse(seats).map_err(|error| says(&error))?;
    let freeze = draw::Freeze::parse(freeze).map_err(|error| says(&error))?;
    let result = draw::ResultFile::parse(result).map_err(|error| says(&error))?;
    let rights = read(rights)?;
    if rights.freeze != freeze.hash().to_string() {
        return Err("the rights are of another freeze".to_owned());
    }
    let count = u32::try_from(seats.0.len()).unwrap_or(u32::MAX);
    let order = draw::order(&open, &seats, &draw::scores(&result.seed, count));
    let first: BTreeSet<u32> = order.iter().take(rights.had.len()).copied().collect();
    if first != rights.had {
        return Err("rights went to other seats than the lowest scores".to_owned());
    }
    let most = result.winners.len();
    if most < rights.held {
        return Err(format!(
            "{} seats may buy or have bought, {most} have won",
            rights.held
        ));
    }
    let stopped = rights.held < most && rights.had.len() < order.len();
    Ok(stopped.then_some(
        "rights: one was not used and has not passed to the next lowest score; they pass until 60 days after the draw",
    ))
}

fn read(bytes: &[u8]) -> Result<Rights, String> {
    let bad = |line: &str| format!("the rights file has a line that cannot be read: {line:?}");
    let text = std::str::from_utf8(bytes).map_err(|_| "the rights file is not text".to_owned())?;
    let mut lines = text.lines();
    if lines.next() != Some("potluck-ballot/v1/rights") {
        return Err("this is not a ballot's rights file".to_owned());
    }
    let freeze = lines.next().unwrap_or_default();
    let freeze = freeze
        .strip_prefix("freeze ")
        .ok_or_else(|| bad(freeze))?
        .to_owned();
    let mut rights = Rights {
        freeze,
        had: BTreeSet::new(),
        held: 0,
    };
    for line in lines {
        let right = line.strip_prefix("right ").and_then(|right| {
            let (seat, state) = right.split_once(' ')?;
            Some((seat.parse::<u32>().ok()?, state))
        });
        let (seat, state) = right.ok_or_else(|| bad(line))?;
        match state {
            "open" | "bought" => rights.held += 1,
            "lapsed" => {}
            _ => return Err(bad(line)),
        }
        if !rights.had.insert(seat) {
            return Err(format!("seat {seat} has two rights"));
        }
    }
    Ok(rights)
}

#[cfg(test)]
mod tests {
    use super::*;
    use draw::{BeaconKey, LocalBeacon};

    /// Five seats, two of them drawn; answers with the files, the result and the order.
    fn drawn() -> ([Vec<u8>; 3], Vec<u8>, Vec<u32>) {
        let beacon = LocalBeacon::from_seed(&[7; 32]).unwrap();
        let file = beacon.file(1_700_000_000, 3);
        let open = format!(
            "potluck-draw/v1/open\nlog a\ngroup g\ncircle -\nseats 5 5\nmode fixed 2\nleader in\nrotation off\n\
             permember one\noutcome win\nsource local {}\ndelay 3\ntimeout 86400 void\nchain -\n",
            file.hash()
        );
        let open = draw::Open::parse(open.as_bytes()).unwrap();
        let line = |number: u8| draw::SeatLine {
            tag: draw::hash(&[number]),
            leader: number == 0,
            tier: 0,
        };
        let seats = draw::Seats((0..5).map(line).collect());
        let key = BeaconKey::from_file(&file).unwrap();
        let freeze = draw::freeze_for(&open, &seats, 1_700_000_100, None, key.timing()).unwrap();
        let signed = key
            .verify(freeze.round, &beacon.sign(freeze.round))
            .unwrap();
        let outcome = draw::draw(&open, &seats, &freeze, &signed).unwrap();
        let files = [open.to_bytes(), seats.to_bytes(), freeze.to_bytes()];
        (files, outcome.result_bytes(), outcome.order().to_vec())
    }

    #[test]
    fn rights_follow_the_scores_or_it_is_said() {
        let ([open, seats, freeze], result, order) = drawn();
        let hash = draw::hash(&freeze);
        let said = |rights: &[(usize, &str)]| {
            let lines: String = rights
                .iter()
                .map(|(place, state)| format!("right {} {state}\n", order[*place]))
                .collect();
            let text = format!("potluck-ballot/v1/rights\nfreeze {hash}\n{lines}");
            let files = (&open[..], &seats[..], &freeze[..]);
            match check(files, &result, text.as_bytes()) {
                Ok(None) => "ok".to_owned(),
                Ok(Some(unchecked)) => unchecked.to_owned(),
                Err(says) => says,
            }
        };
        let (open, bought, lapsed) = ("open", "bought", "lapsed");
        assert_eq!(said(&[(0, open), (1, open)]), "ok");
        assert_eq!(said(&[(0, bought), (1, lapsed), (2, open)]), "ok");
        let all = [
            (0, lapsed),
            (1, lapsed),
            (2, lapsed),
            (3, lapsed),
            (4, bought),
        ];
        assert_eq!(said(&all), "ok");
        let others = "rights went to other seats than the lowest scores";
        assert_eq!(said(&[(0, bought), (2, open)]), others);
        let stopped = said(&[(0, bought), (1, lapsed)]);
        assert!(stopped.starts_with("rights: one was not used"), "{stopped}");
        let many = "3 seats may buy or have bought, 2 have won";
        assert_eq!(said(&[(0, bought), (1, open), (2, open)]), many);
        let twice = format!("seat {} has two rights", order[0]);
        assert_eq!(said(&[(0, lapsed), (0, bought)]), twice);
        assert!(said(&[(0, "sold")]).starts_with("the rights file has a line"));
    }
}
