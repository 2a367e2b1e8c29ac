//! Memory in large pages, where the system gives them.
//!
//! Why: a join touches a dozen places in a gigabyte of memory. In pages of 4 KiB the processor forgets where most of
//! them lie and looks that up again each time; in pages of 2 MiB it remembers (decision 0030).

/// Names what the C library is to do; read by it when a program starts, so it cannot be set later.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const TUNABLES: &str = "GLIBC_TUNABLES";
/// Says that this has been done. The system takes the other variable away from a program that may do more than who starts
/// it (`setcap cap_net_bind_service`), which would else start itself anew for ever.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const ASKED: &str = "POTLUCK_LARGE_PAGES";

/// Starts this program anew, in the same process, with a C library that asks for large pages. Returns when it runs so
/// already, when somebody has tuned the library himself, or where it cannot be.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn ask_for_them() {
    use std::os::unix::process::CommandExt;

    if [TUNABLES, ASKED]
        .into_iter()
        .any(|name| std::env::var_os(name).is_some())
    {
        return;
    }
    let mut words = std::env::args_os();
    let (Some(name), Ok(program)) = (words.next(), std::env::current_exe()) else {
        return;
    };
    let error = std::process::Command::new(program)
        .arg0(name)
        .args(words)
        .env(TUNABLES, "glibc.malloc.hugetlb=1")
        .env(ASKED, "asked")
        .exec();
    tracing::debug!("goes on with small pages: {error}");
}

/// There is no such C library here.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn ask_for_them() {}
