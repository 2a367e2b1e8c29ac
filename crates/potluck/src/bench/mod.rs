//! `potluck bench`: how fast and how large, on this machine.
//!
//! Why a command of the program and not a test: the figures are those of the program that is installed, and whoever
//! doubts them runs it on his own machine. What each figure means is in `docs/benchmarks.md`.

mod common;
mod draws;
mod following;
mod joins;
mod load;
mod probe;
mod settle;
mod shop;

use std::process::ExitCode;

use common::{Report, Shared, machine};

/// Measure this program on this machine
#[derive(Debug, clap::Subcommand)]
pub(crate) enum BenchCommand {
    /// Durable joins a second through engine and journal, and what a single join takes meanwhile
    Joins(joins::JoinsArgs),
    /// Ledger lines a second when full groups settle, and what a single join takes meanwhile
    Settle(settle::SettleArgs),
    /// What the measurements are made on
    Machine {
        #[command(flatten)]
        shared: Shared,
    },
}

/// Runs one measurement and prints it.
pub(crate) fn run(command: &BenchCommand) -> ExitCode {
    let (shared, measured) = match command {
        BenchCommand::Joins(args) => (&args.shared, joins::run(args)),
        BenchCommand::Settle(args) => (&args.shared, settle::run(args)),
        BenchCommand::Machine { shared } => (shared, machine(shared)),
    };
    finish(measured, shared)
}

fn finish(measured: Result<Report, String>, shared: &Shared) -> ExitCode {
    match measured {
        Ok(report) if shared.json => println!("{}", report.json()),
        Ok(report) => print!("{}", report.table()),
        Err(message) => {
            eprintln!("potluck bench: {message}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
