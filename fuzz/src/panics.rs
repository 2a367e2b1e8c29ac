//! Which panics are findings: all of them, but for the one by which a replay stops at a record that does not fit.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook, take_hook};

/// How `World::apply` begins what it says when it stops.
const CORRUPT: &str = "the journal is not consistent: ";

thread_local! {
    static MAY_STOP: Cell<bool> = const { Cell::new(false) };
}

/// libFuzzer's hook ends the process at every panic, caught or not; this one lets the one kind pass where it may be.
/// To be called once, when libFuzzer has set its own.
pub(crate) fn let_corrupt_pass() {
    let findings = take_hook();
    set_hook(Box::new(move |info: &PanicHookInfo<'_>| {
        let said = info.payload_as_str().unwrap_or_default();
        if !(MAY_STOP.get() && said.starts_with(CORRUPT)) {
            findings(info);
        }
    }));
}

/// Does what may find that the journal is corrupt; none if it did.
pub(crate) fn unless_corrupt<T>(work: impl FnOnce() -> T) -> Option<T> {
    MAY_STOP.set(true);
    let done = catch_unwind(AssertUnwindSafe(work)).ok();
    MAY_STOP.set(false);
    done
}
