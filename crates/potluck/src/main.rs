//! The one binary: every command of Potluck.

mod try_crowd;
mod try_figures;
mod try_json;
mod try_run;
mod try_text;

use std::process::ExitCode;

use clap::Parser;

/// Group buying with a draw that anybody can check.
#[derive(Debug, Parser)]
#[command(name = "potluck", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Run one full group of a campaign file and show where the money goes
    Try(try_run::TryArgs),
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Try(args) => try_run::run(&args),
    }
}
