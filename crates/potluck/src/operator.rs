//! `potluck operator add`: the first operator is made on the machine itself.

use std::{io::BufRead, path::PathBuf, process::ExitCode};

use engine::{Clock, SystemClock};

/// Manage the people who run the platform
#[derive(Debug, clap::Subcommand)]
pub(crate) enum OperatorCommand {
    /// Add an operator; his password is read from standard input, or made and printed
    Add {
        /// His name
        name: String,
        /// Directory of the platform's data
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
        /// Read the password from the first line of standard input
        #[arg(long)]
        password_stdin: bool,
    },
}

/// Manage the programs that join for members they serve
#[derive(Debug, clap::Subcommand)]
pub(crate) enum GatewayCommand {
    /// Add a gateway and print its API key, which is kept nowhere
    Add {
        /// Its name
        name: String,
        /// Directory of the platform's data
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
    },
}

/// Adds an operator.
pub(crate) fn run(command: &OperatorCommand) -> ExitCode {
    exit("operator", add(command))
}

/// Adds a gateway.
pub(crate) fn run_gateway(command: &GatewayCommand) -> ExitCode {
    let GatewayCommand::Add { name, data } = command;
    let added = runtime().and_then(|runtime| {
        let added = runtime.block_on(server::gateway_add(data, name, Clock::now(&SystemClock)));
        added.map_err(|error| crate::serve::chain(&error))
    });
    exit(
        "gateway",
        added.map(|(id, key)| println!("gateway {id} can join for its members\nAPI key {key}")),
    )
}

fn exit(command: &str, result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("potluck {command}: {message}");
            ExitCode::FAILURE
        }
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, String> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())
}

fn add(command: &OperatorCommand) -> Result<(), String> {
    let OperatorCommand::Add {
        name,
        data,
        password_stdin,
    } = command;
    let (password, made) = if *password_stdin {
        let mut line = String::new();
        std::io::stdin()
            .lock()
            .read_line(&mut line)
            .map_err(|error| error.to_string())?;
        (line.trim_end_matches(['\r', '\n']).to_owned(), false)
    } else {
        (crate::shop::random_hex(12)?, true)
    };
    let added = runtime()?.block_on(server::operator_add(
        data,
        name,
        &password,
        Clock::now(&SystemClock),
    ));
    added.map_err(|error| crate::serve::chain(&error))?;
    println!("operator {name} can sign in");
    if made {
        println!("password {password}");
    }
    Ok(())
}
