//! The one binary: every command of Potluck.
#![expect(clippy::print_stdout, reason = "a command line program prints")]

mod audit;
mod before;
mod bench;
mod crowd;
mod draw_rights;
mod draw_run;
mod large_pages;
mod operator;
mod serve;
mod shop;
mod try_counter;
mod try_crowd;
mod try_figures;
mod try_json;
mod try_run;
mod try_text;

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;
use tracing_subscriber::EnvFilter;

/// Group buying with a draw that anybody can check.
#[derive(Debug, Parser)]
#[command(name = "potluck", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Run the platform
    Serve(serve::ServeArgs),
    /// Manage the people who run the platform
    #[command(subcommand)]
    Operator(operator::OperatorCommand),
    /// Manage the programs that join for members they serve
    #[command(subcommand)]
    Gateway(operator::GatewayCommand),
    /// Run one full group of a campaign file, or the bills of a counter file, and show where the money goes
    Try(try_run::TryArgs),
    /// Reproduce the result of a draw from its files
    Draw(draw_run::DrawArgs),
    /// Measure this program on this machine
    #[command(subcommand)]
    Bench(Box<bench::BenchCommand>),
    /// Replay the journal from nothing and check everything
    Audit {
        /// Directory of the platform's data
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
    },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    // A measurement's figures are all that it has to say.
    let measures = matches!(cli.command, Command::Bench(_));
    log_to_stderr(if measures {
        "warn"
    } else {
        "warn,server=info,engine=info,potluck=info"
    });
    if matches!(cli.command, Command::Serve(_) | Command::Bench(_)) {
        large_pages::ask_for_them();
    }
    match cli.command {
        Command::Serve(args) => serve::run(&args),
        Command::Operator(command) => operator::run(&command),
        Command::Gateway(command) => operator::run_gateway(&command),
        Command::Try(args) => try_run::run(&args),
        Command::Draw(args) => draw_run::run(&args),
        Command::Bench(command) => bench::run(&command),
        Command::Audit { data } => run_audit(&data),
    }
}

/// Structured logs go to standard error; `RUST_LOG` chooses what instead of the usual, `POTLUCK_LOG=json` how.
fn log_to_stderr(usual: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(usual));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    if std::env::var("POTLUCK_LOG").is_ok_and(|format| format == "json") {
        builder.json().init();
    } else {
        builder.init();
    }
}

fn run_audit(data: &std::path::Path) -> ExitCode {
    match audit::run(data, &mut std::io::stdout().lock()) {
        Ok(verdict) if verdict.passed() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("potluck audit: {}", server::chain(&error));
            ExitCode::FAILURE
        }
    }
}
