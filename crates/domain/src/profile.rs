//! Profiles: named limits on what may be published and paid (rules 11).

use minicbor::{Decode, Encode};

use crate::{Campaign, Kind, Rate, Refusal};

/// The limits a campaign is published under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Profile {
    /// Every kind that is built, for demonstration and tests. Nothing ties a profile to a payment channel yet.
    #[n(0)]
    Seed,
    /// Cautious limits for mainland China.
    #[n(1)]
    CnDefault,
}

impl Profile {
    /// Its name in campaign files.
    pub fn name(self) -> &'static str {
        match self {
            Profile::Seed => "seed",
            Profile::CnDefault => "cn-default",
        }
    }

    /// What share of "all winners return" must be covered too (rules 8).
    pub fn return_reserve(self) -> Rate {
        match self {
            Profile::Seed => Rate(0),
            Profile::CnDefault => Rate(crate::RATE_ONE_PPM),
        }
    }

    /// What share of "all coins at face" must be covered too (rules 8).
    pub fn coin_reserve(self) -> Rate {
        self.return_reserve()
    }

    /// Refuses a campaign that this profile does not allow, naming the limit.
    pub fn check(self, campaign: &Campaign) -> Result<(), Refusal> {
        match (self, campaign.kind) {
            (Profile::Seed, Kind::Draw) => Ok(()),
            (Profile::CnDefault, Kind::Draw) => Err(Refusal::ProfileForbids {
                profile: self,
                limit: "kinds",
            }),
        }
    }
}
