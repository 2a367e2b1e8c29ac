//! Points where a test has the process killed, as `kill -9` or a power cut would: nothing is flushed, nothing unwinds.
//!
//! Why in the code and not from outside: the moments that matter, such as between an append and its answer, last for
//! microseconds, and a test that hopes to hit them proves nothing. A point is one line where it matters. In release
//! builds it is no code at all; in others it costs a look at a variable unless the environment names it.
//!
//! `POTLUCK_CRASH_AT=engine.appended:3` kills the process at the third pass of that point. With
//! `POTLUCK_CRASH_WHEN=FILE`, too, passes count only while there is such a file, so that a test can say when.
//!
//! `POTLUCK_CLOCK_AHEAD_MS=86400000` lets a process live a day ahead, for what happens at midnights and months' ends.
//! That, too, is no code in release builds.

/// Kills the process if it is ordered at this pass.
#[inline(always)]
pub fn point(name: &str) {
    point_if(name, || true);
}

/// Like [`point`]; only passes for which `counts` holds are counted. It is asked only where this point is ordered.
#[inline(always)]
pub fn point_if(name: &str, counts: impl FnOnce() -> bool) {
    #[cfg(debug_assertions)]
    ordered::pass(name, counts);
    #[cfg(not(debug_assertions))]
    let _ = (name, counts);
}

/// By how much the process is to be ahead of the machine's clock, in milliseconds.
#[inline(always)]
pub fn clock_ahead_ms() -> i64 {
    #[cfg(debug_assertions)]
    return ordered::clock_ahead_ms();
    #[cfg(not(debug_assertions))]
    return 0;
}

#[cfg(debug_assertions)]
mod ordered {
    use std::path::PathBuf;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// Where to die: which point, at which pass.
    const AT: &str = "POTLUCK_CRASH_AT";
    /// The file without which passes do not count.
    const WHEN: &str = "POTLUCK_CRASH_WHEN";

    /// How far ahead the clock is, in milliseconds.
    const AHEAD: &str = "POTLUCK_CLOCK_AHEAD_MS";

    pub(crate) fn clock_ahead_ms() -> i64 {
        static AHEAD_MS: OnceLock<i64> = OnceLock::new();
        *AHEAD_MS.get_or_init(|| match std::env::var(AHEAD) {
            Ok(ahead) => ahead
                .parse()
                .unwrap_or_else(|_| panic!("{AHEAD} is a number, not {ahead:?}")),
            Err(_) => 0,
        })
    }

    static ORDER: OnceLock<Option<Order>> = OnceLock::new();

    struct Order {
        point: String,
        /// The first is 1.
        pass: u64,
        when: Option<PathBuf>,
        passed: AtomicU64,
    }

    pub(crate) fn pass(name: &str, counts: impl FnOnce() -> bool) {
        let order = ORDER.get_or_init(|| {
            let at = std::env::var(AT).ok()?;
            Some(Order::read(&at, std::env::var_os(WHEN).map(PathBuf::from)))
        });
        let Some(order) = order else {
            return;
        };
        if order.is_met(name, counts) {
            eprintln!("killed at {name}, pass {}", order.pass);
            die();
        }
    }

    impl Order {
        fn read(at: &str, when: Option<PathBuf>) -> Order {
            let parts = at
                .split_once(':')
                .and_then(|(point, pass)| Some((point, pass.parse().ok()?)));
            let (point, pass) =
                parts.unwrap_or_else(|| panic!("{AT} is a point and a number, not {at:?}"));
            Order {
                point: point.to_owned(),
                pass,
                when,
                passed: AtomicU64::new(0),
            }
        }

        fn is_met(&self, name: &str, counts: impl FnOnce() -> bool) -> bool {
            name == self.point
                && self.when.as_ref().is_none_or(|file| file.exists())
                && counts()
                && self.passed.fetch_add(1, Ordering::SeqCst) + 1 == self.pass
        }
    }

    /// Ends the process as `kill -9` does, and does not return.
    fn die() -> ! {
        let sent =
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        // The signal is taken at the end of the call that sends it; an abort is the nearest to it if it cannot be sent.
        eprintln!("{sent:?}");
        std::process::abort()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn the_ordered_pass_of_the_ordered_point_is_met_once() {
            let order = Order::read("a.b:2", None);
            let met = ["a.b", "c", "a.b", "a.b"].map(|name| order.is_met(name, || true));
            assert_eq!(met, [false, false, true, false]);
        }

        #[test]
        fn passes_that_do_not_count_are_not_counted() {
            let order = Order::read("a:1", None);
            assert!(!order.is_met("a", || false));
            assert!(!order.is_met("b", || panic!("asked for a point that is not ordered")));
            assert!(order.is_met("a", || true));
        }

        #[test]
        fn passes_count_while_there_is_the_file() {
            let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
            let absent = Order::read("a:1", Some(here.join("no such file")));
            assert!(!absent.is_met("a", || true));
            let present = Order::read("a:1", Some(here.join("Cargo.toml")));
            assert!(present.is_met("a", || true));
        }

        #[test]
        #[should_panic(expected = "POTLUCK_CRASH_AT is a point and a number")]
        fn an_order_that_cannot_be_read_is_no_order_to_do_nothing() {
            Order::read("engine.appended", None);
        }
    }
}
