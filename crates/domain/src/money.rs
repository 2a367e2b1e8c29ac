//! Money, coins and rates.
//!
//! Why these are types with fallible arithmetic: an amount that wraps or is rounded twice is somebody's
//! money. Cash is whole fen, coins are whole hundredths of a coin, rates are parts per million (rules 2.1).

use minicbor::{Decode, Encode};

/// An amount does not fit into 63 bits: a refusal, never a wrap (rules 2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an amount is too large")]
pub struct Overflow;

/// Cash in fen (1/100 yuan). Below zero is a debit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Money(#[n(0)] pub i64);

/// Coins in 1/100 coin; one coin takes one yuan off a later bill and is never cash (rules 1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Coins(#[n(0)] pub i64);

/// A rate in parts per million: 5 % is 50 000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Rate(#[n(0)] pub u32);

/// Parts per million in one whole.
pub const RATE_ONE_PPM: u32 = 1_000_000;

macro_rules! amount {
    ($name:ident, $unit:literal) => {
        impl $name {
            /// Nothing.
            pub const ZERO: $name = $name(0);

            #[doc = concat!("Adds; errors with [`Overflow`] past `i64` ", $unit, ".")]
            pub fn plus(self, other: $name) -> Result<$name, Overflow> {
                self.0.checked_add(other.0).map($name).ok_or(Overflow)
            }

            #[doc = concat!("Subtracts; errors with [`Overflow`] past `i64` ", $unit, ". May go below zero.")]
            pub fn minus(self, other: $name) -> Result<$name, Overflow> {
                self.0.checked_sub(other.0).map($name).ok_or(Overflow)
            }

            #[doc = concat!("Multiplies by a count; errors with [`Overflow`] past `i64` ", $unit, ".")]
            pub fn times(self, count: u32) -> Result<$name, Overflow> {
                self.0.checked_mul(i64::from(count)).map($name).ok_or(Overflow)
            }

            /// Whether this is more than nothing.
            pub fn is_positive(self) -> bool {
                0 < self.0
            }

            /// Whole units with two decimals, the way amounts are written in JSON: `-452.40`.
            pub fn to_decimal(self) -> String {
                let sign = if self.0 < 0 { "-" } else { "" };
                let minor = self.0.unsigned_abs();
                format!("{sign}{}.{:02}", minor / 100, minor % 100)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.write_str(&self.to_decimal())
            }
        }
    };
}

amount!(Money, "fen");
amount!(Coins, "hundredths of a coin");

impl Money {
    /// `floor(self × rate)` in fen, as every percentage reward is counted (rules 2.3). For amounts below zero
    /// it rounds toward minus infinity. Errors with [`Overflow`] if the result does not fit.
    pub fn share(self, rate: Rate) -> Result<Money, Overflow> {
        let product = i128::from(self.0)
            .checked_mul(i128::from(rate.0))
            .ok_or(Overflow)?;
        let whole = product.div_euclid(i128::from(RATE_ONE_PPM));
        i64::try_from(whole).map(Money).map_err(|_| Overflow)
    }

    /// `self × rate` in fen, rounded half up: how payment channels count their fee (rules 2.3).
    pub fn channel_fee(self, rate: Rate) -> Result<Money, Overflow> {
        let product = i128::from(self.0)
            .checked_mul(i128::from(rate.0))
            .ok_or(Overflow)?;
        let half = i128::from(RATE_ONE_PPM / 2);
        let whole = product
            .checked_add(half)
            .ok_or(Overflow)?
            .div_euclid(i128::from(RATE_ONE_PPM));
        i64::try_from(whole).map(Money).map_err(|_| Overflow)
    }
}

/// Adds up amounts; errors with [`Overflow`] as soon as a partial sum does not fit.
pub fn sum(amounts: impl IntoIterator<Item = Money>) -> Result<Money, Overflow> {
    amounts.into_iter().try_fold(Money::ZERO, Money::plus)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decimals() {
        for (fen, text) in [
            (0, "0.00"),
            (5, "0.05"),
            (-45_240, "-452.40"),
            (9_980_000, "99800.00"),
        ] {
            assert_eq!(Money(fen).to_decimal(), text);
        }
        assert_eq!(Money(i64::MIN).to_decimal(), "-92233720368547758.08");
    }

    #[test]
    fn shares_round_down_and_fees_half_up() {
        assert_eq!(Money(99).share(Rate(50_000)), Ok(Money(4)));
        assert_eq!(Money(1200).share(Rate(50_000)), Ok(Money(60)));
        assert_eq!(Money(-1).share(Rate(1)), Ok(Money(-1)));
        assert_eq!(Money(83).channel_fee(Rate(6_000)), Ok(Money(0)));
        assert_eq!(Money(84).channel_fee(Rate(6_000)), Ok(Money(1)));
        assert_eq!(Money(250).channel_fee(Rate(6_000)), Ok(Money(2)));
        assert_eq!(Money(i64::MAX).share(Rate(u32::MAX)), Err(Overflow));
    }

    proptest! {
        #[test]
        fn shares_of_a_split_rate_never_exceed_the_whole(fen in 0i64..1 << 50, a in 0u32..500_000, b in 0u32..500_000) {
            let parts = Money(fen).share(Rate(a)).unwrap().plus(Money(fen).share(Rate(b)).unwrap()).unwrap();
            let whole = Money(fen).share(Rate(a + b)).unwrap();
            prop_assert!(parts <= whole && whole.0 - parts.0 <= 1);
        }

        #[test]
        fn arithmetic_agrees_with_wide_integers_or_refuses(a: i64, b: i64, n: u32) {
            let fits = |wide: i128| i64::try_from(wide).map(Money).map_err(|_| Overflow);
            prop_assert_eq!(Money(a).plus(Money(b)), fits(i128::from(a) + i128::from(b)));
            prop_assert_eq!(Money(a).minus(Money(b)), fits(i128::from(a) - i128::from(b)));
            prop_assert_eq!(Money(a).times(n), fits(i128::from(a) * i128::from(n)));
        }
    }
}
