//! Regions: six-digit codes of GB/T 2260 (rules 3.4). Two digits name the province, two the city in it, two the county in
//! that; zeros mean the whole. Which there are says a table: `data/regions.txt`, which names its source and date.

use std::sync::LazyLock;

use minicbor::{Decode, Encode};

/// A province, city or county by its code of GB/T 2260. That there is one of this code is not said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Region(#[n(0)] u32);

/// A text is no code of six digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a region is a code of six digits, such as 330106")]
pub struct BadRegion;

/// All regions and their names, by code.
static TABLE: LazyLock<Vec<(Region, &'static str)>> = LazyLock::new(|| {
    let lines = include_str!("../data/regions.txt").lines();
    let entries = lines.filter_map(|line| {
        let (code, name) = line.split_once(' ')?;
        Some((code.parse().ok()?, name))
    });
    entries.collect()
});

/// Every region there is, with its Chinese name, by code.
pub fn regions() -> &'static [(Region, &'static str)] {
    &TABLE
}

impl Region {
    pub(crate) fn of_code(code: u32) -> Region {
        Region(code)
    }

    /// The code as a number.
    pub fn code(self) -> u32 {
        self.0
    }

    /// Its Chinese name, without those of the divisions it lies in; none if there is no such region.
    pub fn name(self) -> Option<&'static str> {
        let at = TABLE
            .binary_search_by_key(&self, |&(region, _)| region)
            .ok()?;
        TABLE.get(at).map(|&(_, name)| name)
    }

    /// Whether it is one of the smallest divisions there are: a county, a city without counties, or a province without
    /// cities.
    pub fn has_no_parts(self) -> bool {
        let Ok(at) = TABLE.binary_search_by_key(&self, |&(region, _)| region) else {
            return false;
        };
        let next = at.checked_add(1).and_then(|next| TABLE.get(next));
        next.is_none_or(|&(next, _)| !self.holds(next))
    }

    fn holds(self, other: Region) -> bool {
        match (self.county(), self.city()) {
            (Some(county), _) => county == other,
            (None, Some(city)) => other.city() == Some(city),
            (None, None) => other.province() == self,
        }
    }

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
    fn the_table_knows_names_and_smallest_divisions() {
        let codes = regions().iter().map(|&(region, _)| region);
        assert!(codes.is_sorted_by(|low, high| low < high));
        assert!(3_000 < regions().len());
        for &(region, name) in regions() {
            assert!(!name.is_empty() && name == name.trim(), "{region}");
            assert!(region.province().name().is_some(), "{region}");
            assert!(
                region.city().is_none_or(|city| city.name().is_some()),
                "{region}"
            );
        }
        //          code       name            no parts
        for (code, name, leaf) in [
            ("330000", Some("浙江省"), false),
            ("330100", Some("杭州市"), false),
            ("330106", Some("西湖区"), true),
            ("330199", None, false),
            ("441900", Some("东莞市"), true),
            ("441901", None, false),
            ("710000", Some("台湾省"), true),
            ("990000", None, false),
        ] {
            let region: Region = code.parse().unwrap();
            assert_eq!(
                (region.name(), region.has_no_parts()),
                (name, leaf),
                "{code}"
            );
        }
    }

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
