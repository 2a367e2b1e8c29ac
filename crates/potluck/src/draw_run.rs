//! `potluck draw`: reproduces the result of a draw from its files, offline.

use std::{io::Write, path::PathBuf, process::ExitCode};

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
    draw::reproduce(&open, &seats, &freeze, &args.signature, beacon.as_deref())
        .map_err(|error| server::chain(&error))
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
