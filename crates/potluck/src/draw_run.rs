//! `potluck draw`: reproduces the result of a draw from its files, offline.

use std::{io::Write, path::PathBuf, process::ExitCode};

use crate::draw_rights;

/// Reproduce the result of a draw from its files and print exactly the bytes of the result file
#[derive(Debug, clap::Args)]
pub(crate) struct DrawArgs {
    /// The group's open file: the rules, logged before the first seat was sold
    #[arg(long, value_name = "FILE")]
    open: PathBuf,
    /// The sealed seat list
    #[arg(long, value_name = "FILE")]
    seats: PathBuf,
    /// The freeze: what sealed the list and fixed the beacon round
    #[arg(long, value_name = "FILE")]
    freeze: PathBuf,
    /// The beacon's signature of that round, 96 hex digits
    #[arg(long, value_name = "HEX")]
    signature: String,
    /// The file of a local beacon, to check its signature too
    #[arg(long, value_name = "FILE")]
    beacon: Option<PathBuf>,
    /// A directory with open.txt, seats.txt, freeze.txt and result.txt, or void.txt, of an earlier group of the same circle; once
    /// for each, the oldest first. Then turns are checked, too
    #[arg(long, value_name = "DIR")]
    earlier: Vec<PathBuf>,
    /// The void file of a group that is not drawn: says by name what a value that is known makes of it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["earlier", "rights"])]
    void: Option<PathBuf>,
    /// The rights to buy that a ballot has given, to check that they followed the scores
    #[arg(long, value_name = "FILE")]
    rights: Option<PathBuf>,
}

/// Prints the result file and exits 0, or one line on standard error and exits 1.
pub(crate) fn run(args: &DrawArgs) -> ExitCode {
    match reproduce(args) {
        Ok(reproduced) => {
            for note in &reproduced.unchecked {
                eprintln!("not checked: {note}");
            }
            let mut out = std::io::stdout().lock();
            match out.write_all(&reproduced.result).and_then(|()| out.flush()) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => fail(&format!("cannot write the result: {error}")),
            }
        }
        Err(message) => fail(&message),
    }
}

fn reproduce(args: &DrawArgs) -> Result<draw::Reproduced, String> {
    let open = read(&args.open)?;
    let seats = read(&args.seats)?;
    let freeze = read(&args.freeze)?;
    let beacon = args.beacon.as_ref().map(read).transpose()?;
    let mut reproduced =
        draw::reproduce(&open, &seats, &freeze, &args.signature, beacon.as_deref())
            .map_err(|error| server::chain(&error))?;
    if let Some(void) = &args.void {
        return Err(breach((&open, &freeze), beacon.as_deref(), &read(void)?)?);
    }
    if let Some(rights) = &args.rights {
        let files = (&open[..], &seats[..], &freeze[..]);
        let stopped = draw_rights::check(files, &reproduced.result, &read(rights)?)?;
        reproduced.unchecked.extend(stopped);
    }
    let rules = draw::Open::parse(&open).map_err(|error| server::chain(&error))?;
    let rotates = rules.rotation == draw::Rotation::On;
    match (rotates, args.earlier.is_empty()) {
        (false, true) => {}
        (false, false) => return Err("this draw has no circle, and so no earlier draws".to_owned()),
        (true, _) => {
            let parsed = draw::Freeze::parse(&freeze).map_err(|error| server::chain(&error))?;
            if args.earlier.is_empty() && parsed.prev.is_some() {
                reproduced
                    .unchecked
                    .push("turns: the circle's earlier draws were not given");
            } else {
                let circle = Circle {
                    rules: &rules,
                    beacon: beacon.as_deref(),
                };
                let never_full = check_turns(&circle, &args.earlier, &seats, parsed.prev)?;
                reproduced.unchecked.extend(never_full);
            }
        }
    }
    Ok(reproduced)
}

/// What a void is whose round has the signature that was just checked (draw 8).
fn breach(
    (open, freeze): (&[u8], &[u8]),
    beacon: Option<&[u8]>,
    void: &[u8],
) -> Result<String, String> {
    let says = |error: &dyn std::error::Error| server::chain(error);
    let open = draw::Open::parse(open).map_err(|error| says(&error))?;
    let freeze = draw::Freeze::parse(freeze).map_err(|error| says(&error))?;
    let void = draw::Void::parse(void).map_err(|error| says(&error))?;
    if void.of != freeze.hash() || void.reason != draw::VoidReason::Timeout {
        return Err("the void is of another group, or of one that was never full".to_owned());
    }
    let timing = match open.source {
        draw::Source::DrandQuicknet => Some(draw::QUICKNET),
        draw::Source::Commit => None,
        draw::Source::Local { .. } => beacon
            .map(|bytes| draw::BeaconFile::parse(bytes).map_err(|error| says(&error)))
            .transpose()?
            .map(|file| file.timing()),
    };
    if let Some(timing) = timing {
        draw::Void::of_freeze(&open, &freeze, timing, void.at).map_err(|error| says(&error))?;
    }
    Ok(format!(
        "void although round {} has a value: the group became void at unix second {}; if this signature was public before then, \
         the void is a breach of the draw's rules (draw 8)",
        freeze.round, void.at
    ))
}

/// One earlier group of a circle.
struct Earlier {
    /// Hash of its result or void file.
    last: draw::Hash,
    /// Its seats, winners, and which draw came before it; none where it was never frozen.
    frozen: Option<(draw::Seats, Option<draw::Hash>)>,
    /// None without a draw.
    winners: Option<Vec<u32>>,
}

/// What all draws of a circle have in common.
struct Circle<'a> {
    /// Its rules; the group alone differs.
    rules: &'a draw::Open,
    beacon: Option<&'a [u8]>,
}

/// Holds the seats' tiers to the draws before, and each of those to the ones before it (draw 7). Answers with what cannot be
/// told where a group was never full: its void names no draw before it.
fn check_turns(
    circle: &Circle<'_>,
    earlier: &[PathBuf],
    seats: &[u8],
    prev: Option<draw::Hash>,
) -> Result<Option<&'static str>, String> {
    let says = |error: &dyn std::error::Error| server::chain(error);
    let seats = draw::Seats::parse(seats).map_err(|error| says(&error))?;
    let (mut last, mut never_full) = (None, None);
    let mut tiers = draw::Tiers::new();
    for dir in earlier {
        let wrong = |what: String| format!("{}: {what}", dir.display());
        let past = read_earlier(circle, dir).map_err(wrong)?;
        if let Some((seats, before)) = &past.frozen {
            if *before != last {
                return Err(wrong("its freeze names another draw before it".to_owned()));
            }
            if let Some(winners) = &past.winners {
                tiers.check(seats).map_err(|error| wrong(says(&error)))?;
                tiers
                    .record(seats, winners)
                    .map_err(|error| wrong(says(&error)))?;
            }
        } else if last.is_none() {
            return Err(wrong(
                "it was never full, and a circle begins with a full group".to_owned(),
            ));
        } else {
            never_full = Some("turns: which draws came before a group that was never full");
        }
        last = Some(past.last);
    }
    if prev != last {
        return Err(
            "the freeze names another draw before it than the last that was given".to_owned(),
        );
    }
    tiers.check(&seats).map_err(|error| says(&error))?;
    Ok(never_full)
}

fn read_earlier(circle: &Circle<'_>, dir: &std::path::Path) -> Result<Earlier, String> {
    let says = |error: &dyn std::error::Error| server::chain(error);
    let file = |name: &str| read(&dir.join(name));
    let open_bytes = file("open.txt")?;
    let open = draw::Open::parse(&open_bytes).map_err(|error| says(&error))?;
    let of_circle = draw::Open {
        group: circle.rules.group.clone(),
        ..open.clone()
    };
    if of_circle != *circle.rules {
        return Err("its rules are not those of this circle".to_owned());
    }
    let frozen = if dir.join("freeze.txt").exists() {
        let freeze = draw::Freeze::parse(&file("freeze.txt")?).map_err(|error| says(&error))?;
        let seats = draw::Seats::parse(&file("seats.txt")?).map_err(|error| says(&error))?;
        if freeze.open != open.hash() || freeze.seats != seats.hash() {
            return Err("its freeze is of other rules or seats".to_owned());
        }
        Some((freeze, seats))
    } else {
        None
    };
    let of = frozen
        .as_ref()
        .map_or(open.hash(), |(freeze, _)| freeze.hash());
    if dir.join("void.txt").exists() {
        let void = draw::Void::parse(&file("void.txt")?).map_err(|error| says(&error))?;
        if void.of != of {
            return Err("its void is of another group".to_owned());
        }
        return Ok(Earlier {
            last: void.hash(),
            frozen: frozen.map(|(freeze, seats)| (seats, freeze.prev)),
            winners: None,
        });
    }
    let result_bytes = file("result.txt")?;
    let result = draw::ResultFile::parse(&result_bytes).map_err(|error| says(&error))?;
    if result.freeze != of {
        return Err("its result is of another freeze".to_owned());
    }
    let again = draw::reproduce(
        &open_bytes,
        &file("seats.txt")?,
        &file("freeze.txt")?,
        &draw::to_hex(&result.signature),
        circle.beacon,
    )
    .map_err(|error| says(&error))?;
    if again.result != result_bytes {
        return Err("its result is not what its seats and signature give".to_owned());
    }
    Ok(Earlier {
        last: result.hash(),
        frozen: frozen.map(|(freeze, seats)| (seats, freeze.prev)),
        winners: Some(result.winners),
    })
}

/// Longest file that is read; a seat list of 10 000 seats is below it.
const MAX_FILE_BYTES: u64 = 4 << 20;

fn read(path: &PathBuf) -> Result<Vec<u8>, String> {
    use std::io::Read;
    let named = |error: std::io::Error| format!("{}: {error}", path.display());
    let file = std::fs::File::open(path).map_err(named)?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(named)?;
    if MAX_FILE_BYTES < u64::try_from(bytes.len()).unwrap_or(u64::MAX) {
        return Err(format!(
            "{}: larger than any file of a draw",
            path.display()
        ));
    }
    Ok(bytes)
}

fn fail(message: &str) -> ExitCode {
    eprintln!("potluck draw: {}", message.replace('\n', " "));
    ExitCode::FAILURE
}
