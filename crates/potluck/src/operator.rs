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
        /// Why, for the list of decisions
        #[arg(long, default_value = "at the shell")]
        reason: String,
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
        /// Why, for the list of decisions
        #[arg(long, default_value = "at the shell")]
        reason: String,
    },
    /// Remove an operator, or somebody of finance, for ever; ends his sessions. Never the last operator
    Remove {
        /// His name
        name: String,
        /// Directory of the platform's data
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
        /// Why, for the list of decisions
        #[arg(long, default_value = "at the shell")]
        reason: String,
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
        /// Why, for the list of decisions
        #[arg(long, default_value = "at the shell")]
        reason: String,
    },
}

/// Adds an operator, gives him another password, or removes him.
pub(crate) fn run(command: &OperatorCommand) -> ExitCode {
    let result = match command {
        OperatorCommand::Add {
            name,
            data,
            role,
            password_stdin,
            new,
            reason,
        } => expect_platform(data, *new)
            .and_then(|()| why(reason))
            .and_then(|()| add(name, data, *role, *password_stdin))
            .and_then(|id| note(data, ("add-operator", id, reason))),
        OperatorCommand::Password {
            name,
            data,
            password_stdin,
            reason,
        } => why(reason)
            .and_then(|()| change(name, data, *password_stdin))
            .and_then(|id| note(data, ("operator-password", id, reason))),
        OperatorCommand::Remove { name, data, reason } => why(reason)
            .and_then(|()| remove(name, data))
            .and_then(|id| note(data, ("remove-operator", id, reason))),
    };
    exit("operator", result)
}

/// Adds a gateway.
pub(crate) fn run_gateway(command: &GatewayCommand) -> ExitCode {
    let GatewayCommand::Add {
        name,
        data,
        new,
        reason,
    } = command;
    let ready = expect_platform(data, *new).and_then(|()| why(reason));
    let added = ready.and_then(|()| {
        let added = server::gateway_add(data, name, Clock::now(&SystemClock));
        let added = runtime()?.block_on(added);
        let (id, key) = added.map_err(|error| server::chain(&error))?;
        println!("gateway {id} can join for its members\nAPI key {key}");
        note(data, ("add-gateway", id.0, reason))
    });
    exit("gateway", added)
}

/// Asked before anything is done.
fn why(reason: &str) -> Result<(), String> {
    server::check_shell_reason(reason).map_err(|error| server::chain(&error))
}

/// What was done stands in the list of decisions, as done at the shell.
fn note(data: &Path, what: (&str, u32, &str)) -> Result<(), String> {
    let noting = server::note_at_shell(data, what, Clock::now(&SystemClock));
    let noted = runtime()?.block_on(noting);
    noted.map_err(|error| format!("it is done, but not noted: {}", server::chain(&error)))
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

fn add(name: &str, data: &Path, role: Role, from_stdin: bool) -> Result<u32, String> {
    let password = Password::of(from_stdin)?;
    let now = Clock::now(&SystemClock);
    let adding = async {
        match role {
            Role::Operator => server::operator_add(data, name, &password.text, now).await,
            Role::Finance => server::finance_add(data, name, &password.text, now).await,
        }
    };
    let added = runtime()?.block_on(adding);
    let id = added.map_err(|error| server::chain(&error))?;
    let title = match role {
        Role::Operator => "operator",
        Role::Finance => "finance",
    };
    println!("{title} {name} can sign in");
    password.print_if_made();
    Ok(id.0)
}

fn remove(name: &str, data: &Path) -> Result<u32, String> {
    let removing = server::operator_remove(data, name, Clock::now(&SystemClock));
    let removed = runtime()?.block_on(removing);
    let id = removed.map_err(|error| server::chain(&error))?;
    println!("{name} is removed, and has no session any more");
    Ok(id.0)
}

fn change(name: &str, data: &Path, from_stdin: bool) -> Result<u32, String> {
    let password = Password::of(from_stdin)?;
    let changed = runtime()?.block_on(server::operator_password(
        data,
        name,
        &password.text,
        Clock::now(&SystemClock),
    ));
    let id = changed.map_err(|error| server::chain(&error))?;
    println!("operator {name} has another password, and no session any more");
    password.print_if_made();
    Ok(id.0)
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
