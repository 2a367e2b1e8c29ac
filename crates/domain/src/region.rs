//! Regions: six-digit codes of GB/T 2260 (rules 3.4). Two digits name the province, two the city in it, two the county in
//! that; zeros mean the whole.

use minicbor::{Decode, Encode};

/// A province, city or county by its code of GB/T 2260. That there is one of this code is not said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Region(#[n(0)] u32);

/// A text is no code of six digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a region is a code of six digits, such as 330106")]
pub struct BadRegion;

impl Region {
    /// The county, if it names one.
    pub fn county(self) -> Option<Region> {
        (!self.0.is_multiple_of(100)).then_some(self)
    }

    /// The city it is or lies in, if it names one.
    pub fn city(self) -> Option<Region> {
        let city = self.0.saturating_sub(self.0 % 100);
        (!city.is_multiple_of(10_000)).then_some(Region(city))
    }

    /// The province it is or lies in.
    pub fn province(self) -> Region {
        Region(self.0.saturating_sub(self.0 % 10_000))
    }
}

impl std::str::FromStr for Region {
    type Err = BadRegion;

    fn from_str(text: &str) -> Result<Region, BadRegion> {
        let six_digits = text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit());
        if !six_digits {
            return Err(BadRegion);
        }
        text.parse().map(Region).map_err(|_| BadRegion)
    }
}

impl std::fmt::Display for Region {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{:06}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_county_lies_in_its_city_and_province() {
        let parts = |code: &str| {
            let region: Region = code.parse().unwrap();
            let text = |region: Option<Region>| region.map(|region| region.to_string());
            (
                text(region.county()),
                text(region.city()),
                region.province().to_string(),
            )
        };
        let some = |code: &str| Some(code.to_owned());
        assert_eq!(
            parts("330106"),
            (some("330106"), some("330100"), "330000".to_owned())
        );
        assert_eq!(parts("330100"), (None, some("330100"), "330000".to_owned()));
        assert_eq!(parts("330000"), (None, None, "330000".to_owned()));
        for bad in ["", "33010", "3301066", "33o106", "+30106"] {
            assert_eq!(bad.parse::<Region>(), Err(BadRegion), "{bad}");
        }
    }
}
