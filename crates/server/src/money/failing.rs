//! Refunds that fail, told by reason: a lost book of the provider's fails them all, and a line for every try of each
//! would hide everything else in the log.

use std::collections::{BTreeMap, BTreeSet};

use domain::RefundId;

/// Longest word that is a number and still part of the reason, such as a status; longer ones name a refund or payment.
const NUMBER_CHARS: usize = 3;

/// Refunds that were not sent when they were last tried, by reason.
#[derive(Debug, Default)]
pub(crate) struct Failing {
    reasons: BTreeMap<String, Reason>,
    reason_of: BTreeMap<RefundId, String>,
}

#[derive(Debug, Default)]
struct Reason {
    refunds: BTreeSet<RefundId>,
    /// From how many on the next line is due.
    next_line: usize,
}

impl Failing {
    /// Notes a failed try. In the log each reason stands once, and again whenever ten times as many refunds have it.
    pub(crate) fn failed(&mut self, refund: RefundId, why: &str) {
        let Some(count) = self.note(refund, why) else {
            return;
        };
        let refund_no = refund.0;
        if count == 1 {
            tracing::warn!(
                refund = refund_no,
                why,
                "refund {refund} was not sent: {why}"
            );
        } else {
            tracing::warn!(
                refunds = count,
                refund = refund_no,
                why,
                "{count} refunds were not sent for one reason, refund {refund} among them: {why}"
            );
        }
    }

    /// Notes that a refund is sent, or on its way.
    pub(crate) fn sent(&mut self, refund: RefundId) {
        if self.forget(refund) && self.reason_of.is_empty() {
            self.reasons.clear();
            tracing::info!("all refunds that had failed are sent");
        }
    }

    /// How many refunds fail for this reason, if that is to be said.
    fn note(&mut self, refund: RefundId, why: &str) -> Option<usize> {
        let kind = kind(why);
        if self.reason_of.get(&refund) != Some(&kind) {
            self.forget(refund);
            self.reason_of.insert(refund, kind.clone());
        }
        let reason = self.reasons.entry(kind).or_insert_with(|| Reason {
            refunds: BTreeSet::new(),
            next_line: 1,
        });
        reason.refunds.insert(refund);
        let count = reason.refunds.len();
        if count < reason.next_line {
            return None;
        }
        reason.next_line = reason.next_line.saturating_mul(10);
        Some(count)
    }

    /// The reason stays known, so that it is not said anew for each that comes and goes.
    fn forget(&mut self, refund: RefundId) -> bool {
        let Some(kind) = self.reason_of.remove(&refund) else {
            return false;
        };
        if let Some(reason) = self.reasons.get_mut(&kind) {
            reason.refunds.remove(&refund);
        }
        true
    }
}

/// A reason without what names one refund or payment.
fn kind(why: &str) -> String {
    let words = why.split_whitespace().map(|word| {
        let digits = word.bytes().filter(u8::is_ascii_digit).count();
        let number = digits == word.len() && digits <= NUMBER_CHARS;
        if digits == 0 || number { word } else { "…" }
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_is_said_once_and_at_ten_times_as_many() {
        let mut failing = Failing::default();
        let why = |refund: u64| format!("the payment provider refused: no payment T0{refund}");
        let mut said = Vec::new();
        for _ in 0..3 {
            for refund in 0..250 {
                said.extend(failing.note(RefundId(refund), &why(refund)));
            }
        }
        assert_eq!(said, [1, 10, 100]);
        // Another reason, also of one that fails already.
        let trouble = "the provider answered with status 503";
        assert_eq!(failing.note(RefundId(7), trouble), Some(1));
        assert_eq!(failing.note(RefundId(7), trouble), None);
        assert_eq!(
            failing.note(RefundId(8), "the provider answered with status 500"),
            Some(1)
        );
        // One that comes and goes among others is not said each time; once all is over, it is news again.
        failing.sent(RefundId(8));
        assert_eq!(
            failing.note(RefundId(8), "the provider answered with status 500"),
            None
        );
        (0..250).for_each(|refund| failing.sent(RefundId(refund)));
        assert_eq!(failing.note(RefundId(7), trouble), Some(1));
    }
}
