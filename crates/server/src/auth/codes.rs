//! One-time codes for members' sign-in: six digits, one a minute and ten a day for a phone. The directory keeps their
//! hashes, five minutes and five tries long.
//!
//! Why the pace is kept in memory: after a restart somebody may ask once more than he should, and that is all.
//! Bounded: a full table forgets the phone that was sent a code longest ago. So nobody can fill it and keep others out;
//! whoever tries, through as many addresses as the limits of addresses make him need, gives a phone a code too many.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use domain::{DAY_MS, Millis};

const PAUSE_MS: i64 = 60_000;
const MOST_A_DAY: usize = 10;
const MOST_PHONES: usize = 100_000;

/// How often codes were sent to each phone.
#[derive(Default)]
pub(crate) struct CodePace(Mutex<Phones>);

#[derive(Default)]
struct Phones {
    sent: HashMap<String, Sent>,
    /// The phones by the order of their last codes.
    oldest: BTreeMap<u64, String>,
    /// Codes sent since the start.
    codes: u64,
}

#[derive(Default)]
struct Sent {
    at: VecDeque<Millis>,
    /// Which code the last one was.
    last: u64,
}

impl CodePace {
    /// Notes that a code is sent to a phone now, or says how many seconds it must wait.
    pub(crate) fn take(&self, phone: &str, now: Millis) -> Result<(), u32> {
        let mut phones = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let phones = &mut *phones;
        if let Some(sent) = phones.sent.get_mut(phone) {
            sent.at.retain(|at| now.0 < at.0.saturating_add(DAY_MS));
            let wait_ms = match (sent.at.back(), sent.at.front()) {
                (Some(last), _) if now.0 < last.0 + PAUSE_MS => last.0 + PAUSE_MS - now.0,
                (_, Some(first)) if MOST_A_DAY <= sent.at.len() => first.0 + DAY_MS - now.0,
                (_, _) => 0,
            };
            if 0 < wait_ms {
                let wait_s = wait_ms.saturating_add(999) / 1000;
                return Err(u32::try_from(wait_s).unwrap_or(u32::MAX));
            }
        }
        phones.note(phone, now);
        Ok(())
    }
}

impl Phones {
    fn note(&mut self, phone: &str, now: Millis) {
        self.codes = self.codes.saturating_add(1);
        let sent = self.sent.entry(phone.to_owned()).or_default();
        sent.at.push_back(now);
        self.oldest.remove(&sent.last);
        sent.last = self.codes;
        self.oldest.insert(self.codes, phone.to_owned());
        if MOST_PHONES < self.oldest.len()
            && let Some((_, oldest)) = self.oldest.pop_first()
        {
            self.sent.remove(&oldest);
        }
    }
}

/// What the directory keeps of a code.
pub(crate) fn code_hash(phone: &str, code: &str) -> [u8; 32] {
    draw::hash(format!("{phone}\n{code}").as_bytes()).0
}

/// Six digits, each code equally likely; none if the machine has no random bytes.
pub(crate) fn random_code() -> Option<String> {
    // Numbers from the top that would favour the lower codes are thrown away; one in four thousand is.
    const FAIR: u32 = u32::MAX - u32::MAX % 1_000_000;
    for _ in 0..16 {
        let number = getrandom::u32().ok()?;
        if number < FAIR {
            return Some(format!("{:06}", number % 1_000_000));
        }
    }
    None
}

/// Whether a text is a mainland mobile number.
pub(crate) fn is_phone(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 11
        && bytes.iter().all(u8::is_ascii_digit)
        && bytes.starts_with(b"1")
        && bytes
            .get(1)
            .is_some_and(|digit| (b'3'..=b'9').contains(digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHONE: &str = "13800000001";

    #[test]
    fn one_a_minute_and_ten_a_day() {
        let pace = CodePace::default();
        assert_eq!(pace.take(PHONE, Millis(0)), Ok(()));
        assert_eq!(pace.take(PHONE, Millis(1)), Err(60));
        assert_eq!(
            pace.take("13800000002", Millis(1)),
            Ok(()),
            "phones do not share"
        );
        for minute in 1..10 {
            assert_eq!(pace.take(PHONE, Millis(minute * PAUSE_MS)), Ok(()));
        }
        assert_eq!(pace.take(PHONE, Millis(10 * PAUSE_MS)), Err(86_400 - 600));
        assert_eq!(pace.take(PHONE, Millis(DAY_MS)), Ok(()));
    }

    #[test]
    fn a_full_table_keeps_nobody_out() {
        let (pace, phone) = (CodePace::default(), |number: usize| {
            format!("139{number:08}")
        });
        assert_eq!(pace.take(PHONE, Millis(0)), Ok(()));
        for number in 0..MOST_PHONES - 1 {
            assert_eq!(pace.take(&phone(number), Millis(1)), Ok(()));
        }
        assert_eq!(pace.take(PHONE, Millis(2)), Err(60), "it is just full");
        for number in MOST_PHONES..MOST_PHONES + 10 {
            assert_eq!(pace.take(&phone(number), Millis(3)), Ok(()), "{number}");
        }
        assert_eq!(pace.take(&phone(MOST_PHONES - 2), Millis(4)), Err(60));
        let phones = pace.0.lock().unwrap();
        assert_eq!(
            (phones.sent.len(), phones.oldest.len()),
            (MOST_PHONES, MOST_PHONES)
        );
        assert!(!phones.sent.contains_key(PHONE), "the oldest was forgotten");
    }

    #[test]
    fn codes_have_six_digits() {
        for _ in 0..100 {
            let code = random_code().unwrap();
            assert!(
                code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()),
                "{code}"
            );
        }
    }

    #[test]
    fn phones() {
        for good in ["13000000000", "19900000001"] {
            assert!(is_phone(good));
        }
        for bad in [
            "",
            "12000000000",
            "1380000000",
            "138000000000",
            "2380000000a",
            "１3800000001",
            "+8613800000001",
        ] {
            assert!(!is_phone(bad), "{bad:?}");
        }
    }
}
