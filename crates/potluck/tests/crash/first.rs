//! Deaths before the shop is open: while a directory is made, and while its operator is.

use std::time::Duration;

use super::platform::{potluck, spawn};
use super::random::Random;
use super::site::Site;

/// Deaths of each kind.
const DEATHS: usize = 8;
/// Longest life of a first start, and of the command that adds an operator, in milliseconds.
const LIFE_MS: usize = 500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_start_killed_at_any_moment_begins_again() {
    let seed = Random::seed();
    println!("POTLUCK_CRASH_SEED={seed}");
    let mut random = Random::new(seed);
    let site = Site::new(&mut random).await;
    for _ in 0..DEATHS {
        let platform = site.start(600, None);
        tokio::time::sleep(life(&mut random)).await;
        platform.kill();
    }
    let mut platform = site.start(600, None);
    platform.ready(&site.http, &site.base).await;
    for _ in 0..DEATHS {
        let mut child = spawn(&["operator", "add", "boss", "--password-stdin"], &site.data);
        let mut input = child.stdin.take().unwrap();
        // It may have been killed before it read anything.
        let _ = std::io::Write::write_all(&mut input, b"a password of before\n");
        drop(input);
        tokio::time::sleep(life(&mut random)).await;
        // It may have ended, well or because the name is taken by now.
        let _ = child.kill();
        child.wait().unwrap();
    }
    let (load, _, operator) = site.open_shop().await;
    site.balance(&operator).await;
    platform.kill();
    let mut platform = site.start(600, None);
    platform.ready(&site.http, &site.base).await;
    load.stock_up().await;
    load.report_rest().await;
    platform.stop().await;
    site.audit();
    let (good, said) = potluck(&["operator", "password", "nobody"], &site.data, "");
    assert!(
        !good && said.contains("there is no operator nobody"),
        "{said}"
    );
}

fn life(random: &mut Random) -> Duration {
    Duration::from_millis(random.below(LIFE_MS) as u64)
}
