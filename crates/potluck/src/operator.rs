//! `potluck operator` and `potluck gateway`: who runs the platform is decided on the machine itself.

use std::{
    io::BufRead,
    path::{Path, PathBuf},
    process::ExitCode,
};

use engine::{Clock, SystemClock};

/// Manage the people who run the platform
#[derive(Debug, clap::Subcommand)]
pub(crate) enum OperatorCommand {
    /// Add an operator, or somebody of finance; his password is read from standard input, or made and printed
    Add {
        /// His name
        name: String,
        /// Directory of the platform's data
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
        /// What he may do: finance reads the books and moves money, and nothing else
        #[arg(long, value_enum, default_value_t = Role::Operator)]
        role: Role,
        /// Read the password from the first line of standard input
        #[arg(long)]
        password_stdin: bool,
        /// Make the directory, if no platform has been started in it yet
        #[arg(long)]
        new: bool,
    },
    /// Give an operator another password, read from standard input, or made and printed; ends his sessions
    Password {
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

/// What somebody on the staff may do.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Role {
    /// Everything.
    Operator,
    /// Reads the books and moves money.
    Finance,
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
        /// Make the directory, if no platform has been started in it yet
        #[arg(long)]
        new: bool,
    },
}

/// Adds an operator, or gives him another password.
pub(crate) fn run(command: &OperatorCommand) -> ExitCode {
    let result = match command {
        OperatorCommand::Add {
            name,
            data,
            role,
            password_stdin,
            new,
        } => expect_platform(data, *new).and_then(|()| add(name, data, *role, *password_stdin)),
        OperatorCommand::Password {
            name,
            data,
            password_stdin,
        } => change(name, data, *password_stdin),
    };
    exit("operator", result)
}

/// Adds a gateway.
pub(crate) fn run_gateway(command: &GatewayCommand) -> ExitCode {
    let GatewayCommand::Add { name, data, new } = command;
    let ready = expect_platform(data, *new).and_then(|()| runtime());
    let added = ready.and_then(|runtime| {
        let added = runtime.block_on(server::gateway_add(data, name, Clock::now(&SystemClock)));
        added.map_err(|error| server::chain(&error))
    });
    exit(
        "gateway",
        added.map(|(id, key)| println!("gateway {id} can join for its members\nAPI key {key}")),
    )
}

/// Refuses a directory that no platform has, so that a mistyped one is not made.
fn expect_platform(data: &Path, new: bool) -> Result<(), String> {
    let files = ["directory.db", "journal.db"];
    if new || files.iter().any(|file| data.join(file).exists()) {
        return Ok(());
    }
    Err(format!(
        "there is no platform in {}; nothing was made. Check the name, or start `potluck serve` there first, \
         or say --new to begin one",
        data.display()
    ))
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

fn add(name: &str, data: &Path, role: Role, from_stdin: bool) -> Result<(), String> {
    let password = Password::of(from_stdin)?;
    let now = Clock::now(&SystemClock);
    let adding = async {
        match role {
            Role::Operator => server::operator_add(data, name, &password.text, now).await,
            Role::Finance => server::finance_add(data, name, &password.text, now).await,
        }
    };
    let added = runtime()?.block_on(adding);
    added.map_err(|error| server::chain(&error))?;
    let title = match role {
        Role::Operator => "operator",
        Role::Finance => "finance",
    };
    println!("{title} {name} can sign in");
    password.print_if_made();
    Ok(())
}

fn change(name: &str, data: &Path, from_stdin: bool) -> Result<(), String> {
    let password = Password::of(from_stdin)?;
    let changed = runtime()?.block_on(server::operator_password(
        data,
        name,
        &password.text,
        Clock::now(&SystemClock),
    ));
    changed.map_err(|error| server::chain(&error))?;
    println!("operator {name} has another password, and no session any more");
    password.print_if_made();
    Ok(())
}

/// A password and where it is from.
struct Password {
    text: String,
    made: bool,
}

impl Password {
    /// Reads it from the first line of standard input, or makes it.
    fn of(from_stdin: bool) -> Result<Password, String> {
        if !from_stdin {
            let text = crate::shop::random_hex(12)?;
            return Ok(Password { text, made: true });
        }
        let mut line = String::new();
        std::io::stdin()
            .lock()
            .read_line(&mut line)
            .map_err(|error| error.to_string())?;
        let text = line.trim_end_matches(['\r', '\n']).to_owned();
        Ok(Password { text, made: false })
    }

    fn print_if_made(&self) {
        if self.made {
            println!("password {}", self.text);
        }
    }
}
