//! Profiles: named limits on what may be published and paid (rules 11).

use minicbor::{Decode, Encode};

use crate::{
    Campaign, Kind, Leftover, Money, PlanTerms, Rate, Refusal, VipRule,
    rewards::{Program, Source},
};

/// The most that one prize may be worth under the cautious profile (rules 11).
const PRIZE_CAP: Money = Money(5_000_000);

/// The limits a campaign is published under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Profile {
    /// Everything, for demonstration and tests. Nothing ties a profile to a payment channel yet.
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
        match self {
            Profile::Seed => Ok(()),
            Profile::CnDefault => self.check_cn_default(campaign),
        }
    }

    /// Refuses a campaign whose plan this profile does not allow: VIP levels by kept sales only, where they count (rules 11).
    pub(crate) fn check_plan(self, campaign: &Campaign, plan: &PlanTerms) -> Result<(), Refusal> {
        let by_heads = matches!(plan.vip, VipRule::Invitees(_));
        let counts = campaign.rewards.iter().any(|reward| {
            matches!(&reward.program, Program::Generation(program) if program.vip_depth.is_some())
        });
        match self {
            Profile::CnDefault if by_heads && counts => Err(Refusal::ProfileForbids {
                profile: self,
                limit: "vip_by_invitees",
            }),
            Profile::CnDefault | Profile::Seed => Ok(()),
        }
    }

    /// Rules 11: kinds in which nobody pays and gets his money back, one generation from buyers only, consolation in coins,
    /// the programs that pay for heads or ranks off.
    fn check_cn_default(self, campaign: &Campaign) -> Result<(), Refusal> {
        let forbids = |limit| {
            Err(Refusal::ProfileForbids {
                profile: self,
                limit,
            })
        };
        match campaign.kind {
            Kind::EveryoneBuys | Kind::BonusDraw | Kind::Ballot => {}
            Kind::Draw | Kind::Treat => return forbids("kinds"),
        }
        if let Some(prize) = &campaign.prize
            && PRIZE_CAP < prize.cost
        {
            return forbids("prize_value_cap");
        }
        if campaign.leftover == Leftover::Dividend {
            return forbids("dividend");
        }
        for reward in &campaign.rewards {
            match &reward.program {
                Program::Consolation(program) if program.cash.is_positive() => {
                    return forbids("consolation_cash");
                }
                Program::Formation(_) => return forbids("formation"),
                Program::Differential(_) => return forbids("differential"),
                Program::SameLevel(_) => return forbids("same_level"),
                Program::Dividend(_) => return forbids("dividend"),
                Program::Generation(program) if 1 < program.rates.len() => {
                    return forbids("max_generations");
                }
                // Plan 1 counts heads. Of other plans publication asks: see `check_plan`.
                Program::Generation(program)
                    if program.vip_depth.is_some() && campaign.plan == 1 =>
                {
                    return forbids("vip_by_invitees");
                }
                Program::Consolation(_)
                | Program::WinnerBonus(_)
                | Program::Leader(_)
                | Program::Generation(_)
                | Program::Region(_) => {}
            }
            // Where everyone buys, all seats are buyers.
            let of_buyers = match reward.program.source() {
                None | Some(Source::Winners) => true,
                Some(Source::NonWinners | Source::All) => campaign.kind.everyone_buys(),
            };
            if !of_buyers {
                return forbids("reward_source");
            }
        }
        Ok(())
    }
}
