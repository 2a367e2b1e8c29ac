//! One-time codes for counters (rules 10.4): eight digits that a member shows and a cashier types, good for a minute.
//!
//! Why here and not in the journal: a code is a secret for a minute and nothing afterwards. What it stands for has a token of its
//! own, and the domain takes each token once, so that a code is spent even where two cashiers enter it at the same moment. A
//! restart forgets codes; the member asks for another.
//!
//! Why guessing is paced by merchant: his cashiers and stores are his to add. Bounded: the oldest code makes place, and so does the
//! merchant who guessed longest ago.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use domain::{CLAIM_LASTS, Claim, MemberId, MerchantId, Millis};

/// Digits of a code.
const CODES: u32 = 100_000_000;
/// Most codes that are good at once.
const MOST_CODES: usize = 100_000;
/// A merchant's staff may enter so many wrong codes within [`WRONG_WITHIN_MS`].
const MOST_WRONG: usize = 30;
const WRONG_WITHIN_MS: i64 = 600_000;
/// Most merchants whose wrong codes are counted.
const MOST_MERCHANTS: usize = 10_000;

/// Codes that are good, and who has entered wrong ones.
#[derive(Default)]
pub(crate) struct CounterCodes(Mutex<Codes>);

#[derive(Default)]
struct Codes {
    good: HashMap<u32, Claim>,
    of_member: HashMap<MemberId, u32>,
    /// In the order in which they end.
    ending: VecDeque<(Millis, u32)>,
    wrong: BTreeMap<MerchantId, VecDeque<Millis>>,
}

impl CounterCodes {
    /// A new code for a member; an earlier one of his is good no longer. None if the machine has no random bytes.
    pub(crate) fn show(&self, member: MemberId, now: Millis) -> Option<(String, Claim)> {
        let mut codes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        codes.forget(now);
        if let Some(code) = codes.of_member.remove(&member) {
            codes.good.remove(&code);
        }
        let mut token = [0; 16];
        getrandom::fill(&mut token).ok()?;
        let claim = Claim {
            token,
            member,
            expires: now.after(CLAIM_LASTS),
        };
        for _ in 0..64 {
            let code = random(CODES)?;
            if codes.good.contains_key(&code) {
                continue;
            }
            codes.good.insert(code, claim);
            codes.of_member.insert(member, code);
            codes.ending.push_back((claim.expires, code));
            return Some((format!("{code:08}"), claim));
        }
        None
    }

    /// What a code stands for; none where it is not good, which is counted against the merchant. How many seconds he must wait
    /// where too many were wrong. A code stays good until its time is over: that it was used the domain knows.
    pub(crate) fn look(
        &self,
        text: &str,
        merchant: MerchantId,
        now: Millis,
    ) -> Result<Option<Claim>, u32> {
        let mut codes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        codes.forget(now);
        let codes = &mut *codes;
        if !codes.wrong.contains_key(&merchant)
            && MOST_MERCHANTS <= codes.wrong.len()
            && let Some(oldest) = codes.longest_ago()
        {
            codes.wrong.remove(&oldest);
        }
        let wrong = codes.wrong.entry(merchant).or_default();
        wrong.retain(|at| now.0 < at.0.saturating_add(WRONG_WITHIN_MS));
        if MOST_WRONG <= wrong.len()
            && let Some(first) = wrong.front()
        {
            let wait_ms = first.0.saturating_add(WRONG_WITHIN_MS) - now.0;
            return Err(u32::try_from(wait_ms.saturating_add(999) / 1000).unwrap_or(u32::MAX));
        }
        let right = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
        let code = text.parse().ok().filter(|_| right);
        let found = code.and_then(|code: u32| codes.good.get(&code).copied());
        if found.is_none() {
            wrong.push_back(now);
        } else if wrong.is_empty() {
            codes.wrong.remove(&merchant);
        }
        Ok(found)
    }
}

impl Codes {
    fn forget(&mut self, now: Millis) {
        while let Some(&(ends, code)) = self.ending.front() {
            if now < ends && self.ending.len() <= MOST_CODES {
                break;
            }
            self.ending.pop_front();
            // The number may be another member's by now.
            let Some(claim) = self.good.get(&code).filter(|claim| claim.expires == ends) else {
                continue;
            };
            if self.of_member.get(&claim.member) == Some(&code) {
                self.of_member.remove(&claim.member);
            }
            self.good.remove(&code);
        }
    }

    fn longest_ago(&self) -> Option<MerchantId> {
        let newest = |(merchant, wrong): (&MerchantId, &VecDeque<Millis>)| {
            (wrong.back().copied(), *merchant)
        };
        self.wrong.iter().map(newest).min().map(|(_, who)| who)
    }
}

/// A number below `most`, each equally likely.
fn random(most: u32) -> Option<u32> {
    let fair = u32::MAX - u32::MAX % most;
    for _ in 0..64 {
        let number = getrandom::u32().ok()?;
        if number < fair {
            return Some(number % most);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: MerchantId = MerchantId(1);

    #[test]
    fn a_code_is_good_for_a_minute_and_the_newest_counts() {
        let codes = CounterCodes::default();
        let (first, _) = codes.show(MemberId(1), Millis(0)).unwrap();
        assert_eq!(first.len(), 8);
        let (second, claim) = codes.show(MemberId(1), Millis(10)).unwrap();
        assert_ne!(first, second);
        assert_eq!(codes.look(&first, SHOP, Millis(11)), Ok(None));
        assert_eq!(codes.look(&second, SHOP, Millis(60_009)), Ok(Some(claim)));
        assert_eq!(codes.look(&second, SHOP, Millis(60_009)), Ok(Some(claim)));
        assert_eq!(codes.look(&second, SHOP, Millis(60_010)), Ok(None));
        let inner = codes.0.lock().unwrap();
        assert!(inner.good.is_empty() && inner.of_member.is_empty() && inner.ending.is_empty());
    }

    #[test]
    fn guesses_are_paced_for_each_merchant() {
        let codes = CounterCodes::default();
        let (code, claim) = codes.show(MemberId(1), Millis(0)).unwrap();
        for text in ["", "1234567", "123456789", "+1234567", "1234567a"] {
            assert_eq!(codes.look(text, SHOP, Millis(0)), Ok(None), "{text:?}");
        }
        let other = if code == "00000000" {
            "00000001"
        } else {
            "00000000"
        };
        for at in 5..30 {
            assert_eq!(codes.look(other, SHOP, Millis(at)), Ok(None));
        }
        assert_eq!(codes.look(&code, SHOP, Millis(30)), Err(600));
        assert_eq!(
            codes.look(&code, MerchantId(2), Millis(30)),
            Ok(Some(claim))
        );
        assert_eq!(codes.look(other, SHOP, Millis(600_000)), Ok(None));
        assert_eq!(codes.0.lock().unwrap().wrong.len(), 1);
    }

    #[test]
    fn a_full_table_forgets_the_oldest() {
        let codes = CounterCodes::default();
        let (first, _) = codes.show(MemberId(0), Millis(0)).unwrap();
        let most = u32::try_from(MOST_CODES).unwrap();
        for member in 1..=most {
            codes.show(MemberId(member), Millis(1)).unwrap();
        }
        let (last, claim) = codes.show(MemberId(most + 1), Millis(2)).unwrap();
        assert_eq!(codes.look(&first, SHOP, Millis(2)), Ok(None));
        assert_eq!(codes.look(&last, SHOP, Millis(2)), Ok(Some(claim)));
        assert!(codes.0.lock().unwrap().good.len() <= MOST_CODES + 1);
    }
}
