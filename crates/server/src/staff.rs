//! Who runs the platform: operators, finance and gateways are added on the machine itself.

use std::path::Path;

use domain::{GatewayId, Millis, OperatorId};
use views::{Decision, Directory, DirectoryError, Place, SHELL, SessionOf, StoreError};

use crate::auth::hash_password;
use crate::people::{FINANCE_ROLE, OPERATOR_ROLE};

/// Shortest password of an operator, in characters.
pub const MIN_PASSWORD_CHARS: usize = 10;
/// Longest name of an operator or gateway, in characters.
const MAX_NAME_CHARS: usize = 64;
/// The directory's file in a directory of data.
const DIRECTORY: &str = "directory.db";

/// Why nobody was added.
#[derive(Debug, thiserror::Error)]
pub enum StaffError {
    /// The name is empty, too long or not printable.
    #[error("a name has 1 to {MAX_NAME_CHARS} printable characters")]
    Name,
    /// The password is too short.
    #[error("a password has at least {MIN_PASSWORD_CHARS} characters")]
    Password,
    /// The machine has no random bytes.
    #[error("the machine has no random bytes")]
    Random,
    /// The directory did not take it; the name may be taken.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The directory could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The last operator cannot be removed: nobody could sign in.
    #[error("{0} is the only operator: add another one first")]
    Last(String),
    /// The reason cannot be kept.
    #[error("a reason has 1 to {} bytes on one line", views::MAX_NOTE_BYTES)]
    Reason,
    /// There is no such operator.
    #[error("there is no operator {0}")]
    Unknown(String),
    /// The data directory cannot be made.
    #[error("cannot make the data directory")]
    DataDir(#[source] std::io::Error),
}

/// Adds an operator to the directory in `data_dir`, whether a server runs there or not.
pub async fn operator_add(
    data_dir: &Path,
    name: &str,
    password: &str,
    now: Millis,
) -> Result<OperatorId, StaffError> {
    add(data_dir, OPERATOR_ROLE, (name, password), now).await
}

/// Adds somebody of finance, in the same way: he reads the books and moves money, and nothing else.
pub async fn finance_add(
    data_dir: &Path,
    name: &str,
    password: &str,
    now: Millis,
) -> Result<OperatorId, StaffError> {
    add(data_dir, FINANCE_ROLE, (name, password), now).await
}

async fn add(
    data_dir: &Path,
    role: &str,
    (name, password): (&str, &str),
    now: Millis,
) -> Result<OperatorId, StaffError> {
    check_name(name)?;
    let hash = hash_of(password)?;
    let directory = open(data_dir, now).await?;
    let added = directory.add_operator(name, &hash, role, now).await;
    directory.close().await;
    Ok(added?)
}

/// Gives an operator another password and ends his sessions, whether a server runs or not.
pub async fn operator_password(
    data_dir: &Path,
    name: &str,
    password: &str,
    now: Millis,
) -> Result<OperatorId, StaffError> {
    let hash = hash_of(password)?;
    let unknown = || StaffError::Unknown(name.to_owned());
    // A directory of data that is mistyped is not made.
    if !data_dir.join(DIRECTORY).exists() {
        return Err(unknown());
    }
    let directory = open(data_dir, now).await?;
    let changing = async {
        let operator = directory
            .operator_by_name(name)
            .await?
            .ok_or_else(unknown)?;
        directory.set_operator_password(operator.id, &hash).await?;
        let sessions = SessionOf::Operator(operator.id);
        directory.end_sessions_of(sessions).await?;
        Ok(operator.id)
    };
    let changed = changing.await;
    directory.close().await;
    changed
}

/// Removes an operator or somebody of finance for ever and ends his sessions, whether a server runs or not; never the last
/// operator.
pub async fn operator_remove(
    data_dir: &Path,
    name: &str,
    now: Millis,
) -> Result<OperatorId, StaffError> {
    let unknown = || StaffError::Unknown(name.to_owned());
    if !data_dir.join(DIRECTORY).exists() {
        return Err(unknown());
    }
    let directory = open(data_dir, now).await?;
    let removing = async {
        let row = directory.operator_by_name(name).await?;
        let row = row.filter(|row| row.role == OPERATOR_ROLE || row.role == FINANCE_ROLE);
        let row = row.ok_or_else(unknown)?;
        if !directory.remove_operator(row.id).await? {
            return Err(StaffError::Last(name.to_owned()));
        }
        Ok(row.id)
    };
    let removed = removing.await;
    directory.close().await;
    removed
}

/// Notes in the list of decisions what was done at the shell, and why: beside what was decided last.
pub async fn note_at_shell(
    data_dir: &Path,
    (what, subject, reason): (&str, u32, &str),
    now: Millis,
) -> Result<(), StaffError> {
    check_shell_reason(reason)?;
    let mut request = [0; 32];
    getrandom::fill(&mut request).map_err(|_| StaffError::Random)?;
    let directory = open(data_dir, now).await?;
    let noting = async {
        let decision = Decision {
            seq: directory.decided_up_to().await?,
            at: now,
            operator: SHELL,
            what: what.to_owned(),
            subject,
            reason: reason.to_owned(),
        };
        directory.note_decision(&request, &decision).await
    };
    let noted = noting.await;
    directory.close().await;
    Ok(noted?)
}

/// Whether a reason can be kept: asked before anything is done for it.
pub fn check_shell_reason(reason: &str) -> Result<(), StaffError> {
    let bad = reason.trim().is_empty()
        || views::MAX_NOTE_BYTES < reason.len()
        || reason.chars().any(char::is_control);
    if bad { Err(StaffError::Reason) } else { Ok(()) }
}

/// Adds a gateway to the directory in `data_dir`; the answer holds its API key, of which only the hash is kept.
pub async fn gateway_add(
    data_dir: &Path,
    name: &str,
    now: Millis,
) -> Result<(GatewayId, String), StaffError> {
    check_name(name)?;
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|_| StaffError::Random)?;
    let key = format!("pk_{}", draw::to_hex(&key));
    let directory = open(data_dir, now).await?;
    let added = directory
        .add_gateway(name, &draw::hash(key.as_bytes()).0, now)
        .await;
    directory.close().await;
    Ok((added?, key))
}

async fn open(data_dir: &Path, now: Millis) -> Result<Directory, StaffError> {
    crate::make_data_dir(data_dir).map_err(StaffError::DataDir)?;
    Ok(Directory::open(&Place::from(data_dir.join(DIRECTORY).as_path()), now).await?)
}

fn hash_of(password: &str) -> Result<String, StaffError> {
    if password.chars().count() < MIN_PASSWORD_CHARS {
        return Err(StaffError::Password);
    }
    hash_password(password).ok_or(StaffError::Random)
}

fn check_name(name: &str) -> Result<(), StaffError> {
    let good =
        (1..=MAX_NAME_CHARS).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if good && name.trim() == name {
        Ok(())
    } else {
        Err(StaffError::Name)
    }
}
