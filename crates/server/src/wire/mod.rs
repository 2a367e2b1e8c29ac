//! The JSON of the API: what comes in and goes out, apart from what the platform computes with.
//!
//! Money and coins are strings of yuan with two decimals, ids are strings (a browser's numbers end at 2^53), times are
//! RFC 3339 in UTC.

mod approvals;
mod campaign;
mod circle;
mod console;
mod counter;
mod dividends;
mod gateway;
mod group;
mod home;
mod identities;
mod inbox;
mod limits;
mod member;
mod merchants;
mod notice;
mod people;
mod shop;
mod statements;
mod table;
mod withdrawals;

pub(crate) use approvals::*;
pub(crate) use campaign::*;
pub(crate) use circle::*;
pub use console::DemoAccount;
pub(crate) use console::*;
pub(crate) use counter::*;
pub(crate) use dividends::*;
pub(crate) use gateway::*;
pub(crate) use group::*;
pub(crate) use home::*;
pub(crate) use identities::*;
pub(crate) use inbox::*;
pub(crate) use limits::*;
pub(crate) use member::*;
pub(crate) use merchants::*;
pub(crate) use notice::*;
pub(crate) use people::*;
pub(crate) use shop::*;
pub(crate) use statements::*;
pub(crate) use table::*;
pub(crate) use withdrawals::*;

use domain::{Coins, Millis, Money};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;

/// An amount in yuan, or coins, as JSON has it: `"12.00"`, below zero `"-0.05"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = r"^-?\d+\.\d{2}$", example = "12.00")]
pub(crate) struct Amount(pub(crate) i64);

impl From<Amount> for String {
    fn from(amount: Amount) -> String {
        Money(amount.0).to_decimal()
    }
}

impl From<Money> for Amount {
    fn from(money: Money) -> Amount {
        Amount(money.0)
    }
}

impl From<Coins> for Amount {
    fn from(coins: Coins) -> Amount {
        Amount(coins.0)
    }
}

impl TryFrom<String> for Amount {
    type Error = &'static str;

    /// Reads `12.00`; the one spelling that writing gives, so that `12`, `012.00` and `1e3` are mistakes.
    fn try_from(text: String) -> Result<Amount, &'static str> {
        const WRONG: &str = "an amount is a string of yuan with two decimals, such as \"12.00\"";
        let (yuan, fen) = text.split_once('.').ok_or(WRONG)?;
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if fen.len() != 2 || !digits(fen) || !digits(yuan.strip_prefix('-').unwrap_or(yuan)) {
            return Err(WRONG);
        }
        let minor: i64 = format!("{yuan}{fen}").parse().map_err(|_| WRONG)?;
        if Money(minor).to_decimal() == text {
            Ok(Amount(minor))
        } else {
            Err(WRONG)
        }
    }
}

/// A moment: RFC 3339 in UTC, with milliseconds where there are any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-11-22T17:00:00Z")]
pub(crate) struct At(pub(crate) Millis);

impl Serialize for At {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&rfc3339(self.0))
    }
}

impl From<Millis> for At {
    fn from(at: Millis) -> At {
        At(at)
    }
}

/// RFC 3339 in UTC; moments outside the years 0 to 9999 are cut to the nearest that can be written.
pub(crate) fn rfc3339(at: Millis) -> String {
    let nanos = i128::from(at.0.clamp(-62_167_219_200_000, 253_402_300_799_999)) * 1_000_000;
    OffsetDateTime::from_unix_timestamp_nanos(nanos)
        .ok()
        .and_then(|at| at.format(&Rfc3339).ok())
        .unwrap_or_default()
}

/// A moment of whole seconds.
pub(crate) fn at_seconds(seconds: u64) -> At {
    At(Millis(
        i64::try_from(seconds)
            .unwrap_or(i64::MAX)
            .saturating_mul(1000),
    ))
}

/// A text in the two languages of the screens.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Words {
    /// Chinese.
    pub(crate) zh: String,
    /// English.
    pub(crate) en: String,
}

impl From<&domain::Text> for Words {
    fn from(text: &domain::Text) -> Words {
        Words {
            zh: text.zh.clone(),
            en: text.en.clone(),
        }
    }
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct List<T> {
    /// What there is, in the list's order.
    pub(crate) items: Vec<T>,
    /// Give this as `cursor` to go on; null at the end.
    pub(crate) next: Option<String>,
}

/// What a write that has nothing else to say answers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Done {
    /// Its place in the journal; reads take it as `at_least`.
    #[schema(example = "4711")]
    pub(crate) seq: String,
}

impl Done {
    /// The answer of a write that stands there.
    pub(crate) fn at(seq: u64) -> axum::Json<Done> {
        axum::Json(Done {
            seq: seq.to_string(),
        })
    }
}

/// Nothing to say.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Nothing {}

/// A phone number as others may see it: `138****0001`.
pub(crate) fn mask_phone(phone: &str) -> String {
    match (phone.get(..3), phone.get(7..)) {
        (Some(head), Some(tail)) if phone.is_ascii() => format!("{head}****{tail}"),
        (_, _) => "****".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_one_spelling() {
        for (text, fen) in [
            ("0.00", 0),
            ("12.00", 1200),
            ("-0.05", -5),
            ("92233720368547758.07", i64::MAX),
        ] {
            assert_eq!(Amount::try_from(text.to_owned()), Ok(Amount(fen)));
            assert_eq!(String::from(Amount(fen)), text);
        }
        for bad in [
            "",
            "12",
            "12.0",
            "12.000",
            "012.00",
            "+1.00",
            "-0.00",
            ".50",
            "1e3",
            "1,00",
            "１.00",
            "92233720368547758.08",
        ] {
            assert!(Amount::try_from(bad.to_owned()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn times_are_utc() {
        assert_eq!(rfc3339(Millis(0)), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(Millis(1_795_366_800_000)), "2026-11-22T17:00:00Z");
        assert_eq!(
            rfc3339(Millis(1_795_366_800_250)),
            "2026-11-22T17:00:00.25Z"
        );
        assert_eq!(rfc3339(Millis(i64::MAX)), "9999-12-31T23:59:59.999Z");
        assert_eq!(rfc3339(Millis(i64::MIN)), "0000-01-01T00:00:00Z");
    }

    #[test]
    fn phones_are_masked() {
        assert_eq!(mask_phone("13800000001"), "138****0001");
        assert_eq!(mask_phone("手机号码手机号码"), "****");
        assert_eq!(mask_phone("1"), "****");
    }
}
