//! `potluck bench`: how fast and how large, on this machine.
//!
//! Why a command of the program and not a test: the figures are those of the program that is installed, and whoever
//! doubts them runs it on his own machine. What each figure means is in `docs/benchmarks.md`.

mod all;
mod common;
mod draws;
mod following;
mod growth;
mod history;
mod http;
mod joins;
mod load;
mod memory;
mod probe;
mod recover;
mod sections;
mod settle;
mod shop;
mod views;

use std::process::ExitCode;

use common::{Shared, machine};

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
    /// Joins over HTTP, one at a time and in batches
    Http(http::HttpArgs),
    /// Every measurement several times, as tables for the documentation
    All(all::AllArgs),
    /// How fast the views follow a burst of joins, what they answer meanwhile, and how fast they are made again
    Views(views::ViewsArgs),
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
        BenchCommand::Views(args) => (&args.shared, views::run(args)),
        BenchCommand::Http(args) => (&args.shared, http::measure(args)),
        BenchCommand::All(args) => return print(all::run(args)),
        BenchCommand::Machine { shared } => (shared, Ok(machine(shared.data.as_deref()))),
    };
    print(measured.map(|report| {
        if shared.json {
            report.json() + "\n"
        } else {
            report.table()
        }
    }))
}

fn print(measured: Result<String, String>) -> ExitCode {
    match measured {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("potluck bench: {message}");
            ExitCode::FAILURE
        }
    }
}
