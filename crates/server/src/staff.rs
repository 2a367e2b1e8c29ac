//! Who runs the platform: operators and gateways are added on the machine itself (design 6).

use std::path::Path;

use domain::{GatewayId, Millis, OperatorId};
use views::{Directory, DirectoryError, Place};

use crate::auth::hash_password;
use crate::people::OPERATOR_ROLE;

/// Shortest password of an operator, in characters.
pub const MIN_PASSWORD_CHARS: usize = 10;
/// Longest name of an operator or gateway, in characters.
const MAX_NAME_CHARS: usize = 64;

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
    check_name(name)?;
    if password.chars().count() < MIN_PASSWORD_CHARS {
        return Err(StaffError::Password);
    }
    let hash = hash_password(password).ok_or(StaffError::Random)?;
    let directory = open(data_dir, now).await?;
    let added = directory
        .add_operator(name, &hash, OPERATOR_ROLE, now)
        .await;
    directory.close().await;
    Ok(added?)
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
    std::fs::create_dir_all(data_dir).map_err(StaffError::DataDir)?;
    Ok(Directory::open(&Place::from(data_dir.join("directory.db").as_path()), now).await?)
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
