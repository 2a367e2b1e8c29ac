//! `potluck bench`: how fast and how large, on this machine.
//!
//! Why a command of the program and not a test: the figures are those of the program that is installed, and whoever
//! doubts them runs it on his own machine. What each figure means is in `docs/benchmarks.md`.

mod common;
mod draws;
mod following;
mod growth;
mod history;
mod joins;
mod load;
mod memory;
mod probe;
mod recover;
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
    /// How long a start takes that reads a long journal back, alone and with a snapshot
    Recover(recover::RecoverArgs),
    /// What members, unsettled seats and settled groups take in memory
    Memory(memory::MemoryArgs),
    /// Whether a join costs more with many members than with few
    Growth(growth::GrowthArgs),
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
        BenchCommand::Recover(args) => (&args.shared, recover::run(args)),
        BenchCommand::Memory(args) => (&args.shared, memory::run(args)),
        BenchCommand::Growth(args) => (&args.shared, growth::run(args)),
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
